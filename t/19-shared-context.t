use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Scalar::Util       qw(weaken);
use VouchTest          qw(identity run_command slurp spew temp_dir);
use VouchTest::Forge   qw(authority revocation_list);
use VouchTest::Pair    ();
use Vouch::Certificate ();
use Vouch::Identity    ();
use Vouch::Key         ();
use Vouch::Socket;

# Equal arguments share one configuration (OpenSSL's SSL_CTX): when they do,
# and above all when they must not.

my @server = identity('server', cn => 'localhost');
my @other  = identity('other',  cn => 'localhost');
my @files  = (SSL_server => 1, SSL_cert_file => $server[0], SSL_key_file => $server[1]);

sub crl_file { return revocation_list('crl', authority('authority')) }

sub shared { return Vouch::Context::Shared->context(@_) }

sub same {
    my ($one, $two, $name) = @_;
    return is shared(@$one)->ssl_ctx, shared(@$two)->ssl_ctx, $name;
}

# Both contexts are kept while they are compared: an address may be used again.
sub differ {
    my ($one, $two, $name) = @_;
    my ($first, $second) = (shared(@$one), shared(@$two));
    return isnt $first->ssl_ctx, $second->ssl_ctx, $name;
}

subtest 'shared' => sub {
    same([@files], [@files],                                                       'the same arguments');
    same([@files], [map { ($_, {@files}->{$_}) } reverse sort keys %{ {@files} }], 'in another order');
    same(
        [@files, SSL_alpn_protocols => ['a', 'b']],
        [@files, SSL_alpn_protocols => ['a', 'b']],
        'equal lists'
    );
    same([SSL_ca_file => \undef], [SSL_ca_file => \undef], 'a reference to undef');
    same(
        [@files, SSL_verify_mode => 1, SSL_verify_callback => sub { 1 }],
        [@files, SSL_verify_mode => 1, SSL_verify_callback => sub { 0 }],
        "a server's callbacks, for they belong to connections"
    );
    my $accept = sub { 1 };
    same([SSL_verify_callback => $accept], [SSL_verify_callback => $accept], "a client's, if it is the same");
    my @tickets = (@files, SSL_verify_mode => 1, SSL_session_tickets => 1, SSL_verify_callback => $accept);
    same([@tickets], [@tickets], "a server's with tickets, if it is the same");
    my @of = (
        SSL_cert => Vouch::Certificate->from_file($server[0]),
        SSL_key  => Vouch::Key->from_file($server[1])
    );
    same([SSL_server => 1, @of], [SSL_server => 1, @of], 'objects that never change');
    my $me = Vouch::Identity->load(cert_file => $server[0], key_file => $server[1]);
    same([SSL_identity => { '' => $me }], [SSL_identity => { '' => $me }], 'an identity, in a hash');
    my @list = (SSL_verify_mode => 1, SSL_ca_file => $server[0], SSL_crl_file => crl_file());
    same([@list], [@list], 'revocation lists that all come from a file');
};

# A program that looks at its SSL_CTX, as Phoebe does.
subtest 'SSL_create_ctx_callback' => sub {
    my @called;
    my $setup = sub { push @called, @_ };
    my @arg   = (@files, SSL_create_ctx_callback => $setup);
    my ($first, $second) = map { shared(@arg) } 1 .. 2;
    is $second->ssl_ctx, $first->ssl_ctx, 'the same function: the same configuration';
    is_deeply \@called, [$first->ssl_ctx], 'for which it is called once';
    my $other = shared(@files, SSL_create_ctx_callback => sub { push @called, @_ });
    isnt $other->ssl_ctx, $first->ssl_ctx, 'another function: another one';
    is_deeply \@called, [$first->ssl_ctx, $other->ssl_ctx], 'for which that is called';
    isnt(shared(@files)->ssl_ctx, $first->ssl_ctx, 'and no function: a third');

    # The address of a function that is gone may be another's.
    my $address = 0 + $setup;
    undef $setup;
    @arg = ();
    my @again;
    for (1 .. 1000) {
        my $n    = $_;
        my $next = sub { return $n };
        push @again, $next;
        last if 0 + $next == $address;
    }
    my $there = shared(@files, SSL_create_ctx_callback => $again[-1]);
    isnt $there->ssl_ctx, $first->ssl_ctx, 'a function that came after one that is gone';
    my $count = Vouch::Context::Shared->count;
    my $fails = sub { die "no\n" };
    is(eval { shared(@files, SSL_create_ctx_callback => $fails); 1 }, undef, 'one that dies') for 1 .. 2;
    is $@, "no\n", 'is heard';
    is(Vouch::Context::Shared->count, $count, 'and nothing is kept');
};

