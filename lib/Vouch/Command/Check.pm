package Vouch::Command::Check 0.001;

use v5.16;
use warnings;

use JSON::PP ();

use Vouch::Check           ();
use Vouch::Check::StartTLS ();
use Vouch::Command         qw(options usage);

my $USAGE = <<"TEXT";
vouch check HOST:PORT [option ...]

Tells how a server does TLS: versions, certificates, whom it asks for
certificates, and what is wrong.  It is called five times or so.

  --name NAME      the name to ask for, and to find in the certificate (HOST)
  --ca FILE        the authorities to trust (the system's)
  --cert FILE      show this certificate too, and see whether it is accepted
  --key FILE       its key
  --starttls WORD  begin in plain text: @{[join ', ', Vouch::Check::StartTLS->protocols]}
  --alpn LIST      the application protocols to offer (h2,http/1.1)
  --timeout S      seconds for each step (10)
  --json           for programs: everything as JSON
  --help           this text

Exit status: 0 all is well, 1 there are problems, 2 called wrongly, 3 nobody
there.
TEXT

my %BOOLEAN = map { $_ => 1 } qw(
    accepted asked required offered resumed name_accepted
);

my %CLOSE = (
    close_notify => 'yes',
    end          => 'no, it cuts the connection off',
    silence      => 'no, it goes on waiting',
    reset        => 'no, it breaks the connection',
    alert        => 'no, it ends with an alert',
);

sub run {
    my ($class, @argv) = @_;
    my %opt;
    my ($target, @rest) = options($USAGE, \@argv,
        map { $_ => \$opt{ $_ =~ s/=.*//r } }
            qw(name=s ca=s cert=s key=s starttls=s alpn=s timeout=s json help));
    if ($opt{help}) { print $USAGE; return 0 }
    usage('name a server, HOST:PORT',              $USAGE) if !defined $target;
    usage("\"$rest[0]\" is one argument too many", $USAGE) if @rest;
    my $check = eval { Vouch::Check->new($target, _arguments(%opt)) } or usage(_told($@), $USAGE);
    my $facts = eval { $check->run }                                  or return _nobody($@);
    print $opt{json}               ? _json($facts) : _report($facts);
    return @{ $facts->{problems} } ? 1             : 0;
}

sub _arguments {
    my (%opt) = @_;
    my $plain = defined $opt{starttls};
    $opt{alpn} = [split /,/, $opt{alpn} // ($plain ? '' : 'h2,http/1.1')];
    return map { $_ => $opt{$_} } grep { defined $opt{$_} } qw(name ca cert key starttls alpn timeout);
}

sub _told {
    my ($error) = @_;
    return ref $error && $error->can('message') ? $error->message : "$error" =~ s/\s+\z//r;
}

sub _nobody {
    my ($error) = @_;
    print {*STDERR} 'vouch check: ', _told($error), "\n";
    return 3;
}

# --- JSON --------------------------------------------------------------------

sub _json {
    my ($facts) = @_;
    return JSON::PP->new->canonical->pretty->ascii->encode(_with_booleans($facts));
}

sub _with_booleans {
    my ($value, $name) = @_;
    return [map { _with_booleans($_) } @$value]                            if ref $value eq 'ARRAY';
    return { map { $_ => _with_booleans($value->{$_}, $_) } keys %$value } if ref $value eq 'HASH';
    return $value if !defined $name || !defined $value || !$BOOLEAN{$name};
    return $value ? JSON::PP::true() : JSON::PP::false();
}

# --- text --------------------------------------------------------------------

sub _report {
    my ($facts) = @_;
    return join '', map { sprintf "%-20s %s\n", @$_ } _about_connection($facts), _about_chain($facts),
        _about_client($facts), _about_session($facts), _about_problems($facts);
}

sub _about_connection {
    my ($facts) = @_;
    my $time    = $facts->{milliseconds};
    my @line    = (['server', "$facts->{target} ($facts->{address})"]);
    push @line, ['starttls',  $facts->{starttls}] if defined $facts->{starttls};
    push @line, ['connect',   sprintf '%.1f ms', $time->{connect}];
    push @line, ['handshake', sprintf '%.1f ms', $time->{handshake}] if defined $time->{handshake};
    for my $version (@{ $facts->{protocols} }) {
        my $name = $version->{version} =~ s/\ATLSv1_/TLS 1./r;
        push @line, [lc $name =~ s/ /-/r, _version($version)];
    }
    return @line;
}

sub _version {
    my ($version) = @_;
    return "yes, $version->{cipher}"           if defined $version->{cipher};
    return 'yes, to who shows a certificate'   if $version->{accepted};
    return 'no: ' . _short($version->{reason}) if defined $version->{reason};
    return 'no';
}

# What OpenSSL says behind its numbers.
sub _short { my ($text) = @_; return $text =~ s/\Aerror:[0-9A-F]+:[^:]*:+//r }

sub _about_chain {
    my ($facts) = @_;
    my @line;
    my $number = 0;
    for my $certificate (@{ $facts->{chain} }) {
        push @line, [$number++ ? "certificate $number" : 'certificate', $certificate->{subject}],
            map { ["  $_->[0]", $_->[1]] } ['issuer', $certificate->{issuer}],
            (map { ['name', $_] } @{ $certificate->{names} }),
            ['valid',       _dates($certificate)],
            ['key',         $certificate->{key}],
            ['fingerprint', $certificate->{fingerprint}],
            ['public key',  $certificate->{spki}];
    }
    return @line if !@line;
    return (
        @line,
        ['trust', _trust($facts->{trust})],
        ['host',  ($facts->{name_accepted} ? 'yes' : 'no') . ", $facts->{name}"]
    );
}

sub _dates {
    my ($certificate) = @_;
    my $days = $certificate->{days_left};
    my $left =
          !defined $days ? 'no date'
        : $days < 0      ? 'over for ' . -$days . ' days'
        :                  "$days days left";
    return sprintf '%s to %s (%s)', map({ $_ // '?' } @$certificate{qw(not_before not_after)}), $left;
}

sub _trust {
    my ($trust) = @_;
    return 'yes' if $trust->{accepted};
    return 'no: ' . join '; ', map { $_->{text} } @{ $trust->{faults} };
}

sub _about_client {
    my ($facts) = @_;
    my $told    = $facts->{client_certificate};
    my @line    = (['client certificate', _request($told)]);
    push @line, map { ['  authority', $_] } @{ $told->{authorities} };
    push @line, ['  shown', "$told->{shown}: " . ($told->{accepted} ? 'accepted' : 'refused')]
        if defined $told->{shown};
    return @line;
}

sub _request {
    my ($told) = @_;
    return 'required'              if $told->{required};
    return 'asked for, not needed' if $told->{asked};
    return 'not asked for';
}

sub _about_session {
    my ($facts) = @_;
    my @line;
    if (my $alpn = $facts->{alpn}) {
        my $of = join ', ', @{ $alpn->{offered} };
        push @line, ['application', defined $alpn->{chosen} ? "$alpn->{chosen} (of $of)" : "none of $of"]
            if length $of;
    }
    push @line, ['resumption',   _resumption($facts->{resumption})] if $facts->{resumption};
    push @line, ['OCSP staple',  $facts->{staple}]                  if defined $facts->{staple};
    push @line, ['close_notify', $CLOSE{ $facts->{close} }]         if defined $facts->{close};
    return @line;
}

sub _resumption {
    my ($told) = @_;
    return !$told->{offered} ? 'no' : $told->{resumed} ? 'yes' : 'no, though it is offered';
}

sub _about_problems {
    my ($facts) = @_;
    return ['problems', 'none'] if !@{ $facts->{problems} };
    return
        map { (['problem', $_->{text}], defined $_->{hint} ? ['  hint', $_->{hint}] : ()) }
        @{ $facts->{problems} };
}

1;

__END__

=head1 NAME

Vouch::Command::Check - vouch check (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Check;

    exit Vouch::Command::Check->run('example.org:443');

=head1 DESCRIPTION

The subcommand C<check>, described in L<vouch/vouch check>: L<Vouch::Check> in
print. For use by the command only; it may change in any release.

=head1 METHODS

=head2 run

    my $status = Vouch::Command::Check->run(\@argv);

Takes the arguments after C<check>, prints the report, and returns 0, 1 if there are
problems, or 3 if nobody is there. Dies as told in L<Vouch::Command>.

=head1 SEE ALSO

L<vouch>, L<Vouch::Check>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
