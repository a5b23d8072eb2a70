use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use POSIX ();

use VouchTest qw(expect_warnings failure identity slurp spew temp_dir);
use Vouch::Certificate;
use Vouch::File;
use Vouch::Identity;
use Vouch::Trust;

# Lists of fingerprints in files: every spelling, changed while they are in
# use, and what happens when they are broken.

my ($alex, $berta, $chris) =
    map { Vouch::Certificate->from_file((identity($_, cn => $_))[0]) } qw(alex berta chris);
my ($allow, $deny) = map { temp_dir() . "/$_" } qw(allow deny);

subtest 'verdicts' => sub {
    spew($allow, join "\n", $alex->fingerprint, $berta->fingerprint, q());
    spew($deny, $berta->fingerprint . "\n");
    my @cases = (
        [[allow => $allow],                'allowed unlisted',  1, 0, 'a list of those who may'],
        [[deny  => $deny],                 'unlisted unlisted', 1, 1, 'a list of those who may not'],
        [[allow => $allow, deny => $deny], 'allowed unlisted',  1, 0, 'both'],
    );
    for my $case (@cases) {
        my ($lists, $words, $first, $second, $name) = @$case;
        my $trust = Vouch::Trust->new(@$lists);
        is join(q( ), map { $trust->check($_) } $alex, $chris), $words,     $name;
        is $trust->allows($alex),                               $first,     'the first';
        is $trust->allows($chris),                              $second,    'the second';
        is $trust->allows(undef),                               0,          'nobody may not enter';
        is $trust->check(undef),                                'unlisted', 'nobody is in no list';
    }
    my $both = Vouch::Trust->new(allow => $allow, deny => $deny);
    is $both->check($berta),  'denied', 'who is in both lists is denied';
    is $both->allows($berta), 0,        'and may not enter';
};

subtest 'every spelling' => sub {
    my %spelling =
        map { $_ => $alex->fingerprint(spelling => $_) } qw(dollar lower upper hex colons base64url);
    for my $digest (qw(sha1 sha384 sha512)) {
        $spelling{$digest} = $alex->fingerprint(digest => $digest);
    }
    $spelling{key}      = $alex->fingerprint(of => 'spki');
    $spelling{key512}   = $alex->fingerprint(of => 'spki', digest => 'sha512');
    $spelling{pub}      = $alex->fingerprint(of => 'key');
    $spelling{curl}     = 'sha256//' . $alex->fingerprint(of => 'spki', spelling => 'base64url') . '=';
    $spelling{comment}  = $alex->fingerprint . "\tAlex, # at home";
    $spelling{indented} = '  ' . $alex->fingerprint . '  ';
    $spelling{crlf}     = $alex->fingerprint . "\r";

    for my $name (sort keys %spelling) {
        spew($allow, "# friends\n\n$spelling{$name}\n");
        my $trust = Vouch::Trust->new(allow => $allow);
        is join(q( ), map { $trust->check($_) } $alex, $berta), 'allowed unlisted', $name;
    }
};

subtest 'a renewed certificate' => sub {
    my $renewed = Vouch::Certificate->from_string(
        Vouch::Identity->load(file => temp_dir() . '/alex')->renew->certificate->pem);
    spew($allow, $alex->fingerprint . "\n");
    spew($deny,  $alex->fingerprint(of => 'spki') . "\n");
    is(
        Vouch::Trust->new(allow => $allow)->check($renewed),
        'unlisted',
        'is another for a list of certificates'
    );
    is(Vouch::Trust->new(deny => $deny)->check($renewed), 'denied', 'and the same for one of keys');
};

