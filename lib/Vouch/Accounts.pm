package Vouch::Accounts 0.001;

use v5.16;
use warnings;

use Digest::SHA  qw(sha256_hex);
use Scalar::Util qw(blessed);

use Vouch                     ();
use Vouch::Accounts::Account  ();
use Vouch::Accounts::Database ();
use Vouch::Certificate        ();
use Vouch::Error              ();

use constant {
    NAME_BYTES        => 64,
    PASSWORD_LEAST    => 8,
    PASSWORD_MOST     => 1024,     # csrc/trust/password.h
    PASSWORD_COST     => 15,
    TOKEN_SECONDS     => 600,
    TOKENS            => 5,        # of an account at a time
    SEEN_AGAIN        => 60,       # seconds after which "last seen" is worth writing
    TRIES             => 10,
    TRIES_SECONDS     => 300,
    FAILURES_REMEMBER => 10_000,
};

# Digits and letters that nobody takes for one another.
my @LETTERS = split //, '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

# As Astrobotany has them: ASCII, at most 30 characters.
my $NAME = qr{\A[A-Za-z0-9](?:[A-Za-z0-9._-]|[ ](?=[A-Za-z0-9])){0,29}\z};

my %DEFAULT = (
    names            => $NAME,
    max_accounts     => 100_000,
    max_certificates => 20,
    password_cost    => PASSWORD_COST,
    busy_seconds     => 10,
);

