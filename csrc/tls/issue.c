/*
 * Dates, serial numbers and signatures of the certificates made here.
 */
#include "tls/issue.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "base/error.h"

#define SERIAL_BITS 128 /* cannot repeat; RFC 5280 allows 159 */
#define DATE_MIN ((int64_t) -631152000)   /* 1950-01-01T00:00:00Z */
#define DATE_MAX ((int64_t) 253402300799) /* 9999-12-31T23:59:59Z */
#define SECONDS_PER_DAY 86400

int
vouch_issue_check_date(const char *field, int64_t epoch,
                       struct vouch_error *err)
{
    if (epoch >= DATE_MIN && epoch <= DATE_MAX)
        return 0;
    return vouch_error_set(err, VOUCH_E_ARGUMENT,
                           "%s: is not in the years 1950 to 9999", field);
}

/* Set a date by days and seconds, as time_t may have 32 bits only. */
static int
set_date(ASN1_TIME *date, int64_t epoch)
{
    int64_t days = epoch / SECONDS_PER_DAY;
    int64_t seconds = epoch % SECONDS_PER_DAY;

    return ASN1_TIME_adj(date, 0, (int) days, (long) seconds) != NULL;
}

static int
set_serial(X509 *cert)
{
    BIGNUM *number = BN_new();
    int good =
        number != NULL
        && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY)
               == 1
        && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;

    BN_free(number);
    return good;
}

int
vouch_issue_set_term(X509 *cert, int64_t not_before, int64_t not_after)
{
    ASN1_TIME *date = ASN1_TIME_new();
    int good = date != NULL && set_serial(cert) && set_date(date, not_before)
               && X509_set1_notBefore(cert, date) == 1
               && set_date(date, not_after)
               && X509_set1_notAfter(cert, date) == 1;

    ASN1_TIME_free(date);
    return good;
}

int
vouch_issue_sign(X509 *cert, EVP_PKEY *key, const EVP_MD *method)
{
    char name[80];

    /* 2: the kind of key demands this digest, which may be none. */
    if (EVP_PKEY_get_default_digest_name(key, name, sizeof(name)) == 2)
        method =
            strcmp(name, "UNDEF") == 0 ? NULL : EVP_get_digestbyname(name);
    return X509_sign(cert, key, method) > 0;
}
