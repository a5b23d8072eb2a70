use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest             qw(identity);
use VouchTest::SideBySide qw(compare);

# The numbers of IO::Socket::SSL are OpenSSL's pointers, which programs hand to
# Net::SSLeay: the context in SSL_create_ctx_callback, the store and the
# certificate in the verify callback, those of a socket.  What Net::SSLeay says
# of them must be the same under Vouch::Instead.

identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
identity('alex', cn => 'Alex');

# A server that asks for a certificate, a client that has one, in two processes.
my $PROGRAM = <<'PERL';
use IO::Socket::SSL;
use Net::SSLeay;
my $version = 'VERSION';
my @seen;

sub is_number { return $_[0] =~ /\A[1-9][0-9]{6,}\z/ ? 'a number' : "no number: $_[0]" }

my $listener = IO::Socket::SSL->new(
    LocalAddr       => '127.0.0.1',
    LocalPort       => 0,
    Listen          => 5,
    SSL_cert_file   => 'server-cert.pem',
    SSL_key_file    => 'server-key.pem',
    SSL_version     => $version,
    SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    SSL_create_ctx_callback => sub {
        my ($ctx) = @_;
        show('arguments of SSL_create_ctx_callback', scalar @_, is_number($ctx));
        my $mode = Net::SSLeay::CTX_set_mode($ctx, Net::SSLeay::MODE_AUTO_RETRY());
        show('CTX_set_mode', $mode & Net::SSLeay::MODE_AUTO_RETRY() ? 'auto retry' : 'not');
        Net::SSLeay::CTX_sess_set_cache_size($ctx, 128);
        show('CTX_sess_get_cache_size', Net::SSLeay::CTX_sess_get_cache_size($ctx));
        Net::SSLeay::CTX_set_timeout($ctx, 77);
    },
    SSL_verify_callback => sub {
        my ($ok, $store, $names, $error, $cert, $depth) = @_;
        my $nth = @seen;
        show("call $nth, arguments", scalar @_, $ok, $names, $error, $depth);
        show("call $nth, numbers", is_number("$store"), is_number("$cert"));
        show("call $nth, as numbers", $store + 0 == int $store, $cert == $cert + 0, $store ? 'true' : 'false');
        show("call $nth, X509_STORE_CTX_get_error", Net::SSLeay::X509_STORE_CTX_get_error($store));
        show("call $nth, get_error_depth", Net::SSLeay::X509_STORE_CTX_get_error_depth($store));
        show("call $nth, get_current_cert", Net::SSLeay::X509_STORE_CTX_get_current_cert($store) == $cert);
        show("call $nth, X509_get_fingerprint", map { Net::SSLeay::X509_get_fingerprint($cert, $_) } qw(sha1 sha256 md5));
        show("call $nth, X509_NAME_oneline",
            Net::SSLeay::X509_NAME_oneline(Net::SSLeay::X509_get_subject_name($cert)),
            Net::SSLeay::X509_NAME_oneline(Net::SSLeay::X509_get_issuer_name($cert)));
        show("call $nth, PEM_get_string_X509", Net::SSLeay::PEM_get_string_X509($cert));
        show("call $nth, X509_get_serialNumber", Net::SSLeay::P_ASN1_INTEGER_get_hex(Net::SSLeay::X509_get_serialNumber($cert)));
        show("call $nth, notAfter", Net::SSLeay::P_ASN1_TIME_get_isotime(Net::SSLeay::X509_get_notAfter($cert)));
        push @seen, $nth;
        Net::SSLeay::X509_STORE_CTX_set_error($store, 0);
        return 1;
    },
) or die "listen: $!, $SSL_ERROR";

my $pid = fork // die "fork: $!";
if ($pid == 0) {
    my $socket = IO::Socket::SSL->new(
        PeerAddr        => '127.0.0.1',
        PeerPort        => $listener->sockport,
        SSL_cert_file   => 'alex-cert.pem',
        SSL_key_file    => 'alex-key.pem',
        SSL_ca_file     => 'server-cert.pem',
        SSL_verifycn_name => 'localhost',
    ) or die "connect: $!, $SSL_ERROR";
    my $ssl = $socket->_get_ssl_object;
    show('client, get_verify_result', Net::SSLeay::get_verify_result($ssl));
    show('client, X509 of the peer', Net::SSLeay::PEM_get_string_X509($socket->peer_certificate));
    print {$socket} "hello\n";
    show('client, answer', scalar <$socket>);
    exit 0;
}
my $socket = $listener->accept or die "accept: $!, $SSL_ERROR";
show('line', scalar <$socket>);
show('calls', scalar @seen);
my ($ssl, $ctx) = ($socket->_get_ssl_object, $socket->_get_ctx_object);
show('_get_ssl_object', is_number($ssl));
show('_get_ctx_object', is_number($ctx), Net::SSLeay::get_SSL_CTX($ssl) == $ctx ? 'its context' : 'another');
show('get_cipher', Net::SSLeay::get_cipher($ssl) eq $socket->get_cipher ? 'the same' : 'another');
show('get_version', Net::SSLeay::get_version($ssl));
show('get_verify_result', Net::SSLeay::get_verify_result($ssl));
show('CTX_get_timeout', Net::SSLeay::CTX_get_timeout($ctx));
my $peer = $socket->peer_certificate;
show('peer_certificate', is_number("$peer"), Net::SSLeay::X509_get_fingerprint($peer, 'sha256'));
my $own = $socket->sock_certificate;
show('sock_certificate', is_number("$own"), Net::SSLeay::X509_get_fingerprint($own, 'sha256'));
my $again = Net::SSLeay::get_peer_certificate($ssl);
show('get_peer_certificate', Net::SSLeay::X509_cmp($again, $peer)) if defined &Net::SSLeay::X509_cmp;
show('get_fingerprint of it', $socket->get_fingerprint('sha256', $again));
Net::SSLeay::X509_free($again);
print {$socket} "goodbye\n";
close $socket;
waitpid $pid, 0;
show('the client ends', $?);
PERL

for my $version ('TLSv1_2', 'TLSv1_3') {
    subtest $version => sub { compare($PROGRAM =~ s/VERSION/$version/r) };
}

done_testing;
