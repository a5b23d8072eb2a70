package Vouch::Certificate 0.001;

use v5.16;
use warnings;

use Socket qw(AF_INET AF_INET6 inet_ntop);

use Vouch        ();
use Vouch::Error ();

# As a number a certificate is the address of OpenSSL's X509, so that code
# written for IO::Socket::SSL can hand it to Net::SSLeay.
use overload
    '0+'     => sub { ${ $_[0] } },
    'bool'   => sub { 1 },
    fallback => 1;

my %SPELLING  = (dollar => 0, lower => 1, upper => 2, hex => 3, colons => 4, base64url => 5);
my %DIGEST_OF = (certificate => 0, spki => 1, key => 2);
my %SAN_TYPE  = (
    0 => 'other',
    1 => 'email',
    2 => 'dns',
    4 => 'directory',
    6 => 'uri',
    7 => 'ip',
    8 => 'rid',
);

sub CLONE_SKIP { return 1 }

sub from_file   { my ($class, $path)  = @_; return _from_file($path) }
sub from_string { my ($class, $bytes) = @_; return _from_string($bytes) }

sub subject_fields {
    return map { @$_ } @{ $_[0]->_name_fields(0) };
}
sub issuer_fields {
    return map { @$_ } @{ $_[0]->_name_fields(1) };
}

sub alternative_names {
    my ($self) = @_;
    return map { [$SAN_TYPE{ $_->[0] }, _san_text(@$_)] } @{ $self->_alternative_names };
}

sub _san_text {
    my ($type, $value) = @_;
    return $value if $type != 7;
    my $family = length $value == 4 ? AF_INET : length $value == 16 ? AF_INET6 : undef;
    return defined $family ? inet_ntop($family, $value) : unpack 'H*', $value;
}

sub not_before_iso { return _iso($_[0]->not_before) }
sub not_after_iso  { return _iso($_[0]->not_after) }

sub _iso {
    my ($epoch) = @_;
    return if !defined $epoch;
    my ($sec, $min, $hour, $day, $month, $year) = gmtime $epoch;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $year + 1900, $month + 1, $day, $hour, $min, $sec;
}

