use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno            qw(EAGAIN EBADF ETIMEDOUT);
use IO::Socket::IP   ();
use IO::Socket::UNIX ();
use Socket           qw(SOCK_STREAM);
use Time::HiRes      qw(time);
use VouchTest        qw(run_command temp_dir);
use VouchTest::Crowd qw(client gone identity_files listener meet silent start until_told);
use Vouch::Socket;

# A Vouch::Socket with Handshakes, and a listener on sockets from elsewhere.

my @told;
my %telling = (on_error => sub { push @told, @_ });

sub told { return splice @told }

sub server {
    my (%arg) = @_;
    return listener(class => 'Vouch::Socket', Handshakes => 10, %arg);
}

subtest 'a socket with handshakes' => sub {
    my $server = server(Timeout => 20, %telling);
    my @silent = map { silent($server) } 1 .. 3;
    my $child  = client($server, sub { readline($_[0]) eq "hello\n" ? 0 : 1 });
    my ($client, $address) = $server->accept;
    isa_ok $client, 'Vouch::Socket', 'what accept returns among silent ones';
    is $address, $client->peername, 'with its address';
    ok !$client->listener, 'is no listener itself';
    print {$client} "hello\n";
    close $client;
    is gone($child), 0, 'the client got its line';
    isa_ok $server->listener, 'Vouch::Listener', 'the listener of the socket';
    is $server->listener->pending, 3,                           'has the silent ones';
    is $server->sockport,          $server->listener->sockport, 'it is the same socket';
    is_deeply [told()], [], 'nothing has failed';

    ok close $server, 'it is closed, by the function';
    is $server->accept, undef, 'then there is nobody';
    is $! + 0,          EBADF, 'with EBADF';
    ok !sysread($silent[0], my $bytes, 1), 'and the silent ones are gone';
};

subtest 'Timeout' => sub {
    my $server = server(Timeout => 0.2, %telling);
    my $silent = silent($server);
    my $start  = time;
    is $server->accept, undef,     'nobody is ready in time';
    is $! + 0,          ETIMEDOUT, 'which is a timeout';
    cmp_ok time - $start, '>=', 0.19, 'not before';
    ok until_told($server->listener, sub { @told }), 'it is the time for a handshake too';
    is + (told())[0]{what}, 'timeout', 'which is told';
    $server = server(Timeout => 0, HandshakeTimeout => 20, %telling);
    $silent = silent($server);
    is $server->accept,            undef,     'with 0 accept does not wait';
    is $! + 0,                     ETIMEDOUT, 'and says so';
    is $server->listener->pending, 1,         'but a handshake may have its own time';
};

subtest 'without waiting' => sub {
    my $server = server(Blocking => 0, %telling);
    is $server->blocking,    0,      'Blocking => 0';
    is $server->accept,      undef,  'there is nobody';
    is $! + 0,               EAGAIN, 'which is EAGAIN';
    is $server->blocking(1), 0,      'it may be told to wait';
    is $server->blocking,    1,      'and does';
    my $child  = client($server, sub { 0 });
    my $client = $server->accept;
    ok $client, 'a client is waited for';
    is $client->blocking, 1, 'on which reading waits';
    is gone($child),      0, 'it was content';
};

subtest 'without Handshakes' => sub {
    my $server = listener(class => 'Vouch::Socket', SSL_startHandshake => 0);
    is $server->listener, undef, 'there is no listener';
    is $server->blocking, 1,     'the socket itself blocks';
    for my $undefined (qw(Handshakes PerAddress on_error)) {
        my $other = listener(class => 'Vouch::Socket', $undefined => undef);
        is $other->listener, undef, "undef for $undefined is none";
    }
};

subtest 'a class of its own' => sub {
    @My::Server::ISA = 'Vouch::Socket';
    my $server = listener(class => 'My::Server', Handshakes => 5);
    my $child  = client($server, sub { 0 });
    my $client = $server->accept;
    is ref $client, 'My::Server', 'what comes out is of the class of the listener';
    gone($child);
    bless $server, 'Vouch::Socket';
    $child  = client($server, sub { 0 });
    $client = $server->accept;
    is ref $client, 'Vouch::Socket', 'that which it has now';
    gone($child);
};

