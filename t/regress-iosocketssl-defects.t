use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno          qw(EINVAL EPROTO ETIMEDOUT);
use IO::Select     ();
use IO::Socket::IP ();
use POSIX          ();
use Scalar::Util   qw(weaken);
use Time::HiRes    qw(time);

use VouchTest        qw(expect_warnings identity);
use VouchTest::Turns qw(listener pair shake sockets);
use Vouch::Socket;

# What IO::Socket::SSL gets wrong, and programs have to live with there.  One
# subtest for each; most are told at length in other files, too.

my @alex = identity('alex', cn => 'Alex');
my %ask  = (SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => sub { 1 });
my %show = (SSL_cert_file   => $alex[0], SSL_key_file => $alex[1]);

my $plain  = listener();
my $asking = listener(%ask);

# Wait until there is something to read, or an end.
sub arrived { return IO::Select->new($_[0])->can_read(20) }

sub result { my ($value) = @_; return defined $value ? "returns '$value'" : 'returns undef' }

# Bytes between a client and a server go through our hands: (server, client,
# and what carries them; call it to carry what is there, or with a function that
# changes it).
sub tapped {
    my ($listening) = @_;
    my $middle      = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 1) or die $@;
    my $client      = Vouch::Socket->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => $middle->sockport,
        SSL_startHandshake => 0,
        SSL_verify_mode    => SSL_VERIFY_NONE,
    ) or die "$SSL_ERROR";
    my $near   = $middle->accept;
    my $far    = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $listening->sockport) or die $@;
    my $server = $listening->accept or die "$SSL_ERROR";
    $_->blocking(0) for $client, $server, $near, $far;
    my $carry = sub {
        my ($change) = @_;
        for my $way ([$near, $far], [$far, $near]) {
            my ($from, $to) = @$way;
            while (sysread $from, my $bytes, 65_536) {
                $change->($bytes) if $change && $from == $near;
                syswrite $to, $bytes;
            }
        }
    };
    my %left = (client => sub { $client->connect_SSL }, server => sub { $server->accept_SSL });
    my $end  = time + 20;
    while (%left && time < $end) {
        for my $side (keys %left) { delete $left{$side} if $left{$side}->() }
        IO::Select->new($near, $far)->can_read(0.01);
        $carry->();
    }
    $_->blocking(1) for $client, $server;
    return ($server, $client, $carry);
}

subtest 'get_fingerprint on a client without a certificate ends the program' => sub {
    my ($server) = pair($asking) or return fail $SSL_ERROR;
    is $server->get_fingerprint,                   undef, 'it is undef';
    is $server->get_fingerprint('sha1', undef, 1), undef, 'also of the key';
    is $server->get_fingerprint_bin,               undef, 'also as bytes';
    is $server->peer_certificate,                  undef, 'and there is no certificate';
};

subtest 'peer_certificates leaves out the certificate of the client' => sub {
    my ($server) = pair($asking, \%show) or return fail $SSL_ERROR;
    my @sent = $server->peer_certificates;
    is scalar @sent,          1,      'one certificate';
    is $sent[0]->common_name, 'Alex', 'which is the one it showed';
    ok $server->peer_certificates && $server->get_fingerprint, 'the idiom of servers';
};

subtest 'a corrupted record reads as the end' => sub {
    my ($server, $client, $carry) = tapped($plain);
    print {$client} "hello\n";
    $carry->(sub { substr($_[0], -1) ^= "\1" });
    arrived($server);
    is sysread($server, my $bytes, 10), undef,  'it is an error';
    is $! + 0,                          EPROTO, '$!';
    like $SSL_ERROR, qr/bad record mac/, '$SSL_ERROR';
    is scalar readline($server), undef, 'and no line comes after it';
};

