#!/usr/bin/env perl
use v5.16;
use warnings;

# The server of the benchmarks in Perl, over Vouch::Socket or IO::Socket::SSL:
# a plain accept loop, as in the program Vouch began with.  What it prints for
# the driver is told at the head of server.c.

use Getopt::Long qw(GetOptions);
use POSIX        ();
use Time::HiRes  qw(CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID clock_gettime);

use constant {
    RECORD_SIZE => 16_384,
    LINE_SIZE   => 80,
    VERIFY_PEER => 1,
};

my %opt = (class => 'Vouch::Socket', ask => 'none', warmup => 0, count => 1, timeout => 120);

# What is received is read to its end, except for the warm-up.
my %WARM = (
    read => sub { my ($cl, $n) = @_; sysread $cl, my $buf, RECORD_SIZE for 1 .. $n },
    lines => sub { my ($cl, $n) = @_; my $line; $line = <$cl> for 1 .. $n },
);
my %STREAM = (
    read  => \&stream_read,
    write => \&stream_write,
    lines => \&stream_lines,
    print => \&stream_print,
);
@WARM{qw(write print)} = @STREAM{qw(write print)};

my $USAGE = <<'END';
usage: server.pl --class CLASS --cert FILE --key FILE [--no-tickets] [--hold]
         [--ask none|callback|any|pin] [--pin HEX] [--warmup N] [--count N]
         [--stream read|write|lines|print] [--handshakes N] [--timeout SECONDS]
END

main();

sub main {
    my @known = qw(class=s cert=s key=s ask=s pin=s no-tickets hold stream=s warmup=i count=i handshakes=i
        timeout=i);
    my $ok = GetOptions(\%opt, @known);
    die $USAGE if !$ok || @ARGV || !$opt{cert} || !$opt{key};
    local $SIG{PIPE} = 'IGNORE';
    alarm $opt{timeout};
    local $| = 1;
    eval "require $opt{class}" or die $@;    ## no critic (ProhibitStringyEval)
    my $listener = listener();
    printf "ready port=%d\n", $listener->sockport;
    my %result =
        $opt{stream} ? serve_stream($listener) : $opt{hold} ? hold_all($listener) : serve_all($listener);
    say join ' ', 'done', map { "$_=$result{$_}" } qw(cpu_us wall_us count failed bytes fingerprint cn);
    exit($result{failed} ? 1 : 0);
}

sub listener {
    return $opt{class}->new(
        LocalAddr     => '127.0.0.1',
        LocalPort     => 0,
        Listen        => 512,
        SSL_server    => 1,
        SSL_cert_file => $opt{cert},
        SSL_key_file  => $opt{key},
        $opt{handshakes} ? (Handshakes => $opt{handshakes}) : (),
        verification(),
        $opt{'no-tickets'} ? without_tickets() : (),
    ) || die "listen: $! ", ssl_error(), "\n";
}

sub verification {
    return if $opt{ask} eq 'none';
    return (SSL_verify_mode => VERIFY_PEER, SSL_verify_callback => sub { 1 })
        if $opt{ask} eq 'callback';
    return (SSL_verify_mode => VERIFY_PEER, SSL_fingerprint => 'sha256$' . $opt{pin})
        if $opt{ask} eq 'pin';
    return (SSL_verify_mode => $opt{class}->can('VOUCH_VERIFY_ANY')->())
        if $opt{ask} eq 'any';
    die "--ask takes none, callback, any or pin\n";
}

# Vouch offers none by itself where it asks for a client certificate.
sub without_tickets {
    return $opt{ask} eq 'none' ? (SSL_session_tickets => 0) : ()
        if $opt{class} eq 'Vouch::Socket';
    return (SSL_create_ctx_callback => \&switch_tickets_off);
}

sub switch_tickets_off {
    my ($ctx) = @_;
    Net::SSLeay::CTX_set_options($ctx, Net::SSLeay::OP_NO_TICKET());
    Net::SSLeay::CTX_set_num_tickets($ctx, 0);
    Net::SSLeay::CTX_set_session_cache_mode($ctx, Net::SSLeay::SESS_CACHE_OFF());
    return;
}

sub ssl_error {
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    return ${"$opt{class}::SSL_ERROR"} // '';
}

sub cpu_us  { return int(1e6 * clock_gettime(CLOCK_PROCESS_CPUTIME_ID)) }
sub wall_us { return int(1e6 * clock_gettime(CLOCK_MONOTONIC)) }

