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
