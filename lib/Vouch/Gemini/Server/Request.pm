package Vouch::Gemini::Server::Request 0.001;

use v5.16;
use warnings;

use Vouch::Gemini::Request ();

our @ISA = ('Vouch::Gemini::Request');

# A request, and who has sent it: what a handler is given.

sub certificate {
    my ($self) = @_;
    my $peer = $self->{peer};
    return $peer->{certificate} if exists $peer->{certificate};
    return $peer->{certificate} = $peer->{stream} && $peer->{stream}->_peer_certificate;
}

sub chain {
    my ($self) = @_;
    my $peer = $self->{peer};
    return @{ $peer->{chain} // [] } if !$peer->{stream};
    my ($own, @others) = $peer->{stream}->_peer_chain;
    return @others;
}

sub fingerprint {
    my ($self, %how) = @_;
    my $certificate = $self->certificate // return;
    return $certificate->fingerprint(%how);
}

sub address     { return $_[0]->_of_peer(address     => '_peer_host') }
sub server_name { return $_[0]->_of_peer(server_name => '_server_name') }
sub tls_version { return $_[0]->_of_peer(tls_version => '_protocol_name') }
sub cipher      { return $_[0]->_of_peer(cipher      => '_cipher') }

sub _of_peer {
    my ($self, $name, $method) = @_;
    my $peer = $self->{peer};
    $peer->{$name} = $peer->{stream}->$method if !exists $peer->{$name} && $peer->{stream};
    return $peer->{$name};
}

sub now { my ($self) = @_; return $self->{clock} ? $self->{clock}->() : time }

sub param  { my ($self, $name) = @_; return $self->{params}{$name} }
sub params { my ($self) = @_; return $self->{params} //= {} }
sub site   { return $_[0]{site} }
sub input  { return $_[0]->query }
sub body   { return $_[0]{body} }

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Request - a request and who has sent it

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server;

    my $server = Vouch::Gemini::Server->new(
        host => 'localhost', cert => 'server-cert.pem', key => 'server-key.pem');
    $server->get('/hello/:name' => sub {
        my ($request) = @_;
        my $who = $request->certificate ? $request->certificate->common_name : 'a stranger';
        return gemtext('# Hello ' . $request->param('name') . ", says $who\n");
    });

=head1 DESCRIPTION

What a handler of L<Vouch::Gemini::Server> is given: a L<Vouch::Gemini::Request>,
with its methods, and the following ones.

What comes from the peer (names in a certificate, input, a body) is anything at
all. Where it goes into gemtext, mind its line ends: a line of the peer's may be
a link.

=head1 METHODS

=head2 certificate

    my $certificate = $request->certificate or return need_certificate('Who are you?');

The L<Vouch::Certificate> of the client, or undef. It may be self-signed, and
nobody has checked more than that the client has its key, and (unless the server
has C<< dates => 'required' >>) its dates.

=head2 chain

    my @others = $request->chain;

The other certificates that the client has sent.

=head2 fingerprint

    my $text = $request->fingerprint(spelling => 'lower');

As L<Vouch::Certificate/fingerprint>; undef without a certificate.

=head2 param, params

    my $name = $request->param('name');
    my %all  = %{ $request->params };

What the placeholders of the route have matched, decoded.

=head2 input

    my $answer = $request->input // return input('What is your name?');

What the user has typed: the query, decoded. undef if there is none.

=head2 body

    my $bytes = $request->body;

What has been uploaded, in a handler for Titan.

=head2 address

    my $text = $request->address;

The address of the client, without port; undef on a UNIX socket.

=head2 server_name, tls_version, cipher

    say join ' ', $request->server_name // '-', $request->tls_version, $request->cipher;

The name asked for in the handshake, C<TLSv1_3> or C<TLSv1_2>, and the cipher.

=head2 site

    my $site = $request->site;

The L<Vouch::Gemini::Server::Site> of the host that was asked for.

=head2 now

    my $seconds = $request->now;

The time, by the server's C<clock>.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
