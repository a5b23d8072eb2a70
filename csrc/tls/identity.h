/*
 * Who we are: a private key, its certificate, and the chain sent with it.
 *
 * Made, loaded, renewed and saved here.  An identity never changes and may
 * be shared: take a reference, free it when done.
 */
#ifndef VOUCH_TLS_IDENTITY_H
#define VOUCH_TLS_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

struct vouch_buf;
struct vouch_cert;
struct vouch_error;
struct vouch_identity;

struct vouch_identity_spec {
    const char *cn;         /* common name, UTF-8, 1 to 64 characters */
    const char *key;        /* "ec:prime256v1" (NULL), "ec:secp384r1",
                               "ec:secp521r1", "ec:P-256" and so on,
                               "rsa:2048" to "rsa:8192" in steps of 8,
                               "ed25519", "ed448" */
    const char *const *san; /* "DNS:name", "IP:address", "EMAIL:a@b",
                               "URI:...", or a bare host name or address */
    size_t san_count;
    int64_t not_before; /* seconds since 1970; years 1950 to 9999 */
    int64_t not_after;  /* the same, later than not_before */
};

/*
 * Asked for the password of an encrypted key.  Writes at most size bytes
 * and returns how many, or -1 to give up.
 */
typedef int (*vouch_password_fn)(char *password, size_t size, void *arg);

/* Drop a reference.  NULL is allowed. */
void vouch_identity_free(struct vouch_identity *identity);

/* Take a reference; returns its argument. */
struct vouch_identity *vouch_identity_ref(struct vouch_identity *identity);

/* Make a key and a self-signed certificate (X.509 v3, random serial,
 * SHA-256 or the key's own digest, usable for servers and clients, not a
 * CA).  0, or -1: VOUCH_E_ARGUMENT names the field and what it may be,
 * VOUCH_E_LIMIT so many names that no peer would take the certificate. */
int vouch_identity_create(const struct vouch_identity_spec *spec,
                          struct vouch_identity **identity_r,
                          struct vouch_error *err);

/* A new self-signed certificate for the same key, subject and names, with
 * new dates and serial.  VOUCH_E_ARGUMENT if the old one was signed by
 * another authority. */
int vouch_identity_renew(const struct vouch_identity *identity,
                         int64_t not_before, int64_t not_after,
                         struct vouch_identity **identity_r,
                         struct vouch_error *err);

/*
 * Load certificate (and chain) and key: PEM, DER or PKCS#12, told apart by
 * their bytes.  key_file NULL: the key is in cert_file.  password may be
 * NULL; it is asked at most once, and only for what is encrypted.  Nothing
 * ever asks the terminal.  0, or -1 with one of
 *   VOUCH_E_FILE      missing or unreadable; names the file
 *   VOUCH_E_FORMAT    neither PEM, DER nor PKCS#12, or nothing fitting in it
 *   VOUCH_E_PASSWORD  encrypted and no password given, or the wrong one
 *   VOUCH_E_MISMATCH  "KEY does not match CERT", what to do
 *   VOUCH_E_LIMIT     larger than VOUCH_CERT_MAX
 */
int vouch_identity_load(const char *cert_file, const char *key_file,
                        vouch_password_fn password, void *arg,
                        struct vouch_identity **identity_r,
                        struct vouch_error *err);

/* The same with the certificates in a file and the key in memory. */
int vouch_identity_load_with(const char *cert_file, const void *key,
                             size_t key_length, const char *key_name,
                             vouch_password_fn password, void *arg,
                             struct vouch_identity **identity_r,
                             struct vouch_error *err);

/* The same from memory; the names are for error texts.  key NULL: the key
 * is in cert. */
int vouch_identity_from_mem(const void *cert, size_t cert_length,
                            const char *cert_name, const void *key,
                            size_t key_length, const char *key_name,
                            vouch_password_fn password, void *arg,
                            struct vouch_identity **identity_r,
                            struct vouch_error *err);

/*
 * Build from what OpenSSL has in memory: X509 *, EVP_PKEY * and count
 * further X509 * of the chain.  References are taken; the caller keeps its
 * own.  VOUCH_E_MISMATCH if key and certificate differ.
 */
int vouch_identity_from_openssl(void *x509, void *pkey, void **chain,
                                size_t count,
                                struct vouch_identity **identity_r,
                                struct vouch_error *err);

/* Write certificate and chain (0644) and key (0600, PKCS#8 PEM), each
 * atomically, the key first; replace != 0 allows replacing.  VOUCH_E_EXISTS
 * if either is there and replace is 0; then neither is touched. */
int vouch_identity_save(const struct vouch_identity *identity,
                        const char *cert_file, const char *key_file,
                        int replace, struct vouch_error *err);

/* The certificate, borrowed. */
struct vouch_cert *vouch_identity_cert(const struct vouch_identity *identity);

/* Append certificate and chain, or the key (unencrypted PKCS#8), as PEM. */
int vouch_identity_cert_pem(const struct vouch_identity *identity,
                            struct vouch_buf *out);
int vouch_identity_key_pem(const struct vouch_identity *identity,
                           struct vouch_buf *out);

#endif
