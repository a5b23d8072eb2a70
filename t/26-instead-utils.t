use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest             qw(identity spew slurp temp_dir);
use VouchTest::PKI        qw(bundle issue AUTHORITY);
use VouchTest::SideBySide qw(compare);

# IO::Socket::SSL::Utils, the original and ours, side by side.

my $dir = temp_dir();
identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @certs = (
    issue('plain'),
    issue('rsa', key => 'rsa:2048', ext     => [AUTHORITY]),
    issue('ed',  key => 'ed25519',  subject => '/C=CH/O=A/O=B/CN=J' . "\xc3\xbc" . 'rg/emailAddress=a@b'),
    issue(
        'weird',
        ext => [
            'basicConstraints=critical,CA:TRUE,pathlen:3',
            'keyUsage=keyCertSign,cRLSign,digitalSignature,nonRepudiation,keyAgreement,encipherOnly,decipherOnly',
            'extendedKeyUsage=serverAuth,1.2.3.4.5,OCSPSigning',
            'subjectAltName=@san',
            'authorityInfoAccess=OCSP;URI:http://o1/,caIssuers;URI:http://c/,OCSP;DNS:foo',
            'crlDistributionPoints=URI:http://crl1/,points',
            'certificatePolicies=1.2.3.4,@policy',
            'nameConstraints=permitted;DNS:example',
            'authorityKeyIdentifier=keyid,issuer',
            '1.2.3.4.5.6=ASN1:UTF8String:hello',
            '[points]',
            'fullname=URI:http://crl2/,URI:ldap://crl3/',
            '[policy]',
            'policyIdentifier=1.3.5.8',
            'CPS.1=http://cps/',
            '[san]',
            'DNS.1=x.example',
            'DNS.2=*.x.example',
            'IP.1=10.1.2.3',
            'IP.2=2001:db8::1',
            'IP.3=::ffff:1.2.3.4',
            'email=m@x.example',
            'URI=http://u/',
            'RID=1.2.3.4',
            'dirName=dir',
            'otherName=1.2.3.4;UTF8:some',
            '[dir]',
            'C=DE',
            'CN=Dir Name',
        ]
    ),
);
bundle(@certs);
spew("$dir/certs", join "\n", map { $_->{cert} } @certs);

my $START = <<'PERL';
use IO::Socket::SSL::Utils;
use Data::Dumper;
($Data::Dumper::Sortkeys, $Data::Dumper::Useqq, $Data::Dumper::Indent, $Data::Dumper::Terse) = (1, 1, 0, 1);

# Facts as text.  A number is as good as its text, and no URI is no URI.
sub told {
    my ($hash) = @_;
    $hash->{ocsp_uri} = [grep { defined } @{ $hash->{ocsp_uri} }];
    $_ .= '' for @$hash{qw(serial version not_before not_after)};
    return Dumper($hash);
}
PERL

subtest 'what is exported' => sub {
    compare("$START" . <<'PERL');
show('names', sort @IO::Socket::SSL::Utils::EXPORT);
show($_, defined &$_ ? 'imported' : 'not') for @IO::Socket::SSL::Utils::EXPORT;
show('version', IO::Socket::SSL::Utils->VERSION >= 2 ? 'enough' : 'too low');
PERL
};

subtest 'what certificates say' => sub {
    compare($START . <<'PERL');
open my $in, '<', 'certs' or die;
chomp(my @files = <$in>);
for my $i (0 .. $#files) {
    my $cert = PEM_file2cert($files[$i]);
    show("certificate $i", told(CERT_asHash($cert)));
    show("certificate $i, SHA-1", told(CERT_asHash($cert, 'sha1')));
    show("certificate $i, PEM", PEM_cert2string($cert));
    show("certificate $i, from PEM", told(CERT_asHash(PEM_string2cert(PEM_cert2string($cert)))));
    PEM_cert2file($cert, 'copy.pem');
    show("certificate $i, from file", PEM_cert2string(PEM_file2cert('copy.pem')));
    my $key = PEM_file2key($files[$i] =~ s/cert\.pem/key.pem/r);
    show("key $i", PEM_key2string($key));
    PEM_key2file($key, 'copy-key.pem');
    show("key $i, from file", PEM_key2string(PEM_file2key('copy-key.pem')));
    show("key $i, from PEM", PEM_key2string(PEM_string2key(PEM_key2string($key))));
    CERT_free($cert);
    KEY_free($key);
}
my ($bundle) = glob 'bundle-*';
my @all = PEM_file2certs($bundle);
show('all', scalar @all, map { PEM_cert2string($_) } @all);
PEM_certs2file('all.pem', @all);
show('again', map { PEM_cert2string($_) } PEM_file2certs('all.pem'));
CERT_free(@all);
PERL
};

# The original makes an empty authorityKeyIdentifier for who signs itself.
my $CREATE = $START . <<'PERL';
my $key = PEM_file2key('server-key.pem');
my ($ca, $ca_key) = CERT_create(CA => 1, subject => { commonName => 'Root' }, key => PEM_file2key('pki-plain-key.pem'),
    serial => 1, not_before => 1_700_000_000, not_after => 2_000_000_000);