subtest 'IO::Socket::SSL by Vouch::Instead' => sub {
    my %files = identity_files();
    my ($status, $out, $err) =
        run_command([$^X, (map { "-I$_" } @INC), '-MVouch::Instead', '-e', <<'PERL', %files]);
        use v5.16; use warnings;
        use IO::Socket::SSL;
        my $server = IO::Socket::SSL->new(LocalAddr => '127.0.0.1', Listen => 5, Handshakes => 5, @ARGV) or die $SSL_ERROR;
        my $silent = IO::Socket::IP->new(PeerAddr => '127.0.0.1', PeerPort => $server->sockport) or die;
        if (fork == 0) {
            my $socket = IO::Socket::SSL->new(
                PeerAddr => '127.0.0.1', PeerPort => $server->sockport, SSL_verify_mode => SSL_VERIFY_NONE,
            ) or die $SSL_ERROR;
            print $socket "hello\n";
            exit;
        }
        my $client = $server->accept;
        print ref $client, ' ', scalar <$client>;
        wait;
PERL
    is $out,    "IO::Socket::SSL hello\n", 'takes the argument, too';
    is $status, 0,                         'and ends well' or diag $err;
};

subtest 'a socket that listens already' => sub {
    my %files = identity_files();
    my %where = (LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 20);
    for my $class (qw(IO::Socket::IP IO::Socket::INET)) {
        require IO::Socket::INET;
        my $plain    = $class->new(%where) or die "listen: $@";
        my $listener = Vouch::Listener->new(Socket => $plain, %files, %telling);
        is $listener->sockport, $plain->sockport, "$class: the port is that of the socket";
        is $listener->socket,   $plain,           'it is the very socket';
        my $silent = silent($listener);
        my ($server, $client) = meet($listener);
        is ref $server,        'Vouch::Socket', 'a client comes through';
        is $listener->timeout, undef,           'without a time limit';
        undef $listener;
        ok defined fileno $plain,           'the socket stays open when the listener goes';
        ok !sysread($silent, my $bytes, 1), 'the handshakes do not';
    }
    my $plain = Vouch::Socket->new(%where, %files) or die $SSL_ERROR;
    my ($server) = meet(Vouch::Listener->new(Socket => $plain));
    ok $server, 'a Vouch::Socket brings its settings along';

    my $path = temp_dir() . '/socket';
    my $unix = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path, Listen => 5) or die "listen: $!";
    my $listener = Vouch::Listener->new(Socket => $unix, PerAddress => 1, %files, %telling);
    is $listener->sockport, undef, 'a UNIX socket has no port';
    is $listener->sockhost, undef, 'and no host';
    for (1, 2) {
        my $raw = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or die "connect: $!";
        my $client =
            Vouch::Socket->start_SSL($raw, SSL_startHandshake => 0, SSL_verify_mode => SSL_VERIFY_NONE);
        $client->blocking(0);
        my ($server) = meet($listener, $client);
        ok $server, 'a client comes through it';
        print {$server} "hello\n";
        is scalar <$client>, "hello\n", 'and gets its line';
    }
    my $bad = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or die "connect: $!";
    print {$bad} "no TLS\n";
    ok until_told($listener, sub { @told }), 'one that fails';
    my ($failure) = told();
    is $failure->{address}, 'unix', 'has the address unix';
    is $failure->{port},    undef,  'and no port';
    ok $listener->close, 'it is closed';
};

subtest 'wrong sockets' => sub {
    my %files = identity_files();
    my $plain = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5);
    my $tls   = listener(class => 'Vouch::Socket', SSL_startHandshake => 1);
    my @wrong = (
        [{ Socket => 'x', %files },                       qr/\ASocket must be an open listening socket/],
        [{ Socket => \*STDIN, %files },                   qr/\ASocket must be an open listening socket/],
        [{ Socket => IO::Socket::IP->new, %files },       qr/\ASocket must be an open listening socket/],
        [{ Socket => $plain, %files, LocalPort => 1234 }, qr/\ALocalPort has no effect beside Socket/],
        [{ Socket => $tls, %files },                      qr/\ASocket has TLS settings of its own/],
        [{ Socket => $plain },                            qr/needs a certificate/],
        [{ Socket => $plain, %files, SSL_reuse_ctx => Vouch::Context->new }, qr/this context is for clients/],
    );
    for my $case (@wrong) {
        is eval { Vouch::Listener->new(%{ $case->[0] }); 1 }, undef, 'is refused';
        like "$@", $case->[1], 'and told why';
    }
    my $connected = silent($tls);
    my $listener  = Vouch::Listener->new(Socket => $connected, %files, %telling);
    print { $tls->_accept_plain('Vouch::Socket') } "x";
    is $listener->accept,   undef,    'one that is connected cannot accept';
    is $! + 0,              EBADF,    'and is closed for it';
    is + (told())[0]{what}, 'system', 'which is told';
};

done_testing;
