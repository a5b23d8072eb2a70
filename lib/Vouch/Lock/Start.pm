package Vouch::Lock::Start 0.001;

use v5.16;
use warnings;

use Config     qw(%Config);
use Errno      qw(EAGAIN EINTR EWOULDBLOCK);
use Fcntl      qw(F_GETFL F_SETFL O_NONBLOCK);
use File::Spec ();
use POSIX      ();

use Vouch ();

# Starts a daemon in the background, as the command flom does, by that very
# command.  What it says comes through a pipe, whose end is the end of it: so
# who has a loop of events need not wait for it.

use constant {
    SAYS_MAX  => 4096,
    READ_WANT => -2,
};

sub CLONE_SKIP { return 1 }

# Begin.  An object in any case; what went wrong is told at the end.
sub _new {
    my ($class, $program, @argument) = @_;
    my $self = bless { says => q() }, $class;
    if (!defined $program) {
        $self->{problem} = 'the command flom, which is the daemon, was not found beside Vouch';
        return $self;
    }
    my $to;
    if (!pipe $self->{from}, $to) {
        $self->{problem} = "pipe: $!";
        return $self;
    }
    fcntl $self->{from}, F_SETFL, fcntl($self->{from}, F_GETFL, 0) | O_NONBLOCK;
    # Nobody of the program is to see this child come and go.
    local $SIG{CHLD} = 'DEFAULT';
    my $pid = fork;
    _be_nobodys_child($to, $program, @argument) if defined $pid && $pid == 0;
    if   (defined $pid) { _reap($pid) }
    else                { $self->{problem} = "fork: $!" }
    return $self;
}

sub _reap {
    my ($pid) = @_;
    1 while waitpid($pid, 0) == -1 && $! == EINTR;
    return;
}

sub _be_nobodys_child {
    my ($to, $program, @argument) = @_;
    my $pid = fork // POSIX::_exit(1);
    POSIX::_exit(0) if $pid != 0;
    @SIG{qw(ALRM CHLD HUP INT PIPE TERM)} = ('DEFAULT') x 6;
    open STDIN,  '<',  File::Spec->devnull or POSIX::_exit(1);
    open STDOUT, '>',  File::Spec->devnull or POSIX::_exit(1);
    open STDERR, '>&', $to                 or POSIX::_exit(1);
    no warnings 'exec';    ## no critic (ProhibitNoWarnings)
    exec {$program} $program, @argument or print {$to} "exec $program: $!\n";
    close $to or POSIX::_exit(1);
    POSIX::_exit(1);
}

sub _fd { return fileno $_[0]{from} }

# As a link's: 0 started, -1 not, or what it waits for.
sub _advance {
    my ($self) = @_;
    while (!defined $self->{problem}) {
        my $got = sysread $self->{from}, $self->{says}, SAYS_MAX, length $self->{says};
        if (!defined $got) {
            return READ_WANT if $! == EAGAIN || $! == EWOULDBLOCK;
            next             if $! == EINTR;
        }
        last if !$got || length $self->{says} > SAYS_MAX;
    }
    return $self->_reason eq q() ? 0 : -1;
}

# What it said; the last line tells it best.
sub _reason {
    my ($self) = @_;
    return $self->{problem} if defined $self->{problem};
    my ($line) = $self->{says} =~ /([^\n]+)\n*\z/;
    return $line // q();
}

# The command flom of this Vouch: in blib, or where Perl installs scripts.
sub _find {
    state $found = _search();
    return $found;
}

sub _search {
    my ($volume, $dir) = File::Spec->splitpath(File::Spec->rel2abs($INC{'Vouch.pm'}));
    my @dirs = File::Spec->splitdir(File::Spec->canonpath($dir));
    my @above =
        map { File::Spec->catpath($volume, File::Spec->catdir(@dirs[0 .. $_]), q()) } reverse 0 .. $#dirs;
    my @installed =
        grep { defined && length }
        @Config{qw(installsitescript installsitebin installvendorscript installscript)};
    for my $path ((map { ("$_/script/flom", "$_/bin/flom") } @above[0 .. ($#above > 6 ? 6 : $#above)]),
        map { "$_/flom" } @installed)
    {
        return $path if -f $path && -x _;
    }
    return;
}

1;

__END__

=head1 NAME

Vouch::Lock::Start - a lock daemon, started in the background (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Lock;

    my $lock = Vouch::Lock->new('report');    # may start a daemon

=head1 DESCRIPTION

For use by L<Vouch::Lock> only; it may change in any release.

It runs C<flom --start> in a process that is no child of the program for longer than
a moment, and says through a pipe how that went.

=head1 METHODS

None for others.

=head1 SEE ALSO

L<Vouch::Lock>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
