package VouchTest::Ocsp;

use v5.16;
use warnings;

# OCSP responses of every kind, without the code they test: DER by hand,
# signatures by the openssl command.
#
#   my $file = response('good', for => $leaf, issuer => $ca);
#   my $file = response('old',  for => $leaf, issuer => $ca, from => time - 99, to => time - 1);
#
# Certificates are those of VouchTest::Forge.

use Digest::SHA ();
use Exporter    qw(import);
use POSIX       ();

use VouchTest        qw(spew temp_dir);
use VouchTest::Der   qw(tlv seq oid integer bit_string octets);
use VouchTest::Forge qw(algorithm public_key sign);

our @EXPORT_OK = qw(response);

my %DIGEST = (
    sha1   => ['1.3.14.3.2.26',          \&Digest::SHA::sha1],
    sha256 => ['2.16.840.1.101.3.4.2.1', \&Digest::SHA::sha256],
);

# Keys: for (whom it is about), issuer, by (who signs; default the issuer),
# bring (certificates to send along), status (good, revoked, unknown), from, to
# (epoch; to may be undef), digest, answer (the number of an error), spoil
# (changes the signature), more (responses that come first: hashes).
sub response {
    my ($name, %arg) = @_;
    my $file = temp_dir() . "/ocsp-$name.der";
    return spew($file, seq(tlv(0x0a, chr $arg{answer}))) if $arg{answer};
    my $by   = $arg{by} // $arg{issuer};
    my $body = seq(
        tlv(0xa1, $by->{subject}),
        _time($arg{produced} // time - 60),
        seq(map { _single(%arg, %$_) } @{ $arg{more} // [] }, {}),
    );
    my $signature = sign($by->{key}, $body);
    substr($signature, -1) ^= "\1" if $arg{spoil};
    my $basic =
        seq($body, algorithm(), bit_string($signature),
        $arg{bring} ? tlv(0xa0, seq(map { $_->{der} } @{ $arg{bring} })) : (),
        );
    return spew($file, seq(tlv(0x0a, "\0"), tlv(0xa0, seq(oid('1.3.6.1.5.5.7.48.1.1'), octets($basic)))));
}

sub _single {
    my (%arg) = @_;
    my ($digest, $hash) = @{ $DIGEST{ $arg{digest} // 'sha1' } };
    my %status = (
        good    => tlv(0x80, ''),
        revoked => tlv(0xa1, _time(time - 3600)),
        unknown => tlv(0x82, ''),
    );
    my $key = substr public_key($arg{issuer}{key}), -65;    # the point of a P-256 key
    return seq(
        seq(
            seq(oid($digest), tlv(0x05, '')), octets($hash->($arg{issuer}{subject})),
            octets($hash->($key)),            integer($arg{for}{serial}),
        ),
        $status{ $arg{status} // 'good' },
        _time($arg{from} // time - 60),
        exists $arg{to} && !defined $arg{to} ? () : tlv(0xa0, _time($arg{to} // time + 3600)),
    );
}

sub _time { return tlv(0x18, POSIX::strftime('%Y%m%d%H%M%SZ', gmtime $_[0])) }

1;
