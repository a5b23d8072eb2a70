use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use JSON::PP          qw(decode_json);
use VouchTest         qw(identity run_command slurp spew temp_dir);
use VouchTest::Gemini ();
use Vouch::Certificate;

# "vouch trust" and "vouch identity".

my $dir = temp_dir();
$ENV{XDG_DATA_HOME} = "$dir/data";
my @vouch = ($^X, map({ "-I$_" } grep { !ref } @INC), 'script/vouch');
my @files = identity('capsule', san => ['localhost']);
my $cert  = Vouch::Certificate->from_file($files[0]);
my $pin   = $cert->fingerprint;

sub vouch            { my (@arg) = @_; return run_command([@vouch, @arg]) }
sub trust            { my (@arg) = @_; return vouch('trust',    @arg) }
sub identity_command { my (@arg) = @_; return vouch('identity', @arg) }

# 1, one line that says so.
sub fails {
    my ($name,   $text, @arg) = @_;
    my ($status, $out,  $err) = vouch(@arg);
    is_deeply [$status, $out], [1, q()], "$name: 1";
    like $err, qr/\Avouch $arg[0]: [^\n]*$text[^\n]*\n\z/, "$name: words";
    return;
}

sub wrong {
    my ($name, @arg) = @_;
    my ($status, $out, $err) = vouch(@arg);
    is_deeply [$status, $out], [2, q()], "$name: 2";
    like $err, qr/\Avouch $arg[0]: [^\n]+\nvouch $arg[0] list/, "$name: the usage";
    return;
}

subtest 'trust' => sub {
    my $server = VouchTest::Gemini->start(files => \@files, pages => {});
    my $place  = 'localhost:' . $server->port;
    is_deeply [trust('list')],           [0, q(),    q()], 'nobody at first';
    is_deeply [trust('list', '--json')], [0, "[]\n", q()], 'as JSON';
    fails('a host that is not known',     'not known', qw(trust show nowhere.example));
    fails('one to be removed',            'not known', qw(trust remove nowhere.example));
    fails('a new one, and nobody to ask', 'give --fingerprint', 'trust', 'add', $place);
    is((trust('add', $place, '--fingerprint', 'sha256$' . '0' x 64))[0], 3, 'another fingerprint: 3');
    is_deeply [trust('list')], [0, q(), q()], 'still nobody';

    is((trust('add', $place, '--fingerprint', $pin))[0], 0, 'the right one');
    my ($status, $out) = trust('list');
    like $out, qr/\A\Q$place\E \Q$pin\E until \S+ verified\n\z/, 'is listed';
    my ($fact) = @{ decode_json((trust('list', '--json'))[1]) };
    is_deeply [@$fact{qw(host port)}, $fact->{fingerprints}[0]], ['localhost', $server->port, $pin],
        'as JSON too';
    like + (trust('show', $place))[1], qr/\A\Q$place\E\n  \Q$pin\E\n.*  verified\n\z/s, 'and shown';
    is((trust('add', $place, '--yes'))[0], 0, 'whatever it shows');
    is_deeply [trust('remove', $place)], [0, q(), q()], 'removed';
    is((trust('add', 'elsewhere.example', '--cert', $files[0]))[0], 0, 'a certificate of a file');
    like + (trust('list'))[1], qr/\Aelsewhere\.example:1965 \Q$pin\E/, 'is known, at the usual port';
    is((trust('add', '[::1]:7', '--cert', $files[0]))[0], 0, 'an address');
    like + (trust('show', '[::1]:7'))[1], qr/\A\[::1\]:7\n/, 'is known';
    $server->stop;

    is_deeply [trust('export', 'lagrange', "$dir/trusted")], [0, "2 written\n", q()], 'exported';
    like slurp("$dir/trusted"), qr/^elsewhere\.example;1965 /m, 'as another program reads it';
    is((trust('export', 'lagrange', "$dir/trusted"))[0], 1, 'not over a file');
    is((trust('export', 'lagrange', "$dir/trusted", '--replace'))[0], 0, 'unless told so');
    my @other = ('--known-hosts', "$dir/other");
    is_deeply [trust('import', 'lagrange', "$dir/trusted", @other)],
        [0, "2 added, 0 replaced, 0 kept as they were\n", q()], 'imported';
    is_deeply [trust('import', 'lagrange', "$dir/trusted", @other)],
        [0, "0 added, 0 replaced, 2 kept as they were\n", q()], 'once';
    spew("$dir/damaged", "nonsense\n");
    fails('a damaged file', 'first line', 'trust', 'list',   '--known-hosts', "$dir/damaged");
    fails('no such format', 'nonsense',   'trust', 'import', 'nonsense',      "$dir/trusted");

    wrong('nothing',        'trust');
    wrong('another word',   qw(trust believe));
    wrong('no host',        qw(trust show));
    wrong('too many',       qw(trust list all));
    wrong('no host either', 'trust', 'show', 'a b');
    wrong('two ways',       qw(trust add localhost --yes --cert x));
};

