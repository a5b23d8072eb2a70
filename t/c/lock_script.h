/*
 * A small language for the lock table, for tests in C and for the program
 * that the model test drives: one call a line, decisions as text.
 *
 *   new [fairness=MS persistent=1 epoch=N resources=N queue=N name=N block=N]
 *   at MS | wall US | zone SECONDS NAME
 *   lock OWNER NAME [OPTIONS] [+ NAME [OPTIONS]]...
 *        mode=EX q=1 create=1 life=0; for all: wait=1 timeout=MS lease=MS tag=N
 *   unlock OWNER NAME [rollback=1] | drop OWNER | touch OWNER | tick | dump
 *   convert OWNER NAME mode=M q=N wait=1 tag=N
 *   resume OWNER NAME epoch=N counter=N element=TEXT [mode= q=]
 *   restore KIND NAME VALUE | grace UNTIL | settle | deadline | counts
 */
#ifndef VOUCH_LOCK_SCRIPT_H
#define VOUCH_LOCK_SCRIPT_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lock/table.h"

#define SCRIPT_WORDS 128
#define SCRIPT_PARTS 8
#define SCRIPT_OUT 65536

struct script {
    struct vouch_table *table;
    struct vouch_decisions *list;
    struct vouch_table_time now;
    char zone[32];
    char *words[SCRIPT_WORDS]; /* NULL after the last */
    char out[SCRIPT_OUT];
    size_t length;
};

static inline void
script_say(struct script *s, const char *format, ...)
{
    va_list args;
    int written;

    va_start(args, format);
    written = vsnprintf(s->out + s->length, sizeof(s->out) - s->length, format,
                        args);
    va_end(args);
    if (written > 0 && (size_t) written < sizeof(s->out) - s->length)
        s->length += (size_t) written;
}

/* The value of an option KEY=VALUE among the words from at on, up to "+". */
static inline const char *
script_text(const struct script *s, int at, const char *key, const char *none)
{
    size_t size = strlen(key);

    for (; s->words[at] != NULL && strcmp(s->words[at], "+") != 0; at++) {
        if (strncmp(s->words[at], key, size) == 0 && s->words[at][size] == '=')
            return s->words[at] + size + 1;
    }
    return none;
}

static inline int64_t
script_number(const struct script *s, int at, const char *key, int64_t none)
{
    const char *text = script_text(s, at, key, NULL);

    return text != NULL ? strtoll(text, NULL, 10) : none;
}

static inline int
script_mode(const struct script *s, int at)
{
    const char *text = script_text(s, at, "mode", "EX");
    int mode;

    for (mode = 0; mode < VOUCH_LOCK_MODES; mode++) {
        if (strcmp(vouch_lock_mode_name(mode), text) == 0)
            return mode;
    }
    return atoi(text);
}

static inline void
script_decisions(struct script *s)
{
    struct vouch_decision d;
    size_t i;

    for (i = 0; vouch_decisions_get(s->list, i, &d); i++) {
        script_say(s, "%s%s", i > 0 ? "; " : "", vouch_decision_name(d.kind));
        if (d.owner != 0)
            script_say(s, " %" PRIu64, d.owner);
        script_say(s, " %s", d.name);
        if (d.tag != 0)
            script_say(s, " t=%" PRIu64, d.tag);
        if (d.parts > 1)
            script_say(s, " p=%zu/%zu", d.part, d.parts);
        if (d.position > 0)
            script_say(s, " pos=%zu", d.position);
        if (d.code > 1 || d.code < 0)
            script_say(s, " code=%d", d.code);
        if (d.fence.counter > 0 && d.kind != VOUCH_DECISION_RELEASED
            && d.kind != VOUCH_DECISION_DROPPED)
            script_say(s, " f=%" PRIu64 ".%" PRIu64, d.fence.epoch,
                       d.fence.counter);
        if (d.element != NULL)
            script_say(s, " e=%s", d.element);
        if (d.kind >= VOUCH_RECORD_NUMBERS)
            script_say(s, " v=%" PRIu64, d.value);
    }
    if (vouch_decisions_failed(s->list))
        script_say(s, " FAILED");
    vouch_decisions_clear(s->list);
}

