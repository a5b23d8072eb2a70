/*
 * The decision, and its words.
 */
#include "access/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lock/mode.h"
#include "lock/name.h"

void
vouch_access_free(struct vouch_access *access)
{
    size_t i;
    size_t j;

    if (access == NULL)
        return;
    for (i = 0; i < access->count; i++) {
        for (j = 0; j < access->rules[i].pattern_count; j++)
            free(access->rules[i].patterns[j]);
        free(access->rules[i].patterns);
        free(access->rules[i].name);
    }
    free(access->rules);
    free(access);
}

/* --- is this rule for that? -----------------------------------------------*/

static int
is_for_client(const struct access_rule *rule,
              const struct vouch_access_who *who)
{
    switch (rule->kind) {
    case ACCESS_ANY:
        return 1;
    case ACCESS_OWNER:
        return who->place == VOUCH_ACCESS_OWNER;
    case ACCESS_UNIX:
        return who->place == VOUCH_ACCESS_OWNER
               || who->place == VOUCH_ACCESS_UNIX;
    case ACCESS_LOCAL:
        return who->place != VOUCH_ACCESS_REMOTE;
    case ACCESS_REMOTE:
        return who->place == VOUCH_ACCESS_REMOTE;
    case ACCESS_TLS:
        return who->is_verified;
    case ACCESS_UID:
        return who->uid != -1 && who->uid == rule->uid;
    case ACCESS_CN:
        return who->is_verified && who->common_name != NULL
               && vouch_text_matches(rule->name, who->common_name);
    case ACCESS_CERT:
        return who->is_verified && who->cert != NULL
               && vouch_fingerprint_equal(&rule->fingerprint, who->cert);
    case ACCESS_KEY:
        return who->is_verified && who->key != NULL
               && vouch_fingerprint_equal(&rule->fingerprint, who->key);
    }
    return 0;
}

int
access_is_for_all(const struct access_rule *rule)
{
    size_t i;

    for (i = 0; i < rule->pattern_count; i++) {
        if (strcmp(rule->patterns[i], "*") == 0)
            return 1;
    }
    return rule->pattern_count == 0;
}

/* The name itself, or of a tree a node above it. */
static int
matches_or_above(const char *pattern, const char *resource)
{
    char above[VOUCH_LOCK_NAME_MAX + 1];
    size_t length = strlen(resource);

    if (vouch_text_matches(pattern, resource))
        return 1;
    if (*resource != '/' || length >= sizeof(above))
        return 0;
    memcpy(above, resource, length + 1);
    while (length > 1) {
        if (above[--length] != '/')
            continue;
        above[length] = '\0';
        if (vouch_text_matches(pattern, above))
            return 1;
    }
    return 0;
}

/* May the pattern match a node below this one? */
static int
may_match_below(const char *pattern, const char *resource)
{
    for (; *resource != '\0'; pattern++, resource++) {
        if (*pattern == '*')
            return 1;
        if (*pattern != '?' && *pattern != *resource)
            return 0;
    }
    return *pattern == '*'
           || ((*pattern == '/' || *pattern == '?') && pattern[1] != '\0');
}

static int
is_for_resource(const struct access_rule *rule, unsigned right,
                const char *resource)
{
    size_t i;
    /* A lock of a node is one of all below it, too. */
    int looks_below =
        !rule->allow && *resource == '/' && (right & VOUCH_ACCESS_LOCK) != 0;

    if (rule->pattern_count == 0)
        return 1;
    for (i = 0; i < rule->pattern_count; i++) {
        if (matches_or_above(rule->patterns[i], resource)
            || (looks_below && may_match_below(rule->patterns[i], resource)))
            return 1;
    }
    return 0;
}

int
vouch_access_decide(const struct vouch_access *access,
                    const struct vouch_access_who *who, unsigned right,
                    const char *resource,
                    struct vouch_access_verdict *verdict_r)
{
    const struct access_rule *rule;

    verdict_r->allowed = 0;
    verdict_r->line = 0;
    verdict_r->from_file = access->from_file;
    for (rule = access->rules; rule < access->rules + access->count; rule++) {
        if ((rule->rights & right) != right || !is_for_client(rule, who))
            continue;
        if (resource == NULL ? access_is_for_all(rule)
                             : is_for_resource(rule, right, resource)) {
            verdict_r->allowed = rule->allow;
            verdict_r->line = rule->line;
            break;
        }
    }
    return verdict_r->allowed;
}

