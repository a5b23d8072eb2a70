package Vouch::Identity 0.001;

use v5.16;
use warnings;

use Vouch              ();
use Vouch::Certificate ();
use Vouch::Error       ();

use constant DAY          => 86_400;
use constant DEFAULT_DAYS => 1825;               # five years, as in the article
use constant END_OF_TIME  => 253_402_300_799;    # 9999-12-31T23:59:59Z
use constant CLOCK_SKEW   => 300;                # peers' clocks may be behind
use constant PASSWORD_MAX => 1024;               # bytes; OpenSSL takes no more

sub CLONE_SKIP { return 1 }

sub create {
    my ($class, %arg) = @_;
    my $cn      = delete $arg{cn}  // _missing('cn');
    my $key     = delete $arg{key} // 'ec:prime256v1';
    my $san     = delete $arg{san} // [];
    my $file    = delete $arg{file};
    my $replace = delete $arg{replace};
    my @dates   = _dates(\%arg);
    _refuse('create', %arg);
    my $self = _create(_utf8($cn), $key, @dates, map { _utf8($_) } ref $san eq 'ARRAY' ? @$san : $san);
    $self->save(_pair($file), replace => $replace) if defined $file;
    return $self;
}

sub load {
    my ($class, %arg) = @_;
    my $file = delete $arg{file};
    my ($cert, $key) = defined $file ? @{ { _pair($file) } }{qw(cert_file key_file)} : ();
    $cert = delete $arg{cert_file} // $cert // _missing('cert_file');
    $key  = delete $arg{key_file}  // $key;
    my $password = delete $arg{password};
    _refuse('load', %arg);
    return _load($cert, $key, _password($password));
}

sub renew {
    my ($self, %arg) = @_;
    my $file    = delete $arg{file};
    my $replace = delete $arg{replace};
    my @dates   = _dates(\%arg);
    _refuse('renew', %arg);
    my $renewed = $self->_renew(@dates);
    $renewed->save(_pair($file), replace => $replace) if defined $file;
    return $renewed;
}

sub save {
    my ($self, %arg) = @_;
    my $cert    = delete $arg{cert_file} // _missing('cert_file');
    my $key     = delete $arg{key_file}  // _missing('key_file');
    my $replace = delete $arg{replace};
    _refuse('save', %arg);
    $self->_save($cert, $key, $replace ? 1 : 0);
    return $self;
}

# "client" stands for client-cert.pem and client-key.pem.
sub _pair {
    my ($stem) = @_;
    _wrong("the start of the file names must be a text, not a reference to " . ref $stem) if ref $stem;
    return (cert_file => "$stem-cert.pem", key_file => "$stem-key.pem");
}

# What asks for a password when one is needed: undef, or a function.
sub _password {
    my ($password) = @_;
    return $password if !defined $password;
    if (ref $password && ref $password ne 'CODE') {
        _wrong("the password must be a text or a code reference, not a reference to " . ref $password);
    }
    return sub {
        my $answer = ref $password ? $password->(@_) : $password;
        _wrong('the password callback returned a reference; it must return a text') if ref $answer;
        $answer = _utf8($answer)                                                    if defined $answer;
        _wrong("a password has at most ${\PASSWORD_MAX} bytes")
            if defined $answer && length $answer > PASSWORD_MAX;
        return $answer;
    };
}

