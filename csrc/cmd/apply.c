/*
 * Options onto settings, with the words of FLoM for what is wrong.
 */
#include "cmd/apply.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "cmd/exit_status.h"
#include "cmd/log.h"
#include "cmd/options.h"
#include "flom/config_file.h"
#include "flom/error_codes.h"
#include "flom/settings.h"
#include "net/address.h"
#include "flom/socket_name.h"

#define PATH_SIZE 4096

struct target {
    struct vouch_flom_settings *settings;
    struct flom_extra *extra;
};

typedef int (*apply_fn)(struct target *target, const struct flom_given *given);

/* "NAME: 'VALUE' is WHAT" on stderr; an exit status. */
static int
bad(const char *name, const char *value, const char *what)
{
    (void) fprintf(stderr, "%s: '%s' is %s\n", name, value, what);
    return FLOM_EXIT_ERROR;
}

static int
bad_connect(const char *name, const char *value)
{
    (void) bad(name, value, "an invalid value");
    (void) fprintf(stderr, "flom_client_connect: ret_cod=%d (%s)\n",
                   VOUCH_FLOM_RC_INVALID_OPTION,
                   vouch_flom_rc_text(VOUCH_FLOM_RC_INVALID_OPTION));
    return FLOM_EXIT_ERROR;
}

static int
out_of_memory(void)
{
    (void) fputs("flom: out of memory\n", stderr);
    return FLOM_EXIT_ERROR;
}

static int
set_text(char **field, const char *value)
{
    return vouch_flom_settings_set_text(field, value, NULL) == 0
               ? 0
               : out_of_memory();
}

static int
without_sign(long number)
{
    return (int) (number < 0 ? -(number + (number < -2147483647L)) : number);
}

static int
apply_resource_name(struct target *target, const struct flom_given *given)
{
    switch (vouch_flom_name_check(given->value)) {
    case VOUCH_FLOM_NAME_GOOD:
        return set_text(&target->settings->resource_name, given->value);
    case VOUCH_FLOM_NAME_RESERVED:
        (void) printf("ERROR: '%s' is a reserved resource name and can not "
                      "be set by user\n",
                      given->value);
        break;
    default:
        (void) printf("ERROR: '%s' is not a valid name for a resource\n",
                      given->value);
    }
    (void) fflush(stdout);
    (void) fprintf(stderr, "flom_config_set_resource_name: ret_cod=%d\n",
                   VOUCH_FLOM_RC_INVALID_RESOURCE_NAME);
    return FLOM_EXIT_ERROR;
}

static int
apply_quantity(struct target *target, const struct flom_given *given)
{
    if (given->number < 0)
        (void) fprintf(stderr,
                       "Resource quantity ignored because negative values "
                       "(%ld) are meaningless\n",
                       given->number);
    else if (given->number > 0)
        target->settings->resource_quantity = (int) given->number;
    return 0;
}

static int
apply_bool(const char *name, int *field, const char *value, FILE *where)
{
    int truth = vouch_flom_bool_parse(value);

    if (truth == -1) {
        (void) fprintf(where, "%s: '%s' is an invalid value\n", name, value);
        return FLOM_EXIT_ERROR;
    }
    *field = truth;
    return 0;
}

static int
apply_create(struct target *target, const struct flom_given *given)
{
    return apply_bool("resource-create", &target->settings->resource_create,
                      given->value, stdout);
}

static int
apply_check_peer_id(struct target *target, const struct flom_given *given)
{
    return apply_bool("tls-check-peer-id",
                      &target->settings->tls_check_peer_id, given->value,
                      stdout);
}

static int
apply_append_trace(struct target *target, const struct flom_given *given)
{
    return apply_bool("append-trace-file",
                      &target->settings->append_trace_file, given->value,
                      stderr);
}

static int
apply_forward(struct target *target, const struct flom_given *given)
{
    return apply_bool("forward-signals", &target->extra->forward_signals,
                      given->value, stderr);
}

static int
apply_idle_lifespan(struct target *target, const struct flom_given *given)
{
    if (given->number != 0)
        target->settings->resource_idle_lifespan = without_sign(given->number);
    return 0;
}

static int
apply_mode(struct target *target, const struct flom_given *given)
{
    int mode = vouch_flom_mode_parse(given->value);

    if (mode == -1)
        return bad("lock-mode", given->value, "an invalid value");
    target->settings->lock_mode = mode;
    return 0;
}

static int
apply_socket_name(struct target *target, const struct flom_given *given)
{
    struct vouch_address address;

    if (*given->value == '\0'
        || vouch_flom_socket_address(given->value, &address) != 0)
        return bad_connect("socket-name", given->value);
    return set_text(&target->settings->socket_name, given->value);
}

