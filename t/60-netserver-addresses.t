use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use Net::Server               ();
use IO::Socket::IP            ();
use VouchTest::NetServer      qw(exchange);
use Net::Server::Proto::VOUCH ();

# On which addresses a server listens, by host and ipv.

my $ipv6 = IO::Socket::IP->new(LocalHost => '::1', Listen => 1) ? undef : 'there is no IPv6 here';

# Below the ports that clients are given, so that no connection takes it.
sub free_port {
    for (1 .. 200) {
        my $port = 20_000 + int rand 12_000;
        my @used = grep { IO::Socket::IP->new(PeerHost => $_, PeerPort => $port) } '127.0.0.1', '::1';
        my $socket =
            IO::Socket::IP->new(LocalHost => $ipv6 ? '0.0.0.0' : '::', LocalPort => $port, Listen => 1);
        return $port if $socket && !@used;
    }
    die "no free port\n";
}

my $SERVER = <<'PERL';
sub process_request {
    my ($self) = @_;
    my $line = <STDIN> // return;
    print join ' ', @{ $self->{server} }{qw(peeraddr sockaddr)};
}
PERL

# Whom the server answers: "v4", "v6" or "v4 v6".  A client is told where it
# comes from, and where to.
sub reached {
    my ($server) = @_;
    my %host = (v4 => '127.0.0.1', v6 => '::1');
    return join ' ',
        grep { told($server, $host{$_}) =~ /\A(?:::ffff:)?\Q$host{$_}\E (?:::ffff:)?\Q$host{$_}\E\z/ }
        sort keys %host;
}

sub told {
    my ($server, $host) = @_;
    return exchange($server->client(PeerHost => $host), "hello\n") // '';
}

my @ROWS = (
    [{ host => '*' },              'v4 v6'],
    [{ host => undef },            'v4 v6'],
    [{ host => '*', ipv => '*' },  'v4 v6'],
    [{ host => '*', ipv => 4 },    'v4'],
    [{ host => '*', ipv => 6 },    'v6'],
    [{ host => '*', ipv => '46' }, 'v4 v6'],
    [{ host => '::' },                   'v4 v6'],
    [{ host => '::1' },                  'v6'],
    [{ host => '::1', ipv => 6 },        'v6'],
    [{ host => '127.0.0.1' },            'v4'],
    [{ host => '0.0.0.0' },              'v4'],
    [{ port => '[::1]:PORT/vouch' },     'v6'],
    [{ port => '*:PORT/vouch/IPv6' },    'v6'],
    [{ port => '127.0.0.1:PORT/vouch' }, 'v4'],
);

for my $row (@ROWS) {
    my ($arguments, $expected) = @$row;
    my $name = join ', ',
        map { "$_ " . (ref $arguments->{$_} ? "@{ $arguments->{$_} }" : $arguments->{$_} // 'not given') }
        sort keys %$arguments;
    subtest $name => sub {
        plan skip_all => $ipv6 if $ipv6 && $expected =~ /v6/;
        my $port      = free_port();
        my %arguments = (port => $port, %$arguments);
        $arguments{port} =~ s/PORT/$port/;
        $arguments{host} = undef if $arguments{port} =~ /:/;
        my $server = VouchTest::NetServer->start(Fork => \%arguments, $SERVER);
        is reached($server), $expected, "answers on $expected";
        $server->hup(PeerHost => $expected =~ /v4/ ? '127.0.0.1' : '::1');
        unlike $server->log, qr/Added new port|Closing un-mapped/, 'SIGHUP keeps the sockets';
        is reached($server),       $expected, "and it answers on $expected";
        is $server->stop,          0,         'it ends well';
        is $server->warnings_said, '',        'without a warning';
    };
}

subtest 'port 0 on several addresses' => sub {
    plan skip_all => $ipv6 if $ipv6;
    my $server =
        VouchTest::NetServer->start(Fork => { host => ['127.0.0.1', '::1'], port => [0, 0] }, $SERVER);
    isnt $server->port(0), $server->port(1), 'two ports';
    is exchange($server->client, "hello\n"), '127.0.0.1 127.0.0.1', 'the first';
    is exchange($server->client(PeerHost => '::1', PeerPort => $server->port(1)), "hello\n"), '::1 ::1',
        'the second';
    my @before = map { $server->port($_) } 0, 1;
    $server->hup;
    is_deeply [map { $server->port($_) } 0, 1], \@before, 'both stay after SIGHUP';
};

# What a Net::Server of another version gives to the class.
subtest 'other versions of Net::Server' => sub {
    my $socket   = Net::Server::Proto::VOUCH->new;
    my $families = sub {
        my ($version, $host, $ipv) = @_;
        no warnings qw(once redefine);
        local *Net::Server::VERSION = sub { $version };
        $socket->NS_host($host);
        $socket->NS_ipv($ipv);
        $socket->NS_port(0);
        my $address = $socket->_local_address;
        return join ' ', $address->{LocalHost}, 'only ' . ($address->{V6Only} // 'as the system does');
    };
    for my $case (
        [2.018, '*',   4,   '0.0.0.0 only 1'],
        [2.018, '*',   6,   ':: only 1'],
        [2.018, '*',   '*', ':: only 0'],
        [2.018, '::',  '*', ':: only 0'],
        [2.018, '::',  6,   ':: only 1'],
        [2.009, '::',  6,   ':: only as the system does'],
        [2.009, '::1', 6,   '::1 only 1'],
        [2.009, '*',   6,   ':: only 1'],
        )
    {
        my ($version, $host, $ipv, $expected) = @$case;
        is $families->($version, $host, $ipv), $expected, "$version: host $host, ipv $ipv";
    }
};

done_testing;
