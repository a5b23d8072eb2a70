use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest qw(identity run_command slurp spew temp_dir);
use Vouch::Certificate;
use Vouch::Identity;

# "vouch serve": a folder becomes a capsule in one command.

my $dir = temp_dir();
$ENV{XDG_DATA_HOME} = "$dir/data";
my @vouch = ($^X, map({ "-I$_" } grep { !ref } @INC), 'script/vouch');
my $site  = "$dir/site";
mkdir $_ or die "$_: $!" for $site, "$site/folder";
spew("$site/index.gmi",       "# Welcome\n");
spew("$site/folder/note.txt", "a note\n");
spew("$site/.secret",         "hidden\n");
spew("$dir/outside.gmi",      "outside\n");
my $stem = "$dir/data/vouch/servers/localhost";

sub vouch { my (@arg) = @_; return run_command([@vouch, @arg]) }

# Starts it, and returns what it says at the beginning, and its port.
sub serve {
    my (@arg)  = @_;
    my $pid    = open my $out, '-|', @vouch, 'serve', '--port', 0, @arg or die "vouch serve: $!";
    my @said   = map { scalar readline $out } 1 .. 2;
    my ($port) = ($said[0] // q()) =~ /:([0-9]+)\/$/;
    return { pid => $pid, out => $out, said => join(q(), @said), port => $port };
}

sub stop {
    my ($served) = @_;
    kill TERM => $served->{pid};
    my @rest = readline $served->{out};
    close $served->{out};
    return join q(), @rest;
}

subtest 'a folder' => sub {
    my $served = serve($site);
    my $cert   = Vouch::Certificate->from_file("$stem-cert.pem");
    is $served->{said},
          "$site is at gemini://localhost:$served->{port}/\ncertificate "
        . $cert->fingerprint(spelling => 'lower')
        . "\n", 'is told';
    my $url = "gemini://localhost:$served->{port}";
    is_deeply [vouch('get', "$url/")],                [0, "# Welcome\n", q()], 'and served';
    is_deeply [vouch('get', "$url/folder/note.txt")], [0, "a note\n",    q()], 'files in folders';
    is((vouch('get', "$url/.secret"))[0],            50, 'not what is hidden');
    is((vouch('get', "$url/folder/"))[0],            50, 'nor a list');
    is((vouch('get', "$url/%2e%2e/outside.gmi"))[0], 50, 'nor what is outside');
    is sprintf('%o', (stat "$stem-key.pem")[2] % 512), '600', 'the key is private';
    is_deeply [sort map { $_->[1] } $cert->alternative_names], [qw(127.0.0.1 ::1 localhost)], 'the names';
    cmp_ok $cert->not_after, '>', time + 3000 * 86_400, 'and lasts';
    is stop($served), q(), 'and ends';
    is $?,            0,   'well';

    $served = serve($site, '--listing', '--log', '-');
    like $served->{said}, qr/\Q@{[$cert->fingerprint(spelling => 'lower')]}\E/, 'the certificate stays';
    like + (vouch('get', "gemini://localhost:$served->{port}/folder/"))[1], qr/note\.txt/,
        'a list with --listing';
    like stop($served), qr{/folder/}, 'and the log';
};

subtest 'renewed in time' => sub {
    my $old = Vouch::Certificate->from_file("$stem-cert.pem");
    Vouch::Identity->load(file => $stem)->renew(days => 10, file => $stem, replace => 1);
    my $served = serve($site);
    my $new    = Vouch::Certificate->from_file("$stem-cert.pem");
    cmp_ok $new->not_after, '>', time + 3000 * 86_400, 'for long';
    is $new->fingerprint(of => 'spki'), $old->fingerprint(of => 'spki'), 'with the same key';
    stop($served);
};

subtest 'names and certificates' => sub {
    my @files  = identity('own', san => ['localhost']);
    my $served = serve($site, '--cert', $files[0], '--key', $files[1]);
    my $pin    = Vouch::Certificate->from_file($files[0])->fingerprint;
    is((vouch('get', '--fingerprint', $pin, "gemini://localhost:$served->{port}/"))[0],
        0, 'its own certificate');
    stop($served);
    $served = serve($site, qw(--host capsule.example --host localhost --address 127.0.0.1));
    my $made = Vouch::Certificate->from_file("$dir/data/vouch/servers/capsule.example-cert.pem");
    ok $made->is_for('capsule.example') && $made->is_for('localhost'), 'one for all names';
    is((vouch('get', "gemini://localhost:$served->{port}/"))[0], 0, 'each is served');
    stop($served);
    my ($status, undef, $err) = vouch('serve', '--host', 'localhost', '--host', 'new.example', $site);
    is $status, 1, 'a name that the certificate has not';
    like $err, qr/is not for new\.example/, 'is told';
};

subtest 'called wrongly' => sub {
    for my $arg ([], [$site, 'more'], ['--port', 65_536, $site], ['--workers', 0, $site],
        ['--key', 'x', $site])
    {
        my ($status, $out, $err) = vouch('serve', @$arg);
        is_deeply [$status, $out], [2, q()], "serve @$arg";
    }
    is((vouch('serve', "$dir/absent"))[0],     1, 'no folder');
    is((vouch('serve', "$site/index.gmi"))[0], 1, 'a file');
};

done_testing;
