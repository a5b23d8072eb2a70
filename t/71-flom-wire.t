use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::UNIX ();
use VouchTest        qw(temp_dir);
use VouchTest::Flom  qw(finish flom_path lock_message message sample start_flom unlock_message);

# The wire: what 1.7.2 sends gets what 1.7.2 answers, byte for byte.

my $daemon = VouchTest::Flom->new;

# What the daemon says to these bytes of FLoM's client.
sub says {
    my ($client, $request, $answer, $name) = @_;
    $client->say(sample($request));
    is $client->hear, sample($answer), $name // "$request: $answer";
    return;
}

my @KINDS = (
    ['simple_default', 'simple'],
    ['simple_named'], ['numeric', 'numeric'],
    ['set'],          ['hier',    'hier'],
    ['seq_nontrans'], ['seq_trans'],
);

subtest 'granted, and let go' => sub {
    for my $kind (map { $_->[0] } @KINDS) {
        my $client = $daemon->connect;
        says($client, "lock_8_$kind", "lock_16_${kind}_ok");
        $client->say(sample("unlock_8_$kind"));
        shutdown $client->handle, 1;
        is $client->hear, undef, "$kind: the daemon closes";
    }
};

subtest 'queued, then granted' => sub {
    my ($holder, $waiter) = map { $daemon->connect } 1 .. 2;
    says($holder, 'lock_8_simple_default', 'lock_16_simple_default_ok');
    says($waiter, 'lock_8_simple_default', 'lock_16_rc1_simple');
    $holder->say(sample('unlock_8_simple_default'));
    is $waiter->hear, sample('lock_24_rc0_simple'), 'the later answer';
    says($holder, 'lock_8_simple_default', 'lock_16_rc1_simple', 'the first asks again');
    $waiter->close;
    is $holder->hear, sample('lock_24_rc0_simple'), 'and has it when the other goes';
};

subtest 'refusals' => sub {
    my ($holder, $other) = map { $daemon->connect } 1 .. 2;
    is $holder->ask(lock_message('busy')), '16 0', 'held';
    $other->say(lock_message('busy', wait => 0));
    is $other->hear =~ s/ session.*?(?=<answer)//r,  sample('lock_16_rc4_busy'), 'busy';
    is $other->ask(lock_message('busy', wait => 0)), '16 4', 'and the connection is good for another try';
    says($daemon->connect, 'lock_8_simple_nocreate_nowait', 'lock_16_rc5_cantwait');
    my $numeric = $daemon->connect;
    $numeric->say(lock_message('N[2]', quantity => 3));
    is $numeric->hear, sample('lock_16_rc6_impossible'), 'impossible';
    my $bad = $daemon->connect;
    $bad->say(lock_message('_bad'));
    is $bad->hear, sample('lock_16_rc-14_invalid_name'), 'an invalid name';
    is $bad->hear, undef,                                'ends the connection';
};

subtest 'waiting for a resource that is not there' => sub {
    my ($early, $creator) = map { $daemon->connect } 1 .. 2;
    $early->say(lock_message('later', create => 0));
    is $early->hear,                         sample('lock_16_rc2_wait_resource'), 'parked';
    is $creator->ask(lock_message('later')), '16 0',                              'somebody creates it';
    is $early->hear,                         sample('lock_24_rc1_enqueued_after_incubator'), 'queued';
    $creator->say(unlock_message('later'));
    is $early->hear, sample('lock_24_rc0_after_incubator'), 'granted';
};

subtest 'ways to write it' => sub {
    my $client = $daemon->connect;
    $client->say($_) for split //, lock_message('bytes');
    is $client->answer, '16 0', 'byte by byte';
    $client->say(unlock_message('bytes') . "\n" . lock_message('bytes') . "\n" . unlock_message('bytes'));
    is $client->answer, '16 0', 'three at once, with blanks between';
    my $pad = 511 - length lock_message('padded', pad => '');
    is $daemon->connect->ask(lock_message('padded',  pad => 'x' x $pad)),   '16 0', '511 bytes';
    is $daemon->connect->ask(lock_message('padded2', pad => 'x' x 5000)),   '16 0', 'more than 1.7.2 takes';
    is $daemon->connect->ask(lock_message('padded',  pad => 'x' x 17_000)), 'end',  'but not any number';
    is $daemon->connect->ask("<msg verb='1' step='8'><resource name='UQ==' mode='5' create='1'/></msg>"),
        '16 0',
        'without level, declaration and double quotes';
    is $daemon->connect->ask('<msg level="2" verb="1" step="8"></msg>'), 'end', 'another level ends it';
};

# A daemon that is this test: what our client sends.
sub client_says {
    my ($arg, $request, $answer, @then) = @_;
    my $path   = temp_dir() . '/old';
    my $server = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die $!;
    my $flom   = start_flom('-s', $path, '-d', 0, @$arg);
    my $client = bless { socket => scalar($server->accept), buffer => '' }, 'VouchTest::Flom::Raw';
    is $client->hear, sample($request), "$request from flom @$arg";
    $client->say(sample($answer));
    is $client->hear(10), sample($_), $_ for @then;
    is $client->hear(10), undef,      'then it says no more';
    $client->close;
    unlink $path;
    return finish($flom);
}

subtest 'our client and an old daemon' => sub {
    my @true = ('--', 'true');
    my @rows = (
        [[@true],                             'simple_default', 'simple_default'],
        [['-r', 'RA123', '-l', 'PR', @true],  'simple_named',   'simple_named'],
        [['-r', 'N[10]', '-q', 3, @true],     'numeric',        'numeric'],
        [['-r', 'red.green.blue', @true],     'set',            'set'],
        [['-r', '/a/b/c', '-l', 'CW', @true], 'hier',           'hier'],
        [['-r', '_s_cnt[2]', @true],          'seq_nontrans',   'seq_nontrans'],
        [['-r', '_S_cnt[2]', @true],          'seq_trans',      'seq_trans'],
    );
    for my $row (@rows) {
        my ($arg, $kind, $unlock) = @$row;
        my ($status) = client_says($arg, "lock_8_$kind", "lock_16_${kind}_ok", "unlock_8_$unlock");
        is $status, 0, 'status';
    }
    my ($status) = client_says(['-r', '_S_cnt[2]', '--', 'sh', '-c', 'exit 3'],
        'lock_8_seq_trans', 'lock_16_seq_trans_ok', 'unlock_8_seq_trans_rollback');
    is $status, 3, 'a command that fails rolls back';
    ($status) = client_says(['-o', 0, @true], 'lock_8_simple_nowait', 'lock_16_rc4_busy');
    is $status, 98, 'busy';
    ($status) = client_says(['-x'], 'mngmnt_8_shutdown_quiesce', 'lock_16_rc4_busy');
    is $status, 0, 'quiesce';
    ($status) = client_says(['-X'], 'mngmnt_8_shutdown_immediate', 'lock_16_rc4_busy');
    is $status, 0, 'immediate';
};

done_testing;
