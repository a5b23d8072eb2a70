use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest        qw(slurp spew temp_dir);
use VouchTest::Forge qw(authority issue openssl);
use Vouch::Identity;

# Making, renewing, saving and loading identities.

my $dir = temp_dir();

sub error_of {
    my ($code) = @_;
    return eval { $code->(); 1 } ? undef : $@;
}

sub refused {
    my ($code, $text, $name, $kind) = @_;
    my $error = error_of($code);
    isa_ok $error, 'Vouch::Error', $name or return;
    like $error->message, $text, "$name: the reason";
    is $error->code, $kind // 'argument', "$name: its code";
    is $error->file, __FILE__,            "$name: where the program asked";
    return;
}

sub mode_of { return sprintf '%04o', (stat $_[0])[2] & oct 7777 }

sub spki_of { return $_[0]->certificate->digest(of => 'spki') }

# What is in a folder.
sub listing {
    my ($folder) = @_;
    opendir my $handle, $folder or die "$folder: $!";
    my @names = grep { !/\A[.][.]?\z/ } readdir $handle;
    @names = sort @names;
    return \@names;
}

sub new_folder {
    my ($name) = @_;
    mkdir "$dir/$name" or die "$dir/$name: $!";
    return "$dir/$name";
}

my %KIND = (
    'ec:prime256v1' => qr/Public-Key: \(256 bit\).*ASN1 OID: prime256v1/s,
    'ec:secp384r1'  => qr/Public-Key: \(384 bit\).*ASN1 OID: secp384r1/s,
    'ec:secp521r1'  => qr/Public-Key: \(521 bit\).*ASN1 OID: secp521r1/s,
    'rsa:2048'      => qr/Public-Key: \(2048 bit\)/,
    'rsa:3072'      => qr/Public-Key: \(3072 bit\)/,
    'ed25519'       => qr/ED25519 Public-Key:/i,
    'ed448'         => qr/ED448 Public-Key:/i,
);

for my $key (sort keys %KIND) {
    subtest "create a key $key" => sub {
        my $stem = "$dir/create-" . $key =~ s/:/-/r;
        my $made = Vouch::Identity->create(cn => 'Alex', key => $key, file => $stem);
        my $text = openssl([qw(x509 -noout -text -in), "$stem-cert.pem"]);
        like $text, $KIND{$key},           'the kind of key';
        like $text, qr/Version: 3/,        'version 3';
        like $text, qr/CA:FALSE/,          'not an authority';
        like $text, qr/Digital Signature/, 'for signatures';
        like $text, qr/TLS Web (?:Server|Client) Authentication, TLS Web (?:Server|Client) Authentication/,
            'for servers and clients';
        is openssl([qw(verify -CAfile), "$stem-cert.pem", "$stem-cert.pem"]), "$stem-cert.pem: OK\n",
            'the signature is right';
        is openssl([qw(pkey -pubout -in), "$stem-key.pem"]),
            openssl([qw(x509 -noout -pubkey -in), "$stem-cert.pem"]),
            'the key file belongs to it';
        like slurp("$stem-key.pem"), qr/\A-----BEGIN PRIVATE KEY-----\n/, 'the key is PKCS#8';
        is $made->cert_pem, slurp("$stem-cert.pem"), 'cert_pem is the file';
        is $made->key_pem,  slurp("$stem-key.pem"),  'key_pem is the file';
        is +Vouch::Identity->load(file => $stem)->certificate->der, $made->certificate->der,
            'and loads again';
    };
}

