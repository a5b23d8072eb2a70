/*
 * tls/config: DH parameters, ciphers by name, staples, OpenSSL's own objects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tls/config.h"
#include "tls/ocsp.h"
#include "tls_pair.h"

static struct vouch_identity *alex;
static struct vouch_error err;
static char folder[64] = "/tmp/vouch-config-XXXXXX";
static char dh_file[96];
static char other_file[96];

static struct vouch_config *
fresh(enum vouch_role role)
{
    struct vouch_config *config = NULL;

    vouch_error_clear(&err);
    pki_need(vouch_config_new(role, &config, &err) == 0, err.text);
    return config;
}

static void
write_file(const char *path, const struct vouch_buf *text)
{
    FILE *file = fopen(path, "wb");

    pki_need(
        file != NULL
            && fwrite(vouch_buf_data(text), 1, vouch_buf_length(text), file)
                   == vouch_buf_length(text)
            && fclose(file) == 0,
        path);
}

/* Parameters of a standard group, so that making them costs nothing. */
static void
write_dh(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    EVP_PKEY *params = NULL;
    struct vouch_buf *pem = pki_buf();
    BIO *bio = BIO_new(BIO_s_mem());

    pki_need(EVP_PKEY_paramgen_init(ctx) == 1
                 && EVP_PKEY_CTX_set_dh_nid(ctx, NID_ffdhe2048) == 1
                 && EVP_PKEY_paramgen(ctx, &params) == 1,
             "DH parameters");
    pki_collect(pem, bio, PEM_write_bio_Parameters(bio, params));
    write_file(dh_file, pem);
    vouch_buf_free(pem);
    EVP_PKEY_free(params);
    EVP_PKEY_CTX_free(ctx);
}

static void
make_files(void)
{
    struct vouch_buf *text = pki_buf();

    pki_need(mkdtemp(folder) != NULL, folder);
    (void) snprintf(dh_file, sizeof(dh_file), "%s/dh.pem", folder);
    (void) snprintf(other_file, sizeof(other_file), "%s/other.pem", folder);
    pki_need(vouch_identity_cert_pem(alex, text) == 0, "PEM");
    write_file(other_file, text);
    vouch_buf_free(text);
    write_dh();
}

static void
check_taken(int result, const char *name)
{
    is_int(result, 0, name);
    is_text(err.text, "", "leaves no error");
}

static void
check_refused(int result, enum vouch_code code, const char *word,
              const char *name)
{
    is_int(result, -1, name);
    is_int(err.code, code, "its code");
    ok(strstr(err.text, word) != NULL, err.text);
    is_int(ERR_peek_error(), 0, "nothing is left in OpenSSL's queue");
    vouch_error_clear(&err);
}

static void
test_dh(void)
{
    struct vouch_config *config = fresh(VOUCH_SERVER);

    check_taken(vouch_config_set_dh_file(config, dh_file, &err),
                "DH parameters");
    check_refused(vouch_config_set_dh_file(config, "/nonexistent", &err),
                  VOUCH_E_FILE, "nonexistent", "no file");
    check_refused(vouch_config_set_dh_file(config, other_file, &err),
                  VOUCH_E_FORMAT, "holds no DH parameters", "a certificate");
    check_refused(vouch_config_set_dh_openssl(config, NULL, &err),
                  VOUCH_E_CONFIG, "DH parameters", "no parameters");
    pki_need(vouch_config_freeze(config, &err) == 0, err.text);
    check_refused(vouch_config_set_dh_file(config, dh_file, &err),
                  VOUCH_E_CONFIG, "in use", "a file, once frozen");
    check_refused(vouch_config_set_dh_openssl(config, NULL, &err),
                  VOUCH_E_CONFIG, "in use", "parameters, once frozen");
    vouch_config_free(config);
}

static int
name_ciphers(struct vouch_config *config, const char *list,
             struct vouch_error *error)
{
    return vouch_config_set_name_ciphers(config, "a.example", list, error);
}

static int
ciphers_of_name(struct vouch_config *config, const char *name,
                struct vouch_error *error)
{
    return vouch_config_set_name_ciphers(config, name, "HIGH", error);
}