static inline int
script_each(const struct vouch_table_view *v, void *arg)
{
    static const char *const states[] = {"?", "held", "converting", "waiting",
                                         "parked"};
    struct script *s = arg;

    script_say(s, "%s%s %" PRIu64 " %.*s %s", s->length > 0 ? "; " : "",
               states[v->state], v->owner, (int) v->name_length, v->name,
               vouch_lock_mode_name(v->mode));
    if (v->quantity != 1)
        script_say(s, " q=%" PRId64, v->quantity);
    if (v->state == VOUCH_TABLE_CONVERTING)
        script_say(s, " to=%s/%" PRId64, vouch_lock_mode_name(v->wanted_mode),
                   v->wanted_quantity);
    script_say(s, " since=%" PRId64, v->since_ms);
    if (v->fence.epoch > 0)
        script_say(s, " f=%" PRIu64 ".%" PRIu64, v->fence.epoch,
                   v->fence.counter);
    if (v->element != NULL)
        script_say(s, " e=%.*s", (int) v->element_length, v->element);
    return 0;
}

static inline void
script_new(struct script *s)
{
    struct vouch_table_limits limits;

    vouch_table_limits_default(&limits);
    limits.fairness_ms = script_number(s, 1, "fairness", limits.fairness_ms);
    limits.persistent = (int) script_number(s, 1, "persistent", 0);
    limits.epoch = (uint64_t) script_number(s, 1, "epoch", 1);
    limits.resources = (size_t) script_number(s, 1, "resources", 100000);
    limits.queue = (size_t) script_number(s, 1, "queue", 100000);
    limits.kept = (size_t) script_number(s, 1, "kept", 100000);
    limits.number_block = (uint64_t) script_number(s, 1, "block", 100);
    limits.name_length =
        (size_t) script_number(s, 1, "name", VOUCH_LOCK_NAME_MAX);
    vouch_table_free(s->table);
    s->table = vouch_table_new(&limits);
    if (s->list == NULL)
        s->list = vouch_decisions_new();
    vouch_decisions_clear(s->list);
    memset(&s->now, 0, sizeof(s->now));
}

static inline void
script_want(struct script *s, int at, struct vouch_lock_name *name,
            struct vouch_table_want *want)
{
    (void) vouch_lock_name_parse(s->words[at], strlen(s->words[at]), name);
    want->name = name;
    want->mode = script_mode(s, at + 1);
    want->quantity = script_number(s, at + 1, "q", 1);
    want->create = (int) script_number(s, at + 1, "create", 1);
    want->lifespan_ms = script_number(s, at + 1, "life", 0);
}

static inline void
script_lock(struct script *s, uint64_t owner)
{
    struct vouch_lock_name names[SCRIPT_PARTS];
    struct vouch_table_want wants[SCRIPT_PARTS];
    struct vouch_table_request request;
    int at;

    memset(&request, 0, sizeof(request));
    request.owner = owner;
    request.tag = (uint64_t) script_number(s, 2, "tag", 0);
    request.wait = (int) script_number(s, 2, "wait", 1);
    request.timeout_ms = script_number(s, 2, "timeout", -1);
    request.lease_ms = script_number(s, 2, "lease", 0);
    request.wants = wants;
    for (at = 2; s->words[at] != NULL && request.count < SCRIPT_PARTS; at++) {
        if (at > 2 && strcmp(s->words[at - 1], "+") != 0)
            continue;
        script_want(s, at, &names[request.count], &wants[request.count]);
        request.count++;
    }
    if (vouch_table_request(s->table, &request, &s->now, s->list) != 0)
        script_say(s, "-1 ");
}

/* Commands about one owner and one name. */
static inline int
script_named(struct script *s, const char *verb, uint64_t owner)
{
    struct vouch_lock_name name;
    struct vouch_table_want want;
    struct vouch_fence fence;
    uint64_t tag = (uint64_t) script_number(s, 2, "tag", 0);
    int done = 1;

    if (s->words[1] == NULL || s->words[2] == NULL)
        return 0;
    script_want(s, 2, &name, &want);
    fence.epoch = (uint64_t) script_number(s, 3, "epoch", 0);
    fence.counter = (uint64_t) script_number(s, 3, "counter", 0);
    if (strcmp(verb, "unlock") == 0)
        done = vouch_table_release(s->table, owner, &name,
                                   (int) script_number(s, 3, "rollback", 0),
                                   &s->now, s->list);
    else if (strcmp(verb, "convert") == 0)
        done = vouch_table_convert(s->table, owner, tag, &want,
                                   (int) script_number(s, 3, "wait", 1),
                                   &s->now, s->list);
    else if (strcmp(verb, "resume") == 0)
        (void) vouch_table_resume(s->table, owner, tag, &want, fence,
                                  script_text(s, 3, "element", NULL), &s->now,
                                  s->list);
    else
        return 0;
    if (done != 1)
        script_say(s, "%d ", done);
    return 1;
}

#endif
