package Vouch::Lock::IOAsync 0.001;

use v5.16;
use warnings;

use IO::Async::Loop ();

use parent 'Vouch::Lock::Async';

sub new {
    my ($class, %arg) = @_;
    my $loop = delete $arg{loop} // IO::Async::Loop->new;
    Vouch::Error->throw(code => 'argument', message => "there is no argument '$_'") for sort keys %arg;
    return bless { loop => $loop }, $class;
}

sub take {
    my ($self, $name, %arg) = @_;
    $self = $self->new if !ref $self;
    my $future = $self->{loop}->new_future;
    my $lock   = $self->_begin(
        sub {
            my ($lock) = @_;
            return if $future->is_ready;
            if   ($lock->is_held) { $future->done($lock) }
            else                  { $future->fail($lock->error, lock => $lock->reason) }
        },
        $name,
        %arg
    );
    $future->on_cancel(sub { $lock->release; undef $lock });
    $future->on_ready(sub { undef $lock });
    return $future;
}

sub _io {
    my ($self, $fd, $want, $code) = @_;
    my $loop   = $self->{loop};
    my $handle = Vouch::Lock::Handle->_new($fd);
    $loop->watch_io(handle => $handle, "on_${want}_ready" => $code);
    return Vouch::Lock::Async::_until_forgotten(
        sub { $loop->unwatch_io(handle => $handle, "on_${want}_ready" => 1) });
}

sub _after {
    my ($self, $seconds, $code) = @_;
    my $loop = $self->{loop};
    my $id   = $loop->watch_time(after => $seconds, code => $code);
    return Vouch::Lock::Async::_until_forgotten(sub { $loop->unwatch_time($id) });
}

1;

__END__

=head1 NAME

Vouch::Lock::IOAsync - locks in programs of IO::Async, as futures

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use IO::Async::Loop;
    use Vouch::Lock::IOAsync;

    my $loop = IO::Async::Loop->new;
    my $lock = Vouch::Lock::IOAsync->new(loop => $loop)->take('report', timeout => 5)->get;

=head1 DESCRIPTION

Waits for a L<Vouch::Lock> in an L<IO::Async::Loop>, while other things go on. A lock
that is held is watched: when the daemon goes away its C<on_lost> is called at once,
and a lease gets its signs of life.

=for example begin perl needs IO::Async::Loop

    use v5.16;
    use warnings;
    use IO::Async::Loop;
    use Vouch::Lock::IOAsync;

    my $loop  = IO::Async::Loop->new;
    my $locks = Vouch::Lock::IOAsync->new(loop => $loop);
    my $first = $locks->take('desk')->get;
    my $next  = $locks->take('desk')->on_done(sub { say 'the next has it' });
    $loop->watch_time(after => 0.05, code => sub { $first->release });
    $next->get->release;    # prints: the next has it
    say $locks->take('a.b', timeout => 1)->get->element;    # prints: a

=for example end

=head1 CALLBACKS

C<on_lost>: see L<Vouch::Lock/CALLBACKS>.

=head1 METHODS

=head2 new

    my $locks = Vouch::Lock::IOAsync->new(loop => $loop);

For this loop; without one for C<< IO::Async::Loop->new >>, which is the same for the
whole program.

=head2 take

    my $future = $locks->take($name, timeout => 5, server => $server);

Begin to take a lock, with the arguments of L<Vouch::Lock/new>. The L<Future> is done
with the lock or fails with a L<Vouch::Error>, the category C<lock> and the reason.
C<get> and C<await> throw that as a L<Future::Exception>, whose C<message> is the error.
If it is cancelled, nobody waits any more. It keeps its result: the lock is let go
when the program calls L<Vouch::Lock/release>, or has forgotten the lock and the
future.

=head1 ERRORS

See L<Vouch::Lock/ERRORS>; a wrong argument is thrown.

=head1 THREADS AND FORK

See L<Vouch::Lock/THREADS AND FORK>.

=head1 SEE ALSO

L<Vouch::Lock>, L<IO::Async::Loop>, L<Future>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
