/*
 * What --verbose tells of a discovery.
 */
#ifndef VOUCH_CMD_VERBOSE_H
#define VOUCH_CMD_VERBOSE_H

struct vouch_flom_client;
struct vouch_flom_settings;

/* Let the client tell on standard output whom it asks, and who answers, in
 * FLoM's words; if the settings say verbose.  Answers that it passes over go
 * to standard error. */
void flom_verbose_discovery(struct vouch_flom_client *client,
                            const struct vouch_flom_settings *settings);

#endif
