use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use Errno              qw(EBADF EPIPE);
use Fcntl              qw(F_GETFD FD_CLOEXEC);
use IO::Select         ();
use Net::Server        ();
use Net::Server::Proto ();
use POSIX              ();
use Scalar::Util       qw(reftype);
use Socket             qw(AF_INET SO_TYPE SOCK_DGRAM SOCK_STREAM SOL_SOCKET SOMAXCONN);

use VouchTest            qw(identity);
use VouchTest::NetServer qw(ending);
use Vouch::Socket;
use Net::Server::Proto::VOUCH ();

# What Net::Server calls in a protocol class, method by method, without a
# server around it.

my ($cert, $key) = identity('contract', cn => 'localhost');
my @alex = identity('alex', cn => 'Alex');

my @log;

{
    no warnings 'once';
    @Later::ISA               = ('Net::Server');
    @Forking::ISA             = ('Later', 'Net::Server::Fork');
    *Later::write_to_log_hook = sub { push @log, "$_[1] $_[2]" };
    *Later::fatal             = sub { die "fatal: $_[1]\n" };
}
require Net::Server::Fork;

my @alive;    # the sockets do not keep their server

sub server {
    my (%prop) = @_;
    push @alive,
        bless {
        server => {
            log_level => 4,
            _run_args => [
                SSL_cert_file   => $cert,
                SSL_key_file    => $key,
                SSL_verify_mode => 0x101,
            ],
            %prop
        }
        },
        'Forking';
    return $alive[-1];
}

my %INFO = (host => '127.0.0.1', port => 0, ipv => 4, proto => 'vouch');

sub object {
    my ($server, %more) = @_;
    return Net::Server::Proto->object({ %INFO, %more }, $server);
}

sub listener {
    my ($server) = @_;
    my $socket = object($server);
    $socket->connect($server);
    return $socket;
}

# A client in a process of its own, and what it tells at its end.
sub visitor {
    my ($listener, $code) = @_;
    pipe my $read, my $write or die "pipe: $!";
    my $port = $listener->sockport;
    my $pid  = fork // die "fork: $!";
    if ($pid == 0) {
        close $listener;
        my $told = eval {
            my $socket = Vouch::Socket->new(
                PeerHost        => '127.0.0.1',
                PeerPort        => $port,
                SSL_verify_mode => SSL_VERIFY_NONE,
                SSL_cert_file   => $alex[0],
                SSL_key_file    => $alex[1],
            ) or die "connect: $SSL_ERROR\n";
            $code->($socket);
        } // "died: $@";
        syswrite $write, $told;
        POSIX::_exit(0);
    }
    close $write;
    return { pid => $pid, read => $read };
}

sub told {
    my ($visitor) = @_;
    waitpid $visitor->{pid}, 0;
    local $/;
    return readline $visitor->{read};
}

# A visitor, and the client accepted from it, with TLS.
sub visit {
    my ($code)   = @_;
    my $server   = server();
    my $listener = listener($server);
    my $visitor  = visitor($listener, $code);
    my $client   = $listener->accept;
    $client->post_accept;
    return ($visitor, $client, $listener, $server);
}

subtest 'object(class, info, server)' => sub {
    my $server  = server();
    my @objects = object($server);
    is scalar @objects,     1,                           'one, in list context, too';
    is ref $objects[0],     'Net::Server::Proto::VOUCH', 'of the class';
    is $objects[0]->fileno, undef,                       'not bound';
    is_deeply [map { $objects[0]->$_ } qw(NS_host NS_port NS_ipv NS_listen)], ['127.0.0.1', 0, 4, SOMAXCONN],
        'what the port was given as';
    is object(server(listen => 7))->NS_listen,              7, 'the length of the queue from the server';
    is object(server(listen => 7), listen => 9)->NS_listen, 9, 'or from the port';
    ok eval { object(server(), orig_port => 0)->hup_string }, 'a port that was given by another name';

    for my $proto (qw(vouch VOUCH Vouch Net::Server::Proto::VOUCH)) {
        is ref object(server(), proto => $proto), 'Net::Server::Proto::VOUCH', "proto => '$proto'";
    }
};

