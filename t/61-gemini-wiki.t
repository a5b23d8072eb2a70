use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use Cwd                  ();
use POSIX                ();
use Time::HiRes          qw(sleep time);
use VouchTest            qw(identity run_command slurp spew temp_dir);
use VouchTest::NetServer ();
use VouchTest::Peer      ();
use Vouch::Certificate   ();
use Vouch::Socket;

# The Gemini wiki of the examples, and the lines of the wiki of 2020: with
# our protocol by name, by argument, and with nothing changed at all.

my @server = identity('server', cn => 'localhost', san => ['127.0.0.1', 'localhost']);
my @alex   = identity('alex',   cn => 'Alex');
my @berta  = identity('berta',  cn => 'Berta');
my $alex   = Vouch::Certificate->from_file($alex[0])->fingerprint;

my %run = (SSL_verify_mode => 1, SSL_cert_file => $server[0], SSL_key_file => $server[1]);

sub ask {
    my ($port, $request, %arg) = @_;
    my $socket =
        Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => $port, SSL_ca_file => $server[0], %arg)
        or return "no connection: $SSL_ERROR";
    print {$socket} $request;
    local $/;
    return scalar <$socket>;
}

my @as_alex  = (SSL_cert_file => $alex[0],  SSL_key_file => $alex[1]);
my @as_berta = (SSL_cert_file => $berta[0], SSL_key_file => $berta[1]);

# The lines of the article, word for word.
my $WIKI = <<'PERL';
sub process_request {
    my ($self) = @_;
    my $url = <STDIN>;
    $url =~ s/\r\n//;
if ($url =~ m!/do/test$!) {
  say "20 text/plain\r";
  say "Test";
  say $self->{server}->{client}->get_fingerprint();
  say $self->{server}->{client}->dump_peer_certificate();
  say $self->{server}->{client}->peer_certificate('cn');
  return 1;
}
}
PERL

my $TEST = "20 text/plain\r\nTest\n$alex\nSubject Name: /CN=Alex\nIssuer  Name: /CN=Alex\n\nAlex\n";

sub check_lines {
    my ($server, $how) = @_;
    for my $version (qw(TLSv1_2 TLSv1_3)) {
        is ask($server->port, "gemini://localhost/do/test\r\n", @as_alex, SSL_version => $version), $TEST,
            "$how, $version: who the client is";
    }
    return;
}

subtest 'the wiki of 2020, three ways' => sub {
    my $code   = "$WIKI\nsub arguments { return (SSL_verify_callback => sub { 1 }) }";
    my $server = VouchTest::NetServer->start(Fork => \%run, $code);
    check_lines($server, q{proto => 'vouch'});
    $server = VouchTest::NetServer->start(
        Fork => \%run,
        $code,
        proto => 'ssl',
        argv  => ['--proto=vouch']
    );
    check_lines($server, '--proto=vouch');
    $server = VouchTest::NetServer->start(
        Fork => \%run,
        $code,
        proto => 'ssl',
        env   => { PERL5OPT => '-MVouch::Instead' }
    );
    check_lines($server, 'PERL5OPT=-MVouch::Instead');
    like ask($server->port, "gemini://localhost/do/test\r\n"),
        qr/\A20 text\/plain\r\nTest\n\nSubject Name: undefined\n/,
        'and without a certificate';
    kill HUP => $server->pid;
    $server->wait_until_ready;
    check_lines($server, 'after SIGHUP');
};

subtest 'a copy of the protocol ssl in a folder of the program' => sub {
    my $lib = temp_dir() . '/patched';
    mkdir "$lib$_" or die $! for '', '/Net', '/Net/Server', '/Net/Server/Proto';
    spew("$lib/Net/Server/Proto/SSL.pm", "package Net::Server::Proto::SSL; die 'the copy was loaded'; 1;\n");
    my $server = VouchTest::NetServer->start(
        Fork => \%run,
        "use lib '$lib'; $WIKI\nsub arguments { return (SSL_verify_callback => sub { 1 }) }",
        proto => 'ssl',
        env   => { PERL5OPT => '-MVouch::Instead' }
    );
    check_lines($server, 'is not used');
};

# --- the example ---------------------------------------------------------------

my $dir = temp_dir() . '/wiki';
mkdir $dir or die $!;
spew("$dir/trusted", "# who may write\n$alex  Alex\n");

sub start_wiki {
    local $ENV{PERL5LIB} = join ':', map { Cwd::abs_path($_) } grep { !ref && -d } @INC;
    my $peer = VouchTest::Peer->start(
        { dir => $dir },
        $^X,                Cwd::abs_path('examples/gemini-wiki/gemini-wiki'),
        '--host=127.0.0.1', '--port=0',
        '--log_level=3',    "--SSL_cert_file=$server[0]", "--SSL_key_file=$server[1]"
    );
    return $peer;
}

