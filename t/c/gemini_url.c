/*
 * gemini/url: taken apart, resolved, decoded, put together.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "gemini/url.h"
#include "tap.h"

static int
parse(const char *text, struct vouch_url *url, struct vouch_error *err)
{
    vouch_error_clear(err);
    return vouch_url_parse(text, strlen(text), url, err);
}

static void
test_parts(void)
{
    static const struct {
        const char *text;
        unsigned has;
        const char *scheme;
        const char *host;
        int port;
        const char *path;
        const char *query;
        const char *fragment;
    } table[] = {
        {"gemini://h/", VOUCH_URL_SCHEME | VOUCH_URL_HOST, "gemini", "h", 1965,
         "/", "", ""},
        {"GEMINI://HOST.Example:1966/A?q#f",
         VOUCH_URL_SCHEME | VOUCH_URL_HOST | VOUCH_URL_PORT | VOUCH_URL_QUERY
             | VOUCH_URL_FRAGMENT,
         "gemini", "host.example", 1966, "/A", "q", "f"},
        {"gemini://h", VOUCH_URL_SCHEME | VOUCH_URL_HOST, "gemini", "h", 1965,
         "", "", ""},
        {"gemini://h?q", VOUCH_URL_SCHEME | VOUCH_URL_HOST | VOUCH_URL_QUERY,
         "gemini", "h", 1965, "", "q", ""},
        {"gemini://h:/", VOUCH_URL_SCHEME | VOUCH_URL_HOST, "gemini", "h",
         1965, "/", "", ""},
        {"gemini://h/?", VOUCH_URL_SCHEME | VOUCH_URL_HOST | VOUCH_URL_QUERY,
         "gemini", "h", 1965, "/", "", ""},
        {"gemini://u:p@h:1/",
         VOUCH_URL_SCHEME | VOUCH_URL_HOST | VOUCH_URL_PORT
             | VOUCH_URL_USERINFO,
         "gemini", "h", 1, "/", "", ""},
        {"gemini://[::1]:65535/",
         VOUCH_URL_SCHEME | VOUCH_URL_HOST | VOUCH_URL_PORT
             | VOUCH_URL_ADDRESS,
         "gemini", "::1", 65535, "/", "", ""},
        {"gemini://[fe80::1%25eth0]/",
         VOUCH_URL_SCHEME | VOUCH_URL_HOST | VOUCH_URL_ADDRESS, "gemini",
         "fe80::1%25eth0", 1965, "/", "", ""},
        {"gemini:///x", VOUCH_URL_SCHEME | VOUCH_URL_HOST, "gemini", "", 1965,
         "/x", "", ""},
        {"//h/x", VOUCH_URL_HOST, "", "h", 1965, "/x", "", ""},
        {"../x", 0, "", "", 1965, "../x", "", ""},
        {"", 0, "", "", 1965, "", "", ""},
        {"?a?b", VOUCH_URL_QUERY, "", "", 1965, "", "a?b", ""},
        {"#a#b", VOUCH_URL_FRAGMENT, "", "", 1965, "", "", "a#b"},
        {"mailto:a@b", VOUCH_URL_SCHEME, "mailto", "", 1965, "a@b", "", ""},
        {"/a:b", 0, "", "", 1965, "/a:b", "", ""},
        {"gemini://b\xC3\xBC.example/\xE2\x82\xAC",
         VOUCH_URL_SCHEME | VOUCH_URL_HOST, "gemini", "b\xC3\xBC.example",
         1965, "/\xE2\x82\xAC", "", ""},
    };
    struct vouch_error err;
    struct vouch_url url;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memset(&url, 0, sizeof(url));
        is_int(parse(table[i].text, &url, &err), 0, table[i].text);
        is_int(url.has, table[i].has, "what it has");
        is_text(url.scheme, table[i].scheme, "scheme");
        is_text(url.host, table[i].host, "host");
        is_int(vouch_url_port(&url), table[i].port, "port");
        is_int(url.path.length, strlen(table[i].path), "length of path");
        is_bytes(url.text + url.path.start, table[i].path, url.path.length,
                 "path");
        is_int(url.query.length, strlen(table[i].query), "length of query");
        is_bytes(url.text + url.query.start, table[i].query, url.query.length,
                 "query");
        is_int(url.fragment.length, strlen(table[i].fragment),
               "length of fragment");
        is_bytes(url.text + url.fragment.start, table[i].fragment,
                 url.fragment.length, "fragment");
    }
}

static void
test_refused(void)
{
    static const char *const table[] = {
        "gemini://h/a b",
        "gemini://h/\t",
        "gemini://h/\x7F",
        "gemini://h/\xC2\x80",
        "gemini://h/\xFF",
        "gemini://h/\xC0\xAF",
        "gemini://h/\xE2\x82",
        "gemini://h/%",
        "gemini://h/%4",
        "gemini://h/%4g",
        ":x",
        "1x://h/",
        "ge mini://h/",
        "ge_mini://h/",
        "gemini://h:x/",
        "gemini://h:0/",
        "gemini://h:65536/",
        "gemini://h:999999/",
        "gemini://h:1:2/",
        "gemini://[::1/",
        "gemini://[::1]x/",
        "gemini://[h]/",
        "gemini://[]/",
        "gemini://[::g]/",
        "gemini://h%41/",
        "gemini://h,i/",
        "gemini://\\/",
        "gemini://::1/",
        "gemini://[::1%]/",
        "gemini://h]/",
    };
    struct vouch_error err;
    struct vouch_url url;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memset(&url, 0x55, sizeof(url));
        is_int(parse(table[i], &url, &err), -1, table[i]);
        is_int(err.code, VOUCH_E_FORMAT, "as malformed");
        is_int(url.length, (size_t) 0x5555555555555555ULL, "nothing is set");
    }
    vouch_error_clear(&err);
    is_int(vouch_url_parse("gemini://h/\0x", 13, &url, &err), -1, "a NUL");
}

/* N-1, N and N+1 of each limit. */
static void
test_limits(void)
{
    char text[VOUCH_URL_MAX + 2];
    struct vouch_error err;
    struct vouch_url url;

    memset(text, 'a', sizeof(text));
    memcpy(text, "gemini://h/", 11);
    vouch_error_clear(&err);
    is_int(vouch_url_parse(text, 1023, &url, &err), 0, "1023 bytes");
    is_int(vouch_url_parse(text, 1024, &url, &err), 0, "1024 bytes");
    is_int(url.length, 1024, "are all there");
    is_int(vouch_url_parse(text, 1025, &url, &err), -1, "1025 bytes");
    is_int(err.code, VOUCH_E_LIMIT, "are too many");

    memset(text, 'a', sizeof(text));
    memcpy(text, "gemini://", 9);
    vouch_error_clear(&err);
    is_int(vouch_url_parse(text, 9 + 254, &url, &err), 0, "a host of 254");
    is_int(vouch_url_parse(text, 9 + 255, &url, &err), 0, "a host of 255");
    is_int(vouch_url_parse(text, 9 + 256, &url, &err), -1, "a host of 256");

    memset(text, 'a', sizeof(text));
    vouch_error_clear(&err);
    text[30] = ':';
    is_int(vouch_url_parse(text, 40, &url, &err), 0, "a scheme of 30");
    text[30] = 'a';
    text[31] = ':';
    is_int(vouch_url_parse(text, 40, &url, &err), 0, "a scheme of 31");
    text[31] = 'a';
    text[32] = ':';
    is_int(vouch_url_parse(text, 40, &url, &err), -1, "a scheme of 32");
}

