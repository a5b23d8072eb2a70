package Vouch::Gemini::Server::Site 0.001;

use v5.16;
use warnings;

use Cwd          ();
use Scalar::Util qw(weaken);

use Vouch::Error                       ();
use Vouch::Gemini::Response            ();
use Vouch::Gemini::Server::Access      ();
use Vouch::Gemini::Server::Environment ();
use Vouch::Gemini::Server::Program     ();
use Vouch::Gemini::Server::Route       ();
use Vouch::Gemini::Server::Router      ();
use Vouch::Gemini::Server::Static      ();
use Vouch::Gemini::Server::Types       ();
use Vouch::Gemini::URL                 ();

# One host, under one or several names: its routes, files, programs, rules.

sub _new {
    my ($class, $server, @names) = @_;
    my $self = bless {
        names  => \@names,
        server => $server,
        router => Vouch::Gemini::Server::Router->new,
        made   => [],
    }, $class;
    weaken $self->{server};
    return $self;
}

sub name  { return $_[0]{names}[0] }
sub names { return @{ $_[0]{names} } }

sub get {
    my ($self, $pattern, @more) = @_;
    $self->{router}->add(gemini => $pattern, $self->_route(@more));
    return $self;
}

sub titan {
    my ($self, $pattern, @more) = @_;
    $self->{router}->add(titan => $pattern, $self->_route(@more));
    $self->{server}->_takes_uploads;
    return $self;
}

sub _route {
    my ($self, @more) = @_;
    my $code  = pop @more;
    my $how   = @more == 1 && ref $more[0] eq 'HASH' ? $more[0] : {@more};
    my $route = Vouch::Gemini::Server::Route->new($code, $how);
    push @{ $self->{made} }, $route;
    return $route;
}

sub require {    ## no critic (ProhibitBuiltinHomonyms)
    my ($self, $prefix, $what) = @_;
    my $rule = Vouch::Gemini::Server::Access->new($what);
    $self->{router}->add_rule($prefix, $rule);
    push @{ $self->{made} }, $rule;
    return $self;
}

sub redirect {
    my ($self, $pattern, $to, %how) = @_;
    my $status = delete $how{permanent} ? 31 : 30;
    _unknown(redirect => %how);
    return $self->get(
        $pattern => sub {
            my ($request) = @_;
            my $params    = $request->params;
            my $target    = $to =~ s{([:*])(\w+)}{exists $params->{$2} ? _encoded($params->{$2}) : "$1$2"}ger;
            # "//host" would lead to another host.
            $target =~ s{\A/+}{/} if $to =~ m{\A/(?!/)};
            return Vouch::Gemini::Response->new(status => $status, meta => $target);
        }
    );
}

sub _encoded { my ($text) = @_; return Vouch::Gemini::URL->encode($text, slashes => 1) }

sub static {
    my ($self, $prefix, $folder, %how) = @_;
    my %types = map { $_ => delete $how{$_} } grep { exists $how{$_} } qw(types default lang);
    my $warn  = $self->_complainer;
    my %files = (root => $folder, types => Vouch::Gemini::Server::Types->new(%types, warn => $warn));
    $files{$_} = delete $how{$_} for grep { exists $how{$_} } qw(index listing);
    my %require = exists $how{require} ? (require => delete $how{require}) : ();
    _unknown(static => %how);
    my $files = Vouch::Gemini::Server::Static->new(%files);
    $self->_mount(
        gemini => $prefix,
        \%require,
        sub {
            my ($request, $rest) = @_;
            my $path = $request->path;
            return $files->answer($rest, $path) if length $rest || $path =~ m{/\z};
            return _redirect_to("$path/");
        }
    );
    return $self;
}

