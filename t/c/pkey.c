/*
 * Private keys by themselves: made, read, written, lent to OpenSSL.
 */
#include "tls/pkey.h"

#include <sys/stat.h>
#include <unistd.h>

#include "pki.h"
#include "tap.h"

static int
secret(char *password, size_t size, void *arg)
{
    int *asked = arg;

    (*asked)++;
    pki_need(size >= 6, "room for a password");
    memcpy(password, "secret", 6);
    return 6;
}

/* The code of the failure, and that nothing was handed out. */
static int
code_of(int rv, const struct vouch_pkey *key, const struct vouch_error *err)
{
    ok(rv == -1 && key == NULL && err->text[0] != '\0'
           && ERR_peek_error() == 0,
       "fails with a reason, and OpenSSL's queue is empty");
    return err->code;
}

static void
test_kinds(void)
{
    static const struct {
        const char *kind;
        const char *type;
        int bits;
    } kinds[] = {
        {NULL, "EC", 256},         {"ec:secp384r1", "EC", 384},
        {"rsa:2048", "RSA", 2048}, {"ed25519", "ED25519", 256},
        {"ec:P-521", "EC", 521},
    };
    struct vouch_pkey *key = NULL;
    struct vouch_error err;
    size_t i;

    vouch_error_clear(&err);
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        is_int(vouch_pkey_create(kinds[i].kind, &key, &err), 0,
               kinds[i].kind != NULL ? kinds[i].kind : "the default");
        is_text(vouch_pkey_type(key), kinds[i].type, "its type");
        is_int(vouch_pkey_bits(key), kinds[i].bits, "its size");
        vouch_pkey_free(key);
        key = NULL;
    }
    is_int(code_of(vouch_pkey_create("rsa:1024", &key, &err), key, &err),
           VOUCH_E_ARGUMENT, "a kind that peers refuse");
}

static void
test_asked_for(void)
{
    static const unsigned wrong[] = {0, 8, 504, 511, 513, 8200, 0xFFFFFFFF};
    struct vouch_pkey *key = NULL;
    struct vouch_error err;
    size_t i;

    vouch_error_clear(&err);
    is_int(vouch_pkey_create_rsa(512, &key, &err), 0, "the smallest RSA key");
    is_int(vouch_pkey_bits(key), 512, "its size");
    vouch_pkey_free(key);
    key = NULL;
    is_int(vouch_pkey_create_ec("secp256k1", &key, &err), 0,
           "a curve that TLS does not have");
    is_int(vouch_pkey_bits(key), 256, "its size");
    vouch_pkey_free(key);
    key = NULL;
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        vouch_error_clear(&err);
        is_int(code_of(vouch_pkey_create_rsa(wrong[i], &key, &err), key, &err),
               VOUCH_E_ARGUMENT, "no such RSA key");
    }
    vouch_error_clear(&err);
    is_int(code_of(vouch_pkey_create_ec("nosuch", &key, &err), key, &err),
           VOUCH_E_ARGUMENT, "no such curve");
    vouch_error_clear(&err);
    is_int(code_of(vouch_pkey_create_ec("", &key, &err), key, &err),
           VOUCH_E_ARGUMENT, "a curve without a name");
}

