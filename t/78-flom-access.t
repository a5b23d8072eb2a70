use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use MIME::Base64    qw(encode_base64);
use POSIX           ();
use Time::HiRes     qw(sleep time);
use VouchTest       qw(slurp spew temp_dir);
use VouchTest::Flom qw(finish flom flom_path lock_message message sample start_flom unlock_message);
use VouchTest::PKI  qw(issue fingerprint_of AUTHORITY);

# Who may do what: the access file, the usual rules, and what each kind of
# client is told.

my $dir = temp_dir();

sub wait_for {
    my ($what) = @_;
    my $deadline = time + 20;
    until ($what->()) { return 0 if time > $deadline; sleep 0.02 }
    return 1;
}

# A file that replaces the old one at once.
sub write_rules {
    my ($path, $text) = @_;
    spew("$path.new", $text);
    rename "$path.new", $path or die "$path: $!";
    return $path;
}

my $number = 0;

sub rules { my ($text) = @_; return write_rules("$dir/access-" . ++$number, $text) }

my $authority = issue('authority', ext => [AUTHORITY]);
my %node      = map { $_ => issue($_, by => $authority) } qw(server alex pat);

sub tls {
    my ($name) = @_;
    return (
        '--tls-certificate', $node{$name}{cert},     '--tls-private-key',
        $node{$name}{key},   '--tls-ca-certificate', $authority->{cert}
    );
}

subtest 'a file for the unix socket' => sub {
    my $daemon = VouchTest::Flom->new('--access', rules(<<"RULES"));
# Who this is: everything about itself, nothing about others.
allow uid=$<  lock,create  mine* /tree pool[*] _S_n[1]
allow uid=$<  PR           shared
allow uid=$<  lock         there
RULES
    my ($status, $out, $err) = $daemon->run('-r', 'mine7', '--', 'echo', 'ran');
    is "$status $out$err", "0 ran\n", 'a lock that is allowed';
    ($status, $out, $err) = $daemon->run('-r', 'other', '--', 'echo', 'ran');
    is $status, 99, 'one that is not: exit status 99';
    is $out,    '', 'the command does not run';
    is $err,
        "Resource will never satisfy the request, the lock cannot be obtained\n"
        . "flom: uid $< may not lock 'other' in mode EX: no line of the access file says so\n",
        'the reason in words';
    like $daemon->log,
        qr/warning FLM046W: session \d+ from unix \(uid $<, pid \d+\) refused: uid $< may not lock 'other'/,
        'and in the log';

    is + ($daemon->run('-r', 'shared', '-l', 'PR', '--', 'true'))[2],
        "Resource will never satisfy the request, the lock cannot be obtained\n"
        . "flom: uid $< may not create 'shared': no line of the access file says so\n",
        'lock, but not create';
    is + ($daemon->run('-r', 'shared', '-l', 'PR', '-e', 'no', '-o', 0, '--', 'true'))[0], 96,
        'who does not ask to create it may wait for it';
    is + ($daemon->run('-r', 'shared', '-l', 'EX', '-e', 'no', '-o', 0, '--', 'true'))[0], 99,
        'but not in every mode';
    is + ($daemon->run('-r', 'mine1', '--also', 'mine2', '--', 'true'))[0], 0,  '--also, allowed';
    is + ($daemon->run('-r', 'mine1', '--also', 'other', '--', 'true'))[0], 99, '--also, not allowed';
    is + ($daemon->run('-r', 'mine1', '-o', 0, '--', 'true'))[0],           0,  'nothing of it stays locked';
    is + ($daemon->run('-r', '/tree/a/b', '--', 'true'))[0],                0,  'a node of a tree';
    is + ($daemon->run('-r', 'pool[3]', '-q', 2, '--', 'true'))[0],         0,  'a pool';
    is + ($daemon->run('-r', 'a.b', '--', 'true'))[0],                      99, 'a set';
    is + ($daemon->run('-r', '_S_n[1]', '--', 'true'))[0],                  0,  'numbers';
    is + ($daemon->run('-r', '_s_n[1]', '--', 'true'))[0],                  99, 'other numbers';

    for my $question (['--status'], ['--status', '--json'], ['--kick', 1], ['-x'], ['-X']) {
        ($status, $out, $err) = $daemon->run(@$question);
        is $status, 99, "@$question: no";
        like $err, qr/^flom: --.*: uid $< may not .*: no line of the access file says so$/m, 'and why';
    }
    is $daemon->stop, 0, 'the daemon has lived on';
};

