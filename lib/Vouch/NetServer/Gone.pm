package Vouch::NetServer::Gone 0.001;

use v5.16;
use warnings;

use Errno qw(EPIPE);

# The tied half of a client whose handshake has failed.  Net::Server goes on
# with such a client as with any other: whoever reads is at the end, whoever
# writes is told that nobody listens, and who asks for facts finds none.

our $AUTOLOAD;

sub TIEHANDLE { my ($class) = @_; return bless {}, $class }

sub READ     { $_[1] = substr($_[1] // '', 0, $_[3] // 0); return 0 }
sub READLINE { return }
sub GETC     { return }
sub EOF      { return 1 }
sub PRINT    { $! = EPIPE; return 0 }
sub PRINTF   { $! = EPIPE; return 0 }
sub WRITE    { $! = EPIPE; return }
sub CLOSE    { return 1 }
sub BINMODE  { return 1 }
sub FILENO   { return }

# Those of Vouch::Stream that Vouch::Socket calls; the others, which tell one
# fact each, answer undef.
sub _read_all   { goto &READ }
sub _write_all  { goto &WRITE }
sub _pending    { return 0 }
sub _peek       { $_[1] = ''; return 0 }
sub _unread     { return }
sub _detach     { return }
sub _peer_chain { return }
sub _verdict    { return (0, 'nobody', 0, 0) }
sub _error      { return 'ok' }                  # the socket knows it

sub AUTOLOAD {    ## no critic (ProhibitAutoloading)
    my ($name) = $AUTOLOAD =~ /::(\w+)\z/;
    return undef if $name =~ /\A_/ || $name eq 'DESTROY';    ## no critic (ProhibitExplicitReturnUndef)
    die "a client without TLS has no method $name\n";
}

sub can {
    my ($self, $name) = @_;
    return $self->SUPER::can($name) // ($name =~ /\A_[a-z]/ ? sub { return } : undef);
}

1;

__END__

=head1 NAME

Vouch::NetServer::Gone - a client whose handshake has failed (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Gone;

    sub give_up {
        my ($client) = @_;
        close $client;
        tie *$client, 'Vouch::NetServer::Gone';
        return;
    }

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release.

Net::Server calls C<process_request> also for a client whose handshake has
failed. The handle of such a client is closed and tied to this: reading finds
the end, writing fails with EPIPE, and methods that tell facts of the peer
return undef. Nothing goes out in the clear.

=head1 METHODS

=head2 can

    my $method = $tied->can('_cipher');

A function for each method of L<Vouch::Stream>.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
