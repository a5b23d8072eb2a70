/*
 * What a certificate is for, and all of its extensions.
 *
 * For who shows or copies certificates.  Whether a certificate may be used
 * for something is decided elsewhere (verify.h).
 */
#ifndef VOUCH_TLS_CERTIFICATE_EXTENSIONS_H
#define VOUCH_TLS_CERTIFICATE_EXTENSIONS_H

#include <stddef.h>

#include "tls/certificate.h"

/* What OpenSSL knows of an object identifier. */
struct vouch_oid {
    const char *dotted;
    int nid;                /* OpenSSL's number, or 0: it does not know it */
    const char *short_name; /* "keyUsage", or NULL */
    const char *long_name;  /* "X509v3 Key Usage", or NULL */
};

struct vouch_cert_extension {
    struct vouch_oid oid;
    int critical;
    const char *text; /* for people, not NUL-terminated; NULL: unknown */
    size_t text_length;
};

enum vouch_cert_uri { VOUCH_URI_CRL = 0, VOUCH_URI_OCSP = 1 };

/* The version: 2 for X.509 v3. */
long vouch_cert_version(const struct vouch_cert *cert);

/* The bits of keyUsage as RFC 5280 numbers them (bit 0: digitalSignature),
 * 0 where there are none. */
unsigned vouch_cert_key_usage(const struct vouch_cert *cert);

/*
 * Call purpose(oid, arg) for each purpose of extendedKeyUsage, until it
 * returns other than 0; returns that, 0, or -1 if it cannot be decoded.
 * What oid points to is valid during the call.
 */
int vouch_cert_purpose_each(const struct vouch_cert *cert,
                            int (*purpose)(const struct vouch_oid *oid,
                                           void *arg),
                            void *arg);

/* The same for all extensions, in their order. */
int vouch_cert_extension_each(
    const struct vouch_cert *cert,
    int (*extension)(const struct vouch_cert_extension *extension, void *arg),
    void *arg);

/* The same for the URIs of revocation lists, or of OCSP responders.  They
 * are somebody's text, NULs and all. */
int vouch_cert_uri_each(const struct vouch_cert *cert,
                        enum vouch_cert_uri which,
                        int (*uri)(const unsigned char *value, size_t length,
                                   void *arg),
                        void *arg);

/* "commonName" for "CN"; the argument where OpenSSL does not know it. */
const char *vouch_cert_field_long_name(const char *short_name);

#endif
