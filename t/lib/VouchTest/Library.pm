package VouchTest::Library 0.001;

use v5.16;
use warnings;

# Programs that use a library, unmodified, run on Vouch and on the genuine
# IO::Socket::SSL: both must print the same.
#
#   is same_on_both($program, @arguments), $expected, 'what the library does';
#
# A program that is wrong for one of the two says so with on_vouch(), which
# runs it with Vouch only.  Each run also proves which of the two it had.

use Carp       ();
use File::Spec ();
use Exporter   qw(import);
use Test::More ();

use VouchTest::Needs 'IO::Socket::SSL' => 'libio-socket-ssl-perl';
use VouchTest qw(run_command spew temp_dir);

our @EXPORT_OK = qw(on_vouch on_genuine same_on_both environment judge version_of);

my $SECONDS = 60;

# What a perl needs to run so: for child processes that a test starts itself.
sub environment {
    my ($whose) = @_;
    my @instead = $whose eq 'Vouch' ? '-MVouch::Instead' : ();
    my @folders = map { File::Spec->rel2abs($_) } grep { !ref } @INC;
    return (PERL5LIB => join(':', @folders), PERL5OPT => join(' ', @instead, '-MVouchTest::Witness'));
}

sub on_vouch   { my (@run) = @_; return _run('Vouch',   @run) }
sub on_genuine { my (@run) = @_; return _run('genuine', @run) }

# What it prints on Vouch, after a check that it is the same on both.
sub same_on_both {
    my (@run) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $ours = on_vouch(@run);
    Test::More::is($ours, on_genuine(@run), 'it prints the same with the genuine IO::Socket::SSL');
    return $ours;
}

sub _run {
    my ($whose, $program, @arguments) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    my %env  = environment($whose);
    my $file = spew(temp_dir() . '/program.pl', $program);
    local @ENV{ keys %env } = values %env;
    my ($status, $out, $error) = run_command([$^X, $file, @arguments], seconds => $SECONDS);
    Test::More::is($status, 0, "$whose: the program ends well");
    judge($whose, $error);
    return $out;
}

# The witnesses of a program, and nothing else, may be among its errors.
sub judge {
    my ($whose, $error) = @_;
    my @witnesses = $error =~ /^witness: (.*)\n/mg;
    my $rest      = $error =~ s/^witness: .*\n//mgr;
    my $pattern =
        $whose eq 'Vouch' ? qr{\AVouch \S+/Vouch/Instead\.pm\z} : qr{\Agenuine \S+/IO/Socket/SSL\.pm\z};
    my @other = grep { $_ !~ $pattern } @witnesses;
    Test::More::is($rest, '', "$whose: and complains of nothing");
    Test::More::ok(@witnesses && !@other, "$whose: it ran on it, and on no other class")
        or Test::More::diag("@other");
    return;
}

# For the record, in the log of a test.
sub version_of {
    my (@modules) = @_;
    for my $module (@modules) {
        my $known = eval { require($module =~ s{::}{/}gr . '.pm') };
        Test::More::note("$module ", $known ? $module->VERSION // 'without a version' : 'does not load');
    }
    return;
}

1;
