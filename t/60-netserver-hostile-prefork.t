use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use VouchTest::Hostile qw(survives);

# Clients that break off: processes that serve many, one after the other.

my %MANY = (max_servers => 6, min_servers => 3, min_spare_servers => 1, max_spare_servers => 4);

subtest PreForkSimple => \&survives, 'PreForkSimple', max_servers => 4;
subtest PreFork       => \&survives, 'PreFork',       %MANY;

done_testing;
