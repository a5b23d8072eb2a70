package Vouch::Gemini::Result 0.001;

use v5.16;
use warnings;

use Encode ();

use Vouch::Error            ();
use Vouch::Gemini::Response ();

my @TYPES = qw(input success redirect temporary permanent certificate);

sub _new {
    my ($class, %fact) = @_;
    return bless { body => '', size => 0, redirects => [], warnings => [], %fact }, $class;
}

sub url         { return $_[0]{url} }
sub status      { return $_[0]{status} }
sub meta        { return $_[0]{meta} }
sub size        { return $_[0]{size} }
sub verdict     { return $_[0]{verdict} }
sub certificate { return $_[0]{certificate} }
sub tls         { return $_[0]{tls} }
sub identity    { return $_[0]{identity} }
sub stopped     { return $_[0]{stopped} }

# Most of them whole texts of megabytes: by reference inside.
sub body { return $_[0]{body} }

sub redirects { return @{ $_[0]{redirects} } }
sub warnings  { return @{ $_[0]{warnings} } }

sub is_closed_properly { return $_[0]{closed} }

sub type { my ($self) = @_; return $TYPES[$self->{status} / 10 - 1] }

sub is_success { my ($self) = @_; return $self->type eq 'success' ? 1 : 0 }

sub is_sensitive { my ($self) = @_; return $self->{status} == 11 ? 1 : 0 }

sub meaning {
    my ($self) = @_;
    return Vouch::Gemini::Response::_status_text($self->{status})
        // Vouch::Gemini::Response::_status_text(10 * int $self->{status} / 10);
}

sub target {
    my ($self) = @_;
    return if $self->type ne 'redirect';
    # What was asked is never taken along.
    return $self->{url}->with_query(undef)->resolve($self->{meta});
}

sub mime {
    my ($self) = @_;
    return if !$self->is_success;
    my ($mime) = $self->{meta} =~ m{\A\s*([^;\s]+)};
    return lc($mime // 'text/gemini');
}

sub parameter {
    my ($self, $name) = @_;
    return if !$self->is_success;
    my %value;
    while ($self->{meta} =~ /;\s*([^=;\s]+)=(?:"([^"]*)"|([^;\s]*))/g) { $value{ lc $1 } //= $2 // $3 }
    return $value{ lc $name };
}

sub charset {
    my ($self) = @_;
    return if ($self->mime // q()) !~ m{\Atext/};
    return lc($self->parameter('charset') // 'utf-8');
}

sub text {
    my ($self)   = @_;
    my $charset  = $self->charset                  // return;
    my $encoding = Encode::find_encoding($charset) // Vouch::Error->throw(
        code    => 'format',
        message => 'the server sent a character set that is not known here',
    );
    return $encoding->decode(my $bytes = $self->{body});
}

1;

__END__

=head1 NAME

Vouch::Gemini::Result - what a Gemini server has answered

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Client;

    my $result = Vouch::Gemini::Client->new->get('gemini://localhost/');
    if    ($result->is_success)         { print $result->body }
    elsif ($result->type eq 'input')    { say 'it asks: ', $result->meta }
    elsif ($result->type eq 'redirect') { say 'look there: ', $result->target, ', ', $result->stopped }
    else                                { say $result->meaning, ': ', $result->meta }
    warn "$_\n" for $result->warnings;

=head1 DESCRIPTION

Made by L<Vouch::Gemini::Client>. Everything that the server says is bytes, with control
characters only in bodies.

=head1 CALLBACKS

None.

=head1 METHODS

=head2 status, meta

    say $result->status, ' ', $result->meta;

The two digits, and what comes after them: the prompt, the MIME type, the URL or the
message. The meta may be empty.

=head2 type

    if ($result->type eq 'certificate') { ... }

By the first digit of the status: C<input>, C<success>, C<redirect>, C<temporary>,
C<permanent>, C<certificate>.

=head2 is_success

    print $result->body if $result->is_success;

1 for a status that begins with 2.

=head2 is_sensitive

    hide_what_is_typed() if $result->is_sensitive;

1 for status 11.

=head2 meaning

    say $result->meaning;

What the status means in English: C<not found>. For a status that is not defined, that of
its class.

=head2 body, size

    print $result->body;

The bytes of a success and their number. The body is empty where it went to C<on_body>.

=head2 mime, parameter

    say $result->mime;
    say $result->parameter('lang') // 'unknown';

Of a success: the MIME type in lower case, without parameters, and a parameter by name, or
undef.

=head2 charset, text

    my $characters = $result->text;

Of a text: its character set, by default C<utf-8>, and the body decoded; undef for other
types. Dies with code C<format> if the character set is not known.

=head2 url

    say $result->url;

The L<Vouch::Gemini::URL> that was asked for last.

=head2 redirects

    say "by way of $_" for $result->redirects;

The URLs that were asked before and led here.

=head2 target, stopped

    say 'not followed, as ', $result->stopped if defined $result->stopped;

Of a redirect: where it leads, and why the client did not go there.

=head2 is_closed_properly

    warn "the end may be missing\n" if !$result->is_closed_properly;

Whether the server ended the connection with close_notify. If not, somebody may have cut
the body off: this is the only thing that tells. 0 too if a server that sent no body did
not close at all.

=head2 verdict

    say $result->verdict->sentence;

What was known of the host: a L<Vouch::KnownHosts::Verdict>; undef if the client trusts
otherwise.

=head2 certificate, tls

    say $result->certificate->not_after_iso;

The server's L<Vouch::Certificate>, and the version of TLS, C<TLSv1.2> or C<TLSv1.3>.

=head2 identity

    say 'as ', $result->identity if defined $result->identity;

The name of the identity that was shown, from L<Vouch::Gemini::Identities>, or its common
name; undef if none was.

=head2 warnings

    warn "$_\n" for $result->warnings;

Sentences about what the server does wrong and the client forgave.

=head1 ERRORS

As told above, with a L<Vouch::Error>.

=head1 THREADS AND FORK

A plain Perl object.

=head1 SEE ALSO

L<Vouch::Gemini::Client>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
