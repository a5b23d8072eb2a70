/*
 * The names in a certificate: NULs, every kind of string, none, too many.
 */
#include "tls/certificate.h"

#include "pki.h"
#include "tap.h"

#define MANY 500       /* alternative names */
#define LARGE 65536    /* bytes in one name */
#define OID_LENGTH 200 /* bytes in one type of attribute */

static EVP_PKEY *key;

/* Write each part of a name as "CN=value;". */
static int
write_field(const char *name, const unsigned char *value, size_t length,
            void *arg)
{
    struct vouch_buf *out = arg;

    (void) vouch_buf_append_format(out, "%s=", name);
    (void) vouch_buf_append(out, value, length);
    return vouch_buf_append(out, ";", 1);
}

/* Stop at the second part. */
static int
stop_at_second(const char *name, const unsigned char *value, size_t length,
               void *arg)
{
    int *count = arg;

    (void) name;
    (void) value;
    (void) length;
    return ++*count == 2 ? 42 : 0;
}

/* Write each alternative name as "2:value;". */
static int
write_san(enum vouch_san_type type, const unsigned char *value, size_t length,
          void *arg)
{
    struct vouch_buf *out = arg;

    (void) vouch_buf_append_format(out, "%d:", (int) type);
    (void) vouch_buf_append(out, value, length);
    return vouch_buf_append(out, ";", 1);
}

static int
count_san(enum vouch_san_type type, const unsigned char *value, size_t length,
          void *arg)
{
    int *count = arg;

    (void) type;
    (void) value;
    (void) length;
    ++*count;
    return 0;
}

static int
equals(const struct vouch_buf *buf, const void *wanted, size_t length)
{
    return vouch_buf_length(buf) == length
           && memcmp(vouch_buf_data(buf), wanted, length) == 0;
}

static const struct {
    const char *name;
    int type;
    const char *value;
    int length;
    const char *line;
    const char *utf8; /* NULL: cannot be decoded */
    int utf8_length;
} strings[] = {
    {"UTF8String", V_ASN1_UTF8STRING, "J\xc3\xbcrg", 5, "/CN=J\\xC3\\xBCrg",
     "J\xc3\xbcrg", 5},
    {"PrintableString", V_ASN1_PRINTABLESTRING, "Alex", 4, "/CN=Alex", "Alex",
     4},
    {"a NUL", V_ASN1_UTF8STRING, "good\0bad", 8, "/CN=good\\x00bad",
     "good\0bad", 8},
    {"a NUL at the end", V_ASN1_PRINTABLESTRING, "good\0", 5, "/CN=good\\x00",
     "good\0", 5},
    {"BMPString", V_ASN1_BMPSTRING, "\0J\0\xfc", 4, NULL, "J\xc3\xbc", 3},
    {"BMPString with a NUL", V_ASN1_BMPSTRING, "\0a\0\0\0b", 6, NULL, "a\0b",
     3},
    {"T61String", V_ASN1_T61STRING, "J\xfcrg", 4, "/CN=J\\xFCrg",
     "J\xc3\xbcrg", 5},
    {"UniversalString", V_ASN1_UNIVERSALSTRING, "\0\0\0J\0\1\xf6\0", 8, NULL,
     "J\xf0\x9f\x98\x80", 5},
    {"IA5String", V_ASN1_IA5STRING, "a/b=c\n", 6, NULL, "a/b=c\n", 6},
    {"an empty string", V_ASN1_UTF8STRING, "", 0, "/CN=", "", 0},
    {"broken UTF-8", V_ASN1_UTF8STRING, "a\xff", 2, "/CN=a\\xFF", NULL, 0},
    {"cut UTF-8", V_ASN1_UTF8STRING, "a\xc3", 2, "/CN=a\\xC3", NULL, 0},
    {"a string of bits", V_ASN1_BIT_STRING, "\x80", 1, NULL, NULL, 0},
};

