/*
 * access: who may do what, and how the rules are written.
 */
#include <stdio.h>
#include <stdlib.h>

#include "access/access.h"
#include "access/access_file.h"
#include "base/error.h"
#include "base/text.h"
#include "lock/mode.h"
#include "tap.h"
#include "tls/fingerprint.h"

#define CERT "SHA256:" SIXTY4("a1")
#define KEY "SHA256:" SIXTY4("b2")
#define SIXTY4(pair) \
    pair pair pair pair pair pair pair pair pair pair pair pair pair pair \
        pair pair pair pair pair pair pair pair pair pair pair pair pair pair \
            pair pair pair pair

#define LOCK_IN(mode) VOUCH_ACCESS_LOCK_IN(VOUCH_LOCK_##mode)
#define CREATE VOUCH_ACCESS_CREATE
#define STATUS VOUCH_ACCESS_STATUS
#define KICK VOUCH_ACCESS_KICK
#define SHUTDOWN VOUCH_ACCESS_SHUTDOWN

static struct vouch_fingerprint cert;
static struct vouch_fingerprint key;

/* Clients. */
static struct vouch_access_who owner = {
    VOUCH_ACCESS_OWNER, 0, 0, NULL, NULL, NULL};
static struct vouch_access_who user = {
    VOUCH_ACCESS_UNIX, 1000, 0, NULL, NULL, NULL};
static struct vouch_access_who unknown = {
    VOUCH_ACCESS_UNIX, -1, 0, NULL, NULL, NULL};
static struct vouch_access_who host = {
    VOUCH_ACCESS_HOST, -1, 0, NULL, NULL, NULL};
static struct vouch_access_who stranger = {
    VOUCH_ACCESS_REMOTE, -1, 0, NULL, NULL, NULL};
static struct vouch_access_who alex = {
    VOUCH_ACCESS_REMOTE, -1, 1, "alex", &cert, &key};
static struct vouch_access_who nameless = {
    VOUCH_ACCESS_REMOTE, -1, 1, NULL, &cert, NULL};
static struct vouch_access_who forged = {
    VOUCH_ACCESS_REMOTE, -1, 0, "alex", &cert, &key};
static struct vouch_access_who pat = {VOUCH_ACCESS_REMOTE, -1,   1,
                                      "Pat (ops)",         NULL, NULL};

struct row {
    const char *rules; /* NULL: those of the row before */
    const struct vouch_access_who *who;
    unsigned right;
    const char *resource;
    int line; /* that allows it, or with a minus forbids it; 0: none does */
};

