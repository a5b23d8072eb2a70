package Vouch::Gemini::Server::Route 0.001;

use v5.16;
use warnings;

use Digest::SHA qw(hmac_sha256);

use Vouch::Error                  ();
use Vouch::Gemini::Response       ();
use Vouch::Gemini::Server::Access ();

# One route: the program's function, who may come there, and for uploads how
# much and with what.

my %ARGUMENTS = map { $_ => 1 } qw(require max fingerprints token types edit);
my %UNIT      = (
    '' => 1,
    k  => 1000,
    ki => 1024,
    m  => 1000**2,
    mi => 1024**2,
    g  => 1000**3,
    gi => 1024**3,
);

use constant MAX => 1_000_000;    # bytes of an upload if nobody says how many

sub new {
    my ($class, $code, $how) = @_;
    my %arg = %{ $how // {} };
    if (my ($name) = grep { !$ARGUMENTS{$_} } sort keys %arg) {
        _wrong("a route does not know $name");
    }
    # What is set to nothing was to be set to something: it must not let all in.
    for my $name (grep { exists $arg{$_} && !defined $arg{$_} } qw(require fingerprints token types)) {
        _wrong("$name must not be undef: leave it out to let everybody in");
    }
    _wrong('a route needs a function')                        if ref $code ne 'CODE';
    _wrong('require and fingerprints say the same: give one') if $arg{require} && $arg{fingerprints};
    my $require = $arg{fingerprints} // $arg{require};
    my $token   = $arg{token};
    my $tokens  = !defined $token || ref $token ? $token : [$token];
    _wrong('a token must not be empty') if grep { !length($_ // '') } @{ $tokens // [] };
    return bless {
        code    => $code,
        require => defined $require ? Vouch::Gemini::Server::Access->new($require) : undef,
        max     => size_of($arg{max} // MAX),
        tokens  => $tokens,
        types   => $arg{types},
        edit    => $arg{edit},
    }, $class;
}

# "1 MB", "64 KiB", 1000.
sub size_of {
    my ($text) = @_;
    my ($number, $unit) = $text =~ /\A\s*([0-9]{1,15})\s*(?:([kmg]i?)?b(?:ytes)?)?\s*\z/i
        or _wrong("'$text' is no size such as '1 MB' or '64 KiB'");
    return $number * $UNIT{ lc($unit // '') };
}

sub reload {
    my ($self) = @_;
    $self->{require}->reload if $self->{require};
    return;
}

# Why this upload is not taken, before any of it is read; or undef.
sub _upload_problem {
    my ($self, $request) = @_;
    return _no('The token is missing or wrong') if $self->{tokens} && !$self->_knows($request->{token});
    return $self->{edit} ? undef : _no('Nothing can be edited here') if $request->{is_edit};
    return _no("An upload here has at most $self->{max} bytes")      if $request->{size} > $self->{max};
    return                                                           if !$self->{types} || !$request->{size};
    my $type = lc $request->{mime} =~ s/\s*;.*//sr;
    return if grep { $type eq lc || m{\A(.+/)\*\z} && index($type, lc $1) == 0 } @{ $self->{types} };
    return _no('Uploads of this type are not taken here');
}

sub _no { return Vouch::Gemini::Response->new(status => 59, meta => $_[0]) }

# Digests with a key that nobody knows take the same time whatever is alike.
my $key = join ' ', rand, $$, time, {};

sub _knows {
    my ($self, $token) = @_;
    my $given = hmac_sha256(defined $token ? "+$token" : '-', $key);
    my $found = 0;
    for my $good (@{ $self->{tokens} }) {
        $found = 1 if hmac_sha256("+$good", $key) eq $given;
    }
    return $found;
}

sub _wrong {
    my ($text) = @_;
    return Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Route - a function, and who may call it (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Route;

    my $route = Vouch::Gemini::Server::Route->new(sub { ... }, { max => '1 MB' });

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release.

=head1 METHODS

=head2 new

    my $route = Vouch::Gemini::Server::Route->new($code, { require => 'certificate' });

What may be in the hash is told in L<Vouch::Gemini::Server::Site/get> and
L<Vouch::Gemini::Server::Site/titan>. Dies with a L<Vouch::Error>.

=head2 reload

    $route->reload;

Reads its files again.

=head2 size_of

    my $bytes = Vouch::Gemini::Server::Route::size_of('1 MB');

=head2 MAX

    my $limit = Vouch::Gemini::Server::Route::MAX;

1,000,000: bytes of an upload if nobody says how many.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
