package Vouch::Gemini::Server::Rate 0.001;

use v5.16;
use warnings;

use Socket qw(AF_INET6 inet_pton);

use Vouch::Error ();

# How often somebody may come: so many times in so many seconds, at first all
# at once and then as time gives them back.  One number is kept for each: when
# the last of what has been taken is given back.

use constant KEYS => 10_000;    # that are remembered; older ones are forgotten

my %SECONDS = ('' => 1, s => 1, m => 60, h => 3600, d => 86_400);

sub new {
    my ($class, $text) = @_;
    my ($times, $count, $unit) = ($text // '') =~ m{\A([0-9]{1,9})/([0-9]{0,9})([smhd]?)\z};
    my $seconds = defined $times ? (length $count ? $count : 1) * $SECONDS{$unit} : 0;
    if (!$times || !$seconds) {
        my $given = $text // 'undef';
        Vouch::Error->throw(
            code    => 'argument',
            message => "a rate is TIMES/SECONDS, as '30/60' or '10/5m', not '$given'",
        );
    }
    my $each = $seconds / $times;
    return bless { each => $each, slack => $seconds - $each, young => {}, old => {} }, $class;
}

# 0, or how many seconds to wait (rounded up); being refused costs nothing.
sub wait_for {
    my ($self, $key, $now) = @_;
    my ($young, $old) = @$self{qw(young old)};
    my $until = $young->{$key} // $old->{$key} // $now;
    $until = $now if $until < $now;
    my $over = $until - $now - $self->{slack};
    return 1 + int $over if $over > 1e-9;
    if (!exists $young->{$key} && keys %$young >= KEYS) {
        $self->{old}   = $young;
        $self->{young} = $young = {};
    }
    $young->{$key} = $until + $self->{each};
    return 0;
}

# Whom an address stands for: one customer has all IPv6 addresses that begin
# with the same 64 bits.
sub key_of {
    my ($address) = @_;
    return $address if $address !~ /:/;
    my $packed = inet_pton(AF_INET6, $address =~ s/%.*//sr) // return $address;
    return join '.', unpack 'C4', substr $packed, 12
        if substr($packed, 0, 12) eq "\0" x 10 . "\xFF\xFF";
    return unpack 'H16', $packed;
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Rate - how often somebody may come (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Rate;

    my $rate    = Vouch::Gemini::Server::Rate->new('30/60');
    my $seconds = $rate->wait_for('192.0.2.1', time);
    say "come back in $seconds seconds" if $seconds;

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release.

=head1 METHODS

=head2 new

    my $rate = Vouch::Gemini::Server::Rate->new('10/5m');

Times, a slash, and seconds, or a number with C<s>, C<m>, C<h> or C<d>. Dies
with a L<Vouch::Error> for anything else.

=head2 wait_for

    my $seconds = $rate->wait_for($key, $now);

Counts a visit at the time C<$now>, and returns 0; or how long to wait, and then
it does not count. The last 10,000 to 20,000 keys are remembered.

=head2 key_of

    my $key = Vouch::Gemini::Server::Rate::key_of('2001:db8::1');

Whom an address stands for: itself, or of IPv6 its first 64 bits.

=head2 KEYS

    my $limit = Vouch::Gemini::Server::Rate::KEYS;

10,000.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
