package VouchTest::Hostile 0.001;

use v5.16;
use warnings;

# Clients that break off wherever one can, against a Net::Server: the next one
# is served, and nothing is left behind, neither processes nor descriptors nor
# memory.  VOUCH_LONG=1 sends ten times as many.
#
#   survives(Fork => \%arguments);
#
# Arguments beside those of run(): memory, the kB that it may grow by.

use Exporter    qw(import);
use Test::More  ();
use Time::HiRes qw(sleep time);

use VouchTest            qw(identity);
use VouchTest::NetServer qw(exchange);
use VouchTest::Relay     ();
use VouchTest::Turns     qw(open_descriptors);
use Vouch::Socket;

our @EXPORT_OK = qw(bad_client kinds survives);

my $CLIENTS = $ENV{VOUCH_LONG} ? 2000 : 200;
my @alex;

# The program of each personality, by default that of process_request().
my %PROGRAM;

$PROGRAM{''} = <<'PERL';
sub arguments { return (SSL_verify_callback => sub { 1 }) }
sub process_request {
    my ($self) = @_;
    my $line = <STDIN> // return;
    print $line eq "large\n" ? 'x' x 1_000_000 : length $line;
}
PERL

$PROGRAM{Multiplex} = <<'PERL';
sub arguments { return (SSL_verify_callback => sub { 1 }) }
sub mux_input {
    my ($self, $mux, $fh, $in) = @_;
    return if $$in !~ /\n/;
    print $$in eq "large\n" ? 'x' x 1_000_000 : length $$in;
    $$in = '';
    close STDOUT;
}
sub mux_eof { my ($self, $mux, $fh, $in) = @_; $$in = '' }
PERL

$PROGRAM{HTTP} = <<'PERL';
sub arguments { return (SSL_verify_callback => sub { 1 }) }
sub process_http_request {
    my ($self) = @_;
    print "Content-type: text/plain\r\n\r\n", $ENV{PATH_INFO} eq '/large' ? 'x' x 1_000_000 : 5;
}
PERL

$PROGRAM{PSGI} = <<'PERL';
sub arguments {
    return (
        SSL_verify_callback => sub { 1 },
        app                 => sub { [200, ['Content-Type' => 'text/plain'], [$_[0]{PATH_INFO} eq '/large' ? 'x' x 1_000_000 : 5]] }
    );
}
PERL

# Another step of the handshake: what is said, what is heard.
my $up_to_answer = sub { my ($relay) = @_; $relay->send; $relay->hear; return $relay };

# In the middle of a large answer.
my $writing = sub {
    my ($relay, $request) = @_;
    $relay->handshake;
    print { $relay->tls } $request;
    $relay->send->hear;
    return $relay;
};

# What each does with its connection, and with the request for a large answer.
my @KINDS = (
    ['says nothing',                   sub { }],
    ['half a hello',                   sub { $_[0]->send(100) }],
    ['a hello',                        sub { $_[0]->send }],
    ['a hello, then a reset',          sub { $_[0]->send->reset }],
    ['a hello, then nonsense',         sub { $_[0]->send; syswrite $_[0]->tcp, 'nonsense' x 10 }],
    ['up to the answer',               sub { $up_to_answer->($_[0]) }],
    ['up to the answer, then a reset', sub { $up_to_answer->($_[0])->reset }],
    ['half of its certificate',        sub { $up_to_answer->($_[0])->send(100) }],
    ['all but the last byte',          sub { $up_to_answer->($_[0])->send($_[0]->pending - 1) }],
    ['a finished handshake',           sub { $up_to_answer->($_[0])->send }],
    ['a finished one, then a reset',   sub { $up_to_answer->($_[0])->send->reset }],
    ['goes when TLS is there',         sub { $_[0]->handshake }],
    ['a reset when TLS is there',      sub { $_[0]->handshake->reset }],
    ['half a record',                  sub { print { $_[0]->handshake->tls } "hello\n"; $_[0]->send(10) }],
    ['a broken record', sub { syswrite $_[0]->handshake->tcp, "\x17\x03\x03\0\x20" . 'x' x 32 }],
    ['HTTP',            sub { syswrite $_[0]->tcp,            "GET / HTTP/1.0\r\n\r\n" }],
    ['goes while the server writes',   sub { $writing->(@_) }],
    ['resets while the server writes', sub { $writing->(@_)->reset }],
);

