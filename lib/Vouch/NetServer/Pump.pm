package Vouch::NetServer::Pump 0.001;

use v5.16;
use warnings;

use Errno        qw(EAGAIN EINTR EWOULDBLOCK);
use Scalar::Util qw(weaken);
use Socket       qw(MSG_NOSIGNAL);

use Vouch::NetServer::Watch ();
use Vouch::Socket           ();

# Bytes between a TLS connection and a plain socket in the same process, as
# they come: neither side ever waits for the other.

use constant BUFFER => 65_536;    # bytes on their way, in each direction
use constant ROUNDS => 16;        # before others have their turn

sub new {
    my ($class, $mux, $tls, $plain, $ended) = @_;
    my $self = bless { tls => $tls, plain => $plain, in => '', out => '', ended => $ended }, $class;
    $_->blocking(0) for $tls, $plain;
    for my $side (qw(tls plain)) {
        my $pump = $self;
        weaken $pump;
        my $watch = $self->{"watch_$side"} = Vouch::NetServer::Watch->new(
            $self->{$side},
            ready => sub { $pump->run    if $pump; return },
            late  => sub { $pump->finish if $pump; return },
        );
        $watch->join_mux($mux);
    }
    return $self;
}

# Move what can be moved, then say what to wait for.
sub run {
    my ($self) = @_;
    my $busy = 1;
    for (1 .. ROUNDS) {
        $busy = grep { $self->$_ } qw(_from_tls _to_plain _from_plain _to_tls);
        last if !$busy;
    }
    return $self->finish if $self->{plain_ended} && !length $self->{out};
    my %full  = (in => length $self->{in} >= BUFFER, out => length $self->{out} >= BUFFER);
    my $write = length $self->{out} || $self->{wants_write};
    $self->{watch_tls}->want(!$self->{tls_ended} && !$full{in}, $write && !$self->{tls_failed});
    $self->{watch_plain}->want(!$self->{plain_ended} && !$full{out}, $busy || length $self->{in});
    return;
}

# Close both: TLS says goodbye.
sub finish {
    my ($self) = @_;
    my $ended = delete $self->{ended} // return;
    delete($self->{"watch_$_"})->end for qw(tls plain);
    $self->{tls}->close;
    CORE::close($self->{plain});
    $ended->($self);
    return;
}

# Each of these moves something, or returns false.

sub _from_tls {
    my ($self) = @_;
    return 0 if $self->{tls_ended} || length $self->{in} >= BUFFER;
    my $count = sysread $self->{tls}, $self->{in}, 16_384, length $self->{in};
    return $count if $count;
    return 0      if !defined $count && $self->_only_waits;
    return $self->{tls_ended} = 1;
}

sub _to_plain {
    my ($self) = @_;
    if (length $self->{in}) {
        my $count = send $self->{plain}, $self->{in}, MSG_NOSIGNAL;
        return 0 if !defined $count && _again();
        $self->{in} = defined $count ? substr $self->{in}, $count : '';
        return 1;
    }
    return 0 if !$self->{tls_ended} || $self->{told_end}++;
    return shutdown $self->{plain}, 1;
}

sub _from_plain {
    my ($self) = @_;
    return 0 if $self->{plain_ended} || length $self->{out} >= BUFFER;
    my $count = sysread $self->{plain}, $self->{out}, 16_384, length $self->{out};
    return $count if $count;
    return 0      if !defined $count && _again();
    $self->{watch_tls}->timeout(Vouch::Socket::SERVER_IO_TIMEOUT());    # to send the rest
    return $self->{plain_ended} = 1;
}

sub _to_tls {
    my ($self) = @_;
    return 0 if !length $self->{out};
    my $count = $self->{tls_failed} ? undef : syswrite $self->{tls}, $self->{out};
    return 0 if !defined $count && !$self->{tls_failed} && $self->_only_waits;
    # The program is told by the end of its input; what it says is dropped.
    if (!defined $count) {
        @$self{qw(out tls_ended tls_failed)} = ('', 1, 1);
        return 1;
    }
    substr $self->{out}, 0, $count, '';
    return 1;
}

sub _only_waits {
    my ($self) = @_;
    return 0 if !_again();
    $self->{wants_write} = $Vouch::Socket::SSL_ERROR == Vouch::Socket::SSL_WANT_WRITE();
    return 1;
}

sub _again { return $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR }

1;

__END__

=head1 NAME

Vouch::NetServer::Pump - bytes between TLS and a plain socket in the same process (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Pump;

    sub connect_them {
        my ($mux, $tls, $plain) = @_;
        return Vouch::NetServer::Pump->new($mux, $tls, $plain, sub { warn "ended\n" });
    }

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release.

Moves bytes both ways, at most 64 KiB of them at a time, and never waits. The end of
the one side is the end of the other.

=head1 METHODS

=head2 new

    my $pump = Vouch::NetServer::Pump->new($mux, $tls, $plain, $ended);

Looks after both sockets in the IO::Multiplex. C<$ended> is called, with the pump,
when both are closed.

=head2 run

    $pump->run;

Moves what there is.

=head2 finish

    $pump->finish;

Closes both; TLS with close_notify.

=head2 BUFFER, ROUNDS

    my $bytes = Vouch::NetServer::Pump::BUFFER;

Constants: how many bytes may be under way in each direction, and how often one
connection may move some before it is another's turn.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
