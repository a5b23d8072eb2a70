use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest      qw(expect_warnings identity run_command slurp spew temp_dir);
use VouchTest::PKI qw(issue);
use Vouch::Context;
use Vouch::Utils;

# Certificates and keys by the functions of IO::Socket::SSL::Utils.  How they
# compare to the original: t/26-instead-utils.t.

my $dir = temp_dir();
my $key = KEY_create_ec();

sub refused {
    my ($code, $text, $name, $kind) = @_;
    my $error = eval { $code->(); 1 } ? undef : $@;
    isa_ok $error, 'Vouch::Error', $name or return;
    like $error->message, $text, "$name: the reason";
    is $error->code, $kind // 'argument', "$name: its code";
    is $error->file, __FILE__,            "$name: where the program asked";
    return;
}

sub mode_of { return sprintf '%04o', (stat $_[0])[2] & oct 7777 }

# What the openssl command says about a certificate for a purpose.
sub verify {
    my (@arguments) = @_;
    my ($status, $out, $err) = run_command([qw(openssl verify), @arguments]);
    return $status == 0 ? 'OK' : ($out . $err) =~ s/.*(error [0-9]+) at.*/$1/sr;
}

subtest 'files and strings' => sub {
    my ($cert, $made) = CERT_create(key => $key, subject => { commonName => 'Alex' });
    my ($other) = CERT_create(key => $key, subject => { commonName => 'Berta' });
    isa_ok $cert, 'Vouch::Certificate', 'a certificate';
    is $made, $key, 'the key is the one that was given';
    ok PEM_cert2file($cert, "$dir/cert.pem"), 'a certificate into a file';
    is slurp("$dir/cert.pem"),                               PEM_cert2string($cert), 'which holds its text';
    is PEM_cert2string(PEM_file2cert("$dir/cert.pem")),      PEM_cert2string($cert), 'and is read again';
    is PEM_string2cert(PEM_cert2string($cert))->common_name, 'Alex',                 'from a string';
    is PEM_string2cert($cert->der)->common_name,             'Alex',                 'also DER';
    ok PEM_certs2file("$dir/both.pem", $cert, $other), 'two into a file';
    is join(' ', map { $_->common_name } PEM_file2certs("$dir/both.pem")), 'Alex Berta', 'and out of it';
    is PEM_file2cert("$dir/both.pem")->common_name,                        'Alex',       'the first of them';
    my $before = umask 0;
    ok PEM_key2file($key, "$dir/key.pem"), 'a key into a file';
    umask $before;
    is mode_of("$dir/key.pem"),                              '0600',               'which is for its owner';
    is slurp("$dir/key.pem"),                                PEM_key2string($key), 'it holds the text';
    is PEM_key2string(PEM_file2key("$dir/key.pem")),         PEM_key2string($key), 'and is read again';
    is PEM_key2string(PEM_string2key(PEM_key2string($key))), PEM_key2string($key), 'from a string';
    ok PEM_key2file(KEY_create_ec('secp384r1'), "$dir/key.pem"), 'a file is replaced';
    is PEM_file2key("$dir/key.pem")->bits, 384, 'by the new key';
};

subtest 'files that are not' => sub {
    refused(sub { PEM_file2cert("$dir/nosuch") },  qr/nosuch/,         'no certificate file',   'file');
    refused(sub { PEM_file2certs("$dir/nosuch") }, qr/nosuch/,         'no chain file',         'file');
    refused(sub { PEM_file2key("$dir/nosuch") },   qr/nosuch/,         'no key file',           'file');
    refused(sub { PEM_file2cert("$dir/key.pem") }, qr/private key/,    'a key instead',         'format');
    refused(sub { PEM_file2key("$dir/cert.pem") }, qr/no private key/, 'a certificate instead', 'format');
    refused(sub { PEM_string2cert('x') },          qr/neither PEM/,    'another text',          'format');
    refused(sub { PEM_string2key('') },            qr/empty/,          'an empty text',         'format');
    refused(sub { PEM_string2cert(undef) },        qr/undef/,          'undef for a text');
    refused(sub { PEM_file2cert([]) },             qr/reference/,      'a reference for a name');
    refused(sub { PEM_key2file($key, "$dir/no/such") }, qr{no/such},   'no folder for the key', 'file');
    refused(sub { PEM_certs2file("$dir/no/such") },     qr{no/such},   'nor for certificates',  'file');
};

