use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'IO::Pty' => 'libio-pty-perl';

use Time::HiRes         ();
use VouchTest           qw(identity temp_dir);
use VouchTest::Gemini   ();
use VouchTest::Terminal ();
use Vouch::Certificate;
use Vouch::KnownHosts;

# "vouch get" on a terminal: questions, the dialogue about a pin, the bar, and
# nothing that moves the cursor about.

my $dir = temp_dir();
$ENV{XDG_DATA_HOME} = "$dir/data";
my @vouch = ($^X, map({ "-I$_" } grep { !ref } @INC), 'script/vouch');
my @files = identity('capsule', san => ['localhost']);
my @other = identity('other',   san => ['localhost']);

my %pages = (
    '/'    => "20 text/plain\r\nhello\n",
    '/ask' => sub {
        my ($client, $line) = @_;
        my $sensitive = $line =~ m{/ask\?} ? 0 : 1;
        print {$client} $line =~ /\?(.*)\r\n/ ? "20 text/plain\r\nyou said $1" : "11 Password?\r\n";
        close $client;
    },
    '/wild'   => "20 text/plain\r\n\e[2Jgone\x07\xC2\x9B31m\n",
    '/prompt' => "10 a\xE2\x80\xAEb?\r\n",
    '/taken'  => sub {
        my ($client, $line) = @_;
        my ($size) = $line =~ /;size=([0-9]+)/;
        my $body = q();
        while (length $body < $size) { last if !read $client, $body, $size - length $body, length $body }
        print {$client} "20 text/plain\r\n\e[2Jthanks\n";
        close $client;
    },
    '/image' => "20 image/png\r\n\x89PNG",
    '/slow'  => sub {
        my ($client) = @_;
        print {$client} "20 application/octet-stream\r\n";
        for (1 .. 12) { print {$client} 'x' x 1000; Time::HiRes::sleep(0.15) }
        close $client;
    },
);
my $server = VouchTest::Gemini->start(files => \@files, pages => \%pages);
my $known  = Vouch::KnownHosts->new;
my $port   = $server->port;

sub on_terminal {
    my ($path, @arg) = @_;
    return VouchTest::Terminal->run(@vouch, 'get', @arg, $server->url($path));
}

subtest 'first use' => sub {
    my ($status, $all) = on_terminal('/')->end;
    is $status, 0, 'is trusted';
    like $all, qr/\Alocalhost:$port was never seen before; .*\nhello\n\z/s, 'and told';
    is_deeply [on_terminal('/')->end], [0, "hello\n"], 'once';
    $known->remove('localhost', $port);
    my $terminal = on_terminal('/', '--ask');
    ok $terminal->expect(qr{Trust it\? \(no/once/always\) }), 'or asked with --ask';
    $terminal->type("\r");
    ($status, $all) = $terminal->end;
    is $status, 3, 'an empty answer is no';
    unlike $all, qr/hello/, 'and nothing was fetched';
};

subtest 'changed' => sub {
    my $old = Vouch::Certificate->from_file($other[0]);
    $known->accept('localhost', $port, $old);
    for my $answer (qw(no o a)) {
        my $terminal = on_terminal('/');
        ok $terminal->expect(qr/shows another certificate/), "$answer: the verdict";
        ok $terminal->expect(
            qr/shown: .*\Q@{[Vouch::Certificate->from_file($files[0])->fingerprint(spelling => 'lower')]}\E/),
            'what is shown';
        ok $terminal->expect(qr/known: .*\Q@{[$old->fingerprint]}\E/), 'what is known';
        ok $terminal->expect(qr/Trust it\?/),                          'the question';
        $terminal->type("$answer\r");
        my ($status, $all) = $terminal->end;
        is $status, $answer eq 'no' ? 3 : 0, 'the end';
        is $all =~ /^hello$/m ? 1 : 0, $answer eq 'no' ? 0 : 1, 'the page';
        is $known->check('localhost', $port, $old)->is_known ? 1 : 0, $answer eq 'a' ? 0 : 1,
            'what is known then';
    }
    is_deeply [on_terminal('/')->end], [0, "hello\n"], 'it is asked no more';
    $known->accept('localhost', $port, $old);
    my ($status, $all) = on_terminal('/', '--no-ask')->end;
    is $status, 3, 'nor with --no-ask';
    unlike $all, qr/Trust it/, 'but refused';
    $known->accept('localhost', $port, Vouch::Certificate->from_file($files[0]));
};

subtest 'a question of the server' => sub {
    my $terminal = on_terminal('/ask');
    ok $terminal->expect(qr/Password\? /), 'is asked';
    $terminal->type("s3cret word\r");
    my ($status, $all) = $terminal->end;
    is $status, 0, 'and answered';
    like $all,   qr/you said s3cret%20word\n\z/, 'as typed';
    unlike $all, qr/s3cret word/,                'and what is typed is not shown';
    $terminal = on_terminal('/ask', '--no-ask');
    is_deeply [$terminal->end], [10, "11 Password?\n"], 'not with --no-ask';
    $terminal = on_terminal('/prompt');
    ok $terminal->expect(qr/a\?b\? /), 'a prompt is plain';
    $terminal->type("\cD");
    is(($terminal->end)[0], 10, 'the end of input is no answer');
};

subtest 'what would harm a terminal' => sub {
    is_deeply [on_terminal('/wild')->end], [0, "?[2Jgone??31m\n"], 'is not printed';
    my $put = VouchTest::Terminal->run(@vouch, 'put', __FILE__, $server->url('/taken'));
    is_deeply [$put->end], [0, "20 text/plain\n?[2Jthanks\n"], 'nor what answers an upload';
    is_deeply [on_terminal('/image')->end], [0, "this is image/png, not text: save it with --output\n"],
        'nor is an image';
};

subtest 'a bar' => sub {
    my ($status, $all) = on_terminal('/slow', '--output', "$dir/slow")->end;
    is $status, 0, 'a slow page';
    like $all, qr{\r[0-9.]+ kB  [0-9.]+ k?B/s}, 'shows how far it is';
    like $all, qr/\r\e\[K\z/,                   'and clears it';
    is -s "$dir/slow", 12_000, 'all is there';
    is_deeply [on_terminal('/slow', '--quiet', '--output', "$dir/quiet")->end], [0, q()], 'not with --quiet';
};

$server->stop;
done_testing;
