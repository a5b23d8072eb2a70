/*
 * What a handle is set to: read and changed one by one, by FLoM's rules.
 */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>

#include "base/error.h"
#include "flom/settings.h"
#include "flom/socket_name.h"
#include "flom/trace.h"
#include "libflom/handle.h"
#include "net/address.h"

/* States in which something may be changed. */
enum when {
    BEFORE,     /* INIT and DISCONNECTED */
    NOT_LOCKED, /* CONNECTED, too */
    AT_ALL_TIMES
};

/* Whether it may be changed now; then *settings_r is what. */
static int
may_set(const flom_handle_t *handle, enum when when,
        struct vouch_flom_settings **settings_r)
{
    struct vouch_flom_settings *settings = vouch_libflom_settings(handle);

    if (handle == NULL)
        return FLOM_RC_NULL_OBJECT;
    if (settings == NULL)
        return FLOM_RC_API_IMMUTABLE_HANDLE;
    if (when != AT_ALL_TIMES && handle->state != FLOM_HANDLE_STATE_INIT
        && handle->state != FLOM_HANDLE_STATE_DISCONNECTED
        && (when == BEFORE || handle->state != FLOM_HANDLE_STATE_CONNECTED))
        return FLOM_RC_API_IMMUTABLE_HANDLE;
    *settings_r = settings;
    return FLOM_RC_OK;
}

/* --- numbers --------------------------------------------------------------*/

static int
as_it_is(int value, int old)
{
    (void) old;
    return value;
}

static int
without_sign(int value, int old)
{
    (void) old;
    if (value == INT_MIN)
        return INT_MAX;
    return value < 0 ? -value : value;
}

static int
one_at_least(int value, int old)
{
    return value == 0 ? 1 : without_sign(value, old);
}

static int
old_if_zero(int value, int old)
{
    return value == 0 ? old : without_sign(value, old);
}

#define NUMBER(name, when, rule) \
    int flom_handle_get_##name(const flom_handle_t *handle) \
    { \
        const struct vouch_flom_settings *settings = \
            vouch_libflom_settings(handle); \
\
        return settings == NULL ? 0 : settings->name; \
    } \
\
    int flom_handle_set_##name(flom_handle_t *handle, int value) \
    { \
        struct vouch_flom_settings *settings = NULL; \
        int rc = may_set(handle, when, &settings); \
\
        if (rc == FLOM_RC_OK) \
            settings->name = rule(value, settings->name); \
        return rc; \
    }

NUMBER(discovery_attempts, BEFORE, one_at_least)
NUMBER(discovery_timeout, BEFORE, without_sign)
NUMBER(discovery_ttl, BEFORE, one_at_least)
NUMBER(multicast_port, BEFORE, as_it_is)
NUMBER(resource_create, BEFORE, as_it_is)
NUMBER(resource_idle_lifespan, NOT_LOCKED, old_if_zero)
NUMBER(resource_quantity, NOT_LOCKED, old_if_zero)
NUMBER(resource_timeout, NOT_LOCKED, as_it_is)
NUMBER(tls_check_peer_id, BEFORE, as_it_is)
NUMBER(unicast_port, BEFORE, as_it_is)

flom_lock_mode_t
flom_handle_get_lock_mode(const flom_handle_t *handle)
{
    const struct vouch_flom_settings *settings =
        vouch_libflom_settings(handle);

    return settings == NULL ? FLOM_LOCK_MODE_NL
                            : (flom_lock_mode_t) settings->lock_mode;
}

int
flom_handle_set_lock_mode(flom_handle_t *handle, flom_lock_mode_t value)
{
    struct vouch_flom_settings *settings = NULL;
    int rc = may_set(handle, NOT_LOCKED, &settings);

    if (rc == FLOM_RC_OK)
        settings->lock_mode = (int) value;
    return rc;
}

/* --- texts ----------------------------------------------------------------*/

/* What a text is, and changes beside itself. */
typedef int (*text_rule)(struct vouch_flom_settings *settings, char **field,
                         const char *value);

