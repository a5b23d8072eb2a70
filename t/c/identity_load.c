/*
 * Loading identities: every form of certificate and key, passwords, what is
 * told about pairs that do not fit, and bytes that mean harm.
 */
#include "tls/identity.h"

#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include "pki.h"
#include "tap.h"

#define LIMIT 1048576

static EVP_PKEY *key;
static EVP_PKEY *other_key;
static X509 *leaf;
static X509 *issuer;
static int asked; /* how often a password was */

/* Answers with the password it is given. */
static int
answer(char *password, size_t size, void *arg)
{
    size_t length = strlen(arg);

    asked++;
    if (length > size)
        return -1;
    memcpy(password, arg, length);
    return (int) length;
}

/* Claims to have written more than there was room for. */
static int
answer_too_much(char *password, size_t size, void *arg)
{
    (void) arg;
    memset(password, 'x', size);
    return (int) size + 1;
}

/* Fills all there is room for. */
static int
answer_all(char *password, size_t size, void *arg)
{
    (void) arg;
    memset(password, 'x', size);
    return (int) size;
}

static int
load(const struct vouch_buf *cert, const struct vouch_buf *pair,
     const char *password, struct vouch_identity **identity_r,
     struct vouch_error *err)
{
    vouch_error_clear(err);
    asked = 0;
    return vouch_identity_from_mem(
        vouch_buf_data(cert), vouch_buf_length(cert), "cert.pem",
        pair != NULL ? vouch_buf_data(pair) : NULL,
        pair != NULL ? vouch_buf_length(pair) : 0, "key.pem",
        password != NULL ? answer : NULL, (void *) password, identity_r, err);
}

/* Loads as leaf and key, with so many certificates in the chain (-1: none
 * and no chain at all). */
static void
loads(const struct vouch_buf *cert, const struct vouch_buf *pair,
      const char *password, int chain, const char *name)
{
    struct vouch_identity *identity = NULL;
    struct vouch_error err;

    if (load(cert, pair, password, &identity, &err) != 0) {
        printf("# %s\n", err.text);
        ok(0, name);
        return;
    }
    ok(err.code == VOUCH_OK && ERR_peek_error() == 0
           && X509_cmp(vouch_identity_x509(identity), leaf) == 0
           && EVP_PKEY_eq(vouch_identity_pkey(identity), key) == 1
           && (chain < 0
                   ? sk_X509_num(vouch_identity_chain(identity)) <= 0
                   : sk_X509_num(vouch_identity_chain(identity)) == chain),
       name);
    vouch_identity_free(identity);
}

/* Is refused with this code and a text that begins so. */
static void
refuses(const struct vouch_buf *cert, const struct vouch_buf *pair,
        const char *password, enum vouch_code code, const char *text,
        const char *name)
{
    struct vouch_identity *identity = NULL;
    struct vouch_error err;
    int rv = load(cert, pair, password, &identity, &err);

    if (!ok(rv == -1 && identity == NULL && err.code == code
                && strncmp(err.text, text, strlen(text)) == 0
                && ERR_peek_error() == 0,
            name))
        printf("#  got %d '%s'\n# want %d '%s'\n", (int) err.code, err.text,
               (int) code, text);
}

/* Traditional DER: no PKCS#8 around it. */
static void
old_key_der(struct vouch_buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    pki_collect(out, bio, i2d_PrivateKey_bio(bio, key));
}

static void
p12_der(struct vouch_buf *out, const char *password, EVP_PKEY *p12_key,
        X509 *cert, STACK_OF(X509) *chain)
{
    PKCS12 *p12 = PKCS12_create(password, "name", p12_key, cert, chain, 0, 0,
                                0, password == NULL ? -1 : 0, 0);
    BIO *bio = BIO_new(BIO_s_mem());

    pki_need(p12 != NULL, "PKCS#12");
    pki_collect(out, bio, i2d_PKCS12_bio(bio, p12));
    PKCS12_free(p12);
}

