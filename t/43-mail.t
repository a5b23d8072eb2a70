use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Mail::IMAPClient' => 'libmail-imapclient-perl', 'Net::SMTPS' => 'libnet-smtps-perl';
use VouchTest          qw(identity);
use VouchTest::Library qw(same_on_both version_of);
use VouchTest::Server  ();
use Vouch::Socket;

# Clients for mail and news as they are, against servers that know a few
# words: TLS from the start, and TLS on the connection that is there.

version_of(qw(Net::SMTP Net::POP3 Net::NNTP Net::SMTPS Mail::IMAPClient));

my @server = identity('server', cn => 'localhost', san => ['localhost']);
my @alex   = identity('alex',   cn => 'Alex');
my %ssl    = (
    SSL_server          => 1,
    SSL_cert_file       => $server[0],
    SSL_key_file        => $server[1],
    SSL_verify_mode     => 1,
    SSL_verify_callback => sub { 1 },
);

# A server that greets and answers line after line.  What the answer begins
# with "TLS " is said in the clear, and then TLS begins.
sub start_server {
    my ($greeting, $answer, %opt) = @_;
    return VouchTest::Server->start(
        class => 'IO::Socket::IP',
        serve => sub {
            my ($client) = @_;
            return if $opt{implicit} && !Vouch::Socket->start_SSL($client, %ssl);
            print {$client} "$greeting\r\n";
            while (defined(my $line = <$client>)) {
                $line =~ s/\r?\n\z//;
                my $text = $answer->($line, $client) // last;
                my $tls  = $text =~ s/\ATLS //;
                print {$client} "$text\r\n";
                next if !$tls;
                Vouch::Socket->start_SSL($client, %ssl) or last;
            }
            CORE::close $client;
        },
    );
}

# Both kinds of one server: the ports of the one with STARTTLS and of the one
# that speaks TLS from the start.
sub both_kinds {
    my (@how) = @_;
    my @servers = (start_server(@how), start_server(@how, implicit => 1));
    return (\@servers, map { $_->port } @servers);
}

sub who {
    my ($client) = @_;
    return 'nobody' if !$client->can('peer_certificate');
    return $client->peer_certificate('cn') // 'anybody';
}

sub smtp {
    my ($line, $client) = @_;
    my $tls = $client->can('is_SSL');
    return '250-localhost' . ($tls ? '' : "\r\n250-STARTTLS") . "\r\n250 SIZE 1000000" if $line =~ /\AEHLO/;
    return 'TLS 220 go on' if $line eq 'STARTTLS' && !$tls;
    return '221 farewell'  if $line eq 'QUIT';
    return '250 well'      if $line =~ /\A(?:MAIL|RCPT)/;
    return '500 what?'     if $line ne 'DATA';
    print {$client} "354 say it\r\n";
    my $lines = 0;
    while (defined(my $text = <$client>)) { last if $text eq ".\r\n"; $lines++ }
    return "250 $lines lines from " . who($client);
}

sub pop3 {
    my ($line, $client) = @_;
    return 'TLS +OK go on'                                                   if $line eq 'STLS';
    return '+OK'                                                             if $line =~ /\A(?:USER|PASS)/;
    return '+OK 3 900'                                                       if $line eq 'STAT';
    return '+OK farewell'                                                    if $line eq 'QUIT';
    return "+OK\r\nFor " . who($client) . "\r\n" . "line\r\n" x 50_000 . '.' if $line =~ /\ARETR/;
    return '-ERR what?';
}

sub nntp {
    my ($line, $client) = @_;
    return 'TLS 382 go on'                      if $line eq 'STARTTLS';
    return '200 reader'                         if $line =~ /\AMODE/i;
    return '205 farewell'                       if $line eq 'QUIT';
    return '111 20261121120000 ' . who($client) if $line eq 'DATE';
    return '500 what?';
}

