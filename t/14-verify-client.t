use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest        qw(expect_warnings identity slurp spew temp_dir);
use VouchTest::Der   qw(extension name seq tlv);
use VouchTest::Forge qw(authority issue revocation_list);
use VouchTest::Pair  ();
use Vouch::Socket;

# Our client looking at servers: whom it accepts, whom not, and what it says.

my $ca    = authority('ca',    cn => 'The CA');
my $inter = authority('inter', cn => 'The intermediate', by => $ca);
my $count = 0;

# A server's identity signed by our authority.
sub server_for {
    my (%arg) = @_;
    return issue('server-' . $count++, by => $ca, usage => ['server'], %arg);
}

# A connection to it; the client as given, or trusting our authority.
sub visit {
    my ($server,   %client) = @_;
    my ($cert,     $key)    = ref $server eq 'HASH' ? @$server{qw(cert key)} : @$server;
    my ($warnings, $pair)   = expect_warnings(sub {
        VouchTest::Pair->new(
            server => { SSL_cert_file => $cert,       SSL_key_file => $key },
            client => { SSL_ca_file   => $ca->{cert}, %client },
        );
    });
    like $_, qr/the server's certificate for .* (?:expired on|is valid only from) /, 'a warning of the dates'
        for @$warnings;
    return $pair;
}

sub accepted {
    my ($name, $pair, $by) = @_;
    ok $pair->{client}, "$name: accepted" or return diag $pair->{client_error};
    my $found = $pair->{client}->verification;
    ok $found->{accepted}, "$name: says the verification";
    is $found->{by}, $by // 'chain', "$name: who decided";
    return;
}

sub refused {
    my ($name, $pair, $reason) = @_;
    return if !ok !$pair->{client}, "$name: refused";
    like $pair->{client_error},
        qr/\ASSL connect attempt failed error:0A000086:.*certificate verify failed .*$reason/,
        "$name: the reason";
    ok !$pair->{server} || !defined readline($pair->{server}), "$name: the server sees an alert or the end";
    return;
}

my @by_name = (SSL_verifycn_name => 'localhost');
my $good    = server_for(cn => 'localhost', san => ['dns:localhost', 'ip:127.0.0.1']);

subtest 'the default verifies' => sub {
    my @self = identity('self', cn => 'localhost');
    refused(
        'a certificate nobody signed',
        visit(\@self, SSL_ca_file => undef, @by_name),
        qr/self[- ]signed certificate/
    );
    refused(
        'an authority nobody knows',
        visit($good, SSL_ca_file => undef, @by_name),
        qr/unable to get local issuer certificate/
    );
    refused(
        'nobody to trust',
        visit($good, SSL_ca_file => \undef, @by_name),
        qr/unable to get local issuer certificate/
    );
    accepted('a known authority', visit($good, @by_name));
    accepted('SSL_VERIFY_NONE', visit(\@self, SSL_ca_file => undef, SSL_verify_mode => SSL_VERIFY_NONE),
        'any');
};

subtest 'whom to trust' => sub {
    my @self = identity('trusted-self', cn => 'localhost');
    accepted('the certificate itself', visit(\@self, SSL_ca_file => $self[0],                @by_name));
    accepted('one of two files',       visit($good,  SSL_ca_file => [$self[0], $ca->{cert}], @by_name));
    accepted('PEM in memory', visit($good, SSL_ca_file => undef, SSL_ca_pem => slurp($ca->{cert}), @by_name));
    my $folder = temp_dir() . '/hashed';
    mkdir $folder or die $!;
    my $hash = VouchTest::Forge::openssl([qw(x509 -noout -subject_hash -in), $ca->{cert}]) =~ s/\n//r;
    spew("$folder/$hash.0", slurp($ca->{cert}));
    accepted('a folder', visit($good, SSL_ca_file => undef, SSL_ca_path => $folder, @by_name));
    refused(
        'another authority',
        visit($good, SSL_ca_file => authority('else', cn => 'Other')->{cert}, @by_name),
        qr/unable to get local issuer certificate/
    );
    my $fake = authority('fake', cn => 'The CA');
    refused(
        'another authority of the same name',
        visit($good, SSL_ca_file => $fake->{cert}, @by_name),
        qr/refused: \S/
    );
    my $leaf = issue('chained', by => $inter, cn => 'localhost', usage => ['server']);
    refused(
        'an intermediate that was not sent',
        visit($leaf, @by_name),
        qr/unable to get local issuer certificate/
    );
    my $chain =
        { %$leaf, cert => spew(temp_dir() . '/chain.pem', slurp($leaf->{cert}) . slurp($inter->{cert})) };
    accepted('one that was', visit($chain, @by_name));
    accepted('an intermediate is enough', visit($leaf, SSL_ca_file => $inter->{cert}, @by_name));
    refused('a chain longer than allowed', visit($chain, SSL_verify_depth => 0, @by_name),
        qr/chain too long/);
    my $plain = server_for(cn => 'no authority');
    my $bad   = issue('by-plain', by => $plain, cn => 'localhost');
    my $forged =
        { %$bad, cert => spew(temp_dir() . '/forged.pem', slurp($bad->{cert}) . slurp($plain->{cert})) };
    refused(
        'signed by who is no authority',
        visit($forged, @by_name),
        qr/invalid CA certificate|issuer certificate/
    );
};

