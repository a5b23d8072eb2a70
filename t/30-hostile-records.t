use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Errno       qw(EAGAIN EPIPE EPROTO);
use Socket      qw(AF_UNIX SHUT_WR SOCK_STREAM);
use Time::HiRes qw(time);

use VouchTest        qw(identity);
use VouchTest::Turns qw(listener pair);
use Vouch::Context;
use Vouch::Socket;

# Peers that keep to the protocol, and are a nuisance: records in pieces, tiny
# records, connections half closed, words after the goodbye.  (Records that
# break the protocol, and floods of those that carry no data, are in
# t/c/connection_flood.c; clients that renegotiate in t/21-peer-openssl.t.)

my ($cert, $key) = identity('records', cn => 'localhost');
my %server  = (SSL_server => 1, SSL_cert_file => $cert, SSL_key_file => $key, SSL_startHandshake => 0);
my $context = { map { $_ => Vouch::Context->new(SSL_verify_mode => SSL_VERIFY_NONE, SSL_version => $_) }
        qw(TLSv1_2 TLSv1_3) };

# A TLS server and a client, and the two raw ends between them: bytes travel
# only when carry() takes them.
sub wire {
    my ($version) = @_;
    my @ends;
    for (1, 2) {
        socketpair my $tls, my $raw, AF_UNIX, SOCK_STREAM, 0 or die "socketpair: $!";
        bless $tls, 'IO::Socket::UNIX';
        push @ends, [$tls, $raw];
    }
    my ($server, $client) = map { $_->[0] } @ends;
    Vouch::Socket->start_SSL($server, %server) or die $SSL_ERROR;
    Vouch::Socket->start_SSL($client, SSL_reuse_ctx => $context->{$version}, SSL_startHandshake => 0)
        or die $SSL_ERROR;
    my $self = { server => $server, client => $client, raw_server => $ends[0][1], raw_client => $ends[1][1] };
    $_->blocking(0) for @$self{qw(server client raw_server raw_client)};
    my %left = (client => sub { $client->connect_SSL }, server => sub { $server->accept_SSL });
    for (1 .. 100) {
        for my $side (keys %left) { delete $left{$side} if $left{$side}->() }
        carry($self, 'client', 'server');
        carry($self, 'server', 'client');
        last if !%left;
    }
    die "no handshake: $SSL_ERROR" if %left;
    sysread $client, my $nothing, 1;    # its tickets
    return $self;
}

# All that one side has sent: as bytes, or on to the other.
sub take {
    my ($self, $from) = @_;
    my $bytes = '';
    1 while sysread $self->{"raw_$from"}, $bytes, 65_536, length $bytes;
    return $bytes;
}

sub carry {
    my ($self, $from, $to) = @_;
    return syswrite $self->{"raw_$to"}, take($self, $from);
}

