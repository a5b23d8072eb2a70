use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Digest::SHA      ();
use MIME::Base64     ();
use Math::BigInt     ();
use VouchTest        qw(identity slurp spew temp_dir);
use VouchTest::Der   qw(parts name);
use VouchTest::Forge qw(authority issue openssl);
use Vouch::Certificate;

# Vouch::Certificate: every method, held against the openssl command.
# Certificates that want to do harm are in 10-certificate-hostile.t.

sub from_file { return Vouch::Certificate->from_file($_[0]) }

# What "openssl x509 -noout ARG..." prints behind the first "=".
sub x509 {
    my ($file, @args) = @_;
    my $out = openssl([qw(x509 -noout -nameopt compat -dateopt iso_8601 -in), $file, @args]);
    return $out =~ s/\A[^=\n]*=\s?//r =~ s/\n\z//r;
}

sub iso { return x509(@_) =~ s/ /T/r }

sub spki_of {
    return openssl([qw(pkey -pubin -outform DER)], stdin => openssl([qw(x509 -noout -pubkey -in), $_[0]]));
}

# The error that code dies with, or undef.
sub error_of {
    my ($code) = @_;
    return eval { $code->(); 1 } ? undef : $@;
}

my %SPELL = (
    dollar => sub { my ($digest, $mark, $bytes) = @_; return "$digest\$$mark" . unpack 'H*', $bytes },
    lower  => sub { return uc($_[0]) . ':' . unpack 'H*',                                    $_[2] },
    upper  => sub { return uc($_[0]) . ':' . uc unpack 'H*',                                 $_[2] },
    hex    => sub { return unpack 'H*',                                                      $_[2] },
    colons => sub {
        return join ':', map { sprintf '%02X', $_ } unpack 'C*', $_[2];
    },
    base64url => sub { return MIME::Base64::encode_base64($_[2], '') =~ tr{+/=}{-_}dr },
);