sub metered {
    my ($work) = @_;
    my ($wall, $cpu) = (wall_us(), cpu_us());
    my $result  = $work->();
    my $cpu_us  = cpu_us() - $cpu;
    my $wall_us = wall_us() - $wall;
    return ($result, $cpu_us, $wall_us);
}

sub serve_all {
    my ($listener) = @_;
    my ($failed, %id) = (0);
    my $ask   = $opt{ask} ne 'none';
    my $serve = sub {
        my ($n) = @_;
        for (1 .. $n) {
            my $cl   = $listener->accept or do { $failed++; warn 'accept: ', ssl_error(), "\n"; next };
            my $line = <$cl>;
            if ($ask) {
                $id{fingerprint} = $cl->get_fingerprint;
                $id{cn}          = $cl->peer_certificate('cn');
            }
            print $cl "hanging up\r\n" or $failed++;
            close $cl;
        }
    };
    $serve->($opt{warmup});
    my (undef, $cpu_us, $wall_us) = metered(sub { $serve->($opt{count}) });
    return (
        cpu_us      => $cpu_us,
        wall_us     => $wall_us,
        count       => $opt{count},
        failed      => $failed,
        cn          => $id{cn} // '',
        fingerprint => ($id{fingerprint} // '') =~ s/\Asha256\$//r,
        bytes       => 0,
    );
}

# Keeps all connections: what the process has grown by.
sub hold_all {
    my ($listener) = @_;
    my ($failed, @held, %id) = (0);
    my $hold = sub {
        for (1 .. $_[0]) {
            my $cl   = $listener->accept or do { $failed++; warn 'accept: ', ssl_error(), "\n"; next };
            my $line = <$cl>;
            @id{qw(fingerprint cn)} = ($cl->get_fingerprint, scalar $cl->peer_certificate('cn'))
                if $opt{ask} ne 'none';
            print $cl "hanging up\r\n" or $failed++;
            push @held, $cl;
        }
    };
    $hold->($opt{warmup});
    my $before = resident();
    my (undef, $cpu_us, $wall_us) = metered(sub { $hold->($opt{count}) });
    return (
        cpu_us      => $cpu_us,
        wall_us     => $wall_us,
        count       => $opt{count},
        failed      => $failed,
        cn          => $id{cn} // '',
        fingerprint => ($id{fingerprint} // '') =~ s/\Asha256\$//r,
        bytes       => resident() - $before,
    );
}

# Bytes of memory in use by this process, or 0 where /proc is not.
sub resident {
    open my $fh, '<', '/proc/self/statm' or return 0;
    my (undef, $pages) = split ' ', <$fh>;
    return $pages * POSIX::sysconf(POSIX::_SC_PAGESIZE());
}

sub serve_stream {
    my ($listener) = @_;
    my $stream     = $STREAM{ $opt{stream} } or die "--stream takes read, write, lines or print\n";
    my $cl         = $listener->accept or die 'accept: ', ssl_error(), "\n";
    $WARM{ $opt{stream} }->($cl, $opt{warmup});
    my ($bytes, $cpu_us, $wall_us) = metered(sub { $stream->($cl, $opt{count}) });
    close $cl;
    return (
        cpu_us      => $cpu_us,
        wall_us     => $wall_us,
        count       => $opt{count},
        failed      => 0,
        bytes       => $bytes,
        fingerprint => '',
        cn          => '',
    );
}

sub stream_read {
    my ($cl) = @_;
    my ($bytes, $buf) = (0, '');
    while (my $n = sysread $cl, $buf, RECORD_SIZE) {
        $bytes += $n;
    }
    return $bytes;
}

sub stream_write {
    my ($cl,    $count) = @_;
    my ($bytes, $buf)   = (0, 'x' x RECORD_SIZE);
    for (1 .. $count) {
        $bytes += syswrite($cl, $buf, RECORD_SIZE) // last;
    }
    return $bytes;
}

sub stream_lines {
    my ($cl) = @_;
    my $bytes = 0;
    while (my $line = <$cl>) {
        $bytes += length $line;
    }
    return $bytes;
}

sub stream_print {
    my ($cl,    $count) = @_;
    my ($bytes, $line)  = (0, 'x' x (LINE_SIZE - 1) . "\n");
    for (1 .. $count) {
        print $cl $line or last;
        $bytes += LINE_SIZE;
    }
    return $bytes;
}
