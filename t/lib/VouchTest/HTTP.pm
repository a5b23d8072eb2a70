package VouchTest::HTTP 0.001;

use v5.16;
use warnings;

# An HTTP server of few words, for VouchTest::Server, and a proxy: what web
# clients are tried on.
#
#   VouchTest::Server->start(ssl => {...}, serve => \&serve_http);
#   my $proxy = start_proxy($port);    # CONNECT leads there

use Exporter       qw(import);
use IO::Select     ();
use IO::Socket::IP ();

use VouchTest::Server ();

our @EXPORT_OK = qw(serve_http start_proxy);

my $connections = 0;

# Serve one connection: /end is the last page, /large has five million bytes,
# /sum tells length and sum of what was sent, /silence says nothing,
# /connections how many there have been, others what was asked and by whom.
sub serve_http {
    my ($client) = @_;
    $connections++;
    my $requests = 0;
    while (defined(my $line = <$client>)) {
        my ($method, $path) = split ' ', $line;
        my %header = _header($client);
        my $body   = '';
        $client->read($body, $header{'content-length'}) if $header{'content-length'};
        return <$client>                                if $path eq '/silence';
        my $who  = $client->peer_certificate('cn') // 'nobody';
        my $text = _answer($path, $body) // join ' ', $method, $path, $who, ++$requests;
        my $end  = $path eq '/end' ? "Connection: close\r\n" : '';
        print {$client} "HTTP/1.1 200 OK\r\n${end}Content-Length: ", length $text, "\r\n\r\n$text";
        last if $end;
    }
    close $client;
    return;
}

sub _header {
    my ($client) = @_;
    my %header;
    while (defined(my $field = <$client>)) {
        my ($name, $value) = $field =~ /\A([^:]+):\s*(.*?)\r\n\z/ or last;
        $header{ lc $name } = $value;
    }
    return %header;
}

sub _answer {
    my ($path, $body) = @_;
    return join '', map { sprintf '%07d ', $_ } 1 .. 640_000 if $path eq '/large';
    return length($body) . ' ' . unpack '%32C*', $body if $path eq '/sum';
    return $connections if $path eq '/connections';
    return;
}

# A proxy that knows only CONNECT, and leads to one port wherever it is asked
# to go, except to a host whose name begins with "nowhere".
sub start_proxy {
    my ($port) = @_;
    return VouchTest::Server->start(
        class => 'IO::Socket::IP',
        serve => sub {
            my ($client) = @_;
            my $head = '';
            while (sysread $client, $head, 1, length $head) { last if $head =~ /\r\n\r\n\z/ }
            my ($host) = $head =~ /\ACONNECT (\S+):443 HTTP/ or return;
            return syswrite $client, "HTTP/1.1 502 Nothing there\r\n\r\n" if $host =~ /\Anowhere/;
            my $there = IO::Socket::IP->new(PeerAddr => '127.0.0.1', PeerPort => $port) or return;
            syswrite $client, "HTTP/1.1 200 Connected\r\n\r\n";
            _relay($client, $there);
        },
    );
}

sub _relay {
    my ($one, $two) = @_;
    my %to     = ($one => [$one, $two], $two => [$two, $one]);
    my $select = IO::Select->new($one, $two);
    while (1) {
        for my $ready ($select->can_read) {
            my ($from, $to) = @{ $to{$ready} };
            sysread($from, my $bytes, 65536) or return;
            while (length $bytes) { substr $bytes, 0, syswrite($to, $bytes) // return, '' }
        }
    }
    return;
}

1;
