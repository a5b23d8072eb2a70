use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use POSIX        ();
use Scalar::Util qw(weaken);

use VouchTest         qw(identity run_command spew slurp temp_dir);
use VouchTest::Server ();
use VouchTest::Turns  qw(listener sockets shake pair);
use Vouch::Certificate;
use Vouch::Context;
use Vouch::Identity;
use Vouch::Key;
use Vouch::Socket;

# Nothing is kept that nobody holds: neither values of Perl (counted by
# Test::LeakTrace, where it is installed) nor memory of C (the size of two
# processes after many connections).

my $CONNECTIONS = $ENV{VOUCH_LEAK_CONNECTIONS} || 2000;
my $WARM_UP     = 400;                                  # connections until every cache is full
my $MAY_GROW    = 256;                                  # KiB, after that, of each process: malloc's own waste

my $can_trace = eval { require Test::LeakTrace; 1 };

my @server    = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex      = identity('alex',   cn => 'Alex');
my @files     = (SSL_cert_file => $server[0], SSL_key_file => $server[1]);
my %client    = (SSL_cert_file => $alex[0],   SSL_key_file => $alex[1]);
my $encrypted = encrypted_key();
my $pin       = Vouch::Certificate->from_file($alex[0])->fingerprint;

sub encrypted_key {
    my $file = temp_dir() . '/encrypted-key.pem';
    my ($status, undef, $err) = run_command([
        qw(openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 1 -passout pass:secret -in),
        $server[1], '-out', $file
    ]);
    die $err if $status != 0;
    return $file;
}

# --- memory of C: first, while there is little that has been freed -----------

# KiB of memory that a process holds.
sub memory_of {
    my ($pid) = @_;
    open my $status, '<', "/proc/$pid/status" or return;
    my ($kib) = join('', <$status>) =~ /^VmRSS:\s+([0-9]+) kB$/m;
    return $kib;
}

# What the server does with a client depends on the first word of its line;
# its callback, on the name in the certificate.
sub start_server {
    return VouchTest::Server->start(
        ssl => {
            @files,
            SSL_verify_mode     => SSL_VERIFY_PEER,
            SSL_session_tickets => 1,
            SSL_verify_callback => sub {
                my $cn = $_[4]->common_name;
                die { refused => $cn } if $cn eq 'Dying';
                return $cn ne 'Refused';
            },
        },
        serve => sub {
            my ($client, $tell) = @_;
            my $line  = <$client> // return;
            my @facts = ($client->get_fingerprint, $client->peer_certificate('cn'), $client->verification);
            return                 if $line eq "drop\n";
            $tell->(memory_of($$)) if $line eq "memory\n";
            print {$client} "hanging up\n";
            $client->close if $line eq "close\n";
        },
    );
}

sub clients {
    my ($port) = @_;
    my @to     = (PeerAddr => '127.0.0.1', PeerPort => $port);
    my %by     = map {
        my ($cert, $key) = identity(lc $_, cn => $_);
        $_ => Vouch::Context->new(
            SSL_cert_file   => $cert,
            SSL_key_file    => $key,
            SSL_verify_mode => SSL_VERIFY_NONE
        );
    } qw(Good Refused Dying);
    my $old = Vouch::Context->new(SSL_verify_mode => SSL_VERIFY_NONE, SSL_version => 'TLSv1_2');
    my $session;
    my $talk = sub {
        my ($line, @how) = @_;
        my $socket = Vouch::Socket->new(@to, @how) or return;
        print {$socket} $line;
        readline $socket;
        return $socket;
    };
    return (
        sub { $talk->("hello\n", SSL_reuse_ctx => $by{Good}) },
        sub { $talk->("close\n", SSL_reuse_ctx => $by{Good}) },
        sub { $talk->("drop\n",  SSL_reuse_ctx => $old) },
        sub { $talk->("hello\n", SSL_reuse_ctx => $by{Refused}) },
        sub { $talk->("hello\n", SSL_reuse_ctx => $by{Dying}) },
        sub {
            my $socket = $talk->("hello\n", SSL_reuse_ctx => $by{Good}, SSL_session => $session);
            $session = $socket->session;
            $socket->close;
        },
        sub {
            eval {
                $talk->(
                    "hello\n",
                    SSL_verify_mode     => SSL_VERIFY_NONE,
                    SSL_verify_callback => sub { die "x\n" }
                );
            }
        },
        sub {
            my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port);
            print {$socket} "GET / HTTP/1.0\n\n";
        },
        sub { $talk->("hello\n", SSL_ca_file => $server[0], SSL_verifycn_name => 'wrong.example') },
    );
}

