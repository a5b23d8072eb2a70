use v5.16;
use warnings;
use Config;

# Accounts, known hosts and lists that a program has when it starts threads.

BEGIN {
    if (!$Config{useithreads}) {
        require Test::More;
        Test::More::plan(skip_all => 'this Perl has no threads');
    }
}

use threads;
use Test::More;
use lib 't/lib';

use VouchTest qw(identity slurp spew temp_dir);
use VouchTest::Needs 'DBD::SQLite' => 'libdbd-sqlite3-perl';
use Vouch::Accounts;
use Vouch::Certificate;
use Vouch::Identity;
use Vouch::KnownHosts;
use Vouch::Trust;

my $THREADS = 4;

my $pem         = slurp((identity('alex', cn => 'Alex'))[0]);
my $certificate = Vouch::Certificate->from_string($pem);

my $accounts = Vouch::Accounts->new(file => temp_dir() . '/accounts.db', password_cost => 10);
$accounts->register($certificate, 'alex');
my $known = Vouch::KnownHosts->new(file => temp_dir() . '/known_hosts');
$known->accept('localhost', 1965, $certificate);
my $trust = Vouch::Trust->new(allow => spew(temp_dir() . '/allow', $certificate->fingerprint . "\n"));
is $trust->check($certificate), 'allowed', 'before there are threads';

sub work {
    my ($number) = @_;
    my $mine = Vouch::Certificate->from_string($pem);
    $accounts->register(Vouch::Identity->create(cn => 'other')->certificate, "other$number");
    return join q( ), $accounts->find($mine)->name, $known->check('localhost', 1965, $mine),
        $trust->check($mine);
}

my @threads = map { threads->create(\&work, $_) } 1 .. $THREADS;
is $_->join,                          'alex match allowed', 'a thread knows all' for @threads;
is scalar(my @all = $accounts->list), 1 + $THREADS,         'what they have registered is there';
is work(0),                           'alex match allowed', 'and the first thread goes on';

done_testing;
