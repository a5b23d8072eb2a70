use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl', 'Mojo::IOLoop' => 'libmojolicious-perl';

use POSIX                   ();
use Time::HiRes             qw(CLOCK_MONOTONIC clock_gettime);
use VouchTest               qw(identity spew temp_dir);
use VouchTest::GeminiServer qw(ask read_answer send_raw);
use VouchTest::Peer         ();

use Vouch::Certificate ();
use Vouch::Gemini::Server;
use Vouch::Listener ();

# Inside other programs: bytes in, bytes out; a socket; Net::Server; Mojolicious.

my ($cert, $key) = VouchTest::GeminiServer::files();
my @alex = identity('alex', cn => 'Alex');
my $alex = Vouch::Certificate->from_file($alex[0]);
my @told;
my $server = Vouch::Gemini::Server->new(
    host         => 'localhost',
    cert         => $cert,
    key          => $key,
    on_error     => sub { push @told, $_[0] },
    rate         => '100/1h',
    idle_timeout => 5,
);
my $script = spew(temp_dir() . '/cgi', "#!$^X\nprint qq(20 text/plain\\r\\nhello);\n");
chmod oct 755, $script;
$server->get('/' => sub { gemtext("# Hello\n") });
$server->get(
    '/who' => sub {
        gemtext(join ' ', $_[0]->certificate ? $_[0]->certificate->common_name : '-', $_[0]->address // '-');
    }
);
$server->get(
    '/bits' => sub {
        my $n = 0;
        success('text/plain', sub { $n++ < 3 ? $n : undef });
    }
);
$server->get(
    '/die' => sub {
        success('text/plain', sub { die "no\n" });
    }
);
$server->cgi('/cgi' => $script);
$server->titan('/up' => sub { gemtext(length $_[0]->body) });

# All that comes without waiting for anything.
sub output {
    my ($session) = @_;
    my $text = '';
    while (length(my $out = $session->output // '')) { $text .= $out; $session->progress }
    return $text;
}

subtest 'bytes in, bytes out' => sub {
    my $session = $server->session(certificate => $alex, address => '192.0.2.7');
    is output($session), '', 'nothing before the request';
    $session->receive($_) for split //, "gemini://localhost/who\r";
    is output($session), '', 'nor before its end';
    ok !$session->is_done, 'it is not done';
    $session->receive("\n");
    is output($session), "20 text/gemini\r\nAlex 192.0.2.7", 'the answer';
    ok $session->is_done && !$session->is_cut, 'done';
    $session->receive('more');
    is $session->output, undef, 'what comes later is nothing';
};

subtest 'whoever it is' => sub {
    my $session = $server->session;
    $session->receive("gemini://localhost/who\r\n");
    is output($session), "20 text/gemini\r\n- -", 'nothing is known about the peer';
};

subtest 'the end of what comes' => sub {
    my $session = $server->session;
    $session->receive_end;
    is output($session), '', 'at once: no answer';
    ok $session->is_done, 'done';
    $session = $server->session;
    $session->receive('gemini://local');
    $session->receive_end;
    is output($session), "59 The request has no end\r\n", 'in a request';
    $session = $server->session;
    $session->receive("titan://localhost/up;size=10\r\nhalf");
    $session->receive_end;
    is output($session), "59 The upload has ended after 4 of 10 bytes\r\n", 'in an upload';
};

subtest 'deadlines' => sub {
    my $session = $server->session;
    my $left    = $session->deadline - clock_gettime(CLOCK_MONOTONIC);
    ok $left > 25 && $left <= 30, 'for a request';
    $session->expire;
    ok $session->is_done, 'who has said nothing gets nothing';
    $session = $server->session;
    $session->receive('gemini:');
    $session->expire;
    is output($session), "59 The request has taken too long\r\n", 'half a request';
    $session = $server->session;
    $session->receive("gemini://localhost/bits\r\n");
    is $session->output, "20 text/plain\r\n", 'in an answer';
    $session->expire;
    ok $session->is_done && $session->is_cut, '... it is cut';
    is $session->output, undef, '... and nothing more comes';
};

subtest 'an answer that is made bit by bit' => sub {
    my $session = $server->session;
    $session->receive("gemini://localhost/bits\r\n");
    is_deeply [map { scalar $session->output } 1 .. 5], ["20 text/plain\r\n", 1, 2, 3, undef],
        'one bit for each call';
    $session = $server->session;
    $session->receive("gemini://localhost/die\r\n");
    is output($session), "20 text/plain\r\n", 'a function that dies';
    ok $session->is_cut, '... is cut';
    like $told[-1], qr{/die: no}, '... and told';
    $session = $server->session;
    $session->receive("gemini://localhost/bits\r\n");
    $session->output;
    $session->abandon;
    ok $session->is_done && $session->is_cut, 'the peer has gone';
};

subtest 'a program' => sub {
    my $session = $server->session;
    $session->receive("gemini://localhost/cgi\r\n");
    my $text = '';
    my $end  = clock_gettime(CLOCK_MONOTONIC) + 20;
    until ($session->is_done || clock_gettime(CLOCK_MONOTONIC) > $end) {
        my %want = $session->program ? $session->program->wants : ();
        my ($in, $out) = ('', '');
        for my $fd (keys %want) {
            vec($in,  $fd, 1) = 1 if $want{$fd} & 1;
            vec($out, $fd, 1) = 1 if $want{$fd} & 2;
        }
        select $in, $out, undef, 0.05;
        $session->proceed;
        $text .= output($session);
    }
    is $text, "20 text/plain\r\nhello", 'is waited for by the program around';
    ok !$session->is_cut, 'and all of it has come';
};

subtest 'an early answer' => sub {
    my $session = $server->session;
    $session->receive("titan://localhost/nix;size=10\r\n");
    is output($session), "51 There is no such page\r\n", 'before the upload';
    ok $session->is_early, 'says that more may come';
    $session = $server->session;
    $session->receive("titan://localhost/up;size=2\r\nab");
    is output($session), "20 text/gemini\r\n2", 'after it';
    ok !$session->is_early, 'says that none may';
};

subtest 'a socket that was accepted elsewhere' => sub {
    my $listener = Vouch::Listener->new(LocalAddr => '127.0.0.1', $server->tls) or die;
    my $there    = { port => $listener->sockport };
    my $own      = Vouch::Gemini::Server->new(host => 'localhost', cert => $cert, key => $key, url_port => 0);
    $own->get('/who' => sub { gemtext($_[0]->certificate ? $_[0]->certificate->common_name : 'nobody') });
    my $pid = fork // die;
    if ($pid == 0) {
        $own->serve($listener->accept) for 1 .. 2;
        POSIX::_exit(0);
    }
    is ask($there, '/who', cert => \@alex)->{body}, 'Alex', 'with a certificate';
    my $answer = ask($there, '/who');
    is $answer->{body}, 'nobody', 'without';
    ok $answer->{clean}, 'with a goodbye';
    waitpid $pid, 0;
    is $?, 0, 'the program goes on';
};

# A program of another kind: it prints its port, and is asked.
sub program {
    my ($name, $code) = @_;
    my $file = spew(temp_dir() . "/$name.pl", $code);
    my $peer = VouchTest::Peer->start($^X, (map { "-I$_" } @INC), $file, $cert, $key);
    my $port = $peer->wait_for(qr/port ([0-9]+)/);
    return ($peer, { port => $port });
}

my $ROUTES = <<'PERL';
my ($cert, $key) = @ARGV;
@ARGV = ();
my $gemini = Vouch::Gemini::Server->new(host => 'localhost', cert => $cert, key => $key, url_port => 0);
$gemini->get('/who'  => sub { gemtext($_[0]->certificate ? $_[0]->certificate->common_name : 'nobody') });
$gemini->get('/bits' => sub { my $n = 0; success('text/plain', sub { $n++ < 100 ? "$n\n" x 1000 : undef }) });
$gemini->titan('/up' => { max => '2 MB' } => sub { gemtext(length $_[0]->body) });
PERL

subtest 'Net::Server' => sub {
    my ($peer, $there) = program('net-server', <<"PERL");
package Mine;
use v5.16; use warnings;
use parent 'Net::Server::Fork';
use Vouch::Gemini::Server;
$ROUTES
sub process_request { my (\$self, \$client) = \@_; \$gemini->serve(\$client) }
sub post_bind_hook { my (\$self) = \@_; \$| = 1; print 'port ', \$self->{server}{sock}[0]->sockport, "\\n" }
Mine->run(proto => 'vouch', host => '127.0.0.1', port => 0, log_level => 0, \$gemini->tls);
PERL
    is ask($there, '/who', cert => \@alex)->{body}, 'Alex', 'with a certificate';
    my $answer = ask($there, '/bits');
    is length $answer->{body}, length(join '', map { "$_\n" x 1000 } 1 .. 100), 'a long one';
    ok $answer->{clean}, 'with a goodbye';
    is send_raw($there, "titan://localhost:$there->{port}/up;size=1000000\r\n" . 'x' x 1_000_000)->{body},
        1_000_000, 'an upload';
    kill TERM => $peer->pid;
    $peer->finish;
};

subtest 'Mojolicious' => sub {
    my $example = 'examples/gemini-mojo.pl';
    my $peer    = VouchTest::Peer->start($^X, (map { "-I$_" } @INC), $example, $cert, $key, 0);
    my $there   = { port => scalar $peer->wait_for(qr/port ([0-9]+)/) };
    my $answer  = ask($there, '/', cert => \@alex);
    like $answer->{body}, qr/Alex/, 'with a certificate';
    ok $answer->{clean}, 'with a goodbye';
    is length ask($there, '/long')->{body},                                    1_000_000, 'a long one';
    is send_raw($there, "gemini://localhost:$there->{port}/#x\r\n")->{status}, 59,        'a refusal';
    kill TERM => $peer->pid;
    $peer->finish;
};

done_testing;
