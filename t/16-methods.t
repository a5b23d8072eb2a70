use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno          qw(EAGAIN EBADF);
use IO::Handle     ();
use IO::Select     ();
use IO::Socket::IP ();
use POSIX          ();
use Socket         qw(AF_INET SOCK_STREAM inet_aton pack_sockaddr_in);

use VouchTest        qw(identity slurp);
use VouchTest::Pair  ();
use VouchTest::Turns qw(listener sockets shake pair);
use Vouch::Certificate;
use Vouch::Socket;

# The methods that programs for IO::Socket::SSL call, beside reading and
# writing: t/16-handle.t has those.

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');
my %server = (SSL_cert_file   => $server[0], SSL_key_file => $server[1]);
my %none   = (SSL_verify_mode => SSL_VERIFY_NONE);
my $kept   = {};

# Dies with a text like this, from the line that called.
sub refused {
    my ($code, $pattern, $name) = @_;
    my $line = eval { $code->(); 1 } ? 'it did not die' : "$@";
    like $line, $pattern, $name;
    return;
}

# Until the code returns something true, or nothing comes to the socket.
sub await {
    my ($socket, $code) = @_;
    for (1 .. 20) {
        my $done = $code->();
        return $done if $done || !IO::Select->new($socket)->can_read(10);
    }
    return;
}

# A server in a child that answers each of $count clients with a line.
sub answering {
    my ($count, %ssl) = @_;
    my $listener = Vouch::Socket->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5, %server, %ssl)
        or die $SSL_ERROR;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        for (1 .. $count) {
            my $client = $listener->accept or next;
            print {$client} "hello\n";
            my $end = <$client>;
            $client->close;
        }
        POSIX::_exit(0);
    }
    my $port = $listener->sockport;
    $listener->close(SSL_no_shutdown => 1);
    return ($port, sub { waitpid $pid, 0; return $? });
}

subtest 'opened, opening, want_read, want_write' => sub {
    my $listener = listener();
    is $listener->opened, 1, 'a socket that listens is open';
    my ($server, $client) = sockets($listener);
    is $client->opened, 0, 'in plain text: 0';
    ok !$client->opening,                           'nothing has begun';
    ok !$client->want_read && !$client->want_write, 'and nothing is wanted';
    ok !$client->connect_SSL,                       'the handshake begins';
    is $client->opened, 0, 'still 0';
    ok $client->opening,        'but it is opening';
    ok $client->want_read,      'the client waits for an answer';
    ok !$client->want_write,    'and has sent all';
    ok shake($server, $client), 'the rest of it';
    is $_->opened, 1, 'open' for $server, $client;
    ok !$_->opening, 'and not opening any more' for $server, $client;
    $client->blocking(0);
    is sysread($client, my $byte, 1), undef, 'a read that would have to wait';
    ok $client->want_read, 'wants to read';
    print {$server} 'x';
    $client->blocking(1);
    is sysread($client, $byte, 1), 1, 'after one that did not';
    ok !$client->want_read, 'it does not';
    $client->close;
    is $client->opened, 0, 'a closed one is not';
    ok !$client->opening, 'nor opening';
    is(Vouch::Socket->new->opened, 0, 'nor is one without a descriptor');
};

subtest 'opened after a failure' => sub {
    my $trapped;
    my %distrust = (SSL_verify_mode => SSL_VERIFY_PEER, SSL_ca_file => \undef);
    my ($server, $client) = sockets(listener(),
        %distrust, SSL_error_trap => sub { $trapped = $_[0]; is $_[0]->opened, -1, 'in the trap: -1' });
    ok !shake($server, $client), 'a handshake fails';
    is $client->opened, -1, 'afterwards too';
    ok !$client->opening, 'it is not opening';
    undef $trapped;
    ($server, $client) = sockets(listener(), %distrust, SSL_keepSocketOnError => 1);
    ok !shake($server, $client), 'a handshake fails';
    is $client->opened, -1, 'a socket that was kept';
    ok !$client->connect_SSL, 'connect_SSL does not begin again with other settings';
    like $SSL_ERROR, qr/its handshake has failed; use start_SSL/, 'and says so';
    ok(Vouch::Socket->start_SSL($client, %none, SSL_startHandshake => 0), 'start_SSL does');
    is $client->opened, 0, 'and then it is as new';
};

