package Vouch::Socket 0.001;

use v5.16;
use warnings;

use Carp           qw(croak);
use Errno          qw(EAGAIN EBADF EINVAL ETIMEDOUT);
use Exporter       ();
use IO::Socket::IP ();
use Scalar::Util   qw(blessed dualvar);
use Symbol         ();
use Time::HiRes    ();

use Vouch                    ();
use Vouch::Context           ();
use Vouch::Error             ();
use Vouch::Socket::Abilities ();
use Vouch::Socket::Arguments ();
use Vouch::Socket::Defaults  ();
use Vouch::Socket::Handshake ();
use Vouch::Socket::Names     ();
use Vouch::Socket::OldNames  ();
use Vouch::Socket::Peer      ();
use Vouch::Socket::Upgrade   ();
use Vouch::Stream            ();

our @ISA = qw(
    Vouch::Socket::Arguments Vouch::Socket::Handshake Vouch::Socket::Peer Vouch::Socket::Upgrade
    Vouch::Socket::Names Vouch::Socket::Abilities Vouch::Socket::Defaults Vouch::Socket::OldNames
    IO::Socket::IP
);

# What programs also call as functions.
{
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    *$_ = __PACKAGE__->can($_)
        for qw(default_ca socketToSSL socket_to_SSL verify_hostname_of_cert),
        @Vouch::Socket::Defaults::FUNCTIONS;
}

our $SSL_ERROR = dualvar(0, '');

# Why the last socket of this thread failed that did.
our $LAST_ERROR;

use constant {
    SSL_VERIFY_NONE                 => 0x00,
    SSL_VERIFY_PEER                 => 0x01,
    SSL_VERIFY_FAIL_IF_NO_PEER_CERT => 0x02,
    SSL_VERIFY_CLIENT_ONCE          => 0x04,
    VOUCH_VERIFY_ANY                => 0x101,
    SSL_OCSP_NO_STAPLE              => 1,
    SSL_OCSP_MUST_STAPLE            => 2,
    SSL_OCSP_FAIL_HARD              => 4,
    SSL_OCSP_FULL_CHAIN             => 8,
    SSL_OCSP_TRY_STAPLE             => 16,
    SSL_WANT_READ                   => dualvar(-2, 'SSL wants a read first'),
    SSL_WANT_WRITE                  => dualvar(-3, 'SSL wants a write first'),
};

our @EXPORT = qw(
    SSL_VERIFY_NONE SSL_VERIFY_PEER SSL_VERIFY_FAIL_IF_NO_PEER_CERT SSL_VERIFY_CLIENT_ONCE
    VOUCH_VERIFY_ANY SSL_WANT_READ SSL_WANT_WRITE $SSL_ERROR
    SSL_OCSP_NO_STAPLE SSL_OCSP_TRY_STAPLE SSL_OCSP_MUST_STAPLE SSL_OCSP_FAIL_HARD SSL_OCSP_FULL_CHAIN
);

use constant HANDSHAKE_TIMEOUT => 30;                  # seconds
use constant SERVER_IO_TIMEOUT => 300;                 # seconds without progress
use constant MAX_LINE          => 64 * 1024 * 1024;    # bytes

# No CLONE_SKIP here: Perl panics when a thread ends that skipped a glob.  The
# objects inside have it, so that a copy in a new thread can do nothing.

sub import {
    my ($class, @words) = @_;
    @_ = (__PACKAGE__, @words);
    goto &Exporter::import;
}

sub configure {
    my ($self, $arg) = @_;
    my $own  = $self->_settings($arg);
    my $many = Vouch::Socket::Arguments::_handshakes_wanted($arg);
    {
        local ${*$self}{vouch_busy} = 1;
        $self->IO::Socket::IP::configure($arg) or return _tcp_failed($arg);
    }
    ${*$self}{vouch}          = $own;
    ${*$self}{vouch_listens}  = 1                                      if $arg->{Listen};
    ${*$self}{vouch_listener} = Vouch::Listener->_inside($self, $many) if $many;
    return $self if $arg->{Listen} || $own->{context}->is_server || $own->{plain};
    return $self->connect_SSL;
}

sub accept {
    my ($self, $class) = @_;
    if (my $listener = ${*$self}{vouch_listener}) { return $listener->accept($class) }
    my $own = ${*$self}{vouch};
    $class = _class_to_accept($class, ref $self);
    return _failed_accept(EBADF) if !$own || !blessed $own->{context};    # closed, or another thread's
    my $timeout = ${*$self}{io_socket_timeout};
    return _failed_accept(ETIMEDOUT) if defined $timeout && !$self->_readable($timeout);
    my $client =
          $own->{plain}
        ? $self->_accept_plain($class)
        : $self->_tcp_accept($class);
    return _failed_accept($! + 0) if !$client;
    ${*$client}{vouch} = $own;
    my $peer = wantarray ? $client->peername : undef;                     # later it may be gone

    if (!$own->{plain}) {
        my $context = $own->{context};
        my $stream = Vouch::Stream::_attach($client, $context->{config}, $context->{arg}{SSL_verify_callback},
            $own->{idle_ms}, $own->{max_line});
        if (!$stream->_handshake($own->{timeout_ms})) {
            $client->_not_started($stream, 'accept', $own->{timeout});
            return $self->_refused;
        }
        $client->_settle;
    }
    return wantarray ? ($client, $peer) : $client;
}

