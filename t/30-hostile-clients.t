use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest         qw(identity run_command spew);
use VouchTest::Der    qw(tlv seq oid octets utf8 name extension);
use VouchTest::Forge  qw(authority issue);
use VouchTest::Server ();
use VouchTest::Turns  qw(open_descriptors);
use Vouch::Socket;

# Client certificates made to break who looks at them, shown by the openssl
# command to a server that looks at everything, inside its callback and after.

my ($cert, $key) = identity('looking', cn => 'localhost');
my $root = authority('root', cn => 'Root');

my @METHODS = qw(
    subject issuer common_name subject_fields issuer_fields alternative_names serial serial_hex
    not_before not_after not_before_iso not_after_iso is_expired is_not_yet_valid is_self_signed
    key_type key_curve key_bits signature_algorithm fingerprint pem der text
);

# What the methods of a certificate say: what each died of, if it did.
sub look_at {
    my ($certificate) = @_;
    return map {
        my $m = $_;
        eval { my @all = $certificate->$m; 1 } ? () : "$m: $@"
    } @METHODS;
}

# A server under this policy.  For each client it tells in one line how the
# callback was called, and in one what became of the client.
sub start_server {
    my (%policy) = @_;
    my (@calls, @trouble);
    my $look = sub {
        my ($ok, $store, $names, $error, $certificate, $depth) = @_;
        my ($number) = $error =~ /reason\(([0-9]+)\)/;
        push @calls, join '/', $ok, $number // $error, $depth, length $names > 200 ? 'long' : $names;
        push @trouble, look_at($certificate);
        return 1;
    };
    my $told = sub {
        my ($tell, @what) = @_;
        $tell->('called ' . join(' ', splice @calls), "@what");
    };
    return VouchTest::Server->start(
        ssl => {
            SSL_cert_file => $cert,
            SSL_key_file  => $key,
            ($policy{callback} ? (SSL_verify_callback => $look) : ()),
            %{ $policy{ssl} },
        },
        serve => sub {
            my ($client, $tell) = @_;
            my $line = <$client> // return $told->($tell, "no line: $SSL_ERROR");
            push @trouble, look_at($client->certificate) if $client->certificate;
            push @trouble, 'no fingerprint'              if $client->certificate && !$client->get_fingerprint;
            my $cn    = $client->peer_certificate('cn');
            my @names = $client->peer_certificate('subjectAltNames');
            $client->dump_peer_certificate;
            print {$client} "bye\n";
            $told->(
                $tell, 'served',
                length($cn // ''),
                scalar(@names) / 2,
                open_descriptors() // 0,
                splice @trouble
            );
        },
        refused => sub { $told->($_[0], "refused $SSL_ERROR", splice @trouble) },
    );
}

# Show a certificate to a server; the two lines it tells.
sub show {
    my ($server, $who, $version) = @_;
    my ($status, $out, $err)     = run_command(
        [
            qw(openssl s_client -ign_eof),
            $version, '-connect',   '127.0.0.1:' . $server->port,
            '-cert',  $who->{cert}, '-key', $who->{key}
        ],
        stdin => "hello\n",
    );
    return map { scalar($server->next_line) // "nothing; openssl said: $out$err" } 1, 2;
}

my $year_10000 = 253_402_300_799;

# Certificates, with the number of bytes in the common name, the number of
# alternative names, and the error that OpenSSL has with it (0: none).
my @CASES = (
    ['a NUL in the name', { cn => "good.example\0.evil.example" },                              26],
    ['a name of 64 kB',   { cn => 'x' x 65_536, by => $root },                                  65_536],
    ['65 parts of 1 kB',  { subject => name(map { (OU => 'y' x 1000) } 1 .. 65), by => $root }, 0],
    ['no name at all',                 { subject => seq() },                              0],
    ['a name in UTF-8',                { cn      => "Z\xc3\xbcrich \xe2\x98\x83" },       11],
    ['a name in Latin-1, called T.61', { subject => name(CN => [0x14, "Z\xfcrich"]) },    7],
    ['a name of bytes, called ASCII',  { subject => name(CN => [0x16, "\xff\0\xfe"]) },   undef],
    ['a name with control characters', { cn      => "\e[31mred\r\n\a" },                  11],
    ['a name of BMP characters',       { subject => name(CN => [0x1e, "\0A\0l\0e\0x"]) }, 4],
    ['500 alternative names',          { cn => 'many', san => [map { "dns:n$_.example" } 1 .. 500] }, 4, 500],
    ['a NUL in an alternative name',   { cn => 'nul',  san => ["dns:a.example\0.b"] },                3, 1],
    [
        'odd alternative names',
        {
            cn         => 'odd',
            extensions => [
                extension(
                    '2.5.29.17',
                    seq(
                        tlv(0x87, 'abc'),
                        tlv(0x88, "\x2a\x03"),
                        tlv(0xa0, oid('1.2.3') . tlv(0xa0, utf8('x')))
                    )
                )
            ]
        },
        3, 0
    ],
    ['the year 9999',       { cn => 'late', not_after => $year_10000 },                               4],
    ['the year 1950',       { cn => 'early', not_before => -631_152_000, not_after => -631_000_000 }, 5],
    ['from 1950 to 9999',   { cn => 'long', not_before => -631_152_000, not_after => $year_10000 },   4],
    ['a date that is none', { cn => 'when', not_after => tlv(0x17, '991332256199Z') },                4],
    [
        'an unknown critical extension',
        { cn => 'crit', extensions => [extension('1.2.3.4.5', octets('x'), 1)] }, 4
    ],
    [
        'an unknown extension of 50 kB',
        {
            cn         => 'big',
            extensions => [extension('1.2.3.4.5', octets('x' x 50_000))]
        },
        3
    ],
    [
        'the same extension twice',
        {
            cn         => 'twice',
            extensions => [map { extension('2.5.29.19', seq()) } 1, 2]
        },
        5
    ],
    [
        'an extension that is rubbish',
        { cn => 'rubbish', extensions => [extension('2.5.29.19', 'rubbish', 1)] }, 7
    ],
    ['a serial number of 0',         { cn => 'zero',   serial => 0 },                     4],
    ['a serial number of 200 bytes', { cn => 'serial', serial => "\x7f" . "\xff" x 199 }, 6],
    ['a negative serial number',     { cn => 'minus',  serial => "\xff\x01" },            5],
);

my %POLICY = (
    callback => { callback => 1, ssl => { SSL_verify_mode => SSL_VERIFY_PEER } },
    any      => { ssl      => { SSL_verify_mode => VOUCH_VERIFY_ANY } },
    chain    => { ssl      => { SSL_verify_mode => SSL_VERIFY_PEER, SSL_ca_file => $root->{cert} } },
);
my %SERVER = map { $_ => start_server(%{ $POLICY{$_} }) } sort keys %POLICY;

my $good = issue('good', by => $root, cn => 'Good', usage => ['client']);
my %first;
for my $policy (sort keys %SERVER) {
    my ($called, $became) = show($SERVER{$policy}, $good, '-tls1_3');
    like $became, qr/\Aserved 4 0 [0-9]+\z/, "$policy: a good client to begin with";
    $first{$policy} = $became;
}

my $number = 0;
for my $case (@CASES) {
    my ($name, $how, $cn, $names) = @$case;
    subtest $name => sub {
        my $who     = issue('bad-' . $number++, %$how);
        my $version = $number % 2 ? '-tls1_2' : '-tls1_3';
        my ($called, $became) = show($SERVER{callback}, $who, $version);
        like $called, qr{\Acalled .*1/[0-9]+/0/}s, 'the callback is called';
        like $became, expected($cn, $names),       'and the client served';
        ($called, $became) = show($SERVER{any}, $who, $version);
        like $became, expected($cn, $names), 'by VOUCH_VERIFY_ANY, too';
        ($called, $became) = show($SERVER{chain}, $who, $version);
        like $became, $how->{by} ? expected($cn, $names) : qr/\Arefused .*certificate/,
            'and by a chain, only if there is one';
    };
}

# "served", the length of its common name, how many names; no method died but
# for what cannot be decoded.
sub expected {
    my ($cn, $names) = @_;
    my $length = $cn    // '[0-9]+';
    my $count  = $names // '[0-9]+';
    my $words  = qr/cannot be (?:decoded|read)|holds no|no valid/;
    return qr/\Aserved $length $count [0-9]+(?: \w+: [^\n]*$words[^\n]*\n?)*\z/;
}

subtest 'a certificate of more than 100 kB' => sub {
    my $who = issue('huge', cn => 'huge', extensions => [extension('1.2.3.4.5', octets('x' x 110_000))]);
    for my $policy (sort keys %SERVER) {
        my (undef, $became) = show($SERVER{$policy}, $who, '-tls1_3');
        like $became, qr/\Arefused .*excessive message size/, "$policy: is too long for OpenSSL";
    }
};

subtest 'a certificate with a signature of somebody else' => sub {
    my $who = issue('forged', by => { %$root, key => $good->{key} }, cn => 'Forged');
    my (undef, $became) = show($SERVER{chain}, $who, '-tls1_3');
    like $became, qr/\Arefused .*certificate signature failure/, 'is refused';
};

subtest 'a certificate of a chain of 90' => sub {
    my $who   = issue('deep', by => $root, cn => 'Deep');
    my $chain = VouchTest::slurp($root->{cert}) x 90;
    my ($status, $out, $err) = run_command(
        [
            qw(openssl s_client -ign_eof -connect),
            '127.0.0.1:' . $SERVER{callback}->port,
            '-cert', $who->{cert}, '-key', $who->{key}, '-cert_chain',
            spew(VouchTest::temp_dir() . '/90.pem', $chain)
        ],
        stdin => "hello\n",
    );
    my (undef, $became) = $SERVER{callback}->next_lines(2);
    like $became // "nothing: $out$err", qr/\A(?:served 4 0|refused)/, 'is looked at, or refused';
};

for my $policy (sort keys %SERVER) {
    my ($called, $became) = show($SERVER{$policy}, $good, '-tls1_2');
    is $became, $first{$policy},              "$policy: a good client at last, and as many descriptors";
    is $SERVER{$policy}->next_line(0), undef, "$policy: no more was said";
    is $SERVER{$policy}->stop,         0,     "$policy: the server ends well";
}

done_testing;
