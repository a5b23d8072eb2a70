/*
 * What tests of datagrams and discovery share: addresses in digits, FLoM's
 * bytes, and answers like FLoM's.
 */
#ifndef VOUCH_T_DATAGRAMS_H
#define VOUCH_T_DATAGRAMS_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "net/address.h"
#include "tap.h"

#define H "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>"
#define ANSWER(inside) \
    H "<msg level=\"3\" verb=\"4\" step=\"16\">" inside "</msg>"
#define NETWORK(address, port) \
    ANSWER("<network address=\"" address "\" port=\"" port "\"/>")

static inline struct vouch_address
address(const char *host, const char *port)
{
    struct vouch_address found;
    struct vouch_error err;

    memset(&found, 0, sizeof(found));
    vouch_error_clear(&err);
    if (vouch_address_resolve(host, port, &found, 1, &err) != 1)
        printf("Bail out! %s\n", err.text);
    return found;
}

static inline struct vouch_buf *
sample(const char *name)
{
    struct vouch_buf *bytes = vouch_buf_new(4096);
    char file[300];

    (void) snprintf(file, sizeof(file), "t/data/flom/%s.xml", name);
    if (vouch_file_read(file, bytes, NULL) != 0)
        ok(0, file);
    return bytes;
}

#endif
