use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Time::HiRes qw(sleep time);

# A thousand clients that say nothing, or next to nothing, do not delay a good
# one.  That takes a thousand descriptors in each of two processes.

use constant {
    SILENT  => 500,
    DRIP    => 500,                                  # a byte each second, all of them
    GOOD    => 15,                                   # good clients, each time
    ALLOWED => $ENV{VOUCH_TEST_TOOL} ? 1 : 0.050,    # seconds
    NEEDED  => 1050,
};

BEGIN {
    if (!$ENV{VOUCH_TEST_MANY}) {
        $ENV{VOUCH_TEST_MANY} = 1;
        exec '/bin/sh', '-c', 'ulimit -n 2048 2>/dev/null; exec "$@"', 'sh', $^X, (map { "-I$_" } @INC), $0;
    }
}

use VouchTest::Crowd  qw(gone identity_files in_child);
use VouchTest::Server ();
use Vouch::Socket;

my $most = `sh -c 'ulimit -n'`;
chomp $most;
plan skip_all => "a process may have $most descriptors here, and this needs @{[NEEDED]}"
    if $most =~ /\A[0-9]+\z/ && $most < NEEDED;

sub start_server {
    my ($class, %arg) = @_;
    return VouchTest::Server->start(
        class => $class,
        ssl   => { identity_files() },
        tcp   => { Listen => 1100, Handshakes => 1100, HandshakeTimeout => 100, %arg },
        serve => sub {
            my ($client, $tell, $server) = @_;
            my $listener = $server->isa('Vouch::Listener') ? $server : $server->listener;
            print {$client} 'pending ', $listener->pending, "\n";
            close $client;
        },
    );
}

# What a client's first message begins with: a record, and a hello in it.
my $hello = pack 'C n n C C n n a*', 22, 0x0301, 512, 1, 0, 508, 0x0303, 'x' x 500;

# In a child: the crowd.  It says "here" when all are connected, and goes when
# the pipe back is closed.
sub crowd {
    my ($port, $tell, $until) = @_;
    my @all = map { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) // die "crowd: $!" }
        1 .. SILENT + DRIP;
    my @drip = splice @all, SILENT;
    my $sent = 0;
    $_->blocking(0) for @drip;
    my $start = time;
    syswrite $tell, "here\n";
    my $bits = '';
    vec($bits, fileno $until, 1) = 1;

    until (select my $end = $bits, undef, undef, 0.005) {
        my $due = int((time - $start) * DRIP);
        for (; $sent < $due && $sent < DRIP * 500; $sent++) {
            syswrite $drip[$sent % DRIP], substr $hello, $sent / DRIP, 1;
        }
    }
    return 0;
}

# How long good clients took, in their order, and what the last was told.
sub good_clients {
    my ($port, $version) = @_;
    my (@seconds, $line);
    for (1 .. GOOD) {
        my $start  = time;
        my $client = Vouch::Socket->new(
            PeerHost        => '127.0.0.1',
            PeerPort        => $port,
            SSL_version     => $version,
            SSL_verify_mode => SSL_VERIFY_NONE,
        ) or die "no connection: $SSL_ERROR";
        $line = <$client> // "nothing: $SSL_ERROR";
        push @seconds, time - $start;
        sleep 0.05;    # not to be at one point of the crowd's second
    }
    return ($line, sort { $a <=> $b } @seconds);
}

for my $case (['Vouch::Listener', 'TLSv1_3'], ['Vouch::Socket', 'TLSv1_2']) {
    my ($class, $version) = @$case;
    subtest "$class, $version" => sub {
        my $server = start_server($class);
        my ($line, @alone) = good_clients($server->port, $version);
        is $line, "pending 0\n", 'alone first';

        pipe my $here,  my $tell or die "pipe: $!";
        pipe my $until, my $stay or die "pipe: $!";
        my $child = in_child(sub {
            close $_ for $here, $stay;
            crowd($server->port, $tell, $until);
        });
        close $_ for $tell, $until;
        is scalar <$here>, "here\n", 'then the crowd comes';
        ($line, my @crowded) = good_clients($server->port, $version);
        is $line, 'pending ' . (SILENT + DRIP) . "\n", 'all of it is under way';
        cmp_ok $crowded[0], '<', $alone[0] + ALLOWED, 'a good client is not delayed';
        note sprintf "best, median, worst of %d: %.1f %.1f %.1f ms alone, %.1f %.1f %.1f ms in the crowd",
            GOOD, map { 1000 * $_ } @alone[0, GOOD / 2, -1], @crowded[0, GOOD / 2, -1];
        close $stay;
        is gone($child), 0, 'the crowd goes';
        ($line) = good_clients($server->port, $version);
        is $line, "pending 0\n", 'and leaves nothing behind';
    };
}

done_testing;
