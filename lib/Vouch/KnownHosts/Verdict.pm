package Vouch::KnownHosts::Verdict 0.001;

use v5.16;
use warnings;

use overload
    '""'     => sub { $_[0]{trust} },
    'bool'   => sub { 1 },
    fallback => 1;

use constant {
    FIRST_USE            => 'first-use',
    MATCH                => 'match',
    KEY_KEPT             => 'key-kept',
    CHANGED_AFTER_EXPIRY => 'changed-after-expiry',
    CHANGED              => 'changed',
};

my %SENTENCE = (
    'first-use'            => '%s was never seen before; its certificate is %s',
    'match'                => '%s shows the certificate that is known, %s',
    'key-kept'             => '%s has renewed its certificate and kept its key; it is now %s',
    'changed-after-expiry' =>
        '%s has a new key; the certificate that was known has run out; the new one is %s',
    'changed' => '%s shows another certificate than the one that is known, and another key: %s;'
        . ' somebody may stand in between, or the host has a new key: ask its owner,'
        . ' and if it is right accept it or remove what is known',
);

sub _new {
    my ($class, %fact) = @_;
    return bless {%fact}, $class;
}

sub trust       { return $_[0]{trust} }
sub host        { return $_[0]{host} }
sub port        { return $_[0]{port} }
sub pin         { return $_[0]{pin} }
sub certificate { return $_[0]{certificate} }
sub now         { return $_[0]{now} }

sub is_known   { return $_[0]{trust} eq MATCH || $_[0]{trust} eq KEY_KEPT }
sub is_refused { return $_[0]{trust} eq CHANGED }

sub name_matches     { return !!$_[0]{name_matches} }
sub is_expired       { return !!$_[0]{expired} }
sub is_not_yet_valid { return !!$_[0]{early} }

sub sentence {
    my ($self) = @_;
    my $who    = ($self->{host} =~ /:/ ? "[$self->{host}]" : $self->{host}) . ":$self->{port}";
    my $text   = sprintf $SENTENCE{ $self->{trust} }, $who,
        $self->{certificate}->fingerprint(spelling => 'lower');
    my @notes = $self->notes;
    return @notes ? "$text (" . join(', ', @notes) . ')' : $text;
}

sub notes {
    my ($self) = @_;
    my $until  = $self->{pin} && $self->{pin}->expires_iso;
    my $early  = $self->{trust} eq CHANGED && $until && $until ne '-';
    return (
        ($early                ? "the known one is valid until $until" : ()),
        ($self->{name_matches} ? ()                                    : 'it does not name this host'),
        ($self->{expired}      ? 'it has expired'                      : ()),
        ($self->{early}        ? 'it is not valid yet'                 : ()),
    );
}

1;

__END__

=head1 NAME

Vouch::KnownHosts::Verdict - whether a host is the one that was here before

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Certificate;
    use Vouch::KnownHosts;

    my $known   = Vouch::KnownHosts->new;
    my $shown   = Vouch::Certificate->from_file('server-cert.pem');
    my $verdict = $known->check('example.org', 1965, $shown);
    die $verdict->sentence, "\n" if $verdict->is_refused;

=head1 DESCRIPTION

What L<Vouch::KnownHosts/check> returns. As a string it is the word that
L</trust> returns. It never changes.

=head1 METHODS

=head2 trust

    if ($verdict->trust eq Vouch::KnownHosts::Verdict::CHANGED) { ... }

One of the words below.

=head2 FIRST_USE, MATCH, KEY_KEPT, CHANGED_AFTER_EXPIRY, CHANGED

    say 'welcome' if $verdict eq Vouch::KnownHosts::Verdict::FIRST_USE;

The words, as constants:

=over 4

=item first-use

Nothing is known of the host. One trusts it, or asks a person.

=item match

It shows the certificate that is known.

=item key-kept

It shows another certificate of the same key: it has renewed it. Who has the
key is who was here before.

=item changed-after-expiry

It shows another key, and the certificate that is known has run out. That is
as good as first-use; the specification of Gemini says so.

=item changed

It shows another key while the known certificate would be valid still, or has
no date. Refuse, unless a person knows better.

=back

=head2 is_refused

    die $verdict->sentence, "\n" if $verdict->is_refused;

True for C<changed>.

=head2 is_known

    say 'an old friend' if $verdict->is_known;

True for C<match> and C<key-kept>.

=head2 sentence

    say $verdict->sentence;

The verdict in words for people, with host, port, fingerprint and L</notes>. It
may become clearer from release to release; do not match it.

=head2 notes

    say for $verdict->notes;

What else is worth knowing, in words for people, one a list element: that it
does not name the host, and so on. None of it decides anything.

=head2 name_matches

    say 'a certificate for another name' if !$verdict->name_matches;

Whether the certificate is for this host. With trust on first use a name may
be anything, so it is information only.

=head2 is_expired, is_not_yet_valid

    say 'it should renew its certificate' if $verdict->is_expired;

Whether the certificate that is shown is out of its dates: information only.

=head2 host, port, certificate, now

    say $verdict->certificate->not_after_iso;

What was asked: the host, in lower case, the port, the L<Vouch::Certificate>
that was shown, and the time in seconds since 1970.

=head2 pin

    say $verdict->pin->last_seen_iso if $verdict->pin;

What was known, a L<Vouch::KnownHosts::Pin>, or undef.

=head1 ERRORS

These methods do not fail.

=head1 SEE ALSO

L<Vouch::KnownHosts>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
