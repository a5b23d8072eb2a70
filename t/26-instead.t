use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use File::Spec     ();
use IO::Socket::IP ();
use Time::HiRes    qw(sleep time);

use VouchTest::Needs openssl => 'openssl', 'IO::Socket::SSL' => 'libio-socket-ssl-perl';
use VouchTest       qw(run_command slurp spew temp_dir);
use VouchTest::PKI  qw(fingerprint_of);
use VouchTest::Peer ();
use Vouch::Socket;

# The two programs of the 2020 article as they are in examples/, and as they
# were, for IO::Socket::SSL, under Vouch::Instead: what they print.

my $dir  = temp_dir();
my @blib = map { File::Spec->rel2abs($_) } grep { !ref && /\bblib\b/ } @INC;
my %LIB  = (PERL5LIB => join ':', @blib, $ENV{PERL5LIB} // ());

# As the article makes them.
for my $pair ([server => 'localhost'], [client => 'Alex']) {
    my ($name, $cn) = @$pair;
    my ($status, undef, $error) = run_command([
        qw(openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 1825 -nodes),
        '-subj', "/CN=$cn", '-out', "$dir/$name-cert.pem", '-keyout', "$dir/$name-key.pem",
    ]);
    is $status, 0, "a certificate for the $name" or diag $error;
}
my ($server_print, $client_print) = map { fingerprint_of("$dir/$_-cert.pem") } qw(server client);

# The programs with another port, and with the word changed back if told so.
sub programs {
    my ($word) = @_;
    my $port = free_port();
    for my $name (qw(seed-server seed-client)) {
        my $text = slurp("examples/$name.pl");
        $text =~ s/\b1234\b/$port/ or die "$name.pl: no port 1234\n";
        $text =~ s/\bVouch::Socket\b/$word/g;
        spew("$dir/$name.pl", $text);
    }
    return $port;
}

# Below the ports that clients are given, so that no connection takes it.
sub free_port {
    for (1 .. 200) {
        my $port   = 20_000 + int rand 12_000;
        my $socket = IO::Socket::IP->new(LocalAddr => 'localhost', LocalPort => $port, Listen => 1) or next;
        return $port;
    }
    die "no free port\n";
}

sub perl {
    my ($env, @arguments) = @_;
    return VouchTest::Peer->start({ dir => $dir, env => { %LIB, %$env } }, $^X, @arguments);
}

# The client, again until the server listens; what it printed.
sub run_client {
    my ($server, @perl) = @_;
    my $deadline = time + 20;
    while (1) {
        my $client = perl(@perl, 'seed-client.pl');
        my $status = $client->finish;
        return ($client, $status) if time > $deadline || $client->err !~ /Connection refused/;
        sleep 0.05;
    }
}

# "quit" ends the server; the reply.
sub quit {
    my ($port) = @_;
    my $client = Vouch::Socket->new(
        PeerHost        => 'localhost',
        PeerPort        => $port,
        SSL_verify_mode => SSL_VERIFY_NONE,
        SSL_cert_file   => "$dir/client-cert.pem",
        SSL_key_file    => "$dir/client-key.pem",
    ) or return "$!, $SSL_ERROR";
    print {$client} "quit\r\n";
    return scalar <$client>;
}

# Both programs, started so, and what the article shows of them.
sub prints_the_article {
    my ($port, @perl) = @_;
    my $server = perl(@perl, 'seed-server.pl');
    my ($client, $status) = run_client($server, @perl);
    is $status,         0,                               'the client ends well';
    is $client->err,    '',                              'without a complaint';
    is $client->out,    "$server_print\nhanging up\r\n", 'it prints the fingerprint and the reply';
    is quit($port),     "hanging up\r\n",                'the server answers "quit"';
    is $server->finish, 0,                               'and ends';
    is $server->out, join(q(), map { "$_\r\n$client_print\nAlex\n" } qw(hello quit)),
        'it printed what came, the fingerprint, the name';
    is without_addresses($server->err), join(q(), map { verifying($_) } 0, 1, 0, 1),
        'and what the callback was told';
    return;
}

sub verifying {
    my ($ok)     = @_;
    my @lines    = split /^/, slurp("$dir/seed-server.pl");
    my ($number) = grep { $lines[$_ - 1] =~ /warn "Verifying/ } 1 .. @lines;
    return "Verifying: $ok P /CN=Alex/CN=Alex error:00000012:lib(0)::reason(18) P 0"
        . " at seed-server.pl line $number.\n";
}

sub without_addresses { return $_[0] =~ s/(?<= )[0-9]{6,}(?= )/P/gr }

# OpenSSL's own switch for the highest version, for programs that have none.
sub at_most {
    my ($version) = @_;
    return (
        OPENSSL_CONF => spew(
            "$dir/$version.cnf",      join "\n", 'openssl_conf = all',    '[all]',
            'ssl_conf = ssl',         '[ssl]',   'system_default = this', '[this]',
            "MaxProtocol = $version", q()
        )
    );
}

for my $version ('TLSv1.3', 'TLSv1.2') {
    my %env = at_most($version);

    subtest "examples/ as they are, $version" => sub {
        prints_the_article(programs('Vouch::Socket'), \%env);
    };
    subtest "the article's programs under perl -MVouch::Instead, $version" => sub {
        prints_the_article(programs('IO::Socket::SSL'), \%env, '-MVouch::Instead');
    };
    subtest "the article's programs under PERL5OPT=-MVouch::Instead, $version" => sub {
        prints_the_article(programs('IO::Socket::SSL'), { %env, PERL5OPT => '-MVouch::Instead' });
    };
    subtest "the article's programs with the real IO::Socket::SSL, $version" => sub {
        prints_the_article(programs('IO::Socket::SSL'), \%env);
    };
    subtest "our server, the real IO::Socket::SSL as client, $version" => sub {
        my $port   = programs('IO::Socket::SSL');
        my $server = perl(\%env, '-MVouch::Instead', 'seed-server.pl');
        my ($client, $status) = run_client($server, \%env);
        is $client->out, "$server_print\nhanging up\r\n", 'the client prints the same';
        quit($port);
        $server->finish;
        like $server->out, qr/\Ahello\r\n\Q$client_print\E\nAlex\n/, 'the server too';
    };
}

subtest 'the version was the one that was wanted' => sub {
    for my $version ('TLSv1.3', 'TLSv1.2') {
        my %env    = at_most($version);
        my $port   = programs('Vouch::Socket');
        my $server = perl(\%env, 'seed-server.pl');
        run_client($server, \%env);
        my (undef, $out) = run_command(
            [
                qw(openssl s_client -ign_eof -connect), "localhost:$port",
                '-cert',                                "$dir/client-cert.pem",
                '-key',                                 "$dir/client-key.pem"
            ],
            stdin => "quit\n",
        );
        like $out, qr/^New, $version/m, $version;
        $server->stop;
    }
};

subtest 'the examples compile' => sub {
    for my $name (qw(seed-server seed-client)) {
        my $check = perl({}, '-c', File::Spec->rel2abs("examples/$name.pl"));
        is $check->finish, 0, "$name.pl";
        like $check->err, qr/syntax OK/, 'says perl';
    }
};

subtest 'a client without a certificate' => sub {
    for my $word ('Vouch::Socket', 'IO::Socket::SSL') {
        my $port   = programs($word);
        my @perl   = ({}, $word eq 'Vouch::Socket' ? () : '-MVouch::Instead');
        my $server = perl(@perl, 'seed-server.pl');
        my $text   = slurp("$dir/seed-client.pl");
        $text =~ s/SSL_(?:cert|key)_file => '[^']*',//g;
        spew("$dir/seed-client.pl", $text);
        my ($client, $status) = run_client($server, @perl);
        is $client->out,    "$server_print\nhanging up\r\n", "$word: is served";
        is quit($port),     "hanging up\r\n",                'and so is the next one';
        is $server->finish, 0,                               'the server lives to its end';
        like $server->err, qr/uninitialized/, 'get_fingerprint gave undef';
        is $server->out, "hello\r\n\n\nquit\r\n$client_print\nAlex\n", 'what it printed';
    }
};

# Run a line of Perl; status, output, errors.
sub one_liner {
    my (@arguments) = @_;
    my $peer        = perl({}, @arguments);
    my $status      = $peer->finish;
    return ($status, $peer->out, $peer->err);
}

subtest 'too late is said loudly' => sub {
    my @orders = (
        ['-MIO::Socket::SSL', '-MVouch::Instead', '-e1'],
        ['-e', 'use IO::Socket::SSL; use Vouch::Instead'],
    );
    for my $order (@orders) {
        my ($status, undef, $err) = one_liner(@$order);
        isnt $status, 0, "@$order fails";
        like $err, qr{Vouch::Instead comes too late: IO::Socket::SSL is loaded from \S+/IO/Socket/SSL\.pm},
            'and says from where the other one came';
        like $err, qr/use perl -MVouch::Instead/, 'and what to do';
    }
    my ($status) = one_liner('-MVouch::Instead', '-MVouch::Instead', '-MIO::Socket::SSL', '-e1');
    is $status, 0, 'asked for twice is not too late';
};

subtest 'the class has the name' => sub {
    spew("$dir/names.pl", <<'PERL');
use strict;
use warnings;
use IO::Socket::SSL;
print "file ", $INC{'IO/Socket/SSL.pm'} =~ m{Vouch/Instead\.pm\z} ? 'ours' : 'theirs', "\n";
print "variable ", \$SSL_ERROR == \$IO::Socket::SSL::SSL_ERROR ? 'one' : 'two', "\n";
print "constants ", join(' ', SSL_VERIFY_NONE, SSL_VERIFY_PEER, SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    SSL_VERIFY_CLIENT_ONCE, SSL_WANT_READ . '', SSL_WANT_WRITE . ''), "\n";
my %ssl = (SSL_cert_file => 'server-cert.pem', SSL_key_file => 'server-key.pem');
my $listener = IO::Socket::SSL->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1, %ssl)
    or die "listen: $!, $SSL_ERROR";
print "listener ", ref $listener, "\n";
my $pid = fork // die "fork: $!";
if ($pid == 0) {
    my $client = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport,
        SSL_verify_mode => SSL_VERIFY_NONE) or die "connect: $!, $SSL_ERROR";
    print {$client} "client ", ref $client, "\n";
    $client->close;
    exit 0;
}
my $accepted = $listener->accept or die "accept: $!, $SSL_ERROR";
print "accepted ", ref $accepted, "\n", scalar <$accepted>;
print "isa ", join(' ', grep { $accepted->isa($_) } qw(IO::Socket::SSL IO::Socket::IP IO::Handle)), "\n";
waitpid $pid, 0;
my $refused = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport,
    Timeout => 5, SSL_ca_file => 'client-cert.pem', SSL_startHandshake => 0);
$listener->close;
my $none = $refused->connect_SSL;
print "error ", length "$SSL_ERROR" ? 'told' : 'not told', ' ',
    "$SSL_ERROR" eq "$IO::Socket::SSL::SSL_ERROR" ? 'alike' : 'not alike', "\n";
print "version ", IO::Socket::SSL->VERSION >= 2.009 ? 'enough' : 'too low', "\n";
PERL
    my ($status, $out, $err) = one_liner('-MVouch::Instead', 'names.pl');
    is $status, 0,        'the program runs' or diag $err;
    is $err,    '',       'without a complaint';
    is $out,    <<'TEXT', 'every object is of the literal class, and there is one $SSL_ERROR';
file ours
variable one
constants 0 1 2 4 SSL wants a read first SSL wants a write first
listener IO::Socket::SSL
accepted IO::Socket::SSL
client IO::Socket::SSL
isa IO::Socket::SSL IO::Socket::IP IO::Handle
error told alike
version enough
TEXT
};

done_testing;
