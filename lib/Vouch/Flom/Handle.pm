package Vouch::Flom::Handle 0.001;

use v5.16;
use warnings;

use Carp  qw(croak);
use Vouch ();

# What Vouch::Flom's functions take: a hash tied to the object that has the
# handle of C.  Both are of this class; new, FETCH, DISOWN, ACQUIRE and DESTROY
# are in xs/Flom.xs.

my @FIELDS = qw(state conn config locked_element);

sub CLONE_SKIP { return 1 }

sub EXISTS {
    my ($self, $name) = @_;
    return scalar grep { $_ eq $name } @FIELDS;
}

sub FIRSTKEY { return $FIELDS[0] }

sub NEXTKEY {
    my ($self, $before) = @_;
    my ($index) = grep { $FIELDS[$_] eq $before } 0 .. $#FIELDS;
    return $FIELDS[$index + 1];
}

sub SCALAR { return scalar @FIELDS }

sub STORE  { croak 'a handle of FLoM changes by its functions only' }
sub DELETE { goto &STORE }
sub CLEAR  { goto &STORE }

1;

__END__

=head1 NAME

Vouch::Flom::Handle - what handle_new of Vouch::Flom returns

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Flom;

    my $handle = Vouch::Flom::handle_new();
    say $handle->{state};
    Vouch::Flom::handle_delete($handle);

=head1 DESCRIPTION

A handle for the functions of L<Vouch::Flom>, which may also be looked at as a
hash:

=over 4

=item state

One of the C<HANDLE_STATE_> constants.

=item locked_element

What came with the lock, or undef.

=item conn, config

Not undef once the handle is initialised; of no other use.

=back

The fields cannot be changed. Objects are of the class
C<Vouch::Flom::flom_handle_t>, or C<Flom::flom_handle_t> in a script that says
C<use Flom;>, with the methods that follow.

=head1 METHODS

=head2 new

    my $handle = Vouch::Flom::flom_handle_t->new;
    Vouch::Flom::handle_init($handle);

Space for a handle, which C<handle_init> makes one. Perl owns it: when the
object goes, its connection is closed, and the daemon takes a lock back that no
other process shares. C<handle_new> returns a handle that lives, and holds its
lock, until C<handle_delete> or the end of the process.

=head2 DISOWN

    $handle->DISOWN;

From now on the handle lives until C<handle_delete>.

=head2 ACQUIRE

    $handle->ACQUIRE;

From now on it lives as long as the object.

=head1 THREADS AND FORK

A new thread has no handles. A child process has those of its parent, and shares
their locks: what it unlocks is unlocked for both, and what it drops, or keeps
until its end, is not.

=head1 SEE ALSO

L<Vouch::Flom>

=head1 AUTHOR

The Vouch authors

=head1 LICENSE

The same terms as Perl itself.

=cut
