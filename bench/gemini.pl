#!/usr/bin/env perl
use v5.16;
use warnings;

# The Gemini servers of bench/gemini: Vouch::Gemini::Server, or molly-brown with
# a configuration for the run.  What it prints is told in VouchBench::Session.

use Getopt::Long qw(GetOptions);
use Time::HiRes  qw(sleep);

my %opt = (server => 'vouch', page => 'function', workers => 1, timeout => 120);

my $USAGE = <<'END';
usage: gemini.pl --cert FILE --key FILE --dir FOLDER [--server vouch|molly]
         [--page function|file] [--workers N] [--timeout SECONDS]
END

main();

sub main {
    my $ok = GetOptions(\%opt, qw(server=s cert=s key=s dir=s page=s workers=i timeout=i));
    die $USAGE if !$ok || @ARGV || grep { !defined } @opt{qw(cert key dir)};
    local $| = 1;
    return $opt{server} eq 'molly' ? molly() : vouch();
}

sub slurp {
    my ($file) = @_;
    open my $in, '<:raw', $file or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}

sub vouch {
    require Vouch::Gemini::Server;
    alarm $opt{timeout};
    my $server = Vouch::Gemini::Server->new(
        host           => 'localhost',
        cert           => $opt{cert},
        key            => $opt{key},
        address        => '127.0.0.1',
        port           => 0,
        workers        => $opt{workers},
        header_timeout => $opt{timeout},
    );
    my $text = slurp("$opt{dir}/index.gmi");
    if ($opt{page} eq 'file') { $server->static('/' => $opt{dir}) }
    else {
        $server->get('/' => sub { Vouch::Gemini::Server::Answers::gemtext($text) });
    }
    $server->listen;
    printf "ready port=%d\n", $server->port;
    $server->run;
    return;
}

# It has no port 0, and does not tell when it listens: a child looks.
sub molly {
    require IO::Socket::IP;
    my $free = IO::Socket::IP->new(LocalHost => '0.0.0.0', LocalPort => 0, Listen => 1) or die "listen: $!\n";
    my $port = $free->sockport;
    close $free;
    my $file = "$opt{dir}/../molly.conf";
    open my $out, '>', $file or die "$file: $!\n";
    print {$out} qq{Port = $port\nHostname = "localhost"\nCertPath = "$opt{cert}"\nKeyPath = "$opt{key}"\n},
        qq{DocBase = "$opt{dir}/"\nAccessLog = "/dev/null"\nErrorLog = "/dev/null"\n};
    close $out or die "$file: $!\n";
    my $pid = fork // die "fork: $!\n";
    exec 'molly-brown', '-c', $file if $pid;

    for (1 .. 1000) {
        last if IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port);
        sleep 0.01;
    }
    print "ready port=$port\n";
    exit;
}
