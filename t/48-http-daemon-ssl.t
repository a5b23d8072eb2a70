use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs
    curl                => 'curl',
    'HTTP::Daemon::SSL' => 'libhttp-daemon-ssl-perl';
use VouchTest          qw(identity run_command spew temp_dir);
use VouchTest::Library qw(environment judge version_of);
use VouchTest::Peer    ();

# HTTP::Daemon::SSL as it is: a class with two bases that calls
# IO::Socket::SSL::accept as a function, and answers in the clear who comes
# without TLS.

version_of(qw(HTTP::Daemon HTTP::Daemon::SSL));

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');

my $program = spew(temp_dir() . '/daemon.pl', <<'PERL');
use strict;
use warnings;
use HTTP::Daemon::SSL;
use HTTP::Response;
$| = 1;
my ($cert, $key, $ca, $mode) = @ARGV;
my $daemon = HTTP::Daemon::SSL->new(LocalAddr => '127.0.0.1', SSL_cert_file => $cert, SSL_key_file => $key,
    SSL_ca_file => $ca, SSL_verify_mode => $mode) or die "$! $@";
print "at ", $daemon->url =~ m{\Ahttps://127\.0\.0\.1:([0-9]+)/\z}, ' ', ref $daemon, ' ', $daemon->product_tokens =~ /(\w+)/, "\n";
my ($left, $refused) = (1, 0);
while ($left) {
    my ($client, $peer) = $daemon->accept;
    if (!$client) { $refused++; next }
    while (my $request = $client->get_request) {
        my $path = $request->uri->path;
        my $text = join ' ', $request->method, $path, length $request->content, ref $client,
            $client->peer_certificate('cn') // 'nobody', $refused;
        $text = 'x' x 3_000_000 if $path eq '/large';
        $path eq '/forbidden' ? $client->send_error(403, 'no') : $client->send_response(HTTP::Response->new(200, 'OK', [], $text));
        $left = 0 if $path eq '/end';
        last if !$left;
    }
    $client->close;
}
print "ends\n";
PERL

sub start {
    my ($whose, $mode) = @_;
    my $peer =
        VouchTest::Peer->start({ env => { environment($whose) } }, $^X, $program, @server, $alex[0], $mode);
    my ($port, $told) = $peer->wait_for(qr/^at ([0-9]+) (.*)/m);
    is $told, 'HTTP::Daemon::SSL libwww', 'it listens';
    return ($peer, $port);
}

sub curl {
    my (@arguments) = @_;
    my ($status, $out, $error) = run_command([qw(curl -sS --cacert), $server[0], @arguments]);
    return $status == 0 ? $out : 'curl: ' . $error =~ s/\n\z//r;
}

my @cert = ('--cert', $alex[0], '--key', $alex[1]);

for my $whose (qw(Vouch genuine)) {
    subtest "a server, $whose" => sub {
        my ($peer, $port) = start($whose, 1);
        my $base = "https://localhost:$port";
        is curl("$base/one"), 'GET /one 0 HTTP::Daemon::ClientConn::SSL nobody 0', 'a page';
        is curl(@cert, "$base/one", "$base/two"),
            join('', map { "GET /$_ 0 HTTP::Daemon::ClientConn::SSL Alex 0" } qw(one two)),
            'two requests on one connection, with a certificate';
        is curl('-d', 'x' x 10_000, "$base/post"), 'POST /post 10000 HTTP::Daemon::ClientConn::SSL nobody 0',
            'POST';
        is length curl("$base/large"), 3_000_000, 'a large page';
        like curl("$base/forbidden"), qr/403 Forbidden/, 'an error page';
        is curl(@cert, "$base/end"), 'GET /end 0 HTTP::Daemon::ClientConn::SSL Alex 0', 'the last page';
        is $peer->finish,            0,                                                 'it ends well';
        judge($whose, $peer->err);
    };

    subtest "who is refused, $whose" => sub {
        my ($peer, $port) = start($whose, 3);
        my $base = "https://localhost:$port";
        like curl("http://localhost:$port/"), qr/attempted to make an unencrypted/,
            'plain HTTP is told in plain HTTP';
        like curl('-w', '%{http_code}', "http://localhost:$port/"), qr/400\z/, 'with the status 400';
        like curl("$base/"), qr/\Acurl: /, 'who has no certificate is refused';
        is curl(@cert, "$base/end"), 'GET /end 0 HTTP::Daemon::ClientConn::SSL Alex 3',
            'the next one is served';
        is $peer->finish, 0, 'it ends well';
        judge($whose, $peer->err);
    };
}

done_testing;
