package Vouch::Gemini::Client 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed);

use Vouch                     ();
use Vouch::Error              ();
use Vouch::Gemini::Connection ();
use Vouch::Gemini::Identities ();
use Vouch::Gemini::Result     ();
use Vouch::Gemini::URL        ();
use Vouch::KnownHosts         ();

use constant {
    TIMEOUT       => 30,                 # seconds
    DEADLINE      => 600,
    MAX_SIZE      => 64 * 1024 * 1024,
    MAX_REDIRECTS => 5,
    CHUNK         => 65_536,
};

sub Vouch::Gemini::HeaderReader::CLONE_SKIP { return 1 }

my @OPTIONS = qw(known_hosts ca_file fingerprint identities identity ask now timeout deadline
    max_size max_redirects);

sub new {
    my ($class, %arg) = @_;
    my $self = bless {
        timeout       => TIMEOUT,
        deadline      => DEADLINE,
        max_size      => MAX_SIZE,
        max_redirects => MAX_REDIRECTS,
    }, $class;
    for my $name (@OPTIONS) {
        $self->{$name} = delete $arg{$name} if defined $arg{$name};
        delete $arg{$name};
    }
    _wrong('new does not know ' . join ', ', sort keys %arg) if %arg;
    my @trust = grep { defined $self->{$_} } qw(known_hosts ca_file fingerprint);
    _wrong("$trust[0] and $trust[1] exclude each other: choose how to trust") if @trust > 1;
    $self->{known_hosts} = Vouch::KnownHosts->new                             if !@trust;
    return $self;
}

