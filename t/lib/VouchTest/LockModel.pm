package VouchTest::LockModel;

use v5.16;
use warnings;

# A lock table that is slow and plain: lists, searched from the oldest on, and
# every rule written as one comparison of two requests.  It answers the
# commands of t/c/lock_script.h as the real one must, to the letter, and
# check() looks at what it holds with rules of its own.

use POSIX ();

my @MODES = qw(NL CR CW PR PW EX);
my %FREE  = (                        # what goes with what
    NL => 'NL CR CW PR PW EX',
    CR => 'NL CR CW PR PW',
    CW => 'NL CR CW',
    PR => 'NL CR PR',
    PW => 'NL CR',
    EX => 'NL',
);
my %COMPATIBLE = map {
    my $held = $_;
    map { ("$held $_" => 1) } split ' ', $FREE{$held}
} @MODES;

sub new {
    my ($class, %opt) = @_;
    my $self = {
        fairness   => 10_000,
        persistent => 0,
        epoch      => 1,
        queue      => 100_000,
        resources  => 100_000,
        block      => 100,
        %opt,
        now        => 0,
        wall       => 0,
        serial     => 0,
        fence      => 0,
        tie        => 0,
        out        => [],
        moving     => [],
        resource   => {},
        order      => [],
        owner      => {},
        kept       => {},
        kept_order => [],
        timers     => {},
    };
    return bless $self, $class;
}

# --- commands ---------------------------------------------------------------

sub run {
    my ($self, $line) = @_;
    my ($verb, @words) = split ' ', $line;
    $self->{out} = [];
    my $said = $self->can("_do_$verb")->($self, @words);
    $self->_run_groups if $verb =~ /\A(?:lock|unlock|convert|drop|tick|resume)\z/;
    return join '', $said // '', join '; ', @{ $self->{out} };
}

sub _do_at {
    my ($self, $now) = @_;
    $self->{wall} += ($now - $self->{now}) * 1000;
    $self->{now} = $now;
    return;
}

sub _do_wall { my ($self, $wall) = @_; $self->{wall} = $wall; return }

sub _do_counts {
    my ($self) = @_;
    my @all    = map { @{ $self->{resource}{$_}{holders} } } @{ $self->{order} };
    my @wait   = map { (@{ $_->{waiting} }, @{ $_->{parked} }) } values %{ $self->{resource} };
    return join ' ', scalar @{ $self->{order} }, scalar @all, scalar @wait;
}

sub _do_deadline {
    my ($self) = @_;
    my @at = map { $_->{at} } values %{ $self->{timers} };
    push @at, $self->{grace} if defined $self->{grace};
    return 'never' if !@at;
    return (sort { $a <=> $b } @at)[0];
}

sub _do_grace { my ($self, $until) = @_; $self->{grace} = $until; return }

sub _do_lock {
    my ($self, $owner, @words) = @_;
    my @wants = ({});
    for my $word (@words) {
        if    ($word eq '+')             { push @wants, {} }
        elsif ($word =~ /\A(\w+)=(.*)/s) { $wants[-1]{$1} = $2 }
        else                             { $wants[-1]{name} = $word }
    }
    my %all = (wait => 1, timeout => -1, tag => 0, lease => 0);
    exists $wants[0]{$_} and $all{$_} = delete $wants[0]{$_} for keys %all;
    for my $i (0 .. $#wants) {
        $wants[$i] = { mode => 'EX', q => 1, create => 1, life => 0, index => $i, %{ $wants[$i] } };
        my $code = $self->_impossible($wants[$i]);
        return $self->_say("refused $owner $wants[$i]{name}" . tag($all{tag}) . " code=$code") if $code;
    }
    my $who = $self->{owner}{$owner} //= { id => $owner, entries => [], lease => 0 };
    $who->{lease} = $all{lease} if $all{lease} > 0;
    if (@wants == 1) { $self->_start($who, $wants[0], \%all) }
    else             { $self->_start_group($who, \@wants, \%all) }
    $self->_run_groups;
    $self->_do_touch($owner);
    return;
}

