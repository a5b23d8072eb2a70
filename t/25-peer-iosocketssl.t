use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs openssl => 'openssl', 'IO::Socket::SSL' => 'libio-socket-ssl-perl';

use B ();

use VouchTest      qw(identity run_command);
use VouchTest::PKI qw(
    AUTHORITY bundle chain crl expired fingerprint_of future issue wrong_purpose wrong_usage
);
use VouchTest::Peer   ();
use VouchTest::Server ();
use Vouch::Socket;

# Debian's IO::Socket::SSL: as the client of our server, as the server of our
# client, and side by side with us before the same client and the same
# server, where the verify callback must be called alike.

use IO::Socket::SSL ();
use Net::SSLeay     ();

isnt $INC{'IO/Socket/SSL.pm'}, $INC{'Vouch/Instead.pm'}, 'this is the real IO::Socket::SSL';

my @LIBRARIES = qw(IO::Socket::SSL Vouch::Socket);
my @VERSIONS  = (['TLSv1_2', '-tls1_2'], ['TLSv1_3', '-tls1_3']);

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');

my @calls;

# Keep a call of the verify callback: "0/18/0", and all its arguments with
# their kind, addresses as P.
sub note_call {
    my (@args)  = @_;
    my ($error) = $args[3] =~ /reason\(([0-9]+)\)/;
    my $full    = join ' ', scalar @args, map { kind_of($_) } @args;
    push @calls, { short => join('/', $args[0], $error // $args[3], $args[5]), full => $full };
    return;
}

sub kind_of {
    my ($value) = @_;
    return 'P' if "$value" =~ /\A[0-9]{6,}\z/ && $value == int "$value";
    my $flags = B::svref_2object(\$value)->FLAGS;
    return ($flags & B::SVf_IOK ? 'integer' : $flags & B::SVf_POK ? 'string' : 'other') . "($value)";
}

# How a callback may answer.
my %ANSWER = (
    yes      => sub { 1 },
    same     => sub { $_[0] },
    no       => sub { 0 },
    not_leaf => sub { $_[5] == 0 ? 0 : 1 },
    not_ok   => sub { $_[0]      ? 0 : 1 },
    cleared  => sub { Net::SSLeay::X509_STORE_CTX_set_error($_[1], 0); return 1 },
    looked   => \&look,
);

# What Net::SSLeay finds under the addresses of a call, as one more call.
sub look {
    my (undef, $store, undef, undef, $certificate, $depth) = @_;
    my $current = Net::SSLeay::X509_STORE_CTX_get_current_cert($store);
    my @found   = (
        Net::SSLeay::X509_STORE_CTX_get_error($store),
        Net::SSLeay::X509_STORE_CTX_get_error_depth($store),
        Net::SSLeay::X509_get_fingerprint($certificate, 'sha256'),
        Net::SSLeay::PEM_get_string_X509($certificate),
        $current == $certificate ? 'the same' : 'another',
        Net::SSLeay::X509_NAME_oneline(Net::SSLeay::X509_get_subject_name($certificate)),
    );
    push @calls, { short => "looked/$depth", full => join ' ', @found };
    return 1;
}

sub last_error {
    my ($library) = @_;
    no warnings 'once';
    return $library eq 'Vouch::Socket' ? "$SSL_ERROR" : "$IO::Socket::SSL::SSL_ERROR";
}

sub verify_result {
    my ($library, $socket) = @_;
    return $socket->verification->{error} if $library eq 'Vouch::Socket';
    return Net::SSLeay::get_verify_result($socket->_get_ssl_object);
}

# What a socket tells about its peer; IO::Socket::SSL 2.081 would crash in
# get_fingerprint if there is none.
sub peer_facts {
    my ($library, $socket) = @_;
    my $known = $socket->peer_certificate;
    return {
        result  => scalar verify_result($library, $socket),
        dump    => scalar $socket->dump_peer_certificate,
        version => scalar $socket->get_sslversion,
        cipher  => scalar $socket->get_cipher,
        $known ? certificate_facts($socket) : (),
    };
}

sub certificate_facts {
    my ($socket) = @_;
    return (
        fingerprint => scalar $socket->get_fingerprint,
        pub         => scalar $socket->get_fingerprint('sha256', undef, 1),
        sha1        => scalar $socket->get_fingerprint('sha1'),
        map { $_ => scalar $socket->peer_certificate($_) } qw(cn commonName subject owner issuer authority),
    );
}

sub flat {
    my (%facts) = @_;
    return join "\x1f", map { "$_=$facts{$_}" } grep { defined $facts{$_} } sort keys %facts;
}

# A server of one of the libraries that tells of each client one line.
sub noting_server {
    my ($library, $answer, %ssl) = @_;
    my $told = sub {
        my ($tell, %facts) = @_;
        $tell->(flat(
            %facts,
            short => join(' ',  map { $_->{short} } @calls),
            full  => join("\n", map { $_->{full} } @calls)
        ));
        @calls = ();
    };
    return VouchTest::Server->start(
        class => $library,
        ssl   => {
            SSL_cert_file       => $server[0],
            SSL_key_file        => $server[1],
            SSL_verify_mode     => SSL_VERIFY_PEER,
            SSL_verify_callback => sub { note_call(@_); return $ANSWER{$answer}->(@_) },
            %ssl,
        },
        serve => sub {
            my ($client, $tell) = @_;
            my $line  = <$client>;
            my $facts = peer_facts($library, $client);
            print {$client} "bye\n";
            $client->close;
            $told->($tell, line => $line, %$facts);
        },
        refused => sub { $told->($_[0], refused => last_error($library)) },
    );
}

sub told_by {
    my ($server) = @_;
    my $line = $server->next_line // die "the server told nothing\n";
    return { map { split /=/, $_, 2 } split /\x1f/, $line };
}

# Show a client certificate to a server; what it told, and the number of the
# alert that the client got.
sub show_to {
    my ($server, $flag, @show) = @_;
    my (undef, $out, $err) =
        run_command([qw(openssl s_client -ign_eof -connect), '127.0.0.1:' . $server->port, $flag, @show],
        stdin => "hello\n",);
    my ($alert) = $err =~ /SSL alert number ([0-9]+)/;
    return { %{ told_by($server) }, alert => $alert // 'none' };
}

sub shown {
    my ($identity, @more) = @_;
    return ('-cert', $identity->{cert}, '-key', $identity->{key},
        @more ? ('-cert_chain', bundle(@more)) : ());
}

my $chain       = chain('chain', cn => 'Leaf');
my $old_leaf    = issue('old-leaf',    by  => $chain->{intermediate}, not_after  => time - 100);
my $young_leaf  = issue('young-leaf',  by  => $chain->{intermediate}, not_before => time + 86_400);
my $server_leaf = issue('server-leaf', by  => $chain->{intermediate}, ext => ['extendedKeyUsage=serverAuth']);
my $old_top     = issue('old-top',     ext => [AUTHORITY],            not_after => time - 100);
my $under_old   = issue('under-old',   by  => $old_top);
my $no_ca       = issue('no-ca',       ext => ['basicConstraints=critical,CA:FALSE']);
my $under_no_ca = issue('under-no-ca', by  => $no_ca);
my $revoked     = issue('revoked',     by  => $chain->{root});
my $fine        = issue('fine',        by  => $chain->{root});
my $plain       = issue('plain');
my $list        = crl($chain->{root}, $revoked);
my @leaf        = shown(@$chain{qw(leaf intermediate)});
my @root        = (SSL_ca_file => $chain->{root}{cert});

# name, what the client shows, further arguments of the server; then, where
# the specification tells it, the calls and for what callback (default: yes).
my @CASES = (
    ['no certificate',                       [], []],
    ['no certificate where one is demanded', [], [SSL_verify_mode => 3]],
    ['self-signed, EC',         [shown($plain)],                                         [], '0/18/0 1/18/0'],
    ['self-signed, RSA',        [shown(issue('rsa', key => 'rsa:2048'))],                [], '0/18/0 1/18/0'],
    ['self-signed, Ed25519',    [shown(issue('ed', key => 'ed25519'))],                  [], '0/18/0 1/18/0'],
    ['self-signed, clientAuth', [shown(wrong_purpose('client-auth', 'clientAuth'))],     [], '0/18/0 1/18/0'],
    ['self-signed, of Vouch::Identity', ['-cert', $alex[0], '-key', $alex[1]],           [], '0/18/0 1/18/0'],
    ['self-signed, an authority',       [shown(issue('authority', ext => [AUTHORITY]))], []],
    [
        'many fields in its name',
        [shown(issue('many', subject => '/C=CH/O=Example Org/CN=M, "N" Ü/emailAddress=a@b.example'))], []
    ],
    ['an empty name', [shown(issue('nameless', subject => '/'))],                                         []],
    ['a weak key',    [shown(issue('weak',     key     => 'rsa:1024')), '-cipher', 'DEFAULT@SECLEVEL=0'], []],
    ['expired',       [shown(expired('expired'))], [], '0/18/0 0/10/0 1/10/0'],
    ['not yet valid', [shown(future('future'))],   [], '0/18/0 0/9/0 1/9/0'],
    (
        map { ["EKU $_ only", [shown(wrong_purpose("eku-$_", $_))], [], '0/18/0 0/26/0 1/26/0'] }
            qw(serverAuth codeSigning)
    ),
    (
        map { ["key usage $_ only", [shown(wrong_usage("usage-$_", $_))], [], '0/18/0 0/26/0 1/26/0'] }
            qw(keyEncipherment keyCertSign)
    ),
    ['a leaf alone',          [shown($chain->{leaf})], [], '0/20/0 1/20/0'],
    ['leaf and intermediate', \@leaf,                  [], '0/20/1 1/20/1 1/20/0'],
    [
        'leaf, intermediate, root', [shown(@$chain{qw(leaf intermediate root)})],
        [],                         '0/19/2 1/19/2 1/19/1 1/19/0'
    ],
    ['the root is known', \@leaf, [@root], '1/0/2 1/0/1 1/0/0'],
    ['the root is known, the leaf alone is shown', [shown($chain->{leaf})], [@root]],
    [
        'root and intermediate are known, the leaf alone is shown',
        [shown($chain->{leaf})],
        [SSL_ca_file => bundle(@$chain{qw(root intermediate)})]
    ],
    [
        'an expired leaf of a known root',
        [shown($old_leaf, $chain->{intermediate})],
        [@root],
        '1/0/2 1/0/1 0/10/0 1/10/0'
    ],
    ['a leaf not yet valid of a known root', [shown($young_leaf, $chain->{intermediate})],  [@root]],
    ['a leaf for servers of a known root',   [shown($server_leaf, $chain->{intermediate})], [@root]],
    ['an expired root',                      [shown($under_old)],   [SSL_ca_file => $old_top->{cert}]],
    ['issued by what is no authority',       [shown($under_no_ca)], [SSL_ca_file => $no_ca->{cert}]],
    ['the intermediate is known',       \@leaf, [SSL_ca_file => $chain->{intermediate}{cert}], '1/0/1 1/0/0'],
    ['the certificate itself is known', [shown($plain)], [SSL_ca_file => $plain->{cert}],      '1/0/0'],
    ['another authority is known',      \@leaf,          [SSL_ca_file => $plain->{cert}]],
    ['nobody is known',                 [shown($plain)], [SSL_ca_file => \undef], '0/18/0 1/18/0'],
    ['revoked',     [shown($revoked)],                   [@root, SSL_check_crl => 1, SSL_crl_file => $list]],
    ['not revoked', [shown($fine)],                      [@root, SSL_check_crl => 1, SSL_crl_file => $list]],
    ['no list of the revoked',         [shown($fine)],  [@root, SSL_check_crl => 1]],
    ['a certificate is not asked for', [shown($plain)], [SSL_verify_mode => 0]],
    (map { ["self-signed, mode $_", [shown($plain)], [SSL_verify_mode => $_]] } 2, 3, 5, 7),
    (
        map {
            my $answer = $_;
            (
                ["self-signed, callback $answer",           [shown($plain)], [],      undef, $answer],
                ["leaf and intermediate, callback $answer", \@leaf,          [],      undef, $answer],
                ["the root is known, callback $answer",     \@leaf,          [@root], undef, $answer],
                [
                    "an expired leaf of a known root, callback $answer",
                    [shown($old_leaf, $chain->{intermediate})],
                    [@root], undef, $answer
                ]
            )
        } qw(same no not_leaf not_ok cleared looked)
    ),
);

my %servers;

# The servers of both libraries for these arguments, made once.
sub both_servers {
    my ($answer, @ssl) = @_;
    my $key = join ' ', $answer, map { ref ? '\undef' : $_ } @ssl;
    return @{ $servers{$key} //= [map { noting_server($_, $answer, @ssl) } @LIBRARIES] };
}

for my $case (@CASES) {
    my ($name, $show, $ssl, $expected, $answer) = @$case;
    subtest "side by side: $name" => sub {
        my ($theirs, $ours) = both_servers($answer // 'yes', @$ssl);
        for (@VERSIONS) {
            my ($version, $flag) = @$_;
            my ($wanted, $got) = map { show_to($_, $flag, @$show) } $theirs, $ours;
            is $got->{short}, $wanted->{short}, "$version: the calls are $wanted->{short}";
            is $got->{full},  $wanted->{full},  'and their arguments';
            is $got->{short}, $expected,        'as specified' if defined $expected;
            is_deeply rest_of($got), rest_of($wanted), 'what is told afterwards';
            like $got->{alert}, qr/\A[0-9]+\z/, 'the client is told with an alert' if $got->{refused};
        }
    };
}

# All but the calls.  Our error texts say more behind the words of
# IO::Socket::SSL, which does not always get its alert through.
sub rest_of {
    my ($facts) = @_;
    my %rest = %$facts;
    delete @rest{qw(short full alert)};
    $rest{refused} =~ s{(?: \(.*\))?; (?:client|server) .*}{}s if $rest{refused};
    return \%rest;
}
%servers = ();

# Connect with one of the libraries: what it saw, in the same form.
sub connect_with {
    my ($library, $port, $answer, @ssl) = @_;
    @calls = ();
    my $socket = $library->new(
        PeerHost => '127.0.0.1',
        PeerPort => $port,
        Timeout  => 15,
        $answer ? (SSL_verify_callback => sub { note_call(@_); return $ANSWER{$answer}->(@_) }) : (),
        @ssl,
    );
    my $facts = $socket ? peer_facts($library, $socket) : { refused => last_error($library) };
    $socket->close if $socket;
    return {
        %$facts,
        short => join(' ',  map { $_->{short} } @calls),
        full  => join("\n", map { $_->{full} } @calls)
    };
}

sub s_server {
    my (@arguments) = @_;
    my $server      = VouchTest::Peer->start(qw(openssl s_server -accept 127.0.0.1:0), @arguments);
    my ($port)      = $server->wait_for(qr/^ACCEPT .*:([0-9]+)$/m);
    return ($server, $port);
}

my $names      = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
my $named      = issue('named', ext => [$names]);
my $named_leaf = issue('named-leaf', by => $chain->{intermediate}, ext => [$names]);
my $named_old  = expired('named-old', ext => [$names]);
my @itself     = (SSL_ca_file     => $named->{cert});
my @none       = (SSL_verify_mode => 0);

my @CLIENT_CASES = (
    ['nothing is checked',                      [shown($named)], undef, [@none]],
    ['nothing is checked, a callback says no',  [shown($named)], 'no',  [@none]],
    ['nothing is checked, a callback says yes', [shown($named)], 'yes', [@none]],
    ['self-signed, no callback',                [shown($named)], undef, []],
    ['self-signed, callback yes',               [shown($named)], 'yes', []],
    ['self-signed, callback no',                [shown($named)], 'no',  []],
    ['itself its authority',                    [shown($named)], undef, [@itself]],
    ['itself its authority, callback yes',      [shown($named)], 'yes', [@itself]],
    ['itself its authority, callback no',       [shown($named)], 'no',  [@itself]],
    [
        'another name, scheme none',
        [shown($named)],
        'yes',
        [
            @itself,
            SSL_verifycn_name   => 'other.example',
            SSL_verifycn_scheme => 'none'
        ]
    ],
    ['the name it is for', [shown($named)], 'yes', [@itself, SSL_verifycn_name => 'localhost']],
    ['leaf and intermediate, root known',     [shown($named_leaf, $chain->{intermediate})], 'yes',  [@root]],
    ['leaf alone, root known, callback yes',  [shown($named_leaf)],                         'yes',  [@root]],
    ['leaf alone, root known, callback same', [shown($named_leaf)],                         'same', [@root]],
    ['expired, callback yes',                 [shown($named_old)],                          'yes',  []],
    ['expired, callback same', [shown($named_old)], 'same', [SSL_ca_file => $named_old->{cert}]],
);

for my $case (@CLIENT_CASES) {
    my ($name, $show, $answer, $ssl) = @$case;
    subtest "clients side by side: $name" => sub {
        for (@VERSIONS) {
            my ($version, $flag) = @$_;
            my ($server,  $port) = s_server($flag, @$show);
            my ($wanted,  $got)  = map { connect_with($_, $port, $answer, @$ssl) } @LIBRARIES;
            is $got->{short}, $wanted->{short}, "$version: the calls are $wanted->{short}";
            is $got->{full},  $wanted->{full},  'and their arguments';
            is_deeply rest_of($got), rest_of($wanted), 'what is told afterwards';
        }
    };
}

# IO::Socket::SSL compares names by itself after its callback has been called
# for the leaf, Vouch while the chain is checked and for good; so neither the
# calls nor the words are the same here, but nobody gets through.
subtest 'clients side by side: another name is refused whatever the callback says' => sub {
    for my $answer (undef, 'yes') {
        my ($server, $port) = s_server(shown($named));
        my ($theirs, $ours) =
            map { connect_with($_, $port, $answer, @itself, SSL_verifycn_name => 'other.example') }
            @LIBRARIES;
        is $theirs->{refused}, 'hostname verification failed', 'theirs';
        like $ours->{refused}, qr/certificate verify failed .*hostname mismatch/i, 'ours';
    }
};

# Pins: Vouch looks at them first and then asks nobody; IO::Socket::SSL asks
# the callback first.  Who gets in is the same.
my @PINS = (['the right pin', $plain], ['another pin', $fine], ['another pin, known root', $fine, @root]);
for my $case (@PINS) {
    my ($name, $pinned, @more) = @$case;
    subtest "side by side: $name" => sub {
        for my $answer (qw(yes same)) {
            my ($theirs, $ours) = both_servers($answer, SSL_fingerprint => fingerprint_of($pinned), @more);
            for my $flag (map { $_->[1] } @VERSIONS) {
                my ($wanted, $got) = map { show_to($_, $flag, shown($plain)) } $theirs, $ours;
                is defined $got->{refused}, defined $wanted->{refused},
                    "$flag, callback $answer: " . ($wanted->{refused} // 'accepted');
            }
        }
    };
}
%servers = ();

# One talk between the libraries, each in a process of its own.
sub talk {
    my ($server, $client_library, @ssl) = @_;
    my $client = $client_library->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $server->port,
        SSL_verify_mode => 0,
        @ssl,
    ) or return { refused => last_error($client_library) };
    print {$client} "hello\n";
    my $reply = <$client>;
    my %facts = (reply => $reply, %{ peer_facts($client_library, $client) });
    $client->close;
    return \%facts;
}

my $server_print = fingerprint_of($server[0]);

for my $pair (['IO::Socket::SSL', 'Vouch::Socket'], ['Vouch::Socket', 'IO::Socket::SSL']) {
    my ($client_library, $server_library) = @$pair;
    for (@VERSIONS) {
        my ($version, $flag) = @$_;
        my $what   = "$client_library to $server_library, $version";
        my $server = noting_server($server_library, 'yes', SSL_version => $version);

        for my $key (qw(ec:prime256v1 rsa:2048 ed25519)) {
            subtest "$what, client key $key" => sub {
                my @client = identity('client', cn => 'Client', key => $key);
                my $seen   = talk(
                    $server, $client_library,
                    SSL_cert_file => $client[0],
                    SSL_key_file  => $client[1]
                );
                is_deeply [@$seen{qw(reply fingerprint cn version)}],
                    ["bye\n", $server_print, 'localhost', $version], 'what the client sees';
                my $told = told_by($server);
                is_deeply [@$told{qw(line fingerprint cn version short)}],
                    ["hello\n", fingerprint_of($client[0]), 'Client', $version, '0/18/0 1/18/0'],
                    'what the server sees';
            };
        }

        subtest "$what, without a client certificate" => sub {
            is talk($server, $client_library)->{reply}, "bye\n", 'served';
            is_deeply [@{ told_by($server) }{qw(line fingerprint short)}], ["hello\n", undef, ''],
                'as nobody';
        };

        subtest "$what, the client knows the server by its fingerprint" => sub {
            my @checks = (SSL_verify_mode => 1, SSL_ca_file => \undef);
            my $seen   = talk($server, $client_library, @checks, SSL_fingerprint => $server_print);
            is $seen->{reply}, "bye\n", 'the right one' or diag $seen->{refused};
            told_by($server);
            $seen = talk($server, $client_library, @checks, SSL_fingerprint => fingerprint_of($alex[0]));
            like $seen->{refused}, qr/certificate verify failed/, 'another is refused';
            told_by($server);
            $seen = talk(
                $server,
                $client_library,
                @checks,
                SSL_verify_callback => sub {
                    my $print = Net::SSLeay::X509_get_fingerprint($_[4], 'sha256');
                    return lc $print =~ s/://gr eq $server_print =~ s/.*\$//r;
                }
            );
            is $seen->{reply}, "bye\n", 'or a callback that asks Net::SSLeay' or diag $seen->{refused};
            told_by($server);
        };

        subtest "$what, refused" => sub {
            my $refusing = noting_server($server_library, 'no', SSL_version => $version);
            my $seen     = talk(
                $refusing, $client_library,
                SSL_cert_file => $alex[0],
                SSL_key_file  => $alex[1]
            );
            is $seen->{reply}, undef, 'nothing is served';
            like told_by($refusing)->{refused}, qr/certificate verify failed/, 'the server says so';
        };
    }
}

subtest 'lines, records and binary data between the libraries' => sub {
    for my $pair (['IO::Socket::SSL', 'Vouch::Socket'], ['Vouch::Socket', 'IO::Socket::SSL']) {
        my ($client_library, $server_library) = @$pair;
        my $server = VouchTest::Server->start(
            class => $server_library,
            ssl   => { SSL_cert_file => $server[0], SSL_key_file => $server[1] },
            serve => sub {
                my ($client) = @_;
                my $count = <$client>;
                $client->read(my $bytes, $count);
                print {$client} scalar reverse($bytes), "\n";
                printf {$client} "%s %d\n", 'done', length $bytes;
                $client->close;
            },
        );
        my $client = $client_library->new(
            PeerHost        => '127.0.0.1',
            PeerPort        => $server->port,
            SSL_verify_mode => 0
        ) or return fail("connect: $!");
        my $bytes = join q(), map { pack 'N', $_ } 1 .. 50_000;
        print {$client} length $bytes, "\n", $bytes;
        my $back = q();
        my $got  = 1;
        $got = sysread $client, $back, 10_000, length $back while $got;
        is $got, 0, 'the end';
        ok $back eq reverse($bytes) . "\ndone 200000\n", "$client_library to $server_library: all of it";
    }
};

done_testing;
