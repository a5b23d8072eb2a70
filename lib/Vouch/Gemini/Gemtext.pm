package Vouch::Gemini::Gemtext 0.001;

use v5.16;
use warnings;

use Exporter qw(import);

use Vouch              ();
use Vouch::Error       ();
use Vouch::Gemini::URL ();

our @EXPORT_OK = qw(gemtext_lines gemtext_links heading item link_to plain_text preformatted quote);

my @KINDS = qw(text link heading item quote fence preformatted);

sub gemtext_lines {
    my ($text) = @_;
    return map { _line_of(@$_) } _lines($text);
}

sub _line_of {
    my ($kind, $text, $more) = @_;
    my $type = $KINDS[$kind];
    return {
        type => $type,
        text => $text,
        $type eq 'link' ? (url => $more) : $type eq 'heading' ? (level => $more) : (),
    };
}

sub gemtext_links {
    my ($text, $base) = @_;
    $base = Vouch::Gemini::URL->new($base);
    return map {
        eval { $base->resolve($_->{url}) }
            // ()
    } grep { $_->{type} eq 'link' } gemtext_lines($text);
}

sub plain_text { my ($text) = @_; return _escape($text, 0) }

sub preformatted {
    my ($text, $alt) = @_;
    return '```' . _in_line($alt // q()) . "\n" . _escape($text, 1) . "```\n";
}

sub heading {
    my ($level, $text) = @_;
    _wrong('a heading is of level 1, 2 or 3') if ($level // q()) !~ /\A[1-3]\z/;
    return q(#) x $level . q( ) . _in_line($text) . "\n";
}

sub item { my ($text) = @_; return '* ' . _in_line($text) . "\n" }
sub quote {
    my ($text) = @_;
    return join q(), map { "> $_\n" } split /\n/, _escape($text, 1);
}

sub link_to {
    my ($url, $label) = @_;
    my $target = Vouch::Gemini::URL->new($url);
    _wrong('a link needs a URL') if !length $target->text;
    $label = _in_line($label // q());
    return "=> $target" . (length $label ? " $label" : q()) . "\n";
}

# One line without controls, whatever is in it.
sub _in_line {
    my ($text) = @_;
    my $line   = join q( ), split /\n/, _escape($text =~ s/[\r\n]+/ /gr, 1);
    return $line =~ s/\A\s+|\s+\z//gr;
}

sub _wrong { my ($text) = @_; return Vouch::Error->throw(code => 'argument', message => $text) }

1;

__END__

=head1 NAME

Vouch::Gemini::Gemtext - read and write the hypertext of Gemini

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Gemtext qw(heading link_to plain_text);

    my $comment = "hello\n=> gemini://evil.example/ click here";
    print heading(1, 'Comments'), plain_text($comment), link_to('/comment', 'Say something');

=head1 DESCRIPTION

In gemtext a line is what its first characters say. So what other people have typed must
not become a line of a page as it is: a guest book could be made to show links and
headings of its guests. The functions that write make one line of what is to be one, and
put a blank before what would be something else. Everything is bytes in UTF-8.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Gemini::Gemtext qw(gemtext_lines gemtext_links heading item link_to plain_text preformatted quote);

    print heading(2, "Guests\n# of mine");                  # prints: ## Guests # of mine
    print plain_text("hi\n=> gemini://evil.example/ !");
    # prints: hi
    # prints:  => gemini://evil.example/ !
    print link_to('/sign?name=a%20b', "Sign\nhere");        # prints: => /sign?name=a%20b Sign here
    print item('one'), quote("two\n# three");
    # prints: * one
    # prints: > two
    # prints: > # three
    print preformatted("```\nx", 'C');
    # prints: ```C
    # prints:  ```
    # prints: x
    # prints: ```

    my $page = "# Title\n=> ../next Next\ntext\n";
    say join ' | ', map { "$_->{type}: $_->{text}" } gemtext_lines($page);
    # prints: heading: Title | link: Next | text: text
    say for gemtext_links($page, 'gemini://capsule.example/a/b');    # prints: gemini://capsule.example/next

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

These are functions, exported on request.

=head2 gemtext_lines

    for my $line (gemtext_lines($page)) { ... }

A hash reference for each line: C<type> is C<text>, C<link>, C<heading>, C<item>,
C<quote>, C<fence> or C<preformatted>; C<text> is without what marks the line; C<url> is a
link's as it is written, C<level> a heading's. A C<fence> is the line before and after
preformatted ones, its text tells what they are.

=head2 gemtext_links

    say for gemtext_links($page, $url);

What the links in the page at that URL lead to, as L<Vouch::Gemini::URL>. Links that are
no URLs are left out.

=head2 heading, item, quote, link_to

    print heading(1, $title), link_to($url, $label);

The line (of a quotation each), with its end. The URL must be one: the function dies with
code C<format> otherwise.

=head2 plain_text

    print plain_text($what_somebody_typed);

Lines of text, whatever is in them.

=head2 preformatted

    print preformatted($program, 'a program in Perl');

Lines between fences, and what they are.

=head1 ERRORS

The functions die with a L<Vouch::Error> for what cannot be a line, and for characters that
are no bytes.

=head1 SEE ALSO

L<Vouch::Gemini::Server>, L<Vouch::Gemini::Result>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
