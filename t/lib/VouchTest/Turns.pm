package VouchTest::Turns 0.001;

use v5.16;
use warnings;

# A TLS server and a TLS client in this one process, which take turns, step
# by step: for what happens inside a handshake.  (VouchTest::Pair is for
# connections that are to succeed.)
#
#   my $listener = listener(SSL_verify_callback => sub {...}, ...);
#   my ($server, $client) = sockets($listener, SSL_cert_file => ...);
#   shake($server, $client) or diag $SSL_ERROR;   # dies as accept_SSL does
#
# Both sockets are non-blocking until the handshake is done, blocking after.

use Carp        qw(croak);
use Errno       qw(EAGAIN);
use Exporter    qw(import);
use IO::Select  ();
use Time::HiRes qw(time);

use VouchTest qw(identity);
use Vouch::Socket;

our @EXPORT_OK = qw(listener sockets shake pair open_descriptors refused_text);

use constant WAIT => 20;    # seconds for a handshake

my ($cert, $key);

# A listener that leaves the handshake to shake().
sub listener {
    my (%ssl) = @_;
    if (!$ssl{SSL_cert_file} && !$ssl{SSL_reuse_ctx}) {
        ($cert, $key) = identity('turns', cn => 'localhost') if !defined $cert;
        @ssl{qw(SSL_cert_file SSL_key_file)} = ($cert, $key);
    }
    return Vouch::Socket->new(
        LocalAddr          => '127.0.0.1',
        LocalPort          => 0,
        Listen             => 20,
        SSL_startHandshake => 0,
        %ssl,
    ) // croak "no listener: $!";
}

# Two sockets connected to each other, before the handshake.
sub sockets {
    my ($listener, %ssl) = @_;
    my $client = Vouch::Socket->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => $listener->sockport,
        SSL_startHandshake => 0,
        SSL_verify_mode    => SSL_VERIFY_NONE,
        %ssl,
    ) // croak "no connection: $!";
    my $server = $listener->accept // croak "no connection: $!";
    $_->blocking(0) for $server, $client;
    return ($server, $client);
}

# True when both are done; false when one has failed, with $SSL_ERROR.
sub shake {
    my ($server, $client) = @_;
    my $deadline = time + WAIT;
    my @left     = ([$client, 'connect_SSL'], [$server, 'accept_SSL']);
    while (@left) {
        croak 'no handshake within ' . WAIT . ' seconds' if time > $deadline;
        my @again;
        for my $turn (@left) {
            my ($socket, $method) = @$turn;
            next     if $socket->$method;
            return 0 if $! != EAGAIN;
            push @again, $turn;
        }
        @left = @again;
        IO::Select->new(map { $_->[0] } @left)->can_read(0.01) if @left;
    }
    $_->blocking(1) for $server, $client;
    return 1;
}

# All in one: (server, client), or nothing if the handshake failed.
sub pair {
    my ($server_ssl, $client_ssl) = @_;
    my $listener = ref $server_ssl eq 'HASH' ? listener(%$server_ssl) : $server_ssl;
    my ($server, $client) = sockets($listener, %{ $client_ssl // {} });
    return if !shake($server, $client);
    return ($server, $client);
}

# What a client learns of the end of its connection: the rest of its
# handshake, or the next read, tells.
sub refused_text {
    my ($socket) = @_;
    $socket->blocking(1);
    return "$SSL_ERROR" if !$socket->is_SSL && !$socket->connect_SSL;
    my $got = sysread $socket, my $bytes, 1;
    return defined $got ? "read $got" : "$SSL_ERROR";
}

# How many descriptors a process has open, or undef where nobody can tell.
sub open_descriptors {
    my ($pid) = @_;
    opendir my $dir, '/proc/' . ($pid // 'self') . '/fd' or return;
    return scalar grep { !/\A\./ } readdir $dir;
}

1;
