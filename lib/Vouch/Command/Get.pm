package Vouch::Command::Get 0.001;

use v5.16;
use warnings;

use Fcntl qw(O_CREAT O_EXCL O_WRONLY);

use Vouch::Command         qw(full_url options usage);
use Vouch::Command::Client qw(@CLIENT_OPTIONS $CLIENT_USAGE client_of exit_status facts_of identity_of json_of
    or_json show_body tell_warnings);
use Vouch::Command::Terminal qw(ask_line can_ask plain say_to_user);
use Vouch::Error             ();

my $USAGE = <<"TEXT";
vouch get [OPTION...] URL

Gets a page of a Gemini server and prints it.  "gemini://" may be left out.

  --output FILE       save it there, when it is complete
  --force             replace a file that exists
  --header            print status and meta first
  --input TEXT        answer a question of the server with this
  --redirects N       follow so many (5; 0: none)
  --max-size BYTES    take no more than this (67108864; 0: any)
  --strict            fail if the end may be missing
$CLIENT_USAGE
The exit status is 0 for a success, else the class of the answer: 10 input, 30
redirect, 40 and 50 failure, 60 certificate; 3 if the server is not trusted, 4
if the end is missing and --strict is given, 2 if this was called wrongly, 1
for anything else.
TEXT

use constant { NOT_COMPLETE => 4, QUESTIONS => 5 };

