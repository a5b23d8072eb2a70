package Vouch::Utils::Create 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(looks_like_number);

use Vouch              ();
use Vouch::Certificate ();
use Vouch::Error       ();
use Vouch::Key         ();

use constant YEAR => 365 * 86_400;

my %ARGUMENT = map { $_ => 1 } qw(
    subject subjectAltNames not_before not_after serial version CA purpose ext key issuer_cert issuer_key
    digest ignore_invalid_args
);

# What CERT_asHash tells and nobody sets: it follows from the rest.
my $TOLD = qr{\A(?:crl_uri|ocsp_uri|keyusage|extkeyusage|signature_alg
    |(?:x509_digest|pubkey_digest|fingerprint)_.*)\z}x;

# What a purpose puts into the certificate: CA, or extension and word.
my %PURPOSE = (
    client => [qw(keyUsage:digitalSignature keyUsage:keyEncipherment nsCertType:client
        extendedKeyUsage:clientAuth)],
    server => [qw(keyUsage:digitalSignature keyUsage:keyEncipherment nsCertType:server
        extendedKeyUsage:serverAuth)],
    emailprotection => [qw(keyUsage:digitalSignature keyUsage:keyEncipherment nsCertType:email
        extendedKeyUsage:emailProtection)],
    codesigning => [qw(keyUsage:digitalSignature keyUsage:keyEncipherment nsCertType:objsign
        extendedKeyUsage:codeSigning)],
    ca      => [qw(CA keyUsage:digitalSignature keyUsage:keyCertSign)],
    sslca   => [qw(CA keyUsage:digitalSignature keyUsage:keyCertSign nsCertType:sslCA)],
    emailca => [qw(CA keyUsage:digitalSignature keyUsage:keyCertSign nsCertType:emailCA)],
    objca   => [qw(CA keyUsage:digitalSignature keyUsage:keyCertSign nsCertType:objCA)],
    (map { lc $_ => ["extendedKeyUsage:$_"] } qw(timeStamping serverAuth clientAuth)),
    (
        map { lc $_ => ["keyUsage:$_"] }
            qw(digitalSignature nonRepudiation keyEncipherment dataEncipherment keyAgreement keyCertSign
            cRLSign encipherOnly decipherOnly)
    ),
);
@PURPOSE{qw(email objsign)} = @PURPOSE{qw(emailprotection codesigning)};

my %SAN_TYPE = (EMAIL => 1, DNS => 2, URI => 6, IP => 7, RID => 8);

