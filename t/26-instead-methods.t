use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest             qw(identity);
use VouchTest::SideBySide qw(compare facts_of);

# Each method of the interface is there under Vouch::Instead, and a function
# where it is one in the original.

my $START = 'use IO::Socket::SSL ();' . "\n";

subtest 'methods and functions' => sub {
    compare(
        $START . <<'PERL',
my @methods = qw(
    accept accept_SSL alpn_selected blocking can_alpn can_client_sni can_ecdh can_ipv6 can_multi_cert can_npn
    can_ocsp can_partial_chain can_pha can_server_sni can_ticket_keycb close configure
    connect connect_SSL context_init default_ca dump_peer_certificate error errstr fatal_ssl_error
    fdopen fileno get_cipher get_fingerprint get_fingerprint_bin get_peer_certificate get_servername
    get_session_reused get_ssleay_error get_sslversion get_sslversion_int getc getline getlines idn_to_ascii
    idn_to_unicode import is_SSL issuer_name kill_socket new_from_fd next_proto_negotiated ocsp_resolver
    opened opening peek peer_certificate peer_certificates pending print printf read readline recv send
    set_args_filter_hack set_client_defaults set_ctx_defaults set_default_context set_default_session_cache
    set_defaults set_msg_callback set_server_defaults setbuf setvbuf sock_certificate socketToSSL
    verify_hostname verify_hostname_of_cert
    socket_to_SSL start_SSL stat stop_SSL subject_name sysread syswrite truncate ungetc
    want_read want_write write
    new sockhost sockport peerhost peerport sockaddr timeout autoflush binmode eof say connected
);
for my $name (@methods) { show("can $name", IO::Socket::SSL->can($name) ? 'yes' : 'no') }
# Those of IO::Handle and IO::Socket::IP are called as methods.
for my $name (grep { IO::Handle->can($_) || IO::Socket::IP->can($_) ? 0 : 1 } @methods) {
    show("a function $name", defined &{"IO::Socket::SSL::$name"} ? 'yes' : 'no');
}
for my $name (sort grep { /\Acan_/ } @methods) {
    show("$name says", IO::Socket::SSL->$name ? 'true' : 'false');
}
show('errstr as a function', IO::Socket::SSL::errstr() // '');
show('version', IO::Socket::SSL->VERSION >= 2.081 ? 'enough' : 'too low');
show('file', exists $INC{'IO/Socket/SSL.pm'});
my %classes = (
    'IO::Socket::SSL::SSL_Context'   => [qw(new has_session_cache)],
    'IO::Socket::SSL::Session_Cache' => [qw(new add_session get_session del_session replace_session)],
    'IO::Socket::SSL::SSL_HANDLE'    => [qw(TIEHANDLE)],
    'IO::Socket::SSL::OCSP_Cache'    => [qw(new)],
    'IO::Socket::SSL::OCSP_Resolver' => [qw(new)],
);
for my $class (sort keys %classes) {
    show("$class can", grep { $class->can($_) } @{ $classes{$class} });
}
for my $size (5, 0, undef, 'x', -1) {
    show('a session cache of ' . ($size // 'undef'), ref(IO::Socket::SSL::Session_Cache->new($size)));
}
my $cache = IO::Socket::SSL::Session_Cache->new(2);
show('an empty cache', scalar $cache->get_session('key'));
show('a context with a cache', IO::Socket::SSL::SSL_Context->new(SSL_session_cache => $cache)->has_session_cache ? 1 : 0);
show('a context of a size', IO::Socket::SSL::SSL_Context->new(SSL_session_cache_size => 2)->has_session_cache ? 1 : 0);
show('a context without', IO::Socket::SSL::SSL_Context->new->has_session_cache ? 1 : 0);
show("is a $_", IO::Socket::SSL->isa($_) ? 'yes' : 'no') for qw(IO::Socket IO::Handle IO::Socket::IP Exporter);
PERL
        # What Vouch does not do, it says so.
        'can_npn says'          => 'false',
        'can_ocsp says'         => 'false',
        'can_ticket_keycb says' => 'false',
        'errstr as a function'  => '',
    );
};

done_testing;
