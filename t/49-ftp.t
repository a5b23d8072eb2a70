use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Socket::IP ();

use VouchTest          qw(identity);
use VouchTest::Library qw(on_vouch same_on_both version_of);
use VouchTest::Server  ();
use Vouch::Socket;

# Net::FTP as it is: AUTH TLS and TLS from the start, data connections in both
# directions that resume the session of the control connection.

version_of('Net::FTP');

my @server = identity('server', cn => 'localhost', san => ['localhost', '127.0.0.1']);
my @alex   = identity('alex',   cn => 'Alex');
my %SSL    = (SSL_server => 1, SSL_cert_file => $server[0], SSL_key_file => $server[1]);

# What a word of the client does; what it says is sent.  $ftp has the control
# connection, the way to the data connection, and what was stored.
my %WORD = (
    USER => sub { '331 who says so?' },
    PASS => sub { '230 well' },
    TYPE => sub { '200 well' },
    PBSZ => sub { '200 well' },
    PROT => sub { my ($ftp, $kind) = @_; $ftp->{private} = $kind eq 'P'; '200 well' },
    AUTH => sub { my ($ftp) = @_; $ftp->{begin} = 1; '234 go on' },
    CCC  => sub { my ($ftp) = @_; $ftp->{stop}  = 1; '200 go on in the clear' },
    PASV => \&passive,
    EPSV => sub { my ($ftp) = @_; passive($ftp); "229 here (|||$ftp->{port}|)" },
    PORT => \&active,
    RETR => sub {
        my ($ftp, $name) = @_;
        transfer($ftp, sub { send_file($_[0], $name) });
    },
    STOR => sub {
        my ($ftp) = @_;
        transfer($ftp, sub { my ($data) = @_; local $/; $ftp->{stored} = <$data> });
    },
    NLST => sub {
        my ($ftp) = @_;
        transfer($ftp, sub { print { $_[0] } "one\r\ntwo\r\n" });
    },
    FEAT => sub { "211-these\r\n SIZE\r\n211 end" },
    SIZE => sub { my ($ftp) = @_; '213 ' . length $ftp->{stored} },
    QUIT => sub { my ($ftp) = @_; $ftp->{end} = 1; '221 farewell' },
);

sub passive {
    my ($ftp) = @_;
    $ftp->{listener} = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1) or die "$@";
    $ftp->{port}     = $ftp->{listener}->sockport;
    return sprintf '227 here (127,0,0,1,%d,%d)', $ftp->{port} >> 8, $ftp->{port} & 255;
}

sub active {
    my ($ftp, $place) = @_;
    my @number = split /,/, $place;
    $ftp->{there} = [join('.', @number[0 .. 3]), $number[4] * 256 + $number[5]];
    return '200 well';
}

# One transfer; the reply says whether its TLS was there and resumed.
sub transfer {
    my ($ftp, $code) = @_;
    print { $ftp->{control} } "150 now\r\n";
    my $there = delete $ftp->{there};
    my $data =
        $there
        ? IO::Socket::IP->new(PeerAddr => $there->[0], PeerPort => $there->[1])
        : $ftp->{listener}->accept;
    return '425 no connection' if !$data;
    if ($ftp->{private}) { Vouch::Socket->start_SSL($data, %{ $ftp->{ssl} }) or return "425 $SSL_ERROR" }
    my $how = !$ftp->{private} ? 'in the clear' : $data->get_session_reused ? 'resumed' : 'with TLS';
    $code->($data);
    close $data;
    return "226 $how";
}

sub send_file {
    my ($data, $name) = @_;
    print {$data} 'x' x ($name =~ /([0-9]+)/ ? $1 : 10);
    return;
}

sub serve {
    my ($control, $implicit, $version) = @_;
    my %ssl = (%SSL, SSL_version => $version);
    my $ftp = { control => $control, private => $implicit, stored => '', ssl => \%ssl };
    if ($implicit) { Vouch::Socket->start_SSL($control, %ssl) or return }
    print {$control} "220 localhost\r\n";
    while (!$ftp->{end} && defined(my $line = <$control>)) {
        my ($word, $rest) = $line =~ /\A(\w+) ?(.*?)\r?\n/;
        my $code = $WORD{ uc $word };
        print {$control} $code ? $code->($ftp, $rest) : '500 what?', "\r\n";
        if (delete $ftp->{begin}) { Vouch::Socket->start_SSL($control, %ssl) or return }
        $control->stop_SSL if delete $ftp->{stop};
    }
    close $control;
    return;
}

my @servers = map { start_server(@$_) } [0, 'TLSv1_2'], [1, 'TLSv1_2'], [0, 'TLSv1_3'], [1, 'TLSv1_3'];

