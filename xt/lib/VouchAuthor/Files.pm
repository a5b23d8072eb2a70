package VouchAuthor::Files;

use v5.16;
use warnings;

# The files of the project, and their text, for the author tests.

use Exporter           qw(import);
use ExtUtils::Manifest ();

our @EXPORT_OK = qw(c_without_comments in_checkout need_command project_files slurp);

# Is this a git checkout (else it is an unpacked distribution)?
sub in_checkout { return -e '.git' }

# Every file that is the project's: what git tracks or would track, or, where
# there is no git, what MANIFEST lists.
sub project_files {
    return grep { -f } sort keys %{ ExtUtils::Manifest::maniread() } if !in_checkout();
    need_command('git', 'git');
    my @git = ('git', '-c', 'safe.directory=*', 'ls-files', '-z', '-co', '--exclude-standard');
    open my $out, '-|', @git or die "git: $!\n";
    local $/ = "\0";
    chomp(my @files = <$out>);
    close $out or die "git ls-files failed\n";
    return grep { -f } sort @files;
}

# Die, naming the package, when a command is missing: nothing is skipped.
sub need_command {
    my ($command, $package) = @_;
    return if grep { -x "$_/$command" } split /:/, $ENV{PATH};
    die "the command '$command' is missing: install the package $package\n";
}

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!\n";
    local $/ = undef;
    return scalar <$in>;
}

# C text with every comment blanked, and every string and character constant
# emptied unless $keep_strings; line numbers stay.
sub c_without_comments {
    my ($text, $keep_strings) = @_;
    $text =~ s{
        ( /\* .*? \*/ | //[^\n]* )
        | ( "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    }{ defined $1 ? blank($1) : $keep_strings ? $2 : '""' }gexs;
    return $text;
}

sub blank { return $_[0] =~ s/[^\n]+/ /gr }

1;
