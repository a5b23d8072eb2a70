use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest qw(failure identity slurp spew temp_dir);
use VouchTest::Needs 'DBD::SQLite' => 'libdbd-sqlite3-perl';
use Vouch::Certificate;
use Vouch::KnownHosts;
use Vouch::KnownHosts::Formats;

# The known hosts of amfora, Lagrange, gmni, telescope and AV-98, in and out.

my $DATA   = 't/data/known_hosts';
my %SAMPLE = (amfora => 'amfora.toml', lagrange => 'trusted.2.txt', gmni => 'gmni', telescope => 'telescope');
my $localhost = Vouch::Certificate->from_file("$DATA/localhost.pem");
my $stranger  = Vouch::Certificate->from_file((identity('stranger', cn => 'localhost'))[0]);
my $number    = 0;

sub fresh { return Vouch::KnownHosts->new(file => temp_dir() . '/known_hosts.' . $number++) }

sub names {
    my ($known) = @_;
    return join q( ), map { $_->host . q(:) . $_->port } $known->list;
}

# What each sample holds of localhost and the others.
my %HOLDS = (
    amfora    => ['capsule.example.org:1965 localhost:1965 localhost:19652',            0],
    lagrange  => ['capsule.example.org:1965 localhost:1965 xn--bcher-kva.example:1966', 0],
    gmni      => ['capsule.example.org:1965 localhost:1965',                            1],
    telescope => ['capsule.example.org:1965 localhost:1965 localhost:19652',            0],
    av98      => ['capsule.example.org:1965 localhost:1965',                            1],
);
$SAMPLE{av98} = 'av98.db';

for my $format (sort keys %HOLDS) {
    my ($hosts, $skipped) = @{ $HOLDS{$format} };
    subtest "from $format" => sub {
        my $known = fresh();
        my $count = $known->import_from($format => "$DATA/$SAMPLE{$format}");
        is names($known),                 $hosts,                              'the hosts';
        is $count->{added},               scalar(my @all = split / /, $hosts), 'all are new';
        is scalar @{ $count->{skipped} }, $skipped,                            'what is of no use';
        is $known->check('localhost', 1965, $localhost), 'match', 'the certificate that the program has seen';
        is $known->check('localhost', 1965, $stranger),  'changed', 'another one';
        $known->accept($known->check('localhost', 1965, $localhost));
        my $pin = $known->find('localhost');
        is $pin->certificate_fingerprint, $localhost->fingerprint, 'accepted again its certificate is known,';
        is $pin->key_fingerprint,         $localhost->fingerprint(of => 'spki'), 'its key too,';
        is $pin->expires_iso,             '2120-01-01T00:00:00Z',                'and its expiry';
        my $again = $known->import_from($format => "$DATA/$SAMPLE{$format}");
        is join(q( ), @$again{qw(added replaced kept)}), '0 0 ' . @all, 'a second time all are known';
        is $known->find('localhost')->line,              $pin->line,    'and stay as they are';
        is $known->import_from($format => "$DATA/$SAMPLE{$format}", replace => 1)->{replaced}, scalar @all,
            'unless they are to be replaced';
    };
}

subtest 'what each file tells' => sub {
    my %known = map { $_ => fresh() } keys %SAMPLE;
    $known{$_}->import_from($_ => "$DATA/$SAMPLE{$_}") for sort keys %SAMPLE;
    my $pin = sub { my ($format, @host) = @_; return $known{$format}->find(@host) };
    is $pin->('amfora', 'localhost', 19_652)->expires_iso, '2036-11-17T21:04:52Z', 'amfora: the expiry';
    is $pin->('amfora',   'capsule.example.org')->expires_iso,   '2031-05-01T10:00:00Z', 'with an offset';
    is $pin->('amfora',   'localhost')->certificate_fingerprint, undef,                  'no certificate';
    is $pin->('lagrange', 'xn--bcher-kva.example', 1966)->expires_iso, '9999-12-31T23:59:59Z',
        'Lagrange: the expiry';
    is $pin->('gmni',      'localhost')->expires,            undef, 'gmni: no expiry';
    is $pin->('telescope', 'localhost')->verified,           1,     'telescope: compared by a person';
    is $pin->('telescope', 'capsule.example.org')->verified, 0,     'or not';
    my $seen = $pin->('av98', 'localhost');
    is $seen->first_seen_iso, '2026-01-02T03:04:05Z',         'AV-98: first seen';
    is $seen->last_seen_iso,  '2026-11-20T21:04:52Z',         'last seen';
    is $seen->expires_iso,    '2120-01-01T00:00:00Z',         'the expiry, from its copy of the certificate';
    is $pin->('av98', 'capsule.example.org')->expires, undef, 'none where there is no copy';
};

