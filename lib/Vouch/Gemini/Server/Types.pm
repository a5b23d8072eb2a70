package Vouch::Gemini::Server::Types 0.001;

use v5.16;
use warnings;

use Vouch::Error ();

# The type of a file by its name, and by the rules in the file .meta beside it.

use constant {
    META_MAX     => 65_536,    # bytes of a .meta file
    META_FOLDERS => 1000,      # whose rules are remembered
};

my %TYPE = (
    gmi      => 'text/gemini',
    gemini   => 'text/gemini',
    txt      => 'text/plain',
    text     => 'text/plain',
    md       => 'text/markdown',
    markdown => 'text/markdown',
    html     => 'text/html',
    htm      => 'text/html',
    css      => 'text/css',
    csv      => 'text/csv',
    diff     => 'text/x-diff',
    patch    => 'text/x-diff',
    c        => 'text/plain',
    h        => 'text/plain',
    pl       => 'text/plain',
    pm       => 'text/plain',
    py       => 'text/plain',
    sh       => 'text/plain',
    ics      => 'text/calendar',
    vcf      => 'text/vcard',
    js       => 'text/javascript',
    xml      => 'application/xml',
    atom     => 'application/atom+xml',
    rss      => 'application/rss+xml',
    json     => 'application/json',
    toml     => 'application/toml',
    pdf      => 'application/pdf',
    epub     => 'application/epub+zip',
    zip      => 'application/zip',
    gz       => 'application/gzip',
    tgz      => 'application/gzip',
    bz2      => 'application/x-bzip2',
    xz       => 'application/x-xz',
    tar      => 'application/x-tar',
    pem      => 'application/x-pem-file',
    sig      => 'application/pgp-signature',
    png      => 'image/png',
    jpg      => 'image/jpeg',
    jpeg     => 'image/jpeg',
    gif      => 'image/gif',
    webp     => 'image/webp',
    svg      => 'image/svg+xml',
    ico      => 'image/vnd.microsoft.icon',
    avif     => 'image/avif',
    bmp      => 'image/bmp',
    tif      => 'image/tiff',
    tiff     => 'image/tiff',
    mp3      => 'audio/mpeg',
    ogg      => 'audio/ogg',
    oga      => 'audio/ogg',
    opus     => 'audio/opus',
    flac     => 'audio/flac',
    wav      => 'audio/wav',
    m4a      => 'audio/mp4',
    mid      => 'audio/midi',
    mp4      => 'video/mp4',
    webm     => 'video/webm',
    ogv      => 'video/ogg',
    mkv      => 'video/x-matroska',
);

sub new {
    my ($class, %arg) = @_;
    my %type = (%TYPE, map { lc s/\A\.//r => $arg{types}{$_} } keys %{ $arg{types} // {} });
    for my $name (sort keys %type) {
        next if is_type($type{$name});
        _wrong("the type of .$name, '" . ($type{$name} // 'undef') . "', is no MIME type");
    }
    return bless {
        type    => \%type,
        default => $arg{default} // 'application/octet-stream',
        lang    => $arg{lang},
        warn    => $arg{warn} // sub { },
        meta    => {},
    }, $class;
}

sub is_type {
    my ($text) = @_;
    return defined $text && $text =~ m{\A[\w.+-]+/[\w.+-]+(?:\s*;[^\x00-\x1F\x7F]*)?\z};
}

# ($status, $meta) for a file in a folder.
sub of_file {
    my ($self, $folder, $name) = @_;
    my ($suffix) = $name =~ /\.([^.]+)\z/;
    my $type = $self->{type}{ lc($suffix // '') } // $self->{default};
    $type .= "; lang=$self->{lang}" if defined $self->{lang} && $type eq 'text/gemini';
    my $said = $self->_said($folder, $name) // return (20, $type);
    return (20, $type . $said) if $said =~ /\A;/;
    return ($1, $2)            if $said =~ /\A([1-6][0-9]) (.*)\z/s;
    return (20, $said);
}

# What the last rule says that fits the name; undef if none does.
sub _said {
    my ($self, $folder, $name) = @_;
    my @stat  = stat "$folder/.meta" or return;
    my $stamp = join ' ', @stat[0, 1, 7, 9, 10];
    my $known = $self->{meta}{$folder};
    if (!$known || $known->[0] ne $stamp) {
        $self->{meta} = {} if keys %{ $self->{meta} } >= META_FOLDERS;
        $known = $self->{meta}{$folder} = [$stamp, $self->_read("$folder/.meta")];
    }
    my $said;
    for my $rule (@{ $known->[1] }) {
        $said = $rule->[1] if $name =~ $rule->[0];
    }
    return $said;
}

sub _read {
    my ($self, $path) = @_;
    my $text = '';
    open my $in, '<:raw', $path or $self->{warn}->("$path: $!");
    return [] if !$in || !-f $in;
    read $in, $text, META_MAX + 1;
    if (length $text > META_MAX) {
        $self->{warn}->("$path: more than " . META_MAX . ' bytes; nothing in it counts');
        return [];
    }
    my ($number, @rules) = (0);
    for my $line (split /\r?\n/, $text) {
        $number++;
        next if $line =~ /\A\s*(?:#|\z)/;
        my $rule = _rule($line);
        if ($rule) { push @rules, $rule }
        else       { $self->{warn}->("$path line $number is not understood") }
    }
    return \@rules;
}

# "*.gmi: ;lang=de", "old.gmi: 31 new.gmi", "*.bin: text/plain".
sub _rule {
    my ($line) = @_;
    my ($pattern, $said) = $line =~ /\A\s*([^:\s\/\x00-\x1F\x7F]+)\s*:\s*(.*?)\s*\z/ or return;
    return if $said =~ /[\x00-\x1F\x7F]/;
    return if $said !~ /\A(?:;.+|[1-6][0-9] .+)\z/ && !is_type($said);
    return if $said =~ /\A([1-6][0-9]) /           && !is_status($1);
    my $regex = join '', map { $_ eq '*' ? '.*' : $_ eq '?' ? '.' : quotemeta } split /([*?])/, $pattern;
    return [qr/\A$regex\z/s, $said];
}

my %STATUS = map { $_ => 1 } qw(10 11 20 30 31 40 41 42 43 44 50 51 52 53 59 60 61 62);

sub is_status { my ($status) = @_; return $STATUS{$status} }

sub _wrong {
    my ($text) = @_;
    return Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Types - types of files (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Types;

    my $types = Vouch::Gemini::Server::Types->new(types => { log => 'text/plain' });
    my ($status, $meta) = $types->of_file('/srv/gemini', 'index.gmi');

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release. The rules
are described in L<Vouch::Gemini::Server/Files>.

=head1 METHODS

=head2 new

    my $types = Vouch::Gemini::Server::Types->new(types => \%more, lang => 'de');

C<types> adds to the table of suffixes, C<default> is for those that are not in
it, C<lang> goes with C<text/gemini>, and C<warn> is a function that is told what
is wrong in a F<.meta>.

=head2 of_file

    my ($status, $meta) = $types->of_file($folder, $name);

=head2 is_type, is_status

    die if !Vouch::Gemini::Server::Types::is_type('text/gemini');

Whether this is a MIME type, or a status that Gemini defines.

=head2 META_MAX, META_FOLDERS

    my $limit = Vouch::Gemini::Server::Types::META_MAX;

65,536 bytes of a F<.meta> are read, and 1000 folders remembered.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
