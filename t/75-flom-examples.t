use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Cwd             qw(getcwd);
use Time::HiRes     qw(sleep time);
use VouchTest       qw(run_command slurp spew temp_dir);
use VouchTest::Flom qw(flom_path);

# The programs examples/lock-*.sh, and the units for systemd.

my $dir    = temp_dir();
my $here   = getcwd();
my $daemon = VouchTest::Flom->new;
spew("$ENV{HOME}/.flom", "[Resource]\n[Daemon]\nSocketName=${\ $daemon->socket}\nLifespan=0\n[Network]\n");
$ENV{PATH} = "$here/blib/script:$ENV{PATH}";

sub example { my ($name, @arg) = @_; return run_command(["$here/examples/$name", @arg], seconds => 30) }

my %unit = map { $_ => slurp("examples/systemd/flom.$_") } qw(service socket);

# A program for the examples to run.
sub program {
    my ($name, $code) = @_;
    spew("$dir/$name", "#!/bin/sh\n$code\n");
    chmod 0700, "$dir/$name" or die "chmod: $!";
    return "$dir/$name";
}

subtest 'lock-once.sh' => sub {
    my @got = example('lock-once.sh', 'job', 'sh', '-c', 'echo ran; exit 3');
    is_deeply [@got[0, 1]], [3, "ran\n"], 'runs the command, whose status it has';
    @got = example('lock-once.sh', 'job', "$here/examples/lock-once.sh", 'job', 'echo', 'twice');
    is_deeply [@got[0, 1]], [0, ''], 'but not twice';
    like $got[2], qr/^job is running already\n\z/m, 'which it says';
};

subtest 'lock-pool.sh' => sub {
    my $job = program('pooled', <<"SH");
mkdir "$dir/in.\$1"
ls -d "$dir"/in.* | wc -l >>"$dir/together"
sleep 0.2
rmdir "$dir/in.\$1"
SH
    my $run = program('pool', "printf '%s\\n' 1 2 3 4 5 6 | $here/examples/lock-pool.sh 2 $job");
    is + (run_command([$run], seconds => 30))[0], 0, 'six jobs';
    my @together = sort { $a <=> $b } slurp("$dir/together") =~ /(\d+)/g;
    is scalar @together, 6, 'have run';
    cmp_ok $together[-1], '<=', 2, 'two at once at most';
};

subtest 'lock-sequence.sh' => sub {
    my @run = ('lock-sequence.sh', 'invoice', 'sh', '-c');
    is + (example(@run, 'echo $1',         'x'))[1], "1\n", 'the first number';
    is + (example(@run, 'echo $1; exit 1', 'x'))[1], "2\n", 'the second, which fails';
    is + (example(@run, 'echo $1',         'x'))[1], "2\n", 'comes again';
};

subtest 'lock-fence.sh' => sub {
    is + (example('lock-fence.sh', "$dir/fenced", 'one'))[0], 0, 'a line is written';
    is + (example('lock-fence.sh', "$dir/fenced", 'two'))[0], 0, 'and another';
    local @ENV{qw(FLOM_RESOURCE FLOM_TOKEN)} = ('fence', '1.1');
    my ($status, undef, $err) = example('lock-fence.sh', "$dir/fenced", 'late');
    is $status, 1, 'one with an old token is sent away';
    like $err, qr/the lock has been given to another since/, 'and told';
    is slurp("$dir/fenced"), "one\ntwo\n", 'it has written nothing';
};

# The script checks each step itself, and its status tells.
subtest 'flom-tls/three-nodes.sh' => sub {
    for my $nodes ('', 'loopback') {
        local $ENV{THREE_NODES} = $nodes;
        my ($status, $out, $err) = example('flom-tls/three-nodes.sh');
        is $status, 0, $nodes || 'nodes of their own, if they can be made';
        like $out, qr/^All as expected\.$/m, 'to the end';
        is $err, '', 'no complaint';
        note $out;
    }
    local $ENV{PATH} = $dir;
    my ($status, $out, $err) = run_command(["$here/examples/flom-tls/three-nodes.sh"]);
    is_deeply [$status, $out, $err], [1, '', "three-nodes.sh: flom must be in PATH\n"],
        'without flom it says so';
};

subtest 'flom-tls/ca.sh' => sub {
    my $run =
        sub { run_command(['sh', '-c', 'cd "$0" && exec "$@"', $dir, "$here/examples/flom-tls/ca.sh", @_]) };
    is + ($run->('new'))[0], 0, 'an authority';
    my ($status, $out, $err) = $run->('new');
    is_deeply [$status, $err], [1, "ca.sh: there is an authority already\n"], 'but one in a folder';
    is +   ($run->('node', 'web1', 'f' x 32))[0], 0,         'a node';
    is +   (stat "$dir/web1.key")[2] & oct '777', oct '600', 'its key is nobody else\'s';
    like + (run_command([qw(openssl x509 -noout -subject -in), "$dir/web1.pem"]))[1], qr/CN = f{32}$/m,
        'its id';
    is + ($run->($_ eq 'list' ? $_ : ($_, 'web1')))[0], 0, $_ for qw(revoke list);
    like + (run_command([qw(openssl crl -noout -text -in), "$dir/crl.pem"]))[1], qr/^Revoked Certificates:/m,
        'a list';
    ($status, $out, $err) = $run->('node', 'web2');
    is $status, 2, 'too few words';
    like $out, qr/^  ca\.sh node NAME ID/m, 'are explained';
};

subtest 'units for systemd' => sub {
    my ($line) = $unit{service} =~ m{^ExecStart=/usr/local/bin/flom (.+)$}m;
    ok defined $line, 'the service starts flom';
    my @arg = grep { $_ ne '--daemon' } split ' ', $line =~ s{/var/lib/flom}{$dir}r;
    ok +VouchTest::Flom->new(@arg)->connect, 'with options that it knows';
};

subtest 'what systemd says of the units' => sub {
    my ($analyze) = grep { -x } map { "$_/systemd-analyze" } split /:/, $ENV{PATH};
    plan skip_all => 'systemd-analyze is not here' if !$analyze;
    my $flom = flom_path();
    mkdir "$dir/units" or die "mkdir: $!";
    spew("$dir/units/flom.$_", $unit{$_} =~ s{/usr/local/bin/flom}{$flom}r) for keys %unit;
    my ($status, undef, $err) =
        run_command([$analyze, 'verify', '--man=no', map { "$dir/units/flom.$_" } sort keys %unit],
        seconds => 20);
    note "status $status: $err";
    is join("\n", grep { /flom\.(?:service|socket)/ } split /\n/, $err), '', 'no complaint';
};

done_testing;
