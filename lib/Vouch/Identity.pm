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
    my $self = _create(_utf8($cn), $key, @dates, map { _utf8($_) } ref $san ? @$san : $san);
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
    return (cert_file => "$stem-cert.pem", key_file => "$stem-key.pem");
}

sub _password {
    my ($password) = @_;
    return $password if !defined $password;
    return ref $password eq 'CODE' ? $password : sub { $password };
}

sub _dates {
    my ($arg) = @_;
    my $days   = delete $arg->{days} // DEFAULT_DAYS;
    my $before = delete $arg->{not_before};
    my $after  = delete $arg->{not_after};
    if ($days !~ /\A-?[0-9]{1,7}\z/) {
        Vouch::Error->throw(code => 'argument', message => "days => '$days' is not a whole number of days");
    }
    my $now = time;
    $before //= $now - CLOCK_SKEW;
    $after  //= $now + $days * DAY;
    $after = END_OF_TIME if $after > END_OF_TIME;
    return ($before, $after);
}

sub _utf8 {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    return $text;
}

sub _missing {
    my ($name) = @_;
    Vouch::Error->throw(code => 'argument', message => "$name is missing");
}

sub _refuse {
    my ($method, %rest) = @_;
    return if !%rest;
    Vouch::Error->throw(
        code    => 'argument',
        message => "$method does not know " . join(', ', sort keys %rest),
    );
}

1;

__END__
