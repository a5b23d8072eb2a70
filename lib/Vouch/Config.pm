package Vouch::Config 0.001;

use v5.16;
use warnings;

use Vouch ();

# The XS object under Vouch::Context; its methods are in xs/Config.xs.

sub CLONE_SKIP { return 1 }

1;

__END__

=head1 NAME

Vouch::Config - the configuration of the C core under a Vouch::Context

=head1 DESCRIPTION

For the inside of Vouch.  One of these owns OpenSSL's C<SSL_CTX>, is set up
once from the arguments of L<Vouch::Context>, and is frozen by its first use.
C<< $context->reload >> makes a new one; connections keep the one they began
with.

=head1 SEE ALSO

L<Vouch::Context>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
