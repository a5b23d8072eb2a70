use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Data::Dumper ();

use VouchTest::Needs openssl => 'openssl', 'IO::Socket::SSL' => 'libio-socket-ssl-perl';
use VouchTest         qw(identity spew temp_dir);
use VouchTest::Forge  qw(issue);
use VouchTest::Peer   ();
use VouchTest::Server ();
use VouchTest::Turns  qw(listener sockets shake pair);
use Vouch::Certificate;
use Vouch::Socket;

# Whether a certificate is for a host, by any rules: beside IO::Socket::SSL,
# beside OpenSSL, and in a handshake.

my @SCHEMES = qw(
    default http www smtp imap pop3 acap ldap ftp xmpp sip gist nntp netconf syslog snmp
    rfc2595 rfc2818 rfc3920 rfc4217 rfc4513 rfc4642 rfc5425 rfc5538 rfc5539 rfc5922 rfc5953 rfc5971 none
);

my @HOSTS = qw(
    www.example.org WWW.EXAMPLE.ORG www1.example.org wow.example.org ww.example.org foowww.example.org
    xn--a.example.org a.www.example.org example.org .example.org www.example.org. other.example.org
    www.example.orgx *.example.org foo.org foo.co.uk org a.xn--e1afmkfd.example
    192.0.2.1 192.0.2.2 192.0.2.9 2001:db8::1 2001:DB8:0::1 192.0.2.1.
);

# Common name, alternative names; after "=>" what may differ from
# IO::Socket::SSL, the first letters telling which way.
my @CERTIFICATES = (
    ['www.example.org'],
    ['WWW.Example.ORG'],
    ['*.example.org'],
    ['*'],
    ['*.org'],
    ['www*.example.org', '=> stricter: part of a label'],
    ['*.co.uk',          '=> looser: a public suffix'],
    ['192.0.2.1',        '=> stricter: an address in the common name'],
    ['2001:db8::1',      '=> stricter: an address in the common name, looser: whatever its spelling'],
    ['www.example.org.', '=> stricter: a dot at the end'],
    ['x',                'dns:www.example.org'],
    ['x',                'dns:WWW.EXAMPLE.ORG'],
    ['x',                'dns:*.example.org'],
    ['x',                'dns:*'],
    ['x',                'dns:*.org'],
    ['x',                'dns:*.*.example.org'],
    ['x',                'dns:www.*.org'],
    ['x',                'dns:xn--*.example.org'],
    ['x',                'dns:*.xn--e1afmkfd.example'],
    ['x',                'dns:www*.example.org', '=> stricter: part of a label'],
    ['x',                'dns:*www.example.org', '=> stricter: part of a label'],
    ['x',                'dns:w*w.example.org',  '=> stricter: part of a label'],
    ['x',                'dns:*.co.uk',          '=> looser: a public suffix'],
    ['x',                'dns:www.example.org.', '=> stricter: a dot at the end'],
    ['x',                'dns:.example.org',     '=> stricter: a dot at the beginning'],
    ['x',                'dns:192.0.2.1'],
    ['x',                'ip:192.0.2.1'],
    ['x',                'ip:2001:db8::1'],
    ['x',                'dns:a.example', 'dns:*.example.org', 'ip:192.0.2.1'],
    ['www.example.org',  'email:a@b.example'],
    ['www.example.org',  'uri:http://www.example.org/'],
    ['www.example.org',  'ip:192.0.2.9'],
    ['www.example.org',  'dns:other.example.org', '=> stricter: the common name beside others'],
    ['*.example.org',    'dns:other.example.org', '=> stricter: the common name beside others'],
    ['www.example.org',  'dns:192.0.2.1',         '=> stricter: the common name beside others'],
    ['192.0.2.1',        'dns:other.example.org', '=> stricter: an address in the common name'],
    ['192.0.2.1',        'ip:192.0.2.9',          '=> stricter: an address in the common name'],
    ["www.example.org\0.evil.example"],
    ['x', "dns:www.example.org\0.evil.example"],
    ['x', "dns:*.example.org\0"],
    ["192.0.2.1\0"],
    [''],
);

my $count = 0;

for my $certificate (@CERTIFICATES) {
    my ($cn, @names) = @$certificate;
    my $may  = @names && $names[-1] =~ s/\A=> // ? pop @names : '';
    my $name = join ' ', map { s/\0/\\0/gr } $cn, @names;
    my $made = issue('name' . $count++, cn => $cn, @names ? (san => [@names]) : ());
    $certificate = {
        name   => $name,
        may    => $may,
        file   => $made->{cert},
        key    => $made->{key},
        object => Vouch::Certificate->from_file($made->{cert})
    };
}

