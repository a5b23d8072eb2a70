package VouchTest::Locks;

use v5.16;
use warnings;

# What the tests of Vouch::Lock share: children that do something and say so,
# and what the daemon knows.

use Carp        qw(croak);
use Exporter    qw(import);
use POSIX       ();
use Test::More  ();
use Time::HiRes qw(sleep time);

use VouchTest::Flom ();
use Vouch::Lock     ();
use Vouch::Lock::Server;

our @EXPORT_OK = qw(child end_of free_ok is_busy server_of told until_status);

my $SECONDS = 30;    # for anything that is waited for

# A server that nobody shares.
sub server_of {
    my ($daemon, @arg) = @_;
    return Vouch::Lock::Server->new(socket => $daemon->socket, start => 0, config => 0, @arg);
}

# A child that runs this with a function to say a line; it ends well if the
# code returns true.
sub child {
    my ($code) = @_;
    pipe my $from, my $to or croak "pipe: $!";
    $to->autoflush(1);
    my $pid = fork // croak "fork: $!";
    return { pid => $pid, from => $from } if $pid;
    Test::More->builder->no_ending(1);
    $SIG{ALRM}     = 'DEFAULT';
    $SIG{__WARN__} = 'DEFAULT';
    alarm 2 * $SECONDS;
    my $good = eval {
        $code->(sub { print {$to} "$_[0]\n" });
    } || 0;
    print STDERR "# child: $@" if $@;
    POSIX::_exit($good ? 0 : 1);
}

# The next line that the child says; undef at its end.
sub told {
    my ($child) = @_;
    my $line = readline $child->{from};
    chomp $line if defined $line;
    return $line;
}

sub end_of {
    my ($child) = @_;
    waitpid $child->{pid}, 0;
    return $?;
}

# Wait until the daemon's status matches.
sub until_status {
    my ($daemon, $like) = @_;
    my $deadline = time + $SECONDS;
    until ((my (undef, $out) = $daemon->run('--status'))[1] =~ $like) {
        croak "the status of the daemon is not $like: $out" if time > $deadline;
        sleep 0.02;
    }
    return 1;
}

# Another client cannot have it.
sub is_busy {
    my ($daemon, $name, @arg) = @_;
    my $lock = Vouch::Lock->new($name, server => server_of($daemon), timeout => 0, @arg);
    return !$lock && Vouch::Lock->reason eq 'busy';
}

# Another client can have it, now or soon.
sub free_ok {
    my ($daemon, $name, $what) = @_;
    my $lock = Vouch::Lock->new($name, server => server_of($daemon), timeout => $SECONDS);
    return Test::More::ok($lock, $what) || Test::More::diag(Vouch::Lock->error);
}

1;