sub _do_touch {
    my ($self, $owner) = @_;
    my $who = $self->{owner}{$owner} or return;
    $self->_timer("owner $owner", $self->{now} + $who->{lease}, sub { $self->_drop($who) }) if $who->{lease};
    return;
}

sub _do_unlock {
    my ($self, $owner, $name, @options) = @_;
    my $rollback = "@options" eq 'rollback=1';
    my $entry    = $self->_entry_of($owner, $name) or return '0 ';
    my $resource = $entry->{resource};
    if ($entry->{group}) {
        $self->_cancel_group($entry->{group}, 'withdrawn');
        return;
    }
    if ($entry->{state} eq 'held') {
        my $code = $rollback && $name !~ /\A_S_/ ? ' code=12' : '';
        $self->_let_go($entry, "released", $code, $rollback);
    }
    else {
        $self->_unqueue($entry);
        $self->_say("withdrawn $owner $name" . tag($entry->{tag}));
    }
    my $exists = $resource->{exists};
    $self->_make_idle($entry);
    $self->_serve($resource) if $exists;
    return;
}

sub _do_convert {
    my ($self, $owner, $name, @options) = @_;
    my %want  = (mode => 'EX', q => 1, wait => 1, tag => 0, name => $name, map { split /=/, $_, 2 } @options);
    my $entry = $self->_held_of($owner, $name) or return '0 ';
    my $about = "$owner $name" . tag($want{tag});
    my $code  = $self->_impossible(\%want);
    $code ||= 6                                     if $entry->{resource}{type} !~ /simple|numeric|hierarchy/;
    return $self->_say("refused $about code=$code") if $code;
    delete @$entry{qw(to convert_tag)};
    my ($other) = grep { $_->{to} } @{ $entry->{resource}{holders} };
    my %to = $self->_claim(\%want);

    if (!defined $self->{grace} && $self->_could_convert($entry, \%to)) {
        $self->_converted($entry, \%to, $want{tag});
    }
    elsif (defined $self->{grace} || !$want{wait} || $other) {
        $self->_say("refused $about code=4");
    }
    else {
        @$entry{qw(to convert_tag)} = (\%to, $want{tag});
        $self->_say("queued $about pos=1");
    }
    $self->_serve($entry->{resource});
    return;
}

sub _do_drop {
    my ($self, $owner) = @_;
    $self->_drop($self->{owner}{$owner}) if $self->{owner}{$owner};
    return;
}

sub _do_tick {
    my ($self) = @_;
    if (defined $self->{grace} && $self->{grace} <= $self->{now}) {
        $self->{grace} = undef;
        $self->_serve($self->{resource}{$_}) for @{ $self->{order} };
    }
    while (1) {
        my $timers = $self->{timers};
        my ($first) =
            sort { $timers->{$a}{at} <=> $timers->{$b}{at} || $timers->{$a}{tie} <=> $timers->{$b}{tie} }
            grep { $timers->{$_}{at} <= $self->{now} } keys %$timers;
        last if !defined $first;
        (delete $timers->{$first})->{due}->();
        $self->_run_groups;
    }
    return;
}

# --- names ------------------------------------------------------------------

