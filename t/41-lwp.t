use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs
    'LWP::UserAgent'       => 'libwww-perl',
    'LWP::Protocol::https' => 'liblwp-protocol-https-perl',
    'Net::HTTPS::NB'       => 'libnet-https-nb-perl';
use VouchTest          qw(identity);
use VouchTest::HTTP    qw(serve_http start_proxy);
use VouchTest::Library qw(on_vouch same_on_both version_of);
use VouchTest::Server  ();

# LWP::UserAgent, LWP::Protocol::https and Net::HTTPS as they are, against a
# server of ours.

version_of(qw(LWP::UserAgent LWP::Protocol::https Net::HTTPS Net::HTTPS::NB));

my @server = identity('server', cn => 'localhost', san => ['localhost']);
my @alex   = identity('alex',   cn => 'Alex');

# What all programs begin with: the arguments, and a user agent.
my $BEGIN = <<'PERL';
use strict;
use warnings;
use LWP::UserAgent;
my ($port, $ca, $cert, $key) = @ARGV;
my $base = "https://localhost:$port";
sub agent {
    my ($ssl, @more) = @_;
    return LWP::UserAgent->new(timeout => 20, ssl_opts => { SSL_ca_file => $ca, %$ssl }, @more);
}
sub told {
    my ($response) = @_;
    my $text = join ' ', $response->code, $response->message;
    $text =~ s/:[0-9]+/:PORT/;
    return $text;
}
$| = 1;
PERL

my $server = VouchTest::Server->start(
    ssl => {
        SSL_cert_file       => $server[0],
        SSL_key_file        => $server[1],
        SSL_verify_mode     => 1,
        SSL_verify_callback => sub { 1 },
    },
    serve => \&serve_http,
);
my @arguments = ($server->port, $server[0], @alex);

subtest 'a page from a verified server' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'GET';
my $agent = agent({});
my $got = $agent->get("$base/end");
print told($got), "\n", $got->content, "\n";
for my $name (qw(Version Cipher Cert-Subject Cert-Issuer Warning Socket-Class)) {
    print "$name: ", $got->header("Client-SSL-$name") // 'none', "\n";
}
PERL
200 OK
GET /end nobody 1
Version: TLSv1_3
Cipher: TLS_AES_256_GCM_SHA384
Cert-Subject: /CN=localhost
Cert-Issuer: /CN=localhost
Warning: none
Socket-Class: IO::Socket::SSL
TEXT
};

subtest 'a client certificate' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), "GET /end Alex 1\n", 'the server knows who it is';
print agent({ SSL_cert_file => $cert, SSL_key_file => $key })->get("$base/end")->content, "\n";
PERL
};

subtest 'servers that are refused' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'with the usual texts';
print told(agent({})->get("https://127.0.0.1:$port/end")), "\n";
print told(agent({ SSL_ca_file => $cert })->get("$base/end")), "\n";
print told(agent({ verify_hostname => 0, SSL_ca_file => $cert })->get("$base/end")), "\n";
print told(agent({ SSL_verify_mode => 0, verify_hostname => 0 })->get("https://127.0.0.1:$port/end")), "\n";
print told(agent({})->get("https://127.0.0.1:1/")), "\n";
PERL
500 Can't connect to 127.0.0.1:PORT (hostname verification failed)
500 Can't connect to localhost:PORT (certificate verify failed)
500 Can't connect to localhost:PORT (certificate verify failed)
200 OK
500 Can't connect to 127.0.0.1:PORT (Connection refused)
TEXT
};

subtest 'keep-alive' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'one connection for all of it';
my $agent = agent({}, keep_alive => 1);
my $before = $agent->get("$base/connections")->content;
print $agent->get("$base/page$_")->content, "\n" for 1 .. 3;
print $agent->get("$base/connections")->content - $before, " more\n";
print $agent->get("$base/end")->content, "\n";
PERL
GET /page1 nobody 1
GET /page2 nobody 2
GET /page3 nobody 3
0 more
GET /end nobody 4
TEXT
};

subtest 'much data' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'both ways';
my $agent = agent({}, keep_alive => 1);
my $large = $agent->get("$base/large")->content;
print length $large, ' ', substr($large, -8, 7), "\n";
print $agent->post("$base/sum", Content => 'x' x 3_000_000)->content, "\n";
print $agent->post("$base/sum", [name => 'Alex', value => 'x' x 10])->content, "\n";
my $parts = 0;
my $got = $agent->get("$base/large", ':content_cb' => sub { $parts += length $_[0] }, ':read_size_hint' => 100_000);
print told($got), " $parts\n";
PERL
5120000 0640000
3000000 360000000
26 2712
200 OK 5120000
TEXT
};

