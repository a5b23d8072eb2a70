/*
 * Running the command while its locks are held.
 */
#ifndef VOUCH_CMD_RUN_H
#define VOUCH_CMD_RUN_H

struct flom_command_line;
struct flom_extra;
struct flom_locks;
struct vouch_flom_settings;

/*
 * Run the command and wait for it: its exit status, 128 and the signal that
 * killed it, or FLOM_EXIT_CANT_EXECUTE.  *rollback_r is 1 unless it ended
 * with 0.
 *
 * The elements of the locks are appended to its arguments, and it finds
 * FLOM_RESOURCE, FLOM_MODE, FLOM_ELEMENT and FLOM_TOKEN in its environment.
 * Signals that would end flom are passed on.  It inherits the connections,
 * so that the locks stay should flom itself be killed.
 */
int flom_run(const struct flom_command_line *line,
             const struct vouch_flom_settings *settings,
             const struct flom_extra *extra, struct flom_locks *locks,
             int *rollback_r);

#endif
