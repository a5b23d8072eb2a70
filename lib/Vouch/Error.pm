package Vouch::Error 0.001;

use v5.16;
use warnings;

use overload
    '""'     => sub { $_[0]->text },
    'bool'   => sub { 1 },
    fallback => 1;

sub new {
    my ($class, %facts) = @_;
    return bless {
        code    => $facts{code} // 'unknown',
        message => ($facts{message} // 'unknown error') =~ s/[\x00-\x1f\x7f]/?/gr,
        errno   => $facts{errno}   // 0,
        library => $facts{library} // 0,
        file    => $facts{file},
        line    => $facts{line},
    }, $class;
}

sub code    { return $_[0]{code} }
sub message { return $_[0]{message} }
sub errno   { return $_[0]{errno} }
sub library { return $_[0]{library} }
sub file    { return $_[0]{file} }
sub line    { return $_[0]{line} }

sub text {
    my ($self) = @_;
    return $self->{message} if !defined $self->{file};
    return "$self->{message} at $self->{file} line $self->{line}.\n";
}

sub throw {
    my ($class, %facts) = @_;
    my $level = 0;
    # Tell the program where it called us, not where we noticed.
    while (my ($package, $file, $line) = caller $level++) {
        @facts{qw(file line)} = ($file, $line);
        last if $package !~ /\A(?:Vouch|IO::Socket)(?:::|\z)/;
    }
    die $class->new(%facts);
}

# Called by XS.
sub _throw {
    my ($code, $message, $errno, $library) = @_;
    Vouch::Error->throw(
        code    => $code,
        message => $message,
        errno   => $errno,
        library => $library,
    );
}

1;

__END__

=head1 NAME

Vouch::Error - what went wrong, as an exception

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Context;

    my $context = eval { Vouch::Context->new(SSL_ca_file => 'authorities.pem') };
    if (!$context) {
        my $error = $@;
        die $error if !ref $error || !$error->isa('Vouch::Error') || $error->code ne 'file';
        warn 'no authorities: ', $error->message, "\n";
    }

=head1 DESCRIPTION

Vouch dies with one of these where the program, its settings or its files are
wrong; L<Vouch::Socket/last_error> returns one for what happened on a connection.
As a string it is the message, and where it was thrown, the file and line of the
program that called Vouch. It is always true.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Certificate;
    use Vouch::Error;

    eval { Vouch::Certificate->from_file('nowhere.pem') };
    my $error = $@;
    say $error->code;                # prints: file
    say $error->message;             # prints: nowhere.pem: cannot read: No such file or directory
    say $error->errno == 2 ? 'ENOENT' : 'another';    # prints: ENOENT
    say $error->library;             # prints: 0
    say $error->line;                # prints: ...
    say $error->file;                # prints: ...
    print $error->text;              # prints: nowhere.pem: cannot read: ... at ... line ...

    my $own = Vouch::Error->new(code => 'limit', message => 'too many visitors');
    say "$own";                      # prints: too many visitors
    eval { Vouch::Error->throw(code => 'limit', message => 'too many visitors') };
    print $@;                        # prints: too many visitors at ... line ...

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

=head2 new

    my $error = Vouch::Error->new(code => 'limit', message => 'too many visitors');

Makes an error without throwing it. Arguments, by name: C<code> (default
C<unknown>), C<message>, C<errno> (0), C<library> (0), C<file> and C<line> (undef).

=head2 throw

    Vouch::Error->throw(code => 'limit', message => 'too many visitors');

Makes one and dies with it. C<file> and C<line> become those of the first caller
that is not Vouch.

=head2 code

    if ($error->code eq 'password') { ... }

The kind of failure, one word, which stays the same from release to release:

    argument   the caller passed something that cannot be used
    memory     there is no memory left
    system     a system call failed: see errno
    file       a file cannot be read or written
    format     the bytes are not what they should be
    password   a key needs a password, or another one
    mismatch   key and certificate do not belong together
    exists     a file is there and was not to be replaced
    limit      larger than allowed
    config     settings that exclude each other, or that OpenSSL refuses
    tls        TLS failed on our side
    alert      the peer ended it with an alert
    verify     the peer's certificate was refused
    timeout    the time is over
    closed     the connection ended too early, or is closed

C<expired>, C<busy> and C<unknown> are set aside.

=head2 message

    warn $error->message, "\n";

What happened, in one line for people, with the name of the argument or file. It
may become clearer from release to release; do not match it.

=head2 text

    print {*STDERR} $error->text;

The message, followed by "at FILE line N." and a line end if it was thrown. What
the object is as a string.

=head2 errno

    local $! = $error->errno;

The number of the system's error, or 0.

=head2 library

    printf "%08X\n", $error->library;

OpenSSL's number of its error, or 0.

=head2 file, line

    say join ':', $error->file, $error->line;

Where the program called Vouch; undef if the error was not thrown.

=head1 ERRORS

These methods do not fail.

=head1 THREADS AND FORK

A plain Perl object, which can be copied into threads and processes.

=head1 SEE ALSO

L<Vouch::Socket/ERRORS>, L<Vouch::Context/ERRORS>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
