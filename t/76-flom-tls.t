use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Digest::SHA        qw(sha256);
use IO::Select         ();
use POSIX              ();
use Socket             qw(SOL_SOCKET SO_LINGER);
use Time::HiRes        qw(sleep time);
use VouchTest          qw(slurp spew temp_dir);
use VouchTest::Der     qw(name);
use VouchTest::Flom    qw(finish flom lock_message message sample start_flom unlock_message);
use VouchTest::FlomTls qw(free_port old_daemon raw tls_options unique_id wait_until);
use VouchTest::Forge   qw(authority issue revocation_list);

# FLoM's three levels of security: right and wrong, and what is said of it.

my $id    = unique_id();
my $ca    = authority('ca');
my $node  = issue('node',  by => $ca, cn => $id);
my $other = issue('other', by => $ca, cn => 'f' x 32);
my @tls   = tls_options($node, $ca);
my @check = ('--tls-check-peer-id', 'yes');
my @true  = ('--',                  'true');

# What takes its time is begun here and looked at in the end.
my $level2 = VouchTest::FlomTls->new('127.0.0.1', @tls);
my $silent = $level2->tcp;
my $half   = $level2->tcp;
syswrite $half, "\x16\x03\x01\x02";
my $mute    = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 5) or die "listen: $@";
my $waiting = start_flom('-a', '127.0.0.1', '-p', $mute->sockport, '-d', 0, @tls, @true);
my $begun   = time;

