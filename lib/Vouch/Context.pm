package Vouch::Context 0.001;

use v5.16;
use warnings;

use Carp         qw(carp);
use Scalar::Util qw(blessed reftype weaken);
use Time::HiRes  ();
use overload     ();

use Vouch                      ();
use Vouch::Config              ();
use Vouch::Context::Identities ();
use Vouch::Error               ();
use Vouch::Socket::Sessions    ();

# A warning names the program's line, not ours.
our @CARP_NOT = qw(Vouch::Socket IO::Socket IO::Socket::IP);

my %PROTOCOL = (
    TLSv1   => 0x0301,
    TLSv1_1 => 0x0302,
    TLSv1_2 => 0x0303,
    TLSv1_3 => 0x0304,
);
my %SPELT = map { (lc($_) => $_, lc(tr/_//dr) => $_) } keys %PROTOCOL;    # TLSv1_2 and TLSv12

# What an argument does: each is called with the context, the configuration
# being built, and the value.
my %SETTER = (
    SSL_verify_mode        => \&_set_verify_mode,
    SSL_verify_callback    => \&_set_verify_callback,
    SSL_verify_depth       => sub { $_[1]->_set_verify_depth(_number('SSL_verify_depth', $_[2])) },
    SSL_ca                 => \&_set_ca_certificates,
    SSL_ca_file            => sub { _set_ca($_[1], $_[2], '_add_ca_file') },
    SSL_ca_path            => \&_set_ca_path,
    SSL_ca_pem             => sub { $_[1]->_add_ca_pem($_[2]) },
    SSL_client_ca          => \&_set_client_ca,
    SSL_client_ca_file     => sub { $_[1]->_set_client_ca_file($_[2]) },
    SSL_version            => \&_set_version,
    SSL_cipher_list        => \&_set_ciphers,
    SSL_ciphersuites       => \&_set_ciphersuites,
    SSL_dh_file            => sub { $_[1]->_set_dh_file($_[2]) },
    SSL_dh                 => \&_set_dh,
    SSL_ecdh_curve         => \&_set_groups,
    SSL_honor_cipher_order => sub { $_[1]->_set_server_order($_[2] ? 1 : 0) },
    SSL_alpn_protocols     => sub { $_[1]->_set_alpn(_list($_[2])) },
    SSL_session_tickets    => sub { $_[1]->_set_tickets($_[2] ? 1 : 0) },
    SSL_session_id_context => sub { $_[1]->_set_session_id_context($_[2]) },

    SSL_mode_release_buffers => sub { $_[1]->_set_release_buffers($_[2] ? 1 : 0) },
);

# Arguments that are looked at together, or elsewhere.
my %KNOWN = map { $_ => 1 } qw(
    SSL_server SSL_use_cert SSL_identity SSL_cert_file SSL_key_file SSL_cert SSL_key
    SSL_passwd_cb SSL_fingerprint SSL_force_fingerprint SSL_check_crl SSL_crl_file
    SSL_create_ctx_callback SSL_session_cache SSL_session_cache_size SSL_ocsp_mode
    SSL_ocsp_staple_callback
);

# What IO::Socket::SSL has and Vouch has not, and why.
my %LEFT_OUT = (
    SSL_npn_protocols    => 'there is no NPN, which ALPN has replaced; give SSL_alpn_protocols',
    SSL_psk              => 'there are no pre-shared keys, as with them nobody shows a certificate',
    SSL_ticket_keycb     => 'ticket keys are made by each context and shared by the processes forked from it',
    SSL_usebio           => 'there is no TLS inside TLS',
    SSL_on_peer_shutdown => 'reading tells the end, and last_error whether the peer said goodbye',
    SSL_ocsp_cache       => 'no OCSP responder is asked, so there is nothing to keep',
);

# Empty, these count as not given, as IO::Socket::SSL takes them.
my @MAY_BE_EMPTY =
    qw(SSL_cert SSL_cert_file SSL_key SSL_key_file SSL_ca SSL_ca_file SSL_ca_path SSL_fingerprint);

sub CLONE_SKIP { return 1 }

sub new {
    my ($class, %arg) = @_;
    _check_arguments(\%arg);
    my $self = bless { arg => \%arg, session_cache => scalar Vouch::Socket::Sessions::cache_of(\%arg) },
        $class;
    $self->_build;
    return $self;
}

# A context on a configuration that is built already.
sub _of {
    my ($class, $config, $files, $arg) = @_;
    _check_callback($arg->{SSL_verify_callback});
    my $cache = Vouch::Socket::Sessions::cache_of($arg);
    return bless { arg => $arg, config => $config, files => $files, session_cache => $cache }, $class;
}

sub reload {
    my ($self) = @_;
    $self->_build;
    return $self;
}

# Of a context that a socket has made for itself: its callbacks, which may be
# closures over that very socket.  The context knows them from now on only as
# long as somebody else holds them.
sub _let_go {
    my ($self) = @_;
    my $arg    = $self->{arg};
    my @names  = grep { /(?:callback|cb)\z/ && ref $arg->{$_} } sort keys %$arg;
    my @held   = @$arg{@names};
    weaken($arg->{$_}) for @names;
    $self->{let_go} = \@names;
    return \@held;
}

sub _check_whole {
    my ($self) = @_;
    my ($gone) = grep { !defined $self->{arg}{$_} } @{ $self->{let_go} // [] } or return;
    _bad_argument("the $gone of this context has gone with the socket it was given to;"
            . ' make a Vouch::Context for what several sockets share');
}

sub changed_files {
    my ($self) = @_;
    my $seen = $self->{files};
    return grep { _stamp($_) ne $seen->{$_} } sort keys %$seen;
}

sub is_server { return !!$_[0]{arg}{SSL_server} }

# Whether anything but a pin may accept a peer after a check.
sub _checks_name {
    my $arg  = $_[0]{arg};
    my $mode = $arg->{SSL_verify_mode} // 1;
    return $mode && !($mode & 0x100) && !$arg->{SSL_force_fingerprint};
}

sub session_cache { return $_[0]{session_cache} }

sub add_pin    { my ($self, $pin) = @_; return !!$self->{config}->_add_pin($pin) }
sub remove_pin { my ($self, $pin) = @_; return !!$self->{config}->_remove_pin($pin) }
sub has_pin    { my ($self, $pin) = @_; return !!$self->{config}->_has_pin($pin) }
sub pins       { return $_[0]{config}->_pins }

sub ssl_ctx { return $_[0]{config}->_ssl_ctx }

# Build a configuration from the arguments; only when all of it has worked
# does it take the place of the one before.
sub _build {
    my ($self) = @_;
    $self->_check_whole;
    my $arg    = $self->{arg};
    my $config = Vouch::Config::_new($arg->{SSL_server} ? 1 : 0);
    my %before = map { $_ => _stamp($_) } _files_in($arg);
    for my $name (sort grep { defined $arg->{$_} } keys %SETTER) {
        _of_argument($name, sub { $SETTER{$name}->($self, $config, $arg->{$name}) });
    }
    $self->_set_identities($config);
    _of_argument('SSL_fingerprint', sub { $self->_set_pins($config) });
    _of_argument('SSL_crl_file',    sub { $self->_set_crl($config) });
    $self->_set_ocsp($config);
    _tell_program($arg->{SSL_create_ctx_callback}, $config) if defined $arg->{SSL_create_ctx_callback};
    _of_argument('SSL_verify_mode', sub { $config->_freeze });
    @$self{qw(config files)} = ($config, \%before);
    return;
}

# What is wrong is told with the name of the argument.
sub _of_argument {
    my ($name, $code) = @_;
    my @result;
    return @result if eval { @result = $code->(); 1 };
    my $error = $@;
    if (ref $error eq 'Vouch::Error' && $error->{message} !~ /\bSSL_/) {
        $name = $name->($error->{message}) if ref $name;
        $error->{message} = "$name: $error->{message}";
    }
    die $error;
}

sub _tell_program {
    my ($callback, $config) = @_;
    _bad_argument("SSL_create_ctx_callback must be a code reference, not '$callback'")
        if ref $callback ne 'CODE';
    $callback->($config->_ssl_ctx);
    return;
}

# The argument that a text about an identity is about: those about a key begin
# with its file.
sub _namer {
    my ($arg)  = @_;
    my ($name) = grep { defined $arg->{$_} } qw(SSL_cert SSL_cert_file SSL_identity);
    my @keys   = grep { defined && !ref } map { ref eq 'HASH' ? values %$_ : $_ } $arg->{SSL_key_file};
    return sub {
        my ($text) = @_;
        return (grep { $text =~ /\A\Q$_\E[: ]/ } @keys) ? 'SSL_key_file' : $name // 'SSL_key';
    };
}

sub _check_password {
    my ($password) = @_;
    return if !ref $password || _is_code($password);
    _bad_argument('SSL_passwd_cb must be a code reference or a text, not a reference to ' . ref $password);
}

sub _set_verify_mode {
    my ($self, $config, $mode) = @_;
    if (ref $mode || $mode !~ /\A-?[0-9]{1,9}\z/) {
        _bad_argument("SSL_verify_mode must be a number and not a string: '$mode'");
    }
    $config->_set_verify($mode);
    return;
}

sub _check_callback {
    my ($callback) = @_;
    return if !defined $callback || _is_code($callback);
    _bad_argument("SSL_verify_callback must be a code reference, not '$callback'");
}

sub _set_verify_callback {
    my ($self, $config, $callback) = @_;
    _check_callback($callback);
    $config->_ask_callback;    # each connection brings its own
    return;
}

# A function, blessed or not, or an object that can be called as one.
sub _is_code {
    my ($value) = @_;
    return 1 if (reftype $value // '') eq 'CODE';
    return blessed $value && overload::Method($value, '&{}');
}

# \undef means: trust nobody, not even the system's authorities.
sub _set_ca {
    my ($config, $value, $add) = @_;
    for my $path (ref $value eq 'ARRAY' ? @$value : $value) {
        if   (ref $path eq 'SCALAR') { $config->_set_ca_none }
        else                         { $config->$add($path) }
    }
    return;
}

# An empty list means the same.
sub _set_ca_certificates {
    my ($self, $config, $value) = @_;
    my @addresses = Vouch::Context::Identities::certificates('SSL_ca', $value);
    $config->_set_ca_none if !@addresses;
    $config->_add_ca_openssl($_) for @addresses;
    return;
}

sub _set_client_ca {
    my ($self, $config, $value) = @_;
    $config->_add_client_ca_openssl($_) for Vouch::Context::Identities::certificates('SSL_client_ca', $value);
    return;
}

# OpenSSL would look into a folder that is not there, and find nothing.  Of
# several, one that is there will do: systems differ.
sub _set_ca_path {
    my ($self, $config, $value) = @_;
    my @paths = ref $value ? _list($value) : grep { length } split /:/, $value;
    my @missing = grep { defined && !ref && !/\0/ && !-d } @paths;
    if (@missing && @missing == @paths) {
        _bad_argument("SSL_ca_path: '$missing[0]' is not a folder");
    }
    my %missing = map { $_ => 1 } @missing;
    return _set_ca($config, [grep { !defined || !$missing{$_} } @paths], '_add_ca_path');
}

# One list, or lists by server name, '' for all others.
sub _set_ciphers {
    my ($self, $config, $value) = @_;
    return $config->_set_ciphers($value) if ref $value ne 'HASH';
    for my $name (sort keys %$value) {
        if (length $name) { $config->_set_name_ciphers($name, $value->{$name}) }
        else              { $config->_set_ciphers($value->{$name}) }
    }
    return;
}

sub _set_ciphersuites {
    my ($self, $config, $value) = @_;
    if (ref $value eq 'HASH') {
        _bad_argument('SSL_ciphersuites: one list serves all server names, as OpenSSL chooses the suite'
                . ' before it looks at the name');
    }
    return $config->_set_ciphersuites($value);
}

sub _set_dh {
    my ($self, $config, $value) = @_;
    return if defined $self->{arg}{SSL_dh_file};
    return $config->_set_dh_openssl(Vouch::Context::Identities::address('SSL_dh', $value));
}

sub _set_groups {
    my ($self, $config, $groups) = @_;
    $config->_set_groups($groups) if $groups ne 'auto';
    return;
}

# "TLSv1_2", "TLSv12", or "SSLv23:!TLSv1:!TLSv1_1", in either case: what is
# left must be one range.
sub _set_version {
    my ($self, $config, $text) = @_;
    my (%take, $all);
    for my $word (split /\s*:\s*/, $text) {
        my ($not, $name) = $word =~ /\A(!?)([\w\/]+)\z/
            or _bad_argument("SSL_version '$text' is not understood");
        if ($name =~ /\A(?:SSLv23|SSLv2\/3|TLS)\z/i && !$not) { $take{$_} = 1 for keys %PROTOCOL; next }
        next if $not && $name =~ /\ASSLv[23]\z/i;
        $name = $SPELT{ lc $name }
            // _bad_argument("SSL_version: '$name' is not one of " . join ', ', sort keys %PROTOCOL);
        if ($not) {
            %take = map { $_ => 1 } keys %PROTOCOL if !%take && !$all++;
            delete $take{$name};
        }
        else { $take{$name} = 1 }
    }
    my @numbers = sort { $a <=> $b } @PROTOCOL{ keys %take };
    if (!@numbers || $numbers[-1] - $numbers[0] != $#numbers) {
        _bad_argument("SSL_version '$text' does not leave one range of versions");
    }
    $config->_set_protocols(@numbers[0, -1]);
    return;
}

sub _set_identities {
    my ($self, $config) = @_;
    my $arg = $self->{arg};
    if (defined $arg->{SSL_use_cert} && !$arg->{SSL_use_cert} && !$arg->{SSL_server}) {
        return;
    }
    my $count = 0;
    _check_password($arg->{SSL_passwd_cb});
    my $name_of = _namer($arg);
    for my $pair (_of_argument($name_of, sub { Vouch::Context::Identities::pairs($arg) })) {
        my ($name, $identity) = @$pair;
        _of_argument($name_of, sub { $config->_add_identity($identity, $name) });
        $self->_warn_of_dates($identity->certificate) if $arg->{SSL_server};
        $count++;
    }
    if ($arg->{SSL_server} && !$count) {
        _bad_argument('a server needs a certificate: give SSL_cert_file and SSL_key_file'
                . ' (make them with: vouch cert --cn localhost --out server)');
    }
    return;
}

sub _warn_of_dates {
    my ($self, $certificate) = @_;
    my $cn = $certificate->common_name // $certificate->subject;
    if ($certificate->is_expired) {
        carp "the server's certificate for $cn expired on "
            . ($certificate->not_after_iso // 'a date that cannot be read')
            . '; peers that check dates will refuse it (renew it with: vouch cert --renew)';
    }
    elsif ($certificate->is_not_yet_valid) {
        carp "the server's certificate for $cn is valid only from " . $certificate->not_before_iso;
    }
    return;
}

sub _set_pins {
    my ($self, $config) = @_;
    my $arg = $self->{arg};
    if (!defined $arg->{SSL_fingerprint}) {
        _bad_argument('SSL_force_fingerprint needs SSL_fingerprint (an empty list will do)')
            if $arg->{SSL_force_fingerprint};
        return;
    }
    $config->_set_pins($self->{config}, $arg->{SSL_force_fingerprint} ? 1 : 0);
    return if $self->{config};    # a reload keeps the pins as they are now
    $config->_add_pin($_) for _list($arg->{SSL_fingerprint});
    return;
}

sub _set_crl {
    my ($self, $config) = @_;
    my $arg = $self->{arg};
    return if !defined $arg->{SSL_crl_file} && !$arg->{SSL_check_crl};
    $config->_set_crl($arg->{SSL_crl_file}, 0);
    return;
}

sub _set_ocsp {
    my ($self, $config)   = @_;
    my ($mode, $callback) = @{ $self->{arg} }{qw(SSL_ocsp_mode SSL_ocsp_staple_callback)};
    return if !defined $mode && !defined $callback;
    _bad_argument("SSL_ocsp_staple_callback must be a code reference, not '$callback'")
        if defined $callback && !_is_code($callback);
    $config->_set_ocsp(_number('SSL_ocsp_mode', $mode // 0), defined $callback ? 1 : 0);
    return;
}

sub _list { return ref $_[0] eq 'ARRAY' ? @{ $_[0] } : $_[0] }

sub _number {
    my ($name, $value) = @_;
    return $value if !ref $value && $value =~ /\A[0-9]{1,9}\z/;
    _bad_argument("$name must be a whole number, not '$value'");
}

# The files an argument names, to tell when they have changed.
sub _files_in {
    my ($arg) = @_;
    my @names = map { ref eq 'HASH' ? @$_{ sort keys %$_ } : $_ } @$arg{qw(SSL_cert_file SSL_key_file)};
    push @names, map { _list($_) } @$arg{qw(SSL_ca_file SSL_crl_file SSL_client_ca_file SSL_dh_file)};
    return grep { defined && !ref } @names;
}

sub _stamp {
    my ($path) = @_;
    return 'missing' if $path =~ /\0/;
    my @stat = Time::HiRes::stat($path) or return 'missing';
    return join ' ', @stat[0, 1, 7, 9];
}

# True or false; \0 would be true.
my @FLAGS = qw(
    SSL_server SSL_use_cert SSL_force_fingerprint SSL_check_crl SSL_honor_cipher_order SSL_session_tickets
    SSL_mode_release_buffers
);

sub _check_flags {
    my ($arg, @names) = @_;
    for my $name (@names) {
        _bad_argument("$name must be true or false, not a reference")
            if ref $arg->{$name} && !blessed $arg->{$name};
    }
    return;
}

# The arguments are ours to change: what counts as not given goes.
sub _check_arguments {
    my ($arg) = @_;
    _check_names(keys %$arg);
    _check_flags($arg, @FLAGS);
    for my $name (grep { $arg->{$_} } sort keys %LEFT_OUT) {
        _bad_argument("$name: $LEFT_OUT{$name}");
    }
    delete @$arg{ keys %LEFT_OUT };
    for my $name (grep { defined $arg->{$_} && !ref $arg->{$_} } @MAY_BE_EMPTY) {
        delete $arg->{$name} if $arg->{$name} eq '';
    }
    return;
}

sub _argument_names { return (keys %SETTER, keys %KNOWN) }

sub _is_known {
    my ($name) = @_;
    return $SETTER{$name} || $KNOWN{$name};
}

sub _check_names {
    my (@names) = @_;
    my @unknown = grep { !$SETTER{$_} && !$KNOWN{$_} && !$LEFT_OUT{$_} } sort @names;
    _bad_argument(_unknown_text(@unknown)) if @unknown;
    return;
}

sub _unknown_text {
    my (@names) = @_;
    my @all = _argument_names();
    my @text;
    for my $name (@names) {
        my $plain = lc $name =~ s/[\W_]//gr;
        my ($near) = grep { lc($_ =~ s/_//gr) eq $plain } @all;
        push @text, defined $near ? "$name (did you mean $near?)" : $name;
    }
    return 'Vouch does not know the argument ' . join ', ', @text;
}

sub _bad_argument {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Context - what TLS connections have in common: who we are, whom we accept

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Context;
    use Vouch::Socket;

    my $context = Vouch::Context->new(
        SSL_server            => 1,
        SSL_cert_file         => 'server-cert.pem',
        SSL_key_file          => 'server-key.pem',
        SSL_verify_mode       => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        SSL_fingerprint       => [],
        SSL_force_fingerprint => 1,             # let in who is pinned, and nobody else
    );

    my @servers = map {
        Vouch::Socket->new(LocalAddr => $_, LocalPort => 1965, Listen => 100, SSL_reuse_ctx => $context)
            or die "cannot listen: $SSL_ERROR\n"
    } qw(0.0.0.0 ::1);

    $context->add_pin('SHA256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef');
    $context->reload if $context->changed_files;

=head1 DESCRIPTION

A context holds the settings of TLS: certificate and key, whom to trust, pins,
protocol versions. It is made once, checked completely while it is made, and
then used by any number of connections. L<Vouch::Socket/new> makes one out of
its arguments; the connections of a listener share the listener's. Make one
yourself to share it between listeners, or between clients that connect often
(making one reads all certificates, and the system's authorities, which takes
longer than a handshake), and to resume sessions.

A context does not change while it is in use, with two exceptions: pins may be
added and removed at any time, and L</reload> reads all files again.

=head2 Whom to accept

C<SSL_verify_mode> says whether a certificate is asked for, and what for. That
the peer holds the private key of the certificate it shows is always checked.

=over 4

=item SSL_VERIFY_NONE (0)

A server does not ask for a certificate. A client accepts whatever the server
shows. The default of servers.

=item SSL_VERIFY_PEER (1)

The certificate is checked, as described below. A server asks for one, and
serves a client that has none. The default of clients.

=item SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT (3)

A server refuses a client without a certificate.

=item SSL_VERIFY_CLIENT_ONCE (4)

Allowed in the sum, and without effect.

=item VOUCH_VERIFY_ANY (257)

Ask for a certificate, accept any, and say what was found: L<Vouch::Socket/verification>
tells. Nothing about it is required: it may be expired, self-signed, or
somebody else's idea of a name. Together with SSL_VERIFY_FAIL_IF_NO_PEER_CERT a
client must have one.

=back

Where certificates are checked, three are asked, in this order:

=over 4

=item 1. The pins

If the certificate or its public key is among the pins (C<SSL_fingerprint>),
the peer is accepted. Chain, dates and name are not looked at, and the callback
is not called. If it is not, the next is asked; with C<SSL_force_fingerprint>
the peer is refused.

=item 2. The callback

If there is an C<SSL_verify_callback>, its word is final, with one exception: a
certificate for another host refuses the server whatever it says. See
L<Vouch::Socket/CALLBACKS>.

=item 3. OpenSSL

Without a callback the peer is accepted if a chain leads from its certificate
to one that is trusted, and if dates, purpose, revocation lists (if any) and,
for servers, the host name are right. Trusted is every certificate from
C<SSL_ca_file>, C<SSL_ca_path> or C<SSL_ca_pem>, also an intermediate one, and
also a self-signed one of a single peer. Where none of the three is given, the
system's authorities are trusted.

=back

What could not be enforced dies when the context is made: VOUCH_VERIFY_ANY
together with a callback, with C<SSL_force_fingerprint> or with revocation
lists; C<SSL_force_fingerprint> or revocation lists without SSL_VERIFY_PEER.

=head2 Pins

A pin is a fingerprint of a certificate or of a public key, written in any of
these ways:

    sha256$5f70bf18...         the certificate, as Vouch and IO::Socket::SSL write it
    SHA256:5f70bf18...         the same; digits in either case
    5f70bf18...                the same; the digest follows from the length
    5F:70:BF:18:...            the same, as openssl x509 -fingerprint prints it
    X3C_GKCGAHAW6Uiw...        the same in base64url, 43 characters (sha256 only)
    sha256$spki$9a31c1...      the public key (SubjectPublicKeyInfo)
    sha256//mjHB...            the same in base64, as curl has it
    sha256$pub$77d0e5...       the key's bit string, as IO::Socket::SSL has it

In place of sha256 there may be sha384, sha512, sha1 and md5; the last two can
be forged, and are there for what is already stored. A pin of a key goes on
matching when the certificate is renewed with the same key; a pin of a
certificate does not. Looking a certificate up costs the same for one pin and
for a million, and comparing them takes the same time whatever differs.

Pins are changed with L</add_pin> and L</remove_pin>. A change counts from the
next handshake on, for all sockets of the context. Open connections are not
closed. The context must have been made with C<SSL_fingerprint>; an empty list
will do.

With VOUCH_VERIFY_ANY, pins refuse nobody, but C<verification> says C<pin> for
those who are known and C<any> for all others. A server that does not ask for
certificates (SSL_VERIFY_NONE) does not look at pins.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::Socket;

    Vouch::Identity->create(cn => 'localhost', file => 'server');
    Vouch::Identity->create(cn => 'Alex', file => 'alex');

    my $server = Vouch::Socket->new(
        LocalAddr             => '127.0.0.1',
        LocalPort             => 0,
        Listen                => 10,
        SSL_cert_file         => 'server-cert.pem',
        SSL_key_file          => 'server-key.pem',
        SSL_verify_mode       => SSL_VERIFY_PEER,
        SSL_fingerprint       => [],
        SSL_force_fingerprint => 1,
    ) or die "cannot listen: $SSL_ERROR\n";
    my $context = $server->context;

    my $pin = Vouch::Certificate->from_file('alex-cert.pem')->fingerprint(of => 'spki');

    visit();                                    # prints: refused
    $context->add_pin($pin);
    visit();                                    # prints: welcome, Alex
    say $context->has_pin($pin) ? 'known' : 'unknown';    # prints: known
    say join ' ', $context->pins;               # prints: sha256$spki$...
    $context->remove_pin($pin);
    visit();                                    # prints: refused

    # A client visits, in a child process, and the server tells the outcome.
    sub visit {
        if (fork == 0) {
            my $socket = Vouch::Socket->new(
                PeerAddr        => '127.0.0.1',
                PeerPort        => $server->sockport,
                SSL_cert_file   => 'alex-cert.pem',
                SSL_key_file    => 'alex-key.pem',
                SSL_verify_mode => SSL_VERIFY_NONE,
            );
            my $answer = <$socket> if $socket;
            exit;
        }
        my $client = $server->accept;
        say $client ? 'welcome, ' . $client->peer_certificate('cn') : 'refused';
        print $client "welcome\n" if $client;
        undef $client;
        wait;
    }

=for example end

=head2 Several names on one server

C<SSL_cert_file>, C<SSL_key_file>, C<SSL_cert>, C<SSL_key> and C<SSL_identity> may
be hash references, from the names clients ask for (SNI) to what is for them:

    SSL_cert_file => {
        ''               => 'default-cert.pem',
        'www.example'    => 'www-cert.pem',
        '*.home.example' => 'home-cert.pem',
    },
    SSL_key_file => {
        ''               => 'default-key.pem',
        'www.example'    => 'www-key.pem',
        '*.home.example' => 'home-key.pem',
    },

An exact name comes first, then C<*> for one label on the left, then C<''>, the
default, which also serves clients that ask for no name or an unknown one. A
name with C<%> and something after it is a further certificate for that name,
with another kind of key (C<'www.example%rsa'>): at most four for each.
Without a default, clients that ask for no known name are refused. C<SSL_cipher_list>
takes such a hash reference too.

=head1 CALLBACKS

C<SSL_verify_callback> is described in L<Vouch::Socket/CALLBACKS>.

=head2 SSL_passwd_cb

    SSL_passwd_cb => sub { return $password }

Asked for the password of an encrypted key, or of a PKCS#12 file, when the
context is made and at each L</reload>. Called with 0, as IO::Socket::SSL does.
undef gives up; then, as with a wrong password, C<new> dies with the code
C<password>. If the callback dies, C<new> dies with the same. In place of a
function the password itself may be given. At most 1024 bytes; characters count
as UTF-8.

=head2 SSL_create_ctx_callback

    SSL_create_ctx_callback => sub { my ($ctx) = @_; Net::SSLeay::CTX_set_options($ctx, $options) }

Called when all else has been set up, with the address of OpenSSL's SSL_CTX, and
again at each L</reload>. Sockets that are given the same function share what it
has set up: see L<Vouch::Context::Shared>. For settings that Vouch does not have, by means of
Net::SSLeay. Vouch's own (verification, sessions, ALPN, server names) must be
left alone. If it dies, so does C<new>.

=head2 SSL_ocsp_staple_callback

    SSL_ocsp_staple_callback => sub { my ($socket, $response) = @_; ... }

Looks at what a server has stapled to its certificate, instead of Vouch, in the
handshake of a client: the socket, and the address of OpenSSL's OCSP_RESPONSE for
Net::SSLeay, valid only during the call, or undef if there is none. What it
returns is not looked at, as with IO::Socket::SSL; to refuse the server, die: the
exception is thrown again by C<new> or C<connect_SSL>. It cannot use the
connection. Called once; not for a resumed session.

=head1 METHODS

=head2 new

    my $context = Vouch::Context->new(SSL_ca_file => 'authorities.pem');

Makes a context and checks it. All arguments may also be given to
L<Vouch::Socket/new>. An argument that is undef counts as not given. Files are
read at once, at most 1 MiB each (16 MiB for authorities and revocation lists).

=over 4

=item SSL_server

True for a server's context. Default: false here; true in Vouch::Socket where
there is C<Listen>.

=item SSL_cert_file, SSL_key_file

Files with our certificate, followed by those of its issuers if there are any,
and with its private key: PEM, DER or PKCS#12, told apart by what is in them.
Without C<SSL_key_file> the key is taken from C<SSL_cert_file>. Hash references
are for L</Several names on one server>. A server must have a certificate; it
warns of one that has expired or is not valid yet. A client has none unless it
is told.

=item SSL_identity

A L<Vouch::Identity>, or a hash reference of names and identities, in place of
or beside files.

=item SSL_cert, SSL_key

The same in memory: a L<Vouch::Certificate> and a L<Vouch::Key>, or the addresses
of OpenSSL's X509 and EVP_PKEY, from Net::SSLeay. C<SSL_cert> may be an array
reference: our certificate, then its chain. A certificate in memory goes together
with a key in a file, and the other way round. The context has references of
its own: the program may free what it has, the chain too.

=item SSL_passwd_cb

See L</CALLBACKS>.

=item SSL_use_cert

0 to make a client that shows no certificate although one is given. Default 1.

=item SSL_verify_mode

See L</Whom to accept>. Default SSL_VERIFY_PEER (1) for a client,
SSL_VERIFY_NONE (0) for a server.

=item SSL_verify_callback

A code reference: see L<Vouch::Socket/CALLBACKS>. Default: none.

=item SSL_verify_depth

How many issuers a chain may have, 0 to 1000. Default: OpenSSL's 100.

=item SSL_fingerprint

A pin, or an array reference of pins. See L</Pins>. Dies unless
C<SSL_verify_mode> asks for a certificate, for else nobody would look. Default:
none, and none can be added.

=item SSL_force_fingerprint

1 to refuse who is not pinned. Default 0: who is not pinned is checked by the
callback and OpenSSL.

=item SSL_ca

Certificates to trust, as L<Vouch::Certificate> objects or addresses of OpenSSL's
X509: one, or an array reference of several. An empty one trusts nobody.

=item SSL_ca_file

A PEM file of certificates to trust, or an array reference of several.
C<\undef> trusts nobody. Default, where certificates are checked and neither
this nor C<SSL_ca>, C<SSL_ca_path> or C<SSL_ca_pem> is given: the system's authorities, as
OpenSSL finds them (the environment variables SSL_CERT_FILE and SSL_CERT_DIR
count).

=item SSL_ca_path

A folder of certificates to trust, prepared with C<openssl rehash>; or several,
as an array reference, or with C<:> between them, of which at least one must
be there. C<\undef> trusts nobody.
Certificates are read from it when they are needed.

=item SSL_ca_pem

Certificates to trust, as PEM text.

=item SSL_client_ca_file

A PEM file of authorities whose names a server tells to clients, so that they
know which certificate to show. It does not trust them. Default: no names, which
clients take for "any".

=item SSL_client_ca

The same, as C<SSL_ca> has them.

=item SSL_crl_file

A PEM file of revocation lists. The peer's own certificate must not be on the
list of its issuer, and there must be one that has not run out.

=item SSL_check_crl

1 to check revocation with lists from C<SSL_ca_path> or C<SSL_ca_file>. Default
0; C<SSL_crl_file> switches it on.

=item SSL_ocsp_mode

Whether a server must show that its certificate has not been revoked, by stapling
to it what its authority's OCSP responder has signed. A sum of:

    SSL_OCSP_TRY_STAPLE     a client asks for a staple, and does without
    SSL_OCSP_MUST_STAPLE    it refuses a server that has none
    SSL_OCSP_NO_STAPLE      it does not ask
    SSL_OCSP_FAIL_HARD      it refuses a staple that has no answer ("try later")
    SSL_OCSP_FULL_CHAIN     taken, and without effect

Default SSL_OCSP_TRY_STAPLE where chains are checked. A staple that comes is
checked: it must be signed by the issuer of the certificate, or who that has
appointed, be about this certificate, and be inside its dates. One that says
"revoked", or does not pass, refuses the server, whatever the callback says. It is
not looked at behind a pin, nor, unless it is demanded, where the callback has
accepted a certificate whose chain is not right, or where the certificate itself is
trusted and not its issuer. Dies where a staple is demanded and no chain is checked.

No responder is asked over the network, and a server of Vouch staples nothing: it
would have to ask one every few days. C<SSL_crl_file> takes lists.

=item SSL_ocsp_staple_callback

See L</CALLBACKS>. Default: none.

=item SSL_version

The versions of TLS, in either case: one (C<TLSv1_3>), several (C<TLSv1_2:TLSv1_3>), or all
without some (C<SSLv23:!TLSv1:!TLSv1_1>). C<TLSv12> is C<TLSv1_2>. What is left
must be one range. Default: TLS 1.2 and 1.3. TLS 1.0 and 1.1 need an OpenSSL
that allows them.

=item SSL_cipher_list

Ciphers up to TLS 1.2, in OpenSSL's syntax (L<openssl-ciphers(1)>). Default:
C<DEFAULT> without those that are weak or do not authenticate. On a server it may
be a hash reference, as for L</Several names on one server>.

=item SSL_ciphersuites

Ciphers of TLS 1.3, in OpenSSL's syntax. Default: OpenSSL's. One list serves all
names, as OpenSSL chooses before it looks at the name.

=item SSL_ecdh_curve

Groups for the key exchange, such as C<X25519:P-256>, or OpenSSL's number of one.
Default, and with the value C<auto>: OpenSSL's.

=item SSL_dh_file

A file of parameters, PEM or DER, for the Diffie-Hellman exchange without curves
(C<openssl dhparam 2048>). Default: none, and a server does not offer that
exchange: it lets a client make the server work far more than the client does.

=item SSL_dh

The same as the address of OpenSSL's DH, from Net::SSLeay.

=item SSL_honor_cipher_order

1, the default, for the server's order of ciphers; 0 for the client's.

=item SSL_alpn_protocols

Application protocols, the preferred first: an array reference, or one name. A
server that shares none with a client that asks refuses it. Default: none.

=item SSL_session_tickets

1 or 0: whether a server issues tickets to resume sessions with. Default: 1 for
servers that ask for no certificate, 0 for those that do. Read
L<Vouch::Socket/Resumed sessions and who the peer is> before you switch it on.

=item SSL_session_id_context

At most 32 bytes that tell this server's sessions from those of others. Default
C<vouch>.

=item SSL_session_cache, SSL_session_cache_size

Of a client: a L<Vouch::SessionCache> for the sessions of its sockets, or the size of
one of its own. Default: none (0), or that of
L<Vouch::Socket::Defaults/set_default_session_cache>.

=item SSL_create_ctx_callback

See L</CALLBACKS>.

=item SSL_mode_release_buffers

1 to have OpenSSL give back its buffers of a connection after each record. Default
0: they are given back as soon as there is nothing more to read, so that a
connection at rest needs as little memory, and a busy one is faster.

=back

As IO::Socket::SSL does, it takes C<SSL_cert>, C<SSL_cert_file>, C<SSL_key>,
C<SSL_key_file>, C<SSL_ca>, C<SSL_ca_file>, C<SSL_ca_path> and C<SSL_fingerprint>
for not given where they are the empty text.

These arguments of IO::Socket::SSL are left out; to give a true one dies:

=over 4

=item SSL_npn_protocols

NPN is a draft that ALPN has replaced. TLS 1.3 has no place for it.

=item SSL_psk

With a pre-shared key nobody shows a certificate, and who the peer is would be a
matter of who else has the key.

=item SSL_ticket_keycb

Ticket keys are made by each context, and shared by the processes that are forked
from its own. Several servers behind one name do a full handshake each.

=item SSL_usebio

TLS inside TLS: nothing in the modules that use IO::Socket::SSL needs it but
the way to a web server through a proxy that is itself asked over TLS.

=item SSL_on_peer_shutdown

A function to call at the peer's close_notify. Reading tells the end, and
L<Vouch::Socket/last_error> whether the peer said goodbye.

=item SSL_ocsp_cache

For the answers of OCSP responders, which Vouch does not ask.

=back

Dies with a L<Vouch::Error>.

=head2 reload

    $context->reload;

Reads all files again and starts afresh with what they say: the way to new
certificates, authorities and revocation lists without a restart. Handshakes
from then on use the new; open connections keep the old. Pins stay as they are
at the moment. Sessions from before are not resumed. If anything is wrong it
dies with a L<Vouch::Error>, and all goes on with the old. Returns the context.

=head2 changed_files

    my @paths = $context->changed_files;

The files among the arguments that have changed, appeared or gone since they
were read: by inode, size and time. Folders (C<SSL_ca_path>) are not looked at.
In scalar context, how many.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Context;
    use Vouch::Identity;

    my $context = Vouch::Context->new(
        SSL_server    => 1,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    );
    say $context->is_server ? 'for servers' : 'for clients';    # prints: for servers
    say scalar $context->changed_files;                         # prints: 0

    # Somebody renews the certificate, perhaps with "vouch cert --renew server".
    Vouch::Identity->load(file => 'server')->renew(file => 'server', replace => 1);

    say for $context->changed_files;
    # prints: server-cert.pem
    # prints: server-key.pem
    $context->reload;
    say scalar $context->changed_files;                         # prints: 0

=for example end

=head2 is_server

    die "a client's\n" if !$context->is_server;

True for a server's context.

=head2 add_pin

    $context->add_pin('sha256$5f70bf18...');

Adds a pin, in any spelling. True if it is new, false if it was there. Dies if
the text is not a fingerprint, or the context was made without
C<SSL_fingerprint>.

=head2 remove_pin

    $context->remove_pin($fingerprint);

Removes a pin; the spelling need not be the one it was added in. True if it was
there. Dies as C<add_pin> does.

=head2 has_pin

    $context->has_pin($fingerprint) or warn "unknown\n";

True if this very fingerprint is pinned. (A certificate may be accepted by
another: by that of its key, say.) Dies as C<add_pin> does.

=head2 pins

    my @fingerprints = $context->pins;

All pins, in no order, spelt C<sha256$...>.

=head2 session_cache

    my $cache = $context->session_cache;

The L<Vouch::SessionCache> of a client's context, or undef.

=head2 ssl_ctx

    my $address = $context->ssl_ctx;

The address of OpenSSL's SSL_CTX, for Net::SSLeay. It belongs to the context,
and is another one after C<reload>.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Context;

    my $context = Vouch::Context->new(SSL_ca_file => \undef);
    say 'an address' if $context->ssl_ctx > 0;    # prints: an address

=for example end

=head1 ERRORS

C<new> and C<reload> die with a L<Vouch::Error> whose text names the argument or
the file:

    Vouch does not know the argument SSL_certfile (did you mean SSL_cert_file?)
    server-cert.pem: cannot read: No such file or directory
    client-key.pem does not match server-cert.pem: the key belongs to another
        certificate; use the pair that was made together

Its codes are C<argument>, C<file>, C<format>, C<limit>, C<password>,
C<mismatch>, C<config> (settings that exclude each other, or that OpenSSL
refuses) and C<tls>. A server's certificate that has expired is a warning.

=head1 THREADS AND FORK

A context does not go into a new thread: a copy there is a reference to undef.

After a C<fork> each process has a context of its own. Pins added, and files
reloaded, in one process do not change the other's: a server with worker
processes tells each of them, by a signal for instance.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::Identity>, L<Vouch::Certificate>, L<Vouch::Error>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
