use v5.16;
use warnings;
use Config;

# Perl's threads: objects stay in the thread that made them; each thread makes
# its own, callbacks and all; what another thread does is not seen.

BEGIN {
    if (!$Config{useithreads}) {
        require Test::More;
        Test::More::plan(skip_all => 'this Perl has no threads');
    }
}

use threads;
use Test::More;
use lib 't/lib';

use VouchTest        qw(identity);
use VouchTest::Turns qw(listener sockets shake pair);
use Vouch::Certificate;
use Vouch::Context;
use Vouch::Identity;
use Vouch::Socket;

my $THREADS     = 4;
my $CONNECTIONS = 10;

my @server = identity('threads', cn => 'localhost');
my @alex   = identity('alex',    cn => 'Alex');

# Both directions work.
sub talks {
    my ($server, $client) = @_;
    print {$client} "hello\n";
    return 0 if readline($server) ne "hello\n";
    print {$server} "hanging up\n";
    return readline($client) eq "hanging up\n";
}

# A pair with a callback of this thread: how often it was called.
sub visit {
    my ($name)   = @_;
    my $calls    = 0;
    my $listener = listener(
        SSL_cert_file       => $server[0],
        SSL_key_file        => $server[1],
        SSL_verify_mode     => SSL_VERIFY_PEER,
        SSL_verify_callback => sub { $calls++; return $_[4]->common_name eq 'Alex' },
    );
    my ($server, $client) = pair($listener, { SSL_cert_file => $alex[0], SSL_key_file => $alex[1] })
        or return "no handshake: $SSL_ERROR";
    return 'no talk'    if !talks($server, $client);
    return 'wrong peer' if $server->peer_certificate('cn') ne 'Alex';
    $server->close;
    return $calls;
}

subtest 'a connection survives the life of a thread' => sub {
    my ($server, $client) = pair({ SSL_cert_file => $server[0], SSL_key_file => $server[1] });
    ok talks($server, $client), 'before';
    is(threads->create(sub { 42 })->join, 42, 'a thread comes and goes');
    ok talks($server, $client), 'after it';
    is(threads->create(sub { visit('inside') })->join, 2, 'a thread makes a connection of its own');
    ok talks($server, $client), 'after that one';
    $server->close;
    is sysread($client, my $bytes, 1), 0,     'the end comes when the owner says so';
    is $client->last_error,            undef, 'and properly';
};

subtest 'objects are not cloned' => sub {
    my %object = (
        'Vouch::Certificate' => Vouch::Certificate->from_file($server[0]),
        'Vouch::Identity'    => Vouch::Identity->load(cert_file => $server[0], key_file => $server[1]),
        'Vouch::Context'     => Vouch::Context->new(
            SSL_server    => 1,
            SSL_cert_file => $server[0],
            SSL_key_file  => $server[1],
        ),
    );
    my ($server, $client) = pair({ SSL_cert_file => $server[0], SSL_key_file => $server[1] });
    $object{'Vouch::Config'} = $object{'Vouch::Context'}{config};
    $object{'Vouch::Stream'} = tied *$server;
    my $inside = threads->create(sub {
        return { map { $_ => ref $object{$_} } keys %object };
    })->join;
    for my $class (sort keys %object) {
        unlike $inside->{$class}, qr/\AVouch/, "a $class is none there";
        ok ref $object{$class}, 'and still one here';
    }
    is $object{'Vouch::Certificate'}->common_name, 'localhost', 'the certificate answers';
    ok talks($server, $client), 'the connection works';
};

subtest 'objects among the arguments' => sub {
    my $identity = Vouch::Identity->load(cert_file => $server[0], key_file => $server[1]);
    my $listener = listener(SSL_identity => $identity);
    is(threads->create(sub { 42 })->join,              42, 'a thread comes and goes');
    is(threads->create(sub { visit('inside') })->join, 2,  'another makes a connection');
    ok pair($listener), 'the listener works on';
};

