/*
 * Key files: "[Group]", "Key=value", "# comment", one a line.
 *
 * The format of FLoM's configuration, as GLib reads it.  Bytes in, facts
 * out: which groups and keys there are to be is the caller's.
 */
#ifndef VOUCH_FLOM_KEY_FILE_H
#define VOUCH_FLOM_KEY_FILE_H

#include <stddef.h>

struct vouch_error;

/* Called for each key in the order of the file, with its line.  The texts
 * are valid during the call.  0 to go on, else parsing ends with that. */
typedef int (*vouch_flom_key_fn)(const char *group, const char *key,
                                 const char *value, int line, void *arg);

/*
 * Parse a whole file.  Blanks around the key and before the value do not
 * count, those after the value do; \s \n \t \r and \\ in a value stand for a
 * blank, a line feed, a tab, a carriage return and a backslash.
 *
 * 0; -1 with VOUCH_E_FORMAT (the line and what is wrong with it) or
 * VOUCH_E_MEMORY; or what each returned.
 */
int vouch_flom_key_file_parse(const char *text, size_t length,
                              vouch_flom_key_fn each, void *arg,
                              struct vouch_error *err);

#endif