subtest 'not shared' => sub {
    differ([@files], [@files, SSL_session_tickets => 0], 'one argument more');
    my @lists = (SSL_check_crl => 1, SSL_verify_mode => 1);
    differ([@lists], [@lists], 'revocation, for OpenSSL reads a list in a folder only once');
    differ(
        [@files, SSL_session_id_context => 'A', SSL_session_tickets => 1],
        [@files, SSL_session_id_context => "A\0SSL_session_tickets\0'1"],
        'bytes that look like another argument'
    );
    differ(
        [@files, SSL_alpn_protocols => ['a', 'b']],
        [@files, SSL_alpn_protocols => ['ab']],
        'lists that look alike'
    );
    my $known = Vouch::Certificate->from_file($server[0]);
    for my $value (0 + $known, [0 + $known], [$known, 0 + $known]) {
        differ([SSL_ca => $value], [SSL_ca => $value], 'addresses, where something else may be by now');
    }
    differ([SSL_ca => $known], [SSL_ca => Vouch::Certificate->from_file($server[0])], 'two objects');
    my @pins = (@files, SSL_verify_mode => 1, SSL_fingerprint => []);
    differ([@pins], [@pins], 'pins, which can be changed');
    differ(
        [SSL_verify_callback => sub { 1 }],
        [SSL_verify_callback => sub { 0 }],
        "a client's callbacks: sessions carry what they decided"
    );
    my @tickets = (@files, SSL_verify_mode => 1, SSL_session_tickets => 1);
    differ(
        [@tickets, SSL_verify_callback => sub { 1 }],
        [@tickets, SSL_verify_callback => sub { 0 }],
        "a server's callbacks where tickets carry what they decided"
    );
    my @maker = map {
        my $n = $_;
        sub { $n }
    } 1 .. 2;
    differ(
        [@files, SSL_create_ctx_callback => $maker[0]],
        [@files, SSL_create_ctx_callback => $maker[1]],
        'two functions'
    );
    my $made = [Vouch::Context->new(@files), Vouch::Context->new(@files)];
    isnt $made->[0]->ssl_ctx, $made->[1]->ssl_ctx, 'contexts made by name';
};

subtest 'files that change' => sub {
    my $dir  = temp_dir();
    my @copy = ("$dir/copy-cert.pem", "$dir/copy-key.pem");
    spew($copy[$_], slurp($server[$_])) for 0, 1;
    my @arg    = (SSL_server => 1, SSL_cert_file => $copy[0], SSL_key_file => $copy[1]);
    my $before = shared(@arg);
    is shared(@arg)->ssl_ctx, $before->ssl_ctx, 'shared while they stay';
    spew("$copy[$_].new", slurp($other[$_])) for 0, 1;
    rename "$copy[$_].new", $copy[$_] or die "rename: $!" for 0, 1;
    isnt shared(@arg)->ssl_ctx, $before->ssl_ctx, 'not when a file is another';
    my $after = shared(@arg);
    is_deeply [$after->changed_files], [], 'and the new one is up to date';
    local $ENV{SSL_CERT_FILE} = $server[0];
    my $elsewhere = shared(@arg);
    isnt $elsewhere->ssl_ctx, $after->ssl_ctx, 'nor when the authorities are elsewhere';
};

subtest 'each connection asks its own callback' => sub {
    my @asked;
    my @ask = map {
        my $n = $_;
        sub { push @asked, $n; return 1 }
    } 1 .. 2;
    my @alex    = identity('alex', cn => 'Alex');
    my @visitor = (SSL_verify_mode => SSL_VERIFY_NONE, SSL_cert_file => $alex[0], SSL_key_file => $alex[1]);
    for my $n (1, 2) {
        VouchTest::Pair->new(
            server => { @files, SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => $ask[$n - 1] },
            client => {@visitor},
        );
    }
    is_deeply \@asked, [1, 1, 2, 2], 'and not that of the one before';
};

