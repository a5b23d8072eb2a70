package Vouch::Gemini::Server::Session 0.001;

use v5.16;
use warnings;

use Errno        qw(EAGAIN EINTR);
use Scalar::Util qw(blessed reftype);
use Time::HiRes  qw(CLOCK_MONOTONIC clock_gettime);

use Vouch::Gemini::Response        ();
use Vouch::Gemini::Server::Access  ();
use Vouch::Gemini::Server::Program ();
use Vouch::Gemini::Server::Request ();

# One connection: bytes in, bytes out.  Knows no sockets, never waits.
#
#   header -> [body] -> [program] -> answer -> done
#
# The answer is what output() hands out; with "done" the connection is to be
# closed, properly unless is_cut().

use constant PIECE => 65_536;    # bytes of a file that are read at once

sub _new {
    my ($class, $server, $peer) = @_;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    return bless {
        server   => $server,
        peer     => $peer,
        state    => 'header',
        began    => $now,
        deadline => $now + $server->{header_timeout},
        bytes    => 0,
    }, $class;
}

sub is_done { return $_[0]{state} eq 'done' }
sub is_cut  { return $_[0]{cut} }

# Whether the peer may go on sending although it has its answer: then it must
# be let, or it will not see the answer.
sub is_early { return $_[0]{early} }

# The state of its answer, for who asks while it waits for a program.
sub program { return $_[0]{state} eq 'program' || $_[0]{source_program} ? $_[0]{program} : undef }

sub receive {
    my ($self, $bytes) = @_;
    my $state = $self->{state};
    if    ($state eq 'header') { $self->_header($bytes) }
    elsif ($state eq 'body')   { $self->_body($bytes) }
    return;
}

# The peer sends no more.
sub receive_end {
    my ($self) = @_;
    my $state = $self->{state};
    if ($state eq 'header') {
        return $self->_finish if !$self->{reader} || !$self->{reader}->_pending;
        return $self->_refuse(59, 'The request has no end');
    }
    if ($state eq 'body') {
        my ($got, $size) = (length $self->{body}, $self->{request}->size);
        return $self->_refuse(59, "The upload has ended after $got of $size bytes");
    }
    return;
}

# The deadline has passed.
sub expire {
    my ($self) = @_;
    my $state = $self->{state};
    if ($state eq 'header') {
        return $self->_finish if !$self->{reader} || !$self->{reader}->_pending;
        $self->{early} = 1;
        return $self->_refuse(59, 'The request has taken too long');
    }
    if ($state eq 'body') {
        $self->{early} = 1;
        return $self->_refuse(59, 'The upload has taken too long');
    }
    return $self->_respond($self->{program}->expire) if $state eq 'program';
    $self->{program}->expire                         if $self->{hungry};
    return $self->_cut;
}

sub deadline { return $_[0]{deadline} }

# The peer has gone.
sub abandon {
    my ($self) = @_;
    $self->_cut if $self->{state} ne 'done';
    return;
}

sub _header {
    my ($self, $bytes) = @_;
    my $server = $self->{server};
    my $reader = delete $self->{reader} // pop @{ $server->{readers} } // $server->_new_reader;
    my ($request, $rest) = $reader->_take($bytes, 'Vouch::Gemini::Server::Request');
    if (!defined $request) { $self->{reader} = $reader; return }
    push @{ $server->{readers} }, $reader;
    if (!ref $request) {
        $self->{early} = 1;
        $self->_refuse($request, $rest) if !$self->_is_too_fast;
        return;
    }
    $self->{request}  = $request;
    $request->{peer}  = $self->{peer};
    $request->{clock} = $server->{clock};
    eval { $self->_dispatch($request, $rest); 1 } or $self->_failed($@);
    return;
}

# 44 before anything else is done for the peer.
sub _is_too_fast {
    my ($self)  = @_;
    my $rate    = $self->{server}{rate} // return 0;
    my $address = $self->{request} ? $self->{request}->address : _address($self->{peer});
    return 0 if !defined $address;
    return $self->_slow_down($rate, Vouch::Gemini::Server::Rate::key_of($address));
}

