/*
 * Making and renewing identities: kinds of key, names, dates, limits.
 */
#include "tls/identity.h"

#include <stdint.h>

#include "pki.h"
#include "tap.h"

#define DAY 86400
#define Y1950 INT64_C(-631152000)
#define Y9999 INT64_C(253402300799)

#define E_ACUTE "\xc3\xa9"
#define TEN "0123456789"
#define TEN_E \
    E_ACUTE E_ACUTE E_ACUTE E_ACUTE E_ACUTE E_ACUTE E_ACUTE E_ACUTE E_ACUTE \
        E_ACUTE
#define LABEL63 TEN TEN TEN TEN TEN TEN "abc"

static struct vouch_identity_spec
plain_spec(void)
{
    struct vouch_identity_spec spec = {"test", NULL, NULL, 0, 0, DAY};

    return spec;
}

/* The error text for a spec that must be refused, or "none". */
static const char *
refusal(const struct vouch_identity_spec *spec)
{
    static struct vouch_error err;
    struct vouch_identity *identity = NULL;

    vouch_error_clear(&err);
    if (vouch_identity_create(spec, &identity, &err) != -1
        || identity != NULL) {
        vouch_identity_free(identity);
        return "none";
    }
    if (err.code != VOUCH_E_ARGUMENT || ERR_peek_error() != 0)
        return "wrong code, or something left in OpenSSL's queue";
    return err.text;
}

static struct vouch_identity *
create(const struct vouch_identity_spec *spec)
{
    struct vouch_identity *identity = NULL;
    struct vouch_error err;

    vouch_error_clear(&err);
    if (vouch_identity_create(spec, &identity, &err) != 0)
        printf("# %s\n", err.text);
    return identity;
}

static void
test_kinds(void)
{
    static const struct {
        const char *key;
        const char *type;
        const char *curve;
        int bits;
        const char *signature;
        unsigned usage;
    } cases[] = {
        {NULL, "EC", "prime256v1", 256, "ecdsa-with-SHA256",
         KU_DIGITAL_SIGNATURE},
        {"ec", "EC", "prime256v1", 256, "ecdsa-with-SHA256",
         KU_DIGITAL_SIGNATURE},
        {"ec:prime256v1", "EC", "prime256v1", 256, "ecdsa-with-SHA256",
         KU_DIGITAL_SIGNATURE},
        {"ec:P-256", "EC", "prime256v1", 256, "ecdsa-with-SHA256",
         KU_DIGITAL_SIGNATURE},
        {"ec:P-384", "EC", "secp384r1", 384, "ecdsa-with-SHA256",
         KU_DIGITAL_SIGNATURE},
        {"ec:secp384r1", "EC", "secp384r1", 384, "ecdsa-with-SHA256",
         KU_DIGITAL_SIGNATURE},
        {"ec:P-521", "EC", "secp521r1", 521, "ecdsa-with-SHA256",
         KU_DIGITAL_SIGNATURE},
        {"rsa:2048", "RSA", NULL, 2048, "sha256WithRSAEncryption",
         KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT},
        {"rsa:2056", "RSA", NULL, 2056, "sha256WithRSAEncryption",
         KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT},
        {"ed25519", "ED25519", NULL, 256, "ED25519", KU_DIGITAL_SIGNATURE},
        {"ed448", "ED448", NULL, 456, "ED448", KU_DIGITAL_SIGNATURE},
    };
    struct vouch_identity_spec spec = plain_spec();
    struct vouch_identity *identity;
    struct vouch_cert *cert;
    X509 *x509;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        spec.key = cases[i].key;
        identity = create(&spec);
        if (!ok(identity != NULL, spec.key != NULL ? spec.key : "default"))
            continue;
        cert = vouch_identity_cert(identity);
        x509 = vouch_cert_x509(cert);
        is_text(vouch_cert_key_type(cert), cases[i].type, "type");
        is_text(vouch_cert_key_curve(cert), cases[i].curve, "curve");
        is_int(vouch_cert_key_bits(cert), cases[i].bits, "bits");
        is_text(vouch_cert_signature_algorithm(cert), cases[i].signature,
                "signature");
        is_int(X509_get_key_usage(x509), cases[i].usage, "key usage");
        ok(vouch_cert_is_self_signed(cert), "self-signed");
        vouch_identity_free(identity);
    }
}