subtest 'keys' => sub {
    is KEY_create_rsa()->bits,           2048,         'RSA has 2048 bits';
    is KEY_create_rsa(1024)->bits,       1024,         'or as many as one likes';
    is KEY_create_ec('secp256k1')->type, 'EC',         'a curve of any name';
    is ref KEY_create_ec(),              'Vouch::Key', 'an object';
    refused(sub { KEY_create_rsa($_) }, qr/bits/, "an RSA key of '$_' bits") for 'x', -1, 0, 100, 1e9, 2047;
    refused(sub { KEY_create_ec($_) }, qr/curve/, "a curve of " . length() . " characters")
        for 'nosuch', "a\0b", '';
};

subtest 'what is no certificate and no key' => sub {
    my ($cert) = CERT_create(key => $key);
    my @wrong  = (undef, 0, 1, -5, 'x', '', '1e10', "$dir/cert.pem", [], {}, sub { }, \12345);
    my @names  = map { defined $_ ? "'$_'" : 'undef' } @wrong;
    for my $i (0 .. $#wrong) {
        my $value = $wrong[$i];
        refused(sub { PEM_cert2string($value) }, qr/a certificate must be/, "certificate $names[$i]");
        refused(sub { PEM_key2string($value) },  qr/a key must be/,         "key $names[$i]");
        refused(sub { CERT_asHash($value) },     qr/a certificate must be/, "CERT_asHash $names[$i]");
        refused(sub { CERT_free($value) },       qr/a certificate must be/, "CERT_free $names[$i]");
        refused(sub { KEY_free($value) },        qr/a key must be/,         "KEY_free $names[$i]");
    }
    refused(sub { PEM_cert2string($key) }, qr/a reference to Vouch::Key/,         'a key for a certificate');
    refused(sub { PEM_key2string($cert) }, qr/a reference to Vouch::Certificate/, 'a certificate for a key');
};

subtest 'free, and free again' => sub {
    my ($cert) = CERT_create(key => KEY_create_ec());
    my $other = KEY_create_ec();
    for (1 .. 3) { CERT_free($cert, $cert); KEY_free($other) }
    is $cert->common_name, 'Vouch Test', 'a certificate is still one';
    is $other->type,       'EC',         'a key too';
    is CERT_free(),        undef,        'nothing is freed';
};

subtest 'an authority and whom it signs' => sub {
    my ($root, $root_key) = CERT_create(CA => 1, subject => { commonName => 'Root' }, key => KEY_create_ec());
    my ($mid,  $mid_key)  = CERT_create(
        CA      => 1,
        issuer  => [$root, $root_key],
        subject => { commonName => 'Mid' },
        key     => KEY_create_rsa()
    );
    my ($server) = CERT_create(
        issuer_cert     => $mid,
        issuer_key      => $mid_key,
        key             => $key,
        subject         => { commonName => 'www.example' },
        purpose         => 'server',
        subjectAltNames => [[DNS => 'www.example'], [ip => '127.0.0.1'], [IP => '::1']],
    );
    my ($client) = CERT_create(issuer => [$mid, $mid_key], key => $key, purpose => 'client');
    PEM_cert2file($root,   "$dir/root.pem");
    PEM_cert2file($mid,    "$dir/mid.pem");
    PEM_cert2file($server, "$dir/server.pem");
    PEM_cert2file($client, "$dir/client.pem");
    my @chain = (qw(-x509_strict -CAfile), "$dir/root.pem", '-untrusted', "$dir/mid.pem");
    is verify(@chain,    qw(-purpose sslserver),           "$dir/server.pem"), 'OK',       'a server';
    is verify(@chain,    qw(-purpose sslclient),           "$dir/server.pem"), 'error 26', 'is not a client';
    is verify(@chain,    qw(-purpose sslclient),           "$dir/client.pem"), 'OK',       'a client';
    is verify(@chain,    qw(-purpose sslserver),           "$dir/client.pem"), 'error 26', 'is not a server';
    is verify(@chain,    qw(-verify_hostname www.example), "$dir/server.pem"), 'OK',       'its name';
    is verify(@chain,    qw(-verify_hostname ftp.example), "$dir/server.pem"), 'error 62', 'another one';
    is verify(@chain,    qw(-verify_ip ::1),               "$dir/server.pem"), 'OK',       'its address';
    is verify('-CAfile', "$dir/mid.pem",                   qw(-partial_chain), "$dir/client.pem"), 'OK',
        'signed by the middle one';
    refused(
        sub { CERT_create(issuer => [$root, $mid_key], key => $key) },
        qr/does not match/,
        "another's key", 'mismatch'
    );
};

