package Vouch::Config 0.001;

use v5.16;
use warnings;

use Vouch ();

# The XS object under Vouch::Context; its methods are in xs/Config.xs.

sub CLONE_SKIP { return 1 }

1;

__END__

=head1 NAME

Vouch::Config - the XS object in a Vouch::Context (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Context;

    my $context = Vouch::Context->new;    # holds a Vouch::Config

=head1 DESCRIPTION

For use by L<Vouch::Context> only; it may change in any release.

It carries a configuration of the C core (F<csrc/tls/config.h>) with its
callback and its pins. It is set up, frozen, and then shared by connections,
which keep it alive; L<Vouch::Context/reload> makes another one.

=head1 METHODS

None for others; see F<xs/Config.xs>.

=head1 SEE ALSO

L<Vouch::Context>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