my %same = (key => $key, serial => 77, not_before => 1_700_000_000, not_after => 2_000_000_000,
    subject => { commonName => 'Alex' });
# Without what a signature changes, and without the order of extensions.
sub create {
    my ($name, @arguments) = @_;
    my ($cert) = eval { CERT_create(%same, @arguments) } or return show($name, 'dies');
    my $hash = CERT_asHash($cert);
    delete @$hash{qw(fingerprint_sha256 x509_digest_sha256)};
    $hash->{ext} = [sort { $a->{sn} cmp $b->{sn} } grep { $_->{sn} ne 'authorityKeyIdentifier' || defined $_->{data} }
        @{ $hash->{ext} }];
    show($name, told($hash));
    CERT_free($cert);
}
PERL

subtest 'purposes' => sub {
    compare($CREATE . <<'PERL');
my @words = qw(client server email objsign CA sslCA emailCA objCA emailProtection codeSigning timeStamping
    serverAuth clientAuth digitalSignature nonRepudiation keyEncipherment dataEncipherment keyAgreement
    keyCertSign cRLSign);
my @purposes = (@words, 'server,client', 'sslCA,server', '+server -client', '-client server', 'SERVER',
    '-client,server,client', 'server,-digitalSignature', 'keyAgreement encipherOnly decipherOnly', '',
    [qw(server email)], ['+server', '-client', '+client'], [], { server => 1, client => 0 },
    { server => 1, client => '-' }, { server => '', client => '+' }, { server => 'yes' }, {}, undef);
for my $i (0 .. $#purposes) {
    for my $ca ([], [CA => 0], [CA => 1]) {
        create("purpose $i @$ca", purpose => $purposes[$i], @$ca);
    }
}
create('an unknown purpose', purpose => 'sesame');
PERL
};

subtest 'certificates made' => sub {
    compare($CREATE . <<'PERL');
create('plain');
create('signed by an authority', issuer => [$ca, $ca_key]);
create('the same in two', issuer_cert => $ca, issuer_key => $ca_key);
create('names', subjectAltNames => [[DNS => 'a.example'], [DNS => '*.b'], [IP => '127.0.0.1'], [IP => '::1'],
    ['email', 'a@b'], [URI => 'http://x/'], [RID => '1.2.3']]);
create('a subject', subject => { commonName => 'x', organizationName => ['A', 'B'], countryName => 'CH',
    emailAddress => 'a@b', '1.2.3.4' => 'odd' });
create('short names', subject => { CN => 'x', C => 'DE', O => 'y' });
create('no subject', subject => {});
create('UTF-8', subject => { commonName => "\x{263a}" });
create('extensions', ext => [{ sn => 'nsComment', data => 'hello' }, { nid => 177, data => 'OCSP;URI:http://o/' },
    { sn => 'tlsfeature', data => 'status_request', critical => 1 }, { sn => 'keyUsage', data => 'cRLSign' }]);
create('a digest', digest => 'sha512');
create('a digest in capitals', digest => 'SHA384');
create('serial -5', serial => -5);
create('a large serial', serial => 2**40);
create('dates', not_before => 1, not_after => 4_102_444_800);
create('an unknown digest', digest => 'nosuch');
create('an unknown field', subject => { nosuch => 1 });
create('an unknown extension', ext => [{ sn => 'nosuch', data => 1 }]);
create('names as text', subjectAltNames => 'DNS:x');
my ($cert, $made) = CERT_create(key => $key);
show('the key is given back', $made == $key);
show('key types', map { PEM_key2string($_) =~ /\A-----BEGIN PRIVATE KEY-----/ ? 'PKCS#8' : 'else' }
    KEY_create_rsa(1024), KEY_create_ec(), KEY_create_ec('secp384r1'));
PERL
};

subtest 'what dies' => sub {
    compare($START . <<'PERL');
my %dies = (
    'no certificate file' => sub { PEM_file2cert('nosuch') },
    'no chain file'       => sub { PEM_file2certs('nosuch') },
    'no key file'         => sub { PEM_file2key('nosuch') },
    'a key instead'       => sub { PEM_file2cert('server-key.pem') },
    'another text'        => sub { PEM_string2cert('x') },
    'another key'         => sub { PEM_string2key('x') },
    'no folder'           => sub { PEM_cert2file(PEM_file2cert('server-cert.pem'), 'no/such') },
    'no curve'            => sub { KEY_create_ec('nosuch') },
    'no digest'           => sub { CERT_asHash(PEM_file2cert('server-cert.pem'), 'nosuch') },
);
for my $name (sort keys %dies) { show($name, eval { $dies{$name}->(); 1 } ? 'lives' : 'dies') }
eval { CERT_asHash(PEM_file2cert('server-cert.pem'), 'nosuch') };
show('the text for no digest', $@ =~ /^(Digest algorithm nosuch is not available)/);
PERL
};

done_testing;
