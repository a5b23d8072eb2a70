use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use File::Spec ();

use VouchTest       qw(identity spew temp_dir);
use VouchTest::Peer ();

# What Vouch::Instead puts in the place of IO::Socket::SSL, in programs of
# their own: t/26-instead-inventory.t compares it to the original.

my $dir  = temp_dir();
my @blib = map { File::Spec->rel2abs($_) } grep { !ref && /\bblib\b/ } @INC;
my %LIB  = (PERL5LIB => join ':', @blib, $ENV{PERL5LIB} // ());
identity('server', cn => 'localhost');

# Run perl with a program; its output, errors and status are checked.
sub prints {
    my ($name, $program, $out, %how) = @_;
    my @perl = @{ $how{perl} // ['-MVouch::Instead'] };
    my $file = spew("$dir/program.pl", "use strict; use warnings;\n$program");
    my $peer =
        VouchTest::Peer->start({ dir => $dir, env => { %LIB, %{ $how{env} // {} } } }, $^X, @perl, $file);
    my $status = $peer->finish;
    is $status,    $how{status} // 0, "$name: exit status";
    is $peer->out, $out,              $name;
    if (ref $how{err}) { like $peer->err, $how{err}, "$name: what it complains of" }
    else               { is $peer->err, $how{err} // '', "$name: without a complaint" }
    return;
}

subtest 'words of the use line' => sub {
    prints 'inet4 takes IPv4 only', <<'PERL', "yes\n127.0.0.1\n2\n";
use IO::Socket::SSL qw(inet4 $SSL_ERROR);
print IO::Socket::SSL->isa('IO::Socket::INET') ? "yes\n" : "no\n";
my $listener = IO::Socket::SSL->new(LocalAddr => 'localhost', Listen => 1,
    SSL_cert_file => 'server-cert.pem', SSL_key_file => 'server-key.pem') or die $SSL_ERROR;
print $listener->sockhost, "\n", $listener->sockdomain, "\n";
PERL
    prints 'inet6 takes that back', <<'PERL', "no\n";
use IO::Socket::SSL 'inet4';
use IO::Socket::SSL 'inet6';
print IO::Socket::SSL->isa('IO::Socket::INET') ? "yes\n" : "no\n";
PERL
    prints 'debug sets the variable', <<'PERL', "0 3 3 1\n";
BEGIN { require IO::Socket::SSL; print $IO::Socket::SSL::DEBUG }
use IO::Socket::SSL 'debug3';
print " $IO::Socket::SSL::DEBUG $Net::SSLeay::trace ", defined &SSL_VERIFY_PEER ? 1 : 0, "\n";
no warnings 'once';
PERL
    prints 'another word is refused',
        <<'PERL', '', status => 255, err => qr/"inet5" is not exported by the IO::Socket::SSL module/;
use IO::Socket::SSL 'inet5';
PERL
};

subtest 'the names of IO::Socket::SSL::Utils' => sub {
    prints 'the functions are ours', <<'PERL', "16 same localhost\n";
use IO::Socket::SSL::Utils;
require Vouch::Utils;
my $cert = PEM_file2cert('server-cert.pem');
print scalar @IO::Socket::SSL::Utils::EXPORT, ' ',
    \&CERT_create == \&Vouch::Utils::CERT_create ? 'same ' : 'another ', CERT_asHash($cert)->{subject}{commonName}, "\n";
PERL
    prints 'and one by one', <<'PERL', "1 0\n";
use IO::Socket::SSL::Utils 2.0 qw(KEY_create_ec);
print defined &KEY_create_ec ? 1 : 0, ' ', defined &KEY_create_rsa ? 1 : 0, "\n";
PERL
};

subtest 'contexts' => sub {
    prints 'an SSL_Context is reused', <<'PERL', <<'TEXT';
use IO::Socket::SSL;
my @pair = (SSL_cert_file => 'server-cert.pem', SSL_key_file => 'server-key.pem');
my $server = IO::Socket::SSL::SSL_Context->new(SSL_server => 1, @pair, Listen => 5) or die $SSL_ERROR;
my $client = IO::Socket::SSL::SSL_Context->new(
    SSL_ca_file => 'server-cert.pem', SSL_verifycn_scheme => 'http', SSL_hostname => 'localhost', Timeout => 5);
for my $context ($server, $client) {
    print ref $context, ' ', $context->{context} > 4096 ? 'address' : 'none', ' ',
        $context->{context} == $context->ssl_ctx ? 'same' : 'other', " mode $context->{verify_mode} ocsp $context->{ocsp_mode} ",
        $context->has_session_cache ? 'cache' : 'no cache', "\n";
}
my $listener = IO::Socket::SSL->new(LocalAddr => '127.0.0.1', Listen => 5, SSL_reuse_ctx => $server, SSL_server => 1)
    or die $SSL_ERROR;
my $pid = fork // die "fork: $!";
if ($pid == 0) {
    my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport,
        SSL_reuse_ctx => $client, SSL_verifycn_name => 'localhost') or die $SSL_ERROR;
    print {$socket} "hello\n";
    exit 0;
}
my $socket = $listener->accept or die $SSL_ERROR;
print scalar <$socket>;
waitpid $pid, 0;
IO::Socket::SSL::set_defaults(mode => 0);
print 'defaults: mode ', IO::Socket::SSL::SSL_Context->new->{verify_mode}, "\n";
print eval { IO::Socket::SSL::SSL_Context->new(SSL_nosuch => 1); 1 } ? "made\n" : $@ =~ s/ at .*//sr, "\n";
PERL
IO::Socket::SSL::SSL_Context address same mode 0 ocsp 0 no cache
IO::Socket::SSL::SSL_Context address same mode 1 ocsp 16 no cache
hello
defaults: mode 0
Vouch does not know the argument SSL_nosuch
TEXT
};

subtest 'classes that are not there' => sub {
    prints 'OCSP is told, not ignored',
        <<'PERL', "IO::Socket::SSL::OCSP_Cache is not there\nIO::Socket::SSL::OCSP_Resolver is not there\n";
use IO::Socket::SSL;
for my $class (qw(OCSP_Cache OCSP_Resolver)) {
    eval { "IO::Socket::SSL::$class"->new; 1 } and print "made\n";
    print $@ =~ s/:[^:]*at \S+ line.*//sr, "\n";
}
PERL
    prints 'a handle is not tied by hand', <<'PERL', "refused use start_SSL\n";
use IO::Socket::SSL;
use Symbol;
my $handle = gensym;
print eval { tie *$handle, 'IO::Socket::SSL::SSL_HANDLE', $handle; 1 } ? 'tied ' : 'refused ', $@ =~ /(use start_SSL)/, "\n";
PERL
};

subtest 'print with its variables' => sub {
    prints 'as print does it', <<'PERL', "78e298ba61e298bae921e9e298bae90a\n";
use IO::Socket::SSL;
my $listener = IO::Socket::SSL->new(LocalAddr => '127.0.0.1', Listen => 5,
    SSL_cert_file => 'server-cert.pem', SSL_key_file => 'server-key.pem') or die $SSL_ERROR;
my $pid = fork // die "fork: $!";
if ($pid == 0) {
    my $socket = $listener->accept or die $SSL_ERROR;
    my $all = '';
    1 while sysread $socket, $all, 4096, length $all;
    print unpack('H*', $all), "\n";
    exit 0;
}
my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport, SSL_verify_mode => 0)
    or die $SSL_ERROR;
{ local ($,, $\) = ("\x{263a}"); utf8::encode $,; print {$socket} 'x', 'a', "\xe9" }
{ local ($,, $\) = ('!', undef); print {$socket} '', "\xe9" }
{ local ($,, $\) = ("\x{263a}", "\n"); utf8::encode $,; print {$socket} '', "\xe9" }
close $socket;
waitpid $pid, 0;
PERL
};

my $SHOW = 'require IO::Socket::SSL; print IO::Socket::SSL->isa("Vouch::Socket") ? "ours" : "theirs", "\n";';

subtest 'ways to ask for it' => sub {
    prints 'perl -MVouch::Instead', $SHOW, "ours\n";
    prints 'PERL5OPT', $SHOW, "ours\n",
        perl => [],
        env  => { PERL5OPT => '-MVouch::Instead' };
    prints 'use, in one file', "use Vouch::Instead; use IO::Socket::SSL; $SHOW", "ours\n", perl => [];
    spew("$dir/Lib.pm", "package Lib; use IO::Socket::SSL; 1;\n");
    prints 'use, before a library', "use Vouch::Instead; use lib '.'; use Lib; $SHOW", "ours\n", perl => [];
    prints 'use, a part of a name that is loaded', <<"PERL", "ours\nmine\n",                     perl => [];
BEGIN { \$INC{'IO/Socket/SSL/Utils.pm'} = 'mine' }
use Vouch::Instead; $SHOW
print "\$INC{'IO/Socket/SSL/Utils.pm'}\\n";
PERL
};

subtest 'PERL5OPT goes on to children' => sub {
    my %env = (perl => [], env => { PERL5OPT => '-MVouch::Instead' });
    spew("$dir/child.pl", $SHOW);
    prints 'after exec', qq{\$| = 1; print "parent\\n"; exec \$^X, 'child.pl'},       "parent\nours\n", %env;
    prints 'in a child', qq{system(\$^X, 'child.pl') == 0 or die; print "parent\\n"}, "ours\nparent\n", %env;
    prints 'in backticks', qq{print `\$^X child.pl`},                                 "ours\n",         %env;
    prints 'after fork',   qq{if ((fork // die) == 0) { $SHOW } else { wait }},       "ours\n",         %env;
};

subtest 'VOUCH_INSTEAD=verbose' => sub {
    my %env = (VOUCH_INSTEAD => 'verbose');
    prints 'says so once', 'use IO::Socket::SSL; use Vouch::Instead; if ((fork // die) == 0) { exit } wait;',
        '',
        env => \%env,
        err =>
        qr/\A\S*?Vouch::Instead: \S*program[.]pl \(process [0-9]+\): Vouch [0-9.]+ is in the place of IO::Socket::SSL and Net::Server::Proto::SSL and IO::Socket::SSL::Utils\n\z/;
    prints 'each program for itself', q{system $^X, '-MVouch::Instead', '-e1'}, '',
        env => \%env,
        err => qr/\A(?:Vouch::Instead: \S+ \(process [0-9]+\): [^\n]*\n){2}\z/;
    prints 'otherwise not', 'print 1', '1', env => { VOUCH_INSTEAD => '' };
};

done_testing;
