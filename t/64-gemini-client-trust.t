use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest         qw(identity slurp spew temp_dir);
use VouchTest::Gemini ();
use Vouch::Gemini::Client;
use Vouch::Identity;

# Whom the client believes, before it says anything; and whom it shows itself
# to.

my $dir   = temp_dir();
my $count = 0;
my %pages = ('/' => "20 text/plain\r\nhello");

sub known { $count++; return Vouch::KnownHosts->new(file => "$dir/known-$count") }

# A server on the port of another, with other files.
sub serve { my (@files) = @_; return VouchTest::Gemini->start(files => \@files, pages => \%pages) }

# Pretend that this certificate was seen at the server's place.
sub remember {
    my ($known, $server, $file, %arg) = @_;
    $known->accept('localhost', $server->port, Vouch::Certificate->from_file($file), %arg);
    return $known;
}

sub failure {
    my ($code) = @_;
    return eval { $code->(); 'none' } // $@->code . ": $@";
}

my @old = identity('old', days => 100);
my @new = identity('new');
my $was = serve(@old);
my $is  = serve(@new);

sub client { my (@arg) = @_; return Vouch::Gemini::Client->new(timeout => 20, @arg) }

# Nothing was requested at the server.
sub is_silent {
    my ($server, $name) = @_;
    my $line = $server->next_line;
    like $line, qr/\A(?:refused|silent)\z/, $name;
    return;
}

subtest 'first use, then known' => sub {
    my $known  = known();
    my $client = client(known_hosts => $known);
    is $client->get($was->url('/'))->verdict, 'first-use', 'first';
    is $known->find('localhost', $was->port)->certificate_fingerprint,
        Vouch::Certificate->from_file($old[0])->fingerprint, 'is stored';
    is $client->get($was->url('/'))->verdict, 'match', 'then known';
    is $known->find('localhost', $is->port),  undef,   'another port is another host';
    $was->next_lines(2);
};

subtest 'changed' => sub {
    my $known  = remember(known(), $is, $old[0]);
    my $before = slurp($known->file);
    like failure(sub { client(known_hosts => $known)->get($is->url('/')) }),
        qr/\Averify: .*another certificate/,
        'refused';
    is_silent($is, 'before the request was sent');
    is slurp($known->file), $before, 'and nothing is stored';
    my $later = client(known_hosts => $known, now => time + 200 * 86_400)->get($is->url('/'));
    is $later->verdict, 'changed-after-expiry', 'when the old one has run out a new one is taken';
    $is->next_line;
    is client(known_hosts => $known)->get($is->url('/'))->verdict, 'match', 'and stored';
    $is->next_line;
};

subtest 'renewed' => sub {
    my $renewed =
        Vouch::Identity->load(cert_file => $old[0], key_file => $old[1])->renew(file => "$dir/renewed");
    my $server = serve("$dir/renewed-cert.pem", "$dir/renewed-key.pem");
    my $known  = remember(known(), $server, $old[0]);
    my $client = client(known_hosts => $known, ask => sub { fail 'nobody is asked'; 0 });
    is $client->get($server->url('/'))->verdict, 'key-kept', 'the key is known';
    is $client->get($server->url('/'))->verdict, 'match',    'and the new certificate is stored';
    $server->stop;
};

subtest 'asked' => sub {
    my $known = known();
    my ($answer, @asked);
    my $client = client(known_hosts => $known, ask => sub { push @asked, "$_[0]"; $answer });
    like failure(sub { $client->get($is->url('/')) }), qr/\Averify: .*never seen/, 'no';
    is_silent($is, 'and nothing was requested');
    $answer = 'once';
    is $client->get($is->url('/'))->body, 'hello', 'once';
    is_silent($is, 'asked while nothing was connected');
    is $is->next_line,                       $is->url('/') . ' by nobody', 'then requested';
    is $known->find('localhost', $is->port), undef,                        'not stored';
    $answer = 'always';
    is $client->get($is->url('/'))->body, 'hello', 'always';
    $is->next_lines(2);
    ok $known->find('localhost', $is->port), 'stored';
    @asked = ();
    is $client->get($is->url('/'))->verdict, 'match', 'known';
    is_deeply \@asked, [], 'nobody is asked again';
    $is->next_line;
    remember($known, $is, $old[0]);
    is $client->get($is->url('/'))->body, 'hello', 'a changed one can be accepted';
    is_deeply \@asked, ['changed'], 'when somebody says so';
    is $known->check('localhost', $is->port, Vouch::Certificate->from_file($new[0])), 'match',
        'and is stored';
    $is->next_lines(2);
    $answer = 'perhaps';
    remember($known, $is, $old[0]);
    like failure(sub { $client->get($is->url('/')) }), qr/\Aargument/, 'other answers are mistakes';
    $is->next_line;
};

