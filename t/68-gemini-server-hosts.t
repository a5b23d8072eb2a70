use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest               qw(identity);
use VouchTest::GeminiServer qw(ask connected send_raw start status_of);

use Vouch::Gemini::Server;
use Vouch::Identity ();

# Several hosts on one port, with a certificate each.

my @one = identity('one', cn => 'one.example');
identity('two', cn => 'two.example');
my $server = start(
    sub {
        my ($server) = @_;
        my $two = $server->host(
            'two.example',
            cert => $one[0] =~ s/one-cert/two-cert/r,
            key  => $one[1] =~ s/one-key/two-key/r
        );
        my $many = $server->host(['many.example', '*.many.example'],
            identity => Vouch::Identity->create(cn => 'many'));
        my $bare = $server->host('bare.example');
        $server->get('/' => sub { gemtext('one') });
        $two->get('/' => sub { gemtext('two') });
        $two->require('/private' => 'certificate')->get('/private' => sub { gemtext('') });
        $many->get('/' => sub { gemtext('many ' . $_[0]->host . ' ' . $_[0]->site->name) });
        $bare->get('/' => sub { gemtext('bare') });
    },
    host => ['one.example', 'uno.example'],
    cert => $one[0],
    key  => $one[1],
);

sub visit {
    my ($host, $path, %how) = @_;
    return send_raw($server, "gemini://$host:$server->{port}$path\r\n", SSL_hostname => $host, %how);
}

subtest 'certificates' => sub {
    my @cases = (
        ['one.example'    => 'one.example'],
        ['uno.example'    => 'one.example'],
        ['two.example'    => 'two.example'],
        ['TWO.example'    => 'two.example'],
        ['many.example'   => 'many'],
        ['x.many.example' => 'many'],
        ['bare.example'   => 'one.example'],
        ['other.example'  => 'one.example'],
    );
    for my $case (@cases) {
        my ($name, $cn) = @$case;
        is connected($server, SSL_hostname => $name)->peer_certificate('cn'), $cn, "$name: $cn";
    }
    is connected($server, SSL_hostname => '')->peer_certificate('cn'), 'one.example', 'no name: the first';
};

subtest 'pages' => sub {
    is visit('one.example',    '/')->{body}, 'one',                              'the first';
    is visit('uno.example',    '/')->{body}, 'one',                              'by its other name';
    is visit('two.example',    '/')->{body}, 'two',                              'the second';
    is visit('many.example',   '/')->{body}, 'many many.example many.example',   'one of many';
    is visit('X.many.example', '/')->{body}, 'many x.many.example many.example', 'another one';
    is visit('bare.example',   '/')->{body}, 'bare', 'one without a certificate of its own';
    is status_of(visit('other.example', '/', SSL_hostname => 'one.example')), 53,
        'a host that is none of ours';
    is status_of(visit('x.two.example', '/', SSL_hostname => '')), 53, 'nor is what is below one';
    is status_of(visit('two.example', '/private')), 60, 'a rule';
    is status_of(visit('one.example', '/private')), 51, '... is for its host';
};

subtest 'the name in TLS' => sub {
    is visit('two.example', '/', SSL_hostname => '')->{body},                  'two', 'none: the URL decides';
    is status_of(visit('two.example', '/', SSL_hostname => 'one.example')),    53,    'that of another host';
    is status_of(visit('two.example', '/', SSL_hostname => 'x.many.example')), 53,    'below another host';
    is visit('uno.example', '/', SSL_hostname => 'one.example')->{body},   'one', 'another name of the same';
    is visit('two.example', '/', SSL_hostname => 'other.example')->{body}, 'two', 'one that nobody has';
};

subtest 'all addresses, as nobody says which' => sub {
    my $all = start(
        sub {
            $_[0]->get('/' => sub { gemtext($_[0]->address) });
        },
        address => undef
    );
    is VouchTest::GeminiServer::ask($all, '/')->{body}, '127.0.0.1', 'IPv4, and its address reads so';
    my $six = eval { connected($all, PeerHost => '::1') };
    print {$six} "gemini://localhost:$all->{port}/\r\n" if $six;
    is VouchTest::GeminiServer::read_answer($six)->{body}, '::1', 'IPv6' if $six;
};

subtest 'mistakes' => sub {
    my $own = Vouch::Gemini::Server->new(
        host    => 'one.example',
        cert    => $one[0],
        key     => $one[1],
        port    => 0,
        address => '127.0.0.1'
    );
    my %bad = (
        'a name twice'                 => sub { $own->host('ONE.example') },
        'no name'                      => sub { $own->host([]) },
        'no certificate for the first' => sub { Vouch::Gemini::Server->new(host => 'x') },
        'an argument'                  => sub { $own->host('x.example', certificate => 1) },
        'a file that is not there'     =>
            sub { Vouch::Gemini::Server->new(host => 'x', cert => '/no/such', key => 'x', port => 0)->listen }
        ,
        'a port that is taken' => sub {
            Vouch::Gemini::Server->new(
                host    => 'x',
                cert    => $one[0],
                key     => $one[1],
                address => '127.0.0.1',
                port    => $server->port
            )->listen;
        },
        'too late' => sub { $own->listen; $own->host('late.example') },
    );
    for my $name (sort keys %bad) {
        ok !eval { $bad{$name}->(); 1 }, "$name dies";
        isa_ok $@, 'Vouch::Error';
    }
};

done_testing;
