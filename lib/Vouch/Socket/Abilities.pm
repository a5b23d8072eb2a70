package Vouch::Socket::Abilities 0.001;

use v5.16;
use warnings;

use Vouch::Config           ();
use Vouch::Socket::Defaults ();

# What programs ask IO::Socket::SSL before they use it.

sub can_client_sni    { return 1 }
sub can_server_sni    { return 1 }
sub can_multi_cert    { return 1 }
sub can_alpn          { return 1 }
sub can_ecdh          { return 'auto' }
sub can_ciphersuites  { return 1 }
sub can_partial_chain { return 1 }
sub can_ipv6          { return 'IO::Socket::IP' }
sub can_npn           { return !!0 }
sub can_ocsp          { return !!0 }
sub can_ocsp_staple   { return 1 }
sub can_psk           { return !!0 }
sub can_ticket_keycb  { return !!0 }
sub can_pha           { return 1 }
sub can_nested_ssl    { return !!0 }

sub default_ca {
    my @arg  = Vouch::Socket::Defaults::_arguments(@_);
    my %told = Vouch::Socket::Defaults::_authorities(@arg);
    return %told if %told;
    my ($file, $path) = (Vouch::Config::_default_ca_file(), Vouch::Config::_default_ca_path());
    return (-r $file ? (SSL_ca_file => $file) : (), -d $path ? (SSL_ca_path => $path) : ());
}

1;

__END__

=head1 NAME

Vouch::Socket::Abilities - what Vouch::Socket can do, for programs that ask

=head1 SYNOPSIS

    use Vouch::Socket;

    print "the server can tell names apart\n" if Vouch::Socket->can_server_sni;
    my %authorities = Vouch::Socket->default_ca;

=head1 DESCRIPTION

Programs written for IO::Socket::SSL ask the class what it can do before they
do it. These are methods of L<Vouch::Socket>; all but C<default_ca> are without
arguments, and never fail.

=head1 METHODS

=head2 can_client_sni

=head2 can_server_sni

=head2 can_multi_cert

=head2 can_alpn

=head2 can_ciphersuites

=head2 can_partial_chain

=head2 can_pha

=head2 can_ocsp_staple

    Vouch::Socket->can_client_sni;

1: a client can name its host and a server choose a certificate by it, a name
can have certificates of several kinds of keys, there are ALPN and the suites of
TLS 1.3, a chain may end at a trusted certificate that is not a root, a client shows
its certificate to a server that asks for it after the handshake, and it checks
the OCSP response that a server has stapled to its own.

=head2 can_ecdh

    Vouch::Socket->can_ecdh;

C<auto>: groups are agreed on with the peer.

=head2 can_ipv6

    Vouch::Socket->can_ipv6;

The name of the class that does TCP, C<IO::Socket::IP>.

=head2 can_npn

=head2 can_ocsp

=head2 can_psk

=head2 can_ticket_keycb

=head2 can_nested_ssl

    Vouch::Socket->can_ocsp;

False: next protocol negotiation, asking OCSP responders, preshared keys, ticket keys of the
program and TLS inside TLS are not there.

=head2 default_ca

    my %arguments = Vouch::Socket->default_ca;
    Vouch::Socket->default_ca('/etc/ssl/our-own.pem');
    Vouch::Socket->default_ca(SSL_ca_path => '/etc/ssl/our-own');
    Vouch::Socket->default_ca(undef);

The system's authorities as arguments, C<SSL_ca_file> and C<SSL_ca_path>, of
what there is of the two. With a file, a folder, or such arguments: from now on
those are trusted by sockets of this process that check certificates and are not
told whom to trust; undef goes back to the system's. Dies with a L<Vouch::Error>
if there is no such file or folder.

=head1 SEE ALSO

L<Vouch::Socket>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
