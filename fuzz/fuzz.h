/*
 * What every fuzz program shares.
 *
 * A fuzz program hands arbitrary bytes to one parser and then uses the
 * result.  Built with clang it is driven by libFuzzer; built with any
 * compiler and main.c it runs the files named on its command line.
 */
#ifndef VOUCH_FUZZ_H
#define VOUCH_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The entry point that libFuzzer looks for.  Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Something that must hold whatever the input is. */
#define FUZZ_CHECK(cond) \
    do { \
        if (!(cond)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, \
                    #cond); \
            abort(); \
        } \
    } while (0)

#endif