subtest 'level 1: clear text, IPv4, IPv6, a name for both' => sub {
    for my $host ('127.0.0.1', '::1') {
        my $daemon = VouchTest::FlomTls->new($host) or next;
        is + ($daemon->run(@true))[0], 0, $host;
    }
    my $daemon = VouchTest::FlomTls->new('localhost');
    is + ($daemon->run(@true))[0], 0, 'localhost';
    for my $host ('127.0.0.1', '::1') {
        next if $daemon->log !~ /listening on \[?\Q$host\E/;
        is + (flom('-a', $host, '-p', $daemon->port, '-d', 0, @true))[0], 0, "which is $host, too";
    }
};

subtest 'level 2: a certificate of the authority on both sides' => sub {
    is_deeply [$level2->run(@tls, '-r', 'a.b', '--', 'echo')], [0, "a\n", ''], 'the same on both sides';
    is + ($level2->run(tls_options($other, $ca), @true))[0], 0, 'or one each';
    ok $level2->says(qr/FLM014I: session \d+ from 127.0.0.1:\d+: TLSv1_3, certificate for 'f{32}'/),
        'the log tells whose';
    for my $host ('::1') {
        my $daemon = VouchTest::FlomTls->new($host, @tls) or next;
        is + ($daemon->run(@tls, @true))[0], 0, "over $host";
    }
    my ($status, $out) = $level2->run(@tls, '-r', 'tok', '--', 'sh', '-c', 'echo $FLOM_TOKEN');
    like $out, qr/\A\d+\.\d+\n\z/, 'a token comes with the lock';
    my $socket = temp_dir() . '/unix-tls';
    is + (flom('-s', $socket, '-d', 300, @tls, @true))[0], 0, 'over a unix socket, daemon and all';
    ok wait_until(sub { !-S $socket }), 'which ends by itself';
};

# flom and daemon with these certificates: the status and both ends' words.
sub told {
    my ($name, $mine, $theirs, %want) = @_;
    my $daemon = VouchTest::FlomTls->new('127.0.0.1', @$theirs);
    my ($status, $out, $err) = $daemon->run(@$mine, '--', 'echo', 'ran');
    is $status, 99, "$name: refused";
    is $out,    '', 'nothing is run';
    like $err, qr/^flom_client_\w+: ret_cod=$want{rc} /m, "code $want{rc}";
    like $err, $want{client}, 'in words' if $want{client};
    ok $daemon->says($want{daemon}), 'and in the log' or diag $daemon->log if $want{daemon};
    is + ($daemon->run(@{ $want{good} }, @true))[0], 0, 'who is right is served' if $want{good};
    return;
}

subtest 'level 2: wrong certificates' => sub {
    my $stranger = authority('stranger');
    my %bad      = (
        'of another authority' => [
            issue('foreign', by => $stranger, cn => $id),
            qr/the authority of --tls-ca-certificate has not signed the peer's certificate/,
            qr/the peer's --tls-ca-certificate is not the authority that has signed our certificate/
        ],
        'expired' => [
            issue('expired', by => $ca, cn => $id, not_before => int time - 9e5, not_after => int time - 60),
            qr/the peer's certificate has expired, or the clock here is wrong/,
            qr/our certificate has expired, says the peer/
        ],
        'not yet valid' => [
            issue('future', by => $ca, cn => $id, not_before => int time + 9e5, not_after => int time + 1e6),
            qr/the peer's certificate is not valid yet/,
            undef
        ],
        'for web servers only, or mail' => [
            issue('code', by => $ca, cn => $id, usage => ['code']),
            qr/the peer's certificate is not made for this use/,
            qr/our certificate is not made for this use, says the peer/
        ],
    );
    my $expired = VouchTest::FlomTls->new('127.0.0.1', tls_options($bad{expired}[0], $ca));
    like $expired->log, qr/FLM050W: the certificate of this daemon has expired/, 'a daemon sees its own';
    for my $name (sort keys %bad) {
        my ($cert, $ours, $theirs) = @{ $bad{$name} };
        my @bad = tls_options($cert, $ca);
        told("the daemon's is $name", \@tls, \@bad, rc => -407, client => $ours);
        told(
            "the client's is $name", \@bad, \@tls,
            rc     => -409,
            client => $theirs,
            daemon => qr/FLM017W: .*: $ours/,
            good   => \@tls
        );
        next if !$theirs;
        my ($status, undef, $err) = $level2->run(@bad, '-X');
        is $status, 99, 'nor does -X end the daemon';
        like $err, qr/^flom: .*$theirs/m, 'and it says why';
    }
};

subtest 'level 2: revoked certificates' => sub {
    my $gone = issue('gone', by => $ca, cn => $id);
    my @crl  = ('--tls-crl', revocation_list('crl', $ca, $gone));
    told(
        'the client', [tls_options($gone, $ca)], [@tls, @crl],
        rc     => -409,
        client => qr/our certificate is revoked, says the peer/,
        daemon => qr/FLM017W: .*the peer's certificate is revoked/,
        good   => \@tls
    );
    told(
        'the daemon', [@tls, @crl], [tls_options($gone, $ca)],
        rc     => -407,
        client => qr/the peer's certificate is revoked/
    );
    my @empty = ('--tls-crl', revocation_list('of-another', authority('another')));
    told(
        'no list of this authority', [@tls, @empty], \@tls,
        rc     => -407,
        client => qr/--tls-crl holds no list of an authority of the peer's certificate/
    );
    my $config = spew(temp_dir() . '/crl.conf', "[Resource]\n[Daemon]\n[Network]\n[TLS]\nTlsCrl=$crl[1]\n");
    my $daemon = VouchTest::FlomTls->new('127.0.0.1', tls_options($gone, $ca));
    is + ($daemon->run(@tls, '-c', $config, @true))[0], 99, 'TlsCrl in a configuration file';
    is + (flom('--tls-crl', '/nosuch', @true))[2], "tls-crl: '/nosuch' is not a valid value\n",
        'a list that is not there';
};

subtest 'level 3: the unique id is in the certificate' => sub {
    my $daemon = VouchTest::FlomTls->new('127.0.0.1', @tls, @check);
    is + ($daemon->run(@tls, @check, @true))[0], 0, 'it is, on both sides';
    my $none = issue('none', by => $ca, subject => name(O => 'nobody'));
    my %bad  = (
        'another node\'s' =>
            [$other, -23, qr/says that its unique id is '$id', but its certificate is for 'f{32}' \(CN\)/],
        'without a CN' => [$none, -4, qr/certificate has no common name \(CN\)/],
        'with two CNs' => [
            issue('two', by => $ca, subject => name(CN => $id, CN => $id)),
            -23,
            qr/certificate has more than one common name/
        ],
        'with a NUL in the CN' => [
            issue('nul', by => $ca, subject => name(CN => "$id\0.example")),
            -23,
            qr/common name \(CN\) in the peer's certificate holds a NUL/
        ],
    );
    for my $name (sort keys %bad) {
        my ($cert, $rc, $why) = @{ $bad{$name} };
        my @bad = tls_options($cert, $ca);
        told(
            "a client's certificate $name", \@bad, [@tls, @check],
            rc     => -409,
            client => qr/^flom: the daemon does not believe us: .*$why/m,
            daemon => qr/FLM013W: .*$why/,
            good   => \@tls
        );
        told("a daemon's certificate $name", [@tls, @check], \@bad, rc => $rc, client => qr/^flom: .*$why/m);
    }
    is + ($daemon->run(tls_options($other, $ca), '-X'))[0], 99, 'a shutdown is refused';
    is + ($daemon->run(@tls, @check, @true))[0], 0, 'and not obeyed';
};

subtest 'the daemon is the one that is meant' => sub {
    my $host   = issue('host', by => $ca, cn => $id, san => ['dns:lock.example', 'ip:127.0.0.1']);
    my $daemon = VouchTest::FlomTls->new('127.0.0.1', tls_options($host, $ca));
    my $finger = sub {
        my ($of, $as) = @_;
        my $der = $of eq 'cert' ? $host->{der} : VouchTest::Forge::public_key($host->{key});
        return $as . uc join ':', unpack '(H2)*', sha256($der);
    };
    my @good =
        ($id, 'lock.example', '127.0.0.1', $finger->('cert', 'SHA256:'), $finger->('key', 'sha256$spki$'));
    is + ($daemon->run(@tls, '--tls-peer-name', $_, @true))[0], 0, $_ for @good;
    for my $bad ('f' x 32, 'other.example', '127.0.0.2', 'sha256:' . '0' x 64,
        $finger->('cert', 'sha256$spki$'))
    {
        my ($status, undef, $err) = $daemon->run(@tls, '--tls-peer-name', $bad, @true);
        is $status, 99, "not $bad";
        like $err,
            qr/ret_cod=-407 .*\nflom: the daemon's certificate is not for the one that --tls-peer-name names/,
            'in words';
    }
};

subtest 'old clients' => sub {
    my $daemon = VouchTest::FlomTls->new('127.0.0.1', @tls, @check);
    my $old    = $daemon->old_client($node, $ca);
    $old->say(sample('lock_8_simple_default'));
    is $old->hear, sample('lock_16_simple_default_ok'), 'a lock, byte for byte';
    $old->say(sample('unlock_8_simple_default'));
    for my $version (qw(TLSv1_2 TLSv1_3)) {
        my $with = $daemon->old_client($node, $ca, SSL_version => $version) or next;
        is $with->ask(sample('lock_8_hier')), '16 0', $version;
    }
    ok !$daemon->old_client($node, $ca, SSL_version => 'TLSv1_1', SSL_cipher_list => 'ALL:@SECLEVEL=0'),
        'not TLS 1.1';
    my $wrong = $daemon->old_client($other, $ca);
    is $wrong->ask(sample('lock_8_simple_default')), 'end', 'another id is closed without an answer';
    my $mute = $daemon->old_client($node, $ca);
    is $mute->ask(lock_message('no id')), 'end', 'and so is none';

    # flom -x of 1.7.2 waits for bytes, then reads: a ticket would hang it.
    my $quit = $daemon->old_client($node, $ca, SSL_version => 'TLSv1_3');
    $quit->say(sample('mngmnt_8_shutdown_quiesce'));
    ok !IO::Select->new($quit->handle)->can_read(0.3), 'after -x there is nothing to read, no ticket either';
    $_->close for $old, $quit;
};

subtest 'old daemons' => sub {
    my $requests = temp_dir() . '/old-requests';
    my ($port, $pid) = old_daemon(
        $node, $ca,
        sub {
            my ($client) = @_;
            while (my $got = $client->hear) {
                open my $out, '>>', $requests or die "$requests: $!";
                print {$out} "$got\n";
                close $out or die "$requests: $!";
                $client->say(sample('lock_16_simple_default_ok')) if $got =~ /<resource.*mode=/;
                last                                              if $got =~ /verb="5"/;
            }
            $client->close;
        }
    );
    my @old = ('-a', '127.0.0.1', '-p', $port, '-d', 0, @tls, @check);
    is_deeply [flom(@old, '--', 'echo', 'ran')], [0, "ran\n", ''], 'a lock';
    is slurp($requests), sample('lock_8_simple_default') . "\n" . sample('unlock_8_simple_default') . "\n",
        'byte for byte, and not a question more';
    is + (flom(@old, '-x'))[0], 0, '-x';
    kill TERM => $pid;
    waitpid $pid, 0;
    ($port, $pid) =
        old_daemon($other, $ca, sub { $_[0]->hear; $_[0]->say(sample('lock_16_simple_default_ok')) });
    my ($status, undef, $err) = flom('-a', '127.0.0.1', '-p', $port, '-d', 0, @tls, @check, @true);
    is $status, 99, 'one with another certificate than its id';
    like $err, qr/ret_cod=-23 .*\nflom: the peer says that its unique id is '$id', but/,
        'is refused in words';
    kill TERM => $pid;
    waitpid $pid, 0;
    ($port, $pid) = old_daemon($node, $ca, sub { $_[0]->hear; $_[0]->close });
    ($status, undef, $err) = flom('-a', '127.0.0.1', '-p', $port, '-d', 0, tls_options($other, $ca), @true);
    is $status, 99, 'one that does not like our certificate';
    like $err,
        qr/ret_cod=-409 .*\nflom: .*--tls-check-peer-id\), and ours is '$id', while our certificate is for 'f{32}'/,
        'is understood';
    kill TERM => $pid;
    waitpid $pid, 0;
};