subtest 'through a proxy' => sub {
    my $proxy = start_proxy($server->port);
    is same_on_both(
        $BEGIN . <<'PERL', @arguments, $proxy->port), <<'TEXT', 'CONNECT, and TLS on that connection';
my $proxy = $ARGV[4];
my $agent = agent({ SSL_cert_file => $cert, SSL_key_file => $key }, keep_alive => 1);
$agent->proxy(https => "http://127.0.0.1:$proxy");
print $agent->get("https://localhost/page$_")->content, "\n" for 1, 2;
print $agent->get('https://localhost/large')->content =~ tr/ //, "\n";
$agent->conn_cache->drop;
my $wrong = $agent->get('https://other.example/');
print $wrong->code, ' ', $wrong->message =~ /\A(SSL upgrade failed: ).*(hostname verification failed)/ ? "$1$2\n" : $wrong->message;
print told($agent->get('https://nowhere.example/')), "\n";
PERL
GET /page1 Alex 1
GET /page2 Alex 2
640000
500 SSL upgrade failed: hostname verification failed
500 establishing SSL tunnel failed: 502 Nothing there
TEXT
};

subtest 'Net::HTTPS by itself' => sub {
    is same_on_both(<<'PERL', @arguments), <<'TEXT', 'a subclass of IO::Socket::SSL';
use strict;
use warnings;
use Net::HTTPS;
my ($port, $ca) = @ARGV;
my $socket = Net::HTTPS->new(Host => 'localhost', PeerPort => $port, SSL_ca_file => $ca) or die "$@";
print ref $socket, ' ', join(' ', grep { $socket->isa($_) } qw(IO::Socket::SSL Net::HTTP::Methods IO::Socket)), "\n";
$socket->write_request(GET => '/end') or die "$!";
my ($code, $message, %header) = $socket->read_response_headers;
print "$code $message $header{'Content-Length'}\n";
my $count = $socket->read_entity_body(my $body, 1000);
print "$count $body\n";
print $socket->peer_certificate('commonName'), ' ', $socket->get_cipher, "\n";
print Net::HTTPS->new(Host => 'localhost', PeerPort => $port, SSL_ca_file => $ARGV[2]) ? 'connected' : 'refused', "\n";
print $@ =~ /(certificate verify failed)/ ? $1 : $@, "\n";
PERL
Net::HTTPS IO::Socket::SSL Net::HTTP::Methods IO::Socket
200 OK 17
17 GET /end nobody 1
localhost TLS_AES_256_GCM_SHA384
refused
certificate verify failed
TEXT
};

subtest 'Net::HTTPS::NB, which does not block' => sub {
    is same_on_both(<<'PERL', @arguments), <<'TEXT', 'connects, writes and reads step by step';
use strict;
use warnings;
use Errno qw(EAGAIN EWOULDBLOCK);
use IO::Select;
use Net::HTTPS::NB;
my ($port, $ca, $cert, $key) = @ARGV;
for my $path ('/page', '/large') {
    my $socket = Net::HTTPS::NB->new(Host => 'localhost', PeerAddr => '127.0.0.1', PeerPort => $port, Blocking => 0,
        SSL_ca_file => $ca, SSL_cert_file => $cert, SSL_key_file => $key, SSL_verifycn_name => 'localhost') or die "$@";
    my $select = IO::Select->new($socket);
    until ($socket->connected) {
        if    ($HTTPS_ERROR == HTTPS_WANT_READ)  { $select->can_read(20) }
        elsif ($HTTPS_ERROR == HTTPS_WANT_WRITE) { $select->can_write(20) }
        else                                     { die "$HTTPS_ERROR" }
    }
    $socket->blocking(1);
    $socket->write_request(GET => $path);
    $socket->blocking(0);
    my $code;
    until ($code) {
        ($code) = $socket->read_response_headers;
        $select->can_read(20) if !$code && !$socket->pending;
    }
    my $body = '';
    while (1) {
        my $count = $socket->read_entity_body(my $part, 100_000);
        if ($count && $count > 0) { $body .= $part; next }
        last if defined $count && $count == 0;
        $select->can_read(20) if !$socket->pending;
    }
    print ref $socket, " $code ", length $body > 100 ? length $body : $body, "\n";
    $socket->close;
}
PERL
Net::HTTPS::NB 200 GET /page Alex 1
Net::HTTPS::NB 200 5120000
TEXT
};

done_testing;
