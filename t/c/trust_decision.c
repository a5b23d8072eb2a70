/*
 * Trust on first use: what is known, what is shown, and the verdict.
 */
#include "trust/decision.h"

#include "pki.h"
#include "tap.h"

#define NOW INT64_C(1000000)
#define LATER (NOW + 1)
#define BEFORE (NOW - 1)

/* What a fingerprint is of: upper case of the certificate, lower case of the
 * key, by SHA-256, SHA-384, SHA-512; the digit says which certificate. */
struct kind {
    char letter;
    enum vouch_digest digest;
    enum vouch_digest_of of;
};

static const struct kind kinds[] = {
    {'C', VOUCH_SHA256, VOUCH_OF_CERT}, {'D', VOUCH_SHA384, VOUCH_OF_CERT},
    {'E', VOUCH_SHA512, VOUCH_OF_CERT}, {'k', VOUCH_SHA256, VOUCH_OF_SPKI},
    {'l', VOUCH_SHA384, VOUCH_OF_SPKI}, {'m', VOUCH_SHA512, VOUCH_OF_SPKI},
};

/* "C1 k1" as fingerprints; how many. */
static size_t
read_prints(const char *text, struct vouch_fingerprint *prints)
{
    size_t count = 0;
    size_t i;

    for (; text[0] != '\0'; text += text[2] == ' ' ? 3 : 2) {
        for (i = 0; kinds[i].letter != text[0]; i++)
            pki_need(i + 1 < sizeof(kinds) / sizeof(kinds[0]), "a kind");
        memset(&prints[count], 0, sizeof(prints[count]));
        prints[count].digest = kinds[i].digest;
        prints[count].of = kinds[i].of;
        prints[count].length = vouch_digest_length(kinds[i].digest);
        prints[count].bytes[0] = (unsigned char) text[1];
        count++;
    }
    return count;
}

static const char all_one[] = "C1 D1 E1 k1 l1 m1";
static const char renewed[] = "C2 D2 E2 k1 l1 m1";
static const char other[] = "C2 D2 E2 k2 l2 m2";

static const struct {
    const char *known; /* NULL: nothing */
    int64_t expires;
    const char *shown;
    const char *trust;
    const char *name;
} table[] = {
    {NULL, 0, all_one, "first-use", "a host nobody knows"},
    {"C1 k1", LATER, all_one, "match", "the same certificate"},
    {"C1", LATER, all_one, "match", "the same, the key not known"},
    {"k1", LATER, all_one, "match", "the same key, no certificate known"},
    {"E1", VOUCH_NO_TIME, all_one, "match", "the same, by SHA-512"},
    {"D1 l1", VOUCH_NO_TIME, all_one, "match", "the same, by SHA-384"},
    {all_one, BEFORE, all_one, "match", "the same, and expired"},
    {"C1 k1", LATER, renewed, "key-kept", "renewed with its key"},
    {"C1 k1", BEFORE, renewed, "key-kept", "the same, after expiry"},
    {"C1 E1 k1", LATER, renewed, "key-kept", "the same, of three"},
    {"C1 m1", LATER, renewed, "key-kept", "the same, by SHA-512 of the key"},
    {"k1", LATER, renewed, "match", "renewed, only the key known"},
    {"C1", LATER, renewed, "changed", "renewed, the key not known"},
    {"C1", BEFORE, renewed, "changed-after-expiry", "the same after expiry"},
    {"C1 k1", LATER, other, "changed", "another key"},
    {"k1", LATER, other, "changed", "another key, no certificate known"},
    {"C1 k1", NOW, other, "changed", "another key in the last second"},
    {"C1 k1", BEFORE, other, "changed-after-expiry", "a second later"},
    {"k1", BEFORE, other, "changed-after-expiry", "the same of a key"},
    {"C1 k1", VOUCH_NO_TIME, other, "changed", "without a date"},
    {"C1 k1", INT64_MAX, other, "changed", "with the last date"},
    {"C1 k2", LATER, all_one, "changed", "the key is another: contradiction"},
    {"C1 E2", LATER, all_one, "changed", "one digest of two: contradiction"},
    {"C1 E2 k1", LATER, all_one, "key-kept", "the same, the key told"},
    {"k1 m2", LATER, all_one, "changed", "one digest of two of the key"},
    {"C1 k1", LATER, "", "changed", "nothing was shown"},
    {"C1 k1", LATER, "C1", "changed", "the key was not shown"},
    {"C1 k1", LATER, "k1", "key-kept", "the certificate was not shown"},
    {"", LATER, all_one, "changed", "a host without a fingerprint"},
};