sub server_memory {
    my ($server) = @_;
    my $socket = Vouch::Socket->new(
        PeerAddr        => '127.0.0.1',
        PeerPort        => $server->port,
        SSL_verify_mode => SSL_VERIFY_NONE
    ) or die "connect: $SSL_ERROR";
    print {$socket} "memory\n";
    readline $socket;
    while (defined(my $line = $server->next_line)) { return $line if $line =~ /\A[0-9]+\z/ }
    return;
}

subtest "$CONNECTIONS connections" => sub {
    plan skip_all => 'no /proc here'                                 if !memory_of($$);
    plan skip_all => "$ENV{VOUCH_TEST_TOOL} wants memory of its own" if $ENV{VOUCH_TEST_TOOL};
    my $server  = start_server();
    my @clients = clients($server->port);
    my $some    = sub {
        my ($count) = @_;
        for my $number (1 .. $count) {
            $clients[$number % @clients]->();
            next if $number % 500;
            1 while defined $server->next_line(0.01);    # else its pipe gets full
        }
    };
    $some->($WARM_UP);
    my @before = (server_memory($server), memory_of($$));
    $some->($CONNECTIONS);
    my @after = (server_memory($server), memory_of($$));
    note "server: $before[0] KiB, then $after[0]; clients: $before[1] KiB, then $after[1]";
    cmp_ok $after[0] - $before[0], '<', $MAY_GROW, 'the server stays as big as it was';
    cmp_ok $after[1] - $before[1], '<', $MAY_GROW, 'and so do the clients';
};

# --- values of Perl ----------------------------------------------------------

# Run code often enough for all that is made once, then counted.  A leak is
# there every time; what is made later, or freed later, is not.
sub no_leak {
    my ($name, $code) = @_;
    return if !$can_trace;
    my $leaked;
    eval { $code->() } for 1 .. 3;
    for (1 .. 4) {
        undef $@;
        $leaked = Test::LeakTrace::leaked_count(sub {
            eval { $code->() };
            undef $@;
        });
        last if $leaked == 0;
    }
    is $leaked, 0, $name;
    return;
}

# A pair under this callback, that fails or not.
sub visit {
    my ($callback, %more) = @_;
    my $listener =
        listener(@files, SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => $callback, %more);
    my ($one, $other) = sockets($listener, %client);
    eval { shake($one, $other) } or return;
    return ($one, $other);
}

subtest 'certificates and identities' => sub {
    plan skip_all => 'Test::LeakTrace is not installed (libtest-leaktrace-perl)' if !$can_trace;
    my $pem     = slurp($server[0]);
    my @methods = qw(
        subject issuer common_name subject_fields issuer_fields alternative_names serial serial_hex
        not_before not_after not_before_iso not_after_iso is_expired is_not_yet_valid is_self_signed
        key_type key_curve key_bits signature_algorithm fingerprint digest pem der text
    );
    no_leak 'a certificate from a file', sub { Vouch::Certificate->from_file($server[0]) };
    no_leak 'a certificate from a text', sub { Vouch::Certificate->from_string($pem) };
    no_leak 'a text that is none',       sub { Vouch::Certificate->from_string('rubbish') };
    no_leak 'a file that is not there',  sub { Vouch::Certificate->from_file('/nonexistent') };
    no_leak 'undef for a file',          sub { Vouch::Certificate->from_file(undef) };
    no_leak 'everything it says',        sub {
        my $certificate = Vouch::Certificate->from_string($pem);
        for my $method (@methods) { my @all = $certificate->$method }
    };
    no_leak 'every spelling', sub {
        my $certificate = Vouch::Certificate->from_string($pem);
        $certificate->fingerprint(spelling => $_) for qw(dollar lower upper hex colons base64url);
    };
    no_leak 'a digest that is none',
        sub { Vouch::Certificate->from_string($pem)->fingerprint(digest => 'x') };
    no_leak 'a key and a certificate made', sub { Vouch::Identity->create(cn => 'x', san => ['a.example']) };
    no_leak 'none made for a bad name',     sub { Vouch::Identity->create(cn => '') };
    no_leak 'none made for a bad key',      sub { Vouch::Identity->create(cn => 'x', key => 'rsa:1') };
    no_leak 'an identity loaded',
        sub { Vouch::Identity->load(cert_file => $server[0], key_file => $server[1])->certificate };
    no_leak 'one renewed',
        sub { Vouch::Identity->load(cert_file => $server[0], key_file => $server[1])->renew };
    no_leak 'one with a password',
        sub { Vouch::Identity->load(cert_file => $server[0], key_file => $encrypted, password => 'secret') };
    no_leak 'one with a wrong one',
        sub { Vouch::Identity->load(cert_file => $server[0], key_file => $encrypted, password => 'x') };
    no_leak 'one whose password dies', sub {
        Vouch::Identity->load(cert_file => $server[0], key_file => $encrypted, password => sub { die {} });
    };
    no_leak 'a pair that is none',
        sub { Vouch::Identity->load(cert_file => $server[0], key_file => $alex[1]) };
};

