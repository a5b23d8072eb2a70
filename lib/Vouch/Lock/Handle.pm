package Vouch::Lock::Handle 0.001;

use v5.16;
use warnings;

use Symbol qw(gensym);

# What a loop of events takes for a handle: it has a descriptor, and no more.
# It is not a copy, which a child would inherit, and does not close it.

sub _new {
    my ($class, $fd) = @_;
    my $handle = gensym;
    tie *$handle, $class, $fd;
    return bless $handle, $class;
}

# It does not block, whatever a loop does.
sub blocking { return !!0 }

sub TIEHANDLE { my ($class, $fd) = @_; return bless \$fd, $class }
sub FILENO    { my ($self) = @_; return $$self }
sub fileno    { my ($self) = @_; return ${ tied *$self } }    ## no critic (ProhibitBuiltinHomonyms)

1;

__END__

=head1 NAME

Vouch::Lock::Handle - what a loop of events watches (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock::Mojo;

    my $promise = Vouch::Lock::Mojo->take('report');

=head1 DESCRIPTION

For use by L<Vouch::Lock::Mojo> and the like only; it may change in any release.

It has the descriptor of a lock, and closes nothing when it goes.

=head1 METHODS

None for others; what loops call:

=head2 fileno, blocking

    my $fd = $handle->fileno;

The descriptor, and that it does not block.

=head1 SEE ALSO

L<Vouch::Lock>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
