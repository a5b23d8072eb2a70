package Vouch::Instead::Socket 0.001;

use v5.16;
use warnings;

use Exporter      ();
use mro           ();
use Socket        ();
use Vouch::Socket ();

# The class IO::Socket::SSL: a Vouch::Socket under that name.

# "use IO::Socket::SSL 'inet4'" has been said.
my $ipv4_only;

package IO::Socket::SSL;    ## no critic (ProhibitMultiplePackages)

our $VERSION = '2.099';
our @ISA     = ('Vouch::Socket');

our @EXPORT = qw(
    SSL_WANT_READ SSL_WANT_WRITE
    SSL_VERIFY_NONE SSL_VERIFY_PEER SSL_VERIFY_FAIL_IF_NO_PEER_CERT SSL_VERIFY_CLIENT_ONCE
    SSL_OCSP_NO_STAPLE SSL_OCSP_TRY_STAPLE SSL_OCSP_MUST_STAPLE SSL_OCSP_FAIL_HARD SSL_OCSP_FULL_CHAIN
    $SSL_ERROR GEN_DNS GEN_IPADD
);

use constant {
    SSL_OCSP_NO_STAPLE   => 1,
    SSL_OCSP_MUST_STAPLE => 2,
    SSL_OCSP_FAIL_HARD   => 4,
    SSL_OCSP_FULL_CHAIN  => 8,
    SSL_OCSP_TRY_STAPLE  => 16,
    GEN_DNS              => 2,
    GEN_IPADD            => 7,
};

# One variable under two names each; Net::SSLeay need not be there.
*SSL_ERROR = \$Vouch::Socket::SSL_ERROR;
*DEBUG     = \$Net::SSLeay::trace;
our $DEBUG;
$DEBUG //= 0;

# Words of "use IO::Socket::SSL ..." that are not names to export.
sub import {
    my ($class, @words) = @_;
    my @names;
    for my $word (@words) {
        if    ($word =~ /\A:?debug([0-9]+)\z/) { $DEBUG = $1 }
        elsif ($word eq 'inet4')               { _use_ipv4(1) }
        elsif ($word eq 'inet6')               { _use_ipv4(0) }
        else                                   { push @names, $word }
    }
    @_ = ($class, @names);
    goto &Exporter::import;
}

sub _use_ipv4 {
    ($ipv4_only) = @_;
    require IO::Socket::INET;
    # Programs look at the class; the methods are those of IO::Socket::IP.
    @ISA = ('Vouch::Socket', $ipv4_only ? 'IO::Socket::INET' : ());
    return;
}

sub configure {
    my ($self, $arg) = @_;
    $arg->{Family} //= $arg->{Domain} // Socket::AF_INET() if $ipv4_only;
    return $self->Vouch::Socket::configure($arg);
}

# Accepted sockets are of this very class, also for a listener of a subclass.
sub accept {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $class) = @_;
    @_ = ($self, $class // 'IO::Socket::SSL');
    goto &Vouch::Socket::accept;
}

package Vouch::Instead::Socket;    ## no critic (ProhibitMultiplePackages)

# Each method is a function of the class too, for libraries call some as
# IO::Socket::SSL::errstr(), and programs replace them.
sub _add_functions {
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    *{"IO::Socket::SSL::$_"} = \&{"Vouch::Socket::$_"}
        for grep { /\A(?:SSL_WANT|SSL_VERIFY)_/ } @IO::Socket::SSL::EXPORT;
    for my $package (grep { /\AVouch::Socket\b/ } @{ mro::get_linear_isa('Vouch::Socket') }) {
        for my $name (grep { /\A[a-z]/ } keys %{"${package}::"}) {
            next if !defined &{"${package}::$name"} || defined &{"IO::Socket::SSL::$name"};
            *{"IO::Socket::SSL::$name"} = \&{"${package}::$name"};
        }
    }
    return;
}

_add_functions();

1;

__END__

=head1 NAME

Vouch::Instead::Socket - the class IO::Socket::SSL on Vouch (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Instead;
    use IO::Socket::SSL;

    my $socket = IO::Socket::SSL->new(PeerAddr => 'example.org', PeerPort => 443) or die $SSL_ERROR;

=head1 DESCRIPTION

Loaded by L<Vouch::Instead>, which tells what the class does; nothing here is for
others, and it may change in any release.

=head1 SEE ALSO

L<Vouch::Instead>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
