package Vouch::Context 0.001;

use v5.16;
use warnings;

use Carp         qw(carp);
use Scalar::Util qw(blessed reftype);
use Time::HiRes  ();
use overload     ();

use Vouch            ();
use Vouch::Config    ();
use Vouch::Error     ();
use Vouch::Identity  ();

# A warning names the program's line, not ours.
our @CARP_NOT = qw(Vouch::Socket IO::Socket IO::Socket::IP);

my %PROTOCOL = (
    TLSv1   => 0x0301,
    TLSv1_1 => 0x0302,
    TLSv1_2 => 0x0303,
    TLSv1_3 => 0x0304,
);

# What an argument does: each is called with the context, the configuration
# being built, and the value.
my %SETTER = (
    SSL_verify_mode        => \&_set_verify_mode,
    SSL_verify_callback    => \&_set_verify_callback,
    SSL_verify_depth       => sub { $_[1]->_set_verify_depth(_number('SSL_verify_depth', $_[2])) },
    SSL_ca_file            => sub { _set_ca($_[1], $_[2], '_add_ca_file') },
    SSL_ca_path            => \&_set_ca_path,
    SSL_ca_pem             => sub { $_[1]->_add_ca_pem($_[2]) },
    SSL_client_ca_file     => sub { $_[1]->_set_client_ca_file($_[2]) },
    SSL_version            => \&_set_version,
    SSL_cipher_list        => sub { $_[1]->_set_ciphers($_[2]) },
    SSL_ciphersuites       => sub { $_[1]->_set_ciphersuites($_[2]) },
    SSL_ecdh_curve         => \&_set_groups,
    SSL_honor_cipher_order => sub { $_[1]->_set_server_order($_[2] ? 1 : 0) },
    SSL_alpn_protocols     => sub { $_[1]->_set_alpn(_list($_[2])) },
    SSL_session_tickets    => sub { $_[1]->_set_tickets($_[2] ? 1 : 0) },
    SSL_session_id_context => sub { $_[1]->_set_session_id_context($_[2]) },
);

# Arguments that are looked at together, or elsewhere.
my %KNOWN = map { $_ => 1 } qw(
    SSL_server SSL_use_cert SSL_identity SSL_cert_file SSL_key_file SSL_cert SSL_key
    SSL_passwd_cb SSL_fingerprint SSL_force_fingerprint SSL_check_crl SSL_crl_file
    SSL_create_ctx_callback
);

sub CLONE_SKIP { return 1 }

sub new {
    my ($class, %arg) = @_;
    my @unknown = grep { !$SETTER{$_} && !$KNOWN{$_} } sort keys %arg;
    _bad_argument(_unknown_text(@unknown)) if @unknown;
    my $self = bless { arg => \%arg }, $class;
    $self->_build;
    return $self;
}

sub reload {
    my ($self) = @_;
    $self->_build;
    return $self;
}

sub changed_files {
    my ($self) = @_;
    my $seen = $self->{files};
    return grep { _stamp($_) ne $seen->{$_} } sort keys %$seen;
}

sub is_server { return !!$_[0]{arg}{SSL_server} }

sub add_pin    { my ($self, $pin) = @_; return !!$self->{config}->_add_pin($pin) }
sub remove_pin { my ($self, $pin) = @_; return !!$self->{config}->_remove_pin($pin) }
sub has_pin    { my ($self, $pin) = @_; return !!$self->{config}->_has_pin($pin) }
sub pins       { return $_[0]{config}->_pins }

sub ssl_ctx { return $_[0]{config}->_ssl_ctx }

# Build a configuration from the arguments; only when all of it has worked
# does it take the place of the one before.
sub _build {
    my ($self) = @_;
    my $arg    = $self->{arg};
    my $config = Vouch::Config::_new($arg->{SSL_server} ? 1 : 0);
    my %before = map { $_ => _stamp($_) } $self->_files;
    for my $name (sort grep { defined $arg->{$_} } keys %SETTER) {
        $SETTER{$name}->($self, $config, $arg->{$name});
    }
    $self->_set_identities($config);
    $self->_set_pins($config);
    $self->_set_crl($config);
    _tell_program($arg->{SSL_create_ctx_callback}, $config) if defined $arg->{SSL_create_ctx_callback};
    $config->_freeze;
    @$self{qw(config files)} = ($config, \%before);
    return;
}

sub _tell_program {
    my ($callback, $config) = @_;
    _bad_argument("SSL_create_ctx_callback must be a code reference, not '$callback'") if ref $callback ne 'CODE';
    $callback->($config->_ssl_ctx);
    return;
}

sub _set_verify_mode {
    my ($self, $config, $mode) = @_;
    if (ref $mode || $mode !~ /\A-?[0-9]{1,9}\z/) {
        _bad_argument("SSL_verify_mode must be a number and not a string: '$mode'");
    }
    $config->_set_verify($mode);
    return;
}

sub _set_verify_callback {
    my ($self, $config, $callback) = @_;
    if (!_is_code($callback)) {
        _bad_argument("SSL_verify_callback must be a code reference, not '$callback'");
    }
    $config->_set_verify_callback($callback);
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
        if (ref $path eq 'SCALAR') { $config->_set_ca_none }
        else                       { $config->$add($path) }
    }
    return;
}

