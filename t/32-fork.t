use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Select ();
use POSIX      ();

use VouchTest         qw(identity);
use VouchTest::Server ();
use VouchTest::Turns  qw(listener sockets shake pair);
use Vouch::Socket;

# Two processes that hold one connection: it belongs to the one that used it
# last, and nothing the other does, or leaves undone, may be seen by the peer.

my @versions = qw(TLSv1_3 TLSv1_2);

# A child that does this, and ends well; its pid.
sub child {
    my ($code) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid != 0;
    Test::More->builder->no_ending(1);
    my $good = eval { $code->(); 1 };
    print STDERR "# child: $@" if !$good;
    exit($good ? 0 : 1);
}

sub wait_for { waitpid $_[0], 0; return $? }

# Both directions work.
sub talks {
    my ($server, $client, $name) = @_;
    print {$client} "hello\n";
    is scalar(<$server>), "hello\n", "$name: from the client to the server";
    print {$server} "hanging up\n";
    is scalar(<$client>), "hanging up\n", "$name: and back";
    return;
}

# Nothing is to be read, not even an end.
sub is_quiet {
    my ($socket, $name) = @_;
    ok !IO::Select->new($socket)->can_read(0), $name;
    return;
}

# How the connection ends for this side: 'goodbye' (close_notify), or what
# else it is.
sub end_of {
    my ($socket) = @_;
    my $got      = sysread $socket, my $bytes, 100;
    return "bytes '$bytes'"   if $got;
    return "error $SSL_ERROR" if !defined $got;
    my $error = $socket->last_error;
    return $error ? $error->code : 'goodbye';
}

my %LEAVING = (
    'exit'               => sub { },
    'exit with a status' => sub { exit 0 },
    'POSIX::_exit'       => sub { POSIX::_exit(0) },
    'exec'               => sub { exec {'true'} 'true' or die "true: $!" },
    'being killed'       => sub { kill KILL => $$ },
    'letting go'         => sub { undef $_                        for @_ },
    'close'              => sub { $_->close                       for @_ },
    'close, no goodbye'  => sub { $_->close(SSL_no_shutdown => 1) for @_ },
    'CORE::close'        => sub { CORE::close($_)                 for @_ },
);

for my $version (@versions) {
    my $listener = listener(SSL_version => $version);
    for my $way (sort keys %LEAVING) {
        subtest "$version: a child leaves by $way" => sub {
            my ($server, $client) = pair($listener);
            talks($server, $client, 'before');
            my $status = wait_for(child(sub { $LEAVING{$way}->($server, $client) }));
            is $status & 127 ? 'killed' : $status >> 8, $way eq 'being killed' ? 'killed' : 0, 'it has ended';
            is_quiet($_, 'nobody noticed') for $server, $client;
            talks($server, $client, 'after');
            $server->close;
            is end_of($client), 'goodbye', 'the parent says goodbye itself';
        };
    }
}

subtest 'a child leaves while a line is half read' => sub {
    my ($server, $client) = pair({});
    print {$client} "one\ntwo\nthree";
    is scalar(<$server>), "one\n", 'a line';
    wait_for(child(sub { }));
    is scalar(<$server>), "two\n", 'the next one is still there';
    print {$client} "!\n";
    is scalar(<$server>), "three!\n", 'and so is the half one';
};

subtest 'a child leaves in the middle of a handshake' => sub {
    for my $version (@versions) {
        my ($server, $client) = sockets(listener(SSL_version => $version));
        $client->connect_SSL;
        $server->accept_SSL;
        is wait_for(child(sub { })), 0, "$version: a child";
        ok shake($server, $client), "$version: the handshake goes on";
        talks($server, $client, $version);
    }
};

# The child serves, and the parent lets go in this way.
my %HANDING = (
    'leaves the scope'       => sub { undef $_[0] },
    'closes'                 => sub { $_[0]->close },
    'closes without goodbye' => sub { $_[0]->close(SSL_no_shutdown => 1) },
    'keeps it'               => sub { },
);

for my $version (@versions) {
    my $listener = listener(SSL_version => $version);
    for my $way (sort keys %HANDING) {
        subtest "$version: the child serves, the parent $way" => sub {
            my ($server, $client) = pair($listener);
            pipe my $ready, my $tell or die "pipe: $!";
            my $pid = child(sub {
                readline $ready;
                while (defined(my $line = <$server>)) { print {$server} "you said $line" }
            });
            $HANDING{$way}->($server);
            syswrite $tell, "go\n";
            for my $word (qw(one two three)) {
                print {$client} "$word\n";
                is scalar(<$client>), "you said $word\n", $word;
            }
            $client->close;
            is wait_for($pid), 0, 'the child sees the end';
        };
    }
}

