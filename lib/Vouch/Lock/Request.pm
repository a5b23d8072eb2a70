package Vouch::Lock::Request 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed);

use Vouch::Error         ();
use Vouch::Lock::Numbers qw(
    FOREVER PENDING MODE QUANTITY WAIT CREATE IDLE LEASE now_ms
);
use Vouch::Lock::Server ();

# What is asked for: the arguments of Vouch::Lock's methods.  Its _type is in
# xs/Lock.xs.

use constant {
    NAMES_MAX => 64,
    SHOWN_MAX => 60,              # of a name in a sentence
    MAX_MS    => 2_000_000_000,
};

my %MODE;
@MODE{qw(NL CR CW PR PW EX)}                                                              = 0 .. 5;
@MODE{qw(NULLLOCK CONCURRENTREAD CONCURRENTWRITE PROTECTEDREAD PROTECTEDWRITE EXCLUSIVE)} = 0 .. 5;
my @MODE_NAME = qw(NL CR CW PR PW EX);

my $HIERARCHY = 4;    # of _type, in xs/Lock.xs

my %OPTION = map { $_ => 1 } qw(timeout mode quantity create idle lease on_lost);

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
    _refuse("$name must be a number of seconds" . ($name eq 'timeout' ? ', or undef for no limit' : q()))
        if !defined $seconds
        || ref $seconds
        || $seconds !~ /\A(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?\z/i;
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
    return $ms == 0 ? (0, FOREVER) : (1, now_ms() + $ms);
}

# The object, with all that is asked for.
sub _prepare {
    my ($class, $name, @arg) = @_;
    _refuse('a name is followed by names and values, not by an odd number of arguments') if @arg % 2;
    my %arg    = @arg;
    my $server = delete $arg{server} // Vouch::Lock::Server->default;
    _refuse('server must be a Vouch::Lock::Server')
        if !blessed $server || !$server->isa('Vouch::Lock::Server');
    my $self = bless {
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
        _good_type($name);
        $self->{server}{good_name} = $name;
        return;
    }
    _refuse('a name, or an array of names, is wanted')        if ref $name ne 'ARRAY';
    _refuse('from one to ' . NAMES_MAX . ' names are wanted') if !@$name || @$name > NAMES_MAX;
    _refuse('one of the names is undef')                      if grep { !defined } @$name;
    $self->{names} = [@$name];
    $self->{order} = [sort @$name];
    my $before;
    for my $one (@{ $self->{order} }) {
        my $type = _good_type($one);
        _refuse("'$one' is there twice")      if defined $before && $before eq $one;
        _refuse_overlap($one, $self->{order}) if $type == $HIERARCHY;
        $before = $one;
    }
    return;
}

# The type of a name that can be locked.
sub _good_type {
    my ($name) = @_;
    my $type = _type($name);
    _refuse("'$name' is reserved for those who give no name") if $name eq '_RESOURCE';
    return $type                                              if $type;
    my $shown = $name =~ s/[^\x20-\x7E]/?/gr;
    $shown = substr($shown, 0, SHOWN_MAX) . '...' if length $shown > SHOWN_MAX;
    _refuse(  "'$shown' is not a valid name: use letters and digits, a letter first,"
            . ' or begin with a slash (flom(1) tells all kinds)');
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

# What convert is to change it to, and until when.
sub _asked_change {
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
    return (\@want, $deadline);
}

# Until when resume is to try.
sub _asked_resume {
    my ($self, %arg)      = @_;
    my (undef, $deadline) = _deadline(delete $arg{timeout} // 10);
    _refuse("resume has no argument '$_'") for keys %arg;
    return $deadline;
}

sub _mode_name { my ($self) = @_; return $MODE_NAME[$self->{request}[MODE]] }

1;

__END__

=head1 NAME

Vouch::Lock::Request - what is asked of Vouch::Lock (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->new('report');

=head1 DESCRIPTION

For use by L<Vouch::Lock> only; it may change in any release.

It looks at the arguments of the methods of L<Vouch::Lock>, and refuses those that
are none.

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
