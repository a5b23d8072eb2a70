use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use File::Path              qw(make_path);
use IO::Socket::INET        ();
use IO::Socket::UNIX        ();
use POSIX                   ();
use Time::HiRes             ();
use VouchTest               qw(identity slurp spew temp_dir);
use VouchTest::GeminiServer qw(ask connected in_time send_raw start status_of url);
use VouchTest::PKI          qw(issue);

use Vouch::Certificate ();
use Vouch::Gemini::Server;

# CGI and SCGI: what programs are told, what they may answer, and those that
# hang, flood, die, and print no header.

my $dir = temp_dir() . '/cgi-bin';
make_path("$dir/.hidden");
my $pids = temp_dir() . '/pids';

sub script {
    my ($name, $code) = @_;
    spew("$dir/$name", "#!$^X\nuse v5.16; \$| = 1;\n$code");
    chmod oct 755, "$dir/$name" or die;
    return;
}

my $SAVE_PID = "open my \$f, '>>', '$pids' or die; print {\$f} \"\$\$\\n\"; close \$f;";
script('hello',    q(print "20 text/plain\r\nhello\n";));
script('env',      q(print "20 text/plain\r\n"; print map { "$_=$ENV{$_}\n" } sort keys %ENV;));
script('bare-lf',  q(print "20 text/plain\nhello\n";));
script('redirect', q(print "30 /elsewhere\r\n";));
script('input',    q(print "10 Name?\r\n";));
script('no-meta',  q(print "51\r\n";));
script('cwd',      q(use Cwd; print "20 text/plain\r\n", getcwd;));
script('stdin',    q(local $/; my $in = <STDIN>; print "20 text/plain\r\n", length $in;));
script('ignores',  q(print "20 text/plain\r\n", 'ignored';));
script(
    'pieces', q(print "20 te"; select undef, undef, undef, 0.1; print "xt/plain\r"; print "\n";
    for (1 .. 3) { print "$_\n"; select undef, undef, undef, 0.05 })
);
script('large',     q(print "20 text/plain\r\n"; print 'x' x 1000 for 1 .. 3000;));
script('silent',    q());
script('dies',      q(die "an internal secret\n";));
script('hangs',     "$SAVE_PID sleep 100;");
script('family',    "$SAVE_PID if (!fork) { $SAVE_PID sleep 100; exit } sleep 100;");
script('no-header', q(print "Hello World\n" x 10;));
script('no-line',   q(print 'x' x 5000; sleep 100;));
script('http',      q(print "Content-Type: text/plain\r\n\r\nhello";));
script('undefined', q(print "29 text/plain\r\nhello";));
script('control',   qq(print "20 text/pl\\x01ain\\r\\n";));
script('killed',    q(print "20 text/plain\r\nhalf"; kill KILL => $$;));
script('stops',     "$SAVE_PID print \"20 text/plain\\r\\nhalf\"; sleep 100;");
script('floods',    "$SAVE_PID print \"20 text/plain\\r\\n\"; print 'x' x 10000 while 1;");
script('leaves',    "$SAVE_PID print \"20 text/plain\\r\\nhello\"; close STDOUT; sleep 100;");
script('.dot',      q(print "20 text/plain\r\nhidden";));
script('.hidden/x', q(print "20 text/plain\r\nhidden";));
spew("$dir/plain.txt", "no program\n");
symlink $^X, "$dir/leak";
spew("$dir/broken", "#!/no/such/interpreter\n");
chmod oct 755, "$dir/broken";

my @alex   = identity('alex', cn => 'Alex', san => []);
my @known  = Vouch::Certificate->from_file($alex[0])->fingerprint;
my $one    = "$dir/env";
my $socket = temp_dir() . '/scgi.sock';
my $server = start(
    sub {
        my ($server) = @_;
        $server->cgi('/cgi-bin' => $dir, titan    => { max => '1 MB' });
        $server->cgi('/short'   => $dir, timeout  => 0.4,               lifetime => 1.2);
        $server->cgi('/one'     => $one, env      => { MINE => 'yes' }, require  => \@known);
        $server->cgi("/set/$_" => $one, variables => $_) for qw(vouch molly gmid gmnisrv jetforce glv apache);
        $server->scgi('/scgi' => $socket, timeout => 0.6, titan => 1);
        $server->scgi('/nobody' => '127.0.0.1:1', timeout => 1);
        $server->get('/' => sub { gemtext("alive\n") });
    },
    idle_timeout => 5,
);

