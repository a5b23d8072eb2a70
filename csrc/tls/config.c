/*
 * The configuration: made, shared, frozen; who we are and which TLS.
 *
 * Whom to trust is in config_trust.c, ciphers are in config_ciphers.c.
 */
#include "tls/private.h"

#include <string.h>

#include "base/clock.h"
#include "base/refcount.h"
#include "tls/identity.h"
#include "tls/pins.h"

#define SESSION_ID_CONTEXT "vouch" /* one is required to resume at all */

/* Weak or unauthenticated families; the rest is OpenSSL's security level. */
#define DEFAULT_CIPHERS "DEFAULT:!aNULL:!eNULL:!PSK:!SRP:!3DES:!RC4:!MD5"

void
vouch_config_free(struct vouch_config *config)
{
    if (config == NULL || !vouch_refcount_down(&config->references))
        return;
    SSL_CTX_free(config->ctx);
    vouch_pins_free(config->pins);
    vouch_names_free(config->names);
    OPENSSL_free(config);
}

struct vouch_config *
vouch_config_ref(struct vouch_config *config)
{
    vouch_refcount_up(&config->references);
    return config;
}

/* What is the same for every connection of ours. */
static int
set_defaults(SSL_CTX *ctx)
{
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                              | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                                 | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_info_callback(ctx, vouch_conn_watch);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx),
                                X509_V_FLAG_PARTIAL_CHAIN
                                    | X509_V_FLAG_TRUSTED_FIRST);
    if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION)
        || !SSL_CTX_set_cipher_list(ctx, DEFAULT_CIPHERS))
        return -1;
    return 0;
}

int
vouch_config_new(enum vouch_role role, struct vouch_config **config_r,
                 struct vouch_error *err)
{
    struct vouch_config *config = OPENSSL_zalloc(sizeof(*config));

    if (config == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    config->references = 1;
    config->role = role;
    config->tickets = -1;
    config->mode = role == VOUCH_CLIENT ? VOUCH_VERIFY_PEER : 0;
    config->ctx = SSL_CTX_new_ex(vouch_library_context(), NULL,
                                 role == VOUCH_CLIENT ? TLS_client_method()
                                                      : TLS_server_method());
    if (config->ctx == NULL || vouch_tls_init() != 0
        || set_defaults(config->ctx) != 0) {
        vouch_error_set_openssl(err, VOUCH_E_TLS, "cannot set up TLS");
        vouch_config_free(config);
        return -1;
    }
    *config_r = config;
    return 0;
}

int
vouch_config_check_open(const struct vouch_config *config,
                        struct vouch_error *err)
{
    if (config->frozen)
        return vouch_error_set(err, VOUCH_E_CONFIG,
                               "the configuration is in use and cannot be "
                               "changed; make a new one");
    return 0;
}

int
vouch_config_add_identity(struct vouch_config *config, const char *name,
                          struct vouch_identity *identity,
                          struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (name != NULL)
        return vouch_names_add(config, name, identity, err);
    if (SSL_CTX_use_cert_and_key(config->ctx, vouch_identity_x509(identity),
                                 vouch_identity_pkey(identity),
                                 vouch_identity_chain(identity), 1)
        != 1)
        return vouch_error_set_openssl(err, VOUCH_E_TLS,
                                       "cannot use this certificate");
    /* A server may ask for it later, after the handshake. */
    if (config->role == VOUCH_CLIENT)
        SSL_CTX_set_post_handshake_auth(config->ctx, 1);
    return 0;
}

int
vouch_config_set_protocols(struct vouch_config *config, int lowest,
                           int highest, struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (lowest < VOUCH_TLS1_0 || highest > VOUCH_TLS1_3 || lowest > highest)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "no TLS version is left between %04x and "
                               "%04x",
                               (unsigned) lowest, (unsigned) highest);
    if (!SSL_CTX_set_min_proto_version(config->ctx, lowest)
        || !SSL_CTX_set_max_proto_version(config->ctx, highest))
        return vouch_error_set_openssl(err, VOUCH_E_CONFIG,
                                       "TLS version not available");
    return 0;
}

/* Who can go on with a session needs no other soon. */
static int
is_fresh(const SSL_SESSION *session)
{
    long age = (long) vouch_clock_epoch() - SSL_SESSION_get_time(session);

    return age >= 0 && age < SSL_SESSION_get_timeout(session) / 2;
}

/* A server's choice among what the client offers. */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length,
            const unsigned char *in, unsigned int in_length, void *arg)
{
    const struct vouch_config *config = arg;
    unsigned char *found = NULL;

    if (SSL_select_next_proto(&found, out_length, config->alpn,
                              (unsigned int) config->alpn_length, in,
                              in_length)
        != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = found;
    if (config->tickets == VOUCH_TICKETS_ALPN
        && !(SSL_session_reused(ssl) && is_fresh(SSL_get_session(ssl))))
        (void) SSL_set_num_tickets(ssl, 1);
    return SSL_TLSEXT_ERR_OK;
}

/* Append one name in the form of the wire: its length, then its bytes. */
static int
append_alpn(struct vouch_config *config, const char *name,
            struct vouch_error *err)
{
    size_t length = strlen(name);

    if (length == 0 || length > 255)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "an application protocol has 1 to 255 bytes");
    if (config->alpn_length + length + 1 > sizeof(config->alpn))
        return vouch_error_set(err, VOUCH_E_LIMIT,
                               "application protocols of more than %d bytes",
                               VOUCH_ALPN_MAX);
    config->alpn[config->alpn_length++] = (unsigned char) length;
    memcpy(config->alpn + config->alpn_length, name, length);
    config->alpn_length += length;
    return 0;
}

