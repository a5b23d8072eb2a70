package VouchTest::GnutlsServer;

use v5.16;
use warnings;

# gnutls-serv, which echoes, in a child process.  It takes a port and no 0, so
# one that was free a moment ago is tried, and then another.
#
#   my ($peer, $port) = gnutls_serv($cert, $key, @more);

use Carp           qw(croak);
use Exporter       qw(import);
use IO::Socket::IP ();

use VouchTest::Needs 'gnutls-serv' => 'gnutls-bin';
use VouchTest::Peer ();

our @EXPORT_OK = qw(gnutls_serv);

use constant TRIES => 10;

sub gnutls_serv {
    my ($cert, $key, @more) = @_;
    for (1 .. TRIES) {
        my $port = _free_port();
        my $peer = VouchTest::Peer->start('gnutls-serv', '--echo', '-p', $port, '--x509certfile', $cert,
            '--x509keyfile', $key, @more);
        return ($peer, $port) if $peer->wait_for(qr/IPv4 \S+ port $port[.]{3}(done|bind)/) eq 'done';
        $peer->stop;
    }
    croak 'gnutls-serv finds no port';
}

sub _free_port {
    my $listener = IO::Socket::IP->new(Listen => 1, LocalHost => '0.0.0.0') or croak "listen: $!";
    return $listener->sockport;
}

1;
