/*
 * The options of the command line, put on top of the configuration files.
 */
#ifndef VOUCH_CMD_APPLY_H
#define VOUCH_CMD_APPLY_H

struct flom_command_line;
struct vouch_flom_settings;

/* What the options say that is no setting of FLoM's. */
struct flom_extra {
    const char *also[63]; /* more resources to lock */
    int also_count;
    int timeout_total; /* milliseconds; negative: none */
    int lease;         /* milliseconds; 0: none */
    int on_loss;       /* the signal for the command, or 0 */
    int forward_signals;
    int remote_admin;
    int fairness;
    int grace;
    unsigned socket_mode;
    int max_connections; /* each 0: no limit of its own */
    int max_messages;
    int max_queue;
    int max_resources;
    const char *state;
    const char *pid_file;
    const char *log;
    const char *log_level;
};

/* Read the configuration files, then the options.  0, or an exit status,
 * when what is wrong has been printed as FLoM prints it. */
int flom_apply(const struct flom_command_line *line,
               struct vouch_flom_settings *settings, struct flom_extra *extra);

/* Do the settings go together?  0, or an exit status, told as above. */
int flom_check(const struct vouch_flom_settings *settings);

#endif
