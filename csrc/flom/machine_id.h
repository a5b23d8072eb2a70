/*
 * The unique id of this host: the D-Bus machine id.
 */
#ifndef VOUCH_FLOM_MACHINE_ID_H
#define VOUCH_FLOM_MACHINE_ID_H

struct vouch_error;

#define VOUCH_FLOM_MACHINE_ID_SIZE 33 /* 32 hexadecimal digits and a NUL */

/*
 * The contents of /etc/machine-id, or of /var/lib/dbus/machine-id.  0, or -1
 * with VOUCH_E_FILE when neither is there, or VOUCH_E_FORMAT.
 */
int vouch_flom_machine_id(char out[VOUCH_FLOM_MACHINE_ID_SIZE],
                          struct vouch_error *err);

#endif
