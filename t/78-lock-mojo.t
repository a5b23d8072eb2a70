use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Mojo::IOLoop' => 'libmojolicious-perl';
use VouchTest::LockLoop qw(check_adapter);

use Mojo::IOLoop;
use Vouch::Lock::Mojo;

# Vouch::Lock::Mojo in the loop of Mojolicious.

sub get {
    my ($promise) = @_;
    my $got;
    $promise->then(sub { $got = $_[0] }, sub { $got = $_[0] })->wait;
    return $got;
}

check_adapter(
    take  => sub { return Vouch::Lock::Mojo->take(@_) },
    get   => \&get,
    after => sub { Mojo::IOLoop->timer(@_) },
);

subtest 'a loop of its own' => sub {
    my $loop   = Mojo::IOLoop->new;
    my $daemon = VouchTest::Flom->new;
    my $lock;
    Vouch::Lock::Mojo->new(ioloop => $loop)->take('x', server => VouchTest::LockLoop::server($daemon))
        ->then(sub { $lock = $_[0]; $loop->stop });
    $loop->start;
    ok $lock && $lock->is_held, 'held';
};

done_testing;
