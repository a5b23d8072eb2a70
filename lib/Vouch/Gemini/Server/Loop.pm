package Vouch::Gemini::Server::Loop 0.001;

use v5.16;
use warnings;

use Errno        qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Handle   ();
use List::Util   qw(min);
use Scalar::Util qw(weaken);
use Socket       qw(SHUT_WR);
use Time::HiRes  qw(CLOCK_MONOTONIC clock_gettime);

use Vouch::Error                   ();
use Vouch::Gemini::Server::Program ();
use Vouch::Gemini::Server::Session ();
use Vouch::Poller                  ();
use Vouch::Socket                  ();

# Many connections in one process: which are ready, whose time is over.  What
# is said on them is the affair of their sessions.

use constant {
    RECORD     => 16_384,        # bytes read or written at once
    TURNS      => 32,            # of these in a row for one connection
    QUEUE      => 131_072,       # bytes that the system holds for one that does not take them
    NAP        => 0.1,           # seconds until a function without bytes is asked again
    LINGER     => 5,             # seconds to let a peer finish that was answered early,
    LINGER_MAX => 60,            # or more as long as it sends
    LINGERERS  => 1000,          # that are let
    DISCARD    => 67_108_864,    # bytes that are thrown away for one
    FEW        => 500,           # connections whose deadlines are looked at
    SOON       => 0.2,           # after so many seconds; those of more once a second
};

sub new {
    my ($class, $server) = @_;
    return bless {
        server  => $server,
        poller  => Vouch::Poller::_new(),
        conns   => {},                      # by descriptor
        by_fd   => {},                      # a program's descriptor => its connection
        again   => {},                      # to be looked at although nothing happens
        napping => {},
        late    => 0,                       # lingering
        swept   => 0,
        sweep   => min(1, map { $_ / 4 } @$server{qw(header_timeout idle_timeout body_timeout)}),
    }, $class;
}

# Accept until somebody says stop, and then finish what runs.
sub run {
    my ($self, $listener) = @_;
    my $server = $self->{server};
    my ($stop, $reload) = (0, 0);
    local $SIG{TERM} = sub { $stop   = 1 };
    local $SIG{INT}  = sub { $stop   = 1 };
    local $SIG{HUP}  = sub { $reload = 1 };
    local $SIG{PIPE} = 'IGNORE';
    $self->{listener} = $listener;
    $self->_watch_listener;

    until ($self->{stopping} && !%{ $self->{conns} }) {
        $self->_turn;
        if ($reload) { $reload = 0; $server->reload }
        $self->_stop if !$self->{stopping} && ($stop || $server->{stopped} || $self->_is_orphan);
    }
    Vouch::Gemini::Server::Program::sweep(0, 1);
    return;
}

# One connection that is there already, to its end.
sub serve {
    my ($self, $socket) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $stream = tied *$socket // Vouch::Error->throw(
        code    => 'argument',
        message => 'serve takes a Vouch::Socket whose handshake is done',
    );
    $stream->_never_wait;
    $self->_begin($stream, $socket);
    $self->_turn while %{ $self->{conns} };
    Vouch::Gemini::Server::Program::sweep(0, 1);
    return;
}

sub _watch_listener {
    my ($self) = @_;
    my $fd = $self->{listener}->fileno;
    $self->{listener_fd} = $fd // -1;
    $self->{poller}->_add($fd, Vouch::Poller::READ) if defined $fd;
    return;
}

# A worker whose parent has gone without a word.
sub _is_orphan { my ($self) = @_; return $self->{parent} && getppid != $self->{parent} }

sub _stop {
    my ($self) = @_;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    $self->{stopping} = $now + $self->{server}{grace};
    $self->{poller}->_remove($self->{listener_fd}) if $self->{listener_fd} >= 0;
    $self->{listener_fd} = -1;
    (delete $self->{listener})->close;
    # Who has said nothing gets a second to do so.
    for my $conn (values %{ $self->{conns} }) {
        next if $conn->{session} || $conn->{deadline} < $now + 1;
        $conn->{deadline} = $now + 1;
    }
    return;
}

