use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest;
use Vouch::Gemini::URL;

# URLs as Perl sees them; their parsing is tested in t/c/gemini_url.c.

sub url { my ($text) = @_; return Vouch::Gemini::URL->new($text) }

sub code_of {
    my ($code) = @_;
    return eval { $code->(); 'fine' } // $@->code;
}

subtest 'in ASCII' => sub {
    # The names of RFC 3492, 7.1, which are valid in lower case, and others.
    my %host = (
        "b\x{FC}cher"                                                              => 'xn--bcher-kva',
        "B\x{DC}CHER"                                                              => 'xn--bcher-kva',
        "bu\x{308}cher"                                                            => 'xn--bcher-kva',
        "\x{4ED6}\x{4EEC}\x{4E3A}\x{4EC0}\x{4E48}\x{4E0D}\x{8BF4}\x{4E2D}\x{6587}" =>
            'xn--ihqwcrb4cv8a8dqg056pqjye',
        "pro\x{10D}prost\x{11B}nemluv\x{ED}\x{10D}esky"      => 'xn--proprostnemluvesky-uyb24dma41a',
        "3\x{5E74}b\x{7D44}\x{91D1}\x{516B}\x{5148}\x{751F}" => 'xn--3b-ww4c5e180e575a65lsy2b',
        "\x{2603}x"                                          => undef,
        "\x{3C0}"                                            => 'xn--1xa',
    );
    for my $name (sort keys %host) {
        utf8::encode(my $bytes = $name);
        my $ascii = eval { url("gemini://$bytes:7/")->ascii };
        is $ascii, defined $host{$name} ? "gemini://$host{$name}:7/" : undef, $bytes;
    }
    is url("gemini://a.b\xC3\xBC\xE3\x80\x82c/")->ascii, 'gemini://a.xn--b-eha.c/',     'label by label';
    is url('gemini://h/a?b#c')->ascii,                   'gemini://h/a?b#c',            'ASCII stays';
    is url("gemini://h/\xC3\xBC%20?\xC3\xBC")->ascii,    'gemini://h/%C3%BC%20?%C3%BC', 'path and query';
    is url("../\xC3\xBC")->ascii,                        '../%C3%BC',                   'a reference';
    is code_of(sub { url('gemini://' . "\xC3\xBC" x 80 . '/')->ascii }), 'format',      'a long name';
    is code_of(sub { url('gemini://h/' . "\xC3\xBC" x 400)->ascii }),    'limit',       'a long URL';
};

subtest 'objects' => sub {
    my $url = url('gemini://h/a');
    is(Vouch::Gemini::URL->new($url), $url, 'an object is handed back');
    is "$url", 'gemini://h/a', 'as a string';
    ok url(''), 'always true';
    is code_of(sub { url(undef) }),                        'argument', 'undef';
    is code_of(sub { url([]) }),                           'argument', 'a reference';
    is code_of(sub { url("\x{100}") }),                    'argument', 'characters';
    is code_of(sub { url('a b') }),                        'format',   'a blank';
    is code_of(sub { url('a' x 1025) }),                   'limit',    'too long';
    is code_of(sub { url('gemini://h/a/../../b')->path }), 'format',   'above the root';
    is code_of(sub { $url->upload(-1) }),                  'argument', 'a negative size';
    is code_of(sub { $url->upload(1, colour => 1) }),      'argument', 'an unknown argument';
    is code_of(sub { Vouch::Gemini::URL->decode('%x') }),  'format',   'no digits';
    is_deeply [url('gemini://h/')->segments],         [q()],             'the root has one empty segment';
    is_deeply [url('gemini://h/a/b%2Fc/')->segments], ['a', 'b/c', q()], 'segments';
};

subtest 'links of a test capsule' => sub {
    # As the torture test for clients has them: relative, past the root,
    # without scheme.
    my $base = url('gemini://h/test/torture/0001');
    my %want = (
        '0002'                  => 'gemini://h/test/torture/0002',
        '/test/torture/0003'    => 'gemini://h/test/torture/0003',
        '//h/test/torture/0004' => 'gemini://h/test/torture/0004',
        './0005'                => 'gemini://h/test/torture/0005',
        '../torture/0006'       => 'gemini://h/test/torture/0006',
        '../../../../test/0007' => 'gemini://h/test/0007',
        '/../../../test/0008'   => 'gemini://h/test/0008',
        './././0009'            => 'gemini://h/test/torture/0009',
        'a/b/../../0010'        => 'gemini://h/test/torture/0010',
        '?query'                => 'gemini://h/test/torture/0001?query',
        'gopher://h/0'          => 'gopher://h/0',
        'about:blank'           => 'about:blank',
        'data:text/plain,hi'    => 'data:text/plain,hi',
    );
    is $base->resolve($_),                               $want{$_}, "the link $_" for sort keys %want;
    is code_of(sub { $base->resolve('<gemini://h/>') }), 'format',  'brackets are no part of a scheme';
    is code_of(sub { $base->resolve('gemini://h h/') }), 'format',  'a blank is not';
};

done_testing;
