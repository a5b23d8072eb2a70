package Vouch::Socket::Names 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed reftype);
use Socket       qw(AF_INET AF_INET6 inet_pton);

use Vouch::Certificate ();
use Vouch::Error       ();

# Whether a certificate is for a host, by the rules that a program chooses.

# Types of alternative names.
my ($DNS, $IP) = (2, 7);

# The core's rules (Vouch::Certificate's "is_for"), for what goes beside them.
my %CORE = (check_cn => 'when_only', wildcards_in_alt => 'full_label', wildcards_in_cn => 'full_label');

# What the names mean here: 1 the core's rules, else others.
my %SCHEME = (
    (
        map { $_ => 1 }
            qw(
            default http www smtp imap pop3 acap ftp xmpp gist nntp netconf syslog snmp
            rfc2595 rfc2818 rfc3920 rfc4217 rfc4642 rfc5425 rfc5538 rfc5539 rfc5953 rfc5971
            )
    ),
    (map { $_ => { %CORE, wildcards_in_cn => 0 } } qw(ldap rfc4513)),
    (map { $_ => { check_cn               => 'when_only' } } qw(sip rfc5922)),
    none => 0,
);

my %VALUES = (
    check_cn         => [qw(0 always when_only)],
    wildcards_in_alt => [qw(0 full_label leftmost anywhere)],
    wildcards_in_cn  => [qw(0 full_label leftmost anywhere)],
    ip_in_cn         => [qw(0 1 4 6)],
);

sub verify_hostname {
    my ($self, $host, @how) = @_;
    my $certificate = $self->certificate // return 0;
    return verify_hostname_of_cert($host, $certificate, @how);
}

