/*
 * Any bytes as a certificate; then every fact of it.
 */
#include "fuzz.h"

#include "base/buffer.h"
#include "base/error.h"
#include "tls/certificate.h"
#include "tls/certificate_extensions.h"

static int
use_text(const char *name, const unsigned char *value, size_t length,
         void *arg)
{
    return vouch_buf_append_text(arg, name)
           | vouch_buf_append(arg, value, length);
}

static int
use_san(enum vouch_san_type type, const unsigned char *value, size_t length,
        void *arg)
{
    (void) type;
    return vouch_buf_append(arg, value, length);
}

static int
use_oid(const struct vouch_oid *oid, void *arg)
{
    return vouch_buf_append_text(arg, oid->dotted);
}

static int
use_extension(const struct vouch_cert_extension *extension, void *arg)
{
    if (extension->text != NULL)
        (void) vouch_buf_append(arg, extension->text, extension->text_length);
    return use_oid(&extension->oid, arg);
}

static int
use_uri(const unsigned char *value, size_t length, void *arg)
{
    return vouch_buf_append(arg, value, length);
}

static void
use_extensions(const struct vouch_cert *cert, struct vouch_buf *out)
{
    (void) vouch_cert_version(cert);
    FUZZ_CHECK(vouch_cert_key_usage(cert) < 1u << 9);
    (void) vouch_cert_purpose_each(cert, use_oid, out);
    (void) vouch_cert_extension_each(cert, use_extension, out);
    (void) vouch_cert_uri_each(cert, VOUCH_URI_CRL, use_uri, out);
    (void) vouch_cert_uri_each(cert, VOUCH_URI_OCSP, use_uri, out);
}

static void
use_names(const struct vouch_cert *cert, struct vouch_buf *out)
{
    (void) vouch_cert_name_line(cert, VOUCH_CERT_SUBJECT, out);
    (void) vouch_cert_name_line(cert, VOUCH_CERT_ISSUER, out);
    (void) vouch_cert_name_each(cert, VOUCH_CERT_SUBJECT, use_text, out);
    (void) vouch_cert_name_each(cert, VOUCH_CERT_ISSUER, use_text, out);
    (void) vouch_cert_common_name(cert, out);
    (void) vouch_cert_san_each(cert, use_san, out);
}

static void
use_facts(const struct vouch_cert *cert, struct vouch_buf *out)
{
    int64_t epoch = 0;

    (void) vouch_cert_serial_hex(cert, out);
    (void) vouch_cert_serial_decimal(cert, out);
    if (vouch_cert_not_before(cert, &epoch) != 0)
        FUZZ_CHECK(vouch_cert_is_not_yet_valid(cert, 0) == 1);
    if (vouch_cert_not_after(cert, &epoch) != 0)
        FUZZ_CHECK(vouch_cert_is_expired(cert, 0) == 1);
    (void) vouch_cert_is_self_signed(cert);
    FUZZ_CHECK(vouch_cert_key_type(cert) != NULL);
    (void) vouch_cert_key_curve(cert);
    FUZZ_CHECK(vouch_cert_key_bits(cert) >= 0);
    FUZZ_CHECK(vouch_cert_signature_algorithm(cert) != NULL);
    (void) vouch_cert_pem(cert, out);
    (void) vouch_cert_text(cert, out);
}

static void
use_fingerprints(const struct vouch_cert *cert)
{
    struct vouch_fingerprint print;
    int digest;
    int of;

    for (digest = 0; digest < VOUCH_DIGESTS; digest++) {
        for (of = 0; of < VOUCH_OFS; of++)
            (void) vouch_cert_fingerprint(cert, (enum vouch_digest) digest,
                                          (enum vouch_digest_of) of, &print);
    }
}

/* What we write out as DER is read again, and is the same certificate. */
static void
use_again(const struct vouch_cert *cert, struct vouch_buf *der)
{
    struct vouch_cert *again = NULL;

    if (vouch_cert_der(cert, der) != 0)
        return;
    FUZZ_CHECK(vouch_cert_from_mem(vouch_buf_data(der), vouch_buf_length(der),
                                   "again", &again, NULL)
               == 0);
    vouch_cert_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    struct vouch_buf *out = vouch_buf_new(16 * VOUCH_CERT_MAX);
    struct vouch_buf *der = vouch_buf_new(VOUCH_CERT_MAX);
    struct vouch_cert *cert = NULL;

    if (vouch_cert_from_mem(data, size, "input", &cert, &err) == 0) {
        use_names(cert, out);
        use_facts(cert, out);
        use_extensions(cert, out);
        use_fingerprints(cert);
        use_again(cert, der);
    } else {
        FUZZ_CHECK(cert == NULL && err.code != VOUCH_OK);
    }
    vouch_cert_free(cert);
    vouch_buf_free(der);
    vouch_buf_free(out);
    return 0;
}
