use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs openssl => 'openssl';

use Time::HiRes qw(sleep time);

use VouchTest        qw(identity run_command temp_dir);
use VouchTest::Facts qw(accept_all facts facts_server);
use VouchTest::PKI   qw(bundle chain fingerprint_of);
use VouchTest::Peer  ();
use Vouch::Socket;

# The openssl command as the client of our server and the server of our
# client.

my @VERSIONS = (['TLSv1_2', '-tls1_2'], ['TLSv1_3', '-tls1_3']);

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');
my @blake  = identity('blake',  cn => 'Blake');

# Talk to our server: one line there, one line back.  (all output, status)
sub s_client {
    my ($server, @arguments) = @_;
    my ($status, $out, $err) =
        run_command([qw(openssl s_client -ign_eof -connect), '127.0.0.1:' . $server->port, @arguments],
        stdin => "hello\n",);
    return wantarray ? ("$out$err", $status) : "$out$err";
}

sub shows { my ($cert, $key) = @_; return ('-cert', $cert, '-key', $key) }

sub server {
    my (%arg) = @_;
    return facts_server(
        SSL_cert_file       => $server[0],
        SSL_key_file        => $server[1],
        SSL_verify_mode     => SSL_VERIFY_PEER,
        SSL_verify_callback => \&accept_all,
        %arg,
    );
}

for (@VERSIONS) {
    my ($version, $flag) = @$_;
    my $server = server();

    for my $key (qw(ec:prime256v1 ec:secp384r1 rsa:2048 ed25519)) {
        subtest "s_client, $version, client key $key" => sub {
            my @client = identity('client', cn => 'Client', key => $key);
            like s_client($server, $flag, shows(@client)), qr/^bye$/m, 'the reply arrives';
            my $facts = facts($server);
            is $facts->{line},            "hello\n",                  'the line arrives';
            is $facts->{get_sslversion},  $version,                   'the version';
            is $facts->{get_fingerprint}, fingerprint_of($client[0]), 'the fingerprint';
            is $facts->{cn},              'Client',                   'the common name';
            is $facts->{sent},            1,                          'one certificate was sent';
            is $facts->{calls},           '0/18/0 1/18/0',            'the callback was called twice';
        };
    }

    for my $key (qw(rsa:2048 ed25519)) {
        subtest "s_client, $version, server key $key" => sub {
            my ($cert, $file) = identity('other', cn => 'localhost', key => $key);
            my $other = server(SSL_cert_file => $cert, SSL_key_file => $file);
            like s_client($other, $flag, shows(@alex)), qr/^bye$/m, 'the reply arrives';
            is facts($other)->{cn}, 'Alex', 'the client is known';
        };
    }

    subtest "s_client, $version, without a client certificate" => sub {
        like s_client($server, $flag), qr/^bye$/m, 'the reply arrives';
        my $facts = facts($server);
        is $facts->{line},            "hello\n", 'the line arrives';
        is $facts->{get_fingerprint}, undef,     'no fingerprint';
        is $facts->{cn},              undef,     'no common name';
        is $facts->{sent},            0,         'no certificate was sent';
        is $facts->{calls},           '',        'the callback was not called';
    };

    subtest "s_client, $version, VOUCH_VERIFY_ANY" => sub {
        my $any = server(SSL_verify_mode => VOUCH_VERIFY_ANY, SSL_verify_callback => undef);
        s_client($any, $flag, shows(@alex));
        my $facts = facts($any);
        is_deeply [@$facts{qw(cn by get_fingerprint)}], ['Alex', 'any', fingerprint_of($alex[0])],
            'a certificate is accepted and known';
        s_client($any, $flag);
        $facts = facts($any);
        is_deeply [@$facts{qw(cn line)}], [undef, "hello\n"], 'none is accepted';
    };

    subtest "s_client, $version, a server that asks for no certificate" => sub {
        my $none = server(SSL_verify_mode => SSL_VERIFY_NONE, SSL_verify_callback => undef);
        like s_client($none, $flag, shows(@alex)), qr/^bye$/m, 'the reply arrives';
        is facts($none)->{cn}, undef, 'the client did not show who it is';
    };
}

