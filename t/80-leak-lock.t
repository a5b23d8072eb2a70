use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Test::LeakTrace' => 'libtest-leaktrace-perl';
use Test::LeakTrace  ();
use VouchTest        qw(temp_dir);
use VouchTest::Flom  ();
use VouchTest::Locks qw(server_of);

use Vouch::Lock;

# Locks keep no values of Perl, no descriptors and no memory: those that are
# had, those that are not, and those that are lost.

my $daemon = VouchTest::Flom->new;
my $server = server_of($daemon);
my $holder = Vouch::Lock->new('held', server => server_of($daemon));
my $reader = Vouch::Lock->new('read', server => server_of($daemon), mode => 'PR');

sub take { my ($name, @arg) = @_; return Vouch::Lock->new($name, server => $server, @arg) }

sub no_leak {
    my ($name, $code) = @_;
    my $leaked;
    $code->() for 1 .. 3;
    for (1 .. 4) {
        $leaked = Test::LeakTrace::leaked_count(sub { $code->() });
        last if $leaked == 0;
    }
    is $leaked, 0, $name;
    return;
}

no_leak 'a lock',             sub { my $lock = take('one'); $lock->is_held };
no_leak 'released',           sub { my $lock = take('one'); $lock->release };
no_leak 'with all its facts', sub {
    my $lock = take('red.green', timeout => 5, lease => 60, on_lost => sub { });
    my @facts =
        map { $lock->$_ } qw(element token name names mode error reason fileno filenos want wait_seconds);
};
no_leak 'several names',  sub { my $lock = take([qw(a b /c/d)]) };
no_leak 'busy',           sub { take('held',         timeout => 0) };
no_leak 'too late',       sub { take('held',         timeout => 0.01) };
no_leak 'one of several', sub { take([qw(a held z)], timeout => 0.01) };
no_leak 'a wrong name',   sub {
    eval { take('a b') };
    undef $@;
};
no_leak 'a wrong argument', sub {
    eval { take('a', b => 1) };
    undef $@;
};
no_leak 'begun and dropped', sub { my $lock = Vouch::Lock->begin('held', server => $server) };
no_leak 'another mode',      sub { my $lock = take('read', mode => 'PR'); $lock->convert('CR') };
no_leak 'none of it', sub { my $lock = take('read', mode => 'PR'); $lock->convert('EX', timeout => 0.01) };
no_leak 'with_lock',  sub {
    with_lock { 1 } 'one', server => $server;
};
no_leak 'with_lock that dies', sub {
    eval {
        with_lock { die "no\n" } 'one', server => $server;
    };
    undef $@;
};
no_leak 'a signal that dies', sub {
    local $SIG{USR1} = sub { die "no\n" };
    eval { my $lock = Vouch::Lock->begin('held', server => $server); kill USR1 => $$; $lock->advance };
    undef $@;
};
no_leak 'a server of its own', sub { my $lock = Vouch::Lock->new('one', server => server_of($daemon)) };
no_leak 'nobody there',        sub {
    Vouch::Lock->new('one',
        server => Vouch::Lock::Server->new(socket => temp_dir() . '/none', start => 0, config => 0));
};
no_leak 'a wrong server', sub {
    eval { Vouch::Lock::Server->new(no => 1) };
    undef $@;
};
no_leak 'a lock that is lost', sub {
    my ($lost, $lock);
    $lock = take('lost', on_lost => sub { $lost++ });
    my ($id) = ($daemon->run('--status', -r => 'lost'))[1] =~ /id (\d+)/;
    $daemon->run('--kick', $id);
    $lock->is_held;
};

sub descriptors { opendir my $dir, '/proc/self/fd' or return 0; return scalar(() = readdir $dir) }

sub kilobytes {
    open my $in, '<', '/proc/self/statm' or return 0;
    return 4 * (split ' ', readline $in)[1];
}

subtest 'three thousand times' => sub {
    plan skip_all => 'there is no /proc' if !-r '/proc/self/statm';
    my $many = sub {
        for my $i (1 .. $_[0]) {
            my $lock  = take("name$i") or die Vouch::Lock->error;
            my $again = take("name$i", timeout => 0);
            my $other = server_of($daemon);
            my $third = Vouch::Lock->new('held', server => $i % 10 ? $server : $other, timeout => 0);
        }
    };
    $many->(500);
    my ($fds, $kilobytes) = (descriptors(), kilobytes());
    $many->($ENV{VOUCH_TEST_TOOL} ? 300 : 3000);
    is descriptors(), $fds, 'no descriptors';
    cmp_ok kilobytes() - $kilobytes, '<', 400, 'no memory' if !$ENV{VOUCH_TEST_TOOL};
};

done_testing;