static void
test_forms(void)
{
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *der = pki_buf();
    struct vouch_buf *buf = pki_buf();

    pki_cert_pem(pem, leaf);
    pki_cert_der(der, leaf);
    pki_key_pem(buf, key, NULL);
    loads(pem, buf, NULL, -1, "PEM and PKCS#8 PEM");
    loads(der, buf, NULL, -1, "DER and PKCS#8 PEM");
    vouch_buf_clear(buf);
    pki_key_old_pem(buf, key, NULL);
    loads(pem, buf, NULL, -1, "EC PRIVATE KEY");
    vouch_buf_clear(buf);
    pki_key_der(buf, key, NULL);
    loads(pem, buf, NULL, -1, "PKCS#8 DER");
    vouch_buf_clear(buf);
    old_key_der(buf);
    loads(der, buf, NULL, -1, "traditional DER");

    vouch_buf_clear(buf);
    pki_key_pem(buf, key, NULL);
    pki_cert_pem(buf, leaf);
    loads(buf, NULL, NULL, -1, "key and certificate in one");
    loads(buf, buf, NULL, -1, "the same twice");
    vouch_buf_clear(buf);
    (void) vouch_buf_append_text(buf, "\xef\xbb\xbf");
    pki_cert_pem(buf, leaf);
    pki_key_old_pem(buf, key, NULL);
    loads(buf, NULL, NULL, -1, "certificate and key, after an order mark");
    vouch_buf_clear(buf);
    (void) vouch_buf_append_text(buf, "-----BEGIN EC PARAMETERS-----\n"
                                      "BggqhkjOPQMBBw==\n"
                                      "-----END EC PARAMETERS-----\n");
    pki_key_old_pem(buf, key, NULL);
    loads(pem, buf, NULL, -1, "a key after its parameters");

    vouch_buf_clear(buf);
    pki_cert_pem(buf, leaf);
    pki_cert_pem(buf, issuer);
    pki_key_pem(buf, key, NULL);
    pki_cert_pem(buf, issuer);
    loads(buf, NULL, NULL, 2, "a chain around the key");
    vouch_buf_free(buf);
    vouch_buf_free(der);
    vouch_buf_free(pem);
}

static void
test_pkcs12(void)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *buf = pki_buf();

    pki_need(chain != NULL && sk_X509_push(chain, issuer) == 1, "a chain");
    pki_cert_pem(pem, leaf);
    p12_der(buf, "secret", key, leaf, chain);
    loads(buf, NULL, "secret", 1, "PKCS#12 with a chain");
    is_int(asked, 1, "asked once");
    loads(pem, buf, "secret", -1, "PKCS#12 for the key only");
    loads(buf, buf, "secret", 1, "PKCS#12 for both");
    is_int(asked, 1, "asked once even so");
    refuses(buf, NULL, NULL, VOUCH_E_PASSWORD,
            "cert.pem: the key is encrypted and no password was given; set "
            "SSL_passwd_cb",
            "PKCS#12 without a password");
    refuses(buf, NULL, "wrong", VOUCH_E_PASSWORD, "cert.pem: wrong password",
            "PKCS#12 with the wrong one");
    vouch_buf_clear(buf);
    p12_der(buf, "", key, leaf, NULL);
    loads(buf, NULL, NULL, -1, "PKCS#12 with an empty password");
    loads(buf, NULL, "secret", -1, "for which nobody is asked");
    is_int(asked, 0, "really");
    vouch_buf_clear(buf);
    p12_der(buf, NULL, key, leaf, NULL);
    loads(buf, NULL, NULL, -1, "PKCS#12 without encryption");

    vouch_buf_clear(buf);
    p12_der(buf, "", NULL, leaf, chain);
    refuses(buf, NULL, NULL, VOUCH_E_FORMAT,
            "cert.pem: no private key in this PKCS#12 file",
            "PKCS#12 without a key");
    vouch_buf_clear(pem);
    pki_key_pem(pem, key, NULL);
    loads(buf, pem, NULL, 1, "but with one beside it");
    vouch_buf_clear(buf);
    p12_der(buf, "", key, NULL, NULL);
    refuses(buf, NULL, NULL, VOUCH_E_FORMAT,
            "cert.pem: no certificate in this PKCS#12 file",
            "PKCS#12 without a certificate");
    sk_X509_free(chain);
    vouch_buf_free(buf);
    vouch_buf_free(pem);
}

