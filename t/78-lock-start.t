use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Cwd              qw(getcwd);
use Time::HiRes      qw(sleep time);
use VouchTest        qw(identity run_command spew temp_dir);
use VouchTest::Flom  qw(flom flom_path);
use VouchTest::Locks qw(child end_of);

use Vouch::Lock qw(:DEFAULT :reasons);
use Vouch::Lock::Server;

# Where there is no daemon, one is started: as flom does it.

my $count = 0;

sub path { return temp_dir() . '/auto-' . ++$count }

sub server {
    my ($path, @arg) = @_;
    return Vouch::Lock::Server->new(socket => $path, config => 0, lifespan => 1, @arg);
}

sub ended {
    my ($path) = @_;
    my $deadline = time + 30;
    sleep 0.05 while -e $path && time < $deadline;
    return !-e $path;
}

subtest 'started when it is needed' => sub {
    my $path   = path();
    my $server = server($path);
    ok !-e $path, 'not by the description of the server';
    my $lock = Vouch::Lock->new('first', server => $server);
    ok $lock, 'but by the first lock' or diag(Vouch::Lock->error);
    my ($status, $out) = flom('-s', $path, '-d', 0, '--status');
    like $out, qr/^first  held EX/m, 'which it holds';
    is waitpid(-1, 1), -1, 'it is no child of ours';
    $lock->release;
    $server->disconnect;
    ok ended($path), 'it ends when nobody needs it';
    ok(Vouch::Lock->new('again', server => $server), 'and is started again');
    $server->disconnect;
};

subtest 'not started' => sub {
    my $path = path();
    for my $never ([start => 0], [lifespan => 0]) {
        is(Vouch::Lock->new('x', server => server($path, @$never)), undef,            "@$never: no lock");
        is(Vouch::Lock->reason,                                     LOCK_UNREACHABLE, 'unreachable');
        like(
            Vouch::Lock->error->message,
            qr/no connection to the daemon at unix:\Q$path\E: .*No such file/,
            'in words'
        );
    }
    my $tcp = Vouch::Lock::Server->new(address => '127.0.0.1:1', config => 0);
    is(Vouch::Lock->new('x', server => $tcp), undef, 'nor for an address');
    like(Vouch::Lock->error->message, qr/tcp:127\.0\.0\.1:1: .*refused/, 'which is told');
};

subtest 'what keeps it from starting' => sub {
    my $server = server(temp_dir() . '/no/such/folder');
    is(Vouch::Lock->new('x', server => $server), undef, 'no folder for the socket');
    like(
        Vouch::Lock->error->message,
        qr/could not be started: flom: the daemon was not started/,
        'told by flom'
    );
    is(Vouch::Lock->new('x', server => server(path(), flom => '/nowhere/flom')), undef, 'no command flom');
    like(Vouch::Lock->error->message, qr{exec /nowhere/flom: No such file}, 'told with its name');
    my $other = spew(temp_dir() . '/not-flom', "#!/bin/sh\necho 'what is --start?' >&2\nexit 1\n");
    chmod 0755, $other;
    is(Vouch::Lock->new('x', server => server(path(), flom => $other)), undef, 'another command');
    like(Vouch::Lock->error->message, qr/what is --start\?/, 'with its words');
    my $mute = spew(temp_dir() . '/mute', "#!/bin/sh\nexec sleep 60\n");
    chmod 0755, $mute;
    my $begin = time;
    my $idle  = spew(temp_dir() . '/idle', "#!/bin/sh\n");
    chmod 0755, $idle;
    is(Vouch::Lock->new('x', server => server(path(), flom => $idle)), undef, 'one that does nothing');
    like(Vouch::Lock->error->message, qr/a daemon was started, and is not there: /, 'is found to do so');
    is(Vouch::Lock->new('x', server => server(path(), flom => $mute), timeout => 0.3),
        undef, 'one that says nothing');
    is(Vouch::Lock->reason, LOCK_TIMEOUT, 'costs the timeout');
    cmp_ok time - $begin, '<', 20, 'and no more';
};

subtest 'many at once' => sub {
    my $path  = path();
    my @child = map {
        child(sub {
            my ($say) = @_;
            $say->(Vouch::Lock->new('_s_number[9]', server => server($path))->element);
            return 1;
        })
    } 1 .. 8;
    my %number = map { (VouchTest::Locks::told($_) => 1) } @child;
    is join(' ', sort keys %number), '1 2 3 4 5 6 7 8', 'they find one daemon';
    is end_of($_),                   0,                 'all end well' for @child;
};

subtest 'a program that minds its children' => sub {
    my @seen;
    local $SIG{CHLD} = sub { push @seen, 1 };
    ok(Vouch::Lock->new('x', server => server(path())), 'a lock');
    is scalar(@seen), 0, 'no child was seen';
    local $SIG{CHLD} = 'IGNORE';
    ok(Vouch::Lock->new('x', server => server(path())), 'with children that are ignored');
};

subtest 'the files of flom' => sub {
    local $ENV{HOME} = temp_dir() . '/somebody';
    mkdir $ENV{HOME};
    my $path = path();
    spew("$ENV{HOME}/.flom", "[Resource]\n[Daemon]\nSocketName=$path\nLifespan=1000\n[Network]\n");
    ok(Vouch::Lock->new('x'), 'a lock without any argument');
    ok -S $path, 'at the place they name';
    Vouch::Lock::Server->default->disconnect;
    ok ended($path), 'for as long as they say';
};

subtest 'flom --start' => sub {
    my $path = path();
    is((flom('--start', '-s', $path, '-d', 500))[0], 0, 'starts one');
    is((flom('--start', '-s', $path, '-d', 500))[0], 0, 'again: there is one');
    is((flom('-s', $path, '-d', 0, '--', 'true'))[0], 0, 'it is there');
    my ($status, $out, $err) = flom('--start', '-s', '/no/such/folder/socket');
    is $status, 99, 'it cannot';
    like $err, qr/the daemon was not started: /, 'and says so';
    local $ENV{HOME} = temp_dir() . '/wrong';
    mkdir $ENV{HOME};
    spew("$ENV{HOME}/.flom", "[Resource]\nTimeout=x\n[Daemon]\n[Network]\n");
    is((flom('-s', $path, '--', 'true'))[0], 99, 'a wrong configuration');
    is((flom('--no-config', '-s', $path, '-d', 100, '--', 'true'))[0], 0, '--no-config does not read it');
};

subtest 'over TLS' => sub {
    my ($cert, $key) = identity('node', cn => 'node');
    my @tls    = (cert_file => $cert, key_file => $key, ca_file => $cert);
    my $path   = path();
    my $server = server($path, @tls);
    ok $server->uses_tls, 'it knows';
    ok(Vouch::Lock->new('x', server => $server), 'a daemon with the same files') or diag(Vouch::Lock->error);
    is(Vouch::Lock->new('x', server => server($path)), undef, 'in the clear there is nothing');
    like(Vouch::Lock->error->message, qr/TLS/, 'and it is told why');
    ok(Vouch::Lock->new('x', server => server($path, @tls, peer_name => 'node')), 'the daemon that is meant');
    is(Vouch::Lock->new('x', server => server($path, @tls, peer_name => 'another')), undef, 'and no other');
    like(Vouch::Lock->error->message, qr/--tls-peer-name/, 'which is told');
    is eval { server($path, @tls, crl_file => '/nowhere'); 1 }, undef, 'lists that are not there';
};

done_testing;
