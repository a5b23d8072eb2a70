use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Namespace;
use Socket               qw(getaddrinfo getnameinfo NI_NUMERICHOST SOCK_STREAM);
use Time::HiRes          qw(sleep);
use VouchTest            qw(spew temp_dir);
use VouchTest::Discovery qw(find start_daemon wait_until PORT);
use VouchTest::Flom      qw(finish flom start_flom);

# The command flom over TCP: what it says and how it ends when a daemon is
# there, is not, or cannot be; what is in files.

my $GROUP = '239.255.7.7';
my $there = VouchTest::Namespace->new('b', '10.77.0.2', 'fd77::2');
my $cable = $there->link;

VouchTest::Namespace->must(split ' ', $_)
    for 'ip link set lo up multicast on', "ip addr add 10.77.0.1/24 dev $cable",
    "ip addr add fd77::1/64 dev $cable nodad", "ip addr add fe80::a/64 dev $cable nodad",
    "ip route add 224.0.0.0/4 dev $cable";

# "flom_client_connect: ret_cod=-105 (ERROR: ...)", and a reason in words.
sub failure {
    my ($code, $why) = @_;
    return qr/\Aflom_client_connect: ret_cod=$code \([^\n]*\)\n(?:flom: $why)?\z/;
}

subtest 'a daemon that is started by itself' => sub {
    for my $row (
        ['127.0.0.1'], ['::1'], ['localhost'], ['fd77::1'], ["fe80::a%$cable"],
        ['fe80::a', '-n', $cable],
        ['fd77::1', '-n', $cable],
        )
    {
        my ($address, @more) = @$row;
        is_deeply [flom('-a', $address, '-p', 4001, '-d', 400, @more, '--', 'echo', 'hi')], [0, "hi\n", ''],
            "-a @$row";
    }
    my $holder =
        start_flom('-a', 'localhost', '-p', 4002, '-d', 400, '--', 'sh', '-c', 'echo begun; sleep 60');
    wait_until(sub { -s "$holder->{path}.out" });
    my (undef, @found) = getaddrinfo('localhost', '', { socktype => SOCK_STREAM });
    for my $address (map { (getnameinfo($_->{addr}, NI_NUMERICHOST))[1] } @found) {
        is + (flom('-a', $address, '-p', 4002, '-d', 0, '-o', 0, '--', 'true'))[0], 98,
            "localhost: also at $address";
    }
    kill TERM => $holder->{pid};
    finish($holder);
};

subtest 'a daemon waits for the one who has started it' => sub {
    my @at = ('-a', '127.0.0.1', '-p', 4005, '-d', 1);
    is + (flom(@at, '--start'))[0], 0, 'one with a short life';
    sleep 0.3;
    is_deeply [flom(@at, '-d', 0, '--', 'echo', 'hi')], [0, "hi\n", ''], 'is there for its first client';
};

