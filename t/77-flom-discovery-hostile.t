use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Namespace;
use IO::Select           ();
use Socket               qw(SOL_SOCKET SO_RCVBUF);
use Time::HiRes          qw(sleep time);
use VouchTest            qw(run_command slurp);
use VouchTest::Discovery qw(ask datagram find impostor start_daemon udp wait_until PORT QUESTION);
use VouchTest::Flom      qw(finish flom flom_path lock_message message start_flom unlock_message);
use VouchTest::PKI       qw(issue AUTHORITY);

# Discovery among strangers: what they send to the daemon, what they answer in
# its place, and how much of it.

my $GROUP = '239.255.7.7';
my $there = VouchTest::Namespace->new('b', '10.77.0.2', 'fd77::2');
my $cable = $there->link;

VouchTest::Namespace->must(split ' ', $_)
    for 'ip link set lo up', "ip addr add 10.77.0.1/24 dev $cable", "ip route add 224.0.0.0/4 dev $cable";

# A lock through the daemon that the group tells of.
sub locks {
    my (@arg) = @_;
    return (find('-A', $GROUP, @arg, '--', 'true'))[0];
}

# The same from the other host.
sub from_other_host {
    return (run_command([$there->command(flom_path(), '-P', PORT, '-d', 0, '-A', $GROUP, '--', 'true')]))[0];
}

subtest 'nothing but the question is served' => sub {
    my $daemon = start_daemon(undef, '-A', $GROUP);
    my $holder =
        start_flom('-P', PORT, '-d', 0, '-A', $GROUP, '-r', 'held', '--', 'sh', '-c', 'echo begun; sleep 60');
    wait_until(sub { -s "$holder->{path}.out" });
    is locks('-r', 'held', '-o', 0), 98, 'a lock is held';
    my %bytes = (
        'an immediate shutdown'      => slurp('t/data/flom/mngmnt_8_shutdown_immediate.xml'),
        'a quiesce shutdown'         => slurp('t/data/flom/mngmnt_8_shutdown_quiesce.xml'),
        'a lock'                     => lock_message('other'),
        'an unlock'                  => unlock_message('held'),
        'a ping'                     => message(3, 8,  ''),
        'an answer'                  => message(4, 16, '<network address="10.77.0.2" port="1"/>'),
        'a question that shuts down' => message(4, 8,  '<shutdown immediate="1"/>'),
        'one that locks'             => message(4, 8,  '<resource name="aGVsZA=="/>'),
        'one with an address'        => message(4, 8,  '<network address="10.77.0.2" port="1"/>'),
        'one of another level' => QUESTION =~ s/level="3"/level="2"/r,
        'one of another step'  => message(4, 24, ''),
        'two at once'          => QUESTION . QUESTION,
        'one and more'         => QUESTION . "\n",
        'one that is cut'      => substr(QUESTION, 0, -1),
        'one with a DTD'       => '<!DOCTYPE msg [<!ENTITY a "b">]><msg level="3" verb="4" step="8"></msg>',
        'no bytes'             => '',
        'a NUL'                => "\0",
        'garbage'              => join('', map { chr 255 - $_ } 0 .. 255),
        'an end and no more'   => '</msg>',
        '512 bytes'                => message(4, 8, ' ' x (512 - length QUESTION)),
        '60,000 bytes'             => message(4, 8, ' ' x 60_000),
        '60,000 bytes of elements' => message(4, 8, '<a>' x 20_000),
    );
    for my $name (sort keys %bytes) {
        my $socket = udp($GROUP);
        ok datagram($socket, $bytes{$name}, $GROUP), "$name: sent";
        datagram($socket, QUESTION, $GROUP);
        ok(IO::Select->new($socket)->can_read(5), 'a question after it');
        recv $socket, my $answer, 2048, 0;
        like $answer, qr/step="16"><network address="" port="\d+"/, 'is answered';
        ok !IO::Select->new($socket)->can_read(0), 'once';
    }
    is ask(message(4, 8, ' ' x (511 - length QUESTION)), $GROUP) =~ /port="(\d+)"/ && $1, $daemon->port,
        'a question of 511 bytes is one';
    is locks('-r', 'held', '-o', 0), 98, 'the lock is still held';
    kill TERM => $holder->{pid};
    finish($holder);
    is locks('-r', 'held'), 0, 'and now it is free';
    like $daemon->log, qr/FLM048W: discovery: 1 datagrams ignored that were no question, 0 questions/,
        'the log tells of the first';
    is + (() = $daemon->log =~ /FLM048W/g), 1, 'and is not filled with the others';
    is $daemon->stop,                       0, 'the daemon ends well';
};

subtest 'floods' => sub {
    my $daemon = start_daemon(undef, '-A', $GROUP);
    my $memory = sub { slurp("/proc/${\ $daemon->pid}/status") =~ /VmRSS:\s+(\d+)/ ? $1 : die };
    is locks(), 0, 'it works';
    my $before = $memory->();
    my $socket = udp($GROUP);
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 1 << 22;
    my $count = sub {
        my $answers = 0;
        while (IO::Select->new($socket)->can_read(0.2)) {
            recv $socket, my $answer, 2048, 0;
            $answers++;
        }
        return $answers;
    };
    my $begin = time;
    for (1 .. 100) {
        datagram($socket, QUESTION, $GROUP) for 1 .. 50;
        sleep 0.002;
    }
    my $answers = $count->();
    cmp_ok $answers, '>=', 200, '5,000 questions of one host: a burst is answered';
    cmp_ok $answers, '<=', 400 + 200 * (time - $begin) + 1, 'but no more than the limit';
    for (1 .. 100) {
        datagram($socket, ("\0junk", QUESTION, '<msg>', 'x' x 600)[$_ % 4], $GROUP) for 1 .. 50;
        is locks('-a', '10.77.0.1', '-p', $daemon->port, '-o', 1000), 0, 'a lock amid junk' if $_ % 25 == 0;
    }
    is from_other_host(), 0, 'another host is answered all the same';
    cmp_ok $memory->() - $before, '<', 2048, 'no memory is taken';
    sleep 0.05 until locks() == 0 || time > $begin + 30;
    cmp_ok time, '<', $begin + 30, 'after a rest the loud host is answered again';
    is $daemon->stop, 0, 'the daemon ends well';
};

