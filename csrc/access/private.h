/*
 * What rules are made of; for the files of access/ only.
 */
#ifndef VOUCH_ACCESS_PRIVATE_H
#define VOUCH_ACCESS_PRIVATE_H

#include <stddef.h>

#include "access/access.h"
#include "tls/fingerprint.h"

enum access_kind {
    ACCESS_ANY,
    ACCESS_OWNER, /* unix socket: root or the daemon's user */
    ACCESS_UNIX,
    ACCESS_LOCAL,
    ACCESS_REMOTE,
    ACCESS_TLS,
    ACCESS_UID,
    ACCESS_CN,
    ACCESS_CERT,
    ACCESS_KEY
};

struct access_rule {
    int line;
    int allow;
    enum access_kind kind;
    long uid;
    char *name; /* pattern of the common name */
    struct vouch_fingerprint fingerprint;
    unsigned rights;
    char **patterns; /* of resources; none: all of them */
    size_t pattern_count;
};

struct vouch_access {
    struct access_rule *rules;
    size_t count;
    int from_file;
};

/* 1 if the rule is for all resources there may be, else 0. */
int access_is_for_all(const struct access_rule *rule);

#endif
