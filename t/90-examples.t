use v5.16;
use warnings;

# Every example of the documentation runs and prints what it says.

use File::Find qw(find);
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use VouchTest::Examples
    qw(expected_pattern examples_of_markdown examples_of_pod finish_example run_example write_file);

# flom in an example finds, or starts, a daemon of that document.
my $OWN_DAEMON = <<'FILE';
[Resource]
[Daemon]
SocketName=DIR/flom-socket
Lifespan=1000
[Network]
FILE

sub files_below {
    my ($dir) = @_;
    my @files;
    find({ no_chdir => 1, wanted => sub { push @files, $_ if /\.(?:pm|pod)\z/ } }, $dir) if -d $dir;
    @files = sort @files;
    return @files;
}

sub check_result {
    my ($example, $result) = @_;
    is $result->{status}, 0, 'ends well' or diag $result->{err};
    my $pattern = expected_pattern($example->{code});
    like $result->{out}, qr/\A$pattern\z/, 'prints what it says' if defined $pattern;
    return;
}

# Run one; of a server, note that it runs.
sub check_example {
    my ($example, $dir, $servers) = @_;
    plan skip_all => $example->{skip} if defined $example->{skip};
    if (defined $example->{save}) {
        write_file("$dir/$example->{save}", $example->{code});
        ok -s "$dir/$example->{save}", "is $example->{save}";
        return;
    }
    my $result = run_example($example, $dir);
    return check_result($example, $result) if !defined $example->{port};
    push @$servers, [$example, $result];
    ok kill(0 => $result->{pid}), 'runs';
    return;
}

sub check_document {
    my (@examples) = @_;
    my $dir = tempdir(CLEANUP => 1);
    local $ENV{HOME} = $dir;
    delete local $ENV{XDG_DATA_HOME};
    write_file("$dir/.flom", $OWN_DAEMON =~ s/DIR/$dir/r);
    my @servers;
    subtest $_->{name} => \&check_example, $_, $dir, \@servers for @examples;
    for my $server (@servers) {
        my ($example, $running) = @$server;
        subtest "$example->{name}, at its end" => \&check_result, $example, finish_example($running);
    }
    return;
}

subtest 'the runner sees output that differs' => sub {
    my $dir     = tempdir(CLEANUP => 1);
    my $code    = qq{print "one two\\n";  # prints: one ...\n};
    my $run     = run_example({ kind => 'perl', code => $code }, $dir);
    my $pattern = expected_pattern($code);
    like $run->{out},          qr/\A$pattern\z/, 'the right output matches';
    unlike "two\n",            qr/\A$pattern\z/, 'other output does not';
    unlike "one two\nthree\n", qr/\A$pattern\z/, 'more output does not';
    isnt run_example({ kind => 'sh', code => "false\ntrue\n" }, $dir)->{status}, 0,
        'a failing shell line is seen';
    is expected_pattern("print 1;\n"), undef, 'an example may promise nothing';
};

my @pods  = (files_below('lib'), files_below('csrc'), grep { -T } glob 'script/*');
my $count = 0;
for my $path (@pods) {
    my @examples = examples_of_pod($path);
    $count += @examples;
    check_document(@examples);
}
ok $count > 0, 'there are examples in the POD';

check_document(examples_of_markdown('README.md'));

done_testing;
