#!/usr/bin/perl
# A TLS server in the event loop of AnyEvent (with EV, if it is there): it
# answers each line, and a client that is slow in its handshake delays nobody.
#
#   perl listener-anyevent.pl server-cert.pem server-key.pem [PORT [SECONDS]]
use v5.16;
use warnings;

use AnyEvent;
use AnyEvent::Handle;
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

my ($timer, %open);

# What the listener needs: to be called when something arrives, and when the
# time of a handshake is over.
sub tend {
    undef $timer;
    serve($_) for $listener->advance;
    my $wait = $listener->next_deadline // return;
    $timer = AnyEvent->timer(after => $wait, cb => \&tend);
    return;
}

# The connection is ready; from here on it is as any other.
sub serve {
    my ($client) = @_;
    my $end      = sub { my ($handle) = @_; delete $open{$handle}; $handle->destroy };
    my $handle   = AnyEvent::Handle->new(
        fh        => $client,
        read_size => 16_384,    # a whole TLS record, so that none stays behind
        on_eof    => $end,
        on_error  => $end,
        on_read   => sub {
            my ($self) = @_;
            $self->push_write("you said: $1\n") while $self->{rbuf} =~ s/\A(.*)\n//;
        },
    );
    $open{$handle} = $handle;
    return;
}

my $watcher = AnyEvent->io(fh => $listener->handle, poll => 'r', cb => \&tend);
$| = 1;
say 'listening on port ', $listener->sockport;
AnyEvent->condvar->recv;
