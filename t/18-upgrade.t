use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::IP  ();
use Socket          qw(AF_UNIX SOCK_STREAM PF_UNSPEC);
use POSIX           ();
use VouchTest       qw(identity);
use VouchTest::Pair ();
use Vouch::Socket;

# TLS on a socket that is there already (STARTTLS), and back to plain text.

my @server = identity('server', cn => 'localhost');
my %server = (SSL_server => 1, SSL_cert_file => $server[0], SSL_key_file => $server[1]);

# A pair of connected plain sockets; the second one belongs to a child that
# runs the code and exits with its result.
sub with_peer {
    my ($peer)   = @_;
    my $listener = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1) or die $@;
    my $pid      = fork // die "fork: $!";
    if ($pid == 0) {
        my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport);
        my $ok     = eval { $peer->($socket) };
        print STDERR "# peer: $@" if $@;
        POSIX::_exit($ok ? 0 : 1);
    }
    return (scalar $listener->accept, sub { waitpid $pid, 0; return $? });
}

subtest 'STARTTLS and back' => sub {
    my ($socket, $result) = with_peer(sub {
        my ($peer) = @_;
        print {$peer} "STARTTLS\n";
        readline($peer) eq "go\n"                                           or die 'no go';
        Vouch::Socket->start_SSL($peer, SSL_verify_mode => SSL_VERIFY_NONE) or die "client: $SSL_ERROR";
        ref $peer eq 'Vouch::Socket'                                        or die 'class';
        print {$peer} "secret\n";
        readline($peer) eq "well\n"   or die 'no answer';
        $peer->stop_SSL               or die 'stop';
        ref $peer eq 'IO::Socket::IP' or die 'class after';
        print {$peer} "plain again\n";
        return readline($peer) eq "bye\n";
    });
    is scalar <$socket>, "STARTTLS\n", 'it begins in the clear';
    print {$socket} "go\n";
    is(Vouch::Socket->start_SSL($socket, %server), $socket, 'start_SSL returns the socket');
    isa_ok $socket, 'Vouch::Socket', 'in place';
    is scalar <$socket>, "secret\n", 'what is said now';
    print {$socket} "well\n";
    is $socket->stop_SSL(Timeout => 10), 1,                'both say goodbye';
    is ref $socket,                      'IO::Socket::IP', 'the class is the old one';
    ok !tied *$socket, 'and the handle is not tied';
    is scalar <$socket>, "plain again\n", 'what follows is in the clear';
    print {$socket} "bye\n";
    is $result->(), 0, 'the peer saw the same';
};

subtest 'a handshake that fails' => sub {
    my ($socket, $result) = with_peer(sub {
        my ($peer) = @_;
        print {$peer} "this is not TLS, it is a line of text\n";
        my $answer = <$peer>;    # the alert, and perhaps what follows
        return 1;
    });
    is(Vouch::Socket->start_SSL($socket, %server), undef, 'start_SSL returns undef');
    like $SSL_ERROR, qr/\ASSL accept attempt failed error:/, 'with the reason';
    is ref $socket, 'IO::Socket::IP', 'of the old class';
    ok defined fileno $socket, 'and still open';
    ok((print {$socket} "sorry\n"), 'for a last word in the clear');
    $socket->close;
    is $result->(), 0, 'the peer lives';
};

subtest 'a socket that does not block, arguments as a hash' => sub {
    my ($socket, $result) = with_peer(sub {
        my ($peer) = @_;
        $peer->blocking(0);
        my $name = 'other.example';
        Vouch::Socket->start_SSL($peer, { SSL_ca_file => $server[0], SSL_hostname => $name })
            and die 'no check';
        $@ eq 'hostname verification failed'           or die "\$\@ is $@";
        "$SSL_ERROR" =~ /hostname verification failed/ or die $SSL_ERROR;
        $peer->blocking and die 'it blocks';
        return 1;
    });
    $socket->blocking(0);
    is(Vouch::Socket->start_SSL($socket, {%server}), undef, 'the handshake is over, and has failed');
    like $@,         qr/\ASSL accept attempt failed/, '$@ tells why';
    like $SSL_ERROR, qr/\ASSL accept attempt failed/, 'as $SSL_ERROR does';
    ok !$socket->blocking, 'the socket does not block';
    is $result->(), 0, 'the peer saw the same';

    ($socket, $result) = with_peer(sub {
        my ($peer) = @_;
        $peer->blocking(0);
        Vouch::Socket->start_SSL($peer, SSL_ca_file => $server[0], SSL_hostname => 'localhost')
            or die $SSL_ERROR;
        $peer->blocking and die 'it blocks';
        $peer->blocking(1);
        return readline($peer) eq "hello\n";
    });
    $socket->blocking(0);
    is(Vouch::Socket->start_SSL($socket, {%server}), $socket, 'a good one is done when start_SSL returns');
    ok $socket->is_SSL && !$socket->blocking, 'and the socket does not block';
    print {$socket} "hello\n";
    is $result->(), 0, 'the peer reads it';
};

