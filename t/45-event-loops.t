use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs
    'AnyEvent::TLS'  => 'libanyevent-perl',
    'IO::Async::SSL' => 'libio-async-ssl-perl';
use VouchTest          qw(identity);
use VouchTest::Library qw(same_on_both version_of);

# IO::Async::SSL, which begins TLS on sockets of its own, and AnyEvent::TLS,
# which uses Net::SSLeay and not IO::Socket::SSL: as they are, and both in one
# process with a server that is a plain IO::Socket::SSL.

version_of(qw(IO::Async IO::Async::SSL AnyEvent Net::SSLeay));

my @server    = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex      = identity('alex',   cn => 'Alex');
my @arguments = (@server, @alex);

my $BEGIN = <<'PERL';
use strict;
use warnings;
my ($ca, $ca_key, $cert, $key) = @ARGV;
my @server = (SSL_cert_file => $ca, SSL_key_file => $ca_key, SSL_verify_mode => 1, SSL_verify_callback => sub { 1 });
my @client = (SSL_ca_file => $ca, SSL_cert_file => $cert, SSL_key_file => $key);
PERL

my $ASYNC = <<'PERL';
use IO::Async::Loop;
use IO::Async::SSL;
use IO::Async::Stream;
my $loop = IO::Async::Loop->new;
$loop->watch_time(after => 40, code => sub { die "too slow\n" });

my @failed;

# Answers each line with who sent it, and how many bytes it has.
sub serve_async {
    my ($stream) = @_;
    $stream->configure(
        on_read => sub {
            my ($self, $buffer, $eof) = @_;
            while ($$buffer =~ s/^(.*)\n//) {
                my $who = $self->read_handle->peer_certificate('cn') // 'nobody';
                $self->write(ref($self->read_handle) . " $who " . length($1) . "\n");
            }
            return 0;
        },
    );
    $loop->add($stream);
}
sub listen_async {
    my $listener = $loop->SSL_listen(addr => { family => 'inet', socktype => 'stream', ip => '127.0.0.1', port => 0 },
        @server, @_, on_stream => \&serve_async, on_ssl_error => sub { push @failed, told($_[0]) },
        on_listen_error => sub { die "listen: @_" })->get;
    return $listener->read_handle->sockport;
}
sub told { my ($text) = @_; return $text =~ /(certificate verify failed|http request|alert \w+|verification failed)/ ? $1 : $text }
PERL

subtest 'IO::Async::SSL' => sub {
    is same_on_both($BEGIN . $ASYNC . <<'PERL', @arguments), <<'TEXT', 'server and client';
my $port = listen_async();
for my $how ([@client], [SSL_verify_mode => 0]) {
    my $stream = $loop->SSL_connect(host => '127.0.0.1', service => $port, @$how, on_read => sub { 0 },
        handle => IO::Async::Stream->new(on_read => sub { 0 }))->get;
    $loop->add($stream);
    print ref $stream->read_handle, "\n";
    $stream->write("hello\n");
    print $stream->read_until("\n")->get;
    $stream->write('x' x 2_000_000 . "\n");
    print $stream->read_until("\n")->get;
    $stream->close_now;
}
PERL
IO::Socket::SSL
IO::Socket::SSL Alex 5
IO::Socket::SSL Alex 2000000
IO::Socket::SSL
IO::Socket::SSL nobody 5
IO::Socket::SSL nobody 2000000
TEXT
};

subtest 'IO::Async::SSL: what fails' => sub {
    is same_on_both($BEGIN . $ASYNC . <<'PERL', @arguments), <<'TEXT', 'is told, and disturbs nobody';
my $port = listen_async();
my $future = $loop->SSL_connect(host => '127.0.0.1', service => $port, SSL_ca_file => $cert)->else(sub { Future->done("client: " . told($_[0]) . " $_[1]") });
print $future->get, "\n";
require IO::Socket::IP;
my $plain = IO::Socket::IP->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "$@";
print $plain "GET / HTTP/1.0\r\n\r\n";
my $stream = $loop->SSL_connect(host => '127.0.0.1', service => $port, @client, handle => IO::Async::Stream->new(on_read => sub { 0 }))->get;
$loop->add($stream);
$stream->write("hello\n");
print $stream->read_until("\n")->get;
$loop->loop_once while @failed < 2;
print "server: $_\n" for sort @failed;
PERL
client: certificate verify failed ssl
IO::Socket::SSL Alex 5
server: alert unknown
server: http request
TEXT
};

