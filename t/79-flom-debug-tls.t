use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'IO::Socket::SSL' => 'libio-socket-ssl-perl';
use IO::Socket::IP  ();
use IO::Socket::SSL ();
use POSIX           ();
use Time::HiRes     qw(sleep time);
use VouchTest::Flom qw(finish flom start_flom);
use VouchTest::PKI  qw(issue AUTHORITY);

# flom --debug-feature=tls.server and tls.client, with each other and with
# peers that speak as FLoM's do.

my (undef, $id) = flom('--unique-id');
chomp $id;
my $ca    = issue('authority', ext => [AUTHORITY]);
my $other = issue('stranger',  ext => [AUTHORITY]);
my %cert  = (
    good    => issue('good',    by => $ca,    cn => $id),
    wrong   => issue('wrong',   by => $ca,    cn => 'another'),
    foreign => issue('foreign', by => $other, cn => $id),
);

sub free_port { return IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 1)->sockport }

sub options {
    my ($which, $port, $name, $check) = @_;
    my $authority = $name eq 'foreign' ? $other : $ca;
    return (
        '--debug-feature',      $which,
        '-a',                   '127.0.0.1',
        '-p',                   $port,
        '--tls-certificate',    $cert{$name}{cert},
        '--tls-private-key',    $cert{$name}{key},
        '--tls-ca-certificate', $authority->{cert},
        $check ? ('--tls-check-peer-id', 'yes') : ()
    );
}

# The server tells nobody that it is ready, and takes one client only.
sub once_it_listens {
    my ($code) = @_;
    my $deadline = time + 20;
    my @result;
    until (@result = $code->()) { sleep 0.02; die "it does not listen\n" if time > $deadline }
    return @result;
}

sub client {
    my (@arg) = @_;
    return once_it_listens(sub {
        my @result = flom(@arg);
        return $result[2] =~ /Connection refused/ ? () : @result;
    });
}

# As FLoM's client does: two writes, then read.
sub say_id {
    my ($socket, $text) = @_;
    syswrite $socket, $_ for $text, '</msg>';
    return;
}

sub hear_id {
    my ($socket) = @_;
    my $got = '';
    while ($got !~ m{</msg>\z}) { sysread $socket, $got, 6, length $got or last }
    return $got;
}

sub ssl_options {
    my ($name) = @_;
    return (
        SSL_cert_file       => $cert{$name}{cert},
        SSL_key_file        => $cert{$name}{key},
        SSL_ca_file         => $ca->{cert},
        SSL_verify_mode     => 3,
        SSL_verifycn_scheme => 'none'
    );
}

my @pairs = (
    # server's and client's certificate, who checks, their exit statuses
    ['good',  'good',    '',     0, 0],
    ['good',  'good',    'both', 0, 0],
    ['wrong', 'wrong',   '',     0, 0],
    ['good',  'wrong',   'both', 1, 1],
    ['wrong', 'good',    'both', 0, 1],
    ['good',  'foreign', '',     1, 1],
);
for my $pair (@pairs) {
    my ($for_server, $for_client, $check, @want) = @$pair;
    subtest "server $for_server, client $for_client, checks: " . ($check || 'nobody') => sub {
        my $port   = free_port();
        my $server = start_flom(options('TLS.Server', $port, $for_server, $check));
        my ($status, $out, $err) = client(options('tls.client', $port, $for_client, $check));
        is $status, $want[1], 'exit status of the client';
        is $out,    '',       'it prints nothing';
        like $err, $status ? qr/\Aflom: \S.*\n\z/ : qr/\A\z/, 'but a reason when it fails';
        ($status, $out, $err) = finish($server);
        is $status, $want[0], 'exit status of the server';
        is $out,    '',       'it prints nothing';
        like $err, $status ? qr/\Aflom: \S.*\n\z/ : qr/\A\z/, 'but a reason when it fails';
    };
}

subtest 'a client as FLoM has it' => sub {
    for my $version (qw(TLSv1_2 TLSv1_3)) {
        my $port   = free_port();
        my $server = start_flom(options('tls.server', $port, 'good', 1));
        my ($tcp) =
            once_it_listens(sub { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) // () });
        my $socket = IO::Socket::SSL->start_SSL($tcp, ssl_options('good'), SSL_version => $version);
        ok $socket, "$version: they shake hands" or diag $IO::Socket::SSL::SSL_ERROR;
        say_id($socket, $id);
        is hear_id($socket),       "$id</msg>", 'the server tells its id';
        is + (finish($server))[0], 0,           'exit status';
    }
    my $port   = free_port();
    my $server = start_flom(options('tls.server', $port, 'good', 1));
    my ($tcp) =
        once_it_listens(sub { IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) // () });
    my $socket = IO::Socket::SSL->start_SSL($tcp, ssl_options('good'));
    syswrite $socket, 'x' x 1000;
    is hear_id($socket), '', 'one that does not end is left';
    my ($status, undef, $err) = finish($server);
    is $status, 1, 'exit status';
    like $err, qr/^flom: what the peer says is too long for an id$/, 'and the reason';
};

subtest 'a server as FLoM has it' => sub {
    for my $told ($id, 'another') {
        my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 1);
        my $client   = start_flom(options('tls.client', $listener->sockport, 'good', 1));
        my $socket =
            IO::Socket::SSL->start_SSL(scalar $listener->accept, SSL_server => 1, ssl_options('good'));
        ok $socket, 'they shake hands';
        is hear_id($socket), "$id</msg>", 'the client tells its id';
        say_id($socket, $told);
        my ($status, undef, $err) = finish($client);
        is $status, $told eq $id ? 0 : 1, "exit status for '$told'";
        like $err, $status ? qr/unique id is 'another', but its certificate is for '$id'/ : qr/\A\z/,
            'reason';
    }
};

subtest 'what cannot work' => sub {
    my ($status, $out, $err) = flom(qw(--debug-feature tls.client -a 127.0.0.1));
    is_deeply [$status, $out], [1, ''], 'without files';
    like $err, qr/^flom: --tls-certificate, --tls-private-key and --tls-ca-certificate are needed$/,
        'said so';
    ($status, $out, $err) = flom(grep { !/\A(?:-a|127.*)\z/ } options('tls.server', free_port(), 'good'));
    is $status, 1, 'without an address';
    like $err, qr/^flom: an address \(-a\) is needed$/, 'said so';
    ($status, $out, $err) = flom(options('tls.client', 1, 'good'));
    is $status, 1, 'nobody there';
    like $err, qr/^flom: .*Connection refused$/, 'said so';
};

done_testing;
