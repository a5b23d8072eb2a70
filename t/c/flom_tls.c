/*
 * flom/peer_id, flom/tls_files, flom/tls_words: who a peer is, files that
 * change while they are in use, and words for what goes wrong.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "flom/error_codes.h"
#include "flom/peer_id.h"
#include "flom/settings.h"
#include "flom/tls_files.h"
#include "flom/tls_words.h"
#include "tls/certificate.h"
#include "tls/identity.h"
#include "tls/verify.h"

#include "pki.h"
#include "tap.h"

#define ID "00112233445566778899aabbccddeeff"

static struct vouch_error err;

/* --- the peer's id --------------------------------------------------------*/

static const struct {
    const char *cn;
    int length;
    const char *second; /* another common name, or NULL */
    const char *id;
    int rc;
    const char *words;
} PEERS[] = {
    {ID, 32, NULL, ID, 0, ""},
    {"node-7", 6, NULL, "node-7", 0, ""},
    {ID, 32, NULL, NULL, VOUCH_FLOM_RC_NULL_OBJECT, "not told its unique id"},
    {ID, 32, NULL, "", VOUCH_FLOM_RC_NULL_OBJECT, "not told its unique id"},
    {NULL, 0, NULL, ID, VOUCH_FLOM_RC_NULL_OBJECT, "has no common name (CN)"},
    {NULL, 0, NULL, "", VOUCH_FLOM_RC_NULL_OBJECT, "has no common name (CN)"},
    {"other", 5, NULL, ID, VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH,
     "unique id is '" ID "', but its certificate is for 'other' (CN)"},
    {ID, 31, NULL, ID, VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH, "is for"},
    {ID, 32, NULL, "00112233445566778899aabbccddeef",
     VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH, "is for"},
    {"ABC", 3, NULL, "abc", VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH, "is for"},
    {ID, 32, "other", ID, VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH,
     "more than one common name"},
    {"other", 5, ID, ID, VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH,
     "more than one common name"},
    {ID, 32, ID, ID, VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH,
     "more than one common name"},
    {ID "\0.evil", 38, NULL, ID, VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH,
     "holds a NUL"},
    {"\0", 1, NULL, "", VOUCH_FLOM_RC_UNIQUE_ID_DOES_NOT_MATCH, "holds a NUL"},
};

static void
test_peer_id(void)
{
    EVP_PKEY *key = pki_key("EC", "prime256v1");
    size_t i;

    for (i = 0; i < sizeof(PEERS) / sizeof(PEERS[0]); i++) {
        X509 *cert = pki_blank(key);

        if (PEERS[i].cn != NULL)
            pki_name(cert, "CN", V_ASN1_UTF8STRING, PEERS[i].cn,
                     PEERS[i].length);
        pki_name(cert, "OU", V_ASN1_UTF8STRING, ID, -1);
        if (PEERS[i].second != NULL)
            pki_name(cert, "CN", V_ASN1_UTF8STRING, PEERS[i].second, -1);
        cert = pki_sign(cert, key);
        vouch_error_clear(&err);
        is_int(vouch_flom_check_peer_id(vouch_cert_borrow(cert), PEERS[i].id,
                                        &err),
               PEERS[i].rc, PEERS[i].rc == 0 ? "the same" : PEERS[i].words);
        ok(strstr(err.text, PEERS[i].words) != NULL, err.text);
        X509_free(cert);
    }
    vouch_error_clear(&err);
    is_int(vouch_flom_check_peer_id(NULL, ID, &err),
           VOUCH_FLOM_RC_NO_CERTIFICATE, "no certificate at all");
    EVP_PKEY_free(key);
}

/* --- files ----------------------------------------------------------------*/

static char folder[] = "/tmp/vouch-flom-tls-XXXXXX";
static struct vouch_flom_settings settings;
static struct vouch_flom_tls *tls;
static int rc;

