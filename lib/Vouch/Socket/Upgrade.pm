package Vouch::Socket::Upgrade 0.001;

use v5.16;
use warnings;

use Errno        qw(EBADF);
use IO::Handle   ();
use Scalar::Util qw(blessed);

use Vouch::Error ();

# TLS on a socket that is there already, and back to plain text.

sub start_SSL {
    my ($class, $socket, @arg) = @_;
    my %arg = @arg == 1 && ref $arg[0] ? %{ $arg[0] } : @arg;
    $class = ref $class || $class;
    if (!defined eval { fileno $socket }) {
        $! = EBADF;
        $class->_note('start_SSL needs an open socket');
        return;
    }
    if (tied *$socket) {
        # It would be taken for the connection that is asked for, unchecked.
        Vouch::Error->throw(code => 'argument', message => 'start_SSL: TLS is on this socket already');
    }
    my $before = blessed $socket;
    bless $socket, $class;
    my $own = eval { $socket->_settings({ SSL_keepSocketOnError => 1, %arg }) };
    if (!$own) {
        my $error = $@;
        _become($socket, $before);
        die $error;
    }
    $own->{before} = $before;
    ${*$socket}{vouch} = $own;
    return $socket if $own->{plain};
    return $socket->_handshake_at_once($own->{context}->is_server ? 'accept_SSL' : 'connect_SSL');
}

# Callers expect the handshake to be over, whether their socket waits or not.
sub _handshake_at_once {
    my ($self, $verb) = @_;
    my $waits = $self->blocking(1);
    my ($done, $told);
    my $lived = eval { $done = $self->$verb; $told = $@; 1 };
    my $died  = $@;
    my $errno = $! + 0;
    IO::Handle::blocking($self, 0) if !$waits && defined CORE::fileno $self;
    die $died                      if !$lived;
    ($@, $!) = ($told, $errno);
    return $done;
}

sub stop_SSL {
    my ($self, %arg) = @_;
    my $stream = tied *$self;
    if ($stream && $stream->_is_ready && !$arg{SSL_no_shutdown}) {
        my $timeout = $arg{Timeout} // ${*$self}{vouch}{timeout};
        # Best effort: a peer that does not answer cannot keep us.
        $stream->_shutdown($arg{SSL_fast_shutdown} ? 0 : Vouch::Socket::_milliseconds($timeout));
    }
    $self->_go_plain;
    return 1;
}

# Untie, and be of the class again that start_SSL found.
sub _go_plain {
    my ($self) = @_;
    my $stream = tied *$self;
    $stream->_detach(1) if $stream;
    my $own = delete ${*$self}{vouch};
    _become($self, $own->{before}) if $own && $own->{before};
    return;
}

sub _become {
    my ($socket, $class) = @_;
    return bless $socket, $class // 'IO::Handle';
}

1;

__END__

=head1 NAME

Vouch::Socket::Upgrade - TLS on a socket that is there already, and back

=head1 SYNOPSIS

    use Vouch::Socket;

    my $plain = IO::Socket::IP->new(PeerHost => 'mail.example', PeerPort => 25) or die $@;
    # ... the protocol says STARTTLS ...
    Vouch::Socket->start_SSL($plain, SSL_hostname => 'mail.example') or die $Vouch::Socket::SSL_ERROR;

=head1 DESCRIPTION

The part of L<Vouch::Socket> that other code calls to put TLS under a handle:
mail clients after STARTTLS, web clients behind a proxy, event loops that accept
connections themselves. These are methods of L<Vouch::Socket>.

=head1 METHODS

=head2 start_SSL

    Vouch::Socket->start_SSL($socket, %arguments) or die $SSL_ERROR;
    Vouch::Socket->start_SSL($socket, \%arguments) or die $SSL_ERROR;

Makes a connected socket, of whatever class, a Vouch::Socket in place and begins
the handshake: a client's, or with C<< SSL_server => 1 >> a server's. The
arguments are those of L<Vouch::Socket/new> that do not concern TCP, and
C<Timeout>. With C<< SSL_startHandshake => 0 >> the handshake waits for
C<connect_SSL> or C<accept_SSL>.

Returns the socket. If the handshake fails: undef with C<$SSL_ERROR> and C<$!>,
and the socket is of its old class again, still open
(C<< SSL_keepSocketOnError => 0 >> closes it). A socket that does not block
does so during the handshake, for at most C<Timeout> seconds; to go on with other
work meanwhile, use C<< SSL_startHandshake => 0 >> and call C<connect_SSL> or
C<accept_SSL> until it is done. Dies with a L<Vouch::Error> for wrong arguments.

=head2 stop_SSL

    $socket->stop_SSL;
    $socket->stop_SSL(SSL_fast_shutdown => 1);

Ends TLS and leaves the socket open, in the class it had before C<start_SSL>.
Sends close_notify and waits for the peer's, at most C<Timeout> seconds (default:
that of the socket), so that what follows is plain text in both directions;
C<SSL_fast_shutdown> does not wait, C<SSL_no_shutdown> does not send. What the
peer sent before its close_notify and was not read is lost. Returns 1.

=head1 SEE ALSO

L<Vouch::Socket>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