subtest 'in use' => sub {
    my ($cert) = CERT_create(key => $key, subject => { commonName => 'localhost' });
    my $context = Vouch::Context->new(SSL_server => 1, SSL_cert => $cert, SSL_key => $key);
    isa_ok $context, 'Vouch::Context', 'a context with objects of these functions';
};

subtest 'what a certificate says' => sub {
    my ($cert) = CERT_create(
        key     => $key,
        serial  => '0x123456789abcdef0123456789abcdef',
        subject => {
            emailAddress => 'a@b.example',
            CN           => 'Alex',
            O            => ['One', "J\xfcrg\x{263a}"],
            '1.2.3.4'    => 'odd',
            C            => 'CH',
            serialNumber => 5,
        },
        not_before      => 1_000_000_000,
        not_after       => 4_102_444_800.7,
        purpose         => '-client +server cRLSign',
        digest          => 'sha512',
        subjectAltNames => [[EMAIL => 'a@b'], [URI => 'http://a,b/'], [RID => '1.2.3']],
        ext             => [
            { sn  => 'nsComment', data => 'a, b: c' },
            { nid => 177,         data => 'OCSP;URI:http://ocsp.example/', critical => 1 },
            { oid => '1.2.3.4.5', data => 'DER:0500' },
            { sn  => 'keyUsage',  data => 'digitalSignature' },
        ],
    );
    my $is = CERT_asHash($cert, 'sha1');
    is $cert->subject,
        '/C=CH/O=One/O=J\xC3\xBCrg\xE2\x98\xBA/1.2.3.4=odd/serialNumber=5/CN=Alex/emailAddress=a@b.example',
        'the subject, in its order';
    is_deeply $is->{subject}{organizationName}, ['One', "J\xc3\xbcrg\xe2\x98\xba"], 'a list, in UTF-8';
    is_deeply $is->{issuer},                    $is->{subject},                     'it is its own issuer';
    is $is->{serial},        '1512366075204170929049582354406559215', 'the serial number';
    is $is->{not_before},    1_000_000_000,                           'valid from';
    is $is->{not_after},     4_102_444_800,                           'until';
    is $is->{version},       2,                                       'version 3';
    is $is->{signature_alg}, 'ecdsa-with-SHA512',                     'the signature';
    is_deeply $is->{keyusage}, [qw(cRLSign)],
        'what "-client" took away, "server" does not bring back; ext changes nothing';
    is_deeply $is->{extkeyusage}{sn}, ['serverAuth'], 'extended key usage';
    is_deeply $is->{subjectAltNames}, [[EMAIL => 'a@b'], [URI => 'http://a,b/'], [RID => '1.2.3']],
        'alternative names';
    is_deeply $is->{ocsp_uri}, ['http://ocsp.example/'], 'OCSP';
    is_deeply $is->{crl_uri},  [],                       'no revocation lists';
    my %ext = map { $_->{oid} => $_ } @{ $is->{ext} };
    is $ext{'Netscape Comment'}{data},                 'a, b: c', 'an extension by name';
    is $ext{'Authority Information Access'}{critical}, 1,         'one by number, critical';
    is $ext{'1.2.3.4.5'}{nid},                         undef,     'one that OpenSSL does not know';
    is $is->{x509_digest_sha1},                        $cert->digest(digest => 'sha1'), 'the digest';
    is $is->{fingerprint_sha1}, uc join(':', unpack '(a2)*', unpack 'H*', $is->{x509_digest_sha1}),
        'the same with colons';
    is eval { CERT_asHash($cert, 'nosuch') }, undef, 'another digest dies';
    like $@, qr/\ADigest algorithm nosuch is not available$/, 'in the words programs know';
};

