use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::IP  ();
use MIME::Base64    qw(encode_base64);
use POSIX           ();
use Time::HiRes     qw(time);
use VouchTest       qw(run_command slurp spew temp_dir);
use VouchTest::Flom qw(finish flom message start_flom);
use VouchTest::PKI  qw(issue crl AUTHORITY);

# flom --doctor: all is well, and each thing that can be wrong with a link:
# what it says, what it advises, and its exit status.

use constant DAY => 86_400;

my (undef, $id) = flom('--unique-id');
chomp $id;
my $dir   = temp_dir();
my $ca    = issue('authority', ext => [AUTHORITY]);
my $other = issue('stranger',  ext => [AUTHORITY]);
my %cert  = (
    good    => issue('good',    by => $ca, cn => $id),
    named   => issue('named',   by => $ca, cn => 'somebody'),
    expired => issue('expired', by => $ca, cn => $id, not_before => time - 9 * DAY, not_after => time - DAY),
    future  => issue('future',  by => $ca, cn => $id, not_before => time + 2 * DAY),
    soon    => issue('soon',    by => $ca, cn => $id, not_after  => time + 3 * DAY),
    foreign => issue('foreign', by => $other, cn      => $id),
    revoked => issue('revoked', by => $ca,    cn      => $id),
    twice   => issue('twice',   by => $ca,    subject => "/CN=$id/CN=other"),
);

sub tls {
    my ($name, @more) = @_;
    return ('--tls-certificate', $cert{$name}{cert},
        '--tls-private-key', $cert{$name}{key}, '--tls-ca-certificate', $ca->{cert}, @more);
}

# What the doctor must say, line by line; a line that begins with a blank is
# advice.
sub says {
    my ($name, $status, $out, $err, @want) = @_;
    subtest $name => sub {
        my $failures = grep { /^FAIL/ } split /\n/, $out;
        is $status, $failures ? 99 : 0, 'exit status';
        is $err,    '',                 'nothing on standard error';
        like $out, $failures ? qr/^$failures to mend\.\n\z/m : qr/^All is well\.\n\z/m, 'the last line';
        is $failures, scalar(grep { /^\(\?\^\w*:\^FAIL/ } @want), 'so many things are wrong';
        like $out,   $_,           'a line' for @want;
        unlike $out, qr/[^\n -~]/, 'nothing but plain text';
    };
    return;
}

sub ok_line   { my ($step, $text) = @_; return qr/^ok    \Q$step\E +$text/m }
sub note_line { my ($step, $text) = @_; return qr/^note  \Q$step\E +$text/m }
sub fail_line { my ($step, $text) = @_; return qr/^FAIL  \Q$step\E +$text/m }

# A daemon in Perl: what it answers to the first message of each connection.
sub fake_daemon {
    my ($answer) = @_;
    my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 5) or die $@;
    my $pid      = fork // die "fork: $!";
    if ($pid == 0) {
        $SIG{ALRM} = 'DEFAULT';
        alarm 60;
        while (my $client = $listener->accept) {
            my $got = '';
            while (index($got, '</msg>') < 0) { sysread $client, $got, 4096, length $got or last }
            syswrite $client, $answer->($got) if $got =~ m{</msg>};
        }
        POSIX::_exit(0);
    }
    return { pid => $pid, where => ['-a', '127.0.0.1', '-p', $listener->sockport] };
}

sub end_fake { my ($fake) = @_; kill KILL => $fake->{pid}; waitpid $fake->{pid}, 0; return }

my $unix  = VouchTest::Flom->new;
my $clear = VouchTest::Flom->tcp('127.0.0.1');
my $tls   = VouchTest::Flom->tcp('127.0.0.1', tls('good'));

# What takes its time waits while the rest is tried.
my $silent  = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 5) or die $@;
my @silence = ('-a', '127.0.0.1', '-p', $silent->sockport, '--doctor');
my %slow    = (clear => start_flom(@silence), tls => start_flom(tls('good'), @silence));

