/*
 * A set of fingerprints that may be changed while connections use it.
 *
 * Looking a certificate up costs the same for one pin or a million: one
 * digest for each kind of pin in use, one probe of a hash map, comparison in
 * constant time.  May be shared by threads and by configurations.
 */
#ifndef VOUCH_TLS_PINS_H
#define VOUCH_TLS_PINS_H

#include <stddef.h>

#include "tls/fingerprint.h"

struct vouch_cert;
struct vouch_pins;

/* Drop a reference.  NULL is allowed. */
void vouch_pins_free(struct vouch_pins *pins);

/* A new empty set, or NULL without memory. */
struct vouch_pins *vouch_pins_new(void);

/* Take a reference; returns its argument. */
struct vouch_pins *vouch_pins_ref(struct vouch_pins *pins);

/* Add a pin: 1 added, 0 was there, -1 without memory or if it is none (of
 * no known kind, or of another length than its kind). */
int vouch_pins_add(struct vouch_pins *pins,
                   const struct vouch_fingerprint *pin);

/* Take a pin out: 1 was there, 0 was not. */
int vouch_pins_remove(struct vouch_pins *pins,
                      const struct vouch_fingerprint *pin);

/* 1 if this very fingerprint is in the set, else 0. */
int vouch_pins_has(struct vouch_pins *pins,
                   const struct vouch_fingerprint *pin);

/* 1 if the certificate, or its key, is pinned; 0 if not; -1 if it could not
 * be digested (count that as not pinned). */
int vouch_pins_match(struct vouch_pins *pins, const struct vouch_cert *cert);

/* How many pins there are. */
size_t vouch_pins_count(struct vouch_pins *pins);

/* Call each(pin, arg) for every pin, in no order, until it returns other
 * than 0; returns that, or 0.  The set must not be used from inside. */
int vouch_pins_each(struct vouch_pins *pins,
                    int (*each)(const struct vouch_fingerprint *pin,
                                void *arg),
                    void *arg);

#endif