static int
apply_mount_point(struct target *target, const struct flom_given *given)
{
    struct stat facts;

    if (stat(given->value, &facts) != 0 || !S_ISDIR(facts.st_mode))
        return bad_connect("mount-point-vfs", given->value);
    (void) fputs("flom: the status tree is gone, and -m does nothing: use "
                 "flom --status\n",
                 stderr);
    return set_text(&target->settings->mount_point_vfs, given->value);
}

static int
apply_interface(struct target *target, const struct flom_given *given)
{
    if (if_nametoindex(given->value) == 0)
        return bad("network-interface", given->value, "not an interface");
    return set_text(&target->settings->network_interface, given->value);
}

static int
apply_tls(const char *name, char **field, const char *value)
{
    if (vouch_flom_settings_set_file(field, value, NULL) != 0)
        return bad(name, value, "not a valid value");
    return 0;
}

static int
apply_certificate(struct target *target, const struct flom_given *given)
{
    return apply_tls("tls-certificate", &target->settings->tls_certificate,
                     given->value);
}

static int
apply_private_key(struct target *target, const struct flom_given *given)
{
    return apply_tls("tls-private-key", &target->settings->tls_private_key,
                     given->value);
}

static int
apply_ca_certificate(struct target *target, const struct flom_given *given)
{
    return apply_tls("tls-ca-certificate",
                     &target->settings->tls_ca_certificate, given->value);
}

static int
apply_crl(struct target *target, const struct flom_given *given)
{
    return apply_tls("tls-crl", &target->settings->tls_crl, given->value);
}

static int
apply_peer_name(struct target *target, const struct flom_given *given)
{
    if (*given->value == '\0')
        return bad("tls-peer-name", given->value, "not a name");
    return set_text(&target->settings->tls_peer_name, given->value);
}

static int
apply_ignore_signal(struct target *target, const struct flom_given *given)
{
    int number = vouch_flom_signal_parse(given->value);

    if (number > 0)
        target->settings->ignored_signals |= UINT32_C(1) << number;
    return 0;
}

static int
apply_also(struct target *target, const struct flom_given *given)
{
    struct flom_extra *extra = target->extra;
    size_t max = sizeof(extra->also) / sizeof(extra->also[0]);

    if (vouch_flom_name_check(given->value) != VOUCH_FLOM_NAME_GOOD)
        return bad("also", given->value, "not a valid name for a resource");
    if ((size_t) extra->also_count == max)
        return bad("also", given->value, "one resource too many");
    extra->also[extra->also_count++] = given->value;
    return 0;
}

static int
apply_on_loss(struct target *target, const struct flom_given *given)
{
    if (strcmp(given->value, "ignore") == 0)
        target->extra->on_loss = 0;
    else if (strcmp(given->value, "term") == 0)
        target->extra->on_loss = SIGTERM;
    else if (strcmp(given->value, "kill") == 0)
        target->extra->on_loss = SIGKILL;
    else
        return bad("on-loss", given->value,
                   "an invalid value: use ignore, term or kill");
    return 0;
}

static int
apply_socket_mode(struct target *target, const struct flom_given *given)
{
    char *end = NULL;
    unsigned long mode;

    errno = 0;
    mode = strtoul(given->value, &end, 8);
    if (errno != 0 || *given->value < '0' || *given->value > '7'
        || *end != '\0' || mode > 0777)
        return bad("socket-mode", given->value,
                   "an invalid value: use octal digits, such as 0660");
    target->extra->socket_mode = (unsigned) mode;
    return 0;
}

static int
apply_log_level(struct target *target, const struct flom_given *given)
{
    if (flom_log_level(given->value) == -1)
        return bad("log-level", given->value,
                   "an invalid value: use error, warning, notice, info or "
                   "debug");
    target->extra->log_level = given->value;
    return 0;
}

static int
apply_lease(struct target *target, const struct flom_given *given)
{
    target->extra->lease = (int) given->number;
    return 0;
}

/* Options that are a text, a number, or a number without its sign. */
enum kind { A_TEXT, A_NUMBER, AN_UNSIGNED, A_POSITIVE };

