use v5.16;
use warnings;

# Each SYNOPSIS is a program that compiles.

use File::Temp qw(tempdir);
use Test::More;
use lib 'xt/lib';
use VouchAuthor::Files qw(project_files slurp);

# The code of the SYNOPSIS, without lines typed into a shell ("$ ", "% ").
sub synopsis {
    my ($pod)     = @_;
    my ($section) = $pod =~ /^=head1 SYNOPSIS\n(.*?)(?=^=head1|\z)/ms or return;
    my @code      = grep { /\A\s/ && !/\A\s+[\$%] / } split /(?<=\n)/, $section;
    return join q(), @code;
}

# What perl -c says of it; empty if it is content.
sub complaint {
    my ($code, $dir) = @_;
    my $file = "$dir/synopsis.pl";
    open my $out, '>', $file or die "$file: $!\n";
    print {$out} "use strict;\nuse warnings;\n#line 1 SYNOPSIS\n$code\n1;\n";
    close $out or die "$file: $!\n";
    my $said = `$^X -Mblib -c $file 2>&1`;
    return $? == 0 ? q() : $said;
}

my $dir = tempdir(CLEANUP => 1);
isnt complaint("my \$x = \$undeclared;\n", $dir), q(), 'the checker sees code that does not compile';

my $count = 0;
for my $path (grep { m{^lib/.*\.(?:pm|pod)\z} } project_files()) {
    my $pod  = slurp($path);
    my $code = synopsis($pod) // q();
    like $code, qr/\S/, "$path has METHODS, so it has a SYNOPSIS"
        if $pod =~ /^=head1 (?:METHODS|FUNCTIONS)$/m;
    next if $code !~ /\S/;
    is complaint($code, $dir), q(), "$path: the SYNOPSIS compiles";
    $count++;
}
ok $count > 0, 'there is a SYNOPSIS';

done_testing;
