#!/usr/bin/env perl
use v5.16;
use warnings;

# A TLS server of Mojolicious for the benchmark of that name, over whatever
# answers to IO::Socket::SSL.  What it prints for the driver is told at the
# head of server.c; it counts connections that have been closed.

use Getopt::Long qw(GetOptions);
use Mojo::IOLoop;
use Mojo::Server::Daemon;
use Mojolicious;
use Time::HiRes qw(CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID clock_gettime);

my %opt = (ask => 'none', serve => 'loop', warmup => 0, count => 1, timeout => 120);

my $USAGE = <<'END';
usage: mojo.pl --cert FILE --key FILE [--serve loop|web] [--ask none|callback|ca]
         [--ca FILE] [--warmup N] [--count N] [--timeout SECONDS]
END

my ($closed, %start, %seen) = (0);

main();

sub main {
    my $ok = GetOptions(\%opt, qw(cert=s key=s ca=s ask=s serve=s warmup=i count=i timeout=i));
    die $USAGE if !$ok || @ARGV || !$opt{cert} || !$opt{key};
    alarm $opt{timeout};
    local $| = 1;
    my ($port, $server) = $opt{serve} eq 'web' ? serve_web() : serve_loop();
    say "ready port=$port";
    Mojo::IOLoop->recurring(0.2 => sub { });    # an idle loop of Mojolicious ends
    Mojo::IOLoop->start;
    return;
}

# A connection in, a request, an answer: what Gemini servers do.
sub serve_loop {
    my @ask = $opt{ask} eq 'none' ? () : (SSL_verify_mode => 1, SSL_verify_callback => sub { 1 });
    my $id  = Mojo::IOLoop->server(
        {
            address     => '127.0.0.1',
            tls         => 1,
            tls_cert    => $opt{cert},
            tls_key     => $opt{key},
            tls_options => {@ask},
        },
        sub {
            my (undef, $stream) = @_;
            my $got = '';
            $stream->on(read  => sub { $got .= $_[1]; answer($_[0]) if $got =~ /\r\n\r\n/ });
            $stream->on(close => \&count);
        }
    );
    return Mojo::IOLoop->acceptor($id)->port;
}

sub answer {
    my ($stream) = @_;
    my $handle = $stream->handle;
    $seen{fingerprint} = $handle->get_fingerprint        if $opt{ask} ne 'none';
    $seen{cn}          = $handle->peer_certificate('cn') if $opt{ask} ne 'none';
    $stream->write("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhanging up\r\n");
    return;
}

# The web server, with a page of its own.
sub serve_web {
    my $app = Mojolicious->new(secrets => ['x']);
    $app->log->level('fatal');
    $app->routes->get('/' => sub { my ($c) = @_; $c->render(text => "hanging up\r\n") });
    my $ask    = $opt{ask} eq 'ca' ? "&ca=$opt{ca}&verify=0x01" : '&verify=0x00';
    my $server = Mojo::Server::Daemon->new(
        app                => $app,
        silent             => 1,
        max_requests       => 1_000_000_000,
        listen             => ["https://127.0.0.1?cert=$opt{cert}&key=$opt{key}$ask"],
        keep_alive_timeout => 60,
    );
    $server->start;
    my $watched = {};
    $app->hook(before_dispatch => sub { watch($_[0]->tx->connection, $watched) });
    return ($server->ports->[0], $server);
}

sub watch {
    my ($id, $watched) = @_;
    return if $watched->{$id}++;
    Mojo::IOLoop->stream($id)->on(close => sub { delete $watched->{$id}; count() });
    return;
}

sub now {
    return map { int 1e6 * clock_gettime($_) } CLOCK_PROCESS_CPUTIME_ID, CLOCK_MONOTONIC;
}

sub count {
    $closed++;
    @start{qw(cpu wall)} = now() if $closed == $opt{warmup};
    return                       if $closed != $opt{warmup} + $opt{count};
    my ($cpu, $wall) = now();
    my %result = (
        cpu_us      => $cpu - $start{cpu},
        wall_us     => $wall - $start{wall},
        count       => $opt{count},
        failed      => 0,
        bytes       => 0,
        fingerprint => ($seen{fingerprint} // '') =~ s/.*\$//r,
        cn          => $seen{cn} // '',
    );
    say join ' ', 'done', map { "$_=$result{$_}" } sort keys %result;
    exit 0;
}
