use v5.16;
use warnings;

package VouchBench::Process 0.001;

# A child process whose standard output is read line by line with a deadline.
# Whatever way the driver ends, its children are ended by their process id.

use Exporter    qw(import);
use IO::Select  ();
use POSIX       ();
use Time::HiRes qw(time);

our @EXPORT_OK = qw(run_quietly);

my %live;

$SIG{$_} = \&_interrupted for qw(INT TERM HUP ALRM);

END {
    my $status = $?;
    _end($_) for values %live;
    $? = $status;
}

# Starts @command; what it says on standard error goes to a file.
sub start {
    my ($class, %arg) = @_;
    pipe my $read, my $write or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    _become($write, @arg{qw(errors command)}) if !$pid;
    close $write;
    my $self = bless {
        pid    => $pid,
        name   => $arg{name},
        errors => $arg{errors},
        out    => $read,
        buffer => '',
        until  => time + $arg{timeout},
    }, $class;
    $live{$pid} = { pid => $pid, parent => $$ };
    return $self;
}

# The next line; dies at the end of the output or when the time is over.
sub line {
    my ($self) = @_;
    my $select = IO::Select->new($self->{out});
    while (index($self->{buffer}, "\n") < 0) {
        my $left = $self->{until} - time;
        die "$self->{name}: no answer in time\n" if $left <= 0 || !$select->can_read($left);
        my $n = sysread $self->{out}, $self->{buffer}, 4096, length $self->{buffer};
        die "$self->{name}: ended early: ", $self->complaint, "\n" if !$n;
    }
    my ($line, $rest) = split /\n/, $self->{buffer}, 2;
    $self->{buffer} = $rest;
    return $line;
}

# The next line as a hash: its first word (as told) and key=value pairs.
sub report {
    my ($self, $word) = @_;
    my $line = $self->line;
    $line =~ s/\A\Q$word\E\b// or die "$self->{name}: not understood: $line\n";
    return { $line =~ /(\w+)=(\S*)/g };
}

# Waits for the end of a process that has nothing left to say.
sub finish {
    my ($self, $ended) = @_;
    waitpid $self->{pid}, 0;
    my $status = $?;
    delete $live{ $self->{pid} };
    die "$self->{name}: status $status: ", $self->complaint, "\n" if $status && $status != ($ended // 0);
    return;
}

sub pid { return $_[0]{pid} }

# One that ends when it is told.
sub end {
    my ($self) = @_;
    kill TERM => $self->{pid};
    return $self->finish(POSIX::SIGTERM());
}

sub complaint {
    my ($self) = @_;
    open my $fh, '<', $self->{errors} or return "no complaint: $!";
    my %seen;
    my @lines = grep { /\S/ && !$seen{$_}++ } <$fh>;
    chomp @lines;
    splice @lines, 3 if @lines > 3;
    return join('; ', @lines) || 'nothing said';
}

# True if the command runs well; its output is thrown away or returned.
sub run_quietly {
    my ($errors, @command) = @_;
    open my $old, '>&', \*STDERR or die "dup: $!\n";
    open STDERR,  '>',  $errors  or die "$errors: $!\n";
    my $ok     = open my $fh, '-|', @command;
    my $output = $ok ? join('', <$fh>) : '';
    $ok &&= close $fh;
    open STDERR, '>&', $old or die "dup: $!\n";
    return $ok ? $output || '0 but true' : undef;
}

sub DESTROY {
    my ($self) = @_;
    _end($live{ $self->{pid} }) if $live{ $self->{pid} };
    return;
}

sub _become {
    my ($write, $errors, $command) = @_;
    open STDERR, '>', $errors and open STDOUT, '>&', $write and open STDIN, '<', '/dev/null'
        or POSIX::_exit(126);
    { exec { $command->[0] } @$command }
    POSIX::_exit(127);    # Perl has said why
}

sub _end {
    my ($child) = @_;
    return if $child->{parent} != $$;
    local $?;
    delete $live{ $child->{pid} };
    kill KILL => $child->{pid};
    waitpid $child->{pid}, 0;
    return;
}

sub _interrupted {
    my ($signal) = @_;
    say {*STDERR} "\nInterrupted by SIG$signal.";
    exit 1;
}

1;