static const struct row ROWS[] = {
    /* Clients */
    {"allow any all\n", &stranger, SHUTDOWN, NULL, 1},
    {"allow owner all\n", &owner, SHUTDOWN, NULL, 1},
    {NULL, &user, LOCK_IN(EX), "db", 0},
    {NULL, &host, LOCK_IN(EX), "db", 0},
    {"allow unix lock\n", &owner, LOCK_IN(EX), "db", 1},
    {NULL, &user, LOCK_IN(EX), "db", 1},
    {NULL, &host, LOCK_IN(EX), "db", 0},
    {"allow local lock\n", &owner, LOCK_IN(EX), "db", 1},
    {NULL, &user, LOCK_IN(EX), "db", 1},
    {NULL, &host, LOCK_IN(EX), "db", 1},
    {NULL, &alex, LOCK_IN(EX), "db", 0},
    {"allow remote lock\n", &stranger, LOCK_IN(EX), "db", 1},
    {NULL, &alex, LOCK_IN(EX), "db", 1},
    {NULL, &host, LOCK_IN(EX), "db", 0},
    {"allow tls lock\n", &alex, LOCK_IN(EX), "db", 1},
    {NULL, &nameless, LOCK_IN(EX), "db", 1},
    {NULL, &stranger, LOCK_IN(EX), "db", 0},
    {NULL, &forged, LOCK_IN(EX), "db", 0},
    {"allow uid=1000 lock\n", &user, LOCK_IN(EX), "db", 1},
    {NULL, &owner, LOCK_IN(EX), "db", 0},
    {NULL, &unknown, LOCK_IN(EX), "db", 0},
    {"allow uid=0 lock\n", &owner, LOCK_IN(EX), "db", 1},
    {NULL, &user, LOCK_IN(EX), "db", 0},
    {"allow uid=4294967294 lock\n", &unknown, LOCK_IN(EX), "db", 0},
    {"allow cn=alex lock\n", &alex, LOCK_IN(EX), "db", 1},
    {NULL, &nameless, LOCK_IN(EX), "db", 0},
    {NULL, &forged, LOCK_IN(EX), "db", 0},
    {NULL, &pat, LOCK_IN(EX), "db", 0},
    {"allow cn=al?x* lock\n", &alex, LOCK_IN(EX), "db", 1},
    {"allow cn=ale lock\n", &alex, LOCK_IN(EX), "db", 0},
    {"allow cn=Alex lock\n", &alex, LOCK_IN(EX), "db", 0},
    {"allow \"cn=Pat (ops)\" lock\n", &pat, LOCK_IN(EX), "db", 1},
    {"allow cert=" CERT " lock\n", &alex, LOCK_IN(EX), "db", 1},
    {NULL, &nameless, LOCK_IN(EX), "db", 1},
    {NULL, &pat, LOCK_IN(EX), "db", 0},
    {NULL, &forged, LOCK_IN(EX), "db", 0},
    {"allow cert=" KEY " lock\n", &alex, LOCK_IN(EX), "db", 0},
    {"allow key=" KEY " lock\n", &alex, LOCK_IN(EX), "db", 1},
    {NULL, &nameless, LOCK_IN(EX), "db", 0},
    {NULL, &forged, LOCK_IN(EX), "db", 0},
    {"allow key=" CERT " lock\n", &alex, LOCK_IN(EX), "db", 0},

    /* Rights */
    {"allow any CR,PR\n", &host, LOCK_IN(PR), "db", 1},
    {NULL, &host, LOCK_IN(CR), "db", 1},
    {NULL, &host, LOCK_IN(EX), "db", 0},
    {NULL, &host, LOCK_IN(NL), "db", 0},
    {NULL, &host, CREATE, "db", 0},
    {"allow any lock\n", &host, LOCK_IN(NL), "db", 1},
    {NULL, &host, LOCK_IN(CW), "db", 1},
    {NULL, &host, LOCK_IN(PW), "db", 1},
    {NULL, &host, STATUS, "db", 0},
    {"allow any create\nallow any status\nallow any kick\n", &host, CREATE,
     "db", 1},
    {NULL, &host, STATUS, "db", 2},
    {NULL, &host, KICK, "db", 3},
    {NULL, &host, SHUTDOWN, NULL, 0},
    {"allow any shutdown\n", &host, SHUTDOWN, NULL, 1},

    /* Resources */
    {"allow any lock db build*\n", &host, LOCK_IN(EX), "db", 1},
    {NULL, &host, LOCK_IN(EX), "build", 1},
    {NULL, &host, LOCK_IN(EX), "builder7", 1},
    {NULL, &host, LOCK_IN(EX), "dbx", 0},
    {NULL, &host, LOCK_IN(EX), "xbuild", 0},
    {"allow any lock pool[*] _s_?[3] a.b\n", &host, LOCK_IN(EX), "pool[9]", 1},
    {NULL, &host, LOCK_IN(EX), "_s_x[3]", 1},
    {NULL, &host, LOCK_IN(EX), "_S_x[3]", 0},
    {NULL, &host, LOCK_IN(EX), "a.b", 1},
    {NULL, &host, LOCK_IN(EX), "a.b.c", 0},
    {"allow any lock _RESOURCE\n", &host, LOCK_IN(EX), "_RESOURCE", 1},

    /* The first one decides */
    {"deny any lock db\nallow any lock\n", &host, LOCK_IN(EX), "db", -1},
    {NULL, &host, LOCK_IN(EX), "other", 2},
    {"allow any lock\ndeny any lock db\n", &host, LOCK_IN(EX), "db", 1},
    {"# x\n\n deny\tremote  EX\r\nallow any lock # y\n", &stranger,
     LOCK_IN(EX), "db", -3},
    {NULL, &stranger, LOCK_IN(PR), "db", 4},
    {NULL, &host, LOCK_IN(EX), "db", 4},

    /* Trees */
    {"allow any lock /a\n", &host, LOCK_IN(EX), "/a", 1},
    {NULL, &host, LOCK_IN(EX), "/a/b", 1},
    {NULL, &host, LOCK_IN(EX), "/a/b/c", 1},
    {NULL, &host, LOCK_IN(EX), "/ab", 0},
    {NULL, &host, LOCK_IN(EX), "/b/a", 0},
    {"allow any lock /a/b\n", &host, LOCK_IN(EX), "/a", 0},
    {NULL, &host, LOCK_IN(EX), "/a/b/c", 1},
    {"deny any lock /a/b\nallow any lock /a\n", &host, LOCK_IN(EX), "/a/b/c",
     -1},
    {NULL, &host, LOCK_IN(EX), "/a/c", 2},
    {NULL, &host, LOCK_IN(EX), "/a/bc", 2},
    {NULL, &host, LOCK_IN(EX), "/a", -1},
    {"deny any EX /a/b/c\nallow any lock\n", &host, LOCK_IN(EX), "/a/b", -1},
    {NULL, &host, LOCK_IN(EX), "/a", -1},
    {NULL, &host, LOCK_IN(PR), "/a", 2},
    {NULL, &host, LOCK_IN(EX), "/a/c", 2},
    {NULL, &host, LOCK_IN(EX), "/a/b/d", 2},
    {NULL, &host, LOCK_IN(EX), "a", 2},
    {"deny any lock /a/*/x\nallow any lock\n", &host, LOCK_IN(EX), "/a", -1},
    {NULL, &host, LOCK_IN(EX), "/a/b", -1},
    {NULL, &host, LOCK_IN(EX), "/b", 2},
    {"deny any lock *x\nallow any lock\n", &host, LOCK_IN(EX), "/a", -1},
    {"deny any lock /a?b\nallow any lock\n", &host, LOCK_IN(EX), "/a", -1},
    {"deny any lock /a?\nallow any lock\n", &host, LOCK_IN(EX), "/a", 2},
    {"deny any lock /a?b\nallow any lock\n", &host, LOCK_IN(EX), "/a/c", 2},
    {"deny any status /a/b\nallow any status\n", &host, STATUS, "/a", 2},

    /* The daemon as a whole */
    {"allow any all db\n", &host, SHUTDOWN, NULL, 0},
    {NULL, &host, KICK, "db", 1},
    {NULL, &host, KICK, NULL, 0},
    {"allow any all db *\n", &host, SHUTDOWN, NULL, 1},
    {"deny any all db\nallow any all\n", &host, SHUTDOWN, NULL, 2},
    {"deny any all *\nallow any all\n", &host, SHUTDOWN, NULL, -1},
};

