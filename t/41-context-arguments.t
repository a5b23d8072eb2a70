use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs
    openssl       => 'openssl',
    python3       => 'python3',
    'Net::SSLeay' => 'libnet-ssleay-perl';

use Net::SSLeay ();

use VouchTest          qw(run_command spew temp_dir);
use VouchTest::Facts   qw(accept_all facts facts_server);
use VouchTest::PKI     qw(AUTHORITY fingerprint_of issue);
use VouchTest::Peer    ();
use Vouch::Certificate ();
use Vouch::Key         ();
use Vouch::Socket;

# The arguments of a context, each against the openssl command as the other
# side.  What of them is an error is in t/12-context.t.

my $dir    = temp_dir();
my $server = issue('server', cn => 'localhost',         ext => ['subjectAltName=DNS:localhost,IP:127.0.0.1']);
my $rsa    = issue('rsa',    cn => 'localhost',         key => 'rsa:2048');
my $ca     = issue('ca',     cn => 'Authority',         ext => [AUTHORITY]);
my $other  = issue('other',  cn => 'Another Authority', ext => [AUTHORITY]);
my $alex   = issue('alex',   cn => 'Alex',              by  => $ca);
my $www    = issue('www',    cn => 'www.example');

my @here = (SSL_cert_file => $server->{cert}, SSL_key_file => $server->{key});

sub openssl {
    my (@arguments) = @_;
    my ($status, $out, $err) = run_command(['openssl', @arguments]);
    is $status, 0, "openssl $arguments[0]" or diag $err;
    return $out;
}

# All that s_client says when it sends a line to our server.
sub s_client {
    my ($serving, @arguments) = @_;
    my (undef, $out, $err) =
        run_command([qw(openssl s_client -ign_eof -connect), '127.0.0.1:' . $serving->port, @arguments],
        stdin => "hello\n");
    return "$out$err";
}

# The same, with a server of these arguments: its facts, and the text.
sub visit {
    my ($ssl, @arguments) = @_;
    my $serving = facts_server(%$ssl);
    my $text    = s_client($serving, @arguments);
    return (facts($serving), $text);
}

sub cipher_of { return $_[0] =~ /^New, .*Cipher is (\S+)/m ? $1 : 'none' }

sub subject_of { return $_[0] =~ /^subject=.*CN ?= ?(.*)$/m ? $1 : 'none' }

# What Net::SSLeay has in memory.
sub x509 {
    my ($file) = @_;
    my $bio    = Net::SSLeay::BIO_new_file($file, 'r') or die "$file: $!";
    my $x509   = Net::SSLeay::PEM_read_bio_X509($bio);
    Net::SSLeay::BIO_free($bio);
    return $x509;
}

sub evp_pkey {
    my ($file) = @_;
    my $bio    = Net::SSLeay::BIO_new_file($file, 'r') or die "$file: $!";
    my $key    = Net::SSLeay::PEM_read_bio_PrivateKey($bio);
    Net::SSLeay::BIO_free($bio);
    return $key;
}

subtest 'SSL_cert and SSL_key, in every mixture' => sub {
    my $leaf   = issue('leaf', by => $ca, cn => 'Leaf');
    my $object = Vouch::Certificate->from_file($leaf->{cert});
    my $key    = Vouch::Key->from_file($leaf->{key});
    my ($x509, $pkey, $chain) = (x509($leaf->{cert}), evp_pkey($leaf->{key}), x509($ca->{cert}));
    my %way = (
        'addresses'                         => [SSL_cert      => $x509,         SSL_key      => $pkey],
        'objects'                           => [SSL_cert      => $object,       SSL_key      => $key],
        'an object and an address'          => [SSL_cert      => $object,       SSL_key      => $pkey],
        'an object, and the key in a file'  => [SSL_cert      => $object,       SSL_key_file => $leaf->{key}],
        'an address and the key in a file'  => [SSL_cert      => $x509,         SSL_key_file => $leaf->{key}],
        'a file, and the key as an object'  => [SSL_cert_file => $leaf->{cert}, SSL_key      => $key],
        'a file, and the key as an address' => [SSL_cert_file => $leaf->{cert}, SSL_key      => $pkey],
        'a hash of names'                   => [SSL_cert      => { '' => $x509 }, SSL_key => { '' => $key }],
        'SSL_cert before SSL_cert_file'     =>
            [SSL_cert => $x509, SSL_cert_file => $www->{cert}, SSL_key => $pkey],
        'empty texts beside it' =>
            [SSL_cert => $x509, SSL_cert_file => '', SSL_key => $pkey, SSL_key_file => ''],
    );
    for my $name (sort keys %way) {
        my ($facts, $text) = visit({ @{ $way{$name} } });
        is subject_of($text), 'Leaf', $name;
    }
    my (undef, $text) = visit({ SSL_cert => [$x509, $chain], SSL_key => $pkey }, '-showcerts');
    is scalar(my @sent = $text =~ /-----BEGIN CERTIFICATE-----/g), 2, 'an array is certificate and chain';
    ($text) = (visit(
        { SSL_cert => [$object, Vouch::Certificate->from_file($ca->{cert})], SSL_key => $key }, '-showcerts'
    ))[1];
    is scalar(@sent = $text =~ /-----BEGIN CERTIFICATE-----/g), 2, 'of objects, too';
    Net::SSLeay::X509_free($x509);
    Net::SSLeay::EVP_PKEY_free($pkey);
};

