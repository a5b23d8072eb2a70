package Vouch::Gemini::Identities 0.001;

use v5.16;
use warnings;

use Errno      ();
use Fcntl      qw(S_IRWXU);
use File::Path ();
use File::Spec ();

use Vouch::Error       ();
use Vouch::File        ();
use Vouch::Gemini::URL ();
use Vouch::Identity    ();

use constant { LOCK_SECONDS => 30, MAX_BYTES => 4_194_304, NOBODY => q(-) };

# What the first line of the file of uses must be.
use constant HEADER => '# vouch identities 1';

my $NAME = qr/[A-Za-z0-9][A-Za-z0-9._\@+-]{0,63}/;

sub new {
    my ($class, %arg) = @_;
    my $self = bless { folder => delete $arg{folder} // $class->default_folder }, $class;
    _wrong('new does not know ' . join ', ', sort keys %arg) if %arg;
    return $self;
}

sub default_folder { return File::Spec->catdir(Vouch::File::data_folder(), 'identities') }

sub folder { return $_[0]{folder} }

sub list {
    my ($self) = @_;
    opendir my $dir, $self->{folder} or return;
    my @names = sort map { /\A($NAME)-cert\.pem\z/ ? $1 : () } readdir $dir;
    closedir $dir;
    return @names;
}

sub create {
    my ($self, $name, %arg) = @_;
    my $stem = $self->_stem($name);
    File::Path::make_path($self->{folder}, { mode => S_IRWXU, error => \my $errors });
    Vouch::Error->throw(code => 'file', message => "$self->{folder} cannot be made")
        if !-d $self->{folder};
    return Vouch::Identity->create(cn => $name, days => 3650, %arg, file => $stem);
}

sub load {
    my ($self, $name, %arg) = @_;
    my $stem = $self->_stem($name);
    if (!-e "$stem-cert.pem") {
        my @known = $self->list;
        _wrong("there is no identity \"$name\"" . (@known ? ': there are ' . join ', ', @known : ''));
    }
    return Vouch::Identity->load(file => $stem, %arg);
}

sub renew {
    my ($self, $name, %arg) = @_;
    return $self->load($name)->renew(%arg, file => $self->_stem($name), replace => 1);
}

sub remove {
    my ($self, $name) = @_;
    my $stem = $self->_stem($name);
    return 0 if !-e "$stem-cert.pem";
    $self->_change(sub {
        my ($uses) = @_;
        @$uses = grep { $_->{name} ne $name } @$uses;
    });
    for my $file ("$stem-cert.pem", "$stem-key.pem") {
        unlink $file
            or $!{ENOENT}
            or Vouch::Error->throw(
            code    => 'file',
            message => "$file cannot be removed: $!",
            errno   => 0 + $!
            );
    }
    return 1;
}

sub use_for {
    my ($self, $name, $url) = @_;
    $self->load($name) if $name ne NOBODY;
    my $where = _place($url);
    $self->_change(sub {
        my ($uses) = @_;
        @$uses = ((grep { !_is_same($_, $where) } @$uses), { %$where, name => $name });
    });
    return;
}

sub forget {
    my ($self, $url) = @_;
    my $where = _place($url);
    my $count = 0;
    $self->_change(sub {
        my ($uses) = @_;
        my @kept = grep { !_is_same($_, $where) } @$uses;
        $count = @$uses - @kept;
        @$uses = @kept;
    }) if grep { _is_same($_, $where) } @{ $self->_read };
    return $count;
}

sub uses {
    my ($self) = @_;
    return map { { name => $_->{name}, url => _url_of($_) } } @{ $self->_read };
}

sub find {
    my ($self, $url) = @_;
    my $where = _place($url);
    my ($best) =
        sort { length $b->{path} <=> length $a->{path} }
        grep { covers($_, $where) } @{ $self->_read };
    return if !$best || $best->{name} eq NOBODY;
    return $best->{name};
}

# Whether the first place is the second or above it, part of the path by part.
sub covers {
    my ($scope, $where) = map { ref $_ eq 'HASH' ? $_ : _place($_) } @_;
    return 0 if $scope->{host} ne $where->{host} || $scope->{port} != $where->{port};
    my $path = $scope->{path};
    return 1 if $path eq $where->{path} || $path eq '/';
    return index($where->{path}, "$path/") == 0 ? 1 : 0;
}

# Host, port and path, as they are compared: the path decoded and resolved, as
# the server sees it, and without a slash at its end.
sub _place {
    my ($given) = @_;
    my $url = Vouch::Gemini::URL->new($given);
    _wrong('the URL must begin with gemini:// or titan:// and a host')
        if ($url->scheme // '') !~ /\A(?:gemini|titan)\z/ || !length($url->host // '');
    _wrong('the URL has a user name, which Gemini does not allow') if $url->has_userinfo;
    my $path = $url->path =~ s{/+\z}{}r;
    return { host => $url->host, port => $url->port, path => length $path ? $path : '/' };
}

sub _is_same {
    my ($this, $other) = @_;
    return "@$this{qw(host port path)}" eq "@$other{qw(host port path)}";
}

sub _url_of {
    my ($use) = @_;
    my $host  = $use->{host} =~ /:/  ? "[$use->{host}]" : $use->{host};
    my $port  = $use->{port} == 1965 ? ''               : ":$use->{port}";
    return "gemini://$host$port" . Vouch::Gemini::URL->encode($use->{path}, slashes => 1);
}

sub _stem {
    my ($self, $name) = @_;
    _wrong('the name of an identity is made of letters, digits and ._@+-, at most 64')
        if ($name // '') !~ /\A$NAME\z/;
    return File::Spec->catfile($self->{folder}, $name);
}

sub _file { my ($self) = @_; return File::Spec->catfile($self->{folder}, 'uses') }

sub _read {
    my ($self) = @_;
    my $file = $self->_file;
    return [] if !-e $file;
    my ($header, @lines) = split /\n/, Vouch::File::read_file($file, max => MAX_BYTES), -1;
    _damaged($file, 'is no file of identities: the first line must be "' . HEADER . '"')
        if ($header // '') ne HEADER;
    _damaged($file, 'was cut off: its last line has no end') if length pop @lines;
    my $number = 1;
    return [map { $number++; /\A(?:#|\z)/ ? () : _use_of_line($file, $number, $_) } @lines];
}

sub _use_of_line {
    my ($file, $number, $line) = @_;
    my ($name, $url) = $line =~ /\A($NAME|-) (\S+)\z/;
    my $use = defined $url ? eval { _place($url) } : undef;
    _damaged($file, "line $number is not a name and a URL: mend or remove it") if !$use;
    return { %$use, name => $name };
}

sub _damaged {
    my ($file, $text) = @_;
    return Vouch::Error->throw(code => 'format', message => "$file: $text");
}

sub _change {
    my ($self, $code) = @_;
    my $file = Vouch::File::target($self->_file);
    File::Path::make_path($self->{folder}, { mode => S_IRWXU, error => \my $errors });
    Vouch::File::with_lock(
        $file,
        LOCK_SECONDS,
        sub {
            my $uses = $self->_read;
            $code->($uses);
            my @lines = sort map { "$_->{name} " . _url_of($_) . "\n" } @$uses;
            Vouch::File::change_file($file, join '', HEADER . "\n", @lines);
        }
    );
    return;
}

sub _wrong {
    my ($text) = @_;
    return Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Gemini::Identities - who a Gemini client is, and where

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Identities;

    my $identities = Vouch::Gemini::Identities->new;
    $identities->create('alex');
    $identities->use_for('alex', 'gemini://capsule.example/wiki');
    say $identities->find('gemini://capsule.example/wiki/page');    # alex

=head1 DESCRIPTION

A folder with certificates and keys, and a list of the places where each is used. A place
is a host, a port and a path, and all below that path: C</wiki> covers C</wiki/page>, and
not C</wikipedia>. Paths are compared as servers see them, decoded and with C<..> resolved.
A page and its upload with Titan are one place. Of several places that cover a URL the
longest counts. Nothing is ever shown anywhere else, and no certificate is made unless
somebody asks for it.

=for example begin

    use v5.16;
    use warnings;
    use Vouch::Gemini::Identities;

    my $identities = Vouch::Gemini::Identities->new(folder => 'identities');
    $identities->create('alex', days => 365);
    $identities->create('berit', cn => 'Berit of the wiki');
    say join ' ', $identities->list;                                          # prints: alex berit

    $identities->use_for('alex',  'gemini://capsule.example/');
    $identities->use_for('berit', 'gemini://capsule.example/wiki');
    $identities->use_for('-',     'gemini://capsule.example/public');
    say $identities->find('gemini://capsule.example/wiki/page');              # prints: berit
    say $identities->find('titan://capsule.example/wiki/page');               # prints: berit
    say $identities->find('gemini://capsule.example/wikipedia');              # prints: alex
    say $identities->find('gemini://capsule.example/wiki/../x');              # prints: alex
    say $identities->find('gemini://capsule.example/public/x') // 'nobody';   # prints: nobody
    say $identities->find('gemini://capsule.example:1966/') // 'nobody';      # prints: nobody
    say "$_->{name} $_->{url}" for $identities->uses;
    # prints: - gemini://capsule.example/public
    # prints: alex gemini://capsule.example/
    # prints: berit gemini://capsule.example/wiki
    say $identities->forget('gemini://capsule.example/public');               # prints: 1

    my $old = $identities->load('alex')->certificate;
    my $new = $identities->renew('alex', days => 30)->certificate;
    say $old->fingerprint(of => 'spki') eq $new->fingerprint(of => 'spki') ? 'same key' : 'new key';
    # prints: same key
    say $identities->remove('berit');                                         # prints: 1
    say Vouch::Gemini::Identities::covers('gemini://h/a', 'gemini://h/a/b');  # prints: 1
    say $identities->folder;                                                  # prints: identities

=for example end

=head1 CALLBACKS

None.

=head1 METHODS

=head2 new

    my $identities = Vouch::Gemini::Identities->new(folder => 'identities');

Nothing is opened yet. C<folder> is L</default_folder> unless given.

=head2 default_folder

    say Vouch::Gemini::Identities->default_folder;    # .../.local/share/vouch/identities

The user's: F<vouch/identities> in C<$XDG_DATA_HOME>, or in F<~/.local/share>.

=head2 folder

    say $identities->folder;

The folder of this object. In it are F<NAME-cert.pem> and F<NAME-key.pem> (mode 0600), as
C<vouch cert> makes them, so that files can be moved in and out, and F<uses>: lines of a
name and a URL, which you may edit.

=head2 list

    say for $identities->list;

The names.

=head2 create

    my $identity = $identities->create('alex', days => 365);

Makes a key and a self-signed certificate, by default for ten years and with the name as its
common name. Takes the arguments of L<Vouch::Identity/create>; dies with code C<exists> if
there is one of that name. Names have letters, digits and C<._@+->, at most 64.

=head2 load

    my $identity = $identities->load('alex');

The L<Vouch::Identity>. C<password> may be given, as in L<Vouch::Identity/load>.

=head2 renew

    $identities->renew('alex', days => 365);

A new certificate for the same key, in the place of the old one.

=head2 remove

    $identities->remove('alex');

Deletes certificate and key, for good, and all uses. Returns 1, or 0 if there is none.

=head2 use_for

    $identities->use_for('alex', 'gemini://capsule.example/wiki');

From now on this one is shown there and below. The name C<-> says: none.

=head2 forget

    $identities->forget('gemini://capsule.example/wiki');

Undoes C<use_for> for this very place. Returns how many uses were removed, 0 or 1.

=head2 uses

    say "$_->{name} $_->{url}" for $identities->uses;

All uses, as hash references of C<name> and C<url>.

=head2 find

    my $name = $identities->find($url);

The name of the identity for a URL, or undef.

=head2 covers

    say 'in it' if Vouch::Gemini::Identities::covers('gemini://host/wiki', $url);

A function: 1 if the second URL is at the first or below it, else 0.

=head1 ERRORS

The methods die with a L<Vouch::Error>: C<argument>, C<file>, C<format> if the file of uses
is damaged (it is not read in part), C<timeout> if another process has held its lock too
long, and what L<Vouch::Identity> dies with.

=head1 THREADS AND FORK

A plain Perl object; several processes may use one folder.

=head1 SEE ALSO

L<Vouch::Gemini::Client>, L<Vouch::Identity>, L<vouch>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