for my $format (sort keys %HOLDS) {
    subtest "to $format" => sub {
        my $known = fresh();
        $known->accept('localhost',   1965, $localhost, verified => 1);
        $known->accept('example.org', 1965, $localhost);
        $known->accept('example.org', 1966, $stranger) if $format ne 'gmni';
        my $file  = temp_dir() . "/to-$format";
        my $count = $known->export_to($format => $file);
        is $count->{written}, scalar(my @all = $known->list), 'all are written';
        is_deeply $count->{skipped}, [], 'none is left out';
        my $back = fresh();
        $back->import_from($format => $file);
        is names($back), names($known), 'read back they are the same hosts';
        is $back->check('localhost',   1965, $localhost), 'match',   'with the same certificate';
        is $back->check('example.org', 1965, $stranger),  'changed', 'and no other';
        my $bytes = slurp($file);
        like failure(sub { $known->export_to($format => $file) }), qr/\Aexists: /, 'a file is not replaced';
        is slurp($file),                                                 $bytes,      'and is as it was';
        is $known->export_to($format => $file, replace => 1)->{written}, scalar @all, 'unless one says so';
    };
}

# What they write is what these programs write themselves.
subtest 'the very bytes' => sub {
    for my $format (qw(lagrange gmni telescope)) {
        my $known = fresh();
        $known->import_from($format => "$DATA/$SAMPLE{$format}");
        my $file = temp_dir() . "/same-$format";
        $known->export_to($format => $file);
        my @sample = grep { !/SHA-256/ } split /^/, slurp("$DATA/$SAMPLE{$format}");
        is join(q(), sort split /^/, slurp($file)), join(q(), sort @sample), $format;
    }
    my $known = fresh();
    $known->accept('localhost', 1965, $localhost);
    $known->accept('localhost', 1966, $localhost);
    my $file = temp_dir() . '/same-amfora';
    $known->export_to(amfora => $file);
    my ($line) = slurp("$DATA/amfora.toml") =~ /^("localhost" = "(\w+)"\n"localhost\/expiry" = \S+\n)/m;
    is slurp($file), $line . $line =~ s/"localhost"/"localhost:1966"/r =~ s/expiry"/expiry:1966"/r, 'amfora';
};

subtest 'what a file cannot hold' => sub {
    my $known = fresh();
    $known->accept('::1', 1965, $localhost);
    $known->import_from(gmni => "$DATA/gmni");
    my $left = sub { return join "\n", @{ $known->export_to($_[0], temp_dir() . "/part-$_[0]")->{skipped} } };
    is $left->('amfora'), "::1:1965: amfora cannot hold an address with colons\n"
        . "capsule.example.org:1965: its key is not known\nlocalhost:1965: its key is not known", 'amfora';
    is $left->('lagrange'),
        "capsule.example.org:1965: its key is not known\nlocalhost:1965: its key is not known",
        'Lagrange';
    like $left->('telescope'), qr/\Acapsule.example.org:1965: the digest of its certificate is not known$/m,
        'telescope';
    like $left->('av98'), qr/^localhost:1965: the digest of its certificate is not known$/m, 'AV-98';
    $known->accept('localhost', 1966, $localhost);
    is $left->('gmni'), 'localhost:1966: gmni knows no ports, 1965 is meant', 'gmni';
};

