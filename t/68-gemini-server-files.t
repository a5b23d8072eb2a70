use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use File::Path              qw(make_path);
use POSIX                   ();
use VouchTest               qw(spew temp_dir);
use VouchTest::GeminiServer qw(ask start status_of);

use Vouch::Gemini::Server;

# Files of folders: what is there, what never is, of which type.

my $outside = temp_dir() . '/outside';
my $root    = temp_dir() . '/tree';
make_path($outside, map { "$root/$_" } qw(notes empty listed .hidden sub/deep));
my %file = (
    "$outside/secret.gmi"      => "secret\n",
    "$root/index.gmi"          => "# Start\n",
    "$root/page.gmi"           => "# Page\n",
    "$root/picture.png"        => "\x89PNG\0\xFF",
    "$root/UPPER.TXT"          => "upper\n",
    "$root/no-suffix"          => "bytes",
    "$root/.dot.gmi"           => "dot\n",
    "$root/.hidden/x.gmi"      => "hidden\n",
    "$root/notes/index.gemini" => "# Notes\n",
    "$root/listed/a b.gmi"     => "a\n",
    "$root/listed/odd\nname"   => "b\n",
    "$root/listed/.dot"        => "c\n",
    "$root/sub/deep/x.gmi"     => "deep\n",
    "$root/empty/zero.txt"     => '',
    "$root/large.bin"          => join('', map { pack 'N', $_ } 1 .. 500_000),
    "$root/exact.bin"          => 'x' x 65_536,
    "$root/over.bin"           => 'x' x 65_537,
    "$root/sub/.meta"          => join("\n",
        '# rules',
        '',
        '*.gmi: ;lang=de',
        'x.*: text/plain',
        'nonsense',
        'moved.gmi: 31 /new',
        'secret*: 51 No such page',
        'bad: 99 x',
        "b\x01ad: text/plain"),
    "$root/sub/de.gmi"     => "de\n",
    "$root/sub/x.gmi"      => "x\n",
    "$root/sub/secret.gmi" => "y\n",
);
spew($_, $file{$_}) for sort keys %file;
symlink "$outside/secret.gmi", "$root/leak.gmi";
symlink $outside,              "$root/leak";
symlink 'page.gmi',            "$root/inside.gmi";
symlink '.dot.gmi',            "$root/to-dot.gmi";
symlink 'nowhere',             "$root/dangling.gmi";
symlink 'loop.gmi',            "$root/loop.gmi";
POSIX::mkfifo("$root/fifo", oct 600);
my $unreadable = $> != 0 && spew("$root/unreadable.gmi", 'x') && chmod 0, "$root/unreadable.gmi";

my $server = start(sub {
    my ($server) = @_;
    $server->static('/'       => $root, lang => 'en', types => { bin => 'application/x-test' });
    $server->static('/listed' => "$root/listed", listing => 1);
    $server->static('/mount/' => "$root/sub");
    $server->get('/page.txt' => sub { gemtext("a route\n") });
});

subtest 'what is there' => sub {
    my @cases = (
        ['/',                 'text/gemini; lang=en',     "# Start\n"],
        ['/page.gmi',         'text/gemini; lang=en',     "# Page\n"],
        ['/picture.png',      'image/png',                "\x89PNG\0\xFF"],
        ['/UPPER.TXT',        'text/plain',               "upper\n"],
        ['/no-suffix',        'application/octet-stream', 'bytes'],
        ['/notes/',           'text/gemini; lang=en',     "# Notes\n"],
        ['/empty/zero.txt',   'text/plain',               ''],
        ['/sub/deep/x.gmi',   'text/gemini; lang=en',     "deep\n"],
        ['/inside.gmi',       'text/gemini; lang=en',     "# Page\n"],
        ['/large.bin',        'application/x-test',       $file{"$root/large.bin"}],
        ['/exact.bin',        'application/x-test',       'x' x 65_536],
        ['/over.bin',         'application/x-test',       'x' x 65_537],
        ['/mount/deep/x.gmi', 'text/gemini',              "deep\n"],
        ['/page.txt',         'text/gemini',              "a route\n"],
    );
    for my $case (@cases) {
        my ($path, $type, $body) = @$case;
        my $answer = ask($server, $path);
        is join(' ', status_of($answer), $answer->{meta}), "20 $type", "$path: $type";
        ok $answer->{body} eq $body, '... and all of it';
    }
    is ask($server, '/notes')->{raw},        "31 /notes/\r\n", 'a folder without its slash';
    is ask($server, '/sub/../notes')->{raw}, "31 /notes/\r\n", '... however it was asked for';
    is ask($server, '/mount')->{raw},        "31 /mount/\r\n", 'a mount without its slash';
};

