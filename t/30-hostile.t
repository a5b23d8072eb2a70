use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno          qw(ECONNRESET EPROTO ETIMEDOUT);
use IO::Socket::IP ();
use POSIX          ();
use Socket         qw(SOL_SOCKET SO_LINGER SOMAXCONN);
use Time::HiRes    qw(sleep time);

use VouchTest         qw(identity);
use VouchTest::Peer   ();
use VouchTest::Server ();
use VouchTest::Turns  qw(open_descriptors);
use Vouch::Socket;

# Peers that do anything but TLS, or stop in the middle of it.  Each costs the
# server its own connection and nothing else: after each, the same server
# serves a good client, and holds no descriptor more.

my $TIMEOUT = $ENV{VOUCH_TEST_TOOL} ? 8 : 1;    # seconds for a handshake
my $SILENT  = 1000;                             # connections that say nothing
my $PARENTS = 4;                                # processes that hold them

my ($cert, $key) = identity('hostile', cn => 'localhost');
my %ssl = (SSL_cert_file => $cert, SSL_key_file => $key);

# Tells what went wrong with a client, and the line that the client sent.
sub start_server {
    my (%more) = @_;
    return VouchTest::Server->start(
        ssl     => { %ssl, %more },
        tcp     => { Timeout => $TIMEOUT },
        serve   => \&serve,
        refused => sub {
            my ($tell) = @_;
            my $errno = $! + 0;
            $tell->("refused $errno $SSL_ERROR") if $SSL_ERROR !~ /\Aaccept failed/;
        },
    );
}

sub serve {
    my ($client, $tell) = @_;
    my $line = <$client>;
    my @why  = ($! + 0, "$SSL_ERROR");
    if (defined $line && $line eq "hello\n") {
        print {$client} 'hello ', open_descriptors() // 'unknown', "\n";
        return;
    }
    $tell->(defined $line ? "line $line" : "none @why");
    return;
}

# A client as it should be; what the server says of its descriptors.
sub good_client {
    my ($server) = @_;
    my $client = Vouch::Socket->new(
        PeerAddr        => '127.0.0.1',
        PeerPort        => $server->port,
        SSL_verify_mode => SSL_VERIFY_NONE,
    ) or return "not served: $!, $SSL_ERROR";
    print {$client} "hello\n";
    return scalar(<$client>) // "no answer: $!, $SSL_ERROR";
}

sub tcp {
    my ($server) = @_;
    my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $server->port)
        or die "connect: $@";
    $socket->autoflush(1);
    return $socket;
}

# Close without the goodbye of TCP, too.
sub reset_tcp {
    my ($socket) = @_;
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 or die "SO_LINGER: $!";
    return $socket->isa('Vouch::Socket') ? $socket->close(SSL_no_shutdown => 1) : close $socket;
}

# What a client of TLS sends first.
sub client_hello {
    my $plain = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 1)
        or die "listen: $@";
    my $client = Vouch::Socket->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => $plain->sockport,
        SSL_startHandshake => 0,
        SSL_verify_mode    => SSL_VERIFY_NONE,
    ) or die "connect: $!";
    $client->blocking(0);
    $client->connect_SSL;
    my $accepted = $plain->accept;
    sysread $accepted, my $bytes, 65_536 or die "no ClientHello: $!";
    return $bytes;
}

my $hello  = client_hello();
my $server = start_server();
my $before = good_client($server);
like $before, qr/\Ahello \w+\n\z/, 'a good client to begin with';

# Do something to the server; it says this, and goes on.
sub survives {
    my ($name, $said, $do) = @_;
    subtest $name => sub {
        my $kept = $do->();
        like $server->next_line, $said, 'the server says what happened';
        is good_client($server), $before, 'and serves the next one, with as many descriptors';
    };
    return;
}

# Send these bytes, and stay, or leave.
sub sends {
    my ($bytes, $leave) = @_;
    my $socket = tcp($server);
    syswrite $socket, $bytes if length $bytes;
    shutdown $socket, 1 if $leave && $leave eq 'FIN';
    reset_tcp($socket) if $leave && $leave eq 'RST';
    return $socket;
}

my $FAILED    = qr/\Arefused [0-9]+ SSL accept attempt failed \S/;
my $TIMED_OUT = qr/\Arefused @{[ETIMEDOUT]} SSL accept attempt failed: no handshake within [0-9]+ seconds; /;
my $GONE =
    qr/\Arefused [0-9]+ SSL accept attempt failed .*(?:cut off|closed|[Cc]onnection reset|Broken pipe)/;

