use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno       qw(EBADF EBUSY ECONNRESET EINTR EPIPE ETIMEDOUT);
use POSIX       ();
use Time::HiRes qw(sleep time);

use VouchTest        qw(identity);
use VouchTest::Turns qw(listener sockets shake pair);
use Vouch::Socket;

# Signals that arrive while a socket waits: they are handled, and the waiting
# goes on; unless their handler dies, or does something to the socket.

$SIG{USR1} = sub { };    # those that come too late
my ($gate, $go);         # the latest child waits here until the handler is set

# More than the buffers of the kernel take, and nowhere the same.
my $BIG = join q(), map { pack('N', $_) . 'x' x 262_140 } 1 .. 64;

# A child that does this; it must end well.
sub child {
    my ($code) = @_;
    pipe $gate, $go or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    return $pid if $pid != 0;
    Test::More->builder->no_ending(1);
    @SIG{qw(USR1 __WARN__)} = ('IGNORE', 'DEFAULT');
    my $good = eval { $code->(); 1 };
    print STDERR "# child: $@" if !$good;
    POSIX::_exit($good ? 0 : 1);
}

sub wait_for { waitpid $_[0], 0; return $? }

# In the child: until with_handler() has begun, and a moment more.
sub wait_at_gate {
    sysread $gate, my $byte, 1;
    sleep 0.03;
    return;
}

# A child that sends us so many signals, and then does something.
sub signals {
    my ($count, $then) = @_;
    my $parent = $$;
    return child(sub {
        for (1 .. $count) {
            $_ == 1 ? wait_at_gate() : sleep 0.03;
            kill USR1 => $parent;
        }
        $then->() if $then;
    });
}

# Runs code with a handler for the signals of the latest child.
sub with_handler {
    my ($handler, $code) = @_;
    local $SIG{USR1} = $handler;
    syswrite $go, 'x';
    return $code->();
}

no warnings 'closed';    # where a handler was early
my %READS = (
    readline => sub { my ($s) = @_; return scalar <$s> },
    getline  => sub { my ($s) = @_; return $s->getline },
    sysread  => sub { my ($s) = @_; my $n = sysread $s, my $bytes, 100; return $n ? $bytes : undef },
    read     => sub { my ($s) = @_; my $n = read $s, my $bytes, 6; return $n ? $bytes : undef },
    getc     => sub { my ($s) = @_; my $c = getc $s; return defined $c ? $c . <$s> : undef },
    eof      => sub { my ($s) = @_; return eof($s)                  ? undef       : scalar <$s> },
    peek     => sub { my ($s) = @_; return $s->peek(my $bytes, 100) ? scalar <$s> : undef },
);

for my $how (sort keys %READS) {
    subtest "$how goes on after a signal" => sub {
        my ($server, $client) = pair({});
        my $handled = 0;
        my $pid     = signals(5, sub { print {$client} "hello\n" });
        is with_handler(sub { $handled++ }, sub { $READS{$how}->($server) }), "hello\n", 'what was sent';
        cmp_ok $handled, '>', 0, 'and the handler ran meanwhile';
        is wait_for($pid), 0, 'the sender ended well';
    };
}

