use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use Cwd                  ();
use IO::Socket::IP       ();
use POSIX                ();
use VouchTest            qw(identity slurp spew temp_dir);
use VouchTest::NetServer qw(exchange ending);
use VouchTest::Hostile   qw(bad_client kinds);
use Vouch::Certificate   ();
use Vouch::Socket;

# Net::Server::INET: a process for each client, started by a superserver that
# gives the connection as standard input and output.

my $dir    = temp_dir() . '';
my @server = identity('inet', cn => 'localhost');
my @alex   = identity('alex', cn => 'Alex');
my $alex   = Vouch::Certificate->from_file($alex[0])->fingerprint;

my $SERVER = <<'PERL';
use v5.16;
use warnings;
package TheServer;
BEGIN { require USE; our @ISA = ('CLASS') }
sub process_request {
    my ($self) = @_;
    my $line = <STDIN> // return;
    chomp $line;
    my $client = $self->{server}{client};
    say "you said $line";
    if ($line eq 'who') {
        say ref $client;
        say $client->get_fingerprint // 'nobody';
        say join ' ', @{ $self->{server} }{qw(peeraddr sockaddr sockport)};
    }
    if ($line eq 'read') { read STDIN, my $bytes, 5; say "<$bytes>" }
    if ($line eq 'large') { print 'x' x 300_000 }
    if ($line eq 'child') { system 'echo in the clear' }
}
TheServer->run(@ARGUMENTS);
PERL

my $number = 0;

# A superserver for one client: the port, and how it went.
sub inetd {
    my (%arg) = @_;
    my $class = $arg{class} // 'Vouch::NetServer::INET';
    my $file  = $class =~ s{::}{/}gr . '.pm';
    my $code  = $SERVER;
    $code =~ s/USE/"$file"/;
    $code =~ s/CLASS/$class/;
    my %run = (
        SSL_cert_file   => $server[0],
        SSL_key_file    => $server[1],
        SSL_verify_mode => 'any',
        %{ $arg{run} // {} }
    );
    delete @run{ grep { !defined $run{$_} } keys %run };
    $code =~ s/\@ARGUMENTS/join ', ', map { "'$_' => '$run{$_}'" } sort keys %run/e;
    my $program  = spew("$dir/inet" . ++$number . '.pl', $code);
    my $listener = IO::Socket::IP->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $@";
    my $pid      = fork // die "fork: $!";
    return { pid => $pid, port => $listener->sockport, log => "$program.log" } if $pid;
    my $client = $listener->accept or POSIX::_exit(1);
    close $listener;
    open STDIN,  '<&', $client or POSIX::_exit(2);
    open STDOUT, '>&', $client or POSIX::_exit(2);
    if   ($arg{err_to_client}) { open STDERR, '>&', $client        or POSIX::_exit(2) }
    else                       { open STDERR, '>',  "$program.log" or POSIX::_exit(2) }
    $SIG{ALRM} = 'DEFAULT';
    exec {$^X} $^X, (map { '-I' . Cwd::abs_path($_) } grep { !ref && -d } @INC), @{ $arg{perl} // [] },
        $program, @{ $arg{argv} // [] }
        or POSIX::_exit(3);
}

sub client {
    my ($inetd, %arg) = @_;
    return scalar Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $inetd->{port},
        SSL_verify_mode => SSL_VERIFY_NONE,
        Timeout         => 20,
        SSL_io_timeout  => 20,
        %arg
    );
}

sub status { my ($inetd) = @_; waitpid $inetd->{pid}, 0; return $? >> 8 }

subtest 'a client' => sub {
    my $inetd  = inetd();
    my $client = client($inetd, SSL_cert_file => $alex[0], SSL_key_file => $alex[1]);
    is exchange($client, "who\n"),
        "you said who\nNet::Server::Proto::VOUCH\n$alex\n127.0.0.1 127.0.0.1 $inetd->{port}\n", 'is known';
    is ending($client), 'goodbye', 'and told that it ends';
    is status($inetd),  0,         'the process ends well';
    unlike slurp($inetd->{log}), qr/at \S+ line|WARN/i, 'without a warning';
};

subtest 'bytes' => sub {
    my $inetd = inetd();
    is exchange(client($inetd), "read\n12345678"), "you said read\n<12345>\n", 'a line, then read(n)';
    is status($inetd),                             0,                          'it ends well';
    $inetd = inetd();
    is length exchange(client($inetd), "large\n"), 300_000 + length "you said large\n", '300 kB out';
    is status($inetd),                             0,                                   'it ends well';
};

subtest 'nothing in the clear' => sub {
    my $inetd = inetd(err_to_client => 1);
    is exchange(client($inetd), "hello\n"), "you said hello\n", 'where standard error is the client, too';
    is status($inetd),                      0,                  'it ends well';
    $inetd = inetd();
    is exchange(client($inetd), "child\n"), "you said child\n", 'a command does not get the connection';
    is status($inetd),                      0,                  'it ends well';
    $inetd = inetd(err_to_client => 1);
    my $tcp = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $inetd->{port}) or die "connect: $@";
    print {$tcp} "hello\n";
    $tcp->flush;
    local $/;
    unlike readline($tcp) // '', qr/you said|[a-z]{4}/, 'a client without TLS gets no text';
    is status($inetd), 0, 'it ends well';
};

subtest 'a client that says nothing' => sub {
    my $inetd = inetd(run => { SSL_handshake_timeout => 0.3 });
    my $tcp   = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $inetd->{port}) or die "connect: $@";
    is sysread($tcp, my $bytes, 1), 0, 'is sent away';
    is status($inetd),              0, 'it ends well';
    like slurp($inetd->{log}), qr/No TLS with 127.0.0.1:[0-9]+: no handshake within 0.3 seconds/,
        'and says so';
};

