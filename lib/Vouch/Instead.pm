package Vouch::Instead 0.001;

use v5.16;
use warnings;

use Vouch::Socket ();

BEGIN {
    if (my $path = $INC{'IO/Socket/SSL.pm'}) {
        die "Vouch::Instead comes too late: IO::Socket::SSL is loaded from $path; "
            . "use perl -MVouch::Instead, or put \"use Vouch::Instead;\" first\n";
    }
    $INC{'IO/Socket/SSL.pm'} = __FILE__;
}

package IO::Socket::SSL {    ## no critic (ProhibitMultiplePackages)
    our $VERSION = '2.099';
    our @ISA     = ('Vouch::Socket');
    our @EXPORT  = @Vouch::Socket::EXPORT;

    # One variable under both names.
    *SSL_ERROR = \$Vouch::Socket::SSL_ERROR;
}

1;

__END__
