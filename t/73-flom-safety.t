use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Select      ();
use Time::HiRes     qw(sleep time);
use VouchTest       qw(slurp spew temp_dir);
use VouchTest::Flom qw(finish flom lock_message message start_flom unlock_message);

# Locks that can be trusted: ends of every kind, signals, state over
# restarts, fairness, leases, status.

my $dir = temp_dir();

sub wait_until {
    my ($code, $seconds) = @_;
    my $end = time + ($seconds // 10);
    while (time < $end) {
        my $value = $code->();
        return $value if $value;
        sleep 0.01;
    }
    return;
}

# A flom that holds a resource; its command has begun.
sub holder {
    my ($daemon, $resource, $script, @arg) = @_;
    my $flom = $daemon->start_run('-r', $resource, @arg, '--', 'sh', '-c', "echo begun; $script");
    wait_until(sub { -s "$flom->{path}.out" }) or die 'the command has not begun';
    return $flom;
}

sub is_free {
    my ($daemon, $resource) = @_;
    my $client = $daemon->connect or return 0;
    return ($client->ask(lock_message($resource, wait => 0)) // '') eq '16 0';
}

subtest 'signals go to the command, and flom waits for it' => sub {
    my $daemon = VouchTest::Flom->new;
    for my $signal (qw(TERM INT HUP USR1)) {
        my $trap = $signal eq 'USR1' ? 'USR1' : $signal;
        my $flom = holder($daemon, 's', "trap 'echo got $trap; exit 5' $trap; while :; do sleep 0.02; done");
        kill $signal => $flom->{pid};
        my ($status, $out) = finish($flom);
        is $status, 5,                    "$signal: the status is that of the command";
        is $out,    "begun\ngot $trap\n", 'which was told';
        ok is_free($daemon, 's'), 'then the lock is free';
    }
    my $flom = holder($daemon, 's', 'exec sleep 60');
    kill TERM => $flom->{pid};
    is + (finish($flom))[0], 143, 'a command that TERM ends';
    $flom = holder($daemon, 's', 'sleep 0.3; echo done', '--ignore-signal', 'SIGTERM');
    kill TERM => $flom->{pid};
    is_deeply [(finish($flom))[0, 1]], [0, "begun\ndone\n"], 'an ignored signal does nothing';
    $flom = holder($daemon, 's', 'sleep 0.1', '--ignore-signal', 'SIGKILL');
    is + (finish($flom))[2], "Warning: couldn't ignore signal 9:SIGKILL\n", 'one that cannot be ignored';
};

subtest 'killing flom does not free the lock of a command that runs' => sub {
    my $daemon = VouchTest::Flom->new;
    my $stop   = "$dir/stop-killed";
    my $flom   = holder($daemon, 'k', "while [ ! -e $stop ]; do sleep 0.02; done");
    kill KILL => $flom->{pid};
    is + (finish($flom))[0], 137, 'flom is killed';
    ok !is_free($daemon, 'k'), 'the lock stays while the command runs';
    spew($stop, '');
    ok wait_until(sub { is_free($daemon, 'k') }), 'and is free when it ends';
};

subtest 'a number goes back when the command is killed or fails' => sub {
    my $daemon = VouchTest::Flom->new;
    my @run    = ('-i', 60_000, '-r', '_S_n[1]', '--', 'sh', '-c');
    is + ($daemon->run(@run, 'echo $1',         'x'))[1], "1\n", 'the first';
    is + ($daemon->run(@run, 'kill -9 $$',      'x'))[0], 137,   'killed';
    is + ($daemon->run(@run, 'echo $1; exit 1', 'x'))[1], "2\n", 'so 2 again; fails';
    is + ($daemon->run(@run, 'echo $1',         'x'))[1], "2\n", 'and again';
    is + ($daemon->run(@run, 'echo $1',         'x'))[1], "3\n", 'then 3';
};

subtest 'a daemon that goes away is noticed' => sub {
    my $daemon = VouchTest::Flom->new;
    my %want   = (ignore => 99, term => 99, kill => 99);
    for my $what (sort keys %want) {
        my $begin = time;
        my $flom  = holder($daemon, 'loss', 'sleep 1.5; echo end', '--on-loss', $what);
        $daemon->stop('KILL');
        my ($status, $out, $err) = finish($flom);
        is $status, 99, "$what: status";
        like $err, qr/\Aflom: the lock on 'loss' is lost while the command runs: /, 'told';
        is $out, $what eq 'ignore' ? "begun\nend\n" : "begun\n",
            'the command ' . ($what eq 'ignore' ? 'went on' : 'was stopped');
        $daemon->start;
    }
    is + (flom('--on-loss', 'x', '--', 'true'))[0], 99, 'another word is refused';
};

subtest 'fencing tokens grow' => sub {
    my $daemon = VouchTest::Flom->new('--state', "$dir/tokens");
    my @tokens;
    for (1 .. 2) {
        push @tokens,
            map { ($daemon->run('-r', 't', '--', 'sh', '-c', 'echo $FLOM_TOKEN'))[1] =~ s/\n//r } 1 .. 3;
        $daemon->stop;
        $daemon->start;
    }
    my $last = '0.0';
    for my $token (@tokens) {
        my ($e1, $c1, $e2, $c2) = (split(/\./, $last), split /\./, $token);
        ok $e2 > $e1 || ($e2 == $e1 && $c2 > $c1), "$token after $last";
        $last = $token;
    }
};

subtest 'one name after the other on a connection' => sub {
    my $daemon = VouchTest::Flom->new;
    my $modern = sub { lock_message(@_) =~ s/verb="1"/verb="1" ask="lock"/r };
    my ($old, $new) = map { $daemon->connect } 1 .. 2;
    is $old->ask(lock_message('one')), '16 0', 'an old client';
    $old->say(unlock_message('one'));
    is $old->ask(lock_message('two')), '16 -13', 'has one name for each connection, as with FLoM';
    is $new->ask($modern->('three')),  '16 0',   'a new client';
    is $new->ask($modern->('four')),   '16 -13', 'has another name, but not while it holds the first';
    $new->say(unlock_message('four'));
    like + ($daemon->run('--status'))[1], qr/^three  held/m, 'and cannot unlock what it does not hold';
    $new->say(unlock_message('three'));
    is $new->ask($modern->('four')),                  '16 0', 'then it can';
    is + ($daemon->run('--status'))[1] =~ s/  .*//sr, 'four', 'and that is held';
    my $waiter = $daemon->connect;
    is $waiter->ask($modern->('four')), '16 1',   'one that waits';
    is $waiter->ask($modern->('five')), '16 -13', 'has no other name either';
};

subtest 'numbers over restarts and crashes' => sub {
    my $daemon = VouchTest::Flom->new('--state', "$dir/numbers", '--grace', 300);
    my %seen;
    my $next =
        sub { my ($status, $out) = $daemon->run('-r', '_s_id[3]', '--', 'echo'); chomp $out; return $out };
    my $last = 0;
    for my $signal (qw(TERM KILL TERM KILL KILL)) {
        for (1 .. 4) {
            my $number = $next->();
            ok $number > $last, "$number after $last";
            $last = $number;
        }
        $daemon->stop($signal);
        $daemon->start;
    }
    is + ($daemon->run('-r', '_S_spent[1]', '--', 'echo'))[1], "$_\n", "number $_ is spent" for 1 .. 3;
    $daemon->stop('KILL');
    $daemon->start;
    is + ($daemon->run('-r', '_S_spent[1]', '--', 'echo'))[1], "4\n", 'and stays so after a crash';
    my @run = ('-r', '_S_tx[1]', '--', 'sh', '-c');
    is + ($daemon->run(@run, 'echo $1', 'x'))[1], "1\n", 'a transactional number';
    my $stop = "$dir/stop-tx";
    my $flom = $daemon->start_run(@run, "echo \$1; while [ ! -e $stop ]; do sleep 0.02; done", 'x');
    wait_until(sub { -s "$flom->{path}.out" });
    is slurp("$flom->{path}.out"), "2\n", 'the next is out';
    $daemon->stop('KILL');
    $daemon->start;
    ok wait_until(sub { slurp("$flom->{path}.err") =~ /is held again/ }),
        'its holder comes back after a crash';
    spew($stop, '');
    is + (finish($flom))[0],                      0,     'and ends as if nothing had been';
    is + ($daemon->run(@run, 'echo $1', 'x'))[1], "3\n", 'so the number is spent: no gap, and given once';
    my $file = "$dir/pid-tx";
    $flom = $daemon->start_run(@run, "echo \$\$ >$file; echo \$1; exec sleep 60", 'x');
    wait_until(sub { -s "$flom->{path}.out" });
    kill KILL => $flom->{pid}, slurp($file);
    finish($flom);
    $daemon->stop('KILL');
    $daemon->start;
    is + ($daemon->run(@run, 'echo $1', 'x'))[1], "4\n", 'one whose holder does not come back is given again';
};

subtest 'a state file that cannot be used' => sub {
    my %files = (
        'another program' => sub { spew($_[0], 'x' x 4096) },
        'cut'             => sub {
            my $daemon = VouchTest::Flom->new('--state', $_[0]);
            $daemon->run('-r', '_s_cut[1]', '--', 'true');
            $daemon->stop;
            spew($_[0], substr slurp($_[0]), 0, 5000);
        },
        'a folder' => sub { mkdir $_[0] or die $! },
    );
    for my $name (sort keys %files) {
        my $file = "$dir/state-$name";
        $files{$name}->($file);
        my ($status, undef, $err) = flom('--daemon', '-s', "$dir/never", '--state', $file, { seconds => 10 });
        is $status, 99, "$name: a daemon does not start";
        like $err, qr/state file/, 'and says why';
    }
};

subtest 'after a crash nobody takes a lock that may be held' => sub {
    my $daemon = VouchTest::Flom->new('--state', "$dir/grace", '--grace', 1500);
    my $held   = holder($daemon, 'back', 'sleep 4');
    my $flom   = holder($daemon, 'g',    'sleep 0.2');
    $daemon->stop('KILL');
    $daemon->start;
    my $begin = time;
    is + ($daemon->run('-r', 'g', '-o', 0, '--', 'true'))[0], 98, 'busy at first';
    is + ($daemon->run('-r', 'g', '--', 'true'))[0], 0, 'granted later';
    cmp_ok time - $begin, '>', 1, 'when the grace period is over';
    finish($flom);
    is + ($daemon->run('-r', 'back', '-o', 0, '--', 'true'))[0], 98, 'one that came back is still held';
    is + (finish($held))[0],                                     0,  'to its end';
    $daemon->stop;
    $daemon->start;
    $begin = time;
    is + ($daemon->run('-r', 'g', '-o', 0, '--', 'true'))[0], 0, 'after a proper end there is none';
};

# Who held it may not have seen yet that it is lost.
subtest 'a daemon that ends gives no lock to the next' => sub {
    my $daemon = VouchTest::Flom->new;
    my @holder = map { $daemon->connect } 1 .. 3;
    my @waiter = map { $daemon->connect } 1 .. 3;
    is $holder[$_]->ask(lock_message("n$_")), '16 0', "$_ is held"       for 0 .. 2;
    is $waiter[$_]->ask(lock_message("n$_")), '16 1', "and wanted by $_" for 0 .. 2;
    $daemon->stop('TERM');
    is $_->answer, 'end', 'the end is all that comes' for @holder, @waiter;
};

subtest 'nobody starves' => sub {
    my $daemon = VouchTest::Flom->new('--fairness', 200);
    my @reader = map { $daemon->connect } 1 .. 2;
    my $writer = $daemon->connect;
    is $reader[0]->ask(lock_message('rw', mode => 3)), '16 0', 'a reader';
    is $writer->ask(lock_message('rw')),               '16 1', 'a writer waits';
    is $reader[1]->ask(lock_message('rw', mode => 3)), '16 0', 'another reader overtakes';
    sleep 0.3;
    $reader[0]->say(unlock_message('rw'));
    is $reader[0]->ask(lock_message('rw', mode => 3)), '16 1', 'but not for ever';
    $reader[1]->say(unlock_message('rw'));
    is $writer->answer, '24 0', 'the writer has it';
    my $strict = VouchTest::Flom->new('--fairness', 0);
    my @one    = map { $strict->connect } 1 .. 3;
    is $one[0]->ask(lock_message('rw', mode => 3)), '16 0', 'strict: a reader';
    is $one[1]->ask(lock_message('rw')),            '16 1', 'a writer';
    is $one[2]->ask(lock_message('rw', mode => 3)), '16 1', 'nobody overtakes';
};

subtest 'leases' => sub {
    my $daemon = VouchTest::Flom->new;
    my $client = $daemon->connect;
    is $client->ask(lock_message('leased', lease => 400)), '16 0', 'a lock with a lease';
    for (1 .. 3) {
        sleep 0.2;
        $client->say(message(3, 8, ''));
        like $client->hear, qr/verb="3" step="16"/, 'a sign of life is answered';
    }
    ok !is_free($daemon, 'leased'), 'so it is kept';
    like $client->hear(5), qr/step="32"><answer rc="3" reason="the lease has run out"/,
        'without one it is lost';
    is $client->hear(5), undef, 'and the connection ends';
    ok is_free($daemon, 'leased'), 'and it is free';
    is + ($daemon->run('-r', 'leased', '--lease', 300, '--', 'sleep', 1))[0], 0, 'flom gives signs of life';
};

subtest 'conversion' => sub {
    my $daemon = VouchTest::Flom->new;
    my ($one, $two) = map { $daemon->connect } 1 .. 2;
    is $one->ask(lock_message('c', mode => 3)),               '16 0', 'a reader';
    is $two->ask(lock_message('c', mode => 3)),               '16 0', 'another';
    is $one->ask(lock_message('c', mode => 5, convert => 1)), '16 1', 'one wants to write';
    is $two->ask(lock_message('c', mode => 5, convert => 1)), '16 4', 'both would wait for ever';
    $two->say(unlock_message('c'));
    is $one->answer,                                          '24 0', 'it may';
    is $one->ask(lock_message('c', mode => 1, convert => 1)), '16 0', 'and step back';
};

subtest 'status and kick' => sub {
    my $daemon = VouchTest::Flom->new;
    my ($held, $waits) = map { $daemon->connect } 1 .. 2;
    $held->ask(lock_message('res.one'));
    $held = $daemon->connect;
    $held->ask(lock_message('/tree/leaf', mode => 3));
    $waits->ask(lock_message('/tree'));
    my ($status, $out) = $daemon->run('--status');
    is $status, 0, 'a status';
    like $out, qr{^/tree/leaf  held PR  since \d{4}-\S+Z  token \d+\.\d+  id \d+  pid $$ uid \d+$}m,
        'a holder';
    like $out, qr{^/tree  waiting EX }m, 'one who waits';
    ($status, $out) = $daemon->run('--status', '--json', '-r', '/tree/*');
    require JSON::PP;
    my $rows = JSON::PP::decode_json($out);
    is_deeply [map { "$_->{resource} $_->{state} $_->{mode}" } @$rows], ['/tree/leaf held PR'],
        'as JSON, by pattern';
    is + ($daemon->run('--kick', $rows->[0]{id}))[0], 0,      'ended';
    is $held->hear(5),                                undef,  'it is';
    is $waits->answer,                                '24 0', 'and the next has the lock';
    my @got = $daemon->run('--kick', 999_999);
    is $got[0], 99,                                             'nobody there';
    is $got[2], "flom: --kick: no other session has this id\n", 'which is told';
};

subtest 'the daemon as a service' => sub {
    my $socket = "$dir/service";
    my $notify = "$dir/notify";
    require IO::Socket::UNIX;
    my $manager = IO::Socket::UNIX->new(Local => $notify, Type => Socket::SOCK_DGRAM()) or die $!;
    local $ENV{NOTIFY_SOCKET} = $notify;
    my $flom = start_flom(
        '--daemon', '-s',    $socket,    '-d',            -1, '--pid-file',
        "$dir/pid", '--log', "$dir/log", '--socket-mode', '0660'
    );
    ok(IO::Select->new($manager)->can_read(10), 'the service manager hears of it');
    recv $manager, my $text, 100, 0;
    is $text,                                        'READY=1',        'that it is ready';
    is slurp("$dir/pid"),                            "$flom->{pid}\n", 'the process number';
    is sprintf('%04o', (stat $socket)[2] & oct 777), '0660',           'the mode of the socket';
    kill HUP => $flom->{pid};
    is + (flom('-s', $socket, '--', 'true'))[0], 0, 'it goes on after HUP';
    kill TERM => $flom->{pid};
    is + (finish($flom))[0], 0, 'TERM ends it properly';
    ok !-e $socket && !-e "$dir/pid", 'and tidily';
    like slurp("$dir/log"), qr/FLM003I: ready.*FLM036I: ending on signal 15.*FLM004I: ended/s, 'the log';
    my $one = VouchTest::Flom->new;
    my @got = flom('--daemon', '-s', $one->socket, { seconds => 10 });
    is $got[0], 99, 'a second one on the same socket';
    like $got[2], qr/another daemon has this socket/, 'is refused';
    spew("$dir/file", 'precious');
    @got = flom('--daemon', '-s', "$dir/file", { seconds => 10 });
    is $got[0],            99,         'a file that is no socket';
    is slurp("$dir/file"), 'precious', 'is left alone';
    symlink "$dir/file", "$dir/linked.lock" or die $!;
    is + (flom('--daemon', '-s', "$dir/linked", { seconds => 10 }))[0], 99, 'and no link is followed';
};

subtest 'limits' => sub {
    my $daemon = VouchTest::Flom->new('--max-resources', 3, '--max-queue', 1, '--max-messages', 50);
    my @held   = map { $daemon->connect } 1 .. 3;
    is $held[$_]->ask(lock_message("r$_")),       '16 0',   "resource $_" for 0 .. 2;
    is $daemon->connect->ask(lock_message('r3')), '16 -26', 'one resource too many';
    my ($first, $second) = map { $daemon->connect } 1 .. 2;
    is $first->ask(lock_message('r0')),  '16 1',   'one waits';
    is $second->ask(lock_message('r0')), '16 -12', 'another may not';
    my @got = $daemon->run('-r', 'r0', '--', 'true');
    is $got[0], 99, 'flom ends';
    like $got[2], qr/ret_cod=-13 .*\nflom: the daemon's answer: too many are waiting for this resource\n\z/,
        'and says why';
    my $fast = $daemon->connect;
    $fast->say(lock_message('r1', wait => 0) x 60);
    my @answers = map { $fast->answer } 1 .. 51;
    is $answers[-1],  '16 -12', 'too many messages a second are refused';
    is $fast->answer, 'end',    'and end the connection';
    my $few = VouchTest::Flom->new('--max-connections', 2);
    my @two = map { my $client = $few->connect; $client->ask(lock_message("c$_")); $client } 1 .. 2;
    is $few->connect->ask(lock_message('c3')), '16 -12', 'a connection too many';
    is + (flom('--max-queue', 0, '--', 'true'))[2], "max-queue: '0' is an invalid value\n",
        'a limit of nothing';
};

subtest 'traces' => sub {
    my $daemon = VouchTest::Flom->new;
    local $ENV{FLOM_TRACE_MASK} = '0xc';
    my $trace = "$dir/trace";
    is + ($daemon->run('-T', $trace, '-r', 'traced', '--', 'true'))[0], 0, 'a command';
    like slurp($trace), qr/\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \[\d+\/0x\w+\] asking for 'traced'\n/,
        'leaves a trace';
    like slurp($trace), qr/ended with 0x0\n\z/, 'to its end';
    is + ($daemon->run('-T', "$dir/none/trace", '--', 'true'))[0], 99, 'a trace that cannot be written';
    is + (flom('--debug-feature', 'nosuch'))[0],                   1,  'an unknown feature';
};

done_testing;
