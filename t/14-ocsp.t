use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs openssl => 'openssl', 'Net::SSLeay' => 'libnet-ssleay-perl';

use Net::SSLeay ();

use VouchTest        qw(run_command slurp spew temp_dir);
use VouchTest::Forge qw(authority issue);
use VouchTest::Ocsp  qw(response);
use VouchTest::Peer  ();
use Vouch::Context;
use Vouch::Socket;

# What a server staples to its certificate, and what our client makes of it.
# The server is the openssl command.

my $ca    = authority('ca',    cn => 'Authority');
my $other = authority('other', cn => 'Another');
my $leaf  = issue('leaf',  by => $ca, cn => 'localhost', san => ['ip:127.0.0.1']);
my $alone = issue('alone', cn => 'localhost', san => ['ip:127.0.0.1']);

my @about = (for => $leaf, issuer => $ca);

# A server that staples this file, or nothing: its port, and itself.
sub server {
    my ($staple, %arg) = @_;
    my $show = $arg{show} // $leaf;
    my $peer = VouchTest::Peer->start(
        'openssl', 's_server', '-accept', '127.0.0.1:0', '-cert', $show->{cert}, '-key', $show->{key},
        (defined $staple ? ('-status_file', $staple) : ()),
        @{ $arg{more} // [] },
    );
    my ($port) = $peer->wait_for(qr/^ACCEPT .*:([0-9]+)$/m);
    return ($port, $peer);
}

sub connect_to {
    my ($port, %ssl) = @_;
    return Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => $port, SSL_ca_file => $ca->{cert}, %ssl);
}

# "accepted good", or why it was refused.
sub outcome {
    my ($port, %ssl) = @_;
    my $socket = connect_to($port, %ssl);
    return 'accepted ' . $socket->verification->{staple} if $socket;
    return $SSL_ERROR =~ /invalid status response.*was refused: (.*?)\)/ ? $1 : "$SSL_ERROR";
}

my $demanded = 'it comes without an OCSP staple, which is demanded';
my $revoked  = 'its OCSP staple says that it is revoked';
my $old      = 'its OCSP staple is outside its dates';
my $about    = 'its OCSP staple is for another certificate, or its issuer is not known';
my $unsigned = 'its OCSP staple is not signed by its issuer';
my $broken   = 'its OCSP staple cannot be read';
my $unknown  = 'its OCSP staple says that the responder does not know it';

my $helper = issue('helper', by => $ca,    cn => 'Responder', extensions => [ocsp_signing()]);
my $nobody = issue('nobody', by => $ca,    cn => 'Nobody');
my $wrong  = issue('wrong',  by => $other, cn => 'Responder', extensions => [ocsp_signing()]);
my $late = issue('late', by => $ca, cn => 'Responder', extensions => [ocsp_signing()], not_after => time - 9);

sub ocsp_signing {
    require VouchTest::Der;
    return VouchTest::Der::extension('2.5.29.37',
        VouchTest::Der::seq(VouchTest::Der::oid('1.3.6.1.5.5.7.3.9')));
}

