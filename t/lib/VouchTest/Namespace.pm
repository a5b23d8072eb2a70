package VouchTest::Namespace;

use v5.16;
use warnings;

# A test with a network of its own: loading this runs it again in a new
# network namespace, where all addresses and ports are free and nothing
# leaves the machine.
#
#   use VouchTest::Namespace;
#   my $host = VouchTest::Namespace->new('b', '10.77.0.2', 'fd77::2');
#   run_command([$host->command('ip', 'addr')]);
#
# new() makes another host, joined to this one by a cable; here its end is
# called "to-b", there "eth0".

use Carp        qw(croak);
use POSIX       ();
use Test::More  ();
use Time::HiRes qw(sleep time);
use VouchTest::Needs
    ip      => 'iproute2',
    nsenter => 'util-linux',
    unshare => 'util-linux';

# Root makes one; others may be root of a namespace, where that is allowed.
my @WAYS = (['unshare', '--net'], ['unshare', '--map-root-user', '--net']);

sub import {
    return if $ENV{VOUCH_TEST_NAMESPACE};
    for my $way (@WAYS) {
        next if !_works(@$way, 'ip', 'link', 'add', 'dev', 'one', 'type', 'veth', 'peer', 'name', 'two');
        local $ENV{VOUCH_TEST_NAMESPACE} = 1;
        exec @$way, $^X, (map { "-I$_" } @INC), $0, @ARGV or die "exec: $!";
    }
    my $text = 'network namespaces cannot be made here';
    die "$text\n" if $ENV{VOUCH_TEST_ALL};
    Test::More::plan(skip_all => $text);
    return;
}

sub _works {
    my (@command) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDOUT, '>', '/dev/null' or POSIX::_exit(126);
        open STDERR, '>', '/dev/null' or POSIX::_exit(126);
        exec @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return $? == 0;
}

# A command that sets something up, here (for the class) or there (for an
# object): what it prints; it dies with what went wrong.
sub must {
    my ($self, @command) = @_;
    @command = $self->command(@command) if ref $self;
    my ($status, $out, $err) = VouchTest::run_command(\@command);
    croak "@command: $err" if $status != 0;
    return $out;
}

sub new {
    my ($class, $name, $ipv4, $ipv6) = @_;
    my $self = bless { name => $name, link => "to-$name", owner => $$ }, $class;
    $self->_begin;
    $class->must(qw(ip link add dev), $self->{link}, qw(type veth peer name eth0 netns), $self->{pid});
    $self->must(qw(ip link set lo up));
    $self->must(qw(ip link set eth0 up addrgenmode none));
    $self->must(qw(ip addr add), "$ipv4/24", qw(dev eth0));
    $self->must(qw(ip addr add), "$ipv6/64", qw(dev eth0 nodad));
    $self->must(qw(ip addr add fe80::b/64 dev eth0 nodad));
    $self->must(qw(ip route add 224.0.0.0/4 dev eth0));
    $class->must(qw(ip link set), $self->{link}, qw(up addrgenmode none));
    return $self;
}

# A process that keeps the other namespace, until its standard input ends.
sub _begin {
    my ($self) = @_;
    pipe my $from, my $ready or croak "pipe: $!";
    pipe my $hold, my $keep  or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        CORE::close $keep;
        open STDIN,  '<&', $hold  or POSIX::_exit(126);
        open STDOUT, '>&', $ready or POSIX::_exit(126);
        exec 'unshare', '--net', 'sh', '-c', 'echo ready; exec cat' or POSIX::_exit(127);
    }
    CORE::close $ready;
    croak 'the other host does not begin' if (<$from> // '') ne "ready\n";
    @$self{qw(pid keep)} = ($pid, $keep);
    return;
}

sub link { return $_[0]{link} }

# A command line that runs there.
sub command {
    my ($self, @command) = @_;
    return ('nsenter', "--net=/proc/$self->{pid}/ns/net", @command);
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!, $@);
    CORE::close delete $self->{keep};
    waitpid $self->{pid}, 0;
    return;
}

1;