subtest 'trees' => sub {
    my $daemon = VouchTest::Flom->new('--access', rules("deny any lock /t/secret\nallow any all\n"));
    my %want   = (
        '/t/open'       => 0,
        '/t/secret'     => 99,
        '/t/secret/a/b' => 99,
        '/t'            => 99,
        '/u'            => 0,
        '/t/secrets'    => 0
    );
    is + ($daemon->run('-r', $_, '--', 'true'))[0], $want{$_}, $_ for sort keys %want;
    is + ($daemon->run('-r', '/t', '-l', 'CR', '--', 'true'))[0], 99, 'in any mode';
};

subtest 'conversion and coming back' => sub {
    my $daemon =
        VouchTest::Flom->new('--access', rules("allow any PR,create,lock free\nallow any PR,create\n"));
    my $client = $daemon->connect;
    my $convert =
        sub { $client->ask(lock_message($_[0], mode => $_[1]) =~ s/<resource /<resource convert="1" /r) };
    is $client->ask(lock_message('db', mode => 3)), '16 0', 'a lock for reading';
    is $convert->('db', 5),                         '16 6', 'may not become one for writing';
    is $daemon->connect->ask(lock_message('db', mode => 3, wait => 0)), '16 0', 'it is still held';
    is $daemon->connect->ask(lock_message('db', mode => 0, wait => 0)), '16 6', 'NL is a mode, too';
    $client = $daemon->connect;
    is $client->ask(lock_message('free', mode => 3)), '16 0', 'another for reading';
    is $convert->('free', 5),                         '16 0', 'may become one for writing';

    $client = $daemon->connect;
    $client->say(
        lock_message('other') =~ s/<msg /<msg ask="lock" /r =~ s/<resource /<resource token="1.1" /r);
    like $client->hear, qr/rc="6" reason="uid $< may not lock 'other'/,
        'nor is one taken up again that is not allowed';
};

subtest 'what 1.7.2 understands' => sub {
    my $daemon = VouchTest::Flom->new('--access', rules("allow any lock,create good\n"));
    my $client = $daemon->connect;
    $client->say(sample('lock_8_simple_named'));
    my $answer = $client->hear;
    like $answer,
        qr{\A<\?xml version="1\.0" encoding="UTF-8" \?><msg level="3" verb="1" step="16"><session peerid="[0-9a-f]{32}"/><answer rc="6" reason="uid $< may not lock 'RA123' in mode PR: [^"]*"/></msg>\z},
        'step 16 with 6, which its client takes for an error';
    cmp_ok length $answer, '<=', 511, 'in a message that it can read';
    is $client->ask(lock_message('good')), '16 0', 'the connection may be used for another';
    $client = $daemon->connect;
    $client->say(sample('mngmnt_8_shutdown_immediate'));
    is $client->answer, '16 3', 'a shutdown is refused';
    is $client->hear,   undef,  'and the connection closed';
    ok $daemon->connect->ask(lock_message('good')), 'the daemon is there';
};

# --- users ------------------------------------------------------------------

sub as_nobody {
    my ($code) = @_;
    pipe my $in, my $out or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my $uid = getpwnam('nobody') // 65_534;
        POSIX::setgid($uid);
        POSIX::setuid($uid);
        syswrite $out, eval { $code->() } // "died: $@";
        POSIX::_exit(0);
    }
    close $out;
    my $said = do { local $/; <$in> };
    waitpid $pid, 0;
    return $said;
}

