package Vouch::VerifyContext 0.001;

use v5.16;
use warnings;

use Vouch ();

# As a number it is the address of OpenSSL's X509_STORE_CTX.
use overload
    '0+'     => sub { ${ $_[0] } },
    'bool'   => sub { 1 },
    fallback => 1;

sub CLONE_SKIP { return 1 }

sub error_text { return _error_text($_[0]->error) }

1;

__END__