says(
    'a unix socket',
    $unix->run('--doctor'),
    ok_line('settings',      'a unix socket; in the clear'),
    ok_line('address',       quotemeta $unix->socket),
    ok_line('connection',    'it answers after \d+ ms'),
    ok_line('daemon',        'it is one of Vouch\'s'),
    ok_line('its unique id', $id),
    ok_line('clock',         'the same, within 0\.\d+ s'),
    ok_line('access',        "uid $< may lock '_RESOURCE' in mode EX: there is no access file"),
    ok_line('access',        "uid $< may end the daemon: ")
);

says(
    'clear text over TCP',
    $clear->run('--doctor', '-r', '/a/b', '-l', 'PR'),
    ok_line('settings',   'TCP to 127\.0\.0\.1, port \d+; in the clear'),
    ok_line('address',    '127\.0\.0\.1 is 127\.0\.0\.1:\d+'),
    ok_line('connection', '127\.0\.0\.1:\d+ answers after \d+ ms'),
    ok_line('access',     "this host may lock '/a/b' in mode PR: ")
);

says(
    'TLS',
    $tls->run(tls('good'), '--doctor'),
    ok_line('settings',        'TCP to 127\.0\.0\.1, port \d+; TLS$'),
    ok_line('our certificate', "for '$id', by /CN=authority, SHA256:[0-9a-f]{64}, valid from \\S+Z to \\S+Z"),
    ok_line('our unique id',   "$id, as our certificate says"),
    ok_line('TLS',             'TLSv1_3, TLS_\w+'),
    ok_line('its certificate', "for '$id', by /CN=authority, SHA256:"),
    ok_line('its chain',       "signed by the authority in \Q$ca->{cert}\E"),
    ok_line('its unique id',   "$id, as its certificate says"),
    ok_line('access',          "CN '$id' may lock '_RESOURCE' in mode EX: there is no access file")
);

says(
    'TLS and unique ids',
    $tls->run(tls('good', '--tls-check-peer-id', 'yes'), '--doctor'),
    ok_line('settings', '.*; TLS and unique ids'),
    ok_line('daemon',   'it is')
);

# --- no daemon --------------------------------------------------------------

says(
    'no socket',
    flom('-s', "$dir/none", '--doctor'),
    fail_line('connection', 'unix: cannot connect: No such file or directory'),
    qr/^      no daemon has made this socket yet/m
);
my $dead = VouchTest::Flom->new;
$dead->stop('KILL');
says(
    'a socket whose daemon was killed',
    $dead->run('--doctor'),
    fail_line('connection', '.*Connection refused'),
    qr/^      the daemon of this socket has ended/m
);
says(
    'nobody at the port',
    flom('-a', '127.0.0.1', '-p', 1, '--doctor'),
    fail_line('connection', '127\.0\.0\.1:1: cannot connect: Connection refused'),
    qr/^      no daemon listens there: start one/m
);
says(
    'no such host',
    flom('-a', 'nosuchhost.invalid', '--doctor'),
    fail_line('address', 'nosuchhost\.invalid:28015: cannot resolve'),
    qr/^      is it spelled right/m
);
ok !-e "$dir/none", 'the doctor starts no daemon';

# --- clear text and TLS -----------------------------------------------------

says(
    'we are in the clear, the daemon is not',
    $tls->run('--doctor'),
    ok_line('settings', '.*; in the clear'),
    fail_line(
        'daemon', 'the daemon speaks TLS: give --tls-certificate, --tls-private-key and --tls-ca-certificate'
    )
);
says(
    'the daemon is in the clear, we are not',
    $clear->run(tls('good'), '--doctor'),
    fail_line('TLS', 'the daemon speaks no TLS: leave the --tls options out, or start it with them')
);
says(
    'one file of three',
    $clear->run('--tls-certificate', $cert{good}{cert}, '--doctor'),
    fail_line('settings', '1 of 3 files for TLS: all would go in the clear'),
    qr/^      give --tls-certificate, /m
);

# --- our certificate --------------------------------------------------------

