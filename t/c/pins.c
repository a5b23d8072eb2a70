/*
 * The set of pins: what is in, what matches, and many threads at once.
 */
#include "tls/pins.h"

#include <pthread.h>

#include "pki.h"
#include "tap.h"

#define MANY 100000 /* pins in one set */
#define THREADS 4
#define ROUNDS 500 /* per thread */

static X509 *x509;
static struct vouch_cert *cert;

/* The fingerprint of the certificate, of one kind. */
static struct vouch_fingerprint
print_of(enum vouch_digest digest, enum vouch_digest_of of)
{
    struct vouch_fingerprint made;

    pki_need(vouch_cert_fingerprint(cert, digest, of, &made) == 0, "a digest");
    return made;
}

/* A fingerprint of no certificate. */
static struct vouch_fingerprint
print_number(unsigned number)
{
    struct vouch_fingerprint made;

    memset(&made, 0, sizeof(made));
    made.digest = VOUCH_SHA256;
    made.of = VOUCH_OF_CERT;
    made.length = 32;
    memcpy(made.bytes, &number, sizeof(number));
    return made;
}

static void
test_set(void)
{
    struct vouch_pins *pins = vouch_pins_new();
    struct vouch_fingerprint a = print_number(1);
    struct vouch_fingerprint b = print_number(2);
    struct vouch_fingerprint c = a;

    c.bytes[40] = 7;
    is_int(vouch_pins_count(pins), 0, "empty");
    is_int(vouch_pins_has(pins, &a), 0, "nothing is in it");
    is_int(vouch_pins_remove(pins, &a), 0, "nothing can be taken out");
    is_int(vouch_pins_add(pins, &a), 1, "one is added");
    is_int(vouch_pins_add(pins, &a), 0, "it is there already");
    is_int(vouch_pins_add(pins, &c), 0, "bytes beyond its length are nothing");
    is_int(vouch_pins_add(pins, &b), 1, "another one is added");
    is_int(vouch_pins_count(pins), 2, "two are in it");
    ok(vouch_pins_has(pins, &a) && vouch_pins_has(pins, &b), "these two");
    is_int(vouch_pins_remove(pins, &a), 1, "one is taken out");
    is_int(vouch_pins_remove(pins, &a), 0, "but once");
    is_int(vouch_pins_has(pins, &a), 0, "it is gone");
    is_int(vouch_pins_has(pins, &b), 1, "the other one is not");
    ok(vouch_pins_ref(pins) == pins, "a reference");
    vouch_pins_free(pins);
    is_int(vouch_pins_count(pins), 1, "lives on after one of two is dropped");
    vouch_pins_free(pins);
    vouch_pins_free(NULL);
    ok(vouch_pins_ref(NULL) == NULL, "no reference to nothing");
}

static void
test_malformed(void)
{
    struct vouch_pins *pins = vouch_pins_new();
    struct vouch_fingerprint good = print_number(1);
    struct vouch_fingerprint bad[6];
    size_t i;

    for (i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].length = 31;
    bad[1].length = 33;
    bad[2].length = (size_t) -1;
    bad[3].digest = VOUCH_DIGESTS;
    bad[4].of = VOUCH_OFS;
    bad[5].digest = (enum vouch_digest) - 1;
    for (i = 0; i < 6; i++)
        ok(vouch_pins_add(pins, &bad[i]) == -1
               && vouch_pins_has(pins, &bad[i]) == 0
               && vouch_pins_remove(pins, &bad[i]) == 0,
           "a fingerprint that is none");
    is_int(vouch_pins_count(pins), 0, "nothing was added");
    vouch_pins_free(pins);
}

/* Every kind of pin matches its certificate, alone and among others, and
 * no longer once it is taken out. */
static void
test_match(void)
{
    struct vouch_pins *pins = vouch_pins_new();
    struct vouch_fingerprint noise = print_number(3);
    struct vouch_fingerprint pin;
    struct vouch_fingerprint near;
    int digest;
    int of;

    is_int(vouch_pins_match(pins, cert), 0, "an empty set matches nothing");
    (void) vouch_pins_add(pins, &noise);
    is_int(vouch_pins_match(pins, cert), 0, "another pin does not match");
    for (digest = 0; digest < VOUCH_MD5; digest++) {
        for (of = 0; of < VOUCH_OFS; of++) {
            pin = print_of((enum vouch_digest) digest,
                           (enum vouch_digest_of) of);
            near = pin;
            near.bytes[near.length - 1] ^= 1;
            (void) vouch_pins_add(pins, &near);
            is_int(vouch_pins_match(pins, cert), 0, "one bit is wrong");
            (void) vouch_pins_remove(pins, &near);
            near = pin;
            near.of = (enum vouch_digest_of)((of + 1) % VOUCH_OFS);
            (void) vouch_pins_add(pins, &near);
            is_int(vouch_pins_match(pins, cert), 0,
                   "the digest of something else");
            (void) vouch_pins_remove(pins, &near);
            (void) vouch_pins_add(pins, &pin);
            is_int(vouch_pins_match(pins, cert), 1, "the pin itself");
            (void) vouch_pins_remove(pins, &pin);
            is_int(vouch_pins_match(pins, cert), 0, "taken out again");
        }
    }
    is_int(vouch_pins_count(pins), 1, "only the other pin is left");
    vouch_pins_free(pins);
}