subtest 'clear text here, TLS there' => sub {
    my ($status, undef, $err) = $level2->run(@true);
    is $status, 99, 'a client without TLS, a daemon with it';
    like $err, qr/ret_cod=-126 .*\nflom: the daemon speaks TLS: give --tls-certificate, /,
        'the client says what';
    ok $level2->says(qr/FLM017W: .*the client speaks no TLS: it needs the --tls options/),
        'and so does the log';
    for my $how (['-X', 'immediate-exit'], ['-x', 'quiesce-exit']) {
        ($status, undef, $err) = $level2->run($how->[0]);
        is $status, 99, "$how->[0] without TLS does not end it";
        like $err, qr/\Aflom: --$how->[1]: the daemon speaks TLS: give --tls-certificate, /, 'and says so';
    }
    my $clear = VouchTest::FlomTls->new('127.0.0.1');
    my $begin = time;
    ($status, undef, $err) = $clear->run(@tls, @true);
    is $status, 99, 'a client with TLS, a daemon without';
    cmp_ok time - $begin, '<', 5, 'at once';
    like $err, qr/ret_cod=-406 .*\nflom: the daemon speaks no TLS: leave the --tls options out, or start it/,
        'the client says what';
    ok $clear->says(qr/FLM017W: .*the client speaks TLS, this daemon does not/), 'and so does the log';
    is + ($_->run($_ == $level2 ? @tls : (), @true))[0], 0, 'a good one is served' for $level2, $clear;
};

