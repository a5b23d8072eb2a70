/*
 * base/error: first error kept, cutting, system words, code names.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "tap.h"

static void
test_null(void)
{
    vouch_error_clear(NULL);
    is_int(vouch_error_set(NULL, VOUCH_E_LIMIT, "x"), -1, "set on NULL");
    is_int(vouch_error_set_sys(NULL, VOUCH_E_FILE, ENOENT, "x"), -1,
           "set_sys on NULL");
}

static void
test_first_is_kept(void)
{
    struct vouch_error err;

    memset(&err, 0xFF, sizeof(err));
    vouch_error_clear(&err);
    is_int(err.code, VOUCH_OK, "clear: code");
    is_int(err.sys_errno, 0, "clear: sys_errno");
    is_int((long) err.lib_code, 0, "clear: lib_code");
    is_text(err.text, "", "clear: text");

    is_int(vouch_error_set(&err, VOUCH_E_LIMIT, "%d of %s", 3, "a"), -1,
           "set returns -1");
    is_int(vouch_error_set(&err, VOUCH_E_FILE, "second"), -1, "set again");
    is_int(vouch_error_set_sys(&err, VOUCH_E_FILE, EIO, "third"), -1,
           "set_sys after set");
    is_int(err.code, VOUCH_E_LIMIT, "the first code is kept");
    is_int(err.sys_errno, 0, "no errno came in later");
    is_text(err.text, "3 of a", "the first text is kept");
}

static void
test_system(void)
{
    struct vouch_error err;

    vouch_error_clear(&err);
    errno = EDOM;
    (void) vouch_error_set_sys(&err, VOUCH_E_FILE, ENOENT, "%s: cannot read",
                               "a.pem");
    is_text(err.text, "a.pem: cannot read: No such file or directory",
            "text ends with the system's words");
    is_int(err.sys_errno, ENOENT, "sys_errno is stored");
    is_int(errno, EDOM, "errno is left alone by set_sys");

    vouch_error_clear(&err);
    (void) vouch_error_set_sys(&err, VOUCH_E_FILE, 0, "plain");
    is_text(err.text, "plain", "no words for errno 0");
    is_int(errno, EDOM, "errno is left alone");

    vouch_error_clear(&err);
    (void) vouch_error_set_sys(&err, VOUCH_E_FILE, 99999, "odd");
    ok(strncmp(err.text, "odd: ", 5) == 0 && strlen(err.text) > 5,
       "an errno nobody knows has words too");
}

static void
test_limits(void)
{
    static const size_t lengths[] = {0,
                                     1,
                                     VOUCH_ERROR_TEXT - 2,
                                     VOUCH_ERROR_TEXT - 1,
                                     VOUCH_ERROR_TEXT,
                                     VOUCH_ERROR_TEXT + 1,
                                     4000};
    static const char tail[] = ": No such file or directory";
    char big[4001];
    struct vouch_error err;
    size_t want;
    size_t i;

    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        memset(big, 'x', sizeof(big));
        big[lengths[i]] = '\0';
        want =
            lengths[i] < VOUCH_ERROR_TEXT ? lengths[i] : VOUCH_ERROR_TEXT - 1;
        vouch_error_clear(&err);
        (void) vouch_error_set(&err, VOUCH_E_FORMAT, "%s", big);
        is_int(strlen(err.text), want, "length of a text at the limit");

        vouch_error_clear(&err);
        (void) vouch_error_set_sys(&err, VOUCH_E_FORMAT, ENOENT, "%s", big);
        want = strlen(err.text);
        ok(want >= strlen(tail)
               && strcmp(err.text + want - strlen(tail), tail) == 0,
           "the reason stays when the text is cut");
    }
}

static void
test_hostile_text(void)
{
    struct vouch_error err;
    char big[VOUCH_ERROR_TEXT + 4];
    size_t skip;

    vouch_error_clear(&err);
    (void) vouch_error_set(&err, VOUCH_E_FILE, "a\nb\033[2J\177\r\xC3\xA9");
    is_text(err.text, "a?b?[2J??\xC3\xA9", "control characters are replaced");

    for (skip = 0; skip < 4; skip++) {
        memset(big, 'x', sizeof(big));
        memcpy(big + VOUCH_ERROR_TEXT - 4 + skip, "\xF0\x9F\x98\x80", 4);
        vouch_error_clear(&err);
        (void) vouch_error_set(&err, VOUCH_E_FILE, "%.*s",
                               VOUCH_ERROR_TEXT + (int) skip, big);
        is_int(strspn(err.text, "x"), strlen(err.text),
               "no part of a cut UTF-8 character is left");
    }

    memset(big, '\x80', sizeof(big));
    vouch_error_clear(&err);
    (void) vouch_error_set(&err, VOUCH_E_FILE, "%.*s", VOUCH_ERROR_TEXT, big);
    is_int(strlen(err.text), VOUCH_ERROR_TEXT - 1,
           "bytes that are no UTF-8 are just cut");
}

static void
test_names(void)
{
    static const struct {
        int code;
        const char *name;
    } table[] = {
        {VOUCH_OK, "ok"},
        {VOUCH_E_ARGUMENT, "argument"},
        {VOUCH_E_MEMORY, "memory"},
        {VOUCH_E_SYSTEM, "system"},
        {VOUCH_E_FILE, "file"},
        {VOUCH_E_FORMAT, "format"},
        {VOUCH_E_PASSWORD, "password"},
        {VOUCH_E_MISMATCH, "mismatch"},
        {VOUCH_E_EXPIRED, "expired"},
        {VOUCH_E_EXISTS, "exists"},
        {VOUCH_E_LIMIT, "limit"},
        {VOUCH_E_CONFIG, "config"},
        {VOUCH_E_TLS, "tls"},
        {VOUCH_E_ALERT, "alert"},
        {VOUCH_E_VERIFY, "verify"},
        {VOUCH_E_TIMEOUT, "timeout"},
        {VOUCH_E_CLOSED, "closed"},
        {VOUCH_E_BUSY, "busy"},
        {VOUCH_E_BUSY + 1, "unknown"},
        {-1, "unknown"},
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        is_text(vouch_code_name((enum vouch_code) table[i].code),
                table[i].name, table[i].name);
}

int
main(void)
{
    test_null();
    test_first_is_kept();
    test_system();
    test_limits();
    test_hostile_text();
    test_names();
    return tap_done();
}
