use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Digest::SHA       qw(sha256_hex);
use Errno             qw(EAGAIN ETIMEDOUT);
use IO::Select        ();
use Time::HiRes       ();
use VouchTest         qw(identity);
use VouchTest::Pair   ();
use VouchTest::Server ();
use Vouch::Socket;

# A TLS socket as a Perl handle, where there is nothing to read or no room to
# write: not blocking, select, deadlines, signals, large amounts.

my @server   = identity('server', cn => 'localhost');
my $context  = Vouch::Context->new(SSL_server => 1, SSL_cert_file => $server[0], SSL_key_file => $server[1]);
my $visitor  = Vouch::Context->new(SSL_verify_mode => SSL_VERIFY_NONE);
my $listener = VouchTest::Pair::listener(SSL_reuse_ctx => $context);

# A pair of sockets: ($client, $server).
sub both {
    return VouchTest::Pair->new(listener => $listener, client => { SSL_reuse_ctx => $visitor, @_ })->both;
}

sub error_of {
    my ($code) = @_;
    return eval { $code->(); 1 } ? undef : $@;
}

subtest 'not blocking' => sub {
    my ($client, $server) = both();
    $server->blocking(0);
    ok !$server->blocking, 'blocking tells';
    for my $case (
        [sysread  => sub { sysread $server, my $buffer, 10 }],
        [readline => sub { readline $server }],
        [read     => sub { $server->read(my $buffer, 10) }],
        [getc     => sub { getc $server }],
        [peek     => sub { $server->peek(my $buffer, 10) }],
        )
    {
        my ($name, $code) = @$case;
        ($!, $SSL_ERROR) = (0, 0);
        is scalar $code->(), undef,  "$name: undef where nothing has come";
        is $! + 0,           EAGAIN, "$name: \$!";
        cmp_ok $SSL_ERROR, '==', SSL_WANT_READ, "$name: \$SSL_ERROR";
        is "$SSL_ERROR", 'SSL wants a read first', "$name: in words";
    }
    ok !eof($server), 'eof: no';
    syswrite $client, 'half a';
    IO::Select->new($server)->can_read(5);
    is scalar <$server>, 'half a', 'a line that has not ended comes as far as it has';
    syswrite $client, " line\nmore\n";
    IO::Select->new($server)->can_read(5);
    is scalar <$server>, " line\n", 'and then the rest';
    is scalar <$server>, "more\n",  'and the next';
    is scalar <$server>, undef,     'and no more';
    cmp_ok $SSL_ERROR, '==', SSL_WANT_READ, 'for now';
    $client->close;
    IO::Select->new($server)->can_read(5);
    is sysread($server, my $buffer, 10), 0, 'the end is no EAGAIN';
};

subtest 'not blocking, writing' => sub {
    my ($client, $server) = both();
    $client->blocking(0);
    my $chunk = join '', map { chr(33 + $_ % 90) } 0 .. 16_383;
    my $sent  = 0;
    while (defined(my $count = syswrite $client, $chunk)) { $sent += $count }
    cmp_ok $sent, '>', 0, 'until the buffers are full';
    is $! + 0, EAGAIN, 'then $! is EAGAIN';
    cmp_ok $SSL_ERROR, '==', SSL_WANT_WRITE, 'and $SSL_ERROR SSL_WANT_WRITE';
    is "$SSL_ERROR",              'SSL wants a write first', 'in words';
    is syswrite($client, $chunk), undef,                     'for as long as nobody reads';
    my $got = 0;
    my $sum = '';
    $server->blocking(0);
    my $open = 1;

    while ($open || $got < $sent) {
        my $count = sysread $server, my $buffer, 65_536;
        if ($count) { $got += $count; $sum .= $buffer }
        next if !$open;
        $count = syswrite $client, $chunk . '';
        if ($count) { $sent += $count; $open = 0 }
    }
    is $got, $sent, 'the same bytes again, at another address, are sent once';
    ok $sum eq substr($chunk x (1 + $sent / length $chunk), 0, $sent), 'and all arrive in order';
};

subtest 'select' => sub {
    my ($client, $server) = both();
    my $select = IO::Select->new($server);
    ok !$select->can_read(0), 'nothing to read';
    syswrite $client, 'x';
    is_deeply [map { fileno $_ } $select->can_read(5)], [fileno $server], 'something to read';
    ok +IO::Select->new($client)->can_write(0), 'writable';
};

# A pair with SSL_io_timeout on the server's side.
sub impatient {
    my ($seconds) = @_;
    return VouchTest::Pair->new(
        server => { SSL_reuse_ctx => $context, SSL_io_timeout => $seconds },
        client => { SSL_reuse_ctx => $visitor }
    )->both;
}

