use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use Fcntl       qw(LOCK_EX);
use POSIX       ();
use Time::HiRes ();

use VouchTest qw(failure identity on_full_disk run_command slurp spew temp_dir);
use Vouch::Certificate;
use Vouch::KnownHosts;

# Whatever happens to the file of known hosts, nothing already stored is lost,
# and the error says what to do.

my $certificate = Vouch::Certificate->from_file((identity('host',  cn => 'localhost'))[0]);
my $other       = Vouch::Certificate->from_file((identity('other', cn => 'localhost'))[0]);
my $folder      = temp_dir() . '/data/deep';
my $file        = "$folder/known_hosts";
my $HEADER      = "# vouch known hosts 1\n";

sub known { return Vouch::KnownHosts->new(file => $file, @_) }

sub start_anew {
    unlink $file;
    known()->accept('example.org', 1965, $certificate);
    known()->accept('localhost',   1965, $certificate);
    return slurp($file);
}

# Reading, judging and storing fail with this, and the file stays as it is.
sub refuses {
    my ($bytes, $says, $name) = @_;
    spew($file, $bytes);
    my $known = known();
    like failure(sub { $known->check('new.example', 1965, $certificate) }), $says, "$name: no verdict";
    like failure(sub { $known->accept('new.example', 1965, $certificate) }), $says,
        "$name: nothing is stored";
    like failure(sub { $known->remove('example.org', 1965) }), $says, "$name: nothing is removed";
    is slurp($file), $bytes, "$name: the file is as it was";
    return;
}

subtest 'the first time' => sub {
    is scalar(my @none = known()->list), 0, 'no folder: no hosts';
    ok !-e $folder, 'and none is made by looking';
    start_anew();
    is sprintf('%o', (stat $folder)[2] & oct 7777), '700', 'the folder is private';
    is scalar(my @two = known()->list),             2,     'two hosts';
};

subtest 'a damaged file' => sub {
    my $good = start_anew();
    refuses(q(), qr/\Aformat: \Q$file\E: is empty, .* restore it/, 'emptied');
    refuses(substr($good, 0, -1),  qr/\Aformat: .* line 3 was cut off/, 'one byte short');
    refuses(substr($good, 0, -40), qr/\Aformat: .* line 3 was cut off/, 'cut in a line');
    refuses(
        substr($good, 0, 10),
        qr/\Aformat: .* the first line must be "# vouch known hosts 1"/,
        'cut in the first'
    );
    refuses("localhost ssh-rsa AAAA\n", qr/\Aformat: .* is no file of known hosts/, 'of another program');
    refuses(join(q(), map { chr } 0 .. 255) x 10, qr/\Aformat: .* is no file of known hosts/, 'binary');
    refuses($HEADER . join(q(), map { chr } 0 .. 255) . "\n", qr/\Aformat: .* line 2: /,      'binary lines');
    refuses(
        "${good}localhost 1965\n",
        qr/\Aformat: .* line 4: the expiry is missing; mend or remove/,
        'a bad line'
    );
    refuses($good . (split /^/, $good)[1],
        qr/\Aformat: .* line 4: example.org 1965 is in line 2 already/, 'twice');
    refuses(
        "$good:a:a 1 - - - " . 'ab' x 32 . "\n",
        qr/\Aformat: .* line 4: host ":a:a" is no address/,
        'no address'
    );
    refuses($good . 'x' x 3000 . "\n", qr/\Aformat: .* line 4: the line has more than/, 'a long line');
    refuses($good =~ s/\n/\r\n/gr,     qr/\Aformat: .* is no file/, 'line ends of another system');
    spew($file, $good);
    is scalar(my @two = known()->list), 2, 'mended it is read';
};

