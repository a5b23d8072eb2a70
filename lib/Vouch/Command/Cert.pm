package Vouch::Command::Cert 0.001;

use v5.16;
use warnings;

use Vouch::Command  qw(options show_fingerprints usage);
use Vouch::Identity ();

my $USAGE = <<'TEXT';
vouch cert --cn NAME --out STEM [option ...]
vouch cert --renew STEM [--days N] [--out STEM]

Writes STEM-cert.pem and STEM-key.pem (mode 0600) and shows the fingerprints.

  --cn NAME     common name: a person's for a client, the host's for a server
  --out STEM    start of the file names
  --san NAME    alternative name, repeatable: host, address, DNS:.., IP:..,
                EMAIL:.., URI:..
  --days N      valid for so many days (1825)
  --key KIND    ec:prime256v1 (default), ec:secp384r1, rsa:3072, ed25519
  --renew STEM  a new certificate with new dates for the same key
  --force       replace files that exist
  --help        this text
TEXT

sub run {
    my ($class, @argv) = @_;
    my %opt  = (san => []);
    my @rest = options(
        $USAGE, \@argv,
        'san=s' => $opt{san},
        map { $_ => \$opt{ $_ =~ s/=.*//r } } qw(cn=s out=s days=i key=s renew=s force help)
    );
    if ($opt{help}) { print $USAGE; return 0 }
    usage("\"$rest[0]\" is one argument too many", $USAGE) if @rest;
    my ($identity, $stem) = defined $opt{renew} ? _renew(\%opt) : _create(\%opt);
    say "wrote $stem-cert.pem and $stem-key.pem";
    show_fingerprints($identity->certificate, 'sha256');
    return 0;
}

sub _create {
    my ($opt) = @_;
    for my $name (qw(cn out)) {
        usage("--$name is missing", $USAGE) if !defined $opt->{$name};
    }
    my $identity = Vouch::Identity->create(
        cn      => $opt->{cn},
        san     => $opt->{san},
        file    => $opt->{out},
        replace => $opt->{force},
        map { $_ => $opt->{$_} } grep { defined $opt->{$_} } qw(days key),
    );
    return ($identity, $opt->{out});
}

# In place, a renewal replaces the certificate it renews; the key stays.
sub _renew {
    my ($opt) = @_;
    my @useless = ((grep { defined $opt->{$_} } qw(cn key)), @{ $opt->{san} } ? 'san' : ());
    usage("--$useless[0] cannot be changed by --renew", $USAGE) if @useless;
    my $out      = $opt->{out} // $opt->{renew};
    my $identity = Vouch::Identity->load(file => $opt->{renew})->renew(
        file    => $out,
        replace => $opt->{force} || $out eq $opt->{renew},
        map { $_ => $opt->{$_} } grep { defined $opt->{$_} } qw(days),
    );
    return ($identity, $out);
}

1;

__END__

=head1 NAME

Vouch::Command::Cert - vouch cert (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Cert;

    exit Vouch::Command::Cert->run('--cn', 'Alex', '--out', 'alex');

=head1 DESCRIPTION

The subcommand C<cert>, described in L<vouch/vouch cert>. For use by the command
only; it may change in any release.

=head1 METHODS

=head2 run

    my $status = Vouch::Command::Cert->run(\@argv);

Takes the arguments after C<cert>, does the work, prints what it did, and returns
0. Dies as told in L<Vouch::Command>.

=head1 SEE ALSO

L<vouch>, L<Vouch::Identity>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
