/*
 * Traces for those who look for a fault: what FLOM_TRACE_MASK asks for, on
 * standard error or in the file of -T.
 *
 * The bits of the mask are FLoM's; the texts are free.
 */
#ifndef VOUCH_CMD_TRACE_H
#define VOUCH_CMD_TRACE_H

struct vouch_flom_settings;

enum flom_trace_module {
    FLOM_TRACE_CONFIG = 0x2,
    FLOM_TRACE_EXEC = 0x4,
    FLOM_TRACE_CLIENT = 0x8,
    FLOM_TRACE_DAEMON = 0x10
};

/* Read the mask; open the file of a command, or of a daemon.  0, or -1 when
 * the file cannot be written: that has been printed. */
int flom_trace_open(const struct vouch_flom_settings *settings, int is_daemon);

/* One line, if the module is traced; errno is left alone. */
void flom_trace(enum flom_trace_module module, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