subtest 'what frees the objects of Net::SSLeay' => sub {
    my ($x509, $pkey) = (x509($server->{cert}), evp_pkey($server->{key}));
    my $context = Vouch::Context->new(SSL_server => 1, SSL_cert => $x509, SSL_key => $pkey);
    Net::SSLeay::X509_free($x509);
    Net::SSLeay::EVP_PKEY_free($pkey);
    my ($facts, $text) = visit({ SSL_reuse_ctx => $context });
    is subject_of($text), 'localhost', 'the program, at once: the context has references of its own';
};

subtest 'a key for one name, and one for all' => sub {
    my $serving = facts_server(
        SSL_cert_file => { ''            => $server->{cert}, 'www.example' => $www->{cert} },
        SSL_key       => { ''            => evp_pkey($server->{key}) },
        SSL_key_file  => { 'WWW.example' => $www->{key} },
    );
    is subject_of(s_client($serving, '-noservername')),              'localhost',   'no name: the default';
    is subject_of(s_client($serving, -servername => 'www.example')), 'www.example', 'a name, in either case';
};

subtest 'certificates and keys in other forms' => sub {
    my %form = (
        'DER'                     => [[qw(x509 -outform DER)], [qw(pkey -outform DER)]],
        'DER, the key PKCS#1'     => [[qw(x509 -outform DER)], [qw(rsa -outform DER)], $rsa],
        'PEM, the key of EC form' => [[qw(x509)],              [qw(ec)]],
    );
    for my $name (sort keys %form) {
        my ($cert, $key, $of) = @{ $form{$name} };
        $of //= $server;
        openssl(@$cert, '-in', $of->{cert}, '-out', "$dir/form-cert");
        openssl(@$key,  '-in', $of->{key},  '-out', "$dir/form-key");
        my (undef, $text) = visit({ SSL_cert_file => "$dir/form-cert", SSL_key_file => "$dir/form-key" });
        is subject_of($text), 'localhost', $name;
    }
    openssl(qw(pkcs12 -export -passout pass:secret -in),
        $alex->{cert}, '-inkey', $alex->{key}, '-certfile', $ca->{cert}, '-out', "$dir/alex.p12");
    my @asked;
    my (undef, $text) =
        visit({ SSL_cert_file => "$dir/alex.p12", SSL_passwd_cb => sub { push @asked, [@_]; 'secret' } },
        '-showcerts');
    is subject_of($text),                                          'Alex', 'PKCS#12, certificate and key';
    is scalar(my @sent = $text =~ /-----BEGIN CERTIFICATE-----/g), 2,      'and the chain';
    openssl(qw(pkey -aes256 -passout pass:secret -in), $server->{key}, '-out', "$dir/encrypted");
    for my $password ('secret', sub { 'secret' }) {
        (undef, $text) = visit({
            SSL_cert_file => $server->{cert},
            SSL_key_file  => "$dir/encrypted",
            SSL_passwd_cb => $password
        });
        is subject_of($text), 'localhost',
            'an encrypted key, and ' . (ref $password ? 'a function' : 'a text');
    }
    (undef, $text) = visit({
        SSL_cert      => Vouch::Certificate->from_file($server->{cert}),
        SSL_key_file  => "$dir/encrypted",
        SSL_passwd_cb => sub { 'secret' },
    });
    is subject_of($text), 'localhost', 'an encrypted key for a certificate in memory';
};

subtest 'two kinds of keys for one name' => sub {
    my $serving = facts_server(
        SSL_cert_file => { '' => $server->{cert}, '%rsa' => $rsa->{cert} },
        SSL_key_file  => { '' => $server->{key},  '%rsa' => $rsa->{key} },
    );
    my $text = s_client($serving, qw(-sigalgs RSA-PSS+SHA256));
    like $text, qr/Server public key is 2048 bit/, 'a client that knows RSA only';
    $text = s_client($serving, qw(-sigalgs ECDSA+SHA256));
    like $text, qr/Server public key is 256 bit/, 'a client that knows ECDSA only';
};

