package VouchTest::Netns;

use v5.16;
use warnings;

# Two hosts with a link between them, made of network namespaces (Linux, root):
#
#   my $net = VouchTest::Netns->new or plan skip_all => VouchTest::Netns->why_not;
#   run_command([$net->on('a'), 'hostname']);
#   $net->address('b');      # 10.77.0.2; address6: fd77::2
#   $net->cut;               # and mend
#
# They go with the object.

use VouchTest qw(run_command);

my $why_not = '';
my $count   = 0;

sub why_not { return $why_not }

sub new {
    my ($class) = @_;
    my $self    = bless { owner => $$, name => 'vouch' . $$ . 'n' . ++$count }, $class;
    $why_not = $> ? 'only root makes network namespaces' : $self->_make;
    return $why_not ? undef : $self;
}

sub _make {
    my ($self) = @_;
    my ($a, $b) = map { "$self->{name}$_" } qw(a b);
    my @on_a     = ('ip', '-n', $a);
    my @on_b     = ('ip', '-n', $b);
    my @commands = (
        ['ip',  'netns', 'add', $a],
        ['ip',  'netns', 'add', $b],
        [@on_a, qw(link add link0 type veth peer name link0 netns), $b],
        [@on_a, qw(addr add 10.77.0.1/24 dev link0)],
        [@on_b, qw(addr add 10.77.0.2/24 dev link0)],
        [@on_a, qw(addr add fd77::1/64 dev link0 nodad)],
        [@on_b, qw(addr add fd77::2/64 dev link0 nodad)],
    );
    for my $link (qw(lo link0)) {
        push @commands, [@on_a, qw(link set), $link, 'up'], [@on_b, qw(link set), $link, 'up'];
    }
    for my $command (@commands) {
        my ($status, undef, $error) = run_command($command);
        next if $status == 0;
        chomp $error;
        return "@$command: $error";
    }
    return '';
}

# What a command on this host begins with.
sub on       { my ($self, $host) = @_; return ('ip', 'netns', 'exec', $self->{name} . $host) }
sub address  { return $_[1] eq 'a' ? '10.77.0.1' : '10.77.0.2' }
sub address6 { return $_[1] eq 'a' ? 'fd77::1'   : 'fd77::2' }

sub cut  { my ($self) = @_; return $self->_link('down') }
sub mend { my ($self) = @_; return $self->_link('up') }

sub _link {
    my ($self, $state) = @_;
    return (run_command(['ip', '-n', "$self->{name}a", qw(link set link0), $state]))[0] == 0;
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!, $@);
    run_command(['ip', 'netns', 'del', "$self->{name}$_"]) for qw(a b);
    return;
}

1;
