use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use IO::Handle ();
use POSIX      ();

use VouchTest qw(failure identity on_full_disk run_command slurp spew temp_dir);
use VouchTest::Needs 'DBD::SQLite' => 'libdbd-sqlite3-perl';
use Vouch::Accounts;
use Vouch::Certificate;
use Vouch::Identity;

# Accounts in a file: several processes, and files that are not what they
# should be.

my $file = temp_dir() . '/accounts.db';
my ($laptop, $phone) =
    map { Vouch::Certificate->from_file((identity($_, cn => $_))[0]) } qw(laptop phone);

sub accounts { return Vouch::Accounts->new(file => $file, password_cost => 10, busy_seconds => 60, @_) }

sub start_anew {
    unlink $file, map { "$file-$_" } qw(wal shm);
    return;
}

# Run the code in children, all beginning at once; what they return, in lines.
sub at_once {
    my ($count, $code) = @_;
    pipe my $wait, my $go    or die "pipe: $!";
    pipe my $read, my $write or die "pipe: $!";
    my @pids;
    for my $number (1 .. $count) {
        my $pid = fork // die "fork: $!";
        if ($pid) { push @pids, $pid; next }
        close $go;
        close $read;
        sysread $wait, my $byte, 1;
        my $line = eval { $code->($number) } // (ref $@ ? $@->code . ': ' . $@->message : "died: $@");
        syswrite $write, $line =~ s/\n/ /gr . "\n";
        POSIX::_exit(0);
    }
    close $go;
    close $write;
    my @lines = <$read>;
    waitpid $_, 0 for @pids;
    chomp @lines;
    my @sorted = sort @lines;
    return @sorted;
}

subtest 'many make one file' => sub {
    start_anew();
    my @lines = at_once(10, sub { accounts(); 'made' });
    is join(q( ), @lines),                        join(q( ), ('made') x 10), 'all open it';
    is sprintf('%o', (stat $file)[2] & oct 7777), '600',                     'it is private';
    # The tables are made by another process just after we have looked.
    start_anew();
    my $row  = \&Vouch::Accounts::Database::row;
    my $seen = 0;
    no warnings 'redefine';
    local *Vouch::Accounts::Database::row = sub {
        my @result = $row->(@_);
        at_once(1, sub { accounts() }) if $_[1] =~ /application_id/ && !$seen++;
        return @result;
    };
    is failure(sub { accounts()->register($laptop, 'alex') }), 'none', 'nor does it matter who is first';
    ok $seen, 'which was not we';
};

subtest 'many register' => sub {
    start_anew();
    my $accounts = accounts();
    $accounts->account('nobody');    # the children inherit an open handle
    my @certificates = map { Vouch::Identity->create(cn => "c$_")->certificate } 1 .. 10;
    my @lines        = at_once(10, sub { $accounts->register($certificates[$_[0] - 1], "name$_[0]")->name });
    is join(q( ), @lines),                join(q( ), sort map { "name$_" } 1 .. 10), 'each has its account';
    is scalar(my @all = $accounts->list), 10,                                        'the parent sees them';
    @lines = at_once(10, sub { $accounts->register($laptop, "same$_[0]"); 'good' });
    is scalar(grep { $_ eq 'good' } @lines),                 1, 'one certificate registers once';
    is scalar(grep { /\Aexists: this certificate/ } @lines), 9, 'the others are told';
    @lines = at_once(10, sub { $accounts->rename("name$_[0]", 'One'); 'good' });
    is scalar(grep { $_ eq 'good' } @lines), 1, 'one name is taken once';
    my $token = $accounts->token('One');
    @lines = at_once(
        10,
        sub {
            $accounts->link(Vouch::Identity->create(cn => 'x')->certificate, token => $token);
            'good';
        }
    );
    is scalar(grep { $_ eq 'good' } @lines), 1, 'one token links once';
    $accounts->set_password('One', 'correct horse');
    @lines = at_once(
        15,
        sub {
            $accounts->link(
                Vouch::Identity->create(cn => 'x')->certificate,
                name     => 'One',
                password => 'wrong horse'
            );
        }
    );
    is scalar(grep { /\Apassword: / } @lines), 10, 'ten wrong passwords are tried';
    is scalar(grep { /\Alimit: / } @lines),    5,  'and no more, however many at once';
};

# Two workers serve; what one process changes counts for the next question.
subtest 'workers at run time' => sub {
    start_anew();
    my $accounts = accounts();
    my $alex     = $accounts->register($laptop, 'alex');
    my @workers  = map { start_worker($accounts) } 1 .. 2;
    my $ask      = sub {
        return join q( ), map { $_->($laptop) } @workers;
    };
    is $ask->(), 'alex alex', 'both know who it is';
    $accounts->revoke($alex);
    is $ask->(), 'nobody nobody', 'revoked';
    $accounts->restore($alex);
    $accounts->rename($alex, 'Berta');
    is $ask->(), 'Berta Berta', 'restored and renamed';
    $accounts->revoke_certificate($alex, $laptop);
    is $ask->(), 'nobody nobody', 'the certificate is revoked';
    $_->(undef) for @workers;
};

