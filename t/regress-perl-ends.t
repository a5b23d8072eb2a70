use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest qw(identity run_command spew temp_dir);

# When Perl ends it frees what is left in no order: destructors find sockets
# whose connection has gone before them.

my @server = identity('server', cn => 'localhost');

sub run_perl {
    my ($program, @arguments) = @_;
    my $file = spew(temp_dir() . '/program.pl', $program);
    my ($status, $out, $error) =
        run_command([$^X, (map { "-I$_" } grep { !ref } @INC), $file, @server, @arguments]);
    is $status, 0,  'the program ends well';
    is $error,  '', 'and complains of nothing';
    return $out;
}

# 60 connections, each used by a destructor that runs when Perl ends.
my $program = <<'PERL';
use v5.16;
use warnings;
use lib 't/lib';
use VouchTest::Turns qw(listener sockets shake);
use Vouch::Socket;

my ($cert, $key, $what) = @ARGV;
my @keep;

package Keeper {
    sub DESTROY {
        my ($self) = @_;
        my $socket = $self->{socket} or return;
        die "not at the end\n" if ${^GLOBAL_PHASE} ne 'DESTRUCT';
        die "another descriptor\n" if fileno $socket != $self->{fd};
        print {$socket} "the secret";
        syswrite $socket, 'the secret';
        $socket->print('the secret');
        $socket->is_SSL;
        $socket->pending;
        $socket->get_fingerprint;
        my $line = eof $socket ? undef : <$socket>;
        $self->{how} ? $socket->close : close $socket;
    }
}

my $listener = listener(SSL_cert_file => $cert, SSL_key_file => $key);
for my $number (1 .. 60) {
    my ($server, $client) = sockets($listener);
    $client->connect_SSL;
    $what eq 'half' ? $server->accept_SSL : shake($server, $client) || die "no handshake: $SSL_ERROR\n";
    $_->blocking(0) for $server, $client;
    push @keep,
        map { bless { socket => $_, fd => fileno $_, how => $number % 2 }, 'Keeper' } $server, $client;
}
$_->{itself} = $_ for @keep;    # so they live to the end
say 'the end';
PERL

subtest 'finished handshakes' => sub {
    is run_perl($program, 'whole'), "the end\n", 'it came to its end';
};

subtest 'unfinished handshakes' => sub {
    is run_perl($program, 'half'), "the end\n", 'it came to its end';
};

subtest 'nothing goes out in the clear' => sub {
    my $out = run_perl(<<'PERL');
use v5.16;
use warnings;
use lib 't/lib';
use VouchTest::Turns qw(pair);
use Vouch::Socket;

# Both ends are tied to nothing: as if their connection had gone first.
my ($server, $client) = pair({ SSL_cert_file => $ARGV[0], SSL_key_file => $ARGV[1] });
open my $wire, '+<&', fileno $client or die "dup: $!";
for my $tied (tied *$server) { $tied = undef }
say ref tied *$server;
$! = 0;
say defined print({$server} "the secret\n") ? 'printed' : 'not printed', ': ', $!{EBADF} ? 'EBADF' : "$!";
say defined syswrite($server, "the secret\n") ? 'written' : 'not written';
say defined $server->write("the secret\n") ? 'written' : 'not written';
say defined sysread($server, my $bytes, 10) ? 'read' : 'not read';
say $server->is_SSL ? 'TLS' : 'no TLS';
say fileno $server > 2 ? 'a descriptor' : 'none';
say $server->close ? 'closed' : "not closed: $!";
say defined fileno $server ? 'a descriptor' : 'none';
for my $tied (tied *$client) { $tied = undef }
say close $client ? 'closed' : "not closed: $!";
local $/;
my $all = <$wire>;
say 'in the clear' if $all =~ /secret/;
PERL
    is $out, <<'TEXT', 'the handle has ended';
Vouch::Stream::Ended
not printed: EBADF
not written
not written
not read
no TLS
a descriptor
closed
none
closed
TEXT
};

done_testing;
