use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::SSLeay' => 'libnet-ssleay-perl';
use VouchTest        qw(identity);
use VouchTest::Turns qw(listener sockets shake pair);
use Net::SSLeay      ();
use Vouch::Context;
use Vouch::Socket;

# What Vouch gives as numbers are OpenSSL's pointers: Net::SSLeay, in the same
# process and on the same library, takes them.

my @alex = identity('alex', cn => 'Alex');
my %alex = (SSL_cert_file => $alex[0], SSL_key_file => $alex[1]);

subtest 'the connection' => sub {
    my ($server, $client) = pair({ SSL_verify_mode => VOUCH_VERIFY_ANY }, {%alex});
    for my $socket ($server, $client) {
        my $ssl = $socket->_get_ssl_object;
        like $ssl, qr/\A[1-9][0-9]{6,}\z/, 'a number';
        is Net::SSLeay::get_version($ssl), 'TLSv1.3',                 'get_version';
        is Net::SSLeay::get_cipher($ssl),  $socket->get_cipher,       'get_cipher';
        is Net::SSLeay::get_SSL_CTX($ssl), $socket->_get_ctx_object,  'get_SSL_CTX is _get_ctx_object';
        is $socket->_get_ctx_object,       $socket->context->ssl_ctx, 'and that of its context';
    }
    my $x509 = Net::SSLeay::get_peer_certificate($server->_get_ssl_object);
    is $x509 + 0, $server->peer_certificate + 0, 'the certificate is the same one';
    is Net::SSLeay::X509_NAME_oneline(Net::SSLeay::X509_get_subject_name($x509)), '/CN=Alex', 'Alex';
    is $client->get_fingerprint('sha256', $x509), $server->get_fingerprint, 'and back: its fingerprint here';
    is $client->get_fingerprint('sha256', $x509, 1), $server->get_fingerprint('sha256', undef, 1),
        'of the key too';
    Net::SSLeay::X509_free($x509);
    is $server->peer_certificate('cn'), 'Alex', 'which is freed by its owner only';
    $client->close;
    is $client->_get_ssl_object, undef, 'a closed socket has none';
    is $client->_get_ctx_object, undef, 'nor a context';
    is(Vouch::Socket->new->_get_ssl_object, undef, 'nor has one that was never open');
};

subtest 'the callbacks' => sub {
    my (@ctx, @seen);
    my ($server, $client) = sockets(
        listener(
            SSL_create_ctx_callback => sub { push @ctx, @_; Net::SSLeay::CTX_set_timeout($_[0], 77) },
            SSL_verify_mode         => SSL_VERIFY_PEER,
            SSL_verify_callback     => sub {
                my ($ok, $store, undef, undef, $cert) = @_;
                push @seen,
                    Net::SSLeay::X509_STORE_CTX_get_error($store),
                    Net::SSLeay::X509_get_fingerprint($cert, 'sha256') =~ s/://gr,
                    Net::SSLeay::X509_STORE_CTX_get_current_cert($store) == $cert;
                Net::SSLeay::X509_STORE_CTX_set_error($store, 0);
                return 1;
            }
        ),
        %alex
    );
    ok shake($server, $client), 'a handshake';
    is_deeply \@ctx, [$server->_get_ctx_object], 'SSL_create_ctx_callback has got the SSL_CTX';
    is Net::SSLeay::CTX_get_timeout($ctx[0]), 77, 'on which Net::SSLeay works';
    my ($error, $print, $same) = @seen;
    is $error,             18,                       'the store tells the error';
    is "sha256\$\L$print", $server->get_fingerprint, 'the certificate its fingerprint';
    ok $same, 'and is the one the store has';
    is $server->verification->{error}, 0, 'an error that is taken back is none';
};

subtest 'pointers of Net::SSLeay as arguments' => sub {
    my ($x509, $key) = map { Net::SSLeay::BIO_new_file($_, 'r') } @alex;
    $x509 = Net::SSLeay::PEM_read_bio_X509($x509);
    $key  = Net::SSLeay::PEM_read_bio_PrivateKey($key);
    my ($server, $client) =
        pair({ SSL_verify_mode => VOUCH_VERIFY_ANY }, { SSL_cert => $x509, SSL_key => $key });
    is $server->peer_certificate('cn'), 'Alex', 'SSL_cert and SSL_key';
    Net::SSLeay::X509_free($x509);
    Net::SSLeay::EVP_PKEY_free($key);
    is $client->sock_certificate('cn'), 'Alex', 'which their owner may free';
};

done_testing;
