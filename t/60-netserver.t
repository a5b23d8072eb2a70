use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use Config;
use VouchTest            qw(identity);
use VouchTest::NetServer qw(exchange ending);
use Vouch::Certificate   ();
use Vouch::Socket;

# proto => 'vouch' under the personalities that call process_request: who the
# client is, and every way to read STDIN and to write STDOUT.

my @alex = identity('alex', cn => 'Alex');
my $alex = Vouch::Certificate->from_file($alex[0])->fingerprint;

my $SERVER = <<'PERL';
sub arguments { return (SSL_verify_callback => sub { 1 }) }

my %DO = (
    who => sub {
        my ($client) = @_;
        say join ' ', ref $client, $client->isa('Vouch::Socket'), $client->get_fingerprint // 'nobody',
            $client->peer_certificate('cn') // 'nobody', $client->certificate ? 'certified' : 'not';
        print $client->dump_peer_certificate;
    },
    address => sub {
        my ($client, $server) = @_;
        say join ' ', $server->{server}{peeraddr}, $server->{server}{sockaddr}, $server->{server}{sockport};
        say $server->{server}{peerport};
    },
    line_read => sub { read STDIN, my $bytes, 10; print "<$bytes>" },
    read_at   => sub { my $bytes = 'ab'; my $n = read STDIN, $bytes, 5, 2; print "$n <$bytes>" },
    sysread   => sub { my $n = sysread STDIN, my $bytes, 5; print "$n <$bytes>" },
    slurp     => sub {
        local $/;
        my $all = <STDIN>;
        $_[1]->log(0, 'slurped ' . length($all) . ' ' . unpack '%32C*', $all);
    },
    end => sub {
        my $line = <STDIN>;
        my $n = read STDIN, my $more, 1;
        $_[1]->log(0, join ' ', 'the end:', $line // 'undef', $n);
    },
    say       => sub { say 'say1'; say 'say', 2; say STDOUT 'say3' },
    ors       => sub { local $\ = "!\n"; print 'a'; print 'b', 'c' },
    ofs       => sub { local $, = '-'; print 'a', 'b', 'c'; print "\n"; say 'd', 'e' },
    both      => sub { local ($,, $\) = ('-', '!'); print 'a', 'b' },
    printf    => sub { printf '%03d|%s', 7, 'x'; printf STDOUT "|%x\n", 255; local $\ = '!'; printf 'y' },
    syswrite  => sub {
        print join ',', syswrite(STDOUT, 'abcdef', 2, 3), syswrite(STDOUT, 'abcdef', 2),
            syswrite(STDOUT, 'abcdef', 3, -3), syswrite STDOUT, 'xyz';
    },
    large => sub { print 'x' x 300_000 },
    lines => sub { say "line $_ of many, each of them short" for 1 .. 5000 },
    list  => sub { my ($one, $two) = (scalar <STDIN>, scalar <STDIN>); print $two, $one },
    quiet => sub { },
    client => sub {
        my ($client) = @_;
        my $line = <$client>;
        $client->say("client said $line");
        $client->printf('%s ', 'formatted');
        $client->syswrite("abc", 2, 1);
        print {$client} ' printed';
    },
);

sub process_request {
    my ($self) = @_;
    my $line = <STDIN> // return;
    chomp $line;
    ($DO{$line} // sub { print "no such command: $line" })->($self->{server}{client}, $self);
}
PERL

my $large = join '', map { chr rand 256 } 1 .. 100_000;

# What is sent, and what comes back.
my @EXCHANGES = (
    ['a line, then read(n)',            "line_read\n0123456789rest", '<0123456789>'],
    ['read with an offset',             "read_at\n0123456789",       '5 <ab01234>'],
    ['sysread',                         "sysread\n0123456789",       '5 <01234>'],
    ['say',                             "say\n",                     "say1\nsay2\nsay3\n"],
    ['$\\',                             "ors\n",                     "a!\nbc!\n"],
    ['$,',                              "ofs\n",                     "a-b-c\nd-e\n"],
    ['both',                            "both\n",                    'a-b!'],
    ['printf',                          "printf\n",                  "007|x|ff\ny"],
    ['syswrite with length and offset', "syswrite\n",                'deabdefxyz2,2,3,3'],
    ['300 kB out',                      "large\n",                   'x' x 300_000],
    ['5,000 lines out',   "lines\n", join '', map { "line $_ of many, each of them short\n" } 1 .. 5000],
    ['two lines',         "list\none\ntwo\n", "two\none\n"],
    ['nothing',           "quiet\n",          ''],
    ['the client itself', "client\nhello\n",  "client said hello\n\nformatted bc printed"],
);

sub check_server {
    my ($personality, %arguments) = @_;
    my $server = VouchTest::NetServer->start($personality => { SSL_verify_mode => 1, %arguments }, $SERVER);
    my $known  = $server->client(SSL_cert_file => $alex[0], SSL_key_file => $alex[1]);
    is exchange($known, "who\n"),
        "Net::Server::Proto::VOUCH 1 $alex Alex certified\nSubject Name: /CN=Alex\nIssuer  Name: /CN=Alex\n",
        'a client with a certificate';
    is ending($known), 'goodbye', 'the connection ends with close_notify';
    is exchange($server->client, "who\n"),
        "Net::Server::Proto::VOUCH 1 nobody nobody not\nSubject Name: undefined\nIssuer  Name: undefined\n",
        'one without';
    my $client = $server->client;
    my $port   = $client->sockport;
    is exchange($client, "address\n"), '127.0.0.1 127.0.0.1 ' . $server->port . "\n$port\n", 'the addresses';

    for my $case (@EXCHANGES) {
        my ($name, $sent, $expected) = @$case;
        my $got = exchange($server->client, $sent) // '';
        ok $got eq $expected, $name or diag length $got > 200 ? length $got : $got;
    }
    my $slurping = $server->client;
    print {$slurping} "slurp\n$large";
    close $slurping;
    my ($told) = $server->wait_for(qr/slurped (.*)\n/);
    is $told, length($large) . ' ' . unpack('%32C*', $large), '100 kB in, with $/ undef';
    my $leaving = $server->client;
    print {$leaving} "end\n";
    close $leaving;
    is $server->wait_for(qr/the end: (.*)\n/), 'undef 0', 'the end';
    is $server->stop,                          0,         'the server ends well';
    is $server->warnings_said,                 '',        'without a warning';
    return;
}

my %MANY = (max_servers => 3, min_servers => 2, min_spare_servers => 1, max_spare_servers => 2);

my %ARGUMENTS = (
    Single        => {},
    Fork          => {},
    PreForkSimple => { max_servers => 2 },
    PreFork       => \%MANY,
    Thread        => { max_servers => 5 },
);

for my $personality (sort keys %ARGUMENTS) {
    next if $personality eq 'Thread' && !$Config{useithreads};
    subtest $personality => \&check_server, $personality, %{ $ARGUMENTS{$personality} };
}

for my $type (qw(Single Fork PreFork)) {
    my %more = $type eq 'PreFork' ? %MANY : ();
    subtest "MultiType as $type" => \&check_server, 'MultiType', server_type => [$type], %more;
}

done_testing;