subtest 'contexts' => sub {
    plan skip_all => 'Test::LeakTrace is not installed (libtest-leaktrace-perl)' if !$can_trace;
    my $context = sub { Vouch::Context->new(SSL_server => 1, @files, @_) };
    my $object  = Vouch::Certificate->from_file($server[0]);
    my $key     = Vouch::Key->from_file($server[1]);
    my %good    = (
        plain    => [],
        callback => [SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => sub { 1 }],
        pins     => [SSL_verify_mode => SSL_VERIFY_PEER, SSL_fingerprint     => [$pin]],
        names    => [
            SSL_cert_file => { '' => $server[0], a => $alex[0] },
            SSL_key_file  => { '' => $server[1], a => $alex[1] }
        ],
        alpn    => [SSL_alpn_protocols      => ['gemini', 'http/1.1']],
        trust   => [SSL_verify_mode         => SSL_VERIFY_PEER, SSL_ca_file => $server[0]],
        ciphers => [SSL_cipher_list         => 'HIGH', SSL_ecdh_curve => 'X25519', SSL_version => 'TLSv1_2'],
        hook    => [SSL_create_ctx_callback => sub { 1 }],
        objects => [SSL_cert_file => undef, SSL_key_file => undef, SSL_cert => [$object], SSL_key => $key],
        mixed   => [SSL_cert_file => undef, SSL_cert     => { '' => $object, 'a.example' => $object }],
        'mixed, the other way' => [SSL_key_file => undef, SSL_key       => $key],
        authorities            => [SSL_ca => [$object],   SSL_client_ca => [$object], SSL_verify_mode => 1],
        'ciphers by name'      => [SSL_cipher_list => { '' => 'HIGH', 'a.example' => 'HIGH' }],
        'a staple'             => [SSL_ocsp_mode   => 16],
    );
    no_leak $_, sub { $context->(@{ $good{$_} }) }
        for sort keys %good;
    my %bad = (
        'a missing file'      => [SSL_cert_file       => '/nonexistent'],
        'a wrong pair'        => [SSL_key_file        => $alex[1]],
        'a wrong password'    => [SSL_key_file        => $encrypted, SSL_passwd_cb => sub { 'x' }],
        'a dying password'    => [SSL_key_file        => $encrypted, SSL_passwd_cb => sub { die [] }],
        'no cipher'           => [SSL_cipher_list     => 'NONE'],
        'no version'          => [SSL_version         => 'SSLv1'],
        'no group'            => [SSL_ecdh_curve      => 'P-1'],
        'no code'             => [SSL_verify_callback => 'x'],
        'no pin'              => [SSL_verify_mode     => SSL_VERIFY_PEER, SSL_fingerprint => ['x']],
        'no authority'        => [SSL_ca_file         => '/nonexistent'],
        'a mode that is none' => [SSL_verify_mode     => 'PEER'],
        'a contradiction'     => [SSL_verify_mode     => VOUCH_VERIFY_ANY, SSL_verify_callback => sub { 1 }],
        'an unknown argument' => [SSL_verify_mod      => 1],
        'a hook that dies'       => [SSL_create_ctx_callback => sub { die "x\n" }],
        'no address'             => [SSL_ca                  => ['x']],
        "another's key"          => [SSL_key                 => Vouch::Key->create],
        'no parameters'          => [SSL_dh_file             => $server[0]],
        'no cipher by name'      => [SSL_cipher_list         => { 'a.example' => 'NONE' }],
        'a staple demanded'      => [SSL_ocsp_mode           => 2],
        'one that is not for us' => [SSL_usebio              => 1],
    );
    no_leak "$_: refused", sub { $context->(@{ $bad{$_} }) }

        for sort keys %bad;
    no_leak 'reload',       sub { $context->()->reload };
    no_leak 'pins changed', sub {
        my $pinned = $context->(SSL_verify_mode => SSL_VERIFY_PEER, SSL_fingerprint => []);
        $pinned->add_pin($pin);
        $pinned->has_pin($pin);
        my @pins = $pinned->pins;
        eval { $pinned->add_pin('x') };
        $pinned->remove_pin($pin);
        $pinned->reload;
    };
    my $file  = spew(temp_dir() . '/changing.pem', slurp($server[0]));
    my $fresh = $context->(SSL_cert_file => $file);
    no_leak 'a reload that fails', sub {
        spew($file, "rubbish\n");
        eval { $fresh->reload };
        spew($file, slurp($server[0]));
        $fresh->reload;
    };
};

