package Vouch::NetServer::Watch 0.001;

use v5.16;
use warnings;

use IO::Handle ();

our @ISA = qw(IO::Handle);

# A handle in an IO::Multiplex that nobody reads: when it is readable or
# writable, functions are called.

sub new {
    my ($class, $handle, %function) = @_;
    open my $own, '<&=', fileno $handle or die "fdopen: $!\n";    # the same descriptor
    my $self = bless $own, $class;
    ${*$self}{vouch_watch} = { handle => $handle, %function };
    return $self;
}

sub join_mux {
    my ($self, $mux) = @_;
    ${*$self}{vouch_watch}{mux} = $mux;
    $mux->listen($self);
    $mux->set_callback_object(Vouch::NetServer::Watch::Callbacks->new($self), $self);
    return;
}

# Called by IO::Multiplex when the handle is readable.
sub accept {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    return ${*$self}{vouch_watch}{ready}->();
}

# What to wait for.  IO::Multiplex has no method for not to read; without, it
# would call again and again at the end of a connection.
sub want {
    my ($self, $read, $write) = @_;
    my $mux = ${*$self}{vouch_watch}{mux} // return;
    vec($mux->{_readers}, fileno $self, 1) = $read ? 1 : 0 if exists $mux->{_readers};
    $mux->write($self, '') if $write;
    return;
}

sub timeout {
    my ($self, $seconds) = @_;
    my $mux = ${*$self}{vouch_watch}{mux} // return;
    $mux->set_timeout($self, $seconds);
    return;
}

sub end {
    my ($self) = @_;
    my $watch = delete ${*$self}{vouch_watch} // return;
    $watch->{mux}->remove($self) if $watch->{mux};
    return CORE::close($self);
}

package Vouch::NetServer::Watch::Callbacks {    ## no critic (ProhibitMultiplePackages)
    use Scalar::Util qw(weaken);

    sub new {
        my ($class, $watch) = @_;
        my $self = bless { watch => $watch }, $class;
        weaken $self->{watch};
        return $self;
    }

    sub mux_connection {
        my ($self, $mux, $client) = @_;
        return _call($self, 'client', $client);
    }
    sub mux_outbuffer_empty { my ($self) = @_; return _call($self, 'ready') }
    sub mux_timeout         { my ($self) = @_; return _call($self, 'late') }

    sub _call {
        my ($self, $name, @arguments) = @_;
        my $watch = $self->{watch}                 // return;
        my $code  = ${*$watch}{vouch_watch}{$name} // return;
        return $code->(@arguments);
    }
}

1;

__END__

=head1 NAME

Vouch::NetServer::Watch - a handle in an IO::Multiplex that nobody reads (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Watch;

    sub watch {
        my ($mux, $handle) = @_;
        my $watch = Vouch::NetServer::Watch->new($handle, ready => sub { warn "readable\n"; return });
        $watch->join_mux($mux);
        return $watch;
    }

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release.

IO::Multiplex calls C<accept> of a listening handle that is readable. This is such a
handle, on a descriptor that does not listen: its C<accept> calls a function, which
returns a client for IO::Multiplex, or nothing.

=head1 METHODS

=head2 new

    my $watch = Vouch::NetServer::Watch->new($handle, ready => sub { ... }, late => sub { ... });

Functions: C<ready> for a handle that is readable or writable, C<late> for one whose
time is over, C<client> for a client that C<ready> has returned.

=head2 join_mux

    $watch->join_mux($mux);

Has it looked after.

=head2 accept

    my $client = $watch->accept;

Called by IO::Multiplex.

=head2 want

    $watch->want($read, $write);

What to wait for.

=head2 timeout

    $watch->timeout($seconds);

When to call C<late>; undef for never.

=head2 end

    $watch->end;

Takes it out of the IO::Multiplex. The descriptor stays open.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
