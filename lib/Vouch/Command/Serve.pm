package Vouch::Command::Serve 0.001;

use v5.16;
use warnings;

use Cwd        qw(abs_path);
use Fcntl      qw(S_IRWXU);
use File::Path ();
use File::Spec ();

use Vouch::Command           qw(options usage);
use Vouch::Command::Terminal qw(plain);
use Vouch::Error             ();
use Vouch::File              ();
use Vouch::Gemini::Server    ();
use Vouch::Gemini::URL       ();
use Vouch::Identity          ();

my $USAGE = <<'TEXT';
vouch serve [OPTION...] DIR

Serves the files in a folder with Gemini, until it is stopped.  A certificate is
made the first time, kept, and renewed with the same key before it runs out.

  --host NAME       the name in URLs, repeatable (localhost)
  --address ADDR    where to listen (127.0.0.1 for localhost, else everywhere)
  --port N          the port (1965; 0: any that is free)
  --cert FILE       another certificate, and
  --key FILE        its key, if it is in a file of its own
  --certificates DIR  where those made here are (in the data folder)
  --listing         list folders without an index.gmi
  --log FILE        an access log, without addresses; "-": standard output
  --workers N       share the work between so many processes (1)
  --quiet           say nothing at the beginning
  --help            this text
TEXT

use constant { DAYS => 3650, RENEW_DAYS => 30, DAY => 86_400 };

sub run {
    my ($class, @argv) = @_;
    my %opt   = (host => []);
    my @known = qw(address=s port=i cert=s key=s certificates=s listing log=s workers=i quiet help);
    my ($dir, @rest) =
        options($USAGE, \@argv, 'host=s' => $opt{host}, map { $_ => \$opt{s/=.*//r} } @known);
    if ($opt{help}) { print $USAGE; return 0 }
    usage('name a folder',                         $USAGE) if !defined $dir;
    usage("\"$rest[0]\" is one argument too many", $USAGE) if @rest;
    usage('--key without --cert',                  $USAGE) if defined $opt{key} && !defined $opt{cert};
    _check_numbers(\%opt);
    _fail("$dir is not a folder") if !-d $dir;
    my $hosts    = @{ $opt{host} } ? $opt{host} : ['localhost'];
    my $identity = _identity(\%opt, $hosts);
    my $server   = _server(\%opt, $hosts, $identity)->static('/' => abs_path($dir), listing => $opt{listing});
    $server->listen;
    _tell($dir, $hosts->[0], $server->port, $identity->certificate) if !$opt{quiet};
    $server->run;
    return 0;
}

sub _check_numbers {
    my ($opt) = @_;
    usage('--port is not between 0 and 65535', $USAGE)
        if defined $opt->{port} && ($opt->{port} < 0 || $opt->{port} > 65_535);
    usage('--workers is not between 1 and 1000', $USAGE)
        if defined $opt->{workers} && ($opt->{workers} < 1 || $opt->{workers} > 1000);
    return;
}

sub _server {
    my ($opt, $hosts, $identity) = @_;
    my $only_here = !grep { $_ ne 'localhost' } @$hosts;
    my $address   = $opt->{address} // ($only_here ? '127.0.0.1' : undef);
    my $log       = $opt->{log};
    return Vouch::Gemini::Server->new(
        host     => $hosts,
        identity => $identity,
        (defined $address        ? (address => $address)                      : ()),
        (defined $opt->{port}    ? (port    => $opt->{port})                  : ()),
        (defined $opt->{workers} ? (workers => $opt->{workers})               : ()),
        (defined $log            ? (log     => $log eq '-' ? \*STDOUT : $log) : ()),
    );
}

sub _identity {
    my ($opt, $hosts) = @_;
    if (defined $opt->{cert}) {
        return Vouch::Identity->load(
            cert_file => $opt->{cert},
            (defined $opt->{key} ? (key_file => $opt->{key}) : ()),
        );
    }
    my $stem = _stem($opt, $hosts->[0]);
    return _made($stem, $hosts) if !-e "$stem-cert.pem";
    my $identity    = Vouch::Identity->load(file => $stem);
    my $certificate = $identity->certificate;
    for my $host (@$hosts) {
        next if $certificate->is_for($host);
        _fail("$stem-cert.pem is not for $host: name another one with --cert, or remove it and its key");
    }
    return $identity if $certificate->not_after > time + RENEW_DAYS * DAY;
    return $identity->renew(days => DAYS, file => $stem, replace => 1);
}

sub _stem {
    my ($opt, $host) = @_;
    my $folder = $opt->{certificates} // File::Spec->catdir(Vouch::File::data_folder(), 'servers');
    _fail("$host cannot be the name of a file: give --cert") if $host !~ /\A[A-Za-z0-9][A-Za-z0-9.:_-]*\z/;
    File::Path::make_path($folder, { mode => S_IRWXU, error => \my $errors });
    _fail("$folder cannot be made") if !-d $folder;
    return File::Spec->catfile($folder, $host);
}

sub _made {
    my ($stem, $hosts) = @_;
    my @local = grep { $_ eq 'localhost' } @$hosts;
    return Vouch::Identity->create(
        cn   => $hosts->[0],
        san  => [@$hosts, @local ? qw(127.0.0.1 ::1) : ()],
        days => DAYS,
        file => $stem,
    );
}

sub _tell {
    my ($dir, $host, $port, $certificate) = @_;
    my $where = $host =~ /:/ ? "[$host]" : $host;
    local $| = 1;
    say plain($dir), " is at gemini://$where", $port == 1965 ? '' : ":$port", '/';
    say 'certificate ', $certificate->fingerprint(spelling => 'lower');
    return;
}

sub _fail { my ($text) = @_; return Vouch::Error->throw(code => 'argument', message => $text) }

1;

__END__

=head1 NAME

Vouch::Command::Serve - vouch serve (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Serve;

    exit Vouch::Command::Serve->run(qw(--listing public));

=head1 DESCRIPTION

The subcommand C<serve>, described in L<vouch/vouch serve>. For use by the command
only; it may change in any release.

=head1 METHODS

=head2 run

    my $status = Vouch::Command::Serve->run(@argv);

Takes the arguments after C<serve>, serves until a signal ends it, and returns 0, or dies
as told in L<Vouch::Command>.

=head1 SEE ALSO

L<vouch>, L<Vouch::Gemini::Server>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
