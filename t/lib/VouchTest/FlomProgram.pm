package VouchTest::FlomProgram 0.001;

use v5.16;
use warnings;

# C and C++ programs that use libflom.so.0: compiled, and run.

use Carp       qw(croak);
use Config     qw(%Config);
use Cwd        qw(abs_path);
use Exporter   qw(import);
use IPC::Open2 qw(open2);
use Test::More ();

use VouchTest qw(run_command temp_dir);

# Where there is none, Makefile.PL has made none.
Test::More::plan(skip_all => "no libflom.so.0 on $^O") if $^O =~ /^(?:aix|cygwin|darwin)\z/;

our @EXPORT_OK = qw(compile library_dir results run_program start_program tell_program);

sub library_dir { return abs_path('blib/arch/auto/Vouch/libflom') }

# A program of these files of t/c/libflom, linked to libflom.so.0 unless told
# otherwise; the path of it.
sub compile {
    my ($compiler, $files, @flag) = @_;
    my ($stem)  = $files->[0] =~ /([^.\/]+)\.(?:cc?)\z/ or croak "not C: $files->[0]";
    my $program = join '-', temp_dir() . "/$stem", $compiler =~ s/\W//gr;
    my $library = library_dir();
    @flag = ("-I$library", "-L$library", '-lflom', '-pthread') if !@flag;
    my ($status, undef, $said) = run_command([
        $compiler, '-Wall', '-Werror',
        sanitizer_flags(), '-o', $program, (map { m{/} ? $_ : "t/c/libflom/$_" } @$files), @flag
    ]);
    croak "cannot compile @$files: $said" if $status != 0;
    return $program;
}

# A library with a sanitizer in it wants a program with the same.
sub sanitizer_flags {
    return ($ENV{VOUCH_TEST_TOOL} // q()) eq 'sanitize' ? '-fsanitize=address,undefined' : ();
}

sub environment { return (LD_LIBRARY_PATH => library_dir()) }

# (exit status, stdout, stderr).
sub run_program {
    my ($program, @arg) = @_;
    my %env = environment();
    local @ENV{ keys %env } = values %env;
    return run_command([$program, @arg], seconds => 230);
}

# What a program that ends well prints, in lines.
sub results {
    my ($status, $out, $err) = run_program(@_);
    return "status $status: $err" if $status != 0 || $err ne '';
    return split /\n/, $out;
}

# One that has paused: { pid, in, out }; and what it had printed before.
sub start_program {
    my ($program, @arg) = @_;
    my %env = environment();
    local @ENV{ keys %env } = values %env;
    my $self = {};
    $self->{pid} = open2($self->{out}, $self->{in}, $program, @arg);
    my @before;
    while (defined(my $line = readline $self->{out})) {
        chomp $line;
        last if $line eq 'ready';
        push @before, $line;
    }
    return ($self, @before);
}

# Let it go on, to its end: what it prints, and its exit status.
sub tell_program {
    my ($self) = @_;
    print { $self->{in} } "go\n";
    close $self->{in};
    chomp(my @lines = readline $self->{out});
    waitpid $self->{pid}, 0;
    return (@lines, $?);
}

1;
