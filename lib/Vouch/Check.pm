package Vouch::Check 0.001;

use v5.16;
use warnings;

use Errno          qw(ETIMEDOUT);
use IO::Socket::IP ();
use POSIX          ();
use Scalar::Util   qw(weaken);
use Socket         qw(AF_INET SOCK_STREAM getaddrinfo inet_pton);
use Time::HiRes    ();

use Vouch::Check::StartTLS ();
use Vouch::Context         ();
use Vouch::Error           ();
use Vouch::Socket;

use constant {
    TIMEOUT     => 10,             # seconds for each step
    CLOSE_WAIT  => 2,              # seconds for the answer to our close_notify
    SETTLE_WAIT => 0.25,           # seconds for what may follow the handshake
    SOON        => 14 * 86_400,    # a certificate that ends within is a problem
    TEXT_MAX    => 300,            # characters of a text of the server's
    LIST_MAX    => 100,            # names of a certificate, authorities
};

my @VERSIONS = qw(TLSv1_2 TLSv1_3);
my %ARGUMENT = map { $_ => 1 } qw(name ca cert key starttls timeout alpn);

# What is the matter with a chain: OpenSSL's number, in our words.
my %CAUSE = (
    2  => 'untrusted',
    9  => 'not_yet_valid',
    10 => 'expired',
    18 => 'untrusted',
    19 => 'untrusted',
    20 => 'untrusted',
    21 => 'untrusted',
    23 => 'revoked',
    26 => 'purpose',
    66 => 'weak',
    67 => 'weak',
    68 => 'weak',
);

# The hints of a Vouch::Error are for programs that use Vouch; in ours there
# are options.
my @OPTION = (
    [qr/or start_SSL after its (?:STARTTLS|STLS)/,    'or --starttls PROTOCOL'],
    [qr/SSL_cert_file and SSL_key_file \(/,           '--cert FILE and --key FILE ('],
    [qr/SSL_cert_file and SSL_key_file/,              '--cert and --key'],
    [qr/the certificate in SSL_cert_file/,            'it'],
    [qr/SSL_hostname/,                                '--name'],
    [qr/ \(see SSL_cipher_list[^)]*\)/,               ' with the defaults of OpenSSL'],
    [qr/versions offered to it: see SSL_version/,     'versions 1.2 and 1.3'],
    [qr/that SSL_version does not allow \(.*?\): .*/, 'older than 1.2: it should be updated'],
);

my %HINT = (
    untrusted => 'name its authority, or for a self-signed one itself, with --ca FILE; or compare its'
        . ' fingerprint with one you got in another way, and pin it',
    incomplete    => 'the server must send the certificates between its own and the authority; or --ca FILE',
    expired       => 'the server needs a certificate with new dates; or the clock here is wrong',
    soon          => 'renew it in time',
    not_yet_valid => 'is the clock right, here and where the certificate was made?',
    purpose       => 'the server needs a certificate that may be used for servers',
    weak          => 'the server needs a certificate with a stronger key or signature',
    name          => 'connect by a name that is in the certificate, or give it with --name NAME',
    starttls      => 'is this the right port, and the right word after --starttls?',
);

sub new {
    my ($class, $target, %arg) = @_;
    my ($host, $port) = _split($target);
    my ($unknown) = grep { !$ARGUMENT{$_} } sort keys %arg;
    _bad_argument("$unknown is not an argument of Vouch::Check") if defined $unknown;
    _check_arguments(\%arg);
    my $self = bless {
        arg     => \%arg,
        host    => $host,
        port    => $port,
        name    => $arg{name} // $host,
        timeout => $arg{timeout} || TIMEOUT,
    }, $class;
    $self->{context} = $self->_context;
    $self->{shows}   = [SSL_cert_file => $arg{cert}, SSL_key_file => $arg{key}] if defined $arg{cert};
    $self->{shown}   = $self->_context(@{ $self->{shows} })                     if $self->{shows};
    return $self;
}

sub _check_arguments {
    my ($arg) = @_;
    my $word  = $arg->{starttls};
    my @words = Vouch::Check::StartTLS->protocols;
    _bad_argument("starttls: '$word' is not one of @words") if defined $word && !grep { $_ eq $word } @words;
    _bad_argument('a certificate needs its key, and a key its certificate: give cert and key')
        if defined $arg->{cert} && !defined $arg->{key} || defined $arg->{key} && !defined $arg->{cert};
    my $timeout = $arg->{timeout} // TIMEOUT;
    _bad_argument("timeout must be a number of seconds, 0.1 to 3600, not '$timeout'")
        if $timeout !~ /\A[0-9]{1,4}(?:[.][0-9]+)?\z/ || $timeout < 0.1 || $timeout > 3600;
    return;
}

