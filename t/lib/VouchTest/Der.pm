package VouchTest::Der;

use v5.16;
use warnings;

# DER by hand, so that tests can make certificates that no tool would:
# any date, any name, any extension, with or without a good signature.

use Exporter     qw(import);
use MIME::Base64 ();
use POSIX        ();

our @EXPORT_OK = qw(tlv seq set_of oid integer bit_string octets boolean utf8 ia5 time_value
    name extension certificate_body certificate pem parts);

my %ATTRIBUTE = (
    CN           => '2.5.4.3',
    C            => '2.5.4.6',
    L            => '2.5.4.7',
    O            => '2.5.4.10',
    OU           => '2.5.4.11',
    UID          => '0.9.2342.19200300.100.1.1',
    emailAddress => '1.2.840.113549.1.9.1',
);

sub tlv {
    my ($tag, $body) = @_;
    my $size   = pack('N', length $body) =~ s/\A\0+//r;
    my $length = length $body < 128 ? chr length $body : chr(0x80 | length $size) . $size;
    return chr($tag) . $length . $body;
}

sub seq        { return tlv(0x30, join '', @_) }
sub set_of     { return tlv(0x31, join '', @_) }
sub bit_string { return tlv(0x03, "\0$_[0]") }
sub octets     { return tlv(0x04, $_[0]) }
sub boolean    { return tlv(0x01, $_[0] ? "\xff" : "\0") }
sub utf8       { return tlv(0x0c, $_[0]) }
sub ia5        { return tlv(0x16, $_[0]) }

# A number up to 2**32, or its bytes as they shall be.
sub integer {
    my ($value) = @_;
    return tlv(0x02, $value) if $value !~ /\A[0-9]+\z/;
    my $bytes = pack('N', $value) =~ s/\A\0{1,3}//r;
    return tlv(0x02, ord $bytes > 127 ? "\0$bytes" : $bytes);
}

sub oid {
    my ($dotted) = @_;
    my ($first, $second, @rest) = split /[.]/, $dotted;
    return tlv(0x06, pack 'w*', $first * 40 + $second, @rest);
}

# Epoch seconds, as UTCTime up to 2049 and GeneralizedTime from then on.
sub time_value {
    my ($epoch) = @_;
    my @when = gmtime $epoch;
    return $when[5] >= 50 && $when[5] < 150
        ? tlv(0x17, POSIX::strftime('%y%m%d%H%M%SZ', @when))
        : tlv(0x18, POSIX::strftime('%Y%m%d%H%M%SZ', @when));
}

# name(CN => 'Alex', O => ['tag', 'bytes']): UTF8String where no tag is given.
sub name {
    my (@pairs) = @_;
    my @parts;
    while (my ($key, $value) = splice @pairs, 0, 2) {
        my $text = ref $value ? tlv(@$value) : utf8($value);
        push @parts, set_of(seq(oid($ATTRIBUTE{$key} // $key), $text));
    }
    return seq(@parts);
}

sub extension {
    my ($oid, $value, $critical) = @_;
    return seq(oid($oid), $critical ? boolean(1) : (), octets($value));
}

# What gets signed.  Everything is DER already, but for the serial number.
sub certificate_body {
    my (%arg) = @_;
    return seq(
        tlv(0xa0, integer(2)),
        integer($arg{serial} // 1),
        $arg{algorithm},
        $arg{issuer} // $arg{subject},
        seq($arg{not_before}, $arg{not_after}),
        $arg{subject},
        $arg{spki},
        $arg{extensions} ? tlv(0xa3, seq(@{ $arg{extensions} })) : (),
    );
}

sub certificate {
    my ($body, $algorithm, $signature) = @_;
    return seq($body, $algorithm, bit_string($signature));
}

sub pem {
    my ($der, $label) = @_;
    $label //= 'CERTIFICATE';
    return "-----BEGIN $label-----\n" . _base64($der) . "-----END $label-----\n";
}

sub _base64 {
    my ($bytes) = @_;
    return MIME::Base64::encode_base64($bytes) =~ s/\n//gr =~ s/(.{1,64})/$1\n/gr;
}

# The elements of a constructed value, each with its tag and length.
sub parts {
    my ($der) = @_;
    my @found;
    my $rest = _body($der);
    while (length $rest) {
        my $size = length($rest) - length _behind($rest);
        push @found, substr $rest, 0, $size, '';
    }
    return @found;
}

sub _header {
    my ($der)  = @_;
    my $length = ord substr $der, 1, 1;
    return (2, $length) if $length < 128;
    my $count = $length & 127;
    return (2 + $count, unpack 'N', substr "\0\0\0\0" . substr($der, 2, $count), -4);
}

sub _body { my ($head, $size) = _header($_[0]); return substr $_[0], $head, $size }
sub _behind { my ($head, $size) = _header($_[0]); return substr $_[0], $head + $size }

1;
