use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use JSON::PP          qw(decode_json);
use VouchTest         qw(identity run_command slurp spew temp_dir);
use VouchTest::Gemini ();
use Vouch::Certificate;
use Vouch::Gemini::Identities;

# "vouch get" and "vouch put" in scripts: what they print, where, and how they
# end.

my $dir = temp_dir();
$ENV{XDG_DATA_HOME} = "$dir/data";
my @vouch = ($^X, map({ "-I$_" } grep { !ref } @INC), 'script/vouch');
my @files = identity('capsule', san => ['localhost']);

my %pages = (
    '/'      => "20 text/gemini\r\n# Hello\n",
    '/moved' => "31 /\r\n",
    '/loop'  => "31 /loop\r\n",
    '/ask'   => sub {
        my ($client, $line) = @_;
        print {$client} $line =~ /\?(.*)\r\n/ ? "20 text/plain\r\nyou said $1" : "10 What?\r\n";
        close $client;
    },
    '/busy'    => "44 5\r\n",
    '/gone'    => "52 no \xC3\xBC more\r\n",
    '/who'     => "60 who?\r\n",
    '/bytes'   => "20 application/octet-stream\r\n\0\x01\e\xFF",
    '/escape'  => "20 text/plain\r\n\e[31mred\xC2\x9B\n",
    '/empty'   => "20 text/plain\r\n",
    '/nothing' => sub { my ($client) = @_; close $client },
    '/cut'     => sub {
        my ($client) = @_;
        print {$client} "20 text/plain\r\nhalf";
        $client->close(SSL_no_shutdown => 1);
    },
    '/upload' => sub {
        my ($client, $line, $tell) = @_;
        my ($size) = $line =~ /;size=([0-9]+)/;
        my $body = q();
        while (length $body < $size) { last if !read $client, $body, $size - length $body, length $body }
        $tell->("got $body");
        print {$client} "30 gemini://localhost/upload\r\n";
        close $client;
    },
);
my $server = VouchTest::Gemini->start(files => \@files, pages => \%pages);

sub vouch { my (@arg) = @_; return run_command([@vouch, @arg]) }
sub get { my ($path, @arg) = @_; return vouch('get', @arg, $server->url($path)) }

subtest 'what it prints, and how it ends' => sub {
    my %want = (
        '/'       => [0,  "# Hello\n",           q()],
        '/moved'  => [0,  "# Hello\n",           q()],
        '/empty'  => [0,  q(),                   q()],
        '/bytes'  => [0,  "\0\x01\e\xFF",        q()],
        '/escape' => [0,  "\e[31mred\xC2\x9B\n", q()],
        '/ask'    => [10, q(),                   "10 What?\n"],
        '/loop'   => [30, q(),                   "30 /loop\nnot followed: it is the one after 5\n"],
        '/busy'   => [40, q(),                   "44 5\n"],
        '/gone'   => [50, q(),                   "52 no \xC3\xBC more\n"],
        '/none'   => [50, q(),                   "51 not found\n"],
        '/who'    => [60, q(),                   "60 who?\n"],
        '/cut'    => [
            0, 'half',
            "warning: the server did not say that this was all (close_notify): the end may be missing\n"
        ],
    );
    $want{'/loop'}[2] =~ s/30/31/;
    for my $path (sort keys %want) { is_deeply [get($path)], $want{$path}, $path }
    my ($status, $out, $err) = get('/nothing');
    is_deeply [$status, $out], [1, q()], 'no answer';
    like $err, qr/\Avouch get: the server closed the connection without an answer\n\z/, 'is told';
};

subtest 'options' => sub {
    is_deeply [get('/', '--header')],     [0, "20 text/gemini\n# Hello\n", q()], '--header';
    is_deeply [get('/gone', '--header')], [50, "52 no \xC3\xBC more\n", q()],    '--header of a failure';
    is_deeply [get('/ask', '--input', 'a b&')],  [0, 'you said a%20b%26', q()],  '--input';
    is_deeply [get('/moved', '--redirects', 0)], [30, q(), "31 /\n"],            '--redirects';
    is_deeply [get('/cut', '--strict')],         [4, 'half', (get('/cut'))[2]],  '--strict';
    is_deeply [get('/cut', '--quiet')],          [0, 'half', q()],               '--quiet';
    my ($status, $out, $err) = get('/', '--max-size', 3);
    is $status, 1, '--max-size';
    like $err, qr/more than the 3 bytes/, 'is told';
    is_deeply [vouch('get', 'localhost:' . $server->port)], [0, "# Hello\n", q()], 'without a scheme';
};

