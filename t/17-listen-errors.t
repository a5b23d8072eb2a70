use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno             qw(EADDRINUSE EADDRNOTAVAIL EAGAIN EBADF ECONNREFUSED ECONNRESET ETIMEDOUT);
use IO::Select        ();
use IO::Socket::IP    ();
use Socket            qw(SOL_SOCKET SO_LINGER SOCK_STREAM);
use Time::HiRes       ();
use VouchTest         qw(identity);
use VouchTest::Pair   ();
use VouchTest::Server ();
use Vouch::Socket;

# Listening, accepting and connecting when something is wrong: what is
# returned, and what $!, $SSL_ERROR and errstr say.

my @pair   = identity('server', cn => 'localhost');
my @server = (SSL_cert_file   => $pair[0], SSL_key_file => $pair[1]);
my @listen = (LocalAddr       => '127.0.0.1', Listen => 10);
my @anyone = (SSL_verify_mode => SSL_VERIFY_NONE);

# Call new(), connect or accept; it must fail, in every way there is to tell.
sub fails {
    my ($name, $code, $errno, $text) = @_;
    ($!, $SSL_ERROR) = (0, 0);
    my $start  = Time::HiRes::time();
    my $result = $code->();
    my $error  = $! + 0;
    is $result, undef,  "$name: undef";
    is $error,  $errno, "$name: \$!";
    like $SSL_ERROR,   $text,  "$name: \$SSL_ERROR";
    unlike $SSL_ERROR, qr/\n/, "$name: in one line";
    is +Vouch::Socket->errstr,  "$SSL_ERROR", "$name: errstr as a method";
    is Vouch::Socket::errstr(), "$SSL_ERROR", "$name: errstr as a function";
    return Time::HiRes::time() - $start;
}

# The Vouch::Error that code dies with.
sub dies {
    my ($name, $code, $text) = @_;
    return if !ok !eval { $code->(); 1 }, "$name: dies";
    like $@, $text, "$name: the reason";
    return $@;
}

sub listener { return Vouch::Socket->new(@listen, @server, @_) || die "$! $SSL_ERROR" }

sub tcp_listener { return IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 10) || die $@ }

sub tcp_client { return IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $_[0]->sockport) || die $@ }

subtest 'listen' => sub {
    my $first = listener();
    my $port  = $first->sockport;
    fails('port in use', sub { Vouch::Socket->new(@listen, @server, LocalPort => $port) },
        EADDRINUSE, qr/\Acannot listen on 127[.]0[.]0[.]1:$port: Address already in use\z/);
    fails(
        'an address of somebody else',
        sub { Vouch::Socket->new(@listen, @server, LocalAddr => '192.0.2.1', LocalPort => $port) },
        EADDRNOTAVAIL,
        qr/\Acannot listen on 192[.]0[.]2[.]1:$port: Cannot assign requested address\z/
    );
    my $host = 'x' x 64;
    ok !Vouch::Socket->new(@listen, @server, LocalAddr => $host), 'no address at all';
    like $SSL_ERROR, qr/\Acannot listen on $host: \S/, 'is named, with a reason';
    isnt $! + 0, 0, 'and $! is set';
    ok !Vouch::Socket->new(@listen, @server, LocalPort => 'no-such-service'), 'no port at all';
    like $SSL_ERROR, qr/\Acannot listen on 127[.]0[.]0[.]1:no-such-service: \S/, 'is named';
    dies(
        'a certificate that is missing',
        sub { Vouch::Socket->new(@listen, @server, SSL_cert_file => '/none') },
        qr{\ASSL_cert_file: /none: cannot read: No such file or directory at \Q${\__FILE__}\E line [0-9]+[.]$}
    );
    ok listener(LocalPort => 0), 'and a listener without faults';
};

subtest 'numbers' => sub {
    for my $name (qw(Timeout SSL_io_timeout SSL_max_line)) {
        for my $value ('x', '', -1, 'nan', 'inf', [], {}, 2**50) {
            my $error = dies(
                "$name => $value",
                sub { Vouch::Socket->new(@listen, @server, $name => $value) },
                qr/\A$name must be a number, 0 or more, not '/
            );
            isa_ok $error, 'Vouch::Error', 'what it dies with';
        }
        ok listener($name => $_), "$name => $_" for 0, 1, 0.5, '2';
    }
};

