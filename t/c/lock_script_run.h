/*
 * The rest of the language of lock_script.h: reading a line and running it.
 */
#ifndef VOUCH_LOCK_SCRIPT_RUN_H
#define VOUCH_LOCK_SCRIPT_RUN_H

#include "lock_script.h"

static inline void
script_restore(struct script *s)
{
    struct vouch_lock_name name;
    int kind;

    for (kind = VOUCH_RECORD_NUMBERS; kind < VOUCH_RECORD_STAMP; kind++) {
        if (strcmp(vouch_decision_name(kind), s->words[1]) == 0)
            break;
    }
    (void) vouch_lock_name_parse(s->words[2], strlen(s->words[2]), &name);
    if (vouch_table_restore(s->table, (enum vouch_decision_kind) kind, &name,
                            strtoull(s->words[3], NULL, 10))
        != 0)
        script_say(s, "-1");
}

/* Commands about the time and the table as a whole. */
static inline int
script_whole(struct script *s, const char *verb, uint64_t number)
{
    if (strcmp(verb, "at") == 0) {
        s->now.wall_us += ((int64_t) number - s->now.monotonic_ms) * 1000;
        s->now.monotonic_ms = (int64_t) number;
    } else if (strcmp(verb, "wall") == 0) {
        s->now.wall_us = (int64_t) number;
    } else if (strcmp(verb, "zone") == 0) {
        s->now.zone_s = atoi(s->words[1]);
        (void) snprintf(s->zone, sizeof(s->zone), "%s", s->words[2]);
        s->now.zone_name = s->zone;
    } else if (strcmp(verb, "drop") == 0) {
        vouch_table_drop(s->table, number, &s->now, s->list);
    } else if (strcmp(verb, "touch") == 0) {
        vouch_table_touch(s->table, number, &s->now);
    } else if (strcmp(verb, "tick") == 0) {
        vouch_table_tick(s->table, &s->now, s->list);
    } else if (strcmp(verb, "grace") == 0) {
        vouch_table_begin_grace(s->table, (int64_t) number);
    } else if (strcmp(verb, "settle") == 0) {
        (void) vouch_table_settle(s->table, s->list);
    } else if (strcmp(verb, "dump") == 0) {
        (void) vouch_table_each(s->table, script_each, s);
    } else if (strcmp(verb, "restore") == 0) {
        script_restore(s);
    } else {
        return 0;
    }
    return 1;
}

static inline int
script_ask(struct script *s, const char *verb)
{
    int64_t at;

    if (strcmp(verb, "deadline") == 0) {
        at = vouch_table_next_deadline(s->table);
        if (at == VOUCH_TABLE_NEVER)
            script_say(s, "never");
        else
            script_say(s, "%" PRId64, at);
    } else if (strcmp(verb, "counts") == 0) {
        script_say(s, "%zu %zu %zu", vouch_table_resources(s->table),
                   vouch_table_holders(s->table),
                   vouch_table_waiters(s->table));
    } else {
        return 0;
    }
    return 1;
}

static inline int
script_split(struct script *s, char *line)
{
    int count = 0;

    while (count < SCRIPT_WORDS - 1) {
        line += strspn(line, " \n");
        if (*line == '\0')
            break;
        s->words[count++] = line;
        line += strcspn(line, " \n");
        if (*line != '\0')
            *line++ = '\0';
    }
    s->words[count] = NULL;
    return count;
}

/* Run one line; what it decided or answered, as one line of text. */
static inline const char *
script_run(struct script *s, const char *command)
{
    char line[4096];
    uint64_t number = 0;
    int known = 1;

    (void) snprintf(line, sizeof(line), "%s", command);
    s->length = 0;
    s->out[0] = '\0';
    if (script_split(s, line) == 0)
        return s->out;
    if (s->words[1] != NULL)
        number = strtoull(s->words[1], NULL, 10);
    if (strcmp(s->words[0], "new") == 0)
        script_new(s);
    else if (strcmp(s->words[0], "lock") == 0)
        script_lock(s, number);
    else
        known = script_whole(s, s->words[0], number)
                || script_ask(s, s->words[0])
                || script_named(s, s->words[0], number);
    if (!known)
        script_say(s, "unknown command");
    if (s->list != NULL)
        script_decisions(s);
    return s->out;
}

static inline void
script_free(struct script *s)
{
    vouch_table_free(s->table);
    vouch_decisions_free(s->list);
    s->table = NULL;
    s->list = NULL;
}

/* A test: commands and what they must answer. */
struct script_line {
    const char *command;
    const char *want;
};

#endif
