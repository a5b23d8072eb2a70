/*
 * Certificate, key, authority and revocation lists, as files.
 */
#include "flom/tls_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "flom/error_codes.h"
#include "flom/settings.h"
#include "tls/certificate.h"
#include "tls/identity.h"

/* TLS 1.3: what is fastest in short connections comes first. */
#define SUITES \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
    "TLS_CHACHA20_POLY1305_SHA256"

#define DAY_S 86400

enum { CERTIFICATE, KEY, AUTHORITY, LISTS, FILES };

struct vouch_flom_tls {
    enum vouch_role role;
    struct vouch_config *config;
    struct vouch_cert *own; /* the certificate of config */
    char *names[FILES];     /* as in the settings; the last may be NULL */
    struct vouch_file_mark marks[FILES];
};

static const char *
name_in(const struct vouch_flom_settings *settings, int file)
{
    switch (file) {
    case CERTIFICATE:
        return settings->tls_certificate;
    case KEY:
        return settings->tls_private_key;
    case AUTHORITY:
        return settings->tls_ca_certificate;
    default:
        return settings->tls_crl;
    }
}

static void
mark_files(char *const names[FILES], struct vouch_file_mark marks[FILES])
{
    int file;

    for (file = 0; file < FILES; file++)
        vouch_file_mark(names[file], &marks[file]);
}

static int
same_marks(const struct vouch_file_mark a[FILES],
           const struct vouch_file_mark b[FILES])
{
    int file;

    for (file = 0; file < FILES; file++) {
        if (!vouch_file_mark_equal(&a[file], &b[file]))
            return 0;
    }
    return 1;
}

static int
same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int
same_names(const struct vouch_flom_tls *tls,
           const struct vouch_flom_settings *settings)
{
    int file;

    for (file = 0; file < FILES; file++) {
        if (!same_text(tls->names[file], name_in(settings, file)))
            return 0;
    }
    return 1;
}

/* Take over the names; what was read from others is not used any more. */
static int
take_names(struct vouch_flom_tls *tls,
           const struct vouch_flom_settings *settings, struct vouch_error *err)
{
    int file;

    vouch_config_free(tls->config);
    vouch_cert_free(tls->own);
    tls->config = NULL;
    tls->own = NULL;
    memset(tls->marks, 0, sizeof(tls->marks));
    for (file = 0; file < FILES; file++) {
        if (vouch_flom_settings_set_text(&tls->names[file],
                                         name_in(settings, file), err)
            != 0)
            return -1;
    }
    return 0;
}

/* Nobody is there to type a password, and FLoM has no option for one. */
static void
explain_password(const char *key, struct vouch_error *err)
{
    vouch_error_clear(err);
    (void) vouch_error_set(err, VOUCH_E_PASSWORD,
                           "%s: the key has a password, which flom cannot "
                           "ask for: openssl pkey makes a copy without one",
                           key);
}

static int
use_identity(const struct vouch_flom_tls *tls, struct vouch_config *config,
             struct vouch_cert **own_r, int *rc_r, struct vouch_error *err)
{
    struct vouch_identity *identity = NULL;
    int status = -1;

    *rc_r = VOUCH_FLOM_RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR;
    if (vouch_identity_load(tls->names[CERTIFICATE], tls->names[KEY], NULL,
                            NULL, &identity, err)
            == 0
        && vouch_config_add_identity(config, NULL, identity, err) == 0) {
        *own_r = vouch_cert_ref(vouch_identity_cert(identity));
        status = 0;
    } else if (err != NULL
               && (err->code == VOUCH_E_MISMATCH
                   || strstr(err->text, tls->names[KEY]) != NULL))
        *rc_r = VOUCH_FLOM_RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR;
    if (err != NULL && err->code == VOUCH_E_PASSWORD)
        explain_password(tls->names[KEY], err);
    vouch_identity_free(identity);
    return status;
}

/* A server gives tickets to clients of Vouch only: 1.7.2's --quiesce-exit
 * hangs on those of TLS 1.3. */
static int
set_up(const struct vouch_flom_tls *tls, struct vouch_config *config,
       struct vouch_cert **own_r, int *rc_r, struct vouch_error *err)
{
    const char *const alpn = VOUCH_FLOM_ALPN;
    int verify = VOUCH_VERIFY_PEER;

