use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::IP ();
use POSIX          ();
use Scalar::Util   qw(weaken);

use VouchTest::Needs openssl => 'openssl';
use VouchTest        qw(identity run_command temp_dir);
use VouchTest::Turns qw(sockets shake);
use Vouch::Context;
use Vouch::Socket;

# Callbacks that hold the very socket they are for: it goes all the same when
# the program lets it go, without close.

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');
my %server = (SSL_cert_file => $server[0], SSL_key_file => $server[1]);

package Counted {    ## no critic (RequireFilenameMatchesPackage ProhibitMultiplePackages)
    our @ISA  = ('Vouch::Socket');
    our $gone = 0;
    sub DESTROY { $gone++; return }
}

package Counted::Plain {    ## no critic (ProhibitMultiplePackages)
    our @ISA  = ('IO::Socket::IP');
    our $gone = 0;
    sub DESTROY { $gone++; return }
}

# Alex's key, with a password.
sub locked {
    my $file = temp_dir() . '/locked-key.pem';
    my ($status, undef, $err) = run_command([
        qw(openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 1 -passout pass:secret -in), $alex[1], '-out', $file
    ]);
    die $err if $status != 0;
    return $file;
}

my $contexts = 0;
{
    no warnings 'once';
    *Vouch::Context::DESTROY = sub { $contexts++; return };
}

# What the code has made must be gone after it; it returns how many.
sub all_gone {
    my ($name, $code) = @_;
    ($Counted::gone, $Counted::Plain::gone) = (0, 0);
    my $made = $code->();
    is $Counted::gone + $Counted::Plain::gone, $made, "$name: gone";
    return;
}

# All the callbacks there are, each of which holds what is told.
sub holding {
    my ($held) = @_;
    return (
        SSL_verify_callback     => sub { $held->(); 1 },
        SSL_error_trap          => sub { $held->() },
        SSL_create_ctx_callback => sub { $held->() },
    );
}

sub listening {
    my (%ssl) = @_;
    return Vouch::Socket->new(
        LocalAddr          => '127.0.0.1',
        Listen             => 10,
        SSL_startHandshake => 0,
        %server, %ssl
    ) // die $SSL_ERROR;
}

# A pair of sockets before the handshake: the client is ours, the server is
# that of this listener.
sub begin {
    my ($listener, %ssl) = @_;
    my $client = Counted->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => $listener->sockport,
        SSL_startHandshake => 0,
        %ssl
    ) // die $SSL_ERROR;
    my $server = $listener->accept('Counted') // die $SSL_ERROR;
    $_->blocking(0) for $client, $server;
    return ($client, $server);
}

my %trust = (SSL_ca_file => $server[0]);

# A server in a child, for what blocks: it shakes hands with so many.
sub with_server {
    my ($count, $code) = @_;
    my $listener = Vouch::Socket->new(LocalAddr => '127.0.0.1', Listen => 5, %server, Timeout => 10)
        // die $SSL_ERROR;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        for (1 .. $count) {
            my $client = $listener->accept or next;
            my $line   = <$client>;
        }
        POSIX::_exit(0);
    }
    $code->($listener->sockport);
    $listener->close(SSL_no_shutdown => 1);
    kill TERM => $pid;
    waitpid $pid, 0;
    return;
}

subtest 'new' => sub {
    with_server(
        3,
        sub {
            my ($port) = @_;
            all_gone(
                'a client',
                sub {
                    my $socket;
                    $socket = Counted->new(
                        PeerAddr => '127.0.0.1',
                        PeerPort => $port,
                        %trust, holding(sub { $socket })
                    ) or diag $SSL_ERROR;
                    return 1;
                }
            );
            all_gone(
                'one that holds itself through another',
                sub {
                    my $self = {};
                    $self->{socket} = Counted->new(
                        PeerAddr => '127.0.0.1',
                        PeerPort => $port,
                        %trust, holding(sub { $self->{socket} })
                    ) or diag $SSL_ERROR;
                    return 1;
                }
            );
            all_gone(
                'one by a function for names',
                sub {
                    my $socket;
                    $socket = Counted->new(
                        PeerAddr => '127.0.0.1',
                        PeerPort => $port,
                        %trust,
                        SSL_verifycn_scheme => { callback => sub { defined $socket || 1 } }
                    ) or diag $SSL_ERROR;
                    return 1;
                }
            );
        }
    );
};

