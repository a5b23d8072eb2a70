package Vouch::Gemini::Server::Log 0.001;

use v5.16;
use warnings;

use Fcntl qw(O_APPEND O_CREAT O_WRONLY);
use POSIX ();

use Vouch::Error ();

# One line for each answer.  Neither what the peer has typed (the query, which
# may be a password) nor its token is in it, nor its address unless asked for.

my %ARGUMENTS = map { $_ => 1 } qw(to address certificate);

sub new {
    my ($class, $arg) = @_;
    my %arg = ref $arg eq 'HASH' ? %$arg : (to => $arg);
    if (my ($name) = grep { !$ARGUMENTS{$_} } sort keys %arg) {
        Vouch::Error->throw(code => 'argument', message => "log does not know $name");
    }
    my $self = bless { %arg, stamp => '', second => 0 }, $class;
    $self->reopen;
    return $self;
}

# A file by its name again, as after a rotation.
sub reopen {
    my ($self) = @_;
    my $to = $self->{to};
    if (!defined $to) {
        Vouch::Error->throw(code => 'argument', message => 'log needs a file, a handle or a function');
    }
    return $self->{handle} = $to if ref $to && ref $to ne 'CODE';
    return                       if ref $to;
    sysopen my $file, $to, O_WRONLY | O_APPEND | O_CREAT, 0640
        or Vouch::Error->throw(code => 'file', message => "$to: cannot write: $!", errno => $! + 0);
    $self->{handle} = $file;
    return;
}

# { status, meta, bytes, seconds, url, cut, address, fingerprint }
sub write {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $fact) = @_;
    my $line = $self->line($fact);
    if   (ref $self->{to} eq 'CODE') { $self->{to}->($line) }
    else                             { syswrite $self->{handle}, "$line\n" }
    return;
}

sub line {
    my ($self, $fact) = @_;
    my @words = (
        $self->_stamp,
        $fact->{status} // '-',
        $fact->{bytes}  // 0,
        sprintf('%.1f', 1000 * ($fact->{seconds} // 0)),
        escape($fact->{url} // '-')
    );
    push @words, escape($fact->{address}     // '-') if $self->{address};
    push @words, escape($fact->{fingerprint} // '-') if $self->{certificate};
    push @words, 'cut' if $fact->{cut};
    return join ' ', @words;
}

# One word of printable ASCII, whatever it was.
sub escape {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    return $text =~ s/([^\x21-\x5B\x5D-\x7E])/sprintf '\\x%02X', ord $1/ger;
}

sub _stamp {
    my ($self) = @_;
    my $now = time;
    return $self->{stamp} if $self->{second} == $now;
    $self->{second} = $now;
    return $self->{stamp} = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $now);
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Log - the access log (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Log;

    my $log = Vouch::Gemini::Server::Log->new({ to => 'access.log', certificate => 1 });
    $log->write({ status => 20, bytes => 1016, seconds => 0.002, url => 'gemini://localhost/' });

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release. The lines
are described in L<Vouch::Gemini::Server/The access log>.

=head1 METHODS

=head2 new

    my $log = Vouch::Gemini::Server::Log->new('access.log');

A file, a handle, a function, or a hash reference of C<to> and what else is
wanted: C<address>, C<certificate>. Dies with a L<Vouch::Error>.

=head2 reopen

    $log->reopen;

Opens a file again by its name.

=head2 write, line

    $log->write(\%fact);
    my $line = $log->line(\%fact);

=head2 escape

    my $word = Vouch::Gemini::Server::Log::escape($text);

Everything but printable ASCII, and the backslash, as C<\xHH>.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
