package Vouch::Lock 0.001;

use v5.16;
use warnings;

use Errno       qw(ECONNREFUSED ENOENT);
use Exporter    qw(import);
use Time::HiRes qw(sleep);

use Vouch               ();
use Vouch::Error        ();
use Vouch::Lock::Reason ();
use Vouch::Lock::Server ();

BEGIN { Vouch::Lock::Reason->import(@Vouch::Lock::Reason::EXPORT_OK) }

our @EXPORT      = qw(with_lock);
our @EXPORT_OK   = @Vouch::Lock::Reason::EXPORT_OK;
our %EXPORT_TAGS = (reasons => [@EXPORT_OK]);

use constant {
    FOREVER    => -1,
    WANT_READ  => -2,
    WANT_WRITE => -3,
    WANT_TIME  => -4,              # nothing but that time passes
    NAMES_MAX  => 64,
    RETRY_MS   => 1000,            # for a daemon that somebody else is starting
    PAUSE_MS   => 10,
    MAX_MS     => 2_000_000_000,
};

# What becomes of a lock.
use constant {
    PENDING  => 0,
    HELD     => 1,
    REFUSED  => 2,
    RELEASED => 3,
    LOST     => 4,
    GIVEN    => 5,
};

my %MODE;
@MODE{qw(NL CR CW PR PW EX)}                                                              = 0 .. 5;
@MODE{qw(NULLLOCK CONCURRENTREAD CONCURRENTWRITE PROTECTEDREAD PROTECTEDWRITE EXCLUSIVE)} = 0 .. 5;
my @MODE_NAME = qw(NL CR CW PR PW EX);

my $HIERARCHY = 4;    # Vouch::Lock::_type

my %OPTION = map { $_ => 1 } qw(timeout mode quantity create idle lease on_lost);

# The numbers of a request, in the order in which xs/lock.c reads them.
use constant {
    MODE     => 0,
    QUANTITY => 1,
    WAIT     => 2,
    CREATE   => 3,
    IDLE     => 4,
    LEASE    => 5,
};

my $last_error;    # of this process
my $is_over;       # the program ends

sub CLONE_SKIP { return 1 }
sub CLONE      { undef $last_error; return }

# --- for everybody -------------------------------------------------------------

# What new does where it is not the most common: that, and new itself, is in
# xs/Lock.xs.
sub _new {
    my $self = &_prepare;
    return $self->_finish($self->_next) ? $self : $self->_tell_caller;
}

sub begin {
    my $self = &_prepare;
    $self->{want}    = WANT_READ;
    $self->{outcome} = $self->_next;
    return $self;
}

sub with_lock(&@) {    ## no critic (ProhibitSubroutinePrototypes)
    my ($code, $name, %arg) = @_;
    my $lock      = __PACKAGE__->new($name, %arg) // Vouch::Error->throw(%$last_error);
    my $wantarray = wantarray;
    my @result;
    my $lived = eval {
        if    ($wantarray)         { @result = $code->($lock) }
        elsif (defined $wantarray) { $result[0] = $code->($lock) }
        else                       { $code->($lock) }
        1;
    };
    if (!$lived) {
        my $error = $@;
        $lock->rollback;
        die $error;    ## no critic (RequireCarping)
    }
    $lock->release;
    Vouch::Error->throw(%{ $lock->error }) if $lock->{state} == LOST;
    return $wantarray ? @result : $result[0];
}

