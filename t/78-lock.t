use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Time::HiRes     qw(time);
use VouchTest       qw(spew temp_dir);
use VouchTest::Flom ();

use Vouch::Lock qw(:DEFAULT :reasons);
use Vouch::Lock::Server;

# Vouch::Lock with a daemon of this test.

my $daemon = VouchTest::Flom->new;
my $server = server($daemon);

sub server {
    my ($at, @arg) = @_;
    return Vouch::Lock::Server->new(socket => $at->socket, start => 0, config => 0, @arg);
}

# A server of its own has connections of its own: another client.
sub take  { my ($name, @arg) = @_; return Vouch::Lock->new($name, server => $server,         @arg) }
sub other { my ($name, @arg) = @_; return Vouch::Lock->new($name, server => server($daemon), @arg) }

sub holders {
    my ($name) = @_;
    my (undef, $out) = $daemon->run('--status', -r => $name);
    return scalar(() = $out =~ /^\S+  held/mg);
}

sub free_ok {
    my ($name, $what) = @_;
    my $probe = other($name, timeout => 10);
    ok $probe, "$what: free" or diag(Vouch::Lock->error);
    return;
}

sub refused($$$$) {    ## no critic (ProhibitSubroutinePrototypes)
    my ($lock, $reason, $like, $name) = @_;
    is $lock, undef, "$name: no lock";
    is(Vouch::Lock->reason, $reason, "$name: $reason");
    like(Vouch::Lock->error->message, $like, "$name: in words");
    return;
}

sub dies_with {
    my ($code, $like, $name) = @_;
    is eval { $code->(); 1 }, undef, "$name: throws";
    my $error = $@;
    isa_ok $error, 'Vouch::Error', $name;
    is $error->code, 'argument', "$name: an argument";
    like $error->message, $like, "$name: in words";
    return;
}

subtest 'take and let go' => sub {
    my $lock = take('report');
    isa_ok $lock, 'Vouch::Lock';
    ok $lock->is_held, 'held';
    is $lock->name, 'report', 'its name';
    is $lock->mode, 'EX',     'its mode';
    like $lock->token, qr/\A[0-9]+\.[0-9]+\z/, 'a token';
    is $lock->element, undef, 'no element';
    refused(other('report', timeout => 0), LOCK_BUSY, qr/'report' is held by another/, 'another');
    ok $lock->release,  'released';
    ok !$lock->is_held, 'and not held';
    ok !$lock->release, 'a second time there is nothing';
    free_ok('report', 'after release');
};

subtest 'the end of a scope' => sub {
    { my $lock = take('scope'); is holders('scope'), 1, 'held in it' }
    free_ok('scope', 'after the scope');
    eval { my $lock = take('scope'); die "no\n" };
    is $@, "no\n", 'the exception of the program';
    free_ok('scope', 'after die');
};

subtest 'waiting' => sub {
    my $lock  = take('wait');
    my $begin = time;
    refused(other('wait', timeout => 0.3), LOCK_TIMEOUT, qr/'wait': not within 0\.3 seconds/, 'a deadline');
    my $took = time - $begin;
    cmp_ok $took, '>=', 0.29, 'not before it';
    cmp_ok $took, '<',  5,    'and not long after it';
    is holders('wait'), 1, 'nobody waits any more but the holder';
    my $late = Vouch::Lock->begin('wait', server => server($daemon));
    ok !$late->advance,   'another waits';
    ok $late->is_pending, 'pending';
    $lock->release;
    my $deadline = time + 30;
    my $settled;

    until ($settled = $late->advance or time > $deadline) {
        my $ready = q();
        vec($ready, $late->fileno, 1) = 1;
        select $ready, undef, undef, 10;
    }
    ok $settled,       'its descriptor wakes it';
    ok $late->is_held, 'and held';
};

subtest 'types' => sub {
    my @seat = map { take('licence[3]', quantity => $_) } 1, 2;
    refused(other('licence[3]', timeout  => 0), LOCK_BUSY,       qr/busy|held/, 'a full pool');
    refused(other('licence[3]', quantity => 4), LOCK_IMPOSSIBLE, qr/never/,     'more than there are');
    my @colour = map { take('red.green.blue') } 1 .. 3;
    is join(' ', sort map { $_->element } @colour), 'blue green red', 'elements';
    my $readers = [map { other('/a/b', mode => 'PR') } 1 .. 2];
    is holders('/a*'), 2, 'a tree with two readers';
    refused(other('/a', timeout => 0), LOCK_BUSY, qr/held/, 'no writer above');
    like take('_t_%Y%m%d.%H:%M:%S#fff[1]')->element, qr/\A20\d{6}\./, 'a time';
    refused(other('nobodyMadeIt', create => 0, timeout => 0), LOCK_ABSENT, qr/not there/, 'no resource');
    refused(other('_t_%Y[1]', timeout => 5), LOCK_REFUSED, qr/timestamp/, 'a format without an hour');
};

