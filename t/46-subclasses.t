use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest          qw(identity run_command spew temp_dir);
use VouchTest::Library qw(environment judge on_vouch same_on_both);

# Programs that make classes of their own of IO::Socket::SSL, look at its name,
# or run themselves again.

my @server    = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex      = identity('alex',   cn => 'Alex');
my @arguments = (@server, @alex);

# A listener of the class, and a child that connects to it with another; what
# the child prints comes first.
my $BEGIN = <<'PERL';
use strict;
use warnings;
use IO::Socket::SSL;
$| = 1;
my ($ca, $ca_key, $cert, $key) = @ARGV;
my @server = (SSL_cert_file => $ca, SSL_key_file => $ca_key);
my @at     = (LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5, Timeout => 20);
my @client = (SSL_ca_file => $ca, Timeout => 20);
sub visit {
    my ($listener, $visitor) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) { eval { $visitor->(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport); 1 } or print "visitor: $@"; exit }
    return $pid;
}
sub classes { my ($object) = @_; return join ' ', ref $object, grep { $object->isa($_) } qw(IO::Socket::SSL IO::Socket IO::Handle) }
PERL

subtest 'a class with the base IO::Socket::SSL' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'its objects are what they should be';
package My::Socket;
use base 'IO::Socket::SSL';
sub new {
    my ($class, %arg) = @_;
    my $name = delete $arg{Name};
    my $self = $class->SUPER::new(%arg) or return;
    ${*$self}{my_name} = $name;
    return $self;
}
sub configure { my ($self, $arg) = @_; print "configure $arg->{SSL_note}\n" if delete $arg->{My_note}; return $self->SUPER::configure($arg) }
sub name { my ($self) = @_; return ${*$self}{my_name} // 'no name' }
sub connect_SSL { my $self = shift; print "connect_SSL\n"; return $self->SUPER::connect_SSL(@_) }
sub close { my $self = shift; print 'close ', $self->name, "\n" if ${*$self}{my_name}; return $self->SUPER::close(@_) }
sub say_hello { my ($self) = @_; return $self->print("hello from ", $self->name, "\n") }

package main;
my $listener = My::Socket->new(@at, @server, Name => 'the listener') or die "$SSL_ERROR";
print classes($listener), ' ', $listener->name, "\n";
my $pid = visit($listener, sub {
    my $socket = My::Socket->new(@_, @client, Name => 'Alex') or die "$SSL_ERROR";
    print classes($socket), ' ', $socket->name, "\n";
    $socket->say_hello;
    print scalar <$socket>;
    $socket->close;
});
my $client = $listener->accept or die "$SSL_ERROR";
print {$client} "well: ", scalar <$client>;
waitpid $pid, 0;
print classes($client), "\n";
$pid = visit($listener, sub { my $socket = My::Socket->new(@_, @client) or die "$SSL_ERROR"; <$socket> });
my ($named, $peer) = $listener->accept('My::Socket') or die "$SSL_ERROR";
print {$named} "farewell\n";
waitpid $pid, 0;
print classes($named), ' ', $named->name, ' ', length $peer, "\n";
PERL
My::Socket IO::Socket::SSL IO::Socket IO::Handle the listener
connect_SSL
My::Socket IO::Socket::SSL IO::Socket IO::Handle Alex
well: hello from Alex
close Alex
IO::Socket::SSL IO::Socket::SSL IO::Socket IO::Handle
connect_SSL
My::Socket IO::Socket::SSL IO::Socket IO::Handle no name 16
TEXT
};

subtest 'a class with two bases, as Net::SMTP has it' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'TLS begins on the object that is there';
package My::Protocol;
use IO::Socket::IP;
our @ISA = 'IO::Socket::IP';
sub command { my ($self, $line) = @_; print {$self} "$line\n"; return scalar <$self> }
sub start_tls {
    my ($self, @arg) = @_;
    $self->command('start') eq "go\n" or die 'no';
    return My::Protocol::TLS->start_SSL($self, @arg);
}
package My::Protocol::TLS;
our @ISA = ('IO::Socket::SSL', 'My::Protocol');
sub start_tls { die "it has begun\n" }
sub start_SSL { my ($class, $self, @arg) = @_; return $class->SUPER::start_SSL($self, @arg, SSL_verifycn_name => 'localhost') }

package main;
my $listener = IO::Socket::IP->new(@at) or die "$@";
my $pid = visit($listener, sub {
    my $self = My::Protocol->new(@_) or die "$@";
    my $before = "$self" =~ s/.*=//r;
    ${*$self}{note} = 'kept';
    print ref $self, ' ', $self->command('hello');
    print $self->start_tls(SSL_ca_file => $cert) ? 'accepted' : 'refused', ' ', ref $self, "\n";
    $self = My::Protocol->new(@_) or die "$@";
    $self->start_tls(@client) or die "$SSL_ERROR";
    print classes($self), ' ', $self->isa('My::Protocol') ? "and its own\n" : "only\n";
    print $self->command('hello'), eval { $self->start_tls } // $@;
    $self->stop_SSL;
    print ref $self, ' ', $self->command('bye');
});
for (1, 2) {
    my $client = $listener->accept or die "$!";
    while (defined(my $line = <$client>)) {
        if ($line eq "start\n") {
            print {$client} "go\n";
            IO::Socket::SSL->start_SSL($client, SSL_server => 1, @server) or last;
            next;
        }
        print {$client} "you said $line";
        if ($line eq "hello\n" && $client->isa('IO::Socket::SSL')) { $client->stop_SSL }
    }
}
waitpid $pid, 0;
PERL
My::Protocol you said hello
refused My::Protocol
My::Protocol::TLS IO::Socket::SSL IO::Socket IO::Handle and its own
you said hello
it has begun
My::Protocol you said bye
TEXT
};

