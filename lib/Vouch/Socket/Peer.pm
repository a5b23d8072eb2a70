package Vouch::Socket::Peer 0.001;

use v5.16;
use warnings;

use Carp         qw(croak);
use Scalar::Util qw(blessed);

use Vouch                ();
use Vouch::Certificate   ();
use Vouch::Error         ();
use Vouch::VerifyContext ();

# Who is at the other end, and what was agreed on with it.

sub certificate {
    my $stream = tied *{ $_[0] } or return;
    return $stream->_peer_certificate;
}

sub peer_certificates {
    my $stream = tied *{ $_[0] } or return;
    return $stream->_peer_chain;
}

sub sock_certificate {
    my ($self, $field) = @_;
    my $stream = tied *$self or return;
    return _certificate_field($stream->_own_certificate, $field);
}

sub peer_certificate {
    my ($self, $field) = @_;
    my $stream = tied *$self or return;
    return _certificate_field($stream->_peer_certificate, $field);
}

sub get_fingerprint {
    my ($self, $digest, $certificate, $public_key) = @_;
    if (@_ == 1) {
        my $stream = tied *$self or return;
        return $stream->_peer_fingerprint('sha256', 0, 0);
    }
    my $bytes = $self->get_fingerprint_bin($digest, $certificate, $public_key) // return;
    return join '$', $digest // 'sha256', $public_key ? 'pub' : (), unpack 'H*', $bytes;
}

