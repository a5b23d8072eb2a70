use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use VouchTest::Hostile qw(survives);

# Clients that break off: a process for each.

subtest Fork => \&survives, 'Fork';
subtest MultiType => \&survives, 'MultiType', server_type => ['Fork'];

done_testing;