sub variables {
    my ($text) = @_;
    return { map { /\A(\w+)=(.*)\z/ ? ($1 => $2) : () } split /\n/, $text };
}

subtest 'programs that answer' => sub {
    my @cases = (
        ['hello',    "20 text/plain\r\nhello\n"],
        ['bare-lf',  "20 text/plain\r\nhello\n"],
        ['redirect', "30 /elsewhere\r\n"],
        ['input',    "10 Name?\r\n"],
        ['pieces',   "20 text/plain\r\n1\n2\n3\n"],
        ['large',    "20 text/plain\r\n" . 'x' x 3_000_000],
        ['ignores',  "20 text/plain\r\nignored"],
        ['cwd',      "20 text/plain\r\n$dir"],
    );
    for my $case (@cases) {
        my ($name, $want) = @$case;
        my $answer = ask($server, "/cgi-bin/$name");
        ok $answer->{raw} eq $want, $name or diag substr $answer->{raw}, 0, 200;
        ok $answer->{clean}, '... with a goodbye';
    }
    is status_of(ask($server, '/cgi-bin/no-meta')), 51, 'without a text';
    is status_of(ask($server, "/cgi-bin/$_")), 51, "$_: there is no such program"
        for qw(nix .dot .hidden/x plain.txt leak), '';
};

subtest 'what they are told' => sub {
    my $port = $server->port;
    local $ENV{SECRET_OF_THE_SERVER} = 1;
    my $env  = variables(ask($server, '/cgi-bin/env/more%20path?a%20b&c')->{body});
    my %want = (
        GATEWAY_INTERFACE => 'CGI/1.1',
        SERVER_PROTOCOL   => 'GEMINI',
        SERVER_NAME       => 'localhost',
        SERVER_PORT       => $port,
        SCRIPT_NAME       => '/cgi-bin/env',
        PATH_INFO         => '/more path',
        QUERY_STRING      => 'a%20b&c',
        REMOTE_ADDR       => '127.0.0.1',
        REQUEST_METHOD    => '',
        TLS_VERSION       => 'TLSv1.3',
        GEMINI_URL        => url($server, '/cgi-bin/env/more%20path?a%20b&c'),
    );
    is_deeply {
        map { $_ => $env->{$_} } keys %want
    }, \%want, 'the variables';
    is_deeply [grep { /SECRET|HOME|PERL/ } keys %$env], [], 'and none of the environment of the server';
    my $other = variables(ask($server, '/one/x', cert => \@alex)->{body});
    is_deeply [@$other{qw(MINE SCRIPT_NAME PATH_INFO)}], ['yes', '/one', '/x'],
        'one program, with more variables';
    is status_of(ask($server, '/one')), 60, 'and a rule';
};

