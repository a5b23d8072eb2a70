use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest       qw(identity);
use VouchTest::Pair ();
use Vouch::Certificate;
use Vouch::Context;
use Vouch::Socket;

# Pins: fingerprints of certificates or keys that are accepted without
# asking anybody, on both sides, and changed while connections use them.

my @server = identity('server', cn => 'localhost');
my @alex   = identity('alex',   cn => 'Alex');
my @berta  = identity('berta',  cn => 'Berta');

my $alex  = Vouch::Certificate->from_file($alex[0]);
my $berta = Vouch::Certificate->from_file($berta[0]);

sub client { return (SSL_verify_mode => SSL_VERIFY_NONE, SSL_cert_file => $_[0], SSL_key_file => $_[1]) }

# A listener that asks for certificates; $calls counts the callback's.
my $calls    = 0;
my @required = (
    SSL_cert_file   => $server[0],
    SSL_key_file    => $server[1],
    SSL_verify_mode => SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
);

sub callback {
    my ($answer) = @_;
    return (SSL_verify_callback => sub { $calls++; return $answer });
}

sub try_as {
    my ($listener, @identity) = @_;
    $calls = 0;
    return VouchTest::Pair->new(listener => $listener, client => { client(@identity) });
}

my %spelling = map { $_ => 1 } qw(dollar lower upper hex colons base64url);

# Every text that is a pin for a certificate.
sub pins_for {
    my ($certificate) = @_;
    my %pin;
    for my $digest (qw(sha1 sha256 sha384 sha512)) {
        $pin{"certificate, $digest, $_"} = $certificate->fingerprint(digest => $digest, spelling => $_)
            for grep { $_ ne 'base64url' || $digest eq 'sha256' } sort keys %spelling;
        $pin{"$_, $digest"} = $certificate->fingerprint(digest => $digest, of => $_) for qw(spki key);
    }
    my $base64 = $certificate->fingerprint(of => 'spki', spelling => 'base64url') =~ tr{-_}{+/}r;
    $pin{"curl's spelling"}        = "sha256//$base64=";
    $pin{'upper case with dollar'} = uc $certificate->fingerprint;
    $pin{'spki without algorithm'} = $certificate->fingerprint(of => 'spki') =~ s/\Asha256\$//r;
    $pin{'pub without algorithm'}  = $certificate->fingerprint(of => 'key')  =~ s/\Asha256\$//r;
    $pin{'with a dash'}            = $certificate->fingerprint =~ s/sha256/SHA-256/r;
    return %pin;
}

subtest 'every spelling accepts, and the callback is not called' => sub {
    my %pin = pins_for($alex);
    for my $kind (sort keys %pin) {
        my $listener = VouchTest::Pair::listener(@required, callback(0), SSL_fingerprint => $pin{$kind});
        my $pair     = try_as($listener, @alex);
        ok $pair->{server}, "$kind: accepted" or diag "$pin{$kind}: $pair->{server_error}";
        is $calls, 0, "$kind: without asking";
        next if !$pair->{server};
        my $found = $pair->{server}->verification;
        is_deeply [@$found{qw(accepted by error)}], [1, 'pin', 0], "$kind: because of the pin";
    }
};

subtest 'who is not pinned' => sub {
    my $listener = VouchTest::Pair::listener(@required, callback(1), SSL_fingerprint => $alex->fingerprint);
    my $pair     = try_as($listener, @berta);
    ok $pair->{server}, 'a callback that says yes accepts';
    is $calls,                              2,          'it was asked, as without pins';
    is $pair->{server}->verification->{by}, 'callback', 'and decided';
    $listener = VouchTest::Pair::listener(@required, callback(0), SSL_fingerprint => $alex->fingerprint);
    $pair     = try_as($listener, @berta);
    ok !$pair->{server}, 'a callback that says no refuses';
    is $calls, 1, 'at its first word';
    like $pair->{server_error}, qr/certificate verify failed.*the verify callback said no/, 'and it is told';
    $listener = VouchTest::Pair::listener(@required, SSL_fingerprint => $alex->fingerprint);
    $pair     = try_as($listener, @berta);
    ok !$pair->{server}, 'without a callback OpenSSL refuses';
    like $pair->{server_error}, qr/certificate was refused: self[- ]signed certificate/,
        'and its reason is told';
    $listener =
        VouchTest::Pair::listener(@required, SSL_fingerprint => $alex->fingerprint, SSL_ca_file => $berta[0]);
    $pair = try_as($listener, @berta);
    ok $pair->{server}, 'or accepts, whom it trusts';
    is $pair->{server}->verification->{by}, 'chain', 'because of the chain';
    $listener = VouchTest::Pair::listener(@required, SSL_fingerprint => []);
    ok !try_as($listener, @alex)->{server}, 'no pins accept nobody';
};

