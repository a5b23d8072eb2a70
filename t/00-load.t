use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use File::Find qw(find);
use VouchTest  qw(run_command slurp);

# Every module loads by itself, without a warning, and carries the version
# of the distribution.

my @modules;
find({ no_chdir => 1, wanted => sub { push @modules, $_ if /[.]pm\z/ } }, 'lib');
@modules = sort map { s{\Alib/}{}r } @modules;

my @perl = ($^X, '-w', map { "-I$_" } @INC);

my ($version) = slurp('lib/Vouch.pm') =~ /^package Vouch ([0-9]+[.][0-9]{3});$/m;
ok $version, 'Vouch.pm tells the version of the distribution';

for my $path (@modules) {
    my $module = $path =~ s{/}{::}gr =~ s/[.]pm\z//r;
    subtest $module => sub {
        my ($status, $out, $err) = run_command([@perl, '-e', "require $module; print $module->VERSION"]);
        is $status, 0,        'loads into a fresh perl';
        is $err,    '',       'without a warning';
        is $out,    $version, 'its version is that of the distribution';
        like slurp("lib/$path"), qr/^package \Q$module\E \Q$version\E;$/m, 'its file tells the same';
    };
}

subtest 'together' => sub {
    my $code = join ' ', map { "require '$_';" } @modules;
    my ($status, undef, $err) = run_command([@perl, '-e', $code]);
    is $status, 0,  'all modules load into one perl';
    is $err,    '', 'without a warning';
};

subtest 'the shared object' => sub {
    my ($status, undef, $err) = run_command([@perl, '-e', <<'CODE']);
require XSLoader;
XSLoader::load('Vouch', '9.999');
CODE
    isnt $status, 0, 'is not loaded under another version';
    like $err, qr/object version \Q$version\E does not match/, 'because it knows its own';
};

subtest 'in the place of IO::Socket::SSL' => sub {
    my ($status, $out, $err) = run_command([@perl, '-MVouch::Instead', '-e', <<'CODE']);
use IO::Socket::SSL 2.007;
print join q( ), IO::Socket::SSL->isa("Vouch::Socket"), SSL_VERIFY_PEER,
    \$SSL_ERROR == \$Vouch::Socket::SSL_ERROR;
CODE
    is $status, 0,       'a program that asks for IO::Socket::SSL loads';
    is $err,    '',      'without a warning';
    is $out,    '1 1 1', 'and gets this class, the constants and one $SSL_ERROR';
    ($status, undef, $err) = run_command([@perl, '-e', <<'CODE']);
BEGIN { $INC{'IO/Socket/SSL.pm'} = '/elsewhere/SSL.pm' }
require Vouch::Instead;
CODE
    isnt $status, 0, 'too late is refused';
    like $err, qr{too late: IO::Socket::SSL is loaded from /elsewhere/SSL[.]pm}, 'and told';
};

done_testing;