sub _address {
    my ($peer) = @_;
    $peer->{address} = $peer->{stream}->_peer_host if !exists $peer->{address} && $peer->{stream};
    return $peer->{address};
}

sub _slow_down {
    my ($self, $rate, $key) = @_;
    my $seconds = $rate->wait_for($key, clock_gettime(CLOCK_MONOTONIC)) || return 0;
    $self->{early} = 1;
    $self->_refuse(44, $seconds);
    return 1;
}

sub _dispatch {
    my ($self, $request, $rest) = @_;
    my $server = $self->{server};
    $self->{early} = 1 if $request->{is_titan};
    return if $server->{rate} && $self->_is_too_fast;
    my $site = $request->{site} = $server->{by_name}{ $request->{host} }
        // $server->_site_of($request->{host});
    return $self->_refuse(53, 'This host is not the one that TLS was asked for')
        if $server->{name_counts} && !$server->_is_named($site, $request->server_name);
    my $certificate = $request->certificate;
    return if $certificate && $self->_is_refused($certificate, $request);
    my $router = $site->{router};
    my $path   = $request->{path};

    if (@{ $router->{rules} } && (my $rule = $router->rule($path))) {
        my $answer = $rule->refusal($request);
        return $self->_respond($answer) if $answer;
    }
    my ($route, $params) = $router->find($request->{scheme}, $path);
    return $self->_respond($site->_nothing($request)) if !$route;
    @$request{qw(route params)} = ($route, $params);
    my $answer = $route->{require} && $route->{require}->refusal($request);
    return $self->_respond($answer)        if $answer;
    return $self->_upload($request, $rest) if $request->{is_titan};
    return $self->_run($request);
}

# Whether a certificate is too fast, or not valid.
sub _is_refused {
    my ($self, $certificate, $request) = @_;
    my $server = $self->{server};
    return 1
        if $server->{certificate_rate}
        && $self->_slow_down($server->{certificate_rate}, $request->fingerprint(of => 'spki'));
    my $problem = $server->{dates} eq 'always'
        && Vouch::Gemini::Server::Access::date_problem($certificate, $request->now);
    return 0 if !$problem;
    $self->_respond($problem);
    return 1;
}

sub _upload {
    my ($self, $request, $rest) = @_;
    my $answer = $request->{route}->_upload_problem($request);
    return $self->_respond($answer) if $answer;
    return $self->_run($request)    if $request->{is_edit};
    $self->{state}    = 'body';
    $self->{body}     = '';
    $self->{body_end} = clock_gettime(CLOCK_MONOTONIC) + $self->{server}{body_timeout};
    return $self->_body($rest);
}

sub _body {
    my ($self, $bytes) = @_;
    my $request = $self->{request};
    my $size    = $request->{size};
    $self->{body} .= $bytes;
    my $got = length $self->{body};
    return $self->_refuse(59, "The upload is longer than the $size bytes it was to have") if $got > $size;
    if ($got < $size) {
        my $next = clock_gettime(CLOCK_MONOTONIC) + $self->{server}{idle_timeout};
        $self->{deadline} = $next < $self->{body_end} ? $next : $self->{body_end};
        return;
    }
    $self->{early}   = 0;
    $request->{body} = delete $self->{body};
    my $done = eval { $self->_run($request); 1 };
    $self->_failed($@) if !$done;
    return;
}

sub _run {
    my ($self, $request) = @_;
    my $answer = $request->{route}{code}->($request);
    return $self->_respond($answer)  if blessed $answer && $answer->isa('Vouch::Gemini::Response');
    return $self->_wait_for($answer) if _is($answer, 'Vouch::Gemini::Server::Program');
    my $given = defined $answer ? "'$answer'" : 'undef';
    die "the handler has returned $given, not an answer such as gemtext(...)\n";
}

sub _wait_for {
    my ($self, $program) = @_;
    $self->{program} = $program;
    $self->{state}   = 'program';
    return $self->proceed;
}