static void
test_passwords(void)
{
    static const struct {
        const char *name;
        void (*write)(struct vouch_buf *out, EVP_PKEY *pkey,
                      const char *password);
    } forms[] = {
        {"encrypted PKCS#8 PEM", pki_key_pem},
        {"an old encrypted PEM key", pki_key_old_pem},
        {"encrypted PKCS#8 DER", pki_key_der},
    };
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *buf = pki_buf();
    size_t i;

    pki_cert_pem(pem, leaf);
    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        vouch_buf_clear(buf);
        forms[i].write(buf, key,
                       "s\xc3\xa9"
                       "cret");
        loads(pem, buf,
              "s\xc3\xa9"
              "cret",
              -1, forms[i].name);
        is_int(asked, 1, "asked once");
        refuses(pem, buf, NULL, VOUCH_E_PASSWORD,
                "key.pem: the key is encrypted and no password was given; "
                "set SSL_passwd_cb",
                "no password");
        refuses(pem, buf, "wrong", VOUCH_E_PASSWORD, "key.pem: wrong password",
                "the wrong password");
        refuses(pem, buf, "", VOUCH_E_PASSWORD, "key.pem: wrong password",
                "an empty password");
    }
    vouch_buf_clear(buf);
    pki_key_pem(buf, key, NULL);
    loads(pem, buf, "secret", -1, "a key without encryption");
    is_int(asked, 0, "nobody is asked for it");
    vouch_buf_clear(buf);
    pki_key_pem(buf, other_key, "secret");
    refuses(pem, buf, "secret", VOUCH_E_MISMATCH, "key.pem does not match",
            "the right password of another key");
    vouch_buf_free(buf);
    vouch_buf_free(pem);
}

/* Wrong passwords by the hundred: now and then one of them decrypts to
 * something that ends as it should. */
static void
test_many_passwords(void)
{
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *buf = pki_buf();
    struct vouch_identity *identity = NULL;
    struct vouch_error err;
    char password[16];
    int wrong = 0;
    int i;

    pki_cert_pem(pem, leaf);
    pki_key_old_pem(buf, key, "secret");
    for (i = 0; i < 1000; i++) {
        (void) snprintf(password, sizeof(password), "%d", i);
        if (load(pem, buf, password, &identity, &err) != -1
            || err.code != VOUCH_E_PASSWORD)
            wrong++;
    }
    is_int(wrong, 0, "1000 wrong passwords are all told so");
    vouch_buf_free(buf);
    vouch_buf_free(pem);
}

static void
test_callbacks(void)
{
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *buf = pki_buf();
    struct vouch_identity *identity = NULL;
    struct vouch_error err;
    char password[1025];

    memset(password, 'x', 1024);
    password[1024] = '\0';
    pki_cert_pem(pem, leaf);
    pki_key_der(buf, key, password);
    vouch_error_clear(&err);
    ok(vouch_identity_from_mem(vouch_buf_data(pem), vouch_buf_length(pem), "c",
                               vouch_buf_data(buf), vouch_buf_length(buf), "k",
                               answer_too_much, NULL, &identity, &err)
               == -1
           && err.code == VOUCH_E_PASSWORD,
       "a callback that claims too much gives none");
    vouch_error_clear(&err);
    ok(vouch_identity_from_mem(vouch_buf_data(pem), vouch_buf_length(pem), "c",
                               vouch_buf_data(buf), vouch_buf_length(buf), "k",
                               answer_all, NULL, &identity, &err)
           == 0,
       "a password of all 1024 bytes");
    vouch_identity_free(identity);
    vouch_buf_free(buf);
    vouch_buf_free(pem);
}

