/*
 * The set of pins: a map from (digest, of, bytes), behind a lock.
 *
 * How many pins there are of each kind is counted, so that a look-up makes
 * only the digests somebody has pinned.
 */
#include "tls/pins.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/refcount.h"
#include "tls/certificate.h"

#define KEY_HEAD 2 /* bytes before the digest in a key of the map */
#define KEY_MAX (KEY_HEAD + VOUCH_DIGEST_MAX)

struct vouch_pins {
    int refs;
    pthread_rwlock_t lock;
    struct vouch_map *map; /* the keys are all there is to it */
    size_t kinds[VOUCH_DIGESTS][VOUCH_OFS];
};

/* What vouch_pins_each() hands through the map. */
struct visitor {
    int (*each)(const struct vouch_fingerprint *pin, void *arg);
    void *arg;
};

void
vouch_pins_free(struct vouch_pins *pins)
{
    if (pins == NULL || !vouch_refcount_down(&pins->refs))
        return;
    vouch_map_free(pins->map, NULL);
    (void) pthread_rwlock_destroy(&pins->lock);
    free(pins);
}

struct vouch_pins *
vouch_pins_new(void)
{
    struct vouch_pins *pins = calloc(1, sizeof(*pins));

    if (pins == NULL)
        return NULL;
    pins->refs = 1;
    pins->map = vouch_map_new();
    if (pins->map == NULL) {
        free(pins);
        return NULL;
    }
    if (pthread_rwlock_init(&pins->lock, NULL) != 0) {
        vouch_map_free(pins->map, NULL);
        free(pins);
        return NULL;
    }
    return pins;
}

struct vouch_pins *
vouch_pins_ref(struct vouch_pins *pins)
{
    if (pins != NULL)
        vouch_refcount_up(&pins->refs);
    return pins;
}

/* The map's key of a pin; its length, or 0 for a pin that is none. */
static size_t
make_key(const struct vouch_fingerprint *pin, unsigned char key[KEY_MAX])
{
    if ((unsigned) pin->digest >= VOUCH_DIGESTS
        || (unsigned) pin->of >= VOUCH_OFS
        || pin->length != vouch_digest_length(pin->digest))
        return 0;
    key[0] = (unsigned char) pin->digest;
    key[1] = (unsigned char) pin->of;
    memcpy(key + KEY_HEAD, pin->bytes, pin->length);
    return KEY_HEAD + pin->length;
}

int
vouch_pins_add(struct vouch_pins *pins, const struct vouch_fingerprint *pin)
{
    unsigned char key[KEY_MAX];
    size_t length = make_key(pin, key);
    int rv;

    if (length == 0)
        return -1;
    (void) pthread_rwlock_wrlock(&pins->lock);
    rv = vouch_map_put(pins->map, key, length, NULL, NULL);
    if (rv == 0)
        pins->kinds[pin->digest][pin->of]++;
    (void) pthread_rwlock_unlock(&pins->lock);
    if (rv < 0)
        return -1;
    return rv == 0;
}

int
vouch_pins_remove(struct vouch_pins *pins, const struct vouch_fingerprint *pin)
{
    unsigned char key[KEY_MAX];
    size_t length = make_key(pin, key);
    int found;

    if (length == 0)
        return 0;
    (void) pthread_rwlock_wrlock(&pins->lock);
    found = vouch_map_remove(pins->map, key, length, NULL);
    if (found)
        pins->kinds[pin->digest][pin->of]--;
    (void) pthread_rwlock_unlock(&pins->lock);
    return found;
}

int
vouch_pins_has(struct vouch_pins *pins, const struct vouch_fingerprint *pin)
{
    unsigned char key[KEY_MAX];
    size_t length = make_key(pin, key);
    int found;

    if (length == 0)
        return 0;
    (void) pthread_rwlock_rdlock(&pins->lock);
    found = vouch_map_get(pins->map, key, length, NULL);
    (void) pthread_rwlock_unlock(&pins->lock);
    return found;
}

/* vouch_pins_match() for one kind of pin; the lock is held. */
static int
match_kind(const struct vouch_pins *pins, const struct vouch_cert *cert,
           enum vouch_digest digest, enum vouch_digest_of of)
{
    struct vouch_fingerprint made;
    unsigned char key[KEY_MAX];
    size_t length;

    if (pins->kinds[digest][of] == 0)
        return 0;
    if (vouch_cert_fingerprint(cert, digest, of, &made) != 0)
        return -1;
    length = make_key(&made, key);
    return vouch_map_get(pins->map, key, length, NULL);
}

int
vouch_pins_match(struct vouch_pins *pins, const struct vouch_cert *cert)
{
    int failed = 0;
    int found = 0;
    int digest;
    int of;

    (void) pthread_rwlock_rdlock(&pins->lock);
    for (digest = 0; digest < VOUCH_DIGESTS && found != 1; digest++) {
        for (of = 0; of < VOUCH_OFS && found != 1; of++) {
            found = match_kind(pins, cert, (enum vouch_digest) digest,
                               (enum vouch_digest_of) of);
            failed |= found < 0;
        }
    }
    (void) pthread_rwlock_unlock(&pins->lock);
    if (found == 1)
        return 1;
    return failed ? -1 : 0;
}

size_t
vouch_pins_count(struct vouch_pins *pins)
{
    size_t count;

    (void) pthread_rwlock_rdlock(&pins->lock);
    count = vouch_map_count(pins->map);
    (void) pthread_rwlock_unlock(&pins->lock);
    return count;
}

static int
visit(const void *key, size_t length, void *value, void *arg)
{
    const unsigned char *bytes = key;
    const struct visitor *visitor = arg;
    struct vouch_fingerprint pin;

    (void) value;
    memset(&pin, 0, sizeof(pin));
    pin.digest = (enum vouch_digest) bytes[0];
    pin.of = (enum vouch_digest_of) bytes[1];
    pin.length = length - KEY_HEAD;
    memcpy(pin.bytes, bytes + KEY_HEAD, pin.length);
    return visitor->each(&pin, visitor->arg);
}

int
vouch_pins_each(struct vouch_pins *pins,
                int (*each)(const struct vouch_fingerprint *pin, void *arg),
                void *arg)
{
    struct visitor visitor = {each, arg};
    int rv;

    (void) pthread_rwlock_rdlock(&pins->lock);
    rv = vouch_map_each(pins->map, visit, &visitor);
    (void) pthread_rwlock_unlock(&pins->lock);
    return rv;
}