static void
test_bad_kinds(void)
{
    static const char *const cases[] = {
        "",          "EC",        "ec:",       "ec:secp256k1",
        "ec:P-224",  "rsa",       "rsa:",      "rsa:abc",
        "rsa:2048x", "rsa: 2048", "rsa:-2048", "rsa:+2048",
        "rsa:8193",  "rsa:8200",  "rsa:2049",  "rsa:99999999999999999999",
        "ed25519:",  "dsa:2048",  "x25519",    "ml-kem",
    };
    struct vouch_identity_spec spec = plain_spec();
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        spec.key = cases[i];
        ok(strncmp(refusal(&spec), "key: \"", 6) == 0
               && strstr(refusal(&spec), "rsa:2048 to rsa:8192") != NULL,
           cases[i][0] != '\0' ? cases[i] : "an empty kind");
    }
    spec.key = "rsa:2040";
    is_text(refusal(&spec),
            "key: rsa:2040 is too short to be safe and peers "
            "refuse it; use rsa:2048 or more",
            "one step less than the limit");
    spec.key = "rsa:0";
    ok(strstr(refusal(&spec), "too short") != NULL, "no bits at all");
}

static void
test_common_names(void)
{
    static const struct {
        const char *name;
        const char *cn;
        const char *error; /* NULL: good */
    } cases[] = {
        {"one letter", "a", NULL},
        {"63 letters", TEN TEN TEN TEN TEN TEN "abc", NULL},
        {"64 letters", TEN TEN TEN TEN TEN TEN "abcd", NULL},
        {"65 letters", TEN TEN TEN TEN TEN TEN "abcde",
         "cn: longer than 64 characters"},
        {"64 letters of two bytes",
         TEN_E TEN_E TEN_E TEN_E TEN_E TEN_E E_ACUTE E_ACUTE E_ACUTE E_ACUTE,
         NULL},
        {"65 letters of two bytes",
         TEN_E TEN_E TEN_E TEN_E TEN_E TEN_E E_ACUTE E_ACUTE E_ACUTE E_ACUTE
         "a",
         "cn: longer than 64 characters"},
        {"four bytes", "\xf0\x9f\x98\x80", NULL},
        {"the last character", "\xf4\x8f\xbf\xbf", NULL},
        {"slashes and commas", "a/CN=b,c+d\"e\\", NULL},
        {"nothing", "", "cn: is empty"},
        {"NULL", NULL, "cn: is empty"},
        {"latin-1", "J\xfcrg", "cn: is not valid UTF-8"},
        {"cut UTF-8", "a\xc3", "cn: is not valid UTF-8"},
        {"overlong UTF-8", "\xc0\xaf", "cn: is not valid UTF-8"},
        {"a surrogate", "\xed\xa0\x80", "cn: is not valid UTF-8"},
        {"beyond Unicode", "\xf4\x90\x80\x80", "cn: is not valid UTF-8"},
        {"five bytes", "\xf8\x88\x80\x80\x80", "cn: is not valid UTF-8"},
        {"a line break", "a\nb", "cn: has a control character"},
        {"delete", "a\x7f", "cn: has a control character"},
        {"a C1 control", "a\xc2\x85", "cn: has a control character"},
    };
    struct vouch_identity_spec spec = plain_spec();
    struct vouch_identity *identity;
    struct vouch_buf *buf = pki_buf();
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        spec.cn = cases[i].cn;
        if (cases[i].error != NULL) {
            is_text(refusal(&spec), cases[i].error, cases[i].name);
            continue;
        }
        identity = create(&spec);
        vouch_buf_clear(buf);
        ok(identity != NULL
               && vouch_cert_common_name(vouch_identity_cert(identity), buf)
                      == 1
               && strcmp(vouch_buf_text(buf), spec.cn) == 0,
           cases[i].name);
        vouch_identity_free(identity);
    }
    vouch_buf_free(buf);
}

static int
write_san(enum vouch_san_type type, const unsigned char *value, size_t length,
          void *arg)
{
    size_t i;

    (void) vouch_buf_append_format(arg, "%d:", (int) type);
    if (type != VOUCH_SAN_IP)
        return vouch_buf_append(arg, value, length);
    for (i = 0; i < length; i++)
        (void) vouch_buf_append_format(arg, "%02x", value[i]);
    return 0;
}

