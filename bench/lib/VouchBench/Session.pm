use v5.16;
use warnings;

package VouchBench::Session 0.001;

# One run of a benchmark: the temporary directory with the programs and the
# certificates, the three servers, the interleaved rounds and their samples.

use Cwd                 qw(realpath);
use File::Basename      qw(dirname);
use File::Temp          ();
use POSIX               ();
use VouchBench::Process qw(run_quietly);
use VouchBench::Report  qw(median spread);

my $BENCH = dirname(dirname(dirname(realpath(__FILE__))));
my $BLIB  = dirname($BENCH) . '/blib';

my @FLAGS = qw(-std=c99 -O2 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wundef);

# Compiling and making certificates takes a second or two.
my $SETUP_TIMEOUT = 120;

my %CLASS = (vouch => 'Vouch::Socket', iossl => 'IO::Socket::SSL');

our @SERVERS = qw(c vouch iossl);
our %NAME    = (c => 'C', %CLASS);

sub new {
    my ($class, %arg) = @_;
    my $self = bless { %arg, missing => {}, failed => {}, samples => {}, notes => [] }, $class;
    alarm $SETUP_TIMEOUT;
    $self->{only} = [@SERVERS] if !@{ $self->{only} // [] };
    $self->{temp} = File::Temp->newdir('vouch-bench-XXXXXX', TMPDIR => 1);
    $self->{dir}  = $self->{temp}->dirname;
    $self->_compile('server', map { "$BENCH/$_.c" } qw(server server_epoll server_stream));
    $self->_compile('client', "$BENCH/client.c", "$BENCH/client_options.c");
    $self->_certificate($_) for qw(server client);
    $self->_look_for_classes;
    $self->_look_for_taskset;
    alarm 0;
    return $self;
}

sub pin      { $_[0]{pin} }
sub path     { "$_[0]{dir}/$_[1]" }
sub missing  { $_[0]{missing} }
sub notes    { @{ $_[0]{notes} } }
sub failures { %{ $_[0]{failed} } }

sub servers {
    my ($self) = @_;
    return grep { !$self->{missing}{$_} } @{ $self->{only} };
}

sub note {
    my ($self, $text) = @_;
    push @{ $self->{notes} }, $text if !grep { $_ eq $text } @{ $self->{notes} };
    return;
}

# How the server is started: in C, or as server.pl with its class.
sub server_command {
    my ($self, $server, @options) = @_;
    my @program = $self->path('server');
    @program = ($^X, _include($server), "$BENCH/server.pl", '--class', $CLASS{$server})
        if $CLASS{$server};
    return (@program, '--cert', $self->path('server.pem'), '--key', $self->path('server.key'), @options);
}

# A program of ours in Perl; under the name of IO::Socket::SSL, whichever of
# the two that is, or by its own choice.
sub perl_command {
    my ($self, $server, $program, @options) = @_;
    return $self->_perl_command($server, $server eq 'vouch' ? '-MVouch::Instead' : (), $program, @options);
}

sub own_command {
    my ($self, $server, $program, @options) = @_;
    return $self->_perl_command($server, $program, @options);
}

sub _perl_command {
    my ($self, $server, @words) = @_;
    my @instead = $words[0] =~ /\A-M/ ? shift @words : ();
    my ($program, @options) = @words;
    return (
        $^X, _include($server), @instead, "$BENCH/$program", '--cert',
        $self->path('server.pem'), '--key', $self->path('server.key'), @options
    );
}

sub client_command {
    my ($self, @options) = @_;
    return ($self->path('client'), @options);
}

# True if Perl finds the module; else a note tells what needs it.
sub has_module {
    my ($self, $module) = @_;
    return 1 if eval { $self->_tool($^X, "-M$module", '-e1') };
    $self->note("There is no $module here.");
    return;
}

# A server and its load from beginning to end: what both report.  A client may
# say something before, and wait for the server to go.
sub pair {
    my ($self, $server_command, $client_command, $first) = @_;
    my $server = $self->_start('server', 0, @$server_command);
    my $port   = $server->report('ready')->{port};
    my $client = $self->_start('client', 1, @$client_command, '--port', $port);
    my $load   = eval {
        $client->report($first) if $first;
        my $report = $client->report('done');
        $client->finish;
        $report;
    };
    die $@ =~ s/\s+\z//r, '; server: ', $server->complaint, "\n" if !$load;
    my $result = $server->report('done');
    $server->finish;
    return ($result, $load);
}

# A server that goes on for ever, perhaps in many processes: what the load
# reports, and the microseconds of CPU that they took meanwhile.  A load before
# it is not counted.
sub while_serving {
    my ($self, $server_command, $warmup_command, $client_command) = @_;
    my $server = $self->_start('server', 0, @$server_command);
    my $port   = $server->report('ready')->{port};
    my @load;
    for my $command ($warmup_command, $client_command) {
        my $before = cpu_of($server->pid);
        my $client = $self->_start('client', 1, @$command, '--port', $port);
        my $report = eval { my $told = $client->report('done'); $client->finish; $told };
        die $@ =~ s/\s+\z//r, '; server: ', $server->complaint, "\n" if !$report;
        @load = ($report, cpu_of($server->pid) - $before);
    }
    $server->end;
    return @load;
}

# One of them by itself, on any CPU.
sub start_server { my ($self, @command) = @_; return $self->_start('server', undef, @command) }
sub start_client { my ($self, @command) = @_; return $self->_start('client', undef, @command) }

# Microseconds of CPU of a process, of its children, and of those it has waited
# for.
sub cpu_of {
    my ($pid) = @_;
    my $tick  = 1e6 / POSIX::sysconf(POSIX::_SC_CLK_TCK());
    my $total = 0;
    for my $file (glob '/proc/[0-9]*/stat') {
        open my $in, '<', $file or next;
        my ($number, $rest) = (readline($in) // '') =~ /\A([0-9]+) .*\) (.*)/s or next;
        my ($parent, @fields) = (split ' ', $rest)[1 .. 14];
        $total += $fields[9] + $fields[10]  if $number == $pid || $parent == $pid;
        $total += $fields[11] + $fields[12] if $number == $pid;
    }
    return $total * $tick;
}

# For each round and cell each server in turn: A B C A B C ...  A server that
# failed in a cell is not tried in it again.
sub rounds {
    my ($self, $rounds, $cells, $measure) = @_;
    for my $round (1 .. $rounds) {
        for my $cell (@$cells) {
            $self->_progress("round $round of $rounds: $cell->{label}");
            $self->_sample($cell, $_, $measure) for $self->servers;
        }
    }
    $self->_progress('');
    return;
}

# The median of a figure of a cell, undef if it was not measured.
sub figure {
    my ($self, $cell, $server, $key) = @_;
    my $samples = $self->{samples}{ $cell->{label} }{$server} or return;
    my @known   = grep { defined } map { $_->{$key} } @$samples;
    return @known ? median(@known) : undef;
}

# The widest (largest - smallest) / median of a figure, and where it was.
sub widest_spread {
    my ($self,   $key)   = @_;
    my ($widest, $where) = (0, '');
    for my $label (sort keys %{ $self->{samples} }) {
        for my $server (sort keys %{ $self->{samples}{$label} }) {
            my @known = grep { defined } map { $_->{$key} } @{ $self->{samples}{$label}{$server} };
            next if !@known;
            my $spread = spread(@known);
            ($widest, $where) = ($spread, "$label, $NAME{$server}") if $spread > $widest;
        }
    }
    return ($widest, $where);
}

sub _sample {
    my ($self, $cell, $server, $measure) = @_;
    my $what = "$cell->{label}, $NAME{$server}";
    return if $self->{failed}{$what};
    my $sample = eval { $measure->($cell, $server) };
    if ($sample) {
        push @{ $self->{samples}{ $cell->{label} }{$server} }, $sample;
        return;
    }
    $self->{failed}{$what} = $@ =~ s/\s+\z//r;
    delete $self->{samples}{ $cell->{label} }{$server};
    return;
}

sub _start {
    my ($self, $name, $cpu, @command) = @_;
    unshift @command, 'taskset', '-c', $cpu if $self->{pinned} && defined $cpu;
    return VouchBench::Process->start(
        name    => $name,
        errors  => $self->path("$name.err"),
        timeout => $self->{timeout},
        # a driver that was killed leaves programs that end by themselves
        command => [@command, '--timeout', $self->{timeout} + 5],
    );
}

sub _progress {
    my ($self, $text) = @_;
    printf {*STDERR} "\r%-79s\r%s", '', $text if -t STDERR;
    return;
}

sub _tool {
    my ($self, @command) = @_;
    my $errors = $self->path('tool.err');
    my $output = run_quietly($errors, @command);
    return $output if defined $output;
    open my $fh, '<', $errors or die "$command[0] failed\n";
    die "@command\n", <$fh>;
}

sub _compile {
    my ($self, $name, @sources) = @_;
    my $cc   = $ENV{CC} || 'cc';
    my @libs = split ' ', $self->_tool(qw(pkg-config --cflags --libs openssl));
    $self->_tool($cc, @FLAGS, '-o', $self->path($name), @sources, @libs, '-lpthread');
    return;
}

# A self-signed P-256 certificate; the client's fingerprint is the pin.
sub _certificate {
    my ($self, $name) = @_;
    my ($key,  $pem)  = ($self->path("$name.key"), $self->path("$name.pem"));
    $self->_tool(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30),
        '-subj', "/CN=$name", '-keyout', $key, '-out', $pem);
    my $text = $self->_tool(qw(openssl x509 -noout -fingerprint -sha256 -in), $pem);
    $self->{pin} = lc $text =~ s/.*=|[:\s]//gsr;
    return;
}

sub _include {
    my ($server) = @_;
    return $server eq 'vouch' ? ("-I$BLIB/lib", "-I$BLIB/arch") : ();
}

sub _look_for_classes {
    my ($self) = @_;
    for my $server (grep { $CLASS{$_} } @{ $self->{only} }) {
        next if eval { $self->_tool($^X, _include($server), "-M$CLASS{$server}", '-e1') };
        my ($reason) = (split /\n/, $@)[1] // 'unknown';
        $self->{missing}{$server} = $reason =~ s/ \(you may need.*| in \@INC.*//r;
    }
    return;
}

sub _look_for_taskset {
    my ($self) = @_;
    $self->{pinned} = eval { $self->_tool(qw(taskset -c 0 taskset -c 1 true)) } ? 1 : 0;
    $self->note('Server and client are not pinned to a CPU each (no taskset, or one CPU).')
        if !$self->{pinned};
    return;
}

1;