# Staple, what comes of it, and what if one is demanded (if that differs).
my @STAPLES = (
    ['none',                  undef, 'accepted none', $demanded],
    ['good',                  response('good', @about), 'accepted good'],
    ['good, told by SHA-256', response('sha256',  @about, digest => 'sha256'),  'accepted good'],
    ['good, without an end',  response('endless', @about, to     => undef),     'accepted good'],
    ['revoked',               response('revoked', @about, status => 'revoked'), $revoked],
    [
        'revoked, long ago',
        response('long', @about, status => 'revoked', from => time - 9e6, to => time - 8e6), $revoked
    ],
    ['unknown',                    response('unknown', @about, status => 'unknown'),                $unknown],
    ['old',                        response('old', @about, from => time - 9000, to => time - 4000), $old],
    ['without an end, a week old', response('week', @about, from => time - 8 * 86_400, to => undef), $old],
    ['from the future',            response('future', @about, from => time + 4000),                  $old],
    ['a clock that is behind',     response('skew', @about, from => time + 100), 'accepted good'],
    ['for another certificate',    response('serial', @about, for => $nobody),   $about],
    ['by another authority',       response('other', @about, issuer => $other, bring => [$other]), $unsigned],
    ['with a changed signature',   response('spoilt', @about, spoil => 1),                         $unsigned],
    ['signed by the server',       response('self', @about, by => $leaf, bring => [$leaf]),        $unsigned],
    ['by who is appointed', response('helper', @about, by => $helper, bring => [$helper]), 'accepted good'],
    ['by who is not',       response('nobody', @about, by => $nobody, bring => [$nobody]), $unsigned],
    ["by another's helper", response('wrong', @about, by => $wrong, bring => [$wrong, $other]), $unsigned],
    ['by a helper out of date', response('late', @about, by => $late, bring => [$late]),        $unsigned],
    ['by who is not shown',     response('hidden', @about, by => $helper),                      $unsigned],
    [
        'several, good last',
        response('several', @about, more => [{ for => $nobody, status => 'revoked' }]),
        'accepted good'
    ],
    [
        'first old, then good',
        response('again', @about, more => [{ from => time - 9000, to => time - 4000 }]),
        'accepted good'
    ],
    [
        'try later',
        response('later', @about, answer => 3),
        'accepted unanswered',
        'its OCSP staple has no answer'
    ],
    ['without a body', spew(temp_dir() . '/nothing.der', "\x30\3\x0a\1\0"), $broken],
);

for my $version (qw(TLSv1_3 TLSv1_2)) {
    for my $case ($version eq 'TLSv1_3' ? @STAPLES : @STAPLES[0 .. 4]) {
        my ($name, $file, $want, $demand) = @$case;
        my ($port, $peer) = server($file);
        is outcome($port, SSL_version => $version), $want, "$version, $name";
        is outcome($port, SSL_version => $version, SSL_ocsp_mode => SSL_OCSP_MUST_STAPLE), $demand // $want,
            "$version, $name, one is demanded"
            if $want =~ /accepted/;
        $peer->stop;
    }
}

subtest 'made by the openssl command' => sub {
    my $dir     = temp_dir();
    my $openssl = sub {
        my ($status, undef, $error) = run_command(['openssl', @_]);
        is $status, 0, "openssl $_[0]" or diag $error;
    };
    $openssl->(qw(ocsp -issuer), $ca->{cert}, '-cert', $leaf->{cert}, '-reqout', "$dir/request");
    for my $case (['V', '', 'accepted good'], ['R', '200101000000Z', $revoked]) {
        my ($letter, $since, $want) = @$case;
        spew(
            "$dir/index.txt",
            join("\t",
                $letter,                          '391231235959Z', $since,
                sprintf('%04X', $leaf->{serial}), 'unknown',       '/CN=localhost')
                . "\n"
        );
        spew("$dir/index.txt.attr", "unique_subject = no\n");
        $openssl->(
            qw(ocsp -index), "$dir/index.txt", '-CA',                 $ca->{cert},
            '-rsigner',      $ca->{cert},      '-rkey',               $ca->{key},
            '-reqin',        "$dir/request",   qw(-ndays 1 -respout), "$dir/response.der"
        );
        my ($port) = my @server = server("$dir/response.der");
        is outcome($port), $want, $want;
        $server[1]->stop;
    }
};

