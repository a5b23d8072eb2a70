use v5.16;
use warnings;

# Includes and `use` lines point one way only, down the layers.

use File::Basename qw(dirname);
use Test::More;
use lib 'xt/lib';
use VouchAuthor::Files qw(c_without_comments project_files slurp);

# What the files of each folder of csrc/ may include, besides their own.
my %BELOW = (
    base    => [],
    net     => [qw(base)],
    tls     => [qw(base net)],
    trust   => [qw(base net tls)],
    gemini  => [qw(base net tls trust)],
    lock    => [qw(base)],
    access  => [qw(base lock tls)],
    flom    => [qw(base lock net tls)],
    libflom => [qw(base lock net tls flom)],
    lockd   => [qw(base lock net tls flom access)],
    cmd     => [qw(base lock net tls flom access lockd)],
    face    => [qw(base net tls trust gemini lock flom)],
);

# Bytes in, facts out: no sockets, no files, no clock.
my @PURE = (
    qr{^lock/}, qr{^gemini/}, qr{^access/}, qr{^trust/}, qr{^flom/message},
    qr{^base/(?:buffer|error|map|text)\.},
    qr{^tls/(?:failure|fingerprint)\.},
);
my $IMPURE = qr{^(?:base/(?:clock|file)\.h|net/.*
    |sys/(?:socket|stat|time|un)\.h|fcntl\.h|netdb\.h|netinet/.*|poll\.h|time\.h|unistd\.h)$}x;

# The layer of each Perl package; one not named here belongs to its parent.
# A face may use everything.
my %PERL = (
    'Vouch'                     => 'base',
    'Vouch::Error'              => 'base',
    'Vouch::File'               => 'base',
    'Vouch::Authorities'        => 'tls',
    'Vouch::Certificate'        => 'tls',
    'Vouch::Check'              => 'tls',
    'Vouch::Config'             => 'tls',
    'Vouch::Context'            => 'tls',
    'Vouch::Handshakes'         => 'tls',
    'Vouch::Identity'           => 'tls',
    'Vouch::Key'                => 'tls',
    'Vouch::Listener'           => 'tls',
    'Vouch::Pins'               => 'tls',
    'Vouch::Poller'             => 'tls',
    'Vouch::Session'            => 'tls',
    'Vouch::SessionCache'       => 'tls',
    'Vouch::Socket'             => 'tls',
    'Vouch::Stream'             => 'tls',
    'Vouch::Utils'              => 'tls',
    'Vouch::VerifyContext'      => 'tls',
    'Vouch::Accounts'           => 'trust',
    'Vouch::KnownHosts'         => 'trust',
    'Vouch::Trust'              => 'trust',
    'Vouch::Gemini'             => 'gemini',
    'Vouch::Lock'               => 'flom',
    'Vouch::Flom'               => 'flom',
    'Vouch::Command'            => 'face',
    'Vouch::Instead'            => 'face',
    'Vouch::NetServer'          => 'face',
    'Net::Server::Proto::VOUCH' => 'face',
);

# The headers of csrc/ that bring in OpenSSL's, themselves or by another.
our %shows_openssl;

sub find_openssl_headers {
    my (%text) = @_;
    my %include = map { $_ => [includes($text{$_})] } keys %text;
    my %found;
    my $before = -1;
    while ($before < keys %found) {
        $before = keys %found;
        for my $header (keys %include) {
            $found{$header} = 1 if grep { m{^openssl/} || $found{$_} } @{ $include{$header} };
        }
    }
    return %found;
}

sub includes {
    my ($text) = @_;
    return c_without_comments($text, 1) =~ /^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/mg;
}

sub violations {
    my ($path, $text) = @_;
    return perl_violations($path, $text) if $path =~ /\.pm\z/;
    my $where    = $path =~ s{^csrc/}{}r;
    my @includes = includes($text);
    return xs_violations($path, @includes) if $path =~ m{^xs/};
    return map { c_violations($where, $_) } @includes;
}

sub c_violations {
    my ($file, $include) = @_;
    my $is = "csrc/$file includes $include:";
    return "$is the core knows nothing of Perl" if $include =~ m{^(?:perl|EXTERN|XSUB|ppport)\.h$};
    return "$is only tls/ sees its private header"
        if $include eq 'tls/private.h' && $file !~ m{^tls/};
    return "$is public headers are free of OpenSSL"
        if $file eq 'vouch.h' && $shows_openssl{$include};
    return "$is a header with OpenSSL's types stays in its folder"
        if $shows_openssl{$include} && dirname($include) ne dirname($file);
    return "$is the event loop is lockd's" if $include eq 'uv.h' && $file !~ m{^lockd/};
    return "$is this file is pure" if $include =~ $IMPURE && grep { $file =~ $_ } @PURE;
    return arrow($file, $include, $is);
}

