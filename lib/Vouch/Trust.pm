package Vouch::Trust 0.001;

use v5.16;
use warnings;

use Scalar::Util qw(blessed);

use Vouch              ();
use Vouch::Certificate ();
use Vouch::Error       ();
use Vouch::File        ();
use Vouch::Pins        ();

use constant {
    MAX_BYTES    => 67_108_864,    # of a file: about seven hundred thousand fingerprints
    LOCK_SECONDS => 30,
};

my @LISTS = qw(allow deny);

sub new {
    my ($class, %arg) = @_;
    my $self = bless { on_error => delete $arg{on_error} }, $class;
    # A list that was forgotten to be named must not let everybody in.
    for my $name (grep { exists $arg{$_} } @LISTS) {
        my $file = delete $arg{$name} // _wrong("$name is undef: name a file, or leave it out");
        $self->{$name} = { file => $file, print => {}, stamp => q() };
    }
    _wrong('new does not know ' . join ', ', sort keys %arg) if %arg;
    _wrong('name a file: allow, deny or both') if !grep { $self->{$_} } @LISTS;
    $self->_load($self->{$_}) for grep { $self->{$_} } @LISTS;
    return $self;
}

sub check {
    my ($self, $certificate) = @_;
    $self->_refresh;
    return 'unlisted' if !defined $certificate;
    for my $verdict ([deny => 'denied'], [allow => 'allowed']) {
        my ($name, $word) = @$verdict;
        return $word if $self->{$name} && _has($self->{$name}, $certificate);
    }
    return 'unlisted';
}

sub allows {
    my ($self, $certificate) = @_;
    my $verdict = $self->check($certificate);
    return 0 if !defined $certificate;
    return $verdict eq 'allowed' || ($verdict eq 'unlisted' && !$self->{allow}) ? 1 : 0;
}

sub list {
    my ($self, $name) = @_;
    my $list = $self->_list($name);
    $self->_refresh;
    my @prints = sort keys %{ $list->{print} };
    return @prints;
}

sub comment {
    my ($self, $name, $fingerprint) = @_;
    my $list = $self->_list($name);
    $self->_refresh;
    return $list->{print}{ _normal($fingerprint) };
}

sub add {
    my ($self, $name, $what, $comment) = @_;
    my $list  = $self->_list($name);
    my $print = _print_of($what);
    $comment //= q();
    _wrong('a comment is one line of text') if ref $comment || $comment =~ /[\x00-\x1f\x7f]/;
    utf8::encode($comment)                  if utf8::is_utf8($comment);
    return $self->_change(
        $list,
        sub {
            my ($text) = @_;
            return        if exists $list->{print}{$print};
            $text .= "\n" if length $text && $text !~ /\n\z/;
            return $text . join(q( ), $print, length $comment ? $comment : ()) . "\n";
        }
    );
}

