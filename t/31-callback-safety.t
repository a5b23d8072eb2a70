use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Carp         ();
use POSIX        ();
use Scalar::Util qw(blessed refaddr weaken);

use VouchTest         qw(identity expect_warnings);
use VouchTest::Turns  qw(listener sockets shake pair open_descriptors refused_text);
use VouchTest::Server ();
use Vouch::Context;
use Vouch::Socket;

# What a program may do inside its callbacks: anything.  Perl code that dies,
# leaves, destroys or comes back must not be able to hurt the C below it.

package Exception {    ## no critic (RequireFilenameMatchesPackage, ProhibitMultiplePackages)
    sub new  { my ($class, $text) = @_; return bless { text => $text }, $class }
    sub text { return $_[0]{text} }
}

package Exception::False {    ## no critic (ProhibitMultiplePackages)
    our @ISA = ('Exception');
    use overload 'bool' => sub { 0 }, '""' => sub { q() }, fallback => 1;
}

package Overloaded {    ## no critic (ProhibitMultiplePackages)
    use overload
        '0+'     => sub { ${ $_[0] } },
        '""'     => sub { ${ $_[0] } },
        'bool'   => sub { ${ $_[0] } },
        fallback => 1;
}

package Dying::Scalar {    ## no critic (ProhibitMultiplePackages)
    sub TIESCALAR { my ($class) = @_; return bless [], $class }
    sub FETCH     { die "FETCH died\n" }
}

package Callable {    ## no critic (ProhibitMultiplePackages)
    use overload '&{}' => sub {
        my ($self) = @_;
        return sub { $self->{calls}++; 1 }
        },
        fallback => 1;
}

package Watched {    ## no critic (ProhibitMultiplePackages)
    sub new     { my ($class, $code) = @_; return bless { code => $code }, $class }
    sub DESTROY { $_[0]{code}->() }
}

package main;        ## no critic (ProhibitMultiplePackages)

my @alex     = identity('alex',     cn => 'Alex');
my @identity = identity('callback', cn => 'localhost');
my %client   = (SSL_cert_file => $alex[0], SSL_key_file => $alex[1]);
my @versions = qw(TLSv1_3 TLSv1_2);

sub asking_listener {
    my ($callback, %ssl) = @_;
    return listener(SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => $callback, %ssl);
}

# What the owner of a server gets for a client when its callback is this:
# ($error, 1 if the handshake was done, the client's view of it).
sub outcome {
    my ($callback, %ssl)  = @_;
    my ($server, $client) = sockets(asking_listener($callback, %ssl), %client);
    my $done  = eval { shake($server, $client) };
    my $error = $@;
    undef $server;
    return ($error, $done, $done ? 'served' : refused_text($client));
}

# A callback that does this, and one on the same listener that accepts.
sub then_good {
    my ($callback, $name) = @_;
    my $first    = 1;
    my $listener = asking_listener(sub { return 1 if !$first; $first = 0; goto &$callback });
    my ($server, $client) = sockets($listener, %client);
    eval { shake($server, $client) };
    my $error = $@;
    $first = 0;
    ok pair($listener, {%client}), "$name: the next client of the same listener is served";
    return $error;
}

subtest 'die with a text' => sub {
    for my $version (@versions) {
        my ($error, undef, $seen) = outcome(sub { die "not you\n" }, SSL_version => $version);
        is $error, "not you\n", "$version: the text reaches the caller";
        like $seen, qr/alert/, "$version: the client gets an alert";
    }
    is then_good(sub { die "not you\n" }, 'die'), "not you\n", 'the same';
};

subtest 'die with an object' => sub {
    my $object = Exception->new('not you');
    my ($error) = outcome(sub { die $object });
    is refaddr $error, refaddr $object, 'the very object reaches the caller';
    my $false = Exception::False->new('false');
    ($error) = outcome(sub { die $false });
    is refaddr $error, refaddr $false, 'so does one that is false and empty';
    ($error) = outcome(sub { die { code => 7 } });
    is_deeply $error, { code => 7 }, 'and a plain hash';
    weaken $object;
    undef $error;
    is $object, undef, 'nobody keeps the object';
};

