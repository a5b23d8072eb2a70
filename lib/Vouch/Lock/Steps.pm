package Vouch::Lock::Steps 0.001;

use v5.16;
use warnings;

use Errno qw(ECONNREFUSED ENOENT);

use Vouch::Error         ();
use Vouch::Lock::Numbers qw(
    FOREVER WANT_READ WANT_TIME PENDING HELD REFUSED LEASE PAUSE_MS now_ms
);
use Vouch::Lock::Reason qw(
    LOCK_BUSY LOCK_TIMEOUT LOCK_REFUSED LOCK_UNREACHABLE LOCK_TLS LOCK_PROTOCOL
);

# The taking of a lock, as methods of Vouch::Lock.
#
# A step begins something and returns its outcome: 0 done, -1 failed, or a WANT_.
# When it is done or has failed, the method in {step} goes on with that.

use constant RETRY_MS => 1000;    # for a daemon that somebody else is starting

sub _next {
    my ($self) = @_;
    @$self{qw(link reused)} = $self->{server}->_obtain($self->_current);
    return $self->{reused} ? $self->_ask : $self->_connect;
}

# The name whose turn it is.
sub _current { my ($self) = @_; return $self->{order}[$self->{links} ? @{ $self->{links} } : 0] }

sub _connect {
    my ($self) = @_;
    my $until = now_ms() + $self->{server}{connect};
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
        return $self->_pause if defined $self->{retry_until}  && now_ms() < $self->{retry_until};
        return $self->_start if !defined $self->{retry_until} && $server->_may_start;
    }
    my $started = defined $self->{retry_until} ? 'a daemon was started, and is not there: ' : q();
    return $self->_not_connected($started . $link->_reason);
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
    $self->{retry_until} = now_ms() + RETRY_MS;
    return $self->_connect;
}

sub _pause {
    my ($self) = @_;
    @$self{qw(step pause)} = ('_paused', now_ms() + PAUSE_MS);
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
    return now_ms() >= $self->{pause} ? 0 : WANT_TIME;
}

# The time is over: true, and it has failed.
sub _is_late {
    my ($self) = @_;
    return !!1 if $self->{state} != PENDING;
    my $now = now_ms();
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
        my $left = $until == FOREVER ? undef : ($until - now_ms()) / 1000;
        select $bits, undef, undef, defined $left && $left < 0 ? 0 : $left;
        return $self->_poll;
    }
    return $self->{link}->_wait($until);
}

1;

__END__

=head1 NAME

Vouch::Lock::Steps - how Vouch::Lock takes a lock (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->new('report');

=head1 DESCRIPTION

For use by L<Vouch::Lock> only; it may change in any release.

Step by step: to connect, to start a daemon, to ask, to be answered; one name after
the other, until there is something to wait for.

=head1 METHODS

None for others.

=head1 SEE ALSO

L<Vouch::Lock>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
