use v5.16;
use warnings;

package VouchBench::Listening 0.001;

# Ports for the servers of a benchmark, and when they are ready.

use Exporter         qw(import);
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Time::HiRes      qw(sleep time);

our @EXPORT_OK = qw(free_port until_listening);

use constant SECONDS => 20;

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "no port: $!\n";
    return $socket->sockport;
}

# Unix sockets, and host:port.
sub until_listening {
    my (@places) = @_;
    my $end = time + SECONDS;
    for my $place (@places) {
        until (_answers($place)) {
            die "nobody listens at $place: $!\n" if time > $end;
            sleep 0.02;
        }
    }
    return;
}

sub _answers {
    my ($place) = @_;
    return $place =~ m{\A/} ? IO::Socket::UNIX->new(Peer => $place) : IO::Socket::INET->new($place);
}

1;
