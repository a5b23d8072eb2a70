use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use VouchTest::Hostile qw(survives);

# Clients that break off: HTTP and PSGI.

my %MANY = (max_servers => 6, min_servers => 3, min_spare_servers => 1, max_spare_servers => 4);
my %WEB  = (
    request        => "GET / HTTP/1.0\r\n\r\n",
    large          => "GET /large HTTP/1.0\r\n\r\n",
    timeout_header => 2
);

subtest HTTP => \&survives, 'HTTP', %MANY, %WEB;
subtest PSGI => \&survives, 'PSGI', %MANY, %WEB;

done_testing;