subtest 'clients that break off' => sub {
    for my $n (0 .. kinds() - 1) {
        my $inetd = inetd(run => { SSL_handshake_timeout => 2 });
        is bad_client($inetd->{port}, $n), undef, "client $n";
        is status($inetd),                 0,     'the process ends well';
        unlike slurp($inetd->{log}), qr/ at \S+ line /, 'and complains of nothing but the client';
    }
};

subtest 'what is wrong' => sub {
    my $inetd = inetd(run => { SSL_key_file => "$dir/none.pem" });
    my $tcp   = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $inetd->{port}) or die "connect: $@";
    is sysread($tcp, my $bytes, 1), 0, 'a key that is missing: the client gets nothing';
    is status($inetd),              1, 'the process fails';
    like slurp($inetd->{log}), qr{Cannot start TLS for .*none.pem: cannot read}, 'with the reason';
    $inetd = inetd(run => { SSL_kye_file => 'x' });
    $tcp   = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $inetd->{port}) or die "connect: $@";
    is sysread($tcp, $bytes, 1), 0, 'an unknown argument';
    is status($inetd),           1, 'likewise';
    like slurp($inetd->{log}), qr/does not know the argument SSL_kye_file/, 'by its name';
};

subtest 'another protocol' => sub {
    my $inetd = inetd(run => { proto => 'tcp' });
    my $tcp   = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $inetd->{port}) or die "connect: $@";
    is sysread($tcp, my $bytes, 1), 0, 'gets nothing in the clear';
    is status($inetd),              1, 'and ends the process';
    like slurp($inetd->{log}), qr/does TLS, and 'tcp' is another protocol/, 'with the reason';
};

subtest 'in place of Net::Server::INET' => sub {
    my %instead = (class => 'Net::Server::INET', perl => ['-MVouch::NetServer::INET=instead']);
    for my $how (
        ['proto in run()',           run  => { proto => 'vouch' }],
        ['on the command line',      argv => ['--proto=vouch']],
        ['in the port',              run  => { port  => '1965/vouch' }],
        ['by the name of the class', run  => { proto => 'Net::Server::Proto::VOUCH' }],
        )
    {
        my ($name, %more) = @$how;
        my $inetd = inetd(%instead, %more);
        is exchange(client($inetd), "hello\n"), "you said hello\n", $name;
        is status($inetd),                      0,                  'it ends well';
    }
    my $inetd = inetd(
        class => 'Net::Server::MultiType',
        perl  => $instead{perl},
        run   => { server_type => 'INET', proto => 'vouch' }
    );
    is exchange(client($inetd), "hello\n"), "you said hello\n", 'MultiType as INET';
    is status($inetd),                      0,                  'it ends well';
    $inetd = inetd(%instead);
    my $tcp = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $inetd->{port}) or die "connect: $@";
    print {$tcp} "hello\n";
    $tcp->flush;
    is readline($tcp), "you said hello\n", 'another protocol is as it was';
    close $tcp;
    is status($inetd), 0, 'it ends well';
    like qx($^X -Mblib -MVouch::NetServer::INET=what -e1 2>&1), qr/"what" is not known; there is "instead"/,
        'another word';
};

subtest 'without a connection' => sub {
    my $inetd = inetd();
    my $tcp   = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $inetd->{port}) or die "connect: $@";
    close $tcp;
    is status($inetd), 0, 'a client that leaves at once';
    my ($program) = $inetd->{log} =~ /(.*)\.log\z/;
    my ($status, $out, $err) =
        VouchTest::run_command([$^X, (map { '-I' . Cwd::abs_path($_) } grep { !ref && -d } @INC), $program]);
    is $status, 1, 'standard input that is no socket';
    like $err, qr/TLS needs a socket as standard input/, 'is told';
};

done_testing;
