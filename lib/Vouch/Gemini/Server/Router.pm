package Vouch::Gemini::Server::Router 0.001;

use v5.16;
use warnings;

use Vouch::Error ();

# Which route a path belongs to, and which rules apply to it.  A path comes
# decoded, its dot segments resolved.

sub new {
    my ($class) = @_;
    return bless { exact => {}, patterns => {}, mounts => {}, rules => [] }, $class;
}

# The first route added for a path counts; one without placeholders before
# those with.
sub add {
    my ($self, $scheme, $pattern, $target) = @_;
    _check($pattern);
    if ($pattern !~ /[:*]/) {
        $self->{exact}{"$scheme $pattern"} //= $target;
        return;
    }
    my ($regex, @names) = _compile($pattern);
    push @{ $self->{patterns}{$scheme} }, [$regex, \@names, $target];
    return;
}

# The target, and what the placeholders have matched; nothing if there is none.
sub find {
    my ($self, $scheme, $path) = @_;
    if (my $target = $self->{exact}{"$scheme $path"}) { return ($target, {}) }
    for my $candidate (@{ $self->{patterns}{$scheme} // [] }) {
        my ($regex, $names, $target) = @$candidate;
        my @values = $path =~ $regex or next;
        my %found;
        @found{@$names} = @values if @$names;
        return ($target, \%found);
    }
    for my $mount (@{ $self->{mounts}{$scheme} // [] }) {
        my ($prefix, $target) = @$mount;
        return ($target, {}) if $path eq $prefix || index($path, "$prefix/") == 0;
    }
    return;
}

# For a path and all below it, where nothing else is: the longest counts.
sub add_mount {
    my ($self, $scheme, $prefix, $target) = @_;
    _check($prefix);
    my $mounts = $self->{mounts}{$scheme} //= [];
    @$mounts = sort { length $b->[0] <=> length $a->[0] } @$mounts, [$prefix =~ s{/\z}{}r, $target];
    return;
}

# For the path and all below it.  The longest prefix comes first, so the first
# that matches is the one that counts.
sub add_rule {
    my ($self, $prefix, $rule) = @_;
    _check($prefix);
    my $key   = _folded($prefix) =~ s{/\z}{}r;
    my @rules = grep { $_->[0] ne $key } @{ $self->{rules} };
    $self->{rules} = [sort { length $b->[0] <=> length $a->[0] } @rules, [$key, $rule]];
    return;
}

sub rule {
    my ($self, $path) = @_;
    my $rules = $self->{rules};
    return if !@$rules;
    $path = _folded($path);
    for my $candidate (@$rules) {
        my ($prefix, $rule) = @$candidate;
        return $rule if $path eq $prefix || index($path, "$prefix/") == 0;
    }
    return;
}

# Files know no empty names, so "//private" must not get past "/private".
sub _folded { my ($path) = @_; return $path =~ tr{/}{}sr }

sub _check {
    my ($pattern) = @_;
    return if defined $pattern && !ref $pattern && $pattern =~ m{\A/};
    _wrong("a path begins with a slash, not '" . ($pattern // 'undef') . "'");
}

my %GLOB = ('*' => '[^/]*', '**' => '.*');

# ":name" is a segment, or the part of one up to other characters; "*name" is
# all the rest, slashes too; "*" and "**" match the same and name nothing.
sub _compile {
    my ($pattern) = @_;
    my ($regex, @names, %seen) = ('');
    for my $part (split /(:\w+|\*\w+|\*\*|\*)/, $pattern) {
        my ($kind, $name) = $part =~ /\A([:*])(\w+)\z/;
        if    ($GLOB{$part}) { $regex .= $GLOB{$part} }
        elsif ($kind)        { $regex .= $kind eq ':' ? '([^/]+?)' : '(.*)'; push @names, $name }
        else                 { $regex .= quotemeta $part }
        _wrong("the pattern $pattern has :$name twice") if $kind && $seen{$name}++;
    }
    return (qr/\A$regex\z/s, @names);
}

sub _wrong {
    my ($text) = @_;
    return Vouch::Error->throw(code => 'argument', message => $text);
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Router - from paths to routes and rules (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server::Router;

    my $router = Vouch::Gemini::Server::Router->new;
    $router->add(gemini => '/page/:name', 'a target');
    my ($found, $parameters) = $router->find(gemini => '/page/Start');

=head1 DESCRIPTION

For use by L<Vouch::Gemini::Server> only; it may change in any release. The
patterns are described in L<Vouch::Gemini::Server/Routes>.

=head1 METHODS

=head2 new

    my $router = Vouch::Gemini::Server::Router->new;

An empty one.

=head2 add, find

    $router->add(gemini => '/page/:name', $target);
    my ($target, $parameters) = $router->find(gemini => $path);

=head2 add_mount

    $router->add_mount(gemini => '/files', $target);

For a path and all below it, where no route is.

=head2 add_rule, rule

    $router->add_rule('/members', $rule);
    my $rule = $router->rule('/members/list');

Rules are for a path and what is below it, by whole segments; the longest
counts.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
