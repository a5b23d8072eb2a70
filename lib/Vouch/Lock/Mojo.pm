package Vouch::Lock::Mojo 0.001;

use v5.16;
use warnings;

use Mojo::IOLoop  ();
use Mojo::Promise ();

use parent 'Vouch::Lock::Async';

sub new {
    my ($class, %arg) = @_;
    my $loop = delete $arg{ioloop} // Mojo::IOLoop->singleton;
    Vouch::Error->throw(code => 'argument', message => "there is no argument '$_'") for sort keys %arg;
    return bless { loop => $loop }, $class;
}

sub take {
    my ($self, $name, %arg) = @_;
    $self = $self->new if !ref $self;
    my $promise = Mojo::Promise->new;
    $promise->ioloop($self->{loop});
    $self->_begin(sub { $_[0]->is_held ? $promise->resolve($_[0]) : $promise->reject($_[0]->error) },
        $name, %arg);
    return $promise;
}

sub _io {
    my ($self, $fd, $want, $code) = @_;
    my $reactor = $self->{loop}->reactor;
    my $handle  = Vouch::Lock::Handle->_new($fd);
    $reactor->io($handle => sub { $code->() })->watch($handle, $want eq 'read', $want eq 'write');
    return Vouch::Lock::Async::_until_forgotten(sub { $reactor->remove($handle) });
}

sub _after {
    my ($self, $seconds, $code) = @_;
    my $reactor = $self->{loop}->reactor;
    my $id      = $reactor->timer($seconds => sub { $code->() });
    return Vouch::Lock::Async::_until_forgotten(sub { $reactor->remove($id) });
}

1;

__END__

=head1 NAME

Vouch::Lock::Mojo - locks in programs of Mojolicious, as promises

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock::Mojo;

    Vouch::Lock::Mojo->take('report', timeout => 5)->then(
        sub { my ($lock) = @_; say 'held' },
        sub { my ($error) = @_; warn $error->message, "\n" },
    )->wait;

=head1 DESCRIPTION

Waits for a L<Vouch::Lock> in the loop of L<Mojo::IOLoop>, while other things go on.
A lock that is held is watched: when the daemon goes away its C<on_lost> is called
at once, and a lease gets its signs of life.

=for example begin perl needs Mojo::IOLoop

    use v5.16;
    use warnings;
    use Mojo::IOLoop;
    use Vouch::Lock::Mojo;

    Vouch::Lock::Mojo->take('desk')->then(sub {
        my ($lock) = @_;
        say 'ant has it';
        Mojo::IOLoop->timer(0.05 => sub { $lock->release });
        return Vouch::Lock::Mojo->take('desk');
    })->then(sub { say 'bee has it' })->wait;
    # prints: ant has it
    # prints: bee has it

=for example end

=head1 CALLBACKS

C<on_lost>: see L<Vouch::Lock/CALLBACKS>. An exception in it goes to the C<error>
event of the reactor.

=head1 METHODS

=head2 new

    my $locks = Vouch::Lock::Mojo->new(ioloop => $loop);

For another loop than C<< Mojo::IOLoop->singleton >>.

=head2 take

    my $promise = Vouch::Lock::Mojo->take($name, timeout => 5, server => $server);

Begin to take a lock, with the arguments of L<Vouch::Lock/new>. The L<Mojo::Promise>
is resolved with the lock or rejected with a L<Vouch::Error>. It keeps its result:
the lock is let go when the program calls L<Vouch::Lock/release>, or has forgotten
the lock and the promise.

=head1 ERRORS

See L<Vouch::Lock/ERRORS>; a wrong argument is thrown, and rejects nothing.

=head1 THREADS AND FORK

See L<Vouch::Lock/THREADS AND FORK>. A child that goes on with its parent's loop
calls C<< Mojo::IOLoop->reset >>, as ever.

=head1 SEE ALSO

L<Vouch::Lock>, L<Mojo::Promise>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
