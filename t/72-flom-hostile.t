use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use MIME::Base64    qw(encode_base64);
use POSIX           ();
use Socket          qw(SOL_SOCKET SO_LINGER);
use Time::HiRes     qw(sleep time);
use VouchTest       qw(slurp temp_dir);
use VouchTest::Flom qw(finish lock_message message unlock_message);

# What a stranger sends costs the stranger's connection only: others are
# served at once, and nothing is granted that should not be.

my $daemon = VouchTest::Flom->new;
my $good   = $daemon->connect;
my $count  = 0;

# The time that one lock and unlock takes, at best: a loaded machine has bad
# moments of its own.
sub best_service {
    my $best = 1;
    for (1 .. 20) {
        my $begin = time;
        my $got   = $good->ask(lock_message('good'));
        return -1 if $got ne '16 0';
        my $took = time - $begin;
        $best = $took if $took < $best;
        $good->say(unlock_message('good'));
        last if $best < 0.005;
    }
    return $best;
}

sub serves_others {
    my ($name) = @_;
    my $took = best_service();
    cmp_ok $took, '>=', 0,     "$name: others have their lock";
    cmp_ok $took, '<',  0.005, "$name: in less than 5 ms";
    return;
}

sub name64 { return encode_base64($_[0], '') }

subtest 'bytes that are no message' => sub {
    my %bytes = (
        'nothing'         => '',
        'one byte'        => '<',
        'random bytes'    => join('', map { chr int rand 256 } 1 .. 64),
        'an HTTP request' => "GET / HTTP/1.0\r\n\r\n",
        'half a message'  => substr(lock_message('half'), 0, 60),
        'NULs'            => "\0" x 1000,
        'UTF-16'          => join('', map { "$_\0" } split //, lock_message('utf16')),
    );
    my @open;
    for my $name (sort keys %bytes) {
        my $client = $daemon->connect;
        $client->say($bytes{$name});
        push @open, $client if $name ne 'nothing';
        serves_others($name);
    }
    my $begin = time;
    is $_->hear(20), undef, 'cut off' for @open;
    cmp_ok time - $begin, '<', 15, 'after the deadline for half a message';
    is $daemon->connect->ask(lock_message('x'), 3), '16 0', 'a newcomer is served';
};

subtest 'messages that are wrong end their connection' => sub {
    my %bytes = (
        'an end alone'                 => '</msg>',
        'no XML'                       => 'x</msg>',
        'cut XML'                      => '<msg level="3" verb="1" step="8"><resource </msg>',
        'another element'              => '<x></x></msg>',
        'a verb that is not'           => message(9,  8,  ''),
        'verb 0'                       => message(0,  8,  ''),
        'verb -1'                      => message(-1, 8,  ''),
        'a step of answers'            => message(1,  16, '<answer rc="0"/>'),
        'step 32'                      => message(1,  32, ''),
        'another level'                => '<msg level="2" verb="1" step="8"></msg>',
        'an unlock first'              => unlock_message('x'),
        'a ping first'                 => message(3, 8, ''),
        'a discovery'                  => message(4, 8, ''),
        'management without an action' => message(5, 8, ''),
        'a lock without a resource'    => message(1, 8, ''),
        'a DOCTYPE'            => '<!DOCTYPE m><msg level="3" verb="1" step="8"></msg>',
        'an entity'            => '<!DOCTYPE m [<!ENTITY a "b">]><msg level="3" verb="1" step="8">&a;</msg>',
        'entities of entities' => '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa">'
            . join('',
            map { my $b = chr(97 + $_); my $a = chr(96 + $_); "<!ENTITY $b \"" . "&$a;" x 10 . '">' } 1 .. 9)
            . ']><msg level="3" verb="1" step="8">&j;</msg>',
        'deep nesting'         => message(1, 8, '<a>' x 80 . '</a>' x 80),
        'attributes twice'     => message(1, 8, '<resource name="QQ==" name="QQ=="/>'),
        'resources twice'      => message(1, 8, '<resource name="QQ=="/><resource name="QQ=="/>'),
        'a number in words'    => message(1, 8, '<resource name="QQ==" mode="five"/>'),
        'a huge number'        => message(1, 8, '<resource name="QQ==" quantity="' . '9' x 40 . '"/>'),
        'a megabyte'           => message(1, 8, '<resource name="' . 'QUFB' x 250_000 . '"/>'),
        '64 kB without an end' => 'x' x 65_536,
    );
    for my $name (sort keys %bytes) {
        my $client = $daemon->connect;
        local $SIG{PIPE} = 'IGNORE';
        $client->say($bytes{$name});
        is $client->hear(5), undef, "$name: the end";
    }
    serves_others('all these');
};

subtest 'requests that cannot be granted' => sub {
    my @rows = (
        ['no name',           '<resource mode="5" wait="0" create="1"/>',                           '16 -14'],
        ['an empty name',     '<resource name="" mode="5" wait="0" create="1"/>',                   '16 -14'],
        ['not base64',        '<resource name="!!!!" mode="5" wait="0" create="1"/>',               '16 -14'],
        ['a NUL in the name', "<resource name=\"${\ name64(qq{a\0b})}\" mode=\"5\" create=\"1\"/>", '16 -14'],
        ['0xFF in the name', "<resource name=\"${\ name64(qq{a\xFF})}\" mode=\"5\" create=\"1\"/>", '16 -14'],
        [
            'a line break in it', "<resource name=\"${\ name64(qq{a\nb})}\" mode=\"5\" create=\"1\"/>",
            '16 -14'
        ],
        ['a long name', "<resource name=\"${\ name64('a' x 5000)}\" mode=\"5\" create=\"1\"/>", '16 -14'],
        [
            'a name of 256 bytes',
            "<resource name=\"${\ name64('a' x 256)}\" mode=\"5\" create=\"1\"/>",
            '16 -14'
        ],
        ['but of 255',  "<resource name=\"${\ name64('a' x 255)}\" mode=\"5\" create=\"1\"/>",   '16 0'],
        ['mode 99',     "<resource name=\"${\ name64('mode')}\" mode=\"99\" create=\"1\"/>",     '16 -11'],
        ['mode -1',     "<resource name=\"${\ name64('mode')}\" mode=\"-1\" create=\"1\"/>",     '16 -11'],
        ['quantity -5', "<resource name=\"${\ name64('q[2]')}\" quantity=\"-5\" create=\"1\"/>", '16 -7'],
        [
            'quantity 99',
            "<resource name=\"${\ name64('q[2]')}\" quantity=\"99\" wait=\"1\" create=\"1\"/>", '16 6'
        ],
        [
            'of a pool of none',
            "<resource name=\"${\ name64('z[0]')}\" quantity=\"1\" wait=\"1\" create=\"1\"/>", '16 6'
        ],
        [
            'a huge quantity',
            "<resource name=\"${\ name64('q[2]')}\" quantity=\"10000000000000\" create=\"1\"/>", '16 6'
        ],
        ['a bad timestamp', "<resource name=\"${\ name64('_t_%Y[1]')}\" wait=\"1\" create=\"1\"/>", '16 -25'],
    );
    for my $row (@rows) {
        my ($name, $inside, $want) = @$row;
        is $daemon->connect->ask(message(1, 8, $inside)), $want, $name;
    }
    my $client = $daemon->connect;
    is $client->ask(
        message(1, 8, "<resource name=\"${\ name64('q[2]')}\" quantity=\"2\" wait=\"0\" create=\"1\"/>")),
        '16 0', 'a negative quantity has not enlarged the pool';
    is $daemon->connect->ask(
        message(1, 8, "<resource name=\"${\ name64('q[2]')}\" quantity=\"1\" wait=\"0\" create=\"1\"/>")),
        '16 4', 'which is used up';
};

subtest 'a connection is for one resource' => sub {
    my ($holder, $other) = map { $daemon->connect } 1 .. 2;
    is $holder->ask(lock_message('one')),           '16 0',   'one resource';
    is $holder->ask(lock_message('two')),           '16 -13', 'not a second';
    is $other->ask(lock_message('two', wait => 0)), '16 0',   'which is free';
    $holder->say(unlock_message('two'));
    is $daemon->connect->ask(lock_message('one', wait => 0)), '16 4', 'unlocking another name frees nothing';
    is $daemon->connect->ask(lock_message('two', wait => 0)), '16 4', q{nor somebody else's};
    is $holder->ask(lock_message('one')), '16 1', 'a second lock queues behind the first';
    $holder->say(unlock_message('one'));
    is $holder->answer, '24 0', 'and is granted when that is let go';
    $holder->close;
    is $daemon->connect->gets(lock_message('one')), '16 0', 'the end of it frees all';
    my $self_queued = $daemon->connect;
    is $self_queued->ask(lock_message('self')), '16 0', 'held';
    is $self_queued->ask(lock_message('self')), '16 1', 'queued behind itself';
    $self_queued->close;
    is $daemon->connect->gets(lock_message('self')), '16 0', 'its end harms nobody';
};

subtest 'defects of the original that are not ours' => sub {
    my ($early, $creator) = map { $daemon->connect } 1 .. 2;
    is $early->ask(lock_message('IMP[2]', quantity => 5, create => 0)), '16 6',
        'an impossible request is never granted';
    my ($b, $c) = map { $daemon->connect } 1 .. 2;
    is $b->ask(lock_message('/a/b')), '16 0', '/a/b';
    is $c->ask(lock_message('/a/c')), '16 0', '/a/c';
    $c->close;
    is $daemon->connect->gets(lock_message('/a/c', wait => 1)), '16 0',
        'a hierarchical lock is free when its holder dies';
    my ($holder, $gone, $next) = map { $daemon->connect } 1 .. 3;
    is $holder->ask(lock_message('wake')), '16 0', 'held';
    is $_->ask(lock_message('wake')), '16 1', 'queued' for $gone, $next;
    setsockopt $gone->handle, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    $gone->close;
    $holder->say(unlock_message('wake'));
    is $next->answer, '24 0', 'no wake-up is lost on one who has gone';
};

subtest 'bursts' => sub {
    local $SIG{PIPE} = 'IGNORE';
    for (1 .. 1000) { my $client = $daemon->connect or die "connect: $!"; $client->close }
    serves_others('1,000 connections that close');
    for (1 .. 500) {
        my $client = $daemon->connect or die "connect: $!";
        $client->say(lock_message('burst'));
        $client->close;
    }
    serves_others('500 locks of those who leave');
    is $daemon->connect->gets(lock_message('burst')), '16 0', 'which is free again';
    my @waiters = map { $daemon->connect } 1 .. 200;
    my $holder  = $daemon->connect;
    $holder->ask(lock_message('crowd'));
    $_->say(lock_message('crowd')) for @waiters;
    is join(' ', map { $_->answer } @waiters), join(' ', ('16 1') x 200), '200 wait';
    $_->close for @waiters;
    serves_others('200 waiters that leave');
    $holder->say(unlock_message('crowd'));
    is $daemon->connect->gets(lock_message('crowd')), '16 0', 'and are forgotten';
};

subtest 'one that does not read' => sub {
    my $deaf = $daemon->connect;
    $deaf->handle->blocking(0);
    my $pair = lock_message('deaf') . unlock_message('deaf');
    my $sent = 0;
    my $end  = time + 3;
    while (time < $end && $sent < 50_000_000) {
        my $count = syswrite $deaf->handle, $pair x 100;
        if (!defined $count) { last if !$!{EAGAIN}; last }
        else                 { $sent += $count }
    }
    serves_others('valid requests without end');
    my $rss = slurp("/proc/${\ $daemon->pid}/status") =~ /VmRSS:\s+(\d+)/ ? $1 : 0;
    cmp_ok $rss, '<', 40_000, 'and take no memory';
};

subtest 'processes that stop' => sub {
    my $holder = $daemon->start_run('-r', 'stopped', '--', 'sleep', 60);
    my $end    = time + 10;
    sleep 0.01 until time > $end || $daemon->connect->ask(lock_message('stopped', wait => 0)) eq '16 4';
    kill STOP => $holder->{pid};
    serves_others('a client that is stopped');
    kill CONT => $holder->{pid};
    kill TERM => $holder->{pid};
    is + (finish($holder))[0],                          143,    'a signal to flom ends the command';
    is $daemon->connect->gets(lock_message('stopped')), '16 0', 'and the lock is free';
};

subtest 'too many descriptors' => sub {
    my $small = VouchTest::Flom->new;
    system 'prlimit', '--pid', $small->pid, '--nofile=60:60';
    my $holder = $small->connect;
    is $holder->ask(lock_message('kept')), '16 0', 'a lock is held';
    my @many = map { $small->connect } 1 .. 100;
    $holder->say(unlock_message('kept'));
    is $holder->ask(lock_message('kept')), '16 0', 'who is there is served';
    @many = ();
    my $got = '';
    my $end = time + 10;

    until ($got eq '16 0' || time > $end) {
        my $client = $small->connect or next;
        $got = $client->ask(lock_message('new'), 1);
        sleep 0.05 if $got ne '16 0';
    }
    is $got, '16 0', 'and newcomers, when there is room again';
};

is $daemon->stop, 0, 'the daemon has lived through all of it, and ends well';
done_testing;
