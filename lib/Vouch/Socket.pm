package Vouch::Socket 0.001;

use v5.16;
use warnings;

use Carp           qw(croak);
use Errno          qw(EBADF EINVAL ETIMEDOUT);
use Exporter       ();
use IO::Socket::IP ();
use Scalar::Util   qw(blessed dualvar looks_like_number);
use Socket         qw(AF_INET AF_INET6 inet_pton);
use Symbol         ();

use Vouch              ();
use Vouch::Certificate ();
use Vouch::Context     ();
use Vouch::Error       ();
use Vouch::Stream      ();
use Vouch::VerifyContext ();

our @ISA = ('IO::Socket::IP');

our $SSL_ERROR = dualvar(0, '');

use constant {
    SSL_VERIFY_NONE                 => 0x00,
    SSL_VERIFY_PEER                 => 0x01,
    SSL_VERIFY_FAIL_IF_NO_PEER_CERT => 0x02,
    SSL_VERIFY_CLIENT_ONCE          => 0x04,
    VOUCH_VERIFY_ANY                => 0x101,
    SSL_WANT_READ                   => dualvar(-2, 'SSL wants a read first'),
    SSL_WANT_WRITE                  => dualvar(-3, 'SSL wants a write first'),
};

our @EXPORT = qw(
    SSL_VERIFY_NONE SSL_VERIFY_PEER SSL_VERIFY_FAIL_IF_NO_PEER_CERT SSL_VERIFY_CLIENT_ONCE
    VOUCH_VERIFY_ANY SSL_WANT_READ SSL_WANT_WRITE $SSL_ERROR
);

use constant HANDSHAKE_TIMEOUT => 30;                  # seconds
use constant SERVER_IO_TIMEOUT => 300;                 # seconds without progress
use constant MAX_LINE          => 64 * 1024 * 1024;    # bytes

# Arguments about one socket; the rest of SSL_* goes to its context.
my @OWN = qw(
    SSL_hostname SSL_verifycn_name SSL_verifycn_scheme SSL_startHandshake SSL_reuse_ctx
    SSL_error_trap SSL_keepSocketOnError SSL_io_timeout SSL_max_line SSL_session
);

sub CLONE_SKIP { return 1 }

sub import {
    my ($class, @words) = @_;
    @_ = (__PACKAGE__, @words);
    goto &Exporter::import;
}

sub configure {
    my ($self, $arg) = @_;
    my %ssl = map { $_ => delete $arg->{$_} } grep { /\ASSL_/ } keys %$arg;
    my %own = map { $_ => delete $ssl{$_} } grep { exists $ssl{$_} } @OWN;
    $ssl{SSL_server} //= $arg->{Listen} ? 1 : 0;
    my $context = _context($own{SSL_reuse_ctx}, \%ssl);
    my $peer = $arg->{PeerHost} // $arg->{PeerAddr};
    ($own{peer}) = $self->split_addr($peer) if defined $peer;    # "host:port"
    # IO::Socket has taken Timeout out of the arguments, unless called directly.
    $own{timeout} = $arg->{Timeout} // ${*$self}{io_socket_timeout} // HANDSHAKE_TIMEOUT;
    _check_numbers(\%own);
    $self->SUPER::configure($arg) or return _tcp_failed($arg);
    ${*$self}{vouch} = _prepare(\%own, $context);
    return $self if $arg->{Listen} || $context->is_server;
    return $self if defined $own{SSL_startHandshake} && !$own{SSL_startHandshake};
    return $self->connect_SSL;
}

