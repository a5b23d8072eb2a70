package Vouch::SessionCache 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed);

use Vouch::Error ();

# The last sessions of a client, by where they are from.

use constant MAX_SIZE => 1_000_000;

sub new {
    my ($class, $size) = @_;
    _check_size('the size of a session cache', $size);
    return bless { size => 0 + $size, session => {}, used => {}, uses => 0 }, $class;
}

sub size  { return $_[0]{size} }
sub count { return scalar keys %{ $_[0]{session} } }

sub add_session {
    my ($self, $key, $session) = @_;
    _check_key('the key of a session', $key);
    _bad_argument('a session must be what a socket\'s "session" returns, not ' . ($session // 'undef'))
        if !blessed $session || !$session->isa('Vouch::Session');
    $self->{session}{$key} = $session;
    $self->_touch($key);
    $self->_forget_oldest if keys %{ $self->{session} } > $self->{size};
    return $session;
}

sub replace_session { my ($self, @arg) = @_; return $self->add_session(@arg) }

sub get_session {
    my ($self, $key) = @_;
    _check_key('the key of a session', $key);
    my $session = $self->{session}{$key} // return;
    return if !blessed $session;    # another thread's
    $self->_touch($key);
    return $session;
}

# With a session: that one only, for meanwhile there may be a newer.
sub del_session {
    my ($self, $key, $session) = @_;
    _check_key('the key of a session', $key);
    my $there = $self->{session}{$key} // return;
    return if defined $session && $there != $session;
    delete $self->{used}{$key};
    return delete $self->{session}{$key};
}

sub _touch { my ($self, $key) = @_; $self->{used}{$key} = ++$self->{uses}; return }

# A tenth at once, so that a full cache does not look through itself each time.
sub _forget_oldest {
    my ($self) = @_;
    my $used   = $self->{used};
    my @oldest = sort { $used->{$a} <=> $used->{$b} } keys %$used;
    my $many   = @oldest - $self->{size} + int($self->{size} / 10);
    delete @$used{ @oldest[0 .. $many - 1] };
    delete @{ $self->{session} }{ @oldest[0 .. $many - 1] };
    return;
}

sub _check_size {
    my ($what, $size) = @_;
    return if defined $size && !ref $size && $size =~ /\A[1-9][0-9]{0,6}\z/ && $size <= MAX_SIZE;
    _bad_argument(
        "$what must be a whole number from 1 to " . MAX_SIZE . q(, not ') . ($size // 'undef') . q('));
}

sub _check_key {
    my ($what, $key) = @_;
    return if defined $key && !ref $key && length $key;
    _bad_argument("$what must be a text, not " . (defined $key ? "'$key'" : 'undef'));
}

sub _bad_argument {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::SessionCache - sessions that clients may resume

=head1 SYNOPSIS

    use Vouch::SessionCache;
    use Vouch::Socket;

    my $cache   = Vouch::SessionCache->new(100);
    my $context = Vouch::Context->new(SSL_session_cache => $cache, SSL_ca_file => 'ca.pem');
    my $socket  = Vouch::Socket->new(PeerAddr => 'example.org', PeerPort => 443, SSL_reuse_ctx => $context);

=head1 DESCRIPTION

A second connection to the same server costs less if it resumes the session of the
first. A cache keeps the last session of each server, and L<Vouch::Socket> uses it by
itself: it offers a session from it, and puts in what the server sends.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::Socket;

    Vouch::Identity->create(cn => 'localhost', san => ['127.0.0.1'], file => 'server');
    my $server = Vouch::Socket->new(
        LocalAddr     => '127.0.0.1',
        LocalPort     => 0,
        Listen        => 10,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        for (1, 2) {
            my $client = $server->accept or die "no client: $SSL_ERROR\n";
            print $client "welcome\n";
            close $client;
        }
        exit;
    }

    my $context = Vouch::Context->new(SSL_session_cache_size => 10, SSL_ca_file => 'server-cert.pem');
    for (1, 2) {
        my $socket = Vouch::Socket->new(
            PeerAddr      => '127.0.0.1',
            PeerPort      => $server->sockport,
            SSL_reuse_ctx => $context,
        ) or die "cannot connect: $SSL_ERROR\n";
        print scalar <$socket>;
        say $socket->get_session_reused ? 'resumed' : 'new';
    }
    say $context->session_cache->count;
    wait;

    # prints: welcome
    # prints: new
    # prints: welcome
    # prints: resumed
    # prints: 1

=for example end

A resumed session says who the server I<was>, so a session is used only where all that
was checked is the same: the L<Vouch::Context>, or one of equal arguments and files
(L<Vouch::Context::Shared>), and the name or address the certificate was checked for.
Whatever the cache returns for a key, another server, another identity of ours,
another callback or other authorities make a full handshake. Contexts with pins
resume only within one context.

A context has a cache if it is given C<SSL_session_cache>, which several may share, or
C<SSL_session_cache_size>, or if there is one for the process
(L<Vouch::Socket::Defaults/set_default_session_cache>). Sessions are kept
under C<SSL_session_key>, or without one under C<host:port>.

=head1 METHODS

=head2 new

    my $cache = Vouch::SessionCache->new(100);

A cache for so many servers. When it is full, the tenth of it that was not used for
longest goes. Dies if the size is no whole number from 1 to MAX_SIZE.

=head2 MAX_SIZE

    say Vouch::SessionCache::MAX_SIZE;

The largest size, 1000000.

=head2 add_session

=head2 replace_session

    $cache->add_session('example.org:443', $socket->session);

Keeps a session, in place of another with that key. Dies for what is no session.
Returns it.

=head2 get_session

    my $session = $cache->get_session('example.org:443');

The session with that key, or undef.

=head2 del_session

    $cache->del_session('example.org:443');
    $cache->del_session('example.org:443', $session);

Forgets it, if it is still that one. Returns it, or undef.

=head2 size, count

    printf "%d of %d\n", $cache->count, $cache->size;

How many it may keep, and keeps.

=head1 CACHES OF OTHER KINDS

C<SSL_session_cache> may be any object with the methods C<add_session>,
C<get_session> and C<del_session>. A session is an object without methods, which
cannot leave its process.

=head1 ERRORS

Wrong arguments die with a L<Vouch::Error>.

=head1 THREADS AND FORK

A new thread has the cache without its sessions. A forked process has a copy with
them.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::Context>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