sub _split {
    my ($target) = @_;
    my ($host, $port) = ($target // '') =~ /\A(\[[^\]\/]+\]|[^:\/\s]+):([0-9]{1,5}|[a-z][a-z0-9-]*)\z/
        or _bad_argument("'" . ($target // '') . "' is not HOST:PORT");
    return ($host =~ s/\A\[(.*)\]\z/$1/r, $port);
}

sub _bad_argument {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

# Everything is accepted, and noted; the name is looked at afterwards.
sub _context {
    my ($self, %more) = @_;
    my $ca = $self->{arg}{ca};
    weaken(my $weak = $self);
    return Vouch::Context->new(
        SSL_verify_mode     => SSL_VERIFY_PEER,
        SSL_verify_callback => sub { $weak->_note(@_) },
        defined $ca ? (SSL_ca_file => $ca) : (),
        %more,
    );
}

sub _note {
    my ($self, $ok, $store, undef, undef, $certificate, $depth) = @_;
    my $seen = $self->{seen} or return 1;
    $seen->{certificate}[$depth] //= $certificate;
    my $number = $store->error;
    push @{ $seen->{fault} }, { depth => $depth, number => $number, text => _plain($store->error_text) }
        if !$ok && !grep { $_->{depth} == $depth && $_->{number} == $number } @{ $seen->{fault} };
    return 1;
}

sub run {
    my ($self) = @_;
    my $facts = $self->{facts} = {
        target       => "$self->{host}:$self->{port}",
        name         => _plain($self->{name}),
        starttls     => $self->{arg}{starttls},
        milliseconds => {},
        protocols    => [],
        chain        => [],
        problems     => [],
    };
    my $first = $self->_first;
    if ($first->{answers}) {
        my $known = $self->{shows} ? $self->_show($first) : $first;
        $self->_versions;
        $self->_resume($known->{session}) if $known->{ok};
        $self->_alpn                      if $known->{ok};
    }
    $self->_judge;
    return $facts;
}

# --- connections -------------------------------------------------------------

sub _seconds_since { return Time::HiRes::time() - $_[0] }
sub _milliseconds  { return sprintf('%.1f', 1000 * $_[0]) + 0 }

# A TCP connection, past STARTTLS where that is wanted.
sub _dial {
    my ($self, $time) = @_;
    my $begin = Time::HiRes::time();
    $self->{addresses} //= $self->_resolve;
    $time->{resolve} = _milliseconds(_seconds_since($begin));
    $begin = Time::HiRes::time();
    my $socket = IO::Socket::IP->new(PeerAddrInfo => $self->{addresses}, Timeout => $self->{timeout})
        or $self->_cannot_connect($! + 0);
    $time->{connect} = _milliseconds($self->{distance} = _seconds_since($begin));
    # The next ones go where this one went.
    $self->{addresses} = [_address_of($socket)];
    $self->{address}   = _with_port($socket->peerhost, $socket->peerport);
    Vouch::Check::StartTLS->begin($socket, $self->{arg}{starttls}, $self->{timeout})
        if defined $self->{arg}{starttls};
    return $socket;
}

sub _resolve {
    my ($self) = @_;
    my ($error, @found) = getaddrinfo($self->{host}, $self->{port}, { socktype => SOCK_STREAM });
    return \@found if !$error && @found;
    Vouch::Error->throw(
        code    => 'system',
        message => "cannot find $self->{host}:$self->{port}: " . ($error || 'it has no address'),
    );
}

sub _address_of {
    my ($socket) = @_;
    return {
        family   => $socket->sockdomain,
        socktype => SOCK_STREAM,
        protocol => $socket->protocol,
        addr     => $socket->peername
    };
}

sub _with_port { my ($host, $port) = @_; return $host =~ /:/ ? "[$host]:$port" : "$host:$port" }

sub _cannot_connect {
    my ($self, $errno) = @_;
    local $! = $errno;
    Vouch::Error->throw(
        code    => $errno == ETIMEDOUT ? 'timeout' : 'system',
        message => 'cannot connect to ' . _with_port(@$self{qw(host port)}) . ": $!",
        errno   => $errno,
    );
}

# One connection with a handshake: what came of it.
sub _probe {
    my ($self, $context, %how) = @_;
    my %done   = (time => {});
    my $socket = eval { $self->_dial($done{time}) };
    return { %done, ok => 0, error => $@ } if !$socket;
    Vouch::Socket->start_SSL(
        $socket,
        SSL_startHandshake  => 0,
        SSL_reuse_ctx       => $context,
        SSL_hostname        => _is_address($self->{name}) ? '' : $self->{name},
        SSL_verifycn_scheme => 'none',
        defined $how{session} ? (SSL_session => $how{session}) : (),
    );
    my $stream = $socket->_tie($socket->_own('connect'), 'connect');
    local $self->{seen} = $done{seen} = { certificate => [], fault => [] };
    my $begin = Time::HiRes::time();
    $done{ok}              = $socket->connect_SSL(Timeout => $self->{timeout}) ? 1 : 0;
    $done{time}{handshake} = _milliseconds(_seconds_since($begin));
    $done{asked}           = $stream->_is_asked ? 1 : 0;
    $done{authorities}     = $stream->_authorities;
    return { %done, socket => $socket, stream => $stream } if $done{ok};
    CORE::close($socket);
    return { %done, error => Vouch::Socket->last_error };
}

sub _is_address {
    my ($text) = @_;
    return defined inet_pton(AF_INET, $text) || $text =~ /:/;
}

# Let tickets come in, or the alert of a server that has looked at our
# certificate only now: that error, or undef.
sub _settle {
    my ($self, $socket) = @_;
    my $end = Time::HiRes::time() + SETTLE_WAIT + 3 * $self->{distance};
    $socket->blocking(0);
    while (1) {
        my $got = $socket->peek(my $byte, 1);
        last if defined $got || $SSL_ERROR != SSL_WANT_READ || $socket->session;
        my $left = $end - Time::HiRes::time();
        my $bits = '';
        vec($bits, fileno $socket, 1) = 1;
        last if $left <= 0 || select($bits, undef, undef, $left) <= 0;
    }
    $socket->blocking(1);
    return $socket->last_error;
}

# To the end of a connection: what its last words were.
sub _finish {
    my ($self, $probe) = @_;
    my $socket = $probe->{socket};
    $probe->{late} = $self->_settle($socket);
    my $session = $socket->session;
    my $part    = $self->_part($probe);
    $probe->{session} = $session // $socket->session;
    $socket->close;
    return $part;
}

# Say goodbye and see how the server does.
sub _part {
    my ($self, $probe) = @_;
    return 'alert' if $probe->{late};
    my $wait = CLOSE_WAIT < $self->{timeout} ? CLOSE_WAIT : $self->{timeout};
    my $done = $probe->{stream}->_shutdown(1000 * $wait);
    return 'close_notify' if $done;
    my $error = $probe->{socket}->last_error or return 'silence';
    $probe->{late} //= $error if $error->code eq 'alert';
    return $error->code eq 'alert' ? 'alert' : $error->cause eq 'reset' ? 'reset' : 'end';
}

# --- what is asked -----------------------------------------------------------

# The connection that most is learned from.
sub _first {
    my ($self) = @_;
    my $facts  = $self->{facts};
    my $probe  = $self->_probe($self->{context});
    die $probe->{error} if !defined $self->{address};
    $facts->{address}      = $self->{address};
    $facts->{milliseconds} = $probe->{time};
    $probe->{answers}      = $probe->{seen} ? 1 : 0;
    if ($probe->{ok}) {
        $self->_take_facts($probe);
        $facts->{close} = $self->_finish($probe);
    }
    $self->_take_chain($probe);
    $self->_take_request($probe);
    return $probe         if $probe->{ok} || _is_required($probe->{error});
    $probe->{answers} = 0 if $self->_says_no_tls($probe->{error});
    $self->_failed($probe->{error});
    return $probe;
}

sub _take_facts {
    my ($self, $probe) = @_;
    my $facts  = $self->{facts};
    my $socket = $probe->{socket};
    $facts->{protocol}   = $socket->get_sslversion;
    $facts->{cipher}     = $socket->get_cipher;
    $facts->{staple}     = _staple($probe->{stream});
    $probe->{seen}{sent} = [$socket->peer_certificates];
    return;
}

# With a chain that is not trusted, a staple has nothing to be checked by.
sub _staple {
    my ($stream) = @_;
    my $found = $stream->_staple_found;
    return $found if $found ne 'none';
    return defined $stream->_staple ? 'unchecked' : 'none';
}

# As the server sent it; of a handshake that failed, as far as it was checked.
sub _take_chain {
    my ($self, $probe) = @_;
    my $facts = $self->{facts};
    my $seen  = $probe->{seen} // return;
    my @chain = @{ $seen->{sent} // [] };
    @chain = grep { defined } @{ $seen->{certificate} } if !@chain;
    return if !@chain;
    $facts->{chain} = [map { _certificate($_) } @chain];
    $facts->{trust} = {
        accepted => @{ $seen->{fault} } ? 0 : 1,
        faults   => $seen->{fault},
    };
    $facts->{name_accepted} = $chain[0]->is_for($self->{name}) ? 1 : 0;
    $self->{leaf}           = $chain[0];
    return;
}

sub _certificate {
    my ($certificate) = @_;
    my $ends          = $certificate->not_after;
    my @names         = eval {
        map { "$_->[0]:$_->[1]" } $certificate->alternative_names;
    };
    return {
        subject     => _plain($certificate->subject),
        issuer      => _plain($certificate->issuer),
        names       => _list(@names),
        not_before  => $certificate->not_before_iso,
        not_after   => $certificate->not_after_iso,
        days_left   => defined $ends ? POSIX::floor(($ends - time) / 86_400) : undef,
        key         => _key($certificate),
        fingerprint => $certificate->fingerprint(spelling => 'lower'),
        spki        => $certificate->fingerprint(spelling => 'lower', of => 'spki'),
    };
}

sub _key {
    my ($certificate) = @_;
    my $curve = $certificate->key_curve;
    return join ' ', $certificate->key_type, $curve // (), $certificate->key_bits . ' bits';
}

sub _take_request {
    my ($self, $probe) = @_;
    my $required = _is_required($probe->{error}) || _is_required($probe->{late});
    $self->{facts}{client_certificate} = {
        asked       => $probe->{asked} ? 1 : 0,
        required    => $required       ? 1 : 0,
        authorities => _list(@{ $probe->{authorities} // [] }),
    };
    return;
}

sub _is_required {
    my ($error) = @_;
    return $error && ($error->cause // '') eq 'no_certificate';
}

# There is no use in asking on: 1.
sub _says_no_tls {
    my ($self, $error) = @_;
    return ($error->cause // 'none') =~ /\A(?:none|plain_http|not_tls|timeout|closed|reset)\z/;
}

# Each version by itself; the one that was chosen is known to work.
sub _versions {
    my ($self) = @_;
    my $facts = $self->{facts};
    for my $version (@VERSIONS) {
        if (($facts->{protocol} // '') eq $version) {
            push @{ $facts->{protocols} },
                { version => $version, accepted => 1, cipher => $facts->{cipher}, reason => undef };
            next;
        }
        my $probe = $self->_probe($self->_context(SSL_version => $version, @{ $self->{entry} // [] }));
        push @{ $facts->{protocols} }, _version($version, $probe);
        $probe->{socket}->close if $probe->{ok};
    }
    return;
}

sub _version {
    my ($version, $probe) = @_;
    my $cipher = $probe->{ok} ? $probe->{socket}->get_cipher : undef;
    my $error  = $probe->{error};
    return {
        version  => $version,
        accepted => $probe->{ok} || _is_required($error) ? 1 : 0,
        cipher   => $cipher,
        reason   => $error ? _plain($error->message) : undef,
    };
}

sub _resume {
    my ($self, $session) = @_;
    my %told = (offered => $session ? 1 : 0, resumed => 0);
    if ($session) {
        my $context = $self->{entry} ? $self->{shown} : $self->{context};
        my $probe   = $self->_probe($context, session => $session);
        if ($probe->{ok}) {
            $told{resumed} = $probe->{socket}->get_session_reused ? 1 : 0;
            $probe->{socket}->close;
        }
    }
    $self->{facts}{resumption} = \%told;
    return;
}

sub _alpn {
    my ($self) = @_;
    my $list   = $self->{arg}{alpn} // [];
    my %told   = (offered => [@$list], chosen => undef, reason => undef);
    if (@$list) {
        my $probe = $self->_probe($self->_context(SSL_alpn_protocols => $list, @{ $self->{entry} // [] }));
        if ($probe->{ok}) { $told{chosen} = _plain($probe->{socket}->alpn_selected); $probe->{socket}->close }
        else              { $told{reason} = _plain($probe->{error}->message) }
    }
    $self->{facts}{alpn} = \%told;
    return;
}

# The same with a certificate of ours; if it opens the door, this is the
# connection to learn the rest from.
sub _show {
    my ($self, $first) = @_;
    my $probe = $self->_probe($self->{shown});
    my $close = $probe->{ok} ? $self->_finish($probe) : undef;
    my $error = $probe->{error} // $probe->{late};
    my $told  = $self->{facts}{client_certificate};
    $told->{shown}    = _plain($self->{arg}{cert});
    $told->{accepted} = $error ? 0                       : 1;
    $told->{reason}   = $error ? _plain($error->message) : undef;
    $self->_problem('with this client certificate: ' . $error->message, _hint_of($error)) if $error;
    return $first if $error || !$told->{required};
    $self->{entry} = $self->{shows};
    $self->_take_facts($probe);
    $self->_take_chain($probe);
    $self->{facts}{close} = $close;
    return $probe;
}

# --- what is wrong -----------------------------------------------------------

sub _problem {
    my ($self, $text, $hint) = @_;
    push @{ $self->{facts}{problems} }, { text => _plain($text), hint => _plain($hint) };
    return;
}

sub _hint_of {
    my ($error) = @_;
    my $hint = $error->hint // return;
    $hint =~ s/$_->[0]/$_->[1]/ for @OPTION;
    return $hint;
}

sub _failed {
    my ($self, $error) = @_;
    my $hint = _hint_of($error);
    $hint = $HINT{starttls} if !defined $hint && defined $self->{arg}{starttls};
    $self->_problem('no TLS connection: ' . $error->message, $hint);
    return;
}

sub _judge {
    my ($self) = @_;
    my $facts  = $self->{facts};
    my $leaf   = $facts->{chain}[0] or return;
    for my $fault (@{ $facts->{trust}{faults} }) {
        $self->_problem(_which($fault->{depth}) . ": $fault->{text}", $self->_chain_hint($fault));
    }
    $self->_problem("the certificate is not for $facts->{name}", $HINT{name}) if !$facts->{name_accepted};
    my $ends = $self->{leaf}->not_after;
    $self->_problem("the certificate ends on $leaf->{not_after}", $HINT{soon})
        if defined $ends && $ends > time && $ends - time < SOON;
    return;
}

sub _which { my ($depth) = @_; return $depth ? 'certificate ' . ($depth + 1) : 'the certificate' }

# The issuer of the last one that was sent is not known: is there one to send?
sub _chain_hint {
    my ($self, $fault) = @_;
    my $cause = $CAUSE{ $fault->{number} } // return;
    my $chain = $self->{facts}{chain};
    return $HINT{incomplete}
        if $fault->{number} == 20 && @$chain == 1 && $chain->[0]{subject} ne $chain->[0]{issuer};
    return $HINT{$cause};
}

# --- texts of strangers ------------------------------------------------------

# What a server says may be anything: nothing but printable ASCII, and not
# without end.
sub _plain {
    my ($text) = @_;
    return if !defined $text;
    my $plain = $text =~ s/([^\x20-\x7e])/sprintf '\\x%02X', ord $1/ger;
    return length $plain > TEXT_MAX ? substr($plain, 0, TEXT_MAX) . '...' : $plain;
}

sub _list {
    my (@texts) = @_;
    my $more = @texts - LIST_MAX;
    return [map { _plain($_) } @texts] if $more <= 0;
    return [(map { _plain($_) } @texts[0 .. LIST_MAX - 1]), "... and $more more"];
}

1;

__END__

=head1 NAME

Vouch::Check - find out how a server does TLS

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Check;

    my $facts = Vouch::Check->new('example.org:443')->run;
    say "$facts->{protocol}, $facts->{cipher}";
    say "$_->{text}; $_->{hint}" for @{ $facts->{problems} };

=head1 DESCRIPTION

Calls a server a few times and tells what it is like: as plain data, for a
program. The command C<vouch check> prints the same (L<vouch/vouch check>).

The first call accepts any certificate and shows none. It is ended with
close_notify, to see how the server ends it. Then come one call for each version of
TLS that the first has not chosen, one that resumes the session, one that offers
application protocols, and, if there is a certificate to show, one that shows it.
Nothing is sent but TLS, and the words before STARTTLS.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Check;
    use Vouch::Identity;
    use Vouch::Socket;

    Vouch::Identity->create(cn => 'localhost', san => ['127.0.0.1'], file => 'server');
    my $server = Vouch::Socket->new(
        LocalAddr     => '127.0.0.1',
        LocalPort     => 0,
        Listen        => 10,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    ) or die "cannot listen: $SSL_ERROR\n";

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        while (1) {
            my $client = $server->accept or next;
            my $line   = <$client>;
            close $client;
        }
    }
    my $facts = Vouch::Check->new('127.0.0.1:' . $server->sockport)->run;
    kill TERM => $pid;

    say $facts->{protocol};                         # prints: TLSv1_3
    say $facts->{chain}[0]{subject};                # prints: /CN=localhost
    say $facts->{name_accepted};                    # prints: 1
    say $facts->{trust}{faults}[0]{text};           # prints: self-signed certificate
    say $facts->{problems}[0]{hint};                # prints: ...--ca FILE...

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

=head2 new

    my $check = Vouch::Check->new('example.org:443', name => 'www.example.org');

Prepares to check the server at a host and port (C<[::1]:443> for an IPv6 address).
Further arguments, by name:

=over 4

=item name

The name to ask the server for, and to find in its certificate; default: the host.

=item ca

A file with the authorities to trust; default: the system's.

=item cert, key

Files with a certificate to show, and its key.

=item starttls

The protocol that the server begins with in plain text, one word of
L<Vouch::Check::StartTLS/protocols>.

=item alpn

A reference to a list of application protocols to offer; default: none.

=item timeout

Seconds for each step: connecting, STARTTLS, the handshake. Default: 10.

=back

=head2 run

    my $facts = $check->run;

Calls the server. Returns a reference to a hash, which stays the same from release
to release, but for new entries. Texts of the server come as printable ASCII, what
is not as C<\xHH>, and are cut where they are too long; lists have at most 100
entries and one that says how many more there are. Yes and no are 1 and 0. What was
not found out is missing, or undef.

=over 4

=item target, address, name, starttls

As asked for, the address that answered, the name, the word.

=item milliseconds

A hash: C<resolve>, C<connect>, C<handshake> of the first call.

=item protocol, cipher

Those of the first call: C<TLSv1_3>, C<TLS_AES_256_GCM_SHA384>.

=item protocols

A list of hashes for TLS 1.2 and 1.3: C<version>, C<accepted>, C<cipher> and, if it
failed, C<reason>.

=item chain

A list of hashes, one for each certificate that was sent, the server's first:
C<subject>, C<issuer>, C<names> (a list of C<dns:example.org>, C<ip:192.0.2.1>),
C<not_before> and C<not_after> in ISO 8601, C<days_left> (negative: it is over),
C<key> in words, C<fingerprint> and C<spki> (SHA-256 of the certificate and of its
public key, C<SHA256:hex>).

=item trust

A hash: C<accepted>, and C<faults>, a list of hashes C<depth> (0: the server's
own), C<number> (OpenSSL's), C<text>.

=item name_accepted

Whether the certificate is for the name.

=item client_certificate

A hash: C<asked>, C<required>, C<authorities> (a list of those the server names);
and if there was one to show, C<shown> (its file), C<accepted>, C<reason>.

=item alpn

A hash: C<offered>, C<chosen>, and C<reason> if the server refused.

=item resumption

A hash: C<offered>, C<resumed>.

=item staple

The OCSP staple: C<none>, C<good>, or C<unchecked>, as the chain is not trusted.

=item close

What the server does when it is told goodbye: C<close_notify>, C<end> (it cuts the
connection off), C<reset>, C<silence>, or C<alert> (it had refused before).

=item problems

A list of hashes C<text> and C<hint> (or undef): no TLS, a chain that is not trusted, a
certificate that is out of date, will be within 14 days, or is for another name, and a
certificate shown that is not accepted. That a server wants one, or has no TLS 1.3,
is no problem.

=back

=head1 ERRORS

C<new> dies with a L<Vouch::Error> for arguments and files that cannot be used. C<run>
dies with one of the code C<system> or C<timeout> if the host has no address or nobody
takes a TCP connection. Everything else is in the facts.

=head1 THREADS AND FORK

To be made and run in one thread.

=head1 SEE ALSO

L<vouch>, L<Vouch::Socket/last_error>, L<Vouch::Error/cause>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
