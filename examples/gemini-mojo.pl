#!/usr/bin/perl
# How do I serve Gemini inside a program of Mojolicious?
#
#   perl gemini-mojo.pl server-cert.pem server-key.pem [PORT]
use v5.16;
use warnings;

use Mojo::IOLoop;
use Mojo::IOLoop::Stream;
use Vouch::Gemini::Server;
use Vouch::Listener;

my ($cert, $key, $port) = @ARGV;
die "usage: $0 CERTIFICATE KEY [PORT]\n" if !defined $key;

# Pages as in any server; nobody calls its run().
my $gemini = Vouch::Gemini::Server->new(host => 'localhost', cert => $cert, key => $key, url_port => 0);
$gemini->get(
    '/' => sub {
        my ($request) = @_;
        my $certificate = $request->certificate or return need_certificate('Who are you?');
        return gemtext('# Hello ' . $certificate->common_name . "\n");
    }
);
$gemini->get('/long' => sub { my $n = 0; return success('text/plain', sub { $n++ < 1000 ? 'x' x 1000 : undef }) });

my $listener = Vouch::Listener->new(
    LocalAddr => '127.0.0.1',
    LocalPort => $port // 1965,
    $gemini->tls,
) or die "cannot listen: $Vouch::Socket::SSL_ERROR\n";

# Send the next piece when the one before is gone.
sub send_next {
    my ($stream, $session) = @_;
    my $out = $session->output;
    return $stream->close_gracefully if !defined $out;
    return                           if $out eq '';
    $session->progress;
    return $stream->write($out => sub { send_next($stream, $session) });
}

sub serve {
    my ($client) = @_;
    $client->blocking(0);
    my $session = $gemini->session(socket => $client);
    my $stream  = Mojo::IOLoop::Stream->new($client)->timeout(30);
    $stream->on(
        read => sub {
            my ($self, $bytes) = @_;
            $session->receive($bytes);
            send_next($self, $session);
        }
    );
    $stream->on(close => sub { $session->abandon });
    Mojo::IOLoop->stream($stream);
    return;
}

# What the listener needs: to be called when something arrives, and when the
# time of a handshake is over.
my $reactor = Mojo::IOLoop->singleton->reactor;
my $timer;

sub tend {
    $reactor->remove($timer) if $timer;
    serve($_) for $listener->advance;
    my $wait = $listener->next_deadline;
    $timer = defined $wait && $reactor->timer($wait => sub { undef $timer; tend() });
    return;
}

my $handle = $listener->handle;
$reactor->io($handle => \&tend)->watch($handle, 1, 0);
$| = 1;
say 'listening on port ', $listener->sockport;
$reactor->start;
