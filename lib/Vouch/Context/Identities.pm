package Vouch::Context::Identities 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed);

use Vouch              ();
use Vouch::Certificate ();
use Vouch::Error       ();
use Vouch::Identity    ();
use Vouch::Key         ();

# Who we are, out of the arguments of a context: files, objects, and what
# Net::SSLeay has in memory, in any mixture, for one name or for many.

my %CLASS = (
    SSL_cert      => 'Vouch::Certificate',
    SSL_ca        => 'Vouch::Certificate',
    SSL_client_ca => 'Vouch::Certificate',
    SSL_key       => 'Vouch::Key',
);

# Pairs of server name (undef: every name) and identity.
sub pairs {
    my ($arg) = @_;
    my @pairs = _identities($arg->{SSL_identity});
    my %by    = map { $_ => _by_name($arg->{$_}) } qw(SSL_cert SSL_cert_file SSL_key SSL_key_file);
    my %names = map { $_ => 1 } map { keys %$_ } @by{qw(SSL_cert SSL_cert_file)};
    for my $kind (qw(SSL_key SSL_key_file)) {
        my ($alone) = grep { !$names{$_} && (length || !%names) } sort keys %{ $by{$kind} };
        next if !defined $alone;
        _wrong(
            $kind . (length $alone ? " for $alone" : '') . ' needs its certificate: give SSL_cert_file too');
    }
    for my $name (sort keys %names) {
        my $identity = _identity(\%by, $name, Vouch::Identity::_password($arg->{SSL_passwd_cb}));
        push @pairs, [_plain_name($name), $identity];
    }
    return @pairs;
}

# The addresses of certificates: one, or an array of them.
sub certificates {
    my ($argument, $value) = @_;
    return map { address($argument, $_) } ref $value eq 'ARRAY' ? @$value : $value;
}

# What Net::SSLeay and objects of ours are as a number.
sub address {
    my ($argument, $value) = @_;
    my $class = $CLASS{$argument};
    if (ref $value) {
        return 0 + $value if $class && blessed $value && $value->isa($class);
    }
    elsif (Vouch::_is_address($value)) {
        return 0 + $value;
    }
    return _wrong("$argument must be the address of an OpenSSL object"
            . ($class ? " or a $class" : '')
            . ", not '"
            . ($value // 'undef')
            . "'");
}

sub _identities {
    my ($value) = @_;
    my $by = _by_name($value);
    for my $given (values %$by) {
        next if blessed $given && $given->isa('Vouch::Identity');
        _wrong('SSL_identity must be a Vouch::Identity, not ' . ($given // 'undef'));
    }
    return map { [_plain_name($_), $by->{$_}] } sort keys %$by;
}

# Objects come before files, and what is for this name before what is for all.
sub _identity {
    my ($by, $name, $password) = @_;
    my $cert = $by->{SSL_cert}{$name};
    my $file = $by->{SSL_cert_file}{$name};
    my ($key, $key_file) = map {
              exists $by->{SSL_key}{$_} ? ($by->{SSL_key}{$_}, undef)
            : exists $by->{SSL_key_file}{$_} ? (undef, $by->{SSL_key_file}{$_})
            : ()
    } $name, '';
    if (exists $by->{SSL_cert}{$name}) {
        my ($leaf, @chain) = certificates('SSL_cert', $cert);
        my $loaded = defined $key_file ? _load_key($key_file, $password) : $key;
        return Vouch::Identity::_from_openssl(address('SSL_cert', $leaf), address('SSL_key', $loaded),
            @chain);
    }
    return Vouch::Identity::_load($file, $key_file, $password) if !defined $key;
    my $object = Vouch::Key::_from_openssl(address('SSL_key', $key));
    return Vouch::Identity::_load_with($file, $object->pem, $password);
}

sub _load_key {
    my ($file, $password) = @_;
    return Vouch::Key::_from_file($file, $password);
}

# Names to what is for them, '' for all; "name%x" is a further one.
sub _by_name {
    my ($value) = @_;
    return {}               if !defined $value;
    return { '' => $value } if ref $value ne 'HASH';
    return { map { lc $_ => $value->{$_} } keys %$value };
}

sub _plain_name {
    my ($name) = @_;
    $name =~ s/%.*\z//s;
    return length $name ? $name : undef;
}

sub _wrong {
    my ($text) = @_;
    return Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Context::Identities - who we are, out of a context's arguments (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Certificate;
    use Vouch::Context;
    use Vouch::Key;

    my $context = Vouch::Context->new(
        SSL_server => 1,
        SSL_cert   => Vouch::Certificate->from_file('server-cert.pem'),    # or Net::SSLeay's X509
        SSL_key    => Vouch::Key->from_file('server-key.pem'),             # or Net::SSLeay's EVP_PKEY
    );

=head1 DESCRIPTION

For use by L<Vouch::Context> only; it may change in any release.

It makes a L<Vouch::Identity> for each server name of C<SSL_cert>,
C<SSL_cert_file>, C<SSL_key>, C<SSL_key_file> and C<SSL_identity>.

=head1 FUNCTIONS

=head2 pairs

    my @pairs = Vouch::Context::Identities::pairs(\%arguments);

Array references of server name (undef: every name) and identity.

=head2 certificates

    my @addresses = Vouch::Context::Identities::certificates(SSL_ca => $value);

The addresses of OpenSSL's X509 in an argument that has one, or an array
reference of them.

=head2 address

    my $address = Vouch::Context::Identities::address(SSL_key => $value);

The address in an argument that has one. All of them die with a L<Vouch::Error>
that names the argument.

=head1 SEE ALSO

L<Vouch::Context>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
