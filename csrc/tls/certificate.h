/*
 * Facts about one X.509 certificate.
 *
 * A certificate never changes and may be shared: take a reference, free it
 * when done.  Getters touch no connection.  Whether to trust it is decided
 * elsewhere (verify.h, pins.h).
 */
#ifndef VOUCH_TLS_CERTIFICATE_H
#define VOUCH_TLS_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

#include "tls/fingerprint.h"

struct vouch_buf;
struct vouch_cert;
struct vouch_error;

#define VOUCH_CERT_MAX 1048576 /* bytes read for one certificate or chain */

enum vouch_cert_name { VOUCH_CERT_SUBJECT = 0, VOUCH_CERT_ISSUER = 1 };

/* Types of subject alternative names: the tags of RFC 5280. */
enum vouch_san_type {
    VOUCH_SAN_OTHER = 0,     /* value: DER of the OtherName, OID and all */
    VOUCH_SAN_EMAIL = 1,     /* value: text */
    VOUCH_SAN_DNS = 2,       /* value: text */
    VOUCH_SAN_DIRECTORY = 4, /* value: one-line name */
    VOUCH_SAN_URI = 6,       /* value: text */
    VOUCH_SAN_IP = 7,        /* value: 4 or 16 bytes */
    VOUCH_SAN_RID = 8        /* value: dotted text */
};

/* Drop a reference.  NULL is allowed. */
void vouch_cert_free(struct vouch_cert *cert);

/* Take a reference; returns its argument. */
struct vouch_cert *vouch_cert_ref(struct vouch_cert *cert);

/*
 * Read the first certificate of PEM or DER bytes, or of a file.  what names
 * the bytes in error texts.  0, or -1: VOUCH_E_FILE, VOUCH_E_FORMAT,
 * VOUCH_E_LIMIT.
 */
int vouch_cert_from_mem(const void *data, size_t length, const char *what,
                        struct vouch_cert **cert_r, struct vouch_error *err);
int vouch_cert_from_file(const char *path, struct vouch_cert **cert_r,
                         struct vouch_error *err);

/*
 * Read all certificates of PEM bytes, or one of DER, and call take() for
 * each, which becomes its owner.  0, or -1 as vouch_cert_from_mem(), and
 * then take() was not called.
 */
int vouch_cert_each_from_mem(const void *data, size_t length, const char *what,
                             void (*take)(struct vouch_cert *cert, void *arg),
                             void *arg, struct vouch_error *err);

/* The certificate of OpenSSL's X509 *, with a reference of its own; NULL for
 * NULL. */
struct vouch_cert *vouch_cert_of_x509(void *x509);

/*
 * Append the one-line form of a name, "/C=CH/CN=Alex", other bytes than
 * printable ASCII as \xHH; nothing for an empty name.  0 or -1.
 */
int vouch_cert_name_line(const struct vouch_cert *cert,
                         enum vouch_cert_name which, struct vouch_buf *out);

/*
 * Call field(short_name, value, length, arg) for each part of a name, first
 * to last, value in UTF-8 and not NUL-terminated, until it returns other
 * than 0; returns that, 0, or -1 for a value that cannot be decoded.
 */
int
vouch_cert_name_each(const struct vouch_cert *cert, enum vouch_cert_name which,
                     int (*field)(const char *name, const unsigned char *value,
                                  size_t length, void *arg),
                     void *arg);

/* Append the first common name of the subject, UTF-8, NULs and all.
 * 1 there is one, 0 there is none, -1 it cannot be decoded. */
int vouch_cert_common_name(const struct vouch_cert *cert,
                           struct vouch_buf *out);

/* Call san(type, value, length, arg) for each subject alternative name, as
 * vouch_cert_name_each() does.  Types that are not listed are passed over;
 * an address of another length than 4 or 16 is -1. */
int vouch_cert_san_each(const struct vouch_cert *cert,
                        int (*san)(enum vouch_san_type type,
                                   const unsigned char *value, size_t length,
                                   void *arg),
                        void *arg);

/* 1 if it is for this host name or address, by the rules for TLS: whole
 * labels, alternative names first; else 0. */
int vouch_cert_is_for(const struct vouch_cert *cert, const char *host);

/* Append the serial number, in upper-case hexadecimal or in decimal, with
 * "-" if negative.  0, or -1: longer than 1024 bytes, where 20 are allowed. */
int vouch_cert_serial_hex(const struct vouch_cert *cert,
                          struct vouch_buf *out);
int vouch_cert_serial_decimal(const struct vouch_cert *cert,
                              struct vouch_buf *out);

/* Seconds since 1970.  0, or -1 if the certificate holds no valid time. */
int vouch_cert_not_before(const struct vouch_cert *cert, int64_t *epoch_r);
int vouch_cert_not_after(const struct vouch_cert *cert, int64_t *epoch_r);

/* 1 or 0 at the time now (seconds since 1970).  The second named in the date
 * is valid still.  An unreadable date counts as outside: 1. */
int vouch_cert_is_expired(const struct vouch_cert *cert, int64_t now);
int vouch_cert_is_not_yet_valid(const struct vouch_cert *cert, int64_t now);

/* 1 if signed with its own key, the signature checked; else 0. */
int vouch_cert_is_self_signed(const struct vouch_cert *cert);

/*
 * "EC", "RSA", "ED25519" ...; the curve ("prime256v1") or NULL; the size in
 * bits or 0; "ecdsa-with-SHA256".  Static storage, never NULL but for the
 * curve; "unknown" where OpenSSL does not know.
 */
const char *vouch_cert_key_type(const struct vouch_cert *cert);
const char *vouch_cert_key_curve(const struct vouch_cert *cert);
int vouch_cert_key_bits(const struct vouch_cert *cert);
const char *vouch_cert_signature_algorithm(const struct vouch_cert *cert);

/* Digest the certificate or its key.  0 or -1. */
int vouch_cert_fingerprint(const struct vouch_cert *cert,
                           enum vouch_digest digest, enum vouch_digest_of of,
                           struct vouch_fingerprint *fingerprint_r);

/* Append the certificate as PEM, DER, or text for people.  0 or -1. */
int vouch_cert_pem(const struct vouch_cert *cert, struct vouch_buf *out);
int vouch_cert_der(const struct vouch_cert *cert, struct vouch_buf *out);
int vouch_cert_text(const struct vouch_cert *cert, struct vouch_buf *out);

/* OpenSSL's X509 *, borrowed, for callers that also use OpenSSL. */
void *vouch_cert_x509(const struct vouch_cert *cert);

#endif
