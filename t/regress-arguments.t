use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use POSIX       ();
use Time::HiRes qw(sleep);

use VouchTest       qw(identity expect_warnings);
use VouchTest::Pair ();
use Vouch::Socket;

# Arguments that do something while they are looked at, and variables that
# change or go while a call waits: no byte is read or written elsewhere.

my @server = identity('server', cn => 'localhost', san => ['127.0.0.1']);

# A number that runs code first.
package Act {    ## no critic (ProhibitMultiplePackages RequireFilenameMatchesPackage)
    use overload '0+' => sub { $_[0]{code}->() }, fallback => 1;
    sub new { my ($class, $code) = @_; return bless { code => $code }, $class }
}

# A text that does.
package Say {    ## no critic (ProhibitMultiplePackages)
    use overload '""' => sub { $_[0]{code}->() }, fallback => 1;
    sub new { my ($class, $code) = @_; return bless { code => $code }, $class }
}

sub act  { return Act->new(@_) }
sub text { return Say->new(@_) }

sub both {
    my (%client) = @_;
    return VouchTest::Pair->new(
        server => { SSL_cert_file   => $server[0],      SSL_key_file => $server[1] },
        client => { SSL_verify_mode => SSL_VERIFY_NONE, %client },
    )->both;
}

# A child that sends us the signal, several times: at least one finds us
# waiting.
sub signal_soon {
    my $parent = $$;
    my $pid    = fork // die "fork: $!";
    return $pid if $pid != 0;
    for (1 .. 5) { sleep 0.1; kill USR1 => $parent }
    POSIX::_exit(0);
}

# The code, and a handler that runs once while it waits.
sub with_signal {
    my ($handler, $code) = @_;
    my $first = 1;
    local $SIG{USR1} = sub { $handler->() if $first; $first = 0 };
    my $pid    = signal_soon();
    my $result = $code->();
    waitpid $pid, 0;
    ok !$first, 'the handler has run';
    return $result;
}

subtest 'syswrite: a length that changes its mind' => sub {
    my ($client, $server) = both();
    my @answers = (3, 5000, 5000);
    is syswrite($client, 'hello', act(sub { shift @answers })), 3, 'it is asked once';
    is sysread($server, my $got, 20_000),                       3, 'and no byte behind the string is sent';
    is $got,                                                    'hel', 'nor another';
};

subtest 'syswrite: an offset that drops the source' => sub {
    my ($client, $server) = both();
    my $source = 'A' x 10_000;
    is syswrite($client, $source, 10_000, act(sub { $source = 'short'; 2 })), 3, 'what is there then is sent';
    sysread $server, my $got, 20_000;
    is $got, 'ort', 'from where the offset says';
    my %hash  = (source => 'B' x 10_000);
    my $count = syswrite($client, $hash{source}, 4, act(sub { %hash = (); 0 }));
    is $count, 4, 'an element of a hash that is gone meanwhile';
    sysread $server, $got, 20_000;
    is $got, 'BBBB', 'is sent as it was';
};

subtest 'syswrite: the ends of the numbers' => sub {
    my ($client) = both();
    for my $case ([-1], [1, 6], [1, -6], [-9e30, 0], [5, -9e30], [-2**63, -2**63]) {
        local $! = 0;
        is syswrite($client, 'hello', $case->[0], $case->[1] // 0), undef, "length, offset: @$case";
    }
    is syswrite($client, 'hello', 2**53, 2), 3, 'a length beyond the end is the rest';
};

subtest 'sysread: a length that unties or closes' => sub {
    my ($client, $server) = both();
    print $server 'hello';
    my $warned = expect_warnings(sub {
        my $buffer = '';
        sysread $client, $buffer, act(sub { untie *$client; 5 });
    });
    like "@$warned", qr/\A(?:untie attempted [^\n]*)?\n?\z/, 'at most the warning of untie';
    ($client, $server) = both();
    print $server 'hello';
    my $count = sysread $client, my $buffer, act(sub { $client->close(SSL_no_shutdown => 1); 5 });
    ok !$count, 'a closed connection reads nothing';
};

subtest 'sysread: the target goes away' => sub {
    my ($client, $server) = both();
    print $server 'hello';
    my %hash  = (buffer => 'x');
    my $count = sysread $client, $hash{buffer}, act(sub { %hash = (); 5 });
    is $count, 5, 'before it is filled';
    %hash  = (buffer => 'x' x 100);
    $count = with_signal(sub { %hash = (); print $server 'again' },
        sub { return sysread $client, $hash{buffer}, 100 });
    is $count, 5, 'or while the call waits';
};

subtest 'read: the target is assigned to while the call waits' => sub {
    my %change = (
        'undef'             => sub { undef $_[0] },
        'empty'             => sub { $_[0]       = q() },
        'a number'          => sub { $_[0]       = 17 },
        'a reference'       => sub { $_[0]       = [] },
        'a copy of another' => sub { state $text = 'x' x 5000; $_[0] = $text },
    );
    for my $name (sort keys %change) {
        my ($client, $server) = both(SSL_io_timeout => 0.8);
        print $server 'y' x 5000;
        my $buffer = q();
        my $count =
            with_signal(sub { $change{$name}->($buffer) }, sub { return $client->read($buffer, 100_000) });
        is $count,         5000, "$name: what was read counts";
        is length $buffer, 5000, 'and is the length';
    }
};

subtest 'readline: $/ is assigned to while it waits' => sub {
    my ($client, $server) = both();
    local $/ = 'END' . '-' x 4000 . "\n";
    my $before = $/;
    print $server 'abc', substr $before, 0, 100;
    my $line = with_signal(
        sub {
            $/ = 'Q' x 100_000;    ## no critic (RequireLocalizedPunctuationVars)
            print $server substr $before, 100;
        },    ## no critic (RequireLocalizedPunctuationVars)
        sub { return scalar <$client> },
    );
    is $line, "abc$before", 'the separator is what it was when the call began';
};

subtest 'peek into a string of characters' => sub {
    my ($client, $server) = both();
    print $server "\xff\xfe\xe9";
    my $buffer = "\x{263a}";
    is $client->peek($buffer, 10), 3, 'three bytes';
    ok utf8::valid($buffer), 'are a valid string';
    is $buffer, "\xff\xfe\xe9", 'of these bytes';
    my %hash = (buffer => 1);
    is $client->peek($hash{buffer}, act(sub { %hash = (); 2 })), 2, 'the target may go away here, too';
};

subtest 'close of a handle that belongs to another class by now' => sub {
    my ($client, $server) = both();
    bless $client, 'IO::Handle';
    ok close $client, 'it is closed, and only once';
    is fileno $client,      undef, 'the descriptor is gone';
    is scalar <$server>,    undef, 'and the peer knows';
    is $server->last_error, undef, 'by a goodbye';
};

subtest 'lists of names: one takes away the others' => sub {
    my @names = ('h2' x 20, 'http/1.1');
    push @names, text(sub { @names = (); 'x' });
    my $context = eval { Vouch::Context->new(SSL_alpn_protocols => \@names) };
    is $@, q(), 'the names are what they were';
    ok $context, 'and the context is made';
};

subtest 'a pin whose text reloads the context' => sub {
    my $context = Vouch::Context->new(SSL_fingerprint => []);
    my $pin     = 'sha256$' . 'ab' x 32;
    ok $context->add_pin(text(sub { $context->reload; $pin })), 'is added';
    is_deeply [$context->pins], [$pin], 'and is there after it';
};

done_testing;
