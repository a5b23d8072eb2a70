use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest               qw(identity slurp);
use VouchTest::GeminiServer qw(ask connected read_answer send_raw start status_of url);

use Vouch::Gemini::Server;
use Vouch::Socket ();

# Vouch::Gemini::Server over the wire: requests, routes, answers.

my @alex = identity('alex', cn => 'Alex');

subtest 'the server of ten lines' => sub {
    my ($cert, $key) = VouchTest::GeminiServer::files();
    my ($dir) = $cert =~ m{\A(.*)/};
    my $known = '';
    my $setup = sub {
        my ($server, $tell) = @_;
        my @known = Vouch::Certificate->from_file($alex[0])->fingerprint(spelling => 'lower');
        $server->get('/' => sub { my ($request) = @_; return gemtext("# Hello\n") });
        $server->get(
            '/account' => sub {
                my ($request) = @_;
                my $cert = $request->certificate or return need_certificate('Who are you?');         # 60
                return not_authorised('Ask for an account') unless $cert->common_name eq 'Alex';     # 61
                return gemtext("# Alex\n");
            }
        );
        $server->titan(
            '/page/:name' => { max => '1 MB', fingerprints => \@known } => sub {
                my ($request) = @_;
                return gemtext($request->param('name') . ': ' . $request->body . "\n");
            }
        );
    };
    my $server = start($setup);
    my @kim    = identity('kim', cn => 'Kim');
    is_deeply ask($server, '/'),
        {
        status => 20,
        meta   => 'text/gemini',
        body   => "# Hello\n",
        clean  => 1,
        raw    => "20 text/gemini\r\n# Hello\n"
        },
        'a page';
    is ask($server, '/account')->{raw}, "60 Who are you?\r\n", 'without a certificate';
    is ask($server, '/account', cert => \@kim)->{raw},   "61 Ask for an account\r\n", 'with a wrong one';
    is ask($server, '/account', cert => \@alex)->{body}, "# Alex\n",                  'with the right one';
    my $upload = url($server, '/page/Start', 'titan') . ";size=5;mime=text/plain\r\nHello";
    is send_raw($server, $upload, cert => \@alex)->{body},   "Start: Hello\n", 'an upload';
    is status_of(send_raw($server, $upload)),                '60',             'an upload by nobody';
    is status_of(send_raw($server, $upload, cert => \@kim)), '61',             'an upload by somebody else';
    is $server->stop,                                        0,                'it ends when told';
};