subtest 'sets of variables' => sub {
    my $cert  = Vouch::Certificate->from_file($alex[0]);
    my $lower = $cert->fingerprint(spelling => 'lower');
    my $upper = $cert->fingerprint(spelling => 'upper');
    my %want  = (
        vouch => {
            AUTH_TYPE            => 'Certificate',
            REMOTE_USER          => 'Alex',
            TLS_CLIENT_HASH      => $lower,
            TLS_CLIENT_SPKI_HASH => $cert->fingerprint(spelling => 'lower', of => 'spki'),
            TLS_CLIENT_NOT_AFTER => $cert->not_after_iso,
        },
        molly => {
            AUTH_TYPE             => 'Certificate',
            TLS_CLIENT_HASH       => $lower =~ s/.*://r,
            TLS_CLIENT_SUBJECT_CN => 'Alex',
            TLS_CLIENT_SUBJECT    => 'CN=Alex',
            SCRIPT_PATH           => '/set/molly',
            REMOTE_USER           => undef,
        },
        gmid => {
            AUTH_TYPE            => 'CERTIFICATE',
            REMOTE_USER          => '/CN=Alex',
            TLS_CLIENT_HASH      => $lower,
            GEMINI_SEARCH_STRING => 'a b',
            GEMINI_URL_PATH      => '/set/gmid',
            REQUEST_METHOD       => 'GET',
        },
        gmnisrv => {
            AUTH_TYPE                => 'CERTIFICATE',
            REMOTE_USER              => 'Alex',
            TLS_CLIENT_HASH          => $upper,
            QUERY_STRING             => 'a b',
            TLS_CLIENT_SERIAL_NUMBER => $cert->serial,
        },
        jetforce => {
            AUTH_TYPE           => 'CERTIFICATE',
            REMOTE_USER         => 'Alex',
            TLS_CLIENT_HASH     => $upper,
            HOSTNAME            => 'localhost',
            TLS_CLIENT_HASH_B64 => $cert->fingerprint(spelling => 'base64url'),
        },
        glv => {
            AUTH_TYPE             => 'Certificate',
            REMOTE_USER           => 'Alex',
            TLS_CLIENT_HASH       => $lower,
            TLS_CLIENT_SUBJECT_CN => 'Alex',
        },
        apache => {
            SSL_CLIENT_S_DN => '/CN=Alex',
            SSL_PROTOCOL    => 'TLSv1.3',
            SSL_TLS_SNI     => 'localhost',
            TLS_CLIENT_HASH => undef,
        },
    );
    for my $set (sort keys %want) {
        my $env  = variables(ask($server, "/set/$set?a%20b", cert => \@alex)->{body});
        my $want = $want{$set};
        is_deeply {
            map { $_ => $env->{$_} } keys %$want
        }, $want, $set;
        my $none = variables(ask($server, "/set/$set")->{body});
        is_deeply [grep { /CLIENT/ } keys %$none], [], '... without a certificate nothing of one';
    }
};

subtest 'names in a certificate are somebody\'s text' => sub {
    my $made = issue("odd", cn => "Odd\nEVIL=1");
    my @odd  = @$made{qw(cert key)};
    my $text = ask($server, '/set/vouch', cert => \@odd)->{body};
    unlike $text, qr/^EVIL/m,                     'a line end makes no variable';
    like $text,   qr/^REMOTE_USER=Odd\?EVIL=1$/m, 'it is a question mark';
};

subtest 'uploads' => sub {
    my $upload = url($server, '/cgi-bin/stdin', 'titan') . ';size=200000;mime=text/plain;token=t' . "\r\n";
    is send_raw($server, $upload . 'x' x 200_000)->{body}, 200_000, 'a program reads it';
    my $env =
        variables(send_raw($server, url($server, '/cgi-bin/env', 'titan') . ";size=1;token=t\r\nx")->{body});
    is_deeply [@$env{qw(REQUEST_METHOD CONTENT_LENGTH CONTENT_TYPE TITAN_TOKEN)}],
        ['TITAN', 1, 'text/gemini', 't'],
        'and is told what it is';
    unlike $env->{GEMINI_URL}, qr/token/, 'the token is in one place only';
    is status_of(
        send_raw($server, url($server, '/cgi-bin/ignores', 'titan') . ";size=500000\r\n" . 'x' x 500_000)),
        20, 'it need not read it';
    is status_of(send_raw($server, url($server, '/cgi-bin/stdin', 'titan') . ";size=1000001\r\n")), 59,
        'too large';
};

subtest 'programs that fail' => sub {
    my @cases = (
        ['silent',    qr/has ended without a header/],
        ['dies',      qr/has ended without a header/],
        ['hangs',     qr/has said nothing for too long/],
        ['family',    qr/has said nothing for too long/],
        ['no-header', qr/has said something that is no header/],
        ['no-line',   qr/has said more than a header has/],
        ['http',      qr/has said something that is no header/],
        ['undefined', qr/has said something that is no header/],
        ['control',   qr/has said something that is no header/],
        ['broken',    qr/has ended without a header/],
    );
    for my $case (@cases) {
        my ($name, $told) = @$case;
        my $path = $name =~ /\A(?:hangs|family)\z/ ? "/short/$name" : "/cgi-bin/$name";
        is ask($server, $path)->{raw}, "42 The program on this page has failed\r\n", "$name is 42";
        like $server->next_line, qr{^error $path $told$}, '... and why is told';
    }
};