subtest 'into a file' => sub {
    is_deeply [get('/', '--output', "$dir/page")], [0, q(), q()], 'nothing is printed';
    is slurp("$dir/page"), "# Hello\n", 'all is in the file';
    my ($status, undef, $err) = get('/', '--output', "$dir/page");
    is $status, 1, 'which is not replaced';
    like $err, qr/exists: .*--force/, 'and that is told';
    is_deeply [get('/bytes', '--output', "$dir/page", '--force')], [0, q(), q()], 'unless told so';
    is slurp("$dir/page"), "\0\x01\e\xFF", 'then it is';
    is_deeply [get('/empty', '--output', "$dir/empty")], [0, q(), q()], 'an empty page';
    is slurp("$dir/empty"), q(), 'is an empty file';
    is((get('/cut', '--output', "$dir/cut", '--strict'))[0], 4, 'half a page');
    ok !-e "$dir/cut", 'is not kept with --strict';
    is((get('/gone', '--output', "$dir/gone"))[0], 50, 'a failure');
    ok !-e "$dir/gone", 'makes no file';
    is((get('/', '--output', $dir))[0], 1, 'no folder');
    is_deeply [get('/', '--output', '-')], [0, "# Hello\n", q()], '- is standard output';
    is_deeply [glob "$dir/*.part-*"],      [],                    'and nothing is left over';
};

subtest 'as JSON' => sub {
    my ($status, $out, $err) = get('/moved', '--json');
    is_deeply [$status, $err], [0, q()], 'ends well';
    my $facts = decode_json($out);
    is_deeply [@$facts{qw(status type meaning meta mime size body trust tls)}],
        [20, 'success', 'success', 'text/gemini', 'text/gemini', 8, "# Hello\n", 'match', 'TLSv1.3'],
        'the facts';
    is_deeply [$facts->{url}, $facts->{redirects}], [$server->url('/'), [$server->url('/moved')]], 'the URLs';
    ok $facts->{complete}, 'complete';
    is $facts->{fingerprint}, Vouch::Certificate->from_file($files[0])->fingerprint, 'the fingerprint';
    $facts = decode_json((get('/bytes', '--json'))[1]);
    is $facts->{body_base64}, 'AAEb/w==', 'bytes that are no text';
    ($status, $out) = get('/cut', '--json');
    $facts = decode_json($out);
    ok !$facts->{complete}, 'not complete';
    is scalar @{ $facts->{warnings} }, 1, 'with the warning';
    ($status, $out, $err) = get('/loop', '--json', '--redirects', 1);
    is_deeply [$status, decode_json($out)->{stopped}, $err], [30, 'it is the one after 1', q()], 'a redirect';
    is decode_json((get('/gone', '--json'))[1])->{meta}, "no \x{FC} more", 'characters';
    ($status, $out, $err) = get('/nothing', '--json');
    is_deeply [$status, decode_json($out)],
        [1, { code => 'closed', error => 'the server closed the connection without an answer' }], 'an error';
    like $err, qr/without an answer/, 'which is told as text, too';
    ($status, $out) = get('/', '--json', '--fingerprint', 'sha256$' . '00' x 32);
    is_deeply [$status, decode_json($out)->{code}], [3, 'verify'], 'no trust';
};

subtest 'whom to trust' => sub {
    my $pin   = Vouch::Certificate->from_file($files[0])->fingerprint;
    my @other = identity('other', san => ['localhost']);
    is((get('/', '--ca',          $files[0]))[0], 0, '--ca');
    is((get('/', '--fingerprint', $pin))[0],      0, '--fingerprint');
    is((get('/', '--ca',          $other[0]))[0], 3, 'another authority: 3');
    is((get('/', '--fingerprint', Vouch::Certificate->from_file($other[0])->fingerprint))[0],
        3, 'another pin: 3');
    is((vouch('trust', 'add', 'localhost:' . $server->port, '--cert', $other[0]))[0], 0, 'another was known');
    my ($status, $out, $err) = get('/');
    is_deeply [$status, $out], [3, q()], 'a changed certificate: 3';
    like $err, qr/\Avouch get: localhost:[0-9]+ shows another certificate/, 'and words';
    is((vouch('trust', 'remove', 'localhost:' . $server->port))[0], 0, 'forgotten');
    is((get('/'))[0],                                               0, 'it is new again');
};

