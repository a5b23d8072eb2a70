package Vouch::NetServer::Multiplex 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(weaken);
use Socket       qw(AF_UNIX SOCK_STREAM);

use Vouch::NetServer::Muxed ();
use Vouch::NetServer::Pump  ();
use Vouch::NetServer::Watch ();

# Net::Server::Multiplex: handshakes and TLS between the calls of its loop.
#
# IO::Multiplex asks a listening handle for a client when it is readable, and
# goes on if there is none.  So whatever is to be looked after here is given to
# it as a listening handle, whose accept() does what there is to do.

my %pumps;    # all that run, by their address

# What accept() of a listening socket does: a client whose handshake is done,
# or undef.
sub next_client {
    my ($class, $socket, $port) = @_;
    my $mux      = $port->server->{mux} // die "Net::Server::Multiplex has no {mux}\n";
    my $listener = $port->listener($socket);
    $listener->blocking(0);
    $port->{watch} //= $class->_watch($socket, $port, $mux);
    my $tls = $listener->accept('Vouch::Socket');
    $mux->set_timeout($port->{watch}, $listener->next_deadline);
    return $tls && $class->_client($socket, $tls, $mux);
}

# Before another program takes the place of this one.
sub end_all {
    $_->finish for values %pumps;
    return;
}

# The handshakes under way, as one more handle.
sub _watch {
    my ($class, $socket, $port, $mux) = @_;
    my $handle = $port->listener($socket)->handle;
    if (!$handle) {
        pipe $handle, $port->{never} or die "pipe: $!\n";    # only its timer counts
    }
    weaken $socket;
    my $watch = Vouch::NetServer::Watch->new(
        $handle,
        ready  => sub { return $socket && $class->next_client($socket, $port) },
        client => sub { my ($client) = @_; _default_object($mux)->mux_connection($mux, $client) },
        late   => sub {
            my $client = $socket && $class->next_client($socket, $port) or return;
            $mux->add($client);
            _default_object($mux)->mux_connection($mux, $client);
        },
    );
    $watch->join_mux($mux);
    return $watch;
}

# The object that Net::Server has given for all handles without their own.
sub _default_object {
    my ($mux) = @_;
    my $object = $mux->set_callback_object(undef);
    $mux->set_callback_object($object);
    return $object;
}

sub _client {
    my ($class, $socket, $tls, $mux) = @_;
    socketpair my $near, my $far, AF_UNIX, SOCK_STREAM, 0 or return;
    my $client = Vouch::NetServer::Muxed->new(ref $socket, $near, $tls);
    $socket->_introduce($client, $tls);
    my $pump = Vouch::NetServer::Pump->new($mux, $tls, $far, sub { delete $pumps{ 0 + $_[0] } });
    $pumps{ 0 + $pump } = $pump;
    $pump->run;
    return $client;
}

1;

__END__

=head1 NAME

Vouch::NetServer::Multiplex - handshakes and TLS inside the loop of IO::Multiplex (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Multiplex;

    sub accept_one {
        my ($socket, $port) = @_;
        return Vouch::NetServer::Multiplex->next_client($socket, $port);
    }

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release.

L<IO::Multiplex> reads and writes descriptors by itself, past any TLS. So its
client is one end of a pair of sockets (L<Vouch::NetServer::Muxed>); between the
other end and the TLS connection a L<Vouch::NetServer::Pump> moves the bytes, when
the loop of IO::Multiplex says that there are any. All of it happens in the one
process.

=head1 METHODS

=head2 next_client

    my $client = Vouch::NetServer::Multiplex->next_client($socket, $port);

A client whose handshake is done, or undef.

=head2 end_all

    Vouch::NetServer::Multiplex->end_all;

Closes all connections, with close_notify.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
