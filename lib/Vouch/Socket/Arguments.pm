package Vouch::Socket::Arguments 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed looks_like_number reftype);

use Vouch::Context         ();
use Vouch::Context::Shared ();
use Vouch::Error           ();
use Vouch::SessionCache    ();
use Vouch::Socket::Names   ();

# What the arguments say about a socket, or about all that a listener accepts.

# Arguments about one socket; the rest of SSL_* goes to its context.
my @OWN = qw(
    SSL_hostname SSL_verifycn_name SSL_verifycn_scheme SSL_startHandshake SSL_reuse_ctx
    SSL_error_trap SSL_keepSocketOnError SSL_io_timeout SSL_max_line SSL_session
    SSL_verifycn_publicsuffix
    SSL_session_key
);

# What a socket needs for its handshake only; much of it may be closures over
# the very socket.
my @FOR_HANDSHAKE = qw(
    held settled rules SSL_error_trap SSL_verifycn_scheme SSL_verifycn_publicsuffix SSL_session
);

# All that new() takes.
sub _argument_names { return (@OWN, Vouch::Context::_argument_names()) }

# SSL_* is taken out of the arguments.
sub _settings {
    my ($self, $arg) = @_;
    _bad_argument('configure takes a hash reference') if ref $arg ne 'HASH';
    Vouch::Socket::Defaults::_apply($arg);
    my %ssl     = map { $_ => delete $arg->{$_} } grep { /\ASSL_/ } keys %$arg;
    my %own     = map { $_ => delete $ssl{$_} } grep   { exists $ssl{$_} } @OWN;
    my $context = _context(\%own, \%ssl, $arg->{Listen});
    my $peer    = $arg->{PeerHost} // $arg->{PeerAddr};
    ($own{peer}) = Vouch::Socket->split_addr($peer) if defined $peer;    # "host:port"
        # IO::Socket has taken Timeout out of the arguments, unless called directly.
    $own{timeout} = $arg->{Timeout} // ${*$self}{io_socket_timeout} // Vouch::Socket::HANDSHAKE_TIMEOUT();
    _check_numbers(\%own);
    _check_trap($own{SSL_error_trap});
    _check_text($_, $own{$_}) for qw(SSL_hostname SSL_verifycn_name);
    _check_session($own{SSL_session});
    Vouch::Context::_check_flags(\%own, qw(SSL_startHandshake SSL_keepSocketOnError));
    Vouch::SessionCache::_check_key('SSL_session_key', $own{SSL_session_key})
        if defined $own{SSL_session_key};
    $own{rules} = Vouch::Socket::Names::_rules('SSL_verifycn_scheme',
        @own{qw(SSL_verifycn_scheme SSL_verifycn_publicsuffix)});
    return _prepare(\%own, $context);
}

# The handshake is done.  What listens and what it has accepted share their
# settings, so those that come after are made once.
sub _settle {
    my ($self) = @_;
    my $own = ${*$self}{vouch} or return $self;       # closed by a callback
    ${*$self}{vouch} = _settled($own);
    return $self;
}

sub _settled {
    my ($own) = @_;
    return $own->{settled} //= do {
        my %rest = %$own;
        delete @rest{@FOR_HANDSHAKE};
        \%rest;
    };
}