sub arrow {
    my ($file, $include, $is) = @_;
    return ()                                         if $file eq 'vouch.h';
    return "$is the umbrella is for programs outside" if $include eq 'vouch.h';
    my ($from) = $file =~ m{^(\w+)/};
    return "csrc/$file is in a folder without a layer: see xt/layers.t" if !$BELOW{ $from // q() };
    my ($to) = $include =~ m{^(\w+)/};
    return () if !defined $to || !$BELOW{$to} || $to eq $from;
    return () if grep { $_ eq $to } @{ $BELOW{$from} };
    return "$is $from/ may not use $to/";
}

sub xs_violations {
    my ($path, @includes) = @_;
    return (
        (map { "$path includes $_: OpenSSL stays in csrc/" } grep { m{^openssl/} } @includes),
        (map { "$path includes $_: public headers only" } grep { $shows_openssl{$_} } @includes),
    );
}

sub perl_violations {
    my ($path, $text) = @_;
    $text =~ s/^__END__$ .*//xms;
    my ($package) = $text =~ /^package\s+([\w:]+)/m;
    return "$path has no package line" if !defined $package;
    my $from = perl_layer($package);
    return "$package has no layer: place it in xt/layers.t" if !defined $from;
    my @bad = map { "$path uses $_: $package may not" }
        grep { !perl_may_use($from, perl_layer($_)) } perl_loads($text);
    push @bad, "$path uses script/" if $text =~ m{(?:do|require)\s*\(?\s*['"][^'"]*script/};
    return @bad;
}

sub perl_loads {
    my ($text) = @_;
    my $ours   = qr{(?:Vouch|Net::Server::Proto::VOUCH)[\w:]*};
    my $base   = qr{(?:parent|base)\s+(?:-norequire,\s*)?(?:qw\(\s*|['"])};
    return $text =~ /^\s*(?:use|require)\s+(?:$base)?($ours)/mg;
}

sub perl_may_use {
    my ($from, $to) = @_;
    return 0 if !defined $to;
    return $from eq $to || grep { $_ eq $to } @{ $BELOW{$from} };
}

# The name of a package's layer, undef if neither it nor a parent has one.
sub perl_layer {
    my ($package) = @_;
    while (!$PERL{$package}) {
        $package =~ s/::\w+\z// or return;
        return if $package eq 'Vouch';
    }
    return $PERL{$package};
}

subtest 'the checker sees a forbidden arrow' => sub {
    local %shows_openssl = find_openssl_headers(
        'tls/private.h' => '#include <openssl/ssl.h>',
        'tls/inner.h'   => '#include "tls/private.h"',
    );
    my @cases = (
        ['csrc/base/map.c',     '#include "tls/config.h"',   qr{base/ may not use tls/}],
        ['csrc/net/socket.h',   '# include "tls/config.h"',  qr{net/ may not use tls/}],
        ['csrc/lock/table.c',   '#include "net/socket.h"',   qr{pure}],
        ['csrc/lock/table.c',   '#include "flom/message.h"', qr{lock/ may not use flom/}],
        ['csrc/lock/table.c',   '#include <time.h>',         qr{pure}],
        ['csrc/flom/client.c',  '#include "lockd/server.h"', qr{flom/ may not use lockd/}],
        ['csrc/tls/bio.c',      '#include <perl.h>',         qr{nothing of Perl}],
        ['csrc/trust/pins.c',   '#include "tls/private.h"',  qr{private}],
        ['csrc/vouch.h',        '#include "tls/inner.h"',    qr{free of OpenSSL}],
        ['csrc/trust/pins.c',   '#include "tls/inner.h"',    qr{stays in its folder}],
        ['csrc/tls/bio.c',      '#include "vouch.h"',        qr{umbrella}],
        ['csrc/flom/client.c',  '#include <uv.h>',           qr{lockd's}],
        ['csrc/new/thing.c',    '#include "base/error.h"',   qr{without a layer}],
        ['xs/Vouch.xs',         '#include <openssl/ssl.h>',  qr{stays in csrc}],
        ['xs/bridge.c',         '#include "tls/private.h"',  qr{public}],
        ['xs/bridge.c',         '#include "tls/inner.h"',    qr{public}],
        ['lib/Vouch/Socket.pm', "package Vouch::Socket;\nuse Vouch::Gemini::Client;\n",   qr{may not}],
        ['lib/Vouch/Socket.pm', "package Vouch::Socket;\nuse parent 'Vouch::Instead';\n", qr{may not}],
        ['lib/Vouch/Lock.pm',   "package Vouch::Lock;\nrequire '../script/vouch';\n",     qr{script}],
        ['lib/Vouch/Novel.pm',  "package Vouch::Novel;\n",                                qr{no layer}],
    );
    like join("\n", violations(@$_[0, 1])), $_->[2], "$_->[0]: $_->[1] is refused" for @cases;
};

subtest 'the checker accepts what is right' => sub {
    my @cases = (
        [
            'csrc/tls/bio.c',
            qq{#include "tls/inner.h"\n#include "tls/private.h"\n#include <openssl/ssl.h>\n#include "base/map.h"}
        ],
        ['csrc/lockd/a.c',      qq{#include <uv.h>\n#include "tls/config.h"\n#include "flom/message.h"}],
        ['csrc/base/map.c',     qq{/*\n#include "tls/config.h"\n*/\n#include "base/map.h"}],
        ['xs/Vouch.xs',         qq{#include "vouch.h"\n#include "perl.h"}],
        ['lib/Vouch/Socket.pm', "package Vouch::Socket;\nuse Vouch::Error;\n__END__\nuse Vouch::Instead;\n"],
        ['lib/Vouch/Gemini/Client.pm', "package Vouch::Gemini::Client;\nuse Vouch::KnownHosts ();\n"],
    );
    is join("\n", violations(@$_)), q(), "$_->[0] is accepted" for @cases;
};

my @files = grep { m{^csrc/.*\.[ch]\z|^xs/.*\.(?:[ch]|xs)\z|^lib/.*\.pm\z} } project_files();
ok @files > 0, 'there are files to look at';
%shows_openssl = find_openssl_headers(map { s{^csrc/}{}r => slurp($_) } grep { m{^csrc/.*\.h\z} } @files);
for my $path (@files) {
    my @bad = violations($path, slurp($path));
    is join("\n", @bad), q(), "$path points down only";
}

done_testing;
