/*
 * Rules, line by line and word by word.
 */
#include "access/access_file.h"

#include <stdlib.h>
#include <string.h>

#include "access/private.h"
#include "base/error.h"
#include "lock/mode.h"
#include "lock/name.h"

#define WORDS_MAX (3 + VOUCH_ACCESS_PATTERNS_MAX)
#define UID_LAST 4294967294L /* the next one means none */

struct reader {
    struct vouch_access *access;
    size_t room; /* rules that fit */
    int line;
    struct vouch_error *err;
};

static int
out_of_memory(struct vouch_error *err)
{
    return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
}

static int
bad(const struct reader *reader, const char *word, const char *what)
{
    return vouch_error_set(reader->err, VOUCH_E_FORMAT, "line %d: '%.80s' %s",
                           reader->line, word, what);
}

/* --- words ----------------------------------------------------------------*/

static int
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The end of a word that begins here, which loses its quotes; NULL if one of
 * them is missing. */
static char *
cut_word(char **word)
{
    char *at = *word;

    if (*at == '"') {
        *word = ++at;
        at = strchr(at, '"');
        if (at == NULL || (at[1] != '\0' && !is_blank(at[1])))
            return NULL;
        return at;
    }
    while (*at != '\0' && !is_blank(*at) && *at != '"')
        at++;
    return *at == '"' ? NULL : at;
}

/* The words of a line, ended by NULs in it: how many, or -1. */
static int
split(const struct reader *reader, char *line, char *words[WORDS_MAX])
{
    int count = 0;
    char *end;

    for (;;) {
        while (is_blank(*line))
            line++;
        if (*line == '\0' || *line == '#')
            return count;
        if (count == WORDS_MAX)
            return vouch_error_set(reader->err, VOUCH_E_LIMIT,
                                   "line %d: more than %d resources: go on "
                                   "in another line",
                                   reader->line, VOUCH_ACCESS_PATTERNS_MAX);
        words[count] = line;
        end = cut_word(&words[count]);
        if (end == NULL)
            return bad(reader, words[count],
                       "has a quote in it: put the whole word between two");
        line = *end == '\0' ? end : end + 1;
        *end = '\0';
        count++;
    }
}

/* --- who ------------------------------------------------------------------*/

static int
read_uid(const struct reader *reader, const char *word, const char *digits,
         struct access_rule *rule)
{
    char *end = NULL;

    rule->kind = ACCESS_UID;
    if (*digits >= '0' && *digits <= '9' && strlen(digits) <= 10) {
        rule->uid = strtol(digits, &end, 10);
        if (*end == '\0' && rule->uid <= UID_LAST)
            return 0;
    }
    return bad(reader, word, "is no user: write uid=1000, in digits");
}

static int
read_fingerprint(const struct reader *reader, const char *word,
                 const char *text, enum vouch_digest_of of,
                 struct access_rule *rule)
{
    struct vouch_fingerprint *fingerprint = &rule->fingerprint;

    rule->kind = of == VOUCH_OF_CERT ? ACCESS_CERT : ACCESS_KEY;
    if (vouch_fingerprint_parse(text, fingerprint, NULL) != 0
        || fingerprint->digest != VOUCH_SHA256
        /* Where it says itself what it is of. */
        || (fingerprint->of != of && fingerprint->of != VOUCH_OF_CERT))
        return bad(reader, word,
                   "is no SHA-256 fingerprint: write cert=SHA256: or "
                   "key=SHA256: and 64 digits");
    fingerprint->of = of;
    return 0;
}

static int
read_name(const struct reader *reader, const char *word, const char *text,
          struct access_rule *rule)
{
    rule->kind = ACCESS_CN;
    if (*text == '\0')
        return bad(reader, word, "names nobody");
    rule->name = strdup(text);
    return rule->name == NULL ? out_of_memory(reader->err) : 0;
}

