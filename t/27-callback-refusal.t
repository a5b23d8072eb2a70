use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs openssl => 'openssl';

use Scalar::Util qw(refaddr);

use VouchTest         qw(identity run_command);
use VouchTest::Facts  qw(facts facts_server);
use VouchTest::PKI    qw(expired fingerprint_of);
use VouchTest::Peer   ();
use VouchTest::Server ();
use Vouch::Socket;

# A verify callback that says no, or dies: the client is refused with an
# alert it can see, the program learns why, and the next client is served.

my @VERSIONS = (['TLSv1_2', '-tls1_2'], ['TLSv1_3', '-tls1_3']);
my $REFUSED  = qr/\ASSL accept attempt failed error:0A000086:SSL routines::certificate verify failed/;

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');
my @show   = ('-cert', $alex[0], '-key', $alex[1]);

sub server {
    my (%arg) = @_;
    return facts_server(
        SSL_cert_file   => $server[0],
        SSL_key_file    => $server[1],
        SSL_verify_mode => SSL_VERIFY_PEER,
        %arg
    );
}

sub s_client {
    my ($port, @arguments) = @_;
    my (undef, $out, $err) =
        run_command([qw(openssl s_client -ign_eof -connect), "127.0.0.1:$port", @arguments],
        stdin => "hello\n");
    return "$out$err";
}

sub client {
    my ($server, %arg) = @_;
    return Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $server->port,
        SSL_verify_mode => SSL_VERIFY_NONE,
        SSL_cert_file   => $alex[0],
        SSL_key_file    => $alex[1],
        %arg,
    );
}

# What a callback may answer, by its name.
my %REFUSES = (
    '0'              => sub { 0 },
    'undef'          => sub { undef },
    q('')            => sub { '' },
    'an empty list'  => sub { return },
    '"yes"'          => sub { 'yes' },
    '"0 but true"'   => sub { '0 but true' },
    '-1'             => sub { -1 },
    '"-1"'           => sub { '-1' },
    '"0.0"'          => sub { '0.0' },
    '"nan"'          => sub { 'nan' },
    'false'          => sub { 1 == 0 },
    'a list, last 0' => sub { my @list = (1, 1, 0); return @list[0 .. 2] },
);
my %ACCEPTS = (
    '1'              => sub { 1 },
    '2'              => sub { 2 },
    '"1"'            => sub { '1' },
    'true'           => sub { 1 == 1 },
    'a list, last 1' => sub { my @list = (0, 0, 1); return @list[0 .. 2] },
);

# A server whose callback answers so and says how often it was called.
sub answering {
    my ($answer, @more) = @_;
    my $count = 0;
    return server(
        SSL_verify_callback => sub { $count++; return $answer->(@_) },
        refused             => sub {
            my ($tell) = @_;
            $tell->(join "\x1f", "refused=$SSL_ERROR", "count=$count", 'number=' . ($SSL_ERROR + 0));
        },
        @more,
    );
}

for (@VERSIONS) {
    my ($version, $flag) = @$_;

    for my $name (sort keys %REFUSES) {
        subtest "$version: a callback that returns $name refuses" => sub {
            my $server = answering($REFUSES{$name});
            my $text   = s_client($server->port, $flag, @show);
            like $text,   qr/alert unknown ca.*SSL alert number 48/, 's_client is told with an alert';
            unlike $text, qr/^bye$/m,                                'and is served nothing';
            my $facts = facts($server);
            like $facts->{refused}, $REFUSED, 'accept says that it was refused';
            is $facts->{number}, -1, '$SSL_ERROR is -1 as a number';
            is $facts->{count},  1,  'the first no is final';
            like s_client($server->port, $flag), qr/^bye$/m, 'the next client, who shows none, is served';
        };
    }

    for my $name (sort keys %ACCEPTS) {
        subtest "$version: a callback that returns $name accepts" => sub {
            my $server = answering($ACCEPTS{$name});
            like s_client($server->port, $flag, @show), qr/^bye$/m, 's_client is served';
            is facts($server)->{get_fingerprint}, fingerprint_of($alex[0]), 'and known';
        };
    }
}

