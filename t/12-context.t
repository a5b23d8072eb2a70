use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use POSIX            ();
use VouchTest        qw(expect_warnings identity slurp spew temp_dir);
use VouchTest::Forge qw(authority issue openssl revocation_list);
use VouchTest::Pair  ();
use Vouch::Context;
use Vouch::Key;
use Vouch::Socket;

# Vouch::Context: every argument with right and wrong values; reload; sharing.

my $dir = temp_dir();
my ($cert, $key)             = identity('server', cn => 'localhost');
my ($other_cert, $other_key) = identity('other', cn => 'other');
my @server = (SSL_server => 1, SSL_cert_file => $cert, SSL_key_file => $key);

my $ca   = authority('ca');
my $leaf = issue('leaf', by => $ca);
my $crl  = revocation_list('crl', $ca, $leaf);

my $garbage  = spew("$dir/garbage", "\xfe" x 100);
my $empty    = spew("$dir/empty",   '');
my $missing  = "$dir/missing";
my $identity = Vouch::Identity->load(cert_file => $cert, key_file => $key);
my $private  = Vouch::Key->from_file($key);
my $dh       = "$dir/dh.pem";
openssl([qw(genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out), $dh]);
my $pin = $identity->certificate->fingerprint;

sub error_of {
    my ($code) = @_;
    return eval { $code->(); 1 } ? undef : $@;
}

sub refused {
    my ($arg, $text, $name) = @_;
    my $error = error_of(sub { Vouch::Context->new(@$arg) });
    isa_ok $error, 'Vouch::Error', $name or return;
    # Where the reason does not name the argument, its name stands before it.
    my $message = $error->message;
    like $message =~ $text ? $message : $message =~ s/\ASSL_\w+: //r, $text, "$name: the reason";
    like $message,          qr/\bSSL_/, "$name: the argument" if grep { defined && /\ASSL_/ } @$arg;
    unlike $error->message, qr/\n/,     "$name: in one line";
    is $error->file, __FILE__, "$name: where the program asked";
    return;
}

my $not_text = qr/must be a text, not (?:undef|a reference)/;
my $nul      = qr/must not contain a NUL/;

