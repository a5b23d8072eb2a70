use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IPC::Open2 qw(open2);
use VouchTest::Needs cc => 'gcc', 'g++' => 'g++', nm => 'binutils', openssl => 'openssl';
use VouchTest              qw(run_command slurp spew temp_dir);
use VouchTest::Flom        qw(flom lock_message);
use VouchTest::FlomProgram qw(compile library_dir results run_program start_program tell_program);
use VouchTest::PKI         qw(issue AUTHORITY);

# Programs written for FLoM's library run with ours: compiled without our
# header, in C and in C++, linked to libflom.so.0, against a daemon.

my $LONG   = $ENV{VOUCH_LONG};
my $TOOL   = $ENV{VOUCH_TEST_TOOL};
my $dir    = temp_dir();
my $daemon = VouchTest::Flom->new;
my $old    = compile('cc', ['old.c']);

# What the old program prints when it does this on a new handle.
sub old { my (@word) = @_; return [results($old, 'new', 'socket_name=' . $daemon->socket, @word)] }

# The same without the two lines that each begins with.
sub says {
    my ($words, $expected, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply old(split ' ', $words), ['new', 0, @$expected], $name;
}

subtest 'what the library shows' => sub {
    my $library = library_dir() . '/libflom.so.0';
    my (undef, $symbols) = run_command(['nm', '-D', '--defined-only', $library]);
    my @shown      = sort $symbols              =~ /^\S+ [A-Z] (\S+)$/mg;
    my @properties = slurp('t/c/libflom/old.h') =~ /^    (?:NUMBER|TEXT)\((\w+)\)/mg;
    is @properties, 20, 'twenty properties';
    my @functions = qw(init clean new delete lock unlock unlock_rollback);
    my @expected  = sort 'flom_strerror', map { "flom_handle_$_" } @functions,
        map { ("get_$_", "set_$_") } @properties;
    is_deeply \@shown, \@expected, '48 functions of FLoM, and nothing else';
    (undef, $symbols) = run_command([qw(nm -D --defined-only blib/arch/auto/Vouch/Vouch.so)]);
    like $symbols,   qr/ boot_Vouch$/m, 'the module of Perl shows itself';
    unlike $symbols, qr/ flom_/,        'and none of them, which another library may have';
    my (undef, $needs) = run_command(['ldd', $library]);
    unlike $needs, qr/not found|libuv|sqlite/, 'it needs nothing of the daemon';
    my (undef, $name) = run_command([qw(objdump -p), $library]);
    like $name, qr/^ +SONAME +libflom\.so\.0$/m, 'its soname';
};

subtest 'a program in C' => sub {
    says(
        'state lock state element unlock state lock unlock',
        [22, 0, 24, '(null)', 0, 25, 0, 0],
        'locks and unlocks, again and again'
    );
    says(
        'lock lock socket_name=x resource_name=B resource_timeout=1 unlock',
        [0, -17, 11, 11, 11, 0],
        'a lock is not to be locked or changed'
    );
    says('unlock rollback clean state lock', [-17, -17, 0, 26, -17], 'what is out of order is refused');
    says(
        'resource_name=n[5] resource_quantity=6 lock state unlock resource_quantity=5 lock unlock',
        [0, 0, 6, 23, 0, 0, 0, 0],
        'a request that cannot be satisfied'
    );
    says(
        'resource_create=0 resource_timeout=0 resource_name=absent lock state lock unlock',
        [0, 0, 0, 5, 23, 5, 0],
        'nothing there, and no time: as often as it asks'
    );
    says(
        'error=0 error=4 error=-126',
        ['OK: no error', old('error=4')->[2], "ERROR: 'recv' function returned an error condition"],
        'codes in words'
    );
};

subtest 'elements' => sub {
    says(
        'resource_name=red.green lock element unlock element lock element unlock',
        [0, 0, 'red', 0, '(null)', 0, 'green', 0],
        'of a set, by turns'
    );
    says(
        'resource_name=_S_x[1] resource_idle_lifespan=60000 lock element rollback lock element unlock'
            . ' lock element unlock',
        [0, 0, 0, 1, 0, 0, 1, 0, 0, 2, 0],
        'a transactional number, taken back'
    );
    says(
        'resource_name=_s_x[1] resource_idle_lifespan=60000 lock element rollback state lock element unlock',
        [0, 0, 0, 1, 12, 25, 0, 2, 0],
        'another, which cannot be'
    );
    my ($status) = run_program(
        $old, 'new',
        'socket_name=' . $daemon->socket,
        qw(resource_name=_S_die[1] resource_idle_lifespan=60000 lock abort)
    );
    isnt $status, 0, 'a program that dies';
    says('resource_name=_S_die[1] lock element unlock', [0, 0, 1, 0], 'has its number taken back');
};

subtest 'two handles' => sub {
    my @socket = ('new', 'socket_name=' . $daemon->socket, 'resource_name=both');
    is_deeply [
        results(
            $old,   @socket,  'lock', 'handle=1', @socket,  'resource_timeout=0',
            'lock', 'state',  'lock', 'handle=0', 'unlock', 'handle=1',
            'lock', 'unlock', 'delete'
        )
        ],
        ['new', 0, 0, 0, 'new', 0, 0, 0, 4, 23, 4, 0, 0, 0, 'deleted'],
        'the second is told that it is busy, and gets it from the first';
};

subtest 'threads' => sub {
    says('threads=16', [16 * 20], 'sixteen with a handle each: one at a time has the lock');
};

# FLoM's answers the second lock with -13, and loses the grant.
subtest 'a timeout, and the same handle again' => sub {
    my @socket = ('new', 'socket_name=' . $daemon->socket, 'resource_name=late');
    my ($holder, @held) = start_program($old, @socket, 'lock', 'pause', 'unlock');
    is_deeply \@held, ['new', 0, 0, 0], 'somebody has the lock';
    my ($waiter, @waited) =
        start_program($old, @socket,
        qw(resource_timeout=50 lock state pause resource_timeout=20000 lock state unlock));
    is_deeply \@waited, ['new', 0, 0, 0, 9, 23], 'another waits in vain';
    like + ($daemon->run('--status'))[1], qr/^late\b(?!.*\bwait)/m, 'and is in no queue any more';
    is_deeply [tell_program($holder)], ['going on', 0, 0], 'it is released';
    is_deeply [tell_program($waiter)], ['going on', 0, 0, 24, 0, 0], 'the same handle gets it';
};

# FLoM's keeps the connection, and so locks the first name.
subtest 'another name after a refusal' => sub {
    my @socket = ('new', 'socket_name=' . $daemon->socket);
    my ($holder) = start_program($old, @socket, qw(resource_name=first lock pause unlock));
    my ($other, @got) =
        start_program($old, @socket,
        qw(resource_name=first resource_timeout=0 lock resource_name=second lock pause unlock));
    is_deeply \@got, ['new', 0, 0, 0, 4, 0, 0], 'the second name is locked';
    says('resource_timeout=0 resource_name=second lock', [0, 0, 4], 'it is: nobody else gets it');
    tell_program($_) for $holder, $other;
};

subtest 'the daemon goes' => sub {
    my $mortal = VouchTest::Flom->new;
    my ($program) =
        start_program($old, 'new', 'socket_name=' . $mortal->socket, qw(lock pause unlock state lock state));
    $mortal->stop;
    is_deeply [tell_program($program)], ['going on', -130, 25, -105, 25, 0],
        'unlock tells; the next lock, too';
};

subtest 'no daemon is started' => sub {
    is_deeply [results($old, 'new', "socket_name=$dir/none", 'lock', 'state')], ['new', 0, -105, 22],
        'none is there: -105';
    ok !-e "$dir/none", 'none is made';
    mkdir "$dir/home" or die "mkdir: $!";
    spew("$dir/home/.flom",
        "[Resource]\nName=fromFile\n[Daemon]\nSocketName=$dir/none\nLifespan=-1\n[Network]\n");
    local $ENV{HOME} = "$dir/home";
    is_deeply [results($old, qw(new resource_name socket_name lock))],
        ['new', 'fromFile', "$dir/none", -105], 'nor if a file says so';
    ok !-e "$dir/none", 'none is made';
    spew("$dir/home/.flom", "[Resource]\nName=not valid\n[Daemon]\n[Network]\n");
    is_deeply [results($old, 'new')], ['none'], 'a file with a bad value: no handle';
};

subtest 'the trace' => sub {
    my $trace = spew("$dir/trace", "of yesterday\n");
    local $ENV{FLOM_TRACE_MASK} = '0x80000';
    says("trace_filename=$trace lock trace_filename unlock", [0, 0, $trace, 0], 'may be set at any time');
    like slurp($trace), qr/\A\d{4}-\d\d-\d\d \S+ \[\d+\/\S+\] lock: held\n.*unlock: code 0\n\z/s,
        'it is emptied, and written';
};

subtest 'over TCP, with TLS' => sub {
    my (undef, $id) = flom('--unique-id');
    chomp $id;
    my $root  = issue('flom-root',  ext => [AUTHORITY]);
    my $host  = issue('flom-host',  by  => $root, cn => $id);
    my $alien = issue('flom-alien', cn  => $id);
    my $tls   = VouchTest::Flom->tcp(
        '127.0.0.1',
        '--tls-certificate'    => $host->{cert},
        '--tls-private-key'    => $host->{key},
        '--tls-ca-certificate' => $root->{cert},
    );
    my @way   = ('new', 'unicast_address=127.0.0.1', 'unicast_port=' . $tls->port, 'socket_name');
    my @files = (
        "tls_certificate=$host->{cert}",    "tls_private_key=$host->{key}",
        "tls_ca_certificate=$root->{cert}", 'tls_check_peer_id=1'
    );
    is_deeply [results($old, @way, @files, qw(resource_name=a.b lock element unlock))],
        ['new', 0, 0, '(null)', 0, 0, 0, 0, 0, 0, 'a', 0], 'a lock';
    is_deeply [results($old, @way, @files[0, 1], "tls_ca_certificate=$alien->{cert}", qw(lock state))],
        ['new', 0, 0, '(null)', 0, 0, 0, -407, 22], 'not from a daemon that is not trusted';
    my @alien = ("tls_certificate=$alien->{cert}", "tls_private_key=$alien->{key}", $files[2]);
    is_deeply [results($old, @way, @alien, qw(resource_timeout=5000 lock state unlock))],
        ['new', 0, 0, '(null)', 0, 0, 0, 0, -409, 23, 0], 'nor by one that it does not trust';
    is_deeply [results($old, @way, qw(resource_timeout=5000 lock state unlock))],
        ['new', 0, 0, '(null)', 0, -126, 23, 0], 'and not in the clear';
};

subtest 'a program in C++' => sub {
    my $cpp = compile('g++', ['old.cc']);
    my ($status, $out, $err) = run_program($cpp, $daemon->socket);
    is $status, 0, 'ends well' or diag $err;
    like $out, qr/\Ared\nWARNING: .+\n''\n\z/, 'locks, is told that it is busy, unlocks';
};

subtest 'a program with our header' => sub {
    my $two = compile('cc', ['one.c', 'two.c']);
    is_deeply [results($two, $daemon->socket)], ['a'], 'two files of it, in C';
    $two = compile('g++', ['one.c', 'two.c']);
    is_deeply [results($two, $daemon->socket)], ['b'], 'and in C++';
    my $library = library_dir();
    compile('cc', ['one.c', 'two.c'], '-std=c90', '-pedantic', "-I$library", "-L$library", '-lflom');
    pass 'and in the C of 1990';
};

# The same with vouch.h.
subtest 'examples/lock.c' => sub {
    my ($libs) = slurp('Makefile') =~ /^VOUCH_LIBS = (.+)$/m;
    my $lock = compile('cc', ['examples/lock.c'], '-std=gnu99', '-Icsrc', 'libvouch.a', split ' ', $libs);
    mkdir "$dir/example" or die "mkdir: $!";
    local $ENV{HOME} = "$dir/example";
    spew("$dir/example/.flom", "[Resource]\n[Daemon]\nSocketName=${\ $daemon->socket}\n[Network]\n");
    my ($status, $out, $err) = run_command([$lock, 'red.green']);
    is $status, 0, 'locks and lets go' or diag $err;
    like $out, qr/\Alocked (?:red|green)\n\z/, 'and says what it got';
    my $other = $daemon->connect;
    $other->ask(lock_message('mine'));
    ($status, $out, $err) = run_command([$lock, 'mine', 50]);
    is $status, 1, 'it does not wait for ever';
    like $err, qr/\Alock: not locked: WARNING: no answer came in time\n\z/, 'which it says';
    ($status, $out, $err) = run_command([$lock, 'not valid']);
    like $err, qr/\Alock: 'not valid' is not a value/, 'a bad name is told';
    my $mortal = VouchTest::Flom->new;
    spew("$dir/example/.flom", "[Resource]\n[Daemon]\nSocketName=${\ $mortal->socket}\n[Network]\n");
    my $pid = open2(my $from, my $to, 'sh', '-c', "exec '$lock' mine 2>&1");
    is readline $from, "locked\n", 'a lock is held';
    $mortal->stop;
    is readline $from,
        "lock: lost: ERROR: the daemon closed the connection: the daemon closed the connection\n",
        'its loss is noticed at once';
    waitpid $pid, 0;
    spew("$dir/example/.flom", "[Resource]\n[Daemon]\nSocketName=$dir/none\n[Network]\n");
    ($status, $out, $err) = run_command([$lock, 'mine']);
    like $err, qr/\Alock: cannot connect: ERROR: 'connect' .*No such file/, 'and that no daemon is there';
};

# FLoM's keeps a descriptor for each cycle.
subtest 'nothing is left of a cycle' => sub {
    plan skip_all => 'a tool changes what memory is used' if $TOOL;
    my $count = $LONG ? 1_000_000 : 4000;
    is_deeply old("cycles=$count"), ['new', 0, "$count cycles, 0 descriptors more, no memory", 0],
        "$count cycles on one handle";
};

done_testing;