subtest 'connect_SSL and accept_SSL' => sub {
    my $listener = listening();
    all_gone(
        'both sides',
        sub {
            my ($client, $server);
            ($client, $server) = begin($listener, %trust, holding(sub { $client }));
            ok shake($server, $client), 'a handshake';
            return 2;
        }
    );
    all_gone(
        'with a key that has a password',
        sub {
            my ($client, $server);
            ($client, $server) = begin(
                $listener, %trust,
                SSL_cert_file => $alex[0],
                SSL_key_file  => locked(),
                SSL_passwd_cb => sub { defined $client ? 'wrong' : 'secret' }
            );
            ok shake($server, $client), 'a handshake';
            return 2;
        }
    );
    all_gone(
        'closed before the handshake',
        sub {
            my ($client, $server);
            ($client, $server) = begin($listener, %trust, holding(sub { $client }));
            $client->close;
            return 2;
        }
    );
    all_gone(
        'closed in the middle',
        sub {
            my ($client, $server);
            ($client, $server) = begin($listener, %trust, holding(sub { $client }));
            ok !$client->connect_SSL, 'begun';
            $client->close;
            return 2;
        }
    );
};

subtest 'accept' => sub {
    for my $how (0, 1) {
        all_gone(
            $how ? 'with the handshake' : 'without it',
            sub {
                my ($server, $listener);
                $listener = Vouch::Socket->new(
                    LocalAddr          => '127.0.0.1',
                    Listen             => 10,
                    SSL_startHandshake => $how,
                    SSL_verify_mode    => SSL_VERIFY_PEER,
                    Timeout            => 10,
                    %server,
                    holding(sub { $server })
                ) // die $SSL_ERROR;
                my $port = $listener->sockport;
                my $pid  = fork // die "fork: $!";
                if ($pid == 0) {
                    my $client = Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => $port, %trust);
                    readline $client if $client;
                    POSIX::_exit($client ? 0 : 1);
                }
                $server = $listener->accept('Counted') or diag $SSL_ERROR;
                $server->accept_SSL if !$how;
                ok $server->is_SSL, 'a handshake';
                undef $listener;
                my $context = $server->context;
                ok $context->is_server,        'it has its context without its listener';
                ok !eval { $context->reload }, 'which is not built again without its callbacks';
                like $@, qr/the SSL_\w+ of this context has gone with the socket it was given to/,
                    'and says so';
                undef $context;
                undef $server if !$how;
                kill KILL => $pid;
                waitpid $pid, 0;
                return 1;
            }
        );
    }
};

subtest 'a listener' => sub {
    all_gone(
        'that is not held by its callbacks',
        sub {
            my $other;
            my $listener =
                Counted->new(LocalAddr => '127.0.0.1', Listen => 1, %server, holding(sub { $other }));
            return 1;
        }
    );
    all_gone(
        'that is, and is closed',
        sub {
            my $listener;
            $listener =
                Counted->new(LocalAddr => '127.0.0.1', Listen => 1, %server, holding(sub { $listener }));
            $listener->close;
            return 1;
        }
    );
};

subtest 'start_SSL' => sub {
    my $plain = IO::Socket::IP->new(LocalAddr => '127.0.0.1', Listen => 5) // die $@;
    for my $then (qw(none stop_SSL close)) {
        all_gone(
            "both sides, then $then",
            sub {
                my $client = Counted::Plain->new(PeerHost => '127.0.0.1', PeerPort => $plain->sockport)
                    // die $@;
                my $server = $plain->accept('Counted::Plain');
                Counted->start_SSL(
                    $client, %trust,
                    holding(sub { $client }),
                    SSL_hostname       => 'localhost',
                    SSL_startHandshake => 0
                ) // die $SSL_ERROR;
                Counted->start_SSL(
                    $server,
                    SSL_server => 1,
                    %server,
                    holding(sub { $server }),
                    SSL_verify_mode    => 1,
                    SSL_startHandshake => 0
                ) // die $SSL_ERROR;
                $_->blocking(0) for $client, $server;
                ok shake($server, $client), 'a handshake';
                if ($then ne 'none') { $_->$then(SSL_fast_shutdown => 1) for $client, $server }
                return 2;
            }
        );
    }
    all_gone(
        'with wrong arguments',
        sub {
            my $client = Counted::Plain->new(PeerHost => '127.0.0.1', PeerPort => $plain->sockport) // die $@;
            ok !eval {
                Counted->start_SSL($client, holding(sub { $client }), SSL_nosuch => 1);
            }, 'it dies';
            return 1;
        }
    );
};

