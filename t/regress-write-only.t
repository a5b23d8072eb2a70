use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest         qw(identity);
use VouchTest::Server ();
use Vouch::Socket;

# A client that only writes does not read the session tickets of TLS 1.3; those
# that come when its socket is gone are answered with a reset, and the server
# loses what it has not read.  close(SSL_fast_shutdown => 0) waits for them.

use constant LENGTH => 200_000;

my @server = identity('server', cn => 'localhost', san => ['127.0.0.1']);
my $server = VouchTest::Server->start(
    ssl   => { SSL_cert_file => $server[0], SSL_key_file => $server[1] },
    serve => sub {
        my ($client, $tell) = @_;
        my $sum = 0;
        while (my $got = sysread $client, my $bytes, 16_384) { $sum += $got }
        $tell->("$sum $SSL_ERROR");
    },
);

my %told;
for (1 .. 40) {
    my $socket =
        Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => $server->port, SSL_ca_file => $server[0])
        or die "connect: $SSL_ERROR";
    print {$socket} 'x' x LENGTH;
    $socket->close(SSL_fast_shutdown => 0, Timeout => 20) or die "close: $SSL_ERROR";
    $told{ $server->next_line }++;
}
is_deeply \%told, { LENGTH . ' ' => 40 }, 'the server has read everything';

done_testing;
