package Vouch::Gemini::Server::Static 0.001;

use v5.16;
use warnings;

use Cwd   ();
use Errno qw(ENOENT);
use Fcntl qw(O_NOFOLLOW O_NONBLOCK O_RDONLY);

use Vouch::Error            ();
use Vouch::Gemini::Response ();
use Vouch::Gemini::URL      ();

# Files below a folder, and nothing else: no name that begins with a dot, no
# link that leads out of it, nothing that is not a regular file.

use constant {
    AT_ONCE => 65_536,    # bytes; larger files are sent piece by piece
    ENTRIES => 10_000,    # of a listing
};

sub new {
    my ($class, %arg) = @_;
    my $root = Cwd::realpath($arg{root} // '');
    if (!defined $arg{root} || !defined $root || !-d $root) {
        my $given = $arg{root} // 'undef';
        Vouch::Error->throw(code => 'file', message => "$given: there is no such folder to serve");
    }
    my $index = $arg{index} // ['index.gmi', 'index.gemini'];
    return bless {
        root    => $root eq '/' ? ''     : $root,
        index   => ref $index   ? $index : [$index],
        listing => $arg{listing},
        types   => $arg{types},
    }, $class;
}

# What to answer for the decoded path $name below this folder, which the
# client knows as the decoded path $shown.
sub answer {
    my ($self, $name, $shown) = @_;
    my @names  = split m{/}, $name, -1;
    my $folder = !@names || $names[-1] eq '';
    pop @names          if @names && $folder;
    return _not_found() if grep { $_ eq '' || /\A\./ || /\0/ } @names;
    my $path = $self->_inside(join '/', $self->{root}, @names) // return _not_found();
    return $folder ? $self->_folder($path, $shown) : _to_folder($shown) if -d $path;
    return _not_found()                                                 if $folder;
    return $self->_file($path);
}

# The real path, if it is below the root and has no hidden part; else undef.
sub _inside {
    my ($self, $path) = @_;
    my $root = $self->{root};
    my $real = Cwd::realpath($path eq '' ? '/' : $path) // return;
    return $real if $real eq ($root eq '' ? '/' : $root);
    return       if index($real,                       "$root/") != 0;
    return       if index(substr($real, length $root), '/.') >= 0;
    return -e $real ? $real : undef;
}

sub _not_found { return Vouch::Gemini::Response->new(status => 51, meta => 'There is no such page') }

sub _to_folder {
    my ($shown) = @_;
    return Vouch::Gemini::Response->new(
        status => 31,
        meta   => Vouch::Gemini::URL::_encode("$shown/", 1),
    );
}

# The path is real: a link that has come in its place since is not followed.
sub _file {
    my ($self,   $path) = @_;
    my ($folder, $name) = $path =~ m{\A(.*)/([^/]*)\z}s;
    my ($status, $meta) = $self->{types}->of_file($folder, $name);
    return Vouch::Gemini::Response->new(status => $status, meta => $meta) if $status != 20;
    sysopen my $in, $path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK or return _not_found();
    return _not_found() if !-f $in;
    my $size = -s _;
    my $body = $in;

    if ($size <= AT_ONCE) {
        $body = '';
        1 while sysread $in, $body, AT_ONCE + 1 - length $body, length $body;
        $body = $in if length $body > AT_ONCE && sysseek $in, 0, 0;
    }
    return Vouch::Gemini::Response->new(status => 20, meta => $meta, body => $body);
}

sub _folder {
    my ($self, $path, $shown) = @_;
    for my $name (@{ $self->{index} }) {
        my $file = $self->_inside("$path/$name") // next;
        return $self->_file($file) if -f $file;
    }
    return $self->{listing} ? $self->_listing($path, $shown) : _not_found();
}

sub _listing {
    my ($self, $path, $shown) = @_;
    opendir my $dir, $path or return _not_found();
    my @names;
    while (defined(my $name = readdir $dir)) {
        next if $name =~ /\A\./ || !defined $self->_inside("$path/$name");
        last if push(@names, -d "$path/$name" ? "$name/" : $name) >= ENTRIES;
    }
    my @lines = ('# ' . _readable($shown), '', $shown eq '/' ? () : '=> ../ ..');
    push @lines, map { '=> ./' . Vouch::Gemini::URL::_encode($_, 1) . ' ' . _readable($_) } sort @names;
    return Vouch::Gemini::Response->new(
        status => 20,
        meta   => 'text/gemini',
        body   => join('', map { "$_\n" } @lines),
    );
}

# A name of a file may be anything; in a text it is UTF-8 without controls.
sub _readable {
    my ($name) = @_;
    my $copy = $name;
    $name =~ s/[\x80-\xFF]/?/g if !utf8::decode($copy);
    return $name =~ s/[\x00-\x1F\x7F]/?/gr;
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Static - files of a folder (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Static;
    use Vouch::Gemini::Server::Types;

    my $files = Vouch::Gemini::Server::Static->new(
        root  => '/srv/gemini',
        types => Vouch::Gemini::Server::Types->new,
    );
    my $response = $files->answer('notes/today.gmi', '/notes/today.gmi');

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release. What is
served is described in L<Vouch::Gemini::Server/Files>.

=head1 METHODS

=head2 new

    my $files = Vouch::Gemini::Server::Static->new(root => $folder, types => $types, listing => 1);

Dies with a L<Vouch::Error> if there is no such folder.

=head2 answer

    my $response = $files->answer($name, $shown);

The answer for a decoded path below the folder, which the client knows as
C<$shown>.

=head2 AT_ONCE, ENTRIES

    my $limit = Vouch::Gemini::Server::Static::AT_ONCE;

Files of at most 65,536 bytes are read at once; a listing has at most 10,000
lines.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
