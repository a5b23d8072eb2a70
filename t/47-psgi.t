use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs curl => 'curl', 'Plack::Runner' => 'libplack-perl', starman => 'starman';
use VouchTest          qw(identity run_command spew temp_dir);
use VouchTest::Library qw(environment version_of);
use VouchTest::Peer    ();

# The servers of Plack as they are started, knowing of Vouch by PERL5OPT only:
# Starman, whose TLS is Net::Server's, and plackup's own.

version_of(qw(Plack Starman Net::Server));

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my $app    = spew(temp_dir() . '/app.psgi', <<'PERL');
use Digest::SHA;
sub witness {
    my ($socket) = @_;
    my $whose = $socket->isa('Vouch::Socket') ? 'Vouch' : $socket->isa('IO::Socket::SSL') ? 'genuine' : 'none';
    return join ' ', $whose, $INC{'IO/Socket/SSL.pm'} =~ m{(Vouch/Instead|IO/Socket/SSL)\.pm\z};
}
sub {
    my ($env) = @_;
    my $path = $env->{PATH_INFO};
    my $text = $path eq '/witness' ? witness($env->{'psgix.io'}) : $path eq '/large' ? 'x' x 3_000_000 : "$env->{REQUEST_METHOD} $path $env->{'psgi.url_scheme'}";
    if (my $length = $env->{CONTENT_LENGTH}) {
        my $bytes = '';
        while (length $bytes < $length) { $env->{'psgi.input'}->read($bytes, $length, length $bytes) or last }
        $text = length($bytes) . ' ' . Digest::SHA::sha1_hex($bytes);
    }
    return [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $text], [$text]];
}
PERL

# Neither takes 0 for a port: one below those that clients are given, and
# another if that is taken.
sub start {
    my ($whose, $pattern, @command) = @_;
    for my $try (1 .. 10) {
        my $port = 20_000 + int rand 12_000;
        my $peer =
            VouchTest::Peer->start({ env => { environment($whose) } }, map { s/PORT/$port/r } @command, $app);
        return ($peer, $port) if eval { $peer->wait_for($pattern) };
        die $@                if $try == 10 || $peer->text !~ /in use/;
        $peer->stop;
    }
    return;
}

sub end {
    my ($peer) = @_;
    kill TERM => $peer->pid;
    return $peer->finish;
}

sub curl {
    my ($port, @more) = @_;
    my @urls = map { m{\A/} ? "https://localhost:$port$_" : $_ } @more;
    my ($status, $out, $error) = run_command([qw(curl -sS --cacert), $server[0], @urls]);
    return $status == 0 ? $out : "curl: $error";
}

my $upload = spew(temp_dir() . '/upload', 'y' x 2_000_000);

sub serves_pages {
    my ($port) = @_;
    is curl($port, '/one'),                                'GET /one https',               'a page';
    is curl($port, '/one', '/two'),                        'GET /one httpsGET /two https', 'two in a row';
    is length curl($port, '/large'),                       3_000_000,                      'a large page';
    is curl($port, '--data-binary', "\@$upload", '/post'), '2000000 ' . sha1_of($upload),  'a large upload';
    my ($status) = run_command([qw(curl -sS), "http://localhost:$port/"]);
    isnt $status,             0,                  'a client that speaks plain HTTP gets no page';
    is curl($port, '/three'), 'GET /three https', 'and disturbs nobody';
    return;
}

sub sha1_of {
    my ($file) = @_;
    my (undef, $out) = run_command([qw(openssl sha1 -r), $file]);
    return (split ' ', $out)[0];
}

my %WITNESS = (Vouch => 'Vouch Vouch/Instead', genuine => 'genuine IO/Socket/SSL');

for my $whose (qw(Vouch genuine)) {
    subtest "plackup, $whose" => sub {
        my ($peer, $port) = start(
            $whose,
            qr/Accepting connections/,
            qw(plackup --host 127.0.0.1 --port PORT),
            qw(--server HTTP::Server::PSGI --ssl=1 --ssl-cert-file),
            $server[0], '--ssl-key-file', $server[1]
        );
        is curl($port, '/witness'), $WITNESS{$whose}, 'it runs on what it should';
        serves_pages($port);
        end($peer);
    };

    subtest "Starman, $whose" => sub {
        my ($peer, $port) = start(
            $whose,
            qr/^Setting gid/m,
            qw(starman --listen 127.0.0.1:PORT:ssl --workers 2),
            '--ssl-cert', $server[0], '--ssl-key', $server[1]
        );
        is curl($port, '/witness'), $WITNESS{$whose}, 'it runs on what it should';
        serves_pages($port);
        is end($peer), 0, 'it ends when it is told to';
    };
}

done_testing;
