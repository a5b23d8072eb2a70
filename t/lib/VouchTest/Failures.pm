package VouchTest::Failures;

use v5.16;
use warnings;

# What a failed connection tells, checked:
#
#   explains('the server', $error, $text, side => 'ours', cause => 'name', ...);
#
# $error is the Vouch::Error, $text what $SSL_ERROR said.  "where" is accept
# or connect, or read after the handshake; "about" says who the peer is.

use Exporter qw(import);
use Test::More;

our @EXPORT_OK = qw(explains form_of);

# $SSL_ERROR begins as that of IO::Socket::SSL.
my %FORM = (
    accept  => qr/\ASSL accept attempt failed(?: error:|: no handshake|: | )/,
    connect => qr/\ASSL connect attempt failed(?: error:|: no handshake|: | )/,
    read    => qr/\Aerror:/,
);

sub form_of { return $FORM{ $_[0] } }

sub explains {
    my ($name, $error, $text, %want) = @_;
    subtest $name => sub {
        return fail('there is an error') if !ref $error;
        isa_ok $error, 'Vouch::Error';
        is $error->$_, $want{$_}, "$_: " . ($want{$_} // 'none') for qw(cause side alert server_name);
        like $error->peer // q(), $want{peer}, 'who the peer is';
        _hints($error, $want{hint});
        like $text, form_of($want{where}), '$SSL_ERROR begins as ever';
        like $text, $want{form},           'with the words of OpenSSL' if $want{form};
        _complete($error, $text);
    };
    return;
}

sub _hints {
    my ($error, $hint) = @_;
    return is $error->hint, undef, 'no hint' if !defined $hint;
    like $error->hint,   $hint,     'the hint';
    unlike $error->hint, qr/http/i, 'no word that means another failure' if $error->cause ne 'plain_http';
    return;
}

# The text holds the whole explanation, and nothing that harms a terminal.
sub _complete {
    my ($error, $text) = @_;
    my $details = $error->details;
    ok index($text, "; $details") > 0, 'and holds the details' or diag "$text\n$details";
    like $details, qr/\Q$_\E/, "which name: $_"
        for grep { defined } $error->peer, $error->server_name, $error->hint,
        map { defined ? tr/_/ /r : undef } $error->alert;
    ok length $text < 1200, 'it is not long';
    unlike "$text$details", qr/[^\x20-\x7e]/, 'and can be shown';
    return;
}

1;
