#!/usr/bin/perl
# A Gemini capsule with accounts: the whole life of one. Visitors register with
# a certificate and a name; use the account from a second device by a token or
# a password; renew, list and remove certificates; change name; go.
#
#   perl gemini-accounts.pl [--host localhost] [--port 1965] [--database accounts.db]
#       [--deny FILE] [--workers N] CERTIFICATE KEY
#   perl gemini-accounts.pl [--database accounts.db] --revoke NAME
#       | --restore NAME | --token NAME
#
# The second form works on the accounts while the server runs; the token is for
# somebody who has lost all certificates and has no password. FILE lists
# fingerprints of certificates and keys that are not served; edit it at any time.
use v5.16;
use warnings;

use Digest::SHA  qw(hmac_sha256_hex);
use Getopt::Long qw(GetOptions);
use Vouch::Accounts;
use Vouch::Gemini::Server;
use Vouch::Trust;

my %opt   = (host => 'localhost', port => 1965, database => 'accounts.db', workers => 1);
my $USAGE = "usage: $0 [OPTIONS] CERTIFICATE KEY, or $0 [--database FILE] --revoke NAME\n";
GetOptions(\%opt, qw(host=s address=s port=i database=s deny=s workers=i revoke=s restore=s token=s))
    or die $USAGE;

my $accounts = Vouch::Accounts->new(file => $opt{database});
for my $verb (grep { defined $opt{$_} } qw(revoke restore)) {
    exit($accounts->$verb($opt{$verb}) ? 0 : die "there is no account $opt{$verb} to $verb\n");
}
if (defined $opt{token}) {
    say $accounts->token($opt{token});
    exit;
}
my ($cert, $key) = @ARGV;
die $USAGE if !defined $key;

my $trust  = defined $opt{deny} ? Vouch::Trust->new(deny => $opt{deny}) : undef;
my $server = Vouch::Gemini::Server->new(
    host    => $opt{host},
    cert    => $cert,
    key     => $key,
    port    => $opt{port},
    workers => $opt{workers},
    defined $opt{address} ? (address => $opt{address}) : (),
);

# A link that changes something has a word in it that nobody else can know.
# Without, any page could link to /account/password?word-of-my-choice, and a
# client that has chosen its certificate for us would follow. Made before the
# workers are, so that they agree on it.
open my $random, '<:raw', '/dev/urandom' or die "/dev/urandom: $!\n";
read($random, my $secret, 32) == 32 or die "/dev/urandom: $!\n";

sub word_for {
    my ($request) = @_;
    return substr hmac_sha256_hex($request->fingerprint(of => 'spki'), $secret), 0, 16;
}

# Everything is below /account, where a certificate is first asked for: a client
# shows it there, and nowhere above.
$server->require('/account' => sub { return !$trust || $trust->allows($_[0]) });

$server->get(
    '/' => sub {
        return gemtext("# Who are you?\n\nShow a certificate, and we know each other the next time.\n\n"
                . "=> /account Your account\n");
    }
);

$server->get(
    '/account' => sub {
        my ($request) = @_;
        my $account   = $accounts->find($request->certificate) // return stranger($request);
        my $to        = '/account/' . word_for($request);
        return gemtext(
            join "\n",
            '# Hello, ' . $account->name,
            q(),
            (
                $account->has_password
                ? ()
                : ('Set a password, or keep a second certificate: who loses all, loses this.', q())
            ),
            "=> $to/token Use this account from another device",
            "=> $to/password " . ($account->has_password ? 'Change the password' : 'Set a password'),
            "=> $to/name Change the name",
            "=> $to/leave Remove the account",
            q(),
            '## Certificates',
            q(),
            (map { certificate_lines($to, $request, $_) } $accounts->certificates($account)),
            q()
        );
    }
);

