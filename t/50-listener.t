use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use POSIX            ();
use Errno            qw(EAGAIN EBADF ETIMEDOUT);
use Time::HiRes      qw(time);
use VouchTest        qw(identity);
use VouchTest::Crowd qw(client gone identity_files listener meet silent start until_told);
use Vouch::Listener  ();
use Vouch::Socket;

# Accepting with many handshakes under way: who comes out, who does not, and
# what is told about them.

my @told;
my %telling = (on_error => sub { push @told, @_ });

sub told { return splice @told }

subtest 'a connection that is ready' => sub {
    for my $version (qw(TLSv1_2 TLSv1_3)) {
        my $listener = listener(%telling);
        my @silent   = map { silent($listener) } 1 .. 5;
        my ($server, $client) = meet($listener, SSL_version => $version);
        isa_ok $server, 'Vouch::Socket', "$version: among silent ones, what comes out";
        is $server->get_sslversion, $version,          'its handshake is done';
        is $server->peerport,       $client->sockport, 'it is the right one';
        ok $server->blocking, 'it blocks';
        print {$server} "hello\n";
        is scalar <$client>, "hello\n", 'bytes go out';
        print {$client} "bye\n";
        is scalar <$server>,   "bye\n", 'and come in';
        is $listener->pending, 5,       'the silent ones are under way';
        is_deeply $listener->stats,
            {
            accepted => 6,
            ready    => 1,
            pending  => 5,
            open     => 6,
            map { $_ => 0 } qw(failed timed_out refused displaced exhausted)
            },
            'all is counted';
        close $server;
        is $listener->stats->{open}, 5, 'a connection that is closed is not open';
    }
    is_deeply [told()], [], 'nothing has failed';
};

subtest 'accept' => sub {
    my $listener = listener(%telling);
    my @silent   = map { silent($listener) } 1 .. 3;
    my @children = map {
        client($listener, sub { print { $_[0] } "hello\n"; readline($_[0]) eq "bye\n" ? 0 : 1 })
    } 1 .. 3;
    for (1 .. 3) {
        my ($client, $address) = $listener->accept;
        is $address,         $client->peername, 'in list context it tells the address';
        is scalar <$client>, "hello\n",         'its client has come through';
        print {$client} "bye\n";
    }
    is gone($_),           0, 'and got its answer' for @children;
    is $listener->pending, 3, 'the others are under way';

    @My::Class::ISA = 'Vouch::Socket';
    my $child  = client($listener, sub { readline $_[0]; 0 });
    my $client = $listener->accept('My::Class');
    is ref $client, 'My::Class', 'the class may be chosen';
    close $client;
    gone($child);
    is_deeply [told()], [], 'nothing has failed';
};

subtest 'accept returns nothing' => sub {
    my $listener = listener(Timeout => 0.05, %telling);
    my $silent   = silent($listener);
    my $start    = time;
    my @none     = $listener->accept;
    my ($errno, $error) = ($! + 0, $SSL_ERROR);
    is scalar @none, 0, 'after Timeout: the empty list in list context';
    cmp_ok time - $start, '>=', 0.045, 'not before';
    is $errno,                ETIMEDOUT, '$! is ETIMEDOUT';
    is 0 + $error,            ETIMEDOUT, '$SSL_ERROR too';
    is $listener->timeout(0), 0.05,      'Timeout can be changed';
    is $listener->accept,     undef,     '0 does not wait at all';
    is $! + 0,                ETIMEDOUT, 'and is a time that has passed';

    is $listener->timeout(undef), 0,      'no Timeout';
    is $listener->blocking(0),    1,      'it waits, unless it is told not to';
    is $listener->accept,         undef,  'then it does not';
    is $! + 0,                    EAGAIN, '$! is EAGAIN';
    ok $SSL_ERROR == SSL_WANT_READ, '$SSL_ERROR is SSL_WANT_READ';
    is $listener->blocking(1), 0, 'that can be told';

    ok $listener->opened,  'it is open';
    ok $listener->close,   'it is closed';
    ok !$listener->opened, 'then not any more';
    ok !$listener->close,  'not a second time';
    is $listener->accept, undef, 'closed, there is nobody';
    is $! + 0,            EBADF, '$! is EBADF';
    is_deeply [$listener->advance], [], 'nothing advances';
    is $listener->$_,      undef,         "no $_" for qw(fileno handle next_deadline sockport socket context);
    is $listener->pending, 0,             'nothing is under way';
    is sysread($silent, my $bytes, 1), 0, 'who was silent sees the end';
    is_deeply [told()], [], 'nothing has failed';
};

