use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs python3 => 'python3';

use Digest::SHA qw(sha256_hex);

use VouchTest        qw(identity spew temp_dir);
use VouchTest::Facts qw(accept_all facts facts_server);
use VouchTest::PKI   qw(bundle chain fingerprint_of);
use VouchTest::Peer  ();
use Vouch::Socket;

# Python's ssl module as client of our server and server of our client.

my $CLIENT = spew(temp_dir() . '/client.py', <<'PYTHON');
import hashlib, socket, ssl, sys

def context(version, cert, key):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = made.maximum_version = getattr(ssl.TLSVersion, version)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if cert:
        made.load_cert_chain(cert, key)
    return made

def talk(made, port, session=None):
    with socket.create_connection(("127.0.0.1", port), timeout=15) as plain:
        with made.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
            tls.sendall(b"hello\n")
            reply = b""
            while chunk := tls.recv(100):
                reply += chunk
            der = tls.getpeercert(binary_form=True)
            print("reply", reply, "version", tls.version(), "reused", tls.session_reused)
            print("server", hashlib.sha256(der).hexdigest(), flush=True)
            return tls.session

port, version, cert, key, times = int(sys.argv[1]), *sys.argv[2:5], int(sys.argv[5])
made = context(version, cert, key)
session = None
try:
    for _ in range(times):
        session = talk(made, port, session)
except ssl.SSLError as error:
    print("SSLError", error.reason, error)
PYTHON

my $ASYNC_CLIENT = spew(temp_dir() . '/async.py', <<'PYTHON');
import asyncio, ssl, sys

async def one(port, cert, key, number):
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.load_cert_chain(cert, key)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=made)
    writer.write(b"hello %d\n" % number)
    await writer.drain()
    reply = await reader.read()
    writer.close()
    await writer.wait_closed()
    return reply

async def main():
    port, cert, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    print(set(await asyncio.gather(*(one(port, cert, key, i) for i in range(5)))))

asyncio.run(main())
PYTHON

my $SERVER = spew(temp_dir() . '/server.py', <<'PYTHON');
import hashlib, socket, ssl, sys

version, cert, key, ca = sys.argv[1:5]
made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
made.minimum_version = made.maximum_version = getattr(ssl.TLSVersion, version)
made.load_cert_chain(cert, key)
made.set_alpn_protocols(["gemini"])
made.sni_callback = lambda tls, name, ctx: print("asked for", name, flush=True)
if ca:
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(ca)

def serve(tls):
    der = tls.getpeercert(binary_form=True)
    print("client", hashlib.sha256(der).hexdigest() if der else None, flush=True)
    data = b""
    while not data.endswith(b"end\n"):
        chunk = tls.recv(65536)
        if not chunk:
            break
        data += chunk
    print("received", len(data), hashlib.sha256(data).hexdigest(), flush=True)
    tls.sendall(data)
    tls.unwrap()
    print("unwrapped", flush=True)

listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
while True:
    plain, _ = listener.accept()
    plain.settimeout(15)
    try:
        with made.wrap_socket(plain, server_side=True) as tls:
            serve(tls)
    except (ssl.SSLError, OSError) as error:
        print("error", repr(error), flush=True)
PYTHON

my @VERSIONS = qw(TLSv1_2 TLSv1_3);

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');

