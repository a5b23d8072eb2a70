package VouchTest::Pair;

use v5.16;
use warnings;

# Both ends of a TLS connection in one process, over TCP on 127.0.0.1, so
# that a test can look at either side after every step.
#
#   my $pair = VouchTest::Pair->new(
#       server => { SSL_cert_file => ..., SSL_key_file => ... },
#       client => { SSL_verify_mode => SSL_VERIFY_NONE },
#   );
#   $pair->{client}, $pair->{server}    sockets, blocking; undef if refused
#   $pair->{client_error}, $pair->{server_error}   $SSL_ERROR, or what it died with
#
# What is written must fit into the buffers of the kernel: nobody reads
# meanwhile.

use Carp         qw(croak);
use IO::Select   ();
use Scalar::Util qw(dualvar);
use Time::HiRes  ();

use Vouch::Socket;

use constant DEADLINE => 20;    # seconds for a handshake

my %VERB = (client => 'connect_SSL', server => 'accept_SSL');

# listener: one that exists, instead of server.
sub new {
    my ($class, %arg) = @_;
    my $listener = $arg{listener} // listener(%{ $arg{server} });
    my $client   = Vouch::Socket->new(
        PeerHost           => '127.0.0.1',
        PeerPort           => $listener->sockport,
        SSL_startHandshake => 0,
        %{ $arg{client} // {} },
    ) or croak "connect: $!";
    my $server = $listener->accept or croak "accept: $!";
    my $self   = bless { client => $client, server => $server, listener => $listener }, $class;
    $self->_handshake;
    return $self;
}

sub listener {
    my (%ssl) = @_;
    return Vouch::Socket->new(
        LocalAddr          => '127.0.0.1',
        LocalPort          => 0,
        Listen             => 10,
        SSL_startHandshake => 0,
        %ssl,
    ) // croak "listen: $!";
}

# One step of each side in turn, until both are done or have failed.
sub _handshake {
    my ($self) = @_;
    my %todo   = map { $_ => 1 } qw(client server);
    my $end    = Time::HiRes::time() + DEADLINE;
    $self->{$_}->blocking(0) for keys %todo;
    while (%todo) {
        croak 'the handshake takes too long' if Time::HiRes::time() > $end;
        for my $side (grep { $todo{$_} } qw(client server)) {
            my $verb  = $VERB{$side};
            my $done  = eval { $self->{$side}->$verb };
            my $died  = $@;
            my $error = $died || ($done ? '' : $SSL_ERROR);
            $self->{"${side}_errno"} = $! + 0;
            next if !$done && !$died && ($error == SSL_WANT_READ || $error == SSL_WANT_WRITE);
            delete $todo{$side};
            $self->{"${side}_error"} = $error;
            $self->{$side}->blocking(1) if $done;
            next                        if $done;
            $self->{$side}->close(SSL_no_shutdown => 1);
            $self->{$side} = undef;
        }
        IO::Select->new(map { $self->{$_} } keys %todo)->can_read(0.05) if %todo;
    }
    return;
}

# The sockets: ($client, $server).
sub both { return @{ $_[0] }{qw(client server)} }

1;
