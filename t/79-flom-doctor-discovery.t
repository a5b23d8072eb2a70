use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Namespace;
use VouchTest::Discovery qw(find impostor start_daemon PORT);
use VouchTest::Flom      qw(flom);

# flom --doctor looks for the daemon by multicast, and for the way to another
# network.

my $GROUP = '239.255.7.7';
VouchTest::Namespace->must(split ' ', $_)
    for 'ip link set lo up multicast on', 'ip addr add 10.77.0.1/24 dev lo',
    'ip route add 224.0.0.0/4 dev lo';

my @find = ('-A', $GROUP, '-I', 200, '--doctor');

subtest 'nobody' => sub {
    my ($status, $out) = find(@find);
    is $status, 99, 'exit status';
    like $out, qr/^ok    settings          discovery in group \Q$GROUP\E, port ${\PORT}; in the clear$/m,
        'what is tried';
    is scalar(() = $out =~ /^note  discovery         nobody answers in \Q$GROUP\E/mg), 2, 'each question';
    like $out,
        qr/^FAIL  discovery         no daemon has been found\n      does a daemon run with this -A and -P/m,
        'and what to do';
};

subtest 'a daemon' => sub {
    my $daemon = start_daemon(undef, '-a', '10.77.0.1', '-p', 39_805, '-A', $GROUP);
    my ($status, $out) = find(@find);
    is $status, 0, 'exit status';
    like $out, qr/^ok    discovery         [\d.]+, port ${\PORT}, answers$/m,     'it is found';
    like $out, qr/^ok    address           10\.77\.0\.1 is 10\.77\.0\.1:39805$/m, 'its address';
    like $out, qr/^ok    daemon            it is one of Vouch's$/m,               'and looked at';
};

subtest 'an answer of no use' => sub {
    my $impostor = impostor(undef, $GROUP, 'junk');
    my ($status, $out) = find(@find);
    is $status, 99, 'exit status';
    like $out, qr/^note  discovery         [\d.]+, port \d+, says nothing of use: /m, 'it is told';
};

subtest 'no way' => sub {
    my ($status, $out) = flom('-a', '192.0.2.1', '--doctor');
    is $status, 99, 'exit status';
    like $out,
        qr/^FAIL  connection        192\.0\.2\.1:28015: .*unreachable\n      there is no way to that address/m,
        'and why';
    ($status, $out) = flom('-a', 'fe80::1', '--doctor');
    is $status, 99, 'a link-local address without its interface';
    like $out, qr/^FAIL  connection        .*\n      a link-local address needs its interface: -n NAME/m,
        'and what to do';
};

done_testing;
