/*
 * Settings: defaults, the table of configuration keys, the dump.
 */
#define _XOPEN_SOURCE 700 /* realpath() */

#include "flom/settings.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/error.h"
#include "flom/message.h"
#include "lock/name.h"

/* How the value of a key is written. */
enum kind {
    TEXT,
    NAME,      /* of a resource */
    FILE_NAME, /* of a file that is there; kept as an absolute path */
    NUMBER,
    UNSIGNED, /* the sign is dropped */
    POSITIVE, /* the sign is dropped, and 0 becomes 1 */
    KEEP_IF_ZERO /* the sign is dropped, and 0 changes nothing */,
    BOOLEAN,
    MODE,
    SIGNALS
};

struct key {
    const char *group;
    const char *name;
    enum kind kind;
    size_t offset;
};

#define FIELD(name) offsetof(struct vouch_flom_settings, name)

/* In the order of the dump; behind those, what FLoM does not know. */
static const struct key KEYS[] = {
    {"Trace", "DaemonTraceFile", TEXT, FIELD(daemon_trace_file)},
    {"Trace", "CommandTraceFile", TEXT, FIELD(command_trace_file)},
    {"Trace", "AppendTraceFile", BOOLEAN, FIELD(append_trace_file)},
    {"Trace", "Verbose", BOOLEAN, FIELD(verbose)},
    {"Resource", "Name", NAME, FIELD(resource_name)},
    {"Resource", "Timeout", NUMBER, FIELD(resource_timeout)},
    {"Resource", "Quantity", KEEP_IF_ZERO, FIELD(resource_quantity)},
    {"Resource", "LockMode", MODE, FIELD(lock_mode)},
    {"Resource", "Create", BOOLEAN, FIELD(resource_create)},
    {"Resource", "IdleLifespan", KEEP_IF_ZERO, FIELD(resource_idle_lifespan)},
    {"Daemon", "SocketName", TEXT, FIELD(socket_name)},
    {"Daemon", "Lifespan", NUMBER, FIELD(daemon_lifespan)},
    {"Daemon", "UnicastAddress", TEXT, FIELD(unicast_address)},
    {"Daemon", "UnicastPort", UNSIGNED, FIELD(unicast_port)},
    {"Daemon", "MulticastAddress", TEXT, FIELD(multicast_address)},
    {"Daemon", "MulticastPort", UNSIGNED, FIELD(multicast_port)},
    {"Daemon", "MountPointVFS", TEXT, FIELD(mount_point_vfs)},
    {"Monitor", "IgnoredSignals", SIGNALS, FIELD(ignored_signals)},
    {"Network", "NetworkInterface", TEXT, FIELD(network_interface)},
    {"Network", "DiscoveryAttempts", POSITIVE, FIELD(discovery_attempts)},
    {"Network", "DiscoveryTimeout", UNSIGNED, FIELD(discovery_timeout)},
    {"Network", "DiscoveryTTL", POSITIVE, FIELD(discovery_ttl)},
    {"Network", "TcpKeepaliveTime", UNSIGNED, FIELD(keepalive_time)},
    {"Network", "TcpKeepaliveIntvl", UNSIGNED, FIELD(keepalive_interval)},
    {"Network", "TcpKeepaliveProbes", UNSIGNED, FIELD(keepalive_probes)},
    {"TLS", "TlsCertificate", FILE_NAME, FIELD(tls_certificate)},
    {"TLS", "TlsPrivateKey", FILE_NAME, FIELD(tls_private_key)},
    {"TLS", "TlsCaCertificate", FILE_NAME, FIELD(tls_ca_certificate)},
    {"TLS", "TlsCheckPeerId", BOOLEAN, FIELD(tls_check_peer_id)},
    /* What follows is new. */
    {"TLS", "TlsCrl", FILE_NAME, FIELD(tls_crl)},
    {"TLS", "TlsPeerName", TEXT, FIELD(tls_peer_name)},
    {"Daemon", "AccessFile", TEXT, FIELD(access_file)},
};
#define FLOM_KEYS 29 /* of FLoM 1.7.2: those that are dumped */
#define KEY_COUNT (sizeof(KEYS) / sizeof(KEYS[0]))

