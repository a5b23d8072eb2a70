/*
 * One private key: made, read, written.
 *
 * A key never changes and may be shared: take a reference, free it when
 * done.  Together with its certificate it is an identity (identity.h).
 */
#ifndef VOUCH_TLS_PKEY_H
#define VOUCH_TLS_PKEY_H

#include <stddef.h>

#include "tls/identity.h"

struct vouch_buf;
struct vouch_error;
struct vouch_pkey;

/* Drop a reference.  NULL is allowed. */
void vouch_pkey_free(struct vouch_pkey *key);

/* Take a reference; returns its argument. */
struct vouch_pkey *vouch_pkey_ref(struct vouch_pkey *key);

/* Make a key of a kind as in struct vouch_identity_spec; NULL stands for
 * "ec:prime256v1".  0, or -1 with VOUCH_E_ARGUMENT. */
int vouch_pkey_create(const char *kind, struct vouch_pkey **key_r,
                      struct vouch_error *err);

/*
 * Make an RSA key of any size OpenSSL makes (512 to 8192 bits), or a key on
 * any curve it has a name for: what a program asks for by number or name,
 * also where no peer would accept it.  0, or -1 with VOUCH_E_ARGUMENT.
 */
int vouch_pkey_create_rsa(unsigned bits, struct vouch_pkey **key_r,
                          struct vouch_error *err);
int vouch_pkey_create_ec(const char *curve, struct vouch_pkey **key_r,
                         struct vouch_error *err);

/*
 * Read the first private key of PEM or DER bytes, or of PKCS#12; or of a
 * file with such bytes.  name is for error texts.  password may be NULL; it
 * is asked at most once, and only for what is encrypted.  Nothing ever asks
 * the terminal.  0, or -1 with VOUCH_E_FILE, VOUCH_E_FORMAT,
 * VOUCH_E_PASSWORD or VOUCH_E_LIMIT.
 */
int vouch_pkey_from_mem(const void *data, size_t length, const char *name,
                        vouch_password_fn password, void *arg,
                        struct vouch_pkey **key_r, struct vouch_error *err);
int vouch_pkey_from_file(const char *path, vouch_password_fn password,
                         void *arg, struct vouch_pkey **key_r,
                         struct vouch_error *err);

/* Append the key as PEM, unencrypted PKCS#8.  0 or -1. */
int vouch_pkey_pem(const struct vouch_pkey *key, struct vouch_buf *out);

/* Write that into a file of mode 0600, atomically; replace != 0 allows to
 * replace one.  0, or -1 with VOUCH_E_FILE or VOUCH_E_EXISTS. */
int vouch_pkey_save(const struct vouch_pkey *key, const char *path,
                    int replace, struct vouch_error *err);

/* "EC", "RSA", "ED25519" ..., valid as long as the key; the size in bits,
 * or 0 where OpenSSL does not know. */
const char *vouch_pkey_type(const struct vouch_pkey *key);
int vouch_pkey_bits(const struct vouch_pkey *key);

/* OpenSSL's EVP_PKEY *, borrowed, and a key for one, which takes a reference
 * of its own, for callers that also use OpenSSL. */
void *vouch_pkey_evp(const struct vouch_pkey *key);
struct vouch_pkey *vouch_pkey_of_evp(void *evp_pkey);

#endif