# Something has happened to the program.
sub proceed {
    my ($self) = @_;
    my $program = $self->{program};
    if ($self->{state} eq 'program') {
        $self->{deadline} = $program->deadline;
        my $response = $program->proceed // return;
        $self->_respond($response);
    }
    return;
}

# The program's mistake is told to the program, not to the peer.
sub _failed {
    my ($self, $error) = @_;
    my $what = $self->{request} ? Vouch::Gemini::Server::Log::escape($self->_shown_url) : 'a request';
    $self->{server}->_complain("$what: " . (eval { "$error" } // ref $error));
    return if $self->{state} eq 'answer' || $self->{state} eq 'done';
    return $self->_refuse(40, 'Something has gone wrong here');
}

sub _refuse {
    my ($self, $status, $meta) = @_;
    return $self->_respond(Vouch::Gemini::Response->new(status => $status, meta => $meta));
}

sub _respond {
    my ($self, $response) = @_;
    my $body = $response->{body};
    @$self{qw(state status deadline)} =
        ('answer', $response->{status}, clock_gettime(CLOCK_MONOTONIC) + $self->{server}{idle_timeout});
    delete $self->{body} if defined $self->{body};
    if (!ref $body) { $self->{out} = $response->{header} . $body; return }
    $self->{out}    = $response->{header};
    $self->{source} = $body;
    return if !_is($body, 'Vouch::Gemini::Server::Program');
    $self->{source_program} = 1;
    $self->{program}        = $body;
    return;
}

sub _is { return blessed $_[0] && $_[0]->isa($_[1]) }

# The next bytes to send: '' for nothing now (wait for the program, or ask
# again a little later), undef for no more.
sub output {
    my ($self) = @_;
    my $out = delete $self->{out};
    if (!defined $out) {
        return    if $self->{state} eq 'done';
        return '' if $self->{state} ne 'answer';
        $out = $self->_piece;
        if (!defined $out) { $self->_finish; return }
    }
    $self->{bytes} += length $out;
    return $out;
}

# The whole answer, if it is made and short, and nothing else is to be done but
# to send it; and back with it if that was not possible.
sub _whole {
    my ($self) = @_;
    return if $self->{state} ne 'answer' || $self->{source} || $self->{early};
    my $out = $self->{out};
    $self->{bytes} = length $out;
    return $out;
}

# It has been sent.
sub _end {
    my ($self) = @_;
    $self->{state} = 'done';
    $self->_log if $self->{server}{log};
    return;
}

sub _take_back {
    my ($self, $out, $sent) = @_;
    $self->{out}   = substr $out, $sent // 0;
    $self->{bytes} = $sent // 0;
    return;
}

# Some of it has gone: the peer is there.
sub progress {
    my ($self) = @_;
    $self->{deadline} = clock_gettime(CLOCK_MONOTONIC) + $self->{server}{idle_timeout};
    return;
}

sub _piece {
    my ($self) = @_;
    my $source = $self->{source} // return;
    my $piece;
    my $good = eval {
        $piece =
              $self->{source_program}   ? $self->_of_program($source)
            : reftype $source eq 'CODE' ? $source->()
            :                             $self->_of_file($source);
        die "the function that makes the body has returned wide characters: encode them\n"
            if defined $piece && !utf8::downgrade($piece, 1);
        1;
    };
    return $piece if $good;
    $self->_failed($@);
    $self->{cut} = 1;
    return;
}

# While there is nothing the program's own deadline counts.
sub _of_program {
    my ($self, $program) = @_;
    $program->expire if $program->is_over;
    my $piece = $program->next_piece;
    $self->{cut}      = 1 if $program->is_cut;
    $self->{hungry}   = defined $piece && $piece eq '';
    $self->{deadline} = $program->deadline if $self->{hungry};
    return $piece;
}

sub _of_file {
    my ($self, $file) = @_;
    my $count = sysread $file, my $piece, PIECE;
    return $piece                if $count;
    return ''                    if !defined $count && ($!{EAGAIN} || $!{EINTR});
    die "reading the body: $!\n" if !defined $count;
    return;
}

sub _cut {
    my ($self) = @_;
    $self->{cut} = 1;
    return $self->_finish;
}

sub _finish {
    my ($self) = @_;
    return if $self->{state} eq 'done';
    $self->{state} = 'done';
    $self->{program}->end if $self->{program};
    my $reader = delete $self->{reader};
    if ($reader) { $reader->_reset; push @{ $self->{server}{readers} }, $reader }
    $self->_log if $self->{server}{log} && $self->{status};
    delete @$self{qw(source program body out)};
    return;
}

sub _log {
    my ($self)  = @_;
    my $log     = $self->{server}{log};
    my $request = $self->{request};
    $log->write({
        status  => $self->{status},
        bytes   => $self->{bytes},
        seconds => clock_gettime(CLOCK_MONOTONIC) - $self->{began},
        cut     => $self->{cut},
        url     => $request ? $self->_shown_url : '-',
        $log->{address}                 ? (address     => _address($self->{peer}))                    : (),
        $log->{certificate} && $request ? (fingerprint => $request->fingerprint(spelling => 'lower')) : (),
    });
    return;
}

# Without what the user has typed, and without the token.
sub _shown_url {
    my ($self)  = @_;
    my $request = $self->{request};
    my $port    = $request->{has_port}    ? ":$request->{port}"  : '';
    my $host    = $request->{host} =~ /:/ ? "[$request->{host}]" : $request->{host};
    return "$request->{scheme}://$host$port$request->{raw_path}";
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Session - one connection, bytes in and bytes out

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server;

    my $server = Vouch::Gemini::Server->new(host => 'localhost', cert => 'server-cert.pem', key => 'server-key.pem');
    my $session = $server->session(certificate => undef, address => '127.0.0.1');
    $session->receive("gemini://localhost/\r\n");    # as it comes
    while (defined(my $out = $session->output)) { print $out }

=head1 DESCRIPTION

L<Vouch::Gemini::Server> inside the event loop of another program, which does the
TLS: it tells the session what has arrived, and sends what the session hands out.
L<Vouch::Gemini::Server/In another program> has an example. The server's own loop
uses nothing else.

=head1 METHODS

=head2 receive

    $session->receive($bytes);

Takes what has arrived, as much or as little as it was. A handler may run in it.

=head2 receive_end

    $session->receive_end;

The peer sends no more.

=head2 output

    my $bytes = $session->output;

What is to be sent now. It is undef once there is no more: close the connection.
The empty text says that there is nothing yet: before the request is complete,
and while a program or a function that makes the body has nothing to say; ask
again after the next C<receive>, or L</proceed>, or a moment. Ask for more
when what there was is sent, and not before: that is how a slow peer slows down
what it is sent.

=head2 progress

    $session->progress;

Some of it has been sent. Without that, L</deadline> comes.

=head2 is_done, is_cut

    $client->close if $session->is_done;

Whether there is nothing left to do; and whether the answer was broken off. Then
close the connection without the goodbye of TLS (C<close_notify>), so that the peer
sees that it does not have all of it.

=head2 is_early

    my $lingers = $session->is_early;

Whether the answer was given before the peer has said all it may want to say, as
when an upload is refused. Then send C<close_notify>, but go on reading what
comes for some seconds before the connection is closed. Else the peer's system
throws the answer away.

=head2 deadline, expire

    $session->expire if $now >= $session->deadline;

When to call C<expire>, on the monotonic clock (C<CLOCK_MONOTONIC> of
L<Time::HiRes>). It may lead to an answer.

=head2 program, proceed

    if (my $program = $session->program) { my %events = $program->wants; ... }

Where a CGI or SCGI is to answer: its L<Vouch::Gemini::Server::Program>, or undef.
When one of the descriptors that C<wants> tells is ready (1 for reading, 2 for
writing), call C<proceed>, and ask for L</output>.

=head2 abandon

    $session->abandon;

The peer has gone.

=head2 PIECE

    my $size = Vouch::Gemini::Server::Session::PIECE;

How many bytes of a file are read at once: 65,536.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