subtest 'strangers cannot fill the log' => sub {
    my $daemon = VouchTest::FlomTls->new('127.0.0.1', @tls);
    my $knock  = sub {
        my $socket = $daemon->tcp;
        syswrite $socket, "GET / HTTP/1.0\r\n\r\n";
        sysread $socket, my $answer, 100;
    };
    $knock->() for 1 .. 500;
    ok wait_until(sub { sleep 0.2; $knock->(); $daemon->log =~ /FLM047W: [0-9]+ more warnings/ }),
        'it counts what it leaves out';
    cmp_ok scalar(() = $daemon->log =~ /FLM017W/g), '<', 400, 'and does not fill';
};

subtest 'files that change while the daemon runs' => sub {
    my $dir  = temp_dir();
    my %file = map { $_ => "$dir/changing-$_" } qw(cert key ca crl);
    my $next = issue('next', by => $ca, cn => 'the next');
    my $copy = sub {
        my ($from, $to) = @_;
        spew("$file{$to}.new", slurp($from));
        rename "$file{$to}.new", $file{$to};
    };
    my $names = { map { $_ => $file{$_} } qw(cert key) };
    $copy->($node->{cert},                  'cert');
    $copy->($node->{key},                   'key');
    $copy->($ca->{cert},                    'ca');
    $copy->(revocation_list('nobody', $ca), 'crl');
    my $daemon =
        VouchTest::FlomTls->new('127.0.0.1', tls_options($names, $file{ca}), '--tls-crl', $file{crl});
    my $shown = sub {
        my $client = $daemon->old_client($node, $ca) or return 'refused';
        return $client->ask(lock_message('x')) eq 'end' ? 'refused' : $client->handle->peer_certificate('cn');
    };
    my $kept = $daemon->old_client($node, $ca);
    is $kept->ask(lock_message('kept')), '16 0', 'a lock';
    is $shown->(),                       $id,    'the first certificate';
    $copy->($next->{cert}, 'cert');
    ok wait_until(
        sub { $shown->(); $daemon->log =~ /FLM018E: certificates stay as they were: .*does not match/ }),
        'half of a change is told in the log';
    is $shown->(), $id, 'and changes nothing';
    $copy->($next->{key}, 'key');
    ok wait_until(sub { $shown->() eq 'the next' }), 'the other half does';
    $copy->(revocation_list('us', $ca, $node), 'crl');
    ok wait_until(sub { $shown->() eq 'refused' }), 'a new list counts';
    spew($file{crl}, substr slurp($file{crl}), 0, 100);
    ok wait_until(sub { $shown->(); $daemon->log =~ /FLM018E: .*changing-crl/ }), 'a cut one is told';
    is $shown->(), 'refused', 'and changes nothing';
    $copy->(revocation_list('none', $ca), 'crl');
    kill HUP => $daemon->pid;
    ok wait_until(sub { $shown->() eq 'the next' }), 'HUP reads all at once';
    $kept->say(unlock_message('kept'));
    is $kept->ask(lock_message('kept')), '16 0', 'who was there all the time is still served';
};

