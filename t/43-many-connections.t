use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::UNIX ();
use POSIX            ();
use Socket           qw(AF_UNIX IPPROTO_TCP SOCK_STREAM TCP_NODELAY);

use VouchTest        qw(identity);
use VouchTest::Turns qw(listener pair shake sockets);
use Vouch::Context;
use Vouch::Socket;

# Many connections in one process, used in turns: those that rest give their
# buffers back, and nothing is lost by that.

my $COUNT = 20;    # more than keep their buffers
my $IDLE  = 150;
my $EACH  = 64;    # KiB, of both ends of one; 33 more each if they kept them

my $listener = listener();
my $context  = Vouch::Context->new(SSL_verify_mode => SSL_VERIFY_NONE);

sub connections {
    my ($count) = @_;
    return map { [pair($listener, { SSL_reuse_ctx => $context })] } 1 .. $count;
}

# Bytes of memory in use, or nothing where the system does not tell.
sub resident {
    open my $statm, '<', '/proc/self/statm' or return;
    my (undef, $pages) = split ' ', <$statm>;
    return $pages * POSIX::sysconf(POSIX::_SC_PAGESIZE());
}

SKIP: {
    skip 'memory is measured where a tool does not change it, and /proc tells it', 1
        if $ENV{VOUCH_TEST_TOOL} || !defined resident();
    my @warm   = connections(20);
    my $before = resident();
    my @pairs;
    for (1 .. $IDLE) {
        my ($pair) = connections(1);
        print { $pair->[1] } "hello\n";
        readline $pair->[0];
        print { $pair->[0] } "hello\n";
        readline $pair->[1];
        push @pairs, $pair;
    }
    my $each = (resident() - $before) / $IDLE / 1024;
    cmp_ok $each, '<', $EACH, sprintf 'both ends of an idle connection weigh %.1f KiB', $each;
}

subtest 'lines in turns' => sub {
    my @pairs = connections($COUNT);
    my $wrong = 0;
    for my $round (1 .. 5) {
        print { $pairs[$_][1] } "line $round for $_\n" for 0 .. $#pairs;
        for my $number (0 .. $#pairs) {
            my $line = readline $pairs[$number][0];
            $wrong++ if $line ne "line $round for $number\n";
            print { $pairs[$number][0] } "answer $line";
        }
        for my $number (0 .. $#pairs) {
            $wrong++ if readline($pairs[$number][1]) ne "answer line $round for $number\n";
        }
    }
    is $wrong, 0, "$COUNT connections: every line arrives where it should";
};

subtest 'records that are read in parts' => sub {
    my @pairs = connections($COUNT);
    my $text  = join '', map { chr 33 + $_ % 90 } 1 .. 16_000;
    syswrite $_->[1], $text for @pairs;
    my @got = map { '' } @pairs;
    for (1 .. 16) {
        sysread $pairs[$_][0], $got[$_], 1000, length $got[$_] for 0 .. $#pairs;
    }
    is_deeply [grep { $_ ne $text } @got], [], 'a thousand bytes at a time, of each in turn';
};

subtest 'records that arrive in parts' => sub {
    my @pairs = connections($COUNT);
    $_->[0]->blocking(0) for @pairs;
    my $waiting = 0;
    for (1 .. 3) {
        for my $pair (@pairs) {
            $waiting++ if !defined sysread($pair->[0], my $bytes, 100) && $SSL_ERROR == SSL_WANT_READ;
        }
    }
    is $waiting, 3 * $COUNT, 'nothing is there';
    print { $_->[1] } 'x' x 50_000 for @pairs;
    my @got = map { 0 } @pairs;
    my $end = time + 20;
    while (time < $end && grep { $_ < 50_000 } @got) {
        for my $number (0 .. $#pairs) {
            my $count = sysread $pairs[$number][0], my $bytes, 777;
            $got[$number] += $count // 0;
        }
    }
    is_deeply \@got, [map { 50_000 } @pairs], 'and then all of it, in turns';
};

subtest 'writes that have to wait' => sub {
    my @pairs = connections(8);
    $_->[1]->blocking(0) for @pairs;
    my $bytes = 'y' x 16_384;
    my @sent  = map { 0 } @pairs;
    my @full  = map { 0 } @pairs;
    while (grep { !$_ } @full) {
        for my $number (grep { !$full[$_] } 0 .. $#pairs) {
            my $count = syswrite $pairs[$number][1], $bytes;
            if (defined $count) { $sent[$number] += $count }
            else                { $full[$number] = 1 }
        }
    }
    my @got = map { 0 } @pairs;
    for (1 .. 10_000) {
        last if !grep { $got[$_] < $sent[$_] + length $bytes } 0 .. $#pairs;
        for my $number (0 .. $#pairs) {
            next if $got[$number] >= $sent[$number] + length $bytes;
            if ($full[$number] && defined(my $count = syswrite $pairs[$number][1], $bytes)) {
                $full[$number] = 0;
            }
            $got[$number] += sysread $pairs[$number][0], my $more, 16_384;
        }
    }
    is_deeply \@got, [map { $_ + length $bytes } @sent], 'go on where they stopped';
};

# Whether TCP holds small pieces back.
sub delays { return !unpack 'i', getsockopt $_[0], IPPROTO_TCP, TCP_NODELAY }

subtest 'small records go out at once, many in a row do not' => sub {
    my ($server, $client) = pair($listener, { SSL_reuse_ctx => $context });
    ok !delays($_), 'none is held back at first' for $server, $client;
    print {$server} "a line\n" for 1 .. 16;
    ok !delays($server), 'nor after sixteen';
    print {$server} "a line\n" for 1 .. 4;
    ok delays($server), 'more of them are gathered';
    print {$client} "an answer\n";
    readline $server;
    ok !delays($server), 'until the next read';
    ok !delays($client), 'the other side is not concerned';
};

subtest 'what the program has chosen' => sub {
    my ($server, $client) = sockets($listener, SSL_reuse_ctx => $context);
    setsockopt $server, IPPROTO_TCP, TCP_NODELAY, 1 or die $!;
    ok shake($server, $client), 'a socket that holds nothing back by itself';
    print {$server} "a line\n" for 1 .. 30;
    ok !delays($server), 'is left alone';
};

subtest 'a socket that is no TCP' => sub {
    socketpair my $one, my $two, AF_UNIX, SOCK_STREAM, 0 or die $!;
    bless $_, 'IO::Socket::UNIX' for $one, $two;
    my ($cert, $key) = identity('unix', cn => 'localhost');
    Vouch::Socket->start_SSL(
        $one,
        SSL_startHandshake => 0,
        SSL_server         => 1,
        SSL_cert_file      => $cert,
        SSL_key_file       => $key
    );
    Vouch::Socket->start_SSL($two, SSL_startHandshake => 0, SSL_reuse_ctx => $context);
    $_->blocking(0) for $one, $two;
    ok shake($one, $two), 'shakes hands';
    print {$one} "line $_\n" for 1 .. 30;
    is scalar(my @lines = map { scalar readline $two } 1 .. 30), 30, 'and talks';
};

done_testing;