sub get_fingerprint_bin {
    my ($self, $digest, $certificate, $public_key) = @_;
    $certificate = defined $certificate ? _certificate($certificate) : $self->certificate // return;
    return $certificate->_digest($digest // 'sha256', $public_key ? 2 : 0);
}

sub dump_peer_certificate {
    my ($self) = @_;
    my $certificate = $self->certificate;
    return sprintf "Subject Name: %s\nIssuer  Name: %s\n",
        map { $certificate ? $certificate->$_ : 'undefined' } qw(subject issuer);
}

sub verification {
    my ($self) = @_;
    my $stream = tied *$self // ${*$self}{vouch_trapped} // return;
    my ($accepted, $by, $error, $depth) = $stream->_verdict;
    return {
        accepted   => !!$accepted,
        by         => $by,
        error      => $error,
        error_text => $error ? Vouch::VerifyContext::_error_text($error) : '',
        depth      => $depth,
        staple     => $stream->_staple_found // 'none',
    };
}

sub asked_for_certificate {
    my ($self) = @_;
    my $stream = tied *$self // ${*$self}{vouch_trapped} // return;
    return !!$stream->_is_asked;
}

sub asked_authorities {
    my ($self) = @_;
    my $stream = tied *$self // ${*$self}{vouch_trapped} // return;
    return @{ $stream->_authorities };
}

sub get_cipher         { my $stream = tied *{ $_[0] } or return; return $stream->_cipher }
sub get_sslversion     { my $stream = tied *{ $_[0] } or return; return $stream->_protocol_name }
sub get_sslversion_int { my $stream = tied *{ $_[0] } or return; return $stream->_protocol }
sub get_servername     { my $stream = tied *{ $_[0] } or return; return $stream->_server_name }
sub get_session_reused { my $stream = tied *{ $_[0] } or return; return !!$stream->_is_resumed }

sub alpn_selected {
    my $stream = tied *{ $_[0] } or return;
    my $name   = $stream->_alpn;
    return length $name ? $name : undef;
}

sub is_SSL {
    my $stream = tied *{ $_[0] } or return '';
    return '' if !$stream->_is_ready;
    return $stream->_is_closed_by_peer ? 'w' : 'rw';
}

my %FIELD = (
    issuer          => sub { $_[0]->issuer },
    authority       => sub { $_[0]->issuer },
    subject         => sub { $_[0]->subject },
    owner           => sub { $_[0]->subject },
    cn              => sub { $_[0]->common_name },
    commonName      => sub { $_[0]->common_name },
    subjectAltName  => \&_flat_names,
    subjectAltNames => \&_flat_names,
);

# One of ours, or what Net::SSLeay has: OpenSSL's X509 * as a number.
sub _certificate {
    my ($value) = @_;
    return $value                                    if blessed $value && $value->isa('Vouch::Certificate');
    return Vouch::Certificate::_from_openssl($value) if Vouch::_is_address($value);
    Vouch::Error->throw(
        code    => 'argument',
        message => 'a certificate must be a Vouch::Certificate, or the address of an X509, not '
            . (defined $value ? "'$value'" : 'undef'),
    );
}

# Type, value, type, value, as IO::Socket::SSL gives them.
sub _flat_names {
    my ($certificate) = @_;
    my @flat = map { @$_ } @{ $certificate->_alternative_names };
    return wantarray ? @flat : $flat[-1];
}

sub _certificate_field {
    my ($certificate, $field) = @_;
    croak "there is no certificate field '$field'; use one of " . join ', ', sort keys %FIELD
        if defined $field && !$FIELD{$field};
    return $certificate if !defined $certificate || !defined $field;
    # What the peer has put there must not end the program: what cannot be
    # decoded is not there.  The methods of the certificate say more.
    local $@;
    return
        wantarray ? eval { $FIELD{$field}->($certificate) } : scalar eval { $FIELD{$field}->($certificate) };
}

1;

__END__

=head1 NAME

Vouch::Socket::Peer - who is at the other end of a Vouch::Socket

=head1 SYNOPSIS

    use Vouch::Socket;

    my $server = Vouch::Socket->new(Listen => 10, SSL_cert_file => 'cert.pem', SSL_verify_mode => VOUCH_VERIFY_ANY);
    my $client = $server->accept or die $SSL_ERROR;
    my $pin    = $client->get_fingerprint // 'no certificate';
    my $name   = $client->peer_certificate('cn');

=head1 DESCRIPTION

What L<Vouch::Socket> knows about a connection once its handshake is done: the
peer's certificates, what was decided about them and why, the protocol and the
cipher. These are methods of L<Vouch::Socket>. On a socket without TLS they return
undef or an empty list.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::Socket;

    Vouch::Identity->create(cn => 'localhost', san => ['127.0.0.1'], file => 'server');
    Vouch::Identity->create(cn => 'Alex', file => 'client');

    my $server = Vouch::Socket->new(
        LocalAddr          => '127.0.0.1',
        LocalPort          => 0,
        Listen             => 10,
        SSL_cert_file      => 'server-cert.pem',
        SSL_key_file       => 'server-key.pem',
        SSL_verify_mode    => VOUCH_VERIFY_ANY,
        SSL_alpn_protocols => ['echo/1'],
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        my $socket = Vouch::Socket->new(
            PeerAddr            => '127.0.0.1',
            PeerPort            => $server->sockport,
            SSL_hostname        => 'localhost',
            SSL_verifycn_scheme => 'none',
            SSL_alpn_protocols  => ['echo/2', 'echo/1'],
            SSL_cert_file       => 'client-cert.pem',
            SSL_key_file        => 'client-key.pem',
            SSL_ca_file         => 'server-cert.pem',
        ) or die "cannot connect: $SSL_ERROR\n";
        my $line = <$socket>;
        exit;
    }

    my $client = $server->accept or die "no client: $SSL_ERROR\n";
    say $client->get_sslversion;                    # prints: TLSv1_3
    printf "%04x\n", $client->get_sslversion_int;   # prints: 0304
    say $client->get_cipher;                        # prints: TLS_AES_256_GCM_SHA384
    say $client->get_servername;                    # prints: localhost
    say $client->alpn_selected;                     # prints: echo/1
    say $client->sock_certificate('cn');            # prints: localhost
    say scalar(my @sent = $client->peer_certificates);  # prints: 1
    say length $client->get_fingerprint_bin;        # prints: 32
    print $client->dump_peer_certificate;
    # prints: Subject Name: /CN=Alex
    # prints: Issuer  Name: /CN=Alex
    print $client "done\n";
    wait;

=for example end

=head1 METHODS

=head2 certificate

    my $certificate = $socket->certificate;

The peer's L<Vouch::Certificate>, or undef if it showed none.

=head2 peer_certificate

    my $name  = $socket->peer_certificate('cn');
    my @names = $socket->peer_certificate('subjectAltNames');

A field of the peer's certificate: C<cn> or C<commonName>; C<subject> or
C<owner>; C<issuer> or C<authority> (one-line names); C<subjectAltNames>, a
list of type, value, type, value, where type is OpenSSL's number (2 DNS, 7 IP
address, packed; 1 mail, 6 URI). Without a field, the certificate itself.
Returns undef if the peer showed no certificate. Dies if there is no such
field. Names are bytes in UTF-8.

