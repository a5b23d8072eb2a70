/*
 * Which identity a server shows, and which ciphers it takes, by the name the
 * client asked for.
 *
 * "host.example" before "*.example" (one label) before the default.
 */
#include "tls/private.h"

#include <string.h>

#include "base/map.h"
#include "tls/identity.h"

#define NAME_MAX_LENGTH 255   /* of a DNS name */
#define IDENTITIES_PER_NAME 4 /* one of each kind of key in use */

struct name_entry {
    struct vouch_identity *identities[IDENTITIES_PER_NAME];
    size_t count;
    char *ciphers; /* of TLS 1.2, or NULL: as for all */
};

static void
entry_free(void *value)
{
    struct name_entry *entry = value;
    size_t i;

    for (i = 0; i < entry->count; i++)
        vouch_identity_free(entry->identities[i]);
    OPENSSL_free(entry->ciphers);
    OPENSSL_free(entry);
}

void
vouch_names_free(struct vouch_map *names)
{
    if (names != NULL)
        vouch_map_free(names, entry_free);
}

/* Names are compared in lower case (ASCII), without a final dot.  Length,
 * or 0 if it is not a name. */
static size_t
canonical(const char *name, char out[NAME_MAX_LENGTH + 1])
{
    size_t length = strlen(name);
    size_t i;

    if (length > 0 && name[length - 1] == '.')
        length--;
    if (length == 0 || length > NAME_MAX_LENGTH)
        return 0;
    for (i = 0; i < length; i++) {
        char c = name[i];

        out[i] = c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
    }
    out[length] = '\0';
    return length;
}

static struct name_entry *
entry_get(struct vouch_map *names, const char *name, size_t length)
{
    void *value = NULL;
    struct name_entry *entry;

    if (vouch_map_get(names, name, length, &value) == 1)
        return value;
    entry = OPENSSL_zalloc(sizeof(*entry));
    if (entry == NULL)
        return NULL;
    if (vouch_map_put(names, name, length, entry, NULL) < 0) {
        OPENSSL_free(entry);
        return NULL;
    }
    return entry;
}

/* The entry for a name that a program gave; NULL with the reason in *err. */
static struct name_entry *
entry_for(struct vouch_config *config, const char *name,
          struct vouch_error *err)
{
    char key[NAME_MAX_LENGTH + 1];
    size_t length = canonical(name, key);
    struct name_entry *entry = NULL;

    if (length == 0 || (strchr(key, '*') != NULL && strncmp(key, "*.", 2))) {
        (void) vouch_error_set(err, VOUCH_E_ARGUMENT,
                               "\"%.80s\" is not a server name; use "
                               "\"host.example\" or \"*.host.example\"",
                               name);
        return NULL;
    }
    if (config->names == NULL)
        config->names = vouch_map_new();
    if (config->names != NULL)
        entry = entry_get(config->names, key, length);
    if (entry == NULL)
        (void) vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    return entry;
}

int
vouch_names_add(struct vouch_config *config, const char *name,
                struct vouch_identity *identity, struct vouch_error *err)
{
    struct name_entry *entry = entry_for(config, name, err);

    if (entry == NULL)
        return -1;
    if (entry->count == IDENTITIES_PER_NAME)
        return vouch_error_set(err, VOUCH_E_LIMIT,
                               "more than %d certificates for \"%.80s\"",
                               IDENTITIES_PER_NAME, name);
    entry->identities[entry->count++] = vouch_identity_ref(identity);
    return 0;
}

int
vouch_names_set_ciphers(struct vouch_config *config, const char *name,
                        const char *list, struct vouch_error *err)
{
    struct name_entry *entry = entry_for(config, name, err);
    char *copy;

    if (entry == NULL)
        return -1;
    copy = OPENSSL_strdup(list);
    if (copy == NULL)
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    OPENSSL_free(entry->ciphers);
    entry->ciphers = copy;
    return 0;
}

static struct name_entry *
lookup(const struct vouch_map *names, const char *asked)
{
    char key[NAME_MAX_LENGTH + 1];
    size_t length = canonical(asked, key);
    void *value = NULL;
    char *dot;

    if (length == 0)
        return NULL;
    if (vouch_map_get(names, key, length, &value) == 1)
        return value;
    dot = strchr(key, '.');
    if (dot == NULL || dot == key)
        return NULL;
    dot[-1] = '*';
    if (vouch_map_get(names, dot - 1, strlen(dot - 1), &value) == 1)
        return value;
    return NULL;
}

static int
use_identity(SSL *ssl, const struct vouch_identity *identity)
{
    return SSL_use_cert_and_key(ssl, vouch_identity_x509(identity),
                                vouch_identity_pkey(identity),
                                vouch_identity_chain(identity), 1);
}

/* 0, or -1: OpenSSL does not take what it took when it was set up. */
static int
use_entry(SSL *ssl, const struct name_entry *entry)
{
    size_t i;

    if (entry->count > 0)
        SSL_certs_clear(ssl);
    for (i = 0; i < entry->count; i++)
        if (use_identity(ssl, entry->identities[i]) != 1)
            return -1;
    if (entry->ciphers != NULL && !SSL_set_cipher_list(ssl, entry->ciphers))
        return -1;
    return 0;
}

int
vouch_server_name_choose(SSL *ssl, int *alert, void *arg)
{
    struct vouch_conn *conn = vouch_conn_of_ssl(ssl);
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct name_entry *entry;

    (void) arg;
    if (conn == NULL || asked == NULL || conn->config->names == NULL)
        return SSL_TLSEXT_ERR_OK;
    entry = lookup(conn->config->names, asked);
    if (entry == NULL || use_entry(ssl, entry) == 0)
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}