my $of_us = sub {
    my ($name, @want) = @_;
    says("our certificate: $name", $tls->run(tls($name), '--doctor'), @want);
};
$of_us->(
    'expired',
    fail_line('our certificate', 'it has expired'),
    qr/^      get a new one/m,
    fail_line('daemon', 'our certificate has expired, says the peer')
);
$of_us->(
    'future',
    fail_line('our certificate', 'it is not valid yet'),
    qr/^      set the clock/m,
    fail_line('daemon', 'our certificate|the peer does not accept our certificate')
);
$of_us->('soon', note_line('our certificate', 'it expires in [23] days'));
$of_us->(
    'foreign',
    fail_line('our certificate', "\Q$ca->{cert}\E does not vouch for it: "),
    qr/^      both sides need certificates of the/m,
    fail_line(
        'daemon', 'the peer\'s --tls-ca-certificate is not the authority that has signed our certificate'
    )
);
$of_us->('named', note_line('our unique id', "$id is not the name in our certificate"));

my $checking = VouchTest::Flom->tcp('127.0.0.1', tls('good', '--tls-check-peer-id', 'yes'));
says(
    'both check',
    $checking->run(tls('good', '--tls-check-peer-id', 'yes'), '--doctor'),
    ok_line('its unique id', "$id, as its certificate says")
);
is + ($checking->run(tls('good', '--tls-check-peer-id', 'yes'), '--status'))[0], 0,
    'such a daemon answers questions';
says(
    'our name is not our unique id',
    $checking->run(tls('named'), '--doctor'),
    fail_line('daemon', "the daemon does not believe us: .*'$id', but its certificate is for 'somebody'")
);
says(
    'and we check, too',
    $checking->run(tls('named', '--tls-check-peer-id', 'yes'), '--doctor'),
    fail_line('our unique id', "$id is not the name in our certificate"),
    qr/^      make a certificate whose common name/m,
    fail_line('daemon', 'the daemon does not believe us')
);

says(
    'two names',
    $checking->run(tls('twice', '--tls-check-peer-id', 'yes'), '--doctor'),
    ok_line('our certificate', 'for no or several common names \(CN\), by '),
    fail_line(
        'our unique id', "$id is not in our certificate, which has no or several common names \\(CN\\)"
    ),
    fail_line('daemon', 'the daemon does not believe us')
);

says(
    'the key of another certificate',
    $tls->run(
        '--tls-certificate',    $cert{good}{cert}, '--tls-private-key', $cert{named}{key},
        '--tls-ca-certificate', $ca->{cert},       '--doctor'
    ),
    fail_line('our files', '.*does not match'),
    qr/^      the key must be the one/m
);
run_command([
    qw(openssl pkey -aes128 -passout pass:word),
    '-in'  => $cert{good}{key},
    '-out' => "$dir/locked"
]);
says(
    'a key with a password',
    $tls->run(
        '--tls-certificate',    $cert{good}{cert}, '--tls-private-key', "$dir/locked",
        '--tls-ca-certificate', $ca->{cert},       '--doctor'
    ),
    fail_line(
        'our files',
        '.*/locked: the key has a password, which flom cannot ask for: openssl pkey makes a copy without one'
    )
);
says(
    'a file that is none',
    $tls->run(
        '--tls-certificate',    spew("$dir/junk", 'junk'),
        '--tls-private-key',    $cert{named}{key},
        '--tls-ca-certificate', $ca->{cert},
        '--doctor'
    ),
    fail_line('our files', '.*junk'),
    qr/^      it must be a PEM file/m
);

# --- the daemon's certificate -----------------------------------------------

