use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs openssl => 'openssl', python3 => 'python3', 'gnutls-cli' => 'gnutls-bin';

use VouchTest               qw(identity spew temp_dir);
use VouchTest::Failures     qw(explains);
use VouchTest::GnutlsServer qw(gnutls_serv);
use VouchTest::PKI          qw(expired);
use VouchTest::Pair         ();
use VouchTest::Peer         ();
use Vouch::Socket;

# Why a connection failed, where the other end is OpenSSL, GnuTLS or Python.

my %FLAG     = (TLSv1_2 => '-tls1_2', TLSv1_3 => '-tls1_3');
my @VERSIONS = sort keys %FLAG;
my $ADDRESS  = qr/\A127[.]0[.]0[.]1:[0-9]+\z/;

my @server   = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex     = identity('alex',   cn => 'Alex');
my $old      = expired('old-server', cn => 'localhost');
my $past     = expired('old-client');
my %required = (SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);

my $PYTHON = spew(temp_dir() . '/peer.py', <<'PYTHON');
import socket, ssl, sys

what, version, port, name, cert, key, ca = sys.argv[1:8]
server = what == "server"
made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
made.minimum_version = made.maximum_version = getattr(ssl.TLSVersion, version)
if cert:
    made.load_cert_chain(cert, key)
if ca:
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(ca)
try:
    if server:
        listener = socket.create_server(("127.0.0.1", 0))
        print("port", listener.getsockname()[1], flush=True)
        plain, _ = listener.accept()
        plain.settimeout(15)
        made.wrap_socket(plain, server_side=True).recv(1)
    else:
        plain = socket.create_connection(("127.0.0.1", int(port)), timeout=15)
        made.wrap_socket(plain, server_hostname=name).recv(1)
except (ssl.SSLError, OSError) as error:
    print("error", repr(error), flush=True)
PYTHON

sub shows { my ($cert, $key) = @_; return ('-cert', $cert, '-key', $key) }

# --- our server --------------------------------------------------------------

# Who calls us: the command, given a port.
sub s_client {
    my ($port, $flag, @more) = @_;
    return (qw(openssl s_client -ign_eof -servername localhost -connect), "127.0.0.1:$port", $flag, @more);
}

