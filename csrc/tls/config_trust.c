/*
 * The part of a configuration that says whom to trust.
 */
#include "tls/private.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/buffer.h"
#include "base/file.h"
#include "tls/certificate.h"
#include "tls/decode.h"
#include "tls/pins.h"

#define CA_MAX (16 * VOUCH_CERT_MAX) /* bytes of one file of authorities */

/* All that a PEM text holds, or NULL.  Nothing in it is worth a password:
 * OpenSSL would ask for one on the terminal. */
static STACK_OF(X509_INFO) *
read_pem(const void *pem, size_t length)
{
    STACK_OF(X509_INFO) *infos = NULL;
    BIO *bio = NULL;

    if (length > CA_MAX)
        return NULL;
    bio = BIO_new_mem_buf(pem, (int) length);
    if (bio != NULL)
        infos =
            PEM_X509_INFO_read_bio(bio, NULL, vouch_decode_no_password, NULL);
    BIO_free(bio);
    return infos;
}

/* Add every certificate and list of a PEM text; how many, or -1. */
static int
add_pem(struct vouch_config *config, const void *pem, size_t length,
        int *certs_r, int *lists_r)
{
    X509_STORE *store = SSL_CTX_get_cert_store(config->ctx);
    STACK_OF(X509_INFO) *infos = read_pem(pem, length);
    int result = -1;
    int i;

    *certs_r = 0;
    *lists_r = 0;
    if (infos == NULL)
        return -1;
    for (i = 0; i < sk_X509_INFO_num(infos); i++) {
        X509_INFO *info = sk_X509_INFO_value(infos, i);

        if (info->x509 != NULL) {
            if (!X509_STORE_add_cert(store, info->x509))
                goto out;
            (*certs_r)++;
        }
        if (info->crl != NULL) {
            if (!X509_STORE_add_crl(store, info->crl))
                goto out;
            (*lists_r)++;
        }
    }
    result = 0;

out:
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    return result;
}

/* Read a file of authorities or of revocation lists into the store. */
static int
add_file(struct vouch_config *config, const char *path, int want_lists,
         struct vouch_error *err)
{
    struct vouch_buf *text = vouch_buf_new(CA_MAX);
    int certs;
    int lists;
    int result = -1;

    if (text == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    if (vouch_file_read(path, text, err) != 0)
        goto out;
    if (add_pem(config, vouch_buf_data(text), vouch_buf_length(text), &certs,
                &lists)
        != 0) {
        vouch_error_set_openssl(err, VOUCH_E_FORMAT,
                                "%s: not a file of PEM certificates", path);
        goto out;
    }
    if ((want_lists ? lists : certs) == 0) {
        vouch_error_set(err, VOUCH_E_FORMAT, "%s: holds no PEM %s", path,
                        want_lists ? "revocation list (X509 CRL)"
                                   : "certificate");
        goto out;
    }
    result = 0;

out:
    vouch_buf_free(text);
    return result;
}

int
vouch_config_add_ca_file(struct vouch_config *config, const char *path,
                         struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0
        || add_file(config, path, 0, err) != 0)
        return -1;
    config->trust_set = 1;
    config->trust_loaded = 1;
    return 0;
}

int
vouch_config_add_ca_openssl(struct vouch_config *config, void *x509,
                            struct vouch_error *err)
{
    X509_STORE *store = SSL_CTX_get_cert_store(config->ctx);

    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (!X509_STORE_add_cert(store, x509))
        return vouch_error_set_openssl(err, VOUCH_E_TLS,
                                       "cannot trust this certificate");
    config->trust_set = 1;
    config->trust_loaded = 1;
    return 0;
}

int
vouch_config_add_ca_path(struct vouch_config *config, const char *path,
                         struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (!SSL_CTX_load_verify_dir(config->ctx, path))
        return vouch_error_set_openssl(
            err, VOUCH_E_FILE, "%s: not a folder of certificates", path);
    config->trust_set = 1;
    config->trust_loaded = 1;
    return 0;
}

int
vouch_config_add_ca_mem(struct vouch_config *config, const void *pem,
                        size_t length, struct vouch_error *err)
{
    int certs;
    int lists;

    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (add_pem(config, pem, length, &certs, &lists) != 0 || certs == 0)
        return vouch_error_set_openssl(err, VOUCH_E_FORMAT,
                                       "no PEM certificate to trust");
    config->trust_set = 1;
    config->trust_loaded = 1;
    return 0;
}

int
vouch_config_add_ca_default(struct vouch_config *config,
                            struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    /* Not SSL_CTX_set_default_verify_paths(): its third place, the "store",
     * reads the whole folder again for every certificate it cannot find. */
    if (!SSL_CTX_set_default_verify_file(config->ctx)
        || !SSL_CTX_set_default_verify_dir(config->ctx))
        return vouch_error_set_openssl(err, VOUCH_E_TLS,
                                       "cannot load the system's "
                                       "authorities");
    ERR_clear_error();
    config->trust_set = 1;
    config->trust_loaded = 1;
    return 0;
}

const char *
vouch_config_default_ca_file(void)
{
    const char *path = getenv(X509_get_default_cert_file_env());

    return path != NULL ? path : X509_get_default_cert_file();
}

const char *
vouch_config_default_ca_path(void)
{
    const char *path = getenv(X509_get_default_cert_dir_env());

    return path != NULL ? path : X509_get_default_cert_dir();
}

int
vouch_config_set_ca_none(struct vouch_config *config, struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    config->trust_set = 1;
    return 0;
}