subtest 'who asks for a staple' => sub {
    my ($port, $peer) = server($STAPLES[4][1]);    # revoked
    my $pin = Vouch::Certificate->from_file($leaf->{cert})->fingerprint;
    is outcome($port), $revoked, 'a client that checks the chain';
    is outcome($port, SSL_ocsp_mode => SSL_OCSP_NO_STAPLE), 'accepted none', 'unless it does not want one';
    is outcome($port, SSL_ocsp_mode => 0),                  $revoked,        'mode 0: the default';
    is outcome($port, SSL_ocsp_mode => SSL_OCSP_FULL_CHAIN | SSL_OCSP_FAIL_HARD), $revoked,
        'FULL_CHAIN, FAIL_HARD';
    is outcome($port, SSL_verify_mode => SSL_VERIFY_NONE),  'accepted none', 'not who checks nothing';
    is outcome($port, SSL_verify_mode => VOUCH_VERIFY_ANY), 'accepted none', 'nor who takes any';
    is outcome($port, SSL_fingerprint => $pin), 'accepted none', 'nor is it looked at behind a pin';
    is outcome($port, SSL_fingerprint => $pin, SSL_force_fingerprint => 1), 'accepted none', 'that is alone';
    is outcome($port, SSL_verify_callback => sub { 1 }), $revoked,
        'a callback that says yes does not hide it';
    is outcome($port, SSL_ca_file => $other->{cert}, SSL_verify_callback => sub { 1 }), 'accepted none',
        'where a callback takes an unknown one, there is nothing to check it by';
    is outcome(
        $port,
        SSL_ca_file         => $other->{cert},
        SSL_verify_callback => sub { 1 },
        SSL_ocsp_mode       => SSL_OCSP_MUST_STAPLE
        ),
        $about, 'so it is refused if one is demanded';
    is outcome($port, SSL_ca_file => $leaf->{cert}), 'accepted none',
        'nor where the certificate itself is trusted';
    is outcome($port, SSL_ca_file => $leaf->{cert}, SSL_ocsp_mode => SSL_OCSP_MUST_STAPLE),
        $about, 'which is refused, too, if a staple is demanded';
    my ($later) = my @later = server(response('later', @about, answer => 3));
    is outcome($later, SSL_ocsp_mode => SSL_OCSP_TRY_STAPLE | SSL_OCSP_FAIL_HARD),
        'its OCSP staple has no answer',
        'FAIL_HARD: no answer';
    my ($self) = my @self =
        server(response('alone', for => $alone, issuer => $alone, status => 'revoked'), show => $alone);
    is outcome($self, SSL_ca_file => $alone->{cert}), $revoked, 'one that has signed itself';
};

subtest 'what a refusal tells' => sub {
    my ($port) = my @server = server($STAPLES[4][1]);
    connect_to($port, SSL_error_trap => sub { });
    like "$SSL_ERROR", qr/\ASSL connect attempt failed error:.*invalid status response/, '$SSL_ERROR';
    $server[1]->wait_for(qr/bad certificate status response.*SSL alert number 113/);
    pass 'the server is told by an alert';
};

subtest 'a session that is resumed' => sub {
    my ($port) = my @server = server($STAPLES[1][1], more => ['-naccept', 9]);
    my $context = Vouch::Context->new(
        SSL_ca_file   => $ca->{cert},
        SSL_version   => 'TLSv1_2',
        SSL_ocsp_mode => SSL_OCSP_MUST_STAPLE
    );
    my $first = connect_to($port, SSL_reuse_ctx => $context, SSL_ca_file => undef)
        or return fail "$SSL_ERROR";
    my $session = $first->session;
    $first->close;
    my $second = connect_to($port, SSL_reuse_ctx => $context, SSL_ca_file => undef, SSL_session => $session);
    ok $second && $second->get_session_reused, 'needs no staple: it was checked when the session was made';
};

subtest 'SSL_ocsp_staple_callback' => sub {
    my ($port) = my @server = server($STAPLES[4][1]);
    my ($none) = my @other  = server(undef);
    my @called;
    my $look = sub {
        my ($socket, $response) = @_;
        push @called, [ref $socket, defined $response ? Net::SSLeay::i2d_OCSP_RESPONSE($response) : undef];
        return 0;
    };
    is outcome($port, SSL_ocsp_staple_callback => $look), 'accepted program', 'looks instead of us';
    is_deeply \@called, [['Vouch::Socket', slurp($STAPLES[4][1])]],
        'the socket, and the response for Net::SSLeay';
    @called = ();
    is outcome($none, SSL_ocsp_staple_callback => $look), 'accepted program', 'where there is none';
    is_deeply \@called, [['Vouch::Socket', undef]], 'undef';
    @called = ();
    is outcome($port, SSL_verify_mode => SSL_VERIFY_NONE, SSL_ocsp_staple_callback => $look),
        'accepted program',
        'also where nothing else is checked';
    is scalar @called, 1, 'once';

    for my $exception ("no\n", { code => 1 }) {
        my $died = eval {
            connect_to($port, SSL_ocsp_staple_callback => sub { die $exception });
            1;
        } ? 'nothing' : $@;
        is_deeply $died, $exception, 'what it dies with reaches the program';
    }
    is eval {
        outcome($port, SSL_ocsp_staple_callback => sub { $_[0]->read(my $bytes, 1) });
        1;
    }, undef, 'it cannot use the connection';
    like $@, qr/in its handshake/, 'and is told';
    no warnings 'exiting';
    is eval {
        outcome($port, SSL_ocsp_staple_callback => sub { last });
        1;
    }, undef, 'leaving by "last"' for 1;
    like $@, qr/\ACan't "last" outside a loop block/, 'is an error of its own';
};

