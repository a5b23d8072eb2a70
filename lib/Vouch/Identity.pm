package Vouch::Identity 0.001;

use v5.16;
use warnings;

use Vouch              ();
use Vouch::Certificate ();
use Vouch::Error       ();

use constant DAY           => 86_400;
use constant DEFAULT_DAYS  => 1825;            # five years, as in the article
use constant END_OF_TIME   => 253_402_300_799; # 9999-12-31T23:59:59Z
use constant CLOCK_SKEW    => 300;             # peers' clocks may be behind
use constant PASSWORD_MAX  => 1024;            # bytes; OpenSSL takes no more

sub CLONE_SKIP { return 1 }

sub create {
    my ($class, %arg) = @_;
    my $cn = delete $arg{cn} // _missing('cn');
    my $key  = delete $arg{key} // 'ec:prime256v1';
    my $san  = delete $arg{san} // [];
    my $file = delete $arg{file};
    my $replace = delete $arg{replace};
    my @dates = _dates(\%arg);
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
        $answer = _utf8($answer) if defined $answer;
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
    my ($arg) = @_;
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
