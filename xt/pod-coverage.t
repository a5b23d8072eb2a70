use v5.16;
use warnings;

# Every public function and method, Perl or XS, has its words.

use Test::More;
use lib 'xt/lib';
use blib;
use VouchAuthor::Files qw(project_files);

eval { require Test::Pod::Coverage; 1 }
    or die "Test::Pod::Coverage is missing: install the package libtest-pod-coverage-perl\n";

# Private names, and those that Perl itself calls.
my %RULES = (
    also_private => [
        qr/^_/,
        qr/^TIE(?:HANDLE|HASH|ARRAY|SCALAR)$/,
        qr/^(?:UNTIE|DESTROY|CLONE|CLONE_SKIP)$/,
        qr/^(?:READ|READLINE|GETC|WRITE|PRINT|PRINTF|BINMODE|EOF|FILENO|SEEK|TELL|OPEN|CLOSE)$/,
        qr/^(?:FETCH|STORE|EXISTS|DELETE|CLEAR|FIRSTKEY|NEXTKEY|SCALAR)$/,
    ],
);

my @packages = map { s{^lib/}{}r =~ s{/}{::}gr =~ s{\.pm\z}{}r } grep { m{^lib/.*\.pm\z} } project_files();
ok @packages > 0, 'there are modules';
for my $package (@packages) {
    Test::Pod::Coverage::pod_coverage_ok($package, {%RULES}, "$package documents all it offers");
}

done_testing;
