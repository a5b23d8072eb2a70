package Vouch::NetServer::Read 0.001;

use v5.16;
use warnings;

use Carp qw(croak);
use re   ();

# Reading until a pattern matches, and no byte further.

# In list context: 1 (it matches) or 2 (that many bytes are there) or 0 (the
# end, or an error), and what was read.
sub until {    ## no critic (ProhibitBuiltinHomonyms)
    my ($socket, $bytes, $pattern) = @_;
    croak 'read_until() needs a number of bytes, a pattern, or both' if !defined $bytes && !defined $pattern;
    my ($text, $outcome) = ('', defined $bytes && $bytes <= 0 ? 2 : 0);
    until ($outcome) {
        my $count = $socket->peek(my $next, _step($text, $bytes, $pattern)) or last;
        my $take  = defined $pattern ? _shortest($text, $next, $pattern) : 0;
        $socket->read($next, $take || $count);
        $text .= $next;
        $outcome = defined $bytes && length $text >= $bytes ? 2 : $take ? 1 : 0;
    }
    return wantarray ? ($outcome, $text) : $text;
}

# How far to look ahead.  Only for a pattern that, once it matches, goes on to
# match whatever follows may it be more than a byte.
sub _step {
    my ($text, $bytes, $pattern) = @_;
    my $most = defined $pattern && !_goes_on_to_match($pattern) ? 1                     : 16_384;
    my $left = defined $bytes                                   ? $bytes - length $text : $most;
    return $left < $most ? $left : $most;
}

sub _goes_on_to_match {
    my ($pattern) = @_;
    my ($text)    = ref $pattern ? re::regexp_pattern($pattern) : $pattern;
    return $text !~ /[\$]|\(\?|\(\*|\\[ABbGKRXZzg\d]|[*+?}][+]/;
}

# How many bytes of the next ones make it match, the fewest; 0 if none do.
sub _shortest {
    my ($text, $next, $pattern) = @_;
    my $all = $text . $next;
    return 0 if $all !~ $pattern;
    my $end = $+[0] - length $text;
    $end = 1 if $end < 1;
    while ($end > 1 && substr($all, 0, length($text) + $end - 1) =~ $pattern) { $end-- }
    return $end;
}

1;

__END__

=head1 NAME

Vouch::NetServer::Read - read until a pattern matches, and no further (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Read;

    sub head_of {
        my ($socket) = @_;
        my ($outcome, $head) = Vouch::NetServer::Read::until($socket, 100_000, qr/\n\r?\n/);
        return $outcome == 1 ? $head : undef;
    }

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release.

=head1 FUNCTIONS

=head2 until

    my ($outcome, $text) = Vouch::NetServer::Read::until($socket, $bytes, $pattern);

Reads until the text matches (the outcome is 1), or is that long (2), or there
is no more (0). Either limit may be undef. In scalar context, the text. Dies if
there is no limit.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
