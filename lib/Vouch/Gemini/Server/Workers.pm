package Vouch::Gemini::Server::Workers 0.001;

use v5.16;
use warnings;

use IO::Handle  ();
use POSIX       ();
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime sleep);

use Vouch::Gemini::Server::Loop    ();
use Vouch::Gemini::Server::Program ();

# Several processes that accept from one listening socket, and one that looks
# after them.

use constant {
    SHORT => 1,      # a worker that lives shorter than this, in seconds, is a bad sign
    PAUSE => 1,      # seconds before another one follows it
    AGAIN => 0.5,    # seconds between telling them to end
};

sub new {
    my ($class, $server, $count) = @_;
    return bless { server => $server, count => $count, born => {}, pause => 0 }, $class;
}

sub run {
    my ($self, $listener) = @_;
    my ($stop, $reload)   = (0, 0);
    local $SIG{TERM} = sub { $stop   = 1 };
    local $SIG{INT}  = sub { $stop   = 1 };
    local $SIG{HUP}  = sub { $reload = 1 };
    local $SIG{CHLD} = sub { };    # so that it ends a sleep
    until ($stop) {
        $self->_start($listener) while $self->_is_wanted;
        sleep 0.5;
        $self->_take_in;
        if ($reload) { $reload = 0; $self->_reload }
    }
    $self->_end;
    $listener->close;
    return;
}

sub _is_wanted {
    my ($self) = @_;
    return keys %{ $self->{born} } < $self->{count} && clock_gettime(CLOCK_MONOTONIC) >= $self->{pause};
}

sub _start {
    my ($self, $listener) = @_;
    my $parent = $$;
    my $pid    = fork;
    if (!defined $pid) {
        $self->{server}->_complain("cannot start a worker: $!");
        $self->{pause} = clock_gettime(CLOCK_MONOTONIC) + PAUSE;
        return;
    }
    if ($pid == 0) {
        my $good = eval { $self->_work($listener, $parent); 1 };
        $self->{server}->_complain("a worker has died: $@") if !$good;
        $_->flush for \*STDOUT, \*STDERR;
        POSIX::_exit($good ? 0 : 1);
    }
    $self->{born}{$pid} = clock_gettime(CLOCK_MONOTONIC);
    return;
}

sub _work {
    my ($self, $listener, $parent) = @_;
    $SIG{CHLD} = 'DEFAULT';
    Vouch::Gemini::Server::Program::forget();
    srand;
    my $loop = Vouch::Gemini::Server::Loop->new($self->{server});
    $loop->{parent} = $self->{server}{parent} = $parent;
    $self->{server}{on_start}->() if $self->{server}{on_start};
    $loop->run($listener);
    return;
}

# Those that have ended; one that did so at once does so again, and slowly.
sub _take_in {
    my ($self) = @_;
    while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) {
        my $born = delete $self->{born}{$pid} // next;
        my $now  = clock_gettime(CLOCK_MONOTONIC);
        my $how  = $? & 127 ? 'signal ' . ($? & 127) : 'status ' . ($? >> 8);
        $self->{server}->_complain("a worker has ended with $how; another one follows");
        $self->{pause} = $now + PAUSE if $now - $born < SHORT;
    }
    return;
}

# First here, so that a worker that comes later has the new, too.
sub _reload {
    my ($self) = @_;
    $self->{server}->reload;
    kill HUP => keys %{ $self->{born} };
    return;
}

sub _end {
    my ($self) = @_;
    my $until  = clock_gettime(CLOCK_MONOTONIC) + $self->{server}{grace} + 5;
    my $again  = 0;
    while (my @left = keys %{ $self->{born} }) {
        # Again and again, as one that has only just begun may have missed it.
        if (clock_gettime(CLOCK_MONOTONIC) > $again) {
            kill TERM => @left;
            $again = clock_gettime(CLOCK_MONOTONIC) + AGAIN;
        }
        for my $pid (@left) {
            delete $self->{born}{$pid} if waitpid($pid, POSIX::WNOHANG()) != 0;
        }
        sleep 0.05 if %{ $self->{born} };
        kill KILL => keys %{ $self->{born} } if clock_gettime(CLOCK_MONOTONIC) > $until;
    }
    return;
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Workers - processes that share a listening socket (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Workers;

    sub serve {
        my ($server, $listener) = @_;
        return Vouch::Gemini::Server::Workers->new($server, 4)->run($listener);
    }

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release.

One that ends is followed by another. SIGHUP reaches all, SIGTERM ends all.

=head1 METHODS

=head2 new

    my $workers = Vouch::Gemini::Server::Workers->new($server, $count);

=head2 run

    $workers->run($listener);

=head2 SHORT, PAUSE, AGAIN

    my $seconds = Vouch::Gemini::Server::Workers::PAUSE;

When a worker has ended within so many seconds, another one follows only after so
many; and seconds between telling them to end.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