static void
test_read(void)
{
    EVP_PKEY *openssl = pki_key("EC", "prime256v1");
    struct vouch_buf *pem = pki_buf();
    struct vouch_buf *sealed = pki_buf();
    struct vouch_buf *again = pki_buf();
    struct vouch_pkey *key = NULL;
    struct vouch_error err;
    int asked = 0;

    vouch_error_clear(&err);
    pki_key_pem(pem, openssl, NULL);
    pki_key_pem(sealed, openssl, "secret");
    is_int(vouch_pkey_from_mem(vouch_buf_data(pem), vouch_buf_length(pem), "k",
                               secret, &asked, &key, &err),
           0, "PEM is read");
    is_int(asked, 0, "nobody was asked for a password");
    ok(vouch_pkey_pem(key, again) == 0
           && strcmp(vouch_buf_text(again), vouch_buf_text(pem)) == 0,
       "and written again, the same");
    vouch_pkey_free(key);
    key = NULL;
    is_int(vouch_pkey_from_mem(vouch_buf_data(sealed),
                               vouch_buf_length(sealed), "k", secret, &asked,
                               &key, &err),
           0, "encrypted PEM is read");
    is_int(asked, 1, "the password was asked for once");
    is_int(EVP_PKEY_eq(vouch_pkey_evp(key), openssl), 1, "it is that key");
    vouch_pkey_free(key);
    key = NULL;
    is_int(code_of(vouch_pkey_from_mem(vouch_buf_data(sealed),
                                       vouch_buf_length(sealed), "k", NULL,
                                       NULL, &key, &err),
                   key, &err),
           VOUCH_E_PASSWORD, "without a password");
    vouch_error_clear(&err);
    is_int(code_of(vouch_pkey_from_mem("", 0, "k", NULL, NULL, &key, &err),
                   key, &err),
           VOUCH_E_FORMAT, "nothing");
    vouch_error_clear(&err);
    is_int(
        code_of(vouch_pkey_from_mem("hello", 5, "k", NULL, NULL, &key, &err),
                key, &err),
        VOUCH_E_FORMAT, "something else");
    vouch_buf_free(again);
    vouch_buf_free(sealed);
    vouch_buf_free(pem);
    EVP_PKEY_free(openssl);
}

static void
test_file(void)
{
    char path[64];
    struct stat facts;
    struct vouch_pkey *key = NULL;
    struct vouch_pkey *back = NULL;
    struct vouch_error err;

    vouch_error_clear(&err);
    (void) snprintf(path, sizeof(path), "/tmp/vouch-pkey-%ld",
                    (long) getpid());
    pki_need(vouch_pkey_create(NULL, &key, &err) == 0, "a key");
    is_int(vouch_pkey_save(key, path, 0, &err), 0, "saved");
    ok(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0600,
       "for its owner's eyes");
    is_int(vouch_pkey_save(key, path, 0, &err), -1, "not replaced");
    is_int(err.code, VOUCH_E_EXISTS, "because it exists");
    is_int(vouch_pkey_save(key, path, 1, NULL), 0, "replaced if told so");
    vouch_error_clear(&err);
    is_int(vouch_pkey_from_file(path, NULL, NULL, &back, &err), 0, "loaded");
    is_int(EVP_PKEY_eq(vouch_pkey_evp(back), vouch_pkey_evp(key)), 1,
           "it is that key");
    vouch_pkey_free(back);
    back = NULL;
    (void) unlink(path);
    is_int(code_of(vouch_pkey_from_file(path, NULL, NULL, &back, &err), back,
                   &err),
           VOUCH_E_FILE, "a file that is not there");
    vouch_pkey_free(key);
}

static void
test_lent(void)
{
    EVP_PKEY *openssl = pki_key("ED25519", NULL);
    struct vouch_pkey *key = vouch_pkey_of_evp(openssl);

    EVP_PKEY_free(openssl);
    ok(vouch_pkey_evp(key) == openssl, "the key is OpenSSL's own");
    is_text(vouch_pkey_type(key), "ED25519", "with a reference of ours");
    ok(vouch_pkey_ref(key) == key, "a further one");
    vouch_pkey_free(key);
    is_int(vouch_pkey_bits(key), 256, "is counted");
    vouch_pkey_free(key);
    vouch_pkey_free(NULL);
    ok(vouch_pkey_ref(NULL) == NULL && vouch_pkey_of_evp(NULL) == NULL,
       "NULL is no key");
}

int
main(void)
{
    test_kinds();
    test_asked_for();
    test_read();
    test_file();
    test_lent();
    return tap_done();
}
