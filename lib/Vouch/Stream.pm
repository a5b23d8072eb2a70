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