sub imap {
    my ($line, $client) = @_;
    my ($tag,  $word)   = $line =~ /\A(\S+) (\w+)/ or return '* BAD';
    return "TLS $tag OK go on"                 if $word eq 'STARTTLS';
    return "* BYE\r\n$tag OK farewell"         if $word eq 'LOGOUT';
    return "* CAPABILITY IMAP4rev1\r\n$tag OK" if $word eq 'CAPABILITY';
    return "$tag OK for " . who($client)       if $word eq 'LOGIN';
    return "$tag BAD what?"                    if $word ne 'FETCH';
    my $text = 'x' x 100_000;
    return "* 1 FETCH (BODY[] {100000}\r\n$text)\r\n$tag OK";
}

my $BEGIN = <<'PERL';
use strict;
use warnings;
my ($ca, $cert, $key, $port, $implicit) = @ARGV;
my @ssl = (SSL_ca_file => $ca);
my @who = (SSL_cert_file => $cert, SSL_key_file => $key);
PERL
sub told { local $Test::Builder::Level = $Test::Builder::Level + 1; return same_on_both(@_) =~ s/\r//gr }

my @files = ($server[0], @alex);

subtest 'Net::SMTP' => sub {
    my ($servers, @ports) = both_kinds('220 localhost ESMTP', \&smtp);
    is told($BEGIN . <<'PERL', @files, @ports), <<'TEXT', 'STARTTLS and TLS from the start';
use Net::SMTP;
for my $how ([$port], [$port, tls => @who], [$implicit, SSL => 1, @ssl, @who]) {
    my ($at, @arg) = @$how;
    my $starttls = @arg && $arg[0] eq 'tls' && shift @arg;
    my $smtp = Net::SMTP->new('localhost', Port => $at, Timeout => 20, $starttls ? () : @arg) or die "$@";
    print ref $smtp, defined $smtp->supports('STARTTLS') ? ' offers' : ' does not offer', "\n";
    if ($starttls) {
        $smtp->starttls(@ssl, @arg) or die "$@";
        print ref $smtp, defined $smtp->supports('STARTTLS') ? ' offers' : ' does not offer', "\n";
        print join(' ', grep { $smtp->isa($_) } qw(IO::Socket::SSL Net::SMTP Net::Cmd IO::Socket)), "\n";
    }
    $smtp->mail('alex@example.org') && $smtp->to('berta@example.org') && $smtp->data(map { "line $_\n" } 1 .. 5000)
        or die $smtp->message;
    print $smtp->message;
    print $smtp->quit ? "quit\n" : "no\n";
}
PERL
Net::SMTP offers
5000 lines from nobody
quit
Net::SMTP offers
Net::SMTP::_SSL does not offer
IO::Socket::SSL Net::SMTP Net::Cmd IO::Socket
5000 lines from Alex
quit
Net::SMTP::_SSL does not offer
5000 lines from Alex
quit
TEXT
};

subtest 'Net::SMTP refuses' => sub {
    my ($servers, @ports) = both_kinds('220 localhost ESMTP', \&smtp);
    is told($BEGIN . <<'PERL', @files, @ports), <<'TEXT', 'a server that nobody vouches for';
use Net::SMTP;
sub told { return $@ =~ /(hostname verification failed)/ || $@ =~ /(certificate verify failed)/ ? $1 : $@ }
my $smtp = Net::SMTP->new('localhost', Port => $port, Timeout => 20) or die "$@";
print $smtp->starttls(SSL_ca_file => $cert) ? 'accepted' : told(), "\n";
print ref $smtp, "\n";
$smtp = Net::SMTP->new('127.0.0.1', Port => $port, Timeout => 20) or die "$@";
print $smtp->starttls(@ssl) ? 'accepted' : told(), "\n";
print Net::SMTP->new('localhost', Port => $implicit, SSL => 1, SSL_ca_file => $cert) ? 'accepted' : told(), "\n";
PERL
certificate verify failed
Net::SMTP
hostname verification failed
certificate verify failed
TEXT
};

subtest 'Net::SMTPS' => sub {
    my ($servers, @ports) = both_kinds('220 localhost ESMTP', \&smtp);
    is told($BEGIN . <<'PERL', @files, @ports), <<'TEXT', 'a class that puts IO::Socket::SSL before itself';
use Net::SMTPS;
for my $how ([$port, 'starttls'], [$implicit, 'ssl'], [$port, 'starttls']) {
    my $smtp = Net::SMTPS->new('localhost', Port => $how->[0], doSSL => $how->[1], @ssl, @who,
        SSL_verifycn_name => 'localhost') or die "$@";
    print ref $smtp, $smtp->isa('IO::Socket::SSL') ? ' with' : ' without', " TLS\n";
    $smtp->mail('alex@example.org') && $smtp->to('berta@example.org') && $smtp->data("line\n") or die $smtp->message;
    print $smtp->message;
    $smtp->quit;
}
PERL
Net::SMTPS with TLS
1 lines from Alex
Net::SMTPS with TLS
1 lines from Alex
Net::SMTPS with TLS
1 lines from Alex
TEXT
};

subtest 'Net::POP3' => sub {
    my ($servers, @ports) = both_kinds('+OK localhost', \&pop3);
    is told($BEGIN . <<'PERL', @files, @ports), <<'TEXT', 'STLS and TLS from the start';
use Net::POP3;
for my $at ($port, $implicit) {
    my $pop = Net::POP3->new('localhost', Port => $at, Timeout => 20, @ssl, @who, SSL => $at == $implicit) or die "$@";
    $pop->starttls or die "$@" if $at == $port;
    print ref $pop, ' ', $pop->login('alex', 'secret'), "\n";
    my $lines = $pop->get(1);
    print scalar(@$lines), " $lines->[0]$lines->[-1]";
    $pop->quit;
}
PERL
Net::POP3::_SSL 3
50001 For Alex
line
Net::POP3::_SSL 3
50001 For Alex
line
TEXT
};

subtest 'Net::NNTP' => sub {
    my ($servers, @ports) = both_kinds('200 localhost', \&nntp);
    is told($BEGIN . <<'PERL', @files, @ports), <<'TEXT', 'STARTTLS and TLS from the start';
use Net::NNTP;
for my $at ($port, $implicit) {
    my $nntp = Net::NNTP->new('localhost', Port => $at, Timeout => 20, @ssl, @who, SSL => $at == $implicit) or die "$@";
    $nntp->starttls or die "$@" if $at == $port;
    my $time = $nntp->date;
    print ref $nntp, ' ', $nntp->message;
    $nntp->quit;
}
PERL
Net::NNTP::_SSL 20261121120000 Alex
Net::NNTP::_SSL 20261121120000 Alex
TEXT
};

subtest 'Mail::IMAPClient' => sub {
    my ($servers, @ports) = both_kinds('* OK localhost', \&imap);
    is told($BEGIN . <<'PERL', @files, @ports), <<'TEXT', 'STARTTLS and TLS from the start';
use Mail::IMAPClient;
for my $how ([$port, 'Starttls'], [$implicit, 'Ssl']) {
    my ($at, $kind) = @$how;
    my $imap = Mail::IMAPClient->new(Server => 'localhost', Port => $at, User => 'alex', Password => 'secret',
        $kind => [@ssl, @who, SSL_verifycn_name => 'localhost', Timeout => 20]) or die "$@";
    my $socket = $imap->Socket;
    print ref $socket, ' ', ($imap->Results)[-1] =~ /(OK .*?)\s*\z/, "\n";
    my @got = $imap->_imap_command('FETCH 1 (BODY[])') ? $imap->History : die $imap->LastError;
    print length join('', map { s/\s//gr } grep { /xxx/ } @got), "\n";
    $imap->logout;
}
my $imap = Mail::IMAPClient->new(Server => 'localhost', Port => $implicit, Ssl => [SSL_ca_file => $cert]);
print $imap ? 'accepted' : $@ =~ /(certificate verify failed)/, "\n";
PERL
IO::Socket::SSL OK for Alex
100000
IO::Socket::SSL OK for Alex
100000
certificate verify failed
TEXT
};

done_testing;
