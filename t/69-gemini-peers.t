use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::Needs
    amfora => 'amfora',
    tmux   => 'tmux';

use File::Path              qw(make_path);
use Time::HiRes             qw(sleep time);
use VouchTest               qw(identity run_command slurp spew temp_dir);
use VouchTest::GeminiServer qw(start);

use Vouch::Gemini::Server;
use Vouch::Identity ();

# amfora, a client for terminals, against Vouch::Gemini::Server: a page, a
# certificate that is asked for, and a key that has changed.

my $dir  = temp_dir();
my $tmux = "$dir/tmux";
make_path("$dir/home/.config/amfora");

sub tmux {
    my (@words) = @_;
    my ($status, $out, $err) = run_command(['tmux', '-S', $tmux, '-f', '/dev/null', @words]);
    return $out;
}

sub screen { return tmux(qw(capture-pane -p -t amfora)) }

# The screen, once it matches; what there is after a while.
sub shown {
    my ($pattern) = @_;
    my $end = time + 20;
    while (1) {
        my $screen = screen();
        return $screen if $screen =~ $pattern || time > $end;
        sleep 0.05;
    }
}

sub amfora {
    my ($url, @files) = @_;
    my $config = "[a-general]\nhome = 'about:blank'\ncolor = false\n";
    my ($host) = $url =~ m{//([^/]+)};
    if (@files) { $config .= "[auth.certs]\n'$host' = '$files[0]'\n[auth.keys]\n'$host' = '$files[1]'\n" }
    spew("$dir/home/.config/amfora/config.toml", $config);
    tmux(
        qw(new-session -d -s amfora -x 100 -y 30),
        "HOME=$dir/home XDG_CONFIG_HOME=$dir/home/.config"
            . " XDG_DATA_HOME=$dir/home/.local XDG_CACHE_HOME=$dir/home/.cache TERM=screen amfora $url"
    );
    return;
}

sub leave { tmux(qw(kill-server)); return }
END { local $?; leave() if defined $tmux && -S $tmux }

my $port = 0;

sub server {
    my ($name) = @_;
    my ($cert, $key) = ("$dir/$name-cert.pem", "$dir/$name-key.pem");
    Vouch::Identity->create(cn => 'localhost', san => ['localhost'], file => "$dir/$name");
    my $server = start(
        sub {
            my ($server, $tell) = @_;
            $server->get(
                '/' => sub { gemtext("# Welcome to Vouch\n\nA page for amfora\n=> /account Account\n") });
            $server->get(
                '/account' => sub {
                    my ($request) = @_;
                    my $cert = $request->certificate or return need_certificate('Who are you, please?');
                    return gemtext('# Hello ' . $cert->common_name . "\n");
                }
            );
            $server->get(
                '/ask' => sub {
                    my $said = $_[0]->input // return input('Your name?');
                    gemtext("# So it is $said\n");
                }
            );
        },
        cert => $cert,
        key  => $key,
        port => $port,
    );
    $port = $server->port;
    return $server;
}

my $server = server('first');
my $url    = "gemini://localhost:$port";

subtest 'a page' => sub {
    amfora("$url/");
    like shown(qr/A page for amfora/), qr/Welcome to Vouch.*A page for amfora/s, 'is shown';
    leave();
};

subtest 'a certificate is asked for' => sub {
    amfora("$url/account");
    like shown(qr/Who are you, please/), qr/Who are you, please\?/, 'the question of 60';
    leave();
    my @alex = identity('alex', cn => 'Alex');
    amfora("$url/account", @alex);
    like shown(qr/Hello Alex/), qr/Hello Alex/, 'and the answer to who has one';
    leave();
};

subtest 'input' => sub {
    amfora("$url/ask");
    like shown(qr/Your name/), qr/Your name\?/, 'the question of 10';
    tmux(qw(send-keys -t amfora), 'Kim');
    shown(qr{Kim});
    tmux(qw(send-keys -t amfora Enter Enter));
    like shown(qr/So it is Kim/), qr/So it is Kim/, 'and what was typed comes back';
    leave();
};

subtest 'another key at the same address' => sub {
    is $server->stop, 0, 'the first server ends';
    $server = server('second');
    amfora("$url/");
    my $screen = shown(qr/has changed|Welcome/);
    unlike $screen, qr/A page for amfora/, 'no page';
    like $screen =~ s{[^\w']+}{ }agr, qr/certificate has changed possibly indicating a security issue/,
        'but a question about the certificate';
    tmux(qw(send-keys -t amfora y));
    tmux(qw(send-keys -t amfora Enter));
    like shown(qr/A page for amfora/), qr/A page for amfora/, 'and the page to who takes it';
    leave();
};

is $server->stop, 0, 'the server ends well';

done_testing;
