package Vouch 0.001;

use v5.16;
use warnings;

use XSLoader ();

XSLoader::load(__PACKAGE__, __PACKAGE__->VERSION);

# Whether this can be an address that Net::SSLeay has got from OpenSSL: a wrong
# number would end the program.
sub _is_address {
    my ($value) = @_;
    return
           defined $value
        && !ref $value
        && $value =~ /\A[1-9][0-9]{4,18}\z/
        && $value % 8 == 0
        && _is_mapped($value, 8);
}

1;

__END__

=head1 NAME

Vouch - TLS for Perl servers that know their peers by their certificates

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Socket;

    my $server = Vouch::Socket->new(
        LocalAddr       => 'localhost',
        LocalPort       => 1234,
        Listen          => 10,
        SSL_cert_file   => 'server-cert.pem',
        SSL_key_file    => 'server-key.pem',
        SSL_verify_mode => VOUCH_VERIFY_ANY,    # ask for a certificate, accept any
    ) or die "cannot listen: $SSL_ERROR\n";

    my $client = $server->accept or die "no client: $SSL_ERROR\n";
    say $client->get_fingerprint // 'somebody without a certificate';

=head1 DESCRIPTION

A TLS client can prove who it is with a certificate. Where everybody makes their
own, nobody has to be asked for one, and there is no password to steal: the
server remembers the certificate's fingerprint, and knows its client the next
time. Vouch is for servers in Perl that work like this, and for the clients that
talk to them. It does TLS with authorities, as browsers do, just as well.

It is a C core on OpenSSL 3 with a Perl face. The face is the interface of
IO::Socket::SSL: a program that uses that module runs with one word changed.

=head2 Where to find what

=over 4

=item L<Vouch::Socket>

The socket: listen, accept, connect, read, write; who the peer is. Start here.

=item L<Vouch::Context>

Whom to accept: pins, callback, authorities. Who we are. Settings of TLS.
Changing them while the server runs.

=item L<Vouch::Certificate>

What is in a certificate: names, dates, key, fingerprints.

=item L<Vouch::Identity>

Making, loading, renewing and saving keys and certificates.

=item L<Vouch::Key>, L<Vouch::Utils>

One private key; making and signing certificates with the functions of
IO::Socket::SSL::Utils.

=item L<Vouch::VerifyContext>

OpenSSL's verdict, in a verify callback.

=item L<Vouch::KnownHosts>, L<Vouch::Accounts>, L<Vouch::Trust>

Trust on first use: what hosts have shown before. Accounts of people who are known
by their certificates. Lists of who may enter, and who may not.

=item L<Vouch::Gemini::Server>

A server for Gemini and Titan: functions for paths, files, programs, uploads, rules
about who may see what.

=item L<Vouch::Lock>, L<Vouch::Lock::Server>

Locks that processes and hosts share: take one, hold it while an object lives.
L<Vouch::Lock::Mojo>, L<Vouch::Lock::IOAsync> and L<Vouch::Lock::AnyEvent> wait in
loops of events.

=item L<Vouch::Gemini::Client>, L<Vouch::Gemini::Identities>, L<Vouch::Gemini::Gemtext>

Pages of Gemini, uploads with Titan; which certificate to show where; reading and writing
gemtext.

=item L<Vouch::Error>

What Vouch dies with.

=item L<Vouch::Flom>

Locks for the Perl scripts, and for the C programs, that were written for FLoM.

=item L<Vouch::Instead>

Running programs for IO::Socket::SSL that cannot be changed.

=item L<vouch>

The command: C<vouch cert> makes certificates, C<vouch fingerprint> shows them,
C<vouch check> tells how a server does TLS; C<vouch get>, C<put> and C<serve> are for
Gemini, C<vouch trust> and C<vouch identity> for whom to trust and who to be.

=back

=head2 The first time, and every time after

