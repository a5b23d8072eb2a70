package Vouch::Listener 0.001;

use v5.16;
use warnings;

use Errno        qw(EAGAIN EBADF ETIMEDOUT);
use Scalar::Util qw(blessed looks_like_number weaken);
use Time::HiRes  ();

use Vouch::Error      ();
use Vouch::Handshakes ();
use Vouch::Socket     ();

use constant HANDSHAKES => 1000;    # at once, if nobody says how many
use constant BACKLOG    => 128;     # connections that the kernel keeps waiting
use constant IDLE       => 0.05;    # seconds between looks where no descriptor tells

# Arguments of ours; the others are Vouch::Socket's.
my @OWN = qw(Handshakes HandshakeTimeout PerAddress MaxConnections on_error);

my @STATS = qw(accepted ready failed timed_out refused displaced exhausted pending open);

sub new {
    my ($class, %arg) = @_;
    my %own    = map { $_ => delete $arg{$_} } grep { exists $arg{$_} } @OWN;
    my $socket = delete $arg{Socket};
    $own{HandshakeTimeout} //= Vouch::Socket::HANDSHAKE_TIMEOUT;
    $own{Handshakes}       //= HANDSHAKES;
    _check(\%own);
    my $settings;
    if (defined $socket) {
        $settings = _settings_of($socket, \%arg);
    }
    else {
        $socket   = Vouch::Socket->new(Listen => BACKLOG, %arg) // return;
        $settings = ${*$socket}{vouch};
    }
    return $class->_around($socket, $settings, \%own);
}

sub accept {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $class) = @_;
    my $client = shift @{ $self->{ready} };
    my $socket = $self->{socket};
    my $wait   = $self->{blocking} && $socket ? ${*$socket}{io_socket_timeout} : 0;
    my $end    = $wait             && Time::HiRes::time() + $wait;
    until ($client) {
        my $ms   = $end ? _until($end) : defined $wait ? 0 : -1;
        my $next = $self->_next($class, $ms, 0) // return $self->_nobody;
        $client = $next if ref $next ne 'ARRAY';
    }
    return wantarray ? ($client, $client->peername) : $client;
}

sub advance {
    my ($self, $class) = @_;
    my $ready  = $self->{ready};
    my $looked = 0;
    # Those that are ready are kept where an exception does not reach them.
    while (defined(my $next = $self->_next($class, 0, $looked))) {
        $looked = 1;
        push @$ready, $next if ref $next ne 'ARRAY';
    }
    my @all = splice @$ready;
    return @all;
}

# The same for a loop of ours, which needs no handles: a Vouch::Stream for each.
sub _ready_ones {
    my ($self) = @_;
    my ($handshakes, $socket) = @$self{qw(handshakes socket)};
    return if ref $handshakes ne 'Vouch::Handshakes' || !$socket;
    my $config = $self->{context}{config};
    my ($looked, @ready) = (0);
    while (defined(my $next = $handshakes->_next($socket, $config, '', 0, $looked))) {
        $looked = 1;
        if   (ref $next eq 'ARRAY') { $self->_tell(@$next) }
        else                        { push @ready, $next }
    }
    return @ready;
}

# Milliseconds until there is something to do for it, -1 for never.
sub _wait_ms {
    my ($self) = @_;
    my $ms = $self->{handshakes}->_timeout;
    return $ms if $self->{handshakes}->_fd >= 0;
    return $ms >= 0 && $ms < 1000 * IDLE ? $ms : 1000 * IDLE;
}

sub fileno {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self)     = @_;
    my $handshakes = $self->_handshakes // return;
    my $fd         = $handshakes->_fd;
    return $fd < 0 ? undef : $fd;
}

# A copy: a handle closes what it is made of.
sub handle {
    my ($self) = @_;
    my $fd = $self->fileno // return;
    return $self->{handle} if $self->{handle} && $self->{handle_pid} == $$;
    open my $handle, '<&', $fd or return;
    @$self{qw(handle handle_pid)} = ($handle, $$);
    return $handle;
}

sub next_deadline {
    my ($self) = @_;
    return 0 if @{ $self->{ready} };
    my $handshakes = $self->_handshakes // return;
    my $ms         = $handshakes->_timeout;
    my $seconds    = $ms < 0 ? undef : $ms / 1000;
    return $seconds if defined $self->fileno;
    return defined $seconds && $seconds < IDLE ? $seconds : IDLE;
}