static const struct {
    const char *text;
    const char *written; /* NULL: refused */
} name_cases[] = {
    {"example.org", "2:example.org"},
    {"DNS:example.org", "2:example.org"},
    {"localhost", "2:localhost"},
    {"*.example.org", "2:*.example.org"},
    {"_x.example.org", "2:_x.example.org"},
    {"xn--jrg-hoa.ch", "2:xn--jrg-hoa.ch"},
    {"1.2.3.4.5", "2:1.2.3.4.5"},
    {LABEL63 ".org", "2:" LABEL63 ".org"},
    {"127.0.0.1", "7:7f000001"},
    {"IP:127.0.0.1", "7:7f000001"},
    {"::1", "7:00000000000000000000000000000001"},
    {"IP:fe80::1", "7:fe800000000000000000000000000001"},
    {"::ffff:1.2.3.4", "7:00000000000000000000ffff01020304"},
    {"EMAIL:a@example.org", "1:a@example.org"},
    {"URI:gemini://example.org/~a?b", "6:gemini://example.org/~a?b"},
    {"URI:urn:x", "6:urn:x"},
    {NULL, NULL},
    {"", NULL},
    {"DNS:", NULL},
    {"DNS:127.0.0.1", NULL},
    {"DNS:a b", NULL},
    {"DNS:a..b", NULL},
    {"DNS:.a", NULL},
    {"DNS:a.", NULL},
    {"DNS:-a", NULL},
    {"DNS:a-.b", NULL},
    {"DNS:*", NULL},
    {"DNS:a.*.b", NULL},
    {"DNS:*a.b", NULL},
    {"DNS:*.*.b", NULL},
    {"DNS:J\xc3\xbcrg.ch", NULL},
    {"DNS:a\nb", NULL},
    {"DNS:a,DNS:b", NULL},
    {LABEL63 "x.org", NULL},
    {"IP:", NULL},
    {"IP:1.2.3", NULL},
    {"IP:1.2.3.256", NULL},
    {"IP:1.2.3.4/8", NULL},
    {"IP:fe80::1%eth0", NULL},
    {"fe80::1%eth0", NULL},
    {"IP:example.org", NULL},
    {"EMAIL:a", NULL},
    {"EMAIL:@b", NULL},
    {"EMAIL:a@", NULL},
    {"EMAIL:a@b@c", NULL},
    {"EMAIL:a b@c", NULL},
    {"EMAIL:a@b\r\n", NULL},
    {"URI:", NULL},
    {"URI:nothing", NULL},
    {"URI::x", NULL},
    {"URI:a:", NULL},
    {"URI:http://a b", NULL},
    {"dns:example.org", NULL},
    {"FOO:bar", NULL},
    {"otherName:1.2.3;UTF8:x", NULL},
};

static void
test_names(void)
{
    struct vouch_identity_spec spec = plain_spec();
    struct vouch_identity *identity;
    struct vouch_buf *buf = pki_buf();
    size_t i;

    spec.san_count = 1;
    for (i = 0; i < sizeof(name_cases) / sizeof(name_cases[0]); i++) {
        spec.san = &name_cases[i].text;
        if (name_cases[i].written == NULL) {
            ok(strncmp(refusal(&spec), "san: ", 5) == 0,
               name_cases[i].text != NULL
                       && strpbrk(name_cases[i].text, "\r\n") == NULL
                   ? name_cases[i].text
                   : "NULL or a line break");
            continue;
        }
        vouch_buf_clear(buf);
        identity = create(&spec);
        if (identity != NULL)
            (void) vouch_cert_san_each(vouch_identity_cert(identity),
                                       write_san, buf);
        is_text(vouch_buf_text(buf), name_cases[i].written,
                name_cases[i].text);
        vouch_identity_free(identity);
    }
    vouch_buf_free(buf);
}

/* Host names of 253 and 254 characters, URIs of 2048 and 2049. */
static void
test_long_names(void)
{
    static char host[256];
    static char uri[4 + 2049 + 1];
    struct vouch_identity_spec spec = plain_spec();
    struct vouch_identity *identity;
    const char *name = host;
    size_t length;
    size_t i;

    spec.san = &name;
    spec.san_count = 1;
    for (length = 252; length <= 254; length++) {
        memset(host, 0, sizeof(host));
        for (i = 0; i < length; i++)
            host[i] = i % 50 == 49 ? '.' : 'a';
        identity = create(&spec);
        is_int(identity != NULL, length <= 253, "a long host name");
        vouch_identity_free(identity);
    }
    name = uri;
    for (length = 2047; length <= 2049; length++) {
        memset(uri, 'a', sizeof(uri));
        memcpy(uri, "URI:a:", 6);
        uri[4 + length] = '\0';
        identity = create(&spec);
        is_int(identity != NULL, length <= 2048, "a long URI");
        vouch_identity_free(identity);
    }
}

/* 500 names are good; so many that no peer would take them are not. */
static void
test_many_names(void)
{
    static char text[8000][20];
    static const char *names[8000];
    struct vouch_identity_spec spec = plain_spec();
    struct vouch_identity *identity;
    struct vouch_error err;
    size_t i;

    for (i = 0; i < 8000; i++) {
        (void) snprintf(text[i], sizeof(text[i]), "n%d.example.org", (int) i);
        names[i] = text[i];
    }
    spec.san = names;
    spec.san_count = 500;
    identity = create(&spec);
    ok(identity != NULL, "500 names");
    vouch_identity_free(identity);
    spec.san_count = 8000;
    identity = NULL;
    vouch_error_clear(&err);
    ok(vouch_identity_create(&spec, &identity, &err) == -1
           && err.code == VOUCH_E_LIMIT && identity == NULL,
       "8000 names are more than a peer takes");
}