sub remove {
    my ($self, $name, $what) = @_;
    my $list  = $self->_list($name);
    my $print = _print_of($what);
    return $self->_change(
        $list,
        sub {
            my ($text) = @_;
            return if !exists $list->{print}{$print};
            return join q(), grep { (_of_line($_) // q()) ne $print } split /^/, $text;
        }
    );
}

sub error { return $_[0]{error} }

sub reload {
    my ($self) = @_;
    $self->_load($self->{$_}) for grep { $self->{$_} } @LISTS;
    delete $self->{error};
    return $self;
}

sub _list {
    my ($self, $name) = @_;
    return $self->{ $name // q() } if ($name // q()) =~ /\A(?:allow|deny)\z/ && $self->{$name};
    _wrong('there is no list ' . ($name // 'undef') . ' here; made with new(allow => FILE, deny => FILE)');
}

# A certificate stands for its own fingerprint.
sub _print_of {
    my ($what) = @_;
    return _normal(blessed $what && $what->isa('Vouch::Certificate') ? $what->fingerprint : $what);
}

# By the C core, which compares in constant time.  Its set does not go into a
# new thread.
sub _has {
    my ($list, $certificate) = @_;
    $list->{pins} = _pins(keys %{ $list->{print} }) if !blessed $list->{pins};
    return $list->{pins}->_matches($certificate);
}

sub _pins {
    my $pins = Vouch::Pins::_new();
    $pins->_add($_) for @_;
    return $pins;
}

# Read what has changed.  What cannot be read leaves the list as it was, and
# is told once.
sub _refresh {
    my ($self) = @_;
    my (@errors, $news);
    for my $list (map { $self->{$_} // () } @LISTS) {
        my $stamp = eval { Vouch::File::stamp($list->{file}) } // 'none';
        if ($stamp ne $list->{stamp}) {
            local $@;
            $list->{error} = eval { $self->_load($list); 1 } ? undef : $@;
            $news = 1;
        }
        push @errors, $list->{error} // ();
    }
    $self->{error} = $errors[0];
    return if !$news || !@errors || ($self->{told} // q()) eq $errors[0]->message;
    $self->{told} = $errors[0]->message;
    if   ($self->{on_error}) { $self->{on_error}->($errors[0]) }
    else                     { warn $errors[0]->message, "; the old list stays\n" }
    return;
}

sub _load {
    my ($self, $list) = @_;
    my $file = $list->{file};
    $list->{stamp} = Vouch::File::stamp($file) // 'none';
    $list->{print} = _parse($file, Vouch::File::read_file($file, max => MAX_BYTES));
    $list->{pins}  = undef;
    $list->{error} = undef;
    delete $self->{told};
    return;
}

sub _parse {
    my ($file, $text) = @_;
    my %print;
    my $number = 0;
    for my $line (split /\n/, $text) {
        $number++;
        my $print = eval { _of_line($line) };
        if ($@) {
            my $why = ref $@ ? $@->message : $@;
            Vouch::Error->throw(code => 'format', message => "$file: line $number: $why");
        }
        next if !defined $print;
        my ($comment) = $line =~ /\A\s*\S+\s+(.*?)\s*\z/;
        $print{$print} = $comment // q();
    }
    return \%print;
}

# The fingerprint of a line, undef for one that is empty or a comment.
sub _of_line {
    my ($line) = @_;
    my ($word) = $line =~ /\A\s*([^\s#]\S*)/;
    return defined $word ? _normal($word) : undef;
}

sub _change {
    my ($self, $list, $code) = @_;
    my $file = Vouch::File::target($list->{file});
    return Vouch::File::with_lock(
        $file,
        LOCK_SECONDS,
        sub {
            $self->_load($list);
            my $text = $code->(Vouch::File::read_file($file, max => MAX_BYTES));
            return 0 if !defined $text;
            Vouch::File::change_file($file, $text);
            $self->_load($list);
            return 1;
        }
    );
}

sub _wrong {
    my ($text) = @_;
    Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Trust - lists of fingerprints, in files, that are read again when they change

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Trust;

    my $trust = Vouch::Trust->new(allow => 'friends', deny => 'revoked');

    sub may_enter {
        my ($socket) = @_;
        return $trust->allows($socket->certificate);
    }

=head1 DESCRIPTION

Which certificates a server lets in, and which not, as two text files with a
fingerprint in each line. Change a file, and the next visitor is judged by it, in
all processes, without a restart. Who has a connection open keeps it.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Identity;
    use Vouch::Trust;

    Vouch::Identity->create(cn => $_, file => $_) for qw(alex berta);
    my ($alex, $berta) = map { Vouch::Certificate->from_file("$_-cert.pem") } qw(alex berta);

    open my $out, '>', 'friends' or die "friends: $!";
    say {$out} '# who may enter';
    say {$out} $alex->fingerprint(spelling => 'upper'), ' Alex, at home';
    close $out or die "friends: $!";

    my $trust = Vouch::Trust->new(allow => 'friends');
    say $trust->check($alex);             # prints: allowed
    say $trust->check($berta);            # prints: unlisted
    say $trust->allows($berta);       # prints: 0

    $trust->add(allow => $berta, 'Berta, the new one');
    say $trust->allows($berta);       # prints: 1
    say $trust->comment(allow => $berta->fingerprint);
    # prints: Berta, the new one
    $trust->remove(allow => $berta);
    say $trust->allows($berta);       # prints: 0

=for example end

=head2 The files

A line holds a fingerprint in any spelling of L<Vouch::Context/Pins>, and after
a blank whatever you like, such as whose it is. Empty lines, and lines that begin
with C<#>, count for nothing. A fingerprint of a key (C<sha256$spki$...>) goes on
matching when its owner renews the certificate.

A file is looked at whenever somebody is judged, and read if it has changed. If it
cannot be read then, or a line is not understood, B<the old list stays> and the error,
which names the line, is told once: to C<on_error>, or by C<warn>. That is so too
when the file is removed. An empty file is a list of nobody. Replace a file as a
whole (write another and rename it, as L</add> does), or a visitor may meet half of
it.

=head1 CALLBACKS

=head2 on_error

    on_error => sub { my ($error) = @_; $log->error($error->message) }

Called with a L<Vouch::Error> when a changed file cannot be used.

=head1 METHODS

=head2 new

    my $trust = Vouch::Trust->new(allow => $file, deny => $file, on_error => \&log);

Reads the files. At least one must be named; with C<deny> alone all others may
enter. Dies if a file is undef, is not there, or a line is not understood.

=head2 check

    my $word = $trust->check($certificate);

C<denied> if the certificate, or its key, is in the list of C<deny>; C<allowed>
if it is not, and is in that of C<allow>; else C<unlisted>, as is undef, for
nobody.

=head2 allows

    return not_authorised('Ask Alex') if !$trust->allows($certificate);

1 if the certificate is allowed, or, where there is no list C<allow>, unlisted;
else 0. 0 for undef: who shows no certificate is nobody.

=head2 list

    say for $trust->list('deny');

The fingerprints of a list, C<allow> or C<deny>, spelt C<sha256$...>.

=head2 comment

    say $trust->comment(allow => $fingerprint) // 'not in the list';

What follows a fingerprint in its line; undef if it is not in the list.

=head2 add, remove

    $trust->add(deny => $certificate, 'lost her phone');
    $trust->remove(deny => $fingerprint);

Changes the file: adds a line with the fingerprint, or the certificate's, or takes
out all lines with it. Returns 1, or 0 if there was nothing to do. Processes that
do so at once wait for each other (F<FILE.lock>); the file is replaced as a whole,
and what else is in it stays.

=head2 reload

    $trust->reload;

Reads both files now, and dies if one cannot be used; its old list stays.

=head2 error

    say $trust->error // 'all is well';

The L<Vouch::Error> for which an old list is in use still, or undef.

=head1 ERRORS

C<new>, C<add>, C<remove> and C<reload> die with a L<Vouch::Error>: C<file>,
C<format>, C<limit> (64 MiB), C<argument>, C<timeout>. The others die for
arguments that cannot be used only.

=head1 THREADS AND FORK

A plain Perl object, which can be copied into threads and processes.

=head1 SEE ALSO

L<Vouch::Accounts>, L<Vouch::KnownHosts>, L<Vouch::Context/Pins>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
