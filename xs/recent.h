/*
 * The connections that were used last: they keep OpenSSL's buffers.
 */
#ifndef VOUCH_XS_RECENT_H
#define VOUCH_XS_RECENT_H

#include "bridge.h"

/* When the interpreter starts, and in a new thread. */
void vxs_recent_start(pTHX);
void vxs_recent_clone(pTHX);

/* This one is used; and it is being freed. */
void vxs_recent_use(pTHX_ struct vxs_stream *stream);
void vxs_recent_drop(pTHX_ struct vxs_stream *stream);

#endif