static void
test_table(void)
{
    struct vouch_known_host known;
    struct vouch_shown shown;
    struct vouch_trust_verdict verdict;
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memset(&known, 0, sizeof(known));
        memset(&shown, 0, sizeof(shown));
        memset(&verdict, 0x5a, sizeof(verdict));
        known.expires = table[i].expires;
        if (table[i].known != NULL)
            known.count = read_prints(table[i].known, known.prints);
        shown.count = read_prints(table[i].shown, shown.prints);
        shown.not_after = LATER;
        vouch_trust_decide(table[i].known != NULL ? &known : NULL, &shown, NOW,
                           &verdict);
        is_text(vouch_trust_name(verdict.trust), table[i].trust,
                table[i].name);
    }
    is_text(vouch_trust_name((enum vouch_trust) 5), "changed",
            "what is no verdict is the worst");
}

/* Dates and names are told, and change no verdict. */
static void
test_information(void)
{
    static const struct {
        int64_t not_before;
        int64_t not_after;
        int expired;
        int early;
        const char *name;
    } dates[] = {
        {BEFORE, LATER, 0, 0, "between"},
        {NOW, NOW, 0, 0, "on its only second"},
        {BEFORE, BEFORE, 1, 0, "expired"},
        {LATER, LATER, 0, 1, "too early"},
        {LATER, BEFORE, 1, 1, "both"},
        {VOUCH_NO_TIME, VOUCH_NO_TIME, 1, 1, "without dates"},
    };
    struct vouch_known_host known;
    struct vouch_shown shown;
    struct vouch_trust_verdict verdict;
    size_t i;
    int is_for;

    memset(&known, 0, sizeof(known));
    known.expires = LATER;
    known.count = read_prints("C1 k1", known.prints);
    memset(&shown, 0, sizeof(shown));
    shown.count = read_prints(all_one, shown.prints);
    for (i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        for (is_for = 0; is_for < 2; is_for++) {
            shown.not_before = dates[i].not_before;
            shown.not_after = dates[i].not_after;
            shown.is_for = is_for;
            vouch_trust_decide(&known, &shown, NOW, &verdict);
            ok(verdict.trust == VOUCH_TRUST_MATCH
                   && verdict.name_matches == is_for
                   && verdict.expired == dates[i].expired
                   && verdict.not_yet_valid == dates[i].early,
               dates[i].name);
        }
    }
}

/* The facts of real certificates. */
static void
test_shown(void)
{
    EVP_PKEY *key = pki_key("EC", "prime256v1");
    X509 *x509 = pki_cert(key, "localhost");
    struct vouch_cert *cert = vouch_cert_of_x509(x509);
    struct vouch_fingerprint print;
    struct vouch_shown shown;
    size_t i;
    size_t k;
    int found = 0;

    ok(vouch_shown_by_cert(cert, "localhost", &shown) == 0, "facts");
    is_int(shown.count, VOUCH_HOST_PRINTS, "all six fingerprints");
    for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        pki_need(
            vouch_cert_fingerprint(cert, kinds[k].digest, kinds[k].of, &print)
                == 0,
            "a digest");
        for (i = 0; i < shown.count; i++)
            found += vouch_fingerprint_equal(&shown.prints[i], &print);
    }
    is_int(found, VOUCH_HOST_PRINTS, "each once");
    is_int(shown.is_for, 1, "it is for this host");
    ok(shown.not_before < shown.not_after, "its dates");
    ok(vouch_shown_by_cert(cert, "example.org", &shown) == 0
           && shown.is_for == 0,
       "and not for that");
    vouch_cert_free(cert);
    X509_free(x509);
    EVP_PKEY_free(key);
}

int
main(void)
{
    test_table();
    test_information();
    test_shown();
    return tap_done();
}
