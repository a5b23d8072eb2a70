/*
 * The XML that lock programs really send, read without a general parser.
 *
 * A message of FLoM or Vouch is one element with empty elements in it, each
 * with a few attributes of plain ASCII.  Exactly that is read here, at a
 * tenth of the cost; everything else, were it only unusual, is left to
 * expat.  For message_parse.c only.
 */
#ifndef VOUCH_FLOM_MESSAGE_SIMPLE_H
#define VOUCH_FLOM_MESSAGE_SIMPLE_H

#include <stddef.h>

/* As expat's: name and value by turns, ended by NULL. */
typedef void (*vouch_flom_start_fn)(void *arg, const char *name,
                                    const char **attributes);
typedef void (*vouch_flom_end_fn)(void *arg, const char *name);

/*
 * 1 read: start and end were called for each element; 0 it is not of this
 * kind, and what was called up to there is to be forgotten.
 */
int vouch_flom_message_read_simple(const unsigned char *data, size_t length,
                                   vouch_flom_start_fn start,
                                   vouch_flom_end_fn end, void *arg);

#endif
