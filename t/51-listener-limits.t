use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno             qw(EMFILE);
use Time::HiRes       qw(time);
use VouchTest         qw(expect_warnings identity);
use VouchTest::Crowd  qw(client gone identity_files in_child listener meet silent start until_told);
use VouchTest::Server ();
use VouchTest::Turns  qw(open_descriptors);
use Vouch::Socket;

# What a listener does when there is too much, after a fork, and what remains.

my @told;
my %telling = (on_error => sub { push @told, @_ });

sub told { return splice @told }

sub stats {
    my ($listener, @names) = @_;
    my $stats = $listener->stats;
    return join ' ', map { "$_ $stats->{$_}" } @names;
}

subtest 'handshakes at once' => sub {
    my $listener = listener(Handshakes => 2, %telling);
    my @silent   = map { silent($listener) } 1 .. 3;
    $listener->advance for 1 .. 3;
    is stats($listener, qw(accepted pending)), 'accepted 2 pending 2', 'two are let in, the third waits';
    my $deadline = $listener->next_deadline;
    cmp_ok $deadline, '<=', 5, 'at most as long as one may keep a place';
    shutdown $silent[0], 1;
    ok until_told($listener, sub { @told }),                             'one goes';
    ok until_told($listener, sub { $listener->stats->{accepted} == 3 }), 'the third comes in';
    is $listener->pending, 2, 'there are two again';
    shutdown $_, 1 for @silent[1, 2];
    ok until_told($listener, sub { @told == 3 }), 'all have gone';
    is join(' ', map { $_->{what} } told()), 'handshake handshake handshake', 'as failures';
    my ($server) = meet($listener);
    ok $server, 'a good one comes through';
};

subtest 'connections from one address' => sub {
    my $listener = listener(PerAddress => 2, %telling);
    my ($server, $client) = meet($listener);
    my $silent = silent($listener);
    my $third  = silent($listener);
    ok until_told($listener, sub { @told }), 'one too many is refused';
    my ($failure) = told();
    is $failure->{what}, 'refused',        'and told so';
    is $failure->{port}, $third->sockport, 'it is the last that came';
    like $failure->{text}, qr/: this address has 2 connections already\z/, 'with the reason';
    is $failure->{error}->code, 'limit', 'and a code';
    ok !sysread($third, my $bytes, 1), 'it is closed';
    is stats($listener, qw(refused open)), 'refused 1 open 2', 'it is counted';
    close $server;
    my ($next) = meet($listener);
    ok $next, 'an open one that is closed makes room';
    undef $next;
    ($next) = meet($listener);
    ok $next, 'so does one that goes out of scope';
    is_deeply [told()], [], 'nobody else is refused';
};

subtest 'connections in all' => sub {
    my $listener = listener(MaxConnections => 1, %telling);
    my ($server, $client) = meet($listener);
    my $second = start($listener);
    $second->connect_SSL;
    $listener->advance for 1 .. 3;
    is stats($listener, qw(accepted open)), 'accepted 1 open 1', 'a second one waits outside';
    my $bits = '';
    vec($bits, $listener->fileno, 1) = 1;
    is select(my $found = $bits, undef, undef, 0), 0,     'and does not wake an event loop';
    is $listener->next_deadline,                   undef, 'nor a timer';
    close $server;
    is select($found = $bits, undef, undef, 10), 1, 'the end of the first wakes it';
    my ($next) = meet($listener, $second);
    ok $next, 'then it comes through';
    is_deeply [told()], [], 'nothing has failed';
};

subtest 'no descriptor left' => sub {
    my $script = <<'PERL';
        use v5.16; use warnings; use lib 't/lib';
        use VouchTest::Crowd qw(identity_files);
        use Vouch::Listener;
        $| = 1;
        $SIG{__WARN__} = sub { print "warning: $_[0]" };
        my @told;
        my $listener = Vouch::Listener->new(
            LocalAddr => '127.0.0.1', on_error => sub { print "told $_[0]{what} ", 0 + $_[0]{error}->errno, "\n" },
            identity_files(),
        ) or die "no listener";
        $listener->fileno;
        require Vouch::Socket;
        open my $spare, '<', '/dev/null';
        my @held;
        while (open my $handle, '<', '/dev/null') { push @held, $handle }
        close $spare;                                     # one connection, no more
        print 'port ', $listener->sockport, "\n";
        my @clients;
        $SIG{USR1} = sub { close pop @held for 1 .. 3 };
        while (my $client = $listener->accept) {
            push @clients, $client;
            print "accepted ", scalar @clients, "\n";
            print $client "hello\n";
        }
PERL
    my $pid = open my $server, '-|', '/bin/sh', '-c', 'ulimit -n 40; exec "$@"', 'sh', $^X,
        (map { "-I$_" } @INC), '-e', $script
        or die "sh: $!";
    my ($port) = readline($server) =~ /\Aport ([0-9]+)/;
    ok $port, 'a server with 40 descriptors, nearly all in use';
    my @pids = map {
        in_child(sub {
            my $socket = Vouch::Socket->new(
                PeerHost        => '127.0.0.1',
                PeerPort        => $port,
                SSL_verify_mode => SSL_VERIFY_NONE,
                Timeout         => 100,
            ) or die $SSL_ERROR;
            return readline($socket) eq "hello\n" ? 0 : 1;
        })
    } 1 .. 3;
    my $line = readline $server;
    if ($line eq "accepted 1\n") {
        is $line,             "accepted 1\n",                 'serves the first';
        is readline($server), 'told system ' . EMFILE . "\n", 'is told that there is no more';
    }
    else {
        is $line,             'told system ' . EMFILE . "\n", 'is told that there is no more';
        is readline($server), "accepted 1\n",                 'serves the first';
    }
    kill USR1 => $pid;
    is readline($server), "accepted 2\n", 'goes on when there are some again';
    is readline($server), "accepted 3\n", 'with all';
    is gone($_),          0,              'a client got its answer' for @pids;
    kill TERM => $pid;
    close $server;
};

