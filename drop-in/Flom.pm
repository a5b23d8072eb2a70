# FLoM's Perl module, by Vouch::Flom: for scripts that say "use Flom;", in a
# folder that is on PERL5LIB for them only.
package    # not to be indexed
    Flom;

use v5.16;
use warnings;

use Vouch::Flom ();

Vouch::Flom->_be('Flom');

1;
