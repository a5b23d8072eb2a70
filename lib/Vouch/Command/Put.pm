package Vouch::Command::Put 0.001;

use v5.16;
use warnings;

use Vouch::Command         qw(full_url options usage);
use Vouch::Command::Client qw(@CLIENT_OPTIONS $CLIENT_USAGE client_of exit_status facts_of identity_of json_of
    or_json show_body tell_warnings);
use Vouch::Command::Terminal qw(plain);
use Vouch::Error             ();

my $USAGE = <<"TEXT";
vouch put [OPTION...] FILE URL
vouch put --delete [OPTION...] URL

Uploads a file with Titan to a Gemini server, and prints what it answers.
"-" reads standard input.  URL is titan://HOST[:PORT]/PATH or the same with
gemini, which may be left out.

  --mime TYPE         what it is (text/gemini; by the name for some others)
  --token TEXT        a token, if the server wants one
  --delete            delete the page instead
$CLIENT_USAGE
The exit status is 0 if the server took it (2x or 3x), else the class of the
answer: 10 input, 40 and 50 failure, 60 certificate; 3 if the server is not
trusted, 2 if this was called wrongly, 1 for anything else.
TEXT

use constant SIZE_MAX => 1024 * 1024 * 1024;

my %MIME = (txt => 'text/plain', md => 'text/markdown', png => 'image/png', jpg => 'image/jpeg');

sub run {
    my ($class, @argv) = @_;
    my %opt;
    my @known = (@CLIENT_OPTIONS, qw(mime=s token=s delete));
    my @rest  = options($USAGE, \@argv, map { $_ => \$opt{s/[=!].*//r} } @known);
    if ($opt{help}) { print $USAGE; return 0 }
    my $file = $opt{delete} ? undef : shift @rest;
    my $url  = shift @rest;
    usage($opt{delete} ? 'name a URL' : 'name a file and a URL', $USAGE) if !defined $url;
    usage("\"$rest[0]\" is one argument too many",               $USAGE) if @rest;
    $url = full_url($url);
    usage("\"$url\" is not titan://HOST[:PORT]/PATH", $USAGE)
        if $url !~ m{\A(?:titan|gemini)://[^/;?#]}i || $url =~ /[?#;]/;
    return or_json(\%opt,
        sub { _answer(\%opt, defined $file ? _upload(\%opt, $file, $url) : _delete(\%opt, $url)) });
}

sub _delete {
    my ($opt, $url) = @_;
    return client_of($opt, usage => $USAGE)
        ->remove($url, token => $opt->{token}, identity => scalar identity_of($opt));
}

sub _upload {
    my ($opt, $file, $url) = @_;
    my ($body, $size) = _source($file);
    _fail('there is nothing to upload: with --delete the page is deleted') if !$size;
    my $progress = Vouch::Command::Terminal->progress(total => $size, quiet => $opt->{quiet} || $opt->{json});
    my $result   = eval {
        client_of($opt, usage => $USAGE)->upload(
            $url, $body,
            size        => $size,
            mime        => $opt->{mime} // _mime_of($file),
            token       => $opt->{token},
            identity    => scalar identity_of($opt),
            on_progress => sub { $progress->update(@_) },
        );
    };
    my $error = $@;
    $progress->done;
    return $result // die $error;    ## no critic (RequireCarping)
}

# A file goes as it is read; what has no size before its end is read first.
sub _source {
    my ($file) = @_;
    my $in = \*STDIN;
    if ($file ne '-') { open $in, '<', $file or _fail("$file: $!") }
    binmode $in;
    _fail("$file is a folder") if -d $in;
    if (-f $in) {
        _fail("$file: more than a gigabyte") if -s _ > SIZE_MAX;
        return ($in, -s _)                   if sysseek($in, 0, 1) == 0;
    }
    my $bytes = '';
    while (read $in, $bytes, 65_536, length $bytes) {
        _fail("$file: more than a gigabyte") if length $bytes > SIZE_MAX;
    }
    return ($bytes, length $bytes);
}

sub _mime_of {
    my ($file)   = @_;
    my ($suffix) = $file =~ /\.([a-z]+)\z/;
    return $MIME{ $suffix // '' } // 'text/gemini';
}

sub _answer {
    my ($opt, $result) = @_;
    if ($opt->{json}) { print json_of(facts_of($result), $result) }
    else {
        say $result->status, ' ', plain($result->meta);
        show_body($result);
    }
    tell_warnings($opt, $result);
    return $result->type eq 'redirect' ? 0 : exit_status($result);
}

sub _fail { my ($text) = @_; return Vouch::Error->throw(code => 'argument', message => $text) }

1;

__END__

=head1 NAME

Vouch::Command::Put - vouch put (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Put;

    exit Vouch::Command::Put->run(qw(--cert alex-cert.pem --key alex-key.pem page.gmi titan://localhost/page/New));

=head1 DESCRIPTION

The subcommand C<put>, described in L<vouch/vouch put>. For use by the command
only; it may change in any release.

=head1 METHODS

=head2 run

    my $status = Vouch::Command::Put->run(@argv);

Takes the arguments after C<put>, uploads, prints the answer, and returns the exit
status, or dies as told in L<Vouch::Command>.

=head1 SEE ALSO

L<vouch>, L<Vouch::Gemini::Client>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