# All the rules a hash can say, "leftmost" aside, which is "full_label".
my @HASHES;
for my $cn (0, 'always', 'when_only') {
    for my $alt (0, 'full_label', 'anywhere') {
        for my $in_cn (0, 'full_label', 'anywhere') {
            push @HASHES, map { {
                check_cn         => $cn,
                wildcards_in_alt => $alt,
                wildcards_in_cn  => $in_cn,
                ip_in_cn         => $_
            } } 0,
                1, 4, 6;
        }
    }
}

sub told {
    my ($rules) = @_;
    return ref $rules ? join ' ', map { "$_ $rules->{$_}" } sort keys %$rules : $rules;
}

# One line for each certificate and host: an answer for each scheme.
my $ASK = <<'PERL';
    my ($ask, $schemes, $hosts, $certificates) = @_;
    my @lines;
    for my $certificate (@$certificates) {
        for my $host (@$hosts) {
            push @lines, join '', map { $ask->($host, $certificate, $_) ? 1 : 0 } @$schemes;
        }
    }
    return @lines;
PERL

sub answers_of_theirs {
    my (@schemes) = @_;
    local $Data::Dumper::Indent = 0;
    local $Data::Dumper::Terse  = 1;
    my ($schemes, $hosts, $files) = map { Data::Dumper::Dumper($_) } \@schemes, \@HOSTS,
        [map { $_->{file} } @CERTIFICATES];
    my $program = spew(temp_dir() . '/theirs.pl', <<"PERL");
use strict;
use warnings;
use IO::Socket::SSL;
use IO::Socket::SSL::Utils;
my \$all = sub { $ASK };
my \@certificates = map { PEM_file2cert(\$_) } \@{ +$files };
print "\$_\\n" for \$all->(\\&IO::Socket::SSL::verify_hostname_of_cert, $schemes, $hosts, \\\@certificates);
PERL
    my $peer   = VouchTest::Peer->start($^X, $program);
    my $status = $peer->finish(60);
    is $status, 0, 'their process ends well' or diag $peer->err;
    return split /\n/, $peer->out;
}

sub answers_of_ours {
    my (@schemes) = @_;
    my $all = eval "sub { $ASK }" or die $@;          ## no critic (ProhibitStringyEval)
    return $all->(
        \&Vouch::Socket::verify_hostname_of_cert,
        \@schemes, \@HOSTS, [map { $_->{object} } @CERTIFICATES]
    );
}

# Where we say other than they do, per certificate: "stricter" and "looser",
# and those that may not be.
sub compare {
    my (@schemes) = @_;
    my @theirs    = answers_of_theirs(@schemes);
    my @ours      = answers_of_ours(@schemes);
    is scalar @theirs, @ours, 'both have answered all';
    my (%found, @wrong);
    for my $certificate (@CERTIFICATES) {
        for my $host (@HOSTS) {
            my ($their, $our) = (shift @theirs, shift @ours);
            for my $i (grep { substr($their, $_, 1) ne substr $our, $_, 1 } 0 .. $#schemes) {
                my $way = substr($our, $i, 1) ? 'looser' : 'stricter';
                $found{ $certificate->{name} }{$way}++;
                next if $certificate->{may} =~ /\b$way:/;
                push @wrong, "$way: $certificate->{name}, for $host, by " . told($schemes[$i]);
            }
        }
    }
    return (\@wrong, \%found);
}

subtest 'beside IO::Socket::SSL: named schemes' => sub {
    my ($wrong, $found) = compare(@SCHEMES);
    is_deeply $wrong, [], 'no difference but those that are known';
    for my $certificate (grep { $_->{may} } @CERTIFICATES) {
        ok $found->{ $certificate->{name} }, "$certificate->{name}: $certificate->{may}";
    }
};

subtest 'beside IO::Socket::SSL: rules of the program' => sub {
    my ($wrong, $found) = compare(@HASHES);
    is_deeply [grep { !/common name beside|part of a label/ } @$wrong], [],
        'no difference but those that are known';
    for my $certificate (grep { $_->{may} =~ /part of a label|beside others/ } @CERTIFICATES) {
        is $found->{ $certificate->{name} }, undef, "$certificate->{name}: if it is wanted";
    }
};