subtest 'a signal handler closes the socket' => sub {
    my $listener = listener(%telling);
    local $SIG{USR1} = sub { $listener->socket->close };
    my $parent = $$;
    my $child  = fork // die "fork: $!";
    if ($child == 0) {
        Time::HiRes::sleep(0.2);    # for accept to wait, which is not needed
        kill USR1 => $parent;
        POSIX::_exit(0);
    }
    is $listener->accept, undef, 'a waiting accept ends';
    is $! + 0,            EBADF, 'with EBADF';
    waitpid $child, 0;
};

subtest 'a deadline for each' => sub {
    my $listener = listener(HandshakeTimeout => 0.1, %telling);
    is $listener->next_deadline, undef, 'without clients there is none';
    my $start  = time;
    my @silent = map { silent($listener) } 1 .. 3;
    $listener->advance;
    my $first = $listener->next_deadline;
    cmp_ok $first, '<=', 0.1, 'a silent client has one';
    ok until_told($listener, sub { @told == 3 }), 'at its end they fail' or diag scalar @told;
    cmp_ok time - $start, '>=', 0.095, 'not before';
    my @failed = told();
    is join(' ', map { $_->{what} } @failed), 'timeout timeout timeout',               'for the time';
    is join(' ', map { $_->{port} } @failed), join(' ', map { $_->sockport } @silent), 'in their order';
    is $failed[0]{error}->code, 'timeout', 'with a Vouch::Error';
    is $failed[0]{text}, '127.0.0.1:' . $silent[0]->sockport . ': no handshake within 0.1 seconds',
        'and a sentence';
    is $listener->stats->{timed_out}, 3, 'they are counted';
    is sysread($_, my $bytes, 1),     0, 'and see the end' for @silent;
    my ($server) = meet($listener);
    ok $server, 'others come through';
};

subtest 'time away is not the client\'s' => sub {
    my $listener = listener(HandshakeTimeout => 0.3, Timeout => 0.01, %telling);
    my $client   = start($listener);
    $listener->accept;
    Time::HiRes::sleep(0.4);    # the program serves somebody else
    $listener->accept;
    is_deeply [told()], [], 'a client that came before does not lose its time';
    is $listener->pending, 1, 'and is still there';
};