subtest 'SSL_force_fingerprint' => sub {
    my @trusted  = (callback(1), SSL_ca_file => $berta[0]);
    my $listener = VouchTest::Pair::listener(
        @required, @trusted,
        SSL_fingerprint       => $alex->fingerprint,
        SSL_force_fingerprint => 1
    );
    ok try_as($listener, @alex)->{server}, 'who is pinned is accepted';
    my $pair = try_as($listener, @berta);
    ok !$pair->{server}, 'all others are refused, whoever else would accept them';
    is $calls, 0, 'nobody is asked';
    like $pair->{server_error}, qr/certificate was refused: it is not among the pinned ones/,
        'and it is told';
    my $empty = VouchTest::Pair::listener(@required, SSL_fingerprint => [], SSL_force_fingerprint => 1);
    ok !try_as($empty, @alex)->{server}, 'an empty list refuses everybody';
    my $optional = VouchTest::Pair::listener(
        @required,
        SSL_verify_mode       => SSL_VERIFY_PEER,
        SSL_fingerprint       => $alex->fingerprint,
        SSL_force_fingerprint => 1
    );
    $pair = VouchTest::Pair->new(listener => $optional, client => { SSL_verify_mode => SSL_VERIFY_NONE });
    ok $pair->{server}, 'a client without a certificate is let in where none is required';
    is $pair->{server}->certificate, undef, 'and is nobody';
};

subtest 'a pin of another kind, digest or half' => sub {
    my $print = $alex->fingerprint(spelling => 'hex');
    my $spki  = $alex->fingerprint(of       => 'spki', spelling => 'hex');
    my %pin   = (
        'the SPKI digest as a certificate' => "sha256\$$spki",
        'the certificate as SPKI'          => "sha256\$spki\$$print",
        'the certificate as pub'           => "sha256\$pub\$$print",
        'the SPKI digest as pub'           => "sha256\$pub\$$spki",
        'one bit off'                    => sprintf('%s%x', substr($print, 0, -1), 1 ^ hex substr $print, -1),
        'another certificate of the key' => Vouch::Identity->load(cert_file => $alex[0], key_file => $alex[1])
            ->renew->certificate->fingerprint,
    );
    for my $kind (sort keys %pin) {
        my $listener =
            VouchTest::Pair::listener(@required, SSL_fingerprint => $pin{$kind}, SSL_force_fingerprint => 1);
        ok !try_as($listener, @alex)->{server}, "$kind: refused";
    }
    my @renewed = identity('renewed', cn => 'x');
    Vouch::Identity->load(cert_file => $alex[0], key_file => $alex[1])->renew->save(
        cert_file => $renewed[0],
        key_file  => $renewed[1],
        replace   => 1
    );
    my $listener = VouchTest::Pair::listener(@required, SSL_fingerprint => $alex->fingerprint(of => 'spki'));
    ok try_as($listener, @renewed)->{server}, 'a pinned key stays accepted under a renewed certificate';
};

subtest 'a client that pins its server' => sub {
    my $print  = Vouch::Certificate->from_file($server[0])->fingerprint;
    my %server = (SSL_cert_file => $server[0], SSL_key_file => $server[1]);
    my $pair   = VouchTest::Pair->new(server => {%server}, client => { SSL_fingerprint => $print });
    ok $pair->{client}, 'accepts it, though nobody signed it';
    is $pair->{client}->verification->{by}, 'pin', 'because of the pin';
    $pair = VouchTest::Pair->new(
        server => {%server},
        client => { SSL_fingerprint => $print, SSL_verifycn_name => 'other.example' }
    );
    ok $pair->{client}, 'whatever its name: the pin says who it is';
    $pair = VouchTest::Pair->new(server => {%server}, client => { SSL_fingerprint => $alex->fingerprint });
    ok !$pair->{client}, 'another server is checked as without pins';
    like $pair->{client_error}, qr/self[- ]signed certificate/, 'and refused with the reason';
    $pair = VouchTest::Pair->new(
        server => {%server},
        client => {
            SSL_fingerprint       => $alex->fingerprint,
            SSL_force_fingerprint => 1,
            SSL_ca_file           => $server[0],
            SSL_verifycn_name     => 'localhost'
        }
    );
    ok !$pair->{client}, 'with SSL_force_fingerprint a chain is not enough';
    like $pair->{client_error}, qr/not among the pinned ones/, 'and that is the reason';
};

