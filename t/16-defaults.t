use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::IP ();

use VouchTest        qw(identity);
use VouchTest::Turns qw(listener sockets shake pair);
use Vouch::Context;
use Vouch::Socket;

# What is said once for all sockets of a process.

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');
my %server = (SSL_cert_file => $server[0], SSL_key_file => $server[1]);

my $plain = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 100) or die $@;

# A client that has not begun; its arguments, as its context has them.
sub client {
    my (@arg) = @_;
    return Vouch::Socket->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => $plain->sockport,
        SSL_startHandshake => 0,
        @arg
    ) // die $SSL_ERROR;
}

sub argument { my ($name, @arg) = @_; return client(@arg)->context->{arg}{$name} }

sub refused {
    my ($code, $pattern, $name) = @_;
    my $line = eval { $code->(); 1 } ? 'it did not die' : "$@";
    like $line, $pattern, $name;
    return;
}

subtest 'set_defaults' => sub {
    is argument('SSL_verify_mode'), undef, 'nothing to begin with';
    is_deeply [Vouch::Socket->set_defaults(SSL_verify_mode => 0)], [], 'returns nothing';
    is argument('SSL_verify_mode'), 0, 'as a method';
    is argument('SSL_verify_mode', SSL_verify_mode => 1),     1, 'a socket\'s own goes before';
    is argument('SSL_verify_mode', SSL_verify_mode => undef), 0, 'undef is not given';
    Vouch::Socket::set_defaults(mode => 1, SSL_verify_depth => 3);
    is argument('SSL_verify_mode'),                        1, 'as a function, by its short name';
    is argument('SSL_verify_depth'),                       3, 'and others';
    is argument('SSL_verify_depth', SSL_verify_mode => 0), 3, 'each by itself';
    client()->set_defaults(SSL_verify_mode => undef);
    is argument('SSL_verify_mode'),  undef, 'forgotten, through an object';
    is argument('SSL_verify_depth'), 3,     'the other is not';
    Vouch::Socket->set_ctx_defaults(SSL_verify_depth => undef);
    is argument('SSL_verify_depth'), undef, 'set_ctx_defaults is the same';
};

subtest 'default_ca' => sub {
    my %system = Vouch::Socket->default_ca;
    is argument('SSL_ca_file'), undef, 'nothing to begin with';
    is_deeply { Vouch::Socket->default_ca($alex[0]) }, { SSL_ca_file => $alex[0] }, 'a file, as a method';
    is argument('SSL_ca_file'), $alex[0], 'which clients trust';
    is argument('SSL_ca_file', SSL_ca_file     => $server[0]), $server[0], 'that are not told another';
    is argument('SSL_ca_file', SSL_ca_path     => '/'),        undef,      'or a folder';
    is argument('SSL_ca_file', SSL_verify_mode => 0),          undef,      'and check certificates';
    is_deeply { Vouch::Socket::default_ca() }, { SSL_ca_file => $alex[0] }, 'it is told';
    is_deeply { Vouch::Socket::default_ca('/') }, { SSL_ca_path => '/' }, 'a folder, as a function';
    is argument('SSL_ca_path'), '/',   'which clients trust';
    is argument('SSL_ca_file'), undef, 'and not the file';
    my @both = (SSL_ca_file => $alex[0], SSL_ca_path => '/');
    is_deeply { Vouch::Socket->default_ca(@both) }, {@both}, 'both, as arguments';
    refused(
        sub { Vouch::Socket->default_ca('/nowhere') },
        qr{default_ca: there is no '/nowhere'},
        'no such file'
    );
    refused(
        sub { Vouch::Socket->default_ca(SSL_key_file => 'x') },
        qr/default_ca takes SSL_ca_file/,
        'no authority'
    );
    Vouch::Socket->default_ca($server[0]);
    my ($one, $two) = pair({%server}, { SSL_verify_mode => 1, SSL_verifycn_name => 'localhost' });
    ok $two, 'a handshake by it' or diag $SSL_ERROR;
    is_deeply { Vouch::Socket->default_ca(undef) }, \%system, 'undef: the system\'s again';
    is argument('SSL_ca_file'), undef, 'nobody is told any more';
};

