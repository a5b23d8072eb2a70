use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Namespace;

use POSIX              qw(mkfifo);
use Time::HiRes        qw(sleep time);
use VouchTest          qw(run_command slurp spew temp_dir);
use VouchTest::Flom    qw(finish flom flom_path start_command);
use VouchTest::FlomTls qw(tls_options unique_id wait_until);
use VouchTest::Forge   qw(authority issue);

# Two hosts with a cable between them, which is pulled out while a lock is
# held: what either end sees of it.  VOUCH_LONG=1 leaves it out for 30 seconds.

my $CUT   = $ENV{VOUCH_LONG} ? 30 : 1;
my $here  = 'VouchTest::Namespace';
my $there = $here->new('b', '10.77.0.2', 'fd77::2');
$here->must(qw(ip link set lo up));
$here->must(qw(ip addr add 10.77.0.1/24 dev),     $there->link);
$here->must(qw(ip addr add fd77::1/64 nodad dev), $there->link);
$here->must(qw(ip addr add fe80::a/64 nodad dev), $there->link);
$here->must(qw(ip link set up),                   $there->link);

my $dir  = temp_dir();
my $ca   = authority('ca');
my $node = issue('node', by => $ca, cn => unique_id());
my @tls  = (tls_options($node, $ca), '--tls-check-peer-id', 'yes');
my @true = ('--', 'true');

sub cut { return $here->must(qw(ip link set down), $there->link) }

sub mend {
    $here->must(qw(ip link set up), $there->link);
    ok wait_until(sub { $there->must(qw(ip -o link show dev eth0)) =~ /state UP/ }), 'the network is back';
    $_->must(qw(ip neigh flush all)) for $here, $there;    # where nobody was found, he may be now
    return;
}

# flom there: as flom() and start_flom() are here.
sub flom_there  { my (@arg) = @_; return run_command([$there->command(flom_path(), @arg)]) }
sub start_there { my (@arg) = @_; return start_command($there->command(flom_path(), @arg)) }

# A flom there that holds a lock of the daemon until it is told to end.
sub hold {
    my ($daemon, $name, @arg) = @_;
    my %file = map { $_ => "$dir/$name-$_" } qw(started fifo killed);
    mkfifo($file{fifo}, oct '600') or die "mkfifo: $!";
    my $command = <<"SH";
trap 'date +%s.%N >"$file{killed}"; exit 5' TERM
echo >"$file{started}"
read x <>"$file{fifo}"
SH
    my $flom = start_there(
        '-a',  '10.77.0.1', '-p', $daemon->port, '-d', 0, @tls, '-r',
        $name, @arg,        '--', 'sh',          '-c', $command
    );
    ok wait_until(sub { -e $file{started} }), 'the lock is held' or diag $daemon->log;
    return { %$flom, %file };
}

sub let_go {
    my ($holder) = @_;
    open my $out, '+<', $holder->{fifo} or die "$holder->{fifo}: $!";
    print {$out} "\n";
    close $out or die "close: $!";
    return;
}

subtest 'addresses' => sub {
    my $daemon = VouchTest::FlomTls->new('10.77.0.1', @tls);
    is_deeply [flom_there('-a', '10.77.0.1', '-p', $daemon->port, '-d', 0, @tls, '--', 'echo', 'ran')],
        [0, "ran\n", ''], 'IPv4';
    $daemon = VouchTest::FlomTls->new('fd77::1', @tls);
    is + (flom_there('-a', 'fd77::1', '-p', $daemon->port, '-d', 0, @tls, @true))[0], 0, 'IPv6';
    my $link = $there->link;
    $daemon = VouchTest::FlomTls->new("fe80::a%$link", @tls);
    my @local = ('-p', $daemon->port, '-d', 0, @tls);
    is + (flom_there('-a', 'fe80::a%eth0', @local, @true))[0], 0, 'link-local, %INTERFACE';
    is + (flom_there('-a', 'fe80::a', '-n', 'eth0', @local, @true))[0], 0, 'link-local, -n';
    my ($status, undef, $err) = flom_there('-a', 'fe80::a', @local, @true);
    is $status, 99, 'not without an interface';
    like $err, qr/^flom: \[fe80::a\]:[0-9]+: cannot connect: .* needs its interface \(-n\)\n/m,
        'which is told';
    ($status, undef, $err) = flom_there('-a', '10.77.0.1', '-n', 'eth0', @local, @true);
    is $status, 99, '-n is for IPv6';
    like $err, qr/ret_cod=-110 .*\nflom: 10.77.0.1 has no IPv6 address/, 'which is told';
    $daemon = VouchTest::FlomTls->new('fe80::a', '-n', $link, @tls);
    is + (flom_there('-a', 'fe80::a%eth0', '-p', $daemon->port, '-d', 0, @tls, @true))[0], 0,
        'a daemon with -n';
};

