/*
 * SipHash-2-4 (Aumasson and Bernstein), the 64-bit variant.
 *
 * A keyed hash for tables whose keys an attacker may choose.  Not a digest:
 * for signatures and fingerprints there is OpenSSL.
 */
#ifndef VOUCH_BASE_SIPHASH_H
#define VOUCH_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define VOUCH_SIPHASH_SEED_SIZE 16

/* The hash of length bytes (data may be NULL if 0) under a secret seed. */
uint64_t vouch_siphash(const unsigned char seed[VOUCH_SIPHASH_SEED_SIZE],
                       const void *data, size_t length);

#endif
