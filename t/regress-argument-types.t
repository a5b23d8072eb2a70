use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno          qw(EINVAL);
use IO::Socket::IP ();
use Scalar::Util   qw(blessed);

use VouchTest        qw(identity expect_warnings);
use VouchTest::Turns qw(pair);
use Vouch::Socket;

# Values of every wrong kind for every argument and in every method: an error
# that names the argument, or what is documented; never a crash, and never
# nothing.

my @server = identity('server', cn => 'localhost', san => ['127.0.0.1']);
my %server = (SSL_cert_file => $server[0], SSL_key_file => $server[1]);
my $plain  = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 128) or die $@;

my %value = (
    undef       => undef,
    empty       => '',
    text        => 'text',
    minus       => -1,
    zero        => 0,
    large       => 2**45,                # 2**40 is memory of AddressSanitizer
    huge        => 1e300,
    nan         => 'nan',
    nul         => "a\0b",
    wide        => "\x{263a}",
    long        => 'x' x 100_000,
    code        => sub { 1 },
    array       => [],
    texts       => ['x'],
    arrays      => [[]],
    hash        => {},
    pairs       => { x => 'y' },
    scalar      => \'x',
    glob        => \*STDIN,
    object      => bless({}, 'Other'),
    an_address  => 94_132_448_443_600,
    odd_address => 94_132_448_443_601,
);

my @numbers  = qw(minus zero large huge nan an_address odd_address);
my @texts    = (@numbers, 'text');
my @anything = (@texts,   qw(empty nul wide long object));

# Which of them an argument takes, beside undef.
my %takes = (
    SSL_alpn_protocols        => [@texts, qw(array texts)],
    SSL_ca                    => [qw(empty array)],
    SSL_ca_file               => [qw(empty array scalar)],
    SSL_ca_path               => [qw(empty array scalar)],
    SSL_ca_pem                => [],
    SSL_cert                  => [qw(empty hash)],
    SSL_cert_file             => [qw(empty hash)],
    SSL_check_crl             => \@anything,
    SSL_cipher_list           => [qw(hash)],
    SSL_ciphersuites          => [qw(empty)],
    SSL_client_ca             => [qw(array)],
    SSL_client_ca_file        => [],
    SSL_create_ctx_callback   => [qw(code)],
    SSL_crl_file              => [],
    SSL_dh                    => [],
    SSL_dh_file               => [],
    SSL_ecdh_curve            => [],
    SSL_error_trap            => [qw(code)],
    SSL_fingerprint           => [qw(empty array)],
    SSL_force_fingerprint     => [qw(empty zero)],
    SSL_honor_cipher_order    => \@anything,
    SSL_hostname              => [@texts, qw(empty long)],
    SSL_identity              => [qw(hash)],
    SSL_io_timeout            => [qw(zero)],
    SSL_keepSocketOnError     => \@anything,
    SSL_key                   => [qw(empty hash)],
    SSL_key_file              => [qw(empty hash)],
    SSL_max_line              => [qw(zero)],
    SSL_mode_release_buffers  => \@anything,
    SSL_passwd_cb             => [@texts, qw(empty nul wide long code)],
    SSL_reuse_ctx             => [],
    SSL_server                => [qw(empty zero)],
    SSL_session               => [],
    SSL_session_cache         => [],
    SSL_session_cache_size    => [qw(zero)],
    SSL_session_id_context    => [@texts, qw(nul)],
    SSL_session_key           => [@texts, qw(nul wide long)],
    SSL_session_tickets       => \@anything,
    SSL_use_cert              => \@anything,
    SSL_verify_callback       => [qw(code)],
    SSL_verify_depth          => [qw(zero)],
    SSL_verify_mode           => [qw(zero)],
    SSL_verifycn_name         => [@texts, qw(empty long)],
    SSL_verifycn_publicsuffix => [qw(empty)],
    SSL_verifycn_scheme       => [qw(hash)],
    SSL_version               => [],
    Timeout                   => [qw(zero)],
);

# What a server does not take, or does beside: pins and lists of revoked ones
# need a client's certificate; it must have one itself.
my %at_server = (
    SSL_cert_file   => [],
    SSL_check_crl   => [qw(empty zero)],
    SSL_fingerprint => [qw(empty)],
    SSL_key_file    => [],
    SSL_server      => \@anything,
);

# Those of SSL_startHandshake would begin one; it is tested elsewhere.
my @arguments = ('Timeout', grep { $_ ne 'SSL_startHandshake' } Vouch::Socket::Arguments::_argument_names());

sub try {
    my ($side, $name, $value) = @_;
    my @base =
        $side eq 'client'
        ? (PeerAddr => '127.0.0.1', PeerPort => $plain->sockport)
        : (LocalAddr => '127.0.0.1', Listen => 1, %server);
    my $made = eval { Vouch::Socket->new(@base, SSL_startHandshake => 0, $name => $value) };
    return $@ if !$made;
    $made->close;
    close $plain->accept if $side eq 'client';
    return;
}