subtest 'strangers at the TLS port' => sub {
    my $good   = $level2->old_client($node, $ca);
    my $serves = sub {
        my ($name) = @_;
        is $good->ask(lock_message('good')), '16 0', "$name: others are served";
        $good->say(unlock_message('good'));
    };
    my $hello = "\x16\x03\x01\x00\x05\x01\x00\x00\x01";
    my %bytes = (
        'random bytes'          => join('', map { chr int rand 256 } 1 .. 5_000),
        'an HTTP request'       => "GET / HTTP/1.0\r\n\r\n",
        'a record of 16 kB'     => "\x16\x03\x01\x40\x00" . "\x01" x 16_384,
        'one that is too long'  => "\x16\x03\x01\xff\xff" . 'x' x 70_000,
        'a hello of a megabyte' => "\x16\x03\x01\x40\x00\x01\x10\x00\x00" . 'x' x 16_380,
        'a wrong hello'         => $hello . "\x00",
        'alerts'                => "\x15\x03\x01\x00\x02\x01\x00" x 5_000,
        'application data'      => "\x17\x03\x03\x00\x20" . 'x' x 32,
    );
    my @open;
    for my $name (sort keys %bytes) {
        my $socket = $level2->tcp;
        syswrite $socket, $bytes{$name};
        push @open, $socket;
        $serves->($name);
    }
    for (1 .. 500) {
        my $socket = $level2->tcp;
        syswrite $socket, $hello if $_ % 2;
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $_ % 3;
    }
    $serves->('500 that come and go');
    my $client = $level2->old_client($node, $ca);
    my $forged = "\x17\x03\x03\x00\x20" . 'y' x 32;
    is POSIX::write(fileno $client->handle, $forged, length $forged), length $forged,
        'a record that is not its own';
    is $client->hear(10), undef, 'ends its connection';
    $serves->('a forged record');
};

subtest 'a peer that stops reading' => sub {
    my $client = $level2->old_client($node, $ca);
    my $handle = $client->handle;
    $handle->blocking(0);
    my $question = lock_message('vouchAsksAndLocksNothing', create => 0, wait => 0, ask => 'status');
    my $sent     = 0;
    my $end      = time + 1;
    while (time < $end && $sent < 10_000_000) {
        my $count = $handle->syswrite($question);
        IO::Select->new($handle)->can_write(0.1) if !$count;
        ($sent, $end) = ($sent + $count, time + 1) if $count;
    }
    cmp_ok $sent, '<', 10_000_000, 'asks a lot, reads nothing, and is heard no more';
    is + ($level2->run(@tls, @true))[0], 0, 'others are served';
};

subtest 'and those that say nothing' => sub {
    my ($status, undef, $err) = finish($waiting, 30);
    is $status, 99, 'a daemon that does not answer';
    cmp_ok time - $begun, '<', 30, 'is not waited for';
    like $err,
        qr/ret_cod=-406 .*\nflom: the daemon does not answer in TLS: was it started with the --tls options\?/,
        'the client says what it may be';
    for my $client ([$silent, 'a silent client'], [$half, 'half a hello']) {
        my $left = 20 - (time - $begun);
        ok + (IO::Select->new($client->[0])->can_read($left > 0 ? $left : 0)), "$client->[1] has its time";
        sysread $client->[0], my $byte, 1;
    }
    is + (() = $level2->log =~ /closed: no TLS handshake/g), 2, 'which is told';
    is $level2->stop,                                        0, 'the daemon lives on';
};

done_testing;
