use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Namespace;
use Time::HiRes          qw(time);
use VouchTest            ();
use VouchTest::Discovery qw(start_daemon PORT);
use VouchTest::Flom      qw(flom);

use Vouch::Flom ();
use Vouch::Lock qw(:DEFAULT :reasons);
use Vouch::Lock::Server;

# Discovery from Perl: Vouch::Lock and Vouch::Flom with nothing but a group.

my $GROUP = '239.255.7.7';
my $there = VouchTest::Namespace->new('b', '10.77.0.2', 'fd77::2');

VouchTest::Namespace->must(split ' ', $_)
    for 'ip link set lo up multicast on', 'ip addr add 10.77.0.1/24 dev ' . $there->link,
    'ip route add 224.0.0.0/4 dev ' . $there->link;

sub server {
    return Vouch::Lock::Server->new(multicast => "$GROUP:" . PORT, discovery_timeout => 0.2, config => 0, @_);
}

# What a daemon says of who holds.
sub held {
    my ($daemon) = @_;
    my $at = $daemon->log =~ /listening on 0\.0\.0\.0:/ ? '10.77.0.1' : die;
    my (undef, $out) = flom('-a', $at, '-p', $daemon->port, '-d', 0, '--status');
    return join ' ', sort $out =~ /^(\S+)  held/mg;
}

subtest 'nobody is there' => sub {
    my $begin = time;
    is(Vouch::Lock->new('x', server => server()), undef,            'no lock');
    is(Vouch::Lock->reason,                       LOCK_UNREACHABLE, 'unreachable');
    like(Vouch::Lock->error->message, qr/nobody answers in the group $GROUP, port 39801/, 'in words');
    cmp_ok time - $begin, '>=', 0.4, 'after two questions';
};

subtest 'one daemon has all locks' => sub {
    my $far    = start_daemon($there, '-A', $GROUP);
    my $server = server();
    my $first  = Vouch::Lock->new('first', server => $server);
    ok $first, 'a lock from the daemon of the other host' or diag(Vouch::Lock->error);
    VouchTest::Namespace->must(qw(ip route replace 224.0.0.0/4 dev lo));
    my $near = start_daemon(undef, '-A', $GROUP);
    my $pair = Vouch::Lock->new(['second', 'third'], server => $server);
    ok $pair, 'two more' or diag(Vouch::Lock->error);
    is held($near), '', 'not from a daemon that would be found now';
    undef $far;
    ok !$first->is_held, 'when that ends the lock is lost';
    undef $_ for $first, $pair;
    my $next = Vouch::Lock->new('next', server => $server);
    ok $next, 'and the next is' or diag(Vouch::Lock->error);
    is held($near), 'next', 'from the other daemon';
    VouchTest::Namespace->must(qw(ip route replace 224.0.0.0/4 dev), $there->link);
};

subtest 'in a loop of events' => sub {
    my $daemon = start_daemon(undef, '-A', $GROUP);
    my $lock   = Vouch::Lock->begin('loop', server => server());
    my $waits  = 0;
    until ($lock->advance) {
        my ($read, $write) = ('', '');
        vec($lock->want eq 'write' ? $write : $read, $lock->fileno, 1) = 1;
        select $read, $write, undef, $lock->wait_seconds // 20;
        last if ++$waits > 1000;
    }
    ok $lock->is_held, 'the lock is taken' or diag($lock->error);
    cmp_ok $waits, '<', 50, 'by waiting for descriptors that are ready';
    undef $daemon;
    undef $lock;
    $lock = Vouch::Lock->begin('loop', server => server());
    my $begin = time;
    $waits = 0;

    until ($lock->advance) {
        my ($read) = ('');
        vec($read, $lock->fileno, 1) = 1;
        select $read, undef, undef, $lock->wait_seconds // 20;
        last if ++$waits > 1000;
    }
    ok !$lock->is_held, 'nobody is there any more';
    cmp_ok $waits,        '<', 50, 'there is a time when to ask again';
    cmp_ok time - $begin, '<', 10, 'and to give up';
};

subtest 'the names of FLoM' => sub {
    my $daemon = start_daemon($there, '-A', $GROUP);
    my $handle = Vouch::Flom::handle_new();
    Vouch::Flom::handle_set_multicast_address($handle, $GROUP);
    Vouch::Flom::handle_set_multicast_port($handle, PORT);
    is Vouch::Flom::handle_lock($handle),   0, 'locked';
    is Vouch::Flom::handle_unlock($handle), 0, 'unlocked';
    Vouch::Flom::handle_delete($handle);
};

done_testing;