/* A certificate without a key has no digest of one. */
static void
test_undigestable(void)
{
    struct vouch_pins *pins = vouch_pins_new();
    struct vouch_fingerprint pin = print_number(4);
    X509 *blank = X509_new();

    pin.of = VOUCH_OF_SPKI;
    (void) vouch_pins_add(pins, &pin);
    ok(vouch_pins_match(pins, vouch_cert_borrow(blank)) <= 0
           && ERR_peek_error() == 0,
       "a certificate without a key does not match");
    X509_free(blank);
    vouch_pins_free(pins);
}

static int
count_pin(const struct vouch_fingerprint *pin, void *arg)
{
    int *seen = arg;
    unsigned number;

    memcpy(&number, pin->bytes, sizeof(number));
    if (pin->digest != VOUCH_SHA256 || pin->length != 32 || number >= MANY)
        return -1;
    seen[number]++;
    return 0;
}

static int
stop_at_third(const struct vouch_fingerprint *pin, void *arg)
{
    int *count = arg;

    (void) pin;
    return ++*count == 3 ? 42 : 0;
}

static void
test_many(void)
{
    static int seen[MANY];
    struct vouch_pins *pins = vouch_pins_new();
    struct vouch_fingerprint pin;
    unsigned i;
    int count = 0;
    int wrong = 0;

    for (i = 0; i < MANY; i++) {
        pin = print_number(i);
        wrong += vouch_pins_add(pins, &pin) != 1;
    }
    is_int(wrong, 0, "100000 pins");
    is_int(vouch_pins_count(pins), MANY, "are counted");
    is_int(vouch_pins_match(pins, cert), 0, "and do not match");
    pin = print_of(VOUCH_SHA256, VOUCH_OF_CERT);
    (void) vouch_pins_add(pins, &pin);
    is_int(vouch_pins_match(pins, cert), 1, "one among them does");
    (void) vouch_pins_remove(pins, &pin);
    is_int(vouch_pins_each(pins, count_pin, seen), 0, "all are visited");
    for (i = 0; i < MANY; i++)
        wrong += seen[i] != 1;
    is_int(wrong, 0, "once each");
    is_int(vouch_pins_each(pins, stop_at_third, &count), 42,
           "the callback's answer");
    is_int(count, 3, "ends it");
    vouch_pins_free(pins);
}

/* What one thread does, and what went wrong. */
struct worker {
    struct vouch_pins *pins;
    unsigned number;
    int wrong;
    pthread_t thread;
};

/* Adds and removes a pin of its own while it looks the common one up. */
static void *
work(void *arg)
{
    struct worker *worker = arg;
    struct vouch_pins *pins = vouch_pins_ref(worker->pins);
    struct vouch_fingerprint own;
    unsigned i;

    for (i = 0; i < ROUNDS; i++) {
        own = print_number(worker->number * ROUNDS + i);
        worker->wrong += vouch_pins_add(pins, &own) != 1;
        worker->wrong += vouch_pins_match(pins, cert) != 1;
        worker->wrong += vouch_pins_has(pins, &own) != 1;
        worker->wrong += vouch_pins_remove(pins, &own) != 1;
    }
    vouch_pins_free(pins);
    return NULL;
}

static void
test_threads(void)
{
    struct vouch_pins *pins = vouch_pins_new();
    struct vouch_fingerprint pin = print_of(VOUCH_SHA256, VOUCH_OF_SPKI);
    struct worker workers[THREADS];
    int wrong = 0;
    unsigned i;

    (void) vouch_pins_add(pins, &pin);
    for (i = 0; i < THREADS; i++) {
        workers[i].pins = pins;
        workers[i].number = i;
        workers[i].wrong = 0;
        pki_need(pthread_create(&workers[i].thread, NULL, work, &workers[i])
                     == 0,
                 "a thread");
    }
    for (i = 0; i < THREADS; i++) {
        (void) pthread_join(workers[i].thread, NULL);
        wrong += workers[i].wrong;
    }
    is_int(wrong, 0, "threads do not disturb each other");
    is_int(vouch_pins_count(pins), 1, "and leave what was there");
    vouch_pins_free(pins);
}

int
main(void)
{
    EVP_PKEY *key = pki_key("EC", "prime256v1");

    x509 = pki_cert(key, "pinned");
    cert = vouch_cert_borrow(x509);
    test_set();
    test_malformed();
    test_match();
    test_undigestable();
    test_many();
    test_threads();
    X509_free(x509);
    EVP_PKEY_free(key);
    return tap_done();
}
