use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Time::HiRes       ();
use VouchTest         qw(temp_dir);
use VouchTest::Gemini ();
use Vouch::Gemini::Client;
use Vouch::Socket;

# What the client makes of what servers say, right and wrong.

sub text {
    my ($bytes) = @_;
    return sub { my ($client) = @_; print {$client} $bytes; close $client }
}

my %pages = (
    '/page'      => "20 text/gemini; lang=en\r\n# Hello\n",
    '/latin'     => "20 text/plain; charset=ISO-8859-1\r\n\xFC",
    '/image'     => "20 image/png\r\n\x89PNG\r\n\0\xFF",
    '/empty'     => "20 text/plain\r\n",
    '/ask'       => "10 Your name?\r\n",
    '/secret'    => "11 Password?\r\n",
    '/gone'      => "52\r\n",
    '/slow-down' => "44 30\r\n",
    '/who'       => "60 who are you?\r\n",
    '/moved'     => "31 page\r\n",
    '/again'     => "30 /again\r\n",
    '/query'     => "30 ?x\r\n",
    '/page-q'    => "30 #x\r\n",
    '/http'      => "31 https://localhost/\r\n",
    '/upload'    => "30 titan://localhost/\r\n",
    '/userinfo'  => "30 gemini://a\@localhost/\r\n",
    '/nonsense'  => "30 gemini://local host/\r\n",
    '/nohost'    => "30 gemini:///x\r\n",
    '/undefined' => "29 text/plain\r\nwhat?",
    '/lf'        => "20 text/plain\nbare",
    '/nometa'    => "20\r\nhm",
    '/late-body' => "51 no\r\nbut here is a body",
    '/tab'       => "20\ttext/plain\r\n",
    '/low'       => "09 x\r\n",
    '/high'      => "70 x\r\n",
    '/http-head' => "HTTP/1.1 400 Bad Request\r\n\r\n",
    '/escape'    => "51 \e[2J\r\n",
    '/nul'       => "51 a\0b\r\n",
    '/notutf8'   => "51 \xFF\r\n",
    '/nowhere'   => "30 \r\n",
    '/silent'    => sub { my ($client) = @_; close $client },
    '/half'      => text('20 text/plain'),
    '/endless'   => sub { my ($client) = @_; 1 while print {$client} 'a' x 4096; close $client },
    '/flood'     => sub {
        my ($client) = @_;
        print         {$client} "20 text/plain\r\n";
        1 while print {$client} 'a' x 16_384;
        close $client;
    },
    '/pieces' => sub {
        my ($client) = @_;
        for (split //, "20 text/plain\r\nab") { print {$client} $_ }
        close $client;
    },
    '/cut' => sub {
        my ($client) = @_;
        print {$client} "20 text/plain\r\nthe end is mis";
        $client->close(SSL_no_shutdown => 1);
    },
    '/cut-error' => sub {
        my ($client) = @_;
        print {$client} "51 no\r\n";
        $client->close(SSL_no_shutdown => 1);
    },
    # These end when the client goes away.
    '/hang'      => sub { my ($client) = @_; my $more = <$client>; close $client },
    '/hang-body' => sub {
        my ($client) = @_;
        print {$client} "20 text/plain\r\nbegin";
        my $more = <$client>;
        close $client;
    },
    '/drip' => sub {
        my ($client) = @_;
        print {$client} "20 text/plain\r\n";
        while (print {$client} '.') { last if $client->peek(my $byte, 1) }
        close $client;
    },
);
$pages{'/hop5'}  = "20 text/plain\r\narrived";
$pages{"/hop$_"} = '30 hop' . ($_ + 1) . "\r\n" for 0 .. 4;

my $server = VouchTest::Gemini->start(pages => \%pages);
my $known  = Vouch::KnownHosts->new(file => temp_dir() . '/known');
my $client = Vouch::Gemini::Client->new(known_hosts => $known, timeout => 20);

sub get { my ($path, @arg) = @_; return $client->get($server->url($path), @arg) }

# The code and the words of what it dies with.
sub failure {
    my ($path, @arg) = @_;
    return eval { get($path, @arg); 'no failure' } // $@->code . ": $@";
}

subtest 'a page' => sub {
    my $page = get('/page');
    is $server->next_line, $server->url('/page') . ' by nobody', 'what was asked';
    is_deeply [$page->status, $page->meta, $page->type], [20, 'text/gemini; lang=en', 'success'], 'success';
    is $page->body, "# Hello\n", 'the body';
    is $page->size, 8,           'its size';
    is_deeply [$page->mime, $page->charset, $page->parameter('LANG')], ['text/gemini', 'utf-8', 'en'], 'type';
    is $page->text, "# Hello\n", 'as characters';
    ok $page->is_closed_properly, 'all of it';
    is_deeply [$page->warnings], [], 'nothing to warn of';
    is $page->tls,                      'TLSv1.3', 'TLS';
    is $page->certificate->common_name, 'capsule', 'the certificate';
    is $page->identity,                 undef,     'nobody';
    is get('/latin')->text,             "\x{FC}",  'another character set';
    my $image = get('/image');
    is_deeply [$image->body, scalar $image->text, scalar $image->charset],
        ["\x89PNG\r\n\0\xFF", undef, undef], 'no text';
    is get('/empty')->body,  q(),  'an empty page';
    is get('/pieces')->body, 'ab', 'in many records';
};

subtest 'each class' => sub {
    my %want = (
        '/ask'       => ['input',       10, 'Your name?',   'input'],
        '/secret'    => ['input',       11, 'Password?',    'sensitive input'],
        '/slow-down' => ['temporary',   44, '30',           'slow down'],
        '/gone'      => ['permanent',   52, q(),            'gone'],
        '/other'     => ['permanent',   51, 'not found',    'not found'],
        '/who'       => ['certificate', 60, 'who are you?', 'client certificate required'],
    );
    for my $path (sort keys %want) {
        my $result = get($path);
        is_deeply [map { $result->$_ } qw(type status meta meaning)], $want{$path}, $path;
        is $result->body, q(), "$path: no body";
        ok $result->is_closed_properly, "$path: closed";
        is_deeply [$result->warnings], [], "$path: nothing to warn of";
    }
    ok get('/secret')->is_sensitive && !get('/ask')->is_sensitive, 'sensitive or not';
};

subtest 'what is sent' => sub {
    1 while defined $server->next_line(0.01);
    my $base = $server->url(q());
    my %sent = (
        $base                                                   => "$base/",
        "$base/a/../b#frag"                                     => "$base/b",
        "$base/\xC3\xBC?\xC3\xBC"                               => "$base/%C3%BC?%C3%BC",
        "$base/%7ea?q%20r"                                      => "$base/~a?q%20r",
        uc($base =~ s/:\d+\z//r) . $base =~ s/.*(?=:)//r . '/x' => "$base/x",
    );
    for my $url (sort keys %sent) {
        $client->get($url);
        is $server->next_line, "$sent{$url} by nobody", $url;
    }
    for my $bad (
        'https://localhost/',  'localhost', '/x', 'gemini://a@localhost/',
        'titan://localhost/x', 'gemini:///'
        )
    {
        is eval { $client->get($bad); 'fine' } // $@->code, 'argument', "$bad is refused";
    }
    is eval { $client->get('gemini://localhost/' . 'a' x 1010); 'fine' } // $@->code, 'limit',
        'a long one too';
    is $server->next_line(0.01), undef, 'and nothing was asked';
};

subtest 'redirects' => sub {
    my $moved = get('/moved?old');
    is $moved->url, $server->url('/page'), 'followed, without the query';
    is_deeply [$moved->redirects], [$server->url('/moved?old')], 'and told';
    is get('/hop0')->body, 'arrived', 'five are followed';
    my $six = get('/again');
    is_deeply [$six->status, $six->type, $six->stopped], [30, 'redirect', 'it is the one after 5'], 'not six';
    is scalar(my @five = $six->redirects), 5, 'which are told';
    my $none = get('/moved', max_redirects => 0);
    is_deeply [$none->type, $none->stopped, $none->target], ['redirect', undef, $server->url('/page')],
        'none if told so';
    is get('/query?a')->target,                           $server->url('/query?x'),  'a new query';
    is get('/page-q?secret', max_redirects => 0)->target, $server->url('/page-q#x'), 'never the old query';
    my %stopped = (
        '/http'     => 'it leads to another protocol',
        '/upload'   => 'it leads to another protocol',
        '/userinfo' => 'it leads to a URL with a user name',
        '/nohost'   => 'it leads to no host',
        '/nonsense' => 'it leads to no URL',
    );

    for my $path (sort keys %stopped) {
        my $result = get($path);
        is_deeply [$result->type, $result->stopped], ['redirect', $stopped{$path}], "$path: $stopped{$path}";
    }
};

subtest 'what is forgiven, and told' => sub {
    my %want = (
        '/undefined' => [29, 'what?',          qr/status is not one/],
        '/lf'        => [20, 'bare',           qr/LF alone/],
        '/nometa'    => [20, 'hm',             qr/no meta/],
        '/late-body' => [51, q(),              qr/a body with a status that has none/],
        '/cut'       => [20, 'the end is mis', qr/close_notify/],
        '/cut-error' => [51, q(),              qr/close_notify/],
    );
    for my $path (sort keys %want) {
        my ($status, $body, $warning) = @{ $want{$path} };
        my $result = get($path);
        is_deeply [$result->status, $result->body], [$status, $body], $path;
        like join("\n", $result->warnings), $warning, "$path is told";
        is $result->is_closed_properly, $path =~ /cut/ ? 0 : 1, "$path: close_notify";
    }
    is get('/nometa')->mime,    'text/gemini', 'gemtext where no type is told';
    is get('/undefined')->type, 'success',     'the class counts';
};

subtest 'what is not' => sub {
    like failure("/$_"), qr/\Aformat: .*header/, $_ for qw(tab low high http-head escape nul notutf8 nowhere);
    unlike failure('/escape'), qr/\e/,                            'without its control characters';
    like failure('/silent'),   qr/\Aclosed: .*without an answer/, 'no answer';
    like failure('/half'),     qr/\Aclosed: .*without an answer/, 'half an answer';
    like failure('/endless'),  qr/\A(?:format|limit): .*header/,  'a header without end';
};

subtest 'limits' => sub {
    like failure('/flood', max_size => 100_000), qr/\Alimit: .* 100000 bytes/, 'too large';
    is get('/page', max_size => 8)->size, 8, 'just as large as allowed';
    like failure('/page', max_size => 7), qr/\Alimit/, 'a byte more';
    my $sum = 0;
    like failure('/flood', max_size => 300_000, on_body => sub { $sum += length $_[0] }), qr/\Alimit/,
        'the limit holds for a callback too';
    cmp_ok $sum, '<=', 300_000, 'which gets no more';
};

subtest 'callbacks' => sub {
    my (@seen, $body);
    my $result = get(
        '/moved',
        on_header => sub { push @seen, $_[0]->status },
        on_body   => sub { $body .= $_[0] },
    );
    is_deeply \@seen, [31, 20], 'each header';
    is $body, "# Hello\n", 'the body in pieces';
    is_deeply [$result->body, $result->size], [q(), 8], 'which is not kept';
    is eval {
        get('/page', on_body => sub { die "enough\n" });
        1;
    } // $@, "enough\n", 'what it dies with is thrown';
};

subtest 'deadlines' => sub {
    my $hasty = Vouch::Gemini::Client->new(known_hosts => $known, timeout => 0.3);
    my $brief = Vouch::Gemini::Client->new(known_hosts => $known, timeout => 20, deadline => 0.5);
    my %wait  = (
        '/hang'      => [$hasty, 'nothing came for 0.3 seconds'],
        '/hang-body' => [$hasty, 'nothing came for 0.3 seconds'],
        '/drip'      => [$brief, 'the time for the whole request is over'],
    );
    for my $path (sort keys %wait) {
        my ($with, $words) = @{ $wait{$path} };
        my $start = Time::HiRes::time();
        like eval { $with->get($server->url($path)); 'fine' } // $@->code . ": $@",
            qr/\Atimeout: .*\Q$words\E/, $path;
        cmp_ok Time::HiRes::time() - $start, '<', 15, "$path: in time";
    }
    is get('/page')->status, 20, 'and the next request is served';
    my $mute = Vouch::Socket->new(
        LocalAddr          => '127.0.0.1',
        LocalPort          => 0,
        Listen             => 5,
        SSL_startHandshake => 0,
        SSL_server         => 1,
        SSL_cert_file      => (VouchTest::identity('mute'))[0],
        SSL_key_file       => (VouchTest::identity('mute'))[1]
    );
    like eval { $hasty->get('gemini://127.0.0.1:' . $mute->sockport . '/'); 'fine' } // $@->code,
        qr/\Atimeout/,
        'a server that does no handshake';
};

subtest 'nobody there' => sub {
    my $socket = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1);
    my $free   = $socket->sockport;
    close $socket;
    like eval { $client->get("gemini://127.0.0.1:$free/"); 'fine' } // $@->code . ": $@",
        qr/\Asystem: cannot connect to 127\.0\.0\.1:$free: Connection refused/, 'refused, with words';
};

subtest 'arguments' => sub {
    my %bad = (
        'an unknown one'       => [sub { Vouch::Gemini::Client->new(colour  => 1) }],
        'two ways to trust'    => [sub { Vouch::Gemini::Client->new(ca_file => 'x', fingerprint => 'y') }],
        'of get'               => [sub { $client->get('gemini://localhost/', colour   => 1) }],
        'a name, and no names' => [sub { $client->get('gemini://localhost/', identity => 'alex') }],
    );
    for my $name (sort keys %bad) {
        is eval { $bad{$name}[0]->(); 'fine' } // $@->code, 'argument', $name;
    }
};

$server->stop;
done_testing;
