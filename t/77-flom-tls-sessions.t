use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IPC::Open2         qw(open2);
use VouchTest          qw(slurp spew temp_dir);
use VouchTest::FlomTls qw(tls_options unique_id);
use VouchTest::Forge   qw(authority issue);

# A client that comes back resumes its session, and never past a change of
# who it is, whom it trusts or whom it talks to.

my $DRIVER = 't/c/driver/flom_client_driver';
-x $DRIVER or plan skip_all => 'the program in C has not been built';

my $ca    = authority('ca');
my $node  = issue('node',  by => $ca, cn => unique_id());
my $other = issue('other', by => $ca, cn => 'f' x 32);
my %file =
    map { my $kind = $_; ($kind => spew(temp_dir() . "/my-$kind", slurp($node->{$kind}))) } qw(cert key);

my $daemon = VouchTest::FlomTls->new('127.0.0.1', tls_options($node, $ca));

sub client {
    my $pid = open2(my $out, my $in, $DRIVER, $daemon->port, @file{qw(cert key)}, $ca->{cert});
    return { pid => $pid, in => $in, out => $out };
}

sub said {
    my ($client, @lines) = @_;
    print { $client->{in} } map { "$_\n" } @lines;
    $client->{in}->flush;
    return join ', ', map { readline($client->{out}) =~ s/\n//r } @lines;
}

sub ends { my ($client) = @_; close $client->{in}; waitpid $client->{pid}, 0; return $? }

subtest 'coming back' => sub {
    my $client = client();
    is said($client, qw(connect lock close)), 'full, 0, ok',    'the first time';
    is said($client, qw(connect lock close)), 'resumed, 0, ok', 'the second';
    is said($client, qw(connect lock cut)),   'resumed, 0, ok', 'the third, and is cut off';
    is said($client, qw(connect lock cut)),   'resumed, 0, ok', 'the fourth';
    ok $daemon->says(qr/FLM014I: .*certificate for '${\ unique_id() }', resumed/), 'the log says who';
    my $second = client();
    is said($second, qw(connect cut)), 'full, ok', 'another client has nothing to resume';
    is ends($_), 0, 'good end' for $client, $second;
};

subtest 'who has not been heard of has no session' => sub {
    my $client = client();
    is said($client, qw(connect cut connect)), 'full, ok, full', 'the ticket comes with the first answer';
    ends($client);
};

subtest 'a change of the daemon' => sub {
    my $client = client();
    is said($client, qw(connect lock close connect lock cut)), 'full, 0, ok, resumed, 0, ok', 'as before';
    kill HUP => $daemon->pid;
    ok $daemon->says(qr/FLM037I/), 'HUP';
    is said($client, qw(connect lock cut)), 'full, 0, ok',    'all is checked again';
    is said($client, qw(connect lock cut)), 'resumed, 0, ok', 'once';
    my $next = VouchTest::FlomTls->new('127.0.0.1', tls_options($node, $ca));
    is said($client, 'port ' . $next->port,   qw(connect lock cut)), 'ok, full, 0, ok', 'another daemon';
    is said($client, 'port ' . $daemon->port, qw(connect lock cut)), 'ok, full, 0, ok', 'and back';
    ends($client);
};

subtest 'a change of ours' => sub {
    my $client = client();
    is said($client, qw(connect lock cut connect lock cut)), 'full, 0, ok, resumed, 0, ok', 'as before';
    spew($file{$_}, slurp($other->{$_})) for qw(cert key);
    is said($client, qw(connect lock cut)), 'full, 0, ok', 'another certificate';
    ok $daemon->says(qr/certificate for 'f{32}'$/m), 'is the one the daemon sees';
    is said($client, qw(connect lock cut)), 'resumed, 0, ok', 'and is resumed';
    ok $daemon->says(qr/certificate for 'f{32}', resumed/), 'as what it is';
    my $stranger = authority('stranger');
    like said($client, "ca $stranger->{cert}", 'connect'), qr/\Aok, -407 the authority of --tls-ca/,
        'another authority: the daemon is not believed any more';
    is said($client, "ca $ca->{cert}", qw(connect lock cut)), 'ok, full, 0, ok', 'the first again';
    spew($file{key}, slurp($node->{key}));
    is said($client, qw(connect lock cut)), 'resumed, 0, ok', 'half of a change changes nothing yet';
    spew($file{cert}, slurp($node->{cert}));
    is said($client, qw(connect lock cut)), 'full, 0, ok', 'all of it does';
    ends($client);
};

subtest 'the id is checked in each connection' => sub {
    my $strange = VouchTest::FlomTls->new('127.0.0.1', tls_options($other, $ca));
    my $client  = client();
    is said($client, 'port ' . $strange->port, qw(connect lock cut connect)), 'ok, full, 0, ok, resumed',
        'without a check';
    like said($client, 'cut', 'check 1', 'connect', 'lock'), qr/\Aok, ok, resumed, -23 the peer says/,
        'with it: not for a session, either';
    ends($client);
    my $strict = VouchTest::FlomTls->new('127.0.0.1', tls_options($node, $ca), '--tls-check-peer-id', 'yes');
    spew($file{$_}, slurp($other->{$_})) for qw(cert key);
    $client = client();
    like said($client, 'port ' . $strict->port, qw(connect lock)), qr/\Aok, full, -409 the daemon does not/,
        'the daemon refuses us';
    like said($client, qw(connect lock)), qr/\A(?:full|resumed), -409 the daemon does not/, 'and again';
    ends($client);
};

done_testing;
