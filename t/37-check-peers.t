use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs openssl => 'openssl', 'gnutls-serv' => 'gnutls-bin';

use VouchTest               qw(identity run_command spew temp_dir);
use VouchTest::GnutlsServer qw(gnutls_serv);
use VouchTest::Peer         ();
use Vouch::Check;

# What Vouch::Check finds out about servers of OpenSSL and GnuTLS.

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');
my @other  = identity('other',  cn => 'Other');

sub s_server {
    my (@more) = @_;
    my $peer = VouchTest::Peer->start(qw(openssl s_server -accept 127.0.0.1:0 -www -cert),
        $server[0], '-key', $server[1], @more);
    return ($peer, scalar $peer->wait_for(qr/^ACCEPT .*:([0-9]+)$/m));
}

sub facts {
    my ($port, %arg) = @_;
    return Vouch::Check->new("127.0.0.1:$port", ca => $server[0], %arg)->run;
}

# The versions that are accepted, and the problems.
sub summary {
    my ($facts) = @_;
    return join ' ', (map { $_->{version} } grep { $_->{accepted} } @{ $facts->{protocols} }),
        map { $_->{text} } @{ $facts->{problems} };
}

my %LAST   = (TLSv1_2  => [qw(-tls1_2)], TLSv1_3 => [qw(-tls1_3)], 'TLSv1_2 TLSv1_3' => []);
my %STARTS = (s_server => \&s_server, 'gnutls-serv' => sub { gnutls_serv(@server, @_) });

for my $versions (sort keys %LAST) {
    subtest "s_server, $versions" => sub {
        my ($peer, $port) = s_server(@{ $LAST{$versions} }, qw(-alpn gemini));
        my $facts = facts($port, alpn => ['h2', 'gemini']);
        is summary($facts),                     $versions,      'the versions, and no problem';
        is $facts->{alpn}{chosen},              'gemini',       'the application protocol';
        is $facts->{resumption}{resumed},       1,              'sessions are resumed';
        is $facts->{close},                     'close_notify', 'it says goodbye';
        is $facts->{client_certificate}{asked}, 0,              'it asks for no certificate';
        $facts = facts($port, alpn => ['h2']);
        like $facts->{alpn}{reason}, qr/no application protocol/, 'none in common: an alert';
        is_deeply $facts->{problems}, [], 'which is no problem';
    };
}

subtest 's_server with an OCSP staple' => sub {
    my $dir = temp_dir();
    my (undef, $serial) = run_command([qw(openssl x509 -noout -serial -in), $server[0]]);
    $serial =~ s/.*=|\s//g;
    my $index = spew("$dir/ocsp-index", "V\t99991231235959Z\t\t$serial\tunknown\t/CN=localhost\n");
    my ($status) = run_command([
        qw(openssl ocsp -ndays 2 -index),
        $index, '-rsigner', $server[0], '-rkey',    $server[1],
        '-CA',  $server[0], '-issuer',  $server[0], '-cert', $server[0], '-respout', "$dir/staple.der"
    ]);
    is $status, 0, 'openssl makes a staple';
    for my $flag (qw(-tls1_2 -tls1_3)) {
        my ($peer, $port) = s_server($flag, '-status_file', "$dir/staple.der");
        is facts($port)->{staple},                 'good',      "$flag: it comes, and is right";
        is facts($port, ca => $alex[0])->{staple}, 'unchecked', "$flag: or there is nothing to check it by";
    }
    my ($peer, $port) = s_server();
    is facts($port)->{staple}, 'none', 'none without';
};

# Servers that ask for a certificate: required or not, and with which flags.
my @ASK = (
    ['s_server',    0, qw(-verify 1)],
    ['s_server',    1, qw(-Verify 1 -verify_return_error -CAfile), $alex[0]],
    ['gnutls-serv', 0],
    ['gnutls-serv', 1, qw(-r --verify-client-cert --x509cafile), $alex[0]],
);
for (@ASK) {
    my ($program, $required, @flags) = @$_;
    subtest "$program, a certificate is " . ($required ? 'required' : 'asked for') => sub {
        my ($peer, $port) = $STARTS{$program}->(@flags);
        my $facts = facts($port);
        is summary($facts), 'TLSv1_2 TLSv1_3', 'both versions are there, and no problem';
        my $told = $facts->{client_certificate};
        is $told->{asked},    1,         'asked';
        is $told->{required}, $required, 'required';
        is_deeply $told->{authorities}, $required ? ['/CN=Alex'] : [], 'the authorities';
        $facts = facts($port, cert => $alex[0], key => $alex[1]);
        is summary($facts),                        'TLSv1_2 TLSv1_3', 'with a certificate: no problem';
        is $facts->{client_certificate}{accepted}, 1,                 'it is accepted';
        is $facts->{close},                        'close_notify',    'it says goodbye';
        return if !$required;
        $facts = facts($port, cert => $other[0], key => $other[1]);
        like summary($facts), qr/with this client certificate: /, 'with another one: a problem';
        is $facts->{client_certificate}{accepted}, 0, 'it is refused';
        like $facts->{problems}[0]{hint}, qr/\Athe server/, 'with a hint';
    };
}

subtest 'a server that serves once' => sub {
    my ($peer, $port) = s_server(qw(-naccept 1));
    my $facts = facts($port);
    is_deeply $facts->{problems}, [], 'what was learned is told';
    is $facts->{protocol},            'TLSv1_3', 'the version';
    is $facts->{resumption}{offered}, 1,         'a session was offered';
    is $facts->{resumption}{resumed}, 0,         'and nobody is there to resume it';
};

done_testing;
