use v5.16;
use warnings;

# Changes is newest first, dated, and its top is the version of every module.

use Test::More;
use lib 'xt/lib';
use VouchAuthor::Files qw(project_files slurp);

my ($title, @entries) = split /^(?=\S)/m, slurp('Changes');
like $title, qr/\AChanges for Vouch\n/, 'the first line says whose changes these are';
ok @entries > 0, 'there is an entry';

my ($last_version, $last_date) = (9_999, '9999-12-31');
for my $entry (@entries) {
    my ($head, @lines) = split /\n/, $entry;
    my ($version, $date) = $head =~ /\A(\d+\.\d{3})  (\d{4}-\d\d-\d\d)\z/;
    ok defined $version, "'$head' is a version, two blanks and a date" or next;
    cmp_ok $version, '<', $last_version, "$version stands below a later version";
    ok $date le $last_date,                "$version is not newer than the entry above it";
    ok scalar(grep { /\A  - \S/ } @lines), "$version says what changed";
    is join("\n", grep { !/\A(?:  - \S.*|    \S.*)?\z/ } @lines), q(),
        "$version: bullet points of two blanks and a dash, continued under the text";
    ($last_version, $last_date) = ($version, $date);
}

my ($newest) = $entries[0] =~ /\A(\S+)/;
for my $path ('lib/Vouch.pm', grep { m{^lib/.*\.pm\z} && $_ ne 'lib/Vouch.pm' } project_files()) {
    my ($version) = slurp($path) =~ /^package \S+ (\S+);/m;
    is $version, $newest, "$path has the version of the top entry";
}

done_testing;