for my $version (qw(TLSv1_2 TLSv1_3)) {
    subtest "$version: a record in two pieces, split at every byte" => sub {
        my $wire   = wire($version);
        my $server = $wire->{server};
        syswrite $wire->{client}, 'a' x 40;
        my $size  = length take($wire, 'client');
        my $wrong = 0;
        $wire = wire($version);
        for my $at (1 .. $size - 1) {
            syswrite $wire->{client}, sprintf '%040d', $at;
            my $record = take($wire, 'client');
            syswrite $wire->{raw_server}, substr $record, 0, $at;
            my $early = sysread $wire->{server}, my $bytes, 100;
            $wrong++ if defined $early || $! != EAGAIN || $SSL_ERROR != SSL_WANT_READ;
            syswrite $wire->{raw_server}, substr $record, $at;
            $wrong++ if (sysread($wire->{server}, $bytes, 100) // 0) != 40 || $bytes ne sprintf '%040d', $at;
        }
        is $wrong, 0, "in all of the @{[ $size - 1 ]} places";
    };

    subtest "$version: records that arrive byte by byte" => sub {
        my $wire = wire($version);
        syswrite $wire->{client}, "line $_\n" for 1 .. 5;
        my @lines;
        for my $byte (split //, take($wire, 'client')) {
            syswrite $wire->{raw_server}, $byte;
            my $line = readline $wire->{server};
            push @lines, $line if defined $line;
        }
        is_deeply \@lines, [map { "line $_\n" } 1 .. 5], 'are lines in the end';
    };

    subtest "$version: a handshake that arrives byte by byte" => sub {
        socketpair my $client, my $raw, AF_UNIX, SOCK_STREAM, 0 or die $!;
        socketpair my $server, my $end, AF_UNIX, SOCK_STREAM, 0 or die $!;
        bless $_, 'IO::Socket::UNIX' for $client, $server;
        Vouch::Socket->start_SSL($server, %server);
        Vouch::Socket->start_SSL($client, SSL_reuse_ctx => $context->{$version}, SSL_startHandshake => 0);
        $_->blocking(0) for $client, $server, $raw, $end;
        my ($done, $ready) = (0, 0);

        for (1 .. 20_000) {
            $done  ||= $client->connect_SSL ? 1 : 0;
            $ready ||= $server->accept_SSL  ? 1 : 0;
            last if $done && $ready;
            for ([$raw, $end], [$end, $raw]) {
                my ($from, $to) = @$_;
                my $got = sysread $from, my $byte, 1;
                syswrite $to, $byte if $got;
            }
        }
        ok $done && $ready, 'comes to its end';
    };

    subtest "$version: ten thousand records of a byte" => sub {
        my ($server, $client) = pair(listener(), { SSL_reuse_ctx => $context->{$version} });
        my $start = time;
        my %got   = (sysread => 0, read => 0, lines => 0);
        for my $round (1 .. 100) {
            syswrite $client, 'x' for 1 .. 40;
            my $bytes = '';
            while (length $bytes < 40) { sysread $server, $bytes, 100, length $bytes }
            $got{sysread} += length $bytes;
            syswrite $client, 'x' for 1 .. 30;
            $server->read($bytes, 30);
            $got{read} += length $bytes;
            syswrite $client, $_ for ('x') x 29, "\n";
            $got{lines} += length readline $server;
        }
        is_deeply \%got, { sysread => 4000, read => 3000, lines => 3000 }, 'arrive by every way of reading';
        cmp_ok time - $start, '<', 20, 'in time';
    };

    subtest "$version: words after the goodbye" => sub {
        my $wire = wire($version);
        syswrite $wire->{client}, 'first';
        my $before = take($wire, 'client');
        $wire->{client}->stop_SSL(SSL_fast_shutdown => 1);
        my $goodbye = take($wire, 'client');
        syswrite $wire->{raw_server}, $before . $goodbye . $before . ('x' x 100);
        my $server = $wire->{server};
        is sysread($server, my $bytes, 100), 5,     'what came before';
        is sysread($server, $bytes, 100),    0,     'the end';
        is sysread($server, $bytes, 100),    0,     'and nothing after it' for 1 .. 2;
        is $server->last_error,              undef, 'a proper end';
        is $server->pending,                 0,     'with nothing pending';
        ok eof($server), 'eof says so';
    };

    subtest "$version: a peer that says goodbye, and listens" => sub {
        my $wire = wire($version);
        $wire->{client}->stop_SSL(SSL_fast_shutdown => 1);
        carry($wire, 'client', 'server');
        is sysread($wire->{server}, my $bytes, 10), 0, 'the end of its words';
        is syswrite($wire->{server}, 'answer'),     6, 'our own can follow';
        cmp_ok length take($wire, 'server'), '>', 6, 'and go out';
    };

    subtest "$version: half-closed by the other side, without a goodbye" => sub {
        my $wire = wire($version);
        syswrite $wire->{client}, 'question';
        carry($wire, 'client', 'server');
        shutdown $wire->{raw_server}, SHUT_WR or die $!;
        is sysread($wire->{server}, my $bytes, 100), 8,        'what came before';
        is sysread($wire->{server}, $bytes, 100),    0,        'reads as the end';
        is $wire->{server}->last_error->code,        'closed', 'of a kind that can be told';
        is syswrite($wire->{server}, 'answer'),      undef,    'and the connection is over: it was cut off';
    };

    subtest "$version: half-closed by us" => sub {
        my $wire = wire($version);
        shutdown $wire->{server}, SHUT_WR or die $!;
        is syswrite($wire->{server}, 'x'), undef, 'nothing can be sent';
        is $! + 0,                         EPIPE, 'as with any socket';
        $wire = wire($version);
        syswrite $wire->{client}, 'question';
        carry($wire, 'client', 'server');
        shutdown $wire->{server}, SHUT_WR or die $!;
        is sysread($wire->{server}, my $bytes, 100), 8, 'what comes is read all the same';
    };

    subtest "$version: a record cut off in the middle" => sub {
        my $wire = wire($version);
        syswrite $wire->{client}, 'question';
        my $record = take($wire, 'client');
        syswrite $wire->{raw_server}, substr $record, 0, -1;
        shutdown $wire->{raw_server}, SHUT_WR or die $!;
        is sysread($wire->{server}, my $bytes, 100), undef,  'is an error';
        is $! + 0,                                   EPROTO, 'in $!';
        like $SSL_ERROR, qr/cut off in the middle of a record/, 'and in words';
    };

    subtest "$version: a peer that does not stop when we do" => sub {
        my ($server, $client) = pair(listener(), { SSL_reuse_ctx => $context->{$version} });
        $client->blocking(0);
        my $sent = 1;
        while ($sent) { $sent = syswrite $client, 'x' x 16_384 }
        my $start = time;
        $server->stop_SSL(Timeout => 1);
        cmp_ok time - $start, '<', 10, 'stop_SSL gives up on it';
        ok !$server->is_SSL, 'and the socket is plain';
    };
}

done_testing;