subtest 'the name' => sub {
    my %server = (
        dns       => server_for(cn      => 'ignored.example', san => ['dns:one.example', 'dns:two.example']),
        wild      => server_for(cn      => 'x',               san => ['dns:*.wild.example']),
        ip        => server_for(cn      => 'x',               san => ['ip:127.0.0.1', 'ip:2001:db8::1']),
        cn        => server_for(cn      => 'cn.example'),
        wild_cn   => server_for(cn      => '*.cn.example'),
        nul       => server_for(cn      => 'x', san => ["dns:good.example\0.evil.example"]),
        nul_cn    => server_for(cn      => "good.example\0.evil.example"),
        tld       => server_for(cn      => 'x',         san => ['dns:*']),
        part      => server_for(cn      => 'x',         san => ['dns:f*.part.example']),
        ip_as_dns => server_for(cn      => '127.0.0.1', san => ['dns:127.0.0.1']),
        empty     => server_for(subject => name(),      san => ['dns:one.example']),
    );
    my @right = (
        [dns     => 'one.example'],
        [dns     => 'two.example'],
        [dns     => 'TWO.Example'],
        [wild    => 'a.wild.example'],
        [ip      => '127.0.0.1'],
        [ip      => '2001:db8::1'],
        [ip      => '2001:DB8:0::1'],
        [cn      => 'cn.example'],
        [wild_cn => 'a.cn.example'],
        [empty   => 'one.example'],
    );
    my @wrong = (
        [dns       => 'three.example'],
        [dns       => 'ignored.example'],
        [dns       => 'one.example.evil'],
        [dns       => 'x.one.example'],
        [dns       => 'one.exampl'],
        [wild      => 'wild.example'],
        [wild      => 'a.b.wild.example'],
        [ip        => '127.0.0.2'],
        [ip        => '2001:db8::2'],
        [ip        => 'localhost'],
        [cn        => 'x.cn.example'],
        [nul       => 'good.example'],
        [nul_cn    => 'good.example'],
        [tld       => 'localhost'],
        [part      => 'foo.part.example'],
        [ip_as_dns => '127.0.0.1'],
    );
    accepted("$_->[1] of $_->[0]", visit($server{ $_->[0] }, SSL_verifycn_name => $_->[1])) for @right;
    for my $case (@wrong) {
        my ($kind, $name) = @$case;
        refused(
            "$name of $kind",
            visit($server{$kind}, SSL_verifycn_name => $name),
            qr/refused: (?:hostname|IP address) mismatch/i
        );
    }
};

