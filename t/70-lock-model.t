use v5.16;
use warnings;

# The lock table against a slow and plain model of it: long random schedules
# over all types, every answer compared.  VOUCH_LONG=1: a million operations
# and more; VOUCH_SEED=N: the schedule of an earlier run.

use IPC::Open2 qw(open2);
use Test::More;
use lib 't/lib';
use VouchTest;
use VouchTest::LockModel;

my $DRIVER = 't/c/driver/lock_driver';
my $LONG   = $ENV{VOUCH_LONG};
my $SEED   = $ENV{VOUCH_SEED} // time ^ $$ << 8;
my $BATCH  = 100;

if (!-x $DRIVER) {
    die "$DRIVER is not built: make ctests\n" if $ENV{VOUCH_TEST_ALL};
    plan skip_all => "$DRIVER is not built: make ctests";
}
alarm 3600              if $LONG;
diag "VOUCH_SEED=$SEED" if $LONG || $ENV{VOUCH_SEED};

# --- a schedule -------------------------------------------------------------

my @NAMES = qw(
    R R R S p[5] p[5] p[5] q[2] red.green.blue red.green.blue one.two
    /a /a/b /a/b /a/b/c /a/b/c /a/b/e /a/d /a/d/f /z
    _s_n[2] _s_n[2] _S_t[2] _S_t[2] _S_u[1]
);
push @NAMES, '_t_%H:%M:%S#ff[2]', '_t_%S[1]', '_t_x%s#f[3]';
my @MODES = qw(NL CR CW PR PR PW EX EX EX);

sub pick { return $_[rand @_] }

sub chance { return rand() < $_[0] }

# One resource of a request.  The timestamps' texts end with the second, so
# that the model need not know time zones.
sub want {
    my ($name) = @_;
    my @options;
    push @options, 'mode=' . pick(@MODES)           if $name =~ m{\A[RS/]};
    push @options, 'q=' . int rand 5                if $name =~ /\A[pq]/;
    push @options, 'create=0'                       if chance(0.05);
    push @options, 'life=' . pick(0, 50, 500, 3000) if chance(0.2);
    return ($name, @options);
}

sub lock_command {
    my ($owner) = @_;
    my @all;
    push @all, 'wait=0'                           if chance(0.2);
    push @all, 'timeout=' . pick(0, 10, 100, 400) if chance(0.15);
    push @all, 'tag=' . int rand 100              if chance(0.1);
    push @all, 'lease=' . pick(100, 1000)         if chance(0.03);
    my @words = want(pick(@NAMES));
    splice @words, 1, 0, @all;

    if (chance(0.12)) {
        my $mode = pick(@MODES);
        push @words, '+', want(pick(@NAMES)) for 1 .. 1 + int rand 3;
        if (chance(0.8)) { s/\Amode=.*/mode=$mode/ for @words }
    }
    return "lock $owner @words";
}

# What owners have asked for is unlocked more often than anything else.
sub command {
    my ($state) = @_;
    my $owner   = 1 + int rand $state->{owners};
    my $what    = rand;
    if ($what < 0.44) {
        my $line = lock_command($owner);
        push @{ $state->{asked}{$owner} }, $line =~ m{(?:\A\S+ \S+|\+) (\S+)}g;
        return $line;
    }
    if ($what < 0.75) {
        my $asked = $state->{asked}{$owner} //= [];
        my $name  = @$asked && chance(0.95) ? splice @$asked, rand @$asked, 1 : pick(@NAMES);
        return "unlock $owner $name" . (chance(0.3) ? ' rollback=1' : '');
    }
    if ($what < 0.80) {
        my $name = pick(@{ $state->{asked}{$owner} || ['R'] }, 'R');
        return
              "convert $owner $name mode="
            . pick(@MODES) . ' q='
            . int(rand 6)
            . (chance(0.3) ? ' wait=0' : '')
            . (chance(0.3) ? ' tag=8'  : '');
    }
    if ($what < 0.86) {
        delete $state->{asked}{$owner};
        return "drop $owner";
    }
    return "touch $owner"                                   if $what < 0.87;
    return 'counts'                                         if $what < 0.88;
    return 'deadline'                                       if $what < 0.89;
    return 'tick'                                           if $what < 0.93;
    return 'wall ' . ($state->{wall} = int rand 10_000_000) if $what < 0.932;
    $state->{now} += pick(0, 1, 3, 10, 40, 40, 300, chance(0.1) ? 5000 : 1);
    return "at $state->{now}";
}

# --- driving ----------------------------------------------------------------

