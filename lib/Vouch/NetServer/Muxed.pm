package Vouch::NetServer::Muxed 0.001;

use v5.16;
use warnings;

use B          ();
use Carp       qw(croak);
use IO::Handle ();

use Vouch::Socket ();

# The client that a Net::Server::Multiplex program sees.  IO::Multiplex reads
# and writes its descriptor itself, so that is one end of a pair of sockets in
# this process; behind the other one is TLS, which answers all questions.

# What would read, write or handshake beside IO::Multiplex.
my @REFUSED = qw(accept_SSL connect_SSL peek read read_until recv send start_SSL stop_SSL ungetc);

# What is about this handle, or about none.
my %OWN = map { $_ => 1 } @REFUSED, qw(accept blocking close configure import listener pending write);

# A handle on this descriptor, of a class that is the given one as well.
sub new {
    my ($class, $parent, $handle, $tls) = @_;
    bless $handle, _class($parent);
    ${*$handle}{netserver_tls} = $tls;
    return $handle;
}

# IO::Multiplex has read them all.
sub pending { return 0 }

sub close {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    return CORE::close($self);
}

# IO::Multiplex has tied the handle: its print, and no other.
sub write {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $bytes, $length, $offset) = @_;
    return CORE::syswrite($self, $bytes, $length // length $bytes, $offset // 0);
}

sub blocking { return &IO::Handle::blocking }

# Those that Vouch::Socket adds to a socket, not what it imports.
sub _methods {
    my @names;
    for my $class ('Vouch::Socket', grep { /\AVouch::/ } @Vouch::Socket::ISA) {
        for my $name (grep { /\A(?:_get_)?[a-z]/ } _words($class)) {
            my $code = $class->can($name) or next;
            push @names, $name if B::svref_2object($code)->GV->STASH->NAME eq $class;
        }
    }
    return @names;
}

sub _words {
    my ($class) = @_;
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    return keys %{"${class}::"};
}

# A subclass, once for each, with these methods in place of those.
sub _class {
    my ($parent) = @_;
    my $class = "${parent}::Muxed";
    return $class if $class->can('new');
    my %method = map { $_ => _refuse($_) } @REFUSED;
    $method{$_} //= _ask_tls($_) for grep { !$OWN{$_} } _methods();
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    @{"${class}::ISA"} = (__PACKAGE__, $parent);
    *{"${class}::$_"}  = $method{$_} for keys %method;
    return $class;
}

sub _refuse {
    my ($name) = @_;
    return sub { croak "$name() cannot be used where IO::Multiplex reads and writes" };
}

sub _ask_tls {
    my ($name) = @_;
    return sub {
        my ($self, @arguments) = @_;
        return ${*$self}{netserver_tls}->$name(@arguments);
    };
}

1;

__END__

=head1 NAME

Vouch::NetServer::Muxed - the client that a Net::Server::Multiplex program sees (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Muxed;

    sub client_of {
        my ($plain, $tls) = @_;
        return Vouch::NetServer::Muxed->new('Net::Server::Proto::VOUCH', $plain, $tls);
    }

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release.

A handle that IO::Multiplex reads and writes, and whose other methods, such as
C<get_fingerprint>, are answered by the TLS connection behind it. What would read or
handshake beside IO::Multiplex dies.

=head1 METHODS

=head2 new

    my $client = Vouch::NetServer::Muxed->new($class, $plain, $tls);

Makes the plain socket such a handle. Its class is a subclass of the given one.

=head2 pending, close, write, blocking

    $client->close;

As IO::Multiplex expects them.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
