use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs curl => 'curl';

use Digest::SHA  qw(sha256_hex);
use MIME::Base64 qw(encode_base64);

use VouchTest         qw(identity run_command slurp spew temp_dir);
use VouchTest::PKI    qw(bundle chain fingerprint_of);
use VouchTest::Server ();
use Vouch::Certificate;
use Vouch::Socket;

# curl against a small HTTP server: requests, certificates, pins.

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');

my $PAGE = join q(), map { "line $_ of a longer page\n" } 1 .. 20_000;

# Each request is answered with who asks, or with the page; its body is told
# by its digest.
sub web_server {
    my (%ssl) = @_;
    return VouchTest::Server->start(
        ssl => {
            SSL_cert_file       => $server[0],
            SSL_key_file        => $server[1],
            SSL_verify_mode     => SSL_VERIFY_PEER,
            SSL_verify_callback => sub { 1 },
            %ssl,
        },
        serve => sub {
            my ($client, $tell) = @_;
            while (my ($path, $body) = read_request($client)) {
                my $who = $client->get_fingerprint // 'nobody';
                $tell->(join ' ', $path, $who, $client->alpn_selected // '-', sha256_hex($body));
                print {$client} answer($path eq '/page' ? $PAGE : "you are $who\n");
            }
        },
        refused => sub { $_[0]->("refused: $SSL_ERROR") },
    );
}

sub read_request {
    my ($client) = @_;
    my $first    = <$client> // return;
    my ($path)   = $first =~ m{\A(?:GET|POST) (/\S*) HTTP/1\.1\r\n\z} or return;
    my ($length, $waits) = (0, 0);
    while (defined(my $line = <$client>)) {
        last if $line eq "\r\n";
        $length = $1 if $line =~ /\AContent-Length: ([0-9]+)\r\n\z/i;
        $waits  = 1  if $line =~ /\AExpect: 100-continue\r\n\z/i;
    }
    print {$client} "HTTP/1.1 100 Continue\r\n\r\n" if $waits;
    my $body = q();
    $client->read($body, $length) if $length;
    return ($path, $body);
}

sub answer {
    my ($text) = @_;
    return join "\r\n", 'HTTP/1.1 200 OK', 'Content-Type: text/plain', 'Content-Length: ' . length $text,
        q(), $text;
}

# Status, body and messages of curl.
sub curl {
    my ($server, $path, @arguments) = @_;
    return run_command([qw(curl -q -sS --noproxy *), @arguments, url($server, $path)]);
}

sub url { my ($server, $path) = @_; return 'https://localhost:' . $server->port . $path }

# curl connects to 127.0.0.1 whatever localhost resolves to here.
sub trusting {
    my ($server) = @_;
    return ('--cacert', $server[0], '--resolve', 'localhost:' . $server->port . ':127.0.0.1');
}

my @SHOW = ('--cert', $alex[0], '--key', $alex[1]);

for my $version (['TLSv1_2', '--tls-max', '1.2'], ['TLSv1_3', '--tlsv1.3']) {
    my ($name, @flag) = @$version;
    my $server = web_server();
    my @trust  = (@flag, trusting($server));

    subtest "$name without a client certificate" => sub {
        my ($status, $body, $error) = curl($server, '/', @trust);
        is $status, 0,                  'curl is content' or diag $error;
        is $body,   "you are nobody\n", 'the answer';
        like $server->next_line, qr{\A/ nobody}, 'what the server saw';
    };

    subtest "$name with --cert" => sub {
        my ($status, $body, $error) = curl($server, '/', @trust, @SHOW);
        is $status, 0,                                            'curl is content' or diag $error;
        is $body,   'you are ' . fingerprint_of($alex[0]) . "\n", 'the answer names the fingerprint';
        like $server->next_line, qr{\A/ \Q@{[fingerprint_of($alex[0])]}\E }, 'what the server saw';
    };

    subtest "$name, a long page and a long request" => sub {
        my ($status, $body, $error) = curl($server, '/page', @trust, @SHOW);
        is $status, 0, 'curl is content' or diag $error;
        ok $body eq $PAGE, 'the page arrives whole';
        $server->next_line;
        my $file = spew(temp_dir() . '/body', pack 'N*', 1 .. 100_000);
        ($status, $body, $error) = curl($server, '/post', @trust, @SHOW, '--data-binary', "\@$file");
        is $status, 0, 'curl is content with the request' or diag $error;
        like $server->next_line, qr{\A/post \S+ \S+ @{[sha256_hex(slurp($file))]}\z}, 'which arrives whole';
    };

    subtest "$name, two requests over one connection" => sub {
        my ($status, $body, $error) = curl($server, '/2', @trust, @SHOW, url($server, '/1'));
        is $status, 0, 'curl is content' or diag $error;
        is $body, ('you are ' . fingerprint_of($alex[0]) . "\n") x 2, 'both answers';
        my @lines = $server->next_lines(2);
        like $lines[0], qr{\A/1 }, 'the first request';
        like $lines[1], qr{\A/2 }, 'the second';
    };

    subtest "$name, a callback that refuses" => sub {
        my $refusing = web_server(SSL_verify_callback => sub { 0 });
        my ($status, $body, $error) = curl($refusing, '/', @flag, trusting($refusing), @SHOW);
        isnt $status, 0, 'curl fails';
        like $error,               qr/alert unknown ca/, 'and says which alert it got';
        like $refusing->next_line, qr/refused: SSL accept attempt failed error:0A000086:/, 'accept says so';
    };

    subtest "$name, pins alone: no Perl is called" => sub {
        my $pinned = web_server(
            SSL_fingerprint     => curl_pin($alex[0]),
            SSL_verify_callback => undef,
            SSL_ca_file         => \undef
        );
        my ($status, $body, $error) = curl($pinned, '/', @flag, trusting($pinned), @SHOW);
        is $body, 'you are ' . fingerprint_of($alex[0]) . "\n", "a pin in curl's own spelling lets Alex in"
            or diag $error;
        $pinned->next_line;
        my @blake = identity('blake', cn => 'Blake');
        ($status) = curl($pinned, '/', @flag, trusting($pinned), '--cert', $blake[0], '--key', $blake[1]);
        isnt $status, 0, 'but not Blake';
    };
}

# The pin of a public key as curl spells it, by what Vouch says of it.
sub curl_pin {
    my ($file) = @_;
    my $spki = Vouch::Certificate->from_file($file)->digest(digest => 'sha256', of => 'spki');
    return 'sha256//' . encode_base64($spki, q());
}

subtest 'curl pins our key by the fingerprint that Vouch tells' => sub {
    for my $key (qw(ec:prime256v1 rsa:2048 ed25519)) {
        my ($cert, $file) = identity('pinned', cn => 'localhost', key => $key);
        my $server   = web_server(SSL_cert_file => $cert, SSL_key_file => $file);
        my @insecure = ('-k', '--resolve', 'localhost:' . $server->port . ':127.0.0.1');
        my ($status, $body, $error) = curl($server, '/', @insecure, '--pinnedpubkey', curl_pin($cert));
        is $status, 0,                  "$key: the pin fits" or diag $error;
        is $body,   "you are nobody\n", 'the answer';
        $server->next_line;
        ($status, $body, $error) = curl($server, '/', @insecure, '--pinnedpubkey', curl_pin($alex[0]));
        is $status, 90, 'another pin does not: curl says SSL_PINNEDPUBKEYNOTMATCH';
        like $error, qr/public key does not match/, 'in words';
    }
};

subtest 'curl checks our chain and name' => sub {
    my $chain  = chain('curl', cn => 'localhost', ext => ['subjectAltName=DNS:localhost']);
    my $leaf   = $chain->{leaf};
    my $server = web_server(
        SSL_cert_file => bundle($leaf, $chain->{intermediate}),
        SSL_key_file  => $leaf->{key},
    );
    my @resolve = map { ('--resolve', "$_:" . $server->port . ':127.0.0.1') } qw(localhost elsewhere.example);
    my @trust   = ('--cacert', $chain->{root}{cert}, @resolve);
    my ($status, $body, $error) = curl($server, '/', @trust);
    is $body, "you are nobody\n", 'leaf and intermediate are sent: the root is enough' or diag $error;
    $server->next_line;
    ($status, $body, $error) = run_command(
        [qw(curl -q -sS --noproxy *), @trust, 'https://elsewhere.example:' . $server->port . '/']);
    is $status, 60, 'another name: curl refuses';
    like $error, qr/no alternative certificate subject name matches/, 'and says why';
};

subtest 'curl negotiates HTTP/1.1 by ALPN' => sub {
    my $server = web_server(SSL_alpn_protocols => ['http/1.1']);
    my ($status, $body, $error) = curl($server, '/', trusting($server));
    is $status, 0, 'curl is content' or diag $error;
    like $server->next_line, qr{\A/ nobody http/1\.1 }, 'the server knows the protocol';
};

subtest 'plain HTTP to the TLS port' => sub {
    my $server = web_server();
    my ($status) =
        run_command([qw(curl -q -sS --noproxy * -m 10), 'http://127.0.0.1:' . $server->port . '/']);
    isnt $status, 0, 'curl fails';
    like $server->next_line, qr/refused: SSL accept attempt failed error:0A00009C:.*http request/,
        'accept says what it was';
    my ($next, $body) = curl($server, '/', trusting($server));
    is $body, "you are nobody\n", 'the next client is served';
};

done_testing;
