use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest      qw(slurp spew temp_dir);
use VouchTest::Der qw(tlv seq oid integer bit_string octets utf8 time_value name extension
    certificate_body certificate pem parts);
use VouchTest::Forge qw(algorithm authority issue key_file openssl public_key);
use Vouch::Certificate;
use Vouch::Utils;

# Certificates that are broken, or made to break who reads them.  Whatever
# comes, it is an error with a reason or an object whose methods answer.

my $key    = key_file('hostile');
my $spki   = public_key($key);
my $broken = join q{|}, "a part of the name cannot be decoded", "the alternative names cannot be decoded",
    "OpenSSL cannot write this certificate", "this certificate cannot be digested",
    "an extension cannot be decoded";

# An unsigned certificate as the methods need it; the parts as told.
sub forged {
    my (%arg) = @_;
    my $der = certificate(
        certificate_body(
            algorithm  => algorithm(),
            subject    => name(CN => 'x'),
            spki       => $spki,
            not_before => time_value(0),
            not_after  => time_value(2_000_000_000),
            %arg,
        ),
        algorithm(),
        'no signature'
    );
    return Vouch::Certificate->from_string($der);
}

# Call every method; the list of those that died otherwise than they may.
sub wrong_answers {
    my ($certificate) = @_;
    my @calls = (
        (
            map { [$_] }
                qw(subject issuer subject_fields issuer_fields common_name alternative_names serial
                serial_hex not_before not_after not_before_iso not_after_iso is_expired is_not_yet_valid
                is_self_signed key_type key_bits key_curve signature_algorithm pem der text)
        ),
        (map { ['fingerprint', of => $_] } qw(certificate spki key)),
        [\&CERT_asHash],
    );
    my @wrong;
    for my $call (@calls) {
        my ($method, @arg) = @$call;
        next if eval { my @answer = $certificate->$method(@arg); 1 } || $@ =~ /\A(?:$broken)/;
        push @wrong, "$method: $@";
    }
    return @wrong;
}

# Read bytes: 'read' and every method answers, 'refused' with a reason, or
# what was wrong.
sub survives {
    my ($bytes) = @_;
    my $certificate = eval { Vouch::Certificate->from_string($bytes) };
    return join '; ', wrong_answers($certificate), 'read' if $certificate;
    my $error = $@;
    return
           ref $error eq 'Vouch::Error'
        && $error->code eq 'format'
        && $error->message =~ /\Athis text: \S/ ? 'refused' : "died: $error";
}

# How often each outcome came.
sub outcomes {
    my (@bytes) = @_;
    my %count;
    $count{ survives($_) }++ for @bytes;
    return \%count;
}

my $ca = authority('ca');
my $leaf =
    issue('leaf', by => $ca, cn => 'leaf', san => ['dns:leaf.example', 'ip:192.0.2.1'], usage => ['server']);
my $der = $leaf->{der};
my $pem = slurp($leaf->{cert});

subtest 'cut off at every length' => sub {
    is_deeply outcomes(map { substr $der, 0, $_ } 0 .. length($der) - 1), { refused => length $der },
        'DER is refused';
    my $end = length($pem) - 2;
    is_deeply outcomes(map { substr $pem, 0, $_ } 0 .. $end), { refused => $end + 1 }, 'PEM is refused';
    is survives(substr $pem, 0, -1), 'read', 'but for its last newline';
};

subtest 'bits flipped' => sub {
    my @flipped =
        map { my $at = $_; my $copy = $der; vec($copy, $at, 1) ^= 1; $copy } 0 .. 8 * length($der) - 1;
    my $count = outcomes(@flipped);
    is_deeply [sort keys %$count], [qw(read refused)], 'each bit of the DER';
    cmp_ok $count->{refused}, '>', 500, 'many are refused';
    @flipped = map { my $at = $_; my $copy = $pem; vec($copy, $at, 1) ^= 1; $copy } 0 .. 8 * length($pem) - 1;
    $count   = outcomes(@flipped);
    is_deeply [sort keys %$count], [qw(read refused)], 'each bit of the PEM';
};