subtest 'die in an eval of its own is nobody\'s business' => sub {
    my (undef, $done) = outcome(sub {
        eval { die "inner\n" };
        return $@ eq "inner\n";
    });
    ok $done, 'the client is served';
};

subtest 'die from a signal handler' => sub {
    local $SIG{USR1} = sub { die "interrupted\n" };
    my ($error) = outcome(sub { kill USR1 => $$; my $x = 0; $x++ for 1 .. 100; return 1 });
    is $error, "interrupted\n", 'a handler that runs in the callback dies as the callback';
};

subtest '__DIE__ and __WARN__ handlers' => sub {
    my @died;
    local $SIG{__DIE__} = sub { push @died, @_ };
    my ($error) = outcome(sub { die "once\n" });
    is $error,   "once\n", 'the error';
    is $died[0], "once\n", 'the handler saw it';
    local $SIG{__DIE__} = sub { die "replaced: $_[0]" };
    ($error) = outcome(sub { die "me\n" });
    like $error, qr/\A(?:replaced: )+me\n\z/, 'a handler may replace it';
};

subtest 'last, next, redo, goto, return' => sub {
    no warnings 'exiting';
    my %leave = (
        last  => sub { last },
        next  => sub { next },
        redo  => sub { redo },
        LABEL => sub { last OUTER },
        goto  => sub { goto THERE },
    );
    for my $how (sort keys %leave) {
        my $after = 0;
    OUTER: for my $round (1 .. 2) {
            my ($error) = outcome($leave{$how});
            $after++;
            like $error, qr/\A(?:Can't "\w+" outside a loop block|Label not found|Can't find label)/,
                "$how dies in the callback";
        }
        is $after, 2, "$how does not leave the loop around the handshake";
    }
THERE:
    my (undef, $done) = outcome(sub { goto &accept_it });
    ok $done, 'goto another function is fine';
    like then_good(sub { last }, 'last'), qr/Can't "last"/, 'the same';
};

sub accept_it { return 1 }

# The status of a child that does this.
sub status_of {
    my ($code) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        $SIG{__WARN__} = 'DEFAULT';
        Test::More->builder->no_ending(1);
        $code->();
        POSIX::_exit(99);
    }
    waitpid $pid, 0;
    return $?;
}

subtest 'exit' => sub {
    for my $version (@versions) {
        is status_of(sub {
            outcome(sub { exit 7 }, SSL_version => $version);
        }) >> 8, 7, "$version: the program ends, with its status";
    }
    is status_of(sub {
        outcome(sub {
            eval { exit 3 };
            1;
        });
        }),
        3 << 8, 'no eval holds it up';
    is status_of(sub {
        outcome(sub { POSIX::_exit(5) });
        }),
        5 << 8, 'POSIX::_exit';
    is status_of(sub {
        outcome(sub { kill KILL => $$; sleep 10 });
        }),
        9, 'being killed';
};

subtest 'exit ends a server as any exit does' => sub {
    pipe my $read, my $write or die "pipe: $!";
    my $status = status_of(sub {
        CORE::close $read;
        my $marker = Watched->new(sub { syswrite $write, "destroyed\n" });
        outcome(sub { my $keep = $marker; exit 4 });
    });
    CORE::close $write;
    is $status >> 8,             4,             'its status';
    is do { local $/; <$read> }, "destroyed\n", 'objects are destroyed, once';
};

subtest 'undef of the socket and the listener inside' => sub {
    for my $version (@versions) {
        my ($listener, $server, $client);
        $listener =
            asking_listener(sub { undef $server; undef $listener; return 1 }, SSL_version => $version);
        ($server, $client) = sockets($listener, %client);
        my ($mine, $done) = ($server, 0);
        undef $mine;
        is eval { turn($server, $client) for 1 .. 10; 1 }, 1,     "$version: no error";
        is $server,                                        undef, 'the server socket is gone';
        is $listener,                                      undef, 'the listener is gone';
        isnt refused_text($client),                        '',    'and the client is told, or sees the end';
    }
};

