use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Namespace;
use IO::Select           ();
use Time::HiRes          qw(time);
use VouchTest            qw(run_command slurp spew temp_dir);
use VouchTest::Discovery qw(ask datagram find start_activated start_daemon udp wait_until PORT QUESTION);
use VouchTest::Flom      qw(finish flom flom_path start_flom);

# Discovery by multicast, IPv4 and IPv6: in a network of our own, with another
# host at the other end of a cable.

my $GROUP = '239.255.7.7';
my $LINK  = 'fe80::54a1:5eff:feaf:bec9';                              # of the sample
my $there = VouchTest::Namespace->new('b', '10.77.0.2', 'fd77::2');
my $cable = $there->link;

VouchTest::Namespace->must(split ' ', $_)
    for 'ip link set lo up multicast on', "ip addr add 10.77.0.1/24 dev $cable",
    "ip addr add fd77::1/64 dev $cable nodad", "ip addr add $LINK/64 dev $cable nodad",
    "ip route add 224.0.0.0/4 dev $cable";
my ($number) = VouchTest::Namespace->must(qw(ip -o link show dev), $cable) =~ /\A(\d+):/;

sub sample { return slurp("t/data/flom/discover_16_$_[0].xml") }

subtest 'the bytes of FLoM' => sub {
    my $daemon = start_daemon(undef, '-a', '127.0.0.1', '-p', 39_805, '-A', $GROUP);
    is ask(QUESTION, $GROUP),      sample('explicit_address'), 'an address, asked for in the group';
    is ask(QUESTION, '127.0.0.1'), sample('explicit_address'), 'and by itself';
    like $daemon->log, qr/FLM005I: discovery asked for by 10\.77\.0\.1:\d+$/m, 'the log tells who asks';
    is $daemon->stop, 0, 'the daemon ends well';

    for my $any (['-A', $GROUP], ['-A', $GROUP, '-a', '0.0.0.0', '-p', 0]) {
        $daemon = start_daemon(undef, @$any);
        is ask(QUESTION, $GROUP), sample('any_address') =~ s/37961/$daemon->port/er, "@$any: no address";
        undef $daemon;
    }
    for my $own (["$LINK%$cable"], [$LINK, '-n', $cable]) {
        $daemon = start_daemon(undef, '-a', @$own, '-p', 39_802, '-A', "ff02::7:7%$cable");
        is ask(QUESTION, "ff02::7:7%$number"), sample('ipv6_linklocal'), "@$own: without the interface";
        is ask(QUESTION, "$LINK%$number"),     sample('ipv6_linklocal'), 'asked by itself';
        undef $daemon;
    }
    is ask(QUESTION, '127.0.0.1', 0.1), '', 'when it has ended nobody answers';
};

