/*
 * What the lock table decided: a list that its caller hands in.
 *
 * The list owns all texts in it.  Decisions stand in the order in which
 * they were made; those of kinds VOUCH_RECORD_... are for the journal, and
 * have to be stored before the answers of the same list go out.
 */
#ifndef VOUCH_LOCK_DECISION_H
#define VOUCH_LOCK_DECISION_H

#include <stddef.h>
#include <stdint.h>

#define VOUCH_LOCK_ELEMENT_MAX 511 /* bytes of what a holder is given */

enum vouch_decision_kind {
    VOUCH_DECISION_GRANTED = 1, /* the owner holds it from now on */
    VOUCH_DECISION_QUEUED,      /* it waits; position tells behind whom */
    VOUCH_DECISION_PARKED,      /* it waits for somebody to create it */
    VOUCH_DECISION_REFUSED,     /* code tells why; nothing waits or is held */
    VOUCH_DECISION_RELEASED,    /* let go by its holder */
    VOUCH_DECISION_WITHDRAWN,   /* a waiting request taken back */
    VOUCH_DECISION_DROPPED,     /* taken from a holder that is gone */
    VOUCH_DECISION_CONVERTED,   /* held in another mode or quantity */
    VOUCH_DECISION_ENDED,       /* nobody used the resource: forgotten */

    /* A sequence may give numbers below value without a further record;
     * after a restart it goes on with value. */
    VOUCH_RECORD_NUMBERS,
    /* A transactional number is out, spent for good, or given back. */
    VOUCH_RECORD_TAKEN,
    VOUCH_RECORD_SPENT,
    VOUCH_RECORD_RETURNED,
    /* A timestamp resource may give stamps before value (microseconds
     * since 1970) without a further record. */
    VOUCH_RECORD_STAMP
};

/* Codes of refusals and answers: FLoM's numbers. */
enum vouch_lock_code {
    VOUCH_LOCK_OK = 0,
    VOUCH_LOCK_ENQUEUED = 1,      /* with QUEUED */
    VOUCH_LOCK_WAIT_RESOURCE = 2, /* with PARKED */
    VOUCH_LOCK_BUSY = 4,          /* not now, and it may not wait */
    VOUCH_LOCK_CANT_WAIT = 5,     /* absent; may not create, may not wait */
    VOUCH_LOCK_IMPOSSIBLE = 6,    /* can never be granted */
    VOUCH_LOCK_TIMED_OUT = 9,     /* waited for its timeout */
    VOUCH_LOCK_NOT_TRANSACTIONAL = 12, /* with RELEASED: nothing rolled back */
    VOUCH_LOCK_BAD_QUANTITY = -7,      /* negative, or above 2147483647 */
    VOUCH_LOCK_BAD_MODE = -11,         /* outside 0 to 5 */
    VOUCH_LOCK_FULL = -12,        /* the queue or the resources are full */
    VOUCH_LOCK_BAD_NAME = -14,    /* no resource name, or too long */
    VOUCH_LOCK_BAD_FORMAT = -25,  /* a timestamp without resolution */
    VOUCH_LOCK_NO_RESOURCE = -26, /* the limit of resources is reached */
    VOUCH_LOCK_NO_MEMORY = -119
};

/* Epoch first, then counter: a later grant has the larger token.  Both 0:
 * no token. */
struct vouch_fence {
    uint64_t epoch;
    uint64_t counter;
};

struct vouch_decision {
    enum vouch_decision_kind kind;
    int code;
    uint64_t owner; /* 0 in records, and when a resource has ended */
    uint64_t tag;   /* as the request had it */
    size_t part;    /* which resource of the request, from 0 */
    size_t parts;   /* of how many */
    int type;
    int mode;
    int64_t quantity;
    size_t position; /* of QUEUED: 1 is the head of the queue */
    int transactional;
    uint64_t value; /* of a sequence and of records */
    struct vouch_fence fence;
    const char *name; /* of the resource, NUL-terminated */
    size_t name_length;
    const char *element; /* element, number or stamp; NULL if none */
    size_t element_length;
};

struct vouch_decisions;

/* Free the list.  NULL is allowed. */
void vouch_decisions_free(struct vouch_decisions *list);

/* A new empty list, or NULL without memory. */
struct vouch_decisions *vouch_decisions_new(void);

/* Forget all decisions, and a failure; the memory is kept. */
void vouch_decisions_clear(struct vouch_decisions *list);

/* How many decisions there are. */
size_t vouch_decisions_count(const struct vouch_decisions *list);

/*
 * Decision number index (from 0): 1, or 0 if there are fewer.  Its texts
 * are valid until the list changes.
 */
int vouch_decisions_get(const struct vouch_decisions *list, size_t index,
                        struct vouch_decision *decision_r);

/*
 * Make room for count more decisions with texts of names and elements: 0,
 * or -1 without memory.  The table does so before it changes anything.
 */
int vouch_decisions_reserve(struct vouch_decisions *list, size_t count);

/*
 * Append a decision; its texts are copied.  0, or -1 without memory, and
 * the list is failed until cleared.
 */
int vouch_decisions_add(struct vouch_decisions *list,
                        const struct vouch_decision *decision);

/*
 * 1 if a decision is missing for lack of memory: what the list says, and
 * what the table holds, are no longer the same, and the daemon has to stop.
 */
int vouch_decisions_failed(const struct vouch_decisions *list);

/* "granted", "queued", ... for logs and tests.  Static storage. */
const char *vouch_decision_name(int kind);

#endif