sub start_worker {
    my ($accounts) = @_;
    pipe my $in,  my $ask    or die "pipe: $!";
    pipe my $out, my $answer or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $ask;
        $answer->autoflush(1);
        while (($_ = <$in> // 'quit') !~ /quit/) {
            my $account = $accounts->find($laptop);
            print {$answer} $account ? $account->name : 'nobody', "\n";
        }
        POSIX::_exit(0);
    }
    close $in;
    close $answer;
    $ask->autoflush(1);
    return sub {
        if (!defined $_[0]) { print {$ask} "quit\n"; waitpid $pid, 0; return }
        print {$ask} "who\n";
        my $line = <$out> // 'gone';
        chomp $line;
        return $line;
    };
}

subtest 'files that are not what they should be' => sub {
    start_anew();
    my %bad = (
        'a text' => ['Hello, this is no database. ' x 100, qr/\Afile: .*accounts.db: file is not a database/],
        'half a header' => [substr("SQLite format 3\0" . "\0" x 100, 0, 50), qr/\Afile: .*not a database/],
    );
    for my $name (sort keys %bad) {
        my ($bytes, $says) = @{ $bad{$name} };
        spew($file, $bytes);
        like failure(\&accounts), $says, $name;
        is slurp($file), $bytes, 'it is as it was';
        start_anew();
    }
    require DBI;
    my $dbh = DBI->connect("dbi:SQLite:dbname=$file", q(), q(), { RaiseError => 1 });
    $dbh->do('CREATE TABLE account (precious TEXT)');
    like failure(\&accounts), qr/\Aformat: .*accounts.db is the database of another program/,
        'of another program';
    $dbh->disconnect;
    my $bytes = slurp($file);
    like failure(\&accounts), qr/\Aformat: /, 'told again';
    is slurp($file), $bytes, 'it is as it was';
    start_anew();
    accounts();
    $dbh = DBI->connect("dbi:SQLite:dbname=$file", q(), q(), { RaiseError => 1 });
    $dbh->do('PRAGMA user_version = 7');
    $dbh->disconnect;
    like failure(\&accounts), qr/\Aformat: .* tables of the version 7; this Vouch knows 1/,
        'of a later version';
    like failure(sub { accounts(file => temp_dir()) }),              qr/\Afile: .*Is a directory/, 'a folder';
    like failure(sub { accounts(file => temp_dir() . '/no/such') }), qr/\Afile: .*No such file/, 'no folder';
    start_anew();
};

subtest 'a name with any characters' => sub {
    my $odd      = temp_dir() . '/a b%20c?mode=ro#x&y;z';
    my $accounts = Vouch::Accounts->new(file => $odd);
    $accounts->register($laptop, 'alex');
    ok -s $odd, 'the file has that very name';
    is(Vouch::Accounts->new(file => $odd)->find($laptop)->name, 'alex', 'and is found again');
};

subtest 'a lock that is held' => sub {
    start_anew();
    my $accounts = accounts(busy_seconds => 0.1);
    $accounts->register($laptop, 'alex');
    my $dbh = DBI->connect("dbi:SQLite:dbname=$file", q(), q(), { RaiseError => 1 });
    $dbh->do('BEGIN IMMEDIATE');
    like failure(sub { $accounts->register($phone, 'berta') }),
        qr/\Atimeout: .*locked; another process .*0.1 s/,
        'writing waits, and then tells';
    is $accounts->find($laptop, now => time + 1000)->name, 'alex', 'reading goes on';
    $dbh->do('ROLLBACK');
    is $accounts->register($phone, 'berta')->name, 'berta', 'later it goes';
    $dbh->disconnect;
};

subtest 'a full disk' => sub {
    start_anew();
    accounts()->register($laptop, 'alex');
    my $code = <<'PERL';
$SIG{XFSZ} = 'IGNORE';
use Vouch::Accounts;
use Vouch::Identity;
my $accounts = Vouch::Accounts->new(file => shift);
my $laptop   = Vouch::Certificate->from_file(shift);
my $error;
for (1 .. 300) {
    eval { $accounts->register(Vouch::Identity->create(cn => 'x')->certificate, "n$_"); 1 } and next;
    $error = $@;
    last;
}
print STDOUT $error ? $error->code . ': ' . $error->message : 'no error', "\n";
print STDOUT $accounts->find($laptop, now => time + 1000)->name, "\n";
PERL
    my ($status, $out, $err) =
        run_command(on_full_disk(200, '-Mblib', '-e', $code, $file, temp_dir() . '/laptop-cert.pem'));
    is $status, 0, 'the program goes on' or diag $err;
    like $out, qr/\Afile: the accounts in .*accounts.db: .*(?:full|I\/O)/, 'the error says why';
    like $out, qr/\nalex\n\z/,                                             'who was known is found';
    is accounts()->find($laptop)->name, 'alex', 'and so it is afterwards';
};

done_testing;
