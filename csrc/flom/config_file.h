/*
 * FLoM's configuration files: the system's, the user's, one more.
 */
#ifndef VOUCH_FLOM_CONFIG_FILE_H
#define VOUCH_FLOM_CONFIG_FILE_H

#include <stddef.h>

struct vouch_error;
struct vouch_flom_settings;

/* The file of the whole system. */
#ifndef VOUCH_FLOM_SYSTEM_CONFIG
#define VOUCH_FLOM_SYSTEM_CONFIG "/etc/flom.conf"
#endif

/*
 * Read one file into the settings, key by key.  Groups and keys that are
 * not known are ignored.  0, or -1: VOUCH_E_FILE, VOUCH_E_LIMIT or
 * VOUCH_E_FORMAT (it cannot be read, or is no key file; the settings may
 * have been changed in part), VOUCH_E_ARGUMENT (a value that is none).
 */
int vouch_flom_config_file_read(const char *path,
                                struct vouch_flom_settings *settings,
                                struct vouch_error *err);

/*
 * Read system_path and then the user's file, as far as they are there: one
 * that is missing or no key file is skipped.  The user's is .flom in home,
 * or, where that is NULL, in the folder that the password file tells.  0, or
 * -1 for a bad value (VOUCH_E_ARGUMENT); then path_r, of size bytes, is the
 * file's name.
 */
int vouch_flom_config_file_read_usual(const char *system_path,
                                      const char *home,
                                      struct vouch_flom_settings *settings,
                                      char *path_r, size_t size,
                                      struct vouch_error *err);

#endif