static int
is_text(const struct key *key)
{
    return key->kind == TEXT || key->kind == NAME || key->kind == FILE_NAME;
}

static char **
text_at(const struct vouch_flom_settings *settings, const struct key *key)
{
    return (char **) ((char *) settings + key->offset);
}

static int *
number_at(const struct vouch_flom_settings *settings, const struct key *key)
{
    return (int *) ((char *) settings + key->offset);
}

void
vouch_flom_settings_clear(struct vouch_flom_settings *settings)
{
    size_t i;

    for (i = 0; i < KEY_COUNT; i++) {
        if (!is_text(&KEYS[i]))
            continue;
        free(*text_at(settings, &KEYS[i]));
        *text_at(settings, &KEYS[i]) = NULL;
    }
}

int
vouch_flom_settings_set_text(char **field, const char *value,
                             struct vouch_error *err)
{
    char *copy = NULL;

    if (value != NULL) {
        copy = strdup(value);
        if (copy == NULL)
            return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    }
    free(*field);
    *field = copy;
    return 0;
}

int
vouch_flom_settings_init(struct vouch_flom_settings *settings,
                         struct vouch_error *err)
{
    memset(settings, 0, sizeof(*settings));
    settings->resource_timeout = -1;
    settings->resource_quantity = 1;
    settings->lock_mode = 5;
    settings->resource_create = 1;
    settings->daemon_lifespan = 5000;
    settings->unicast_port = VOUCH_FLOM_PORT;
    settings->multicast_port = VOUCH_FLOM_PORT;
    settings->discovery_attempts = 2;
    settings->discovery_timeout = 500;
    settings->discovery_ttl = 1;
    settings->keepalive_time = 60;
    settings->keepalive_interval = 10;
    settings->keepalive_probes = 6;
    return vouch_flom_settings_set_text(&settings->resource_name,
                                        VOUCH_LOCK_DEFAULT_NAME, err);
}

int
vouch_flom_settings_copy(const struct vouch_flom_settings *from,
                         struct vouch_flom_settings *to_r,
                         struct vouch_error *err)
{
    struct vouch_flom_settings copy = *from;
    size_t i;

    for (i = 0; i < KEY_COUNT; i++) {
        if (is_text(&KEYS[i]))
            *text_at(&copy, &KEYS[i]) = NULL;
    }
    for (i = 0; i < KEY_COUNT; i++) {
        if (is_text(&KEYS[i])
            && vouch_flom_settings_set_text(text_at(&copy, &KEYS[i]),
                                            *text_at(from, &KEYS[i]), err)
                   != 0) {
            vouch_flom_settings_clear(&copy);
            return -1;
        }
    }
    *to_r = copy;
    return 0;
}

/* 1 if the word is in the text, whatever the case. */
static int
contains(const char *text, const char *word)
{
    size_t length = strlen(word);
    size_t i;

    for (; *text != '\0'; text++) {
        for (i = 0; i < length; i++) {
            if (tolower((unsigned char) text[i])
                != tolower((unsigned char) word[i]))
                break;
        }
        if (i == length)
            return 1;
    }
    return 0;
}

int
vouch_flom_mode_parse(const char *text)
{
    /* The order of FLoM, in which PW comes before PR. */
    static const struct {
        const char *name;
        const char *brief;
        int mode;
    } modes[] = {
        {"NullLock", "NL", 0},        {"ConcurrentRead", "CR", 1},
        {"ConcurrentWrite", "CW", 2}, {"ProtectedWrite", "PW", 4},
        {"ProtectedRead", "PR", 3},   {"Exclusive", "EX", 5},
    };
    size_t i;

    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (contains(text, modes[i].name) || contains(text, modes[i].brief))
            return modes[i].mode;
    }
    return -1;
}

int
vouch_flom_bool_parse(const char *text)
{
    if (contains(text, "no"))
        return 0;
    if (contains(text, "yes"))
        return 1;
    if (contains(text, "n"))
        return 0;
    return contains(text, "y") ? 1 : -1;
}

