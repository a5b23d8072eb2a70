use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs openssl => 'openssl';
use VouchTest         qw(identity run_command temp_dir);
use VouchTest::Server ();
use Vouch::Socket;

# The server and the client of the 2020 article: what they print.

my @server = identity('server', cn => 'localhost');

# What one client of the seed server makes it tell.
sub seed_server {
    my (%ssl) = @_;
    my $told;
    return VouchTest::Server->start(
        ssl => {
            SSL_cert_file       => $server[0],
            SSL_key_file        => $server[1],
            SSL_verify_mode     => SSL_VERIFY_PEER,
            SSL_verify_callback => sub { $told->("Verifying: @_"); return 1 },
            %ssl,
        },
        listening => sub { $told = $_[1] },
        serve     => sub {
            my ($client, $tell) = @_;
            my $input = <$client>;
            $tell->($input, $client->get_fingerprint, scalar $client->peer_certificate('cn'));
            print $client "hanging up\r\n";
        },
    );
}

sub seed_client {
    my ($port, %ssl) = @_;
    my $client = Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $port,
        SSL_verify_mode => SSL_VERIFY_NONE,
        %ssl,
    ) or return ("failed connect or ssl handshake: $!,$SSL_ERROR");
    print $client "hello\r\n";
    return ($client->get_fingerprint, scalar <$client>);
}

sub openssl_fingerprint {
    my ($file) = @_;
    my (undef, $out) = run_command([qw(openssl x509 -noout -fingerprint -sha256 -in), $file]);
    $out =~ s/.*=//;
    return 'sha256$' . lc $out =~ s/[:\n]//gr;
}

for my $version (qw(TLSv1_3 TLSv1_2)) {
    for my $key (qw(ec:prime256v1 ec:secp384r1 rsa:2048 rsa:4096 ed25519)) {
        subtest "$version with a client key $key" => sub {
            my ($cert, $key_file) = identity('alex', cn => 'Alex', key => $key);
            my $server = seed_server(SSL_version => $version);
            my ($fingerprint, $reply) = seed_client(
                $server->port,
                SSL_cert_file => $cert,
                SSL_key_file  => $key_file
            );
            is $fingerprint, openssl_fingerprint($server[0]), 'the client sees the server by its fingerprint';
            is $reply,       "hanging up\r\n",                'the client gets the reply';
            my $error = 'error:00000012:lib(0)::reason(18)';
            like $server->next_line, qr{\AVerifying: 0 [0-9]+ /CN=Alex/CN=Alex \Q$error\E [0-9]+ 0\z},
                'the callback is first told the fault';
            like $server->next_line, qr{\AVerifying: 1 [0-9]+ /CN=Alex/CN=Alex \Q$error\E [0-9]+ 0\z},
                'and then that it was allowed';
            is $server->next_line, "hello\r\n",                'the line arrives';
            is $server->next_line, openssl_fingerprint($cert), 'the fingerprint is that of openssl x509';
            is $server->next_line, 'Alex',                     'the common name';
        };
    }
    subtest "$version without a client certificate" => sub {
        my $server = seed_server(SSL_version => $version);
        my ($fingerprint, $reply) = seed_client($server->port);
        is $reply, "hanging up\r\n", 'the client is served';
        is_deeply [$server->next_lines(3)], ["hello\r\n", 'undef', 'undef'],
            'no fingerprint, no name, no crash, no callback';
    };
}

done_testing;
