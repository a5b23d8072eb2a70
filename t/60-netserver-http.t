use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use VouchTest            qw(identity);
use VouchTest::NetServer qw(exchange ending);
use Vouch::Certificate   ();
use Vouch::Socket;

# Net::Server::HTTP and Net::Server::PSGI over TLS, as each of the
# personalities that they can take on.

my @alex = identity('alex', cn => 'Alex');
my $alex = Vouch::Certificate->from_file($alex[0])->fingerprint;

my $HTTP = <<'PERL';
sub process_http_request {
    my ($self) = @_;
    my $client = $self->{server}{client};
    print "Content-type: text/plain\r\n\r\n";
    if ($ENV{PATH_INFO} eq '/who') {
        print join ' ', $ENV{HTTPS}, $ENV{REMOTE_ADDR}, $ENV{SERVER_PORT}, $client->get_fingerprint // 'nobody', $client->peer_certificate('cn') // 'nobody';
    }
    elsif ($ENV{PATH_INFO} eq '/post') {
        my $left = $ENV{CONTENT_LENGTH};
        my $n = read STDIN, (my $body), $left;
        print "$n ", unpack '%32C*', $body;
    }
    elsif ($ENV{PATH_INFO} eq '/large') { print 'x' x 300_000 }
    elsif ($ENV{PATH_INFO} eq '/ways') { printf '%03d ', 7; say 'said'; syswrite STDOUT, 'xwrittenx', 7, 1 }
    elsif ($ENV{PATH_INFO} eq '/die') { die "on purpose\n" }
}
PERL

my $PSGI = <<'PERL';
sub arguments { return (app => \&answer) }
sub answer {
    my ($env) = @_;
    my @head   = ('Content-Type' => 'text/plain');
    my $client = $env->{'psgi.input'};
    my $path   = $env->{PATH_INFO};
    if ($path eq '/who') {
        return [200, [@head], [join ' ', $env->{HTTPS}, $env->{REMOTE_ADDR}, $env->{SERVER_PORT}, $client->get_fingerprint // 'nobody',
            $client->peer_certificate('cn') // 'nobody']];
    }
    if ($path eq '/scheme') { return [200, [@head], [$env->{'psgi.url_scheme'}]] }
    if ($path eq '/post') {
        my $n = $client->read(my $body, $env->{CONTENT_LENGTH});
        return [200, [@head], ["$n ", unpack '%32C*', $body]];
    }
    if ($path eq '/large')  { return [200, [@head], [('x' x 1000) x 300]] }
    if ($path eq '/stream') {
        return sub {
            my $writer = $_[0]->([200, [@head]]);
            $writer->print("part $_ ") for 1 .. 3;
        };
    }
    return [404, [@head], ['none']];
}
PERL

my %MANY = (max_servers => 3, min_servers => 2, min_spare_servers => 1, max_spare_servers => 2);

# The status and the body of an answer.
sub request {
    my ($server, $path, %arg) = @_;
    my $body = delete $arg{body};
    my $head = sprintf "%s %s HTTP/1.0\r\nHost: localhost\r\n%s\r\n", defined $body ? 'POST' : 'GET', $path,
        defined $body ? 'Content-Length: ' . length($body) . "\r\n" : '';
    my $answer = exchange($server->client(%arg), $head . ($body // '')) // 'nothing';
    my ($status, $text) = $answer =~ m{\AHTTP/1.[01] ([0-9]+).*?\r\n\r\n(.*)\z}s or return ('none', $answer);
    return ($status, $text);
}

sub body { return (request(@_))[1] }

sub check_common {
    my ($server) = @_;
    my $port = $server->port;
    is body($server, '/who', SSL_cert_file => $alex[0], SSL_key_file => $alex[1]),
        "on 127.0.0.1 $port $alex Alex",
        'a client with a certificate; HTTPS is on';
    is body($server, '/who'), "on 127.0.0.1 $port nobody nobody", 'one without';
    my $bytes = join '', map { chr rand 256 } 1 .. 100_000;
    is body($server, '/post', body => $bytes), '100000 ' . unpack('%32C*', $bytes), 'a request of 100 kB';
    is length body($server, '/large'),         300_000,                             'an answer of 300 kB';
    my $tcp = $server->tcp;
    print {$tcp} "GET /who HTTP/1.0\r\n\r\n";
    $tcp->flush;
    local $/;
    unlike readline($tcp) // '', qr/HTTP|nobody/, 'HTTP gets no answer in the clear';
    my $client = $server->client;
    exchange($client, "GET /who HTTP/1.0\r\n\r\n");
    is ending($client), 'goodbye', 'the end is told';
    return;
}

for my $type (qw(Single Fork PreForkSimple PreFork)) {
    my %more = (server_type => [$type], SSL_verify_mode => 257, $type =~ /PreFork/ ? %MANY : ());
    subtest "HTTP as $type" => sub {
        my $server = VouchTest::NetServer->start(HTTP => { %more, timeout_header => 1 }, $HTTP);
        check_common($server);
        is body($server, '/ways'), "007 said\nwritten", 'printf, say and syswrite';
        is_deeply [request($server, '/die')]->[1] =~ /on purpose/ ? 'told' : 'not', 'told',
            'an application that dies';
        my $slow = $server->client;
        print {$slow} "GET /who HTT";
        my $answer = do { local $/; <$slow> };
        like $answer, qr{\AHTTP/1.0 500 .*Timeout}s, 'a head that does not come to its end';
        is ending($slow),          'goodbye',                                          'ends the connection';
        is body($server, '/who'),  'on 127.0.0.1 ' . $server->port . ' nobody nobody', 'the next is served';
        is $server->stop,          0,                                                  'the server ends well';
        is $server->warnings_said, '',                                                 'without a warning';
    };
    subtest "PSGI as $type" => sub {
        my $server = VouchTest::NetServer->start(PSGI => \%more, $PSGI);
        check_common($server);
        is body($server, '/scheme'),         'https',                 'psgi.url_scheme';
        is body($server, '/stream'),         'part 1 part 2 part 3 ', 'streaming';
        is + (request($server, '/none'))[0], 404,                     'a status';
        is $server->stop,                    0,                       'the server ends well';
        is $server->warnings_said,           '',                      'without a warning';
    };
}

done_testing;