my $server = start(sub {
    my ($server, $tell) = @_;
    $server->get('/'       => sub { gemtext("root\n") });
    $server->get('/path'   => sub { gemtext($_[0]->path . "\n") });
    $server->get('/a/b'    => sub { gemtext("a/b\n") });
    $server->get('/ask'    => sub { my $said = $_[0]->input // return input('Name?'); gemtext("<$said>\n") });
    $server->get('/secret' => sub { defined $_[0]->input ? gemtext("ok\n") : sensitive_input('Password?') });
    $server->get('/page/:name'   => sub { gemtext('page ' . $_[0]->param('name') . "\n") });
    $server->get('/page/special' => sub { gemtext("special\n") });
    $server->get('/:year-:month' => sub { gemtext(join '/', @{ $_[0]->params }{qw(year month)}) });
    $server->get('/wiki/*page'   => sub { gemtext('wiki ' . $_[0]->param('page')) });
    $server->get('/glob/*.txt'   => sub { gemtext('text') });
    $server->get('/deep/**/end'  => sub { gemtext('deep') });
    $server->get('/die'          => sub { die "secret reason\n" });
    $server->get('/die-object'   => sub { die { secret => 1 } });
    $server->get('/nothing'      => sub { return });
    $server->get('/text'         => sub { return 'text' });
    $server->get('/meta'         => sub { not_found("a\r\nb") });
    $server->get('/wide'         => sub { success('image/png', "\x{263A}") });
    $server->get(
        '/peer' => sub {
            my ($request) = @_;
            return gemtext(
                join "\n", $request->address, $request->tls_version,
                $request->server_name // '-',
                $request->fingerprint(spelling => 'lower') // 'nobody'
            );
        }
    );
    $server->redirect('/old/:page' => '/new/:page');
    $server->redirect('/all/*rest' => '/*rest');
    $server->redirect('/gone'      => 'gemini://other.example:1965/', permanent => 1);
    $server->get(
        '/status/:status' => sub {
            my $status = $_[0]->param('status');
            return Vouch::Gemini::Response->new(status => $status, meta => 'text/plain');
        }
    );
});

subtest 'requests that are refused' => sub {
    my $base  = url($server, '');
    my $port  = $server->port;
    my $fill  = sub { my ($length) = @_; return "$base/" . 'x' x ($length - length($base) - 1) };
    my @cases = (
        ['exactly 1024 bytes',  $fill->(1024) . "\r\n",                 51],
        ['1025 bytes',          $fill->(1025) . "\r\n",                 59],
        ['1500 without an end', $fill->(1500),                          59],
        ['userinfo',            "gemini://alex\@localhost:$port/\r\n",  59],
        ['a fragment',          "$base/#top\r\n",                       59],
        ['a bare LF',           "$base/\n",                             59],
        ['a bare CR',           "$base/\rx\r\n",                        59],
        ['bytes after the end', "$base/\r\nmore",                       59],
        ['a NUL',               "$base/\0\r\n",                         59],
        ['%00',                 "$base/%00\r\n",                        59],
        ['a TAB',               "$base/\t\r\n",                         59],
        ['not UTF-8',           "$base/\xFF\xFE\r\n",                   59],
        ['a relative one',      "/\r\n",                                59],
        ['no scheme',           "//localhost:$port/\r\n",               59],
        ['above the root',      "$base/../../path\r\n",                 59],
        ['nothing',             "\r\n",                                 59],
        ['another scheme',      "https://localhost:$port/\r\n",         53],
        ['another host',        "gemini://other.example:$port/\r\n",    53],
        ['another port',        'gemini://localhost:1/' . "\r\n",       53],
        ['no port',             "gemini://localhost/\r\n",              53],
        ['Titan',               "titan://localhost:$port/;size=1\r\nx", 53],
        ['HTTP',                "GET / HTTP/1.0\r\n\r\n",               59],
    );
    for my $case (@cases) {
        my ($name, $bytes, $want) = @$case;
        is status_of(send_raw($server, $bytes)), $want, "$name: $want, and a goodbye";
    }
};

subtest 'requests that are fine' => sub {
    my $port  = $server->port;
    my @cases = (
        ['an empty path',   "gemini://localhost:$port\r\n",       "root\n"],
        ['upper case',      "GEMINI://LOCALHOST:$port/\r\n",      "root\n"],
        ['dot segments',    url($server, '/x/../a/./b') . "\r\n", "a/b\n"],
        ['encoded letters', url($server, '/%70ath') . "\r\n",     "/path\n"],
    );
    for my $case (@cases) {
        my ($name, $bytes, $want) = @$case;
        my $answer = send_raw($server, $bytes);
        is $answer->{body}, $want, $name;
        ok $answer->{clean}, '... with a goodbye';
    }
    my $socket = connected($server);
    print {$socket} $_ for split //, url($server, '/path') . "\r\n";
    is read_answer($socket)->{body}, "/path\n", 'byte by byte, each in a record of its own';
    for my $version (qw(TLSv1_2 TLSv1_3)) {
        is status_of(ask($server, '/', SSL_version => $version)), 20, $version;
    }
};

subtest 'routes' => sub {
    my @cases = (
        ['/page/Start',     "page Start\n", 'a placeholder'],
        ['/page/special',   "special\n",    'a plain path comes first'],
        ['/2026-11',        '2026/11',      'two in one segment'],
        ['/wiki/a/b/c',     'wiki a/b/c',   'the rest, slashes too'],
        ['/glob/notes.txt', 'text',         'a glob'],
        ['/deep/1/2/3/end', 'deep',         'a glob over segments'],
    );
    is ask($server, $_->[0])->{body}, $_->[1], $_->[2] for @cases;
    is status_of(ask($server, $_)), 51, "$_: no route"
        for qw(/page /page/ /page/a/b /glob/a/b.txt /nix /Path);
    is ask($server, '/old/Kim%20X')->{raw},          "30 /new/Kim%20X\r\n",     'a redirect';
    is ask($server, '/all//other.example/x')->{raw}, "30 /other.example/x\r\n", 'never to another host';
    is ask($server, '/gone')->{raw},                 "31 gemini://other.example:1965/\r\n", 'for ever';
};

subtest 'input' => sub {
    is ask($server, '/ask')->{raw},            "10 Name?\r\n",     'asked for';
    is ask($server, '/ask?Kim%20%3F')->{body}, "<Kim ?>\n",        'the answer, decoded';
    is ask($server, '/ask?')->{body},          "<>\n",             'an empty one';
    is ask($server, '/secret')->{raw},         "11 Password?\r\n", 'asked for in secret';
};

subtest 'every status' => sub {
    for my $status (10, 11, 20, 30, 31, 40 .. 44, 50 .. 53, 59 .. 62) {
        is status_of(ask($server, "/status/$status")), $status, "status $status";
    }
};

subtest 'mistakes of the program' => sub {
    my @cases = (
        ['/die',        qr{^error gemini://localhost:[0-9]+/die: secret reason}, 'one that dies'],
        ['/die-object', qr{^error gemini://localhost:[0-9]+/die-object: HASH},   'with an object'],
        ['/nothing',    qr{^error .*/nothing: the handler has returned undef},   'one that returns nothing'],
        ['/text',       qr{^error .*/text: the handler has returned 'text', not an answer}, 'or a text'],
        ['/meta',       qr{^error .*/meta: .*meta},              'a header with line ends'],
        ['/wide',       qr{^error .*/wide: body: must be bytes}, 'characters that are no bytes'],
    );
    for my $case (@cases) {
        my ($path, $error, $name) = @$case;
        is ask($server, $path)->{raw}, "40 Something has gone wrong here\r\n", "$name is 40";
        like $server->next_line, $error, '... and the program is told why';
    }
    is status_of(ask($server, '/')), 20, 'the next is served';
};

subtest 'who it is' => sub {
    my @lines = split /\n/, ask($server, '/peer', cert => \@alex)->{body};
    is_deeply \@lines,
        [
        '127.0.0.1', 'TLSv1_3',
        'localhost', Vouch::Certificate->from_file($alex[0])->fingerprint(spelling => 'lower')
        ],
        'address, TLS, name, fingerprint';
    like ask($server, '/peer')->{body}, qr/nobody\z/, 'without a certificate nothing crashes';
};

is $server->stop,      0,     'the server ends well';
is $server->next_line, 'end', 'with nothing else to say';

done_testing;