subtest 'create: what the arguments mean' => sub {
    my $now  = time;
    my $made = Vouch::Identity->create(cn => 'Alex')->certificate;
    is $made->key_curve, 'prime256v1', 'the default key';
    cmp_ok abs($made->not_after - $now - 1825 * 86_400), '<=', 5,  'five years';
    cmp_ok abs($made->not_before - $now + 300),          '<=', 5,  'from five minutes ago: clocks differ';
    cmp_ok length $made->serial_hex,                     '>=', 30, 'a long random serial number';
    isnt +Vouch::Identity->create(cn => 'Alex')->certificate->serial, $made->serial, 'another each time';
    $made = Vouch::Identity->create(cn => 'x', days => 10)->certificate;
    cmp_ok abs($made->not_after - $now - 10 * 86_400), '<=', 5, 'days';
    $made = Vouch::Identity->create(cn => 'x', days => 9_999_999)->certificate;
    is $made->not_after_iso, '9999-12-31T23:59:59Z', 'more days than there are';
    $made = Vouch::Identity->create(cn => 'x', not_before => 1000, not_after => 2000)->certificate;
    is_deeply [$made->not_before, $made->not_after], [1000, 2000], 'dates as epoch';
    my @san = (
        'host.example',      '*.wild.example',
        '192.0.2.1',         '2001:db8::1',
        'DNS:d.example',     'IP:192.0.2.2',
        'EMAIL:a@b.example', 'URI:gemini://x.example/~al'
    );
    is_deeply [Vouch::Identity->create(cn => 'x', san => \@san)->certificate->alternative_names],
        [
        [dns   => 'host.example'],
        [dns   => '*.wild.example'],
        [ip    => '192.0.2.1'],
        [ip    => '2001:db8::1'],
        [dns   => 'd.example'],
        [ip    => '192.0.2.2'],
        [email => 'a@b.example'],
        [uri   => 'gemini://x.example/~al'],
        ],
        'alternative names of every kind';
    is_deeply [Vouch::Identity->create(cn => 'x', san => 'one.example')->certificate->alternative_names],
        [[dns => 'one.example']], 'one alone needs no list';
};

subtest 'create: names that are not ASCII' => sub {
    my $bytes = "M\xc3\xbcller \xe2\x98\xba";
    is +Vouch::Identity->create(cn => $bytes)->certificate->common_name, $bytes, 'UTF-8 bytes';
    is +Vouch::Identity->create(cn => "M\x{fc}ller \x{263a}")->certificate->common_name, $bytes, 'characters';
    is length Vouch::Identity->create(cn => "\x{263a}" x 64)->certificate->common_name, 192, '64 characters';
};

subtest 'create: what is refused' => sub {
    my %bad = (
        'no cn'             => [[], qr/cn is missing/],
        'empty cn'          => [[cn => ''],         qr/cn: is empty/],
        'cn of 65'          => [[cn => 'x' x 65],   qr/cn: longer than 64 characters/],
        'cn with a NUL'     => [[cn => "a\0b"],     qr/the common name must not contain a NUL/],
        'cn with a newline' => [[cn => "a\nb"],     qr/cn: has a control character/],
        'cn not UTF-8'      => [[cn => "\xff\xfe"], qr/cn: is not valid UTF-8/],
        'cn a reference'    => [[cn => ['x']],      qr/the common name must be a text, not a reference/],
        'key unknown'       =>
            [[cn => 'x', key => 'dsa'], qr/key: "dsa" is not a kind of key; it may be ec:prime256v1/],
        'key with a NUL'   => [[cn => 'x', key  => "ed25519\0"],  qr/NUL/],
        'key a reference'  => [[cn => 'x', key  => []],           qr/must be a text, not a reference/],
        'curve unknown'    => [[cn => 'x', key  => 'ec:nosuch'],  qr/key: "ec:nosuch" is not a kind of key/],
        'RSA too short'    => [[cn => 'x', key  => 'rsa:1024'],   qr/rsa:1024 is too short to be safe/],
        'RSA too long'     => [[cn => 'x', key  => 'rsa:100000'], qr/"rsa:100000" is not an RSA key/],
        'RSA not a number' => [[cn => 'x', key  => 'rsa:many'],   qr/"rsa:many" is not an RSA key/],
        'RSA negative'     => [[cn => 'x', key  => 'rsa:-2048'],  qr/"rsa:-2048" is not an RSA key/],
        'days no number'   => [[cn => 'x', days => 'ten'], qr/days => 'ten' is not a whole number of days/],
        'days half'        => [[cn => 'x', days => 1.5],   qr/days => '1.5' is not a whole number/],
        'days 0'           =>
            [[cn => 'x', days => 0, not_before => time + 10], qr/not_after: is not later than not_before/],
        'days negative'       => [[cn => 'x', days => -1], qr/not_after: is not later than not_before/],
        'dates the wrong way' =>
            [[cn => 'x', not_before => 20, not_after => 10], qr/not_after: is not later/],
        'year 10000' =>
            [[cn => 'x', not_after => 253_402_300_800], qr/not_after: is not in the years 1950 to 9999/],
        'year 1949'   => [[cn => 'x', not_before => -631_152_001], qr/not_before: is not in the years 1950/],
        'date a text' => [
            [cn => 'x', not_before => 'yesterday'], qr/not_before => 'yesterday' is not a number of seconds/
        ],
        'date a reference' => [[cn => 'x', not_after => []],      qr/not_after => 'ARRAY.*' is not a number/],
        'san no host'      => [[cn => 'x', san       => ['a b']], qr/san: "a b" is not a host name/],
        'san no address'   =>
            [[cn => 'x', san => ['IP:1.2.3']], qr/san: "IP:1.2.3" is not an IPv4 or IPv6 address/],
        'san empty'  => [[cn => 'x', san => ['']],    qr/san: "" is not a host name/],
        'san undef'  => [[cn => 'x', san => [undef]], qr/an alternative name must be a text, not undef/],
        'san a hash' => [[cn => 'x', san => {}], qr/an alternative name must be a text, not a reference/],
        'san with a NUL'   => [[cn => 'x', san  => ["a\0.example"]], qr/must not contain a NUL/],
        'unknown argument' => [[cn => 'x', bits => 1],               qr/create does not know bits/],
        'file a reference' => [[cn => 'x', file => []],              qr/must be a text, not a reference/],
    );
    refused(sub { Vouch::Identity->create(@{ $bad{$_}[0] }) }, $bad{$_}[1], $_) for sort keys %bad;
    refused(
        sub {
            Vouch::Identity->create(cn => 'x', san => [map { "host-$_.example" } 1 .. 10_000]);
        },
        qr/san: the names make the certificate larger than/,
        '10,000 names',
        'limit'
    );
};

