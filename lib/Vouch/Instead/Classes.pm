package Vouch::Instead::Classes 0.001;

use v5.16;
use warnings;

use Vouch::Context           ();
use Vouch::Error             ();
use Vouch::SessionCache      ();
use Vouch::Socket            ();
use Vouch::Socket::Arguments ();
use Vouch::Socket::Defaults  ();
use Vouch::Stream            ();

# The other classes that come with IO::Socket::SSL.

package IO::Socket::SSL::SSL_Context;    ## no critic (ProhibitMultiplePackages)

our @ISA = ('Vouch::Context');

# Takes the arguments of a socket; those that say nothing of a context have no
# effect.
sub new {
    my ($class, %arg) = @_;
    Vouch::Socket::Defaults::_apply(\%arg);
    my %of_socket = map { $_ => 1 } Vouch::Socket::Arguments::_argument_names();
    delete @of_socket{ Vouch::Context::_argument_names() };
    my $self = $class->SUPER::new(map { $_ => $arg{$_} } grep { /\ASSL_/ && !$of_socket{$_} } keys %arg);
    $self->{verify_mode} = $arg{SSL_verify_mode} // ($arg{SSL_server}     ? 0  : 1);
    $self->{ocsp_mode}   = $arg{SSL_ocsp_mode}   // ($self->{verify_mode} ? 16 : 0);    # TRY_STAPLE
    return $self;
}

# The address of OpenSSL's SSL_CTX is among what programs look at.
sub _build {
    my ($self) = @_;
    $self->SUPER::_build;
    $self->{context} = $self->ssl_ctx;
    return;
}

sub has_session_cache { return defined $_[0]{session_cache} }

# Programs that ask for none of a size get none.
package IO::Socket::SSL::Session_Cache;    ## no critic (ProhibitMultiplePackages)

our @ISA = ('Vouch::SessionCache');

sub new {
    my ($class, $size) = @_;
    return if !$size || $size !~ /\A[0-9]+\z/;
    return $class->SUPER::new($size);
}

# What a socket is tied to; of this class also where it has another name.
package IO::Socket::SSL::SSL_HANDLE;       ## no critic (ProhibitMultiplePackages)

push @Vouch::Stream::ISA, __PACKAGE__;

sub TIEHANDLE {
    my ($class, $socket) = @_;
    return tied *$socket // Vouch::Error->throw(
        code    => 'argument',
        message => "$class: a handle is tied by its TLS handshake; use start_SSL",
    );
}

# Vouch asks no OCSP responder.
package IO::Socket::SSL::OCSP_Resolver;    ## no critic (ProhibitMultiplePackages)

sub new {
    my ($class) = @_;
    Vouch::Error->throw(
        code    => 'argument',
        message => "$class is not there: Vouch asks no OCSP responder; give revocation lists (SSL_crl_file)",
    );
}

package IO::Socket::SSL::OCSP_Cache;       ## no critic (ProhibitMultiplePackages)

our @ISA = ('IO::Socket::SSL::OCSP_Resolver');

1;

__END__

=head1 NAME

Vouch::Instead::Classes - the classes that come with IO::Socket::SSL (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Instead;
    use IO::Socket::SSL;

    my $context = IO::Socket::SSL::SSL_Context->new(SSL_ca_file => 'ca.pem');

=head1 DESCRIPTION

Loaded by L<Vouch::Instead>, which tells what the classes do; nothing here is for
others, and it may change in any release.

=head1 SEE ALSO

L<Vouch::Instead>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
