package Vouch::Stream::Ended 0.001;

use v5.16;
use warnings;

use Errno qw(EBADF);

use Vouch ();

# What a Vouch::Socket is tied to when Perl ends and its Vouch::Stream has been
# freed first: the handle itself.  FILENO and _detach are in xs/StreamEnded.xs.

our $AUTOLOAD;

sub AUTOLOAD { $! = EBADF; return }    ## no critic (ProhibitAutoloading)

sub CLOSE {
    my ($self) = @_;
    $self->_detach;
    return CORE::close $self;
}

sub DESTROY { return }

1;

__END__

=head1 NAME

Vouch::Stream::Ended - a Vouch::Socket without its connection, while Perl ends (internal)

=head1 SYNOPSIS

    # END of the program, global destruction:
    sub DESTROY { my ($self) = @_; print { $self->{socket} } "QUIT\r\n" }    # does nothing

=head1 DESCRIPTION

For use by L<Vouch::Socket> only; it may change in any release.

When a program ends, Perl frees what is left in no order. Destructors that run
then may find a socket whose connection is gone. C<fileno> and C<close> work on
it; everything else fails with EBADF, quietly, and nothing is sent in the clear.

=head1 METHODS

None for others.

=head2 CLOSE

    close $socket;

Closes the descriptor.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::Stream>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