=head2 peer_certificates

    my ($own, @chain) = $socket->peer_certificates;

All certificates the peer sent, its own first, as L<Vouch::Certificate>
objects.

=head2 sock_certificate

    my $name = $socket->sock_certificate('cn');

As L</peer_certificate>, of the certificate this side showed.

=head2 get_fingerprint, get_fingerprint_bin

    my $pin = $socket->get_fingerprint;
    my $pin = $socket->get_fingerprint('sha256', undef, 1);
    my $raw = $socket->get_fingerprint_bin('sha1', $certificate);

The fingerprint of the peer's certificate: C<sha256$> and 64 digits in lower
case. The first argument is the digest: sha256 (the default), sha1, sha384,
sha512 or md5. The second is another L<Vouch::Certificate> to use. With a true
third it is made of the public key, and written C<sha256$pub$...>: that is the
key's bit string, as in IO::Socket::SSL. Most other programs digest the whole
SubjectPublicKeyInfo; for that see L<Vouch::Certificate/fingerprint>.
C<get_fingerprint_bin> returns the bytes. Both return undef if there is no
certificate, and die for an unknown digest.

=head2 dump_peer_certificate

    print $socket->dump_peer_certificate;

Two lines for people: subject and issuer of the peer's certificate.

=head2 verification

    my $found = $socket->verification;
    warn $found->{error_text} if $found->{error};

What was decided about the peer, and why, as a hash reference:

=over 4

=item accepted

True or false. False, too, where there was no certificate to decide about.

=item by

Who decided: C<pin>, C<callback>, C<chain> (OpenSSL, by chain, dates, purpose
and name), C<any> (accepted unchecked), C<session> (a resumed one: decided when
it was made), or C<nobody>, as there was no certificate.

=item staple

What a server has stapled to its certificate, for a client: C<good>, that it is
not revoked; C<program>, where an C<SSL_ocsp_staple_callback> has looked at it;
C<none>, if it has stapled nothing, or nothing that was looked at. (See
L<Vouch::Context/SSL_ocsp_mode>.) After a refusal also C<revoked>, C<unknown>,
C<unanswered>, C<old>, C<other>, C<forged> or C<broken>.

=item error, error_text

What OpenSSL found, as its number and in words; 0 and the empty string for
nothing. It is told, too, where the certificate was accepted all the same:
18, "self-signed certificate", is what most of Vouch's clients have. With
VOUCH_VERIFY_ANY and nobody to trust (no C<SSL_ca_file> and the like) no chain
is built, and the fault is one of: not yet valid (9), expired (10),
self-signed (18), or unknown issuer (20). Behind a pin, nothing is looked for.

=item depth

Where in the chain the fault is: 0 is the peer's own certificate.

=back

Returns undef on a plain socket.

=head2 asked_for_certificate, asked_authorities

    say 'this server knows people' if $socket->asked_for_certificate;
    say for $socket->asked_authorities;

Of a client: whether the server has asked it for a certificate (it may do so and
let everybody in), and the names of the authorities it says it accepts, in one
line each, as OpenSSL prints them; it may say none. Also in C<SSL_error_trap>.
Of a server: false, and an empty list.

=head2 get_cipher, get_sslversion, get_sslversion_int

    say join ' ', $socket->get_sslversion, $socket->get_cipher;

The cipher in OpenSSL's spelling (C<TLS_AES_256_GCM_SHA384>), the protocol
(C<TLSv1_3>, C<TLSv1_2>), and its number (0x0304, 0x0303). undef on a plain
socket.

=head2 get_servername

    my $asked = $client->get_servername;

On a server, the host name the client asked for (SNI), or undef.

=head2 alpn_selected

    my $protocol = $socket->alpn_selected;

The application protocol agreed on (see C<SSL_alpn_protocols>), or undef.

=head2 is_SSL

    $socket->is_SSL or die "in the clear\n";

True after the handshake, until the socket is closed or TLS has failed.

=head2 get_session_reused

    warn "resumed\n" if $socket->get_session_reused;

True if the handshake resumed an earlier session: see L</Resumed sessions and
who the peer is>.

=head1 ERRORS

An unknown field or digest dies with a text, what is no certificate with a
L<Vouch::Error>.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::Certificate>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
