package Vouch::Command::Client 0.001;

use v5.16;
use warnings;

use Exporter     qw(import);
use JSON::PP     ();
use MIME::Base64 qw(encode_base64);

use Vouch::Command           qw(usage);
use Vouch::Command::Terminal qw(can_ask choose plain say_to_user);
use Vouch::Error             ();
use Vouch::Gemini::Client    ();
use Vouch::Identity          ();

# What "vouch get" and "vouch put" share: the options about trust and identity,
# the dialogue about a pin, and how a result is told.

our @EXPORT_OK = qw(@CLIENT_OPTIONS $CLIENT_USAGE client_of exit_status facts_of identity_of json_of
    or_json show_body show_pin tell_warnings);

our @CLIENT_OPTIONS = qw(ask! ca=s fingerprint=s known-hosts=s identities=s identity=s cert=s key=s
    timeout=f deadline=f quiet json help);

our $CLIENT_USAGE = <<'TEXT';
  --ask               ask before a host is trusted for the first time, too
  --no-ask            ask nothing, not even on a terminal
  --known-hosts FILE  the certificates of hosts (in the data folder)
  --ca FILE           trust who is vouched for by this file instead
  --fingerprint FP    trust this certificate or key only
  --identity NAME     who to be there; see "vouch identity"
  --identities DIR    where identities are (in the data folder)
  --cert FILE         a certificate to show instead, and
  --key FILE          its key, if it is in a file of its own
  --timeout SECONDS   for each step (30)
  --deadline SECONDS  for everything (600; 0: none)
  --quiet             no warnings, no progress
  --json              tell everything as JSON
  --help              this text
TEXT

sub client_of {
    my ($opt, %more) = @_;
    usage('--key without --cert', $more{usage}) if defined $opt->{key} && !defined $opt->{cert};
    usage('--cert and --identity exclude each other', $more{usage})
        if defined $opt->{cert} && defined $opt->{identity};
    my @trust = grep { defined $opt->{$_} } qw(known-hosts ca fingerprint);
    usage("--$trust[0] and --$trust[1] exclude each other", $more{usage}) if @trust > 1;
    for my $name (qw(timeout deadline)) {
        usage("--$name must be a number of seconds", $more{usage})
            if defined $opt->{$name} && $opt->{$name} < 0;
    }
    delete $more{usage};
    my @known = defined $opt->{'known-hosts'} ? (file => $opt->{'known-hosts'}) : ();
    return Vouch::Gemini::Client->new(
        known_hosts => $opt->{ca} // $opt->{fingerprint} ? undef : Vouch::KnownHosts->new(@known),
        ca_file     => $opt->{ca},
        fingerprint => $opt->{fingerprint},
        identities  => _identities($opt),
        ask         => scalar _ask($opt),
        (map { $_ => $opt->{$_} } qw(timeout deadline)),
        %more,
    );
}

sub _identities {
    my ($opt) = @_;
    return Vouch::Gemini::Identities->new(defined $opt->{identities} ? (folder => $opt->{identities}) : ());
}

# Whom the options say to be, if they do.
sub identity_of {
    my ($opt) = @_;
    return $opt->{identity} if !defined $opt->{cert};
    return Vouch::Identity->load(
        cert_file => $opt->{cert},
        (defined $opt->{key} ? (key_file => $opt->{key}) : ()),
    );
}