sub run {
    my ($class, @argv) = @_;
    my %opt;
    my @known = (@CLIENT_OPTIONS, qw(output=s force header input=s redirects=i max-size=i strict));
    my ($url, @rest) = options($USAGE, \@argv, map { $_ => \$opt{s/[=!].*//r} } @known);
    if ($opt{help}) { print $USAGE; return 0 }
    usage('name a URL',                            $USAGE) if !defined $url;
    usage("\"$rest[0]\" is one argument too many", $USAGE) if @rest;
    for my $name (qw(redirects max-size)) {
        usage("--$name must be a number", $USAGE) if defined $opt{$name} && $opt{$name} < 0;
    }
    my $self = bless { opt => \%opt }, $class;
    return or_json(\%opt, sub { $self->_run(full_url($url)) });
}

sub _run {
    my ($self, $url) = @_;
    my $opt = $self->{opt};
    $self->{client} = client_of(
        $opt,
        usage         => $USAGE,
        max_redirects => $opt->{redirects},
        max_size      => $opt->{'max-size'},
    );
    $self->_check_name;
    my $page = Vouch::Gemini::URL->new($url);
    $page = $page->with_query($opt->{input}) if defined $opt->{input};
    my $result = $self->_get($page);
    for (1 .. QUESTIONS) {
        last if $result->type ne 'input' || !$self->_may_ask;
        my $answer = ask_line(plain($result->meta), hidden => $result->is_sensitive) // last;
        $result = $self->_get($result->url->with_query($answer));
    }
    return $self->_tell($result);
}

sub _may_ask {
    my ($self) = @_;
    return ($self->{opt}{ask} // 1) && !$self->{opt}{json} && can_ask();
}

sub _get {
    my ($self, $url) = @_;
    my $opt      = $self->{opt};
    my $progress = Vouch::Command::Terminal->progress(quiet => $opt->{quiet} || $opt->{json});
    my @to       = $self->_goes_on ? (on_body => sub { $self->_take($progress, @_) }) : ();
    my $result   = eval {
        $self->{client}
            ->get($url, identity => scalar identity_of($opt), on_header => sub { $self->_header(@_) }, @to);
    };
    my $error = $@;
    $progress->done;
    return $result if $result;
    $self->_abandon;
    die $error;    ## no critic (RequireCarping)
}

# Whether the body is written as it comes: not if it is to be in JSON, and not
# on a terminal, for which it must be looked at.
sub _goes_on {
    my ($self) = @_;
    return 1 if defined $self->{opt}{output};
    return 0 if $self->{opt}{json};
    return -t STDOUT ? 0 : 1;
}

sub _header {
    my ($self, $result) = @_;
    return if !$self->{opt}{header} || $self->{opt}{json} || $result->type eq 'redirect';
    $self->_header_now($result);
    return;
}

sub _header_now {
    my ($self, $result) = @_;
    say join ' ', $result->status, plain($result->meta);
    $self->{told} = 1;
    return;
}

sub _take {
    my ($self, $progress, $bytes, $result) = @_;
    $progress->update($result->size);
    my $to = $self->{file} //= defined $self->{opt}{output} ? $self->_open : \*STDOUT;
    binmode $to;
    print {$to} $bytes
        or Vouch::Error->throw(
        code    => 'file',
        message => "cannot write: $!",
        errno   => 0 + $!,
        );
    return;
}

# --- the file -----------------------------------------------------------------

# Before anything is asked of the server.
sub _check_name {
    my ($self) = @_;
    my $name = $self->{opt}{output} // return;
    return                                                 if $name eq '-';
    _fail("$name exists: choose another name, or --force") if -e $name && !$self->{opt}{force};
    _fail("$name is a folder")                             if -d $name;
    return;
}

sub _open {
    my ($self) = @_;
    my $name = $self->{opt}{output};
    return \*STDOUT if $name eq '-';
    $self->{part} = "$name.part-$$";
    sysopen my $file, $self->{part}, O_WRONLY | O_CREAT | O_EXCL or _fail("$self->{part}: $!");
    return $file;
}

sub _abandon {
    my ($self) = @_;
    my $part = delete $self->{part} // return;
    unlink $part;
    return;
}

sub _keep {
    my ($self) = @_;
    my $name = $self->{opt}{output};
    return if !defined $name || $name eq '-';
    # An empty page makes an empty file.
    $self->{file} //= $self->_open;
    close $self->{file} or $self->_fail_with_part("$name: $!");
    # A link does not replace what has come into being meanwhile.
    my $done =
        $self->{opt}{force}
        ? rename $self->{part}, $name
        : link($self->{part}, $name) && unlink $self->{part};
    $self->_fail_with_part("$name: $!") if !$done;
    delete $self->{part};
    return;
}

sub _fail_with_part {
    my ($self, $text) = @_;
    $self->_abandon;
    return _fail($text);
}

sub _fail { my ($text) = @_; return Vouch::Error->throw(code => 'file', message => $text, errno => 0 + $!) }

# --- what is told -------------------------------------------------------------

sub _tell {
    my ($self, $result) = @_;
    my $opt        = $self->{opt};
    my $incomplete = $result->is_success && !$result->is_closed_properly;
    if    ($incomplete && $opt->{strict}) { $self->_abandon }
    elsif ($result->is_success)           { $self->_keep }
    if    ($opt->{json}) { print json_of({ %{ facts_of($result) }, file => $opt->{output} }, $result) }
    else                 { $self->_show($result) }
    tell_warnings($opt, $result);
    return $incomplete && $opt->{strict} ? NOT_COMPLETE : exit_status($result);
}

sub _show {
    my ($self, $result) = @_;
    return $self->_show_failure($result) if !$result->is_success;
    show_body($result);
    return;
}

sub _show_failure {
    my ($self, $result) = @_;
    return if $self->{told};
    say_to_user(join ' ', $result->status, length $result->meta ? plain($result->meta) : $result->meaning);
    say_to_user('not followed: ' . $result->stopped) if defined $result->stopped;
    return;
}

1;

__END__

=head1 NAME

Vouch::Command::Get - vouch get (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Get;

    exit Vouch::Command::Get->run(qw(--output page.gmi gemini://localhost/page));

=head1 DESCRIPTION

The subcommand C<get>, described in L<vouch/vouch get>. For use by the command
only; it may change in any release.

=head1 METHODS

=head2 run

    my $status = Vouch::Command::Get->run(@argv);

Takes the arguments after C<get>, and returns the exit status, or dies as told in
L<Vouch::Command>.

=head1 SEE ALSO

L<vouch>, L<Vouch::Gemini::Client>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