# All at the prefix and below it: the function is given the request and the
# rest of its path.
sub _mount {
    my ($self, $scheme, $prefix, $how, $code) = @_;
    my $base  = ($prefix // '') =~ s{/\z}{}r;
    my $route = $self->_route(
        $how,
        sub {
            my ($request) = @_;
            my $rest      = substr $request->path, length $base;
            return $code->($request, $rest =~ s{\A/}{}r);
        }
    );
    $self->{router}->add_mount($scheme, $prefix, $route);
    return;
}

sub _redirect_to {
    my ($path) = @_;
    return Vouch::Gemini::Response->new(status => 31, meta => _encoded($path));
}

sub cgi {
    my ($self, $prefix, $file, %how) = @_;
    my $base = ($prefix            // '') =~ s{/\z}{}r;
    my $real = Cwd::realpath($file // '');
    if (!defined $real || !-e $real) {
        my $given = $file // 'undef';
        Vouch::Error->throw(code => 'file', message => "$given: there is no such program or folder");
    }
    my $run = $self->_runner(cgi => \%how);
    return $self->_programs(
        $prefix,
        \%how,
        sub {
            my ($request, $rest)  = @_;
            my ($script,  $mount) = ($real, $base);
            if (-d $real) {
                my ($name) = $rest =~ m{\A([^/.][^/]*)} or return _not_found();
                ($script, $mount) = (Cwd::realpath("$real/$name") // '', "$base/$name");
                return _not_found() if index($script, "$real/") != 0;
            }
            return _not_found() if !-f $script || !-x _;
            return $run->($request, $mount, script => $script, what => $mount);
        }
    );
}

sub _not_found { return Vouch::Gemini::Response->new(status => 51, meta => 'There is no such page') }

sub scgi {
    my ($self, $prefix, $to, %how) = @_;
    my $base = ($prefix // '') =~ s{/\z}{}r;
    if (($to // '') !~ m{\A(?:/.+|.+:[0-9]{1,5})\z}s) {
        my $given = $to // 'undef';
        Vouch::Error->throw(code => 'argument', message => "scgi goes to /SOCKET or HOST:PORT, not '$given'");
    }
    my $run = $self->_runner(scgi => \%how);
    return $self->_programs(
        $prefix,
        \%how,
        sub {
            my ($request) = @_;
            return $run->($request, $base, to => $to, what => $base);
        }
    );
}

# A function that starts a program for a request, with what the route says.
sub _runner {
    my ($self, $kind, $how) = @_;
    my $sets = delete $how->{variables} // 'vouch';
    my @sets = ref $sets ? @$sets : $sets;
    Vouch::Gemini::Server::Environment::check(@sets);
    my $more   = delete $how->{env} // {};
    my %limits = (timeout => delete $how->{timeout} // 30, lifetime => delete $how->{lifetime} // 600);
    my $warn   = $self->_complainer;
    return sub {
        my ($request, $mount, %arg) = @_;
        my $env = Vouch::Gemini::Server::Environment::variables($request, $arg{script}, $mount, @sets);
        return Vouch::Gemini::Server::Program->$kind(
            %arg, %limits,
            env  => { %$env, %$more },
            body => $request->body,
            warn => $warn,
        );
    };
}

sub _programs {
    my ($self, $prefix, $how, $code) = @_;
    my %require = exists $how->{require} ? (require => delete $how->{require}) : ();
    my $titan   = delete $how->{titan};
    _unknown(cgi => %$how);
    $self->_mount(gemini => $prefix, \%require, $code);
    if ($titan) {
        $self->_mount(titan => $prefix, { %require, ref $titan ? %$titan : () }, $code);
        $self->{server}->_takes_uploads;
    }
    return $self;
}

sub _complainer {
    my ($self) = @_;
    my $server = $self->{server};
    weaken $server;
    return sub { $server->_complain($_[0]) if $server };
}

sub _unknown {
    my ($method, %rest) = @_;
    my ($name) = sort keys %rest or return;
    return Vouch::Error->throw(code => 'argument', message => "$method does not know $name");
}

# No route: say what would have been one.
sub _nothing {
    my ($self, $request) = @_;
    return _not_found() if !$request->{is_titan} || !$self->{router}->find(gemini => $request->{path});
    return Vouch::Gemini::Response->new(status => 59, meta => 'Nothing can be uploaded here');
}

# All files of rules again; what is wrong is told, and the old stays.
sub _reload {
    my ($self) = @_;
    for my $thing (@{ $self->{made} }) {
        eval { $thing->reload; 1 } or $self->{server}->_complain("reload: $@");
    }
    return;
}

1;

__END__

=head1 NAME

Vouch::Gemini::Server::Site - the pages of one host

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Gemini::Server;

    my $server = Vouch::Gemini::Server->new(
        host => 'one.example', cert => 'one-cert.pem', key => 'one-key.pem');
    my $two = $server->host('two.example', cert => 'two-cert.pem', key => 'two-key.pem');
    $two->get('/' => sub { return gemtext("# Two\n") });

=head1 DESCRIPTION

A L<Vouch::Gemini::Server> has a site for each host. Its own methods C<get>,
C<titan>, C<static>, C<cgi>, C<scgi>, C<redirect> and C<require> are those of the
first. All of them return the object they are called for, and die with a
L<Vouch::Error> for a mistake.

Paths and patterns are compared with the path of the request as it is decoded,
with its dot segments resolved.

=head1 METHODS

=head2 get

    $site->get('/page/:name' => sub { my ($request) = @_; ... });
    $site->get('/account' => { require => 'certificate' } => sub { ... });

A function for a path or a pattern (L<Vouch::Gemini::Server/Routes>). It is given a
L<Vouch::Gemini::Server::Request>, and returns an answer
(L<Vouch::Gemini::Server/FUNCTIONS>). C<require> says who may come:
L<Vouch::Gemini::Server/Who may see what>.

=head2 titan

    $site->titan('/page/:name' => { max => '1 MB', fingerprints => \@known } => sub { ... });

The same for uploads with Titan. The function is called when all of it is there;
what is refused is refused before. In the hash may be

=over 4

=item max

The largest size: a number, with C<kB>, C<MB>, C<GB> or C<KiB>, C<MiB>, C<GiB>.
Default 1 MB. An upload is kept in memory.

=item fingerprints, require

Who may: a list of fingerprints (no certificate 60, another one 61), or as for
C<get>. An array is looked at for each upload, so the program may change it.

=item token

A text, or a list of texts, one of which must come as the token. They are compared
in constant time. Else 59. Neither it nor C<fingerprints>, C<require> and C<types> may be
undef: what was forgotten to be set must not let everybody in.

=item types

A list of types that are taken, as C<text/gemini> or C<image/*>. Else 59.

=item edit

1 to have the function called also for C<;edit>, with which some clients ask for
the text that is to be edited (L<Vouch::Gemini::Request/is_edit>).

=back

=head2 static

    $site->static('/' => '/srv/gemini');
    $site->static('/files' => 'files', listing => 1, lang => 'de');

The files of a folder (L<Vouch::Gemini::Server/Files>), for paths that no route
has. Options: C<index> (the name of a file for a folder, or several; default
F<index.gmi>, F<index.gemini>), C<listing> (1 to list folders without it),
C<types> (a hash reference, from suffix to type), C<default> (the type of files
with another suffix), C<lang> (of gemtext), C<require>.

=head2 cgi, scgi

    $site->cgi('/cgi-bin' => '/srv/cgi-bin', variables => 'gmid');
    $site->cgi('/search' => '/srv/search.pl', timeout => 10);
    $site->scgi('/app' => '/run/app.sock');
    $site->scgi('/app' => '127.0.0.1:4000', titan => { max => '1 MB' });

Programs, for paths that no route has (L<Vouch::Gemini::Server/Programs>): those in
a folder, one, or a server on a socket. Options: C<variables> (the name of a set,
or several), C<env> (more variables, a hash reference), C<timeout> (seconds
that it may be silent, 30), C<lifetime> (seconds in all, 600), C<titan> (true, or a
hash reference as for L</titan>, to take uploads, which it reads on its standard
input), C<require>.

=head2 redirect

    $site->redirect('/old/:page' => '/new/:page');
    $site->redirect('/moved' => 'gemini://other.example/', permanent => 1);

Answers with 30, or 31. What the placeholders have matched may be used.

=head2 require

    $site->require('/members' => 'certificate');

Who may see a path and all below it (L<Vouch::Gemini::Server/Who may see what>).

=head2 name, names

    my $host = $site->name;

Its first name; all of its names.

=head1 SEE ALSO

L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