subtest 'bytes replaced' => sub {
    my @changed;
    for my $byte (0x00, 0x30, 0x7f, 0x80, 0x84, 0xff) {
        push @changed, map { my $copy = $der; substr $copy, $_, 1, chr $byte; $copy } 0 .. length($der) - 1;
    }
    is_deeply [sort keys %{ outcomes(@changed) }], [qw(read refused)], 'lengths and tags out of bounds';
};

subtest 'random bytes' => sub {
    srand 1;
    my @random = map {
        join '',
            map { chr int rand 256 }
            1 .. 1 +
            rand 200
    } 1 .. 500;
    is_deeply outcomes(@random, map { "\x30\x82" . $_ } @random), { refused => 1000 }, 'are refused';
};

subtest 'a NUL in the common name' => sub {
    my $certificate = forged(subject => name(CN => "good.example\0.evil.example"));
    is $certificate->common_name, "good.example\0.evil.example",       'is kept: nothing is cut off';
    is $certificate->subject,     '/CN=good.example\x00.evil.example', 'and shown';
    is_deeply [$certificate->subject_fields], [CN => "good.example\0.evil.example"], 'in the fields too';
};

subtest 'a NUL in an alternative name' => sub {
    my $san = extension('2.5.29.17', seq(tlv(0x82, "good.example\0.evil.example")));
    is_deeply [forged(extensions => [$san])->alternative_names], [[dns => "good.example\0.evil.example"]],
        'is kept';
};

subtest 'names large and small' => sub {
    my $text        = 'x' x 65_536;
    my $certificate = forged(subject => name(O => $text, CN => $text));
    is $certificate->common_name, $text,               'a common name of 64 kB';
    is $certificate->subject,     "/O=$text/CN=$text", 'the whole subject';
    is_deeply [wrong_answers($certificate)], [], 'every method answers';
    my @many = map { (OU => "unit $_") } 1 .. 2000;
    is_deeply [forged(subject => name(@many))->subject_fields], \@many, '2000 parts';
    $certificate = forged(subject => name());
    is $certificate->subject,     '',    'an empty subject';
    is $certificate->common_name, undef, 'has no common name';
    is_deeply [$certificate->subject_fields], [], 'and no fields';
    is forged(subject => name(CN => ''))->common_name,    '',    'an empty common name is not the same';
    is forged(subject => name(O  => 'Org'))->common_name, undef, 'a subject without one';
};

subtest 'common names that are not ASCII' => sub {
    my %name = (
        'UTF8String' => [
            [0x0c, "M\xc3\xbcller \xe2\x98\xba"],
            "M\xc3\xbcller \xe2\x98\xba",
            '/CN=M\xC3\xBCller \xE2\x98\xBA'
        ],
        'PrintableString' => [[0x13, 'Alex'],              'Alex',                  '/CN=Alex'],
        'T61String'       => [[0x14, "M\xfcller"],         "M\xc3\xbcller",         '/CN=M\xFCller'],
        'BMPString'       => [[0x1e, "\0M\0\xfc\x26\x3a"], "M\xc3\xbc\xe2\x98\xba", undef],
        'UniversalString' => [[0x1c, "\0\0\0M\0\1\xf6\0"], "M\xf0\x9f\x98\x80",     undef],
        'controls'        => [[0x0c, "a\e[31m\r\n"],       "a\e[31m\r\n",           '/CN=a\x1B[31m\x0D\x0A'],
        'slashes'         => [[0x0c, 'a/CN=b'],            'a/CN=b',                '/CN=a\/CN=b'],
    );
    for my $kind (sort keys %name) {
        my ($value, $utf8, $line) = @{ $name{$kind} };
        my $certificate = forged(subject => name(CN => $value));
        is $certificate->common_name, $utf8, "$kind: in UTF-8";
        is_deeply [$certificate->subject_fields], [CN => $utf8], "$kind: as a field";
        is $certificate->subject, $line, "$kind: in one line" if defined $line;
    }
};