/* RFC 3986, 5.4, with gemini for http; what it calls strict. */
static void
test_resolve(void)
{
    static const struct {
        const char *reference;
        const char *want;
    } table[] = {
        {"g:h", "g:h"},
        {"g", "gemini://a/b/c/g"},
        {"./g", "gemini://a/b/c/g"},
        {"g/", "gemini://a/b/c/g/"},
        {"/g", "gemini://a/g"},
        {"//g", "gemini://g"},
        {"?y", "gemini://a/b/c/d;p?y"},
        {"g?y", "gemini://a/b/c/g?y"},
        {"#s", "gemini://a/b/c/d;p?q#s"},
        {"g#s", "gemini://a/b/c/g#s"},
        {"g?y#s", "gemini://a/b/c/g?y#s"},
        {";x", "gemini://a/b/c/;x"},
        {"g;x?y#s", "gemini://a/b/c/g;x?y#s"},
        {"", "gemini://a/b/c/d;p?q"},
        {".", "gemini://a/b/c/"},
        {"./", "gemini://a/b/c/"},
        {"..", "gemini://a/b/"},
        {"../", "gemini://a/b/"},
        {"../g", "gemini://a/b/g"},
        {"../..", "gemini://a/"},
        {"../../", "gemini://a/"},
        {"../../g", "gemini://a/g"},
        {"../../../g", "gemini://a/g"},
        {"../../../../g", "gemini://a/g"},
        {"/./g", "gemini://a/g"},
        {"/../g", "gemini://a/g"},
        {"g.", "gemini://a/b/c/g."},
        {".g", "gemini://a/b/c/.g"},
        {"g..", "gemini://a/b/c/g.."},
        {"..g", "gemini://a/b/c/..g"},
        {"./../g", "gemini://a/b/g"},
        {"./g/.", "gemini://a/b/c/g/"},
        {"g/./h", "gemini://a/b/c/g/h"},
        {"g/../h", "gemini://a/b/c/h"},
        {"g;x=1/./y", "gemini://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "gemini://a/b/c/y"},
        {"g?y/./x", "gemini://a/b/c/g?y/./x"},
        {"g?y/../x", "gemini://a/b/c/g?y/../x"},
        {"g#s/../x", "gemini://a/b/c/g#s/../x"},
        {"titan://o/x/../y", "titan://o/y"},
        {"//h:1?q", "gemini://h:1?q"},
    };
    struct vouch_error err;
    struct vouch_url base;
    struct vouch_url reference;
    struct vouch_url url;
    size_t i;

    (void) parse("gemini://a/b/c/d;p?q", &base, &err);
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        (void) parse(table[i].reference, &reference, &err);
        is_int(vouch_url_resolve(&base, &reference, &url, &err), 0,
               table[i].reference);
        is_text(url.text, table[i].want, "means");
    }
    (void) parse("gemini://a", &base, &err);
    (void) parse("x", &reference, &err);
    is_int(vouch_url_resolve(&base, &reference, &url, &err), 0, "no path");
    is_text(url.text, "gemini://a/x", "a slash comes between");
    is_int(vouch_url_resolve(&reference, &base, &url, &err), 0, "absolute");
    vouch_error_clear(&err);
    is_int(vouch_url_resolve(&reference, &reference, &url, &err), -1,
           "a base without scheme");
}

