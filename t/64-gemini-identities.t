use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest qw(slurp spew temp_dir);
use Vouch::Gemini::Identities;

# Who is who, where: by the parts of a path, never by its letters.

my $folder = temp_dir() . '/deep/identities';
my $store  = Vouch::Gemini::Identities->new(folder => $folder);

sub failure {
    my ($code) = @_;
    return eval { $code->(); 'none' } // $@->code . ": $@";
}

subtest 'covers' => sub {
    my @table = (
        ['gemini://h/a',     'gemini://h/a',          1],
        ['gemini://h/a',     'gemini://h/a/',         1],
        ['gemini://h/a',     'gemini://h/a/b/c',      1],
        ['gemini://h/a/',    'gemini://h/a',          1],
        ['gemini://h/a',     'gemini://h/ab',         0],
        ['gemini://h/a',     'gemini://h/a.gmi',      0],
        ['gemini://h/a/b',   'gemini://h/a',          0],
        ['gemini://h/a',     'gemini://h/',           0],
        ['gemini://h/',      'gemini://h/any/thing',  1],
        ['gemini://h',       'gemini://h/any/thing',  1],
        ['gemini://h/a',     'titan://h/a/b',         1],
        ['titan://h/a',      'gemini://h/a',          1],
        ['gemini://h/a',     'gemini://H:1965/a',     1],
        ['gemini://h/a',     'gemini://h:1966/a',     0],
        ['gemini://h/a',     'gemini://i/a',          0],
        ['gemini://h/a',     'gemini://sub.h/a',      0],
        ['gemini://h/a',     'gemini://h/A',          0],
        ['gemini://h/a',     'gemini://h/b/../a',     1],
        ['gemini://h/a',     'gemini://h/a/../b',     0],
        ['gemini://h/a',     'gemini://h/a/%2e%2e/b', 0],
        ['gemini://h/a',     'gemini://h/a%2f..%2fb', 0],
        ['gemini://h/a%20b', 'gemini://h/a%20b/c',    1],
        ['gemini://h/a?q',   'gemini://h/a?r',        1],
    );
    is Vouch::Gemini::Identities::covers(@$_[0, 1]), $_->[2], "$_->[0] covers $_->[1]: $_->[2]" for @table;
};

subtest 'files' => sub {
    is_deeply [$store->list], [], 'nobody at first';
    is_deeply [$store->uses], [], 'nowhere';
    is $store->find('gemini://h/'),                           undef,  'not found';
    is $store->create('alex')->certificate->common_name,      'alex', 'made';
    is sprintf('%o', (stat "$folder/alex-key.pem")[2] % 512), '600',  'a private key';
    is sprintf('%o', (stat $folder)[2] % 512),                '700',  'in a private folder';
    like failure(sub { $store->create('alex') }), qr/\Aexists/, 'not twice';
    for my $bad (undef, q(), '-', '../alex', 'a/b', "a\nb", 'a b', '.hidden', 'x' x 65) {
        like failure(sub { $store->create($bad) }), qr/\Aargument: .*name/, 'not ' . ($bad // 'undef');
    }
    like failure(sub { $store->load('berit') }), qr/\Aargument: .*there are alex/, 'who is there is told';
    is $store->remove('berit'), 0, 'nobody to remove';
};

subtest 'uses' => sub {
    $store->use_for('alex', 'gemini://h/a b' =~ s/ /%20/r);
    $store->use_for('alex', 'gemini://[::1]:7/');
    is slurp("$folder/uses"), "# vouch identities 1\nalex gemini://[::1]:7/\nalex gemini://h/a%20b\n",
        'the file';
    is $store->find('gemini://[::1]:7/x'), 'alex', 'an address';
    $store->create('berit');
    $store->use_for('berit', 'gemini://h/a%20b');
    is $store->find('gemini://h/a%20b'), 'berit', 'one at a place';
    like failure(sub { $store->use_for('carol', 'gemini://h/') }), qr/\Aargument/, 'nobody unknown';
    like failure(sub { $store->use_for('alex',  'https://h/') }),  qr/\Aargument/, 'nowhere else';
    is $store->forget('gemini://h/'), 0, 'nothing to forget';
    is $store->remove('berit'),       1, 'removed';
    is_deeply [$store->uses], [{ name => 'alex', url => 'gemini://[::1]:7/' }], 'with her uses';
    ok !-e "$folder/berit-key.pem", 'and her key';
};

subtest 'a damaged file' => sub {
    my %bad = (
        'another file' => ["root:x:0:0\n",                             qr/first line/],
        'cut off'      => ["# vouch identities 1\nalex gemini://h",    qr/cut off/],
        'a bad line'   => ["# vouch identities 1\nalex\n",             qr/line 2/],
        'a bad URL'    => ["# vouch identities 1\n\nalex http://h/\n", qr/line 3/],
        'an empty one' => [q(),                                        qr/first line/],
    );
    for my $name (sort keys %bad) {
        my ($text, $words) = @{ $bad{$name} };
        spew("$folder/uses", $text);
        like failure(sub { $store->find('gemini://h/') }), qr/\Aformat: .*$words/, $name;
        like failure(sub { $store->use_for('alex', 'gemini://h/') }), qr/\Aformat/,
            "$name: is not overwritten";
        is slurp("$folder/uses"), $text, "$name: is as it was";
    }
};

subtest 'many at once' => sub {
    unlink "$folder/uses" or die "$!";
    my @children;
    for my $number (1 .. 8) {
        my $pid = fork // die "fork: $!";
        if (!$pid) { $store->use_for('alex', "gemini://h/$number"); POSIX::_exit(0) }
        push @children, $pid;
    }
    waitpid $_, 0 for @children;
    is scalar(my @uses = $store->uses), 8, 'none is lost';
};

done_testing;
