package Vouch::Socket::Handshake 0.001;

use v5.16;
use warnings;

use Errno          qw(EBADF ETIMEDOUT);
use IO::Socket::IP ();
use Scalar::Util   qw(blessed dualvar reftype);
use Socket         qw(AF_INET inet_pton);

use Vouch::Error            ();
use Vouch::Socket::Sessions ();
use Vouch::Stream           ();

# TLS begins on a connected socket: done, to be called again, or failed.

sub accept_SSL  { my ($self, @arg) = @_; return $self->_start('accept',  @arg) }
sub connect_SSL { my ($self, @arg) = @_; return $self->_start('connect', @arg) }

sub connect {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, @address) = @_;
    my $done = $self->IO::Socket::IP::connect(@address);
    return $done if !$done || ${*$self}{vouch_busy};    # it is "configure" that connects
    my $own = $self->_own('connect') or return;
    return $done if $own->{plain} || $own->{context}->is_server || tied *$self;
    return $self->connect_SSL;
}

sub opened {
    my ($self) = @_;
    return 0 if !defined fileno $self;
    my $stream = tied *$self;
    return 1  if $stream && $stream->_is_ready;
    return -1 if ${*$self}{vouch_failed};
    return ${*$self}{vouch_listens} // 0;
}

sub opening {
    my ($self) = @_;
    my $stream = tied *$self or return !!0;
    return !$stream->_is_ready && !${*$self}{vouch_failed};
}

sub want_read  { my $stream = tied *{ $_[0] } or return !!0; return $stream->_wants == -2 }
sub want_write { my $stream = tied *{ $_[0] } or return !!0; return $stream->_wants == -3 }

# The handshake: the socket when done; else $SSL_ERROR and $! say why.
sub _start {
    my ($self, $verb, @arg) = @_;
    my $socket = @arg && _is_handle($arg[0]) ? shift @arg : $self;
    my $arg    = Vouch::Socket::Arguments::_named("${verb}_SSL", ['Timeout'], @arg);
    my $own    = $self->_own($verb) or return;
    _adopt($socket, ref $self, $own) if $socket != $self;
    my $stream  = tied *$socket   // $socket->_tie($own, $verb);
    my $timeout = $arg->{Timeout} // $own->{timeout};
    my $limit   = Vouch::Socket::Arguments::_milliseconds($timeout);

    # Functions from here on: a callback may have given it another class.
    if (_shake_hands($socket, $stream, $limit)) {
        Vouch::Socket::Sessions::keep($socket, $own, $stream) if $verb eq 'connect';
        return Vouch::Socket::Arguments::_settle($socket);
    }
    return _not_started($socket, $stream, $verb, $timeout);
}

# A callback that has died ends it; a signal handler does not.
sub _shake_hands {
    my ($self, $stream, $limit) = @_;
    my ($done, $died);
    {
        local $@;
        $done = eval { $stream->_handshake($limit) };
        $died = $@;
    }
    return $done if defined $done;
    if (($stream->_error)[0] ne 'ok') {
        ${*$self}{vouch_failed} = 1;
        Vouch::Socket::Arguments::_settle($self);
    }
    die $died;
}

