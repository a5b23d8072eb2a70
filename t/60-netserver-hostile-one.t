use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs
    'Net::Server'   => 'libnet-server-perl',
    'IO::Multiplex' => 'libio-multiplex-perl';
use VouchTest::Hostile qw(survives);

# Clients that break off: one process for all.

# It has lines and answers of 1 MB in its own memory now and then.
subtest Single    => \&survives, 'Single',    memory => 8192;
subtest Multiplex => \&survives, 'Multiplex', memory => 8192;

done_testing;
