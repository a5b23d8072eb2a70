use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno      qw(ECONNRESET EPROTO ETIMEDOUT);
use IO::Select ();
use Socket     qw(AF_UNIX PF_UNSPEC SOCK_STREAM SOL_SOCKET SO_LINGER);

use VouchTest           qw(identity);
use VouchTest::Failures qw(explains form_of);
use VouchTest::PKI      qw(expired future wrong_purpose);
use VouchTest::Pair     ();
use Vouch::Socket;

# Why a connection failed: the usual causes, on both sides, with TLS 1.2 and
# 1.3.  Here both ends are Vouch, or the other end speaks no TLS at all.

my @VERSIONS = qw(TLSv1_2 TLSv1_3);
my @server   = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex     = identity('alex',   cn => 'Alex');
my $PEER     = qr/\A127[.]0[.]0[.]1:[0-9]+\z/;

sub shows {
    my ($made) = @_;
    return (SSL_cert_file => $made->{cert}, SSL_key_file => $made->{key});
}

sub is_like { my ($version, $two, $three) = @_; return $version eq 'TLSv1_2' ? $two : $three }

# Both ends of a connection that fails: { server => [error, text], client =>
# [error, text], later => [...] }; "later" is what a client reads that was
# connected, as it thought.
sub failing {
    my ($server, $client) = @_;
    my %told;
    my %trap = map {
        my $side = $_;
        ($side => sub { $told{$side} = [$_[0]->last_error, $_[1]] })
    } qw(server client);
    my $pair = VouchTest::Pair->new(
        server => {
            SSL_cert_file  => $server[0],
            SSL_key_file   => $server[1],
            SSL_error_trap => $trap{server},
            %$server
        },
        client => {
            SSL_verify_mode => SSL_VERIFY_NONE,
            SSL_hostname    => 'localhost',
            SSL_error_trap  => $trap{client},
            %$client
        },
    );
    return \%told if !$pair->{client};
    ($!, $SSL_ERROR) = (0, 0);
    my $got  = sysread $pair->{client}, my $data, 10;
    my @seen = ($got, $! + 0, $SSL_ERROR + 0);
    is_deeply \@seen, [undef, EPROTO, -1], 'the first read fails, with EPROTO' or diag "$SSL_ERROR";
    $told{later} = [$pair->{client}->last_error, "$SSL_ERROR"];
    return \%told;
}