sub pending {
    my ($self) = @_;
    my $handshakes = $self->_handshakes // return 0;
    return $handshakes->_pending;
}

sub stats {
    my ($self) = @_;
    my %stats;
    @stats{@STATS} = $self->_handshakes ? $self->{handshakes}->_stats : (0) x @STATS;
    return \%stats;
}

sub blocking {
    my ($self, @new) = @_;
    my $before = $self->{blocking};
    $self->{blocking} = $new[0] ? 1 : 0 if @new;
    return $before;
}

sub timeout {
    my ($self, @new) = @_;
    my $socket = $self->{socket} // return;
    my $before = ${*$socket}{io_socket_timeout};
    ${*$socket}{io_socket_timeout} = $new[0] if @new;
    return $before;
}

sub close {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    my $socket = $self->_end // return !!0;
    return $socket->isa('Vouch::Socket') ? $socket->close : CORE::close($socket);
}

sub opened {
    my ($self) = @_;
    return !!($self->{handshakes} && $self->{socket} && defined CORE::fileno($self->{socket}));
}

sub socket {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    return $self->{socket};
}

sub context {
    my ($self) = @_;
    return $self->{context};
}

sub sockport { my ($self) = @_; return $self->_ask_socket('sockport') }
sub sockhost { my ($self) = @_; return $self->_ask_socket('sockhost') }
sub sockname { my ($self) = @_; return $self->{socket} && getsockname $self->{socket} }

# A UNIX socket has neither host nor port.
sub _ask_socket {
    my ($self, $method) = @_;
    my $socket = $self->{socket} // return;
    return $socket->can($method) ? $socket->$method : undef;
}

# The arguments of ours that Vouch::Socket has found; undef without Handshakes.
sub _take_arguments {
    my ($arg) = @_;
    my %own = map { $_ => delete $arg->{$_} } grep { exists $arg->{$_} } @OWN;
    return if !%own;
    if (!defined $own{Handshakes}) {
        my ($name) = sort grep { defined $own{$_} } keys %own;
        return if !defined $name;
        _bad_argument("$name needs Handshakes => NUMBER");
    }
    _bad_argument('Handshakes is for sockets that listen: give Listen too') if !$arg->{Listen};
    _check(\%own);
    return \%own;
}

# For a socket that accepts through us.
sub _inside {
    my ($class, $socket, $own) = @_;
    my $settings = ${*$socket}{vouch};
    $own->{HandshakeTimeout} //= $settings->{timeout};
    my $self = $class->_around($socket, $settings, $own);
    weaken $self->{socket};
    return $self;
}

sub _around {
    my ($class, $socket, $settings, $own) = @_;
    _check_settings($settings);
    my $blocking   = IO::Handle::blocking($socket) ? 1 : 0;
    my $handshakes = Vouch::Handshakes::_new(
        CORE::fileno($socket), $settings->{context}{arg}{SSL_verify_callback},
        $own->{Handshakes}, $own->{PerAddress} // 0,
        $own->{MaxConnections} // 0, Vouch::Socket::Arguments::_milliseconds($own->{HandshakeTimeout}),
        $settings->{idle_ms}, $settings->{max_line},
        $own->{on_error} ? 1 : 0,
    );
    return bless {
        handshakes => $handshakes,
        socket     => $socket,
        context    => $settings->{context},
        settled    => Vouch::Socket::Arguments::_settled($settings),
        class      => $socket->isa('Vouch::Socket') ? undef : 'Vouch::Socket',
        blocking   => $blocking,
        on_error   => $own->{on_error},
        ready      => [],
    }, $class;
}

# The settings of a socket that listens already, from here or from elsewhere.
sub _settings_of {
    my ($socket, $arg) = @_;
    if (!blessed $socket || !$socket->isa('IO::Handle') || !defined CORE::fileno($socket)) {
        _bad_argument('Socket must be an open listening socket');
    }
    my $settings = $socket->isa('Vouch::Socket') ? ${*$socket}{vouch} : undef;
    return $settings if $settings && !%$arg;
    my @unknown = grep { !/\A(?:SSL_|Timeout\z)/ } sort keys %$arg;
    _bad_argument("$unknown[0] has no effect beside Socket")       if @unknown;
    _bad_argument('Socket has TLS settings of its own, give none') if $settings;
    $settings = Vouch::Socket::Arguments::_settings($socket, { %$arg, SSL_server => 1 });
    ${*$socket}{io_socket_timeout} = $arg->{Timeout};
    return $settings;
}

