use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::IP ();
use POSIX          ();
use Scalar::Util   qw(weaken);

use VouchTest        qw(identity expect_warnings);
use VouchTest::Turns qw(listener sockets shake pair open_descriptors);
use Vouch::Context;
use Vouch::SessionCache;
use Vouch::Socket;

# A socket that is closed, dropped, or otherwise spoilt inside each of its
# callbacks: whatever comes of its handshake, nothing is harmed, and nothing
# stays.

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1', '*.wild.example']);
my @alex   = identity('alex',   cn => 'Alex');
my %server = (SSL_cert_file => $server[0], SSL_key_file => $server[1]);
my %trust  = (SSL_ca_file   => $server[0]);

# A cache of sessions, and a list of suffixes, that do something when asked.
package Acting {    ## no critic (RequireFilenameMatchesPackage ProhibitMultiplePackages)
    sub new           { my ($class, $act) = @_; return bless { act => $act }, $class }
    sub get_session   { $_[0]{act}->();         return }
    sub add_session   { $_[0]{act}->();         return }
    sub del_session   { return }
    sub public_suffix { $_[0]{act}->(); return 'example' }
}

package main;       ## no critic (ProhibitMultiplePackages)

# Weak references to all sockets there were.
my @watched;

sub watched {
    my ($socket) = @_;
    weaken($watched[@watched] = $socket);
    return $socket;
}

sub all_gone {
    my ($name) = @_;
    is scalar(grep { defined } splice @watched), 0, $name;
    return;
}

my $plain = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5) or die $@;

# What may be done to a socket in a variable; those that cannot be done to one
# in its handshake die, and so does the handshake.
my %ACTION = (
    'close'                => sub { $_[0]->close },
    'close without a word' => sub { $_[0]->close(SSL_no_shutdown   => 1) },
    'close that waits'     => sub { $_[0]->close(SSL_fast_shutdown => 0, Timeout => 0.1) },
    'CORE::close'          => sub { close $_[0] },
    'undef'                => sub { undef $_[0] },
    'another in its place' => sub { $_[0] = Vouch::Socket->new },
    'stop_SSL'             => sub { $_[0]->stop_SSL(SSL_fast_shutdown => 1) },
    'kill_socket'          => sub { $_[0]->kill_socket },
    'fatal_ssl_error'      => sub { $_[0]->fatal_ssl_error },
    'the handshake again'  => sub { $_[0]->context->is_server ? $_[0]->accept_SSL : $_[0]->connect_SSL },
    'start_SSL'            => sub { Vouch::Socket->start_SSL($_[0], SSL_verify_mode => 0, Timeout => 0.1) },
    'configure_SSL'        => sub { $_[0]->configure_SSL({ SSL_verify_mode => 0 }) },
    'timeout'              => sub { $_[0]->timeout(3) },
    'print'                => sub { print { $_[0] } 'x' },
    'readline'             => sub { my $line = readline $_[0] },
    'sysread'              => sub { sysread $_[0], my $byte, 1 },
    'eof'                  => sub { my $end = eof $_[0] },
    'untie'                => sub { untie *{ $_[0] } },
    'shutdown'             => sub { shutdown $_[0], 2 },
    'the descriptor'       => sub { POSIX::close(fileno $_[0]) },
    'another class'        => sub { bless $_[0], 'IO::Handle' },
    'reload'               => sub { $_[0]->context->reload },
    'its settings'         => sub { %{ *{ $_[0] } } = () },
    'close and die'        => sub { $_[0]->close(SSL_no_shutdown => 1); die "closed and dead\n" },
    'undef and die'        => sub { undef $_[0];                        die "dropped and dead\n" },
);

# Callbacks, as arguments of a client and of a server, with the action in them.
my %CLIENT = (
    'the verify callback'    => sub { (%trust, SSL_verify_callback => $_[0]) },
    'the function for names' => sub {
        my ($act) = @_;
        (%trust, SSL_verifycn_scheme => { callback => sub { $act->(); 1 } });
    },
    'the list of suffixes' => sub { (
        %trust,
        SSL_verifycn_name         => 'www.wild.example',
        SSL_verifycn_publicsuffix => Acting->new($_[0])
    ) },
    'the cache of sessions'  => sub { (%trust, SSL_session_cache => Acting->new($_[0])) },
    'the trap'               => sub { (SSL_ca_file => \undef, SSL_error_trap => $_[0]) },
    'the trap of a callback' => sub {
        my ($act) = @_;
        (SSL_verify_callback => sub { $act->(); 0 }, SSL_error_trap => $act);
    },
    'the callback for staples' => sub { (%trust, SSL_ocsp_staple_callback => $_[0]) },
);
my %SERVER = (
    'the verify callback' => sub { (SSL_verify_mode => 1, SSL_verify_callback => $_[0]) },
    'the trap'            => sub { (SSL_verify_mode => 3, SSL_ca_file => \undef, SSL_error_trap => $_[0]) },
);

sub client_of {
    my ($port, @arg) = @_;
    my $socket = Vouch::Socket->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => $port,
        SSL_startHandshake => 0,
        Timeout            => 5,
        @arg
    );
    return $socket && watched($socket);
}