subtest 'defaults' => sub {
    my $now = time;
    my ($cert, $made) = CERT_create();
    my $is = CERT_asHash($cert);
    is $made->type . $made->bits, 'RSA2048', 'an RSA key';
    is_deeply $is->{subject}, { organizationName => 'Vouch', commonName => 'Vouch Test' }, 'a subject';
    ok $is->{not_before} >= $now && $is->{not_before} <= time, 'from now';
    cmp_ok abs($is->{not_after} - $is->{not_before} - 365 * 86_400), '<=', 1, 'for a year';
    ok length $is->{serial} > 20,      'a random serial number';
    ok !exists $is->{subjectAltNames}, 'no alternative names';
    is_deeply $is->{keyusage}, [qw(digitalSignature keyEncipherment)], 'key usage';
    is_deeply $is->{ocsp_uri}, [],                                     'no OCSP';
    my ($again) = CERT_create(key => $key, serial => 0, version => 0, purpose => undef, ext => undef);
    is CERT_asHash($again)->{version}, 2, '0 and undef stand for the defaults';
    my ($empty) = CERT_create(key => $key, subject => {}, subjectAltNames => [[DNS => 'a']]);
    ok + (grep { $_->{sn} eq 'subjectAltName' && $_->{critical} } @{ CERT_asHash($empty)->{ext} }),
        'names without a subject are critical';
};