sub _wrong {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

sub _dates {
    my ($arg)  = @_;
    my $days   = delete $arg->{days} // DEFAULT_DAYS;
    my $before = delete $arg->{not_before};
    my $after  = delete $arg->{not_after};
    _wrong("days => '$days' is not a whole number of days") if $days !~ /\A-?[0-9]{1,7}\z/;
    for my $date ([not_before => $before], [not_after => $after]) {
        my ($name, $epoch) = @$date;
        _wrong("$name => '$epoch' is not a number of seconds since 1970")
            if defined $epoch && $epoch !~ /\A-?[0-9]{1,15}\z/;
    }
    my $now = time;
    $before //= $now - CLOCK_SKEW;
    $after  //= $days < (END_OF_TIME - $now) / DAY ? $now + $days * DAY : END_OF_TIME;
    return ($before, $after);
}

sub _utf8 {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    return $text;
}

sub _missing {
    my ($name) = @_;
    _wrong("$name is missing");
}

sub _refuse {
    my ($method, %rest) = @_;
    return if !%rest;
    _wrong("$method does not know " . join ', ', sort keys %rest);
}

1;

__END__

=head1 NAME

Vouch::Identity - a private key and its certificate: make, load, renew, save

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Identity;

    # Writes alex-cert.pem and alex-key.pem.
    my $identity = Vouch::Identity->create(cn => 'Alex', file => 'alex');
    say $identity->certificate->fingerprint;

    # Next year: other dates, the same key.
    Vouch::Identity->load(file => 'alex')->renew(file => 'alex', replace => 1);

=head1 DESCRIPTION

An identity is what one side of a TLS connection proves to be: a private key,
the certificate that belongs to it, and the certificates sent along with it. It
never changes. Give it to L<Vouch::Socket> or L<Vouch::Context> as
C<SSL_identity>, or save it and give the names of the files.

C<create> and C<renew> make self-signed certificates: X.509 version 3, with a
random serial number, signed with SHA-256 (or what the kind of key demands), for
servers and clients, not for an authority. The command L<vouch> does the same
from the shell.

Wherever a method takes C<file>, the word C<alex> stands for two files,
F<alex-cert.pem> and F<alex-key.pem>.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;

    my $first = Vouch::Identity->create(cn => 'Alex', days => 365, key => 'ed25519');
    $first->save(cert_file => 'alex-cert.pem', key_file => 'alex-key.pem');

    my $loaded = Vouch::Identity->load(file => 'alex');
    my $second = $loaded->renew(days => 730, file => 'alex', replace => 1);

    my ($old, $new) = map { $_->certificate } $first, $second;
    say $old->fingerprint eq $new->fingerprint ? 'the same' : 'another', ' certificate';
    say $old->fingerprint(of => 'spki') eq $new->fingerprint(of => 'spki') ? 'the same' : 'another', ' key';
    say +(split /\n/, $second->cert_pem)[0];
    say +(split /\n/, $second->key_pem)[0];
    printf "%04o\n", 07777 & (stat 'alex-key.pem')[2];

    eval { $first->save(cert_file => 'alex-cert.pem', key_file => 'alex-key.pem') };
    print $@;

    # prints: another certificate
    # prints: the same key
    # prints: -----BEGIN CERTIFICATE-----
    # prints: -----BEGIN PRIVATE KEY-----
    # prints: 0600
    # prints: alex-key.pem: exists already and was not replaced at ... line ...

=for example end

=head1 CALLBACKS

=head2 password

    Vouch::Identity->load(file => 'alex', password => sub { ask_for_it() });

Given to L</load>. Called with 0 when the key, or the PKCS#12 file, is encrypted.
Returns the password, at most 1024 bytes (characters count as UTF-8), or undef to
give up. If it dies, C<load> dies with the same. The password itself may be given
in its place.

=head1 METHODS

=head2 create

    my $identity = Vouch::Identity->create(
        cn   => 'gemini.example',
        san  => ['gemini.example', '192.0.2.1'],
        key  => 'ec:prime256v1',
        days => 1825,
        file => 'server',
    );

Makes a key and a certificate for it. Arguments, by name:

=over 4

=item cn

The common name, 1 to 64 characters: a person's for a client, the host's for a
server. Required. Characters, or bytes in UTF-8.

=item san

Subject alternative names: one, or an array reference. Each is a host name
(C<*.home.example>, too), an address, or one of C<DNS:>, C<IP:>, C<EMAIL:> and
C<URI:> with a value. Default: none. A server that is reached by its address
needs it here.

=item key

The kind of key: C<ec:prime256v1> (the default), C<ec:secp384r1>,
C<ec:secp521r1>, C<rsa:2048> to C<rsa:8192> in steps of 8, C<ed25519>, C<ed448>.
Not every client can do the last two.

=item days

How many days it is valid from now on. Default 1825, five years.

=item not_before, not_after

The dates themselves, in seconds since 1970. Defaults: five minutes ago, for
peers whose clock is slow, and C<days> from now, at most the end of the year
9999.

=item file

Where to save it. Default: nowhere.

=item replace

True to replace files that exist. Default: false.

=back

Returns the identity. Dies with a L<Vouch::Error>: C<argument>, which names the
argument and says what it may be; C<exists> and C<file>, from saving; C<limit> if
the names make the certificate larger than peers accept (100 KiB).

=head2 load

    my $identity = Vouch::Identity->load(file => 'alex');
    my $identity = Vouch::Identity->load(cert_file => 'alex.p12', password => 'secret');

Reads a certificate, its chain and its key, from PEM, DER or PKCS#12 files, told
apart by what is in them, of at most 1 MiB. Arguments, by name: C<file>, or
C<cert_file> and C<key_file>; without a C<key_file> the key is in C<cert_file>.
C<password>: see L</CALLBACKS>. Dies with a L<Vouch::Error>: C<file>, C<format>,
C<limit>, C<password>, C<argument>, and C<mismatch> if the key belongs to another
certificate.

=head2 renew

    my $renewed = $identity->renew(days => 365, file => 'alex', replace => 1);

A new identity with the same key, subject and names, and a new serial number and
dates. Pins of the key go on matching it; pins of the certificate do not.
Arguments: C<days>, C<not_before>, C<not_after>, C<file> and C<replace>, as in
L</create>. Dies with a L<Vouch::Error>, with the code C<argument> if the
certificate was signed by an authority: only that can renew it.

=head2 save

    $identity->save(cert_file => 'alex-cert.pem', key_file => 'alex-key.pem', replace => 1);

Writes certificate and chain (mode 0644), and the key without a password (mode
0600 from its first byte), as PEM. Each file appears complete or not at all.
Without C<replace>, if either exists neither is touched, and C<save> dies with the
code C<exists>. Returns the identity.

=head2 certificate

    say $identity->certificate->not_after_iso;

The L<Vouch::Certificate>.

=head2 cert_pem, key_pem

    print {$file} $identity->cert_pem;

Certificate and chain, and the unencrypted private key, as PEM text.

=head2 DAY, DEFAULT_DAYS, END_OF_TIME, CLOCK_SKEW, PASSWORD_MAX

    my $days = Vouch::Identity::DEFAULT_DAYS;

Constants: 86400 seconds; 1825 days; the last second of the year 9999; the 300
seconds that a new certificate is valid before now; the 1024 bytes that a
password may have.

=head1 ERRORS

All methods that fail die with a L<Vouch::Error>, whose text names the argument or
the file. Passwords and keys are never in it.

=head1 THREADS AND FORK

An identity does not go into a new thread: a copy there is a reference to undef.
After a C<fork> both processes have it, the key included.

=head1 SEE ALSO

L<vouch>, L<Vouch::Certificate>, L<Vouch::Context>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