static void
test_resolve_long(void)
{
    char text[VOUCH_URL_MAX + 1];
    struct vouch_error err;
    struct vouch_url base;
    struct vouch_url reference;
    struct vouch_url url;

    memset(text, 'a', sizeof(text));
    memcpy(text, "gemini://h/", 11);
    text[1013] = '/';
    vouch_error_clear(&err);
    (void) vouch_url_parse(text, 1014, &base, &err);
    (void) parse("0123456789", &reference, &err);
    is_int(vouch_url_resolve(&base, &reference, &url, &err), 0, "1024 bytes");
    is_int(url.length, 1024, "are all there");
    (void) parse("0123456789a", &reference, &err);
    is_int(vouch_url_resolve(&base, &reference, &url, &err), -1, "1025");
    is_int(err.code, VOUCH_E_LIMIT, "are too many");
}

static void
test_normalize(void)
{
    static const struct {
        const char *text;
        const char *want;
    } table[] = {
        {"GEMINI://H", "gemini://h/"},
        {"gemini://H:1965/x", "gemini://h/x"},
        {"gemini://h:/x", "gemini://h/x"},
        {"gemini://h:01966/x", "gemini://h:1966/x"},
        {"gemini://h/a/../b/./c", "gemini://h/b/c"},
        {"gemini://h/a/%2e%2E/b", "gemini://h/b"},
        {"gemini://h/%7euser/%c3%bc%2f", "gemini://h/~user/%C3%BC%2F"},
        {"gemini://h?Q%41#f", "gemini://h/?Q%41"},
        {"gemini://h/?", "gemini://h/?"},
        {"gemini://u@[::1]:3/", "gemini://[::1]:3/"},
        {"x/y", NULL},
        {"//h/y", NULL},
        {"gemini:///y", NULL},
        {"gemini:y", NULL},
    };
    struct vouch_error err;
    struct vouch_url given;
    struct vouch_url url;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        (void) parse(table[i].text, &given, &err);
        url.text[0] = '\0';
        is_int(vouch_url_normalize(&given, &url, &err),
               table[i].want != NULL ? 0 : -1, table[i].text);
        if (table[i].want != NULL)
            is_text(url.text, table[i].want, "is");
    }
}

