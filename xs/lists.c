/*
 * Lists that the core fills by callbacks, as arrays of Perl.
 */
#include "bridge.h"

int
vxs_push_field(const char *name, const unsigned char *value, size_t length,
               void *arg)
{
    struct vxs_list *list = arg;
    AV *pair;
    dTHXa(list->perl);

    pair = newAV();
    av_push(list->array, newRV_noinc((SV *) pair));
    av_push(pair, newSVpv(name, 0));
    av_push(pair, newSVpvn((const char *) value, length));
    return 0;
}

int
vxs_push_text(const char *text, void *arg)
{
    struct vxs_list *list = arg;
    dTHXa(list->perl);

    av_push(list->array, newSVpv(text, 0));
    return 0;
}

int
vxs_push_san(enum vouch_san_type type, const unsigned char *value,
             size_t length, void *arg)
{
    struct vxs_list *list = arg;
    AV *pair;
    dTHXa(list->perl);

    pair = newAV();
    av_push(list->array, newRV_noinc((SV *) pair));
    av_push(pair, newSViv((IV) type));
    av_push(pair, newSVpvn((const char *) value, length));
    return 0;
}

int
vxs_push_pin(const struct vouch_fingerprint *pin, void *arg)
{
    struct vxs_list *list = arg;
    char text[VOUCH_FINGERPRINT_TEXT];
    dTHXa(list->perl);

    vouch_fingerprint_text(pin, VOUCH_SPELL_DOLLAR, text);
    av_push(list->array, newSVpv(text, 0));
    return 0;
}

SV *
vxs_epoch(pTHX_ int64_t epoch)
{
    return epoch == VOUCH_NO_TIME ? sv_newmortal()
                                  : sv_2mortal(newSViv((IV) epoch));
}

/* A text, or undef for NULL. */
static SV *
text_or_undef(pTHX_ const char *text)
{
    return text != NULL ? newSVpv(text, 0) : newSV(0);
}

/* A new row of the list: dotted OID, number or undef, short and long name. */
static AV *
push_oid(pTHX_ AV *array, const struct vouch_oid *oid)
{
    AV *row = newAV();

    av_push(array, newRV_noinc((SV *) row));
    av_push(row, newSVpv(oid->dotted, 0));
    av_push(row, oid->nid != 0 ? newSViv(oid->nid) : newSV(0));
    av_push(row, text_or_undef(aTHX_ oid->short_name));
    av_push(row, text_or_undef(aTHX_ oid->long_name));
    return row;
}

int
vxs_push_purpose(const struct vouch_oid *oid, void *arg)
{
    struct vxs_list *list = arg;
    dTHXa(list->perl);

    (void) push_oid(aTHX_ list->array, oid);
    return 0;
}

int
vxs_push_extension(const struct vouch_cert_extension *extension, void *arg)
{
    struct vxs_list *list = arg;
    AV *row;
    dTHXa(list->perl);

    row = push_oid(aTHX_ list->array, &extension->oid);
    av_push(row, newSViv(extension->critical));
    av_push(row, extension->text != NULL
                     ? newSVpvn(extension->text, extension->text_length)
                     : newSV(0));
    return 0;
}

int
vxs_push_uri(const unsigned char *value, size_t length, void *arg)
{
    struct vxs_list *list = arg;
    dTHXa(list->perl);

    av_push(list->array, newSVpvn((const char *) value, length));
    return 0;
}

void
vxs_push_cert(struct vouch_cert *cert, void *arg)
{
    struct vxs_list *list = arg;
    dTHXa(list->perl);

    av_push(list->array, vxs_wrap_cert(aTHX_ cert));
    vouch_cert_free(cert);
}
