/*
 * What FLoM's settings say, for Perl.
 */
#include "lock.h"

#include <sys/un.h>

#include "flom/socket_name.h"

static const struct {
    const char *name;
    size_t offset;
    int is_text;
} FACTS[] = {
#define TEXT(name) \
    { \
#name, offsetof(struct vouch_flom_settings, name), 1 \
    }
#define NUMBER(name) \
    { \
#name, offsetof(struct vouch_flom_settings, name), 0 \
    }
    TEXT(resource_name),
    NUMBER(resource_timeout),
    NUMBER(resource_quantity),
    NUMBER(lock_mode),
    NUMBER(resource_create),
    NUMBER(resource_idle_lifespan),
    TEXT(socket_name),
    NUMBER(daemon_lifespan),
    TEXT(unicast_address),
    NUMBER(unicast_port),
    TEXT(multicast_address),
    NUMBER(multicast_port),
    TEXT(tls_certificate),
    TEXT(tls_private_key),
    TEXT(tls_ca_certificate),
    NUMBER(tls_check_peer_id),
    TEXT(tls_crl),
    TEXT(tls_peer_name),
    TEXT(daemon_trace_file),
    NUMBER(append_trace_file),
#undef TEXT
#undef NUMBER
};

#define FACT_COUNT (sizeof(FACTS) / sizeof(FACTS[0]))

/* Where the daemon's unix socket is, also when nobody has said it. */
static SV *
socket_path(pTHX_ const struct vouch_flom_settings *self)
{
    struct vouch_address address;

    if (vouch_flom_socket_address(self->socket_name, &address) != 0)
        return &PL_sv_undef;
    return sv_2mortal(
        newSVpv(((const struct sockaddr_un *) (const void *) &address.storage)
                    ->sun_path,
                0));
}

void
vxs_push_settings(pTHX_ const struct vouch_flom_settings *self)
{
    size_t i;
    dSP;

    EXTEND(SP, 2 * (SSize_t) FACT_COUNT + 2);
    for (i = 0; i < FACT_COUNT; i++) {
        const char *at = (const char *) self + FACTS[i].offset;
        const char *text = NULL;

        mPUSHp(FACTS[i].name, strlen(FACTS[i].name));
        if (!FACTS[i].is_text) {
            mPUSHi(*(const int *) (const void *) at);
            continue;
        }
        text = *(char *const *) (const void *) at;
        PUSHs(text == NULL ? &PL_sv_undef : sv_2mortal(newSVpv(text, 0)));
    }
    mPUSHp("socket_path", 11);
    PUSHs(socket_path(aTHX_ self));
    PUTBACK;
}
