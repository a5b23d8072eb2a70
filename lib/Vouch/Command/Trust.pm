package Vouch::Command::Trust 0.001;

use v5.16;
use warnings;

use JSON::PP ();

use Vouch::Certificate       ();
use Vouch::Command           qw(options usage);
use Vouch::Command::Client   qw(show_pin);
use Vouch::Command::Terminal qw(can_ask choose);
use Vouch::Error             ();
use Vouch::KnownHosts        ();
use Vouch::Socket;

my $USAGE = <<'TEXT';
vouch trust list
vouch trust show HOST[:PORT]
vouch trust add HOST[:PORT] [--cert FILE | --fingerprint FP | --yes]
vouch trust remove HOST[:PORT]
vouch trust import FORMAT FILE [--replace]
vouch trust export FORMAT FILE [--replace]

The hosts whose certificates are known: to "vouch get", "vouch put" and
programs that use Vouch::KnownHosts.  The port is 1965 unless told.

  --known-hosts FILE  the file of known hosts (in the data folder)
  --cert FILE         add the certificate in this file; ask nobody
  --fingerprint FP    add what the host shows if it is this
  --yes               add what the host shows, whatever it is
  --replace           replace what is known, or a file that exists
  --json              list and show as JSON
  --help              this text

FORMAT is amfora, lagrange, gmni, telescope or av98.
TEXT

use constant { PORT => 1965, TIMEOUT => 30, NOT_TRUSTED => 3 };

my %ACTION = (
    list   => [\&_list,   0],
    show   => [\&_show,   1],
    add    => [\&_add,    1],
    remove => [\&_remove, 1],
    import => [\&_import, 2],
    export => [\&_export, 2],
);

