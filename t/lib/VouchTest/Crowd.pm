package VouchTest::Crowd 0.001;

use v5.16;
use warnings;

# A Vouch::Listener and clients of it: in this process, where they take
# turns, or in children, which are reaped.
#
#   my $listener = listener(HandshakeTimeout => 0.1);
#   my $silent   = silent($listener);              # TCP, and nothing else
#   my ($server, $client) = meet($listener);       # both ends, handshake done
#   my $child    = client($listener, sub { my ($socket) = @_; ... });
#   gone($child);                                  # its exit status

use Carp           qw(croak);
use Exporter       qw(import);
use IO::Select     ();
use IO::Socket::IP ();
use POSIX          ();
use Time::HiRes    qw(time);

use VouchTest qw(identity);
use Vouch::Listener;
use Vouch::Socket;

our @EXPORT_OK = qw(client gone identity_files in_child listener meet silent start until_told);

use constant WAIT => 20;    # seconds for anything that is waited for

my ($cert, $key);

sub identity_files {
    ($cert, $key) = identity('crowd', cn => 'localhost') if !defined $cert;
    return (SSL_cert_file => $cert, SSL_key_file => $key);
}

sub listener {
    my (%arg) = @_;
    my $class = delete $arg{class} // 'Vouch::Listener';
    return $class->new(
        LocalAddr => '127.0.0.1',
        LocalPort => 0,
        Listen    => 200,
        identity_files(), %arg
    ) // croak "no listener: $SSL_ERROR";
}

# A TCP connection that says nothing by itself.
sub silent {
    my ($listener) = @_;
    return IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport)
        // croak "no connection: $!";
}

# A TLS client that has connected, to be shaken step by step.
sub start {
    my ($listener, %ssl) = @_;
    my $client = Vouch::Socket->new(
        PeerHost           => '127.0.0.1',
        PeerPort           => $listener->sockport,
        SSL_startHandshake => 0,
        SSL_verify_mode    => SSL_VERIFY_NONE,
        %ssl,
    ) // croak "no connection: $SSL_ERROR";
    $client->blocking(0);
    return $client;
}

# Go on with a client's handshake, or a new one's, and the listener's, until
# the listener has it ready: both ends, blocking.  Nothing if the client has
# failed.
sub meet {
    my ($listener, @client) = @_;
    my $client   = ref $client[0] ? $client[0] : start($listener, @client);
    my $deadline = time + WAIT;
    my ($done, $server);
    until ($done && $server) {
        croak 'no handshake within ' . WAIT . ' seconds' if time > $deadline;
        $done ||= $client->connect_SSL;
        return if !$done && $SSL_ERROR != SSL_WANT_READ && $SSL_ERROR != SSL_WANT_WRITE;
        my @ready = $listener->advance;
        croak 'somebody else is ready' if @ready > 1 || $server && @ready;
        $server ||= $ready[0];
        IO::Select->new($listener->handle, $client)->can_read(0.01) if !$done || !$server;
    }
    $client->blocking(1);
    return ($server, $client);
}

# Let the listener work until the test is true; false if that does not come.
sub until_told {
    my ($listener, $test) = @_;
    my $deadline = time + WAIT;
    until ($test->()) {
        return 0 if time > $deadline;
        $listener->advance;
        my $wait = $listener->next_deadline // 0.05;
        IO::Select->new($listener->handle)->can_read($wait < 0.05 ? $wait : 0.05);
    }
    return 1;
}

# Run code in a child, which ends with what it returns, 99 if it died.
sub in_child {
    my ($code) = @_;
    my $pid = fork // croak "fork: $!";
    return $pid if $pid;
    local $SIG{__WARN__} = sub { print STDERR "in the child: $_[0]"; POSIX::_exit(98) };
    my $status = eval { $code->() };
    print STDERR "in the child: $@" if !defined $status;
    POSIX::_exit($status // 99);
}

# A client in a child: connects, then runs the code.
sub client {
    my ($listener, $code, %ssl) = @_;
    my $port = $listener->sockport;
    return in_child(sub {
        my $socket = Vouch::Socket->new(
            PeerHost        => '127.0.0.1',
            PeerPort        => $port,
            SSL_verify_mode => SSL_VERIFY_NONE,
            %ssl,
        );
        return $code->($socket) // 0;
    });
}

sub gone {
    my ($pid) = @_;
    waitpid($pid, 0) == $pid or croak "no child $pid";
    return $? & 127 ? 128 + ($? & 127) : $? >> 8;
}

1;