# Of each argument: what is taken, what is not and why; further arguments.
my %argument = (
    SSL_verify_mode => {
        right => [0, 1, 3, 5, 7, '1', SSL_VERIFY_PEER, VOUCH_VERIFY_ANY, undef],
        wrong => [
            [-1,  qr/verify mode -1 is not a set of NONE 0, PEER 1/], [8, qr/verify mode 8 is not a set/],
            [256, qr/verify mode 256 is not a set/],
            map { [$_, qr/\ASSL_verify_mode must be a number/] }
                'SSL_VERIFY_PEER', '', 'x', 1.5, '1e0', 2**32, 2**32 + 1, '1 ', "1\n", 'nan', [], \1,
            sub { 1 },
        ],
    },
    SSL_verify_callback => {
        right => [sub { 1 }, \&error_of, undef],
        wrong => [
            map { [$_, qr/\ASSL_verify_callback must be a code reference, not '/] } 1,
            'main::error_of', '', [], {}, \1
        ],
    },
    SSL_verify_depth => {
        right => [0, 1, 1000, undef],
        wrong => [
            [1001, qr/verify depth 1001 is not in 0 to 1000/],
            map { [$_, qr/\ASSL_verify_depth must be a whole number/] } -1,
            'x', '', 1.5, 2**40, [],
        ],
    },
    SSL_ca_file => {
        right => [$ca->{cert}, [$ca->{cert}, $cert], \undef, [\undef], [], '', undef],
        wrong => [
            [$missing,                qr/\A\Q$missing\E: cannot read: No such file/],
            [[$ca->{cert}, $missing], qr/\A\Q$missing\E: cannot read/],
            [$dir,                    qr/\A\Q$dir\E: is not a regular file/],
            [$garbage,                qr/\A\Q$garbage\E: holds no PEM certificate/],
            [$empty,                  qr/\A\Q$empty\E: holds no PEM certificate/],
            [$crl,                    qr/\A\Q$crl\E: holds no PEM certificate/],
            [$leaf->{key},            qr/holds no PEM certificate/],
            ["$cert\0",               $nul],
            [{},                      $not_text],
            [[undef],                 $not_text],
            ['/dev/zero',             qr{\A/dev/zero: is not a regular file}],
        ],
    },
    SSL_ca_path => {
        right => [$dir, "$dir:/tmp", [$dir], "$dir:$missing", [$missing, $dir], \undef, '', undef],
        wrong => [
            [$missing,          qr/\ASSL_ca_path: '\Q$missing\E' is not a folder/],
            [$cert,             qr/'\Q$cert\E' is not a folder/],
            ["$missing:$cert",  qr/'\Q$missing\E' is not a folder/],
            [[$missing, $cert], qr/'\Q$missing\E' is not a folder/],
            ["$dir\0x",         qr/is not a folder|$nul/],
            [[undef],           $not_text],
            [[{}],              $not_text],
        ],
    },
    SSL_ca => {
        right => [
            [], $identity->certificate,
            [$identity->certificate],
            0 + $identity->certificate,
            [(0 + $identity->certificate) x 2],
            '', undef
        ],
        wrong => [
            map { [$_, qr/\ASSL_ca must be the address of an OpenSSL object or a Vouch::Certificate, not '/] }
                'x',
            1, -1,
            {},
            [undef],
            ['x'],
            $private,
            bless({}, 'Other'),
            $identity,
            sub { 1 },
            \1
        ],
    },
    SSL_client_ca => {
        right => [[], $identity->certificate, [$identity->certificate], undef],
        wrong => [
            map { [$_, qr/\ASSL_client_ca must be the address of .* a Vouch::Certificate, not '/] } 'x',
            '', {}, [undef], $private
        ],
    },
    SSL_ca_pem => {
        right => [slurp($ca->{cert}), slurp($ca->{cert}) . slurp($cert), undef],
        wrong => [
            (map { [$_, qr/\Ano PEM certificate to trust/] } '', 'x', slurp($crl), slurp($key)),
            [[],         $not_text],
            [\'x',       $not_text],
            ["\x{263a}", qr/SSL_ca_pem must be bytes; it has wide characters/],
        ],
    },
    SSL_client_ca_file => {
        right => [$ca->{cert}, undef],
        wrong => [
            [$missing,    qr/\A\Q$missing\E: cannot read: No such file/],
            [$garbage,    qr/\A\Q$garbage\E: holds no PEM certificate/],
            [$dir,        qr/\A\Q$dir\E: is not a regular file/],
            ['/dev/zero', qr/is not a regular file/],
            [[],          $not_text],
            ["$cert\0",   $nul],
        ],
    },
    SSL_version => {
        right => [
            'TLSv1_2',                              'TLSv12',
            'TLSv1_3',                              'TLSv13',
            'SSLv23',                               'TLS',
            'SSLv23:!TLSv1:!TLSv1_1',               'tlsv1_2',
            'sslv23:!sslv3:!tlsv11:!tlsv1',         'SSLv23:!SSLv3:!SSLv2',
            'SSLv23:!TLSv1:!TLSv1_1:!SSLv3:!SSLv2', 'TLSv1_2:TLSv1_3',
            '!TLSv1:!TLSv1_1',                      'SSLv2/3',
            undef
        ],
        wrong => [
            (
                map { [$_, qr/\ASSL_version: 'SSLv[23]' is not one of TLSv1, TLSv1_1, TLSv1_2, TLSv1_3/] }
                    'SSLv3',
                'SSLv2'
            ),
            (map { [$_, qr/\ASSL_version '.*' is not understood/] } [], \1, 'TLS v1', 'TLSv1_2,TLSv1_3', '!'),
            (map { [$_, qr/\ASSL_version: '\w+' is not one of/] } 'TLSv1_4', '1.2' =~ s/[.]//r, '!TLSv9'),
            (
                map { [$_, qr/does not leave one range of versions/] } '',
                'SSLv23:!TLSv1_1', 'TLSv1_3:TLSv1_1', 'SSLv23:!TLSv1:!TLSv1_1:!TLSv1_2:!TLSv1_3'
            ),
        ],
    },
    SSL_cipher_list => {
        right => ['DEFAULT', 'ECDHE-RSA-AES128-GCM-SHA256', 'HIGH:!aNULL', { '' => 'HIGH' }, undef],
        wrong => [
            ['nosuch',                     qr/\Acipher list "nosuch" selects none/],
            ['',                           qr/cipher list ""/],
            [['DEFAULT'],                  $not_text],
            ["DEFAULT\0",                  $nul],
            [{ '' => 'nosuch' },           qr/\Acipher list "nosuch" selects none/],
            [{ '' => undef },              $not_text],
            [{ 'a.example' => 'DEFAULT' }, qr/ciphers by server name are a server's; a client has one list/],
        ],
    },
    SSL_ciphersuites => {
        right => ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256', undef],
        wrong => [
            ['nosuch',                           qr/\Acipher suites "nosuch"/],
            [[],                                 $not_text],
            ["TLS_AES_128_GCM_SHA256\0",         $nul],
            [{ '' => 'TLS_AES_128_GCM_SHA256' }, qr/\ASSL_ciphersuites: one list serves all server names/],
        ],
    },
    SSL_ecdh_curve => {
        right => ['P-256', 'X25519:P-256', 'P-521:P-384', 'prime256v1', 415, 'auto', undef],
        wrong => [
            (
                map { [$_, qr/\Agroups "\Q$_\E" \(try "X25519:P-256"\)/] } 'nosuch',
                '', 0, 13, 99_999_999, '9' x 30, '415x'
            ),
            [[],        $not_text],
            ["P-256\0", $nul]
        ],
    },
    SSL_dh_file => {
        more  => [@server],
        right => [$dh, undef],
        wrong => [
            [$missing,     qr/\A\Q$missing\E: cannot read: No such file/],
            [$dir,         qr/\A\Q$dir\E: is not a regular file/],
            ['/dev/zero',  qr/is not a regular file/],
            ["$dir/large", qr/large: is larger than 65536 bytes/],
            (
                map { [$_, qr/\A\Q$_\E: holds no DH parameters \(make them with: openssl dhparam/] } $garbage,
                $empty, $cert, $key, $crl
            ),
            [[$dh],   $not_text],
            ["$dh\0", $nul],
        ],
    },
    SSL_dh => {
        right => [undef],
        wrong => [
            map { [$_, qr/\ASSL_dh must be the address of an OpenSSL object, not '/] } 'x',
            '', 0, 1, [], $private
        ],
    },
    SSL_mode_release_buffers => { right => [0, 1, '', undef] },
    SSL_honor_cipher_order   => { right => [0, 1, '', 'yes', undef] },
    SSL_session_tickets      => { right => [0, 1, '', 'yes', undef] },
    SSL_alpn_protocols       => {
        right => [['h2', 'http/1.1'], 'h2', [], ['x' x 255], [map { "p$_" } 1 .. 100], undef],
        wrong => [
            (
                map { [$_, qr/\Aan application protocol has 1 to 255 bytes/] } '',
                [''],
                ['x' x 256],
                ['h2', '']
            ),
            [{},                $not_text],
            [[undef],           $not_text],
            [[[]],              $not_text],
            [["h2\0"],          $nul],
            [[('x' x 255) x 5], qr/application protocols of more than 1024 bytes/],
        ],
    },
    SSL_session_id_context => {
        right => ['x', 'x' x 32, "\0", undef],
        wrong => [
            ['',         qr/a session id context has 1 to 32 bytes/],
            ['x' x 33,   qr/1 to 32 bytes/],
            [[],         $not_text],
            ["\x{263a}", qr/must be bytes; it has wide characters/]
        ],
    },
    SSL_use_cert => { right => [0, 1, undef] },
    SSL_identity => {
        right => [$identity, { '' => $identity, 'a.example' => $identity }, undef],
        wrong => [
            map { [$_, qr/\ASSL_identity must be a Vouch::Identity, not /] } 'x',
            [],
            bless({}, 'Other'),
            { '' => undef },
            $identity->certificate
        ],
    },
    SSL_cert_file => {
        more  => [SSL_key_file => $key],
        right => [
            $cert,
            { '' => $cert },
            { '' => $cert, 'a.example' => $cert, '*.b.example' => $cert, 'c.example%ec' => $cert }
        ],
        wrong => [
            [$missing,                            qr/\A\Q$missing\E: cannot read: No such file/],
            [$garbage,                            qr/\A\Q$garbage\E: not a certificate/],
            [$dir,                                qr/\A\Q$dir\E: is not a regular file/],
            [$other_cert,                         qr/\A\Q$key\E does not match \Q$other_cert\E/],
            [spew("$dir/large", 'x' x 1_048_577), qr/large: is larger than 1048576 bytes/],
            [[$cert],                             $not_text],
            [{ '' => undef },                     $not_text],
            ["$cert\0",                           $nul],
            ['', qr/\ASSL_key_file needs its certificate: give SSL_cert_file too/],
            [
                { 'a*.example' => $cert },
                qr/"a\*[.]example" is not a server name; use "host[.]example" or "\*[.]host[.]example"/
            ],
            [{ "a\0b"    => $cert }, $nul],
            [{ 'x' x 300 => $cert }, qr/is not a server name/],
        ],
    },
    SSL_key_file => {
        more  => [SSL_cert_file => $cert],
        right => [$key, { '' => $key }],
        wrong => [
            [$missing,     qr/\A\Q$missing\E: cannot read: No such file/],
            [$garbage,     qr/\A\Q$garbage\E: not a private key/],
            [$dir,         qr/\A\Q$dir\E: is not a regular file/],
            [$other_key,   qr/\A\Q$other_key\E does not match \Q$cert\E/],
            ["$dir/large", qr/large: is larger than 1048576 bytes/],
            [[$key],       $not_text],
            ["$key\0",     $nul],
            [undef,        qr/\A\Q$cert\E: no private key in it.*SSL_key_file/],
        ],
    },
    SSL_passwd_cb => {
        more  => [@server],
        right => [sub { 'x' },                                                           'x', undef],
        wrong => [map { [$_, qr/SSL_passwd_cb must be a code reference or a text/] } [], {},  \'x'],
    },
    SSL_cert => {
        more  => [SSL_key => $private],
        right => [$identity->certificate, [$identity->certificate], { '' => 0 + $identity->certificate }],
        wrong => [
            [undef, qr/\ASSL_key needs its certificate: give SSL_cert_file too/],
            ['',    qr/\ASSL_key needs its certificate/],
            map { [$_, qr/\ASSL_cert must be the address of .* or a Vouch::Certificate, not '/] } 'x',
            0, -1, 1, 1.5, { '' => {} }, [undef], [], $private, bless({}, 'Other'), sub { 1 }
        ],
    },
    SSL_key => {
        more  => [SSL_cert => 0 + $identity->certificate],
        right => [$private, 0 + $private, { '' => $private }],
        wrong => [
            [Vouch::Key->create, qr/key.*match|match.*key/i],
            map { [$_, qr/\ASSL_key must be the address of an OpenSSL object or a Vouch::Key, not '/] } 'x',
            '', 0, -1, undef, [], [$private], $identity->certificate
        ],
    },
    SSL_fingerprint => {
        right => [$pin, [$pin, uc $pin =~ s/.*\$//r], [], '', undef],
        wrong => [
            (
                map { [$_, qr/" is not a fingerprint; write sha256\$HEX/] } 'x',
                [''], 'sha256$', 'sha256$zz', substr($pin, 0, -1), ['x']
            ),
            ['sha1$' . 'ab' x 32, qr/has 32 bytes; sha1 has 20/],
            [{},                  $not_text],
            [[undef],             $not_text],
            ["$pin\0",            $nul],
        ],
    },
    SSL_force_fingerprint => {
        right => [0, undef],
        wrong => [[1, qr/\ASSL_force_fingerprint needs SSL_fingerprint/]],
    },
    SSL_crl_file => {
        more  => [SSL_ca_file => $ca->{cert}],
        right => [$crl, undef],
        wrong => [
            [$missing, qr/\A\Q$missing\E: cannot read: No such file/],
            [$garbage, qr/\A\Q$garbage\E: holds no PEM revocation list/],
            [$cert,    qr/\A\Q$cert\E: holds no PEM revocation list \(X509 CRL\)/],
            [[$crl],   $not_text],
            ["$crl\0", $nul],
        ],
    },
    SSL_check_crl           => { more => [SSL_ca_file => $ca->{cert}], right => [0, 1, undef] },
    SSL_create_ctx_callback => {
        right => [sub { }, undef],
        wrong => [map { [$_, qr/\ASSL_create_ctx_callback must be a code reference, not '/] } 'x', 0, [], {}],
    },
);

sub shown {
    my ($value) = @_;
    return
         !defined $value ? 'undef'
        : ref $value     ? 'a reference'
        :                  '"' . (substr $value, 0, 60) =~ s/[^ -~]/?/gr . '"';
}

for my $name (sort keys %argument) {
    subtest $name => sub {
        my $case = $argument{$name};
        my @more = @{ $case->{more} // [] };
        for my $value (@{ $case->{right} // [] }) {
            my $context = eval { Vouch::Context->new(@more, $name => $value) };
            isa_ok $context, 'Vouch::Context', 'with ' . shown($value) or diag $@;
        }
        refused([@more, $name => $_->[0]], $_->[1], 'with ' . shown($_->[0])) for @{ $case->{wrong} // [] };
    };
}

subtest 'arguments that nobody knows' => sub {
    my %near = (
        SSL_certfile        => 'SSL_cert_file',
        ssl_verify_mode     => 'SSL_verify_mode',
        SSLKeyFile          => 'SSL_key_file',
        'SSL-ca-path'       => 'SSL_ca_path',
        SSL_Verify_CallBack => 'SSL_verify_callback',
    );
    for my $name (sort keys %near) {
        refused([$name => 1],
            qr/\AVouch does not know the argument \Q$name\E \(did you mean $near{$name}\?\)\z/, $name);
    }
    refused([SSL_whatever => 1], qr/\AVouch does not know the argument SSL_whatever\z/, 'without a likeness');
    refused([SSL_b        => undef, SSL_a => 1], qr/argument SSL_a, SSL_b\z/, 'two of them, one undef');
    my $error =
        error_of(sub { Vouch::Socket->new(PeerHost => '127.0.0.1', PeerPort => 1, SSL_verifymode => 0) });
    like $error, qr/SSL_verifymode \(did you mean SSL_verify_mode\?\)/,
        'given to a socket: told before it connects';
    is $error->file, __FILE__, 'and where';
};

subtest 'arguments of IO::Socket::SSL that are left out' => sub {
    my %value = (
        SSL_npn_protocols    => ['h2'],
        SSL_psk              => 'x',
        SSL_ticket_keycb     => sub { 1 },
        SSL_usebio           => 1,
        SSL_on_peer_shutdown => sub { 1 },
        SSL_ocsp_cache       => {},
    );
    for my $name (sort keys %value) {
        refused([$name => $value{$name}], qr/\A$name: \w.* \w/, $name);
        ok(Vouch::Context->new($name => $_), "$name, off: " . shown($_)) for undef, 0, '';
    }
    refused(
        [@server, SSL_key_file => { '' => $key, 'x.example' => $key }],
        qr/\ASSL_key_file for x[.]example needs its certificate/,
        'a key for a name without a certificate'
    );
};

subtest 'what cannot be enforced' => sub {
    my $needs = qr/a callback or pins that decide alone need the mode PEER/;
    refused([SSL_verify_mode => VOUCH_VERIFY_ANY, SSL_verify_callback => sub { 0 }],
        $needs, 'a callback and the mode ANY');
    refused([SSL_verify_mode => VOUCH_VERIFY_ANY, SSL_fingerprint => $pin, SSL_force_fingerprint => 1],
        $needs, 'pins that decide alone and the mode ANY');
    refused(
        [SSL_verify_mode => 0, SSL_fingerprint => $pin, SSL_force_fingerprint => 1],
        qr/pins decide only with the verify mode PEER/,
        'pins that decide alone and the mode NONE'
    );
    refused(
        [SSL_verify_mode => 0, SSL_crl_file => $crl],
        qr/revocation is checked only with the verify mode PEER/,
        'revocation and the mode NONE'
    );
    refused(
        [@server, SSL_check_crl => 1],
        qr/revocation is checked only with the verify mode PEER/,
        'revocation on a server that asks for no certificate'
    );
    refused(
        [SSL_server => 1],
        qr/a server needs a certificate: give SSL_cert_file and SSL_key_file.*vouch cert/,
        'a server without a certificate'
    );
};

subtest 'a file that may not be read' => sub {
    my $secret = spew("$dir/secret", slurp($key));
    chmod 0,       $secret or die $!;
    chmod oct 755, $dir    or die $!;
    pipe my $read, my $write or die $!;
    my $pid = fork // die $!;
    if ($pid == 0) {
        POSIX::setuid(65_534) if $> == 0;
        my $error = error_of(sub { Vouch::Context->new(SSL_cert_file => $cert, SSL_key_file => $secret) });
        syswrite $write, $error ? $error->code . ': ' . $error->message : 'it was read';
        POSIX::_exit(0);
    }
    close $write;
    my $told = do { local $/; <$read> };
    waitpid $pid, 0;
    is $told, "file: SSL_key_file: $secret: cannot read: Permission denied", 'is named, with the reason';
};

subtest 'SSL_create_ctx_callback' => sub {
    my @got;
    my $context = Vouch::Context->new(SSL_create_ctx_callback => sub { push @got, @_ });
    is_deeply \@got, [$context->ssl_ctx], 'gets the address of the SSL_CTX';
    cmp_ok $got[0], '>', 4096, 'which is one';
    is error_of(sub {
        Vouch::Context->new(SSL_create_ctx_callback => sub { die "no\n" });
        }),
        "no\n",
        'what it dies with reaches the program';
};

subtest 'a server certificate out of its dates' => sub {
    my @old  = identity('old',  cn => 'old.example', not_before => 1_000_000_000, not_after => 1_000_000_001);
    my @soon = identity('soon', cn => 'soon.example', not_before => time + 1000,  not_after => time + 2000);
    my ($warnings, $context) = expect_warnings(sub {
        Vouch::Context->new(SSL_server => 1, SSL_cert_file => $old[0], SSL_key_file => $old[1]);
    });
    isa_ok $context, 'Vouch::Context', 'an expired one is used';
    is scalar @$warnings, 1, 'with one warning';
    like $warnings->[0],
        qr/certificate for old[.]example expired on 2001-09-09T01:46:41Z; .*vouch cert --renew/,
        'which tells when, and what to do';
    like $warnings->[0], qr/ at \Q${\__FILE__}\E line [0-9]+[.]?$/m, 'and where';
    ($warnings) = expect_warnings(sub {
        Vouch::Socket->new(
            LocalAddr     => '127.0.0.1',
            Listen        => 1,
            SSL_cert_file => $soon[0],
            SSL_key_file  => $soon[1]
        );
    });
    like $warnings->[0], qr/certificate for soon[.]example is valid only from 20/, 'one from the future';
    like $warnings->[0], qr/ at \Q${\__FILE__}\E line [0-9]+[.]?$/m,               'given to a socket: where';
    ($warnings) =
        expect_warnings(sub { Vouch::Context->new(SSL_cert_file => $old[0], SSL_key_file => $old[1]) });
    is_deeply $warnings, [], 'a client is not warned';
};

# The fingerprint that a client of the listener or context sees.
sub seen {
    my ($context) = @_;
    my $pair = VouchTest::Pair->new(
        server => { SSL_reuse_ctx   => $context },
        client => { SSL_verify_mode => SSL_VERIFY_NONE },
    );
    return $pair->{client} ? $pair->{client}->get_fingerprint : "none: $pair->{client_error}";
}

subtest 'reload' => sub {
    my ($a, $b) = identity('reload', cn => 'first');
    my $context = Vouch::Context->new(
        SSL_server      => 1,
        SSL_cert_file   => $a,
        SSL_key_file    => $b,
        SSL_verify_mode => SSL_VERIFY_PEER,
        SSL_fingerprint => [$pin]
    );
    my $first = Vouch::Certificate->from_file($a)->fingerprint;
    is seen($context), $first, 'the certificate';
    is_deeply [$context->changed_files], [], 'no file has changed';
    my $pair = VouchTest::Pair->new(
        server => { SSL_reuse_ctx   => $context },
        client => { SSL_verify_mode => SSL_VERIFY_NONE }
    );
    identity('reload', cn => 'second');
    my $second = Vouch::Certificate->from_file($a)->fingerprint;
    is_deeply [$context->changed_files], [$a, $b], 'both files have changed';
    is seen($context), $first, 'without a reload it stays as it was';
    $context->add_pin('ab' x 32);
    is $context->reload, $context, 'reload returns the context';
    is seen($context),   $second,  'new connections get the new certificate';
    is_deeply [$context->changed_files], [], 'and nothing has changed since';
    my ($client, $server) = $pair->both;
    print {$client} "still here\n";
    is scalar <$server>, "still here\n", 'a connection made before goes on';
    is_deeply [sort $context->pins], [sort $pin, 'sha256$' . 'ab' x 32],
        'the pins are kept, with the one that was added';
    $pair =
        VouchTest::Pair->new(listener => $pair->{listener}, client => { SSL_verify_mode => SSL_VERIFY_NONE });
    is $pair->{client}->get_fingerprint, $second, 'a listener made before uses the new one';
};

subtest 'a reload that fails' => sub {
    my ($a, $b) = identity('broken', cn => 'first');
    my $context = Vouch::Context->new(SSL_server => 1, SSL_cert_file => $a, SSL_key_file => $b);
    my $first   = Vouch::Certificate->from_file($a)->fingerprint;
    my %break   = (
        'garbage'     => [sub { spew($b, 'garbage') }, qr/\ASSL_key_file: \Q$b\E: not a private key/],
        'another key' =>
            [sub { spew($b, slurp($other_key)) }, qr/\ASSL_key_file: \Q$b\E does not match \Q$a\E/],
        'no file' => [sub { unlink $a }, qr/\ASSL_cert_file: \Q$a\E: cannot read/],
    );
    for my $kind ('garbage', 'another key', 'no file') {
        $break{$kind}[0]->();
        my $error = error_of(sub { $context->reload });
        isa_ok $error, 'Vouch::Error', $kind;
        like $error->message, $break{$kind}[1], "$kind: the reason";
        is $error->file,   __FILE__, "$kind: where";
        is seen($context), $first,   "$kind: what was loaded goes on";
        cmp_ok scalar(my @changed = $context->changed_files), '>', 0,
            "$kind: the files still count as changed";
    }
    identity('broken', cn => 'mended');
    $context->reload;
    is seen($context), Vouch::Certificate->from_file($a)->fingerprint, 'once mended it works';
};

subtest 'changed_files' => sub {
    my $list = spew("$dir/authorities", slurp($ca->{cert}));
    my $context =
        Vouch::Context->new(SSL_ca_file => [$list, $cert], SSL_crl_file => $crl, SSL_fingerprint => []);
    is_deeply [$context->changed_files], [], 'none at first';
    unlink $list or die $!;
    is_deeply [$context->changed_files], [$list], 'one that is gone';
    spew($list, slurp($ca->{cert}) . slurp($cert));
    is_deeply [$context->changed_files], [$list], 'one of another size';
    $context->reload;
    utime 1, 1, $crl or die $!;
    is_deeply [$context->changed_files], [$crl], 'one of another time';
};

subtest 'shared' => sub {
    my $server = Vouch::Context->new(@server);
    my $client = Vouch::Context->new(SSL_verify_mode => SSL_VERIFY_NONE);
    my @pairs  = map {
        VouchTest::Pair->new(server => { SSL_reuse_ctx => $server }, client => { SSL_reuse_ctx => $client })
    } 1 .. 5;
    for my $number (0 .. 4) {
        my ($here, $there) = $pairs[$number]->both;
        print {$here} "to $number\n";
        is scalar <$there>, "to $number\n", "socket $number of five";
        is $here->context,  $client,        "socket $number has the client's context";
        is $there->context, $server,        "socket $number has the server's";
    }
    my $pair = VouchTest::Pair->new(
        server => { SSL_reuse_ctx => $pairs[0]{server} },
        client => { SSL_reuse_ctx => $pairs[1]{client} }
    );
    ok $pair->{client},     'a context taken from another socket';
    ok $server->is_server,  'one is for servers';
    ok !$client->is_server, 'the other is not';
};

subtest 'shared: wrong use' => sub {
    my $server = Vouch::Context->new(@server);
    my $client = Vouch::Context->new;
    my $wants  = qr/SSL_reuse_ctx must be a Vouch::Context or a TLS socket/;
    my @listen = (LocalAddr => '127.0.0.1', Listen => 1);
    my $port   = VouchTest::Pair::listener(SSL_reuse_ctx => $server);
    my @peer   = (PeerHost => '127.0.0.1', PeerPort => $port->sockport);
    my %bad    = (
        'a text'               => [[@listen, SSL_reuse_ctx => 'x'],                          $wants],
        'a hash'               => [[@listen, SSL_reuse_ctx => {}],                           $wants],
        'an object'            => [[@listen, SSL_reuse_ctx => bless {}, 'Other'],            $wants],
        'a socket without TLS' => [[@listen, SSL_reuse_ctx => IO::Socket::IP->new(@listen)], $wants],
        'a context for clients on a listener' =>
            [[@listen, SSL_reuse_ctx => $client], qr/SSL_reuse_ctx: this context is for clients/],
        'a context for servers on a client' =>
            [[@peer, SSL_reuse_ctx => $server], qr/SSL_reuse_ctx: this context is for servers/],
    );
    for my $name (sort keys %bad) {
        my $error = error_of(sub { Vouch::Socket->new(@{ $bad{$name}[0] }) });
        isa_ok $error, 'Vouch::Error', $name or next;
        like $error->message, $bad{$name}[1], "$name: the reason";
    }
};

done_testing;
