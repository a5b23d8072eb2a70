use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Config          qw(%Config);
use POSIX           ();
use Time::HiRes     qw(sleep time);
use VouchTest       qw(run_command slurp spew temp_dir);
use VouchTest::Flom qw(lock_message);
use Vouch::Flom;

# The functions of FLoM's Perl module, with a daemon; and scripts that say
# "use Flom;".

my $dir    = temp_dir();
my $daemon = VouchTest::Flom->new;

# A handle for the daemon, with these properties.
sub handle {
    my (%property) = @_;
    my $handle = Vouch::Flom::handle_new();
    Vouch::Flom::handle_set_socket_name($handle, $daemon->socket);
    call("set_$_", $handle, $property{$_}) for sort keys %property;
    return $handle;
}

sub call { my ($name, @arg) = @_; return Vouch::Flom->can("handle_$name")->(@arg) }

# The code of each of these calls on one handle.
sub codes {
    my ($handle, @name) = @_;
    return join ' ', map { call($_, $handle) } @name;
}

sub element { return Vouch::Flom::handle_get_locked_element($_[0]) }

# What a call dies with.
sub death {
    my ($name, @arg) = @_;
    my $code = Vouch::Flom->can($name);
    return eval { $code->(@arg); 1 } ? 'lives' : $@ =~ s/ at \Q$0\E line \d+\.\n\z//r;
}

# A connection that holds this; it lets go when it is closed.
sub held_elsewhere {
    my ($name) = @_;
    my $other = $daemon->connect or die "connect: $!";
    is $other->ask(lock_message($name)), '16 0', "another holds '$name'";
    return $other;
}

subtest 'constants' => sub {
    is Vouch::Flom::RC_OK,               0,    'a code';
    is Vouch::Flom::RC_MALLOC_ERROR,     -119, 'another';
    is Vouch::Flom::LOCK_MODE_PW,        4,    'a mode';
    is Vouch::Flom::ES_RESOURCE_BUSY,    98,   'an exit status';
    is Vouch::Flom::HANDLE_STATE_LOCKED, 24,   'a state';
    is_deeply [Vouch::Flom::TRUE, Vouch::Flom::FALSE], [1, 0], 'true and false';
    my @names = grep { /\A(?:RC|ES|LOCK_MODE|HANDLE_STATE)_|\A(?:TRUE|FALSE)\z/ } keys %Vouch::Flom::;
    is @names,                                                      141,            '141 of them';
    is scalar(grep { (prototype "Vouch::Flom::$_") ne '' } @names), 0,              'which take no arguments';
    is scalar(grep { /\Ahandle_/ } keys %Vouch::Flom::),            48,             '48 functions of handles';
    is Vouch::Flom::strerror(0),                                    'OK: no error', 'a code in words';
    like Vouch::Flom::strerror(12_345), qr/unknown/, 'of any number';
};

subtest 'a lock' => sub {
    my $handle = handle(resource_name => 'one');
    is $handle->{state},                                        22,    'INIT';
    is codes($handle, 'lock'),                                  '0',   'locked';
    is $handle->{state},                                        24,    'LOCKED';
    is codes($handle, qw(lock)),                                '-17', 'not twice';
    is call('set_resource_name', $handle, 'B'),                 11,    'not to be changed';
    is call('get_resource_name', $handle),                      'one', 'nor has it been';
    is + ($daemon->run('-r', 'one', '-o', 0, '--', 'true'))[0], 98,    'nobody else gets it';
    is codes($handle, 'unlock'),                                '0',   'unlocked';
    is + ($daemon->run('-r', 'one', '-o', 0, '--', 'true'))[0], 0,     'somebody else gets it';
    is codes($handle, qw(unlock unlock_rollback lock unlock_rollback clean)), '-17 -17 0 12 0',
        'what follows';
    is $handle->{state},                   26,        'CLEANED';
    is codes($handle, qw(lock clean)),     '-17 -17', 'of no use then';
    is call('get_resource_name', $handle), undef,     'it has no name';
    is_deeply [Vouch::Flom::handle_delete($handle)], [], 'deleted';
    is codes($handle, qw(lock unlock init clean)), '-4 -4 -4 -4', 'it is none';
    is $handle->{state},                           26,            'nor does it look like one';
};

