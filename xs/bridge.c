/*
 * Objects, errors and callbacks between Perl and the C core.
 */
#include "bridge.h"
#include "lock.h"
#include "recent.h"

#include <pthread.h>

#define TEXT_MAX (64 * 1024 * 1024) /* of one text made for Perl */

unsigned vxs_forks;

/* 1 while Perl forks only to run a command: such a child cannot use the
 * connections, and they stay their owner's. */
static int
runs_command(void)
{
    dTHX;

#ifdef MULTIPLICITY
    if (aTHX == NULL)
        return 0;
#endif
    return PL_op != NULL
           && (PL_op->op_type == OP_SYSTEM || PL_op->op_type == OP_BACKTICK);
}

static void
count_fork(int is_child)
{
    int runs = runs_command();

    vxs_links_after_fork(is_child, runs);
    if (!runs)
        vxs_forks++;
}

static void
forked_parent(void)
{
    count_fork(0);
}

static void
forked_child(void)
{
    count_fork(1);
}

void
vxs_watch_forks(void)
{
    static int watching;

    if (watching++ == 0)
        (void) pthread_atfork(vxs_links_before_fork, forked_parent,
                              forked_child);
}

static int
free_cert(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    vouch_cert_free((struct vouch_cert *) mg->mg_ptr);
    return 0;
}

static int
free_identity(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    vouch_identity_free((struct vouch_identity *) mg->mg_ptr);
    return 0;
}

static int
free_pkey(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    vouch_pkey_free((struct vouch_pkey *) mg->mg_ptr);
    return 0;
}

static int
free_draft(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    vouch_draft_free((struct vouch_draft *) mg->mg_ptr);
    return 0;
}

static int
free_session(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    vouch_session_free((struct vouch_session *) mg->mg_ptr);
    return 0;
}

static int
free_config(pTHX_ SV *sv, MAGIC *mg)
{
    struct vxs_config *self = (struct vxs_config *) mg->mg_ptr;

    PERL_UNUSED_VAR(sv);
    if (self == NULL)
        return 0;
    /* A forked process that ends would pay for each authority twice: for the
     * pages that it shares, and for giving them back. */
    if (PL_dirty && self->forks != vxs_forks)
        return 0;
    vouch_config_free(self->config);
    vouch_pins_free(self->pins);
    Safefree(self);
    return 0;
}

/*
 * The handle is gone without having been closed.  The process that used the
 * connection last says goodbye, without waiting; any other (a child that
 * inherited it, a parent that left it to its child) must not.
 */
static int
free_stream(pTHX_ SV *sv, MAGIC *mg)
{
    struct vxs_stream *self = (struct vxs_stream *) mg->mg_ptr;
    int saved = errno;

    PERL_UNUSED_VAR(sv);
    if (self == NULL)
        return 0;
    if (self->conn != NULL && self->forks == vxs_forks && !self->busy)
        (void) vouch_conn_close(self->conn);
    vxs_recent_drop(aTHX_ self);
    vouch_conn_free(self->conn);
    vouch_seat_free(self->seat);
    if (self->owns_fd)
        (void) close(self->fd);
    vxs_stream_leave(aTHX_ self);
    SvREFCNT_dec(self->config);
    SvREFCNT_dec(self->socket);
    SvREFCNT_dec(self->verify_cb);
    SvREFCNT_dec(self->staple_cb);
    SvREFCNT_dec(self->name_cb);
    SvREFCNT_dec(self->pending);
    SvREFCNT_dec(self->unsent);
    Safefree(self->data);
    Safefree(self);
    errno = saved;
    return 0;
}

static int
free_listener(pTHX_ SV *sv, MAGIC *mg)
{
    struct vxs_listener *self = (struct vxs_listener *) mg->mg_ptr;

    PERL_UNUSED_VAR(sv);
    if (self == NULL)
        return 0;
    vouch_listener_free(self->core);
    SvREFCNT_dec(self->asked.verify_cb);
    SvREFCNT_dec(self->asked.pending);
    Safefree(self);
    return 0;
}

static int
free_poller(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    vouch_poller_free((struct vouch_poller *) mg->mg_ptr);
    return 0;
}

static int
free_pins(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    vouch_pins_free((struct vouch_pins *) mg->mg_ptr);
    return 0;
}