/* Name the subject of every certificate of a PEM text to clients: how many,
 * or -1. */
static int
add_client_names(SSL_CTX *ctx, const void *pem, size_t length)
{
    STACK_OF(X509_INFO) *infos = read_pem(pem, length);
    int count = 0;
    int i;

    if (infos == NULL)
        return -1;
    for (i = 0; i < sk_X509_INFO_num(infos) && count >= 0; i++) {
        X509 *cert = sk_X509_INFO_value(infos, i)->x509;

        if (cert != NULL)
            count = SSL_CTX_add_client_CA(ctx, cert) ? count + 1 : -1;
    }
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    return count;
}

int
vouch_config_set_client_ca_file(struct vouch_config *config, const char *path,
                                struct vouch_error *err)
{
    struct vouch_buf *text;
    int result;

    if (vouch_config_check_open(config, err) != 0)
        return -1;
    /* OpenSSL would read a device for ever, and it tells less. */
    text = vouch_buf_new(CA_MAX);
    if (text == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    result = vouch_file_read(path, text, err);
    if (result == 0
        && add_client_names(config->ctx, vouch_buf_data(text),
                            vouch_buf_length(text))
               <= 0)
        result = vouch_error_set_openssl(err, VOUCH_E_FORMAT,
                                         "%s: holds no PEM certificate", path);
    vouch_buf_free(text);
    return result;
}

int
vouch_config_add_client_ca_openssl(struct vouch_config *config, void *x509,
                                   struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (!SSL_CTX_add_client_CA(config->ctx, x509))
        return vouch_error_set_openssl(err, VOUCH_E_TLS,
                                       "cannot name this authority");
    return 0;
}

int
vouch_config_set_crl(struct vouch_config *config, const char *path, int all,
                     struct vouch_error *err)
{
    unsigned long flags = X509_V_FLAG_CRL_CHECK;

    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (path != NULL && add_file(config, path, 1, err) != 0)
        return -1;
    if (all)
        flags |= X509_V_FLAG_CRL_CHECK_ALL;
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(config->ctx), flags);
    config->check_crl = 1;
    return 0;
}

int
vouch_config_set_verify(struct vouch_config *config, int mode,
                        struct vouch_error *err)
{
    int known = VOUCH_VERIFY_ANY | VOUCH_VERIFY_REQUIRED | VOUCH_VERIFY_ONCE;

    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (mode < 0 || (mode & ~known) != 0
        || (mode & (VOUCH_VERIFY_ANY | VOUCH_VERIFY_PEER))
               == (VOUCH_VERIFY_ANY & ~VOUCH_VERIFY_PEER))
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "verify mode %d is not a set of NONE 0, "
                               "PEER 1, REQUIRED 2, ONCE 4, ANY 257",
                               mode);
    if (config->role == VOUCH_CLIENT && mode != VOUCH_VERIFY_NONE)
        mode |= VOUCH_VERIFY_PEER;
    config->mode = mode;
    return 0;
}

int
vouch_config_set_verify_callback(struct vouch_config *config,
                                 vouch_verify_fn callback,
                                 struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    config->callback = callback;
    return 0;
}

int
vouch_config_set_verify_depth(struct vouch_config *config, int depth,
                              struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (depth < 0 || depth > 1000)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "verify depth %d is not in 0 to 1000", depth);
    SSL_CTX_set_verify_depth(config->ctx, depth);
    return 0;
}

int
vouch_config_set_pins(struct vouch_config *config, struct vouch_pins *pins,
                      int alone, struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    vouch_pins_free(config->pins);
    config->pins = vouch_pins_ref(pins);
    config->pins_alone = alone != 0;
    return 0;
}

/* What cannot be enforced is refused here, not ignored later. */
static int
check_policy(const struct vouch_config *config, struct vouch_error *err)
{
    int any = (config->mode & VOUCH_VERIFY_ANY) == VOUCH_VERIFY_ANY;
    int peer = config->mode & VOUCH_VERIFY_PEER;

    if (any && (config->callback != NULL || config->pins_alone))
        return vouch_error_set(err, VOUCH_E_CONFIG,
                               "the verify mode ANY accepts every "
                               "certificate; a callback or pins that decide "
                               "alone need the mode PEER");
    if (config->pins != NULL && !peer)
        return vouch_error_set(err, VOUCH_E_CONFIG,
                               "pins decide only with the verify mode PEER");
    if (config->check_crl && (any || !peer))
        return vouch_error_set(err, VOUCH_E_CONFIG,
                               "revocation is checked only with the verify "
                               "mode PEER");
    return 0;
}

int
vouch_config_freeze_trust(struct vouch_config *config, struct vouch_error *err)
{
    int any = (config->mode & VOUCH_VERIFY_ANY) == VOUCH_VERIFY_ANY;
    int peer = (config->mode & VOUCH_VERIFY_PEER) != 0;
    int mode = SSL_VERIFY_NONE;

    if (check_policy(config, err) != 0)
        return -1;
    if (peer && !any && !config->pins_alone && !config->trust_set
        && vouch_config_add_ca_default(config, err) != 0)
        return -1;
    if (peer)
        mode |= SSL_VERIFY_PEER;
    if (peer && config->mode & VOUCH_VERIFY_REQUIRED)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(config->ctx, mode, vouch_verify_certificate);
    SSL_CTX_set_cert_verify_callback(config->ctx, vouch_verify_peer, NULL);
    return 0;
}