/* Every kind of string, where possible read back from DER as from a peer. */
static void
test_strings(void)
{
    struct vouch_buf *buf = pki_buf();
    struct vouch_buf *wanted = pki_buf();
    char *line;
    X509 *x509;
    size_t i;
    int rv;

    for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        x509 = pki_blank(key);
        pki_name(x509, "CN", strings[i].type, strings[i].value,
                 strings[i].length);
        /* OpenSSL encodes no broken names (and parses none). */
        if (strings[i].utf8 != NULL)
            x509 = pki_sign(x509, key);
        vouch_buf_clear(buf);
        rv = vouch_cert_common_name(vouch_cert_borrow(x509), buf);
        ok(strings[i].utf8 == NULL
               ? rv == -1
               : rv == 1
                     && equals(buf, strings[i].utf8,
                               (size_t) strings[i].utf8_length),
           strings[i].name);

        vouch_buf_clear(buf);
        vouch_buf_clear(wanted);
        rv = vouch_cert_name_each(vouch_cert_borrow(x509), VOUCH_CERT_SUBJECT,
                                  write_field, buf);
        if (strings[i].utf8 != NULL)
            (void) write_field("CN", (const unsigned char *) strings[i].utf8,
                               (size_t) strings[i].utf8_length, wanted);
        ok(rv == (strings[i].utf8 != NULL ? 0 : -1)
               && equals(buf, vouch_buf_data(wanted),
                         vouch_buf_length(wanted)),
           "as a part of the name");

        vouch_buf_clear(buf);
        line = X509_NAME_oneline(X509_get_subject_name(x509), NULL, 0);
        ok(vouch_cert_name_line(vouch_cert_borrow(x509), VOUCH_CERT_SUBJECT,
                                buf)
                   == 0
               && strcmp(vouch_buf_text(buf), line) == 0,
           "the line is OpenSSL's");
        if (strings[i].line != NULL)
            is_text(vouch_buf_text(buf), strings[i].line, "as is written");
        OPENSSL_free(line);
        X509_free(x509);
    }
    ok(ERR_peek_error() == 0, "OpenSSL's queue stays empty");
    vouch_buf_free(wanted);
    vouch_buf_free(buf);
}

static void
test_parts(void)
{
    X509 *x509 = pki_blank(key);
    struct vouch_cert *cert = vouch_cert_borrow(x509);
    struct vouch_buf *buf = pki_buf();
    struct vouch_buf *small = vouch_buf_new(4);
    int count = 0;

    is_int(vouch_cert_common_name(cert, buf), 0, "no common name");
    is_int(vouch_cert_name_line(cert, VOUCH_CERT_SUBJECT, buf), 0,
           "an empty name");
    is_int(vouch_cert_name_each(cert, VOUCH_CERT_SUBJECT, write_field, buf), 0,
           "without parts");
    is_int(vouch_buf_length(buf), 0, "writes nothing");

    pki_name(x509, "C", MBSTRING_ASC, "CH", -1);
    pki_name(x509, "1.2.3.4.5.6", MBSTRING_UTF8, "own", -1);
    pki_name(x509, "CN", MBSTRING_UTF8, "first", -1);
    pki_name(x509, "CN", MBSTRING_UTF8, "second", -1);
    is_int(vouch_cert_name_each(cert, VOUCH_CERT_SUBJECT, write_field, buf), 0,
           "four parts");
    is_text(vouch_buf_text(buf), "C=CH;1.2.3.4.5.6=own;CN=first;CN=second;",
            "in their order, an unknown one by its number");
    vouch_buf_clear(buf);
    is_int(vouch_cert_common_name(cert, buf), 1, "a common name");
    is_text(vouch_buf_text(buf), "first", "the first of two");
    is_int(
        vouch_cert_name_each(cert, VOUCH_CERT_SUBJECT, stop_at_second, &count),
        42, "the callback's answer");
    is_int(count, 2, "ends it");
    is_int(vouch_cert_common_name(cert, small), -1, "no room");
    vouch_buf_clear(small);
    is_int(vouch_cert_name_line(cert, VOUCH_CERT_SUBJECT, small), -1,
           "no room for the line");
    vouch_buf_free(small);
    vouch_buf_free(buf);
    X509_free(x509);
}

