use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Time::HiRes     qw(sleep time);
use VouchTest       qw(slurp spew temp_dir);
use VouchTest::Flom qw(finish flom start_flom);

# The command flom: what FLoM 1.7.2 prints and how it ends, to the byte.

my $dir    = temp_dir();
my $daemon = VouchTest::Flom->new;

# [name, arguments, status, stdout, stderr]; texts are whole or patterns.
sub check_all {
    my ($run, @rows) = @_;
    for my $row (@rows) {
        my ($name, $arg, $status, $out, $err) = @$row;
        my @got = $run->(@$arg);
        is $got[0], $status, "$name: status $status";
        ref $out ? like $got[1], $out, "$name: stdout" : is $got[1], $out, "$name: stdout";
        ref $err ? like $got[2], $err, "$name: stderr" : is $got[2], $err, "$name: stderr";
    }
    return;
}

subtest 'what needs no daemon' => sub {
    check_all(
        \&flom,
        ['--signal-list', ['--signal-list'], 0, slurp('t/data/flom/cli_signal-list.stdout.txt'), ''],
        ['--unique-id',   ['--unique-id'],   0, qr/\A[0-9a-f]{32}\n\z/,                          ''],
        [
            '--version', ['--version'], 0,
            qr/^Package name: flom; package version: 1\.7\.2; release date: 2024-03-02$/m, ''
        ],
        ['-v',            ['-v'], 0, qr/\A(?:.*\n){7}\z/,                                   ''],
        ['TLS protocols', ['-v'], 0, qr/^TLS supported protocol\(s\): All TLS protocols$/m, ''],
        (map { ["$_", [$_], 0, qr/\AUsage: flom .*--resource-name NAME/s, ''] } qw(-h -? --help --help-all)),
        ['no command',              ['-d', 0],    97, '', "No command to execute!\n"],
        ['an unknown option',       ['--nosuch'], 99, '', "option parsing failed: Unknown option --nosuch\n"],
        ['an unknown letter',       ['-Z'],       99, '', "option parsing failed: Unknown option -Z\n"],
        ['no abbreviations',        ['--verb'],   99, '', "option parsing failed: Unknown option --verb\n"],
        ['a value that is missing', ['-r'],       99, '', "option parsing failed: Missing argument for -r\n"],
        ['a value in the word',     ['-rX'],      99, '', "option parsing failed: Error parsing option -r\n"],
        ['a value after =',         ['-r=X'],     99, '', "option parsing failed: Error parsing option -r\n"],
        [
            'a number that is none',
            ['-o', 'x'],
            99, '', "option parsing failed: Cannot parse integer value ?x? for -o\n"
        ],
        [
            'a large number',
            ['-o', 99999999999],
            99, '', "option parsing failed: Integer value ?99999999999? for -o out of range\n"
        ],
        [
            'an invalid name',
            ['-r', '1a', '--', 'true'],
            99,
            "ERROR: '1a' is not a valid name for a resource\n",
            "flom_config_set_resource_name: ret_cod=-14\n"
        ],
        [
            'the reserved name',
            ['-r', '_RESOURCE', '--', 'true'],
            99,
            "ERROR: '_RESOURCE' is a reserved resource name and can not be set by user\n",
            "flom_config_set_resource_name: ret_cod=-14\n"
        ],
        ['an invalid mode', ['-l', 'zz', '--', 'true'], 99, '', "lock-mode: 'zz' is an invalid value\n"],
        [
            'an invalid truth value',
            ['-e', 'true', '--', 'true'],
            99, "resource-create: 'true' is an invalid value\n", ''
        ],
        [
            'another one', ['--tls-check-peer-id', '1', '--', 'true'],
            99, "tls-check-peer-id: '1' is an invalid value\n", ''
        ],
        [
            'a trace that is neither',
            ['--append-trace-file', '1', '--', 'true'],
            99, '', "append-trace-file: '1' is an invalid value\n"
        ],
        [
            'a socket name of 108 bytes',
            ['-s', '/' . 'x' x 107, '--', 'true'],
            99,
            '',
            qr/\Asocket-name: '\/x+' is an invalid value\nflom_client_connect: ret_cod=-\d+ \(ERROR: .*\)\n\z/
        ],
        [
            'no such certificate',
            ['--tls-certificate', '/nosuch', '--', 'true'],
            99, '', "tls-certificate: '/nosuch' is not a valid value\n"
        ],
        [
            'a socket and an address',
            ['-s', '/tmp/x', '-a', 'localhost', '--', 'true'],
            99,
            "ERROR: flom can not be configured for local (UNIX socket) and network (TCP-UDP/IP) communication at the same time.\n",
            "Configuration is not valid, cannot go on!\n"
        ],
        [
            'a peer id without TLS',
            ['--tls-check-peer-id=yes', '--', 'true'],
            99,
            "ERROR: TLS check peer id can not be specified without full TLS configuration.\n",
            "Configuration is not valid, cannot go on!\n"
        ],
        [
            'a part of TLS',
            ['-s', "$dir/none", '--tls-peer-name=node1', '--', 'true'],
            99,
            "ERROR: TLS needs a certificate, its private key and a CA certificate: without one of them all would go in the clear.\n",
            "Configuration is not valid, cannot go on!\n"
        ],
        [
            'no daemon, and none to be started',
            ['-s', "$dir/none", '-d', 0, '--', 'true'],
            99, '',
            "flom_client_connect: ret_cod=-105 (ERROR: 'connect' function returned an error condition)\n"
        ],
        [
            'a file that is missing',
            ['-c', "$dir/none", '--', 'true'],
            99,
            "ERROR: error while loading file '$dir/none'\n",
            qr/\Aflom_config_init: ret_cod=-203\n/
        ],
    );
};

