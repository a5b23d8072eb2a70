package Vouch::Instead::Utils 0.001;

use v5.16;
use warnings;

use Exporter     ();
use Vouch::Utils ();

# The functions of Vouch::Utils under the name of IO::Socket::SSL::Utils.

package IO::Socket::SSL::Utils;    ## no critic (ProhibitMultiplePackages)

our $VERSION = '2.015';
our @EXPORT  = @Vouch::Utils::EXPORT;

*import = \&Exporter::import;
{
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    *$_ = \&{"Vouch::Utils::$_"} for @EXPORT;
}

1;

__END__

=head1 NAME

Vouch::Instead::Utils - IO::Socket::SSL::Utils on Vouch (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Instead;
    use IO::Socket::SSL::Utils;

    my ($cert, $key) = CERT_create(subject => { commonName => 'Alex' });

=head1 DESCRIPTION

Loaded by L<Vouch::Instead>. The functions are those of L<Vouch::Utils>; nothing
here is for others, and it may change in any release.

=head1 SEE ALSO

L<Vouch::Instead>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
