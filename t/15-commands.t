use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest         qw(identity run_command slurp spew temp_dir);
use VouchTest::Forge  qw(authority issue openssl);
use VouchTest::Server ();
use Vouch::Identity;

# The program "vouch": what it prints, writes, and exits with: 0 done, 1 it
# could not be done, 2 it was called wrongly.

my $dir  = temp_dir();
my @perl = ($^X, map({ "-I$_" } @INC), 'script/vouch');

sub vouch { return run_command([@perl, @_]) }

sub mode_of { return sprintf '%04o', (stat $_[0])[2] & oct 7777 }

# Called rightly, but it cannot be done: 1, one line.
sub fails {
    my ($name,   $text, @args) = @_;
    my ($status, $out,  $err)  = vouch(@args);
    is $status, 1,  "$name: exit status 1";
    is $out,    '', "$name: nothing on standard output";
    like $err,   qr/\Avouch $args[0]: [^\n]+\n\z/, "$name: one line";
    like $err,   $text,                            "$name: the reason";
    unlike $err, qr/ at \S+ line [0-9]+/,          "$name: without places in our code";
    return;
}

# Called wrongly: 2, the fault and the usage.
sub wrong {
    my ($name,   $text, @args) = @_;
    my ($status, $out,  $err)  = vouch(@args);
    is $status, 2,  "$name: exit status 2";
    is $out,    '', "$name: nothing on standard output";
    like $err, qr/\Avouch $args[0]: $text\n/,                    "$name: what is wrong";
    like $err, qr/^vouch $args[0] --?\S|^vouch fingerprint \[/m, "$name: how to call it";
    return;
}

# Every spelling of one digest of one certificate file, from openssl alone.
sub fingerprints {
    my ($file, $digest) = @_;
    my $der = openssl([qw(x509 -outform DER -in), $file]);
    my $spki =
        openssl([qw(pkey -pubin -outform DER)], stdin => openssl([qw(x509 -noout -pubkey -in), $file]));
    my @lines;
    for my $of (['certificate', '', $der], ['public key (SPKI)', 'spki$', $spki]) {
        my ($title, $mark, $data) = @$of;
        my $hex    = unpack 'H*', openssl(['dgst', "-$digest", '-binary'], stdin => $data);
        my $base64 = openssl([qw(base64 -A)], stdin => pack 'H*', $hex);
        push @lines, "$title, $digest", map { "  $_" } "$digest\$$mark$hex", uc($digest) . ":$hex",
            uc("$digest:$hex"),
            $hex, join(':', uc($hex) =~ /../g), $base64 =~ tr{+/=}{-_}dr;
    }
    return join '', map { "$_\n" } @lines;
}

subtest 'vouch' => sub {
    my ($status, $out, $err) = vouch();
    is $status, 2, 'without a command: exit status 2';
    like $err, qr/\Avouch COMMAND/, 'and the list on standard error';
    for my $help (qw(help --help -h)) {
        ($status, $out, $err) = vouch($help);
        is $status, 0, "$help: exit status 0";
        like $out, qr/^  cert .*^  fingerprint /ms, "$help: the list on standard output";
        is $err, '', "$help: nothing else";
    }
    for my $version (qw(version --version -V)) {
        is_deeply [vouch($version)], [0, 'vouch ' . Vouch->VERSION . "\n", ''], $version;
    }
    ($status, $out, $err) = vouch('nosuch');
    is $status, 2, 'an unknown command: exit status 2';
    like $err, qr/\Avouch: there is no command "nosuch"\nvouch COMMAND/, 'is named';
};

subtest 'vouch cert' => sub {
    my $stem = "$dir/client";
    my ($status, $out, $err) = vouch(qw(cert --cn Alex --out), $stem);
    is $status, 0,  'exit status 0';
    is $err,    '', 'nothing on standard error';
    is $out, "wrote $stem-cert.pem and $stem-key.pem\n" . fingerprints("$stem-cert.pem", 'sha256'),
        'the files and the fingerprints';
    is mode_of("$stem-key.pem"), '0600', 'nobody else reads the key';
    my $made = Vouch::Identity->load(file => $stem)->certificate;
    is $made->subject,   '/CN=Alex',   'the name';
    is $made->key_curve, 'prime256v1', 'the key';
    cmp_ok abs($made->not_after - time - 1825 * 86_400), '<', 60, 'five years';
    fails(
        'again',
        qr/\Avouch cert: \Q$stem\E-key[.]pem: exists already and was not replaced$/,
        qw(cert --cn Alex --out), $stem
    );
    is +Vouch::Identity->load(file => $stem)->certificate->der, $made->der, 'the first is still there';
    ($status) = vouch(qw(cert --cn Berta --force --out), $stem);
    is $status,                                                     0,           '--force replaces';
    is +Vouch::Identity->load(file => $stem)->certificate->subject, '/CN=Berta', 'both';
};

subtest 'vouch cert: options' => sub {
    my $stem = "$dir/server";
    my @san  = ('host.example', '192.0.2.1', 'EMAIL:a@b.example', 'URI:gemini://x/');
    my ($status, $out, $err) =
        vouch(qw(cert --cn host.example --days 10 --key rsa:2048 --out), $stem, map { ('--san', $_) } @san);
    is "$status $err", '0 ', 'all at once';
    my $made = Vouch::Identity->load(file => $stem)->certificate;
    is $made->key_bits, 2048, '--key';
    cmp_ok abs($made->not_after - time - 10 * 86_400), '<', 60, '--days';
    is_deeply [$made->alternative_names],
        [[dns => 'host.example'], [ip => '192.0.2.1'], [email => 'a@b.example'], [uri => 'gemini://x/']],
        '--san';
    ($status) = vouch('cert', '--cn', "M\xc3\xbcller", '--out', "$dir/utf8");
    is +Vouch::Identity->load(file => "$dir/utf8")->certificate->common_name, "M\xc3\xbcller",
        'a name that is not ASCII';
    ($status) = vouch(qw(cert --cn -x- --key=ed25519), "--out=$dir/odd");
    is +Vouch::Identity->load(file => "$dir/odd")->certificate->subject, '/CN=-x-',
        'a name that looks like an option';
};

subtest 'vouch cert --renew' => sub {
    my $stem = "$dir/renew";
    vouch(qw(cert --cn Alex --days 1 --san a.example --out), $stem);
    my $old = Vouch::Identity->load(file => $stem);
    my ($status, $out, $err) = vouch('cert', '--renew', $stem, '--days', 100);
    is "$status $err", '0 ', 'in place';
    my $new = Vouch::Identity->load(file => $stem);
    is $new->key_pem,               $old->key_pem,             'the key is the same';
    isnt $new->certificate->serial, $old->certificate->serial, 'the certificate is another';
    is_deeply [$new->certificate->alternative_names], [[dns => 'a.example']], 'with its names';
    cmp_ok abs($new->certificate->not_after - time - 100 * 86_400), '<', 60, 'and new dates';
    is $out, "wrote $stem-cert.pem and $stem-key.pem\n" . fingerprints("$stem-cert.pem", 'sha256'),
        'and is shown';
    is mode_of("$stem-key.pem"), '0600', 'nobody else reads the key';
    ($status) = vouch('cert', '--renew', $stem, '--out', "$dir/renewed");
    is $status,                       0,                      'into other files';
    is slurp("$stem-cert.pem"),       $new->cert_pem,         'the first stay';
    is slurp("$dir/renewed-key.pem"), slurp("$stem-key.pem"), 'with the same key';
    fails('into files that exist', qr/exists already/, 'cert', '--renew', $stem, '--out', "$dir/renewed");
    ($status) = vouch('cert', '--force', '--renew', $stem, '--out', "$dir/renewed");
    is $status, 0, '--force replaces them';
    fails('what is not there', qr/none-cert[.]pem: cannot read: No such file/, 'cert', '--renew',
        "$dir/none");
    my $leaf = issue('leaf', by => authority('ca'));
    spew("$dir/signed-cert.pem", slurp($leaf->{cert}));
    spew("$dir/signed-key.pem",  slurp($leaf->{key}));
    fails(
        'of an authority',
        qr/signed by another authority; only that one can renew it/,
        'cert', '--renew', "$dir/signed"
    );
};

subtest 'vouch cert: what cannot be done' => sub {
    my @out = ('--out', "$dir/never");
    fails(
        'no such folder',
        qr{none/x-key[.]pem: cannot write: No such file or directory},
        qw(cert --cn x --out),
        "$dir/none/x"
    );
    fails('unknown key',          qr/"dsa:1024" is not a kind of key/, qw(cert --cn x --key dsa:1024), @out);
    fails('long name',            qr/cn: longer than 64 characters/,   'cert', '--cn', 'x' x 65, @out);
    fails('bad alternative name', qr/san: "a b" is not a host name/,   qw(cert --cn x --san), 'a b', @out);
    fails('days in the past', qr/not_after: is not later than not_before/, qw(cert --cn x --days -5), @out);
    ok !-e "$dir/never-key.pem", 'then nothing is written';
};

subtest 'vouch cert: wrong use' => sub {
    my @out = ('--out', "$dir/never");
    wrong('nothing',          '--cn is missing',      'cert');
    wrong('no name',          '--cn is missing',      'cert', @out);
    wrong('no file',          '--out is missing',     qw(cert --cn x));
    wrong('unknown option',   'Unknown option: name', qw(cert --name x), @out);
    wrong('shortened option', 'Unknown option: c',    qw(cert --c x),    @out);
    wrong(
        'days no number',
        'Value "x" invalid for option days \(number expected\)',
        qw(cert --cn x --days x), @out
    );
    wrong('option without value', 'Option cn requires an argument', qw(cert --cn));
    wrong('one more', '"more" is one argument too many', qw(cert --cn x more), @out);
    wrong(
        'renew, another name',
        '--cn cannot be changed by --renew',
        'cert', '--renew', "$dir/client", '--cn', 'x'
    );
    wrong(
        'renew, another key',
        '--key cannot be changed by --renew',
        'cert', '--renew', "$dir/client", '--key', 'ed25519'
    );
    wrong(
        'renew, other names',
        '--san cannot be changed by --renew',
        'cert', '--renew', "$dir/client", '--san', 'x'
    );
    my ($status, $out, $err) = vouch(qw(cert --help));
    is "$status $err", '0 ', '--help: exit status 0';
    like $out, qr/\Avouch cert --cn NAME --out STEM.*--force/s, '--help: on standard output';
    like $out, qr/--$_\b/, "--help: tells of --$_" for qw(cn out san days key renew force help);
};

subtest 'vouch fingerprint FILE' => sub {
    my $made = issue('file', cn => 'File', not_before => 1_700_000_000, not_after => 1_800_000_000);
    my $der  = spew("$dir/file.der", $made->{der});
    my $head = "/CN=File, valid from 2023-11-14T22:13:20Z to 2027-01-15T08:00:00Z\n";
    is_deeply [vouch('fingerprint', $made->{cert})], [0, $head . fingerprints($made->{cert}, 'sha256'), ''],
        'PEM';
    is_deeply [vouch('fingerprint', $der)], [0, $head . fingerprints($made->{cert}, 'sha256'), ''], 'DER';
    for my $digest (qw(sha1 sha384 sha512)) {
        is_deeply [vouch('fingerprint', '--digest', $digest, $der)],
            [0, $head . fingerprints($made->{cert}, $digest), ''], $digest;
    }
    my $nobody = issue('nobody', subject => "\x30\x00");
    like + (vouch('fingerprint', $nobody->{cert}))[1], qr/\A\(no name\), valid from /, 'one without a name';
    my $colon = spew("$dir/x:1", slurp($made->{cert}));
    is + (vouch('fingerprint', $colon))[0], 0, 'a file that looks like host:port';
    fails('missing',  qr/none: cannot read: No such file or directory/,      'fingerprint', "$dir/none");
    fails('a key',    qr/holds a private key; the certificate belongs here/, 'fingerprint', $made->{key});
    fails('garbage',  qr/not a certificate/,     'fingerprint', spew("$dir/garbage", "\xff" x 99));
    fails('a folder', qr/is not a regular file/, 'fingerprint', $dir);
};

subtest 'vouch fingerprint HOST:PORT' => sub {
    my @server =
        identity('live', cn => 'live.example', not_before => 1_000_000_000, not_after => 4_000_000_000);
    my $server = VouchTest::Server->start(
        ssl   => { SSL_cert_file => $server[0], SSL_key_file => $server[1] },
        serve => sub { my ($client, $tell) = @_; $tell->(scalar readline $client) },
    );
    my ($status, $out, $err) = vouch('fingerprint', '127.0.0.1:' . $server->port);
    is "$status $err", '0 ', 'a server whose certificate nobody signed, for another host';
    is $out, "/CN=live.example, valid from 2001-09-09T01:46:40Z to 2096-10-02T07:06:40Z\n"
        . fingerprints($server[0], 'sha256'), 'is shown';
    is $server->next_line, 'undef', 'it saw a clean end';
    ($status, $out, $err) = vouch('fingerprint', 'localhost:' . $server->port);
    is "$status $err", '0 ', 'by name';
    my $port = $server->port;
    $server->stop;
    fails(
        'nobody there', qr/cannot connect to 127[.]0[.]0[.]1:$port: Connection refused/,
        'fingerprint',  "127.0.0.1:$port"
    );
    fails("no such host", qr{cannot connect to x{64}:$port: \S}, "fingerprint", "x" x 64 . ":$port");
};

subtest 'vouch fingerprint [::1]:PORT' => sub {
    my @server = identity('six', cn => 'six.example');
    my $server = VouchTest::Server->start(
        tcp => { LocalAddr     => '::1' },
        ssl => { SSL_cert_file => $server[0], SSL_key_file => $server[1] }
    );
    my ($status, $out, $err) = vouch('fingerprint', '[::1]:' . $server->port);
    is "$status $err", '0 ', 'an address of IPv6';
    like $out, qr{\A/CN=six[.]example, }, 'is shown';
};

subtest 'vouch fingerprint: wrong use' => sub {
    wrong('nothing',        'name a file, or host:port',    'fingerprint');
    wrong('one more',       '"b" is one argument too many', qw(fingerprint a b));
    wrong('unknown option', 'Unknown option: nosuch',       qw(fingerprint --nosuch a));
    wrong(
        'unknown digest',
        '--digest md99 is not one of sha1, sha256, sha384, sha512',
        qw(fingerprint --digest md99 a)
    );
    my ($status, $out, $err) = vouch(qw(fingerprint --help));
    is "$status $err", '0 ', '--help: exit status 0';
    like $out, qr/\Avouch fingerprint \[--digest NAME\] FILE\|HOST:PORT/, '--help: on standard output';
};

done_testing;