subtest 'a server for one version only' => sub {
    my $server = server(SSL_version => 'TLSv1_3');
    my ($text) = s_client($server, '-tls1_2', shows(@alex));
    like $text,                     qr/alert protocol version/,  's_client is told with an alert';
    like facts($server)->{refused}, qr/unsupported protocol/,    'accept says what was wrong';
    like s_client($server, '-tls1_3', shows(@alex)), qr/^bye$/m, 'the next client is served';
};

subtest 'a chain of certificates' => sub {
    my $chain  = chain('client', cn => 'Leaf');
    my $server = server(SSL_ca_file => $chain->{root}{cert}, SSL_verify_callback => undef);
    my $leaf   = $chain->{leaf};
    my @chain  = ('-cert_chain', bundle($chain->{intermediate}));
    like s_client($server, shows(@$leaf{qw(cert key)}), @chain), qr/^bye$/m, 'the whole chain is accepted';
    my $facts = facts($server);
    is $facts->{sent}, 2,       'leaf and intermediate arrived';
    is $facts->{by},   'chain', 'the chain decided';
    is $facts->{dump_peer_certificate}, "Subject Name: /CN=Leaf\nIssuer  Name: /CN=client-intermediate\n",
        'subject and issuer';
    like s_client($server, shows(@$leaf{qw(cert key)})), qr/alert unknown ca/,   'the leaf alone is refused';
    like facts($server)->{refused}, qr/certificate verify failed.*local issuer/, 'and accept says why';
};

# A connection that keeps its session, if it is given one, in a file; and one
# that offers it.
sub first_connection {
    my ($server, $file, @arguments) = @_;
    unlink $file;
    s_client($server, @arguments, '-sess_out', $file);
    return facts($server);
}

sub second_connection {
    my ($server, $file, @arguments) = @_;
    my $text = s_client($server, @arguments, -e $file ? ('-sess_in', $file) : ());
    return (facts($server), $text);
}

# What the server knew of each, and the output of the second.
sub two_connections {
    my ($server, @arguments) = @_;
    my $file  = temp_dir() . '/session.pem';
    my $first = first_connection($server, $file, @arguments);
    return ($first, second_connection($server, $file, @arguments), -e $file ? 1 : 0);
}

for (@VERSIONS) {
    my ($version, $flag) = @$_;

    subtest "$version: no tickets where certificates are asked for" => sub {
        my ($first, $second, $text, $offered) = two_connections(server(), $flag, shows(@alex));
        is $offered,                      0,      's_client was given no session to keep';
        is $second->{get_session_reused}, '',     'the second handshake is a full one';
        is $second->{cn},                 'Alex', 'and shows the certificate again';
    };

    subtest "$version: tickets where no certificate is asked for" => sub {
        my $server = server(SSL_verify_mode => SSL_VERIFY_NONE, SSL_verify_callback => undef);
        my ($first, $second, $text) = two_connections($server, $flag);
        is $second->{get_session_reused}, 1, 'the second handshake resumes';
    };

    subtest "$version: a resumed session knows the same client" => sub {
        my $server = server(SSL_session_tickets => 1);
        my ($first, $second, $text) = two_connections($server, $flag, shows(@alex));
        is $first->{get_session_reused},  '', 'the first handshake is a full one';
        is $second->{get_session_reused}, 1,  'the second resumes';
        like $text, qr/^Reused, /m, 's_client says so too';
        is $second->{get_fingerprint}, fingerprint_of($alex[0]), 'the fingerprint';
        is $second->{$_}, $first->{$_}, "$_ is the same"
            for qw(get_fingerprint cn dump_peer_certificate sent get_sslversion get_cipher own);
        is $second->{calls}, '',        'the callback was not called again';
        is $second->{by},    'session', 'the verdict is that of the session';
    };

    subtest "$version: a chain in a resumed session" => sub {
        my $chain  = chain('resumed');
        my $leaf   = $chain->{leaf};
        my $server = server(
            SSL_session_tickets => 1,
            SSL_ca_file         => $chain->{root}{cert},
            SSL_verify_callback => undef,
        );
        my ($first, $second) = two_connections($server, $flag, shows(@$leaf{qw(cert key)}),
            '-cert_chain', $chain->{intermediate}{cert});
        is $second->{get_session_reused}, 1, 'resumed';
        is $second->{$_}, $first->{$_}, "$_ is the same" for qw(get_fingerprint cn dump_peer_certificate);
    };

    for my $callback ([undef, 'pins alone'], [sub { 0 }, 'pins and a callback that refuses']) {
        subtest "$version: a ticket is refused when the pin is gone: $callback->[1]" => sub {
            my $pin    = fingerprint_of($alex[0]);
            my $server = server(
                SSL_session_tickets => 1,
                SSL_fingerprint     => [$pin, fingerprint_of($blake[0])],
                SSL_verify_callback => $callback->[0],
                on_line             => sub { $_[2]->context->remove_pin($pin) },
            );
            my ($first, $second, $text) = two_connections($server, $flag, shows(@alex));
            is $first->{by}, 'pin', 'first the pin lets the client in';
            like $second->{refused}, qr/certificate verify failed/, 'then nothing does';
            like $text,              qr/alert/,                     'and s_client is told so';
        };
    }

    subtest "$version: a pin that stays resumes" => sub {
        my $server = server(
            SSL_session_tickets => 1,
            SSL_fingerprint     => [map { fingerprint_of($_) } $alex[0], $blake[0]],
            SSL_verify_callback => undef,
            on_line             => sub { $_[2]->context->remove_pin(fingerprint_of($blake[0])) },
        );
        my ($first, $second) = two_connections($server, $flag, shows(@alex));
        is $second->{get_session_reused}, 1, 'resumed';
    };
}