# What is wrong with the answers for one argument.
sub faults {
    my ($side, $name) = @_;
    my $takes = $side eq 'server' ? $at_server{$name} // $takes{$name} : $takes{$name};
    my %right = map { $_ => 1 } 'undef', @{ $takes // [] };
    delete $right{undef} if $name =~ /\ASSL_(?:cert|key)_file\z/ && $side eq 'server';
    my @faults;
    for my $kind (sort keys %value) {
        my $error = try($side, $name, $value{$kind});
        next if !$takes && (!$error || blessed $error);    # newer than this test
        if    ($right{$kind})   { push @faults, "$kind: $error" if $error }
        elsif (!$error)         { push @faults, "$kind: taken" }
        elsif (!blessed $error) { push @faults, "$kind: $error" }
        elsif ($error->message !~ /\b(?:\Q$name\E|SSL_verify_mode|SSL_cert_file)\b/) {
            push @faults, "$kind: $error";
        }
    }
    return \@faults;
}

for my $side (qw(client server)) {
    subtest "arguments of a $side" => sub {
        is_deeply faults($side, $_), [], $_ for sort @arguments;
    };
}

subtest 'arguments that are no list' => sub {
    my $socket = Vouch::Socket->new;
    for my $kind (grep { !/hash|pairs|object/ } sort keys %value) {
        ok !eval { $socket->configure($value{$kind}) }, "configure: $kind";
        like $@, qr/\Aconfigure takes a hash reference/, 'it says what it takes';
    }
    for my $name (qw(start_SSL configure_SSL)) {
        ok !eval { $name eq 'start_SSL' ? Vouch::Socket->start_SSL($plain, 'x') : $socket->$name('x') },
            "$name: odd";
        like $@, qr/\A$name takes names and values/, 'it says so';
    }
    for my $name (qw(close stop_SSL accept_SSL connect_SSL)) {
        for my $arg (['x'], [Timeout => 1, 'x'], [Nonsense => 1], [undef, 1], [[] => 1]) {
            my $warned = expect_warnings(sub {
                ok !eval { $socket->$name(@$arg) }, "$name: " . join ' ', map { $_ // 'undef' } @$arg;
                like $@, qr/\A$name (?:takes names and values|does not know the argument)/, 'it says so';
            });
            is scalar(grep { !/uninitialized/ } @$warned), 0, 'no other warning';
        }
        for my $kind (grep { $_ !~ /zero|undef/ } sort keys %value) {
            ok !eval { $socket->$name(Timeout => $value{$kind}) }, "$name: Timeout $kind";
            like $@, qr/\ATimeout must be a number, 0 or more/, 'it says so';
        }
    }
    is ref $plain, 'IO::Socket::IP', 'start_SSL has left the socket as it was';
};

subtest 'sockets that are none' => sub {
    for my $kind (grep { $_ ne 'glob' } sort keys %value) {
        is(Vouch::Socket->start_SSL($value{$kind}, SSL_verify_mode => 0), undef, "start_SSL: $kind");
        like $SSL_ERROR, qr/\Astart_SSL needs an open socket/, 'it says so';
    }
    open my $file, '<', $server[0] or die $!;
    is(Vouch::Socket->start_SSL($file, SSL_verify_mode => 0), undef, 'start_SSL: a file');
    like $SSL_ERROR, qr/\ASSL connect attempt failed/, 'is no connection';
    ok !blessed $file || !$file->isa('Vouch::Socket'), 'it is what it was';
    for my $kind (sort keys %value) {
        my $warned = expect_warnings(sub {
            is eval { Vouch::Socket->new_from_fd($value{$kind}, SSL_verify_mode => 0) }, undef,
                "new_from_fd: $kind";
        });
    }
};

# Methods of a connection: the method, its arguments with "X" for the value,
# what it takes, what it says else, and what it returns for what it takes.
my ($server, $client);

sub connection {
    $_ && $_->close(SSL_no_shutdown => 1) for $server, $client;
    ($server, $client) = pair({%server}) or die $SSL_ERROR;
    return;
}

my $number  = qr/must be a number, not a reference/;
my @refs    = qw(code array texts arrays hash pairs scalar glob object);
my $buffer  = '';
my @methods = (
    ['read: length',     sub { $client->read($buffer, $_[0]) },      $number, @refs],
    ['read: offset',     sub { $client->read($buffer, 1, $_[0]) },   $number, @refs],
    ['sysread: length',  sub { sysread $client, $buffer, $_[0] },    $number, @refs],
    ['sysread: offset',  sub { sysread $client, $buffer, 1, $_[0] }, $number, @refs],
    ['peek: length',     sub { $client->peek($buffer, $_[0]) },      $number, @refs],
    ['syswrite: length', sub { syswrite $client, 'abc', $_[0] },     $number, @refs],
    ['syswrite: offset', sub { syswrite $client, 'abc', 1, $_[0] },  $number, @refs],
    ['write: length',    sub { $client->write('abc', $_[0]) },       $number, @refs],
    ['write: offset',    sub { $client->write('abc', 1, $_[0]) },    $number, @refs],
    [
        'ungetc',
        sub { $client->ungetc($_[0]) },
        qr/ungetc takes the number of a byte/,
        grep { $_ ne 'zero' } keys %value
    ],
    [
        'timeout',
        sub { $client->timeout($_[0]) },
        qr/Timeout must be a number/,
        grep { !/zero|undef/ } keys %value
    ],
    [
        'peer_certificate',
        sub { $client->peer_certificate($_[0]) },
        qr/there is no certificate field/,
        grep { $_ ne 'undef' } keys %value
    ],
    [
        'sock_certificate',
        sub { $client->sock_certificate($_[0]) },
        qr/there is no certificate field/,
        grep { $_ ne 'undef' } keys %value
    ],
    [
        'get_fingerprint: digest',
        sub { $client->get_fingerprint($_[0]) },
        qr/igest/,
        grep { $_ ne 'undef' } keys %value
    ],
    [
        'get_fingerprint: certificate',
        sub { $client->get_fingerprint('sha256', $_[0]) },
        qr/a certificate must be/,
        grep { $_ ne 'undef' } keys %value
    ],
    [
        'verify_hostname: name',
        sub { $client->verify_hostname($_[0]) },
        qr/the name of a host must/,
        @refs, qw(undef nul wide)
    ],
    [
        'verify_hostname: scheme',
        sub { $client->verify_hostname('x', $_[0]) },
        qr/the scheme: /,
        grep { !/undef|hash/ } keys %value
    ],
    [
        'accept',
        sub { $client->accept($_[0]) },
        qr/accept makes sockets of/,
        grep { $_ ne 'undef' } keys %value
    ],
    [
        'set_default_context',
        sub { $client->set_default_context($_[0]) },
        qr/set_default_context must be/,
        grep { $_ ne 'undef' } keys %value
    ],
);

for my $method (@methods) {
    my ($name, $code, $says, @refused) = @$method;
    subtest $name => sub {
        connection();
        my %refused = map { $_ => 1 } @refused;
        print {$server} "some bytes\n";
        $server->close;
        my @faults;
        for my $kind (sort keys %value) {
            $buffer = '12345';
            # Numbers that are texts warn, as Perl's own functions do.
            my $error;
            my $warned = expect_warnings(sub {
                $error = eval { $code->($value{$kind}); 1 } ? undef : $@;
            });
            push @faults, map { "$kind: warns $_" } grep { !/isn't numeric|uninitialized/ } @$warned;
            my $may = $refused{$kind} ? $says : qr/\A(?:Negative length|Offset outside string)/;
            push @faults, "$kind: taken"  if $refused{$kind} && !defined $error;
            push @faults, "$kind: $error" if defined $error  && $error !~ $may;
        }
        is_deeply \@faults, [], 'each kind';
    };
}

subtest 'the ends of lengths and offsets' => sub {
    connection();
    for my $length (2**31 - 1, 2**31, 2**32, 2**53, ~0) {
        print {$server} 'abc';
        is sysread($client, $buffer, $length), 3,     "sysread $length: what is there";
        is $buffer,                            'abc', 'and no more';
        print {$server} 'abc';
        is $client->peek($buffer, $length),   3, "peek $length";
        is sysread($client, $buffer, 3),      3, 'the same';
        is syswrite($client, 'abc', $length), 3, "syswrite $length: what there is";
        is $client->write('abc', $length, 1), 2, "write $length";
        is sysread($server, $buffer, 3),      3, 'arrives';
        is sysread($server, $buffer, 2),      2, 'both';
    }
    for my $offset (2**31 - 1, 2**31, 2**32, 2**53, ~0, -1, -2**31, -2**53) {
        $buffer = '';
        ok !eval { sysread $client, $buffer, 1, $offset; 1 }, "sysread to $offset";
        like $@, qr/\AOffset outside string/, 'is outside';
        ok !eval { $client->read($buffer, 1, $offset); 1 }, "read to $offset";
        like $@, qr/\AOffset outside string/, 'is outside';
        is $buffer, '', 'nothing has happened to the variable';
        next if $offset == -1;
        is syswrite($client, 'abc', 1, $offset), undef,  "syswrite from $offset";
        is $! + 0,                               EINVAL, 'is EINVAL';
    }
    print {$server} 'abc';
    $buffer = 'x';
    is sysread($client, $buffer, 3, 1_000_000), 3,         'a gap is allowed';
    is length $buffer,                          1_000_003, 'as with files';
    print {$server} 'abc';
    is sysread($client, $buffer, 3, -3), 3,         'so is an offset from the end';
    is length $buffer,                   1_000_003, 'in its place';
    is syswrite($client, 'abc', 2, 3),   0,         'nothing at the end of the string';
    is syswrite($client, 'abc', 1, -1),  1,         'its last byte';

    for my $length (-1, -2**31, -2**53) {
        ok !eval { sysread $client, $buffer, $length; 1 }, "sysread of $length";
        like $@, qr/\ANegative length/, 'is negative';
        is syswrite($client, 'abc', $length), undef, "syswrite of $length";
    }
    ok $client->is_SSL, 'the connection is as it was';
};

done_testing;