# Somebody who is not registered: told what is seen of the certificate, as
# the client may have several.
sub stranger {
    my ($request)   = @_;
    my $certificate = $request->certificate;
    my $to          = '/account/' . word_for($request);
    return gemtext(
        join "\n",
        '# Welcome',
        q(),
        'Your certificate is not known here.',
        q(),
        '* ' . $certificate->fingerprint(spelling => 'lower'),
        '* ' . $certificate->subject,
        '* valid until ' . ($certificate->not_after_iso // 'an unknown day'),
        q(),
        "=> $to/register Register a new account",
        "=> $to/link Use an account that you have, by a token",
        "=> $to/login Use an account that you have, by its password",
        q()
    );
}

sub certificate_lines {
    my ($to, $request, $certificate) = @_;
    my $print = $certificate->{fingerprint};
    my $mine  = $print eq $request->fingerprint;
    my ($hex) = $print =~ /\$(\w+)\z/;
    return (
        "* $hex" . ($mine ? ' (this one)' : q()),
        "* $certificate->{subject}, last seen "
            . gmtime($certificate->{last_seen}) . ' UTC'
            . ($certificate->{revoked} ? ', revoked' : q()),
        ($mine || $certificate->{revoked} ? () : "=> $to/revoke/$hex It is lost: revoke it"),
    );
}

# A page that changes something: for who has the word, and is registered or is
# not, as it takes. It asks first, and again where the accounts refuse the answer.
sub action {
    my ($path, %how) = @_;
    my $ask = $how{secret} ? \&sensitive_input : \&input;
    $server->get(
        "/account/:word/$path" => sub {
            my ($request) = @_;
            my $account = $accounts->find($request->certificate);
            return redirect('/account')
                if $request->param('word') ne word_for($request) || !$account != !$how{registered};
            return $ask->($how{ask}) if defined $how{ask} && !defined $request->input;
            my $answer = eval { $how{do}->($request, $account) };
            return $answer if $answer;
            my $error = $@;
            die $error if !ref $error || $error->code =~ /\A(?:file|timeout|config)\z/;
            return defined $how{ask} ? $ask->($error->message . ". $how{ask}") : failure($error->message);
        }
    );
    return;
}

action(
    register => ask => 'Your name: letters and digits, 30 at most',
    do       => sub {
        my ($request) = @_;
        $accounts->register($request->certificate, $request->input);
        return redirect('/account');
    }
);
action(
    link => ask => 'The token that your other device shows',
    do   => sub {
        my ($request) = @_;
        $accounts->link($request->certificate, token => $request->input);
        return redirect('/account');
    }
);
action(
    login => ask => 'The name of your account',
    do    => sub {
        my ($request) = @_;
        return redirect('login/' . $request->input =~ s/([^A-Za-z0-9_-])/sprintf '%%%02X', ord $1/ger);
    }
);
action(
    'login/:name' => ask => 'Its password',
    secret        => 1,
    do            => sub {
        my ($request) = @_;
        $accounts->link($request->certificate, name => $request->param('name'), password => $request->input);
        return redirect('/account');
    }
);
action(
    token => registered => 1,
    do    => sub {
        my ($request, $account) = @_;
        my $token = $accounts->token($account);
        return gemtext("# A token\n\n```\n$token\n```\n\n"
                . "Open this capsule on the other device, and follow the link for a token within ten minutes.\n\n"
                . "=> /account Back\n");
    }
);
action(
    password => registered => 1,
    secret   => 1,
    ask      => 'A new password of at least 8 characters',
    do       => sub {
        my ($request, $account) = @_;
        $accounts->set_password($account, $request->input);
        return redirect('/account');
    }
);
action(
    name => registered => 1,
    ask  => 'The new name',
    do   => sub {
        my ($request, $account) = @_;
        $accounts->rename($account, $request->input);
        return redirect('/account');
    }
);
action(
    'revoke/:hex' => registered => 1,
    ask           => 'Type "revoke" to revoke it for ever',
    do            => sub {
        my ($request, $account) = @_;
        $accounts->revoke_certificate($account, $request->param('hex')) if $request->input eq 'revoke';
        return redirect('/account');
    }
);
action(
    leave => registered => 1,
    ask   => 'Type "leave" to remove your account',
    do    => sub {
        my ($request, $account) = @_;
        return redirect('/account') if $request->input ne 'leave';
        $accounts->remove($account);
        return redirect('/');
    }
);

$server->listen;
say 'gemini://', $opt{host}, ':', $server->port, '/';
STDOUT->flush;
$server->run;
