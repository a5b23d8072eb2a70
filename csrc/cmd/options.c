/*
 * Options: the table, the parser, the help.
 */
#include "cmd/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"

enum takes { NOTHING, TEXT, NUMBER };

struct option {
    enum flom_option option;
    char brief; /* or NUL */
    const char *name;
    enum takes takes;
    const char *value; /* how help calls it */
    const char *help;
};

static const struct option OPTIONS[] = {
    {FLOM_HELP, 'h', "help", NOTHING, NULL, "print this and end"},
    {FLOM_VERSION, 'v', "version", NOTHING, NULL, "print the version and end"},
    {FLOM_VERBOSE, 'V', "verbose", NOTHING, NULL,
     "print the configuration, and what is found and locked"},
    {FLOM_CONFIG_FILE, 'c', "config-file", TEXT, "FILE",
     "read this configuration, too"},
    {FLOM_RESOURCE_NAME, 'r', "resource-name", TEXT, "NAME",
     "lock this: a name, pool[N], a.b.c, /a/b, _s_id[N], _S_id[N] or "
     "_t_FORMAT[N]"},
    {FLOM_RESOURCE_TIMEOUT, 'o', "resource-timeout", NUMBER, "MS",
     "wait so long for each answer; 0 not at all, -1 for ever (default)"},
    {FLOM_RESOURCE_QUANTITY, 'q', "resource-quantity", NUMBER, "N",
     "units of pool[N] to take (1)"},
    {FLOM_RESOURCE_CREATE, 'e', "resource-create", TEXT, "YES|NO",
     "create the resource if it is not there (yes)"},
    {FLOM_RESOURCE_IDLE_LIFESPAN, 'i', "resource-idle-lifespan", NUMBER, "MS",
     "how long the resource stays when nobody uses it (0)"},
    {FLOM_LOCK_MODE, 'l', "lock-mode", TEXT, "MODE",
     "NL, CR, CW, PR, PW or EX (default)"},
    {FLOM_SOCKET_NAME, 's', "socket-name", TEXT, "PATH",
     "the daemon's unix socket (/tmp/flom-LOGIN)"},
    {FLOM_DAEMON_LIFESPAN, 'd', "daemon-lifespan", NUMBER, "MS",
     "a daemon started by this command ends after so long without work; 0 "
     "start none, -1 never (5000)"},
    {FLOM_UNICAST_ADDRESS, 'a', "unicast-address", TEXT, "HOST",
     "the daemon's TCP address"},
    {FLOM_UNICAST_PORT, 'p', "unicast-port", NUMBER, "PORT",
     "and port (28015)"},
    {FLOM_MULTICAST_ADDRESS, 'A', "multicast-address", TEXT, "GROUP",
     "look for the daemon by UDP multicast"},
    {FLOM_MULTICAST_PORT, 'P', "multicast-port", NUMBER, "PORT",
     "and port (28015)"},
    {FLOM_MOUNT_POINT_VFS, 'm', "mount-point-vfs", TEXT, "DIR",
     "was a status tree; see --status"},
    {FLOM_NETWORK_INTERFACE, 'n', "network-interface", TEXT, "NAME",
     "the interface of a link-local IPv6 address or a group"},
    {FLOM_DISCOVERY_ATTEMPTS, 'D', "discovery-attempts", NUMBER, "N",
     "ask so often by multicast (2)"},
    {FLOM_DISCOVERY_TIMEOUT, 'I', "discovery-timeout", NUMBER, "MS",
     "and wait so long each time (500)"},
    {FLOM_DISCOVERY_TTL, '\0', "discovery-ttl", NUMBER, "N",
     "and go over so many routers (1)"},
    {FLOM_KEEPALIVE_TIME, '\0', "tcp-keepalive-time", NUMBER, "S",
     "the daemon probes a silent TCP client after so long (60)"},
    {FLOM_KEEPALIVE_INTERVAL, '\0', "tcp-keepalive-intvl", NUMBER, "S",
     "then again after so long (10)"},
    {FLOM_KEEPALIVE_PROBES, '\0', "tcp-keepalive-probes", NUMBER, "N",
     "and gives it up after so many (6)"},
    {FLOM_TLS_CERTIFICATE, '\0', "tls-certificate", TEXT, "FILE",
     "TLS: our certificate, PEM"},
    {FLOM_TLS_PRIVATE_KEY, '\0', "tls-private-key", TEXT, "FILE",
     "TLS: its key, PEM"},
    {FLOM_TLS_CA_CERTIFICATE, '\0', "tls-ca-certificate", TEXT, "FILE",
     "TLS: who signs certificates, PEM"},
    {FLOM_TLS_CHECK_PEER_ID, '\0', "tls-check-peer-id", TEXT, "YES|NO",
     "TLS: the peer's unique id is its certificate's common name (no)"},
    {FLOM_IGNORE_SIGNAL, '\0', "ignore-signal", TEXT, "SIGNAL",
     "ignore it while the command runs; may be repeated"},
    {FLOM_SIGNAL_LIST, '\0', "signal-list", NOTHING, NULL,
     "list the signals and end"},
    {FLOM_DAEMON_TRACE_FILE, 't', "daemon-trace-file", TEXT, "FILE",
     "trace of a daemon started by this command"},
    {FLOM_COMMAND_TRACE_FILE, 'T', "command-trace-file", TEXT, "FILE",
     "trace of this command"},
    {FLOM_APPEND_TRACE_FILE, '\0', "append-trace-file", TEXT, "YES|NO",
     "add to a trace file that is there (no)"},
    {FLOM_QUIESCE_EXIT, 'x', "quiesce-exit", NOTHING, NULL,
     "ask the daemon to end when nobody uses it"},
    {FLOM_IMMEDIATE_EXIT, 'X', "immediate-exit", NOTHING, NULL,
     "make the daemon end now"},
    {FLOM_UNIQUE_ID, '\0', "unique-id", NOTHING, NULL,
     "print this host's unique id and end"},
    {FLOM_DEBUG_FEATURE, '\0', "debug-feature", TEXT, "NAME",
     "tls.server, tls.client, ipv6.multicast.server or "
     "ipv6.multicast.client"},
    {FLOM_ACCESS, '\0', "access", TEXT, "FILE",
     "daemon: who may lock, create, ask, kick and shut down"},
    {FLOM_ALLOW_REMOTE_ADMIN, '\0', "allow-remote-admin", NOTHING, NULL,
     "daemon: other hosts may kick and shut down without TLS, too"},
    {FLOM_ALSO, '\0', "also", TEXT, "NAME",
     "lock this, too: all or nothing; may be repeated"},
    {FLOM_DAEMON, '\0', "daemon", NOTHING, NULL,
     "be the daemon, in the foreground"},
    {FLOM_DOCTOR, '\0', "doctor", NOTHING, NULL,
     "look at the way to the daemon, step by step, and say what to mend"},
    {FLOM_FAIRNESS, '\0', "fairness", NUMBER, "MS",
     "daemon: nobody overtakes one who has waited so long; 0 strictly in "
     "order, -1 never mind (10000)"},
    {FLOM_FENCE, '\0', "fence", TEXT, "FILE",
     "inside a command: fail if FILE has seen a later FLOM_TOKEN"},
    {FLOM_FORWARD_SIGNALS, '\0', "forward-signals", TEXT, "YES|NO",
     "pass signals such as TERM, INT and HUP on to the command (yes)"},
    {FLOM_GRACE, '\0', "grace", NUMBER, "MS",
     "daemon: after a crash wait so long for old holders (10000)"},
    {FLOM_JSON, '\0', "json", NOTHING, NULL, "--status as JSON"},
    {FLOM_KICK, '\0', "kick", TEXT, "ID",
     "end the session with this id of --status"},
    {FLOM_LEASE, '\0', "lease", NUMBER, "MS",
     "lose the lock after so long without a sign of life"},
    {FLOM_LOG, '\0', "log", TEXT, "WHERE", "daemon: syslog, stderr or a file"},
    {FLOM_LOG_LEVEL, '\0', "log-level", TEXT, "LEVEL",
     "daemon: error, warning, notice, info or debug (notice)"},
    {FLOM_MAX_CONNECTIONS, '\0', "max-connections", NUMBER, "N",
     "daemon: serve so many at the same time (as descriptors allow)"},
    {FLOM_MAX_MESSAGES, '\0', "max-messages", NUMBER, "N",
     "daemon: hear so many messages a second of each client (no limit)"},
    {FLOM_MAX_QUEUE, '\0', "max-queue", NUMBER, "N",
     "daemon: let so many wait for one resource (100000)"},
    {FLOM_MAX_RESOURCES, '\0', "max-resources", NUMBER, "N",
     "daemon: have so many resources (100000)"},
    {FLOM_NO_CONFIG, '\0', "no-config", NOTHING, NULL,
     "read no configuration but that of -c"},
    {FLOM_ON_LOSS, '\0', "on-loss", TEXT, "WHAT",
     "when the daemon goes away: term, kill or ignore the command (ignore)"},
    {FLOM_PID_FILE, '\0', "pid-file", TEXT, "FILE",
     "daemon: write the process number there"},
    {FLOM_SOCKET_MODE, '\0', "socket-mode", TEXT, "MODE",
     "daemon: permissions of the unix socket, octal (0600)"},
    {FLOM_START, '\0', "start", NOTHING, NULL,
     "start a daemon in the background, as a command would, and end"},
    {FLOM_STATE, '\0', "state", TEXT, "FILE",
     "daemon: keep numbers and tokens there over restarts"},
    {FLOM_STATUS, '\0', "status", NOTHING, NULL,
     "print who holds and who waits; -r PATTERN for some resources"},
    {FLOM_TIMEOUT_TOTAL, '\0', "timeout-total", NUMBER, "MS",
     "wait no longer than this for the lock, whatever is answered"},
    {FLOM_TLS_CRL, '\0', "tls-crl", TEXT, "FILE",
     "TLS: who is not to be trusted any more: revocation lists, PEM"},
    {FLOM_TLS_PEER_NAME, '\0', "tls-peer-name", TEXT, "NAME",
     "TLS: who the daemon must be: a unique id, a host or sha256:FINGERPRINT"},
};
#define OPTION_COUNT (sizeof(OPTIONS) / sizeof(OPTIONS[0]))