subtest 'how a port names it' => sub {
    for my $text (
        qw(1965/vouch *:1965/Net::Server::Proto::VOUCH 127.0.0.1:1965/vouch [::1]:1965/vouch),
        '1965|Net::Server::Proto::VOUCH',
        '1965,Net::Server::Proto::VOUCH'
        )
    {
        my ($info) = Net::Server::Proto->parse_info($text, '127.0.0.1', 'tcp', 4, server());
        my $object = Net::Server::Proto->object($info, server());
        is ref($object) . ' ' . $object->NS_port, 'Net::Server::Proto::VOUCH 1965', $text;
    }
};

subtest 'NS_proto' => sub {
    like(Net::Server::Proto::VOUCH->NS_proto, qr/SSL/, 'contains SSL, for HTTPS=on');
    unlike(Net::Server::Proto::VOUCH->NS_proto, qr/\AUNIX|[|;\n]/i, 'and nothing that has a meaning');
    ok !Net::Server::Proto::VOUCH->can('is_UNIX'), 'there is no is_UNIX';
};

subtest 'NS_port, NS_host, NS_ipv, NS_listen' => sub {
    my ($visitor, $client, $listener) = visit(sub { 'done' });
    is $client->NS_port, $listener->NS_port, 'the client has the port';
    is $client->NS_host, '127.0.0.1',        'the host';
    is $client->NS_ipv,  4,                  'and the family';
    $client->NS_port(17);
    is $client->NS_port,     17,     'they can be set';
    isnt $listener->NS_port, 17,     'for this client only';
    is told($visitor),       'done', 'the visitor leaves';
};

subtest 'log_connect(server)' => sub {
    my $server = server();
    @log = ();
    object($server)->log_connect($server);
    is_deeply \@log, ['2 Opening VOUCH_SSL port 0 on host 127.0.0.1 with IPv4'], 'one line at level 2';
};

subtest 'connect(server)' => sub {
    my $server = server();
    my $socket = listener($server);
    ok $socket->NS_port > 0, 'port 0 becomes a real one';
    is $socket->sockport, $socket->NS_port, 'which is open';
    ok $socket->context, 'the context is there';
    like $socket->hup_string, qr/\|0\z/, 'what the port was is remembered';
    my $taken = object($server, port => $socket->NS_port);
    ok !eval { $taken->connect($server) }, 'a port that is taken';
    like $@,
        qr/\Afatal: Cannot open VOUCH_SSL port [0-9]+ on host 127.0.0.1 with IPv4: Address already in use$/,
        'ends the server, with the reason';
    my $wrong = server(_run_args => [SSL_cert_file => '/none.pem']);
    my $bad   = object($wrong);
    ok !eval { $bad->connect($wrong) }, 'a certificate that is not there';
    like $@, qr{\Afatal: Cannot start TLS for VOUCH_SSL port 0 .*: /none.pem: cannot read: No such file},
        'ends it, too';
};

subtest 'hup_string' => sub {
    my $server = server();
    my $before = object($server);
    my $bound  = listener($server);
    my $port   = $bound->NS_port;
    is $before->hup_string, '127.0.0.1|0|VOUCH_SSL|ipv4',       'before it is bound: as it was given';
    is $bound->hup_string,  "127.0.0.1|$port|VOUCH_SSL|ipv4|0", 'bound: what it is, and what it was';
    # As Net::Server finds the one with the other.
    my (undef, $host, $is, $proto, $ipv, $was) = split /\|/, '5|' . $bound->hup_string;
    is join('|', $host, $was // $is, $proto, $ipv), $before->hup_string, 'they fit together';
    my $fixed = object($server, port => $port);
    is $fixed->hup_string, "127.0.0.1|$port|VOUCH_SSL|ipv4", 'a port by its number';
    my $resolved = object($server, port => 4711, orig_port => 0);
    is $resolved->hup_string, '127.0.0.1|0|VOUCH_SSL|ipv4',
        'port 0 that Net::Server has chosen for several hosts';
};

subtest 'reconnect(fd, server, port)' => sub {
    my $server = server();
    my $old    = listener($server);
    my $fd     = POSIX::dup($old->fileno);
    my $port   = $old->NS_port;
    $old->close;
    my $new = object($server);
    $new->reconnect($fd, $server, $port);
    is $new->fileno,   $fd,   'the descriptor is the one handed over';
    is $new->sockport, $port, 'with its port';
    is $new->NS_port,  $port, 'which is known';
    like $new->hup_string, qr/\|$port\|.*\|0\z/, 'as is what it was';
    isnt $old->context, $new->context, 'the context is new';
    ok fcntl($new, F_GETFD, 0) & FD_CLOEXEC, 'other programs do not get it';
    my $visitor = visitor($new, sub { print { $_[0] } "hello\n"; ending($_[0]) });
    my $client  = $new->accept;
    $client->post_accept;
    is readline($client), "hello\n", 'it accepts';
    $client->close;
    is told($visitor), 'goodbye', 'and serves';
    ok !eval { object($server)->reconnect(999, $server, $port) }, 'a descriptor that is none';
    like $@, qr/\Afatal: Cannot go on with descriptor 999 .*: Bad file descriptor/, 'ends the server';
};

subtest 'accept(class)' => sub {
    my $listener = listener(server());
    my $tcp      = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport);
    my $client   = $listener->accept(undef);
    is ref $client, 'Net::Server::Proto::VOUCH', 'the class may be undef';
    ok !tied *$client, 'TCP only';
    $tcp = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport);
    my ($other, $name) = $listener->accept;
    is $name, $other->peername, 'in list context with the peer';
    ok fcntl($other, F_GETFD, 0) & FD_CLOEXEC, 'other programs do not get it';
    $listener->close;
    is $listener->accept, undef, 'a closed socket gives undef';
    is $! + 0,            EBADF, 'at once';
};

