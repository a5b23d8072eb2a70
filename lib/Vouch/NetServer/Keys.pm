package Vouch::NetServer::Keys 0.001;

use v5.16;
use warnings;

use Fcntl qw(F_GETFD F_SETFD F_GETFL F_SETFL FD_CLOEXEC O_NONBLOCK);

use Vouch::Identity ();

# Certificates and keys that this process could read once and cannot read any
# more, as it has given up being root or gone into another root folder.  They
# are needed again by the program that it becomes after SIGHUP, which finds
# them in a pipe, and by new threads, which build a context of their own.

use constant VARIABLE => 'VOUCH_NETSERVER_KEYS';    # the number of the pipe's descriptor
use constant FILE_MAX => 1024 * 1024;               # bytes of one file, as when it is read by name
use constant PIPE_MAX => 1024 * 1024;               # bytes that Linux allows who is not root
use constant PIPE_ANY => 16 * 1024;                 # bytes that a pipe holds everywhere

my %kept;                                           # path => bytes
my $pipe;                                           # open until exec()

# Read the files of these arguments and keep them, if that may be needed.
sub keep {
    my ($class, $server, %arg) = @_;
    _receive();
    my $needed = $> == 0 || $server->isa('Net::Server::Thread');
    for my $pair (_pairs(\%arg)) {
        my %now = map { $_ => scalar _read($_) } grep { defined } @$pair[1, 2];
        next if grep { !defined } values %now;
        if ($needed) { @kept{ keys %now } = values %now }
        else         { delete @kept{ keys %now } }
    }
    _try($server);
    return;
}

# The arguments with what can be read no more in another form.
sub arguments {
    my ($class, $log, %arg) = @_;
    my @lost;
    for my $pair (_pairs(\%arg)) {
        my ($path) = grep { defined && !defined _read($_) } @$pair[1, 2] or next;
        next if grep { defined && !defined $kept{$_} } @$pair[1, 2];
        $log->("$path cannot be read any more ($!): using what it was before");
        push @lost, [$pair->[0], _identity($log, @$pair[1, 2], $arg{SSL_passwd_cb})];
    }
    return _with_identities(\%arg, @lost);
}

# The arguments with all as it was when the server started.
sub frozen {
    my ($class, %arg) = @_;
    my @known = grep {
        !grep { defined && !defined $kept{$_} }
            @$_[1, 2]
    } _pairs(\%arg);
    return _with_identities(\%arg, map { [$_->[0], _kept(@$_[1, 2], $arg{SSL_passwd_cb})] } @known);
}

sub _with_identities {
    my ($arg, @found) = @_;
    return %$arg if !@found;
    my %identity = (_by_name($arg->{SSL_identity}), map { @$_ } @found);
    my %cert     = _by_name($arg->{SSL_cert_file});
    delete @cert{ map { $_->[0] } @found };
    delete @$arg{qw(SSL_cert_file SSL_key_file)} if !%cert;
    $arg->{SSL_cert_file} = \%cert               if %cert;
    return (%$arg, SSL_identity => \%identity);
}

# Leave all that this process cannot read any more to what it becomes with
# exec(): true if that is possible, or nothing is to be left.
sub hand_over {
    return 1 if $pipe || !grep { !defined _read($_) } keys %kept;
    $pipe = _pipe_with(pack '(N/a*)*', %kept) or return 0;
    fcntl $pipe, F_SETFD, fcntl($pipe, F_GETFD, 0) & ~FD_CLOEXEC;
    $ENV{ (VARIABLE) } = fileno $pipe;    ## no critic (RequireLocalizedPunctuationVars)
    return 1;
}