my %WRITES = (
    print    => sub { my ($s, $bytes) = @_; return print {$s} $bytes },
    syswrite => sub {
        my ($s, $bytes) = @_;
        my $at = 0;
        while ($at < length $bytes) { $at += syswrite($s, $bytes, 100_000, $at) // return }
        return $at;
    },
    write => sub { my ($s, $bytes) = @_; return $s->write($bytes, length $bytes) },
);

for my $how (sort keys %WRITES) {
    subtest "$how goes on after a signal" => sub {
        my ($server, $client) = pair({});
        my $handled = 0;
        my $pid     = signals(
            5,
            sub {
                $server->close(SSL_no_shutdown => 1);
                local $/;
                die "other bytes\n" if readline($client) ne $BIG;
            }
        );
        undef $client;
        my $sent = with_handler(sub { $handled++ }, sub { $WRITES{$how}->($server, $BIG) });
        ok $sent, 'everything is sent';
        cmp_ok $handled, '>', 0, 'and the handler ran meanwhile';
        $server->close;
        is wait_for($pid), 0, 'the same bytes have arrived';
    };
}

subtest 'a handshake goes on after a signal' => sub {
    for my $version (qw(TLSv1_3 TLSv1_2)) {
        my ($server, $client) = sockets(listener(SSL_version => $version));
        $_->blocking(1) for $server, $client;
        my $handled = 0;
        my $pid     = signals(5, sub { $client->connect_SSL or die "$SSL_ERROR\n"; print {$client} "x\n" });
        undef $client;
        ok with_handler(sub { $handled++ }, sub { $server->accept_SSL }), "$version: of a server";
        is scalar(<$server>), "x\n", "$version: which works";
        is wait_for($pid),    0,     "$version: the client, too";

        ($server, $client) = sockets(listener(SSL_version => $version));
        $_->blocking(1) for $server, $client;
        $pid = signals(5, sub { $server->accept_SSL or die "$SSL_ERROR\n"; print {$server} "y\n" });
        undef $server;
        ok with_handler(sub { $handled++ }, sub { $client->connect_SSL }), "$version: of a client";
        is scalar(<$client>), "y\n", "$version: which works";
        is wait_for($pid),    0,     "$version: the server, too";
        cmp_ok $handled, '>', 1, "$version: and the handler ran meanwhile";
    }
};

subtest 'signals do not move a deadline' => sub {
    my ($server, $client) = pair({}, { SSL_io_timeout => 0.5 });
    my $handled = 0;
    my $pid     = signals(30);
    my $started = time;
    my $line    = with_handler(sub { $handled++ }, sub { scalar <$client> });
    my ($errno, $took) = ($! + 0, time - $started);
    is $line,  undef,     'nothing came';
    is $errno, ETIMEDOUT, 'within the time';
    cmp_ok $handled, '>',  3,    'many signals did';
    cmp_ok $took,    '>=', 0.45, 'the whole time was waited';
    cmp_ok $took,    '<',  5,    'and not much more';
    is with_handler('IGNORE', sub { wait_for($pid) }), 0, 'the sender ended well';
};

subtest 'accept, and a signal' => sub {
    my ($cert, $key) = identity('signals', cn => 'localhost');
    my $listen = sub {
        return Vouch::Socket->new(
            LocalAddr     => '127.0.0.1',
            LocalPort     => 0,
            Listen        => 5,
            SSL_cert_file => $cert,
            SSL_key_file  => $key,
            @_
        );
    };
    my $stop     = 0;
    my $listener = $listen->();
    my $pid      = signals(1);
    my $got      = with_handler(sub { $stop = 1 }, sub { $listener->accept });
    my $errno    = $! + 0;
    is $got,   undef, 'without a Timeout a signal ends the waiting, so that a loop may look at its flag,';
    is $stop,  1,     'which is set';
    is $errno, EINTR, 'and $! says so';
    like "$SSL_ERROR", qr/\Aaccept failed: /, 'in words';
    is wait_for($pid), 0, 'the sender ended well';

    $listener = $listen->(Timeout => 0.5);
    $pid      = signals(3);
    my $started = time;
    $got   = with_handler(sub { $stop++ }, sub { $listener->accept });
    $errno = $! + 0;
    is $got,   undef,     'with a Timeout';
    is $errno, ETIMEDOUT, 'it ends when the time is up';
    cmp_ok time - $started, '>=', 0.45, 'and not before';
    cmp_ok $stop,           '>',  1,    'though there were signals';
    is wait_for($pid), 0, 'the sender ended well';
};

# --- handlers that die -------------------------------------------------------

subtest 'alarm and die while reading' => sub {
    for my $how (sort keys %READS) {
        my ($server, $client) = pair({});
        my $died = eval {
            local $SIG{ALRM} = sub { die "too long\n" };
            Time::HiRes::alarm(0.1);
            $READS{$how}->($server);
            1;
        } ? '' : $@;
        is $died, "too long\n", "$how is interrupted";
        print {$client} "hello\n";
        is $READS{$how}->($server), "hello\n", "$how: and works afterwards";
        print {$server} "hanging up\n";
        is scalar(<$client>), "hanging up\n", "$how: so does the other direction";
    }
};

subtest 'alarm and die in the middle of a line' => sub {
    my ($server, $client) = pair({});
    my $interrupted = sub {
        my ($separator) = @_;
        local $/ = $separator;
        local $SIG{ALRM} = sub { die "too long\n" };
        Time::HiRes::alarm(0.1);
        return eval { my $line = <$server>; 1 } ? 'not interrupted' : $@;
    };
    for my $separator ("\n", 'END', "\n\n", undef, \1000, '') {
        my $name = !defined $separator ? 'undef' : ref $separator ? 'a number' : $separator =~ s/\n/\\n/gr;
        syswrite $client, 'one,';
        is $interrupted->($separator), "too long\n", "separator '$name': interrupted";
        syswrite $client, 'two,';
        is $interrupted->($separator), "too long\n", 'again';
        syswrite $client, "three\n";
        is scalar(<$server>), "one,two,three\n", 'and nothing is lost';
    }
};

subtest 'alarm and die while writing' => sub {
    my ($server, $client) = pair({});
    my $died = eval {
        local $SIG{ALRM} = sub { die "too long\n" };
        Time::HiRes::alarm(0.2);
        print {$server} $BIG;
        1;
    } ? '' : $@;
    is $died, "too long\n", 'it is interrupted';
    my $pid = child(sub {
        $server->close(SSL_no_shutdown => 1);
        my $got = q();
        1 while sysread $client, $got, 65_536, length $got;
        die "nothing came\n" if !length $got;
        die "something else in it\n" if $got ne substr $BIG, 0, length $got;
    });
    undef $client;
    my $sent = syswrite $server, 'y' x 20_000;
    is $sent, undef, 'what follows cannot be sent, for a record is half sent';
    like "$SSL_ERROR", qr/interrupted/, 'which it says';
    is $! + 0, EBUSY, 'also in $!';
    $server->close;
    is wait_for($pid), 0, 'and the peer sees no mixture';
};

subtest 'alarm and die in a handshake' => sub {
    my ($server, $client) = sockets(listener());
    $server->blocking(1);
    my $died = eval {
        local $SIG{ALRM} = sub { die "too long\n" };
        Time::HiRes::alarm(0.1);
        $server->accept_SSL;
        1;
    } ? '' : $@;
    is $died, "too long\n", 'it is interrupted';
    $server->blocking(0);
    ok shake($server, $client), 'and can go on';
    print {$client} "hello\n";
    is scalar(<$server>), "hello\n", 'to a connection that works';
};

# --- handlers that do something to the socket --------------------------------

# What a read gives when the handler does this: (value, errno, text).
sub while_reading {
    my ($read, $handler, $then) = @_;
    my ($server, $client) = pair({});
    my $pid = signals(1, $then && sub { $then->($client) });
    my @other;
    my $value = with_handler(
        sub { push @other, $handler->($_[0], \$server, \$client) },
        sub {
            return $server ? $READS{$read}->($server) : undef;
        }
    );
    my @result = ($value, $! + 0, "$SSL_ERROR");
    is wait_for($pid), 0, 'the sender ended well';
    return @result;
}

for my $how (sort keys %READS) {
    subtest "$how: the handler closes the socket" => sub {
        my %ways = (
            'close'             => sub { ${ $_[1] }->close },
            'close, no goodbye' => sub { ${ $_[1] }->close(SSL_no_shutdown => 1) },
            'CORE::close'       => sub { CORE::close(${ $_[1] }) },
        );
        for my $way (sort keys %ways) {
            my ($value, $errno, $text) = while_reading($how, $ways{$way});
            is $value, undef, "$way: nothing is read";
        }
    };
}

subtest 'the handler closes the socket, and its number is used again' => sub {
    my %ways = (
        'close'             => sub { $_[0]->close },
        'close, no goodbye' => sub { $_[0]->close(SSL_no_shutdown => 1) },
    );
    for my $way (sort keys %ways) {
        for my $how (qw(readline sysread)) {
            my ($server, $client) = pair({});
            my $number = fileno $server;
            pipe my $read, my $write or die "pipe: $!";
            syswrite $write, "not for you\n";
            my $pid   = signals(1);
            my $steal = sub { $ways{$way}->($server); POSIX::dup2(fileno $read, $number) };
            my $value = with_handler($steal, sub { $READS{$how}->($server) });
            my $errno = $! + 0;
            is $value,          undef,           "$way, $how: nothing is read";
            is $errno,          EBADF,           'for the socket is closed';
            is readline($read), "not for you\n", 'and the file that has its number was not touched';
            POSIX::close($number);
            is wait_for($pid), 0, 'the sender ended well';
        }
    }
};

subtest 'the handler drops the socket' => sub {
    for my $how (sort keys %READS) {
        my ($server, $client) = pair({});
        my $number = fileno $server;
        my $pid    = signals(1, sub { print {$client} "hello\n" });
        undef $client;
        my $value = with_handler(sub { undef $server }, sub { $READS{$how}->($server) });
        is $server,        undef,     "$how: it is gone";
        is $value,         "hello\n", 'once what it was asked for has come';
        is wait_for($pid), 0,         'the sender ended well';
    }
};

subtest 'the handler closes the socket while it is written to' => sub {
    for my $way ('close', 'no goodbye') {
        my ($server, $client) = pair({});
        my $pid   = signals(1);
        my $close = sub { $server->close($way eq 'close' ? () : (SSL_no_shutdown => 1)) };
        my $sent  = with_handler(
            $close,
            sub {
                1 while defined syswrite $server, 'x' x 100_000;
                return;
            }
        );
        is $sent,          undef, "$way: the write fails";
        is $! + 0,         EBADF, "$way: for the socket is closed";
        is wait_for($pid), 0,     'the sender ended well';
    }
};

subtest 'the handler closes the socket in its handshake' => sub {
    for my $way ('close', 'no goodbye') {
        my ($server, $client) = sockets(listener());
        $server->blocking(1);
        my $pid   = signals(1);
        my $close = sub { $server->close($way eq 'close' ? () : (SSL_no_shutdown => 1)) };
        my $done  = with_handler(
            $close,
            sub {
                eval { $server->accept_SSL }
            }
        );
        is $@,    '',    "$way: nothing dies";
        is $done, undef, 'but there is no handshake';
        like "$SSL_ERROR", qr/closed meanwhile/, 'and the error says why';
        is wait_for($pid), 0, 'the sender ended well';
        ok pair({}), 'others go on';
    }
};

subtest 'the handler reads from the socket' => sub {
    my ($server, $client) = pair({});
    my @lines;
    my $parent = $$;
    my $pid    = child(sub {
        syswrite $client, 'half ';
        wait_at_gate();
        kill USR1 => $parent;
        sleep 0.05;
        syswrite $client, "a line\n";
        syswrite $client, "whole\n";
        sysread $client, my $bytes, 1;
    });
    my $line = with_handler(sub { push @lines, scalar <$server> }, sub { scalar <$server> });
    push @lines, $line;
    push @lines, scalar <$server> if length join('', map { $_ // '' } @lines) < 18;
    print {$server} "x";
    is join('', sort { ($a =~ /half/) <=> ($b =~ /half/) } map { $_ // 'undef' } @lines) =~ tr/a-z//, 14,
        'each byte is read once';
    is wait_for($pid), 0, 'the sender ended well';
};

subtest 'the handler writes to the socket' => sub {
    my ($server, $client) = pair({});
    my $parent = $$;
    my $pid    = child(sub {
        wait_at_gate();
        kill USR1 => $parent;
        die "no word\n" if readline($client) ne "from the handler\n";
        print {$client} "thanks\n";
    });
    my $line = with_handler(sub { print {$server} "from the handler\n" }, sub { scalar <$server> });
    is $line,          "thanks\n", 'while a line is waited for';
    is wait_for($pid), 0,          'the peer got it';
};

# --- SIGPIPE -----------------------------------------------------------------

# The status of a child with this disposition of SIGPIPE that does this.
sub status_with_pipe {
    my ($disposition, $code) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        Test::More->builder->no_ending(1);
        $SIG{PIPE}     = $disposition;
        $SIG{__WARN__} = 'DEFAULT';
        exit($code->() ? 0 : 1);
    }
    waitpid $pid, 0;
    return $? & 127 ? 'killed by ' . ($? & 127) : $? >> 8;
}

my %GONE = (
    'writing' => sub {
        my ($server, $client) = pair({});
        $client->close(SSL_no_shutdown => 1);
        my $sent = 1;
        for (1 .. 200) { $sent = print {$server} 'x' x 16_384 or last }
        return !$sent && ($! == EPIPE || $! == ECONNRESET);
    },
    'closing' => sub {
        my ($server, $client) = pair({});
        $client->close(SSL_no_shutdown => 1);
        syswrite $server, 'x';
        sysread $server, my $bytes, 1;
        $server->close;
        return 1;
    },
    'letting go' => sub {
        my ($server, $client) = pair({});
        $client->close(SSL_no_shutdown => 1);
        syswrite $server, 'x';
        sleep 0.05;
        undef $server;
        return 1;
    },
    'shaking hands' => sub {
        my ($server, $client) = sockets(listener());
        $client->connect_SSL;
        $client->close(SSL_no_shutdown => 1);
        for (1 .. 20) { $server->accept_SSL or last if $server->opened; sleep 0.01 }
        return 1;
    },
    'answering garbage' => sub {
        my ($server, $client) = sockets(listener());
        CORE::send $client, "GET / HTTP/1.0\r\n\r\n", 0;
        CORE::close($client);
        sleep 0.05;
        return !$server->accept_SSL;
    },
);

for my $what (sort keys %GONE) {
    is status_with_pipe('DEFAULT', $GONE{$what}), 0, "$what to a peer who is gone does not raise SIGPIPE";
}

subtest 'the handlers of the program stay as they are' => sub {
    my @before = map { $_ // 'undef' } @SIG{qw(PIPE ALRM USR1 INT TERM CHLD)};
    my ($server, $client) = pair({});
    print {$server} "x\n";
    readline $client;
    $server->close;
    is_deeply [map { $_ // 'undef' } @SIG{qw(PIPE ALRM USR1 INT TERM CHLD)}], \@before, 'all of them';
};

done_testing;
