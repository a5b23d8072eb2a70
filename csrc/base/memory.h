/*
 * Whether an address that came as a number can be one at all.
 */
#ifndef VOUCH_BASE_MEMORY_H
#define VOUCH_BASE_MEMORY_H

#include <stddef.h>

/*
 * 1 if so many bytes are mapped there, else 0.  What they are nobody can
 * tell: this finds numbers that are no addresses, not wrong ones.
 */
int vouch_memory_is_mapped(const void *address, size_t length);

#endif
