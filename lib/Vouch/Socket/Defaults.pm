package Vouch::Socket::Defaults 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed reftype);

use Vouch::Context           ();
use Vouch::Error             ();
use Vouch::Socket::Arguments ();
use Vouch::Socket::Sessions  ();

# What a program says once for all the sockets of the process.

our @FUNCTIONS = qw(
    set_defaults set_client_defaults set_server_defaults set_ctx_defaults set_args_filter_hack
    set_default_context set_default_session_cache context_init
);

my %default = (all => {}, client => {}, server => {});
my ($filter, $context, %authorities);

my %SHORT = (
    mode     => 'SSL_verify_mode',
    callback => 'SSL_verify_callback',
    scheme   => 'SSL_verifycn_scheme',
    name     => 'SSL_verifycn_name',
);

# By which a client says whom it trusts and how it speaks: what "use_defaults"
# takes away.
my @POLICY = qw(
    SSL_verify_mode SSL_verify_callback SSL_verifycn_scheme SSL_ca SSL_ca_file SSL_ca_path SSL_ca_pem
    SSL_version SSL_cipher_list SSL_ciphersuites
);

# Of a context's arguments, those that say nothing about it.
my %ABOUT_NOTHING = map { $_ => 1 } qw(SSL_server SSL_use_cert);

sub set_defaults        { return _set('set_defaults',        $default{all},    _arguments(@_)) }
sub set_ctx_defaults    { return _set('set_ctx_defaults',    $default{all},    _arguments(@_)) }
sub set_client_defaults { return _set('set_client_defaults', $default{client}, _arguments(@_)) }
sub set_server_defaults { return _set('set_server_defaults', $default{server}, _arguments(@_)) }

