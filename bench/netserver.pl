#!/usr/bin/env perl
use v5.16;
use warnings;

# The server of bench/netserver: a Net::Server program with the protocol ssl,
# which is Net::Server's own, or vouch.  It reads a line, looks who the client
# is, and answers with so many bytes, until it is told to end.

package Bench;

use Getopt::Long qw(GetOptions);

our @ISA;

my %opt   = (proto => 'vouch', personality => 'PreFork', answer => 1024, timeout => 120);
my $USAGE = <<'END';
usage: netserver.pl --cert FILE --key FILE [--proto vouch|ssl] [--personality NAME]
         [--answer BYTES] [--no-tickets] [--timeout SECONDS]
END

my $answer;

main();

sub main {
    my $ok = GetOptions(\%opt, qw(cert=s key=s proto=s personality=s answer=i no-tickets timeout=i));
    die $USAGE if !$ok || @ARGV || !$opt{cert} || !$opt{key};
    my $class = $opt{personality} eq 'Single' ? 'Net::Server' : "Net::Server::$opt{personality}";
    eval "require $class; 1" or die $@;    ## no critic (ProhibitStringyEval)
    @ISA    = ($class);
    $answer = 'x' x $opt{answer};
    local $| = 1;
    __PACKAGE__->run(
        port              => [port()],
        log_level         => 0,
        max_servers       => $opt{personality} eq 'Fork' ? 50 : 4,
        min_servers       => 4,
        min_spare_servers => 1,
        max_spare_servers => 3,
        max_requests      => 1_000_000,
        listen            => 512,
    );
    return;
}

# As a hash with "ipv", so that Net::Server's class gets all of it.
sub port {
    my $free = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "no free port: $!\n";
    return {
        port                => $free->sockport,
        host                => '127.0.0.1',
        ipv                 => 4,
        proto               => $opt{proto},
        SSL_cert_file       => $opt{cert},
        SSL_key_file        => $opt{key},
        SSL_verify_mode     => 1,
        SSL_verify_callback => sub { 1 },
        # Vouch offers none by itself where it asks for a client certificate.
        $opt{'no-tickets'} && $opt{proto} ne 'vouch' ? (SSL_create_ctx_callback => \&switch_tickets_off) : (),
    };
}

sub switch_tickets_off {
    my ($ctx) = @_;
    Net::SSLeay::CTX_set_options($ctx, Net::SSLeay::OP_NO_TICKET());
    Net::SSLeay::CTX_set_num_tickets($ctx, 0);
    Net::SSLeay::CTX_set_session_cache_mode($ctx, Net::SSLeay::SESS_CACHE_OFF());
    return;
}

sub pre_loop_hook {
    my ($self) = @_;
    alarm $opt{timeout};
    printf "ready port=%d\n", $self->{server}{sock}[0]->NS_port;
    return;
}

sub process_request {
    my ($self) = @_;
    my $client = $self->{server}{client};
    my $line   = <STDIN>;                   ## no critic (ProhibitExplicitStdin)
    die "nobody\n" if !$client->get_fingerprint || $client->peer_certificate('cn') ne 'client';
    print $answer;
    return;
}