sub _is_handle {
    my ($value) = @_;
    return (reftype $value // '') eq 'GLOB';
}

# The settings; of a socket that was made without arguments, the defaults.
sub _own {
    my ($self, $verb) = @_;
    my $own = ${*$self}{vouch};
    return $own if $own;
    if (${*$self}{vouch_failed} || !defined fileno $self) {
        $! = EBADF;
        my $why = defined fileno $self ? 'its handshake has failed; use start_SSL' : 'the socket is closed';
        return $self->_note("SSL $verb attempt failed: $why");
    }
    return ${*$self}{vouch} = $self->_settings({ SSL_server => $verb eq 'accept' ? 1 : 0 });
}

# Another socket's handshake with our settings: accept_SSL($client).
sub _adopt {
    my ($socket, $class, $own) = @_;
    return if tied *$socket;
    my $before = blessed $socket;
    if (!$before || !$socket->isa('Vouch::Socket')) {
        bless $socket, $class;
        $own = { %$own, before => $before // 'IO::Handle' };
    }
    delete ${*$socket}{vouch_failed};
    ${*$socket}{vouch} = $own;
    return;
}

# A handshake that only wants to be called again keeps its socket; any other
# closes it.
sub _not_started {
    my ($self, $stream, $verb, $timeout) = @_;
    my $error = $Vouch::Socket::SSL_ERROR;
    return if $error == Vouch::Socket::SSL_WANT_READ() || $error == Vouch::Socket::SSL_WANT_WRITE();
    ${*$self}{vouch_error} = _explain($stream, $verb, $timeout);
    Vouch::Socket::Sessions::forget($self, ${*$self}{vouch}) if $verb eq 'connect';
    return _abandon($self, ${*$self}{vouch} // {});
}

sub _tie {
    my ($self, $own, $verb) = @_;
    my $context = $own->{context};
    _check_verb($context, $verb);
    delete ${*$self}{vouch_error};    # of a handshake before, in plain text since
    my $stream = Vouch::Stream::_attach($self, $context->{config}, $context->{arg}{SSL_verify_callback},
        $own->{idle_ms}, $own->{max_line});
    return $stream if $verb eq 'accept';
    my $error = do {
        local $@;
        eval {
            $self->_set_names($own, $stream);
            Vouch::Socket::Sessions::offer($self, $own, $stream);
            my $look = $context->{arg}{SSL_ocsp_staple_callback};
            $stream->_set_staple_callback($look) if defined $look;
            1;
        } ? undef : $@;
    };
    return $stream if !defined $error;
    $stream->_detach(1);    # or the next try would go on without the names
    die $error;
}

# The context says which side we are: accept_SSL with a client's would be a
# client all the same, and one that checks no name.
sub _check_verb {
    my ($context, $verb) = @_;
    return if !$context || $context->is_server == ($verb eq 'accept');
    my ($for, $right) = $context->is_server ? qw(server accept) : qw(client connect);
    Vouch::Error->throw(
        code    => 'argument',
        message => "${verb}_SSL: this socket is a $for by its context (SSL_server); use ${right}_SSL",
    );
}

# The name to ask the server for (SNI; never an address), and the name or
# address its certificate must be for.
sub _set_names {
    my ($self, $own, $stream) = @_;
    my $peer  = $own->{peer};
    my $asked = $own->{SSL_hostname} // $peer // '';
    # PeerAddrInfo tells no name: then the address it came to; a name that is
    # to be checked and is not there at all is refused.
    my $wanted = $own->{SSL_verifycn_name} // (length $asked ? $asked : $peer) // $self->peerhost
        // ($own->{context}->_checks_name ? '' : undef);
    my $rules = $own->{rules};
    undef $wanted if defined $rules && !ref $rules;            # none
    s/(?<=[^.])\.\z// for grep { defined } $asked, $wanted;    # "example.org." is the name in full
    my ($what, $check) = defined $wanted ? Vouch::Socket::Names::_checker($wanted, $rules) : ();
    $stream->_set_names(length $asked && !_is_address($asked) ? $asked : undef, $check ? undef : $wanted);
    $stream->_set_name_check($check, $what) if $check;
    return;
}

sub _is_address {
    my ($text) = @_;
    return defined inet_pton(AF_INET, $text) || $text =~ /:/;
}

# $SSL_ERROR and $! after a failed handshake, and the error as an object.
sub _explain {
    my ($stream, $verb, $timeout) = @_;
    my $late  = $Vouch::Socket::SSL_ERROR == ETIMEDOUT;
    my %late  = (errno => ETIMEDOUT, message => "no handshake within $timeout seconds");
    my $error = Vouch::Error->_of_stream($stream, $late ? %late : ());
    my $text  = "SSL $verb attempt failed" . ($late ? ': ' : ' ') . join '; ', $error->message,
        $error->details;
    $Vouch::Socket::SSL_ERROR = dualvar($late ? ETIMEDOUT : -1, $text);
    $!                        = $error->errno;
    return $Vouch::Socket::LAST_ERROR = $error;
}

# Programs look at $@ too; LWP tells it to its user, and expects there the words
# of IO::Socket::SSL for a wrong name.
sub _abandon {
    my ($self,  $own)   = @_;
    my ($error, $errno) = ($Vouch::Socket::SSL_ERROR, $! + 0);
    my $told = $error =~ /(hostname verification failed)/ ? $1 : "$error";
    ${*$self}{vouch_failed} = 1;
    my $stream = tied *$self;
    $stream->_forget_callbacks if $stream;
    if (my $trap = $own->{SSL_error_trap}) {
        # Or a trap that holds the socket would be held by it.
        Vouch::Socket::Arguments::_settle($self);
        _tell_trap($self, $trap, "$error");
    }
    elsif (!$own->{SSL_keepSocketOnError}) {
        my $ours = $self->isa('Vouch::Socket');
        $ours
            ? $self->close(SSL_no_shutdown => 1)
            : Vouch::Socket::Upgrade::close($self, SSL_no_shutdown => 1);
    }
    else {
        Vouch::Socket::Upgrade::_go_plain($self);
    }
    $Vouch::Socket::SSL_ERROR = $error;
    $@                        = $told;
    $!                        = $errno;
    return;
}

# What a trap prints goes out in the clear: some tell a client there that it
# should have spoken TLS.  Afterwards nothing does.
sub _tell_trap {
    my ($self, $trap, $text) = @_;
    my $stream = tied *$self;
    local ${*$self}{vouch_trapped} = $stream;
    $stream->_set_aside if $stream;
    my $lived = eval { $trap->($self, $text); 1 };
    my $died  = $@;
    if ($stream) {
        my $same = defined CORE::fileno($self) && !tied *$self && $self->isa('Vouch::Socket');
        $same ? $stream->_take_back($self) : $stream->_detach(1);
    }
    die $died if !$lived;
    return;
}

1;

__END__

=head1 NAME

Vouch::Socket::Handshake - how TLS begins on a Vouch::Socket

=head1 SYNOPSIS

    use Vouch::Socket;

    my $server = Vouch::Socket->new(Listen => 10, SSL_startHandshake => 0, SSL_cert_file => 'cert.pem');
    my $client = $server->accept or die $SSL_ERROR;
    $client->accept_SSL(Timeout => 10) or die $SSL_ERROR;

=head1 DESCRIPTION

The handshake of a socket that is connected, and how far it is. These are methods
of L<Vouch::Socket>. C<new> and C<accept> of that do the handshake themselves,
unless they are told C<< SSL_startHandshake => 0 >>.

=head1 METHODS

=head2 accept_SSL, connect_SSL

    $client->accept_SSL(Timeout => 10) or die $SSL_ERROR;
    $socket->connect_SSL or die $SSL_ERROR;
    $server->accept_SSL($socket, Timeout => 10) or die $SSL_ERROR;

Start TLS on a socket made with C<< SSL_startHandshake => 0 >>, as the server
or as the client. C<Timeout> is in seconds; the default is that of C<new>. With
another socket as first argument the handshake is done there, with the settings
of this one; it becomes a Vouch::Socket if it is none. Arguments may also be
given as a hash reference. Unknown ones die.

Returns the socket. Returns undef when it failed, with the connection closed unless
C<SSL_keepSocketOnError> or C<SSL_error_trap> says otherwise, or, on a handle
that does not wait, when it has to be called again (see L<Vouch::Socket/Without
waiting>). Dies with what a callback died with. On a socket that was made without
arguments, the settings are the defaults.

=head2 connect

    my $socket = Vouch::Socket->new;
    $socket->socket(AF_INET, SOCK_STREAM, 0) or die $!;
    $socket->connect($address) or die $SSL_ERROR;

Connects to a packed address and does the handshake, unless the socket is to
begin in plain text. The certificate must be for C<SSL_hostname> or
C<SSL_verifycn_name>, if the socket was configured with one, else for the IP
address. Returns a true value, or undef with C<$!> and C<$SSL_ERROR>. Without an
argument, goes on with a connection that C<new> has begun without waiting.

=head2 opened

    if ($socket->opened > 0) { ... }

1 when the handshake is done, and for a socket that listens; -1 when it has
failed and the socket was kept; 0 for one that is closed, or in plain text.

=head2 opening

    if ($socket->opening) { ... }

True while the handshake has begun and is not finished.

=head2 want_read, want_write

    select_for_reading($socket) if $socket->want_read;

On a handle that does not wait: whether the last call has stopped because it
must first receive, or send.

=head1 ERRORS

As L<Vouch::Socket/ERRORS>.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::Socket::Upgrade>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
