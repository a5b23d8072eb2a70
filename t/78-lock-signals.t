use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Time::HiRes      qw(alarm sleep time);
use VouchTest        ();
use VouchTest::Flom  ();
use VouchTest::Locks qw(child end_of free_ok is_busy server_of told until_status);

use Vouch::Lock qw(:DEFAULT :reasons);

# Signals while a lock is waited for.  They are sent when the daemon says that
# somebody waits.

my $daemon = VouchTest::Flom->new;
my $server = server_of($daemon);

sub take { my ($name, @arg) = @_; return Vouch::Lock->new($name, server => $server, @arg) }

# Sends us a signal when this is waited for, and then does something.
sub signal_when_waiting {
    my ($name, $signal, $then) = @_;
    my $parent = $$;
    return child(sub {
        my ($say) = @_;
        until_status($daemon, qr/^\Q$name\E  (?:waits|waiting)/m);
        kill $signal => $parent;
        return $then ? $then->($say) : 1;
    });
}

subtest 'a handler that dies' => sub {
    my $holder = Vouch::Lock->new('held', server => server_of($daemon));
    local $SIG{INT} = sub { die "interrupted\n" };
    my $begin = time;
    my $child = signal_when_waiting('held', 'INT');
    is eval { take('held'); 1 }, undef,           'ends the waiting';
    is $@,                       "interrupted\n", 'with its exception';
    cmp_ok time - $begin, '<', 20, 'at once';
    is end_of($child), 0, 'the child';
    until_status($daemon, qr/\Aheld  held[^\n]*\n\z/);
    pass 'nobody waits any more';
    $holder->release;
    free_ok($daemon, 'held', 'and nothing is held');
    ok take('held'), 'the same can be had later';
};

subtest 'an alarm' => sub {
    my $holder = Vouch::Lock->new('alarm', server => server_of($daemon));
    local $SIG{ALRM} = sub { die "too slow\n" };
    alarm 0.2;
    is eval { take('alarm'); 1 }, undef,        'ends the waiting';
    is $@,                        "too slow\n", 'with its exception';
};

subtest 'a handler that returns' => sub {
    my @seen;
    local $SIG{USR1} = sub { push @seen, time };
    my $lock  = Vouch::Lock->new('goesOn', server => server_of($daemon));
    my $child = signal_when_waiting('goesOn', 'USR1');
    is take('goesOn', timeout => 1.5), undef, 'the deadline stays';
    is(Vouch::Lock->reason, LOCK_TIMEOUT, 'and comes');
    is scalar(@seen), 1, 'the handler has run';
    cmp_ok time - $seen[0], '>', 0.3, 'before it' if @seen;
    end_of($child);
    local $SIG{USR2} = sub { $lock->release };
    $child = signal_when_waiting('goesOn', 'USR2');
    ok take('goesOn', timeout => 30), 'and the lock is had when it is free';
    is end_of($child), 0, 'the child';
};

subtest 'a handler that takes locks' => sub {
    my $lock = Vouch::Lock->new('outer', server => server_of($daemon));
    my $inner;
    local $SIG{USR1} = sub { $inner = take('inner'); $lock->release };
    my $child = signal_when_waiting('outer', 'USR1');
    my $outer = take('outer', timeout => 30);
    ok $outer && $outer->is_held, 'the outer one';
    ok $inner && $inner->is_held, 'and the inner one';
    isnt $outer->fileno, $inner->fileno, 'on connections of their own';
    end_of($child);
};

subtest 'while it is held' => sub {
    my $lock = take('quiet');
    my $seen = 0;
    local $SIG{USR1} = sub { $seen++ };
    kill USR1 => $$;
    ok $lock->is_held, 'a signal does not matter';
    is $seen, 1, 'it is handled';
};

subtest 'those who are stopped, and killed' => sub {
    my $child = child(sub { my ($say) = @_; my $lock = take('killed'); $say->('held'); return sleep 60 });
    is told($child), 'held', 'a child holds';
    kill STOP => $child->{pid};
    ok is_busy($daemon, 'killed'), 'stopped, it holds';
    kill KILL => $child->{pid};
    free_ok($daemon, 'killed', 'killed, it does not');
    end_of($child);
};

done_testing;