subtest 'file modes' => sub {
    for my $mask (0, oct 22, oct 77) {
        my $before = umask $mask;
        my $stem   = sprintf '%s/mode-%04o', $dir, $mask;
        Vouch::Identity->create(cn => 'x', file => $stem);
        umask $before;
        is mode_of("$stem-key.pem"),  '0600', sprintf 'the key, under umask %04o',         $mask;
        is mode_of("$stem-cert.pem"), '0644', sprintf 'the certificate, under umask %04o', $mask;
    }
    my $stem = "$dir/mode-open";
    spew("$stem-key.pem", 'old');
    chmod oct 666, "$stem-key.pem" or die "$stem: $!";
    Vouch::Identity->create(cn => 'x', file => $stem, replace => 1);
    is mode_of("$stem-key.pem"), '0600', 'a key that replaces a file open to all';
};

subtest 'nothing is overwritten unasked' => sub {
    my $folder   = new_folder('keep');
    my $identity = Vouch::Identity->create(cn => 'x');
    for my $case ([cert => "$folder/a-cert.pem"], [key => "$folder/a-key.pem"]) {
        my ($which, $path) = @$case;
        spew($path, 'precious');
        refused(
            sub { Vouch::Identity->create(cn => 'x', file => "$folder/a") },
            qr/\A\Q$path\E: exists already and was not replaced/,
            "the $which is there", 'exists'
        );
        is slurp($path), 'precious', 'it is as it was';
        is_deeply listing($folder), ["a-$which.pem"], 'and nothing was added';
        unlink $path;
    }
    symlink "$folder/nowhere", "$folder/a-key.pem" or die "symlink: $!";
    refused(
        sub { Vouch::Identity->create(cn => 'x', file => "$folder/a") },
        qr/a-key[.]pem: exists already/,
        'a link to nowhere', 'exists'
    );
    is_deeply listing($folder), ['a-key.pem'], 'is not followed';
    unlink "$folder/a-key.pem";
    refused(
        sub { $identity->save(cert_file => "$folder/a", key_file => "$folder/a") },
        qr/certificate and key need a file each/,
        'one name for both'
    );
    refused(sub { $identity->save(cert_file => "$folder/a") }, qr/key_file is missing/,
        'no name for the key');
    refused(
        sub { $identity->save(cert_file => "$folder/a", key_file => "$folder/b\0") },
        qr/must not contain a NUL/,
        'a NUL in a name'
    );
    is_deeply listing($folder), [], 'and nothing was written';
};

