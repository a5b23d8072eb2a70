use v5.16;
use warnings;
use Config;

# Locks and Perl's threads: each thread has its own.

BEGIN {
    if (!$Config{useithreads}) {
        require Test::More;
        Test::More::plan(skip_all => 'this Perl has no threads');
    }
}

use threads;
use Test::More;
use lib 't/lib';

use VouchTest::Flom  ();
use VouchTest::Locks qw(free_ok is_busy);

use Vouch::Lock;

my $daemon = VouchTest::Flom->new;
my $socket = $daemon->socket;

sub server { return Vouch::Lock::Server->new(socket => $socket, start => 0, config => 0) }

subtest 'a new thread' => sub {
    my $server = server();
    my $lock   = Vouch::Lock->new('makers', server => $server);
    my $kept   = Vouch::Lock->new('kept',   server => $server);
    $kept->release;
    my $said = threads->create(sub { return ref $lock eq 'Vouch::Lock' ? 'a lock' : 'nothing' })->join;
    is $said, 'nothing', 'has no copy';
    ok $lock->is_held,             'its maker holds';
    ok is_busy($daemon, 'makers'), 'as others see';
    ok $lock->release,             'and lets go';
    ok(Vouch::Lock->new('kept', server => $server), 'and uses its connections');
    free_ok($daemon, 'makers', 'free');
};

subtest 'a fork beside a thread' => sub {
    my $lock   = Vouch::Lock->new('forks', server => server());
    my $thread = threads->create(sub {
        my $own = Vouch::Lock->new('threads', server => server()) or return 'none';
        my $pid = fork;
        if ($pid == 0) { POSIX::_exit($own->is_held ? 1 : 0) }
        waitpid $pid, 0;
        return $? == 0 && $own->is_held ? 'held' : "status $?";
    });
    is $thread->join, 'held', 'a thread holds what its child does not';
    ok $lock->is_held, 'the other thread, too';
};

subtest 'threads exclude each other' => sub {
    my @thread = map {
        threads->create(sub {
            my $server = server();
            my $last   = 0;
            for (1 .. 50) {
                my $lock = Vouch::Lock->new('_s_turn[1]', server => $server) or return 0;
                return 0 if $lock->element <= $last;
                $last = $lock->element;
            }
            return 1;
        })
    } 1 .. 3;
    ok $_->join, 'each had 50 turns with numbers that grow' for @thread;
    is(Vouch::Lock->new('_s_turn[1]', server => server())->element, 151, 'and nobody had the same');
};

done_testing;