subtest 'who to be' => sub {
    my $ids = Vouch::Gemini::Identities->new;
    $ids->create('alex');
    1 while defined $server->next_line(0.01);
    my $who = sub { my ($path, @arg) = @_; get($path, @arg); return $server->next_line =~ s/.* by //r };
    my @own = identity('berit');
    is $who->('/'),                                      'nobody', 'nobody';
    is $who->('/', '--identity', 'alex'),                'alex',   '--identity';
    is $who->('/', '--cert', $own[0], '--key', $own[1]), 'berit',  '--cert and --key';
    is((vouch('identity', 'use', 'alex', $server->url('/who')))[0], 0, 'vouch identity use');
    is $who->('/who'), 'alex',   'is shown there';
    is $who->('/'),    'nobody', 'and nowhere else';
};

subtest 'uploads' => sub {
    1 while defined $server->next_line(0.01);
    my $file = spew("$dir/page.txt", 'from a file');
    is_deeply [vouch('put', $file, $server->url('/upload', 'titan'))],
        [0, "30 gemini://localhost/upload\n", q()], 'a file';
    is $server->next_line, $server->url('/upload;size=11;mime=text/plain by nobody', 'titan'),
        'its size and type';
    is $server->next_line, 'got from a file', 'and all of it';
    my @got = run_command([@vouch, 'put', '--mime', 'a/b', '--token', 't t', '-', $server->url('/upload')],
        stdin => 'in');
    is_deeply \@got, [0, "30 gemini://localhost/upload\n", q()], 'standard input';
    is $server->next_line, $server->url('/upload;size=2;mime=a/b;token=t%20t by nobody', 'titan'), 'as told';
    is $server->next_line, 'got in', 'all of it';
    is_deeply [vouch('put', '--delete', $server->url('/upload') =~ s{gemini://}{}r)],
        [0, "30 gemini://localhost/upload\n", q()], '--delete';
    is $server->next_line, $server->url('/upload;size=0 by nobody', 'titan'), 'is an upload of nothing';
    $server->next_line;
    is((vouch('put', $file, $server->url('/busy')))[0], 40, 'the class of a refusal');
    my ($status, $out) = vouch('put', '--json', $file, $server->url('/who'));
    is_deeply [$status, decode_json($out)->{status}], [60, 60], '--json';
    ($status, $out) = vouch('put', '--json', "$dir/absent", $server->url('/upload'));
    is_deeply [$status, decode_json($out)->{code}], [1, 'argument'], 'also of a failure';
    spew("$dir/nothing", q());
    is((vouch('put', "$dir/nothing", $server->url('/upload')))[0], 1, 'an empty file is no deletion');
    is((vouch('put', "$dir/absent",  $server->url('/upload')))[0], 1, 'nor one that is not there');
};

subtest 'called wrongly' => sub {
    my $url = $server->url('/');
    my @bad = (
        ['get'],
        ['get', $url,          'more'],
        ['get', '--nonsense',  $url],
        ['get', '--redirects', -1,  $url],
        ['get', '--key',       'x', $url],
        ['get', '--cert',      'x', '--identity',    'y', $url],
        ['get', '--ca',        'x', '--fingerprint', 'y', $url],
        ['get', '--timeout',   -1,  $url],
        ['put'],
        ['put', 'file'],
        ['put', 'file',     'https://localhost/'],
        ['put', 'file',     "$url;size=1"],
        ['put', '--delete', $url, $url],
    );
    for my $arg (@bad) {
        my ($status, $out, $err) = vouch(@$arg);
        is_deeply [$status, $out], [2, q()], join q( ), @$arg;
        like $err, qr/\Avouch $arg->[0]: [^\n]+\nvouch $arg->[0] .+\nvouch $arg->[0] --help tells more\n\z/s,
            'with how it is called';
        cmp_ok $err =~ tr/\n//, '<=', 4, '... and no more';
    }
    is((vouch('get', 'https://localhost/'))[0], 1, 'another protocol');
    is((vouch('get', '--ask', $url))[0], 1, '--ask without a terminal');
    for my $word (qw(get put trust identity)) {
        my ($status, $out, $err) = vouch($word, '--help');
        is_deeply [$status, $err], [0, q()], "$word --help";
        like $out, qr/\Avouch $word/, 'tells the usage';
    }
};

$server->stop;
done_testing;
