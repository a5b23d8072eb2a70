package Vouch::KnownHosts::AV98 0.001;

use v5.16;
use warnings;

use File::Basename qw(dirname);
use File::Temp     ();

use Vouch                      ();
use Vouch::Certificate         ();
use Vouch::Error               ();
use Vouch::File                ();
use Vouch::KnownHosts::Formats ();

use constant {
    MAX_ROWS  => 200_000,
    MAX_BYTES => 268_435_456,
};

my $TABLE = <<'SQL';
CREATE TABLE cert_cache (
    hostname text, port integer, address text, fingerprint text,
    first_seen date, last_seen date, count integer)
SQL

sub read_pins {
    my ($class, $file) = @_;
    # Only a regular file, and SQLite must not make one.
    my $head = Vouch::File::read_file($file, max => MAX_BYTES);
    Vouch::Error->throw(code => 'format', message => "$file: is no SQLite database")
        if substr($head, 0, 16) ne "SQLite format 3\0";
    undef $head;
    my $rows = eval { _rows($file) } // Vouch::Error->throw(
        code    => 'format',
        message => "$file: is no database of AV-98: " . ($@ =~ s/ at \S+ line .*//sr),
    );
    my (%pin, @skipped);
    my $number = 0;
    for my $row (@$rows) {
        $number++;
        my $pin = eval { _pin($row, dirname($file) . '/cert_cache') };
        # The rows are sorted, so that the last seen of a host comes last.
        if ($pin) { $pin{ $pin->host . q( ) . $pin->port } = $pin }
        else      { push @skipped, "$file: row $number: " . _reason($@) }
    }
    return ([map { $pin{$_} } sort keys %pin], \@skipped);
}

sub _reason { my ($error) = @_; return ref $error ? $error->message : $error =~ s/\n\z//r }

sub _rows {
    my ($file) = @_;
    my $db = _open($file, ReadOnly => 1);
    return $db->selectall_arrayref(<<'SQL', { Slice => {}, MaxRows => MAX_ROWS });
SELECT hostname, port, fingerprint, first_seen, last_seen FROM cert_cache ORDER BY last_seen, first_seen
SQL
}

sub _open {
    my ($file, %arg) = @_;
    if (!eval { require DBD::SQLite; 1 }) {
        Vouch::Error->throw(
            code    => 'config',
            message => 'the database of AV-98 needs DBD::SQLite: install the package libdbd-sqlite3-perl',
        );
    }
    require DBI;
    my %flags = (sqlite_open_flags => DBD::SQLite::OPEN_READONLY()) x ($arg{ReadOnly} ? 1 : 0);
    # A name as SQLite's URI, so that no character of it is special.
    my $uri = 'file:' . ($file =~ s{([^A-Za-z0-9/._-])}{sprintf '%%%02X', ord $1}ger);
    return DBI->connect("dbi:SQLite:uri=$uri", q(), q(), { RaiseError => 1, PrintError => 0, %flags });
}

sub _pin {
    my ($row, $folder) = @_;
    my ($host, $port, $hex, $first, $last) = @$row{qw(hostname port fingerprint first_seen last_seen)};
    die "the fingerprint is no SHA-256 digest\n" if ($hex  // q()) !~ /\A[0-9A-Fa-f]{64}\z/;
    die "the port is none\n"                     if ($port // q()) !~ /\A[0-9]{1,5}\z/;
    my %more        = (fingerprints => ["sha256\$$hex"]);
    my $certificate = eval { Vouch::Certificate->from_file("$folder/$hex.crt") };
    if ($certificate && $certificate->fingerprint(spelling => 'hex') eq lc $hex) {
        push @{ $more{fingerprints} }, $certificate->fingerprint(of => 'spki'),
            $certificate->fingerprint(digest => 'sha512');
        $more{expires} = $certificate->not_after;
    }
    return Vouch::KnownHosts::Formats::make_pin(
        host       => $host // q(),
        port       => $port,
        first_seen => scalar Vouch::KnownHosts::Formats::epoch_of($first),
        last_seen  => scalar Vouch::KnownHosts::Formats::epoch_of($last),
        %more,
    );
}

sub write_pins {
    my ($class, $file, $pins, $replace) = @_;
    my ($rows, $skipped) = Vouch::KnownHosts::Formats::lines_of($pins, \&_row);
    # Made elsewhere, so that it is there as a whole or not at all.
    my $folder = File::Temp->newdir('vouch-XXXXXX', TMPDIR => 1);
    my $db     = _open("$folder/new.db");
    $db->do($TABLE);
    $db->begin_work;
    my $insert = $db->prepare('INSERT INTO cert_cache VALUES (?, ?, ?, ?, ?, ?, ?)');
    $insert->execute(@$_) for @$rows;
    $db->commit;
    undef $insert;
    $db->disconnect;
    Vouch::File::write_file(
        $file,
        Vouch::File::read_file("$folder/new.db", max => MAX_BYTES),
        replace => $replace,
        private => 1,
    );
    return (scalar @$rows, $skipped);
}

sub _row {
    my ($pin) = @_;
    my ($hex) = ($pin->certificate_fingerprint // die "the digest of its certificate is not known\n") =~
        /([0-9a-f]+)\z/;
    # As Python writes its times; an unknown one is long ago.
    my ($first, $last) = map { $_ eq '-' ? '1970-01-01 00:00:00' : s/T/ /r =~ s/Z\z//r } $pin->first_seen_iso,
        $pin->last_seen_iso;
    return [$pin->host, $pin->port, q(), $hex, $first, $last, 1];
}

1;

__END__

=head1 NAME

Vouch::KnownHosts::AV98 - the database of AV-98 (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::KnownHosts;
    use Vouch::KnownHosts::AV98;

    my ($pins, $skipped) = Vouch::KnownHosts::AV98->read_pins('gemini.db');

=head1 DESCRIPTION

For use by L<Vouch::KnownHosts::Formats> only; it may change in any release.
Needs DBD::SQLite. AV-98 keeps a copy of each certificate in the folder
F<cert_cache> beside its database; a database that is written here comes without
them.

=head1 METHODS

=head2 read_pins

    my ($pins, $skipped) = Vouch::KnownHosts::AV98->read_pins($file);

As L<Vouch::KnownHosts::Formats/read_pins>.

=head2 write_pins

    my ($written, $skipped) = Vouch::KnownHosts::AV98->write_pins($file, $pins, $replace);

Writes a database of the table C<cert_cache> alone.

=head1 SEE ALSO

L<Vouch::KnownHosts>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
