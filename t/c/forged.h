/*
 * Records that OpenSSL would never send, sealed as the peer would seal them:
 * the keys of a connection come from its own key log.  For a connection of a
 * pair (tls_pair.h), with the cipher FORGED_CIPHER or FORGED_SUITE.
 */
#ifndef VOUCH_TEST_FORGED_H
#define VOUCH_TEST_FORGED_H

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>

#include "tls_pair.h"

#define FORGED_CIPHER "ECDHE-ECDSA-AES128-GCM-SHA256"
#define FORGED_SUITE "TLS_AES_128_GCM_SHA256"
#define FORGED_MAX 20000 /* bytes of one record's content */

enum { FORGED_CCS = 20, FORGED_ALERT, FORGED_HANDSHAKE, FORGED_DATA };

/* One direction: from the client (0) or from the server (1). */
struct forger {
    int version;
    unsigned char key[16];
    unsigned char iv[12]; /* TLS 1.2: 4 bytes */
    uint64_t sequence;
};

/* What the key log of the last handshake told. */
static unsigned char forged_master[48];
static unsigned char forged_secret[2][32];

static inline int
forged_nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static inline void
forged_hex(const char *hex, unsigned char *out, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        out[i] = (unsigned char) (forged_nibble(hex[2 * i]) << 4
                                  | forged_nibble(hex[2 * i + 1]));
}

/* "LABEL random secret" */
static inline void
forged_note(const SSL *ssl, const char *line)
{
    const char *secret = strrchr(line, ' ') + 1;

    (void) ssl;
    if (strncmp(line, "CLIENT_RANDOM ", 14) == 0)
        forged_hex(secret, forged_master, 48);
    else if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0)
        forged_hex(secret, forged_secret[0], 32);
    else if (strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0)
        forged_hex(secret, forged_secret[1], 32);
}

static inline void
forged_kdf(const char *kdf_name, OSSL_PARAM *params, unsigned char *out,
           size_t length)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, kdf_name, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    pki_need(EVP_KDF_derive(ctx, out, length, params) == 1, kdf_name);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static inline OSSL_PARAM
forged_octets(const char *name, void *data, size_t length)
{
    return OSSL_PARAM_construct_octet_string(name, data, length);
}

/* HKDF-Expand-Label without a context. */
static inline void
forged_expand(unsigned char secret[32], const char *label, unsigned char *out,
              size_t length)
{
    char sha[] = "SHA256";
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    unsigned char info[64] = {0};
    size_t label_length = strlen(label);
    OSSL_PARAM params[5];

    info[1] = (unsigned char) length;
    info[2] = (unsigned char) (6 + label_length);
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, label_length);
    params[0] = OSSL_PARAM_construct_utf8_string("digest", sha, 0);
    params[1] = OSSL_PARAM_construct_int("mode", &mode);
    params[2] = forged_octets("key", secret, 32);
    params[3] = forged_octets("info", info, 10 + label_length);
    params[4] = OSSL_PARAM_construct_end();
    forged_kdf("HKDF", params, out, length);
}

/* The keys of TLS 1.2: client's key, server's key, client's iv, server's. */
static inline void
forged_expand_tls12(const SSL *ssl, unsigned char block[40])
{
    char sha[] = "SHA256";
    unsigned char seed[13 + 64];
    OSSL_PARAM params[4];

    memcpy(seed, "key expansion", 13);
    (void) SSL_get_server_random(ssl, seed + 13, 32);
    (void) SSL_get_client_random(ssl, seed + 45, 32);
    params[0] = OSSL_PARAM_construct_utf8_string("digest", sha, 0);
    params[1] = forged_octets("secret", forged_master, 48);
    params[2] = forged_octets("seed", seed, sizeof(seed));
    params[3] = OSSL_PARAM_construct_end();
    forged_kdf("TLS1-PRF", params, block, 40);
}

/* Take the place of one side, which sends nothing itself from now on.  Of
 * TLS 1.2 it has sent its Finished. */
static inline struct forger
forger_of(const struct vouch_conn *conn, int is_server, uint64_t sent)
{
    const SSL *ssl = vouch_conn_ssl(conn);
    struct forger forger;
    unsigned char block[40];

    memset(&forger, 0, sizeof(forger));
    forger.version = SSL_version(ssl);
    forger.sequence = sent;
    if (forger.version == VOUCH_TLS1_3) {
        forged_expand(forged_secret[is_server], "key", forger.key, 16);
        forged_expand(forged_secret[is_server], "iv", forger.iv, 12);
    } else {
        forged_expand_tls12(ssl, block);
        memcpy(forger.key, block + 16 * is_server, 16);
        memcpy(forger.iv, block + 32 + 4 * is_server, 4);
    }
    return forger;
}

static inline void
forged_number(uint64_t number, unsigned char out[8])
{
    int i;

    for (i = 7; i >= 0; i--, number >>= 8)
        out[i] = (unsigned char) number;
}

/* AES-128-GCM: the sealed bytes, and 16 more. */
static inline void
forged_seal(const struct forger *forger, const unsigned char nonce[12],
            const unsigned char *extra, int extra_length,
            const unsigned char *data, size_t length, unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int count = 0;
    int good;

    good = EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, forger->key, nonce)
           && EVP_EncryptUpdate(ctx, NULL, &count, extra, extra_length)
           && EVP_EncryptUpdate(ctx, out, &count, data, (int) length)
           && EVP_EncryptFinal_ex(ctx, out + length, &count)
           && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, out + length);
    EVP_CIPHER_CTX_free(ctx);
    pki_need(good, "a sealed record");
}

static inline size_t
forged_header(unsigned char out[5], int type, size_t length)
{
    out[0] = (unsigned char) type;
    out[1] = 3;
    out[2] = 3;
    out[3] = (unsigned char) (length >> 8);
    out[4] = (unsigned char) length;
    return 5;
}

/* Put a record of this type and content on the wire.  type 0 in TLS 1.3: one
 * without a type. */
static inline void
forge(struct forger *forger, struct wire *wire, int type, const void *content,
      size_t length)
{
    static unsigned char plain[FORGED_MAX + 1];
    static unsigned char record[FORGED_MAX + 64];
    unsigned char nonce[12];
    unsigned char extra[13];
    size_t size;
    int i;

    pki_need(length <= FORGED_MAX, "a record of this size");
    if (length > 0)
        memcpy(plain, content, length);
    if (forger->version == VOUCH_TLS1_3) {
        memcpy(nonce, forger->iv, 12);
        forged_number(forger->sequence, extra);
        for (i = 0; i < 8; i++)
            nonce[4 + i] ^= extra[i];
        if (type != 0)
            plain[length++] = (unsigned char) type;
        size = forged_header(record, FORGED_DATA, length + 16);
        forged_seal(forger, nonce, record, 5, plain, length, record + size);
    } else {
        size = forged_header(record, type, length + 24);
        memcpy(nonce, forger->iv, 4);
        forged_number(forger->sequence, nonce + 4);
        memcpy(record + size, nonce + 4, 8);
        size += 8;
        forged_number(forger->sequence, extra);
        (void) forged_header(extra + 8, type, length);
        forged_seal(forger, nonce, extra, 13, plain, length, record + size);
    }
    forger->sequence++;
    size += length + 16;
    if (wire->start == wire->end) {
        wire->start = 0;
        wire->end = 0;
    }
    pki_need(wire->end + size <= WIRE_MAX, "room on the wire");
    memcpy(wire->bytes + wire->end, record, size);
    wire->end += size;
}

#endif
