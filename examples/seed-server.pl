#!/usr/bin/perl
# The server of the 2020 article: asks every client for its certificate and
# shows who it is.  Needs server-cert.pem and server-key.pem.
use strict;
use warnings;
use Vouch::Socket;                       # was: IO::Socket::SSL

sub verify_fingerprint { warn "Verifying: @_"; return 1 }
my $srv = Vouch::Socket->new(
  LocalAddr => 'localhost', LocalPort => 1234, Listen => 10,
  SSL_cert_file => 'server-cert.pem', SSL_key_file => 'server-key.pem',
  SSL_verify_mode => SSL_VERIFY_PEER,
  SSL_verify_callback => \&verify_fingerprint,
) or die "failed to listen: $!";
while (1) {
  my $cl = $srv->accept;
  if (!$cl) { warn "failed to accept or ssl handshake: $!,$SSL_ERROR"; next }
  my $input = <$cl>;
  print $input;
  print $cl->get_fingerprint() . "\n";
  print $cl->peer_certificate('cn') . "\n";
  print $cl "hanging up\r\n";
  last if $input eq "quit\r\n"
}
