package Vouch::Gemini::URL 0.001;

use v5.16;
use warnings;

use Scalar::Util            qw(blessed);
use Vouch                   ();
use Vouch::Error            ();
use Vouch::Gemini::Punycode qw(ascii_host);

use overload
    '""'     => sub { $_[0]{text} },
    'bool'   => sub { 1 },
    fallback => 1;

sub new {
    my ($class, $text) = @_;
    return $text if blessed($text) && $text->isa(__PACKAGE__);
    return bless _parse($text), $class;
}

sub text     { return $_[0]{text} }
sub scheme   { return $_[0]{scheme} }
sub host     { return $_[0]{host} }
sub port     { return $_[0]{port} }
sub has_port { return $_[0]{has_port} // 0 }
sub raw_path { return $_[0]{raw_path} }
sub query    { return $_[0]{query} }
sub fragment { return $_[0]{fragment} }

sub raw_query    { return $_[0]{raw_query} }
sub has_userinfo { return $_[0]{has_userinfo} // 0 }

sub path {
    my ($self) = @_;
    return $self->{path} //= _path($self->{raw_path});
}

sub segments {
    my ($self)   = @_;
    my @segments = split m{/}, $self->normalize->{raw_path}, -1;
    shift @segments;
    return map { _decode($_) } @segments;
}

sub resolve {
    my ($self, $reference) = @_;
    return (ref $self)->new(_resolve($self->{text}, "$reference"));
}

sub normalize {
    my ($self) = @_;
    return (ref $self)->new(_normalize($self->{text}));
}

sub ascii {
    my ($self) = @_;
    return $self if $self->{text} !~ /[^\x00-\x7F]/;
    my ($scheme, $authority, $rest) = $self->{text} =~ m{\A((?:[^/?#]*:)?//)?([^/?#]*)(.*)\z}s;
    if (defined $scheme) {
        my ($user, $host, $port) = $authority =~ /\A(.*@)?(\[.*\]|[^:]*)(.*)\z/s;
        $authority = ($user // q()) . ascii_host($host) . $port;
    }
    my $text = ($scheme // q()) . $authority . $rest;
    return (ref $self)->new($text =~ s/([^\x00-\x7F])/sprintf '%%%02X', ord $1/ger);
}

sub with_query {
    my ($self, $text) = @_;
    my $bare = $self->{text} =~ s/[?#].*//sr;
    return (ref $self)->new(defined $text ? $bare . '?' . _encode($text, 0) : $bare);
}

sub upload {
    my ($self, $size, %arg) = @_;
    my ($mime, $token) = delete @arg{qw(mime token)};
    if (my ($name) = sort keys %arg) {
        Vouch::Error->throw(code => 'argument', message => "upload: no argument is called $name");
    }
    if (!defined $size || $size !~ /\A[0-9]{1,18}\z/) {
        Vouch::Error->throw(code => 'argument', message => 'upload: the size must be a number of bytes');
    }
    return (ref $self)->new(_upload($self->{text}, $size, $mime, $token));
}

sub encode {
    my ($class, $text, %arg) = @_;
    return _encode($text, $arg{slashes} ? 1 : 0);
}

sub decode {
    my ($class, $text) = @_;
    return _decode($text);
}

1;

__END__

=head1 NAME

Vouch::Gemini::URL - a URL of Gemini or Titan

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::URL;

    my $page = Vouch::Gemini::URL->new('gemini://capsule.example/log/2026.gmi');
    my $link = $page->resolve('../about.gmi');
    say $link;          # gemini://capsule.example/about.gmi
    say $link->host;    # capsule.example

=head1 DESCRIPTION

A URL taken apart by RFC 3986, with what Gemini wants stricter: at most 1024 bytes, no
blanks, no control characters, valid UTF-8, and C<%> only before two hexadecimal
digits. Everything is bytes: what is not ASCII is UTF-8, and a program that has
characters encodes them first. As a string it is its text.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Gemini::URL;

    my $url = Vouch::Gemini::URL->new('GEMINI://Capsule.Example/a/../wiki/AC%2FDC?two%20words');
    say $url->scheme;                       # prints: gemini
    say $url->host;                         # prints: capsule.example
    say $url->port;                         # prints: 1965
    say $url->has_port;                     # prints: 0
    say $url->raw_path;                     # prints: /a/../wiki/AC%2FDC
    say $url->path;                         # prints: /wiki/AC/DC
    say join ' + ', $url->segments;         # prints: wiki + AC/DC
    say $url->raw_query;                    # prints: two%20words
    say $url->query;                        # prints: two words
    say $url->has_userinfo;                 # prints: 0
    say $url->fragment // 'no fragment';    # prints: no fragment
    say $url->normalize;                    # prints: gemini://capsule.example/wiki/AC%2FDC?two%20words
    say $url->with_query('a&b');            # prints: GEMINI://Capsule.Example/a/../wiki/AC%2FDC?a%26b
    say $url->resolve('//other.example');   # prints: gemini://other.example
    say Vouch::Gemini::URL->new("gemini://b\xC3\xBCcher.example/\xC3\xBC")->ascii;
    # prints: gemini://xn--bcher-kva.example/%C3%BC
    say $url->text eq "$url" ? 'same' : 'other';    # prints: same

    my $page = Vouch::Gemini::URL->new('gemini://capsule.example/page');
    say $page->upload(12, mime => 'text/plain', token => 'a b');
    # prints: titan://capsule.example/page;size=12;mime=text/plain;token=a%20b

    say Vouch::Gemini::URL->encode('50% of a/b');                  # prints: 50%25%20of%20a%2Fb
    say Vouch::Gemini::URL->encode('50% of a/b', slashes => 1);    # prints: 50%25%20of%20a/b
    say Vouch::Gemini::URL->decode('50%25');                       # prints: 50%

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

=head2 new

    my $url = Vouch::Gemini::URL->new($text);

Takes a URL, or a reference such as C<../page>. Dies with code C<format> if it is none,
C<limit> if it is longer than 1024 bytes. An object is handed back as it is.

=head2 text

    say $url->text;

As it was given.

=head2 scheme, host

    say $url->scheme, '://', $url->host;

In lower case, an IPv6 address without its brackets; undef if there is none.

=head2 port, has_port

    say $url->port;

The port, 1965 if none is written; and whether one is.

=head2 path

    say $url->path;

The path decoded, and then its dot segments resolved, so that no spelling of C<..>
is left in it. Of an empty one: C</>. Dies with code C<format> if it leads above its
root, has a NUL in it or does not begin with a slash.

=head2 raw_path

    say $url->raw_path;

The path as it is written.

=head2 segments

    my ($folder, $name) = $url->segments;

The parts between the slashes of the path, dot segments resolved, each decoded: a
slash written as C<%2F> is inside one. The last is empty if the path ends with a
slash.

=head2 query, raw_query

    say $url->query // 'none';

What comes after C<?>, decoded, and as it is written; undef if there is no C<?>.

=head2 fragment

    say $url->fragment // 'none';

What comes after C<#>, as it is written, or undef.

=head2 has_userinfo

    die 'no names in URLs' if $url->has_userinfo;

Whether a user name (C<name@>) stands before the host, which Gemini does not allow.

=head2 resolve

    my $target = $url->resolve($link);

What a link in the document at this URL leads to.

=head2 normalize

    say $url->normalize;

The same URL as everybody writes it: scheme and host in lower case, the port only where
it is not 1965, C</> for an empty path, dot segments resolved, letters not
percent-encoded, no fragment. Dies with code C<format> without scheme or host.

=head2 ascii

    my $sent = $url->normalize->ascii;

The same URL in ASCII, as it is sent: the host as the DNS has it (C<xn--bcher-kva.example>),
other characters percent-encoded. Dies with code C<format> if the host cannot be a name, and
C<limit> if the URL becomes too long.

=head2 with_query

    my $answer = $url->with_query('what I typed');

The URL with this text, encoded, as its query, as a client answers status 10; without
one for undef.

=head2 upload

    my $titan = $url->upload(length $bytes, mime => 'text/plain', token => $token);

The URL to upload that many bytes to; C<mime> and C<token> may be left out. A size of 0
asks the server to delete the page.

=head2 encode

    say Vouch::Gemini::URL->encode($name, slashes => 1);

Text so that it stands for itself in a path or query: all but letters, digits and
C<-._~> as C<%XX>, slashes as they are if told so.

=head2 decode

    say Vouch::Gemini::URL->decode('a%20b');

The bytes that C<%XX> stand for. Dies with code C<format> for a C<%> without two digits.

=head1 ERRORS

The methods die with a L<Vouch::Error>, whose message holds nothing of the URL.

=head1 THREADS AND FORK

A URL is a plain Perl object.

=head1 SEE ALSO

L<Vouch::Gemini::Request>, L<Vouch::Gemini::Client>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
