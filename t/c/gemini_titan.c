/*
 * gemini/titan: parameters at the end of a path.
 */
#include <string.h>

#include "base/error.h"
#include "gemini/titan.h"
#include "tap.h"

static void
test_parameters(void)
{
    static const struct {
        const char *path;
        size_t path_length;
        uint64_t size;
        const char *mime;
        const char *token; /* NULL: none */
    } table[] = {
        {"/p;size=0", 2, 0, "text/gemini", NULL},
        {"/p;size=10", 2, 10, "text/gemini", NULL},
        {"/p;size=0000000000000000010", 2, 10, "text/gemini", NULL},
        {"/p;mime=text/plain;size=1", 2, 1, "text/plain", NULL},
        {"/p;size=1;mime=text/plain%3Bcharset=utf-8", 2, 1,
         "text/plain;charset=utf-8", NULL},
        {"/p;token=;size=1", 2, 1, "text/gemini", ""},
        {"/p;token=a%3bb;size=1;mime=image%2Fpng", 2, 1, "image/png", "a;b"},
        {"/a;b/c;d;size=1", 8, 1, "text/gemini", NULL},
        {"/;size=9223372036854775807", 1, VOUCH_TITAN_SIZE_MAX, "text/gemini",
         NULL},
        {";size=1", 0, 1, "text/gemini", NULL},
    };
    struct vouch_error err;
    struct vouch_titan titan;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_titan_parse(table[i].path, strlen(table[i].path), &titan,
                                 &err),
               0, table[i].path);
        is_int(titan.path_length, table[i].path_length, "path");
        ok(titan.size == table[i].size, "size");
        is_text(titan.mime, table[i].mime, "mime");
        is_int(titan.has_token, table[i].token != NULL, "is there a token");
        is_text(titan.token, table[i].token != NULL ? table[i].token : "",
                "token");
        is_int(titan.edit, 0, "nothing to edit");
    }
}

static void
test_refused(void)
{
    static const char *const table[] = {
        "/p",
        "/p;size",
        "/p;size=",
        "/p;size=-1",
        "/p;size=+1",
        "/p;size=1x",
        "/p;size=0x1",
        "/p;size=%31",
        "/p;size=9223372036854775808",
        "/p;size=99999999999999999999",
        "/p;size=1;",
        "/p;size=1;;mime=text/plain",
        "/p;size=1;size=1",
        "/p;size=1;mime=a/b;mime=a/b",
        "/p;size=1;token=a;token=a",
        "/p;size=1;other=a",
        "/p;size=1;mime=",
        "/p;size=1;mime=text",
        "/p;size=1;mime=text/",
        "/p;size=1;mime=/plain",
        "/p;size=1;mime=text/pl%0Aain",
        "/p;size=1;mime=text/plain%00",
        "/p;size=1;token=a%00",
        "/p;mime=text/plain",
        "/p;token=x",
        "/p;size=1;edit",
        "/p;size=1;SIZE=1",
        "/p;Size=1",
    };
    struct vouch_error err;
    struct vouch_titan titan;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_titan_parse(table[i], strlen(table[i]), &titan, &err), -1,
               table[i]);
        is_int(err.code, VOUCH_E_FORMAT, "as malformed");
    }
}

static void
test_edit(void)
{
    struct vouch_error err;
    struct vouch_titan titan;

    vouch_error_clear(&err);
    is_int(vouch_titan_parse("/p;edit", 7, &titan, &err), 0, "edit");
    is_int(titan.edit, 1, "is asked for");
    is_int(titan.path_length, 2, "of this path");
    is_int(vouch_titan_parse("/p;editor;size=1", 16, &titan, &err), 0,
           "a name that begins so");
    is_int(titan.path_length, 9, "is a part of the path");
}

static void
test_url(void)
{
    static const struct {
        const char *from;
        const char *mime;
        const char *token;
        const char *want;
    } table[] = {
        {"gemini://h/p", NULL, NULL, "titan://h/p;size=5"},
        {"titan://H:1/p?q", "text/plain", "a b;c",
         "titan://H:1/p;size=5;mime=text/plain;token=a%20b%3Bc?q"},
        {"gemini://h", "text/plain; charset=utf-8", NULL,
         "titan://h/;size=5;mime=text/plain%3B%20charset%3Dutf-8"},
        {"https://h/p", NULL, NULL, NULL},
        {"titan://h/p;size=1", NULL, NULL, NULL},
        {"gemini://h/p", "text", NULL, NULL},
    };
    struct vouch_error err;
    struct vouch_url from;
    struct vouch_url url;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vouch_error_clear(&err);
        (void) vouch_url_parse(table[i].from, strlen(table[i].from), &from,
                               &err);
        is_int(vouch_titan_url(&from, 5, table[i].mime, table[i].token, &url,
                               &err),
               table[i].want != NULL ? 0 : -1, table[i].from);
        if (table[i].want != NULL)
            is_text(url.text, table[i].want, "is uploaded to");
    }
}

static void
test_url_long(void)
{
    char text[VOUCH_URL_MAX];
    struct vouch_error err;
    struct vouch_url from;
    struct vouch_url url;

    memset(text, 'a', sizeof(text));
    memcpy(text, "titan://h/", 10);
    vouch_error_clear(&err);
    (void) vouch_url_parse(text, VOUCH_URL_MAX - 7, &from, &err);
    is_int(vouch_titan_url(&from, 5, NULL, NULL, &url, &err), 0,
           "1024 bytes with the parameters");
    (void) vouch_url_parse(text, VOUCH_URL_MAX - 6, &from, &err);
    is_int(vouch_titan_url(&from, 5, NULL, NULL, &url, &err), -1, "1025");
    is_int(err.code, VOUCH_E_LIMIT, "are too many");
}

int
main(void)
{
    test_parameters();
    test_refused();
    test_edit();
    test_url();
    test_url_long();
    return tap_done();
}