subtest 'connections' => sub {
    plan skip_all => 'Test::LeakTrace is not installed (libtest-leaktrace-perl)' if !$can_trace;
    no_leak 'a listener',         sub { listener(@files) };
    no_leak 'a listener, closed', sub { listener(@files)->close };
    no_leak 'a port in use',      sub {
        my $first = listener(@files);
        Vouch::Socket->new(LocalAddr => '127.0.0.1', LocalPort => $first->sockport, Listen => 1, @files);
    };
    no_leak 'nobody there', sub {
        my $gone = listener(@files);
        my $port = $gone->sockport;
        $gone->close;
        Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => $port);
    };
    no_leak 'two sockets without handshake', sub { my @both = sockets(listener(@files)) };
    no_leak 'a handshake begun',             sub {
        my ($server, $client) = sockets(listener(@files));
        $client->connect_SSL;
        $server->accept_SSL;
    };
    for my $version (qw(TLSv1_3 TLSv1_2)) {
        no_leak "$version: a connection", sub { my @both = pair({ @files, SSL_version => $version }) };
        no_leak "$version: one that is closed",
            sub { $_->close for pair({ @files, SSL_version => $version }) };
        no_leak "$version: with a client certificate", sub {
            visit(sub { 1 }, SSL_version => $version);
        };
        no_leak "$version: refused", sub {
            visit(sub { 0 }, SSL_version => $version);
        };
        no_leak "$version: die", sub {
            visit(sub { die "no\n" }, SSL_version => $version);
        };
    }
    no_leak 'die with an object', sub {
        visit(sub { die { of => [1] } });
    };
    no_leak 'last', sub {
        no warnings 'exiting';
        visit(sub { last });
    };
    no_leak 'a reference returned', sub {
        visit(sub { [1] });
    };
    no_leak 'arguments overwritten', sub {
        visit(sub { $_[$_] = [$_] for 0 .. 5; 1 });
    };
    my @kept;
    no_leak 'arguments kept for a while', sub {
        visit(sub { push @kept, @_; 1 });
        @kept = ();
    };
    no_leak 'a connection in a callback', sub {
        visit(sub { my @both = pair({@files}); 1 });
    };
    no_leak 'a callback that reloads', sub {
        my $context;
        $context = Vouch::Context->new(
            SSL_server => 1,
            @files,
            SSL_verify_mode     => SSL_VERIFY_PEER,
            SSL_verify_callback => sub { $context->reload if $context; undef $context; 1 }
        );
        my @both = pair(listener(SSL_reuse_ctx => $context), {%client});
    };
    my @look = (SSL_ca_file => $server[0], SSL_verifycn_scheme => 'none');
    no_leak 'a look at a staple', sub {
        my @both = pair({@files}, { @look, SSL_ocsp_staple_callback => sub { 1 } });
    };
    no_leak 'one that dies', sub {
        my $both = eval {
            pair({@files}, { @look, SSL_ocsp_staple_callback => sub { die [] } });
        };
    };
    no_leak 'a staple demanded', sub { my @both = pair({@files}, { @look, SSL_ocsp_mode => 2 }) };
    no_leak 'a wrong name',      sub {
        my ($server, $client) = sockets(
            listener(@files),
            SSL_verify_mode   => SSL_VERIFY_PEER,
            SSL_ca_file       => $server[0],
            SSL_verifycn_name => 'other.example'
        );
        shake($server, $client);
    };
};

