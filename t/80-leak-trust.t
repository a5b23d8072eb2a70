use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest        qw(identity spew temp_dir);
use VouchTest::Leaks qw(check_leaks);
use VouchTest::Needs 'DBD::SQLite' => 'libdbd-sqlite3-perl';
use Vouch::Accounts;
use Vouch::Certificate;
use Vouch::KnownHosts;
use Vouch::Trust;

# Knowing hosts and people leaves nothing behind, also where it fails.

my ($one, $two) = map { Vouch::Certificate->from_file((identity($_, cn => $_))[0]) } qw(one two);
my $dir   = temp_dir();
my $known = Vouch::KnownHosts->new(file => "$dir/known_hosts");
$known->accept("host$_.example", 1965, $one) for 1 .. 3;
my $broken   = Vouch::KnownHosts->new(file => spew("$dir/broken", "# vouch known hosts 1\nx 1 - - -\n"));
my $trust    = Vouch::Trust->new(allow => spew("$dir/allow", $one->fingerprint . " One\n"));
my $accounts = Vouch::Accounts->new(file => ':memory:', password_cost => 10);
$accounts->register($one, 'one');
$accounts->set_password('one', 'correct horse');
my $time = time;

sub dies {
    my ($code) = @_;
    eval { $code->(); 1 } and fail('it should die');
    return;
}

check_leaks(
    {
        'verdicts'    => sub { $known->check("host$_.example", 1965, $one)->sentence for 1 .. 4 },
        'a handshake' => sub {
            my %arg = $known->socket_arguments('host1.example', 1965, verdict => \my $verdict);
            $arg{SSL_verify_callback}->(1, 0, 0, 0, $one, 0);
        },
        'a handshake, refused' => sub {
            my %arg = $known->socket_arguments('host1.example', 1965);
            dies(sub { $arg{SSL_verify_callback}->(1, 0, 0, 0, $two, 0) });
        },
        'hosts, wrong' => sub {
            dies(sub { $known->check('a b', 1965, $one) });
        },
        'hosts, broken' => sub {
            dies(sub { $broken->list });
        },
        'hosts, read anew' => sub { my @all = Vouch::KnownHosts->new(file => "$dir/known_hosts")->list },
        'hosts, saved'     => sub {
            $known->accept('new.example', 1965, $one);
            $known->remove('new.example', 1965);
        },
        'hosts, in and out, saved' => sub {
            $known->export_to(lagrange => "$dir/lagrange", replace => 1);
            $known->import_from(lagrange => "$dir/lagrange");
        },
        'lists'            => sub { $trust->check($_) for $one, $two },
        'lists, read anew' => sub { Vouch::Trust->new(allow => "$dir/allow")->check($one) },
        'lists, wrong'     => sub {
            dies(sub { $trust->add(allow => 'x') });
        },
        'lists, saved'    => sub { $trust->add(allow => $two); $trust->remove(allow => $two) },
        'accounts'        => sub { $accounts->find($_, now => $time += 100) for $one, $two },
        'accounts, wrong' => sub {
            dies(sub { $accounts->register($two, $_) }) for 'ONE', "a\nb";
        },
        'accounts, many' => sub {
            my $account = $accounts->register($two, 'two');
            $accounts->rename($account, 'three');
            $accounts->certificates($account);
            $accounts->list;
            $accounts->remove($account);
        },
        'tokens'        => sub { $accounts->token('one', now => $time += 1000) },
        'tokens, wrong' => sub {
            dies(sub { $accounts->link($two, token => 'x') });
        },
        'passwords, wrong, few' => sub {
            dies(sub { $accounts->link($two, name => 'one', password => 'x' x 9, now => $time += 1000) });
        },
    },
    rounds => 100,
    few    => qr/saved|few/,
);

done_testing;
