package VouchTest::GeminiServer 0.001;

use v5.16;
use warnings;

# A Vouch::Gemini::Server in a child process, and raw clients of it.
#
#   my $server = start(sub { my ($server, $tell) = @_; $server->get(...) }, rate => '10/60');
#   my $answer = ask($server, '/path', cert => [$file, $key]);
#   $answer->{status}, {meta}, {body}, {clean} (it has ended with close_notify)
#   my $answer = send_raw($server, "gemini://...\r\n");
#   my $socket = connected($server);          # to be used by hand
#   $server->next_line;                       # "log ...", "error ...", or what $tell was given
#
# Answers of text: status_of(...) is "51", or "51 cut" without close_notify.

use Carp        qw(croak);
use Exporter    qw(import);
use IO::Handle  ();
use POSIX       ();
use Time::HiRes ();

use VouchTest             qw(identity);
use VouchTest::Server     ();
use Vouch::Gemini::Server ();
use Vouch::Socket;

our @ISA       = ('VouchTest::Server');
our @EXPORT_OK = qw(ask connected in_time read_answer send_raw start status_of url);

use constant WAIT => 20;    # seconds for one line, or one answer

my @files;

sub files { return @files ? @files : (@files = identity('gemini-server', cn => 'localhost')) }

sub start {
    my ($setup, %arg) = @_;
    my ($cert,  $key) = files();
    pipe my $read, my $write or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        CORE::close $read;
        _child($write, $setup, host => 'localhost', cert => $cert, key => $key, %arg);
        POSIX::_exit(0);
    }
    CORE::close $write;
    my $self = bless { pid => $pid, read => $read, buffer => '', owner => $$ }, __PACKAGE__;
    my $line = $self->next_line // croak 'the server did not start';
    ($self->{port}) = $line =~ /\Aport ([0-9]+)\z/ or croak "server: $line";
    return $self;
}

sub _child {
    my ($write, $setup, %arg) = @_;
    $write->autoflush(1);
    alarm 0;
    my $tell = sub { my ($text) = @_; $text =~ s/\n/ /g; syswrite $write, "$text\n" };
    $SIG{__WARN__} = sub { $tell->("warning: $_[0]") };
    my $good = eval {
        my $server = Vouch::Gemini::Server->new(
            address  => '127.0.0.1',
            port     => 0,
            on_error => sub { $tell->("error $_[0]") },
            %arg,
        );
        $setup->($server, $tell);
        $server->listen;
        $tell->('port ' . $server->port);
        $server->run;
        $tell->('end');
        1;
    };
    $tell->("died: $@") if !$good;
    return;
}

# The next line the server told, or undef if none comes in time.
sub next_line { my ($self, $seconds) = @_; return $self->raw_line($seconds) }

sub kill {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $signal) = @_;
    CORE::kill $signal => $self->{pid};
    return;
}

# Its exit status.
sub stop {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$;
    CORE::kill TERM => $self->{pid};
    return $self->wait;
}

sub wait {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    my $deadline = Time::HiRes::time() + WAIT;
    while (waitpid($self->{pid}, POSIX::WNOHANG()) == 0) {
        if (Time::HiRes::time() > $deadline) { CORE::kill KILL => $self->{pid}; waitpid $self->{pid}, 0 }
        Time::HiRes::sleep(0.01);
    }
    $self->{pid} = 0;
    return $?;
}

sub DESTROY { local ($?, $@, $!); $_[0]->stop; return }

sub url {
    my ($server, $path, $scheme) = @_;
    return ($scheme // 'gemini') . "://localhost:$server->{port}$path";
}

# A TLS connection.  cert => [FILE, KEY], from => ADDRESS, and SSL_ arguments.
sub connected {
    my ($server, %how) = @_;
    my $cert = delete $how{cert};
    my $from = delete $how{from};
    return Vouch::Socket->new(
        PeerHost        => '127.0.0.1',
        PeerPort        => $server->{port},
        SSL_verify_mode => SSL_VERIFY_NONE,
        SSL_io_timeout  => WAIT,
        SSL_hostname    => 'localhost',
        ($cert ? (SSL_cert_file => $cert->[0], SSL_key_file => $cert->[1]) : ()),
        ($from ? (LocalHost     => $from)                                  : ()),
        %how,
    ) // croak "no connection: $SSL_ERROR";
}

sub send_raw {
    my ($server, $bytes, %how) = @_;
    my $socket = connected($server, %how);
    $socket->write($bytes);
    return read_answer($socket);
}

sub ask {
    my ($server, $path, %how) = @_;
    return send_raw($server, url($server, $path) . "\r\n", %how);
}

# All up to the end: { status, meta, body, clean, raw }.
sub read_answer {
    my ($socket) = @_;
    my $raw = '';
    my $got;
    1 while $got = read $socket, $raw, 65_536, length $raw;
    my $clean = defined $got && !$socket->last_error ? 1 : 0;
    my ($status, $meta, $body) = $raw =~ /\A([0-9]{2})(?: ([^\r\n]*))?\r\n(.*)\z/s;
    return { raw => $raw, status => $status, meta => $meta, body => $body, clean => $clean };
}

sub status_of {
    my ($answer) = @_;
    return ($answer->{status} // 'nothing') . ($answer->{clean} ? '' : ' cut');
}

# Whether an answer has come within so many seconds.
sub is_readable {
    my ($socket, $seconds) = @_;
    vec(my $bits = '', fileno $socket, 1) = 1;
    return $socket->pending || select($bits, undef, undef, $seconds) > 0;
}

# How long some code takes, in seconds, and what it returns.
sub in_time {
    my ($code) = @_;
    my $began  = Time::HiRes::time();
    my $result = $code->();
    return (Time::HiRes::time() - $began, $result);
}

1;
