use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs
    'AnyEvent::Handle' => 'libanyevent-perl',
    'EV::MakeMaker'    => 'libev-perl',
    'IO::Async::Loop'  => 'libio-async-perl',
    'Mojo::IOLoop'     => 'libmojolicious-perl';
use VouchTest        qw(identity);
use VouchTest::Crowd qw(in_child gone);
use VouchTest::Peer  ();
use Vouch::Socket;

# A listener in event loops, as the programs in examples/ have it there.

my @files = identity('server', cn => 'localhost');

# A client's lines, and what came back, of each an end with its newline.
sub talk {
    my ($port, @lines) = @_;
    my $client = Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $port,
        SSL_verify_mode => SSL_VERIFY_NONE,
        SSL_io_timeout  => 20,
    ) or return "no connection: $SSL_ERROR";
    my @answers;
    for my $line (@lines) {
        print {$client} $line;
        push @answers, readline($client) // "nothing: $SSL_ERROR";
    }
    return @answers;
}

my @cases = (
    ['listener-io-async.pl', {}, 'IO::Async'],
    ['listener-anyevent.pl', { PERL_ANYEVENT_MODEL => 'EV' },                  'AnyEvent with EV'],
    ['listener-anyevent.pl', { PERL_ANYEVENT_MODEL => 'Perl' },                'AnyEvent in Perl'],
    ['listener-mojo.pl',     { MOJO_REACTOR        => 'Mojo::Reactor::Poll' }, 'Mojo::Reactor::Poll'],
    ['listener-mojo.pl',     { MOJO_REACTOR        => 'Mojo::Reactor::EV' },   'Mojo::Reactor::EV'],
);
for my $case (@cases) {
    my ($program, $env, $name) = @$case;
    subtest $name => sub {
        my @perl   = ($^X, '-w', map { "-I$_" } @INC);
        my $server = VouchTest::Peer->start({ env => $env }, @perl, "examples/$program", @files, 0, 1.5);
        my $port   = $server->wait_for(qr/^listening on port ([0-9]+)$/m);
        my %to     = (PeerHost => '127.0.0.1', PeerPort => $port);
        my @silent = map { IO::Socket::IP->new(%to) // die "connect: $!" } 1 .. 3;
        is_deeply [talk($port, "one\n", "two\n")], ["you said: one\n", "you said: two\n"],
            'lines are answered, among silent clients';
        my $long = 'x' x 40_000;
        is_deeply [talk($port, "$long\n", "end\n")], ["you said: $long\n", "you said: end\n"],
            'also long ones';
        my @children = map {
            my $who = $_;
            in_child(sub { (talk($port, "I am $who\n"))[0] eq "you said: I am $who\n" ? 0 : 1 })
        } 1 .. 5;
        is gone($_), 0, 'and one of many at once' for @children;
        print { $silent[0] } "GET / HTTP/1.0\r\n\r\n";
        ok $server->wait_for(qr/^127\.0\.0\.1:[0-9]+: .*http request/m), 'a failure is told';
        ok $server->wait_for(qr/(?:^127\.0\.0\.1:[0-9]+: no handshake within 1\.5 seconds\n){2}/m),
            'the silent ones are sent away';
        is sysread($silent[1], my $bytes, 1), 0, 'and see the end';
        is_deeply [talk($port, "three\n")], ["you said: three\n"], 'the server goes on';
        unlike $server->err, qr/ line [0-9]/, 'nothing has died or warned';
        $server->stop;
    };
}

done_testing;
