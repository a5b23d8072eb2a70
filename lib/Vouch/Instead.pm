package Vouch::Instead 0.001;

use v5.16;
use warnings;

BEGIN {
    if (my $path = $INC{'IO/Socket/SSL.pm'}) {
        die "Vouch::Instead comes too late: IO::Socket::SSL is loaded from $path; "
            . "use perl -MVouch::Instead, or put \"use Vouch::Instead;\" first\n";
    }
    $INC{'IO/Socket/SSL.pm'} = __FILE__;
}

use Vouch                     ();
use Vouch::Instead::Classes   ();
use Vouch::Instead::NetServer ();
use Vouch::Instead::Socket    ();

# What has been replaced, for who asks.
our @REPLACED = qw(IO::Socket::SSL Net::Server::Proto::SSL);

for my $file (qw(IO/Socket/SSL/Utils.pm)) {
    next if $INC{$file};
    require Vouch::Instead::Utils;
    $INC{$file} = $INC{'Vouch/Instead/Utils.pm'};
    push @REPLACED, $file =~ s{/}{::}gr =~ s/\.pm\z//r;
}

# IO::Socket::SSL loads it, so programs call its functions without asking.
{
    local ($@, $!, $SIG{__DIE__});
    eval { require Net::SSLeay };
}

_tell() if ($ENV{VOUCH_INSTEAD} // q()) eq 'verbose';

sub _tell {
    my $names = join ' and ', @REPLACED;
    printf STDERR "Vouch::Instead: %s (process %d): Vouch %s is in the place of %s\n", $0, $$,
        Vouch->VERSION, $names;
    return;
}

1;

__END__

=head1 NAME

Vouch::Instead - run programs written for IO::Socket::SSL with Vouch

=head1 SYNOPSIS

    $ perl -MVouch::Instead server.pl

    # or, in the program, before whatever loads IO::Socket::SSL:
    use Vouch::Instead;
    use IO::Socket::SSL;

=head1 DESCRIPTION

Takes the place of IO::Socket::SSL: when the program, or a library it uses, loads
that module, it gets a class of that name that is a L<Vouch::Socket>. The real
one is not loaded, and need not be installed. Objects are of the class
C<IO::Socket::SSL>, so code that looks at the class goes on working;
C<$IO::Socket::SSL::SSL_ERROR> is C<$Vouch::Socket::SSL_ERROR>, and
C<< IO::Socket::SSL->VERSION >> is 2.099, whose behaviour Vouch follows.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Instead;
    use IO::Socket::SSL;

    my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => 1);
    say $socket ? 'connected' : $SSL_ERROR;             # prints: cannot connect to 127.0.0.1:1: ...
    say $IO::Socket::SSL::SSL_ERROR eq $SSL_ERROR ? 1 : 0;    # prints: 1
    say IO::Socket::SSL->isa('Vouch::Socket') ? 1 : 0;  # prints: 1
    say IO::Socket::SSL->VERSION;                       # prints: 2.099

=for example end

There are three ways to ask for it:

    $ perl -MVouch::Instead program.pl       # this program
    $ PERL5OPT=-MVouch::Instead program      # and all Perl programs it starts
    use Vouch::Instead;                      # in the program, before all else

With C<VOUCH_INSTEAD=verbose> in the environment each program says once, in one
line on standard error, who it is and what has been replaced:

    Vouch::Instead: server.pl (process 4711): Vouch 0.001 is in the place of
    IO::Socket::SSL and Net::Server::Proto::SSL and IO::Socket::SSL::Utils

(as one line).

=head2 What is in its place

=over 4

=item IO::Socket::SSL

