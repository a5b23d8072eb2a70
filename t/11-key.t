use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest        qw(identity slurp spew temp_dir);
use VouchTest::Forge qw(openssl);
use Vouch::Key;

# Private keys by themselves.

my $dir = temp_dir();

sub refused {
    my ($code, $text, $name, $kind) = @_;
    my $error = eval { $code->(); 1 } ? undef : $@;
    isa_ok $error, 'Vouch::Error', $name or return;
    like $error->message, $text, "$name: the reason";
    is $error->code, $kind // 'argument', "$name: its code";
    is $error->file, __FILE__,            "$name: where the program asked";
    return;
}

subtest 'make, save, load' => sub {
    my $key = Vouch::Key->create;
    is $key->type, 'EC', 'the default is a curve';
    is $key->bits, 256,  'of 256 bits';
    ok $key + 0 > 4096, 'as a number it is an address';
    ok $key,            'as a truth it is true';
    is $key->save("$dir/key.pem"),                           $key,      'save returns the key';
    is sprintf('%04o', (stat "$dir/key.pem")[2] & oct 7777), '0600',    'nobody else may read the file';
    is slurp("$dir/key.pem"),                                $key->pem, 'it holds the PEM';
    is +Vouch::Key->from_file("$dir/key.pem")->pem,          $key->pem, 'loaded from the file';
    is +Vouch::Key->from_string($key->pem)->pem,             $key->pem, 'loaded from the text';
    like openssl([qw(pkey -noout -text -in), "$dir/key.pem"]), qr/prime256v1/, 'OpenSSL reads it';
    refused(sub { $key->save("$dir/key.pem") }, qr/not replaced/, 'a second save', 'exists');
    $key->save("$dir/key.pem", replace => 1);
    is +Vouch::Key->create('rsa:2048')->type, 'RSA', 'another kind';
};

subtest 'with a password' => sub {
    my $key = Vouch::Key->create('ed25519')->save("$dir/ed.pem");
    openssl([
        qw(pkcs8 -topk8 -v2 aes-256-cbc -iter 1 -passout pass:secret -in), "$dir/ed.pem",
        '-out',                                                            "$dir/sealed.pem"
    ]);
    my $asked  = 0;
    my $sealed = slurp("$dir/sealed.pem");
    is +Vouch::Key->from_file("$dir/sealed.pem", password => 'secret')->pem, $key->pem, 'as a text';
    is +Vouch::Key->from_string($sealed, password => sub { $asked++; 'secret' })->pem, $key->pem,
        'from a function';
    is $asked, 1, 'which is asked once';
    Vouch::Key->from_file("$dir/ed.pem", password => sub { $asked++ });
    is $asked, 1, 'and only if it must be';
    refused(sub { Vouch::Key->from_string($sealed) }, qr/encrypted/,              'without one', 'password');
    refused(sub { Vouch::Key->from_string($sealed, password => 'x') }, qr/wrong/, 'a wrong one', 'password');
    is eval {
        Vouch::Key->from_string($sealed, password => sub { die "no\n" });
        1;
    }, undef, 'it may die';
    is $@, "no\n", 'that goes to the caller';
};

subtest 'what is no key' => sub {
    my ($cert) = identity('server', cn => 'localhost');
    refused(sub { Vouch::Key->from_file($cert) }, qr/holds certificates only/, 'a certificate',  'format');
    refused(sub { Vouch::Key->from_file("$dir/nosuch") },  qr/nosuch/,         'a missing file', 'file');
    refused(sub { Vouch::Key->from_string('') },           qr/empty/,          'nothing',        'format');
    refused(sub { Vouch::Key->from_string(undef) },        qr/undef/,                'undef');
    refused(sub { Vouch::Key->from_file([]) },             qr/reference/,            'a reference');
    refused(sub { Vouch::Key->from_file("a\0b") },         qr/NUL/,                  'a name with a NUL');
    refused(sub { Vouch::Key->create('rsa:512') },         qr/too short/,            'a short key');
    refused(sub { Vouch::Key->create('dsa') },             qr/not a kind/,           'another kind');
    refused(sub { Vouch::Key->from_file('x', pass => 1) }, qr/does not know pass\z/, 'a misspelt argument');
    is eval { Vouch::Key::pem(bless {}, 'Vouch::Key'); 1 }, undef, 'an object of somebody else';
    like $@, qr/not a live Vouch::Key/, 'is told';
};

done_testing;