/* Encryption that only the legacy provider knows. */
static void
test_unsupported(void)
{
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(context, "legacy");
    OSSL_PROVIDER *plain = OSSL_PROVIDER_load(context, "default");
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *buf = pki_buf();
    X509_SIG *sealed = NULL;
    PKCS12 *p12 = NULL;
    BIO *bio;

    pki_cert_pem(pem, leaf);
    if (legacy != NULL) {
        sealed = PKCS8_encrypt_ex(NID_pbeWithMD5AndDES_CBC, NULL, "secret", 6,
                                  NULL, 0, 0, info, context, NULL);
        p12 = PKCS12_create_ex(
            "secret", "n", key, leaf, NULL, NID_pbe_WithSHA1And40BitRC2_CBC,
            NID_pbe_WithSHA1And40BitRC2_CBC, 0, 0, 0, context, NULL);
    }
    if (sealed == NULL || p12 == NULL) {
        printf("# no legacy provider here\n");
        goto out;
    }
    bio = BIO_new(BIO_s_mem());
    pki_collect(buf, bio, PEM_write_bio_PKCS8(bio, sealed));
    refuses(pem, buf, "secret", VOUCH_E_FORMAT,
            "key.pem: encrypted in a way that this OpenSSL does not offer",
            "a key encrypted with DES");
    vouch_buf_clear(buf);
    bio = BIO_new(BIO_s_mem());
    pki_collect(buf, bio, i2d_PKCS12_bio(bio, p12));
    refuses(buf, NULL, "secret", VOUCH_E_FORMAT,
            "cert.pem: encrypted in a way that this OpenSSL does not offer",
            "PKCS#12 encrypted with RC2");
    refuses(buf, NULL, "wrong", VOUCH_E_PASSWORD, "cert.pem: wrong password",
            "the wrong password goes first");

out:
    PKCS12_free(p12);
    X509_SIG_free(sealed);
    vouch_buf_free(buf);
    vouch_buf_free(pem);
    PKCS8_PRIV_KEY_INFO_free(info);
    (void) OSSL_PROVIDER_unload(plain);
    (void) OSSL_PROVIDER_unload(legacy);
    OSSL_LIB_CTX_free(context);
}

static void
test_mismatch(void)
{
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *buf = pki_buf();
    EVP_PKEY *rsa = pki_rsa("RSA", 2048);

    pki_cert_pem(pem, leaf);
    pki_key_pem(buf, other_key, NULL);
    refuses(pem, buf, NULL, VOUCH_E_MISMATCH,
            "key.pem does not match cert.pem: the key belongs to another "
            "certificate; use the pair that was made together",
            "another key");
    (void) vouch_buf_append_text(buf, vouch_buf_text(pem));
    refuses(buf, NULL, NULL, VOUCH_E_MISMATCH,
            "cert.pem: the key in it does not match the certificate",
            "another key in the same file");
    vouch_buf_clear(buf);
    pki_key_pem(buf, rsa, NULL);
    refuses(pem, buf, NULL, VOUCH_E_MISMATCH,
            "key.pem does not match cert.pem", "a key of another kind");
    vouch_buf_clear(pem);
    pki_cert_pem(pem, issuer);
    pki_cert_pem(pem, issuer);
    pki_cert_pem(pem, leaf);
    vouch_buf_clear(buf);
    pki_key_pem(buf, key, NULL);
    refuses(pem, buf, NULL, VOUCH_E_MISMATCH,
            "key.pem does not match the first certificate in cert.pem but "
            "number 3; put that one first",
            "the chain in the wrong order");
    EVP_PKEY_free(rsa);
    vouch_buf_free(buf);
    vouch_buf_free(pem);
}

