use v5.16;
use warnings;

# MANIFEST lists what the project has, less what MANIFEST.SKIP names.

use ExtUtils::Manifest qw(maniread maniskip);
use Test::More;
use lib 'xt/lib';
use VouchAuthor::Files qw(in_checkout project_files);

ok -f, "there is a $_" or die "no $_\n" for qw(MANIFEST MANIFEST.SKIP);

my $listed = maniread();
my $skip   = maniskip();

sub none { return is join("\n", @_[1 .. $#_]), q(), $_[0] }

subtest 'each file listed belongs there' => sub {
    none('it exists',                  grep { !-f } sort keys %$listed);
    none('it is not in MANIFEST.SKIP', grep { $skip->($_) } sort keys %$listed);
};

subtest 'each file of the project is listed' => sub {
    plan skip_all => 'an unpacked distribution: MANIFEST is the only list' if !in_checkout();
    none('in MANIFEST', grep { !$skip->($_) && !exists $listed->{$_} } project_files());
};

subtest 'MANIFEST is tidy' => sub {
    open my $in, '<', 'MANIFEST' or die "MANIFEST: $!\n";
    chomp(my @lines = <$in>);
    my %seen;
    is join(q( ), grep { $seen{$_}++ } @lines), q(), 'no name twice';
};

done_testing;
