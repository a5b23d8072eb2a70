package Vouch::Command 0.001;

use v5.16;
use warnings;

use Exporter     qw(import);
use Getopt::Long ();

# What the commands of "vouch" share.

our @EXPORT_OK = qw(full_url options show_fingerprints usage);

# Parse options in order; the arguments that are left.
sub options {
    my ($usage, $argv, %spec) = @_;
    my @problems;
    local $SIG{__WARN__} = sub { push @problems, $_[0] };
    my $parser = Getopt::Long::Parser->new(config => [qw(no_auto_abbrev no_ignore_case)]);
    $parser->getoptionsfromarray($argv, %spec) or usage(join('', @problems) =~ s/\n\z//r, $usage);
    return @$argv;
}

# The command was called wrongly: the program tells, and exits with 2.
sub usage {
    my ($problem, $usage) = @_;
    my ($synopsis, $more) = split /(?<=\n)\n/, $usage, 2;
    $synopsis .= 'vouch ' . ($usage =~ /\Avouch (\w+)/)[0] . " --help tells more\n" if defined $more;
    die { usage => "$problem\n$synopsis" };
}

# The URL of somebody who has left "gemini://" out.
sub full_url {
    my ($text) = @_;
    return $text =~ m{\A[A-Za-z][A-Za-z0-9+.-]*:/} ? $text : "gemini://$text";
}

my @SPELLINGS = qw(dollar lower upper hex colons base64url);

sub show_fingerprints {
    my ($certificate, $digest) = @_;
    for my $of (['certificate', 'certificate'], ['spki', 'public key (SPKI)']) {
        my ($what, $title) = @$of;
        say "$title, $digest";
        say "  $_"
            for map { $certificate->fingerprint(digest => $digest, of => $what, spelling => $_) } @SPELLINGS;
    }
    return;
}

1;

__END__

=head1 NAME

Vouch::Command - what the subcommands of vouch share (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command qw(options show_fingerprints usage);

    my $USAGE = "vouch greet [--loud] NAME\n";
    my %opt;
    my ($name) = options($USAGE, \@ARGV, loud => \$opt{loud});
    usage('name somebody', $USAGE) if !defined $name;

=head1 DESCRIPTION

For use by the command L<vouch> only; it may change in any release. A subcommand
is a class with a method C<run>, which takes the arguments and returns the exit
status, or dies: with a text or a L<Vouch::Error>, which the command shows before
it exits with 1, or by means of C<usage>.

=head1 METHODS

These are functions, exported on request.

=head2 options

    my \@rest = options($usage, \\@argv, 'days=i' => \$days);

Reads options, in the manner of L<Getopt::Long>, out of the array, and returns
what is left. Options are neither abbreviated nor in another case. If there is
something wrong with them: as C<usage>.

=head2 full_url

    my $url = full_url('localhost/page');

The text, with C<gemini://> in front if it has no scheme.

=head2 usage

    usage('--cn is missing', $usage);

Dies so that the command shows the problem and how it is called, which is the
usage up to its first empty line, and exits with 2.

=head2 show_fingerprints

    show_fingerprints($certificate, 'sha256');

Prints the fingerprints of a L<Vouch::Certificate> and of its public key in all
spellings.

=head1 SEE ALSO

L<vouch>, L<Vouch::Command::Cert>, L<Vouch::Command::Fingerprint>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
