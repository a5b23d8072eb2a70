use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use File::Temp        ();
use Time::HiRes       ();
use VouchTest         qw(spew temp_dir);
use VouchTest::Gemini ();
use Vouch::Gemini::Client;

# Uploads with Titan, and servers that do not want them.

# Takes the body and says what it was.
sub take {
    my ($client, $line, $tell) = @_;
    my ($size) = $line =~ /;size=([0-9]+)/;
    my $body = q();
    while (length $body < $size) { last if !read $client, $body, $size - length $body, length $body }
    $tell->(length($body) . ' bytes' . (length $body < 100 ? ": $body" : q()));
    print {$client} "30 gemini://localhost/page\r\n";
    close $client;
    return;
}

# Says no when it has read the line, and reads on until the client is gone, as
# a server must that wants to be heard.
sub refuse {
    my ($client) = @_;
    print {$client} "59 too large\r\n";
    $client->stop_SSL(SSL_fast_shutdown => 1);
    1 while sysread $client, my $bytes, 65_536;
    close $client;
    return;
}

my $dir   = temp_dir();
my %pages = (
    '/page'   => \&take,
    '/refuse' => \&refuse,
    '/rude'   => sub { my ($client) = @_; print {$client} "59 no\r\n"; close $client },
    '/reset'  => sub {
        my ($client, $line, $tell) = @_;
        $client->peek(my $byte, 1);    # the body has come, and is not read
        print {$client} "59 no\r\n";
        close $client;
        $tell->('closed');
    },
    '/late' => sub {
        my ($client) = @_;
        Time::HiRes::sleep(0.01) while !-e "$dir/failed";
        print {$client} "59 late\r\n";
        close $client;
    },
    '/sulk'  => sub { my ($client) = @_; close $client },
    '/raw'   => "20 text/gemini\r\nraw text",
    '/stall' => sub { my ($client) = @_; sleep 1 while getppid != 1 },
);
my $server = VouchTest::Gemini->start(pages => \%pages);
my $known  = Vouch::KnownHosts->new(file => "$dir/known");
my $client = Vouch::Gemini::Client->new(known_hosts => $known, timeout => 20);

sub failure {
    my ($code) = @_;
    return eval { $code->(); 'none' } // $@->code . ": $@";
}

subtest 'a text' => sub {
    my $result =
        $client->upload($server->url('/page', 'titan'), 'hello', mime => 'text/plain', token => 'a b');
    is_deeply [map { "$_" } $server->next_lines(2)],
        [$server->url('/page;size=5;mime=text/plain;token=a%20b by nobody', 'titan'), '5 bytes: hello'],
        'is uploaded';
    is_deeply [map { $result->$_ } qw(status type)], [30, 'redirect'], 'the answer';
    is $result->url,    $server->url('/page', 'titan'), 'of the page';
    is $result->target, 'gemini://localhost/page',      'tells where it is';
    $client->upload($server->url('/page'), "\xFC");
    is $server->next_line, $server->url('/page;size=1 by nobody', 'titan'), 'a gemini URL will do';
    is $server->next_line, "1 bytes: \xFC",                                 'bytes are bytes';
};

subtest 'a deletion' => sub {
    $client->remove($server->url('/page'), token => 'x');
    is $server->next_line, $server->url('/page;size=0;token=x by nobody', 'titan'), 'is an upload of nothing';
    is $server->next_line, '0 bytes: ',                                             'with nothing';
};

subtest 'the text to edit' => sub {
    is $client->get($server->url('/raw;edit', 'titan'))->body, 'raw text', 'is read';
    is $server->next_line, $server->url('/raw;edit by nobody', 'titan'),   'as asked';
};

