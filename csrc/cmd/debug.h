/*
 * --debug-feature: one end of a link, to be tried against another host's.
 */
#ifndef VOUCH_CMD_DEBUG_H
#define VOUCH_CMD_DEBUG_H

struct vouch_flom_settings;

/* Be that end; names in either case.  An exit status: 0, or 1 for whatever
 * goes wrong, with the reason on standard error; a name that is none gives
 * 1 and no word, as FLoM has it. */
int flom_debug(const char *name, const struct vouch_flom_settings *settings);

#endif