subtest 'where the name comes from' => sub {
    my $named = server_for(cn => 'x', san => ['dns:named.example']);
    accepted('the address that was connected to', visit($good));
    refused('the address, where it is not in the certificate', visit($named), qr/IP address mismatch/);
    accepted('SSL_hostname', visit($named, SSL_hostname => 'named.example'));
    refused('SSL_hostname, wrong', visit($named, SSL_hostname => 'other.example'), qr/hostname mismatch/i);
    accepted('SSL_verifycn_name goes before SSL_hostname',
        visit($named, SSL_hostname => 'other.example', SSL_verifycn_name => 'named.example'));
    refused(
        'and refuses too',
        visit($named, SSL_hostname => 'named.example', SSL_verifycn_name => 'other.example'),
        qr/hostname mismatch/i
    );
    accepted("SSL_verifycn_scheme 'none'", visit($named, SSL_verifycn_scheme => 'none'));
    my $pair = visit($named, SSL_hostname => 'named.example');
    is $pair->{server}->get_servername,        'named.example', 'SSL_hostname is asked for';
    is visit($good)->{server}->get_servername, undef,           'an address is not';
    $pair = visit($good, SSL_hostname => '');
    accepted("SSL_hostname ''", $pair);
    is $pair->{server}->get_servername, undef, 'asks for no name';

    my $broken = visit($good, SSL_hostname => 'x' x 300);
    ok !$broken->{client}, 'a name that is too long';
    like $broken->{client_error}, qr/is not a server name/, 'is told';
    for my $name (qw(SSL_hostname SSL_verifycn_name)) {
        for my $bad (
            ["a\0b",      qr/must not contain a NUL/],
            [[],          qr/must be a text, not a reference/],
            ["\xfc.test", qr/must be in its ASCII form/],
            )
        {
            ok !eval { visit($good, $name => $bad->[0]) }, "$name: one that is none dies";
            like $@, qr/\A$name $bad->[1]/, 'and says so';
        }
    }
};

subtest 'dates and purposes' => sub {
    my $now = time;
    my %bad = (
        'expired'      => [[not_after  => $now - 10],                    qr/certificate has expired/],
        'long expired' => [[not_before => -631_152_000, not_after => 0], qr/certificate has expired/],
        'not yet'      => [[not_before => $now + 1000],                  qr/certificate is not yet valid/],
        'for clients'  =>
            [[usage => ['client']], qr/unsuitable certificate purpose|unsupported certificate purpose/],
        'for signing code' =>
            [[usage => ['code']], qr/unsuitable certificate purpose|unsupported certificate purpose/],
        'an unknown critical extension' =>
            [[extensions => [extension('1.2.3.4', 'x', 1)]], qr/unhandled critical extension/],
        'no date' => [[not_after => tlv(0x17, '501301000000Z')], qr/refused: \S/],
    );
    for my $kind (sort keys %bad) {
        my ($arg, $reason) = @{ $bad{$kind} };
        my $server = server_for(cn => 'localhost', @$arg);
        refused($kind, visit($server, @by_name), $reason);
        my $pair = visit($server, SSL_verify_mode => SSL_VERIFY_NONE);
        accepted("$kind, with SSL_VERIFY_NONE", $pair, 'any');
    }
    accepted('without a purpose', visit(server_for(cn => 'localhost', usage => undef), @by_name));
    accepted('until the year 9999',
        visit(server_for(cn => 'localhost', not_after => 253_402_300_799), @by_name));
    accepted('an unknown extension that is not critical',
        visit(server_for(cn => 'localhost', extensions => [extension('1.2.3.4', 'x')]), @by_name));
    my $old = authority('old-ca', cn => 'Old', not_after => $now - 10);
    refused(
        'an authority that has expired',
        visit(server_for(by => $old, cn => 'localhost'), SSL_ca_file => $old->{cert}, @by_name),
        qr/certificate has expired/
    );
};

subtest 'large certificates' => sub {
    my $names = server_for(cn => 'x', san => ['dns:localhost', map { "dns:host-$_.example" } 1 .. 500]);
    accepted('500 alternative names', visit($names, SSL_verifycn_name => 'host-500.example'));
    my $large = server_for(subject => name(O => 'x' x 65_536, CN => 'localhost'));
    my $pair  = visit($large, @by_name);
    accepted('a subject of 64 kB', $pair);
    is length $pair->{client}->certificate->subject, 65_536 + length('/O=/CN=localhost'),
        'and it is all there';
    $pair = visit(server_for(subject => name(O => 'x' x 200_000, CN => 'localhost')), @by_name);
    ok !$pair->{client}, 'one of 200 kB is refused';
    like $pair->{client_error}, qr/excessive message size/, 'with the reason';
};

