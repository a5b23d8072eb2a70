package Vouch::Lock::Server 0.001;

use v5.16;
use warnings;

use Vouch                 ();
use Vouch::Error          ();
use Vouch::Lock::Link     ();
use Vouch::Lock::Settings ();
use Vouch::Lock::Start    ();

use constant {
    CONNECT_SECONDS => 30,    # for TCP and TLS; a daemon answers at once
    KEEP            => 8,     # connections without a lock
};

# Arguments that are keys of FLoM's files.
my %KEY = (
    socket             => [qw(Daemon SocketName)],
    interface          => [qw(Network NetworkInterface)],
    discovery_attempts => [qw(Network DiscoveryAttempts)],
    discovery_ttl      => [qw(Network DiscoveryTTL)],
    cert_file          => [qw(TLS TlsCertificate)],
    key_file           => [qw(TLS TlsPrivateKey)],
    ca_file            => [qw(TLS TlsCaCertificate)],
    crl_file           => [qw(TLS TlsCrl)],
    peer_name          => [qw(TLS TlsPeerName)],
);
my %OWN = map { $_ => 1 }
    qw(address check_peer_id config connect_timeout discovery_timeout flom keep lifespan multicast start);

my $IPV6 = qr/\A[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?\z/;

my $default;

sub CLONE_SKIP { return 1 }
sub CLONE      { undef $default; return }

sub new {
    my ($class, @arg) = @_;
    _refuse('new takes names and values, not an odd number of arguments') if @arg % 2;
    my %arg = @arg;
    for my $name (keys %arg) {
        _refuse("there is no argument '$name'") if !$OWN{$name} && !$KEY{$name};
    }
    my $settings = Vouch::Lock::Settings::_new();
    my $self     = bless {
        settings  => $settings,
        free      => [],
        good_name => q(),
        free_for  => {},
        keep      => _count(keep => $arg{keep} // KEEP),
        connect   => 1000 * _seconds(connect_timeout => $arg{connect_timeout} // CONNECT_SECONDS),
        flom      => $arg{flom},
        start     => $arg{start} // 1,
    }, $class;
    _read_files($settings, exists $arg{config} ? $arg{config} : 1);
    _apply($settings, %arg);
    my $facts = $self->{facts} = { $settings->_facts };
    $self->{timeout} = $facts->{resource_timeout} < 0 ? -1 : $facts->{resource_timeout};
    $self->{request} =
        [@$facts{qw(lock_mode resource_quantity)}, 1, @$facts{qw(resource_create resource_idle_lifespan)}, 0];
    $self->_check;
    return $self;
}

# The one for who says nothing: as the files of FLoM say.
sub default {
    my ($class) = @_;
    return $default //= $class->new;
}

sub where {
    my ($self) = @_;
    my $facts = $self->{facts};
    return "unix:$facts->{socket_path}" if $self->_is_unix;
    my ($host, $port) =
        defined $facts->{unicast_address}
        ? @$facts{qw(unicast_address unicast_port)}
        : @$facts{qw(multicast_address multicast_port)};
    my $kind = defined $facts->{unicast_address} ? 'tcp' : 'multicast';
    return "$kind:" . ($host =~ /:/ ? "[$host]" : $host) . ":$port";
}

sub uses_tls {
    my ($self) = @_;
    return defined $self->{facts}{tls_ca_certificate};
}

# Close the connections that nobody uses.
sub disconnect {
    my ($self) = @_;
    @$self{qw(free free_for)} = ([], {});
    return $self;
}

# --- arguments ----------------------------------------------------------------

sub _refuse {
    my ($problem) = @_;
    Vouch::Error->throw(code => 'argument', message => "a lock server: $problem");
    return;
}

sub _seconds {
    my ($name, $value) = @_;
    _refuse("$name must be a number of seconds")
        if ref $value || $value !~ /\A[0-9]*\.?[0-9]+\z/ || $value > 1_000_000;
    return $value;
}

# In milliseconds; below 0 for ever.
sub _lifespan {
    my ($value) = @_;
    return $value =~ /\A-[0-9]*\.?[0-9]+\z/ ? -1 : int(1000 * _seconds(lifespan => $value));
}

sub _count {
    my ($name, $value) = @_;
    _refuse("$name must be a whole number") if ref $value || $value !~ /\A[0-9]{1,6}\z/;
    return $value;
}

# The files that flom reads, and one more; or none.
sub _read_files {
    my ($settings, $config) = @_;
    return if !defined $config || $config eq '0' || $config eq q();
    $settings->_read_usual($ENV{HOME});
    $settings->_read($config) if $config ne '1';
    return;
}

sub _apply {
    my ($settings, %arg) = @_;
    my @places = grep { defined $arg{$_} } qw(socket address multicast);
    $settings->_nowhere                                        if @places;
    _refuse('a unix socket and an address do not go together') if @places > 1 && defined $arg{socket};
    for my $name (grep { defined $arg{$_} } sort keys %KEY) {
        _set($settings, $name, @{ $KEY{$name} }, $arg{$name});
    }
    _apply_address($settings, $arg{address},   'Unicast')   if defined $arg{address};
    _apply_address($settings, $arg{multicast}, 'Multicast') if defined $arg{multicast};
    $settings->_set('TLS', 'TlsCheckPeerId', $arg{check_peer_id} ? 'yes' : 'no')
        if defined $arg{check_peer_id};
    $settings->_set('Daemon', 'Lifespan', _lifespan($arg{lifespan})) if defined $arg{lifespan};
    $settings->_set('Network', 'DiscoveryTimeout',
        int(1000 * _seconds(discovery_timeout => $arg{discovery_timeout})))
        if defined $arg{discovery_timeout};
    return;
}

sub _set {
    my ($settings, $name, $group, $key, $value) = @_;
    _refuse("$name must not be empty") if ref $value || $value eq q();
    $settings->_set($group, $key, $value);
    return;
}

# host, host:port, [IPv6]:port or IPv6.
sub _apply_address {
    my ($settings, $address, $kind) = @_;
    my ($host, $port) =
          $address =~ /\A\[([^\]]+)\](?::([0-9]+))?\z/ ? ($1, $2)
        : $address =~ /\A([^:]+):([0-9]+)\z/           ? ($1, $2)
        :                                                ($address, undef);
    _refuse("'$address' is no address: write host, host:port or [IPv6]:port")
        if ref $address
        || $host eq q()
        || $host =~ /[\s\[\]]/
        || ($host =~ /:/ && $host !~ $IPV6)
        || ($port // 1) < 1
        || ($port // 1) > 65_535;
    $settings->_set('Daemon', "${kind}Address", $host);
    $settings->_set('Daemon', "${kind}Port",    $port) if defined $port;
    return;
}

sub _check {
    my ($self) = @_;
    _refuse('the path of the socket is too long: about 100 bytes are the most')
        if $self->_is_unix && !defined $self->{facts}{socket_path};
    my $conflict = $self->{settings}->_conflict;
    _refuse('the configuration names a unix socket and an address: only one can be') if $conflict == 1;
    _refuse('check_peer_id needs TLS: cert_file, key_file and ca_file')              if $conflict == 2;
    _refuse('TLS needs all of cert_file, key_file and ca_file')                      if $conflict == 3;
    return;
}

# --- connections --------------------------------------------------------------

sub _is_unix {
    my ($self) = @_;
    my $facts = $self->{facts};
    return !defined $facts->{unicast_address} && !defined $facts->{multicast_address};
}

# A connection for a lock of this name, and whether it was in use before.  A
# daemon of Vouch serves any name on it, FLoM only the first.
sub _obtain {
    my ($self, $name) = @_;
    my $link = pop @{ $self->{free} } // delete $self->{free_for}{$name};
    return $link ? ($link, 1) : ($self->_new_link, 0);
}

# One to the daemon that was found before, if it was looked for.
sub _new_link {
    my ($self) = @_;
    return Vouch::Lock::Link::_new($self->{found} // $self->{settings});
}

# The first daemon that answers in a group has all our locks: another one
# would give the same ones to others.
sub _connected {
    my ($self, $link) = @_;
    return if $self->{found} || !defined $self->{facts}{multicast_address};
    my $settings = $self->{settings}->_copy;
    $self->{found} = $settings if $link->_found($settings);
    return;
}

# It does not answer any more; true if another one is to be looked for.
sub _forget {
    my ($self) = @_;
    return defined delete $self->{found};
}

# It is not needed for now, and is for this name only.
sub _keep_for {
    my ($self, $name, $link) = @_;
    $self->{free_for}{$name} = $link if keys %{ $self->{free_for} } < $self->{keep};
    return;
}

# Is a daemon to be started when there is none?
sub _may_start {
    my ($self) = @_;
    return $self->{start} && $self->_is_unix && $self->{facts}{daemon_lifespan} != 0;
}

sub _start {
    my ($self) = @_;
    my $facts = $self->{facts};
    return Vouch::Lock::Start->_new(
        $self->{flom} // Vouch::Lock::Start::_find(),
        qw(--start --no-config),
        -s => $facts->{socket_path},
        -d => $facts->{daemon_lifespan},
        map { defined $facts->{ $_->[1] } ? ($_->[0] => $facts->{ $_->[1] }) : () } (
            ['--tls-certificate'    => 'tls_certificate'],
            ['--tls-private-key'    => 'tls_private_key'],
            ['--tls-ca-certificate' => 'tls_ca_certificate'],
            ['--tls-crl'            => 'tls_crl'],
            ['--daemon-trace-file'  => 'daemon_trace_file'],
        ),
        $facts->{tls_check_peer_id} ? ('--tls-check-peer-id' => 'yes') : (),
        $facts->{append_trace_file} ? ('--append-trace-file' => 'yes') : (),
    );
}

1;

__END__

=head1 NAME

Vouch::Lock::Server - where the lock daemon is, and the connections to it

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock;
    use Vouch::Lock::Server;

    my $server = Vouch::Lock::Server->new(
        address   => 'locks.example.org:28015',
        cert_file => 'node-cert.pem',
        key_file  => 'node-key.pem',
        ca_file   => 'authority.pem',
    );
    my $lock = Vouch::Lock->new('report', server => $server) or die Vouch::Lock->error;

=head1 DESCRIPTION

Who takes many locks makes one of these and gives it to each L<Vouch::Lock>. They
share its connections: one that is let go leaves its connection to the next. It
describes where the daemon is; nothing is connected before a lock is asked for.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Lock;
    use Vouch::Lock::Server;

    my $server = Vouch::Lock::Server->new(socket => "$ENV{HOME}/locks", lifespan => 1);
    for my $name (qw(ant bee cat)) {
        my $lock = Vouch::Lock->new($name, server => $server) or die Vouch::Lock->error;
        say $lock->name;
    }
    # prints: ant
    # prints: bee
    # prints: cat

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

=head2 new

    my $server = Vouch::Lock::Server->new(socket => '/run/flom/socket');

What is not given is as in the configuration files of FLoM. The arguments:

=over 4

=item socket

The path of a unix socket; F</tmp/flom-LOGIN> if nothing else is said.

=item address

The daemon's host: C<host>, C<host:port>, C<[IPv6]:port> or an IPv6 address.

=item multicast

The group and port where daemons are asked for their address, written as for
C<address>. The first that answers is used for all locks of this object, as long
as it can be connected to.

=item interface

The network interface of a link-local IPv6 address.

=item discovery_attempts, discovery_timeout, discovery_ttl

For C<multicast>: how often, for how many seconds each, over how many routers.

=item cert_file, key_file, ca_file

TLS: our certificate, its key, and who signs those of daemons; all three, in PEM.

=item crl_file

Revocation lists in PEM: which certificates are not to be trusted any more.

=item peer_name

Who the daemon must be: the unique id or the host that its certificate is for, or
its fingerprint, C<sha256:...>.

=item check_peer_id

True: the daemon's unique id must be the name in its certificate.

=item config

1, the default: F</etc/flom.conf> and F<~/.flom> are read, as by C<flom>. A file
name: that one after them. 0: none.

=item start

0: start no daemon. Else one is started when nobody answers at the unix socket; never
for an address.

=item lifespan

Seconds after which a daemon started so ends, when nobody uses it; below 0 never. A
kept connection counts as use.

=item flom

The path of the command F<flom>, which is the daemon. It is looked for beside this
module and where Perl installs scripts.

=item connect_timeout

Seconds for a connection to come about, TLS and the start of a daemon included (30).

=item keep

How many connections to keep when no lock needs them (8).

=back

=head2 default

    my $server = Vouch::Lock::Server->default;

The one of all locks that are given none: C<< Vouch::Lock::Server->new >>, made when it
is first needed.

=head2 where

    say $server->where;

Where the daemon is, for people: C<unix:/run/flom/socket>, C<tcp:host:28015>.

=head2 uses_tls

    warn 'in the clear' if !$server->uses_tls;

Whether connections are encrypted and certificates checked.

=head2 disconnect

    $server->disconnect;

Close the connections that are kept, not those of locks that are held.

=head1 ERRORS

A wrong argument or file throws a L<Vouch::Error>. That there is no daemon is told by
L<Vouch::Lock/new>.

=head1 THREADS AND FORK

A child has no connections of its parent's; it makes its own. Objects are not for
another thread.

=head1 SEE ALSO

L<Vouch::Lock>, L<flom(1)>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