subtest 'whom a client trusts' => sub {
    my $peer = VouchTest::Peer->start('openssl', 's_server', '-accept', '127.0.0.1:0', '-cert', $alex->{cert},
        '-key', $alex->{key});
    my ($port) = $peer->wait_for(qr/^ACCEPT .*:([0-9]+)$/m);
    my $connect = sub {
        my $socket = Vouch::Socket->new(
            PeerAddr            => '127.0.0.1',
            PeerPort            => $port,
            SSL_verifycn_scheme => 'none',
            @_
        );
        return $socket ? 'accepted' : $SSL_ERROR =~ /certificate verify failed/ ? 'refused' : "$SSL_ERROR";
    };
    my ($x509, $stranger) = (x509($ca->{cert}), x509($other->{cert}));
    is $connect->(SSL_ca => [$x509]), 'accepted', 'SSL_ca: addresses';
    is $connect->(SSL_ca => $x509),   'accepted', 'SSL_ca: one address';
    is $connect->(SSL_ca => [$stranger, Vouch::Certificate->from_file($ca->{cert})]), 'accepted',
        'SSL_ca: one of them';
    is $connect->(SSL_ca => [$stranger]),                             'refused',  'SSL_ca: another authority';
    is $connect->(SSL_ca => []),                                      'refused',  'SSL_ca: an empty list';
    is $connect->(SSL_ca => [$stranger], SSL_ca_file => $ca->{cert}), 'accepted', 'SSL_ca beside SSL_ca_file';
    is $connect->(SSL_ca_file => \undef), 'refused', 'SSL_ca_file: a reference to undef';
    {
        local $ENV{SSL_CERT_FILE} = $ca->{cert};
        is $connect->(SSL_ca_file => '', SSL_ca_path => '', SSL_ca => ''), 'accepted',
            'empty texts: the authorities of the system';
        is $connect->(SSL_ca_path => \undef), 'refused', 'SSL_ca_path: a reference to undef';
    }
    my $hash = openssl(qw(x509 -noout -hash -in), $ca->{cert}) =~ s/\n//r;
    mkdir "$dir/authorities" or die $!;
    openssl(qw(x509 -in), $ca->{cert}, '-out', "$dir/authorities/$hash.0");
    is $connect->(SSL_ca_path => "$dir/missing:$dir/authorities"), 'accepted', 'SSL_ca_path: with a colon';
    is $connect->(SSL_ca_path => [$dir, "$dir/authorities"]),      'accepted', 'SSL_ca_path: a list';
    is $connect->(SSL_ca_path => $dir),                            'refused',  'SSL_ca_path: without it';
    Net::SSLeay::X509_free($_) for $x509, $stranger;
};

subtest 'which authorities a server names' => sub {
    my @ask   = (@here, SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => \&accept_all);
    my $named = sub {
        my (undef, $text) = visit({ @ask, @_ });
        my ($list) =
            $text =~ /^Acceptable client certificate CA names\n(.*?)\n(?:Requested|Client|Peer|---)/ms;
        return join ' ', sort map { /CN ?= ?(.*)/ } split /\n/, $list // '';
    };
    is $named->(), '', 'none of itself';
    is $named->(SSL_client_ca => [x509($ca->{cert}), Vouch::Certificate->from_file($other->{cert})]),
        'Another Authority Authority', 'SSL_client_ca: addresses and objects';
    is $named->(SSL_client_ca_file => $ca->{cert}), 'Authority', 'SSL_client_ca_file';
    my ($facts) =
        visit({ @ask, SSL_client_ca => [x509($ca->{cert})], SSL_ca => [], SSL_verify_callback => undef },
        '-cert', $alex->{cert}, '-key', $alex->{key});
    like $facts->{refused}, qr/certificate verify failed/, 'to name is not to trust';
};