# One kind of failure.  server and client are the settings of both ends, ours
# is the side that refuses; refuses and refused what each tells; only, the one
# version of TLS.
sub fails {
    my ($what, %row) = @_;
    my @two   = ('server', 'client');
    my %other = (server => 'client', client => 'server');
    for my $version ($row{only} // @VERSIONS) {
        subtest "$what, $version" => sub {
            my %with = map { $_ => { SSL_version => $version, %{ $row{$_} // {} } } } @two;
            local $SIG{__WARN__} = sub { like $_[0], $row{warns} // qr/\Anone\z/, 'a warning' };
            my $told   = failing(@with{@two});
            my $alert  = ref $row{alert}   ? is_like($version, @{ $row{alert} }) : $row{alert};
            my $name   = exists $row{name} ? $row{name}                          : 'localhost';
            my %common = (alert => $alert, server_name => $name, peer => $PEER);
            my $there  = $other{ $row{ours} };
            explains(
                "the $row{ours}, which refuses", @{ $told->{ $row{ours} } // [] },
                %common,
                side  => 'ours',
                where => $row{ours} eq 'server' ? 'accept' : 'connect',
                %{ $row{refuses} }
            );
            my $later = $told->{later};
            explains(
                "the $there, which is refused", @{ $later // $told->{$there} // [] },
                %common,
                side  => 'theirs',
                where => $later ? 'read' : $there eq 'server' ? 'accept' : 'connect',
                %{ $row{refused} }
            );
        };
    }
    return;
}

my %checks = (SSL_verify_mode => SSL_VERIFY_PEER);

# --- versions, ciphers, protocols --------------------------------------------

fails(
    'no version of TLS in common',
    ours    => 'server',
    only    => 'TLSv1_2',
    server  => { SSL_version => 'TLSv1_3' },
    name    => undef,
    alert   => 'protocol_version',
    refuses => {
        cause => 'protocol',
        hint  => qr/client offers no TLS version that SSL_version allows/,
        form  => qr/failed error:0A000102:SSL routines::unsupported protocol; client 127/,
    },
    refused => {
        cause       => 'protocol',
        hint        => qr/server does not take the TLS versions/,
        server_name => 'localhost',
    },
);

my %two_lists = (
    TLSv1_2 => [
        SSL_cipher_list => 'ECDHE-ECDSA-AES128-GCM-SHA256',
        SSL_cipher_list => 'ECDHE-ECDSA-AES256-GCM-SHA384'
    ],
    TLSv1_3 => [SSL_ciphersuites => 'TLS_AES_128_GCM_SHA256', SSL_ciphersuites => 'TLS_AES_256_GCM_SHA384'],
);
for my $version (@VERSIONS) {
    my @list = @{ $two_lists{$version} };
    fails(
        'no cipher in common',
        only    => $version,
        ours    => 'server',
        server  => { @list[0, 1] },
        client  => { @list[2, 3] },
        alert   => 'handshake_failure',
        refuses => {
            cause       => 'cipher',
            hint        => qr/client offers no cipher.*SSL_cipher_list, SSL_ciphersuites, SSL_ecdh_curve/,
            form        => qr/failed error:0A0000C1:SSL routines::no shared cipher; /,
            server_name => $version eq 'TLSv1_2' ? 'localhost' : undef,    # not read yet
        },
        refused => { cause => 'cipher', hint => qr/server found no cipher.*SSL_cipher_list/ },
    );
}

fails(
    'no group in common',
    only    => 'TLSv1_3',
    ours    => 'server',
    server  => { SSL_ecdh_curve => 'P-256' },
    client  => { SSL_ecdh_curve => 'P-384' },
    alert   => 'handshake_failure',
    refuses => { cause => 'cipher', hint => qr/group.*SSL_ecdh_curve/ },
    refused => { cause => 'cipher', hint => qr/group.*SSL_ecdh_curve/ },
);

fails(
    'no application protocol in common',
    ours    => 'server',
    server  => { SSL_alpn_protocols => ['h2'] },
    client  => { SSL_alpn_protocols => ['gemini'] },
    alert   => 'no_application_protocol',
    refuses => { cause => 'alpn', hint => qr/SSL_alpn_protocols/ },
    refused => { cause => 'alpn', hint => qr/server has none.*SSL_alpn_protocols/ },
);

my $old     = expired('old-server', cn => 'localhost');
my $new     = future('new-server', cn => 'localhost');
my $code    = wrong_purpose('code', 'codeSigning', cn => 'localhost');
my $past    = expired('old-client');
my $soon    = future('new-client');
my $purpose = wrong_purpose('serve', 'serverAuth');

# --- the server's certificate ------------------------------------------------

fails(
    'a server that nobody knows',
    ours    => 'client',
    client  => { %checks, SSL_ca_file => \undef },
    alert   => 'unknown_ca',
    refuses => {
        cause => 'untrusted',
        hint  => qr/trust that with SSL_ca_file, or pin the server with SSL_fingerprint/,
        form  =>
            qr/connect attempt failed error:0A000086:SSL routines::certificate verify failed \(the peer's/,
    },
    refused => {
        cause => 'untrusted',
        hint  => qr/client does not know the authority of our certificate/,
        form  =>
            qr/failed error:0A000418:SSL routines::tlsv1 alert unknown ca \(the peer's alert: unknown CA\)/,
    },
);

fails(
    'a server whose certificate has expired',
    ours    => 'client',
    server  => { shows($old) },
    warns   => qr/expired on/,
    client  => { %checks, SSL_ca_file => $old->{cert} },
    alert   => 'certificate_expired',
    refuses => { cause => 'expired', hint => qr/server needs a certificate with new dates/ },
    refused => { cause => 'expired', hint => qr/SSL_cert_file is over: renew it/ },
);

fails(
    'a server whose certificate is of tomorrow',
    ours    => 'client',
    server  => { shows($new) },
    warns   => qr/valid only from/,
    client  => { %checks, SSL_ca_file => $new->{cert} },
    alert   => 'bad_certificate',
    refuses => { cause => 'not_yet_valid', hint => qr/clock/ },
    refused => { cause => 'not_yet_valid', hint => qr/SSL_cert_file is not valid yet.*clock/ },
);

fails(
    'a server of another name',
    ours    => 'client',
    client  => { %checks, SSL_ca_file => $server[0], SSL_hostname => 'other.example' },
    name    => 'other.example',
    alert   => 'bad_certificate',
    refuses => { cause => 'name', hint => qr/certificate is for other names/ },
    refused => { cause => 'name', hint => qr/not for the name the client asked for.*vouch cert --san/ },
);

fails(
    'a server of another address',
    ours    => 'client',
    client  => { %checks, SSL_ca_file => $server[0], SSL_verifycn_name => '192.0.2.1', SSL_hostname => q() },
    name    => undef,
    alert   => 'bad_certificate',
    refuses => { cause => 'name',    hint => qr/certificate is for other names/ },
    refused => { cause => 'refused', hint => qr/does not say why/ },
);

fails(
    'a server with a certificate for something else',
    ours    => 'client',
    server  => { shows($code) },
    client  => { %checks, SSL_ca_file => $code->{cert} },
    alert   => 'unsupported_certificate',
    refuses => { cause => 'purpose', hint => qr/server's certificate.*extended key usage/ },
    refused => { cause => 'purpose', hint => qr/not of a kind, or for a use/ },
);

fails(
    'a callback of the client that says no',
    ours    => 'client',
    client  => { %checks, SSL_ca_file => $server[0], SSL_verify_callback => sub { 0 } },
    alert   => 'bad_certificate',
    refuses => { cause => 'callback', hint => qr/SSL_verify_callback must return 1.*right server/ },
    refused => { cause => 'refused',  hint => qr/client does not accept our certificate/ },
);

fails(
    'a server that is not pinned',
    ours    => 'client',
    client  => { %checks, SSL_fingerprint => 'sha256$' . '00' x 32, SSL_force_fingerprint => 1 },
    alert   => 'bad_certificate',
    refuses => { cause => 'not_pinned', hint => qr/add its fingerprint to SSL_fingerprint/ },
    refused => { cause => 'refused',    hint => qr/does not say why/ },
);

# --- the client's certificate ------------------------------------------------

my %required = (SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
my %alex     = (SSL_cert_file   => $alex[0], SSL_key_file => $alex[1]);

fails(
    'a client without a certificate',
    ours    => 'server',
    server  => {%required},
    alert   => ['handshake_failure', 'certificate_required'],
    refuses => {
        cause => 'no_certificate',
        hint  => qr/client must show a certificate/,
        form  => qr/failed error:0A0000C7:SSL routines::peer did not return a certificate; client/,
    },
    refused => { cause => 'no_certificate', hint => qr/wants a certificate of us: give SSL_cert_file/ },
);

fails(
    'a client that nobody knows',
    ours    => 'server',
    server  => { %checks, SSL_ca_file => \undef },
    client  => {%alex},
    alert   => 'unknown_ca',
    refuses => {
        cause => 'untrusted',
        hint  => qr/SSL_ca_file, pin the client with SSL_fingerprint, or take any with .*VOUCH_VERIFY_ANY/,
        form => qr/accept attempt failed error:0A000086:SSL routines::certificate verify failed \(the peer's/,
    },
    refused => { cause => 'untrusted', hint => qr/server does not accept our certificate/ },
);

fails(
    'a client whose certificate has expired',
    ours    => 'server',
    server  => { %checks, SSL_ca_file => $past->{cert} },
    client  => { shows($past) },
    alert   => 'certificate_expired',
    refuses => { cause => 'expired', hint => qr/client needs a certificate with new dates/ },
    refused => { cause => 'expired', hint => qr/SSL_cert_file is over: renew it/ },
);

fails(
    'a client whose certificate is of tomorrow',
    ours    => 'server',
    server  => { %checks, SSL_ca_file => $soon->{cert} },
    client  => { shows($soon) },
    alert   => 'bad_certificate',
    refuses => { cause => 'not_yet_valid', hint => qr/client's certificate is not valid yet/ },
    refused => { cause => 'not_yet_valid', hint => qr/SSL_cert_file is not valid yet/ },
);

fails(
    'a client with a certificate for servers',
    ours    => 'server',
    server  => { %checks, SSL_ca_file => $purpose->{cert} },
    client  => { shows($purpose) },
    alert   => 'unsupported_certificate',
    refuses => { cause => 'purpose', hint => qr/client's certificate.*extended key usage/ },
    refused => { cause => 'purpose', hint => qr/not of a kind, or for a use/ },
);

fails(
    'a callback of the server that says no',
    ours    => 'server',
    server  => { %checks, SSL_verify_callback => sub { 0 } },
    client  => {%alex},
    alert   => 'unknown_ca',
    refuses => { cause => 'callback',  hint => qr/SSL_verify_callback must return 1 for who may come in/ },
    refused => { cause => 'untrusted', hint => qr/server does not accept our certificate/ },
);

fails(
    'a client that is not pinned',
    ours    => 'server',
    server  => { %checks, SSL_fingerprint => 'sha256$' . '00' x 32, SSL_force_fingerprint => 1 },
    client  => {%alex},
    alert   => 'bad_certificate',
    refuses => { cause => 'not_pinned', hint => qr/client may come in, add its fingerprint/ },
    refused => { cause => 'refused',    hint => qr/may know others by their fingerprints/ },
);

# --- a key of another certificate --------------------------------------------

# Both ends over two socket pairs; what goes between them passes $change->(from,
# bytes).
sub with_change {
    my ($change, %set) = @_;
    my (%far, %told);
    my %tls = map {
        my $side = $_;
        socketpair my $near, $far{$side}, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!";
        (
            $side => Vouch::Socket->start_SSL(
                $near,
                SSL_startHandshake => 0,
                SSL_version        => 'TLSv1_2',
                SSL_error_trap     => sub { $told{$side} = [$_[0]->last_error, $_[1]] },
                %{ $set{$side} }
            )
        );
    } qw(client server);
    $_->blocking(0) for values %far, values %tls;
    for (1 .. 20) {
        $told{client} or $tls{client}->connect_SSL;
        pass_on($change, client => @far{qw(client server)});
        $told{server} or $tls{server}->accept_SSL;
        pass_on($change, server => @far{qw(server client)});
    }
    return \%told;
}

sub pass_on {
    my ($change, $side, $from, $to) = @_;
    my $got = sysread $from, my $bytes, 65536;
    syswrite $to, $change->($side, $bytes) if $got;
    return;
}

# Change the last byte of a handshake message of this type: in these two it
# belongs to a signature.
sub spoil {
    my ($who, $type) = @_;
    return sub {
        my ($side, $bytes) = @_;
        return $bytes if $side ne $who;
        my $at = 0;
        while ($at + 6 <= length $bytes) {
            my $length = unpack 'n', substr $bytes, $at + 3, 2;
            my $last   = $at + 4 + $length;
            vec($bytes, $last, 8) ^= 1 if unpack('x5C', substr $bytes, $at) == $type;
            $at = $last + 1;
        }
        return $bytes;
    };
}

my %signs   = (server => 12,       client => 15);          # ServerKeyExchange, CertificateVerify
my %peer_of = (server => 'client', client => 'server');
my %verb_of = (server => 'accept', client => 'connect');
for my $who (qw(server client)) {
    subtest "a $who whose key is of another certificate" => sub {
        my $told = with_change(
            spoil($who, $signs{$who}),
            server => {
                SSL_server      => 1,
                SSL_cert_file   => $server[0],
                SSL_key_file    => $server[1],
                SSL_verify_mode => VOUCH_VERIFY_ANY
            },
            client => { SSL_verify_mode => SSL_VERIFY_NONE, %alex },
        );
        my $other = $peer_of{$who};
        explains(
            "the $other, which refuses", @{ $told->{$other} },
            cause => 'bad_pair',
            side  => 'ours',
            alert => 'decrypt_error',
            peer  => qr/\Aunix\z/,
            where => $verb_of{$other},
            hint  => qr/the ${who}'s key does not belong to the certificate/,
        );
        explains(
            "the $who, which is refused", @{ $told->{$who} },
            cause => 'bad_pair',
            side  => 'theirs',
            alert => 'decrypt_error',
            peer  => qr/\Aunix\z/,
            where => $verb_of{$who},
            hint  => qr/SSL_cert_file and SSL_key_file made together/,
        );
    };
}

subtest 'a key of another certificate in our own files' => sub {
    ok !eval { Vouch::Socket->new(Listen => 1, SSL_cert_file => $server[0], SSL_key_file => $alex[1]); },
        'dies';
    is $@->code,  'mismatch', 'code';
    is $@->cause, 'bad_pair', 'cause';
    is $@->side,  'ours',     'side';
    like $@->hint, qr/made together/,                                     'hint';
    like "$@",     qr/alex-key[.]pem does not match .*server-cert[.]pem/, 'the files';
};

# --- what is not TLS ---------------------------------------------------------

my $listener = VouchTest::Pair::listener(
    SSL_startHandshake => 1,
    SSL_cert_file      => $server[0],
    SSL_key_file       => $server[1],
    Timeout            => 20,
);

# A client that sends this and stays, or goes, or breaks the connection.
sub from_stranger {
    my ($sends, $then, $server) = @_;
    $server //= $listener;
    my $stranger = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $server->sockport)
        or die "connect: $!";
    syswrite $stranger, $sends;
    setsockopt $stranger, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $then eq 'breaks';
    my $peer = '127.0.0.1:' . $stranger->sockport;
    close $stranger if $then ne 'stays';
    ok !$server->accept, 'accept returns false';
    my @told = ("$SSL_ERROR", $! + 0);
    is $server->last_error, Vouch::Socket->last_error, 'the listener has the error, and the class';
    return ($server->last_error, @told, $peer);
}

my @TO_SERVER = (
    ['plain HTTP',         "GET / HTTP/1.1\r\n\r\n",  'plain_http', qr{https://},         qr/http request;/],
    ['HTTP by a proxy',    "CONNECT a:443 HTTP/1.1",  'plain_http', qr{https://},         qr/proxy request;/],
    ['HTTP of other sort', "OPTIONS * HTTP/1.1\r\n",  'plain_http', qr{https://},         qr/wrong version/],
    ['HTTP/2',             "PRI * HTTP/2.0\r\n\r\n",  'plain_http', qr{https://},         qr/wrong version/],
    ['SSH',                "SSH-2.0-x\r\n",           'not_tls',    qr/does not speak/,   qr/wrong version/],
    ['SMTP',               "EHLO x.example\r\n",      'not_tls',    qr/does not speak/,   qr/wrong version/],
    ['Gemini without TLS', "gemini://x.example/\r\n", 'not_tls',    qr/does not speak/,   qr/wrong version/],
    ['a PROXY header',     "PROXY TCP4 192.0.2.1 ",   'not_tls',    qr/before start_SSL/, qr/wrong version/],
    ['bytes',    "\xff\xfe\xfd\xfc\xfb\xfa" x 9,            'not_tls', qr/does not speak/,      qr/error:/],
    ['a server', "\x16\3\3\0\x31\2\0\0\x2d\3\3" . 'x' x 43, 'not_tls', qr/is a TLS server too/, qr/error:/],
);
for (@TO_SERVER) {
    my ($what, $sends, $cause, $hint, $form) = @$_;
    subtest "our server, and $what" => sub {
        my ($error, $text, undef, $peer) = from_stranger($sends, 'stays');
        my $alert = $error->alert;    # none, where OpenSSL does not send one
        explains(
            'it', $error, $text,
            cause => $cause,
            side  => 'ours',
            alert => $alert,
            peer  => qr/\A\Q$peer\E\z/,
            where => 'accept',
            form  => $form,
            hint  => $hint,
        );
        unlike $text, qr/gemini:|EHLO|GET|192[.]0[.]2/, 'what was sent is not repeated';
    };
}

# What a server says that our client calls; then it waits for us, or goes.
sub to_stranger {
    my ($says, $then, %arg) = @_;
    my $stranger = IO::Socket::IP->new(Listen => 1, LocalHost => '127.0.0.1') or die "listen: $!";
    my $pid      = fork // die "fork: $!";
    if ($pid == 0) {
        my $client = $stranger->accept;
        sysread $client, my $hello, 1;
        syswrite $client, $says;
        setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $then eq 'breaks';
        sysread $client, $hello, 65536;
        if ($then eq 'stays') { 1 while sysread $client, $hello, 65536 }
        close $client;
        POSIX::_exit(0);
    }
    my $port   = $stranger->sockport;
    my $client = Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $port,
        SSL_hostname    => 'vouch.example',
        SSL_verify_mode => SSL_VERIFY_NONE,
        Timeout         => 20,
        %arg
    );
    my @told = ("$SSL_ERROR", $! + 0);
    ok !$client, 'new returns false';
    kill KILL => $pid;
    waitpid $pid, 0;
    return (Vouch::Socket->last_error, @told, "127.0.0.1:$port");
}

my @TO_CLIENT = (
    ['HTTP',    "HTTP/1.1 400 Bad Request\r\n\r\n",        'plain_http', qr/use the one for https/],
    ['SSH',     "SSH-2.0-OpenSSH_9.2p1\r\n",               'not_tls',    qr/SSH server/],
    ['SMTP',    "220 mail.example ESMTP\r\n",              'not_tls',    qr/start_SSL after its STARTTLS/],
    ['FTP',     "220-ftp.example\r\n220 \r\n",             'not_tls',    qr/start_SSL after its STARTTLS/],
    ['POP3',    "+OK ready\r\n",                           'not_tls',    qr/995.*STLS/],
    ['IMAP',    "* OK ready\r\n",                          'not_tls',    qr/993.*STARTTLS/],
    ['bytes',   "J\0\0\0\n8.0.36\0\1\2\3\4\5\6",           'not_tls',    qr/right port/],
    ['an echo', "\x16\3\1\0\x31\1\0\0\x2d\3\3" . 'x' x 43, 'not_tls',    qr/is a TLS client too/],
);
for (@TO_CLIENT) {
    my ($what, $says, $cause, $hint) = @$_;
    subtest "our client, and $what" => sub {
        my ($error, $text, undef, $peer) = to_stranger($says, 'stays');
        explains(
            'it', $error, $text,
            cause       => $cause,
            side        => 'ours',
            alert       => $error->alert,
            peer        => qr/\A\Q$peer\E\z/,
            server_name => 'vouch.example',
            where       => 'connect',
            form        => qr/failed error:0A/,
            hint        => $hint,
        );
        unlike $text, qr/OpenSSH|mail[.]example|8[.]0[.]36/, 'what was said is not repeated';
    };
}

# --- nothing comes -----------------------------------------------------------

my %RECORD = (nothing => q(), 'a beginning' => "\x16\3\1\1\0\1\0");
for my $what (sort keys %RECORD) {
    my $hint = $what eq 'nothing' ? qr/has said nothing/ : qr/began and did not go on/;
    subtest "our server, $what and then silence" => sub {
        my $short = VouchTest::Pair::listener(
            SSL_startHandshake => 1,
            SSL_cert_file      => $server[0],
            SSL_key_file       => $server[1],
            Timeout            => 0.2
        );
        my ($error, $text, $errno, $peer) = from_stranger($RECORD{$what}, 'stays', $short);
        is $errno,        ETIMEDOUT, '$!';
        is $error->errno, ETIMEDOUT, 'errno';
        is $error->code,  'timeout', 'code';
        explains(
            'it', $error, $text,
            cause => 'timeout',
            peer  => qr/\A\Q$peer\E\z/,
            where => 'accept',
            form  => qr/failed: no handshake within 0[.]2 seconds; client/,
            hint  => $hint,
        );
    };
    subtest "our client, $what and then silence" => sub {
        my ($error, $text, $errno, $peer) =
            to_stranger($RECORD{$what} =~ s/\x01\0\z/\x02\0/r, 'stays', Timeout => 0.2);
        is $errno, ETIMEDOUT, '$!';
        explains(
            'it', $error, $text,
            cause       => 'timeout',
            peer        => qr/\A\Q$peer\E\z/,
            server_name => 'vouch.example',
            where       => 'connect',
            form        => qr/failed: no handshake within 0[.]2 seconds; server/,
            hint        => $hint,
        );
    };
}

my %END = (goes => 'closed', breaks => 'reset');
for my $then (sort keys %END) {
    subtest "our server, and a client that $then" => sub {
        my ($error, $text, $errno, $peer) = from_stranger(q(), $then);
        is $errno, $then eq 'goes' ? 0 : ECONNRESET, '$!';
        explains(
            'it', $error, $text,
            cause => $END{$then},
            side  => 'theirs',
            peer  => qr/\A\Q$peer\E\z/,
            where => 'accept',
            hint  => qr/client.*port scanner/,
        );
    };
    subtest "our client, and a server that $then" => sub {
        my ($error, $text, $errno, $peer) = to_stranger(q(), $then);
        is $errno, $then eq 'goes' ? 0 : ECONNRESET, '$!';
        explains(
            'it', $error, $text,
            cause       => $END{$then},
            side        => 'theirs',
            peer        => qr/\A\Q$peer\E\z/,
            server_name => 'vouch.example',
            where       => 'connect',
            hint        => qr/server.*is TLS spoken on this port/,
        );
    };
}

# --- where there is no TLS yet -----------------------------------------------

subtest 'a port where nobody listens' => sub {
    my $gone = IO::Socket::IP->new(Listen => 1, LocalHost => '127.0.0.1') or die "listen: $!";
    my $port = $gone->sockport;
    close $gone;
    ok !Vouch::Socket->new(PeerHost => '127.0.0.1', PeerPort => $port), 'new returns false';
    my $error = Vouch::Socket->last_error;
    is $error->code,    'system',          'code';
    is $error->errno,   $! + 0,            'errno';
    is $error->message, "$SSL_ERROR",      'the text';
    is $error->peer,    "127.0.0.1:$port", 'the peer';
    is $error->$_,      undef,             "no $_" for qw(cause side alert server_name hint details);
};

subtest 'a socket that is closed tells yet' => sub {
    my $stranger = VouchTest::Pair::listener(SSL_cert_file => $server[0], SSL_key_file => $server[1]);
    my $client   = Vouch::Socket->new(
        PeerHost           => '127.0.0.1',
        PeerPort           => $stranger->sockport,
        SSL_startHandshake => 0,
        SSL_verify_mode    => SSL_VERIFY_NONE
    ) or die "connect: $!";
    my $plain = $stranger->accept or die "accept: $!";
    is $client->last_error, undef, 'nothing so far';
    syswrite $plain, "SSH-2.0-x\r\n";
    ok !$client->connect_SSL, 'connect_SSL fails';
    ok !$client->opened,      'and closes the socket';
    is $client->last_error->cause, 'not_tls',                 'the cause';
    is $client->last_error,        Vouch::Socket->last_error, 'the class has the same';
};

for my $version (@VERSIONS) {
    subtest "what the server wants, $version" => sub {
        my (@trapped, @told);
        my $trap  = sub { @trapped = ($_[0]->asked_for_certificate, $_[0]->asked_authorities) };
        my %wants = (
            SSL_version        => $version,
            SSL_cert_file      => $server[0],
            SSL_key_file       => $server[1],
            SSL_client_ca_file => $alex[0]
        );
        my %client = (SSL_verify_mode => SSL_VERIFY_NONE, SSL_error_trap => $trap);
        my $pair   = VouchTest::Pair->new(server => { %wants, %required }, client => {%client});
        @told = $pair->{client} ? asks($pair->{client}) : @trapped;
        is_deeply \@told, [!!1, '/CN=Alex'], 'a certificate that it does not get';
        $pair = VouchTest::Pair->new(
            server => { %wants, SSL_verify_mode => VOUCH_VERIFY_ANY },
            client => {%client}
        );
        is_deeply [asks($pair->{client})], [!!1, '/CN=Alex'], 'one, or none';
        is_deeply [asks($pair->{server})], [!!0],             'nobody asks a server';
        $pair = VouchTest::Pair->new(server => {%wants}, client => {%client});
        is_deeply [asks($pair->{client})], [!!0], 'nothing';
    };
}

sub asks { my ($socket) = @_; return ($socket->asked_for_certificate, $socket->asked_authorities) }

subtest 'accept without waiting, and nobody there' => sub {
    my $before  = Vouch::Socket->last_error;
    my $waiting = VouchTest::Pair::listener(SSL_cert_file => $server[0], SSL_key_file => $server[1]);
    $waiting->blocking(0);
    ok !$waiting->accept, 'accept returns false';
    is +Vouch::Socket->last_error, $before, 'which is no failure';
    is $waiting->last_error,       undef,   'of this listener either';
};

done_testing;
