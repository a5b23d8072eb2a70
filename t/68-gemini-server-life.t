use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::IP          ();
use Time::HiRes             ();
use VouchTest               qw(identity slurp spew temp_dir);
use VouchTest::GeminiServer qw(ask connected in_time read_answer send_raw start status_of url);

use Vouch::Certificate ();
use Vouch::Gemini::Server;
use Vouch::Identity ();

# The life of a server: slow clients, bodies bit by bit, SIGHUP, SIGTERM,
# workers, the log.

sub slow_body {
    my ($file,  $pieces) = @_;
    my ($begun, $n)      = (0, 0);
    return success(
        'text/plain',
        sub {
            return "first\n" if !$begun++;
            return ''        if !-e $file;
            return $n++ < $pieces ? "more\n" : undef;
        }
    );
}

sub touch { return spew($_[0], '') }

# Until it has sent as much as matches.
sub read_until {
    my ($socket, $pattern) = @_;
    my $text = '';
    while ($text !~ $pattern) {
        last if !sysread $socket, $text, 65_536, length $text;
    }
    return $text;
}

subtest 'bodies bit by bit' => sub {
    my $file   = temp_dir() . '/go-bodies';
    my $log    = temp_dir() . '/bodies.log';
    my $server = start(
        sub {
            my ($server, $tell) = @_;
            my $count = 0;
            $server->get('/slow' => sub { slow_body($file, 2) });
            $server->get(
                '/many' => sub {
                    my $n = 0;
                    success('text/plain', sub { $n++ < 5000 ? "$n\n" x 100 : undef });
                }
            );
            $server->get(
                '/dies' => sub {
                    my $n = 0;
                    success('text/plain', sub { $n++ ? die "half way\n" : 'half' });
                }
            );
            $server->get(
                '/wide' => sub {
                    success('text/plain', sub { "\x{263A}" });
                }
            );
            $server->get(
                '/empty' => sub {
                    success('text/plain', sub { return });
                }
            );
            $server->get(
                '/flood' => sub {
                    success('text/plain', sub { $count++; 'x' x 65_536 });
                }
            );
            $server->get('/count' => sub { success('text/plain', $count) });
            $server->get('/'      => sub { gemtext('') });
        },
        idle_timeout => 1,
        log          => $log,
    );
    my $waiting = connected($server);
    print {$waiting} url($server, '/slow') . "\r\n";
    read_until($waiting, qr/first/);
    is status_of(ask($server, '/')), 20, 'others are served while one has nothing to say';
    touch($file);
    is read_answer($waiting)->{raw}, "more\n" x 2, 'then it goes on';
    my $many = ask($server, '/many');
    is length $many->{body}, length(join '', map { "$_\n" x 100 } 1 .. 5000), 'many pieces';
    ok $many->{clean}, '... and a goodbye';
    is ask($server, '/empty')->{raw}, "20 text/plain\r\n", 'none at all';
    my $dead = ask($server, '/dies');
    is status_of($dead), '20 cut', 'a function that dies: no goodbye';
    like $server->next_line, qr{^error .*/dies: half way$}, '... and it is told';
    is status_of(ask($server, '/wide')), '20 cut', 'characters that are no bytes';
    like $server->next_line, qr{^error .*/wide: .*wide characters}, '... are told';
    my $lazy = connected($server);
    print {$lazy} url($server, '/flood') . "\r\n";
    Time::HiRes::sleep(0.02) until ask($server, '/count')->{body} == ask($server, '/count')->{body};
    # Little waits in the system, so that a slow client is seen to take it.
    cmp_ok ask($server, '/count')->{body}, '<', $^O eq 'linux' ? 24 : 1000,
        'who does not read gets no more than fits between us';
    my $end = Time::HiRes::time() + 15;
    Time::HiRes::sleep(0.02) while slurp($log) !~ m{/flood cut$}m && Time::HiRes::time() < $end;
    cmp_ok Time::HiRes::time(), '<', $end, '... and is cut off in the end';
};

subtest 'clients that take their time' => sub {
    my $server = start(
        sub {
            $_[0]->get('/' => sub { gemtext('') });
        },
        header_timeout => 0.6
    );
    my ($seconds, $answer) = in_time(sub { read_answer(connected($server)) });
    is $answer->{raw}, '', 'who says nothing is let go';
    ok $answer->{clean}, '... with a goodbye';
    cmp_ok $seconds, '<', 10, '... in time';
    my $half = connected($server);
    print {$half} 'gemini://local';
    $answer = read_answer($half);
    is $answer->{raw}, "59 The request has taken too long\r\n", 'half a request';
    ok $answer->{clean}, '... with a goodbye';
    my $drops = connected($server);
    my $sent  = 0;
    while ($sent++ < 500 && !VouchTest::GeminiServer::is_readable($drops, 0.02)) { print {$drops} 'x' }
    cmp_ok $sent, '<', 500, 'a byte now and then';
    my $tcp = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $server->port) or die;
    is status_of(ask($server, '/')), 20, 'the next is served';
};

