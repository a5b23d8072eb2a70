package VouchTest::LockLoop;

use v5.16;
use warnings;

# The same checks for each adapter of Vouch::Lock to a loop of events.

use Exporter qw(import);
use Test::More;
use VouchTest::Flom ();

use Vouch::Lock qw(:reasons);
use Vouch::Lock::Server;

our @EXPORT_OK = qw(check_adapter);

# $take->($name, %arg) is what the adapter returns, $get->($that) waits for it:
# the lock, or the error; $after->($seconds, $code) is a timer that is kept.
sub check_adapter {
    my (%loop) = @_;
    my $daemon = VouchTest::Flom->new;
    my $server = server($daemon);
    my $take   = sub { my ($name, @arg) = @_; return $loop{take}->($name, server => $server, @arg) };
    my $get    = $loop{get};

    subtest 'free, held, refused' => sub {
        my $lock = $get->($take->('one'));
        ok $lock->is_held, 'held' or return;
        is $get->($take->('one', timeout => 0))->code,   LOCK_BUSY,    'busy at once';
        is $get->($take->('one', timeout => 0.1))->code, LOCK_TIMEOUT, 'not in time';
        my $next = $take->('one');
        $loop{after}->(0.05, sub { $lock->release });
        my $second = $get->($next);
        ok $second->is_held, 'the next has it';
        undef $second;
        undef $next;
        ok(Vouch::Lock->new('one', server => server($daemon), timeout => 10), 'forgotten, it is free');
        is eval { $take->('not valid'); 1 }, undef,      'a wrong name throws';
        is $@->code,                         'argument', 'as an argument';
    };

    subtest 'many at the same time' => sub {
        my @got = map { $get->($_) } map { $take->("many[20]") } 1 .. 20;
        is scalar(grep { $_->is_held } @got), 20, 'all are held';
        my $both = $get->($take->([qw(left right)]));
        is scalar($both->filenos), 2, 'two names have two descriptors';
        $both->release;
    };

    subtest 'a lease is kept' => sub {
        my $lock = $get->($take->('lease', lease => 0.3));
        my $done = $take->('waits', timeout => 0.1);
        ok $get->($done)->is_held, 'another';
        is $get->($take->('lease', timeout => 1.2))->code, LOCK_TIMEOUT, 'four times as long';
        ok $lock->is_held, 'and held';
    };

    subtest 'a daemon that goes' => sub {
        my @lost;
        my $mortal = VouchTest::Flom->new;
        my $its    = server($mortal);
        my $lock =
            $get->($loop{take}->('gone', server => $its, on_lost => sub { push @lost, $_[0]->reason }));
        my $waiter  = $loop{take}->('gone', server => $its);
        my $nothing = $take->('other', timeout => 5);
        $mortal->stop('KILL');
        is $get->($waiter)->code, LOCK_LOST, 'who waits is told';
        $get->($nothing);
        is_deeply \@lost, [LOCK_LOST], 'who holds, too, without asking';
        is $get->($loop{take}->('gone', server => $its))->code, LOCK_UNREACHABLE, 'nobody there';
    };

    subtest 'a daemon that is started' => sub {
        my $its = Vouch::Lock::Server->new(
            socket   => VouchTest::temp_dir() . '/started',
            config   => 0,
            lifespan => 1
        );
        ok $get->($loop{take}->('x', server => $its))->is_held, 'held';
        my $none = Vouch::Lock::Server->new(
            socket => VouchTest::temp_dir() . '/never',
            config => 0,
            flom   => '/nowhere/flom'
        );
        my $error = $get->($loop{take}->('x', server => $none));
        is $error->code, LOCK_UNREACHABLE, 'one that cannot be';
        like $error->message, qr{could not be started: exec /nowhere/flom: No such file}, 'in words';
    };
    return;
}

sub server {
    my ($daemon) = @_;
    return Vouch::Lock::Server->new(socket => $daemon->socket, start => 0, config => 0);
}

1;