void
flom_command_line_clear(struct flom_command_line *line)
{
    free(line->given);
    free(line->command);
    memset(line, 0, sizeof(*line));
}

static int
argument_error(struct vouch_error *err, const char *what, const char *name)
{
    return vouch_error_set(err, VOUCH_E_ARGUMENT, "%s %s", what, name);
}

/* FLoM prints GLib's curly quotes as question marks. */
static int
read_number(const char *text, const char *name, long *number_r,
            struct vouch_error *err)
{
    char *end = NULL;
    long number;

    errno = 0;
    number = strtol(text, &end, 0);
    if (*text == '\0' || *end != '\0')
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "Cannot parse integer value ?%s? for %s", text,
                               name);
    if (errno == ERANGE || number < INT_MIN || number > INT_MAX)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "Integer value ?%s? for %s out of range", text,
                               name);
    *number_r = number;
    return 0;
}

static int
add(struct flom_command_line *line, const struct option *option,
    const char *name, const char *value, struct vouch_error *err)
{
    struct flom_given given = {option->option, value, 0};

    if (option->takes != NOTHING && value == NULL)
        return argument_error(err, "Missing argument for", name);
    if (option->takes == NUMBER
        && read_number(value, name, &given.number, err) != 0)
        return -1;
    line->given[line->count++] = given;
    return 0;
}

