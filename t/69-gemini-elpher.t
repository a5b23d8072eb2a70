use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

# Emacs without a screen often stops before its first byte, whoever the server
# is, and has to be started again: too much for every day.
BEGIN { plan skip_all => 'VOUCH_LONG=1 asks Elpher, in Emacs' if !$ENV{VOUCH_LONG} }
use VouchTest::Needs emacs => 'emacs-nox';

use VouchTest               qw(identity run_command spew temp_dir);
use VouchTest::GeminiServer qw(start);

use Vouch::Gemini::Server;

# Elpher, a client in Emacs, against Vouch::Gemini::Server: pages, and a
# certificate.

my $dir = temp_dir();
mkdir "$dir/home" or die "home: $!";

sub emacs {
    my (@words) = @_;
    local $ENV{HOME} = "$dir/home";
    return run_command(['emacs', '--batch', @words]);
}

my ($missing) = emacs('--eval', q{(require 'elpher)});
if ($missing) {
    my $text = 'there is no elpher here; install the package elpa-elpher';
    die "$text\n" if $ENV{VOUCH_TEST_ALL};
    plan skip_all => $text;
}

my $LISP = <<'LISP';
(require 'elpher)
(setq elpher-client-certificate nil elpher-ipv4-always t elpher-connection-timeout 60)
(defun shown ()
  (if (get-buffer "*elpher*") (with-current-buffer "*elpher*" (buffer-string)) ""))
(defun visit (url pattern seconds)
  (elpher-go url)
  (let ((end (+ (float-time) seconds)))
    (while (and (< (float-time) end) (not (string-match-p pattern (shown))))
      (accept-process-output nil 0.05)))
  (princ (concat "<<" (shown) ">>\n")))
LISP

# What it shows of a path once that matches, with the certificate in these
# files.  Emacs without a screen often stops between TCP's connect and TLS's
# first byte, whoever the server is; it is then started again.
sub visit {
    my ($url, $pattern, @files) = @_;
    my $set =
        @files ? qq{(setq elpher-client-certificate (list "localhost" nil "$files[1]" "$files[0]"))} : '';
    my $text;
    for my $seconds (2, 2, 3, 3, 5, 5, 10, 20) {
        my $lisp = qq{$LISP$set(visit "$url" "$pattern" $seconds)\n};
        my ($status, $out, $err) = emacs('-l', spew("$dir/visit.el", $lisp));
        ($text) = $out =~ /<<(.*)>>/s;
        $text //= "status $status: $out$err";
        last if $text =~ $pattern;
    }
    return $text;
}

# No headings: to show them Elpher asks a window, and a batch has none.
my $server = start(sub {
    $_[0]->get('/'     => sub { gemtext("Welcome\nA page for Elpher.\n") });
    $_[0]->get('/utf8' => sub { success('text/plain', "Gr\xC3\xBC\xC3\x9Fe\n") });
    $_[0]->get(
        '/account' => sub {
            my ($request) = @_;
            my $cert = $request->certificate or return need_certificate('Who are you, please?');
            return gemtext('Hello ' . $cert->common_name . "\n");
        }
    );
});
my $url  = 'gemini://localhost:' . $server->port;
my @alex = identity('alex', cn => 'Alex');

like visit("$url/account", 'Hello', @alex), qr/Hello Alex/, 'a page for who shows a certificate';
like visit("$url/",     'page for'), qr/Welcome.*A page for Elpher/s, 'a page';
like visit("$url/utf8", 'Gr'),       qr/Gr\xC3\xBC\xC3\x9Fe/,         'text in UTF-8';
is $server->stop, 0, 'the server ends well';

done_testing;