subtest 'an alert reads as the end: a client of TLS 1.3 never learns that it was refused' => sub {
    my $refusing = listener(SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => sub { 0 });
    my ($server, $client) = sockets($refusing, %show, SSL_version => 'TLSv1_3');
    is shake($server, $client), 0, 'the server refuses';
    $client->blocking(1);
    arrived($client);
    is sysread($client, my $bytes, 10), undef,  'the first read fails';
    is $! + 0,                          EPROTO, '$!';
    like $SSL_ERROR, qr/alert (?:unknown ca|bad certificate|certificate unknown)/,
        '$SSL_ERROR names the alert';
};

subtest 'syswrite with a negative offset sends memory before the string' => sub {
    my ($server, $client) = pair($plain);
    my $bytes = 'abcdef';
    is syswrite($client, $bytes, 2, -3), 2, 'from the end, as Perl does it';
    arrived($server);
    sysread $server, my $got, 10;
    is $got, 'de', 'these are sent';
    for my $offset (-7, -2**31, 7, 2**31) {
        is syswrite($client, $bytes, 4, $offset), undef,  "the offset $offset";
        is $! + 0,                                EINVAL, 'is an error';
    }
    is syswrite($client, $bytes, 1, 6), 0, 'just behind the end there is nothing to send';
    print {$client} "next\n";
    is scalar readline($server), "next\n", 'nothing of that was sent';
};

subtest 'sysread with the length -1 ends the program: "Out of memory!"' => sub {
    my ($server, $client) = pair($plain);
    is eval { sysread $server, my $bytes, -1; 1 }, undef, 'sysread';
    like $@, qr/Negative length/, 'dies as Perl does';
    is eval { $server->read(my $bytes, -1); 1 }, undef, 'the method read';
    like $@, qr/Negative length/, 'dies, too';
    print {$client} "next\n";
    is scalar readline($server), "next\n", 'the connection is as it was';
};

subtest 'at the end, sysread leaves the old contents in the variable' => sub {
    my ($server, $client) = pair($plain);
    close $client;
    my $bytes = 'abcdef';
    is sysread($server, $bytes, 10), 0,  'the end';
    is $bytes,                       '', 'and an empty string';
    $bytes = 'abcdef';
    is sysread($server, $bytes, 10, 3), 0,     'with an offset';
    is $bytes,                          'abc', 'cut there';
};

subtest 'eof does not exist' => sub {
    my ($server, $client) = pair($plain);
    print {$client} "one\ntwo\n";
    arrived($server);
    ok !eof($server), 'no end yet';
    ok !$server->eof, 'by the method, either';
    my @lines;
    close $client;
    until (eof $server) { push @lines, scalar readline $server }
    is_deeply \@lines, ["one\n", "two\n"], 'a loop that ends in time';
    ok $server->eof, 'and the method agrees';
    is eval { seek $server, 0, 0 } // 'died', 0,  'seek fails without dying';
    is eval { tell $server }       // 'died', -1, 'tell, too';
};

for my $separator (\5, undef, '', "\n") {
    my $name = ref $separator ? '\5' : defined $separator ? $separator =~ s/\n/\\n/r : 'undef';
    subtest "readline with \$/ = $name goes on at the end" => sub {
        my ($server, $client) = pair($plain);
        print {$client} 'abcde';
        close $client;
        arrived($server);
        local $/ = $separator;
        is scalar readline($server), 'abcde', 'what there was';
        is scalar readline($server), undef,   'and then undef' for 1 .. 2;
        is_deeply [readline $server], [], 'in a list: nothing';
    };
}

subtest 'print of nothing is false' => sub {
    my ($server, $client) = pair($plain);
    ok print({$client} ''), 'it is true';
    local ($,, $\) = ('-', "!\n");
    ok print({$client} 'a', 'b'), 'print with $, and $\\';
    is scalar readline($server), "a-b!\n", 'puts no $, before $\\';
};