subtest 'what is left of an object' => sub {
    my $certificate = Vouch::Certificate->from_file($server[0]);
    my $listener    = listener(SSL_cert_file => $server[0], SSL_key_file => $server[1]);
    my ($server, $client) = pair($listener);
    my %use = (
        'a certificate' => sub { Vouch::Certificate::common_name($certificate) },
        'a stream'      => sub { Vouch::Stream::_cipher(tied *$server) },
        'print'         => sub { print {$server} "x\n" },
        'readline'      => sub { my $line = <$server> },
        'syswrite'      => sub { syswrite $server, "x\n" },
        'sysread'       => sub { sysread $server,  my $bytes, 1 },
        'accept_SSL'    => sub { $server->accept_SSL },
        'get_cipher'    => sub { $server->get_cipher },
        'fingerprint'   => sub { $server->get_fingerprint },
        'accept'        => sub { $listener->accept },
        'close'         => sub { $server->close },
    );
    my $worked = threads->create(
        { context => 'list' },
        sub {
            local $SIG{__WARN__} = sub { };
            return join ' ', grep {
                eval { $use{$_}->() }
            } sort keys %use;
        }
    )->join;
    is $worked, '', 'nothing can be done with it in another thread';
    ok talks($server, $client), 'and the connection works in this one';
    ok pair($listener),         'as does the listener';
};

subtest "$THREADS threads, $CONNECTIONS connections each" => sub {
    my ($server, $client) = pair({ SSL_cert_file => $server[0], SSL_key_file => $server[1] });
    my @threads = map {
        my $number = $_;
        threads->create(
            { context => 'list' },
            sub {
                return map { visit("$number/$_") } 1 .. $CONNECTIONS;
            }
        );
    } 1 .. $THREADS;
    for my $thread (@threads) {
        my @calls = $thread->join;
        is_deeply \@calls, [(2) x $CONNECTIONS], 'every callback was called in its own thread';
    }
    ok talks($server, $client), 'and the connection of the main thread works';
};

subtest 'exceptions in threads' => sub {
    my @threads = map {
        my $number = $_;
        threads->create(sub {
            my $listener = listener(
                SSL_cert_file       => $server[0],
                SSL_key_file        => $server[1],
                SSL_verify_mode     => SSL_VERIFY_PEER,
                SSL_verify_callback => sub { die "thread $number\n" },
            );
            return eval { pair($listener, { SSL_cert_file => $alex[0], SSL_key_file => $alex[1] }); 1 } // $@;
        });
    } 1 .. $THREADS;
    is_deeply [map { $_->join } @threads], [map { "thread $_\n" } 1 .. $THREADS], 'each gets its own';
};

subtest 'one thread serves another' => sub {
    my $listener = listener(SSL_cert_file => $server[0], SSL_key_file => $server[1]);
    my $port     = $listener->sockport;
    my $thread   = threads->create(sub {
        my $socket = Vouch::Socket->new(
            PeerAddr        => '127.0.0.1',
            PeerPort        => $port,
            SSL_verify_mode => SSL_VERIFY_NONE
        ) or return "no: $SSL_ERROR";
        print {$socket} "hello\n";
        return scalar <$socket>;
    });
    my $accepted = $listener->accept;
    ok $accepted->accept_SSL, 'a handshake between two threads';
    is scalar(<$accepted>), "hello\n", 'a line there';
    print {$accepted} "hanging up\n";
    is $thread->join, "hanging up\n", 'and back';
};

subtest 'a thread within a callback' => sub {
    my $joined;
    my $listener = listener(
        SSL_cert_file       => $server[0],
        SSL_key_file        => $server[1],
        SSL_verify_mode     => SSL_VERIFY_PEER,
        SSL_verify_callback => sub {
            $joined //= threads->create(sub { visit('within') })->join;
            return 1;
        },
    );
    my ($server, $client) = pair($listener, { SSL_cert_file => $alex[0], SSL_key_file => $alex[1] });
    is $joined, 2, 'it makes its connection';
    ok talks($server, $client), 'and the one outside works';
};

subtest 'errors of a thread are its own' => sub {
    $SSL_ERROR = 'of the main thread';
    threads->create(sub { Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => 1); return })->join;
    is "$SSL_ERROR", 'of the main thread', '$SSL_ERROR here is untouched';
};

subtest 'a detached thread at the end' => sub {
    my ($server, $client) = pair({ SSL_cert_file => $server[0], SSL_key_file => $server[1] });
    threads->create(sub { visit('last') })->join for 1 .. 3;
    ok talks($server, $client), 'still';
};

done_testing;
