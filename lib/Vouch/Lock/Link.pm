package Vouch::Lock::Link 0.001;

use v5.16;
use warnings;

use Vouch ();

# The XS object under a lock that is held or waited for: one connection to the
# daemon.  Its methods are in xs/LockLink.xs.

sub CLONE_SKIP { return 1 }

1;

__END__

=head1 NAME

Vouch::Lock::Link - the XS object of a connection to the lock daemon (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->new('report');    # has a Vouch::Lock::Link

=head1 DESCRIPTION

For use by L<Vouch::Lock> only; it may change in any release.

It carries a client of the C core (F<csrc/flom/client.h>). After a fork the process
that does not have the lock closes its copy at once.

=head1 METHODS

None for others; see F<xs/LockLink.xs>.

=head1 SEE ALSO

L<Vouch::Lock>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