static int
free_authorities(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    vouch_authorities_free((struct vouch_authorities *) mg->mg_ptr);
    return 0;
}

static int
free_request_reader(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    vouch_request_reader_free((struct vouch_request_reader *) mg->mg_ptr);
    return 0;
}

static int
free_header_reader(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    vouch_header_reader_free((struct vouch_header_reader *) mg->mg_ptr);
    return 0;
}

/* The handle is untied, or gone. */
static int
free_tie(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_VAR(sv);
    if (mg->mg_ptr != NULL)
        ((struct vxs_stream *) mg->mg_ptr)->io = NULL;
    return 0;
}

/* A new thread does not get the object: CLONE_SKIP sees to it, and this
 * makes sure. */
static int
dup_nothing(pTHX_ MAGIC *mg, CLONE_PARAMS *params)
{
    PERL_UNUSED_VAR(params);
    mg->mg_ptr = NULL;
    return 0;
}

#define VTBL(name, freer) \
    const MGVTBL name = {NULL,  NULL, NULL,        NULL, \
                         freer, NULL, dup_nothing, NULL}

VTBL(vxs_cert_vtbl, free_cert);
VTBL(vxs_identity_vtbl, free_identity);
VTBL(vxs_pkey_vtbl, free_pkey);
VTBL(vxs_draft_vtbl, free_draft);
VTBL(vxs_config_vtbl, free_config);
VTBL(vxs_session_vtbl, free_session);
VTBL(vxs_store_vtbl, NULL);
VTBL(vxs_stream_vtbl, free_stream);
VTBL(vxs_tie_vtbl, free_tie);
VTBL(vxs_listener_vtbl, free_listener);
VTBL(vxs_poller_vtbl, free_poller);
VTBL(vxs_authorities_vtbl, free_authorities);
VTBL(vxs_pins_vtbl, free_pins);
VTBL(vxs_request_reader_vtbl, free_request_reader);
VTBL(vxs_header_reader_vtbl, free_header_reader);

SV *
vxs_wrap(pTHX_ const char *class_name, void *ptr, IV number,
         const MGVTBL *vtbl)
{
    SV *inner = newSViv(number);
    SV *object = newRV_noinc(inner);
    MAGIC *mg =
        sv_magicext(inner, NULL, PERL_MAGIC_ext, vtbl, (const char *) ptr, 0);

    mg->mg_flags |= MGf_DUP;
    sv_bless(object, gv_stashpv(class_name, GV_ADD));
    SvREADONLY_on(inner);
    return object;
}

void *
vxs_unwrap(pTHX_ SV *object, const MGVTBL *vtbl, const char *class_name)
{
    MAGIC *mg = NULL;

    if (SvROK(object) && SvTYPE(SvRV(object)) >= SVt_PVMG)
        mg = mg_findext(SvRV(object), PERL_MAGIC_ext, vtbl);
    if (mg == NULL || mg->mg_ptr == NULL)
        croak("argument is not a live %s object", class_name);
    return mg->mg_ptr;
}

void *
vxs_unwrap_held(pTHX_ SV *object, const MGVTBL *vtbl, const char *class_name)
{
    void *ptr = vxs_unwrap(aTHX_ object, vtbl, class_name);

    (void) sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(object)));
    return ptr;
}

void
vxs_forget(pTHX_ SV *object, const MGVTBL *vtbl)
{
    MAGIC *mg = mg_findext(SvRV(object), PERL_MAGIC_ext, vtbl);

    if (mg != NULL)
        mg->mg_ptr = NULL;
}

SV *
vxs_wrap_cert(pTHX_ struct vouch_cert *cert)
{
    if (cert == NULL)
        return newSV(0);
    return vxs_wrap(aTHX_ "Vouch::Certificate", vouch_cert_ref(cert),
                    PTR2IV(vouch_cert_x509(cert)), &vxs_cert_vtbl);
}

SV *
vxs_wrap_key(pTHX_ struct vouch_pkey *key)
{
    return vxs_wrap(aTHX_ "Vouch::Key", key, PTR2IV(vouch_pkey_evp(key)),
                    &vxs_pkey_vtbl);
}