sub check_fingerprints {
    my ($certificate, $file) = @_;
    my $spki = spki_of($file);
    my %data = (
        certificate => ['',      $certificate->der],
        spki        => ['spki$', $spki],
        key         => ['pub$',  substr((parts($spki))[1] =~ s/\A\x03(?:[\x00-\x7f]|\x81.|\x82..)//sr, 1)],
    );
    for my $digest (qw(sha1 sha256 sha384 sha512)) {
        for my $of (sort keys %data) {
            my ($mark, $data) = @{ $data{$of} };
            my $bytes = Digest::SHA->new($digest)->add($data)->digest;
            is $certificate->digest(of => $of, digest => $digest), $bytes, "$digest of $of, as bytes";
            for my $spelling (sort keys %SPELL) {
                is $certificate->fingerprint(of => $of, digest => $digest, spelling => $spelling),
                    $SPELL{$spelling}->($digest, $mark, $bytes), "$digest of $of, spelling $spelling";
            }
        }
        is $certificate->fingerprint(digest => $digest, spelling => 'colons'),
            x509($file, '-fingerprint', "-$digest"), "$digest is what the openssl command prints";
    }
    is $certificate->fingerprint,
        $certificate->fingerprint(
        digest   => 'sha256',
        of       => 'certificate',
        spelling => 'dollar'
        ),
        'the default';
    return;
}

# key => [type, bits, curve]
my %KIND = (
    'ec:prime256v1' => ['EC',      256,  'prime256v1'],
    'ec:secp384r1'  => ['EC',      384,  'secp384r1'],
    'ec:secp521r1'  => ['EC',      521,  'secp521r1'],
    'rsa:2048'      => ['RSA',     2048, undef],
    ed25519         => ['ED25519', 256,  undef],
    ed448           => ['ED448',   456,  undef],
);

for my $key (sort keys %KIND) {
    subtest "a certificate of the kind $key" => sub {
        my ($file) = identity('kind', cn => 'Alex', key => $key, san => ['alex.example', '192.0.2.7']);
        my $certificate = from_file($file);
        is $certificate->subject, x509($file, '-subject'), 'subject';
        is $certificate->issuer,  x509($file, '-issuer'),  'issuer';
        is_deeply [$certificate->subject_fields], [CN => 'Alex'], 'subject as fields';
        is_deeply [$certificate->issuer_fields],  [CN => 'Alex'], 'issuer as fields';
        is $certificate->common_name,    'Alex',                 'common name';
        is $certificate->serial_hex,     x509($file, '-serial'), 'serial number, hexadecimal';
        is $certificate->serial,         Math::BigInt->from_hex(x509($file, '-serial'))->bstr, 'and decimal';
        is $certificate->not_before_iso, iso($file, '-startdate'),                             'not before';
        is $certificate->not_after_iso,  iso($file, '-enddate'),                               'not after';
        is $certificate->key_type,       $KIND{$key}[0],                                       'kind of key';
        is $certificate->key_bits,       $KIND{$key}[1], 'bits of the key';
        is $certificate->key_curve,      $KIND{$key}[2], 'curve';
        my $text = openssl([qw(x509 -noout -text -nameopt compat -in), $file]);
        is $certificate->text, $text, 'text';
        my ($algorithm) = $text =~ /Signature Algorithm: (\S+)/;
        is $certificate->signature_algorithm, $algorithm, 'signature algorithm';
        is $certificate->pem, openssl([qw(x509 -in),              $file]), 'PEM';
        is $certificate->der, openssl([qw(x509 -outform DER -in), $file]), 'DER';
        ok $certificate->is_self_signed, 'signed by itself';
        is_deeply [$certificate->alternative_names], [[dns => 'alex.example'], [ip => '192.0.2.7']],
            'alternative names';
        check_fingerprints($certificate, $file);
    };
}

my $ca   = authority('ca', subject => name(C => 'CH', O => 'Example Org', CN => 'The CA'));
my $leaf = issue(
    'leaf',
    by      => $ca,
    subject => name(
        C            => 'CH',
        O            => 'Example Org',
        OU           => 'One',
        OU           => 'Two',
        CN           => 'First',
        CN           => 'Second',
        emailAddress => [0x16, 'a@b.example'],
        UID          => 'al',
        '1.2.3.4'    => 'odd'
    ),
    san => [
        'email:al@example.org', 'dns:one.example',
        'dns:*.two.example',    'uri:gemini://x.example/',
        'ip:192.0.2.1',         'ip:2001:db8::1',
        "rid:\x2a\x03\x04",     'directory:' . name(CN => 'Dir')
    ],
    serial => "\x00\xff" . ('0' x 18),
);

subtest 'a certificate signed by an authority' => sub {
    my $certificate = from_file($leaf->{cert});
    is $certificate->subject, x509($leaf->{cert}, '-subject'), 'subject of many parts';
    is $certificate->issuer,  '/C=CH/O=Example Org/CN=The CA', 'issuer';
    is_deeply [$certificate->subject_fields],
        [
        C            => 'CH',
        O            => 'Example Org',
        OU           => 'One',
        OU           => 'Two',
        CN           => 'First',
        CN           => 'Second',
        emailAddress => 'a@b.example',
        UID          => 'al',
        '1.2.3.4'    => 'odd'
        ],
        'fields in their order, unknown ones by their number';
    is $certificate->common_name, 'First', 'the first common name';
    is_deeply [$certificate->alternative_names],
        [
        [email     => 'al@example.org'],
        [dns       => 'one.example'],
        [dns       => '*.two.example'],
        [uri       => 'gemini://x.example/'],
        [ip        => '192.0.2.1'],
        [ip        => '2001:db8::1'],
        [rid       => '1.2.3.4'],
        [directory => '/CN=Dir'],
        ],
        'alternative names of every type';
    is $certificate->serial_hex, 'FF' . '30' x 18, 'a serial number of 19 bytes';
    is $certificate->serial,     Math::BigInt->from_hex('FF' . '30' x 18)->bstr, 'and decimal';
    ok !$certificate->is_self_signed,          'not signed by itself';
    ok from_file($ca->{cert})->is_self_signed, 'the authority is';
    is_deeply [from_file($ca->{cert})->alternative_names], [], 'an authority without alternative names';
};

subtest 'a certificate that only says that it signed itself' => sub {
    my $claim = issue('claim', by => { subject => name(CN => 'claim'), key => $ca->{key} }, cn => 'claim');
    my $certificate = from_file($claim->{cert});
    is $certificate->subject, $certificate->issuer, 'its issuer is its subject';
    ok !$certificate->is_self_signed, 'but the signature is not its own';
};

subtest 'dates' => sub {
    my $start       = 1_700_000_000;
    my $made        = issue('dates', not_before => $start, not_after => $start + 100);
    my $certificate = from_file($made->{cert});
    is $certificate->not_before,     $start,                 'not before, epoch';
    is $certificate->not_after,      $start + 100,           'not after, epoch';
    is $certificate->not_before_iso, '2023-11-14T22:13:20Z', 'not before, ISO 8601';
    is $certificate->not_after_iso,  '2023-11-14T22:15:00Z', 'not after, ISO 8601';
    my @at = ([-1, 0, 1], [0, 0, 0], [1, 0, 0], [99, 0, 0], [100, 0, 0], [101, 1, 0]);

    for my $case (@at) {
        my ($offset, $expired, $early) = @$case;
        is !!$certificate->is_expired($start + $offset), !!$expired, "$offset s after the start: expired?";
        is !!$certificate->is_not_yet_valid($start + $offset), !!$early, "$offset s after the start: early?";
    }
    ok $certificate->is_expired,        'without a time it is now';
    ok !$certificate->is_not_yet_valid, 'for both';
};

subtest 'whom it is for' => sub {
    my $made =
        Vouch::Identity->create(cn => 'a.example', san => ['a.example', '*.b.example', '::1'])->certificate;
    ok $made->is_for($_), "$_: yes" for qw(a.example A.EXAMPLE x.b.example ::1 0:0::1);
    ok !$made->is_for($_), "'$_': no" for qw(b.example x.y.b.example 127.0.0.1), '', '.example';
    ok !eval { $made->is_for(undef);           1 }, 'undef dies';
    ok !eval { $made->is_for("a.example\0.b"); 1 }, 'so does a NUL';
};

subtest 'from a file, PEM and DER' => sub {
    my $pem    = slurp($leaf->{cert});
    my $der    = $leaf->{der};
    my $text   = openssl([qw(x509 -text -in), $leaf->{cert}]);
    my %source = (
        'PEM'                            => $pem,
        'DER'                            => $der,
        'PEM behind text'                => $text,
        'PEM with CRLF'                  => $pem =~ s/\n/\r\n/gr,
        'PEM without a last newline'     => $pem =~ s/\n\z//r,
        'PEM behind a byte order mark'   => "\xef\xbb\xbf$pem",
        'PEM, followed by the authority' => $pem . slurp($ca->{cert}),
        'PEM, key first'                 => slurp($leaf->{key}) . $pem,
        'TRUSTED PEM'                    => openssl([qw(x509 -trustout -in), $leaf->{cert}]),
    );
    for my $kind (sort keys %source) {
        my $file = spew(temp_dir() . '/source', $source{$kind});
        is from_file($file)->der,                                 $der, "file of $kind";
        is +Vouch::Certificate->from_string($source{$kind})->der, $der, "string of $kind";
    }
    my $upgraded = $der;
    utf8::upgrade($upgraded);
    is +Vouch::Certificate->from_string($upgraded)->der, $der, 'a string that Perl keeps as UTF-8 inside';
};

subtest 'a certificate is also a number' => sub {
    my $certificate = from_file($leaf->{cert});
    cmp_ok 0 + $certificate, '>', 4096, 'an address, for Net::SSLeay';
    ok $certificate,                   'true';
    ok !eval { $$certificate = 1; 1 }, 'which nobody can overwrite';
    is 0 + $certificate, 0 + $certificate, 'and stays the same';
};

subtest 'wrong use' => sub {
    my $certificate = from_file($leaf->{cert});
    my %bad         = (
        'unknown digest' => [sub { $certificate->fingerprint(digest => 'md99') }, qr/md99 is not available/],
        'digest with a NUL' =>
            [sub { $certificate->digest(digest => "sha1\0") }, qr/a digest must not contain a NUL/],
        'unknown spelling' => [
            sub { $certificate->fingerprint(spelling => 'Hex') },
            qr/spelling => 'Hex' is not one of base64url, colons, dollar, hex, lower, upper/
        ],
        'unknown of' => [
            sub { $certificate->digest(of => 'name') },
            qr/of => 'name' is not one of certificate, key, spki/
        ],
        'unknown argument' =>
            [sub { $certificate->digest(spelling => 'hex') }, qr/digest does not know spelling/],
        'no file name'   => [sub { from_file(undef) },  qr/a file name must be a text, not undef/],
        'a reference'    => [sub { from_file([]) },     qr/a file name must be a text, not a reference/],
        'a NUL'          => [sub { from_file("a\0b") }, qr/a file name must not contain a NUL/],
        'not an object'  => [sub { Vouch::Certificate::pem('x') }, qr/not a live Vouch::Certificate object/],
        'another object' => [
            sub { Vouch::Certificate::pem(bless \my $x, 'Vouch::Certificate') },
            qr/not a live Vouch::Certificate object/
        ],
        'undef for a string' =>
            [sub { Vouch::Certificate->from_string(undef) }, qr/must be a text, not undef/],
        'reference for a string' =>
            [sub { Vouch::Certificate->from_string(\1) }, qr/must be a text, not a reference/],
        'characters for bytes' =>
            [sub { Vouch::Certificate->from_string("\x{263a}") }, qr/[Ww]ide character/],
    );
    for my $case (sort keys %bad) {
        my ($code, $text) = @{ $bad{$case} };
        my $error = error_of($code);
        like $error, $text, $case;
    }
    my $error = error_of(sub { from_file(undef) });
    isa_ok $error, 'Vouch::Error', 'what is thrown';
    is $error->code, 'argument', 'its code';
    is $error->file, __FILE__,   'and it tells the line of the program';
};

subtest 'errors name the file and the reason' => sub {
    my $dir  = temp_dir();
    my $key  = slurp($leaf->{key});
    my $csr  = openssl([qw(req -new -subj /CN=x -key),     $leaf->{key}]);
    my $p12  = openssl([qw(pkcs12 -export -passout pass:), '-inkey', $leaf->{key}, '-in', $leaf->{cert}]);
    my %file = (
        'missing' => [undef,        qr/cannot read: No such file or directory/,                    'file'],
        'empty'   => ['',           qr/is empty/,                                                  'format'],
        'garbage' => ["\xff" x 100, qr/not a certificate \(neither PEM nor DER\)/,                 'format'],
        'text'    => ["hello\n",    qr/not a certificate \(neither PEM nor DER\)/,                 'format'],
        'key'     => [$key,         qr/holds a private key; the certificate belongs here/,         'format'],
        'key-der' => [openssl([qw(pkey -outform DER -in), $leaf->{key}]), qr/holds a private key/, 'format'],
        'public-key' =>
            [openssl([qw(pkey -pubout -in), $leaf->{key}]), qr/holds a public key only/, 'format'],
        'request'        => [$csr, qr/holds a certificate request/,                            'format'],
        'pkcs12'         => [$p12, qr/PKCS#12, which holds a key too; load it as an identity/, 'format'],
        'trailing'       => ["$leaf->{der}xyz", qr/3 bytes follow the DER certificate/,        'format'],
        'damaged-base64' =>
            [slurp($leaf->{cert}) =~ s/\n..../\n****/r, qr/certificate 1 in it cannot be read/, 'format'],
        'no-end' =>
            [slurp($leaf->{cert}) =~ s/-----END.*//sr, qr/certificate 1 in it cannot be read/, 'format'],
        'largest'  => [' ' x 1_048_576, qr/not a certificate/,         'format'],
        'oversize' => [' ' x 1_048_577, qr/larger than 1048576 bytes/, 'limit'],
    );
    for my $name (sort keys %file) {
        my ($bytes, $reason, $code) = @{ $file{$name} };
        my $path = "$dir/bad-$name";
        spew($path, $bytes) if defined $bytes;
        my $error = error_of(sub { from_file($path) });
        isa_ok $error, 'Vouch::Error', $name;
        like $error->message, qr/\A\Q$path\E: .*$reason/, "$name: the file and the reason";
        is $error->code, $code,    "$name: its code";
        is $error->file, __FILE__, "$name: where the program asked";
        next if !length($bytes // '');
        like error_of(sub { Vouch::Certificate->from_string($bytes) }), qr/\Athis text: .*$reason/,
            "$name: the same from a string";
    }
    like error_of(sub { from_file($dir) }),        qr/\A\Q$dir\E: is not a regular file/,  'a folder';
    like error_of(sub { from_file('/dev/zero') }), qr{\A/dev/zero: is not a regular file}, 'a device';
};

done_testing;