subtest 'another user of this host' => sub {
    plan skip_all => 'only root can be somebody else' if $> != 0;
    chmod 0711, $dir or die $!;
    my $daemon = VouchTest::Flom->new('--socket-mode', '0666');
    is as_nobody(sub { $daemon->connect->ask(lock_message('db')) }), '16 0', 'locks';
    my $ask = sub {
        my ($question, $about) = @_;
        my $client = $daemon->connect;
        my $base64 = encode_base64($about, '');
        $client->say(lock_message('none') =~ s/<msg /<msg ask="$question" about="$base64" /r);
        return $client->hear =~ /<answer (rc="-?\d+")(?: [^>]*?reason="([^"]*)")?/
            ? join ' ', grep { defined } $1, $2
            : 'none';
    };
    my $uid = getpwnam('nobody') // 65_534;
    is as_nobody(sub { $ask->('status', '') }), 'rc="0"', 'asks';
    is as_nobody(sub { $ask->('kick', '1') }),
        qq{rc="5" uid $uid may not end sessions that are for anything: that is for root and the user of the daemon},
        'ends no sessions';
    is as_nobody(sub { $daemon->connect->ask(sample('mngmnt_8_shutdown_immediate')) }), '16 3',
        'nor the daemon';
    is $daemon->stop, 0, 'which lives on';

    $daemon = VouchTest::Flom->new('--socket-mode', '0666', '--access',
        rules("allow uid=$uid lock,create hers*\nallow uid=0 all\n"));
    is as_nobody(sub { $daemon->connect->ask(lock_message('hers')) }), '16 0', 'a rule for her uid';
    is as_nobody(sub { $daemon->connect->ask(lock_message('his')) }),  '16 6', 'no more';
    is $daemon->connect->ask(lock_message('his')),                     '16 0', 'a rule for root';
};

# --- certificates -----------------------------------------------------------

subtest 'certificates' => sub {
    my $alex = fingerprint_of($node{alex}) =~ s/sha256\$/SHA256:/r;
    my $file = rules(<<"RULES");
allow cn=alex        lock,create            alex*
allow cert=$alex     status                 alex*
allow cn=pa?         kick,shutdown
RULES
    my $daemon = VouchTest::Flom->tcp('127.0.0.1', tls('server'), '--access', $file);
    my $run    = sub { my ($who, @arg) = @_; return $daemon->run(tls($who), @arg) };
    is + ($run->('alex', '-r', 'alex1', '--', 'true'))[0], 0, 'a common name';
    my ($status, $out, $err) = $run->('pat', '-r', 'alex1', '--', 'true');
    is $status, 99, 'another one';
    like $err, qr/^flom: CN 'pat' may not lock 'alex1' in mode EX: no line of the access file says so$/m,
        'and why';
    like $daemon->log, qr/FLM046W: session \d+ from 127\.0\.0\.1:\d+ refused: CN 'pat' may not lock 'alex1'/,
        'in the log';

    my $holder = $daemon->start_run(tls('alex'), '-r', 'alex2', '--', 'sleep', 60);
    ok wait_for(sub { ($run->('alex', '--status'))[1] =~ /^alex2  held/ }), 'a fingerprint: the status';
    is + ($run->('pat', '--status'))[0], 99, 'which another may not have';
    my ($id) = ($run->('alex', '--status'))[1] =~ /  id (\d+)/;
    ($status, undef, $err) = $run->('alex', '--kick', $id);
    is $status, 99, 'kick: alex may not';
    like $err, qr/^flom: --kick: CN 'alex' may not end sessions/, 'and why';
    is + ($run->('pat', '--kick', $id))[0], 0, 'pat may';
    kill TERM => $holder->{pid};
    finish($holder);
    ($status, $out, $err) = $run->('alex', '-X');
    is $status, 99, 'shutdown: alex may not';
    like $err, qr/^flom: --immediate-exit: CN 'alex' may not end the daemon/, 'and why';
    is + ($run->('pat', '-X'))[0], 0, 'pat may';
    ok wait_for(sub { waitpid($daemon->pid, POSIX::WNOHANG()) != 0 }), 'so that it ends';
    delete $daemon->{flom};
};

