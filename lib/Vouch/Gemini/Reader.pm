package Vouch::Gemini::Reader 0.001;

use v5.16;
use warnings;

use Vouch                   ();
use Vouch::Error            ();
use Vouch::Gemini::Response ();

use constant { PORT => 1965, MORE => 0, DONE => 1 };

sub CLONE_SKIP                               { return 1 }
sub Vouch::Gemini::RequestReader::CLONE_SKIP { return 1 }

sub new {
    my ($class, %arg) = @_;
    my ($hosts, $port, $titan, $request) = delete @arg{qw(hosts port titan request_class)};
    if (my ($name) = sort keys %arg) {
        Vouch::Error->throw(code => 'argument', message => "reader: no argument is called $name");
    }
    require Vouch::Gemini::Request;
    return bless {
        core          => Vouch::Gemini::RequestReader::_new($hosts, $port // PORT, $titan ? 1 : 0),
        request_class => $request // 'Vouch::Gemini::Request',
        rest          => '',
    }, $class;
}

sub feed {
    my ($self,  $bytes) = @_;
    my ($state, $used)  = $self->{core}->_feed($bytes);
    return if $state == MORE;
    return $self->{refusal} //=
        Vouch::Gemini::Response->new(status => $self->{core}->_status, meta => $self->{core}->_reason)
        if $state != DONE;
    $self->{rest} .= substr $bytes, $used if $used < length $bytes;
    return $self->{request} //= $self->{request_class}->_of_reader($self->{core}->_request);
}

sub rest {
    my ($self) = @_;
    my $rest = $self->{rest};
    $self->{rest} = '';
    return $rest;
}

sub pending { return $_[0]{core}->_pending }

sub reset {
    my ($self) = @_;
    $self->{core}->_reset;
    @{$self}{qw(refusal request rest)} = (undef, undef, '');
    return $self;
}

1;

__END__

=head1 NAME

Vouch::Gemini::Reader - makes requests of the bytes that a server receives

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Request;

    my $reader = Vouch::Gemini::Request->reader(hosts => ['localhost']);
    while (sysread STDIN, my $bytes, 2048) {
        my $got = $reader->feed($bytes) // next;
        print $got->isa('Vouch::Gemini::Response') ? $got->header : "20 text/plain\r\nHello " . $got->path;
        last;
    }

=head1 DESCRIPTION

Bytes in, a request or a refusal out, by the rules of Gemini 0.24.1: exactly 1024 bytes of
URL, then CR and LF. It answers 59 (bad request) to a longer URL, a CR or LF alone, bytes
after the end (but the body of an upload), NULs and control characters, blanks, invalid
UTF-8, C<%> without two digits, a URL without scheme or host, with a user name or a
fragment, a path that leads above its root, and parameters of Titan that are wrong; and 53
(proxy request refused) to another scheme, host or port, and to uploads unless told that
they are welcome. It keeps no more than one request's bytes, and knows no sockets and no
time: a server sets a deadline of its own for those who do not go on.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Gemini::Reader;

    my $reader = Vouch::Gemini::Reader->new(hosts => ['localhost'], port => 1965);
    $reader->feed('gemini://loc');
    say $reader->pending;                              # prints: 12
    my $refusal = $reader->feed("alhost/#top\r\n");
    print $refusal->header;                            # prints: 59 the URL has a fragment, ...
    say $reader->pending;                              # prints: 0
    my $request = $reader->reset->feed("gemini://localhost/\r\n");
    say $request->path, length $reader->rest;          # prints: /0

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

=head2 new

    my $reader = Vouch::Gemini::Reader->new(hosts => ['localhost'], port => 1965, titan => 1);

C<hosts> are the names (and addresses, without brackets) that the server answers for, in
any case: C<*.example.org> stands for all below it, C<*> for any. C<port> is the one that
URLs name, 1965 unless given; 0 takes any. C<titan> true takes uploads.
C<request_class> makes requests of a subclass of L<Vouch::Gemini::Request>. Dies with code
C<argument>.

=head2 feed

    my $got = $reader->feed($bytes);

undef when the request is not complete; else the L<Vouch::Gemini::Request>, or the
L<Vouch::Gemini::Response> to send because it is refused. It stays that until C<reset>.
A refusal comes as early as it is certain.

=head2 rest

    my $body = $reader->rest;

The bytes after the line of an upload that were fed: the beginning of its body. They are
handed out once.

=head2 pending

    return 'idle' if !$reader->pending;

How many bytes of an unfinished request there are.

=head2 reset

    $reader->reset;

Forgets everything, to read another request. Returns the reader.

=head1 ERRORS

What clients do wrong is told by C<feed>; these methods die with a L<Vouch::Error> only for
arguments.

=head1 THREADS AND FORK

A reader belongs to its thread: in another it is undef.

=head1 SEE ALSO

L<Vouch::Gemini::Request>, L<Vouch::Gemini::Response>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
