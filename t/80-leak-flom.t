use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Test::LeakTrace' => 'libtest-leaktrace-perl';
use Test::LeakTrace ();
use Time::HiRes     qw(alarm);
use VouchTest::Flom ();
use Vouch::Flom;

# The functions of FLoM's module keep no values of Perl.

my $daemon = VouchTest::Flom->new;

sub no_leak {
    my ($name, $code) = @_;
    $code->() for 1 .. 3;
    is Test::LeakTrace::leaked_count(sub { $code->() }), 0, $name;
    return;
}

sub handle {
    my $handle = Vouch::Flom::handle_new();
    Vouch::Flom::handle_set_socket_name($handle, $daemon->socket);
    return $handle;
}

my $kept = handle();

no_leak 'a handle',           sub { Vouch::Flom::handle_delete(handle()) };
no_leak 'one that Perl owns', sub { Vouch::Flom::handle_init(Vouch::Flom::flom_handle_t->new) };
no_leak 'a lock',             sub {
    Vouch::Flom::handle_set_resource_name($kept, 'red.green');
    Vouch::Flom::handle_lock($kept);
    my $element = Vouch::Flom::handle_get_locked_element($kept);
    Vouch::Flom::handle_unlock($kept);
};
no_leak 'a refusal',        sub { Vouch::Flom::handle_set_resource_name($kept, 'not valid') };
no_leak 'the fields',       sub { my %all = %$kept };
no_leak 'a wrong argument', sub {
    eval { Vouch::Flom::handle_lock('x') };
    eval { Vouch::Flom::handle_set_unicast_port($kept, 'x') };
    eval { Vouch::Flom::handle_new(1) };
};
# A lock that waits for another handle's, until a handler has enough of it.
my $first = handle();
Vouch::Flom::handle_lock($first);
my $second = handle();
no_leak 'a handler that dies', sub {
    local $SIG{ALRM} = sub { die "enough\n" };
    eval { alarm 0.02; Vouch::Flom::handle_lock($second) };
    $@ eq "enough\n" or die "not ended by the handler: $@";
};

done_testing;
