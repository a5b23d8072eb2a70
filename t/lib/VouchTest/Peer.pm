package VouchTest::Peer 0.001;

use v5.16;
use warnings;

# A foreign program in a child process, talked to through its standard
# input, its output read as it comes: openssl s_client, curl, a script.
#
#   my $peer = VouchTest::Peer->start('openssl', 's_server', ...);
#   my ($port) = $peer->wait_for(qr/^ACCEPT .*:([0-9]+)$/m);
#   $peer->send("hello\n");
#   my $status = $peer->finish;               # closes its input first
#   $peer->out; $peer->err;                   # all of it until now
#
# start({ dir => ..., env => { NAME => value } }, ...) runs it there, so.

use Carp        qw(croak);
use IO::Handle  ();
use POSIX       ();
use Time::HiRes qw(sleep time);
use VouchTest   ();

use constant WAIT => 20;    # seconds for anything that is waited for

sub start {
    my ($class, @command) = @_;
    my $how   = ref $command[0] ? shift @command : {};
    my @pipes = map { [_pipe()] } 1 .. 3;
    my $pid   = fork // croak "fork: $!";
    _become(\@pipes, $how, @command) if $pid == 0;
    my ($in, $out, $err) = ($pipes[0][1], $pipes[1][0], $pipes[2][0]);
    CORE::close $_ for $pipes[0][0], $pipes[1][1], $pipes[2][1];
    $_->blocking(0) for $out, $err;
    $in->autoflush(1);
    return bless {
        command => "@command",
        pid     => $pid,
        owner   => $$,
        in      => $in,
        from    => { out => $out, err => $err },
        seen    => { out => '',   err => '' },
    }, $class;
}

sub _pipe {
    pipe my $read, my $write or croak "pipe: $!";
    return ($read, $write);
}

sub _become {
    my ($pipes, $how, @command) = @_;
    my ($in,    $out, $err)     = @$pipes;
    open STDIN,  '<&', $in->[0]  or POSIX::_exit(126);
    open STDOUT, '>&', $out->[1] or POSIX::_exit(126);
    open STDERR, '>&', $err->[1] or POSIX::_exit(126);
    @SIG{qw(ALRM PIPE)} = ('DEFAULT', 'DEFAULT');
    my %env = %{ $how->{env} // {} };
    @ENV{ keys %env } = values %env;
    chdir($how->{dir} // '.') or POSIX::_exit(126);
    delete $ENV{LD_PRELOAD} if !VouchTest::is_perl($command[0]);    # a sanitizer is for Perl alone
    exec { $command[0] } @command or POSIX::_exit(127);
}

sub out  { return $_[0]{seen}{out} }
sub err  { return $_[0]{seen}{err} }
sub text { return $_[0]{seen}{out} . $_[0]{seen}{err} }
sub pid  { return $_[0]{pid} }

# Wait until the output, or what it says on its standard error, matches: the
# groups of the pattern, or 1 if it has none.  Dies if that does not come.
sub wait_for {
    my ($self, $pattern, $seconds) = @_;
    my $deadline = time + ($seconds // WAIT);
    while (1) {
        for my $text (values %{ $self->{seen} }) {
            my @found = $text =~ $pattern;
            return wantarray ? @found : $found[0] if @found;
        }
        next if $self->_read($deadline - time);
        croak "$self->{command}: no output like $pattern, but:\n" . $self->text;
    }
}

# Read what there is; false at the end of both streams or past the deadline.
sub _read {
    my ($self, $seconds) = @_;
    my $bits = '';
    vec($bits, fileno $_, 1) = 1 for values %{ $self->{from} };
    return 0 if $bits eq '' || $seconds <= 0;
    return 0 if select(my $ready = $bits, undef, undef, $seconds) <= 0;
    for my $name (keys %{ $self->{from} }) {
        my $handle = $self->{from}{$name};
        next if !vec $ready, fileno $handle, 1;
        my $got = sysread $handle, $self->{seen}{$name}, 65536, length $self->{seen}{$name};
        delete $self->{from}{$name} if defined $got && $got == 0;
    }
    return 1;
}

# A peer that is gone already is no failure: its output tells.
sub send {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $bytes) = @_;
    print { $self->{in} } $bytes;
    return $self;
}

sub end_input {
    my ($self) = @_;
    CORE::close delete $self->{in} if $self->{in};
    return $self;
}

# Read to the end and take the exit status; -1 past the deadline.
sub finish {
    my ($self, $seconds) = @_;
    my $deadline = time + ($seconds // WAIT);
    $self->end_input;
    1 while $self->_read($deadline - time);
    while (waitpid($self->{pid}, POSIX::WNOHANG()) == 0) {
        if (time > $deadline) { $self->stop; return -1 }
        sleep 0.005;
    }
    $self->{pid} = 0;
    return $? & 127 ? 128 + ($? & 127) : $? >> 8;
}

sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    kill KILL => $self->{pid};
    waitpid $self->{pid}, 0;
    $self->{pid} = 0;
    return;
}

sub DESTROY { local ($?, $@, $!); $_[0]->stop; return }

1;
