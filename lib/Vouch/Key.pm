package Vouch::Key 0.001;

use v5.16;
use warnings;

use Vouch           ();
use Vouch::Error    ();
use Vouch::Identity ();

# As a number a key is the address of OpenSSL's EVP_PKEY, so that code written
# for IO::Socket::SSL can hand it to Net::SSLeay.
use overload
    '0+'     => sub { ${ $_[0] } },
    'bool'   => sub { 1 },
    fallback => 1;

sub CLONE_SKIP { return 1 }

sub create {
    my ($class, $kind) = @_;
    return _create($kind // 'ec:prime256v1');
}

sub from_file {
    my ($class, $path, %arg) = @_;
    return _from_file($path, _password('from_file', %arg));
}

sub from_string {
    my ($class, $bytes, %arg) = @_;
    return _from_string($bytes, _password('from_string', %arg));
}

sub save {
    my ($self, $path, %arg) = @_;
    my $replace = delete $arg{replace};
    Vouch::Identity::_refuse('save', %arg);
    $self->_save($path, $replace ? 1 : 0);
    return $self;
}

sub _password {
    my ($method, %arg) = @_;
    my $password = delete $arg{password};
    Vouch::Identity::_refuse($method, %arg);
    return Vouch::Identity::_password($password);
}

1;

__END__

=head1 NAME

Vouch::Key - one private key

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Key;

    my $key = Vouch::Key->create('ec:secp384r1');
    $key->save('server-key.pem');

=head1 DESCRIPTION

A private key by itself. Who also wants its certificate takes
L<Vouch::Identity>; this is for programs that make and sign certificates with
L<Vouch::Utils>, and for those that hand keys to other code. A key never changes.

As a number the object is the address of OpenSSL's EVP_PKEY, so that it can be
passed to Net::SSLeay while the object lives. As a string it is the same number.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Key;

    my $key = Vouch::Key->create;
    say $key->type, ', ', $key->bits, ' bits';      # prints: EC, 256 bits
    $key->save('key.pem');
    say sprintf '%04o', (stat 'key.pem')[2] & 07777;    # prints: 0600

    my $again = Vouch::Key->from_file('key.pem');
    say $again->pem eq $key->pem ? 'the same' : 'another';    # prints: the same

=for example end

=head1 METHODS

=head2 create

    my $key = Vouch::Key->create('rsa:3072');

Makes a new key of a kind as in L<Vouch::Identity/create>: C<ec:prime256v1>, the
default, C<ec:secp384r1>, C<ec:secp521r1>, C<rsa:2048> to C<rsa:8192>, C<ed25519>
or C<ed448>.

=head2 from_file

=head2 from_string

    my $key = Vouch::Key->from_file('server-key.pem');
    my $key = Vouch::Key->from_file('server-key.pem', password => sub { ask_for_it() });
    my $key = Vouch::Key->from_string($pem);

The first private key in a file or in a string of bytes: PEM, DER or PKCS#12.
C<password>, for an encrypted one, is a text, or a function that returns it and is
called only if it is needed.

=head2 pem

    print $key->pem;

The key as PEM (PKCS#8), not encrypted: whoever reads it has the key.

=head2 save

    $key->save('server-key.pem');
    $key->save('server-key.pem', replace => 1);

Writes that into a file which nobody else may read (mode 0600). A file that is
there already stays, and the call dies, unless C<replace> is true. Returns the
key.

=head2 type

    say $key->type;

C<EC>, C<RSA>, C<ED25519> and so on.

=head2 bits

    say $key->bits;

Its size.

=head1 ERRORS

Failures throw a L<Vouch::Error>; the code is C<file>, C<format>, C<password>,
C<exists> or C<argument>.

=head1 THREADS AND FORK

A new thread does not get the objects: there they are undef. After a fork both
processes have the key.

=head1 SEE ALSO

L<Vouch::Identity>, L<Vouch::Utils>, L<Vouch::Certificate>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
