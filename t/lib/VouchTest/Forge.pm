package VouchTest::Forge;

use v5.16;
use warnings;

use VouchTest::Needs openssl => 'openssl';

# Certificates, chains and revocation lists for the tests, made without the
# code they test: DER from VouchTest::Der, keys and signatures from the
# openssl command.
#
#   my $ca   = authority('ca', cn => 'Test CA');
#   my $leaf = issue('leaf', by => $ca, cn => 'localhost', san => ['dns:localhost'],
#       usage => ['server'], not_after => time - 1);
#   $leaf->{cert}, $leaf->{key}       files
#   revocation_list('crl', $ca, $leaf) # a file

use Carp     qw(croak);
use Exporter qw(import);
use Socket   qw(AF_INET AF_INET6 inet_pton);

use VouchTest      qw(run_command slurp spew temp_dir);
use VouchTest::Der qw(tlv seq oid integer bit_string octets boolean time_value name extension
    certificate_body certificate pem);

our @EXPORT_OK = qw(authority issue revocation_list key_file public_key sign algorithm openssl);

use constant YEAR => 365 * 86_400;

my %SAN    = (email  => 0x81, dns => 0x82, directory => 0xa4, uri => 0x86, ip => 0x87, rid => 0x88);
my %USAGE  = (server => '1.3.6.1.5.5.7.3.1', client => '1.3.6.1.5.5.7.3.2', code => '1.3.6.1.5.5.7.3.3');
my $serial = 1000;

# Standard output of "openssl ARG..."; dies if it fails.
sub openssl {
    my ($args, %opt) = @_;
    my ($status, $out, $err) = run_command(['openssl', @$args], %opt);
    croak "openssl @$args: $err" if $status != 0;
    return $out;
}

sub path { return temp_dir() . "/forged-$_[0]" }

sub key_file {
    my ($name) = @_;
    my $file = path("$name-key.pem");
    openssl([qw(genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out), $file]);
    return $file;
}

sub public_key { return openssl([qw(pkey -pubout -outform DER -in), $_[0]]) }

sub sign {
    my ($key, $bytes) = @_;
    return openssl([qw(dgst -sha256 -sign), $key], stdin => $bytes);
}

sub algorithm { return seq(oid('1.2.840.10045.4.3.2')) }    # ecdsa-with-SHA256

sub authority {
    my ($name, %arg) = @_;
    return issue($name, ca => 1, %arg);
}

# Keys: cn or subject (DER), by (who signs; default itself), ca, san, usage,
# not_before, not_after (epoch or DER), extensions (DER, further ones).
sub issue {
    my ($name, %arg) = @_;
    my $key     = key_file($name);
    my $by      = $arg{by};
    my $subject = $arg{subject} // name(CN => $arg{cn} // $name);
    my $body    = certificate_body(
        serial     => $arg{serial} // ++$serial,
        algorithm  => algorithm(),
        subject    => $subject,
        issuer     => $by ? $by->{subject} : $subject,
        not_before => _time($arg{not_before} // time - 86_400),
        not_after  => _time($arg{not_after}  // time + YEAR),
        spki       => public_key($key),
        extensions => [_extensions(%arg)],
    );
    my $der  = certificate($body, algorithm(), sign($by ? $by->{key} : $key, $body));
    my $file = spew(path("$name-cert.pem"), pem($der));
    return {
        cert    => $file,
        key     => $key,
        der     => $der,
        subject => $subject,
        serial  => $arg{serial} // $serial
    };
}

sub _time { return $_[0] =~ /\A-?[0-9]+\z/ ? time_value($_[0]) : $_[0] }

sub _extensions {
    my (%arg) = @_;
    my @list = @{ $arg{extensions} // [] };
    push @list, extension('2.5.29.19', seq(boolean(1)), 1)                            if $arg{ca};
    push @list, extension('2.5.29.15', tlv(0x03, "\1\x06"), 1)                        if $arg{ca};
    push @list, extension('2.5.29.17', seq(map { _san($_) } @{ $arg{san} }))          if $arg{san};
    push @list, extension('2.5.29.37', seq(map { oid($USAGE{$_}) } @{ $arg{usage} })) if $arg{usage};
    return @list ? @list : extension('2.5.29.19', seq());
}

sub _san {
    my ($type, $value) = split /:/, $_[0], 2;
    $value = inet_pton($value =~ /:/ ? AF_INET6 : AF_INET, $value) if $type eq 'ip';
    return tlv($SAN{$type}, $value);
}

sub revocation_list {
    my ($name, $authority, @revoked) = @_;
    my $now  = time;
    my @list = map { seq(integer($_->{serial}), time_value($now - 60)) } @revoked;
    my $body = seq(
        integer(1), algorithm(), $authority->{subject},
        time_value($now - 60),
        time_value($now + YEAR),
        @list ? seq(@list) : (),
    );
    my $der = seq($body, algorithm(), bit_string(sign($authority->{key}, $body)));
    return spew(path("$name.pem"), pem($der, 'X509 CRL'));
}

1;
