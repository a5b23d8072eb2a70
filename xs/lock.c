/*
 * Locks for Perl: the connection to the daemon, from its side of XS.
 *
 * What happens when, and to whom it is told, is Perl's (Vouch::Lock).
 */
#include "lock.h"

#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "flom/message.h"

/* A signal that comes between Perl's look for one and the wait would not
 * end the wait: no wait is longer than this. */
#define LOOK_MS 1000

/* For an unlock that the system does not take at once. */
#define UNLOCK_MS 1000

/* --- objects ---------------------------------------------------------------*/

/* All of the process, whichever thread has them. */
static struct vxs_link *links;
static pthread_mutex_t links_mutex = PTHREAD_MUTEX_INITIALIZER;

static void
add_link(struct vxs_link *self)
{
    (void) pthread_mutex_lock(&links_mutex);
    self->after = links;
    if (links != NULL)
        links->before = self;
    links = self;
    (void) pthread_mutex_unlock(&links_mutex);
}

static void
remove_link(struct vxs_link *self)
{
    (void) pthread_mutex_lock(&links_mutex);
    if (self->before != NULL)
        self->before->after = self->after;
    else
        links = self->after;
    if (self->after != NULL)
        self->after->before = self->before;
    (void) pthread_mutex_unlock(&links_mutex);
}

static int
free_link(pTHX_ SV *sv, MAGIC *mg)
{
    struct vxs_link *self = (struct vxs_link *) mg->mg_ptr;
    int saved = errno;

    PERL_UNUSED_VAR(sv);
    if (self == NULL)
        return 0;
    remove_link(self);
    vouch_flom_client_free(self->client);
    Safefree(self);
    errno = saved;
    return 0;
}

static int
free_settings(pTHX_ SV *sv, MAGIC *mg)
{
    struct vouch_flom_settings *self =
        (struct vouch_flom_settings *) mg->mg_ptr;

    PERL_UNUSED_VAR(sv);
    if (self == NULL)
        return 0;
    vouch_flom_settings_clear(self);
    Safefree(self);
    return 0;
}

/* A new thread does not get it; CLONE_SKIP sees to that, and this makes
 * sure. */
static int
dup_nothing(pTHX_ MAGIC *mg, CLONE_PARAMS *params)
{
    PERL_UNUSED_VAR(params);
    mg->mg_ptr = NULL;
    return 0;
}

const MGVTBL vxs_link_vtbl = {NULL,      NULL, NULL,        NULL,
                              free_link, NULL, dup_nothing, NULL};
const MGVTBL vxs_settings_vtbl = {NULL,          NULL, NULL,        NULL,
                                  free_settings, NULL, dup_nothing, NULL};

SV *
vxs_link_new(pTHX_ const struct vouch_flom_settings *settings)
{
    struct vxs_link *self;
    struct vouch_error err;
    SV *object;

    vouch_error_clear(&err);
    Newxz(self, 1, struct vxs_link);
    self->pid = getpid();
#ifdef MULTIPLICITY
    self->perl = aTHX;
#endif
    add_link(self);
    object = sv_2mortal(
        vxs_wrap(aTHX_ "Vouch::Lock::Link", self, 0, &vxs_link_vtbl));
    if (vouch_flom_client_new(settings, &self->client, &err) != 0)
        vxs_throw(aTHX_ & err);
    vouch_flom_client_want_token(self->client);
    return SvREFCNT_inc_simple_NN(object);
}

SV *
vxs_settings_copy(pTHX_ const struct vouch_flom_settings *settings)
{
    struct vouch_flom_settings *self;
    struct vouch_error err;
    SV *object;

    vouch_error_clear(&err);
    Newxz(self, 1, struct vouch_flom_settings);
    object = sv_2mortal(
        vxs_wrap(aTHX_ "Vouch::Lock::Settings", self, 0, &vxs_settings_vtbl));
    if ((settings == NULL ? vouch_flom_settings_init(self, &err)
                          : vouch_flom_settings_copy(settings, self, &err))
        != 0)
        vxs_throw(aTHX_ & err);
    return SvREFCNT_inc_simple_NN(object);
}

SV *
vxs_settings_new(pTHX)
{
    return vxs_settings_copy(aTHX_ NULL);
}

/* --- locks -----------------------------------------------------------------*/

static int
as_int(IV number)
{
    return number > INT_MAX   ? INT_MAX
           : number < INT_MIN ? INT_MIN
                              : (int) number;
}

static int
number_at(pTHX_ AV *numbers, SSize_t at)
{
    SV **value = av_fetch(numbers, at, 0);

    return value == NULL ? 0 : as_int(SvIV(*value));
}

void
vxs_link_prepare(pTHX_ struct vxs_link *self, SV *name, SV *request)
{
    struct vouch_flom_settings *settings =
        vouch_flom_client_settings(self->client);
    const char *text;
    AV *numbers;

    if (!SvROK(request) || SvTYPE(SvRV(request)) != SVt_PVAV)
        croak("a request is an array");
    numbers = (AV *) SvRV(request);
    settings->lock_mode = number_at(aTHX_ numbers, 0);
    settings->resource_quantity = number_at(aTHX_ numbers, 1);
    settings->resource_timeout = number_at(aTHX_ numbers, 2) ? -1 : 0;
    settings->resource_create = number_at(aTHX_ numbers, 3);
    settings->resource_idle_lifespan = number_at(aTHX_ numbers, 4);
    vouch_flom_client_want_lease(self->client, number_at(aTHX_ numbers, 5));
    if (name == NULL)
        return;
    text = vxs_name(aTHX_ name, "the name of a lock");
    if (strNE(settings->resource_name, text)
        && vouch_flom_settings_set_text(&settings->resource_name, text, NULL)
               != 0)
        vxs_fail(aTHX_ VOUCH_E_MEMORY, "out of memory");
}