# Without a terminal a new host is trusted and a changed one is not, which is
# what the client does if there is nobody to ask.
sub _ask {
    my ($opt) = @_;
    my $may = ($opt->{ask} // 1) && can_ask();
    if ($opt->{ask} && !$may) {
        Vouch::Error->throw(code => 'argument', message => '--ask needs a terminal');
    }
    return if !$may && !$opt->{ask};
    return sub {
        my ($verdict) = @_;
        if (!$verdict->is_refused && !$opt->{ask}) {
            say_to_user($verdict->sentence) if !$opt->{quiet};
            return 'always';
        }
        show_pin($verdict);
        my $answer = choose('Trust it?', 'no', 'once', 'always');
        return $answer eq 'no' ? undef : $answer;
    };
}

# All that helps to decide about a certificate.
sub show_pin {
    my ($verdict) = @_;
    my ($new, $old) = ($verdict->certificate, $verdict->pin);
    say_to_user(
        $verdict->sentence,
        '',
        '  shown:       ' . $new->fingerprint(spelling => 'lower'),
        '    its key:   ' . $new->fingerprint(spelling => 'lower', of => 'spki'),
        '    for:       ' . plain($new->subject),
        '    valid:     ' . ($new->not_before_iso // '?') . ' to ' . ($new->not_after_iso // '?'),
        $old
        ? (
            '  known:       ' . ($old->certificate_fingerprint // '-'),
            '    its key:   ' . ($old->key_fingerprint         // '-'),
            '    valid to:  ' . ($old->expires_iso             // '-'),
            '    seen:      ' . join(' to ', map { $_ // '-' } $old->first_seen_iso, $old->last_seen_iso),
            )
        : (),
        '',
    );
    return;
}

# The status of the server's class; scripts can tell them apart.
sub exit_status {
    my ($result) = @_;
    my $class = int $result->status / 10;
    return $class == 2 ? 0 : 10 * $class;
}

# The body as it is, but on a terminal text only, without what moves the cursor.
sub show_body {
    my ($result) = @_;
    return if !length $result->body;
    if (!-t STDOUT) {
        print $result->body;
        return;
    }
    my $text = $result->text;
    if (!defined $text) {
        say_to_user('this is ' . plain($result->mime // 'no text') . ', not text: save it with --output');
        return;
    }
    $text =~ s/\r\n/\n/g;
    $text =~ s/[\x00-\x08\x0B-\x1F\x7F-\x9F]/?/g;
    utf8::encode($text);
    print $text;
    print "\n" if $text !~ /\n\z/;
    return;
}

sub tell_warnings {
    my ($opt, $result) = @_;
    return if $opt->{quiet} || $opt->{json};
    say_to_user(map { "warning: $_" } $result->warnings);
    return;
}

sub facts_of {
    my ($result) = @_;
    my $verdict = $result->verdict;
    return {
        url         => $result->url->text,
        status      => $result->status,
        type        => $result->type,
        meaning     => $result->meaning,
        meta        => _characters($result->meta),
        mime        => scalar $result->mime,
        size        => $result->size,
        complete    => $result->is_closed_properly ? JSON::PP::true() : JSON::PP::false(),
        redirects   => [map { $_->text } $result->redirects],
        warnings    => [$result->warnings],
        identity    => _characters($result->identity),
        tls         => $result->tls,
        trust       => $verdict ? $verdict->trust : undef,
        fingerprint => $result->certificate->fingerprint,
        public_key  => $result->certificate->fingerprint(of => 'spki'),
        $result->type eq 'redirect'
        ? (stopped => $result->stopped, target => eval { $result->target->text })
        : (),
    };
}

sub _characters {
    my ($text) = @_;
    utf8::decode($text) if defined $text;
    return $text;
}

# A result as JSON; a text as characters, anything else as base64.
sub json_of {
    my ($facts, $result) = @_;
    if ($result && length $result->body) {
        my $text = eval { $result->text };
        if   (defined $text) { $facts->{body}        = $text }
        else                 { $facts->{body_base64} = encode_base64($result->body, '') }
    }
    return JSON::PP->new->utf8->canonical->pretty->encode($facts);
}

# With --json a failure is told so, too, before it is thrown on.
sub or_json {
    my ($opt, $code) = @_;
    my $status = eval { $code->() };
    return $status if defined $status;
    my $error = $@;
    if ($opt->{json} && ref $error && ref $error ne 'HASH' && $error->can('code')) {
        print json_of({ error => _characters($error->message), code => $error->code });
    }
    die $error;    ## no critic (RequireCarping)
}

1;

__END__

=head1 NAME

Vouch::Command::Client - what vouch get and vouch put share (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Client qw(client_of exit_status);

    my $client = client_of({ ask => 0 }, usage => 'vouch get URL');
    exit exit_status($client->get('gemini://localhost/'));

=head1 DESCRIPTION

For use by the command L<vouch> only; it may change in any release.

=head1 METHODS

These are functions and variables, exported on request: C<@CLIENT_OPTIONS> is what
L<Getopt::Long> is told, C<$CLIENT_USAGE> what is told to people.

=head2 client_of

    my $client = client_of(\%opt, usage => $usage, max_redirects => 0);

A L<Vouch::Gemini::Client> by these options.

=head2 identity_of

    my $identity = identity_of(\%opt);

What C<--identity> or C<--cert> name, or undef.

=head2 show_pin

    show_pin($verdict);

All facts that help to decide about a certificate, on standard error.

=head2 exit_status

    return exit_status($result);

0 for a success, else 10 for input, 30 for a redirect, and so on.

=head2 show_body

    show_body($result);

The body on standard output; on a terminal text only, without control characters.

=head2 tell_warnings

    tell_warnings(\%opt, $result);

Unless the options say that nobody wants to know.

=head2 facts_of, json_of

    print json_of(facts_of($result), $result);

The result as a hash for JSON, and as JSON, with the body.

=head2 or_json

    return or_json(\%opt, sub { ...; return $status });

Calls the function. If it dies with a L<Vouch::Error>, and C<--json> is given, the
error is printed as JSON before it is thrown on.

=head1 SEE ALSO

L<vouch>, L<Vouch::Command>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
