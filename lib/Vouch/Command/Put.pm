package Vouch::Command::Put 0.001;

use v5.16;
use warnings;

use Vouch::Command qw(options usage);
use Vouch::Error   ();
use Vouch::Socket;

my $USAGE = <<'TEXT';
vouch put [OPTION...] FILE URL

Uploads a file with Titan to a Gemini server, and prints what it answers.
"-" reads standard input.  URL is titan://HOST[:PORT]/PATH or the same with
gemini.

  --cert FILE         your certificate
  --key FILE          its key, if it is in a file of its own
  --ca FILE           trust servers whose certificate this file vouches for
  --fingerprint FP    trust the server with this fingerprint of its certificate
  --mime TYPE         what it is (text/gemini; by the name for some others)
  --token TEXT        a token, if the server wants one
  --timeout SECONDS   for each step (30)
  --help              this text

The exit status is 0 if the server took it (2x or 3x), 1 if not.
TEXT

use constant SIZE_MAX => 1024 * 1024 * 1024;
use constant PORT     => 1965;

my %MIME = (txt => 'text/plain', md => 'text/markdown', png => 'image/png', jpg => 'image/jpeg');

sub run {
    my ($class, @argv) = @_;
    my %opt   = (timeout => 30);
    my @known = qw(cert=s key=s ca=s fingerprint=s mime=s token=s timeout=f help);
    my ($file, $url, @rest) = options($USAGE, \@argv, map { $_ => \$opt{s/=.*//r} } @known);
    if ($opt{help}) { print $USAGE; return 0 }
    usage('name a file and a URL',                 $USAGE) if !defined $url;
    usage("\"$rest[0]\" is one argument too many", $USAGE) if @rest;
    my ($host, $port, $path) = _take_apart($url);
    my $bytes  = _slurp($file);
    my $server = _connect(\%opt, $host, $port);
    my $line   = _request($host, $port, $path, length $bytes, $opt{mime} // _mime_of($file), $opt{token});
    return _upload($server, $line, $bytes);
}

sub _fail { my ($text) = @_; Vouch::Error->throw(code => 'argument', message => $text) }

sub _take_apart {
    my ($url) = @_;
    my ($host, $port, $path) =
        $url =~ m{\A(?:titan|gemini)://(\[[0-9A-Fa-f:.%]+\]|[^\s/:?#\@]+)(?::([0-9]{1,5}))?(/[^\s?#;]*)?\z}
        or usage("\"$url\" is not titan://HOST[:PORT]/PATH", $USAGE);
    return ($host, $port // PORT, $path // '/');
}

sub _slurp {
    my ($file) = @_;
    my $in = \*STDIN;
    if ($file ne '-') { open $in, '<', $file or _fail("$file: $!") }
    binmode $in;
    my $bytes = '';
    while (read $in, $bytes, 65_536, length $bytes) {
        _fail("$file: more than a gigabyte") if length $bytes > SIZE_MAX;
    }
    return $bytes;
}

sub _mime_of {
    my ($file)   = @_;
    my ($suffix) = $file =~ /\.([a-z]+)\z/;
    return $MIME{ $suffix // '' } // 'text/gemini';
}

sub _connect {
    my ($opt, $host, $port) = @_;
    my %trust =
        defined $opt->{fingerprint}
        ? (SSL_fingerprint => $opt->{fingerprint}, SSL_force_fingerprint => 1, SSL_verifycn_scheme => 'none')
        : defined $opt->{ca} ? (SSL_ca_file => $opt->{ca})
        :                      ();
    return Vouch::Socket->new(
        PeerHost       => $host =~ s/\A\[(.*)\]\z/$1/r,
        PeerPort       => $port,
        Timeout        => $opt->{timeout},
        SSL_io_timeout => $opt->{timeout},
        %trust,
        (defined $opt->{cert} ? (SSL_cert_file => $opt->{cert}) : ()),
        (defined $opt->{key}  ? (SSL_key_file  => $opt->{key})  : ()),
    ) // die "$SSL_ERROR\n";
}

# The characters that Titan's parameters cannot have as they are.
sub _escape { my ($text) = @_; return $text =~ s/([^A-Za-z0-9\/._~+-])/sprintf '%%%02X', ord $1/ger }

sub _request {
    my ($host, $port, $path, $size, $mime, $token) = @_;
    my $where = $port == PORT ? $host : "$host:$port";
    my @parameters =
        ("size=$size", 'mime=' . _escape($mime), defined $token ? 'token=' . _escape($token) : ());
    my $line = join ';', "titan://$where$path", @parameters;
    _fail('the URL is longer than the 1024 bytes of a request') if length $line > 1024;
    return "$line\r\n";
}

# A server may refuse before it has read the file: then its answer counts, and
# not that the rest could not be sent.
sub _upload {
    my ($server, $line, $bytes) = @_;
    my $sent   = defined $server->write($line . $bytes) ? '' : "$SSL_ERROR";
    my $answer = <$server>;
    die $sent ? "$sent\n" : "the server closed the connection without an answer\n" if !defined $answer;
    my ($status, $meta) = $answer =~ /\A([1-6][0-9])(?: ([^\r\n]{0,1024}))?\r?\n\z/
        or die "the server's answer is not Gemini\n";
    say "$status ", ($meta // '') =~ s/[\x00-\x1F\x7F]/?/gr;
    print $_ while read $server, $_, 65_536;
    return $status =~ /\A[23]/ ? 0 : 1;
}

1;

__END__

=head1 NAME

Vouch::Command::Put - vouch put (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Put;

    exit Vouch::Command::Put->run(qw(--cert alex-cert.pem --key alex-key.pem page.gmi titan://localhost/page/New));

=head1 DESCRIPTION

The subcommand C<put>, described in L<vouch/vouch put>. For use by the command
only; it may change in any release.

=head1 METHODS

=head2 run

    my $status = Vouch::Command::Put->run(@argv);

Takes the arguments after C<put>, uploads, prints the answer, and returns 0 if
the server took the file, else 1. Dies as told in L<Vouch::Command>.

=head1 SEE ALSO

L<vouch>, L<Vouch::Socket>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
