use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Namespace;
use VouchTest::Discovery   qw(start_daemon PORT);
use VouchTest::FlomProgram qw(compile results);
use Vouch::Flom;

# FLoM's library finds a daemon by multicast, from C and from Perl.

my $GROUP = '239.255.7.7';
my $there = VouchTest::Namespace->new('b', '10.77.0.2', 'fd77::2');
my $cable = $there->link;
VouchTest::Namespace->must(split ' ', $_)
    for 'ip link set lo up multicast on', "ip addr add 10.77.0.1/24 dev $cable",
    "ip addr add fd77::1/64 dev $cable nodad", "ip route add 224.0.0.0/4 dev $cable";

my $old = compile('cc', ['old.c']);

sub old {
    my ($group, @word) = @_;
    return [
        results(
            $old,                       'new',
            "multicast_address=$group", 'multicast_port=' . PORT,
            'discovery_timeout=200',    @word
        )
    ];
}

subtest 'nobody is there' => sub {
    is_deeply old($GROUP, qw(lock state)), ['new', 0, 0, 0, -105, 22], 'in the group';
    is_deeply old($GROUP, qw(socket_name unicast_address)), ['new', 0, 0, 0, '(null)', '(null)'],
        'and there is no other way';
};

subtest 'a daemon of another host' => sub {
    my $daemon = start_daemon($there, '-A', $GROUP);
    is_deeply old($GROUP, qw(resource_name=a.b lock element unlock state unicast_address lock unlock)),
        ['new', 0, 0, 0, 0, 0, 'a', 0, 25, '(null)', 0, 0], 'IPv4: found, each time anew';
    undef $daemon;
    $daemon = start_daemon($there, '-A', 'ff02::7:7', '-n', 'eth0');
    is_deeply old('ff02::7:7', "network_interface=$cable", qw(lock unlock)), ['new', 0, 0, 0, 0, 0, 0],
        'IPv6';
};

subtest 'from Perl' => sub {
    my $daemon = start_daemon(undef, '-a', '127.0.0.1', '-p', 0, '-A', $GROUP);
    my $handle = Vouch::Flom::handle_new();
    is Vouch::Flom::handle_set_multicast_address($handle, $GROUP), 0, 'a group';
    is Vouch::Flom::handle_set_multicast_port($handle, PORT),      0, 'a port';
    is Vouch::Flom::handle_lock($handle),                          0, 'a lock';
    is Vouch::Flom::handle_unlock($handle),                        0, 'and back';
    Vouch::Flom::handle_delete($handle);
};

done_testing;