sub _turn {
    my ($self) = @_;
    my @ready  = $self->{poller}->_wait($self->_wait_ms);
    my $fd     = $self->{listener_fd} // -1;
    my $accept = 0;
    while (my ($ready, $events) = splice @ready, 0, 2) {
        if    ($ready == $fd)                      { $accept = 1 }
        elsif (my $conn = $self->{conns}{$ready})  { $self->_event($conn, $events) }
        elsif (my $other = $self->{by_fd}{$ready}) { $self->_program_event($other) }
    }
    my $now = clock_gettime(CLOCK_MONOTONIC);
    $self->_accept      if $self->{listener} && ($accept || $now >= ($self->{due} // $now + 1));
    $self->_again       if %{ $self->{again} };
    $self->_sweep($now) if $now - $self->{swept} >= $self->_sweep_after;
    $self->_nap($now)   if %{ $self->{napping} };
    return;
}

sub _wait_ms {
    my ($self)   = @_;
    my $listener = $self->{listener};
    my $next     = $listener           ? $listener->_wait_ms : -1;
    my $ms       = %{ $self->{again} } ? 0 : 1000 * (%{ $self->{napping} } ? NAP : $self->_sweep_after);
    $self->{due} = $next >= 0 ? clock_gettime(CLOCK_MONOTONIC) + $next / 1000 : undef;
    return $next >= 0 && $next < $ms ? $next : int($ms + 0.999);
}

# To look at few is cheap, so that is done more often.
sub _sweep_after {
    my ($self) = @_;
    my $count = keys %{ $self->{conns} };
    return $count && $count < FEW ? min(SOON, $self->{sweep}) : $self->{sweep};
}

sub _accept {
    my ($self) = @_;
    $self->_begin($_) for $self->{listener}->_ready_ones;
    return;
}

# Most send their request with the end of the handshake, and have a short
# answer: then this is all there is.
sub _begin {
    my ($self, $stream, $socket) = @_;
    my $count = $stream->READ(my $bytes, RECORD);
    my $session;
    if ($count) {
        $session = Vouch::Gemini::Server::Session->_new($self->{server}, { stream => $stream });
        $session->_header($bytes);
        if (defined(my $out = $session->_whole)) {
            my $sent = $stream->WRITE($out, RECORD);
            if ($sent && $sent == length $out) {
                $session->_end;
                return $socket ? $stream->CLOSE : $stream->_end(0, 0);
            }
            $session->_take_back($out, $sent);
        }
    }
    return $self->_keep($stream, $socket, $session, $count, $!);
}

# The others.
sub _keep {
    my ($self, $stream, $socket, $session, $count, $errno) = @_;
    my $fd   = $stream->FILENO;
    my $conn = $self->{conns}{$fd} = {
        socket   => $socket,
        stream   => $stream,
        session  => $session,
        fd       => $fd,
        watched  => 0,
        deadline => clock_gettime(CLOCK_MONOTONIC) + $self->{server}{header_timeout},
    };
    return $self->_end_of_input($conn)               if defined $count  && $count == 0;
    return $self->_drop($conn)                       if !defined $count && !_is_later($errno);
    return $self->_watch($conn, Vouch::Poller::READ) if !$session;
    return $self->_listens($session) ? $self->_readable($conn) : $self->_writable($conn);
}

# Whether there is more to be read.
sub _listens {
    my ($self, $session) = @_;
    my $state = $session->{state};
    return $state eq 'header' || $state eq 'body';
}

sub _is_later { my ($errno) = @_; return $errno == EAGAIN || $errno == EWOULDBLOCK || $errno == EINTR }

sub _event {
    my ($self, $conn, $events) = @_;
    return $self->_discard($conn)  if $conn->{lingers};
    return $self->_writable($conn) if length $conn->{out};
    return $self->_readable($conn);
}

# Read what there is, and let the session have it.
sub _readable {
    my ($self, $conn) = @_;
    my $stream = $conn->{stream};
    for (1 .. TURNS) {
        my $count = $stream->READ(my $bytes, RECORD);
        if ($count) {
            my $session = $conn->{session} //=
                Vouch::Gemini::Server::Session->_new($self->{server}, { stream => $stream });
            next if !$self->_listens($session);    # more than it was to say
            $session->receive($bytes);
            next if $self->_listens($session);
            return $self->_writable($conn);
        }
        if (!defined $count) {
            return $self->_watch($conn, Vouch::Poller::READ)
                if _is_later($!);
            return $self->_drop($conn);
        }
        return $self->_end_of_input($conn);
    }
    $self->{again}{ $conn->{fd} } = [$conn, '_readable'];
    return;
}

sub _end_of_input {
    my ($self, $conn) = @_;
    my $session = $conn->{session} // return $self->_close($conn);
    $conn->{at_end} = 1;
    $session->receive_end;
    return $self->_writable($conn);
}

# Send what there is; find out what comes next.
sub _writable {
    my ($self,   $conn)    = @_;
    my ($stream, $session) = @$conn{qw(stream session)};
    for (1 .. TURNS) {
        if (!length($conn->{out} // '')) {
            my $out = $session->output // return $self->_finish($conn);
            return $self->_wait_for_more($conn) if $out eq '';
            @$conn{qw(out at)} = ($out, 0);
            $stream->_queue(QUEUE) if !$conn->{has_queue}++;
        }
        my $sent = $stream->WRITE($conn->{out}, RECORD, $conn->{at});
        if (!defined $sent) {
            return $self->_watch($conn, Vouch::Poller::WRITE)
                if _is_later($!);
            return $self->_drop($conn);
        }
        $conn->{at} += $sent;
        if ($conn->{at} >= length $conn->{out}) { $conn->{out} = '' }
        $session->progress;
    }
    return $self->_watch($conn, Vouch::Poller::WRITE) if length $conn->{out};
    $self->{again}{ $conn->{fd} } = [$conn, '_writable'];
    return;
}

# For the peer, a program, or a function that has nothing now.
sub _wait_for_more {
    my ($self, $conn) = @_;
    my $session = $conn->{session};
    my $program = $session->program;
    $self->_watch_program($conn, $program) if $program;
    $self->{napping}{ $conn->{fd} } = $conn
        if $program ? !%{ $conn->{program_fds} } : $session->{state} eq 'answer';
    return $self->_watch($conn, $conn->{at_end} ? 0 : Vouch::Poller::READ);
}

sub _watch {
    my ($self, $conn, $events) = @_;
    return if $conn->{watched} == $events;
    my $poller = $self->{poller};
    my $good =
         !$events          ? $poller->_remove($conn->{fd})
        : $conn->{watched} ? $poller->_change($conn->{fd}, $events)
        :                    $poller->_add($conn->{fd}, $events);
    if (!$good) { return $self->_drop($conn) if $events }
    $conn->{watched} = $events;
    return;
}

# The descriptors of its program, one or two, whichever they are now.
sub _watch_program {
    my ($self, $conn, $program) = @_;
    my $before = $conn->{program_fds} //= {};
    my %want   = $program ? $program->wants : ();
    for my $fd (grep { !exists $want{$_} } keys %$before) {
        $self->_release($conn, $fd);
    }
    for my $fd (keys %want) {
        my $was = $before->{$fd} // 0;
        next if $was == $want{$fd};
        my $verb = $was ? '_change' : '_add';
        next if !$self->{poller}->$verb($fd, $want{$fd});
        $before->{$fd} = $want{$fd};
        $self->{by_fd}{$fd} = $conn;
    }
    weaken(my $loop = $self);
    weaken(my $peer = $conn);
    $program->on_release(sub { $loop->_release($peer, $_[0]) if $loop && $peer }) if $program;
    return;
}

sub _release {
    my ($self, $conn, $fd) = @_;
    return if !delete $conn->{program_fds}{$fd};
    delete $self->{by_fd}{$fd};
    $self->{poller}->_remove($fd);
    return;
}

sub _program_event {
    my ($self, $conn) = @_;
    $conn->{session}->proceed;
    return $self->_writable($conn) if !length($conn->{out} // '');
    # The peer is slower than the program: that waits.
    return $self->_watch_program($conn, undef);
}

sub _again {
    my ($self) = @_;
    my $again = $self->{again};
    $self->{again} = {};
    for my $entry (values %$again) {
        my ($conn, $method) = @$entry;
        $self->$method($conn) if $self->_is_open($conn);
    }
    return;
}

sub _is_open { my ($self, $conn) = @_; return ($self->{conns}{ $conn->{fd} } // 0) == $conn }

sub _nap {
    my ($self, $now) = @_;
    return if $now < ($self->{awake} // 0);
    $self->{awake} = $now + NAP;
    my $napping = $self->{napping};
    $self->{napping} = {};
    for my $conn (values %$napping) { $self->_writable($conn) if $self->_is_open($conn) }
    return;
}

# Whose time is over?
sub _sweep {
    my ($self, $now) = @_;
    $self->{swept} = $now;
    my $all   = $self->{stopping} && $now >= $self->{stopping};
    my @conns = values %{ $self->{conns} };
    for my $conn (@conns) {
        if ($all) { $self->_drop($conn); next }
        my $session = $conn->{session};
        next if $now < ($session && !$conn->{lingers} ? $session->{deadline} : $conn->{deadline});
        if    ($conn->{lingers}) { $self->_close($conn) }
        elsif ($session)         { $self->_expire($conn) }
        else                     { $self->_close($conn) }
    }
    Vouch::Gemini::Server::Program::sweep($now);
    return;
}

sub _expire {
    my ($self, $conn) = @_;
    my $session = $conn->{session};
    $session->expire;
    return $self->_drop($conn) if $session->is_cut;
    $conn->{out} = ''          if !defined $conn->{out};
    return $self->_writable($conn);
}

# The answer is sent.
sub _finish {
    my ($self, $conn) = @_;
    my $session = $conn->{session};
    return $self->_drop($conn) if $session->is_cut;
    return $self->_linger($conn)
        if $session->is_early && !$conn->{at_end} && $self->{late} < LINGERERS;
    return $self->_close($conn);
}

# Say goodbye, and let the peer go on sending for a while: to close now would
# have its system throw our answer away before it is read.
sub _linger {
    my ($self, $conn) = @_;
    my $socket = $conn->{socket};
    if   ($socket) { $conn->{stream}->_detach(0) }
    else           { open $socket, '+<&=', $conn->{stream}->_end(0, 1) or return $self->_close($conn) }
    $conn->{socket} = $socket;
    IO::Handle::blocking($socket, 0);
    shutdown $socket, SHUT_WR;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    @$conn{qw(lingers discarded deadline linger_end)} = (1, 0, $now + LINGER, $now + LINGER_MAX);
    $self->{late}++;
    $self->_watch_program($conn, undef) if $conn->{program_fds};
    return $self->_discard($conn);
}

# What comes now is ciphertext that nobody wants.
sub _discard {
    my ($self, $conn) = @_;
    for (1 .. TURNS) {
        my $count = sysread $conn->{socket}, my $bytes, 65_536;
        return $self->_watch($conn, Vouch::Poller::READ)
            if !defined $count && _is_later($!);
        return $self->_close($conn) if !$count || ($conn->{discarded} += $count) > DISCARD;
        $conn->{deadline} = min($conn->{linger_end}, clock_gettime(CLOCK_MONOTONIC) + LINGER);
    }
    $self->{again}{ $conn->{fd} } = [$conn, '_discard'];
    return;
}

# Close it, with a goodbye.
sub _close {
    my ($self, $conn) = @_;
    $self->_forget($conn);
    if    ($conn->{lingers}) { close $conn->{socket} }
    elsif ($conn->{socket})  { $conn->{stream}->CLOSE }
    else                     { $conn->{stream}->_end(0, 0) }
    return;
}

# Close it without: the peer shall see that this is not all.
sub _drop {
    my ($self, $conn) = @_;
    $self->_forget($conn);
    $conn->{session}->abandon   if $conn->{session};
    $conn->{stream}->_end(1, 0) if !$conn->{lingers};
    close $conn->{socket}       if $conn->{socket};
    return;
}

sub _forget {
    my ($self, $conn) = @_;
    my $fd = $conn->{fd};
    $self->{poller}->_remove($fd)       if $conn->{watched};
    $self->_watch_program($conn, undef) if $conn->{program_fds};
    $self->{late}--                     if $conn->{lingers};
    delete $self->{again}{$fd}          if %{ $self->{again} };
    delete $self->{napping}{$fd}        if %{ $self->{napping} };
    delete $self->{conns}{$fd};
    return;
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Loop - many connections in one process (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Loop;

    sub serve {
        my ($server, $listener) = @_;
        return Vouch::Gemini::Server::Loop->new($server)->run($listener);
    }

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release.

It accepts through a L<Vouch::Listener>, has a L<Vouch::Gemini::Server::Session>
for each connection that has said something, and looks after their deadlines.

=head1 METHODS

=head2 new

    my $loop = Vouch::Gemini::Server::Loop->new($server);

=head2 run

    $loop->run($listener);

Until SIGTERM, SIGINT, or L<Vouch::Gemini::Server/stop>; then to the end of what
runs.

=head2 serve

    $loop->serve($socket);

One connection, to its end.

=head2 RECORD, TURNS, QUEUE, NAP, LINGER, LINGER_MAX, LINGERERS, DISCARD, FEW, SOON

    my $seconds = Vouch::Gemini::Server::Loop::LINGER;

Limits; see the code.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
