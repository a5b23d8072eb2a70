use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use Config;
use Cwd                  ();
use File::Copy           ();
use VouchTest            qw(identity run_command slurp spew temp_dir);
use VouchTest::NetServer qw(exchange);
use Vouch::Identity      ();
use Vouch::Socket;

# SIGHUP: listening sockets stay, certificates are read again, also by a
# server that may not read its key any more.

my $dir  = temp_dir() . '';
my @pair = ("$dir/hup-cert.pem", "$dir/hup-key.pem");

my $SERVER = <<'PERL';
sub process_request {
    my ($self) = @_;
    my $line = <STDIN> // return;
    print "$$ ", $> == 0 ? 'root' : 'another';
}
PERL

my %MANY = (max_servers => 3, min_servers => 2, min_spare_servers => 1, max_spare_servers => 2);

# A new pair of files; its fingerprint.
sub new_pair {
    my ($name) = @_;
    my $identity = Vouch::Identity->create(cn => $name);
    $identity->save(cert_file => $pair[0], key_file => $pair[1], replace => 1);
    return $identity->certificate->fingerprint;
}

# The fingerprint that the server shows, and what it answers.
sub ask {
    my ($server) = @_;
    my $client   = $server->client or return "no client: $SSL_ERROR";
    my $shown    = $client->get_fingerprint;
    my $answer   = exchange($client, "who\n") // 'nothing';
    return ($shown, $answer);
}

sub hup { my ($server) = @_; return $server->hup }