subtest 'new without arguments, then configure' => sub {
    my ($port, $end) = answering(2);
    my $socket = Vouch::Socket->new;
    is $socket->fileno, undef, 'no descriptor yet';
    ok $socket->configure({ PeerAddr => '127.0.0.1', PeerPort => $port, SSL_ca_file => $server[0] }),
        'configure connects'
        or diag $SSL_ERROR;
    is scalar <$socket>, "hello\n", 'through TLS';
    $socket->close;
    ok !eval { Vouch::Socket->new->configure({ SSL_nothing => 1 }) }, 'a wrong argument dies there';
    like $@, qr/SSL_nothing/, 'by name';

    $socket = Vouch::Socket->new;
    ok $socket->socket(AF_INET, SOCK_STREAM, 0), 'a socket by hand';
    $socket->configure_SSL({ SSL_ca_file => $server[0], SSL_hostname => 'localhost' });
    ok $socket->connect(pack_sockaddr_in($port, inet_aton('127.0.0.1'))), 'configure_SSL and connect'
        or diag $SSL_ERROR;
    ok $socket->is_SSL, 'make TLS';
    is $socket->verification->{by}, 'chain',   'that is checked';
    is scalar <$socket>,            "hello\n", 'and works';
    $socket->close;
    is $end->(), 0, 'the server has seen both';
};

subtest 'connect without settings checks all' => sub {
    my ($port, $end) = answering(1);
    my $socket = Vouch::Socket->new;
    $socket->socket(AF_INET, SOCK_STREAM, 0);
    ok !$socket->connect(pack_sockaddr_in($port, inet_aton('127.0.0.1'))), 'nobody vouches for this server';
    like $SSL_ERROR, qr/certificate verify failed/, 'says the error';
    $end->();
    my $away = Vouch::Socket->new;
    $away->socket(AF_INET, SOCK_STREAM, 0);
    ok !$away->connect(pack_sockaddr_in(1, inet_aton('127.0.0.1'))), 'nobody listens';
    isnt $! + 0, 0, 'which is in $!';
    ok !$away->is_SSL, 'and no TLS';
};

subtest 'connect_SSL and accept_SSL: their arguments' => sub {
    my ($server, $client) = sockets(listener());
    refused(sub { $client->connect_SSL('x') },         qr/connect_SSL takes names and values/, 'odd');
    refused(sub { $client->connect_SSL(Timeot => 1) }, qr/does not know the argument Timeot/,  'misspelt');
    refused(sub { $client->connect_SSL({ Timeout => [] }) }, qr/Timeout must be a number/, 'no number');
    refused(sub { $server->connect_SSL },                    qr/use accept_SSL/,           'the other side');
    ok !$client->connect_SSL({ Timeout => 5 }), 'a hash will do';
    is $! + 0, EAGAIN, 'as the handle does not wait';
    ok !$server->accept_SSL(Timeout => 5.5), 'so will a list';
    ok shake($server, $client),              'and it goes on';
    my $closed = Vouch::Socket->new;
    ok !$closed->connect_SSL, 'no descriptor';
    is $! + 0, EBADF, 'is EBADF';
    like $SSL_ERROR, qr/SSL connect attempt failed: the socket is closed/, 'in words too';
    refused(sub { sockets(listener())->accept_SSL(Timeout => -1) }, qr/Timeout must be a number/, 'negative');
};

subtest 'accept_SSL of another socket' => sub {
    my $listener = listener(Timeout => 10);
    my $client   = Vouch::Socket->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => $listener->sockport,
        SSL_startHandshake => 0,
        %none
    );
    my $plain = $listener->IO::Socket::IP::accept('IO::Socket::IP');
    is ref $plain, 'IO::Socket::IP', 'accepted by another class';
    $_->blocking(0) for $plain, $client;
    ok !$listener->accept_SSL($plain, { Timeout => 5 }), 'the handshake begins';
    ok shake($plain, $client),                           'with the settings of the listener';
    isa_ok $plain, 'Vouch::Socket';
    is $plain->context, $listener->context, 'and with its context';
    $plain->blocking(1);
    ok $plain->stop_SSL(SSL_fast_shutdown => 1), 'back again';
    is ref $plain, 'IO::Socket::IP', 'of the class it was';

    # As Net::Server does: our own class, made without arguments.
    ($client) = Vouch::Socket->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => $listener->sockport,
        SSL_startHandshake => 0,
        %none
    );
    my $accepted = $listener->IO::Socket::IP::accept;
    is ref $accepted, 'Vouch::Socket', 'accepted by the method of IO::Socket';
    $_->blocking(0) for $accepted, $client;
    ok !$listener->accept_SSL($accepted), 'accept_SSL';
    ok shake($accepted, $client),         'the same';
};