subtest 'fork' => sub {
    my $listener = listener(%telling);
    my @before   = map { start($listener) } 1 .. 2;
    $_->connect_SSL    for @before;
    $listener->advance for 1 .. 3;
    is $listener->pending, 2, 'two handshakes are under way';
    my $fileno = $listener->fileno;

    # Workers that were forked beforehand share the listening socket.
    my @workers = map {
        in_child(sub {
            return 1 if $listener->pending;
            my $client = $listener->accept or return 2;
            return 3 if $listener->stats->{ready} != 1;
            print {$client} "hello\n";
            close $client;
            return 0;
        })
    } 1 .. 2;
    for (1 .. 2) {
        # One after the other, for a worker may take both and serve one.
        is gone(client($listener, sub { readline($_[0]) eq "hello\n" ? 0 : 1 })), 0, 'a client is served';
    }
    is gone($_),           0, 'by a worker' for @workers;
    is $listener->pending, 2, 'the handshakes of the parent are under way still';
    for my $client (@before) {
        my ($server) = meet($listener, $client);
        ok $server, 'and are done by it';
    }

    # A child that only drops its copy.
    my $silent = silent($listener);
    $listener->advance for 1 .. 2;
    is gone(in_child(sub { $listener->close ? 0 : 1 })), 0, 'a child closes its copy';
    is gone(in_child(sub { undef $listener; 0 })),       0, 'another drops it';
    is $listener->pending,                               1, 'the parent does not notice';
    my ($server) = meet($listener);
    ok $server, 'and goes on';
    is_deeply [told()], [], 'nothing has failed';

    my $handle = $listener->handle;
    is gone(in_child(sub { $listener->handle == $handle ? 1 : 0 })), 0, 'a child has a handle of its own';
    is $listener->handle,                                            $handle, 'the parent keeps its own';
};

subtest 'a failed handshake ends although a child holds its socket' => sub {
    my $listener = listener(HandshakeTimeout => 0.05, %telling);
    my $silent   = silent($listener);
    $listener->advance;
    pipe my $read, my $write or die "pipe: $!";
    my $child = in_child(sub {
        close $write;
        readline $read;
        return 0;
    });
    ok until_told($listener, sub { @told }), 'it fails';
    is sysread($silent, my $bytes, 1), 0, 'and the client sees the end at once';
    close $write;
    gone($child);
    told();
};

subtest 'nothing is left behind' => sub {
    my $listener = listener(on_error => sub { });
    my $round    = sub {
        my ($count) = @_;
        my $failed = $listener->stats->{failed};
        for (1 .. $count) {
            my $client = silent($listener);
            print {$client} $_ % 2 ? "GET / HTTP/1.0\r\n\r\n" : "\x16\x03\x01\x00\x05hello";
            shutdown $client, 1;
            $listener->advance;
        }
        return until_told($listener, sub { $listener->stats->{failed} == $failed + $count });
    };
    ok $round->(200), '200 clients that fail';
    my ($descriptors, $size) = (open_descriptors(), resident());
    ok $round->(2000), '2000 more';
    is $listener->pending, 0,            'none is under way';
    is open_descriptors(), $descriptors, 'no descriptor is left open';
SKIP: {
        skip 'memory is not measured here', 1 if !defined $size || $ENV{VOUCH_TEST_TOOL};
        my $growth = resident() - $size;
        cmp_ok $growth, '<', 400, 'memory has not grown' or diag "$growth kB";
    }
    undef $listener;

    my $before = open_descriptors();
    for (1 .. 3) {
        my $other  = listener();
        my @silent = map { silent($other) } 1 .. 5;
        $other->advance;
        $other->handle;
        $other->close if $_ % 2;
    }
    is open_descriptors(), $before, 'a listener that is dropped closes what it has';
};

subtest 'who says nothing costs next to nothing' => sub {
    plan skip_all => 'memory is not measured here' if !defined resident() || $ENV{VOUCH_TEST_TOOL};
    my $listener = listener();
    my ($server, $client) = meet($listener);
    my @silent = map { silent($listener) } 1 .. 150;
    my $size   = resident();
    ok until_told($listener, sub { $listener->stats->{accepted} == 151 }), '150 silent clients';
    my $growth = resident() - $size;
    cmp_ok $growth, '<', 1000, 'take little memory' or diag "$growth kB";
};

# Kilobytes of memory in use by this process, or undef where nobody can tell.
sub resident {
    open my $status, '<', '/proc/self/status' or return;
    my ($size) = map { /\AVmRSS:\s*([0-9]+) kB/ ? $1 : () } <$status>;
    return $size;
}

done_testing;