static const struct option *
find_long(const char *name, size_t length)
{
    size_t i;

    for (i = 0; i < OPTION_COUNT; i++) {
        if (strlen(OPTIONS[i].name) == length
            && strncmp(OPTIONS[i].name, name, length) == 0)
            return &OPTIONS[i];
    }
    return length == 8 && strncmp(name, "help-all", length) == 0 ? OPTIONS
                                                                 : NULL;
}

static const struct option *
find_brief(char brief)
{
    size_t i;

    if (brief == '?')
        return OPTIONS;
    for (i = 0; i < OPTION_COUNT; i++) {
        if (OPTIONS[i].brief == brief)
            return &OPTIONS[i];
    }
    return NULL;
}

/* "--name", "--name=value"; *at is moved over a value that stands apart. */
static int
parse_long(struct flom_command_line *line, char **argv, int argc, int *at,
           struct vouch_error *err)
{
    const char *word = argv[*at];
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t) (equals - word) : strlen(word);
    const struct option *option = find_long(word + 2, length - 2);
    const char *value = equals ? equals + 1 : NULL;
    char name[64];

    if (option == NULL)
        return argument_error(err, "Unknown option", word);
    if (option->takes == NOTHING)
        return add(line, option, word, NULL, err);
    if (value == NULL && *at + 1 < argc) {
        (*at)++;
        value = argv[*at];
    }
    memcpy(name, "--", 2);
    memcpy(name + 2, option->name, strlen(option->name) + 1);
    return add(line, option, name, value, err);
}

