package Vouch::Stream 0.001;

use v5.16;
use warnings;

use Errno        qw(EBADF ESPIPE);
use Scalar::Util qw(blessed);

use Vouch                ();
use Vouch::Stream::Ended ();

# The tied half of a Vouch::Socket.  READ, READLINE, GETC, PRINT, WRITE, EOF
# and FILENO are in xs/Stream.xs.

sub CLONE_SKIP { return 1 }

sub PRINTF {
    my ($self, $format, @values) = @_;
    local ($,, $\);
    return $self->PRINT(sprintf $format, @values);
}

sub _close {
    my ($self) = @_;
    my $socket = $self->_socket // return 1;
    # The method of another class would close the handle, and so come here.
    my $ours = blessed $socket && $socket->isa('Vouch::Socket');
    return $ours ? $socket->close : Vouch::Socket::Upgrade::close($socket);
}

sub BINMODE { return 1 }

sub TELL { $! = ESPIPE; return -1 }
sub SEEK { $! = ESPIPE; return 0 }
sub OPEN { $! = EBADF;  return }

1;

__END__

=head1 NAME

Vouch::Stream - the tied half of a Vouch::Socket (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Socket;

    my $socket = Vouch::Socket->new(PeerAddr => 'example.org', PeerPort => 443);
    my $stream = tied *$socket;    # a Vouch::Stream, once TLS has begun

=head1 DESCRIPTION

For use by L<Vouch::Socket> only; it may change in any release.

A Vouch::Socket is tied to one of these from the start of the handshake to
C<close>. It owns the connection of the C core, the bytes that have been read
ahead, and the time limits; the operators C<print>, C<readline>, C<sysread> and
so on arrive here. Most of it is XS: F<xs/Stream.xs>, F<xs/stream.c>.

=head1 METHODS

None for others. The methods that Perl calls on a tied handle are described under
L<Vouch::Socket/Reading and writing>.

=head1 THREADS AND FORK

See L<Vouch::Socket/THREADS AND FORK>.

=head1 SEE ALSO

L<Vouch::Socket>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
