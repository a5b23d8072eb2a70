package Vouch::Config 0.001;

use v5.16;
use warnings;

use Vouch ();

# The XS object under Vouch::Context; its methods are in xs/Config.xs.

sub CLONE_SKIP { return 1 }

1;

__END__