static void
test_rows(void)
{
    struct vouch_access *access = NULL;
    struct vouch_access_verdict verdict;
    struct vouch_error err;
    char name[1024];
    const struct row *row;
    size_t i;

    for (i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        row = &ROWS[i];
        vouch_error_clear(&err);
        if (row->rules != NULL) {
            vouch_access_free(access);
            access = NULL;
            if (vouch_access_parse(row->rules, strlen(row->rules), &access,
                                   &err)
                != 0) {
                is_text(err.text, "", row->rules);
                continue;
            }
        }
        (void) vouch_access_decide(access, row->who, row->right, row->resource,
                                   &verdict);
        vouch_access_text(row->who, row->right, row->resource, &verdict, name,
                          sizeof(name));
        is_int(verdict.allowed ? verdict.line : -verdict.line, row->line,
               name);
        is_int(verdict.allowed, row->line > 0, "and so");
    }
    vouch_access_free(access);
}

/* Without a file. */
static void
test_usual(void)
{
    static const struct {
        const struct vouch_access_who *who;
        int admin;
        int with_option;
    } rows[] = {
        {&owner, 1, 1},    {&user, 0, 0}, {&unknown, 0, 0},  {&host, 1, 1},
        {&stranger, 0, 1}, {&alex, 1, 1}, {&nameless, 1, 1},
    };
    struct vouch_access *access[2] = {NULL, NULL};
    struct vouch_access_verdict verdict;
    char name[256];
    size_t i;
    int with;

    ok(vouch_access_usual(0, &access[0], NULL) == 0
           && vouch_access_usual(1, &access[1], NULL) == 0,
       "the usual rules");
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (with = 0; with < 2; with++) {
            vouch_access_who_text(rows[i].who, name, sizeof(name));
            is_int(vouch_access_decide(access[with], rows[i].who, SHUTDOWN,
                                       NULL, &verdict),
                   with ? rows[i].with_option : rows[i].admin, name);
            is_int(vouch_access_decide(access[with], rows[i].who, KICK, "db",
                                       &verdict),
                   with ? rows[i].with_option : rows[i].admin, "kick");
            ok(vouch_access_decide(access[with], rows[i].who, LOCK_IN(EX),
                                   "db", &verdict)
                   && vouch_access_decide(access[with], rows[i].who, CREATE,
                                          "db", &verdict)
                   && vouch_access_decide(access[with], rows[i].who, STATUS,
                                          "db", &verdict),
               "all lock, create and ask");
        }
    }
    vouch_access_free(access[0]);
    vouch_access_free(access[1]);
}