subtest 'revocation' => sub {
    my $leaf  = server_for(cn => 'localhost');
    my $other = server_for(cn => 'localhost');
    my $list  = revocation_list('list', $ca, $leaf);
    my @check = (SSL_crl_file => $list, @by_name);
    refused('a revoked one', visit($leaf, @check), qr/certificate revoked/);
    accepted('another',                          visit($other, @check));
    accepted('a revoked one where nobody looks', visit($leaf,  @by_name));
    my $foreign = revocation_list('foreign', authority('foreign', cn => 'Foreign'), $leaf);
    refused(
        'without a list of this authority',
        visit($leaf, SSL_crl_file => $foreign, @by_name),
        qr/unable to get certificate CRL/
    );
    refused(
        'SSL_check_crl alone, without a list',
        visit($leaf, SSL_check_crl => 1, @by_name),
        qr/unable to get certificate CRL/
    );
    my $both = spew(temp_dir() . '/ca-and-list.pem', slurp($ca->{cert}) . slurp($list));
    refused(
        'SSL_check_crl, the list beside the authority',
        visit($leaf, SSL_ca_file => $both, SSL_check_crl => 1, @by_name),
        qr/certificate revoked/
    );
    my $forged = revocation_list('forged-list', { %$ca, key => $leaf->{key} });
    refused(
        'a list with a wrong signature',
        visit($other, SSL_crl_file => $forged, @by_name),
        qr/CRL signature failure/
    );
};

subtest 'the callback' => sub {
    my @self = identity('asked', cn => 'localhost');
    my @seen;
    my %says = map {
        my $answer = $_;
        $answer => sub { push @seen, [@_[0, 5]]; return $answer }
    } 0, 1;
    accepted('yes', visit(\@self, SSL_ca_file => \undef, SSL_verify_callback => $says{1}, @by_name),
        'callback');
    is_deeply \@seen, [[0, 0], [1, 0]], 'asked for the fault, then for the certificate';
    refused('no', visit($good, SSL_verify_callback => $says{0}, @by_name), qr/the verify callback said no/);
    @seen = ();
    refused(
        'yes, but the name is wrong',
        visit($good, SSL_verify_callback => $says{1}, SSL_verifycn_name => 'other.example'),
        qr/hostname mismatch/i
    );
    ok !grep({ $_->[0] == 0 } @seen), 'it is not even asked about the name';
    refused(
        'yes, but the address is wrong',
        visit($good, SSL_verify_callback => $says{1}, SSL_verifycn_name => '192.0.2.1'),
        qr/IP address mismatch/
    );
    refused(
        'yes to a self-signed one of another name',
        visit(
            \@self,
            SSL_ca_file         => \undef,
            SSL_verify_callback => $says{1},
            SSL_verifycn_name   => 'other.example'
        ),
        qr/hostname mismatch/i
    );
    accepted(
        'yes, without a check of the name',
        visit(
            \@self,
            SSL_ca_file         => \undef,
            SSL_verify_callback => $says{1},
            SSL_verifycn_scheme => 'none'
        ),
        'callback'
    );
    my $pair = visit($good, SSL_verify_callback => sub { die "not today\n" }, @by_name);
    is $pair->{client_error}, "not today\n", 'one that dies: the program gets it';
    ok !$pair->{client}, 'and no connection';
};

subtest 'VOUCH_VERIFY_ANY on a client' => sub {
    my $now    = time;
    my %server = (
        'self-signed'    => [issue('any-self'),                        18,    qr/self[- ]signed certificate/],
        'unknown issuer' => [$good,                                    20,    qr/unable to get local issuer/],
        'expired'        => [issue('any-old', not_after => $now - 10), 10,    qr/expired/],
        'not yet valid'  => [issue('any-soon', not_before => $now + 1000), 9, qr/not yet valid/],
    );
    for my $kind (sort keys %server) {
        my ($server, $error, $text) = @{ $server{$kind} };
        my $pair = visit($server, SSL_ca_file => undef, SSL_verify_mode => VOUCH_VERIFY_ANY);
        accepted($kind, $pair, 'any') or next;
        my $found = $pair->{client}->verification;
        is $found->{error}, $error, "$kind: the fault is told";
        like $found->{error_text}, $text, "$kind: in words";
        is $found->{depth},                   0,              "$kind: and where";
        is $pair->{client}->certificate->der, $server->{der}, "$kind: the certificate is there";
    }
    my $pair = visit($good, SSL_verify_mode => VOUCH_VERIFY_ANY, @by_name);
    is $pair->{client}->verification->{error}, 0, 'with an authority to ask: no fault';
    $pair = visit($good, SSL_verify_mode => VOUCH_VERIFY_ANY, SSL_verifycn_name => 'other.example');
    ok $pair->{client}, 'with an authority to ask: another name is accepted';
    is $pair->{client}->verification->{error}, 62, 'and told';
};