sub get {
    my ($self, $given, %arg) = @_;
    my $url   = _page_url($given);
    my $start = $self->_start(\%arg, _page_of($url), qw(on_header on_body max_size max_redirects identity));
    my @seen;
    while (1) {
        my $result = $self->_ask($start, $url, sub { undef }, _page_of($url));
        $result->{redirects} = [@seen];
        return $result if $result->type ne 'redirect' || !$start->{max_redirects};
        my $next = eval { $result->target };
        $result->{stopped} =
             !$next                            ? 'it leads to no URL'
            : @seen == $start->{max_redirects} ? "it is the one after $start->{max_redirects}"
            : $next->scheme ne $url->scheme    ? 'it leads to another protocol'
            : $next->has_userinfo              ? 'it leads to a URL with a user name'
            : !length($next->host // '')       ? 'it leads to no host'
            :                                    undef;
        return $result if defined $result->{stopped};
        push @seen, $url;
        $url = $next->normalize->ascii;
    }
}

sub upload {
    my ($self, $given, $body, %arg) = @_;
    my ($size, $mime, $token) = delete @arg{qw(size mime token)};
    my $more  = _source($body, \$size);
    my $page  = Vouch::Gemini::URL->new($given)->normalize->ascii;
    my $start = $self->_start(\%arg, $page, qw(on_progress on_header on_body max_size identity));
    my $url   = $page->upload($size, mime => $mime, token => $token);
    return $self->_ask($start, $url, _counted($more, $start->{on_progress}), $page);
}

sub remove {
    my ($self, $url, %arg) = @_;
    return $self->upload($url, q(), %arg);
}

# --- what is asked ----------------------------------------------------------

sub _page_url {
    my ($given) = @_;
    my $url = Vouch::Gemini::URL->new($given);
    _wrong('the URL has a user name, which Gemini does not allow') if $url->has_userinfo;
    return $url->normalize->ascii if ($url->scheme // q()) eq 'gemini' && length($url->host // q());
    return $url
        if ($url->scheme // q()) eq 'titan' && length($url->host // q()) && $url->raw_path =~ /;edit\z/;
    _wrong('the URL must begin with gemini:// and a host');
}

# Where it is that the text to edit is asked of.
sub _page_of {
    my ($url) = @_;
    return $url if $url->scheme ne 'titan';
    return Vouch::Gemini::URL->new("$url" =~ s/;edit(?=[?]|\z)//r)->normalize;
}

# What goes for a whole request, its redirects included.
sub _start {
    my ($self, $arg, $url, @known) = @_;
    my %start = map { $_ => $self->{$_} } qw(max_size max_redirects identity);
    for my $name (@known) {
        $start{$name} = delete $arg->{$name} if defined $arg->{$name};
        delete $arg->{$name};
    }
    _wrong('there is no argument called ' . join ', ', sort keys %$arg) if %$arg;
    $start{url}      = $url;
    $start{deadline} = Vouch::Gemini::Connection->now + $self->{deadline} if $self->{deadline};
    return \%start;
}

# A function that returns the body, piece by piece, and how long it is.
sub _source {
    my ($body, $size) = @_;
    if (!ref $body) {
        _wrong('the body must be bytes; it has wide characters (encode it)') if !utf8::downgrade($body, 1);
        $$size = length $body;
        my $at = 0;
        return sub { my $part = substr $body, $at, CHUNK; $at += length $part; return $part };
    }
    _wrong('the size of what is in a handle must be given') if !defined $$size;
    my $left = $$size;
    return sub {
        return if !$left;
        my $count = read $body, my $bytes, $left < CHUNK ? $left : CHUNK;
        _wrong("the body cannot be read: $!")           if !defined $count;
        _wrong('the body is shorter than it should be') if !$count;
        $left -= $count;
        return $bytes;
    };
}

sub _counted {
    my ($more, $progress) = @_;
    return $more if !$progress;
    my $sent = 0;
    return sub {
        my $part = $more->();
        $progress->($sent += length $part) if length($part // q());
        return $part;
    };
}

# --- one request ------------------------------------------------------------

sub _ask {
    my ($self, $start, $url, $more, $page) = @_;
    my ($who, $name)                       = $self->_identity_for($start, $page);
    my ($connection, $verdict, @warnings)  = $self->_connect($start, $url, $who);
    my $socket = $connection->socket;
    my $result = Vouch::Gemini::Result->_new(
        url         => $page,
        verdict     => $verdict,
        certificate => $socket->certificate,
        tls         => $socket->get_sslversion =~ s/_/./r,
        identity    => $name,
        warnings    => \@warnings,
    );
    push @warnings, 'with TLS 1.2 the certificate and the host\'s name went in the clear'
        if $who && $result->{tls} eq 'TLSv1.2';
    $self->_converse($start, $connection, $result, "$url\r\n", $more);
    $connection->close;
    return $result;
}

sub _converse {
    my ($self, $start, $connection, $result, $line, $more) = @_;
    my $reader = Vouch::Gemini::HeaderReader::_new();
    my @first  = $line;
    my $extra  = 0;
    my $how    = $connection->exchange(
        sub { return @first ? shift @first : $more->() },
        sub {
            my ($bytes) = @_;
            return _take_body($start, $result, $bytes) if $result->{status};
            my ($done, $used) = $reader->_feed($bytes);
            return 0 if !$done;
            _take_header($start, $result, $reader);
            return _take_body($start, $result, substr $bytes, $used) if $result->is_success;
            $extra = length($bytes) - $used;
            return 1;
        }
    );
    Vouch::Error->throw(code => 'closed', message => 'the server closed the connection without an answer')
        if !$result->{status};
    return _end($connection, $result, $how, $extra);
}

sub _take_header {
    my ($start,  $result, $reader) = @_;
    my ($status, $meta,   @faults) = $reader->_facts;
    @$result{qw(status meta)} = ($status, $meta);
    push @{ $result->{warnings} }, @faults;
    $start->{on_header}->($result) if $start->{on_header};
    return;
}

# True once it is enough.
sub _take_body {
    my ($start, $result, $bytes) = @_;
    $result->{size} += length $bytes;
    if ($start->{max_size} && $result->{size} > $start->{max_size}) {
        Vouch::Error->throw(
            code    => 'limit',
            message => "the server sends more than the $start->{max_size} bytes that were to be taken",
        );
    }
    return 0 if !length $bytes;
    if ($start->{on_body}) { $start->{on_body}->($bytes, $result) }
    else                   { $result->{body} .= $bytes }
    return 0;
}

sub _end {
    my ($connection, $result, $how, $extra) = @_;
    if ($how eq 'enough') {
        ($how, my $more) = $connection->drain;
        $extra += $more;
    }
    $result->{closed} = $how eq 'end' ? 1 : 0;
    push @{ $result->{warnings} }, 'the server sends a body with a status that has none' if $extra;
    push @{ $result->{warnings} },
        $how eq 'cut'
        ? 'the server did not say that this was all (close_notify): the end may be missing'
        : 'the server did not end the connection'
        if !$result->{closed};
    return;
}

# --- who we are, and who they are --------------------------------------------

# The identity to show at this URL, and its name.
sub _identity_for {
    my ($self, $start, $url) = @_;
    if (my $own = $start->{identity}) {
        # Shown where the program said so, and below, but not where a
        # redirect leads to.
        return if !Vouch::Gemini::Identities::covers($start->{url}, $url);
        return ($own, scalar $own->certificate->common_name) if blessed $own;
        return ($self->_store->load($own), $own);
    }
    return if !$self->{identities};
    my $name = $self->{identities}->find($url) // return;
    return ($self->{identities}->load($name), $name);
}

sub _store {
    my ($self) = @_;
    return $self->{identities} // _wrong('identity is a name, but there are no identities to look in');
}

sub _connect {
    my ($self, $start, $url, $who) = @_;
    my @more = $who ? (SSL_identity => $who) : ();
    return $self->_connect_known($start, $url, @more) if $self->{known_hosts};
    my @tls =
        defined $self->{ca_file}
        ? (SSL_ca_file => $self->{ca_file})
        : (
        SSL_fingerprint       => $self->{fingerprint},
        SSL_force_fingerprint => 1,
        SSL_verifycn_scheme   => 'none',
        );
    return ($self->_open($start, $url, @tls, @more), undef);
}

# Trust on first use.  Whoever must be asked is asked when the connection is
# gone, and for as long as it takes; then it is made again, for the very
# certificate that was shown.
sub _connect_known {
    my ($self, $start, $url, @tls) = @_;
    my $how = $self->{ask} ? undef : 'always';
    my $connection;
    my $verdict = $self->_try($start, $url, undef, \$connection, @tls);
    if (!$connection) {
        my $answer = $self->_ask_about($start, $verdict);
        _not_trusted($verdict) if !$answer;
        _wrong("ask must return \"once\", \"always\" or nothing, not \"$answer\"")
            if $answer !~ /\A(?:once|always)\z/;
        $how = $answer;
        my $shown = $verdict->certificate->fingerprint;
        $verdict = $self->_try($start, $url, $shown, \$connection, @tls);
        _not_trusted($verdict) if !$connection;
    }
    my @warnings = $verdict->is_known || $how eq 'always' ? $self->_remember($verdict) : ();
    return ($connection, $verdict, @warnings);
}

# How long a person thinks is not the server's time.
sub _ask_about {
    my ($self, $start, $verdict) = @_;
    return if !$self->{ask};
    my $before = Vouch::Gemini::Connection->now;
    my $answer = $self->{ask}->($verdict);
    $start->{deadline} += Vouch::Gemini::Connection->now - $before if $start->{deadline};
    return $answer;
}

# Store what was shown.  Where it cannot be stored the page can be read still,
# but not if meanwhile another certificate was stored.
sub _remember {
    my ($self, $verdict) = @_;
    return if eval { $self->{known_hosts}->accept($verdict); 1 };
    my $error = $@;
    die $error    ## no critic (RequireCarping)
        if !blessed $error || !$error->isa('Vouch::Error') || $error->code eq 'verify';
    return $error->message;
}

# The verdict, and a connection if it is good enough: the known, what the user
# has agreed to, and, where nobody can be asked, all but a changed key.
sub _try {
    my ($self, $start, $url, $agreed, $connection, @tls) = @_;
    my $refused;
    my $judge = sub {
        my ($verdict) = @_;
        return 1
            if defined $agreed
            ? $verdict->certificate->fingerprint eq $agreed
            : !$self->{ask} && !$verdict->is_refused;
        $refused = 1;
        return 0;
    };
    my @trust = $self->{known_hosts}->socket_arguments(
        $url->host, $url->port,
        verdict => \my $verdict,
        now     => $self->{now},
        ask     => $judge
    );
    $$connection = eval { $self->_open($start, $url, @trust, @tls) };
    die $@ if !$$connection && !$refused;    ## no critic (RequireCarping)
    return $verdict;
}

sub _open {
    my ($self, $start, $url, @tls) = @_;
    my $host = $url->host;
    return Vouch::Gemini::Connection->open(
        host     => $host =~ s/%25/%/r,
        port     => $url->port,
        timeout  => $self->{timeout},
        deadline => $start->{deadline},
        tls      => \@tls,
    );
}

sub _not_trusted {
    my ($verdict) = @_;
    return Vouch::Error->throw(code => 'verify', message => $verdict->sentence);
}

sub _wrong { my ($text) = @_; return Vouch::Error->throw(code => 'argument', message => $text) }

1;

__END__

=head1 NAME

Vouch::Gemini::Client - ask Gemini servers for pages, and upload to them with Titan

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Client;

    my $client = Vouch::Gemini::Client->new;
    my $result = $client->get('gemini://localhost/');
    print $result->body if $result->is_success;

=head1 DESCRIPTION

A client that knows whom it talks to before it says anything. The certificate of the server
is judged in the handshake: by trust on first use, with L<Vouch::KnownHosts>, or by
authorities or fingerprints. Only then is a client certificate shown, and the request sent.
What comes back is a L<Vouch::Gemini::Result>.

Every step has a deadline, everything that is read a limit. Redirects are followed, five at
most, not to another protocol, and never with the query of the page before.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Gemini::Client;
    use Vouch::Identity;
    use Vouch::Socket;

    Vouch::Identity->create(cn => 'localhost', file => 'capsule');
    my $server = Vouch::Socket->new(
        LocalAddr     => '127.0.0.1',
        LocalPort     => 0,
        Listen        => 10,
        SSL_cert_file => 'capsule-cert.pem',
        SSL_key_file  => 'capsule-key.pem',
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        for ("31 /new\r\n", "20 text/gemini; lang=en\r\n# Hello\n", "10 Your name?\r\n") {
            my $client  = $server->accept or die "no client: $SSL_ERROR\n";
            my $request = <$client>;
            print $client $_;
            close $client;
        }
        exit;
    }

    my $capsule = 'gemini://localhost:' . $server->sockport;
    my $client  = Vouch::Gemini::Client->new(known_hosts => Vouch::KnownHosts->new(file => 'known_hosts'));
    my $result  = $client->get("$capsule/old");
    print $result->body;                               # prints: # Hello
    say $result->mime, ' ', $result->parameter('lang');    # prints: text/gemini en
    say $result->url eq "$capsule/new" ? 'moved' : 'there';    # prints: moved
    say $result->verdict;                              # prints: match
    say 'complete' if $result->is_closed_properly;     # prints: complete

    my $question = $client->get("$capsule/ask");
    say $question->type, ': ', $question->meta;        # prints: input: Your name?
    say 'ask for ', $question->url->with_query('Alex A.')->raw_query;    # prints: ask for Alex%20A.
    wait;

=for example end

=head1 CALLBACKS

=head2 ask

    my $client = Vouch::Gemini::Client->new(ask => sub {
        my ($verdict) = @_;
        say $verdict->sentence;
        return yes_or_no() ? 'always' : undef;
    });

Called with the L<Vouch::KnownHosts::Verdict> where the host is not known: C<first-use>,
C<changed-after-expiry> or C<changed>. C<always> stores what was shown, C<once> does not;
with anything false the request dies with code C<verify>. Nothing is connected meanwhile,
and the deadline stands still: afterwards the client connects again, and goes on only if it
is shown the same certificate. Without C<ask> the first two are trusted and stored, and
C<changed> is refused.

=head2 on_header, on_body

    $client->get($url, on_body => sub { my ($bytes, $result) = @_; print {$file} $bytes });

C<on_header> is called with the L<Vouch::Gemini::Result> when its status and meta are there,
also for each redirect; C<on_body> with each piece of a success, which then is not kept.
What they die with ends the request and is thrown by it.

=head2 on_progress

    $client->upload($url, $file, size => $size, on_progress => sub { say "$_[0] bytes" });

Called with the number of bytes of an upload that have been handed to the connection.

=head1 METHODS

=head2 new

    my $client = Vouch::Gemini::Client->new(timeout => 10);

Arguments, by name:

=over 4

=item known_hosts

The L<Vouch::KnownHosts> to trust by. Default: the user's.

=item ca_file, fingerprint

Instead: a file of authorities, which must vouch for the server and its name; or the
fingerprints of servers (L<Vouch::Context/Pins>), one or an array reference.

=item identities

A L<Vouch::Gemini::Identities>: who to be where. Default: nobody, anywhere.

=item identity

A L<Vouch::Identity>, or a name in C<identities>, to show at the URL of each request and
below it (L<Vouch::Gemini::Identities/covers>), also after a redirect, but not where one
leads to elsewhere. It goes before C<identities>.

=item ask

See L</CALLBACKS>.

=item timeout

Seconds for the connection to be made, and that the server may let pass without a byte.
Default 30.

=item deadline

Seconds for a whole request with its redirects. Default 600; 0 is no limit.

=item max_size

Bytes that a body may have; 0 is no limit. Default 67108864 (64 MiB).

=item max_redirects

How many to follow. Default 5; 0 returns the redirect.

=item now

The time to judge certificates by, in seconds since 1970.

=back

=head2 get

    my $result = $client->get('gemini://localhost/page', max_size => 1_000_000);

Asks for a page: the URL, as text or L<Vouch::Gemini::URL>, in its normal form, in ASCII and
without fragment. A C<titan:> URL that ends with C<;edit> asks for the text to edit. Arguments:
C<on_header>, C<on_body>, and C<identity>, C<max_size> and C<max_redirects> for this
request.

=head2 upload

    my $result = $client->upload('titan://localhost/page', $bytes, mime => 'text/plain', token => 'secret');
    my $result = $client->upload('gemini://localhost/file', $handle, size => -s $handle);

Uploads bytes, or what is in a handle, to the page, and returns what the server answers; a
redirect is not followed. It goes on reading while it sends, so that the answer of a server
which refuses early is not lost. Arguments: C<size>, C<mime>, C<token>, C<on_progress>,
C<on_header>, C<on_body>, C<identity>, C<max_size>.

=head2 remove

    my $result = $client->remove('titan://localhost/page', token => 'secret');

Asks the server to delete the page: an upload of no bytes.

=head2 TIMEOUT, DEADLINE, MAX_SIZE, MAX_REDIRECTS, CHUNK

    say Vouch::Gemini::Client::MAX_SIZE;

The defaults, and the bytes that are sent in one piece.

=head1 ERRORS

What the server answers is a result, whatever its status. Everything else dies with a
L<Vouch::Error>: C<argument> for wrong arguments; C<format> and C<limit> for a URL that is
none or an answer that is not Gemini or too large; C<verify> if the server is not trusted;
C<timeout>; C<closed> if it ends the connection without an answer; C<system>, C<alert> and
C<tls> for what L<Vouch::Socket> says; and what L<Vouch::KnownHosts> dies with. That a name
is looked up in the DNS has no deadline.

=head1 THREADS AND FORK

A client is a plain Perl object.

=head1 SEE ALSO

L<vouch>, L<Vouch::Gemini::Result>, L<Vouch::Gemini::Identities>, L<Vouch::KnownHosts>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
