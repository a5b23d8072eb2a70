package Vouch::NetServer::Ends 0.001;

use v5.16;
use warnings;

use Socket qw(AF_INET AF_INET6 NI_NUMERICHOST NI_NUMERICSERV NIx_NOSERV);

# The two ends of a connection, as they were when the client came: it may be
# gone already when somebody asks.

sub remember_ends {
    my ($self, $tcp) = @_;
    @{ *$self{HASH} }{qw(netserver_sockname netserver_peername)} =
        (CORE::getsockname($tcp), CORE::getpeername($tcp));
    return;
}

sub sockname {
    my $own = *{ $_[0] }{HASH};
    return exists $own->{netserver_sockname} ? $own->{netserver_sockname} : CORE::getsockname($_[0]);
}

sub peername {
    my $own = *{ $_[0] }{HASH};
    return exists $own->{netserver_peername} ? $own->{netserver_peername} : CORE::getpeername($_[0]);
}

sub sockhost { return _numeric($_[0]->sockname, 0) }
sub sockport { return _numeric($_[0]->sockname, 1) }
sub sockaddr { return _packed($_[0]->sockname) }
sub peerhost { return _numeric($_[0]->peername, 0) }
sub peerport { return _numeric($_[0]->peername, 1) }
sub peeraddr { return _packed($_[0]->peername) }

sub sockdomain {
    my $name = $_[0]->sockname // return;
    return Socket::sockaddr_family($name);
}

sub peerhostname {
    my $name = $_[0]->peername // return;
    return (Socket::getnameinfo($name, 0, NIx_NOSERV))[1];
}

# For a log: "192.0.2.7:4711", "[::1]:4711"; undef if it is not known.
sub peer_text {
    my ($self) = @_;
    my $host = $self->peerhost // return undef;      ## no critic (ProhibitExplicitReturnUndef)
    return ($host =~ /:/ ? "[$host]" : $host) . ':' . $self->peerport;
}

sub _numeric {
    my ($name, $index) = @_;
    return undef if !defined $name;                  ## no critic (ProhibitExplicitReturnUndef)
    my ($error, @found) = Socket::getnameinfo($name, NI_NUMERICHOST | NI_NUMERICSERV);
    return $error ? undef : $found[$index];
}

sub _packed {
    my ($name) = @_;
    return undef if !defined $name;                  ## no critic (ProhibitExplicitReturnUndef)
    my $family = Socket::sockaddr_family($name);
    return
          $family == AF_INET  ? (Socket::unpack_sockaddr_in($name))[1]
        : $family == AF_INET6 ? (Socket::unpack_sockaddr_in6($name))[1]
        :                       undef;
}

1;

__END__

=head1 NAME

Vouch::NetServer::Ends - the two ends of a connection (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Ends;

    our @ISA = qw(Vouch::NetServer::Ends Vouch::Socket);

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release.

The methods of L<IO::Socket::IP> of these names, which answer from what was known
when the client came, also when it has gone.

=head1 METHODS

=head2 remember_ends

    $client->remember_ends($tcp);

Asks the socket, which is the client itself or what is behind it.

=head2 sockname, sockhost, sockport, sockaddr, sockdomain

=head2 peername, peerhost, peerport, peeraddr, peerhostname

    say $client->peerhost;

As in L<IO::Socket::IP>; undef if it is not known.

=head2 peer_text

    say $client->peer_text;

Host and port of the peer, for a log.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