subtest 'sides' => sub {
    Vouch::Socket->set_defaults(SSL_verify_depth => 2, SSL_session_tickets => 0);
    Vouch::Socket->set_client_defaults(SSL_verify_depth => 3);
    Vouch::Socket->set_server_defaults(%server);
    is argument('SSL_verify_depth'),    3,     'a client\'s goes before both\'s';
    is argument('SSL_session_tickets'), 0,     'both\'s count';
    is argument('SSL_cert_file'),       undef, 'a server\'s do not';
    my $listener = Vouch::Socket->new(LocalAddr => '127.0.0.1', Listen => 1) or die $SSL_ERROR;
    is $listener->context->{arg}{SSL_verify_depth}, 2,          'a server the other way round';
    is $listener->context->{arg}{SSL_cert_file},    $server[0], 'which has its certificate from there';
    my $to       = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $plain->sockport) or die $@;
    my $upgraded = Vouch::Socket->start_SSL($to, SSL_server => 1, SSL_startHandshake => 0);
    is $upgraded->context->{arg}{SSL_cert_file}, $server[0], 'start_SSL too';
    Vouch::Socket->set_defaults(SSL_verify_depth => undef, SSL_session_tickets => undef);
    Vouch::Socket->set_client_defaults(SSL_verify_depth => undef);
    Vouch::Socket->set_server_defaults(map { $_ => undef } keys %server);
    refused(
        sub { Vouch::Socket->new(LocalAddr => '127.0.0.1', Listen => 1) },
        qr/a server needs a certificate/,
        'all forgotten'
    );
};

subtest 'they do what they say' => sub {
    my $calls = 0;
    Vouch::Socket->set_client_defaults(
        mode     => SSL_VERIFY_PEER,
        callback => sub { $calls++; 1 },
        name     => 'other.example',
    );
    my $listener = listener(%server);
    my $connect  = sub {
        my $socket = Vouch::Socket->new(
            PeerAddr           => '127.0.0.1',
            PeerPort           => $listener->sockport,
            SSL_startHandshake => 0,
            @_
        );
        my $accepted = $listener->accept;
        $_->blocking(0) for $socket, $accepted;
        return shake($accepted, $socket);
    };
    ok !$connect->(), 'a name to verify';
    like $SSL_ERROR, qr/hostname verification failed/, 'which is not the server\'s';
    Vouch::Socket->set_client_defaults(scheme => 'none');
    $calls = 0;
    ok $connect->(), 'a scheme that looks at no name';
    ok $calls,       'and the callback is called';
    Vouch::Socket->set_client_defaults(map { $_ => undef } qw(mode callback name scheme));
    ok !$connect->(), 'without defaults nobody vouches for the server';
};

subtest 'wrong ones' => sub {
    refused(sub { Vouch::Socket->set_defaults('SSL_verify_mode') },
        qr/set_defaults takes names and values/, 'odd');
    refused(sub { Vouch::Socket->set_client_defaults(SSL_verify_depth => 1, SSL_verifymode => 1) },
        qr/SSL_verifymode \(did you mean SSL_verify_mode\?\)/, 'misspelt');
    is argument('SSL_verify_depth'), undef, 'and nothing has changed';
    refused(
        sub { Vouch::Socket->set_server_defaults([] => 1) },
        qr/does not know the argument ARRAY/,
        'a reference'
    );
    Vouch::Socket->set_defaults(SSL_verify_mode => 'x');
    refused(sub { client() }, qr/SSL_verify_mode must be a number/, 'a wrong value is told where it is used');
    Vouch::Socket->set_defaults(SSL_verify_mode => undef);
    for my $wrong ('text', [], {}, 17, '') {
        refused(
            sub { Vouch::Socket::set_args_filter_hack($wrong) },
            qr/set_args_filter_hack takes/,
            'as a function'
        );
        refused(
            sub { Vouch::Socket->set_args_filter_hack($wrong) },
            qr/set_args_filter_hack takes/,
            "filter: $wrong"
        );
        refused(
            sub { Vouch::Socket->set_default_context($wrong) },
            qr/set_default_context must be a Vouch::Context/,
            "context: $wrong"
        );
    }
};