static int
any_text(struct vouch_flom_settings *settings, char **field, const char *value)
{
    (void) settings;
    return vouch_flom_settings_set_text(field, value, NULL) == 0
               ? FLOM_RC_OK
               : FLOM_RC_MALLOC_ERROR;
}

/* One of the three ways to a daemon; the others are forgotten. */
static int
only_way(struct vouch_flom_settings *settings, char **field, const char *value)
{
    char **ways[] = {&settings->socket_name, &settings->unicast_address,
                     &settings->multicast_address};
    int rc = any_text(settings, field, value);
    size_t i;

    if (rc != FLOM_RC_OK || value == NULL)
        return rc;
    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (ways[i] != field)
            (void) any_text(settings, ways[i], NULL);
    }
    return FLOM_RC_OK;
}

static int
socket_way(struct vouch_flom_settings *settings, char **field,
           const char *value)
{
    struct vouch_address address;

    if (value != NULL && *value == '\0')
        return FLOM_RC_INVALID_PROPERTY_VALUE;
    if (value != NULL && vouch_flom_socket_address(value, &address) != 0)
        return FLOM_RC_BUFFER_OVERFLOW;
    return only_way(settings, field, value);
}

static int
an_interface(struct vouch_flom_settings *settings, char **field,
             const char *value)
{
    if (value != NULL && if_nametoindex(value) == 0)
        return FLOM_RC_INVALID_IPV6_NETWORK_INTERFACE;
    return any_text(settings, field, value);
}

static int
a_resource(struct vouch_flom_settings *settings, char **field,
           const char *value)
{
    if (value == NULL)
        return FLOM_RC_NULL_OBJECT;
    if (vouch_flom_name_check(value) != VOUCH_FLOM_NAME_GOOD)
        return FLOM_RC_INVALID_RESOURCE_NAME;
    return any_text(settings, field, value);
}

static int
a_file(struct vouch_flom_settings *settings, char **field, const char *value)
{
    struct vouch_error err;

    if (value == NULL)
        return any_text(settings, field, NULL);
    vouch_error_clear(&err);
    if (vouch_flom_settings_set_file(field, value, &err) == 0)
        return FLOM_RC_OK;
    return err.sys_errno == ENOMEM ? FLOM_RC_MALLOC_ERROR
                                   : FLOM_RC_REALPATH_ERROR;
}

/* All handles write to it from now on. */
static int
a_trace(struct vouch_flom_settings *settings, char **field, const char *value)
{
    if (vouch_flom_trace_open(value, settings->append_trace_file) != 0)
        return FLOM_RC_OPEN_ERROR;
    return any_text(settings, field, value);
}

static int
set_text(flom_handle_t *handle, enum when when, size_t offset, text_rule rule,
         const char *value)
{
    struct vouch_flom_settings *settings = NULL;
    int rc = may_set(handle, when, &settings);

    if (rc != FLOM_RC_OK)
        return rc;
    return rule(settings, (char **) ((char *) settings + offset), value);
}

#define TEXT(name, field, when, rule) \
    const char *flom_handle_get_##name(const flom_handle_t *handle) \
    { \
        const struct vouch_flom_settings *settings = \
            vouch_libflom_settings(handle); \
\
        return settings == NULL ? NULL : settings->field; \
    } \
\
    int flom_handle_set_##name(flom_handle_t *handle, const char *value) \
    { \
        return set_text(handle, when, \
                        offsetof(struct vouch_flom_settings, field), rule, \
                        value); \
    }

TEXT(multicast_address, multicast_address, BEFORE, only_way)
TEXT(network_interface, network_interface, BEFORE, an_interface)
TEXT(resource_name, resource_name, NOT_LOCKED, a_resource)
TEXT(socket_name, socket_name, BEFORE, socket_way)
TEXT(tls_ca_certificate, tls_ca_certificate, BEFORE, a_file)
TEXT(tls_certificate, tls_certificate, BEFORE, a_file)
TEXT(tls_private_key, tls_private_key, BEFORE, a_file)
TEXT(trace_filename, command_trace_file, AT_ALL_TIMES, a_trace)
TEXT(unicast_address, unicast_address, BEFORE, only_way)
