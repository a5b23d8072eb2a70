use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno          qw(EAGAIN EBUSY ETIMEDOUT);
use IO::Socket::IP ();
use POSIX          ();
use Socket         qw(SOCK_STREAM SOL_SOCKET SO_RCVBUF SO_SNDBUF);
use Time::HiRes    qw(sleep time);

use VouchTest         qw(identity);
use VouchTest::Server ();
use VouchTest::Turns  qw(listener sockets shake pair);
use Vouch::Socket;

# Every wait has an end: Timeout for a handshake, SSL_io_timeout for a read
# or a write.

my $SLOW = $ENV{VOUCH_TEST_TOOL} ? 20 : 4;    # seconds that a busy machine may add

my @server = identity('deadlines', cn => 'localhost');
my @ssl    = (SSL_cert_file => $server[0], SSL_key_file => $server[1]);

# Runs code; its result, errno, text, and how long it took.
sub timed {
    my ($code)  = @_;
    my $started = time;
    my $result  = $code->();
    my @error   = ($! + 0, "$SSL_ERROR", $SSL_ERROR + 0);
    return ($result, time - $started, @error);
}

# It failed after so many seconds, for the time was up.
sub is_late {
    my ($name, $seconds, $text, $code) = @_;
    my ($result, $took, $errno, $said, $number) = timed($code);
    subtest $name => sub {
        is $result, undef,     'it fails';
        is $errno,  ETIMEDOUT, '$! is ETIMEDOUT';
        is $number, ETIMEDOUT, 'so is $SSL_ERROR';
        like $said, $text, 'in words';
        cmp_ok $took, '>=', $seconds - 0.02,  'not too early';
        cmp_ok $took, '<',  $seconds + $SLOW, 'not too late';
    };
    return;
}

# TCP listeners that do not answer: one whose clients wait, one that reads.
sub mute_server {
    return IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 5) // die $@;
}

sub tcp {
    my ($port) = @_;
    return IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) // die $@;
}

sub tls {
    my ($port, @arguments) = @_;
    return Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $port,
        SSL_verify_mode => SSL_VERIFY_NONE,
        @arguments
    );
}

my $HANDSHAKE = sub {
    my ($verb, $seconds) = @_;
    qr/\ASSL $verb attempt failed: no handshake within $seconds seconds; /;
};

# --- handshakes --------------------------------------------------------------

{
    my $listener =
        Vouch::Socket->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5, @ssl, Timeout => 0.3);
    my $silent = tcp($listener->sockport);
    is_late 'accept, and a client that says nothing', 0.3, $HANDSHAKE->('accept', '0.3'),
        sub { scalar $listener->accept };
    is sysread($silent, my $bytes, 1), 0, 'that client was closed';
    is_late 'accept, and nobody', 0.3, qr/\Aaccept failed: /, sub { scalar $listener->accept };
    my @list = $listener->accept;
    is_deeply \@list, [], 'accept in list context returns nothing';
}

{
    my $mute = mute_server();
    is_late 'a client, and a server that says nothing', 0.3, $HANDSHAKE->('connect', '0.3'),
        sub { tls($mute->sockport, Timeout => 0.3) };
}

{
    my ($server, $client) = sockets(listener());
    $_->blocking(1) for $server, $client;
    is_late 'accept_SSL', 0.2, $HANDSHAKE->('accept', '0.2'), sub { $server->accept_SSL(Timeout => 0.2) };
    ok !$server->opened, 'which closes the socket';
    my $mute  = mute_server();
    my $plain = tls($mute->sockport, SSL_startHandshake => 0);
    is_late 'connect_SSL', 0.2, $HANDSHAKE->('connect', '0.2'), sub { $plain->connect_SSL(Timeout => 0.2) };
}

subtest 'a peer that says a little, now and then, does not move the end' => sub {
    my ($server, $client) = sockets(listener());
    $client->connect_SSL;
    my $port = $server->sockport;
    my ($slow, $other) = sockets(my $listener = listener());
    $slow->blocking(1);
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        Test::More->builder->no_ending(1);
        for my $byte (split //, "\x16\3\1\2\0" . 'x' x 100) { CORE::send $other, $byte, 0; sleep 0.05 }
        POSIX::_exit(0);
    }
    is_late 'as if it had said nothing', 0.5, $HANDSHAKE->('accept', '0.5'),
        sub { $slow->accept_SSL(Timeout => 0.5) };
    kill KILL => $pid;
    waitpid $pid, 0;
};

