package Vouch::Utils 0.001;

use v5.16;
use warnings;

use Exporter     qw(import);
use Scalar::Util qw(blessed);

use Vouch                ();
use Vouch::Certificate   ();
use Vouch::Error         ();
use Vouch::File          ();
use Vouch::Key           ();
use Vouch::Utils::Create ();

our @EXPORT = qw(
    PEM_file2cert PEM_file2certs PEM_string2cert PEM_cert2file PEM_certs2file PEM_cert2string
    PEM_file2key PEM_string2key PEM_key2file PEM_key2string
    KEY_create_rsa KEY_create_ec KEY_free CERT_create CERT_asHash CERT_free
);

# RFC 5280, in the order of the bits.
my @KEY_USAGE = qw(
    digitalSignature nonRepudiation keyEncipherment dataEncipherment keyAgreement keyCertSign cRLSign
    encipherOnly decipherOnly
);
my %SAN_TYPE = (other => 'OTHERNAME', directory => 'DIRNAME');

sub PEM_file2cert   { my ($path)  = @_; return Vouch::Certificate->from_file($path) }
sub PEM_string2cert { my ($bytes) = @_; return Vouch::Certificate->from_string($bytes) }
sub PEM_file2certs  { my ($path)  = @_; return @{ Vouch::Certificate::_list_from_file($path) } }
sub PEM_cert2string { my ($cert)  = @_; return _cert($cert)->pem }

sub PEM_certs2file {
    my ($path, @certs) = @_;
    Vouch::File::write_file($path, join(q(), map { _cert($_)->pem } @certs), replace => 1);
    return 1;
}
sub PEM_cert2file { my ($cert, $path) = @_; return PEM_certs2file($path, $cert) }

sub PEM_file2key   { my ($path)  = @_; return Vouch::Key->from_file($path) }
sub PEM_string2key { my ($bytes) = @_; return Vouch::Key->from_string($bytes) }
sub PEM_key2string { my ($key)   = @_; return _key($key)->pem }

sub PEM_key2file {
    my ($key, $path) = @_;
    _key($key)->save($path, replace => 1);
    return 1;
}