srand 20_201_121;
survives 'random bytes', $FAILED, sub {
    sends(join '', map { chr int rand 256 } 1 .. 300);
    }
    for 1 .. 5;
survives 'random bytes that begin as TLS does', $FAILED, sub {
    sends("\x16\3\1\1\0\1\0\0\xfc\3\3" . join '', map { chr int rand 256 } 1 .. 251);
};

survives 'plain HTTP', qr/http request/, sub { sends("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") };
survives 'a request to a proxy', qr/https proxy request/,
    sub { sends("CONNECT a.example:1 HTTP/1.0\r\n\r\n") };
survives 'a line of text',            $FAILED, sub { sends("EHLO there.example\r\n") };
survives 'a record that is too long', $FAILED, sub { sends("\x16\3\1\xff\xff" . "\0" x 100) };
survives 'an empty record',           $FAILED, sub { sends("\x16\3\1\0\0", 'FIN') };
survives 'a ClientHello of nothing',  $FAILED, sub { sends("\x16\3\1\0\4\1\0\0\0") };
survives 'a ClientHello that is longer than all that comes', $TIMED_OUT,
    sub { sends("\x16\3\1\0\4\1\0\xff\xff") };
survives 'an alert first',            $FAILED, sub { sends("\x15\3\1\0\2\2\x28") };
survives 'close_notify first',        $FAILED, sub { sends("\x15\3\1\0\2\1\0") };
survives 'application data first',    $FAILED, sub { sends("\x17\3\3\0\5hello") };
survives 'two ClientHellos',          $FAILED, sub { sends($hello . $hello) };
survives 'a ClientHello and rubbish', $FAILED, sub { sends($hello . "\0" x 40) };

survives 'nothing and FIN', $GONE, sub { sends(q(), 'FIN') };
survives 'nothing and RST', $GONE, sub { sends(q(), 'RST') };
for my $length (1, 5, 6, 100, length($hello) - 1) {
    survives "$length bytes of a ClientHello and $_", $GONE, sub { sends(substr($hello, 0, $length), $_) }
        for qw(FIN RST);
}
survives 'a ClientHello and FIN',              $GONE, sub { sends($hello, 'FIN') };
survives 'a ClientHello, its answer, and RST', $GONE, sub {
    my $socket = sends($hello);
    sysread $socket, my $answer, 65_536;
    reset_tcp($socket);
    return;
};

survives 'silence',                             $TIMED_OUT, sub { sends(q()) };
survives 'a ClientHello and silence',           $TIMED_OUT, sub { sends($hello) };
survives 'a part of a ClientHello and silence', $TIMED_OUT, sub { sends(substr $hello, 0, 100) };
survives 'one byte now and then',               $TIMED_OUT, sub {
    my $socket   = tcp($server);
    my $deadline = time + $TIMEOUT + 0.5;
    for my $byte (split //, $hello) {
        last if time > $deadline;
        syswrite $socket, $byte;
        sleep $TIMEOUT / 5;
    }
    return $socket;
};

# --- after the handshake -----------------------------------------------------

sub connected {
    return Vouch::Socket->new(
        PeerAddr        => '127.0.0.1',
        PeerPort        => $server->port,
        SSL_verify_mode => SSL_VERIFY_NONE,
        @_,
    ) || die "connect: $!, $SSL_ERROR";
}

# Bytes past TLS, then FIN.
sub raw {
    my ($socket, $bytes) = @_;
    CORE::send $socket, $bytes, 0 if length $bytes;
    shutdown $socket, 1;
    return $socket;
}