subtest 'a ticket is refused when the certificate has expired' => sub {
    my $end   = 4 + int time;
    my @short = identity('short', cn => 'Short', not_after => $end);
    my @cases = map { {
        name   => $_->[0],
        flag   => $_->[1],
        server => server(SSL_session_tickets => 1),
        file   => temp_dir() . "/session$_->[1].pem",
    } } @VERSIONS;
    for (@cases) {
        my $facts = first_connection(@$_{qw(server file flag)}, shows(@short));
        is $facts->{calls}, '0/18/0 1/18/0', "$_->{name}: first it is still valid";
    }
    sleep 0.05 while time < $end + 1;    # time itself is what we wait for
    for (@cases) {
        my ($facts, $text) = second_connection(@$_{qw(server file flag)}, shows(@short));
        like $text, qr/^New, /m, "$_->{name}: afterwards the handshake is a full one";
        is $facts->{get_session_reused}, '',        'the server says so too';
        is $facts->{calls}, '0/18/0 0/10/0 1/10/0', 'and the callback is told that it has expired';
    }
};

subtest 'our client does not resume as somebody else' => sub {
    my $server = server(SSL_session_tickets => 1);
    my $as     = sub {
        my ($identity, %arg) = @_;
        my $client = Vouch::Socket->new(
            PeerHost        => '127.0.0.1',
            PeerPort        => $server->port,
            SSL_verify_mode => SSL_VERIFY_NONE,
            SSL_cert_file   => $identity->[0],
            SSL_key_file    => $identity->[1],
            %arg,
        ) or return;
        print {$client} "hello\n";
        my $reply = <$client>;
        return $client;
    };
    my $alex = $as->(\@alex);
    is facts($server)->{cn}, 'Alex', 'a first connection as Alex';
    my $again = $as->(\@alex, SSL_reuse_ctx => $alex->context, SSL_session => $alex->session);
    is_deeply [@{ facts($server) }{qw(cn get_session_reused)}], ['Alex', 1], 'Alex resumes';
    my $blake = $as->(\@blake, SSL_session => $alex->session);
    is_deeply [@{ facts($server) }{qw(cn get_session_reused)}], ['Blake', ''],
        'Blake, offered the session of Alex, shows his own certificate';
};