    if (tls->role == VOUCH_SERVER)
        verify |= VOUCH_VERIFY_REQUIRED;
    if (use_identity(tls, config, own_r, rc_r, err) != 0)
        return -1;
    *rc_r = VOUCH_FLOM_RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR;
    if (vouch_config_add_ca_file(config, tls->names[AUTHORITY], err) != 0
        || (tls->names[LISTS] != NULL
            && vouch_config_set_crl(config, tls->names[LISTS], 1, err) != 0))
        return -1;
    *rc_r = VOUCH_FLOM_RC_SSL_CTX_NEW_ERROR;
    if (vouch_config_set_verify(config, verify, err) != 0
        || vouch_config_set_alpn(config, &alpn, 1, err) != 0
        || vouch_config_set_ciphersuites(config, SUITES, err) != 0
        || vouch_config_set_read_ahead(config, tls->role == VOUCH_SERVER, err)
               != 0
        || vouch_config_set_tickets(config, VOUCH_TICKETS_ALPN, err) != 0)
        return -1;
    return vouch_config_freeze(config, err);
}

/* Read the files.  What has changed while it was read is for the next time,
 * if there is something to use until then. */
static int
load(struct vouch_flom_tls *tls, int *rc_r, struct vouch_error *err)
{
    struct vouch_config *config = NULL;
    struct vouch_cert *own = NULL;
    struct vouch_file_mark after[FILES];
    int status = -1;

    *rc_r = VOUCH_FLOM_RC_SSL_CTX_NEW_ERROR;
    mark_files(tls->names, tls->marks);
    if (vouch_config_new(tls->role, &config, err) == 0)
        status = set_up(tls, config, &own, rc_r, err);
    mark_files(tls->names, after);
    if (tls->config != NULL && !same_marks(tls->marks, after)) {
        memset(tls->marks, 0, sizeof(tls->marks));
        status = 0;
    } else if (status == 0) {
        vouch_config_free(tls->config);
        tls->config = vouch_config_ref(config);
        vouch_cert_free(tls->own);
        tls->own = vouch_cert_ref(own);
        status = 1;
    }
    vouch_cert_free(own);
    vouch_config_free(config);
    return status;
}

void
vouch_flom_tls_free(struct vouch_flom_tls *tls)
{
    int file;

    if (tls == NULL)
        return;
    vouch_config_free(tls->config);
    vouch_cert_free(tls->own);
    for (file = 0; file < FILES; file++)
        free(tls->names[file]);
    free(tls);
}

int
vouch_flom_tls_new(const struct vouch_flom_settings *settings,
                   enum vouch_role role, struct vouch_flom_tls **tls_r,
                   int *rc_r, struct vouch_error *err)
{
    struct vouch_flom_tls *tls = calloc(1, sizeof(*tls));

    *rc_r = VOUCH_FLOM_RC_MALLOC_ERROR;
    if (tls == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    tls->role = role;
    if (take_names(tls, settings, err) != 0 || load(tls, rc_r, err) != 1) {
        vouch_flom_tls_free(tls);
        return -1;
    }
    *tls_r = tls;
    return 0;
}

int
vouch_flom_tls_refresh(struct vouch_flom_tls *tls,
                       const struct vouch_flom_settings *settings, int force,
                       int *rc_r, struct vouch_error *err)
{
    struct vouch_file_mark now[FILES];

    *rc_r = VOUCH_FLOM_RC_MALLOC_ERROR;
    if (!same_names(tls, settings)) {
        if (take_names(tls, settings, err) != 0)
            return -1;
    } else {
        mark_files(tls->names, now);
        if (!force && tls->config != NULL && same_marks(tls->marks, now))
            return 0;
    }
    return load(tls, rc_r, err);
}

struct vouch_config *
vouch_flom_tls_config(const struct vouch_flom_tls *tls)
{
    return tls->config;
}

int
vouch_flom_tls_is_dated(const struct vouch_flom_tls *tls, int64_t now,
                        char *text, size_t size)
{
    int64_t end = 0;

    if (tls->own == NULL || vouch_cert_not_after(tls->own, &end) != 0)
        return 0;
    if (vouch_cert_is_expired(tls->own, now))
        (void) snprintf(text, size, "has expired");
    else if (vouch_cert_is_not_yet_valid(tls->own, now))
        (void) snprintf(text, size, "is not valid yet");
    else if (end - now < VOUCH_FLOM_SOON_DAYS * (int64_t) DAY_S)
        (void) snprintf(text, size, "expires in %lld days",
                        (long long) ((end - now) / DAY_S));
    else
        return 0;
    return 1;
}