subtest 'status shows what one may see' => sub {
    my $daemon =
        VouchTest::Flom->new('--access', rules("allow any lock,create\nallow any status /open seen\n"));
    my @held =
        map { my $c = $daemon->connect; $c->ask(lock_message($_)); $c } qw(/open/a /closed/a seen unseen);
    my ($status, $out) = $daemon->run('--status');
    is join(' ', sort $out =~ /^(\S+)  held/mg), '/open/a seen', 'as text';
    ($status, $out) = $daemon->run('--status', '--json');
    is join(' ', sort $out =~ /"resource":"([^"]+)"/g), '/open/a seen', 'as JSON';
    is $status,                                         0,              'exit status';
};

subtest 'kick is for resources' => sub {
    my $daemon =
        VouchTest::Flom->new('--access', rules("allow any lock,create,status\nallow any kick free*\n"));
    my %client = map { my $c = $daemon->connect; $c->ask(lock_message($_)); ($_ => $c) } qw(free1 kept);
    my ($status, $out) = $daemon->run('--status');
    my %id = $out =~ /^(\S+)  held.*?  id (\d+)/mg;
    is + ($daemon->run('--kick', $id{free1}))[0], 0,  'one that is in the rule';
    is + ($daemon->run('--kick', $id{kept}))[0],  99, 'one that is not';
    is $client{free1}->hear(5),  undef, 'the first is gone';
    is $client{kept}->hear(0.1), '',    'the other is there';
};

# --- files ------------------------------------------------------------------

subtest 'a daemon with a bad file does not start' => sub {
    my %bad = (
        'a line'  => ["allow any lock\nallow any lok\n", qr/: line 2: 'lok' is no right: use lock,/],
        'no end'  => ["allow any lock",                  qr/: line 1: the last line has no end/],
        'nothing' => ["\n",                              qr/: there is no rule in it/],
    );
    for my $name (sort keys %bad) {
        my ($text, $want) = @{ $bad{$name} };
        my $file = rules($text);
        my ($status, $out, $err) = flom('--daemon', '-s', "$dir/none", '--access', $file);
        is $status, 99, $name;
        like $err, qr/error FLM000E: \Q$file\E$want/, 'which line, and why';
    }
    my ($status, $out, $err) = flom('--daemon', '-s', "$dir/none", '--access', "$dir/nosuch");
    is $status, 99, 'no file';
    like $err, qr/\Q$dir\E\/nosuch: cannot read: No such file/, 'said so';
    my $file = rules("allow any all\n");
    chmod 0666, $file;
    ($status, $out, $err) = flom('--daemon', '-s', "$dir/none", '--access', $file);
    is $status, 99, 'a file that everybody can write';
    like $err, qr/everybody can write it: chmod o-w/, 'said so';
    chmod 0644, $file;
    ($status, $out, $err) = flom('--daemon', '-s', "$dir/none", '--access', $file, '--allow-remote-admin');
    is $status, 99, 'with --allow-remote-admin';
    like $err, qr/say in it what other hosts may do: allow remote kick,shutdown/, 'said so';
};

