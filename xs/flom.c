/*
 * The functions of FLoM's Perl module on those of libflom, and what its
 * handles are: a hash that is tied to the object which has the C handle.
 *
 * A function dies for a wrong number or type of arguments, in the words that
 * FLoM's uses, and for nothing else.
 */
#include "flom_handle.h"

#include <errno.h>

#include "flom/error_codes.h"
#include "libflom/handle.h"

#define HANDLE_CLASS "Vouch::Flom::flom_handle_t"

struct vxs_flom {
    flom_handle_t *handle; /* NULL: deleted */
    int owned;             /* Perl frees it */
    int waiting; /* in handle_lock, perhaps with a signal's handler */
    int doomed;  /* deleted by that */
};

/* --- objects --------------------------------------------------------------*/

static int
free_flom(pTHX_ SV *sv, MAGIC *mg)
{
    struct vxs_flom *self = (struct vxs_flom *) mg->mg_ptr;
    int saved = errno;

    PERL_UNUSED_VAR(sv);
    if (self == NULL)
        return 0;
    if (self->owned && self->handle != NULL) {
        vouch_libflom_drop(self->handle);
        free(self->handle);
    }
    Safefree(self);
    errno = saved;
    return 0;
}

static int
no_dup_flom(pTHX_ MAGIC *mg, CLONE_PARAMS *params)
{
    PERL_UNUSED_VAR(params);
    mg->mg_ptr = NULL;
    return 0;
}

static const MGVTBL flom_vtbl = {.svt_free = free_flom,
                                 .svt_dup = no_dup_flom};

/* A new reference to a handle's object; takes the handle over. */
static SV *
wrap(pTHX_ const char *class_name, flom_handle_t *handle, int owned)
{
    HV *hash = newHV();
    struct vxs_flom *self;
    SV *inner;

    Newxz(self, 1, struct vxs_flom);
    self->handle = handle;
    self->owned = owned;
    inner = vxs_wrap(aTHX_ class_name, self, PTR2IV(handle), &flom_vtbl);
    hv_magic(hash, (GV *) inner, PERL_MAGIC_tied);
    SvREFCNT_dec(inner);
    return sv_bless(newRV_noinc((SV *) hash), gv_stashpv(class_name, GV_ADD));
}

/* The object under a handle, whichever of its two faces this is; NULL for
 * anything else.  It is kept until the statement ends. */
static struct vxs_flom *
find(pTHX_ SV *object)
{
    SV *inner = SvROK(object) ? SvRV(object) : NULL;
    MAGIC *mg = NULL;

    if (inner != NULL && SvTYPE(inner) == SVt_PVHV && SvRMAGICAL(inner)) {
        mg = mg_find(inner, PERL_MAGIC_tied);
        inner = mg != NULL && mg->mg_obj != NULL && SvROK(mg->mg_obj)
                    ? SvRV(mg->mg_obj)
                    : NULL;
    }
    mg = inner != NULL && SvTYPE(inner) >= SVt_PVMG
             ? mg_findext(inner, PERL_MAGIC_ext, &flom_vtbl)
             : NULL;
    if (mg == NULL || mg->mg_ptr == NULL)
        return NULL;
    (void) sv_2mortal(SvREFCNT_inc_simple_NN(inner));
    return (struct vxs_flom *) mg->mg_ptr;
}

static struct vxs_flom *
must_find(pTHX_ SV *object)
{
    struct vxs_flom *self = find(aTHX_ object);

    if (self == NULL)
        croak("argument is not a live %s object", HANDLE_CLASS);
    return self;
}

SV *
vxs_flom_raw(pTHX_ const char *class_name)
{
    flom_handle_t *handle = calloc(1, sizeof(*handle));

    if (handle == NULL)
        vxs_fail(aTHX_ VOUCH_E_MEMORY, "out of memory");
    return wrap(aTHX_ class_name, handle, 1);
}

void
vxs_flom_own(pTHX_ SV *object, int owned)
{
    must_find(aTHX_ object)->owned = owned;
}

void
vxs_flom_destroy(pTHX_ SV *object)
{
    struct vxs_flom *self = find(aTHX_ object);
    int saved = errno;

    if (self == NULL || !self->owned || self->handle == NULL || self->waiting)
        return;
    vouch_libflom_drop(self->handle);
    free(self->handle);
    self->handle = NULL;
    errno = saved;
}

static SV *
address_or_undef(pTHX_ const void *pointer)
{
    return pointer == NULL ? newSV(0) : newSVuv(PTR2UV(pointer));
}