# Code that makes a context for each connection, as Mojolicious does.
subtest 'sessions resume from one to the next' => sub {
    my $client = Vouch::Context->new(SSL_verify_mode => SSL_VERIFY_NONE);
    my ($session, @resumed);
    for (1 .. 3) {
        my $pair = VouchTest::Pair->new(
            server => {@files},
            client => { SSL_reuse_ctx => $client, SSL_session => $session },
        );
        my ($here, $there) = $pair->both;
        print {$there} "welcome\n";
        readline $here;
        push @resumed, $there->get_session_reused ? 1 : 0;
        $session = $here->session;
    }
    is_deeply \@resumed, [0, 1, 1], 'though each socket has been given its arguments anew';
};

subtest 'what it keeps' => sub {
    Vouch::Context::Shared->limit(0);
    is(Vouch::Context::Shared->count, 0, 'a limit of 0 keeps none');
    differ([@files], [@files], 'and shares none');
    is(Vouch::Context::Shared->limit(2), 2, 'a limit');
    shared(@files, SSL_alpn_protocols => [$_]) for qw(a b c d);
    is(Vouch::Context::Shared->count, 2, 'bounds the number');
    my $setup = sub { my $self = \@files; return $self };
    shared(@files, SSL_create_ctx_callback => $setup);
    weaken $setup;
    is $setup, undef, 'a function is not kept alive';
    my $big      = {};
    my $callback = sub { return $big ? 1 : 0 };
    shared(@files, SSL_verify_mode => 1, SSL_verify_callback => $callback);
    weaken $callback;
    is $callback, undef, 'nor is a callback';
    Vouch::Context::Shared->limit(50);
    my $before = Vouch::Context::Shared->count;

    for my $number (1 .. 20) {
        shared(@files, SSL_create_ctx_callback => sub { return $number });
    }
    cmp_ok(
        Vouch::Context::Shared->count,
        '<=',
        $before + 1,
        'what only functions that are gone could ask for, goes'
    );
};

subtest 'the environment' => sub {
    for my $case (['0', 0], ['7', 7], ['', 64], ['many', 64], ['-1', 64]) {
        my ($value, $limit) = @$case;
        local $ENV{VOUCH_SHARED_CONTEXTS} = $value;
        my ($status, $out, $error) = run_command([
            $^X, (map { "-I$_" } grep { !ref } @INC),
            '-MVouch::Context::Shared', '-e',
            'print Vouch::Context::Shared->limit'
        ]);
        is "$out$error", $limit, "VOUCH_SHARED_CONTEXTS=$value";
    }
};

subtest 'SSL_reuse_ctx' => sub {
    my $server = Vouch::Context->new(@files);
    my $client = Vouch::Context->new(SSL_verify_mode => SSL_VERIFY_NONE);
    my $pair =
        VouchTest::Pair->new(server => { SSL_reuse_ctx => $server }, client => { SSL_reuse_ctx => $client });
    my $again = VouchTest::Pair->new(
        server => { SSL_reuse_ctx => $pair->{listener} },
        client => { SSL_reuse_ctx => $pair->{client} }
    );
    is $again->{client}->context, $client, 'a socket: its context';
    is $again->{server}->context, $server, "a listener: its context";
    my @to = (PeerAddr => '127.0.0.1', PeerPort => $pair->{listener}->sockport);
    $pair->{client}->close;
    my $plain = IO::Socket::IP->new(@to) or die $!;
    my %wrong = (
        'a socket that is closed'  => [$pair->{client}, qr/must be a Vouch::Context or a TLS socket/],
        'a socket without TLS'     => [$plain,          qr/must be a Vouch::Context or a TLS socket/],
        'a number'                 => [17,              qr/must be a Vouch::Context or a TLS socket/],
        'a hash'                   => [{},              qr/must be a Vouch::Context or a TLS socket/],
        "a server's, for a client" => [$server,         qr/this context is for servers/],
    );

    for my $name (sort keys %wrong) {
        my ($value, $text) = @{ $wrong{$name} };
        is(eval { Vouch::Socket->new(@to, SSL_reuse_ctx => $value); 1 }, undef, "$name: refused");
        like $@, qr/\ASSL_reuse_ctx.*$text|\ASSL_reuse_ctx:? $text/, "$name: and why";
    }
};

done_testing;
