package VouchTest::Examples 0.001;

use v5.16;
use warnings;

# The examples of the documentation, found and run.
#
# In POD an example is complete Perl between "=for example begin" and
# "=for example end".  In Markdown it is each block fenced with ```perl or
# ```sh, unless the line above the fence is "<!-- not run: reason -->".
#
# What an example prints is told beside the code: "# prints: text", in order,
# one line of output each; "..." in the text stands for anything.  Examples
# of one document run one after the other in the same folder.

use Cwd        qw(getcwd);
use Exporter   qw(import);
use File::Temp ();
use POSIX      ();

our @EXPORT_OK = qw(expected_pattern examples_of_markdown examples_of_pod run_example);

my $SECONDS = 60;    # an example that takes longer hangs

# Each returns a list of { name, kind => 'perl' or 'sh', code, skip }; name is
# the place, "lib/Vouch.pm line 12", and skip the reason or undef.
sub examples_of_pod {
    my ($path) = @_;
    my ($start, @code, @found);
    my @lines = read_lines($path);
    for my $number (1 .. @lines) {
        my $line = $lines[$number - 1];
        if ($line =~ /^=for example end\b/) {
            push @found, example($path, $start, 'perl', unindent(@code)) if defined $start;
            undef $start;
        }
        push @code, $line if defined $start;
        ($start, @code) = ($number) if $line =~ /^=for example begin\b/;
    }
    die "$path line $start: example without end\n" if defined $start;
    return @found;
}

sub examples_of_markdown {
    my ($path) = @_;
    my ($start, $kind, $skip, @code, @found);
    my @lines = read_lines($path);
    for my $number (1 .. @lines) {
        my $line = $lines[$number - 1];
        if (!defined $start && $line =~ /^```(\w*)\s*$/) {
            ($start, $kind, @code) = ($number, $1);
            ($skip) = $number > 1 ? $lines[$number - 2] =~ /^<!-- not run: (.+) -->$/ : ();
            next;
        }
        if (defined $start && $line =~ /^```\s*$/) {
            push @found, { %{ example($path, $start, $kind, @code) }, skip => $skip }
                if $kind eq 'perl' || $kind eq 'sh';
            undef $start;
        }
        push @code, $line if defined $start;
    }
    die "$path line $start: block without end\n" if defined $start;
    return @found;
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

# Run one in a folder, with the library just built: { status, out, err }.
# The status is that of wait(2); 'timeout' when it was stopped.
sub run_example {
    my ($example, $dir) = @_;
    my %result;
    my $file = "$dir/example";
    write_file($file, $example->{code});
    my $pid = fork() // die "fork: $!\n";
    exec_example($example->{kind}, $dir) if $pid == 0;
    $result{status} = wait_or_kill($pid);
    $result{out}    = join q(), read_lines("$dir/example.out");
    $result{err}    = join q(), read_lines("$dir/example.err");
    unlink $file, "$dir/example.out", "$dir/example.err";
    return \%result;
}

sub exec_example {
    my ($kind, $dir) = @_;
    my $blib = getcwd() . '/blib';
    my $ok   = eval {
        POSIX::setpgid(0, 0);
        chdir $dir or die "$dir: $!\n";
        open STDIN,  '<', '/dev/null'   or die "stdin: $!\n";
        open STDOUT, '>', 'example.out' or die "stdout: $!\n";
        open STDERR, '>', 'example.err' or die "stderr: $!\n";
        local $ENV{PERL5LIB} = join ':', "$blib/lib", "$blib/arch", $ENV{PERL5LIB} // ();
        local $ENV{PATH}     = "$blib/script:$ENV{PATH}";
        exec $kind eq 'sh' ? ('sh', '-e', 'example') : ($^X, 'example') or die "exec: $!\n";
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
    return { name => "$path line $line", kind => $kind, code => join(q(), @code), skip => undef };
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