# Our own process as the server, one client of the openssl command: what
# accept did, what it died with, what the client printed.
sub accept_one {
    my ($listener, $flag, @arguments) = @_;
    my $peer = VouchTest::Peer->start(
        qw(openssl s_client -ign_eof -connect),
        '127.0.0.1:' . $listener->sockport,
        $flag, @arguments
    );
    $peer->send("hello\n");
    my $client = eval { $listener->accept };
    my $died   = $@;
    if ($client) {
        my $line = <$client>;
        print {$client} "bye\n";
        $client->close;
    }
    $peer->finish;
    return ($client, $died, $peer->text);
}

package Exception {    ## no critic (RequireFilenameMatchesPackage, ProhibitMultiplePackages)
    use overload 'bool' => sub { 0 }, '""' => sub { 'the text of an object' }, fallback => 1;
}

my $object = bless { code => 42 }, 'Exception';
my %DEATHS = (
    'a string'                  => ["no entry\n"],
    'a text without line end'   => ['no entry', qr/\Ano entry at \S+27-callback-refusal\.t line [0-9]+\.$/],
    'a hash'                    => [{ code => 42 }],
    'an object that says false' => [$object],
    'nothing'                   => ['',    qr/\ADied at /],
    'a reference as answer'     => [undef, qr/\Averify callback returned a reference/],
);

for (@VERSIONS) {
    my ($version, $flag) = @$_;

    for my $name (sort keys %DEATHS) {
        my ($exception, $pattern) = @{ $DEATHS{$name} };
        subtest "$version: a callback that dies with $name" => sub {
            my $count    = 0;
            my $listener = Vouch::Socket->new(
                LocalAddr           => '127.0.0.1',
                LocalPort           => 0,
                Listen              => 5,
                SSL_verify_mode     => SSL_VERIFY_PEER,
                SSL_cert_file       => $server[0],
                SSL_key_file        => $server[1],
                SSL_verify_callback => sub {
                    return 1   if ++$count > 1;
                    return [1] if !defined $exception;
                    die $exception;
                },
            ) or return fail("listen: $!, $SSL_ERROR");
            my ($client, $died, $text) = accept_one($listener, $flag, @show);
            is $client, undef, 'accept returns nothing';
            if ($pattern) { like $died, $pattern, 'the caller of accept gets the exception' }
            elsif (ref $exception) { is refaddr($died), refaddr($exception), 'the caller gets the object' }
            else                   { is $died, $exception, 'the caller of accept gets the exception' }
            like $text,   qr/SSL alert number 48/, 'the client is told with an alert';
            unlike $text, qr/^bye$/m,              'and is served nothing';
            is $count, 1, 'the callback was called once';
            ($client, $died, $text) = accept_one($listener, $flag, @show);
            ok $client, 'the next accept gives the next client';
            is $count, 3, 'for which the callback was called, and for no other';
            like $text, qr/^bye$/m, 'it is served';
        };
    }
}

subtest 'an exception of long ago is not touched' => sub {
    my $listener = Vouch::Socket->new(
        LocalAddr           => '127.0.0.1',
        LocalPort           => 0,
        Listen              => 5,
        SSL_verify_mode     => SSL_VERIFY_PEER,
        SSL_cert_file       => $server[0],
        SSL_key_file        => $server[1],
        SSL_verify_callback => sub {
            eval { die "inside\n" };
            return 1;
        },
    );
    my $peer = VouchTest::Peer->start(qw(openssl s_client -ign_eof -connect),
        '127.0.0.1:' . $listener->sockport, @show);
    local $@ = "before\n";
    my $client = $listener->accept;
    ok $client, 'accepted';
    is $@, "before\n", '$@ is what it was';
};

