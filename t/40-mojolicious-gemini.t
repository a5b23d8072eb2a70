use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Mojo::Base' => 'libmojolicious-perl', 'Net::SSLeay' => 'libnet-ssleay-perl';
use Cwd                ();
use VouchTest          qw(identity run_command spew temp_dir);
use VouchTest::Peer    ();
use Vouch::Certificate ();
use Vouch::Socket;

# A Gemini server on Mojo::IOLoop, as Phoebe is one: virtual hosts with a
# certificate each, its own verify callback, a hook on each context, and the
# client's certificate as account.

my %host   = map { $_ => [identity($_, cn => $_, san => [$_])] } qw(one.example two.example);
my @alex   = identity('alex', cn => 'Alex');
my $alex   = Vouch::Certificate->from_file($alex[0])->fingerprint;
my $SERVER = <<'PERL';
use v5.16;
use warnings;
use Mojo::IOLoop;
use IO::Socket::SSL;

my %files = @ARGV;
my (%cert, %key, $contexts, $verified);
for my $host (sort keys %files) { ($cert{$host}, $key{$host}) = split /,/, $files{$host} }
my $id = Mojo::IOLoop->server(
    {   address => '127.0.0.1', tls => 1, tls_cert => \%cert, tls_key => \%key,
        tls_options => {
            SSL_verify_mode         => SSL_VERIFY_PEER,
            SSL_verify_callback     => sub { $verified++; return 1 },
            SSL_create_ctx_callback => sub {
                my ($ctx) = @_;
                $contexts++;
                require Net::SSLeay;
                Net::SSLeay::CTX_sess_set_cache_size($ctx, 128);
            },
        },
    },
    sub {
        my (undef, $stream) = @_;
        my $data = '';
        $stream->on(read => sub {
            my ($self, $bytes) = @_;
            $data .= $bytes;
            $data =~ m{\Agemini://([^/:]+)[^\r\n]*\r\n\z} or return;
            my $handle = $self->handle;
            my $who = $handle->peer_certificates && $handle->get_fingerprint;
            my $name = scalar $handle->peer_certificate('cn');
            $self->write(join "\n", "20 text/plain\r", $1, ref $handle, $who || 'nobody', $name // 'no name',
                "contexts $contexts", 'x' x 100_000, '');
            $self->close_gracefully;
        });
    },
);
$| = 1;
say 'port ', Mojo::IOLoop->acceptor($id)->port;
Mojo::IOLoop->start;
PERL

my $file = spew(temp_dir() . '/server.pl', $SERVER);
my $peer = do {
    local $ENV{PERL5LIB} = join ':', map { Cwd::abs_path($_) } grep { !ref && -d } @INC;
    local $ENV{PERL5OPT} = '-MVouch::Instead';
    VouchTest::Peer->start($^X, $file, map { $_ => join ',', @{ $host{$_} } } sort keys %host);
};
my ($port) = $peer->wait_for(qr/port ([0-9]+)/, 20);

# What the server says, and whether it ended properly.
sub visit {
    my ($host, %arg) = @_;
    my $socket = Vouch::Socket->new(
        PeerAddr     => '127.0.0.1',
        PeerPort     => $port,
        SSL_hostname => $host,
        SSL_ca_file  => $host{$host}[0],
        %arg
    ) or return "no connection: $SSL_ERROR";
    print {$socket} "gemini://$host/\r\n";
    local $/;
    my $text   = <$socket>;
    my $proper = $socket->last_error ? 'cut off' : 'close_notify';
    return (split(/\n/, $text), $proper);
}

subtest 'virtual hosts, accounts, the end' => sub {
    for my $round (1 .. 3) {
        for my $host (sort keys %host) {
            my @got = visit($host, SSL_cert_file => $alex[0], SSL_key_file => $alex[1]);
            is_deeply [@got[0 .. 5]],
                ["20 text/plain\r", $host, 'IO::Socket::SSL', $alex, 'Alex', 'contexts 1'],
                "$host, round $round: its certificate, the account, one context for all";
            is length $got[6], 100_000,        'all of the page';
            is $got[7],        'close_notify', 'and a proper end';
        }
    }
    my @got = visit('one.example');
    is_deeply [@got[3, 4, 7]], ['nobody', 'no name', 'close_notify'], 'a client without a certificate';
    for my $version (qw(TLSv1_2 TLSv1_3)) {
        @got = visit(
            'two.example',
            SSL_version   => $version,
            SSL_cert_file => $alex[0],
            SSL_key_file  => $alex[1]
        );
        is_deeply [@got[3, 7]], [$alex, 'close_notify'], $version;
    }
    is $peer->err, '', 'the server complains of nothing';
};

done_testing;