# One handshake whose callback does this to the client, or to the server.
sub spoil {
    my ($side, $arguments, $act) = @_;
    my ($client, $server);
    my $once  = 1;
    my $acted = 0;
    my $do    = sub {
        return 1 if !$once || !($side eq 'client' ? $client : $server);
        $once = 0;
        $acted++;
        $act->($side eq 'client' ? $client : $server);
        return 1;
    };
    my $listener = listener(%server, Timeout => 5, $side eq 'server' ? $arguments->($do) : ());
    $client = client_of($listener->sockport,
          $side eq 'client'
        ? $arguments->($do)
        : (SSL_verify_mode => 0, SSL_cert_file => $alex[0], SSL_key_file => $alex[1]))
        or die $SSL_ERROR;
    $server = watched($listener->accept);
    $_->blocking(0) for $client, $server;
    # A program would hold a socket whose method runs; these are the methods of
    # one that only the variable of the program holds.
    for (1 .. 6) {
        eval { $client->connect_SSL } if $client && ref $client eq 'Vouch::Socket' && !$client->is_SSL;
        eval { $server->accept_SSL }  if $server && ref $server eq 'Vouch::Socket' && !$server->is_SSL;
        last if !$client || !$server;
    }
    # A handshake that is not over keeps its callbacks until it is closed.
    $_->close for grep { $_ && ref $_ eq 'Vouch::Socket' && $_->opening } $client, $server;
    # The cache of sessions is the program's, and so is what it holds.
    if ($side eq 'client' && $arguments == $CLIENT{'the cache of sessions'}) { undef $client; undef $server }
    # The listener, and what it has accepted, may be spoilt too; its next client is not.
    $once = 0;
    my $next = $side eq 'client' ? $listener : listener(%server);
    ok pair($next, { SSL_verify_mode => 0 }), 'another connection works';
    return $acted;
}

for my $side (qw(client server)) {
    my $callbacks = $side eq 'client' ? \%CLIENT : \%SERVER;
    for my $callback (sort keys %$callbacks) {
        subtest "$side: $callback" => sub {
            my $before = open_descriptors();
            for my $action (sort keys %ACTION) {
                my $acted;
                my $warned =
                    expect_warnings(sub { $acted = spoil($side, $callbacks->{$callback}, $ACTION{$action}) });
                is $acted, 1, "$action: was done";
                is_deeply [grep { !/untie attempted|uninitialized|Bad file descriptor/ } @$warned], [],
                    'no warning';
                all_gone('and all is gone');
            }
            cmp_ok open_descriptors() // 0, '<=', $before // 0, 'no descriptor is left';
        };
    }
}

subtest 'before there is a socket to spoil' => sub {
    my %early = (
        'SSL_create_ctx_callback' => sub { (SSL_create_ctx_callback => $_[0]) },
        'SSL_passwd_cb'           => sub { my ($act) = @_; (%server, SSL_passwd_cb => $act) },
        'the filter'              => sub { Vouch::Socket->set_args_filter_hack($_[0]); () },
    );
    for my $name (sort keys %early) {
        for my $action ('close', 'undef', 'configure_SSL', 'stop_SSL', 'close and die') {
            my $socket = watched(Vouch::Socket->new);
            my $done   = 0;
            my $act    = sub { return 'secret' if $done++; $ACTION{$action}->($socket); return 'secret' };
            my $made   = eval {
                $socket->configure({
                    PeerAddr           => '127.0.0.1',
                    PeerPort           => $plain->sockport,
                    SSL_startHandshake => 0,
                    $early{$name}->($act)
                });
            };
            ok $done || $name eq 'SSL_passwd_cb', "$name: $action";
            Vouch::Socket->set_args_filter_hack(undef);
            undef $made;
            undef $socket;
            all_gone('all is gone');
            $plain->blocking(0);
            1 while $plain->accept;
        }
    }
};

subtest 'a listener in its own accept' => sub {
    for my $action (
        'close',        'undef',         'kill_socket', 'another class',
        'its settings', 'close and die', 'timeout',     'reload'
        )
    {
        my ($listener, $port);
        my $once = 1;
        $listener = Vouch::Socket->new(
            LocalAddr       => '127.0.0.1',
            Listen          => 5,
            Timeout         => 10,
            SSL_verify_mode => 1,
            %server,
            SSL_verify_callback =>
                sub { return 1 if !$once; $once = 0; $ACTION{$action}->($listener); return 1 }
        );
        watched($listener);
        $port = $listener->sockport;
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            my $socket = Vouch::Socket->new(
                PeerAddr        => '127.0.0.1',
                PeerPort        => $port,
                SSL_verify_mode => 0,
                SSL_cert_file   => $alex[0],
                SSL_key_file    => $alex[1],
                Timeout         => 10
            );
            my $end = $socket && <$socket>;
            POSIX::_exit(0);
        }
        my $client = eval { $listener->accept };
        ok !$once,                                      "$action: was done";
        ok $client || $@ =~ /dead/ || $action !~ /die/, 'accept has come back';
        undef $client;
        if    ($listener && ref $listener eq 'Vouch::Socket') { $listener->close }
        elsif ($listener)                                     { CORE::close($listener) }
        undef $listener;
        waitpid $pid, 0;
        all_gone('all is gone');
    }
};

done_testing;