subtest 'arguments' => sub {
    my %wrong = (
        'SSL_ocsp_mode -1'          => [[SSL_ocsp_mode => -1],  qr/\ASSL_ocsp_mode must be a whole number/],
        'SSL_ocsp_mode a text'      => [[SSL_ocsp_mode => 'x'], qr/\ASSL_ocsp_mode must be a whole number/],
        'SSL_ocsp_mode a reference' => [[SSL_ocsp_mode => []],  qr/\ASSL_ocsp_mode must be a whole number/],
        'SSL_ocsp_mode 32'         => [[SSL_ocsp_mode => 32], qr/\AOCSP mode 32 is not a set of NO_STAPLE 1/],
        'SSL_ocsp_mode both'       => [[SSL_ocsp_mode => 17], qr/a staple is either asked for or not/],
        'a callback and no staple' =>
            [[SSL_ocsp_mode => 1, SSL_ocsp_staple_callback => sub { }], qr/either asked for or not/],
        'a callback that is none' =>
            [[SSL_ocsp_staple_callback => 'x'], qr/\ASSL_ocsp_staple_callback must be a code reference/],
        'demanded, nothing checked' =>
            [[SSL_ocsp_mode => 2, SSL_verify_mode => 0], qr/demanded only by a client that checks/],
        'demanded, any is taken' =>
            [[SSL_ocsp_mode => 2, SSL_verify_mode => VOUCH_VERIFY_ANY], qr/demanded only by a client/],
        'demanded by a server' => [
            [
                SSL_ocsp_mode => 2,
                SSL_server    => 1,
                SSL_cert_file => $leaf->{cert},
                SSL_key_file  => $leaf->{key}
            ],
            qr/demanded only by a client/
        ],
    );
    for my $name (sort keys %wrong) {
        my ($arg, $text) = @{ $wrong{$name} };
        is(eval { Vouch::Context->new(@$arg); 1 }, undef, $name);
        like $@, $text, "$name: why";
    }
    ok(Vouch::Context->new(SSL_ocsp_mode => $_), "SSL_ocsp_mode $_") for 0, 1, 2, 16, 18, 30;
    ok(
        Vouch::Context->new(
            SSL_server    => 1,
            SSL_cert_file => $leaf->{cert},
            SSL_key_file  => $leaf->{key},
            SSL_ocsp_mode => 16
        ),
        'a server takes a mode that has no effect there'
    );
    is(Vouch::Socket->can_ocsp_staple, 1, 'can_ocsp_staple');
    ok !Vouch::Socket->can_ocsp, 'can_ocsp: nothing is asked over the network';
};

subtest 'shared contexts' => sub {
    my $look = sub { };
    my $ctx  = sub { Vouch::Context::Shared->context(SSL_ca_file => $ca->{cert}, @_) };
    my ($first, $second) = map { $ctx->(SSL_ocsp_staple_callback => $look) } 1 .. 2;
    is $first->ssl_ctx, $second->ssl_ctx, 'the same callback: shared';
    my $third = $ctx->(SSL_ocsp_staple_callback => sub { $first });
    isnt $first->ssl_ctx, $third->ssl_ctx, 'another: not, for a session carries what it decided';
};

done_testing;