void
vxs_throw(pTHX_ const struct vouch_error *err)
{
    dSP;

    ENTER;
    SAVETMPS;
    PUSHMARK(SP);
    EXTEND(SP, 4);
    mPUSHp(vouch_code_name(err->code), strlen(vouch_code_name(err->code)));
    mPUSHp(err->text, strlen(err->text));
    mPUSHi(err->sys_errno);
    mPUSHu(err->lib_code);
    PUTBACK;
    (void) call_pv("Vouch::Error::_throw", G_VOID);
    croak("%s", err->text);
}

void
vxs_fail(pTHX_ enum vouch_code code, const char *text)
{
    struct vouch_error err;

    vouch_error_clear(&err);
    (void) vouch_error_set(&err, code, "%s", text);
    vxs_throw(aTHX_ & err);
}

/* Die for an argument that cannot be what it should be. */
static void
refuse(pTHX_ const char *what, const char *why)
{
    vxs_fail(aTHX_ VOUCH_E_ARGUMENT, Perl_form(aTHX_ "%s must %s", what, why));
}

const char *
vxs_bytes(pTHX_ SV *sv, const char *what, STRLEN *length_r)
{
    const char *text;

    if (!SvOK(sv))
        refuse(aTHX_ what, "be a text, not undef");
    if (SvROK(sv) && !SvAMAGIC(sv))
        refuse(aTHX_ what, "be a text, not a reference");
    text = SvPV(sv, *length_r);
    if (!SvUTF8(sv))
        return text;
    sv = newSVpvn_flags(text, *length_r, SVs_TEMP | SVf_UTF8);
    if (!sv_utf8_downgrade(sv, TRUE))
        refuse(aTHX_ what, "be bytes; it has wide characters (encode it)");
    return SvPV(sv, *length_r);
}

IV
vxs_number(pTHX_ SV *sv, const char *what)
{
    IV number;

    SvGETMAGIC(sv);
    if (SvROK(sv) && !SvAMAGIC(sv))
        refuse(aTHX_ what, "be a number, not a reference");
    number = SvIV_nomg(sv);
    /* Perl's largest numbers would be negative ones. */
    return SvIOK(sv) && SvIsUV(sv) && SvUVX(sv) > IV_MAX ? IV_MAX : number;
}

const char *
vxs_octets(pTHX_ const struct vxs_stream *self, SV *sv, const char *what,
           STRLEN *length_r)
{
    const char *text = SvPV(sv, *length_r);

    if (!SvUTF8(sv) || self->utf8)
        return text;
    sv = newSVpvn_flags(text, *length_r, SVs_TEMP | SVf_UTF8);
    if (!sv_utf8_downgrade(sv, TRUE)) {
        if (what == NULL)
            croak("Wide character in syswrite");
        if (ckWARN(WARN_UTF8))
            Perl_warner(aTHX_ packWARN(WARN_UTF8), "Wide character in %s",
                        what);
    }
    return SvPV(sv, *length_r);
}

void
vxs_join(pTHX_ const struct vxs_stream *self, SV *joined, SV *sv)
{
    const char *data;
    STRLEN length;

    if (sv == NULL || (!SvOK(sv) && (sv == PL_ors_sv || sv == GvSV(PL_ofsgv))))
        return;
    if (self->utf8) {
        sv_catsv(joined, sv);
        return;
    }
    data = vxs_octets(aTHX_ self, sv, "print", &length);
    sv_catpvn(joined, data, length);
}

const char *
vxs_name(pTHX_ SV *sv, const char *what)
{
    STRLEN length;
    const char *text = vxs_bytes(aTHX_ sv, what, &length);

    if (memchr(text, '\0', length) != NULL)
        refuse(aTHX_ what, "not contain a NUL");
    return text;
}

struct vouch_buf *
vxs_new_buf(pTHX)
{
    struct vouch_buf *buf = vouch_buf_new(TEXT_MAX);

    if (buf == NULL)
        croak("out of memory");
    return buf;
}

SV *
vxs_take_buf(pTHX_ struct vouch_buf *buf)
{
    int failed = vouch_buf_failed(buf);
    SV *text = newSVpvn(vouch_buf_text(buf), vouch_buf_length(buf));

    vouch_buf_free(buf);
    if (failed) {
        SvREFCNT_dec(text);
        croak("text longer than %d bytes, or out of memory", TEXT_MAX);
    }
    return text;
}

