use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use POSIX ();

use VouchTest         qw(identity);
use VouchTest::Server ();
use VouchTest::Turns  qw(listener sockets shake);
use Vouch::Context;
use Vouch::SessionCache;
use Vouch::Socket;

# Sessions that clients resume by themselves, and where they must not.

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');
my @berta  = identity('berta',  cn => 'Berta');
my %trust  = (SSL_ca_file => $server[0]);

# A server that says hello, and waits for a line or the end: any number at once.
sub server {
    my (%ssl) = @_;
    return VouchTest::Server->start(
        ssl => {
            SSL_cert_file          => $server[0],
            SSL_key_file           => $server[1],
            SSL_session_id_context => 'session cache',
            %ssl
        },
        serve => sub {
            my ($client) = @_;
            local $SIG{CHLD} = 'IGNORE';
            return $client->close(SSL_no_shutdown => 1) if fork;
            print {$client} "hello\n";
            my $end = <$client>;
            $client->close;
            POSIX::_exit(0);
        },
    );
}

sub visit {
    my ($server, %arg) = @_;
    my $socket = Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => $server->port, %arg)
        or die $SSL_ERROR;
    is scalar <$socket>, "hello\n", 'a visit';
    return $socket;
}

# Whether this visit resumed.
sub resumes {
    my ($server, %arg) = @_;
    my $socket  = visit($server, %arg);
    my $resumed = $socket->get_session_reused;
    print {$socket} "bye\n";
    $socket->close;
    return $resumed ? 1 : 0;
}

sub refused {
    my ($code, $pattern, $name) = @_;
    my $line = eval { $code->(); 1 } ? 'it did not die' : "$@";
    like $line, $pattern, $name;
    return;
}

# Sessions as such.
my $plain = server();

sub session {
    my $socket  = visit($plain, %trust);
    my $session = $socket->session;
    print {$socket} "bye\n";
    return $session;
}

subtest 'the cache' => sub {
    my ($first, $second) = (session(), session());
    my $cache = Vouch::SessionCache->new(3);
    is $cache->get_session('a'),              undef,   'nothing is in it';
    is $cache->add_session('a', $first),      $first,  'add_session';
    is $cache->get_session('a'),              $first,  'get_session';
    is $cache->get_session('b'),              undef,   'not another';
    is $cache->replace_session('a', $second), $second, 'replace_session';
    is $cache->get_session('a'),              $second, 'in its place';
    is $cache->count,                         1,       'one';
    is $cache->size,                          3,       'of three';
    is $cache->del_session('a', $first),      undef,   'del_session of one that is not there any more';
    is $cache->get_session('a'),              $second, 'does nothing';
    is $cache->del_session('a', $second),     $second, 'of one that is';
    is $cache->get_session('a'),              undef,   'does';
    is $cache->del_session('a'),              undef,   'of none';
    $cache->add_session($_, $first) for qw(a b c);
    $cache->get_session('a');
    $cache->add_session('d', $first);
    is_deeply [map { $cache->get_session($_) ? $_ : () } qw(a b c d)], [qw(a c d)],
        'the one not used for longest goes';
    my $large = Vouch::SessionCache->new(1000);
    $large->add_session($_, $first) for 1 .. 5000;
    cmp_ok $large->count, '<=', 1000, 'no more than its size';
    cmp_ok $large->count, '>=', 900,  'and not much less';
    ok $large->get_session(5000), 'the last is in it';
};

