/*
 * The connections that were used last.
 *
 * OpenSSL holds two buffers of 16 KiB for a connection that is read and
 * written.  To give them back after each record costs a fifth of the speed
 * (SSL_MODE_RELEASE_BUFFERS); to keep them makes a thousand idle connections
 * three times as heavy.  So a few connections keep theirs, in each
 * interpreter, and give them back when others are used.
 */
#include "recent.h"

#define RECENT 4 /* 128 KiB; who alternates between more pays for it */

#define MY_CXT_KEY "Vouch::recent"

typedef struct {
    struct vxs_stream *streams[RECENT];
    unsigned next;
} my_cxt_t;

START_MY_CXT

void
vxs_recent_start(pTHX)
{
    MY_CXT_INIT;

    Zero(&MY_CXT, 1, my_cxt_t);
}

void
vxs_recent_clone(pTHX)
{
    MY_CXT_CLONE;

    Zero(&MY_CXT, 1, my_cxt_t);
}

/* Not in the middle of anything of its own: a callback or a signal handler
 * may use others meanwhile. */
static void
rest(struct vxs_stream *stream)
{
    stream->recent = 0;
    if (!stream->busy && stream->conn != NULL)
        vouch_conn_rest(stream->conn);
}

/* The list is gone before the last objects when Perl ends. */
void
vxs_recent_use(pTHX_ struct vxs_stream *stream)
{
    struct vxs_stream **place;
    dMY_CXT;

    if (stream->recent || PL_dirty)
        return;
    place = &MY_CXT.streams[MY_CXT.next++ % RECENT];
    if (*place != NULL)
        rest(*place);
    *place = stream;
    stream->recent = 1;
}

void
vxs_recent_drop(pTHX_ struct vxs_stream *stream)
{
    unsigned i;
    dMY_CXT;

    if (!stream->recent || PL_dirty)
        return;
    stream->recent = 0;
    for (i = 0; i < RECENT; i++)
        if (MY_CXT.streams[i] == stream)
            MY_CXT.streams[i] = NULL;
}
