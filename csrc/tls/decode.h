/*
 * Certificates out of bytes of unknown make; shared by certificate.c,
 * identity_load.c and config_trust.c only.
 */
#ifndef VOUCH_TLS_DECODE_H
#define VOUCH_TLS_DECODE_H

#include <stddef.h>

#include "tls/private.h"

/*
 * Read certificates from PEM, or one from DER: the first into *leaf_r, the
 * others into *rest_r (NULL where there are none).  rest_r NULL: read the
 * first only.  what names the bytes in error texts.  0, or -1 with
 * VOUCH_E_FORMAT or VOUCH_E_LIMIT.
 */
int vouch_decode_certs(const unsigned char *data, size_t length,
                       const char *what, X509 **leaf_r,
                       STACK_OF(X509) **rest_r, struct vouch_error *err);

/* A BIO over the bytes, a UTF-8 byte order mark left out; or NULL. */
BIO *vouch_decode_bio(const unsigned char *data, size_t length);

/* 1 if the text occurs in the bytes. */
int vouch_decode_contains(const unsigned char *data, size_t length,
                          const char *text);

/* 1 if OpenSSL's last error says that there is no further PEM block. */
int vouch_decode_at_end(void);

/* A pem_password_cb that gives up; without one OpenSSL asks the terminal. */
int vouch_decode_no_password(char *password, int size, int writing, void *arg);

#endif
