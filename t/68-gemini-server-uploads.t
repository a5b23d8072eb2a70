use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::IP          ();
use IO::Select              ();
use VouchTest               qw(identity);
use VouchTest::GeminiServer qw(ask connected in_time read_answer send_raw start status_of url);

use Vouch::Certificate ();
use Vouch::Gemini::Server;

# Uploads with Titan: what is taken, what is refused before it is read, sizes
# that lie.

my @alex  = identity('alex', cn => 'Alex');
my @kim   = identity('kim',  cn => 'Kim');
my @known = Vouch::Certificate->from_file($alex[0])->fingerprint;

my $server = start(
    sub {
        my ($server, $tell) = @_;
        my $show = sub {
            my ($request) = @_;
            my $body = $request->is_edit ? 'edit' : length $request->body;
            return gemtext(join ' ', $request->path, $request->mime, $body,
                $request->is_delete ? 'delete' : ());
        };
        $server->get('/read' => sub { gemtext('') });
        $server->titan('/any'        => $show);
        $server->titan('/small'      => { max          => '10 B' }                     => $show);
        $server->titan('/large'      => { max          => '20 MB' }                    => $show);
        $server->titan('/page/:name' => { fingerprints => \@known }                    => $show);
        $server->titan('/token'      => { token        => ['one', 'two & 3'] }         => $show);
        $server->titan('/text'       => { types        => ['text/gemini', 'image/*'] } => $show);
        $server->titan('/edit'       => { edit         => 1 }                          => $show);
        $server->titan('/dies'       => sub { die "no\n" });
        $server->require('/members' => \@known);
        $server->titan('/members/x' => $show);
    },
    body_timeout => 0.8,
    idle_timeout => 0.4,
);

sub upload {
    my ($path, $parameters, $body, %how) = @_;
    return send_raw($server, url($server, $path, 'titan') . ";$parameters\r\n$body", %how);
}

subtest 'what is taken' => sub {
    is upload('/any', 'size=5', 'Hello')->{body},                 '/any text/gemini 5',        'gemtext';
    is upload('/any', 'mime=text/plain;size=5', 'Hello')->{body}, '/any text/plain 5',         'another type';
    is upload('/any', 'size=0', '')->{body},                      '/any text/gemini 0 delete', 'to delete';
    is upload('/small', 'size=10', 'x' x 10)->{body}, '/small text/gemini 10', 'as large as may be';
    is upload('/page/Kim', 'size=1', 'x', cert => \@alex)->{body},  '/page/Kim text/gemini 1', 'by who may';
    is upload('/token', 'size=1;token=two%20%26%203', 'x')->{body}, '/token text/gemini 1',    'with a token';
    is upload('/text', 'size=1;mime=image/png', 'x')->{body}, '/text image/png 1',      'of a type that fits';
    is upload('/edit', 'edit', '')->{body},                   '/edit text/gemini edit', ';edit';
    my $size = 10_000_000;
    is upload('/large', "size=$size", 'x' x $size)->{body}, "/large text/gemini $size", '10 MB';
    my $socket = connected($server);
    print {$socket} url($server, '/any', 'titan') . ";size=5\r\n";
    print {$socket} $_ for qw(H e l l o);
    is read_answer($socket)->{body}, '/any text/gemini 5', 'in pieces';
};

subtest 'what is refused' => sub {
    my @cases = (
        ['too large by one',      '/small',     'size=11',                   59],
        ['by nobody',             '/page/x',    'size=1',                    60],
        ['by somebody else',      '/page/x',    'size=1',                    61, cert => \@kim],
        ['by a rule for a path',  '/members/x', 'size=1',                    60],
        ['without a token',       '/token',     'size=1',                    59],
        ['with a wrong one',      '/token',     'size=1;token=on',           59],
        ['with a longer one',     '/token',     'size=1;token=onee',         59],
        ['of another type',       '/text',      'size=1;mime=text/html',     59],
        ['for who may only read', '/read',      'size=1',                    59],
        ['where nothing is',      '/nix',       'size=1',                    51],
        ['to edit',               '/any',       'edit',                      59],
        ['without a size',        '/any',       'mime=text/plain',           59],
        ['with a wrong size',     '/any',       'size=-1',                   59],
        ['with two sizes',        '/any',       'size=1;size=2',             59],
        ['with a huge size',      '/any',       'size=99999999999999999999', 59],
    );
    for my $case (@cases) {
        my ($name, $path, $parameters, $want, %how) = @$case;
        is status_of(upload($path, $parameters, 'x', %how)), $want, "$name: $want";
    }
    is ask($server, '/page/x')->{status},        51, 'an upload is no page';
    is upload('/dies', 'size=1', 'x')->{status}, 40, 'a function that dies';
    like $server->next_line, qr{^error titan://localhost:[0-9]+/dies: no}, '... is told, without parameters';
};

subtest 'sizes that lie' => sub {
    is upload('/any', 'size=4', 'Hello')->{meta}, 'The upload is longer than the 4 bytes it was to have',
        'more';
    my $socket = connected($server);
    print {$socket} url($server, '/any', 'titan') . ";size=100\r\nHello";
    my ($seconds, $answer) = in_time(sub { read_answer($socket) });
    is $answer->{meta}, 'The upload has taken too long', 'fewer, and then nothing';
    ok $answer->{clean}, '... with a goodbye';
    cmp_ok $seconds, '<', 10, '... in good time';
    $socket = connected($server);
    print {$socket} url($server, '/any', 'titan') . ";size=1000\r\n";
    my $slow = IO::Select->new($socket);
    my $sent = 0;
    while ($sent++ < 1000 && !$slow->can_read(0.02)) { print {$socket} 'x' }
    is read_answer($socket)->{meta}, 'The upload has taken too long', 'a byte now and then';
    cmp_ok $sent, '<', 1000, '... does not go on for ever';
};

# The client writes all before it reads: it must find the answer, not a reset.
subtest 'an early answer can be read' => sub {
    for my $version (qw(TLSv1_2 TLSv1_3)) {
        my $size   = 8_000_000;
        my $answer = upload('/small', "size=$size", 'x' x $size, SSL_version => $version);
        is $answer->{raw}, "59 An upload here has at most 10 bytes\r\n", "$version: after 8 MB";
        ok $answer->{clean}, '... with a goodbye';
    }
    my $socket = connected($server);
    print {$socket} url($server, '/page/x', 'titan') . ";size=5000000\r\n";
    is status_of(read_answer($socket)), 60, 'a client that waits for it sends nothing';
};

is status_of(ask($server, '/read')), 20, 'the next is served';
is $server->stop,                    0,  'the server ends well';

done_testing;
