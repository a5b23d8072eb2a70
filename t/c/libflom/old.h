/*
 * What a program compiled for FLoM 1.7.2 knows of its library: names, layout
 * and numbers, as documented.  Not our header, on purpose.
 */
#ifndef OLD_H
#define OLD_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int state;
    void *conn;
    void *config;
    char *locked_element;
} flom_handle_t;

/* Its compiler laid it out so. */
typedef char
    has_32_bytes[sizeof(void *) != 8 || sizeof(flom_handle_t) == 32 ? 1 : -1];
typedef char
    element_is_at_24[sizeof(void *) != 8
                             || offsetof(flom_handle_t, locked_element) == 24
                         ? 1
                         : -1];

int flom_handle_init(flom_handle_t *handle);
int flom_handle_clean(flom_handle_t *handle);
flom_handle_t *flom_handle_new(void);
void flom_handle_delete(flom_handle_t *handle);
int flom_handle_lock(flom_handle_t *handle);
int flom_handle_unlock(flom_handle_t *handle);
int flom_handle_unlock_rollback(flom_handle_t *handle);
const char *flom_strerror(int ret_cod);

#define OLD_NUMBER(name) \
    int flom_handle_get_##name(const flom_handle_t *handle); \
    int flom_handle_set_##name(flom_handle_t *handle, int value);
#define OLD_TEXT(name) \
    const char *flom_handle_get_##name(const flom_handle_t *handle); \
    int flom_handle_set_##name(flom_handle_t *handle, const char *value);

#define OLD_PROPERTIES(NUMBER, TEXT) \
    NUMBER(discovery_attempts) \
    NUMBER(discovery_timeout) \
    NUMBER(discovery_ttl) \
    NUMBER(lock_mode) \
    TEXT(multicast_address) \
    NUMBER(multicast_port) \
    TEXT(network_interface) \
    NUMBER(resource_create) \
    NUMBER(resource_idle_lifespan) \
    TEXT(resource_name) \
    NUMBER(resource_quantity) \
    NUMBER(resource_timeout) \
    TEXT(socket_name) \
    TEXT(tls_ca_certificate) \
    TEXT(tls_certificate) \
    NUMBER(tls_check_peer_id) \
    TEXT(tls_private_key) \
    TEXT(trace_filename) \
    TEXT(unicast_address) \
    NUMBER(unicast_port)
OLD_PROPERTIES(OLD_NUMBER, OLD_TEXT)

/* FLoM's header has the body of it, so that it is in the program. */
const char *
flom_handle_get_locked_element(const flom_handle_t *handle)
{
    return handle->locked_element;
}

#ifdef __cplusplus
}
#endif

#endif