subtest 'how Perl keeps a string shows on the wire' => sub {
    my ($server, $client) = pair($plain);
    my $text = "\xe9|\n";
    utf8::upgrade($text);
    print {$client} $text;
    is scalar readline($server), "\xe9|\n", 'characters that are bytes are sent as these';
    is syswrite($client, $text), 3,         'also by syswrite';
    is scalar readline($server), "\xe9|\n", 'and arrive';
    my ($warnings) = expect_warnings(sub { print {$client} "\x{263a}\n" });
    like "@$warnings", qr/\AWide character in print/, 'wide ones are warned of';
    is eval { syswrite $client, "\x{263a}"; 1 }, undef, 'and syswrite dies for them';
};

subtest 'a time limit is not told: EAGAIN, not ETIMEDOUT' => sub {
    my $silent = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 1) or die $@;
    my $client = Vouch::Socket->new(
        PeerAddr        => '127.0.0.1',
        PeerPort        => $silent->sockport,
        Timeout         => 0.2,
        SSL_verify_mode => SSL_VERIFY_NONE,
    );
    is $client,        undef,     'a server that says nothing';
    is $! + 0,         ETIMEDOUT, '$!';
    is $SSL_ERROR + 0, ETIMEDOUT, '$SSL_ERROR';
    like "$SSL_ERROR", qr/no handshake within 0[.]2 seconds/, 'in words';
    my $waiting = listener(Timeout => 0.2);
    is $waiting->accept, undef,     'nobody comes';
    is $! + 0,           ETIMEDOUT, '$!';
};

subtest 'one silent client stops accept for ever' => sub {
    my ($cert, $key) = identity('silent', cn => 'localhost');
    my $server = Vouch::Socket->new(
        LocalAddr     => '127.0.0.1',
        LocalPort     => 0,
        Listen        => 5,
        Timeout       => 0.3,
        SSL_cert_file => $cert,
        SSL_key_file  => $key,
    ) or die $SSL_ERROR;
    my $silent = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $server->sockport) or die $@;
    is $server->accept,                  undef,     'accept comes back';
    is $! + 0,                           ETIMEDOUT, 'and says that time was over';
    is Vouch::Socket::HANDSHAKE_TIMEOUT, 30,        'also where no Timeout is given: after 30 seconds';
};

subtest 'a listener without a certificate is made, and fails each client' => sub {
    my $made = eval { Vouch::Socket->new(LocalAddr => '127.0.0.1', Listen => 1, SSL_server => 1); 1 };
    is $made, undef, 'it is not made';
    like $@, qr/a server needs a certificate/, 'and why';
};

subtest 'every failure of TCP is "IO::Socket::IP configuration failed"' => sub {
    my $closed = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 1) or die $@;
    my $port   = $closed->sockport;
    close $closed;
    is(Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => $port), undef, 'nobody listens there');
    like "$SSL_ERROR", qr/\Acannot connect to 127[.]0[.]0[.]1:$port: Connection refused/,
        'and $SSL_ERROR tells';
};

subtest 'die in the callback leaves a half-open client in the listener' => sub {
    my $dying = listener(SSL_verify_mode => SSL_VERIFY_PEER, SSL_verify_callback => sub { die "no\n" });
    my ($server, $client) = sockets($dying, %show);
    is eval { shake($server, $client); 1 }, undef,  'the exception';
    is $@,                                  "no\n", 'reaches the program';
    undef $server;
    $client->blocking(1);
    $client->connect_SSL if !$client->is_SSL;
    my $got = $client->is_SSL ? sysread($client, my $bytes, 1) : undef;
    is $got, undef, 'the client is not left waiting';
    like $SSL_ERROR, qr/alert/, 'but told by an alert';
    ($server, $client) = sockets($dying);
    ok shake($server, $client), 'and the next client, who has no certificate, is served at once';
};

