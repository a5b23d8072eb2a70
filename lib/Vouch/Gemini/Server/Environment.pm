package Vouch::Gemini::Server::Environment 0.001;

use v5.16;
use warnings;

use Vouch        ();
use Vouch::Error ();

# The variables that programs are given: what all sets share, and those of the
# servers that programs were written for.

my %SET = map { $_ => __PACKAGE__->can("_$_") } qw(vouch molly gmid gmnisrv jetforce glv apache);

# A check of the names, when a route is made.
sub check {
    my (@sets) = @_;
    for my $name (@sets) {
        next if $SET{ $name // '' };
        Vouch::Error->throw(
            code    => 'argument',
            message => "variables: '" . ($name // 'undef') . q(' is not one of ) . join ', ',
            sort keys %SET,
        );
    }
    return;
}

# A hash for the request to the program at $script, which serves what is below
# the path $mount.
sub variables {
    my ($request, $script, $mount, @sets) = @_;
    my %env = _common($request, $script, $mount);
    %env = (%env, $SET{$_}->($request, \%env)) for @sets;
    for my $name (keys %env) {
        if (defined $env{$name}) { $env{$name} = _clean($env{$name}) }
        else                     { delete $env{$name} }
    }
    return \%env;
}

# Names in a certificate are somebody's text: an environment ends at a NUL, and
# programs take lines apart.
sub _clean {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    return $text =~ s/[\x00-\x1F\x7F]/?/gr;
}

sub _common {
    my ($request, $script, $mount) = @_;
    my ($query) = $request->text =~ /\?(.*)\z/s;
    my $path    = $request->path;
    my $rest    = substr $path, length $mount;
    my @titan =
        !$request->is_titan
        ? ()
        : (
        REQUEST_METHOD => 'TITAN',
        CONTENT_LENGTH => $request->size,
        CONTENT_TYPE   => $request->mime,
        TITAN_TOKEN    => $request->token,
        );
    return (
        GATEWAY_INTERFACE => 'CGI/1.1',
        SERVER_PROTOCOL   => 'GEMINI',
        SERVER_SOFTWARE   => "Vouch/$Vouch::VERSION",
        SERVER_NAME       => $request->host,
        SERVER_PORT       => $request->port,
        REQUEST_METHOD    => '',
        SCRIPT_NAME       => $mount,
        PATH_INFO         => $rest,
        QUERY_STRING      => $query // '',
        REMOTE_ADDR       => $request->address,
        REMOTE_HOST       => $request->address,
        GEMINI_URL        => $request->text =~ s/\Atitan:([^;?]*)[^?]*/titan:$1/r,
        @titan,
    );
}

# Both digests, of the certificate and of its key, which outlives renewal.
sub _vouch {
    my ($request) = @_;
    my $cert = $request->certificate;
    return (
        _tls($request),
        !$cert
        ? ()
        : (
            AUTH_TYPE                => 'Certificate',
            REMOTE_USER              => $cert->common_name,
            TLS_CLIENT_HASH          => $cert->fingerprint(spelling => 'lower'),
            TLS_CLIENT_HASH_B64      => $cert->fingerprint(spelling => 'base64url'),
            TLS_CLIENT_SPKI_HASH     => $cert->fingerprint(spelling => 'lower', of => 'spki'),
            TLS_CLIENT_SERIAL_NUMBER => $cert->serial,
            TLS_CLIENT_SUBJECT       => $cert->subject,
            TLS_CLIENT_ISSUER        => $cert->issuer,
            _dates($cert),
        )
    );
}

sub _tls {
    my ($request) = @_;
    my $version = $request->tls_version;
    return (TLS_VERSION => $version && $version =~ s/_/./r, TLS_CIPHER => $request->cipher);
}

sub _dates {
    my ($cert) = @_;
    return (
        TLS_CLIENT_NOT_BEFORE => $cert->not_before_iso,
        TLS_CLIENT_NOT_AFTER  => $cert->not_after_iso,
    );
}

sub _molly {
    my ($request, $env) = @_;
    my $cert   = $request->certificate;
    my @always = (SCRIPT_PATH => $env->{SCRIPT_NAME});
    return @always if !$cert;
    return (
        @always,
        AUTH_TYPE             => 'Certificate',
        TLS_CLIENT_HASH       => $cert->fingerprint(spelling => 'hex'),
        TLS_CLIENT_ISSUER     => _comma_name($cert->issuer_fields),
        TLS_CLIENT_ISSUER_CN  => { $cert->issuer_fields }->{CN} // '',
        TLS_CLIENT_SUBJECT    => _comma_name($cert->subject_fields),
        TLS_CLIENT_SUBJECT_CN => $cert->common_name // '',
    );
}

# "CN=alex,O=Example": the last part first, as RFC 2253 has it.
sub _comma_name {
    my (@fields) = @_;
    my @parts;
    while (my ($name, $value) = splice @fields, 0, 2) { unshift @parts, "$name=$value" }
    return join ',', @parts;
}

sub _gmid {
    my ($request, $env) = @_;
    my $cert   = $request->certificate;
    my $search = $request->query;
    my @always = (
        GEMINI_URL_PATH      => $request->path,
        GEMINI_SEARCH_STRING => $search,
        REQUEST_METHOD       => 'GET',
        PATH_TRANSLATED      => $env->{PATH_INFO},
        _tls($request),
    );
    return (@always, AUTH_TYPE => '') if !$cert;
    return (
        @always,
        AUTH_TYPE           => 'CERTIFICATE',
        REMOTE_USER         => $cert->subject,
        TLS_CLIENT_ISSUER   => $cert->issuer,
        TLS_CLIENT_HASH     => $cert->fingerprint(spelling => 'lower'),
        TLS_CIPHER_STRENGTH => _strength($request->cipher),
        _dates($cert),
    );
}

sub _strength {
    my ($cipher) = @_;
    return ($cipher // '') =~ /CHACHA20|AES_?256/ ? 256 : 128;
}

sub _gmnisrv {
    my ($request) = @_;
    my $cert      = $request->certificate;
    my @always    = (QUERY_STRING => $request->query // '', _tls($request));
    return @always if !$cert;
    return (
        @always,
        AUTH_TYPE                => 'CERTIFICATE',
        REMOTE_USER              => $cert->common_name // '',
        TLS_CLIENT_HASH          => $cert->fingerprint(spelling => 'upper'),
        TLS_CLIENT_SERIAL_NUMBER => $cert->serial,
    );
}

# TLS_CLIENT_AUTHORISED tells of authorities, and here a rule has those.
sub _jetforce {
    my ($request) = @_;
    my $cert      = $request->certificate;
    my @always    = (HOSTNAME => $request->host, _tls($request));
    return @always if !$cert;
    return (
        @always,
        AUTH_TYPE                => 'CERTIFICATE',
        REMOTE_USER              => $cert->common_name // '',
        TLS_CLIENT_HASH          => $cert->fingerprint(spelling => 'upper'),
        TLS_CLIENT_HASH_B64      => $cert->fingerprint(spelling => 'base64url'),
        TLS_CLIENT_SERIAL_NUMBER => $cert->serial,
        TLS_CLIENT_AUTHORISED    => $request->{authorised} ? 1 : 0,
        _dates($cert),
    );
}

sub _glv {
    my ($request) = @_;
    my $cert      = $request->certificate;
    my @always    = _tls($request);
    return @always if !$cert;
    return (
        @always,
        AUTH_TYPE          => 'Certificate',
        REMOTE_USER        => $cert->common_name // '',
        TLS_CLIENT_HASH    => $cert->fingerprint(spelling => 'lower'),
        TLS_CLIENT_ISSUER  => $cert->issuer,
        TLS_CLIENT_SUBJECT => $cert->subject,
        TLS_CLIENT_REMAIN  => _days_left($request, $cert),
        _fields(TLS_CLIENT_ISSUER_  => $cert->issuer_fields),
        _fields(TLS_CLIENT_SUBJECT_ => $cert->subject_fields),
        _dates($cert),
    );
}

sub _days_left {
    my ($request, $cert) = @_;
    return int((($cert->not_after // 0) - $request->now) / 86_400);
}

# TLS_CLIENT_SUBJECT_CN and so on; other names than letters and digits are left
# out, and of several values the first counts.
sub _fields {
    my ($prefix, @fields) = @_;
    my %found;
    while (my ($name, $value) = splice @fields, 0, 2) {
        $found{"$prefix$name"} //= $value if $name =~ /\A\w+\z/;
    }
    return %found;
}

sub _apache {
    my ($request) = @_;
    my $cert      = $request->certificate;
    my %tls       = _tls($request);
    my @always    = (
        SSL_CIPHER   => $tls{TLS_CIPHER},
        SSL_PROTOCOL => $tls{TLS_VERSION},
        SSL_TLS_SNI  => $request->server_name,
    );
    return @always if !$cert;
    return (
        @always,
        AUTH_TYPE           => 'Certificate',
        REMOTE_USER         => $cert->common_name // '',
        SSL_CLIENT_I_DN     => $cert->issuer,
        SSL_CLIENT_S_DN     => $cert->subject,
        SSL_CLIENT_V_START  => $cert->not_before_iso,
        SSL_CLIENT_V_END    => $cert->not_after_iso,
        SSL_CLIENT_V_REMAIN => _days_left($request, $cert),
    );
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Environment - variables for CGI and SCGI (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Environment;

    sub environment {
        my ($request, $script) = @_;
        return Vouch::Gemini::Server::Environment::variables($request, $script, '/cgi-bin/hello', 'vouch');
    }

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release. The sets
are described in L<Vouch::Gemini::Server/Programs>.

=head1 FUNCTIONS

=head2 check

    Vouch::Gemini::Server::Environment::check('gmid', 'jetforce');

Dies with a L<Vouch::Error> if there is no such set.

=head2 variables

    my $env = Vouch::Gemini::Server::Environment::variables($request, $script, $mount, @sets);

A hash reference. Of several sets the later ones count. Control characters are
replaced by question marks.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