for my $version (qw(TLSv1_3 TLSv1_2)) {
    my @version = (SSL_version => $version);
    survives "$version: FIN in the middle of a line", qr/\Aline half a line\z/, sub {
        my $socket = connected(@version);
        print {$socket} 'half a line';
        return raw($socket, q());
    };
    survives "$version: RST in the middle of a line",
        qr/\A(?:none @{[ECONNRESET]} .*reset|line half a line\z)/, sub {
        my $socket = connected(@version);
        print {$socket} 'half a line';
        reset_tcp($socket);
        return;
        };
    survives "$version: a record cut short", qr/\Anone @{[EPROTO]} .*in the middle of a record/,
        sub { raw(connected(@version), "\x17\3\3\0\x40abc") };
    survives "$version: a record's header cut short", qr/\Anone @{[EPROTO]} .*in the middle of a record/,
        sub { raw(connected(@version), "\x17\3") };
    survives "$version: a record that is too long", qr/\Anone @{[EPROTO]} .*too long/,
        sub { raw(connected(@version), "\x17\3\3\xff\xff" . 'x' x 1000) };
    survives "$version: a record that was made up", qr/\Anone @{[EPROTO]} .*bad record mac/,
        sub { raw(connected(@version), "\x17\3\3\0\x40" . 'x' x 64) };
    survives "$version: plain text", qr/\Anone @{[EPROTO]} error:/,
        sub { raw(connected(@version), "hello, this is plain text\n") };
    survives "$version: gone without a word", qr/\Anone 0 /, sub { connected(@version)->close; return };
}

subtest 'a client that renegotiates' => sub {
    my $peer = VouchTest::Peer->start(qw(openssl s_client -tls1_2 -connect), '127.0.0.1:' . $server->port);
    $peer->wait_for(qr/Verify return code/);
    $peer->send("R\n");
    is good_or_line($peer),  'none',  'it has no new handshake, and says no line';
    is good_client($server), $before, 'the server goes on';
};

sub good_or_line {
    my ($peer) = @_;
    $peer->finish;
    my $said = $server->next_line // 'nothing';
    return $said =~ /\Anone/ ? 'none' : $said;
}

is $server->next_line(0), undef, 'the server said no more than that';
is $server->stop,         0,     'and ends well';

# --- many that say nothing ---------------------------------------------------

# One process a client, as Net::Server::Fork does it.
sub forking_server {
    my ($seconds) = @_;
    my %ended;
    my $reap = sub {
        my ($tell) = @_;
        while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) { $ended{ $? >> 8 }++ }
        return if ($ended{3} // 0) < $SILENT || $ended{told}++;
        $tell->("$ended{3} timed out");
    };
    return VouchTest::Server->start(
        ssl     => { %ssl, SSL_startHandshake => 0 },
        tcp     => { Timeout => 0.2, Listen => SOMAXCONN },
        refused => $reap,
        serve   => sub {
            my ($client, $tell, $listener) = @_;
            my $open = open_descriptors() // 'unknown';
            my $pid  = fork               // die "fork: $!";
            POSIX::_exit(serve_in_child($client, $listener, $seconds, $open)) if $pid == 0;
            $reap->($tell);
        },
    );
}

sub serve_in_child {
    my ($client, $listener, $seconds, $open) = @_;
    close $listener;
    if (!$client->accept_SSL(Timeout => $seconds)) {
        return $! == ETIMEDOUT ? 3 : 4;
    }
    my $line = <$client> // return 5;
    print {$client} "hello $open\n";
    $client->close;
    return 0;
}

# A process that opens so many connections and holds them until it is told.
sub silent_clients {
    my ($port, $count) = @_;
    pipe my $ready, my $tell or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        close $ready;
        my @open;
        for (1 .. $count) {
            push @open, IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) // POSIX::_exit(1);
        }
        syswrite $tell, "open\n";
        POSIX::pause();
        POSIX::_exit(0);
    }
    close $tell;
    return ($pid, $ready);
}

subtest "$SILENT connections that say nothing" => sub {
    my $listening = forking_server(10 + $TIMEOUT);
    my $at_first  = good_client($listening);
    like $at_first, qr/\Ahello \w+\n\z/, 'a client to begin with';
    my @clients = map { [silent_clients($listening->port, $SILENT / $PARENTS)] } 1 .. $PARENTS;
    is readline($_->[1]), "open\n", 'they are open' for @clients;
    my $started = time;
    like good_client($listening), qr/\Ahello/, 'a good client is served all the same';
    cmp_ok time - $started, '<', $ENV{VOUCH_TEST_TOOL} ? 30 : 10, 'before the first of them is given up';
    is $listening->next_line(60), "$SILENT timed out", 'each of the silent ones ends at its deadline';
    is good_client($listening),   $at_first,           'the next client is served, with as many descriptors';

    for my $client (@clients) {
        kill TERM => $client->[0];
        waitpid $client->[0], 0;
    }
    is $listening->stop, 0, 'the server ends well';
};

done_testing;