subtest 'what a person has written stays' => sub {
    my $good  = start_anew();
    my @line  = split /^/, $good;
    my $notes = "$line[0]# my friends\n\n$line[1]  # and others\n$line[2]";
    spew($file, $notes);
    my $known = known();
    $known->accept('new.example', 1965, $certificate);
    is slurp($file), $notes . $known->find('new.example')->line . "\n", 'a new host comes last';
    $known->accept('example.org', 1965, $other);
    is(
        (split /^/, slurp($file))[3],
        $known->find('example.org')->line . "\n",
        'a known one stays in its place'
    );
    $known->remove('localhost', 1965);
    like slurp($file), qr/\A$HEADER# my friends\n\nexample.org .*\n  # and others\nnew.example .*\n\z/,
        'another is taken out';
};

subtest 'things that are no file' => sub {
    unlink $file;
    mkdir $file or die "$file: $!";
    like failure(sub { known()->list }), qr/\Aformat: .*is not a regular file/, 'a folder';
    rmdir $file                   or die "$file: $!";
    POSIX::mkfifo($file, oct 600) or die "$file: $!";
    like failure(sub { known()->list }), qr/\Aformat: .*is not a regular file/, 'a pipe, without waiting';
    unlink $file;
    my $below = Vouch::KnownHosts->new(file => spew(temp_dir() . '/plain', 'x') . '/known_hosts');
    like failure(sub { $below->list }), qr/\Afile: .*Not a directory/, 'below a file: reading';
    like failure(sub { $below->accept('localhost', 1, $certificate) }), qr/\Afile: .*(?:directory|exists)/i,
        'below a file: storing';
    is slurp(temp_dir() . '/plain'), 'x', 'the file is as it was';
};

subtest 'a file without an end' => sub {
    my $good = start_anew();
    open my $out, '>>', $file or die "$file: $!";
    truncate $out, 40_000_000 or die "$file: $!";
    close $out or die "$file: $!";
    my $known = known();
    like failure(sub { $known->check('localhost', 1965, $certificate) }),
        qr/\Alimit: .*is larger than 33554432 bytes/,
        'is not read';
    like failure(sub { $known->accept('localhost', 1965, $certificate) }), qr/\Alimit: /, 'nor written';
    is -s $file, 40_000_000, 'it is as it was';
};

subtest 'read-only' => sub {
    my $good = start_anew();
    chmod oct 400, $file or die "$file: $!";
    my $known = known();
    is $known->check('localhost', 1965, $certificate), 'match', 'it is read';
    like failure(sub { $known->accept('new.example', 1965, $certificate) }),
        qr/\Afile: \Q$file\E is read-only: nothing was stored; .*chmod u\+w/, 'not written';
    is slurp($file),                              $good, 'as it was';
    is sprintf('%o', (stat $file)[2] & oct 7777), '400', 'the mode too';
    chmod oct 644, $file or die "$file: $!";
    $known->accept('new.example', 1965, $certificate);
    is sprintf('%o', (stat $file)[2] & oct 7777), '644', 'what others may read they may go on reading';
};

subtest 'a symbolic link' => sub {
    my $good = start_anew();
    my $real = temp_dir() . '/real_hosts';
    rename $file, $real or die "$file: $!";
    symlink $real, $file or die "$file: $!";
    my $known = known();
    $known->accept('new.example', 1965, $certificate);
    ok -l $file, 'the link is there';
    like slurp($real), qr/\A\Q$good\Enew.example /, 'the file it leads to is written';
    ok -e "$real.lock", 'under the lock of that file';
    unlink $real;
    is scalar(my @none = $known->list), 0, 'a link to no file: no hosts';
    $known->accept('new.example', 1965, $certificate);
    ok -l $file && -s $real, 'the file is made where the link leads';
    unlink $file;
    symlink temp_dir() . '/nowhere/at/all', $file or die "$file: $!";
    like failure(sub { $known->accept('localhost', 1, $certificate) }),
        qr/\Afile: .*(?:leads nowhere|such file)/,
        'a link to nowhere';
    unlink $file, $real;
    my $victim = spew(temp_dir() . '/victim', 'precious');
    unlink "$file.lock";
    symlink $victim, "$file.lock" or die "$file.lock: $!";
    like failure(sub { $known->accept('localhost', 1, $certificate) }),
        qr/\Afile: .*known_hosts.lock cannot be opened/,
        'a link in the place of the lock is not followed';
    is slurp($victim), 'precious', 'where it leads nothing happens';
    unlink "$file.lock";
};

