package VouchTest;

use v5.16;
use warnings;

# What the tests share: a watchdog, certificates, a server in a child that
# tells what it sees, and commands with a deadline.  A warning is a failure.

use Carp        qw(croak);
use Exporter    qw(import);
use File::Spec  ();
use File::Temp  ();
use POSIX       ();
use Time::HiRes ();
use Test::More  ();

our @EXPORT_OK = qw(temp_dir identity is_perl run_command expect_warnings failure on_full_disk slurp spew);

# No test file takes longer; one under a memory checker may.
my $TEST_SECONDS = $ENV{VOUCH_TEST_TOOL} ? 1200 : 240;

$SIG{PIPE} = 'IGNORE';
$SIG{ALRM} = sub { print STDERR "watchdog: $0 took more than $TEST_SECONDS s\n"; exit 99 };
alarm $TEST_SECONDS;

my @expected;

$SIG{__WARN__} = sub {
    my ($text) = @_;
    if (@expected) { push @{ $expected[-1] }, $text; return }
    Test::More::fail("a warning: $text");
};

# The warnings of a piece of code, which are then no failure.
sub expect_warnings {
    my ($code) = @_;
    push @expected, [];
    my @result = eval { $code->() };
    my $error  = $@;
    my $got    = pop @expected;
    die $error if $error;
    return wantarray ? ($got, @result) : $got;
}

# What a piece of code dies with: "code: message" of a Vouch::Error, or "none".
sub failure {
    my ($code) = @_;
    return eval { $code->(); 1 } ? 'none' : ref $@ ? $@->code . ': ' . $@->message : "text: $@";
}

my $dir;

sub temp_dir { return $dir //= File::Temp->newdir('vouch-test-XXXXXX', TMPDIR => 1) }

# A thread has a copy of the folder's object, and must not remove the folder.
sub CLONE { $dir->unlink_on_destroy(0) if $dir; return }

# A pair of files made by Vouch::Identity: identity('alex', cn => 'Alex').
sub identity {
    my ($name, %arg) = @_;
    require Vouch::Identity;
    my $stem = File::Spec->catfile(temp_dir(), $name);
    Vouch::Identity->create(cn => $name, %arg, file => $stem, replace => 1);
    return ("$stem-cert.pem", "$stem-key.pem");
}

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or croak "$path: $!";
    local $/;
    return scalar <$in>;
}

sub spew {
    my ($path, $bytes) = @_;
    open my $out, '>:raw', $path or croak "$path: $!";
    print {$out} $bytes;
    CORE::close $out or croak "$path: $!";
    return $path;
}

# Run a command: run_command([qw(openssl ...)], stdin => ..., seconds => 20).
# (exit status, stdout, stderr); the status is -1 past the deadline.
sub run_command {
    my ($command, %opt) = @_;
    my $in  = _file_with($opt{stdin} // '');
    my $out = File::Temp->new;
    my $err = File::Temp->new;
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        open STDIN,  '<&', $in->fileno  or POSIX::_exit(126);
        open STDOUT, '>&', $out->fileno or POSIX::_exit(126);
        open STDERR, '>&', $err->fileno or POSIX::_exit(126);
        $SIG{ALRM} = 'DEFAULT';
        delete $ENV{LD_PRELOAD} if !is_perl($command->[0]);    # a sanitizer is for Perl alone
        exec { $command->[0] } @$command or POSIX::_exit(127);
    }
    my $status = _wait_for($pid, $opt{seconds} // 30);
    return ($status, slurp($out->filename), slurp($err->filename));
}

# Arguments for Perl, as a command for run_command whose files can have so many
# blocks at most: that limit is met as a full disk is, write fails.  It is Perl
# from the start, for who looks at that.
sub on_full_disk {
    my ($blocks, @arg) = @_;
    my $limit = qq{trap "" XFSZ; ulimit -f $blocks; exec "\$@"};
    return [$^X, '-e', 'exec @ARGV or die', 'sh', '-c', $limit, 'sh', $^X, @arg];
}

# Is this command Perl, or a program of Perl's?
sub is_perl {
    my ($command) = @_;
    return 1 if $command eq $^X;
    my ($file) = grep { -f } $command =~ m{/} ? $command : map { "$_/$command" } File::Spec->path;
    open my $in, '<:raw', $file // return 0 or return 0;
    return (<$in> // q()) =~ /\A#!.*perl/ ? 1 : 0;
}

sub _file_with {
    my ($bytes) = @_;
    my $file = File::Temp->new;
    print {$file} $bytes;
    $file->flush;
    seek $file, 0, 0;
    return $file;
}

sub _wait_for {
    my ($pid, $seconds) = @_;
    my $deadline = Time::HiRes::time() + $seconds;
    while (waitpid($pid, POSIX::WNOHANG()) == 0) {
        if (Time::HiRes::time() > $deadline) {
            kill KILL => $pid;
            waitpid $pid, 0;
            return -1;
        }
        Time::HiRes::sleep(0.01);
    }
    return $? & 127 ? 128 + ($? & 127) : $? >> 8;
}

1;
