use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::LDAP' => 'libnet-ldap-perl';
use VouchTest          qw(identity);
use VouchTest::Library qw(same_on_both version_of);
use VouchTest::Server  ();
use Vouch::Socket;

# Net::LDAP as it is: start_tls and ldaps, arguments that are there but empty.

version_of('Net::LDAP');

my @server = identity('server', cn => 'localhost', san => ['localhost']);
my @alex   = identity('alex',   cn => 'Alex');
my %ssl    = (
    SSL_server          => 1,
    SSL_cert_file       => $server[0],
    SSL_key_file        => $server[1],
    SSL_verify_mode     => 1,
    SSL_verify_callback => sub { 1 },
);

# Messages are BER: a length below 128 at offset 1, the number of the message
# at offset 4, its kind at offset 5.  The answer to each is success, with who
# asked as its text.
my %ANSWER = (0x60 => 0x61, 0x77 => 0x78);    # bind, extended

sub serve {
    my ($client) = @_;
    while (my $message = message($client)) {
        my ($number, $kind) = unpack 'x4 C C', $message;
        my $answer = $ANSWER{$kind} or last;
        my $who = $client->can('peer_certificate') ? $client->peer_certificate('cn') // 'anybody' : 'nobody';
        syswrite $client, sequence(0x30, pack('C*', 2, 1, $number) . sequence($answer, result($who)));
        Vouch::Socket->start_SSL($client, %ssl) || last if $kind == 0x77;
    }
    close $client;
    return;
}

sub message {
    my ($client) = @_;
    sysread($client, my $bytes, 2) or return;
    my $length = unpack 'x C', $bytes;
    while (length $bytes < $length + 2) { sysread($client, $bytes, 1, length $bytes) or return }
    return $bytes;
}

sub sequence { my ($tag, $bytes) = @_; return pack('C C', $tag, length $bytes) . $bytes }
sub result { my ($text) = @_; return pack('C3', 0x0a, 1, 0) . sequence(4, '') . sequence(4, $text) }

my $plain  = VouchTest::Server->start(class => 'IO::Socket::IP', serve => \&serve);
my $secure = VouchTest::Server->start(ssl   => \%ssl,            serve => \&serve);
my @ports  = ($plain->port, $secure->port);

my $BEGIN = <<'PERL';
use strict;
use warnings;
use Net::LDAP;
my ($ca, $cert, $key, $plain, $secure) = @ARGV;
my @who = (clientcert => $cert, clientkey => $key);
my @verify = (verify => 'require', cafile => $ca);
sub bound {
    my ($ldap) = @_;
    my $message = $ldap->bind('cn=Alex', password => 'secret');
    print ref $ldap->socket, ' ', $message->code, ' ', $message->error, "\n";
    return $ldap;
}
PERL
my @arguments = ($server[0], @alex, @ports);

subtest 'start_tls' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'on the connection that is there';
for my $tls ([@verify], [@verify, @who], [verify => 'none'], [sslversion => 'tlsv1_2'], [verify => 'none', ciphers => 'HIGH']) {
    my $ldap = Net::LDAP->new('localhost', port => $plain, timeout => 20) or die "$@";
    my $message = $ldap->start_tls(@$tls);
    print $message->code, ' ', $ldap->cipher, ' ', $ldap->certificate->issuer_name, "\n";
    print $ldap->start_tls(@$tls)->error, "\n";
    bound($ldap)->disconnect;
}
PERL
0 TLS_AES_256_GCM_SHA384 /CN=localhost
TLS already started
IO::Socket::SSL 0 anybody
0 TLS_AES_256_GCM_SHA384 /CN=localhost
TLS already started
IO::Socket::SSL 0 Alex
0 TLS_AES_256_GCM_SHA384 /CN=localhost
TLS already started
IO::Socket::SSL 0 anybody
0 ECDHE-ECDSA-AES256-GCM-SHA384 /CN=localhost
TLS already started
IO::Socket::SSL 0 anybody
0 TLS_AES_256_GCM_SHA384 /CN=localhost
TLS already started
IO::Socket::SSL 0 anybody
TEXT
};

subtest 'ldaps' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'TLS from the start';
bound(Net::LDAP->new("ldaps://localhost:$secure", @verify, @who, timeout => 20) // die "$@")->unbind;
bound(Net::LDAP->new("ldaps://127.0.0.1:$secure", verify => 'none', timeout => 20) // die "$@")->unbind;
PERL
IO::Socket::SSL 0 Alex
IO::Socket::SSL 0 anybody
TEXT
};

subtest 'refused' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'a server that nobody vouches for';
sub told { my ($text) = @_; return $text =~ /(hostname verification failed)/ || $text =~ /(certificate verify failed)/ ? $1 : $text }
for my $tls ([verify => 'require', cafile => $cert], [@verify, sslserver => 'other.example']) {
    my $ldap = Net::LDAP->new('localhost', port => $plain, timeout => 20) or die "$@";
    my $message = $ldap->start_tls(@$tls);
    print $message->code, ' ', told($message->error), ' ', ref $ldap->socket, "\n";
    print Net::LDAP->new("ldaps://localhost:$secure", @$tls) ? 'accepted' : told($@), "\n";
}
PERL
1 certificate verify failed IO::Socket::IP
certificate verify failed
1 hostname verification failed IO::Socket::IP
hostname verification failed
TEXT
};

done_testing;