sub is_for           { my ($self, $host) = @_; return !!$self->_is_for($host) }
sub is_expired       { my ($self, $now) = @_; return !!$self->_is_expired($now       // time) }
sub is_not_yet_valid { my ($self, $now) = @_; return !!$self->_is_not_yet_valid($now // time) }

sub fingerprint {
    my ($self, %how) = @_;
    my $spelling = delete $how{spelling} // 'dollar';
    my $of       = delete $how{of}       // 'certificate';
    my $digest   = delete $how{digest}   // 'sha256';
    _unknown('fingerprint', %how);
    return $self->_fingerprint($digest,
        _pick('of', $of, \%DIGEST_OF), _pick('spelling', $spelling, \%SPELLING));
}

sub digest {
    my ($self, %how) = @_;
    my $of     = delete $how{of}     // 'certificate';
    my $digest = delete $how{digest} // 'sha256';
    _unknown('digest', %how);
    return $self->_digest($digest, _pick('of', $of, \%DIGEST_OF));
}

sub _pick {
    my ($name, $value, $table) = @_;
    return $table->{$value} // Vouch::Error->throw(
        code    => 'argument',
        message => "$name => '$value' is not one of " . join(', ', sort keys %$table),
    );
}

sub _unknown {
    my ($method, %rest) = @_;
    return if !%rest;
    Vouch::Error->throw(
        code    => 'argument',
        message => "$method does not know " . join(', ', sort keys %rest),
    );
}

1;

__END__

=head1 NAME

Vouch::Certificate - facts about a certificate

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Certificate;

    my $certificate = Vouch::Certificate->from_file('server-cert.pem');
    say $certificate->common_name // 'nameless', ' until ', $certificate->not_after_iso;
    say $certificate->fingerprint(spelling => 'colons');

=head1 DESCRIPTION

One X.509 certificate, from a file, from a string, or from a connection
(L<Vouch::Socket/certificate>). It never changes, and says what is written in
it. Whether to trust it is decided elsewhere: L<Vouch::Context>.

A certificate from the network is somebody's text. Names in it may have any
characters, NUL and line ends among them; look before you print or compare.

As a number the object is the address of OpenSSL's X509, so that it can be
passed to Net::SSLeay while the object lives. As a string it is the same
number. So C<==> tells whether two objects are one; to tell whether two
certificates are the same compare their fingerprints.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Certificate;
    use Vouch::Identity;

    Vouch::Identity->create(
        cn   => 'Alex',
        san  => ['alex.example', '127.0.0.1', 'EMAIL:alex@home.example'],
        file => 'alex',
    );

    my $certificate = Vouch::Certificate->from_file('alex-cert.pem');
    say $certificate->subject;                              # prints: /CN=Alex
    say $certificate->issuer;                               # prints: /CN=Alex
    say $certificate->common_name;                          # prints: Alex
    say join '=', $certificate->subject_fields;             # prints: CN=Alex
    say join '=', $certificate->issuer_fields;              # prints: CN=Alex
    say join ' ', @$_ for $certificate->alternative_names;
    # prints: dns alex.example
    # prints: ip 127.0.0.1
    # prints: email alex@home.example
    say 'serial ', $certificate->serial;                    # prints: serial ...
    say 'or ', $certificate->serial_hex;                    # prints: or ...
    say 'from ', $certificate->not_before_iso;              # prints: from 20...Z
    say 'to ', $certificate->not_after_iso;                 # prints: to 20...Z
    say $certificate->not_after - $certificate->not_before; # prints: 157680300
    say 'expired' if $certificate->is_expired;
    say 'too early' if $certificate->is_not_yet_valid;
    say 'self-signed' if $certificate->is_self_signed;      # prints: self-signed
    say $certificate->key_type;                             # prints: EC
    say $certificate->key_curve;                            # prints: prime256v1
    say $certificate->key_bits;                             # prints: 256
    say $certificate->signature_algorithm;                  # prints: ecdsa-with-SHA256
    say $certificate->fingerprint;                          # prints: sha256$...
    say length $certificate->digest(digest => 'sha512');    # prints: 64

    my $copy = Vouch::Certificate->from_string($certificate->pem);
    say 'the same' if $copy->der eq $certificate->der;      # prints: the same
    my ($first) = split /\n/, $copy->text;
    say $first;                                             # prints: Certificate:

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

=head2 from_file

    my $certificate = Vouch::Certificate->from_file('server-cert.pem');

Reads the first certificate of a PEM file, or a DER file; at most 1 MiB. Dies
with a L<Vouch::Error>: C<file> if it cannot be read, C<format> if no
certificate is in it, C<limit> if it is larger.

=head2 from_string

    my $certificate = Vouch::Certificate->from_string($bytes);

The same from a string of bytes.

=head2 subject, issuer

    say $certificate->subject;    # /C=CH/O=Example Org/CN=Alex

Whose certificate it is, and who signed it, in one line as OpenSSL writes it.
Bytes that are not printable ASCII are written C<\xC3>. The empty string for an
empty name.

=head2 subject_fields, issuer_fields

    my @fields = $certificate->subject_fields;    # C => 'CH', CN => 'Alex'

The parts of the name in their order: short name, value, short name, value. A
name may occur more than once. Values are bytes in UTF-8. Dies if a value
cannot be decoded.

=head2 common_name

    my $name = $certificate->common_name // 'nameless';

The first common name of the subject, as bytes in UTF-8; undef if it has none.

=head2 alternative_names

    for my $name ($certificate->alternative_names) {
        my ($type, $value) = @$name;
    }

The subject alternative names, each an array reference of type and value. The
types: C<dns>, C<ip> (value in its usual text form), C<email>, C<uri>,
C<directory> (one-line name), C<rid> (dotted number), C<other> (DER). Dies if
the names cannot be decoded.

=head2 serial, serial_hex

    say $certificate->serial_hex;    # 8A6C0509737633AE6FE19904FFD6D694

The serial number, in decimal and in hexadecimal digits. A text, as it may have
160 bits. Dies for one of more than 1024 bytes.

=head2 not_before, not_after

    my $days = ($certificate->not_after - time) / 86_400;

The first and the last second in which it is valid, in seconds since 1970
(negative before). undef if the certificate holds no readable date.

=head2 not_before_iso, not_after_iso

    say $certificate->not_after_iso;    # 2031-11-20T05:15:33Z

The same, in UTC, by ISO 8601.

=head2 is_expired, is_not_yet_valid

    die "expired\n" if $certificate->is_expired;
    die "too early\n" if $certificate->is_not_yet_valid($now);

Whether it is out of its dates at the given time, in seconds since 1970;
default: now. A date that cannot be read counts as out.

=head2 is_for

    die "another host\n" if !$certificate->is_for('example.org');

Whether it is for this host name or address, by the rules that clients of TLS go
by: among the alternative names, C<*> stands for one whole label at the beginning;
the common name counts where there is no alternative DNS name. Dates and who signed
it are another matter.

=head2 is_self_signed

    say 'nobody else vouches for it' if $certificate->is_self_signed;

1 if it was signed with its own key, and the signature is right; else 0.

=head2 key_type, key_curve, key_bits

    say $certificate->key_type, ' ', $certificate->key_bits;    # EC 256

The kind of its key (C<EC>, C<RSA>, C<ED25519>, C<ED448>, ...), the curve of an EC
key in OpenSSL's spelling (C<prime256v1>) or undef, and the size in bits. C<unknown>
and 0 where OpenSSL does not know.

=head2 signature_algorithm

    say $certificate->signature_algorithm;    # ecdsa-with-SHA256

How it was signed, in OpenSSL's spelling.

=head2 fingerprint

    my $pin = $certificate->fingerprint;
    my $pin = $certificate->fingerprint(of => 'spki', digest => 'sha512', spelling => 'hex');

A digest of the certificate or of its key, as text. Arguments, by name:

=over 4

=item of

C<certificate>, the default: of the whole certificate, in DER. It changes when
the certificate is renewed.

C<spki>: of its SubjectPublicKeyInfo, in DER. It stays when the certificate is
renewed with the same key, and it is what most programs mean by a pin of a key.

C<key>: of the bit string inside, as IO::Socket::SSL has it.

=item digest

C<sha256>, the default, C<sha1>, C<sha384>, C<sha512> or C<md5>.

=item spelling

C<dollar>, the default: C<sha256$5f70bf18...>, for keys C<sha256$spki$...> and
C<sha256$pub$...>

C<lower>, C<upper>: C<SHA256:5f70bf18...>, with digits in lower or upper case

C<hex>: C<5f70bf18...>

C<colons>: C<5F:70:BF:18:...>

C<base64url>: C<X3C_GKCGAHAW6Uiw...>, without padding

=back

The spellings other than C<dollar> do not tell a certificate from a key. All can
be pins: L<Vouch::Context/Pins>. Dies for a name or value that is none of these.

=head2 digest

    my $bytes = $certificate->digest(of => 'spki', digest => 'sha256');

The same as bytes. Takes C<of> and C<digest>.

=head2 pem, der, text

    print $certificate->pem;

The certificate as PEM text, as DER bytes, and described for people as
C<openssl x509 -text> does.

=head1 ERRORS

C<from_file> and C<from_string> die with a L<Vouch::Error>. So do arguments that
do not exist. An unknown digest dies with the text "Digest algorithm ... is not
available", as in IO::Socket::SSL.

=head1 THREADS AND FORK

A certificate does not go into a new thread: a copy there is a reference to
undef. Pass C<< $certificate->pem >> instead. After a C<fork> both processes have
it.

=head1 SEE ALSO

L<Vouch::Identity>, L<Vouch::Socket>, L<vouch>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