subtest 'SIGTERM finishes what runs' => sub {
    my $file   = temp_dir() . '/go-term';
    my $server = start(sub {
        $_[0]->get('/slow' => sub { slow_body($file, 2) });
    });
    my $waiting = connected($server);
    print {$waiting} url($server, '/slow') . "\r\n";
    read_until($waiting, qr/first/);
    my $idle = connected($server);
    $server->kill('TERM');
    my $end = Time::HiRes::time() + 10;
    while (my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $server->port)) {
        last if Time::HiRes::time() > $end;
        Time::HiRes::sleep(0.02);
    }
    cmp_ok Time::HiRes::time(), '<', $end, 'no more connections are accepted';
    is status_of(read_answer($idle)), 'nothing', 'who has said nothing is let go';
    touch($file);
    my $answer = read_answer($waiting);
    is $answer->{raw}, "more\n" x 2, 'who is being served gets all';
    ok $answer->{clean}, '... and a goodbye';
    is $server->wait, 0, 'then it ends well';
};

subtest 'SIGTERM, and somebody who never ends' => sub {
    my $server = start(
        sub {
            $_[0]->get('/slow' => sub { slow_body('/no/such/file', 3) });
        },
        grace => 0.5
    );
    my $waiting = connected($server);
    print {$waiting} url($server, '/slow') . "\r\n";
    read_until($waiting, qr/first/);
    my ($seconds, $status) = in_time(sub { $server->stop });
    is $status, 0, 'it ends';
    cmp_ok $seconds, '<', 10, '... in time';
    is read_answer($waiting)->{clean}, 0, 'and the client sees that there was more';
};

subtest 'SIGHUP' => sub {
    my $dir  = temp_dir();
    my $make = sub {
        my ($cn) = @_;
        Vouch::Identity->create(cn => $cn, file => "$dir/hup", replace => 1);
    };
    my ($member, $other) = map { [identity($_, cn => $_)] } qw(member other);
    spew("$dir/ca.pem", slurp($member->[0]));
    $make->('one');
    my $file = "$dir/go-hup";
    my $log  = "$dir/access.log";
    for my $workers (1, 2) {
        spew($log, '');
        unlink $file;
        $make->('one');
        spew("$dir/ca.pem", slurp($member->[0]));
        my $server = start(
            sub {
                my ($server) = @_;
                $server->get('/'     => sub { gemtext('') });
                $server->get('/slow' => sub { slow_body($file, 2) });
                $server->get('/ca'   => { require => { ca => "$dir/ca.pem" } } => sub { gemtext('') });
            },
            cert      => "$dir/hup-cert.pem",
            key       => "$dir/hup-key.pem",
            log       => $log,
            workers   => $workers,
            on_reload => sub { open my $out, '>>', "$dir/reloaded"; print {$out} 'x' },
        );
        my $name  = sub { my $socket = connected($server); return $socket->peer_certificate('cn') };
        my $shows = sub {
            my ($want) = @_;
            my $end    = Time::HiRes::time() + 15;
            my $streak = 0;
            while (Time::HiRes::time() < $end && $streak < 6) {
                $streak = $name->() eq $want ? $streak + 1 : 0;
                Time::HiRes::sleep(0.02);
            }
            return $streak == 6;
        };
        is $name->(),                                      'one', "$workers: the certificate";
        is status_of(ask($server, '/ca', cert => $other)), 61,    'the authorities';
        my $waiting = connected($server);
        print {$waiting} url($server, '/slow') . "\r\n";
        read_until($waiting, qr/first/);
        $make->('two');
        spew("$dir/ca.pem", slurp($other->[0]));
        rename $log, "$log.1";
        $server->kill('HUP');
        ok $shows->('two'), 'a new certificate';
        is status_of(ask($server, '/ca', cert => $other)), 20, 'other authorities';
        ok -e $log && -s $log, 'a new log';
        touch($file);
        my $answer = read_answer($waiting);
        is $answer->{raw}, "more\n" x 2, 'and a connection of before has gone on';
        spew("$dir/hup-cert.pem", 'nonsense');
        spew("$dir/ca.pem",       'nonsense');
        $server->kill('HUP');
        like $server->next_line, qr/^error reload: .*hup-cert\.pem/, 'what cannot be read is told';
        like $server->next_line, qr/^error reload: .*ca\.pem/,       '... one by one' if $workers == 1;
        is $name->(),                                      'two', '... and the old stays';
        is status_of(ask($server, '/ca', cert => $other)), 20,    '... of the authorities, too';
        is $server->stop,                                  0,     'it ends well';
    }
    cmp_ok length slurp("$dir/reloaded"), '>=', 4, 'the program was told';
};

