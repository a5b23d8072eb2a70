use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'DBD::SQLite' => 'libdbd-sqlite3-perl';

use VouchTest               qw(identity spew temp_dir);
use VouchTest::GeminiServer qw(ask start status_of);

use Vouch::Accounts    ();
use Vouch::Certificate ();
use Vouch::Gemini::Server;
use Vouch::Identity ();
use Vouch::Trust    ();

# Rules of Vouch::Accounts and Vouch::Trust, in two processes, and what changes
# while they run.

my @alex = identity('alex', cn => 'Alex');
my @kim  = identity('kim',  cn => 'Kim');
my ($alex, $kim) = map { Vouch::Certificate->from_file($_) } $alex[0], $kim[0];
my $file   = temp_dir() . '/accounts.db';
my $list   = spew(temp_dir() . '/friends', $alex->fingerprint . " Alex\n");
my $admin  = Vouch::Accounts->new(file => $file);
my $server = start(
    sub {
        my ($server) = @_;
        my $accounts = Vouch::Accounts->new(file => $file);
        my $trust    = Vouch::Trust->new(allow => $list);
        $server->require('/members' => $accounts);
        $server->require('/friends' => $trust);
        $server->get('/**' => sub { gemtext('') });
        $server->get(
            '/name' => sub {
                my ($request) = @_;
                my $cert      = $request->certificate  or return need_certificate('Who are you?');
                my $account   = $accounts->find($cert) or return not_authorised('Ask for an account');
                return gemtext($account->name);
            }
        );
    },
    workers => 2,
);

# What several in a row are told: there are two processes.
sub told {
    my ($path, @cert) = @_;
    my %seen = map { status_of(ask($server, $path, @cert)) => 1 } 1 .. 8;
    return join ' ', sort keys %seen;
}

subtest 'accounts' => sub {
    is told('/members'),                 60, 'nobody';
    is told('/members', cert => \@alex), 61, 'somebody without an account';
    my $account = $admin->register($alex, 'Alex');
    is told('/members', cert => \@alex),              20,     'with one';
    is ask($server, '/name', cert => \@alex)->{body}, 'Alex', 'whose it is';
    is told('/members', cert => \@kim),               61,     'others are not let in';
    Vouch::Identity->load(file => temp_dir() . '/alex')->renew(file => temp_dir() . '/alex', replace => 1);
    is ask($server, '/name', cert => \@alex)->{body}, 'Alex', 'a renewed certificate with the same key';
    $admin->revoke($account);
    is told('/members', cert => \@alex), 61, 'revoked, in all processes at once';
    $admin->restore($account);
    is told('/members', cert => \@alex), 20, 'and not any more';
};

subtest 'a list' => sub {
    is told('/friends'),                60, 'nobody';
    is told('/friends', cert => \@kim), 61, 'somebody who is not in it';
    spew($list, $kim->fingerprint(of => 'spki', spelling => 'dollar') . " Kim, by the key\n");
    is told('/friends', cert => \@kim), 20, 'changed while the server runs';
};

is $server->stop, 0, 'the server ends well';

done_testing;