# One step of each side; the server may vanish in it.
sub turn {
    my ($server, $client) = @_;
    $client->connect_SSL;
    $_[0]->accept_SSL if $_[0];
    return;
}

subtest 'undef of the socket in the method that is running' => sub {
    my ($server, $client) = sockets(asking_listener(sub { undef $_[0]; return 1 }), %client);
    my $holder = { socket => $server };
    undef $server;
    my $listener = asking_listener(sub { %$holder = (); return 1 });
    ($holder->{socket}, $client) = sockets($listener, %client);
    for (1 .. 10) {
        last if !$holder->{socket};
        $client->connect_SSL;
        $holder->{socket}->accept_SSL if $holder->{socket};
    }
    is_deeply $holder, {}, 'a socket destroyed by its own callback';
    ok pair(asking_listener(sub { 1 }), {%client}), 'others live on';
};

subtest 'replacing the callback inside' => sub {
    no warnings 'redefine';
    my $calls = 0;
    local *named = sub {
        $calls++;
        *named = sub { 0 };
        return 1;
    };
    my $listener = asking_listener(\&named);
    ok pair($listener, {%client}), 'a function that redefines its name is kept for this connection';
    ok $calls >= 2,                'and called until its end';

    my $callback;
    $callback = sub { undef $callback; return 1 };
    $listener = asking_listener($callback);
    ok pair($listener, {%client}), 'one whose variable is cleared lives on in its context';
};

