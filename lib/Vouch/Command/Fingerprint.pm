package Vouch::Command::Fingerprint 0.001;

use v5.16;
use warnings;

use Vouch::Certificate ();
use Vouch::Command     qw(options show_fingerprints usage);
use Vouch::Socket;

my $USAGE = <<'TEXT';
vouch fingerprint [--digest NAME] FILE|HOST:PORT

Shows who a certificate is for and its fingerprints in every usual spelling,
of a PEM or DER file, or of the server that answers at HOST:PORT.  The server
is not checked: its fingerprint is what you came for.

  --digest NAME  sha256 (default), sha1, sha384, sha512
  --help         this text
TEXT

sub run {
    my ($class, @argv) = @_;
    my %opt = (digest => 'sha256');
    my ($target, @rest) = options($USAGE, \@argv, 'digest=s' => \$opt{digest}, help => \$opt{help});
    if ($opt{help}) { print $USAGE; return 0 }
    usage('name a file, or host:port',             $USAGE) if !defined $target;
    usage("\"$rest[0]\" is one argument too many", $USAGE) if @rest;
    usage("--digest $opt{digest} is not one of sha1, sha256, sha384, sha512", $USAGE)
        if $opt{digest} !~ /\Asha(?:1|256|384|512)\z/;
    my $certificate =
          _is_server($target)
        ? _of_server($target)
        : Vouch::Certificate->from_file($target);
    say $certificate->subject =~ s/\A\z/(no name)/r, ', valid from ', $certificate->not_before_iso // '?',
        ' to ', $certificate->not_after_iso // '?';
    show_fingerprints($certificate, $opt{digest});
    return 0;
}

sub _is_server {
    my ($target) = @_;
    return !-e $target && $target =~ /\A(?:\[[^\]\/]+\]|[^:\/]+):[0-9a-z-]+\z/;
}

sub _of_server {
    my ($target) = @_;
    my ($host, $port) = $target =~ /\A(.+):(.+)\z/;
    $host =~ s/\A\[(.*)\]\z/$1/;
    my $client = Vouch::Socket->new(
        PeerHost        => $host,
        PeerPort        => $port,
        Timeout         => 15,
        SSL_verify_mode => SSL_VERIFY_NONE,
    ) or die "$SSL_ERROR\n";
    my $certificate = $client->certificate;
    $client->close;
    return $certificate;
}

1;

__END__

=head1 NAME

Vouch::Command::Fingerprint - vouch fingerprint (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Fingerprint;

    exit Vouch::Command::Fingerprint->run('alex-cert.pem');

=head1 DESCRIPTION

The subcommand C<fingerprint>, described in L<vouch/vouch fingerprint>. For use by
the command only; it may change in any release.

=head1 METHODS

=head2 run

    my $status = Vouch::Command::Fingerprint->run(\@argv);

Takes the arguments after C<fingerprint>, prints the fingerprints, and returns 0.
Dies as told in L<Vouch::Command>.

=head1 SEE ALSO

L<vouch>, L<Vouch::Certificate>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
