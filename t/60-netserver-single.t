use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use Time::HiRes          qw(time);
use VouchTest            qw(identity);
use VouchTest::NetServer qw(exchange ending);
use VouchTest::Relay     ();
use Vouch::Socket;

# Net::Server itself, one process that serves one client after the other: who
# is slow, silent or wrong neither delays the others nor ends the server.

my @alex = identity('alex', cn => 'Alex');

my $SERVER = <<'PERL';
my $served = 0;
sub arguments { return (SSL_verify_callback => sub { my $cn = $_[4] && $_[4]->common_name // ''; die "no $cn\n" if $cn eq 'Nobody'; return $cn ne 'Stranger' }) }
sub process_request {
    my ($self) = @_;
    my $line = <STDIN>;
    $served++;
    my $client = $self->{server}{client};
    say join ' ', $served, $line ? $line =~ s/\s+\z//r : 'nothing', $client->can('peer_certificate') ? $client->peer_certificate('cn') // 'nobody' : 'tcp',
        $client->NS_port;
}
PERL

sub start {
    my (%arguments) = @_;
    return VouchTest::NetServer->start(Single => { SSL_verify_mode => 1, %arguments }, $SERVER);
}

sub stops {
    my ($server) = @_;
    is $server->stop,          0,  'the server ends well';
    is $server->warnings_said, '', 'without a warning';
    return;
}

sub answer {
    my ($server, %arg) = @_;
    return exchange($server->client(%arg), "hello\n") // 'no answer';
}

# A client that has begun its handshake, and waits.
sub slow_client {
    my ($server, %arg) = @_;
    return VouchTest::Relay->new(delete $arg{PeerPort} // $server->port, %arg)->send(20);
}

# Finish the handshake, send this, and return the line that is answered.
sub finish {
    my ($client, $line) = @_;
    my $tls = $client->handshake->tls;
    print {$tls} $line;
    my $answer = '';
    $client->run(sub { $tls->sysread($answer, 16_384, length $answer); $answer =~ /\n/ });
    return $answer;
}

subtest 'silent clients' => sub {
    my $server = start();
    my @silent = map { $server->tcp } 1 .. 50;
    my $start  = time;
    is answer($server), $_ . ' hello nobody ' . $server->port . "\n", "client $_ beside them" for 1 .. 5;
    cmp_ok time - $start, '<', 5, 'without waiting for their time to be over';
    syswrite $_, "\x16" for @silent;
    is answer($server), '6 hello nobody ' . $server->port . "\n", 'each of them has sent a byte';
    stops($server);
};

subtest 'a handshake goes on when it is its turn' => sub {
    my $server = start();
    my $slow   = slow_client($server, SSL_cert_file => $alex[0], SSL_key_file => $alex[1]);
    is answer($server),         '1 hello nobody ' . $server->port . "\n", 'another client overtakes it';
    is finish($slow, "slow\n"), '2 slow Alex ' . $server->port . "\n",    'it ends, and its client is served';
    stops($server);
};

subtest 'failures' => sub {
    my $server = start(SSL_handshake_timeout => 0.3);
    my $start  = time;
    for (1 .. 40) {
        my $tcp = $server->tcp;
        print {$tcp} "GET / HTTP/1.0\r\n\r\n";
        close $tcp;
    }
    is answer($server), '1 hello nobody ' . $server->port . "\n",
        'forty in a row do not end it, and process_request does not see them';
    cmp_ok time - $start, '<', 10, 'nor does it sleep after each';
    my @stranger = identity('stranger', cn => 'Stranger');
    my $client   = $server->client(SSL_cert_file => $stranger[0], SSL_key_file => $stranger[1]);
    like exchange($client, "hello\n") // "refused $SSL_ERROR", qr/refused|no client/,
        'a certificate that is refused';
    my @nobody = identity('nobody', cn => 'Nobody');
    $client = $server->client(SSL_cert_file => $nobody[0], SSL_key_file => $nobody[1]);
    like exchange($client, "hello\n") // "refused $SSL_ERROR", qr/refused|no client/, 'a callback that dies';
    my $silent = $server->tcp;
    is sysread($silent, my $bytes, 1), 0, 'one that says nothing is sent away';
    is answer($server),                '2 hello nobody ' . $server->port . "\n", 'the next is served';
    my $log = $server->log;
    like $log,   qr/log 2: No TLS with 127.0.0.1:[0-9]+: .*http request/,            'HTTP is told';
    like $log,   qr/log 2: No TLS with 127.0.0.1:[0-9]+: .*certificate was refused/, 'a refusal';
    like $log,   qr/no Nobody/,                                              'what the callback died with';
    like $log,   qr/log 2: No TLS with 127.0.0.1:[0-9]+: .*(?:time|within)/, 'a deadline';
    unlike $log, qr/Accept failed|accept retries/,                           'none counts as a failed accept';
    is $server->stop, 0, 'the server ends well';
};

subtest 'two ports' => sub {
    my $server = start(port => [0, 0]);
    my ($one, $two) = map { $server->port($_) } 0, 1;
    my @silent = map { $server->tcp(PeerPort => $_) } $one, $two, $one, $two;
    my $start  = time;
    is answer($server, PeerPort => $two), "1 hello nobody $two\n", 'a client at the second';
    is answer($server, PeerPort => $one), "2 hello nobody $one\n", 'at the first';
    is answer($server, PeerPort => $two), "3 hello nobody $two\n", 'at the second again';
    cmp_ok time - $start, '<', 5, 'without waiting';
    my $slow = slow_client($server, PeerPort => $one);
    is answer($server, PeerPort => $two), "4 hello nobody $two\n", 'while a handshake has begun at the first';
    is finish($slow, "slow\n"),           "5 slow nobody $one\n",  'which ends though nobody else comes';
    my @both = map { slow_client($server, PeerPort => $_) } $one, $two;
    is finish($both[1], "b\n"), "6 b nobody $two\n", 'of two at once the one';
    is finish($both[0], "a\n"), "7 a nobody $one\n", 'and the other';
    $server->hup;
    is_deeply [sort map { $server->port($_) } 0, 1], [sort $one, $two], 'SIGHUP keeps both';
    like answer($server, PeerPort => $_), qr/\A[12] hello nobody $_\n\z/, 'and they work' for $one, $two;
    stops($server);
};

subtest 'the deadline with two ports' => sub {
    my $server = start(port => [0, 0], SSL_handshake_timeout => 0.3);
    my $silent = $server->tcp(PeerPort => $server->port(1));
    my $start  = time;
    is sysread($silent, my $bytes, 1), 0, 'ends a silent client, though nobody else comes';
    cmp_ok time - $start, '>', 0.2, 'not before';
    is answer($server), '1 hello nobody ' . $server->port . "\n", 'the next is served';
    stops($server);
};

subtest 'beside a port without TLS' => sub {
    my $server = start(port => ['0/vouch', '0/tcp']);
    my ($one, $two) = map { $server->port($_) } 0, 1;
    for my $round (1, 2) {
        my $tcp = $server->tcp(PeerPort => $two);
        print {$tcp} "plain\n";
        $tcp->flush;
        like readline($tcp), qr/\A[0-9]+ plain tcp $two\n\z/, "TCP, round $round";
        my $silent = $server->tcp(PeerPort => $one);
        like answer($server, PeerPort => $one), qr/\A[0-9]+ hello nobody $one\n\z/, "TLS, round $round";
    }
    stops($server);
};

subtest 'goodbye' => sub {
    my $server = start();
    my $client = $server->client;
    exchange($client, "hello\n");
    is ending($client), 'goodbye', 'a client is told that the connection ends';
    stops($server);
};

done_testing;
