package Vouch::Lock::AnyEvent 0.001;

use v5.16;
use warnings;

use AnyEvent ();

use parent 'Vouch::Lock::Async';

sub new {
    my ($class, %arg) = @_;
    Vouch::Error->throw(code => 'argument', message => "there is no argument '$_'") for sort keys %arg;
    return bless {}, $class;
}

sub take {
    my ($self, $name, %arg) = @_;
    $self = $self->new if !ref $self;
    my $done = AnyEvent->condvar;
    $self->_begin(sub { $_[0]->is_held ? $done->send($_[0]) : $done->croak($_[0]->error) }, $name, %arg);
    return $done;
}

sub _io {
    my ($self, $fd, $want, $code) = @_;
    return AnyEvent->io(fh => $fd, poll => $want eq 'read' ? 'r' : 'w', cb => $code);
}

sub _after {
    my ($self, $seconds, $code) = @_;
    return AnyEvent->timer(after => $seconds, cb => $code);
}

1;

__END__

=head1 NAME

Vouch::Lock::AnyEvent - locks in programs of AnyEvent, as condition variables

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use AnyEvent;
    use Vouch::Lock::AnyEvent;

    my $lock = Vouch::Lock::AnyEvent->take('report', timeout => 5)->recv;

=head1 DESCRIPTION

Waits for a L<Vouch::Lock> in the loop of L<AnyEvent>, whichever it is, while other
things go on. A lock that is held is watched: when the daemon goes away its C<on_lost>
is called at once, and a lease gets its signs of life.

=for example begin perl needs AnyEvent::Loop

    use v5.16;
    use warnings;
    use AnyEvent;
    use Vouch::Lock::AnyEvent;

    my $first = Vouch::Lock::AnyEvent->take('desk')->recv;
    my $next  = Vouch::Lock::AnyEvent->take('desk');
    my $timer = AnyEvent->timer(after => 0.05, cb => sub { $first->release });
    say $next->recv->name;    # prints: desk

=for example end

=head1 CALLBACKS

C<on_lost>: see L<Vouch::Lock/CALLBACKS>.

=head1 METHODS

=head2 new

    my $locks = Vouch::Lock::AnyEvent->new;

Not needed: the methods are called of the class, too.

=head2 take

    my $condvar = Vouch::Lock::AnyEvent->take($name, timeout => 5, server => $server);

Begin to take a lock, with the arguments of L<Vouch::Lock/new>. C<recv> of the
condition variable returns the lock, or throws the L<Vouch::Error>. It keeps its
result: the lock is let go when the program calls L<Vouch::Lock/release>, or has
forgotten the lock and the variable.

=head1 ERRORS

See L<Vouch::Lock/ERRORS>; a wrong argument is thrown at once.

=head1 THREADS AND FORK

See L<Vouch::Lock/THREADS AND FORK>.

=head1 SEE ALSO

L<Vouch::Lock>, L<AnyEvent>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
