use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest             qw(identity);
use VouchTest::SideBySide qw(compare);

# The same program with the real IO::Socket::SSL and with Vouch::Instead: what
# it sees of the class must be the same, but for what is listed here.

identity('server', cn => 'localhost');

my $START = <<'PERL';
use IO::Socket::SSL ();
our $once = $IO::Socket::SSL::SSL_ERROR;

# The subs and the variable that a package has got.
sub names_in {
    my ($package) = @_;
    no strict 'refs';
    return sort((grep { defined &{"${package}::$_"} } keys %{"${package}::"}),
        (map { '$' . $_ } grep { \${"${package}::$_"} == \$IO::Socket::SSL::SSL_ERROR } keys %{"${package}::"}));
}
PERL

subtest 'what is exported' => sub {
    compare($START . <<'PERL', 'prototype of GEN_DNS' => '', 'prototype of GEN_IPADD' => '');
my $count = 0;
for my $words ([], ['SSL_VERIFY_PEER'], ['$SSL_ERROR'], ['/VERIFY/'], ['inet4'], ['inet6'], ['debug3'],
    [':debug0'], ['inet6', 'SSL_WANT_READ'], ['nosuch'], [':all'], ['VOUCH_VERIFY_ANY']) {
    my $package = 'Importer' . $count++;
    my @warnings;
    local $SIG{__WARN__} = sub { push @warnings, $_[0] =~ s/ at .*//sr };
    eval "package $package; IO::Socket::SSL->import(\@\$words); 1";
    my $error = $@ =~ s/ at .*//sr =~ s/\n/ /gr;
    show("import @$words", names_in($package), '-', $error, '-', grep { !/IPv6 support/ } @warnings);
    show("debug after import @$words", $IO::Socket::SSL::DEBUG);
}
show('EXPORT', sort @IO::Socket::SSL::EXPORT);
show('EXPORT_OK', @IO::Socket::SSL::EXPORT_OK);
show('EXPORT_TAGS', %IO::Socket::SSL::EXPORT_TAGS);
BEGIN { IO::Socket::SSL->import }
for my $name (grep { !/\A\$/ } @IO::Socket::SSL::EXPORT) {
    no strict 'refs';
    my $value = &{"main::$name"}();
    show("value of $name", "$value", $name =~ /WANT/ ? $value != 0 : $value + 0);
    show("prototype of $name", prototype "main::$name");
}
{ no strict 'refs'; show('one variable', \${"main::SSL_ERROR"} == \$IO::Socket::SSL::SSL_ERROR) }
@Sub::ISA = 'IO::Socket::SSL';
{ package Importer; Sub->import }
show('a subclass exports', names_in('Importer'));
PERL
};

# How a program sees its sockets: a client in a child, a listener here.
my $SOCKETS = $START . <<'PERL';
BEGIN { IO::Socket::SSL->import }
@Sub::ISA = 'IO::Socket::SSL';
@Many::ISA = ('Mixin', 'IO::Socket::SSL');
sub Mixin::hello { return 'hello' }
my %ssl = (SSL_cert_file => 'server-cert.pem', SSL_key_file => 'server-key.pem', SSL_version => 'TLSv1_2');
my %names = (plain => 'IO::Socket::SSL', sub => 'Sub', many => 'Many');
for my $kind (sort keys %names) {
    my $class = $names{$kind};
    my $listener = $class->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5, %ssl)
        or die "listen: $!, $SSL_ERROR";
    show("$kind listener", ref $listener);
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        for (1 .. 5) {
            my $client = $class->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport,
                SSL_verify_mode => SSL_VERIFY_NONE) or die "connect: $!, $SSL_ERROR";
            my $isa = ref(tied *$client) && (tied *$client)->isa('IO::Socket::SSL::SSL_HANDLE');
            print {$client} ref $client, ' ', $isa ? 'tied' : 'not tied', "\n";
            readline $client;
        }
        exit 0;
    }
    my $how = 0;
    for my $accept (
        sub { $listener->accept },
        sub { ($listener->accept)[0] },
        sub { $listener->accept('Sub') },
        sub { IO::Socket::SSL::accept($listener) },
        sub { IO::Socket::SSL::accept($listener, 'Many') },
    ) {
        my $socket = $accept->() or die "accept: $!, $SSL_ERROR";
        $how++;
        show("$kind accepted $how", ref $socket);
        show("$kind accepted $how by", scalar(<$socket>) =~ s/\n//r);
        show("$kind accepted $how can hello", $socket->can('hello') ? 'yes' : 'no');
        show("$kind accepted $how closes", $socket->close ? 'yes' : 'no');
    }
    waitpid $pid, 0;
    show("$kind client ends", $?);
}
# A handle that was there before, and is its own again afterwards.
require IO::Socket::INET;
my $plain = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!";
my $pid = fork // die "fork: $!";
if ($pid == 0) {
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $plain->sockport) or die;
    IO::Socket::SSL->start_SSL($client, SSL_verify_mode => 0) or die $SSL_ERROR;
    print {$client} ref $client, "\n";
    readline $client;
    exit 0;
}
my $socket = $plain->accept or die "accept: $!";
show('start_SSL returns the same', IO::Socket::SSL->start_SSL($socket, SSL_server => 1, %ssl) == $socket);
show('start_SSL class', ref $socket);
show('start_SSL client', scalar(<$socket>) =~ s/\n//r);
$socket->stop_SSL(SSL_no_shutdown => 1);
show('stop_SSL class', ref $socket);
close $socket;
waitpid $pid, 0;
PERL

subtest 'classes of sockets' => sub { compare($SOCKETS) };

# Text that Perl keeps as characters goes out in Perl's own form.  ($, is in
# t/26-instead-class.t: the original sends it behind the last value too.)
subtest 'characters' => sub {
    compare($START . <<'PERL');
BEGIN { IO::Socket::SSL->import }
my %ssl = (SSL_cert_file => 'server-cert.pem', SSL_key_file => 'server-key.pem', SSL_version => 'TLSv1_2');
my $listener = IO::Socket::SSL->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5, %ssl)
    or die "listen: $!, $SSL_ERROR";
my $bytes = "\xe9";
my %text = (bytes => $bytes, upgraded => "$bytes\x{100}", wide => "a\xe9\x{263a}");
chop $text{upgraded};
my @calls = (
    print    => sub { print { $_[0] } $_[1] },
    list     => sub { print { $_[0] } $_[1], $bytes, 'x' },
    backlash => sub { local $\ = $_[1]; print { $_[0] } $bytes },
    printf   => sub { printf { $_[0] } "%s-%s\n", $_[1], $bytes },
    say      => sub { use feature 'say'; say { $_[0] } $_[1] },
    method   => sub { $_[0]->print($_[1], "\n") },
    syswrite => sub { syswrite $_[0], $_[1] },
    length   => sub { syswrite $_[0], $_[1], 2 },
    offset   => sub { syswrite $_[0], $_[1] . "\n", 10, 1 },
    write    => sub { $_[0]->write($_[1]) },
);
my $pid = fork // die "fork: $!";
if ($pid == 0) {
    my $socket = $listener->accept or die "accept: $!, $SSL_ERROR";
    my $all = '';
    1 while sysread $socket, $all, 4096, length $all;
    my $count = 0;
    show('received ' . ++$count, $_) for split /(?<=7c7c)/, unpack 'H*', $all;
    exit 0;
}
my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport,
    SSL_verify_mode => SSL_VERIFY_NONE) or die "connect: $!, $SSL_ERROR";
while (my ($name, $call) = splice @calls, 0, 2) {
    for my $kind (sort keys %text) {
        my $sent = $call->($socket, $text{$kind});
        print {$socket} '||';
        show("$name $kind", $sent);
    }
}
close $socket;
waitpid $pid, 0;
PERL
};

done_testing;
