package Vouch::Poller 0.001;

use v5.16;
use warnings;

use Vouch ();

use constant { READ => 1, WRITE => 2 };

# The XS object that waits for many descriptors; its methods are in
# xs/Poller.xs.

sub CLONE_SKIP { return 1 }

1;

__END__

=head1 NAME

Vouch::Poller - waits for many descriptors at once (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Poller;

    my $poller = Vouch::Poller::_new();
    $poller->_add(fileno STDIN, Vouch::Poller::READ) or die "$!\n";
    my %ready = $poller->_wait(1000);    # descriptor => READ | WRITE

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release.

It carries a poller of the C core (F<csrc/net/poller.h>): epoll or kqueue where
the system has one of them, else poll(2). Unlike C<select>, the cost of a wait
does not grow with the descriptors that nothing happens on. It is
level-triggered. After a C<fork> only one of the two processes may use it.

=head1 METHODS

None for others; see F<xs/Poller.xs>.

=head2 READ, WRITE

    $poller->_change($fd, Vouch::Poller::READ | Vouch::Poller::WRITE);

What to wait for: 1 and 2.

=head1 SEE ALSO

L<Vouch::Listener>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