subtest 'AnyEvent::TLS and IO::Async::SSL in one process' => sub {
    is same_on_both($BEGIN . $ASYNC . <<'PERL', @arguments), <<'TEXT', 'with a plain server';
BEGIN { $ENV{PERL_ANYEVENT_MODEL} = 'IOAsync' }
use AnyEvent;
use AnyEvent::Handle;
use AnyEvent::Socket;
use IO::Socket::SSL;
my %keep;
my %port = (async => listen_async());

# A server of AnyEvent.
my $ready = AnyEvent->condvar;
$keep{guard} = tcp_server '127.0.0.1', 0, sub {
    my ($handle) = @_;
    my $served = AnyEvent::Handle->new(fh => $handle, tls => 'accept', tls_ctx => { cert_file => $ca, key_file => $ca_key },
        on_error => sub { $_[0]->destroy; delete $keep{ $_[0] } });
    $keep{$served} = $served;
    my $read;
    $read = sub { $_[0]->push_write('AnyEvent ' . length($_[1]) . "\n"); $_[0]->push_read(line => $read) };
    $served->push_read(line => $read);
}, sub { $port{anyevent} = $_[2]; $ready->send; 0 };
$ready->recv;

# A server of neither: accepts, and goes on with the handshake step by step.
my $listener = IO::Socket::SSL->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 10, @server, SSL_startHandshake => 0)
    or die "$SSL_ERROR";
$port{plain} = $listener->sockport;
$keep{listener} = AnyEvent->io(fh => $listener, poll => 'r', cb => sub {
    my $socket = $listener->accept or return;
    $socket->blocking(0);
    my ($line, $shaken) = ('', 0);
    $keep{$socket} = AnyEvent->io(fh => $socket, poll => 'r', cb => sub {
        while (!$shaken) {
            next if $shaken = $socket->accept_SSL;
            delete $keep{$socket} if $SSL_ERROR != SSL_WANT_READ && $SSL_ERROR != SSL_WANT_WRITE;
            return;
        }
        while (1) {
            my $got = sysread $socket, $line, 65536, length $line;
            return if !defined $got && $!{EAGAIN};
            return delete $keep{$socket} if !$got;
            next if $line !~ s/^(.*)\n//;
            syswrite $socket, 'plain ' . ($socket->peer_certificate('cn') // 'nobody') . ' ' . length($1) . "\n";
        }
    });
});

# Each kind of client to each server, with a short line and a long one.
sub by_anyevent {
    my ($server, $line) = @_;
    my $done = AnyEvent->condvar;
    my $handle = AnyEvent::Handle->new(connect => ['127.0.0.1', $port{$server}], tls => 'connect',
        tls_ctx => { ca_file => $ca, verify => 1, cert_file => $cert, key_file => $key },
        on_error => sub { $done->send("error: $_[2]") });
    $handle->push_write("$line\n");
    $handle->push_read(line => sub { $done->send($_[1]) });
    my $answer = $done->recv;
    $handle->destroy;
    return $answer;
}
sub by_async {
    my ($server, $line) = @_;
    my $stream = $loop->SSL_connect(host => '127.0.0.1', service => $port{$server}, @client,
        handle => IO::Async::Stream->new(on_read => sub { 0 }))->get;
    $loop->add($stream);
    $stream->write("$line\n");
    my $answer = $stream->read_until("\n")->get;
    $stream->close_now;
    chomp $answer;
    return $answer;
}
for my $server (qw(async anyevent plain)) {
    for my $line ('hello', 'x' x 300_000) {
        print "AnyEvent to $server: ", by_anyevent($server, $line), "\n";
        print "IO::Async to $server: ", by_async($server, $line), "\n";
    }
}
PERL
AnyEvent to async: IO::Socket::SSL Alex 5
IO::Async to async: IO::Socket::SSL Alex 5
AnyEvent to async: IO::Socket::SSL Alex 300000
IO::Async to async: IO::Socket::SSL Alex 300000
AnyEvent to anyevent: AnyEvent 5
IO::Async to anyevent: AnyEvent 5
AnyEvent to anyevent: AnyEvent 300000
IO::Async to anyevent: AnyEvent 300000
AnyEvent to plain: plain Alex 5
IO::Async to plain: plain Alex 5
AnyEvent to plain: plain Alex 300000
IO::Async to plain: plain Alex 300000
TEXT
};

done_testing;
