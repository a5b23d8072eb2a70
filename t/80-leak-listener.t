use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Test::LeakTrace' => 'libtest-leaktrace-perl';
use Scalar::Util     qw(weaken);
use Test::LeakTrace  ();
use VouchTest        qw(expect_warnings identity);
use VouchTest::Crowd qw(identity_files listener meet silent start until_told);
use Vouch::Socket;

# A listener keeps no values of Perl: neither for those that come through nor
# for those that fail.

my ($cert, $key) = identity('visitor', cn => 'Visitor');
my %visitor = (SSL_cert_file => $cert, SSL_key_file => $key);

sub no_leak {
    my ($name, $code) = @_;
    my $leaked;
    $code->() for 1 .. 3;
    for (1 .. 4) {
        $leaked = Test::LeakTrace::leaked_count(sub { $code->() });
        last if $leaked == 0;
    }
    is $leaked, 0, $name;
    return;
}

# One client that does not come through.
sub one_fails {
    my ($listener, %client) = @_;
    my $failed = $listener->stats->{failed};
    my $client = start($listener, %client);
    print {$client} "no TLS\n" if !%client;
    until_told(
        $listener,
        sub {
            $client->connect_SSL if %client && defined fileno $client;
            $listener->stats->{failed} > $failed;
        }
    );
    return;
}

sub asking { return (SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => $_[0]) }

my $plain = listener();
my $telling =
    listener(on_error => sub { my ($failure) = @_; my $text = "$failure->{text} $failure->{error}" });
my $asking = listener(asking(sub { 1 }));
my $dying  = listener(asking(sub { die { reason => 'no' } }), on_error => sub { my $why = $_[0]{exception} });
my $no     = listener(asking(sub { 0 }),                      on_error => sub { });

no_leak 'a connection', sub { my ($server, $client) = meet($plain) };
no_leak 'a connection that is closed',
    sub { my ($server, $client) = meet($plain); close $_ for $server, $client };
no_leak 'a connection with a callback',       sub { my @both = meet($asking, %visitor) };
no_leak 'a handshake that fails',             sub { one_fails($plain) };
no_leak 'a handshake that fails and is told', sub { one_fails($telling) };
no_leak 'a client that the callback refuses', sub { one_fails($no,    %visitor) };
no_leak 'a callback that dies',               sub { one_fails($dying, %visitor) };
no_leak 'looking when nobody is there',       sub { my @none = $plain->advance };
no_leak 'its facts',                          sub {
    my @facts = map { $plain->$_ } qw(stats fileno pending);
};
no_leak 'a listener that is dropped', sub { my $other = listener() };
no_leak 'a listener that is closed',  sub { my $other = listener(); $other->close };
no_leak 'a listener that is dropped with its handshakes', sub {
    my $other  = listener();
    my $silent = silent($other);
    $other->advance;
    $other->handle;
};
no_leak 'a socket with handshakes', sub {
    my $socket = listener(class => 'Vouch::Socket', Handshakes => 5);
    my ($server, $client) = meet($socket->listener);
    close $socket;
};
no_leak 'a listener that is refused', sub {
    eval { listener(Handshakes => 'x') };
    undef $@;
};
no_leak 'a callback that dies with nobody to tell', sub {
    my $other = listener(asking(sub { die "no\n" }));
    expect_warnings(sub { one_fails($other, %visitor) });
};

{
    my $socket = listener(class => 'Vouch::Socket', Handshakes => 5);
    weaken(my $listener = $socket->listener);
    undef $socket;
    ok !$listener, 'the listener of a socket goes with it';
}

done_testing;
