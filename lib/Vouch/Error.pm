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
        errno   => $facts{errno} // 0,
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