subtest 'common names that are no text' => sub {
    my %name = (
        'bytes that are no UTF-8' => [0x0c, "\xff\xfe"],
        'BMPString of odd length' => [0x1e, "\0M\0"],
        'UniversalString of 3'    => [0x1c, "\0\0M"],
        'a number'                => [0x02, "\1"],
        'a sequence'              => [0x30, ''],
        'a NULL'                  => [0x05, ''],
    );
    for my $kind (sort keys %name) {
        my $certificate = eval { forged(subject => name(CN => $name{$kind})) };
        if (!$certificate) { like $@, qr/\Athis text: not a certificate/, "$kind: refused"; next }
        is_deeply [wrong_answers($certificate)], [], "$kind: every method answers";
    }
};

subtest '500 alternative names' => sub {
    my @names = map { "host-$_.example" } 1 .. 500;
    my $san   = extension('2.5.29.17', seq(map { tlv(0x82, $_) } @names));
    is_deeply [forged(extensions => [$san])->alternative_names], [map { [dns => $_] } @names],
        'in their order';
};

subtest 'alternative names that cannot be read' => sub {
    my $good = extension('2.5.29.17', seq(tlv(0x82, 'a.example')));
    my %bad  = (
        'twice'                 => [$good, $good],
        'garbage'               => [extension('2.5.29.17', 'garbage')],
        'an address of 5 bytes' => [extension('2.5.29.17', seq(tlv(0x87, '12345')))],
        'cut off'               => [extension('2.5.29.17', "\x30\x20\x82\x10abc")],
    );
    for my $kind (sort keys %bad) {
        my $certificate = forged(extensions => $bad{$kind});
        ok !eval { $certificate->alternative_names; 1 }, "$kind: no list that says less than the certificate";
        like $@, qr/the alternative names cannot be decoded/, "$kind: and told";
        is_deeply [wrong_answers($certificate)], [], "$kind: every other method answers";
    }
    is_deeply [forged(extensions => [extension('2.5.29.17', seq())])->alternative_names], [],
        'an empty list is none';
};

subtest 'dates' => sub {
    my %date = (
        'the last second of 9999' => [tlv(0x18, '99991231235959Z'), 253_402_300_799, '9999-12-31T23:59:59Z'],
        'the first of 1950'       => [tlv(0x17, '500101000000Z'),   -631_152_000,    '1950-01-01T00:00:00Z'],
        'the last of 2049'        => [tlv(0x17, '491231235959Z'),   2_524_607_999,   '2049-12-31T23:59:59Z'],
        'the first of 2050'       => [tlv(0x18, '20500101000000Z'), 2_524_608_000,   '2050-01-01T00:00:00Z'],
        'a leap day'              => [tlv(0x18, '21240229120000Z'), 4_864_881_600,   '2124-02-29T12:00:00Z'],
        'the year 0'              => [tlv(0x18, '00000101000000Z'), -62_167_219_200, '0000-01-01T00:00:00Z'],
    );
    for my $kind (sort keys %date) {
        my ($value, $epoch, $iso) = @{ $date{$kind} };
        my $certificate = forged(not_before => $value, not_after => $value);
        is $certificate->not_after,     $epoch, "$kind: epoch";
        is $certificate->not_after_iso, $iso,   "$kind: ISO 8601";
        ok $certificate->is_expired($epoch + 1),       "$kind: over one second later";
        ok !$certificate->is_expired($epoch),          "$kind: but not then";
        ok !$certificate->is_not_yet_valid($epoch),    "$kind: nor too early";
        ok $certificate->is_not_yet_valid($epoch - 1), "$kind: too early one second before";
    }
};

subtest 'dates that are none' => sub {
    my %date = (
        'month 13'         => tlv(0x17, '501301000000Z'),
        'day 32'           => tlv(0x17, '500132000000Z'),
        'hour 24'          => tlv(0x18, '20300101240000Z'),
        '29 February 2023' => tlv(0x18, '20230229000000Z'),
        'text'             => tlv(0x17, 'tomorrow'),
        'empty'            => tlv(0x17, ''),
        'a NUL'            => tlv(0x17, "5001010000\0\0Z"),
    );
    for my $kind (sort keys %date) {
        my $certificate = eval { forged(not_before => $date{$kind}, not_after => $date{$kind}) };
        if (!$certificate) { like $@, qr/\Athis text: not a certificate/, "$kind: refused"; next }
        is $certificate->not_after,     undef, "$kind: no epoch";
        is $certificate->not_after_iso, undef, "$kind: no text";
        ok $certificate->is_expired(0),       "$kind: counts as over";
        ok $certificate->is_not_yet_valid(0), "$kind: and as not begun";
    }
};