subtest 'a client that renegotiates costs its own connection only' => sub {
    my $server = server();
    my $client = VouchTest::Peer->start(
        qw(openssl s_client -tls1_2 -connect),
        '127.0.0.1:' . $server->port,
        shows(@alex)
    );
    $client->wait_for(qr/Verify return code/);
    $client->send("R\n");
    $client->wait_for(qr/no renegotiation|RENEGOTIATING.*error/s);
    $client->finish;
    unlike $client->text, qr/^bye$/m, 'no new handshake was made and nothing was served';
    my $facts = facts($server);
    is $facts->{calls}, '0/18/0 1/18/0', 'the callback was not called for a second handshake';
    like s_client($server, '-tls1_2', shows(@blake)), qr/^bye$/m, 'the next client is served';
    is facts($server)->{cn}, 'Blake', 'and is known';
};

subtest 'the certificate for the name that was asked for' => sub {
    my %names = (q() => 'fallback', 'one.example' => 'one', '*.many.example' => 'many');
    my (%cert, %key);
    for my $name (keys %names) {
        ($cert{$name}, $key{$name}) = identity("sni-$names{$name}", cn => $names{$name});
    }
    my $server   = server(SSL_cert_file => \%cert, SSL_key_file => \%key);
    my %expected = (
        'one.example'      => 'one',
        'ONE.Example'      => 'one',
        'x.many.example'   => 'many',
        'a.b.many.example' => 'fallback',
        'many.example'     => 'fallback',
        'xone.example'     => 'fallback',
        'other.example'    => 'fallback',
    );
    for my $asked (sort keys %expected) {
        for (@VERSIONS) {
            my $text = s_client($server, $_->[1], '-servername', $asked, shows(@alex));
            like $text, qr/^subject=CN = $expected{$asked}$/m, "$asked, $_->[0]: $expected{$asked}";
            my $facts = facts($server);
            is_deeply [@$facts{qw(get_servername own cn)}], [$asked, $expected{$asked}, 'Alex'],
                'the server knows what it was asked for, what it showed, and the client';
        }
    }
    like s_client($server, '-noservername'), qr/^subject=CN = fallback$/m, 'no name: the default';
    is facts($server)->{get_servername}, undef, 'and the server knows that none was asked for';
};

subtest 'application protocols' => sub {
    my $server = server(SSL_alpn_protocols => ['gemini', 'http/1.1']);
    for (@VERSIONS) {
        my ($version, $flag) = @$_;
        like s_client($server, $flag, '-alpn', 'h2,http/1.1,gemini'), qr/^ALPN protocol: gemini$/m,
            "$version: the server's first choice is taken";
        is facts($server)->{alpn_selected}, 'gemini', 'and known';
        like s_client($server, $flag, '-alpn', 'http/1.1'), qr{^ALPN protocol: http/1\.1$}m,
            'the only common one is taken';
        is facts($server)->{alpn_selected}, 'http/1.1', 'and known';
        like s_client($server, $flag), qr/^No ALPN negotiated$/m, 'a client that names none';
        is facts($server)->{alpn_selected}, undef, 'has none';
        like s_client($server, $flag, '-alpn', 'h2'), qr/alert no application protocol/,
            'none in common: an alert';
        like facts($server)->{refused}, qr/no application protocol/, 'and accept says so';
    }
};

# openssl s_server with the identity, on a free port.
sub s_server {
    my ($identity, @arguments) = @_;
    my $server =
        VouchTest::Peer->start(qw(openssl s_server -accept 127.0.0.1:0), shows(@$identity), @arguments);
    my ($port) = $server->wait_for(qr/^ACCEPT .*:([0-9]+)$/m);
    return ($server, $port);
}

sub client {
    my ($port, %arg) = @_;
    return Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $port,
        SSL_verify_mode => SSL_VERIFY_NONE,
        %arg
    );
}

