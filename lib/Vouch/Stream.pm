package Vouch::Stream 0.001;

use v5.16;
use warnings;

use Errno qw(EBADF ESPIPE);

use Vouch ();

# The tied half of a Vouch::Socket.  READ, READLINE, GETC, PRINT, WRITE, EOF
# and FILENO are in xs/Stream.xs.

sub CLONE_SKIP { return 1 }

sub PRINTF {
    my ($self, $format, @values) = @_;
    local ($,, $\);
    return $self->PRINT(sprintf $format, @values);
}

sub CLOSE {
    my ($self) = @_;
    my $socket = $self->_socket;
    return defined $socket ? $socket->close : 1;
}

sub BINMODE { return 1 }

sub TELL { $! = ESPIPE; return -1 }
sub SEEK { $! = ESPIPE; return 0 }
sub OPEN { $! = EBADF;  return }

1;

__END__

=head1 NAME

Vouch::Stream - the tied half of a Vouch::Socket

=head1 DESCRIPTION

For the inside of Vouch.  A L<Vouch::Socket> is tied to one of these when its
handshake begins and untied when it is closed.  It holds the TLS connection of
the C core and the buffer that lines are read from, and it waits where the
handle is in blocking mode.  Perl's own C<readline>, C<print>, C<sysread>,
C<syswrite>, C<getc>, C<eof>, C<printf>, C<say>, C<fileno> and C<close> come
here through the tie; how they behave is told in L<Vouch::Socket>.

C<tell> and C<seek> fail with C<ESPIPE>, C<open> with C<EBADF>; C<binmode>
does nothing, for what arrives are bytes.

=head1 THREADS AND FORK

A stream is not copied into a new thread.  After a fork the process that last
read or wrote owns it: only that one sends close_notify when the handle goes
out of scope.

=head1 SEE ALSO

L<Vouch::Socket>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
