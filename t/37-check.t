use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs openssl => 'openssl';

use JSON::PP ();

use VouchTest         qw(expect_warnings identity run_command);
use VouchTest::Forge  ();
use VouchTest::PKI    qw(bundle chain expired future fingerprint_of issue);
use VouchTest::Peer   ();
use VouchTest::Server ();
use Vouch::Certificate;
use Vouch::Check;
use Vouch::Command::Check;
use Vouch::Context;
use Vouch::Socket;

# vouch check, and what it says of servers of every kind.

use constant DAY => 86_400;

my @san  = ('subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1');
my @here = (ext => \@san);
my $good = chain('good', cn => 'localhost', @here);
my $ca   = $good->{root}{cert};
my $full = bundle($good->{leaf}, $good->{intermediate});
my @alex = identity('alex', cn => 'Alex');

# The command, as script/vouch calls it: (exit status, stdout, stderr).
sub check {
    my (@arguments) = @_;
    my ($out, $err) = ('', '');
    my $status = do {
        local (*STDOUT, *STDERR);
        open STDOUT, '>', \$out or die "open: $!";
        open STDERR, '>', \$err or die "open: $!";
        eval { Vouch::Command::Check->run(@arguments) };
    };
    return ($status, $out, $err)                       if defined $status;
    return (2,       $out, "vouch check: $@->{usage}") if ref $@ eq 'HASH';
    return (1,       $out, "died: $@");
}

sub script {
    my (@arguments) = @_;
    return run_command([$^X, '-Mblib', 'script/vouch', 'check', @arguments]);
}

# The report as pairs of label and text, for a server that is there.
sub report {
    my ($name,   $want, @arguments) = @_;
    my ($status, $out,  $err)       = check(@arguments);
    is $status, $want, "$name: exit status $want" or diag $out, $err;
    is $err, '', "$name: nothing on standard error";
    unlike $out, qr/[^\x20-\x7e\n]/, "$name: plain text";
    unlike $out, qr/SSL_\w/,         "$name: no names of arguments in Perl";
    return map { _pair($_) } split /\n/, $out;
}

