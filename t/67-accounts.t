use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use POSIX ();

use VouchTest qw(failure identity slurp spew temp_dir);
use VouchTest::Needs 'DBD::SQLite' => 'libdbd-sqlite3-perl';
use Vouch::Accounts;
use Vouch::Certificate;
use Vouch::Identity;

# The life of accounts: registered, found, linked, renamed, revoked, removed.

my $NOW = 1_800_000_000;

sub certificate { return Vouch::Certificate->from_file((identity($_[0], cn => $_[0]))[0]) }

my ($laptop, $phone, $tablet, $other) = map { certificate($_) } qw(laptop phone tablet other);

# Another certificate of the same key.
sub renewed {
    my ($name) = @_;
    my $new = Vouch::Identity->load(file => temp_dir() . "/$name")->renew;
    return Vouch::Certificate->from_string($new->certificate->pem);
}

sub accounts { return Vouch::Accounts->new(file => ':memory:', password_cost => 10, @_) }

sub names {
    return join q( ), map { $_->name } @_;
}

subtest 'register and find' => sub {
    my $accounts = accounts();
    is $accounts->find($laptop), undef, 'nobody yet';
    is $accounts->find(undef),   undef, 'who shows no certificate is nobody';
    my $alex = $accounts->register($laptop, 'Alex', now => $NOW, label => 'my laptop');
    is $alex->name,      'Alex', 'the name';
    is $alex->created,   $NOW,   'when';
    is $alex->last_seen, $NOW,   'last seen';
    ok !$alex->is_revoked,   'not revoked';
    ok !$alex->has_password, 'no password';
    is $accounts->find($laptop, now => $NOW)->id, $alex->id, 'found by the certificate';
    is $accounts->find($phone),                   undef,     'not by another';
    is $accounts->account('aLEX')->id,            $alex->id, 'found by name, in any case';
    is $accounts->account('Berta'),               undef,     'not by another';
    my ($row, @more) = $accounts->certificates($alex);
    is scalar @more, 0, 'one certificate';
    is_deeply $row,
        {
        fingerprint => $laptop->fingerprint,
        key         => $laptop->fingerprint(of => 'spki'),
        subject     => '/CN=laptop',
        label       => 'my laptop',
        not_before  => $laptop->not_before,
        not_after   => $laptop->not_after,
        first_seen  => $NOW,
        last_seen   => $NOW,
        revoked     => undef,
        },
        'all about it';
    like failure(sub { $accounts->register($laptop, 'Berta') }),
        qr/\Aexists: this certificate, or its key, belongs/,
        'a certificate registers once';
    like failure(sub { $accounts->register(renewed('laptop'), 'Berta') }), qr/\Aexists: /, 'so does a key';
    like failure(sub { $accounts->register($phone, 'ALEX') }), qr/\Aexists: the name "ALEX" is taken/,
        'a name too';
    is names($accounts->list), 'Alex', 'nothing was added';
};

subtest 'seen again' => sub {
    my $accounts = accounts();
    my $alex     = $accounts->register($laptop, 'alex', now => $NOW);
    $accounts->find($laptop, now => $NOW + 59);
    is $accounts->account('alex')->last_seen, $NOW, 'within a minute nothing is written';
    $accounts->find($laptop, now => $NOW + 60);
    is $accounts->account('alex')->last_seen, $NOW + 60, 'after it is';
    $accounts->find($laptop, now => $NOW - 1000);
    is $accounts->account('alex')->last_seen, $NOW + 60, 'never backwards';
    my ($row) = $accounts->certificates('alex');
    is $row->{first_seen}, $NOW,      'the certificate was first seen then';
    is $row->{last_seen},  $NOW + 60, 'and last seen now';
};

subtest 'a renewed certificate' => sub {
    my $accounts = accounts(max_certificates => 3);
    my $alex     = $accounts->register($laptop, 'alex', now => $NOW);
    my @new      = map { renewed('laptop') } 1 .. 5;
    is $accounts->find($new[0], now => $NOW + 1)->id, $alex->id, 'the same key is the same account';
    is $accounts->find($laptop, now => $NOW + 2)->id, $alex->id, 'the old one too';
    is join(q( ), map { $_->{fingerprint} } $accounts->certificates('alex')),
        join(q( ), map { $_->fingerprint } $laptop, $new[0]), 'both are listed';
    $accounts->find($new[$_], now => $NOW + 100 + $_) for 1 .. 4;
    is join(q( ), map { $_->{fingerprint} } $accounts->certificates('alex')),
        join(q( ), map { $_->fingerprint } @new[2 .. 4]), 'of many the latest are kept';
    is $accounts->find($laptop)->id, $alex->id, 'and the key is known still';
};