sub accept {
    my ($self, $class) = @_;
    my $own     = ${*$self}{vouch} // return _failed_accept(EBADF);
    my $timeout = ${*$self}{io_socket_timeout};
    return _failed_accept(ETIMEDOUT) if defined $timeout && !$self->_readable($timeout);
    my $client = $own->{plain}
        ? $self->_accept_plain($class // ref $self)
        : $self->_tcp_accept($class // ref $self);
    return _failed_accept($! + 0) if !$client;
    ${*$client}{vouch} = $own;
    if (!$own->{plain}) {
        my $stream = Vouch::Stream::_attach($client, $own->{context}{config}, $own->{idle_ms}, $own->{max_line});
        $stream->_handshake($own->{timeout_ms}) or $client->_not_started($stream, 'accept', $own->{timeout})
            or return;
    }
    return wantarray ? ($client, $client->peername) : $client;
}

sub accept_SSL  { my ($self, @arg) = @_; return $self->_start('accept',  @arg) }
sub connect_SSL { my ($self, @arg) = @_; return $self->_start('connect', @arg) }

sub close {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, %arg) = @_;
    my $stream = tied *$self;
    $stream->_detach($arg{SSL_no_shutdown} ? 1 : 0) if $stream;
    delete ${*$self}{vouch};
    return CORE::close($self);
}

sub read {    ## no critic (ProhibitBuiltinHomonyms)
    my $self   = $_[0];
    my $stream = tied *$self or return CORE::read($self, $_[1], $_[2], $_[3] // 0);
    return $self->blocking
        ? $stream->_read_all($_[1], $_[2], $_[3] // 0)
        : $stream->READ($_[1], $_[2], $_[3] // 0);
}

sub write {    ## no critic (ProhibitBuiltinHomonyms)
    my $self   = shift;
    my $stream = tied *$self or return $self->SUPER::write(@_);
    return $stream->_write_all(@_);
}

sub peek {
    my $self   = $_[0];
    my $stream = tied *$self;
    return $stream->_peek($_[1], $_[2]) if $stream;
    my $from = CORE::recv($self, $_[1], $_[2], Socket::MSG_PEEK());
    return defined $from ? length $_[1] : undef;
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
    my $stream = ref $self ? tied *$self : undef;
    my ($code, $message, $errno, $library) = $stream ? $stream->_error : ();
    return if !defined $code || $code eq 'ok';
    return Vouch::Error->new(code => $code, message => $message, errno => $errno, library => $library);
}

sub certificate {
    my $stream = tied *{ $_[0] } or return;
    return $stream->_peer_certificate;
}

sub peer_certificates {
    my $stream = tied *{ $_[0] } or return;
    return $stream->_peer_chain;
}

sub sock_certificate {
    my ($self, $field) = @_;
    my $stream = tied *$self or return;
    return _certificate_field($stream->_own_certificate, $field);
}

sub peer_certificate {
    my ($self, $field) = @_;
    my $stream = tied *$self or return;
    return _certificate_field($stream->_peer_certificate, $field);
}

sub get_fingerprint {
    my ($self, $digest, $certificate, $public_key) = @_;
    my $stream = tied *$self or return;
    return $stream->_peer_fingerprint('sha256', 0, 0) if @_ == 1;
    my $bytes = $self->get_fingerprint_bin($digest, $certificate, $public_key) // return;
    return join '$', $digest // 'sha256', $public_key ? 'pub' : (), unpack 'H*', $bytes;
}

sub get_fingerprint_bin {
    my ($self, $digest, $certificate, $public_key) = @_;
    my $stream = tied *$self or return;
    $certificate //= $stream->_peer_certificate // return;
    return $certificate->_digest($digest // 'sha256', $public_key ? 2 : 0);
}

sub dump_peer_certificate {
    my ($self) = @_;
    my $certificate = $self->certificate;
    return sprintf "Subject Name: %s\nIssuer  Name: %s\n",
        map { $certificate ? $certificate->$_ : 'undefined' } qw(subject issuer);
}

sub verification {
    my ($self) = @_;
    my $stream = tied *$self or return;
    my ($accepted, $by, $error, $depth) = $stream->_verdict;
    return {
        accepted   => !!$accepted,
        by         => $by,
        error      => $error,
        error_text => $error ? Vouch::VerifyContext::_error_text($error) : '',
        depth      => $depth,
    };
}

sub get_cipher         { my $stream = tied *{ $_[0] } or return; return $stream->_cipher }
sub get_sslversion     { my $stream = tied *{ $_[0] } or return; return $stream->_protocol_name }
sub get_sslversion_int { my $stream = tied *{ $_[0] } or return; return $stream->_protocol }
sub get_servername     { my $stream = tied *{ $_[0] } or return; return $stream->_server_name }
sub get_session_reused { my $stream = tied *{ $_[0] } or return; return !!$stream->_is_resumed }
sub session            { my $stream = tied *{ $_[0] } or return; return $stream->_session }

sub alpn_selected {
    my $stream = tied *{ $_[0] } or return;
    my $name   = $stream->_alpn;
    return length $name ? $name : undef;
}

sub is_SSL {
    my $stream = tied *{ $_[0] } or return !!0;
    return !!$stream->_is_ready;
}

sub _context {
    my ($given, $ssl) = @_;
    return Vouch::Context->new(%$ssl) if !defined $given;
    my $context = blessed $given && $given->can('context') ? $given->context : $given;
    if (!blessed $context || !$context->isa('Vouch::Context')) {
        Vouch::Error->throw(
            code    => 'argument',
            message => 'SSL_reuse_ctx must be a Vouch::Context or a TLS socket',
        );
    }
    if ($context->is_server != !!$ssl->{SSL_server}) {
        my ($for, $not) = $context->is_server ? qw(servers client) : qw(clients server);
        Vouch::Error->throw(
            code    => 'argument',
            message => "SSL_reuse_ctx: this context is for $for, and the socket shall be a $not",
        );
    }
    return $context;
}

sub _check_numbers {
    my ($own) = @_;
    for my $name (qw(timeout SSL_io_timeout SSL_max_line)) {
        my $value = $own->{$name} // next;
        next if !ref $value && looks_like_number($value) && $value >= 0 && $value < 1e12;
        my $told = $name eq 'timeout' ? 'Timeout' : $name;
        Vouch::Error->throw(code => 'argument', message => "$told must be a number, 0 or more, not '$value'");
    }
    return;
}

# What the sockets of a listener, or one of a client, have in common.
sub _prepare {
    my ($own, $context) = @_;
    my $idle = $own->{SSL_io_timeout} // ($context->is_server ? SERVER_IO_TIMEOUT : 0);
    $own->{context}    = $context;
    $own->{plain}      = defined $own->{SSL_startHandshake} && !$own->{SSL_startHandshake};
    $own->{timeout_ms} = _milliseconds($own->{timeout});
    $own->{idle_ms}    = _milliseconds($idle);
    $own->{max_line}   = $own->{SSL_max_line} // MAX_LINE;
    return $own;
}

# Milliseconds for XS; 0 seconds means no limit, -1 there.
sub _milliseconds {
    my ($seconds) = @_;
    return $seconds ? int($seconds * 1000) || 1 : -1;
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

# The handshake: the socket when done; else $SSL_ERROR and $! say why.
sub _start {
    my ($self, $verb, %arg) = @_;
    my $own     = ${*$self}{vouch};
    my $stream  = tied *$self // $self->_tie($own, $verb);
    my $timeout = $arg{Timeout} // $own->{timeout};
    return $self if $stream->_handshake(_milliseconds($timeout));
    return $self->_not_started($stream, $verb, $timeout);
}

# A handshake that only wants to be called again keeps its socket; any other
# closes it.
sub _not_started {
    my ($self, $stream, $verb, $timeout) = @_;
    return if $SSL_ERROR == SSL_WANT_READ || $SSL_ERROR == SSL_WANT_WRITE;
    _explain($stream, $verb, $timeout);
    return $self->_abandon(${*$self}{vouch});
}

sub _tie {
    my ($self, $own, $verb) = @_;
    my $stream = Vouch::Stream::_attach($self, $own->{context}{config}, $own->{idle_ms}, $own->{max_line});
    return $stream if $verb eq 'accept';
    $stream->_set_names(_names($own));
    $stream->_offer($own->{SSL_session}) if $own->{SSL_session};
    return $stream;
}

# The name to ask the server for (SNI; never an address), and the name or
# address its certificate must be for.
sub _names {
    my ($own) = @_;
    my $peer = $own->{peer};
    my $asked  = $own->{SSL_hostname} // $peer // '';
    my $scheme = $own->{SSL_verifycn_scheme} // 'default';
    my $wanted = $own->{SSL_verifycn_name} // (length $asked ? $asked : $peer);
    return (
        length $asked && !_is_address($asked) ? $asked : undef,
        $scheme eq 'none' ? undef : $wanted,
    );
}

sub _is_address {
    my ($text) = @_;
    return defined inet_pton(AF_INET, $text) || $text =~ /:/;
}

sub _explain {
    my ($stream, $verb, $timeout) = @_;
    if ($SSL_ERROR == ETIMEDOUT) {
        $SSL_ERROR = dualvar(ETIMEDOUT, "SSL $verb attempt failed: no handshake within $timeout seconds");
        $! = ETIMEDOUT;
        return;
    }
    my ($code, $text, $errno) = $stream->_error;
    $SSL_ERROR = dualvar(-1, "SSL $verb attempt failed $text");
    $! = $errno;
    return;
}

sub _abandon {
    my ($self, $own) = @_;
    my ($error, $errno) = ($SSL_ERROR, $! + 0);
    if (my $trap = $own->{SSL_error_trap}) {
        $trap->($self, "$error");
    }
    elsif (!$own->{SSL_keepSocketOnError}) {
        $self->close(SSL_no_shutdown => 1);
    }
    $SSL_ERROR = $error;
    $! = $errno;
    return;
}

sub _readable {
    my ($self, $timeout) = @_;
    my $bits = '';
    vec($bits, fileno $self, 1) = 1;
    return CORE::select($bits, undef, undef, $timeout) > 0;
}

sub _failed_accept {
    my ($errno) = @_;
    $! = $errno;
    $SSL_ERROR = dualvar($errno, "accept failed: $!");
    return;
}

sub _tcp_failed {
    my ($arg) = @_;
    my $errno = $! + 0;
    my ($verb, @where) = $arg->{Listen}
        ? ('listen on', $arg->{LocalHost} // $arg->{LocalAddr} // '*', $arg->{LocalPort} // $arg->{LocalService})
        : ('connect to', $arg->{PeerHost} // $arg->{PeerAddr} // '?', $arg->{PeerPort} // $arg->{PeerService});
    my $where  = join ':', grep { defined } @where;
    # A name that has no address is told in $@ only.
    my $reason = $errno && $errno != EINVAL ? "$!" : $@ || "$!";
    $SSL_ERROR = dualvar($errno, "cannot $verb $where: $reason");
    $! = $errno;
    return;
}

my %FIELD = (
    issuer          => sub { $_[0]->issuer },
    authority       => sub { $_[0]->issuer },
    subject         => sub { $_[0]->subject },
    owner           => sub { $_[0]->subject },
    cn              => sub { $_[0]->common_name },
    commonName      => sub { $_[0]->common_name },
    subjectAltName  => \&_flat_names,
    subjectAltNames => \&_flat_names,
);

# Type, value, type, value, as IO::Socket::SSL gives them.
sub _flat_names {
    my ($certificate) = @_;
    my @flat = map {@$_} @{ $certificate->_alternative_names };
    return wantarray ? @flat : $flat[-1];
}

sub _certificate_field {
    my ($certificate, $field) = @_;
    croak "there is no certificate field '$field'; use one of " . join ', ', sort keys %FIELD
        if defined $field && !$FIELD{$field};
    return $certificate if !defined $certificate || !defined $field;
    return $FIELD{$field}->($certificate);
}

1;

__END__