subtest 'a handshake that is in time' => sub {
    for my $timeout (5, 0, '5.5', 1e6) {
        my ($server, $client) = sockets(listener());
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            Test::More->builder->no_ending(1);
            $client->blocking(1);
            sleep 0.2;
            POSIX::_exit($client->connect_SSL(Timeout => $timeout) ? 0 : 1);
        }
        $server->blocking(1);
        ok $server->accept_SSL(Timeout => $timeout), "Timeout => $timeout: the server waits long enough";
        waitpid $pid, 0;
        is $?, 0, 'so does the client';
    }
};

subtest 'where a handle does not wait, no time is up' => sub {
    my ($server, $client) = sockets(listener());
    my ($result, $took, $errno, $text) = timed(sub { $server->accept_SSL(Timeout => 0.2) });
    is $result, undef,  'accept_SSL';
    is $errno,  EAGAIN, 'wants to be called again';
    cmp_ok $took, '<', 0.2, 'at once';
    ok shake($server, $client), 'and then is done';
};

subtest 'TCP that does not connect' => sub {
    socket my $full, Socket::AF_INET(), SOCK_STREAM, 0 or die "socket: $!";
    bind $full, Socket::pack_sockaddr_in(0, Socket::INADDR_LOOPBACK()) or die "bind: $!";
    listen $full, 0 or die "listen: $!";
    my ($port) = Socket::unpack_sockaddr_in(getsockname $full);
    my @waiting =
        map { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port, Blocking => 0) } 1 .. 4;
    my ($result, $took, $errno, $text) = timed(sub { tls($port, Timeout => 0.3) });
    is $result, undef,     'a client of a server whose queue is full';
    is $errno,  ETIMEDOUT, 'is told that the time is up';
    like $text, qr/\Acannot connect to 127\.0\.0\.1:$port: /, 'and where';
    cmp_ok $took, '<', 0.3 + $SLOW, 'in time';
};

# --- reading and writing -----------------------------------------------------

my %READS = (
    readline => sub { my ($s) = @_; return scalar <$s> },
    getline  => sub { my ($s) = @_; return $s->getline },
    sysread  => sub { my ($s) = @_; return sysread $s, my $bytes, 100 },
    read     => sub { my ($s) = @_; return read $s, my $bytes, 6 },
    getc     => sub { my ($s) = @_; return getc $s },
    peek     => sub { my ($s) = @_; return $s->peek(my $bytes, 100) },
);

for my $side (qw(server client)) {
    my %listener = (@ssl, $side eq 'server' ? (SSL_io_timeout => 0.2) : ());
    my %client   = $side eq 'client' ? (SSL_io_timeout => 0.2) : ();
    for my $how (sort keys %READS) {
        my ($server, $client) = pair({%listener}, {%client});
        my ($reader, $writer) = $side eq 'server' ? ($server, $client) : ($client, $server);
        is_late "$side: $how", 0.2, qr/\Athe deadline has passed\z/, sub { $READS{$how}->($reader) };
        print {$writer} "hello\n";
        is scalar(<$reader>), "hello\n", "$side: the connection works as before";
    }
}

subtest 'a line that comes in parts' => sub {
    my ($server, $client) = pair({ @ssl, SSL_io_timeout => 0.5 });
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        Test::More->builder->no_ending(1);
        for my $part ('one,', 'two,', 'three,', "four\n") { sleep 0.2; syswrite $client, $part }
        POSIX::_exit(0);
    }
    is scalar(<$server>), "one,two,three,four\n", 'each part begins the time anew';
    waitpid $pid, 0;
};

subtest 'a line that is never finished' => sub {
    my ($server, $client) = pair({ @ssl, SSL_io_timeout => 0.2 });
    syswrite $client, 'half a line';
    is_late 'its end', 0.2, qr/deadline/, sub { scalar <$server> };
    syswrite $client, ", whole\n";
    is scalar(<$server>), "half a line, whole\n", 'nothing of it is lost';
};

# Fill the connection until writes do not go on, three times in a row: on a
# loaded machine the kernel finds more room when it comes to it.
sub fill {
    my ($socket, $peer) = @_;
    setsockopt $socket, SOL_SOCKET, SO_SNDBUF, 65_536 or die "SO_SNDBUF: $!";
    setsockopt $peer,   SOL_SOCKET, SO_RCVBUF, 65_536 or die "SO_RCVBUF: $!";
    my $failed = 0;
    $failed = syswrite($socket, 'x' x 16_384) ? 0 : $failed + 1 while $failed < 3;
    return;
}