subtest 'identity' => sub {
    is_deeply [identity_command('list')], [0, q(), q()], 'nobody at first';
    my ($status, $out, $err) = identity_command('new', 'alex', '--days', 30);
    my $first = Vouch::Certificate->from_file("$dir/data/vouch/identities/alex-cert.pem");
    is_deeply [$status, $out, $err],
        [0, 'alex ' . $first->fingerprint . ' until ' . $first->not_after_iso . "\n", q()],
        'made';
    fails('twice',      'exists',  qw(identity new alex));
    fails('a bad name', 'letters', qw(identity new ../alex));
    is((identity_command('renew', 'alex'))[0], 0, 'renewed');
    my $second = Vouch::Certificate->from_file("$dir/data/vouch/identities/alex-cert.pem");
    isnt $second->fingerprint,             $first->fingerprint,               'another certificate';
    is $second->fingerprint(of => 'spki'), $first->fingerprint(of => 'spki'), 'of the same key';
    is_deeply [identity_command('use', 'alex', 'gemini://h/wiki')], [0, q(), q()], 'used';
    is((identity_command('use', '-', 'gemini://h/wiki/public'))[0], 0, 'nobody');
    fails('somebody unknown', 'there are alex', qw(identity use carol gemini://h/));
    fails('another place',    'gemini://',      qw(identity use alex https://h/));
    is_deeply [identity_command('list')],
        [
        0, 'alex ' . $second->fingerprint . ' until ' . $second->not_after_iso . "\n  gemini://h/wiki\n", q()
        ],
        'listed';
    my ($fact) = @{ decode_json((identity_command('list', '--json'))[1]) };
    is_deeply [@$fact{qw(name cn uses)}], ['alex', 'alex', ['gemini://h/wiki']], 'as JSON too';
    is_deeply [identity_command('forget', 'gemini://h/wiki')], [0, q(), q()],    'no longer used';
    identity_command('use', 'alex', 'h/short');
    is_deeply [identity_command('forget', 'h/short')], [0, q(), q()], 'without gemini://';
    fails('twice',         'nothing is used', qw(identity forget gemini://h/wiki));
    fails('nobody to ask', '--yes',           qw(identity remove alex));
    is_deeply [identity_command('remove', 'alex', '--yes')], [0, q(), q()], 'removed';
    fails('nobody', 'there is no identity', qw(identity remove alex --yes));
    identity_command('new', 'lost');
    unlink "$dir/data/vouch/identities/lost-key.pem" or die $!;
    is_deeply [identity_command('remove', 'lost', '--yes')], [0, q(), q()], 'removed without its key';
    is_deeply [identity_command('list')],                    [0, q(), q()], 'nobody in the end';
    wrong('nothing',    'identity');
    wrong('no name',    qw(identity new));
    wrong('a new name', qw(identity renew alex --cn Alexander));
};

done_testing;