subtest 'Diffie-Hellman' => sub {
    my $params = "$dir/dh2048.pem";
    openssl(qw(genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out), $params);
    openssl(qw(dhparam -outform DER -in), $params, '-out', "$dir/dh.der");
    my @dhe = qw(-tls1_2 -cipher DHE:@SECLEVEL=1);
    my (undef, $text) = visit({ @here, SSL_cipher_list => 'ALL:@SECLEVEL=1' }, @dhe);
    like $text, qr/handshake failure/, 'is off by itself';
    for my $file ($params, "$dir/dh.der") {
        my @more = (@here, SSL_cert_file => $rsa->{cert}, SSL_key_file => $rsa->{key});
        (undef, $text) = visit({ @more, SSL_dh_file => $file }, @dhe);
        like cipher_of($text), qr/\ADHE-/, 'SSL_dh_file switches it on: ' . ($file =~ /der/ ? 'DER' : 'PEM');
        like $text,            qr/Server Temp Key: DH, 2048 bits/, 'with these parameters';
    }
    my $bio = Net::SSLeay::BIO_new_file($params, 'r');
    my $dh  = Net::SSLeay::PEM_read_bio_DHparams($bio);
    Net::SSLeay::BIO_free($bio);
    ok $dh, 'parameters of Net::SSLeay';
    my $context = Vouch::Context->new(
        SSL_server    => 1,
        SSL_cert_file => $rsa->{cert},
        SSL_key_file  => $rsa->{key},
        SSL_dh        => $dh,
    );
    Net::SSLeay::DH_free($dh);
    (undef, $text) = visit({ SSL_reuse_ctx => $context }, @dhe);
    like cipher_of($text), qr/\ADHE-/, 'SSL_dh, freed since';
};