subtest 'SSL_io_timeout' => sub {
    my ($client, $server) = impatient(0.2);
    for my $case (
        [sysread  => sub { sysread $server, my $buffer, 10 }],
        [readline => sub { readline $server }],
        [read     => sub { $server->read(my $buffer, 10) }],
        )
    {
        my ($name, $code) = @$case;
        my $start = Time::HiRes::time();
        is scalar $code->(), undef,     "$name: undef when nothing comes";
        is $! + 0,           ETIMEDOUT, "$name: \$!";
        cmp_ok $SSL_ERROR, '==', ETIMEDOUT, "$name: \$SSL_ERROR";
        like $SSL_ERROR, qr/deadline/, "$name: in words";
        my $took = Time::HiRes::time() - $start;
        ok $took >= 0.19 && $took < 5, "$name: after that time";
    }
    syswrite $client, 'half a';
    is scalar <$server>, undef,     'a line that does not end: undef';
    is $! + 0,           ETIMEDOUT, '$!';
    syswrite $client, " line\n";
    is scalar <$server>, "half a line\n", 'and what had come is not lost';
    syswrite $client, 'some';
    is $server->read(my $buffer, 10), 4,      'read gives what has come';
    is $buffer,                       'some', 'all of it';
    ($client, $server) = impatient(0.2);
    my $count;
    my $sent = 0;
    while ($count = syswrite $server, 'x' x 16_384) { $sent += $count }
    is $count, undef,     'syswrite to a peer that does not read';
    is $! + 0, ETIMEDOUT, '$!';
    cmp_ok $sent, '>', 0, 'what went before has gone';
};

subtest 'signals' => sub {
    my ($client, $server) = both();
    my $caught = 0;
    local $SIG{ALRM} = sub { $caught++; syswrite $client, "line\n" };
    Time::HiRes::alarm(0.1);
    is scalar <$server>, "line\n", 'a handler runs while a line is waited for, and the wait goes on';
    is $caught,          1,        'once';
    local $SIG{ALRM} = sub { die "alarm\n" };
    Time::HiRes::alarm(0.1);
    is error_of(sub { readline $server }), "alarm\n", 'one that dies ends the wait';
    print {$client} "next\n";
    is scalar <$server>, "next\n", 'and the socket is as before';
    local $SIG{ALRM} = sub { $server->close };
    Time::HiRes::alarm(0.1);
    is scalar <$server>, undef, 'one that closes the socket ends the wait';
    ($client, $server) = both();
    my $separator = '--' . 'end of line' x 3;
    local $SIG{ALRM} = sub {
        local $/;
        my @junk = map { 'y' x $_ } 1 .. 100;
        syswrite $client, "second$separator";
    };
    syswrite $client, "first ";
    Time::HiRes::alarm(0.1);
    { local $/ = $separator; is scalar <$server>, "first second$separator", 'one that sets $/' }
    my $gone = $server;
    undef $server;
    my @other;
    local $SIG{ALRM} = sub {
        undef $gone;
        @other = both();
        syswrite $client,   "last words$separator";
        syswrite $other[0], "not for the first\n";
    };
    Time::HiRes::alarm(0.1);
    { local $/ = $separator; is scalar <$gone>, "last words$separator", 'one that drops the socket' }
    is readline($other[1]),          "not for the first\n", 'a new one is not touched by what the first does';
    is sysread($client, my $end, 1), 0,                     'the first is closed properly';
    ($client, $server) = both();
    my %buffer = (data => 'x' x 1000);
    local $SIG{ALRM} = sub { delete $buffer{data}; syswrite $client, 'z' x 1000 };
    Time::HiRes::alarm(0.1);
    is sysread($server, $buffer{data}, 1000), 1000, 'one that drops the buffer';
    alarm 200;
};

subtest 'large amounts' => sub {
    my $server = VouchTest::Server->start(
        ssl   => { SSL_cert_file => $server[0], SSL_key_file => $server[1] },
        serve => sub {
            my ($client) = @_;
            my $length = <$client>;
            $client->read(my $data, $length);
            print {$client} sha256_hex($data), "\n";
            print {$client} $data;
        },
    );
    my $client = Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $server->port,
        SSL_verify_mode => SSL_VERIFY_NONE
    ) or die $SSL_ERROR;
    my $data = pack 'N*', map { $_ * 2_654_435_761 % 2**32 } 1 .. 1_250_000;
    print {$client} length($data), "\n";
    is print({$client} $data), length $data,                'print of 5 MB returns when all is written';
    is scalar <$client>,       sha256_hex($data) . "\n",    'all of it arrives';
    is $client->read(my $back, length $data), length $data, 'and comes back';
    ok $back eq $data, 'the same';
};

subtest 'other methods' => sub {
    my ($client, $server) = both();
    ok binmode($client), 'binmode';
    is tell($client), -1, 'tell';
    ok !seek($client, 0, 0),  'seek';
    ok $client->autoflush(1), 'autoflush';
    ok -S $client,            'it is a socket';
    is $client->peerport, $server->sockport, 'peerport and sockport';
    is $client->peerhost, '127.0.0.1',       'peerhost';
    ok $client->connected, 'connected';
    ok $client->is_SSL,    'is_SSL';

    for my $method (qw(send recv)) {
        ok !eval { $client->$method('x', 1); 1 }, "$method would go past TLS";
        like $@, qr/\A$method\(\) would go past TLS; use sys/, "$method: and that is told";
    }
    is_deeply [sort keys %{ { map { ref $_ => 1 } $client, $server } }], ['Vouch::Socket'], 'the class';
};

done_testing;
