package VouchTest::LockChecker;

use v5.16;
use warnings;

# Were locks what they promise?  Reads what clients wrote down while they asked
# for locks and held them, and names what must not have been.  It knows nothing
# of how locks are made: only clocks, which all clients of one host share.
#
# An event is a hash:
#
#   ask    id pid t where name mode quantity   before it was asked for
#   grant  id t element token [resumes]        after the lock was had
#   sure   id t                                it was asked, and still held
#   write  id key n token ok                   number n in its storage
#   end    id t how                            before it was released or rolled
#                                              back; or when it was seen lost
#   told   id t reason                         there is none
#   kill   pid t                               before a client was killed
#   crash  where t over                        before a daemon was, and after that
#   cut    where t                             before connections to it were cut
#
# A hold is certain from its grant to when it was last known to be held.  Its
# time goes on, uncertain, until its end is seen: there others may hold the
# same, if the storage refuses what it writes.

use Exporter   qw(import);
use List::Util qw(max);

our @EXPORT_OK = qw(violations);

# Rows held, columns wanted: NL CR CW PR PW EX.
my @TOGETHER = (
    [1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 1, 0],
    [1, 1, 1, 0, 0, 0],
    [1, 1, 0, 1, 0, 0],
    [1, 1, 0, 0, 0, 0],
    [1, 0, 0, 0, 0, 0]
);
my %NUMBER = map { (qw(NL CR CW PR PW EX))[$_] => $_ } 0 .. 5;

# An unlock has no answer: one that was sent when the daemon crashed, or the
# connection was cut, may not have been read.
my $UNREAD = 1;

# A busy machine, and a relay, pass the end of a connection on so much later.
my $UNSEEN = 0.5;

# What must not have been, in words; nothing if all is well.
sub violations {
    my (@event) = @_;
    my ($holds, $waiters) = _holds(@event);
    my %group;
    push @{ $group{ _group($_) } }, $_ for @$holds;
    return (
        @$waiters,
        _storage(@event),
        (map { _at_the_same_time($_) } values %group),
        (map { _tokens($_) } values %group),
        (map { _capacity($_) } values %group),
        _numbers($holds, grep { $_->{what} =~ /\A(?:crash|cut)\z/ } @event),
    );
}

# --- from events to holds -----------------------------------------------------