subtest 'replacing is atomic' => sub {
    my $folder = new_folder('atomic');
    my $first  = Vouch::Identity->create(cn => 'first', file => "$folder/a");
    open my $old, '<', "$folder/a-key.pem" or die "$folder: $!";
    my $target = spew("$folder/target", 'behind a link');
    my $second = Vouch::Identity->create(cn => 'second', file => "$folder/a", replace => 1);
    is join('', <$old>),            $first->key_pem,   'who has the old key open reads all of it';
    is slurp("$folder/a-key.pem"),  $second->key_pem,  'the name has the new key';
    is slurp("$folder/a-cert.pem"), $second->cert_pem, 'and the new certificate';
    unlink "$folder/a-key.pem";
    symlink $target, "$folder/a-key.pem" or die "symlink: $!";
    Vouch::Identity->create(cn => 'third', file => "$folder/a", replace => 1);
    is slurp($target), 'behind a link', 'a link is replaced, not written through';
    ok !-l "$folder/a-key.pem", 'and is a file now';
    is_deeply listing($folder), [qw(a-cert.pem a-key.pem target)], 'no temporary file is left';
};

subtest 'failures while saving' => sub {
    my $folder = new_folder('fail');
    mkdir "$folder/a-key.pem" or die $!;
    refused(
        sub { Vouch::Identity->create(cn => 'x', file => "$folder/a", replace => 1) },
        qr/a-key[.]pem: cannot write: Is a directory/,
        'the key cannot be written', 'file'
    );
    is_deeply listing($folder), ['a-key.pem'], 'then there is no certificate either, nor a temporary file';
    mkdir "$folder/b-cert.pem" or die $!;
    refused(
        sub { Vouch::Identity->create(cn => 'x', file => "$folder/b", replace => 1) },
        qr/b-cert[.]pem: cannot write: .*; its new key was already written to .*b-key[.]pem/,
        'the certificate cannot be written',
        'file'
    );
    refused(
        sub { Vouch::Identity->create(cn => 'x', file => "$folder/none/c") },
        qr{none/c-key[.]pem: cannot write: No such file or directory},
        'no such folder', 'file'
    );
};

subtest 'renew' => sub {
    my $stem = "$dir/renew";
    my $old  = Vouch::Identity->create(cn => 'Alex', san => ['a.example'], days => 1, file => $stem);
    my $new  = $old->renew(days => 100);
    my ($was, $is) = map { $_->certificate } $old, $new;
    is spki_of($new),      spki_of($old),     'the key is the same';
    is $new->key_pem,      $old->key_pem,     'all of it';
    isnt $is->fingerprint, $was->fingerprint, 'the certificate is another';
    isnt $is->serial,      $was->serial,      'with a serial number of its own';
    is $is->subject,       $was->subject,     'the subject is the same';
    is_deeply [$is->alternative_names], [$was->alternative_names], 'and the alternative names';
    cmp_ok abs($is->not_after - time - 100 * 86_400), '<=', 5, 'new dates';
    ok $is->is_self_signed, 'signed with the key';
    is slurp("$stem-cert.pem"), $old->cert_pem, 'without a file nothing is written';
    refused(
        sub { $old->renew(file => $stem) },
        qr/exists already and was not replaced/,
        'not over the old', 'exists'
    );
    $new = $old->renew(file => $stem, replace => 1);
    is slurp("$stem-cert.pem"),                                    $new->cert_pem, 'over the old when told';
    is +Vouch::Identity->load(file => $stem)->certificate->serial, $new->certificate->serial, 'and loads';
    refused(sub { $old->renew(cn   => 'x') }, qr/renew does not know cn/, 'another name is another identity');
    refused(sub { $old->renew(days => -5) },  qr/not_after: is not later/, 'dates the wrong way');
    my $ca   = authority('renew-ca');
    my $leaf = issue('renew-leaf', by => $ca);
    my $ours = Vouch::Identity->load(cert_file => $leaf->{cert}, key_file => $leaf->{key});
    refused(
        sub { $ours->renew },
        qr/signed by another authority; only that one can renew it/,
        'of an authority'
    );
};

my $made = Vouch::Identity->create(cn => 'Alex', file => "$dir/load");
my ($cert, $key) = ("$dir/load-cert.pem", "$dir/load-key.pem");