subtest 'changed files' => sub {
    spew($allow, $alex->fingerprint . "\n");
    my $trust = Vouch::Trust->new(allow => $allow);
    my $who   = sub {
        return join q( ), map { $trust->allows($_) } $alex, $berta;
    };
    is $who->(), '1 0', 'at first';
    spew($allow, $berta->fingerprint . "\n");
    is $who->(), '0 1', 'as long, a moment later';
    spew($allow, $alex->fingerprint . "\n");
    is $who->(), '1 0', 'and back';
    spew("$allow.new", $berta->fingerprint . "\n");
    rename "$allow.new", $allow or die "$allow: $!";
    is $who->(), '0 1', 'replaced';
    spew($allow, q());
    is $who->(), '0 0', 'an empty list is a list of nobody';
    spew($allow, $alex->fingerprint);
    is $who->(), '1 0', 'a last line without an end';
};

# Kernels tell time more finely than they count it: two changes in a row may
# bear the same.
subtest 'a file that has just changed' => sub {
    spew($allow, $alex->fingerprint . "\n");
    isnt Vouch::File::stamp($allow), Vouch::File::stamp($allow), 'counts as changed each time';
    is Vouch::File::stamp($^X),      Vouch::File::stamp($^X),    'one that has not changed is itself';
    is Vouch::File::stamp(temp_dir() . '/none'), undef,          'one that is not there is none';
};

subtest 'a file that breaks' => sub {
    spew($allow, $alex->fingerprint . "\n");
    my @errors;
    my $trust  = Vouch::Trust->new(allow => $allow, on_error => sub { push @errors, @_ });
    my %broken = (
        'a bad line' =>
            sub { spew($allow, $berta->fingerprint . "\n\n# x\nBerta " . $berta->fingerprint . "\n") },
        'half a line' => sub { spew($allow, substr $berta->fingerprint, 0, 30) },
        'binary'      => sub {
            spew($allow, join q(), map { chr } 0 .. 255);
        },
        'removed'  => sub { unlink $allow },
        'a folder' => sub { mkdir $allow },
        'a pipe'   => sub { POSIX::mkfifo($allow, oct 600) },
    );
    my %says = (
        'a bad line'  => qr/\A\Q$allow\E: line 4: "Berta" is not a fingerprint; write sha256/,
        'half a line' => qr/\A\Q$allow\E: line 1: /,
        'binary'      => qr/\A\Q$allow\E: line 1: /,
        'removed'     => qr/\A\Q$allow\E: cannot read: No such file/,
        'a folder'    => qr/\A\Q$allow\E: is not a regular file/,
        'a pipe'      => qr/\A\Q$allow\E: is not a regular file/,
    );
    for my $name (sort keys %broken) {
        @errors = ();
        -d $allow ? rmdir $allow : unlink $allow;
        $broken{$name}->();
        is join(q( ), map { $trust->allows($_) } $alex, $berta), '1 0', "$name: the old list stays";
        $trust->allows($alex) for 1 .. 3;
        is scalar @errors, 1, 'which is told once';
        like $errors[0]->message, $says{$name}, 'in words';
        is $trust->error->message, $errors[0]->message, 'and can be asked';
        like failure(sub { $trust->reload }), qr/\A(?:file|format): /, 'reload dies';
        is $trust->allows($alex), 1, 'and the old list stays';
        -d $allow ? rmdir $allow : unlink $allow;
        spew($allow, $alex->fingerprint . "\n");
        is $trust->allows($alex), 1,     'mended';
        is $trust->error,         undef, 'it is well again';
    }
    my $quiet = Vouch::Trust->new(allow => $allow);
    spew($allow, "x\n");
    my ($warnings) = expect_warnings(sub { $quiet->check($alex) for 1 .. 3 });
    is scalar @$warnings, 1, 'without on_error there is one warning';
    like $warnings->[0], qr/line 1: "x" is not a fingerprint.*; the old list stays$/, 'that says so';
};