subtest 'a client on a connection that was accepted' => sub {
    my $context  = Vouch::Context->new(%none);
    my $listener = Vouch::Socket->new(
        LocalAddr          => '127.0.0.1',
        LocalPort          => 0,
        Listen             => 1,
        SSL_reuse_ctx      => $context,
        SSL_startHandshake => 0
    ) or die $SSL_ERROR;
    my $peer     = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport) or die $@;
    my $accepted = $listener->accept or die $SSL_ERROR;
    Vouch::Socket->start_SSL($peer, SSL_server => 1, %server, SSL_startHandshake => 0);
    $_->blocking(0) for $accepted, $peer;
    ok shake($peer, $accepted), 'a listener of a client context, as FTP wants it';
    refused(
        sub {
            Vouch::Socket->new(LocalAddr => '127.0.0.1', Listen => 1, SSL_reuse_ctx => $context);
        },
        qr/this context is for clients/,
        'not where accept would do the handshake'
    );
};

subtest 'accept: class and context' => sub {
    {

        package My::Client;    ## no critic (ProhibitMultiplePackages RequireFilenameMatchesPackage)
        our @ISA = ('Vouch::Socket');
        sub name { return 'mine' }
    }
    my $listener = listener();
    my $visit    = sub {
        return Vouch::Socket->new(
            PeerAddr           => '127.0.0.1',
            PeerPort           => $listener->sockport,
            SSL_startHandshake => 0,
            %none
        );
    };
    my $one    = $visit->();
    my $client = $listener->accept('My::Client');
    is $client->name, 'mine', 'of the class that is asked for';
    my $two = $visit->();
    my ($other, $address) = $listener->accept($client);
    is ref $other, 'My::Client',     'an object names its class';
    is $address,   $other->peername, 'in list context followed by the address';
    my $three = $visit->();
    refused(
        sub { $listener->accept('IO::Handle') },
        qr/of Vouch::Socket's subclasses, not of 'IO::Handle'/,
        'another class'
    );
    is ref $listener->accept, 'Vouch::Socket', 'and the connection is not lost by that';
};

subtest 'new_from_fd' => sub {
    for my $mode ([], ['+<'], ['w']) {
        my ($port, $end) = answering(1);
        my $plain  = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) or die $@;
        my $socket = Vouch::Socket->new_from_fd(
            $plain->fileno, @$mode,
            SSL_ca_file  => $server[0],
            SSL_hostname => 'localhost'
        );
        ok $socket, "a descriptor, and @{[@$mode ? $mode->[0] : 'no mode']}" or diag $SSL_ERROR;
        is scalar <$socket>, "hello\n", 'works';
        $socket->close;
        $end->();
    }
    is(Vouch::Socket->new_from_fd(987, %none), undef, 'one that is not open');
    like $SSL_ERROR, qr/\Anew_from_fd: /, 'is told';
};

subtest 'start_SSL: its arguments' => sub {
    my ($port, $end) = answering(1);
    my $plain = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) or die $@;
    refused(sub { Vouch::Socket->start_SSL($plain, 'x') }, qr/start_SSL takes names and values/, 'odd');
    is ref $plain, 'IO::Socket::IP', 'nothing has happened';
    ok(Vouch::Socket->start_SSL($plain, { SSL_ca_file => $server[0], SSL_hostname => 'localhost' }),
        'a hash will do')
        or diag $SSL_ERROR;
    is scalar <$plain>, "hello\n", 'it works';
    $plain->close;
    $end->();
};