/* "-V", "-Vr" and the value after it. */
static int
parse_brief(struct flom_command_line *line, char **argv, int argc, int *at,
            struct vouch_error *err)
{
    const char *word = argv[*at];
    const struct option *option;
    const char *letter;
    char name[3] = "-?";

    for (letter = word + 1; *letter != '\0'; letter++) {
        option = find_brief(*letter);
        name[1] = *letter;
        if (option == NULL)
            return argument_error(err, "Unknown option", word);
        if (option->takes == NOTHING) {
            if (add(line, option, name, NULL, err) != 0)
                return -1;
            continue;
        }
        if (letter[1] != '\0')
            return argument_error(err, "Error parsing option", name);
        if (*at + 1 < argc)
            (*at)++;
        else
            return argument_error(err, "Missing argument for", name);
        if (add(line, option, name, argv[*at], err) != 0)
            return -1;
    }
    return 0;
}

static int
parse_all(struct flom_command_line *line, int argc, char **argv,
          struct vouch_error *err)
{
    int at;

    for (at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--") == 0)
            break;
        if (argv[at][0] != '-' || argv[at][1] == '\0')
            line->command[line->command_count++] = argv[at];
        else if (argv[at][1] == '-') {
            if (parse_long(line, argv, argc, &at, err) != 0)
                return -1;
        } else if (parse_brief(line, argv, argc, &at, err) != 0)
            return -1;
    }
    for (at++; at < argc; at++)
        line->command[line->command_count++] = argv[at];
    return 0;
}

/* A word has at most as many options as letters. */
static size_t
letters(int argc, char **argv)
{
    size_t count = 1;
    int at;

    for (at = 1; at < argc; at++)
        count += strlen(argv[at]);
    return count;
}

int
flom_command_line_parse(int argc, char **argv,
                        struct flom_command_line *line_r,
                        struct vouch_error *err)
{
    struct flom_command_line line = {NULL, 0, NULL, 0};

    line.given = calloc(letters(argc, argv), sizeof(*line.given));
    line.command = calloc((size_t) argc + 1, sizeof(*line.command));
    if (line.given == NULL || line.command == NULL)
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    else if (parse_all(&line, argc, argv, err) == 0) {
        *line_r = line;
        return 0;
    }
    flom_command_line_clear(&line);
    return -1;
}

const struct flom_given *
flom_given_last(const struct flom_command_line *line, enum flom_option option)
{
    size_t i;

    for (i = line->count; i > 0; i--) {
        if (line->given[i - 1].option == option)
            return &line->given[i - 1];
    }
    return NULL;
}

#define HELP_COLUMN 34

int
flom_options_help(struct vouch_buf *out)
{
    const struct option *option;
    size_t before;
    size_t used;

    (void) vouch_buf_append_text(
        out, "Usage: flom [OPTION...] [--] COMMAND [ARGUMENT...]\n\n"
             "Runs the command while holding a lock.\n\n");
    for (option = OPTIONS; option < OPTIONS + OPTION_COUNT; option++) {
        before = vouch_buf_length(out);
        if (option->brief != '\0')
            (void) vouch_buf_append_format(out, "  -%c, ", option->brief);
        else
            (void) vouch_buf_append_text(out, "      ");
        (void) vouch_buf_append_format(out, "--%s", option->name);
        if (option->value != NULL)
            (void) vouch_buf_append_format(out, " %s", option->value);
        used = vouch_buf_length(out) - before;
        if (used >= HELP_COLUMN) {
            (void) vouch_buf_append_text(out, "\n");
            used = 0;
        }
        (void) vouch_buf_append_format(
            out, "%*s%s\n", (int) (HELP_COLUMN - used), "", option->help);
    }
    return vouch_buf_failed(out) ? -1 : 0;
}