# An openssl command's output as a file.
sub made_by {
    my ($name, @args) = @_;
    return spew("$dir/$name", openssl(\@args));
}

my %form = (
    cert_der  => made_by('cert.der',  qw(x509 -outform DER -in),                  $cert),
    key_der   => made_by('key.der',   qw(pkey -outform DER -in),                  $key),
    pkcs8_der => made_by('pkcs8.der', qw(pkcs8 -topk8 -nocrypt -outform DER -in), $key),
    key_old   => made_by('old.pem',   qw(ec -in),                                 $key),
    both      => spew("$dir/both.pem",      slurp($cert) . slurp($key)),
    key_first => spew("$dir/key-first.pem", slurp($key) . slurp($cert)),
    pkcs8     => made_by('sealed.pem', qw(pkcs8 -topk8 -v2 aes-256-cbc -passout pass:sesame -in), $key),
    pkcs8_bin =>
        made_by('sealed.der', qw(pkcs8 -topk8 -v2 aes-256-cbc -passout pass:sesame -outform DER -in), $key),
    old_sealed => made_by('old-sealed.pem', qw(ec -aes256 -passout pass:sesame -in),    $key),
    p12        => made_by('sealed.p12', qw(pkcs12 -export -passout pass:sesame -inkey), $key, '-in', $cert),
    p12_open   => made_by('open.p12',   qw(pkcs12 -export -passout pass: -inkey),       $key, '-in', $cert),
    p12_plain  => made_by(
        'plain.p12', qw(pkcs12 -export -keypbe NONE -certpbe NONE -nomac -passout pass: -inkey),
        $key, '-in', $cert
    ),
);

sub loads {
    my ($name, @arg) = @_;
    my $identity = eval { Vouch::Identity->load(@arg) };
    is $@, '', "$name: no error";
    is $identity && $identity->certificate->der, $made->certificate->der, "$name: the certificate";
    is $identity && $identity->key_pem,          $made->key_pem,          "$name: the key";
    return;
}

subtest 'load, not encrypted' => sub {
    loads('PEM',                      cert_file => $cert, key_file => $key);
    loads('stem',                     file      => "$dir/load");
    loads('DER',                      cert_file => $form{cert_der}, key_file => $form{key_der});
    loads('DER and PKCS#8',           cert_file => $form{cert_der}, key_file => $form{pkcs8_der});
    loads('the old PEM form',         cert_file => $cert,           key_file => $form{key_old});
    loads('one file',                 cert_file => $form{both});
    loads('one file, key first',      cert_file => $form{key_first});
    loads('one file, named twice',    cert_file => $form{both}, key_file => $form{both});
    loads('PKCS#12 without password', cert_file => $form{p12_plain});
    loads('PKCS#12, empty password',  cert_file => $form{p12_open});
    loads('the key from PKCS#12',     cert_file => $cert, key_file => $form{p12_open});
    loads('a password nobody needs',  cert_file => $cert, key_file => $key, password => 'sesame');
    my $asked = 0;
    loads('a callback nobody needs', cert_file => $cert, key_file => $key, password => sub { $asked++; 'x' });
    is $asked, 0, 'is not called';
};

my %sealed = (
    'PKCS#8 PEM'       => [cert_file => $cert, key_file => $form{pkcs8}],
    'PKCS#8 DER'       => [cert_file => $cert, key_file => $form{pkcs8_bin}],
    'the old PEM form' => [cert_file => $cert, key_file => $form{old_sealed}],
    'PKCS#12'          => [cert_file => $form{p12}],
);

