use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno           qw(ECONNRESET EINVAL EMSGSIZE);
use IO::Select      ();
use Socket          qw(SOL_SOCKET SO_LINGER SHUT_WR);
use VouchTest       qw(expect_warnings identity);
use VouchTest::Pair ();
use Vouch::Socket;

# A TLS socket as a Perl handle: reading, lines, writing, the end, errors; what
# has to wait is in 16-handle-waiting.t.
# What can be held against core Perl is: the same on a file or a pipe.

my @server   = identity('server', cn => 'localhost');
my $context  = Vouch::Context->new(SSL_server => 1, SSL_cert_file => $server[0], SSL_key_file => $server[1]);
my $visitor  = Vouch::Context->new(SSL_verify_mode => SSL_VERIFY_NONE);
my $listener = VouchTest::Pair::listener(SSL_reuse_ctx => $context);

# A pair of sockets: ($client, $server).
sub both {
    return VouchTest::Pair->new(listener => $listener, client => { SSL_reuse_ctx => $visitor, @_ })->both;
}

# A socket from which these records can be read, and then the end.
sub holding {
    my (@records) = @_;
    my ($client, $server) = both();
    syswrite $client, $_ for @records;
    $client->close;
    return $server;
}

# All that arrives.
sub rest_of {
    my ($handle) = @_;
    local $/;
    return readline($handle) // '';
}

sub error_of {
    my ($code) = @_;
    return eval { $code->(); 1 } ? undef : $@;
}

# Close as a crashed program does: TCP resets.
sub reset_by {
    my ($socket) = @_;
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 or die $!;
    $socket->close(SSL_no_shutdown => 1);
    return;
}

my %separator = (
    'a newline'           => ["\n",                "one\ntwo\n\nthree"],
    'CR LF'               => ["\r\n",              "one\r\ntwo\rx\nthree\r\n\r\r\n"],
    'a letter'            => ['x',                 'axbxxc'],
    'a long one'          => ['--separator--',     'a--separator--b--separator-c--separator----separator--'],
    'one that overlaps'   => ['aab',               'aaab-aabaaaab'],
    'longer than 16'      => ['0123456789abcdefg', '0123456789abcdefg-0123456789abcdef-0123456789abcdefg'],
    'a NUL'               => ["\0",                "a\0b\0\0c"],
    'paragraphs'          => ['',                  "\n\none\ntwo\n\nthree\n\n\n\nfour\n"],
    'paragraphs, ends so' => ['',                  "one\n\ntwo\n\n\n"],
    'none'                => [undef,               "one\ntwo\n"],
    'records of 4'        => [\4,                  'aaaabbbbcc'],
    'records of 1'        => [\1,                  'abc'],
    'records, exactly'    => [\3,                  'aaabbb'],
    'records, much more'  => [\1000,               'abc'],
);

# What core Perl makes of it.
sub core_lines {
    my ($separator, $data) = @_;
    open my $in, '<', \$data or die $!;
    local $/ = $separator;
    my @lines = <$in>;
    return @lines;
}

