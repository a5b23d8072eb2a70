package Net::Server::Proto::VOUCH 0.001;

use v5.16;
use warnings;

use Errno  qw(ECONNABORTED);
use Socket qw(AF_INET AF_INET6);

use Vouch::Error             ();
use Vouch::NetServer::Ends   ();
use Vouch::NetServer::Gone   ();
use Vouch::NetServer::Port   ();
use Vouch::NetServer::Read   ();
use Vouch::NetServer::Select ();
use Vouch::Socket            ();

our @ISA = qw(Vouch::NetServer::Ends Vouch::Socket);

# By when the handshake takes place: see Vouch::NetServer::Port.
my %ACCEPT = (now => \&_accept_now, later => \&_accept_later, mux => \&_accept_mux);

# Net::Server::HTTP looks for "SSL" in it to know that this is HTTPS.
sub NS_proto { return 'VOUCH_SSL' }

sub NS_host   { return _field('host',   @_) }
sub NS_port   { return _field('port',   @_) }
sub NS_ipv    { return _field('ipv',    @_) }
sub NS_listen { return _field('listen', @_) }

# Exactly one, not yet bound.
sub object {
    my ($class, $info, $server) = @_;
    my $self = $class->new;
    my $port = eval { Vouch::NetServer::Port->new($server, $info, $self->NS_proto) };
    return $server->fatal(_told($@)) if !$port;
    my $listen = $info->{listen} // $server->{server}{listen} // Socket::SOMAXCONN();
    ${*$self}{netserver}      = { %$info{qw(host port ipv orig_port)}, listen => $listen };
    ${*$self}{netserver_port} = $port;
    return $self;
}

sub log_connect {
    my ($self, $server) = @_;
    $server->log(2, 'Opening ' . $self->_address);
    return;
}

# While this may still be root.
sub prepare {
    my ($self, $server) = @_;
    my $own = eval { $self->_port->prepare($self) };
    if (!$own) {
        $server->fatal('Cannot start TLS for ' . $self->_address . ': ' . _told($@));
        return;
    }
    return ${*$self}{vouch} = $own;
}

# Bind and listen, and make the context: as root still, if that is who runs.
sub connect {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $server) = @_;
    $self->prepare($server) or return;
    if (!IO::Socket::IP::configure($self, $self->_local_address)) {
        my $reason = $! ? "$!" : $@;
        return $server->fatal('Cannot open ' . $self->_address . ": $reason");
    }
    $self->_bound($server, $self->sockport);
    return $self;
}

# After SIGHUP: the socket is there, all else is new.
sub reconnect {
    my ($self, $fd, $server, $port) = @_;
    $self->prepare($server) or return;
    $server->log(3, "Going on with descriptor $fd for " . $self->_address);
    $self->IO::Handle::fdopen($fd, 'w')
        or return $server->fatal("Cannot go on with descriptor $fd for " . $self->_address . ": $!");
    $self->_bound($server, $port);
    return $self;
}

# Net::Server looks it up when the new process has not yet bound its sockets,
# and then knows the port by the name or the 0 that it was given as.
sub hup_string {
    my ($self) = @_;
    my ($port, $given) = @{ ${*$self}{netserver} }{qw(port orig_port)};
    my $bound = $self->_is_listening;
    my @parts = ($self->NS_host, $bound ? $port : $given // $port, $self->NS_proto, 'ipv' . $self->NS_ipv);
    push @parts, $given if $bound && defined $given;
    return join '|', @parts;
}

sub show {
    my ($self) = @_;
    return 'Ref = "' . ref($self) . '" (' . $self->hup_string . ")\n";
}

sub accept {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $class) = @_;
    my $port   = $self->_port;
    my $client = $ACCEPT{ $port->handshake }->($self, $port, $class // ref $self) or return;
    return wantarray ? ($client, $client->peername) : $client;
}

# A client on a socket that is there already.
sub client_on {
    my ($self, $handle) = @_;
    open my $client, '+<&', $handle or return;
    return $self->_introduce(bless($client, ref $self), $client);
}

# The handshake, in the process that serves the client.  When it fails there
# is a client all the same, which is at its end.
sub post_accept {
    my ($self) = @_;
    return $self if tied *$self;
    my $done = eval {
        ${*$self}{vouch} = $self->_port->settings($self);
        $self->accept_SSL;
    };
    return $self if $done;
    return $self->_give_up($@);
}

# Or Net::Server would give the bare descriptor to STDIN and STDOUT.
sub tie_stdout { return 1 }

sub poll_cb { my ($self, $callback) = @_; return $callback->($self) }

sub seek { return CORE::seek $_[0], $_[1], $_[2] }    ## no critic (ProhibitBuiltinHomonyms)

sub read_until { return Vouch::NetServer::Read::until(@_) }

sub close {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, %arg) = @_;
    my $tied = tied *$self;
    untie *$self if $tied && !$tied->can('_detach');    # by IO::Multiplex
    undef $tied;
    $self->_port->closing if delete ${*$self}{netserver_bound};
    return $self->SUPER::close(%arg);
}

