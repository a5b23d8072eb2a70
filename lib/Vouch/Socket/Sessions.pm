package Vouch::Socket::Sessions 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed);

use Vouch::Error        ();
use Vouch::SessionCache ();

# Which session a client's socket offers, and where those it gets go.

my $default;

sub set_default_session_cache {
    my ($cache) = @_;
    $default = defined $cache ? _check('set_default_session_cache', $cache) : undef;
    return;
}

# The cache of a context: of its own, a given one, or the default.
sub cache_of {
    my ($arg) = @_;
    my ($cache, $size) = @$arg{qw(SSL_session_cache SSL_session_cache_size)};
    my $none = defined $size && !ref $size && $size eq '0';
    _check('SSL_session_cache', $cache)                               if defined $cache;
    Vouch::SessionCache::_check_size('SSL_session_cache_size', $size) if defined $size && !$none;
    return                                                            if $arg->{SSL_server};
    return $cache                                                     if defined $cache;
    return $none ? undef : defined $size ? Vouch::SessionCache->new($size) : $default;
}

sub _check {
    my ($name, $cache) = @_;
    return $cache if blessed $cache && 3 == grep { $cache->can($_) } qw(add_session get_session del_session);
    Vouch::Error->throw(code => 'argument', message => "$name must be a Vouch::SessionCache, not '$cache'");
}

# Before the handshake.
sub offer {
    my ($socket, $own, $stream) = @_;
    return _offer_given($own, $stream) if $own->{SSL_session};
    my $cache   = $own->{context}->session_cache           // return;
    my $session = $cache->get_session(_key($socket, $own)) // return;
    $stream->_offer($session) if blessed $session && $session->isa('Vouch::Session');
    return;
}

sub _offer_given {
    my ($own, $stream) = @_;
    $stream->_offer($own->{SSL_session});
    return;
}

# After it: the cache keeps the session, which becomes what the server sends.
sub keep {
    my ($socket, $own, $stream) = @_;
    my $cache   = $own->{context}->session_cache // return;
    my $session = $stream->_follow_session       // return;
    $cache->add_session(_key($socket, $own), $session);
    return;
}

# It has failed, perhaps for what we have offered.
sub forget {
    my ($socket, $own) = @_;
    return if !blessed $own->{context};
    my $cache = $own->{context}->session_cache // return;
    $cache->del_session(_key($socket, $own));
    return;
}

sub _key {
    my ($socket, $own) = @_;
    return $own->{SSL_session_key} if defined $own->{SSL_session_key};
    my $host = $own->{SSL_hostname};
    $host = $own->{peer} // $socket->peerhost // 'socket' if !length($host // q());
    return $host . ':' . ($socket->peerport // 0);
}

# A new thread does not get the sessions.
sub CLONE { undef $default; return }

1;

__END__

=head1 NAME

Vouch::Socket::Sessions - which session a socket offers and keeps (internal)

=head1 SYNOPSIS

    use Vouch::Socket;

    my $socket = Vouch::Socket->new(PeerAddr => 'example.org', SSL_session_cache_size => 10);

=head1 DESCRIPTION

For use by L<Vouch::Socket> and L<Vouch::Context>, which describe the arguments
C<SSL_session>, C<SSL_session_cache>, C<SSL_session_cache_size> and
C<SSL_session_key>. The cache itself is a L<Vouch::SessionCache>.

=head1 METHODS

Functions, for the modules named above.

=head2 cache_of

    my $cache = Vouch::Socket::Sessions::cache_of(\%arguments);

The cache that these arguments of a context mean, or undef.

=head2 set_default_session_cache

    Vouch::Socket::Sessions::set_default_session_cache($cache);

See L<Vouch::Socket::Defaults/set_default_session_cache>.

=head2 offer

=head2 keep

=head2 forget

    Vouch::Socket::Sessions::offer($socket, $settings, $stream);

Before the handshake: offer what the program or the cache has. After it: put the
session into the cache. If it has failed: take it out.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::SessionCache>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
