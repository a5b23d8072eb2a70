package Vouch::Lock::Async 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(weaken);

use Vouch::Lock         ();
use Vouch::Lock::Handle ();

# What the adapters to loops of events have in common.  One of a loop has
#
#   _io($fd, $want, $code)   watch a descriptor; undef the result to end that
#   _after($seconds, $code)  a timer, likewise

sub CLONE_SKIP { return 1 }

# Begin to take a lock; $settled is called with it when it is held or refused,
# never before this returns.  From then on it is watched for as long as it lives.
sub _begin {
    my ($self, $settled, $name, %arg) = @_;
    my $lock  = Vouch::Lock->begin($name, %arg);
    my $drive = { lock => $lock, settled => $settled };
    $lock->{ended}  = sub { %$drive = (settled => $drive->{settled}) };
    $drive->{timer} = $self->_after(0, sub { $self->_turn($drive) });
    return $lock;
}

sub _turn {
    my ($self, $drive) = @_;
    delete $drive->{timer};
    my $lock       = $drive->{lock} // return;
    my $is_settled = $lock->advance;
    $self->_watch($drive, $lock);
    return if !$is_settled;
    my $settled = delete $drive->{settled} // return;
    # From now on it lives as long as the program wants.
    weaken $drive->{lock} if $drive->{lock};
    $settled->($lock);
    return;
}

sub _watch {
    my ($self, $drive, $lock) = @_;
    return if !$drive->{lock};    # it has ended
    my $want  = $lock->want;
    my @fd    = $want ? $lock->filenos : ();
    my $watch = "$want @fd";
    if ($watch ne ($drive->{watch} // q())) {
        delete $drive->{io};
        $drive->{io} = [
            map {
                $self->_io($_, $want, sub { $self->_turn($drive) })
            } @fd
        ];
        $drive->{watch} = $watch;
    }
    my $seconds = $lock->wait_seconds;
    $drive->{timer} = $self->_after($seconds, sub { $self->_turn($drive) }) if defined $seconds;
    return;
}

# A watcher that ends when it is forgotten.
sub _until_forgotten {
    my ($end) = @_;
    return bless { end => $end, pid => $$ }, 'Vouch::Lock::Async::Watcher';
}

package Vouch::Lock::Async::Watcher {    ## no critic (ProhibitMultiplePackages)
    sub CLONE_SKIP { return 1 }

    sub DESTROY {
        my ($self) = @_;
        return if $self->{pid} != $$;
        local ($@, $!);
        $self->{end}->();
        return;
    }
}

1;

__END__

=head1 NAME

Vouch::Lock::Async - what the adapters to loops of events share (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock::Mojo;

    my $promise = Vouch::Lock::Mojo->take('report');

=head1 DESCRIPTION

For use by L<Vouch::Lock::Mojo> and the like only; it may change in any release.

It watches what a lock that is begun waits for, and calls back when that is
settled; then it watches that it is still held.

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
