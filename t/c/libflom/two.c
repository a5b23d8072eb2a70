/*
 * The second file of one.c.
 */
#include <flom.h>
#include <string.h>

const char *element_of(const char *socket, const char *name);

const char *
element_of(const char *socket, const char *name)
{
    static char element[80];
    flom_handle_t *handle = flom_handle_new();
    int rc = flom_handle_set_socket_name(handle, socket);

    if (rc == FLOM_RC_OK)
        rc = flom_handle_set_resource_name(handle, name);
    if (rc == FLOM_RC_OK)
        rc = flom_handle_lock(handle);
    element[0] = '\0';
    (void) strncat(element,
                   rc == FLOM_RC_OK ? flom_handle_get_locked_element(handle)
                                    : flom_strerror(rc),
                   sizeof(element) - 1);
    flom_handle_delete(handle);
    return element;
}
