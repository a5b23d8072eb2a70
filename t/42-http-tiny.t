use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::SSLeay' => 'libnet-ssleay-perl';
use VouchTest          qw(identity);
use VouchTest::HTTP    qw(serve_http start_proxy);
use VouchTest::Library qw(on_vouch same_on_both version_of);
use VouchTest::Server  ();

# HTTP::Tiny as it is: it begins TLS on a socket of its own, looks at the class
# by name, and hands the context's address to Net::SSLeay.

version_of('HTTP::Tiny');

my @server = identity('server', cn => 'localhost', san => ['localhost']);
my @alex   = identity('alex',   cn => 'Alex');

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

my $BEGIN = <<'PERL';
use strict;
use warnings;
use HTTP::Tiny;
my ($port, $ca, $cert, $key) = @ARGV;
my $base = "https://localhost:$port";
sub client { return HTTP::Tiny->new(timeout => 20, SSL_options => { SSL_ca_file => $ca }, @_) }
sub told {
    my ($got) = @_;
    return "$got->{status} $got->{content}" =~ s/\n\z//r;
}
PERL

subtest 'verified or not' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'as verify_SSL says';
print told(client(verify_SSL => 1)->get("$base/end")), "\n";
print told(client()->get("$base/end")), "\n";
print told(client()->get("https://127.0.0.1:$port/end")), "\n";
sub refused { return told(@_) =~ /\A(599 SSL connection failed for \S+:).*\b(\w+ \w+ failed)/ ? "$1 $2" : told(@_) }
print refused(client(verify_SSL => 1)->get("https://127.0.0.1:$port/end")), "\n";
print refused(client(verify_SSL => 1, SSL_options => { SSL_ca_file => $cert })->get("$base/end")), "\n";
print told(client(verify_SSL => 1, SSL_options => { SSL_ca_file => '/nowhere' })->get("$base/end")), "\n";
PERL
200 GET /end nobody 1
200 GET /end nobody 1
200 GET /end nobody 1
599 SSL connection failed for 127.0.0.1: hostname verification failed
599 SSL connection failed for localhost: certificate verify failed
599 SSL_ca_file '/nowhere' not found or not readable
TEXT
};

subtest 'keep-alive, a client certificate, much data' => sub {
    my $told = same_on_both($BEGIN . <<'PERL', @arguments);
my $client = client(verify_SSL => 1, SSL_options => { SSL_ca_file => $ca, SSL_cert_file => $cert, SSL_key_file => $key });
print told($client->get("$base/page$_")), "\n" for 1 .. 3;
print ref $client->{handle}{fh}, "\n";
my $large = $client->get("$base/large")->{content};
print length $large, ' ', substr($large, -8, 7), "\n";
my $parts = 0;
$client->get("$base/large", { data_callback => sub { $parts += length $_[0] } });
print "$parts\n";
print told($client->post("$base/sum", { content => 'x' x 3_000_000 })), "\n";
my $left = 100;
print told($client->post("$base/sum", { content => sub { $left-- > 0 ? 'y' x 10_000 : undef } , headers => { 'Content-Length' => 1_000_000 } })), "\n";
print told($client->get("$base/end")), "\n";
PERL
    is $told, <<'TEXT', 'one connection for all of it';
200 GET /page1 Alex 1
200 GET /page2 Alex 2
200 GET /page3 Alex 3
IO::Socket::SSL
5120000 0640000
5120000
200 3000000 360000000
200 1000000 121000000
200 GET /end Alex 4
TEXT
};

subtest 'a server that says nothing' => sub {
    my $silent = VouchTest::Server->start(
        class => 'IO::Socket::IP',
        serve => sub { my ($client) = @_; 1 while sysread $client, my $bytes, 1000 },
    );
    like on_vouch(
        $BEGIN . <<'PERL', $silent->port, $server[0]), qr/\A599 SSL connection failed for localhost: /, 'TLS';
my $client = client(timeout => 0.5);
print told($client->get("$base/")), "\n";
PERL
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'HTTP';
my $client = client(timeout => 0.5);
print told($client->get("$base/silence")), "\n";
PERL
599 Timed out while waiting for socket to become ready for reading
TEXT
};

subtest 'through a proxy' => sub {
    my $proxy = start_proxy($server->port);
    is same_on_both($BEGIN . <<'PERL', @arguments, $proxy->port), <<'TEXT', 'CONNECT';
my $client = client(verify_SSL => 1, https_proxy => "http://127.0.0.1:$ARGV[4]");
print told($client->get('https://localhost/page')), "\n";
print told($client->get('https://localhost/end')), "\n";
PERL
200 GET /page nobody 1
200 GET /end nobody 1
TEXT
};

subtest 'can_ssl' => sub {
    is same_on_both($BEGIN . 'print scalar HTTP::Tiny->can_ssl;', @arguments), 1, 'there is TLS';
};

done_testing;
