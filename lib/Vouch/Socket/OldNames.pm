package Vouch::Socket::OldNames 0.001;

use v5.16;
use warnings;

use Carp       qw(croak);
use IO::Handle ();

# Further names of the interface of IO::Socket::SSL: what is called otherwise
# today, what OpenSSL's numbers are, and what there is not.

sub get_peer_certificate { return $_[0] }
sub issuer_name          { return scalar $_[0]->peer_certificate('issuer') }
sub subject_name         { return scalar $_[0]->peer_certificate('subject') }

# As methods, and as functions of IO::Socket::SSL.
sub socket_to_SSL {
    my @arg   = @_;
    my $class = ref $arg[0] || ref \$arg[0] ne 'SCALAR' ? _class() : shift @arg;
    return $class->start_SSL(@arg);
}

sub socketToSSL { goto &socket_to_SSL }

sub _class {
    return IO::Socket::SSL->isa('Vouch::Socket') ? 'IO::Socket::SSL' : 'Vouch::Socket';
}

sub kill_socket {
    my ($self) = @_;
    shutdown $self, 2 if defined fileno $self;
    $self->close(SSL_no_shutdown => 1);
    return;
}

sub error {
    my ($self, $text) = @_;
    return $self->IO::Handle::error if @_ == 1;
    return $self->_note($text);
}

sub fatal_ssl_error {
    my ($self) = @_;
    return $self->_abandon(${*$self}{vouch} // {});
}

sub get_ssleay_error { return $_[0]->errstr }

# Nobody negotiates with NPN any more.
sub next_proto_negotiated { return undef }    ## no critic (ProhibitExplicitReturnUndef)

sub _get_ssl_object { my $stream  = tied *{ $_[0] } or return; return $stream->_ssl }
sub _get_ctx_object { my $context = $_[0]->context  or return; return $context->ssl_ctx }

my %REFUSED = (
    fdopen       => 'a handle with TLS stays on its descriptor; use new_from_fd or start_SSL',
    setbuf       => 'TLS has buffers of its own',
    setvbuf      => 'TLS has buffers of its own',
    stat         => 'a connection is no file; use stat(fileno($socket)) for its descriptor',
    truncate     => 'a connection is no file',
    idn_to_ascii =>
        'give host names in their ASCII form (xn--...), which Net::LibIDN2 or Net::IDN::Encode make',
    idn_to_unicode   => 'Net::LibIDN2 or Net::IDN::Encode do that',
    ocsp_resolver    => 'Vouch asks no OCSP responder; give revocation lists (SSL_crl_file)',
    set_msg_callback => 'to see the messages of TLS use "openssl s_client -msg", or a packet sniffer',
);

for my $name (keys %REFUSED) {
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    *$name = sub { croak "$name() is not there for Vouch::Socket: $REFUSED{$name}" };
}

1;

__END__

=head1 NAME

Vouch::Socket::OldNames - further names of the interface of IO::Socket::SSL

=head1 SYNOPSIS

    use v5.16;
    use Net::SSLeay;
    use Vouch::Socket;

    my $socket = Vouch::Socket->new(PeerAddr => 'example.org', PeerPort => 443) or die $SSL_ERROR;
    my $issuer = $socket->get_peer_certificate->issuer_name;
    say Net::SSLeay::get_version($socket->_get_ssl_object);

=head1 DESCRIPTION

Methods of L<Vouch::Socket> that programs for IO::Socket::SSL call, and that have
better names today; what they need to go to Net::SSLeay; and what cannot be done
with Vouch, which dies with a sentence that says why.

=head1 METHODS

=head2 get_peer_certificate

=head2 issuer_name

=head2 subject_name

    my $subject = $socket->get_peer_certificate->subject_name;

The first returns the socket itself; the others are
C<< $socket->peer_certificate('issuer') >> and C<('subject')>.

=head2 socketToSSL

=head2 socket_to_SSL

    Vouch::Socket::socketToSSL($socket, SSL_ca_file => 'ca.pem') or die $SSL_ERROR;

L<Vouch::Socket::Upgrade/start_SSL>, as functions or class methods.

=head2 kill_socket

    $socket->kill_socket;

Ends the connection in both directions without a word, and closes the socket.
Returns undef.

=head2 error

    return $class->error('the peer speaks another language');
    warn 'failed' if $socket->error;

With a text: puts it into C<$SSL_ERROR>, and returns undef, or the empty list.
Without: L<IO::Handle/error>.

=head2 fatal_ssl_error

    return $socket->fatal_ssl_error;

What happens when a handshake fails: C<SSL_error_trap> is called, or else the
socket is closed, unless C<SSL_keepSocketOnError> says otherwise. Returns undef.

=head2 get_ssleay_error

    warn $socket->get_ssleay_error;

The same as L<Vouch::Socket/errstr>.

=head2 next_proto_negotiated

    my $none = $socket->next_proto_negotiated;

undef: the TLS extension NPN is not offered. See L<Vouch::Socket::Peer/alpn_selected>.

=head2 _get_ssl_object

=head2 _get_ctx_object

    my $ssl = $socket->_get_ssl_object;
    my $ctx = $socket->_get_ctx_object;

The addresses of OpenSSL's C<SSL> and C<SSL_CTX> as numbers, for the functions of
Net::SSLeay; undef where there is no TLS. They are valid while the socket is open,
and must not be freed. A program that changes them is on its own.

=head2 fdopen

=head2 setbuf

=head2 setvbuf

=head2 stat

=head2 truncate

    $socket->truncate(0);    # dies

Die: what they do makes no sense for TLS. Perl's functions C<stat> and
C<truncate> are others; C<-S $socket> works. A program that must bring a
listening socket to a descriptor it has inherited calls the method of
L<IO::Handle>, as C<< $socket->IO::Handle::fdopen($fd, 'w') >>, and
L<Vouch::Socket::Upgrade/configure_SSL>.

=head2 idn_to_ascii

=head2 idn_to_unicode

=head2 ocsp_resolver

=head2 set_msg_callback

    $socket->set_msg_callback($code);    # dies

Die: they are not there. Names of hosts are expected in ASCII, other modules
translate them. Revocation is by lists. OpenSSL's own tools show messages.

=head1 ERRORS

What is not there dies with a text.

=head1 SEE ALSO

L<Vouch::Socket>, L<Net::SSLeay>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