static void
test_ciphers_by_name(void)
{
    struct vouch_config *config = fresh(VOUCH_SERVER);
    struct vouch_config *client = fresh(VOUCH_CLIENT);

    check_taken(name_ciphers(config, "HIGH", &err), "ciphers by name");
    check_taken(name_ciphers(config, "HIGH:!aNULL", &err), "others");
    check_taken(ciphers_of_name(config, "*.a.example", &err), "of many names");
    check_refused(name_ciphers(config, "NOSUCH", &err), VOUCH_E_CONFIG,
                  "NOSUCH", "none");
    check_refused(ciphers_of_name(config, "a*", &err), VOUCH_E_ARGUMENT,
                  "is not a server name", "a name that is none");
    check_refused(name_ciphers(client, "HIGH", &err), VOUCH_E_ARGUMENT,
                  "are a server's", "for a client");
    pki_need(vouch_config_freeze(config, &err) == 0, err.text);
    check_refused(name_ciphers(config, "HIGH", &err), VOUCH_E_CONFIG, "in use",
                  "once frozen");
    vouch_config_free(config);
    vouch_config_free(client);
}

static int
staples(struct vouch_config *config, int mode, struct vouch_error *error)
{
    return vouch_config_set_ocsp(config, mode, NULL, error);
}

static void
test_staple_modes(void)
{
    static const struct {
        int mode;
        int result;
    } cases[] = {{0, 0},   {1, 0},  {2, 0},   {30, 0},
                 {17, -1}, {3, -1}, {32, -1}, {-1, -1}};
    struct vouch_config *config = fresh(VOUCH_CLIENT);
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].result == 0)
            check_taken(staples(config, cases[i].mode, &err), "a mode");
        else
            check_refused(staples(config, cases[i].mode, &err),
                          VOUCH_E_ARGUMENT, "OCSP mode", "no mode");
    }
    pki_need(staples(config, 0, &err) == 0
                 && vouch_config_freeze(config, &err) == 0,
             err.text);
    check_refused(staples(config, 0, &err), VOUCH_E_CONFIG, "in use",
                  "once frozen");
    vouch_config_free(config);
}

/* A staple is demanded only where it is looked at. */
static void
test_staple_policies(void)
{
    static const struct {
        const char *name;
        enum vouch_role role;
        int mode;
        int result;
    } cases[] = {
        {"a client that checks", VOUCH_CLIENT, VOUCH_VERIFY_PEER, 0},
        {"a client that does not", VOUCH_CLIENT, VOUCH_VERIFY_NONE, -1},
        {"a client that takes any", VOUCH_CLIENT, VOUCH_VERIFY_ANY, -1},
        {"a server", VOUCH_SERVER, VOUCH_VERIFY_PEER, -1},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vouch_config *config = fresh(cases[i].role);

        pki_need(vouch_config_set_verify(config, cases[i].mode, &err) == 0
                     && staples(config, VOUCH_OCSP_MUST_STAPLE, &err) == 0,
                 err.text);
        is_int(vouch_config_freeze(config, &err), cases[i].result,
               cases[i].name);
        is_int(err.code, cases[i].result == 0 ? VOUCH_OK : VOUCH_E_CONFIG,
               "its code");
        vouch_config_free(config);
    }
    is_text(vouch_staple_name(VOUCH_STAPLE_GOOD), "good", "names of staples");
    is_text(vouch_staple_name((enum vouch_staple) 99), "none",
            "also of what is none");
}

/* OpenSSL's own objects: references of ours. */
static void
test_openssl_objects(void)
{
    struct vouch_config *config = fresh(VOUCH_SERVER);
    X509 *cert = X509_dup(vouch_identity_x509(alex));

    is_int(vouch_config_add_ca_openssl(config, cert, &err), 0, "trust one");
    is_int(vouch_config_add_client_ca_openssl(config, cert, &err), 0,
           "name one to clients");
    X509_free(cert);
    is_int(sk_X509_NAME_num(
               SSL_CTX_get_client_CA_list(vouch_config_ssl_ctx(config))),
           1, "which is freed since");
    vouch_config_free(config);
}

int
main(void)
{
    alex = pair_identity("Alex", NULL);
    make_files();
    test_dh();
    test_ciphers_by_name();
    test_staple_modes();
    test_staple_policies();
    test_openssl_objects();
    (void) unlink(dh_file);
    (void) unlink(other_file);
    (void) rmdir(folder);
    vouch_identity_free(alex);
    return tap_done();
}
