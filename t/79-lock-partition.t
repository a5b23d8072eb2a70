use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Namespace;
use POSIX                  ();
use Time::HiRes            qw(sleep time);
use VouchTest              qw(slurp temp_dir);
use VouchTest::Flom        qw(flom_path start_command);
use VouchTest::LockChaos   qw(client read_logs record);
use VouchTest::LockChecker qw(violations);

# Clients with leases, and a daemon on another host; the network between them
# is cut for a time, again and again.  Who holds must know in time that he does
# not any more.  Then the logs are checked.

my $SECONDS = $ENV{VOUCH_LONG} ? 300 : 8;
my $CLIENTS = 8;                            # on each side
my $PORT    = 28_016;
alarm $SECONDS + 240;

my $there = VouchTest::Namespace->new('b', '10.77.0.2', 'fd77::2');
VouchTest::Namespace->must(split ' ', $_)
    for 'ip link set lo up', 'ip addr add 10.77.0.1/24 dev ' . $there->link;

my $dir = temp_dir() . '/partition';
mkdir $dir or die "$dir: $!";
my $daemon = start_command($there->command(
    flom_path(), '--daemon', '-a', '10.77.0.2', '-p', $PORT, '-d', -1, '--state', "$dir/far.db"
));
my $deadline = time + 20;
my $err      = "$daemon->{path}.err";
sleep 0.01 until (-e $err && slurp($err) =~ /: ready$/m) || time > $deadline;

my $where = "10.77.0.2:$PORT";
my %client;

# Here locks are held for longer than a lease without news lasts.
for (1 .. $CLIENTS) {
    my $pid = fork // die "fork: $!";
    if ($pid) { $client{$pid} = 1; next }
    Test::More->builder->no_ending(1);
    $SIG{ALRM}     = 'DEFAULT';
    $SIG{__WARN__} = sub { print STDERR "# client: $_[0]" };
    alarm $SECONDS + 120;
    ($VouchTest::LockChaos::LEASE, $VouchTest::LockChaos::HOLD) = (1, 0.4);
    my $good = eval { client($dir, [far => address => $where]); 1 } or print STDERR "# client: $@";
    POSIX::_exit($good ? 0 : 1);
}

# There, where the network is never cut, others wait for them.
my $there_code = '$VouchTest::LockChaos::HOLD = 0.02; client(shift, [far => address => shift])';
for (1 .. $CLIENTS) {
    my @command =
        ($^X, '-Mblib', '-It/lib', '-MVouchTest::LockChaos=client', '-e', $there_code, $dir, $where);
    $client{ start_command($there->command(@command))->{pid} } = 1;
}

sub cable { my ($how) = @_; VouchTest::Namespace->must(qw(ip link set), $there->link, $how); return }

my $cuts = 0;
my $end  = time + $SECONDS;
while (time < $end) {
    sleep 0.5 + rand 1;
    cable('down');
    $cuts++;
    my $up = time + 0.2 + rand 1.3;
    while (time < $up) {
        record($dir, what => 'cut', where => 'far');
        sleep 0.1;
    }
    record($dir, what => 'cut', where => 'far');
    cable('up');
}
open my $stop, '>', "$dir/stop" or die "stop: $!";

subtest 'all come to an end' => sub {
    my $until  = time + 60;
    my $failed = 0;
    while (%client && time < $until) {
        for my $pid (keys %client) {
            next      if waitpid($pid, POSIX::WNOHANG()) == 0;
            $failed++ if $? != 0;
            delete $client{$pid};
        }
        sleep 0.05;
    }
    is scalar(keys %client), 0, 'nobody hangs';
    is $failed,              0, 'and nobody fails';
    kill KILL => keys %client if %client;
};

my @event = read_logs($dir);
my %count;
$count{ $_->{what} }++ for @event;
$count{lost} = grep { $_->{what} eq 'end' && $_->{how} eq 'lost' } @event;
note join ', ', map { "$_ $count{$_}" } sort keys %count;

subtest 'the network was cut' => sub {
    cmp_ok $cuts,         '>=', 3,  'some times';
    cmp_ok $count{grant}, '>=', 50, 'between them locks were had';
    cmp_ok $count{lost},  '>=', 1,  'and some lost';
};

subtest 'and yet' => sub {
    my @found = violations(@event);
    is scalar(@found), 0, 'no lock was what it must not be';
    diag $_ for @found[0 .. ($#found > 20 ? 20 : $#found)];
};

kill TERM => $daemon->{pid};
waitpid $daemon->{pid}, 0;
done_testing;
