package Vouch::KnownHosts 0.001;

use v5.16;
use warnings;

use Fcntl          qw(S_IRWXU);
use File::Basename qw(dirname);
use File::Path     ();
use File::Spec     ();
use Scalar::Util   qw(blessed);
use Socket         qw(AF_INET6 inet_ntop inet_pton);

use Vouch                      ();
use Vouch::Certificate         ();
use Vouch::Error               ();
use Vouch::File                ();
use Vouch::KnownHosts::Pin     ();
use Vouch::KnownHosts::Verdict ();

use constant {
    DEFAULT_PORT => 1965,
    MAX_BYTES    => 33_554_432,    # of a file: about a hundred thousand hosts
    LOCK_SECONDS => 30,
    SEEN_AGAIN   => 86_400,        # seconds after which "last seen" is worth writing
};

# What the first line must be: no other file is taken for one of ours, and an
# empty one is known to have been cut off.
use constant HEADER => '# vouch known hosts 1';

sub new {
    my ($class, %arg) = @_;
    my $self = bless {
        file         => delete $arg{file}         // $class->default_file,
        lock_seconds => delete $arg{lock_seconds} // LOCK_SECONDS,
    }, $class;
    _wrong('new does not know ' . join ', ', sort keys %arg) if %arg;
    return $self;
}

sub default_file { return File::Spec->catfile(Vouch::File::data_folder(), 'known_hosts') }

sub file { return $_[0]{file} }

sub find {
    my ($self, $host, $port) = @_;
    return $self->_read->{pin}{ _key(_host($host), _port($port)) };
}

sub list {
    my ($self) = @_;
    my @pins = sort { $a->host cmp $b->host || $a->port <=> $b->port } values %{ $self->_read->{pin} };
    return @pins;
}

sub check {
    my ($self, $host, $port, $certificate, %arg) = @_;
    my $now = delete $arg{now} // time;
    _wrong('check does not know ' . join ', ', sort keys %arg) if %arg;
    $host = _host($host);
    $port = _port($port);
    return _verdict($self->_read->{pin}{ _key($host, $port) }, $host, $port, $certificate, $now);
}

sub accept {
    my ($self, $verdict, @rest) = @_;
    return $self->_accept_verdict($verdict, @rest) if blessed $verdict;
    my ($host, $port, $certificate, %arg) = ($verdict, @rest);
    my $new = $self->_new_pin(_host($host), _port($port), $certificate, \%arg);
    return $self->_change(sub {
        my ($book) = @_;
        my $old = $book->{pin}{ _key($new->host, $new->port) };
        _put($book, $new->_successor_of($old));
        return 1;
    });
}

sub remove {
    my ($self, $host, $port) = @_;
    my $key = _key(_host($host), _port($port));
    return 0 if !$self->_read->{pin}{$key};
    return $self->_change(sub { return _drop($_[0], $key) });
}

sub socket_arguments {
    my ($self, $host, $port, %arg) = @_;
    my ($now, $ask, $told) = delete @arg{qw(now ask verdict)};
    _wrong('socket_arguments does not know ' . join ', ', sort keys %arg) if %arg;
    my $good;
    my $decide = sub {
        my ($certificate, $depth) = @_[4, 5];
        # Of the chain only the peer's own is pinned; a fault of it is told
        # in a call of its own, and decided once.
        return 1 if $depth > 0;
        return $good //= $self->_decide($self->check($host, $port, $certificate, now => $now), $ask, $told);
    };
    return (
        SSL_verify_mode     => 1,
        SSL_verifycn_scheme => 'none',
        SSL_ca              => [],
        SSL_verify_callback => $decide,
    );
}

sub _decide {
    my ($self, $verdict, $ask, $told) = @_;
    $$told = $verdict if ref $told;
    return 1 if $verdict->is_known;
    return 1 if $ask ? $ask->($verdict) : !$verdict->is_refused;
    Vouch::Error->throw(code => 'verify', message => $verdict->sentence);
}

sub import_from {
    my ($self, $format, $file, %arg) = @_;
    require Vouch::KnownHosts::Formats;
    my ($pins, $skipped) = Vouch::KnownHosts::Formats::read_pins($format, $file);
    my $replace = delete $arg{replace};
    _wrong('import_from does not know ' . join ', ', sort keys %arg) if %arg;
    my %count = (added => 0, kept => 0, replaced => 0);
    my $merge = sub {
        my ($book) = @_;
        for my $pin (@$pins) {
            my $old  = $book->{pin}{ _key($pin->host, $pin->port) };
            my $what = !$old ? 'added' : $replace ? 'replaced' : 'kept';
            $count{$what}++;
            _put($book, $pin) if $what ne 'kept';
        }
        return $count{added} + $count{replaced};
    };
    $self->_change($merge) if @$pins;
    return { %count, skipped => $skipped };
}