subtest 'another certificate after the question' => sub {
    my $first = serve(@old);
    my $second;
    my $client = client(
        known_hosts => known(),
        ask         => sub {
            is_silent($first, 'nothing is requested before');
            $first->stop;
            $second = VouchTest::Gemini->start(files => \@new, pages => \%pages, port => $first->port);
            return 'always';
        },
    );
    like failure(sub { $client->get($first->url('/')) }), qr/\Averify/, 'what nobody agreed to is refused';
    is_silent($second, 'nothing is requested after');
    $second->stop;
};

subtest 'a file that cannot be written, or read' => sub {
    my $known = known();
    spew($known->file, "nonsense\n");
    like failure(sub { client(known_hosts => $known)->get($is->url('/')) }), qr/\Aformat: .*known hosts/,
        'nobody is believed for a damaged file';
    is_silent($is, 'nothing was requested');
    my $fixed = remember(known(), $was, $old[0]);
    chmod 0444, $fixed->file;
    my $result = client(known_hosts => $fixed)->get($is->url('/'));
    is $result->body,                        'hello', 'where nothing can be stored the page is read';
    is scalar(my @told = $result->warnings), 1,       'and that is told';
    $is->next_line;
};

subtest 'by authorities and fingerprints' => sub {
    my @named = identity('named', san => ['localhost']);
    my $named = serve(@named);
    is client(ca_file => $named[0])->get($named->url('/'))->verdict, undef, 'an authority';
    $named->next_line;
    like failure(sub { client(ca_file => $new[0])->get($named->url('/')) }), qr/\Averify/, 'another one';
    is_silent($named, 'nothing was requested');
    my $pin = Vouch::Certificate->from_file($new[0])->fingerprint;
    is client(fingerprint => $pin)->get($is->url('/'))->body, 'hello', 'a fingerprint';
    like failure(sub { client(fingerprint => $pin)->get($named->url('/')) }), qr/\Averify/, 'another one';
    $is->next_line;
    $named->stop;
};

subtest 'identities' => sub {
    my $store = Vouch::Gemini::Identities->new(folder => "$dir/identities");
    $store->create($_) for qw(alex berit);
    my %more = (
        '/wiki/go'   => "30 /else\r\n",
        '/wiki/stay' => "30 below/page\r\n",
        '/ssl'       => "20 text/plain\r\n",
    );
    my $server = VouchTest::Gemini->start(files => \@new, pages => { %pages, %more });
    my $client = client(known_hosts => known(), identities => $store);
    my $shown  = sub {
        my ($path, @arg) = @_;
        my $result = $client->get($server->url($path), @arg);
        my @who    = map { $server->next_line =~ s/.* by //r } $result->redirects, $result;
        return join q( ), @who;
    };
    is $shown->('/wiki/page'), 'nobody', 'nobody unless told';
    $store->use_for('alex', $server->url('/wiki'));
    is $shown->('/wiki'),          'alex',        'at the place';
    is $shown->('/wiki/page?q'),   'alex',        'and below';
    is $shown->('/wikipedia'),     'nobody',      'not beside it';
    is $shown->('/'),              'nobody',      'nor above it';
    is $shown->('/wiki/../'),      'nobody',      'nor by a detour';
    is $shown->('/wiki/%2e%2e/x'), 'nobody',      'however it is written';
    is $shown->('/wiki/go'),       'alex nobody', 'nor where a redirect leads to';
    is $shown->('/wiki/stay'),     'alex alex',   'but where it stays below';
    my $upload = $client->upload($server->url('/wiki/new', 'titan'), 'text');
    is $upload->identity, 'alex', 'for uploads too';
    like $server->next_line, qr/by alex\z/, 'is shown';
    $store->use_for('-', $server->url('/wiki/public'));
    is $shown->('/wiki/public/x'), 'nobody', 'unless told not to be';
    is $shown->('/other', identity => 'berit'), 'berit', 'by name, for one request';
    is $shown->('/wiki/go', identity => $store->load('berit')), 'berit nobody',
        'or by itself, and not elsewhere';
    is $client->get($server->url('/'), identity => 'berit')->identity, 'berit', 'the result tells';
    $server->next_line;
    is failure(sub { $shown->('/', identity => 'carol') }) =~ s/:.*//sr, 'argument', 'nobody of that name';
    $server->stop;
};

subtest 'TLS 1.2 tells who we are' => sub {
    my $store = Vouch::Gemini::Identities->new(folder => "$dir/identities");
    my $server =
        VouchTest::Gemini->start(files => \@new, pages => \%pages, ssl => { SSL_version => 'TLSv1_2' });
    my $client = client(known_hosts => known(), identities => $store);
    is_deeply [$client->get($server->url('/'))->warnings], [], 'nobody is told of';
    my $result = $client->get($server->url('/'), identity => 'alex');
    is $result->tls, 'TLSv1.2', 'TLS 1.2';
    like join("\n", $result->warnings), qr/in the clear/, 'is warned of';
    $server->stop;
};

$_->stop for $was, $is;
done_testing;
