/*
 * Certificates made step by step, self-signed and by an authority.
 */
#include "tls/draft.h"

#include "pki.h"
#include "tap.h"
#include "tls/pkey.h"

#define NOON ((int64_t) 1000000000) /* 2001-09-09T01:46:40Z */

static struct vouch_pkey *key;
static struct vouch_error err;

static struct vouch_pkey *
new_key(const char *kind)
{
    struct vouch_pkey *made = NULL;

    pki_need(vouch_pkey_create(kind, &made, NULL) == 0, "a key");
    return made;
}

static struct vouch_draft *
new_draft(struct vouch_pkey *of, struct vouch_cert *issuer,
          struct vouch_pkey *issuer_key)
{
    struct vouch_draft *draft = NULL;

    vouch_error_clear(&err);
    pki_need(vouch_draft_new(of, issuer, issuer_key, &draft, &err) == 0
                 && vouch_draft_set_dates(draft, NOON, NOON + 3600, &err) == 0,
             "a draft");
    return draft;
}

/* Sign, free the draft, read the certificate back as a peer would. */
static struct vouch_cert *
finish(struct vouch_draft *draft, const char *digest)
{
    struct vouch_cert *cert = NULL;
    struct vouch_cert *back = NULL;
    struct vouch_buf *der = pki_buf();

    pki_need(vouch_draft_sign(draft, digest, &cert, &err) == 0, err.text);
    vouch_draft_free(draft);
    pki_need(vouch_cert_der(cert, der) == 0
                 && vouch_cert_from_mem(vouch_buf_data(der),
                                        vouch_buf_length(der), "c", &back,
                                        NULL)
                        == 0,
             "a certificate again");
    vouch_buf_free(der);
    vouch_cert_free(cert);
    return back;
}

static void
is_line(const struct vouch_cert *cert, enum vouch_cert_name which,
        const char *want)
{
    struct vouch_buf *buf = pki_buf();

    (void) vouch_cert_name_line(cert, which, buf);
    is_text(vouch_buf_text(buf), want, want);
    vouch_buf_free(buf);
}

/* The text of the one extension of this number, or "". */
static void
is_extension(const struct vouch_cert *cert, int nid, const char *want,
             int critical)
{
    X509 *x509 = vouch_cert_openssl(cert);
    X509_EXTENSION *extension =
        X509_get_ext(x509, X509_get_ext_by_NID(x509, nid, -1));
    struct vouch_buf *buf = pki_buf();
    BIO *bio = BIO_new(BIO_s_mem());

    pki_need(extension != NULL, want);
    pki_collect(buf, bio, X509V3_EXT_print(bio, extension, 0, 0));
    is_text(vouch_buf_text(buf), want, want);
    is_int(X509_EXTENSION_get_critical(extension), critical,
           "its criticality");
    vouch_buf_free(buf);
}

static void
test_self_signed(void)
{
    struct vouch_draft *draft = new_draft(key, NULL, NULL);
    struct vouch_cert *cert;
    int64_t when = 0;

    is_int(vouch_draft_add_subject(draft, "countryName", "CH", 2, &err), 0,
           "a long name");
    is_int(vouch_draft_add_subject(draft, "O", "J\xc3\xbcrg", 5, &err), 0,
           "a short one");
    is_int(vouch_draft_add_subject(draft, "1.2.3.4", "odd", 3, &err), 0,
           "an OID");
    is_int(vouch_draft_add_subject(draft, "CN", "a\0b", 3, &err), 0,
           "a NUL, for who wants one");
    is_int(vouch_draft_add_extension(draft, "basicConstraints", 0, "CA:TRUE",
                                     1, &err),
           1, "an extension");
    is_int(vouch_draft_add_extension(draft, "basicConstraints", 0, "CA:FALSE",
                                     0, &err),
           0, "a second one of that kind is not added");
    is_int(vouch_draft_add_extension(draft, NULL, NID_netscape_comment, "hi",
                                     0, &err),
           1, "by number");
    is_int(vouch_draft_add_extension(draft, "1.2.3.5", 0, "DER:0500", 0, &err),
           1, "by OID");
    cert = finish(draft, NULL);
    is_line(cert, VOUCH_CERT_SUBJECT,
            "/C=CH/O=J\\xC3\\xBCrg/1.2.3.4=odd/CN=a\\x00b");
    is_int(vouch_cert_is_self_signed(cert), 1, "self-signed");
    is_text(vouch_cert_signature_algorithm(cert), "ecdsa-with-SHA256",
            "with SHA-256");
    ok(vouch_cert_not_before(cert, &when) == 0 && when == NOON, "from");
    ok(vouch_cert_not_after(cert, &when) == 0 && when == NOON + 3600, "until");
    is_extension(cert, NID_basic_constraints, "CA:TRUE", 1);
    is_extension(cert, NID_netscape_comment, "hi", 0);
    vouch_cert_free(cert);
}

