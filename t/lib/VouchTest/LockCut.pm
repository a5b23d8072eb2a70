package VouchTest::LockCut;

use v5.16;
use warnings;

# A relay between clients and a daemon, in a process of its own, whose
# connections can all be cut at once: what a network does.  Clients see the end
# before the daemon does, as with a lease, so that who is certain to hold is
# right.

use Carp           qw(croak);
use IO::Select     ();
use IO::Socket::IP ();
use POSIX          ();

sub new {
    my ($class, $port) = @_;
    my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 128) or croak "listen: $@";
    my $pid      = fork // croak "fork: $!";
    if ($pid == 0) {
        $SIG{ALRM} = 'DEFAULT';
        _relay($listener, $port);
        POSIX::_exit(0);
    }
    return bless { pid => $pid, port => $listener->sockport, owner => $$ }, $class;
}

sub port { return $_[0]{port} }
sub cut  { kill USR1 => $_[0]{pid}; return }

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!);
    kill KILL => $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

sub _relay {
    my ($listener, $port) = @_;
    my (%near, %other, $cut);    # client sockets; the far end of each
    $SIG{USR1} = sub { $cut = 1 };
    my $select = IO::Select->new($listener);
    while (getppid != 1) {
        my @ready = $select->can_read(1);
        if ($cut) {
            $cut = 0;
            _drop($select, $_) for values %near, values %other;
            (%near, %other) = ();
            next;
        }
        for my $socket (@ready) {
            if ($socket == $listener) {
                my $client = $listener->accept                                               or next;
                my $daemon = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) or next;
                $near{$client}  = $client;
                $other{$client} = $daemon;
                $other{$daemon} = $client;
                $select->add($client, $daemon);
                next;
            }
            my $far = $other{$socket} or next;
            my $bytes;
            next if sysread($socket, $bytes, 65_536) && _send($far, $bytes);
            _drop($select, $_) for sort { exists $near{$b} <=> exists $near{$a} } $socket, $far;
            delete @near{ $socket, $far };
            delete @other{ $socket, $far };
        }
    }
    return;
}

sub _send {
    my ($to, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while (length $bytes) {
        my $sent = syswrite $to, $bytes or return 0;
        substr $bytes, 0, $sent, q();
    }
    return 1;
}

sub _drop {
    my ($select, $socket) = @_;
    $select->remove($socket);
    close $socket if $socket->opened;
    return;
}

1;