subtest 'the dump of --verbose' => sub {
    my $want = slurp('t/data/flom/cli_verbose.stdout.txt');
    my $name = "$dir/smp";
    $want =~ s{/tmp/flom-spec/lab/s/smp}{$name};
    my @got = flom('-s', $name, '-d', 0, '-V', '--', 'true');
    is $got[0], 99,    'there is no daemon';
    is $got[1], $want, 'every byte of it';
    my ($status, $out) = flom('-V');
    like $out, qr/^\[Daemon\]\/SocketName=''$/m, 'the default socket is not shown';
};

subtest 'configuration files' => sub {
    my $file = spew("$dir/config", "[Resource]\nName=fromfile\nTimeout=7\n[Daemon]\n[Network]\n");
    my ($status, $out) = flom('-c', $file, '-V');
    like $out, qr/^\[Resource\]\/Name='fromfile'$/m, 'a file';
    (undef, $out) = flom('-c', $file, '-V', '-r', 'option', '-o', -1);
    like $out, qr/^\[Resource\]\/Name='option'$/m, 'an option goes before it';
    like $out, qr/^\[Resource\]\/Timeout=-1$/m,    'with the default value, too';
    spew("$dir/.flom", "[Resource]\nName=home\nQuantity=3\n");
    (undef, $out) = flom('-c', $file, '-V');
    like $out, qr/^\[Resource\]\/Quantity=3$/m,      q{the user's file};
    like $out, qr/^\[Resource\]\/Name='fromfile'$/m, 'comes before the one that is named';
    spew("$dir/.flom", "[Resource]\nLockMode=zz\n");
    my @got = flom('--', 'true');
    is $got[0], 99,                                                          'a bad value';
    is $got[1], "ERROR: invalid configuration found in file '$dir/.flom'\n", 'names the file';
    like $got[2], qr/line 2: 'zz' is not a value for \[Resource\] LockMode/, 'and the line';
    unlink "$dir/.flom" or die $!;
};

subtest 'commands and their ends' => sub {
    check_all(
        sub { $daemon->run(@_) },
        ['a command',                 ['--', 'echo', '-n', 'x'],             0, 'x',       ''],
        ['options end where -- is',   ['-r', 'a', '--', 'echo', '--', '-r'], 0, "-- -r\n", ''],
        ['options among the words',   ['echo', '-r',  'abc', 'x'],                 0,   "x\n",          ''],
        ['flags in a group',          ['-Vr',  'RED', '--',  'true'],              0,   qr/Name='RED'/, ''],
        ['the status of the command', ['--',   'sh',  '-c',  'exit 7'],            7,   '',             ''],
        ['a status of 255',           ['--',   'sh',  '-c',  'exit 255'],          255, '',             ''],
        ['standard input',            ['--',   'sh',  '-c',  'cat; echo end >&2'], 0,   '', "end\n"],
        ['killed by a signal',        ['--',   'sh',  '-c',  'kill -9 $$'],        137, '', ''],
        [
            'no such command',
            ['--', 'nosuch'],
            97,
            '',
            qr/\A\n\*\* \(flom:\d+\): WARNING \*\*: \d\d:\d\d:\d\d\.\d{3}: Unable to execute command 'nosuch'\n\n\z/
        ],
        ['a folder as command', ['--', '/tmp'], 97, '', qr/Unable to execute command '\/tmp'/],
        [
            'too much of a resource',
            ['-r', 'N[5]', '-q', 6, '--', 'true'],
            99, '', "Resource will never satisfy the request, the lock cannot be obtained\n"
        ],
        [
            'not there, and no waiting',
            ['-e', 'no', '-o', 0, '-r', 'ZZZ', '--', 'true'],
            96, '', "The resource could be available in the future, but the requester can't wait\n"
        ],
        [
            'a negative quantity',
            ['-r', 'N[5]', '-q', -6, '--', 'true'],
            0, '', "Resource quantity ignored because negative values (-6) are meaningless\n"
        ],
        ['elements',        ['-r', 'red.green', '--', 'echo', 'X'], 0, qr/\AX (?:red|green)\n\z/,         ''],
        ['elements, told',  ['-V', '-r', '_s_v[1]', '--', 'true'],  0, qr/\nLocked element is '\d+'\n\z/, ''],
        ['a bad timestamp', ['-r', '_t_%Y[1]', '--', 'true'], 99, '', qr/\Aflom_client_lock: ret_cod=-/],
    );
};

subtest 'a lock that is held' => sub {
    my $go     = "$dir/go";
    my $holder = $daemon->start_run('-r', 'busy', '--', 'sh', '-c',
        "echo ready; while [ ! -e $go ]; do sleep 0.05; done; exit 3");
    my $deadline = time + 10;
    sleep 0.01 until -s "$holder->{path}.out" || time > $deadline;
    check_all(
        sub { $daemon->run('-r', 'busy', @_) },
        [
            'no waiting', ['-o', 0, '--', 'true'],
            98, '', "Resource already locked, the lock cannot be obtained\n"
        ],
        [
            'some waiting', ['-o', 100, '--', 'true'],
            98, '', "The lock was not obtained because timeout (100 milliseconds) expired\n"
        ],
        [
            'not long in all',
            ['--timeout-total', 120, '--', 'true'],
            98, '', "The lock was not obtained because timeout (120 milliseconds) expired\n"
        ],
    );
    my $waiter = $daemon->start_run('-r', 'busy', '--', 'echo', 'mine');
    spew($go, '');
    is + (finish($holder))[0], 3, 'the holder ends';
    is_deeply [finish($waiter)], [0, "mine\n", ''], 'and the next has it';
};

subtest 'a daemon that is started by itself' => sub {
    my $socket = "$dir/auto";
    my @arg    = ('-s', $socket, '-d', 300);
    is_deeply [flom(@arg, '--', 'echo', 'hi')], [0, "hi\n", ''], 'the command runs';
    ok -S $socket, 'the socket is there';
    is sprintf('%04o', (stat $socket)[2] & oct 777),        '0600', 'for its owner only';
    is sprintf('%04o', (stat "$socket.lock")[2] & oct 777), '0600', 'as is the lock file';
    my $deadline = time + 15;
    sleep 0.05 while -S $socket && time < $deadline;
    ok !-S $socket, 'it ends when nobody needs it';

    my @many = map { start_flom(@arg, '--', 'true') } 1 .. 12;
    is join(' ', map { (finish($_))[0] } @many), join(' ', (0) x 12),
        'twelve at once start one daemon, and all get the lock';
    is_deeply [flom(@arg, '-X')], [0, "Starting FLoM daemon immediate shutdown...\n", ''], '-X ends it';
    $deadline = time + 15;
    sleep 0.02 while -S $socket && time < $deadline;
    ok !-S $socket, 'and takes the socket away';
};

subtest 'what the command finds in its environment' => sub {
    local $ENV{FLOM_ELEMENT} = 'stale';
    my ($status, $out) = $daemon->run('-r', 'env', '-l', 'PR', '--', 'sh', '-c', 'env | grep ^FLOM_ | sort');
    like $out, qr/\AFLOM_MODE=PR\nFLOM_RESOURCE=env\nFLOM_TOKEN=\d+\.\d+\n\z/, 'mode, resource and token';
    ($status, $out) = $daemon->run('-r', 'x.y', '--', 'sh', '-c', 'env | grep ^FLOM_ | sort');
    like $out, qr/\AFLOM_ELEMENT=[xy]\nFLOM_RESOURCE=x\.y\nFLOM_TOKEN=\d+\.\d+\n\z/, 'and the element';
};

subtest 'several locks' => sub {
    my ($status, $out) = $daemon->run('-r', 'b.c', '--also', 'a', '--also', '_s_n[1]', '--', 'echo', 'X');
    like $out, qr/\AX [bc] \d+\n\z/, 'elements follow in the order of the command line';
    my @got = $daemon->run('-r', 'b', '--also', 'b', '--', 'true');
    is $got[0], 99,                           'one twice';
    is $got[2], "also: 'b' is there twice\n", 'is refused';
    my $held = $daemon->connect;
    is $held->ask(VouchTest::Flom::lock_message('second')), '16 0', 'one of two is held';
    is + ($daemon->run('-r', 'first', '--also', 'second', '-o', 0, '--', 'true'))[0], 98,
        'so both are refused';
    is + ($daemon->run('-r', 'first', '-o', 0, '--', 'true'))[0], 0, 'and none is kept';
    my @pair = map { $daemon->start_run('-r', $_->[0], '--also', $_->[1], '--', 'true') }
        map { (['p', 'q'], ['q', 'p']) } 1 .. 5;
    is join(' ', map { (finish($_))[0] } @pair), join(' ', (0) x 10), 'crosswise, nobody waits for ever';
};

subtest 'the fence' => sub {
    my $fence = "$dir/fence";
    my $flom  = VouchTest::Flom::flom_path();
    is + ($daemon->run('-r', 'f', '--', $flom, '--fence', $fence))[0], 0, 'the first token passes';
    is + ($daemon->run('-r', 'f', '--', $flom, '--fence', $fence))[0], 0, 'so does a later one';
    local $ENV{FLOM_TOKEN} = '1.1';
    my @got = flom('--fence', $fence);
    is $got[0], 1, 'an older one does not';
    like $got[2], qr/the lock has been given to another since \(token 1\.1, seen \d+\.\d+\)/,
        'and is told why';
    delete local $ENV{FLOM_TOKEN};
    is + (flom('--fence', $fence))[0], 99, 'nor does none';
    local $ENV{FLOM_TOKEN} = '9.9';
    spew("$dir/other", "precious\n");
    is + (flom('--fence', "$dir/other"))[0], 99,           'another file is refused';
    is slurp("$dir/other"),                  "precious\n", 'and left as it is';
    symlink "$dir/other", "$dir/link" or die $!;
    is + (flom('--fence', "$dir/link"))[0], 99, 'a link is not followed';
};

done_testing;