sub _check_settings {
    my ($settings) = @_;
    _bad_argument('SSL_startHandshake => 0 leaves no handshakes to do')    if $settings->{plain};
    _bad_argument('SSL_error_trap has no socket to look at: use on_error') if $settings->{SSL_error_trap};
    _bad_argument('a listener needs the context of a server') if !$settings->{context}->is_server;
    return;
}

sub _check {
    my ($own) = @_;
    for my $name (qw(Handshakes PerAddress MaxConnections)) {
        my $value = $own->{$name} // next;
        next if !ref $value && $value =~ /\A[0-9]{1,9}\z/ && ($value > 0 || $name ne 'Handshakes');
        my $least = $name eq 'Handshakes' ? 1 : 0;
        _bad_argument("$name must be a whole number, $least or more, not '$value'");
    }
    my $seconds = $own->{HandshakeTimeout} // 0;
    if (ref $seconds || !looks_like_number($seconds) || !($seconds >= 0 && $seconds < 1e12)) {
        _bad_argument("HandshakeTimeout must be a number, 0 or more, not '$seconds'");
    }
    if (defined $own->{on_error} && !Vouch::Context::_is_code($own->{on_error})) {
        _bad_argument("on_error must be a code reference, not '$own->{on_error}'");
    }
    return;
}

