package Vouch::KnownHosts::Formats 0.001;

use v5.16;
use warnings;

use Vouch                  ();
use Vouch::Error           ();
use Vouch::File            ();
use Vouch::KnownHosts::Pin ();

use constant {
    DEFAULT_PORT => 1965,
    MAX_BYTES    => 33_554_432,
    MAX_SKIPPED  => 1000,         # sentences about lines
};

# What each program's file is read and written by.
my %FORMAT = (
    amfora    => { read => \&_read_amfora,                        write => \&_write_amfora },
    lagrange  => { read => _reader(\&_lagrange_line),             write => _writer(\&_to_lagrange) },
    gmni      => { read => _reader(\&_gmni_line),                 write => _writer(\&_to_gmni) },
    telescope => { read => _reader(\&_telescope_line),            write => _writer(\&_to_telescope) },
    av98      => { read => sub { return _av98()->read_pins(@_) }, write => undef },
);

sub formats {
    my @names = sort keys %FORMAT;
    return @names;
}

sub read_pins {
    my ($format, $file)    = @_;
    my ($pins,   $skipped) = _format($format)->{read}->($file);
    if (@$skipped > MAX_SKIPPED) {
        my $more = @$skipped - MAX_SKIPPED;
        splice @$skipped, MAX_SKIPPED, $more, "and $more more";
    }
    return ($pins, $skipped);
}

sub write_pins {
    my ($format, $file, $pins, %arg) = @_;
    my $write   = _format($format)->{write} // sub { return _av98()->write_pins(@_) };
    my $replace = delete $arg{replace};
    _wrong('export_to does not know ' . join ', ', sort keys %arg) if %arg;
    my ($written, $skipped) = $write->($file, $pins, $replace ? 1 : 0);
    return { written => $written, skipped => $skipped };
}