sub driver {
    my $pid = open2(my $out, my $in, $DRIVER);
    return { in => $in, out => $out, pid => $pid };
}

sub ask {
    my ($driver, @lines) = @_;
    print { $driver->{in} } map { "$_\n" } @lines;
    $driver->{in}->flush;
    my @answers = map { scalar readline $driver->{out} } @lines;
    die "the driver has ended after one of: @lines[-3 .. -1]\n" if !defined $answers[-1];
    chomp @answers;
    return @answers;
}

sub stop {
    my ($driver) = @_;
    close $driver->{in};
    waitpid $driver->{pid}, 0;
    return $?;
}

# Tokens grow; but those of a request for several resources are told when the
# last one is had.
sub token_error {
    my ($seen, $answer) = @_;
    for my $decision (split /; /, $answer) {
        next if $decision !~ /\A(granted|converted)\b/ || $decision !~ / f=1\.(\d+)/;
        my $token = $1;
        return "token $token was given twice"     if $seen->{all}{$token}++;
        next                                      if $decision =~ / p=/;
        return "token $token after $seen->{last}" if $token <= $seen->{last};
        $seen->{last} = $token;
    }
    return;
}

# The first difference or broken rule, with what led to it; undef if none.
sub run_schedule {
    my ($count, %limits) = @_;
    my $driver = driver();
    my $model  = VouchTest::LockModel->new(%limits);
    my $state  = { owners => 12, now => 0, asked => {} };
    my %seen   = (last => 0, all => {});
    my @log    = 'new ' . join ' ', map { "$_=$limits{$_}" } sort keys %limits;
    ask($driver, @log);

    while ($count > 0) {
        my @lines = map { command($state) } 1 .. $BATCH;
        my @got   = ask($driver, @lines);
        $count -= @lines;
        for my $i (0 .. $#lines) {
            my $want = $model->run($lines[$i]);
            push @log, "$lines[$i]\n#    $want";
            my @bad = ($model->check, token_error(\%seen, $got[$i]) // ());
            next if $got[$i] eq $want && !@bad;
            splice @log, 0, @log - 40 if @log > 40;
            stop($driver);
            return join "\n# ", @log, "   got: $got[$i]", @bad;
        }
        splice @log, 1, @log - 60 if @log > 60;
    }
    my $status = stop($driver);
    return $status == 0 ? undef : "the driver ended with status $status";
}

# --- tests ------------------------------------------------------------------

srand $SEED;

my @limits = (
    { fairness => -1 },
    { fairness => 0 },
    { fairness => 60 },
    { fairness => 60,     queue      => 3, resources => 9 },
    { fairness => 10_000, persistent => 1, block     => 7 },
);

for my $limits (@limits) {
    my $name = join ' ', map { "$_=$limits->{$_}" } sort keys %$limits;
    my $bad  = run_schedule($LONG ? 250_000 : 2_000, %$limits);
    diag "VOUCH_SEED=$SEED" if defined $bad;
    is $bad // 'nothing', 'nothing', "what differs from the model with $name";
}

# Seen from outside alone: nobody is passed, after its time, by one that
# would delay it.
subtest 'the fairness bound' => sub {
    my $fairness = 50;
    my $driver   = driver();
    my (%waits, %holds, $passed);
    my $now = 0;
    ask($driver, "new fairness=$fairness");
    for my $step (1 .. ($LONG ? 20_000 : 2_000)) {
        my $owner = 1 + int rand 8;
        if (chance(0.3)) {
            ask($driver, 'at ' . ($now += int rand 20), 'tick');
            next;
        }
        my $mode     = pick(qw(PR PR PR EX));
        my $line     = $waits{$owner} || $holds{$owner} ? "unlock $owner R" : "lock $owner R mode=$mode";
        my ($answer) = ask($driver, $line);
        for my $decision (split /; /, $answer) {
            my ($kind, $who) = $decision =~ /\A(\w+) (\d+)/;
            if ($kind eq 'queued') { $waits{$who} = [$now, $step, $mode]; next }
            my $was = delete $waits{$who};
            delete $holds{$who};
            next if $kind ne 'granted';
            $holds{$who} = 1;
            my ($since, $age, $wanted) = $was ? @$was : ($now, $step, $mode);
            $passed++
                if grep { $_->[1] < $age && $now - $_->[0] >= $fairness && "$wanted $_->[2]" =~ /EX/ }
                values %waits;
        }
    }
    is $passed // 0,  0, 'nobody was passed after its time';
    is stop($driver), 0, 'the driver ends well';
};

done_testing;