subtest 'accept' => sub {
    my $took = fails('nobody comes', sub { scalar listener(Timeout => 0.3)->accept },
        ETIMEDOUT, qr/\Aaccept failed: (?:Connection|Operation) timed out\z/);
    ok $took >= 0.29 && $took < 5, 'after that time';
    is_deeply [listener(Timeout => 0.1)->accept], [], 'in a list: nothing';
    my $listener = listener(Timeout => 0.3);
    my $silent   = tcp_client($listener);
    $took = fails(
        'a client that says nothing',
        sub { scalar $listener->accept },
        ETIMEDOUT, qr/\ASSL accept attempt failed: no handshake within 0[.]3 seconds; /
    );
    ok $took >= 0.29 && $took < 5, 'after that time';
    is sysread($silent, my $buffer, 10), 0, 'and the client is disconnected';
    $listener = listener();
    $listener->blocking(0);
    fails(
        'a listener that does not wait',
        sub { scalar $listener->accept },
        EAGAIN, qr/\Aaccept failed: Resource temporarily unavailable\z/
    );
    $listener->blocking(1);
    $listener->close;
    fails(
        'a listener that is closed',
        sub { scalar $listener->accept },
        EBADF, qr/\Aaccept failed: Bad file descriptor\z/
    );
    $listener = listener(Timeout => 5, SSL_startHandshake => 0);
    my $client;
    local $SIG{ALRM} = sub { $client = tcp_client($listener) };
    Time::HiRes::alarm(0.1);
    my $accepted = $listener->accept;
    alarm 200;
    ok $accepted, 'a signal does not look like the end of the time' or diag $SSL_ERROR;
};

subtest 'accept: what is returned' => sub {
    my $listener = listener(SSL_startHandshake => 0);
    my $client   = tcp_client($listener);
    my ($socket, $address) = $listener->accept;
    isa_ok $socket, 'Vouch::Socket', 'a socket';
    my ($port) = Socket::sockaddr_in($address);
    is $port, $client->sockport, 'and in a list, the address';
    @Some::Class::ISA = ('Vouch::Socket');
    $client           = tcp_client($listener);
    isa_ok scalar $listener->accept('Some::Class'), 'Some::Class', 'of the class that was asked for';
    $client = tcp_client($listener);
    bless $listener, 'Some::Class';
    isa_ok scalar $listener->accept, 'Some::Class', 'or of the listener';
};

# Clients that are none: what they send, and what the server says.
my %bad_client = (
    'plain HTTP'      => ["GET / HTTP/1.0\r\n\r\n",       qr/http request/],
    'a proxy request' => ["CONNECT x:1 HTTP/1.0\r\n\r\n", qr/https proxy request/],
    'garbage'         => ["\xff" x 100,                   qr/\ASSL accept attempt failed error:0A/],
    'nothing'         => ['', qr/\ASSL accept attempt failed .*(?:unexpected eof|closed the connection)/],
    'half a record'   => [
        "\x16\x03\x01\x02\x00\x01",
        qr/\ASSL accept attempt failed .*(?:unexpected eof|closed the connection)/
    ],
    'an alert'          => ["\x15\x03\x01\0\2\2\x28",            qr/\ASSL accept attempt failed error:0A/],
    'a record too long' => ["\x16\x03\x01\xff\xff" . 'x' x 1000, qr/\ASSL accept attempt failed error:0A/],
    'SSL 2' => ["\x80\x2e\x01\x00\x02\0\x15\0\0\0\x10" . 'x' x 37, qr/\ASSL accept attempt failed error:0A/],
);

subtest 'accept: clients that are none' => sub {
    my $listener = listener(Timeout => 5, SSL_startHandshake => 0);
    for my $kind (sort keys %bad_client) {
        my ($bytes, $text) = @{ $bad_client{$kind} };
        my $client = tcp_client($listener);
        syswrite $client, $bytes;
        shutdown $client, 1;
        ($!, $SSL_ERROR) = (0, 0);
        my $server = $listener->accept or die $SSL_ERROR;
        ok !$server->accept_SSL, "$kind: refused";
        like $SSL_ERROR, $text, "$kind: the reason";
        cmp_ok $SSL_ERROR, '==', -1, "$kind: its number";
    }
    my $client = tcp_client($listener);
    setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 or die $!;
    $client->close;
    ok !$listener->accept->accept_SSL, 'one that resets: refused';
    is $! + 0, ECONNRESET, 'one that resets: $!';
    like $SSL_ERROR, qr/\ASSL accept attempt failed the connection failed: .*reset by peer/,
        'one that resets: the reason';
    my $good = VouchTest::Pair->new(listener => $listener, client => {@anyone});
    ok $good->{server}, 'and then a good one is served';
};