static void
test_dates(void)
{
    static const struct {
        const char *name;
        int64_t not_before;
        int64_t not_after;
        const char *error; /* begins so; NULL: good */
    } cases[] = {
        {"the widest range", Y1950, Y9999, NULL},
        {"one second", 0, 1, NULL},
        {"the last second", Y9999 - 1, Y9999, NULL},
        {"before and after 2050", INT64_C(2524607999), INT64_C(2524608000),
         NULL},
        {"before 1950", Y1950 - 1, 0, "not_before: "},
        {"after 9999", 0, Y9999 + 1, "not_after: "},
        {"both after 9999", Y9999 + 1, Y9999 + 2, "not_before: "},
        {"equal", 5, 5, "not_after: is not later"},
        {"reversed", 6, 5, "not_after: is not later"},
        {"the smallest number", INT64_MIN, 0, "not_before: "},
        {"the largest number", 0, INT64_MAX, "not_after: "},
    };
    struct vouch_identity_spec spec = plain_spec();
    struct vouch_identity *identity;
    int64_t start;
    int64_t end;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        spec.not_before = cases[i].not_before;
        spec.not_after = cases[i].not_after;
        if (cases[i].error != NULL) {
            ok(strncmp(refusal(&spec), cases[i].error, strlen(cases[i].error))
                   == 0,
               cases[i].name);
            continue;
        }
        identity = create(&spec);
        ok(identity != NULL
               && vouch_cert_not_before(vouch_identity_cert(identity), &start)
                      == 0
               && vouch_cert_not_after(vouch_identity_cert(identity), &end)
                      == 0
               && start == spec.not_before && end == spec.not_after,
           cases[i].name);
        vouch_identity_free(identity);
    }
}

static void
test_extensions(void)
{
    struct vouch_identity_spec spec = plain_spec();
    struct vouch_identity *identity = create(&spec);
    X509 *x509 = vouch_cert_x509(vouch_identity_cert(identity));
    const X509_EXTENSION *extension;
    struct vouch_fingerprint made;
    const ASN1_OCTET_STRING *id;

    is_int(X509_get_version(x509), 2, "version 3");
    is_int(X509_check_ca(x509), 0, "no authority");
    is_int(X509_get_ext_count(x509), 4, "four extensions, no empty names");
    extension = X509_get_ext(
        x509, X509_get_ext_by_NID(x509, NID_basic_constraints, -1));
    ok(extension != NULL && X509_EXTENSION_get_critical(extension),
       "basic constraints are critical");
    extension =
        X509_get_ext(x509, X509_get_ext_by_NID(x509, NID_key_usage, -1));
    ok(extension != NULL && X509_EXTENSION_get_critical(extension),
       "key usage is critical");
    is_int(X509_get_extended_key_usage(x509), XKU_SSL_SERVER | XKU_SSL_CLIENT,
           "for servers and clients");
    id = X509_get0_subject_key_id(x509);
    ok(id != NULL
           && vouch_cert_fingerprint(vouch_identity_cert(identity), VOUCH_SHA1,
                                     VOUCH_OF_KEY, &made)
                  == 0
           && ASN1_STRING_length(id) == 20
           && memcmp(ASN1_STRING_get0_data(id), made.bytes, 20) == 0,
       "the key identifier is the digest of the key");
    ok(X509_check_purpose(x509, X509_PURPOSE_SSL_SERVER, 0) == 1
           && X509_check_purpose(x509, X509_PURPOSE_SSL_CLIENT, 0) == 1,
       "OpenSSL finds it fit for both");
    vouch_identity_free(identity);
}

static void
test_serials(void)
{
    struct vouch_identity_spec spec = plain_spec();
    struct vouch_identity *identity;
    struct vouch_buf *buf = pki_buf();
    char last[64] = "";
    int wrong = 0;
    int i;

    for (i = 0; i < 20; i++) {
        identity = create(&spec);
        vouch_buf_clear(buf);
        (void) vouch_cert_serial_hex(vouch_identity_cert(identity), buf);
        wrong += vouch_buf_length(buf) != 32 || vouch_buf_text(buf)[0] == '-'
                 || strcmp(vouch_buf_text(buf), last) == 0;
        (void) snprintf(last, sizeof(last), "%s", vouch_buf_text(buf));
        vouch_identity_free(identity);
    }
    is_int(wrong, 0, "serials have 128 bits, are positive, and differ");
    vouch_buf_free(buf);
}

int
main(void)
{
    test_kinds();
    test_bad_kinds();
    test_common_names();
    test_names();
    test_long_names();
    test_many_names();
    test_dates();
    test_extensions();
    test_serials();
    ok(ERR_peek_error() == 0, "OpenSSL's queue stays empty");
    return tap_done();
}