sub _bad_argument {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

sub _until {
    my ($end) = @_;
    my $left = int(($end - Time::HiRes::time()) * 1000) + 1;
    return $left > 1 ? $left : 1;
}

# The handshakes, if this is open and of this thread.
sub _handshakes {
    my ($self) = @_;
    my $handshakes = $self->{handshakes};
    return blessed $handshakes ? $handshakes : undef;
}

# The next that is ready, or a failure, told; undef with $!.
sub _next {
    my ($self, $class, $wait, $looked) = @_;
    my ($handshakes, $socket) = @$self{qw(handshakes socket)};
    if (ref $handshakes ne 'Vouch::Handshakes' || !$socket) {    # closed, or another thread's
        $! = EBADF;
        return;
    }
    $class = defined $class ? Vouch::Socket::_class_to_accept($class) : $self->{class} // ref $socket;
    my $next = $handshakes->_next($socket, $self->{context}{config}, $class, $wait, $looked) // return;
    if   (ref $next eq 'ARRAY') { $self->_tell(@$next) }
    else                        { ${*$next}{vouch} = $self->{settled} }
    return $next;
}

sub _nobody {
    my ($self) = @_;
    if ($! == ETIMEDOUT && !$self->{blocking}) {
        $!                        = EAGAIN;
        $Vouch::Socket::SSL_ERROR = Vouch::Socket::SSL_WANT_READ;
        return;
    }
    return Vouch::Socket::_failed_accept($! + 0);
}

# Tell the program about a connection that failed.
sub _tell {
    my ($self, $what, $address, $facts, $exception) = @_;
    my ($host, $port) = $address =~ /\A\[?(.+?)\]?:([0-9]+)\z/;
    my $name = $facts->{server_name};
    my $who  = join ' for ', grep { length } $address, $name // '';
    return _warn_of($who, $exception) if !$self->{on_error};
    my $error = Vouch::Error->new(%$facts);
    $self->{on_error}->({
        what        => defined $exception ? 'callback' : $what,
        text        => join(': ', grep { length } $who, $error->message),
        address     => length $address ? $address : undef,
        host        => $host,
        port        => $port,
        server_name => $name,
        exception   => $exception,
        error       => $error,
    });
    return;
}

# A mistake in the program's callback must not stay unseen.
sub _warn_of {
    my ($who, $exception) = @_;
    my $text = eval { "$exception" } // ref $exception;
    chomp $text;
    warn "the verify callback died for $who: $text\n";
    return;
}

# No more handshakes; the socket, if it was open.
sub _end {
    my ($self) = @_;
    my ($handshakes, $socket) = delete @$self{qw(handshakes socket context settled handle)};
    $handshakes->_stop if blessed $handshakes;
    $self->{ready} = [];
    return $socket;
}

1;

__END__

=head1 NAME

Vouch::Listener - accept TLS connections without waiting for slow clients

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Listener;

    my $listener = Vouch::Listener->new(
        LocalAddr     => '::',
        LocalPort     => 1965,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
        on_error      => sub { my ($failure) = @_; warn "$failure->{text}\n" },
    ) or die "cannot listen: $Vouch::Socket::SSL_ERROR\n";

    while (my $client = $listener->accept) {    # the handshake is done
        print $client "hello\r\n";
        close $client;
    }

=head1 DESCRIPTION

The C<accept> of a L<Vouch::Socket> does the TLS handshake of one client, and
while that client is slow, or silent on purpose, all others wait. A
Vouch::Listener accepts every TCP connection at once, goes on with whichever
handshake has received something, and hands out connections in the order in
which they are ready. It does so in one thread and without a child process.

Each handshake has its own deadline. One that fails, for whatever reason, costs
that connection only: it is counted, told to C<on_error>, and C<accept> goes on.
So C<< while (my $client = $listener->accept) >> is a server's loop that no
client can end.

A client that has not finished its handshake costs no Perl object. One that says
nothing costs a descriptor and some 300 bytes, one that has begun what OpenSSL
needs for it, some 45 kB.

The connections that come out are L<Vouch::Socket>s as from any C<accept>:
blocking, with the settings of the listener. What happens on them after the
handshake is the program's to wait for, so a program that serves one client
after the other is slow again where a client sends its request slowly; see
L</Event loops>, or give each connection to a child process or thread of work.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::Listener;

    Vouch::Identity->create(cn => 'localhost', san => ['127.0.0.1'], file => 'server');

    my $listener = Vouch::Listener->new(
        LocalAddr     => '127.0.0.1',
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
        on_error      => sub { my ($failure) = @_; say "$failure->{what}: $failure->{text}" },
    ) or die "cannot listen: $Vouch::Socket::SSL_ERROR\n";

    if (fork == 0) {
        my %to     = (PeerAddr => '127.0.0.1', PeerPort => $listener->sockport);
        my $silent = IO::Socket::IP->new(%to);
        my $wrong  = IO::Socket::IP->new(%to);
        print $wrong "GET / HTTP/1.0\r\n\r\n";
        my $right = Vouch::Socket->new(%to, SSL_ca_file => 'server-cert.pem') or die;
        my $line  = <$right>;
        exit;
    }

    my $client = $listener->accept or die "no client: $!\n";
    print $client "welcome\n";
    say 'served one, ', $listener->pending, ' under way';
    close $client;
    wait;

    # prints: handshake: 127.0.0.1:...: ...http request...
    # prints: served one, 1 under way

=for example end

=head2 With Vouch::Socket

A program that has a L<Vouch::Socket> that listens needs one more argument for
it, and no other change:

    my $server = Vouch::Socket->new(
        LocalPort     => 1965,
        Listen        => 128,
        Handshakes    => 1000,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    );

Its C<accept> then does what is described here, and never returns undef for a
client's fault. C<HandshakeTimeout>, C<PerAddress>, C<MaxConnections> and
C<on_error> may be given too; the default of C<HandshakeTimeout> there is
C<Timeout>. C<< $server->listener >> is the Vouch::Listener, for its other
methods. C<select> on the socket itself tells of new TCP connections only:
wait for C<< $server->listener->handle >>. Close it with its method C<close>: the
function C<close> leaves the handshakes alone until the next C<accept>, or until
the socket goes out of scope.

=head2 Limits

=over 4

=item Handshakes under way

C<Handshakes>, 1000. When there are as many, new TCP connections wait in the
kernel's queue (C<Listen>). A handshake that has had five seconds gives its
place to one that waits, so that a crowd that says nothing delays the others
for seconds only.

=item Connections from one address

C<PerAddress>, no limit. It counts handshakes and connections that are open.
A further connection from that address is closed at once and told as
C<refused>. An IPv6 address counts by its first 64 bits, as one customer has
all that begin with them. Clients behind one proxy or router share an address.

=item Connections in all

C<MaxConnections>, no limit. It counts handshakes and connections that are open
in this process: those that C<accept> has returned, until they are closed or go
out of scope. Over it, new ones wait in the kernel's queue.

=item Descriptors

When the process, or the system, has no descriptor left, the listener tells it
once as C<system>, gives the place of a handshake that has had five seconds to
the newcomer, or else tries again after 20 milliseconds, and then more and more
seldom, down to twice a second.

=back

=head2 Event loops

An event loop watches L</handle> (or L</fileno>) for reading, sets a timer for
L</next_deadline>, and calls L</advance> when either comes, which does what can
be done without waiting and returns the connections that are ready. The folder
F<examples> of the distribution has whole servers with it: F<listener-io-async.pl>,
F<listener-anyevent.pl> and F<listener-mojo.pl>. With C<select>:

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Listener;

    my $listener = Vouch::Listener->new(
        LocalAddr        => '127.0.0.1',
        SSL_cert_file    => 'server-cert.pem',
        SSL_key_file     => 'server-key.pem',
        HandshakeTimeout => 3,
        on_error         => sub { my ($failure) = @_; say $failure->{what} },
    ) or die "cannot listen: $Vouch::Socket::SSL_ERROR\n";

    my %to     = (PeerAddr => '127.0.0.1', PeerPort => $listener->sockport);
    my $silent = IO::Socket::IP->new(%to);
    if (fork == 0) {
        my $socket = Vouch::Socket->new(%to, SSL_ca_file => 'server-cert.pem') or die;
        my $line   = <$socket>;
        exit;
    }

    my ($served, $bits) = (0, '');
    vec($bits, $listener->fileno, 1) = 1;
    until ($served && !$listener->pending) {
        select my $ready = $bits, undef, undef, $listener->next_deadline;
        for my $client ($listener->advance) {
            print $client "welcome\n";
            close $client;
            say 'served ', ++$served;
        }
    }
    wait;

    # prints: served 1
    # prints: timeout

=for example end

=head1 CALLBACKS

=head2 on_error

    on_error => sub {
        my ($failure) = @_;
        warn "$failure->{text}\n" if $failure->{what} ne 'timeout';
    }

Called by C<accept> and C<advance> for each connection that failed before it was
ready, with a hash reference:

=over 4

=item what

C<handshake> (by TLS, a refused certificate, or a peer that went away),
C<callback> (the verify callback died), C<timeout>, C<refused> (too many from
one address), C<displaced> (five seconds old, and its place was needed), or
C<system> (a connection could not be accepted; it waits for the next try).

=item text

All in one sentence for a log: who, and what was wrong.

=item address, host, port

The peer: C<127.0.0.1:50000> or C<[::1]:50000>, and its parts. undef for
C<system>, and C<host> and C<port> on a UNIX socket.

=item server_name

The host name the client asked for (SNI), if it came that far, else undef.
Other characters than printable ASCII are replaced by a question mark.

=item error

A L<Vouch::Error>, with the usual cause, the side that refused, and a hint where a
handshake had begun.

=item exception

What the verify callback died with, text or object, for C<callback>.

=back

It may do anything, also close the listener. An exception in it is thrown by
C<accept> or C<advance>; nothing is lost, and both can be called again.

The callbacks C<SSL_verify_callback> and C<SSL_passwd_cb> are those of
L<Vouch::Socket/CALLBACKS> and L<Vouch::Context>. A verify callback runs inside
C<accept> or C<advance>; it may close the listener, but any other use of it
dies. One that dies refuses that peer only. That is told to C<on_error>; without
an C<on_error> it is a warning, as a mistake in the program must not stay
unseen. C<SSL_error_trap> is refused, for there is no socket to give it.

=head1 METHODS

=head2 new

    my $listener = Vouch::Listener->new(
        LocalPort     => 1965,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    ) or die "cannot listen: $Vouch::Socket::SSL_ERROR\n";

Takes the arguments of L<Vouch::Socket/new> for a socket that listens (C<Listen>
is 128 if not given), and these:

=over 4

=item Handshakes

How many handshakes may be under way at once. Default 1000.

=item HandshakeTimeout

Seconds, also fractions, for each. Default 30; with 0 they may take for ever.
While the program is busy between two calls of a waiting C<accept> the clients'
time stands still.

=item PerAddress, MaxConnections

See L</Limits>. 0, the default, is no limit.

=item Timeout

Seconds that C<accept> waits for a connection to become ready; undef, the
default, is no limit.

=item on_error

See L</CALLBACKS>.

=item Socket

A socket that listens already, such as one that a supervisor has passed on, or
that another module has made: an L<IO::Socket> object of any class. Beside it
only C<SSL_> arguments and those above are taken, or, where it is a
L<Vouch::Socket>, which has them, no C<SSL_> arguments. It is set to
non-blocking mode.

=back

Returns undef with C<$SSL_ERROR> and C<$!> if it cannot listen there. Dies with
a L<Vouch::Error> for a wrong argument, as L<Vouch::Socket/new> does.

=head2 accept

    my $client = $listener->accept or last;
    my ($client, $address) = $listener->accept;
    my $client = $listener->accept('My::Class');

Waits for a connection to become ready, and returns it; in list context followed
by the peer's packed address. It is of the given class, or of that of the
listening socket. Returns undef (the empty list, in list context), with C<$!>
and C<$SSL_ERROR>, only when

=over 4

=item *

C<Timeout> seconds have passed (ETIMEDOUT),

=item *

it is not to wait, see L</blocking>, and nobody is ready (EAGAIN and
SSL_WANT_READ),

=item *

the listener is closed, or another thread's (EBADF).

=back

Signal handlers run while it waits; when one dies, C<accept> dies with it, and
can be called again.

=head2 advance

    for my $client ($listener->advance) { ... }
    my @clients = $listener->advance('My::Class');

Does what there is to do without waiting, and returns the list of connections
that are ready, which may be empty.

=head2 handle, fileno

    $loop->watch_io(handle => $listener->handle, on_read_ready => sub { ... });
    vec($bits, $listener->fileno, 1) = 1;

A handle, and the number of a descriptor, that is readable whenever C<advance>
has something to do: to be watched, and for nothing else. After a C<fork> the
child gets its own; ask again. Both are undef if the listener is closed, and
where the system has neither epoll nor kqueue: there L</next_deadline> makes the
loop look twenty times a second.

=head2 next_deadline

    my $seconds = $listener->next_deadline;

Seconds until C<advance> has something to do although nothing arrives, as the end
of a handshake's time; 0 for now, undef for never. It changes with each call of
C<advance>.

=head2 pending

    say $listener->pending;

How many handshakes are under way in this process.

=head2 stats

    my $stats = $listener->stats;
    say "$stats->{ready} of $stats->{accepted}";

What has happened since the beginning, as a new hash: TCP connections
C<accepted>, handshakes C<ready>, C<failed>, C<timed_out>, C<refused> and
C<displaced> (see L</on_error>), and how often it was C<exhausted>, without a
descriptor for a connection; and what is now: C<pending> handshakes, and
connections C<open>, handshakes among them.

=head2 blocking

    $listener->blocking(0);

Whether C<accept> waits. Returns what was before. The listening descriptor is
always in non-blocking mode.

=head2 timeout

    $listener->timeout(5);

C<Timeout>: how long C<accept> waits. Returns what was before.

=head2 close

    $listener->close;

Closes the listening socket and the connections whose handshake is not done.
Those that C<accept> has returned stay open. Returns true, or false if it was
closed before. A listener that goes out of scope closes in the same way, except
that a C<Socket> that was given stays open.

=head2 opened

    last if !$listener->opened;

True until it is closed.

=head2 socket

    my $socket = $listener->socket;

The listening socket. Accept with the listener only.

=head2 context

    $listener->context->reload;

The L<Vouch::Context>. After C<reload>, new connections use the new files.

=head2 sockport, sockhost, sockname

    say 'port ', $listener->sockport;

The port and the address it listens on (undef for a UNIX socket), and both as a
packed address.

=head2 HANDSHAKES, BACKLOG, IDLE

    my $default = Vouch::Listener::HANDSHAKES;

The defaults of C<Handshakes> (1000) and C<Listen> (128), and the seconds
between two looks where no descriptor tells (0.05). Not exported.

=head1 ERRORS

As L<Vouch::Socket/ERRORS>: a mistake in the program dies with a
L<Vouch::Error>; what network and clients do is told by C<on_error> and
C<stats>.

=head1 THREADS AND FORK

A listener belongs to the thread that made it. After a C<fork> parent and child
may both accept, as in servers that fork their workers beforehand: each has its
own set of handshakes, and those under way at the C<fork> belong to the parent.
The limits are each process's own.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::Context>, L<Vouch::Error>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
