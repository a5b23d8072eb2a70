package Vouch::Command::Terminal 0.001;

use v5.16;
use warnings;

use Exporter    qw(import);
use IO::Handle  ();
use POSIX       ();
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

our @EXPORT_OK = qw(can_ask ask_line choose plain say_to_user);

use constant {
    QUIET => 1,       # seconds before a bar is shown
    PAUSE => 0.1,     # and between two of them
    WIDTH => 30,
    LINE  => 4096,    # bytes that are taken as an answer
};

# Whether somebody sits there who can be asked.
sub can_ask { return -t STDIN && -t STDERR ? 1 : 0 }

# What comes from elsewhere, fit for a terminal: no control characters.
sub plain {
    my ($text) = @_;
    utf8::decode(my $characters = $text);
    $characters =~ s/[\x00-\x1F\x7F-\x9F\x{202A}-\x{202E}\x{2066}-\x{2069}]/?/g;
    utf8::encode($characters);
    return $characters;
}

sub say_to_user {
    my (@lines) = @_;
    print {*STDERR} map { "$_\n" } @lines;
    return;
}

# A line of the user's, without its end; undef at the end of input.
sub ask_line {
    my ($question, %arg) = @_;
    my $answer = $arg{hidden} ? _without_echo(sub { _ask($question) }) : _ask($question);
    print {*STDERR} "\n" if $arg{hidden} || !defined $answer;
    return               if !defined $answer;
    $answer =~ s/\r?\n\z//;
    return substr $answer, 0, LINE;
}

sub _ask {
    my ($question) = @_;
    print {*STDERR} "$question ";
    STDERR->flush;
    return scalar STDIN->getline;
}

sub _without_echo {
    my ($code) = @_;
    my $termios = POSIX::Termios->new;
    $termios->getattr(fileno STDIN);
    my $before = $termios->getlflag;
    local $SIG{INT} = sub { _echo($termios, $before); POSIX::_exit(130) };
    _echo($termios, $before & ~POSIX::ECHO());
    my $answer = $code->();
    _echo($termios, $before);
    return $answer;
}

sub _echo {
    my ($termios, $flags) = @_;
    $termios->setlflag($flags);
    $termios->setattr(fileno STDIN, POSIX::TCSANOW());
    return;
}

# One of some words, by its first letter; the first one for an empty answer
# and at the end of input.
sub choose {
    my ($question, @words) = @_;
    my %word = map { lc(substr $_, 0, 1) => $_ } @words;
    while (1) {
        my $answer = ask_line("$question (" . join('/', @words) . ")") // return $words[0];
        return $words[0] if $answer !~ /\S/;
        my ($given) = grep { lc $answer eq $_ || lc $answer eq substr $_, 0, 1 } @words;
        return $given if defined $given;
    }
    return;
}

# --- how far a transfer has come ---------------------------------------------

sub progress {
    my ($class, %arg) = @_;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    return bless {
        total => $arg{total},
        shown => 0,
        start => $now,
        next  => $now + QUIET,
        quiet => $arg{quiet} || !-t STDERR,
    }, $class;
}

sub update {
    my ($self, $bytes) = @_;
    return if $self->{quiet};
    my $now = clock_gettime(CLOCK_MONOTONIC);
    return if $now < $self->{next};
    $self->{next}  = $now + PAUSE;
    $self->{shown} = 1;
    print {*STDERR} "\r", $self->_bar($bytes, $now - $self->{start}), "\e[K";
    STDERR->flush;
    return;
}

sub _bar {
    my ($self, $bytes, $seconds) = @_;
    my $speed = _amount($bytes / $seconds) . '/s';
    return _amount($bytes) . "  $speed" if !$self->{total};
    my $part = $bytes / $self->{total};
    $part = 1 if $part > 1;
    my $full = int WIDTH * $part;
    return sprintf '[%s%s] %3d%%  %s  %s', '=' x $full, q( ) x (WIDTH - $full), 100 * $part, _amount($bytes),
        $speed;
}

sub _amount {
    my ($bytes) = @_;
    my @units = qw(B kB MB GB TB);
    while ($bytes >= 1000 && @units > 1) { $bytes /= 1000; shift @units }
    return sprintf $units[0] eq 'B' ? '%.0f %s' : '%.1f %s', $bytes, $units[0];
}

sub done {
    my ($self) = @_;
    return if !$self->{shown};
    print {*STDERR} "\r\e[K";
    STDERR->flush;
    $self->{shown} = 0;
    return;
}

1;

__END__

=head1 NAME

Vouch::Command::Terminal - what the command vouch does on a terminal (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Terminal qw(can_ask choose);

    say 'as you like' if can_ask() && choose('Go on?', 'no', 'yes') eq 'yes';

=head1 DESCRIPTION

For use by the command L<vouch> only; it may change in any release. Questions go to
standard error and answers come from standard input.

=head1 METHODS

The first ones are functions, exported on request.

=head2 can_ask

    ask_for_it() if can_ask();

Whether standard input and standard error are a terminal.

=head2 ask_line

    my $password = ask_line('Password?', hidden => 1);

A line; undef at the end of input. C<hidden> does not show what is typed.

=head2 choose

    my $word = choose('Trust it?', 'no', 'once', 'always');

One of the words, which can be given by their first letters. The first is what an empty
line means, and the end of input.

=head2 plain

    say plain($meta);

Text of others, UTF-8, with question marks in the place of control characters and of those
that reverse the direction.

=head2 say_to_user

    say_to_user('the certificate is new');

Lines on standard error.

=head2 progress

    my $progress = Vouch::Command::Terminal->progress(total => $size, quiet => 0);

A bar that appears on standard error when a second has passed, if that is a terminal.
Without C<total> it has no bar, but the numbers.

=head2 update, done

    $progress->update($bytes);
    $progress->done;

So many bytes have been moved; and the line is to disappear.

=head1 SEE ALSO

L<vouch>, L<Vouch::Command>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
