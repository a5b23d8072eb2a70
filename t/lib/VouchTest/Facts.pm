package VouchTest::Facts 0.001;

use v5.16;
use warnings;

# A server that tells what it knows of each client, as a hash per client:
#
#   my $server = facts_server(SSL_verify_mode => SSL_VERIFY_PEER, ...);
#   ... a client connects to $server->port, sends a line, gets "bye" ...
#   my $facts = facts($server);
#
# A client that was refused gives { refused => $SSL_ERROR }; if accept died,
# { died => the text }.  The calls of accept_all are in $facts->{calls}, as
# "ok/error/depth ok/error/depth".  With on_line => sub { my ($line, $client,
# $listener) = @_ } the server does something more.

use Exporter qw(import);

use VouchTest         qw(identity);
use VouchTest::Server ();

our @EXPORT_OK = qw(facts_server facts accept_all);

my @METHODS = qw(
    get_fingerprint get_sslversion get_session_reused get_servername alpn_selected
    dump_peer_certificate get_cipher
);

my @calls;

# A verify callback that accepts, and keeps how it was called.
sub accept_all {
    my ($ok, undef, undef, $error, undef, $depth) = @_;
    my ($number) = $error =~ /reason\(([0-9]+)\)/;
    push @calls, join '/', $ok, $number // $error, $depth;
    return 1;
}

sub facts_server {
    my (%ssl) = @_;
    my %own = map { $_ => delete $ssl{$_} } grep { !/\ASSL_/ } keys %ssl;
    if (!grep { $ssl{$_} } qw(SSL_cert_file SSL_cert SSL_identity SSL_reuse_ctx)) {
        @ssl{qw(SSL_cert_file SSL_key_file)} =
            identity('facts', cn => 'localhost', san => ['localhost', '127.0.0.1']);
    }
    return VouchTest::Server->start(
        ssl     => \%ssl,
        serve   => sub { _serve(@_, $own{on_line}) },
        refused => sub { my ($tell) = @_; $tell->(_pairs(refused => _error(), _calls())) },
        %own,
    );
}

sub _error {
    no warnings 'once';
    return "$Vouch::Socket::SSL_ERROR";
}

sub _serve {
    my ($client, $tell, $listener, $on_line) = @_;
    my $line  = <$client>;
    my %facts = map { $_ => scalar $client->$_ } @METHODS;
    $facts{line} = $line;
    $facts{cn}   = $client->peer_certificate('cn');
    $facts{by}   = $client->verification->{by};
    $facts{sent} = () = $client->peer_certificates;
    $facts{own}  = $client->sock_certificate('cn');
    $on_line->($line, $client, $listener) if $on_line;
    print {$client} "bye\n";
    $client->close;
    $tell->(_pairs(%facts, _calls()));
    return;
}

sub _calls { return calls => join ' ', splice @calls }

sub _pairs {
    my (%facts) = @_;
    return join "\x1f", map { "$_=$facts{$_}" } grep { defined $facts{$_} } sort keys %facts;
}

# What the server tells of the next client; what was undef is absent.
sub facts {
    my ($server) = @_;
    my $line     = $server->next_line // return { missing => 'the server told nothing' };
    return { died => $1 } if $line =~ /\A(?:accept )?died: (.*)/s;
    return { map { split /=/, $_, 2 } split /\x1f/, $line };
}

1;