for (@VERSIONS) {
    my ($version, $flag) = @$_;

    for my $key (qw(ec:prime256v1 rsa:2048 ed25519)) {
        subtest "s_server, $version, keys $key" => sub {
            my @there = identity('there', cn => 'There', key => $key);
            my @here  = identity('here',  cn => 'Here',  key => $key);
            my ($server, $port) = s_server(\@there, $flag, qw(-Verify 1));
            my $client = client($port, SSL_cert_file => $here[0], SSL_key_file => $here[1])
                or return fail("connect: $!, $SSL_ERROR");
            is $client->get_fingerprint,        fingerprint_of($there[0]), 'the fingerprint of the server';
            is $client->peer_certificate('cn'), 'There',                   'its name';
            is $client->get_sslversion,         $version,                  'the version';
            print {$client} "hello\n";
            $server->wait_for(qr/^hello$/m);
            pass 'the line arrives';
            like $server->text, qr/^subject=CN = Here$/m, 'the server knows the client';
            $server->send("bye\n");
            is scalar <$client>, "bye\n", 'the reply arrives';
            $client->close;
            $server->wait_for(qr/^(?:DONE|CONNECTION CLOSED)$/m);
            pass 'the server sees the end';
        };
    }

    subtest "s_server, $version, without a client certificate" => sub {
        my ($server, $port) = s_server(\@server, $flag, qw(-verify 1));
        my $client = client($port) or return fail("connect: $!, $SSL_ERROR");
        print {$client} "hello\n";
        $server->wait_for(qr/^hello$/m);
        unlike $server->text, qr/Client certificate/, 'served without one';
    };

    subtest "s_server, $version, that demands a certificate" => sub {
        my ($server, $port) = s_server(\@server, $flag, qw(-Verify 1));
        my $client = client($port);
        my $error  = $client ? do { my $line = <$client>; "$SSL_ERROR" } : "$SSL_ERROR";
        like $error, qr/certificate required|handshake failure/, 'our client is told with the alert';
        $server->wait_for(qr/peer did not return a certificate/);
        pass 'the server refused it';
    };

    subtest "s_server, $version: our client checks the server" => sub {
        my ($server, $port) = s_server(\@server, $flag);
        ok client($port, SSL_verify_mode => SSL_VERIFY_PEER, SSL_ca_file => $server[0]),
            'the certificate as its own authority'
            or diag "$!, $SSL_ERROR";
        ok client($port, SSL_verify_mode => SSL_VERIFY_PEER, SSL_fingerprint => fingerprint_of($server[0])),
            'its fingerprint'
            or diag "$!, $SSL_ERROR";
        ok !client($port, SSL_verify_mode => SSL_VERIFY_PEER, SSL_ca_file => $alex[0]),
            'another authority: no';
        like $SSL_ERROR, qr/\ASSL connect attempt failed error:0A000086:.*certificate verify failed/,
            'and $SSL_ERROR says why';
        $server->wait_for(qr/alert (?:unknown ca|bad certificate)/);
        pass 'the server is told with an alert';
        ok !client(
            $port,
            SSL_verify_mode   => SSL_VERIFY_PEER,
            SSL_ca_file       => $server[0],
            SSL_verifycn_name => 'elsewhere.example'
            ),
            'the wrong host: no';
        like $SSL_ERROR, qr/hostname mismatch/i, 'and $SSL_ERROR says why';
    };

    subtest "s_server, $version: the name that our client asks for" => sub {
        my ($server, $port) =
            s_server(\@server, $flag, qw(-servername two.example), '-cert2', $alex[0], '-key2', $alex[1]);
        my $client = client($port, SSL_hostname => 'two.example') or return fail("connect: $!, $SSL_ERROR");
        is $client->peer_certificate('cn'), 'Alex', 'the certificate is the one for that name';
        $client->close;
        $client = client($port) or return fail("connect: $!, $SSL_ERROR");
        is $client->peer_certificate('cn'), 'localhost', 'an address is not asked for by name';
        $client->close;
        unlike $server->text, qr/TLS extension: "127/, 'and not sent';
    };

    subtest "s_server, $version: protocol and session" => sub {
        my ($server, $port) = s_server(\@server, $flag, qw(-alpn gemini));
        my $client = client($port, SSL_alpn_protocols => ['h2', 'gemini'])
            or return fail("connect: $!, $SSL_ERROR");
        is $client->alpn_selected, 'gemini', 'the application protocol';
        $server->send("one\n");
        is scalar <$client>, "one\n", 'a line (and the tickets before it)';
        my ($context, $session) = ($client->context, $client->session);
        ok $session, 'a session to resume';
        $client->close;
        my $again = client($port, SSL_reuse_ctx => $context, SSL_session => $session)
            or return fail("connect: $!, $SSL_ERROR");
        ok $again->get_session_reused, 'is resumed';
        is $again->get_fingerprint, fingerprint_of($server[0]), 'with the same server';
    };
}

done_testing;