subtest 'a token' => sub {
    my $accounts = accounts();
    my $alex     = $accounts->register($laptop, 'alex');
    my $token    = $accounts->token($alex, now => $NOW);
    like $token, qr/\A(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}\z/, 'as one can read it out';
    isnt $token, $accounts->token($alex, now => $NOW), 'another each time';
    like failure(sub { $accounts->link($phone, token => 'AAAA-AAAA-AAAA-AAAA') }),
        qr/\Apassword: the token is wrong/,
        'a wrong one';
    like failure(sub { $accounts->link($phone, token => q()) }),            qr/\Apassword: /, 'an empty one';
    like failure(sub { $accounts->link($phone, token => "x' OR 1=1 --") }), qr/\Apassword: /, 'a clever one';
    like failure(sub { $accounts->link($phone, token => $token, now => $NOW + 600) }), qr/\Apassword: /,
        'too late';
    like failure(sub { $accounts->link($laptop, token => $token, now => $NOW) }), qr/\Aexists: /,
        'with a certificate that is known';
    my $typed = lc($token) =~ tr/-0/ o/r;
    is $accounts->link($phone, token => $typed, now => $NOW + 599, label => 'phone')->id, $alex->id,
        'as a person types it';
    is $accounts->find($phone)->id, $alex->id, 'from now on it is known';
    like failure(sub { $accounts->link($tablet, token => $token, now => $NOW + 1) }), qr/\Apassword: /,
        'once only';
    $accounts->token($alex, now => $NOW) for 1 .. 4;
    like failure(sub { $accounts->token($alex, now => $NOW) }), qr/\Alimit: this account has 5 tokens/,
        'five at most';
    ok $accounts->token($alex, now => $NOW + 600), 'not counting those that are too old';
    like failure(sub { $accounts->token('nobody') }), qr/\Aargument: there is no such account/, 'of nobody';
};

subtest 'a password' => sub {
    my $accounts = accounts();
    my $alex     = $accounts->register($laptop, 'Alex');
    my $link     = sub {
        my ($name, $password, @more) = @_;
        $accounts->link($phone, name => $name, password => $password, now => $NOW, @more);
    };
    like failure(sub { $link->('alex', q()) }), qr/\Apassword: name or password is wrong/,
        'none set, none given';
    like failure(sub { $link->('alex', 'nobody has this') }), qr/\Apassword: /,
        'none set, and the one that stands for it';
    is $accounts->set_password($alex, 'correct horse'), 1, 'it is set';
    ok $accounts->account('alex')->has_password, 'which is told';
    like failure(sub { $link->('alex', 'correct hors') }), qr/\Apassword: name or password is wrong/,
        'a wrong one';
    like failure(sub { $link->('berta', 'correct horse') }), qr/\Apassword: name or password is wrong/,
        'a name that is none, in the same words';
    like failure(sub { $link->('alex', 'x' x 5000) }), qr/\Apassword: /, 'a long one';
    is $link->('ALEX', 'correct horse')->id,  $alex->id, 'the right one';
    is $accounts->find($phone)->id,           $alex->id, 'from now on it is known';
    is $accounts->set_password($alex, undef), 1,         'it is taken away';
    ok !$accounts->account('alex')->has_password, 'which is told';
    like failure(sub { $accounts->link($tablet, name => 'alex', password => 'correct horse') }),
        qr/\Apassword: /,
        'and does not count any more';

    for my $bad ('1234567', q(), 'x' x 1025) {
        like failure(sub { $accounts->set_password($alex, $bad) }), qr/\Aargument: a password has 8 to 1024/,
            length($bad) . ' bytes';
    }
    is $accounts->set_password($alex, "caf\x{e9}\x{2603}!!"),                           1, 'any characters';
    is $accounts->link($tablet, name => 'alex', password => "caf\x{e9}\x{2603}!!")->id, $alex->id, 'will do';
    is $accounts->set_password('nobody', 'correct horse'),                              0, 'of nobody';
    like failure(sub { $accounts->link($other, name => 'alex') }), qr/\Aargument: link needs/,
        'no password given';
    like failure(sub { $accounts->link($other) }), qr/\Aargument: link needs/, 'nothing given';
    like failure(sub { $accounts->link($other, token => 1, password => 2) }), qr/\Aargument: link needs/,
        'both given';
};