# The context that is given, or one of these arguments.
sub _context {
    my ($own, $ssl, $listens) = @_;
    my $side = $ssl->{SSL_server};
    $ssl->{SSL_server} //= $listens ? 1 : 0;
    if (!defined $own->{SSL_reuse_ctx}) {
        my $context = Vouch::Context::Shared->context(%$ssl);
        $own->{held} = $context->_let_go;
        return $context;
    }
    Vouch::Context::_check_names(keys %$ssl);    # they have no effect, but must exist
    my $given   = delete $own->{SSL_reuse_ctx};
    my $context = _context_in('SSL_reuse_ctx', $given);
    # Of the control connection of FTP, say, for that of the data.
    $own->{SSL_session_key} //= ${*$given}{vouch}{SSL_session_key} if (reftype $given) eq 'GLOB';
    # A socket that begins in plain text may yet be on either side.
    my $open = !defined $side && !($own->{SSL_startHandshake} // 1);
    if ($context->is_server != !!$ssl->{SSL_server} && !$open) {
        my ($for, $not) = $context->is_server ? qw(servers client) : qw(clients server);
        _bad_argument("SSL_reuse_ctx: this context is for $for, and the socket shall be a $not");
    }
    return $context;
}

sub _context_in {
    my ($name, $given) = @_;
    my $context =
        blessed $given && $given->can('context')
        ? $given->context // ${*$given}{vouch_was}
        : $given;
    _bad_argument("$name must be a Vouch::Context or a TLS socket")
        if !blessed $context || !$context->isa('Vouch::Context');
    $context->_check_whole;
    return $context;
}

sub _check_trap {
    my ($trap) = @_;
    return if !defined $trap || Vouch::Context::_is_code($trap);
    _bad_argument("SSL_error_trap must be a code reference, not '$trap'");
}

sub _check_text {
    my ($name, $text) = @_;
    return                                                     if !defined $text;
    _bad_argument("$name must be a text, not a reference")     if ref $text;
    _bad_argument("$name must not contain a NUL")              if $text =~ /\0/;
    _bad_argument("$name must be in its ASCII form (xn--...)") if $text =~ /[^\x01-\x7e]/;
    return;
}

sub _check_session {
    my ($session) = @_;
    return if !defined $session || blessed $session && $session->isa('Vouch::Session');
    _bad_argument(q(SSL_session must be what a socket's "session" returns, not ') . $session . q('));
}

sub _check_numbers {
    my ($own) = @_;
    for my $name (qw(timeout SSL_io_timeout SSL_max_line)) {
        my $value = $own->{$name} // next;
        next if !ref $value && looks_like_number($value) && $value >= 0 && $value < 1e12;
        my $told = $name eq 'timeout' ? 'Timeout' : $name;
        _bad_argument("$told must be a number, 0 or more, not '$value'");
    }
    return;
}

# Handshakes and what belongs to it, if it is asked for.
sub _handshakes_wanted {
    my ($arg) = @_;
    return if !grep { exists $arg->{$_} } qw(Handshakes HandshakeTimeout PerAddress MaxConnections on_error);
    require Vouch::Listener;
    return Vouch::Listener::_take_arguments($arg);
}

# What a method is given by name, of these names only.
sub _named {
    my ($method, $known, @arg) = @_;
    @arg = %{ $arg[0] } if @arg == 1 && ref $arg[0] eq 'HASH';
    _bad_argument("$method takes names and values, not an odd number of arguments") if @arg % 2;
    my %arg   = @arg;
    my %known = map { $_ => 1 } @$known;
    for my $name (grep { !$known{$_} } sort keys %arg) {
        _bad_argument("$method does not know the argument $name; it takes " . join ', ', @$known);
    }
    _check_numbers({ timeout => $arg{Timeout} });
    return \%arg;
}

sub _prepare {
    my ($own, $context) = @_;
    my $idle = $own->{SSL_io_timeout} // ($context->is_server ? Vouch::Socket::SERVER_IO_TIMEOUT() : 0);
    $own->{context}    = $context;
    $own->{plain}      = defined $own->{SSL_startHandshake} && !$own->{SSL_startHandshake};
    $own->{timeout_ms} = _milliseconds($own->{timeout});
    $own->{idle_ms}    = _milliseconds($idle);
    $own->{max_line}   = $own->{SSL_max_line} // Vouch::Socket::MAX_LINE();
    return $own;
}

sub _with_timeout {
    my ($own, $seconds) = @_;
    my (%copy) = %$own;
    delete $copy{settled};
    $copy{timeout} = $seconds // Vouch::Socket::HANDSHAKE_TIMEOUT();
    return _prepare(\%copy, $copy{context});
}

# Milliseconds for XS; 0 seconds means no limit, -1 there.
sub _milliseconds {
    my ($seconds) = @_;
    return $seconds ? int($seconds * 1000) || 1 : -1;
}

sub _bad_argument {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Socket::Arguments - what the arguments of a Vouch::Socket mean

=head1 SYNOPSIS

    use Vouch::Socket;

    my $socket = Vouch::Socket->new(PeerAddr => 'example.org', PeerPort => 443, Timeout => 5);

=head1 DESCRIPTION

A part of L<Vouch::Socket> without methods for programs: it takes the C<SSL_*>
arguments apart, checks them, finds or makes the L<Vouch::Context>, and lets go
of callbacks when the handshake is done. The arguments are described in
L<Vouch::Socket/new> and L<Vouch::Context/new>.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::Context>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
