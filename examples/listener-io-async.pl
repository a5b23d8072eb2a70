#!/usr/bin/perl
# A TLS server in the event loop of IO::Async: it answers each line, and a
# client that is slow in its handshake delays nobody.
#
#   perl listener-io-async.pl server-cert.pem server-key.pem [PORT [SECONDS]]
use v5.16;
use warnings;

use IO::Async::Loop;
use IO::Async::Stream;
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

my $loop = IO::Async::Loop->new;
my $timer;

# What the listener needs: to be called when something arrives, and when the
# time of a handshake is over.
sub tend {
    $loop->unwatch_time($timer) if $timer;
    serve($_) for $listener->advance;
    my $wait = $listener->next_deadline;
    $timer = defined $wait && $loop->watch_time(after => $wait, code => sub { undef $timer; tend() });
    return;
}

# The connection is ready; from here on it is as any other.
sub serve {
    my ($client) = @_;
    $client->blocking(0);
    my $stream = IO::Async::Stream->new(
        handle   => $client,
        read_len => 16_384,    # a whole TLS record, so that none stays behind
        on_read  => sub {
            my ($self, $buffer) = @_;
            $self->write("you said: $1\n") while $$buffer =~ s/\A(.*)\n//;
            return 0;
        },
    );
    $loop->add($stream);
    return;
}

$loop->watch_io(handle => $listener->handle, on_read_ready => \&tend);
$| = 1;
say 'listening on port ', $listener->sockport;
$loop->run;
