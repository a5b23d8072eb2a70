use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest         qw(temp_dir);
use VouchTest::Leaks  qw(check_leaks);
use VouchTest::Gemini ();
use Vouch::Gemini::Client;
use Vouch::Gemini::Request;
use Vouch::Gemini::URL;

# URLs, requests, responses and whole conversations leave nothing behind, also
# where they fail.

my $reader = Vouch::Gemini::Request->reader(hosts => ['localhost', '*.example.org'], titan => 1);
my $server = VouchTest::Gemini->start(
    pages => {
        '/'      => "20 text/plain\r\nhello\n",
        '/moved' => "30 /\r\n",
        '/wrong' => "20\ttext/plain\r\n",
        '/cut'   => sub {
            my ($client) = @_;
            print {$client} "20 text/plain\r\nha";
            $client->close(SSL_no_shutdown => 1);
        },
    },
);
my $client = Vouch::Gemini::Client->new(known_hosts => Vouch::KnownHosts->new(file => temp_dir() . '/known'));

sub get {
    my ($path) = @_;
    my $result = eval { $client->get($server->url($path)) };
    # What the server tells must be taken, or it stops.
    $server->next_line for 1 .. ($path eq '/moved' ? 2 : 1);
    return $result;
}

my %what = (
    'URLs' => sub {
        my $url = Vouch::Gemini::URL->new('gemini://localhost:7/a/../%20b?c#d');
        $url->path;
        $url->segments;
        $url->normalize;
        $url->resolve('../x');
        $url->with_query('x');
        $url->upload(5, mime => 'a/b', token => 'c');
    },
    'URLs, wrong' => sub {
        eval { Vouch::Gemini::URL->new('gemini://a b') };
        eval { Vouch::Gemini::URL->new("\x{100}") };
        eval { Vouch::Gemini::URL->new('../x')->normalize };
        eval { Vouch::Gemini::URL->new('gemini://h/../x')->path };
        eval { Vouch::Gemini::URL->decode('%') };
        eval { Vouch::Gemini::URL->new('gemini://h/')->upload(1, mime => 'x') };
    },
    'requests' => sub {
        $reader->reset->feed("gemini://localhost/a?b\r\n")->url;
        $reader->reset->feed("titan://localhost/a;size=1;token=x\r\nb")->normalize;
    },
    'requests, refused' => sub { $reader->reset->feed($_) for "gemini://h/\r\n", "x\n", "\0" },
    'readers'           => sub { Vouch::Gemini::Request->reader(hosts => ['a', 'b'])->feed('gemini://') },
    'readers, wrong'    => sub {
        eval { Vouch::Gemini::Request->reader(hosts => ['a', undef]) };
        eval { Vouch::Gemini::Request->reader(hosts => ['a', 'b c']) };
    },
    'responses' => sub {
        Vouch::Gemini::Response->new(status => 20, body => 'x')->bytes;
        eval { Vouch::Gemini::Response->new(status => 20, meta => "\n") };
    },
    'pages'           => sub { get('/') },
    'redirects'       => sub { get('/moved') },
    'pages, cut off'  => sub { get('/cut') },
    'wrong headers'   => sub { get('/wrong') },
    'pages, no space' => sub {
        eval { $client->get($server->url('/'), max_size => 1) };
        $server->next_line;
    },
    'callbacks' => sub {
        eval {
            $client->get($server->url('/'), on_body => sub { die [] });
        };
        $server->next_line;
    },
);

check_leaks(\%what, few => qr/pages|redirects|headers|callbacks/);

$server->stop;
done_testing;