sub python_client {
    my ($server, $version, $identity, $times) = @_;
    my $client = VouchTest::Peer->start(
        'python3', $CLIENT, $server->port, $version,
        map({ $_ // '' } @{ $identity // [] }[0, 1]),
        $times // 1
    );
    is $client->finish, 0, 'python ends well' or diag $client->text;
    return $client->text;
}

sub hex_of { my ($file) = @_; return fingerprint_of($file) =~ s/.*\$//r }

sub server {
    my (%arg) = @_;
    return facts_server(
        SSL_cert_file       => $server[0],
        SSL_key_file        => $server[1],
        SSL_verify_mode     => SSL_VERIFY_PEER,
        SSL_verify_callback => \&accept_all,
        %arg,
    );
}

for my $version (@VERSIONS) {
    my $server = server();

    for my $key (qw(ec:prime256v1 rsa:2048 ed25519)) {
        subtest "client, $version, key $key" => sub {
            my @client = identity('client', cn => 'Client', key => $key);
            my $text   = python_client($server, $version, \@client);
            like $text, qr/^reply b'bye\\n' version \Q@{[$version =~ s{_}{.}r]}\E /m, 'the reply arrives';
            like $text, qr/^server @{[hex_of($server[0])]}$/m, 'python sees our certificate';
            my $facts = facts($server);
            is_deeply [@$facts{qw(line cn get_fingerprint calls get_servername)}],
                ["hello\n", 'Client', fingerprint_of($client[0]), '0/18/0 1/18/0', 'localhost'],
                'we see line, name, fingerprint, the callback, the name asked for';
        };
    }

    subtest "client, $version, without a certificate" => sub {
        like python_client($server, $version), qr/^reply b'bye\\n'/m, 'the reply arrives';
        my $facts = facts($server);
        is_deeply [@$facts{qw(line cn get_fingerprint calls)}], ["hello\n", undef, undef, ''],
            'nobody, served';
    };

    subtest "client, $version, refused" => sub {
        my $refusing = server(SSL_verify_callback => sub { 0 });
        like python_client($refusing, $version, \@alex), qr/^SSLError TLSV1_ALERT_UNKNOWN_CA/m,
            'python is told with an alert';
        like facts($refusing)->{refused}, qr/certificate verify failed/, 'accept says so';
    };

    subtest "client, $version, sessions" => sub {
        my $resumable = server(SSL_session_tickets => 1);
        my $text      = python_client($resumable, $version, \@alex, 2);
        like $text, qr/reused False.*reused True/s, 'the second connection resumes';
        my ($first, $second) = map { facts($resumable) } 1 .. 2;
        is_deeply [map { $_->{get_session_reused} } $first, $second], ['', 1], 'we say so too';
        is $second->{get_fingerprint}, fingerprint_of($alex[0]), 'with the same client';
        $text = python_client($server, $version, \@alex, 2);
        like $text, qr/reused False.*reused False/s, 'not so by default';
        facts($server) for 1 .. 2;
    };
}

subtest 'five clients of asyncio at once' => sub {
    my $server = server();
    my $client = VouchTest::Peer->start('python3', $ASYNC_CLIENT, $server->port, @alex);
    is $client->finish, 0,               'python ends well' or diag $client->text;
    is $client->out,    "{b'bye\\n'}\n", 'each gets the reply';
    is_deeply [sort map { $_->{line} } map { facts($server) } 1 .. 5],
        [map { "hello $_\n" } 0 .. 4], 'each line arrives';
};

# A server in Python; ca: it demands a certificate from there.
sub python_server {
    my ($version, $identity, $ca) = @_;
    my $server = VouchTest::Peer->start('python3', $SERVER, $version, @$identity, $ca // '');
    my ($port) = $server->wait_for(qr/^port ([0-9]+)$/m);
    return ($server, $port);
}

sub client {
    my ($port, %arg) = @_;
    return Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $port,
        SSL_verify_mode => SSL_VERIFY_NONE,
        %arg
    );
}

for my $version (@VERSIONS) {
    subtest "server, $version" => sub {
        my ($server, $port) = python_server($version, \@server);
        my $client = client(
            $port,
            SSL_hostname       => 'one.example',
            SSL_alpn_protocols => ['h2', 'gemini'],
            SSL_cert_file      => $alex[0],
            SSL_key_file       => $alex[1]
        ) or return fail("connect: $!, $SSL_ERROR");
        is $client->get_fingerprint, fingerprint_of($server[0]), 'the fingerprint';
        is $client->get_sslversion,  $version,                   'the version';
        is $client->alpn_selected,   'gemini',                   'the application protocol';
        my $data = join q(), map({ "line $_\n" } 1 .. 50_000), "end\n";
        print {$client} $data;
        my $back = do { local $/; <$client> };
        ok $back eq $data, length($data) . ' bytes there and back';
        $client->close;
        $server->wait_for(qr/^unwrapped$/m);
        pass 'both ends close in order';
        like $server->text, qr/^asked for one\.example$/m,                          'python knows the name';
        like $server->text, qr/^received ${\length $data} ${\sha256_hex($data)}$/m, 'python got the data';
    };

    subtest "server, $version, that checks our certificate" => sub {
        my $chain = chain("python-$version");
        my $leaf  = $chain->{leaf};
        my $known = bundle(@$chain{qw(root intermediate)});
        my ($server, $port) = python_server($version, \@server, $known);
        my $client = client($port, SSL_cert_file => $leaf->{cert}, SSL_key_file => $leaf->{key})
            or return fail("connect: $!, $SSL_ERROR");
        print {$client} "end\n";
        is scalar <$client>, "end\n", 'is content with a chain it knows';
        $client->close;
        $server->wait_for(qr/^client @{[hex_of($leaf->{cert})]}$/m);
        pass 'and knows us';
        $server->wait_for(qr/^unwrapped$/m);
        $client = client($port, SSL_cert_file => $alex[0], SSL_key_file => $alex[1]);
        my $line = $client ? <$client> : undef;
        is $line, undef, 'another certificate is refused';
        like $SSL_ERROR, qr/alert unknown ca/, 'and we are told with the alert';
    };

    subtest "server, $version: our client checks it" => sub {
        my @other = (SSL_fingerprint     => fingerprint_of($alex[0]), SSL_force_fingerprint => 1);
        my %wrong = ('another authority' => [SSL_ca_file => $alex[0]], 'another pin' => \@other);
        for my $what (sort keys %wrong) {
            my ($server, $port) = python_server($version, \@server);
            ok !client($port, SSL_verify_mode => SSL_VERIFY_PEER, @{ $wrong{$what} }), "$what: refused";
            $server->wait_for(qr/^error .*ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN)/m);
            pass 'python is told with an alert';
        }
        my ($server, $port) = python_server($version, \@server);
        ok client($port, SSL_verify_mode => SSL_VERIFY_PEER, SSL_ca_file => $server[0]), 'its own: accepted'
            or diag "$!, $SSL_ERROR";
    };
}

done_testing;