subtest 'all addresses' => sub {
    my $all  = VouchTest::FlomTls->new('::');
    my @port = ('-p', $all->port, '-d', 0);
    is + (flom_there('-a', $_, @port, @true))[0], 0, ":: is $_, too" for '10.77.0.1', 'fd77::1';
    is + (flom('-a', '127.0.0.1', @port, '-X'))[0], 0, 'also of this host';
    my $four = VouchTest::FlomTls->new('0.0.0.0');
    my $six  = VouchTest::FlomTls->new('::', '-p', $four->port);
    ok $six->says(qr/FLM049W: IPv6 only: 0\.0\.0\.0:[0-9]+: cannot listen: /), 'but not what is in use';
    is + (flom_there('-a', 'fd77::1', '-p', $four->port, '-d', 0, @true))[0], 0, 'IPv6 is served then';
    my $only = VouchTest::FlomTls->new('::', '--network-interface', $there->link);
    is + (flom_there('-a', '10.77.0.1', '-p', $only->port, '-d', 0, @true))[0], 99,
        'with -n :: is IPv6 alone';
};

subtest "the network is away for $CUT s" => sub {
    my $daemon = VouchTest::FlomTls->new('10.77.0.1', @tls);
    my $holder = hold($daemon, 'away');
    cut();
    is + ($daemon->run(@tls, '-r', 'away', '-o', 0, @true))[0], 98, 'the lock stays held';
    my $begin = time;
    my ($status) =
        flom_there('-a', '10.77.0.1', '-p', $daemon->port, '-d', 0, @tls, '--timeout-total', 300, @true);
    isnt $status, 0, 'nobody there comes through';
    sleep 0.1 while time - $begin < $CUT;
    is + ($daemon->run(@tls, '-r', 'away', '-o', 0, @true))[0], 98, 'to the end';
    mend();
    let_go($holder);
    is_deeply [finish($holder, 60)], [0, '', ''], 'the holder has not noticed';
    is + ($daemon->run(@tls, '-r', 'away', '-o', 5000, @true))[0], 0, 'its lock is free now';
};

my @quick = qw(--tcp-keepalive-time 1 --tcp-keepalive-intvl 1 --tcp-keepalive-probes 2);

subtest 'for longer than TCP keeps it alive' => sub {
    my $daemon = VouchTest::FlomTls->new('10.77.0.1', @tls, @quick);
    my $holder = hold($daemon, 'dead', @quick, '--on-loss', 'term');
    cut();
    is + ($daemon->run(@tls, '-r', 'dead', '-o', 20_000, @true))[0], 0,
        'the daemon gives the lock to another';
    my ($status, undef, $err) = finish($holder, 20);
    is $status, 99, 'the holder has lost it';
    like $err, qr/^flom: the lock on 'dead' is lost while the command runs: /m, 'and says so';
    ok -s $holder->{killed}, 'the command is told to end';
    mend();
};

subtest 'for longer than a lease' => sub {
    my $daemon = VouchTest::FlomTls->new('10.77.0.1', @tls);
    my $holder = hold($daemon, 'lease', '--lease', 2400, '--on-loss', 'term');
    sleep 3;
    is + ($daemon->run(@tls, '-r', 'lease', '-o', 0, @true))[0], 98, 'signs of life keep it';
    cut();
    my ($status, $out) = $daemon->run(@tls, '-r', 'lease', '-o', 20_000, '--', 'date', '+%s.%N');
    is $status, 0, 'the daemon gives it to another';
    my $given = $out;
    ($status, undef, my $err) = finish($holder, 20);
    is $status, 99, 'the holder has lost it';
    like $err,
        qr/is lost while the command runs: no sign of life from the daemon, and the lease of 2400 ms is almost over/,
        'and knows why';
    cmp_ok slurp($holder->{killed}), '<', $given, 'the command was stopped before';
    mend();
    is + ($daemon->run(@tls, '-r', 'lease', '-o', 5000, @true))[0], 0, 'all goes on';
};

done_testing;