subtest 'workers' => sub {
    my $server = start(
        sub {
            my ($server, $tell) = @_;
            $server->get('/pid'  => sub { success('text/plain', $$) });
            $server->get('/stop' => sub { $server->stop; gemtext('') });
        },
        workers => 2,
    );
    my %seen;
    my $end = Time::HiRes::time() + 15;
    while (keys %seen < 2 && Time::HiRes::time() < $end) {
        my @sockets = map { connected($server) } 1 .. 4;
        print {$_} url($server, '/pid') . "\r\n" for @sockets;
        $seen{ read_answer($_)->{body} }++ for @sockets;
    }
    is keys %seen, 2, 'two processes serve';
    ok !exists $seen{ $server->pid }, 'beside the one that looks after them';
    my ($victim) = sort keys %seen;
    kill KILL => $victim;
    like $server->next_line, qr/^error a worker has ended with signal 9; another one follows$/,
        'one is killed';
    undef %seen;
    $end = Time::HiRes::time() + 15;

    while (keys %seen < 2 && Time::HiRes::time() < $end) {
        $seen{ ask($server, '/pid')->{body} // '' }++;
        delete $seen{$victim};
    }
    is keys %seen,                       2,  'and another one follows';
    is status_of(ask($server, '/stop')), 20, 'one of them says stop';
    is $server->wait,                    0,  'all end well';
    is_deeply [grep { kill 0 => $_ } grep { length } keys %seen], [], '... all of them';
};

subtest 'workers whose parent is killed' => sub {
    my $server = start(
        sub {
            $_[0]->get('/pid' => sub { success('text/plain', $$) });
        },
        workers => 2
    );
    my $worker = ask($server, '/pid')->{body};
    $server->kill('KILL');
    $server->wait;
    my $end = Time::HiRes::time() + 10;
    Time::HiRes::sleep(0.05) while kill(0 => $worker) && Time::HiRes::time() < $end;
    ok !kill(0 => $worker), 'end by themselves';
};

subtest 'the access log' => sub {
    my @alex  = identity('alex', cn => 'Alex');
    my $setup = sub {
        my ($server) = @_;
        $server->get('/'    => sub { gemtext("# Hello\n") });
        $server->get('/ask' => sub { gemtext('') });
        $server->get(
            '/cut' => sub {
                success('text/plain', sub { die "\n" });
            }
        );
        $server->titan('/up' => { token => 'swordfish' } => sub { gemtext('') });
    };
    my $log    = temp_dir() . '/plain.log';
    my $server = start($setup, log => $log);
    ask($server, '/');
    ask($server, '/ask?my%20password');
    ask($server, "/caf\xC3\xA9%0A");
    send_raw($server, "nonsense \x1B[2J\r\n");
    send_raw($server, url($server, '/up', 'titan') . ";size=1;token=swordfish\r\nx");
    ask($server, '/cut');
    $server->stop;
    my $port  = $server->port;
    my $stamp = qr/\A20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z/;
    my @lines = split /\n/, slurp($log);
    like $lines[0], qr{$stamp 20 24 [0-9]+\.[0-9] gemini://localhost:$port/\z},     'a page';
    like $lines[1], qr{ gemini://localhost:$port/ask\z},                            'without what was typed';
    like $lines[2], qr{ 51 26 [0-9.]+ gemini://localhost:$port/caf\\xC3\\xA9%0A\z}, 'escaped';
    like $lines[3], qr{ 59 [0-9]+ [0-9.]+ -\z},                                     'no request';
    like $lines[4], qr{ 20 [0-9]+ [0-9.]+ titan://localhost:$port/up\z}, 'an upload, without its token';
    like $lines[5], qr{/cut cut\z},                                      'broken off';
    is @lines, 6, 'and no more';
    unlike slurp($log), qr/127\.0\.0\.1|password|swordfish|[^\n\x20-\x7E]/,
        'no address, no secret, no control character';
    is((stat $log)[2] & oct 7, 0, 'others cannot read it');
    my $more = start($setup, log => { to => $log, address => 1, certificate => 1 });
    ask($more, '/', cert => \@alex);
    $more->stop;
    my $print = Vouch::Certificate->from_file($alex[0])->fingerprint(spelling => 'lower');
    like + (split /\n/, slurp($log))[-1], qr{/ 127\.0\.0\.1 \Q$print\E\z},
        'with address and fingerprint, if asked for';
};

done_testing;