subtest 'serial numbers' => sub {
    my %serial = (
        "\0"          => ['0',   '0',         'zero'],
        "\x7f"        => ['127', '7F',        'one byte'],
        "\xff"        => ['-1',  '-01',       'negative'],
        "\x7f" x 20   => [undef, '7F' x 20,   '20 bytes'],
        "\x01" x 1000 => [undef, '01' x 1000, '1000 bytes'],
    );
    for my $bytes (sort keys %serial) {
        my ($decimal, $hex, $kind) = @{ $serial{$bytes} };
        my $certificate = forged(serial => $bytes);
        is $certificate->serial_hex, $hex,     "$kind: hexadecimal";
        is $certificate->serial,     $decimal, "$kind: decimal" if defined $decimal;
    }
    my $certificate = forged(serial => "\x01" x 100_000);
    ok !eval { $certificate->serial; 1 }, 'one of 100 kB is not turned into decimals';
    like $@, qr{$broken}, 'and told';
};

subtest 'keys' => sub {
    my %spki = (
        'an unknown kind of key' => seq(seq(oid('1.2.3.4')), bit_string('?')),
        'an unknown curve' => seq(seq(oid('1.2.840.10045.2.1'), oid('1.2.3.4')), bit_string("\4" . 'x' x 64)),
        'a curve without point' =>
            seq(seq(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')), bit_string('')),
        'a point off the curve' =>
            seq(seq(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')), bit_string("\4" . "\1" x 64)),
        'an RSA key of nothing' => seq(seq(oid('1.2.840.113549.1.1.1'), tlv(5, '')), bit_string('')),
        'an RSA key of 0'       =>
            seq(seq(oid('1.2.840.113549.1.1.1'), tlv(5, '')), bit_string(seq(integer(0), integer(0)))),
        'a short Ed25519 key' => seq(seq(oid('1.3.101.112')), bit_string('short')),
    );
    for my $kind (sort keys %spki) {
        my $certificate = eval { forged(spki => $spki{$kind}) };
        if (!$certificate) { like $@, qr/\Athis text: not a certificate/, "$kind: refused"; next }
        is_deeply [wrong_answers($certificate)], [], "$kind: every method answers";
        ok !$certificate->is_self_signed, "$kind: nothing is signed with it";
        like $certificate->fingerprint(of => 'spki'), qr/\Asha256\$spki\$[0-9a-f]{64}\z/,
            "$kind: has a fingerprint";
    }
};

subtest 'extensions' => sub {
    my %list = (
        'unknown and critical'   => [extension('1.2.3.4', 'whatever', 1)],
        'empty'                  => [extension('1.2.3.4', '')],
        '64 kB'                  => [extension('1.2.3.4', 'x' x 65_536)],
        '1000 of them'           => [map { extension("1.2.3.$_", 'x') } 1 .. 1000],
        'garbage in a known one' => [extension('2.5.29.19', "\xff\xff"), extension('2.5.29.15', '')],
    );
    for my $kind (sort keys %list) {
        my $certificate = forged(extensions => $list{$kind});
        is_deeply [wrong_answers($certificate)], [], "$kind: every method answers";
    }
    like forged(extensions => $list{'unknown and critical'})->text, qr/1[.]2[.]3[.]4: critical/,
        'the unknown one is shown';
};

subtest 'a signature algorithm nobody knows' => sub {
    my $odd  = seq(oid('1.2.3.4.5'));
    my $body = certificate_body(
        algorithm  => $odd,
        subject    => name(CN => 'x'),
        spki       => $spki,
        not_before => time_value(0),
        not_after  => time_value(0)
    );
    my $certificate = Vouch::Certificate->from_string(certificate($body, $odd, 'x'));
    is $certificate->signature_algorithm, 'unknown', 'is called unknown';
    is_deeply [wrong_answers($certificate)], [], 'every method answers';
};

done_testing;