static const char *
in_folder(const char *name)
{
    static char path[sizeof(folder) + 32];

    (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void
write_file(const char *name, const struct vouch_buf *text, size_t length)
{
    pki_need(vouch_file_write(in_folder(name), vouch_buf_data(text), length,
                              VOUCH_FILE_REPLACE, &err)
                 == 0,
             "a file");
}

/* A self-signed identity, which is its own authority. */
static struct vouch_identity *
make(const char *cn)
{
    struct vouch_identity_spec spec = {cn, NULL, NULL, 0, 0, 0};
    struct vouch_identity *identity = NULL;

    spec.not_before = vouch_clock_epoch() - 3600;
    spec.not_after = vouch_clock_epoch() + 30 * 86400;
    pki_need(vouch_identity_create(&spec, &identity, &err) == 0, err.text);
    return identity;
}

static void
write_cert(const char *name, const struct vouch_identity *identity)
{
    struct vouch_buf *pem = pki_buf();

    pki_need(vouch_identity_cert_pem(identity, pem) == 0, "PEM");
    write_file(name, pem, vouch_buf_length(pem));
    vouch_buf_free(pem);
}

static void
write_key(const struct vouch_identity *identity)
{
    struct vouch_buf *pem = pki_buf();

    pki_need(vouch_identity_key_pem(identity, pem) == 0, "PEM");
    write_file("key", pem, vouch_buf_length(pem));
    vouch_buf_free(pem);
}

static void
name_file(const char *key, const char *name)
{
    pki_need(
        vouch_flom_settings_set(&settings, "TLS", key, in_folder(name), &err)
            == 1,
        err.text);
}

static int
refresh(int force)
{
    vouch_error_clear(&err);
    return vouch_flom_tls_refresh(tls, &settings, force, &rc, &err);
}

static void
test_new(struct vouch_identity *one, struct vouch_identity *two)
{
    write_cert("cert", one);
    write_cert("ca", one);
    write_key(two);
    name_file("TlsCertificate", "cert");
    name_file("TlsPrivateKey", "key");
    name_file("TlsCaCertificate", "ca");
    vouch_error_clear(&err);
    is_int(vouch_flom_tls_new(&settings, VOUCH_SERVER, &tls, &rc, &err), -1,
           "a key that does not fit");
    is_int(rc, VOUCH_FLOM_RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR, "-404");
    ok(strstr(err.text, "does not match") != NULL, err.text);
    write_key(one);
    vouch_error_clear(&err);
    is_int(vouch_flom_tls_new(&settings, VOUCH_SERVER, &tls, &rc, &err), 0,
           "one that does");
}

static void
test_dates(const struct vouch_identity *one)
{
    struct vouch_cert *cert = vouch_identity_cert(one);
    const int64_t soon = (int64_t) VOUCH_FLOM_SOON_DAYS * 86400;
    int64_t begin = 0;
    int64_t end = 0;
    char text[64] = "";

    pki_need(vouch_cert_not_before(cert, &begin) == 0
                 && vouch_cert_not_after(cert, &end) == 0,
             "dates");
    is_int(vouch_flom_tls_is_dated(tls, begin - 1, text, sizeof(text)), 1,
           "our own certificate");
    is_text(text, "is not valid yet", "before it begins");
    is_int(vouch_flom_tls_is_dated(tls, begin, text, sizeof(text)), 0,
           "its first second");
    is_int(vouch_flom_tls_is_dated(tls, end - soon, text, sizeof(text)), 0,
           "14 days before its end");
    is_int(vouch_flom_tls_is_dated(tls, end - soon + 1, text, sizeof(text)), 1,
           "a second later");
    is_text(text, "expires in 13 days", "is soon");
    is_int(vouch_flom_tls_is_dated(tls, end + 1, text, sizeof(text)), 1,
           "after its end");
    is_text(text, "has expired", "it serves nobody");
}

static void
test_change(struct vouch_identity *one, struct vouch_identity *two)
{
    struct vouch_config *before = vouch_flom_tls_config(tls);
    struct vouch_buf *pem = pki_buf();

    is_int(refresh(0), 0, "nothing has changed");
    write_cert("cert", two);
    is_int(refresh(0), -1, "half of a change");
    is_int(rc, VOUCH_FLOM_RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR, "-404");
    ok(vouch_flom_tls_config(tls) == before, "what was is still used");
    is_int(refresh(0), 0, "which is told once");
    is_int(refresh(1), -1, "or when asked for");
    write_key(two);
    is_int(refresh(0), 1, "the other half");
    ok(vouch_flom_tls_config(tls) != before, "is used");

    before = vouch_flom_tls_config(tls);
    pki_need(vouch_identity_cert_pem(one, pem) == 0, "PEM");
    write_file("ca", pem, vouch_buf_length(pem) / 2);
    is_int(refresh(0), -1, "an authority cut in the middle");
    is_int(rc, VOUCH_FLOM_RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR, "-401");
    ok(vouch_flom_tls_config(tls) == before, "changes nothing");
    write_file("ca", pem, vouch_buf_length(pem));
    is_int(refresh(0), 1, "all of it does");
    (void) unlink(in_folder("ca"));
    is_int(refresh(0), -1, "one that is gone does not");
    ok(strstr(err.text, "/ca: ") != NULL, err.text);
    write_file("ca", pem, vouch_buf_length(pem));
    is_int(refresh(0), 1, "one that has come back does");
    is_int(refresh(1), 1, "and all when asked for");
    vouch_buf_free(pem);
}

/* A name that leads elsewhere now, as tools that renew do it. */
static void
test_link(struct vouch_identity *one)
{
    write_cert("cert.1", one);
    write_cert("cert.2", one);
    (void) symlink("cert.1", in_folder("live"));
    name_file("TlsCertificate", "live");
    write_key(one);
    is_int(refresh(0), 1, "a link");
    pki_need(symlink("cert.2", in_folder("live.new")) == 0, "a link");
    {
        char old[sizeof(folder) + 32];

        (void) snprintf(old, sizeof(old), "%s", in_folder("live.new"));
        pki_need(rename(old, in_folder("live")) == 0, "a rename");
    }
    is_int(refresh(0), 1, "that leads elsewhere now");
    is_int(refresh(0), 0, "once");
}

static void
test_other_names(void)
{
    struct vouch_buf *text = pki_buf();

    (void) vouch_buf_append_text(text, "nothing\n");
    write_file("crl", text, vouch_buf_length(text));
    name_file("TlsCrl", "crl");
    is_int(refresh(0), -1, "a list that is none");
    ok(strstr(err.text, "/crl") != NULL, err.text);
    ok(vouch_flom_tls_config(tls) == NULL,
       "nothing is used that the settings do not name");
    is_int(refresh(0), -1, "and that stays an error");
    (void) vouch_flom_settings_set_text(&settings.tls_crl, NULL, &err);
    is_int(refresh(0), 1, "without it all is well");
    vouch_buf_free(text);
}

static void
remove_folder(void)
{
    static const char *const names[] = {"cert", "key",    "ca",  "cert.1",
                                        "live", "cert.2", "crl", "live.new"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void) unlink(in_folder(names[i]));
    is_int(rmdir(folder), 0, "all cleared away");
}

static void
test_files(void)
{
    struct vouch_identity *one = make("one");
    struct vouch_identity *two = make("two");

    pki_need(mkdtemp(folder) != NULL, "a folder");
    pki_need(vouch_flom_settings_init(&settings, &err) == 0, "settings");
    test_new(one, two);
    test_dates(one);
    test_change(one, two);
    test_link(one);
    test_other_names();
    vouch_flom_tls_free(tls);
    vouch_flom_tls_free(NULL);
    vouch_flom_settings_clear(&settings);
    vouch_identity_free(one);
    vouch_identity_free(two);
    remove_folder();
}

/* --- words ----------------------------------------------------------------*/

static void
test_words(void)
{
    static const enum vouch_cause without[] = {
        VOUCH_CAUSE_UNKNOWN, VOUCH_CAUSE_STAPLE, VOUCH_CAUSE_NOT_PINNED,
        VOUCH_CAUSE_CALLBACK};
    int cause;
    size_t i;

    for (cause = 0; cause < VOUCH_CAUSES; cause++) {
        int has_words = 1;
        int side;

        for (i = 0; i < sizeof(without) / sizeof(without[0]); i++)
            has_words &= (int) without[i] != cause;
        for (side = 0; side < 4; side++)
            is_int(*vouch_flom_tls_advice(
                       cause, side & 1, side & 2 ? VOUCH_CLIENT : VOUCH_SERVER)
                       != '\0',
                   has_words, vouch_cause_name(cause));
    }
    is_int(vouch_flom_is_tls((const unsigned char *) "\026\003\001", 3), 1,
           "a hello");
    is_int(
        vouch_flom_is_tls((const unsigned char *) VOUCH_FLOM_NO_TLS_ALERT, 7),
        1, "an alert");
    is_int(vouch_flom_is_tls((const unsigned char *) "<?xml", 5), 0, "XML");
    is_int(vouch_flom_is_tls((const unsigned char *) "\026", 1), 0,
           "too little");
    is_text(vouch_verify_error_text(X509_V_ERR_UNABLE_TO_GET_CRL),
            "unable to get certificate CRL", "OpenSSL's words for no list");
    is_text(vouch_verify_error_text(X509_V_ERR_CRL_HAS_EXPIRED),
            "CRL has expired", "for an old one");
    is_text(vouch_verify_error_text(X509_V_ERR_CRL_NOT_YET_VALID),
            "CRL is not yet valid", "for one of tomorrow");
}

int
main(void)
{
    test_peer_id();
    test_files();
    test_words();
    return tap_done();
}
