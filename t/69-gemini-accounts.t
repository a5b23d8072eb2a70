use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest qw(identity run_command spew temp_dir);
use VouchTest::Needs 'DBD::SQLite' => 'libdbd-sqlite3-perl';
use VouchTest::GeminiServer qw(ask);
use Vouch::Accounts;
use Vouch::Certificate;
use Vouch::Gemini::Server;
use Vouch::Identity;
use Vouch::Trust;

# examples/gemini-accounts.pl: the whole life of an account, in two processes
# that serve.

my $database = temp_dir() . '/accounts.db';
my $deny     = spew(temp_dir() . '/deny', "# nobody yet\n");
my %files    = map { $_ => [identity($_, cn => $_)] } qw(laptop phone tablet thief);
my %print =
    map { $_ => Vouch::Certificate->from_file($files{$_}[0])->fingerprint(spelling => 'hex') } keys %files;
my @program = ($^X, '-Mblib', 'examples/gemini-accounts.pl', '--database', $database);

sub start_example {
    pipe my $read, my $write or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>&', $write or die "stdout: $!";
        close $read;
        exec @program, qw(--address 127.0.0.1 --port 0 --workers 2 --deny), $deny,
            identity('server', cn => 'localhost');
        die "exec: $!";
    }
    close $write;
    my $line = <$read> // die 'the example did not start';
    my ($port) = $line =~ m{\Agemini://localhost:([0-9]+)/\n\z} or die "the example said: $line";
    return bless { pid => $pid, port => $port, owner => $$ }, 'VouchTest::GeminiServer';
}

my $server = start_example();
my $answer;    # the last

# Status and text of a path, for who has this certificate.
sub visit {
    my ($who, $path) = @_;
    $answer = ask($server, $path, $who ? (cert => $files{$who}) : ());
    return "$answer->{status} $answer->{meta}";
}

# The path of the link with this text, on the page of the account.
sub link_to {
    my ($who, $text) = @_;
    visit($who, '/account');
    my ($path) = $answer->{body} =~ /^=> (\S+) \Q$text\E/m or return "no link: $text";
    return $path;
}

my $HOME = '30 /account';

subtest 'a stranger' => sub {
    is visit(undef,    '/'),        '20 text/gemini',                'the first page is for all';
    is visit(undef,    '/account'), '60 Show a certificate, please', 'for the next a certificate is needed';
    is visit('laptop', '/account'), '20 text/gemini',                'with one it is shown';
    like $answer->{body},   qr/^Your certificate is not known here\.$/m, 'it is not known';
    like $answer->{body},   qr/^\* SHA256:$print{laptop}$/m,             'what it is';
    like $answer->{body},   qr{^\* /CN=laptop$}m,                        'whose it is';
    unlike $answer->{body}, qr{/token|/password|/leave},                 'there is nothing to change';
};

subtest 'registering' => sub {
    my $register = link_to('laptop', 'Register');
    like visit('laptop', $register),         qr/\A10 Your name/,           'the name is asked for';
    like visit('laptop', "$register?a%0Ab"), qr/\A10 a name .* Your name/, 'one that is none: asked again';
    is visit('laptop', "$register?Alex"), $HOME, 'a good one';
    visit('laptop', '/account');
    like $answer->{body}, qr/\A# Hello, Alex\n/,                 'now it is known';
    like $answer->{body}, qr/^\* $print{laptop} \(this one\)$/m, 'with its certificate';
    like visit('tablet', link_to('tablet', 'Register') . '?ALEX'), qr/\A10 the name "ALEX" is taken/,
        'a name that is taken';
    is visit('laptop', $register), $HOME, 'who is registered cannot again';
};

subtest 'links from elsewhere' => sub {
    my $password = link_to('laptop', 'Set a password');
    my $word     = (split m{/}, $password)[2];
    is visit('laptop', '/account/0123456789abcdef/password?mine-not-yours'), $HOME,
        'a guessed word does nothing';
    is visit('tablet', "$password?mine-not-yours"),    $HOME, 'nor does that of another';
    is visit('tablet', "/account/$word/register?Zoe"), $HOME, 'nor for what is allowed';
    visit('laptop', '/account');
    like $answer->{body}, qr/Set a password/, 'there is no password';
};

subtest 'a second device, by a token' => sub {
    visit('laptop', link_to('laptop', 'Use this account'));
    my ($token) = $answer->{body} =~ /^([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})$/m;
    ok $token, 'the first shows a token';
    my $link = link_to('phone', 'Use an account that you have, by a token');
    like visit('phone', $link), qr/\A10 The token/, 'the second asks for it';
    like visit('phone', "$link?AAAA-AAAA-AAAA-AAAA"), qr/\A10 the token is wrong, used, or too old/,
        'a wrong one';
    is visit('phone', "$link?$token"), $HOME, 'the right one';
    visit('phone', '/account');
    like $answer->{body}, qr/\A# Hello, Alex\n/, 'it is the same account';
    like visit('thief', link_to('thief', 'Use an account that you have, by a token') . "?$token"),
        qr/\A10 the token is wrong/, 'once only';
};

