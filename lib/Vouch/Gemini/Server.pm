package Vouch::Gemini::Server 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(reftype weaken);

use Vouch::Error                   ();
use Vouch::Gemini::Server::Answers ();
use Vouch::Gemini::Server::Log     ();
use Vouch::Gemini::Server::Loop    ();
use Vouch::Gemini::Server::Rate    ();
use Vouch::Gemini::Server::Request ();
use Vouch::Gemini::Server::Session ();
use Vouch::Gemini::Server::Site    ();
use Vouch::Gemini::Server::Workers ();
use Vouch::Listener                ();
use Vouch::Socket                  ();

use constant { PORT => 1965, BACKLOG => 512 };

my %SECONDS = (
    header_timeout => 30,
    body_timeout   => 300,
    idle_timeout   => 30,
    grace          => 30,
);
my %KNOWN = map { $_ => 1 } keys %SECONDS, qw(
    host cert key identity address port url_port workers log rate certificate_rate dates clock listener
    socket on_error on_start on_reload
);

# The functions that make answers, for the program.
sub import {
    my ($class, @words) = @_;
    return Vouch::Gemini::Server::Answers->export_to_level(1, $class, @words);
}

# --- set-up ------------------------------------------------------------------

sub new {
    my ($class, %arg) = @_;
    if (my ($name) = grep { !$KNOWN{$_} } sort keys %arg) {
        _wrong("new does not know $name");
    }
    my $self = bless { %SECONDS, %arg, sites => [], by_name => {}, readers => [] }, $class;
    _check_seconds($_, $self->{$_}) for sort keys %SECONDS;
    $self->{dates} //= 'always';
    _wrong("dates is 'always' or 'required', not '$self->{dates}'")
        if $self->{dates} !~ /\A(?:always|required)\z/;
    for my $name (qw(rate certificate_rate)) {
        $self->{$name} = Vouch::Gemini::Server::Rate->new($arg{$name}) if defined $arg{$name};
    }
    for my $name (grep { defined $arg{$_} } qw(clock on_error on_start on_reload)) {
        _wrong("$name must be a function") if (reftype $arg{$name} // '') ne 'CODE';
    }
    $self->{log} = Vouch::Gemini::Server::Log->new($arg{log}) if defined $arg{log};
    _wrong('workers must be a whole number, 1 or more') if ($arg{workers} // 1) !~ /\A[1-9][0-9]{0,3}\z/;
    $self->host($arg{host}, map { $_ => $arg{$_} } grep { defined $arg{$_} } qw(cert key identity));
    return $self;
}

sub _check_seconds {
    my ($name, $value) = @_;
    return
           if defined $value
        && !ref $value
        && $value =~ /\A(?:[0-9]{1,9}(?:\.[0-9]*)?|\.[0-9]+)\z/
        && $value > 0;
    return _wrong("$name must be a number of seconds above 0, not '" . ($value // 'undef') . "'");
}

sub _wrong {
    my ($text) = @_;
    return Vouch::Error->throw(code => 'argument', message => $text);
}

sub host {
    my ($self, $names, %how) = @_;
    my @names = map { lc s/\A\[(.*)\]\z/$1/sr } grep { defined } ref $names ? @$names : $names;
    _wrong('host must be the name that clients ask for, or a list of names') if !@names;
    _wrong('hosts must be added before the server listens')                  if $self->{listening};
    my %own = map { $_ => delete $how{$_} } grep { defined $how{$_} } qw(cert key identity);
    if (my ($name) = sort keys %how) { _wrong("host does not know $name") }
    _wrong("the first host needs a certificate: give cert and key, or identity")
        if !@{ $self->{sites} } && !%own;
    my $site = Vouch::Gemini::Server::Site->_new($self, @names);

    for my $name (@names) {
        _wrong("there is a host $name already") if $self->{by_name}{$name};
        $self->{by_name}{$name} = $site;
    }
    $site->{own} = \%own;
    push @{ $self->{sites} }, $site;
    $self->{name_counts} = @{ $self->{sites} } > 1;
    return $site;
}

# The first site's.
for my $name (qw(get titan static cgi scgi redirect require)) {
    my $method = Vouch::Gemini::Server::Site->can($name);
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    *$name = sub { my ($self, @arg) = @_; $self->{sites}[0]->$method(@arg); return $self };
}

sub sites { return @{ $_[0]{sites} } }

sub _takes_uploads { my ($self) = @_; @$self{qw(titan readers)} = (1, []); return }

# --- listening ---------------------------------------------------------------

sub listen {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self) = @_;
    return $self if $self->{listening};
    my %more = %{ $self->{listener} // {} };
    $more{on_error} = $self->_guarded($more{on_error}) if $more{on_error};
    $self->{listening} =
        $self->{socket}
        ? Vouch::Listener->new(Socket => $self->{socket}, $self->tls, %more)
        : $self->_listen($self->tls, %more);
    return $self;
}

# A function of the program's that tells of failed handshakes must not end the
# server by dying.
sub _guarded {
    my ($self, $code) = @_;
    return sub {
        my ($failure) = @_;
        eval { $code->($failure); 1 } or $self->_complain("on_error: $@");
    };
}

# All addresses, if the program does not say one; there may be no IPv6.
sub _listen {
    my ($self, %arg) = @_;
    my $port  = $self->{port} // PORT;
    my @where = defined $self->{address} ? $self->{address} : ('::', '0.0.0.0');
    my $reason;
    for my $address (@where) {
        my $listener = Vouch::Listener->new(
            LocalAddr => $address,
            LocalPort => $port,
            Listen    => BACKLOG,
            ReuseAddr => 1,
            ($address eq '::' ? (V6Only => 0) : ()),
            %arg,
        );
        return $listener if $listener;
        $reason //= Vouch::Socket->last_error;
    }
    die $reason;
}

sub port {
    my ($self) = @_;
    return $self->{listening} ? $self->{listening}->sockport : $self->{port} // PORT;
}

# Arguments for Vouch::Socket and whatever makes such sockets.
sub tls {
    my ($self) = @_;
    my (%files, %identities);
    for my $site (@{ $self->{sites} }) {
        my $own = $site->{own};
        next if !%$own;
        my @names = ($site == $self->{sites}[0] ? '' : (), $site->names);
        for my $name (@names) {
            $identities{$name}           = $own->{identity}            if $own->{identity};
            $files{SSL_cert_file}{$name} = $own->{cert}                if defined $own->{cert};
            $files{SSL_key_file}{$name}  = $own->{key} // $own->{cert} if defined $own->{cert};
        }
    }
    return (
        SSL_server      => 1,
        SSL_verify_mode => Vouch::Socket::VOUCH_VERIFY_ANY,
        %files,
        %identities ? (SSL_identity => \%identities) : (),
    );
}

sub run {
    my ($self) = @_;
    $self->{stopped} = 0;
    my $listener = $self->listen->{listening};
    my $workers  = $self->{workers} // 1;
    if ($workers > 1) {
        Vouch::Gemini::Server::Workers->new($self, $workers)->run($listener);
    }
    else {
        $self->{on_start}->() if $self->{on_start};
        Vouch::Gemini::Server::Loop->new($self)->run($listener);
    }
    delete $self->{listening};
    return;
}

# In one of several workers, all of them.
sub stop {
    my ($self) = @_;
    $self->{stopped} = 1;
    kill TERM => $self->{parent} if $self->{parent};
    return;
}

sub serve {
    my ($self, $socket) = @_;
    return Vouch::Gemini::Server::Loop->new($self)->serve($socket);
}

sub session {
    my ($self, %peer) = @_;
    if (my $socket = delete $peer{socket}) { weaken($peer{stream} = tied *$socket) }    # it is the program's
    return Vouch::Gemini::Server::Session->_new($self, \%peer);
}

# New certificates, authorities and log file; connections go on.
sub reload {
    my ($self) = @_;
    my @steps = (
        sub { $self->{listening}->context->reload if $self->{listening} },
        sub { $self->{log}->reopen                if $self->{log} },
        sub { $self->{on_reload}->()              if $self->{on_reload} },
    );
    for my $step (@steps) {
        eval { $step->(); 1 } or $self->_complain("reload: $@");
    }
    $_->_reload for @{ $self->{sites} };
    return;
}

# --- for the sessions --------------------------------------------------------

sub _complain {
    my ($self, $text) = @_;
    $text =~ s/\s+\z//;
    if   ($self->{on_error}) { $self->{on_error}->($text) }
    else                     { warn "$text\n" }
    return;
}

# Readers are used again and again: one is in a connection only until the
# request is complete, which mostly is at once.
sub _new_reader {
    my ($self) = @_;
    return Vouch::Gemini::Server::Request->reader(
        hosts => [map { $_->names } @{ $self->{sites} }],
        port  => $self->{url_port} // $self->port,
        titan => $self->{titan} ? 1 : 0,
    )->{core};
}

# The site of a host that the reader has let pass.
sub _site_of {
    my ($self, $host) = @_;
    return $self->{by_name}{$host} // $self->_site_above($host) // $self->{sites}[0];
}

sub _site_above {
    my ($self, $host) = @_;
    my ($parent) = $host =~ /\A[^.]+\.(.+)\z/;
    return ($parent && $self->{by_name}{"*.$parent"}) || $self->{by_name}{'*'};
}

# Whether TLS was asked for a name that is not another site's.
sub _is_named {
    my ($self, $site, $name) = @_;
    return 1 if !defined $name;
    my $other = $self->{by_name}{ lc $name } // $self->_site_above(lc $name) // return 1;
    return $other == $site;
}

1;

__END__

=encoding utf8

=head1 NAME

Vouch::Gemini::Server - a server for Gemini and Titan

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server;

    my $server = Vouch::Gemini::Server->new(host => 'localhost', cert => 'server-cert.pem', key => 'server-key.pem');
    $server->get('/' => sub { my ($request) = @_; return gemtext("# Hello\n") });
    $server->get('/account' => sub {
        my ($request) = @_;
        my $cert = $request->certificate or return need_certificate('Who are you?');
        return gemtext('# Hello ' . $cert->common_name . "\n");
    });
    $server->static('/files' => '/srv/gemini');
    $server->run;

=head1 DESCRIPTION

Functions for paths, files of folders, CGI and SCGI programs, several hosts with a
certificate each, uploads with Titan. Clients are asked for a certificate and may
have any or none; functions and rules decide what it is good for.

One process serves any number of connections at once, slow and silent ones among
them, and several processes may share the work. A function is called when a
request is complete, and while it runs its process does nothing else: what takes
its time belongs into a program (L</Programs>) or a body that is made bit by bit.

=for example begin

    use v5.16;
    use warnings;
    use IO::Socket::IP;
    use Vouch::Gemini::Server;
    use Vouch::Identity;
    use Vouch::Socket;

    Vouch::Identity->create(cn => 'localhost', file => 'server');
    Vouch::Identity->create(cn => 'Alex',      file => 'client');

    my $server = Vouch::Gemini::Server->new(
        host    => 'localhost',
        cert    => 'server-cert.pem',
        key     => 'server-key.pem',
        address => '127.0.0.1',
        port    => 0,                 # any that is free
    );
    $server->get('/hello/:name' => sub {
        my ($request) = @_;
        return gemtext('# Hello ' . $request->param('name') . "\n");
    });
    $server->get('/account' => sub {
        my ($request) = @_;
        my $cert = $request->certificate or return need_certificate('Who are you?');
        return gemtext('You are ' . $cert->common_name . "\n");
    });
    $server->require('/members' => ['SHA256:' . '00' x 32]);
    $server->listen;

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) { $server->run; exit }

    for my $path ('/hello/Kim', '/account', '/members/list') {
        for my $certificate ('', 'client') {
            my $socket = Vouch::Socket->new(
                PeerAddr        => '127.0.0.1',
                PeerPort        => $server->port,
                SSL_verify_mode => SSL_VERIFY_NONE,    # Vouch::Gemini::Client looks closer
                $certificate ? (SSL_cert_file => 'client-cert.pem', SSL_key_file => 'client-key.pem') : (),
            ) or die "$SSL_ERROR\n";
            print $socket 'gemini://localhost:' . $server->port . "$path\r\n";
            print join(' | ', map { s/\s+\z//r } <$socket>), "\n";
        }
    }
    kill TERM => $pid;
    waitpid $pid, 0;

    # prints: 20 text/gemini | # Hello Kim
    # prints: 20 text/gemini | # Hello Kim
    # prints: 60 Who are you?
    # prints: 20 text/gemini | You are Alex
    # prints: 60 Show a certificate, please
    # prints: 61 This certificate is not among those that may see this

=for example end

=head2 Requests

A request is refused before any function sees it: with 59 if it is longer than
1024 bytes, is no absolute URL, has a user, a fragment, a bare line end, control
characters, what is not UTF-8, or bytes behind it; with 53 if its scheme, host or
port are others than the server's (C<host>, C<url_port>), or TLS was asked for the
name of another of its hosts; with 62 if the certificate has expired or is not
valid yet (C<dates>); with 44 if somebody is too fast (C<rate>). The rules are
those of L<Vouch::Gemini::Request>. An empty path is C</>, and no C<..> leads
above it. Every answer ends with the goodbye of TLS, close_notify, but those that were
broken off: that is how a client knows that it has all of it.

=head2 Routes

    $server->get('/' => sub { ... });
    $server->get('/page/:name' => sub { my ($request) = @_; $request->param('name') ... });
    $server->get('/wiki/*page' => sub { ... });

A path is compared as it is decoded. C<:name> stands for one segment, or a part of
it; C<*name> for all the rest, slashes too; C<*> and C<**> match the same and have
no name. A route without any of these comes first, then the others in their order,
then files and programs, of which the longest prefix counts. L</FUNCTIONS> make the
answers.

=head2 Who may see what

    $server->require('/members' => 'certificate');
    $server->require('/editors' => ['SHA256:5f70...', 'sha256$spki$ab12...']);
    $server->require('/office'  => { ca => 'office-ca.pem' });
    $server->get('/account' => { require => $accounts } => sub { ... });

A rule for a path and all below it; the longest counts. A route may have one of its
own, in addition. Without a certificate the answer is 60, with one that is not
among them 61, with one that is not valid at the moment 62. What may be required:

=over 4

=item C<'certificate'>

Any certificate.

=item a list of fingerprints

Of certificates or of keys, in every usual spelling (L<Vouch::Context/Pins>). The
list is looked at each time, so the program may change it while the server runs;
a text in it that is no fingerprint then lets nobody in.

=item C<< { ca => FILE } >>, or a L<Vouch::Authorities>

Whom one of the authorities in the file has signed. C<reload> reads it again.

=item L<Vouch::Accounts>, L<Vouch::Trust>, and what else has C<find> or C<allows>

Who has an account; who is in the list.

=item a function

It is given the certificate and the request, and returns true, false, or an answer.

=back

=head2 Bodies made bit by bit

    $server->get('/count' => sub {
        my $n = 0;
        return success('text/plain', sub { return $n < 1000 ? $n++ . "\n" : undef });
    });

A body may be a handle, or a function that returns the next bytes, undef at the
end, and the empty text if there is nothing now: then it is asked again a tenth
of a second later. It is asked when the client has taken what there was. If it
dies, the answer is broken off.

=head2 Files

    $server->static('/' => '/srv/gemini', listing => 1);

Regular files below the folder; names that begin with a dot, and links that lead out
of it, are not there. For a folder its F<index.gmi> is served, else, with
C<listing>, what is in it. The type follows from the suffix. A file F<.meta> in a
folder says otherwise for the files beside it, one rule in a line; the last that
fits counts:

    # a comment
    *.gmi:     ;lang=de
    notes*:    text/plain; charset=utf-8
    old.gmi:   31 new.gmi
    secret.gmi: 51 There is no such page

Parameters are added to the type, a type takes its place, and a status with its
text is the answer.

=head2 Programs

    $server->cgi('/cgi-bin' => '/srv/cgi-bin');
    $server->scgi('/app' => '/run/app.sock', variables => 'jetforce');

A program prints a whole answer: a header, C<20 text/gemini>, with its line end, and
after 20 a body. It runs in its own folder and process group with a small
environment. One that prints no header, or one that is none, dies before, or is
silent for C<timeout> seconds is answered for with 42 (SCGI: 43); one that is
killed or times out later has its answer broken off. It is read as fast as the
client reads.

The variables are GATEWAY_INTERFACE, GEMINI_URL, PATH_INFO, QUERY_STRING (as it was
sent), REMOTE_ADDR, REMOTE_HOST, REQUEST_METHOD (empty, or C<TITAN>), SCRIPT_NAME,
SERVER_NAME, SERVER_PORT, SERVER_PROTOCOL, SERVER_SOFTWARE, for uploads
CONTENT_LENGTH, CONTENT_TYPE and TITAN_TOKEN, and those of a set, for programs that
were written for another server:

    vouch      AUTH_TYPE, REMOTE_USER (common name), TLS_CLIENT_HASH (SHA256:lower),
               TLS_CLIENT_HASH_B64, TLS_CLIENT_SPKI_HASH, TLS_CLIENT_SERIAL_NUMBER,
               TLS_CLIENT_SUBJECT, TLS_CLIENT_ISSUER, TLS_CLIENT_NOT_BEFORE,
               TLS_CLIENT_NOT_AFTER, TLS_VERSION, TLS_CIPHER
    molly      molly-brown: TLS_CLIENT_HASH in bare hexadecimal, *_CN, SCRIPT_PATH
    gmid       REMOTE_USER is the whole name, GEMINI_URL_PATH, GEMINI_SEARCH_STRING
    gmnisrv    TLS_CLIENT_HASH (SHA256:UPPER), QUERY_STRING decoded
    jetforce   TLS_CLIENT_HASH (SHA256:UPPER), TLS_CLIENT_HASH_B64, HOSTNAME
    glv        GLV-1.12556: TLS_CLIENT_SUBJECT_*, TLS_CLIENT_ISSUER_*, TLS_CLIENT_REMAIN
    apache     the same server's SSL_CLIENT_S_DN, SSL_CLIENT_I_DN, SSL_PROTOCOL ...

=head2 Uploads

    $server->titan('/page/:name' => { max => '1 MB', fingerprints => \@known } => sub {
        my ($request) = @_;
        save($request->param('name'), $request->body);
        return redirect('/page/' . $request->param('name'));
    });

What is not allowed, too large, of a wrong type or without the token is refused
before the upload is read, and so that the client can read the answer: see
L<Vouch::Gemini::Server::Site/titan>. More or fewer bytes than were promised are
answered with 59, and the function is not called.

=head2 Several hosts

    my $blog = $server->host('blog.example', cert => 'blog-cert.pem', key => 'blog-key.pem');
    $blog->static('/' => '/srv/blog');

Each is a L<Vouch::Gemini::Server::Site>, with the certificate that is shown to who
asks for its name in the handshake. One without a certificate has the first host's.

=head2 The access log

    2026-11-30T14:05:20Z 20 1016 2.9 gemini://localhost/page/Start

When, status, bytes, milliseconds, and what was asked for, without what the user has
typed and without an token of an upload; C<cut> at the end if the answer was broken
off. C<-> stands for a request that was none. There is no address, and no
fingerprint, unless asked for:

    log => { to => 'access.log', address => 1, certificate => 1 }

All but printable ASCII is written as C<\xHH>.

=head2 In another program

C<serve> takes a connection that a program has accepted, for instance in a
Net::Server:

    sub process_request {
        my ($self, $client) = @_;
        $server->serve($client);
    }

An event loop that does the TLS itself has a session for each connection,
L<Vouch::Gemini::Server::Session>: bytes in, bytes out. The folder F<examples> has
F<gemini-mojo.pl>.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server;
    use Vouch::Identity;

    my $server = Vouch::Gemini::Server->new(
        host     => 'localhost',
        identity => Vouch::Identity->create(cn => 'localhost'),
    );
    $server->get('/' => sub { return gemtext("# Hello\n") });

    my $session = $server->session(certificate => undef, address => '127.0.0.1');
    $session->receive('gemini://local');
    $session->receive("host/\r\n");
    while (defined(my $out = $session->output)) { print $out }
    say 'done' if $session->is_done;

    # prints: 20 text/gemini
    # prints: # Hello
    # prints: done

=for example end

=head1 FUNCTIONS

C<gemtext>, C<success>, C<input>, C<sensitive_input>, C<redirect>,
C<redirect_permanently>, C<temporary_failure>, C<unavailable>, C<slow_down>,
C<failure>, C<not_found>, C<gone>, C<bad_request>, C<need_certificate>,
C<not_authorised> and C<bad_certificate> are exported and described in
L<Vouch::Gemini::Server::Answers>.

=head1 METHODS

=head2 new

    my $server = Vouch::Gemini::Server->new(
        host => 'localhost', cert => 'server-cert.pem', key => 'server-key.pem');

Dies with a L<Vouch::Error> for a wrong argument. Files are read by C<listen>.

=over 4

=item host

The name that clients ask for, or a list of names. C<*.example.org> is for all names
below that. Others are answered with 53.

=item cert, key, identity

Files with the certificate and its key, or a L<Vouch::Identity>.

=item address, port

Where to listen: all addresses, and 1965. Port 0 is any that is free.

=item url_port

The port that URLs have, where it is another one; 0 for any.

=item socket

A socket that listens already.

=item workers

How many processes share the work; 1.

=item log

A file, a handle or a function for L</The access log>. Default: none.

=item on_error

A function that is told, in one text, of mistakes: a function for a route that has
died, a program that prints nonsense, a file that cannot be read again. Default:
they are warnings.

=item rate, certificate_rate

How often one address, and one certificate's key, may ask: C<'30/60'> for 30 times in
60 seconds, also C<'10/5m'>. Above that the answer is 44 with the seconds to wait.
Addresses of IPv6 count by their first 64 bits; each process counts for itself.
Default: no limit.

=item dates

C<'always'>, the default: a certificate that is not valid now is answered with 62,
whatever it was shown for. C<'required'>: only where one is required.

=item clock

A function that returns the time in seconds since 1970, by which dates are judged.

=item header_timeout, body_timeout, idle_timeout

Seconds for a request to be complete (30), for an upload to be (300), and without
progress in either direction (30).

=item grace

Seconds that SIGTERM leaves to what runs (30).

=item listener

More arguments for L<Vouch::Listener>, as a hash reference: C<PerAddress>,
C<MaxConnections>, C<HandshakeTimeout>, C<on_error>, C<SSL_cipher_list> ...

=item on_start, on_reload

Functions to call in each process when it begins, and at each C<reload>.

=back

=head2 get, titan, static, cgi, scgi, redirect, require

    $server->get('/' => sub { ... });

Of the first host: see L<Vouch::Gemini::Server::Site>. They return the server.

=head2 host

    my $site = $server->host('two.example', cert => 'two-cert.pem', key => 'two-key.pem');
    my $site = $server->host(['three.example', '*.three.example'], identity => $identity);

Adds a host, before the server listens.

=head2 sites

    my @sites = $server->sites;

=head2 listen

    $server->listen;

Opens the port; C<run> does it itself. Dies with a L<Vouch::Error> if that cannot be
done. Returns the server.

=head2 port

    say $server->port;

=head2 run

    $server->run;

Serves until SIGTERM, SIGINT, or C<stop>; then no more connections are accepted, and
it returns when what runs is finished, at the latest after C<grace> seconds. SIGHUP
does L</reload>.

=head2 stop

    $server->get('/stop' => { require => \@admins } => sub { $server->stop; return gemtext("Bye\n") });

Ends C<run>, as SIGTERM does; called in one of several workers, of all.

=head2 reload

    $server->reload;

Reads certificates, keys, and authorities again, opens the log anew, and calls
C<on_reload>. Connections go on. What cannot be read is told to C<on_error>, and
stays as it was.

=head2 tls

    my %arguments = $server->tls;

The arguments C<SSL_...> for sockets that others make: the certificates of all hosts,
and that clients are asked for one.

=head2 serve

    $server->serve($client);

Serves one L<Vouch::Socket> whose handshake is done, to its end.

=head2 session

    my $session = $server->session(certificate => $certificate, address => $address);

A L<Vouch::Gemini::Server::Session>. What the peer is may be told: C<certificate> (a
L<Vouch::Certificate> or undef), C<chain> (the others it has sent), C<address>,
C<server_name>, C<tls_version>, C<cipher>; or C<socket>, a L<Vouch::Socket>, which
is then asked.

=head2 PORT, BACKLOG

    my $port = Vouch::Gemini::Server::PORT;

1965, and 512 connections that the kernel keeps waiting. Not exported.

=head1 ERRORS

A mistake of the program dies with a L<Vouch::Error>. What goes wrong while serving
costs that request: the peer is told no more than a status and a general sentence,
and C<on_error> the rest.

=head1 THREADS AND FORK

A server belongs to the thread that made it. A program may fork after C<listen>, and
parent and child may both C<run>; C<workers> does no more than that.

=head1 SEE ALSO

L<Vouch::Gemini::Client>, L<Vouch::Accounts>, L<Vouch::Socket>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
