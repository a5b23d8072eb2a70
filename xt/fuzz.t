use v5.16;
use warnings;

# Each parser takes the inputs known to have been trouble, under gcc's
# sanitizers.

use Test::More;

my @parsers = map { m{^fuzz/(\w+)\.c\z} && $1 ne 'main' ? $1 : () } sort glob 'fuzz/*.c';
ok @parsers > 0, 'there are fuzz programs';

my $said   = `./dev fuzz --corpus 2>&1`;
my $status = $?;
is $status, 0, './dev fuzz --corpus ends well' or diag $said;
for my $parser (@parsers) {
    my $count = () = glob "fuzz/corpus/$parser/*";
    like $said, qr/^\Q$parser\E: $count inputs$/m, "$parser took its $count inputs";
}

done_testing;
