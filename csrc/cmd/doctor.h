/*
 * --doctor: the way to the daemon, step by step, in words, and what to mend.
 *
 * It locks nothing and starts no daemon.
 */
#ifndef VOUCH_CMD_DOCTOR_H
#define VOUCH_CMD_DOCTOR_H

struct vouch_flom_settings;

/* Look at everything and tell it on standard output.  An exit status: 0 all
 * is well. */
int flom_doctor(const struct vouch_flom_settings *settings);

#endif