subtest 'answers that are broken off' => sub {
    my @cases = (
        ['killed', qr/was ended by signal 9/],
        ['stops',  qr/has said nothing for too long/],
        ['floods', qr/has run for too long/],
    );
    for my $case (@cases) {
        my ($name,    $told)   = @$case;
        my ($seconds, $answer) = in_time(sub { ask($server, "/short/$name") });
        is status_of($answer), '20 cut', "$name: no goodbye";
        like $server->next_line, qr{^error /short/$name $told$}, '... and why is told';
    }
    is status_of(ask($server, '/cgi-bin/leaves')), 20, 'one that closes its output has said all';
};

subtest 'a client that goes, and one that does not read' => sub {
    my $client = connected($server);
    print {$client} url($server, '/short/floods') . "\r\n";
    sysread $client, my $bytes, 1000;
    $client->close(SSL_no_shutdown => 1);
    $client = connected($server);
    print {$client} url($server, '/short/floods') . "\r\n";
    is status_of(ask($server, '/')), 20, 'others are served meanwhile';
};

subtest 'SCGI' => sub {
    my $listener = IO::Socket::UNIX->new(Local => $socket, Listen => 5) or die "listen: $!";
    my $pid      = fork // die;
    if ($pid == 0) { scgi_server($listener); POSIX::_exit(0) }
    my $env = variables(ask($server, '/scgi/more?q', cert => \@alex)->{body});
    is_deeply [@$env{qw(SCGI CONTENT_LENGTH PATH_INFO SCRIPT_NAME QUERY_STRING REMOTE_USER)}],
        [1, 0, '/more', '/scgi', 'q', 'Alex'], 'what it is told';
    is send_raw($server, url($server, '/scgi/body', 'titan') . ";size=300000\r\n" . 'y' x 300_000)->{body},
        300_000,
        'an upload';
    is status_of(ask($server, '/scgi/close')), 43, 'one that says nothing is 43';
    like $server->next_line, qr{^error /scgi has ended without a header$}, '... and told';
    is status_of(ask($server, '/scgi/hang')), 43, 'one that hangs is 43';
    like $server->next_line, qr{^error /scgi has said nothing for too long$}, '... and told';
    kill TERM => $pid;
    waitpid $pid, 0;
    is status_of(ask($server, '/nobody')), 43, 'nobody there';
    like $server->next_line, qr{^error /nobody }, '... is told';
};

# Answers what it is told, or misbehaves.
sub scgi_server {
    my ($listener) = @_;
    my @held;
    while (my $client = $listener->accept) {
        local $/ = ':';
        my ($length) = (<$client> // next) =~ /\A([0-9]+):/ or next;
        read $client, my $head, $length + 1;
        my %env = (split /\0/, "$head.", -1)[0 .. -2 + split /\0/, "$head.", -1];
        read $client, my $body, $env{CONTENT_LENGTH};
        if ($env{PATH_INFO} eq '/hang')  { push @held, $client; next }
        if ($env{PATH_INFO} eq '/close') { next }
        delete $env{''};
        my $text = $env{CONTENT_LENGTH} ? length $body : join '', map { "$_=$env{$_}\n" } sort keys %env;
        print {$client} "20 text/plain\r\n$text";
        close $client;
    }
    return;
}

is $server->stop, 0, 'the server ends well';
my @left = grep { kill 0 => $_ } split /\n/, slurp($pids);
my $end  = Time::HiRes::time() + 10;
while (@left && Time::HiRes::time() < $end) {
    Time::HiRes::sleep(0.05);
    @left = grep { kill 0 => $_ } @left;
}
is_deeply \@left, [], 'and no process is left behind';

done_testing;