subtest 'the example' => sub {
    my $wiki = start_wiki();
    my ($port) = $wiki->wait_for(qr/The port is ([0-9]+)/, 20);
    ok $port, 'it listens';
    my $url = "gemini://127.0.0.1:$port";
    is ask($port, "$url/\r\n"), "20 text/gemini; charset=UTF-8\r\n# Wiki\nThere are no pages yet.\n",
        'an empty wiki';
    like ask($port, "$url/do/test\r\n", @as_alex), qr/\A20 text\/plain\r\nTest\n\Q$alex\E\n/, 'who is there';
    like ask($port, "$url/do/test\r\n"), qr/\A60 /, 'nobody';

    my $titan = "titan://127.0.0.1:$port/page/Hello";
    my $upload =
        sub { my ($size, $text, @who) = @_; ask($port, "$titan;size=$size;mime=text/gemini\r\n$text", @who) };
    like $upload->(3, 'abc'), qr/\A60 /, 'no writing without a certificate';
    like $upload->(3, 'abc', @as_berta), qr/\A61 Ask for sha256\$[0-9a-f]{64} to be trusted\r\n\z/,
        'nor with one that is not known';
    is ask($port, "$url/page/Hello\r\n"),         "51 There is no such page\r\n", 'nothing was written';
    is $upload->(12, "Hello\nworld\n", @as_alex), "30 $url/page/Hello\r\n",       'Alex writes';
    like ask($port, "$url/page/Hello\r\n"), qr/\A20 text\/gemini; charset=UTF-8\r\nHello\nworld\n/,
        'everybody reads';
    my $by_name = $titan =~ s/127[.]0[.]0[.]1/localhost/r;
    is ask($port, "$by_name;size=4;mime=text/gemini\r\nnew\n", @as_alex),
        "30 gemini://localhost:$port/page/Hello\r\n", 'and writes again, naming the host';
    is ask($port, "$url/raw/Hello\r\n"),   "20 text/plain; charset=UTF-8\r\nnew\n",          'the new page';
    is ask($port, "$url/raw/Hello/1\r\n"), "20 text/plain; charset=UTF-8\r\nHello\nworld\n", 'the old one';
    like ask($port, "$url/history/Hello\r\n"),
        qr{# History of Hello\n=> /raw/Hello/2 \S+Z Alex: 4 bytes\n=> /raw/Hello/1 \S+Z Alex: 12 bytes\n},
        'who did it';

    my %bad = (
        'no URL'                 => "hello\r\n",
        'a long one'             => "$url/" . 'x' x 2000 . "\r\n",
        'another folder'         => "$url/page/..%2Ftrusted\r\n",
        'dots'                   => "$url/page/../trusted\r\n",
        'an upload elsewhere'    => "titan://127.0.0.1/page/a/b;size=1\r\nx",
        'no size'                => "titan://127.0.0.1/page/a\r\nx",
        'too large'              => "titan://127.0.0.1/page/a;size=2000000\r\nx",
        'bytes that are no text' => "$titan;size=2\r\n\xFF\xFE",
        'cut off'                => "$titan;size=100\r\nabc",
    );

    for my $name (sort keys %bad) {
        my $answer = ask($port, $bad{$name}, @as_alex, $name eq 'cut off' ? (SSL_io_timeout => 1) : ()) // '';
        unlike $answer, qr/\A[23]/, "$name is refused";
    }
    is ask($port, "$url/raw/Hello\r\n"), "20 text/plain; charset=UTF-8\r\nnew\n", 'and the page is as it was';

    my @put  = ($^X, (map { "-I$_" } grep { !ref } @INC), 'script/vouch', 'put', '--ca', $server[0]);
    my $file = spew("$dir/page.gmi", "from a file\n");
    my @got  = run_command([@put, '--cert', $alex[0], '--key', $alex[1], $file, $titan]);
    is_deeply \@got, [0, "30 $url/page/Hello\n", ''], 'vouch put';
    is ask($port, "$url/raw/Hello\r\n"), "20 text/plain; charset=UTF-8\r\nfrom a file\n", 'has done it';
    @got = run_command([@put, $file, $titan]);
    is_deeply \@got, [60, "60 Show your certificate\n", ''], 'without a certificate it has not';
    my $pin = Vouch::Certificate->from_file($server[0])->fingerprint;
    @got = run_command([@put[0 .. $#put - 2], '--fingerprint', $pin, $file, $titan]);
    is $got[0], 60, 'trusting a fingerprint';
    like $got[1], qr/\A60 /, 'it gets an answer';
    @got = run_command([@put[0 .. $#put - 2], '--fingerprint', $alex, $file, $titan]);
    is $got[0], 3, 'another fingerprint';
    like $got[2], qr/\Avouch put: .*pinned/, 'is refused';
    @got = run_command([@put, $file, 'http://localhost/']);
    is $got[0], 2, 'a URL of another kind';
};

done_testing;