static void
test_issued(void)
{
    struct vouch_pkey *root_key = new_key("ed25519");
    struct vouch_pkey *other = new_key(NULL);
    struct vouch_draft *draft = new_draft(root_key, NULL, NULL);
    struct vouch_draft *none = NULL;
    struct vouch_cert *root;
    struct vouch_cert *cert;

    (void) vouch_draft_add_subject(draft, "CN", "Root", 4, &err);
    (void) vouch_draft_add_extension(draft, "subjectKeyIdentifier", 0, "hash",
                                     0, &err);
    root = finish(draft, "SHA512");
    draft = new_draft(key, root, root_key);
    (void) vouch_draft_add_subject(draft, "CN", "Leaf", 4, &err);
    is_int(vouch_draft_add_extension(draft, "authorityKeyIdentifier", 0,
                                     "keyid:always", 0, &err),
           1, "the identifier of the issuer's key");
    cert = finish(draft, NULL);
    is_line(cert, VOUCH_CERT_ISSUER, "/CN=Root");
    is_int(X509_verify(vouch_cert_openssl(cert), vouch_pkey_evp(root_key)), 1,
           "signed by the authority");
    is_int(vouch_cert_is_self_signed(cert), 0, "not by itself");
    is_int(vouch_draft_new(key, root, other, &none, &err), -1,
           "another key than the issuer's");
    is_int(err.code, VOUCH_E_MISMATCH, "is refused");
    vouch_error_clear(&err);
    is_int(vouch_draft_new(key, root, NULL, &none, &err), -1,
           "an issuer without a key");
    is_int(err.code, VOUCH_E_ARGUMENT, "is refused");
    ok(none == NULL, "and no draft is made");
    vouch_cert_free(cert);
    vouch_cert_free(root);
    vouch_pkey_free(other);
    vouch_pkey_free(root_key);
}

static void
test_names(void)
{
    static const struct {
        enum vouch_san_type type;
        const char *value;
        int rv;
    } names[] = {
        {VOUCH_SAN_DNS, "*.a.example", 0},
        {VOUCH_SAN_DNS, "w*.a", 0},
        {VOUCH_SAN_DNS, "j\xc3\xbcrg", -1},
        {VOUCH_SAN_DNS, "", -1},
        {VOUCH_SAN_DNS, "a\nb", -1},
        {VOUCH_SAN_IP, "127.0.0.1", 0},
        {VOUCH_SAN_IP, "::1", 0},
        {VOUCH_SAN_IP, "127.0.0.1.2", -1},
        {VOUCH_SAN_IP, "", -1},
        {VOUCH_SAN_EMAIL, "a@b", 0},
        {VOUCH_SAN_URI, "http://a,b/", 0},
        {VOUCH_SAN_RID, "1.2.3", 0},
        {VOUCH_SAN_RID, "CN", -1},
        {VOUCH_SAN_OTHER, "x", -1},
        {VOUCH_SAN_DIRECTORY, "/CN=x", -1},
    };
    struct vouch_draft *draft = new_draft(key, NULL, NULL);
    struct vouch_cert *cert;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        vouch_error_clear(&err);
        is_int(vouch_draft_add_san(draft, names[i].type, names[i].value, &err),
               names[i].rv, names[i].value);
        is_int(err.code, names[i].rv == 0 ? VOUCH_OK : VOUCH_E_ARGUMENT,
               "its code");
    }
    vouch_error_clear(&err);
    cert = finish(draft, NULL);
    is_extension(cert, NID_subject_alt_name,
                 "DNS:*.a.example, DNS:w*.a, IP Address:127.0.0.1, "
                 "IP Address:0:0:0:0:0:0:0:1, email:a@b, URI:http://a,b/, "
                 "Registered ID:1.2.3",
                 1);
    vouch_cert_free(cert);
    draft = new_draft(key, NULL, NULL);
    (void) vouch_draft_add_subject(draft, "CN", "x", 1, &err);
    (void) vouch_draft_add_san(draft, VOUCH_SAN_DNS, "a", &err);
    cert = finish(draft, NULL);
    is_extension(cert, NID_subject_alt_name, "DNS:a", 0);
    vouch_cert_free(cert);
}