subtest 'set_args_filter_hack: a function' => sub {
    my @seen;
    Vouch::Socket->set_args_filter_hack(sub {
        my ($is_server, $arg) = @_;
        push @seen, [$is_server, join ' ', sort keys %$arg];
        delete $arg->{SSL_verify_mode} if !$is_server;
        $arg->{SSL_verify_depth} = 7;
    });
    is argument('SSL_verify_mode', SSL_verify_mode => 0), undef, 'it takes away';
    is argument('SSL_verify_depth'),                      7,     'and adds';
    is_deeply $seen[0], [0, 'PeerAddr PeerPort SSL_startHandshake SSL_verify_mode'],
        'it sees a client and all arguments';
    @seen = ();
    Vouch::Socket->new(LocalAddr => '127.0.0.1', Listen => 1, %server) or die $SSL_ERROR;
    is $seen[0][0],  1, 'and a server as such';
    is scalar @seen, 1, 'once';
    Vouch::Socket->set_args_filter_hack(sub { die "not today\n" });
    refused(sub { client() }, qr/\Anot today\n\z/, 'what it dies with');
    Vouch::Socket::set_args_filter_hack(undef);
    is argument('SSL_verify_mode', SSL_verify_mode => 0), 0, 'and no more';
};

subtest 'set_args_filter_hack: use_defaults' => sub {
    Vouch::Socket->set_args_filter_hack('use_defaults');
    my @loose = (
        SSL_verify_mode     => 0,
        SSL_verify_callback => sub { 1 },
        SSL_ca_file         => $server[0],
        SSL_verifycn_scheme => 'none',
        SSL_cipher_list     => 'ALL',
        SSL_version         => 'TLSv1_2'
    );
    for my $name (grep { /\ASSL_/ && !/scheme/ } @loose) {
        is argument($name, @loose), undef, "a client cannot say its $name";
    }
    is argument('SSL_cert_file', SSL_cert_file => $alex[0], SSL_key_file => $alex[1]), $alex[0],
        'who it is, it can';
    is argument('SSL_fingerprint', SSL_fingerprint => 'sha256$' . 'ab' x 32), 'sha256$' . 'ab' x 32,
        'and pins';
    Vouch::Socket->set_defaults(SSL_verify_mode => 3, SSL_ca_file => $alex[0]);
    is argument('SSL_verify_mode', @loose), 3, 'the defaults count instead';
    my $listener = Vouch::Socket->new(
        LocalAddr => '127.0.0.1',
        Listen    => 1,
        %server,
        SSL_verify_mode => 0,
        SSL_cipher_list => 'HIGH'
    ) or die $SSL_ERROR;
    is $listener->context->{arg}{SSL_verify_mode}, 3,      'for servers too';
    is $listener->context->{arg}{SSL_cipher_list}, 'HIGH', 'but what there is no default for is theirs';
    Vouch::Socket->set_defaults(SSL_verify_mode => undef, SSL_ca_file => undef);
    Vouch::Socket->set_args_filter_hack(undef);
    is argument('SSL_verify_mode', @loose), 0, 'and no more';
};

subtest 'set_default_context, context_init' => sub {
    my $context = Vouch::Context->new(SSL_verify_mode => 0);
    is_deeply [Vouch::Socket->set_default_context($context)], [], 'returns nothing';
    is client()->context,                                          $context, 'the context of all clients';
    is client(SSL_hostname => 'x.example', Timeout => 5)->context, $context, 'with arguments of their own';
    isnt client(SSL_verify_mode => 1)->context,   $context, 'not of those who say what a context says';
    isnt client(SSL_reuse_ctx => undef)->context, $context, 'or that they want none';
    my $other = Vouch::Context->new;
    is client(SSL_reuse_ctx => $other)->context, $other, 'or which';
    refused(
        sub { Vouch::Socket->new(LocalAddr => '127.0.0.1', Listen => 1) },
        qr/a server needs a certificate/,
        'nor of servers'
    );
    Vouch::Socket->set_default_context(client());
    is client()->context, $context, 'a socket names its context';
    Vouch::Socket::set_default_context(undef);
    isnt client()->context, $context, 'none';

    my $made = Vouch::Socket::context_init({ SSL_server => 1, %server });
    isa_ok $made, 'Vouch::Context', 'what context_init returns';
    my $listener = Vouch::Socket->new(LocalAddr => '127.0.0.1', Listen => 1) or die $SSL_ERROR;
    is $listener->context,  $made, 'serves servers';
    isnt client()->context, $made, 'and no clients';
    is(Vouch::Socket->context_init(SSL_reuse_ctx => $context), $context, 'or takes one');
    is client()->context, $context, 'which is used';
    Vouch::Socket->set_default_context(undef);
};

done_testing;
