use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Mojo::Base' => 'libmojolicious-perl', 'Net::SSLeay' => 'libnet-ssleay-perl';
use VouchTest          qw(identity run_command spew temp_dir);
use Vouch::Certificate ();

# Mojolicious as it is, under Vouch::Instead: a TLS server and client of its
# event loop, its web server and its user agent, with client certificates.

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');
my $alex   = Vouch::Certificate->from_file($alex[0])->fingerprint;

my $dir = temp_dir();

# Run a program in a Perl of its own, and return the lines it prints.
sub run_mojo {
    my ($program) = @_;
    my $file = spew("$dir/program.pl", $program);
    my ($status, $out, $error) =
        run_command([$^X, (map { "-I$_" } grep { !ref } @INC), '-MVouch::Instead', $file, @server, @alex],
        seconds => 60);
    is $status, 0,  'it ends well';
    is $error,  '', 'and complains of nothing';
    return split /\n/, $out;
}

subtest 'the event loop' => sub {
    my @lines = run_mojo(<<'PERL');
use v5.16;
use warnings;
use Mojo::IOLoop;

my ($cert, $key, $alex_cert, $alex_key) = @ARGV;
my $served = 0;
my $id = Mojo::IOLoop->server(
    {   address => '127.0.0.1', tls => 1, tls_cert => $cert, tls_key => $key,
        tls_options => { SSL_verify_mode => 1, SSL_verify_callback => sub { 1 } } },
    sub {
        my (undef, $stream) = @_;
        $stream->on(read => sub {
            my ($self, $bytes) = @_;
            my $handle = $self->handle;
            my $who = join ' ', map { $_ // 'nobody' } $handle->get_fingerprint, scalar $handle->peer_certificate('cn');
            $self->write(ref($handle) . " $who $bytes" => sub { $_[0]->close_gracefully });
        });
    },
);
my $port = Mojo::IOLoop->acceptor($id)->port;
visit(20);
Mojo::IOLoop->timer(40 => sub { die "too slow\n" });
Mojo::IOLoop->start;
say 'configurations: ', scalar Vouch::Context::Shared->count;

# One after the other, every second one without a certificate.
sub visit {
    my ($left) = @_;
    return Mojo::IOLoop->stop if !$left;
    my @who = $left % 2 ? () : (tls_cert => $alex_cert, tls_key => $alex_key);
    Mojo::IOLoop->client({ address => '127.0.0.1', port => $port, tls => 1, tls_options => { SSL_verify_mode => 0 }, @who },
        sub {
            my (undef, $error, $stream) = @_;
            if ($error) { say "error: $error"; return Mojo::IOLoop->stop }
            my $got = '';
            $stream->on(read  => sub { $got .= $_[1] });
            $stream->on(close => sub { say $got; visit($left - 1) });
            $stream->write("visit $left");
        });
}
PERL
    is_deeply [@lines[0 .. 19]], [
        map {
            my $who = $_ % 2 ? 'nobody nobody' : "$alex Alex";
            "IO::Socket::SSL $who visit $_"
        } reverse 1 .. 20
        ],
        'each visitor is known by the certificate';
    is $lines[20], 'configurations: 3', 'one configuration for the server, one for each kind of client';
};

# What Phoebe does.
subtest 'a context that the program has in its hands' => sub {
    my @lines = run_mojo(<<'PERL');
use v5.16;
use warnings;
use Mojo::IOLoop;
use Net::SSLeay ();

my ($cert, $key, $alex_cert, $alex_key) = @ARGV;
my %seen;
my $id = Mojo::IOLoop->server(
    {   address => '127.0.0.1', tls => 1, tls_cert => $cert, tls_key => $key,
        tls_options => {
            SSL_verify_mode         => 1,
            SSL_verify_callback     => sub { 1 },
            SSL_create_ctx_callback => sub {
                my ($ctx) = @_;
                $seen{$ctx}++;
                Net::SSLeay::CTX_sess_set_cache_size($ctx, 128);
            },
        } },
    sub {
        my (undef, $stream) = @_;
        $stream->on(read => sub { $_[0]->write($_[0]->handle->peer_certificate('cn') => sub { $_[0]->close_gracefully }) });
    },
);
my $port = Mojo::IOLoop->acceptor($id)->port;
visit(5);
Mojo::IOLoop->timer(40 => sub { die "too slow\n" });
Mojo::IOLoop->start;
my ($ctx) = keys %seen;
say 'contexts: ', scalar keys %seen, ', called: ', $seen{$ctx}, ', cache: ', Net::SSLeay::CTX_sess_get_cache_size($ctx);

sub visit {
    my ($left) = @_;
    return Mojo::IOLoop->stop if !$left;
    Mojo::IOLoop->client({ address => '127.0.0.1', port => $port, tls => 1, tls_options => { SSL_verify_mode => 0 },
            tls_cert => $alex_cert, tls_key => $alex_key },
        sub {
            my (undef, $error, $stream) = @_;
            if ($error) { say "error: $error"; return Mojo::IOLoop->stop }
            my $got = '';
            $stream->on(read  => sub { $got .= $_[1] });
            $stream->on(close => sub { say $got; visit($left - 1) });
            $stream->write('hello');
        });
}
PERL
    is_deeply \@lines, [('Alex') x 5, 'contexts: 1, called: 1, cache: 128'],
        'is made once for all connections';
};

subtest 'a web application and the user agent' => sub {
    my @lines = run_mojo(<<'PERL');
use v5.16;
use warnings;
use Mojolicious::Lite;
use Mojo::Server::Daemon;
use Mojo::UserAgent;

my ($cert, $key, $alex_cert, $alex_key) = @ARGV;
get '/' => sub {
    my ($c) = @_;
    my $handle = Mojo::IOLoop->stream($c->tx->connection)->handle;
    $c->render(text => join ' ', ref $handle, $handle->get_fingerprint // 'nobody');
};
get '/large' => sub { $_[0]->render(data => 'x' x 1_000_000) };
app->log->level('fatal');
my $daemon = Mojo::Server::Daemon->new(app => app, silent => 1,
    listen => ["https://127.0.0.1?cert=$cert&key=$key&ca=$alex_cert&verify=0x01"]);
$daemon->start;
my $base = 'https://127.0.0.1:' . $daemon->ports->[0];
my $known = Mojo::UserAgent->new(ca => $cert, cert => $alex_cert, key => $alex_key);
my $other = Mojo::UserAgent->new(insecure => 1);
my $wary  = Mojo::UserAgent->new;
$known->get_p("$base/")->then(sub { say $_[0]->res->body })
    ->then(sub { $known->get_p("$base/large") })->then(sub { say length $_[0]->res->body })
    ->then(sub { $other->get_p("$base/") })->then(sub { say $_[0]->res->body })
    ->then(sub { $wary->get_p("$base/") })->then(sub { say 'accepted' })
    ->catch(sub { say 'refused: ', $_[0] =~ /certificate verify failed/ ? 'certificate verify failed' : $_[0] })
    ->finally(sub { Mojo::IOLoop->stop });
Mojo::IOLoop->timer(40 => sub { die "too slow\n" });
Mojo::IOLoop->start;
PERL
    is_deeply \@lines,
        ["IO::Socket::SSL $alex", 1_000_000, 'IO::Socket::SSL nobody', 'refused: certificate verify failed',],
        'certificates in both directions, a large page, and a server nobody vouches for';
};

subtest 'a server that ends in the middle of handshakes' => sub {
    my @lines = run_mojo(<<'PERL');
use v5.16;
use warnings;
use IO::Socket::IP;
use Mojo::IOLoop;

my ($cert, $key) = @ARGV;
my $id = Mojo::IOLoop->server({ address => '127.0.0.1', tls => 1, tls_cert => $cert, tls_key => $key }, sub { });
my %port = (PeerHost => '127.0.0.1', PeerPort => Mojo::IOLoop->acceptor($id)->port);
my @clients = map { IO::Socket::IP->new(%port) // die "no connection: $@" } 1 .. 40;
syswrite $_, "\x16\x03\x01" for @clients;
my %begun;
my $accept_SSL = IO::Socket::SSL->can('accept_SSL');
no warnings qw(once redefine);
*IO::Socket::SSL::accept_SSL = sub { $begun{$_[0]} = 1; Mojo::IOLoop->stop if keys %begun == @clients; goto &$accept_SSL };
Mojo::IOLoop->timer(40 => sub { die "too slow\n" });
Mojo::IOLoop->start;
say scalar keys %begun;
PERL
    is_deeply \@lines, [40], 'all had begun theirs';
};

done_testing;
