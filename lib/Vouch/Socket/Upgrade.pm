package Vouch::Socket::Upgrade 0.001;

use v5.16;
use warnings;

use Errno          qw(EAGAIN EBADF);
use IO::Handle     ();
use IO::Socket::IP ();
use Scalar::Util   qw(blessed);

use Vouch::Error ();

# TLS on a socket that is there already, and back to plain text.

my @AT_THE_END = qw(SSL_no_shutdown SSL_fast_shutdown SSL_ctx_free Timeout);

sub start_SSL {
    my ($class, $socket, @arg) = @_;
    $class = ref $class || $class;
    if (!defined eval { fileno $socket }) {
        $! = EBADF;
        return $class->_note('start_SSL needs an open socket');
    }
    if (tied *$socket) {
        # It would be taken for the connection that is asked for, unchecked.
        Vouch::Error->throw(code => 'argument', message => 'start_SSL: TLS is on this socket already');
    }
    my $arg    = _pairs('start_SSL', @arg);
    my $before = blessed $socket;
    bless $socket, $class;
    my $own = eval { $socket->_settings({ SSL_keepSocketOnError => 1, %$arg }) };
    if (!$own) {
        my $error = $@;
        _become($socket, $before);
        die $error;
    }
    $own->{before} = $before // 'IO::Handle';
    delete ${*$socket}{vouch_failed};
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

sub new_from_fd {
    my ($class, $fd, @arg) = @_;
    shift @arg if @arg % 2 && ref $arg[0] ne 'HASH';    # a mode, of no meaning
    my $socket = IO::Socket::IP->new_from_fd($fd, '+<') or return $class->_note("new_from_fd: $!");
    return $class->start_SSL($socket, @arg);
}

sub configure_SSL {
    my ($self, @arg) = @_;
    my $arg = _pairs('configure_SSL', @arg);
    ${*$self}{vouch} = $self->_settings({%$arg});
    delete ${*$self}{vouch_failed};
    return $self;
}

sub stop_SSL {
    my ($self, @arg) = @_;
    my $arg = Vouch::Socket::Arguments::_named('stop_SSL', \@AT_THE_END, @arg);
    $self->_say_goodbye({ SSL_fast_shutdown => 0, %$arg }) or return;
    $self->_go_plain;
    return 1;
}

sub close {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, @arg) = @_;
    my $arg    = @arg ? Vouch::Socket::Arguments::_named('close', \@AT_THE_END, @arg) : {};
    my $stream = tied *$self;
    if ($stream) {
        my $waits = !($arg->{SSL_fast_shutdown} // 1);
        return if $waits && !$self->_say_goodbye($arg);
        $stream->_detach($arg->{SSL_no_shutdown} ? 1 : 0);
    }
    my $own = delete ${*$self}{vouch};
    # There SSL_reuse_ctx may name a socket that is closed.
    ${*$self}{vouch_was} = $own->{context} if $own && $self->isa('IO::Socket::SSL');
    delete ${*$self}{vouch_was}            if $arg->{SSL_ctx_free};
    my $listener = delete ${*$self}{vouch_listener};
    $listener->_end if $listener;
    return CORE::close($self);
}

# Our close_notify, and unless in a hurry, the peer's.  False if that would
# have to wait, on a handle that does not; a peer that is gone, or silent for
# too long, cannot keep us.
sub _say_goodbye {
    my ($self, $arg) = @_;
    my $stream = tied *$self;
    return 1 if !$stream || $arg->{SSL_no_shutdown};
    my $timeout = $arg->{Timeout} // ${*$self}{vouch}{timeout};
    my $hurry   = $arg->{SSL_fast_shutdown};
    return 1 if $stream->_shutdown($hurry ? 0 : Vouch::Socket::Arguments::_milliseconds($timeout));
    return $hurry || $! != EAGAIN;
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

sub _pairs {
    my ($method, @arg) = @_;
    return $arg[0] if @arg == 1 && ref $arg[0] eq 'HASH';
    return {@arg}  if @arg % 2 == 0;
    Vouch::Error->throw(
        code    => 'argument',
        message => "$method takes names and values, not an odd number of arguments",
    );
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
(C<< SSL_keepSocketOnError => 0 >> closes it; a handle without a class becomes an
L<IO::Handle>). A socket that does not block
does so during the handshake, for at most C<Timeout> seconds; to go on with other
work meanwhile, use C<< SSL_startHandshake => 0 >> and call C<connect_SSL> or
C<accept_SSL> until it is done. Dies with a L<Vouch::Error> for wrong arguments.

=head2 new_from_fd

    my $socket = Vouch::Socket->new_from_fd($fd, SSL_server => 1, %arguments) or die $SSL_ERROR;

Does the same for a descriptor, or a handle, of which it takes a copy. A mode
(C<'+E<lt>'>) may stand before the arguments and is ignored.

=head2 configure_SSL

    $socket->configure_SSL({ SSL_server => 1, SSL_cert_file => $cert, SSL_key_file => $key });

Gives a socket its TLS arguments and nothing more: for one that got its
descriptor otherwise, such as a listening socket that a program inherits from
itself when it starts anew (L<Net::Server> does that). What follows is C<accept>,
C<accept_SSL> or C<connect_SSL>. Returns the socket; dies with a L<Vouch::Error>
for wrong arguments.

=head2 stop_SSL

    $socket->stop_SSL;
    $socket->stop_SSL(SSL_fast_shutdown => 1);

Ends TLS and leaves the socket open, in the class it had before C<start_SSL>.
Sends close_notify and waits for the peer's, at most C<Timeout> seconds (default:
that of the socket), so that what follows is plain text in both directions;
C<SSL_fast_shutdown> does not wait, C<SSL_no_shutdown> does not send. What the
peer sent before its close_notify and was not read is lost. Returns 1. On a handle
that does not wait: undef with C<$!> set to EAGAIN, and C<$SSL_ERROR> equal to
C<SSL_WANT_READ> or C<SSL_WANT_WRITE>, until the peer has answered; call it again
then.

=head2 close

    close $socket;
    $socket->close(SSL_no_shutdown => 1);
    $socket->close(SSL_fast_shutdown => 0, Timeout => 5);

Sends close_notify, without waiting for the peer's, and closes the socket.
C<SSL_no_shutdown> closes without a word. C<< SSL_fast_shutdown => 0 >> waits for
the peer's answer, as C<stop_SSL> does, and on a handle that does not wait has to
be repeated like that. C<SSL_ctx_free> is allowed and has no effect: a closed
socket always lets its context go (but see L<Vouch::Instead>). Other names die.

A client that only writes, and then closes, should wait like that with TLS 1.3: the
server sends session tickets after the handshake, and if they arrive when the socket
is gone, the system answers with a reset, which can take away from the server what
it has not read yet. (A client that has read an answer has read the tickets.)

Returns true, or false with C<$!>. Only a process that has used the connection
since the last C<fork> sends anything: see L<Vouch::Socket/THREADS AND FORK>. A
socket that goes out of scope closes in the same way.

=head1 SEE ALSO

L<Vouch::Socket>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