subtest 'getsockopt(SOL_SOCKET, SO_TYPE)' => sub {
    my $listener = listener(server());
    is $listener->getsockopt(SOL_SOCKET, SO_TYPE), SOCK_STREAM, 'a number';
    ok SOCK_DGRAM != $listener->getsockopt(SOL_SOCKET, SO_TYPE), 'not that of a datagram socket';
};

subtest 'fileno, close' => sub {
    my $listener = listener(server());
    is reftype($listener), 'GLOB', 'a glob';
    like $listener->fileno, qr/\A[0-9]+\z/, 'fileno, the method';
    is fileno($listener), $listener->fileno, 'the function';
    my $select = IO::Select->new($listener);
    is_deeply [$select->can_read(0)], [], 'nobody is there';
    my $tcp = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport);
    is_deeply [$select->can_read(5)], [$listener], 'select sees who comes';
    my $fd = $listener->fileno;
    ok $listener->close,   'close';
    ok !POSIX::close($fd), 'has closed it';
};

subtest 'the close() of a process that only accepts' => sub {
    my $listener = listener(server());
    my $visitor  = visitor($listener, sub { print { $_[0] } "hello\n"; readline($_[0]) . ending($_[0]) });
    my $client   = $listener->accept;
    my $pid      = fork // die "fork: $!";
    if ($pid == 0) {
        close $listener;
        undef $listener;    # as Net::Server::Fork does; the client keeps the context
        $client->post_accept;
        my $line = readline $client;
        print {$client} "you said $line";
        $client->close;
        POSIX::_exit(0);
    }
    my $fd = fileno $client;
    ok close($client),     'it closes';
    ok !POSIX::close($fd), 'its descriptor';
    is told($visitor), "you said hello\ngoodbye", 'and another process serves the client';
    waitpid $pid, 0;
};

subtest 'post_accept' => sub {
    my ($visitor, $client) = visit(sub { readline($_[0]) . ending($_[0]) });
    ok $client->is_SSL,      'does the handshake';
    ok $client->post_accept, 'once';
    is $client->peer_certificate('cn'), 'Alex', 'the peer is known';
    print {$client} "bye\n";
    undef $client;
    is told($visitor), "bye\ngoodbye", 'letting go says goodbye';
};

