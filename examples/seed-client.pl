use strict; use warnings;
use Vouch::Socket;
my $cl = Vouch::Socket->new(PeerHost => 'localhost', PeerPort => 1234,
  SSL_cert_file => 'client-cert.pem', SSL_key_file => 'client-key.pem',
  SSL_verify_mode => SSL_VERIFY_NONE) or die "failed connect or ssl handshake: $!,$SSL_ERROR";
print $cl->get_fingerprint() . "\n";
print $cl "hello\r\n";
print <$cl>;