subtest 'numbers, and back' => sub {
    is take('_S_invoice[1]')->element, 1, 'the first, let go at the end of its scope';
    my $lock = take('_S_invoice[1]');
    is $lock->element, 2, 'the second';
    ok $lock->rollback, 'goes back';
    is take('_S_invoice[1]')->element, 2, 'and is the next again';
    is eval {
        with_lock { die "failed\n" } '_S_invoice[1]', server => $server;
        1;
    }, undef, 'a block that dies';
    is $@, "failed\n",                                                           'with its exception';
    is with_lock(sub { $_[0]->element }, '_S_invoice[1]', server => $server), 3, 'gives the number back';
};

subtest 'with_lock' => sub {
    my $result = with_lock { is holders('block'), 1, 'held inside'; 'done' } 'block', server => $server;
    is $result, 'done', 'a value';
    my @list = with_lock { (1, 2, 3) } 'block', server => $server;
    is_deeply \@list, [1, 2, 3], 'a list';
    my $context = 'unset';
    with_lock { $context = wantarray } 'block', server => $server;
    is $context, undef, 'no value';
    my $holder = other('block');
    is eval {
        with_lock { fail 'run without the lock' } 'block',
            server  => $server,
            timeout => 0;
        1;
    }, undef, 'no lock: it throws';
    is $@->code, LOCK_BUSY, 'with the reason';
    is $@->file, __FILE__,  'and where';
    $holder->release;
    with_lock { ok $_[0]->release, 'released inside' } 'block', server => $server;
    free_ok('block', 'at the end');
};

subtest 'several names' => sub {
    my $all = take([qw(zebra ant red.green)]);
    is_deeply [$all->names], [qw(zebra ant red.green)], 'their names';
    is $all->element('red.green'),        'red',              'the element of one';
    isnt $all->token('zebra'),            $all->token('ant'), 'each has a token';
    is holders('zebra') + holders('ant'), 2,                  'held';
    my $one = other('beetle');
    refused(other([qw(cat beetle)], timeout => 0.2), LOCK_TIMEOUT, qr/'beetle'/, 'one of two');
    free_ok('cat', 'all or nothing');
    $all->release;
    free_ok($_, 'released') for qw(zebra ant);
};

subtest 'the order of several names' => sub {
    # Taken the other way round they would wait for each other for ever.
    my @pid = map {
        my @names = $_;
        fork // die $! or do { cross(@$_) for ($names[0]) x 200; POSIX::_exit(0) }
    } [qw(left right)], [qw(right left)];
    for my $pid (@pid) {
        waitpid $pid, 0;
        is $?, 0, 'all were taken';
    }
};

sub cross {
    my (@names) = @_;
    state $own = server($daemon);
    my $lock = Vouch::Lock->new([@names], server => $own, timeout => 60);
    POSIX::_exit(1) if !$lock;
    return;
}

subtest 'another mode' => sub {
    my $lock  = take('mode');
    my $token = $lock->token;
    ok $lock->convert('PR'), 'weaker';
    is $lock->mode,    'PR',   'is known';
    isnt $lock->token, $token, 'with a token of its own';
    my $reader = other('mode', mode => 'PR', timeout => 5);
    ok $reader,                             'another reads';
    ok !$lock->convert('EX', timeout => 0), 'no writer beside it';
    is $lock->reason, LOCK_BUSY, 'busy';
    ok $lock->is_held,                        'and held as before';
    ok !$lock->convert('EX', timeout => 0.2), 'nor after a while';
    is $lock->reason, LOCK_TIMEOUT, 'timeout';
    ok $lock->is_held, 'and held as before';
    is $lock->mode, 'PR', 'in its mode';
    ok other('mode', mode => 'PR', timeout => 5), 'so that others can read';
    $reader->release;
    ok $lock->convert('EX', timeout => 5), 'alone it can';
    refused(other('mode', mode => 'PR', timeout => 0), LOCK_BUSY, qr/held/, 'a reader now');
    ok $lock->release,        'released';
    ok !$lock->convert('PR'), 'then it cannot be changed';
    is $lock->reason, LOCK_RELEASED, 'because it is not held';
    my $units = take('units[5]', quantity => 1);
    ok $units->convert(quantity => 5), 'more units';
    refused(other('units[5]', timeout => 0), LOCK_BUSY, qr/held/, 'all are taken');
    ok !$units->convert(quantity => 6), 'more than there are';
    is $units->reason, LOCK_IMPOSSIBLE, 'impossible';
};