subtest 'post_accept that fails' => sub {
    my $listener = listener(server());
    my $tcp      = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport);
    print {$tcp} "GET / HTTP/1.0\r\n\r\n";
    $tcp->flush;
    my $client = $listener->accept;
    my $fd     = fileno $client;
    @log = ();
    is eval { $client->post_accept; 1 }, 1, 'does not die';
    like $log[0], qr/\A2 No TLS with 127.0.0.1:[0-9]+: .*http request/, 'says why in the log';
    ok !POSIX::close($fd), 'the descriptor is closed, so nothing goes out in clear';
    is $client->getline,  undef, 'getline';
    is scalar(<$client>), undef, 'readline';
    is_deeply [<$client>], [], 'in list context';
    is $client->read(my $bytes, 5), 0,  'read';
    is $bytes,                      '', 'which empties the variable';
    $bytes = 'abcdef';
    is sysread($client, $bytes, 5, 2), 0,    'sysread';
    is $bytes,                         'ab', 'which cuts it at the offset';
    ok eof $client, 'eof';
    is $client->getc, undef, 'getc';

    for my $write (
        ['print',    sub { print {$client} 'x' }],
        ['->print',  sub { $client->print('x') }],
        ['printf',   sub { printf {$client} 'x' }],
        ['say',      sub { say {$client} 'x' }],
        ['syswrite', sub { syswrite $client, 'x' }],
        ['->write',  sub { $client->write('x') }],
        )
    {
        my ($name, $code) = @$write;
        $! = 0;
        ok !$code->(), "$name fails";
        is $! + 0, EPIPE, 'with EPIPE';
    }
    is $client->fileno, undef, 'fileno';
    ok !$client->is_SSL, 'is_SSL';
    for my $fact (
        qw(get_fingerprint get_fingerprint_bin certificate peer_certificate get_cipher get_sslversion
        get_servername alpn_selected session get_session_reused sock_certificate get_sslversion_int)
        )
    {
        ok !$client->$fact, $fact;
    }
    is $client->peer_certificate('cn'), undef, 'peer_certificate(cn)';
    is_deeply [$client->peer_certificates], [], 'peer_certificates';
    is $client->dump_peer_certificate, "Subject Name: undefined\nIssuer  Name: undefined\n",
        'dump_peer_certificate';
    is $client->verification->{by}, 'nobody', 'verification';
    is $client->pending,            0,        'pending';
    like $client->last_error, qr/http request/, 'last_error';
    is $client->peerhost, '127.0.0.1', 'where it came from is known';
    is_deeply [$client->read_until(100, qr/\n/)], [0, ''], 'read_until';
    ok $client->close,      'close';
    ok $client->close || 1, 'again';
    local $/;
    unlike readline($tcp) // '', qr/[a-z]{3}/i, 'the peer got no text';
};

subtest 'tie_stdout' => sub {
    ok(Net::Server::Proto::VOUCH->tie_stdout, 'is true');
};

subtest 'sockname, peername and the like' => sub {
    my ($visitor, $client, $listener) = visit(sub { $_[0]->sockport });
    my $port = told($visitor);
    is $client->sockhost,   '127.0.0.1',         'sockhost';
    is $client->sockport,   $listener->sockport, 'sockport';
    is $client->sockaddr,   "\x7f\0\0\1",        'sockaddr';
    is $client->sockdomain, AF_INET,             'sockdomain';
    is $client->peerhost,   '127.0.0.1',         'peerhost';
    is $client->peerport,   $port,               'peerport';
    is $client->peeraddr,   "\x7f\0\0\1",        'peeraddr';
    is $client->sockname,   getsockname $client, 'sockname';
    is $client->peername,   getpeername $client, 'peername' if getpeername $client;
    ok length $client->peerhostname, 'peerhostname';
    my %before = map { $_ => $client->$_ } qw(sockhost sockport peerhost peerport peername);
    $client->close;
    is_deeply {
        map { $_ => $client->$_ } keys %before
    }, \%before, 'all the same when the client is closed';
    is $listener->peername, undef,       'a listening socket has no peer';
    is $listener->sockhost, '127.0.0.1', 'but an address';
};

subtest 'getline, print, printf, read, write of Net::Server::TiedHandle' => sub {
    my ($visitor, $client) = visit(sub {
        print { $_[0] } "line\n0123456789abcde";
        local $/;
        readline $_[0];
    });
    tie *FROM, 'Net::Server::TiedHandle', $client;
    tie *TO,   'Net::Server::TiedHandle', $client;
    is scalar(<FROM>),           "line\n",  'readline';
    is read(FROM, my $bytes, 5), 5,         'read';
    is $bytes,                   '01234',   'from the same record';
    is read(FROM, $bytes, 2, 5), 2,         'with an offset';
    is $bytes,                   '0123456', 'behind what is there';
    is sysread(FROM, $bytes, 3), 3,         'sysread';
    is $bytes,                   '789',     'likewise';
    ok print(TO 'a', 'b'), 'print is true';
    ok print(TO ''),       'of nothing, too';
    { local $, = '-'; print TO 'c', 'd' }
    { local $\ = "!"; print TO 'e' }
    say TO 'f';
    printf TO '%03d', 7;
    is syswrite(TO, 'uvwxyz', 3, 2), 3, 'syswrite returns the count';
    is syswrite(TO, 'ABC'), 3, 'of all without a length';
    untie *FROM;
    untie *TO;
    $client->close;
    is told($visitor), "abc-de!f\n007wxyABC", 'what arrives';
};