subtest 'changed while in use' => sub {
    my $listener = VouchTest::Pair::listener(@required, SSL_fingerprint => [], SSL_force_fingerprint => 1);
    my $context  = $listener->context;
    ok !try_as($listener, @alex)->{server},   'not pinned: refused';
    ok $context->add_pin($alex->fingerprint), 'add_pin tells that it was new';
    ok !$context->add_pin($alex->fingerprint(spelling => 'colons')),
        'and that it was not, in another spelling';
    my $pair = try_as($listener, @alex);
    ok $pair->{server},                                               'the next connection is accepted';
    ok $context->remove_pin($alex->fingerprint(spelling => 'upper')), 'remove_pin tells that it was there';
    ok !$context->remove_pin($alex->fingerprint),                     'and that it was not';
    ok !try_as($listener, @alex)->{server},                           'the next connection is refused';
    my ($client, $server) = $pair->both;
    print {$client} "still here\n";
    is scalar <$server>, "still here\n", 'the connection that was accepted stays';
    $context->add_pin($alex->fingerprint(of => 'spki'));
    ok try_as($listener, @alex)->{server}, 'a key added';
    $context->add_pin($alex->fingerprint(of => 'key', digest => 'sha1'));
    $context->remove_pin($alex->fingerprint(of => 'spki'));
    ok try_as($listener, @alex)->{server}, 'two pins for one: one removed leaves the other';
    is_deeply [$context->pins], [$alex->fingerprint(of => 'key', digest => 'sha1')], 'pins lists them';
};

subtest 'tickets do not outlive a pin' => sub {
    my $listener =
        VouchTest::Pair::listener(@required, SSL_fingerprint => $alex->fingerprint, SSL_session_tickets => 1);
    my $context = Vouch::Context->new(client(@alex));
    my $again   = sub {
        my ($session) = @_;
        return VouchTest::Pair->new(
            listener => $listener,
            client   => { SSL_reuse_ctx => $context, SSL_session => $session }
        );
    };
    my $pair = $again->();
    print { $pair->{server} } "x\n";
    readline $pair->{client};
    my $session = $pair->{client}->session;
    ok $session, 'the client has a session';
    $pair = $again->($session);
    ok $pair->{server}->get_session_reused, 'and resumes it';
    is $pair->{server}->get_fingerprint,    $alex->fingerprint, 'as who it was';
    is $pair->{server}->verification->{by}, 'session',          'which is what the verification says';
    $listener->context->remove_pin($alex->fingerprint);
    $pair = $again->($session);
    ok !$pair->{server}, 'once the pin is gone it does not get in with it';
};

subtest 'wrong use' => sub {
    my $context = Vouch::Context->new(SSL_fingerprint => []);
    for my $method (qw(add_pin remove_pin has_pin)) {
        for my $bad ('', 'x', undef, [], "sha256\$\0", 'md99$' . 'ab' x 32, 'ab' x 31) {
            ok !eval { $context->$method($bad); 1 },
                "$method does not take " . ($bad // 'undef') =~ s/\0/NUL/r;
            isa_ok $@, 'Vouch::Error', 'what is thrown';
            is $@->file, __FILE__, 'tells where';
        }
        ok !eval { Vouch::Context->new->$method('ab' x 32); 1 }, "$method on a context without pins";
        like $@, qr/this context was made without pins: give SSL_fingerprint \(an empty list will do\)/,
            'says what to do';
    }
    is_deeply [Vouch::Context->new->pins], [], 'a context without pins lists none';
};

subtest '20,000 pins' => sub {
    my @many = map { sprintf 'sha256$%064x', $_ * 7919 } 1 .. 20_000;
    my $listener =
        VouchTest::Pair::listener(@required, SSL_fingerprint => \@many, SSL_force_fingerprint => 1);
    my $context = $listener->context;
    is scalar(my @all = $context->pins), 20_000, 'are all there';
    is_deeply [sort @all], [sort @many], 'and are those given';
    is scalar(grep { $context->has_pin($_) } @many), 20_000,                              'each is found';
    is scalar(grep { $context->has_pin(sprintf '%064x', $_ * 7919 + 1) } 1 .. 20_000), 0, 'no neighbour is';
    is scalar(grep { $context->has_pin($_ =~ s/\$/\$spki\$/r) } @many),                0, 'nor one as a key';
    ok !try_as($listener, @alex)->{server}, 'who is not among them is refused';
    $context->add_pin($alex->fingerprint);
    ok try_as($listener, @alex)->{server}, 'one more is accepted';
    is scalar(grep { $context->remove_pin($_) } @many[grep { $_ % 2 } 0 .. $#many]), 10_000,
        'every second one removed';
    is scalar(grep { $context->has_pin($_) } @many), 10_000, 'leaves the others';
    ok try_as($listener, @alex)->{server}, 'and the one';
    $context->reload;
    is scalar(my @left = $context->pins), 10_001, 'a reload keeps them as they are';
};

done_testing;
