#!/usr/bin/perl
# A TLS server in the event loop of Mojolicious: it answers each line, and a
# client that is slow in its handshake delays nobody.
#
#   perl listener-mojo.pl server-cert.pem server-key.pem [PORT [SECONDS]]
use v5.16;
use warnings;

use Mojo::IOLoop;
use Mojo::IOLoop::Stream;
use Vouch::Listener;

my ($cert, $key, $port, $seconds) = @ARGV;
die "usage: $0 CERTIFICATE KEY [PORT [SECONDS FOR A HANDSHAKE]]\n" if !defined $key;

my $listener = Vouch::Listener->new(
    LocalAddr        => '127.0.0.1',
    LocalPort        => $port // 0,
    HandshakeTimeout => $seconds,
    SSL_cert_file    => $cert,
    SSL_key_file     => $key,
    on_error         => sub { my ($failure) = @_; warn "$failure->{text}\n" },
) or die "cannot listen: $Vouch::Socket::SSL_ERROR\n";

my $reactor = Mojo::IOLoop->singleton->reactor;
my $timer;

# What the listener needs: to be called when something arrives, and when the
# time of a handshake is over.
sub tend {
    $reactor->remove($timer) if $timer;
    serve($_) for $listener->advance;
    my $wait = $listener->next_deadline;
    $timer = defined $wait && $reactor->timer($wait => sub { undef $timer; tend() });
    return;
}

# The connection is ready; from here on it is as any other.
sub serve {
    my ($client) = @_;
    $client->blocking(0);
    my $stream   = Mojo::IOLoop::Stream->new($client);
    my $received = '';
    $stream->on(
        read => sub {
            my ($self, $bytes) = @_;
            $received .= $bytes;
            $self->write("you said: $1\n") while $received =~ s/\A(.*)\n//;
        }
    );
    Mojo::IOLoop->stream($stream);
    return;
}

my $handle = $listener->handle;
$reactor->io($handle => \&tend)->watch($handle, 1, 0);
$| = 1;
say 'listening on port ', $listener->sockport;
$reactor->start;