subtest 'connect' => sub {
    my $closed = tcp_listener();
    my $port   = $closed->sockport;
    $closed->close;
    my @to = (PeerHost => '127.0.0.1', PeerPort => $port, @anyone);
    fails(
        'nobody listens',
        sub { Vouch::Socket->new(@to) },
        ECONNREFUSED, qr/\Acannot connect to 127[.]0[.]0[.]1:$port: Connection refused\z/
    );
    fails(
        'nobody listens, one text',
        sub { Vouch::Socket->new(PeerAddr => "127.0.0.1:$port", @anyone) },
        ECONNREFUSED, qr/\Acannot connect to 127[.]0[.]0[.]1:$port: Connection refused\z/
    );
    my $host = 'x' x 64;
    ok !Vouch::Socket->new(PeerHost => $host, PeerPort => $port, @anyone), 'no such host';
    like $SSL_ERROR, qr/\Acannot connect to $host:$port: \S/, 'is named, with a reason';
    my $listener = tcp_listener();
    @to = (PeerHost => '127.0.0.1', PeerPort => $listener->sockport, @anyone);
    my $took = fails(
        'a server that says nothing',
        sub { Vouch::Socket->new(@to, Timeout => 0.3) },
        ETIMEDOUT, qr/\ASSL connect attempt failed: no handshake within 0[.]3 seconds; /
    );
    ok $took >= 0.29 && $took < 5, 'after that time';
    my $socket = Vouch::Socket->new(@to, SSL_startHandshake => 0);
    fails(
        'a server that says nothing, told to connect_SSL',
        sub { $socket->connect_SSL(Timeout => 0.2) },
        ETIMEDOUT, qr/no handshake within 0[.]2 seconds/
    );
};

subtest 'connect: TCP that never answers' => sub {
    my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 1) or die $@;
    my @waiting;
    for (1 .. 20) {
        my $one = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport, Blocking => 0)
            or last;
        push @waiting, $one;
        last if !IO::Select->new($one)->can_write(0.2);
    }
    my $took = fails(
        'a full backlog',
        sub {
            Vouch::Socket->new(
                PeerHost => '127.0.0.1',
                PeerPort => $listener->sockport,
                Timeout  => 0.3,
                @anyone
            );
        },
        ETIMEDOUT,
        qr/\Acannot connect to 127[.]0[.]0[.]1:[0-9]+: (?:Connection|Operation) timed out\z/
    );
    ok $took >= 0.29 && $took < 5, 'after that time';
};

