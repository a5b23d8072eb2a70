package Vouch::Authorities 0.001;

use v5.16;
use warnings;

use Vouch              ();
use Vouch::Certificate ();
use Vouch::Error       ();

sub CLONE_SKIP { return 1 }

sub from_file { my ($class, $path) = @_; return _from_file($path) }

sub problem {
    my ($self, $certificate, %how) = @_;
    my $now   = delete $how{now}   // time;
    my $chain = delete $how{chain} // [];
    if (my ($name) = sort keys %how) {
        Vouch::Error->throw(code => 'argument', message => "problem does not know $name");
    }
    return $self->_check($now, $certificate, @$chain);
}

1;

__END__

=head1 NAME

Vouch::Authorities - check a certificate against authorities, after the handshake

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Authorities;
    use Vouch::Certificate;

    my $members = Vouch::Authorities->from_file('members-ca.pem');
    my $problem = $members->problem(Vouch::Certificate->from_file('alex-cert.pem'));
    die "you are no member: $problem\n" if defined $problem;

=head1 DESCRIPTION

A server that takes any client certificate in the handshake
(C<VOUCH_VERIFY_ANY>) may want more for some of what it serves: that an
authority has signed it. This checks that later, about a certificate that is
there already.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Authorities;
    use Vouch::Certificate;
    use Vouch::Identity;

    Vouch::Identity->create(cn => $_, file => lc) for qw(Alex Kim);
    my $alex    = Vouch::Certificate->from_file('alex-cert.pem');
    my $kim     = Vouch::Certificate->from_file('kim-cert.pem');
    my $members = Vouch::Authorities->from_file('alex-cert.pem');

    say $members->problem($alex) // 'a member';    # prints: a member
    say $members->problem($kim)  // 'a member';    # prints: self-signed certificate
    say $members->problem($alex, now => $alex->not_after + 1);
    # prints: certificate has expired

=for example end

=head1 METHODS

=head2 from_file

    my $authorities = Vouch::Authorities->from_file('ca.pem');

The certificates of a PEM file. One that is no authority stands for itself, so a
file of people's own certificates is a list of people. Dies with a
L<Vouch::Error> if the file cannot be read or holds none.

=head2 problem

    my $problem = $authorities->problem($certificate);
    my $problem = $authorities->problem($certificate, chain => \@others, now => $seconds);

It is undef if one of the authorities has signed the L<Vouch::Certificate>, and it may
be used by a client, at the time C<now> (default: the present); else OpenSSL's
words for what is wrong. C<chain> has the other certificates that the peer has
sent (L<Vouch::Socket::Peer/peer_certificates>). Revocation lists are not looked
at.

=head1 THREADS AND FORK

An object does not go into a new thread: a copy there is a reference to undef. A
forked process may use it.

=head1 SEE ALSO

L<Vouch::Certificate>, L<Vouch::Context>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
