use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Fcntl            qw(F_SETFD);
use IO::Socket::IP   ();
use IO::Socket::UNIX ();
use POSIX            ();
use Socket           qw(SOL_SOCKET SO_LINGER);
use Time::HiRes      qw(sleep time);
use VouchTest        qw(run_command slurp spew temp_dir);
use VouchTest::Flom  qw(finish flom flom_path lock_message message start_flom unlock_message);
use VouchTest::Needs prlimit => 'util-linux';

# The daemon where it works: sockets of a service manager, TCP, full disks,
# crowds that come and go.

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

# A daemon that is handed a listening socket as descriptor 3.
sub start_activated {
    my ($listener, @arg) = @_;
    my $path = "$dir/activated-" . fileno $listener;
    my $pid  = fork // die "fork: $!";
    if ($pid == 0) {
        my $fd = fileno $listener;
        POSIX::dup2($fd, 3) // POSIX::_exit(126) if $fd != 3;
        fcntl $listener, F_SETFD, 0 if $fd == 3;
        open STDERR, '>', "$path.err" or POSIX::_exit(126);
        local @ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, $$);
        $SIG{ALRM} = 'DEFAULT';
        exec { flom_path() } 'flom', '--daemon', '-d', -1, @arg or POSIX::_exit(127);
    }
    spew("$path.out", '');
    return { pid => $pid, path => $path };
}

sub raw { return bless { socket => $_[0], buffer => '' }, 'VouchTest::Flom::Raw' }

sub reset_at_close {
    my ($client) = @_;
    setsockopt $client->handle, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return $client->close;
}

subtest 'a socket of the service manager' => sub {
    my $socket   = "$dir/activated";
    my $listener = IO::Socket::UNIX->new(Local => $socket, Listen => 5) or die "listen: $!";
    my $client   = raw(IO::Socket::UNIX->new(Peer => $socket) // die "connect: $!");
    ok $client->say(lock_message('early')), 'a client comes before the daemon runs';
    my $daemon = start_activated($listener, '-s', "$dir/not-used");
    is $client->answer(10), '16 0', 'and is served when it does';
    is + (flom('-s', $socket, '-d', 0, '-r', 'early', '-o', 0, '--', 'true'))[0], 98, 'flom finds it, too';
    kill TERM => $daemon->{pid};
    my ($status, undef, $err) = finish($daemon);
    is $status, 0, 'it ends well';
    like $err, qr/FLM000I: listening on 1 sockets of the service manager/, 'its log';
    ok -S $socket,          'the socket stays: it is the manager\'s';
    ok !-e "$dir/not-used", 'and none other was made';
    local @ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, 1);
    my $own = VouchTest::Flom->new;
    ok $own->connect, 'variables for another process are not for us';
};

subtest 'what a daemon cannot do stops its start' => sub {
    my @daemon = ('--daemon', '-d', 100, '-s', "$dir/no-start");
    my %error  = (
        log         => ["$dir/none/log",   qr/\Alog: '.+' cannot be opened: No such file or directory\n\z/],
        'log-level' => ['loud',            qr/\Alog-level: 'loud' is an invalid value: use error, warning, /],
        'pid-file'  => ["$dir/none/pid",   qr{none/pid: cannot write: No such file or directory\n\z}],
        state       => ["$dir/none/state", qr{state file \S+none/state: unable to open database file\n\z}],
    );
    for my $option (sort keys %error) {
        my ($value, $want) = @{ $error{$option} };
        my ($status, undef, $err) = flom(@daemon, "--$option", $value, { seconds => 10 });
        is $status, 99, "--$option";
        like $err, $want, 'is told';
    }
};

subtest 'a log is moved away' => sub {
    my $daemon = VouchTest::Flom->new('--log', "$dir/moving");
    ok wait_until(sub { slurp("$dir/moving") =~ /FLM003I/ }), 'a daemon is ready';
    rename "$dir/moving", "$dir/moved" or die "rename: $!";
    kill HUP => $daemon->pid;
    ok wait_until(sub { -s "$dir/moving" }), 'HUP begins it anew';
    like slurp("$dir/moving"), qr/\A\S+ flom\[\d+\] notice FLM037I: /, 'and the log goes on there';
    is + ($daemon->run('-X'))[0], 0, 'it is told to end';
    ok wait_until(sub { slurp("$dir/moving") =~ /FLM004I/ }), 'and does';
    like slurp("$dir/moving"), qr/FLM007I: immediate shutdown asked for by unix \(uid $>, pid \d+\)$/m,
        'by whom';
};

subtest 'names of files without a folder' => sub {
    my $script = "cd $dir && exec ${\ flom_path()} -s relative --state state.db --log the.log -d 300 -- pwd";
    my ($status, $out, $err) = run_command(['sh', '-c', $script], seconds => 20);
    is_deeply [$status, $out, $err], [0, "$dir\n", ''], 'a daemon is started and found';
    ok wait_until(sub { -e "$dir/the.log" && slurp("$dir/the.log") =~ /FLM004I/ }), 'it ends';
    ok -s "$dir/state.db", 'and its files are where the command was';
};

subtest 'a name too long for a message' => sub {
    my $daemon = VouchTest::Flom->new;
    my ($status, undef, $err) = $daemon->run('-r', 'a' x 300, '--', 'true');
    is $status, 99, 'is refused';
    like $err, qr/^flom: the request would be longer than 511 bytes: use a shorter name$/m, 'with the reason';
};

