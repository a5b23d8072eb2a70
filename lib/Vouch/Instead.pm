package Vouch::Instead 0.001;

use v5.16;
use warnings;

use mro           ();
use Vouch::Socket ();

BEGIN {
    if (my $path = $INC{'IO/Socket/SSL.pm'}) {
        die "Vouch::Instead comes too late: IO::Socket::SSL is loaded from $path; "
            . "use perl -MVouch::Instead, or put \"use Vouch::Instead;\" first\n";
    }
    $INC{'IO/Socket/SSL.pm'} = __FILE__;
}

package IO::Socket::SSL {    ## no critic (ProhibitMultiplePackages)
    our $VERSION = '2.099';
    our @ISA     = ('Vouch::Socket');
    our @EXPORT  = @Vouch::Socket::EXPORT;

    # One variable under both names; and each method is a function here too, for
    # libraries call some as IO::Socket::SSL::accept($socket, $class).
    *SSL_ERROR = \$Vouch::Socket::SSL_ERROR;
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    *$_ = \&{"Vouch::Socket::$_"} for grep { /\A\w+\z/ } @EXPORT;
    for my $package (grep { /\AVouch::Socket\b/ } @{ mro::get_linear_isa('Vouch::Socket') }) {
        *$_ = \&{"${package}::$_"}
            for grep { /\A[a-z]/ && defined &{"${package}::$_"} && !defined &$_ } keys %{"${package}::"};
    }

    # What a listener of another class accepts is of this one all the same.
    sub accept {         ## no critic (ProhibitBuiltinHomonyms)
        my ($self, $class) = @_;
        @_ = ($self, $class // 'IO::Socket::SSL');
        goto &Vouch::Socket::accept;
    }
}

1;

__END__

=head1 NAME

Vouch::Instead - run programs written for IO::Socket::SSL with Vouch

=head1 SYNOPSIS

    $ perl -MVouch::Instead server.pl

    # or, in the program, before whatever loads IO::Socket::SSL:
    use Vouch::Instead;
    use IO::Socket::SSL;

=head1 DESCRIPTION

Takes the place of IO::Socket::SSL: when the program, or a library it uses, loads
that module, it gets a class of that name that is a L<Vouch::Socket>. The real
one is not loaded, and need not be installed. Objects are of the class
C<IO::Socket::SSL>, so code that looks at the class goes on working;
C<$IO::Socket::SSL::SSL_ERROR> is C<$Vouch::Socket::SSL_ERROR>, and
C<< IO::Socket::SSL->VERSION >> is 2.099, whose behaviour Vouch follows.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Instead;
    use IO::Socket::SSL;

    my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => 1);
    say $socket ? 'connected' : $SSL_ERROR;             # prints: cannot connect to 127.0.0.1:1: ...
    say $IO::Socket::SSL::SSL_ERROR eq $SSL_ERROR ? 1 : 0;    # prints: 1
    say IO::Socket::SSL->isa('Vouch::Socket') ? 1 : 0;  # prints: 1
    say IO::Socket::SSL->VERSION;                       # prints: 2.099

=for example end

What differs is told in L<Vouch::Socket/Differences to IO::Socket::SSL>, and what
a program may miss in L<Vouch::Socket/Not there yet>. Mojolicious runs, as server
and as client. Modules below that name, such as
C<IO::Socket::SSL::Utils>, are not replaced: they are the real ones, if
installed.

=head1 CALLBACKS

Those of L<Vouch::Socket>.

=head1 METHODS

None of its own. C<IO::Socket::SSL> has those of L<Vouch::Socket>, and exports what
that exports.

=head1 ERRORS

Dies while it is loaded if IO::Socket::SSL is loaded already, and names the file:
two classes of one name would be mixed up.

=head1 THREADS AND FORK

As L<Vouch::Socket/THREADS AND FORK>.

=head1 SEE ALSO

L<Vouch::Socket>, L<IO::Socket::SSL>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
