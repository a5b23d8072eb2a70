use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use POSIX                   ();
use Time::HiRes             qw(sleep time);
use VouchTest               ();
use VouchTest::GeminiServer qw(ask connected in_time send_raw start status_of url);

use Vouch::Gemini::Server;
use Vouch::Socket ();

# Many who say nothing, one who asks all the time, and all who break off: the
# good client is served, and nothing is left behind.  VOUCH_LONG=1: 5,000 idle
# connections, and 20,000 requests.

my $IDLE     = $ENV{VOUCH_LONG} ? 5000   : 400;
my $REQUESTS = $ENV{VOUCH_LONG} ? 20_000 : 1500;

sub memory_of {
    my ($server) = @_;
    open my $in, '<', '/proc/' . $server->pid . '/status' or return 0;
    my ($kb) = map { /^VmRSS:\s+([0-9]+)/ ? $1 : () } readline $in;
    return $kb // 0;
}

sub descriptors_of { my ($server) = @_; my @all = glob '/proc/' . $server->pid . '/fd/*'; return scalar @all }

sub eventually {
    my ($code) = @_;
    my $end = time + 20;
    until ($code->()) { return 0 if time > $end; sleep 0.05 }
    return 1;
}

sub setup {
    my ($server) = @_;
    $server->get('/'      => sub { gemtext("# Hello\n") });
    $server->get('/large' => sub { success('text/plain', 'x' x 1_000_000) });
    $server->get(
        '/bits' => sub {
            my $n = 0;
            success('text/plain', sub { $n++ < 500 ? 'x' x 2000 : undef });
        }
    );
    $server->titan('/up' => sub { gemtext('') });
    return;
}

subtest "$IDLE idle connections" => sub {
    POSIX::setlocale(POSIX::LC_ALL(), 'C');
    my $server = start(\&setup, header_timeout => 200);
    my $before = descriptors_of($server);
    my @idle   = map  { connected($server) } 1 .. $IDLE;
    my @times  = sort { $a <=> $b } map {
        (in_time(sub { ask($server, '/') }))[0]
    } 1 .. 11;
    cmp_ok $times[5], '<', 0.1, 'the good client is served in 100 ms' if !$ENV{VOUCH_TEST_TOOL};
    my $grown = memory_of($server);
    cmp_ok $grown, '<', 30_000 + 24 * $IDLE, 'they are cheap (kB)'
        if !$ENV{VOUCH_TEST_TOOL} && -e '/proc/self/status';
    is status_of(send_raw($server, url($server, '/') . "\r\n")), 20, 'one more';
    print { $idle[$_] } url($server, '/') . "\r\n" for 0, $#idle;
    is VouchTest::GeminiServer::read_answer($idle[$_])->{status}, 20, 'each may still ask' for 0, $#idle;
    @idle = ();
    ok eventually(sub { descriptors_of($server) <= $before + 3 }), 'and nothing is left when they go'
        if -d '/proc/self/fd';
    is $server->stop, 0, 'the server ends well';
};

subtest 'one address that asks all the time' => sub {
    my $server   = start(\&setup, rate => '5/1h');
    my @children = map { flood($server) } 1 .. 2;
    my @times    = map {
        my $n = $_;
        [in_time(sub { ask($server, '/', from => "127.0.1.$n") })]
    } 1 .. 20;
    is_deeply [map { status_of($_->[1]) } @times], [(20) x 20], 'others are served';
    my @sorted = sort { $a <=> $b } map { $_->[0] } @times;
    cmp_ok $sorted[10], '<', 0.5, '... in good time';
    kill KILL => @children;
    waitpid $_, 0 for @children;
    is status_of(ask($server, '/')), 44, 'it is told to slow down';
    is $server->stop,                0,  'the server ends well';
};

sub flood {
    my ($server) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    alarm 60;
    while (1) {
        eval { send_raw($server, url($server, '/') . "\r\n") }
    }
    POSIX::_exit(0);
}

# What they do to their connection, for the number of a client.
my @KINDS = (
    sub { $_[0]->write(url($_[1], '/') . "\r\n") },
    sub { $_[0]->write('gemini://local') },
    sub { },
    sub { $_[0]->write(url($_[1], '/large') . "\r\n") },
    sub { $_[0]->write(url($_[1], '/bits') . "\r\n"); sysread $_[0], my $some, 100 },
    sub { $_[0]->write(url($_[1], '/up', 'titan') . ";size=1000\r\nhalf") },
    sub { $_[0]->write(url($_[1], '/up', 'titan') . ";size=1\r\nmore") },
    sub { $_[0]->write("nonsense\r\n") },
    sub { $_[0]->write('x' x 5000) },
);

subtest 'who breaks off' => sub {
    my $server = start(\&setup, header_timeout => 5, idle_timeout => 5);
    my $some   = sub {
        my ($count) = @_;
        for my $n (1 .. $count) {
            my $socket = connected($server);
            $KINDS[$n % @KINDS]->($socket, $server);
            $socket->close(SSL_no_shutdown => $n % 2);
        }
    };
    my $empty = descriptors_of($server) + 3;    # it may not have begun to wait
    $some->(5 * @KINDS);
    ask($server, '/') for 1 .. 100;
    ok eventually(sub { descriptors_of($server) <= $empty }), 'a first round';
    my ($memory, $descriptors) = (memory_of($server), descriptors_of($server));
    $some->($REQUESTS / 5);
    is status_of(ask($server, '/')), 20, 'the next is served' for 1 .. $REQUESTS / 5;
    ok eventually(sub { descriptors_of($server) <= $descriptors }), 'no descriptor is left open';
    cmp_ok memory_of($server) - $memory, '<', 2000, 'no memory is lost (kB)' if !$ENV{VOUCH_TEST_TOOL};
    is $server->stop, 0, 'the server ends well';
};

done_testing;
