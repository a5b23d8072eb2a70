package VouchTest::Flom;

use v5.16;
use warnings;

# The command flom, a daemon of its own for a test, and connections that
# speak its protocol byte by byte.

use Carp             qw(croak);
use Exporter         qw(import);
use File::Spec       ();
use IO::Select       ();
use IO::Socket::IP   ();
use IO::Socket::UNIX ();
use MIME::Base64     qw(encode_base64);
use POSIX            ();
use Time::HiRes      qw(sleep time);
use VouchTest        qw(run_command slurp spew temp_dir);

our @EXPORT_OK =
    qw(flom flom_path sample start_command start_flom finish message lock_message unlock_message);

$ENV{HOME} = temp_dir() . '';    # no configuration of the user's

sub flom_path { return File::Spec->rel2abs('blib/script/flom') }

# (exit status, stdout, stderr) of flom with these arguments.
sub flom {
    my (@arg) = @_;
    my %opt = ref $arg[-1] ? %{ pop @arg } : ();
    return run_command([flom_path(), @arg], %opt);
}

# A flom in the background; what it prints goes to $path.out and .err.
sub start_flom { return start_command(flom_path(), @_) }

# The same for a command that runs it elsewhere.
my $started = 0;

sub start_command {
    my (@command) = @_;
    my $path      = temp_dir() . '/flom-' . ++$started;
    my $pid       = fork // croak "fork: $!";
    if ($pid == 0) {
        open STDOUT, '>', "$path.out" or POSIX::_exit(126);
        open STDERR, '>', "$path.err" or POSIX::_exit(126);
        $SIG{ALRM} = 'DEFAULT';
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    return { pid => $pid, path => $path };
}

# Its end: (exit status, stdout, stderr).
sub finish {
    my ($flom, $seconds) = @_;
    my $status = VouchTest::_wait_for($flom->{pid}, $seconds // 20);
    return ($status, slurp("$flom->{path}.out"), slurp("$flom->{path}.err"));
}

# What FLoM 1.7.2 sends, with the id of this host.
sub sample {
    my ($name) = @_;
    state $id = do { my ($status, $out) = flom('--unique-id'); chomp $out; $out };
    return slurp("t/data/flom/$name.xml") =~ s/00112233445566778899aabbccddeeff/$id/r;
}

sub message {
    my ($verb, $step, $inside) = @_;
    return qq{<?xml version="1.0" encoding="UTF-8" ?><msg level="3" verb="$verb" step="$step">$inside</msg>};
}

sub lock_message {
    my ($name, %arg) = @_;
    my %all    = (mode => 5, wait => 1, create => 1, lifespan => 0, %arg);
    my $base64 = encode_base64($name, '');
    return message(
        1, 8, join ' ',
        "<resource name=\"$base64\"",
        (map { qq{$_="$all{$_}"} } sort keys %all), '/>'
    );
}

sub unlock_message {
    my ($name, $rollback) = @_;
    my $base64 = encode_base64($name, '');
    return message(2, 8, qq{<resource name="$base64" rollback="${\ ($rollback // 0)}" />});
}

# A daemon on a unix socket; it ends with the object.
sub new {
    my ($class, @arg) = @_;
    state $count = 0;
    my $socket = temp_dir() . '/lockd-' . ++$count;
    my $self   = bless { socket => $socket, where => ['-s', $socket], owner => $$, arg => \@arg }, $class;
    return $self->start;
}

# The same on a TCP address, at a port that is free.
sub tcp {
    my ($class, $host, @arg) = @_;
    my $self = bless { host => $host, port => _free_port($host), owner => $$, arg => \@arg }, $class;
    $self->{where} = ['-a', $host, '-p', $self->{port}];
    return $self->start;
}

sub _free_port {
    my ($host) = @_;
    my $free   = IO::Socket::IP->new(LocalHost => $host, Listen => 1) or croak "no $host: $@";
    my $port   = $free->sockport;
    close $free or croak "close: $!";
    return $port;
}

# The options that lead there.
sub where { return @{ $_[0]{where} } }

sub start {
    my ($self) = @_;
    $self->{flom} = start_flom('--daemon', $self->where, '-d', -1, @{ $self->{arg} });
    my $deadline = time + 20;
    until ($self->is_ready) {
        croak 'the daemon did not start: ' . slurp("$self->{flom}{path}.err")
            if time > $deadline || waitpid($self->{flom}{pid}, POSIX::WNOHANG()) != 0;
        sleep 0.01;
    }
    return $self;
}

# It says so in its log, or, where that is elsewhere, answers.
sub is_ready {
    my ($self) = @_;
    return 1 if -e "$self->{flom}{path}.err" && $self->log =~ /: ready$/m;
    return $self->{socket} && -S $self->{socket} && $self->connect;
}
# A thread has no copy, which would end it.
sub CLONE_SKIP { return 1 }

sub socket { return $_[0]{socket} }
sub port   { return $_[0]{port} }
sub pid    { return $_[0]{flom}{pid} }
sub log    { return slurp("$_[0]{flom}{path}.err") }

# flom with this daemon: (exit status, stdout, stderr).
sub run {
    my ($self, @arg) = @_;
    return flom($self->where, '-d', 0, @arg);
}

sub start_run {
    my ($self, @arg) = @_;
    return start_flom($self->where, '-d', 0, @arg);
}

sub connect {
    my ($self) = @_;
    my $socket =
        $self->{socket}
        ? IO::Socket::UNIX->new(Peer => $self->{socket})
        : IO::Socket::IP->new(PeerHost => $self->{host}, PeerPort => $self->{port});
    return if !$socket;
    return bless { socket => $socket, buffer => '' }, 'VouchTest::Flom::Raw';
}

# End it by a signal: its exit status.
sub stop {
    my ($self, $signal) = @_;
    my $flom = delete $self->{flom} or return;
    kill $signal // 'TERM', $flom->{pid};
    return VouchTest::_wait_for($flom->{pid}, 20);
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!, $@);
    $self->stop('KILL');
    return;
}

package VouchTest::Flom::Raw {    ## no critic (ProhibitMultiplePackages)
    use Time::HiRes qw(time);

    sub handle { return $_[0]{socket} }

    sub say {
        my ($self, $bytes) = @_;
        my $sent = CORE::syswrite($self->{socket}, $bytes);
        return defined $sent && $sent == length $bytes;
    }

    # The next message; undef at the end; '' when none comes in time.
    sub hear {
        my ($self, $seconds) = @_;
        my $deadline = time + ($seconds // 5);
        while (index($self->{buffer}, '</msg>') < 0) {
            my $left = $deadline - time;
            return '' if $left <= 0 || !IO::Select->new($self->{socket})->can_read($left);
            my $count = sysread $self->{socket}, $self->{buffer}, 65_536, length $self->{buffer};
            return undef if !$count;    ## no critic (ProhibitExplicitReturnUndef)
        }
        return substr $self->{buffer}, 0, 6 + index($self->{buffer}, '</msg>'), '';
    }

    # Just the code of the next answer, and the element.
    sub answer {
        my ($self, $seconds) = @_;
        my $text = $self->hear($seconds) // return 'end';
        return 'nothing' if $text eq '';
        my ($step) = $text =~ /step="(\d+)"/;
        my ($rc)   = $text =~ /rc="(-?\d+)"/;
        my ($what) = $text =~ /element="([^"]*)"/;
        return join ' ', $step, $rc // 'none', $what // ();
    }

    sub ask   { my ($self, $bytes, $seconds) = @_; $self->say($bytes); return $self->answer($seconds) }
    sub close { return CORE::close($_[0]{socket}) }

    # A lock that those who have just left may still have to give up.
    sub gets {
        my ($self, $bytes) = @_;
        my $answer = $self->ask($bytes, 10);
        return $answer eq '16 1' ? $self->answer(10) =~ s/\A24/16/r : $answer;
    }
}

1;
