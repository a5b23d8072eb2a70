package VouchTest::Gemini;

use v5.16;
use warnings;

# A Gemini server in a child process that answers as it is told to, right or
# wrong.
#
#   my $server = VouchTest::Gemini->start(
#       name  => 'capsule',
#       pages => { '/' => "20 text/gemini\r\nHello\n", '/odd' => sub { my ($client, $line, $tell) = @_; ... } },
#   );
#   my $result = $client->get($server->url('/'));
#   $server->next_line;    # each request: the line, and who asked, or "nobody"

use VouchTest         qw(identity);
use VouchTest::Server ();
use Vouch::Socket;

use parent -norequire => 'VouchTest::Server';

sub start {
    my ($class, %arg) = @_;
    my $pages = $arg{pages};
    my ($cert, $key) = @{ $arg{files} // [identity($arg{name} // 'capsule', san => ['localhost'])] };
    return $class->SUPER::start(
        ssl => {
            SSL_cert_file   => $cert,
            SSL_key_file    => $key,
            SSL_verify_mode => VOUCH_VERIFY_ANY,
            %{ $arg{ssl} // {} },
        },
        tcp     => { LocalPort => $arg{port} // 0, ReuseAddr => 1 },
        refused => sub { $_[0]->('refused') },
        serve   => sub {
            my ($client, $tell) = @_;
            my $line = <$client>;
            return $tell->('silent') if !defined $line;
            $tell->($line =~ s/\r\n\z//r . ' by ' . ($client->peer_certificate('cn') // 'nobody'));
            my ($path) = $line =~ m{\A\w+://[^/]*(/[^?;\r\n]*)};
            my $page = $pages->{ $path // '/' } // "51 not found\r\n";
            return $page->($client, $line, $tell) if ref $page;
            print {$client} $page;
            close $client;
        },
    );
}

sub url {
    my ($self, $path, $scheme) = @_;
    return ($scheme // 'gemini') . '://localhost:' . $self->port . $path;
}

1;
