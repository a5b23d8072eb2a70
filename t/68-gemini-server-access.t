use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest               qw(identity spew temp_dir);
use VouchTest::GeminiServer qw(ask send_raw start status_of url);
use VouchTest::PKI          qw(bundle chain expired future issue);

use Vouch::Certificate ();
use Vouch::Gemini::Server;

# Who may see what: 60, 61, 62; and who is too fast: 44.

sub pair { my ($made) = @_; return [@$made{qw(cert key)}] }

my @alex  = identity('alex', cn => 'Alex');
my @kim   = identity('kim',  cn => 'Kim');
my $chain = chain('office');
my $old   = expired('old');
my $new   = future('new');
my $gone  = expired('gone', by => $chain->{root});

sub print_of { my ($file, @how) = @_; return Vouch::Certificate->from_file($file)->fingerprint(@how) }

subtest 'rules for paths' => sub {
    my @list   = (print_of($alex[0], spelling => 'colons'));
    my $server = start(sub {
        my ($server, $tell) = @_;
        $server->get('/**' => sub { gemtext($_[0]->path) });
        $server->require('/any'      => 'certificate');
        $server->require('/any/list' => \@list);
        $server->require('/any/open' => sub { 1 });
        $server->require('/key'      => [print_of($alex[0], of => 'spki')]);
        $server->require('/office'   => { ca => $chain->{root}{cert} });
        $server->require(
            '/function' => sub {
                my ($certificate, $request) = @_;
                return $certificate->common_name eq 'Alex'
                    ? 1
                    : not_authorised('only Alex at ' . $request->path);
            }
        );
        $server->require('/dies' => sub { die "a mistake\n" });
        $server->get('/grow'   => sub { push @list, print_of($kim[0]); gemtext('') });
        $server->get('/break'  => sub { push @list, 'nonsense';        gemtext('') });
        $server->get('/repair' => sub { pop @list; gemtext('') });
        $server->get('/both'   => { require => \@list } => sub { gemtext('') });
        $server->require('/both' => sub { $_[0]->common_name ne 'Kim' });
    });
    my @cases = (
        ['/open',                '20 20 20'],
        ['/any',                 '60 20 20'],
        ['/any/thing',           '60 20 20'],
        ['/anything',            '20 20 20'],
        ['/any/list',            '60 20 61'],
        ['/any/list/x',          '60 20 61'],
        ['/any/lists',           '60 20 20'],
        ['/any/open',            '60 20 20'],
        ['//any/list',           '60 20 61'],
        ['/x/../any/list',       '60 20 61'],
        ['/%61ny/list',          '60 20 61'],
        ['/any//list',           '60 20 61'],
        ['/any/%2e%2e/any/list', '60 20 61'],
        ['/key',                 '60 20 61'],
        ['/office',              '60 61 61'],
        ['/function',            '60 20 61'],
        ['/dies',                '60 40 40'],
        ['/both',                '60 20 61'],
    );
    for my $case (@cases) {
        my ($path, $want) = @$case;
        my $got = join ' ', map { status_of(ask($server, $path, $_ ? (cert => $_) : ())) } undef, \@alex,
            \@kim;
        is $got, $want, "$path for nobody, Alex and Kim: $want";
    }
    is ask($server, '/function', cert => \@kim)->{meta}, 'only Alex at /function',
        'an answer of the function';
    ask($server, '/grow');
    is status_of(ask($server, '/any/list', cert => \@kim)), 20, 'the list has grown while the server runs';
    ask($server, '/break');
    is status_of(ask($server, '/any/list', cert => \@alex)), 40, 'what is no fingerprint lets nobody in';
    ask($server, '/repair');
    is status_of(ask($server, '/any/list', cert => \@alex)),               20, 'until it is gone';
    is status_of(ask($server, '/office',   cert => pair($chain->{leaf}))), 61, 'an issuer that nobody knows';
    my @with_chain = (bundle($chain->{leaf}, $chain->{intermediate}), $chain->{leaf}{key});
    is status_of(ask($server, '/office', cert => \@with_chain)), 20, 'with its issuer';
    is status_of(ask($server, '/office', cert => pair(issue('clerk', by => $chain->{root})))), 20, 'signed';
};

