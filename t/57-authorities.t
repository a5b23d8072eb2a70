use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest      qw(identity spew temp_dir);
use VouchTest::PKI qw(AUTHORITY bundle chain expired issue wrong_purpose);

use Vouch::Authorities;
use Vouch::Certificate;

# A certificate is checked against authorities, after the handshake.

sub loaded { my ($made) = @_; return Vouch::Certificate->from_file($made->{cert}) }

my $chain    = chain('office');
my $stranger = issue('stranger');
my $members  = Vouch::Authorities->from_file($chain->{root}{cert});

subtest 'who is signed by them' => sub {
    is $members->problem(loaded(issue('clerk', by => $chain->{root}))), undef, 'directly';
    like $members->problem(loaded($chain->{leaf})), qr/unable to get local issuer/, 'not by somebody unknown';
    is $members->problem(loaded($chain->{leaf}), chain => [loaded($chain->{intermediate})]), undef,
        'by somebody whom the peer has shown';
    is $members->problem(loaded($stranger)), 'self-signed certificate', 'a stranger is not';
    is $members->problem(loaded($stranger), chain => [loaded($chain->{root})]), 'self-signed certificate',
        'nor with an authority beside';
    my $coder = wrong_purpose('coder', 'codeSigning', by => $chain->{root});
    like $members->problem(loaded($coder)), qr/purpose/, 'nor whose certificate is not for clients';
};

subtest 'the time is an argument' => sub {
    my $old  = expired('old', by => $chain->{root});
    my $cert = loaded($old);
    is $members->problem($cert), 'certificate has expired', 'expired';
    like $members->problem($cert, now => $cert->not_before - 60), qr/not yet valid/, 'before it was valid';
    like $members->problem($cert, now => $cert->not_after - 60), qr/\A(?:certificate is not yet valid)\z/,
        'its authority counts, too';
};

subtest 'certificates that stand for themselves' => sub {
    my $list = Vouch::Authorities->from_file(bundle($stranger, $chain->{leaf}));
    is $list->problem(loaded($stranger)),      undef,                     'a self-signed one';
    is $list->problem(loaded($chain->{leaf})), undef,                     'one without its issuer';
    is $list->problem(loaded($chain->{root})), 'self-signed certificate', 'and nobody else';
};

subtest 'mistakes' => sub {
    my @cases = (
        ['a file that is not there', sub { Vouch::Authorities->from_file('/no/such/file') },      'file'],
        ['an empty file', sub { Vouch::Authorities->from_file(spew(temp_dir() . '/empty', '')) }, 'format'],
        [
            'an argument that is not known', sub { $members->problem(loaded($stranger), when => 1) },
            'argument'
        ],
    );
    for my $case (@cases) {
        my ($name, $code, $want) = @$case;
        ok !eval { $code->(); 1 }, $name;
        my $error = $@;
        is eval { $error->code }, $want, "... is told as $want";
    }
    ok !eval { $members->problem('text'); 1 }, 'what is no certificate';
    like $@, qr/not a live Vouch::Certificate/, 'is told';
    ok !eval { $members->problem(loaded($stranger), chain => ['text']); 1 }, 'nor in the chain';
};

done_testing;
