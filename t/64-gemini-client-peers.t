use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'molly-brown' => 'molly-brown', python3 => 'python3', openssl => 'openssl';
use VouchTest::Namespace;    # molly-brown listens everywhere, on a port that is named

use IO::Socket::IP ();
use Time::HiRes    ();
use VouchTest      qw(identity run_command spew temp_dir);
use Vouch::Certificate;
use Vouch::Gemini::Client;
use Vouch::Identity;

# The client, and servers that others made.

VouchTest::Namespace->must(qw(ip link set lo up));
my $dir   = temp_dir();
my @files = identity('localhost', san => ['localhost']);
my $store = Vouch::Gemini::Identities->new(folder => "$dir/identities");
$store->create($_) for qw(alex berit);
my $client = Vouch::Gemini::Client->new(
    known_hosts => Vouch::KnownHosts->new(file => "$dir/known"),
    identities  => $store,
    timeout     => 20,
);

# A command that goes on running, with its port; it has no way to say that it
# is ready but to take a connection.
sub start {
    my ($port, @command) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDOUT, '>',  "$dir/log" or POSIX::_exit(126);
        open STDERR, '>&', \*STDOUT   or POSIX::_exit(126);
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    my $deadline = Time::HiRes::time() + 20;
    while (Time::HiRes::time() < $deadline) {
        return $pid if IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port);
        Time::HiRes::sleep(0.02);
    }
    return $pid;
}

sub stop { my ($pid) = @_; kill TERM => $pid; waitpid $pid, 0; return }

subtest 'molly-brown' => sub {
    mkdir $_ or die "$_: $!" for "$dir/site", "$dir/site/private", "$dir/site/folder";
    spew("$dir/site/index.gmi",       "# Molly\n");
    spew("$dir/site/folder/page.txt", "a page\n");
    spew("$dir/site/private/x.gmi",   "for Alex\n");
    my $alex = Vouch::Certificate->from_file("$dir/identities/alex-cert.pem")->fingerprint(spelling => 'hex');
    spew("$dir/molly.conf", <<"TOML");
Port = 1965
Hostname = "localhost"
CertPath = "$files[0]"
KeyPath = "$files[1]"
DocBase = "$dir/site"
AccessLog = "$dir/access.log"
ErrorLog = "$dir/error.log"
[TempRedirects]
"^/old\$" = "/folder/page.txt"
[CertificateZones]
"^/private/.*" = [ "$alex" ]
TOML
    my $pid = start(1965, 'molly-brown', '-c', "$dir/molly.conf");
    my $get = sub { my ($path, @arg) = @_; return $client->get("gemini://localhost$path", @arg) };

    my $page = $get->('/');
    is_deeply [$page->status, $page->mime, $page->body], [20, 'text/gemini', "# Molly\n"], 'a page';
    ok $page->is_closed_properly, 'closed';
    is_deeply [$page->warnings], [], 'nothing to warn of';
    is $page->verdict,                   'first-use', 'new';
    is $get->('')->verdict,              'match',     'then known';
    is $get->('/old')->body,             "a page\n",  'a redirect';
    is $get->('/absent')->type,          'permanent', 'no page';
    is $get->('/private/x.gmi')->status, 60,          'a certificate is wanted';
    $store->use_for('alex', 'gemini://localhost/private');
    is $get->('/private/x.gmi')->body,                        "for Alex\n", 'and shown';
    is $get->('/')->identity,                                 undef,        'there only';
    is $get->('/private/x.gmi', identity => 'berit')->status, 61,           'another is not authorised';
    my $old  = Vouch::Identity->create(cn => 'old', not_before => time - 2000, not_after => time - 1000);
    my $late = $get->('/private/x.gmi', identity => $old);
    is_deeply [$late->status, $late->type], [65, 'certificate'], 'a status of former days';
    like join("\n", $late->warnings), qr/status is not one/, 'is told';
    is $client->upload('titan://localhost/page', 'x')->type, 'permanent', 'no uploads';
    stop($pid);
};

my $PYTHON = <<'PYTHON';
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("127.0.0.1", 1966))
while True:
    raw, _ = listener.accept()
    try:
        tls = context.wrap_socket(raw, server_side=True)
        line = tls.recv(1026)
        tls.sendall(b"20 text/plain\r\n" + line)
        if b"polite" in line:
            raw = tls.unwrap()
            raw.close()
        else:
            tls.close()
    except (OSError, ssl.SSLError):
        raw.close()
PYTHON

subtest 'ssl of Python' => sub {
    my $pid = start(1966, 'python3', spew("$dir/server.py", $PYTHON), @files);
    my $url = 'gemini://localhost:1966';
    my $one = $client->get("$url/polite");
    is $one->body, "$url/polite\r\n", 'a page';
    ok $one->is_closed_properly, 'with goodbye';
    my $other = $client->get("$url/rude");
    is $other->body, "$url/rude\r\n", 'another';
    ok !$other->is_closed_properly, 'without';
    like join("\n", $other->warnings), qr/close_notify/, 'which is told';
    stop($pid);
};

subtest 'openssl s_client' => sub {
    my @vouch = ($^X, map({ "-I$_" } grep { !ref } @INC), 'script/vouch');
    my $pid   = open my $out, '-|', @vouch, 'serve', '--cert', $files[0], '--key', $files[1], "$dir/site"
        or die "vouch serve: $!";
    my $said = readline $out;
    my @ask  = qw(openssl s_client -quiet -connect localhost:1965 -servername localhost);
    my ($status, $got) = run_command([@ask, '-CAfile', $files[0]], stdin => "gemini://localhost/\r\n");
    is $got, "20 text/gemini\r\n# Molly\n", 'gets a page of vouch serve';
    my ($again, $bad) = run_command([@ask, '-CAfile', $files[0]], stdin => "gemini://localhost/#x\r\n");
    like $bad, qr/\A59 /, 'and refusals';
    kill TERM => $pid;
    close $out;
};

done_testing;
