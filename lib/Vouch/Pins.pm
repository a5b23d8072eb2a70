package Vouch::Pins 0.001;

use v5.16;
use warnings;

use Vouch        ();
use Vouch::Error ();

# A set of fingerprints by itself; its methods are in xs/Pins.xs.

sub CLONE_SKIP { return 1 }

1;

__END__

=head1 NAME

Vouch::Pins - a set of fingerprints (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Certificate;
    use Vouch::Pins;

    my $certificate = Vouch::Certificate->from_file('alex-cert.pem');
    my $pins = Vouch::Pins::_new();
    $pins->_add('sha256$5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef');
    say $pins->_matches($certificate) ? 'known' : 'unknown';

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> and L<Vouch::Trust>; it may change in any release. Programs
have L<Vouch::Context/Pins>.

It carries a set of the C core (F<csrc/tls/pins.h>), to which certificates are
compared that a handshake has let in whoever they are of.

=head1 METHODS

None for others; see F<xs/Pins.xs>.

=head1 SEE ALSO

L<Vouch::Context>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