This server has no list of users. It lets in anybody, and tells who has been here
before: trust on first use, in a dozen lines.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::Socket;

    Vouch::Identity->create(cn => 'localhost', file => 'server');
    Vouch::Identity->create(cn => $_, file => lc) for qw(Alex Berta);

    my $server = Vouch::Socket->new(
        LocalAddr       => '127.0.0.1',
        LocalPort       => 0,
        Listen          => 10,
        SSL_cert_file   => 'server-cert.pem',
        SSL_key_file    => 'server-key.pem',
        SSL_verify_mode => VOUCH_VERIFY_ANY,
    ) or die "cannot listen: $SSL_ERROR\n";

    my %visits;
    for my $visitor (qw(alex berta alex), '') {
        visit($visitor);
        my $client = $server->accept or die "no client: $SSL_ERROR\n";
        my $pin    = $client->get_fingerprint;
        say !defined $pin      ? 'somebody'
            : $visits{$pin}++  ? 'welcome back'
            :                    'nice to meet you, ' . $client->peer_certificate('cn');
        print $client "goodbye\n";
    }

    # prints: nice to meet you, Alex
    # prints: nice to meet you, Berta
    # prints: welcome back
    # prints: somebody

    # A client, in a process of its own, with a certificate or without.
    sub visit {
        my ($name) = @_;
        return if fork != 0;
        my $socket = Vouch::Socket->new(
            PeerAddr        => '127.0.0.1',
            PeerPort        => $server->sockport,
            SSL_verify_mode => SSL_VERIFY_NONE,
            $name ? (SSL_cert_file => "$name-cert.pem", SSL_key_file => "$name-key.pem") : (),
        ) or die "cannot connect: $SSL_ERROR\n";
        my $answer = <$socket>;
        exit;
    }

=for example end

The common name is what the client says about itself. Only the fingerprint is
proven: that this is who came with it the last time.

=head2 Three ways to trust

=over 4

=item Anybody, by name

C<< SSL_verify_mode => VOUCH_VERIFY_ANY >>, as above. The program looks at the
fingerprint after C<accept> and decides what the client may do.

=item Those on a list

C<< SSL_verify_mode => SSL_VERIFY_PEER, SSL_fingerprint => \@pins,
SSL_force_fingerprint => 1 >>. Others do not get in. The list can be changed while
the server runs: L<Vouch::Context/Pins>.

=item Those somebody else vouches for

C<< SSL_verify_mode => SSL_VERIFY_PEER, SSL_ca_file => 'authority.pem' >>: OpenSSL
checks the chain, the dates and the purpose. This is also how a client checks a
server of the Web, where the system's authorities are the default.

=back

A callback can replace or refine all of these: L<Vouch::Socket/CALLBACKS>.

=head2 Defaults

TLS 1.2 and 1.3. Clients check the server, its name included. Handshakes end after
30 seconds, and connections of a server on which nothing moves after 300. Servers
that ask for certificates issue no session tickets. A setting that is unknown or
cannot be enforced is an error.

=head1 CALLBACKS

This module has none; see L<Vouch::Socket/CALLBACKS>.

=head1 METHODS

This module has none but C<< Vouch->VERSION >>. The others load it.

=head1 ERRORS

Mistakes in a program, its settings and its files are exceptions, which name the
argument or the file: L<Vouch::Error>. What a network and a peer can do is a false
return value, with C<$!> and C<$SSL_ERROR>: L<Vouch::Socket/ERRORS>.

=head1 THREADS AND FORK

The rules for all of Vouch, with the details in L<Vouch::Socket/THREADS AND FORK>:

=over 4

=item *

Objects stay in the thread that made them. In a new thread their copies are of no
use, and do no harm. A thread may make its own.

=item *

After a C<fork>, the process that uses a connection goes on with it, and the other's
C<close> or C<exit> does not disturb it.

=item *

Vouch sets no signal handler, changes no locale and prints nothing. SIGPIPE is not
raised by its connections.

=back

=head1 SEE ALSO

L<IO::Socket::SSL>, L<Net::SSLeay>, L<https://docs.openssl.org/>

=head1 AUTHOR

The Vouch authors. F<SECURITY.md> in the distribution says how to report a hole.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself. See F<LICENSE>.

=cut
