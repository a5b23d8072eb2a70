use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Namespace;
use POSIX           ();
use Time::HiRes     qw(sleep time);
use VouchTest       qw(run_command spew temp_dir);
use VouchTest::Flom qw(flom_path);
use VouchTest::PKI  qw(issue AUTHORITY);

# What another host may do, with and without TLS, and what an address of this
# host may.

my $there = VouchTest::Namespace->new('b', '10.77.0.2', 'fd77::2');
my $cable = $there->link;
VouchTest::Namespace->must(split ' ', $_)
    for 'ip link set lo up', "ip addr add 10.77.0.1/24 dev $cable", "ip addr add fd77::1/64 dev $cable nodad";

my $authority = issue('authority', ext => [AUTHORITY]);
my %node      = map { $_ => issue($_, by => $authority) } qw(server alex);

sub tls {
    my ($name) = @_;
    return (
        '--tls-certificate', $node{$name}{cert},     '--tls-private-key',
        $node{$name}{key},   '--tls-ca-certificate', $authority->{cert}
    );
}

# flom on the other host, with this daemon: (exit status, stdout, stderr).
sub from_there {
    my ($daemon, @arg) = @_;
    return run_command([$there->command(flom_path(), $daemon->where, '-d', 0, @arg)]);
}

# It has ended by itself.
sub has_ended {
    my ($daemon) = @_;
    my $deadline = time + 20;
    while (waitpid($daemon->pid, POSIX::WNOHANG()) == 0) {
        return 0 if time > $deadline;
        sleep 0.02;
    }
    delete $daemon->{flom};
    return 1;
}

for my $address (qw(10.77.0.1 fd77::1)) {
    subtest "in the clear, $address" => sub {
        my $daemon = VouchTest::Flom->tcp($address);
        is + (from_there($daemon, '-r', 'db', '--', 'true'))[0], 0, 'another host locks';
        is + (from_there($daemon, '--status'))[0], 0, 'and asks';
        my $why = 'another host, without TLS, may not';
        for my $row (['-x', 'quiesce-exit'], ['-X', 'immediate-exit'], ['--kick=1', 'kick']) {
            my ($status, $out, $err) = from_there($daemon, $row->[0]);
            is $status, 99, "$row->[0] is refused";
            like $err,
                qr/^flom: --$row->[1]: $why .*: that is for this host, for TLS, or for all with --allow-remote-admin$/,
                'and why';
        }
        like $daemon->log, qr/FLM046W: session \d+ from \S*77\S*2\S*:\d+ refused: $why end the daemon/,
            'in the log';
        is + ($daemon->run('-X'))[0], 0, 'from an address of this host it works';
        ok has_ended($daemon), 'and ends the daemon';
    };
}

subtest '--allow-remote-admin' => sub {
    my $daemon = VouchTest::Flom->tcp('10.77.0.1', '--allow-remote-admin');
    is + (from_there($daemon, '-X'))[0], 0, 'another host may';
    ok has_ended($daemon), 'end the daemon';
};

subtest 'TLS' => sub {
    my $daemon = VouchTest::Flom->tcp('10.77.0.1', tls('server'));
    is + (from_there($daemon, tls('alex'), '-x'))[0], 0, 'another host may';
    ok has_ended($daemon), 'end the daemon';
};

subtest 'rules for other hosts' => sub {
    my $rules  = spew(temp_dir() . '/rules', "deny remote EX\nallow remote lock,create\nallow local all\n");
    my $daemon = VouchTest::Flom->tcp('10.77.0.1', '--access', $rules);
    is + (from_there($daemon, '-r', 'db', '--', 'true'))[0],             99, 'what they deny';
    is + (from_there($daemon, '-r', 'db', '-l', 'PR', '--', 'true'))[0], 0,  'what they allow';
    is + ($daemon->run('-r', 'db', '--', 'true'))[0],                    0,  'this host is none';
};

done_testing;
