package Vouch::Lock::Numbers 0.001;

use v5.16;
use warnings;

use Exporter qw(import);
use Vouch    ();

# The numbers that Vouch::Lock, its parts and the XS code under them use; and
# now_ms, which is in xs/Lock.xs.

use constant {
    FOREVER    => -1,
    WANT_READ  => -2,
    WANT_WRITE => -3,
    WANT_TIME  => -4,    # nothing but that time passes
};

# What becomes of a lock.
use constant {
    PENDING  => 0,
    HELD     => 1,
    REFUSED  => 2,
    RELEASED => 3,
    LOST     => 4,
    GIVEN    => 5,
};

use constant {
    EX       => 5,     # the mode for one alone
    PAUSE_MS => 10,    # between two tries
};

# The numbers of a request, in the order in which xs/lock.c reads them.
use constant {
    MODE     => 0,
    QUANTITY => 1,
    WAIT     => 2,
    CREATE   => 3,
    IDLE     => 4,
    LEASE    => 5,
};

our @EXPORT_OK = qw(
    FOREVER WANT_READ WANT_WRITE WANT_TIME
    PENDING HELD REFUSED RELEASED LOST GIVEN
    MODE QUANTITY WAIT CREATE IDLE LEASE
    EX PAUSE_MS now_ms
);

1;

__END__

=head1 NAME

Vouch::Lock::Numbers - the numbers of a lock (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->new('report');

=head1 DESCRIPTION

For use by L<Vouch::Lock> only; it may change in any release.

States of a lock, what it waits for, and the places of a request.

=head1 METHODS

=head2 now_ms

    my $ms = now_ms();

Milliseconds of a clock that is never set.

=head1 SEE ALSO

L<Vouch::Lock>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
