package Vouch::Command 0.001;

use v5.16;
use warnings;

use Exporter     qw(import);
use Getopt::Long ();

# What the commands of "vouch" share.

our @EXPORT_OK = qw(options show_fingerprints usage);

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
    die { usage => "$problem\n$usage" };
}

my @SPELLINGS = qw(dollar lower upper hex colons base64url);

sub show_fingerprints {
    my ($certificate, $digest) = @_;
    for my $of (['certificate', 'certificate'], ['spki', 'public key (SPKI)']) {
        my ($what, $title) = @$of;
        say "$title, $digest";
        say "  $_" for map { $certificate->fingerprint(digest => $digest, of => $what, spelling => $_) } @SPELLINGS;
    }
    return;
}

1;

__END__

=head1 NAME

Vouch::Command - what the commands of vouch share

=head1 SYNOPSIS

    use Vouch::Command qw(options show_fingerprints usage);

=head1 DESCRIPTION

For the inside of Vouch: each command of L<vouch> is a class under
C<Vouch::Command> with one method, C<run(@arguments)>, which returns the exit
status or dies with the text to show.

=head1 FUNCTIONS

=head2 options

    my @rest = options($usage, \@argv, 'days=i' => \my $days);

Parses the options of C<@argv> as L<Getopt::Long> does and returns the
arguments that are left.  Dies as C<usage> does.

=head2 usage

    usage('name a file', $usage);

Dies with C<< { usage => $text } >>, the problem and the usage text, which makes
the program exit with status 2.

=head2 show_fingerprints

    show_fingerprints($certificate, 'sha256');

Prints the fingerprints of a L<Vouch::Certificate> and of its public key, in
every spelling, by the digest named.

=head1 SEE ALSO

L<vouch>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