subtest 'bytes and facts' => sub {
    plan skip_all => 'Test::LeakTrace is not installed (libtest-leaktrace-perl)' if !$can_trace;
    my %facts = map { $_ => 1 } qw(
        get_fingerprint get_fingerprint_bin peer_certificate peer_certificates sock_certificate certificate
        verification get_cipher get_sslversion get_servername alpn_selected session last_error
        dump_peer_certificate context pending
    );
    no_leak 'everything it says', sub {
        my ($server, $client) = visit(sub { 1 });
        for my $socket ($server, $client) {
            for my $method (sort keys %facts) { my @all = $socket->$method }
            $socket->peer_certificate($_) for qw(cn issuer subject subjectAltNames);
            eval { $socket->peer_certificate('x') };
        }
    };
    my ($server, $client) = pair({@files}, { SSL_io_timeout => 0.01 });
    no_leak 'lines', sub {
        print {$server} "one\ntwo\n", 'three', "\n";
        printf {$server} "%s\n", 'four';
        my @lines = map { scalar <$client> } 1 .. 4;
    };
    for my $separator ("\n", 'x', "\n\n", '', \3, undef) {
        my $name = !defined $separator ? 'undef' : ref $separator ? 'a number' : $separator =~ s/\n/\\n/gr;
        no_leak "a separator: $name", sub {
            local $/ = $separator;
            print {$server} "a\n\nbx\n\nc";
            my $line = <$client>;
            sysread $client, my $rest, 100;
        };
    }
    no_leak 'bytes', sub {
        syswrite $server, 'x' x 40_000;
        my $got = q();
        sysread $client, $got, 100_000, length $got while length $got < 16_384;
        1 while $client->pending && read $client, $got, 10_000;
    };
    no_leak 'a read that is late', sub { sysread $client, my $bytes, 1 };
    no_leak 'a line that is late', sub {
        syswrite $server, 'half';
        my $line = <$client>;
        sysread $client, my $rest, 4;
    };
    no_leak 'a read that is interrupted', sub {
        local $SIG{ALRM} = sub { die "late\n" };
        Time::HiRes::ualarm(2000);
        my $line = <$server>;
    };
    no_leak 'bad arguments', sub {
        eval { sysread $client, my $bytes, -1 };
        eval { syswrite $client, "\x{100}" };
        eval { syswrite $client, 'x', 1, 9 };
    };
    no_leak 'sessions', sub {
        my $listener = listener(@files);
        my $context  = Vouch::Context->new(SSL_verify_mode => SSL_VERIFY_NONE);
        my $session;
        for (1, 2) {
            my ($one, $other) = pair($listener, { SSL_reuse_ctx => $context, SSL_session => $session });
            print {$one} "x\n";
            readline $other;
            $session = $other->session;
            $_->close for $other, $one;
        }
    };
};

subtest 'a closure over the own socket' => sub {
    my $destroyed = 0;
    my $make      = sub {
        my ($end)  = @_;
        my $marker = bless \(my $count = \$destroyed), 'Marker';
        my ($server, $client);
        my $listener = listener(
            @files,
            SSL_verify_mode     => SSL_VERIFY_PEER,
            SSL_verify_callback => sub { my @held = ($server, $marker); 1 }
        );
        ($server, $client) = sockets($listener, %client);
        shake($server, $client) or die "no handshake: $SSL_ERROR";
        $listener->close;
        $end->($server);
        return;
    };
    sub Marker::DESTROY { my ($self) = @_; $$$self++ }
    $make->(sub { $_[0]->close });
    is $destroyed, 1, 'close releases it';
    $make->(sub { CORE::close($_[0]) });
    is $destroyed, 2, 'so does CORE::close';
    $make->(sub { $_[0]->close(SSL_no_shutdown => 1) });
    is $destroyed, 3, 'and close without goodbye';

    my $refused = sub {
        my $marker = bless \(my $count = \$destroyed), 'Marker';
        my ($server, $client);
        my $listener = listener(
            @files,
            SSL_verify_mode     => SSL_VERIFY_PEER,
            SSL_verify_callback => sub { my @held = ($server, $marker); 0 }
        );
        ($server, $client) = sockets($listener, %client);
        shake($server, $client);
        $listener->close;
    };
    $refused->();
    is $destroyed, 4, 'a refusal releases it, too';
};

done_testing;
