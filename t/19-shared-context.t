use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Scalar::Util    qw(weaken);
use VouchTest       qw(identity slurp spew temp_dir);
use VouchTest::Pair ();
use Vouch::Socket;

# Equal arguments share one configuration (OpenSSL's SSL_CTX): when they do,
# and above all when they must not.

my @server = identity('server', cn => 'localhost');
my @other  = identity('other',  cn => 'localhost');
my @files  = (SSL_server => 1, SSL_cert_file => $server[0], SSL_key_file => $server[1]);

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
};

subtest 'not shared' => sub {
    differ([@files], [@files, SSL_session_tickets => 0], 'one argument more');
    my @setup = (SSL_create_ctx_callback => sub { });
    differ([@files, @setup], [@files, @setup], 'what a function of the program has had in its hands');
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
};

done_testing;
