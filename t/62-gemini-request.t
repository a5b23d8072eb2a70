use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest;
use Vouch::Gemini::Request;

# What a server must make of what it is sent: a row for each probe that has
# been tried on the servers in use, and one for each status.

my $reader = Vouch::Gemini::Request->reader(hosts => ['localhost'], port => 1965);

sub judged {
    my ($with, @bytes) = @_;
    $with->reset;
    my $got;
    $got = $with->feed($_) for @bytes;
    return 'more'                           if !defined $got;
    return $got->status . q( ) . $got->meta if $got->isa('Vouch::Gemini::Response');
    return 'path ' . $got->path;
}

# The code of the error that the function dies with.
sub code_of {
    my ($code) = @_;
    return eval { $code->(); 'fine' } // $@->code;
}

sub of_length {
    my ($length) = @_;
    my $start = 'gemini://localhost/';
    return $start . 'a' x ($length - length $start);
}

my @probes = (
    ['the root',                  "gemini://localhost/\r\n",                        qr{\Apath /\z}],
    ['an empty path',             "gemini://localhost\r\n",                         qr{\Apath /\z}],
    ['an empty path and a query', "gemini://localhost?q\r\n",                       qr{\Apath /\z}],
    ['another case',              "GEMINI://LOCALHOST/A\r\n",                       qr{\Apath /A\z}],
    ['the port, written',         "gemini://localhost:1965/\r\n",                   qr{\Apath /\z}],
    ['an empty port',             "gemini://localhost:/\r\n",                       qr{\Apath /\z}],
    ['exactly 1024 bytes',        of_length(1024) . "\r\n",                         qr{\Apath /a+\z}],
    ['1025 bytes',                of_length(1025) . "\r\n",                         qr{\A59 .*1024}],
    ['1025 bytes, no end',        of_length(1025),                                  qr{\A59 .*1024}],
    ['1500 bytes, no end',        of_length(1500),                                  qr{\A59 .*1024}],
    ['1024 bytes, no end',        of_length(1024),                                  qr{\Amore\z}],
    ['a fragment',                "gemini://localhost/#frag\r\n",                   qr{\A59 .*fragment}],
    ['an empty fragment',         "gemini://localhost/#\r\n",                       qr{\A59 .*fragment}],
    ['a user',                    "gemini://alex\@localhost/\r\n",                  qr{\A59 .*user}],
    ['an empty user',             "gemini://\@localhost/\r\n",                      qr{\A59 .*user}],
    ['LF alone',                  "gemini://localhost/\n",                          qr{\A59 .*LF}],
    ['CR alone',                  "gemini://localhost/\ra",                         qr{\A59 .*CR}],
    ['CR, so far',                "gemini://localhost/\r",                          qr{\Amore\z}],
    ['bytes after the end',       "gemini://localhost/\r\nx",                       qr{\A59 .*after its end}],
    ['a second request',          "gemini://localhost/\r\ngemini://localhost/\r\n", qr{\A59 .*after its end}],
    ['a NUL byte',                "gemini://localhost/\0\r\n",                      qr{\A59 .*control}],
    ['bytes ff fe',               "gemini://localhost/\xFF\xFE\r\n",                qr{\A59 .*UTF-8}],
    ['a long form of a slash',    "gemini://localhost/\xC0\xAF\r\n",                qr{\A59 .*UTF-8}],
    ['a letter in UTF-8',         "gemini://localhost/\xC3\xBC\r\n",                qr{\Apath /\xC3\xBC\z}],
    ['a tab',                     "gemini://localhost/a\tb\r\n",                    qr{\A59 .*control}],
    ['DEL',                       "gemini://localhost/\x7F\r\n",                    qr{\A59 .*control}],
    ['a C1 control',              "gemini://localhost/\xC2\x85\r\n",                qr{\A59 .*control}],
    ['a blank',                   "gemini://localhost/a b\r\n",                     qr{\A59 .*blank}],
    ['a blank at the end',        "gemini://localhost/ \r\n",                       qr{\A59 .*blank}],
    ['%00 in the path',           "gemini://localhost/%00\r\n",                     qr{\A59 .*NUL}],
    ['%00 in the query',          "gemini://localhost/?%00\r\n",                    qr{\A59 .*NUL}],
    ['% and no digits',           "gemini://localhost/%zz\r\n",                     qr{\A59 .*%}],
    ['/../ inside the root',      "gemini://localhost/a/../b\r\n",                  qr{\Apath /b\z}],
    ['/../ above the root',       "gemini://localhost/../b\r\n",                    qr{\A59 .*above}],
    ['the same, encoded',         "gemini://localhost/%2e%2e/b\r\n",                qr{\A59 .*above}],
    ['the same, slash and all',   "gemini://localhost/..%2fb\r\n",                  qr{\A59 .*above}],
    ['the same, from a folder',   "gemini://localhost/a/..%2F..%2Fb\r\n",           qr{\A59 .*above}],
    ['dots that are names',          "gemini://localhost/.../..a\r\n",  qr{\Apath /\.\.\./\.\.a\z}],
    ['no scheme',                    "//localhost/\r\n",                qr{\A59 .*scheme}],
    ['a relative URL',               "/page\r\n",                       qr{\A59 .*scheme}],
    ['an empty line',                "\r\n",                            qr{\A59 .*scheme}],
    ['no host',                      "gemini:///\r\n",                  qr{\A59 .*host}],
    ['no //',                        "gemini:localhost/\r\n",           qr{\A59 .*host}],
    ['a wrong port',                 "gemini://localhost:443/\r\n",     qr{\A53 .*port}],
    ['a port that is none',          "gemini://localhost:x/\r\n",       qr{\A59 .*port}],
    ['port 0',                       "gemini://localhost:0/\r\n",       qr{\A59 .*port}],
    ['port 65536',                   "gemini://localhost:65536/\r\n",   qr{\A59 .*port}],
    ['a wrong host',                 "gemini://example.org/\r\n",       qr{\A53 .*host}],
    ['an address',                   "gemini://127.0.0.1/\r\n",         qr{\A53 .*host}],
    ['an address in brackets',       "gemini://[::1]/\r\n",             qr{\A53 .*host}],
    ['a host that begins the same',  "gemini://localhost.example/\r\n", qr{\A53 .*host}],
    ['http',                         "http://localhost/\r\n",           qr{\A53 .*gemini}],
    ['https',                        "https://localhost/\r\n",          qr{\A53 .*gemini}],
    ['gopher',                       "gopher://localhost/\r\n",         qr{\A53 .*gemini}],
    ['titan, which is not expected', "titan://localhost/a;size=1\r\n",  qr{\A53 .*upload}],
    ['HTTP spoken here',             "GET / HTTP/1.1\r\n\r\n",          qr{\A59 .*blank}],
    ['a TLS record in TLS',          "\x16\x03\x01",                    qr{\A59 .*control}],
    ['nothing yet',                  q(),                               qr{\Amore\z}],
);

