package Vouch::Command::Identity 0.001;

use v5.16;
use warnings;

use JSON::PP ();

use Vouch::Command            qw(full_url options usage);
use Vouch::Command::Terminal  qw(can_ask choose plain);
use Vouch::Error              ();
use Vouch::Gemini::Identities ();

my $USAGE = <<'TEXT';
vouch identity list
vouch identity new NAME [--cn NAME] [--days N] [--key KIND]
vouch identity renew NAME [--days N]
vouch identity use NAME|- URL
vouch identity forget URL
vouch identity remove NAME [--yes]

Who you are for Gemini servers.  "use" shows that identity at a URL and below,
and nowhere else; with "-" none is shown there.  "gemini://" may be left out.

  --identities DIR  where identities are (in the data folder)
  --cn NAME         the common name, if it is to be another
  --days N          valid for so many days (3650)
  --key KIND        ec:prime256v1 (default), ec:secp384r1, rsa:3072, ed25519
  --yes             remove without asking: certificate and key are gone then
  --json            list as JSON
  --help            this text
TEXT

my %ACTION = (
    list   => [\&_list,   0],
    new    => [\&_new,    1],
    renew  => [\&_renew,  1],
    use    => [\&_use,    2],
    forget => [\&_forget, 1],
    remove => [\&_remove, 1],
);

sub run {
    my ($class, @argv) = @_;
    my %opt;
    my @known = qw(identities=s cn=s days=i key=s yes json help);
    my ($word, @rest) = options($USAGE, \@argv, map { $_ => \$opt{s/=.*//r} } @known);
    if ($opt{help}) { print $USAGE; return 0 }
    my ($action, $count) = @{ $ACTION{ $word // '' } // [] };
    usage('say what to do: list, new, renew, use, forget or remove', $USAGE) if !$action;
    usage("$word takes $count arguments, not " . @rest,              $USAGE) if @rest != $count;
    my $store =
        Vouch::Gemini::Identities->new(defined $opt{identities} ? (folder => $opt{identities}) : ());
    return $action->(\%opt, $store, @rest);
}

sub _list {
    my ($opt, $store) = @_;
    my @facts = map { _facts_of($store, $_) } $store->list;
    if ($opt->{json}) {
        print JSON::PP->new->utf8->canonical->pretty->encode(\@facts);
        return 0;
    }
    for my $fact (@facts) {
        say join q( ), $fact->{name}, $fact->{fingerprint}, 'until ' . $fact->{not_after};
        say "  $_" for @{ $fact->{uses} };
    }
    return 0;
}

sub _facts_of {
    my ($store, $name) = @_;
    my $certificate = Vouch::Certificate->from_file($store->folder . "/$name-cert.pem");
    utf8::decode(my $cn = $certificate->common_name // '');
    return {
        name        => $name,
        cn          => $cn,
        not_after   => $certificate->not_after_iso // '?',
        fingerprint => $certificate->fingerprint,
        public_key  => $certificate->fingerprint(of => 'spki'),
        uses        => [map { $_->{url} } grep { $_->{name} eq $name } $store->uses],
    };
}

sub _made {
    my ($opt, $name, $identity) = @_;
    my $certificate = $identity->certificate;
    say join q( ), $name, $certificate->fingerprint, 'until ' . ($certificate->not_after_iso // '?');
    return 0;
}

sub _new {
    my ($opt, $store, $name) = @_;
    my %how = map { $_ => $opt->{$_} } grep { defined $opt->{$_} } qw(cn days key);
    return _made($opt, $name, $store->create($name, %how));
}

sub _renew {
    my ($opt, $store, $name) = @_;
    my ($useless) = grep { defined $opt->{$_} } qw(cn key);
    usage("--$useless cannot be changed by renew", $USAGE) if defined $useless;
    return _made($opt, $name, $store->renew($name, days => $opt->{days} // 3650));
}

sub _use {
    my ($opt, $store, $name, $url) = @_;
    $store->use_for($name, full_url($url));
    return 0;
}

sub _forget {
    my ($opt, $store, $url) = @_;
    $store->forget(full_url($url)) or _fail('nothing is used at ' . plain($url));
    return 0;
}

sub _remove {
    my ($opt, $store, $name) = @_;
    # Which says that there is none; one without its key can be removed.
    $store->load($name) if !grep { $_ eq $name } $store->list;
    if (!$opt->{yes}) {
        _fail('nobody can be asked: give --yes') if !can_ask();
        return 1 if choose("Remove $name and its key for good?", 'no', 'yes') ne 'yes';
    }
    $store->remove($name);
    return 0;
}

sub _fail { my ($text) = @_; return Vouch::Error->throw(code => 'argument', message => $text) }

1;

__END__

=head1 NAME

Vouch::Command::Identity - vouch identity (internal)

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Command::Identity;

    exit Vouch::Command::Identity->run('list');

=head1 DESCRIPTION

The subcommand C<identity>, described in L<vouch/vouch identity>. For use by the command
only; it may change in any release.

=head1 METHODS

=head2 run

    my $status = Vouch::Command::Identity->run(@argv);

Takes the arguments after C<identity>, and returns the exit status, or dies as told in
L<Vouch::Command>.

=head1 SEE ALSO

L<vouch>, L<Vouch::Gemini::Identities>

=head1 AUTHOR

The Vouch authors.

=head1 LICENSE

This library is free software; you can redistribute it and/or modify it under
the same terms as Perl itself.

=cut