subtest 'the lines of --verbose' => sub {
    my $daemon = start_daemon(undef, '-A', $GROUP);
    my $port   = $daemon->port;
    my ($status, $out, $err) = find('-A', $GROUP, '-V', '--', 'echo', 'found');
    is $status,                       0,        'the command runs';
    is $err,                          '',       'quietly';
    is $out =~ s/\A(?:\[.*\n){29}//r, <<"TEXT", 'a question, an answer';
sending UDP multicast datagram to $GROUP/39801 ('${\QUESTION}')
reply from 10.77.0.1/39801 is '${\(sample('any_address') =~ s/37961/$port/r)}'
found
TEXT
    undef $daemon;
    my $begin = time;
    ($status, $out, $err) = find('-A', $GROUP, '-V', '-D', 3, '-I', 120, '--', 'echo', 'found');
    my $took = time - $begin;
    is $status, 99,       'nobody is there';
    is $err,    <<"TEXT", 'which is told';
flom_client_connect: ret_cod=-105 (ERROR: 'connect' function returned an error condition)
flom: nobody answers in the group $GROUP, port 39801
TEXT
    is $out =~ s/\A(?:\[.*\n){29}//r, <<"TEXT" x 3, 'three questions, no answer';
sending UDP multicast datagram to $GROUP/39801 ('${\QUESTION}')
no reply from $GROUP/39801
TEXT
    cmp_ok $took, '>=', 0.36, 'each has had its time';
};

subtest 'a daemon of another host' => sub {
    for my $row (
        ['-A', $GROUP],
        ['-A', $GROUP,      '-n', $cable],
        ['-A', 'ff02::7:7', '-n', $cable],
        ['-A', "ff02::7:7%$cable"],
        ['-A', 'ff02::7:7'],
        ['-A', 'ff05::7:7'],
        )
    {
        my @daemon = ('-A', $row->[1] =~ s/%.*//r, $row->[1] =~ /:/ ? ('-n', 'eth0') : ());
        my $daemon = start_daemon($there, @daemon);
        is_deeply [find(@$row, '--', 'echo', 'hi')], [0, "hi\n", ''], "@$row";
        like $daemon->log, qr/discovery asked for by .*(?:10\.77\.0\.1|fe80::|fd77::1)/, 'it was asked';
    }
    my $daemon = start_daemon($there, '-a', 'fe80::b', '-n', 'eth0', '-A', 'ff02::7:7');
    my ($status, $out) = find('-V', '-A', 'ff02::7:7', '-n', $cable, '--', 'true');
    is $status, 0, 'a link-local address';
    like $out, qr{^reply from fe80::b%$cable/39801 is '.*address="fe80::b" port="28015"/></msg>'$}m,
        'is on the interface of who has sent it';
    is + (find('-A', 'ff02::7:7', '-n', 'lo', '-I', 50, '--', 'true'))[0], 99, 'not found over another one';
    undef $daemon;
    $daemon = start_daemon($there, '-a', '::', '-A', $GROUP);
    is + (find('-A', $GROUP, '--', 'true'))[0], 0, 'one on :: is in a group of IPv4, too';
    undef $daemon;
    $daemon = start_daemon(undef, '-A', $GROUP, '-n', 'lo');
    is + (find('-A', $GROUP, '-I', 50,   '--', 'true'))[0], 99, 'a group of IPv4 is on one interface, too';
    is + (find('-A', $GROUP, '-n', 'lo', '--', 'true'))[0], 0,  'there it is found';
};

subtest 'a daemon that is started by itself' => sub {
    my @arg   = ('-P', PORT, '-d', 3000, '-I', 300, '-A', '239.255.7.8', '-V');
    my $begin = time;
    my ($status, $out, $err) = flom(@arg, '--', 'echo', 'hi');
    is $status, 0, 'the command runs';
    like $out,
        qr/(?:^sending .*\nno reply .*\n){2}^sending .*\nreply from 10\.77\.0\.1.*address="".*\nhi\n\z/m,
        'two questions, a start, a third';
    cmp_ok time - $begin, '>=', 0.6, 'it takes attempts times time-out';
    ($status, $out) = flom(@arg, '--', 'echo', 'hi');
    unlike $out, qr/no reply/, 'the next one finds it';
    my @many = map { start_flom(@arg, '-A', '239.255.7.9', '-r', 'one', '--', 'sh', '-c', <<"SH") } 1 .. 12;
        mkdir ${\ temp_dir()}/inside || echo clash; sleep 0.03; rmdir ${\ temp_dir()}/inside
SH
    my @ends = map { [finish($_)] } @many;
    is join(' ', map { $_->[0] } @ends), join(' ', (0) x 12), 'twelve at once all get the lock';
    is_deeply [grep { $_->[1] =~ /clash/ } @ends], [], 'one after the other';
    my %port = map { $_->[1] =~ /^reply from .* port="(\d+)"/m ? ($1 => 1) : () } @ends;
    is keys %port, 1, 'from one daemon';
    is_deeply [flom('-P', PORT, '-A', '239.255.7.9', '-d', 0, '-X')],
        [0, "Starting FLoM daemon immediate shutdown...\n", ''], '-X finds and ends it';
    is_deeply [flom('-P', PORT + 1, '-A', '10.77.0.1', '-I', 50, '--', 'true')],
        [
        99,
        '',
        "flom_client_connect: ret_cod=-133 (ERROR: 'setsockopt' function returned an error condition)\n"
            . "flom: the daemon was not started: discovery: 10.77.0.1:39802: is not the address of a multicast group\n"
        ],
        'what is no group cannot be joined, and that is told';
};

subtest 'a unicast address and a group' => sub {
    my @both   = ('-a', '127.0.0.1', '-p', 39_806, '-P', PORT, '-A', '239.255.7.10');
    my $holder = start_flom(@both, '-d', 300, '-r', 'x', '--', 'sh', '-c', 'echo begun; sleep 60');
    wait_until(sub { -s "$holder->{path}.out" });
    my ($status, $out) = flom(@both, '-d', 0, '-r', 'x', '-o', 0, '-V', '--', 'true');
    is $status, 98, 'both name the daemon by its address';
    unlike $out, qr/^sending/m, 'without asking';
    is + (flom(@both[4 .. 7], '-d', 0, '-r', 'x', '-o', 0, '--', 'true'))[0], 98, 'the group finds it, too';
    is_deeply [find('-A', '239.255.7.10', '--status')]->[0], 0, '--status finds it';
    like + (find('-A', '239.255.7.10', '--status', '-r', 'x'))[1], qr/^x  held EX/, 'and asks it';
    kill TERM => $holder->{pid};
    is + (finish($holder))[0], 143, 'the end';
};

subtest 'several locks of one command' => sub {
    my $daemon = start_daemon($there, '-A', $GROUP);
    my ($status, $out) = find('-A', $GROUP, '-V', '-r', 'b', map({ ('--also', $_) } qw(c a)),
        '--', 'sh', '-c', 'echo $FLOM_TOKEN');
    is $status,                        0, 'it gets them';
    is + (() = $out =~ /^sending /mg), 1, 'all of the one daemon that the first has found';
    like $out, qr/^\d+\.\d+$/m, 'with a token';
};

subtest 'a socket of a service manager' => sub {
    for my $address ('0.0.0.0', '10.77.0.1') {
        my $daemon = start_activated($address, '-A', $GROUP);
        my $told   = $address eq '0.0.0.0' ? '' : $address;
        is ask(QUESTION, $GROUP),
            sample('any_address') =~ s/"" port="37961"/qq("$told" port=") . $daemon->port . '"'/er,
            "$address: is told";
        is + (find('-A', $GROUP, '--', 'true'))[0], 0, 'and found';
    }
    my ($status, undef, $err) = flom(qw(--daemon -A 239.255.7.7 -s), temp_dir() . '/socket');
    is $status, 99,                                            'a unix socket';
    is $err,    "Configuration is not valid, cannot go on!\n", 'cannot be told of';
};

subtest 'a lock over a crash' => sub {
    my @daemon = ($there, '-A', $GROUP, '--state', temp_dir() . '/state');
    my $daemon = start_daemon(@daemon);
    my $port   = $daemon->port;
    my $stop   = temp_dir() . '/stop';
    my $flom =
        start_flom('-P', PORT, '-d', 0, '-A', $GROUP, '--', 'sh', '-c',
        "echo begun; while [ ! -e $stop ]; do sleep 0.02; done");
    wait_until(sub { -s "$flom->{path}.out" });
    $daemon->stop('KILL');
    $daemon = start_daemon(@daemon);
    isnt $daemon->port, $port, 'the daemon is at another port after its crash';
    wait_until(sub { slurp("$flom->{path}.err") =~ /is held again/ });
    is + (find('-A', $GROUP, '-o', 0, '--', 'true'))[0], 98, 'the lock is held';
    spew($stop, '');
    is_deeply [(finish($flom))[0, 1]], [0, "begun\n"], 'to the end of the command';
};

subtest 'groups at one port' => sub {
    my @daemons = map { start_daemon(undef, '-A', $_) } '239.255.7.1', '239.255.7.2', 'ff02::7:1',
        'ff02::7:2';
    my @groups = ('239.255.7.1', '239.255.7.2', "ff02::7:1%$number", "ff02::7:2%$number");
    for my $i (0 .. $#groups) {
        my $socket = udp($groups[$i]);
        datagram($socket, QUESTION, $groups[$i]);
        my @ports;
        while (IO::Select->new($socket)->can_read(@ports ? 0.1 : 5)) {
            recv $socket, my $answer, 2048, 0;
            push @ports, $answer =~ /port="(\d+)"/;
        }
        is "@ports", $daemons[$i]->port, "$groups[$i]: its own daemon answers";
    }
};

subtest 'what a daemon cannot do is told in words' => sub {
    my @rows = (
        [
            'an address of a host',
            ['-A', '10.77.0.1'],
            qr/10\.77\.0\.1:39801: is not the address of a multicast group/
        ],
        ['no interface', ['-A', $GROUP, '-n', 'nosuch'], qr/\Anetwork-interface: 'nosuch'/],
        [
            'a name that is none',
            ['-A', 'no_such_group.invalid'],
            qr/no_such_group\.invalid:39801: cannot resolve: /
        ],
        [
            'another family',
            ['-A', 'ff02::7:7', '-a', '0.0.0.0', '-p', 0],
            qr/another family than the group's: name its address \(-a\)/
        ],
    );
    for my $row (@rows) {
        my ($name,   $arg,  $want) = @$row;
        my ($status, undef, $err)  = flom('--daemon', '-P', PORT, @$arg);
        is $status, 99, "$name: it does not start";
        like $err, $want, 'and says why';
    }
    my ($status, undef, $err) =
        run_command([$there->command('unshare', '--net', flom_path(), '--daemon', '-A', $GROUP)]);
    is $status, 99, 'no network at all';
    like $err,
        qr/discovery: $GROUP:28015: cannot join the group on the default interface: No such device \(is it up/,
        'is told, with what to do';
    my $other = start_daemon(undef, '-A', $GROUP);
    ($status, undef, $err) = flom('--daemon', '-P', PORT, '-A', $GROUP);
    is $status, 99, 'a second daemon of this host without an address';
    like $err, qr/$GROUP:39801: another daemon of this host has this group/, 'is one too many';
    is_deeply [find('-A', $GROUP, '--discovery-ttl', 256, '--', 'true')],
        [
        99,
        '',
        "flom_client_connect: ret_cod=-133 (ERROR: 'setsockopt' function returned an error condition)\n"
            . "flom: a TTL of 256: it must be from 1 to 255\n"
        ],
        'a TTL that is none';
};

subtest 'debug features' => sub {
    my @server = (qw(--debug-feature IPv6.Multicast.Server -A ff02::7:7 -P 39811));
    my $server = start_flom(@server, '-n', $cable);
    my $joined = sub { VouchTest::Namespace->must('ip', 'maddr', 'show', 'dev', $cable) =~ /ff02::7:7/ };
    wait_until($joined);
    my @client = $there->command(flom_path(), '--debug-feature', 'ipv6.multicast.client', '-A', 'ff02::7:7');
    is_deeply [run_command([@client, qw(-P 39811 -n eth0)])],
        [0, "Sent datagram is 'HELLO'\nArrived datagram is 'WELCOME'\n", ''], 'the client';
    is_deeply [finish($server)], [0, "Arrived datagram is 'HELLO'\nSent datagram is 'WELCOME'\n", ''],
        'the server';
    $server = start_flom(@server, '-n', $cable);
    wait_until($joined);
    my $socket = udp('::1');
    datagram($socket, "\e[2JHELLO\0", "ff02::7:7%$number", 39_811);
    ok(IO::Select->new($socket)->can_read(5), 'whoever says anything');
    recv $socket, my $answer, 2048, 0;
    is $answer,                'WELCOME',                                                       'is answered';
    is + (finish($server))[1], "Arrived datagram is '?[2JHELLO'\nSent datagram is 'WELCOME'\n", 'and shown';
    is_deeply [flom('--debug-feature', 'ipv6.multicast.server', '-A', $GROUP)],
        [1, '', "flom: $GROUP is not an IPv6 address\n"], 'a group of IPv4';
    is_deeply [flom('--debug-feature', 'ipv6.multicast.client')],
        [1, '', "flom: a group (-A) is needed\n"], 'no group';
    is_deeply [flom('--debug-feature', 'nosuch')], [1, '', ''], 'no such feature';
};

done_testing;
