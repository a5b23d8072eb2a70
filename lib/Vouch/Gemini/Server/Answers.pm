package Vouch::Gemini::Server::Answers 0.001;

use v5.16;
use warnings;

use Exporter ();

use Vouch::Error            ();
use Vouch::Gemini::Response ();

# What a handler returns, by name.

use constant KNOWN => 100;    # headers that are remembered

our @ISA    = ('Exporter');
our @EXPORT = qw(
    gemtext success input sensitive_input redirect redirect_permanently temporary_failure
    unavailable slow_down failure not_found gone bad_request need_certificate not_authorised
    bad_certificate
);

sub gemtext {
    my ($text, %how) = @_;
    my $type = 'text/gemini';
    if (%how) {
        my $lang = delete $how{lang};
        if (my ($name) = sort keys %how) { _wrong("gemtext does not know $name") }
        $type .= "; lang=$lang" if defined $lang;
    }
    return _page($type, _bytes($text));
}

# The header of a type is made, and checked, once.
my %known;

sub _page {
    my ($type, $bytes) = @_;
    %known = () if keys %known > KNOWN;
    my $header = $known{$type} //= Vouch::Gemini::Response->new(status => 20, meta => $type)->header;
    return bless { status => 20, meta => $type, body => $bytes, header => $header },
        'Vouch::Gemini::Response';
}

sub success {
    my ($type, $body) = @_;
    $body //= '';
    $body = _bytes($body) if !ref $body && $type =~ m{\Atext/} && $type !~ /charset/i;
    return Vouch::Gemini::Response->new(status => 20, meta => _bytes($type), body => $body);
}

# Text that is UTF-8 already goes as it is; characters become UTF-8.
sub _bytes {
    my ($text) = @_;
    return $text if $text !~ /[^\x00-\x7F]/;
    my $bytes = $text;
    return $bytes if utf8::downgrade($bytes, 1) && utf8::decode(my $check = $bytes);
    utf8::encode($text);
    return $text;
}

sub _answer {
    my ($status, $meta) = @_;
    return Vouch::Gemini::Response->new(status => $status, defined $meta ? (meta => _bytes($meta)) : ());
}

sub input                { my ($prompt)  = @_; return _answer(10, $prompt // 'What?') }
sub sensitive_input      { my ($prompt)  = @_; return _answer(11, $prompt // 'What?') }
sub redirect             { my ($url)     = @_; return _answer(30, $url) }
sub redirect_permanently { my ($url)     = @_; return _answer(31, $url) }
sub temporary_failure    { my ($text)    = @_; return _answer(40, $text) }
sub unavailable          { my ($text)    = @_; return _answer(41, $text) }
sub slow_down            { my ($seconds) = @_; return _answer(44, $seconds) }
sub failure              { my ($text)    = @_; return _answer(50, $text) }
sub not_found            { my ($text)    = @_; return _answer(51, $text // 'There is no such page') }
sub gone                 { my ($text)    = @_; return _answer(52, $text // 'This page is gone') }
sub bad_request          { my ($text)    = @_; return _answer(59, $text) }
sub need_certificate     { my ($text)    = @_; return _answer(60, $text // 'Show a certificate, please') }
sub not_authorised       { my ($text)    = @_; return _answer(61, $text) }
sub bad_certificate      { my ($text)    = @_; return _answer(62, $text) }

sub _wrong {
    my ($text) = @_;
    return Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Answers - what a handler returns, by name

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Answers;

    my $response = gemtext("# Hello\n");
    my $question = input('What is your name?');

=head1 DESCRIPTION

L<Vouch::Gemini::Server> exports these functions itself; this is for modules that
have handlers and no server. Each returns a L<Vouch::Gemini::Response>, and dies
with a L<Vouch::Error> for a text that cannot be in a header.

Text that is UTF-8 already is sent as it is, and characters are sent as UTF-8.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Answers;

    for my $response (gemtext("# \x{263A}\n"), need_certificate('Who are you?'), redirect('/new')) {
        print $response->header;
    }
    # prints: 20 text/gemini
    # prints: 60 Who are you?
    # prints: 30 /new
    say length gemtext("# \x{263A}\n")->body;    # prints: 6

=for example end

=head1 FUNCTIONS

All of them but the last are exported.

=head2 gemtext

    return gemtext("# Hello\n");
    return gemtext($text, lang => 'de');

20, a page of C<text/gemini>.

=head2 success

    return success('text/plain', $text);
    return success('image/png', $bytes);
    return success('audio/ogg', $handle);
    return success('text/plain', sub { ... });

20, of any type. Text that is not said to be in another charset is UTF-8, all
else is bytes. For what is large or takes its time the body is a handle, which is
read to its end, or a function: L<Vouch::Gemini::Server/Bodies made bit by bit>.

=head2 input, sensitive_input

    my $name = $request->input // return input('What is your name?');

10 and 11: asks the user, whose answer comes with the next request
(L<Vouch::Gemini::Server::Request/input>). Of the second clients show stars while
it is typed, and they do not remember it.

=head2 redirect, redirect_permanently

    return redirect('/page/Start');

30 and 31.

=head2 temporary_failure, unavailable

    return unavailable('We are moving; back at noon');

40 and 41.

=head2 slow_down

    return slow_down(10);

44, with seconds.

=head2 failure, not_found, gone

    return not_found('There is no page of that name');

50, 51 and 52.

=head2 bad_request

    return bad_request('This page takes no input');

59.

=head2 need_certificate, not_authorised, bad_certificate

    my $certificate = $request->certificate or return need_certificate('Who are you?');
    return not_authorised('Ask for an account') if !$accounts->find($certificate);

60, 61 and 62: there is none; it is good, and not for this; it is not good, as when
it has expired.

=head2 KNOWN

    my $limit = Vouch::Gemini::Server::Answers::KNOWN;

How many headers are remembered: 100. Not exported.

=head1 SEE ALSO

L<Vouch::Gemini::Server>, L<Vouch::Gemini::Response>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