subtest 'ciphers, suites, groups' => sub {
    my @tls12 = ('-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384');
    my $mine  = 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256';
    my ($facts, $text) = visit({ @here, SSL_cipher_list => $mine }, @tls12);
    is $facts->{get_cipher}, 'ECDHE-ECDSA-AES256-GCM-SHA384', "the server's order counts";
    ($facts) = visit({ @here, SSL_cipher_list => $mine, SSL_honor_cipher_order => 0 }, @tls12);
    is $facts->{get_cipher}, 'ECDHE-ECDSA-AES128-GCM-SHA256', 'SSL_honor_cipher_order => 0: the client\'s';
    ($facts) = visit({ @here, SSL_ciphersuites => 'TLS_CHACHA20_POLY1305_SHA256' }, '-tls1_3');
    is $facts->{get_cipher}, 'TLS_CHACHA20_POLY1305_SHA256', 'SSL_ciphersuites';

    my %group =
        ('P-521:P-384' => 'P-521', 415 => 'P-256', prime256v1 => 'P-256', X448 => 'X448', auto => 'X25519');
    for my $groups (sort keys %group) {
        (undef, $text) =
            visit({ @here, SSL_ecdh_curve => $groups }, qw(-groups X25519:P-521:P-384:P-256:X448));
        my ($got) = $text =~ /Server Temp Key: (?:ECDH, )?([\w-]+)/;
        $got = { secp521r1 => 'P-521', prime256v1 => 'P-256' }->{ $got // '' } // $got;
        is $got, $group{$groups}, "SSL_ecdh_curve => $groups";
    }
};

subtest 'ciphers by server name' => sub {
    my $serving = facts_server(
        SSL_cert_file   => { '' => $server->{cert}, 'www.example' => $www->{cert} },
        SSL_key_file    => { '' => $server->{key},  'www.example' => $www->{key} },
        SSL_cipher_list => {
            ''               => 'ECDHE-ECDSA-AES128-GCM-SHA256',
            'www.example'    => 'ECDHE-ECDSA-CHACHA20-POLY1305',
            'strong.example' => 'ECDHE-ECDSA-AES256-GCM-SHA384',
            '*.wide.example' => 'ECDHE-ECDSA-AES256-GCM-SHA384',
        },
    );
    my %want = (
        'www.example'    => ['ECDHE-ECDSA-CHACHA20-POLY1305', 'www.example'],
        'strong.example' => ['ECDHE-ECDSA-AES256-GCM-SHA384', 'localhost'],
        'a.wide.example' => ['ECDHE-ECDSA-AES256-GCM-SHA384', 'localhost'],
        'other.example'  => ['ECDHE-ECDSA-AES128-GCM-SHA256', 'localhost'],
    );
    my @all = (
        '-cipher', join ':',
        map { "ECDHE-ECDSA-$_" } qw(AES128-GCM-SHA256 AES256-GCM-SHA384 CHACHA20-POLY1305)
    );
    my @mine = ('-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256');
    for my $name (sort keys %want) {
        my $text = s_client($serving, '-tls1_2', @all, -servername => $name);
        my $got  = [facts($serving)->{get_cipher}, subject_of($text)];
        is_deeply $got, $want{$name}, $name;
    }
    like s_client($serving, '-tls1_2', @mine, -servername => 'www.example'), qr/handshake failure/,
        'a client that offers another cipher is refused';
    like facts($serving)->{refused}, qr/no shared cipher/, 'and accept says why';
};

subtest 'versions' => sub {
    my @client = (['-tls1_2', 'TLSv1_2'], ['-tls1_3', 'TLSv1_3']);
    my %takes  = (
        'TLSv1_2'                       => [1, 0],
        'TLSv12'                        => [1, 0],
        'tlsv13'                        => [0, 1],
        'SSLv23:!TLSv1:!TLSv1_1'        => [1, 1],
        'SSLv23:!SSLv3:!SSLv2:!TLSv1_3' => [1, 0],
        'sslv23:!tlsv12:!tlsv11:!tlsv1' => [0, 1],
    );
    for my $version (sort keys %takes) {
        my @got = map {
            my ($facts) = visit({ @here, SSL_version => $version }, $_->[0]);
            ($facts->{get_sslversion} // '') eq $_->[1] ? 1 : 0
        } @client;
        is_deeply \@got, $takes{$version}, $version;
    }
};

subtest 'SSL_session_id_context' => sub {
    my $SET_TICKET_KEYS = 59;               # of SSL_CTX_ctrl
    my $sessions        = "$dir/session";
    my $resumed         = sub {
        my ($first, $second) = @_;
        my $context = sub {
            Vouch::Context->new(
                @here,
                SSL_server              => 1,
                SSL_session_id_context  => $_[0],
                SSL_create_ctx_callback =>
                    sub { Net::SSLeay::CTX_ctrl($_[0], $SET_TICKET_KEYS, 80, 'k' x 80) }
            );
        };
        my $serving = facts_server(SSL_reuse_ctx => $context->($first));
        s_client($serving, '-tls1_2', '-sess_out', $sessions);
        facts($serving);
        my $again = facts_server(SSL_reuse_ctx => $context->($second));
        s_client($again, '-tls1_2', '-sess_in', $sessions);
        return facts($again)->{get_session_reused};
    };
    ok $resumed->('one',  'one'), 'sessions resume where it is the same';
    ok !$resumed->('one', 'two'), 'and not where it is another';
};

my $LATER = <<'PYTHON';
import socket, ssl, sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.load_verify_locations(sys.argv[3])
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.post_handshake_auth = True
context.verify_mode = ssl.CERT_REQUIRED
listener = socket.create_server(("127.0.0.1", 0))
print("port %d" % listener.getsockname()[1], flush=True)
connection = context.wrap_socket(listener.accept()[0], server_side=True)
print("at first %s" % connection.getpeercert(), flush=True)
connection.recv(100)
connection.verify_client_post_handshake()
connection.sendall(b"go on\n")
print("line %s" % connection.recv(100), flush=True)
print("then %s" % connection.getpeercert(), flush=True)
PYTHON

subtest 'a certificate asked for after the handshake' => sub {
    my $script = spew("$dir/later.py", $LATER);
    my $peer   = VouchTest::Peer->start('python3', $script, @$server{qw(cert key)}, $ca->{cert});
    my ($port) = $peer->wait_for(qr/^port ([0-9]+)$/m);
    my $socket = Vouch::Socket->new(
        PeerAddr      => '127.0.0.1',
        PeerPort      => $port,
        SSL_ca_file   => $server->{cert},
        SSL_cert_file => $alex->{cert},
        SSL_key_file  => $alex->{key},
    ) or return fail "connect: $SSL_ERROR";
    ok(Vouch::Socket->can_pha, 'can_pha');
    print {$socket} "first\n";
    is scalar <$socket>, "go on\n", 'a line that comes after the request is read';
    print {$socket} "second\n";
    is scalar $peer->wait_for(qr/^line b'(\w+)/m),   'second', 'the server reads on';
    is scalar $peer->wait_for(qr/^at first (.*)$/m), 'None',   'it did not know us before';
    like scalar $peer->wait_for(qr/^then (.*)$/m), qr/'commonName', 'Alex'/, 'and does then';
    $peer->finish;
};

subtest 'SSL_mode_release_buffers' => sub {
    my $release = 0x10;
    my %mode    = map {
        my $context = Vouch::Context->new(@here, SSL_server => 1, SSL_mode_release_buffers => $_);
        $_ => Net::SSLeay::CTX_get_mode($context->ssl_ctx) & $release ? 1 : 0
    } 0, 1;
    is_deeply \%mode, { 0 => 0, 1 => 1 }, 'sets the mode of OpenSSL';
    my ($facts, $text) = visit({ @here, SSL_mode_release_buffers => 1 });
    is $facts->{line}, "hello\n", 'and connections work';
};

done_testing;
