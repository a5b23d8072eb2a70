package VouchTest::SideBySide;

use v5.16;
use warnings;

# The same program with the real IO::Socket::SSL and with Vouch::Instead, in a
# process each: what it shows must be the same.
#
#   compare(<<'PERL', 'version' => '2.099');      # what ours shows instead
#   use IO::Socket::SSL;
#   show('version', IO::Socket::SSL->VERSION);    # a name, and values
#   PERL
#
# It runs in the folder of the test, strict and with warnings.

use VouchTest::Needs 'IO::Socket::SSL' => 'libio-socket-ssl-perl', 'Net::SSLeay' => 'libnet-ssleay-perl';

use Exporter   qw(import);
use File::Spec ();
use Test::More;

use VouchTest       qw(spew temp_dir);
use VouchTest::Peer ();

our @EXPORT_OK = qw(compare facts_of);

my $START = <<'PERL';
use strict;
use warnings;
$| = 1;

sub show {
    my ($name, @values) = @_;
    print "$name: ", join(' ', map { defined $_ ? s/([^ -~]|\\)/sprintf '\\x{%x}', ord $1/ger : 'undef' } @values), "\n";
}
PERL

sub compare {
    my ($program, %ours) = @_;
    my %real  = facts_of($program);
    my %vouch = facts_of($program, '-MVouch::Instead');
    is join(' ', sort keys %vouch), join(' ', sort keys %real), 'both come to the end';
    is $vouch{$_},                  $ours{$_} // $real{$_},     $_ for sort keys %real;
    return;
}

# What the program shows, as a hash.
sub facts_of {
    my ($program, @perl) = @_;
    my @blib   = map { File::Spec->rel2abs($_) } grep { !ref && /\bblib\b/ } @INC;
    my %env    = (PERL5LIB => join ':', @blib, $ENV{PERL5LIB} // ());
    my $file   = spew(temp_dir() . '/program.pl', "$START$program");
    my $peer   = VouchTest::Peer->start({ dir => temp_dir(), env => \%env }, $^X, @perl, $file);
    my $status = $peer->finish;
    is $status,    0,  "perl @perl: the program runs" or diag $peer->err;
    is $peer->err, '', 'without a complaint';
    return map { /\A(.*?): ?(.*)\z/s ? ($1 => $2) : () } split /\n/, $peer->out;
}

1;