static const struct plain {
    enum flom_option option;
    enum kind kind;
    size_t offset;
} PLAIN[] = {
#define SETTING(name) offsetof(struct vouch_flom_settings, name)
    {FLOM_RESOURCE_TIMEOUT, A_NUMBER, SETTING(resource_timeout)},
    {FLOM_DAEMON_LIFESPAN, A_NUMBER, SETTING(daemon_lifespan)},
    {FLOM_UNICAST_ADDRESS, A_TEXT, SETTING(unicast_address)},
    {FLOM_UNICAST_PORT, AN_UNSIGNED, SETTING(unicast_port)},
    {FLOM_MULTICAST_ADDRESS, A_TEXT, SETTING(multicast_address)},
    {FLOM_MULTICAST_PORT, AN_UNSIGNED, SETTING(multicast_port)},
    {FLOM_DISCOVERY_ATTEMPTS, A_POSITIVE, SETTING(discovery_attempts)},
    {FLOM_DISCOVERY_TIMEOUT, AN_UNSIGNED, SETTING(discovery_timeout)},
    {FLOM_DISCOVERY_TTL, A_POSITIVE, SETTING(discovery_ttl)},
    {FLOM_KEEPALIVE_TIME, AN_UNSIGNED, SETTING(keepalive_time)},
    {FLOM_KEEPALIVE_INTERVAL, AN_UNSIGNED, SETTING(keepalive_interval)},
    {FLOM_KEEPALIVE_PROBES, AN_UNSIGNED, SETTING(keepalive_probes)},
    {FLOM_DAEMON_TRACE_FILE, A_TEXT, SETTING(daemon_trace_file)},
    {FLOM_COMMAND_TRACE_FILE, A_TEXT, SETTING(command_trace_file)},
    {FLOM_ACCESS, A_TEXT, SETTING(access_file)},
#undef SETTING
};

static int
apply_plain(const struct plain *plain, struct vouch_flom_settings *settings,
            const struct flom_given *given)
{
    char *field = (char *) settings + plain->offset;
    int number;

    if (plain->kind == A_TEXT)
        return set_text((char **) (void *) field, given->value);
    number = plain->kind == A_NUMBER ? (int) given->number
                                     : without_sign(given->number);
    if (plain->kind == A_POSITIVE && number == 0)
        number = 1;
    *(int *) (void *) field = number;
    return 0;
}

static const struct {
    enum flom_option option;
    apply_fn apply;
} SPECIAL[] = {
    {FLOM_RESOURCE_NAME, apply_resource_name},
    {FLOM_RESOURCE_QUANTITY, apply_quantity},
    {FLOM_RESOURCE_CREATE, apply_create},
    {FLOM_RESOURCE_IDLE_LIFESPAN, apply_idle_lifespan},
    {FLOM_LOCK_MODE, apply_mode},
    {FLOM_SOCKET_NAME, apply_socket_name},
    {FLOM_MOUNT_POINT_VFS, apply_mount_point},
    {FLOM_NETWORK_INTERFACE, apply_interface},
    {FLOM_TLS_CERTIFICATE, apply_certificate},
    {FLOM_TLS_PRIVATE_KEY, apply_private_key},
    {FLOM_TLS_CA_CERTIFICATE, apply_ca_certificate},
    {FLOM_TLS_CHECK_PEER_ID, apply_check_peer_id},
    {FLOM_TLS_CRL, apply_crl},
    {FLOM_TLS_PEER_NAME, apply_peer_name},
    {FLOM_IGNORE_SIGNAL, apply_ignore_signal},
    {FLOM_APPEND_TRACE_FILE, apply_append_trace},
    {FLOM_ALSO, apply_also},
    {FLOM_ON_LOSS, apply_on_loss},
    {FLOM_FORWARD_SIGNALS, apply_forward},
    {FLOM_SOCKET_MODE, apply_socket_mode},
    {FLOM_LEASE, apply_lease},
    {FLOM_LOG_LEVEL, apply_log_level},
};

static int
apply_one(struct target *target, const struct flom_given *given)
{
    size_t i;

    for (i = 0; i < sizeof(PLAIN) / sizeof(PLAIN[0]); i++) {
        if (PLAIN[i].option == given->option)
            return apply_plain(&PLAIN[i], target->settings, given);
    }
    for (i = 0; i < sizeof(SPECIAL) / sizeof(SPECIAL[0]); i++) {
        if (SPECIAL[i].option == given->option)
            return SPECIAL[i].apply(target, given);
    }
    return 0; /* an action, or in struct flom_extra as it is */
}

/* The number of an option, or what it is without one. */
static int
number_of(const struct flom_command_line *line, enum flom_option option,
          int otherwise)
{
    const struct flom_given *given = flom_given_last(line, option);

    return given == NULL ? otherwise : (int) given->number;
}

static const char *
text_of(const struct flom_command_line *line, enum flom_option option)
{
    const struct flom_given *given = flom_given_last(line, option);

    return given == NULL ? NULL : given->value;
}

static void
apply_extra(const struct flom_command_line *line, struct flom_extra *extra)
{
    memset(extra, 0, sizeof(*extra));
    extra->timeout_total = number_of(line, FLOM_TIMEOUT_TOTAL, -1);
    extra->fairness = number_of(line, FLOM_FAIRNESS, 10000);
    extra->grace = number_of(line, FLOM_GRACE, 10000);
    extra->max_connections = number_of(line, FLOM_MAX_CONNECTIONS, 0);
    extra->max_messages = number_of(line, FLOM_MAX_MESSAGES, 0);
    extra->max_queue = number_of(line, FLOM_MAX_QUEUE, 0);
    extra->max_resources = number_of(line, FLOM_MAX_RESOURCES, 0);
    extra->state = text_of(line, FLOM_STATE);
    extra->pid_file = text_of(line, FLOM_PID_FILE);
    extra->log = text_of(line, FLOM_LOG);
    extra->remote_admin =
        flom_given_last(line, FLOM_ALLOW_REMOTE_ADMIN) != NULL;
    extra->forward_signals = 1;
    extra->socket_mode = 0600;
}

