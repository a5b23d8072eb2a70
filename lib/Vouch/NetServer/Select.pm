package Vouch::NetServer::Select 0.001;

use v5.16;
use warnings;

use IO::Select   ();
use Scalar::Util qw(blessed);
use Time::HiRes  ();

our @ISA = qw(IO::Select);

# Net::Server (Single) with several ports waits for them with IO::Select, and
# then accepts from one.  This one knows of the handshakes under way, and says
# that a port is readable when a client is ready there.

# In place of the server's own.
sub install {
    my ($class, $server) = @_;
    my $select = $server->{server}{select} // return;
    return bless $select, $class;
}

sub can_read {
    my ($self, $timeout) = @_;
    my $end = defined $timeout ? Time::HiRes::time() + $timeout : undef;
    while (1) {
        my @handles = grep { defined fileno $_ } $self->handles or return;
        my %port =
            map { $_ => $_->_port } grep { blessed $_ && $_->isa('Net::Server::Proto::VOUCH') } @handles;
        my @ready = grep { $port{$_} && $port{$_}->gather($_) } @handles;
        my $left  = @ready ? 0 : _least(defined $end ? $end - Time::HiRes::time() : undef,
            map { $port{$_}->listener($_)->next_deadline } grep { $port{$_} } @handles);
        my %watched = map { $port{$_} ? ()                                    : (fileno $_ => $_) } @handles;
        my @waiting = map { $port{$_} ? $port{$_}->listener($_)->handle // () : $_ } @handles;
        my @woken   = IO::Select->new(@waiting)->can_read($left);
        push @ready, grep { $watched{ fileno $_ } } @woken;
        return @ready if @ready;
        return        if $!{EINTR} && !@woken || defined $end && Time::HiRes::time() >= $end;
    }
}

# The shortest of some times, of which undef is for ever.
sub _least {
    my ($least, @more) = @_;
    for my $time (grep { defined } @more) {
        $least = $time if !defined $least || $time < $least;
    }
    return defined $least && $least < 0 ? 0 : $least;
}

1;

__END__

=head1 NAME

Vouch::NetServer::Select - wait for several ports with handshakes under way (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Select;

    sub wait_as_we_do {
        my ($server) = @_;
        return Vouch::NetServer::Select->install($server);
    }

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release.

A Net::Server (Single) with several ports waits with an L<IO::Select>. This is one
that says a port is readable when a client is ready there, and goes on with all
handshakes meanwhile.

=head1 METHODS

=head2 install

    my $select = Vouch::NetServer::Select->install($server);

Takes the place of the server's own; undef if it has none.

=head2 can_read

    my @sockets = $select->can_read($timeout);

As in L<IO::Select>.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