int
vouch_config_set_alpn(struct vouch_config *config, const char *const *names,
                      size_t count, struct vouch_error *err)
{
    size_t i;

    if (vouch_config_check_open(config, err) != 0)
        return -1;
    config->alpn_length = 0;
    for (i = 0; i < count; i++)
        if (append_alpn(config, names[i], err) != 0)
            return -1;
    if (count == 0)
        return 0;
    if (config->role == VOUCH_SERVER)
        SSL_CTX_set_alpn_select_cb(config->ctx, choose_alpn, config);
    else if (SSL_CTX_set_alpn_protos(config->ctx, config->alpn,
                                     (unsigned int) config->alpn_length)
             != 0)
        return vouch_error_set_openssl(err, VOUCH_E_CONFIG,
                                       "application protocols");
    return 0;
}

int
vouch_config_set_tickets(struct vouch_config *config, int which,
                         struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    config->tickets = which;
    return 0;
}

int
vouch_config_set_release_buffers(struct vouch_config *config, int on,
                                 struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (on)
        SSL_CTX_set_mode(config->ctx, SSL_MODE_RELEASE_BUFFERS);
    else
        SSL_CTX_clear_mode(config->ctx, SSL_MODE_RELEASE_BUFFERS);
    return 0;
}

int
vouch_config_set_read_ahead(struct vouch_config *config, int on,
                            struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    SSL_CTX_set_read_ahead(config->ctx, on != 0);
    return 0;
}

int
vouch_config_set_session_id_context(struct vouch_config *config,
                                    const void *data, size_t length,
                                    struct vouch_error *err)
{
    if (vouch_config_check_open(config, err) != 0)
        return -1;
    if (length == 0 || length > SSL_MAX_SSL_SESSION_ID_LENGTH)
        return vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "a session id context has 1 to %d bytes",
                               SSL_MAX_SSL_SESSION_ID_LENGTH);
    if (!SSL_CTX_set_session_id_context(config->ctx, data,
                                        (unsigned int) length))
        return vouch_error_set_openssl(err, VOUCH_E_CONFIG,
                                       "session id context");
    config->id_context_set = 1;
    return 0;
}

/* Whether a ticket that we could read may stand for a handshake. */
static SSL_TICKET_RETURN
on_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *key_name,
          size_t key_name_length, SSL_TICKET_STATUS status, void *arg)
{
    const struct vouch_config *config = arg;

    (void) ssl;
    (void) key_name;
    (void) key_name_length;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (!vouch_verify_session(config, session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                        : SSL_TICKET_RETURN_USE_RENEW;
}

/* Tickets carry the client's certificate: each one costs the server as much
 * as the rest of the handshake, so who asks for certificates has none. */
static int
freeze_sessions(struct vouch_config *config)
{
    int on = config->tickets;

    if (config->role == VOUCH_CLIENT) {
        /* OpenSSL tells of sessions as they come, and keeps none. */
        SSL_CTX_set_session_cache_mode(
            config->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(config->ctx, vouch_session_arrived);
        return 0;
    }
    if (on < 0)
        on = !(config->mode & VOUCH_VERIFY_PEER);
    if (on != VOUCH_TICKETS_ON) {
        SSL_CTX_set_options(config->ctx, SSL_OP_NO_TICKET);
        if (!SSL_CTX_set_num_tickets(config->ctx, 0))
            return -1;
    }
    if (on == VOUCH_TICKETS_OFF)
        return 0;
    if (on == VOUCH_TICKETS_ALPN) {
        SSL_CTX_set_options(config->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
        SSL_CTX_set_session_cache_mode(config->ctx, SSL_SESS_CACHE_SERVER);
        (void) SSL_CTX_sess_set_cache_size(config->ctx, VOUCH_SESSIONS_KEPT);
    }
    if (!config->id_context_set
        && !SSL_CTX_set_session_id_context(
            config->ctx, (const unsigned char *) SESSION_ID_CONTEXT,
            sizeof(SESSION_ID_CONTEXT) - 1))
        return -1;
    return SSL_CTX_set_session_ticket_cb(config->ctx, NULL, on_ticket, config)
               ? 0
               : -1;
}

int
vouch_config_freeze(struct vouch_config *config, struct vouch_error *err)
{
    if (config->frozen)
        return 0;
    if (vouch_config_freeze_trust(config, err) != 0
        || vouch_ocsp_freeze(config, err) != 0)
        return -1;
    if (freeze_sessions(config) != 0)
        return vouch_error_set_openssl(err, VOUCH_E_TLS,
                                       "cannot set up sessions");
    if (config->role == VOUCH_SERVER && config->names != NULL)
        SSL_CTX_set_tlsext_servername_callback(config->ctx,
                                               vouch_server_name_choose);
    config->frozen = 1;
    return 0;
}

void *
vouch_config_ssl_ctx(struct vouch_config *config)
{
    return config->ctx;
}