subtest 'what is told' => sub {
    my $listener = listener(%telling);
    my $client   = silent($listener);
    print {$client} "GET / HTTP/1.0\r\n\r\n";
    ok until_told($listener, sub { @told }), 'plain HTTP is a failure';
    my ($failure) = told();
    is $failure->{what},        'handshake',                      'of the handshake';
    is $failure->{address},     '127.0.0.1:' . $client->sockport, 'the address';
    is $failure->{host},        '127.0.0.1',                      'the host';
    is $failure->{port},        $client->sockport,                'and the port are told';
    is $failure->{server_name}, undef,                            'no name was asked for';
    is $failure->{exception},   undef,                            'no callback has died';
    isa_ok $failure->{error}, 'Vouch::Error', 'the error';
    like $failure->{error}->message, qr/http request/, 'it tells why';
    is $failure->{error}->cause, 'plain_http',        'the usual cause';
    is $failure->{error}->side,  'ours',              'and which side refused';
    is $failure->{error}->peer,  $failure->{address}, 'whom';
    like $failure->{error}->hint, qr{https://}, 'with a hint';
    is $failure->{text},           "$failure->{address}: " . $failure->{error}->message, 'the text has both';
    is $listener->stats->{failed}, 1,                                                    'it is counted';

    $client = start($listener, SSL_hostname => 'host.example');
    $client->connect_SSL;
    $listener->advance for 1 .. 3;
    shutdown $client, 1;
    ok until_told($listener, sub { @told }), 'a client that goes away is a failure';
    ($failure) = told();
    is $failure->{server_name}, 'host.example', 'the name it asked for is told';
    like $failure->{text}, qr/\A127\.0\.0\.1:[0-9]+ for host\.example: /, 'in the text too';
    is $failure->{error}->code, 'closed', 'with the code';

    my %asking = (SSL_verify_mode => SSL_VERIFY_PEER, SSL_ca_file => \undef);
    $listener = listener(%asking, %telling);
    my ($cert, $key) = identity('stranger', cn => 'Stranger');
    $client = start($listener, SSL_cert_file => $cert, SSL_key_file => $key);
    ok until_told($listener, sub { $client->connect_SSL if defined fileno $client; @told }),
        'a certificate that is not trusted';
    ($failure) = told();
    is $failure->{error}->code,  'verify',     'is refused';
    is $failure->{error}->cause, 'untrusted',  'as untrusted';
    is $failure->{error}->alert, 'unknown_ca', 'with an alert';
};

subtest 'on_error may do anything' => sub {
    my $listener;
    my $close = sub { $listener->close; push @told, @_ };
    $listener = listener(on_error => $close, Timeout => 10);
    my $client = silent($listener);
    my $other  = silent($listener);
    print {$client} "no TLS\n";
    is $listener->accept,          undef, 'closing the listener ends accept';
    is $! + 0,                     EBADF, 'with EBADF';
    is scalar(my @calls = told()), 1,     'after one call';
    ok !sysread($other, my $bytes, 1), 'the other is closed';

    $listener = listener(on_error => sub { die "enough\n" });
    $client   = silent($listener);
    print {$client} "no TLS\n";
    is eval { $listener->accept; 1 }, undef,      'dying leaves accept';
    is $@,                            "enough\n", 'with the exception';
    my ($server) = meet($listener);
    ok $server, 'and others come through';

    my $good = start($listener);
    my $done;
    until ($done = $good->connect_SSL) { $listener->advance }
    my $bad = silent($listener);
    print {$bad} "no TLS\n";
    is eval { $listener->advance; 1 }, undef, 'dying leaves advance too';
    my @ready = $listener->advance;
    is scalar @ready, 1, 'who was ready in the same moment is not lost';

    undef $listener;
    $listener = listener(on_error => sub { undef $listener; push @told, @_ }, Timeout => 0.05);
    $client   = silent($listener);
    print {$client} "no TLS\n";
    is $listener->accept,         undef, 'dropping the listener leaves accept what it needs';
    is scalar(my @more = told()), 1,     'after one call';
};

subtest 'arguments' => sub {
    my @wrong = (
        [{ Handshakes         => 0 },       qr/\AHandshakes must be a whole number, 1 or more, not '0'/],
        [{ Handshakes         => 'many' },  qr/\AHandshakes must be a whole number/],
        [{ PerAddress         => -1 },      qr/\APerAddress must be a whole number, 0 or more/],
        [{ MaxConnections     => [] },      qr/\AMaxConnections must be a whole number/],
        [{ HandshakeTimeout   => -1 },      qr/\AHandshakeTimeout must be a number/],
        [{ HandshakeTimeout   => 'x' },     qr/\AHandshakeTimeout must be a number/],
        [{ on_error           => 'print' }, qr/\Aon_error must be a code reference/],
        [{ SSL_startHandshake => 0 },       qr/\ASSL_startHandshake => 0 leaves no handshakes/],
        [{ SSL_error_trap     => sub { } }, qr/\ASSL_error_trap has no socket/],
        [{ SSL_cert           => 1, SSL_nothing => 1 }, qr/SSL_nothing/],
    );
    for my $case (@wrong) {
        my ($arg, $text) = @$case;
        for my $class (qw(Vouch::Listener Vouch::Socket)) {
            my %more = $class eq 'Vouch::Socket' ? (Handshakes => 10) : ();
            is eval { listener(class => $class, %more, %$arg); 1 }, undef, "$class refuses " . join ' ',
                %$arg;
            like "$@", $text, 'and says why';
        }
    }
    is eval { Vouch::Socket->new(Listen => 5, PerAddress => 5, identity_files()); 1 }, undef,
        'PerAddress alone is refused';
    like "$@", qr/\APerAddress needs Handshakes/, 'and says what is missing';
    is eval { Vouch::Socket->new(PeerAddr => '127.0.0.1:1', Handshakes => 5); 1 }, undef,
        'so is Handshakes for a client';
    like "$@", qr/\AHandshakes is for sockets that listen/, 'and says so';

    my $taken = listener();
    my @where = (LocalAddr => '127.0.0.1', LocalPort => $taken->sockport);
    is scalar(Vouch::Listener->new(@where, identity_files())), undef, 'a port that is taken returns undef';
    like "$SSL_ERROR", qr/\Acannot listen on 127\.0\.0\.1/, 'with $SSL_ERROR';
};

done_testing;