/* The numbers of Linux on x86, as FLoM lists them. */
static const char *const SIGNAL_NAMES[] = {
    "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",    "SIGTRAP", "SIGABRT",
    "SIGBUS",  "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",
    "SIGPIPE", "SIGALRM",   "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT",
    "SIGSTOP", "SIGTSTP",   "SIGTTIN", "SIGTTOU",   "SIGURG",  "SIGXCPU",
    "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH",  "SIGIO",   "SIGPWR",
    "SIGSYS",
};
#define SIGNAL_COUNT ((int) (sizeof(SIGNAL_NAMES) / sizeof(SIGNAL_NAMES[0])))

const char *
vouch_flom_signal_name(int number)
{
    return number < 1 || number > SIGNAL_COUNT ? NULL
                                               : SIGNAL_NAMES[number - 1];
}

/* A whole int in base 10 or, with base 0, as C writes it. */
static int
parse_int(const char *text, int base, int *value_r)
{
    char *end = NULL;
    long value;

    errno = 0;
    value = strtol(text, &end, base);
    while (isspace((unsigned char) *end))
        end++;
    if (end == text || *end != '\0' || errno != 0 || value < INT_MIN
        || value > INT_MAX)
        return -1;
    *value_r = (int) value;
    return 0;
}

int
vouch_flom_signal_parse(const char *text)
{
    int number = 0;

    for (number = 1; number <= SIGNAL_COUNT; number++) {
        if (strcmp(text, SIGNAL_NAMES[number - 1]) == 0)
            return number;
    }
    if (parse_int(text, 10, &number) != 0
        || vouch_flom_signal_name(number) == NULL)
        return -1;
    return number;
}

/* Names or numbers between semicolons; unknown ones are no error. */
static void
set_signals(uint32_t *signals, const char *value)
{
    char word[32];
    size_t length;
    int number;

    *signals = 0;
    while (*value != '\0') {
        length = strcspn(value, ";");
        if (length < sizeof(word)) {
            memcpy(word, value, length);
            word[length] = '\0';
            number = vouch_flom_signal_parse(word);
            if (number > 0)
                *signals |= UINT32_C(1) << number;
        }
        value += length;
        value += *value == ';';
    }
}

static int
set_number(int *field, enum kind kind, const char *value)
{
    int number = 0;

    if (parse_int(value, 10, &number) != 0 || number == INT_MIN)
        return -1;
    if (kind != NUMBER && number < 0)
        number = -number;
    if (kind == POSITIVE && number == 0)
        number = 1;
    if (kind == KEEP_IF_ZERO && number == 0)
        return 0;
    *field = number;
    return 0;
}

static int
set_word(int *field, int value)
{
    if (value < 0)
        return -1;
    *field = value;
    return 0;
}

enum vouch_flom_name_verdict
vouch_flom_name_check(const char *name)
{
    struct vouch_lock_name parsed;

    if (strcmp(name, VOUCH_LOCK_DEFAULT_NAME) == 0)
        return VOUCH_FLOM_NAME_RESERVED;
    return vouch_lock_name_parse(name, strlen(name), &parsed) == 0
               ? VOUCH_FLOM_NAME_GOOD
               : VOUCH_FLOM_NAME_INVALID;
}

/* The real path of the folder that a file is named in, or NULL. */
static char *
real_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder;
    char *real;

    if (slash == NULL)
        return realpath(".", NULL);
    folder = strdup(path);
    if (folder == NULL)
        return NULL;
    folder[slash == path ? 1 : slash - path] = '\0';
    real = realpath(folder, NULL);
    free(folder);
    return real;
}

/* Not "." or "..", and no folder: the last part is a name. */
static int
names_a_file(const char *path)
{
    struct stat facts;
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;

    return *name != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0
           && stat(path, &facts) == 0;
}