# OpenSSL would look into a folder that is not there, and find nothing.
sub _set_ca_path {
    my ($self, $config, $value) = @_;
    my @paths = ref $value ? _list($value) : grep { length } split /:/, $value;
    for my $path (grep { defined && !ref && !/\0/ && !-d } @paths) {
        _bad_argument("SSL_ca_path: '$path' is not a folder");
    }
    return _set_ca($config, \@paths, '_add_ca_path');
}

sub _set_groups {
    my ($self, $config, $groups) = @_;
    $config->_set_groups($groups) if $groups ne 'auto';
    return;
}

# "TLSv1_2", "TLSv12", or "SSLv23:!TLSv1:!TLSv1_1": what is left must be one
# range.
sub _set_version {
    my ($self, $config, $text) = @_;
    my (%take, $all);
    for my $word (split /\s*:\s*/, $text) {
        my ($not, $name) = $word =~ /\A(!?)([\w\/]+)\z/ or _bad_argument("SSL_version '$text' is not understood");
        $name =~ s/\ATLSv1([123])\z/TLSv1_$1/;
        if ($name =~ /\A(?:SSLv23|SSLv2\/3|TLS)\z/ && !$not) { $take{$_} = 1 for keys %PROTOCOL; next }
        next if $not && $name =~ /\ASSLv[23]\z/;
        $PROTOCOL{$name} or _bad_argument("SSL_version: '$name' is not one of " . join ', ', sort keys %PROTOCOL);
        if   ($not) { %take = map { $_ => 1 } keys %PROTOCOL if !%take && !$all++; delete $take{$name} }
        else        { $take{$name} = 1 }
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
    if (defined $arg->{SSL_key_file} && !defined $arg->{SSL_cert_file}) {
        _bad_argument('SSL_key_file needs its certificate: give SSL_cert_file too');
    }
    my $count = 0;
    for my $pair ($self->_identities) {
        my ($name, $identity) = @$pair;
        $config->_add_identity($identity, $name);
        $self->_warn_of_dates($identity->certificate) if $arg->{SSL_server};
        $count++;
    }
    if ($arg->{SSL_server} && !$count) {
        _bad_argument('a server needs a certificate: give SSL_cert_file and SSL_key_file'
                . ' (make them with: vouch cert --cn localhost --out server)');
    }
    return;
}

# Pairs of server name (undef: every name) and identity.
sub _identities {
    my ($self) = @_;
    my $arg = $self->{arg};
    my @pairs = _by_name($arg->{SSL_identity});
    for my $given (map { $_->[1] } @pairs) {
        next if blessed $given && $given->isa('Vouch::Identity');
        _bad_argument('SSL_identity must be a Vouch::Identity, not ' . ($given // 'undef'));
    }
    my %key   = map { $_->[0] // '' => $_->[1] } _by_name($arg->{SSL_key_file});
    for my $pair (_by_name($arg->{SSL_cert_file})) {
        my ($name, $file) = @$pair;
        my $key = exists $key{ $name // '' } ? $key{ $name // '' } : $key{''};
        push @pairs, [$name, Vouch::Identity::_load($file, $key,
            Vouch::Identity::_password($arg->{SSL_passwd_cb}))];
    }
    if (defined $arg->{SSL_cert}) {
        my ($leaf, @chain) = ref $arg->{SSL_cert} eq 'ARRAY' ? @{ $arg->{SSL_cert} } : $arg->{SSL_cert};
        push @pairs, [undef, Vouch::Identity::_from_openssl(
            _address('SSL_cert', $leaf), _address('SSL_key', $arg->{SSL_key}), map { _address('SSL_cert', $_) } @chain)];
    }
    # "name%x" is a further certificate for "name".
    return map { [defined $_->[0] ? $_->[0] =~ s/%.*\z//sr || undef : undef, $_->[1]] } @pairs;
}

# What Net::SSLeay and objects of ours are as a number.
sub _address {
    my ($name, $value) = @_;
    return 0 + $value if defined $value && "$value" =~ /\A[1-9][0-9]{4,}\z/;
    _bad_argument("$name must be the address of an OpenSSL object, not '" . ($value // 'undef') . "'");
}

sub _by_name {
    my ($value) = @_;
    return if !defined $value;
    return [undef, $value] if ref $value ne 'HASH';
    return map { [length $_ ? $_ : undef, $value->{$_}] } sort keys %$value;
}

sub _warn_of_dates {
    my ($self, $certificate) = @_;
    my $cn = $certificate->common_name // $certificate->subject;
    if ($certificate->is_expired) {
        carp "the server's certificate for $cn expired on " . ($certificate->not_after_iso // 'a date that cannot be read')
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

sub _list { return ref $_[0] eq 'ARRAY' ? @{ $_[0] } : $_[0] }

sub _number {
    my ($name, $value) = @_;
    return $value if !ref $value && $value =~ /\A[0-9]{1,9}\z/;
    _bad_argument("$name must be a whole number, not '$value'");
}

# The files an argument names, to tell when they have changed.
sub _files {
    my ($self) = @_;
    my $arg = $self->{arg};
    my @names = map { $_->[1] } map { _by_name($arg->{$_}) } qw(SSL_cert_file SSL_key_file);
    push @names, map { _list($_) } @$arg{qw(SSL_ca_file SSL_crl_file SSL_client_ca_file)};
    return grep { defined && !ref } @names;
}

sub _stamp {
    my ($path) = @_;
    my @stat = Time::HiRes::stat($path) or return 'missing';
    return join ' ', @stat[0, 1, 7, 9];
}

sub _unknown_text {
    my (@names) = @_;
    my @all = (keys %SETTER, keys %KNOWN);
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