sub set_args_filter_hack {
    my ($new) = _arguments(@_);
    my $known = !defined $new || $new eq 'use_defaults' || (reftype $new // '') eq 'CODE';
    _bad_argument("set_args_filter_hack takes a code reference, 'use_defaults' or undef, not '$new'")
        if !$known;
    $filter = $new;
    return;
}

sub set_default_context {
    my ($new) = _arguments(@_);
    $context = defined $new ? Vouch::Socket::Arguments::_context_in('set_default_context', $new) : undef;
    return;
}

sub set_default_session_cache {
    my ($cache) = _arguments(@_);
    Vouch::Socket::Sessions::set_default_session_cache($cache);
    return;
}

sub context_init {
    my @arg = _arguments(@_);
    my $arg = @arg == 1 && ref $arg[0] eq 'HASH' ? $arg[0] : {@arg};
    set_default_context($arg->{SSL_reuse_ctx} // Vouch::Context->new(%$arg));
    return $context;
}

# A new thread does not get contexts.
sub CLONE { undef $context; return }

# Called as a function or as a method.
sub _arguments {
    my @arg   = @_;
    my $first = $arg[0];
    shift @arg if length($first // q()) && (blessed $first || !ref $first) && $first->isa('Vouch::Socket');
    return @arg;
}

# What default_ca() was told, as arguments.
sub _authorities {
    my @arg = @_;
    return %authorities if !@arg;
    %authorities = ();
    return if @arg == 1 && !defined $arg[0];
    my %new =
          @arg > 1       ? @arg
        : ref $arg[0]    ? %{ $arg[0] }
        : -d $arg[0]     ? (SSL_ca_path => $arg[0])
        : length $arg[0] ? (SSL_ca_file => $arg[0])
        :                  (SSL_ca_file => \undef);
    for my $name (grep { !ref $new{$_} } sort keys %new) {
        _bad_argument("default_ca takes SSL_ca_file and SSL_ca_path, not $name")
            if $name !~ /\ASSL_ca_(?:file|path)\z/;
        _bad_argument("default_ca: there is no '$new{$name}'") if !-e $new{$name};
    }
    return %authorities = %new;
}

sub _trust {
    my ($arg, $side) = @_;
    return
        if exists $arg->{SSL_reuse_ctx}
        || grep { defined $arg->{$_} } qw(SSL_ca SSL_ca_file SSL_ca_path SSL_ca_pem);
    @$arg{ keys %authorities } = values %authorities if $arg->{SSL_verify_mode} // $side eq 'client';
    return;
}

sub _set {
    my ($name, $into, @arg) = @_;
    _bad_argument("$name takes names and values, not an odd number of arguments") if @arg % 2;
    my %new = @arg;
    for my $short (grep { $SHORT{$_} } keys %new) {
        $new{ $SHORT{$short} } = delete $new{$short};
    }
    my %known = map { $_ => 1 } Vouch::Socket::Arguments::_argument_names();
    Vouch::Context::_check_names(grep { !$known{$_} } keys %new);
    @$into{ keys %new } = values %new;
    delete @$into{ grep { !defined $new{$_} } keys %new };
    return;
}

# The arguments of a new socket: first what the filter makes of them, then,
# where they say nothing, the defaults.
sub _apply {
    my ($arg) = @_;
    _filter($arg) if $filter;
    my $side = _side($arg);
    my %also = (%{ $default{all} }, %{ $default{$side} });
    if ($context && !exists $arg->{SSL_reuse_ctx} && $context->is_server == ($side eq 'server')) {
        $also{SSL_reuse_ctx} = $context if !grep { _is_about_context($_) } keys %$arg;
    }
    for my $name (keys %also) { $arg->{$name} //= $also{$name} }
    _trust($arg, $side) if %authorities;
    return;
}

sub _filter {
    my ($arg) = @_;
    my $side = _side($arg);
    return $filter->($side eq 'server' ? 1 : 0, $arg) if ref $filter;
    delete @$arg{@POLICY}                             if $side eq 'client';
    my %also = (%{ $default{all} }, %{ $default{$side} });
    @$arg{ keys %also } = values %also;
    return;
}

sub _side {
    my ($arg) = @_;
    return $arg->{SSL_server} // $arg->{Listen} ? 'server' : 'client';
}

sub _is_about_context {
    my ($name) = @_;
    return Vouch::Context::_is_known($name) && !$ABOUT_NOTHING{$name};
}

sub _bad_argument {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Socket::Defaults - arguments for all sockets of the process

=head1 SYNOPSIS

    use Vouch::Socket;

    Vouch::Socket->set_client_defaults(SSL_ca_file => '/etc/ssl/our-own.pem');

=head1 DESCRIPTION

What holds for every L<Vouch::Socket> that is made from now on, unless it is told
otherwise: for programs whose libraries make the connections. It reaches
everything in the process, so say it at the start of a program, never in a module.

These are methods of L<Vouch::Socket>, and functions of it (and of IO::Socket::SSL,
under L<Vouch::Instead>).

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Socket;

    Vouch::Socket->set_defaults(SSL_version => 'TLSv1_3');
    Vouch::Socket->set_client_defaults(mode => SSL_VERIFY_PEER, SSL_ca_file => 'no-such-file.pem');

    my $socket = eval { Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => 1) };
    say $@ =~ /no-such-file/ ? 'the default was used' : 'it was not';    # prints: the default was used

    Vouch::Socket->set_client_defaults(SSL_ca_file => undef);            # forgotten
    $socket = Vouch::Socket->new(PeerAddr => '127.0.0.1', PeerPort => 1);
    say $SSL_ERROR;    # prints: cannot connect to 127.0.0.1:1: Connection refused

=for example end

=head1 CALLBACKS

=head2 The filter

    Vouch::Socket->set_args_filter_hack(sub {
        my ($is_server, $arguments) = @_;
        delete $arguments->{SSL_verify_mode} if !$is_server;
    });

Called for each socket, before its arguments are looked at, with 1 for a server or
0 for a client, and a hash reference of all of them, those of TCP too if it is C<new>
that is called. It may change them. If it dies, so does C<new>.

=head1 METHODS

=head2 set_defaults, set_ctx_defaults

    Vouch::Socket->set_defaults(SSL_version => 'TLSv1_3', mode => SSL_VERIFY_PEER);

Defaults for the C<SSL_> arguments of clients and servers. C<mode>, C<callback>,
C<scheme> and C<name> are short for C<SSL_verify_mode>, C<SSL_verify_callback>,
C<SSL_verifycn_scheme> and C<SSL_verifycn_name>. The value undef forgets a default.
An argument that a socket is given as undef is not given: the default counts.
Returns nothing; dies for an unknown name, and then changes nothing. The values are
looked at when they are used.

=head2 set_client_defaults, set_server_defaults

    Vouch::Socket->set_server_defaults(SSL_honor_cipher_order => 0);

The same for clients, or servers, only. They go before those of C<set_defaults>.

=head2 set_args_filter_hack

    Vouch::Socket->set_args_filter_hack('use_defaults');
    Vouch::Socket->set_args_filter_hack(undef);

For libraries that give arguments they should not. With a code reference: see L</The
filter>. With C<use_defaults>, a default set here goes before what a socket is given,
and a client is not let say whom it trusts: C<SSL_verify_mode>,
C<SSL_verify_callback>, C<SSL_verifycn_scheme>, C<SSL_ca>, C<SSL_ca_file>,
C<SSL_ca_path>, C<SSL_ca_pem>, C<SSL_version>, C<SSL_cipher_list> and
C<SSL_ciphersuites> are what Vouch or these defaults say. A context that is given
(C<SSL_reuse_ctx>) stays as it is. undef ends it.

=head2 set_default_context

    Vouch::Socket->set_default_context($context);

A L<Vouch::Context>, or a socket that has one, for all sockets of its side (client or
server) that are given neither C<SSL_reuse_ctx> nor any argument of
L<Vouch::Context/new>; undef for none. A socket that says more gets a context of its
own: IO::Socket::SSL would ignore what it says.

=head2 set_default_session_cache

    Vouch::Socket->set_default_session_cache(Vouch::SessionCache->new(100));

A L<Vouch::SessionCache>, or what has its methods, for all clients' contexts made from
now on that are given neither C<SSL_session_cache> nor C<SSL_session_cache_size>; undef
for none.

=head2 context_init

    my $context = Vouch::Socket->context_init(SSL_ca_file => 'ca.pem');

Makes a L<Vouch::Context> and gives it to C<set_default_context>; or, given
C<SSL_reuse_ctx>, that one. Returns it.

=head1 ERRORS

What cannot be a default dies with a L<Vouch::Error>.

=head1 THREADS AND FORK

A new thread begins with the defaults of the one that made it, without the default
context.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::Context>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