subtest 'dates' => sub {
    my $setup = sub {
        my ($server) = @_;
        $server->get('/open'   => sub { gemtext('') });
        $server->get('/need'   => { require => 'certificate' }                  => sub { gemtext('') });
        $server->get('/office' => { require => { ca => $chain->{root}{cert} } } => sub { gemtext('') });
    };
    my $server = start($setup);
    is ask($server, $_, cert => pair($old))->{raw}, "62 This certificate has expired\r\n", "$_: expired"
        for qw(/open /need);
    is ask($server, $_, cert => pair($new))->{raw}, "62 This certificate is not valid yet\r\n",
        "$_: not yet valid"
        for qw(/open /need);
    is status_of(ask($server, '/open')), 20, 'without any';
    my $lax = start($setup, dates => 'required');
    is status_of(ask($lax, '/open', cert => pair($old))), 20,
        "dates => 'required': not where none is required";
    is status_of(ask($lax, '/need', cert => pair($old))), 62, '... but where one is';
    my $then  = Vouch::Certificate->from_file($old->{cert})->not_after - 60;
    my $early = start($setup, clock => sub { $then });
    is status_of(ask($early, '/need',   cert => pair($old))), 20, 'the clock of the program counts';
    is status_of(ask($early, '/need',   cert => \@alex)),     62, '... for all';
    is status_of(ask($early, '/office', cert => pair($gone))), 61,
        '... and for authorities, which it is too early for';
};

subtest 'too fast' => sub {
    my $setup = sub {
        my ($server) = @_;
        $server->get('/' => sub { gemtext('') });
    };
    my $server = start($setup, rate => '3/1h');
    is join(' ', map { status_of(ask($server, '/')) } 1 .. 4), '20 20 20 44',
        'the fourth of three in an hour';
    like ask($server, '/')->{meta}, qr/\A1[12][0-9]{2}\z/, 'with the seconds to wait';
    is status_of(ask($server, '/nix')),                   44, 'other pages, too';
    is status_of(send_raw($server, "nonsense\r\n")),      44, 'and nonsense';
    is status_of(ask($server, '/', from => '127.0.0.2')), 20, 'another address is served';
    my $people = start($setup, certificate_rate => '2/1h');
    is join(' ', map { status_of(ask($people, '/', cert => \@alex, from => "127.0.0.$_")) } 1 .. 3),
        '20 20 44',
        'by certificate, from wherever';
    is status_of(ask($people, '/', cert => \@kim)), 20, 'others are served';
    is status_of(ask($people, '/')), 20, 'and who has none';
};

subtest 'mistakes' => sub {
    my ($cert, $key) = VouchTest::GeminiServer::files();
    my $server = Vouch::Gemini::Server->new(host => 'localhost', cert => $cert, key => $key);
    my @cases  = (
        ['a rule that is none',   sub { $server->require('/'       => 'password') }],
        ['no fingerprint',        sub { $server->require('/'       => ['nonsense']) }],
        ['no file',               sub { $server->require('/'       => { ca      => '/no/such/file' }) }],
        ['a hash of other words', sub { $server->require('/'       => { capital => 1 }) }],
        ['undef',                 sub { $server->require('/'       => undef) }],
        ['a relative path',       sub { $server->require('members' => 'certificate') }],
        ['a rate that is none', sub { Vouch::Gemini::Server->new(host => 'x', cert => 1, rate  => 'often') }],
        ['an argument',         sub { Vouch::Gemini::Server->new(host => 'x', cert => 1, speed => 1) }],
        [
            'two rules in one',
            sub {
                $server->titan('/' => { require => 'certificate', fingerprints => [] }, sub { });
            }
        ],
        # What somebody forgot to set must not let everybody in.
        (
            map {
                my $name = $_;
                [
                    "$name of undef",
                    sub {
                        $server->titan('/' => { $name => undef }, sub { });
                    }
                ]
            } qw(require fingerprints token types)
        ),
        [
            'an empty token',
            sub {
                $server->titan('/' => { token => ['x', ''] }, sub { });
            }
        ],
        ['files, required: undef', sub { $server->static('/' => '/', require => undef) }],
        ['a program, the same',    sub { $server->scgi('/' => '/x', require => undef, titan => 1) }],
    );
    for my $case (@cases) {
        my ($name, $code) = @$case;
        ok !eval { $code->(); 1 }, "$name dies";
        isa_ok $@, 'Vouch::Error';
    }
};

done_testing;
