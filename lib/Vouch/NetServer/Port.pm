package Vouch::NetServer::Port 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed weaken);

use Vouch::Listener             ();
use Vouch::NetServer::Arguments ();
use Vouch::NetServer::Keys      ();

# What a port of a Net::Server and its clients have in common: the server, the
# arguments, and what Vouch::Socket makes of them.

use constant HANDSHAKE_TIMEOUT => 10;    # seconds; nobody else may be served meanwhile

sub new {
    my ($class, $server, $info, $proto) = @_;
    my $self = bless { server => $server, handshake => _handshake($server) }, $class;
    weaken($self->{server});
    my %arg = Vouch::NetServer::Arguments->for_port($server, $info, $proto);
    $self->{timeout} = delete $arg{SSL_handshake_timeout} // HANDSHAKE_TIMEOUT;
    $self->{trap}    = delete $arg{SSL_error_trap} if $self->{handshake} ne 'later';
    $self->{ready}   = [];
    $self->{arg}     = \%arg;
    return $self;
}

sub server    { return $_[0]{server} }
sub handshake { return $_[0]{handshake} }

sub log {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $level, $text) = @_;
    # Not a format: with more arguments Net::Server takes it for one.
    $self->{server}->log($level, $text =~ s/\s+\z//r) if $self->{server};
    return;
}

# When a handshake takes place: "now", while accept() waits for a client that
# is ready; "later", in the process or thread that serves the client; or
# "mux", whenever bytes come.
sub _handshake {
    my ($server) = @_;
    return
          $server->isa('Net::Server::Multiplex')                                           ? 'mux'
        : (grep { $server->isa("Net::Server::$_") } qw(Fork PreForkSimple PreFork Thread)) ? 'later'
        :                                                                                    'now';
}

# As Vouch::Socket keeps them, with a context of this very thread: one that
# was made in another is none here.
sub settings {
    my ($self, $socket) = @_;
    my $own = $self->{own};
    return $own if $own && blessed $own->{context};
    my %arg =
        $own
        ? Vouch::NetServer::Keys->frozen(%{ $self->{arg} })
        : Vouch::NetServer::Keys->arguments(sub { $self->log(1, $_[0]) }, %{ $self->{arg} });
    return $self->{own} = $socket->_settings({ Listen => 1, Timeout => $self->{timeout}, %arg });
}

# For personalities whose handshakes go on while a process waits or serves.
sub listener {
    my ($self, $socket) = @_;
    return $self->{listener} if $self->{listener};
    my ($me, $where) = ($self, $socket);
    weaken($_) for $me, $where;
    return $self->{listener} = Vouch::Listener->_inside(
        $socket,
        {
            Handshakes       => Vouch::Listener::HANDSHAKES(),
            HandshakeTimeout => $self->{timeout},
            on_error         => sub { $me->_failed($where, @_) },
        }
    );
}

# Clients that are ready, without waiting: how many there are.
sub gather {
    my ($self, $socket) = @_;
    push @{ $self->{ready} }, $self->listener($socket)->advance;
    return scalar @{ $self->{ready} };
}

sub take { my ($self) = @_; return shift @{ $self->{ready} } }

# While this process may still be root.
sub prepare {
    my ($self, $socket) = @_;
    my $server = $self->{server};
    _check_threads($self->{arg}) if $server->isa('Net::Server::Thread');
    Vouch::NetServer::Keys->keep($server, %{ $self->{arg} });
    return $self->settings($socket);
}

# Net::Server closes its sockets before it becomes itself again.
sub closing {
    my ($self) = @_;
    my $server = $self->{server};
    return                               if !$server || !$server->{server}{_HUP};
    Vouch::NetServer::Multiplex->end_all if $self->{handshake} eq 'mux';
    return                               if Vouch::NetServer::Keys->hand_over;
    $self->log(1, "Certificates and keys could not be handed over: $!");
    return;
}

sub _failed {
    my ($self, $socket, $failure) = @_;
    my $nobody = $failure->{what} eq 'system';
    my $text   = $failure->{text} . (defined $failure->{exception} ? "; it died: $failure->{exception}" : '');
    $self->log($nobody ? 1 : 2, ($nobody ? 'No client accepted: ' : 'No TLS with ') . $text);
    $self->{trap}->($socket, $failure->{text}) if $self->{trap};
    return;
}

# What belongs to the thread that made it cannot be there in another.
sub _check_threads {
    my ($arg)  = @_;
    my ($name) = grep { _stays_behind($arg->{$_}) } sort keys %$arg or return;
    Vouch::Error->throw(
        code    => 'argument',
        message => "$name is given as an object, which Perl does not copy into threads; under"
            . ' Net::Server::Thread each makes a context of its own: name the file instead',
    );
}

sub _stays_behind {
    my ($value) = @_;
    return $value->can('CLONE_SKIP') if blessed $value;
    my @inside = ref $value eq 'ARRAY' ? @$value : ref $value eq 'HASH' ? values %$value : ();
    return grep { _stays_behind($_) } @inside;
}

1;

__END__

=head1 NAME

Vouch::NetServer::Port - what a port of a Net::Server and its clients have in common (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Port;

    sub port_of {
        my ($server, $info) = @_;
        return Vouch::NetServer::Port->new($server, $info, 'VOUCH_SSL');
    }

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release.

=head1 METHODS

=head2 new

    my $port = Vouch::NetServer::Port->new($server, $info, $proto);

Collects the arguments. Dies with a L<Vouch::Error>.

=head2 server

    my $server = $port->server;

The Net::Server, which is not kept alive by it.

=head2 log

    $port->log(2, "somebody has come");

Into the server's log.

=head2 handshake

    my $when = $port->handshake;

C<now>, C<later> or C<mux>: when a handshake takes place, by the personality.

=head2 prepare

    my $settings = $port->prepare($socket);

Checks the arguments, reads all files, and makes the context. Dies with a
L<Vouch::Error>.

=head2 settings

    my $settings = $port->settings($socket);

What L<Vouch::Socket> needs to know, with a context of this thread.

=head2 listener

    my $listener = $port->listener($socket);

The L<Vouch::Listener> of the socket, for handshakes C<now> or C<mux>.

=head2 gather, take

    my $count  = $port->gather($socket);
    my $client = $port->take;

Collects clients that are ready, without waiting, and says how many there are; takes
one of them.

=head2 closing

    $port->closing;

Called when the listening socket is closed: before SIGHUP makes the process
another program, keys are handed over.

=head2 HANDSHAKE_TIMEOUT

    my $seconds = Vouch::NetServer::Port::HANDSHAKE_TIMEOUT;

Constant: how long a handshake may take, 10 seconds.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
