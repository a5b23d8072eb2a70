package Vouch::Gemini::Server::Program 0.001;

use v5.16;
use warnings;

use Errno       qw(EAGAIN EINPROGRESS EINTR EWOULDBLOCK);
use Fcntl       qw(F_GETFL F_SETFL O_NONBLOCK);
use IO::Handle  ();
use POSIX       ();
use Socket      qw(SOL_SOCKET SO_ERROR);
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

use IO::Socket::IP          ();
use IO::Socket::UNIX        ();
use Vouch::Gemini::Response ();
use Vouch::Poller           ();

# A program that answers: a CGI, which is a child process, or a server that is
# asked with SCGI.  Never waits: proceed() does what can be done, and what it
# needs next is told by wants().

use constant {
    HEADER_MAX => 1029,      # "20 " and 1024 bytes and CR LF
    PIECE      => 65_536,    # bytes that are read at once
    PATIENCE   => 2,         # seconds between asking a process to go and ending it
    MOMENT     => 0.25,      # seconds between the end of its output and its own
};

my %DEFINED = map { $_ => 1 } qw(10 11 20 30 31 40 41 42 43 44 50 51 52 53 59 60 61 62);

# Processes that have been told to go: pid => when to end them.
my %leaving;

sub cgi {
    my ($class, %arg) = @_;
    my $self = $class->_new(%arg, failure => 42);
    pipe my $from, my $out or return $self->_fail("pipe: $!");
    pipe my $in,   my $to  or return $self->_fail("pipe: $!");
    my $pid = fork // return $self->_fail("fork: $!");
    _become($in, $out, %arg) if $pid == 0;
    POSIX::setpgid($pid, $pid);    # whichever of the two comes first
    close $_ for $in, $out;
    @$self{qw(pid owner to from)} = ($pid, $$, $to, $from);
    _no_waiting($_) for $to, $from;
    $self->{unsent} = $arg{body} // '';
    $self->_send;
    return $self;
}