subtest 'writing to a peer that does not read' => sub {
    for my $how (qw(print syswrite)) {
        my ($server, $client) = pair({ @ssl, SSL_io_timeout => 0.2 });
        fill($server, $client);
        is $! + 0, ETIMEDOUT, "$how: the time is up";
        my ($result, $took, $errno) = timed(sub {
            return $how eq 'print' ? print {$server} 'x' x 16_384 : syswrite $server, 'x' x 16_384;
        });
        ok !$result, 'the same again';
        is $errno, ETIMEDOUT, 'and again';
        cmp_ok $took, '>=', 0.18, 'after the time';
        is syswrite($server, 'y' x 20_000), undef, 'other bytes are refused';
        is $! + 0,                          EBUSY, 'for the record that is half sent';
        like "$SSL_ERROR", qr/repeat/, 'which is told';
        my $pid = fork // die "fork: $!";

        if ($pid == 0) {
            Test::More->builder->no_ending(1);
            $server->close(SSL_no_shutdown => 1);
            my $got = q();
            1 while sysread $client, $got, 65_536, length $got;
            POSIX::_exit($got =~ /\Ax+yes\z/ ? 0 : 1);
        }
        is syswrite($server, 'x' x 16_384), 16_384, 'the same bytes go on when the peer reads';
        print {$server} 'yes';
        $server->close;
        waitpid $pid, 0;
        is $?, 0, 'and the peer gets what was meant';
    }
};

subtest 'a write of much' => sub {
    my ($server, $client) = pair({ @ssl, SSL_io_timeout => 0.2 });
    my $much = 'x' x 40_000_000;
    my $sent = print {$server} $much;
    is $! + 0, ETIMEDOUT, 'print to a peer that does not read is late';
    cmp_ok $sent, '>', 0,            'and tells how much went';
    cmp_ok $sent, '<', length $much, 'which was not all';
};

subtest 'no limit' => sub {
    for my $timeout (0, undef) {
        my ($server, $client) = pair({@ssl}, { SSL_io_timeout => $timeout });
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            Test::More->builder->no_ending(1);
            sleep 0.5;
            print {$server} "late\n";
            POSIX::_exit(0);
        }
        is scalar(<$client>), "late\n", 'a client waits as long as it takes';
        waitpid $pid, 0;
    }
    is Vouch::Socket::SERVER_IO_TIMEOUT(), 300, 'a server waits five minutes';
    is Vouch::Socket::HANDSHAKE_TIMEOUT(), 30,  'and half of one for a handshake';
};

# --- what a time may be ------------------------------------------------------

subtest 'Timeout => 0' => sub {
    my $listener = listener(@ssl, Timeout => 0);
    my ($result, $took, $errno) = timed(sub { scalar $listener->accept });
    is $result, undef,     'accept does not wait for somebody to come';
    is $errno,  ETIMEDOUT, 'but says that nobody has';
    cmp_ok $took, '<', 0.2, 'at once';
    my $tcp = tcp($listener->sockport);
    ok my $accepted = $listener->accept, 'somebody who has come is let in';
    $accepted->blocking(1);
    local $SIG{ALRM} = sub { die "still waiting\n" };
    Time::HiRes::alarm(0.4);
    is eval { $accepted->accept_SSL; 1 }, undef, 'and has all the time of the world for a handshake';
    is $@,                                "still waiting\n", 'as long as nobody else ends it';
};

subtest 'what is no time' => sub {
    for my $name (qw(Timeout SSL_io_timeout)) {
        for my $bad (-1, 'soon', '', 'nan', 'inf', 1e12, [], '1 second') {
            my $made = eval { listener(@ssl, $name => $bad); 1 };
            ok !$made, "$name => '$bad' is refused";
            like "$@", qr/\A$name must be a number, 0 or more, not /, 'and why';
        }
        ok eval { listener(@ssl, $name => $_); 1 }, "$name => $_" for 0.001, '1e3', 999_999_999_999;
    }
    my ($server, $client) = sockets(listener(@ssl));
    ok !eval { $server->accept_SSL(Timeout => 'soon'); 1 }, 'accept_SSL looks, too';
    like "$@", qr/\ATimeout must be a number/, 'and says the same';
};

done_testing;
