/*
 * The unique id that a peer tells, and the common name in its certificate.
 */
#include "flom/peer_id.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "flom/error_codes.h"
#include "tls/certificate.h"
#include "tls/fingerprint.h"
#include "tls/pins.h"

struct search {
    char *name;
    size_t length;
    int count;
    int is_bad; /* of the last one: a NUL, or too long */
};

static int
take_field(const char *field, const unsigned char *value, size_t length,
           void *arg)
{
    struct search *search = arg;

    if (strcmp(field, "CN") != 0)
        return 0;
    search->count++;
    if (length > VOUCH_FLOM_CN_MAX || memchr(value, '\0', length) != NULL) {
        search->is_bad = 1;
        return 0;
    }
    memcpy(search->name, value, length);
    search->name[length] = '\0';
    search->length = length;
    return 0;
}

/* A code, with its words. */
static int
refuse(struct vouch_error *err, int rc, const char *text)
{
    (void) vouch_error_set(err, VOUCH_E_VERIFY, "%s", text);
    return rc;
}

int
vouch_flom_common_name(const struct vouch_cert *cert,
                       char name_r[VOUCH_FLOM_CN_MAX + 1],
                       struct vouch_error *err)
{
    char name[VOUCH_FLOM_CN_MAX + 1] = "";
    struct search search = {name, 0, 0, 0};

    if (cert == NULL)
        return refuse(err, VOUCH_FLOM_RC_NO_CERTIFICATE,
                      "the peer has shown no certificate");
    if (vouch_cert_name_each(cert, VOUCH_CERT_SUBJECT, take_field, &search)
        != 0)
        return refuse(err, VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH,
                      "the subject of the peer's certificate cannot be read");
    if (search.count > 1)
        return refuse(err, VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH,
                      "the peer's certificate has more than one common name "
                      "(CN): nobody can say for whom it is");
    if (search.is_bad)
        return refuse(err, VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH,
                      "the common name (CN) in the peer's certificate holds "
                      "a NUL, or is too long");
    if (search.length == 0)
        return refuse(err, VOUCH_FLOM_RC_NULL_OBJECT,
                      "the peer's certificate has no common name (CN), which "
                      "must be the peer's unique id");
    memcpy(name_r, name, search.length + 1);
    return 0;
}

int
vouch_flom_check_peer_id(const struct vouch_cert *cert, const char *id,
                         struct vouch_error *err)
{
    char name[VOUCH_FLOM_CN_MAX + 1];
    int rc = vouch_flom_common_name(cert, name, err);

    if (rc != 0)
        return rc;
    if (id == NULL || *id == '\0')
        return refuse(err, VOUCH_FLOM_RC_NULL_OBJECT,
                      "the peer has not told its unique id");
    if (strcmp(id, name) == 0)
        return 0;
    (void) vouch_error_set(err, VOUCH_E_VERIFY,
                           "the peer says that its unique id is '%.64s', but "
                           "its certificate is for '%.64s' (CN)",
                           id, name);
    return VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH;
}

/* With its digest: 32 digits alone are a unique id, not one of MD5. */
static int
is_fingerprint(const char *text, struct vouch_fingerprint *fingerprint)
{
    return strncasecmp(text, "sha", 3) == 0
           && vouch_fingerprint_parse(text, fingerprint, NULL) == 0;
}

static int
has_fingerprint(const struct vouch_cert *cert,
                const struct vouch_fingerprint *fingerprint)
{
    struct vouch_pins *pins = vouch_pins_new();
    int has = pins != NULL && vouch_pins_add(pins, fingerprint) == 1
              && vouch_pins_match(pins, cert) == 1;

    vouch_pins_free(pins);
    return has;
}

int
vouch_flom_is_named(const struct vouch_cert *cert, const char *name)
{
    char common_name[VOUCH_FLOM_CN_MAX + 1];
    struct vouch_fingerprint fingerprint;

    if (is_fingerprint(name, &fingerprint))
        return has_fingerprint(cert, &fingerprint);
    return (vouch_flom_common_name(cert, common_name, NULL) == 0
            && strcmp(common_name, name) == 0)
           || vouch_cert_is_for(cert, name);
}
