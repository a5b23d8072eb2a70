package Vouch::Gemini::Punycode 0.001;

use v5.16;
use warnings;

use Exporter           qw(import);
use Unicode::Normalize ();

use Vouch::Error ();

our @EXPORT_OK = qw(ascii_host);

# The parameters of RFC 3492, and the limits of the DNS.
use constant {
    BASE         => 36,
    TMIN         => 1,
    TMAX         => 26,
    SKEW         => 38,
    DAMP         => 700,
    INITIAL_BIAS => 72,
    INITIAL_N    => 128,
    LABEL_MAX    => 63,
    NAME_MAX     => 253,
};

my @DIGITS = ('a' .. 'z', 0 .. 9);

sub ascii_host {
    my ($host) = @_;
    return $host if $host !~ /[^\x00-\x7F]/;
    utf8::decode(my $name = $host) or _wrong('the name of the host is not valid UTF-8');
    # Dots of other scripts separate, too.
    my @labels = split /[.\x{3002}\x{FF0E}\x{FF61}]/,
        Unicode::Normalize::NFKC(lc Unicode::Normalize::NFKC($name)), -1;
    my $ascii = join q(.), map { _label($_) } @labels;
    _wrong('the name of the host is longer than ' . NAME_MAX . ' characters') if length $ascii > NAME_MAX;
    return $ascii;
}

sub _label {
    my ($label) = @_;
    my $ascii   = $label =~ /[^\x00-\x7F]/ ? 'xn--' . _encode($label) : $label;
    _wrong('the name of the host has a character that names have not') if $label !~ /\A[\w\-\p{Mn}\p{Mc}]*\z/;
    _wrong('a part of the name of the host is longer than ' . LABEL_MAX . ' characters')
        if length $ascii > LABEL_MAX;
    return $ascii;
}

sub _encode {
    my ($label) = @_;
    my @codes   = map { ord } split //, $label;
    my $out     = join q(), map { chr } grep { $_ < INITIAL_N } @codes;
    my $basic   = length $out;
    my ($n, $delta, $bias, $done) = (INITIAL_N, 0, INITIAL_BIAS, $basic);
    $out .= q(-) if $basic;
    while ($done < @codes) {
        my ($next) = sort { $a <=> $b } grep { $_ >= $n } @codes;
        $delta += ($next - $n) * ($done + 1);
        $n = $next;
        for my $code (@codes) {
            $delta++ if $code < $n;
            next     if $code != $n;
            $out .= _number($delta, $bias);
            $bias  = _adapt($delta, $done + 1, $done == $basic);
            $delta = 0;
            $done++;
        }
        $delta++;
        $n++;
    }
    return $out;
}

# A number in digits whose weights depend on the bias.
sub _number {
    my ($q, $bias) = @_;
    my $out = q();
    for (my $k = BASE;; $k += BASE) {
        my $t = $k <= $bias ? TMIN : $k >= $bias + TMAX ? TMAX : $k - $bias;
        last if $q < $t;
        $out .= $DIGITS[$t + ($q - $t) % (BASE - $t)];
        $q = int(($q - $t) / (BASE - $t));
    }
    return $out . $DIGITS[$q];
}

sub _adapt {
    my ($delta, $points, $first) = @_;
    $delta = int($delta / ($first ? DAMP : 2));
    $delta += int($delta / $points);
    my $k = 0;
    while ($delta > (BASE - TMIN) * TMAX / 2) {
        $delta = int($delta / (BASE - TMIN));
        $k += BASE;
    }
    return $k + int((BASE - TMIN + 1) * $delta / ($delta + SKEW));
}

sub _wrong { my ($text) = @_; return Vouch::Error->throw(code => 'format', message => $text) }

1;

__END__

=head1 NAME

Vouch::Gemini::Punycode - names of hosts in other scripts, as the DNS has them (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Punycode qw(ascii_host);

    say ascii_host("b\xC3\xBCcher.example");    # xn--bcher-kva.example

=head1 DESCRIPTION

For use by L<Vouch::Gemini::URL/ascii>; it may change in any release. The names are made
lower case and put into normal form (NFKC), as IDNA 2003 does, and encoded by RFC 3492.
Which characters a registry allows is not checked.

=head1 METHODS

=head2 ascii_host

    my $name = ascii_host($utf8);

A function, exported on request. Bytes in UTF-8 to ASCII; what is ASCII stays. Dies with a
L<Vouch::Error> of code C<format> for what cannot be the name of a host.

=head1 SEE ALSO

L<Vouch::Gemini::URL>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