int
vxs_link_lock(pTHX_ struct vxs_link *self, SV *name, SV *request)
{
    vxs_link_prepare(aTHX_ self, name, request);
    return vouch_flom_client_lock(self->client);
}

int
vxs_link_resume(pTHX_ struct vxs_link *self, SV *name, SV *request, SV *token,
                SV *element)
{
    const char *text =
        SvOK(element) ? vxs_name(aTHX_ element, "an element") : NULL;
    uint64_t epoch;
    uint64_t counter;

    if (vouch_flom_token_parse(vxs_name(aTHX_ token, "a token"), &epoch,
                               &counter)
        != 0)
        vxs_fail(aTHX_ VOUCH_E_ARGUMENT, "this is not a token");
    vxs_link_prepare(aTHX_ self, name, request);
    return vouch_flom_client_resume(self->client, epoch, counter, text);
}

int
vxs_link_outcome(const struct vxs_link *self, int outcome)
{
    if (outcome == 0
        && vouch_flom_client_state(self->client) != VOUCH_FLOM_CLIENT_LOCKED)
        return 2;
    return outcome;
}

int
vxs_link_is_held(struct vxs_link *self)
{
    int outcome;

    do {
        if (vouch_flom_client_state(self->client) != VOUCH_FLOM_CLIENT_LOCKED)
            return 0;
        outcome = vouch_flom_client_advance(self->client);
    } while (outcome == 0);
    return outcome != -1;
}

/* Until the bytes are gone: 0, else -1. */
static int
finish_unlock(struct vxs_link *self)
{
    int64_t deadline;
    int outcome = vouch_flom_client_advance(self->client);

    if (outcome == 0 || outcome == -1)
        return outcome;
    deadline = vouch_clock_monotonic_ms() + UNLOCK_MS;
    do
        outcome = vouch_flom_client_wait(self->client, deadline);
    while (outcome == -1 && vouch_flom_client_errno(self->client) == EINTR);
    if (outcome == 0)
        return 0;
    vouch_flom_client_disconnect(self->client);
    return -1;
}

int
vxs_link_unlock(struct vxs_link *self, int rollback)
{
    uint64_t epoch;
    uint64_t counter;
    int saved = errno;
    int outcome = -1;
    int is_ours;

    if (vxs_link_is_held(self)) {
        is_ours = vouch_flom_client_token(self->client, &epoch, &counter) != 0;
        outcome = vouch_flom_client_unlock(self->client, rollback);
        if (outcome == 0)
            outcome = finish_unlock(self);
        if (outcome == 0)
            outcome = is_ours;
    }
    errno = saved;
    return outcome;
}

void
vxs_link_part(struct vxs_link *self, int64_t deadline_ms)
{
    int outcome = vouch_flom_client_close(self->client);
    int saved = errno;

    while (outcome != 1
           && vouch_flom_client_state(self->client) != VOUCH_FLOM_CLIENT_IDLE)
        outcome = vouch_flom_client_wait(self->client, deadline_ms);
    vouch_flom_client_disconnect(self->client);
    errno = saved;
}

/* An interrupted wait is no failure of the connection. */
static int
was_interrupted(const struct vxs_link *self)
{
    return vouch_flom_client_state(self->client) != VOUCH_FLOM_CLIENT_IDLE
           && vouch_flom_client_errno(self->client) == EINTR;
}

int
vxs_link_wait(pTHX_ struct vxs_link *self, int64_t deadline_ms)
{
    int64_t until;
    int outcome;

    for (;;) {
        PERL_ASYNC_CHECK();
        until = vouch_clock_monotonic_ms() + LOOK_MS;
        if (deadline_ms != VOUCH_FOREVER && deadline_ms < until)
            until = deadline_ms;
        outcome = vouch_flom_client_wait(self->client, until);
        if (outcome == -1 && was_interrupted(self))
            continue;
        if (outcome != 1 || until == deadline_ms)
            return vxs_link_outcome(self, outcome);
    }
}

/* --- forks -----------------------------------------------------------------*/

void
vxs_link_give(struct vxs_link *self, int is_given)
{
    self->given = is_given;
    if (!is_given)
        self->pid = getpid();
}

void
vxs_links_before_fork(void)
{
    (void) pthread_mutex_lock(&links_mutex);
}

void
vxs_links_after_fork(int is_child, int runs_command)
{
    struct vxs_link *link;

    for (link = links; link != NULL && !runs_command; link = link->after) {
        if (link->client != NULL && is_child != link->given)
            vouch_flom_client_disconnect(link->client);
    }
    (void) pthread_mutex_unlock(&links_mutex);
}

/* --- the end ---------------------------------------------------------------*/

void
vxs_links_end(pTHX_ int rollback)
{
    int64_t deadline = vouch_clock_monotonic_ms() + UNLOCK_MS;
    struct vxs_link *link;

    (void) pthread_mutex_lock(&links_mutex);
    for (link = links; link != NULL; link = link->after) {
#ifdef MULTIPLICITY
        if (link->perl != aTHX)
            continue;
#endif
        if (link->client == NULL || link->pid != getpid())
            continue;
        (void) vxs_link_unlock(link, rollback);
        vxs_link_part(link, deadline);
    }
    (void) pthread_mutex_unlock(&links_mutex);
}
