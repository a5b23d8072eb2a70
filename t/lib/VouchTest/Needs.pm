package VouchTest::Needs;

use v5.16;
use warnings;

# What a test needs beside Perl and OpenSSL's library, and the Debian package
# that has it:
#
#   use VouchTest::Needs curl => 'curl', 'IO::Socket::SSL' => 'libio-socket-ssl-perl';
#
# Somebody who installs Vouch may not have it: the test is skipped and says
# so.  Where Vouch is developed (./dev test sets VOUCH_TEST_ALL) that fails.

use File::Spec ();
use Test::More ();

sub import {
    my ($class, %package) = @_;
    for my $name (sort keys %package) {
        next if $name =~ /::/ ? _module($name) : grep { -x "$_/$name" } File::Spec->path;
        my $text = "there is no $name here; install the package $package{$name}";
        die "$text\n" if $ENV{VOUCH_TEST_ALL};
        Test::More::plan(skip_all => $text);
    }
    return;
}

# Found, not loaded: a test may want it in another process only.
sub _module {
    my ($name) = @_;
    my $file = $name =~ s{::}{/}gr . '.pm';
    return grep { !ref && -e "$_/$file" } @INC;
}

1;
