use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Socket qw(SOCK_STREAM getaddrinfo);

use VouchTest         qw(identity);
use VouchTest::Pair   ();
use VouchTest::Server ();
use Vouch::Socket;

# Ways round the checks that a policy asks for: each was one once.

my @good = identity('good', cn => 'localhost',    san => ['127.0.0.1']);
my @evil = identity('evil', cn => 'evil.example', san => ['evil.example']);
my $evil = VouchTest::Server->start(ssl => { SSL_cert_file => $evil[0], SSL_key_file => $evil[1] });

sub server { return (SSL_cert_file => $good[0], SSL_key_file => $good[1], @_) }

# A client of the server that is trusted, but is for another name.
sub to_evil {
    my (%arg) = @_;
    return Vouch::Socket->new(
        PeerHost    => '127.0.0.1',
        PeerPort    => $evil->port,
        SSL_ca_file => $evil[0],
        %arg,
    );
}

subtest 'a client with any verify mode but NONE checks' => sub {
    for my $mode (1 .. 7) {
        my $pair = VouchTest::Pair->new(
            server => { server() },
            client => { SSL_verify_mode => $mode, SSL_ca_file => \undef },
        );
        ok !$pair->{client}, "mode $mode refuses whom nobody trusts";
        like $pair->{client_error}, qr/certificate was refused/, 'and says so';
    }
};

subtest 'a session whose pin is gone' => sub {
    my $pin     = Vouch::Certificate->from_file($good[0])->fingerprint;
    my $context = Vouch::Context->new(SSL_fingerprint => $pin, SSL_force_fingerprint => 1);
    for my $version (qw(TLSv1_2 TLSv1_3)) {
        my $listener = VouchTest::Pair::listener(server(SSL_version => $version));
        my $resume   = sub {
            my ($session) = @_;
            my $client = { SSL_reuse_ctx => $context, SSL_session => $session };
            return VouchTest::Pair->new(listener => $listener, client => $client);
        };
        my ($client, $server) = $resume->()->both;
        print $server "hello\n";
        is scalar <$client>, "hello\n", "$version: a connection";
        my $session = $client->session;
        close $client;
        ok $resume->($session)->{client}->get_session_reused, 'its session resumes';
        $context->remove_pin($pin);
        my $pair = $resume->($session);
        ok !$pair->{client}, 'but not without the pin';
        like $pair->{client_error}, qr/not among the pinned ones/, 'which is why';
        $context->add_pin($pin);
    }
};

subtest 'a second connect_SSL after one that died' => sub {
    ok !eval { to_evil(SSL_startHandshake => 0, SSL_verifycn_name => "b\x{263a}d.example") },
        'a name that cannot be checked is refused at once';
    like "$@", qr/\ASSL_verifycn_name must be in its ASCII form/, 'and why';
    my $client = to_evil(SSL_startHandshake => 0, SSL_verifycn_name => '.example');
    for my $try (1, 2) {
        ok !eval { $client->connect_SSL }, "try $try with one that is none fails";
        like "$@", qr/\A"\.example" is not a host name/, 'for the name it cannot check';
    }
    ok !$client->is_SSL, 'there is no TLS';
};

subtest 'the method of the other side' => sub {
    my $client = to_evil(SSL_startHandshake => 0);
    ok !eval { $client->accept_SSL }, 'accept_SSL on a client fails';
    like "$@", qr/\Aaccept_SSL: this socket is a client by its context .*use connect_SSL/, 'and says why';
    ok !$client->connect_SSL, 'connect_SSL does what it should';
    like $SSL_ERROR, qr/IP address mismatch/, 'and checks the name';
    my $listener = VouchTest::Pair::listener(server());
    my $tcp      = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listener->sockport);
    my $server   = $listener->accept;
    ok !eval { $server->connect_SSL }, 'connect_SSL on a server fails, too';
    like "$@", qr/\Aconnect_SSL: this socket is a server by its context .*use accept_SSL/, 'and says why';
};

subtest 'a connection to no name' => sub {
    my ($error, @info) = getaddrinfo('127.0.0.1', $evil->port, { socktype => SOCK_STREAM });
    ok @info, "addresses $error";
    my @to = (PeerAddrInfo => \@info, SSL_ca_file => $evil[0]);
    ok !Vouch::Socket->new(@to), 'the address is checked where PeerAddrInfo tells no name';
    like $SSL_ERROR, qr/IP address mismatch/, 'against the certificate';
    ok +Vouch::Socket->new(@to, SSL_verifycn_name   => 'evil.example'), 'a name may be told';
    ok +Vouch::Socket->new(@to, SSL_verifycn_scheme => 'none'),         'or the check be left out';
};

subtest 'a name with a leading dot' => sub {
    ok !eval { to_evil(SSL_verifycn_name => '.example') }, 'stands for no host';
    like "$@", qr/\A"\.example" is not a host name/, 'and is refused';
};

subtest 'a cipher suite without certificates' => sub {
    my @suite = (SSL_version => 'TLSv1_2', SSL_cipher_list => 'aNULL:@SECLEVEL=0');
    my $try   = sub {
        my ($mode) = @_;
        return VouchTest::Pair->new(
            server => { server(@suite) },
            client => { @suite, SSL_verify_mode => $mode, SSL_ca_file => $good[0] },
        );
    };
    my $pair = $try->(SSL_VERIFY_PEER);
    ok !$pair->{client}, 'is no way past a client that checks';
    like $pair->{client_error}, qr/the peer has shown no certificate/, 'which says so';
    for my $mode (SSL_VERIFY_NONE, VOUCH_VERIFY_ANY) {
        $pair = $try->($mode);
        ok $pair->{client}, "with mode $mode it may be used";
        is $pair->{client}->certificate, undef, 'with nobody';
    }
};

subtest 'Timeout of connect_SSL and accept_SSL' => sub {
    for my $timeout (-1, 'soon', 'nan', 1e300) {
        my $client = to_evil(SSL_startHandshake => 0);
        ok !eval { $client->connect_SSL(Timeout => $timeout) }, "$timeout is refused";
        like "$@", qr/\ATimeout must be a number, 0 or more/, 'and does not wait for ever';
    }
};

done_testing;
