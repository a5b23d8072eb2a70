use v5.16;
use warnings;

# What may not stand in our files, and how long files and functions may be.

use Test::More;
use lib 'xt/lib';
use VouchAuthor::Files qw(c_without_comments project_files slurp);

my $FUNCTION_LINES = 80;
my %FILE_LINES     = (c => 600, h => 250, xs => 250);

# Unbounded, not thread-safe, locale-bound, or taking the process down.
my @BANNED = qw(
    strcpy strcat sprintf vsprintf strncpy strncat strtok atoi atol sscanf gets
    gmtime localtime setjmp longjmp sigsetjmp siglongjmp abort exit alloca
);

# Paths of one person's machine; in pieces, so that this file may be read too.
my $OUTSIDE = join '|', '\.\./' . 'shared',
    '(?<![\w.\-/])/(?:wo' . 'rk|ho' . 'me|ro' . 'ot)(?:/|\b(?![\w.\-]))',
    '\.lib' . 'rary/';

# Texts that may be as they are.
my $FOREIGN = qr{^(?:LICENSE\z|t/data/|fuzz/corpus/)};

sub banned_calls {
    my ($text) = @_;
    my $names  = join '|', @BANNED;
    my @found;
    my $number = 0;
    for my $line (split /\n/, c_without_comments($text)) {
        $number++;
        push @found, "line $number: $1" while $line =~ /(?<![\w.>])($names)\s*\(/g;
    }
    return @found;
}

sub matching_lines {
    my ($text, $pattern) = @_;
    my $number = 0;
    return map { $number++; /$pattern/ ? "line $number: $_" : () } split /\n/, $text;
}

# "line 10: 91 lines" for each function body longer than allowed; a body
# starts with a brace of its own at the left margin.
sub long_functions {
    my ($text, $max) = @_;
    my ($start, @found);
    my $number = 0;
    for my $line (split /\n/, $text) {
        $number++;
        $start = $number if $line =~ /^\{\s*$/;
        next if !defined $start || $line !~ /^\}/;
        my $length = $number - $start + 1;
        push @found, "line $start: $length lines" if $length > $max;
        undef $start;
    }
    return @found;
}

subtest 'the checkers see what they look for' => sub {
    is_deeply [banned_calls("x = atoi(s);\n/* exit(1) */\nabort ();")], ['line 1: atoi', 'line 3: abort'],
        'a banned call is found, a comment is not';
    is_deeply [banned_calls(qq{_exit(1); gmtime_r(a, b); snprintf(x); p->exit(1); puts("exit(1)");})], [],
        'names that only look alike pass';
    is_deeply [matching_lines("a\n/ho" . "me/alex/x\n../sha" . "red/y\n", $OUTSIDE)],
        ['line 2: /ho' . 'me/alex/x', 'line 3: ../sha' . 'red/y'], 'paths of one machine are found';
    is_deeply [matching_lines("https://a.example/wo" . "rk/x a/ho" . "me.gmi", $OUTSIDE)], [],
        'a path inside an address is none';
    is_deeply [long_functions("int\nf(void)\n{\n" . "x;\n" x 79 . "}\n", 80)], ['line 3: 81 lines'],
        'a function of 81 lines is found';
    is_deeply [long_functions("int\nf(void)\n{\n" . "x;\n" x 78 . "}\n", 80)], [], 'one of 80 passes';
};

my @files = project_files();
my @c     = grep { m{^(?:csrc|xs|t/c|fuzz|bench)/.*\.(?:c|h|xs)\z} } @files;
ok @c > 0, 'there is C to look at';

for my $path (grep { m{^(?:csrc|xs)/} } @c) {
    is join("\n", banned_calls(slurp($path))), q(), "$path calls no banned function";
}

for my $path (@c) {
    my $text   = slurp($path);
    my ($kind) = $path =~ /\.(\w+)\z/;
    cmp_ok $text =~ tr/\n//, '<=', $FILE_LINES{$kind}, "$path is not too long";
    is join("\n", long_functions($text, $FUNCTION_LINES)), q(),
        "$path has no function over $FUNCTION_LINES lines";
    is join("\n", matching_lines($text, qr/\t/)), q(), "$path has no tabs";
}

for my $path (grep { $_ !~ $FOREIGN && -T } @files) {
    my $text = slurp($path);
    is join("\n", matching_lines($text, qr/[ \t]\r?$/)), q(), "$path has no trailing blanks";
    is join("\n", matching_lines($text, $OUTSIDE)),      q(), "$path names no path outside the project";
}

for my $path (grep { m{^(?:lib|t|xt)/.*\.(?:pm|t)\z} } @files) {
    like slurp($path), qr/^use v5\.16;\nuse warnings;$/m, "$path asks for Perl 5.16 and warnings";
}

done_testing;