for (@VERSIONS) {
    my ($version, $flag) = @$_;

    subtest "$version: SSL_VERIFY_FAIL_IF_NO_PEER_CERT" => sub {
        my $server = server(
            SSL_verify_mode     => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
            SSL_verify_callback => sub { 1 },
        );
        my $alert = $version eq 'TLSv1_3' ? 116 : 40;
        like s_client($server->port, $flag), qr/SSL alert number $alert\b/, 'who shows none gets an alert';
        my $error = 'error:0A0000C7:SSL routines::peer did not return a certificate';
        like facts($server)->{refused}, qr/\ASSL accept attempt failed \Q$error\E/, 'accept says so';
        like s_client($server->port, $flag, @show), qr/^bye$/m,                     'who shows one is served';
        is facts($server)->{cn}, 'Alex', 'and known';
    };

    subtest "$version: SSL_VERIFY_FAIL_IF_NO_PEER_CERT alone asks for nothing" => sub {
        my $server = server(SSL_verify_mode => SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
        like s_client($server->port, $flag, @show), qr/^bye$/m, 'served';
        is facts($server)->{cn}, undef, 'as nobody';
    };

    subtest "$version: no callback, an unknown certificate" => sub {
        my $server = server();
        like s_client($server->port, $flag, @show), qr/SSL alert number 48/, 'the client gets an alert';
        like facts($server)->{refused},             $REFUSED, 'accept says that it was refused';
    };
}

# A certificate nobody likes because it has expired, and one because nobody
# knows it; how our client is told.
my $old  = expired('old');
my @TOLD = (
    ['unknown', [], \@alex, '0A000418:SSL routines::tlsv1 alert unknown ca'],
    [
        'expired',             [SSL_ca_file => $old->{cert}],
        [@$old{qw(cert key)}], '0A000415:SSL routines::sslv3 alert certificate expired'
    ],
);

for my $case (@TOLD) {
    my ($what, $ssl, $identity, $words) = @$case;
    my @as = (SSL_cert_file => $identity->[0], SSL_key_file => $identity->[1]);

    subtest "TLSv1_2: what our client is told: $what" => sub {
        my $server = server(SSL_version => 'TLSv1_2', @$ssl);
        is client($server, @as), undef, 'new fails';
        like $SSL_ERROR, qr/\ASSL connect attempt failed error:\Q$words\E/, '$SSL_ERROR says why';
        is $SSL_ERROR + 0, -1, 'as a number it is -1';
        like facts($server)->{refused}, $REFUSED, 'accept says so too';
    };

    subtest "TLSv1_3: what our client is told: $what" => sub {
        my $server = server(SSL_version => 'TLSv1_3', @$ssl);
        my $client = client($server, @as);
        ok $client, 'new cannot know yet';
        is scalar(<$client>), undef, 'nothing is read';
        like $SSL_ERROR, qr/error:\Q$words\E/,    'and $SSL_ERROR says why: it is not taken for an end';
        like facts($server)->{refused}, $REFUSED, 'accept says so too';
    };
}

subtest 'TLSv1_3: the alert survives what the client had sent meanwhile' => sub {
    pipe my $wait, my $go or die "pipe: $!";
    my $server = server(
        SSL_version         => 'TLSv1_3',
        SSL_verify_callback => sub { sysread $wait, my $byte, 1; return 0 },
    );
    my $client = client($server) or return fail("connect: $!, $SSL_ERROR");
    print {$client} "x" x 10_000;
    syswrite $go, '.';
    like facts($server)->{refused}, $REFUSED, 'the server has refused and closed';
    print {$client} "and more\n";
    is scalar(<$client>), undef, 'nothing is read';
    like $SSL_ERROR, qr/alert unknown ca/, 'the client still learns why';
};

subtest 'a hundred refused in a row' => sub {
    my $server = server(SSL_verify_callback => sub { $_[2] =~ /Alex/ ? 0 : 1 }, refused => sub { });
    for (1 .. 100) {
        my $client = client($server) or next;
        my $line   = <$client>;
    }
    my @blake  = identity('blake', cn => 'Blake');
    my $client = client($server, SSL_cert_file => $blake[0], SSL_key_file => $blake[1]);
    print {$client} "hello\n";
    is scalar(<$client>),    "bye\n", 'and then one who is served';
    is facts($server)->{cn}, 'Blake', 'and known';
};

done_testing;