sub scgi {
    my ($class, %arg) = @_;
    my $self   = $class->_new(%arg, failure => 43);
    my %env    = (%{ $arg{env} }, CONTENT_LENGTH => length($arg{body} // ''), SCGI => 1);
    my $length = delete $env{CONTENT_LENGTH};
    my $text   = join '', map { "$_\0" } CONTENT_LENGTH => $length,
        map { $_ => $env{$_} } sort keys %env;
    my $socket = _connect($arg{to}) // return $self->_fail("cannot connect to $arg{to}: " . ($! || $@));
    @$self{qw(to from socket)} = ($socket, $socket, $socket);
    $self->{unsent} = length($text) . ":$text," . ($arg{body} // '');
    return $self;
}

sub _new {
    my ($class, %arg) = @_;
    my $now = _now();
    return bless {
        failure  => $arg{failure},
        timeout  => $arg{timeout},
        what     => $arg{what},
        warn     => $arg{warn},
        ends     => $now + $arg{lifetime},
        progress => $now,
        unsent   => '',
        read     => '',
    }, $class;
}

sub _now { return clock_gettime(CLOCK_MONOTONIC) }

sub _no_waiting {
    my ($handle) = @_;
    fcntl $handle, F_SETFL, fcntl($handle, F_GETFL, 0) | O_NONBLOCK;
    return;
}

sub _connect {
    my ($to) = @_;
    $! = 0;
    return IO::Socket::UNIX->new(Peer => $to, Blocking => 0) if $to =~ m{\A/};
    my ($host, $port) = $to =~ /\A\[?(.+?)\]?:([0-9]+)\z/;
    return IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Blocking => 0);
}

# In the child: a process group of its own, so that all it starts goes with it.
sub _become {
    my ($in, $out, %arg) = @_;
    POSIX::setpgid(0, 0);
    local %SIG = %SIG;
    $SIG{$_} = 'DEFAULT' for qw(ALRM CHLD HUP INT PIPE TERM USR1 USR2);
    open STDIN,  '<&', $in  or POSIX::_exit(126);
    open STDOUT, '>&', $out or POSIX::_exit(126);
    my ($folder) = $arg{script} =~ m{\A(.*)/}s;
    chdir($folder // '/') or POSIX::_exit(126);
    %ENV = (PATH => $ENV{PATH} // '/usr/bin:/bin', %{ $arg{env} });
    { no warnings 'exec'; exec { $arg{script} } $arg{script} }
    POSIX::_exit(127);
}

# A function that is told of each descriptor before it is closed.
sub on_release { my ($self, $code) = @_; $self->{released} = $code; return }

# What to wait for: pairs of descriptor and events; none once there is an
# answer and nothing to read for it now.
sub wants {
    my ($self) = @_;
    my %want;
    $want{ fileno $self->{to} }   |= Vouch::Poller::WRITE if $self->{to} && length $self->{unsent};
    $want{ fileno $self->{from} } |= Vouch::Poller::READ
        if $self->{from} && !($self->{socket} && $self->{to});
    return %want;
}

# When to come back although nothing has happened.
sub deadline {
    my ($self) = @_;
    my $silent = $self->{progress} + $self->{timeout};
    return $silent < $self->{ends} ? $silent : $self->{ends};
}

# Go on; the answer once there is one, else undef.
sub proceed {
    my ($self) = @_;
    return $self->{response} if $self->{response};
    $self->_advance;
    return $self->{response} //= $self->_begin;
}

# The next piece of the body: '' for nothing now, undef for the end.
sub next_piece {
    my ($self) = @_;
    $self->_advance if !length $self->{read};
    if (length $self->{read}) {
        my $piece = $self->{read};
        $self->{read} = '';
        return $piece;
    }
    return $self->{from} || $self->_is_about_to_end ? '' : undef;
}

# Its output has ended: how it has ended itself is known a moment later.
sub _is_about_to_end {
    my ($self) = @_;
    return 0 if !$self->{pid};
    $self->_reap;
    return 0 if !$self->{pid};
    return 1 if _now() < $self->{progress} + MOMENT;
    $leaving{ delete $self->{pid} } = $self->{ends};
    return 0;
}

# Whether its body has ended otherwise than by its own will.
sub is_cut { return $_[0]{cut} }

# Whether it has had all the time it may have.
sub is_over { return _now() >= $_[0]{ends} }

sub expire {
    my ($self) = @_;
    my $why = $self->is_over ? 'has run for too long' : 'has said nothing for too long';
    $self->_tell($why);
    $self->{cut} = 1;
    $self->end;
    return $self->{response} //= $self->_refusal($why);
}

# A socket is connected once something could be written.
sub _advance {
    my ($self) = @_;
    $self->_send if length $self->{unsent};
    $self->_read if $self->{from} && !($self->{socket} && $self->{to});
    return;
}

sub _send {
    my ($self) = @_;
    my $to = $self->{to} // return;
    while (length $self->{unsent}) {
        my $sent = syswrite $to, $self->{unsent}, PIECE;
        return if !defined $sent && ($!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR});
        last   if !$sent;
        $self->{progress} = _now();
        substr $self->{unsent}, 0, $sent, '';
    }
    # It need not want to read all of it.
    $self->{unsent} = '';
    $self->_let_go('to');
    return;
}

# Who waits for a descriptor is told before it is closed, and another may get
# its number.
sub _let_go {
    my ($self, $name) = @_;
    my $handle = delete $self->{$name} // return;
    return                              if $self->{socket} && ($self->{to} || $self->{from});
    $self->{released}->(fileno $handle) if $self->{released};
    close $handle;
    return;
}

sub _read {
    my ($self) = @_;
    my $count  = sysread $self->{from}, $self->{read}, PIECE, length $self->{read};
    if ($count) { $self->{progress} = _now(); return }
    return                 if !defined $count && ($!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR});
    $self->{broken} = "$!" if !defined $count;
    $self->_let_go('from');
    $self->{progress} = _now();
    return;
}

# Its first line, once it is there.
sub _begin {
    my ($self) = @_;
    my $end    = index $self->{read}, "\n";
    if ($end < 0) {
        return $self->_wrong('has said more than a header has') if length $self->{read} > HEADER_MAX;
        return                                                  if $self->{from};
        return $self->_wrong($self->{broken} // 'has ended without a header');
    }
    my $line = substr $self->{read}, 0, $end + 1, '';
    my ($status, $meta) = $line =~ /\A([1-6][0-9])(?: ([^\x00-\x1F\x7F]*))?\r?\n\z/;
    return $self->_wrong('has said something that is no header') if !$status || !$DEFINED{$status};
    my $response = eval {
        Vouch::Gemini::Response->new(
            status => $status,
            meta   => $meta // '',
            $status =~ /\A2/ ? (body => $self) : (),
        );
    } // return $self->_wrong('has said something that is no header');
    $self->end if $status !~ /\A2/;
    return $response;
}

sub _wrong {
    my ($self, $why) = @_;
    $self->_tell($why);
    $self->end;
    return $self->_refusal($why);
}

sub _fail {
    my ($self, $why) = @_;
    $self->_tell($why);
    $self->{response} = $self->_refusal($why);
    return $self;
}

# The log has the reason; to the client, programs are the server's own affair.
sub _refusal {
    my ($self, $why) = @_;
    my $meta =
        $self->{failure} == 42 ? 'The program on this page has failed' : 'The server behind this page fails';
    return Vouch::Gemini::Response->new(status => $self->{failure}, meta => $meta);
}

sub _tell {
    my ($self, $why) = @_;
    $self->{warn}->("$self->{what} $why");
    return;
}

sub _reap {
    my ($self) = @_;
    return if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
    delete $self->{pid};
    my $signal = $? & 127;
    return if !$signal;
    $self->{cut} = 1;
    $self->_tell("was ended by signal $signal");
    return;
}

# No more of it is wanted.
sub end {
    my ($self) = @_;
    $self->_let_go($_) for qw(to from);
    @$self{qw(unsent read)} = ('', '');
    my $pid = delete $self->{pid} // return;
    return if $self->{owner} != $$;
    kill TERM => -$pid;
    $leaving{$pid} = _now() + PATIENCE;
    return;
}

# From time to time: take in who has gone, and end who has not.  With a true
# argument, all at once.
sub sweep {
    my ($now, $all) = @_;
    for my $pid (keys %leaving) {
        if ($all || $now >= $leaving{$pid}) {
            kill KILL => -$pid;
            waitpid $pid, 0;
        }
        elsif (waitpid($pid, POSIX::WNOHANG()) == 0) { next }
        delete $leaving{$pid};
    }
    return scalar keys %leaving;
}

# A new process has none of these.
sub forget { %leaving = (); return }

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    $self->end;
    return;
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Program - a CGI, or a server behind SCGI (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Program;

    my $program = Vouch::Gemini::Server::Program->cgi(
        script   => '/srv/cgi-bin/hello',
        env      => { GATEWAY_INTERFACE => 'CGI/1.1' },
        what     => '/hello',
        warn     => sub { warn "$_[0]\n" },
        timeout  => 30,
        lifetime => 600,
    );
    my $response = $program->proceed;    # or wait for what it wants

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release. What
programs may do is told in L<Vouch::Gemini::Server/Programs>.

=head1 METHODS

=head2 cgi, scgi

    my $program = Vouch::Gemini::Server::Program->scgi(to => '/run/app.sock', env => $env, ...);

Starts one, without waiting.

=head2 wants, deadline

    my %events = $program->wants;

Descriptors to wait for, with what for; and until when.

=head2 on_release

    $program->on_release(sub { my ($fd) = @_; ... });

A function that is told of each of these descriptors before it is closed.

=head2 proceed

    my $response = $program->proceed;

Does what can be done. The L<Vouch::Gemini::Response> once there is one; its body
is the program.

=head2 next_piece

    my $bytes = $program->next_piece;

Of the body: the empty text for nothing now, undef for the end.

=head2 is_cut

    say 'killed' if $program->is_cut;

Whether the body has ended before its time.

=head2 is_over

    $program->expire if $program->is_over;

Whether it has had all the time it may have.

=head2 expire, end

    my $response = $program->expire;

The deadline has passed; no more is wanted.

=head2 sweep, forget

    Vouch::Gemini::Server::Program::sweep($now);

Takes in processes that have ended, and ends those that were asked to go and have
not. Returns how many are left. C<forget> is for a process that was forked.

=head2 HEADER_MAX, PIECE, PATIENCE, MOMENT

    my $limit = Vouch::Gemini::Server::Program::PIECE;

Bytes of a header, bytes read at once, and seconds.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
