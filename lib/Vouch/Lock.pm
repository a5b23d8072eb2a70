package Vouch::Lock 0.001;

use v5.16;
use warnings;

use Exporter qw(import);

use Vouch                ();
use Vouch::Error         ();
use Vouch::Lock::Holding ();
use Vouch::Lock::Numbers qw(
    FOREVER WANT_READ WANT_WRITE WANT_TIME PENDING HELD LOST now_ms
);
use Vouch::Lock::Reason  ();
use Vouch::Lock::Request ();
use Vouch::Lock::Server  ();
use Vouch::Lock::Steps   ();

BEGIN { Vouch::Lock::Reason->import(@Vouch::Lock::Reason::EXPORT_OK) }

our @ISA         = qw(Vouch::Lock::Request Vouch::Lock::Steps Vouch::Lock::Holding);
our @EXPORT      = qw(with_lock);
our @EXPORT_OK   = @Vouch::Lock::Reason::EXPORT_OK;
our %EXPORT_TAGS = (reasons => [@EXPORT_OK]);

my $last_error;    # of this process
my $is_over;       # the program ends

sub CLONE_SKIP { return 1 }
sub CLONE      { undef $last_error; return }

# --- for everybody -------------------------------------------------------------

# What new does where it is not the most common: that, and new itself, is in
# xs/Lock.xs.
sub _new {
    my $self = shift->_prepare(@_);
    return $self->_finish($self->_next) ? $self : $self->_tell_caller;
}

sub begin {
    my $self = shift->_prepare(@_);
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
sub mode    { return $_[0]->_mode_name }
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
    my ($self, @arg)      = @_;
    my ($want, $deadline) = $self->_asked_change(@arg);
    delete $self->{error};
    return $self->_cannot(LOCK_RELEASED,    'it is not held') if !$self->is_held;
    return $self->_cannot(LOCK_UNSUPPORTED, 'the daemon is not of Vouch, and cannot change a lock')
        if !defined $self->token;
    return $self->_convert($self->{links}[0], $want, $deadline);
}

sub resume {
    my ($self, @arg) = @_;
    my $deadline = $self->_asked_resume(@arg);
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
    my $left = $first - now_ms();
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

# --- errors ------------------------------------------------------------------------

sub _note_error {
    my ($self, %fact) = @_;
    return $self->{error} = $last_error = Vouch::Error->new(%fact);
}

sub _tell_caller {
    my ($self) = @_;
    my (undef, $file, $line) = caller 1;
    @{ $self->{error} }{qw(file line)} = ($file, $line);
    $last_error = $self->{error};
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
for the marks of their kind; those of trees have what they like, as
C</nightly-report>.

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
