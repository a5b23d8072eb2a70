package VouchTest::Relay 0.001;

use v5.16;
use warnings;

# A TLS client whose bytes go to the server when the test says so: its TLS is
# on a pair of sockets in this process.
#
#   my $relay = VouchTest::Relay->new($port, SSL_cert_file => ..., ...);
#   $relay->send(20);          # the first bytes of its hello
#   $relay->send;              # all that it has to say now
#   $relay->hear;              # wait for the server, and let TLS answer
#   $relay->run(sub { ... });  # let bytes through until this is true
#   $relay->reset;             # end TCP with a reset; or $relay->cut

use Carp           qw(croak);
use IO::Select     ();
use IO::Socket::IP ();
use Socket         qw(AF_UNIX SOCK_STREAM SOL_SOCKET SO_LINGER);
use Time::HiRes    qw(sleep time);

use Vouch::Socket;

use constant WAIT => 15;    # seconds for anything that is waited for

sub new {
    my ($class, $port, %ssl) = @_;
    socketpair my $near, my $far, AF_UNIX, SOCK_STREAM, 0 or croak "socketpair: $!";
    my $tcp = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) or croak "connect: $@";
    $_->blocking(0) for $near, $far, $tcp;
    my $tls = Vouch::Socket->start_SSL(
        $near,
        SSL_startHandshake => 0,
        SSL_verify_mode    => SSL_VERIFY_NONE,
        %ssl
    );
    my $self = bless { tls => $tls, far => $far, tcp => $tcp, out => '' }, $class;
    $self->_step;
    return $self;
}

sub tls { return $_[0]{tls} }
sub tcp { return $_[0]{tcp} }

# Go on with the handshake, as far as it goes: true when it is done.
sub _step {
    my ($self) = @_;
    my $done   = $self->{ready} ||= !!$self->{tls}->connect_SSL;
    $self->_collect;
    return $done;
}

sub _collect {
    my ($self) = @_;
    1 while sysread $self->{far}, $self->{out}, 65_536, length $self->{out};
    return;
}

# How many bytes wait to be sent.
sub pending { my ($self) = @_; $self->_collect; return length $self->{out} }

sub send {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $count) = @_;
    $self->_collect;
    my $sent = syswrite $self->{tcp}, substr $self->{out}, 0, $count // length $self->{out};
    substr $self->{out}, 0, $sent // 0, '';
    return $self;
}

# Wait for bytes of the server and give them to TLS, whose answer then waits to
# be sent.  False at the end.
sub hear {
    my ($self) = @_;
    IO::Select->new($self->{tcp})->can_read(WAIT) or croak 'the server says nothing';
    my $count = 0;
    while (my $got = sysread $self->{tcp}, my $bytes, 65_536) {
        syswrite $self->{far}, $bytes;
        $count += $got;
    }
    $self->_step if !$self->{ready};
    return $count;
}

sub run {
    my ($self, $done) = @_;
    my $deadline = time + WAIT;
    until ($done->()) {
        croak 'the client of the test takes too long' if time > $deadline;
        $self->_step                                  if !$self->{ready};
        $self->send;
        my $got = sysread $self->{tcp}, my $bytes, 65_536;
        if ($got) { syswrite $self->{far}, $bytes }
        else      { sleep 0.002 }
    }
    return $self;
}

sub handshake {
    my ($self) = @_;
    return $self->run(sub { $self->{ready} && !$self->pending });
}

sub reset {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    setsockopt $self->{tcp}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    return $self->cut;
}

sub cut {
    my ($self) = @_;
    close $self->{$_} for qw(tcp far);
    $self->{tls}->close(SSL_no_shutdown => 1);
    return;
}

1;
