use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use Config;
use VouchTest::Hostile qw(survives);

# Clients that break off: a thread for each.

plan skip_all => 'this Perl has no threads' if !$Config{useithreads};

# What memory threads have had stays with the process for the next ones.
subtest Thread => \&survives, 'Thread', max_servers => 20, SSL_ca_file => \undef, memory => 60_000;

done_testing;
