use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno            qw(EBADF);
use Time::HiRes      qw(time);
use VouchTest        qw(expect_warnings identity);
use VouchTest::Crowd qw(client gone identity_files listener meet silent start until_told);
use Vouch::Context;
use Vouch::Socket;

# Code of the program that runs while a listener works: verify callbacks,
# signal handlers.

my ($cert, $key) = identity('visitor', cn => 'Visitor');
my %visitor = (SSL_cert_file => $cert, SSL_key_file => $key);

my @told;
my %telling = (on_error => sub { push @told, @_ });

sub told { return splice @told }

sub asking {
    my ($callback, %arg) = @_;
    return listener(SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => $callback, %arg);
}

# A client that will not come through: true when the listener has told of it.
sub fails {
    my ($listener, $done) = @_;
    my $client = start($listener, %visitor);
    $done //= sub { @told };
    return until_told($listener, sub { $client->connect_SSL if defined fileno $client; $done->() });
}

subtest 'a verify callback' => sub {
    for my $version (qw(TLSv1_2 TLSv1_3)) {
        my @calls;
        my $listener = asking(
            sub {
                my ($ok, $store, $names, $error, $certificate, $depth) = @_;
                push @calls, join ' ', $ok, ref $store, $store->error, $names, $certificate->common_name,
                    $depth;
                return 1;
            },
            %telling
        );
        my @silent = map { silent($listener) } 1 .. 3;
        my ($server) = meet($listener, %visitor, SSL_version => $version);
        ok $server, "$version: a client is let in";
        is_deeply \@calls,
            [map { "$_ Vouch::VerifyContext 18 /CN=Visitor/CN=Visitor Visitor 0" } 0, 1],
            'it was asked, with its arguments';
        is $server->peer_certificate('cn'), 'Visitor',  'the certificate is known';
        is $server->verification->{by},     'callback', 'and who decided';
    }
    my $listener = asking(sub { 0 }, %telling);
    ok fails($listener), 'one that says no refuses';
    my ($failure) = told();
    is $failure->{what},        'handshake', 'it is a failed handshake';
    is $failure->{error}->code, 'verify',    'for the certificate';
};

subtest 'a callback that dies' => sub {
    my $what     = "no visitors\n";
    my $listener = asking(sub { die $what if $_[4]->common_name eq 'Visitor'; 1 }, %telling);
    ok fails($listener), 'refuses its client';
    my ($failure) = told();
    is $failure->{what},        'callback',      'it is told as such';
    is $failure->{exception},   "no visitors\n", 'with the exception';
    is $failure->{error}->code, 'verify',        'and the error';
    is scalar told(),           undef,           'once';

    $what = Vouch::Error->new(code => 'x', message => 'an object');
    ok fails($listener), 'an object';
    ($failure) = told();
    is $failure->{exception}, $what, 'is kept';

    my ($other_cert, $other_key) = identity('other', cn => 'Other');
    my ($server) = meet($listener, SSL_cert_file => $other_cert, SSL_key_file => $other_key);
    ok $server, 'another client is let in by the same listener';

    for my $way ([sub { last }, 'last'], [sub { goto NOWHERE }, 'goto'], [sub { [] }, 'a reference']) {
        my $odd   = asking($way->[0], %telling);
        my @noise = expect_warnings(sub { ok fails($odd), "$way->[1] refuses its client" });
        ($failure) = told();
        is $failure->{what}, 'callback', 'and is told';
        ($server) = meet(asking(sub { 1 }, %telling), %visitor);
        ok $server, 'nothing is harmed';
    }
NOWHERE:
};

subtest 'a callback that dies, without on_error' => sub {
    my $listener = asking(sub { die { code => 7 } });
    my $failed   = sub { $listener->stats->{failed} };
    my ($got)    = expect_warnings(sub { ok fails($listener, $failed), 'refuses its client' });
    is scalar @$got, 1, 'with one warning';
    like $got->[0], qr/\Athe verify callback died for 127\.0\.0\.1:[0-9]+: HASH/, 'that says why';

    $listener = asking(sub { die "no\n" }, Timeout => 20);
    my $refused = client($listener, sub { 0 }, %visitor, SSL_version => 'TLSv1_2');
    my ($client, $child);
    ($got) = expect_warnings(sub {
        gone($refused) if $listener->timeout(0.5) && !$listener->accept;
    });
    is scalar @$got, 1, 'accept goes on after it';
};