subtest 'a file' => sub {
    my $file = File::Temp->new;
    print {$file} 'x' x 3_000_000;
    $file->flush;
    open my $in, '<', $file->filename or die "$!";
    my $most = 0;
    my $result =
        $client->upload($server->url('/page'), $in, size => 3_000_000, on_progress => sub { $most = $_[0] });
    is $server->next_line, $server->url('/page;size=3000000 by nobody', 'titan'), 'its size is told';
    is $server->next_line, '3000000 bytes',                                       'all of it arrives';
    is $most,              3_000_000,                                             'and is counted';
    seek $in, 0, 0;
    like failure(sub { $client->upload($server->url('/page'), $in, size => 3_000_001) }),
        qr/\Aargument: .*shorter/,
        'not one that is shorter than promised';
    $server->next_lines(2);
    like failure(sub { $client->upload($server->url('/page'), $in) }), qr/\Aargument: .*size/,
        'nor without a size';
};

subtest 'a refusal in the middle' => sub {
    for my $size (1, 20_000_000) {
        my $result = $client->upload($server->url('/refuse'), 'x' x $size);
        is_deeply [map { $result->$_ } qw(status meta)], [59, 'too large'], "$size bytes: the reason is read";
        $server->next_line;
    }
    # This one is gone with all that was sent to it: nothing more can be
    # written, but what it said is there.
    my @told;
    my $reset = $client->upload(
        $server->url('/reset'),
        'x' x 400_000,
        on_progress => sub {
            my ($bytes) = @_;
            @told = $server->next_lines(2) if !@told && $bytes > Vouch::Gemini::Client::CHUNK;
        }
    );
    # Its answer may have come before the second piece.
    @told = $server->next_lines(2) if !@told;
    is $told[1], 'closed', 'a server that closes at once';
    is_deeply [map { $reset->$_ } qw(status meta)], [59, 'no'], 'what a server says that is gone';
    # Where writing fails before the answer is there, it is waited for.
    my $write = \&Vouch::Gemini::Connection::_write;
    no warnings 'redefine';
    local *Vouch::Gemini::Connection::_write = sub {
        my ($self, $bytes) = @_;
        return $write->($self, $bytes) if $bytes !~ /\Ax/;
        spew("$dir/failed", q());
        return;
    };
    my $broken = $client->upload($server->url('/late'), 'x' x 1000);
    is_deeply [map { $broken->$_ } qw(status meta)], [59, 'late'], 'after a write that fails';
    $server->next_line;
    local *Vouch::Gemini::Connection::_write = $write;
    # Such a server may be heard or not: TCP may throw the answer away.  But
    # the client ends, and knows whether it was.
    my $result = eval { $client->upload($server->url('/rude'), 'x' x 20_000_000) };
    ok $result ? $result->status == 59 : $@->code =~ /\A(?:closed|system)\z/, 'a rude server ends it';
    $server->next_line;
    like failure(sub { $client->upload($server->url('/sulk'), 'x' x 20_000_000) }), qr/\A(?:closed|system)/,
        'one that says nothing too';
    $server->next_line;
};

subtest 'what is wrong with it' => sub {
    my $url = $server->url('/page');
    like failure(sub { $client->upload($url, "\x{100}") }),           qr/\Aargument: .*wide/,   'characters';
    like failure(sub { $client->upload($url, 'x', mime => 'text') }), qr/\Aformat: .*type/,     'no type';
    like failure(sub { $client->upload($url, 'x', colour => 1) }),    qr/\Aargument: .*colour/, 'no argument';
    like failure(sub { $client->upload("$url;size=1", 'x') }),        qr/\Aformat: .*already/,  'twice';
    like failure(sub { $client->upload('https://localhost/', 'x') }), qr/\Aformat: .*titan/,    'no Titan';
    like failure(sub { $client->upload($url, 'x', token => 'x' x 1000) }), qr/\Alimit/,         'a long URL';
    is $server->next_line(0.05), undef, 'and nothing was sent';
};

subtest 'a server that takes nothing' => sub {
    my $hasty = Vouch::Gemini::Client->new(known_hosts => $known, timeout => 0.5);
    like failure(sub { $hasty->upload($server->url('/stall'), 'x' x 50_000_000) }), qr/\Atimeout/, 'is left';
};

$server->stop;
done_testing;
