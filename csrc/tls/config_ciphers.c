/*
 * The part of a configuration about cryptography: ciphers, groups, DH.
 */
#include "tls/private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/decoder.h>
#include <openssl/err.h>

#include "base/buffer.h"
#include "base/file.h"

#define DH_FILE_MAX 65536 /* bytes; parameters of 16384 bits have 6000 */

int
vouch_config_set_ciphers(struct vouch_config *config, const char *list,
                         struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (!SSL_CTX_set_cipher_list(config->ctx, list))
        return vouch_error_set_openssl(
            err, VOUCH_E_CONFIG, "cipher list \"%.200s\" selects none", list);
    return 0;
}

int
vouch_config_set_ciphersuites(struct vouch_config *config, const char *list,
                              struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (!SSL_CTX_set_ciphersuites(config->ctx, list))
        return vouch_error_set_openssl(err, VOUCH_E_CONFIG,
                                       "cipher suites \"%.200s\"", list);
    return 0;
}

/* The name of a group given by OpenSSL's number for it ("415"), as older
 * programs do; else what was given. */
static const char *
group_name(const char *list)
{
    const char *name = NULL;
    long number = 0;
    char *end = NULL;

    if (*list < '0' || *list > '9')
        return list;
    number = strtol(list, &end, 10);
    if (*end == '\0' && number > 0 && number <= INT_MAX)
        name = OBJ_nid2sn((int) number);
    return name == NULL ? list : name;
}

int
vouch_config_set_groups(struct vouch_config *config, const char *list,
                        struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (!SSL_CTX_set1_groups_list(config->ctx, group_name(list)))
        return vouch_error_set_openssl(
            err, VOUCH_E_CONFIG, "groups \"%.200s\" (try \"X25519:P-256\")",
            list);
    return 0;
}

int
vouch_config_set_server_order(struct vouch_config *config, int on,
                              struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (on)
        SSL_CTX_set_options(config->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    else
        SSL_CTX_clear_options(config->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    return 0;
}

/* 1 if the list selects a cipher, tried where it does no harm. */
static int
selects_a_cipher(const char *list)
{
    SSL_CTX *scratch = SSL_CTX_new(TLS_server_method());
    int found = scratch != NULL && SSL_CTX_set_cipher_list(scratch, list);

    SSL_CTX_free(scratch);
    return found;
}

int
vouch_config_set_name_ciphers(struct vouch_config *config, const char *name,
                              const char *list, struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (config->role == VOUCH_CLIENT)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "ciphers by server name are a server's; a "
                               "client has one list");
    if (!selects_a_cipher(list))
        return vouch_error_set_openssl(
            err, VOUCH_E_CONFIG, "cipher list \"%.200s\" selects none", list);
    return vouch_names_set_ciphers(config, name, list, err);
}

/* DH parameters in PEM or DER, of either standard. */
static EVP_PKEY *
decode_dh(const unsigned char *data, size_t length)
{
    OSSL_DECODER_CTX *decoder;
    EVP_PKEY *params = NULL;

    decoder = OSSL_DECODER_CTX_new_for_pkey(&params, NULL, NULL, NULL,
                                            OSSL_KEYMGMT_SELECT_ALL_PARAMETERS,
                                            NULL, NULL);
    if (decoder == NULL)
        return NULL;
    if (OSSL_DECODER_from_data(decoder, &data, &length) != 1
        || !(EVP_PKEY_is_a(params, "DH") || EVP_PKEY_is_a(params, "DHX"))) {
        EVP_PKEY_free(params);
        params = NULL;
    }
    OSSL_DECODER_CTX_free(decoder);
    return params;
}

int
vouch_config_set_dh_file(struct vouch_config *config, const char *path,
                         struct vouch_error *err)
{
    struct vouch_buf *text;
    EVP_PKEY *params;
    int result = -1;

    if (vouch_config_check_open(config, err) != 0)
        return -1;
    text = vouch_buf_new(DH_FILE_MAX);
    if (text == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    if (vouch_file_read(path, text, err) != 0)
        goto out;
    params = decode_dh(vouch_buf_data(text), vouch_buf_length(text));
    if (params == NULL) {
        ERR_clear_error();
        (void) vouch_error_set(err, VOUCH_E_FORMAT,
                               "%s: holds no DH parameters (make them with: "
                               "openssl dhparam 2048)",
                               path);
        goto out;
    }
    if (!SSL_CTX_set0_tmp_dh_pkey(config->ctx, params)) {
        EVP_PKEY_free(params);
        vouch_error_set_openssl(err, VOUCH_E_CONFIG, "%s: DH parameters",
                                path);
        goto out;
    }
    result = 0;

out:
    vouch_buf_free(text);
    return result;
}

int
vouch_config_set_dh_openssl(struct vouch_config *config, void *dh,
                            struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (!SSL_CTX_ctrl(config->ctx, SSL_CTRL_SET_TMP_DH, 0, dh))
        return vouch_error_set_openssl(err, VOUCH_E_CONFIG, "DH parameters");
    return 0;
}
