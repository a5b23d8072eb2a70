/*
 * base/memory: addresses that are none.
 */
#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

static const char text[] = "of the program";

static void
test_mapped(void)
{
    char local = 0;
    char *heap = malloc(100000);

    ok(heap != NULL, "memory");
    is_int(vouch_memory_is_mapped(text, sizeof(text)), 1, "of the program");
    is_int(vouch_memory_is_mapped(&local, 1), 1, "of the stack");
    is_int(vouch_memory_is_mapped(heap, 100000), 1, "of the heap");
    is_int(vouch_memory_is_mapped(heap + 1, 3), 1, "not at a page's edge");
    free(heap);
}

static void
test_not_mapped(void)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    FILE *file = tmpfile();
    char *pages;

    ok(file != NULL && ftruncate(fileno(file), (off_t) (2 * page)) == 0,
       "a file");
    pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED,
                 fileno(file), 0);
    ok(pages != MAP_FAILED, "two pages");
    is_int(vouch_memory_is_mapped(pages + page - 8, 16), 1, "over an edge");
    is_int(munmap(pages + page, page), 0, "the second one goes");
    is_int(vouch_memory_is_mapped(pages + page - 8, 8), 1, "up to the end");
    is_int(vouch_memory_is_mapped(pages + page - 8, 9), 0, "a byte more");
    is_int(vouch_memory_is_mapped(pages + page, 1), 0, "behind it");
    is_int(munmap(pages, page), 0, "the first one goes");
    (void) fclose(file);
    is_int(vouch_memory_is_mapped(NULL, 1), 0, "NULL");
    is_int(vouch_memory_is_mapped((void *) (uintptr_t) 8, 1), 0, "8");
    is_int(vouch_memory_is_mapped((void *) (uintptr_t) 100000, 1), 0,
           "100000");
    is_int(vouch_memory_is_mapped((void *) UINTPTR_MAX, 1), 0, "the last");
    is_int(vouch_memory_is_mapped((void *) (UINTPTR_MAX - 7), SIZE_MAX), 0,
           "a length that wraps");
}

int
main(void)
{
    test_mapped();
    test_not_mapped();
    return tap_done();
}
