/*
 * What FLoM can be told: which lock, where the daemon is, how to reach it.
 *
 * Defaults, and the values that configuration files and command lines may
 * give.  Reading files is in config_file, the command line in cmd/options.
 */
#ifndef VOUCH_FLOM_SETTINGS_H
#define VOUCH_FLOM_SETTINGS_H

#include <stdint.h>

struct vouch_buf;
struct vouch_error;

/* All texts are owned; NULL is "not set". */
struct vouch_flom_settings {
    char *daemon_trace_file;
    char *command_trace_file;
    int append_trace_file;
    int verbose;

    char *resource_name;
    int resource_timeout; /* milliseconds; negative: no limit; 0: no wait */
    int resource_quantity;
    int lock_mode; /* 0 NL to 5 EX */
    int resource_create;
    int resource_idle_lifespan; /* milliseconds */

    char *socket_name;
    int daemon_lifespan; /* milliseconds; negative: for ever; 0: no start */
    char *unicast_address;
    int unicast_port;
    char *multicast_address;
    int multicast_port;
    char *mount_point_vfs;
    char *access_file; /* new: who may do what; the daemon reads it */

    uint32_t ignored_signals; /* bit N: signal N, 1 to 31 */

    char *network_interface;
    int discovery_attempts;
    int discovery_timeout; /* milliseconds */
    int discovery_ttl;
    int keepalive_time; /* seconds */
    int keepalive_interval;
    int keepalive_probes;

    char *tls_certificate;
    char *tls_private_key;
    char *tls_ca_certificate;
    int tls_check_peer_id;
    char *tls_crl;       /* new */
    char *tls_peer_name; /* new: who the daemon must be */
};

/* Free the texts in it, not the struct. */
void vouch_flom_settings_clear(struct vouch_flom_settings *settings);

/* The defaults.  0, or -1 with VOUCH_E_MEMORY. */
int vouch_flom_settings_init(struct vouch_flom_settings *settings,
                             struct vouch_error *err);

/* A copy of its own.  0, or -1 with VOUCH_E_MEMORY. */
int vouch_flom_settings_copy(const struct vouch_flom_settings *from,
                             struct vouch_flom_settings *to_r,
                             struct vouch_error *err);

/* Replace a text of the settings; NULL: not set.  0, or -1. */
int vouch_flom_settings_set_text(char **field, const char *value,
                                 struct vouch_error *err);

/* The same for the name of a file, which must be there.  It is kept with the
 * real path of its folder, but if it is a link itself, that is kept, as it
 * may lead elsewhere tomorrow.  0, or -1 with VOUCH_E_FILE. */
int vouch_flom_settings_set_file(char **field, const char *path,
                                 struct vouch_error *err);

/* What a user may lock: any valid name but that of the default. */
enum vouch_flom_name_verdict {
    VOUCH_FLOM_NAME_GOOD,
    VOUCH_FLOM_NAME_RESERVED,
    VOUCH_FLOM_NAME_INVALID
};
enum vouch_flom_name_verdict vouch_flom_name_check(const char *name);

/*
 * A key of a configuration file, such as "Resource" "LockMode" "PR".
 * 1 it is known and set, 0 there is no such key, -1 the value is not one for
 * it (VOUCH_E_ARGUMENT).
 */
int vouch_flom_settings_set(struct vouch_flom_settings *settings,
                            const char *group, const char *key,
                            const char *value, struct vouch_error *err);

/* What cannot be used together, or not alone. */
enum vouch_flom_conflict {
    VOUCH_FLOM_SETTINGS_GOOD,
    VOUCH_FLOM_LOCAL_AND_NETWORK, /* a socket name and an address */
    VOUCH_FLOM_PEER_ID_WITHOUT_TLS,
    VOUCH_FLOM_TLS_INCOMPLETE /* would go in the clear: some of the three
                                 files, or a setting that needs them */
};
enum vouch_flom_conflict
vouch_flom_settings_check(const struct vouch_flom_settings *settings);

/* 1 if certificate, key and CA certificate are all there. */
int vouch_flom_settings_use_tls(const struct vouch_flom_settings *settings);

/* Append the 29 lines that --verbose prints. */
int vouch_flom_settings_dump(const struct vouch_flom_settings *settings,
                             struct vouch_buf *out);

/*
 * Texts as FLoM reads them: a lock mode (0 to 5), a truth value (0 or 1), a
 * signal (1 to 31); -1 for anything else.  A mode or truth value is found
 * anywhere in the text and in either case.
 */
int vouch_flom_mode_parse(const char *text);
int vouch_flom_bool_parse(const char *text);
int vouch_flom_signal_parse(const char *text);

/* "SIGHUP" for 1, up to 31; NULL for other numbers. */
const char *vouch_flom_signal_name(int number);

#endif