subtest 'requests' => sub {
    for (@probes) {
        my ($name, $bytes, $want) = @$_;
        like judged($reader, $bytes), $want, $name;
        my $refused = judged($reader, $bytes) =~ /\A5/;
        my $pieces  = judged($reader, split //, $bytes);
        # Byte by byte the end comes alone, and what follows it later.
        like $pieces, $name =~ /after the end|second request/ ? qr{\Apath /\z} : $want, "$name, byte by byte";
    }
};

subtest 'in two records' => sub {
    is judged($reader, 'gemini://local',         "host/a\r\n"), 'path /a', 'cut in the host';
    is judged($reader, "gemini://localhost/a\r", "\n"),         'path /a', 'cut in the end';
};

subtest 'a refusal tells nothing of the request' => sub {
    for (grep { $_->[2] =~ /59|53/ } @probes) {
        my ($name, $bytes) = @$_;
        like judged($reader, $bytes), qr/\A5[39] [ -~]+\z/, "$name: plain words";
    }
    unlike judged($reader, "gemini://secret.example/hidden\r\n"), qr/secret|hidden/, 'no host, no path';
};

subtest 'uploads' => sub {
    my $titan = Vouch::Gemini::Request->reader(hosts => ['localhost'], titan => 1);
    my %want  = (
        'a;size=0'                          => 'path /a',
        'a;size=1'                          => 'path /a',
        'a;mime=text/plain;size=1'          => 'path /a',
        'a;token=x;size=1;mime=image%2Fpng' => 'path /a',
        'a;edit'                            => 'path /a',
        'a'                                 => qr{\A59 .*size},
        'a;mime=text/plain'                 => qr{\A59 .*size},
        'a;size='                           => qr{\A59 .*number},
        'a;size=-1'                         => qr{\A59 .*number},
        'a;size=99999999999999999999'       => qr{\A59 .*number},
        'a;size=9999999999999999999'        => qr{\A59 .*larger},
        'a;size=1;size=2'                   => qr{\A59 .*twice},
        'a;size=1;name=x'                   => qr{\A59 .*parameter},
        'a;size=1;mime=nonsense'            => qr{\A59 .*type},
        'a;size=1;token=%00'                => qr{\A59 .*decoded},
        '../a;size=1'                       => qr{\A59 .*above},
    );
    for my $path (sort keys %want) {
        my $got = judged($titan, "titan://localhost/$path\r\n");
        ref $want{$path} ? like($got, $want{$path}, $path) : is($got, $want{$path}, $path);
    }
    like judged($titan, "titan://other/a;size=1\r\n"), qr/\A53/, 'for another host';
    is judged($titan, "gemini://localhost/a\r\n"), 'path /a', 'and pages are served too';
    like judged($titan, "gemini://localhost/a\r\nx"), qr/\A59/, 'as strictly as ever';

    my $upload = $titan->reset->feed("titan://localhost/a%20b;size=3;token=t%3B?q\r\nab");
    is $upload->url,      'titan://localhost/a%20b;size=3;token=t%3B?q', 'the URL as sent';
    is $upload->raw_path, '/a%20b',                                      'the path without parameters';
    is_deeply [$upload->segments], ['a b'], 'and its segments';
    is $upload->normalize,       'titan://localhost/a%20b?q', 'the page';
    is $upload->with_query('x'), 'titan://localhost/a%20b?x', 'with another query';
    is $upload->token,           't;',                        'the token';
    is $titan->rest,             'ab',                        'the beginning of the body';
    is $titan->feed('c'),        $upload,                     'more of the body changes nothing';
    is $titan->rest,             'c',                         'and is handed out';
    is $titan->rest,             q(),                         'once';

    my $delete = $titan->reset->feed("titan://localhost/a;size=0\r\n");
    ok $delete->is_delete && !$delete->is_edit, 'size 0 deletes';
    my $edit = $titan->reset->feed("titan://localhost/a;edit\r\n");
    ok $edit->is_edit && !$edit->is_delete, 'edit does not';
    is $edit->size, undef, 'and has no size';
};

subtest 'hosts' => sub {
    my $many = Vouch::Gemini::Request->reader(hosts => ['A.example', '::1', '*.wild.example'], port => 7);
    is judged($many, "gemini://a.EXAMPLE:7/\r\n"),        'path /', 'a name in any case';
    is judged($many, "gemini://[::1]:7/\r\n"),            'path /', 'an address';
    is judged($many, "gemini://x.y.wild.example:7/\r\n"), 'path /', 'below a pattern';
    like judged($many, "gemini://wild.example:7/\r\n"),     qr/\A53/, 'not the pattern itself';
    like judged($many, "gemini://evilwild.example:7/\r\n"), qr/\A53/, 'nor what only ends so';
    like judged($many, "gemini://a.example/\r\n"),          qr/\A53/, 'the port counts';
    my $any = Vouch::Gemini::Request->reader(hosts => ['*'], port => 0);
    is judged($any, "gemini://what.ever:99/\r\n"), 'path /', 'any host and port';
};

subtest 'arguments' => sub {
    my %bad = (
        'no hosts'        => {},
        'no name'         => { hosts => [] },
        'undef'           => { hosts => [undef] },
        'a path'          => { hosts => ['a/b'] },
        'a port too high' => { hosts => ['a'], port   => 65_536 },
        'negative'        => { hosts => ['a'], port   => -1 },
        'unknown'         => { hosts => ['a'], colour => 1 },
    );
    for my $name (sort keys %bad) {
        is code_of(sub { Vouch::Gemini::Request->reader(%{ $bad{$name} }) }), 'argument', $name;
    }
    is code_of(sub { Vouch::Gemini::Request->new }),     'argument', 'requests are made by readers';
    is code_of(sub { $reader->reset->feed("\x{100}") }), 'argument', 'characters are no bytes';
};

done_testing;