subtest 'arguments and files' => sub {
    my $known = fresh();
    like failure(sub { $known->import_from(netscape => 'x') }),
        qr/\Aargument: 'netscape' is not one of amfora, av98, gmni, lagrange, telescope/, 'no such format';
    like failure(sub { $known->export_to(undef, 'x') }), qr/\Aargument: 'undef' is not/, 'none';
    like failure(sub { $known->import_from(gmni => "$DATA/gmni", raplace => 1) }), qr/\Aargument: /,
        'no such option';
    like failure(sub { $known->export_to(gmni => temp_dir() . '/y', raplace => 1) }), qr/\Aargument: /,
        'likewise';
    for my $format (Vouch::KnownHosts::Formats::formats()) {
        like failure(sub { $known->import_from($format => temp_dir() . '/none') }),
            qr/\Afile: .*No such file/,
            "$format: no file";
        like failure(sub { $known->import_from($format => temp_dir() . q()) }),
            qr/\Aformat: .*not a regular file/,
            "$format: a folder";
    }
    my $text = spew(temp_dir() . '/text', "SQLite format 4\n" . 'x' x 5000);
    like failure(sub { $known->import_from(av98 => $text) }), qr/\Aformat: .*is no SQLite database/,
        'AV-98: a text';
    spew($text, "SQLite format 3\0" . 'x' x 5000);
    like failure(sub { $known->import_from(av98 => $text) }), qr/\Aformat: .*is no database of AV-98/,
        'AV-98: another database';
    ok !-e $known->file, 'nothing was stored';
};

# Samples with bytes changed, cut, doubled: whatever comes of it, the import
# ends with pins that are pins, or with an error of ours, and lines that are
# good still count.
subtest 'damaged files' => sub {
    my $ROUNDS = $ENV{VOUCH_LONG} ? 20_000 : 100;
    srand 63;
    for my $format (sort keys %SAMPLE) {
        my $good = slurp("$DATA/$SAMPLE{$format}");
        my $odd  = 0;
        for my $round (1 .. $ROUNDS) {
            my $file = spew(temp_dir() . '/damaged', damage($good));
            my ($pins, $skipped) = eval { Vouch::KnownHosts::Formats::read_pins($format, $file) };
            if (!$pins) { $odd++ if !ref $@ || $@->code !~ /\A(?:format|file|limit)\z/ }
            else {
                $odd++ if grep {
                    !eval { Vouch::KnownHosts::_parse($_->line); 1 }
                } @$pins;
            }
            if ($odd == 1) { diag("$format, round $round: " . ($@ || 'a pin that is none')); last }
        }
        is $odd, 0, $format;
    }
    my $mixed = spew(temp_dir() . '/mixed', "\0\xff\n" . slurp("$DATA/gmni") . "localhost\n");
    my ($pins, $skipped) = Vouch::KnownHosts::Formats::read_pins(gmni => $mixed);
    is scalar @$pins, 2, 'good lines between bad ones';
    is_deeply $skipped,
        [
        "$mixed: line 1: it is not HOST SHA-512 FINGERPRINT",
        "$mixed: line 4: \"SHA-256\" is not SHA-512",
        "$mixed: line 5: it is not HOST SHA-512 FINGERPRINT",
        ],
        'the bad ones are told';
    my ($none, $many) = Vouch::KnownHosts::Formats::read_pins(gmni => spew($mixed, "x\n" x 5000));
    is scalar @$many, 1001,            'not more than can be read';
    is $many->[-1],   'and 4000 more', 'and how many more';
};

sub damage {
    my ($bytes) = @_;
    for (1 .. 1 + int rand 4) {
        my $at   = int rand length $bytes;
        my $kind = int rand 4;
        if    ($kind == 0) { substr $bytes, $at, 1, chr int rand 256 }
        elsif ($kind == 1) { $bytes = substr $bytes, 0, $at || 1 }
        elsif ($kind == 2) { substr $bytes, $at, 0, substr $bytes, int rand length $bytes, 20 }
        else               { substr $bytes, $at, 1 + int rand 9, q() }
    }
    return $bytes;
}

done_testing;
