package Vouch::NetServer::Arguments 0.001;

use v5.16;
use warnings;

use mro          ();
use Scalar::Util qw(blessed);

use Vouch::Context ();
use Vouch::Error   ();
use Vouch::Socket  ();

# The SSL_* arguments of a Net::Server program, wherever they were given.
#
# Net::Server's own way to read them, configure(), wants to know the names
# beforehand, drops all others without a word, and takes "%" and a digit in a
# value for a character; so this looks into the same places by itself.

# More than one value makes sense here; SSL_cert is a certificate and its chain.
my %LIST = map { $_ => 1 }
    qw(SSL_alpn_protocols SSL_ca SSL_ca_file SSL_ca_path SSL_cert SSL_client_ca SSL_fingerprint);

# What Net::Server's class for IO::Socket::SSL calls them.
my %OLD_NAME = (
    SSL_error_callback     => 'SSL_error_trap',
    SSL_max_getline_length => 'SSL_max_line',
);

# For a Net::Server only.
my @OWN = qw(SSL_handshake_timeout);

my %VERIFY = (
    none                 => Vouch::Socket::SSL_VERIFY_NONE(),
    peer                 => Vouch::Socket::SSL_VERIFY_PEER(),
    fail_if_no_peer_cert => Vouch::Socket::SSL_VERIFY_FAIL_IF_NO_PEER_CERT(),
    client_once          => Vouch::Socket::SSL_VERIFY_CLIENT_ONCE(),
    any                  => Vouch::Socket::VOUCH_VERIFY_ANY(),
);

# Those of one port, as Vouch::Socket takes them: its own hash first, then
# what the program was given, then the methods of its class.
sub for_port {
    my ($class, $server, $info, $proto) = @_;
    my %arg = %{ _given($server) };
    _add(\%arg, 'the port', %{ _port_hash($server, $info) });
    for my $name (grep { !defined $arg{$_} && $server->can($_) } $class->names) {
        $arg{$name} = $server->$name(@$info{qw(host port)}, $proto);
    }
    _check_methods($server);
    $arg{ $OLD_NAME{$_} } //= delete $arg{$_} for grep { exists $arg{$_} } keys %OLD_NAME;
    delete $arg{$_} for grep { !defined $arg{$_} } keys %arg;
    $arg{SSL_verify_mode} = _verify_mode($arg{SSL_verify_mode}) if defined $arg{SSL_verify_mode};
    _check(\%arg);
    return %arg;
}

sub names { return (Vouch::Socket::Arguments::_argument_names(), @OWN, keys %OLD_NAME) }

