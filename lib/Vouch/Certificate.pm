package Vouch::Certificate 0.001;

use v5.16;
use warnings;

use Socket qw(AF_INET AF_INET6 inet_ntop);

use Vouch        ();
use Vouch::Error ();

# As a number a certificate is the address of OpenSSL's X509, so that code
# written for IO::Socket::SSL can hand it to Net::SSLeay.
use overload
    '0+'     => sub { ${ $_[0] } },
    'bool'   => sub { 1 },
    fallback => 1;

my %SPELLING = (dollar => 0, lower => 1, upper => 2, hex => 3, colons => 4, base64url => 5);
my %DIGEST_OF = (certificate => 0, spki => 1, key => 2);
my %SAN_TYPE  = (
    0 => 'other', 1 => 'email', 2 => 'dns', 4 => 'directory',
    6 => 'uri',   7 => 'ip',    8 => 'rid',
);

sub CLONE_SKIP { return 1 }

sub from_file   { my ($class, $path)  = @_; return _from_file($path) }
sub from_string { my ($class, $bytes) = @_; return _from_string($bytes) }

sub subject_fields { return map {@$_} @{ $_[0]->_name_fields(0) } }
sub issuer_fields  { return map {@$_} @{ $_[0]->_name_fields(1) } }

sub alternative_names {
    my ($self) = @_;
    return map { [$SAN_TYPE{ $_->[0] }, _san_text(@$_)] } @{ $self->_alternative_names };
}

sub _san_text {
    my ($type, $value) = @_;
    return $value if $type != 7;
    my $family = length $value == 4 ? AF_INET : length $value == 16 ? AF_INET6 : undef;
    return defined $family ? inet_ntop($family, $value) : unpack 'H*', $value;
}

sub not_before_iso { return _iso($_[0]->not_before) }
sub not_after_iso  { return _iso($_[0]->not_after) }

sub _iso {
    my ($epoch) = @_;
    return if !defined $epoch;
    my ($sec, $min, $hour, $day, $month, $year) = gmtime $epoch;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ',
        $year + 1900, $month + 1, $day, $hour, $min, $sec;
}

sub is_expired       { my ($self, $now) = @_; return !!$self->_is_expired($now // time) }
sub is_not_yet_valid { my ($self, $now) = @_; return !!$self->_is_not_yet_valid($now // time) }

sub fingerprint {
    my ($self, %how) = @_;
    my $spelling = delete $how{spelling} // 'dollar';
    my $of       = delete $how{of}       // 'certificate';
    my $digest   = delete $how{digest}   // 'sha256';
    _unknown('fingerprint', %how);
    return $self->_fingerprint($digest,
        _pick('of', $of, \%DIGEST_OF), _pick('spelling', $spelling, \%SPELLING));
}

sub digest {
    my ($self, %how) = @_;
    my $of     = delete $how{of}     // 'certificate';
    my $digest = delete $how{digest} // 'sha256';
    _unknown('digest', %how);
    return $self->_digest($digest, _pick('of', $of, \%DIGEST_OF));
}

sub _pick {
    my ($name, $value, $table) = @_;
    return $table->{$value} // Vouch::Error->throw(
        code    => 'argument',
        message => "$name => '$value' is not one of " . join(', ', sort keys %$table),
    );
}

sub _unknown {
    my ($method, %rest) = @_;
    return if !%rest;
    Vouch::Error->throw(
        code    => 'argument',
        message => "$method does not know " . join(', ', sort keys %rest),
    );
}

1;

__END__