sub python {
    my (%arg) = @_;
    return ('python3', $PYTHON, map { $_ // '' } @arg{qw(what version port name cert key ca)});
}

sub refuses {
    my ($what, $version, $ssl, $command, %want) = @_;
    subtest "our server, $version, $what" => sub {
        local $SIG{__WARN__} = sub { like $_[0], qr/expired on/, 'a warning' };
        my $listener = VouchTest::Pair::listener(
            SSL_startHandshake => 1,
            SSL_cert_file      => $server[0],
            SSL_key_file       => $server[1],
            Timeout            => 20,
            %$ssl
        );
        my $peer = VouchTest::Peer->start($command->($listener->sockport));
        ok !$listener->accept, 'accept returns false';
        my $text = "$SSL_ERROR";
        explains(
            'it', $listener->last_error, $text,
            peer        => $ADDRESS,
            where       => 'accept',
            server_name => 'localhost',
            %want
        );
        $peer->finish;
    };
    return;
}

for my $version (@VERSIONS) {
    my $flag  = $FLAG{$version};
    my $later = $version eq 'TLSv1_3';
    refuses(
        's_client without a certificate', $version, \%required,
        sub { s_client($_[0], $flag) },
        cause => 'no_certificate',
        side  => 'ours',
        alert => $later ? 'certificate_required' : 'handshake_failure',
        hint  => qr/client must show a certificate/,
    );
    refuses(
        's_client that nobody knows', $version,
        { SSL_verify_mode => SSL_VERIFY_PEER, SSL_ca_file => $server[0] },
        sub { s_client($_[0], $flag, shows(@alex)) },
        cause => 'untrusted',
        side  => 'ours',
        alert => 'unknown_ca',
        hint  => qr/SSL_ca_file/,
    );
    refuses(
        's_client that does not know us', $version, {},
        sub { s_client($_[0], $flag, '-verify_return_error', '-CAfile', $alex[0]) },
        cause => 'untrusted',
        side  => 'theirs',
        alert => 'unknown_ca',
        hint  => qr/client does not know the authority/,
    );
    refuses(
        's_client that knows the date', $version,
        { SSL_cert_file => $old->{cert}, SSL_key_file => $old->{key} },
        sub { s_client($_[0], $flag, '-verify_return_error', '-CAfile', $old->{cert}) },
        cause => 'expired',
        side  => 'theirs',
        alert => 'certificate_expired',
        hint  => qr/vouch cert --renew/,
    );
    refuses(
        'python that wanted another',
        $version,
        {},
        sub {
            python(
                what    => 'client',
                version => $version,
                port    => $_[0],
                name    => 'other.example',
                ca      => $server[0]
            );
        },
        cause       => 'name',
        side        => 'theirs',
        alert       => 'bad_certificate',
        server_name => 'other.example',
        hint        => qr/vouch cert --san/,
    );
    refuses(
        'python that does not know us',
        $version,
        {},
        sub {
            python(what => 'client', version => $version, port => $_[0], name => 'localhost', ca => $alex[0]);
        },
        cause => 'untrusted',
        side  => 'theirs',
        alert => 'unknown_ca',
        hint  => qr/client does not know the authority/,
    );
}

refuses(
    's_client with another version', 'TLSv1_2',
    { SSL_version => 'TLSv1_3' },
    sub { s_client($_[0], '-tls1_2') },
    cause       => 'protocol',
    side        => 'ours',
    alert       => 'protocol_version',
    server_name => undef,
    hint        => qr/SSL_version/,
);
refuses(
    's_client with another cipher', 'TLSv1_2',
    { SSL_cipher_list => 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    sub { s_client($_[0], qw(-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384)) },
    cause => 'cipher',
    side  => 'ours',
    alert => 'handshake_failure',
    hint  => qr/SSL_cipher_list/,
);
refuses(
    'gnutls-cli with another version',
    'TLSv1_2',
    { SSL_version => 'TLSv1_3' },
    sub {
        (qw(gnutls-cli --no-ca-verification --priority NORMAL:-VERS-ALL:+VERS-TLS1.2 -p), $_[0], 'localhost');
    },
    cause       => 'protocol',
    side        => 'ours',
    alert       => 'protocol_version',
    server_name => undef,
    hint        => qr/SSL_version/,
);

# --- our client --------------------------------------------------------------

sub s_server {
    my ($flag, @more) = @_;
    my $peer = VouchTest::Peer->start(qw(openssl s_server -accept 127.0.0.1:0), shows(@server), $flag, @more);
    return ($peer, scalar $peer->wait_for(qr/^ACCEPT .*:([0-9]+)$/m));
}

sub python_server {
    my (%arg) = @_;
    my $peer = VouchTest::Peer->start(python(what => 'server', cert => $server[0], key => $server[1], %arg));
    return ($peer, scalar $peer->wait_for(qr/^port ([0-9]+)$/m));
}

# In TLS 1.3 a client learns with its first read that it was refused.
sub is_refused {
    my ($what, $version, $ssl, $start, %want) = @_;
    subtest "our client, $version, $what" => sub {
        my ($peer, $port) = $start->();
        my $client = Vouch::Socket->new(
            PeerHost        => '127.0.0.1',
            PeerPort        => $port,
            SSL_version     => $version,
            SSL_hostname    => 'localhost',
            SSL_verify_mode => SSL_VERIFY_NONE,
            Timeout         => 20,
            %$ssl
        );
        is sysread($client, my $byte, 1), undef, 'it cannot read' if $client;
        my $text = "$SSL_ERROR";
        explains(
            'it', ($client // 'Vouch::Socket')->last_error, $text,
            peer        => qr/\A127[.]0[.]0[.]1:$port\z/,
            where       => $client ? 'read' : 'connect',
            server_name => 'localhost',
            side        => 'theirs',
            %want
        );
        $peer->stop;
    };
    return;
}

for my $version (@VERSIONS) {
    my $flag  = $FLAG{$version};
    my $later = $version eq 'TLSv1_3';
    my %shows = (SSL_cert_file => $alex[0], SSL_key_file => $alex[1]);
    my %none  = (
        cause => 'no_certificate',
        alert => $later ? 'certificate_required' : 'handshake_failure',
        hint  => qr/give SSL_cert_file and SSL_key_file/,
    );
    my %unknown = (cause => 'untrusted', alert => 'unknown_ca', hint => qr/server does not accept our/);
    is_refused('s_server wants a certificate', $version, {}, sub { s_server($flag, qw(-Verify 1)) }, %none);
    is_refused('python wants a certificate',
        $version, {}, sub { python_server(version => $version, ca => $server[0]) }, %none);
    is_refused(
        'gnutls-serv wants a certificate',
        $version, {}, sub { gnutls_serv(@server, '-r') },
        %none,        alert => $later ? 'certificate_required' : 'decode_error',
    );
    is_refused('s_server does not know it',
        $version,                                                                        \%shows,
        sub { s_server($flag, qw(-Verify 1 -verify_return_error -CAfile), $server[0]) }, %unknown);
    is_refused('python does not know it',
        $version, \%shows, sub { python_server(version => $version, ca => $server[0]) }, %unknown);
    is_refused(
        's_server knows the date', $version,
        { SSL_cert_file => $past->{cert}, SSL_key_file => $past->{key} },
        sub { s_server($flag, qw(-Verify 1 -verify_return_error -CAfile), $past->{cert}) },
        cause => 'expired',
        alert => 'certificate_expired',
        hint  => qr/vouch cert --renew/,
    );
    is_refused(
        's_server has another protocol',
        $version,
        { SSL_alpn_protocols => ['h2'] },
        sub { s_server($flag, qw(-alpn gemini)) },
        cause => 'alpn',
        alert => 'no_application_protocol',
        hint  => qr/SSL_alpn_protocols/,
    );
    is_refused(
        's_server has another name',
        $version,
        {},
        sub {
            s_server($flag, qw(-servername two.example -servername_fatal -cert2), $alex[0], '-key2',
                $alex[1]);
        },
        cause => 'name',
        alert => 'unrecognized_name',
        hint  => qr/SSL_hostname/,
    );
}

is_refused(
    's_server has another version', 'TLSv1_3', {},
    sub { s_server('-tls1_2') },
    cause => 'protocol',
    alert => 'protocol_version',
    hint  => qr/SSL_version/,
);
is_refused(
    's_server has another cipher', 'TLSv1_2',
    { SSL_cipher_list => 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    sub { s_server(qw(-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384)) },
    cause => 'cipher',
    alert => 'handshake_failure',
    hint  => qr/SSL_cipher_list/,
);

done_testing;
