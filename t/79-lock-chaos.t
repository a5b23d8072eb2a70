use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use List::Util             qw(shuffle);
use POSIX                  ();
use Time::HiRes            qw(CLOCK_MONOTONIC clock_gettime sleep time);
use VouchTest              qw(identity temp_dir);
use VouchTest::Flom        ();
use VouchTest::LockChaos   qw(client read_logs record);
use VouchTest::LockChecker qw(violations);
use VouchTest::LockCut     ();

# Fifty clients of three daemons lock and unlock whatever there is, while some
# of them are killed, others stopped for a while, daemons restarted and
# connections cut.  Then their logs are checked.  VOUCH_LONG=1 does it for ten
# minutes.

my $SECONDS = $ENV{VOUCH_LONG}      ? 600 : 14;
my $CLIENTS = $ENV{VOUCH_TEST_TOOL} ? 10  : 50;
alarm $SECONDS + 240;

my $dir = temp_dir() . '/chaos';
mkdir $dir or die "$dir: $!";

my ($cert, $key) = identity('node', cn => 'node');
my %tls    = (cert_file           => $cert, key_file            => $key, ca_file                => $cert);
my @tls    = ('--tls-certificate' => $cert, '--tls-private-key' => $key, '--tls-ca-certificate' => $cert);
my @kept   = ('--grace', 700, '--fairness', 2000);
my %daemon = (
    unix => VouchTest::Flom->new(@kept, '--state' => "$dir/unix.db"),
    tcp  => VouchTest::Flom->tcp('127.0.0.1', @kept, '--state' => "$dir/tcp.db"),
    tls  => VouchTest::Flom->tcp('127.0.0.1', @kept, '--state' => "$dir/tls.db", @tls),
);
my %relay = map { $_ => VouchTest::LockCut->new($daemon{$_}->port) } qw(tcp tls);
my @where = (
    [unix => socket  => $daemon{unix}->socket],
    [unix => socket  => $daemon{unix}->socket],
    [tcp  => address => '127.0.0.1:' . $daemon{tcp}->port],
    [tcp  => address => '127.0.0.1:' . $relay{tcp}->port],
    [tls  => address => '127.0.0.1:' . $daemon{tls}->port, %tls],
    [tls  => address => '127.0.0.1:' . $relay{tls}->port,  %tls],
);

my (%client, %stopped, %did);

sub start_client {
    my $pid = fork // die "fork: $!";
    if ($pid) { $client{$pid} = 1; return }
    Test::More->builder->no_ending(1);
    $SIG{ALRM}     = 'DEFAULT';
    $SIG{__WARN__} = sub { print STDERR "# client: $_[0]" };
    alarm $SECONDS + 200;
    eval { client($dir, @where); 1 } or print STDERR "# client: $@";
    POSIX::_exit($@ ? 1 : 0);
}

sub some_client { my @pid = keys %client; return $pid[rand @pid] }

sub go_on {
    my ($pid) = @_;
    kill CONT => $pid if delete $stopped{$pid};
    return;
}

sub end_a_daemon {
    my ($signal) = @_;
    my $name     = (keys %daemon)[rand keys %daemon];
    my $begin    = clock_gettime(CLOCK_MONOTONIC);
    $daemon{$name}->stop($signal);
    record($dir, what => 'crash', where => $name, t => $begin, over => clock_gettime(CLOCK_MONOTONIC));
    $daemon{$name}->start;
    return;
}

my %fault = (
    kill => sub {
        my $pid = some_client();
        record($dir, what => 'kill', pid => $pid);
        kill KILL => $pid;
        go_on($pid);
        waitpid $pid, 0;
        delete $client{$pid};
        start_client();
    },
    stop => sub {
        my $pid = some_client();
        return if $stopped{$pid};
        $stopped{$pid} = time + 0.05 + rand 1.2;
        kill STOP => $pid;
    },
    crash   => sub { end_a_daemon('KILL') },
    restart => sub { end_a_daemon('TERM') },
    cut     => sub {
        my $name = qw(tcp tls) [rand 2];
        record($dir, what => 'cut', where => $name);
        $relay{$name}->cut;
    },
);
# Dealt like cards, so that none is left out.
my @deck;
my @faults = (('kill') x 10, ('stop') x 10, 'crash', 'restart', ('cut') x 4);

start_client() for 1 .. $CLIENTS;
my $end = time + $SECONDS;
while (time < $end) {
    sleep 0.05 + rand 0.15;
    @deck = shuffle(@faults) if !@deck;
    my $fault = pop @deck;
    $fault{$fault}->();
    $did{$fault}++;
    for my $pid (keys %stopped) { go_on($pid) if $stopped{$pid} < time }
}
go_on($_) for keys %stopped;
open my $stop, '>', "$dir/stop" or die "stop: $!";

subtest 'all come to an end' => sub {
    my $deadline = time + 60;
    my @failed;
    while (%client && time < $deadline) {
        for my $pid (keys %client) {
            next if waitpid($pid, POSIX::WNOHANG()) == 0;
            push @failed, $pid if $? != 0;
            delete $client{$pid};
        }
        sleep 0.05;
    }
    is scalar(keys %client), 0, 'nobody hangs';
    is scalar(@failed),      0, 'and nobody fails';
    kill KILL => keys %client if %client;
};

subtest 'the daemons are as empty as at the beginning' => sub {
    for my $name (sort keys %daemon) {
        my $is_tls   = $name eq 'tls';
        my $deadline = time + 30;
        my $out;
        do {
            (undef, $out) = $daemon{$name}->run('--status', $is_tls ? @tls : ());
            sleep 0.1 if $out ne q();
        } while ($out ne q() && time < $deadline);
        is $out, q(), "$name: nobody holds, nobody waits";
    }
};

my @event = read_logs($dir);
my %count;
$count{ $_->{what} }++ for @event;
$count{refused} = grep { $_->{what} eq 'write' && !$_->{ok} } @event;
$count{lost}    = grep { $_->{what} eq 'end'   && $_->{how} eq 'lost' } @event;
$count{resumed} = grep { defined $_->{resumes} } @event;
note join ', ', map { "$_ $count{$_}" } sort keys %count;
note join ', ', map { "$_ $did{$_}" } sort keys %did;

subtest 'it was chaos' => sub {
    cmp_ok $count{grant}, '>=', 500, 'grants';
    cmp_ok $did{$_} // 0, '>=', 1,   $_ for sort keys %fault;
    cmp_ok $count{$_},    '>=', 1,   $_ for qw(lost told refused);
};

subtest 'and yet' => sub {
    my @found = violations(@event);
    is scalar(@found), 0, 'no lock was what it must not be';
    diag $_ for @found[0 .. ($#found > 20 ? 20 : $#found)];
};

done_testing;