All methods of L<Vouch::Socket>, each also as a function
(C<IO::Socket::SSL::errstr()>). C<use IO::Socket::SSL> exports what the original
exports: the constants C<SSL_VERIFY_...>, C<SSL_WANT_...>, C<SSL_OCSP_...>,
C<GEN_DNS> and C<GEN_IPADD>, and C<$SSL_ERROR>. Of the words that may stand there,
C<inet4> takes IPv4 only, C<inet6> takes that back, and C<debug3> and the like set
C<$IO::Socket::SSL::DEBUG>, which is C<$Net::SSLeay::trace>; Vouch itself prints
nothing. Classes made of it (Net::HTTPS, Net::SMTP's and others) work. What a
listener accepts is of the class C<IO::Socket::SSL> unless C<accept> is told
another, also where the listener's is a subclass. C<SSL_reuse_ctx> takes a socket
that is closed, too, unless it was closed with C<SSL_ctx_free>.

=item Net::Server::Proto::SSL

What L<Net::Server> programs mean by C<< proto => 'ssl' >>: it is
L<Net::Server::Proto::VOUCH>, also where the program has a copy of its own. See
L<Vouch::Instead::NetServer>.

=item IO::Socket::SSL::SSL_Context

A L<Vouch::Context>, with C<new>, which takes the arguments of a socket, and
C<has_session_cache>. As a hash it tells C<context> (the number of OpenSSL's
SSL_CTX), C<verify_mode>, C<session_cache> and C<ocsp_mode>.

=item IO::Socket::SSL::Session_Cache

A L<Vouch::SessionCache>; C<new> returns undef for a size that is none.

=item IO::Socket::SSL::SSL_HANDLE

What a socket is tied to is of this class, among others.

=item IO::Socket::SSL::Utils

L<Vouch::Utils>.

=item Net::SSLeay

is itself, and loaded where it is installed: programs call its functions, in
C<SSL_create_ctx_callback> for example, and rely on IO::Socket::SSL to load it.
Vouch does not use it.

=back

=head2 What was run

These are run in Vouch's own tests, as Debian 12 packages them or Perl 5.36 brings
them, and most of them also with the genuine IO::Socket::SSL 2.081 to see that both
print the same:

=over 4

=item Mojolicious 9.31

Its event loop, as server and client; a web application with C<daemon -l
https://...>, client certificates, keep-alive, web sockets, a certificate for each
host name, resumed sessions (with IO::Socket::SSL none resume); its user agent.

=item LWP::UserAgent 6.68, LWP::Protocol::https 6.10, Net::HTTPS 6.22, Net::HTTPS::NB 0.15

Verified and unverified servers, the texts for those that are refused, client
certificates, keep-alive, five megabytes in and three out, a proxy with CONNECT,
connections that do not block.

=item HTTP::Tiny 0.080

The same, and its time limit.

=item HTTP::Daemon::SSL 1.05_01, on HTTP::Daemon 6.16

As a server with client certificates; what speaks plain HTTP to it is told so.

=item Starman 0.4016 with Net::Server 2.013, Plack 1.0050

C<starman --listen :443:ssl> and C<plackup --ssl=1>.

=item Net::SMTP, Net::POP3, Net::NNTP 3.14, Net::SMTPS 0.10, Mail::IMAPClient 3.43, Net::LDAP 0.68

STARTTLS on the connection that is there, and TLS from the start; servers that are
refused.

=item Net::FTP 3.14

AUTH TLS and back, TLS from the start, data connections in both directions that
resume the session of the control connection.

=item IO::Async 0.802 with IO::Async::SSL 0.24

Server and client. In one process with it:

=item AnyEvent 7.17 (AnyEvent::TLS) and Net::SSLeay 1.92

which do not use IO::Socket::SSL, and go on undisturbed.

=back

Further: classes whose base is IO::Socket::SSL, also as one of two; programs that
C<exec> themselves. Where something you use is missing here, its tests run with
C<PERL5OPT=-MVouch::Instead> too.

=head2 What is not

C<IO::Socket::SSL::OCSP_Resolver> and C<IO::Socket::SSL::OCSP_Cache> die when one
is made, with a sentence: Vouch asks no OCSP responder.
C<IO::Socket::SSL::PublicSuffix>, which is a list of names of half a megabyte, and
C<IO::Socket::SSL::Intercept>, which makes certificates for proxies, stand on
their own: the real ones are loaded if they are installed, and the second one uses
Vouch::Utils then. Where they are not, loading them fails.

=head2 Characters

L<Vouch::Socket> sends strings as files do. IO::Socket::SSL sends the bytes of
Perl's own form: strings that Perl keeps as characters go out in UTF-8, without a
warning, and C<syswrite> counts those bytes, its length and offset too. Programs
that C<use utf8> rely on it, so here it is done that way:

=for example begin

    use v5.16;
    use warnings;
    use utf8;
    use Vouch::Identity;
    use Vouch::Instead;
    use IO::Socket::SSL;

    Vouch::Identity->create(cn => 'localhost', file => 'server');
    my $server = IO::Socket::SSL->new(
        LocalAddr     => '127.0.0.1',
        Listen        => 1,
        SSL_cert_file => 'server-cert.pem',
        SSL_key_file  => 'server-key.pem',
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        my $client = $server->accept or die "no client: $SSL_ERROR\n";
        print $client "\x{fc}ber \x{20ac}\n";
        exit;
    }
    my $socket = IO::Socket::SSL->new(
        PeerAddr    => '127.0.0.1',
        PeerPort    => $server->sockport,
        SSL_ca_file => 'server-cert.pem',
        SSL_verifycn_name => 'localhost',
    ) or die "cannot connect: $SSL_ERROR\n";
    say unpack 'H*', scalar <$socket>;                  # prints: c3bc62657220e282ac0a
    wait;

=for example end

Whatever else differs is told in L<Vouch::Socket/Differences to IO::Socket::SSL>,
and what a program may miss in L<Vouch::Socket/Not there yet>.

=head1 CALLBACKS

Those of L<Vouch::Socket>.

=head1 METHODS

None of its own.

=head1 ERRORS

Dies while it is loaded if IO::Socket::SSL is loaded already, and names the file:
two classes of one name would be mixed up.

=head1 THREADS AND FORK

As L<Vouch::Socket/THREADS AND FORK>.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::Utils>, L<IO::Socket::SSL>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
