package VouchTest::LockChaos;

use v5.16;
use warnings;

# Clients that lock and unlock anything, and write down what they do, for
# VouchTest::LockChecker.

use Exporter    qw(import);
use Fcntl       qw(:flock O_APPEND O_CREAT O_RDWR O_WRONLY);
use List::Util  qw(first);
use POSIX       ();
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime sleep);

use Vouch::Lock qw(:reasons);
use Vouch::Lock::Server;

our @EXPORT_OK = qw(client read_logs record);

my @NAMES = (
    qw(alpha alpha beta pool[3] pool[3] red.green.blue /t /t/a /t/b /t/a/x),
    '_t_%H%M%S#ffffff[2]',
    qw(_s_seq[2] _s_one[1] _S_tx[2] _S_one[1] ),
);
my @MODES    = qw(EX EX EX EX PR PR PR CW CR PW NL);
my @TIMEOUTS = (0, 0, 0.05, 0.5, 8, 8, 8);

# How many have a lease, and the longest time between two looks.
our $LEASE = 0.2;
our $HOLD  = 0.004;

my ($log, $count, %self);

sub now { return clock_gettime(CLOCK_MONOTONIC) }

# Write an event down, so that it is there even if we are killed.
sub record {
    my ($dir, %event) = @_;
    if (!$log || $self{pid} != $$) {
        sysopen $log, "$dir/log.$$", O_WRONLY | O_CREAT | O_APPEND or die "log: $!";
        $self{pid} = $$;
    }
    $event{t} //= now();
    my $line = join "\t", map { "$_=" . ($event{$_} // q()) } sort keys %event;
    syswrite $log, "$line\n";
    return;
}

sub read_logs {
    my ($dir) = @_;
    my @event;
    for my $path (glob "$dir/log.*") {
        open my $in, '<', $path or die "$path: $!";
        while (my $line = <$in>) {
            chomp $line or next;    # cut off in the middle
            my %event = map { split /=/, $_, 2 } split /\t/, $line;
            $event{name} = [split /,/, $event{name}] if defined $event{name} && $event{name} =~ /,/;
            $event{ok} += 0        if exists $event{ok};
            delete $event{resumes} if ($event{resumes} // q()) eq q();
            delete $event{token}   if ($event{token}   // q()) eq q();
            push @event, \%event;
        }
        close $in;
    }
    # Each client in the order of what it did; the logs of several by time.
    @event = sort { $a->{t} <=> $b->{t} } @event;
    return @event;
}

# A client: until the file "stop" is there.  $where is a list of pairs: what
# the daemon is called, and the arguments of its Vouch::Lock::Server.
sub client {
    my ($dir, @where) = @_;
    srand($$ ^ int(1e6 * now()));
    my @server = map {
        my ($name, @arg) = @$_;
        [$name, Vouch::Lock::Server->new(@arg, config => 0, start => 0, connect_timeout => 5)];
    } @where;
    $count = 0;
    until (-e "$dir/stop") {
        my ($where, $server) = @{ $server[rand @server] };
        one_lock($dir, $where, $server);
    }
    return;
}

sub pick { return $_[rand @_] }

# Ask for one lock, hold it for a moment, let go.
sub one_lock {
    my ($dir, $where, $server) = @_;
    my ($name, $mode) = (pick(@NAMES), pick(@MODES));
    my $quantity = 1 + int rand 2;
    my $has_mode = $name !~ /[\[.]/;
    my %of       = (
        where    => $where,
        name     => $name,
        mode     => $has_mode       ? $mode     : 'EX',
        quantity => $name =~ /pool/ ? $quantity : 1
    );
    my %hold = (id => "$$." . ++$count);
    record($dir, what => 'ask', %hold, pid => $$, %of);
    my $lock = Vouch::Lock->new(
        $name,
        server   => $server,
        timeout  => pick(@TIMEOUTS),
        mode     => $of{mode},
        quantity => $quantity,
        rand() < $LEASE ? (lease => 0.6) : (),
    );

    if (!$lock) {
        record($dir, what => 'told', %hold, reason => Vouch::Lock->reason);
        sleep 0.02 if Vouch::Lock->reason =~ /\A(?:unreachable|lost)\z/;
        return;
    }
    record($dir, what => 'grant', %hold, element => $lock->element, token => $lock->token);
    use_lock($dir, $lock, \%hold, \%of);
    return;
}

sub use_lock {
    my ($dir, $lock, $hold, $of) = @_;
    for (1 .. 1 + int rand 3) {
        write_token($dir, $lock, $hold, $of);
        sleep rand $HOLD;
        my $before = now();
        if (!$lock->is_held) {
            record($dir, what => 'end', %$hold, how => 'lost');
            return taken_up_again($dir, $lock, $hold, $of) ? use_lock($dir, $lock, $hold, $of) : ();
        }
        record($dir, what => 'sure', %$hold, t => $before);
    }
    return change_mode($dir, $lock, $hold, $of) if rand() < 0.15 && $of->{name} =~ /\A(?:alpha|beta|\/)/;
    return let_go($dir, $lock, $hold);
}

sub let_go {
    my ($dir, $lock, $hold) = @_;
    my $back   = rand() < 0.3;
    my $before = now();
    my $good   = $back ? $lock->rollback : $lock->release;
    record(
        $dir,
        what => 'end',
        %$hold, $good ? (t => $before) : (), how => !$good ? 'lost' : $back ? 'rolled back' : 'released'
    );
    return;
}

# A hold in another mode is another hold.
sub change_mode {
    my ($dir, $lock, $hold, $of) = @_;
    my $mode   = pick(grep { $_ ne $of->{mode} } qw(NL CR PR EX));
    my $before = now();
    if (!$lock->convert($mode, timeout => pick(0, 0.05))) {
        return let_go($dir, $lock, $hold) if $lock->is_held;
        record($dir, what => 'end', %$hold, how => 'lost');
        return;
    }
    record($dir, what => 'end', %$hold, how => 'converted', t => $before);
    my %next = (id         => "$$." . ++$count);
    my %as   = (%$of, mode => $mode);
    record($dir, what => 'ask',   %next, pid     => $$,             %as);
    record($dir, what => 'grant', %next, element => $lock->element, token => $lock->token);
    write_token($dir, $lock, \%next, \%as);
    return let_go($dir, $lock, \%next);
}

# The daemon was restarted, and still knows us.
sub taken_up_again {
    my ($dir, $lock, $hold, $of) = @_;
    return 0 if $lock->reason ne LOCK_LOST || rand() < 0.3 || !$lock->resume(timeout => 1);
    my $before = $hold->{id};
    $hold->{id} = "$$." . ++$count;
    record($dir, what => 'ask', %$hold, pid => $$, %$of);
    record(
        $dir,
        what => 'grant',
        %$hold,
        element => $lock->element,
        token   => $lock->token,
        resumes => $before
    );
    return 1;
}

# The storage: it refuses what has a smaller token than it has seen.
sub write_token {
    my ($dir, $lock, $hold, $of) = @_;
    my $token  = $lock->token // return;
    my ($root) = $of->{name} =~ m{\A(/[^/]+)};
    my $key    = join '-', $of->{where}, unpack 'H*', join ' ', $root // $of->{name},
        $of->{name} =~ /red/ ? $lock->element : ();
    sysopen my $file, "$dir/storage-$key", O_RDWR | O_CREAT or die "storage: $!";
    flock $file, LOCK_EX or die "flock: $!";
    my ($n, $last) = split ' ', readline($file) // '0 0.0';
    my @mine = split /[.]/, $token;
    my @had  = split /[.]/, $last;
    my $good = $mine[0] > $had[0] || ($mine[0] == $had[0] && $mine[1] >= $had[1]);
    $n++;
    # Written down before it is written, and both or none: a kill comes between.
    record($dir, what => 'write', %$hold, key => $key, n => $n, token => $token, ok => $good ? 1 : 0);
    seek $file, 0, 0;
    syswrite $file, sprintf "%-60s\n", join ' ', $n, $good ? $token : $last;
    return;
}

1;