subtest 'adding and removing' => sub {
    spew($allow, "# my friends\n" . $alex->fingerprint(spelling => 'upper') . " Alex\n# the end");
    my $trust = Vouch::Trust->new(allow => $allow);
    my $other = Vouch::Trust->new(allow => $allow);
    is $trust->add(allow => $berta, 'Berta'),                        1, 'added';
    is $trust->add(allow => $berta->fingerprint(spelling => 'hex')), 0, 'already, in another spelling';
    is slurp($allow),
          "# my friends\n"
        . $alex->fingerprint(spelling => 'upper')
        . " Alex\n# the end\n"
        . $berta->fingerprint
        . " Berta\n", 'one line more';
    is join(q( ), map { $other->allows($_) } $alex, $berta), '1 1', 'others see it';
    is $other->comment(allow => $berta->fingerprint), 'Berta', 'with its comment';
    is $other->comment(allow => $chris->fingerprint), undef,   'not for who is not there';
    is_deeply [$other->list('allow')], [sort map { $_->fingerprint } $alex, $berta], 'the list';
    is $trust->remove(allow => $alex), 1,                                             'removed';
    is $trust->remove(allow => $alex), 0,                                             'already';
    is slurp($allow), "# my friends\n# the end\n" . $berta->fingerprint . " Berta\n", 'the line is gone';
    is $other->allows($alex), 0,                                                      'others see it';
    like failure(sub { $trust->add(allow => $chris, "a\nb") }), qr/\Aargument: /, 'a comment of two lines';
    like failure(sub { $trust->add(deny  => $chris) }), qr/\Aargument: there is no list deny/, 'no such list';
    like failure(sub { $trust->add(allow => 'Chris') }), qr/\Aformat: "Chris" is not a fingerprint/,
        'no fingerprint';
    chmod oct 400, $allow or die "$allow: $!";
    like failure(sub { $trust->add(allow => $chris) }), qr/\Afile: .*is read-only/,
        'a file that is read-only';
    chmod oct 600, $allow or die "$allow: $!";
};

subtest 'many at once' => sub {
    spew($allow, q());
    my @certificates = map { Vouch::Identity->create(cn => "c$_")->certificate } 1 .. 10;
    my @pids;
    for my $certificate (@certificates) {
        my $pid = fork // die "fork: $!";
        if ($pid) { push @pids, $pid; next }
        POSIX::_exit(eval { Vouch::Trust->new(allow => $allow)->add(allow => $certificate) } ? 0 : 1);
    }
    my $failed = 0;
    for my $pid (@pids) { waitpid $pid, 0; $failed++ if $? }
    is $failed, 0, 'each has added its own';
    my $trust = Vouch::Trust->new(allow => $allow);
    is scalar(grep { $trust->allows($_) } @certificates), 10, 'all are there';
};

subtest 'many fingerprints' => sub {
    spew($allow, join q(), map { sprintf "sha256\$%064x\n", $_ } 1 .. 20_000);
    my $trust =
        Vouch::Trust->new(allow => $allow, deny => spew($deny, $alex->fingerprint(of => 'spki') . "\n"));
    is scalar(my @all = $trust->list('allow')),             20_000,            'all are read';
    is join(q( ), map { $trust->check($_) } $alex, $berta), 'denied unlisted', 'and looked up';
};

subtest 'arguments' => sub {
    like failure(sub { Vouch::Trust->new }), qr/\Aargument: name a file/, 'no file';
    like failure(sub { Vouch::Trust->new(allow => undef, deny => $allow) }), qr/\Aargument: allow is undef/,
        'a list that was forgotten';
    like failure(sub { Vouch::Trust->new(alow => $allow) }), qr/\Aargument: new does not know alow/,
        'a wrong name';
    like failure(sub { Vouch::Trust->new(allow => temp_dir() . '/none') }), qr/\Afile: .*No such file/,
        'not there';
    like failure(sub { Vouch::Trust->new(allow => spew($allow, "\n\nx\n")) }), qr/\Aformat: .*line 3: "x"/,
        'broken';
};

done_testing;
