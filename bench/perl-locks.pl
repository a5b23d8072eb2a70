use v5.16;
use warnings;

# A client of bench/perl-locks: perl-locks.pl vouch|with|names|redis ADDRESS SECONDS
# prints cycles a second, and the median and 99th percentile in microseconds.

use Time::HiRes qw(time);

my ($kind, $address, $seconds) = @ARGV;
my %cycle = (vouch => \&vouch, with => \&with, names => \&names, redis => \&redis);
my $cycle = $cycle{$kind}->();
$cycle->() for 1 .. 100;

my @took;
my $begin = time;
my $now   = $begin;
while ($now - $begin < $seconds) {
    $cycle->();
    my $then = $now;
    $now = time;
    push @took, $now - $then;
}
my $cycles = @took / ($now - $begin);
@took = sort { $a <=> $b } @took;
printf "%.0f %.1f %.1f\n", $cycles, 1e6 * $took[@took / 2], 1e6 * $took[@took * 0.99];

sub server {
    require Vouch::Lock;
    my $key = $address =~ m{\A/} ? 'socket' : 'address';
    return Vouch::Lock::Server->new($key => $address, config => 0);
}

sub vouch {
    my $server = server();
    return
        sub { my $lock = Vouch::Lock->new('lock000000', server => $server) or die Vouch::Lock->error; return }
}

sub with {
    my $server = server();
    ## no critic (ProhibitAmpersandSigils)
    return sub {
        &Vouch::Lock::with_lock(sub { return }, 'lock000000', server => $server);
        return;
    }
}

sub names {
    my $server = server();
    my $number = 0;
    return sub {
        my $lock = Vouch::Lock->new('lock' . ++$number % 100, server => $server) or die Vouch::Lock->error;
        return;
    }
}

# As Redis's own page on locks says: take it with a value of our own, and
# delete it only if it has that value.
sub redis {
    require Redis;
    my $redis = Redis->new(sock => $address, encoding => undef);
    my $script =
        'if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end';
    my $sha    = $redis->script_load($script);
    my $number = 0;
    return sub {
        my $value = ++$number;
        $redis->set('lock000000', $value, 'NX', 'PX', 30_000) or die "SET\n";
        $redis->evalsha($sha, 1, 'lock000000', $value) == 1   or die "EVALSHA\n";
        return;
    }
}
