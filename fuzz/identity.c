/*
 * Any bytes as a certificate with its key: PEM, DER or PKCS#12.
 */
#include "fuzz.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "tls/certificate.h"
#include "tls/identity.h"

/* Often no password at all: an input may ask for a slow derivation. */
static int
password(char *text, size_t size, void *arg)
{
    const size_t *input_size = arg;

    if (*input_size % 8 != 0 || size < 6)
        return -1;
    memcpy(text, "secret", 6);
    return 6;
}

static void
use(struct vouch_identity *identity)
{
    struct vouch_buf *out = vouch_buf_new(8 * VOUCH_CERT_MAX);

    FUZZ_CHECK(vouch_identity_cert(identity) != NULL);
    (void) vouch_identity_cert_pem(identity, out);
    (void) vouch_identity_key_pem(identity, out);
    vouch_identity_free(vouch_identity_ref(identity));
    vouch_buf_free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vouch_error err = {VOUCH_OK, 0, 0, ""};
    struct vouch_identity *identity = NULL;

    if (vouch_identity_from_mem(data, size, "input", NULL, 0, NULL, password,
                                &size, &identity, &err)
        == 0)
        use(identity);
    else
        FUZZ_CHECK(identity == NULL && err.code != VOUCH_OK);
    vouch_identity_free(identity);
    return 0;
}