# The order of a subject, largest first; other fields stand in between.
my @FRONT = qw(countryName stateOrProvinceName localityName organizationName organizationalUnitName);
my %RANK  = (commonName => 100, emailAddress => 101, map { $FRONT[$_] => $_ + 1 } 0 .. $#FRONT);

# An object of a thread, as the others.
sub Vouch::Draft::CLONE_SKIP { return 1 }

# Certificate and key, of arguments whose keys and certificates are objects.
sub create {
    my (%arg) = @_;
    my $lenient = $arg{ignore_invalid_args};
    _check_names(\%arg) if !$lenient;
    # A certificate is copied: of what it says, not all can be made.
    $lenient ||= grep { $_ =~ $TOLD } keys %arg;
    if (defined $arg{issuer_cert} != defined $arg{issuer_key}) {
        _wrong('issuer_cert and issuer_key must be given together');
    }
    my $key   = $arg{key} // Vouch::Key::_create_rsa(2048);
    my $draft = Vouch::Draft::_new($key, @arg{qw(issuer_cert issuer_key)});
    _set_term($draft, \%arg);
    _set_subject($draft, $arg{subject} // { organizationName => 'Vouch', commonName => 'Vouch Test' });
    _add_names($draft, $arg{subjectAltNames}, $lenient);
    $draft->_add_extension('subjectKeyIdentifier', 0, 'hash', 0);
    # A signer that has no such identifier needs none here.
    _maybe(1, sub { $draft->_add_extension('authorityKeyIdentifier', 0, 'keyid:always', 0) })
        if $arg{issuer_cert};
    $draft->_add_extension($_->[0], 0, $_->[1], $_->[2]) for _purposes(\%arg, $lenient);
    _add_extensions($draft, $arg{ext}, $lenient);
    return ($draft->_sign($arg{digest}), $key);
}

sub _check_names {
    my ($arg) = @_;
    my @unknown = grep { !$ARGUMENT{$_} && $_ !~ $TOLD } sort keys %$arg;
    _wrong('CERT_create does not know ' . join ', ', @unknown) if @unknown;
    return;
}

sub _set_term {
    my ($draft, $arg) = @_;
    my $version = $arg->{version} || 2;
    _wrong("version => '$version' must be 2, which is X.509 v3") if $version ne '2';
    my $now = time;
    $draft->_set_dates(_time($arg, 'not_before', $now), _time($arg, 'not_after', $now + YEAR));
    $draft->_set_serial($arg->{serial}) if $arg->{serial};
    return;
}

sub _time {
    my ($arg, $name, $default) = @_;
    my $value = q() . ($arg->{$name} // $default);
    _wrong("$name => '$value' must be seconds since 1970") if !looks_like_number($value) || $value != $value;
    return int $value;
}

sub _set_subject {
    my ($draft, $subject) = @_;
    _wrong("subject must be a hash of names and values, not '$subject'") if ref $subject ne 'HASH';
    my @fields = sort { _rank($a) <=> _rank($b) || $a cmp $b } keys %$subject;
    for my $field (@fields) {
        my $value = $subject->{$field};
        $draft->_add_subject($field, _utf8($_)) for ref $value eq 'ARRAY' ? @$value : $value;
    }
    return;
}

sub _rank { return $RANK{ Vouch::Certificate::_long_name($_[0]) } // 50 }

sub _add_names {
    my ($draft, $names, $lenient) = @_;
    _wrong("subjectAltNames must be a list of [type, value], not '$names'")
        if defined $names && ref $names ne 'ARRAY';
    for my $name (@{ $names // [] }) {
        _maybe(
            $lenient,
            sub {
                _wrong('subjectAltNames must be a list of [type, value]')
                    if ref $name ne 'ARRAY' || @$name != 2;
                my ($type, $value) = @$name;
                my $number = $SAN_TYPE{ uc($type // q()) }
                    // _wrong("subjectAltNames: '" . ($type // 'undef') . "' is not one of " . join ', ',
                    sort keys %SAN_TYPE);
                $draft->_add_san($number, _utf8($value));
            }
        );
    }
    return;
}

# [name, value, critical] for what the certificate is for.
sub _purposes {
    my ($arg, $lenient) = @_;
    my %has;
    for my $wish (_wishes($arg)) {
        my ($word, $on) = @$wish;
        my $effect = $PURPOSE{ lc $word };
        if    (!$effect && $lenient) { next }
        elsif (!$effect) { _wrong("purpose: '$word' is not one of " . join ', ', sort keys %PURPOSE) }
        for my $part (@$effect) {
            my ($name, $value) = split /:/, $part;
            if ($on) { $has{$name}{ $value // 1 } = 1 }
            else     { delete $has{$name}{ $value // 1 } }
        }
    }
    return (
        [basicConstraints => %{ $has{CA} // {} } ? 'CA:TRUE' : 'CA:FALSE', 1],
        map      { [$_, join(',', sort keys %{ $has{$_} }), $_ eq 'keyUsage' ? 1 : 0] }
            grep { %{ $has{$_} // {} } } qw(keyUsage nsCertType extendedKeyUsage)
    );
}

# Pairs of a purpose and whether it is wanted: the last word on each counts,
# and what is not wanted comes last, so that it takes away from the others.
sub _wishes {
    my ($arg)   = @_;
    my $purpose = $arg->{purpose};
    my @given   = $arg->{CA} ? map { [$_, 1] } qw(ca sslca emailca objca) : ();
    if (ref $purpose eq 'HASH') {
        push @given, map { [$_, ($purpose->{$_} // q()) =~ /\A(?:0|-|)\z/ ? 0 : 1] } keys %$purpose;
    }
    else {
        my @words = map { /[+-]?\w+/g } grep { defined } ref $purpose eq 'ARRAY' ? @$purpose : $purpose;
        push @given, map { [s/\A[+-]//r, /\A-/ ? 0 : 1] } @words;
    }
    @given = map { [$_, 1] } qw(server client) if !@given;
    my %last   = map  { lc $_->[0] => $_ } @given;
    my @wishes = sort { $b->[1] <=> $a->[1] || $a->[0] cmp $b->[0] } values %last;
    return @wishes;
}

sub _add_extensions {
    my ($draft, $list, $lenient) = @_;
    _wrong("ext must be a list of hashes, not '$list'") if defined $list && ref $list ne 'ARRAY';
    for my $ext (@{ $list // [] }) {
        _maybe($lenient, sub { _add_extension($draft, $ext) });
    }
    return;
}

sub _add_extension {
    my ($draft, $ext) = @_;
    _wrong('ext must be a list of hashes') if ref $ext ne 'HASH';
    my ($name, $nid) = @$ext{qw(sn nid)};
    $name //= $ext->{oid}                                               if !$nid;
    _wrong('ext: an extension needs its name (sn) or its number (nid)') if !defined $name && !$nid;
    _wrong("ext: the number (nid) '$nid' is not one") if !defined $name && $nid !~ /\A[0-9]{1,9}\z/;
    $draft->_add_extension($name, $nid // 0, _utf8($ext->{data}), $ext->{critical} ? 1 : 0);
    return;
}

# Run the code; where the caller wants what is invalid to be left out, do.
sub _maybe {
    my ($lenient, $code) = @_;
    return $code->() if !$lenient;
    local $@;
    return eval { $code->(); 1 };
}

sub _utf8 {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    return $text;
}

sub _wrong {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Utils::Create - what a new certificate shall say (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Utils;

    my ($cert, $key) = CERT_create(subject => { commonName => 'Alex' }, purpose => 'client');

=head1 DESCRIPTION

For use by L<Vouch::Utils> only; it may change in any release. Turns the
arguments of L<Vouch::Utils/CERT_create> into steps of the C core
(F<csrc/tls/draft.h>), which makes and signs the certificate.

=head1 FUNCTIONS

=head2 create

    my ($cert, $key) = Vouch::Utils::Create::create(%arguments);

As C<CERT_create>, with certificates and keys that are objects.

=head1 SEE ALSO

L<Vouch::Utils>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