sub _format {
    my ($name) = @_;
    return $FORMAT{ $name // q() }
        // _wrong("'" . ($name // 'undef') . "' is not one of " . join ', ', formats());
}

sub _av98 {
    require Vouch::KnownHosts::AV98;
    return 'Vouch::KnownHosts::AV98';
}

# A function that reads a file by lines; the given one makes a pin of a line,
# returns nothing for one without a host, or dies.
sub _reader {
    my ($read) = @_;
    return sub {
        my ($file) = @_;
        my (%pin, @skipped);
        my $number = 0;
        for my $line (split /\r?\n/, Vouch::File::read_file($file, max => MAX_BYTES)) {
            $number++;
            next if $line =~ /\A\s*(?:#|\z)/;
            my $pin = eval { $read->($line) };
            if ($pin) { $pin{ $pin->host . q( ) . $pin->port } = $pin }
            else      { push @skipped, "$file: line $number: " . _reason($@) }
        }
        return ([map { $pin{$_} } sort keys %pin], \@skipped);
    };
}

# A function that writes a file by lines; the given one makes a line of a pin,
# or dies with why that cannot be.
sub _writer {
    my ($line_of) = @_;
    return sub {
        my ($file, $pins, $replace) = @_;
        my ($lines, $skipped) = lines_of($pins, $line_of);
        Vouch::File::write_file($file, join(q(), map { "$_\n" } @$lines), replace => $replace, private => 1);
        return (scalar @$lines, $skipped);
    };
}

sub lines_of {
    my ($pins, $line_of) = @_;
    my (@lines, @skipped);
    for my $pin (@$pins) {
        my $line = eval { $line_of->($pin) };
        if   (defined $line) { push @lines,   $line }
        else                 { push @skipped, $pin->host . q(:) . $pin->port . q(: ) . _reason($@) }
    }
    return (\@lines, \@skipped);
}

sub _reason {
    my ($error) = @_;
    return $error->message if ref $error;
    return $error =~ s/\n\z//r;
}

sub make_pin {
    my (%fact) = @_;
    return Vouch::KnownHosts::Pin->new(%fact, host => Vouch::KnownHosts::_host($fact{host}));
}

# Seconds since 1970 of "2036-11-17T21:04:52Z" and its relatives: a blank for
# the T, parts of a second, another offset than Z, or none.
sub epoch_of {
    my ($text) = @_;
    my ($date, $time, $sign, $hours, $minutes) = ($text // q()) =~ m{
        \A (\d{4}-\d\d-\d\d) [T ] (\d\d:\d\d:\d\d) (?:[.]\d{1,9})?
        (?: Z | ([+-]) (\d\d):(\d\d) )? \z}xa or return;
    my $epoch  = eval { (Vouch::KnownHosts::_parse("a 1 ${date}T${time}Z - - " . '0' x 64))[3] } // return;
    my $offset = ($hours // 0) * 3600 + ($minutes // 0) * 60;
    return ($sign // q(+)) eq '+' ? $epoch - $offset : $epoch + $offset;
}

# amfora: TOML, "host:port" = "KEY" and "host/expiry:port" = date.  Its dots
# are slashes, and port 1965 is not said.
sub _read_amfora {
    my ($file) = @_;
    my (%host, @skipped);
    my $number = 0;
    for my $line (split /\r?\n/, Vouch::File::read_file($file, max => MAX_BYTES)) {
        $number++;
        next if $line =~ /\A\s*(?:#|\z)/;
        next if eval { _amfora_line($line, \%host); 1 };
        push @skipped, "$file: line $number: " . _reason($@);
    }
    my @pins;
    for my $key (sort keys %host) {
        my $fact = $host{$key};
        if    (!defined $fact->{key}) { push @skipped, "$file: $key has an expiry and no key" }
        elsif (my $pin = eval { make_pin(%$fact, fingerprints => ["sha256\$spki\$$fact->{key}"]) }) {
            push @pins, $pin;
        }
        else { push @skipped, "$file: $key: " . _reason($@) }
    }
    return (\@pins, \@skipped);
}

sub _amfora_line {
    my ($line, $host)  = @_;
    my ($key,  $value) = $line =~ m{
        \A \s* ( "[^"]*" | '[^']*' | [\w/:.\-]+ ) \s* = \s* ( "[^"]*" | '[^']*' | [\w:.+\- ]+? ) \s* (?:[#].*)? \z}xa
        or die "it is not KEY = VALUE\n";
    s/\A["'](.*)["']\z/$1/ for $key, $value;
    my ($name, $expiry, $port) = $key =~ m{\A(.+?)(/expiry)?(?::([0-9]+))?\z}s or die "it names no host\n";
    $port //= DEFAULT_PORT;
    my $fact = $host->{"$name:$port"} //= { host => $name =~ tr{/}{.}r, port => $port };
    if ($expiry) {
        $fact->{expires} = epoch_of($value) // die "\"$value\" is no date\n";
    }
    else {
        $value =~ /\A[0-9A-Fa-f]{64}\z/ or die "\"$value\" is no SHA-256 digest\n";
        $fact->{key} = lc $value;
    }
    return;
}

sub _write_amfora {
    my ($file, $pins, $replace) = @_;
    return _writer(sub {
        my ($pin) = @_;
        my $name  = $pin->host =~ tr{.}{/}r;
        my $port  = $pin->port == DEFAULT_PORT ? q() : q(:) . $pin->port;
        die "amfora cannot hold an address with colons\n" if $name =~ /:/;
        my $key = uc _hex($pin->key_fingerprint, 'its key is not known');
        # Without a date amfora takes the host for an unknown one.
        die "when its certificate expires is not known\n" if !defined $pin->expires;
        return qq("$name$port" = "$key"\n"$name/expiry$port" = ) . $pin->expires_iso;
    })->($file, $pins, $replace);
}

# Lagrange: host;port expiry-epoch hex-of-the-key
sub _lagrange_line {
    my ($line) = @_;
    my ($host, $port, $expires, $hex) = $line =~ /\A(\S+);([0-9]+) (-?[0-9]{1,15}) ([0-9A-Fa-f]{64})\s*\z/a
        or die "it is not HOST;PORT EXPIRY SHA256\n";
    return make_pin(
        host         => $host,
        port         => $port,
        expires      => $expires,
        fingerprints => ['sha256$spki$' . lc $hex],
    );
}

sub _to_lagrange {
    my ($pin) = @_;
    my $hex = _hex($pin->key_fingerprint, 'its key is not known');
    die "when its certificate expires is not known\n" if !defined $pin->expires;
    return sprintf '%s;%d %d %s', $pin->host, $pin->port, $pin->expires, $hex;
}

# gmni: host SHA-512 AA:BB:...
sub _gmni_line {
    my ($line) = @_;
    my ($host, $digest, $print) = $line =~ /\A(\S+) (\S+) (\S+)(?: .*)?\z/
        or die "it is not HOST SHA-512 FINGERPRINT\n";
    die "\"$digest\" is not SHA-512\n" if $digest ne 'SHA-512';
    return make_pin(host => $host, port => DEFAULT_PORT, fingerprints => ["sha512\$$print"]);
}

sub _to_gmni {
    my ($pin) = @_;
    die "gmni knows no ports, 1965 is meant\n" if $pin->port != DEFAULT_PORT;
    my $hex =
        _hex($pin->certificate_fingerprint('sha512'), 'the SHA-512 digest of its certificate is not known');
    return $pin->host . ' SHA-512 ' . join q(:), uc($hex) =~ /../g;
}

# telescope: host[:port] SHA256:hex flag
sub _telescope_line {
    my ($line) = @_;
    my ($name, $print, $flag) = $line =~ /\A(\S+)[ \t]+(SHA256:[0-9A-Fa-f]{64})[ \t]+([0-9]+)\s*\z/a
        or die "it is not HOST SHA256:DIGEST FLAG\n";
    my ($host, $port) = $name =~ /\A(\[[^\]]+\]|[^:]+)(?::([0-9]+))?\z/;
    return make_pin(
        host         => $host // $name,
        port         => $port // DEFAULT_PORT,
        fingerprints => [$print],
        verified     => $flag == 1,
    );
}

sub _to_telescope {
    my ($pin) = @_;
    my $hex   = _hex($pin->certificate_fingerprint, 'the digest of its certificate is not known');
    my $host  = $pin->host =~ /:/ ? '[' . $pin->host . ']' : $pin->host;
    $host .= q(:) . $pin->port if $pin->port != DEFAULT_PORT;
    return "$host SHA256:$hex " . ($pin->verified ? 1 : 0);
}

# The digits of a fingerprint, or die with why there are none.
sub _hex {
    my ($fingerprint, $why) = @_;
    my ($hex) = ($fingerprint // die "$why\n") =~ /([0-9a-f]+)\z/;
    return $hex;
}

sub _wrong {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::KnownHosts::Formats - the known hosts of other programs (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::KnownHosts;
    use Vouch::KnownHosts::Formats;

    my ($pins, $skipped) = Vouch::KnownHosts::Formats::read_pins(gmni => 'known_hosts');

=head1 DESCRIPTION

For use by L<Vouch::KnownHosts> only; it may change in any release. What each
file holds is told in L<Vouch::KnownHosts/The files of others>.

=head1 FUNCTIONS

=head2 formats

    say for Vouch::KnownHosts::Formats::formats();

The names of the formats.

=head2 read_pins

    my ($pins, $skipped) = Vouch::KnownHosts::Formats::read_pins($format, $file);

References to lists: each L<Vouch::KnownHosts::Pin> of the file, and sentences
about lines that are not understood.

=head2 write_pins

    my $count = Vouch::KnownHosts::Formats::write_pins($format, $file, $pins, replace => 1);

As L<Vouch::KnownHosts/export_to>.

=head2 lines_of

    my ($lines, $skipped) = Vouch::KnownHosts::Formats::lines_of($pins, \&line_of);

What the function makes of each pin, and sentences about those for which it
died.

=head2 make_pin

    my $pin = Vouch::KnownHosts::Formats::make_pin(host => 'EXAMPLE.org', %facts);

As L<Vouch::KnownHosts::Pin/new>, of a host that another program has written.

=head2 epoch_of

    my $epoch = Vouch::KnownHosts::Formats::epoch_of('2036-11-17 21:04:52.5');

A date as seconds since 1970, or nothing if it is not understood.

=head1 SEE ALSO

L<Vouch::KnownHosts>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