int
vouch_access_has_some(const struct vouch_access *access,
                      const struct vouch_access_who *who, unsigned rights)
{
    const struct access_rule *rule;

    for (rule = access->rules; rule < access->rules + access->count; rule++) {
        if ((rule->rights & rights) == 0 || !is_for_client(rule, who))
            continue;
        if (rule->allow)
            return 1;
        if (access_is_for_all(rule))
            rights &= ~rule->rights;
    }
    return 0;
}

/* --- words ----------------------------------------------------------------*/

/* A name may hold any byte; a message and a log may not. */
static void
make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

void
vouch_access_who_text(const struct vouch_access_who *who, char *text,
                      size_t size)
{
    char digits[VOUCH_FINGERPRINT_TEXT] = "?";

    if (who->is_verified && who->common_name != NULL)
        (void) snprintf(text, size, "CN '%s'", who->common_name);
    else if (who->is_verified) {
        if (who->cert != NULL)
            vouch_fingerprint_text(who->cert, VOUCH_SPELL_LOWER, digits);
        (void) snprintf(text, size, "certificate %s", digits);
    } else if (who->uid != -1)
        (void) snprintf(text, size, "uid %ld", who->uid);
    else if (who->place == VOUCH_ACCESS_REMOTE)
        (void) snprintf(text, size, "another host, without TLS,");
    else
        (void) snprintf(text, size, "this host");
    make_printable(text);
}

static const char *
verb_of(unsigned right)
{
    switch (right) {
    case VOUCH_ACCESS_CREATE:
        return "create";
    case VOUCH_ACCESS_STATUS:
        return "see the status of";
    case VOUCH_ACCESS_KICK:
        return "end sessions that are for";
    default:
        return "lock";
    }
}

static void
action_text(unsigned right, const char *resource, char *text, size_t size)
{
    struct vouch_lock_name name;
    int mode = 0;

    if (right == VOUCH_ACCESS_SHUTDOWN) {
        (void) snprintf(text, size, "end the daemon");
        return;
    }
    if (resource == NULL) {
        (void) snprintf(text, size, "%s anything", verb_of(right));
        return;
    }
    (void) vouch_lock_name_parse(resource, strlen(resource), &name);
    while (mode < VOUCH_LOCK_EX && right != VOUCH_ACCESS_LOCK_IN(mode))
        mode++;
    if ((right & VOUCH_ACCESS_LOCK) != 0
        && vouch_lock_type_has_mode((int) name.type))
        (void) snprintf(text, size, "lock '%s' in mode %s", resource,
                        vouch_lock_mode_name(mode));
    else
        (void) snprintf(text, size, "%s '%s'", verb_of(right), resource);
}

static void
source_text(const struct vouch_access_who *who,
            const struct vouch_access_verdict *verdict, char *text,
            size_t size)
{
    if (verdict->from_file && verdict->line > 0)
        (void) snprintf(text, size, "line %d of the access file",
                        verdict->line);
    else if (verdict->from_file)
        (void) snprintf(text, size, "no line of the access file says so");
    else if (verdict->allowed)
        (void) snprintf(text, size, "there is no access file");
    else if (who->place == VOUCH_ACCESS_UNIX)
        (void) snprintf(text, size,
                        "that is for root and the user of the "
                        "daemon");
    else
        (void) snprintf(text, size,
                        "that is for this host, for TLS, or for "
                        "all with --allow-remote-admin");
}

void
vouch_access_text(const struct vouch_access_who *who, unsigned right,
                  const char *resource,
                  const struct vouch_access_verdict *verdict, char *text,
                  size_t size)
{
    char whose[320];
    char action[VOUCH_LOCK_NAME_MAX + 64];
    char source[96];

    vouch_access_who_text(who, whose, sizeof(whose));
    action_text(right, resource, action, sizeof(action));
    source_text(who, verdict, source, sizeof(source));
    (void) snprintf(text, size, "%s may %s%s: %s", whose,
                    verdict->allowed ? "" : "not ", action, source);
    make_printable(text);
}
