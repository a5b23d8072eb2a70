use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs
    'Net::Server'   => 'libnet-server-perl',
    'IO::Multiplex' => 'libio-multiplex-perl',
    'Net::SSLeay'   => 'libnet-ssleay-perl';
use Net::SSLeay          ();
use Socket               ();
use Time::HiRes          qw(sleep time);
use VouchTest            qw(identity);
use VouchTest::NetServer qw(exchange ending);
use VouchTest::Turns     qw(open_descriptors);
use Vouch::Certificate   ();
use Vouch::Socket;

# Net::Server::Multiplex: one process, many clients at once, and all of it TLS.

my @alex = identity('alex', cn => 'Alex');
my $alex = Vouch::Certificate->from_file($alex[0])->fingerprint;

my $SERVER = <<'PERL';
my %DO = (
    who => sub {
        my ($fh) = @_;
        print join(' ', $fh->get_fingerprint // 'nobody', $fh->peer_certificate('cn') // 'nobody',
            $fh->isa('Vouch::Socket'), $fh->isa('Net::Server::Proto::VOUCH')), "\n";
    },
    address => sub {
        my ($fh, $object) = @_;
        print join(' ', $fh->peerhost, $fh->sockhost, $fh->sockport, $fh->NS_port, $fh->NS_host, $object->{peeraddr}), "\n";
    },
    facts => sub {
        my ($fh) = @_;
        print join(' ', $fh->get_sslversion, $fh->is_SSL ? 'TLS' : 'clear', $fh->get_servername // 'no name',
            $fh->verification->{by}, scalar(my @chain = $fh->peer_certificates), $fh->pending,
            $fh->context->is_server, ref $fh->certificate), "\n";
    },
    refused => sub {
        my ($fh) = @_;
        for my $method (qw(read peek stop_SSL recv)) {
            print eval { $fh->$method(my $bytes, 1); 1 } ? "$method works\n" : $@ =~ s/ at .*//sr . "\n";
        }
    },
    methods => sub {
        my ($fh) = @_;
        print {$fh} 'print ';
        $fh->print('->print ');
        $fh->write('->write ');
        $fh->write('xxwritexx ', 5, 2);
        syswrite $fh, ' syswrite ';
        $fh->printf('%03d', 7);
        print "\n";
    },
    all => sub {
        my ($fh, $object, $mux) = @_;
        print {$_} "to all\n" for $mux->handles;
    },
    large => sub { print 'x' x 3_000_000, "\n" },
    bye   => sub { print "bye\n"; close STDOUT },
    leave => sub { my ($fh, $object, $mux) = @_; print "leave\n"; $fh->close },
    end   => sub { my ($fh, $object, $mux) = @_; print "end\n"; $mux->shutdown($fh, 2) },
);

