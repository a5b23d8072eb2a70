use v5.16;
use warnings;

package VouchBench::Report 0.001;

# Numbers and words of the tables.

use Exporter   qw(import);
use List::Util qw(max min);

our @EXPORT_OK = qw(at_least at_most chosen median number ratio spread);

sub median {
    my (@values) = @_;
    @values = sort { $a <=> $b } @values;
    my $half = @values / 2;
    return @values % 2 ? $values[$half] : ($values[$half - 1] + $values[$half]) / 2;
}

sub spread {
    my (@values) = @_;
    my $median = median(@values) || return 0;
    return (max(@values) - min(@values)) / $median;
}

# What was not measured is a dash.
sub number {
    my ($value, $decimals) = @_;
    return defined $value ? sprintf "%.${decimals}f", $value : '-';
}

sub ratio {
    my ($value, $base) = @_;
    return defined $value && $base ? $value / $base : undef;
}

# Judged as printed, with two decimals.
sub at_most  { my ($value, $limit) = @_; return sprintf('%.2f', $value) <= $limit ? 'met' : 'missed' }
sub at_least { my ($value, $limit) = @_; return sprintf('%.2f', $value) >= $limit ? 'met' : 'missed' }

# The items named in a list with commas, in their own order; all for none.
sub chosen {
    my ($what, $list, @known) = @_;
    return @known if !defined $list;
    my %want  = map  { $_ => 1 } split /,/, lc $list;
    my @found = grep { delete $want{ $_->{name} } || delete $want{ $_->{number} // '' } } @known;
    die "No such $what: ", join(', ', sort keys %want), "\n" if %want;
    return @found;
}

1;
