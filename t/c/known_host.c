/*
 * Lines of a known-hosts file: what is read, what is written, what is
 * refused.
 */
#include "trust/known_host.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "tap.h"

#define D32 "ab12ab12ab12ab12ab12ab12ab12ab12"
#define D64 D32 D32
#define D128 D64 D64
#define CERT "sha256$" D64
#define KEY "sha256$spki$" D64
#define CERT512 "sha512$" D128
#define EXPIRY "2036-11-17T21:04:52Z"
#define FIRST "2026-11-20T21:00:00Z"
#define LAST "2026-11-30T08:15:00Z"
#define TIMES EXPIRY " " FIRST " " LAST
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A line, and the same as it is written. */
static const struct {
    const char *line;
    const char *canonical;
} good[] = {
    {"localhost 1965 " TIMES " " CERT " " KEY,
     "localhost 1965 " TIMES " " CERT " " KEY},
    {"localhost 1965 - - - " CERT, "localhost 1965 - - - " CERT},
    {"localhost 1965 - - - " KEY " verified",
     "localhost 1965 - - - " KEY " verified"},
    {"  EXAMPLE.org.\t65535  - - -  SHA256:" D64 "  ",
     "example.org 65535 - - - " CERT},
    {"[::1] 1 - - - " CERT512 " " CERT, "::1 1 - - - " CERT512 " " CERT},
    {"::1 1 - - - " D64, "::1 1 - - - " CERT},
    {"fe80::1%eth0.5 1 - - - " CERT, "fe80::1%eth0.5 1 - - - " CERT},
    {"127.0.0.1 1 - - - " CERT, "127.0.0.1 1 - - - " CERT},
    {"xn--bcher-kva.example 1 - - - " CERT,
     "xn--bcher-kva.example 1 - - - " CERT},
    {"_a-b.c_d 1 - - - " CERT, "_a-b.c_d 1 - - - " CERT},
    {"a 1 1950-01-01T00:00:00Z - 9999-12-31T23:59:59Z " CERT,
     "a 1 1950-01-01T00:00:00Z - 9999-12-31T23:59:59Z " CERT},
    {"verified 1 - - - " CERT, "verified 1 - - - " CERT},
};

static const struct {
    const char *line;
    const char *says;
} bad[] = {
    {"", "empty"},
    {" \t ", "empty"},
    {"localhost", "port is missing"},
    {"localhost 1965", "expiry is missing"},
    {"localhost 1965 -", "first seen is missing"},
    {"localhost 1965 - -", "last seen is missing"},
    {"localhost 1965 - - -", "no fingerprint"},
    {"localhost 1965 - - - verified", "no fingerprint"},
    {"localhost 1965 - - - " CERT " verified verified", "is the last"},
    {"localhost 1965 - - - " CERT " verified " KEY, "is the last"},
    {"localhost 1965 - - - " CERT " " CERT, "second of its kind"},
    {"localhost 1965 - - - " CERT " comment", "is not a fingerprint"},
    {"localhost 1965 - - - " CERT "1", "is not a fingerprint"},
    {"localhost 1965 - - - sha256$ab12", "has 2 bytes"},
    {"localhost 1965 - - - sha256$pub$" D64, "is none of"},
    {"localhost 1965 - - - md5$" D32, "is none of"},
    {"localhost 1965 - - - sha1$" D32 "ab12ab12", "is none of"},
    {"localhost 0 - - - " CERT, "port \"0\""},
    {"localhost 65536 - - - " CERT, "port \"65536\""},
    {"localhost 01965 - - - " CERT, "port \"01965\""},
    {"localhost 1965x - - - " CERT, "port \"1965x\""},
    {"localhost -1 - - - " CERT, "port \"-1\""},
    {"localhost 999999999999999999999 - - - " CERT, "port"},
    {"localhost 1965 tomorrow - - " CERT, "expiry \"tomorrow\""},
    {"localhost 1965 - 2026-02-30T00:00:00Z - " CERT, "first seen"},
    {"localhost 1965 - - 2026-11-30 " CERT, "last seen"},
    {"local/host 1965 - - - " CERT, "host \"local/host\""},
    {"local..host 1965 - - - " CERT, "is no host"},
    {".localhost 1965 - - - " CERT, "is no host"},
    {"localhost.. 1965 - - - " CERT, "is no host"},
    {". 1965 - - - " CERT, "is no host"},
    {"*.example.org 1965 - - - " CERT, "is no host"},
    {"b\xc3\xbc"
     "cher 1965 - - - " CERT,
     "host \"b??cher\""},
    {"[localhost] 1965 - - - " CERT, "is no host"},
    {"[::1 1965 - - - " CERT, "is no host"},
    {"[] 1965 - - - " CERT, "is no host"},
    {": 1965 - - - " CERT, "is no host"},
    {"::1% 1965 - - - " CERT, "is no host"},
    {"::1%a/b 1965 - - - " CERT, "is no host"},
    {"localhost:1965 1965 - - - " CERT, "is no host"},
    {L63 "a 1965 - - - " CERT, "is no host"},
    {L63 "." L63 "." L63 "." L63 " 1965 - - - " CERT, "is no host"},
};