subtest 'the one that used it last says goodbye' => sub {
    for my $end ('exit', 'close', 'undef') {
        my ($server, $client) = pair({});
        my $pid = child(sub {
            print {$server} "last words\n";
            $server->close if $end eq 'close';
            undef $server  if $end eq 'undef';
        });
        is scalar(<$client>), "last words\n", 'the child speaks';
        wait_for($pid);
        is end_of($client), 'goodbye', "and says goodbye by $end, though the parent holds the socket";
        undef $server;
        is end_of($client), 'goodbye', 'of which the parent adds nothing';
    }
};

subtest 'two children, one after the other' => sub {
    my ($server, $client) = pair({});
    is wait_for(child(sub {
        wait_for(child(sub { }));
        })),
        0, 'a child and its child leave';
    talks($server, $client, 'after');
    my @pids = map {
        child(sub { })
    } 1 .. 5;
    wait_for($_) for @pids;
    talks($server, $client, 'after five more');
};

subtest 'commands in between' => sub {
    my %run = (
        'system, a list'  => sub { system {'true'} 'true' },
        'system, a text'  => sub { system 'true; true' },
        'system, missing' => sub { no warnings 'exec'; system {'/nonexistent'} '/nonexistent' },
        'backticks'       => sub { my $text  = `echo x`;           die if $text ne "x\n" },
        'qx in a list'    => sub { my @lines = qx(echo x; echo y); die if @lines != 2 },
    );
    for my $name (sort keys %run) {
        my ($server, $client) = pair({});
        talks($server, $client, $name);
        $run{$name}->();
        is_quiet($client, "$name: nobody noticed");
        undef $server;
        is end_of($client), 'goodbye', "$name: and who ran it says goodbye";
    }
    my ($server, $client) = pair({});
    open my $pipe, '-|', 'echo x' or die "echo: $!";
    is readline($pipe), "x\n", 'a pipe from a command';
    CORE::close $pipe;
    talks($server, $client, 'after the pipe');
};

subtest 'nothing leaks into the commands' => sub {
    my ($server, $client) = pair({});
    my $before = `ls /proc/self/fd | wc -l`;
    my @more   = map { [pair({})] } 1 .. 5;
    is `ls /proc/self/fd | wc -l`, $before, 'they inherit no descriptor of a connection';
};

subtest 'a server that forks for each client' => sub {
    my ($cert, $key) = identity('fork', cn => 'localhost');
    my $server = VouchTest::Server->start(
        ssl => {
            SSL_cert_file   => $cert,
            SSL_key_file    => $key,
            SSL_verify_mode => VOUCH_VERIFY_ANY,
        },
        serve => sub {
            my ($client, $tell) = @_;
            my $pid = fork // die "fork: $!";
            if ($pid == 0) {
                while (defined(my $line = <$client>)) { print {$client} "$$ $line" }
                $client->close;
                exit 0;
            }
            1 while waitpid(-1, POSIX::WNOHANG()) > 0;
        },
    );
    my @clients = map {
        Vouch::Socket->new(
            PeerAddr        => '127.0.0.1',
            PeerPort        => $server->port,
            SSL_verify_mode => SSL_VERIFY_NONE
            )
            // die "connect: $!, $SSL_ERROR"
    } 1 .. 8;
    my %pids;
    for my $round (1 .. 3) {
        for my $number (0 .. $#clients) {
            print { $clients[$number] } "client $number round $round\n";
            my ($pid, $rest) = split / /, readline $clients[$number], 2;
            is $rest, "client $number round $round\n", "client $number is answered";
            $pids{$number}{$pid}++;
        }
    }
    is scalar(keys %{ $pids{$_} }), 1, "client $_ by one process" for 0 .. $#clients;
    my %all = map { %{ $pids{$_} } } keys %pids;
    is scalar(keys %all), scalar(@clients), 'each by its own';
    $_->close for @clients;
};

subtest 'a child makes its own connections' => sub {
    my $listener = listener(SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => sub { 1 });
    my @mine     = pair($listener);
    my $pid      = child(sub {
        my ($server, $client) = pair($listener);
        print {$client} "hello\n";
        die "no line\n" if readline($server) ne "hello\n";
    });
    is wait_for($pid), 0, 'with the listener of its parent';
    talks(@mine, 'the parent\'s');
    ok pair($listener), 'and the parent makes more';
};

subtest 'random numbers' => sub {
    my @texts;
    for (1, 2) {
        pipe my $read, my $write or die "pipe: $!";
        my $pid = child(sub {
            require Vouch::Identity;
            print {$write} Vouch::Identity->create(cn => 'x')->certificate->serial_hex;
        });
        CORE::close $write;
        push @texts, readline $read;
        wait_for($pid);
    }
    isnt $texts[0], $texts[1], 'two children do not draw the same';
};

done_testing;