sub _holds {
    my (@event) = @_;
    my (%hold, %killed, @waiters);
    $killed{ $_->{pid} } = $_->{t} for grep { $_->{what} eq 'kill' } @event;
    for my $event (@event) {
        my $what = $event->{what};
        $hold{ $event->{id} } = {%$event} if $what eq 'ask';
        my $hold = defined $event->{id} ? $hold{ $event->{id} } : undef;
        if (!$hold) {
            push @waiters, "an event without a question: $what $event->{id}" if defined $event->{id};
            next;
        }
        if ($what eq 'grant') {
            @$hold{qw(from sure element token resumes)} = (@$event{qw(t t element token resumes)});
        }
        elsif ($what eq 'sure')  { $hold->{sure} = max($hold->{sure} // 0, $event->{t}) }
        elsif ($what eq 'told')  { $hold->{told} = $event->{reason} }
        elsif ($what eq 'write') { push @{ $hold->{writes} }, $event }
        elsif ($what eq 'end') {
            @$hold{qw(until how)} = @$event{qw(t how)};
            $hold->{sure} = $event->{t} if $event->{how} ne 'lost';
        }
    }
    for my $hold (values %hold) {
        my $killed = $killed{ $hold->{pid} };
        next if defined $hold->{told};
        push @waiters, _say($hold, 'was neither served nor told')
            if !defined $hold->{from} && !defined $killed;
        next if !defined $hold->{from};
        push @waiters, _say($hold, 'never ended') if !defined $hold->{until} && !defined $killed;
        $hold->{until} //= $killed // $hold->{sure};
    }
    return ([grep { defined $_->{from} } values %hold], \@waiters);
}

sub _say {
    my ($hold, $what) = @_;
    my $mode = $hold->{mode} ? " $hold->{mode}" : q();
    return
          "$hold->{where} $hold->{name}$mode (hold $hold->{id}, token "
        . ($hold->{token} // 'none')
        . ") $what";
}

# --- who goes with whom ---------------------------------------------------------

sub _kind {
    my ($name) = @_;
    return
          $name =~ m{\A/}  ? 'tree'
        : $name =~ /\A_s_/ ? 'number'
        : $name =~ /\A_S_/ ? 'transaction'
        : $name =~ /\A_t_/ ? 'time'
        : $name =~ /\[/    ? 'units'
        : $name =~ /[.]/   ? 'set'
        :                    'plain';
}

# Those of a tree meet at its root; all others by name.
sub _group {
    my ($hold) = @_;
    my ($root) = $hold->{name} =~ m{\A(/[^/]+)};
    return join ' ', $hold->{where}, $root // $hold->{name};
}

sub _conflict {
    my ($one, $other) = @_;
    my $kind = _kind($one->{name});
    return $one->{element} eq $other->{element} if $kind =~ /\A(?:set|number|transaction|time)\z/;
    return 0                                    if $kind eq 'units';
    return 0 if $kind eq 'tree' && !_one_branch($one->{name}, $other->{name});
    return !$TOGETHER[$NUMBER{ $one->{mode} }][$NUMBER{ $other->{mode} }];
}

sub _one_branch {
    my ($one, $other) = @_;
    return index("$one/", "$other/") == 0 || index("$other/", "$one/") == 0;
}

# --- two at the same time --------------------------------------------------------

sub _at_the_same_time {
    my ($holds) = @_;
    my (@found, @open);
    for my $hold (sort { $a->{from} <=> $b->{from} } @$holds) {
        @open = grep { $_->{until} > $hold->{from} } @open;
        for my $other (grep { _conflict($_, $hold) } @open) {
            next if defined $hold->{resumes} && $hold->{resumes} eq $other->{id};
            push @found, _pair($other, $hold);
        }
        push @open, $hold;
    }
    return @found;
}

# Two that do not go together, and whose times overlap: not while both are
# certain, and what the older one writes must have been refused.  The one with
# the smaller token is older: a client that was stopped hears late of a grant.
sub _pair {
    my ($first, $second) = @_;
    return _say($first, 'and at the same time: ' . _say($second, q()))
        if _is_sure($first) && _is_sure($second) && $first->{sure} > $second->{from};
    return if !defined $first->{token} || !defined $second->{token};
    my $order = _compare($first->{token}, $second->{token});
    return _say($first, 'has the token of another: ' . _say($second, q())) if $order == 0;
    return _late_writes($order < 0 ? ($first, $second) : ($second, $first));
}

# It was seen to be held after it was granted.
sub _is_sure { my ($hold) = @_; return $hold->{sure} > $hold->{from} }

# Of those that exclude each other the later has the larger token.
sub _tokens {
    my ($holds) = @_;
    my (@before, @found);
    for my $hold (sort { $a->{from} <=> $b->{from} } grep { _is_sure($_) && defined $_->{token} } @$holds) {
        push @found, map { _say($hold, 'has a smaller token than one before: ' . _say($_, q())) }
            grep {
            _conflict($_, $hold) && !defined $hold->{resumes} && _compare($_->{token}, $hold->{token}) >= 0
            } @before;
        push @before, $hold;
        shift @before if @before > 5;
    }
    return @found;
}

sub _late_writes {
    my ($first, $second) = @_;
    my %begin;
    for my $write (grep { $_->{ok} } @{ $second->{writes} // [] }) {
        my $key = $write->{key};
        $begin{$key} = $write->{n} if !defined $begin{$key} || $write->{n} < $begin{$key};
    }
    return map { _say($first, "wrote to $_->{key} after this: " . _say($second, q())) }
        grep   { $_->{ok} && defined $begin{ $_->{key} } && $_->{n} > $begin{ $_->{key} } }
        @{ $first->{writes} // [] };
}

# Tokens are two numbers with a dot between.
sub _compare {
    my @part = map { [split /[.]/] } @_;
    return $part[0][0] <=> $part[1][0] || $part[0][1] <=> $part[1][1];
}

# The storage refuses what is smaller: the test of the test.
sub _storage {
    my (@event) = @_;
    my (%last, @found);
    for my $write (sort { $a->{n} <=> $b->{n} } grep { $_->{what} eq 'write' && $_->{ok} } @event) {
        my $last = $last{ $write->{key} };
        push @found, "the storage $write->{key} took $write->{token} after $last"
            if defined $last && _compare($last, $write->{token}) > 0;
        $last{ $write->{key} } = $write->{token};
    }
    return @found;
}

# --- not more than there are ------------------------------------------------------

sub _capacity {
    my ($holds)  = @_;
    my ($most)   = $holds->[0]{name} =~ /\[(\d+)\]\z/ or return;
    my $is_units = _kind($holds->[0]{name}) eq 'units';
    my @step =
        map { my $size = $is_units ? $_->{quantity} : 1; ([$_->{from}, $size, $_], [$_->{sure}, -$size, $_]) }
        grep { $_->{sure} > $_->{from} } @$holds;
    my ($sum, @found) = (0);
    # At the same moment, ends come first.
    for my $step (sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] } @step) {
        $sum += $step->[1];
        push @found, _say($step->[2], "is one too many: $sum of $most are held")
            if $sum > $most && $step->[1] > 0;
    }
    return @found;
}

# --- numbers and times ---------------------------------------------------------------

sub _numbers {
    my ($holds, @crash) = @_;
    my (%seen, @found);
    for my $hold (sort { _compare($a->{token} // '0.0', $b->{token} // '0.0') || $a->{from} <=> $b->{from} }
        @$holds)
    {
        my $kind = _kind($hold->{name});
        next if $kind !~ /\A(?:number|transaction|time)\z/ || defined $hold->{resumes};
        my $before = $seen{"$hold->{where} $hold->{name} $hold->{element}"};
        push @found, _say($hold, "has what another had: $hold->{element} of " . _say($before, q()))
            if $before && ($kind ne 'transaction' || _is_spent($before, @crash));
        $seen{"$hold->{where} $hold->{name} $hold->{element}"} = $hold;
    }
    return @found;
}

# Its number was used, and the daemon has surely read that.
sub _is_spent {
    my ($hold, @crash) = @_;
    return 0 if ($hold->{how} // q()) ne 'released';
    return !grep {
        $_->{where} eq $hold->{where}
            && ($_->{over} // $_->{t}) +
            $UNSEEN > $hold->{until}
            && $_->{t} < $hold->{until} +
            $UNREAD
    } @crash;
}

1;