static void
test_good(void)
{
    struct vouch_buf *buf = vouch_buf_new(VOUCH_HOST_LINE_MAX);
    struct vouch_known_host host;
    struct vouch_error err;
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        vouch_error_clear(&err);
        vouch_buf_clear(buf);
        ok(vouch_known_host_parse(good[i].line, strlen(good[i].line), &host,
                                  &err)
                   == 0
               && vouch_known_host_line(&host, buf) == 0,
           good[i].line);
        is_text(vouch_buf_text(buf), good[i].canonical, "as it is written");
        is_text(err.text, "", "without an error");
    }
    vouch_buf_free(buf);
}

static void
test_facts(void)
{
    static const char line[] =
        "localhost 1965 " TIMES " " CERT " " KEY " verified";
    struct vouch_known_host host;

    ok(vouch_known_host_parse(line, strlen(line), &host, NULL) == 0, "a line");
    is_text(host.host, "localhost", "host");
    is_int(host.port, 1965, "port");
    is_int(host.expires, INT64_C(2110568692), "expiry");
    is_int(host.first_seen, INT64_C(1795208400), "first seen");
    is_int(host.last_seen, INT64_C(1796026500), "last seen");
    is_int(host.verified, 1, "verified");
    is_int(host.count, 2, "two fingerprints");
    is_int(host.prints[0].of, VOUCH_OF_CERT, "of the certificate");
    is_int(host.prints[1].of, VOUCH_OF_SPKI, "of the key");
}

static void
test_bad(void)
{
    struct vouch_known_host host;
    struct vouch_known_host before;
    struct vouch_error err;
    size_t i;

    memset(&before, 0x5a, sizeof(before));
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vouch_error_clear(&err);
        host = before;
        ok(vouch_known_host_parse(bad[i].line, strlen(bad[i].line), &host,
                                  &err)
                   == -1
               && err.code == VOUCH_E_FORMAT
               && strstr(err.text, bad[i].says) != NULL
               && memcmp(&host, &before, sizeof(host)) == 0,
           bad[i].says);
        if (strstr(err.text, bad[i].says) == NULL)
            printf("# %s: %s\n", bad[i].line, err.text);
    }
}

/* One byte too few, right, one too many. */
static void
test_limits(void)
{
    static const char rest[] = " 1 - - - " CERT;
    char line[VOUCH_HOST_LINE_MAX + 2];
    struct vouch_known_host host;
    struct vouch_error err;
    size_t length;
    size_t i;

    for (length = VOUCH_HOST_MAX - 1; length <= VOUCH_HOST_MAX + 1; length++) {
        for (i = 0; i < length; i++)
            line[i] = i % 50 == 49 && i + 1 < length ? '.' : 'a';
        memcpy(line + length, rest, sizeof(rest));
        is_int(vouch_known_host_parse(line, strlen(line), &host, NULL),
               length <= VOUCH_HOST_MAX ? 0 : -1, "length of a name");
    }
    memset(line, ' ', sizeof(line));
    memcpy(line, "a", 1);
    memcpy(line + 1, rest, sizeof(rest) - 1);
    for (length = VOUCH_HOST_LINE_MAX; length < sizeof(line); length++) {
        vouch_error_clear(&err);
        is_int(vouch_known_host_parse(line, length, &host, &err),
               length <= VOUCH_HOST_LINE_MAX ? 0 : -1, "length of a line");
    }
    is_int(err.code, VOUCH_E_LIMIT, "too long is told");
    memcpy(line, "lo\0cal", 6);
    is_int(vouch_known_host_parse(line, 100, &host, NULL), -1,
           "a NUL in a name");
    memcpy(line, "localhost 1 - - - sha256$\0", 26);
    is_int(vouch_known_host_parse(line, 100, &host, NULL), -1,
           "a NUL in a fingerprint");
}

/* Every beginning of a good line is refused, or good itself; each is copied
 * to memory of its own size, for what reads too far. */
static void
test_truncated(void)
{
    static const char line[] =
        "localhost 1965 " TIMES " " CERT " " KEY " verified";
    struct vouch_known_host host;
    struct vouch_error err;
    size_t length;
    char *copy;
    int accepted = 0;

    for (length = 0; length < sizeof(line); length++) {
        copy = malloc(length > 0 ? length : 1);
        if (copy == NULL)
            return;
        memcpy(copy, line, length);
        vouch_error_clear(&err);
        if (vouch_known_host_parse(copy, length, &host, &err) == 0)
            accepted++;
        free(copy);
    }
    /* Behind CERT, behind KEY, with a blank each, and the whole line. */
    is_int(accepted, 5, "beginnings that are lines");
}

int
main(void)
{
    test_good();
    test_facts();
    test_bad();
    test_limits();
    test_truncated();
    return tap_done();
}