subtest 'close and stop_SSL: their arguments' => sub {
    my ($server, $client) = pair({});
    refused(sub { $client->close('x') }, qr/close takes names and values/, 'odd');
    refused(sub { $client->close(SSL_no_shutdwn => 1) },
        qr/close does not know the argument SSL_no_shutdwn/, 'misspelt');
    refused(sub { $client->stop_SSL(Timeout => 'soon') }, qr/Timeout must be a number/, 'no number');
    ok $client->is_SSL,                                                         'which changes nothing';
    ok $client->close(SSL_ctx_free => 1, SSL_fast_shutdown => 1, Timeout => 1), 'all that there are';
    is sysread($server, my $byte, 1), 0,     'the peer sees the end';
    is $server->last_error,           undef, 'a proper one';
    is $server->is_SSL,               'w',   'it may still write';
    ok !$client->close, 'closed twice is false';

    ($server, $client) = pair({});
    ok $server->close(SSL_no_shutdown => 1), 'without a word';
    is sysread($client, $byte, 1), 0,        'the peer sees the end';
    is $client->last_error->code,  'closed', 'cut off';
};

subtest 'close that waits' => sub {
    my ($server, $client) = pair({});
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my $byte;
        my $ended = sysread($server, $byte, 1) && sysread($server, $byte, 1) == 0;
        $server->close;
        POSIX::_exit($ended ? 0 : 1);
    }
    $server->close(SSL_no_shutdown => 1);
    print {$client} 'x';    # the process that uses it is the one that ends it
    ok $client->close(SSL_fast_shutdown => 0, Timeout => 10), 'close waits for the answer';
    waitpid $pid, 0;
    is $?, 0, 'which came after the goodbye';

    ($server, $client) = pair({});
    ok $client->close(SSL_fast_shutdown => 0, Timeout => 0.1), 'a silent peer cannot keep us';

    ($server, $client) = pair({});
    $client->blocking(0);
    ok !$client->close(SSL_fast_shutdown => 0), 'a handle that does not wait';
    is $! + 0, EAGAIN, 'is to try again';
    ok $SSL_ERROR == SSL_WANT_READ, 'when it can read';
    ok defined $client->fileno,     'and is open';
    is sysread($server, my $byte, 1), 0, 'the peer has been told';
    $server->close;
    ok await($client, sub { $client->close(SSL_fast_shutdown => 0) }), 'then it is closed';
    is $client->fileno, undef, 'indeed';

    ($server, $client) = pair({});
    $client->blocking(0);
    ok !$client->stop_SSL, 'stop_SSL: the same';
    is $! + 0, EAGAIN, 'again later';
    ok $server->stop_SSL(Timeout => 10),          'the peer answers';
    ok await($client, sub { $client->stop_SSL }), 'then TLS has ended';
    ok !tied *$client,                            'and the handle is plain';
};

subtest 'fdopen, as Net::Server brings a listener to its descriptor' => sub {
    my $listener = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5) or die $@;
    my $adopted  = Vouch::Socket->new;
    refused(
        sub { $adopted->fdopen($listener->fileno, 'w') },
        qr/\Afdopen\(\) is not there .* at t.16-methods/s,
        'the method refuses'
    );
    is $adopted->configure_SSL({ %server, SSL_server => 1, SSL_startHandshake => 0 }), $adopted,
        'configure_SSL';
    refused(
        sub { $adopted->configure_SSL('x') },
        qr/configure_SSL takes names and values/,
        'of names and values'
    );
    ok $adopted->IO::Socket::INET::fdopen($listener->fileno, 'w'), 'IO::Handle\'s own works';
    my $client = Vouch::Socket->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => $listener->sockport,
        SSL_startHandshake => 0,
        %none
    );
    my $server = $adopted->accept or diag $SSL_ERROR;
    $_->blocking(0) for $server, $client;
    ok shake($server, $client), 'and it serves';
};

subtest 'what there is not' => sub {
    my ($server, $client) = pair({});
    for my $name (
        qw(fdopen setbuf setvbuf stat truncate idn_to_ascii idn_to_unicode ocsp_resolver set_msg_callback))
    {
        for my $object ($client, 'Vouch::Socket') {
            refused(
                sub { $object->$name },
                qr/\A$name\(\) is not there for Vouch::Socket: .{10}.* at t.16-methods/,
                "$name dies with a sentence"
            );
        }
    }
    refused(sub { $client->send('x') },      qr/send\(\) would go past TLS/, 'send');
    refused(sub { $client->recv(my $b, 1) }, qr/recv\(\) would go past TLS/, 'recv');
    ok -S $client, 'Perl\'s own look at the handle works';
    print {$client} "still fine\n";
    is scalar <$server>, "still fine\n", 'and the connection lives';
};