subtest 'a third device, by the password' => sub {
    my $password = link_to('phone', 'Set a password');
    like visit('phone', $password),         qr/\A11 /, 'it is asked for, and not shown';
    like visit('phone', "$password?short"), qr/\A11 a password has 8 to 1024/, 'too short: asked again';
    is visit('phone', "$password?correct%20horse"), $HOME, 'set';
    my $login = link_to('tablet', 'Use an account that you have, by its password');
    like visit('tablet', $login), qr/\A10 The name/, 'the name is asked for';
    is visit('tablet', "$login?Al/ex"), '30 login/Al%2Fex', 'any name';
    is visit('tablet', "$login?alex"),  '30 login/alex',    'the right one';
    like visit('tablet', "$login/alex"),               qr/\A11 Its password/, 'then the password';
    like visit('tablet', "$login/alex?wrong%20horse"), qr/\A11 name or password is wrong/, 'a wrong one';
    is visit('tablet', "$login/alex?correct%20horse"), $HOME, 'the right one';
    visit('tablet', '/account');
    like $answer->{body}, qr/\A# Hello, Alex\n/, 'it is the same account';
    is scalar(my @three = $answer->{body} =~ /^\* [0-9a-f]{64}/mg), 3, 'with three certificates';
};

subtest 'a renewed certificate' => sub {
    Vouch::Identity->load(file => temp_dir() . '/laptop')
        ->renew(file => temp_dir() . '/laptop', replace => 1);
    visit('laptop', '/account');
    like $answer->{body}, qr/\A# Hello, Alex\n/, 'is known by its key';
};

subtest 'a lost device' => sub {
    visit('laptop', '/account');
    my ($revoke) = $answer->{body} =~ m{^=> (\S+/revoke/$print{phone}) }m;
    like visit('laptop', $revoke), qr/\A10 Type "revoke"/, 'it is asked for';
    is visit('laptop', "$revoke?no"), $HOME, 'not so';
    visit('phone', '/account');
    like $answer->{body}, qr/\A# Hello, Alex\n/, 'it is known';
    is visit('laptop', "$revoke?revoke"), $HOME, 'revoked';
    visit('phone', '/account') for 1 .. 4;
    like $answer->{body}, qr/\A# Welcome\n/, 'it is not, in any process';
    like visit('phone', link_to('phone', 'Register') . '?Thief'),
        qr/\A10 this certificate, or its key, was revoked/,
        'nor can it register';
};

subtest 'from the shell, while it runs' => sub {
    my ($status) = run_command([@program, '--revoke', 'alex']);
    is $status, 0, 'revoked';
    for (1 .. 4) { visit('laptop', '/account'); like $answer->{body}, qr/\A# Welcome\n/, 'it is not known' }
    ($status) = run_command([@program, '--restore', 'alex']);
    is $status, 0, 'restored';
    visit('laptop', '/account');
    like $answer->{body}, qr/\A# Hello, Alex\n/, 'it is known';
    ($status, undef, my $err) = run_command([@program, '--revoke', 'nobody']);
    is $err,      "there is no account nobody to revoke\n", 'nobody';
    isnt $status, 0,                                        'fails';
    spew($deny, "# the list\n$print{tablet} lost\n");
    is visit('tablet', '/account'), '61 This certificate is not among those that may see this',
        'a list of fingerprints';
    is visit('laptop', '/account'), '20 text/gemini', 'others are served';
};

subtest 'who has lost everything' => sub {
    my ($status, $token) = run_command([@program, '--token', 'alex']);
    is $status, 0, 'somebody asks the owner of the capsule, who makes a token';
    chomp $token;
    is visit('thief', link_to('thief', 'Use an account that you have, by a token') . "?$token"), $HOME,
        'which links a new certificate';
    visit('thief', '/account');
    like $answer->{body}, qr/\A# Hello, Alex\n/, 'so this was no thief';
};

subtest 'name and end' => sub {
    is visit('laptop', link_to('laptop', 'Change the name') . '?Zoe'), $HOME, 'renamed';
    my $leave = link_to('laptop', 'Remove the account');
    like $answer->{body},         qr/\A# Hello, Zoe\n/,  'which is its name now';
    like visit('laptop', $leave), qr/\A10 Type "leave"/, 'it is asked for';
    is visit('laptop', "$leave?no"),    $HOME,  'not so';
    is visit('laptop', "$leave?leave"), '30 /', 'removed';
    visit('laptop', '/account');
    like $answer->{body}, qr/\A# Welcome\n/, 'a stranger again';
};

# The same as rules of a server, without a line of code.
subtest 'require' => sub {
    my $accounts = Vouch::Accounts->new(file => temp_dir() . '/rules.db');
    my $allow    = spew(temp_dir() . '/allow', "$print{tablet}\n");
    my $rules    = VouchTest::GeminiServer::start(sub {
        my ($server) = @_;
        my $page = sub { return gemtext("ok\n") };
        $server->get('/members' => { require => $accounts }                          => $page);
        $server->get('/friends' => { require => Vouch::Trust->new(allow => $allow) } => $page);
    });
    my $status =
        sub { my ($who, $path) = @_; ask($rules, $path, $who ? (cert => $files{$who}) : ())->{status} };
    is $status->(undef,    '/members'), 60, 'accounts: nobody';
    is $status->('tablet', '/members'), 61, 'a stranger';
    $accounts->register(Vouch::Certificate->from_file($files{tablet}[0]), 'alex');
    is $status->('tablet', '/members'), 20, 'registered while it runs';
    $accounts->revoke('alex');
    is $status->('tablet', '/members'), 61, 'revoked while it runs';
    is $status->(undef,    '/friends'), 60, 'a list: nobody';
    is $status->('phone',  '/friends'), 61, 'a stranger';
    is $status->('tablet', '/friends'), 20, 'a friend';
    spew($allow, "$print{phone}\n");
    is join(q( ), map { $status->($_, '/friends') } qw(phone tablet)), '20 61', 'and the other way round';
};

is $server->stop, 0, 'it ends when told';

done_testing;
