package Vouch::Error 0.001;

use v5.16;
use warnings;

use overload
    '""'     => sub { $_[0]->text },
    'bool'   => sub { 1 },
    fallback => 1;

# What explains a connection that failed; undef if it is not known.
my @FAILURE = qw(cause side alert peer server_name hint details);

sub new {
    my ($class, %facts) = @_;
    return bless {
        code    => $facts{code} // 'unknown',
        message => _line($facts{message} // 'unknown error'),
        errno   => $facts{errno}   // 0,
        library => $facts{library} // 0,
        file    => $facts{file},
        line    => $facts{line},
        map { $_ => _line($facts{$_}) } @FAILURE,
    }, $class;
}

sub _line {
    my ($text) = @_;
    return defined $text ? $text =~ s/[\x00-\x1f\x7f]/?/gr : undef;
}

sub code    { return $_[0]{code} }
sub message { return $_[0]{message} }
sub errno   { return $_[0]{errno} }
sub library { return $_[0]{library} }
sub file    { return $_[0]{file} }
sub line    { return $_[0]{line} }

sub cause       { return $_[0]{cause} }
sub side        { return $_[0]{side} }
sub alert       { return $_[0]{alert} }
sub peer        { return $_[0]{peer} }
sub server_name { return $_[0]{server_name} }
sub hint        { return $_[0]{hint} }
sub details     { return $_[0]{details} }

sub text {
    my ($self) = @_;
    return $self->{message} if !defined $self->{file};
    return "$self->{message} at $self->{file} line $self->{line}.\n";
}

sub throw {
    my ($class, %facts) = @_;
    my $level = 0;
    # Tell the program where it called us, not where we noticed.
    while (my ($package, $file, $line) = caller $level++) {
        @facts{qw(file line)} = ($file, $line);
        last if $package !~ /\A(?:Vouch|IO::Socket)(?:::|\z)/;
    }
    die $class->new(%facts);
}

# What a Vouch::Stream knows of its failure, but for what is given.
sub _of_stream {
    my ($class, $stream, %facts) = @_;
    return $class->new(%{ $stream->_failure }, %facts);
}

# Errors of the set-up that are among the usual causes too.
my %AT_SETUP = (
    mismatch => {
        cause => 'bad_pair',
        side  => 'ours',
        hint  => 'SSL_cert_file and SSL_key_file must have been made together',
    },
);

# Called by XS.
sub _throw {
    my ($code, $message, $errno, $library) = @_;
    Vouch::Error->throw(
        code    => $code,
        message => $message,
        errno   => $errno,
        library => $library,
        %{ $AT_SETUP{$code} // {} },
    );
}

1;

__END__

=head1 NAME

Vouch::Error - what went wrong, as an exception

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Context;

    my $context = eval { Vouch::Context->new(SSL_ca_file => 'authorities.pem') };
    if (!$context) {
        my $error = $@;
        die $error if !ref $error || !$error->isa('Vouch::Error') || $error->code ne 'file';
        warn 'no authorities: ', $error->message, "\n";
    }

=head1 DESCRIPTION

Vouch dies with one of these where the program, its settings or its files are
wrong; L<Vouch::Socket/last_error> returns one for what happened on a connection.
As a string it is the message, and where it was thrown, the file and line of the
program that called Vouch. It is always true.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Certificate;
    use Vouch::Error;

    eval { Vouch::Certificate->from_file('nowhere.pem') };
    my $error = $@;
    say $error->code;                # prints: file
    say $error->message;             # prints: nowhere.pem: cannot read: No such file or directory
    say $error->errno == 2 ? 'ENOENT' : 'another';    # prints: ENOENT
    say $error->library;             # prints: 0
    say $error->line;                # prints: ...
    say $error->file;                # prints: ...
    print $error->text;              # prints: nowhere.pem: cannot read: ... at ... line ...

    my $own = Vouch::Error->new(code => 'limit', message => 'too many visitors');
    say "$own";                      # prints: too many visitors
    eval { Vouch::Error->throw(code => 'limit', message => 'too many visitors') };
    print $@;                        # prints: too many visitors at ... line ...

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

=head2 new

    my $error = Vouch::Error->new(code => 'limit', message => 'too many visitors');

Makes an error without throwing it. Arguments, by name: C<code> (default
C<unknown>), C<message>, C<errno> (0), C<library> (0), and, undef unless given,
C<file>, C<line>, C<cause>, C<side>, C<alert>, C<peer>, C<server_name>, C<hint>,
C<details>. Control characters become question marks.

=head2 throw

    Vouch::Error->throw(code => 'limit', message => 'too many visitors');

Makes one and dies with it. C<file> and C<line> become those of the first caller
that is not Vouch.

=head2 code

    if ($error->code eq 'password') { ... }

The kind of failure, one word, which stays the same from release to release:

    argument   the caller passed something that cannot be used
    memory     there is no memory left
    system     a system call failed: see errno
    file       a file cannot be read or written
    format     the bytes are not what they should be
    password   a key needs a password, or another one
    mismatch   key and certificate do not belong together
    exists     a file is there and was not to be replaced
    limit      larger than allowed
    config     settings that exclude each other, or that OpenSSL refuses
    tls        TLS failed on our side
    alert      the peer ended it with an alert
    verify     the peer's certificate was refused
    timeout    the time is over
    closed     the connection ended too early, or is closed

C<expired>, C<busy> and C<unknown> are set aside.

=head2 message

    warn $error->message, "\n";

What happened, in one line for people, with the name of the argument or file. It
may become clearer from release to release; do not match it.

=head2 text

    print {*STDERR} $error->text;

The message, followed by "at FILE line N." and a line end if it was thrown. What
the object is as a string.

=head2 errno

    local $! = $error->errno;

The number of the system's error, or 0.

=head2 library

    printf "%08X\n", $error->library;

OpenSSL's number of its error, or 0.

=head2 file, line

    say join ':', $error->file, $error->line;

Where the program called Vouch; undef if the error was not thrown.

=head2 cause

    say 'they need a certificate' if ($error->cause // '') eq 'no_certificate';

Why a TLS connection failed, as one word that stays the same from release to
release; undef if it was not about one.

    plain_http      the other end speaks HTTP without TLS
    not_tls         it speaks something else: SSH, SMTP, any bytes; or both
                    ends are clients, or servers
    protocol        no version of TLS in common
    cipher          no cipher, group or signature in common
    alpn            no application protocol in common
    untrusted       the certificate is self-signed, or its authority unknown
    expired         it is out of date
    not_yet_valid   its first day has not come
    name            it is for another name
    purpose         it is for another use
    weak            its key or its signature is too weak
    revoked         it was revoked, or there is no list to know from
    staple          its OCSP staple is missing or not right
    not_pinned      it is not among the pins
    callback        SSL_verify_callback said no
    refused         the certificate was refused, and no reason given
    bad_pair        a key that does not belong to the certificate
    no_certificate  the client has shown none
    timeout         no answer in time
    closed          the other end closed without a word
    reset           the connection was broken
    unknown         none of these

Which end's certificate it is about follows from C<side> and from who you are. An
alert says less than the refusing side knows: C<untrusted> also stands for a
callback there that refused, and C<cipher> for servers that refuse for many reasons
with C<handshake_failure>.

=head2 side

    warn 'they refused us' if ($error->side // '') eq 'theirs';

Who refused: C<ours>, or C<theirs>, the other end. undef where nobody did:
a time limit, a network.

=head2 alert

    say $error->alert // 'none';

The TLS alert that the refusing side sent, by its name in RFC 8446
(C<unknown_ca>, C<certificate_required>); undef if there was none.

=head2 peer

    say $error->peer // 'unknown';

The other end: C<127.0.0.1:1965>, C<[::1]:1965>, C<unix>; undef if it is not
known. Where no TCP connection was made: the host and port as they were given.

=head2 server_name

    say $error->server_name // 'none';

The name that the client asked the server for (SNI), or undef. What is no
letter or sign of ASCII becomes a question mark.

=head2 hint

    say $error->hint // 'none';

What to do about it, for people, or undef. May change, as the message.

=head2 details

    warn $error->message, '; ', $error->details, "\n";

Peer, name, side, alert and hint in one line, as they stand at the end of
C<$SSL_ERROR>; undef where there is no peer to speak of.

=head1 ERRORS

These methods do not fail.

=head1 THREADS AND FORK

A plain Perl object, which can be copied into threads and processes.

=head1 SEE ALSO

L<Vouch::Socket/ERRORS>, L<Vouch::Context/ERRORS>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