subtest 'undef of the running function' => sub {
    no warnings 'once';
    *Gone::verify = sub { undef &Gone::verify; return 1 };
    my ($server, $client) = sockets(asking_listener(\&Gone::verify), %client);
    my $done  = eval { shake($server, $client) };
    my $error = $@;
    ok !$done, 'a function that undefines itself is not there for its second call,';
    like $error, qr/\A(?:Can't undef active subroutine|Not a CODE reference|Undefined subroutine)/,
        'or must not, says Perl';
};

subtest 'reloading and dropping the context inside' => sub {
    my ($context, $calls);
    $context = Vouch::Context->new(
        SSL_server          => 1,
        SSL_cert_file       => $identity[0],
        SSL_key_file        => $identity[1],
        SSL_verify_mode     => SSL_VERIFY_PEER,
        SSL_verify_callback => sub { $calls++; $context->reload if $context; return 1 },
    );
    my $listener = listener(SSL_reuse_ctx => $context);
    ok pair($listener, {%client}), 'reload';
    is $calls, 2, 'called as often as without';
    my $dropped;
    $context = Vouch::Context->new(
        SSL_server          => 1,
        SSL_cert_file       => $identity[0],
        SSL_key_file        => $identity[1],
        SSL_verify_mode     => SSL_VERIFY_PEER,
        SSL_verify_callback => sub { undef $context; undef $listener; $dropped++; return 1 },
    );
    $listener = listener(SSL_reuse_ctx => $context);
    my ($server, $other) = sockets($listener, %client);
    ok shake($server, $other), 'the context and the listener are dropped';
    is $dropped, 2, 'the callback outlives them';
};

subtest 'closing the listener inside' => sub {
    my $listener;
    $listener = asking_listener(sub { $listener->close if $listener->opened; return 1 });
    my ($server, $client) = pair($listener, {%client});
    ok $server, 'this client is served';
    print {$server} "hello\n";
    is scalar <$client>, "hello\n", 'to the end';
    ok !$listener->accept, 'there is no next one';
};

# Every public method; the ones that would use the connection must refuse.
my $buffer;
my %USES = (
    accept_SSL  => [],
    connect_SSL => [],
    close       => [],
    read        => [\$buffer, 10],
    sysread     => [\$buffer, 10],
    peek        => [\$buffer, 10],
    getline     => [],
    getlines    => [],
    getc        => [],
    eof         => [],
    print       => ['x'],
    printf      => ['%s', 'x'],
    say         => ['x'],
    write       => ['x'],
    syswrite    => ['x'],
);
my @ASKS = qw(
    alpn_selected blocking certificate context dump_peer_certificate errstr fileno get_cipher
    get_fingerprint get_fingerprint_bin get_servername get_session_reused get_sslversion
    get_sslversion_int is_SSL last_error opened peer_certificate peer_certificates peerhost
    peername pending session sock_certificate sockhost timeout verification
);

subtest 'methods of the connection that is being made' => sub {
    my ($server, $client, %said, @asked);
    my $callback = sub {
        return 1 if %said;
        for my $method (sort keys %USES) {
            my @arguments = map { ref $_ ? $$_ : $_ } @{ $USES{$method} };
            $said{$method} = eval { my @got = $server->$method(@arguments); 1 } ? 'nothing' : $@;
        }
        for my $method (@ASKS) {
            push @asked, "$method: $@" if !eval { my @answer = $server->$method; 1 };
        }
        $said{'CORE::close'} = eval { CORE::close($server); 1 } ? 'nothing' : $@;
        $said{'readline'}    = eval { my $line = <$server>; 1 } ? 'nothing' : $@;
        $said{'print'}       = eval { print {$server} 'x';  1 } ? 'nothing' : $@;
        return 1;
    };
    ($server, $client) = sockets(asking_listener($callback), %client);
    ok shake($server, $client), 'the handshake is not disturbed';
    for my $method (sort keys %said) {
        like $said{$method}, qr/this connection is in its handshake/, "$method refuses, and says why";
    }
    is_deeply \@asked, [], 'what only asks is answered';
    print {$server} "hello\n";
    is scalar <$client>, "hello\n", 'and the connection works';
};

subtest 'the descriptor is closed from inside' => sub {
    my ($server, $client);
    ($server, $client) = sockets(asking_listener(sub { POSIX::close($server->fileno); return 1 }), %client);
    my $done = shake($server, $client);
    ok !$done, 'the handshake fails';
    like "$SSL_ERROR", qr/Bad file descriptor/, 'and says so';
};

subtest 'untie inside' => sub {
    no warnings 'untie';
    my ($server, $client);
    ($server, $client) = sockets(asking_listener(sub { untie *$server if tied *$server; return 1 }), %client);
    ok eval { turn($server, $client) for 1 .. 10; 1 }, 'no crash';
    ok pair(asking_listener(sub { 1 }), {%client}),    'others live on';
};

subtest 'another connection is made from inside' => sub {
    my ($depth, $deepest, $listener) = (0, 0);
    my @kept;
    my $callback = sub {
        return 1 if $depth >= 8;
        $depth++;
        $deepest = $depth if $depth > $deepest;
        push @kept, [pair($listener, {%client})];
        $depth--;
        return 1;
    };
    for my $version (@versions) {
        @kept     = ();
        $deepest  = 0;
        $listener = asking_listener(sub { return @kept ? 1 : $callback->() }, SSL_version => $version);
        my ($server, $client) = pair($listener, {%client});
        ok $server, "$version: the outer handshake";
        is $deepest, 8, 'with eight of the same listener, each within the other';
        my $said = 0;
        for my $pair ([$server, $client], @kept) {
            print { $pair->[0] } "hello\n";
            $said += readline($pair->[1]) eq "hello\n";
        }
        is $said, @kept + 1, 'and all of them work';
    }
};

subtest 'an inner connection that fails or dies' => sub {
    my $inner = asking_listener(sub { die "inner\n" });
    my $seen;
    my (undef, $done) = outcome(sub {
        $seen = eval { pair($inner, {%client}); 1 } ? '' : $@;
        return 1;
    });
    ok $done, 'the outer one is done';
    is $seen, "inner\n", 'the inner exception stays inside';
    my ($error) = outcome(sub { pair($inner, {%client}); return 1 });
    is $error, "inner\n", 'or goes on through both';
    my $no = asking_listener(sub { 0 });
    (undef, $done) = outcome(sub { pair($no, {%client}); return 1 });
    ok $done, 'an inner refusal is none of the outer';
};

subtest 'deep recursion and big stacks' => sub {
    no warnings 'recursion';
    my $down;
    $down = sub { my ($n) = @_; return $n ? $down->($n - 1) : 1 };
    my (undef, $done) = outcome(sub { return $down->(20_000) });
    ok $done, '20,000 frames';
    (undef, $done) = outcome(sub {
        my @many = map { $_ } 1 .. 300_000;
        return scalar(@many) && 1;
    });
    ok $done, 'a stack of 300,000 values';
    my ($error) = outcome(sub { return $down->(5000) && die "from below\n" });
    is $error, "from below\n", 'and an error after that';
    undef $down;
};

subtest 'what is an answer' => sub {
    my %answers = (
        1            => ['yes', sub { 1 }],
        2            => ['yes', sub { 2 }],
        '"1"'        => ['yes', sub { '1' }],
        'list'       => ['yes', sub { (0, 1) }],
        0            => ['no',  sub { 0 }],
        -1           => ['no',  sub { -1 }],
        undef        => ['no',  sub { undef }],
        'empty'      => ['no',  sub { return }],
        'word'       => ['no',  sub { 'yes' }],
        '""'         => ['no',  sub { q() }],
        '0 but true' => ['no',  sub { '0 but true' }],
        'nan'        => ['no',  sub { 9**9**9 - 9**9**9 }],
    );
    for my $name (sort keys %answers) {
        my ($wanted, $callback) = @{ $answers{$name} };
        my ($error,  $done)     = outcome($callback);
        is $error,               '',      "$name: no exception";
        is $done ? 'yes' : 'no', $wanted, "$name means $wanted";
    }
    my %references = (
        'a true object'  => bless(\(my $one = 1), 'Overloaded'),
        'a false object' => bless(\(my $zero = 0), 'Overloaded'),
        'a hash'         => {},
        'a function'     => sub { 1 },
    );
    for my $name (sort keys %references) {
        my ($error, $done) = outcome(sub { return $references{$name} });
        like $error, qr/returned a reference/, "$name is none, which is said";
        ok !$done, 'and refuses';
    }
};

subtest 'answers with magic' => sub {
    tie my $dying, 'Dying::Scalar';
    my ($error, $done) = outcome(sub { return $dying });
    is $error, "FETCH died\n", 'a tied variable that dies';
    (undef, $done) = outcome(sub : lvalue { $dying });
    ok !$done, 'from an lvalue function it is no yes either';
    local $ENV{VOUCH_ANSWER} = 1;
    (undef, $done) = outcome(sub : lvalue { $ENV{VOUCH_ANSWER} });
    ok $done, 'a variable with magic';
    (undef, $done) = outcome(sub { '1 0' =~ /(1)/ ? $1 : 0 });
    ok $done, 'a match';
};

subtest 'the caller\'s variables' => sub {
    my $listener = asking_listener(sub {
        eval { die "inner\n" };
        local $_ = 'mine';
        'abc' =~ /b/;
        $! = 5;
        return 1;
    });
    my ($server, $client) = sockets($listener, %client);
    my @seen;
    for (my @copy = ('outer')) {
        eval { die "before\n" };
        'xyz' =~ /(y)/;
        shake_here($server, $client);
        @seen = ($_, $@, $1);
    }
    is_deeply \@seen, ['outer', "before\n", 'y'], '$_, $@ and $1 are as they were';
    is eval {
        eval { die "inner\n" };
        shake(sockets($listener, %client));
        "$@";
    }, "inner\n", 'also inside an eval';
};

# As shake(), but without a loop of its own that would use $_ or $@.
sub shake_here {
    my ($server, $client) = @_;
    my $done = 0;
    until ($done) {
        $client->connect_SSL;
        $done = $server->accept_SSL;
    }
    return;
}

subtest 'what a callback sees' => sub {
    my (@context, $at, $trace, @arguments);
    local $@ = 'of the caller';
    my (undef, $done) = outcome(sub {
        push @context, wantarray;
        $at    //= $@;
        $trace //= Carp::longmess('here');
        @arguments = map { blessed $_ // $_ } @_ if !@arguments;
        return 1;
    });
    ok $done, 'served';
    is_deeply \@context, [!!0, !!0], 'scalar context';
    is $at, '', 'an empty $@';
    like $trace, qr/accept_SSL/, 'a stack trace goes through the handshake';
    is_deeply \@arguments,
        [
        0,                    'Vouch::VerifyContext',
        '/CN=Alex/CN=Alex',   'error:00000012:lib(0)::reason(18)',
        'Vouch::Certificate', 0
        ],
        'six arguments';
};

subtest 'keeping the certificate and the store' => sub {
    my ($certificate, $store, $number);
    my ($server, $client) = pair(
        asking_listener(sub {
            ($store, $certificate) = @_[1, 4];
            $number = $store->error;
            return 1;
        }),
        {%client}
    );
    is $number, 18, 'the store tells its error inside';
    my $print = $server->get_fingerprint;
    undef $server;
    undef $client;
    is $certificate->fingerprint, $print, 'the certificate outlives the connection';
    is $certificate->common_name, 'Alex', 'with all it says';
    ok $store + 0 > 0, 'the store is still a number';
    for my $method (['error'], ['set_error', 0], ['error_text']) {
        my ($name, @arguments) = @$method;
        is eval { $store->$name(@arguments); 1 }, undef, "but $name";
        like $@, qr/not a live Vouch::VerifyContext/, 'says that its time is over';
    }
};

subtest 'arguments that are overwritten' => sub {
    my $kept;
    my @ways = (
        sub { $_[1] = 12_345; return 1 },
        sub { $_[1] = 'text'; return 1 },
        sub { $kept = $_[1];  undef $_[1]; return 1 },
        sub { $_[$_] = [] for 0 .. 5; return 1 },
        sub { @_ = (); return 1 },
        sub { my @all = splice @_; push @_, 1 .. 100; return 1 },
    );
    for my $way (@ways) {
        my ($error, $done) = outcome($way);
        is $error, '', 'no error';
        ok $done, 'no harm';
    }
    ok !eval { $kept->error; 1 }, 'a store kept that way is dead, too';
    my ($error) = outcome(sub { bless $_[1], 'Other'; return 1 });
    like $error, qr/read-only/, 'the objects cannot be blessed into something else';
    ($error) = outcome(sub { ${ $_[4] } = 1; return 1 });
    like $error, qr/read-only/, 'nor given another number';
};

subtest 'methods of the store' => sub {
    my @seen;
    my ($server, $client) = pair(
        asking_listener(sub {
            my ($ok, $store) = @_;
            push @seen, $store->error_text;
            $store->set_error(0) if !$ok;
            return 1;
        }),
        {%client}
    );
    is $seen[0],                       'self-signed certificate', 'the error in words';
    is $seen[1],                       'ok',                      'until it is set to 0';
    is $server->verification->{error}, 0,                         'which counts afterwards, too';
};

subtest 'not code' => sub {
    my %bad = (
        text             => 'accept_it',
        number           => 1,
        hash             => {},
        array            => [sub { 1 }],
        glob             => *accept_it,
        'glob reference' => \*accept_it,
        object           => Exception->new('x'),
    );
    for my $name (sort keys %bad) {
        my $made = eval { asking_listener($bad{$name}); 1 };
        ok !$made, "$name is refused when it is set";
        like "$@", qr/\ASSL_verify_callback must be a code reference/, 'in words';
    }
    ok eval { asking_listener(undef); 1 }, 'undef means none';
};

subtest 'what else is code' => sub {
    my ($error, $done) = outcome(bless sub { return 1 }, 'Blessed::Code');
    is $error, '', 'a blessed function';
    ok $done, 'is called';
    my $object = bless { calls => 0 }, 'Callable';
    ($error, $done) = outcome($object);
    is $error,           '', 'an object that can be called';
    is $object->{calls}, 2,  'is called, too';
};

subtest 'from odd places' => sub {
    my $listener = asking_listener(sub { return 1 });
    my @served;
    my @sorted = sort { push @served, scalar(my @pair = pair($listener, {%client})); $a <=> $b } 2, 1;
    is_deeply [@sorted, @served], [1, 2, 2], 'a handshake inside sort';
    (my $text = 'x') =~ s/x/scalar(my @pair = pair($listener, {%client}))/e;
    is $text, 2, 'inside a substitution';
    my $done = 0;
    {
        my $watched = Watched->new(sub { $done = pair($listener, {%client}) });
    }
    ok $done, 'inside DESTROY';
    is_deeply [map { scalar(my @pair = pair($listener, {%client})) } 1 .. 3], [2, 2, 2], 'inside map';
    my $dying = asking_listener(sub { die "in sort\n" });
    is eval {
        @sorted = sort { pair($dying, {%client}); $a <=> $b } 2, 1;
        1;
    }, undef, 'an exception inside sort';
    is $@, "in sort\n", 'gets out';
};

subtest 'a callback that forks' => sub {
    my $pid;
    my ($server, $client) = pair(
        asking_listener(sub {
            return 1 if defined $pid;
            $pid = fork // die "fork: $!";
            Test::More->builder->no_ending(1) if $pid == 0;
            exit 0                            if $pid == 0;
            waitpid $pid, 0;
            return 1;
        }),
        {%client}
    );
    ok $server, 'the parent goes on';
    is $?, 0, 'the child ended well';
    print {$server} "hello\n";
    is scalar <$client>, "hello\n", 'and its connection is whole';
};

subtest 'through accept itself' => sub {
    my %callbacks = (
        die    => [sub { die "not you\n" },                qr/\Aaccept died: not you\n/],
        object => [sub { die Exception::False->new('x') }, qr/\Arefused|\Aaccept died/],
        refuse => [sub { 0 },                              qr/\Arefused .*callback said no/],
        last   => [sub { no warnings 'exiting'; last },    qr/\Aaccept died: Can't "last"/],
        store  => [sub { $_[1] = 12_345; 1 },              qr/\Aserved/],
    );
    for my $name (sort keys %callbacks) {
        my ($callback, $wanted) = @{ $callbacks{$name} };
        my $server = VouchTest::Server->start(
            ssl => {
                SSL_cert_file       => $identity[0],
                SSL_key_file        => $identity[1],
                SSL_verify_mode     => SSL_VERIFY_PEER,
                SSL_verify_callback => $callback,
            },
            serve   => sub { $_[1]->('served') },
            refused => sub { $_[0]->("refused $SSL_ERROR") },
        );
        for my $round (1, 2) {
            my $client = Vouch::Socket->new(
                PeerAddr        => '127.0.0.1',
                PeerPort        => $server->port,
                SSL_verify_mode => SSL_VERIFY_NONE,
                %client
            );
            like $server->next_line, $wanted, "$name, client $round";
        }
    }
};

subtest 'a client\'s callback' => sub {
    my $listener = listener();
    my %check    = (SSL_verify_mode => SSL_VERIFY_PEER, SSL_verifycn_scheme => 'none');
    my ($server, $client) = pair($listener, { %check, SSL_verify_callback => sub { 1 } });
    ok $client,                                                        'accepts a server';
    ok !pair($listener, { %check, SSL_verify_callback => sub { 0 } }), 'or refuses it';
    like "$SSL_ERROR", qr/SSL connect attempt failed .*certificate verify failed/, 'as a refusal';
    my $object = Exception::False->new('x');
    for my $mode (SSL_VERIFY_PEER, SSL_VERIFY_NONE) {
        is eval {
            pair($listener, { %check, SSL_verify_mode => $mode, SSL_verify_callback => sub { die $object } });
            1;
        }, undef, "mode $mode: one that dies";
        is refaddr $@, refaddr $object, 'is heard';
    }
    my $calls = 0;
    ($server, $client) = pair($listener, { SSL_verify_callback => sub { $calls++; 0 } });
    ok $client, 'with SSL_VERIFY_NONE the answer does not count';
    ok $calls,  'though it is asked';
    ($server, $client) = sockets($listener, %check, SSL_verify_callback => sub { undef $client; 1 });
    ok eval {
        for (1 .. 10) { $client->connect_SSL if $client; $server->accept_SSL }
        1;
    }, 'one that destroys its socket';
};

subtest 'an exception from new' => sub {
    my $server =
        VouchTest::Server->start(ssl => { SSL_cert_file => $identity[0], SSL_key_file => $identity[1] });
    my $new = sub {
        my ($callback) = @_;
        return Vouch::Socket->new(
            PeerAddr            => '127.0.0.1',
            PeerPort            => $server->port,
            SSL_verify_callback => $callback
        );
    };
    is eval {
        $new->(sub { die "no server for me\n" });
        1;
    }, undef, 'new dies';
    is $@, "no server for me\n", 'with what the callback died of';
    is eval {
        $new->(sub { 0 });
    }, undef, 'a refusal returns nothing';
    is $@, '', 'and does not die';
};

# --- the password callback ---------------------------------------------------

sub encrypted_key {
    my ($password) = @_;
    my $file = VouchTest::temp_dir() . '/encrypted-key.pem';
    my ($status, undef, $err) = VouchTest::run_command([
        qw(openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 1 -in),
        $identity[1], '-out', $file, '-passout', "pass:$password"
    ]);
    is $status, 0, 'an encrypted key' or diag $err;
    return $file;
}

subtest 'the password callback' => sub {
    my $key  = encrypted_key('secret');
    my $load = sub {
        my ($callback) = @_;
        return eval {
            Vouch::Context->new(
                SSL_server    => 1,
                SSL_cert_file => $identity[0],
                SSL_key_file  => $key,
                SSL_passwd_cb => $callback
            );
        } // $@;
    };
    isa_ok $load->(sub { 'secret' }), 'Vouch::Context', 'the right password';
    is $load->(sub { die "no password\n" }), "no password\n", 'one that dies';
    my $object = Exception::False->new('x');
    is refaddr $load->(sub { die $object }), refaddr $object, 'one that dies of an object';
    like $load->(sub { no warnings 'exiting'; last }), qr/Can't "last"/, 'one that leaves';
    for my $bad (
        ['wrong',       'password'],
        [q(),           'password'],
        ["sec\0ret",    'password'],
        [undef,         'password'],
        ['x' x 100_000, 'argument'],
        [[],            'argument'],
        [$object,       'argument'],
        )
    {
        my ($answer, $code) = @$bad;
        my $got = $load->(sub { $answer });
        isa_ok $got, 'Vouch::Error', 'a wrong answer gives an error that';
        is $got->code, $code, "is about the $code";
    }
    tie my $dying, 'Dying::Scalar';
    is $load->(sub { $dying }), "FETCH died\n", 'an answer that dies';
    my $inner;
    isa_ok $load->(sub {
        $inner //= $load->(sub { 'secret' });
        'secret';
        }),
        'Vouch::Context',
        'one that loads another';
    isa_ok $inner, 'Vouch::Context', 'which works as well, and';
    is status_of(sub {
        $load->(sub { exit 6 });
    }) >> 8, 6, 'exit';
};

subtest 'the password callback again, on reload' => sub {
    my $key     = encrypted_key('secret');
    my $answer  = 'secret';
    my $context = Vouch::Context->new(
        SSL_server    => 1,
        SSL_cert_file => $identity[0],
        SSL_key_file  => $key,
        SSL_passwd_cb => sub { die "not now\n" if !defined $answer; $answer }
    );
    undef $answer;
    is eval { $context->reload; 1 }, undef,       'it dies on reload';
    is $@,                           "not now\n", 'which is told';
    ok pair(listener(SSL_reuse_ctx => $context)), 'and the context works as before';
};

subtest 'nothing is left open' => sub {
    my $before = open_descriptors() // plan skip_all => 'no /proc here';
    for my $callback (sub { die "x\n" }, sub { 0 }, sub { 1 }, sub { no warnings 'exiting'; last }) {
        outcome($callback) for 1 .. 5;
    }
    is open_descriptors(), $before, 'as many descriptors as before';
};

done_testing;