static void
test_some(void)
{
    static const struct {
        const char *rules;
        int some;
    } rows[] = {
        {"allow any status db\n", 1},
        {"allow any lock db\n", 0},
        {"deny any status\nallow any all\n", 0},
        {"deny any status db\nallow any all\n", 1},
        {"allow uid=1 all\n", 0},
    };
    struct vouch_access *access;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        access = NULL;
        (void) vouch_access_parse(rows[i].rules, strlen(rows[i].rules),
                                  &access, NULL);
        is_int(vouch_access_has_some(access, &host, STATUS), rows[i].some,
               rows[i].rules);
        vouch_access_free(access);
    }
}

static void
test_errors(void)
{
    static const struct {
        const char *text;
        const char *want; /* begins so */
    } rows[] = {
        {"", "there is no rule"},
        {"# nothing\n\n", "there is no rule"},
        {"allow any lock", "line 1: the last line has no end"},
        {"allow any lock\n#", "line 2: the last line has no end"},
        {"alow any lock\n", "line 1: 'alow' is neither"},
        {"allow any lock\n\nAllow any lock\n", "line 3: 'Allow' is neither"},
        {"allow any\n", "line 1: 'allow' needs who"},
        {"allow\n", "line 1: 'allow' needs who"},
        {"allow alex lock\n", "line 1: 'alex' is nobody"},
        {"allow cn= lock\n", "line 1: 'cn=' names nobody"},
        {"allow uid=alex lock\n", "line 1: 'uid=alex' is no user"},
        {"allow uid= lock\n", "line 1: 'uid=' is no user"},
        {"allow uid=-1 lock\n", "line 1: 'uid=-1' is no user"},
        {"allow uid=4294967295 lock\n", "line 1: 'uid=4294967295' is no"},
        {"allow uid=99999999999999999999 lock\n", "line 1: 'uid=9"},
        {"allow uid=1x lock\n", "line 1: 'uid=1x' is no user"},
        {"allow cert=SHA256:12 lock\n", "line 1: 'cert=SHA256:12' is no SHA"},
        {"allow key=SHA1:"
         "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
         " lock\n",
         "line 1: 'key=SHA1:"},
        {"allow cert=sha256$spki$" SIXTY4("a1") " lock\n", "line 1: 'cert="},
        {"allow any read\n", "line 1: 'read' is no right"},
        {"allow any lock,\n", "line 1: '' is no right"},
        {"allow any lock create\nallow any ex\n", "line 2: 'ex' is no right"},
        {"allow any lock a..b\n", "line 1: 'a..b' is no name"},
        {"allow any lock /a/\n", "line 1: '/a/' is no name"},
        {"allow any shutdown db\n", "line 1: 'db' cannot be shut down"},
        {"allow \"cn=a lock\n", "line 1: 'cn=a lock' has a quote"},
        {"allow cn=\"a b\" lock\n", "line 1: 'cn=\"a b\" lock' has a quote"},
        {"allow \"cn=a\"b lock\n", "line 1: 'cn=a\"b lock' has a quote"},
    };
    struct vouch_access *access = NULL;
    struct vouch_error err;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_access_parse(rows[i].text, strlen(rows[i].text), &access,
                                  &err),
               -1, rows[i].text);
        ok(strncmp(err.text, rows[i].want, strlen(rows[i].want)) == 0,
           err.text);
    }
    vouch_error_clear(&err);
    is_int(vouch_access_parse("allow any lock\n\0", 16, &access, &err), -1,
           "a NUL");
    ok(access == NULL, "the rules stay as they were");
}

/* count lines (or words), each like this one. */
static int
parse_many(const char *head, const char *each, int count, const char *tail)
{
    size_t length = strlen(each);
    char *text = malloc(strlen(head) + (size_t) count * length + 8);
    struct vouch_access *access = NULL;
    size_t at = strlen(head);
    int status;
    int i;

    if (text == NULL)
        return -2;
    memcpy(text, head, at);
    for (i = 0; i < count; i++) {
        memcpy(text + at, each, length);
        at += length;
    }
    memcpy(text + at, tail, strlen(tail));
    status = vouch_access_parse(text, at + strlen(tail), &access, NULL);
    free(text);
    vouch_access_free(access);
    return status;
}