sub new {
    my ($class, %arg) = @_;
    my $file = delete $arg{file} // _wrong('file is missing: the name of the database, or :memory:');
    my %self = map { $_ => delete $arg{$_} // $DEFAULT{$_} } keys %DEFAULT;
    _wrong('new does not know ' . join ', ', sort keys %arg) if %arg;
    _wrong('names must be a pattern (qr/.../)')              if ref $self{names} ne 'Regexp';
    $self{database} = Vouch::Accounts::Database->new($file, $self{busy_seconds});
    my $self = bless \%self, $class;
    $self->{database}->open;
    return $self;
}

sub register {
    my ($self, $certificate, $name, %arg) = @_;
    my ($now, $label) = _take('register', \%arg, qw(now label));
    my $text  = $self->_name($name);
    my $facts = _facts($certificate);
    return $self->_write(sub {
        my ($db) = @_;
        _refuse_known($db, $facts);
        my ($count) = $db->row('SELECT count(*) FROM account');
        _limit("there are $count accounts already") if $count >= $self->{max_accounts};
        _refuse_name($db, $text);
        my $id = $db->insert('INSERT INTO account (name, folded, created, last_seen) VALUES (?, ?, ?, ?)',
            $text, _fold($text), $now, $now);
        _add_certificate($db, $id, $facts, $now, $label);
        return _account($db, $id);
    });
}

sub find {
    my ($self, $certificate, %arg) = @_;
    my ($now, $revoked) = _take('find', \%arg, qw(now revoked));
    return if !defined $certificate;
    my $facts   = _facts($certificate);
    my $row     = _known($self->{database}, $facts)            // return;
    my $account = _account($self->{database}, $row->{account}) // return;
    if ($row->{blocked} || $account->is_revoked) { return $revoked ? $account : () }
    $self->_seen($row, $facts, $now);
    return $account;
}

sub account {
    my ($self, $who) = @_;
    my $id = _id_of($self->{database}, $who);
    return defined $id ? _account($self->{database}, $id) : ();
}

sub list {
    my ($self, %arg) = @_;
    my $limit  = delete $arg{limit}  // -1;
    my $offset = delete $arg{offset} // 0;
    _wrong('list does not know ' . join ', ', sort keys %arg) if %arg;
    return map { Vouch::Accounts::Account->_new($_) } $self->{database}->rows(<<'SQL', $limit, $offset);
SELECT *, password IS NOT NULL AS has_password FROM account ORDER BY folded LIMIT ? OFFSET ?
SQL
}

sub certificates {
    my ($self, $who) = @_;
    my $id = _id_of($self->{database}, $who);
    return defined $id ? $self->{database}->rows(<<'SQL', $id) : ();
SELECT fingerprint, key, subject, label, not_before, not_after, first_seen, last_seen, revoked
    FROM certificate WHERE account = ? ORDER BY first_seen, id
SQL
}

sub rename {
    my ($self, $who, $name) = @_;
    my $text = $self->_name($name);
    return $self->_write(sub {
        my ($db) = @_;
        my $id = _need($db, $who);
        _refuse_name($db, $text, $id);
        $db->do('UPDATE account SET name = ?, folded = ? WHERE id = ?', $text, _fold($text), $id);
        return _account($db, $id);
    });
}

sub remove {
    my ($self, $who) = @_;
    return $self->_change_one($who, 'DELETE FROM account WHERE id = ?');
}

sub revoke {
    my ($self, $who, %arg) = @_;
    my ($now) = _take('revoke', \%arg, 'now');
    return $self->_change_one($who, 'UPDATE account SET revoked = ? WHERE revoked IS NULL AND id = ?', $now);
}

sub restore {
    my ($self, $who) = @_;
    return $self->_change_one($who, 'UPDATE account SET revoked = NULL WHERE revoked IS NOT NULL AND id = ?');
}

sub revoke_certificate {
    my ($self, $who, $fingerprint, %arg) = @_;
    my ($now) = _take('revoke_certificate', \%arg, 'now');
    return $self->_change_certificate($who, $fingerprint,
        'UPDATE certificate SET revoked = ? WHERE revoked IS NULL AND account = ? AND fingerprint = ?', $now);
}

sub remove_certificate {
    my ($self, $who, $fingerprint) = @_;
    return $self->_change_certificate($who, $fingerprint,
        'DELETE FROM certificate WHERE account = ? AND fingerprint = ?');
}

sub set_password {
    my ($self, $who, $password) = @_;
    my $kept = defined $password ? _make_password(_password($password), $self->{password_cost}) : undef;
    return $self->_change_one($who, 'UPDATE account SET password = ? WHERE id = ?', $kept);
}

sub token {
    my ($self, $who, %arg) = @_;
    my ($now, $seconds) = _take('token', \%arg, qw(now seconds));
    $seconds //= TOKEN_SECONDS;
    my $token = join '-', map {
        join q(), map { $LETTERS[ord($_) & 31] } split //,
            _random(4)
    } 1 .. 4;
    $self->_write(sub {
        my ($db) = @_;
        my $id = _need($db, $who);
        $db->do('DELETE FROM token WHERE expires <= ?', $now);
        my ($count) = $db->row('SELECT count(*) FROM token WHERE account = ?', $id);
        if ($count >= TOKENS) { _limit('this account has ' . TOKENS . ' tokens that are not used yet') }
        $db->do('INSERT INTO token (digest, account, expires) VALUES (?, ?, ?)',
            _token_digest($token), $id, $now + $seconds);
        return 1;
    });
    return $token;
}

sub link {
    my ($self, $certificate, %arg) = @_;
    my ($now, $token, $name, $password, $label) = _take('link', \%arg, qw(now token name password label));
    my $facts = _facts($certificate);
    my $by    = defined $token ? 'token' : 'password';
    _wrong('link needs a token, or name and password')
        if defined $token ? defined $password : !(defined $name && defined $password);
    my $id = defined $token ? undef : $self->_id_by_password($facts, $name, $password, $now);
    return $self->_write(sub {
        my ($db) = @_;
        $id = _use_token($db, $token, $now) if $by eq 'token';
        my $account = _account($db, $id) // _mismatch($by);
        _mismatch($by) if $account->is_revoked;
        _refuse_known($db, $facts);
        $self->_make_room($db, $id);
        _add_certificate($db, $id, $facts, $now, $label);
        return $account;
    });
}

# Named arguments, the first of them the time.
sub _take {
    my ($method, $arg, @names) = @_;
    my %value = map { $_ => delete $arg->{$_} } @names;
    _wrong("$method does not know " . join ', ', sort keys %$arg) if %$arg;
    $value{now} //= time;
    _wrong("now => '$value{now}' is not a number of seconds since 1970") if $value{now} !~ /\A[0-9]{1,15}\z/;
    return @value{@names};
}

sub _write {
    my ($self, $code) = @_;
    return $self->{database}->transaction($code);
}

sub _change_one {
    my ($self, $who, $sql, @values) = @_;
    return $self->_write(sub {
        my ($db) = @_;
        my $id = _id_of($db, $who);
        return defined $id ? $db->do($sql, @values, $id) : 0;
    });
}

sub _change_certificate {
    my ($self, $who, $fingerprint, $sql, @values) = @_;
    my $print = _print_of($fingerprint);
    return $self->_write(sub {
        my ($db) = @_;
        my $id = _id_of($db, $who);
        return defined $id ? $db->do($sql, @values, $id, $print) : 0;
    });
}

sub _print_of {
    my ($what) = @_;
    require Vouch::Trust;
    my $print = Vouch::Trust::_print_of($what);
    _wrong('the fingerprint of a certificate by SHA-256 is wanted') if $print !~ /\Asha256\$[0-9a-f]+\z/;
    return $print;
}

sub _facts {
    my ($certificate) = @_;
    _wrong('this is no certificate') if !blessed $certificate || !$certificate->isa('Vouch::Certificate');
    return {
        fingerprint => $certificate->fingerprint,
        key         => $certificate->fingerprint(of => 'spki'),
        subject     => $certificate->subject,
        not_before  => $certificate->not_before,
        not_after   => $certificate->not_after,
    };
}

sub _add_certificate {
    my ($db, $id, $facts, $now, $label) = @_;
    my @fields = qw(fingerprint key subject not_before not_after);
    $db->do(<<'SQL', $id, @$facts{@fields}, $now, $now, defined $label ? _line($label) : undef);
INSERT INTO certificate
    (account, fingerprint, key, subject, not_before, not_after, first_seen, last_seen, label)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
SQL
    return;
}

# The row of the certificate, or of another with its key; blocked if one of
# them was revoked.  undef if there is none.
sub _known {
    my ($db, $facts) = @_;
    my @rows = $db->rows(<<'SQL', @$facts{qw(fingerprint key)});
SELECT id, account, fingerprint, last_seen, revoked FROM certificate WHERE fingerprint = ? OR key = ?
SQL
    return if !@rows;
    my ($same) = grep { $_->{fingerprint} eq $facts->{fingerprint} } @rows;
    my $row = $same // $rows[0];
    return { %$row, same => defined $same, blocked => scalar grep { defined $_->{revoked} } @rows };
}

sub _refuse_known {
    my ($db, $facts) = @_;
    my $row = _known($db, $facts) // return;
    Vouch::Error->throw(
        code    => 'exists',
        message => $row->{blocked}
        ? 'this certificate, or its key, was revoked'
        : 'this certificate, or its key, belongs to an account already',
    );
}

# It was here now, and a renewed certificate takes its place beside the old.
sub _seen {
    my ($self, $row, $facts, $now) = @_;
    return if $row->{same} && $now - $row->{last_seen} < SEEN_AGAIN;
    my $note = sub {
        my ($db) = @_;
        # Another process may have noted or revoked it since.
        my $again = _known($db, $facts) // return 0;
        return 0 if $again->{blocked} || $again->{account} != $row->{account};
        if ($again->{same}) {
            $db->do('UPDATE certificate SET last_seen = max(last_seen, ?) WHERE id = ?', $now, $again->{id});
        }
        else {
            $self->_forget_oldest($db, $row->{account}, $facts->{key});
            _add_certificate($db, $row->{account}, $facts, $now, undef);
        }
        $db->do('UPDATE account SET last_seen = max(last_seen, ?) WHERE id = ?', $now, $row->{account});
        return 1;
    };
    # Who it is is known without: a full disk shuts nobody out.
    local $@;
    eval { $self->_write($note); 1 };
    return;
}

# Of a key that is renewed again and again the latest certificates are kept.
sub _forget_oldest {
    my ($self, $db, $id, $key) = @_;
    $db->do(<<'SQL', $id, $key, $id, $key, $self->{max_certificates} - 1);
DELETE FROM certificate WHERE account = ? AND key = ? AND id NOT IN (
    SELECT id FROM certificate WHERE account = ? AND key = ? ORDER BY last_seen DESC, id DESC LIMIT ?)
SQL
    return;
}

sub _make_room {
    my ($self, $db, $id) = @_;
    my ($count) = $db->row('SELECT count(DISTINCT key) FROM certificate WHERE account = ?', $id);
    _limit("this account has $count certificates already; remove one") if $count >= $self->{max_certificates};
    return;
}

sub _account {
    my ($db, $id) = @_;
    my ($row) = $db->rows('SELECT *, password IS NOT NULL AS has_password FROM account WHERE id = ?', $id);
    return $row ? Vouch::Accounts::Account->_new($row) : undef;
}

# The number of an account, which is given as an object or by its name.
sub _id_of {
    my ($db, $who) = @_;
    _wrong('which account? give its name, or the object') if !defined $who;
    my ($id) =
        blessed $who && $who->isa('Vouch::Accounts::Account')
        ? $db->row('SELECT id FROM account WHERE id = ?',     $who->id)
        : $db->row('SELECT id FROM account WHERE folded = ?', _fold(_bytes($who)));
    return $id;
}

sub _need {
    my ($db, $who) = @_;
    return _id_of($db, $who)
        // Vouch::Error->throw(code => 'argument', message => 'there is no such account');
}

sub _refuse_name {
    my ($db, $name, $mine) = @_;
    my ($id) = $db->row('SELECT id FROM account WHERE folded = ?', _fold($name));
    return if !defined $id || (defined $mine && $id == $mine);
    Vouch::Error->throw(code => 'exists', message => "the name \"$name\" is taken");
}

sub _name {
    my ($self, $name) = @_;
    _wrong('the name is missing') if !defined $name;
    my $bytes = _line($name);
    _limit('a name has at most ' . NAME_BYTES . ' bytes') if length $bytes > NAME_BYTES;
    _wrong('a name has letters, digits, and between them ".", "_", "-" or one blank; at most 30 characters')
        if $self->{names} == $NAME && $bytes !~ $NAME;
    _wrong("the name \"$bytes\" is not allowed") if "$name" !~ $self->{names};
    return $bytes;
}

# One line of text, as bytes.
sub _line {
    my ($text) = @_;
    my $bytes = _bytes($text);
    _wrong('a name is one line of text')    if !length $bytes || $bytes =~ /[\x00-\x1f\x7f]/;
    _limit('a text has at most 1024 bytes') if length $bytes > 1024;
    return $bytes;
}

sub _bytes {
    my ($text) = @_;
    _wrong('a text is wanted, not a reference to ' . ref $text) if ref $text;
    utf8::encode($text)                                         if utf8::is_utf8($text);
    return $text;
}

# Names that differ in case only are one.
sub _fold { return $_[0] =~ tr/A-Z/a-z/r }

sub _password {
    my ($password) = @_;
    my $bytes = _bytes($password);
    _wrong('a password has ' . PASSWORD_LEAST . ' to ' . PASSWORD_MOST . ' bytes')
        if length $bytes < PASSWORD_LEAST || length $bytes > PASSWORD_MOST;
    return $bytes;
}

# What a person may type instead is understood as well.
sub _token_digest {
    my ($token) = @_;
    my $plain = uc(_bytes($token)) =~ tr/ \-//dr =~ tr/OIL/011/r;
    return sha256_hex($plain);
}

sub _use_token {
    my ($db, $token, $now) = @_;
    my $digest = _token_digest($token);
    my ($id) = $db->row('SELECT account FROM token WHERE digest = ? AND expires > ?', $digest, $now);
    _mismatch('token') if !defined $id;
    $db->do('DELETE FROM token WHERE digest = ?', $digest);
    return $id;
}

# Tried by name and by key, so that neither one name can be tried by many
# certificates nor many names by one.
sub _id_by_password {
    my ($self, $facts, $name, $password, $now) = @_;
    my @who = ('name ' . sha256_hex(_fold(_bytes($name))), "key $facts->{key}");
    $self->_write(sub { return _count_try($_[0], $now, @who) });
    my ($row) =
        $self->{database}->rows('SELECT id, password FROM account WHERE folded = ?', _fold(_bytes($name)));
    # Where there is nothing to compare with the time is the same.
    my $nobody = $self->_no_password;
    my $kept   = $row && $row->{password};
    my $bytes  = _bytes($password);
    my $good   = length $bytes <= PASSWORD_MOST && _is_password($bytes, $kept // $nobody);
    _mismatch('password') if !$good || !$kept;
    $self->_write(sub { return $_[0]->do('DELETE FROM failure WHERE who IN (?, ?)', @who) });
    return $row->{id};
}

sub _no_password {
    my ($self) = @_;
    return $self->{no_password} //= _make_password('nobody has this', $self->{password_cost});
}

# A try counts before it is made, so that many at once are no way around.
sub _count_try {
    my ($db, $now, @who) = @_;
    $db->do('DELETE FROM failure WHERE since <= ?', $now - TRIES_SECONDS);
    for my $who (@who) {
        my ($count) = $db->row('SELECT count FROM failure WHERE who = ?', $who);
        next if ($count // 0) < TRIES;
        _limit('too many wrong passwords; try again in ' . TRIES_SECONDS / 60 . ' minutes');
    }
    my ($all) = $db->row('SELECT count(*) FROM failure');
    _limit('too many wrong passwords of many; try again later') if $all > FAILURES_REMEMBER;
    for my $who (@who) {
        $db->do('INSERT OR IGNORE INTO failure (who, count, since) VALUES (?, 0, ?)', $who, $now);
        $db->do('UPDATE failure SET count = count + 1 WHERE who = ?', $who);
    }
    return 1;
}

# Which of them is wrong is not told.
sub _mismatch {
    my ($by) = @_;
    Vouch::Error->throw(
        code    => 'password',
        message => $by eq 'token' ? 'the token is wrong, used, or too old' : 'name or password is wrong',
    );
}

sub _limit {
    my ($text) = @_;
    Vouch::Error->throw(code => 'limit', message => $text);
}

sub _wrong {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Accounts - whose certificate is it? Accounts with names, certificates, passwords

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Accounts;

    my $accounts = Vouch::Accounts->new(file => 'accounts.db');

    sub greet {
        my ($certificate) = @_;
        return '60 Show a certificate' if !$certificate;
        my $account = $accounts->find($certificate) or return '61 Register first';
        return '20 Hello, ' . $account->name;
    }

=head1 DESCRIPTION

Who shows a certificate is somebody; this class remembers who. A visitor registers
with a certificate and a name, and is found again by the certificate, or by its key,
so that a renewed certificate keeps its account. To use the same account from a
second device, which has another certificate, one gets a token there where one is
known, and gives it here; or one has set a password. Certificates and accounts
can be revoked, and that counts for the next request, in all processes.

The accounts are in an SQLite database, and need DBD::SQLite. Your own tables
belong into another file; their rows can name L<Vouch::Accounts::Account/id>.

=for example begin perl needs DBD::SQLite

    use v5.16;
    use warnings;
    use Vouch::Accounts;
    use Vouch::Identity;

    Vouch::Identity->create(cn => $_, file => $_) for qw(laptop phone);
    my ($laptop, $phone) = map { Vouch::Certificate->from_file("$_-cert.pem") } qw(laptop phone);

    my $accounts = Vouch::Accounts->new(file => 'accounts.db');
    my $alex     = $accounts->register($laptop, 'Alex');
    say $accounts->find($laptop)->name;              # prints: Alex
    say $accounts->find($phone) ? 'known' : 'new';   # prints: new

    # A token, shown on the laptop and typed on the phone.
    my $token = $accounts->token($alex);
    say $accounts->link($phone, token => lc $token)->name;    # prints: Alex
    say $accounts->find($phone)->id == $alex->id;    # prints: 1

    # Renewed with the same key it is the same person.
    Vouch::Identity->load(file => 'laptop')->renew(file => 'laptop', replace => 1);
    my $renewed = Vouch::Certificate->from_file('laptop-cert.pem');
    say $accounts->find($renewed)->name;             # prints: Alex
    say scalar(my @three = $accounts->certificates($alex));    # prints: 3

    # The phone is lost.
    $accounts->revoke_certificate($alex, $phone);
    say $accounts->find($phone) ? 'known' : 'refused';    # prints: refused

    $accounts->rename($alex, 'Alexis');
    say $_->name for $accounts->list;                # prints: Alexis
    $accounts->revoke('Alexis');
    say $accounts->find($renewed) ? 'known' : 'refused';    # prints: refused
    $accounts->restore('Alexis');
    $accounts->remove('Alexis');

=for example end

=head2 Names

By default a name has 1 to 30 ASCII letters and digits, and between them dots,
dashes, underscores and single blanks: nothing that could be taken for another
name, or break a page. C<Alex> and C<alex> are one name. With C<names> you can
allow others, up to 64 bytes in UTF-8; control characters never.

=head2 Secrets

A password is kept as a salted hash by scrypt, which takes a tenth of a second and
32 MiB for each try. Ten tries in five minutes are allowed for a name, and for a
key; somebody else may use up those of a name, and then its owner waits, or uses a
token. Whether a name is unknown, has no password, or another one is not told, also
not by the time it takes. A token has 80 random bits, counts once and for ten
minutes, and only its digest is stored. Passwords are compared in constant time.

The file is made for its owner alone (mode 0600).

=head1 CALLBACKS

None.

=head1 METHODS

In place of an account object its name will do.

=head2 new

    my $accounts = Vouch::Accounts->new(file => 'accounts.db');

Opens the database, or makes it. Arguments, by name:

=over 4

=item file

The file; C<:memory:> for accounts that live as long as the process, in tests.

=item names

A pattern (C<qr/.../>) of the names that are allowed. See L</Names>.

=item max_accounts

How many accounts there may be; default: 100,000.

=item max_certificates

How many keys an account may have, and of each how many certificates are
remembered; default: 20.

=item password_cost

The binary logarithm of what a password costs to try, 10 to 20; default: 15. Each
step doubles time and memory.

=item busy_seconds

How long to wait while another process writes; default: 10.

=back

=head2 register

    my $account = $accounts->register($certificate, $name, label => 'laptop', now => $epoch);

A new account, a L<Vouch::Accounts::Account>. Dies with C<exists> if the name is
taken, or the certificate or its key is known, be it revoked; with C<argument> for a
name that is not allowed; with C<limit> if there are too many. C<label> is a word
for the list of certificates.

=head2 find

    my $account = $accounts->find($certificate) or return need_account();

The account of a certificate, by its SHA-256 fingerprint or by that of its public
key; nothing if there is none, if the account or the certificate is revoked, or if
the certificate is undef. A certificate of a known key that is seen for the first
time is remembered. Dates are not looked at; that is for the server
(L<Vouch::Certificate/is_expired>).

C<now> is the time for "last seen"; with C<< revoked => 1 >> revoked ones are found as
well. That the visit cannot be noted, as the disk is full, is no error.

=head2 account

    my $account = $accounts->account('alex');

An account by its name, or as it is now; nothing if there is none.

=head2 list

    say $_->name for $accounts->list(limit => 100, offset => 200);

All accounts by name, or some of them.

=head2 certificates

    for my $certificate ($accounts->certificates($account)) {
        say join ' ', $certificate->{fingerprint}, $certificate->{label} // '-';
    }

The certificates of an account, first seen first: references to hashes of
C<fingerprint>, C<key> (its fingerprint), C<subject>, C<label>, C<not_before>,
C<not_after>, C<first_seen>, C<last_seen> and C<revoked>, which is the time or undef.

=head2 rename

    $account = $accounts->rename($account, 'alexis');

Gives it another name. Dies as C<register>, and with C<argument> if there is no such
account.

=head2 remove

    $accounts->remove($account) or warn "it was not there\n";

Removes an account with all its certificates. Returns 1, or 0 if there is none. Its
name and its certificates may be registered by anybody who has them.

=head2 revoke, restore

    $accounts->revoke($account);
    $accounts->restore($account);

A revoked account is not found, and nothing can be linked to it; name and
certificates stay taken. Returns 1, or 0 if there was nothing to change.

=head2 revoke_certificate, remove_certificate

    $accounts->revoke_certificate($account, $fingerprint);
    $accounts->remove_certificate($account, $certificate);

Of a certificate that was lost or stolen: once revoked, neither it nor another of
its key is let in, by any account. Of one that is not needed: it is forgotten, and may
be registered or linked anew. The fingerprint is SHA-256, of the certificate; or give
the certificate. Returns 1, or 0 if the account has no such certificate.

=head2 token

    my $token = $accounts->token($account, seconds => 600);    # 7K3M-90QF-ZW2H-C8TN

A new token, to be given to L</link> with another certificate. Case, blanks and dashes
do not count, nor whether O or 0 was typed. An account has five at a time at most.

=head2 set_password

    $accounts->set_password($account, $password);
    $accounts->set_password($account, undef);

Sets the password, of 8 to 1024 bytes, or takes it away. Returns 1, or 0 if there is
no such account.

=head2 link

    my $account = $accounts->link($certificate, token => $token, label => 'phone');
    my $account = $accounts->link($certificate, name => $name, password => $password);

Adds a certificate to an account. Dies with C<password> if the token, or name and
password, are wrong; with C<limit> after too many tries or with too many certificates;
with C<exists> if the certificate or its key belongs to an account.

=head1 ERRORS

All methods die with a L<Vouch::Error>. Besides those above: C<file> if the database
cannot be read or written, C<timeout> if other processes have held it too long,
C<format> if the file is of another program, C<config> without DBD::SQLite, and for
accounts in memory after a fork.

=head1 THREADS AND FORK

After a C<fork>, and in a new thread, the file is opened anew. Any number of processes
may use it. It should not be on a network file system.

=head1 SEE ALSO

L<Vouch::Trust>, L<Vouch::Certificate>, F<examples/gemini-accounts.pl>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
