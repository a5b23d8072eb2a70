/*
 * Certificates checked against authorities outside a handshake: by time, by
 * chain, and a certificate that stands for itself.
 */
#include "tls/authorities.h"

#include <unistd.h>

#include "pki.h"
#include "tap.h"
#include "tls/verify.h"

#define YEAR_2000 INT64_C(946684800)
#define INSIDE (YEAR_2000 + 86400)
#define LATER (YEAR_2000 + 2 * INT64_C(366) * 86400)

static char path[] = "authorities-XXXXXX";

/* Sign what pki_blank() has made; an authority if ca. */
static X509 *
issue(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
      int ca)
{
    X509 *cert = pki_blank(key);
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                            ca ? "critical,CA:TRUE" : "CA:FALSE");

    pki_name(cert, "CN", MBSTRING_UTF8, name, -1);
    pki_need(extension != NULL && X509_add_ext(cert, extension, -1) == 1
                 && X509_set_issuer_name(
                        cert, X509_get_subject_name(issuer ? issuer : cert))
                        == 1
                 && X509_sign(cert, issuer_key, EVP_sha256()) > 0,
             "a signature");
    X509_EXTENSION_free(extension);
    return cert;
}

/* A set out of a file with these two (the second may be NULL). */
static struct vouch_authorities *
set_of(X509 *one, X509 *other)
{
    struct vouch_authorities *set = NULL;
    struct vouch_error err;
    FILE *file = fopen(path, "w");

    vouch_error_clear(&err);
    pki_need(file != NULL && PEM_write_X509(file, one) == 1
                 && (other == NULL || PEM_write_X509(file, other) == 1)
                 && fclose(file) == 0,
             "a file");
    is_int(vouch_authorities_from_file(path, &set, &err), 0, "a file is read");
    return set;
}

static void
is_refused(struct vouch_authorities *set, X509 *cert, int64_t now, int why,
           const char *name)
{
    int error = 0;

    is_int(vouch_authorities_check(set, vouch_cert_borrow(cert), NULL, 0, now,
                                   &error),
           0, name);
    is_text(vouch_verify_error_text(error), vouch_verify_error_text(why),
            "and why");
    is_int(ERR_peek_error(), 0, "OpenSSL's queue is empty");
}

static void
is_accepted(struct vouch_authorities *set, X509 *cert, int64_t now,
            const char *name)
{
    int error = 77;

    is_int(vouch_authorities_check(set, vouch_cert_borrow(cert), NULL, 0, now,
                                   &error),
           1, name);
    is_int(error, 77, "no reason is told");
}

static void
test_chain(X509 *root, X509 *middle, X509 *leaf, X509 *stranger)
{
    struct vouch_authorities *set = set_of(root, NULL);
    struct vouch_cert *chain = vouch_cert_borrow(middle);
    int error = 0;

    is_accepted(set, middle, INSIDE, "what the authority has signed");
    is_refused(set, leaf, INSIDE, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
               "one whose issuer is not there");
    is_int(vouch_authorities_check(set, vouch_cert_borrow(leaf), &chain, 1,
                                   INSIDE, &error),
           1, "with its issuer beside it");
    is_refused(set, stranger, INSIDE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
               "a stranger");
    is_refused(set, middle, LATER, X509_V_ERR_CERT_HAS_EXPIRED,
               "by a later clock");
    is_refused(set, middle, YEAR_2000 - 1, X509_V_ERR_CERT_NOT_YET_VALID,
               "by an earlier one");
    vouch_authorities_free(set);
}

static void
test_itself(X509 *stranger, X509 *leaf, X509 *root)
{
    struct vouch_authorities *set = set_of(stranger, leaf);

    is_accepted(set, stranger, INSIDE, "a self-signed one in the file");
    is_accepted(set, leaf, INSIDE, "one in the file without its issuer");
    is_refused(set, root, INSIDE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
               "and nobody else");
    vouch_authorities_free(set);
}

static void
test_files(void)
{
    struct vouch_authorities *set = NULL;
    struct vouch_error err;
    FILE *file = fopen(path, "w");

    pki_need(file != NULL && fputs("no certificate\n", file) >= 0
                 && fclose(file) == 0,
             "a file");
    vouch_error_clear(&err);
    is_int(vouch_authorities_from_file(path, &set, &err), -1, "nonsense");
    is_int(err.code, VOUCH_E_FORMAT, "is told as such");
    vouch_error_clear(&err);
    is_int(vouch_authorities_from_file("no/such/file", &set, &err), -1,
           "a file that is not there");
    is_int(err.code, VOUCH_E_FILE, "is told as such");
    ok(set == NULL, "and nothing is handed out");
    vouch_authorities_free(NULL);
}

int
main(void)
{
    EVP_PKEY *keys[4];
    X509 *root;
    X509 *middle;
    X509 *leaf;
    X509 *stranger;
    size_t i;
    int fd = mkstemp(path);

    pki_need(fd != -1 && close(fd) == 0, "a temporary file");
    for (i = 0; i < 4; i++)
        keys[i] = pki_key("EC", "prime256v1");
    root = issue("Root", keys[0], NULL, keys[0], 1);
    middle = issue("Middle", keys[1], root, keys[0], 1);
    leaf = issue("Leaf", keys[2], middle, keys[1], 0);
    stranger = issue("Stranger", keys[3], NULL, keys[3], 0);
    test_chain(root, middle, leaf, stranger);
    test_itself(stranger, leaf, root);
    test_files();
    X509_free(root);
    X509_free(middle);
    X509_free(leaf);
    X509_free(stranger);
    for (i = 0; i < 4; i++)
        EVP_PKEY_free(keys[i]);
    (void) unlink(path);
    return tap_done();
}