# From the reference run of FLoM 1.7.2.
subtest 'sequences' => sub {
    my @arg    = (resource_idle_lifespan => 60_000);
    my $handle = handle(resource_name => '_S_x[1]', @arg);
    is codes($handle, 'lock') . element($handle),                   '01',   'transactional: 1';
    is codes($handle, qw(unlock_rollback lock)) . element($handle), '0 01', 'taken back, 1 again';
    is codes($handle, qw(unlock lock)) . element($handle),          '0 02', 'kept, 2';
    is $handle->{locked_element}, 2, 'which is in the hash, too';
    Vouch::Flom::handle_delete($handle);
    $handle = handle(resource_name => '_s_x[1]', @arg);
    is codes($handle, qw(lock unlock_rollback lock)) . element($handle), '0 12 02',
        'not transactional: 12, and 2';
    Vouch::Flom::handle_delete($handle);
    is element($handle), undef, 'nothing is held';
};

subtest 'properties' => sub {
    my $handle = Vouch::Flom::handle_new();
    my %all    = (
        discovery_attempts     => 2,
        discovery_timeout      => 500,
        discovery_ttl          => 1,
        lock_mode              => 5,
        multicast_address      => undef,
        multicast_port         => 28_015,
        network_interface      => undef,
        resource_create        => 1,
        resource_idle_lifespan => 0,
        resource_name          => '_RESOURCE',
        resource_quantity      => 1,
        resource_timeout       => -1,
        socket_name            => '/tmp/flom-' . getpwuid $<,
        tls_ca_certificate     => undef,
        tls_certificate        => undef,
        tls_check_peer_id      => 0,
        tls_private_key        => undef,
        trace_filename         => undef,
        unicast_address        => undef,
        unicast_port           => 28_015,
    );
    is_deeply {
        map { $_ => call("get_$_", $handle) } keys %all
    }, \%all, 'the defaults';
    is call('set_resource_name', $handle, 'no name'), Vouch::Flom::RC_INVALID_RESOURCE_NAME, 'a bad name';
    is call('set_unicast_address', $handle, '::1'),   0,                                     'an address';
    is call('get_socket_name', $handle),                    undef, 'instead of a socket';
    is call('set_unicast_address', $handle, undef),         0,     'undef';
    is call('get_unicast_address', $handle),                undef, 'is undef';
    is call('set_tls_certificate', $handle, "$dir/\x{e9}"), -125,  'a file that is not there';
    spew("$dir/\x{e9}", 'x');
    is call('set_tls_certificate', $handle, substr "$dir/\x{e9}\x{100}", 0, -1), 0, 'one that is';
    is call('set_resource_timeout', $handle, '100'),                             0, 'a number in a text';
    is call('set_resource_timeout', $handle, 1 == 2),                            0, 'false is 0';
    is call('get_resource_timeout', $handle),                                    0, 'indeed';
    Vouch::Flom::handle_delete($handle);
};

subtest 'wrong arguments' => sub {
    my $handle = handle();
    my $type   = sub { "TypeError in method '$_[0]', argument $_[1] of type '$_[2]'" };
    for my $bad (1, 'text', [], {}, \1, sub { }, bless({}, 'Flom::flom_handle_t'), \*STDOUT) {
        is death('handle_lock', $bad), $type->('flom_handle_lock', 1, 'flom_handle_t *'), "a handle: $bad";
    }
    for my $bad ('x', undef, [], 1.5, '', 'NaN') {
        no warnings 'uninitialized';
        is death('handle_set_unicast_port', $handle, $bad), $type->('flom_handle_set_unicast_port', 2, 'int'),
            "a number: $bad";
    }
    is death('handle_set_lock_mode', $handle, 'EX'),
        $type->('flom_handle_set_lock_mode', 2, 'flom_lock_mode_t'),
        'a mode';
    is death('handle_set_unicast_port', $handle, 2**31),
        "OverflowError in method 'flom_handle_set_unicast_port', argument 2 of type 'int'", 'too large';
    for my $bad ([], {}, \1, "a\0b") {
        is death('handle_set_socket_name', $handle, $bad),
            $type->('flom_handle_set_socket_name', 2, 'char const *'), 'a text';
    }
    is death('strerror', 'x'), $type->('flom_strerror', 1, 'int'),              'a code';
    is death('handle_lock'),   'RuntimeError Usage: flom_handle_lock(handle);', 'none';
    is death('handle_new', 1), 'RuntimeError Usage: flom_handle_new();',        'too many';
    is death('handle_set_lock_mode', $handle), 'RuntimeError Usage: flom_handle_set_lock_mode(handle,value);',
        'too few';
    is codes(undef, qw(lock unlock unlock_rollback clean init)), '-4 -4 -4 -4 -4', 'undef is NULL';
    is call('set_lock_mode', undef, 1),                          -4,               'for setters, too';
    is call('get_lock_mode', undef),                             0,                'and getters';
    like death('handle_lock', undef), qr/lives/, 'nobody dies of it';
    is eval { $handle->{state} = 3; 1 }, undef, 'a field cannot be set';
    is eval { my $x = $handle->{other}; 1 }, undef, 'nor be invented';
    is join(' ', keys %$handle), 'state conn config locked_element', 'those that there are';
    Vouch::Flom::handle_delete($handle);
};