# What the whole program was given; read once, for what is read is taken away,
# as configure() does.
sub _given {
    my ($server) = @_;
    my $prop = $server->{server};
    return $prop->{vouch_args} if $prop->{vouch_args};
    my %arg;
    _add(\%arg, 'the server object',    map { $_ => $prop->{$_} } grep { /\ASSL_/ } keys %$prop);
    _add(\%arg, 'the command line',     _take(\@ARGV,                   0));
    _add(\%arg, 'run()',                _take($prop->{_run_args} // [], 1));
    _add(\%arg, _conf_file($server),    _from_file($server));
    _add(\%arg, 'default_values()',     _defaults($server));
    _add(\%arg, 'configure()',          _configured($server));
    _add(\%arg, 'another class of TLS', %{ $prop->{ssl_args} // {} });
    # That class would look for them, and find nothing, for they are taken.
    $prop->{ssl_args} //= {%arg};
    return $prop->{vouch_args} = \%arg;
}

# Add what is not there yet: a value, or a list of those that came together.
sub _add {
    my ($arg, $where, @pairs) = @_;
    my (%new, %is_list);
    while (my ($name, $value) = splice @pairs, 0, 2) {
        _check_spelling($name, $where);
        next if $name !~ /\ASSL_/       || !defined $value;
        $is_list{$name} ||= $new{$name} || ref $value eq 'ARRAY';
        push @{ $new{$name} }, ref $value eq 'ARRAY' ? @$value : $value;
        next if $LIST{$name} || ref $value ne 'ARRAY' || @$value == 1;
        _wrong("$name takes one value, and $where gives it " . scalar @$value);
    }
    for my $name (grep { $where eq 'the port' || !defined $arg->{$_} } keys %new) {
        $arg->{$name} = $LIST{$name} && $is_list{$name} ? $new{$name} : $new{$name}[-1];
    }
    return;
}

# "--SSL_x=1", "--SSL_x 1", "--SSL_x" (which is 1), and the same without the
# dashes; in pairs, each key has a value, whatever that looks like.
sub _take {
    my ($list, $in_pairs) = @_;
    my @found;
    for (my $i = 0; $i < @$list; $i++) {    ## no critic (ProhibitCStyleForLoops)
        my $word = $list->[$i];
        my ($name, $value) = !ref $word && defined $word ? $word =~ /\A(?:--)?(\w+)(?:[= ](.*))?\z/s : ();
        if (!defined $name || $name !~ /\Assl/i) {
            $i++ if $in_pairs && defined $name && !defined $value;
            next;
        }
        _check_spelling($name, 'the arguments');
        next if $name !~ /\ASSL_/;
        splice @$list, $i, 1;
        $value //= _has_value($list, $i, $in_pairs) ? splice @$list, $i, 1 : 1;
        push @found, $name, $value;
        $i--;
    }
    return @found;
}

sub _has_value {
    my ($list, $at, $in_pairs) = @_;
    return 0 if $at > $#$list;
    return $in_pairs || !defined $list->[$at] || ref $list->[$at] || $list->[$at] !~ /\A--\w/;
}

sub _conf_file {
    my ($server) = @_;
    my %default = _hash($server->can('default_values') ? $server->default_values : undef);
    return $server->{server}{conf_file} // $default{conf_file} // 'the configuration file';
}

# A file that cannot be read has been reported by Net::Server.
sub _from_file {
    my ($server) = @_;
    my @pairs;
    open my $in, '<', _conf_file($server) or return;
    while (my $line = <$in>) {
        $line =~ s/(?<!\\)#.*//s;
        $line =~ s/\\#/#/g;
        push @pairs, $1, $2 if $line =~ /\A\s*(?:--)?(\w+)(?:\s*[=:]\s*|\s+)(\S.*?)\s*\z/s;
    }
    return @pairs;
}

sub _defaults {
    my ($server) = @_;
    return if !$server->can('default_values');
    return _hash($server->default_values);
}

sub _hash { return ref $_[0] eq 'HASH' ? %{ $_[0] } : () }

# For a program that answers in a configure() of its own, and a Net::Server
# that keeps what run() was given in another place.
sub _configured {
    my ($server) = @_;
    my %found = map { $_ => [] } __PACKAGE__->names;
    $server->configure({%found});
    return map { @{ $found{$_} } ? ($_ => $found{$_}) : () } keys %found;
}

# The hash a port was given as.  Net::Server hands on only its address, once
# that has been resolved, so the hash is to be found again.
sub _port_hash {
    my ($server, $info) = @_;
    return $info if grep { /\ASSL_/ } keys %$info;
    my $ports  = $server->{server}{port} // $server->{server}{ports};
    my @hashes = grep { ref eq 'HASH' && _same_port($_, $info) } ref $ports eq 'ARRAY' ? @$ports : $ports;
    @hashes = grep { _same_host($_, $info) } @hashes if @hashes > 1;
    return $hashes[0] // {};
}

sub _same_port {
    my ($hash, $info) = @_;
    my $port = $hash->{port} // 0;
    $port = (getservbyname $port, 'tcp')[2] // $port if $port =~ /\D/;
    return grep { defined && $_ eq $port } @$info{qw(port orig_port)};
}

sub _same_host {
    my ($hash, $info) = @_;
    my $host = $hash->{host} // '*';
    return 1                             if $host eq $info->{host};
    return $info->{host} =~ /\A[0:.]+\z/ if $host eq '*';
    my ($error, @found) = Socket::getaddrinfo($host, '', { socktype => Socket::SOCK_STREAM() });
    my $numeric = Socket::NI_NUMERICHOST();
    return
        grep { (Socket::getnameinfo($_->{addr}, $numeric, Socket::NIx_NOSERV()))[1] eq $info->{host} } @found;
}

# "1", "0x01", "SSL_VERIFY_PEER|SSL_VERIFY_FAIL_IF_NO_PEER_CERT", "any".
sub _verify_mode {
    my ($text) = @_;
    return $text if ref $text || $text =~ /\A[0-9]+\z/;
    my $mode = 0;
    for my $word (split /[|+,\s]+/, $text) {
        my $name = lc $word =~ s/\A(?:SSL|VOUCH)_VERIFY_//ir;
        $mode |=
              defined $VERIFY{$name}          ? $VERIFY{$name}
            : $word =~ /\A0x[0-9a-f]{1,4}\z/i ? hex $word
            : $word =~ /\A[0-9]{1,4}\z/       ? $word
            : _wrong("SSL_verify_mode: '$word' is neither a number nor one of " . join ', ',
            sort keys %VERIFY);
    }
    return $mode;
}

sub _check {
    my ($arg) = @_;
    _wrong('SSL_server: a port of a server can be nothing else')
        if defined $arg->{SSL_server} && !$arg->{SSL_server};
    _wrong('SSL_startHandshake: Net::Server says when a handshake begins')
        if exists $arg->{SSL_startHandshake};
    $arg->{SSL_server} = 1;
    my $timeout = $arg->{SSL_handshake_timeout} // return;
    _wrong("SSL_handshake_timeout must be a number of seconds, not '$timeout'")
        if ref $timeout || $timeout !~ /\A[0-9]{1,9}(?:[.][0-9]+)?\z/;
    return;
}

# What begins with SSL_ is told, if it is unknown, when the context is made;
# this is about "ssl_cert_file" and "SSLcertfile".
sub _check_spelling {
    my ($name, $where) = @_;
    return if $name =~ /\ASSL_/ || $name !~ /\Assl/i;
    my ($meant) = grep { _plain($_) eq _plain($name) } __PACKAGE__->names;
    _wrong("$where: the argument $name is unknown (did you mean $meant?)") if defined $meant;
    return;
}

sub _plain { return lc $_[0] =~ s/_//gr }

# Methods of the class that are meant as arguments; constants are not.
sub _check_methods {
    my ($server) = @_;
    my %known = map { $_ => 1 } __PACKAGE__->names;
    for my $class (grep { !/\A(?:Net::Server|IO|Vouch)\b/ } @{ mro::get_linear_isa(ref $server) }) {
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        my @names =
            grep { /\ASSL_.*[a-z]/ && !$known{$_} && defined &{"${class}::$_"} } sort keys %{"${class}::"};
        _wrong("the method of the class $class: " . Vouch::Context::_unknown_text(@names)) if @names;
    }
    return;
}

sub _wrong {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::NetServer::Arguments - the SSL_* arguments of a Net::Server program (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::NetServer::Arguments;

    sub arguments_of {
        my ($server, $info) = @_;
        return Vouch::NetServer::Arguments->for_port($server, $info, 'VOUCH_SSL');
    }

=head1 DESCRIPTION

For use by L<Net::Server::Proto::VOUCH> only; it may change in any release. What
it does for users is told there, under L<Net::Server::Proto::VOUCH/ARGUMENTS>.

=head1 METHODS

=head2 for_port

    my %arguments = Vouch::NetServer::Arguments->for_port($server, $info, $proto);

The arguments of one port, which Net::Server describes by the hash C<$info>.
C<$proto> is what methods of the server's class are told. Dies with a
L<Vouch::Error>.

=head2 names

    my @names = Vouch::NetServer::Arguments->names;

All names it knows.

=head1 SEE ALSO

L<Net::Server::Proto::VOUCH>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
