package Vouch::VerifyContext 0.001;

use v5.16;
use warnings;

use Vouch ();

# As a number it is the address of OpenSSL's X509_STORE_CTX.
use overload
    '0+'     => sub { ${ $_[0] } },
    'bool'   => sub { 1 },
    fallback => 1;

sub CLONE_SKIP { return 1 }

sub error_text { return _error_text($_[0]->error) }

1;

__END__

=head1 NAME

Vouch::VerifyContext - OpenSSL's verdict on a certificate, inside the verify callback

=head1 SYNOPSIS

    use v5.16;
    use warnings;

    # Given to Vouch::Socket as SSL_verify_callback.
    sub let_in_self_signed {
        my ($ok, $store) = @_;
        return 1 if $ok;
        return 0 if $store->error != 18;
        $store->set_error(0);
        return 1;
    }

=head1 DESCRIPTION

The second argument of L<Vouch::Socket/SSL_verify_callback>. It stands for
OpenSSL's X509_STORE_CTX, and as a number it is its address, which may be handed
to Net::SSLeay during the call. It dies with the call: to use it later dies.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::Socket;

    Vouch::Identity->create(cn => 'localhost', file => 'server');
    Vouch::Identity->create(cn => 'Alex', file => 'alex');

    my $server = Vouch::Socket->new(
        LocalAddr           => '127.0.0.1',
        LocalPort           => 0,
        Listen              => 10,
        SSL_cert_file       => 'server-cert.pem',
        SSL_key_file        => 'server-key.pem',
        SSL_verify_mode     => SSL_VERIFY_PEER,
        SSL_verify_callback => sub {
            my ($ok, $store) = @_;
            say "$ok: ", $store->error, ', ', $store->error_text;
            $store->set_error(0) if $store->error == 18;
            return 1;
        },
    ) or die "cannot listen: $SSL_ERROR\n";

    if (fork == 0) {
        my $socket = Vouch::Socket->new(
            PeerAddr        => '127.0.0.1',
            PeerPort        => $server->sockport,
            SSL_cert_file   => 'alex-cert.pem',
            SSL_key_file    => 'alex-key.pem',
            SSL_verify_mode => SSL_VERIFY_NONE,
        ) or die "cannot connect: $SSL_ERROR\n";
        my $answer = <$socket>;
        exit;
    }

    my $client = $server->accept or die "no client: $SSL_ERROR\n";
    say 'left: ', $client->verification->{error};
    print $client "welcome\n";
    close $client;
    wait;

    # prints: 0: 18, self-signed certificate
    # prints: 1: 0, ok
    # prints: left: 0

=for example end

=head1 CALLBACKS

None of its own.

=head1 METHODS

=head2 error

    my $number = $store->error;

The last fault of the run so far: one of OpenSSL's numbers X509_V_ERR_..., or 0.
The common ones: 9 not yet valid, 10 expired, 18 self-signed, 19 a self-signed
one in the chain, 20 issuer unknown, 23 revoked, 26 wrong purpose, 62 wrong host
name.

=head2 error_text

    warn $store->error_text;

The same in OpenSSL's words; C<ok> for 0.

=head2 set_error

    $store->set_error(0);

Sets the fault that the following calls see, and that
L<Vouch::Socket/verification> tells in the end. It does not decide: the callback's
return value does.

=head1 ERRORS

After the callback has returned all methods die: "argument is not a live
Vouch::VerifyContext object".

=head1 THREADS AND FORK

Lives for one call, in one thread.

=head1 SEE ALSO

L<Vouch::Socket/CALLBACKS>, L<openssl-verification-options(1)>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
