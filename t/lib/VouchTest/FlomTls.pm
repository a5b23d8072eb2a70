package VouchTest::FlomTls;

use v5.16;
use warnings;

use VouchTest::Needs 'IO::Socket::SSL' => 'libio-socket-ssl-perl';

# Daemons of flom with TLS, and peers as FLoM 1.7.2 is one: TLS by
# IO::Socket::SSL without ALPN, messages from its own bytes.
#
#   my $ca     = authority('ca');
#   my $node   = issue('node', by => $ca, cn => unique_id());   # VouchTest::Forge
#   my $daemon = VouchTest::FlomTls->new('127.0.0.1', tls_options($node, $ca));
#   $daemon->run(tls_options($node, $ca), '--', 'true');        # flom
#   my $old = $daemon->old_client($node, $ca);                  # as VouchTest::Flom's
#   my ($port, $pid) = old_daemon($node, $ca, sub { my ($client) = @_; ... });

use Carp            qw(croak);
use Exporter        qw(import);
use IO::Socket::IP  ();
use IO::Socket::SSL ();
use POSIX           ();
use Time::HiRes     qw(sleep time);

use VouchTest       qw(slurp temp_dir);
use VouchTest::Flom qw(finish flom start_flom);

our @EXPORT_OK = qw(free_port old_daemon raw tls_options unique_id wait_until);

sub unique_id {
    state $id = do { my ($status, $out) = flom('--unique-id'); chomp $out; $out };
    return $id;
}

sub tls_options {
    my ($node, $ca, @more) = @_;
    return (
        '--tls-certificate'    => $node->{cert},
        '--tls-private-key'    => $node->{key},
        '--tls-ca-certificate' => ref $ca ? $ca->{cert} : $ca,
        @more
    );
}

sub wait_until {
    my ($code, $seconds) = @_;
    my $end = time + ($seconds // 15);
    while (time < $end) {
        my $value = $code->();
        return $value if $value;
        sleep 0.01;
    }
    return;
}

sub free_port {
    my ($host) = @_;
    my $socket = IO::Socket::IP->new(LocalHost => $host // '127.0.0.1', Listen => 1) or return;
    return $socket->sockport;
}

sub raw { return bless { socket => $_[0], buffer => '' }, 'VouchTest::FlomTls::Raw' }

# A daemon on a TCP address; it ends with the object.
sub new {
    my ($class, $host, @arg) = @_;
    my %arg  = @arg;
    my $port = free_port($arg{'-n'} ? "$host%$arg{'-n'}" : $host) or return;
    my $self = bless { host => $host, port => $port, owner => $$ }, $class;
    $self->{flom} = start_flom('--daemon', '-a', $host, '-p', $port, '-d', -1, '--log-level', 'info', @arg);
    wait_until(sub { $self->log =~ /FLM003I/ || waitpid($self->pid, POSIX::WNOHANG()) != 0 });
    croak 'the daemon did not start: ' . $self->log if $self->log !~ /FLM003I/;
    return $self;
}

sub port { return $_[0]{port} }
sub pid  { return $_[0]{flom}{pid} }
sub log  { my $path = "$_[0]{flom}{path}.err"; return -e $path ? slurp($path) : '' }

# Whether the log says so, soon.
sub says {
    my ($self, $what, $seconds) = @_;
    return wait_until(sub { $self->log =~ $what }, $seconds);
}

sub run       { my ($self, @arg) = @_; return flom($self->_where, @arg) }
sub start_run { my ($self, @arg) = @_; return start_flom($self->_where, @arg) }

sub _where { my ($self) = @_; return ('-a', $self->{host}, '-p', $self->{port}, '-d', 0) }

sub tcp {
    my ($self) = @_;
    return IO::Socket::IP->new(PeerHost => $self->{host}, PeerPort => $self->{port}) // croak "connect: $@";
}

sub old_client {
    my ($self, $node, $ca, %ssl) = @_;
    my $socket = IO::Socket::SSL->start_SSL(
        $self->tcp,
        SSL_cert_file       => $node->{cert},
        SSL_key_file        => $node->{key},
        SSL_ca_file         => $ca->{cert},
        SSL_verifycn_scheme => 'none',
        %ssl
    ) or return;
    return raw($socket);
}

sub stop {
    my ($self, $signal) = @_;
    my $flom = delete $self->{flom} or return;
    kill $signal // 'TERM', $flom->{pid};
    return (finish($flom))[0];
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!, $@);
    $self->stop('KILL');
    return;
}

# A daemon of 1.7.2 in a child, for one client after the other: what code
# does with each.  (port, pid)
sub old_daemon {
    my ($node, $ca, $code) = @_;
    my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 10) or croak "listen: $@";
    my $pid      = fork // croak "fork: $!";
    return ($listener->sockport, $pid) if $pid;
    $SIG{ALRM} = 'DEFAULT';
    alarm 60;
    while (my $socket = $listener->accept) {
        IO::Socket::SSL->start_SSL(
            $socket,
            SSL_server      => 1,
            SSL_cert_file   => $node->{cert},
            SSL_key_file    => $node->{key},
            SSL_ca_file     => $ca->{cert},
            SSL_verify_mode => 3,
        ) or next;
        $code->(raw($socket));
    }
    POSIX::_exit(0);
}

package VouchTest::FlomTls::Raw {    ## no critic (ProhibitMultiplePackages)
    use IO::Select  ();
    use Time::HiRes qw(time);

    our @ISA = ('VouchTest::Flom::Raw');    ## no critic (ProhibitExplicitISA)

    sub _pending { my ($self) = @_; my $s = $self->{socket}; return $s->can('pending') && $s->pending }

    sub say { my ($self, $bytes) = @_; return $self->{socket}->syswrite($bytes) }

    sub hear {
        my ($self, $seconds) = @_;
        my $deadline = time + ($seconds // 5);
        while (index($self->{buffer}, '</msg>') < 0) {
            my $left = $deadline - time;
            return ''
                if !$self->_pending && ($left <= 0 || !IO::Select->new($self->{socket})->can_read($left));
            my $count = $self->{socket}->sysread($self->{buffer}, 65_536, length $self->{buffer});
            return undef if !$count;    ## no critic (ProhibitExplicitReturnUndef)
        }
        return substr $self->{buffer}, 0, 6 + index($self->{buffer}, '</msg>'), '';
    }
}

1;
