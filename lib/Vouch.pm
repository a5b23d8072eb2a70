package Vouch 0.001;

use v5.16;
use warnings;

use XSLoader ();

XSLoader::load(__PACKAGE__, __PACKAGE__->VERSION);

1;

__END__

=head1 NAME

Vouch - TLS with peers known by their certificate

=cut