subtest 'connections are kept' => sub {
    my $mine = server($daemon);
    my $fd;
    for my $name (qw(one two one /t/ree red.green)) {
        my $lock = Vouch::Lock->new($name, server => $mine);
        $fd //= $lock->fileno;
        is $lock->fileno, $fd, "$name: the same connection";
    }
    my @both = map { Vouch::Lock->new("both$_", server => $mine) } 1 .. 2;
    isnt $both[0]->fileno, $both[1]->fileno, 'one for each lock that is held';
    $mine->disconnect;
    ok $_->is_held, 'held after the others were closed' for @both;
};

subtest 'the daemon goes away' => sub {
    my $mortal = VouchTest::Flom->new;
    my $its    = server($mortal);
    my @lost;
    my $lock   = Vouch::Lock->new('gone', server => $its, on_lost => sub { push @lost, $_[0] });
    my $kept   = Vouch::Lock->new('kept', server => $its);
    my $waiter = Vouch::Lock->begin('gone', server => $its);
    $kept->release;
    $mortal->stop('KILL');
    ok !$lock->is_held, 'it is noticed';
    is $lock->reason, LOCK_LOST, 'lost';
    like $lock->error->message, qr/'gone' is lost: the daemon closed/, 'in words';
    is_deeply \@lost, [$lock], 'and told';
    ok !$lock->release, 'nothing to release';
    is scalar(@lost), 1, 'told once';
    ok $waiter->advance, 'the one who waited';
    is $waiter->reason, LOCK_LOST, 'is told';
    refused(
        Vouch::Lock->new('gone', server => $its),
        LOCK_UNREACHABLE,
        qr/no connection .* unix:/,
        'a new one'
    );
    $mortal->start;
    ok(Vouch::Lock->new('kept', server => $its), 'a kept connection that is dead does no harm');
    my $again = Vouch::Lock->new('block', server => $its);
    is eval {
        with_lock { $mortal->stop('KILL') } 'x', server => $its;
        1;
    }, undef, 'with_lock throws';
    is $@->code, LOCK_LOST, 'when the lock was lost inside';
};

subtest 'back after a restart' => sub {
    my $mortal = VouchTest::Flom->new('--state', temp_dir() . '/resume.db', '--grace', 4000);
    my $its    = server($mortal);
    my @lock   = map { Vouch::Lock->new($_, server => $its) } 'back', '_S_back[1]';
    my ($token, $number) = ($lock[0]->token, $lock[1]->element);
    $mortal->stop('KILL');
    ok !$_->is_held, 'lost' for @lock;
    $mortal->start;
    ok $_->resume(timeout => 20), 'taken up again' for @lock;
    ok $_->is_held,               'held'           for @lock;
    is $lock[0]->token,   $token,  'with its token';
    is $lock[1]->element, $number, 'and its number';
    ok !$lock[1]->resume || $lock[1]->is_held, 'one that is held stays so';
    $_->release for @lock;
    my $free = Vouch::Lock->new('free', server => $its, timeout => 30);
    $mortal->stop('KILL');
    ok !$free->is_held,                'another is lost';
    ok !$free->resume(timeout => 0.1), 'and not to be had without a daemon';
    is $free->reason, LOCK_UNREACHABLE, 'unreachable';
};

subtest 'a lease' => sub {
    my $lock = take('lease', lease => 30);
    ok $lock->is_held, 'held';
    cmp_ok $lock->wait_seconds, '<=', 10, 'a sign of life is due in a third of it';
    ok $lock->release, 'released';
    free_ok('lease', 'after it');
    my $silent = take('silent', lease => 0.2);
    ok other('silent', timeout => 20), 'who is silent loses it';
    ok !$silent->is_held,              'and learns it';
    like $silent->error->message, qr/lease|no sign of life/, 'in words';
};

