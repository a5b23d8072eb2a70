/*
 * The dates of a certificate, from 1949 to 9999, and dates that are none.
 */
#include "tls/certificate.h"

#include <stdint.h>

#include "pki.h"
#include "tap.h"

static void
test_dates(void)
{
    static const struct {
        const char *text;
        int64_t epoch;
    } cases[] = {
        {"19500101000000Z", INT64_C(-631152000)},
        {"500101000000Z", INT64_C(-631152000)},
        {"19491231235959Z", INT64_C(-631152001)},
        {"691231235959Z", -1},
        {"700101000000Z", 0},
        {"19700101000001Z", 1},
        {"000229120000Z", 951825600},
        {"20000301000000Z", 951868800},
        {"380119031408Z", INT64_C(2147483648)},
        {"491231235959Z", INT64_C(2524607999)},
        {"20500101000000Z", INT64_C(2524608000)},
        {"21000228235959Z", INT64_C(4107542399)},
        {"21000301000000Z", INT64_C(4107542400)},
        {"24000229000000Z", INT64_C(13574563200)},
        {"99991231235959Z", INT64_C(253402300799)},
    };
    X509 *x509 = pki_blank(NULL);
    struct vouch_cert *cert = vouch_cert_borrow(x509);
    int64_t when;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        when = 77;
        pki_need(ASN1_TIME_set_string(X509_getm_notAfter(x509), cases[i].text)
                     == 1,
                 cases[i].text);
        ok(vouch_cert_not_after(cert, &when) == 0 && when == cases[i].epoch,
           cases[i].text);
        ok(!vouch_cert_is_expired(cert, cases[i].epoch - 1)
               && !vouch_cert_is_expired(cert, cases[i].epoch)
               && vouch_cert_is_expired(cert, cases[i].epoch + 1),
           "expired after this second");
        (void) X509_set1_notBefore(x509, X509_get0_notAfter(x509));
        ok(vouch_cert_is_not_yet_valid(cert, cases[i].epoch - 1)
               && !vouch_cert_is_not_yet_valid(cert, cases[i].epoch)
               && !vouch_cert_is_not_yet_valid(cert, cases[i].epoch + 1),
           "valid from this second");
    }
    X509_free(x509);
}

static void
test_bad_dates(void)
{
    static const char *const cases[] = {
        "",
        "Z",
        "991332000000Z",
        "20010229000000Z",
        "0101",
        "tomorrow",
        "20000101000060Z",
        "20000101240000Z",
        "999999",
        "-00101000000Z",
    };
    X509 *x509 = pki_blank(NULL);
    struct vouch_cert *cert = vouch_cert_borrow(x509);
    int64_t when = 77;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) ASN1_STRING_set(X509_getm_notBefore(x509), cases[i], -1);
        (void) ASN1_STRING_set(X509_getm_notAfter(x509), cases[i], -1);
        ok(vouch_cert_not_before(cert, &when) == -1
               && vouch_cert_not_after(cert, &when) == -1 && when == 77
               && vouch_cert_is_expired(cert, 0)
               && vouch_cert_is_not_yet_valid(cert, INT64_MAX)
               && ERR_peek_error() == 0,
           cases[i][0] != '\0' ? cases[i] : "an empty date");
    }
    X509_free(x509);
}

int
main(void)
{
    test_dates();
    test_bad_dates();
    return tap_done();
}