subtest 'a callback and the listener' => sub {
    my ($listener, @said);
    my $use = sub {
        for my $method (qw(accept advance next_deadline fileno)) {
            push @said, eval { $listener->$method; 'nothing' } // $@;
        }
        push @said, $listener->pending;
        return 1;
    };
    $listener = asking($use, %telling);
    my ($server) = meet($listener, %visitor);
    ok $server, 'a callback that uses the listener: its client is let in';
    like $said[$_], qr/\Athis listener is in a handshake: its verify callback cannot use it/, 'that dies'
        for 0 .. 3;
    is $said[4], 1, 'but it may count';

    $listener = asking(sub { $listener->close; 1 }, Timeout => 20, %telling);
    my $child = client($listener, sub { 0 }, %visitor);
    my $ready = $listener->accept;
    if   ($ready) { pass 'a callback that closes the listener lets its client in' }
    else          { is $! + 0, EBADF, 'a callback that closes the listener ends accept' }
    is $listener->accept, undef, 'then there is nobody';
    gone($child);

    my $socket;
    $socket = listener(
        class               => 'Vouch::Socket',
        Handshakes          => 5,
        SSL_verify_mode     => SSL_VERIFY_PEER,
        SSL_verify_callback => sub { CORE::close $socket; 1 },
        Timeout             => 20,
    );
    $child = client($socket, sub { 0 }, %visitor);
    $ready = $socket->accept;
    ok !$ready || ref $ready, 'one that closes the socket behind its back';
    is $socket->accept, undef, 'ends accept';
    is $! + 0,          EBADF, 'with EBADF';
    gone($child);
};

subtest 'a context that is reloaded' => sub {
    my ($old_cert, $old_key) = identity('name', cn => 'Old');
    my $listener = listener(SSL_cert_file => $old_cert, SSL_key_file => $old_key, %telling);
    my $between  = start($listener);
    $between->connect_SSL;
    $listener->advance for 1 .. 3;
    identity('name', cn => 'New');
    $listener->context->reload;
    my ($first) = meet($listener, $between);
    is $first->sock_certificate('cn'), 'Old', 'a handshake goes on with what it began';
    my ($second) = meet($listener);
    is $second->sock_certificate('cn'), 'New', 'the next one has the new certificate';
    is_deeply [told()], [], 'nothing has failed';
};

subtest 'signals' => sub {
    my $listener = listener(%telling);
    my $parent   = $$;
    my $count    = 0;
    local $SIG{USR1} = sub { $count++ };
    my @child = map {
        client($listener, sub { kill USR1 => $parent; readline $_[0]; 0 })
    } 1 .. 3;
    for (1 .. 3) {
        my $client = $listener->accept;
        ok $client, 'accept goes on behind a signal';
        close $client;
    }
    gone($_) for @child;
    cmp_ok $count, '>', 0, 'its handler has run';

    for my $wait (undef, 20) {
        $listener->timeout($wait);
        local $SIG{ALRM} = sub { die "enough\n" };
        my $left  = alarm 0;
        my $start = time;
        Time::HiRes::ualarm(100_000);
        is eval { $listener->accept; 1 }, undef, 'a handler that dies ends accept';
        alarm $left;
        is $@, "enough\n", 'with its exception';
        cmp_ok time - $start, '<', 10, 'at once';
    }
    my ($server) = meet($listener);
    ok $server, 'which can be called again';

    local $SIG{USR1} = sub { $listener->close };
    my $silent = silent($listener);
    my $child  = client($listener, sub { kill USR1 => $parent; 0 });
    my $client = $listener->accept;
    my $errno  = $! + 0;
    if ($client) { undef $client; $client = $listener->accept; $errno = $! + 0 }
    is $client, undef, 'a handler that closes the listener ends accept';
    is $errno,  EBADF, 'with EBADF';
    gone($child);
    ok !sysread($silent, my $bytes, 1), 'and the handshakes';
};

done_testing;
