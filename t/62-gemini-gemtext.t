use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest;
use Vouch::Gemini::Gemtext qw(gemtext_lines gemtext_links heading item link_to plain_text preformatted quote);

# Gemtext: what lines are, and that nobody's text becomes another line.

my @EVIL = (
    "=> gemini://evil.example/ click",
    '# Title',  '## Title', '* item', '> quote', '```', "a\r\n=> x",
    "a\n\n# b", "\x01# x",  "*\x02x", "\e[2J",   "a\x0B=> b", "=>", "\x{C3}\x{BC}", q(), "\r=> x",
    "```\n# x\n```",
);

sub types {
    my ($text) = @_;
    return join q( ), map { $_->{type} } gemtext_lines($text);
}

subtest 'lines' => sub {
    my @lines = gemtext_lines("# One\r\n=> /x An x\n=>\n* two\n> three\n```perl\n# not\n```\nfour");
    is_deeply \@lines,
        [
        { type => 'heading',      text => 'One',  level => 1 },
        { type => 'link',         text => 'An x', url   => '/x' },
        { type => 'text',         text => '=>' },
        { type => 'item',         text => 'two' },
        { type => 'quote',        text => 'three' },
        { type => 'fence',        text => 'perl' },
        { type => 'preformatted', text => '# not' },
        { type => 'fence',        text => q() },
        { type => 'text',         text => 'four' },
        ],
        'of each kind';
    is_deeply [gemtext_lines(q())], [], 'none';
    is types("\n\n"), 'text text', 'empty ones';
};

subtest 'links' => sub {
    my $page =
        "=> a A\n=> ../b\n=> //other.example/c\n=> ?q\n=> #f\n=> mailto:x\@y\n=> bad%zz\n=> https://z/\n";
    is_deeply [map { "$_" } gemtext_links($page, 'gemini://h/d/e')],
        [
        'gemini://h/d/a',   'gemini://h/b', 'gemini://other.example/c', 'gemini://h/d/e?q',
        'gemini://h/d/e#f', 'mailto:x@y',   'https://z/',
        ],
        'are resolved, and what is none is left out';
};

subtest 'what others have typed' => sub {
    for my $text (@EVIL) {
        my $name = $text =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
        unlike types(plain_text($text)), qr/link|heading|item|quote|fence|preformatted/, "$name: text";
        is types(heading(2, $text)), 'heading', "$name: one heading";
        is types(item($text)),       'item',    "$name: one item";
        unlike types(quote($text)), qr/text|link|heading|item|fence/, "$name: quotations";
        is types(link_to('/x', $text)), 'link', "$name: one link";
        like types(preformatted($text, $text)), qr/\Afence(?: preformatted)* fence\z/, "$name: preformatted";
        unlike $_->($text), qr/[\x00-\x08\x0B-\x1F\x7F]/, "$name: no controls"
            for \&plain_text, \&item, \&quote, \&preformatted;
    }
};

subtest 'what is wrong' => sub {
    my %bad = (
        argument => [
            sub { heading(0, 'x') },
            sub { heading(4, 'x') },
            sub { link_to(q()) },
            sub { plain_text("\x{100}") }
        ],
        format => [sub { link_to("a\n# b") }, sub { link_to('a b') }],
    );
    for my $code (sort keys %bad) {
        is eval { $_->(); 'fine' } // $@->code, $code, $code for @{ $bad{$code} };
    }
};

done_testing;