/* The dotted text of such a type is longer than the room set aside. */
static void
test_long_oid(void)
{
    unsigned char der[3 + OID_LENGTH] = {0x06, 0x81, OID_LENGTH};
    const unsigned char *at = der;
    X509 *x509 = pki_blank(key);
    struct vouch_buf *buf = pki_buf();
    ASN1_OBJECT *oid;

    memset(der + 3, 0x7f, OID_LENGTH);
    oid = d2i_ASN1_OBJECT(NULL, &at, sizeof(der));
    pki_need(oid != NULL, "a long OID");
    pki_need(X509_NAME_add_entry_by_OBJ(X509_get_subject_name(x509), oid,
                                        MBSTRING_UTF8,
                                        (const unsigned char *) "x", 1, -1, 0)
                 == 1,
             "a name");
    is_int(vouch_cert_name_each(vouch_cert_borrow(x509), VOUCH_CERT_SUBJECT,
                                write_field, buf),
           0, "a long OID");
    ok(vouch_buf_length(buf) > OID_LENGTH * 4 - 2
           && strncmp(vouch_buf_text(buf), "2.47.127.127.127.", 17) == 0,
       "is written in full");
    ASN1_OBJECT_free(oid);
    vouch_buf_free(buf);
    X509_free(x509);
}

static void
test_large(void)
{
    static char text[LARGE + 1];
    X509 *x509 = pki_blank(key);
    struct vouch_buf *buf = pki_buf();
    struct vouch_cert *cert;

    memset(text, 'x', LARGE);
    pki_name(x509, "CN", V_ASN1_UTF8STRING, text, LARGE);
    x509 = pki_sign(x509, key);
    cert = vouch_cert_borrow(x509);
    ok(vouch_cert_common_name(cert, buf) == 1 && equals(buf, text, LARGE),
       "a common name of 64 kB");
    vouch_buf_clear(buf);
    ok(vouch_cert_name_line(cert, VOUCH_CERT_SUBJECT, buf) == 0
           && vouch_buf_length(buf) == LARGE + 4,
       "and its line");
    vouch_buf_clear(buf);
    ok(vouch_cert_text(cert, buf) == 0, "and the text for people");
    vouch_buf_clear(buf);
    ok(vouch_cert_pem(cert, buf) == 0, "and PEM");
    vouch_buf_free(buf);
    X509_free(x509);
}

/* A certificate whose alternative names are these bytes. */
static X509 *
san_cert(const void *der, size_t length, int times)
{
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;
    X509 *x509 = pki_blank(key);

    (void) ASN1_STRING_set(data, der, (int) length);
    extension =
        X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, data);
    pki_need(extension != NULL, "an extension");
    while (times-- > 0)
        (void) X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(data);
    return pki_sign(x509, key);
}

static const struct {
    const char *name;
    const char *der;
    size_t der_length;
    const char *written;
    int written_length;
    int rv;
} sans[] = {
    {"no names", "\x30\x00", 2, "", 0, 0},
    {"DNS", "\x30\x03\x82\x01\x61", 5, "2:a;", 4, 0},
    {"DNS with a NUL", "\x30\x05\x82\x03\x61\x00\x62", 7, "2:a\0b;", 6, 0},
    {"an empty DNS name", "\x30\x02\x82\x00", 4, "2:;", 3, 0},
    {"mail", "\x30\x05\x81\x03\x61\x40\x62", 7, "1:a@b;", 6, 0},
    {"URI", "\x30\x05\x86\x03\x61\x3a\x62", 7, "6:a:b;", 6, 0},
    {"IPv4", "\x30\x06\x87\x04\x7f\x00\x00\x01", 8, "7:\x7f\0\0\1;", 7, 0},
    {"IPv6",
     "\x30\x12\x87\x10"
     "aaaaaaaaaaaaaaaa",
     20, "7:aaaaaaaaaaaaaaaa;", 19, 0},
    {"an address of 5 bytes",
     "\x30\x07\x87\x05"
     "aaaaa",
     9, "", 0, -1},
    {"an address of 0 bytes", "\x30\x02\x87\x00", 4, "", 0, -1},
    {"an OID", "\x30\x05\x88\x03\x2a\x03\x04", 7, "8:1.2.3.4;", 10, 0},
    {"a directory name",
     "\x30\x10\xa4\x0e\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01x",
     18, "4:/CN=x;", 8, 0},
    {"another name", "\x30\x0d\xa0\x0b\x06\x03\x2a\x03\x04\xa0\x04\x0c\x02hi",
     15, "0:\x30\x0b\x06\x03\x2a\x03\x04\xa0\x04\x0c\x02hi;", 16, 0},
    {"an EDI name is passed over",
     "\x30\x0a\xa5\x05\xa1\x03\x0c\x01x\x82\x01\x61", 12, "2:a;", 4, 0},
    {"order", "\x30\x09\x82\x01\x62\x82\x01\x61\x82\x01\x63", 11,
     "2:b;2:a;2:c;", 12, 0},
    {"a broken list", "\x30\x05\x82\x09\x61\x00\x62", 7, "", 0, -1},
    {"no list", "\x04\x01\x61", 3, "", 0, -1},
    {"empty bytes", "", 0, "", 0, -1},
};