subtest 'SSL_keepSocketOnError => 0' => sub {
    my ($socket, $result) =
        with_peer(sub { print { $_[0] } "not TLS, but a line of some length\n"; readline $_[0]; 1 });
    is(Vouch::Socket->start_SSL($socket, %server, SSL_keepSocketOnError => 0), undef, 'undef');
    ok !defined fileno $socket, 'closed';
    is $result->(), 0, 'the peer lives';
};

subtest 'SSL_startHandshake => 0, not blocking' => sub {
    my ($socket, $result) = with_peer(sub {
        my ($peer) = @_;
        Vouch::Socket->start_SSL($peer, SSL_verify_mode => SSL_VERIFY_NONE) or die "client: $SSL_ERROR";
        return readline($peer) eq "hello\n";
    });
    $socket->blocking(0);
    ok(Vouch::Socket->start_SSL($socket, %server, SSL_startHandshake => 0), 'start_SSL does nothing yet');
    ok !tied *$socket, 'no handshake';
    my $turns = 0;
    while (!$socket->accept_SSL) {
        die "accept_SSL: $SSL_ERROR" if $SSL_ERROR != SSL_WANT_READ && $SSL_ERROR != SSL_WANT_WRITE;
        my $bits = '';
        vec($bits, fileno $socket, 1) = 1;
        $SSL_ERROR == SSL_WANT_READ ? select($bits, undef, undef, 10) : select(undef, $bits, undef, 10);
        last if $turns++ > 100;
    }
    ok $socket->is_SSL, 'the handshake is done step by step';
    print {$socket} "hello\n";
    is $result->(), 0, 'the peer reads what was printed';
};

subtest 'TLS within TLS' => sub {
    my ($client, $server) = VouchTest::Pair->new(
        server => {%server},
        client => { SSL_verify_mode => SSL_VERIFY_NONE }
    )->both;
    my @target = (SSL_hostname => 'other.example', SSL_ca_file => \undef);
    ok !eval { Vouch::Socket->start_SSL($client, @target) }, 'is not taken for the connection that is there';
    like "$@", qr/\Astart_SSL: TLS is on this socket already/, 'and refused';
    ok $client->is_SSL, 'which stays';
};

subtest 'wrong use' => sub {
    my $closed = IO::Socket::IP->new;
    is(Vouch::Socket->start_SSL($closed), undef, 'a socket that is not open');
    like $SSL_ERROR, qr/open socket/, 'is told';
    my ($socket, $result) = with_peer(sub { readline $_[0]; 1 });
    ok !eval { Vouch::Socket->start_SSL($socket, SSL_verifymode => 1); 1 }, 'an unknown argument dies';
    like $@, qr/did you mean SSL_verify_mode/, 'by name';
    is ref $socket, 'IO::Socket::IP', 'and the socket is what it was';
    $socket->close;
    $result->();
};

subtest 'other kinds of sockets' => sub {
    socketpair my $one, my $two, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        close $one;
        my $ok = Vouch::Socket->start_SSL($two, SSL_verify_mode => SSL_VERIFY_NONE) && print {$two} "hi\n";
        POSIX::_exit($ok ? 0 : 1);
    }
    close $two;
    ok(Vouch::Socket->start_SSL($one, %server), 'a bare glob over a unix socket');
    is scalar <$one>, "hi\n", 'carries TLS';
    $one->stop_SSL(SSL_fast_shutdown => 1);
    waitpid $pid, 0;
    is $?, 0, 'on both sides';
};

done_testing;
