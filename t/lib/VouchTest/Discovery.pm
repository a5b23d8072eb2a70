package VouchTest::Discovery;

use v5.16;
use warnings;

# What the tests of discovery share: daemons that answer in a group, on this
# host or another one, datagrams, and impostors that answer with anything.

use Exporter        qw(import);
use IO::Select      ();
use POSIX           ();
use Socket          qw(:DEFAULT inet_pton pack_sockaddr_in6);
use Time::HiRes     qw(sleep time);
use VouchTest       qw(slurp spew temp_dir);
use VouchTest::Flom qw(flom flom_path);

our @EXPORT_OK = qw(ask datagram find impostor start_activated start_daemon udp wait_until PORT QUESTION);

use constant PORT     => 39_801;
use constant QUESTION => slurp('t/data/flom/discover_8.xml');

# flom that looks for a daemon, and starts none.
sub find { return flom('-P', PORT, '-d', 0, @_) }

sub udp {
    my ($host) = @_;
    my $family = $host =~ /:/ ? AF_INET6 : AF_INET;
    socket my $socket, $family, SOCK_DGRAM, 0 or die "socket: $!";
    return $socket;
}

# Send bytes to a host or a group, such as "ff02::7:7%2" (the number of an
# interface).
sub datagram {
    my ($socket, $bytes, $host, $port) = @_;
    my ($address, $zone) = split /%/, $host;
    my $to =
        $host =~ /:/
        ? pack_sockaddr_in6($port // PORT, inet_pton(AF_INET6, $address), $zone // 0)
        : pack_sockaddr_in($port // PORT, inet_aton($address));
    return defined send $socket, $bytes, 0, $to;
}

# Send, and hear what comes back; '' when nothing does in time.
sub ask {
    my ($bytes, $host, $seconds) = @_;
    my $socket = udp($host);
    datagram($socket, $bytes, $host) or die "$host: $!";
    return '' if !IO::Select->new($socket)->can_read($seconds // 5);
    recv $socket, my $answer, 65_536, 0;
    return $answer;
}

# A process: its standard output is in the file {out}; it ends with the object.
sub _start {
    my ($host, $name, @command) = @_;
    state $count = 0;
    my $path = temp_dir() . "/$name-" . ++$count;
    @command = $host->command(@command) if $host;
    spew("$path.$_", '') for qw(out err);
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDOUT, '>', "$path.out" or POSIX::_exit(126);
        open STDERR, '>', "$path.err" or POSIX::_exit(126);
        $SIG{ALRM} = 'DEFAULT';
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    return bless { pid => $pid, path => $path, owner => $$ }, __PACKAGE__;
}

sub wait_until {
    my ($code) = @_;
    my $deadline = time + 20;
    sleep 0.01 until $code->() || time > $deadline;
    return;
}

sub _until {
    my ($self, $file, $pattern) = @_;
    wait_until(sub { slurp("$self->{path}.$file") =~ $pattern });
    return $self;
}

# A daemon with these options, on a host or on this one (undef).
sub start_daemon {
    my ($host, @arg) = @_;
    return _start($host, 'daemon', _daemon(@arg))->_until('err', qr/FLM003I: ready$/m);
}

sub _daemon {
    my (@arg) = @_;
    return (flom_path(), qw(--daemon -d -1 --log stderr --log-level info -P), PORT, @arg);
}

# The same with a TCP socket that a service manager has opened at an address.
sub start_activated {
    my ($address, @arg) = @_;
    my $self = _start(undef, 'activated', $^X, '-MPOSIX', '-MIO::Socket::IP', '-e',
        <<'PERL', $address, _daemon(@arg));
        $^F = 255;    # it is for the command
        my $listener = IO::Socket::IP->new(LocalHost => shift @ARGV, Listen => 5) or die $@;
        POSIX::dup2($listener->fileno, 3) // die $!;
        $| = 1;
        print $listener->sockport, "\n";
        @ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, $$);
        exec @ARGV or die $!;
PERL
    $self->_until('err', qr/FLM003I: ready$/m);
    $self->{port} = slurp("$self->{path}.out") =~ s/\n//r;
    return $self;
}

# One that answers each question in the group with all these datagrams.
sub impostor {
    my ($host, $group, @answers) = @_;
    my $self = _start($host, 'impostor', $^X, '-MSocket=:all', '-e',
        <<'PERL', $group, PORT, map { unpack 'H*', $_ } @answers);
        $| = 1;
        my ($group, $port, @answers) = @ARGV;
        socket my $socket, AF_INET, SOCK_DGRAM, 0 or die $!;
        setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1 or die $!;
        bind $socket, pack_sockaddr_in($port, INADDR_ANY) or die $!;
        setsockopt $socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, pack_ip_mreq(inet_aton($group)) or die $!;
        print "ready\n";
        while (defined(my $from = recv $socket, my $question, 2048, 0)) {
            defined send $socket, pack('H*', $_), 0, $from or die $! for @answers;
        }
PERL
    return $self->_until('out', qr/^ready$/m);
}

sub pid { return $_[0]{pid} }
sub log { return slurp("$_[0]{path}.err") }

# The TCP port of a daemon, from its log.
sub port {
    return $_[0]{port}
        // ($_[0]->log =~ /listening on \S+:(\d+)/ ? $1 : die 'no port in the log: ' . $_[0]->log);
}

# End it: its exit status.
sub stop {
    my ($self, $signal) = @_;
    my $pid = delete $self->{pid} or return;
    kill $signal // 'TERM', $pid;
    return VouchTest::_wait_for($pid, 20);
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!, $@);
    $self->stop;
    return;
}

1;
