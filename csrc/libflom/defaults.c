/*
 * What a new handle is set to: the configuration files, read once.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "flom/config_file.h"
#include "flom/error_codes.h"
#include "flom/settings.h"
#include "flom/socket_name.h"
#include "flom/trace.h"
#include "libflom/handle.h"

#define PATH_SIZE 4096
#define NAME_SIZE 108 /* of a unix socket */

static struct {
    pthread_mutex_t mutex;
    int are_read;
    struct vouch_flom_settings settings;
} defaults = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int
code_of(const struct vouch_error *err)
{
    return err->code == VOUCH_E_MEMORY ? FLOM_RC_MALLOC_ERROR
                                       : FLOM_RC_INVALID_OPTION;
}

/* A program asks a handle for the name of its socket. */
static int
name_socket(struct vouch_flom_settings *settings, struct vouch_error *err)
{
    char name[NAME_SIZE];

    if (settings->socket_name != NULL || settings->unicast_address != NULL
        || settings->multicast_address != NULL)
        return 0;
    if (vouch_flom_default_socket(name, sizeof(name)) >= (int) sizeof(name))
        return 0; /* told when it is locked */
    return vouch_flom_settings_set_text(&settings->socket_name, name, err);
}

static int
read_all(struct vouch_flom_settings *settings, struct vouch_error *err)
{
    char path[PATH_SIZE];

    if (vouch_flom_settings_init(settings, err) != 0
        || vouch_flom_config_file_read_usual(VOUCH_FLOM_SYSTEM_CONFIG,
                                             getenv("HOME"), settings, path,
                                             sizeof(path), err)
               != 0)
        return -1;
    settings->daemon_lifespan = 0; /* never start one */
    (void) vouch_flom_trace_open(settings->command_trace_file,
                                 settings->append_trace_file);
    return name_socket(settings, err);
}

/* Files that are no good are read again by the next handle. */
static int
read_once(struct vouch_error *err)
{
    if (defaults.are_read)
        return 0;
    if (read_all(&defaults.settings, err) != 0) {
        vouch_flom_settings_clear(&defaults.settings);
        return -1;
    }
    defaults.are_read = 1;
    return 0;
}

int
vouch_libflom_defaults(struct vouch_flom_settings *settings_r)
{
    struct vouch_error err;
    int status;

    vouch_error_clear(&err);
    (void) pthread_mutex_lock(&defaults.mutex);
    status = read_once(&err);
    if (status == 0)
        status =
            vouch_flom_settings_copy(&defaults.settings, settings_r, &err);
    (void) pthread_mutex_unlock(&defaults.mutex);
    if (status == 0)
        return FLOM_RC_OK;
    vouch_flom_trace(VOUCH_FLOM_TRACE_CONFIG, "configuration: %s", err.text);
    return code_of(&err);
}
