package Vouch::Check::StartTLS 0.001;

use v5.16;
use warnings;

use Time::HiRes ();

use Vouch::Error ();

# What a client says in plain text before TLS: lines of numbers (SMTP, FTP,
# NNTP), or lines that begin with a word.

use constant REPLY_MAX => 8192;    # bytes of one answer

my $LINES  = qr/\A(?:[^\n]*\n)*?/;
my %NUMBER = map { $_ => qr/\A(?:$_-[^\n]*\n(?:[^\n]*\n)*?)?$_ [^\n]*\n\z/ } qw(220 250 234 382);

# Pairs: what to wait for, what to send then.
my %DIALOGUE = (
    smtp  => [[$NUMBER{220}, "EHLO localhost\r\n"], [$NUMBER{250}, "STARTTLS\r\n"], [$NUMBER{220}]],
    lmtp  => [[$NUMBER{220}, "LHLO localhost\r\n"], [$NUMBER{250}, "STARTTLS\r\n"], [$NUMBER{220}]],
    ftp   => [[$NUMBER{220}, "AUTH TLS\r\n"], [$NUMBER{234}]],
    nntp  => [[qr/\A20[01] [^\n]*\n\z/, "STARTTLS\r\n"], [$NUMBER{382}]],
    imap  => [[qr/\A\* OK[^\n]*\n\z/, "a STARTTLS\r\n"], [qr/${LINES}a OK[^\n]*\n\z/]],
    pop3  => [[qr/\A\+OK[^\n]*\n\z/, "STLS\r\n"], [qr/\A\+OK[^\n]*\n\z/]],
    sieve => [[qr/${LINES}OK[^\n]*\n\z/, "STARTTLS\r\n"], [qr/${LINES}OK[^\n]*\n\z/]],
);

# An answer after which nothing good comes.
my $REFUSED = qr/(?:\A|\n)(?:[45][0-9]{2} |\* BYE|a (?:NO|BAD)|-ERR|NO)[^\n]*\n\z/;

sub protocols {
    my @words = sort keys %DIALOGUE;
    return @words;
}

sub knows { my ($class, $protocol) = @_; return exists $DIALOGUE{$protocol} }

# Have the server begin TLS on a socket; dies with a Vouch::Error.
sub begin {
    my ($class, $socket, $protocol, $seconds) = @_;
    my $end = Time::HiRes::time() + $seconds;
    for my $step (@{ $DIALOGUE{$protocol} }) {
        my ($wanted, $answer) = @$step;
        _wait_for($socket, $protocol, $wanted, $end);
        syswrite $socket, $answer if defined $answer;
    }
    return;
}

# Byte by byte: what follows the last line belongs to TLS.
sub _wait_for {
    my ($socket, $protocol, $wanted, $end) = @_;
    my $got = '';
    while (length $got < REPLY_MAX) {
        _wait($socket, $end) or _fail('timeout', "the server does not answer in $protocol");
        my $count = sysread $socket, $got, 1, length $got;
        _fail('closed', "the server closed the connection before TLS ($protocol)") if !$count;
        next                                    if substr($got, -1) ne "\n";
        return                                  if $got =~ $wanted;
        _fail('format', _said($protocol, $got)) if $got =~ $REFUSED;
    }
    return _fail('format', "the server does not speak $protocol");
}

sub _wait {
    my ($socket, $end) = @_;
    my $bits = '';
    vec($bits, fileno $socket, 1) = 1;
    my $left = $end - Time::HiRes::time();
    return $left > 0 && select($bits, undef, undef, $left) > 0;
}

sub _said {
    my ($protocol, $text) = @_;
    my ($line) = $text =~ /([^\r\n]*)\r?\n\z/;
    $line =~ s/[^\x20-\x7e]/?/g;
    return "the server does not begin TLS ($protocol): " . substr $line, 0, 120;
}

sub _fail {
    my ($code, $text) = @_;
    die Vouch::Error->new(code => $code, message => $text);
}

1;

__END__

=head1 NAME

Vouch::Check::StartTLS - what comes before TLS in plain text (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use IO::Socket::IP;
    use Vouch::Check::StartTLS;

    my $socket = IO::Socket::IP->new(PeerHost => 'mail.example', PeerPort => 25) or die $@;
    Vouch::Check::StartTLS->begin($socket, 'smtp', 10);

=head1 DESCRIPTION

For use by L<Vouch::Check> only; it may change in any release.

=head1 METHODS

=head2 protocols

    my @words = Vouch::Check::StartTLS->protocols;

C<ftp>, C<imap>, C<lmtp>, C<nntp>, C<pop3>, C<sieve> and C<smtp>.

=head2 knows

    die "another word\n" if !Vouch::Check::StartTLS->knows($word);

Whether it is one of them.

=head2 begin

    Vouch::Check::StartTLS->begin($socket, 'imap', $seconds);

Has the server begin TLS, within so many seconds. Reads not a byte more than its
last answer, and at most 8 KiB for each. Dies with a L<Vouch::Error> if the server
refuses, does not answer, or speaks something else.

=head1 SEE ALSO

L<Vouch::Check>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
