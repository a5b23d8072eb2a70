use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::IP   ();
use IO::Socket::UNIX ();
use VouchTest        qw(identity temp_dir);
use VouchTest::Flom  qw(sample);
use VouchTest::Locks qw(child end_of told);

use Vouch::Lock qw(:DEFAULT :reasons);

# Vouch::Lock over TCP, with TLS and without; and with a daemon that is not of
# Vouch.

sub server { my (@arg) = @_; return Vouch::Lock::Server->new(config => 0, @arg) }
sub take {
    my ($server, $name, @arg) = @_;
    return Vouch::Lock->new($name, server => $server, timeout => 20, @arg);
}

sub held_ok {
    my ($server, $name) = @_;
    my $lock = take($server, 'x');
    return ok($lock && $lock->is_held, $name) || diag(Vouch::Lock->error);
}

sub refused_ok {
    my ($server, $reason, $like, $name) = @_;
    my $lock = take($server, 'x');
    ok !$lock, "$name: no lock";
    is(Vouch::Lock->reason, $reason, "$name: $reason") or diag(Vouch::Lock->error);
    like(Vouch::Lock->error->message, $like, "$name: in words");
    return;
}

my %hosts = ('127.0.0.1' => '127.0.0.1', '::1' => '[::1]');

for my $host (sort keys %hosts) {
    subtest "TCP at $host" => sub {
        plan skip_all => "there is no $host here" if !IO::Socket::IP->new(LocalHost => $host, Listen => 1);
        my $daemon = VouchTest::Flom->tcp($host);
        my $port   = $daemon->port;
        my $server = server(address => "$hosts{$host}:$port");
        is $server->where, "tcp:$hosts{$host}:$port", 'where';
        held_ok($server, 'a lock');
        my $lock = take($server, 'kept');
        my $fd   = $lock->fileno;
        $lock->release;
        is take($server, 'another')->fileno, $fd, 'connections are kept';
        my $held = take($server, 'held');
        ok !Vouch::Lock->new('held', server => server(address => "$hosts{$host}:$port"), timeout => 0),
            'it excludes';
        $daemon->stop('KILL');
        ok !$held->is_held, 'the end of the daemon is noticed';
        refused_ok($server, LOCK_UNREACHABLE, qr/no connection to the daemon at tcp:.*refused/i, 'then');
    };
}

subtest 'TLS' => sub {
    my ($cert, $key)   = identity('locks-node', cn => 'node');
    my ($other, $okey) = identity('locks-other', cn => 'other');
    my %good   = (cert_file => $cert, key_file => $key, ca_file => $cert);
    my $daemon = VouchTest::Flom->tcp('127.0.0.1', '--tls-certificate', $cert, '--tls-private-key', $key,
        '--tls-ca-certificate', $cert);
    my $at     = '127.0.0.1:' . $daemon->port;
    my $server = server(address => $at, %good);
    ok $server->uses_tls, 'it is known';
    held_ok($server, 'both know each other');
    my $lock = take($server, 'one');
    my $fd   = $lock->fileno;
    $lock->release;
    is take($server, 'two')->fileno, $fd, 'on a kept connection';
    refused_ok(server(address => $at, %good, ca_file => $other),
        LOCK_TLS, qr/certificate/i, 'an unknown daemon');
    my $stranger =
        take(server(address => $at, cert_file => $other, key_file => $okey, ca_file => $cert), 'x');
    ok !$stranger, 'unknown to the daemon';
    like(Vouch::Lock->reason, qr/\A(?:tls|lost)\z/, 'that ends the connection');
    refused_ok(server(address => $at), LOCK_LOST, qr/TLS/, 'in the clear');
    my $clear = VouchTest::Flom->tcp('127.0.0.1');
    refused_ok(server(address => '127.0.0.1:' . $clear->port, %good),
        LOCK_TLS, qr/TLS/, 'a daemon in the clear');
};

# A daemon of FLoM: it sees no new attribute, and answers as 1.7.2 does.
sub old_daemon {
    my ($path) = @_;
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die $!;
    return child(sub {
        my ($say) = @_;
        while (my $client = $listener->accept) {
            $say->('connection');
            next if fork;
            my $buffer = q();
            while (sysread $client, $buffer, 4096, length $buffer) {
                while ($buffer =~ s{\A(.*?</msg>)}{}s) {
                    my $message = $1;
                    $say->(
                        join ' ',
                        $message =~ /verb="(\d)"/,
                        $message =~ /mode="(\d)"/,
                        $message =~ /(convert|rollback="\d")/
                    );
                    syswrite $client, sample('lock_16_simple_named_ok') if $message =~ /verb="1"/;
                }
            }
            POSIX::_exit(0);
        }
    });
}

subtest 'a daemon of FLoM 1.7.2' => sub {
    my $path   = temp_dir() . '/old-daemon';
    my $daemon = old_daemon($path);
    my $server = server(socket => $path, start => 0);
    my $lock   = take($server, 'first');
    is told($daemon), 'connection', 'a connection';
    is told($daemon), '1 5',        'one request';
    ok $lock->is_held, 'held';
    is $lock->token, undef, 'without a token';
    ok !$lock->convert('PR'), 'its mode stays';
    is $lock->reason, LOCK_UNSUPPORTED, 'as such a daemon would take the request for a second lock';
    ok $lock->is_held, 'and it is held';
    my $fd = $lock->fileno;
    ok $lock->release, 'released';
    is told($daemon), '2 rollback="0"', 'nothing else was asked';
    my $second = take($server, 'second');
    is told($daemon), 'connection', 'another name has another connection';
    is told($daemon), '1 5',        'and asks';
    my $again = take($server, 'first');
    is $again->fileno, $fd,   'the first name has the first connection again';
    is told($daemon),  '1 5', 'and asks';
    kill TERM => $daemon->{pid};
    waitpid $daemon->{pid}, 0;
};

done_testing;
