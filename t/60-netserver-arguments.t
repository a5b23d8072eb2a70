use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs 'Net::Server' => 'libnet-server-perl';
use Net::Server ();

use VouchTest            qw(identity spew temp_dir);
use VouchTest::NetServer ();
use Vouch::Identity      ();
use Vouch::Socket;

# The SSL_* arguments of a Net::Server program, from wherever they come, up to
# the arguments of the context; and what is said of wrong ones.

my $dir = temp_dir();
my ($cert, $key) = identity('arguments', cn => 'localhost');
my @PAIR = (SSL_cert_file => $cert, SSL_key_file => $key);

# A class of its own for a server with these methods.
sub program {
    my (%method) = @_;
    state $number = 0;
    my $class = 'Program' . ++$number;
    $method{write_to_log_hook} //= sub { };
    $method{bind}              //= sub { die $_[0] };    # when all arguments are read
    $method{fatal}             //= sub {
        die "fatal: $_[1]
";
    };
    no strict 'refs';                                    ## no critic (ProhibitNoStrict)
    @{"${class}::ISA"} = ('Net::Server');
    *{"${class}::$_"}  = $method{$_} for keys %method;
    return $class;
}

my $PROGRAM = program();

# The arguments of the ports of a program that is run so: (hash, hash, ...),
# or the text that it ends with.
sub ports_of {
    my ($class, @run) = @_;
    my $ok =
        eval { $class->run(proto => 'vouch', port => 1965, host => '127.0.0.1', log_level => 0, @run); 1 };
    my $error = $@;
    return "it ran: $ok" if $ok;
    return $error        if !ref $error;
    return map { ${*$_}{netserver_port}{arg} } @{ $error->{server}{sock} };
}

sub arguments_of {
    my (@how) = @_;
    local @ARGV = @{ shift @how } if ref $how[0];
    my ($arg) = ports_of($PROGRAM, @how);
    return $arg if !ref $arg;
    my %shown = %$arg;
    delete @shown{qw(SSL_server SSL_cert_file SSL_key_file)};
    return \%shown;
}

subtest 'run()' => sub {
    my $callback = sub { 1 };
    is_deeply arguments_of(@PAIR, SSL_verify_mode => 1, SSL_verify_callback => $callback),
        { SSL_verify_mode => 1, SSL_verify_callback => $callback }, 'numbers and functions';
    my ($arg) = ports_of($PROGRAM, @PAIR);
    is_deeply $arg, { @PAIR, SSL_server => 1 }, 'files; SSL_server is added';
    my %files = ('' => $cert, 'a.example' => $cert);
    ($arg) = ports_of($PROGRAM, SSL_cert_file => \%files, SSL_key_file => $key);
    is_deeply $arg->{SSL_cert_file}, \%files, 'a hash of names';
    is_deeply arguments_of(SSL_ca_file     => \undef)->{SSL_ca_file}, \undef, '\undef, which trusts nobody';
    is_deeply arguments_of(SSL_fingerprint => [])->{SSL_fingerprint}, [],     'an empty list';
    is_deeply arguments_of(SSL_ca_file     => undef), {},             'undef is not given';
    my ($other) = ports_of($PROGRAM, app_name => 'SSL_verify_mode', SSL_verify_mode => 3);
    is $other->{SSL_verify_mode}, 3, 'the name of an argument as the value of another';
};

subtest 'the command line' => sub {
    local @ARGV = qw(--SSL_verify_mode=3 --other=1 --SSL_ca_file /ca.pem file --SSL_session_tickets --last);
    is_deeply arguments_of(), { SSL_verify_mode => 3, SSL_ca_file => '/ca.pem', SSL_session_tickets => 1 },
        '--name=value, --name value, --name';
    is_deeply \@ARGV, [qw(--other=1 file --last)], 'the rest is left to the program';
    is_deeply arguments_of(['SSL_verify_mode=1', 'SSL_ca_file', '/ca.pem']),
        { SSL_verify_mode => 1, SSL_ca_file => '/ca.pem' }, 'without dashes';
    is arguments_of(['--SSL_ca_file=/a folder/ca.pem'])->{SSL_ca_file}, '/a folder/ca.pem', 'a blank';
    is arguments_of(['--SSL_cipher_list='])->{SSL_cipher_list},         '',                 'an empty value';
    is_deeply arguments_of(['--SSL_verify_mode=1'], SSL_verify_mode => 3), { SSL_verify_mode => 1 },
        'it counts more than run()';
};