subtest 'the disk of the state file is full' => sub {
    my $daemon = VouchTest::Flom->new('--state', "$dir/full");
    is + ($daemon->run('-r', '_s_n[1]', '--', 'echo'))[1], "1\n", 'a number';
    system('prlimit', '--pid', $daemon->pid, '--fsize=4096:unlimited') == 0 or die 'prlimit';
    my $client = $daemon->connect;
    $client->say(lock_message('_s_other[1]'));
    is $client->hear(0.5),                           '',     'a number that cannot be stored is not given';
    is $daemon->connect->ask(lock_message('plain')), '16 0', 'plain locks are';
    ok wait_until(sub { $daemon->log =~ /FLM042E: state file: it cannot be / }), 'the log says so';
    system('prlimit', '--pid', $daemon->pid, '--fsize=unlimited:unlimited') == 0 or die 'prlimit';
    is $client->answer(10), '16 0 1', 'it is when there is room again' or diag $daemon->log;
    is $daemon->stop, 0, 'and all ends well';
};

subtest 'a daemon that is stopped for a while' => sub {
    my $daemon = VouchTest::Flom->new;
    kill STOP => $daemon->pid;
    my ($status, undef, $err) = $daemon->run('--timeout-total', 200, '--', 'true');
    is $status, 98, 'who waits has a limit';
    like $err, qr/timeout \(200 milliseconds\) expired/, 'and is told';
    my $flom = $daemon->start_run('-r', 's', '--', 'echo', 'done');
    kill CONT => $daemon->pid;
    is + (finish($flom))[1], "done\n", 'who waits longer has the lock';
};

sub check_daemon {
    my ($connect) = @_;
    my $good      = $connect->();
    my $serves    = sub {
        my ($name) = @_;
        is $good->ask(lock_message('good')), '16 0', "$name: others are served";
        $good->say(unlock_message('good'));
    };
    local $SIG{PIPE} = 'IGNORE';
    my %bytes = (
        'an end alone'     => '</msg>',
        'another verb'     => message(9, 8, ''),
        'an unlock first'  => unlock_message('x'),
        'a ping first'     => message(3, 8, ''),
        'a discovery'      => message(4, 8, ''),
        'another level'    => '<msg level="2" verb="1" step="8"></msg>',
        'no resource'      => message(1, 8, ''),
        'a DOCTYPE'        => '<!DOCTYPE m><msg level="3" verb="1" step="8"></msg>',
        'deep nesting'     => message(1, 8, '<a>' x 80 . '</a>' x 80),
        'a megabyte'       => message(1, 8, '<resource name="' . 'QUFB' x 250_000 . '"/>'),
        'NULs without end' => "\0" x 70_000,
    );
    for my $name (sort keys %bytes) {
        my $client = $connect->();
        $client->say($bytes{$name});
        is $client->hear(5), undef, "$name ends the connection";
        $serves->($name);
    }
    my @silent = map { my $client = $connect->(); $client->say($_); $client } '', '<', '<msg level="3"';
    $serves->('silent ones');
    my $holder = $connect->();
    is $holder->ask(lock_message('half')), '16 0', 'a holder';
    shutdown $holder->handle, 1;
    is $holder->hear(5),                         undef,  'that closes its half is gone';
    is $connect->()->gets(lock_message('half')), '16 0', 'and its lock is free';
    for (1 .. 5_000) { reset_at_close($connect->()) }
    $serves->('5,000 that connect and reset');

    for (1 .. 1_000) {
        my $client = $connect->();
        $client->say(lock_message('burst'));
        reset_at_close($client);
    }
    $serves->('1,000 that lock and reset');
    is $connect->()->gets(lock_message('burst')), '16 0', 'whose lock is free';
    return;
}

subtest 'strangers on the unix socket' => sub {
    my $daemon = VouchTest::Flom->new;
    check_daemon(sub { $daemon->connect // die "connect: $!" });
    is $daemon->stop, 0, 'the daemon lives on';
};

for my $host ('127.0.0.1', '::1') {
    subtest "strangers on $host" => sub {
        my $free = IO::Socket::IP->new(LocalHost => $host, Listen => 1)
            or return plan skip_all => "no $host here";
        my $port = $free->sockport;
        close $free;
        my $daemon  = start_flom('--daemon', '-a', $host, '-p', $port, '-d', -1);
        my $connect = sub {
            my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port) or return;
            return raw($socket);
        };
        ok wait_until($connect), 'it listens' or diag slurp("$daemon->{path}.err");
        check_daemon(sub { $connect->() // die "connect: $@" });
        my @flom = ('-a', $host, '-p', $port, '-d', 0);
        my ($status, $out) = flom(@flom, '-r', 'red.green', '--', 'sh', '-c', 'echo $FLOM_TOKEN $1', 'x');
        like $out, qr/\A\d+\.\d+ red\n\z/, 'flom is served';
        my $client = $connect->();
        $client->ask(lock_message('seen'));
        ($status, $out) = flom(@flom, '--status', '-r', 'seen');
        like $out, qr/^seen  held EX .*\Q$host\E/, 'the status says from where';
        kill TERM => $daemon->{pid};
        is + (finish($daemon))[0], 0, 'the daemon lives on';
    };
}

done_testing;
