use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Time::HiRes ();
use VouchTest   qw(identity run_command slurp temp_dir);
use VouchTest::Needs amfora => 'amfora', tmux => 'tmux';
use VouchTest::GeminiServer qw(start);
use Vouch::Certificate;
use Vouch::Gemini::Server;
use Vouch::KnownHosts;

# Known hosts to and from amfora itself, in a terminal of tmux.

my $ASKS = qr/certificate has changed|TOFU|Do you want to/i;
my $PAGE = qr/Page of the capsule/;

my $server = start(sub {
    $_[0]->get('/' => sub { return gemtext("# Page of the capsule\n") });
});
my $port    = $server->port;
my ($right) = map { Vouch::Certificate->from_file($_) } (VouchTest::GeminiServer::files())[0];
my ($wrong) = map { Vouch::Certificate->from_file($_) } (identity('wrong', cn => 'localhost'))[0];
my $known   = Vouch::KnownHosts->new(file => temp_dir() . '/known_hosts');
my $number  = 0;

delete @ENV{qw(TMUX XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME)};
$ENV{TERM} = 'screen';

# A home of its own for each visit; amfora makes what is missing.
sub new_home {
    my $home = temp_dir() . '/house' . $number++;
    mkdir $_ or die "$_: $!" for $home, "$home/.cache", "$home/.cache/amfora";
    return $home;
}

sub tmux {
    my ($home, @words) = @_;
    local $ENV{HOME} = $home;
    my ($status, $out, $err) = run_command(['tmux', '-S', "$home/socket", '-f', '/dev/null', @words]);
    return $out . $err;
}

# What amfora shows once it shows a page or a question.
sub visit {
    my ($home) = @_;
    tmux($home, 'new-session', '-d', '-x', 120, '-y', 30, "amfora gemini://localhost:$port/");
    my $screen = q();
    for (1 .. 200) {
        $screen = tmux($home, 'capture-pane', '-p');
        last if $screen =~ $PAGE || $screen =~ $ASKS;
        Time::HiRes::sleep(0.1);
    }
    tmux($home, 'kill-server');
    return $screen;
}

subtest 'from amfora' => sub {
    my $home = new_home();
    like visit($home), $PAGE, 'it shows the page';
    is_deeply $known->import_from(amfora => "$home/.cache/amfora/tofu.toml"),
        { added => 1, kept => 0, replaced => 0, skipped => [] }, 'it has kept one host';
    is $known->check('localhost', $port, $right), 'match',   'whose certificate is known';
    is $known->check('localhost', $port, $wrong), 'changed', 'and no other';
    is $known->find('localhost', $port)->expires, $right->not_after, 'with its expiry';
};

subtest 'to amfora' => sub {
    $known->accept('localhost', $port, $right);
    my $home = new_home();
    $known->export_to(amfora => "$home/.cache/amfora/tofu.toml");
    my $file = slurp("$home/.cache/amfora/tofu.toml");
    like visit($home), $PAGE, 'the host is known to it';
    $known->accept('localhost', $port, $wrong);
    $home = new_home();
    $known->export_to(amfora => "$home/.cache/amfora/tofu.toml");
    my $screen = visit($home);
    like $screen,   $ASKS, 'another key makes it ask';
    unlike $screen, $PAGE, 'before it shows anything';
};

done_testing;