my %its = (
    expired => ['certificate has expired', qr/^      the peer's certificate has expired, or the clock here/m],
    future  =>
        ['certificate is not yet valid', qr/^      the peer's certificate is not valid yet: is a clock/m],
    foreign =>
        ['unable to get local issuer', qr/^      the authority of --tls-ca-certificate has not signed/m],
    revoked => ['certificate revoked', qr/^      the peer's certificate is revoked/m],
);
my $list = crl($ca, $cert{revoked});
for my $name (sort keys %its) {
    my ($why, $advice) = @{ $its{$name} };
    my $daemon = VouchTest::Flom->tcp('127.0.0.1', tls($name));
    says(
        "the daemon's certificate: $name",
        $daemon->run(tls('good', '--tls-crl', $list), '--doctor'),
        ok_line('its certificate', "for '$id', by /CN="),
        fail_line('its chain', $why), $advice
    );
}
my $named = VouchTest::Flom->tcp('127.0.0.1', tls('named'));
says(
    'its name is not its unique id',
    $named->run(tls('good'), '--doctor'),
    note_line('its unique id', ".*'$id', but its certificate is for 'somebody'.*we would refuse it")
);
says(
    'and we check it',
    $named->run(tls('good', '--tls-check-peer-id', 'yes'), '--doctor'),
    fail_line('daemon', ".*'$id', but its certificate is for 'somebody'")
);

says(
    'it has the name that we want',
    $tls->run(tls('good', '--tls-peer-name', $id), '--doctor'),
    ok_line('its name', "$id, as --tls-peer-name says")
);
says(
    'it has another',
    $tls->run(tls('good', '--tls-peer-name', 'node9'), '--doctor'),
    fail_line('its name', 'its certificate is not for node9'),
    qr/^      this is another node, or --tls-peer-name/m
);

# --- what the daemon says ---------------------------------------------------

my $rules   = spew("$dir/rules", "allow any status,PR,create\n");
my $guarded = VouchTest::Flom->new('--access', $rules);
says(
    'access denied',
    $guarded->run('--doctor', '-r', 'db'),
    fail_line('access', "uid $< may not lock 'db' in mode EX: no line of the access file says so"),
    qr/^      the daemon's access file \(--access\) says who may/m,
    ok_line('access', "uid $< may create 'db': line 1 of the access file"),
    note_line('access', "uid $< may not end the daemon")
);
says(
    'access allowed',
    $guarded->run('--doctor', '-r', 'db', '-l', 'PR'),
    ok_line('access', "uid $< may lock 'db' in mode PR: line 1 of the access file")
);
unlike $guarded->log, qr/FLM046W/, 'the doctor\'s questions are no refusals';

sub answer {
    my ($data) = @_;
    my $base64 = encode_base64($data, '');
    return message(1, 16, qq{<session peerid="$id"/><answer rc="0" data="$base64"/>}) =~
        s/<msg /<msg ask="access" /r;
}
my %clock = (
    'an hour ahead'  => [3600,  fail_line('clock', 'the daemon\'s is (?:3600\.\d|3599\.\d) s ahead of ours')],
    'an hour behind' => [-3600, fail_line('clock', 'the daemon\'s is 3600\.\d s behind ours')],
    'ten seconds'    => [-10,   note_line('clock', 'the daemon\'s is 10\.\d s behind ours')],
);
for my $name (sort keys %clock) {
    my ($seconds, $want) = @{ $clock{$name} };
    my $fake = fake_daemon(
        sub { return answer(sprintf "time %.0f\nlock yes so\ncreate yes so\n", (time + $seconds) * 1e6) });
    says("its clock: $name", flom(@{ $fake->{where} }, '--doctor'), $want);
    end_fake($fake);
}
my %fake = (
    'FLoM 1.7.2' => [
        message(1, 16, qq{<session peerid="$id"/><answer rc="5"/>}),
        ok_line('daemon', 'it answers, as FLoM 1\.7\.2 does'),
        note_line('access', 'it tells neither its time nor')
    ],
    'no answer to the question' =>
        [answer("junk\n"), note_line('clock', 'the daemon does not tell its time')],
    'an answer with a terminal\'s orders' => [
        answer("time " . int(time * 1e6) . "\nlock yes \e[2J\x9B\nshutdown no \x07\n"),
        ok_line('access', '\?\[2J')
    ],
    'no message at all' => ["HTTP/1.0 200 OK\r\n\r\n</msg>", fail_line('daemon', '')],
    'nothing'           => ['',                              fail_line('daemon', '')],
);
for my $name (sort keys %fake) {
    my ($bytes, @want) = @{ $fake{$name} };
    my $fake = fake_daemon(sub { return $bytes });
    says($name, flom(@{ $fake->{where} }, '--doctor'), @want);
    end_fake($fake);
}

says('a daemon that says nothing', finish($slow{clear}), fail_line('daemon', 'it does not answer in time'));
says(
    'nor shakes hands',
    finish($slow{tls}),
    fail_line('TLS', 'the daemon does not answer in TLS: was it started with')
);

is $_->stop, 0, 'the daemons have lived on' for $unix, $clear, $tls, $checking;
done_testing;
