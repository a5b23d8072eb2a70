use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'AnyEvent::Loop' => 'libanyevent-perl';
use VouchTest::LockLoop qw(check_adapter);

use AnyEvent;
use Vouch::Lock::AnyEvent;

# Vouch::Lock::AnyEvent in whichever loop AnyEvent finds.

my @timer;

check_adapter(
    take => sub { return Vouch::Lock::AnyEvent->take(@_) },
    get  => sub {
        my ($condvar) = @_;
        return eval { $condvar->recv } // $@;
    },
    after => sub { my ($seconds, $code) = @_; push @timer, AnyEvent->timer(after => $seconds, cb => $code) },
);

done_testing;
