package Vouch::Context::Shared 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(refaddr weaken);

use Vouch::Config  ();
use Vouch::Context ();

our @CARP_NOT = qw(Vouch::Context Vouch::Socket);

# The same arguments and the same files make the same configuration, so one
# serves all who ask.  Code that makes a context for each connection
# (Mojolicious does) pays once, and its sessions resume.

my %KNOWN;    # key => { config, files, code, used }
my $limit = 64;
my $uses  = 0;

sub context {
    my ($class, %arg) = @_;
    my $key = $limit ? _key(\%arg) : undef;
    return Vouch::Context->new(%arg) if !defined $key;
    my $entry = $KNOWN{$key};
    if (!$entry || grep { !defined } @{ $entry->{code} }) {
        my $context = Vouch::Context->new(%arg);
        $entry = { config => $context->{config}, files => $context->{files}, code => [_code(\%arg)] };
        weaken($_) for @{ $entry->{code} };
        $KNOWN{$key} = $entry;
        _forget_oldest();
    }
    $entry->{used} = ++$uses;
    return Vouch::Context->_of($entry->{config}, $entry->{files}, \%arg);
}

sub limit {
    my ($class, $new) = @_;
    return $limit if !defined $new;
    $limit = $new;
    _forget_oldest();
    return $limit;
}

sub count { return scalar keys %KNOWN }

# A new thread does not get the configurations, so it starts without.
sub CLONE { %KNOWN = (); return }

sub _forget_oldest {
    my @keys = sort { ($KNOWN{$a}{used} // $uses + 1) <=> ($KNOWN{$b}{used} // $uses + 1) } keys %KNOWN;
    while (@keys > $limit) { delete $KNOWN{ shift @keys } }
    return;
}

# What tells one configuration from another; undef for what cannot be shared:
# pins, which may be changed; revocation, whose lists OpenSSL keeps as it found
# them in a folder; what a program has done to its SSL_CTX; and objects and
# addresses, which may not be what they were.  The verify callback belongs to a connection, not
# to the configuration.
my @ALONE = qw(SSL_fingerprint SSL_check_crl SSL_crl_file SSL_create_ctx_callback SSL_cert SSL_key SSL_ca
    SSL_client_ca SSL_dh);

sub _key {
    my ($arg) = @_;
    return if _carries_decisions($arg) || grep { defined $arg->{$_} } @ALONE;
    my @parts;
    for my $name (sort keys %$arg) {
        my $value = $name eq 'SSL_verify_callback' ? defined $arg->{$name} : $arg->{$name};
        push @parts, $name, _text($value) // return;
    }
    my @places = (Vouch::Config::_default_ca_file(), Vouch::Config::_default_ca_path());
    push @places,
        grep { defined && !ref } map { ref ? @$_ : split /:/ } grep { ref ne 'SCALAR' } $arg->{SSL_ca_path}
        // ();
    return join "\0", @parts, map { ($_, Vouch::Context::_stamp($_)) } Vouch::Context::_files_in($arg),
        @places;
}

# A session stands for what a callback decided, so where sessions may resume,
# those of one callback must not reach another's configuration.
sub _carries_decisions {
    my ($arg) = @_;
    return $arg->{SSL_verify_callback} && (!$arg->{SSL_server} || $arg->{SSL_session_tickets});
}

sub _text {
    my ($value) = @_;
    my $kind = ref $value;
    return defined $value ? length($value) . "'$value" : 'undef' if !$kind;
    return refaddr $value                                        if $kind eq 'CODE';
    return 'to ' . _text($$value)                                if $kind eq 'SCALAR';
    return                                                       if $kind ne 'ARRAY' && $kind ne 'HASH';
    my @text =
        map { _text($_) // return } $kind eq 'ARRAY' ? @$value : map { ($_, $value->{$_}) } sort keys %$value;
    return join "\1", $kind, @text, 'end';
}

# An address stands for a function only as long as that function lives.
sub _code {
    my ($arg) = @_;
    return
        map { $arg->{$_} } grep { $_ ne 'SSL_verify_callback' && ref $arg->{$_} eq 'CODE' } sort keys %$arg;
}

1;

__END__

=head1 NAME

Vouch::Context::Shared - one configuration for all who ask for the same

=head1 SYNOPSIS

    use Vouch::Context::Shared;

    Vouch::Context::Shared->limit(0);    # every context reads its files anew

=head1 DESCRIPTION

To build a TLS configuration costs up to 20 ms, most of it for reading the
system's authorities. L<Vouch::Socket> therefore keeps the last ones it has
built, and a socket whose C<SSL_*> arguments are equal to those of an earlier
one, and whose files are unchanged (device, inode, size and time), uses the same.
Sessions resume from one to the other.

Never shared are contexts with pins (C<SSL_fingerprint>), with revocation lists,
with C<SSL_create_ctx_callback>, with objects among their arguments, with a
verify callback where sessions may resume (a client's, or with
C<SSL_session_tickets>), and those made with C<< Vouch::Context->new >>.

=head1 METHODS

=head2 context

    my $context = Vouch::Context::Shared->context(SSL_ca_file => 'ca.pem');

A L<Vouch::Context> for these arguments, with a configuration that may be in use
already. Arguments and errors are those of L<Vouch::Context/new>.

=head2 limit

    Vouch::Context::Shared->limit(200);
    my $limit = Vouch::Context::Shared->limit;

How many configurations are kept, 64 by default; the one not used for longest
goes first. 0 keeps none. Returns the number.

=head2 count

    my $count = Vouch::Context::Shared->count;

How many are kept now.

=head1 THREADS AND FORK

A new thread and a forked process keep their own.

=head1 SEE ALSO

L<Vouch::Context>, L<Vouch::Socket>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