sub mux_input {
    my ($self, $mux, $fh, $in) = @_;
    while ($$in =~ s/\A(.*?)\r?\n//) {
        my $line = $1;
        ($DO{$line} // sub { print length $line > 100 ? length $line : "you said $line", "\n" })->($fh, $self, $mux);
    }
}
sub mux_eof   { my ($self, $mux, $fh, $in) = @_; print 'at the end: ', length $$in, "\n"; $$in = '' }
sub mux_close { my ($self, $mux, $fh) = @_; $self->log(1, 'closed: ' . ($fh->get_fingerprint // 'nobody')) }
sub mux_connection { my ($self, $mux, $fh) = @_; $self->log(1, 'connected: ' . ($fh->get_fingerprint // 'nobody')) }
PERL

sub start {
    my (%arguments) = @_;
    return VouchTest::NetServer->start(
        Multiplex => { SSL_verify_mode => 257, log_level => 2, %arguments },
        $SERVER
    );
}

sub ask {
    my ($client, $line) = @_;
    print {$client} "$line\n";
    return scalar readline $client;
}

sub stops {
    my ($server) = @_;
    is $server->stop,          0,  'the server ends well';
    is $server->warnings_said, '', 'without a warning';
    return;
}

my $server = start();

subtest 'who it is' => sub {
    my $known =
        $server->client(SSL_cert_file => $alex[0], SSL_key_file => $alex[1], SSL_hostname => 'a.example');
    is ask($known, 'who'), "$alex Alex 1 1\n", 'a client with a certificate';
    my $other = $server->client;
    is ask($other, 'who'), "nobody nobody 1 1\n", 'one without, at the same time';
    is ask($known, 'address'),
        join(' ', '127.0.0.1', '127.0.0.1', $server->port, $server->port, '127.0.0.1', "127.0.0.1\n"),
        'where from and where to';
    is ask($known, 'facts'), "TLSv1_3 TLS a.example any 1 0 1 Vouch::Certificate\n",
        'the facts of the connection';
    print {$known} "refused\n";
    is readline($known), "$_() cannot be used where IO::Multiplex reads and writes\n", "$_ says so"
        for qw(read peek stop_SSL recv);
    is ask($known, 'methods'), "print ->print ->write write syswrite 007\n", 'ways to write';
    print {$known} "all\n";
    is readline($_), "to all\n", '$mux->handles are the clients' for $known, $other;
    like $server->log, qr/connected: \Q$alex\E/, 'mux_connection knows the client';
    close $known;
    $server->wait_for(qr/closed: \Q$alex\E/);
    pass 'mux_close, too';
};

subtest 'goodbyes' => sub {
    for my $how (qw(bye leave end)) {
        my $client = $server->client;
        is ask($client, $how), "$how\n",  $how;
        is ending($client),    'goodbye', 'ends with close_notify';
    }
};

subtest 'a lot' => sub {
    my $client = $server->client;
    my $bytes  = 'y' x 100_000;
    is ask($client, $bytes), "100000\n", '100 kB in';
    my $large = ask($client, 'large');
    is length $large,                                        3_000_001,            '3 MB out';
    is ask($client, 'hello'),                                "you said hello\n",   'and it goes on';
    is ask($client, join "\n", map { "line $_" } 1 .. 3000), "you said line 1\n",  'many lines in one piece';
    is readline($client),                                    "you said line $_\n", "line $_" for 2 .. 10;
    my $last = '';
    $last = readline $client for 11 .. 3000;
    is $last, "you said line 3000\n", 'to the last';
};

# Processor seconds it has used.
sub cpu {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or return 0;
    my @fields = split ' ', readline($in) =~ s/.*\)//r;
    return ($fields[11] + $fields[12]) / 100;
}

subtest 'slow clients' => sub {
    my @silent = map { $server->tcp } 1 .. 20;
    my $lazy   = $server->client;
    print {$lazy} "large\nlarge\nlarge\n";    # and does not read
    my $start = time;
    for my $n (1 .. 10) {
        my $client = $server->client;
        is ask($client, "hello $n"), "you said hello $n\n", "client $n beside them";
    }
    cmp_ok time - $start, '<', 5, 'without waiting';
    my $before = cpu($server->pid);
    sleep 1;
    cmp_ok cpu($server->pid) - $before, '<', 0.5, 'the server does not turn round in circles';
    is length readline($lazy), 3_000_001, "what the lazy one wanted is there: $_" for 1 .. 3;
};

# OpenSSL by itself can say goodbye and go on reading.
subtest 'a client that ends first' => sub {
    my $tcp = $server->tcp;
    my $ctx = Net::SSLeay::CTX_new_with_method(Net::SSLeay::TLS_client_method()) or die 'CTX_new';
    my $ssl = Net::SSLeay::new($ctx)                                             or die 'SSL_new';
    Net::SSLeay::set_fd($ssl, fileno $tcp);
    is Net::SSLeay::connect($ssl), 1, 'a client of another make';
    Net::SSLeay::write($ssl, "large\nrest");
    is Net::SSLeay::shutdown($ssl), 0, 'says goodbye';
    my $all = '';

    while (defined(my $bytes = Net::SSLeay::read($ssl))) {
        last if !length $bytes;
        $all .= $bytes;
    }
    is length $all, 3_000_001 + length "at the end: 4\n", 'it gets its answer';
    like $all, qr/x\nat the end: 4\n\z/, 'and what mux_eof says';
    is Net::SSLeay::shutdown($ssl), 1, 'then the other goodbye';
    Net::SSLeay::free($ssl);
    Net::SSLeay::CTX_free($ctx);
};

subtest 'a client that resets' => sub {
    my $client = $server->client;
    print {$client} "large\n";
    setsockopt $client, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack 'ii', 1, 0;
    $client->close(SSL_no_shutdown => 1);
    is ask($server->client, 'hello'), "you said hello\n", 'the next one is served';
};

subtest 'in the clear' => sub {
    my $client = $server->tcp;
    print {$client} "GET / HTTP/1.0\r\n\r\n";
    $client->flush;
    local $/;
    unlike readline($client) // '', qr/you said/, 'nothing is answered';
    $server->wait_for(qr/No TLS with 127.0.0.1:[0-9]+: .*http request/);
    pass 'and it is told';
};

subtest 'nothing is left behind' => sub {
    my $deadline = time + 20;
    my $before   = open_descriptors($server->pid);
    for my $n (1 .. 20) {
        my $client = $server->client;
        is ask($client, 'who'), "nobody nobody 1 1\n", "client $n" if $n % 10 == 0;
        close $client;
        my $tcp = $server->tcp;
        print {$tcp} "nonsense\n";
    }
    while (open_descriptors($server->pid) > $before && time < $deadline) { sleep 0.05 }
    cmp_ok open_descriptors($server->pid), '<=', $before, 'no descriptor';
    stops($server);
};

subtest 'the deadline of a handshake' => sub {
    my $server = start(SSL_handshake_timeout => 0.3);
    my $silent = $server->tcp;
    my $start  = time;
    is sysread($silent, my $bytes, 1), 0, 'ends it';
    cmp_ok time - $start, '>', 0.2, 'not before';
    $server->wait_for(qr/No TLS with 127.0.0.1:[0-9]+: /);
    is ask($server->client, 'hello'), "you said hello\n", 'the next one is served';
    stops($server);
};

subtest 'who may not come' => sub {
    my $server = start(deny => '127.0.0.1');
    my $client = $server->client;
    is ending($client), 'goodbye', 'is sent away';
    stops($server);
};

subtest 'two ports' => sub {
    my $server = start(port => [0, 0]);
    my $one    = $server->client;
    my $two    = $server->client(PeerPort => $server->port(1));
    like ask($one, 'address'), qr/ ${\$server->port(0)} 127/, 'the one';
    like ask($two, 'address'), qr/ ${\$server->port(1)} 127/, 'and the other';
    stops($server);
};

subtest 'SIGHUP' => sub {
    my $server = start();
    my $client = $server->client;
    is ask($client, 'hello'), "you said hello\n", 'before';
    my ($pid, $port) = ($server->pid, $server->port);
    $server->hup;
    is $server->pid,                  $pid,               'the same process';
    is $server->port,                 $port,              'the same port';
    is ending($client),               'goodbye',          'clients are told that it ends';
    is ask($server->client, 'hello'), "you said hello\n", 'after';
    stops($server);
};

subtest 'SIGTERM' => sub {
    my $server = start();
    my $client = $server->client;
    is ask($client, 'hello'), "you said hello\n", 'a client';
    stops($server);
    is ending($client), 'goodbye', 'is told that the server ends';
};

done_testing;
