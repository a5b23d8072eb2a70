use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest        qw(identity slurp temp_dir);
use VouchTest::Leaks qw(check_leaks);
use Vouch::Key;
use Vouch::Utils;

# Making certificates leaves nothing behind, also where it fails: neither
# values of Perl (Test::LeakTrace, where it is installed) nor memory of C (the
# size of this process).

my $dir = temp_dir();
my ($cert_file, $key_file) = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my $key = KEY_create_ec();
my ($ca, $ca_key) = CERT_create(CA => 1, key => KEY_create_ec(), subject => { commonName => 'Root' });
my $pem = slurp($key_file);

my %what = (
    'keys'        => sub { Vouch::Key->create for 1, 2 },
    'keys, saved' => sub { PEM_key2file($key, "$dir/key.pem"); PEM_file2key("$dir/key.pem") },
    'keys, PEM'   => sub { PEM_string2key(PEM_key2string($key)) },
    'keys, wrong' => sub {
        eval { KEY_create_ec('x') };
        eval { PEM_string2key('x') };
        eval { KEY_create_rsa(1) }
    },
    'keys, dying' => sub {
        eval {
            Vouch::Key->from_file($cert_file, password => sub { die [] });
        }
    },
    'certificates' => sub { PEM_certs2file("$dir/all.pem", $ca, $ca); PEM_file2certs("$dir/all.pem") },
    'facts'        => sub { CERT_asHash(PEM_file2cert($cert_file)) },
    'facts, wrong' => sub {
        eval { CERT_asHash($ca, 'x') };
        eval { CERT_asHash($_) } for undef, 'x', $key;
    },
    'files, wrong' => sub {
        eval { PEM_file2cert("$dir/x") };
        eval { PEM_file2certs($key_file) }
    },
    'numbers' => sub { CERT_asHash($ca + 0); PEM_key2string($key + 0) },
    'created' => sub {
        CERT_create(
            key             => $key,
            issuer          => [$ca,                                 $ca_key],
            subjectAltNames => [[DNS => 'a'],                        [IP => '::1'], [RID => '1.2.3']],
            ext             => [{ sn => 'nsComment', data => 'hi' }, { oid => '1.2.3', data => 'DER:0500' }],
            serial          => 5,
        );
    },
    'copied'          => sub { CERT_create(%{ CERT_asHash($ca) }, key => $key) },
    'refused at once' => sub {
        eval { CERT_create(key => $key, nosuch => 1) }
    },
    'refused in the middle' => sub {
        eval { CERT_create(key => $key, @$_) }
            for [subject => { nosuch => 1 }], [subjectAltNames => [[IP => 'x']]], [serial => 'x'],
            [ext => [{ sn => 'nsComment' }]], [ext => [{ sn => 'x', data => 1 }]], [purpose => 'x'];
    },
    'refused at the end' => sub {
        eval { CERT_create(key => $key, digest => 'x') }
    },
    'a wrong issuer' => sub {
        eval { CERT_create(key => $key, issuer => [$ca, $key]) }
    },
    'freed' => sub { CERT_free($ca); KEY_free($key); CERT_free(PEM_file2cert($cert_file)) },
);

check_leaks(\%what, few => qr/saved|certificates/);

done_testing;
