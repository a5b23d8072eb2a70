use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use POSIX            ();
use VouchTest        qw(run_command slurp spew temp_dir);
use VouchTest::Flom  ();
use VouchTest::Locks qw(child end_of free_ok is_busy server_of told until_status);

use Vouch::Lock;

# Locks and children: who holds what after a fork.

my $daemon = VouchTest::Flom->new;
my $server = server_of($daemon);

sub take { my ($name, @arg) = @_; return Vouch::Lock->new($name, server => $server, @arg) }

subtest 'a child does not hold' => sub {
    my $lock  = take('parents');
    my $child = child(sub {
        my ($say) = @_;
        $say->($lock->is_held        ? 'held'         : 'not held');
        $say->($lock->release        ? 'released'     : 'not released');
        $say->(defined $lock->fileno ? 'a descriptor' : 'no descriptor');
        undef $lock;
        $say->(take('childs') ? 'its own' : 'none');
        return 1;
    });
    is told($child),   'not held',      'it does not hold';
    is told($child),   'not released',  'nor release';
    is told($child),   'no descriptor', 'nor has the connection';
    is told($child),   'its own',       'but takes its own';
    is end_of($child), 0,               'and ends';
    ok $lock->is_held,              'the parent holds';
    ok is_busy($daemon, 'parents'), 'as others see';
    ok $lock->release,              'and lets go';
    free_ok($daemon, 'parents', 'then it is free');
};

subtest 'a child that exits' => sub {
    my $lock = take('_S_exit[1]');
    my $pid  = fork;
    if ($pid == 0) { Test::More->builder->no_ending(1); exit 0 }
    waitpid $pid, 0;
    ok $lock->is_held,                 'does not disturb';
    ok is_busy($daemon, '_S_exit[1]'), 'as others see';
};

subtest 'a child outlives its parent' => sub {
    pipe my $alive, my $end or die $!;
    my $parent = child(sub {
        my ($say) = @_;
        my $lock = take('orphaned');
        if (fork == 0) { close $end; sysread $alive, my $byte, 1; POSIX::_exit(0) }
        $say->($lock->is_held ? 'held' : 'lost');
        return sleep 60;
    });
    is told($parent), 'held', 'the parent holds';
    kill KILL => $parent->{pid};
    end_of($parent);
    free_ok($daemon, 'orphaned', 'its lock is free, though its child lives');
    close $end;
};

subtest 'commands' => sub {
    my $lock = take('command');
    is system($^X, '-e', '1'),     0, 'system';
    is scalar(`$^X -e 'print 1'`), 1, 'backticks';
    my $fd   = $lock->fileno;
    my $open = `$^X -e 'print open(my \$f, "<&=", $fd) ? 1 : 0'`;
    is $open, 0, 'a command does not have the descriptor';
    open my $from, '-|', $^X, '-e', 'print 2' or die $!;
    is readline($from), 2, 'a piped open';
    close $from;
    ok $lock->is_held,              'it is held';
    ok is_busy($daemon, 'command'), 'as others see';
};

subtest 'given to a child' => sub {
    my $lock = take('given');
    ok $lock->transfer_to_child, 'to be given';
    ok $lock->is_held,           'held until the fork';
    is system($^X, '-e', '1'), 0, 'a command is not the child';
    ok $lock->is_held, 'held after it';
    pipe my $wait, my $go or die $!;
    my $child = child(sub {
        my ($say) = @_;
        close $go;
        $say->($lock->is_held ? 'held' : 'not held');
        sysread $wait, my $byte, 1;
        $say->($lock->release ? 'released' : 'not released');
        return 1;
    });
    is told($child), 'held', 'the child has it';
    ok !$lock->is_held, 'the parent has not';
    ok !$lock->release, 'and cannot let go';
    undef $lock;
    ok is_busy($daemon, 'given'), 'others see it held';
    close $go;
    is told($child),   'released', 'the child lets go';
    is end_of($child), 0,          'and ends';
    free_ok($daemon, 'given', 'then it is free');
};

subtest 'given to a child that is killed' => sub {
    my $lock = take('_S_given[1]');
    my $mine = take('mine');
    $lock->transfer_to_child;
    my $child = child(sub { my ($say) = @_; $say->($lock->element . $lock->is_held); return sleep 60 });
    is told($child), '11', 'the child has number 1';
    kill KILL => $child->{pid};
    end_of($child);
    free_ok($daemon, '_S_given[1]', 'its end frees it, though the parent has the object');
    ok $mine->is_held, 'what was not given is held';
};

subtest 'given to the child of a child' => sub {
    my $lock = take('twice');
    $lock->transfer_to_child;
    my $between = child(sub {
        my ($say) = @_;
        return 1 if fork;
        $say->($lock->is_held       ? 'held' : 'not held');
        POSIX::_exit($lock->release ? 0      : 1);
    });
    is told($between),   'held', 'it has it, the ones before have gone';
    is end_of($between), 0,      'all the same';
    free_ok($daemon, 'twice', 'then it is free');
};

subtest 'the end of a program' => sub {
    my $path   = $daemon->socket;
    my $script = spew(temp_dir() . '/ends.pl', <<"PERL");
use v5.16;
use Vouch::Lock;
\$| = 1;
my \$server = Vouch::Lock::Server->new(socket => '$path', start => 0, config => 0);
our \$lock = Vouch::Lock->new('_S_end[1]', server => \$server) or die Vouch::Lock->error;
print \$lock->element;
my (\$how) = \@ARGV;
exit 0 if \$how eq 'exit';
exit 3 if \$how eq 'fail';
die "dies\\n" if \$how eq 'die';
exec \$^X, '-e', '1' if \$how eq 'exec';
kill KILL => \$\$ if \$how eq 'kill';
PERL
    my $ends = sub {
        my ($how) = @_;
        my ($status, $out, $err) = run_command([$^X, '-Mblib', $script, $how]);
        return "$status $out";
    };
    is $ends->('fail'), '3 1', 'a status other than 0';
    like $ends->('die'), qr/\A[1-9]\d* 1\z/, 'gives the number back; die, too';
    is $ends->('kill'),   '137 1', 'so does a signal';
    is $ends->('exec'),   '0 1',   'and another program in its place';
    is $ends->('exit'),   '0 1',   'a good end';
    is $ends->('return'), '0 2',   'spends it';
    free_ok($daemon, '_S_end[1]', 'free at the end');
};

done_testing;
