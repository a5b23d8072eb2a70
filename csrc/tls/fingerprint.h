/*
 * A digest of a certificate or of its public key, in every usual spelling.
 *
 * Pure text work: "sha256$hex", "SHA256:hex", "hex", "AA:BB", base64url.
 * Making the digest is certificate.h's.
 */
#ifndef VOUCH_TLS_FINGERPRINT_H
#define VOUCH_TLS_FINGERPRINT_H

#include <stddef.h>

struct vouch_error;

#define VOUCH_DIGEST_MAX 64        /* SHA-512 */
#define VOUCH_FINGERPRINT_TEXT 224 /* the longest spelling, and its NUL */

enum vouch_digest {
    VOUCH_SHA256 = 0,
    VOUCH_SHA1 = 1,
    VOUCH_SHA384 = 2,
    VOUCH_SHA512 = 3,
    VOUCH_MD5 = 4,
    VOUCH_DIGESTS = 5 /* how many there are */
};

/* What is digested. */
enum vouch_digest_of {
    VOUCH_OF_CERT = 0, /* the DER certificate */
    VOUCH_OF_SPKI = 1, /* the DER SubjectPublicKeyInfo */
    VOUCH_OF_KEY = 2,  /* the bit string inside it: IO::Socket::SSL's "pub" */
    VOUCH_OFS = 3
};

struct vouch_fingerprint {
    enum vouch_digest digest;
    enum vouch_digest_of of;
    size_t length;
    unsigned char bytes[VOUCH_DIGEST_MAX];
};

enum vouch_spelling {
    VOUCH_SPELL_DOLLAR = 0, /* sha256$ab12, sha256$spki$ab12, sha256$pub$ab12:
                               the only one that tells what is digested */
    VOUCH_SPELL_LOWER = 1,  /* SHA256:ab12... */
    VOUCH_SPELL_UPPER = 2,  /* SHA256:AB12... */
    VOUCH_SPELL_HEX = 3,    /* ab12... */
    VOUCH_SPELL_COLONS = 4, /* AB:12:... */
    VOUCH_SPELL_BASE64URL = 5
};

/* Digest by its name in any case, with or without dash ("SHA-256"):
 * 1 found, 0 not. */
int vouch_digest_by_name(const char *name, enum vouch_digest *digest_r);

/* "sha256" and so on; its length in bytes. */
const char *vouch_digest_name(enum vouch_digest digest);
size_t vouch_digest_length(enum vouch_digest digest);

/* Write one spelling, NUL-terminated. */
void vouch_fingerprint_text(const struct vouch_fingerprint *fingerprint,
                            enum vouch_spelling spelling,
                            char text_r[VOUCH_FINGERPRINT_TEXT]);

/*
 * Read any spelling, and curl's "sha256//base64" (a public key).  Hex may
 * have colons everywhere; names may be in any case.  Where the algorithm is
 * not named it follows from the length (64 digits: sha256, and so on; 43
 * characters of base64url: sha256).  0, or -1 with VOUCH_E_FORMAT
 * quoting the text and naming the spellings.
 */
int vouch_fingerprint_parse(const char *text,
                            struct vouch_fingerprint *fingerprint_r,
                            struct vouch_error *err);

/* 1 if equal; constant time for fingerprints of one kind. */
int vouch_fingerprint_equal(const struct vouch_fingerprint *a,
                            const struct vouch_fingerprint *b);

#endif
