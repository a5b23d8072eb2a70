package Vouch::Gemini::Response 0.001;

use v5.16;
use warnings;

use Vouch        ();
use Vouch::Error ();

my @TYPES = qw(input success redirect temporary permanent certificate);
my %META  = (20 => 'text/gemini');

sub new {
    my ($class, %arg) = @_;
    my ($status, $meta, $body) = delete @arg{qw(status meta body)};
    if (my ($name) = sort keys %arg) {
        _fail("new: no argument is called $name");
    }
    _fail('status: must be a number such as 20') if !defined $status || $status !~ /\A[0-9]{2}\z/;
    $meta //= $META{$status} // ($status >= 40 ? _status_text($status) : undef) // '';
    if (defined $body && !ref $body) {
        _fail('body: must be bytes; it has wide characters (encode it)') if !utf8::downgrade($body, 1);
        _fail("body: none may come with status $status")                 if length $body && $status !~ /\A2/;
    }
    return bless {
        status => 0 + $status,
        meta   => $meta,
        body   => $body // '',
        header => _header($status, $meta),
    }, $class;
}

sub status { return $_[0]{status} }
sub meta   { return $_[0]{meta} }
sub body   { return $_[0]{body} }
sub header { return $_[0]{header} }

sub type { my ($self) = @_; return $TYPES[$self->{status} / 10 - 1] }

sub meaning { my ($self) = @_; return _status_text($self->{status}) }

sub bytes {
    my ($self) = @_;
    _fail('bytes: the body is not a text but made by a program') if ref $self->{body};
    return $self->{header} . $self->{body};
}

sub _fail { my ($text) = @_; return Vouch::Error->throw(code => 'argument', message => $text) }

1;

__END__

=head1 NAME

Vouch::Gemini::Response - what a Gemini server answers

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Response;

    my $page  = Vouch::Gemini::Response->new(status => 20, body => "# Hello\n");
    my $who   = Vouch::Gemini::Response->new(status => 60, meta => 'Who are you?');
    my $moved = Vouch::Gemini::Response->new(status => 31, meta => '/new/place');

=head1 DESCRIPTION

A status, a meta and perhaps a body, checked when they are put together, so that nothing
which is not Gemini leaves the server. Everything is bytes: a program that has characters
encodes them as UTF-8 first.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Gemini::Response;

    my $page = Vouch::Gemini::Response->new(status => 20, meta => 'text/plain', body => "Hello\n");
    print $page->header;      # prints: 20 text/plain
    print $page->body;        # prints: Hello
    say length $page->bytes;  # prints: 21

    my $gone = Vouch::Gemini::Response->new(status => 52);
    say join ', ', $gone->status, $gone->meta, $gone->type, $gone->meaning;
    # prints: 52, gone, permanent, gone

    eval { Vouch::Gemini::Response->new(status => 51, meta => "not\r\nfound") };
    say $@->message;          # prints: meta: it has a control character in it

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

=head2 new

    my $response = Vouch::Gemini::Response->new(status => 20, meta => 'text/gemini', body => $text);

C<status> is one of the specification's. C<meta> is the prompt for 1x, the MIME type for 2x
(C<text/gemini> unless given), the URL for 3x, and a sentence for the others (by default
what the status means); at most 1024 bytes of UTF-8 without control characters. C<body>
is for 2x only: bytes, or a reference, which a server may know how to send. Dies with code
C<argument> for anything else.

=head2 status, meta, body

    say $response->status;

As given; a body is empty if there is none.

=head2 type

    say $response->type;

By the first digit of the status: C<input>, C<success>, C<redirect>, C<temporary>,
C<permanent>, C<certificate>.

=head2 meaning

    say $response->meaning;

What the status means in English, such as C<not found>.

=head2 header

    print {$socket} $response->header;

The line to send: status, meta, CR and LF.

=head2 bytes

    print {$socket} $response->bytes;

Header and body. Dies with code C<argument> if the body is a reference.

=head1 ERRORS

The methods die with a L<Vouch::Error>.

=head1 THREADS AND FORK

A response is a plain Perl object.

=head1 SEE ALSO

L<Vouch::Gemini::Request>, L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
