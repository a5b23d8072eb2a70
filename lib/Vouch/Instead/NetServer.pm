package Vouch::Instead::NetServer 0.001;

use v5.16;
use warnings;

# Net::Server's protocol "ssl" is ours from now on, whatever copy of it a
# program brings along.  It costs nothing before a server asks for it.

BEGIN {
    if (my $path = $INC{'Net/Server/Proto/SSL.pm'}) {
        die "Vouch::Instead comes too late: Net::Server::Proto::SSL is loaded from $path; "
            . "use perl -MVouch::Instead, or put \"use Vouch::Instead;\" first\n";
    }
    $INC{'Net/Server/Proto/SSL.pm'} = __FILE__;
}

package Net::Server::Proto::SSL {    ## no critic (ProhibitMultiplePackages)
    our @ISA;
    our $VERSION = '2.018';

    sub NS_proto { return 'SSL' }

    # The first thing that Net::Server asks of it.
    sub object {
        my ($class, @arg) = @_;
        require Net::Server::Proto::VOUCH;
        @ISA = ('Net::Server::Proto::VOUCH');
        return $class->SUPER::object(@arg);
    }
}

1;

__END__

=head1 NAME

Vouch::Instead::NetServer - Net::Server's protocol ssl, on Vouch

=head1 DESCRIPTION

L<Vouch::Instead> loads this. From then on C<< proto => 'ssl' >> in a
L<Net::Server> program means L<Net::Server::Proto::VOUCH>: every C<SSL_*>
argument reaches the TLS layer, C<SSL_verify_callback> among them, and client
certificates that nobody has signed are the program's to judge. A copy of
C<Net/Server/Proto/SSL.pm> that the program has in a folder of its own is not
used.

C<ssleay> stays as it is: it does not know client certificates.

=head1 SEE ALSO

L<Vouch::Instead>, L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