static void
test_limits(void)
{
    is_int(parse_many("", "allow any lock\n", VOUCH_ACCESS_RULES_MAX, ""), 0,
           "as many rules as may be");
    is_int(parse_many("", "allow any lock\n", VOUCH_ACCESS_RULES_MAX + 1, ""),
           -1, "one more");
    is_int(
        parse_many("allow any lock", " db", VOUCH_ACCESS_PATTERNS_MAX, "\n"),
        0, "as many resources as may be");
    is_int(parse_many("allow any lock", " db", VOUCH_ACCESS_PATTERNS_MAX + 1,
                      "\n"),
           -1, "one more");
    is_int(parse_many("allow any lock ", "*", 511, "\n"), 0, "a long pattern");
    is_int(parse_many("allow any lock ", "*", 512, "\n"), -1, "too long");
}

static void
test_words(void)
{
    static const struct {
        const char *rules;
        const struct vouch_access_who *who;
        unsigned right;
        const char *resource;
        const char *want;
    } rows[] = {
        {"allow any lock\n", &user, LOCK_IN(PR), "db",
         "uid 1000 may lock 'db' in mode PR: line 1 of the access file"},
        {"allow any CR\n", &alex, LOCK_IN(EX), "pool[3]",
         "CN 'alex' may not lock 'pool[3]': no line of the access file says "
         "so"},
        {"\ndeny any all\n", &nameless, KICK, "db",
         "certificate " CERT " may not end sessions that are for 'db': line "
         "2 of the access file"},
        {"allow any CR\n", &host, STATUS, NULL,
         "this host may not see the status of anything: no line of the "
         "access file says so"},
        {NULL, &stranger, SHUTDOWN, NULL,
         "another host, without TLS, may not end the daemon: that is for "
         "this host, for TLS, or for all with --allow-remote-admin"},
        {NULL, &user, SHUTDOWN, NULL,
         "uid 1000 may not end the daemon: that is for root and the user of "
         "the daemon"},
        {NULL, &owner, CREATE, "/a/b",
         "uid 0 may create '/a/b': there is no access file"},
        {NULL, &owner, CREATE, "/a\xFFx",
         "uid 0 may create '/a?x': there is no access file"},
    };
    struct vouch_access_verdict verdict;
    struct vouch_access *access;
    char text[512];
    char small[8];
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        access = NULL;
        if (rows[i].rules == NULL)
            (void) vouch_access_usual(0, &access, NULL);
        else
            (void) vouch_access_parse(rows[i].rules, strlen(rows[i].rules),
                                      &access, NULL);
        (void) vouch_access_decide(access, rows[i].who, rows[i].right,
                                   rows[i].resource, &verdict);
        vouch_access_text(rows[i].who, rows[i].right, rows[i].resource,
                          &verdict, text, sizeof(text));
        is_text(text, rows[i].want, "in words");
        vouch_access_text(rows[i].who, rows[i].right, rows[i].resource,
                          &verdict, small, sizeof(small));
        is_int(strlen(small), sizeof(small) - 1, "cut");
        vouch_access_free(access);
    }
}

static void
test_patterns(void)
{
    static const struct {
        const char *pattern;
        const char *text;
        int matches;
    } rows[] = {
        {"", "", 1},          {"", "a", 0},         {"*", "", 1},
        {"?", "", 0},         {"a*c", "abbc", 1},   {"a*c", "abb", 0},
        {"*a*b*", "xaxb", 1}, {"*a*b*", "xbxa", 0}, {"a?c", "abc", 1},
        {"a?c", "ac", 0},     {"**", "x", 1},       {"*x", "axbx", 1},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        is_int(vouch_text_matches(rows[i].pattern, rows[i].text),
               rows[i].matches, rows[i].pattern);
}

int
main(void)
{
    (void) vouch_fingerprint_parse(CERT, &cert, NULL);
    (void) vouch_fingerprint_parse(KEY, &key, NULL);
    key.of = VOUCH_OF_SPKI;
    test_rows();
    test_usual();
    test_some();
    test_errors();
    test_limits();
    test_words();
    test_patterns();
    return tap_done();
}