# Called as a function or as a method.
sub verify_hostname_of_cert {
    my @arg   = @_;
    my $first = $arg[0];
    shift @arg if length($first // q()) && (blessed $first || !ref $first) && $first->isa('Vouch::Socket');
    my ($host, $certificate, $scheme, $suffixes) = @arg;
    my $rules = _rules('the scheme', $scheme, $suffixes);
    $certificate = Vouch::Socket::Peer::_certificate($certificate);
    return 1 if defined $rules && !ref $rules;    # none
    _check_host($host);
    $host =~ s/(?<=[^.])\.\z//;                                 # "example.org." is the name in full
    return 0 if !length $host || $host =~ /\A\.|\*/;
    return ref $rules ? _is_for($certificate, $host, $rules) : $certificate->is_for($host) ? 1 : 0;
}

# The rules that a scheme means: undef for the core's, 0 for none.
sub _rules {
    my ($name, $scheme, $suffixes) = @_;
    $scheme //= 'default';
    my $rules = ref $scheme eq 'HASH' ? _own_rules($name, $scheme) : $SCHEME{$scheme};
    if (!defined $rules) {
        my $told = ref $scheme ? 'a ' . lc(reftype $scheme) . ' will not do' : "'$scheme' is not known";
        _bad_argument("$name: $told; use 'default', 'none', the name of a protocol or RFC, or a hash");
    }
    _check_suffixes($suffixes);
    return if !ref $rules && $rules && !defined $suffixes;
    return 0 if !ref $rules && !$rules;
    return { %CORE, suffixes => $suffixes } if !ref $rules;
    return { %$rules, suffixes => $suffixes };
}

sub _own_rules {
    my ($name, $scheme) = @_;
    my %rules = map { $_ => $scheme->{$_} || 0 } keys %VALUES;
    for my $key (sort keys %$scheme) {
        next if $key eq 'callback';
        my $values = $VALUES{$key}
            or _bad_argument("$name: '$key' is not known; there are " . join ', ', 'callback',
            sort keys %VALUES);
        next if grep { $_ eq $rules{$key} } @$values;
        _bad_argument("$name: $key must be one of " . join(', ', @$values) . ", not '$rules{$key}'");
    }
    my $callback = $scheme->{callback} // return \%rules;
    return { callback => $callback } if (reftype $callback // '') eq 'CODE';
    _bad_argument("$name: callback must be a code reference, not '$callback'");
}

sub _check_suffixes {
    my ($suffixes) = @_;
    return if !defined $suffixes || (!ref $suffixes && $suffixes eq '');
    return if blessed $suffixes && $suffixes->can('public_suffix');
    _bad_argument(
        "SSL_verifycn_publicsuffix must be an object with the method public_suffix, or '', not '$suffixes'");
}

sub _check_host {
    my ($host) = @_;
    my $why =
         !defined $host           ? 'be a text, not undef'
        : ref $host               ? 'be a text, not a reference'
        : $host =~ /\0/           ? 'not contain a NUL'
        : $host =~ /[^\x01-\x7e]/ ? 'be in its ASCII form (xn--...)'
        :                           return;
    _bad_argument("the name of a host must $why");
}

# For a handshake: what tells these rules from others (undef: nothing can), and
# a function that checks a certificate.  Nothing if the core does it.
sub _checker {
    my ($host, $rules) = @_;
    return                                                if !ref $rules;
    _bad_argument('the host to verify has no name')       if !length $host;
    _bad_argument("the host to verify, '$host', is none") if $host =~ /\A\.|\*/;
    _check_host($host);
    my @values = map { "$_=" . ($rules->{$_} // '') } sort keys %VALUES;
    my $same   = $rules->{callback} || ref $rules->{suffixes} ? undef : join ' ', $host, @values,
        $rules->{suffixes} // '-';
    return ($same, sub { return _is_for($_[0], $host, $rules) });
}

sub _is_for {
    my ($certificate, $host, $rules) = @_;
    # What cannot be decoded is for nobody.
    my $names = do {
        local $@;
        eval { $certificate->_alternative_names }
        }
        // return 0;
    my $cn = $certificate->common_name;
    if (my $callback = $rules->{callback}) {
        return $callback->($host, $cn, map { @$_ } @$names) ? 1 : 0;
    }
    my $address = inet_pton(AF_INET, $host) // inet_pton(AF_INET6, $host);
    return defined $address
        ? _has_address($address, $cn, $names, $rules)
        : _has_name($host, $cn, $names, $rules);
}

sub _has_address {
    my ($address, $cn, $names, $rules) = @_;
    return 1 if grep { $_->[0] == $IP && $_->[1] eq $address } @$names;
    my $allowed = $rules->{ip_in_cn} or return 0;
    my $family  = length $address == 4 ? 4 : 6;
    return 0 if $allowed != 1 && $allowed != $family;
    return 0 if !_looks_at_cn($cn, $rules, grep { $_->[0] == $DNS || $_->[0] == $IP } @$names);
    my $there = inet_pton($family == 4 ? AF_INET : AF_INET6, $cn);
    return defined $there && $there eq $address ? 1 : 0;
}

sub _has_name {
    my ($host, $cn, $names, $rules) = @_;
    my @dns = map { $_->[1] } grep { $_->[0] == $DNS } @$names;
    return 1 if grep { _fits($host, $_, $rules->{wildcards_in_alt}, $rules) } @dns;
    return 0 if !_looks_at_cn($cn, $rules, @dns);
    return _fits($host, $cn, $rules->{wildcards_in_cn}, $rules) ? 1 : 0;
}

sub _looks_at_cn {
    my ($cn, $rules, @alternatives) = @_;
    my $when = $rules->{check_cn} or return 0;
    return defined $cn && $cn !~ /\0/ && ($when eq 'always' || !@alternatives);
}

# Names are compared in ASCII, whatever the case.
sub _fits {
    my ($host, $pattern, $wildcards, $rules) = @_;
    tr/A-Z/a-z/ for $host, $pattern;
    return $host eq $pattern if $pattern !~ /\*/;
    return 0                 if !$wildcards;
    my ($before, $after, $rest) = $pattern =~ /\A([^*.]*)\*([^*.]*)\.([^*]+)\z/ or return 0;
    return 0 if $wildcards ne 'anywhere' && length "$before$after";
    return 0 if "$before*$after" =~ /\Axn--/;
    my ($label, $domain) = $host =~ /\A([^.]+)\.(.+)\z/ or return 0;
    return 0 if $domain ne $rest || $label !~ /\A\Q$before\E.+\Q$after\E\z/s;
    return _is_owned($host, $rest, $rules->{suffixes});
}

# Nobody owns all names under "com".
sub _is_owned {
    my ($host, $domain, $suffixes) = @_;
    return $domain =~ /[^.]\.[^.]/ ? 1 : 0 if !defined $suffixes;
    return 1                               if !ref $suffixes;
    my $suffix = $suffixes->public_suffix($host) // return 0;
    return length $domain > length $suffix ? 1 : 0;
}

sub _bad_argument {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Socket::Names - whether a certificate is for a host

=head1 SYNOPSIS

    use v5.16;
    use Vouch::Socket;

    my $socket = Vouch::Socket->new(
        PeerAddr            => 'www.example.org',
        PeerPort            => 443,
        SSL_verifycn_scheme => { check_cn => 'when_only', wildcards_in_alt => 'anywhere' },
    ) or die $SSL_ERROR;
    say 'this one, too' if $socket->verify_hostname('example.org');

=head1 DESCRIPTION

A client of L<Vouch::Socket> checks that the server's certificate is for the host it
wanted. That happens in the handshake, see L<Vouch::Socket/Names of hosts>;
C<SSL_verifycn_scheme> says by which rules, and the methods here ask at any time.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::Socket;

    my $identity = Vouch::Identity->create(cn => 'x', san => ['*.example.org'], file => 'wild');
    my $wild     = $identity->certificate;

    for my $host (qw(www.example.org www.www.example.org example.org)) {
        say Vouch::Socket->verify_hostname_of_cert($host, $wild, 'http');
    }
    # prints: 1
    # prints: 0
    # prints: 0

    say Vouch::Socket->verify_hostname_of_cert('www.example.org', $wild, 'sip');    # prints: 0

=for example end

=head2 Schemes

The names of protocols and RFCs that IO::Socket::SSL knows: C<default>, C<http>,
C<www>, C<smtp>, C<imap>, C<pop3>, C<acap>, C<ldap>, C<ftp>, C<xmpp>, C<sip>, C<gist>,
C<nntp>, C<netconf>, C<syslog>, C<snmp>, C<rfc2595>, C<rfc2818>, C<rfc3920>,
C<rfc4217>, C<rfc4513>, C<rfc4642>, C<rfc5425>, C<rfc5538>, C<rfc5539>, C<rfc5922>,
C<rfc5953> and C<rfc5971>. All of them mean the same rules (those of RFC 9525 and its
predecessor, which OpenSSL implements), but for two: C<sip> (C<rfc5922>) allows no
wildcard, and C<ldap> (C<rfc4513>) none in the common name. C<none> looks at no name.

With IO::Socket::SSL some of them allow more. Here they do not, for safety:

=over 4

=item *

The common name counts only where there is no alternative DNS name, with all of them.

=item *

C<*> is a whole label. C<www*.example.org> is for nobody.

=item *

An address in the common name is for nobody.

=item *

A name in the certificate that begins or ends with a dot is for nobody. (At the end of
the host's own name a dot is allowed.)

=back

Who needs one of the first three says so with a hash.

=head2 Rules of the program

The scheme may be a hash reference, with any of:

=over 4

=item check_cn

C<always> to look at the common name, too; C<when_only> to do so if there are no
alternative names of the kind (DNS, or for an address DNS and IP). Default: 0, never.

=item wildcards_in_alt

C<full_label> (or C<leftmost>) to allow C<*.example.org> among the alternative names;
C<anywhere> to allow C<www*.example.org> too, where C<*> is one character at least.
Only the first label may have a C<*>, one, and nothing that starts with C<xn-->.
Default: 0, none.

=item wildcards_in_cn

The same for the common name.

=item ip_in_cn

1 to accept an address as common name, 4 or 6 for one family only. Default: 0.

=item callback

A function that decides alone: it is called with the host, the common name, and type
and value of each alternative name (2 DNS, 7 IP address, packed; 1 mail, 6 URI), and
returns true or false. In a handshake it can die; that refuses the server and is thrown
by C<new>. A connection that was accepted by a function is not resumed.

=back

=head2 Public suffixes

C<*.org> is for nobody, as nobody owns all names there. Vouch has no list of all the
names like that: C<*.co.uk> does match C<foo.co.uk>. (Authorities do not issue such
certificates.) C<SSL_verifycn_publicsuffix> may be an object with the method
C<public_suffix>, which returns the public suffix of a host (IO::Socket::SSL::PublicSuffix
has it), or an empty string to allow even C<*.org>, which may make sense for names inside
a company.

=head1 METHODS

Also functions: C<IO::Socket::SSL::verify_hostname_of_cert(...)>, under
L<Vouch::Instead>.

=head2 verify_hostname

    $socket->verify_hostname('www.example.org', 'http') or die "another host\n";

1 if the peer's certificate is for this host, or address, by that scheme (default:
C<default>); else 0. A third argument is for L</Public suffixes>.

=head2 verify_hostname_of_cert

    Vouch::Socket->verify_hostname_of_cert('www.example.org', $certificate, $scheme);

The same for a L<Vouch::Certificate>, or the address of an X509 of Net::SSLeay.

=head1 ERRORS

An unknown scheme, a wrong rule, and a host that is no text or not in its ASCII form die
with a L<Vouch::Error>.

=head1 SEE ALSO

L<Vouch::Socket>, L<Vouch::Certificate/is_for>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
