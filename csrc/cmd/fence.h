/*
 * A guard for scripts: refuse to go on with a lock that others have had
 * since.
 */
#ifndef VOUCH_CMD_FENCE_H
#define VOUCH_CMD_FENCE_H

/*
 * FLOM_TOKEN of the environment against the largest token that the file has
 * seen.  0: it is not smaller, and is recorded; else an exit status (1 for a
 * token that is too old), and why has been printed.
 */
int flom_fence(const char *path);

#endif