subtest 'VOUCH_VERIFY_ANY on a server' => sub {
    my @any =
        (SSL_cert_file => $good->{cert}, SSL_key_file => $good->{key}, SSL_verify_mode => VOUCH_VERIFY_ANY);
    my $now    = time;
    my %client = (
        'self-signed'      => [issue('client-self'),                                                  18],
        'unknown issuer'   => [issue('client-leaf', by => $ca),                                       20],
        'expired'          => [issue('client-old', not_after => $now - 10),                           10],
        'not yet valid'    => [issue('client-soon', not_before => $now + 1000),                       9],
        'for servers'      => [issue('client-server', usage => ['server']),                           18],
        'empty subject'    => [issue('client-empty', subject => name()),                              18],
        'NUL in the name'  => [issue('client-nul', cn => "a\0b"),                                     18],
        'subject of 64 kB' => [issue('client-large', by => $ca, subject => name(CN => 'x' x 65_536)), 20],
        'unknown critical extension' =>
            [issue('client-odd', extensions => [extension('1.2.3.4', 'x', 1)]), 18],
    );
    for my $kind (sort keys %client) {
        my ($client, $error) = @{ $client{$kind} };
        my $pair = VouchTest::Pair->new(
            server => {@any},
            client => {
                SSL_verify_mode => SSL_VERIFY_NONE,
                SSL_cert_file   => $client->{cert},
                SSL_key_file    => $client->{key}
            }
        );
        ok $pair->{server}, "$kind: accepted" or diag $pair->{server_error};
        next if !$pair->{server};
        my $found = $pair->{server}->verification;
        is_deeply [@$found{qw(accepted by error depth)}], [1, 'any', $error, 0], "$kind: what was found";
        is $pair->{server}->certificate->der, $client->{der}, "$kind: the certificate is there";
        is $pair->{server}->get_fingerprint, $pair->{server}->certificate->fingerprint,
            "$kind: its fingerprint";
    }
    my $pair = VouchTest::Pair->new(server => {@any}, client => { SSL_verify_mode => SSL_VERIFY_NONE });
    ok $pair->{server}, 'nobody: accepted';
    is_deeply $pair->{server}->verification,
        { accepted => !!0, by => 'nobody', error => 0, error_text => '', depth => 0, staple => 'none' },
        'nobody: nothing was found';
    is $pair->{server}->certificate, undef, 'nobody: no certificate';
    is_deeply [$pair->{server}->peer_certificates], [], 'nobody: no chain';
    my $strict = SSL_VERIFY_FAIL_IF_NO_PEER_CERT | VOUCH_VERIFY_ANY;
    $pair = VouchTest::Pair->new(
        server => { @any, SSL_verify_mode => $strict },
        client => { SSL_verify_mode       => SSL_VERIFY_NONE }
    );
    ok !$pair->{server}, 'nobody, where a certificate is required: refused';
    like $pair->{server_error}, qr/peer did not return a certificate/, 'with the reason';
};

subtest 'what both sides know afterwards' => sub {
    my $client = issue('facts', by => $ca, cn => 'facts');
    my $pair   = VouchTest::Pair->new(
        server => {
            SSL_cert_file   => $good->{cert},
            SSL_key_file    => $good->{key},
            SSL_ca_file     => $ca->{cert},
            SSL_verify_mode => SSL_VERIFY_PEER
        },
        client => {
            SSL_cert_file => $client->{cert},
            SSL_key_file  => $client->{key},
            SSL_ca_file   => $ca->{cert},
            @by_name
        },
    );
    my ($here, $there) = $pair->both;
    is $here->verification->{by},     'chain',        'the client: by the chain';
    is $there->verification->{by},    'chain',        'the server: by the chain';
    is $here->certificate->der,       $good->{der},   'the client sees the server';
    is $there->certificate->der,      $client->{der}, 'the server sees the client';
    is $here->sock_certificate->der,  $client->{der}, 'the client knows its own';
    is $there->sock_certificate->der, $good->{der},   'the server knows its own';
    is_deeply [map { $_->der } $there->peer_certificates], [$client->{der}, $ca->{der}],
        'the chain the client sent';
    is $there->peer_certificate('issuer'), '/CN=The CA', 'and who signed it';
    is $pair->{client_error},              '',           'no error on one side';
    is $pair->{server_error},              '',           'nor on the other';
};

done_testing;
