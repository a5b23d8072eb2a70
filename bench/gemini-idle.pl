#!/usr/bin/env perl
use v5.16;
use warnings;

# Opens many TLS connections that say nothing, and then asks for a page now and
# then: how long that takes.

use Getopt::Long qw(GetOptions);
use Time::HiRes  qw(time);
use Vouch::Context;
use Vouch::Socket;

my %opt = (count => 5000, asked => 20, timeout => 120);
(GetOptions(\%opt, qw(port=i count=i asked=i timeout=i)) && $opt{port})
    || die "usage: gemini-idle.pl --port N [--count N] [--asked N] [--timeout SECONDS]\n";
alarm $opt{timeout};

my $context = Vouch::Context->new(SSL_verify_mode => SSL_VERIFY_NONE);
my @open    = map  { connected() } 1 .. $opt{count};
my @times   = sort { $a <=> $b } map { asked() } 1 .. $opt{asked};
my $there   = grep { is_open($_) } @open;
printf "done open=%d asked=%d median=%.1f slowest=%.1f\n", $there, $opt{asked}, $times[$#times / 2],
    $times[-1];

sub connected {
    return Vouch::Socket->new(PeerHost => '127.0.0.1', PeerPort => $opt{port}, SSL_reuse_ctx => $context)
        // die "no connection: $SSL_ERROR\n";
}

# In milliseconds.
sub asked {
    my $began  = time;
    my $socket = connected();
    print {$socket} "gemini://localhost:$opt{port}/\r\n";
    my @lines = <$socket>;
    die "no page\n" if @lines < 2 || $lines[0] !~ /\A20 /;
    return 1000 * (time - $began);
}

sub is_open {
    my ($socket) = @_;
    vec(my $bits = '', fileno $socket, 1) = 1;
    return select($bits, undef, undef, 0) == 0;
}
