use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Mojo::Base' => 'libmojolicious-perl', openssl => 'openssl';
use VouchTest          qw(identity run_command spew temp_dir);
use VouchTest::Library qw(environment judge on_vouch same_on_both version_of);
use VouchTest::Peer    ();
use Vouch::Certificate ();

# A Mojolicious application as its users start it: a process of its own,
# "app.pl daemon", that knows of Vouch by PERL5OPT only.

version_of('Mojolicious');

my @server = identity('server', cn => 'localhost',     san => ['localhost', '127.0.0.1']);
my @other  = identity('other',  cn => 'other.example', san => ['other.example']);
my @alex   = identity('alex',   cn => 'Alex');
my $alex   = Vouch::Certificate->from_file($alex[0])->fingerprint;

my $app = spew(temp_dir() . '/app.pl', <<'PERL');
use Mojolicious::Lite -signatures;
use Mojo::Util qw(sha1_sum);
$| = 1;
sub who ($c) { return Mojo::IOLoop->stream($c->tx->connection)->handle->peer_certificate('cn') // 'nobody' }
get '/' => sub ($c) { $c->render(text => join ' ', who($c), $c->req->is_secure ? 'secure' : 'plain') };
get '/print' => sub ($c) { $c->render(text => Mojo::IOLoop->stream($c->tx->connection)->handle->get_fingerprint // 'none') };
get '/connection' => sub ($c) { $c->render(text => $c->tx->connection) };
get '/end' => sub ($c) { $c->tx->on(finish => sub { Mojo::IOLoop->stop }); $c->render(text => 'farewell') };
post '/sum' => sub ($c) { $c->render(text => join ' ', length $c->req->body, sha1_sum $c->req->body) };
websocket '/echo' => sub ($c) {
    $c->inactivity_timeout(60);
    $c->tx->max_websocket_size(10_000_000);
    $c->on(message => sub ($c, $text) { $c->send(length $text > 100 ? length $text : who($c) . " said $text") });
    $c->on(finish => sub ($c, $code, $reason = undef) { print STDERR "finished $code\n" });
};
app->log->level('fatal');
app->max_request_size(10_000_000);
app->start;
PERL

# The daemon, of Vouch or genuine, and the port it listens on.
sub start_daemon {
    my ($whose, $query) = @_;
    my $listen = "https://127.0.0.1?cert=$server[0]&key=$server[1]&$query";
    my $daemon =
        VouchTest::Peer->start({ env => { environment($whose), MOJO_REACTOR => 'Mojo::Reactor::Poll' } },
        $^X, $app, 'daemon', '-l', $listen);
    return ($daemon, scalar $daemon->wait_for(qr{available at https://127\.0\.0\.1:([0-9]+)}));
}

# Both kinds of daemon must end well, and have been what they should be.
sub ended_well {
    my ($whose, $daemon, @expected) = @_;
    is $daemon->finish, 0, 'the daemon ends when it is told to';
    judge($whose, $daemon->err =~ s/^finished 1[0-9]+\n//mgr);
    return;
}

my $BEGIN = <<'PERL';
use v5.16;
use warnings;
use Mojo::UserAgent;
my ($port, $ca, $cert, $key) = @ARGV;
my $base = "https://localhost:$port";
my $ua = Mojo::UserAgent->new(ca => $ca, $cert ? (cert => $cert, key => $key) : ())->inactivity_timeout(20);
sub text { my $tx = shift; return $tx->error ? "error: $tx->{error}{message}" : $tx->res->body }
$| = 1;
PERL

my $VISIT = $BEGIN . <<'PERL';
my %seen;
say text($ua->get("$base/"));
say text($ua->get("$base/print"));
$seen{ text($ua->get("$base/connection")) } = 1 for 1 .. 5;
say scalar keys %seen, ' connection';
say text($ua->post("$base/sum", 'x' x 3_000_000));
my @said;
$ua->max_connections(0)->websocket("wss://localhost:$port/echo" => sub {
    my ($ua, $tx) = @_;
    if (!$tx->is_websocket) { say 'no websocket'; return Mojo::IOLoop->stop }
    $tx->on(message => sub {
        my ($tx, $text) = @_;
        push @said, $text;
        @said == 3 ? $tx->finish : @said == 2 ? $tx->send('x' x 200_000) : $tx->send('more');
    });
    $tx->on(finish => sub { Mojo::IOLoop->stop });
    $tx->send('hello');
});
Mojo::IOLoop->timer(40 => sub { say 'too slow'; Mojo::IOLoop->stop });
Mojo::IOLoop->start;
say for @said;
say text($ua->get("$base/end"));
PERL

for my $whose ('Vouch', 'genuine') {
    subtest "a daemon and client certificates, $whose" => sub {
        my ($daemon, $port) = start_daemon($whose, "ca=$alex[0]&verify=0x03");
        is on_vouch($VISIT, $port, $server[0], @alex), <<"TEXT", 'pages, keep-alive, a web socket';
Alex secure
$alex
1 connection
3000000 f252737c4c71dd6abe2f3c1e267ef94b76a5db7f
Alex said hello
Alex said more
200000
farewell
TEXT
        ended_well($whose, $daemon);
    };
}

subtest 'without the right certificate' => sub {
    my ($daemon, $port) = start_daemon('Vouch', "ca=$alex[0]&verify=0x03");
    my $ask = $BEGIN . <<'PERL';
$ua->get_p("$base/")->then(sub { say $_[0]->res->body }, sub { say 'refused' })->wait;
PERL
    is on_vouch($ask, $port, $server[0]), "refused\n", 'none is refused';
    is on_vouch($ask, $port, $server[0], @other), "refused\n",     'an unknown one is refused';
    is on_vouch($ask, $port, $server[0], @alex),  "Alex secure\n", 'the next visitor is served';
    on_vouch($BEGIN . 'text($ua->get("$base/end"));', $port, $server[0], @alex);
    ended_well('Vouch', $daemon);
};

# The openssl command, with a session of an earlier visit or to keep one.
sub visit {
    my ($port, @more) = @_;
    my ($status, $out, $error) = run_command(
        [qw(openssl s_client -ign_eof -connect), "127.0.0.1:$port", '-CAfile', $server[0], @more],
        stdin => "GET /connection HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    return ($out, $error);
}

subtest 'sessions resume' => sub {
    my $session = temp_dir() . '/session.pem';
    for my $version (qw(-tls1_3 -tls1_2)) {
        my ($daemon, $port) = start_daemon('Vouch', '');
        like + (visit($port, $version, '-sess_out', $session))[0], qr/^New, TLS/m,
            "$version: the first is new";
        like + (visit($port, $version, '-sess_in', $session))[0], qr/^Reused, TLS/m,
            "$version: the second resumes it";
        like + (visit($port, $version, '-servername', 'localhost'))[0], qr/closed$/m,
            "$version: it ends with close_notify";
        on_vouch($BEGIN . 'text($ua->get("$base/end"));', $port, $server[0]);
        ended_well('Vouch', $daemon);
    }
};

subtest 'a certificate for each name' => sub {
    my ($daemon, $port) = start_daemon('Vouch', "other.example_cert=$other[0]&other.example_key=$other[1]");
    like + (visit($port, '-servername', 'localhost'))[0],     qr/^subject=CN = localhost$/m,      'the first';
    like + (visit($port, '-servername', 'other.example'))[0], qr/^subject=CN = other\.example$/m, 'the other';
    like + (visit($port, '-noservername'))[0], qr/^subject=CN = localhost$/m, 'none asked for';
    on_vouch($BEGIN . 'text($ua->get("$base/end"));', $port, $server[0]);
    ended_well('Vouch', $daemon);
};

done_testing;
