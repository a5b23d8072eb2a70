package Vouch::Accounts::Database 0.001;

use v5.16;
use warnings;

use Fcntl qw(O_CREAT O_RDWR S_IRUSR S_IWUSR);

use Vouch::Error ();

use constant {
    APPLICATION => 0x566f_7563,    # "Vouc": whose database it is
    TABLES      => 1,              # of the tables
};

my @TABLES = ( <<'SQL', <<'SQL', <<'SQL', <<'SQL', <<'SQL', <<'SQL', <<'SQL');
CREATE TABLE account (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL,
    folded    TEXT NOT NULL UNIQUE,
    created   INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    password  TEXT,
    revoked   INTEGER)
SQL
CREATE TABLE certificate (
    id          INTEGER PRIMARY KEY,
    account     INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL UNIQUE,
    key         TEXT NOT NULL,
    subject     TEXT NOT NULL,
    label       TEXT,
    not_before  INTEGER,
    not_after   INTEGER,
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    revoked     INTEGER)
SQL
CREATE INDEX certificate_key ON certificate (key)
SQL
CREATE INDEX certificate_account ON certificate (account)
SQL
CREATE TABLE token (
    digest  TEXT PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    expires INTEGER NOT NULL)
SQL
CREATE INDEX token_account ON token (account)
SQL
CREATE TABLE failure (
    who   TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    since INTEGER NOT NULL)
SQL

sub new {
    my ($class, $file, $busy_seconds) = @_;
    return bless { file => $file, busy => $busy_seconds }, $class;
}

# A connection belongs to one process and one thread.
sub open {
    my ($self) = @_;
    my $owner = "$$ " . (defined &threads::tid ? threads->tid : 0);
    return $self->{dbh} if $self->{dbh} && $self->{owner} eq $owner;
    if ($self->{owner} && $self->{file} eq ':memory:') {
        Vouch::Error->throw(
            code    => 'config',
            message => 'accounts in memory belong to the process that made them: name a file',
        );
    }
    $self->{dbh}   = undef;
    $self->{dbh}   = $self->_try(sub { return $self->_connect });
    $self->{owner} = $owner;
    if (
        !eval {
            $self->_try(sub { return $self->_prepare });
        }
        )
    {
        my $error = $@;
        $self->{dbh} = undef;
        die $error;
    }
    return $self->{dbh};
}

sub _connect {
    my ($self) = @_;
    if (!eval { require DBD::SQLite; 1 }) {
        Vouch::Error->throw(
            code    => 'config',
            message => 'accounts need DBD::SQLite: install the package libdbd-sqlite3-perl, or from CPAN',
        );
    }
    require DBI;
    my $name = $self->{file};
    if ($name ne ':memory:') {
        # Made private before SQLite would make it for all to read; its other
        # files take after it.
        sysopen my $new, $name, O_RDWR | O_CREAT, S_IRUSR | S_IWUSR or die "$!\n";
        close $new or die "$!\n";
        $name = 'uri=file:' . ($name =~ s{([^A-Za-z0-9/._-])}{sprintf '%%%02X', ord $1}ger);
    }
    my $dbh = DBI->connect(
        "dbi:SQLite:$name",
        q(), q(),
        {
            RaiseError                       => 1,
            PrintError                       => 0,
            AutoCommit                       => 1,
            AutoInactiveDestroy              => 1,
            sqlite_use_immediate_transaction => 1
        }
    );
    $dbh->sqlite_busy_timeout(int($self->{busy} * 1000));
    $dbh->do($_) for 'PRAGMA foreign_keys = ON', 'PRAGMA synchronous = NORMAL';
    return $dbh;
}

# Tables and mode, as they should be.  Until it is sure that the file is ours
# nothing is written.
sub _prepare {
    my ($self) = @_;
    my $dbh = $self->{dbh};
    $self->transaction(sub {
        return 1 if $self->_is_ours;
        $dbh->do($_) for @TABLES;
        $dbh->do('PRAGMA user_version = ' . TABLES);
        $dbh->do('PRAGMA application_id = ' . APPLICATION);
        return 1;
    }) if ($self->row('PRAGMA application_id'))[0] != APPLICATION;
    $self->_is_ours;
    # It takes a moment when nobody else reads: whoever opens it next may try.
    return 1 if ($self->row('PRAGMA journal_mode'))[0] =~ /\A(?:wal|memory)\z/;
    eval { $dbh->do('PRAGMA journal_mode = WAL'); 1 };
    return 1;
}