subtest 'a full disk' => sub {
    my $good = start_anew();
    spew($file, $good . ('# ' . 'x' x 1000 . "\n") x 8);
    my $before = slurp($file);
    my $code =
          q{$SIG{XFSZ} = 'IGNORE'; use Vouch::KnownHosts; use Vouch::Certificate;}
        . q{Vouch::KnownHosts->new(file => shift)->accept('new.example', 1965,}
        . q{Vouch::Certificate->from_file(shift));};
    my ($status, undef, $err) =
        run_command(on_full_disk(8, '-Mblib', '-e', $code, $file, temp_dir() . '/host-cert.pem'));
    isnt $status, 0, 'storing fails';
    like $err, qr/known_hosts: cannot write: File too large/, 'and says why';
    is slurp($file), $before, 'all that was stored is there';
    opendir my $dir, $folder or die "$folder: $!";
    is join(q( ), sort grep { !/\A\.\.?\z/ } readdir $dir), 'known_hosts known_hosts.lock',
        'no half file is left';
};

subtest 'a lock that is held' => sub {
    my $good = start_anew();
    open my $lock, '>>', "$file.lock" or die "$file.lock: $!";
    flock $lock, LOCK_EX or die "flock: $!";
    my $known = known(lock_seconds => 0.1);
    like failure(sub { $known->accept('new.example', 1965, $certificate) }),
        qr/\Atimeout: .*known_hosts.lock: another process has held the lock for 0.1 s/,
        'is waited for, and then told';
    is $known->check('localhost', 1965, $certificate), 'match', 'reading needs none';
    is slurp($file),                                   $good,   'the file is as it was';
    close $lock or die;
    is $known->accept('new.example', 1965, $certificate), 1, 'later it goes';
};

# Each stores hosts of its own, and one that all have; a reader looks on.
subtest 'fifty at once' => sub {
    my ($WRITERS, $EACH) = (50, 3);
    unlink $file;
    pipe my $wait, my $go or die "pipe: $!";
    my @pids = map { start_writer($_, $EACH, $wait, $go) } 1 .. $WRITERS;
    close $go;
    my ($reader, $bad, $most) = (known(), 0, 0);
    my %running = map { $_ => 1 } @pids;
    my $failed  = 0;

    while (%running) {
        my $count = eval { my @all = $reader->list; scalar @all } // -1;
        $bad++ if $count < $most;
        $most = $count if $count > $most;
        my $pid = waitpid -1, POSIX::WNOHANG();
        if ($pid > 0) { delete $running{$pid}; $failed++ if $? }
        else          { Time::HiRes::sleep(0.01) }
    }
    is $failed, 0, 'each has stored its hosts';
    is $bad,    0, 'a reader sees all that was there before, and more';
    my %seen = map { $_->host => $_ } known()->list;
    is scalar keys %seen, $WRITERS * $EACH + 1, 'all are there';
    is scalar(
        grep { !$seen{$_} } map {
            my $n = $_;
            map { "h$_.w$n" } 1 .. $EACH
        } 1 .. $WRITERS
        ),
        0, 'by name';
    is join(q( ), glob "$folder/.vouch-*"), q(), 'nothing is left beside it';
};

sub start_writer {
    my ($number, $each, $wait, $go) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    close $go;
    sysread $wait, my $byte, 1;    # all start when the test closes its end
    my $known = known(lock_seconds => 120);
    my $good  = eval {
        $known->accept("h$_.w$number", 1965, $certificate) for 1 .. $each;
        $known->accept($known->check('shared', 1965, $certificate));
        1;
    };
    warn $@ if !$good;
    POSIX::_exit($good ? 0 : 1);
}

done_testing;