# Servers that are none: what they send before they close.
my %bad_server = (
    'text' => [
        "220 mail.example ESMTP\r\n",
        qr/\ASSL connect attempt failed error:0A.*(?:wrong version number|packet length|record layer)/
    ],
    'nothing'  => ['', qr/\ASSL connect attempt failed .*(?:unexpected eof|closed the connection)/],
    'an alert' => ["\x15\x03\x03\0\2\2\x28", qr/handshake failure \(the peer's alert: handshake failure\)/],
    'garbage'  => ["\xff" x 100,             qr/\ASSL connect attempt failed error:0A/],
);

subtest 'connect: servers that are none' => sub {
    my $listener = tcp_listener();
    for my $kind (sort keys %bad_server) {
        my ($bytes, $text) = @{ $bad_server{$kind} };
        my $client = Vouch::Socket->new(
            PeerHost           => '127.0.0.1',
            PeerPort           => $listener->sockport,
            SSL_startHandshake => 0,
            @anyone
        ) or die $SSL_ERROR;
        my $server = $listener->accept;
        syswrite $server, $bytes;
        shutdown $server, 1;
        ($!, $SSL_ERROR) = (0, 0);
        ok !$client->connect_SSL, "$kind: refused";
        like $SSL_ERROR, $text, "$kind: the reason";
        ok !$client->opened, "$kind: the socket is closed";
    }
};

subtest 'no protocol, no cipher, no application in common' => sub {
    my %apart = (
        'protocol' => [
            [SSL_version => 'TLSv1_3'],
            [SSL_version => 'TLSv1_2'],
            qr/unsupported protocol/,
            qr/protocol version/
        ],
        'cipher' => [
            [SSL_version     => 'TLSv1_2', SSL_cipher_list => 'ECDHE-ECDSA-AES128-GCM-SHA256'],
            [SSL_cipher_list => 'ECDHE-ECDSA-AES256-GCM-SHA384'],
            qr/no shared cipher/,
            qr/handshake failure/
        ],
        'application' => [
            [SSL_alpn_protocols => ['a']],
            [SSL_alpn_protocols => ['b']],
            qr/no application protocol/,
            qr/no application protocol/
        ],
        'group' => [
            [SSL_ecdh_curve => 'P-256'],
            [SSL_ecdh_curve => 'P-384'],
            qr/no suitable key share|no shared group/i,
            qr/handshake failure/
        ],
    );
    for my $kind (sort keys %apart) {
        my ($server, $client, $here, $there) = @{ $apart{$kind} };
        my $pair = VouchTest::Pair->new(server => { @server, @$server }, client => { @anyone, @$client });
        ok !$pair->{server} && !$pair->{client}, "$kind: no connection";
        like $pair->{server_error}, $here,                  "$kind: what the server says";
        like $pair->{client_error}, $there,                 "$kind: what the client says";
        like $pair->{client_error}, qr/the peer's alert: /, "$kind: it was the other side";
    }
};

subtest 'SSL_error_trap and SSL_keepSocketOnError' => sub {
    for my $side (qw(SSL_error_trap SSL_keepSocketOnError)) {
        my @trapped;
        my $value    = $side eq 'SSL_error_trap' ? sub { push @trapped, [@_] } : 1;
        my $listener = listener($side => $value, SSL_startHandshake => 0);
        my $client   = tcp_client($listener);
        syswrite $client, "GET / HTTP/1.0\r\n\r\n";
        my $server = $listener->accept;
        ok !$server->accept_SSL, "$side: the handshake fails";
        like $SSL_ERROR, qr/http request/, "$side: and tells";
        ok $server->opened, "$side: the socket stays open";

        if ($side eq 'SSL_error_trap') {
            is_deeply \@trapped, [[$server, "$SSL_ERROR"]], "$side: is called with the socket and the text";
        }
    }
    ok !eval { listener(SSL_error_trap => 'x'); 1 }, 'a trap that is no code';
    like $@, qr/SSL_error_trap must be a code reference/, 'is told';
};

subtest 'what SSL_error_trap does with its socket' => sub {
    my %trap = (
        'prints'           => sub { print { $_[0] } "speak TLS\n"; $_[0]->print("please\n") },
        'closes'           => sub { print { $_[0] } "speak TLS\n"; $_[0]->close },
        'closes as a file' => sub { print { $_[0] } "speak TLS\n"; close $_[0] },
        'asks'             => sub {
            my ($socket) = @_;
            is $socket->last_error->cause,  'plain_http', 'asks: last_error answers';
            is $socket->verification->{by}, 'nobody',     'asks: verification too';
            ok !$socket->is_SSL && !tied *$socket, 'asks: there is no TLS';
            like fileno $socket, qr/\A[0-9]+\z/, 'asks: but a descriptor';
        },
        'dies'          => sub { print { $_[0] } "speak TLS\n"; die "in the trap\n" },
        'becomes plain' => sub { bless $_[0], 'IO::Socket::IP' },
    );
    my %heard = (
        'prints'        => "speak TLS\nplease\n",
        'asks'          => '',
        'becomes plain' => "goodbye\n",
        map { $_ => "speak TLS\n" } 'closes', 'closes as a file', 'dies',
    );
    for my $what (sort keys %trap) {
        my $listener = listener(SSL_error_trap => $trap{$what}, SSL_startHandshake => 0);
        my $client   = tcp_client($listener);
        syswrite $client, "GET / HTTP/1.0\r\n\r\n";
        my $server = $listener->accept;
        my $done   = eval { $server->accept_SSL };
        is $@, $what eq 'dies' ? "in the trap\n" : $@, "$what: what accept_SSL dies with";
        ok !$done, "$what: the handshake has failed";
        my $sent = $what =~ /closes/ ? 0 : print {$server} "goodbye\n";
        is !!$sent, $what eq 'becomes plain', "$what: nothing more is sent, unless asked for";
        undef $server;
        my $heard = do { local $/; <$client> };
        $heard =~ s/\A\x15.{6}//s;    # the alert
        is $heard, $heard{$what}, "$what: what the client hears";
    }
};

subtest 'a server goes on' => sub {
    my $server = VouchTest::Server->start(
        ssl     => { @server, Timeout => 5 },
        serve   => sub { my ($client, $tell) = @_; $tell->('served'); print {$client} "hello\n" },
        refused => sub { my ($tell) = @_; $tell->("refused: $SSL_ERROR") },
    );
    for my $kind (sort keys %bad_client) {
        my $client = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $server->port) or die $@;
        syswrite $client, $bad_client{$kind}[0];
        $client->close;
        like $server->next_line, qr/\Arefused: /, "$kind: costs its own connection";
        my $good = Vouch::Socket->new(PeerHost => '127.0.0.1', PeerPort => $server->port, @anyone);
        is $good && scalar readline($good), "hello\n", "$kind: the next is served";
        is $server->next_line,              'served',  "$kind: says the server";
    }
};

done_testing;
