package VouchTest::NetServer 0.001;

use v5.16;
use warnings;

# A Net::Server program in a process of its own, with the protocol "vouch".
#
#   my $server = VouchTest::NetServer->start(Fork => { SSL_verify_mode => 1 }, $code);
#   my $client = $server->client(SSL_cert_file => ..., SSL_key_file => ...);
#   $server->port; $server->log; $server->stop;
#
# The first is the personality, behind "Net::Server::".  The hash is what
# run() is given, beside port, proto and a certificate; further arguments in
# the code, which is the body of the server's class, as
# "sub arguments { return (NAME => VALUE) }".  After them may come more:
# argv => [...], env => {...}, dir => ..., proto => ...

use Carp         qw(croak);
use Config       ();
use Cwd          ();
use Data::Dumper ();
use Exporter     qw(import);
use POSIX        ();
use Time::HiRes  qw(sleep);

use VouchTest       qw(identity spew temp_dir);
use VouchTest::Peer ();
use Vouch::Socket;

our @EXPORT_OK = qw(exchange ending);

my $PROGRAM = <<'PERL';
#!PERL
use v5.16;
use warnings;
BEGIN { $SIG{__WARN__} = sub { print {*STDERR} "WARNING: $_[0]" } }

package TheServer;
use Vouch::Socket;
BEGIN { require PERSONALITY_FILE; our @ISA = ('PERSONALITY') }
BEGIN { $SIG{PIPE} = 'IGNORE' }

