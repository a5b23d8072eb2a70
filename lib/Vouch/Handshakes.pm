package Vouch::Handshakes 0.001;

use v5.16;
use warnings;

use Vouch ();

# The XS object under Vouch::Listener; its methods are in xs/Handshakes.xs.

sub CLONE_SKIP { return 1 }

1;

__END__

=head1 NAME

Vouch::Handshakes - the XS object in a Vouch::Listener (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Listener;

    my $listener = Vouch::Listener->new(
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    );    # holds a Vouch::Handshakes

=head1 DESCRIPTION

For use by L<Vouch::Listener> only; it may change in any release.

It carries a listener of the C core (F<csrc/tls/listener.h>): the handshakes
that are under way, their deadlines, and the set of descriptors that wakes it.

=head1 METHODS

None for others; see F<xs/Handshakes.xs>.

=head1 SEE ALSO

L<Vouch::Listener>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