SV *
vxs_fingerprint(pTHX_ const struct vouch_cert *cert, const char *digest,
                int of, int spelling)
{
    struct vouch_fingerprint print;
    enum vouch_digest number;
    char text[VOUCH_FINGERPRINT_TEXT];

    if (!vouch_digest_by_name(digest, &number))
        croak("Digest algorithm %s is not available\n", digest);
    if (vouch_cert_fingerprint(cert, number, (enum vouch_digest_of) of, &print)
        != 0)
        croak("this certificate cannot be digested with %s\n", digest);
    vouch_fingerprint_text(&print, (enum vouch_spelling) spelling, text);
    return newSVpv(text, 0);
}

/* The answer of a verify callback: a number above 0 accepts. */
static int
accepts(pTHX_ struct vxs_stream *self, SV *answer)
{
    if (SvROK(answer)) {
        self->pending = newSVpvs("verify callback returned a reference; "
                                 "it must return 1 or 0\n");
        return 0;
    }
    return SvOK(answer) && looks_like_number(answer) && SvIV(answer) > 0;
}

/* Make the callback's store object forget the pointer: it dies with the
 * call. */
static void
forget_store(SV *inner)
{
    MAGIC *mg = mg_findext(inner, PERL_MAGIC_ext, &vxs_store_vtbl);

    if (mg != NULL)
        mg->mg_ptr = NULL;
}

int
vxs_verify(const struct vouch_verify *verify, void *arg)
{
    struct vxs_stream *self = arg;
    SV *callback;
    SV *store;
    SV *inner;
    SV *answer;
    SV *error;
    int accepted = 0;
    dTHXa(self->perl);
    dSP;

    if (self->pending != NULL || self->verify_cb == NULL)
        return 0;
    ENTER;
    SAVETMPS;
    save_scalar(PL_errgv);
    /* A new stack: else "last" in the callback would unwind OpenSSL. */
    PUSHSTACKi(PERLSI_MAGIC);
    callback = sv_2mortal(newSVsv(self->verify_cb));
    store = sv_2mortal(vxs_wrap(aTHX_ "Vouch::VerifyContext", verify->store,
                                PTR2IV(verify->store), &vxs_store_vtbl));
    /* The callback may assign to $_[1], and keep what was there. */
    inner = sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(store)));
    PUSHMARK(SP);
    EXTEND(SP, 6);
    mPUSHi(verify->ok);
    PUSHs(store);
    mPUSHp(verify->names, strlen(verify->names));
    if (verify->error == 0)
        mPUSHi(0);
    else
        mPUSHp(verify->error_text, strlen(verify->error_text));
    PUSHs(sv_2mortal(vxs_wrap_cert(aTHX_ verify->cert)));
    mPUSHi(verify->depth);
    PUTBACK;
    (void) call_sv(callback, G_SCALAR | G_EVAL);
    SPAGAIN;
    answer = POPs;
    error = ERRSV;
    /* SvROK first: an exception object may say that it is false. */
    if (SvROK(error) || SvTRUE(error))
        self->pending = newSVsv(error);
    else
        accepted = accepts(aTHX_ self, answer);
    forget_store(inner);
    PUTBACK;
    POPSTACK;
    FREETMPS;
    LEAVE;
    return accepted;
}

int
vxs_password(char *password, size_t size, void *arg)
{
    struct vxs_password *self = arg;
    SV *answer;
    SV *error;
    STRLEN length = 0;
    const char *text;
    int result = -1;
    dTHXa(self->perl);
    dSP;

    if (self->pending != NULL)
        return -1;
    ENTER;
    SAVETMPS;
    save_scalar(PL_errgv);
    PUSHSTACKi(PERLSI_MAGIC);
    PUSHMARK(SP);
    EXTEND(SP, 1);
    mPUSHi(0);
    PUTBACK;
    (void) call_sv(self->callback, G_SCALAR | G_EVAL);
    SPAGAIN;
    answer = POPs;
    error = ERRSV;
    if (SvROK(error) || SvTRUE(error)) {
        self->pending = newSVsv(error);
    } else if (SvOK(answer) && !SvROK(answer)) {
        text = SvPV(answer, length);
        if (length <= size) {
            Copy(text, password, length, char);
            result = (int) length;
        }
    }
    PUTBACK;
    POPSTACK;
    FREETMPS;
    LEAVE;
    return result;
}
