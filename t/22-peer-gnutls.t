use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'gnutls-cli' => 'gnutls-bin';
use VouchTest        qw(identity);
use VouchTest::Facts qw(accept_all facts facts_server);
use VouchTest::PKI   qw(bundle chain expired fingerprint_of);
use VouchTest::Peer  ();
use Vouch::Socket;

# gnutls-cli, of Debian's package gnutls-bin, as the client of our server: a
# TLS library that is not OpenSSL.

my %PRIORITY = (
    TLSv1_2 => 'NORMAL:-VERS-ALL:+VERS-TLS1.2',
    TLSv1_3 => 'NORMAL:-VERS-ALL:+VERS-TLS1.3',
);

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);

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

sub gnutls_cli {
    my ($server, $version, @arguments) = @_;
    return VouchTest::Peer->start('gnutls-cli', '--priority', $PRIORITY{$version}, '-p', $server->port,
        @arguments, '127.0.0.1',);
}

# One line there, one line back; all that gnutls-cli prints.
sub talk {
    my ($client) = @_;
    $client->send("hello\n");
    $client->finish;
    return $client->text;
}

sub shows { my ($cert, $key) = @_; return ('--x509certfile', $cert, '--x509keyfile', $key) }

for my $version (sort keys %PRIORITY) {
    my $server   = server();
    my @insecure = ($version, '--no-ca-verification');

    for my $key (qw(ec:prime256v1 ec:secp384r1 rsa:2048 ed25519)) {
        subtest "$version with a client key $key" => sub {
            my @client = identity('client', cn => 'Client', key => $key);
            my $client = gnutls_cli($server, @insecure, shows(@client));
            $client->wait_for(qr/Handshake was completed/);
            pass 'the handshake is done';
            $client->send("hello\n");
            $client->wait_for(qr/^bye$/m);
            pass 'the reply arrives';
            is $client->finish, 0, 'gnutls-cli is content with how it ended';
            my $facts = facts($server);
            is $facts->{line},            "hello\n",                  'the line arrives';
            is $facts->{get_sslversion},  $version,                   'the version';
            is $facts->{get_fingerprint}, fingerprint_of($client[0]), 'the fingerprint';
            is $facts->{cn},              'Client',                   'the common name';
            is $facts->{calls},           '0/18/0 1/18/0',            'the callback was called twice';
        };
    }

    subtest "$version without a client certificate" => sub {
        my $client = gnutls_cli($server, @insecure);
        $client->wait_for(qr/Handshake was completed/);
        like talk($client), qr/^bye$/m, 'the reply arrives';
        my $facts = facts($server);
        is_deeply [@$facts{qw(line cn get_fingerprint calls)}], ["hello\n", undef, undef, ''],
            'no certificate, no callback';
    };

    subtest "$version, a certificate is demanded" => sub {
        my $strict = server(SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
        my $client = gnutls_cli($strict, @insecure);
        my $text   = talk($client);
        like $text,   qr/Received alert.*(?:Certificate is required|Handshake failed)/, 'an alert says so';
        unlike $text, qr/^bye$/m,                                                       'nothing is served';
        like facts($strict)->{refused},
            qr/\ASSL accept attempt failed error:0A0000C7:SSL routines::peer did not return a certificate/,
            'and accept says so';
    };

    subtest "$version, a callback that refuses" => sub {
        my $refusing = server(SSL_verify_callback => sub { 0 });
        my @client   = identity('client', cn => 'Client');
        like talk(gnutls_cli($refusing, @insecure, shows(@client))), qr/Received alert.*CA is unknown/,
            'an alert says so';
        like facts($refusing)->{refused}, qr/certificate verify failed/, 'and accept says so';
    };

    subtest "$version, an expired certificate and no callback" => sub {
        my $expired  = expired('old');
        my $trusting = server(SSL_verify_callback => undef, SSL_ca_file => $expired->{cert});
        like talk(gnutls_cli($trusting, @insecure, shows(@$expired{qw(cert key)}))),
            qr/Received alert.*expired/, 'an alert says so';
        like facts($trusting)->{refused}, qr/certificate has expired/, 'and accept says so';
    };

    subtest "$version, a chain" => sub {
        my $chain  = chain('gnutls');
        my $leaf   = $chain->{leaf};
        my $strict = server(SSL_verify_callback => undef, SSL_ca_file => $chain->{root}{cert});
        my $file   = bundle($leaf, $chain->{intermediate});
        like talk(gnutls_cli($strict, @insecure, shows($file, $leaf->{key}))), qr/^bye$/m, 'it is accepted';
        my $facts = facts($strict);
        is_deeply [@$facts{qw(cn sent by)}], ['gnutls-leaf', 2, 'chain'], 'leaf and intermediate';
    };

    subtest "$version, gnutls-cli checks our certificate and name" => sub {
        my @trust = ($version, '--x509cafile', $server[0]);
        like talk(gnutls_cli($server, @trust, '--verify-hostname', 'localhost')), qr/^bye$/m, 'accepted';
        facts($server);
        my $text = talk(gnutls_cli($server, @trust, '--verify-hostname', 'elsewhere.example'));
        like $text, qr/name in the certificate does not match/, 'another name is refused by the client';
        ok !exists facts($server)->{cn}, 'the server learns nothing';
        like talk(gnutls_cli($server, @insecure)), qr/^bye$/m, 'and serves the next';
        facts($server);
    };

    subtest "$version, protocol and server name" => sub {
        my $alpn = server(SSL_alpn_protocols => ['gemini']);
        my $text = talk(gnutls_cli(
            $alpn, @insecure, '--alpn', 'h2', '--alpn', 'gemini', '--sni-hostname', 'one.example'
        ));
        like $text, qr/Application protocol: gemini/, 'gnutls-cli is told the protocol';
        my $facts = facts($alpn);
        is_deeply [@$facts{qw(alpn_selected get_servername)}], ['gemini', 'one.example'], 'both are known';
    };

    subtest "$version, gnutls-cli resumes" => sub {
        my @client    = identity('client', cn => 'Client');
        my $resumable = server(SSL_session_tickets => 1);
        my $client    = gnutls_cli($resumable, @insecure, '--resume', '--waitresumption', shows(@client));
        $client->wait_for(qr/Simple Client Mode/);
        $client->send("one\n");
        $client->finish;
        my $first  = facts($resumable);
        my $second = facts($resumable);
        is $first->{get_session_reused},  '',                         'a full handshake first';
        is $second->{get_session_reused}, 1,                          'then a short one';
        is $second->{get_fingerprint},    fingerprint_of($client[0]), 'with the same client';
    };
}

done_testing;