subtest 'beside OpenSSL' => sub {
    my %core = (check_cn => 'when_only', wildcards_in_alt => 'full_label', wildcards_in_cn => 'full_label');
    my @wrong;
    for my $certificate (@CERTIFICATES) {
        for my $host (@HOSTS) {
            my ($by_rules, $by_openssl) =
                map { Vouch::Socket->verify_hostname_of_cert($host, $certificate->{object}, $_) } \%core,
                'default';
            push @wrong, "$certificate->{name}, for $host" if $by_rules != $by_openssl;
        }
    }
    is_deeply \@wrong, [], 'the same rules, written down twice, say the same';
};

sub verify { return Vouch::Socket->verify_hostname_of_cert(@_) }

subtest 'case by case' => sub {
    my %by_name = map { $_->{name} => $_->{object} } @CERTIFICATES;
    my $any     = {
        check_cn         => 'always',
        wildcards_in_alt => 'anywhere',
        wildcards_in_cn  => 'anywhere',
        ip_in_cn         => 1
    };
    my @cases = (
        [1, 'www.example.org',   'x dns:www.example.org',  'default'],
        [1, 'www.example.org',   'x dns:www.example.org',  undef],
        [1, 'www.example.org',   'www.example.org',        'sip'],
        [1, 'www.example.org.',  'www.example.org',        'http'],
        [1, 'www.example.org',   'x dns:*.example.org',    'http'],
        [0, 'www.example.org',   'x dns:*.example.org',    'sip'],
        [0, 'www.example.org',   '*.example.org',          'sip'],
        [1, 'www.example.org',   'x dns:*.example.org',    'ldap'],
        [0, 'www.example.org',   '*.example.org',          'ldap'],
        [0, 'www.example.org',   '*.example.org',          'rfc4513'],
        [0, 'a.www.example.org', 'x dns:*.example.org',    $any],
        [0, 'example.org',       'x dns:*.example.org',    $any],
        [1, 'www1.example.org',  'x dns:www*.example.org', $any],
        [0, 'www.example.org',   'x dns:www*.example.org', $any],
        [0, 'www1.example.org',  'x dns:www*.example.org', { %$any, wildcards_in_alt => 'full_label' }],
        [0, 'www1.example.org',  'x dns:www*.example.org', { %$any, wildcards_in_alt => 'leftmost' }],
        [0, 'www.example.org',   'x dns:*.example.org',    { %$any, wildcards_in_alt => 0 }],
        [1, 'www.example.org',   'x dns:*.example.org',    { %$any, wildcards_in_alt => 'leftmost' }],
        [0, 'foo.org',           'x dns:*.org',            $any],
        [0, 'foo.org',           'x dns:*',                $any],
        [0, 'org',               'x dns:*',                $any],
        [0, 'a.b.example.org',   'x dns:*.*.example.org',  $any],
        [0, 'www.foo.org',       'x dns:www.*.org',        $any],
        [1, '192.0.2.1',         'x ip:192.0.2.1',         'default'],
        [1, '2001:DB8:0::1',     'x ip:2001:db8::1',       'default'],
        [0, '192.0.2.1',         'x dns:192.0.2.1',        $any],
        [0, '192.0.2.2',         'x dns:*.0.2.2',          $any],
        [1, '192.0.2.1',         '192.0.2.1',              $any],
        [1, '192.0.2.1',         '192.0.2.1',              { %$any, ip_in_cn => 4 }],
        [0, '192.0.2.1',         '192.0.2.1',              { %$any, ip_in_cn => 6 }],
        [0, '192.0.2.1',         '192.0.2.1',              { %$any, ip_in_cn => 0 }],
        [0, '192.0.2.1',         '192.0.2.1',              { %$any, check_cn => 0 }],
        [0, '192.0.2.1',         '192.0.2.1 ip:192.0.2.9', { %$any, check_cn => 'when_only' }],
        [1, '2001:DB8:0::1',     '2001:db8::1',            { %$any, ip_in_cn => 6 }],
        [1, 'www.example.org',   'www.example.org dns:other.example.org', $any],
        [0, 'www.example.org',   'www.example.org dns:other.example.org', { %$any, check_cn => 'when_only' }],
        [0, 'www.example.org',   'www.example.org dns:other.example.org', {}],
        [1, 'other.example.org', 'www.example.org dns:other.example.org', {}],
        [0, 'www.example.org',   'www.example.org',                       {}],
        [0, 'www.example.org',   'www.example.org\0.evil.example',        $any],
        [0, 'www.example.org',   'x dns:www.example.org\0.evil.example',  $any],
        [0, 'www.example.org',   'x dns:*.example.org\0',                 $any],
        [0, '192.0.2.1',         '192.0.2.1\0',                           $any],
        [0, '',                  'x dns:www.example.org',                 $any],
        [0, '',                  '',                                      $any],
        [0, '.',                 '',                                      $any],
        [1, 'whatever',          'x dns:www.example.org',                 'none'],
    );
    for my $case (@cases) {
        my ($want, $host, $name, $scheme) = @$case;
        my $certificate = $by_name{$name} // $by_name{'x dns:192.0.2.1'};
        is verify($host, $certificate, $scheme), $want, "$host: $name, by " . told($scheme // 'nothing');
    }
};

subtest 'public suffixes' => sub {
    {

        package Suffixes;    ## no critic (ProhibitMultiplePackages RequireFilenameMatchesPackage)
        sub new           { return bless {}, $_[0] }
        sub public_suffix { my ($self, $host) = @_; return $host =~ /(co\.uk|[^.]+)\z/ ? $1 : undef }
    }
    my %by_name = map { $_->{name} => $_->{object} } @CERTIFICATES;
    my $list    = Suffixes->new;
    for my $scheme ('default', 'http', { wildcards_in_alt => 'anywhere' }) {
        my @case = ('foo.co.uk', $by_name{'x dns:*.co.uk'}, $scheme);
        is verify(@case), 1, 'without a list: ' . told($scheme);
        is verify(@case, $list), 0, 'refused by a list';
        is verify(@case, ''),    1, 'not looked at';
        @case = ('foo.org', $by_name{'x dns:*.org'}, $scheme);
        is verify(@case), 0, 'one label is always refused';
        is verify(@case, $list), 0, 'by a list, too';
        is verify(@case, ''),    1, 'unless it is not looked at';
        is verify('www.example.org', $by_name{'x dns:*.example.org'}, $scheme, $list), 1,
            'what is owned is not';
    }
};

subtest 'a function of the program' => sub {
    my ($certificate) = map { $_->{object} } grep { $_->{name} =~ /a\.example/ } @CERTIFICATES;
    my @seen;
    my $answer = 1;
    my $rules  = { callback => sub { @seen = @_; return $answer }, check_cn => 'always' };
    is verify('my.host', $certificate, $rules), 1, 'decides';
    is_deeply \@seen, ['my.host', 'x', 2, 'a.example', 2, '*.example.org', 7, "\xc0\0\2\1"],
        'by the host, the common name and the alternative names';
    $answer = '';
    is verify('my.host', $certificate, $rules), 0, 'and says no';
    ok !eval {
        verify('h', $certificate, { callback => sub { die "no idea\n" } });
    }, 'or dies';
    is $@, "no idea\n", 'with its words';
};

subtest 'wrong arguments' => sub {
    my $certificate = $CERTIFICATES[0]{object};
    my @cases       = (
        [['h', $certificate, 'nosuch'],  qr/the scheme: 'nosuch' is not known; use 'default'/],
        [['h', $certificate, ''],        qr/the scheme: '' is not known/],
        [['h', $certificate, []],        qr/the scheme: a array will not do/],
        [['h', $certificate, sub { 1 }], qr/the scheme: a code will not do/],
        [
            ['h', $certificate, { check => 1 }],
            qr/the scheme: 'check' is not known; there are callback, check_cn/
        ],
        [['h', $certificate, { check_cn => 1 }], qr/check_cn must be one of 0, always, when_only, not '1'/],
        [['h', $certificate, { ip_in_cn => 5 }], qr/ip_in_cn must be one of/],
        [['h', $certificate, { wildcards_in_cn => [] }],   qr/wildcards_in_cn must be one of/],
        [['h', $certificate, { wildcards_in_alt => 'x' }], qr/wildcards_in_alt must be one of/],
        [['h', $certificate, { callback => 'x' }],         qr/callback must be a code reference, not 'x'/],
        [['h', $certificate, undef, 'x'],                  qr/SSL_verifycn_publicsuffix must be an object/],
        [['h', $certificate, undef, []],                   qr/SSL_verifycn_publicsuffix must be an object/],
        [['h', $certificate, undef, $certificate],         qr/SSL_verifycn_publicsuffix must be an object/],
        [['h',                 undef],        qr/a certificate must be/],
        [['h',                 'x'],          qr/a certificate must be/],
        [['h',                 {}],           qr/a certificate must be/],
        [[undef,               $certificate], qr/the name of a host must be a text, not undef/],
        [[[],                  $certificate], qr/the name of a host must be a text, not a reference/],
        [["a\0b",              $certificate], qr/the name of a host must not contain a NUL/],
        [["b\xfccher.example", $certificate], qr/the name of a host must be in its ASCII form/],
        [["\x{263a}", $certificate, {}], qr/the name of a host must be in its ASCII form/],
    );
    for my $case (@cases) {
        my ($arg, $pattern) = @$case;
        ok !defined eval { verify(@$arg) }, "dies: $pattern";
        like $@, $pattern, 'and says so';
    }
    my @to = (PeerAddr => '127.0.0.1', PeerPort => 1);
    for my $case (
        ['nosuch',   qr/SSL_verifycn_scheme: 'nosuch'/],
        [{ x => 1 }, qr/SSL_verifycn_scheme: 'x' is not known/],
        [\1,         qr/SSL_verifycn_scheme: a scalar/]
        )
    {
        ok !eval { Vouch::Socket->new(@to, SSL_verifycn_scheme => $case->[0]) }, 'so does a socket';
        like $@, $case->[1], 'by the name of the argument';
    }
    ok !eval { Vouch::Socket->new(@to, SSL_verifycn_publicsuffix => 'x') }, 'here, too';
    like $@, qr/SSL_verifycn_publicsuffix/, 'likewise';
};

# In a handshake.
my ($wild) = grep { $_->{name} eq 'x dns:www*.example.org' } @CERTIFICATES;
our %server = (SSL_cert_file => $wild->{file}, SSL_key_file    => $wild->{key});
our %trust  = (SSL_ca_file   => $wild->{file}, SSL_verify_mode => SSL_VERIFY_PEER);

sub visit {
    my (%ssl) = @_;
    my ($server, $client) =
        sockets(listener(%server, SSL_version => delete $ssl{SSL_version} // 'TLSv1_3'), %trust, %ssl);
    my $done  = shake($server, $client);
    my $error = "$SSL_ERROR";
    $server->blocking(1);
    my $seen = $done ? '' : $server->accept_SSL ? 'done' : "$SSL_ERROR";
    return ($done, $error, $client, $seen);
}

subtest 'a handshake by own rules' => sub {
    my $loose = { wildcards_in_alt => 'anywhere' };
    for my $version (qw(TLSv1_3 TLSv1_2)) {
        my ($done, $error, $client) = visit(
            SSL_verifycn_scheme => $loose,
            SSL_verifycn_name   => 'www1.example.org',
            SSL_version         => $version
        );
        ok $done, "$version: a name that fits" or diag $error;
        is $client->verification->{by}, 'chain', 'the chain decided';
        ok !(visit(SSL_verifycn_name => 'www1.example.org', SSL_version => $version))[0],
            'by the usual rules it does not';
        ($done, $error, $client, my $seen) = visit(
            SSL_verifycn_scheme => $loose,
            SSL_verifycn_name   => 'www.example.org',
            SSL_version         => $version
        );
        ok !$done, 'a name that does not fit';
        like $error, qr/certificate verify failed/,    'is refused';
        like $error, qr/hostname verification failed/, 'and told in words';
        like $seen,  qr/alert/,                        'the server gets an alert';
    }
    my $calls = 0;
    my ($done, $error) = visit(
        SSL_verifycn_scheme => $loose,
        SSL_verifycn_name   => 'www.example.org',
        SSL_verify_callback => sub { $calls++; 1 }
    );
    ok !$done, 'whatever the callback says';
    ok $calls, 'which is asked before';
    ok((visit(SSL_verifycn_scheme => $loose, SSL_verifycn_name => 'x', SSL_verify_mode => 0))[0],
        'where nothing is checked, neither is the name');
    ok !eval { visit(SSL_verifycn_scheme => $loose, SSL_verifycn_name => $_) }, "a name that is none dies: $_"
        for '*.example.org', '.example.org', "a\0b";
    ok !eval { visit(SSL_verifycn_scheme => $loose, SSL_verifycn_name => '') }, 'so does an empty one';
    like $@, qr/the host to verify has no name/, 'and says so';
    ok((visit(SSL_verifycn_scheme => { check_cn => 'always' }, SSL_hostname => 'x'))[0],
        'the name is SSL_hostname');
};

subtest 'a handshake by a function' => sub {
    my @seen;
    my ($done) =
        visit(SSL_verifycn_scheme => { callback => sub { @seen = @_; 1 } }, SSL_verifycn_name => 'n');
    ok $done, 'it accepts';
    is_deeply \@seen, ['n', 'x', 2, 'www*.example.org'], 'what it is told';
    ok !(visit(SSL_verifycn_scheme => { callback => sub { 0 } }, SSL_verifycn_name => 'n'))[0], 'it refuses';
    ok !eval {
        visit(SSL_verifycn_scheme => { callback => sub { die "lost\n" } }, SSL_verifycn_name => 'n');
    }, 'it dies';
    is $@, "lost\n", 'and that reaches the caller';
    ok !eval {
        visit(
            SSL_verifycn_scheme => { callback => sub { no warnings 'exiting'; last } },
            SSL_verifycn_name   => 'n'
        );
    }, 'it leaves';
    like $@, qr/Can't "last" outside/, 'which dies';
};

subtest 'other schemes' => sub {
    my ($star) = grep { $_->{name} eq '*.example.org' } @CERTIFICATES;
    local %server = (SSL_cert_file => $star->{file}, SSL_key_file => $star->{key});
    local %trust =
        (SSL_ca_file => $star->{file}, SSL_verifycn_name => 'www.example.org', SSL_verify_mode => 1);
    ok((visit(SSL_verifycn_scheme => $_))[0], "$_: a wildcard as common name")
        for qw(http smtp rfc2818 default);
    ok !(visit(SSL_verifycn_scheme => $_))[0], "$_: not there" for qw(sip rfc5922 ldap rfc4513);
    ok((visit(SSL_verifycn_name   => 'www.example.org.'))[0], 'the name in full, with a dot at its end');
    ok((visit(SSL_hostname        => 'www.example.org.'))[0], 'as the name that is asked for');
    ok((visit(SSL_verifycn_scheme => 'none', SSL_verifycn_name => 'x'))[0], 'none: no name is looked at');
};

subtest 'verify_hostname of a connection' => sub {
    my ($done, $error, $client) = visit(SSL_verifycn_scheme => 'none');
    my $loose = { wildcards_in_alt => 'anywhere' };
    is $client->verify_hostname('www1.example.org', $loose), 1, 'by rules: it is';
    is $client->verify_hostname('www2.example.com', $loose), 0, 'another is not';
    is $client->verify_hostname('www1.example.org', 'http'), 0, 'by a scheme';
    is $client->verify_hostname('www1.example.org'), 0, 'by none';
    $client->close;
    is $client->verify_hostname('www1.example.org', $loose), 0, 'a closed one is nobody';
};

subtest 'sessions' => sub {
    my $server = VouchTest::Server->start(
        ssl   => {%server},
        serve => sub { my ($client) = @_; print {$client} "hello\n"; my $line = <$client>; $client->close },
    );
    my $context = Vouch::Context->new(%trust, SSL_session_cache_size => 5);
    my $resumes = sub {
        my ($name, $scheme, @more) = @_;
        my $socket = Vouch::Socket->new(
            PeerAddr            => '127.0.0.1',
            PeerPort            => $server->port,
            SSL_reuse_ctx       => $context,
            SSL_verifycn_name   => $name,
            SSL_verifycn_scheme => $scheme,
            @more
        ) or die $SSL_ERROR;
        my $line    = <$socket>;
        my $resumed = $socket->get_session_reused ? 1 : 0;
        my $session = $socket->session;
        print {$socket} "bye\n";
        $socket->close;
        return wantarray ? ($resumed, $session) : $resumed;
    };
    my $any   = { wildcards_in_alt => 'anywhere' };
    my @first = ('www1.example.org', $any);
    is $resumes->(@first),                                              0, 'the first';
    is $resumes->(@first),                                              1, 'the same rules and name';
    is $resumes->('www1.example.org', { %$any, check_cn => 'always' }), 0, 'other rules';
    is $resumes->(@first),                                              0, 'and back';
    is $resumes->('www2.example.org', $any),                            0, 'another name';
    is $resumes->(@first),                                              0, 'and back';
    is $resumes->('www1.example.org', 'none'),                          0, 'no rules';
    is $resumes->(@first),                                              0, 'and back';
    is $resumes->(@first, SSL_verifycn_publicsuffix => ''),             0, 'a suffix not looked at';
    my $yes = { callback => sub { 1 } };
    is $resumes->('n', $yes), 0, 'a function';
    my ($resumed, $session) = $resumes->('n', $yes);
    is $resumed, 0,     'which must be asked each time';
    is $session, undef, 'and so leaves no session';
};

done_testing;