subtest 'too many tries' => sub {
    my $accounts = accounts();
    $accounts->register($laptop, 'alex');
    $accounts->register($other,  'berta');
    $accounts->set_password($_, 'correct horse') for qw(alex berta);
    my $try = sub {
        my ($certificate, $name, $password, $later) = @_;
        return failure(sub {
            $accounts->link($certificate, name => $name, password => $password, now => $NOW + $later);
        });
    };
    like $try->($phone, 'alex', "wrong $_", $_), qr/\Apassword: /, "try $_" for 1 .. 10;
    like $try->($phone, 'alex', 'correct horse', 20), qr/\Alimit: too many wrong passwords/,
        'the next is not made';
    like $try->($phone,  'berta', 'correct horse', 20), qr/\Alimit: /, 'nor of another name by this key';
    like $try->($tablet, 'Alex',  'correct horse', 20), qr/\Alimit: /, 'nor of this name by another key';
    is $try->($tablet, 'berta', 'correct horse', 20),  'none', 'others go on';
    is $try->($phone,  'alex',  'correct horse', 301), 'none', 'and so it does five minutes later';
};

subtest 'names' => sub {
    my $accounts = accounts();
    my @good     = ('a', '0', 'Alex', 'alex.b-c_d', 'a b c', 'x' x 30);
    my @bad      = (
        q(),         q( ),    ' a',     'a ',       'a  b',    '.a',
        '-a',        '_a',    'x' x 31, 'x' x 5000, "a\n",     "a\nb",
        "a\0b",      "\e[2J", "a\tb",   'a/b',      '../a',    q(a'b),
        q(a"b),      'a;b',   '<b>',    'a%b',      "caf\xe9", "a\x{2603}",
        "\x{202e}a", "a\x{301}",
    );
    for my $name (@good) {
        my $account = $accounts->register($other, $name);
        is $account->name, $name, "\"$name\"";
        $accounts->remove($account);
    }
    for my $name (@bad) {
        like failure(sub { $accounts->register($other, $name) }), qr/\A(?:argument|limit): /,
            'refused: ' . (substr($name, 0, 20) =~ s/[^ -~]/?/gr);
    }
    like failure(sub { $accounts->register($other, undef) }), qr/\Aargument: /, 'none';
    like failure(sub { $accounts->register($other, []) }),    qr/\Aargument: /, 'a reference';
    is names($accounts->list), q(), 'none was stored';
    my $free = accounts(names => qr/\A\w+\z/);
    is $free->register($other, "\x{df}\x{2603}" =~ s/\x{2603}/x/r)->name, "\xc3\x9fx",
        'with a pattern of your own';
    like failure(sub { $free->rename("\x{df}x", "a\nb") }),   qr/\Aargument: /, 'but no line ends';
    like failure(sub { $free->rename("\x{df}x", 'x' x 65) }), qr/\Alimit: /,    'nor without an end';
    is $free->account("\xc3\x9fx")->name, "\xc3\x9fx", 'bytes and characters are the same name';
};

subtest 'rename, list and remove' => sub {
    my $accounts = accounts();
    my %account  = (alex => $laptop, berta => $phone, chris => $tablet);
    $accounts->register($account{$_}, $_) for sort keys %account;
    is $accounts->rename('alex', 'Zoe')->name, 'Zoe', 'renamed';
    is $accounts->find($laptop)->name,         'Zoe', 'it is the same account';
    is $accounts->rename('zoe', 'ZOE')->name,  'ZOE', 'the case of a name may change';
    like failure(sub { $accounts->rename('zoe', 'Berta') }), qr/\Aexists: /, 'a name that is taken';
    like failure(sub { $accounts->rename('alex', 'a') }), qr/\Aargument: there is no such/,
        'an account that is none';
    is names($accounts->list),                          'berta chris ZOE', 'by name';
    is names($accounts->list(limit => 1, offset => 1)), 'chris',           'some of them';
    my $berta = $accounts->account('berta');
    is $accounts->remove($berta),                  1,          'removed';
    is $accounts->remove($berta),                  0,          'it is no more';
    is $accounts->account($berta),                 undef,      'not even as an object';
    is $accounts->find($phone),                    undef,      'its certificate is nobody';
    isnt $accounts->register($phone, 'berta')->id, $berta->id, 'a new account has a new number';
    my $full = accounts(max_accounts => 1);
    $full->register($laptop, 'alex');
    like failure(sub { $full->register($phone, 'berta') }), qr/\Alimit: there are 1 accounts/,
        'as many as may be';
};

subtest 'revoke' => sub {
    my $accounts = accounts();
    my $alex     = $accounts->register($laptop, 'alex');
    my $token    = $accounts->token($alex);
    is $accounts->revoke('alex', now => $NOW),          1,     'revoked';
    is $accounts->revoke('alex'),                       0,     'already';
    is $accounts->find($laptop),                        undef, 'it is not found';
    is $accounts->find($laptop, revoked => 1)->revoked, $NOW,  'unless one asks for it';
    like failure(sub { $accounts->link($phone, token => $token) }), qr/\Apassword: /,
        'nothing is linked to it';
    like failure(sub { $accounts->register($laptop, 'new') }), qr/\Aexists: /, 'the certificate stays taken';
    is $accounts->restore('alex'),   1,         'restored';
    is $accounts->restore('alex'),   0,         'already';
    is $accounts->find($laptop)->id, $alex->id, 'it is found again';
    is $accounts->revoke('nobody'),  0,         'nobody';
};

subtest 'revoke and remove certificates' => sub {
    my $accounts = accounts();
    my $alex     = $accounts->register($laptop, 'alex');
    $accounts->link($phone, token => $accounts->token($alex));
    is $accounts->revoke_certificate($alex, uc $phone->fingerprint(spelling => 'hex')), 1,
        'revoked, in any spelling';
    is $accounts->revoke_certificate($alex, $phone), 0,         'already';
    is $accounts->find($phone),                      undef,     'it is not found';
    is $accounts->find(renewed('phone')),            undef,     'nor is another of its key';
    is $accounts->find($laptop)->id,                 $alex->id, 'the other is';
    like failure(sub { $accounts->register($phone, 'thief') }), qr/\Aexists: .* was revoked/,
        'it cannot register';
    like failure(sub { $accounts->link(renewed('phone'), token => $accounts->token($alex)) }),
        qr/\Aexists: .* was revoked/, 'nor be linked';
    is $accounts->remove_certificate($alex, $phone),    1,       'removed';
    is $accounts->remove_certificate($alex, $phone),    0,       'already';
    is $accounts->register($phone, 'berta')->name,      'berta', 'then it may';
    is $accounts->remove_certificate($alex, $phone),    0,       'that of another account stays';
    is $accounts->find($phone)->name,                   'berta', 'as it was';
    is $accounts->revoke_certificate('nobody', $phone), 0,       'nobody';
    like failure(sub { $accounts->revoke_certificate($alex, 'x') }), qr/\Aformat: /, 'no fingerprint';
    like failure(sub { $accounts->revoke_certificate($alex, $phone->fingerprint(digest => 'sha512')) }),
        qr/\Aargument: /, 'another digest';
    my $few = accounts(max_certificates => 2);
    $few->register($laptop, 'alex');
    $few->link($phone, token => $few->token('alex'));
    like failure(sub { $few->link($tablet, token => $few->token('alex')) }), qr/\Alimit: .* remove one/,
        'too many';
};

subtest 'arguments' => sub {
    my $accounts = accounts();
    $accounts->register($laptop, 'alex');
    my %call = (
        new                => sub { Vouch::Accounts->new(file => ':memory:', flie => 1) },
        'new without file' => sub { Vouch::Accounts->new },
        'names'            => sub { accounts(names => 'abc') },
        register           => sub { $accounts->register($phone, 'x', nwo => 1) },
        find               => sub { $accounts->find($phone, nwo => 1) },
        'find text'        => sub { $accounts->find('text') },
        'find object'      => sub { $accounts->find(bless {}, 'Nothing') },
        time               => sub { $accounts->find($phone,   now => 'tomorrow') },
        list               => sub { $accounts->list(lmit => 1) },
        revoke             => sub { $accounts->revoke('alex', nwo => 1) },
        token              => sub { $accounts->token('alex', nwo => 1) },
        link               => sub { $accounts->link($phone, token => 1, nwo => 1) },
        'account undef'    => sub { $accounts->account(undef) },
        'account ref'      => sub { $accounts->account({}) },
    );
    like failure($call{$_}), qr/\Aargument: /, $_ for sort keys %call;
    like failure(sub { accounts(password_cost => 40)->set_password('alex', 'correct horse') }),
        qr/\Aargument: the cost of a password is 10 to 20/, 'cost';
};

subtest 'in memory, and a fork' => sub {
    my $accounts = accounts();
    $accounts->register($laptop, 'alex');
    pipe my $read, my $write or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        syswrite $write, failure(sub { $accounts->find($laptop) });
        POSIX::_exit(0);
    }
    close $write or die;
    waitpid $pid, 0;
    like <$read>, qr/\Aconfig: accounts in memory belong to the process/, 'the child is told';
    is $accounts->find($laptop)->name, 'alex', 'the parent goes on';
};

done_testing;