subtest 'who owns a handle' => sub {
    my $raw = Vouch::Flom::flom_handle_t->new;
    is ref $raw,                         'Vouch::Flom::flom_handle_t', 'space for a handle';
    is codes($raw, qw(lock clean init)), '-17 -17 0',                  'which has to be initialised';
    Vouch::Flom::handle_set_socket_name($raw, $daemon->socket);
    Vouch::Flom::handle_set_resource_name($raw, 'owned');
    is codes($raw, 'lock'), '0', 'locks';
    is codes($raw, 'init'), '0', 'initialised again, it leaves the lock';
    my $is_free = sub { ($daemon->run('-r', 'owned', '-o', 5000, '--', 'true'))[0] == 0 };
    ok $is_free->(), 'which is free';
    my $lock = sub {
        my ($handle) = @_;
        Vouch::Flom::handle_set_socket_name($handle, $daemon->socket);
        Vouch::Flom::handle_set_resource_name($handle, 'owned');
        return codes($handle, 'lock');
    };
    is $lock->($raw), '0', 'locked';
    undef $raw;
    ok $is_free->(), 'the end of the object is the end of the lock';
    my $new = Vouch::Flom::handle_new();
    is $lock->($new), '0', 'one of handle_new';
    my $inner = tied %$new;
    undef $new;
    is + ($daemon->run('-r', 'owned', '-o', 0, '--', 'true'))[0], 98,  'keeps the lock without an object';
    is codes($inner, 'unlock'),                                   '0', 'until it is unlocked';
    $inner->ACQUIRE;
    is $lock->($inner), '0', 'one that is acquired';
    undef $inner;
    ok $is_free->(), 'does not';
    $raw = Vouch::Flom::flom_handle_t->new;
    $raw->DISOWN;
    codes($raw, 'init');
    is $lock->($raw), '0', 'one that is disowned';
    $raw->DESTROY;
    is $raw->{state}, 24, 'does';
    Vouch::Flom::handle_delete($raw);
    ok $is_free->(), 'until it is deleted';
};

# A process that sends us a signal when we wait for this.
sub signal_when_waiting {
    my ($name) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid != 0;
    my $end = time + 20;
    sleep 0.01 until ($daemon->run('--status'))[1] =~ /^$name  waiting /m || time > $end;
    kill USR1 => getppid;
    POSIX::_exit(0);
}

# The code of handle_lock, undef when it dies, on a handle for what another
# holds; the handler is called while it waits.
sub lock_with_handler {
    my ($handle, $handler) = @_;
    local $SIG{USR1} = $handler;
    my $pid  = signal_when_waiting(Vouch::Flom::handle_get_resource_name($handle));
    my $code = eval { Vouch::Flom::handle_lock($handle) };
    my $died = $@;
    waitpid $pid, 0;
    $@ = $died;
    return $code;
}

subtest 'signals' => sub {
    my $holder = held_elsewhere('signals');
    my $handle = handle(resource_name => 'signals');
    is lock_with_handler($handle, sub { die "enough\n" }), undef,      'a handler that dies ends the wait';
    is $@,                                                 "enough\n", 'with what it says';
    is $handle->{state},                                   25,         'nothing is locked';
    unlike + ($daemon->run('--status'))[1], qr/^signals  waiting/m, 'or waited for';
    my $code = lock_with_handler(
        $handle,
        sub {
            is codes($handle, qw(lock unlock clean init)), '-17 -17 -17 -17', 'inside it is in use';
            is call('set_resource_name', $handle, 'x'),    11,                'and cannot be changed';
            $holder->close;
        }
    );
    is $code,                    0,   'a handler returns, and the wait goes on to its end';
    is codes($handle, 'unlock'), '0', 'unlocked';
    $holder = held_elsewhere('deleted');
    $handle = handle(resource_name => 'deleted');
    is lock_with_handler($handle, sub { Vouch::Flom::handle_delete($handle) }), -17,
        'a handler deletes the handle';
    is codes($handle, 'lock'), '-4', 'it is deleted';
    $holder->close;
};