static void
test_path(void)
{
    static const struct {
        const char *raw;
        const char *want;
    } table[] = {
        {"", "/"},
        {"/", "/"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"/a/.", "/a/"},
        {"/a/..", "/"},
        {"/a/../", "/"},
        {"/a/../b", "/b"},
        {"/a/b/../../c", "/c"},
        {"/a/%2e%2e/b", "/b"},
        {"/a/.%2E/b", "/b"},
        {"/a%2f..%2Fb", "/b"},
        {"/a%2Fb", "/a/b"},
        {"/a//b", "/a//b"},
        {"/a//../b", "/a/b"},
        {"/%41%ff", "/A\xFF"},
        {"/...", "/..."},
        {"/..a", "/..a"},
        {"/..", NULL},
        {"/../", NULL},
        {"/../a", NULL},
        {"/a/../../a", NULL},
        {"/%2e%2e/a", NULL},
        {"/a%2f..%2f..%2fb", NULL},
        {"/%00", NULL},
        {"/a%00b", NULL},
        {"a", NULL},
        {"/%4", NULL},
    };
    char path[VOUCH_URL_MAX + 2];
    struct vouch_error err;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_url_path(table[i].raw, strlen(table[i].raw), path, &err),
               table[i].want != NULL ? (long) strlen(table[i].want) : -1,
               table[i].raw);
        if (table[i].want != NULL)
            is_text(path, table[i].want, "is");
        else
            ok(err.text[0] != '\0', "is refused with a reason");
    }
}

static void
test_codes(void)
{
    struct vouch_buf *buf = vouch_buf_new(10);
    char text[] = "a%20b%00%";

    is_int(vouch_url_decode(text, 9, text), -1, "a % at the end");
    memcpy(text, "a%20b%00c", 9);
    is_int(vouch_url_decode(text, 9, text), 5, "decoded in place");
    is_bytes(text, "a b\0c", 5, "the bytes");
    is_int(vouch_url_encode("a/ \xFF~", 5, 1, buf), 0, "encoded");
    is_text(vouch_buf_text(buf), "a/%20%FF~", "with slashes");
    vouch_buf_clear(buf);
    is_int(vouch_url_encode("a/b", 3, 0, buf), 0, "encoded");
    is_text(vouch_buf_text(buf), "a%2Fb", "without");
    is_int(vouch_url_encode("//", 2, 0, buf), -1, "the buffer is full");
    vouch_buf_free(buf);
}

int
main(void)
{
    test_parts();
    test_refused();
    test_limits();
    test_resolve();
    test_resolve_long();
    test_normalize();
    test_path();
    test_codes();
    return tap_done();
}