subtest 'none is there' => sub {
    my @rows = (
        [
            'none is to be started',
            ['-a', '127.0.0.1', '-d', 0],
            -105, qr/127\.0\.0\.1:4003: cannot connect: Connection refused\n/
        ],
        [
            'another host has none',
            ['-a', '10.77.0.2'],
            -2, qr/10\.77\.0\.2:4003: cannot connect: Connection refused\n/
        ],
        [
            'no such name', ['-a', 'no_such_name.invalid'],
            -110,           qr/no_such_name\.invalid:4003: cannot resolve: .*\n/
        ],
        [
            'IPv4 with an interface',
            ['-a', '127.0.0.1', '-n', 'lo'],
            -110,
            qr/127\.0\.0\.1 has no IPv6 address, .*\n/
        ],
        ['a port that is none', ['-a', '127.0.0.1', '-p', 70_000], -110, qr/70000: ports end at 65535\n/],
        [
            'no such network',
            ['-a', '192.0.2.1', '-d', 0],
            -105, qr/192\.0\.2\.1:4003: cannot connect: Network is unreachable\n/
        ],
    );
    for my $row (@rows) {
        my ($name, $arg, $code, $why) = @$row;
        my ($status, $out, $err) = flom('-p', 4003, '-d', 300, @$arg, '--', 'echo', 'never');
        is $status, 99, "$name: status 99";
        is $out,    '', 'the command does not run';
        like $err, failure($code, $why), "code $code";
    }
    my ($status, undef, $err) = flom(qw(-a 127.0.0.1 -p 4003 -n nosuch -- true));
    is $status, 99, 'an interface that is not there';
    like $err, qr/\Anetwork-interface: 'nosuch' is /, 'is told';
    for my $how (['-x', 'quiesce'], ['-X', 'immediate']) {
        my @got = flom('-a', '127.0.0.1', '-p', 4003, $how->[0]);
        is $got[0], 99,                                             "$how->[0]: status 99";
        is $got[1], "Starting FLoM daemon $how->[1] shutdown...\n", 'its line';
        like $got[2], failure(-105, qr/127\.0\.0\.1:4003: cannot connect: Connection refused\n/),
            'and why not';
    }
    my $daemon = start_daemon(undef, '-A', $GROUP);
    kill STOP => $daemon->pid;
    ($status, undef, $err) = flom('-P', PORT, '-A', $GROUP, '-I', 50, '-d', 300, '--', 'true');
    kill CONT => $daemon->pid;
    is $status, 99, 'a group whose daemon does not answer, and lets no other one start';
    like $err, failure(7, qr/nobody answers in the group $GROUP, port 39801\n/), 'has a code of its own';
};

subtest 'another host' => sub {
    my $daemon = start_daemon($there, '-a', '10.77.0.2', '-p', 4004);
    my @at     = ('-a', '10.77.0.2', '-p', 4004, '-d', 0);
    is_deeply [flom(@at, '-r', '_s_n[1]', '--', 'echo', 'n')], [0, "n 1\n", ''], 'a lock';
    my $holder = start_flom(@at, '-r', 'x', '--', 'sh', '-c', 'echo begun; sleep 60');
    wait_until(sub { -s "$holder->{path}.out" });
    like + (flom(@at, '--status', '-r', 'x'))[1], qr/^x  held EX/, 'its status';
    is + (flom(@at, '-r', 'x', '-o', 0, '--', 'true'))[0], 98, 'held';
    kill TERM => $holder->{pid};
    is + (finish($holder))[0], 143, 'and let go';
};

subtest 'from files' => sub {
    my $daemon = start_daemon($there, '-A', $GROUP);
    my $file   = spew(temp_dir() . '/config', <<"TEXT");
[Resource]
[Daemon]
MulticastAddress=$GROUP
MulticastPort=${\PORT}
Lifespan=0
[Network]
NetworkInterface=$cable
DiscoveryAttempts=3
DiscoveryTimeout=700
DiscoveryTTL=2
TEXT
    my ($status, $out) = flom('-c', $file, '-V', '--', 'echo', 'hi');
    is $status, 0, 'the daemon is found';
    like $out, qr/^\Q$_\E$/m, $_
        for "[Daemon]/MulticastAddress='$GROUP'", '[Daemon]/MulticastPort=39801',
        "[Network]/NetworkInterface='$cable'", '[Network]/DiscoveryAttempts=3',
        '[Network]/DiscoveryTimeout=700',
        '[Network]/DiscoveryTTL=2', 'hi';
    my $bad = spew(temp_dir() . '/bad', "[Resource]\n[Daemon]\n[Network]\nNetworkInterface=nosuch\n");
    ($status, undef, my $err) = find('-c', $bad, '-A', $GROUP, '--', 'true');
    is $status, 99, 'an interface that is not there';
    like $err, failure(-110, qr/there is no network interface nosuch\n/), 'is told';
    ($status, $out, $err) = find('-A', $GROUP, '-s', '/tmp/x', '--', 'true');
    is $status, 99,                                            'a group and a socket';
    is $err,    "Configuration is not valid, cannot go on!\n", 'do not go together';
};

done_testing;