# A client shares them with the socket it came to, until it sets one.
sub _field {
    my ($name, $self, @value) = @_;
    my $fields = ${*$self}{netserver} //= {};
    return $fields->{$name} if !@value;
    ${*$self}{netserver} = { %$fields, $name => $value[0] };
    return $value[0];
}

sub _port { return ${ *{ $_[0] } }{netserver_port} }

sub _is_listening { return ${ *{ $_[0] } }{netserver_bound} }

sub _address {
    my ($self) = @_;
    return sprintf '%s port %s on host %s with IPv%s', map { $self->$_ } qw(NS_proto NS_port NS_host NS_ipv);
}

# For IO::Socket::IP.  "*" is every address of the family.  Up to 2.014, "::"
# from Net::Server means both families if the system does as Linux does.
sub _local_address {
    my ($self) = @_;
    my ($host, $ipv) = ($self->NS_host, $self->NS_ipv // '*');
    my $old  = Net::Server->VERSION < 2.015;
    my $any6 = $host eq '*' && $ipv ne '4';
    return {
        LocalHost => $any6 ? '::' : $host eq '*' ? '0.0.0.0' : $host,
        LocalPort => $self->NS_port,
        Listen    => $self->NS_listen,
        Proto     => 'tcp',
        Type      => Socket::SOCK_STREAM(),
        ReuseAddr => 1,
        ($ipv eq '4' ? (Family => AF_INET) : $ipv eq '6'           ? (Family => AF_INET6) : ()),
        ($ipv eq '*' ? (V6Only => 0)       : $old && $host eq '::' ? ()                   : (V6Only => 1)),
    };
}

sub _bound {
    my ($self, $server, $port) = @_;
    my $fields = ${*$self}{netserver};
    ${*$self}{netserver_bound} = 1;
    return if $port eq $fields->{port};
    $server->log(2, "The port is $port");
    @$fields{qw(orig_port port)} = ($fields->{orig_port} // $fields->{port}, $port);
    return;
}

# TCP only; the process or thread that serves the client does the rest.
sub _accept_later {
    my ($self, $port, $class) = @_;
    my $client;
    do { $client = $self->_tcp_accept($class) } until $client || $! != ECONNABORTED;
    return $client && $self->_introduce($client, $client);
}

# A client that is ready.
sub _accept_now {
    my ($self, $port, $class) = @_;
    my $server = $port->server;
    return $self->_accept_any($port, $server) if $server && $server->{server}{select};
    my $client = $port->listener($self)->accept($class);
    return $client && $self->_introduce($client, $client);
}

# One of this port or of another.
sub _accept_any {
    my ($self, $port, $server) = @_;
    my $client = $port->take;
    return $self->_introduce($client, $client) if $client;
    my ($other) = Vouch::NetServer::Select->install($server)->can_read or return;
    return $other->accept if $other != $self;
    $client = $port->take;
    return $client && $self->_introduce($client, $client);
}

sub _accept_mux {
    my ($self, $port) = @_;
    require Vouch::NetServer::Multiplex;
    return Vouch::NetServer::Multiplex->next_client($self, $port);
}

# What the client has from us, and what is known of it by its TCP connection.
sub _introduce {
    my ($self, $client, $tcp) = @_;
    my ($own, $mine) = (\%{*$client}, \%{*$self});
    @$own{qw(netserver netserver_port vouch)} = @$mine{qw(netserver netserver_port vouch)};
    $client->remember_ends($tcp);
    return $client;
}

sub _give_up {
    my ($self, $died) = @_;
    my $error = $died ? Vouch::Error->new(code => 'verify', message => _told($died)) : $self->last_error;
    my $who   = $error->peer // $self->peer_text // 'a client that has gone';
    $self->_port->log(2, join '; ', "No TLS with $who: " . $error->message, grep { defined } $error->hint);
    $self->SUPER::close(SSL_no_shutdown => 1);
    tie *$self, 'Vouch::NetServer::Gone';
    ${*$self}{vouch_error} = $error;
    return;
}

# Without the place, which would be one in here.
sub _told { return ref $_[0] && $_[0]->can('message') ? $_[0]->message : $_[0] =~ s/\s+\z//r }

1;

__END__

=head1 NAME

Net::Server::Proto::VOUCH - TLS with client certificates for any Net::Server program

=head1 SYNOPSIS

    use v5.16;
    use warnings;

    package Hello;
    use parent 'Net::Server::PreFork';
    use Vouch::Socket;

    Hello->run(
        port            => '*:1965',
        proto           => 'vouch',
        SSL_cert_file   => '/etc/hello/server-cert.pem',
        SSL_key_file    => '/etc/hello/server-key.pem',
        SSL_verify_mode => VOUCH_VERIFY_ANY,
    );

    sub process_request {
        my ($self) = @_;
        my $client = $self->{server}{client};    # a Vouch::Socket
        my $line   = <STDIN>;
        say 'hello, ', $client->peer_certificate('cn') // 'stranger';
    }

=head1 DESCRIPTION

With C<< proto => 'vouch' >> a program that is built on L<Net::Server> speaks TLS,
asks its clients for certificates, and knows them by fingerprint and name. The
program is otherwise the same: C<STDIN> and C<STDOUT> carry the decrypted bytes,
and C<< $self->{server}{client} >> is a L<Vouch::Socket> with C<get_fingerprint>,
C<peer_certificate>, C<certificate>, C<verification> and all its other methods.

=for example begin perl needs Net::Server

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::Socket;

    Vouch::Identity->create(cn => 'localhost', file => 'server');
    Vouch::Identity->create(cn => 'Alex', file => 'alex');

    package Hello {
        use parent 'Net::Server';

        sub process_request {
            my ($self) = @_;
            chomp(my $line = <STDIN>);
            say "you said $line";
            say 'and you are ', $self->{server}{client}->peer_certificate('cn');
        }

        sub pre_loop_hook { main::visit($_[0]{server}{sock}[0]->NS_port) }
    }

    Hello->run(
        port            => '127.0.0.1:0',           # any port that is free
        proto           => 'vouch',
        SSL_cert_file   => 'server-cert.pem',
        SSL_key_file    => 'server-key.pem',
        SSL_verify_mode => VOUCH_VERIFY_ANY,
        log_level       => 0,
    );

    # A client, in a child process; then it ends the server.
    sub visit {
        my ($port) = @_;
        return if fork != 0;
        my $socket = Vouch::Socket->new(
            PeerAddr      => '127.0.0.1',
            PeerPort      => $port,
            SSL_hostname  => 'localhost',
            SSL_ca_file   => 'server-cert.pem',
            SSL_cert_file => 'alex-cert.pem',
            SSL_key_file  => 'alex-key.pem',
        ) or die "cannot connect: $SSL_ERROR\n";
        print $socket "hello\n";
        print while <$socket>;                      # prints: you said hello
        kill TERM => getppid;                       # prints: and you are Alex
        exit;
    }

=for example end

The protocol is chosen where Net::Server lets you choose one: C<proto> in C<run>,
in the configuration file or as C<--proto=vouch> on the command line of any
Net::Server program; C<< port => '*:1965/vouch' >>; a port given as a hash. The
full name C<Net::Server::Proto::VOUCH> will do as well. A single program may use
it on some ports, and others elsewhere.

=head2 Personalities

It works under all of them, and the handshake never keeps other clients waiting
where that can be avoided:

=over 4

=item Net::Server (Single)

One process serves one client after the other. Handshakes of any number of
clients go on while the server waits for the next: who connects and says nothing
delays nobody.

=item Fork

The child that serves the client does the handshake.

=item PreFork, PreForkSimple

Likewise; the lock under which the children accept is not held meanwhile. A
silent client takes up one child until C<SSL_handshake_timeout>.

=item Thread

The thread that serves the client does the handshake, and makes a context of its
own for it: callbacks, as Perl copies them into threads, are called there, and
what they change in their variables is seen by nobody else. Shared are only the
listening socket and the bytes of certificates and keys. Making the context takes
up to 20 milliseconds where the system's authorities are trusted, which is when
certificates are checked and no C<SSL_ca_file> is given. Objects of Vouch, as in
C<SSL_identity>, are refused, since Perl does not copy them into threads.

=item Multiplex

One process serves many clients at once. Handshakes go on beside what the program
does for those that are ready, in the same process and thread. The client that
C<mux_connection>, C<mux_input> and the others are given has all methods that tell
something of the connection; to write they use C<print>, as always, and to read
there is the buffer of IO::Multiplex: methods that would read beside it die.
C<< $mux->handles >> are the clients. SIGHUP ends all connections, with
close_notify.

=item INET

See L<Vouch::NetServer::INET>.

=item HTTP, PSGI, MultiType

As the personality they take on. C<HTTPS> is C<on>, and C<psgi.url_scheme> is
C<https>.

=back

=head2 When a handshake fails

The reason is logged at level 2, with the address of the client:

    No TLS with 192.0.2.7:4711: the peer's certificate was refused: ...

Server, child and thread go on. Under personalities that do the handshake in the
process or thread that serves the client, Net::Server calls C<process_request> all
the same: reading is at the end at once, writing fails, C<get_fingerprint> and the
like return undef, and C<< $client->is_SSL >> is false. A callback that dies
refuses its client, and what it said is logged.

=head2 Becoming another user

Sockets are opened, and certificates and keys read, before the program gives up
being root (C<user>, C<group>, C<chroot>). So the key may be one that only root
can read.

=head2 SIGHUP

The server starts itself anew: listening sockets stay open, and certificates are
read again. Where the new program cannot read a file any more, as it is not root,
it goes on with what it was when the program started as root, and logs so; if a
certificate was renewed with the same key, it takes the new one. For this,
certificates and keys are kept in memory, and handed over in a pipe, never in a
file. They must fit into it, which is 1 MiB on Linux; if they do not, that is
logged at the start.

=head1 ARGUMENTS

All arguments of L<Vouch::Socket/new> and L<Vouch::Context/new> that begin with
C<SSL_> may be given, wherever Net::Server takes arguments. The first of these that
has one counts:

=over 4

=item 1. the port

    port => { port => 1965, host => '*', proto => 'vouch', SSL_cert_file => ... }

=item 2. the server object

    MyServer->new(SSL_cert_file => ...)->run;
    sub configure_hook { my ($self) = @_; $self->{server}{SSL_cert_file} = ... }

=item 3. the command line

    --SSL_cert_file=server-cert.pem --SSL_verify_mode=peer

=item 4. run()

    MyServer->run(proto => 'vouch', SSL_cert_file => ...);

=item 5. the configuration file

    SSL_cert_file  server-cert.pem

=item 6. default_values()

    sub default_values { return { SSL_cert_file => ... } }

=item 7. methods of the server's class

    sub SSL_verify_callback { my ($self, $host, $port, $proto) = @_; return sub { ... } }

Called when the port is set up.

=back

Values arrive as they were written, also with C<%> in them. C<SSL_ca_file>,
C<SSL_ca_path>, C<SSL_fingerprint> and C<SSL_alpn_protocols> may be given several
times, or as an array reference. An argument that Vouch does not know ends the
program at its start with the name, as does one that cannot be used.

C<SSL_verify_mode> may be a number (C<0x01>) or names, such as
C<SSL_VERIFY_PEER>, C<any>, or C<peer+fail_if_no_peer_cert>.

=over 4

=item SSL_handshake_timeout

Seconds that a handshake may take. Default: 10.

=item SSL_max_getline_length, SSL_error_callback

Other names of C<SSL_max_line> and C<SSL_error_trap>.

=back

C<host> and C<ipv> choose the addresses, as in Net::Server: C<*> is every address,
of IPv4 and IPv6; C<< ipv => 4 >> and C<< ipv => 6 >> are one of the two.

=head1 CALLBACKS

Those of L<Vouch::Socket/CALLBACKS>.

=head1 METHODS

Those that Net::Server calls. A program calls the methods of L<Vouch::Socket>, of
which this is a subclass.

=head2 object

    my $socket = Net::Server::Proto::VOUCH->object($info, $server);

A socket that is not yet bound, with the arguments for this port. If they are
wrong, the server ends (C<< $server->fatal >>).

=head2 NS_proto, NS_host, NS_port, NS_ipv, NS_listen

    say $client->NS_host, ' port ', $client->NS_port;

The protocol (C<VOUCH_SSL>), and what the port was given as. The others can be set.

=head2 prepare

    $socket->prepare($server) or return;

Reads certificates and keys, and makes the context. If that cannot be done, the
server ends, and the reason is in its log.

=head2 client_on

    my $client = $socket->client_on(\*STDIN);

A client on a connection that has been accepted elsewhere, before its handshake.

=head2 log_connect

=head2 connect

=head2 reconnect

    $socket->log_connect($server);
    $socket->connect($server);
    $socket->reconnect($fd, $server, $port);

Say what is going to happen; bind and listen; go on after SIGHUP. If that cannot
be done, the server ends, and the reason is in its log.

=head2 hup_string

    my $key = $socket->hup_string;

What tells a listening socket from others, before SIGHUP and after it.

=head2 accept

    my $client = $socket->accept;

A client, or undef with C<$!>. See L</Personalities> for whether the handshake is
done.

=head2 post_accept

    $client->post_accept;

Does the handshake if it is not done.

=head2 tie_stdout

Returns 1: Net::Server ties STDIN and STDOUT to the client.

=head2 poll_cb

    $client->poll_cb(sub { my ($client) = @_; ... });

Calls the function at once.

=head2 read_until

    my ($outcome, $head) = $client->read_until(100_000, qr/\n\r?\n/);

Reads until the text matches (the outcome is 1), or has that many bytes (2), or
there is no more (0), and not one byte further. Either limit may be undef.

=head2 seek

Returns false: a connection has no positions.

=head2 show

    print $socket->show;

A line for people.

=head2 close

    $client->close;

As L<Vouch::Socket/close>: the peer is told by close_notify.

=head2 sockname, sockhost, sockport, sockaddr, sockdomain

=head2 peername, peerhost, peerport, peeraddr, peerhostname

    say $client->peerhost, ' ', $client->peerport;

As in L<IO::Socket::IP>, from what was known when the client came: they answer, too,
when it has gone.

=head1 ERRORS

What is wrong with arguments, certificates, keys and ports is told when the server
starts, with the reason, and ends it. What goes wrong with a client is told in the
log: see L</When a handshake fails>.

=head1 THREADS AND FORK

See L</Personalities> and L<Vouch::Socket/THREADS AND FORK>.

=head1 COMPATIBILITY

Tested with Net::Server 2.013 and Perl 5.36. For Net::Server 2.009 to 2.018 it is
written from what is known of them, and tried only with small imitations.

=head1 SEE ALSO

L<Net::Server>, L<Vouch::Socket>, L<Vouch::Context>, L<Vouch::NetServer::INET>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