sub pre_loop_hook {
    my ($self) = @_;
    print {*STDERR} "ready pid $$ port ", join(',', map { $_->NS_port } @{ $self->{server}{sock} // [] }), "\n";
}
sub write_to_log_hook { my ($self, $level, $text) = @_; chomp $text; print {*STDERR} "log $level: $text\n" }
#line 1 "the server of the test"
CODE

package main;
my $arguments = do { no strict; my $VAR1; ARGUMENTS };
TheServer->run(%$arguments, TheServer->can('arguments') ? TheServer->arguments : ());
PERL

my $number = 0;
my @pair;

sub start {
    my ($class, $personality, $arguments, $code, %more) = @_;
    my $self = bless { personality => $personality }, $class;
    $self->{file} = $self->_write($arguments, $code, %more);
    my %env = (
        PERL5LIB => join(':', map { Cwd::abs_path($_) } grep { !ref && -d } @INC),
        PWD      => temp_dir() . '',
        %{ $more{env} // {} },
    );
    $self->{peer} = VouchTest::Peer->start({ env => \%env, dir => $more{dir} // temp_dir() . '' },
        $self->{file}, @{ $more{argv} // [] });
    return $self if $more{fails};
    $self->wait_until_ready;
    return $self;
}

# Wait for it to be ready, again after SIGHUP.
sub wait_until_ready {
    my ($self) = @_;
    my $seen = $self->{ready} // 0;
    my ($pid, $ports) =
        $self->{peer}->wait_for(qr/(?:ready pid.*){$seen}ready pid ([0-9]+) port ([0-9,]*)\n/s, 30);
    $self->{ready} = $seen + 1;
    @$self{qw(pid ports)} = ($pid, [split /,/, $ports]);
    return $self;
}

# Have it start itself anew.  It must be in its loop, or the signal finds the
# handlers of its start; and so must its children, which would end their parent.
sub hup {
    my ($self, %arg) = @_;
    my $until = time + 20;
    $self->client(%arg) or croak "no client: $SSL_ERROR";
    until ($self->{personality} !~ /PreFork|HTTP|PSGI/ || $self->_is_steady) {
        croak 'the server does not come into its loop' if time > $until;
        sleep 0.01;
    }
    my $log = length $self->log;
    kill HUP => $self->pid;
    my $nudge = $self->{personality} eq 'Multiplex' ? $self->tcp : undef;    # it may be about to wait
    $self->wait_until_ready;
    return substr $self->log, $log;
}

# A parent that forks in advance catches SIGTTOU last, its children do not
# catch SIGCHLD any more.
sub _is_steady {
    my ($self) = @_;
    my $pid = $self->{pid};
    return 1 if !-e "/proc/$pid/status";
    return 0 if !_catches($pid, POSIX::SIGTTOU());
    my @children = map { _parent($_) == $pid ? $_ : () } map { m{([0-9]+)/stat\z} } glob '/proc/[0-9]*/stat';
    return !grep { _catches($_, POSIX::SIGCHLD()) } @children;
}

sub _catches {
    my ($pid, $signal) = @_;
    open my $in, '<', "/proc/$pid/status" or return 0;
    my ($caught) = map { /^SigCgt:\s+[0-9a-f]*([0-9a-f]{8})$/ ? hex $1 : () } readline $in;
    return $caught && $caught & 1 << $signal - 1;
}

sub _parent {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or return 0;
    my ($parent) = (readline($in) // '') =~ /\) \S ([0-9]+) /;
    return $parent // 0;
}

sub _write {
    my ($self, $arguments, $code, %more) = @_;
    my $personality = 'Net::Server' . ($self->{personality} eq 'Single' ? '' : "::$self->{personality}");
    $personality = $self->{personality} if $self->{personality} =~ /::/;
    @pair        = identity('netserver', cn => 'localhost', san => ['localhost', '127.0.0.1']) if !@pair;
    my %arguments = (
        port          => 0,
        host          => '127.0.0.1',
        proto         => 'vouch',
        SSL_cert_file => $pair[0],
        SSL_key_file  => $pair[1],
        %$arguments,
    );
    delete @arguments{ grep { !defined $arguments{$_} } keys %arguments };
    my $dumped  = Data::Dumper->new([\%arguments])->Indent(0)->Useqq(1)->Terse(1)->Sortkeys(1)->Dump;
    my $program = $PROGRAM;
    $program =~ s/PERSONALITY_FILE/"'" . ($personality =~ s{::}{\/}gr) . ".pm'"/e;
    $program =~ s/PERSONALITY/$personality/;
    $program =~ s/^CODE$/$code/m;
    $program =~ s/ARGUMENTS/$dumped/;
    $program =~ s/PERL/$Config::Config{perlpath}/;
    my $file = spew(temp_dir() . '/netserver' . ++$number . '.pl', $program);
    chmod 0755, $file or croak "$file: $!";
    return $file;
}

sub port { return $_[0]{ports}[$_[1] // 0] }
sub pid  { return $_[0]{pid} }
sub peer { return $_[0]{peer} }

# What it said on its standard error.
sub log {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    1 while $self->{peer}->_read(0.01);
    return $self->{peer}->err;
}

sub wait_for { my ($self, @arg) = @_; return $self->{peer}->wait_for(@arg) }

sub warnings_said { return join '', $_[0]->log =~ /^(WARNING: .*\n)/mg }

# A client that is connected, or undef with $SSL_ERROR.
sub client {
    my ($self, %arg) = @_;
    return scalar Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $self->port,
        SSL_verify_mode => SSL_VERIFY_NONE,
        SSL_io_timeout  => 20,
        Timeout         => 20,
        %arg,
    );
}

# A client without TLS.
sub tcp {
    my ($self, %arg) = @_;
    return IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $self->port, %arg) // croak "connect: $@";
}

# Send it, and read to the end.
sub exchange {
    my ($client, $bytes) = @_;
    return "no client: $SSL_ERROR" if !$client;
    print {$client} $bytes;
    local $/;
    return scalar <$client>;
}

# How the connection ends: 'goodbye' (close_notify), or what else it is.
sub ending {
    my ($client) = @_;
    my $got      = sysread $client, my $bytes, 100;
    return "bytes '$bytes'"   if $got;
    return "error $SSL_ERROR" if !defined $got;
    my $error = $client->last_error;
    return $error ? $error->code : 'goodbye';
}

# End it; its exit status, or -1 if it does not end.  A Net::Server that is about
# to wait when the signal comes notices it only with the next event, or signal.
sub stop {
    my ($self, $signal) = @_;
    my $peer = $self->{peer};
    for (1 .. 100) {
        return if !$peer->{pid};
        kill $signal // 'TERM' => $self->{pid};
        for (1 .. 20) {
            1 while $peer->_read(0.01);
            next if waitpid($peer->{pid}, POSIX::WNOHANG()) == 0 && sleep 0.005;
            $peer->{pid} = 0;
            return $? & 127 ? 128 + ($? & 127) : $? >> 8;
        }
    }
    $peer->stop;
    return -1;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->stop if $self->{pid} && $self->{peer}{owner} == $$;
    return;
}

1;
