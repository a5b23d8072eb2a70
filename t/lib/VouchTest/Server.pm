package VouchTest::Server;

use v5.16;
use warnings;

# A TLS server in a child process, on 127.0.0.1 and a free port.  What it
# tells with its $tell function arrives, line by line, at the test's
# next_line().
#
#   my $server = VouchTest::Server->start(
#       ssl     => { SSL_cert_file => ..., SSL_key_file => ... },
#       serve   => sub { my ($client, $tell) = @_; ... },
#       refused => sub { my ($tell) = @_; ... },   # accept returned false
#   );
#   $server->port; $server->next_line; $server->stop;

use Carp        qw(croak);
use IO::Handle  ();
use POSIX       ();
use Time::HiRes ();

use constant WAIT => 20;    # seconds for one line

sub start {
    my ($class, %arg) = @_;
    pipe my $read, my $write or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        CORE::close $read;
        _child($write, %arg);
        POSIX::_exit(0);
    }
    CORE::close $write;
    $read->blocking(0);
    my $self = bless { pid => $pid, read => $read, buffer => '', owner => $$ }, $class;
    my $line = $self->next_line // croak 'the test server did not start';
    ($self->{port}) = $line =~ /\Aport ([0-9]+)\z/ or croak "test server: $line";
    return $self;
}

sub _child {
    my ($write, %arg) = @_;
    $write->autoflush(1);
    $SIG{TERM} = sub { POSIX::_exit(0) };
    $SIG{PIPE} = 'IGNORE';
    my $tell = sub {
        print {$write} map { (defined $_ ? s/([\\\n\r])/sprintf '\\x%02x', ord $1/ger : 'undef') . "\n" } @_;
    };
    $SIG{__WARN__} = sub { $tell->("warning: $_[0]") };
    eval {
        my $class = $arg{class} // 'Vouch::Socket';
        eval "require $class; 1" or die $@;    ## no critic (ProhibitStringyEval)
        my $server = $class->new(
            LocalAddr => '127.0.0.1',
            LocalPort => 0,
            Listen    => 50,
            %{ $arg{tcp} // {} }, %{ $arg{ssl} // {} },
        ) or die "no listener: $!, $@";
        $arg{listening}->($server, $tell) if $arg{listening};
        $tell->('port ' . $server->sockport);
        _accept_loop($server, $tell, %arg);
        1;
    } or $tell->("died: $@");
    return;
}

sub _accept_loop {
    my ($server, $tell, %arg) = @_;
    while (1) {
        my $client = eval { $server->accept };
        if    ($@)            { $tell->("accept died: $@"); next }
        if    ($client)       { $arg{serve}->($client, $tell, $server) if $arg{serve} }
        elsif ($arg{refused}) { $arg{refused}->($tell, $server) }
    }
    return;
}

sub port { return $_[0]{port} }
sub pid  { return $_[0]{pid} }

# The next line the server told, or undef if it told none in time.
sub next_line {
    my ($self, $seconds) = @_;
    my $line = $self->raw_line($seconds) // return;
    return $line =~ s/\\x([0-9a-f]{2})/chr hex $1/ger;
}

# The same as it was written.
sub raw_line {
    my ($self, $seconds) = @_;
    my $deadline = Time::HiRes::time() + ($seconds // WAIT);
    while ($self->{buffer} !~ /\n/) {
        my $left = $deadline - Time::HiRes::time();
        return if $left <= 0;
        my $bits = '';
        vec($bits, fileno $self->{read}, 1) = 1;
        next if select($bits, undef, undef, $left) <= 0;
        my $got = sysread $self->{read}, $self->{buffer}, 65536, length $self->{buffer};
        return if defined $got && $got == 0;
    }
    $self->{buffer} =~ s/\A(.*)\n//;
    return $1;
}

sub next_lines {
    my ($self, $count) = @_;
    return map { $self->next_line } 1 .. $count;
}

sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    kill TERM => $self->{pid};
    waitpid $self->{pid}, 0;
    my $status = $?;
    $self->{pid} = 0;
    return $status;
}

sub DESTROY { local ($?, $@); $_[0]->stop; return }

1;