for my $name (sort keys %sealed) {
    subtest "load encrypted $name" => sub {
        my @file = @{ $sealed{$name} };
        my $path = $file[-1];
        loads('right password', @file, password => 'sesame');
        my @asked;
        loads('callback', @file, password => sub { push @asked, [@_]; 'sesame' });
        is scalar @asked, 1, 'it is asked once';
        refused(
            sub { Vouch::Identity->load(@file, password => 'wrong') },
            qr/\A\Q$path\E: wrong password/,
            'wrong password', 'password'
        );
        refused(
            sub { Vouch::Identity->load(@file, password => '') },
            qr/\A\Q$path\E: wrong password/,
            'empty password', 'password'
        );
        my $none = qr/\A\Q$path\E: .*no password was given; set SSL_passwd_cb/;
        refused(sub { Vouch::Identity->load(@file) }, $none, 'no password', 'password');
        refused(
            sub {
                Vouch::Identity->load(@file, password => sub { return });
            },
            $none,
            'callback without an answer',
            'password'
        );
        is error_of(sub {
            Vouch::Identity->load(@file, password => sub { die "no way\n" });
            }),
            "no way\n",
            'a callback that dies: its text';
        my $object = bless {}, 'Some::Error';
        is error_of(sub {
            Vouch::Identity->load(@file, password => sub { die $object });
            }),
            $object,
            'a callback that dies: its object';
        is eval {
            Vouch::Identity->load(
                @file,
                password => sub {
                    eval { die 'inner' };
                    'sesame';
                }
            );
            'loaded';
        }, 'loaded', 'an exception that the callback handles itself';
    };
}

subtest 'passwords' => sub {
    my $long   = "x" x 1000;
    my $sealed = made_by("long.pem", qw(pkcs8 -topk8 -v2 aes-256-cbc -in), $key, "-passout", "pass:$long");
    loads("1000 bytes", cert_file => $cert, key_file => $sealed, password => $long);
    refused(
        sub { Vouch::Identity->load(cert_file => $cert, key_file => $sealed, password => "x" x 1024) },
        qr{wrong password},
        "1024 bytes are read", "password"
    );
    refused(
        sub { Vouch::Identity->load(cert_file => $cert, key_file => $sealed, password => "x" x 1025) },
        qr{a password has at most 1024 bytes},
        "1025 are not"
    );
    refused(
        sub {
            Vouch::Identity->load(cert_file => $cert, key_file => $sealed, password => sub { [] });
        },
        qr{the password callback returned a reference},
        "a callback that returns a list"
    );
    $sealed =
        made_by('utf8.pem', qw(pkcs8 -topk8 -v2 aes-256-cbc -passout), "pass:M\xc3\xbcller", '-in', $key);
    loads('UTF-8 bytes', cert_file => $cert, key_file => $sealed, password => "M\xc3\xbcller");
    refused(
        sub { Vouch::Identity->load(cert_file => $cert, key_file => $sealed, password => ['x']) },
        qr/the password must be a text or a code reference, not a reference to ARRAY/,
        'a list'
    );
};

