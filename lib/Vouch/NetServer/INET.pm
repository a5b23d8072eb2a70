package Vouch::NetServer::INET 0.001;

use v5.16;
use warnings;

use Net::Server::INET         ();
use Net::Server::Proto::VOUCH ();

our @ISA = qw(Net::Server::INET);

# Net::Server::INET never looks at its protocol, so TLS is for a personality
# to begin.

# What takes the place of Net::Server::INET's own, and that.
my %before = map { $_ => Net::Server::INET->can($_) } qw(bind get_client_info post_accept post_configure);

sub import {
    my ($class, @words) = @_;
    for my $word (@words) {
        die qq(Vouch::NetServer::INET: "$word" is not known; there is "instead"\n) if $word ne 'instead';
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        no warnings 'redefine';
        *{"Net::Server::INET::$_"} = \&$_ for keys %before;
        _spare_stderr();
    }
    return;
}

# Before anything is logged.
sub post_configure {
    my ($self) = @_;
    _spare_stderr() if $self->isa(__PACKAGE__);
    return $before{post_configure}->($self);
}

# As root still: there is nothing to bind, but keys to read.
sub bind {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    my $class = _protocol($self) // return $before{bind}->($self);
    return $self->fatal('TLS needs a socket as standard input, as inetd gives it') if !-S STDIN;
    my ($port) = grep { defined } _ports($self), getsockname STDIN;
    my $socket =
        $class->object(ref $port eq 'HASH' ? { host => '*', ipv => '*', %$port } : _own_end(), $self);
    $socket->prepare($self) or return;
    return $self->{server}{vouch_inet} = $socket;
}

sub post_accept {
    my ($self) = @_;
    my $socket = $self->{server}{vouch_inet} // return $before{post_accept}->(@_);
    my $client = $socket->client_on(\*STDIN) // return $self->fatal("Cannot use standard input: $!");
    $self->{server}{client} = $client;
    return $self->Net::Server::post_accept($client);
}

# Net::Server::INET knows nothing of the peer.
sub get_client_info {
    my ($self, @client) = @_;
    return $before{get_client_info}->($self, @client) if !$self->{server}{vouch_inet};
    return $self->Net::Server::get_client_info(@client);
}

# The class of the protocol, if that is TLS of ours.  A program of this very
# personality wants nothing else; in place of Net::Server::INET it is asked for.
sub _protocol {
    my ($self)  = @_;
    my $given   = $self->{server}{proto};
    my ($name)  = map { ref eq 'HASH' ? $_->{proto} : m{/([A-Za-z]\w*(?:::\w+)*)\z} ? $1 : () } _ports($self);
    my $default = $self->isa(__PACKAGE__) ? 'vouch' : 'tcp';
    $name //= (ref $given eq 'ARRAY' ? $given->[0] : $given) // $default;
    my $class = _class($name);
    return $class if $class || $default eq 'tcp';
    return $self->fatal("Vouch::NetServer::INET does TLS, and '$name' is another protocol");
}

sub _class {
    my ($name) = @_;
    return if $name !~ /\A\w+(?:::\w+)*\z/;
    my $class = $name =~ /::/ ? $name : 'Net::Server::Proto::' . uc $name;
    return eval { require $class =~ s{::}{/}gr . '.pm'; $class->isa('Net::Server::Proto::VOUCH') }
        ? $class
        : undef;
}

sub _ports {
    my ($self) = @_;
    my $ports = $self->{server}{port};
    return grep { defined } ref $ports eq 'ARRAY' ? @$ports : $ports;
}

sub _own_end {
    my $name = getsockname STDIN;
    my ($error, $host, $port) =
        Socket::getnameinfo($name, Socket::NI_NUMERICHOST() | Socket::NI_NUMERICSERV());
    return { host => $host // '*', port => $port // 0, ipv => '*' };
}

# inetd may give the client as standard error, too: what is logged there would
# go out in the clear, in the middle of TLS.
sub _spare_stderr {
    my @in  = stat STDIN;
    my @err = stat STDERR;
    return if !@in || !@err || "@in[0, 1]" ne "@err[0, 1]" || !-S STDIN;
    open STDERR, '>', '/dev/null' or die "/dev/null: $!\n";    ## no critic (RequireCarping)
    return;
}

1;

__END__

=head1 NAME

Vouch::NetServer::INET - TLS for Net::Server programs that inetd starts

=head1 SYNOPSIS

    use v5.16;
    use warnings;

    package Hello;
    use parent 'Vouch::NetServer::INET';    # in place of Net::Server::INET

    Hello->run(
        SSL_cert_file   => '/etc/hello/server-cert.pem',
        SSL_key_file    => '/etc/hello/server-key.pem',
        SSL_verify_mode => 'any',
        log_file        => 'Sys::Syslog',
    );

    sub process_request {
        my ($self) = @_;
        my $line = <STDIN>;
        say 'hello, ', $self->{server}{client}->peer_certificate('cn') // 'stranger';
    }

=head1 DESCRIPTION

A superserver such as inetd, xinetd or systemd accepts connections and starts a
program for each, which finds its client as standard input and output. With
L<Net::Server::INET> any Net::Server program can be such a program; but that
personality never looks at its protocol, so that C<< proto => 'ssl' >> is plain
text there.

This personality speaks TLS. Otherwise it is Net::Server::INET, and all that
L<Net::Server::Proto::VOUCH> says of arguments, of the client and of failures holds.
In addition the program knows the addresses of its client and of itself.

A superserver may give the connection as standard error, too. What Net::Server
logs there would go to the client, in the clear and in the middle of TLS, so
standard error becomes F</dev/null> in this case. Log to a file, or to syslog.

=head2 Programs that cannot be changed

    perl -MVouch::NetServer::INET=instead server.pl --proto=vouch

With the word C<instead> the methods take the place of those of Net::Server::INET,
for programs with C<< proto => 'vouch' >>, or a protocol that is a subclass of
Net::Server::Proto::VOUCH. Others are not touched. The same line in C<PERL5OPT>
makes Net::Server::MultiType, too, do TLS where it becomes INET.

=head1 METHODS

Those that Net::Server calls.

=head2 post_configure

Looks at standard error.

=head2 bind

Reads certificates and keys, while the program may still be root.

=head2 post_accept

Begins TLS on standard input, and ties C<STDIN> and C<STDOUT> to it.

=head2 get_client_info

Asks the connection, as Net::Server does elsewhere.

=head1 ERRORS

Wrong arguments, unreadable files, a protocol that is not TLS, and a standard input
that is no socket end the program with status 1, and the reason is in its log.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>, L<Net::Server::INET>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