static int
read_who(const struct reader *reader, const char *word,
         struct access_rule *rule)
{
    static const struct {
        const char *word;
        enum access_kind kind;
    } kinds[] = {
        {"any", ACCESS_ANY},       {"owner", ACCESS_OWNER},
        {"unix", ACCESS_UNIX},     {"local", ACCESS_LOCAL},
        {"remote", ACCESS_REMOTE}, {"tls", ACCESS_TLS},
    };
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(word, kinds[i].word) == 0) {
            rule->kind = kinds[i].kind;
            return 0;
        }
    }
    if (strncmp(word, "uid=", 4) == 0)
        return read_uid(reader, word, word + 4, rule);
    if (strncmp(word, "cn=", 3) == 0)
        return read_name(reader, word, word + 3, rule);
    if (strncmp(word, "cert=", 5) == 0)
        return read_fingerprint(reader, word, word + 5, VOUCH_OF_CERT, rule);
    if (strncmp(word, "key=", 4) == 0)
        return read_fingerprint(reader, word, word + 4, VOUCH_OF_SPKI, rule);
    return bad(reader, word,
               "is nobody: use any, owner, unix, local, remote, tls, uid=, "
               "cn=, cert= or key=");
}

/* --- rights and resources -------------------------------------------------*/

/* The right of that name, or 0. */
static unsigned
right_named(const char *name)
{
    static const struct {
        const char *name;
        unsigned right;
    } rights[] = {
        {"all", VOUCH_ACCESS_ALL},       {"lock", VOUCH_ACCESS_LOCK},
        {"create", VOUCH_ACCESS_CREATE}, {"status", VOUCH_ACCESS_STATUS},
        {"kick", VOUCH_ACCESS_KICK},     {"shutdown", VOUCH_ACCESS_SHUTDOWN},
    };
    size_t i;
    int mode;

    for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
        if (strcmp(name, rights[i].name) == 0)
            return rights[i].right;
    }
    for (mode = 0; mode < VOUCH_LOCK_MODES; mode++) {
        if (strcmp(name, vouch_lock_mode_name(mode)) == 0)
            return VOUCH_ACCESS_LOCK_IN(mode);
    }
    return 0;
}

static int
read_rights(const struct reader *reader, char *word, struct access_rule *rule)
{
    char *name = word;
    char *comma;
    unsigned right;

    do {
        comma = strchr(name, ',');
        if (comma != NULL)
            *comma = '\0';
        right = right_named(name);
        if (right == 0)
            return bad(reader, name,
                       "is no right: use lock, NL, CR, CW, PR, PW, EX, "
                       "create, status, kick, shutdown or all, with commas");
        rule->rights |= right;
        name = comma + 1;
    } while (comma != NULL);
    return 0;
}

/* A pattern, or a name that a resource can have. */
static int
check_pattern(const struct reader *reader, const char *pattern)
{
    struct vouch_lock_name name;

    if (strlen(pattern) > VOUCH_LOCK_NAME_MAX)
        return bad(reader, pattern, "is too long for a resource");
    if (strpbrk(pattern, "*?") == NULL
        && vouch_lock_name_parse(pattern, strlen(pattern), &name) != 0)
        return bad(reader, pattern, "is no name of a resource");
    return 0;
}

static int
read_patterns(const struct reader *reader, char **words, int count,
              struct access_rule *rule)
{
    int i;

    if (count == 0)
        return 0;
    rule->patterns = calloc((size_t) count, sizeof(char *));
    if (rule->patterns == NULL)
        return out_of_memory(reader->err);
    for (i = 0; i < count; i++) {
        if (check_pattern(reader, words[i]) != 0)
            return -1;
        rule->patterns[i] = strdup(words[i]);
        if (rule->patterns[i] == NULL)
            return out_of_memory(reader->err);
        rule->pattern_count++;
    }
    if (rule->rights == VOUCH_ACCESS_SHUTDOWN && !access_is_for_all(rule))
        return bad(reader, words[0],
                   "cannot be shut down, only the daemon: name no resources");
    return 0;
}

/* --- lines ----------------------------------------------------------------*/

