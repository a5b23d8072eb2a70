/*
 * Traces for those who look for a fault: what FLOM_TRACE_MASK asks for, on
 * standard error or in a file.
 *
 * The one thing here that is shared by a whole process, as FLoM's is; any
 * thread may use it.  The bits of the mask are FLoM's; the texts are free.
 */
#ifndef VOUCH_FLOM_TRACE_H
#define VOUCH_FLOM_TRACE_H

enum vouch_flom_trace_module {
    VOUCH_FLOM_TRACE_CONFIG = 0x2,
    VOUCH_FLOM_TRACE_EXEC = 0x4,
    VOUCH_FLOM_TRACE_CLIENT = 0x8,
    VOUCH_FLOM_TRACE_DAEMON = 0x10,
    VOUCH_FLOM_TRACE_API = 0x80000
};

/*
 * Read the mask, and from now on write to this file, which is emptied unless
 * append is set; NULL: to standard error.  0, or -1 with errno, and then
 * nothing has changed.
 */
int vouch_flom_trace_open(const char *path, int append);

/* Write nowhere. */
void vouch_flom_trace_off(void);

/* One line, if the module is traced; errno is left alone. */
void vouch_flom_trace(enum vouch_flom_trace_module module, const char *format,
                      ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