for my $kind (sort keys %separator) {
    subtest "lines: $kind" => sub {
        my ($separator, $data) = @{ $separator{$kind} };
        my @want = core_lines($separator, $data);
        local $/ = $separator;
        my @wrong;
        for my $at (0 .. length $data) {
            my @records = grep { length } substr($data, 0, $at), substr $data, $at;
            my $handle  = holding(@records);
            my @got     = <$handle>;
            push @wrong, $at if "@{[map { unpack 'H*', $_ } @got]}" ne "@{[map { unpack 'H*', $_ } @want]}";
        }
        is_deeply \@wrong, [], 'as from a file, in a list, wherever the records are split';
        my $handle = holding(split //, $data);
        my @got;
        while (defined(my $line = <$handle>)) { push @got, $line }
        is_deeply \@got, \@want, 'as from a file, one by one, a record for each byte';
        is scalar(<$handle>), undef, 'and then undef';
        is scalar(<$handle>), undef, 'for ever';
    };
}

subtest 'lines: methods' => sub {
    my $handle = holding("one\ntwo\nthree\nfour\n");
    is $handle->getline, "one\n", 'getline';
    is_deeply [$handle->getlines], ["two\n", "three\n", "four\n"], 'getlines';
    is $handle->getline, undef, 'getline at the end';
    is_deeply [$handle->getlines], [], 'getlines at the end';
    is readline(holding("x\n")), "x\n", 'readline';
    my $lines = () = readline holding("a\nb\n");
    is $lines, 2, 'readline in a list';
};

subtest 'lines: a separator that is none' => sub {
    local $/ = "\x{e9}";
    utf8::upgrade($/);
    is readline(holding("caf\xe9s")), "caf\xe9", 'one that Perl keeps as UTF-8 inside is a byte';
    local $/ = "\x{263a}";
    my $error = error_of(sub { readline holding("x\n") });
    like $error, qr{\$/ must be bytes; it has wide characters}, 'one that is no byte is told';
};

subtest 'lines: long' => sub {
    my $long   = 'x' x 300_000;
    my $handle = holding(map { substr $long . "\n", $_ * 16_384, 16_384 } 0 .. 18);
    is length readline($handle), 300_001, 'one of 300 kB in 19 records';
    my ($client, $server) = both();
    ($client, $server) = VouchTest::Pair->new(
        server => { SSL_reuse_ctx => $context, SSL_max_line => 10 },
        client => { SSL_reuse_ctx => $visitor }
    )->both;
    print {$client} "123456789\n";
    is scalar <$server>, "123456789\n", 'SSL_max_line: a line of exactly that is read';
    syswrite $client, "1234567890";
    syswrite $client, "1\nnext\n";
    $! = 0;
    is scalar <$server>, undef,    'one longer is not';
    is $! + 0,           EMSGSIZE, '$! says so';
    like $SSL_ERROR, qr/no end of line within 10 bytes \(SSL_max_line\)/, '$SSL_ERROR says which limit';
    is scalar <$server>,                 undef,        'and its end is not taken for a line';
    is sysread($server, my $buffer, 10), 10,           "sysread gets at what was gathered";
    is $buffer,                          '1234567890', 'all of it';
    is scalar <$server>,                 "1\n",        'and then lines are read again';
    is scalar <$server>,                 "next\n",     'as they come';
};

# Call code with a fresh pair; what the other side gets, and what it returned.
sub written {
    my ($code) = @_;
    my ($client, $server) = both();
    my @result = $code->($client);
    $client->close;
    return (rest_of($server), @result);
}

subtest 'print' => sub {
    my %case = (
        'one'              => sub { print { $_[0] } 'one' },
        'a list'           => sub { print { $_[0] } 'a', 1, 2.5, '', 'b' },
        'with $,'          => sub { local $, = '-';   print { $_[0] } 'a', 'b', 'c' },
        'with $\\'         => sub { local $\ = "!\n"; print { $_[0] } 'a', 'b' },
        'with both'        => sub { local ($,, $\) = ('-', "\r\n"); print { $_[0] } 'a', 'b' },
        '$,, one value'    => sub { local $, = '-'; print { $_[0] } 'a' },
        '$\\, no value'    => sub { local $\ = '!'; my @none; print { $_[0] } @none },
        'say'              => sub { say { $_[0] } 'a',                                     'b' },
        'say with $,'      => sub { local ($,, $\) = ('-', '!'); say { $_[0] } 'a',        'b' },
        'printf'           => sub { printf { $_[0] } '%03d|%s|%%',                         7,   'x' },
        'printf with both' => sub { local ($,, $\) = ('-', '!'); printf { $_[0] } '%s %s', 'a', 'b' },
        'many'             => sub { print { $_[0] } 1 .. 1000 },
    );
    for my $name (sort keys %case) {
        my $want = '';
        open my $memory, '>', \$want or die $!;
        $case{$name}->($memory);
        close $memory;
        my ($got, $result) = written($case{$name});
        is $got, $want, "$name: as to a file";
        ok $result, "$name: true";
    }
    my ($got, $result) = written(sub { $_[0]->print('a', 'b') && $_[0]->say('c') && $_[0]->printf('%d', 5) });
    is $got, "abc\n5", 'as methods';
    ($got, $result) = written(sub { print { $_[0] } '' });
    ok $result, 'nothing at all is true too';
    cmp_ok $result, '==', 0, 'and counts as 0';
    is + (written(sub { print { $_[0] } 'abc' }))[1], 3, 'else it is the number of bytes';
};

subtest 'characters and bytes' => sub {
    my $upgraded = "caf\xe9";
    utf8::upgrade($upgraded);
    is + (written(sub { print { $_[0] } $upgraded }))[0], "caf\xe9", 'print: a byte, however Perl keeps it';
    is + (written(sub { print { $_[0] } $upgraded, "\xff" }))[0], "caf\xe9\xff", 'print: in a list';
    is + (written(sub { syswrite $_[0], $upgraded }))[0],         "caf\xe9",     'syswrite';
    is + (written(sub { syswrite $_[0], $upgraded, 1, -1 }))[0],  "\xe9",        'syswrite with an offset';
    is + (written(sub { local $\ = $upgraded; print { $_[0] } 'x' }))[0], "xcaf\xe9", 'print with $\\';
    my ($warnings, $got) = expect_warnings(sub {
        written(sub { print { $_[0] } "\x{263a}", "\xe9" });
    });
    is $got,              "\xe2\x98\xba\xe9", 'print: a wide character goes as UTF-8';
    is scalar @$warnings, 1,                  'with a warning';
    like $warnings->[0], qr/Wide character in print at \Q${\__FILE__}\E/, 'as to a file';
    ($warnings) = expect_warnings(sub {
        no warnings 'utf8';
        written(sub { print { $_[0] } "\x{263a}" });
    });
    is_deeply $warnings, [], 'which can be switched off';
    ok !eval {
        written(sub { syswrite $_[0], "\x{263a}" });
        1;
    }, 'syswrite dies';
    like $@, qr/Wide character in syswrite at \Q${\__FILE__}\E/, 'as to a file';
};

subtest 'syswrite' => sub {
    my @case = (
        [[],      'abcdef'],
        [[undef], 'abcdef'],
        [[3],     'abc'],
        [[0],     ''],
        [[6],     'abcdef'],
        [[100],   'abcdef'],
        [[3,   2],  'cde'],
        [[100, 2],  'cdef'],
        [[4,   -3], 'def'],
        [[1,   -6], 'a'],
        [[6,   6],  ''],
        [[0,   3],  ''],
        [[1,   5],  'f'],
    );
    for my $case (@case) {
        my ($arg, $want) = @$case;
        my $name = 'syswrite(' . join(', ', "'abcdef'", map { $_ // 'undef' } @$arg) . ')';
        my ($got, $result) = written(sub { syswrite_with($_[0], 'abcdef', @$arg) });
        is $got,    $want,        "$name: what arrives";
        is $result, length $want, "$name: what is returned";
    }
    for my $arg ([-1], [1, 7], [1, -7], [-5, 2], [1, 2**62], [1, -2**62], [0, 7]) {
        my ($got, $result, $errno) = written(sub { $! = 0; (syswrite_with($_[0], 'abcdef', @$arg), $! + 0) });
        is $got,    '',     "outside the string (@$arg): nothing is sent";
        is $result, undef,  "outside the string (@$arg): undef";
        is $errno,  EINVAL, "outside the string (@$arg): \$!";
    }
    my ($client, $server) = both();
    is syswrite($client, 'x' x 70_000), 16_384, 'at most one record at a time';
    is + (written(sub { $_[0]->syswrite('abc', 2) }))[0],    'ab',  'as a method';
    is + (written(sub { $_[0]->write('abcdef', 3, 1) }))[0], 'bcd', 'write, which writes all';
};

# syswrite with as many arguments as there are.
sub syswrite_with {
    my ($handle, $text, @arg) = @_;
    return @arg == 0 ? syswrite $handle, $text : @arg == 1
        ? syswrite $handle, $text, $arg[0]
        : syswrite $handle, $text, $arg[0], $arg[1];
}

subtest 'sysread' => sub {
    for my $start (undef, '', 'abcdef') {
        for my $arg ([3], [3, 0], [3, 2], [3, 6], [3, 10], [100], [0], [0, 3], [0, 8],
            $start ? ([3, -2], [3, -6]) : ())
        {
            my $name = 'sysread(' . join(', ', defined $start ? "'$start'" : 'undef', @$arg) . ')';
            pipe my $read, my $write or die $!;
            syswrite $write, 'XYZ12';
            my ($want, $got) = ($start, $start);
            no warnings 'uninitialized';
            my $wanted = sysread $read, $want, $arg->[0], $arg->[1] // 0;
            my ($client, $server) = both();
            syswrite $client, 'XYZ12';
            is sysread($server, $got, $arg->[0], $arg->[1] // 0), $wanted, "$name: returns as core does";
            is $got,                                              $want,   "$name: the buffer";
        }
    }
    my $handle = holding('abc');
    my $buffer = 'old contents';
    is $handle->sysread($buffer, 2),      2,    'as a method';
    is $buffer,                           'ab', 'replaces the buffer';
    is sysread($handle, $buffer, 100, 1), 1,    'what is left';
    is $buffer,                           'ac', 'behind the offset';
    is sysread($handle, $buffer, 100, 1), 0,    'at the end 0';
    is $buffer,                           'a',  'and the buffer ends at the offset, as with core';
    is sysread($handle, $buffer, 100),    0,    'for ever';
    is "$SSL_ERROR",                      '',   'without an error';
    my ($client, $server) = both();
    syswrite $client, 'ab';
    syswrite $client, 'cd';
    is sysread($server, $buffer, 100), 2, 'at most one record at a time';
    like error_of(sub { sysread $server, $buffer, -1 }), qr/\ANegative length at \Q${\__FILE__}\E/,
        'a negative length';
    like error_of(sub { sysread $server, $buffer, 1, -9 }), qr/\AOffset outside string at \Q${\__FILE__}\E/,
        'an offset before the start';
    like error_of(sub { sysread $server, $buffer, 1, 2**40 }), qr/\AOffset outside string at/,
        'an offset beyond reason';
    like error_of(sub { sysread $server, ${ \'constant' }, 1 }), qr/read-only/, 'a constant';
    is sysread($server, $buffer, 2**31), 2,    'a length of 2 GB takes what there is';
    is $buffer,                          'cd', 'and no memory';
    my $wide = "\x{263a}";
    syswrite $client, 'e';
    is sysread($server, $wide, 10), 1,   'a buffer of wide characters is replaced';
    is $wide,                       'e', 'by bytes';
};

subtest 'read' => sub {
    my $handle = holding('abc', 'def', 'ghi');
    is read($handle, my $buffer, 100), 3, 'the function takes a record, as with IO::Socket::SSL';
    $handle = holding('abc', 'def', 'ghi');
    is $handle->read($buffer, 5),      5,           'the method reads on until it has all';
    is $buffer,                        'abcde',     'across records';
    is $handle->read($buffer, 100, 5), 4,           'or until the end';
    is $buffer,                        'abcdefghi', 'behind the offset';
    is $handle->read($buffer, 100, 9), 0,           'at the end 0';
    is $handle->read($buffer, 2**31),  0,           'a length of 2 GB takes no memory';
};

subtest 'getc, peek, pending, eof' => sub {
    my ($client, $server) = both();
    syswrite $client, "abcdef\nx";
    is $server->pending,              0,            'nothing is pending before anything was read';
    is $server->peek(my $buffer, 3),  3,            'peek looks ahead';
    is $buffer,                       'abc',        'and shows';
    is $server->peek($buffer, 100),   8,            'at most what is there';
    is $buffer,                       "abcdef\nx",  'all of it';
    is $server->peek($buffer, 2, 3),  2,            'peek behind an offset';
    is $buffer,                       'abcab',      'keeps what is before it';
    is $server->peek($buffer, 1, 7),  1,            'an offset past the end';
    is $buffer,                       "abcab\0\0a", 'is filled up to';
    is $server->peek($buffer, 1, -1), 1,            'an offset from the end';
    is $buffer,                       "abcab\0\0a", 'counts from there';
    is $server->peek(my $none, 1, 1), 1,            'an undefined one';
    is $none,                         "\0a",        'is empty';
    ok !eval { $server->peek($buffer, 1, -9) }, 'an offset before the start dies';
    is getc($server),    'a', 'getc: it was not taken';
    is $server->getc,    'b', 'getc as a method';
    is $server->pending, 6,   'the rest is pending';
    ok !IO::Select->new($server)->can_read(0), 'where select sees nothing any more';
    ok !eof($server),                          'this is not the end';
    ok !$server->eof,                          'as a method';
    is scalar <$server>,               "cdef\n", 'a line after all that';
    is $server->pending,               1,        'one byte is left';
    is sysread($server, $buffer, 100), 1,        'which sysread gets';
    is $server->pending,               0,        'and nothing is left';
    $client->close;
    ok eof($server), 'the end';
    ok $server->eof, 'as a method';
    is getc($server),             undef, 'getc at the end';
    is $server->peek($buffer, 1), 0,     'peek at the end';
    my @lines;
    my $handle = holding("a\nb\n");
    while (!eof $handle) { push @lines, scalar <$handle> }
    is_deeply \@lines, ["a\n", "b\n"], 'a loop with eof';
};

subtest 'reading in every way from one record' => sub {
    my $handle = holding("line\nABxyz123\nlast");
    is scalar <$handle>,                "line\n", 'a line';
    is getc($handle),                   'A',      'a byte';
    is sysread($handle, my $buffer, 1), 1,        'sysread one';
    is $buffer,                         'B',      'the next';
    is $handle->read($buffer, 3),       3,        'read three';
    is $buffer,                         'xyz',    'the next';
    is $handle->peek($buffer, 3),       3,        'peek';
    is scalar <$handle>,                "123\n",  'a line';
    is rest_of($handle),                'last',   'the rest';
};

subtest 'close' => sub {
    my ($client, $server) = both();
    my $fd = fileno $client;
    ok $client->opened, 'opened';
    like $fd, qr/\A[0-9]+\z/, 'fileno';
    is $client->fileno, $fd, 'as a method';
    ok close($client),   'close is true';
    ok !$client->opened, 'not opened any more';
    is fileno $client, undef, 'no fileno any more';
    ok !$client->close, 'a second close is not true';
    is sysread($server, my $buffer, 10), 0,     'the other side sees the end';
    is $server->last_error,              undef, 'a proper one';
    ok $server->close, 'close as a method';
    ($client, $server) = both();
    undef $client;
    is sysread($server, $buffer, 10), 0,     'a socket that goes out of scope says goodbye';
    is $server->last_error,           undef, 'properly';
    ($client, $server) = both();
    print {$server} 'unread';
    $client->close;
    is sysread($server, $buffer, 10), 0, 'who closes with unread bytes does not reset the other side';
    no warnings qw(closed unopened);
    is print({$client} 'x'), undef, 'print to a closed socket';
    is scalar <$client>,     undef, 'a line from it';
};

subtest 'the end without goodbye' => sub {
    my ($client, $server) = both();
    print {$client} "half a line";
    shutdown $client, SHUT_WR;
    is scalar <$server>, 'half a line', 'what came before is read';
    $! = EINVAL;
    is sysread($server, my $buffer, 10), 0,  'then it is an end';
    is $! + 0,                           0,  'without an error';
    is "$SSL_ERROR",                     '', 'in $SSL_ERROR either';
    my $error = $server->last_error;
    isa_ok $error, 'Vouch::Error', 'but who asks';
    is $error->code, 'closed', 'is told';
};

subtest 'a peer that resets' => sub {
    for my $side ([0, 1, 'client'], [1, 0, 'server']) {
        my ($here, $there, $name) = @$side;
        my @pair = both();
        syswrite $pair[$here], "line\npart";
        is scalar readline($pair[$there]), "line\n", "$name: the line before is read";
        reset_by($pair[$here]);
        $! = 0;
        is scalar readline($pair[$there]), undef,      "$name: then undef";
        is $! + 0,                         ECONNRESET, "$name: \$!";
        like $SSL_ERROR, qr/the connection failed: /, "$name: \$SSL_ERROR";
        is $pair[$there]->last_error->errno,       ECONNRESET, "$name: last_error";
        is sysread($pair[$there], my $buffer, 10), 4,          "$name: what was half read is kept";
        is $buffer,                                'part',     "$name: all of it";
        is sysread($pair[$there], $buffer, 10),    undef,      "$name: sysread fails";
        ok eof($pair[$there]), "$name: eof ends a loop";
        is syswrite($pair[$there], 'x'), undef, "$name: syswrite fails";
        ok !print({ $pair[$there] } 'x'), "$name: print fails";
        ok $pair[$there]->close,          "$name: close works";
    }
};

# Write bytes past TLS.
sub inject {
    my ($socket, $bytes) = @_;
    open my $raw, '>>&', fileno $socket or die $!;
    syswrite $raw, $bytes;
    close $raw;
    return;
}

subtest 'garbage in the stream' => sub {
    my ($client, $server) = both();
    print {$client} "line\n";
    inject($client, "\x17\x03\x03\0\x20" . 'x' x 32);
    is scalar <$server>, "line\n", 'the line before is read';
    is scalar <$server>, undef,    'a record that is forged: undef, no end';
    isnt $! + 0,         0,        '$! is set';
    like $SSL_ERROR, qr/bad record mac|decryption failed/, '$SSL_ERROR tells';
    ($client, $server) = both();
    inject($client, "GET / HTTP/1.0\r\n\r\n");
    is sysread($server, my $buffer, 10), undef, 'text without TLS: undef';
    like $SSL_ERROR, qr/wrong version number|http request|packet length too long/, 'and told';
    ($client, $server) = both();
    inject($client, "\x17\x03\x03\0\x40" . 'x' x 10);
    shutdown $client, SHUT_WR;
    is sysread($server, $buffer, 10), undef, 'cut off in the middle of a record: undef, no end';
    isnt $! + 0,                      0,     '$! is set';
    like $SSL_ERROR, qr/in the middle of a record/, 'and told';
};

done_testing;
