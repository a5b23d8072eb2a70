/*
 * Counting references from several threads.
 *
 * C99 has no atomics; the compilers we support (GCC and Clang) do.
 */
#ifndef VOUCH_BASE_REFCOUNT_H
#define VOUCH_BASE_REFCOUNT_H

/* Count one reference more. */
static inline void
vouch_refcount_up(int *count)
{
    (void) __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
}

/* Count one less: 1 if it was the last, else 0. */
static inline int
vouch_refcount_down(int *count)
{
    return __atomic_sub_fetch(count, 1, __ATOMIC_ACQ_REL) == 0;
}

#endif