int
vouch_flom_settings_set_file(char **field, const char *path,
                             struct vouch_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char *folder = names_a_file(path) ? real_folder(path) : NULL;
    char *whole;
    size_t length;

    if (folder == NULL)
        return vouch_error_set_sys(err, VOUCH_E_FILE, errno, "%s", path);
    length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    whole = malloc(length + strlen(name) + 2);
    if (whole != NULL) {
        memcpy(whole, folder, length);
        whole[length] = '/';
        memcpy(whole + length + 1, name, strlen(name) + 1);
    }
    free(folder);
    if (whole == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    free(*field);
    *field = whole;
    return 0;
}

static int
set_name(char **field, const char *name, struct vouch_error *err)
{
    if (vouch_flom_name_check(name) != VOUCH_FLOM_NAME_GOOD)
        return -1;
    return vouch_flom_settings_set_text(field, name, err);
}

/* -1: the value is not one for this key. */
static int
set_key(struct vouch_flom_settings *settings, const struct key *key,
        const char *value, struct vouch_error *err)
{
    switch (key->kind) {
    case TEXT:
        return vouch_flom_settings_set_text(text_at(settings, key), value,
                                            err);
    case NAME:
        return set_name(text_at(settings, key), value, err);
    case FILE_NAME:
        return vouch_flom_settings_set_file(text_at(settings, key), value,
                                            err);
    case BOOLEAN:
        return set_word(number_at(settings, key),
                        vouch_flom_bool_parse(value));
    case MODE:
        return set_word(number_at(settings, key),
                        vouch_flom_mode_parse(value));
    case SIGNALS:
        set_signals(&settings->ignored_signals, value);
        return 0;
    default:
        return set_number(number_at(settings, key), key->kind, value);
    }
}

int
vouch_flom_settings_set(struct vouch_flom_settings *settings,
                        const char *group, const char *key, const char *value,
                        struct vouch_error *err)
{
    size_t i;

    for (i = 0; i < KEY_COUNT; i++) {
        if (strcmp(group, KEYS[i].group) != 0
            || strcmp(key, KEYS[i].name) != 0)
            continue;
        if (set_key(settings, &KEYS[i], value, err) == 0)
            return 1;
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "'%s' is not a value for [%s] %s", value, group,
                               key);
    }
    return 0;
}

enum vouch_flom_conflict
vouch_flom_settings_check(const struct vouch_flom_settings *settings)
{
    if (settings->socket_name != NULL
        && (settings->unicast_address != NULL
            || settings->multicast_address != NULL))
        return VOUCH_FLOM_LOCAL_AND_NETWORK;
    if (vouch_flom_settings_use_tls(settings))
        return VOUCH_FLOM_SETTINGS_GOOD;
    if (settings->tls_check_peer_id)
        return VOUCH_FLOM_PEER_ID_WITHOUT_TLS;
    if (settings->tls_certificate != NULL || settings->tls_private_key != NULL
        || settings->tls_ca_certificate != NULL || settings->tls_crl != NULL
        || settings->tls_peer_name != NULL)
        return VOUCH_FLOM_TLS_INCOMPLETE;
    return VOUCH_FLOM_SETTINGS_GOOD;
}

int
vouch_flom_settings_use_tls(const struct vouch_flom_settings *settings)
{
    return settings->tls_certificate != NULL
           && settings->tls_private_key != NULL
           && settings->tls_ca_certificate != NULL;
}

static void
dump_signals(uint32_t signals, struct vouch_buf *out)
{
    const char *between = "";
    int number;

    for (number = 1; number <= SIGNAL_COUNT; number++) {
        if (!(signals >> number & 1))
            continue;
        (void) vouch_buf_append_format(out, "%s%s", between,
                                       SIGNAL_NAMES[number - 1]);
        between = ";";
    }
}

int
vouch_flom_settings_dump(const struct vouch_flom_settings *settings,
                         struct vouch_buf *out)
{
    const char *text;
    size_t i;

    for (i = 0; i < FLOM_KEYS; i++) {
        (void) vouch_buf_append_format(out, "[%s]/%s=", KEYS[i].group,
                                       KEYS[i].name);
        if (is_text(&KEYS[i])) {
            text = *text_at(settings, &KEYS[i]);
            (void) vouch_buf_append_format(out, "'%s'\n", text ? text : "");
        } else if (KEYS[i].kind == SIGNALS) {
            (void) vouch_buf_append_text(out, "'");
            dump_signals(settings->ignored_signals, out);
            (void) vouch_buf_append_text(out, "'\n");
        } else {
            (void) vouch_buf_append_format(out, "%d\n",
                                           *number_at(settings, &KEYS[i]));
        }
    }
    return vouch_buf_failed(out) ? -1 : 0;
}
