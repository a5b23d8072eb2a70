package VouchTest::PKI 0.001;

use v5.16;
use warnings;

use VouchTest::Needs openssl => 'openssl';

# Certificates that Vouch::Identity does not make: authorities, chains,
# extensions, dates; by the openssl command, in the folder of the test.
#
#   my $root = issue('root', ext => [AUTHORITY]);
#   my $leaf = issue('leaf', by => $root, not_after => time - 60);
#   $leaf->{cert}, $leaf->{key};              # the files
#
#   my $chain = chain();                      # root, intermediate, leaf
#   my $file  = bundle($chain->{leaf}, $chain->{intermediate});

use Carp     qw(croak);
use Exporter qw(import);
use POSIX    qw(strftime);

use VouchTest qw(run_command slurp spew temp_dir);

our @EXPORT_OK = qw(
    issue chain bundle crl expired future wrong_purpose wrong_usage fingerprint_of AUTHORITY
);

use constant AUTHORITY => 'basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign,cRLSign';
use constant DAY => 86_400;

my %NEW_KEY = (
    'ec:prime256v1' => [qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256)],
    'ec:secp384r1'  => [qw(-newkey ec -pkeyopt ec_paramgen_curve:P-384)],
    'rsa:1024'      => [qw(-newkey rsa:1024)],
    'rsa:2048'      => [qw(-newkey rsa:2048)],
    'ed25519'       => [qw(-newkey ed25519)],
);

# One certificate and its key: { name, cn, cert, key }.  Options: cn, or
# subject ("/C=CH/CN=..." in UTF-8); by (the issuer, as returned here; without
# it the certificate is self-signed); ext (lines of an openssl section);
# not_before, not_after (seconds since 1970); key, as Vouch::Identity spells it.
sub issue {
    my ($name, %arg) = @_;
    my $stem = temp_dir() . "/pki-$name";
    my $made = { name => $name, cn => $arg{cn} // $name, cert => "$stem-cert.pem", key => "$stem-key.pem" };
    my $new_key = $NEW_KEY{ $arg{key} // 'ec:prime256v1' } or croak "no such key: $arg{key}";
    my $config  = spew("$stem.cnf", _config($stem, @{ $arg{ext} // [] }));
    spew("$stem.index", '');
    _openssl(
        qw(req -new -nodes -utf8 -config),  $config,   @$new_key,    '-subj',
        $arg{subject} // "/CN=$made->{cn}", '-keyout', $made->{key}, '-out',
        "$stem.csr"
    );
    _openssl(
        qw(ca -batch -notext -preserveDN -utf8 -config),
        $config, qw(-in), "$stem.csr", '-out', $made->{cert},
        _digest($arg{by} ? $arg{by}{key} : $made->{key}),
        _issuer($arg{by}, $made),
        _dates(%arg)
    );
    return $made;
}

sub _config {
    my ($stem, @ext) = @_;
    my $dir = temp_dir();
    return join "\n", '[req]', 'distinguished_name = name', '[name]',
        '[ca]',         'default_ca = this',   '[this]', "database = $stem.index", "new_certs_dir = $dir",
        'policy = any', 'unique_subject = no', 'rand_serial = yes',
        'default_md = sha256', 'x509_extensions = ext',
        '[any]',               'commonName = optional', '[ext]', 'subjectKeyIdentifier=hash', @ext, q();
}

# Ed25519 signs without a digest of its own.
sub _digest {
    my ($key) = @_;
    my (undef, $text) = run_command([qw(openssl pkey -noout -text -in), $key]);
    return ('-md', $text =~ /ED25519/ ? 'null' : 'sha256');
}

sub _issuer {
    my ($by, $made) = @_;
    return $by ? ('-cert', $by->{cert}, '-keyfile', $by->{key}) : ('-selfsign', '-keyfile', $made->{key});
}

sub _dates {
    my (%arg) = @_;
    my $now = time;
    return (
        '-startdate', _asn1_time($arg{not_before} // $now - DAY),
        '-enddate',   _asn1_time($arg{not_after}  // $now + 30 * DAY),
    );
}

sub _asn1_time { return strftime('%Y%m%d%H%M%SZ', gmtime $_[0]) }

sub _openssl {
    my (@arguments) = @_;
    my ($status, undef, $error) = run_command(['openssl', @arguments]);
    croak "openssl @arguments: exit status $status\n$error" if $status != 0;
    return;
}

# A root, an intermediate authority, a leaf; and the leaf's fields.
sub chain {
    my ($prefix, %leaf) = @_;
    $prefix //= 'chain';
    my $root         = issue("$prefix-root", ext => [AUTHORITY]);
    my $intermediate = issue("$prefix-intermediate", by => $root,         ext => [AUTHORITY]);
    my $leaf         = issue("$prefix-leaf",         by => $intermediate, %leaf);
    return { root => $root, intermediate => $intermediate, leaf => $leaf };
}

# A file of several certificates, in this order.
sub bundle {
    my (@certificates) = @_;
    my $path = temp_dir() . '/bundle-' . join('-', map { $_->{name} } @certificates) . '.pem';
    return spew($path, join q(), map { slurp($_->{cert}) } @certificates);
}

# A revocation list of this issuer, with these certificates in it: the file.
sub crl {
    my ($issuer, @revoked) = @_;
    my $stem = temp_dir() . "/pki-$issuer->{name}";
    my @ca   = (qw(ca -config), "$stem.cnf", '-cert', $issuer->{cert}, '-keyfile', $issuer->{key});
    _openssl(@ca, '-revoke',                    $_->{cert}) for @revoked;
    _openssl(@ca, qw(-gencrl -crldays 30 -out), "$stem.crl");
    return "$stem.crl";
}

# Self-signed ones, by what is the matter with them.
sub expired {
    my ($name, @more) = @_;
    return issue($name, not_before => time - 20 * DAY, not_after => time - 10 * DAY, @more);
}

sub future {
    my ($name, @more) = @_;
    return issue($name, not_before => time + 10 * DAY, @more);
}

# May be used only as what "purpose" says: serverAuth, codeSigning ...
sub wrong_purpose {
    my ($name, $purpose, @more) = @_;
    return issue($name, ext => ["extendedKeyUsage=$purpose"], @more);
}

# Its key may be used only for what "usage" says: keyEncipherment ...
sub wrong_usage {
    my ($name, $usage, @more) = @_;
    return issue($name, ext => ["keyUsage=$usage"], @more);
}

# sha256$<hex>, as the openssl command tells it.
sub fingerprint_of {
    my ($certificate) = @_;
    my $file = ref $certificate ? $certificate->{cert} : $certificate;
    my (undef, $text) = run_command([qw(openssl x509 -noout -fingerprint -sha256 -in), $file]);
    $text =~ s/.*=//;
    return 'sha256$' . lc $text =~ s/[:\n]//gr;
}

1;