subtest 'the configuration file' => sub {
    my $conf = spew("$dir/server.conf", <<"CONF");
# SSL_verify_mode 7
SSL_cert_file    $cert
SSL_key_file   = $key   # ours
SSL_ca_file    : /a folder/%20\\#1.pem
   SSL_ca_file   /second.pem
--SSL_verify_mode 0x03
log_level 0
CONF
    my ($arg) = ports_of($PROGRAM, conf_file => $conf);
    is_deeply $arg,
        {
        SSL_server      => 1,
        SSL_cert_file   => $cert,
        SSL_key_file    => $key,
        SSL_ca_file     => ['/a folder/%20#1.pem', '/second.pem'],
        SSL_verify_mode => 3
        },
        'all spellings of a line';
    is_deeply [arguments_of(conf_file => $conf, SSL_verify_mode => 1)->{SSL_verify_mode}], [1],
        'run() counts more';
    local @ARGV = ("--conf_file=$conf");
    is arguments_of()->{SSL_verify_mode}, 3, 'named on the command line';
};

# One argument of the first port.
sub argument {
    my ($name, @run) = @_;
    my ($arg) = ports_of(@run);
    return ref $arg ? $arg->{$name} : $arg;
}

subtest 'the server object, its class and its defaults' => sub {
    my $class = program(configure_hook => sub { $_[0]{server}{SSL_verify_mode} = 3 });
    is argument(SSL_verify_mode => $class, SSL_verify_mode => 1),        3, 'configure_hook';
    is argument(SSL_verify_mode => $PROGRAM->new(SSL_verify_mode => 3)), 3, 'new';
    $class =
        program(default_values => sub { return { SSL_verify_mode => '0x1', SSL_ca_file => '/%20.pem' } });
    is argument(SSL_verify_mode => $class),                       1,          'default_values';
    is argument(SSL_ca_file     => $class),                       '/%20.pem', 'with %20';
    is argument(SSL_verify_mode => $class, SSL_verify_mode => 3), 3,          'after run()';
    $class = program(default_values => sub { return { conf_file => "$dir/server.conf" } });
    is argument(SSL_verify_mode => $class), 3, 'a configuration file named there';
    my @told;
    $class = program(
        SSL_verify_callback => sub {
            push @told, [@_[1 .. 3]];
            return sub { 7 }
        },
        SSL_verify_mode => sub { return 'peer' },
        SSL_LOUD        => sub { return 'a constant, not an argument' },
    );
    is argument(SSL_verify_callback => $class)->(), 7, 'a method of the class';
    is_deeply \@told, [['127.0.0.1', 1965, 'VOUCH_SSL']], 'told host, port and protocol';
    is argument(SSL_verify_mode => $class, SSL_verify_mode => 3), 3, 'run() counts more';
    $class = program(
        options => sub {
            my ($self, $template) = @_;
            my $ref = $self->Net::Server::options($template);
            $ref->{SSL_ca_file} = \$self->{server}{SSL_ca_file};
            return $ref;
        }
    );
    is argument(SSL_ca_file => $class, SSL_ca_file => '/ca.pem'), '/ca.pem', 'options()';
    $class = program(
        configure => sub {
            my ($self, $template) = @_;
            push @{ $template->{SSL_ca_file} }, '/mine.pem' if $template && $template->{SSL_ca_file};
            return $self->Net::Server::configure($template // ());
        }
    );
    is_deeply argument(SSL_ca_file => $class), ['/mine.pem'], 'a configure() of its own';
};

subtest 'ports' => sub {
    my @run  = (@PAIR, host => '127.0.0.1');
    my $port = sub { return { port => 1965, proto => 'vouch', SSL_verify_mode => 3, @_ } };
    for my $more ({}, { ipv => 4 }, { host => '127.0.0.1' }, { host => '*' }, { ipv => '*' }) {
        my @ports = ports_of($PROGRAM, @run, SSL_verify_mode => 1, port => $port->(%$more));
        is_deeply [map { $_->{SSL_verify_mode} } @ports], [(3) x @ports],
            'a hash' . join '', map { " with $_ => $more->{$_}" } sort keys %$more;
    }
    my @ports = ports_of($PROGRAM, @run,
        port => [$port->(SSL_verify_mode => 1), $port->(port => 1966), '1967/vouch']);
    is_deeply [map { $_->{SSL_verify_mode} } @ports], [1, 3, undef], 'several ports';
    @ports = ports_of(
        $PROGRAM, @PAIR,
        port => [
            $port->(host => '127.0.0.1', SSL_verify_mode => 1),
            $port->(host => '127.0.0.2'),
            $port->(host => '::1', SSL_verify_mode => 2),
        ]
    );
    is_deeply [map { $_->{SSL_verify_mode} } @ports], [1, 3, 2], 'one port on several hosts';
    is $ports[0]{SSL_cert_file}, $cert, 'what the port does not say is that of the program';
};

subtest 'values' => sub {
    is arguments_of(SSL_ca_file => '/a%20b.pem')->{SSL_ca_file},  '/a%20b.pem', '%20 in run()';
    is arguments_of(['--SSL_ca_file=/a%20b.pem'])->{SSL_ca_file}, '/a%20b.pem', 'on the command line';
    is_deeply arguments_of(SSL_ca_file => ['/a%20.pem', '/b.pem'])->{SSL_ca_file}, ['/a%20.pem', '/b.pem'],
        'two values';
    is_deeply arguments_of(['--SSL_ca_file=/a.pem', '--SSL_ca_file=/b.pem'])->{SSL_ca_file},
        ['/a.pem', '/b.pem'], 'two, one after the other';
    is_deeply arguments_of(['--SSL_fingerprint=a', '--SSL_fingerprint', 'b'], SSL_fingerprint => 'c')
        ->{SSL_fingerprint}, ['a', 'b'], 'those of one place';
    my ($arg) = ports_of($PROGRAM, SSL_cert_file => [$cert], SSL_key_file => $key);
    is $arg->{SSL_cert_file}, $cert, 'a list of one, where one is wanted';
    like arguments_of(SSL_cert_file => [$cert, $cert]),
        qr/\Afatal: SSL_cert_file takes one value, and run\(\) gives it 2/, 'two where one is wanted';
    is arguments_of(['--SSL_verify_mode=1', '--SSL_verify_mode=3'])->{SSL_verify_mode}, 3,
        'of several, the last counts';
    my %mode = (
        '0x01'                                            => 1,
        '0x101'                                           => VOUCH_VERIFY_ANY,
        3                                                 => 3,
        SSL_VERIFY_PEER                                   => 1,
        'SSL_VERIFY_PEER|SSL_VERIFY_FAIL_IF_NO_PEER_CERT' => 3,
        'peer+fail_if_no_peer_cert'                       => 3,
        'Peer, Fail_If_No_Peer_Cert'                      => 3,
        none                                              => 0,
        any                                               => VOUCH_VERIFY_ANY,
        VOUCH_VERIFY_ANY                                  => VOUCH_VERIFY_ANY,
        'any|0x2'                                         => VOUCH_VERIFY_ANY | 2,
    );
    is arguments_of(["--SSL_verify_mode=$_"])->{SSL_verify_mode}, $mode{$_}, "SSL_verify_mode $_"
        for sort keys %mode;
    is arguments_of(SSL_max_getline_length => 100)->{SSL_max_line}, 100, 'an old name';
};

subtest 'what cannot be' => sub {
    like arguments_of(SSL_verify_mode => 'perhaps'),
        qr/\Afatal: SSL_verify_mode: 'perhaps' is neither a number/,
        'an unknown mode';
    like arguments_of(ssl_cert_file => 'x'),
        qr/\Afatal: .*argument ssl_cert_file is unknown \(did you mean SSL_cert_file\?\)/, 'small letters';
    like arguments_of(['--SSLcertfile=x']), qr/\Afatal: .*SSLcertfile.*did you mean SSL_cert_file\?/,
        'without underscores';
    is_deeply arguments_of(ssl_colour => 'blue'), {}, 'an argument of the program that begins with ssl';
    like arguments_of(SSL_server => 0), qr/\Afatal: SSL_server: a port of a server can be nothing else/,
        'SSL_server';
    is_deeply arguments_of(SSL_server => 1), {}, 'but it may be said';
    like arguments_of(SSL_startHandshake => 0), qr/\Afatal: SSL_startHandshake: Net::Server says when/,
        'SSL_startHandshake';
    like arguments_of(SSL_handshake_timeout => $_), qr/\Afatal: SSL_handshake_timeout must be a number/,
        "SSL_handshake_timeout $_"
        for 'soon', -1, '';
    my $class = program(SSL_verify_calback => sub { }, SSL_certfile => sub { });
    my ($told) = ports_of($class);
    like $told,
        qr/\Afatal: .*class $class: .*SSL_certfile \(did you mean SSL_cert_file\?\), SSL_verify_calback/,
        'methods of the class';
};

# What a program says that cannot start.
sub failure {
    my ($arguments, %more) = @_;
    my $personality = delete $more{personality} // 'Single';
    my $server =
        VouchTest::NetServer->start($personality => $arguments, $more{code} // '', fails => 1, %more);
    my $status = $server->peer->finish;
    my ($line) = $server->log =~ /^log 0: \S+ (.*)/m;
    return "$status: " . ($line // $server->log);
}

subtest 'at start-up' => sub {
    like failure({ SSL_certfile => 'x' }),
        qr/\A1: Cannot start TLS for VOUCH_SSL port 0 on host 127.0.0.1 .*argument SSL_certfile \(did you mean SSL_cert_file\?\)/,
        'an unknown argument in run()';
    like failure({}, argv => ['--SSL_nonsense=1']), qr/\A1: .*argument SSL_nonsense/, 'on the command line';
    my $conf = spew("$dir/typo.conf", "SSL_ca_fiel /ca.pem\n");
    like failure({ conf_file => $conf }), qr/\A1: .*argument SSL_ca_fiel/, 'in the configuration file';
    like failure({ SSL_cert_file => "$dir/none.pem" }),
        qr{\A1: .*/none.pem: cannot read: No such file or directory}, 'a certificate that is missing';
    like failure({ SSL_key_file => spew("$dir/bad.pem", "no key\n") }), qr{\A1: .*/bad.pem: }, 'a bad key';
    my (undef, $other) = identity('other', cn => 'localhost');
    like failure({ SSL_key_file => $other }), qr/\A1: .*other-key.pem does not match .*-cert.pem/,
        'a key of another certificate';
    like failure({ SSL_cert_file => undef, SSL_key_file => undef }), qr/\A1: .*a server needs a certificate/,
        'no certificate';
    like failure({ SSL_verify_mode => 0, SSL_force_fingerprint => 1, SSL_fingerprint => [] }),
        qr/\A1: .*pins decide only/,
        'what could not be enforced';
    my $busy = IO::Socket::IP->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!";
    like failure({ port => $busy->sockport }),
        qr/\A1: Cannot open VOUCH_SSL port [0-9]+ on host 127.0.0.1 .*: Address already in use/,
        'a port that is taken';
    like failure({ host => '192.0.2.1' }), qr/\A1: Cannot open .*: Cannot assign requested address/,
        'an address of another host';
    like failure(
        {},
        personality => 'Thread',
        code        => <<'PERL'), qr/\A1: .*SSL_identity is given as an object/, 'threads';
sub SSL_identity { return { 'a.example' => Vouch::Identity->create(cn => 'a.example') } }
PERL
};

subtest 'another class of TLS in the same program' => sub {
    my $server = bless { server => { ssl_args => { SSL_verify_mode => 1, SSL_ca_file => undef } } }, $PROGRAM;
    my %arg    = Vouch::NetServer::Arguments->for_port($server, { port => 1 }, 'X');
    is $arg{SSL_verify_mode}, 1, 'what it took first is found';
    $server = bless { server => { _run_args => [SSL_verify_mode => 3, SSL_key_file => 'k%20'] } }, $PROGRAM;
    Vouch::NetServer::Arguments->for_port($server, { port => 1 }, 'X');
    is_deeply $server->{server}{ssl_args}, { SSL_verify_mode => 3, SSL_key_file => 'k%20' },
        'and it finds what was taken';
};

subtest 'another Net::Server' => sub {
    # One that keeps elsewhere what run() was given.
    my $class = program(
        configure => sub {
            my ($self, $template) = @_;
            my %run = %{ $self->{given} };
            for my $name (grep { exists $run{$_} } keys %$template) {
                push @{ $template->{$name} }, $run{$name};
            }
            return;
        }
    );
    my $server = bless { server => {}, given => { SSL_verify_mode => '0x3', SSL_ca_file => 'ca.pem' } },
        $class;
    my %arg = Vouch::NetServer::Arguments->for_port($server, { port => 1 }, 'X');
    is_deeply \%arg, { SSL_server => 1, SSL_verify_mode => 3, SSL_ca_file => ['ca.pem'] },
        'configure() is asked';
};

done_testing;