/* What is a number and cannot be below zero. */
static int
check_numbers(const struct flom_command_line *line)
{
    static const struct {
        enum flom_option option;
        const char *name;
        int least;
    } numbers[] = {
        {FLOM_LEASE, "lease", 0},
        {FLOM_GRACE, "grace", 0},
        {FLOM_FAIRNESS, "fairness", -1},
        {FLOM_MAX_CONNECTIONS, "max-connections", 1},
        {FLOM_MAX_MESSAGES, "max-messages", 1},
        {FLOM_MAX_QUEUE, "max-queue", 1},
        {FLOM_MAX_RESOURCES, "max-resources", 1},
    };
    const struct flom_given *given;
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        given = flom_given_last(line, numbers[i].option);
        if (given != NULL && given->number < numbers[i].least)
            return bad(numbers[i].name, given->value, "an invalid value");
    }
    return 0;
}

static int
bad_file(const char *what, const char *path, int rc,
         const struct vouch_error *err)
{
    (void) printf("ERROR: %s '%s'\n", what, path);
    (void) fflush(stdout);
    (void) fprintf(stderr, "flom_config_init: ret_cod=%d\n", rc);
    (void) fprintf(stderr, "flom: %s\n", err->text);
    return FLOM_EXIT_ERROR;
}

static int
read_files(const struct flom_command_line *line,
           struct vouch_flom_settings *settings)
{
    const struct flom_given *given = flom_given_last(line, FLOM_CONFIG_FILE);
    struct vouch_error err;
    char path[PATH_SIZE];

    vouch_error_clear(&err);
    if (flom_given_last(line, FLOM_NO_CONFIG) == NULL
        && vouch_flom_config_file_read_usual(VOUCH_FLOM_SYSTEM_CONFIG,
                                             getenv("HOME"), settings, path,
                                             sizeof(path), &err)
               != 0)
        return bad_file("invalid configuration found in file", path,
                        VOUCH_FLOM_RC_INVALID_OPTION, &err);
    if (given == NULL
        || vouch_flom_config_file_read(given->value, settings, &err) == 0)
        return 0;
    if (err.code == VOUCH_E_ARGUMENT)
        return bad_file("invalid configuration found in file", given->value,
                        VOUCH_FLOM_RC_INVALID_OPTION, &err);
    return bad_file("error while loading file", given->value,
                    VOUCH_FLOM_RC_G_KEY_FILE_LOAD_FROM_FILE_ERROR, &err);
}

int
flom_apply(const struct flom_command_line *line,
           struct vouch_flom_settings *settings, struct flom_extra *extra)
{
    struct target target = {settings, extra};
    int is_status = flom_given_last(line, FLOM_STATUS) != NULL;
    int status;
    size_t i;

    apply_extra(line, extra);
    status = check_numbers(line);
    if (status == 0)
        status = read_files(line, settings);
    for (i = 0; status == 0 && i < line->count; i++) {
        /* There the name is a pattern, and no setting. */
        if (line->given[i].option == FLOM_RESOURCE_NAME && is_status)
            continue;
        status = apply_one(&target, &line->given[i]);
    }
    if (flom_given_last(line, FLOM_VERBOSE) != NULL)
        settings->verbose = 1;
    return status;
}

int
flom_check(const struct vouch_flom_settings *settings)
{
    switch (vouch_flom_settings_check(settings)) {
    case VOUCH_FLOM_SETTINGS_GOOD:
        return 0;
    case VOUCH_FLOM_LOCAL_AND_NETWORK:
        (void) puts("ERROR: flom can not be configured for local (UNIX "
                    "socket) and network (TCP-UDP/IP) communication at the "
                    "same time.");
        break;
    case VOUCH_FLOM_PEER_ID_WITHOUT_TLS:
        (void) puts("ERROR: TLS check peer id can not be specified without "
                    "full TLS configuration.");
        break;
    case VOUCH_FLOM_TLS_INCOMPLETE:
        (void) puts("ERROR: TLS needs a certificate, its private key and a CA "
                    "certificate: without one of them all would go in the "
                    "clear.");
        break;
    }
    (void) fflush(stdout);
    (void) fputs("Configuration is not valid, cannot go on!\n", stderr);
    return FLOM_EXIT_ERROR;
}