sub export_to {
    my ($self, $format, $file, %arg) = @_;
    require Vouch::KnownHosts::Formats;
    return Vouch::KnownHosts::Formats::write_pins($format, $file, [$self->list], %arg);
}

# The pin of a certificate, as it would be new.
sub _new_pin {
    my ($self, $host, $port, $certificate, $arg) = @_;
    my ($now, $verified) = delete @$arg{qw(now verified)};
    _wrong('accept does not know ' . join ', ', sort keys %$arg) if %$arg;
    $now //= time;
    return Vouch::KnownHosts::Pin->new(
        host         => $host,
        port         => $port,
        expires      => $certificate->not_after,
        first_seen   => $now,
        last_seen    => $now,
        verified     => $verified,
        fingerprints => [
            $certificate->fingerprint,
            $certificate->fingerprint(of     => 'spki'),
            $certificate->fingerprint(digest => 'sha512'),
        ],
    );
}

sub _accept_verdict {
    my ($self, $verdict, %arg) = @_;
    my $new = $self->_new_pin($verdict->host, $verdict->port, $verdict->certificate,
        { now => $verdict->now, %arg });
    # Nothing to write is the usual case, and needs no lock.
    return 0 if $verdict->trust eq 'match' && !_is_news($self->find($new->host, $new->port), $new);
    return $self->_change(sub {
        my ($book) = @_;
        my $old    = $book->{pin}{ _key($new->host, $new->port) };
        my $now    = _still($verdict, $old);
        return 0 if $now->trust eq 'match' && !_is_news($old, $new);
        _put($book, $new->_successor_of($old));
        return 1;
    });
}

# Between the verdict and the lock another process may have stored something
# else, which this verdict has not seen.
sub _still {
    my ($verdict, $pin) = @_;
    my $again = _verdict($pin, $verdict->host, $verdict->port, $verdict->certificate, $verdict->now);
    return $again if $again->is_known || !$pin;
    return $again if $verdict->pin && $verdict->pin->_is_for_same($pin);
    Vouch::Error->throw(
        code    => 'verify',
        message => $verdict->host . q(:)
            . $verdict->port
            . ': meanwhile another process has stored another certificate;'
            . ' nothing was stored: check it again',
    );
}