sub names   { return @{ $_[0]{names} // $_[0]{order} } }
sub name    { return ($_[0]{names}   // $_[0]{order})->[0] }
sub server  { return $_[0]{server} }
sub mode    { return $MODE_NAME[$_[0]{request}[MODE]] }
sub element { my ($self, $name) = @_; return $self->_fact(element => $name) }
sub token   { my ($self, $name) = @_; return $self->_fact(token => $name) }

sub error {
    my ($self) = @_;
    return ref $self ? $self->{error} : $last_error;
}

sub reason {
    my ($self) = @_;
    my $error = $self->error;
    return $error ? $error->code : undef;
}

sub is_pending { return $_[0]{state} == PENDING }

sub is_held {
    my ($self) = @_;
    return !!0 if $self->{state} != HELD || !$self->_is_mine;
    for my $at (0 .. $#{ $self->{links} }) {
        next if $self->{links}[$at]->_is_held;
        $self->_lose($at);
        return !!0;
    }
    return !!1;
}

sub release  { my ($self) = @_; $self->_remember if $self->{links}; return $self->_let_go(0) }
sub rollback { my ($self) = @_; $self->_remember if $self->{links}; return $self->_let_go(1) }

sub convert {
    my ($self, @arg) = @_;
    my ($mode, %arg) = @arg % 2 ? @arg : (undef, @arg);
    my @want     = @{ $self->{request} };
    my $deadline = FOREVER;
    $want[WAIT]     = 1;
    $want[MODE]     = _mode($mode)                     if defined $mode;
    $want[QUANTITY] = _quantity(delete $arg{quantity}) if defined $arg{quantity};
    ($want[WAIT], $deadline) = _deadline(delete $arg{timeout}) if exists $arg{timeout};
    _refuse("convert has no argument '$_'") for keys %arg;
    _refuse('a lock of several names has one mode') if @{ $self->{order} } > 1;
    delete $self->{error};
    return $self->_cannot(LOCK_RELEASED,    'it is not held') if !$self->is_held;
    return $self->_cannot(LOCK_UNSUPPORTED, 'the daemon is not of Vouch, and cannot change a lock')
        if !defined $self->token;
    return $self->_convert($self->{links}[0], \@want, $deadline);
}

sub resume {
    my ($self, %arg)      = @_;
    my (undef, $deadline) = _deadline(delete $arg{timeout} // 10);
    _refuse("resume has no argument '$_'") for keys %arg;
    return $self->is_held if $self->{state} != LOST;
    return $self->_resume($deadline);
}

sub transfer_to_child {
    my ($self) = @_;
    return !!0 if !$self->is_held;
    $_->_give(1) for @{ $self->{links} };
    $self->{given} = 1;
    return !!1;
}

# --- for loops of events ---------------------------------------------------------

sub fileno {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    my $from = $self->{state} == HELD ? $self->{links}[0] : undef;
    $from = $self->{starter} // $self->{link} if $self->{state} == PENDING && $self->{want} != WANT_TIME;
    my $fd = $from ? $from->_fd : -1;
    return $fd >= 0 ? $fd : undef;
}

# All of them: several names are held by as many connections.
sub filenos {
    my ($self) = @_;
    return grep { defined } $self->fileno if $self->{state} != HELD;
    return grep { $_ >= 0 } map { $_->_fd } @{ $self->{links} };
}

sub want {
    my ($self) = @_;
    return 'read' if $self->{state} == HELD;
    return q()    if $self->{state} != PENDING;
    return { WANT_READ, 'read', WANT_WRITE, 'write' }->{ $self->{want} } // q();
}

# Seconds until advance is to be called, whatever the descriptor does.
sub wait_seconds {
    my ($self) = @_;
    my @at =
        $self->{state} == PENDING ? grep { defined && $_ != FOREVER } @$self{qw(deadline until pause)} : ();
    if ($self->{state} <= HELD) {
        push @at, grep { $_ != FOREVER } map { $_->_next_ping } @{ $self->{links} // [] };
        push @at, grep { $_ != FOREVER } $self->{link}->_next_ping if $self->{link};
    }
    return undef if !@at;    ## no critic (ProhibitExplicitReturnUndef)
    my ($first) = sort { $a <=> $b } @at;
    my $left = $first - _now();
    return $left > 0 ? $left / 1000 : 0;
}

sub advance {
    my ($self) = @_;
    return !!1 if $self->{state} > HELD;
    if ($self->{state} == HELD) { $self->is_held; return !!1 }
    my $outcome = $self->{outcome};
    $outcome = $self->_poll if !defined $outcome || $outcome <= WANT_READ;
    return $self->_go_on($outcome);
}

sub DESTROY {
    my ($self) = @_;
    return if $is_over || !defined $self->{state} || $self->{state} > HELD;
    if    ($self->{state} == PENDING) { $self->_give_up }
    elsif (!$self->_drop)             { $self->_let_go(0) }
    return;
}

# A program that ends is like a command under flom: if it fails, numbers go
# back.
END {
    $is_over = 1;
    Vouch::Lock::Link::_end($? ? 1 : 0);
}

# --- what is asked for -----------------------------------------------------------

sub _refuse {
    my ($problem) = @_;
    Vouch::Error->throw(code => 'argument', message => "a lock: $problem");
    return;
}

sub _mode {
    my ($mode) = @_;
    return $MODE{ uc $mode } // _refuse("'$mode' is no mode: use NL, CR, CW, PR, PW or EX");
}

sub _quantity {
    my ($quantity) = @_;
    _refuse('quantity must be a whole number from 1 on')
        if ref $quantity || $quantity !~ /\A[1-9][0-9]{0,8}\z/;
    return $quantity;
}

sub _milliseconds {
    my ($name, $seconds) = @_;
    _refuse("$name must be a number of seconds")
        if !defined $seconds || ref $seconds || $seconds !~ /\A(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e-?[0-9]+)?\z/i;
    my $ms = int($seconds * 1000 + 0.5);
    $ms = 1      if $ms == 0 && $seconds > 0;
    $ms = MAX_MS if $ms > MAX_MS;
    return $ms;
}

# Whether to wait, and until when.
sub _deadline {
    my ($seconds) = @_;
    return (1, FOREVER) if !defined $seconds;
    my $ms = _milliseconds(timeout => $seconds);
    return $ms == 0 ? (0, FOREVER) : (1, _now() + $ms);
}

# The object, with all that is asked for.
sub _prepare {
    my ($class, $name, %arg) = @_;
    my $server = delete $arg{server} // Vouch::Lock::Server->default;
    my $self   = bless {
        server   => $server,
        state    => PENDING,
        request  => $server->{request},
        deadline => FOREVER,
        order    => [$name],
    }, $class;
    $self->_configure(%arg) if %arg || $server->{timeout} != FOREVER;
    $self->_names($name) if !defined $name || ref $name || $name ne $server->{good_name};
    return $self;
}

sub _configure {
    my ($self, %arg) = @_;
    my @request = @{ $self->{request} };
    for my $name (keys %arg) {
        _refuse("there is no argument '$name'") if !$OPTION{$name};
    }
    my $timeout = $self->{server}{timeout};
    $timeout = exists $arg{timeout} ? $arg{timeout} : $timeout == FOREVER ? undef : $timeout / 1000;
    ($request[WAIT], $self->{deadline}) = _deadline($timeout);
    $self->{timeout}   = $timeout;
    $request[MODE]     = _mode($arg{mode})                   if defined $arg{mode};
    $request[QUANTITY] = _quantity($arg{quantity})           if defined $arg{quantity};
    $request[CREATE]   = $arg{create} ? 1 : 0                if exists $arg{create};
    $request[IDLE]     = _milliseconds(idle => $arg{idle})   if defined $arg{idle};
    $request[LEASE]    = _milliseconds(lease => $arg{lease}) if defined $arg{lease};
    $self->{request}   = \@request;
    return                                if !defined $arg{on_lost};
    _refuse('on_lost must be a function') if ref $arg{on_lost} ne 'CODE';
    $self->{on_lost} = $arg{on_lost};
    return;
}

sub _names {
    my ($self, $name) = @_;
    if (!defined $name) {
        $self->{order} = [$self->{server}{facts}{resource_name}];
        return;
    }
    if (!ref $name) {
        _type($name) or _refuse("'$name' is not a valid name");
        _refuse("'$name' is reserved for those who give no name") if $name eq '_RESOURCE';
        $self->{server}{good_name} = $name;
        return;
    }
    _refuse('a name, or an array of names, is wanted')        if ref $name ne 'ARRAY';
    _refuse('from one to ' . NAMES_MAX . ' names are wanted') if !@$name || @$name > NAMES_MAX;
    $self->{names} = [@$name];
    $self->{order} = [sort @$name];
    my $before;
    for my $one (@{ $self->{order} }) {
        my $type = _type($one) or _refuse("'$one' is not a valid name");
        _refuse("'$one' is reserved for those who give no name") if $one eq '_RESOURCE';
        _refuse("'$one' is there twice")                         if defined $before && $before eq $one;
        _refuse_overlap($one, $self->{order})                    if $type == $HIERARCHY;
        $before = $one;
    }
    return;
}

# It would wait for itself.
sub _refuse_overlap {
    my ($one, $all) = @_;
    for my $other (@$all) {
        _refuse("'$other' is a part of '$one': lock one of them")
            if length $other > length $one && index("$other", "$one/") == 0;
    }
    return;
}

# --- taking ----------------------------------------------------------------------
#
# A step begins something and returns its outcome: 0 done, -1 failed, or a WANT_.
# When it is done or has failed, the method in {step} goes on with that.

sub _next {
    my ($self) = @_;
    @$self{qw(link reused)} = $self->{server}->_obtain($self->_current);
    return $self->{reused} ? $self->_ask : $self->_connect;
}

# The name whose turn it is.
sub _current { my ($self) = @_; return $self->{order}[$self->{links} ? @{ $self->{links} } : 0] }

sub _connect {
    my ($self) = @_;
    my $until = _now() + $self->{server}{connect};
    $until = $self->{deadline} if $self->{deadline} != FOREVER && $self->{deadline} < $until;
    @$self{qw(step until)} = ('_connected', $until);
    return $self->{link}->_connect($until) == 0 ? $self->{link}->_advance : -1;
}

sub _ask {
    my ($self) = @_;
    @$self{qw(step until)} = ('_answered', undef);
    my $link = $self->{link};
    return $link->_lock($self->_current, $self->{request}) == 0 ? $link->_advance : -1;
}

sub _connected {
    my ($self, $outcome) = @_;
    my ($link, $server)  = @$self{qw(link server)};
    if ($outcome >= 0) {
        $server->_connected($link);
        return $self->_ask;
    }
    if ($server->_forget) {
        $self->{link} = $server->_new_link;
        return $self->_connect;
    }
    if ($link->_errno == ENOENT || $link->_errno == ECONNREFUSED) {
        return $self->_pause if defined $self->{retry_until}  && _now() < $self->{retry_until};
        return $self->_start if !defined $self->{retry_until} && $server->_may_start;
    }
    return $self->_not_connected($link->_reason);
}

sub _not_connected {
    my ($self, $why) = @_;
    my $reason = Vouch::Lock::Reason::_of_code($self->{link}->_rc);
    $reason = LOCK_UNREACHABLE if $reason ne LOCK_TLS;
    return $self->_fail($reason, 'no connection to the daemon at ' . $self->{server}->where . ": $why");
}

sub _start {
    my ($self) = @_;
    @$self{qw(step starter)} = ('_started', $self->{server}->_start);
    return $self->{starter}->_advance;
}

sub _started {
    my ($self, $outcome) = @_;
    my $starter = delete $self->{starter};
    return $self->_not_connected('a daemon could not be started: ' . $starter->_reason) if $outcome != 0;
    $self->{retry_until} = _now() + RETRY_MS;
    return $self->_connect;
}

sub _pause {
    my ($self) = @_;
    @$self{qw(step pause)} = ('_paused', _now() + PAUSE_MS);
    return WANT_TIME;
}

sub _paused {
    my ($self) = @_;
    delete $self->{pause};
    return $self->_connect;
}

sub _answered {
    my ($self, $outcome) = @_;
    my $link = $self->{link};
    return $self->_taken          if $outcome == 0;
    return $self->_refused($link) if $outcome > 0 && !$link->_is_idle;
    # The daemon may have gone while nobody used the connection.
    return $self->_again if delete $self->{reused};
    my $reason = Vouch::Lock::Reason::_of_code($link->_rc);
    my $says   = $link->_reason;
    ($reason, $says) = (LOCK_REFUSED, $link->_why) if $reason eq LOCK_PROTOCOL && $link->_why ne q();
    return $self->_fail($reason,
        $self->_sentence($reason, $says || "the connection failed (FLoM's code " . $link->_rc . ')'));
}

sub _again {
    my ($self) = @_;
    $self->{server}->disconnect;
    $self->{link} = $self->{server}->_new_link;
    return $self->_connect;
}

sub _refused {
    my ($self, $link) = @_;
    my $reason = Vouch::Lock::Reason::_of_code($link->_rc);
    return $self->_fail($reason, $self->_sentence($reason, $link->_reason));
}

# The lock of one name is held: on to the next.
sub _taken {
    my ($self) = @_;
    push @{ $self->{links} }, delete $self->{link};
    return $self->_next if @{ $self->{links} } < @{ $self->{order} };
    $self->{state} = HELD;
    return undef;    ## no critic (ProhibitExplicitReturnUndef)
}

sub _sentence {
    my ($self, $reason, $more) = @_;
    return Vouch::Lock::Reason::_sentence($reason, $self->_current, $more);
}

# Nothing is held, and this is why.  Ends the steps.
sub _fail {
    my ($self, $reason, $message) = @_;
    $self->{error} = Vouch::Error->new(code => $reason, message => $message);
    $self->_give_up;
    return undef;    ## no critic (ProhibitExplicitReturnUndef)
}

# Take back what was asked for, and what is held of several.
sub _give_up {
    my ($self) = @_;
    my $link   = delete $self->{link};
    my $name   = $self->_current;
    $self->{state} = REFUSED;
    delete $self->{starter};
    if (my $ended = delete $self->{ended}) { $ended->($self) }
    if ($link && $self->{error} && $self->{error}->code eq LOCK_BUSY) {
        $self->{server}->_keep_for($name, $link) if !$self->{request}[LEASE];
    }
    elsif ($link) { $link->_disconnect }
    $self->_unlock_all(1) if $self->{links};
    return;
}

# Steps, until there is something to wait for.  True when it is settled.
sub _go_on {
    my ($self, $outcome) = @_;
    delete $self->{outcome};
    $outcome = $self->{want} if defined $outcome && $outcome == 1;    # the time is over
    while (defined $outcome && $outcome > WANT_READ) {
        return !!1 if $self->{state} != PENDING;                      # a signal handler has let go
        my $step = $self->{step};
        $outcome = $self->$step($outcome);
    }
    return !!1 if !defined $outcome;
    $self->{want} = $outcome;
    return $self->_is_late;
}

# What a step waits for, looked at without waiting.
sub _poll {
    my ($self) = @_;
    return $self->{starter}->_advance if $self->{starter};
    return $self->{link}->_advance    if $self->{want} != WANT_TIME;
    return _now() >= $self->{pause} ? 0 : WANT_TIME;
}

# The time is over: true, and it has failed.
sub _is_late {
    my ($self) = @_;
    return !!1 if $self->{state} != PENDING;
    my $now = _now();
    if ($self->{deadline} != FOREVER && $now >= $self->{deadline}) {
        my $where = $self->{step} eq '_answered' ? q() : ': no connection to ' . $self->{server}->where;
        $self->_fail(LOCK_TIMEOUT,
            $self->_sentence(LOCK_TIMEOUT, "not within $self->{timeout} seconds$where"));
        return !!1;
    }
    if (defined $self->{until} && $now >= $self->{until}) {
        $self->_fail(LOCK_UNREACHABLE, 'no answer of the daemon at ' . $self->{server}->where);
        return !!1;
    }
    return !!0;
}

# Steps, waiting for each.  True when it is held.
sub _finish {
    my ($self, $outcome) = @_;
    my $settled = $self->_go_on($outcome);
    $settled = $self->_go_on($self->_wait) until $settled;
    return $self->{state} == HELD;
}

sub _wait {
    my ($self)  = @_;
    my ($until) = sort { $a <=> $b } grep { defined && $_ != FOREVER } @$self{qw(deadline until pause)};
    $until //= FOREVER;
    if ($self->{starter} || $self->{want} == WANT_TIME) {
        my $bits = q();
        vec($bits, $self->{starter}->_fd, 1) = 1 if $self->{starter};
        my $left = $until == FOREVER ? undef : ($until - _now()) / 1000;
        select $bits, undef, undef, defined $left && $left < 0 ? 0 : $left;
        return $self->_poll;
    }
    return $self->{link}->_wait($until);
}

# --- holding -----------------------------------------------------------------------

# Is this the process that may use it?  A child to which it was given takes it
# when it first asks.
sub _is_mine {
    my ($self) = @_;
    my $link = $self->{links}[0];
    return $link->_is_ours if !$self->{given};
    if ($link->_is_idle) {
        $self->_end(GIVEN) if $link->_is_ours;
        return !!0;
    }
    return !!1 if $link->_is_ours;
    $_->_give(0) for @{ $self->{links} };
    delete $self->{given};
    return !!1;
}

# What is known of a lock, also when it is held no more.
sub _fact {
    my ($self, $fact, $name) = @_;
    $name //= $self->name;
    return $self->{known}{$name}{$fact} if !$self->{links};
    for my $at (0 .. $#{ $self->{links} }) {
        next if $self->{order}[$at] ne $name;
        return $fact eq 'token' ? $self->{links}[$at]->_token : $self->{links}[$at]->_element;
    }
    return undef;    ## no critic (ProhibitExplicitReturnUndef)
}

sub _remember {
    my ($self) = @_;
    for my $name (@{ $self->{order} }) {
        $self->{known}{$name} //= { map { $_ => $self->_fact($_, $name) } qw(element token) };
    }
    return;
}

sub _end {
    my ($self, $state) = @_;
    $self->{state} = $state;
    if (my $ended = delete $self->{ended}) { $ended->($self) }
    return;
}

# True if all was held to the end.
sub _let_go {
    my ($self, $rollback) = @_;
    $self->_give_up if $self->{state} == PENDING;
    return !!0      if $self->{state} != HELD || ($self->{given} && !$self->_is_mine);
    # Who watches its descriptors stops before they are another's.
    if (my $ended = delete $self->{ended}) { $ended->($self) }
    my $lost = $self->_unlock_all($rollback);
    if (!$lost) {
        $self->{state} = RELEASED;
        return !!1;
    }
    if ($lost->_is_ours) { $self->_tell_loss($self->{order}[0], $lost->_reason) }
    else                 { $self->{state} = RELEASED }    # a child's copy, and nothing is lost
    return !!0;
}

# In the opposite order.  A link that was lost is returned.
sub _unlock_all {
    my ($self, $rollback) = @_;
    my $links  = delete $self->{links};
    my $server = $self->{server};
    my $lost;
    while (my $link = pop @$links) {
        my $kind = $link->_unlock($rollback);
        if    ($kind == -1)             { $lost = $link }
        elsif ($self->{request}[LEASE]) { $link->_part }
        elsif ($kind == 1) { push @{ $server->{free} }, $link if @{ $server->{free} } < $server->{keep} }
        else               { $server->_keep_for($self->{order}[@$links], $link) }
    }
    return $lost;
}

# One of the locks is gone; what is left of several is let go.
sub _lose {
    my ($self, $at) = @_;
    my $says = $self->{links}[$at]->_reason;
    $self->_remember;
    $self->_unlock_all(1);
    $self->_tell_loss($self->{order}[$at], $says);
    return;
}

sub _tell_loss {
    my ($self, $name, $says) = @_;
    $self->{error} = $last_error = Vouch::Error->new(
        code    => LOCK_LOST,
        message => "the lock '$name' is lost: " . ($says || 'it could not be kept while it was changed')
    );
    $self->_end(LOST);
    if (my $on_lost = delete $self->{on_lost}) { $on_lost->($self) }
    return;
}

sub _cannot {
    my ($self, $reason, $why) = @_;
    $self->{error} = $last_error = Vouch::Error->new(
        code    => $reason,
        message => Vouch::Lock::Reason::_sentence($reason, $self->name, $why)
    ) if !$self->{error} || $self->{error}->code ne LOCK_LOST;
    return !!0;
}

sub _tell_caller {
    my ($self) = @_;
    my (undef, $file, $line) = caller 1;
    @{ $self->{error} }{qw(file line)} = ($file, $line);
    $last_error = $self->{error};
    return;
}

# --- changing ------------------------------------------------------------------------

sub _convert {
    my ($self, $link, $want, $deadline) = @_;
    my $until   = _now() + $self->{server}{connect};
    my $outcome = $link->_convert($want);
    # The first answer comes at once; only if it is to wait, there is a deadline.
    $outcome = $link->_wait($until) if $outcome == 0;
    $outcome = $link->_wait($deadline) while $outcome == WANT_READ;
    if ($outcome == 1) {
        $outcome = $link->_stay($self->{request});
        $outcome = $link->_wait($until) if $outcome == 0;
        $outcome = $link->_wait($until) while $outcome == WANT_READ;
        $outcome = -1 if $outcome == 0 && $link->_rc == 3 && !_covers($want, $self->{request});
    }
    if ($outcome != 0) {
        $link->_disconnect;
        $self->_lose(0);
        return !!0;
    }
    return $self->_cannot(Vouch::Lock::Reason::_of_code($link->_rc), $link->_reason) if $link->_rc != 0;
    $self->{request} = $want;
    return !!1;
}

# Does nobody get in, who would not, while it is changed and changed back?
sub _covers {
    my ($want, $held) = @_;
    return $MODE_NAME[$want->[MODE]] eq 'EX' || $want->[MODE] == $held->[MODE];
}

# Once more with the tokens of before, all or nothing; until the deadline.
sub _resume {
    my ($self, $deadline) = @_;
    my @links;
    for my $name (@{ $self->{order} }) {
        my $link = $self->_resumed($name, $deadline);
        if (!$link) {
            $_->_unlock(1) for @links;
            return !!0;
        }
        push @links, $link;
    }
    @$self{qw(links state)} = (\@links, HELD);
    delete @$self{qw(error known)};
    return !!1;
}

sub _resumed {
    my ($self, $name, $deadline) = @_;
    my ($token, $element) = @{ $self->{known}{$name} }{qw(token element)};
    return $self->_cannot_resume(LOCK_UNSUPPORTED, $name, 'the daemon gave no token') if !defined $token;
    my $link = $self->{server}->_new_link;
    until ($link->_connect($deadline) == 0 && $link->_wait($deadline) == 2 && !$link->_is_idle) {
        return $self->_cannot_resume(LOCK_UNREACHABLE, $name, $link->_reason) if _now() >= $deadline;
        $link->_disconnect;
        sleep PAUSE_MS / 1000;
    }
    my $outcome = $link->_take_up($name, $self->{request}, $token, $element);
    $outcome = $link->_wait($deadline) if $outcome == 0;
    $outcome = $link->_wait($deadline) while $outcome == WANT_READ;
    return $link if $outcome == 0;
    return $self->_cannot_resume($outcome == 1 ? LOCK_TIMEOUT : LOCK_REFUSED,
        $name, $link->_reason || 'the daemon does not give it back');
}

sub _cannot_resume {
    my ($self, $reason, $name, $why) = @_;
    $self->{error} = $last_error = Vouch::Error->new(code => $reason, message => "the lock '$name': $why");
    return;
}

1;

__END__

=head1 NAME

Vouch::Lock - a lock that processes and hosts share, held while an object lives

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->new('report', timeout => 5) or die Vouch::Lock->error;
    say 'nobody else does this now';
    # let go at the end of the scope, also by die and exit

    my $sum = with_lock { 1 + 1 } 'adder', mode => 'PR';

=head1 DESCRIPTION

A lock is taken from a daemon, the command L<flom(1)>, which processes of one host
find at a unix socket and others by TCP. The daemon knows when a process that
holds a lock is gone, whatever has ended it, and gives the lock to the next. One
who waits sleeps until then.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Lock qw(:DEFAULT :reasons);

    my $lock = Vouch::Lock->new('report') or die Vouch::Lock->error;
    say 'held' if $lock->is_held;    # prints: held

    if (!Vouch::Lock->new('report', timeout => 0)) {
        say Vouch::Lock->error->message;    # prints: the lock 'report' is held by another
        say 'busy' if Vouch::Lock->reason eq LOCK_BUSY;    # prints: busy
    }
    undef $lock;

    say with_lock { 'computed' } 'report';    # prints: computed

=for example end

Where no daemon runs at the unix socket, one is started, as C<flom> does it, and
ends when it has not been needed for some seconds; L<Vouch::Lock::Server> says how
to have it otherwise.

=head2 What can be locked

The name says what kind of thing it is. Names have letters and digits only, but
for the marks of their kind.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $seats  = Vouch::Lock->new('licence[10]', quantity => 2);    # 2 of 10
    my $colour = Vouch::Lock->new('red.green.blue');                # one of three
    say $colour->element;    # prints: red
    my $page = Vouch::Lock->new('/site/page', mode => 'PR');        # a part of a tree
    say 'no writer' if !Vouch::Lock->new('/site', timeout => 0);    # prints: no writer

    my $number = Vouch::Lock->new('_S_invoice[1]');    # the next number
    say $number->element;                              # prints: 1
    $number->rollback;                                 # it was not used
    say Vouch::Lock->new('_S_invoice[1]')->element;    # prints: 1

    my $stamp = Vouch::Lock->new('_t_%Y%m%d.%H%M%S[1]');    # a time nobody else gets
    say $stamp->element;                                    # prints: 20...

=for example end

L<flom(1)> describes them all. A mode says who else may hold the same thing: C<NL>,
C<CR>, C<CW>, C<PR> (for readers), C<PW>, and C<EX> (for one alone, the default). It
is for plain names and trees.

=head2 Stale holders

A process that was stopped for a while, or whose network was away, may go on in
the belief that it holds a lock that another has by now. What it writes to must
be able to refuse it: give L</token> with each write, and refuse one that is
smaller than one seen before. Tokens are two numbers with a dot between; compare the
first, then the second.

=head2 Several at once

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $both = Vouch::Lock->new([qw(source target)]) or die Vouch::Lock->error;
    say join ' ', $both->names;    # prints: source target

=for example end

All or nothing: if one cannot be had, those that were taken are let go. They are
taken in the order of their names, whatever order they are given in, so that two
who take the same ones cannot wait for each other. C<flom --also> does the same.

=head2 Loops of events

L</begin> does not wait. L<Vouch::Lock::Mojo>, L<Vouch::Lock::IOAsync> and
L<Vouch::Lock::AnyEvent> do the rest; for another loop L</fileno>, L</want>,
L</wait_seconds> and L</advance> say what to wait for and go on.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->begin('turn');
    until ($lock->advance) {
        my ($read, $write) = ('', '');
        vec($lock->want eq 'write' ? $write : $read, $lock->fileno, 1) = 1 if defined $lock->fileno;
        select $read, $write, undef, $lock->wait_seconds;
    }
    say $lock->is_held ? 'held' : $lock->error;    # prints: held

=for example end

=head1 CALLBACKS

C<on_lost> is called once, with the lock, when it is noticed that a lock is lost:
by L</is_held>, L</advance>, L</release> or L</convert>, or at once where an
adapter to a loop of events watches. An exception in it goes to who noticed.

=head1 METHODS

=head2 new

    my $lock = Vouch::Lock->new($name, timeout => 5) or die Vouch::Lock->error;

Take a lock: a name, a reference to an array of up to 64 names, or C<undef> for the
name that the configuration of FLoM tells. Returns false when there is none, and
L</error> says why. The arguments, of which those that are left out are as the
configuration of FLoM says:

=over 4

=item timeout

Seconds to wait at most, fractions allowed, for all that is to be done: connecting,
and each of several names. 0: not at all. C<undef>, and the default: for ever.

=item mode

C<NL>, C<CR>, C<CW>, C<PR>, C<PW> or C<EX>, or the long words of FLoM for them.

=item quantity

Units of a C<pool[N]>.

=item create

0: the resource must be there, that is, somebody must use it.

=item idle

Seconds that the resource stays when nobody uses it any more, and a second more:
so long numbers go on.

=item lease

Seconds. The daemon takes the lock away from who gives no sign of life for so long;
L</is_held> and L</advance> give it, and one of them must be called several times in
that time. For networks whose connections may hang.

=item on_lost

A function: see L</CALLBACKS>.

=item server

A L<Vouch::Lock::Server>: where the daemon is.

=back

=head2 begin

    my $lock = Vouch::Lock->begin($name, %arguments);

The same without waiting, but for the look-up of a host's name. Returns an object in
any case: it is pending, and settled when L</advance> says so.

=head2 with_lock

    my $result = with_lock { compute() } $name, mode => 'PR';

Run the block while the lock is held, and return what it returns. The lock is its
argument. A L<Vouch::Error> is thrown when there is no lock (the block does not run
then), and when it was lost meanwhile. If the block dies, the lock is let go with
L</rollback>, and its exception goes on. This function is exported.

=head2 is_held

    die 'lost' if !$lock->is_held;

Is it held? Also tells whether the daemon has gone, or has taken it back, without a
message to the daemon: it looks whether the connection is still there.

=head2 is_pending

    say 'waits' if $lock->is_pending;

After L</begin>: it is neither held nor refused.

=head2 release

    $lock->release or warn 'somebody else may have had it';

Let go. True if it was held until now. Done by itself when the object goes. The
daemon is told and gives no answer: who asks it in the same moment may find the
lock held; and should it crash, or the connection break, in that moment, the number
of an C<_S_> sequence may be given again.

=head2 rollback

    $lock->rollback;

The same; the number of an C<_S_> sequence is given to the next. So it also is when
the program is killed, or ends with a status other than 0 while it holds it.

=head2 element

    say $lock->element;

What was given: the element of a set, the number, the time; else C<undef>. Of several
names that of the first, or of the one given as argument.

=head2 token

    $storage->write($data, $lock->token);

The fencing token: it only grows. C<undef> from a daemon of FLoM 1.7.2, and for
names longer than 180 bytes.

=head2 name

    say $lock->name;

Its name; of several the first.

=head2 names

    say for $lock->names;

All of them.

=head2 mode

    say $lock->mode;

The mode in which it is held.

=head2 server

    say $lock->server->where;

The L<Vouch::Lock::Server> it comes from.

=head2 convert

    $lock->convert('PR') or warn $lock->error;
    $lock->convert(quantity => 3, timeout => 1);

Change the mode, or the units, without letting go. This waits; C<timeout> is as for
L</new>. If it returns false, it is held as before, or L</is_held> says that it is
lost. With a new mode comes a new token. Only a daemon of Vouch can do it.

=head2 resume

    $lock->is_held || $lock->resume(timeout => 5) or die $lock->error;

Take up a lock that was lost because the daemon was restarted. A daemon with a state
file (C<flom --daemon --state>) waits some time after a crash for those who come
back; no other gets the lock meanwhile. False if it cannot be had any more.

=head2 transfer_to_child

    $lock->transfer_to_child;
    my $pid = fork;    # the child has the lock

The child of the next C<fork> has the lock in the place of this process. Should it fork
before it uses the lock, its child has it, and so on: as programs do that go into the
background. A C<fork> for C<system> and backticks does not count, but one for a
piped C<open> does. False if it is not held.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->new('background');
    $lock->transfer_to_child;
    if (fork == 0) {
        say $lock->is_held ? 'the child has it' : 'lost';    # prints: the child has it
        exit;
    }
    wait;
    say $lock->is_held ? 'the parent has it' : 'given away';    # prints: given away

=for example end

=head2 error

    say Vouch::Lock->error;
    say $lock->error->message;

The L<Vouch::Error> of the last lock that could not be had in this process; of an
object its own. C<undef> if there is none.

=head2 reason

    if (Vouch::Lock->reason eq LOCK_TIMEOUT) { ... }

The code of that error: see L</ERRORS>.

=head2 advance

    until ($lock->advance) { ... }

Go on, without waiting. True when it is settled: held or refused. For a lock that is
held it looks whether it still is, and gives signs of life.

=head2 fileno

    my $fd = $lock->fileno;

The descriptor to watch, or C<undef> if there is none to be watched now.

=head2 filenos

    my @fd = $lock->filenos;

All of them: several names that are held have one connection each.

=head2 want

    vec($read, $lock->fileno, 1) = 1 if $lock->want eq 'read';

What to watch it for: C<read> or C<write>; empty when only time must pass.

=head2 wait_seconds

    select $read, $write, undef, $lock->wait_seconds;

L</advance> is to be called after so many seconds, even if nothing happens; C<undef>
if not.

=head1 ERRORS

What the program does wrong is thrown as a L<Vouch::Error> with code C<argument>: an
argument that is unknown or out of range, a name that is none. So are wrong
configuration files (C<argument> or C<file>). What happens between here and the
daemon makes a false return value; the code of the error says what it was. The
constants are exported by C<:reasons>.

=over 4

=item LOCK_BUSY, C<busy>

Another holds it, and there was no time to wait.

=item LOCK_TIMEOUT, C<timeout>

Not in time.

=item LOCK_ABSENT, C<absent>

With C<< create => 0 >>: nobody uses it.

=item LOCK_IMPOSSIBLE, C<impossible>

It can never be had: more units than there are.

=item LOCK_REFUSED, C<refused>

The daemon does not want to: not allowed, too many waiting, a wrong format.

=item LOCK_UNREACHABLE, C<unreachable>

There is no daemon, none could be started, or it does not answer.

=item LOCK_TLS, C<tls>

The daemon, or we, could not prove who we are.

=item LOCK_PROTOCOL, C<protocol>

What answers is no lock daemon.

=item LOCK_LOST, C<lost>

The connection broke, or the daemon took the lock back, while it was held or
waited for.

=item LOCK_RELEASED, C<released>

L</convert>: it is not held.

=item LOCK_UNSUPPORTED, C<unsupported>

L</convert> and L</resume>: the daemon is FLoM 1.7.2.

=back

=head1 SIGNALS

A signal interrupts the waiting, and its handler runs at once: C<alarm> works. If the
handler dies, nothing is held and nobody waits any more. If it returns, the waiting
goes on to the same deadline.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $holder = Vouch::Lock->new('slow');
    my $lock   = eval {
        local $SIG{ALRM} = sub { die "too slow\n" };
        alarm 1;
        Vouch::Lock->new('slow');
    };
    print $@;    # prints: too slow

=for example end

=head1 THREADS AND FORK

A child does not hold its parent's locks, and does not disturb them: in the child
L</is_held> is false, and the end of the object there does nothing. The child takes
locks of its own. See L</transfer_to_child>.

A new thread has no copies of its maker's locks; it takes its own.

At the end of a program what it holds is let go: before its own C<END> blocks, if
they were compiled before this module was loaded.

=head1 SEE ALSO

L<Vouch::Lock::Server>, L<flom(1)>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