sub run {
    my ($class, @argv) = @_;
    my %opt;
    my @known = qw(known-hosts=s cert=s fingerprint=s yes replace json help);
    my ($word, @rest) = options($USAGE, \@argv, map { $_ => \$opt{s/=.*//r} } @known);
    if ($opt{help}) { print $USAGE; return 0 }
    my ($action, $count) = @{ $ACTION{ $word // '' } // [] };
    usage('say what to do: list, show, add, remove, import or export', $USAGE) if !$action;
    usage("$word takes $count arguments, not " . @rest,                $USAGE) if @rest != $count;
    my $known = Vouch::KnownHosts->new(defined $opt{'known-hosts'} ? (file => $opt{'known-hosts'}) : ());
    return $action->(\%opt, $known, @rest);
}

sub _place {
    my ($text) = @_;
    my ($host, $port) = $text =~ m{\A(\[[0-9A-Fa-f:.%\w]+\]|[^\s:/\[\]]+)(?::([0-9]{1,5}))?/?\z}
        or usage("\"$text\" is not HOST or HOST:PORT", $USAGE);
    return ($host =~ s/\A\[(.*)\]\z/$1/r, $port // PORT);
}

sub _text_of {
    my ($pin) = @_;
    my $host = $pin->host =~ /:/ ? '[' . $pin->host . ']' : $pin->host;
    return $host . ':' . $pin->port;
}

sub _facts_of {
    my ($pin) = @_;
    return {
        host         => $pin->host,
        port         => $pin->port + 0,
        verified     => $pin->verified ? JSON::PP::true() : JSON::PP::false(),
        fingerprints => [$pin->fingerprints],
        map { $_ => $pin->$_ } qw(expires first_seen last_seen),
    };
}

sub _print_json {
    my ($what) = @_;
    print JSON::PP->new->utf8->canonical->pretty->encode($what);
    return 0;
}

sub _list {
    my ($opt, $known) = @_;
    my @pins = $known->list;
    return _print_json([map { _facts_of($_) } @pins]) if $opt->{json};
    for my $pin (@pins) {
        say join q( ), _text_of($pin), $pin->certificate_fingerprint // $pin->key_fingerprint // '-',
            'until ' . ($pin->expires_iso // '-'), $pin->verified ? 'verified' : ();
    }
    return 0;
}

sub _show {
    my ($opt, $known, $place) = @_;
    my $pin = $known->find(_place($place)) // _fail("$place is not known");
    return _print_json(_facts_of($pin)) if $opt->{json};
    say _text_of($pin);
    say "  $_" for $pin->fingerprints;
    say '  until ',      $pin->expires_iso    // '-';
    say '  first seen ', $pin->first_seen_iso // '-';
    say '  last seen ',  $pin->last_seen_iso  // '-';
    say '  ',            $pin->verified ? 'verified' : 'not verified';
    return 0;
}

sub _add {
    my ($opt, $known, $place) = @_;
    my @how = grep { defined $opt->{$_} } qw(cert fingerprint yes);
    usage("--$how[0] and --$how[1] exclude each other", $USAGE) if @how > 1;
    my ($host, $port) = _place($place);
    if (defined $opt->{cert}) {
        $known->accept($host, $port, Vouch::Certificate->from_file($opt->{cert}), verified => 1);
        say "$place is known";
        return 0;
    }
    my $verdict = $known->check($host, $port, _shown($opt, $host, $port));
    my $agreed  = defined $opt->{fingerprint} || $opt->{yes} || _agreed($verdict);
    return NOT_TRUSTED if !$agreed;
    $known->accept($verdict, defined $opt->{fingerprint} ? (verified => 1) : ());
    say "$place is known: ", $verdict->certificate->fingerprint(spelling => 'lower');
    return 0;
}

sub _agreed {
    my ($verdict) = @_;
    _fail('nobody can be asked: give --fingerprint, --cert or --yes') if !can_ask();
    show_pin($verdict);
    return choose('Trust it?', 'no', 'yes') eq 'yes';
}

# The certificate of a host, for which it must have the key; nothing is said
# to it.
sub _shown {
    my ($opt, $host, $port) = @_;
    my @pin =
        defined $opt->{fingerprint}
        ? (SSL_fingerprint => $opt->{fingerprint}, SSL_force_fingerprint => 1, SSL_verifycn_scheme => 'none')
        : (SSL_verify_mode => VOUCH_VERIFY_ANY);
    my $socket = Vouch::Socket->new(PeerHost => $host, PeerPort => $port, Timeout => TIMEOUT, @pin)
        // Vouch::Error->throw(
        code    => Vouch::Socket->last_error ? Vouch::Socket->last_error->code : 'system',
        message => "$SSL_ERROR"
        );
    my $certificate = $socket->certificate;
    $socket->close;
    return $certificate;
}

sub _remove {
    my ($opt, $known, $place) = @_;
    $known->remove(_place($place)) or _fail("$place is not known");
    return 0;
}

sub _import {
    my ($opt, $known, $format, $file) = @_;
    my $count = $known->import_from($format, $file, replace => $opt->{replace});
    print {*STDERR} map { "skipped: $_\n" } @{ $count->{skipped} };
    say "$count->{added} added, $count->{replaced} replaced, $count->{kept} kept as they were";
    return 0;
}

sub _export {
    my ($opt, $known, $format, $file) = @_;
    my $count = $known->export_to($format, $file, replace => $opt->{replace});
    print {*STDERR} map { "skipped: $_\n" } @{ $count->{skipped} };
    say "$count->{written} written";
    return 0;
}

sub _fail { my ($text) = @_; return Vouch::Error->throw(code => 'argument', message => $text) }

1;

__END__

=head1 NAME

Vouch::Command::Trust - vouch trust (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Trust;

    exit Vouch::Command::Trust->run('list');

=head1 DESCRIPTION

The subcommand C<trust>, described in L<vouch/vouch trust>. For use by the command
only; it may change in any release.

=head1 METHODS

=head2 run

    my $status = Vouch::Command::Trust->run(@argv);

Takes the arguments after C<trust>, and returns the exit status, or dies as told in
L<Vouch::Command>.

=head1 SEE ALSO

L<vouch>, L<Vouch::KnownHosts>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
