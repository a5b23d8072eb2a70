/*
 * The most common ways of a lock, without Perl: one name, a connection that
 * is there, nothing special; and its end.  Whatever is otherwise is left to
 * Vouch::Lock, whose objects these are.
 */
#include "lock.h"

#include "base/clock.h"
#include "lock/name.h"

/* Of Vouch::Lock::Numbers. */
#define STATE_HELD 1
#define STATE_RELEASED 3
#define LEASE 5

static SV *
value_of(pTHX_ HV *hash, const char *key, I32 length)
{
    SV **value = hv_fetch(hash, key, length, 0);

    return value == NULL ? NULL : *value;
}

static AV *
array_of(pTHX_ HV *hash, const char *key, I32 length)
{
    SV *value = value_of(aTHX_ hash, key, length);

    return value != NULL && SvROK(value) && SvTYPE(SvRV(value)) == SVt_PVAV
               ? (AV *) SvRV(value)
               : NULL;
}

static IV
number_of(pTHX_ HV *hash, const char *key, I32 length)
{
    SV *value = value_of(aTHX_ hash, key, length);

    return value != NULL && SvIOK(value) ? SvIVX(value) : 0;
}

#define VALUE(hash, key) value_of(aTHX_ hash, "" key, sizeof(key) - 1)
#define ARRAY(hash, key) array_of(aTHX_ hash, "" key, sizeof(key) - 1)
#define NUMBER(hash, key) number_of(aTHX_ hash, "" key, sizeof(key) - 1)

static HV *
plain_hash(SV *object)
{
    return object != NULL && SvROK(object) && SvTYPE(SvRV(object)) == SVt_PVHV
               ? (HV *) SvRV(object)
               : NULL;
}

/* The same name as the one before, which was found to be one. */
static int
is_good_name(pTHX_ SV *name, HV *server)
{
    SV *good = VALUE(server, "good_name");

    return SvPOK(name) && !SvGMAGICAL(name) && good != NULL && SvPOK(good)
           && sv_eq(name, good);
}

/* The last connection that is free; taken from the list, and mortal, so that
 * it ends should a signal handler die. */
static SV *
free_link(pTHX_ AV *free)
{
    return free != NULL && av_len(free) >= 0 ? sv_2mortal(av_pop(free)) : NULL;
}

static SV *
held_lock(pTHX_ HV *stash, SV *name, SV *server, SV *request, SV *link)
{
    HV *lock = newHV();
    AV *order = newAV();
    AV *links = newAV();

    av_push(order, newSVsv(name));
    av_push(links, SvREFCNT_inc_simple_NN(link));
    (void) hv_stores(lock, "server", newRV_inc(SvRV(server)));
    (void) hv_stores(lock, "request", newRV_inc(SvRV(request)));
    (void) hv_stores(lock, "state", newSViv(STATE_HELD));
    (void) hv_stores(lock, "order", newRV_noinc((SV *) order));
    (void) hv_stores(lock, "links", newRV_noinc((SV *) links));
    return sv_bless(newRV_noinc((SV *) lock), stash);
}

SV *
vxs_lock_quickly(pTHX_ SV *class_name, SV *name, SV *server)
{
    HV *where = plain_hash(server);
    HV *stash = SvPOK(class_name) ? gv_stashsv(class_name, 0) : NULL;
    struct vxs_link *self;
    SV *request;
    SV *link;
    int outcome;

    if (where == NULL || stash == NULL || NUMBER(where, "timeout") != -1
        || !is_good_name(aTHX_ name, where))
        return NULL;
    request = VALUE(where, "request");
    link = free_link(aTHX_ ARRAY(where, "free"));
    if (link == NULL || request == NULL)
        return NULL;
    self = vxs_unwrap(aTHX_ link, &vxs_link_vtbl, "Vouch::Lock::Link");
    outcome = vxs_link_lock(aTHX_ self, name, request);
    if (outcome == 0)
        do
            outcome = vxs_link_wait(aTHX_ self, VOUCH_FOREVER);
        while (outcome == VOUCH_FLOM_WANT_READ);
    /* What went wrong is found out once more, and told. */
    return outcome == 0 ? held_lock(aTHX_ stash, name, server, request, link)
                        : NULL;
}

/* There is one connection, and nobody to be told. */
static SV *
only_link(pTHX_ HV *lock)
{
    AV *links = ARRAY(lock, "links");
    AV *request = ARRAY(lock, "request");
    SV **lease = request == NULL ? NULL : av_fetch(request, LEASE, 0);

    if (NUMBER(lock, "state") != STATE_HELD || links == NULL
        || av_len(links) != 0 || lease == NULL || SvIV(*lease) != 0
        || hv_exists(lock, "ended", 5) || hv_exists(lock, "given", 5))
        return NULL;
    return *av_fetch(links, 0, 0);
}

int
vxs_lock_drop(pTHX_ SV *object)
{
    HV *lock = plain_hash(object);
    SV *link = lock == NULL ? NULL : only_link(aTHX_ lock);
    HV *server = lock == NULL ? NULL : plain_hash(VALUE(lock, "server"));
    AV *free = server == NULL ? NULL : ARRAY(server, "free");
    int outcome;

    if (link == NULL || free == NULL)
        return 0;
    outcome = vxs_link_unlock(
        vxs_unwrap(aTHX_ link, &vxs_link_vtbl, "Vouch::Lock::Link"), 0);
    if (outcome == -1)
        return 0;
    (void) hv_stores(lock, "state", newSViv(STATE_RELEASED));
    if (outcome == 1 && av_len(free) + 1 < NUMBER(server, "keep"))
        av_push(free, SvREFCNT_inc_simple_NN(link));
    return 1;
}