my @WRONG = (
    ['an unknown argument',     [nosuch     => 1, more => 2],     qr/does not know more, nosuch/],
    ['a subject as list',       [subject    => []],               qr/subject must be a hash/],
    ['an unknown field',        [subject    => { nosuch => 1 }],  qr/"nosuch" is not the name/],
    ['an undefined field',      [subject    => { CN => undef }],  qr/CN must be a text, not undef/],
    ['a field of references',   [subject    => { CN => {} }],     qr/CN must be a text, not a ref/],
    ['bytes that are no UTF-8', [subject    => { CN => "\xff" }], qr/"CN" is not valid UTF-8/],
    ['an unknown purpose',      [purpose    => 'server sesame'],  qr/purpose: 'sesame' is not one of ca,/],
    ['an unknown digest',       [digest     => 'nosuch'],         qr/"nosuch" is not one/],
    ['a digest for nothing',    [digest     => 'md5'],            qr/cannot sign/],
    ['a serial in words',       [serial     => 'five'],           qr/serial: "five" is not a whole/],
    ['a broken serial',         [serial     => 1.5],              qr/serial: "1.5" is not a whole/],
    ['a long serial',           [serial     => '9' x 60],         qr/at most 20 bytes/],
    ['another version',         [version    => 1],                qr/version => '1' must be 2/],
    ['a date in words',         [not_before => 'now'],            qr/not_before => 'now' must be/],
    ['a date that is none',     [not_before => 'nan'],            qr/not_before => 'nan' must be/],
    ['a date in a reference',   [not_after  => []],               qr/not_after => 'ARRAY/],
    ['a date too late',         [not_after  => 1e15],             qr/not_after: is not in the years/],
    ['names as text',       [subjectAltNames => 'DNS:x'],             qr/must be a list of/],
    ['a name as text',      [subjectAltNames => ['DNS:x']],           qr/must be a list of/],
    ['a name of three',     [subjectAltNames => [[1 .. 3]]],          qr/must be a list of/],
    ['an unknown type',     [subjectAltNames => [[DIRNAME => 'x']]],  qr/'DIRNAME' is not one of DNS, EMAIL/],
    ['no type',             [subjectAltNames => [[undef, 'x']]],      qr/'undef' is not one/],
    ['no name',             [subjectAltNames => [[DNS => undef]]],    qr/not undef/],
    ['a name beyond ASCII', [subjectAltNames => [[DNS => "\x{e4}"]]], qr/xn-- form/],
    ['no address',          [subjectAltNames => [[IP => '1.2.3']]],   qr/"1.2.3" is not a name of that type/],
    ['extensions as hash',  [ext             => {}],                  qr/ext must be a list/],
    ['an extension as list', [ext => [[]]],                            qr/ext must be a list of hashes/],
    ['a nameless extension', [ext => [{ data => 1 }]],                 qr/needs its name/],
    ['a wrong number',       [ext => [{ nid => 'x', data => 1 }]],     qr/'x' is not one/],
    ['an unknown number',    [ext => [{ nid => 99_999, data => 1 }]],  qr/extension number 99999/],
    ['an unknown extension', [ext => [{ sn => 'nosuch', data => 1 }]], qr/extension nosuch: cannot be made/],
    ['wrong data',        [ext => [{ sn => 'tlsfeature', data => 'x' }]],      qr/extension tlsfeature/],
    ['no data',           [ext => [{ sn => 'nsComment' }]],                    qr/not undef/],
    ['a section',         [ext => [{ sn => 'policyMappings', data => '@x' }]], qr/extension policyMappings/],
    ['an issuer as text', [issuer     => 'x'],                                 qr/issuer must be a list/],
    ['half an issuer',    [issuer_key => $key],                                qr/must be given together/],
    ['an issuer of one',  [issuer     => [$key]],                              qr/a certificate must be/],
    ['an undefined key',  [key        => 0],                                   qr/a key must be/],
);

subtest 'wrong arguments of CERT_create' => sub {
    refused(sub { CERT_create(key => $key, @{ $_->[1] }) }, $_->[2], $_->[0]) for @WRONG;
};

package Word {    ## no critic (RequireFilenameMatchesPackage)
    use overload '""' => sub { my $word = ${ $_[0] }; ref $word ? $word->() : $word }, fallback => 1;
    sub new { my ($class, $word) = @_; return bless \$word, $class }
}

subtest 'values that are objects' => sub {
    my $word = Word->new('server');
    my ($cert) = CERT_create(
        key             => $key,
        subject         => { CN => $word, O => [$word] },
        purpose         => $word,
        subjectAltNames => [[DNS => $word]],
        serial          => Word->new(5),
        not_after       => Word->new(time + 1000),
        ext             => [{ sn => 'nsComment', data => $word }],
    );
    is $cert->subject, '/O=server/CN=server', 'stand for their texts';
    is $cert->serial,  5,                     'and numbers';
    my $dying = Word->new(sub { die "no word\n" });
    for my $name (qw(subject purpose serial not_before ext)) {
        my $value = { subject => { CN => $dying }, ext => [{ sn => $dying, data => 1 }] }->{$name} // $dying;
        is eval { CERT_create(key => $key, $name => $value); 1 }, undef,       "$name: one that dies";
        is $@,                                                    "no word\n", 'dies in its own words';
    }
};

subtest 'ignore_invalid_args' => sub {
    my ($cert) = CERT_create(
        key                 => $key,
        nosuch              => 1,
        purpose             => 'server sesame',
        subjectAltNames     => [[DIRNAME => 'x'],              [DNS => 'a']],
        ext                 => [{ sn => 'nosuch', data => 1 }, { sn => 'nsComment', data => 'hi' }],
        ignore_invalid_args => 1,
    );
    my $is = CERT_asHash($cert);
    is_deeply $is->{subjectAltNames}, [[DNS => 'a']], 'the name that can be';
    is_deeply $is->{extkeyusage}{sn}, ['serverAuth'], 'the purpose';
    is + (grep { ($_->{sn} // q()) eq 'nsComment' } @{ $is->{ext} })[0]{data}, 'hi', 'the extension';
    refused(sub { CERT_create(key => $key, serial => 'x', ignore_invalid_args => 1) },
        qr/serial/, 'what is not a list dies still');
};

my $weird = issue(
    'weird',
    subject => "/C=CH/O=A/O=B/CN=J\xc3\xbcrg/emailAddress=a\@b",
    ext     => [
        'keyUsage=digitalSignature,decipherOnly',
        'extendedKeyUsage=serverAuth,1.2.3.4.5',
        'subjectAltName=@san',
        'authorityInfoAccess=OCSP;URI:http://o1/,caIssuers;URI:http://c/',
        'crlDistributionPoints=URI:http://crl1/,URI:http://crl2/',
        '1.2.3.4.5.6=ASN1:UTF8String:hello',
        '[san]',
        'DNS=*.x.example',
        'IP.1=10.1.2.3',
        'IP.2=::ffff:1.2.3.4',
        'IP.3=2001:db8::1',
        'RID=1.2.3',
        'dirName=dir',
        'otherName.1=1.2.3.4;UTF8:some',
        'otherName.2=1.2.3.4;SEQUENCE:empty',
        '[dir]',
        'CN=Dir',
        '[empty]',
    ],
);

subtest 'a certificate with something of everything' => sub {
    my $is = CERT_asHash(PEM_file2cert($weird->{cert}));
    is_deeply $is->{subjectAltNames},
        [
        [DNS       => '*.x.example'],
        [IP        => '10.1.2.3'],
        [IP        => '::ffff:102:304'],
        [IP        => '2001:db8::1'],
        [RID       => '1.2.3'],
        [DIRNAME   => '/CN=Dir'],
        [OTHERNAME => 'some'],
        [OTHERNAME => ''],
        ],
        'alternative names';
    is_deeply $is->{keyusage}, [qw(digitalSignature decipherOnly)], 'key usage';
    is_deeply $is->{extkeyusage},
        {
        oid => ['1.3.6.1.5.5.7.3.1', '1.2.3.4.5'],
        nid => [129],
        sn  => ['serverAuth'],
        ln  => ['TLS Web Server Authentication'],
        },
        'extended key usage';
    is_deeply $is->{crl_uri},  ['http://crl1/', 'http://crl2/'], 'revocation lists';
    is_deeply $is->{ocsp_uri}, ['http://o1/'],                   'OCSP';
    my ($copy) = CERT_create(%$is, key => $key);
    my $copied = CERT_asHash($copy);
    is $copied->{$_}, $is->{$_}, "a copy has the same $_" for qw(serial not_before not_after);
    is_deeply $copied->{subject}, $is->{subject}, 'the same subject';
    is_deeply [map { $_->[0] } @{ $copied->{subjectAltNames} }], [qw(DNS IP IP IP RID)],
        'the names that can be made';
};

subtest 'numbers of Net::SSLeay' => sub {
    plan skip_all => 'there is no Net::SSLeay here' if !$ENV{VOUCH_TEST_ALL} && !eval { require Net::SSLeay };
    require Net::SSLeay;
    my $bio  = Net::SSLeay::BIO_new_file($weird->{cert}, 'r');
    my $cert = Net::SSLeay::PEM_read_bio_X509($bio);
    Net::SSLeay::BIO_free($bio);
    $bio = Net::SSLeay::BIO_new_file($weird->{key}, 'r');
    my $its_key = Net::SSLeay::PEM_read_bio_PrivateKey($bio);
    Net::SSLeay::BIO_free($bio);
    is PEM_cert2string($cert), PEM_cert2string(PEM_file2cert($weird->{cert})), 'a certificate from there';
    is CERT_asHash($cert)->{subject}{emailAddress}, 'a@b',                     'its facts';
    is PEM_key2string($its_key), PEM_key2string(PEM_file2key($weird->{key})),  'a key from there';
    my ($issued) = CERT_create(issuer => [$cert, $its_key], key => $key);
    like $issued->issuer, qr/CN=J/, 'they sign';
    CERT_free($cert);
    KEY_free($its_key);
    pass 'they are freed, once';
    is Net::SSLeay::X509_get_fingerprint($issued, 'sha256'), CERT_asHash($issued)->{fingerprint_sha256},
        'a certificate of ours goes there';
    is Net::SSLeay::PEM_get_string_X509($issued),    PEM_cert2string($issued), 'its text';
    is Net::SSLeay::PEM_get_string_PrivateKey($key), PEM_key2string($key),     'a key of ours goes there';
    is Net::SSLeay::X509_NAME_oneline(Net::SSLeay::X509_get_subject_name($issued)), $issued->subject,
        'a name';
};

done_testing;