static void
test_sans(void)
{
    struct vouch_buf *buf = pki_buf();
    X509 *x509;
    size_t i;
    int rv;

    for (i = 0; i < sizeof(sans) / sizeof(sans[0]); i++) {
        x509 = san_cert(sans[i].der, sans[i].der_length, 1);
        vouch_buf_clear(buf);
        rv = vouch_cert_san_each(vouch_cert_borrow(x509), write_san, buf);
        ok(rv == sans[i].rv
               && equals(buf, sans[i].written,
                         (size_t) sans[i].written_length),
           sans[i].name);
        X509_free(x509);
    }
    x509 = san_cert("\x30\x03\x82\x01\x61", 5, 2);
    vouch_buf_clear(buf);
    is_int(vouch_cert_san_each(vouch_cert_borrow(x509), write_san, buf), -1,
           "the extension twice");
    X509_free(x509);
    x509 = pki_cert(key, "none");
    is_int(vouch_cert_san_each(vouch_cert_borrow(x509), write_san, buf), 0,
           "no extension");
    is_int(vouch_buf_length(buf), 0, "nothing was written");
    ok(ERR_peek_error() == 0, "OpenSSL's queue stays empty");
    X509_free(x509);
    vouch_buf_free(buf);
}

static void
test_many_sans(void)
{
    static unsigned char der[4 + MANY * 6];
    char name[16];
    X509 *x509;
    int count = 0;
    int i;

    memcpy(der, "\x30\x82", 2);
    der[2] = (MANY * 6) >> 8;
    der[3] = (MANY * 6) & 0xff;
    for (i = 0; i < MANY; i++) {
        (void) snprintf(name, sizeof(name), "\x82\x04n%03d", i);
        memcpy(der + 4 + i * 6, name, 6);
    }
    x509 = san_cert(der, sizeof(der), 1);
    is_int(vouch_cert_san_each(vouch_cert_borrow(x509), count_san, &count), 0,
           "500 alternative names");
    is_int(count, MANY, "all of them");
    X509_free(x509);
}

/* Names and addresses that a certificate is for. */
static void
test_is_for(void)
{
    static const struct {
        const char *host;
        int yes;
    } hosts[] = {
        {"a.example", 1},     {"A.Example", 1},     {"b.example", 0},
        {"x.w.example", 1},   {"x.y.w.example", 0}, {"w.example", 0},
        {"192.0.2.1", 1},     {"192.0.2.2", 0},     {"2001:db8::1", 1},
        {"2001:db8:0::1", 1}, {"2001:db8::2", 0},   {"", 0},
        {".example", 0},      {"cn.example", 0},
    };
    static const char der[] = "\x82\x09"
                              "a.example"
                              "\x82\x0b*.w.example"
                              "\x87\x04\xc0\0\2\1"
                              "\x87\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0"
                              "\0\0\0\1";
    unsigned char all[2 + sizeof(der) - 1];
    X509 *x509;
    size_t i;

    all[0] = 0x30;
    all[1] = sizeof(der) - 1;
    memcpy(all + 2, der, sizeof(der) - 1);
    x509 = san_cert(all, sizeof(all), 1);
    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        is_int(vouch_cert_is_for(vouch_cert_borrow(x509), hosts[i].host),
               hosts[i].yes, hosts[i].host);
    X509_free(x509);
    x509 = pki_cert(key, "cn.example");
    is_int(vouch_cert_is_for(vouch_cert_borrow(x509), "cn.example"), 1,
           "the common name, where there is no other");
    ok(ERR_peek_error() == 0, "OpenSSL's queue stays empty");
    X509_free(x509);
}

int
main(void)
{
    key = pki_key("EC", "prime256v1");
    test_strings();
    test_parts();
    test_long_oid();
    test_large();
    test_sans();
    test_many_sans();
    test_is_for();
    EVP_PKEY_free(key);
    return tap_done();
}
