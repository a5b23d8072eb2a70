use v5.16;
use warnings;

# Headers: each function has its contract above it; each compiles alone.

use File::Temp qw(tempdir);
use Test::More;
use lib 'xt/lib';
use VouchAuthor::Files qw(c_without_comments need_command project_files slurp);

# The functions of a header that stand in a group (lines without a blank one
# between) which does not begin with a comment.
sub without_contract {
    my ($text) = @_;
    my @bad;
    for my $group (split /\n[ \t]*\n/, $text) {
        next if $group =~ m{\A\s*/\*};
        my $code = c_without_comments($group) =~ s/^[ \t]*#(?:.*\\\n)*.*$//mgr;
        push @bad, $code =~ /\b(vouch_\w+)\s*\(/g;
    }
    return @bad;
}

# What the compiler says of a program that includes only this; empty if fine.
sub complaint {
    my ($header, $dir) = @_;
    # Private ones may need what the core is compiled with.
    my $posix = $header =~ /private\.h\z/ ? '-D_POSIX_C_SOURCE=200809L' : q();
    my $file  = "$dir/alone.c";
    open my $out, '>', $file or die "$file: $!\n";
    print {$out} qq{#include "$header"\nint main(void) { return 0; }\n};
    close $out or die "$file: $!\n";
    my $said = `cc -std=c99 $posix -pedantic -Wall -Wextra -Werror -Icsrc -fsyntax-only $file 2>&1`;
    return $? == 0 ? q() : $said;
}

subtest 'the checker sees a function without contract' => sub {
    is_deeply [without_contract("/* Why. */\nint vouch_a(void);\n\nint vouch_b(void);\n")], ['vouch_b'],
        'one without a comment';
    is_deeply [without_contract("/* Both. */\nint vouch_a(void);\nint\nvouch_b(int x,\n    int y);\n")], [],
        'a group under one comment passes';
    is_deeply [without_contract("struct vouch_a;\n\n#define X vouch_y(1)\n")], [], 'other declarations pass';
};

need_command('cc', 'gcc');
my $dir     = tempdir(CLEANUP => 1);
my @headers = grep { m{^csrc/.*\.h\z} } project_files();
ok scalar(grep { $_ eq 'csrc/vouch.h' } @headers), 'csrc/vouch.h is there';
for my $path (@headers) {
    my $private = $path =~ m{/private\.h\z};
    is join(q( ), without_contract(slurp($path))), q(), "$path: each function has a contract" if !$private;
    is complaint($path =~ s{^csrc/}{}r, $dir),     q(), "$path compiles alone, as strict C99";
}

done_testing;
