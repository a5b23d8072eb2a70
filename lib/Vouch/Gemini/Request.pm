package Vouch::Gemini::Request 0.001;

use v5.16;
use warnings;

use parent 'Vouch::Gemini::URL';

use Vouch::Gemini::Reader ();

sub reader {
    my ($class, %arg) = @_;
    return Vouch::Gemini::Reader->new(%arg, request_class => $class);
}

# Made by the reader only.
sub new { return Vouch::Error->throw(code => 'argument', message => 'new: ask reader() for requests') }

sub _of_reader {
    my ($class, $facts) = @_;
    return bless $facts, $class;
}

sub url {
    my ($self) = @_;
    return $self->{url} //= Vouch::Gemini::URL->new($self->{text});
}

sub is_titan { return $_[0]{is_titan} // 0 }
sub is_edit  { return $_[0]{is_edit}  // 0 }
sub size     { return $_[0]{size} }
sub mime     { return $_[0]{mime} }
sub token    { return $_[0]{token} }

sub is_delete {
    my ($self) = @_;
    return $self->is_titan && !$self->is_edit && $self->{size} == 0 ? 1 : 0;
}

sub resolve    { my ($self, @arg) = @_; return $self->url->resolve(@arg) }
sub normalize  { my ($self) = @_; return $self->_page->normalize }
sub with_query { my ($self, @arg) = @_; return $self->_page->with_query(@arg) }

# The URL without the parameters of an upload.
sub _page {
    my ($self) = @_;
    return $self->url if !$self->is_titan;
    my $length = length($self->{text} =~ s/[?].*//sr);
    my $cut    = length($self->url->raw_path) - length $self->{raw_path};
    return Vouch::Gemini::URL->new(substr($self->{text}, 0, $length - $cut) . substr $self->{text}, $length);
}

1;

__END__

=head1 NAME

Vouch::Gemini::Request - what a client of Gemini or Titan asks for

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Request;

    sub answer {
        my ($socket, $reader) = @_;
        while (sysread $socket, my $bytes, 2048) {
            my $got = $reader->feed($bytes) // next;
            return $got if $got->isa('Vouch::Gemini::Response');    # refused: send it
            return Vouch::Gemini::Response->new(status => 20, body => 'You want ' . $got->path);
        }
        return;
    }

    my $reader = Vouch::Gemini::Request->reader(hosts => ['localhost'], port => 1965);

=head1 DESCRIPTION

A request that has been read, and found to be well-formed and for this server. It is a
L<Vouch::Gemini::URL>, whose methods it has, with what is special about requests. Those
who write servers with L<Vouch::Gemini::Server> are handed one; L</reader> is for who
brings sockets of his own.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Gemini::Request;

    my $reader = Vouch::Gemini::Request->reader(hosts => ['localhost'], port => 1965, titan => 1);
    say defined $reader->feed('gemini://localhost/a%20page?wha') ? 'done' : 'more, please';
    # prints: more, please
    my $request = $reader->feed("t\r\n");
    say $request->path;        # prints: /a page
    say $request->raw_path;    # prints: /a%20page
    say $request->query;       # prints: what
    say $request->url;         # prints: gemini://localhost/a%20page?what
    say $request->is_titan;    # prints: 0

    $reader->reset;
    my $upload = $reader->feed("titan://localhost/page;size=5;mime=text/plain;token=secret\r\nHel");
    say $upload->path;         # prints: /page
    say $upload->is_titan;     # prints: 1
    say $upload->is_edit;      # prints: 0
    say $upload->is_delete;    # prints: 0
    say $upload->size;         # prints: 5
    say $upload->mime;         # prints: text/plain
    say $upload->token;        # prints: secret
    say $upload->normalize;    # prints: titan://localhost/page
    say $reader->rest;         # prints: Hel

    $reader->reset;
    my $refusal = $reader->feed("https://localhost/\r\n");
    print $refusal->header;    # prints: 53 this server serves gemini:// only

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

Besides those of L<Vouch::Gemini::URL>; C<upload> is not for requests.

=head2 new

    my $request = eval { Vouch::Gemini::Request->new };

Dies: requests are made by readers.

=head2 reader

    my $reader = Vouch::Gemini::Request->reader(hosts => ['localhost', '*.example.org'], port => 1965);

A L<Vouch::Gemini::Reader>: it is fed bytes and makes the request of them.

=head2 url

    say $request->url;

The L<Vouch::Gemini::URL> as it was sent, parameters of an upload and all.

=head2 path, raw_path

    say $request->path;

As of a URL, but without the parameters of an upload.

=head2 is_titan

    return store($request) if $request->is_titan;

1 if this is an upload (or an edit or deletion) with Titan, else 0.

=head2 size

    my $wanted = $request->size;

How many bytes an upload promises; 0 asks for deletion. undef for all else.

=head2 is_delete

    return delete_page($request) if $request->is_delete;

1 for an upload of size 0.

=head2 is_edit

    return raw_text($request) if $request->is_edit;

1 for C<;edit>: the client asks for the text that it would edit. No body follows.

=head2 mime

    say $request->mime;

The type of what is uploaded; C<text/gemini> if it is not told, undef for a Gemini request.

=head2 token

    return not_allowed() if ($request->token // '') ne $secret;

The token of an upload, decoded, or undef. Compare secrets in constant time where that
matters.

=head2 normalize, with_query, resolve

    return redirect($request->with_query(undef));

As of a URL, the first two without the parameters of an upload.

=head1 ERRORS

A request is never invalid: what is wrong with it is a L<Vouch::Gemini::Response> that the
reader returns.

=head1 THREADS AND FORK

A request is a plain Perl object.

=head1 SEE ALSO

L<Vouch::Gemini::Reader>, L<Vouch::Gemini::Response>, L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
