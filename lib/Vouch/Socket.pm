package Vouch::Socket 0.001;

use v5.16;
use warnings;

use Carp           qw(croak);
use Errno          qw(EINVAL ETIMEDOUT);
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
    $own{peer}    = $arg->{PeerHost} // $arg->{PeerAddr};
    $own{timeout} = $arg->{Timeout} // HANDSHAKE_TIMEOUT;
    _check_numbers(\%own);
    $self->SUPER::configure($arg) or return _tcp_failed($arg);
    @{*$self}{qw(vouch_context vouch_own)} = ($context, \%own);
    return $self if $arg->{Listen} || $context->is_server;
    return $self if defined $own{SSL_startHandshake} && !$own{SSL_startHandshake};
    return $self->connect_SSL;
}

sub accept {
    my ($self, $class) = @_;
    my $context = $self->context;
    my $own     = ${*$self}{vouch_own};
    my $timeout = ${*$self}{io_socket_timeout};
    if (defined $timeout && !$self->_readable($timeout)) {
        $! = ETIMEDOUT;
        $SSL_ERROR = dualvar(ETIMEDOUT, "no connection within $timeout seconds");
        return;
    }
    my $client = Symbol::gensym();
    my $peer   = CORE::accept($client, $self) or return _failed_accept();
    bless $client, $class // ref $self;
    @{*$client}{qw(io_socket_domain io_socket_type io_socket_proto vouch_context vouch_own)} =
        (@{*$self}{qw(io_socket_domain io_socket_type io_socket_proto)}, $context, $own);
    if (!defined $own->{SSL_startHandshake} || $own->{SSL_startHandshake}) {
        $client->accept_SSL or return;
    }
    return wantarray ? ($client, $peer) : $client;
}

sub accept_SSL  { my ($self, @arg) = @_; return $self->_start('accept',  @arg) }
sub connect_SSL { my ($self, @arg) = @_; return $self->_start('connect', @arg) }

sub close {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, %arg) = @_;
    my $stream = tied *$self;
    if ($stream) {
        $stream->_shutdown($arg{SSL_no_shutdown} ? 1 : 0);
        no warnings 'untie';
        untie *$self;
    }
    delete @{*$self}{qw(vouch_context vouch_own)};
    return $self->SUPER::close;
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

sub pending {
    my ($self) = @_;
    my $stream = tied *$self or return 0;
    return $stream->_pending;
}

sub context { return ${ *{ $_[0] } }{vouch_context} }

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
    return $context;
}

sub _check_numbers {
    my ($own) = @_;
    for my $name (qw(timeout SSL_io_timeout SSL_max_line)) {
        my $value = $own->{$name} // next;
        next if !ref $value && looks_like_number($value) && $value >= 0 && $value < 1e12;
        $name = 'Timeout' if $name eq 'timeout';
        Vouch::Error->throw(code => 'argument', message => "$name must be a number, 0 or more, not '$value'");
    }
    return;
}

# The handshake.  True when done; else $SSL_ERROR and $! say why, and the
# connection is closed unless it only wants to be called again.
sub _start {
    my ($self, $verb, %arg) = @_;
    my $own    = ${*$self}{vouch_own};
    my $stream = tied *$self // $self->_tie($own, $verb) // return;
    my $timeout = $arg{Timeout} // $own->{timeout} // HANDSHAKE_TIMEOUT;
    if ($stream->_handshake($timeout ? int $timeout * 1000 : -1)) {
        return $self;
    }
    return if $SSL_ERROR == SSL_WANT_READ || $SSL_ERROR == SSL_WANT_WRITE;
    _explain($stream, $verb, $timeout);
    return $self->_abandon($own);
}

sub _tie {
    my ($self, $own, $verb) = @_;
    my $config = ${*$self}{vouch_context}{config};
    my $idle   = $own->{SSL_io_timeout} // ($verb eq 'accept' ? SERVER_IO_TIMEOUT : 0);
    my $stream = Vouch::Stream::_new($config, $self, fileno($self) // -1,
        $idle ? int $idle * 1000 : -1, $own->{SSL_max_line} // MAX_LINE);
    if ($verb eq 'connect') {
        $stream->_set_names(_names($own));
        $stream->_offer($own->{SSL_session}) if $own->{SSL_session};
    }
    tie *$self, 'Vouch::Stream', $stream;
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
    $SSL_ERROR = dualvar($! + 0, "accept failed: $!");
    return;
}

sub _tcp_failed {
    my ($arg) = @_;
    my $errno = $! + 0;
    my ($verb, @where) = $arg->{Listen}
        ? ('listen on', $arg->{LocalHost} // $arg->{LocalAddr} // '*', $arg->{LocalPort} // $arg->{LocalService})
        : ('connect to', $arg->{PeerHost} // $arg->{PeerAddr} // '?', $arg->{PeerPort} // $arg->{PeerService});
    my $where  = join ':', grep { defined } @where;
    my $reason = $errno ? "$!" : $@;
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
