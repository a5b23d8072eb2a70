/*
 * Passwords as they are kept.
 */
#include "trust/password.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tap.h"

/* scrypt of "pleaseletmein" and salt "SodiumChloride??", N 1024, r 8, p 1;
 * computed by Python's hashlib.scrypt(). */
#define KNOWN \
    "$scrypt$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw$" \
    "myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE"

static const char *const bad[] = {
    "",
    "$",
    "plain",
    "$scrypt$",
    "$scrypt$ln=9,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
    "$scrypt$ln=09,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
    "$scrypt$ln=21,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
    "$scrypt$ln=99,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
    "$scrypt$ln=100,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
    "$scrypt$ln=10,r=9,p=1$U29kaXVtQ2hsb3JpZGU_Pw$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
    "$scrypt$ln=10,r=8,p=2$U29kaXVtQ2hsb3JpZGU_Pw$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
    "$scrypt$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGU$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
    "$scrypt$ln=10,r=8,p=1$$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
    "$scrypt$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw",
    "$scrypt$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw$",
    "$scrypt$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYEAA",
    "$scrypt$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE$",
    "$scrypt$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGU_P*$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
    "$argon2$ln=10,r=8,p=1$U29kaXVtQ2hsb3JpZGU_Pw$myScEkHwKaH7N1pEhgADdaY33NpLqK_mlvB302UOmYE",
};

static int
check(const char *password, const char *text)
{
    return vouch_password_check(password, strlen(password), text, NULL);
}

static void
test_known(void)
{
    is_int(check("pleaseletmein", KNOWN), 1, "a hash made elsewhere");
    is_int(check("pleaseletmeiN", KNOWN), 0, "another password");
    is_int(check("pleaseletmei", KNOWN), 0, "a shorter one");
    is_int(check("", KNOWN), 0, "none");
}

static void
test_made(void)
{
    char one[VOUCH_PASSWORD_TEXT] = "";
    char two[VOUCH_PASSWORD_TEXT] = "";

    is_int(vouch_password_make("secret\0x", 8, 10, one, NULL), 0, "made");
    is_int(vouch_password_make("secret\0x", 8, 10, two, NULL), 0, "again");
    ok(strcmp(one, two) != 0, "each has a salt of its own");
    ok(strstr(one, "secret") == NULL, "it does not tell the password");
    is_int(vouch_password_check("secret\0x", 8, one, NULL), 1, "the password");
    is_int(vouch_password_check("secret\0y", 8, one, NULL), 0,
           "one that differs behind a NUL");
}

static void
test_bad(void)
{
    struct vouch_password kept;
    struct vouch_password before;
    struct vouch_error err;
    size_t i;

    memset(&before, 0x5a, sizeof(before));
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vouch_error_clear(&err);
        kept = before;
        ok(vouch_password_parse(bad[i], &kept, &err) == -1
               && err.code == VOUCH_E_FORMAT
               && memcmp(&kept, &before, sizeof(kept)) == 0,
           bad[i]);
        is_int(check("pleaseletmein", bad[i]), -1, "no password fits it");
    }
    is_int(vouch_password_parse(KNOWN, &kept, NULL), 0, "a good one is read");
}

static void
test_limits(void)
{
    char text[VOUCH_PASSWORD_TEXT] = "as it was";
    char *huge = calloc(1, VOUCH_PASSWORD_MAX + 1);
    struct vouch_error err;

    if (huge == NULL)
        return;
    vouch_error_clear(&err);
    is_int(vouch_password_make(huge, VOUCH_PASSWORD_MAX + 1, 10, text, &err),
           -1, "a byte too many");
    is_int(err.code, VOUCH_E_ARGUMENT, "which is told");
    is_int(vouch_password_make(huge, 1, VOUCH_PASSWORD_COST_LEAST - 1, text,
                               NULL),
           -1, "too cheap");
    is_int(
        vouch_password_make(huge, 1, VOUCH_PASSWORD_COST_MOST + 1, text, NULL),
        -1, "too dear");
    is_text(text, "as it was", "the result is untouched");
    is_int(vouch_password_make(huge, VOUCH_PASSWORD_MAX, 10, text, NULL), 0,
           "the longest");
    is_int(vouch_password_check(huge, VOUCH_PASSWORD_MAX, text, NULL), 1,
           "and it is right");
    is_int(vouch_password_check(huge, VOUCH_PASSWORD_MAX + 1, text, NULL), -1,
           "no longer one is tried");
    is_int(vouch_password_make(huge, 0, 10, text, NULL), 0, "the empty one");
    is_int(vouch_password_check("", 0, text, NULL), 1, "is one too");
    is_int(vouch_password_random((unsigned char *) huge, 1025, NULL), -1,
           "too many random bytes");
    is_int(vouch_password_random((unsigned char *) huge, 1024, NULL), 0,
           "as many as there may be");
    free(huge);
}

int
main(void)
{
    test_known();
    test_made();
    test_bad();
    test_limits();
    return tap_done();
}
