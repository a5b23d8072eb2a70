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

use constant LIMIT => 64;

my %KNOWN;    # key => { config, files, live, used }
my $limit = ($ENV{VOUCH_SHARED_CONTEXTS} // '') =~ /\A([0-9]{1,6})\z/ ? $1 : LIMIT;
my $uses  = 0;

sub context {
    my ($class, %arg) = @_;
    my @live;
    my $key = $limit ? _key(\%arg, \@live) : undef;
    return Vouch::Context->new(%arg) if !defined $key;
    my $entry = $KNOWN{$key};
    if (!$entry || grep { !defined } @{ $entry->{live} }) {
        my $context = Vouch::Context->new(%arg);
        weaken($_) for @live;
        $entry = bless { config => $context->{config}, files => $context->{files}, live => \@live }, $class;
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

# A new thread does not get the configurations, so it starts without.  The
# entries must not even be copied: Perl panics over a weak reference to what it
# leaves out, such as an identity.
sub CLONE_SKIP { return 1 }
sub CLONE      { %KNOWN = (); return }

# Those whose functions are gone go first: nobody can ask for them.
sub _forget_oldest {
    for my $key (keys %KNOWN) {
        delete $KNOWN{$key} if grep { !defined } @{ $KNOWN{$key}{live} };
    }
    my @keys = sort { ($KNOWN{$a}{used} // $uses + 1) <=> ($KNOWN{$b}{used} // $uses + 1) } keys %KNOWN;
    while (@keys > $limit) { delete $KNOWN{ shift @keys } }
    return;
}

# What tells one configuration from another; undef for what cannot be shared:
# pins, which may be changed; revocation lists out of a folder, which OpenSSL
# keeps as it found them; and addresses of OpenSSL's objects, where others may
# be by now.  @$live are the functions and objects whose addresses are in it.
sub _key {
    my ($arg, $live) = @_;
    return if defined $arg->{SSL_fingerprint} || defined $arg->{SSL_dh} || _lists_of_a_folder($arg);
    my @parts;
    for my $name (sort grep { !/\ASSL_session_cache/ } keys %$arg) {
        my $value = $arg->{$name};
        $value = defined $value if $name eq 'SSL_verify_callback' && !_carries_decisions($arg);
        return if $name =~ /\ASSL_(?:cert|key|ca|client_ca)\z/ && grep { $_ && !ref } _leaves($value);
        push @parts, $name, _text($value, $live) // return;
    }
    return join "\0", @parts, map { ($_, Vouch::Context::_stamp($_)) } Vouch::Context::_files_in($arg),
        _places($arg);
}

# Where authorities are looked for, beside the files.
sub _places {
    my ($arg) = @_;
    my $path  = $arg->{SSL_ca_path};
    my @path  = ref $path eq 'ARRAY' ? @$path : ref $path || !defined $path ? () : split /:/, $path;
    return (
        Vouch::Config::_default_ca_file(),
        Vouch::Config::_default_ca_path(),
        grep { defined && !ref } @path
    );
}

sub _lists_of_a_folder {
    my ($arg) = @_;
    return if !$arg->{SSL_check_crl} && !defined $arg->{SSL_crl_file};
    return !$arg->{SSL_crl_file} || !$arg->{SSL_ca_file} || $arg->{SSL_ca_path};
}

# A session stands for what a callback decided, so where sessions may resume,
# those of one callback must not reach another's configuration.  Elsewhere the
# callback belongs to the connection alone.
sub _carries_decisions {
    my ($arg) = @_;
    return ($arg->{SSL_verify_callback} || $arg->{SSL_ocsp_staple_callback})
        && (!$arg->{SSL_server} || $arg->{SSL_session_tickets});
}

sub _leaves {
    my ($value) = @_;
    return
          ref $value eq 'ARRAY' ? map { _leaves($_) } @$value
        : ref $value eq 'HASH'  ? map { _leaves($_) } values %$value
        :                         $value;
}

# Functions, and objects that never change, are told by their addresses, which
# stand for them as long as they live.
my %CONSTANT = map { $_ => 1 } qw(CODE Vouch::Certificate Vouch::Identity Vouch::Key);

sub _text {
    my ($value, $live) = @_;
    my $kind = ref $value;
    return defined $value ? length($value) . "'$value" : 'undef' if !$kind;
    if ($CONSTANT{$kind}) {
        push @$live, $value;
        return $kind . refaddr $value;
    }
    return 'to ' . _text($$value, $live) if $kind eq 'SCALAR';
    return                               if $kind ne 'ARRAY' && $kind ne 'HASH';
    my @text = map { _text($_, $live) // return }
        $kind eq 'ARRAY' ? @$value : map { ($_, $value->{$_}) } sort keys %$value;
    return join "\1", $kind, @text, 'end';
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

Functions and objects among the arguments are equal if they are the same:
C<SSL_create_ctx_callback>, L<Vouch::Certificate>, L<Vouch::Identity> and
L<Vouch::Key>. So a C<SSL_create_ctx_callback> is called once for each configuration,
not for each socket, as long as that function lives. The same holds for
C<SSL_verify_callback> where sessions may resume what it decided (on a client, and
with C<SSL_session_tickets>); elsewhere each socket has its own, and they need not
be the same.

Never shared are contexts with pins (C<SSL_fingerprint>), which can be changed; with
revocation lists from a folder (C<SSL_check_crl>, unless C<SSL_crl_file> and
C<SSL_ca_file> are given and C<SSL_ca_path> is not); with addresses from
Net::SSLeay; with other objects; and those made with C<< Vouch::Context->new >>.

A program that does without, perhaps because its C<SSL_create_ctx_callback> does
something else each time, sets the L</limit> to 0, or the environment variable
C<VOUCH_SHARED_CONTEXTS>:

    $ VOUCH_SHARED_CONTEXTS=0 perl -MVouch::Instead server.pl

=head1 METHODS

=head2 context

    my $context = Vouch::Context::Shared->context(SSL_ca_file => 'ca.pem');

A L<Vouch::Context> for these arguments, with a configuration that may be in use
already. Arguments and errors are those of L<Vouch::Context/new>.

=head2 limit

    Vouch::Context::Shared->limit(200);
    my $limit = Vouch::Context::Shared->limit;

How many configurations are kept: 64, or what the environment variable
C<VOUCH_SHARED_CONTEXTS> said when the program began. The one not used for longest
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