SV *
vxs_flom_field(pTHX_ SV *object, const char *name)
{
    static flom_handle_t none = {FLOM_HANDLE_STATE_CLEANED, NULL, NULL, NULL};
    const struct vxs_flom *self = must_find(aTHX_ object);
    const flom_handle_t *handle = self->handle == NULL ? &none : self->handle;

    if (strEQ(name, "state"))
        return newSViv(handle->state);
    if (strEQ(name, "locked_element"))
        return newSVpv(handle->locked_element, 0);
    if (strEQ(name, "conn"))
        return address_or_undef(aTHX_ handle->conn);
    if (strEQ(name, "config"))
        return address_or_undef(aTHX_ handle->config);
    croak("a handle of FLoM has no '%s'", name);
}

/* --- arguments ------------------------------------------------------------*/

static void
type_error(pTHX_ const char *kind, const char *function, int argument,
           const char *type)
{
    croak("%s in method '%s', argument %d of type '%s'", kind, function,
          argument, type);
}

static void
check_count(pTHX_ int items, int wanted, const char *function,
            const char *arguments)
{
    if (items != wanted)
        croak("RuntimeError Usage: %s(%s);", function, arguments);
}

/* undef is FLoM's NULL, and so is what has been deleted. */
static struct vxs_flom *
take_handle(pTHX_ SV *sv, const char *function)
{
    struct vxs_flom *self = NULL;

    SvGETMAGIC(sv);
    if (!SvOK(sv))
        return NULL;
    self = find(aTHX_ sv);
    if (self == NULL)
        type_error(aTHX_ "TypeError", function, 1, "flom_handle_t *");
    return self;
}

static flom_handle_t *
pointer_of(const struct vxs_flom *self)
{
    return self == NULL ? NULL : self->handle;
}

static int
take_int(pTHX_ SV *sv, const char *function, int argument, const char *type)
{
    NV value;

    SvGETMAGIC(sv);
    if (!SvOK(sv) || (SvROK(sv) && !SvAMAGIC(sv))
        || (!SvROK(sv) && !SvIOK(sv) && !looks_like_number(sv)))
        type_error(aTHX_ "TypeError", function, argument, type);
    value = SvNV_nomg(sv);
    if (value != value) /* NaN */
        type_error(aTHX_ "TypeError", function, argument, type);
    if (value < INT_MIN || value > INT_MAX)
        type_error(aTHX_ "OverflowError", function, argument, type);
    if (value != (NV) (int) value)
        type_error(aTHX_ "TypeError", function, argument, type);
    return (int) value;
}

/* The bytes, as Perl would open a file of the name; undef is NULL. */
static const char *
take_text(pTHX_ SV *sv, const char *function)
{
    const char *text;
    STRLEN length;

    SvGETMAGIC(sv);
    if (!SvOK(sv))
        return NULL;
    if (SvROK(sv) && !SvAMAGIC(sv))
        type_error(aTHX_ "TypeError", function, 2, "char const *");
    text = SvPV_nomg(sv, length);
    if (SvUTF8(sv)) {
        sv = newSVpvn_flags(text, length, SVs_TEMP | SVf_UTF8);
        (void) sv_utf8_downgrade(sv, 1);
        text = SvPV(sv, length);
    }
    if (strlen(text) != length)
        type_error(aTHX_ "TypeError", function, 2, "char const *");
    return text;
}

/* --- properties -----------------------------------------------------------*/

static int
get_lock_mode(const flom_handle_t *handle)
{
    return (int) flom_handle_get_lock_mode(handle);
}

static int
set_lock_mode(flom_handle_t *handle, int value)
{
    return flom_handle_set_lock_mode(handle, (flom_lock_mode_t) value);
}

struct property {
    const char *name;
    const char *type; /* of a number; NULL: it is a text */
    int (*get_number)(const flom_handle_t *);
    int (*set_number)(flom_handle_t *, int);
    const char *(*get_text)(const flom_handle_t *);
    int (*set_text)(flom_handle_t *, const char *);
};

#define NUMBER(name) \
    { \
#name, "int", flom_handle_get_##name, flom_handle_set_##name, NULL, \
            NULL \
    }
#define TEXT(name) \
    { \
#name, NULL, NULL, NULL, flom_handle_get_##name, \
            flom_handle_set_##name \
    }

static const struct property PROPERTIES[] = {
    NUMBER(discovery_attempts),
    NUMBER(discovery_timeout),
    NUMBER(discovery_ttl),
    {"lock_mode", "flom_lock_mode_t", get_lock_mode, set_lock_mode, NULL,
     NULL},
    TEXT(multicast_address),
    NUMBER(multicast_port),
    TEXT(network_interface),
    NUMBER(resource_create),
    NUMBER(resource_idle_lifespan),
    TEXT(resource_name),
    NUMBER(resource_quantity),
    NUMBER(resource_timeout),
    TEXT(socket_name),
    TEXT(tls_ca_certificate),
    TEXT(tls_certificate),
    NUMBER(tls_check_peer_id),
    TEXT(tls_private_key),
    TEXT(trace_filename),
    TEXT(unicast_address),
    NUMBER(unicast_port),
};

