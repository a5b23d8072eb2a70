/*
 * Passwords by OpenSSL's scrypt.
 */
#include "trust/password.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/error.h"
#include "base/text.h"

#define BLOCKS 8 /* scrypt's r */
#define LANES 1  /* scrypt's p */
#define HEAD "$scrypt$ln="
#define PARAMETERS ",r=8,p=1$"
#define RANDOM_MAX 1024

/* Room that scrypt may take: 128 * r * N, and as much again for the rest. */
static uint64_t
memory_for(int cost)
{
    return (uint64_t) 256 * BLOCKS << cost;
}

static int
derive(const void *password, size_t length, struct vouch_password *kept,
       struct vouch_error *err)
{
    int result;

    if (length > VOUCH_PASSWORD_MAX)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "a password has at most %d bytes",
                               VOUCH_PASSWORD_MAX);
    ERR_set_mark();
    result =
        EVP_PBE_scrypt(password, length, kept->salt, sizeof(kept->salt),
                       UINT64_C(1) << kept->cost, BLOCKS, LANES,
                       memory_for(kept->cost), kept->hash, sizeof(kept->hash));
    ERR_pop_to_mark();
    if (result == 1)
        return 0;
    return vouch_error_set(err, VOUCH_E_TLS,
                           "OpenSSL cannot do scrypt, or has not the memory "
                           "for a password of the cost %d",
                           kept->cost);
}

int
vouch_password_random(unsigned char *bytes, size_t length,
                      struct vouch_error *err)
{
    if (length <= RANDOM_MAX && RAND_bytes(bytes, (int) length) == 1)
        return 0;
    return vouch_error_set(err, VOUCH_E_TLS, "OpenSSL has no random bytes");
}

int
vouch_password_make(const void *password, size_t length, int cost,
                    char text_r[VOUCH_PASSWORD_TEXT], struct vouch_error *err)
{
    struct vouch_password kept;
    char salt[VOUCH_BASE64_SIZE(VOUCH_PASSWORD_SALT)];
    char hash[VOUCH_BASE64_SIZE(VOUCH_PASSWORD_HASH)];

    if (cost < VOUCH_PASSWORD_COST_LEAST || cost > VOUCH_PASSWORD_COST_MOST)
        return vouch_error_set(
            err, VOUCH_E_ARGUMENT, "the cost of a password is %d to %d",
            VOUCH_PASSWORD_COST_LEAST, VOUCH_PASSWORD_COST_MOST);
    kept.cost = cost;
    if (vouch_password_random(kept.salt, sizeof(kept.salt), err) != 0
        || derive(password, length, &kept, err) != 0)
        return -1;
    vouch_text_base64url(kept.salt, sizeof(kept.salt), salt);
    vouch_text_base64url(kept.hash, sizeof(kept.hash), hash);
    (void) snprintf(text_r, VOUCH_PASSWORD_TEXT, HEAD "%d" PARAMETERS "%s$%s",
                    cost, salt, hash);
    return 0;
}

/* Step over a prefix: 1, or 0 if it is not there. */
static int
skip(const char **at, const char *prefix)
{
    size_t length = strlen(prefix);

    if (strncmp(*at, prefix, length) != 0)
        return 0;
    *at += length;
    return 1;
}

/* Two digits, 10 to 20. */
static int
read_cost(const char **at, int *cost_r)
{
    const char *text = *at;

    if (text[0] < '1' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return 0;
    *cost_r = (text[0] - '0') * 10 + (text[1] - '0');
    *at += 2;
    return *cost_r >= VOUCH_PASSWORD_COST_LEAST
           && *cost_r <= VOUCH_PASSWORD_COST_MOST;
}

static int
read_bytes(const char *text, size_t text_length, unsigned char *bytes,
           size_t length)
{
    return vouch_text_unbase64(text, text_length, bytes, length)
           == (long) length;
}

int
vouch_password_parse(const char *text, struct vouch_password *kept_r,
                     struct vouch_error *err)
{
    struct vouch_password kept;
    const char *at = text;
    size_t salt;

    memset(&kept, 0, sizeof(kept));
    if (skip(&at, HEAD) && read_cost(&at, &kept.cost) && skip(&at, PARAMETERS)
        && at[salt = strcspn(at, "$")] == '$'
        && read_bytes(at, salt, kept.salt, sizeof(kept.salt))
        && read_bytes(at + salt + 1, strlen(at + salt + 1), kept.hash,
                      sizeof(kept.hash))) {
        *kept_r = kept;
        return 0;
    }
    return vouch_error_set(err, VOUCH_E_FORMAT,
                           "this is not a password as Vouch keeps it");
}

int
vouch_password_check(const void *password, size_t length, const char *text,
                     struct vouch_error *err)
{
    struct vouch_password kept;
    struct vouch_password tried;
    int result = -1;

    if (vouch_password_parse(text, &kept, err) != 0)
        return -1;
    tried = kept;
    if (derive(password, length, &tried, err) == 0)
        result = CRYPTO_memcmp(tried.hash, kept.hash, sizeof(kept.hash)) == 0;
    OPENSSL_cleanse(&tried, sizeof(tried));
    return result;
}
