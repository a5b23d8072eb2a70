package Vouch::File 0.001;

use v5.16;
use warnings;

use Cwd         ();
use Errno       qw(ENOENT EWOULDBLOCK EINTR);
use Fcntl       qw(LOCK_EX LOCK_NB O_CREAT O_NOFOLLOW O_RDWR S_IRGRP S_IROTH S_IRUSR S_IWUSR);
use Time::HiRes ();

use Vouch        ();
use Vouch::Error ();

# The flags of csrc/base/file.h.
use constant { PRIVATE => 1, REPLACE => 2 };
use constant SURE_AFTER => 0.1;    # seconds; kernels count time more coarsely than they tell
use constant { POLL_LEAST => 0.002, POLL_MOST => 0.02 };    # seconds

sub data_folder {
    my $data = $ENV{XDG_DATA_HOME} // q();
    # By the specification a path that is not absolute does not count.
    if ($data !~ m{\A/}) {
        my $home = $ENV{HOME} || (getpwuid $<)[7];
        Vouch::Error->throw(
            code    => 'argument',
            message => 'where is the home folder? set HOME or XDG_DATA_HOME, or name a file',
        ) if !defined $home;
        $data = "$home/.local/share";
    }
    return "$data/vouch";
}

sub read_file {
    my ($path, %arg) = @_;
    return _read($path, $arg{max} // 1_048_576);
}

sub write_file {
    my ($path, $bytes, %arg) = @_;
    _write($path, $bytes, ($arg{private} ? PRIVATE : 0) | ($arg{replace} ? REPLACE : 0));
    return;
}

sub change_file {
    my ($path, $bytes) = @_;
    my @facts = stat $path;
    if (@facts && !($facts[2] & S_IWUSR)) {
        _fail("$path is read-only: nothing was stored; to allow it, chmod u+w \"$path\"");
    }
    # Who has opened it to others means it to stay so.
    my $private = !@facts || !($facts[2] & (S_IRGRP | S_IROTH));
    return write_file($path, $bytes, replace => 1, private => $private);
}

sub stamp {
    my ($path) = @_;
    my @facts = Time::HiRes::stat($path);
    if (@facts) {
        # So soon after a change there may be another at the same time.
        state $unsure = 0;
        my $new = Time::HiRes::time() - $facts[10] < SURE_AFTER ? $unsure++ : q();
        return join ':', @facts[0, 1, 7, 9, 10], $new;
    }
    _fail("$path cannot be read: $!", $!) if $! != ENOENT;
    return;
}

sub target {
    my ($path) = @_;
    return $path if !-l $path;
    return Cwd::abs_path($path) // _fail("$path is a link that leads nowhere: mend or remove it", $!);
}

sub with_lock {
    my ($path, $seconds, $code) = @_;
    my $lock = _open_lock("$path.lock");
    _take($lock, "$path.lock", $seconds);
    my $wantarray = wantarray;
    # The lock ends when the handle does, be it by an exception.
    my @result = $wantarray ? $code->() : scalar $code->();
    close $lock or _fail("$path.lock: $!", $!);
    return $wantarray ? @result : $result[0];
}

sub _open_lock {
    my ($path) = @_;
    sysopen my $lock, $path, O_RDWR | O_CREAT | O_NOFOLLOW, S_IRUSR | S_IWUSR
        or _fail("$path cannot be opened, which is needed to change the file beside it: $!", $!);
    return $lock;
}

sub _take {
    my ($lock, $path, $seconds) = @_;
    my $deadline = Time::HiRes::time() + $seconds;
    until (flock $lock, LOCK_EX | LOCK_NB) {
        _fail("$path cannot be locked: $!", $!) if $! != EWOULDBLOCK && $! != EINTR;
        if (Time::HiRes::time() > $deadline) {
            Vouch::Error->throw(
                code    => 'timeout',
                message => "$path: another process has held the lock for $seconds s; try again,"
                    . ' or look who it is with fuser',
            );
        }
        Time::HiRes::sleep(POLL_LEAST + rand POLL_MOST - POLL_LEAST);
    }
    return;
}

sub _fail {
    my ($text, $errno) = @_;
    Vouch::Error->throw(code => 'file', message => $text, errno => ($errno // 0) + 0);
}

1;

__END__

=head1 NAME

Vouch::File - whole files, changed by one process at a time (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::File;

    my $path = Vouch::File::target('known_hosts');
    Vouch::File::with_lock($path, 10, sub {
        my $text = -e $path ? Vouch::File::read_file($path) : q();
        Vouch::File::change_file($path, "${text}one more line\n");
    });

=head1 DESCRIPTION

For use by Vouch's own modules; it may change in any release. A file is read
with a limit, and written so that a reader sees the old bytes or the new and
never a part, and that they are on the disk when the function returns
(F<csrc/base/file.h>). All functions die with a L<Vouch::Error>.

=head1 FUNCTIONS

=head2 data_folder

    my $folder = Vouch::File::data_folder();

The folder for what Vouch keeps for the user: F<vouch> in C<$XDG_DATA_HOME>, or in
F<~/.local/share>. It need not be there.

=head2 read_file

    my $bytes = Vouch::File::read_file($path, max => 1_048_576);

The bytes of a regular file of at most so many; default: 1 MiB.

=head2 write_file

    Vouch::File::write_file($path, $bytes, private => 1, replace => 1);

Writes a whole file, with mode 0600 if it is to be private. A file that is
there is replaced only if told so.

=head2 change_file

    Vouch::File::change_file($path, $bytes);

Replaces a file, or makes it with mode 0600. One that nobody may write stays as
it is, which would not stop C<write_file>; one that others may read stays so.

=head2 stamp

    my $stamp = Vouch::File::stamp($path);

A text that is another when the file has changed, and for a tenth of a second
after it has; undef if there is none.

=head2 target

    my $file = Vouch::File::target($path);

The file that a symbolic link leads to, so that it is replaced, and not the
link; any other path as it is.

=head2 with_lock

    Vouch::File::with_lock($path, $seconds, sub { ... });

Calls the function while this process alone holds the lock F<PATH.lock>, and
returns what it returns. Dies with C<timeout> if others have held it for so
long.

=head1 SEE ALSO

L<Vouch::KnownHosts>, L<Vouch::Trust>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