subtest 'what never is' => sub {
    my @paths = qw(
        /nix /.dot.gmi /.hidden/ /.hidden/x.gmi /sub/.meta /empty/ /fifo /page.gmi/ /leak.gmi /leak /leak/
        /leak/secret.gmi /to-dot.gmi /dangling.gmi /loop.gmi //page.gmi /sub//deep/x.gmi /%2e%2e/outside/secret.gmi
        /..%2foutside/secret.gmi /sub/..%2f..%2f..%2foutside%2fsecret.gmi /mount/../.dot.gmi /page.gmi%20
    );
    push @paths, '/unreadable.gmi' if $unreadable;
    for my $path (@paths) {
        my $answer = ask($server, $path);
        like status_of($answer), qr/\A5[19]\z/,         "$path: there is no such page";
        unlike $answer->{raw},   qr/secret|dot|hidden/, '... and nothing of it';
    }
};

subtest 'a folder is listed' => sub {
    my $answer = ask($server, '/listed/');
    is $answer->{body},
        join("\n", '# /listed/', '', '=> ../ ..', '=> ./a%20b.gmi a b.gmi', '=> ./odd%0Aname odd?name', ''),
        'with its names escaped, without hidden ones';
    is ask($server, '/listed/a%20b.gmi')->{body}, "a\n", 'and its links work';
};

subtest 'rules beside the files' => sub {
    is ask($server, '/sub/de.gmi')->{meta}, 'text/gemini; lang=en;lang=de', 'parameters are added';
    is ask($server, '/sub/x.gmi')->{meta},  'text/plain',                   'the last rule that fits counts';
    is ask($server, '/sub/secret.gmi')->{raw}, "51 No such page\r\n", 'a status takes the place of the file';
    is status_of(ask($server, '/sub/moved.gmi')), 51, 'of a file that is there';
    my @told = map { $server->next_line } 1 .. 3;
    like $told[$_], qr{^error \Q$root\E/sub/\.meta line [0-9]+ is not understood$},
        'what is wrong is told by line'
        for 0 .. 2;
    spew("$root/sub/.meta", "*: text/csv\n");
    is ask($server, '/sub/de.gmi')->{meta}, 'text/csv', 'a changed file counts at once';
    spew("$root/sub/.meta", '# ' . 'x' x 70_000 . "\n*: text/csv\n");
    is ask($server, '/sub/de.gmi')->{meta}, 'text/gemini; lang=en', 'one that is too large does not';
    like $server->next_line, qr{more than 65536 bytes}, '... and is told';
};

subtest 'mistakes' => sub {
    my ($cert, $key) = VouchTest::GeminiServer::files();
    my $own = Vouch::Gemini::Server->new(host => 'localhost', cert => $cert, key => $key);
    for my $case (
        ['no folder',       '/' => '/no/such/folder'],
        ['a file',          '/' => "$root/page.gmi"],
        ['a relative path', 'x' => $root],
        ['an option',       '/' => $root, lists => 1],
        ['a type',          '/' => $root, types => { x => 'nonsense' }],
        )
    {
        my ($name, @arg) = @$case;
        ok !eval { $own->static(@arg); 1 }, "$name dies";
        isa_ok $@, 'Vouch::Error';
    }
};

done_testing;