subtest 'answers that are none' => sub {
    my $daemon = start_daemon(undef, '-a', '10.77.0.1', '-p', 39_805, '-A', '239.255.7.9');
    my $right  = slurp('t/data/flom/discover_16_explicit_address.xml') =~ s/127\.0\.0\.1/10.77.0.1/r;
    my @wrong  = (
        '',
        "\0\xFF\e[2J",
        '</msg>',
        message(4, 16, ''),
        $right =~ s/level="3"/level="2"/r,
        $right =~ s/39805/0/r,
        $right =~ s/39805/99999999999999999999/r,
        $right =~ s/10\.77\.0\.1/0.0.0.0/r,
        $right =~ s/10\.77\.0\.1/127.0.0.1/r,
        $right =~ s/10\.77\.0\.1/239.1.1.1/r,
        $right =~ s/10\.77\.0\.1/a&#10;b/r,
        $right =~ s/10\.77\.0\.1/\/tmp\/x/r,
        $right =~ s/10\.77\.0\.1/0x7f000001/r,
        $right . $right,
        $right =~ s/10\.77\.0\.1/'a' x 300/er,
        $right . ' ' x 2000,
        message(1, 16, '<answer rc="0"/>'),
        message(5, 8,  '<shutdown immediate="1"/>'),
    );
    my $impostor = impostor($there, $GROUP, @wrong, $right);
    my ($status, $out, $err) = find('-A', $GROUP, '-V', '--', 'echo', 'done');
    is $status, 0, 'the client takes the right one';
    like $out, qr{^reply from 10\.77\.0\.2/39801 is '\Q$right\E'\ndone\n\z}m, 'and tells it';
    is + (() = $err =~ /^flom: a reply from 10\.77\.0\.2\/39801 is ignored: \S.*\n/mg), @wrong,
        'all others are told, too';
    like $err,   qr/ignored: a loopback address of another host\n/, 'with reasons';
    unlike $err, qr/[^\n\x20-\x7E]/,                                'and nothing gets to the terminal';
    $impostor->stop;
    $impostor = impostor($there, $GROUP, @wrong);
    my $begin = time;
    ($status, $out, $err) = find('-A', $GROUP, '-I', 150, '--', 'echo', 'done');
    is $status, 99, 'wrong ones alone are as none';
    like $err, qr/\Aflom_client_connect: ret_cod=-105 /, 'is told';
    cmp_ok time - $begin, '>=', 0.3, 'when the time is over';
    $impostor->stop;
    $impostor = impostor($there, $GROUP, $right =~ s/39805/9/r);
    ($status, $out, $err) = find('-A', $GROUP, '--', 'echo', 'done');
    is $status, 99, 'one that leads to nobody';
    like $err, qr/ret_cod=-105 .*\nflom: 10\.77\.0\.1:9: cannot connect: Connection refused\n/,
        'is told where';
    $impostor->stop;
    $impostor = impostor($there, $GROUP, ('junk') x 500);
    $begin    = time;
    is locks('-I', 150), 99, 'many wrong ones, too';
    cmp_ok time - $begin, '<', 5, 'nor does it take longer';
};

subtest 'with TLS the certificate decides' => sub {
    my ($status, $id) = flom('--unique-id');
    chomp $id;
    my ($ours, $theirs) = map { issue($_, ext => [AUTHORITY]) } qw(ours theirs);
    my %cert = (
        right  => issue('right',  by => $ours,   cn => $id),
        named  => issue('named',  by => $ours,   cn => 'f' x 32),
        forged => issue('forged', by => $theirs, cn => $id),
    );
    my $tls = sub {
        my ($name, $ca) = @_;
        return (
            '--tls-certificate'    => $cert{$name}{cert},
            '--tls-private-key'    => $cert{$name}{key},
            '--tls-ca-certificate' => $ca->{cert},
            '--tls-check-peer-id'  => 'yes',
        );
    };
    my @client = ('-A', $GROUP, '-r', 'tls', $tls->('right', $ours), '--', 'echo', 'locked');
    for my $row (
        [right  => $ours,   0,  "locked\n", qr/\A\z/],
        [named  => $ours,   99, '',         qr/ret_cod=-23 /],
        [forged => $theirs, 99, '',         qr/ret_cod=-407 /],
        )
    {
        my ($name, $ca, $want, $out, $err) = @$row;
        my $daemon = start_daemon($there, '-A', $GROUP, $tls->($name, $ca));
        my @got    = find(@client);
        is $got[0], $want, "a daemon with the certificate '$name': status $want";
        is $got[1], $out,  'what the command prints';
        like $got[2], $err, 'what flom says';
    }
    my $daemon = start_daemon($there, '-A', $GROUP);
    is + (find(@client))[1], '', 'one without TLS gives no lock either';
};

done_testing;