static void
test_serial(void)
{
    static const struct {
        const char *text;
        const char *told; /* NULL: refused */
    } serials[] = {
        {"1", "1"},
        {"0xff", "255"},
        {"-5", "-5"},
        {"1461501637330902918203684832716283019655932542975",
         "1461501637330902918203684832716283019655932542975"},
        {"1461501637330902918203684832716283019655932542976", NULL},
        {"", NULL},
        {"-", NULL},
        {"--1", NULL},
        {"0x", NULL},
        {"1x", NULL},
        {" 1", NULL},
        {"1e5", NULL},
        {"ff", NULL},
        {"00000000000000000000000000000000000000000000000000000000000", NULL},
    };
    struct vouch_buf *buf = pki_buf();
    struct vouch_cert *cert;
    struct vouch_draft *draft;
    size_t i;
    int rv;

    for (i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        draft = new_draft(key, NULL, NULL);
        rv = vouch_draft_set_serial(draft, serials[i].text, &err);
        is_int(rv, serials[i].told != NULL ? 0 : -1, serials[i].text);
        vouch_error_clear(&err);
        /* Dates leave it alone. */
        is_int(vouch_draft_set_dates(draft, NOON, NOON, &err), 0, "dates");
        cert = finish(draft, NULL);
        vouch_buf_clear(buf);
        (void) vouch_cert_serial_decimal(cert, buf);
        if (rv == 0)
            is_text(vouch_buf_text(buf), serials[i].told, "what it says");
        else
            ok(vouch_buf_length(buf) > 30, "the random one stays");
        vouch_cert_free(cert);
    }
    vouch_buf_free(buf);
}

static void
is_refused(int rv, const char *name)
{
    ok(rv == -1 && err.code == VOUCH_E_ARGUMENT && err.text[0] != '\0'
           && ERR_peek_error() == 0,
       name);
    vouch_error_clear(&err);
}

static void
test_refused(void)
{
    struct vouch_draft *draft = new_draft(key, NULL, NULL);
    struct vouch_cert *cert = NULL;

    is_refused(vouch_draft_add_subject(draft, "nosuch", "x", 1, &err),
               "an unknown field");
    is_refused(vouch_draft_add_subject(draft, "CN", "\xff", 1, &err),
               "bytes that are not UTF-8");
    is_refused(vouch_draft_set_dates(draft, INT64_MIN, 0, &err), "too early");
    is_refused(vouch_draft_set_dates(draft, 0, 253402300800, &err),
               "too late");
    is_refused(vouch_draft_add_extension(draft, "nosuch", 0, "x", 0, &err),
               "an unknown extension");
    is_refused(vouch_draft_add_extension(draft, NULL, 999999, "x", 0, &err),
               "an unknown number");
    is_refused(vouch_draft_add_extension(draft, NULL, 0, "x", 0, &err),
               "no name and no number");
    is_refused(vouch_draft_add_extension(draft, "keyUsage", 0, "x", 0, &err),
               "a word that is not one");
    is_refused(vouch_draft_add_extension(draft, "certificatePolicies", 0,
                                         "1.2.3,@section", 0, &err),
               "a section, which is not there");
    is_refused(vouch_draft_sign(draft, "nosuch", &cert, &err),
               "an unknown digest");
    ok(cert == NULL, "no certificate");
    vouch_draft_free(draft);
    vouch_draft_free(NULL);
}

int
main(void)
{
    key = new_key(NULL);
    test_self_signed();
    test_issued();
    test_names();
    test_serial();
    test_refused();
    vouch_pkey_free(key);
    return tap_done();
}