subtest 'a key of the configuration' => sub {
    my $file   = rules("allow any lock,create good\n");
    my $conf   = spew("$dir/access.conf", "[Resource]\n[Daemon]\nAccessFile=$file\n[Network]\n");
    my $daemon = VouchTest::Flom->new('-c', $conf);
    is $daemon->connect->ask(lock_message('good')), '16 0', 'as the file says';
    is $daemon->connect->ask(lock_message('bad')),  '16 6', 'and no more';
    my ($status, $out) = flom('-c', $conf, '-V', '--', 'true');
    is scalar(() = $out =~ /^\[/mg), 29, '-V prints what FLoM prints';
};

subtest 'a file that changes' => sub {
    my $file   = rules("allow any lock,create one\n");
    my $daemon = VouchTest::Flom->new('--access', $file);
    my $says   = sub { my ($name) = @_; return $daemon->connect->ask(lock_message($name, mode => 3)) };
    is $says->('one'), '16 0', 'at first';
    is $says->('two'), '16 6', 'at first';
    write_rules($file, "allow any lock,create two\n");
    ok wait_for(sub { $says->('two') eq '16 0' }), 'it is read again by itself';
    is $says->('one'), '16 6', 'as a whole';
    like $daemon->log, qr/notice FLM045I: \Q$file\E read again/, 'the log says so';

    write_rules($file, "allow any lock,create three\nalow any\n");
    ok wait_for(sub {
        $daemon->log =~
            /error FLM044E: the rules of access stay as they were: \Q$file\E: line 2: 'alow' is neither/;
        }),
        'one with an error: the log names the line';
    is $says->('two'),   '16 0', 'the old rules stay';
    is $says->('three'), '16 6', 'and the new ones do not count';
    unlink $file or die $!;
    ok wait_for(sub { $daemon->log =~ /FLM044E: .*\Q$file\E: cannot read/ }), 'one that is gone';
    is $says->('two'), '16 0', 'the old rules stay';
    kill HUP => $daemon->pid;
    ok wait_for(sub { (() = $daemon->log =~ /FLM044E: .*cannot read/g) == 2 }), 'SIGHUP: it is read at once';
    write_rules($file, "allow any lock,create three\n");
    ok wait_for(sub { $says->('three') eq '16 0' }), 'a good one is read again';
};

subtest 'rules that change while others wait' => sub {
    my $file   = rules("allow any lock,create,status\n");
    my $daemon = VouchTest::Flom->new('--access', $file);
    my ($holder, $waiter, $parked, $other) = map { $daemon->connect } 1 .. 4;
    is $holder->ask(lock_message('db')),               '16 0', 'one holds it';
    is $waiter->ask(lock_message('db')),               '16 1', 'one waits';
    is $parked->ask(lock_message('new', create => 0)), '16 2', 'one waits for it to be made';
    is $other->ask(lock_message('db', mode => 3)),     '16 1', 'one waits for reading';
    my $command = $daemon->start_run('-r', 'db', '--', 'true');
    ok wait_for(sub { (() = ($daemon->run('--status'))[1] =~ /^db  waiting/mg) == 3 }), 'and a flom';
    write_rules($file, "allow any PR,create\n");
    is $waiter->answer(20), '32 3', 'who may not have it any more is refused';
    is $waiter->hear(5),    undef,  'and sent away';
    is $parked->answer(20), '32 3', 'also who waits for it to be made';
    my ($status, undef, $err) = finish($command);
    is $status, 99, 'flom ends with 99';
    like $err, qr/may not lock 'db' in mode EX/, 'and says why';
    $holder->say(unlock_message('db'));
    is $other->answer, '24 0', 'who may have it gets it';
};

subtest 'rules that change while a holder waits for another mode' => sub {
    my $file   = rules("allow any lock,create\n");
    my $daemon = VouchTest::Flom->new('--access', $file);
    my ($holder, $other) = map { $daemon->connect } 1 .. 2;
    is $_->ask(lock_message('db', mode => 3)), '16 0', 'a lock for reading' for $holder, $other;
    my $convert = lock_message('db', mode => 5) =~ s/<resource /<resource convert="1" /r;
    is $holder->ask($convert), '16 1', 'one waits to have it for writing';
    write_rules($file, "allow any PR,create\n");
    is $holder->answer(20), '32 3', 'which is refused now';
    $other->say(unlock_message('db'));
    is $holder->hear(0.2), '', 'it does not get it';
    write_rules($file, "allow any lock,create\n");
    ok wait_for(sub { $daemon->connect->ask(lock_message('x')) eq '16 0' }), 'when the rules are as before';
    is $other->ask(lock_message('db', wait => 0)), '16 4', 'it holds what it held';
    is $holder->ask($convert),                     '16 0', 'and may ask again';
};

subtest 'many refusals' => sub {
    my $daemon = VouchTest::Flom->new('--access', rules("allow uid=4294967294 lock\n"));
    my $client = $daemon->connect;
    $client->ask(lock_message('x')) for 1 .. 500;
    ok wait_for(
        sub { sleep 0.2; $client->ask(lock_message('x')); $daemon->log =~ /FLM047W: \d+ more warnings/ }),
        'the log counts what it leaves out';
    cmp_ok scalar(() = $daemon->log =~ /FLM046W/g), '<', 250, 'and does not fill';
};

done_testing;