static void
test_refused(void)
{
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *key_pem = pki_buf();
    struct vouch_buf *buf = pki_buf();

    pki_cert_pem(pem, leaf);
    pki_key_pem(key_pem, key, NULL);
    refuses(buf, key_pem, NULL, VOUCH_E_FORMAT, "cert.pem: is empty",
            "an empty certificate");
    refuses(pem, buf, NULL, VOUCH_E_FORMAT, "key.pem: is empty",
            "an empty key");
    refuses(key_pem, pem, NULL, VOUCH_E_FORMAT,
            "cert.pem: not a certificate: this file holds a private key",
            "the files mixed up");
    refuses(pem, pem, NULL, VOUCH_E_FORMAT,
            "key.pem: no private key in it: it holds certificates only",
            "a certificate for a key");
    refuses(pem, NULL, NULL, VOUCH_E_FORMAT,
            "cert.pem: no private key in it: it holds certificates only; "
            "give the key's file (SSL_key_file)",
            "no key anywhere");
    pki_cert_der(buf, leaf);
    refuses(buf, NULL, NULL, VOUCH_E_FORMAT,
            "cert.pem: no private key in it: it holds a certificate only; "
            "give the key's file (SSL_key_file)",
            "no key in DER");
    vouch_buf_clear(buf);
    (void) vouch_buf_append_text(buf, "Hello");
    refuses(pem, buf, NULL, VOUCH_E_FORMAT,
            "key.pem: not a private key (neither PEM nor DER)", "words");
    vouch_buf_clear(buf);
    (void) vouch_buf_append_text(buf, "0hello");
    refuses(pem, buf, NULL, VOUCH_E_FORMAT,
            "key.pem: the private key in it cannot be read: ", "broken DER");
    vouch_buf_clear(buf);
    pki_replace(buf, key_pem, "KEY-----\nMI", "KEY-----\nMA");
    refuses(
        pem, buf, NULL, VOUCH_E_FORMAT,
        "key.pem: the private key in it cannot be read: ", "a damaged key");
    vouch_buf_clear(buf);
    pki_replace(buf, pem, "CERTIFICATE", "PUBLIC KEY");
    refuses(pem, buf, NULL, VOUCH_E_FORMAT,
            "key.pem: no private key in it: no PRIVATE KEY block",
            "another block");
    vouch_buf_free(buf);
    vouch_buf_free(key_pem);
    vouch_buf_free(pem);
}

static void
test_size(void)
{
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *small = pki_buf();
    struct vouch_buf *buf = pki_buf();

    pki_cert_pem(pem, leaf);
    pki_key_pem(small, key, NULL);
    while (vouch_buf_length(buf) < LIMIT - 1 - vouch_buf_length(small))
        (void) vouch_buf_append(buf, "\n", 1);
    (void) vouch_buf_append_text(buf, vouch_buf_text(small));
    loads(pem, buf, NULL, -1, "a key file one byte below the limit");
    (void) vouch_buf_append(buf, "\n", 1);
    loads(pem, buf, NULL, -1, "at the limit");
    (void) vouch_buf_append(buf, "\n", 1);
    refuses(pem, buf, NULL, VOUCH_E_LIMIT,
            "key.pem: larger than 1048576 bytes", "above the limit");
    refuses(buf, small, NULL, VOUCH_E_LIMIT,
            "cert.pem: larger than 1048576 bytes",
            "a certificate above the limit");
    vouch_buf_free(buf);
    vouch_buf_free(small);
    vouch_buf_free(pem);
}

static void
test_files(void)
{
    struct vouch_identity *identity = NULL;
    struct vouch_error err;

    vouch_error_clear(&err);
    ok(vouch_identity_load("/nonexistent/c", "/nonexistent/k", NULL, NULL,
                           &identity, &err)
               == -1
           && err.code == VOUCH_E_FILE && identity == NULL
           && strstr(err.text, "/nonexistent/c") != NULL,
       "a missing file is told by its name");
    vouch_error_clear(&err);
    ok(vouch_identity_load("/", NULL, NULL, NULL, &identity, &err) == -1
           && err.code == VOUCH_E_FORMAT,
       "a folder is no identity");
}

int
main(void)
{
    key = pki_key("EC", "prime256v1");
    other_key = pki_key("EC", "prime256v1");
    leaf = pki_cert(key, "leaf");
    issuer = pki_cert(other_key, "issuer");
    test_forms();
    test_pkcs12();
    test_passwords();
    test_many_passwords();
    test_callbacks();
    test_unsupported();
    test_mismatch();
    test_refused();
    test_size();
    test_files();
    X509_free(issuer);
    X509_free(leaf);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(key);
    return tap_done();
}