subtest 'handshakes that fail' => sub {
    my $listener = listening();
    my %trusting = (SSL_ca_file => \undef);
    my %cases    = (
        'by the chain'    => sub { (SSL_error_trap => $_[0], SSL_create_ctx_callback => $_[0]) },
        'by the callback' => sub {
            my ($held) = @_;
            (holding($held), SSL_verify_callback => sub { $held->(); 0 });
        },
        'by an exception' => sub {
            my ($held) = @_;
            (holding($held), SSL_verify_callback => sub { $held->(); die "no\n" });
        },
        'and closes' => sub {
            my ($held) = @_;
            (SSL_verify_callback => sub { $held->(); 0 });
        },
        'and keeps' => sub {
            my ($held) = @_;
            (SSL_verify_callback => sub { $held->(); 0 }, SSL_keepSocketOnError => 1);
        },
        'and its trap dies' => sub {
            my ($held) = @_;
            (
                holding($held),
                SSL_verify_callback => sub { $held->(); 0 },
                SSL_error_trap      => sub { $held->(); die "trapped\n" }
            );
        },
    );
    for my $name (sort keys %cases) {
        all_gone(
            $name,
            sub {
                my ($client, $server);
                ($client, $server) = begin($listener, %trusting, $cases{$name}->(sub { $client }));
                ok !eval { shake($server, $client) }, 'it fails';
                return 2;
            }
        );
    }
    all_gone(
        'by the end of its time',
        sub {
            my ($client, $server);
            ($client, $server) = begin($listener, %trust, holding(sub { $client }), Timeout => 0.05);
            $client->blocking(1);
            ok !$client->connect_SSL, 'it fails';
            return 2;
        }
    );
    all_gone(
        'as the other end is gone',
        sub {
            my ($client, $server);
            ($client, $server) = begin($listener, %trust, holding(sub { $client }));
            $server->close;
            $client->blocking(1);
            ok !$client->connect_SSL, 'it fails';
            return 2;
        }
    );
    all_gone(
        'on the other side',
        sub {
            my ($client, $server);
            my $other = listening(SSL_verify_mode => 3, SSL_ca_file => \undef, holding(sub { $server }));
            ($client, $server) = begin($other, %trust);
            my $done = eval { shake($server, $client) };
            ok !$done, 'it fails';
            $other->close;
            return 2;
        }
    );
};

subtest 'sockets that are never made' => sub {
    my @bad = (
        'a wrong argument' => { SSL_nosuch              => 1 },
        'a missing file'   => { SSL_cert_file           => '/nonexistent', SSL_key_file => '/nonexistent' },
        'a wrong number'   => { Timeout                 => 'x' },
        'a wrong scheme'   => { SSL_verifycn_scheme     => 'x' },
        'a wrong mode'     => { SSL_verify_mode         => 'x' },
        'an exception'     => { SSL_create_ctx_callback => sub { die "no\n" } },
    );
    while (my ($name, $arg) = splice @bad, 0, 2) {
        all_gone(
            $name,
            sub {
                my $socket;
                ok !eval {
                    $socket =
                        Counted->new(PeerAddr => '127.0.0.1', PeerPort => 1, holding(sub { $socket }), %$arg);
                    1;
                }, 'it dies';
                return 1;
            }
        );
    }
    all_gone(
        'nobody listens',
        sub {
            my $socket;
            $socket = Counted->new(PeerAddr => '127.0.0.1', PeerPort => 1, holding(sub { $socket }));
            ok !$socket, 'undef';
            return 1;
        }
    );
};

subtest 'contexts' => sub {
    my $listener = listening();
    my @contexts;
    for (1 .. 5) {
        my ($client, $server);
        ($client, $server) = begin($listener, %trust, holding(sub { $client }));
        ok shake($server, $client), 'a handshake';
        weaken($contexts[@contexts] = $client->context);
    }
    is_deeply \@contexts, [(undef) x 5], 'that of each client is gone with it';
    my $before = $contexts;
    {
        my $context = Vouch::Context->new(%trust, SSL_verify_callback => sub { 1 });
        my ($client, $server) = begin($listener, SSL_reuse_ctx => $context);
        ok shake($server, $client), 'with one of the program';
        undef $client;
        ($client, $server) = begin($listener, SSL_reuse_ctx => $context);
        ok shake($server, $client), 'whose callback stays with it';
        is $contexts, $before, 'it stays';
    }
    is $contexts - $before, 1, 'as long as the program has it';
};

subtest 'the callback of a socket, for another' => sub {
    my $listener = listening();
    my $calls    = 0;
    my $callback = sub { $calls++; 1 };
    my ($client, $server) = begin($listener, SSL_ca_file => \undef, SSL_verify_callback => $callback);
    ok shake($server, $client), 'the first';
    my ($other, $second) = begin($listener, SSL_reuse_ctx => $client);
    $calls = 0;
    ok shake($second, $other), 'the second';
    ok $calls,                 'asks it, as long as the program has it';
    undef $callback;
    ok !eval { begin($listener, SSL_reuse_ctx => $client) }, 'then no more';
    like $@, qr/the SSL_verify_callback of this context has gone with the socket/, 'which is told';
};

done_testing;