# What the process was left before exec().
sub _receive {
    my $fd = delete $ENV{ (VARIABLE) } // return;
    return if $fd !~ /\A([0-9]{1,9})\z/ || !open my $in, '<&=', $1;
    return if !-p $in;
    binmode $in;
    local $/;
    %kept = (unpack('(N/a*)*', <$in> // ''), %kept);
    return;
}

# Tell at start-up what would fail at SIGHUP.
sub _try {
    my ($server) = @_;
    my $prop = $server->{server};
    return if $> != 0 || !grep { defined && length } @$prop{qw(user chroot)};
    return if _pipe_with(pack '(N/a*)*', %kept);
    $server->log(1,
              'The certificates and keys are too large to be handed over at SIGHUP ('
            . "$!); let the user '"
            . ($prop->{user} // 'root')
            . "' read the files");
    return;
}

# The end to read from of a pipe that holds these bytes, and nobody writes to.
sub _pipe_with {
    my ($bytes) = @_;
    my $size = length $bytes;
    pipe my $out, my $in or return;
    fcntl $in, F_SETFL, fcntl($in, F_GETFL, 0) | O_NONBLOCK;
    my $setpipe_sz = eval { Fcntl::F_SETPIPE_SZ() } // ($^O eq 'linux' ? 1031 : undef);
    if ($size > PIPE_ANY && $size <= PIPE_MAX && $setpipe_sz) {
        fcntl $in, $setpipe_sz, $size;    # or the write below fails
    }
    my $written = syswrite $in, $bytes;
    return defined $written && $written == $size ? $out : undef;
}

# The certificate as it is now goes with the key as it was, if it was renewed
# with the same key; else both are taken as they were.
sub _identity {
    my ($log, $cert, $key, $password) = @_;
    my $before = $kept{$cert};
    $kept{$cert} = _read($cert) // $before;
    my $identity = eval { _kept($cert, $key, $password) };
    return $identity if $identity;
    $log->(_message($@) . ': using the certificate, too, as it was before');
    $kept{$cert} = $before;
    return _kept($cert, $key, $password);
}

sub _kept {
    my ($cert, $key, $password) = @_;
    my @key = defined $key ? ($kept{$key}, $key) : (undef, undef);
    return Vouch::Identity::_from_bytes($kept{$cert}, $cert, @key, Vouch::Identity::_password($password));
}

sub _message { return ref $_[0] && $_[0]->can('message') ? $_[0]->message : $_[0] }

# [server name, certificate, key or undef]; the name of the default is ''.
sub _pairs {
    my ($arg) = @_;
    my %cert  = _by_name($arg->{SSL_cert_file});
    my %key   = _by_name($arg->{SSL_key_file});
    return map { [$_, $cert{$_}, exists $key{$_} ? $key{$_} : $key{''}] } sort keys %cert;
}

sub _by_name {
    my ($value) = @_;
    return if !defined $value;
    return ref $value eq 'HASH' ? %$value : ('' => $value);
}

sub _read {
    my ($path) = @_;
    return if ref $path || !-f $path;    # to read a pipe would empty it
    open my $in, '<:raw', $path or return;
    my $count = read $in, my $bytes, FILE_MAX + 1;
    return $count && $count <= FILE_MAX ? $bytes : undef;
}

1;

__END__

=head1 NAME

Vouch::NetServer::Keys - keys that a server could read before it gave up root (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Keys;

    sub readable {
        my ($server, %arguments) = @_;
        Vouch::NetServer::Keys->keep($server, %arguments);
        return Vouch::NetServer::Keys->arguments(sub { $server->log(1, $_[0]) }, %arguments);
    }

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release.

A server that was started as root keeps the bytes of its certificates and keys
in memory. When it cannot read the files any more, this has them: for new
threads, which make a context of their own, and after SIGHUP, when the process
becomes another program. For that one they are left in a pipe, which nobody else
has, and whose descriptor is named in the environment variable
VOUCH_NETSERVER_KEYS. They are never written to a disk.

=head1 METHODS

=head2 keep

    Vouch::NetServer::Keys->keep($server, %arguments);

Reads the files and keeps them, if this is root or there will be threads; takes
what an earlier program of this process has left. Logs if the pipe could not hold
it.

=head2 arguments

    my %changed = Vouch::NetServer::Keys->arguments($log, %arguments);

The arguments with C<SSL_identity> in place of certificates and keys that cannot
be read. C<$log> is a function that is told of it.

=head2 frozen

    my %changed = Vouch::NetServer::Keys->frozen(%arguments);

The arguments with C<SSL_identity> in place of all certificates and keys that
are kept, whether they can be read or not: as they were when the server started.

=head2 hand_over

    Vouch::NetServer::Keys->hand_over or warn "no: $!";

Leaves what the next program will need. True if that worked, or nothing is
needed.

=head2 VARIABLE, FILE_MAX, PIPE_MAX, PIPE_ANY

    delete $ENV{ Vouch::NetServer::Keys::VARIABLE() };

Constants: the name of the environment variable; the most bytes of a file; how
many bytes of a pipe Linux allows to everybody, and every system.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
