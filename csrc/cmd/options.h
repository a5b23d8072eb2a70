/*
 * The command line of flom: which options there are, and which were given.
 *
 * Parsing follows GLib's rules, which FLoM has: "--name value" and
 * "--name=value", "-r value", flags together with the last option of a group
 * ("-Vr RED"); options anywhere before "--"; no abbreviations.  What an
 * option means is in apply and in the files of each action.
 */
#ifndef VOUCH_CMD_OPTIONS_H
#define VOUCH_CMD_OPTIONS_H

#include <stddef.h>

struct vouch_buf;
struct vouch_error;

enum flom_option {
    FLOM_HELP,
    FLOM_VERSION,
    FLOM_VERBOSE,
    FLOM_CONFIG_FILE,
    FLOM_RESOURCE_NAME,
    FLOM_RESOURCE_TIMEOUT,
    FLOM_RESOURCE_QUANTITY,
    FLOM_RESOURCE_CREATE,
    FLOM_RESOURCE_IDLE_LIFESPAN,
    FLOM_LOCK_MODE,
    FLOM_SOCKET_NAME,
    FLOM_DAEMON_LIFESPAN,
    FLOM_UNICAST_ADDRESS,
    FLOM_UNICAST_PORT,
    FLOM_MULTICAST_ADDRESS,
    FLOM_MULTICAST_PORT,
    FLOM_MOUNT_POINT_VFS,
    FLOM_NETWORK_INTERFACE,
    FLOM_DISCOVERY_ATTEMPTS,
    FLOM_DISCOVERY_TIMEOUT,
    FLOM_DISCOVERY_TTL,
    FLOM_KEEPALIVE_TIME,
    FLOM_KEEPALIVE_INTERVAL,
    FLOM_KEEPALIVE_PROBES,
    FLOM_TLS_CERTIFICATE,
    FLOM_TLS_PRIVATE_KEY,
    FLOM_TLS_CA_CERTIFICATE,
    FLOM_TLS_CHECK_PEER_ID,
    FLOM_IGNORE_SIGNAL,
    FLOM_SIGNAL_LIST,
    FLOM_DAEMON_TRACE_FILE,
    FLOM_COMMAND_TRACE_FILE,
    FLOM_APPEND_TRACE_FILE,
    FLOM_QUIESCE_EXIT,
    FLOM_IMMEDIATE_EXIT,
    FLOM_UNIQUE_ID,
    FLOM_DEBUG_FEATURE,
    /* What follows is new. */
    FLOM_ACCESS,
    FLOM_ALLOW_REMOTE_ADMIN,
    FLOM_ALSO,
    FLOM_DAEMON,
    FLOM_DOCTOR,
    FLOM_FAIRNESS,
    FLOM_FENCE,
    FLOM_FORWARD_SIGNALS,
    FLOM_GRACE,
    FLOM_JSON,
    FLOM_KICK,
    FLOM_LEASE,
    FLOM_LOG,
    FLOM_LOG_LEVEL,
    FLOM_MAX_CONNECTIONS,
    FLOM_MAX_MESSAGES,
    FLOM_MAX_QUEUE,
    FLOM_MAX_RESOURCES,
    FLOM_NO_CONFIG,
    FLOM_ON_LOSS,
    FLOM_PID_FILE,
    FLOM_SOCKET_MODE,
    FLOM_START,
    FLOM_STATE,
    FLOM_STATUS,
    FLOM_TIMEOUT_TOTAL,
    FLOM_TLS_CRL,
    FLOM_TLS_PEER_NAME,
    FLOM_OPTION_COUNT
};

/* One option as it was given. */
struct flom_given {
    enum flom_option option;
    const char *value; /* from argv; NULL for a flag */
    long number;       /* of an option that takes one */
};

struct flom_command_line {
    struct flom_given *given; /* in the order of the command line */
    size_t count;
    char **command; /* the command and its arguments, ended by NULL */
    int command_count;
};

/* Free what parsing allocated. */
void flom_command_line_clear(struct flom_command_line *line);

/*
 * Take a command line apart; its texts are borrowed from argv.  0; -1 with
 * VOUCH_E_ARGUMENT, whose text is that of GLib, or VOUCH_E_MEMORY.
 */
int flom_command_line_parse(int argc, char **argv,
                            struct flom_command_line *line_r,
                            struct vouch_error *err);

/* The last value of an option, or NULL; and whether it was given at all. */
const struct flom_given *flom_given_last(const struct flom_command_line *line,
                                         enum flom_option option);

/* Append the text of --help. */
int flom_options_help(struct vouch_buf *out);

#endif