# 1 if the tables are there, 0 if there is nothing; dies for anything else.
sub _is_ours {
    my ($self) = @_;
    my ($application, $version, $tables) = map { ($self->row($_))[0] } 'PRAGMA application_id',
        'PRAGMA user_version', 'SELECT count(*) FROM sqlite_master';
    return 0 if !$tables && !$application;
    if ($application != APPLICATION) {
        Vouch::Error->throw(code => 'format', message => "$self->{file} is the database of another program");
    }
    if ($version != TABLES) {
        Vouch::Error->throw(
            code    => 'format',
            message => "$self->{file} has tables of the version $version; this Vouch knows " . TABLES,
        );
    }
    return 1;
}

# Run the code in a transaction that no other process writes in.
sub transaction {
    my ($self, $code) = @_;
    my $dbh = $self->open;
    return $self->_try(sub {
        # By DBI, which else counts a transaction that has failed to begin.
        # The first statement begins it, for writing.
        $dbh->begin_work;
        my $result = eval {
            my $done = $code->($self);
            $dbh->commit;
            $done;
        };
        if (my $error = $@) {
            eval { $dbh->rollback; 1 };
            die $error;
        }
        return $result;
    });
}

sub do {
    my ($self, $sql, @values) = @_;
    return $self->_try(sub {
        my $statement = $self->open->prepare_cached($sql);
        my $count     = $statement->execute(@values);
        $statement->finish;
        return $count + 0;
    });
}

sub insert {
    my ($self, $sql, @values) = @_;
    $self->do($sql, @values);
    return $self->{dbh}->sqlite_last_insert_rowid;
}

sub row {
    my ($self, $sql, @values) = @_;
    return @{ $self->_try(sub { return $self->_select($sql, 'fetchrow_arrayref', @values) })->[0] // [] };
}

sub rows {
    my ($self, $sql, @values) = @_;
    return @{ $self->_try(sub { return $self->_select($sql, 'fetchrow_hashref', @values) }) };
}

sub _select {
    my ($self, $sql, $fetch, @values) = @_;
    my $statement = $self->open->prepare_cached($sql);
    $statement->execute(@values);
    my @rows;
    while (my $row = $statement->$fetch) { push @rows, ref $row eq 'ARRAY' ? [@$row] : {%$row} }
    return \@rows;
}

# What SQLite says as an error of ours.
sub _try {
    my ($self, $code) = @_;
    local $@;
    my $result = eval { $code->() };
    return $result if !$@;
    my $error = $@;
    die $error if ref $error;
    my $text = $error =~ s/ at \S+ line [0-9]+\.?\n.*\z//sr =~ s/\ADBD::SQLite::\w+ \w+ failed: //r;
    Vouch::Error->throw(
        code    => $text =~ /locked/ ? 'timeout' : 'file',
        message => "the accounts in $self->{file}: $text"
            . ($text =~ /locked/ ? "; another process has held them for $self->{busy} s" : q()),
    );
}

1;

__END__

=head1 NAME

Vouch::Accounts::Database - the tables of the accounts (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Accounts::Database;

    my $database = Vouch::Accounts::Database->new('accounts.db', 10);
    my ($count)  = $database->row('SELECT count(*) FROM account');

=head1 DESCRIPTION

For use by L<Vouch::Accounts> only; it may change in any release. Needs
DBD::SQLite. Each process, and each thread, opens the file for itself when it
needs it. Writing is done ahead (WAL), so that readers and one writer do not wait
for each other. All methods die with a L<Vouch::Error>.

=head1 METHODS

=head2 new

    my $database = Vouch::Accounts::Database->new($file, $busy_seconds);

Opens nothing yet.

=head2 open

    my $dbh = $database->open;

This process's DBI handle; makes the file and the tables if they are not there.

=head2 transaction

    my $result = $database->transaction(sub { my ($db) = @_; ... });

Runs the function while nobody else writes, and undoes all if it dies.

=head2 do, insert

    my $count = $database->do($sql, @values);
    my $id    = $database->insert($sql, @values);

Runs a statement; returns how many rows it has changed, or the number of the new one.

=head2 row, rows

    my ($name) = $database->row('SELECT name FROM account WHERE id = ?', 1);
    my @hashes = $database->rows('SELECT * FROM account');

The first row of a question as a list; all of them as hash references.

=head1 SEE ALSO

L<Vouch::Accounts>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