sub kinds { return scalar @KINDS }

# The client of this number, with TLS 1.3 or 1.2: undef, or what went wrong.
sub bad_client {
    my ($port, $n, $request) = @_;
    my ($name, $do) = @{ $KINDS[$n % @KINDS] };
    @alex = identity('hostile', cn => 'Alex') if !@alex;
    my %version = int($n / @KINDS) % 2 ? (SSL_version => 'TLSv1_2') : ();
    my $relay   = VouchTest::Relay->new($port, SSL_cert_file => $alex[0], SSL_key_file => $alex[1], %version);
    return eval { $do->($relay, $request // "large\n"); $relay->cut; 1 } ? undef : "$name: $@";
}

sub survives {
    my ($personality, %arg) = @_;
    my $large   = delete $arg{large}   // "large\n";
    my $request = delete $arg{request} // "hello\n";
    my $grow    = delete $arg{memory}  // 2048;
    my $server  = VouchTest::NetServer->start(
        $personality => { SSL_verify_mode => 1, SSL_handshake_timeout => 1, log_level => 1, %arg },
        $PROGRAM{$personality} // $PROGRAM{''}
    );
    my $pid    = $server->pid;
    my @failed = map { bad_client($server->port, $_, $large) } 0 .. 2 * @KINDS - 1;
    long_line($server);
    is_served($server, $request, 'a client after one of each kind');
    eventually(sub { zombies_of($pid) == 0 });
    my %before = (memory => memory_of($pid), descriptors => open_descriptors($pid));

    my @silent;
    for my $n (1 .. $CLIENTS) {
        push @silent, $server->tcp if $n % 50 == 0;
        push @failed, bad_client($server->port, $n, $large);
        long_line($server) if $n % 40 == 0;
        $server->log       if $n % 100 == 0;    # or it cannot write any more
    }
    Test::More::is_deeply([grep { defined } @failed], [], "$CLIENTS clients could break off as they wanted");
    is_served($server, $request, 'the next is served');
    is_served($server, $request, 'and one more');
    undef @silent;
    Test::More::ok(eventually(sub { zombies_of($pid) == 0 }), 'no zombie');
    Test::More::ok(eventually(sub { open_descriptors($pid) <= $before{descriptors} }),
        'no descriptor is left open')
        or Test::More::diag(open_descriptors($pid) . " in place of $before{descriptors}");
    my $grown = memory_of($pid) - $before{memory};
    Test::More::cmp_ok($grown, '<', $grow, 'no memory is lost (kB)') if !$ENV{VOUCH_TEST_TOOL};
    Test::More::is($server->stop,          0,  'the server ends well');
    Test::More::is($server->warnings_said, '', 'without a warning');
    return;
}

sub long_line {
    my ($server) = @_;
    my $client = $server->client // return;
    print {$client} 'x' x 1_000_000;
    close $client;
    return;
}

sub is_served {
    my ($server, $request, $name) = @_;
    my $client = $server->client(SSL_cert_file => $alex[0], SSL_key_file => $alex[1]);
    Test::More::like(exchange($client, $request) // 'nothing', qr/(?:\A|\n)[0-9]\z/, $name);
    return;
}

sub zombies_of {
    my ($pid) = @_;
    my $count = 0;
    for my $file (glob '/proc/[0-9]*/stat') {
        open my $in, '<', $file or next;
        $count++ if (readline($in) // '') =~ /\) Z $pid /;
    }
    return $count;
}

# Its resident memory in kB, or 0 where nobody can tell.
sub memory_of {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/status" or return 0;
    my ($kb) = map { /^VmRSS:\s+([0-9]+)/ ? $1 : () } readline $in;
    return $kb // 0;
}

sub eventually {
    my ($code) = @_;
    my $deadline = time + 15;
    while (time < $deadline) {
        return 1 if $code->();
        sleep 0.02;
    }
    return 0;
}

1;