subtest 'who looks at the name of the class' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'finds it';
my $listener = IO::Socket::SSL->new(@at, @server) or die "$SSL_ERROR";
my $pid = visit($listener, sub {
    my $socket = IO::Socket::SSL->new(@_, @client) or die "$SSL_ERROR";
    print ref $socket eq 'IO::Socket::SSL' ? "yes\n" : "no\n";
    print ref($socket) =~ /\AIO::Socket::SSL/ && $socket->isa('IO::Socket::INET') || $socket->isa('IO::Socket::IP') ? "yes\n" : "no\n";
    print "$socket" =~ /\AIO::Socket::SSL=GLOB\(/ ? "yes\n" : "no\n";
    print ref *$socket{IO} ? "yes\n" : "no\n";
});
my $client = $listener->accept or die "$SSL_ERROR";
waitpid $pid, 0;
print ref $client eq 'IO::Socket::SSL' ? "yes\n" : "no\n";
print IO::Socket::SSL->can('new') && IO::Socket::SSL->VERSION(2.009) ? "yes\n" : "no\n";
print eval { IO::Socket::SSL->VERSION(9); 1 } ? "yes\n" : "no\n";
print defined $INC{'IO/Socket/SSL.pm'} && eval { require IO::Socket::SSL; 1 } ? "yes\n" : "no\n";
print $IO::Socket::SSL::VERSION > 2 ? "yes\n" : "no\n";
PERL
yes
yes
yes
yes
yes
yes
no
yes
yes
TEXT
};

subtest 'who uses Net::SSLeay and does not load it' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'has it all the same';
print defined &Net::SSLeay::CTX_sess_set_cache_size ? "there\n" : "not there\n";
my $seen;
my $listener = IO::Socket::SSL->new(@at, @server,
    SSL_create_ctx_callback => sub { my ($ctx) = @_; Net::SSLeay::CTX_sess_set_cache_size($ctx, 128); $seen = $ctx }) or die "$SSL_ERROR";
print Net::SSLeay::CTX_sess_get_cache_size($seen), "\n";
print Net::SSLeay::OPENSSL_VERSION_NUMBER() > 0x30000000 ? "OpenSSL 3\n" : "another\n";
PERL
there
128
OpenSSL 3
TEXT
};

subtest 'SSL_reuse_ctx of a socket that is closed' => sub {
    is same_on_both($BEGIN . <<'PERL', @arguments), <<'TEXT', 'is that of the socket';
my $listener = IO::Socket::SSL->new(@at, @server) or die "$SSL_ERROR";
my $pid = visit($listener, sub {
    my $socket = IO::Socket::SSL->new(@_, @client) or die "$SSL_ERROR";
    print scalar <$socket>;
    $socket->close;
    my $second = IO::Socket::SSL->new(@_, SSL_reuse_ctx => $socket) or die "$SSL_ERROR";
    print scalar <$second>;
    $second->close;
    $_->close(SSL_ctx_free => 1) for $socket, $second;
    print eval { IO::Socket::SSL->new(@_, SSL_reuse_ctx => $second) } ? "connected\n" : "refused\n";
});
for my $number (1, 2) {
    my $client = $listener->accept or die "$SSL_ERROR";
    print {$client} "client $number\n";
}
waitpid $pid, 0;
PERL
client 1
client 2
refused
TEXT
};

subtest 'programs that run themselves again' => sub {
    my $program = <<'PERL';
use strict;
use warnings;
use IO::Socket::SSL;
$| = 1;
my ($left, $how) = @ARGV;
print "$left: ", IO::Socket::SSL->isa('Vouch::Socket') ? 'Vouch' : 'genuine', "\n";
exit if !$left;
my @again = ($^X, $0, $left - 1, $how);
$how eq 'exec'   and exec { $again[0] } @again;
$how eq 'system' and exit system(@again) >> 8;
$how eq 'fork'   and (fork // die "fork: $!") == 0 and exec { $again[0] } @again;
wait;
print "$left ends\n";
PERL
    is on_vouch($program, 2, 'exec'),   "2: Vouch\n1: Vouch\n0: Vouch\n", 'exec';
    is on_vouch($program, 2, 'system'), "2: Vouch\n1: Vouch\n0: Vouch\n", 'system';
    is on_vouch($program, 1, 'fork'),   "1: Vouch\n0: Vouch\n1 ends\n",   'fork and exec';
};

subtest 'use Vouch::Instead at the top of one file' => sub {
    my %env = environment('genuine');    # PERL5OPT does not name it
    local @ENV{ keys %env } = values %env;
    my $file = spew(temp_dir() . '/top.pl', <<'PERL');
use strict;
use warnings;
use Vouch::Instead;
use IO::Socket::SSL;
print IO::Socket::SSL->isa('Vouch::Socket') ? "Vouch\n" : "genuine\n";
PERL
    my ($status, $out, $error) = run_command([$^X, $file]);
    is $status, 0,         'it runs';
    is $out,    "Vouch\n", 'on Vouch';
    judge('Vouch', $error);
};

done_testing;
