package VouchTest::Examples 0.001;

use v5.16;
use warnings;

# The examples of the documentation, found and run.
#
# In POD an example is complete Perl between "=for example begin" and
# "=for example end"; after "=for example begin sh" it is for the shell, after
# "=for example begin perl needs Some::Module" it is skipped without that.  In
# Markdown it is each block fenced with ```perl or ```sh.  A line directly
# above the fence may say what else to do with the block:
#
#   <!-- not run: reason -->
#   <!-- save as: server.pl -->    a file that a later example runs
#   <!-- server on port 1234 -->   start it, go on once it listens there; it
#                                  must end by itself before the document does
#   <!-- needs Some::Module -->    as in POD; also at the end of another line,
#                                  after a comma
#
# What an example prints is told beside the code: "# prints: text", in order,
# one line of output each; "..." in the text stands for anything.  Examples
# of one document run one after the other in the same folder.  The port of a
# server is exchanged for one that is free, in all examples of its document.

use Cwd            qw(getcwd);
use Exporter       qw(import);
use IO::Socket::IP ();
use POSIX          ();
use Time::HiRes    ();

our @EXPORT_OK = qw(expected_pattern examples_of_markdown examples_of_pod finish_example run_example
    write_file);

my $SECONDS = 60;    # an example that takes longer hangs

