package Vouch::Accounts::Account 0.001;

use v5.16;
use warnings;

sub _new {
    my ($class, $row) = @_;
    return bless { map { $_ => $row->{$_} } qw(id name created last_seen revoked has_password) }, $class;
}

sub id        { return $_[0]{id} }
sub name      { return $_[0]{name} }
sub created   { return $_[0]{created} }
sub last_seen { return $_[0]{last_seen} }
sub revoked   { return $_[0]{revoked} }

sub is_revoked   { return defined $_[0]{revoked} }
sub has_password { return !!$_[0]{has_password} }

1;

__END__

=head1 NAME

Vouch::Accounts::Account - what is known of an account

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Accounts;

    my $accounts = Vouch::Accounts->new(file => 'accounts.db');
    say $_->name for $accounts->list;

=head1 DESCRIPTION

An account of L<Vouch::Accounts> as it was when it was looked up. It does not
change; look it up again to see what has.

=head1 METHODS

=head2 id

    my $mine = $notes->{ $account->id };

Its number, which stays when it is renamed and is never given to another.

=head2 name

    say 'Hello, ', $account->name;

Its name, as bytes in UTF-8.

=head2 created, last_seen

    say scalar gmtime $account->last_seen;

When it was registered, and when one of its certificates was last seen, in seconds
since 1970. The last is written once a minute at most.

=head2 revoked, is_revoked

    say 'since ', scalar gmtime $account->revoked if $account->is_revoked;

When it was revoked, in seconds since 1970, or undef; and whether it is.

=head2 has_password

    say 'set a password, or you may lose the account' if !$account->has_password;

Whether it has one.

=head1 ERRORS

These methods do not fail.

=head1 SEE ALSO

L<Vouch::Accounts>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