sub pipes_of {
    my ($pid) = @_;
    return scalar grep { (readlink($_) // '') =~ /\Apipe:/ } glob "/proc/$pid/fd/*";
}

for my $personality (qw(Single Fork PreForkSimple PreFork), $Config{useithreads} ? 'Thread' : ()) {
    subtest $personality => sub {
        my $first  = new_pair('first');
        my $server = VouchTest::NetServer->start(
            $personality => {
                SSL_cert_file => $pair[0],
                SSL_key_file  => $pair[1],
                log_level     => 3,
                $personality =~ /PreFork/ ? %MANY : ()
            },
            $SERVER
        );
        my ($pid, $port) = ($server->pid, $server->port);
        is + (ask($server))[0], $first, 'the first certificate';
        my $pipes  = pipes_of($pid);
        my $second = new_pair('second');
        is + (ask($server))[0], $first, 'goes on while the files change';
        my $log = hup($server);
        is $server->pid,  $pid,  'after SIGHUP it is the same process';
        is $server->port, $port, 'with the same port';
        like $log, qr/Going on with descriptor [0-9]+ for VOUCH_SSL port/, 'and the same socket';
        is + (ask($server))[0], $second, 'the second certificate';
        hup($server);
        is + (ask($server))[0],    $second, 'after another SIGHUP';
        is pipes_of($pid),         $pipes,  'no pipe is left open';
        is $server->stop,          0,       'it ends well';
        is $server->warnings_said, '',      'without a warning';
    };
}

subtest 'a certificate that has become unusable' => sub {
    my $first = new_pair('first');
    my $server =
        VouchTest::NetServer->start(Fork => { SSL_cert_file => $pair[0], SSL_key_file => $pair[1] }, $SERVER);
    is + (ask($server))[0], $first, 'the certificate';
    spew($pair[0], "not a certificate\n");
    kill HUP => $server->pid;
    ok $server->wait_for(qr/Cannot start TLS for VOUCH_SSL .*hup-cert.pem/), 'is reported after SIGHUP';
    is $server->peer->finish, 1, 'and ends the server';
};

# Where everybody may read what the server needs, but for its key.
sub open_house {
    my ($status) = run_command(['cp', '-r', 'blib', "$dir/blib"]);
    die 'cp failed' if $status != 0;
    chmod 0755, $dir;
    return (PERL5LIB => "$dir/blib/lib:$dir/blib/arch");
}

my %NOBODY = (user => 'nobody', group => 'nogroup');

my $root_only =
    $> == 0 && getpwnam 'nobody' && getgrnam 'nogroup' ? undef : 'only root can give up being root';

subtest 'a key that only root can read' => sub {
    plan skip_all => $root_only if $root_only;
    my %env = open_house();
    for my $personality (qw(Fork PreFork Single)) {
        subtest $personality => sub {
            my $first  = new_pair('first');
            my $server = VouchTest::NetServer->start(
                $personality => {
                    SSL_cert_file => $pair[0],
                    SSL_key_file  => $pair[1],
                    %NOBODY,
                    $personality eq 'PreFork' ? %MANY : ()
                },
                $SERVER,
                env => \%env
            );
            my ($shown, $answer) = ask($server);
            is $shown, $first, 'the first certificate';
            like $answer, qr/another\z/, 'the server is not root';
            my $log = hup($server);
            like $log, qr/hup-key.pem cannot be read any more \(Permission denied\): using what it was/,
                'after SIGHUP it says what it cannot read';
            is + (ask($server))[0], $first, 'and works';
            my $identity = Vouch::Identity->load(cert_file => $pair[0], key_file => $pair[1])->renew;
            $identity->save(cert_file => $pair[0], key_file => $pair[1], replace => 1);
            hup($server);
            is + (ask($server))[0], $identity->certificate->fingerprint,
                'a certificate renewed with the same key is taken';
            my $other = new_pair('other');
            $log = hup($server);
            like $log, qr/hup-key.pem does not match .*using the certificate, too, as it was before/,
                'one with another key is reported';
            my $now = (ask($server))[0];
            isnt $now, $other, 'and not taken';
            like $now, qr/\Asha256/, 'the server goes on with what it had';
            is $server->warnings_said, '', 'without a warning';
            is $server->stop,          0,  'it ends well';
        };
    }
};

subtest 'new threads of a server that is not root any more' => sub {
    plan skip_all => $root_only                 if $root_only;
    plan skip_all => 'this Perl has no threads' if !$Config{useithreads};
    my %env    = open_house();
    my $first  = new_pair('first');
    my $server = VouchTest::NetServer->start(
        Thread => { SSL_cert_file => $pair[0], SSL_key_file => $pair[1], %NOBODY },
        $SERVER, env => \%env
    );
    for (1 .. 3) {
        my ($shown, $answer) = ask($server);
        is $shown, $first, 'they have the certificate';
        like $answer, qr/another\z/, 'though they could not read the key';
    }
    hup($server);
    is + (ask($server))[0], $first, 'after SIGHUP, too' or diag $server->log;
};

subtest 'keys by name, and more than a pipe holds' => sub {
    plan skip_all => $root_only if $root_only;
    my %env = open_house();
    my (%cert, %key);
    for my $name ('', 'a.example', 'b.example') {
        my $identity = Vouch::Identity->create(cn => $name || 'default');
        my $stem     = "$dir/many-" . ($name || 'default');
        $identity->save(cert_file => "$stem-cert.pem", key_file => "$stem-key.pem", replace => 1);
        @{ \%cert }{$name} = "$stem-cert.pem";
        @{ \%key }{$name}  = "$stem-key.pem";
    }
    my @files  = (SSL_cert_file => \%cert, SSL_key_file => \%key);
    my $server = VouchTest::NetServer->start(Fork => { @files, %NOBODY }, $SERVER, env => \%env);
    unlike $server->log, qr/too large/, 'nothing is said of what fits';
    hup($server);
    for my $name (sort keys %cert) {
        my $client = $server->client(SSL_hostname => $name || 'other.example');
        is $client->peer_certificate('cn'), $name || 'default', "the certificate of '$name'";
    }
    is $server->stop, 0, 'it ends well';
    for my $path (values %cert) { spew($path, ("# padding\n" x 40_000) . slurp($path)) }
    $server = VouchTest::NetServer->start(Fork => { @files, %NOBODY }, $SERVER, env => \%env);
    like $server->log, qr/too large to be handed over at SIGHUP .*let the user 'nobody' read the files/,
        'what does not fit is told at the start';
    is + (ask($server))[1] =~ /another/, 1, 'where the server works';
};

done_testing;