sub type_of {
    my ($name) = @_;
    return 'simple'    if $name eq '_RESOURCE' || $name =~ /\A[A-Za-z][A-Za-z0-9]*\z/;
    return 'numeric'   if $name                         =~ /\A[A-Za-z][A-Za-z0-9]*\[[0-9]+\]\z/;
    return 'set'       if $name =~ /\A[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)+\z/;
    return 'hierarchy' if $name =~ m{\A(?:/[^/\r\n]+)+\z};
    return 'sequence'  if $name =~ /\A_[sS]_[A-Za-z][A-Za-z0-9]*\[[0-9]+\]\z/;
    return 'timestamp' if $name =~ /\A_t_[A-Za-z%#][A-Za-z0-9%#.:]*\[[0-9]+\]\z/;
    return 'invalid';
}

sub key_of { return $_[0] =~ m{\A(/[^/]+)} ? $1 : $_[0] }

sub capacity_of { return $_[0] =~ /\[([0-9]+)\]\z/ ? $1 : scalar split /\./, $_[0] }

sub tag { return $_[0] ? " t=$_[0]" : '' }

# The microseconds in which a timestamp's text stays the same.
sub interval_of {
    my ($name) = @_;
    my @runs = sort { $b <=> $a } map { length > 6 ? 6 : length } $name =~ /#(f+)/g;
    return 10**(6 - $runs[0]) if @runs;
    return 1_000_000          if $name =~ /%[crsSTX]/;
    return 60_000_000         if $name =~ /%[MR]/;
    return 3_600_000_000      if $name =~ /%[HI]/;
    return 0;
}

sub _impossible {
    my ($self, $want) = @_;
    my $type = type_of($want->{name});
    return -14 if $type eq 'invalid';
    return 6   if $type =~ /sequence|timestamp/ && capacity_of($want->{name}) == 0;
    return -25 if $type eq 'timestamp'          && !interval_of($want->{name});
    return -11 if $type =~ /simple|hierarchy/   && !$FREE{ $want->{mode} };
    return -7  if $type eq 'numeric'            && $want->{q} < 0;
    return 6   if $type eq 'numeric'            && $want->{q} > capacity_of($want->{name});
    return 0;
}

# --- two requests -----------------------------------------------------------

sub _claim {
    my ($self, $want) = @_;
    my $type = type_of($want->{name});
    return (
        mode => $type =~ /simple|hierarchy/ ? $want->{mode} : 'EX',
        q    => $type eq 'numeric'          ? $want->{q}    : 1,
    );
}

# May these two not be held at the same time?  (Of other types than those with
# modes: do they want the same thing?)
sub _conflict {
    my ($left, $left_claim, $right, $right_claim) = @_;
    my $type = $left->{resource}{type};
    if ($type eq 'hierarchy') {
        my ($short, $long) = sort { length $a <=> length $b } "$left->{name}/", "$right->{name}/";
        return 0 if substr($long, 0, length $short) ne $short;
    }
    return !$COMPATIBLE{"$left_claim->{mode} $right_claim->{mode}"} if $type =~ /simple|hierarchy/;
    return $left_claim->{q} > 0 && $right_claim->{q} > 0;
}

# Does a claim go together with the holders (but for @without, and but for
# what conversions wait for if $plain)?
sub _goes_together {
    my ($self, $entry, $claim, $plain) = @_;
    my $resource = $entry->{resource};
    my @others   = grep { $_ != $entry } @{ $resource->{holders} };
    if ($resource->{type} =~ /simple|hierarchy/) {
        for my $other (@others) {
            return 0 if _conflict($other, $other, $entry, $claim);
            return 0 if !$plain && $other->{to} && _conflict($other, $other->{to}, $entry, $claim);
        }
        return 1;
    }
    if ($resource->{type} eq 'numeric') {
        my $used = 0;
        $used += $_->{to} && !$plain ? $_->{to}{q} : $_->{q} for @others;
        return $claim->{q} == 0 || $used + $claim->{q} <= $resource->{capacity};
    }
    return @others < $resource->{capacity};
}

sub _fits {
    my ($self, $entry) = @_;
    my $resource = $entry->{resource};
    return 0 if $resource->{type} eq 'timestamp' && $self->_ready_at($resource) > $self->{now};
    return $self->_goes_together($entry, $entry);
}

# Would it delay an older one that has waited long enough?
sub _held_back {
    my ($self, $entry) = @_;
    return 0 if $self->{fairness} < 0;
    for my $older (@{ $entry->{resource}{waiting} }) {
        last     if $older->{serial} >= $entry->{serial};
        next     if $self->{now} - $older->{since} < $self->{fairness};
        return 1 if _conflict($older, $older, $entry, $entry);
    }
    return 0;
}

sub _could_convert {
    my ($self, $entry, $to) = @_;
    return $self->_goes_together($entry, $to, 1);
}

# --- stamps and numbers -----------------------------------------------------

sub _ready_at {
    my ($self, $resource) = @_;
    my $kept     = $resource->{kept};
    my $interval = interval_of($resource->{key});
    my $left     = $kept->{next} - $self->{wall};
    return $self->{now} if $left <= 0;
    my $by_clock = $self->{now} + POSIX::ceil($left / 1000);
    my $by_pace  = $kept->{given} + POSIX::ceil(2 * $interval / 1000);
    return $by_clock if $left <= $interval || $left <= 2_000_000 || $by_clock < $by_pace;
    return $by_pace;
}

sub _stamp {
    my ($self, $resource) = @_;
    my $kept     = $resource->{kept};
    my $interval = interval_of($resource->{key});
    my $at       = $self->{wall} < $kept->{next} ? $kept->{next} : $self->{wall};
    my $fraction = sprintf '%06d', $at % 1_000_000;
    my ($format) = $resource->{key} =~ /\A_t_(.*)\[/;
    $format =~ s/#(f{1,6})/'.' . substr $fraction, 0, length $1/ge;
    $kept->{next}  = (int($at / $interval) + 1) * $interval;
    $kept->{given} = $self->{now};

    if ($self->{persistent} && $kept->{next} > $kept->{limit}) {
        $kept->{limit} = $kept->{next} + 1_000_000;
        $self->_say("stamp $resource->{key} v=$kept->{limit}");
    }
    return POSIX::strftime($format, gmtime int($at / 1_000_000));
}

sub _number {
    my ($self, $resource) = @_;
    my $kept          = $resource->{kept};
    my $transactional = $resource->{key} =~ /\A_S_/;
    my $number        = shift @{ $kept->{returned} };
    if (!defined $number) {
        $number = $kept->{next}++;
        if ($self->{persistent} && !$transactional && $kept->{next} > $kept->{limit}) {
            $kept->{limit} = $number + $self->{block};
            $self->_say("numbers $resource->{key} v=$kept->{limit}");
        }
    }
    $self->_say("taken $resource->{key} v=$number") if $self->{persistent} && $transactional;
    return $number;
}

sub _element {
    my ($self, $entry) = @_;
    my $resource = $entry->{resource};
    return $self->_stamp($resource)  if $resource->{type} eq 'timestamp';
    return $self->_number($resource) if $resource->{type} eq 'sequence';
    return                           if $resource->{type} ne 'set';
    my @names  = split /\./, $resource->{key};
    my %taken  = map  { $_->{slot} => 1 } @{ $resource->{holders} };
    my ($slot) = grep { !$taken{$_} } map { ($resource->{start} + $_) % @names } 0 .. $#names;
    $resource->{start} = ($resource->{start} + 1) % @names;
    $entry->{slot}     = $slot;
    return $names[$slot];
}

sub _give_back {
    my ($self, $entry, $rollback) = @_;
    my $resource = $entry->{resource};
    return if $resource->{key} !~ /\A_S_/;
    push @{ $resource->{kept}{returned} }, $entry->{element} if $rollback;
    my $kind = $rollback ? 'returned' : 'spent';
    $self->_say("$kind $resource->{key} v=$entry->{element}") if $self->{persistent};
    return;
}

# --- one request ------------------------------------------------------------

sub _say { my ($self, $text) = @_; push @{ $self->{out} }, $text; return }

sub _timer {
    my ($self, $id, $at, $due) = @_;
    $self->{timers}{$id} = { at => $at, tie => ++$self->{tie}, due => $due };
    return;
}

sub _kept {
    my ($self, $name) = @_;
    my $first = $name =~ /\A_t_/ ? 0 : 1;
    my $new   = { next => $first, limit => $first, returned => [], given => 0 };
    return $new if !$self->{persistent};
    return $self->{kept}{$name} //= $new;
}

sub _make_resource {
    my ($self, $name) = @_;
    my $key = key_of($name);
    push @{ $self->{order} }, $key;
    return $self->{resource}{$key} = {
        key      => $key,
        type     => type_of($name),
        capacity => capacity_of($key),
        exists   => 0,
        start    => 0,
        holders  => [],
        waiting  => [],
        parked   => [],
        users    => 0,
    };
}

sub _remove_resource {
    my ($self, $resource) = @_;
    delete $self->{timers}{"resource $resource->{key}"};
    delete $self->{resource}{ $resource->{key} };
    @{ $self->{order} } = grep { $_ ne $resource->{key} } @{ $self->{order} };
    return;
}

sub _refuse_want {
    my ($self, $who, $want, $all, $code) = @_;
    if (my $group = $all->{group}) {
        $group->{code} = $code;
        $self->_move($group);
        return;
    }
    return $self->_say("refused $who->{id} $want->{name}" . tag($all->{tag}) . " code=$code");
}

sub _start {
    my ($self, $who, $want, $all) = @_;
    my $resource = $self->{resource}{ key_of($want->{name}) };
    my $fresh;
    if (!$resource || !$resource->{exists}) {
        return $self->_refuse_want($who, $want, $all, 5) if !$want->{create} && !$all->{wait};
        return $self->_refuse_want($who, $want, $all, -26)
            if !$resource && @{ $self->{order} } >= $self->{resources};
        $resource ||= $self->_make_resource($want->{name});
        if ($want->{create}) {
            $fresh            = $resource->{exists} = 1;
            $resource->{life} = $want->{life};
            $resource->{kept} = $self->_kept($resource->{key})
                if $resource->{type} =~ /sequence|timestamp/;
        }
    }
    my $idle  = $who->{idle};
    my $entry = {
        owner    => $who,
        resource => $resource,
        name     => $want->{name},
        $self->_claim($want),
        tag    => $all->{tag},
        part   => $want->{index},
        state  => 'idle',
        serial => ++$self->{serial},
        since  => $self->{now},
        group  => $all->{group},
    };
    push @{ $who->{entries} }, $entry;
    delete $self->{timers}{"resource $resource->{key}"} if !$resource->{users}++;
    $self->_forget($idle)                               if $idle;
    $want->{entry} = $entry                             if $all->{group};
    $self->_place($entry, $all, $fresh);
    return;
}

sub _place {
    my ($self, $entry, $all, $fresh) = @_;
    my $resource = $entry->{resource};
    my $timed    = $resource->{type} eq 'timestamp';
    $self->_timer("entry $entry", $self->{now} + $all->{timeout}, sub { $self->_timed_out($entry) })
        if $all->{timeout} >= 0 && $all->{wait};
    if (!$resource->{exists}) {
        push @{ $resource->{parked} }, $entry;
        $entry->{state} = 'parked';
        $self->_tell_waiting($entry, 'parked', ' code=2');
        return;
    }
    $self->_serve($resource) if $timed && @{ $resource->{waiting} };
    $self->_admit($entry, $all->{wait});
    $self->_serve($resource) if $fresh || $timed;
    return;
}

# A group tells only once that it waits.
sub _tell_waiting {
    my ($self, $entry, $kind, $more) = @_;
    my $group = $entry->{group};
    return if $group && $group->{told}++;
    my $parts = $group ? " p=$entry->{part}/" . @{ $group->{parts} } : '';
    return $self->_say("$kind $entry->{owner}{id} $entry->{name}" . tag($entry->{tag}) . $parts . $more);
}

sub _admit {
    my ($self, $entry, $wait) = @_;
    my $resource = $entry->{resource};
    if (!defined $self->{grace} && $self->_fits($entry) && !$self->_held_back($entry)) {
        return $self->_grant($entry);
    }
    return $self->_refuse($entry, 4)   if !$wait;
    return $self->_refuse($entry, -12) if @{ $resource->{waiting} } >= $self->{queue};
    push @{ $resource->{waiting} }, $entry;
    @$entry{qw(state since)} = ('waiting', $self->{now});
    $self->_tell_waiting($entry, 'queued', ' pos=' . @{ $resource->{waiting} });
    return;
}

sub _refuse {
    my ($self, $entry, $code) = @_;
    if (my $group = $entry->{group}) {
        $group->{code} = $code;
        $_->{entry} == $entry and delete $_->{entry} for grep { $_->{entry} } @{ $group->{parts} };
        $self->_move($group);
        $self->_forget($entry);
        return;
    }
    $self->_say("refused $entry->{owner}{id} $entry->{name}" . tag($entry->{tag}) . " code=$code");
    $self->_make_idle($entry);
    return;
}

sub _timed_out {
    my ($self, $entry) = @_;
    my $resource = $entry->{resource};
    my $exists   = $resource->{exists};
    $self->_unqueue($entry);
    $self->_refuse($entry, 9);
    $self->_serve($resource) if $exists;
    return;
}

sub _grant {
    my ($self, $entry) = @_;
    my $element = $self->_element($entry);
    push @{ $entry->{resource}{holders} }, $entry;
    delete $self->{timers}{"entry $entry"};
    @$entry{qw(state element since fence)} = ('held', $element, $self->{now}, ++$self->{fence});
    if (my $group = $entry->{group}) {
        $group->{done}++;
        $self->_move($group);
        return;
    }
    return $self->_tell_granted($entry, '');
}

sub _tell_granted {
    my ($self, $entry, $parts) = @_;
    my $element = defined $entry->{element} ? " e=$entry->{element}" : '';
    return $self->_say("granted $entry->{owner}{id} $entry->{name}"
            . tag($entry->{tag})
            . $parts
            . " f=$self->{epoch}.$entry->{fence}$element");
}

sub _converted {
    my ($self, $entry, $to, $tag) = @_;
    @$entry{qw(mode q)} = @$to{qw(mode q)};
    $entry->{fence} = ++$self->{fence};
    return $self->_say(
        "converted $entry->{owner}{id} $entry->{name}" . tag($tag) . " f=$self->{epoch}.$entry->{fence}");
}

# --- letting go -------------------------------------------------------------

sub _without {
    my ($list, $entry) = @_;
    @$list = grep { $_ != $entry } @$list;
    return;
}

sub _unqueue {
    my ($self, $entry) = @_;
    _without($entry->{resource}{ $entry->{state} }, $entry);
    $entry->{state} = 'idle';
    return;
}

sub _let_go {
    my ($self, $entry, $kind, $code, $rollback) = @_;
    if ($kind) {
        my $element = defined $entry->{element} ? " e=$entry->{element}" : '';
        $self->_say("$kind $entry->{owner}{id} $entry->{name}" . tag($entry->{tag}) . $code . $element);
    }
    _without($entry->{resource}{holders}, $entry);
    $self->_give_back($entry, $rollback);
    delete @$entry{qw(to element)};
    $entry->{state} = 'idle';
    return;
}

sub _forget {
    my ($self, $entry)    = @_;
    my ($who,  $resource) = @$entry{qw(owner resource)};
    delete $self->{timers}{"entry $entry"};
    _without($who->{entries}, $entry);
    delete $who->{idle}                       if $who->{idle} && $who->{idle} == $entry;
    return                                    if --$resource->{users};
    return $self->_remove_resource($resource) if !$resource->{exists};
    my $life = $resource->{life} > 0 ? $resource->{life} : 1000;
    $self->_timer("resource $resource->{key}", $self->{now} + $life + 1000, sub { $self->_due($resource) });
    return;
}

sub _make_idle {
    my ($self, $entry) = @_;
    my $who = $entry->{owner};
    return $self->_forget($entry) if !$entry->{resource}{exists};
    delete $self->{timers}{"entry $entry"};
    $self->_forget($who->{idle}) if $who->{idle} && $who->{idle} != $entry;
    $who->{idle} = $entry;
    return;
}

sub _due {
    my ($self, $resource) = @_;
    return $self->_serve($resource) if $resource->{users};
    $self->_say("ended $resource->{key}");
    $self->_remove_resource($resource);
    return;
}

sub _drop {
    my ($self, $who) = @_;
    for my $entry (@{ $who->{entries} }) {
        next if $entry->{group} || $entry->{state} eq 'idle';
        if ($entry->{state} eq 'held') {
            $self->_let_go($entry, 'dropped', '', 1);
        }
        else {
            $self->_unqueue($entry);
            $self->_say("withdrawn $who->{id} $entry->{name}" . tag($entry->{tag}));
        }
    }
    while (my ($entry) = grep { $_->{group} } @{ $who->{entries} }) {
        $self->_cancel_group($entry->{group}, 'withdrawn');
    }
    $self->_serve($_->{resource}) for @{ $who->{entries} };
    $self->_forget($_) for @{ [@{ $who->{entries} }] };
    delete $self->{timers}{"owner $who->{id}"};
    delete $self->{owner}{ $who->{id} };
    return;
}

sub _held_of {
    my ($self, $owner, $name) = @_;
    my $who = $self->{owner}{$owner} or return;
    my ($held) = grep { $_->{name} eq $name && $_->{state} eq 'held' && !$_->{group} } @{ $who->{entries} };
    return $held;
}

sub _entry_of {
    my ($self, $owner, $name) = @_;
    my $who = $self->{owner}{$owner} or return;
    my ($waits) = grep { $_->{name} eq $name && $_->{state} ne 'idle' } @{ $who->{entries} };
    return $self->_held_of($owner, $name) // $waits;
}

# --- the queue --------------------------------------------------------------

sub _serve {
    my ($self, $resource) = @_;
    return if !$resource->{exists};
    while (my $entry = shift @{ $resource->{parked} }) {
        @$entry{qw(state serial)} = ('idle', ++$self->{serial});
        $self->_admit($entry, 1);
    }
    return if defined $self->{grace};
    my ($converting) = grep { $_->{to} } @{ $resource->{holders} };
    if ($converting && $self->_could_convert($converting, $converting->{to})) {
        my ($to, $tag) = delete @$converting{qw(to convert_tag)};
        $self->_converted($converting, $to, $tag);
    }
    while (my ($next) = grep { $self->_fits($_) && !$self->_held_back($_) } @{ $resource->{waiting} }) {
        $self->_unqueue($next);
        $self->_grant($next);
    }
    $self->_set_wake($resource) if $resource->{users};
    return;
}

sub _set_wake {
    my ($self, $resource) = @_;
    delete $self->{timers}{"resource $resource->{key}"};
    return if $resource->{type} ne 'timestamp' || !@{ $resource->{waiting} };
    return if @{ $resource->{holders} } >= $resource->{capacity};
    my $at = $self->_ready_at($resource);
    $at = $self->{now} + 1 if $at <= $self->{now};
    $self->_timer("resource $resource->{key}", $at, sub { $self->_due($resource) });
    return;
}

# --- several resources ------------------------------------------------------

sub _start_group {
    my ($self, $who, $wants, $all) = @_;
    my %order  = map  { $_->{name} => join "\0", split m{/}, $_->{name}, -1 } @$wants;
    my @sorted = sort { $order{ $a->{name} } cmp $order{ $b->{name} } } @$wants;
    my $group =
        { %$all, owner => $who, parts => \@sorted, done => 0, told => 0, code => _bad_group(@sorted) };
    $self->_timer(
        "group $group",
        $self->{now} + $all->{timeout},
        sub { $self->_cancel_group($group, 'refused', 9) }
    ) if $all->{timeout} >= 0 && $all->{wait};
    return $self->_move($group);
}

sub _bad_group {
    my (@parts) = @_;
    for my $i (0 .. $#parts) {
        for my $j ($i + 1 .. $#parts) {
            my ($left, $right) = @parts[$i, $j];
            next       if key_of($left->{name}) ne key_of($right->{name});
            return 6   if $left->{name} eq $right->{name} || $left->{name} !~ m{\A/};
            return -11 if $left->{mode} ne $right->{mode};
            return 6
                if "$right->{name}/" =~ m{\A\Q$left->{name}\E/}
                && !$COMPATIBLE{"$left->{mode} $left->{mode}"};
        }
    }
    return 0;
}

sub _move {
    my ($self, $group) = @_;
    push @{ $self->{moving} }, $group if !grep { $_ == $group } @{ $self->{moving} };
    return;
}

sub _cancel_group {
    my ($self, $group, $kind, $code) = @_;
    my $at   = $group->{done} < @{ $group->{parts} } ? $group->{done} : 0;
    my $part = $group->{parts}[$at];
    $self->_say("$kind $group->{owner}{id} $part->{name}"
            . tag($group->{tag})
            . " p=$part->{index}/"
            . @{ $group->{parts} }
            . ($code ? " code=$code" : ''));
    for my $entry (map { delete $_->{entry} // () } reverse @{ $group->{parts} }) {
        my $resource = $entry->{resource};
        my $exists   = $resource->{exists};
        if ($entry->{state} eq 'held') { $self->_let_go($entry, '', '', 1) }
        else                           { $self->_unqueue($entry) }
        delete $entry->{group};
        $self->_make_idle($entry);
        $self->_serve($resource) if $exists;
    }
    $self->_end_group($group);
    return;
}

sub _end_group {
    my ($self, $group) = @_;
    delete $self->{timers}{"group $group"};
    _without($self->{moving}, $group);
    return;
}

sub _run_groups {
    my ($self) = @_;
    while (my $group = shift @{ $self->{moving} }) {
        if ($group->{code}) {
            $self->_cancel_group($group, 'refused', $group->{code});
        }
        elsif ($group->{done} == @{ $group->{parts} }) {
            for my $part (sort { $a->{index} <=> $b->{index} } @{ $group->{parts} }) {
                delete $part->{entry}{group};
                $self->_tell_granted($part->{entry}, " p=$part->{index}/" . @{ $group->{parts} });
            }
            $self->_end_group($group);
        }
        else {
            my %all = (wait => $group->{wait}, timeout => -1, tag => $group->{tag}, group => $group);
            $self->_start($group->{owner}, $group->{parts}[$group->{done}], \%all);
        }
    }
    return;
}

# --- what must hold ---------------------------------------------------------

# What is wrong with what is held and waits now, in words; () if nothing.
sub check {
    my ($self) = @_;
    return map { ($self->_check_holders($_), $self->_check_waiting($_)) } values %{ $self->{resource} };
}

sub _check_holders {
    my ($self, $resource) = @_;
    my @holders = @{ $resource->{holders} };
    my @bad;
    for my $i (0 .. $#holders) {
        for my $j ($i + 1 .. $#holders) {
            my ($one, $other) = @holders[$i, $j];
            push @bad, "$one->{owner}{id} and $other->{owner}{id} hold $one->{name} together"
                if $resource->{type} =~ /simple|hierarchy/ && _conflict($one, $one, $other, $other);
        }
    }
    my %seen;
    my $what = $resource->{type} eq 'set' ? 'slot' : 'element';
    $seen{ $_->{$what} }++ and push @bad, "$_->{$what} of $resource->{key} is out twice"
        for grep { defined $_->{$what} } @holders;
    my $used = 0;
    $used += $_->{q} for @holders;
    push @bad, "$used of $resource->{key} are held"
        if $resource->{type} !~ /simple|hierarchy/ && $used > $resource->{capacity};
    return @bad;
}

sub _check_waiting {
    my ($self, $resource) = @_;
    return if defined $self->{grace} || $resource->{type} eq 'timestamp';
    return map { "$_->{owner}{id} waits for $_->{name}, which it could have" }
        grep { $self->_fits($_) && !$self->_held_back($_) } @{ $resource->{waiting} };
}

1;
