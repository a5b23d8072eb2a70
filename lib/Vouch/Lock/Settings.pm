package Vouch::Lock::Settings 0.001;

use v5.16;
use warnings;

use Vouch ();

# The XS object with FLoM's settings in a Vouch::Lock::Server.  Its methods are
# in xs/LockSettings.xs.

sub CLONE_SKIP { return 1 }

1;

__END__

=head1 NAME

Vouch::Lock::Settings - the XS object of the settings of FLoM (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->new('report');    # by Vouch::Lock::Settings

=head1 DESCRIPTION

For use by L<Vouch::Lock> only; it may change in any release.

It carries the settings of the C core (F<csrc/flom/settings.h>), with the values that
files and arguments have given them.

=head1 METHODS

None for others; see F<xs/LockSettings.xs>.

=head1 SEE ALSO

L<Vouch::Lock>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