sub KEY_create_rsa {
    my ($bits) = @_;
    $bits //= 2048;
    _wrong("an RSA key's size must be a number of bits, not '$bits'") if $bits !~ /\A[0-9]{1,6}\z/;
    return Vouch::Key::_create_rsa($bits);
}
sub KEY_create_ec { my ($curve) = @_; return Vouch::Key::_create_ec($curve // 'prime256v1') }

# Objects free themselves; a number is OpenSSL's, and the caller's to free.
sub CERT_free {
    Vouch::Certificate::_free_openssl($_) for grep { !ref } map { _number('a certificate', $_) } @_;
    return;
}

sub KEY_free {
    Vouch::Key::_free_openssl($_) for grep { !ref } map { _number('a key', $_) } @_;
    return;
}

sub CERT_create {
    my (%arg) = @_;
    $arg{key}         = _key($arg{key})          if defined $arg{key};
    $arg{issuer_cert} = _cert($arg{issuer_cert}) if defined $arg{issuer_cert};
    $arg{issuer_key}  = _key($arg{issuer_key})   if defined $arg{issuer_key};
    my $issuer = delete $arg{issuer};
    # A hash is what CERT_asHash tells of the issuer, and says nothing here.
    if (defined $issuer && ref $issuer ne 'HASH') {
        _wrong('issuer must be a list [certificate, key]') if ref $issuer ne 'ARRAY';
        @arg{qw(issuer_cert issuer_key)} = (_cert($issuer->[0]), _key($issuer->[1]));
    }
    return Vouch::Utils::Create::create(%arg);
}

sub CERT_asHash {
    my ($given, $digest) = @_;
    my $cert = _cert($given);
    $digest //= 'sha256';
    my $bytes = $cert->_digest($digest, 0);
    my @names = map { [$SAN_TYPE{ $_->[0] } // uc $_->[0], _san_text(@$_)] } $cert->alternative_names;
    return {
        version       => $cert->_version,
        serial        => $cert->serial,
        not_before    => $cert->not_before,
        not_after     => $cert->not_after,
        subject       => _fields($cert->_name_fields(0)),
        issuer        => _fields($cert->_name_fields(1)),
        signature_alg => $cert->signature_algorithm,
        keyusage      => _key_usage($cert),
        extkeyusage   => _purposes($cert),
        crl_uri       => $cert->_crl_uris,
        ocsp_uri      => $cert->_ocsp_uris,
        ext           => [map { _extension(@$_) } @{ $cert->_extensions }],
        (@names ? (subjectAltNames => \@names) : ()),
        "x509_digest_$digest"   => $bytes,
        "pubkey_digest_$digest" => $cert->_digest($digest, 2),
        "fingerprint_$digest"   => join(':', map { sprintf '%02X', $_ } unpack 'C*', $bytes),
    };
}

# { commonName => 'Alex', organizationName => ['one', 'two'] }
sub _fields {
    my ($pairs) = @_;
    my %fields;
    push @{ $fields{ Vouch::Certificate::_long_name($_->[0]) } }, $_->[1] for @$pairs;
    return { map { $_ => @{ $fields{$_} } == 1 ? $fields{$_}[0] : $fields{$_} } keys %fields };
}

sub _key_usage {
    my ($cert) = @_;
    my $bits = $cert->_key_usage;
    return [map { $KEY_USAGE[$_] } grep { $bits & 1 << $_ } 0 .. $#KEY_USAGE];
}

sub _purposes {
    my ($cert)  = @_;
    my @columns = qw(oid nid sn ln);
    my %list    = map { $_ => [] } @columns;
    for my $purpose (@{ $cert->_purposes }) {
        for my $i (grep { defined $purpose->[$_] } 0 .. 3) {
            push @{ $list{ $columns[$i] } }, $purpose->[$i];
        }
    }
    return \%list;
}

# The "oid" is OpenSSL's long name where it has one, as programs know it.
sub _extension {
    my ($dotted, $nid, $short, $long, $critical, $text) = @_;
    $text =~ s/\n\z// if defined $text;
    return {
        oid      => $long // $dotted,
        nid      => $nid,
        sn       => $short,
        critical => $critical,
        data     => length($text // q()) ? $text : undef,
    };
}

sub _san_text {
    my ($type, $value) = @_;
    return _inner_text($value) if $type eq 'other';
    # An IPv4 address within IPv6 in the same digits as the rest.
    $value =~ s/:(\d+)[.](\d+)[.](\d+)[.](\d+)\z/sprintf ':%x:%x', $1 << 8 | $2, $3 << 8 | $4/e
        if $type eq 'ip';
    return $value;
}

# OtherName is SEQUENCE { OID, [0] { a text } }.
sub _inner_text {
    my ($der)      = @_;
    my ($sequence) = _der($der);
    my (undef, $rest) = _der($sequence);
    my ($tagged) = _der($rest);
    my ($text)   = _der($tagged);
    return $text;
}

# Contents of the first value of DER, and what follows it.
sub _der {
    my ($der) = @_;
    my ($start, $length) = (2, unpack 'xC', "$der\0\0");
    if ($length > 0x80) {
        $start += $length & 0x7f;
        $length = unpack 'N', substr "\0\0\0\0" . substr($der, 2, $length & 0x7f), -4;
    }
    return (q(), q()) if $start > length $der;
    my $text = substr $der, $start, $length;
    return ($text, substr $der, $start + length $text);
}

sub _cert {
    my ($value) = @_;
    return $value if blessed $value && $value->isa('Vouch::Certificate');
    return Vouch::Certificate::_from_openssl(_number('a certificate', $value));
}

sub _key {
    my ($value) = @_;
    return $value if blessed $value && $value->isa('Vouch::Key');
    return Vouch::Key::_from_openssl(_number('a key', $value));
}

# The address of OpenSSL's object.  It is taken on trust, as C does it.
my %CLASS = ('a certificate' => 'Vouch::Certificate', 'a key' => 'Vouch::Key');

sub _number {
    my ($what, $value) = @_;
    return $value if blessed $value && $value->isa($CLASS{$what});
    return $value if Vouch::_is_address($value);
    my $told = !defined $value ? 'undef' : ref $value ? 'a reference to ' . ref $value : "'$value'";
    _wrong("$what must be an object of $CLASS{$what} or the number that Net::SSLeay has for one, not $told");
}

sub _wrong {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Utils - make, read and write certificates and keys

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Utils;

    my ($ca, $ca_key)     = CERT_create(CA => 1, subject => { commonName => 'Our own authority' });
    my ($cert, $cert_key) = CERT_create(
        issuer          => [$ca, $ca_key],
        subject         => { commonName => 'www.example' },
        subjectAltNames => [[DNS => 'www.example'], [IP => '192.0.2.1']],
    );
    PEM_cert2file($ca, 'ca-cert.pem');
    PEM_cert2file($cert, 'www-cert.pem');
    PEM_key2file($cert_key, 'www-key.pem');

=head1 DESCRIPTION

The functions of L<IO::Socket::SSL::Utils>, with their names and arguments; with
L<Vouch::Instead> that name means this module. They are for test suites, small
authorities of one's own, and programs that show certificates. Who wants one
certificate for a server or a client finds L<Vouch::Identity> simpler.

A certificate is a L<Vouch::Certificate> and a key a L<Vouch::Key>. As numbers
they are the addresses that Net::SSLeay works with, and where a function takes
one, such a number from Net::SSLeay will do. It is taken on trust: a number that
is no such address crashes the program, as with Net::SSLeay itself. undef, 0,
texts and other objects are errors. Objects free themselves, so C<CERT_free> and
C<KEY_free> are not needed; do not give one to Net::SSLeay's C<X509_free> or
C<EVP_PKEY_free>.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Utils;

    my ($ca, $ca_key) = CERT_create(CA => 1, subject => { commonName => 'Root' }, key => KEY_create_ec());
    my ($cert, $key)  = CERT_create(
        issuer          => [$ca, $ca_key],
        subject         => { commonName => 'www.example', organizationName => ['One', 'Two'] },
        subjectAltNames => [[DNS => 'www.example'], [IP => '192.0.2.1']],
        purpose         => 'server',
        key             => KEY_create_ec('secp384r1'),
    );
    PEM_certs2file('chain.pem', $cert, $ca);
    PEM_key2file($key, 'key.pem');

    my ($first, $second) = PEM_file2certs('chain.pem');
    my $facts = CERT_asHash($first);
    say $facts->{subject}{commonName};              # prints: www.example
    say "@{ $facts->{subject}{organizationName} }"; # prints: One Two
    say $facts->{issuer}{commonName};               # prints: Root
    say join ', ', map { "@$_" } @{ $facts->{subjectAltNames} };    # prints: DNS www.example, IP 192.0.2.1
    say "@{ $facts->{keyusage} }";                  # prints: digitalSignature keyEncipherment
    say "@{ $facts->{extkeyusage}{sn} }";           # prints: serverAuth
    say $facts->{fingerprint_sha256};               # prints: ...:...
    say $second == $ca ? 'one object' : 'another';  # prints: another

=for example end

=head1 FUNCTIONS

All are exported.

=head2 PEM_file2cert

=head2 PEM_string2cert

    my $cert = PEM_file2cert('cert.pem');
    my $cert = PEM_string2cert($pem);

The first certificate of a file, or of a string of bytes, in PEM or DER.

=head2 PEM_file2certs

    my @certs = PEM_file2certs('chain.pem');

All certificates of a file.

=head2 PEM_cert2string

=head2 PEM_cert2file

=head2 PEM_certs2file

    my $pem = PEM_cert2string($cert);
    PEM_cert2file($cert, 'cert.pem');
    PEM_certs2file('chain.pem', @certs);

Write certificates as PEM. A file is replaced in one step: who reads it sees the
old one or the new one.

=head2 PEM_file2key

=head2 PEM_string2key

    my $key = PEM_file2key('key.pem');
    my $key = PEM_string2key($pem);

The first private key, in PEM, DER or PKCS#12. An encrypted one is an error, not
a question at the terminal; L<Vouch::Key> takes passwords.

=head2 PEM_key2string

=head2 PEM_key2file

    my $pem = PEM_key2string($key);
    PEM_key2file($key, 'key.pem');

Write the key as PEM, not encrypted. The file has mode 0600 from its first byte.

=head2 KEY_create_rsa

    my $key = KEY_create_rsa(3072);

A new RSA key of that many bits, 2048 by default. Peers refuse those below.

=head2 KEY_create_ec

    my $key = KEY_create_ec('secp384r1');

A new key on a curve, C<prime256v1> by default.

=head2 KEY_free

=head2 CERT_free

    CERT_free(@certs);
    KEY_free(@keys);

Frees numbers that Net::SSLeay made, once each. Does nothing to objects.

=head2 CERT_create

    my ($cert, $key) = CERT_create(%arguments);

Makes a certificate and returns it and its key. There may be:

=over 4

=item subject

A hash of names and values: C<< { commonName => 'Alex', countryName => 'CH' } >>.
Names are OpenSSL's, long or short, or dotted OIDs; a value may be a list, for
more than one of the same name.

=item subjectAltNames

A list of pairs: C<< [[DNS => 'a.example'], [IP => '::1']] >>. The types are DNS,
IP, EMAIL, URI and RID.

=item not_before, not_after

Seconds since 1970. From now for 365 days, if not given.

=item serial

A whole number of at most 20 bytes, as a text if it is large; C<0x> in front for
hexadecimal. Random if not given, or 0.

=item CA

Whether the certificate is an authority's.

=item purpose

What it is for: a text of words with anything between them, a list of such, or a
hash of words with 1 or 0. A C<-> before a word takes away what that word would
add. The words are C<server>, C<client>, C<email>, C<objsign>, C<CA>, C<sslCA>,
C<emailCA>, C<objCA>, C<serverAuth>, C<clientAuth>, C<emailProtection>,
C<codeSigning>, C<timeStamping>, and those of keyUsage: C<digitalSignature>,
C<nonRepudiation>, C<keyEncipherment>, C<dataEncipherment>, C<keyAgreement>,
C<keyCertSign>, C<cRLSign>, C<encipherOnly>, C<decipherOnly>. Case does not
matter. Without any it is C<server,client>, or with C<CA> all four kinds of
authority, to which the words then add.

=item ext

Further extensions, a list of hashes:
C<< { sn => 'nsComment', data => 'hello', critical => 0 } >>. C<sn> is OpenSSL's
name, or C<nid> its number, or C<oid> a dotted OID; C<data> is written as in
openssl.cnf, without sections. An extension that follows from the arguments
above stays as it is.

=item key

The key that is certified. A new RSA key of 2048 bits if not given.

=item issuer, or issuer_cert and issuer_key

Who signs: C<< [$cert, $key] >>, or one by one. The two must belong together.
Without, the certificate signs itself.

=item digest

For the signature, C<sha256> by default.

=item version

2, which is X.509 v3, and nothing else.

=item ignore_invalid_args

Leave out what cannot be used of C<ext>, C<purpose> and C<subjectAltNames>, and
arguments that do not exist, which otherwise die.

=back

The result of L</CERT_asHash> may be passed on, to copy a certificate: what it tells
and nobody can set (fingerprints, the names of the issuer) is left out, and so is
what cannot be made of the names and extensions.

=head2 CERT_asHash

    my $facts = CERT_asHash($cert);
    my $facts = CERT_asHash($cert, 'sha1');

All that a certificate says, as a hash:

=over 4

=item subject, issuer

Hashes of long names and values in UTF-8; a list of values where there are
several.

=item subjectAltNames

A list of C<[type, value]>; not there if there are none. Types are DNS, IP (the
address as text), EMAIL, URI, RID, DIRNAME and OTHERNAME.

=item not_before, not_after, serial, version

Seconds since 1970; a decimal number, perhaps a long one; 2 for X.509 v3.

=item keyusage, extkeyusage

A list of words; a hash of the lists C<oid>, C<nid>, C<sn> and C<ln>.

=item crl_uri, ocsp_uri

Lists of URIs; empty where there are none.

=item ext

A list of hashes with C<oid>, C<nid>, C<sn>, C<critical> and C<data>, the words
OpenSSL prints for it. C<oid> is OpenSSL's long name for the extension, as in
IO::Socket::SSL::Utils, and the dotted OID only if there is no name.

=item signature_alg

C<sha256WithRSAEncryption> and the like.

=item x509_digest_sha256, pubkey_digest_sha256, fingerprint_sha256

Digests of the certificate and of its key, as bytes, and the first in
hexadecimal with colons. The names end in the digest that was asked for: sha256,
sha1, sha384, sha512 or md5.

=back

=head1 DIFFERENCES

To IO::Socket::SSL::Utils: wrong arguments of C<CERT_create> die, where that
prints to standard error and makes a certificate without the extension, or
crashes. An issuer's key must match its certificate. EMAIL is understood among
C<subjectAltNames> in any case. The empty list of OCSP URIs is empty. Keys are
not written to files that others may read. A self-signed certificate has no empty
authorityKeyIdentifier.

=head1 ERRORS

Failures throw a L<Vouch::Error>; for an unknown digest C<CERT_asHash> dies as
IO::Socket::SSL::Utils does: "Digest algorithm nosuch is not available".

=head1 THREADS AND FORK

As L<Vouch::Certificate> and L<Vouch::Key>.

=head1 SEE ALSO

L<Vouch::Identity>, L<Vouch::Certificate>, L<Vouch::Key>, L<Vouch::Instead>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
