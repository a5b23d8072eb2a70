use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs
    openssl => 'openssl',
    python3 => 'python3';

use VouchTest               qw(identity run_command spew temp_dir);
use VouchTest::GeminiServer qw(start);

use Vouch::Gemini::Server;

# Python's ssl, which tells whether it was said goodbye to, and the openssl
# command, against Vouch::Gemini::Server.

my @alex   = identity('alex', cn => 'Alex');
my $server = start(sub {
    my ($server) = @_;
    $server->get('/'      => sub { gemtext("# Hello\n") });
    $server->get('/large' => sub { success('text/plain', 'x' x 300_000) });
    $server->get(
        '/who' => { require => 'certificate' } => sub { gemtext($_[0]->certificate->common_name . "\n") });
    $server->titan('/up'    => { max => '2 MB' } => sub { gemtext(length($_[0]->body) . "\n") });
    $server->titan('/small' => { max => '10 B' } => sub { gemtext('') });
});
my $port = $server->port;

# Writes all of the request, then reads to the end.  Without OP_IGNORE_UNEXPECTED_EOF
# (0x80) Python hides that nobody has said goodbye.
my $PYTHON = spew(temp_dir() . '/client.py', <<'PY');
import socket, ssl, sys
port, request, body, version, cert, key = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.options &= ~0x80
if version == '1.2':
    context.maximum_version = ssl.TLSVersion.TLSv1_2
if cert:
    context.load_cert_chain(cert, key)
raw = socket.create_connection(('127.0.0.1', int(port)), 20)
tls = context.wrap_socket(raw, server_hostname='localhost', suppress_ragged_eofs=False)
tls.sendall(request.encode('latin-1') + b'\r\n' + b'x' * int(body))
answer = b''
how = 'goodbye'
try:
    while True:
        some = tls.recv(65536)
        if not some:
            break
        answer += some
except ssl.SSLEOFError:
    how = 'cut off'
header, _, rest = answer.partition(b'\r\n')
print(header.decode(), len(rest), how)
PY

sub python {
    my ($path,   %how)  = @_;
    my ($scheme, $body) = ($how{scheme} // 'gemini', $how{body} // 0);
    my ($status, $out, $err) = run_command([
        'python3', $PYTHON, $port, "$scheme://localhost:$port$path",
        $body,
        $how{version} // '1.3',
        $how{cert} ? @alex : ('', '')
    ]);
    return $status == 0 ? $out =~ s/\n\z//r : $err;
}

subtest 'Python' => sub {
    for my $version (qw(1.3 1.2)) {
        my @how = (version => $version);
        is python('/',      @how), '20 text/gemini 8 goodbye',                "TLS $version: a page";
        is python('/large', @how), '20 text/plain 300000 goodbye',            '... a large one';
        is python('/who',   @how), '60 Show a certificate, please 0 goodbye', '... without a certificate';
        is python('/who', @how, cert => 1), '20 text/gemini 5 goodbye', '... with one';
        like python('/#x', @how), qr/\A59 .* 0 goodbye\z/, '... a refusal';
        is python('/up;size=1000000', @how, scheme => 'titan', body => 1_000_000),
            '20 text/gemini 8 goodbye', '... an upload';
        is python('/small;size=5000000', @how, scheme => 'titan', body => 5_000_000),
            '59 An upload here has at most 10 bytes 0 goodbye',
            '... an upload that is refused, after all of it was sent';
    }
};

subtest 'openssl s_client -quiet' => sub {
    my @command =
        ('openssl', 's_client', '-quiet', '-connect', "127.0.0.1:$port", '-servername', 'localhost');
    my $ask = sub {
        my ($request, @more) = @_;
        return (run_command([@command, @more], stdin => $request))[1];
    };
    is $ask->("gemini://localhost:$port/\r\n"), "20 text/gemini\r\n# Hello\n", 'a page';
    is $ask->("gemini://localhost:$port/who\r\n", '-cert', $alex[0], '-key', $alex[1]),
        "20 text/gemini\r\nAlex\n",
        'with a certificate';
    is $ask->("titan://localhost:$port/up;size=5\r\nHello"), "20 text/gemini\r\n5\n", 'an upload';
    is length $ask->("gemini://localhost:$port/large\r\n"),  300_015,                 'a large page';
    my (undef, $out) = run_command(
        [
            'openssl',     's_client',  '-connect',  "127.0.0.1:$port",
            '-servername', 'localhost', '-sess_out', temp_dir() . '/session'
        ],
        stdin => ''
    );
    like $out, qr/No client certificate CA names sent/, 'any certificate is asked for';
    ok !-s temp_dir() . '/session', 'there is nothing to resume a session with';
};

is $server->stop, 0, 'the server ends well';

done_testing;
