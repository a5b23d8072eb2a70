package Vouch::Lock::Holding 0.001;

use v5.16;
use warnings;

use Time::HiRes qw(sleep);

use Vouch::Lock::Numbers qw(
    WANT_READ PENDING HELD RELEASED LOST GIVEN MODE LEASE EX PAUSE_MS now_ms
);
use Vouch::Lock::Reason qw(
    LOCK_TIMEOUT LOCK_REFUSED LOCK_UNREACHABLE LOCK_LOST LOCK_UNSUPPORTED
);

# A lock that is held: whose it is, its end, and its changes; as methods of
# Vouch::Lock.

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
    $self->_note_error(
        code    => LOCK_LOST,
        message => "the lock '$name' is lost: " . ($says || 'it could not be kept while it was changed')
    );
    $self->_end(LOST);
    if (my $on_lost = delete $self->{on_lost}) { $on_lost->($self) }
    return;
}

sub _cannot {
    my ($self, $reason, $why) = @_;
    $self->_note_error(
        code    => $reason,
        message => Vouch::Lock::Reason::_sentence($reason, $self->name, $why)
    ) if !$self->{error} || $self->{error}->code ne LOCK_LOST;
    return !!0;
}

# --- changing --------------------------------------------------------------------

sub _convert {
    my ($self, $link, $want, $deadline) = @_;
    my $until   = now_ms() + $self->{server}{connect};
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
    return $want->[MODE] == EX || $want->[MODE] == $held->[MODE];
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
        return $self->_cannot_resume(LOCK_UNREACHABLE, $name, $link->_reason) if now_ms() >= $deadline;
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
    $self->_note_error(code => $reason, message => "the lock '$name': $why");
    return;
}

1;

__END__

=head1 NAME

Vouch::Lock::Holding - what Vouch::Lock does with a lock that is held (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->new('report');

=head1 DESCRIPTION

For use by L<Vouch::Lock> only; it may change in any release.

It finds that a lock is lost, lets go, changes the mode, and takes a lock up again.

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
