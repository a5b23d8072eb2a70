use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'IO::Async::Loop' => 'libio-async-perl';
use VouchTest::LockLoop qw(check_adapter);

use IO::Async::Loop;
use Vouch::Lock::IOAsync;

# Vouch::Lock::IOAsync in IO::Async's own loop.

my $loop  = IO::Async::Loop->new;
my $locks = Vouch::Lock::IOAsync->new(loop => $loop);

check_adapter(
    take => sub { return $locks->take(@_) },
    get  => sub {
        my $future = shift;
        $future->await;
        return $future->is_failed ? $future->failure : $future->result;
    },
    after => sub { my ($seconds, $code) = @_; $loop->watch_time(after => $seconds, code => $code) },
);

subtest 'failed and cancelled' => sub {
    my $daemon = VouchTest::Flom->new;
    my $server = VouchTest::LockLoop::server($daemon);
    my $lock   = $locks->take('x', server => $server)->get;
    my $waiter = $locks->take('x', server => $server);
    is eval { $locks->take('x', server => $server, timeout => 0)->get }, undef, 'get throws';
    isa_ok $@->message, 'Vouch::Error', 'what is in the exception';
    $loop->loop_once(1) until ($daemon->run('--status', -r => 'x'))[1] =~ /waits|waiting/;
    $waiter->cancel;
    $lock->release;
    ok(Vouch::Lock->new('x', server => VouchTest::LockLoop::server($daemon), timeout => 10), 'nobody waits');
};

done_testing;