static struct access_rule *
add_rule(struct reader *reader)
{
    struct vouch_access *access = reader->access;
    struct access_rule *rules;
    size_t room = reader->room > 0 ? 2 * reader->room : 16;

    if (access->count == VOUCH_ACCESS_RULES_MAX) {
        (void) vouch_error_set(reader->err, VOUCH_E_LIMIT,
                               "line %d: more than %d rules", reader->line,
                               VOUCH_ACCESS_RULES_MAX);
        return NULL;
    }
    if (access->count == reader->room) {
        rules = realloc(access->rules, room * sizeof(*rules));
        if (rules == NULL) {
            (void) out_of_memory(reader->err);
            return NULL;
        }
        access->rules = rules;
        reader->room = room;
    }
    memset(&access->rules[access->count], 0, sizeof(*access->rules));
    return &access->rules[access->count++];
}

static int
read_line(struct reader *reader, char *line)
{
    struct access_rule *rule;
    char *words[WORDS_MAX];
    int count = split(reader, line, words);

    if (count <= 0)
        return count;
    if (strcmp(words[0], "allow") != 0 && strcmp(words[0], "deny") != 0)
        return bad(reader, words[0], "is neither allow nor deny");
    if (count < 3)
        return bad(reader, words[0],
                   "needs who, what they may do, and perhaps with which "
                   "resources: allow cn=alex lock,create db*");
    rule = add_rule(reader);
    if (rule == NULL)
        return -1;
    rule->line = reader->line;
    rule->allow = words[0][0] == 'a';
    if (read_who(reader, words[1], rule) != 0
        || read_rights(reader, words[2], rule) != 0)
        return -1;
    return read_patterns(reader, words + 3, count - 3, rule);
}

static int
read_lines(struct reader *reader, char *text)
{
    char *end;

    for (; *text != '\0'; text = end + 1) {
        reader->line++;
        end = strchr(text, '\n');
        if (end == NULL)
            return vouch_error_set(reader->err, VOUCH_E_FORMAT,
                                   "line %d: the last line has no end: the "
                                   "file may not be whole",
                                   reader->line);
        *end = '\0';
        if (read_line(reader, text) != 0)
            return -1;
    }
    return 0;
}

static int
parse(const char *text, size_t length, int from_file,
      struct vouch_access **access_r, struct vouch_error *err)
{
    struct reader reader = {NULL, 0, 0, err};
    char *copy = malloc(length + 1);
    int status = -1;

    reader.access = calloc(1, sizeof(*reader.access));
    if (copy == NULL || reader.access == NULL) {
        (void) out_of_memory(err);
        goto out;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    reader.access->from_file = from_file;
    if (strlen(copy) != length)
        (void) vouch_error_set(err, VOUCH_E_FORMAT, "a NUL byte");
    else if (read_lines(&reader, copy) == 0) {
        if (reader.access->count > 0)
            status = 0;
        else
            (void) vouch_error_set(err, VOUCH_E_FORMAT,
                                   "there is no rule in it, so nobody could "
                                   "do anything");
    }
out:
    free(copy);
    if (status == 0)
        *access_r = reader.access;
    else
        vouch_access_free(reader.access);
    return status;
}

int
vouch_access_parse(const char *text, size_t length,
                   struct vouch_access **access_r, struct vouch_error *err)
{
    return parse(text, length, 1, access_r, err);
}

int
vouch_access_usual(int remote_admin, struct vouch_access **access_r,
                   struct vouch_error *err)
{
    static const char rules[] = "allow owner all\n"
                                "allow tls all\n"
                                "deny unix kick,shutdown\n"
                                "allow local all\n"
                                "allow any lock,create,status\n";
    static const char more[] = "allow owner all\n"
                               "allow tls all\n"
                               "deny unix kick,shutdown\n"
                               "allow any all\n";

    return remote_admin ? parse(more, sizeof(more) - 1, 0, access_r, err)
                        : parse(rules, sizeof(rules) - 1, 0, access_r, err);
}