subtest 'a callback that mentions its own socket is never freed' => sub {
    my ($cert, $key) = identity('closure', cn => 'localhost');
    my $freed = 0;
    for (1 .. 3) {
        my ($server, $client) = sockets($plain);
        bless $server, 'IO::Socket::IP';
        delete ${*$server}{vouch};
        my $witness = bless [], 'Witness';
        no warnings 'once';
        local *Witness::DESTROY = sub { $freed++ };
        Vouch::Socket->start_SSL(
            $server,
            SSL_server          => 1,
            SSL_cert_file       => $cert,
            SSL_key_file        => $key,
            SSL_startHandshake  => 0,
            SSL_verify_mode     => SSL_VERIFY_PEER,
            SSL_verify_callback => sub { return $witness && $server ? 1 : 0 },
        );
        ok shake($server, $client), 'a connection';
        undef $witness;
        undef $server;
    }
    is $freed, 3, 'all three are gone';
};

subtest 'an error of one connection is told for another' => sub {
    my ($server, $client, $carry) = tapped($plain);
    my ($other, $peer) = pair($plain);
    print {$client} "hello\n";
    $carry->(sub { substr($_[0], -1) ^= "\1" });
    arrived($server);
    is sysread($server, my $bytes, 10), undef, 'one fails';
    $other->blocking(0);
    is sysread($other, $bytes, 10), undef, 'another has nothing to read';
    ok $SSL_ERROR == SSL_WANT_READ, 'and says just that';
    print {$peer} "fine\n";
    arrived($other);
    is sysread($other, $bytes, 10), 5,     'it goes on';
    is $other->last_error,          undef, 'without an error';
};

subtest 'a client that never reads its tickets resets the connection, and its words are lost' => sub {
    my ($cert, $key) = identity('tickets', cn => 'localhost');
    my $server = listener(SSL_cert_file => $cert, SSL_key_file => $key, SSL_session_tickets => 1);
    my $lost   = 0;
    for (1 .. 5) {
        my ($there, $here) = pair($server, { SSL_version => 'TLSv1_3' }) or return fail $SSL_ERROR;
        print {$here} 'x' x 30_000;
        close $here;
        my $got = do { local $/; readline $there };
        $lost++ if length($got // '') != 30_000;
    }
    is $lost, 0, 'all arrives';
};

subtest 'a peer that has said goodbye, and goes on sending' => sub {
    my ($server, $client) = pair($plain);
    print {$client} "last words\n";
    close $client;
    is scalar readline($server), "last words\n", 'what came before is read';
    is scalar readline($server), undef,          'then there is an end';
    is $server->last_error,      undef,          'a proper one';
    is_deeply [map { sysread $server, my $bytes, 10 } 1 .. 3], [0, 0, 0], 'for good';
};

subtest 'an end without a goodbye looks like any other' => sub {
    my ($server, $client) = pair($plain, { SSL_version => 'TLSv1_2' });
    print {$client} "half of it\n";
    $client->close(SSL_no_shutdown => 1);
    readline $server;
    is sysread($server, my $bytes, 10), 0,        'it reads as the end, as programs expect';
    is $server->last_error->code,       'closed', 'and who wants to know can ask';
};

subtest 'the constants have addresses for numbers' => sub {
    is SSL_WANT_READ + 0,  -2,                       'SSL_WANT_READ';
    is SSL_WANT_WRITE + 0, -3,                       'SSL_WANT_WRITE';
    is SSL_WANT_READ . '', 'SSL wants a read first', 'in words';
};

subtest 'close in the parent ends the connection of the child' => sub {
    my ($server, $client) = pair($plain);
    pipe my $from, my $to or die $!;
    my $pid = fork // die $!;
    if ($pid == 0) {
        close $to;
        readline $from;
        print {$server} "still here\n";
        close $server;
        POSIX::_exit(0);
    }
    close $from;
    close $server;
    close $to;
    is scalar readline($client), "still here\n", 'it does not';
    is scalar readline($client), undef,          'the child ends it';
    is $client->last_error,      undef,          'with a goodbye';
    waitpid $pid, 0;
};

done_testing;