/* Valid until the statement ends. */
static const char *
full_name(pTHX_ const char *verb, const char *name)
{
    return SvPVX(sv_2mortal(newSVpvf("flom_handle_%s%s", verb, name)));
}

XS_INTERNAL(get_property)
{
    dXSARGS;
    const struct property *property = &PROPERTIES[XSANY.any_i32];
    const char *function = full_name(aTHX_ "get_", property->name);
    const flom_handle_t *handle;

    check_count(aTHX_ items, 1, function, "handle");
    handle = pointer_of(take_handle(aTHX_ ST(0), function));
    if (property->type != NULL)
        ST(0) = sv_2mortal(newSViv(property->get_number(handle)));
    else
        ST(0) = sv_2mortal(newSVpv(property->get_text(handle), 0));
    XSRETURN(1);
}

XS_INTERNAL(set_property)
{
    dXSARGS;
    const struct property *property = &PROPERTIES[XSANY.any_i32];
    const char *function = full_name(aTHX_ "set_", property->name);
    struct vxs_flom *self;
    const char *text;
    int number;

    check_count(aTHX_ items, 2, function, "handle,value");
    self = take_handle(aTHX_ ST(0), function);
    if (property->type != NULL) {
        number = take_int(aTHX_ ST(1), function, 2, property->type);
        number = property->set_number(pointer_of(self), number);
    } else {
        text = take_text(aTHX_ ST(1), function);
        number = property->set_text(pointer_of(self), text);
    }
    ST(0) = sv_2mortal(newSViv(number));
    XSRETURN(1);
}

/* --- actions --------------------------------------------------------------*/

/* One that was left in its middle must have no handle that waits. */
static void
stop_waiting(pTHX_ void *arg)
{
    struct vxs_flom *self = arg;

    self->waiting = 0;
    vouch_libflom_give_up(self->handle);
    if (self->doomed) {
        flom_handle_delete(self->handle);
        self->handle = NULL;
    }
}

/* Handlers of signals run while it waits; they may die, or delete the
 * handle. */
static int
lock_handle(pTHX_ struct vxs_flom *self)
{
    int rc = vouch_libflom_lock(self->handle);

    if (rc != VOUCH_LIBFLOM_INTERRUPTED)
        return rc;
    self->waiting = 1;
    ENTER;
    SAVEDESTRUCTOR_X(stop_waiting, self);
    while (rc == VOUCH_LIBFLOM_INTERRUPTED) {
        PERL_ASYNC_CHECK();
        rc = vouch_libflom_lock_go_on(self->handle);
    }
    LEAVE;
    return rc;
}

/* What it had before is not left behind. */
static int
init_handle(pTHX_ struct vxs_flom *self)
{
    PERL_UNUSED_CONTEXT;
    if (self->waiting)
        return FLOM_RC_API_INVALID_SEQUENCE;
    vouch_libflom_drop(self->handle);
    return flom_handle_init(self->handle);
}

static int
delete_handle(pTHX_ struct vxs_flom *self)
{
    PERL_UNUSED_CONTEXT;
    self->doomed = self->waiting;
    if (self->waiting) {
        vouch_libflom_give_up(self->handle);
    } else {
        flom_handle_delete(self->handle);
        self->handle = NULL;
    }
    return FLOM_RC_OK;
}

struct action {
    const char *name;
    int (*with_object)(pTHX_ struct vxs_flom *);
    int (*with_handle)(flom_handle_t *);
};

enum { ACTION_DELETE = 0 };

static const struct action ACTIONS[] = {
    {"delete", delete_handle, NULL},
    {"init", init_handle, NULL},
    {"lock", lock_handle, NULL},
    {"clean", NULL, flom_handle_clean},
    {"unlock", NULL, flom_handle_unlock},
    {"unlock_rollback", NULL, flom_handle_unlock_rollback},
};

XS_INTERNAL(act)
{
    dXSARGS;
    const struct action *action = &ACTIONS[XSANY.any_i32];
    const char *function = full_name(aTHX_ "", action->name);
    struct vxs_flom *self;
    int rc = FLOM_RC_NULL_OBJECT;

    check_count(aTHX_ items, 1, function, "handle");
    self = take_handle(aTHX_ ST(0), function);
    if (pointer_of(self) != NULL)
        rc = action->with_object != NULL ? action->with_object(aTHX_ self)
                                         : action->with_handle(self->handle);
    if (action == &ACTIONS[ACTION_DELETE])
        XSRETURN_EMPTY;
    ST(0) = sv_2mortal(newSViv(rc));
    XSRETURN(1);
}

