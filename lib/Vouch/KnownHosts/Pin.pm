package Vouch::KnownHosts::Pin 0.001;

use v5.16;
use warnings;

use Vouch              ();
use Vouch::Certificate ();

sub new {
    my ($class, %fact) = @_;
    return $class->_of_line(
        join q( ), $fact{host}, $fact{port},
        (map { _iso($fact{$_}) } qw(expires first_seen last_seen)),
        @{ $fact{fingerprints} },
        $fact{verified} ? 'verified' : (),
    );
}

# Written and read by the C core, so that there is one form and one judge.
sub _of_line {
    my ($class, $text) = @_;
    my ($line, $host, $port, $expires, $first, $last, $verified, @fingerprints) =
        Vouch::KnownHosts::_parse($text);
    return bless {
        line         => $line,
        host         => $host,
        port         => $port,
        expires      => $expires,
        first_seen   => $first,
        last_seen    => $last,
        verified     => $verified,
        fingerprints => \@fingerprints,
    }, $class;
}

sub _iso {
    my ($epoch) = @_;
    # Before the year 0 or after 9999 there is no such text.
    return '-' if !defined $epoch || $epoch < -62_167_219_200 || $epoch > 253_402_300_799;
    return Vouch::Certificate::_iso($epoch);
}

sub line         { return $_[0]{line} }
sub host         { return $_[0]{host} }
sub port         { return $_[0]{port} }
sub expires      { return $_[0]{expires} }
sub first_seen   { return $_[0]{first_seen} }
sub last_seen    { return $_[0]{last_seen} }
sub verified     { return $_[0]{verified} }
sub fingerprints { return @{ $_[0]{fingerprints} } }

sub expires_iso    { return _iso($_[0]{expires}) }
sub first_seen_iso { return _iso($_[0]{first_seen}) }
sub last_seen_iso  { return _iso($_[0]{last_seen}) }

sub certificate_fingerprint {
    my ($self, $digest) = @_;
    return $self->_fingerprint(($digest // 'sha256') . '$');
}

sub key_fingerprint {
    my ($self, $digest) = @_;
    return $self->_fingerprint(($digest // 'sha256') . '$spki$');
}

sub _fingerprint {
    my ($self, $prefix) = @_;
    my ($found) = grep { /\A\Q$prefix\E[0-9a-f]+\z/ } @{ $self->{fingerprints} };
    return $found;
}

# What two pins pin is the same.
sub _is_for_same {
    my ($self, $other) = @_;
    my ($mine, $theirs) = map { join q( ), $_->expires // q(-), sort $_->fingerprints } $self, $other;
    return $mine eq $theirs;
}

# This pin in the place of another, of which it keeps what still holds where
# certificate or key is the same.
sub _successor_of {
    my ($self, $old) = @_;
    my %mine = map { $_ => 1 } $self->fingerprints;
    return $self if !$old || !grep { $mine{$_} } $old->fingerprints;
    my $last = $old->last_seen // $self->last_seen;
    return (ref $self)->new(
        %$self,
        first_seen => $old->first_seen // $self->first_seen,
        last_seen  => $last > $self->last_seen ? $last : $self->last_seen,
        verified   => $self->verified || $old->verified,
    );
}

1;

__END__

=head1 NAME

Vouch::KnownHosts::Pin - what is known of a host

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::KnownHosts;

    for my $pin (Vouch::KnownHosts->new->list) {
        say join ' ', $pin->host, $pin->port, $pin->expires_iso, $pin->certificate_fingerprint // '-';
    }

=head1 DESCRIPTION

One host of a L<Vouch::KnownHosts>: the fingerprints of the certificate it has
shown, and when. It never changes.

=head1 METHODS

=head2 new

    my $pin = Vouch::KnownHosts::Pin->new(
        host         => 'example.org',
        port         => 1965,
        expires      => $certificate->not_after,
        fingerprints => ['sha256$ab12...'],
    );

For importers. Further arguments: C<first_seen>, C<last_seen>, C<verified>.
Dies with a L<Vouch::Error> for what cannot stand in the file.

=head2 host, port

    say $pin->host, ':', $pin->port;

The host in lower case, a name or an address, and the port.

=head2 expires, first_seen, last_seen

    say 'expired' if defined $pin->expires && $pin->expires < time;

Times in seconds since 1970, or undef where they are not known: the last second
of the certificate, and when the host was first and last seen with it. The last
is written once a day at most.

=head2 expires_iso, first_seen_iso, last_seen_iso

    say $pin->expires_iso;    # 2036-11-17T21:04:52Z

The same as text in UTC, C<-> where they are not known.

=head2 fingerprints

    say for $pin->fingerprints;

All that are known, spelt C<sha256$...>, C<sha256$spki$...>, C<sha512$...>.

=head2 certificate_fingerprint, key_fingerprint

    say $pin->certificate_fingerprint // 'not known';
    say $pin->key_fingerprint('sha512') // 'not known';

One of them, of the certificate or of its public key (SPKI), by C<sha256>
(default), C<sha384> or C<sha512>; undef if that is not known.

=head2 verified

    say 'a person has compared it' if $pin->verified;

1 if it was accepted with C<< verified => 1 >>, else 0.

=head2 line

    say $pin->line;

The line that stands in the file.

=head1 ERRORS

Only C<new> can fail.

=head1 SEE ALSO

L<Vouch::KnownHosts>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
