package Vouch::Lock::Reason 0.001;

use v5.16;
use warnings;

use Exporter qw(import);

# Why there is no lock: a word for programs, a sentence for people.

use constant {
    LOCK_BUSY        => 'busy',
    LOCK_TIMEOUT     => 'timeout',
    LOCK_ABSENT      => 'absent',
    LOCK_IMPOSSIBLE  => 'impossible',
    LOCK_REFUSED     => 'refused',
    LOCK_UNREACHABLE => 'unreachable',
    LOCK_TLS         => 'tls',
    LOCK_PROTOCOL    => 'protocol',
    LOCK_LOST        => 'lost',
    LOCK_RELEASED    => 'released',
    LOCK_UNSUPPORTED => 'unsupported',
};

our @EXPORT_OK = qw(
    LOCK_BUSY LOCK_TIMEOUT LOCK_ABSENT LOCK_IMPOSSIBLE LOCK_REFUSED LOCK_UNREACHABLE
    LOCK_TLS LOCK_PROTOCOL LOCK_LOST LOCK_RELEASED LOCK_UNSUPPORTED
);

# FLoM's return codes that an answer of the daemon may have, and those that
# tell that there was none.
my %OF_CODE = (
    3    => LOCK_REFUSED,
    4    => LOCK_BUSY,
    5    => LOCK_ABSENT,
    6    => LOCK_IMPOSSIBLE,
    9    => LOCK_TIMEOUT,
    -2   => LOCK_UNREACHABLE,
    -7   => LOCK_REFUSED,
    -12  => LOCK_REFUSED,
    -13  => LOCK_PROTOCOL,
    -22  => LOCK_TLS,
    -23  => LOCK_TLS,
    -24  => LOCK_TLS,
    -27  => LOCK_LOST,
    -105 => LOCK_UNREACHABLE,
    -110 => LOCK_UNREACHABLE,
    -126 => LOCK_LOST,
    -130 => LOCK_LOST,
    -409 => LOCK_LOST,
    -412 => LOCK_LOST,
);

my %SAYS = (
    busy       => 'is held by another',
    absent     => 'is not there, and was neither to be made nor to be waited for',
    impossible => 'can never be had like this',
);

# The word for a code.
sub _of_code {
    my ($code) = @_;
    return $OF_CODE{$code} // ($code <= -400 ? LOCK_TLS : LOCK_PROTOCOL);
}

# The sentence for a word about a lock; $more is what the other side says.
sub _sentence {
    my ($reason, $name, $more) = @_;
    my $says = $SAYS{$reason} // return "the lock '$name': " . ($more || $reason);
    return "the lock '$name' $says" . ($more ? ": $more" : q());
}

1;

__END__

=head1 NAME

Vouch::Lock::Reason - why there is no lock (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->new('report');    # or Vouch::Lock->reason

=head1 DESCRIPTION

For use by L<Vouch::Lock> only; it may change in any release.

Words for programs, and sentences for people, out of the codes of FLoM. The words are
L<Vouch::Lock/ERRORS>.

=head1 METHODS

None for others.

=head1 SEE ALSO

L<Vouch::Lock>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
