/*
 * The identity as an object: references, its parts as PEM, saving to files.
 */
#include "tls/identity.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "pki.h"
#include "tap.h"

static char folder[] = "/tmp/vouch-identity-XXXXXX";
static char cert_file[64];
static char key_file[64];

static struct vouch_identity *
create(const char *cn)
{
    struct vouch_identity_spec spec = {cn, NULL, NULL, 0, 0, 1};
    struct vouch_identity *identity = NULL;

    pki_need(vouch_identity_create(&spec, &identity, NULL) == 0,
             "an identity");
    return identity;
}

static void
test_object(void)
{
    struct vouch_identity *identity = create("object");
    struct vouch_buf *buf = pki_buf();
    struct vouch_buf *small = vouch_buf_new(20);

    ok(vouch_identity_ref(identity) == identity, "a reference");
    vouch_identity_free(identity);
    ok(vouch_identity_cert(identity) == vouch_identity_cert(identity),
       "lives on after one of two is dropped");
    ok(vouch_identity_x509(identity)
           == vouch_cert_x509(vouch_identity_cert(identity)),
       "the certificate is OpenSSL's object");
    ok(vouch_identity_pkey(identity) != NULL, "there is a key");
    ok(vouch_identity_chain(identity) == NULL, "and no chain");
    ok(vouch_identity_key_pem(identity, buf) == 0
           && strncmp(vouch_buf_text(buf), "-----BEGIN PRIVATE KEY-----\n", 28)
                  == 0,
       "the key as PKCS#8");
    vouch_buf_clear(buf);
    ok(vouch_identity_cert_pem(identity, buf) == 0
           && strncmp(vouch_buf_text(buf), "-----BEGIN CERTIFICATE-----\n", 28)
                  == 0,
       "the certificate as PEM");
    is_int(vouch_identity_key_pem(identity, small), -1, "no room for it");
    vouch_buf_clear(small);
    is_int(vouch_identity_cert_pem(identity, small), -1,
           "nor for the certificate");
    ok(vouch_identity_ref(NULL) == NULL, "no reference to nothing");
    vouch_identity_free(NULL);
    vouch_buf_free(small);
    vouch_buf_free(buf);
    vouch_identity_free(identity);
}

static void
test_from_openssl(void)
{
    EVP_PKEY *key = pki_key("EC", "prime256v1");
    EVP_PKEY *other = pki_key("EC", "prime256v1");
    X509 *cert = pki_cert(key, "leaf");
    X509 *issuer = pki_cert(other, "issuer");
    void *chain[2] = {issuer, cert};
    struct vouch_identity *identity = NULL;
    struct vouch_buf *buf = pki_buf();
    struct vouch_buf *wanted = pki_buf();
    struct vouch_error err;

    vouch_error_clear(&err);
    ok(vouch_identity_from_openssl(cert, other, NULL, 0, &identity, &err) == -1
           && err.code == VOUCH_E_MISMATCH && identity == NULL
           && ERR_peek_error() == 0,
       "another key");
    vouch_error_clear(&err);
    ok(vouch_identity_from_openssl(NULL, key, NULL, 0, &identity, &err) == -1
           && err.code == VOUCH_E_ARGUMENT,
       "no certificate");
    vouch_error_clear(&err);
    ok(vouch_identity_from_openssl(cert, NULL, NULL, 0, &identity, &err) == -1
           && err.code == VOUCH_E_ARGUMENT,
       "no key");
    vouch_error_clear(&err);
    is_int(vouch_identity_from_openssl(cert, key, chain, 2, &identity, &err),
           0, "with a chain");
    pki_cert_pem(wanted, cert);
    pki_cert_pem(wanted, issuer);
    pki_cert_pem(wanted, cert);
    X509_free(issuer);
    X509_free(cert);
    EVP_PKEY_free(other);
    EVP_PKEY_free(key);
    is_int(vouch_identity_cert_pem(identity, buf), 0,
           "the caller's references may go");
    is_text(vouch_buf_text(buf), vouch_buf_text(wanted),
            "leaf and chain in their order");
    vouch_identity_free(identity);
    vouch_buf_free(wanted);
    vouch_buf_free(buf);
}

static int
mode_of(const char *path)
{
    struct stat facts;

    return stat(path, &facts) == 0 ? (int) (facts.st_mode & 0777) : -1;
}

