package VouchTest::Leaks;

use v5.16;
use warnings;

# Whether pieces of code leave anything behind: values of Perl (Test::LeakTrace,
# where it is installed) or memory of C (the size of this process).
#
#   check_leaks({ 'a name' => sub { ... } }, rounds => 300, few => qr/saved/);
#
# Those whose names match "few" are run 30 times: they wait for the disk.

use Exporter qw(import);
use Test::More;

our @EXPORT_OK = qw(check_leaks);

use constant {
    FEW      => 30,
    MAY_GROW => 256,    # KiB: malloc's own waste
};

sub memory {
    open my $status, '<', '/proc/self/status' or return;
    my ($kib) = join('', <$status>) =~ /^VmRSS:\s+([0-9]+) kB$/m;
    return $kib;
}

sub check_leaks {
    my ($what, %arg) = @_;
    subtest 'values of Perl' => sub {
        plan skip_all => 'Test::LeakTrace is not installed (libtest-leaktrace-perl)'
            if !eval { require Test::LeakTrace; 1 };
        for my $name (sort keys %$what) {
            my $leaked;
            $what->{$name}->() for 1 .. 3;
            for (1 .. 4) {
                $leaked = Test::LeakTrace::leaked_count(sub { $what->{$name}->(); undef $@ });
                last if $leaked <= 0;    # hashes grow and shrink
            }
            cmp_ok $leaked, '<=', 0, $name;
        }
    };
    subtest 'memory of C' => sub {
        plan skip_all => 'a checker of memory makes everything large' if $ENV{VOUCH_TEST_TOOL};
        plan skip_all => 'no /proc/self/status here'                  if !memory();
        for my $name (sort keys %$what) {
            my $rounds = $arg{few} && $name =~ $arg{few} ? FEW : $arg{rounds} // 300;
            $what->{$name}->() for 1 .. $rounds;
            my $before = memory();
            $what->{$name}->() for 1 .. $rounds;
            cmp_ok memory() - $before, '<=', MAY_GROW, "$name, $rounds times";
        }
    };
    return;
}

1;
