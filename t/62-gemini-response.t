use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest;
use Vouch::Gemini::Response;

my %STATUS = (
    10 => ['input',       'input'],
    11 => ['input',       'sensitive input'],
    20 => ['success',     'success'],
    30 => ['redirect',    'temporary redirect'],
    31 => ['redirect',    'permanent redirect'],
    40 => ['temporary',   'temporary failure'],
    41 => ['temporary',   'server unavailable'],
    42 => ['temporary',   'CGI error'],
    43 => ['temporary',   'proxy error'],
    44 => ['temporary',   'slow down'],
    50 => ['permanent',   'permanent failure'],
    51 => ['permanent',   'not found'],
    52 => ['permanent',   'gone'],
    53 => ['permanent',   'proxy request refused'],
    59 => ['permanent',   'bad request'],
    60 => ['certificate', 'client certificate required'],
    61 => ['certificate', 'certificate not authorised'],
    62 => ['certificate', 'certificate not valid'],
);
my %META = (1 => 'Your name?', 2 => 'text/plain', 3 => '/else', 4 => 'later', 5 => 'no', 6 => 'who?');

sub code_of {
    my (@arg) = @_;
    return eval { Vouch::Gemini::Response->new(@arg); 'fine' } // $@->code;
}

subtest 'each status' => sub {
    for my $status (sort keys %STATUS) {
        my $meta     = $META{ int $status / 10 };
        my $response = Vouch::Gemini::Response->new(status => $status, meta => $meta);
        is $response->header, "$status $meta\r\n", "$status: the header";
        is_deeply [$response->type, $response->meaning], $STATUS{$status}, "$status: type and meaning";
        my $body = code_of(status => $status, meta => $meta, body => 'x');
        is $body, $status == 20 ? 'fine' : 'argument', "$status: a body only with success";
    }
    my @undefined = grep { !$STATUS{$_} } '00' .. '99';
    my %code      = map  { code_of(status => $_, meta => 'a/b') => 1 } @undefined;
    is_deeply \%code, { argument => 1 }, 'and no other';
    is code_of(status => $_), 'argument', "nor $_" for 5, 200, -20, '2x', q(), "20\n";
};

subtest 'the meta' => sub {
    is(Vouch::Gemini::Response->new(status => 20)->header, "20 text/gemini\r\n", 'gemtext unless told');
    is(Vouch::Gemini::Response->new(status => 51)->header, "51 not found\r\n",   'words for a failure');
    is code_of(status => 10), 'argument', 'a question must be given';
    is code_of(status => 31), 'argument', 'and a place to go to';
    is code_of(status => 20, meta => 'text'),               'argument', 'no MIME type';
    is code_of(status => 30, meta => 'a b'),                'argument', 'no URL';
    is code_of(status => 51, meta => "a\r\n20 text/plain"), 'argument', 'no second header';
    is code_of(status => 51, meta => "a\tb"),               'argument', 'no controls';
    is code_of(status => 51, meta => "a\0b"),               'argument', 'no NUL';
    is code_of(status => 51, meta => "\xFF"),               'argument', 'nothing but UTF-8';
    is code_of(status => 51, meta => "\x{100}"),            'argument', 'characters are no bytes';
    is code_of(status => 51, meta => 'a' x $_->[0]), $_->[1], "$_->[0] bytes"
        for [1023, 'fine'], [1024, 'fine'], [1025, 'argument'];
};

subtest 'the body' => sub {
    my $page = Vouch::Gemini::Response->new(status => 20, body => "\xC3\xBC");
    is $page->bytes, "20 text/gemini\r\n\xC3\xBC", 'follows the header as it is';
    my $made = Vouch::Gemini::Response->new(status => 20, body => sub { });
    is ref $made->body,                          'CODE',     'may be a function';
    is eval { $made->bytes } // $@->code,        'argument', 'which has no bytes';
    is code_of(status => 20, body => "\x{100}"), 'argument', 'characters are no bytes';
    is code_of(status => 20, size => 1),         'argument', 'no other argument';
    my $upgraded = "\xFC";
    utf8::upgrade($upgraded);
    is(Vouch::Gemini::Response->new(status => 20, body => $upgraded)->body,
        "\xFC", 'bytes, however Perl keeps them');
};

done_testing;