XS_INTERNAL(new_handle)
{
    dXSARGS;
    flom_handle_t *handle;

    check_count(aTHX_ items, 0, "flom_handle_new", "");
    handle = flom_handle_new();
    EXTEND(SP, 1);
    ST(0) = handle == NULL ? &PL_sv_undef
                           : sv_2mortal(wrap(aTHX_ HANDLE_CLASS, handle, 0));
    XSRETURN(1);
}

XS_INTERNAL(get_locked_element)
{
    dXSARGS;
    const char *function = "flom_handle_get_locked_element";
    const flom_handle_t *handle;

    check_count(aTHX_ items, 1, function, "handle");
    handle = pointer_of(take_handle(aTHX_ ST(0), function));
    ST(0) = sv_2mortal(newSVpv(flom_handle_get_locked_element(handle), 0));
    XSRETURN(1);
}

XS_INTERNAL(words_of)
{
    dXSARGS;
    int code;

    check_count(aTHX_ items, 1, "flom_strerror", "ret_cod");
    code = take_int(aTHX_ ST(0), "flom_strerror", 1, "int");
    ST(0) = sv_2mortal(newSVpv(flom_strerror(code), 0));
    XSRETURN(1);
}

/* --- the package ----------------------------------------------------------*/

static const struct constant {
    const char *name;
    int value;
} CONSTANTS[] = {
#define RC(symbol, code, text) {"RC_" #symbol, code},
    VOUCH_FLOM_RC_LIST(RC)
#undef RC
        {"ES_OK", FLOM_ES_OK},
    {"ES_REQUESTER_CANT_WAIT", FLOM_ES_REQUESTER_CANT_WAIT},
    {"ES_UNABLE_TO_EXECUTE_COMMAND", FLOM_ES_UNABLE_TO_EXECUTE_COMMAND},
    {"ES_RESOURCE_BUSY", FLOM_ES_RESOURCE_BUSY},
    {"ES_GENERIC_ERROR", FLOM_ES_GENERIC_ERROR},
    {"LOCK_MODE_NL", FLOM_LOCK_MODE_NL},
    {"LOCK_MODE_CR", FLOM_LOCK_MODE_CR},
    {"LOCK_MODE_CW", FLOM_LOCK_MODE_CW},
    {"LOCK_MODE_PR", FLOM_LOCK_MODE_PR},
    {"LOCK_MODE_PW", FLOM_LOCK_MODE_PW},
    {"LOCK_MODE_EX", FLOM_LOCK_MODE_EX},
    {"LOCK_MODE_N", FLOM_LOCK_MODE_N},
    {"LOCK_MODE_INVALID", FLOM_LOCK_MODE_INVALID},
    {"HANDLE_STATE_INIT", FLOM_HANDLE_STATE_INIT},
    {"HANDLE_STATE_CONNECTED", FLOM_HANDLE_STATE_CONNECTED},
    {"HANDLE_STATE_LOCKED", FLOM_HANDLE_STATE_LOCKED},
    {"HANDLE_STATE_DISCONNECTED", FLOM_HANDLE_STATE_DISCONNECTED},
    {"HANDLE_STATE_CLEANED", FLOM_HANDLE_STATE_CLEANED},
    {"TRUE", TRUE},
    {"FALSE", FALSE},
};

static void
define(pTHX_ const char *verb, const char *name, XSUBADDR_t code, I32 index)
{
    const char *full =
        SvPVX(sv_2mortal(newSVpvf("Vouch::Flom::handle_%s%s", verb, name)));

    CvXSUBANY(newXS(full, code, __FILE__)).any_i32 = index;
}

void
vxs_flom_boot(pTHX)
{
    HV *stash = gv_stashpvs("Vouch::Flom", GV_ADD);
    size_t i;

    for (i = 0; i < C_ARRAY_LENGTH(CONSTANTS); i++)
        newCONSTSUB(stash, CONSTANTS[i].name, newSViv(CONSTANTS[i].value));
    for (i = 0; i < C_ARRAY_LENGTH(PROPERTIES); i++) {
        define(aTHX_ "get_", PROPERTIES[i].name, get_property, (I32) i);
        define(aTHX_ "set_", PROPERTIES[i].name, set_property, (I32) i);
    }
    for (i = 0; i < C_ARRAY_LENGTH(ACTIONS); i++)
        define(aTHX_ "", ACTIONS[i].name, act, (I32) i);
    define(aTHX_ "", "new", new_handle, 0);
    define(aTHX_ "get_", "locked_element", get_locked_element, 0);
    (void) newXS("Vouch::Flom::strerror", words_of, __FILE__);
}