subtest 'older names' => sub {
    my ($server, $client) = pair({ SSL_verify_mode => VOUCH_VERIFY_ANY },
        { SSL_cert_file => $alex[0], SSL_key_file => $alex[1] });
    is $server->get_peer_certificate,               $server,          'get_peer_certificate is the socket';
    is $server->get_peer_certificate->subject_name, '/CN=Alex',       'subject_name';
    is $server->issuer_name,                        '/CN=Alex',       'issuer_name';
    is $server->next_proto_negotiated,              undef,            'next_proto_negotiated';
    is $server->get_ssleay_error,                   "$SSL_ERROR",     'get_ssleay_error';
    is $server->error('a text of mine'),            undef,            'error';
    is "$SSL_ERROR",                                'a text of mine', 'sets $SSL_ERROR';
    ok !$server->error, 'without a text it is that of the handle';
    is_deeply [Vouch::Socket->error('other')], [], 'and the empty list in a list';
    is $server->kill_socket,          undef, 'kill_socket';
    is $server->fileno,               undef, 'closes';
    is sysread($client, my $byte, 1), 0,     'the peer sees the end';

    my ($port, $end) = answering(2);
    for my $how (sub { Vouch::Socket::socketToSSL(@_) }, sub { Vouch::Socket->socket_to_SSL(@_) },) {
        my $plain = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) or die $@;
        ok $how->($plain, {%none}), 'socketToSSL';
        is scalar <$plain>, "hello\n", 'is start_SSL';
        $plain->close;
    }
    $end->();
};

subtest 'fatal_ssl_error' => sub {
    my ($server, $client) = sockets(listener());
    is $client->fatal_ssl_error, undef, 'returns undef';
    is $client->fileno,          undef, 'and closes';
    my $seen;
    ($server, $client) = sockets(listener(), SSL_error_trap => sub { $seen = $_[1] });
    $client->error('this went wrong');
    $client->fatal_ssl_error;
    is $seen, 'this went wrong', 'or calls the trap';
    ok defined $client->fileno, 'which may keep it';
};

subtest 'fingerprints of other certificates' => sub {
    my $alex = Vouch::Certificate->from_file($alex[0]);
    my ($server, $client) = pair({});
    my $want = $alex->fingerprint =~ s/\ASHA256:/sha256\$/r;
    is $client->get_fingerprint('sha256', $alex),     lc $want, 'of an object';
    is $client->get_fingerprint(undef,    0 + $alex), lc $want, 'of its number';
    is(Vouch::Socket->get_fingerprint(undef, $alex), lc $want, 'by the class');
    is length $client->get_fingerprint_bin('sha1', $alex), 20, 'in bytes';
    refused(
        sub { $client->get_fingerprint('sha256', $_) },
        qr/a certificate must be .* not '\Q$_\E/,
        "of: $_"
    ) for 'text', 17, -1, [], {}, sub { 1 }, $client, '1e9', 100_001;
    refused(
        sub { $client->get_fingerprint('nosuch') },
        qr/\ADigest algorithm nosuch is not available\n\z/,
        'another digest'
    );
    is $client->peer_certificate(undef, 1), $client->certificate + 0, 'the argument "reload" is no harm';
};

subtest 'timeout' => sub {
    my $listener = listener(Timeout => 0.2);
    is $listener->timeout, 0.2, 'is that of new';
    my ($server, $client) = sockets($listener);
    $server->blocking(1);
    is $server->timeout(0.05), undef, 'it can be set';
    ok !$server->accept_SSL, 'the peer is silent';
    like $SSL_ERROR, qr/no handshake within 0\.05 seconds/, 'and that is the limit now';
    refused(sub { $listener->timeout($_) }, qr/Timeout must be a number/, "not: $_") for 'x', -1, [];
    is $listener->timeout, 0.2, 'which changes nothing';
};

subtest 'readline' => sub {
    my ($server, $client) = pair({});
    print {$server} "one\ntwo\nthree\n";
    is $client->readline, "one\n", 'a line';
    $server->close;
    is_deeply [$client->readline], ["two\n", "three\n"], 'all lines';
};

done_testing;
