use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Test::LeakTrace' => 'libtest-leaktrace-perl';

use Test::LeakTrace qw(leaked_count);

use VouchTest        qw(identity);
use VouchTest::Turns qw(listener sockets);
use Vouch::Check;
use Vouch::Socket;

# Explaining failures keeps nothing, but the last error of all.

my @server = identity('server', cn => 'localhost');
my %files  = (SSL_cert_file => $server[0], SSL_key_file => $server[1]);

sub no_leak {
    my ($name, $code) = @_;
    my $once = sub { local $Vouch::Socket::LAST_ERROR; $code->(); return };
    $once->() for 1 .. 3;
    my $leaked;
    for (1 .. 4) {    # a leak is there every time
        $leaked = leaked_count(sub { $once->() });
        last if $leaked == 0;
    }
    is $leaked, 0, $name;
    return;
}

# Steps of both until neither goes on.
sub shake {
    my ($server, $client) = @_;
    for (1 .. 10) {
        $client->connect_SSL if $client->opened > -1 && !$client->is_SSL;
        $server->accept_SSL  if $server->opened > -1 && !$server->is_SSL;
    }
    return;
}

sub look {
    my ($error) = @_;
    my @all = map { $error->$_ } qw(cause side alert peer server_name hint details text);
    return scalar @all;
}

my %refusing = (
    SSL_verify_mode    => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    SSL_client_ca_file => $server[0]
);
for my $version (qw(TLSv1_2 TLSv1_3)) {
    my $listener = listener(%files, %refusing, SSL_version => $version);
    no_leak "$version: a client without a certificate", sub {
        my ($server, $client) = sockets($listener);
        shake($server, $client);
        look($server->last_error);
        my @asked = $client->asked_authorities;
        if ($client->is_SSL) { my $got = sysread $client, my $byte, 1 }
        look($client->last_error);
        look(Vouch::Socket->last_error);
    };
}

my $plain = listener(%files);
no_leak 'plain HTTP', sub {
    my $client = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $plain->sockport)
        or die "connect: $!";
    syswrite $client, "GET / HTTP/1.0\r\n\r\n";
    my $server = $plain->accept or die "accept: $!";
    $server->accept_SSL;
    look($server->last_error);
};

subtest 'vouch check' => sub {
    my $server = Vouch::Socket->new(LocalHost => '127.0.0.1', Listen => 10, %files)
        or die "listen: $SSL_ERROR";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        while (1) {
            my $client = $server->accept or next;
            my $line   = <$client>;
            $client->close;
        }
    }
    my $target = '127.0.0.1:' . $server->sockport;
    $server->close(SSL_no_shutdown => 1);
    no_leak 'a server', sub { Vouch::Check->new($target, ca => $server[0])->run };
    kill KILL => $pid;
    waitpid $pid, 0;
    no_leak 'nobody there', sub {
        eval { Vouch::Check->new($target, ca => $server[0])->run };
    };
};

done_testing;