sub start_server {
    my (@how) = @_;
    return VouchTest::Server->start(class => 'IO::Socket::IP', serve => sub { serve($_[0], @how) });
}

# With TLS 1.3, what has been sent is lost when a client closes a data connection
# before the tickets have come, or has not read them; so both are compared with
# TLS 1.2, and nothing is stored with TLS 1.3.
my @arguments = ($server[0], @alex);
my @old       = (@arguments, map { $_->port } @servers[0, 1]);
my @new       = (@arguments, map { $_->port } @servers[2, 3]);

my $BEGIN = <<'PERL';
use strict;
use warnings;
use Net::FTP;
my ($ca, $cert, $key, $plain, $implicit) = @ARGV;
sub visit {
    my ($ftp, $resumed) = @_;
    $ftp->login('alex', 'secret') or die $ftp->message;
    $ftp->binary;
    print ref $ftp, $ftp->is_SSL ? ' secure' : ' plain', "\n";
    my $how = sub { $resumed ? $ftp->message : $ftp->message =~ s/resumed/with TLS/r };
    print join(' ', $ftp->ls), ' ', $how->();
    open my $out, '>', \my $got;
    $ftp->get('file-300000', $out) or die $ftp->message;
    print length $got, ' ', $how->();
    return $ftp if $resumed;
    open my $in, '<', \('y' x 200_000);
    $ftp->put($in, 'stored') or die $ftp->message;
    print $ftp->size('stored'), ' ', $ftp->message;
    return $ftp;
}
PERL

sub told { local $Test::Builder::Level = $Test::Builder::Level + 1; return same_on_both(@_) =~ s/\r//gr }

subtest 'in the clear' => sub {
    is told($BEGIN . <<'PERL', @old), <<'TEXT', 'all of it on sockets that might speak TLS';
for my $passive (1, 0) {
    my $ftp = Net::FTP->new('127.0.0.1', Port => $plain, Passive => $passive, Timeout => 20) or die "$@";
    visit($ftp)->quit;
}
PERL
Net::FTP plain
one two in the clear
300000 in the clear
200000 200000
Net::FTP plain
one two in the clear
300000 in the clear
200000 200000
TEXT
};

subtest 'AUTH TLS' => sub {
    is told($BEGIN . <<'PERL', @old), <<'TEXT', 'both directions';
for my $passive (1, 0) {
    my $ftp = Net::FTP->new('localhost', Port => $plain, Passive => $passive, Timeout => 20, SSL_ca_file => $ca) or die "$@";
    $ftp->starttls or die $IO::Socket::SSL::SSL_ERROR;
    visit($ftp);
    $ftp->stoptls or die $ftp->message;
    print $ftp->size('stored'), $ftp->is_SSL ? ' secure' : ' plain', "\n";
    $ftp->quit;
}
PERL
Net::FTP secure
one two with TLS
300000 with TLS
200000 200000
200000 plain
Net::FTP secure
one two with TLS
300000 with TLS
200000 200000
200000 plain
TEXT
};

subtest 'TLS from the start' => sub {
    is told($BEGIN . <<'PERL', @old), <<'TEXT', 'both directions';
for my $passive (1, 0) {
    my $ftp = Net::FTP->new('localhost', Port => $implicit, SSL => 1, Passive => $passive, Timeout => 20, SSL_ca_file => $ca) or die "$@";
    visit($ftp)->quit;
}
print Net::FTP->new('localhost', Port => $implicit, SSL => 1, SSL_ca_file => $cert) ? 'accepted' : 'refused', "\n";
PERL
Net::FTP secure
one two with TLS
300000 with TLS
200000 200000
Net::FTP secure
one two with TLS
300000 with TLS
200000 200000
refused
TEXT
};

subtest 'TLS 1.3' => sub {
    my $told = on_vouch($BEGIN . <<'PERL', @new);
for my $passive (1, 0) {
    my $ftp = Net::FTP->new('localhost', Port => $plain, Passive => $passive, Timeout => 20, SSL_ca_file => $ca) or die "$@";
    $ftp->starttls or die $IO::Socket::SSL::SSL_ERROR;
    visit($ftp, 1)->quit;
    $ftp = Net::FTP->new('localhost', Port => $implicit, SSL => 1, Passive => $passive, Timeout => 20, SSL_ca_file => $ca) or die "$@";
    visit($ftp, 1)->quit;
}
PERL
    is $told =~ s/\r//gr, <<'TEXT', 'data connections resume the session of the control connection';
Net::FTP secure
one two resumed
300000 resumed
Net::FTP secure
one two resumed
300000 resumed
Net::FTP secure
one two resumed
300000 resumed
Net::FTP secure
one two resumed
300000 resumed
TEXT
};

done_testing;