subtest 'arguments' => sub {
    dies_with(sub { take('a b') }, qr/'a b' is not a valid name/, 'a name');
    for my $name ('nightly-report', "\e[2J", 'x' x 600, "\xE9") {
        dies_with(sub { take($name) }, qr/\A[ -~]{1,200}begin with a slash[ -~]*\z/,
            'a name, and what to do');
    }
    ok take('/nightly-report'), 'a slash makes it one';
    dies_with(sub { take(['a', undef]) }, qr/one of the names is undef/, 'undef among names');
    dies_with(sub { take('x', 'mode') },  qr/odd number/,                'a name without a value');
    dies_with(
        sub { Vouch::Lock->new('x', server => $_) },
        qr/must be a Vouch::Lock::Server/,
        'a server that is none'
    ) for 'localhost', {}, bless {}, 'Other';
    ok take('x', timeout => $_), "a long time: $_" for '1e+99', 1e15;
    dies_with(sub { take("a\0b") },      qr/not a valid name/, 'a name with a NUL');
    dies_with(sub { take('_RESOURCE') }, qr/reserved/,         'the name of those who give none');
    dies_with(sub { take('x',    tiemout  => 1) },     qr/no argument 'tiemout'/, 'an unknown argument');
    dies_with(sub { take('x',    timeout  => -1) },    qr/timeout must be/,       'a time below zero');
    dies_with(sub { take('x',    timeout  => 'now') }, qr/timeout must be/,       'a time that is none');
    dies_with(sub { take('x',    mode     => 'XX') },  qr/'XX' is no mode/,       'a mode');
    dies_with(sub { take('x[2]', quantity => 0) },     qr/quantity/,              'no units');
    dies_with(sub { take('x',    on_lost  => 1) },     qr/on_lost/,               'a function that is none');
    dies_with(sub { take([]) },                        qr/from one to 64/,     'no names');
    dies_with(sub { take([qw(a b a)]) },               qr/'a' is there twice/, 'a name twice');
    dies_with(sub { take([qw(/a/b /a)]) },             qr/part of/,            'a tree and a part of it');
    dies_with(sub { server($daemon, tls => 1) },       qr/no argument 'tls'/,  'an argument of the server');
    dies_with(sub { server($daemon, address => 'h') }, qr/do not go together/, 'two places');
    dies_with(sub { Vouch::Lock::Server->new(address => 'a:b:c]', config => 0) },
        qr/no address/, 'an address');

    for my $none ('127.0.0.1:abc', 'host:', [], 'x:1:2') {
        dies_with(sub { Vouch::Lock::Server->new(address => $none, config => 0) },
            qr/no address/, "as an address: $none");
    }
    is(Vouch::Lock::Server->new(address => $_, config => 0)->where, "tcp:[$_]:28015", "the address $_")
        for qw(::1 fe80::1%eth0 ::ffff:127.0.0.1);
    dies_with(sub { Vouch::Lock::Server->new('config') }, qr/odd number/, 'a name without a value');
    dies_with(sub { Vouch::Lock::Server->new(socket => '/' x 200, config => 0) },
        qr/too long/, 'a socket with a long path');
    dies_with(sub { server($daemon, lifespan => $_) }, qr/lifespan must be/, "a lifespan: $_")
        for qw(soon -x), [];
    dies_with(sub { server($daemon, cert_file     => __FILE__) }, qr/TLS needs all/, 'half of TLS');
    dies_with(sub { server($daemon, check_peer_id => 1) },        qr/needs TLS/,     'a check without TLS');
    is eval { server($daemon, ca_file => '/nowhere'); 1 }, undef,  'a file that is not there';
    is $@->code,                                           'file', 'is told';
};

subtest 'configuration files' => sub {
    local $ENV{HOME} = temp_dir() . '/house';
    mkdir $ENV{HOME};
    my $path = $daemon->socket;
    spew("$ENV{HOME}/.flom",
        "[Resource]\nName=fromFile\nTimeout=0\nLockMode=PR\n[Daemon]\nSocketName=$path\n[Network]\n");
    my $read = Vouch::Lock::Server->new(start => 0);
    is $read->where, "unix:$path", 'where the daemon is';
    my $lock = Vouch::Lock->new(undef, server => $read);
    is $lock->name, 'fromFile', 'the name of the file';
    is $lock->mode, 'PR',       'the mode';
    refused(other('fromFile', timeout => 0), LOCK_BUSY, qr/held/, 'a writer');
    my $writer = other('fileWriter');
    refused(Vouch::Lock->new('fileWriter', server => $read), LOCK_BUSY, qr/held/, 'its timeout: no waiting');
    $lock->release;
    is(Vouch::Lock::Server->default->where, "unix:$path", 'and it is the default');
    ok(Vouch::Lock->new('plain'), 'of who names no server');
    my $more = spew(temp_dir() . '/more.conf', "[Resource]\n[Daemon]\nUnicastPort=1234\n[Network]\n");
    my $tcp  = Vouch::Lock::Server->new(config => $more, address => '::1');
    is $tcp->where, 'tcp:[::1]:1234', 'one more file, and an address in the place of the socket';
    spew("$ENV{HOME}/.flom", "[Resource]\nTimeout=soon\n[Daemon]\n[Network]\n");
    is eval { Vouch::Lock::Server->new; 1 }, undef, 'a bad value throws';
    like $@->message, qr/\.flom.*Timeout/, 'and names file and key';
    is(Vouch::Lock::Server->new(config => 0)->where =~ s/\Aunix:\/tmp\/flom-.*/default/r,
        'default', 'no files');
};

done_testing;