/* Whether both files together are this identity. */
static int
holds(const struct vouch_identity *identity)
{
    struct vouch_identity *back = NULL;
    struct vouch_error err;
    int same;

    vouch_error_clear(&err);
    if (vouch_identity_load(cert_file, key_file, NULL, NULL, &back, &err)
        != 0) {
        printf("# %s\n", err.text);
        return 0;
    }
    same = X509_cmp(vouch_identity_x509(back), vouch_identity_x509(identity))
           == 0;
    vouch_identity_free(back);
    return same;
}

static void
write_file(const char *path, const char *text)
{
    pki_need(
        vouch_file_write(path, text, strlen(text), VOUCH_FILE_REPLACE, NULL)
            == 0,
        path);
}

static void
test_save(void)
{
    struct vouch_identity *first = create("first");
    struct vouch_identity *second = create("second");
    struct vouch_error err;

    vouch_error_clear(&err);
    is_int(vouch_identity_save(first, cert_file, key_file, 0, &err), 0,
           "saved");
    is_int(mode_of(cert_file), 0644, "the certificate is everybody's");
    is_int(mode_of(key_file), 0600, "the key is not");
    ok(holds(first), "and loaded again");

    ok(vouch_identity_save(second, cert_file, key_file, 0, &err) == -1
           && err.code == VOUCH_E_EXISTS && strstr(err.text, key_file) != NULL,
       "not over existing files");
    ok(holds(first), "which stay as they were");
    vouch_error_clear(&err);
    is_int(vouch_identity_save(second, cert_file, key_file, 1, &err), 0,
           "unless told so");
    is_int(mode_of(key_file), 0600, "the key is still not everybody's");
    ok(holds(second), "then they are replaced");
    vouch_identity_free(first);
    vouch_identity_free(second);
}

/* When one of both files is there already. */
static void
test_half(void)
{
    struct vouch_identity *identity = create("half");
    struct vouch_error err;

    (void) unlink(key_file);
    write_file(cert_file, "precious");
    vouch_error_clear(&err);
    ok(vouch_identity_save(identity, cert_file, key_file, 0, &err) == -1
           && err.code == VOUCH_E_EXISTS
           && strstr(err.text, cert_file) != NULL,
       "the certificate's file is there");
    is_int(mode_of(key_file), -1, "then the key is not written either");
    (void) unlink(cert_file);
    pki_need(symlink("nowhere", cert_file) == 0, "a link");
    vouch_error_clear(&err);
    ok(vouch_identity_save(identity, cert_file, key_file, 0, &err) == -1
           && err.code == VOUCH_E_EXISTS,
       "a dangling link is there, too");
    (void) unlink(cert_file);
    vouch_identity_free(identity);
}

static void
test_save_errors(void)
{
    struct vouch_identity *identity = create("errors");
    char lost[96];
    struct vouch_error err;

    vouch_error_clear(&err);
    ok(vouch_identity_save(identity, cert_file, cert_file, 1, &err) == -1
           && err.code == VOUCH_E_ARGUMENT && mode_of(cert_file) == -1,
       "one file for both");
    (void) snprintf(lost, sizeof(lost), "%s/none/cert.pem", folder);
    vouch_error_clear(&err);
    ok(vouch_identity_save(identity, cert_file, lost, 0, &err) == -1
           && err.code == VOUCH_E_FILE && mode_of(cert_file) == -1,
       "the key cannot be written: no certificate");
    vouch_error_clear(&err);
    ok(vouch_identity_save(identity, lost, key_file, 0, &err) == -1
           && err.code == VOUCH_E_FILE && err.sys_errno != 0
           && strstr(err.text, lost) != NULL
           && strstr(err.text, key_file) != NULL,
       "the certificate cannot be written: the key has been, it says");
    is_int(mode_of(key_file), 0600, "and so it is");
    ok(vouch_identity_save(identity, lost, key_file, 1, NULL) == -1,
       "also without an error to tell it in");
    (void) unlink(key_file);
    vouch_identity_free(identity);
}

int
main(void)
{
    pki_need(mkdtemp(folder) != NULL, folder);
    (void) snprintf(cert_file, sizeof(cert_file), "%s/cert.pem", folder);
    (void) snprintf(key_file, sizeof(key_file), "%s/key.pem", folder);
    (void) umask(022);
    test_object();
    test_from_openssl();
    test_save();
    test_half();
    test_save_errors();
    (void) unlink(cert_file);
    (void) unlink(key_file);
    is_int(rmdir(folder), 0, "no temporary file is left");
    return tap_done();
}