sub _pair {
    my ($line) = @_;
    my ($label, $text) = $line =~ /\A(.{20}) (.*)\z/ or return ['?', $line];
    return [$label =~ s/\s+\z//r, $text];
}

sub labelled {
    my ($label, @report) = @_;
    return join "\n", map { $_->[1] } grep { $_->[0] eq $label } @report;
}

# A server of ours that waits for each client to go; its dates may be wrong.
sub server {
    my (%ssl) = @_;
    my %own = map { $_ => delete $ssl{$_} } grep { !/\ASSL_/ } keys %ssl;
    my ($warnings, $context) = expect_warnings(sub {
        Vouch::Context->new(
            SSL_server    => 1,
            SSL_cert_file => $full,
            SSL_key_file  => $good->{leaf}{key},
            %ssl
        );
    });
    return VouchTest::Server->start(
        ssl   => { SSL_reuse_ctx => $context },
        serve => sub { my ($client) = @_; my $line = <$client>; $client->close },
        %own,
    );
}

sub at { my ($server) = @_; return '127.0.0.1:' . (ref $server ? $server->port : $server) }

subtest 'a good server' => sub {
    my $server = server(SSL_alpn_protocols => ['http/1.1']);
    my @report = report('report', 0, at($server), '--ca', $ca);
    my $date   = qr/20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z/;
    my @wanted = (
        [server               => qr/\A127[.]0[.]0[.]1:([0-9]+) \(127[.]0[.]0[.]1:\1\)\z/],
        [connect              => qr/\A[0-9]+[.][0-9] ms\z/],
        [handshake            => qr/\A[0-9]+[.][0-9] ms\z/],
        ['tls-1.2'            => qr/\Ayes, ECDHE-ECDSA-\S+\z/],
        ['tls-1.3'            => qr/\Ayes, TLS_\S+\z/],
        [certificate          => qr{\A/CN=localhost\z}],
        ['  issuer'           => qr{\A/CN=good-intermediate\z}],
        ['  name'             => qr{\Adns:localhost\z}],
        ['  name'             => qr{\Aip:127.0.0.1\z}],
        ['  name'             => qr{\Aip:::1\z}],
        ['  valid'            => qr/\A$date to $date \((?:29|30) days left\)\z/],
        ['  key'              => qr/\AEC prime256v1 256 bits\z/],
        ['  fingerprint'      => qr/\ASHA256:@{[fingerprint_of($good->{leaf}) =~ s{.*\$}{}r]}\z/],
        ['  public key'       => qr/\ASHA256:[0-9a-f]{64}\z/],
        ['certificate 2'      => qr{\A/CN=good-intermediate\z}],
        ['  issuer'           => qr{\A/CN=good-root\z}],
        ['  valid'            => qr/days left/],
        ['  key'              => qr/\AEC prime256v1 256 bits\z/],
        ['  fingerprint'      => qr/\ASHA256:[0-9a-f]{64}\z/],
        ['  public key'       => qr/\ASHA256:[0-9a-f]{64}\z/],
        [trust                => qr/\Ayes\z/],
        [host                 => qr/\Ayes, 127.0.0.1\z/],
        ['client certificate' => qr/\Anot asked for\z/],
        [application          => qr{\Ahttp/1.1 \(of h2, http/1.1\)\z}],
        [resumption           => qr/\Ayes\z/],
        ['OCSP staple'        => qr/\Anone\z/],
        [close_notify         => qr/\Ayes\z/],
        [problems             => qr/\Anone\z/],
    );
    is_deeply [map { $_->[0] } @report], [map { $_->[0] } @wanted], 'the labels, in order';
    like $report[$_][1], $wanted[$_][1], $wanted[$_][0] for 0 .. $#wanted;

    my ($status, $out, $err) = script('--json', '--ca', $ca, '--name', 'localhost', at($server));
    is "$status$err", '0', '--json: exit status 0';
    my $facts = JSON::PP->new->decode($out);
    my $spki  = Vouch::Certificate->from_file($full)->fingerprint(of => 'spki', spelling => 'lower');
    is $facts->{chain}[0]{spki}, $spki, 'the fingerprint of the key';
    cmp_ok delete($facts->{milliseconds}{$_}), '>=', 0, "$_: a time" for qw(resolve connect handshake);
    is scalar @{ delete $facts->{chain} }, 2, 'the chain';
    like delete($_->{cipher}), qr/\A[A-Z0-9_-]+\z/, 'a cipher' for $facts, @{ $facts->{protocols} };
    my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
    is_deeply $facts,
        {
        target        => at($server),
        address       => at($server),
        name          => 'localhost',
        starttls      => undef,
        milliseconds  => {},
        protocol      => 'TLSv1_3',
        protocols     => [map { { version => $_, accepted => $yes, reason => undef } } qw(TLSv1_2 TLSv1_3)],
        trust         => { accepted => $yes, faults => [] },
        name_accepted => $yes,
        client_certificate => { asked   => $no,                required => $no,        authorities => [] },
        alpn               => { offered => ['h2', 'http/1.1'], chosen   => 'http/1.1', reason      => undef },
        resumption         => { offered => $yes,               resumed  => $yes },
        staple             => 'none',
        close              => 'close_notify',
        problems           => [],
        },
        'the rest';
};

subtest 'versions' => sub {
    for (['TLSv1_2', 'tls-1.2', 'tls-1.3'], ['TLSv1_3', 'tls-1.3', 'tls-1.2']) {
        my ($version, $yes, $no) = @$_;
        my $server = server(SSL_version => $version);
        my @report = report($version, 0, at($server), '--ca', $ca);
        like labelled($yes, @report), qr/\Ayes, \w/,                      "$yes: yes";
        like labelled($no,  @report), qr/\Ano: .*alert protocol version/, "$no: no, and why";
        is labelled('resumption', @report), 'yes', 'resumption';
    }
};

# --- certificates ------------------------------------------------------------

# A server with this certificate, and what is wrong with it.
sub finds {
    my ($what, $made, $problem, $hint, @arguments) = @_;
    subtest $what => sub {
        my $server = server(
            SSL_cert_file => ref $made eq 'HASH' ? $made->{cert} : $made->[0],
            SSL_key_file  => ref $made eq 'HASH' ? $made->{key}  : $made->[1]
        );
        my @report = report('report', 1, at($server), @arguments);
        like labelled('problem', @report), $problem, 'the problem';
        like labelled('  hint',  @report), $hint,    'the hint';
        is labelled('problems', @report), '', 'not without problems';
    };
    return;
}

my $old  = expired('old', cn => 'localhost', @here);
my $new  = future('new', cn => 'localhost', @here);
my $soon = issue('soon', cn => 'localhost', not_after => time + 10 * DAY, @here);
my $self = issue('self', cn => 'localhost', @here);
my $code = issue('code', cn => 'localhost', ext => [@san, 'extendedKeyUsage=codeSigning']);
finds('expired', $old, qr/\Athe certificate: certificate has expired\z/, qr/new dates/, '--ca', $old->{cert});
finds('not yet valid', $new,  qr/\Athe certificate: .*not yet valid\z/,  qr/clock/, '--ca', $new->{cert});
finds('soon over',     $soon, qr/\Athe certificate ends on 20\S+Z\z/,    qr/renew/, '--ca', $soon->{cert});
finds('self-signed', $self, qr/\Athe certificate: self-signed certificate\z/,
    qr/--ca FILE.*fingerprint.*pin/);
finds(
    'another authority',
    [$full, $good->{leaf}{key}],
    qr/\Acertificate 2: unable to get local issuer certificate\z/,
    qr/--ca FILE/, '--ca', $self->{cert}
);
finds(
    'an incomplete chain',
    $good->{leaf},
    qr/\Athe certificate: unable to get local issuer certificate\z/,
    qr/must send the certificates between/,
    '--ca', $ca
);
finds(
    'another purpose',
    $code,
    qr/\Athe certificate: unsuitable certificate purpose\z/,
    qr/for servers/,
    '--ca', $code->{cert}
);
finds(
    'another name',
    [$full, $good->{leaf}{key}],
    qr/\Athe certificate is not for other[.]example\z/,
    qr/--name/, '--ca', $ca, '--name', 'other.example'
);

subtest 'two problems at once' => sub {
    my $server = server(SSL_cert_file => $old->{cert}, SSL_key_file => $old->{key});
    my @report = report('report', 1, at($server), '--name', 'other.example');
    is labelled('problem', @report),
        join("\n",
        'the certificate: self-signed certificate',
        'the certificate: certificate has expired',
        'the certificate is not for other.example'),
        'each is told';
    like labelled('  valid', @report), qr/\(over for (?:10|11) days\)\z/,                  'since when';
    like labelled('trust',   @report), qr/\Ano: self-signed.*; certificate has expired\z/, 'trust';
    is labelled('host', @report), 'no, other.example', 'host';
};

subtest 'a hostile certificate' => sub {
    my $made = VouchTest::Forge::issue(
        'hostile',
        cn  => "\e]0;owned\a\e[31m" . 'x' x 50,
        san => [
            "dns:a\e[2J.example",
            "uri:http://x/\r\nproblems             none\xc2\x9b",
            map { "dns:n$_" } 1 .. 300
        ],
    );
    my $server = server(SSL_cert_file => $made->{cert}, SSL_key_file => $made->{key});
    my @report = report('report', 1, at($server));
    like labelled('certificate', @report), qr{\A/CN=\\x1B\]0;owned\\x07\\x1B\[31mx+\z},
        'its name, made harmless';
    my @names = split /\n/, labelled('  name', @report);
    is $names[0], 'dns:a\\x1B[2J.example', 'an alternative name';
    is $names[1], 'uri:http://x/\\x0D\\x0Aproblems             none\\xC2\\x9B',
        'and one that writes a report';
    is $names[-1], '... and 202 more', 'not all of them';
    my ($status, $out) = check('--json', at($server));
    unlike $out, qr/[^\x20-\x7e\n]/, 'JSON, too';
    is @{ JSON::PP->new->decode($out)->{chain}[0]{names} }, 101, 'is bounded';
};

# --- certificates of clients -------------------------------------------------

my %required = (SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);

subtest 'a server that asks, and takes any' => sub {
    my $server = server(SSL_verify_mode => VOUCH_VERIFY_ANY);
    my @report = report('report', 0, at($server), '--ca', $ca);
    is labelled('client certificate', @report), 'asked for, not needed', 'asked';
    is labelled('resumption',         @report), 'no',                    'and gives no tickets';
    @report = report('with one', 0, at($server), '--ca', $ca, '--cert', $alex[0], '--key', $alex[1]);
    is labelled('  shown', @report), "$alex[0]: accepted", 'is accepted';
};

for my $version (qw(TLSv1_2 TLSv1_3)) {
    subtest "$version: a server that wants a certificate" => sub {
        my $server = server(
            %required,
            SSL_version        => $version,
            SSL_ca_file        => $alex[0],
            SSL_client_ca_file => $alex[0]
        );
        my @report = report('without', 0, at($server), '--ca', $ca);
        is labelled('client certificate', @report), 'required', 'required';
        is labelled('  authority',        @report), '/CN=Alex', 'of whom';
        like labelled($version =~ s/TLSv1_/tls-1./r, @report), qr/\Ayes/, 'the version is there';
        is labelled('certificate', @report), '/CN=localhost', 'its certificate is told all the same';
        is labelled('trust',       @report), 'yes',           'and judged';
        @report = report('with one', 0, at($server), '--ca', $ca, '--cert', $alex[0], '--key', $alex[1]);
        is labelled('  shown',      @report), "$alex[0]: accepted", 'is accepted';
        is labelled('close_notify', @report), 'yes',                'then the rest is known';
        @report =
            report('with another', 1, at($server), '--ca', $ca, '--cert', $self->{cert}, '--key',
            $self->{key});
        is labelled('  shown', @report), "$self->{cert}: refused", 'is refused';
        like labelled('problem', @report), qr/with this client certificate: .*alert unknown ca/, 'why';
        like labelled('  hint',  @report), qr/server does not accept our certificate/, 'and what to do';
    };
}

# --- how a server ends -------------------------------------------------------

subtest 'a server that cuts the connection off' => sub {
    my $server =
        server(serve => sub { my ($client) = @_; my $line = <$client>; $client->close(SSL_no_shutdown => 1) }
        );
    my @report = report('report', 0, at($server), '--ca', $ca);
    is labelled('close_notify', @report), 'no, it cuts the connection off', 'is told';
};

subtest 'a server that goes on waiting' => sub {
    my @kept;
    my $server = server(serve => sub { push @kept, $_[0] });
    my @report = report('report', 0, at($server), '--ca', $ca, '--timeout', 0.5);
    is labelled('close_notify', @report), 'no, it goes on waiting', 'is told';
};

subtest 'a server that speaks first, and much' => sub {
    my $server = server(serve => sub { my ($client) = @_; print {$client} 'x' x 100_000; $client->close });
    my @report = report('report', 0, at($server), '--ca', $ca);
    is labelled('close_notify', @report), 'yes', 'is heard to the end';
};

# --- what does not speak TLS -------------------------------------------------

# In a child process: a plain socket, and what it does with each client.
sub plain_server {
    my ($serve)  = @_;
    my $listener = IO::Socket::IP->new(Listen => 5, LocalHost => '127.0.0.1') or die "listen: $!";
    my $pid      = fork // die "fork: $!";
    if ($pid == 0) {
        while (my $client = $listener->accept) { $client->autoflush(1); $serve->($client) }
        POSIX::_exit(0);
    }
    return ($listener->sockport, $pid);
}

sub finds_no_tls {
    my ($what, $serve, $problem, $hint, @arguments) = @_;
    subtest $what => sub {
        my ($port, $pid) = plain_server($serve);
        my @report = report('report', 1, at($port), @arguments);
        like labelled('problem', @report), qr/\Ano TLS connection: $problem/, 'the problem';
        like labelled('  hint',  @report), $hint,                             'the hint';
        is labelled('tls-1.2', @report), '', 'it is not asked for versions';
        kill KILL => $pid;
        waitpid $pid, 0;
    };
    return;
}

sub says {
    my ($text) = @_;
    return sub { print { $_[0] } $text; sysread $_[0], my $all, 65536 }
}

my @kept;
finds_no_tls('HTTP',   says("HTTP/1.1 400 Bad Request\r\n\r\n"), qr/error:/, qr/HTTP without TLS/);
finds_no_tls('SSH',    says("SSH-2.0-OpenSSH_9.2p1\r\n"),        qr/error:/, qr/SSH server/);
finds_no_tls('SMTP',   says("220 mail.example ESMTP\r\n"),       qr/error:/, qr/or --starttls PROTOCOL/);
finds_no_tls('an end', sub { close $_[0] }, qr/.*(?:unexpected eof|connection failed)/, qr/is TLS spoken/);
finds_no_tls(
    'silence',
    sub { push @kept, $_[0] },
    qr/no handshake within 0.5 seconds/,
    qr/has said nothing/,
    '--timeout', 0.5
);

# Nobody to ask: status 3, and one line.
sub finds_nobody {
    my ($what,   $text, @arguments) = @_;
    my ($status, $out,  $err)       = check(@arguments);
    is $status, 3,  "$what: exit status 3";
    is $out,    '', "$what: nothing on standard output";
    like $err, qr/\Avouch check: $text[^\n]*\n\z/, "$what: one line";
    return;
}

subtest 'nobody there' => sub {
    my $gone = IO::Socket::IP->new(Listen => 1, LocalHost => '127.0.0.1') or die "listen: $!";
    my $port = $gone->sockport;
    close $gone;
    finds_nobody('a closed port', "cannot connect to 127.0.0.1:$port: Connection refused", at($port));
    finds_nobody('the same, for programs', "cannot connect to 127.0.0.1:$port: ", at($port), '--json');
    is + (script(at($port)))[0],  3, 'the script exits with 3';
    is + (script('nonsense'))[0], 2, 'or with 2';
    finds_nobody('no such host', "cannot find nowhere[.]invalid:443: ", 'nowhere.invalid:443');
};

# --- STARTTLS ----------------------------------------------------------------

# What the server of each protocol says, and expects in between.
my %TALK = (
    smtp => [
        "220-mail.example\r\n220 hello\r\n",
        qr/\AEHLO \S+\r\n/,
        "250-mail.example\r\n250-SIZE 1\r\n250 STARTTLS\r\n",
        qr/\ASTARTTLS\r\n/, "220 go\r\n"
    ],
    lmtp  => ["220 hello\r\n", qr/\ALHLO \S+\r\n/, "250 STARTTLS\r\n", qr/\ASTARTTLS\r\n/, "220 go\r\n"],
    ftp   => ["220-a\r\nanything\r\n220 b\r\n", qr/\AAUTH TLS\r\n/,   "234 go\r\n"],
    nntp  => ["201 news\r\n",                   qr/\ASTARTTLS\r\n/,   "382 go\r\n"],
    imap  => ["* OK imap\r\n",                  qr/\Aa STARTTLS\r\n/, "* FLAGS ()\r\na OK go\r\n"],
    pop3  => ["+OK pop\r\n",                    qr/\ASTLS\r\n/,       "+OK go\r\n"],
    sieve => [qq{"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK\r\n}, qr/\ASTARTTLS\r\n/, qq{OK "go"\r\n}],
);

sub converse {
    my ($client, @talk) = @_;
    while (my ($says, $expects) = splice @talk, 0, 2) {
        syswrite $client, $says;
        my $line = '';
        while (defined $expects && $line !~ /\n\z/) { sysread $client, $line, 1, length $line or return }
        return if defined $expects && $line !~ $expects;
    }
    my $tls = Vouch::Socket->start_SSL(
        $client,
        SSL_server    => 1,
        SSL_cert_file => $full,
        SSL_key_file  => $good->{leaf}{key}
    ) or return;
    my $rest = <$tls>;
    $tls->close;
    return;
}

for my $protocol (sort keys %TALK) {
    subtest "--starttls $protocol" => sub {
        my ($port, $pid) = plain_server(sub { converse($_[0], @{ $TALK{$protocol} }) });
        my @report = report('report', 0, at($port), '--ca', $ca, '--starttls', $protocol);
        is labelled('starttls', @report), $protocol, 'told';
        like labelled('tls-1.3', @report), qr/\Ayes/, 'TLS begins';
        is labelled('application', @report), '', 'no application protocol is offered';
        kill KILL => $pid;
        waitpid $pid, 0;
    };
}

finds_no_tls(
    'STARTTLS refused',
    sub {
        converse($_[0], "220 hi\r\n", qr/EHLO/, "250 SIZE\r\n", qr/STARTTLS/, "454 not \e[1mnow\r\n");
        sysread $_[0], my $x, 1;
    },
    qr/the server does not begin TLS \(smtp\): 454 not \?\[1mnow\z/,
    qr/right port.*starttls/,
    '--starttls',
    'smtp'
);
finds_no_tls(
    'STARTTLS: closed',
    sub { close $_[0] },
    qr/the server closed the connection before TLS \(imap\)/,
    qr/right port/, '--starttls', 'imap'
);
finds_no_tls(
    'STARTTLS: silence',
    sub { push @kept, $_[0] },
    qr/the server does not answer in pop3/,
    qr/right port/, '--starttls', 'pop3', '--timeout', 0.5
);
finds_no_tls(
    'STARTTLS: no end',
    sub { print { $_[0] } "220-x\r\n" x 10_000; sysread $_[0], my $x, 1 },
    qr/the server does not speak ftp/,
    qr/right port/, '--starttls', 'ftp'
);

# --- called wrongly ----------------------------------------------------------

subtest 'wrong use' => sub {
    my @pair = ('--cert', $alex[0], '--key', $alex[1]);
    for (
        ['nothing',             qr/name a server, HOST:PORT/],
        ['two servers',         qr/"b:2" is one argument too many/, 'a:1', 'b:2'],
        ['no port',             qr/'a' is not HOST:PORT/,           'a'],
        ['nonsense',            qr{'http://a:1/' is not HOST:PORT}, 'http://a:1/'],
        ['unknown option',      qr/Unknown option: loud/,           'a:1', '--loud'],
        ['a key alone',         qr/a key its certificate/,          'a:1', '--key',  $alex[1]],
        ['a certificate alone', qr/needs its key/,                  'a:1', '--cert', $alex[0]],
        ['no such file',        qr/none[.]pem: cannot read/,        'a:1', '--ca',   'none.pem'],
        ['another key',         qr/does not match/, 'a:1', '--cert', $alex[0], '--key', $self->{key}],
        ['unknown starttls',    qr/starttls: 'x' is not one of ftp imap lmtp/, 'a:1', '--starttls', 'x'],
        ['a time of no length', qr/timeout must be a number of seconds/,       'a:1', '--timeout',  '0'],
        ['no time',             qr/timeout must be a number of seconds/,       'a:1', '--timeout',  'x'],
        )
    {
        my ($what,   $text, @arguments) = @$_;
        my ($status, $out,  $err)       = check(@arguments);
        is $status, 2,  "$what: exit status 2";
        is $out,    '', "$what: nothing on standard output";
        like $err, qr/\Avouch check: [^\n]*$text[^\n]*\nvouch check HOST:PORT/,
            "$what: the fault and the usage";
    }
    my ($status, $out) = check('--help');
    is $status, 0, '--help: exit status 0';
    like $out, qr/--$_\b/, "--help: --$_" for qw(name ca cert key starttls alpn timeout json);
    ok !eval { Vouch::Check->new('a:1', nosuch => 1) }, 'an unknown argument dies';
    like $@, qr/nosuch is not an argument of Vouch::Check/, 'and is named';
};

# --- others ------------------------------------------------------------------

subtest 'IPv6' => sub {
    my $server = server(tcp => { LocalAddr => '::1' });
    my @report = report('report', 0, '[::1]:' . $server->port, '--ca', $ca);
    is labelled('server', @report), "::1:$_ ([::1]:$_)", 'server' for $server->port;
    is labelled('host',   @report), 'yes, ::1',          'host';
};

subtest 'localhost' => sub {
    my $server = server();
    my @report = report('report', 0, 'localhost:' . $server->port, '--ca', $ca);
    is labelled('host', @report), 'yes, localhost', 'host';
};

done_testing;
