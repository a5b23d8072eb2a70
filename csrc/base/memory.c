/*
 * Asking the system about memory.
 */
#include "base/memory.h"

#include <stdint.h>

#include <sys/mman.h>
#include <unistd.h>

int
vouch_memory_is_mapped(const void *address, size_t length)
{
    uintptr_t start = (uintptr_t) address;
    uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE);
    uintptr_t first = start - start % page;

    if (start == 0 || length > UINTPTR_MAX - start)
        return 0;
    /* Writes nothing, but fails where nothing is. */
    return msync((void *) first, start + length - first, MS_ASYNC) == 0;
}
