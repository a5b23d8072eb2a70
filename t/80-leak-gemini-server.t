use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Test::LeakTrace' => 'libtest-leaktrace-perl';

use Test::LeakTrace qw(leaked_count);

use VouchTest          qw(identity spew temp_dir);
use Vouch::Authorities ();
use Vouch::Certificate ();
use Vouch::Gemini::Server;

# Sessions of a server, whatever becomes of them, keep nothing; nor does a server.

my ($file, $key) = identity('leak', cn => 'localhost');
my $certificate = Vouch::Certificate->from_file($file);
my $nonsense    = spew(temp_dir() . '/nonsense', 'nonsense');
my $program     = spew(temp_dir() . '/cgi',      "#!/bin/sh\nexit 0\n");
chmod oct 755, $program;

sub server {
    my $server = Vouch::Gemini::Server->new(
        host             => 'localhost',
        cert             => $file,
        key              => $key,
        on_error         => sub { },
        rate             => '1000000/1s',
        certificate_rate => '1000000/1s',
        log              => sub { },
    );
    $server->get('/get/:x' => sub { gemtext($_[0]->param('x')) });
    $server->get(
        '/bits' => sub {
            my $n = 0;
            success('text/plain', sub { $n++ < 3 ? 'x' : undef });
        }
    );
    $server->get('/die' => sub { die "no\n" });
    $server->titan('/up' => sub { gemtext(length $_[0]->body) });
    $server->require('/ca'   => { ca => $file });
    $server->require('/list' => [$certificate->fingerprint]);
    $server->static('/files' => 't', listing => 1);
    $server->cgi('/cgi' => $program);
    $server->redirect('/old/:x' => '/new/:x');
    $server->host('other.example')->get('/' => sub { gemtext('') });
    return $server;
}

# One that is there every time.
sub no_leak {
    my ($name, $code) = @_;
    my $once = sub { $code->(); return };
    $once->() for 1 .. 3;
    my $leaked;
    for (1 .. 4) {
        $leaked = leaked_count(sub { $once->() });
        last if !$leaked;
    }
    is $leaked, 0, $name;
    return;
}

my $server = server();

sub session {
    my ($request, $pieces) = @_;
    my $session = $server->session(certificate => $certificate, address => '192.0.2.1');
    $session->receive($request);
    for (1 .. $pieces // 100) { length($session->output // '') or last }
    $session->abandon;
    return;
}

my %request = (
    'a page'            => "gemini://localhost/get/x\r\n",
    'a body bit by bit' => "gemini://localhost/bits\r\n",
    'one that dies'     => "gemini://localhost/die\r\n",
    'no page'           => "gemini://localhost/nix\r\n",
    'a redirect'        => "gemini://localhost/old/x\r\n",
    'authorities'       => "gemini://localhost/ca\r\n",
    'a list'            => "gemini://localhost/list\r\n",
    'files'             => "gemini://localhost/files/\r\n",
    'another host'      => "gemini://other.example/\r\n",
    'nonsense'          => "nonsense\r\n",
    'half a request'    => 'gemini://loc',
    'an upload'         => "titan://localhost/up;size=3\r\nabc",
    'half an upload'    => "titan://localhost/up;size=3\r\na",
    'too much'          => "titan://localhost/up;size=3\r\nabcd",
);
for my $name (sort keys %request) {
    no_leak($name, sub { session($request{$name}) });
}
no_leak('a body that is broken off', sub { session($request{'a body bit by bit'}, 2) });
no_leak(
    'a program that is left',
    sub {
        session(
            "gemini://localhost/cgi
"
        );
        Vouch::Gemini::Server::Program::sweep(0, 1);
    }
);
no_leak('a server', sub { server() });
no_leak(
    'authorities that are none',
    sub {
        eval { Vouch::Authorities->from_file($nonsense) };
        eval { Vouch::Authorities->from_file($file)->problem($certificate, chain => [1]) };
    }
);

done_testing;