subtest 'a child' => sub {
    my $raw = Vouch::Flom::flom_handle_t->new;
    codes($raw, 'init');
    Vouch::Flom::handle_set_socket_name($raw, $daemon->socket);
    Vouch::Flom::handle_set_resource_name($raw, 'parent');
    is codes($raw, 'lock'), '0', 'a parent locks';
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        undef $raw;
        POSIX::_exit(0);
    }
    waitpid $pid, 0;
    is $?,                                                         0,   'a child drops its copy';
    is + ($daemon->run('-r', 'parent', '-o', 0, '--', 'true'))[0], 98,  'the parent has the lock';
    is codes($raw, 'unlock'),                                      '0', 'and lets go';
};

subtest 'a thread' => sub {
    plan skip_all => 'this perl has no threads' if !$Config{useithreads};
    my $script = spew("$dir/thread.pl", <<'PERL');
use threads;
use Vouch::Flom;
my $handle = Vouch::Flom::handle_new();
my $own    = Vouch::Flom::flom_handle_t->new;
Vouch::Flom::handle_init($own);
print threads->create(sub { ref($handle) . ref($own) })->join, "\n";
print $handle->{state}, $own->{state}, "\n";
PERL
    is_deeply [run_command([$^X, '-Mblib', $script])], [0, "SCALARSCALAR\n2222\n", ''],
        'has no handles of ours';
};

subtest 'use Flom' => sub {
    my $script = spew("$dir/old.pl", <<'PERL');
use strict;
use warnings;
use Flom;
use constant BUSY => Flom::RC_LOCK_BUSY;

my $handle = Flom::handle_new();
Flom::handle_set_socket_name($handle, $ARGV[0]);
Flom::handle_set_resource_name($handle, "old.script");
my $rc = Flom::handle_lock($handle);
die Flom::strerror($rc) if $rc != Flom::RC_OK;
print ref $handle, " $handle->{state} ", Flom::handle_get_locked_element($handle), "\n";
print $handle->{state} == Flom::HANDLE_STATE_LOCKED ? "locked\n" : "not locked\n";
print Flomc::flom_handle_unlock($handle), BUSY, "\n";
Flomc::flom_handle_delete($handle);
my $static = Flom::flom_handle_t->new;
print Flom::handle_init($static), ref $static, "\n";
print Flom::handle_clean($static), Flom::TRUE, Flom::FALSE, Flom::LOCK_MODE_PW, "\n";
eval { Flom::handle_lock("x") };
print $@;
PERL
    my $folder = Vouch::Flom->drop_in_dir;
    opendir my $in, $folder or die "$folder: $!";
    is_deeply [grep { !/\A\./ } readdir $in], ['Flom.pm'], 'a folder with Flom.pm alone';
    local $ENV{PERL5LIB} = join ':', $folder, $ENV{PERL5LIB} // ();
    my ($status, $out, $err) = run_command([$^X, '-Mblib', $script, $daemon->socket]);
    is $err, '',       'an old script has no complaints';
    is $out, <<"TEXT", 'and does what it always did';
Flom::flom_handle_t 24 old
locked
04
0Flom::flom_handle_t
0104
TypeError in method 'flom_handle_lock', argument 1 of type 'flom_handle_t *' at $script line 18.
TEXT
    is $status, 0, 'to its end';
};

subtest 'where things are' => sub {
    plan skip_all => "no libflom.so.0 on $^O" if $^O =~ /^(?:aix|cygwin|darwin)\z/;
    ok -e Vouch::Flom->library_dir . "/$_", $_ for qw(libflom.so.0 libflom.so flom.h flom_errors.h);
    local @DynaLoader::dl_shared_objects;
    is eval { Vouch::Flom->library_dir; 1 }, undef, 'not there';
    like $@, qr/libflom\.so\.0 is not in \S+: Vouch has not been built/, 'is told';
};

done_testing;
