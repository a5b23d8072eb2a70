use v5.16;
use warnings;
use Config;

# A listener belongs to the thread that made it; another thread makes its own.

BEGIN {
    if (!$Config{useithreads}) {
        require Test::More;
        Test::More::plan(skip_all => 'this Perl has no threads');
    }
}

use threads;
use Test::More;
use lib 't/lib';

use Errno            qw(EBADF);
use VouchTest::Crowd qw(identity_files listener meet silent);
use Vouch::Socket;

identity_files();

for my $class (qw(Vouch::Listener Vouch::Socket)) {
    subtest $class => sub {
        my %more     = $class eq 'Vouch::Socket' ? (class => $class, Handshakes => 5) : ();
        my $made     = listener(%more);
        my $listener = $made->isa('Vouch::Listener') ? $made : $made->listener;
        my $silent   = silent($listener);
        $listener->advance;
        my ($none, $errno, $ready, $pending, $own) = threads->create(
            { context => 'list' },
            sub {
                my $client   = $made->accept;
                my $errno    = $! + 0;
                my @ready    = $listener->advance;
                my $pending  = $listener->pending;
                my ($server) = meet(listener());
                return ($client, $errno, scalar @ready, $pending, $server ? $server->get_sslversion : undef);
            }
        )->join;
        is $none,              undef,     'a thread cannot accept with the copy of another thread\'s';
        is $errno,             EBADF,     'which fails with EBADF';
        is $ready,             0,         'nothing is ready there';
        is $pending,           0,         'or under way';
        is $own,               'TLSv1_3', 'with its own it can';
        is $listener->pending, 1,         'where it was made the handshake goes on';
        my ($server) = meet($listener);
        ok $server, 'and others come through';
    };
}

done_testing;
