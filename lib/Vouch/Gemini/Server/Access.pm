package Vouch::Gemini::Server::Access 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed reftype);

use Vouch::Authorities      ();
use Vouch::Error            ();
use Vouch::Gemini::Response ();
use Vouch::Pins             ();

# "require => WHAT": who may see something.  What cannot be decided is refused.

my %TEXT = (
    60 => 'Show a certificate, please',
    61 => 'This certificate is not among those that may see this',
    62 => 'This certificate',
);

sub new {
    my ($class, $what) = @_;
    my $self = bless { what => $what }, $class;
    $self->{may} = $self->_decision($what);
    return $self;
}

# Authorities are read again; if that fails, the old ones stay, and it dies.
sub reload {
    my ($self) = @_;
    $self->{may} = $self->_decision($self->{what});
    return;
}

# undef: this peer may; else what to answer.
sub refusal {
    my ($self, $request) = @_;
    my $certificate = $request->certificate // return _answer(60);
    my $problem     = date_problem($certificate, $request->now);
    return $problem if $problem;
    my $may = $self->{may}->($certificate, $request);
    return $may if blessed $may && $may->isa('Vouch::Gemini::Response');
    return $may ? undef : _answer(61);
}

# What to answer to a certificate that is not valid now, or undef.
sub date_problem {
    my ($certificate, $now) = @_;
    return _answer(62, ' has expired')      if $certificate->is_expired($now);
    return _answer(62, ' is not valid yet') if $certificate->is_not_yet_valid($now);
    return;
}

sub _answer {
    my ($status, $more) = @_;
    return Vouch::Gemini::Response->new(status => $status, meta => $TEXT{$status} . ($more // ''));
}

# A function that decides about a certificate.
sub _decision {
    my ($self, $what) = @_;
    return sub { 1 }
        if !ref($what) && ($what // '') eq 'certificate';
    return _list($what) if ref $what eq 'ARRAY';
    return _authorities(Vouch::Authorities->from_file($what->{ca}))
        if ref $what eq 'HASH' && join(' ', keys %$what) eq 'ca';
    return $what               if (reftype $what // '') eq 'CODE';
    return _authorities($what) if blessed $what && $what->isa('Vouch::Authorities');
    return sub { scalar $what->allows($_[0]) }

        if blessed $what && $what->can('allows');
    return sub { defined scalar $what->find($_[0]) }
        if blessed $what && $what->can('find');
    return Vouch::Error->throw(
        code    => 'argument',
        message => q(require takes 'certificate', a list of fingerprints, { ca => FILE }, a function,)
            . ' Vouch::Accounts or Vouch::Trust, not '
            . (defined $what ? "'$what'" : 'undef'),
    );
}

# The program may change its list at any time, so each look begins with it.
sub _list {
    my ($list) = @_;
    my ($pins, $seen);
    my $current = sub {
        my $text = join "\n", map { $_ // '' } @$list;
        return $pins if defined $seen && $seen eq $text;
        my $new = Vouch::Pins::_new();
        $new->_add($_) for @$list;
        ($pins, $seen) = ($new, $text);
        return $pins;
    };
    $current->();
    return sub { $current->()->_matches($_[0]) };
}

sub _authorities {
    my ($authorities) = @_;
    return sub {
        my ($certificate, $request) = @_;
        return !defined $authorities->problem(
            $certificate,
            now   => $request->now,
            chain => [$request->chain]
        );
    };
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Access - who may see a page (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Access;

    my $rule = Vouch::Gemini::Server::Access->new('certificate');
    sub refusal { my ($request) = @_; return $rule->refusal($request) }

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release. What may
be required is told in L<Vouch::Gemini::Server/Who may see what>.

=head1 METHODS

=head2 new

    my $rule = Vouch::Gemini::Server::Access->new(['sha256$...']);

Dies with a L<Vouch::Error> for what it does not know, for a file that cannot be
read, and a text that is no fingerprint.

=head2 reload

    $rule->reload;

Reads the authorities of a file again. If it dies, the old ones stay.

=head2 refusal

    my $response = $rule->refusal($request);

It is undef, or the answer: 60, 61, 62, or what the program's function has returned.
Dies where that has died, or a changed list has a text that is no fingerprint:
then nobody may.

=head2 date_problem

    my $response = Vouch::Gemini::Server::Access::date_problem($certificate, $now);

It is undef, or an answer with 62.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
