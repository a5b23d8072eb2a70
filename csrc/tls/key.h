/*
 * Private keys and PKCS#12 out of bytes; shared by pkey.c and the files of
 * identity only.
 */
#ifndef VOUCH_TLS_KEY_H
#define VOUCH_TLS_KEY_H

#include <stddef.h>

#include "tls/identity.h"
#include "tls/private.h"

#define VOUCH_PASSWORD_MAX 1024 /* OpenSSL's PEM_BUFSIZE */

/* Bytes and what error texts call them. */
struct vouch_source {
    const unsigned char *data;
    size_t length;
    const char *name;
};

/* A password that is asked for once, when first needed, and then kept. */
struct vouch_password {
    vouch_password_fn ask; /* or NULL */
    void *arg;
    int asked;
    int length; /* -1: there is none */
    char text[VOUCH_PASSWORD_MAX + 1];
};

/* What a source may hold; NULL where it does not. */
struct vouch_parts {
    X509 *cert;
    STACK_OF(X509) *chain;
    EVP_PKEY *key;
};

/* Free what the parts hold and set it to NULL. */
void vouch_parts_release(struct vouch_parts *parts);

/* Length of the password in password->text, or -1 for none. */
int vouch_password_get(struct vouch_password *password);

/*
 * Read the private key of PEM or DER bytes, encrypted or not.  0, or -1:
 * VOUCH_E_FORMAT, VOUCH_E_PASSWORD.
 */
int vouch_key_decode(const struct vouch_source *source,
                     struct vouch_password *password, EVP_PKEY **key_r,
                     struct vouch_error *err);

/*
 * Read PKCS#12.  1 read, 0 these bytes are something else, -1 as for
 * vouch_key_decode().  *parts must be empty.
 */
int vouch_key_pkcs12(const struct vouch_source *source,
                     struct vouch_password *password,
                     struct vouch_parts *parts, struct vouch_error *err);

/* The same from a source of any make, PKCS#12 too.  Also VOUCH_E_LIMIT. */
int vouch_key_read(const struct vouch_source *source,
                   struct vouch_password *password, EVP_PKEY **key_r,
                   struct vouch_error *err);

/* 0, or -1 with VOUCH_E_LIMIT if the source is larger than
 * VOUCH_CERT_MAX. */
int vouch_key_check_size(const struct vouch_source *source,
                         struct vouch_error *err);

#endif
