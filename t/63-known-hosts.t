use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest         qw(failure identity slurp temp_dir);
use VouchTest::Server ();
use Vouch::Certificate;
use Vouch::Identity;
use Vouch::KnownHosts;
use Vouch::Socket;

# Trust on first use: the verdicts, what is stored and when, and the check
# during a handshake.

my $NOW  = time;
my $DAY  = 86_400;
my $file = temp_dir() . '/known_hosts';

sub certificate {
    my ($name, %arg) = @_;
    return Vouch::Certificate->from_file((identity($name, cn => 'localhost', %arg))[0]);
}

my $old     = certificate('old', not_after => $NOW + 10 * $DAY);
my $new     = certificate('new');
my $renewed = Vouch::Certificate->from_string(
    Vouch::Identity->load(file => temp_dir() . '/old')->renew->certificate->pem);

sub fresh { unlink $file; return Vouch::KnownHosts->new(file => $file) }

# The code alone.
sub code_of { return failure(@_) =~ s/:.*//sr }

subtest 'verdicts' => sub {
    my $known   = fresh();
    my $verdict = $known->check('localhost', 1965, $old);
    is $verdict->trust, 'first-use', 'a host nobody knows';
    ok !-e $file, 'judging writes nothing';
    is $known->accept($verdict), 1, 'it is accepted';
    my @cases = (
        ['localhost',   1965, $old,     0,         'match',                'the same certificate'],
        ['localhost',   1965, $old,     20 * $DAY, 'match',                'the same when it has expired'],
        ['localhost',   1965, $renewed, 0,         'key-kept',             'a renewed one'],
        ['localhost',   1965, $new,     0,         'changed',              'another key'],
        ['localhost',   1965, $new,     20 * $DAY, 'changed-after-expiry', 'another key after expiry'],
        ['localhost',   1966, $new,     0,         'first-use',            'another port'],
        ['localhost.x', 1965, $new,     0,         'first-use',            'a longer name'],
        ['local',       1965, $new,     0,         'first-use',            'a shorter name'],
    );
    for my $case (@cases) {
        my ($host, $port, $certificate, $later, $trust, $name) = @$case;
        my $got = $known->check($host, $port, $certificate, now => $NOW + $later);
        is $got->trust,        $trust,                     $name;
        is "$got",             $trust,                     'it is its word as a string';
        is !!$got->is_refused, $trust eq 'changed',        'only what has changed is refused';
        is !!$got->is_known,   !!($trust =~ /match|kept/), 'known or not';
        like $got->sentence, qr/\A\Q$host:$port\E .*SHA256:[0-9a-f]{64}/, 'a sentence';
    }
    like $known->check('localhost', 1965, $new)->sentence, qr/the known one is valid until 20/,
        'until when is told';
};

subtest 'what is told, and decides nothing' => sub {
    my $known = fresh();
    my $other = certificate('other', cn => 'example.org');
    $known->accept('localhost', 1965, $other);
    my $verdict = $known->check('localhost', 1965, $other);
    is $verdict->trust, 'match', 'a name may be anything';
    ok !$verdict->name_matches, 'that it is another is told';
    like $verdict->sentence, qr/does not name this host/, 'in words too';
    ok $known->check('example.org', 1965, $other)->name_matches, 'where it is right as well';
    $verdict = $known->check('localhost', 1965, $old, now => $NOW + 20 * $DAY);
    ok $verdict->is_expired,        'expired';
    ok !$verdict->is_not_yet_valid, 'and not too early';
    $verdict = $known->check('localhost', 1965, $old, now => $NOW - 20 * $DAY);
    ok $verdict->is_not_yet_valid, 'too early';
    is_deeply [$verdict->notes],
        ['the known one is valid until ' . $other->not_after_iso, 'it is not valid yet'],
        'the notes';
};

subtest 'what is stored' => sub {
    my $known = fresh();
    $known->accept('LocalHost.', undef, $old, now => $NOW);
    my ($pin, @more) = $known->list;
    is scalar @more,                            0,                 'one host';
    is $pin->host,                              'localhost',       'its name in lower case';
    is $pin->port,                              1965,              'the port that Gemini has';
    is $pin->expires,                           $old->not_after,   'the expiry';
    is $pin->certificate_fingerprint,           $old->fingerprint, 'the certificate';
    is $pin->certificate_fingerprint('sha512'), $old->fingerprint(digest => 'sha512'), 'the same by SHA-512';
    is $pin->key_fingerprint,                   $old->fingerprint(of => 'spki'),       'the key';
    is $pin->key_fingerprint('sha512'),         undef,              'what is not stored is undef';
    is $pin->first_seen,                        $NOW,               'first seen';
    is $pin->last_seen,                         $NOW,               'last seen';
    is $pin->verified,                          0,                  'nobody has compared it';
    is slurp($file), "# vouch known hosts 1\n" . $pin->line . "\n", 'the whole file';
    is sprintf('%o', (stat $file)[2] & oct 7777), '600',            'for its owner alone';
    is $known->find('localhost')->line,           $pin->line,       'it is found';
    is $known->find('localhost', 1966),           undef,            'not under another port';
};

subtest 'accepting again' => sub {
    my $known = fresh();
    my $at    = sub { $known->check('localhost', 1965, $_[0], now => $NOW + $_[1]) };
    $known->accept($at->($old, 0), verified => 1);
    is $known->accept($at->($old, 3600)),     0,               'an hour later there is nothing to write';
    is $known->find('localhost')->last_seen,  $NOW,            'and nothing written';
    is $known->accept($at->($old, 2 * $DAY)), 1,               'two days later there is';
    is $known->find('localhost')->last_seen,  $NOW + 2 * $DAY, 'it was last seen then';
    is $known->find('localhost')->first_seen, $NOW,            'and first seen before';
    ok $known->find('localhost')->verified, 'it stays compared';
    is $known->accept($at->($renewed, 2 * $DAY)), 1, 'a renewed certificate is written at once';
    my $pin = $known->find('localhost');
    is $pin->certificate_fingerprint,         $renewed->fingerprint, 'it takes the place of the other';
    is $pin->expires,                         $renewed->not_after,   'with its expiry';
    is $pin->first_seen,                      $NOW,                  'of the same host as before';
    is $known->accept($at->($new, 3 * $DAY)), 1, 'another key is stored when the caller says so';
    $pin = $known->find('localhost');
    is $pin->first_seen, $NOW + 3 * $DAY, 'it is seen for the first time';
    ok !$pin->verified, 'and nobody has compared it';
    is scalar(my @all = $known->list), 1, 'one host, as ever';
};

subtest 'a verdict that is out of date' => sub {
    my ($one, $two) = (fresh(), Vouch::KnownHosts->new(file => $file));
    my $first = $one->check('localhost', 1965, $old);
    $two->accept('localhost', 1965, $new);
    my $text = failure(sub { $one->accept($first) });
    like $text, qr/\Averify: /, 'what another process has stored is not overwritten';
    like $text, qr/localhost:1965: meanwhile .*check it again/, 'and why';
    is $two->find('localhost')->certificate_fingerprint, $new->fingerprint, 'it is still there';
    my $changed = $one->check('localhost', 1965, $old);
    is $changed->trust,        'changed', 'the next check sees it';
    is $one->accept($changed), 1,         'and then the caller may decide';
    my $gone = $one->check('localhost', 1965, $old);
    $two->remove('localhost', 1965);
    is $one->accept($gone), 1, 'a host that was removed meanwhile is stored anew';
    my $same = fresh()->check('localhost', 1965, $old);
    $two->accept('localhost', 1965, $old);
    is $one->accept($same), 0, 'two that store the same do not mind each other';
};

subtest 'removing' => sub {
    my $known = fresh();
    $known->accept('example.com', 1965, $old);
    $known->accept('example.co',  1965, $old);
    $known->accept('example.co',  1966, $old);
    is $known->remove('example.co', 1965), 1, 'it was known';
    is join(q( ), map { $_->host . q(:) . $_->port } $known->list), 'example.co:1966 example.com:1965',
        'this very host and port, no longer name';
    is $known->remove('example.co', 1965),                0,        'it is no more';
    is code_of(sub { $known->remove('exa mple', 1965) }), 'format', 'a name that is none';
};

subtest 'hosts' => sub {
    my $known = fresh();
    $known->accept('[2001:DB8::0:1]', 1965, $old);
    is $known->check('2001:db8:0:0::1', 1965, $old), 'match', 'two spellings of an address';
    is(($known->list)[0]->host, '2001:db8::1', 'kept in the usual one');
    like $known->check('::1', 1965, $old)->sentence, qr/\A\[::1\]:1965 /, 'an address has its brackets';
    for my $bad (q(), 'a b', "a\nb", "a\0b", '../x', 'a/b', '*', 'a' x 64, "b\xfccher", 'a:b', '#') {
        is code_of(sub { $known->check($bad, 1965, $old) }), 'format', 'refused: ' . $bad =~ s/[^ -~]/?/gr;
    }
    is code_of(sub { $known->check("b\x{fc}\x{2603}", 1965, $old) }), 'argument',
        'characters that are no bytes';
    is code_of(sub { $known->check(undef, 1965, $old) }), 'argument', 'no host';
    for my $bad (0, -1, 65_536, '1965x', q(), "1\n", '01') {
        is code_of(sub { $known->check('localhost', $bad, $old) }), 'argument', "port $bad";
    }
};

subtest 'arguments' => sub {
    my $known = fresh();
    is code_of(sub { Vouch::KnownHosts->new(fiel => 1) }),               'argument', 'new';
    is code_of(sub { $known->check('localhost', 1, $old, whne => 1) }),  'argument', 'check';
    is code_of(sub { $known->accept('localhost', 1, $old, whne => 1) }), 'argument', 'accept';
    is code_of(sub { $known->accept($known->check('localhost', 1, $old), whne => 1) }), 'argument',
        'accept of a verdict';
    is code_of(sub { $known->socket_arguments('localhost', 1, whne => 1) }), 'argument', 'socket_arguments';
    like code_of(sub { $known->check('localhost', 1, 'text') }), qr/text|argument/,
        'a certificate that is none';
    ok !-e $file, 'nothing was written';
    local @ENV{qw(XDG_DATA_HOME HOME)} = ('/data', '/house');
    is +Vouch::KnownHosts->default_file, '/data/vouch/known_hosts', 'XDG_DATA_HOME';
    is +Vouch::KnownHosts->new->file,    '/data/vouch/known_hosts', 'is the default';
    $ENV{XDG_DATA_HOME} = 'data';
    is +Vouch::KnownHosts->default_file, '/house/.local/share/vouch/known_hosts', 'unless it is relative';
    delete $ENV{XDG_DATA_HOME};
    is +Vouch::KnownHosts->default_file, '/house/.local/share/vouch/known_hosts', 'or not set';
};

# A server that says how each visitor is called, or nothing.
my @server = identity('server', cn => 'localhost');
my @client = identity('client', cn => 'Alex');

sub visit {
    my ($server, $known, %arg) = @_;
    my $socket = Vouch::Socket->new(
        PeerHost      => '127.0.0.1',
        PeerPort      => $server->port,
        SSL_cert_file => $client[0],
        SSL_key_file  => $client[1],
        $known->socket_arguments('127.0.0.1', 1965, %arg),
    ) or return "not connected: $SSL_ERROR";
    my $line = <$socket>;
    $socket->close;
    return $line // 'nothing';
}

subtest 'in a handshake' => sub {
    my $known  = fresh();
    my $server = VouchTest::Server->start(
        ssl => {
            SSL_cert_file   => $server[0],
            SSL_key_file    => $server[1],
            SSL_verify_mode => VOUCH_VERIFY_ANY,
        },
        refused => sub { $_[0]->('refused') },
        serve   => sub {
            my ($socket, $tell) = @_;
            $tell->($socket->certificate ? $socket->certificate->common_name : 'nobody');
            print {$socket} "hello\n";
        },
    );
    is visit($server, $known, verdict => \my $verdict), "hello\n",   'a host nobody knows';
    is $verdict->trust,                                 'first-use', 'the verdict';
    is $verdict->certificate->fingerprint, Vouch::Certificate->from_file($server[0])->fingerprint,
        'of its certificate';
    is scalar(my @none = $known->list), 0, 'the handshake stores nothing';
    $known->accept($verdict);
    is visit($server, $known, verdict => \$verdict), "hello\n", 'a host that is known';
    is $verdict->trust,                              'match',   'as it is';
    is visit($server, $known, ask => sub { fail('asked without need'); 0 }), "hello\n", 'nobody is asked';

    $known->accept('127.0.0.1', 1965, $new);
    my $text = failure(sub { visit($server, $known, verdict => \$verdict) });
    like $text, qr/\Averify: /, 'another certificate ends it';
    like $text, qr/127\.0\.0\.1:1965 shows another certificate .*ask its owner/, 'and says why';
    is $verdict->trust, 'changed', 'the verdict is told';
    my @asked;
    is code_of(sub {
        visit($server, $known, ask => sub { push @asked, @_; return 0 });
        }),
        'verify', 'asked, and no';
    is "@asked",                                 'changed', 'asked once, with the verdict';
    is visit($server, $known, ask => sub { 1 }), "hello\n", 'asked, and yes';
    is code_of(sub {
        visit($server, $known, ask => sub { die "no idea\n" });
        }),
        'text', 'a question that dies';
    $known->remove('127.0.0.1', 1965);
    is code_of(sub {
        visit($server, $known, ask => sub { 0 });
        }),
        'verify', 'a new host, asked, and no';
    is join(q( ), $server->next_lines(8)),
        'Alex Alex Alex refused refused Alex refused refused',
        'who is refused is not shown the certificate of the client';
};

done_testing;
