package Vouch::Gemini::Connection 0.001;

use v5.16;
use warnings;

use Errno       qw(EAGAIN EINTR EWOULDBLOCK);
use List::Util  qw(min);
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

use Vouch        ();
use Vouch::Error ();
use Vouch::Socket;

use constant { CHUNK => 65_536, LINGER => 1 };

sub open {
    my ($class, %arg) = @_;
    my ($host, $port, $timeout, $deadline, $tls) = @arg{qw(host port timeout deadline tls)};
    my $self = bless { who => "$host:$port", timeout => $timeout, deadline => $deadline }, $class;
    my $left = $self->_left;
    $self->_too_late if $left <= 0;
    $self->{socket} = Vouch::Socket->new(PeerHost => $host, PeerPort => $port, Timeout => $left, @$tls)
        // $self->_fail("$SSL_ERROR");
    $self->{socket}->blocking(0);
    return $self;
}

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub socket { return $_[0]{socket} }

# Until when without progress.
sub _left {
    my ($self) = @_;
    my $left = $self->{timeout};
    return defined $self->{deadline} ? min($left, $self->{deadline} - now()) : $left;
}

sub exchange {
    my ($self, $more, $take) = @_;
    my $out  = '';
    my $done = 0;
    while (1) {
        my $got = $self->_read($take);
        return $got if defined $got;
        my $want = $self->{want_read};
        if (!$done && !length $out) { $out = $more->() // ''; $done = !length $out }
        if (length $out) {
            my $sent = $self->_write($out);
            if (!defined $sent) { ($done, $out) = (1, '') }
            else                { substr $out, 0, $sent, '' }
            # Something went out: there may be room for more.
            next if $sent || $done;
            $want .= $self->{want_write};
        }
        $self->_wait($want);
    }
}

# What take() returned, 'end' or 'cut' at the end; undef when there is nothing.
sub _read {
    my ($self, $take) = @_;
    while (1) {
        my $count = sysread $self->{socket}, my $bytes, CHUNK;
        if ($count) {
            delete $self->{since};
            return 'enough'  if $take->($bytes);
            $self->_too_late if defined $self->{deadline} && now() > $self->{deadline};
            next;
        }
        return $self->_end if defined $count;
        next               if $! == EINTR;
        if ($! == EAGAIN || $! == EWOULDBLOCK) {
            $self->{want_read} = $SSL_ERROR == SSL_WANT_WRITE ? 'w' : 'r';
            return;
        }
        $self->_fail("$SSL_ERROR");
    }
}

sub _end { my ($self) = @_; return $self->{socket}->last_error ? 'cut' : 'end' }

# How many bytes were sent, 0 if it must wait; undef when the other end takes no
# more: it may have said why, so that reading goes on.
sub _write {
    my ($self, $bytes) = @_;
    my $sent = syswrite $self->{socket}, $bytes;
    if (defined $sent) { delete $self->{since}; return $sent }
    return if $! != EAGAIN && $! != EWOULDBLOCK && $! != EINTR;
    $self->{want_write} = $SSL_ERROR == SSL_WANT_READ ? 'r' : 'w';
    return 0;
}

sub _wait {
    my ($self, $want) = @_;
    my $since = $self->{since} //= now();
    my $left  = $self->_left - (now() - $since);
    $self->_too_late if $left <= 0;
    my ($read, $write) = ('', '');
    vec($read,  fileno $self->{socket}, 1) = 1 if $want =~ /r/;
    vec($write, fileno $self->{socket}, 1) = 1 if $want =~ /w/;
    select $read, $write, undef, $left;
    return;
}

# The end is waited for a moment only: nothing else may come.
sub drain {
    my ($self) = @_;
    $self->{deadline} = min($self->{deadline} // now() + LINGER, now() + LINGER);
    my $extra = 0;
    my $how   = eval {
        $self->exchange(sub { undef }, sub { ($extra += length $_[0]) > CHUNK });
    } // 'open';
    return ($how, $extra);
}

sub close {
    my ($self) = @_;
    my $socket = delete $self->{socket};
    $socket->close if $socket;
    return;
}

sub _too_late {
    my ($self) = @_;
    my $late = defined $self->{deadline} && now() >= $self->{deadline};
    Vouch::Error->throw(
        code    => 'timeout',
        message => $late
        ? "$self->{who}: the time for the whole request is over"
        : "$self->{who}: nothing came for $self->{timeout} seconds",
    );
}

sub _fail {
    my ($self,  $text)  = @_;
    my ($errno, $error) = (0 + $!, ($self->{socket} || 'Vouch::Socket')->last_error);
    my %facts =
        $error ? map { $_ => $error->$_ } qw(code library cause side alert peer server_name hint) : ();
    Vouch::Error->throw(code => 'system', %facts, errno => $errno, message => $text);
}

1;

__END__

=head1 NAME

Vouch::Gemini::Connection - one connection of a Gemini client (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Connection;

    my $connection = Vouch::Gemini::Connection->open(
        host    => 'localhost',
        port    => 1965,
        timeout => 30,
        tls     => [SSL_ca_file => 'server-cert.pem'],
    );
    my @out = "gemini://localhost/\r\n";
    my $how = $connection->exchange(sub { shift @out }, sub { print $_[0]; 0 });
    $connection->close;

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Client> only; it may change in any release. It sends and
receives at the same time, so that the answer of a server which refuses an upload in the
middle of it is read, and it keeps deadlines against a clock that nobody sets.

=head1 CALLBACKS

Those of L</exchange>.

=head1 METHODS

=head2 open

    my $connection = Vouch::Gemini::Connection->open(host => $host, port => $port, timeout => 30, tls => []);

Connects, with these arguments of L<Vouch::Socket/new>. C<timeout> limits each wait,
C<deadline>, if it is defined, everything: a time of L</now>.

=head2 now

    my $deadline = Vouch::Gemini::Connection->now + 60;

The monotonic clock, in seconds.

=head2 socket

    my $socket = $connection->socket;

The L<Vouch::Socket>.

=head2 exchange

    my $how = $connection->exchange($more, $take);

Sends what C<$more> returns until it returns undef or an empty text, and calls C<$take>
with what comes. Returns C<enough> once that returns true, C<end> after close_notify, and
C<cut> where the connection ended without.

=head2 drain

    my ($how, $extra) = $connection->drain;

Waits a second for the end; how it came (C<open>: it did not), and how many bytes came
before it.

=head2 close

    $connection->close;

Says goodbye.

=head1 ERRORS

C<open> and C<exchange> die with a L<Vouch::Error>; C<timeout> at the end of a time.

=head1 THREADS AND FORK

As of a L<Vouch::Socket>.

=head1 SEE ALSO

L<Vouch::Gemini::Client>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
