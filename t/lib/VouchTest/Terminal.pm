package VouchTest::Terminal;

use v5.16;
use warnings;

# A command on a terminal of its own: what it shows is waited for, and
# answered.
#
#   my $terminal = VouchTest::Terminal->run(@command);
#   $terminal->expect(qr/password/);    # true once that was shown
#   $terminal->type("secret\r");
#   my ($status, $all) = $terminal->end;

use Carp        qw(croak);
use IO::Pty     ();
use POSIX       ();
use Time::HiRes ();

use constant WAIT => 20;    # seconds

sub run {
    my ($class, @command) = @_;
    my $pty = IO::Pty->new or croak "no terminal: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        $pty->make_slave_controlling_terminal;
        my $slave = $pty->slave;
        close $pty;
        open $_, '+<&', $slave->fileno or POSIX::_exit(126) for \*STDIN, \*STDOUT, \*STDERR;
        $SIG{ALRM} = 'DEFAULT';
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    $pty->close_slave;
    $pty->blocking(0);
    return bless { pty => $pty, pid => $pid, all => q(), seen => 0 }, $class;
}

# Whether something arrived; undef at the end.
sub _more {
    my ($self, $deadline) = @_;
    my $left = $deadline - Time::HiRes::time();
    return if $left <= 0;
    my $bits = q();
    vec($bits, fileno $self->{pty}, 1) = 1;
    select $bits, undef, undef, $left;
    my $got = sysread $self->{pty}, $self->{all}, 65_536, length $self->{all};
    return 1 if $got || (!defined $got && $!{EAGAIN});
    return;
}

sub expect {
    my ($self, $pattern) = @_;
    my $deadline = Time::HiRes::time() + WAIT;
    while (1) {
        pos($self->{all}) = $self->{seen};
        if ($self->{all} =~ /$pattern/g) { $self->{seen} = pos $self->{all}; return 1 }
        $self->_more($deadline) or return 0;
    }
    return;
}

sub type {
    my ($self, $text) = @_;
    syswrite $self->{pty}, $text;
    return;
}

sub end {
    my ($self) = @_;
    my $deadline = Time::HiRes::time() + WAIT;
    1 while $self->_more($deadline);
    kill KILL => $self->{pid} if Time::HiRes::time() >= $deadline;
    waitpid $self->{pid}, 0;
    return ($? >> 8, $self->{all} =~ s/\r\n/\n/gr);
}

1;