subtest 'load: errors name the file and the reason' => sub {
    my $other = Vouch::Identity->create(cn => 'Other', file => "$dir/other");
    my $chain = spew("$dir/chain.pem", slurp("$dir/other-cert.pem") . slurp($cert));
    my $pem   = slurp($key);
    my %bad   = (
        'no cert_file' => [[],                              qr/\Acert_file is missing/,  'argument'],
        'unknown'      => [[cert_file => $cert, pass => 1], qr/load does not know pass/, 'argument'],
        'cert missing' => [
            [cert_file => "$dir/none", key_file => $key],
            qr{\A\Q$dir\E/none: cannot read: No such file},
            'file'
        ],
        'key missing' => [
            [cert_file => $cert, key_file => "$dir/none"],
            qr{\A\Q$dir\E/none: cannot read: No such file},
            'file'
        ],
        'stem missing' =>
            [[file => "$dir/none"], qr{\A\Q$dir\E/none-cert.pem: cannot read: No such file}, 'file'],
        'a folder' =>
            [[cert_file => $dir, key_file => $key], qr/\A\Q$dir\E: is not a regular file/, 'format'],
        'a device' =>
            [[cert_file => $cert, key_file => '/dev/zero'], qr{\A/dev/zero: is not a regular file}, 'format'],
        'NUL'       => [[cert_file => "$cert\0x", key_file => $key], qr/must not contain a NUL/, 'argument'],
        'reference' =>
            [[cert_file => $cert, key_file => []], qr/must be a text, not a reference/, 'argument'],
        'mismatch' => [
            [cert_file => $cert, key_file => "$dir/other-key.pem"],
            qr/\A\Q$dir\E\/other-key.pem does not match \Q$cert\E: the key belongs to another certificate/,
            'mismatch'
        ],
        'mismatch in one file' => [
            [cert_file => spew("$dir/mixed", slurp($cert) . $other->key_pem)],
            qr/mixed: the key in it does not match the certificate/,
            'mismatch'
        ],
        'wrong order' => [
            [cert_file => $chain, key_file => $key],
            qr/does not match the first certificate in \Q$chain\E but number 2; put that one first/,
            'mismatch'
        ],
        'swapped' => [
            [cert_file => $key, key_file => $cert],
            qr/\A\Q$key\E: .*holds a private key; the certificate belongs here/, 'format'
        ],
        'certificate for a key' => [
            [cert_file => $cert, key_file => $cert],
            qr/\A\Q$cert\E: no private key in it.*SSL_key_file/,
            'format'
        ],
        'no key in it' =>
            [[cert_file => $cert], qr/\A\Q$cert\E: no private key in it.*SSL_key_file/, 'format'],
        'empty key' => [
            [cert_file => $cert, key_file => spew("$dir/empty", '')],
            qr{\A\Q$dir\E/empty: is empty}, 'format'
        ],
        'garbage key' => [
            [cert_file => $cert, key_file => spew("$dir/garbage", "\xfe" x 99)],
            qr/garbage: not a private key \(neither PEM nor DER\)/,
            'format'
        ],
        'damaged key' => [
            [cert_file => $cert, key_file => spew("$dir/damaged", $pem =~ s/\n..../\nAAAA/r)],
            qr/damaged: the private key in it cannot be read/, 'format'
        ],
        'key cut off' => [
            [cert_file => $cert, key_file => spew("$dir/cut", substr $pem, 0, 100)],
            qr/cut: the private key in it cannot be read|cut: not a private key/,
            'format'
        ],
        'oversize key' => [
            [cert_file => $cert, key_file => spew("$dir/huge", 'x' x 1_048_577)],
            qr/huge: is larger than 1048576 bytes/, 'limit'
        ],
        'oversize cert' =>
            [[cert_file => "$dir/huge", key_file => $key], qr/huge: is larger than 1048576 bytes/, 'limit'],
    );
    refused(sub { Vouch::Identity->load(@{ $bad{$_}[0] }) }, @{ $bad{$_} }[1], $_, $bad{$_}[2])
        for sort keys %bad;
};

subtest 'load: every byte of a key damaged' => sub {
    my $der = slurp($form{key_der});
    my %count;
    for my $at (0 .. length($der) - 1) {
        my $copy = $der;
        vec($copy, 8 * $at + 3, 1) ^= 1;
        my $file  = spew("$dir/flip", $copy);
        my $error = error_of(sub { Vouch::Identity->load(cert_file => $cert, key_file => $file) });
        $count{ defined $error ? ref $error ? $error->code : $error : 'loaded' }++;
        $file  = spew("$dir/flip", substr $der, 0, $at);
        $error = error_of(sub { Vouch::Identity->load(cert_file => $cert, key_file => $file) });
        $count{ defined $error ? ref $error ? $error->code : $error : 'cut and loaded' }++;
    }
    delete @count{qw(format mismatch loaded)};
    is_deeply \%count, {}, 'an error with a reason, or the key was not touched';
};

subtest 'a chain' => sub {
    my $root     = authority('chain-root');
    my $inter    = authority('chain-inter', by => $root);
    my $leaf     = issue('chain-leaf', by => $inter);
    my $file     = spew("$dir/full-chain.pem", join '', map { slurp($_->{cert}) } $leaf, $inter, $root);
    my $identity = Vouch::Identity->load(cert_file => $file, key_file => $leaf->{key});
    is $identity->cert_pem,         slurp($file), 'is kept, in its order';
    is $identity->certificate->der, $leaf->{der}, 'the first is the own one';
    $identity->save(cert_file => "$dir/saved-cert.pem", key_file => "$dir/saved-key.pem");
    is slurp("$dir/saved-cert.pem"), slurp($file), 'and is saved';
    my $p12 = made_by('chain.p12', qw(pkcs12 -export -passout pass:x -inkey), $leaf->{key}, '-in', $file);
    $identity = Vouch::Identity->load(cert_file => $p12, password => 'x');
    is $identity->certificate->der,                              $leaf->{der}, 'PKCS#12: the own one';
    is scalar(() = $identity->cert_pem =~ /BEGIN CERTIFICATE/g), 3,            'and all of the chain';
};

done_testing;