subtest 'wrong arguments' => sub {
    refused(
        sub { Vouch::SessionCache->new(@$_) },
        qr/size of a session cache must be a whole number from 1 to 1000000/,
        'size: ' . ($_->[0] // 'undef')
    ) for [], [undef], [0], [-1], ['x'], [1.5], [[]], [sub { }], ['1e3'], [1_000_001], [2**40], [''];
    my $cache   = Vouch::SessionCache->new(1);
    my $session = session();
    for my $key (undef, '', [], {}, $cache) {
        my $told = $key // 'undef';
        refused(
            sub { $cache->add_session($key, $session) },
            qr/key of a session must be a text/,
            "add: $told"
        );
        refused(sub { $cache->$_($key) }, qr/key of a session must be a text/, "$_: $told")
            for qw(get_session del_session);
    }
    refused(sub { $cache->add_session('a', $_) }, qr/a session must be what/, 'session: ' . ($_ // 'undef'))
        for undef, 0, 17, 'x', [], $cache, bless({}, 'Other');
    my @to = (PeerAddr => '127.0.0.1', PeerPort => 1);
    for my $size (-1, 'x', '', 0.5, [], '0 but true', 1_000_001) {
        refused(
            sub { Vouch::Socket->new(@to, SSL_session_cache_size => $size) },
            qr/SSL_session_cache_size must be a whole number/,
            "SSL_session_cache_size: $size"
        );
    }
    for my $wrong ('x', 17, [], {}, sub { }, Vouch::Context->new) {
        refused(
            sub { Vouch::Socket->new(@to, SSL_session_cache => $wrong) },
            qr/SSL_session_cache must be a Vouch::SessionCache/,
            "SSL_session_cache: $wrong"
        );
        refused(
            sub { Vouch::Socket->set_default_session_cache($wrong) },
            qr/set_default_session_cache must be a Vouch::SessionCache/,
            "default: $wrong"
        );
    }
    refused(
        sub { Vouch::Socket->new(@to, SSL_session_key => $_) },
        qr/SSL_session_key must be a text/,
        "SSL_session_key: $_"
    ) for '', [], {};
    is(Vouch::Context->new(SSL_session_cache_size => $_)->session_cache,
        undef, 'a size of ' . ($_ // 'undef') . ': none')
        for undef, 0;
};

for my $version (qw(TLSv1_3 TLSv1_2)) {
    my $server = server(SSL_version => $version);

    subtest "$version: a context with a cache" => sub {
        my $context = Vouch::Context->new(%trust, SSL_session_cache_size => 5);
        is resumes($server, SSL_reuse_ctx => $context), 0, 'the first';
        is resumes($server, SSL_reuse_ctx => $context), 1, 'the second resumes it';
        is resumes($server, SSL_reuse_ctx => $context), 1, 'the third, too';
        is $context->session_cache->count, 1, 'one session is kept';
        my $socket = visit($server, SSL_reuse_ctx => $context);
        ok $socket->get_session_reused, 'one that stays';
        is resumes($server, SSL_reuse_ctx => $context, SSL_verifycn_name => 'localhost'), 0,
            'another name: not';
        is resumes($server, SSL_reuse_ctx => Vouch::Context->new(%trust)), 0, 'another context: not';
        print {$socket} "bye\n";
    };

    subtest "$version: while the first is open" => sub {
        my $cache = Vouch::SessionCache->new(5);
        my $first = visit($server, %trust, SSL_session_cache => $cache);
        is resumes($server, %trust, SSL_session_cache => $cache), 1, 'the session is there before close';
        undef $first;
        is resumes($server, %trust, SSL_session_cache => $cache), 1, 'and after';
    };

    subtest "$version: a socket that goes out of scope" => sub {
        my $cache = Vouch::SessionCache->new(5);
        {
            my $socket = visit($server, %trust, SSL_session_cache => $cache);
            print {$socket} "bye\n";
        }
        is resumes($server, %trust, SSL_session_cache => $cache), 1, 'leaves its session';
    };

    subtest "$version: a cache for several" => sub {
        my $cache = Vouch::SessionCache->new(5);
        my %both  = (%trust, SSL_session_cache => $cache);
        is resumes($server, %both), 0, 'the first';
        is resumes($server, %both), 1, 'equal arguments resume it';
        my %change = (
            'an identity' => { SSL_cert_file       => $alex[0], SSL_key_file => $alex[1] },
            'authorities' => { SSL_ca_file         => [$server[0], $alex[0]] },
            'a mode'      => { SSL_verify_mode     => 0 },
            'a callback'  => { SSL_verify_callback => sub { $_[0] } },
            'a name'      => { SSL_hostname => 'localhost', SSL_session_key => '127.0.0.1:' . $server->port },
            'no name'     => { SSL_verifycn_scheme => 'none' },
            'a pin'       => { SSL_fingerprint     => 'sha256$' . 'ab' x 32 },
        );
        for my $what (sort keys %change) {
            is resumes($server, %both), 1, "before $what";
            is resumes($server, %both, %{ $change{$what} }), 0, "$what: not with another";
            my $kept = $cache->get_session('127.0.0.1:' . $server->port);
            ok $kept, 'whose session takes its place';
            is resumes($server, %both), 0, 'and is not resumed by the former';
        }
        is $cache->count, 1, 'all under one key';
    };

    subtest "$version: keys" => sub {
        my $other = server(SSL_version => $version);
        my $cache = Vouch::SessionCache->new(5);
        my %both  = (%trust, SSL_session_cache => $cache);
        resumes($server, %both);
        resumes($server, %both, SSL_hostname => 'localhost');
        my $port = $server->port;
        ok $cache->get_session("127.0.0.1:$port"), 'host and port';
        ok $cache->get_session("localhost:$port"), 'SSL_hostname and port';
        resumes($server, %both, SSL_session_key => 'mine');
        my $mine = $cache->get_session('mine');
        ok $mine, 'SSL_session_key';
        my $first = visit($server, %trust, SSL_session_cache => $cache, SSL_session_key => 'mine');
        ok $first->get_session_reused, 'resumes by it';
        isnt $cache->get_session('mine'), $mine, 'and leaves one';
        $cache->del_session("127.0.0.1:$port");
        print {$first} "bye\n";
        is resumes($server, SSL_reuse_ctx => $first), 1,     'a socket hands on its context, cache and key';
        is $cache->get_session("127.0.0.1:$port"),    undef, 'it is the key that was used';
        $cache->add_session('127.0.0.1:' . $other->port, $cache->get_session('mine'));
        is resumes($other, %both), 0, 'a server that does not know the session is none the worse';
    };
}

subtest 'SSL_session goes before the cache' => sub {
    my $context = Vouch::Context->new(%trust, SSL_session_cache_size => 5);
    my $socket  = visit($plain, SSL_reuse_ctx => $context);
    my $session = $socket->session;
    print {$socket} "bye\n";
    $context->session_cache->del_session('127.0.0.1:' . $plain->port);
    is resumes($plain, SSL_reuse_ctx => $context, SSL_session => $session), 1, 'it is resumed';
    ok $context->session_cache->get_session('127.0.0.1:' . $plain->port), 'and what follows is kept';
};

subtest 'a reloaded context' => sub {
    my $context = Vouch::Context->new(%trust, SSL_session_cache_size => 5);
    resumes($plain, SSL_reuse_ctx => $context);
    $context->reload;
    is resumes($plain, SSL_reuse_ctx => $context), 0, 'begins anew';
    is resumes($plain, SSL_reuse_ctx => $context), 1, 'and goes on from there';
};

subtest 'a handshake that fails' => sub {
    my $context = Vouch::Context->new(SSL_ca_file => \undef, SSL_session_cache_size => 5);
    $context->session_cache->add_session('127.0.0.1:' . $plain->port, session());
    ok !Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => $plain->port, SSL_reuse_ctx => $context),
        'nobody to trust';
    is $context->session_cache->count, 0, 'the session is forgotten';
};

subtest 'a cache for the process' => sub {
    my $cache = Vouch::SessionCache->new(5);
    Vouch::Socket->set_default_session_cache($cache);
    is resumes($plain, %trust),                              0, 'the first';
    is resumes($plain, %trust),                              1, 'the second';
    is resumes($plain, %trust, SSL_session_cache_size => 5), 0, 'one with its own';
    is resumes($plain, %trust, SSL_session_cache_size => 0), 0, 'one with none';
    my $server = Vouch::Socket->new(
        LocalAddr     => '127.0.0.1',
        Listen        => 1,
        SSL_cert_file => $server[0],
        SSL_key_file  => $server[1]
    ) or die $SSL_ERROR;
    is $server->context->session_cache, undef, 'servers have none';
    Vouch::Socket::set_default_session_cache(undef);
    is resumes($plain, %trust), 0, 'and no more';
};

package Cache::Own {    ## no critic (ProhibitMultiplePackages RequireFilenameMatchesPackage)
    sub new { return bless { calls => [] }, $_[0] }
    sub get_session { my ($self, $key) = @_; push @{ $self->{calls} }, "get $key"; return $self->{$key} }
    sub add_session {
        my ($self, $key, $value) = @_;
        push @{ $self->{calls} }, "add $key";
        $self->{$key} = $value;
    }
    sub del_session {
        my ($self, $key) = @_;
        push @{ $self->{calls} }, "del $key";
        return delete $self->{$key};
    }
}

subtest 'a cache of the program' => sub {
    my $cache = Cache::Own->new;
    my %both  = (%trust, SSL_session_cache => $cache, SSL_session_key => 'k');
    is resumes($plain, %both), 0, 'the first';
    is resumes($plain, %both), 1, 'the second';
    is_deeply $cache->{calls}, ['get k', 'add k', 'get k', 'add k'], 'what is asked of it';
    for my $junk ('x', 0, [], {}, bless {}, 'Other') {
        $cache->{k} = $junk;
        is resumes($plain, %both), 0, "what is no session is not offered: $junk";
    }
    my $dying = Cache::Own->new;
    no warnings 'once';
    local *Cache::Own::get_session = sub { die "out of order\n" };
    refused(sub { visit($plain, %both) }, qr/\Aout of order\n\z/, 'what it dies with');
};

subtest 'a server with client certificates and tickets' => sub {
    my $server = server(SSL_verify_mode => VOUCH_VERIFY_ANY, SSL_session_tickets => 1);
    my $cache  = Vouch::SessionCache->new(5);
    my %as     = map {
        $_->[0] => { %trust, SSL_session_cache => $cache, SSL_cert_file => $_->[0], SSL_key_file => $_->[1] }
    } \@alex, \@berta;
    my ($alex, $berta) = @as{ $alex[0], $berta[0] };
    is resumes($server, %$alex),  0, 'Alex';
    is resumes($server, %$alex),  1, 'Alex again';
    is resumes($server, %$berta), 0, 'Berta is not Alex';
    is resumes($server, %$berta), 1, 'but Berta';
    is resumes($server, %trust, SSL_session_cache => $cache), 0, 'nor is nobody';
};

done_testing;