# Each returns a list of { name, kind => 'perl' or 'sh', code } and, where they
# apply, skip (the reason), save (the file's name), port (of a server); name
# is the place, "lib/Vouch.pm line 12".
sub examples_of_pod {
    my ($path) = @_;
    my ($start, $kind, $module, @code, @found);
    my @lines = read_lines($path);
    for my $number (1 .. @lines) {
        my $line = $lines[$number - 1];
        if ($line =~ /^=for example end\b/) {
            push @found, { %{ example($path, $start, $kind, unindent(@code)) }, needs($module) }
                if defined $start;
            undef $start;
        }
        push @code, $line if defined $start;
        ($start, $kind, $module, @code) = ($number, $1 // 'perl', $2)
            if $line =~ /^=for example begin\b(?: +(\w+))?(?: +needs +([\w:]+))?/;
    }
    die "$path line $start: example without end\n" if defined $start;
    return @found;
}

sub examples_of_markdown {
    my ($path) = @_;
    my ($start, $kind, %how, @code, @found);
    my @lines = read_lines($path);
    for my $number (1 .. @lines) {
        my $line = $lines[$number - 1];
        if (!defined $start && $line =~ /^```(\w*)\s*$/) {
            ($start, $kind, @code) = ($number, $1);
            %how = directive($number > 1 ? $lines[$number - 2] : q());
            next;
        }
        if (defined $start && $line =~ /^```\s*$/) {
            push @found, { %{ example($path, $start, $kind, @code) }, %how } if $kind =~ /^(?:perl|sh)\z/;
            undef $start;
        }
        push @code, $line if defined $start;
    }
    die "$path line $start: block without end\n" if defined $start;
    return with_free_ports(@found);
}

# A module that only some have: all, where Vouch is developed.
sub needs {
    my ($module) = @_;
    return if !defined $module || $ENV{VOUCH_TEST_ALL};
    my $file = $module =~ s{::}{/}gr . '.pm';
    return grep({ !ref && -e "$_/$file" } @INC) ? () : (skip => "there is no $module here");
}

# What the line above a fence asks for.
sub directive {
    my ($line) = @_;
    my ($text) = $line =~ /^<!-- (.+) -->$/ or return;
    my @needs  = $text =~ s/(?:^|, )needs ([\w:]+)$// ? needs($1) : ();
    return (skip => $1) if $text =~ /^not run: (.+)/;
    return (save => $1, @needs) if $text =~ /^save as: ([\w.-]+)$/;
    return (port => $1, @needs) if $text =~ /^server on port ([0-9]+)$/;
    return @needs;
}

# The examples with the ports of their servers exchanged for free ones.
sub with_free_ports {
    my (@examples) = @_;
    my %free = map { $_ => free_port() } grep { defined } map { $_->{port} } @examples;
    for my $example (@examples) {
        $example->{port} = $free{ $example->{port} } if defined $example->{port};
        $example->{code} =~ s/\b$_\b/$free{$_}/g for keys %free;
    }
    return @examples;
}

sub free_port {
    my $socket = IO::Socket::IP->new(LocalAddr => 'localhost', Listen => 1) or die "no free port: $@\n";
    return $socket->sockport;
}

# The pattern that the output must match: undef where nothing is told.
sub expected_pattern {
    my ($code) = @_;
    my @told = $code =~ /#\s*prints:[ ]?(.*)$/mg or return;
    return join q(), map { line_pattern($_) . "\n" } @told;
}

sub line_pattern {
    my ($text) = @_;
    return join '.*', map { quotemeta } split /\Q...\E/, $text, -1;
}

# Run one in a folder, with the library just built: { status, out, err }; for
# a server, { pid, file } as soon as it listens: see finish_example().  The
# status is that of wait(2); 'timeout' when it was stopped.
sub run_example {
    my ($example, $dir) = @_;
    state $number = 0;
    my $file = "$dir/example" . ++$number;
    write_file($file, $example->{code});
    my $pid = fork() // die "fork: $!\n";
    exec_example($example->{kind}, $file) if $pid == 0;
    my $running = { pid => $pid, file => $file };
    return finish_example($running) if !defined $example->{port};
    wait_for_port($example->{port}, $pid) or kill KILL => $pid;
    return $running;
}

# The end of one that runs: { status, out, err }.
sub finish_example {
    my ($running) = @_;
    my %result;
    my $file = $running->{file};
    $result{status} = wait_or_kill($running->{pid});
    $result{out}    = join(q(), read_lines("$file.out")) =~ s/\r\n/\n/gr;
    $result{err}    = join q(), read_lines("$file.err");
    unlink $file, "$file.out", "$file.err";
    return \%result;
}

# A server is ready when it takes a connection, which it sees and gets over.
sub wait_for_port {
    my ($port, $pid) = @_;
    my $deadline = Time::HiRes::time() + $SECONDS;
    while (Time::HiRes::time() < $deadline && kill 0 => $pid) {
        return 1 if IO::Socket::IP->new(PeerAddr => 'localhost', PeerPort => $port);
        Time::HiRes::sleep(0.05);
    }
    return 0;
}

sub exec_example {
    my ($kind, $file) = @_;
    my ($dir, $name)  = $file =~ m{^(.+)/([^/]+)\z};
    my $blib = getcwd() . '/blib';
    my $ok   = eval {
        POSIX::setpgid(0, 0);
        chdir $dir or die "$dir: $!\n";
        open STDIN,  '<', '/dev/null' or die "stdin: $!\n";
        open STDOUT, '>', "$name.out" or die "stdout: $!\n";
        open STDERR, '>', "$name.err" or die "stderr: $!\n";
        local $ENV{PERL5LIB} = join ':', "$blib/lib", "$blib/arch", $ENV{PERL5LIB} // ();
        local $ENV{PATH}     = "$blib/script:$ENV{PATH}";
        exec $kind eq 'sh' ? ('sh', '-e', $name) : ($^X, $name) or die "exec: $!\n";
    };
    warn $@ if !$ok;
    POSIX::_exit(127);
}

# Wait for the process; then end whatever it left behind in its group.
sub wait_or_kill {
    my ($pid) = @_;
    my $late = 0;
    local $SIG{ALRM} = sub { $late = 1; kill KILL => -$pid, $pid };
    alarm $SECONDS;
    waitpid $pid, 0;
    my $status = $?;
    alarm 0;
    kill KILL => -$pid;
    return $late ? 'timeout' : $status;
}

sub example {
    my ($path, $line, $kind, @code) = @_;
    return { name => "$path line $line", kind => $kind, code => join(q(), @code) };
}

# Take away the indent of the first line of code from all.
sub unindent {
    my (@code)   = @_;
    my ($indent) = map { /^(\s+)\S/ } grep { /\S/ } @code;
    return map { s/^\Q$indent\E//r } @code;
}

sub read_lines {
    my ($path) = @_;
    open my $in, '<', $path or die "$path: $!\n";
    my @lines = <$in>;
    close $in or die "$path: $!\n";
    return @lines;
}

sub write_file {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!\n";
    print {$out} $text;
    close $out or die "$path: $!\n";
    return;
}

1;