sub _is_news {
    my ($old, $new) = @_;
    return 1 if !$old || !$old->_is_for_same($new) || ($new->verified && !$old->verified);
    return $new->last_seen - ($old->last_seen // 0) >= SEEN_AGAIN;
}

sub _verdict {
    my ($pin, $host, $port, $certificate, $now) = @_;
    my ($trust, $name, $expired, $early) = _judge($pin && $pin->line, $certificate, $host, $now);
    return Vouch::KnownHosts::Verdict->_new(
        trust        => $trust,
        host         => $host,
        port         => $port,
        pin          => $pin,
        certificate  => $certificate,
        now          => $now,
        name_matches => $name,
        expired      => $expired,
        early        => $early,
    );
}

sub _host {
    my ($text) = @_;
    my $host = _host_name($text // _wrong('name a host'));
    return $host if $host !~ /:/;
    my ($address, $zone) = split /(?=%)/, $host;
    my $binary = inet_pton(AF_INET6, $address)
        // Vouch::Error->throw(code => 'format', message => "host \"$host\" is no address");
    return inet_ntop(AF_INET6, $binary) . ($zone // q());
}

sub _port {
    my ($port) = @_;
    $port //= DEFAULT_PORT;
    _wrong("port '$port' is none from 1 to 65535") if $port !~ /\A[1-9][0-9]{0,4}\z/ || $port > 65_535;
    return $port;
}

sub _key { return "$_[0] $_[1]" }

# The file as a book: {lines} are texts, or undef where a pin was removed;
# {pin} and {place} tell for each host its pin and the number of its line.
sub _read {
    my ($self) = @_;
    my $stamp = Vouch::File::stamp($self->{file}) // q();
    return $self->{book} if $self->{book} && $self->{stamp} eq $stamp;
    my $book =
        length $stamp
        ? _parse_book($self->{file}, Vouch::File::read_file($self->{file}, max => MAX_BYTES))
        : { lines => [HEADER], pin => {}, place => {} };
    @$self{qw(book stamp)} = ($book, $stamp);
    return $book;
}

sub _parse_book {
    my ($file, $bytes) = @_;
    _damaged($file, 'is empty, so that it was cut off: restore it, or remove it to know no host')
        if !length $bytes;
    my @lines = split /\n/, $bytes, -1;
    _damaged($file, 'is no file of known hosts: the first line must be "' . HEADER . '"')
        if $lines[0] ne HEADER;
    if (length pop @lines) {
        _damaged($file,
                  'line '
                . (@lines + 1)
                . ' was cut off, as it has no end: restore the file, or mend the line and end it');
    }
    my %book = (lines => \@lines, pin => {}, place => {});
    for my $number (1 .. $#lines) {
        _parse_line($file, \%book, $number) if $lines[$number] !~ /\A[ \t]*(?:#|\z)/;
    }
    return \%book;
}

sub _parse_line {
    my ($file, $book, $number) = @_;
    my ($pin, $key);
    my $where = 'line ' . ($number + 1);
    eval {
        $pin = Vouch::KnownHosts::Pin->_of_line($book->{lines}[$number]);
        $key = _key(_host($pin->host), $pin->port);
        1;
    } or _damaged($file, "$where: " . $@->message . '; mend or remove the line');
    my $other = $book->{place}{$key};
    if (defined $other) {
        _damaged($file, "$where: $key is in line " . ($other + 1) . ' already; remove one of them');
    }
    $book->{pin}{$key}   = $pin;
    $book->{place}{$key} = $number;
    return;
}

# A damaged file is not read in part: a host that was passed over would be
# taken for a new one, and believed.
sub _damaged {
    my ($file, $text) = @_;
    Vouch::Error->throw(code => 'format', message => "$file: $text");
}

# Change what is in the file now, and write it if told to.
sub _change {
    my ($self, $code) = @_;
    my $file = Vouch::File::target($self->{file});
    _make_folder(dirname($file));
    return Vouch::File::with_lock(
        $file,
        $self->{lock_seconds},
        sub {
            my $book    = $self->_read;
            my %copy    = (lines => [@{ $book->{lines} }], map { $_ => { %{ $book->{$_} } } } qw(pin place));
            my $changed = $code->(\%copy);
            return 0 if !$changed;
            Vouch::File::change_file($file, join q(), map { "$_\n" } grep { defined } @{ $copy{lines} });
            delete @$self{qw(book stamp)};
            return $changed;
        }
    );
}

sub _make_folder {
    my ($folder) = @_;
    return if -d $folder;
    File::Path::make_path($folder, { mode => S_IRWXU, error => \my $errors });
    return if -d $folder;
    my ($problem) = map { values %$_ } @{ $errors // [] };
    Vouch::Error->throw(code => 'file', message => "$folder cannot be made: " . ($problem // 'unknown'));
}

sub _put {
    my ($book, $pin) = @_;
    my $key   = _key($pin->host, $pin->port);
    my $place = $book->{place}{$key} //= @{ $book->{lines} };
    $book->{lines}[$place] = $pin->line;
    $book->{pin}{$key} = $pin;
    return;
}

sub _drop {
    my ($book, $key) = @_;
    my $place = delete $book->{place}{$key};
    return 0 if !defined $place;
    $book->{lines}[$place] = undef;
    delete $book->{pin}{$key};
    return 1;
}

sub _wrong {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::KnownHosts - trust on first use: hosts, and the certificates they have shown

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::KnownHosts;
    use Vouch::Socket;

    my $known = Vouch::KnownHosts->new;

    my $socket = Vouch::Socket->new(
        PeerHost => 'example.org',
        PeerPort => 1965,
        $known->socket_arguments('example.org', 1965, verdict => \my $verdict),
    ) or die "cannot connect: $SSL_ERROR\n";    # dies too if the certificate has changed

    say $verdict->sentence if !$verdict->is_known;
    $known->accept($verdict);                   # from now on it is known
    print {$socket} "gemini://example.org/\r\n";

=head1 DESCRIPTION

Who trusts on first use needs no authority: the certificate that a host shows
the first time is kept, and later it must be the same. Gemini works like that,
and so does SSH. This class keeps the certificates, in one text file, and
judges what a host shows: L<Vouch::KnownHosts::Verdict>.

Of each host the file has fingerprints of the certificate and of its public
key, so that a certificate that was renewed with the same key is known still;
when it expires, after which a new key is no surprise; and when the host was
first and last seen. Several programs and processes may use one file.

=head2 When to check, and when to store

Check before the first byte is sent, and as early as can be: in the callback of
L</socket_arguments>, which runs before a client certificate is shown to the
server. B<Store after the handshake only>, with L</accept>: a certificate is
public, and only when the handshake is done is it sure that the other end has
its key. Who stored it earlier could be made to believe a forged date of
expiry, and after it any key.

A client that never shows a certificate, or that wants to connect without
waiting, may as well use VOUCH_VERIFY_ANY, and check when it is connected:

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::KnownHosts;

    Vouch::Identity->create(cn => 'localhost', file => 'old', days => 30);
    Vouch::Identity->create(cn => 'localhost', file => 'new');
    my ($old, $new) = map { Vouch::Certificate->from_file("$_-cert.pem") } qw(old new);

    my $known   = Vouch::KnownHosts->new(file => 'known_hosts');
    my $verdict = $known->check('localhost', 1965, $old);    # what the socket's certificate method says
    say $verdict;                                            # prints: first-use
    $known->accept($verdict);
    say $known->check('localhost', 1965, $old);              # prints: match

    my $other = $known->check('localhost', 1965, $new);
    say $other;                                              # prints: changed
    say 'refused' if $other->is_refused;                     # prints: refused

    # In two months the certificate that is known has run out.
    say $known->check('localhost', 1965, $new, now => time + 60 * 86_400);
    # prints: changed-after-expiry

    # The same key with new dates.
    Vouch::Identity->load(file => 'old')->renew(file => 'old', replace => 1);
    my $renewed = Vouch::Certificate->from_file('old-cert.pem');
    say $known->check('localhost', 1965, $renewed);          # prints: key-kept

    my ($pin) = $known->list;
    say join ' ', $pin->host, $pin->port;                    # prints: localhost 1965
    say $known->remove('localhost', 1965);                   # prints: 1
    say scalar(my @all = $known->list);                      # prints: 0

=for example end

=head2 The file

The first line is C<# vouch known hosts 1>. Then each line is a host:

    localhost 1965 2036-11-17T21:04:52Z 2026-11-20T21:00:00Z 2026-11-30T08:15:00Z
        sha256$5f70... sha256$spki$9a31... sha512$77d0... verified

(in one line): host, port, when the certificate expires, when it was first and
when last seen, or C<-> where that is not known, one or more fingerprints
(L<Vouch::Context/Pins>; SHA-256, SHA-384 or SHA-512), and C<verified> if a
person has compared them. Lines that begin with C<#> and empty lines stay as
they are. You may edit it.

The file is written under a lock, F<known_hosts.lock> beside it, as a whole
under another name, and moved into place when it is on the disk. So it is never
half written, and a full disk leaves it as it was. If it is a symbolic link,
the file that it leads to is written; if nobody may write it (C<chmod a-w>),
nothing is stored.

A file with a line that is not understood, that was cut off or emptied, or that
is none of this kind is not read in part, as a host that was passed over would
be taken for a new one, and believed. The error names the line.

=head2 The files of others

L</import_from> and L</export_to> know these:

    amfora      ~/.cache/amfora/tofu.toml
    lagrange    ~/.config/lagrange/trusted.2.txt
    gmni        ~/.local/share/gmni/known_hosts
    telescope   ~/.local/share/telescope/known_hosts or ~/.telescope/known_hosts
    av98        the SQLite database of AV-98; needs DBD::SQLite

They do not hold the same: amfora and Lagrange know the key only, gmni,
telescope and AV-98 the certificate only; gmni knows neither ports (1965 is
meant) nor expiry, telescope no expiry. What is missing is added when a host is
next seen and accepted. Where a certificate is known and the key is not, a
renewed one is C<changed>. Of the old entries of amfora, made before it pinned
keys, nothing tells that they are fingerprints of certificates: such hosts are
C<changed>. From AV-98, which may know several certificates of a host, the one
last seen is taken, and where its copy is in the folder F<cert_cache> beside
the database, its key and expiry too.

=head1 CALLBACKS

C<ask>: see L</socket_arguments>.

=head1 METHODS

=head2 new

    my $known = Vouch::KnownHosts->new;
    my $known = Vouch::KnownHosts->new(file => 'known_hosts', lock_seconds => 30);

Nothing is opened yet. C<file> is the file, by default L</default_file>;
C<lock_seconds> is for how long to wait while other processes write.

=head2 default_file

    say Vouch::KnownHosts->default_file;    # .../.local/share/vouch/known_hosts

The user's file: F<vouch/known_hosts> in C<$XDG_DATA_HOME>, or in
F<~/.local/share>.

=head2 file

    say $known->file;

The file of this object.

=head2 check

    my $verdict = $known->check($host, $port, $certificate);
    my $verdict = $known->check($host, $port, $certificate, now => $epoch);

Judges a L<Vouch::Certificate> that a host has shown and returns a
L<Vouch::KnownHosts::Verdict>. Writes nothing. A port that is undef is 1965.
The file is read again if it has changed.

Hosts are names of ASCII characters or addresses; C<EXAMPLE.org.> is
C<example.org>, and C<[::1]> is C<::1>. Names in other scripts are given as they
stand in the DNS, C<xn-->.

=head2 accept

    $known->accept($verdict);
    $known->accept($verdict, verified => 1);
    $known->accept($host, $port, $certificate, verified => 1, now => $epoch);

Makes what was shown known, in the place of what was. Returns 1 if there was
something to write, else 0: what is known needs to be written once a day only.

With a verdict it stores nothing, and dies with C<verify>, if in the meantime
another process has stored another certificate for the host: it was not judged.
A verdict of C<changed> is stored too, as you have decided so. With host and
certificate there is no such check.

C<verified> says that a person has compared the fingerprint.

=head2 find

    my $pin = $known->find($host, $port);

What is known of a host, a L<Vouch::KnownHosts::Pin>, or undef.

=head2 list

    say $_->line for $known->list;

All that is known, by host and port.

=head2 remove

    $known->remove($host, $port) or warn "it was not known\n";

Forgets this very host and port. Returns 1, or 0 if it was not known.

=head2 socket_arguments

    my $socket = Vouch::Socket->new(
        PeerHost => $host,
        PeerPort => $port,
        $known->socket_arguments($host, $port, verdict => \my $verdict, ask => \&ask),
    );

Arguments for L<Vouch::Socket/new> that check the server's certificate during the
handshake, before a client certificate is shown, and no authorities. If the
verdict is C<changed>, C<new> dies with a L<Vouch::Error> of the code C<verify>.

C<verdict> is a reference to a scalar, which then holds the verdict: give it to
L</accept> when C<new> has returned. C<ask> is called with the verdict if it is
none of C<match> and C<key-kept>; if it returns true the connection goes on,
also for C<changed>, else C<new> dies. The server waits meanwhile; to ask a person
at leisure let it die, ask, and connect again. C<now> is the time to judge by.

The arguments are for one connection. It must not resume a session
(C<SSL_session_cache>) that was begun without them: a resumed session shows no
certificate, and is not checked.

=head2 import_from

    my $count = $known->import_from(amfora => "$ENV{HOME}/.cache/amfora/tofu.toml");
    say "$count->{added} new hosts, $count->{kept} known before";
    warn "$_\n" for @{ $count->{skipped} };

Takes the hosts of another program's file: see L</The files of others>. What is
known already is kept, or with C<< replace => 1 >> replaced. Returns a hash
reference: C<added>, C<kept> and C<replaced> are numbers, C<skipped> is a list of
sentences about lines that are not understood or of no use.

=head2 export_to

    my $count = $known->export_to(lagrange => 'trusted.2.txt');

Writes a file for another program, with all hosts that it can hold, and returns a
hash reference: C<written> is their number, C<skipped> a list of sentences about
the others. A file that is there is not replaced unless you say
C<< replace => 1 >>: it may know hosts that this one does not.

=head1 ERRORS

All methods die with a L<Vouch::Error>: C<argument> for what cannot be used;
C<file> if the file cannot be read or written, which then is as it was;
C<format> if it is damaged, naming the line and what to do; C<limit> if it is
larger than 32 MiB; C<timeout> if others have held the lock too long; C<verify>
as told at L</accept> and L</socket_arguments>.

=head1 THREADS AND FORK

A plain Perl object, which can be copied into threads and processes.

=head1 SEE ALSO

L<vouch> (C<vouch trust>), L<Vouch::Gemini::Client>, L<Vouch::Socket>, L<Vouch::Trust>,
L<Vouch::Accounts>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