sub read {    ## no critic (ProhibitBuiltinHomonyms)
    my $self   = $_[0];
    my $stream = tied *$self or return CORE::read($self, $_[1], $_[2], $_[3] // 0);
    return IO::Handle::blocking($self)
        ? $stream->_read_all($_[1], $_[2], $_[3] // 0)
        : $stream->READ($_[1], $_[2], $_[3] // 0);
}

sub write {    ## no critic (ProhibitBuiltinHomonyms)
    my $self   = shift;
    my $stream = tied *$self or return $self->SUPER::write(@_);
    return $stream->_write_all(@_);
}

sub peek {
    return &_peek_at if $_[3];
    my $self   = $_[0];
    my $stream = tied *$self;
    return $stream->_peek($_[1], $_[2]) if $stream;
    my $from = CORE::recv($self, $_[1], $_[2], Socket::MSG_PEEK());
    return defined $from ? length $_[1] : undef;
}

# Into the string from an offset on, as sysread does it.
sub _peek_at {
    my ($self, undef, $length, $offset) = @_;
    my $have = length($_[1] //= '');
    croak 'Offset outside string' if $offset < -$have;
    my $count = peek($self, my $bytes, $length) // return;
    $_[1] .= "\0" x ($offset - $have) if $offset > $have;
    substr $_[1], $offset, length $_[1], $bytes;
    return $count;
}

# The system calls of these names would go past TLS, in the clear.
sub send {    ## no critic (ProhibitBuiltinHomonyms)
    my $self = shift;
    croak 'send() would go past TLS; use syswrite() or print()' if tied *$self;
    return $self->SUPER::send(@_);
}

sub recv {    ## no critic (ProhibitBuiltinHomonyms)
    my $self = shift;
    croak 'recv() would go past TLS; use sysread() or peek()' if tied *$self;
    return $self->SUPER::recv(@_);
}

sub readline {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    return CORE::readline($self);    # in the context of the caller
}

sub ungetc {
    my ($self, $code) = @_;
    my $stream = tied *$self or return $self->SUPER::ungetc($code);
    _check_byte($code);
    $stream->_unread(chr $code);
    return 1;
}

sub _check_byte {
    my ($code) = @_;
    return if defined $code && !ref $code && $code =~ /\A[0-9]{1,3}\z/ && $code < 256;
    Vouch::Socket::Arguments::_bad_argument(
        'ungetc takes the number of a byte, 0 to 255, not ' . (defined $code ? "'$code'" : 'undef'));
}

sub timeout {
    my ($self, @seconds) = @_;
    Vouch::Socket::Arguments::_check_numbers({ timeout => $seconds[0] }) if @seconds;
    my $before = $self->SUPER::timeout(@seconds);
    my $own    = ${*$self}{vouch};
    # What listens shares its settings with what it has accepted.
    ${*$self}{vouch} = Vouch::Socket::Arguments::_with_timeout($own, @seconds) if $own && @seconds;
    return $before;
}

# With Handshakes the descriptor never blocks; whether accept waits is kept
# beside it.
sub blocking {
    my $self     = shift;
    my $listener = ${*$self}{vouch_listener} or return $self->SUPER::blocking(@_);
    return $listener->blocking(@_);
}

sub listener { my ($self) = @_; return ${*$self}{vouch_listener} }

sub pending {
    my ($self) = @_;
    my $stream = tied *$self or return 0;
    return $stream->_pending;
}

sub context {
    my $own = ${ *{ $_[0] } }{vouch} or return;
    return $own->{context};
}

sub errstr { return "$SSL_ERROR" }

sub last_error {
    my ($self) = @_;
    return $LAST_ERROR if !ref $self;
    my $error = ${*$self}{vouch_error};
    return $error if $error;
    my $stream = tied *$self;
    return if !$stream || ($stream->_error)[0] eq 'ok';
    return Vouch::Error->_of_stream($stream);
}

sub session { my $stream = tied *{ $_[0] } or return; return $stream->_session }

sub _class_to_accept {
    my ($class, $default) = @_;
    return $default if !defined $class;
    $class = ref $class || $class;
    return $class if length $class && $class->isa('Vouch::Socket');
    Vouch::Socket::Arguments::_bad_argument(
        "accept makes sockets of Vouch::Socket's subclasses, not of '$class'");
}

# Without TLS for now (SSL_startHandshake => 0): a handle with Perl's buffers.
sub _accept_plain {
    my ($self, $class) = @_;
    my $client = Symbol::gensym();
    CORE::accept($client, $self) or return;
    bless $client, $class;
    $client->autoflush(1);
    return $client;
}

sub _readable {
    my ($self, $timeout) = @_;
    my $end  = Time::HiRes::time() + $timeout;
    my $bits = '';
    vec($bits, fileno $self, 1) = 1;
    while (1) {
        my $left  = $end - Time::HiRes::time();
        my $count = CORE::select(my $ready = $bits, undef, undef, $left > 0 ? $left : 0);
        return $count > 0 if $count >= 0 || !$!{EINTR};
    }
}

# The listener tells of a client that it did not let in.
sub _refused {
    my ($self) = @_;
    ${*$self}{vouch_error} = $LAST_ERROR;
    return;
}

# A failure that no system call or handshake told.
sub _note {
    my ($class, $text) = @_;
    my $errno = $! + 0;
    _fail($errno, $text);
    return;
}

sub _failed_accept {
    my ($errno) = @_;
    $! = $errno;
    _fail($errno, "accept failed: $!");
    return;
}

# Nobody waiting is no failure, and an event loop finds that often.
sub _fail {
    my ($errno, $text, @more) = @_;
    if ($errno != EAGAIN) {
        my $code = $errno == ETIMEDOUT ? 'timeout' : 'system';
        $LAST_ERROR = Vouch::Error->new(code => $code, message => $text, errno => $errno, @more);
    }
    $SSL_ERROR = dualvar($errno, $text);
    $!         = $errno;
    return;
}

sub _tcp_failed {
    my ($arg) = @_;
    my $errno = $! + 0;
    my ($verb, @where) =
        $arg->{Listen}
        ? (
        'listen on',
        $arg->{LocalHost} // $arg->{LocalAddr} // '*',
        $arg->{LocalPort} // $arg->{LocalService}
        )
        : ('connect to', $arg->{PeerHost} // $arg->{PeerAddr} // '?',
        $arg->{PeerPort} // $arg->{PeerService});
    my $where = join ':', grep { defined } @where;
    # A name that has no address is told in $@ only.
    my $reason = $errno && $errno != EINVAL ? "$!" : $@ || "$!";
    _fail($errno, "cannot $verb $where: $reason", $arg->{Listen} ? () : (peer => $where));
    return;
}

1;

__END__

=head1 NAME

Vouch::Socket - a TLS socket with the interface of IO::Socket::SSL

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Socket;

    # A server that asks every client for its certificate and takes any.
    my $server = Vouch::Socket->new(
        LocalAddr       => 'localhost',
        LocalPort       => 1234,
        Listen          => 10,
        SSL_cert_file   => 'server-cert.pem',
        SSL_key_file    => 'server-key.pem',
        SSL_verify_mode => VOUCH_VERIFY_ANY,
    ) or die "cannot listen: $SSL_ERROR\n";

    while (1) {
        my $client = $server->accept;
        if (!$client) {
            warn "no client: $SSL_ERROR\n";
            next;
        }
        my $line = <$client>;
        my $who  = $client->get_fingerprint // 'somebody without a certificate';
        print $client "hello, $who\r\n";
        close $client;
    }

=head1 DESCRIPTION

A Vouch::Socket is a socket handle whose bytes go through TLS. Beneath is an
L<IO::Socket::IP>: C<new> takes its arguments, and those of IO::Socket::SSL,
which begin with C<SSL_>. The methods have the names, arguments and return
values of IO::Socket::SSL, so that in most programs one word is changed:
C<IO::Socket::SSL> becomes C<Vouch::Socket>. Programs that cannot be changed
run under L<Vouch::Instead>.

=head2 A server and a client

This program makes a certificate for a server and one for Alex, and lets them
talk. The other examples on this page use the same files.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::Socket;

    Vouch::Identity->create(cn => 'localhost', san => ['127.0.0.1'], file => 'server');
    Vouch::Identity->create(cn => 'Alex', file => 'client');

    my $server = Vouch::Socket->new(
        LocalAddr       => '127.0.0.1',
        LocalPort       => 0,                       # any port that is free
        Listen          => 10,
        SSL_cert_file   => 'server-cert.pem',
        SSL_key_file    => 'server-key.pem',
        SSL_verify_mode => VOUCH_VERIFY_ANY,
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {                                # the client is a child process
        my $socket = Vouch::Socket->new(
            PeerAddr      => '127.0.0.1',
            PeerPort      => $server->sockport,
            SSL_cert_file => 'client-cert.pem',
            SSL_key_file  => 'client-key.pem',
            SSL_ca_file   => 'server-cert.pem',     # whom to trust: this server
        ) or die "cannot connect: $SSL_ERROR\n";
        print $socket "hello\n";
        my $answer = <$socket>;
        exit;
    }

    my $client = $server->accept or die "no client: $SSL_ERROR\n";
    print scalar <$client>;                         # prints: hello
    say $client->peer_certificate('cn');            # prints: Alex
    say $client->get_fingerprint;                   # prints: sha256$...
    say $client->certificate->not_after_iso;        # prints: 20...
    say $client->verification->{error_text};        # prints: self-signed certificate
    print $client "goodbye\n";
    close $client;
    wait;

=for example end

=head2 Reading and writing

All of Perl's operators work on the handle: C<print>, C<printf>, C<say>,
C<< <$socket> >>, C<readline>, C<getc>, C<read>, C<sysread>, C<syswrite>,
C<eof>, C<fileno>, C<close>; so do the methods of L<IO::Handle>, C<getline>
and C<getlines> among them.

=over 4

=item Writing

Everything is sent at once; there is no buffer to flush. Each call makes a
TLS record of its own, at least, so a few large writes cost less than many
small ones. TCP_NODELAY is on, as long as no more than 16 of them follow
each other without a read, and unless the program has chosen before TLS began. C<print>, C<printf>, C<say> and the method C<write> send all of
it, and return the number of bytes (C<print>, for nothing, C<0 but true>).
C<syswrite> sends what fits into one record (16384 bytes) and returns how many
bytes that was. If it fails part of the way, what was sent before counts: the
return value is smaller than the length. If nothing was sent it is undef. C<$!>
and C<$SSL_ERROR> tell why. SIGPIPE is never raised: writing to a peer that is
gone fails with EPIPE or ECONNRESET.

=item Characters

TLS carries bytes. Encode what is not, with L<Encode> or C<utf8::encode>.
Otherwise it is as with files: a string that has characters above 255 is sent
as UTF-8 by C<print>, C<printf> and C<say>, with the warning "Wide character in
print", and C<syswrite> and the method C<write> die. What is read is bytes.
C<binmode> returns true and changes nothing.

=item Lines

C<< <$socket> >> obeys C<$/> in all its forms. C<$.> does not count. A line may
have 64 MiB at most (C<SSL_max_line>); a longer one is an error with C<$!> set
to EMSGSIZE. When a read fails in the middle of a line, the part that has
arrived is kept for the next read, so that it is never taken for a line; that
holds for a line that is too long, too, and only C<sysread> gets past it.

=item Other reads

C<sysread> and C<read> return as soon as there is anything, at most the rest
of one record; the method L</read> waits for all it was asked for. 0 means the
end. C<eof> waits until there is a byte, or will never be one again.

=item The end

The peer can end a connection properly, with the TLS message close_notify, or
its TCP connection just ends. Both read as the end of the file, as programs
for IO::Socket::SSL expect, but only the second can be made by an attacker, or
by a peer that died. Where messages do not tell their own length, ask which it
was: at the end L</last_error> returns undef if the peer said goodbye, and an
error with the code C<closed> if it was cut off. A connection that is reset, or
cut off in the middle of a record, a damaged record, and a peer's alert are
errors, not the end: the read returns undef.

=item Waiting

A blocking handle waits, at most for L</Time limits>. Signal handlers run
during the wait, which then goes on, unless the handler dies. For C<select>,
see L</pending>.

=back

Lengths and offsets are as in Perl's own functions, and references are no numbers: they
die. An offset of more than 16 MiB behind the end of the variable dies, too, as Perl
would fill the gap.

C<seek>, C<tell> and C<open> fail. The methods C<send> and C<recv> die, as they
would go past TLS.

=head2 Time limits

=over 4

=item Timeout

Seconds, also fractions, for a handshake; 30 if not given, for servers and
clients alike. With 0 a handshake may take for ever. The end of the time
makes C<new> or C<accept> return undef with C<$!> set to ETIMEDOUT, and costs
that one connection. As in L<IO::Socket::IP>, C<Timeout> also limits how long a
client waits for TCP to connect, and how long a server's C<accept> waits for
somebody to come; for these two there is no limit if it is not given, and no
waiting at all with 0.

=item SSL_io_timeout

Seconds that one read or write may wait without any progress: 300 on
connections from C<accept>, no limit (0) on a client's. It is given to C<new>;
connections inherit it from their listener. At its end the call returns undef
with C<$!> set to ETIMEDOUT. The connection still works, and nothing that has
arrived is lost. A peer that sends one byte every four minutes is not stopped
by this: use C<alarm> where a whole request must end in time.

=back

C<accept> does the handshake, so a client that stays silent holds up a server
of one process for C<Timeout> seconds. Where that matters, give the listener
C<< Handshakes => 1000 >>: it does so many at once, and returns those that are
done (L<Vouch::Listener>). Or give it C<< SSL_startHandshake => 0 >> and call
C<accept_SSL> in a child process.

=head2 Names of hosts

A client checks that the server's certificate is for the host it wanted:
C<SSL_verifycn_name>, else C<SSL_hostname>, else C<PeerAddr>. A name is
compared with the DNS names among the alternative names of the certificate,
and only where there are none with its common name; C<*> stands for one whole
label on the left. An address is compared with the IP addresses among the
alternative names only. A wrong name refuses the server with "hostname
mismatch" (or "IP address mismatch"), I<whatever the callback says>.

The name is not looked at where nothing is checked (SSL_VERIFY_NONE,
VOUCH_VERIFY_ANY), where a pin has matched, or with C<< SSL_verifycn_scheme =>
'none' >>, which says that the certificate is to be checked but its name is
not.

=head2 Resumed sessions and who the peer is

TLS can resume an earlier session: the second handshake costs less, because
nobody shows a certificate again. The connection reports the certificate of
the first handshake, L<Vouch::Socket::Peer/get_session_reused> is true, and L<Vouch::Socket::Peer/verification>
says that the session decided. The callback is not called.

So a resumed session says who the peer I<was>. A server cannot see that a
client has dropped its certificate, or taken another, since. For that reason:

=over 4

=item *

A server that asks for client certificates issues no session tickets, unless
C<< SSL_session_tickets => 1 >> says so. (It would also have to put the
client's certificate into each, which costs as much as a handshake.)

=item *

With tickets on, a ticket is not accepted once the certificate in it has
expired or, where there are pins, is not among them any more. The client is
not turned away for that: a full handshake follows, with all checks.

=item *

A client resumes only if the program gives it a session (C<SSL_session>),
and offers it only from the same L<Vouch::Context> and for the same host: a
program that changes its certificate has another context, and is never taken
for what it was.

=back

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Socket;

    my $server = Vouch::Socket->new(
        LocalAddr     => '127.0.0.1',
        LocalPort     => 0,
        Listen        => 10,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        for (1, 2) {
            my $client = $server->accept or die "no client: $SSL_ERROR\n";
            print $client "welcome\n";
            close $client;
        }
        exit;
    }

    my $context = Vouch::Context->new(SSL_ca_file => 'server-cert.pem');
    my $session;
    for (1, 2) {
        my $socket = Vouch::Socket->new(
            PeerAddr      => '127.0.0.1',
            PeerPort      => $server->sockport,
            SSL_reuse_ctx => $context,
            SSL_session   => $session,              # undef the first time
        ) or die "cannot connect: $SSL_ERROR\n";
        print scalar <$socket>;
        say $socket->get_session_reused ? 'resumed' : 'new', ', decided by ', $socket->verification->{by};
        $session = $socket->session;                # after reading: see there
    }
    wait;

    # prints: welcome
    # prints: new, decided by chain
    # prints: welcome
    # prints: resumed, decided by session

=for example end

=head2 From plain text to TLS

With C<< SSL_startHandshake => 0 >> a socket begins in plain text, which is
what STARTTLS needs. C<accept_SSL> and C<connect_SSL> start TLS on it.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Socket;

    my $server = Vouch::Socket->new(
        LocalAddr          => '127.0.0.1',
        LocalPort          => 0,
        Listen             => 10,
        SSL_cert_file      => 'server-cert.pem',
        SSL_key_file       => 'server-key.pem',
        SSL_startHandshake => 0,
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        my $socket = Vouch::Socket->new(
            PeerAddr           => '127.0.0.1',
            PeerPort           => $server->sockport,
            SSL_ca_file        => 'server-cert.pem',
            SSL_startHandshake => 0,
        ) or die "cannot connect: $SSL_ERROR\n";
        print $socket "STARTTLS\n";
        my $answer = <$socket>;
        $socket->connect_SSL or die "no TLS: $SSL_ERROR\n";
        print $socket "my secret\n";
        exit;
    }

    my $client = $server->accept or die "no client: $SSL_ERROR\n";
    print scalar <$client>;                         # prints: STARTTLS
    print $client "go ahead\n";
    $client->accept_SSL(Timeout => 10) or die "no TLS: $SSL_ERROR\n";
    print scalar <$client>;                         # prints: my secret
    say $client->is_SSL ? 'safe' : 'in the clear';  # prints: safe
    wait;

=for example end

While in plain text, C<< <$socket> >> reads ahead into a buffer of Perl's,
which TLS does not see. That does no harm where each side waits for the
other's answer, as here. Where a peer may send its first TLS message early,
read the plain part with C<sysread>, byte by byte.

=head2 Without waiting

On a handle that is set to C<< blocking(0) >>, whatever would have to wait
returns undef with C<$!> set to EAGAIN and C<$SSL_ERROR> equal to
C<SSL_WANT_READ> or C<SSL_WANT_WRITE>: wait until the socket is readable, or
writable, and repeat the call with the same arguments. Reading may want to
write and the other way round. C<new> with C<< Blocking => 0 >> would return
undef while the handshake goes on, so give C<< SSL_startHandshake => 0 >> too:

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Socket;

    my $server = Vouch::Socket->new(
        LocalAddr     => '127.0.0.1',
        LocalPort     => 0,
        Listen        => 10,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        my $client = $server->accept or die "no client: $SSL_ERROR\n";
        print $client "one\ntwo\n";
        exit;
    }

    my $socket = Vouch::Socket->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => $server->sockport,
        Blocking           => 0,
        SSL_ca_file        => 'server-cert.pem',
        SSL_startHandshake => 0,
    ) or die "cannot connect: $SSL_ERROR\n";

    until ($socket->connect_SSL) { wait_for($socket) }
    until (defined(my $count = sysread $socket, my $bytes, 4)) { wait_for($socket) }
    say $socket->pending, ' more bytes are here';   # prints: 4 more bytes are here
    wait;

    # A loop over many sockets would remember what each one wants.
    sub wait_for {
        my ($socket) = @_;
        my ($read, $write) = ('', '');
        if    ($SSL_ERROR == SSL_WANT_READ)  { vec($read,  fileno $socket, 1) = 1 }
        elsif ($SSL_ERROR == SSL_WANT_WRITE) { vec($write, fileno $socket, 1) = 1 }
        else                                 { die "failed: $SSL_ERROR\n" }
        select $read, $write, undef, undef;
    }

=for example end

=head2 Differences to IO::Socket::SSL

=over 4

=item *

A misspelt or unknown C<SSL_> argument dies with its name. Everything about
certificates, keys, trust and protocol settings that is wrong dies when the
socket is made, with a L<Vouch::Error>; IO::Socket::SSL returns undef for some
and fails at each handshake for others. What depends on the network or the
peer returns undef, as there.

=item *

C<get_fingerprint> for a peer without a certificate returns undef, and
C<peer_certificates> on an accepted connection begins with the client's own
certificate.

=item *

Certificates are L<Vouch::Certificate> objects, also as the fifth argument of
the callback. As numbers they are OpenSSL's pointers, so passing one to
Net::SSLeay still works, as long as the object lives. The second argument of
the callback is a L<Vouch::VerifyContext>, in the same way.

=item *

An exception in the callback refuses the peer with an alert and is thrown again
by C<accept> or C<new>. The listener is not disturbed.

=item *

Pins (C<SSL_fingerprint>) are asked before the callback, not after it. A pinned
certificate is accepted and the callback is not called.

=item *

A host name that does not match refuses the server even if the callback returns
1.

=item *

There are time limits where IO::Socket::SSL waits for ever, and the end of the
time is ETIMEDOUT, not EAGAIN.

=item *

Accepted connections of a listener, and clients that share a L<Vouch::Context>
(C<SSL_reuse_ctx>), share one set-up; so do sockets with equal arguments and
unchanged files, see L<Vouch::Context::Shared>.

=item *

Names of hosts are checked by one set of rules, whatever protocol
C<SSL_verifycn_scheme> names, and that is in some points stricter:
L<Vouch::Socket::Names/Schemes>.

=item *

Servers that ask for client certificates issue no session tickets, unless told
to.

=item *

Characters are sent as Perl's files do it: a string of characters up to 255 as
these bytes, however Perl keeps it, and wide ones with a warning. IO::Socket::SSL
sends the bytes of Perl's own form, silently, and so do sockets under
L<Vouch::Instead>. C<print> of an empty string is true.

=item *

A negative offset of C<syswrite> before the start of the string, or of
C<sysread> with a negative length, is an error, not a read of other memory or
the end of the program. C<eof> works.

=item *

With C<SSL_alpn_protocols> a server takes the first of its own protocols that the
client has offered; in IO::Socket::SSL the first of the client's that the server
has. A client that offers none of them is refused; there it goes on without.

=item *

With C<$/> the empty string, further newlines after a paragraph are taken off, as
Perl's files do it; in IO::Socket::SSL they stay.

=back

=head2 Not there yet

IO::Socket::SSL has these, and Vouch::Socket has not. The arguments die as
unknown ones do.

=over 4

=item OCSP responders

C<SSL_ocsp_cache> and C<ocsp_resolver>: nobody is asked over the network. A staple is
checked (L<Vouch::Context/SSL_ocsp_mode>), and revocation lists are
(C<SSL_crl_file>).

=item Protocol details

C<SSL_npn_protocols>, C<SSL_psk>, C<SSL_ticket_keycb>, C<SSL_usebio>,
C<SSL_on_peer_shutdown>: the reasons are in L<Vouch::Context/new>.

=item Others

C<set_msg_callback>, C<idn_to_ascii>, C<idn_to_unicode> (called,
they die: L<Vouch::Socket::OldNames>). Only L<Vouch::Instead> has the variable
C<$DEBUG>, the constants C<GEN_DNS> and C<GEN_IPADD>, import words
like C<inet4>, and the other classes, such as C<IO::Socket::SSL::SSL_Context>.

=back

=head1 CALLBACKS

=head2 SSL_verify_callback

    SSL_verify_callback => sub {
        my ($ok, $store, $names, $error, $certificate, $depth) = @_;
        return $ok;
    }

The program's own decision about a peer's certificate. It is given to C<new>,
or to L<Vouch::Context>, together with an C<SSL_verify_mode> that contains
SSL_VERIFY_PEER. Its arguments:

=over 4

=item $ok

0 if OpenSSL has found a fault in this certificate, else 1.

=item $store

A L<Vouch::VerifyContext>: C<< $store->error >> is the fault as a number,
C<< $store->error_text >> in words. It dies with the call.

=item $names

The issuer's name and the subject's, in one line each, one directly after the
other: C</CN=Alex/CN=Alex>.

=item $error

0, or OpenSSL's text for the fault, such as
C<error:00000012:lib(0)::reason(18)>. The number after C<reason> is
C<< $store->error >>.

=item $certificate

The L<Vouch::Certificate> in question. Keep it if you like.

=item $depth

Where it stands in the chain: 0 is the peer's own certificate, 1 its issuer's,
and so on.

=back

It is called from the top of the chain to the peer's own certificate: for each
certificate once for every fault (C<$ok> 0), and once when all its faults have
been let pass (C<$ok> 1). B<A self-signed certificate therefore makes two
calls>: the first with C<$ok> 0 and error 18, the second with C<$ok> 1. The
second still tells error 18, because C<$error> is the last fault of the whole
run. A client without a certificate makes no call, and a resumed session
none.

A number greater than 0 (of 1.5 the 1 counts) accepts. Everything else refuses
the peer at once: 0, undef, an empty list, a text that is not a number. A refused client gets an
alert, and C<accept> returns undef. With TLS 1.3 a client whose certificate is
refused has finished its handshake before it learns of it: its first read
fails. About the fault that a certificate is for another host the callback is
not asked: that refuses the server.

A callback that dies refuses the peer too, and what it died with, text or
object, is thrown by the C<accept>, C<new>, C<accept_SSL> or C<connect_SSL> in
which it was called. A reference as return value is taken for a mistake, and
dies in the same way. The callback must not use the connection it is called for;
that dies.

A client with SSL_VERIFY_NONE calls it as well, and ignores its answer.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Socket;

    my $server = Vouch::Socket->new(
        LocalAddr           => '127.0.0.1',
        LocalPort           => 0,
        Listen              => 10,
        SSL_cert_file       => 'server-cert.pem',
        SSL_key_file        => 'server-key.pem',
        SSL_verify_mode     => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        SSL_verify_callback => \&decide,
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        my $socket = Vouch::Socket->new(
            PeerAddr      => '127.0.0.1',
            PeerPort      => $server->sockport,
            SSL_cert_file => 'client-cert.pem',
            SSL_key_file  => 'client-key.pem',
            SSL_ca_file   => 'server-cert.pem',
        ) or die "cannot connect: $SSL_ERROR\n";
        my $answer = <$socket>;
        exit;
    }

    # Nobody vouches for a self-signed certificate; all else must be right.
    sub decide {
        my ($ok, $store, $names, $error, $certificate, $depth) = @_;
        say "ok $ok, depth $depth, ", $store->error_text;
        return $ok || $store->error == 18;
    }

    my $client = $server->accept or die "no client: $SSL_ERROR\n";
    say 'decided by the ', $client->verification->{by};
    print $client "welcome\n";
    close $client;
    wait;

    # prints: ok 0, depth 0, self-signed certificate
    # prints: ok 1, depth 0, self-signed certificate
    # prints: decided by the callback

=for example end

Who is asked first, and what each mode means, is told in L<Vouch::Context/Whom
to accept>. In short: pins, then the callback, then OpenSSL.

=head2 SSL_error_trap

    SSL_error_trap => sub { my ($socket, $text) = @_; ... }

Called when a handshake has failed, instead of closing the connection, so that
the trap may look at the socket: at L</last_error>, L</verification>, or the
peer's address. B<What the trap prints goes out in the clear>, so that it can tell
who speaks HTTP, or nothing of TLS, why it is refused; afterwards nothing can be
read or written. The socket is closed when the program drops it. C<$text> is that
of C<$SSL_ERROR>. The return value is ignored. An exception in it reaches the caller
of C<accept>. Not called when a verify callback has died.

=head2 Callbacks that hold their own socket

A function that mentions a socket keeps it alive, and a socket keeps its callbacks: none
of the two would ever go. Therefore a socket lets its callbacks go when its handshake is
over, well or badly: those given to C<new>, C<start_SSL> and the like, for verification,
passwords, names and failures. It needs no C<close> to be freed. Only while a handshake
is not over yet, and for a listener whose callbacks mention the listener, it does; or
L<weaken|Scalar::Util/weaken> what they mention.

A context that such a socket has made goes without them, too: C<SSL_reuse_ctx> takes it
only as long as the program holds its callbacks, and dies otherwise. What several sockets
share is better a L<Vouch::Context>, which keeps its own.

The callbacks C<SSL_passwd_cb> and C<SSL_create_ctx_callback> are described in
L<Vouch::Context>.

=head1 METHODS

=head2 SSL_VERIFY_NONE, SSL_VERIFY_PEER, SSL_VERIFY_FAIL_IF_NO_PEER_CERT, SSL_VERIFY_CLIENT_ONCE, VOUCH_VERIFY_ANY

    SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT

Constants for C<SSL_verify_mode>, exported by default: 0, 1, 2, 4 and 257.
L<Vouch::Context/Whom to accept> says what they do.

=head2 SSL_WANT_READ, SSL_WANT_WRITE

    if ($SSL_ERROR == SSL_WANT_READ) { ... }

What a handle that does not wait is waiting for. Exported by default. Numbers
-2 and -3, and texts "SSL wants a read first" and "SSL wants a write first".

=head2 HANDSHAKE_TIMEOUT, SERVER_IO_TIMEOUT, MAX_LINE

    my $seconds = Vouch::Socket::HANDSHAKE_TIMEOUT;

The defaults of C<Timeout> (30 seconds), of C<SSL_io_timeout> on accepted
connections (300 seconds) and of C<SSL_max_line> (67108864 bytes). Not
exported.

=head2 new

    my $socket = Vouch::Socket->new(PeerAddr => 'example.org', PeerPort => 443);
    my $server = Vouch::Socket->new(
        LocalAddr     => '::',
        LocalPort     => 443,
        Listen        => 100,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    );

Makes a client that is connected, with its handshake done, or with C<Listen> a
server. Takes all arguments of L<IO::Socket::IP/new>, all of
L<Vouch::Context/new>, and these about the one socket:

=over 4

=item Timeout

Seconds for the handshake (30), and for TCP to connect or C<accept> to find
somebody (no limit). See L</Time limits>.

=item SSL_io_timeout

Seconds without progress in one read or write; 0 is no limit. Default 300 for
connections from C<accept>, 0 for clients.

=item SSL_max_line

Bytes that one line may have. Default 67108864 (64 MiB).

=item SSL_hostname

The name a client asks the server for (SNI). Default: C<PeerAddr>, if it is a
name; an address is never sent. An empty string asks for none.

=item SSL_verifycn_name

The name or address the server's certificate must be for. Default:
C<SSL_hostname>, else C<PeerAddr>.

=item SSL_verifycn_scheme, SSL_verifycn_publicsuffix

C<none> to check no name; C<default>, or the name of a protocol or RFC, for the check in
L</Names of hosts>; or a hash reference with rules of your own:
L<Vouch::Socket::Names>. Dies with any other. Default: C<default>.

=item SSL_startHandshake

0 to leave the connection in plain text until C<accept_SSL> or C<connect_SSL>.
Default 1.

=item SSL_reuse_ctx

A L<Vouch::Context>, or a Vouch::Socket whose context is to be shared. The
arguments of L<Vouch::Context/new> that are given besides have no effect, but
unknown ones die. Dies if it is another thing, or a client's for a server.

=item SSL_session

A session to resume, from L</session>. undef, the default, is none. One that
belongs to another context or host, or has run out, is not offered, without an
error.

=item SSL_session_key

Where the session is kept in the context's L<Vouch::SessionCache>, if it has one:
the same text for two servers that know each other's sessions. Default: host and
port, C<example.org:443>; or that of the socket given as C<SSL_reuse_ctx>.

=item SSL_error_trap

See L</CALLBACKS>.

=item SSL_keepSocketOnError

1 to leave the TCP connection open when C<accept_SSL> or C<connect_SSL> has
failed. Default 0: it is closed.

=item Handshakes, HandshakeTimeout, PerAddress, MaxConnections, on_error

For a socket that listens: how many handshakes C<accept> may have under way at
once, which makes slow clients harmless, and what belongs to it. See
L<Vouch::Listener/With Vouch::Socket>. Default: one after the other.

=back

C<< Vouch::Socket->new >> without arguments makes a socket to be configured
later, with L</configure>. With one argument, that is the C<PeerAddr>.

Returns undef with C<$SSL_ERROR> and C<$!> set if the address cannot be
connected to or listened on, or the handshake fails. Dies with a
L<Vouch::Error> if an argument is wrong or a file cannot be used, and with
whatever a callback died with.

=head2 configure

    $socket->configure({ PeerAddr => 'example.org', PeerPort => 443 });

What C<new> does with its arguments, for subclasses, and for sockets made
without any. Takes a hash reference, and takes the C<SSL_> arguments out of it.
Returns the socket, or undef; dies as C<new> does.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Socket;

    my $socket = Vouch::Socket->new;
    $socket->configure({ PeerAddr => '127.0.0.1', PeerPort => 1 }) or say $SSL_ERROR;
    # prints: cannot connect to 127.0.0.1:1: Connection refused

=for example end

=head2 accept

    my $client = $server->accept;
    my ($client, $address) = $server->accept;
    my $client = $server->accept('My::Class');

Waits for somebody to connect, and does the TLS handshake. Returns the
connection, in list context followed by the peer's packed address. It is of
the given class, or of the listener's. Returns undef (the empty list, in list
context) with C<$SSL_ERROR> and C<$!> set if nobody came within C<Timeout>
seconds, or the handshake failed; the listener is ready for the next client in
either case, so a server goes on. Dies with what the verify callback died
with, and goes on too, if the server catches it.

With C<Handshakes> it returns the next connection that is ready, and undef only
for C<Timeout>, EAGAIN or a closed socket: see L<Vouch::Listener/accept>.

=head2 listener

    my $stats = $server->listener->stats;

The L<Vouch::Listener> of a socket made with C<Handshakes>, else undef.

=head2 blocking

    $socket->blocking(0);

As in L<IO::Handle>. With C<Handshakes> it says whether C<accept> waits.

=head2 accept_SSL, connect_SSL and others

    $client->accept_SSL(Timeout => 10) or die $SSL_ERROR;
    $socket->connect_SSL or die $SSL_ERROR;

Start TLS on a socket made with C<< SSL_startHandshake => 0 >>. These, and
C<connect>, C<opened>, C<opening>, C<want_read> and C<want_write>, are described in
L<Vouch::Socket::Handshake>.

=head2 close

=head2 start_SSL

=head2 stop_SSL

    $socket->close(SSL_no_shutdown => 1);
    Vouch::Socket->start_SSL($plain, SSL_hostname => 'mail.example') or die $SSL_ERROR;
    $plain->stop_SSL;

The end of a connection; TLS on a socket that is there already, in place, and back
to plain text; C<new_from_fd> and C<configure_SSL>: see L<Vouch::Socket::Upgrade>.

=head2 read

    my $count = $socket->read(my $bytes, 100);
    my $count = $socket->read($bytes, 100, $offset);

Reads exactly that many bytes, waiting for them; fewer only at the end, or
after an error, which shows in C<$!>. C<$offset> says where to put them, and may be negative to count
from the end. On a handle that does not wait, returns what there is. Returns
the number of bytes, 0 at the end, or undef with C<$!>. Dies if the length is
negative or the offset is before the start. (Perl's functions C<read> and
C<sysread> do not wait for all.)

=head2 write

    my $count = $socket->write($bytes);
    my $count = $socket->write($bytes, $length, $offset);

Sends the string, or C<$length> bytes of it from C<$offset> on, all of it.
Returns the number of bytes, or undef with C<$!>.

=head2 send, recv

    $plain->send($bytes);

Work on a socket without TLS, as in L<IO::Socket>. With TLS they die: they
would send and receive beside it, in the clear.

=head2 peek

    my $count = $socket->peek(my $bytes, 100);
    my $count = $socket->peek($bytes, 100, $offset);

Looks at the next bytes, at most the number given, and leaves them to be read.
Waits until there is at least one, and returns how many there are, 0 at the
end, or undef with C<$!>. C<$offset> says where to put them, as with L</read>.

=head2 can_client_sni and others

=head2 default_ca

    if (Vouch::Socket->can_client_sni) { ... }

What programs ask before they use a feature, and C<default_ca>: see
L<Vouch::Socket::Abilities>.

=head2 verify_hostname

=head2 verify_hostname_of_cert

    $socket->verify_hostname('www.example.org') or die "another host\n";

Whether a certificate is for a host: see L<Vouch::Socket::Names>.

=head2 get_peer_certificate and others

=head2 socketToSSL

=head2 socket_to_SSL

    my $subject = $socket->get_peer_certificate->subject_name;

Older names of the interface of IO::Socket::SSL, the numbers that go to
Net::SSLeay, and what is not there: see L<Vouch::Socket::OldNames>.

=head2 readline

    my $line  = $socket->readline;
    my @lines = $socket->readline;

The next line, or in list context all that come: what C<< <$socket> >> does.

=head2 timeout

    my $seconds = $socket->timeout;
    $socket->timeout(10);

What C<Timeout> was given to C<new>, or undef; and gives another, for what comes:
see L</Time limits>. Returns what it was before. Dies if it is no number.

=head2 set_defaults and others

=head2 set_ctx_defaults

=head2 set_client_defaults

=head2 set_server_defaults

=head2 set_args_filter_hack

=head2 set_default_context

=head2 set_default_session_cache

=head2 context_init

    Vouch::Socket->set_client_defaults(SSL_ca_file => 'our-own.pem');

Defaults for all sockets of the process: see L<Vouch::Socket::Defaults>.

=head2 ungetc

    $socket->ungetc(ord 'x');

Puts a byte back in front of what is to be read next. The argument is its
number, 0 to 255; a larger one dies. Returns 1.

=head2 pending

    while ($socket->pending) { ... }

How many bytes can be read without asking the network. C<select> does not know
of them: before you wait for a socket to become readable, read until this is 0.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Socket;

    my $server = Vouch::Socket->new(
        LocalAddr     => '127.0.0.1',
        LocalPort     => 0,
        Listen        => 10,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        my $socket = Vouch::Socket->new(
            PeerAddr    => '127.0.0.1',
            PeerPort    => $server->sockport,
            SSL_ca_file => 'server-cert.pem',
        ) or die "cannot connect: $SSL_ERROR\n";
        $socket->write("xGET /\nabcdefx", 12, 1);
        close $socket;
        exit;
    }

    my $client = $server->accept or die "no client: $SSL_ERROR\n";
    $client->peek(my $start, 3);
    say $start;                                     # prints: GET
    print scalar <$client>;                         # prints: GET /
    say $client->pending;                           # prints: 6
    $client->read(my $bytes, 6);
    say $bytes;                                     # prints: abcdef
    say 'the end' if eof $client;                   # prints: the end
    say $client->last_error // 'a proper one';      # prints: a proper one
    wait;

=for example end

=head2 peer_certificate and others

    my $pin   = $socket->get_fingerprint;
    my $name  = $socket->peer_certificate('cn');
    my $found = $socket->verification;

Who the peer is, and what was agreed on: C<certificate>, C<peer_certificate>,
C<peer_certificates>, C<sock_certificate>, C<get_fingerprint>,
C<get_fingerprint_bin>, C<dump_peer_certificate>, C<verification>,
C<asked_for_certificate>, C<asked_authorities>, C<get_cipher>,
C<get_sslversion>, C<get_sslversion_int>, C<get_servername>, C<alpn_selected>,
C<is_SSL> and C<get_session_reused> are described in L<Vouch::Socket::Peer>.

=head2 context

    my $context = $server->context;
    $context->add_pin($fingerprint);

The L<Vouch::Context> of the socket, which it may share with others. undef
after C<close>.

=head2 session

    my $session = $socket->session;

On a client, the session as it stands now, to be given to a later C<new> as
C<SSL_session>; undef if it cannot be resumed. With TLS 1.3 the server sends
it after the handshake, so it is there once something has been read. It is an
object without methods, and holds its context.

=head2 errstr

    warn $socket->errstr;
    warn Vouch::Socket->errstr;

The text of C<$SSL_ERROR>, the last failure in this process, of any socket.

=head2 last_error

    my $error = $socket->last_error;
    my $error = Vouch::Socket->last_error;

Of a socket: the first TLS error of its connection, as a L<Vouch::Error>, or
undef. Of a listener: that of the last client which C<accept> did not let in. Of
the class: that of the last socket in this thread which could not be made,
connected or accepted; there it is after C<new> has returned undef.

It tells in parts what C<$SSL_ERROR> tells in words: a code (C<closed>, C<alert>,
C<verify>, C<tls>, C<system>, C<timeout>), OpenSSL's number, the usual cause, who
the other end is, which side refused, and a hint. In C<SSL_error_trap> it can be
asked already. A time limit in reading or writing and a handle that does not wait
are no such errors.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Socket;

    my $server = Vouch::Socket->new(
        LocalAddr       => '127.0.0.1',
        LocalPort       => 0,
        Listen          => 10,
        SSL_cert_file   => 'server-cert.pem',
        SSL_key_file    => 'server-key.pem',
        SSL_verify_mode => SSL_VERIFY_PEER,
        SSL_ca_file     => \undef,                  # trust nobody
        SSL_error_trap  => sub {
            my ($socket, $text) = @_;
            my $error = $socket->last_error;
            say join ', ', $error->code, $error->cause, $error->side, $error->alert;
        },
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        my $socket = Vouch::Socket->new(
            PeerAddr      => '127.0.0.1',
            PeerPort      => $server->sockport,
            SSL_cert_file => 'client-cert.pem',
            SSL_key_file  => 'client-key.pem',
            SSL_ca_file   => 'server-cert.pem',
        );
        my $answer = <$socket> if $socket;
        exit;
    }

    my $client = $server->accept;
    say $client ? 'welcome' : "no: $SSL_ERROR";
    say Vouch::Socket->errstr eq "$SSL_ERROR" ? 'the same' : 'another';
    wait;

    # prints: verify, untrusted, ours, unknown_ca
    # prints: no: SSL accept attempt failed ... (the peer's certificate was refused: self-signed certificate)...
    # prints: the same

=for example end

=head1 ERRORS

Two kinds, told in two ways:

=over 4

=item A mistake in the program or its files

dies with a L<Vouch::Error> that names the argument or the file: an unknown
argument, a certificate that cannot be read, a key that belongs to another
certificate, a mode and a callback that exclude each other. An unknown field
or digest name dies with a text.

=item What network and peer can do

returns undef (or an empty list), and sets C<$!> and C<$SSL_ERROR>.

=back

C<$SSL_ERROR>, exported by default and also C<$Vouch::Socket::SSL_ERROR>, is a
text and a number. It is set by a failure and not reset by success, so look at
it only after a failure. The text begins as that of IO::Socket::SSL:

    cannot connect to example.org:443: Connection refused
    SSL connect attempt failed error:0A000086:SSL routines::certificate
        verify failed (the peer's certificate was refused: hostname mismatch;
        hostname verification failed)
    SSL accept attempt failed: no handshake within 30 seconds

and goes on, after a semicolon, with who the other end is, which side refused
and with which alert, and what to do about it; L</last_error> has the same in
parts.

    ...; server 192.0.2.1:443 (name example.org), refused by us with the alert
        bad certificate; hint: the server's certificate is for other names
        (vouch check shows them): connect by one of these, or name it in
        SSL_verifycn_name
    ...; client 192.0.2.7:50112, refused by us; hint: the client speaks HTTP
        without TLS: it must use https:// here

Under TLS 1.3 a client believes to be connected before the server has looked at
its certificate. If that is refused the first read fails, with EPROTO and the same
explanation.

The number is that of the system error where there is one, -1 for a TLS error,
0 at the end of the file, and SSL_WANT_READ or SSL_WANT_WRITE.

C<$!> is the system error where there is one. Otherwise: ETIMEDOUT at the end
of a time limit; EAGAIN where a handle does not wait; EPIPE for writing to a
connection that is closed; EPROTO for a TLS error while reading or writing;
EMSGSIZE for a line that is too long; EBADF for C<accept> on a socket that is
closed or was made in another thread; 0 after a failed handshake, as in
IO::Socket::SSL, unless TCP failed.

=head1 THREADS AND FORK

B<Threads.> A connection, a context or a certificate belongs to the thread that
made it. New threads get a copy of every handle but not of what is in it: there
C<accept> fails with EBADF, and whatever else has to do with TLS dies. The
original works on. A new thread can make sockets of its own.

B<Fork.> After a C<fork> both processes hold the same connection, and one of them
should go on with it. The rule is that I<the one that used it last says
goodbye>: a process sends close_notify, in C<close> or when the handle goes out
of scope, only if it has done the handshake, read or written since the last
C<fork>. So in

    my $client = $server->accept or next;
    if (fork == 0) { serve($client); exit }
    close $client;

the C<close> of the parent is silent, and the child's ends the connection
properly. A child that inherits handles and exits does not disturb its parent.
Two processes must not both read, or both write: TLS has one counter for each
direction, and the peer would take it for an attack.

Commands run with C<system> and backquotes do not count as a fork. A pipe made
with C<open> does: a process that opens one after its last read or write, and
then closes the connection, sends no close_notify, and the peer sees it cut off.
Close first, or write last.

C<< close(SSL_no_shutdown => 1) >> is silent in any case.

=head1 SEE ALSO

L<Vouch>, L<Vouch::Context>, L<Vouch::Certificate>, L<Vouch::Instead>,
L<IO::Socket::IP>, L<IO::Socket::SSL>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
