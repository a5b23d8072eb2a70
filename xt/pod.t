use v5.16;
use warnings;

# The syntax of all POD, and that every module and command has some.

use Test::More;
use lib 'xt/lib';
use VouchAuthor::Files qw(project_files slurp);

eval { require Test::Pod; Test::Pod->VERSION('1.41'); 1 }
    or die "Test::Pod is missing: install the package libtest-pod-perl\n";

my @files = grep { m{^(?:lib|csrc)/.*\.(?:pm|pod)\z|^script/} && -T } project_files();
ok @files > 0, 'there are modules and commands';
for my $path (@files) {
    like slurp($path), qr/^=head1 NAME$/m, "$path has a NAME" if slurp($path) =~ /perl|^package /m;
    Test::Pod::pod_file_ok($path, "$path: POD syntax");
}

done_testing;