subtest 'read_until(bytes, pattern)' => sub {
    my $sent = "GET / HTTP/1.0\r\nHost: a\r\n\r\nbody" . 'x' x 10 . "\n\n\nab12cd";
    my ($visitor, $client) = visit(sub { print { $_[0] } $sent; close $_[0]; 'done' });
    my $head = qr/\n\r?\n/;
    is_deeply [$client->read_until(10,      $head)], [2, 'GET / HTTP'],              'that many bytes';
    is_deeply [$client->read_until(100_000, $head)], [1, "/1.0\r\nHost: a\r\n\r\n"], 'until it matches';
    is scalar($client->read_until(4, undef)), 'body', 'bytes only; in scalar context the text';
    is_deeply [$client->read_until(undef, qr/x{3}/)], [1, 'xxx'], 'a pattern only';
    is_deeply [$client->read_until(undef, qr/x{3,}/)], [1, 'xxx'],
        'as soon as it matches, though it could go on';
    is_deeply [$client->read_until(3,     qr/x{3}/)],     [2, 'xxx'],  'both at once: the bytes';
    is_deeply [$client->read_until(undef, qr/\A..\z/s)],  [1, "x\n"],  'a pattern that looks at the end';
    is_deeply [$client->read_until(undef, "\n\n")],       [1, "\n\n"], 'a string';
    is_deeply [$client->read_until(undef, qr/\d(?!\d)/)], [1, 'ab1'],  'one that looks ahead';
    is_deeply [$client->read_until(0,     undef)],        [2, ''],     'nothing';
    is_deeply [$client->read_until(100,   qr/never/)],    [0, '2cd'],  'the end';
    is_deeply [$client->read_until(100,   qr/never/)],    [0, ''],     'and again';
    ok !eval { $client->read_until }, 'without a limit';
    like $@, qr/needs a number of bytes/, 'it dies';
    is told($visitor), 'done', 'the visitor has left';
};

subtest 'read_until across records' => sub {
    my $head = join '', map { "Header-$_: value\r\n" } 1 .. 2000;
    my ($visitor, $client) = visit(sub {
        my ($socket) = @_;
        print {$socket} $_ for unpack '(a7)*', "${head}\r\nrest";
        close $socket;
        'done';
    });
    my ($outcome, $text) = $client->read_until(100_000, qr/\n\r?\n/);
    is $outcome, 1, 'it matches';
    ok $text eq "$head\r\n", 'all of the head';
    is readline($client), 'rest', 'and nothing more';
    is told($visitor),    'done', 'the visitor has left';
};

subtest 'close' => sub {
    my ($visitor, $client) = visit(sub { ending($_[0]) });
    my $fd = fileno $client;
    ok $client->close,     'the method';
    ok !POSIX::close($fd), 'closes';
    is told($visitor), 'goodbye', 'with close_notify';
};

subtest 'shutdown(2)' => sub {
    my $listener = listener(server());
    ok $listener->shutdown(2), 'of a listening socket';
    ok !IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport), 'nobody can connect';
};

subtest 'poll_cb, show, seek, say, syswrite, sysread' => sub {
    my ($visitor, $client, $listener) = visit(sub {
        syswrite $_[0], 'hello';
        local $/;
        readline $_[0];
    });
    is $client->poll_cb(sub { "called with a $_[0]" }), "called with a $client", 'poll_cb';
    like $listener->show, qr/\ARef = "Net::Server::Proto::VOUCH" \(127.0.0.1\|.*\)\n\z/, 'show';
    ok !$client->seek(0, 0), 'seek fails';
    is $client->sysread(my $bytes, 100), 5, 'sysread';
    ok $client->say('a'), 'say';
    is $client->syswrite('bcd', 2, 1), 2, 'syswrite';
    $client->close;
    is told($visitor), "a\ncd", 'what arrives';
};

done_testing;
