/*
 * What a sequence or a timestamp resource must not forget.
 *
 * For lock/ alone.  With a journal it outlives the resource, and what has
 * to be stored is told as records among the decisions.
 */
#ifndef VOUCH_LOCK_KEPT_H
#define VOUCH_LOCK_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "lock/decision.h"

/* Numbers: a ring, first in, first out. */
struct vouch_numbers {
    uint64_t *items;
    size_t size;
    size_t first;
    size_t count;
};

struct vouch_kept {
    struct vouch_kept *next_kept; /* of all, in the order of making */
    uint64_t next;  /* the next new number; the earliest next stamp (us) */
    uint64_t limit; /* what lies below is in the journal already */
    struct vouch_numbers returned; /* to be given before new ones */
    struct vouch_numbers taken;    /* out when an earlier daemon ended */
    int64_t given_ms; /* timestamp: when the last stamp was given */
    int transactional;
    int type;
    int shared; /* 1: of the table, outlives the resource */
    size_t name_length;
    char name[]; /* NUL-terminated */
};

/* Free it.  NULL is allowed. */
void vouch_kept_free(struct vouch_kept *kept);

/* A new one for a name, with 1 as the next number and no stamp so far; NULL without memory. */
struct vouch_kept *vouch_kept_new(const char *name, size_t length, int type,
                                  int transactional);

/* Make room for count numbers in all: 0, or -1 without memory. */
int vouch_numbers_reserve(struct vouch_numbers *numbers, size_t count);

/* Append a number, for which there is room. */
void vouch_numbers_append(struct vouch_numbers *numbers, uint64_t number);

/* Take out the first of the numbers, of which there is one. */
uint64_t vouch_numbers_shift(struct vouch_numbers *numbers);

/* Take a number out wherever it is: 1, or 0 if it is not there. */
int vouch_numbers_remove(struct vouch_numbers *numbers, uint64_t number);

/* Add a record about kept to the decisions; of a failure they know. */
void vouch_kept_record(const struct vouch_kept *kept,
                       enum vouch_decision_kind kind, uint64_t value,
                       struct vouch_decisions *out);

#endif
