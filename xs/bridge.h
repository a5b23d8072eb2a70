/*
 * Between Perl and the C core: objects carried by magic, errors thrown, and
 * the one function that calls Perl.
 */
#ifndef VOUCH_XS_BRIDGE_H
#define VOUCH_XS_BRIDGE_H

#define PERL_NO_GET_CONTEXT
#include "EXTERN.h"
#include "perl.h"
#include "XSUB.h"
#include "ppport.h"

#include "vouch.h"

/* A configuration, and what Perl hangs on it. */
struct vxs_config {
    struct vouch_config *config;
    struct vouch_pins *pins;
    unsigned forks; /* vxs_forks when it was made */
};

/* A connection with its reading buffer; the tied half of a socket. */
struct vxs_stream {
    struct vouch_conn *conn;
    struct vouch_seat *seat; /* a listener's count of it, or NULL */

    SV *config;     /* a reference to the Vouch::Config */
    SV *socket;     /* a weak reference to the handle it is tied to */
    IO *io;         /* the handle's, while it is tied; not counted */
    SV *verify_cb;  /* a copy, until the handshake is done; or NULL */
    SV *staple_cb;  /* the same */
    SV *name_cb;    /* the program's rules for names, likewise */
    SV *pending;    /* an exception to be thrown when C has unwound */
    int busy;       /* inside OpenSSL: the callback may not come back */
    int utf8;       /* characters go out as Perl keeps them */
    int writing;    /* a write is waiting, perhaps in a handler */
    int owns_fd;    /* there is no handle: the descriptor is ours */
    int no_wait;    /* an event loop waits: whatever the descriptor's mode */
    SV *unsent;     /* bytes of a record half sent, or NULL */
    int fd;         /* -1 once the handle is closed */
    int recent;     /* among those used last: it keeps its buffers */
    unsigned forks; /* vxs_forks at the last input or output */
    int64_t io_timeout;  /* milliseconds without progress, or -1 */
    size_t max_line;     /* bytes that readline may gather */
    unsigned char *data; /* bytes decrypted and not yet read */
    size_t start;
    size_t end;
    size_t size;
#ifdef MULTIPLICITY
    tTHX perl;
#endif
};

/* Handshakes under way. */
struct vxs_listener {
    struct vouch_listener *core;
    struct vxs_stream asked; /* whom the verify callback is asked for: not a
                                handle yet, and one at a time */
    IV io_timeout;           /* what a connection gets */
    UV max_line;
    int tell; /* also of those that fail */
    int fd;   /* the listening one */
    int busy; /* inside the core: it may not be called */
};

extern const MGVTBL vxs_cert_vtbl;
extern const MGVTBL vxs_identity_vtbl;
extern const MGVTBL vxs_draft_vtbl;
extern const MGVTBL vxs_pkey_vtbl;
extern const MGVTBL vxs_config_vtbl;
extern const MGVTBL vxs_session_vtbl;
extern const MGVTBL vxs_store_vtbl;
extern const MGVTBL vxs_stream_vtbl;
extern const MGVTBL vxs_tie_vtbl;
extern const MGVTBL vxs_listener_vtbl;
extern const MGVTBL vxs_poller_vtbl;
extern const MGVTBL vxs_authorities_vtbl;
extern const MGVTBL vxs_pins_vtbl;

/* Counts the forks of this process, so that a connection knows whether the
 * process that would end it is the one that used it last. */
extern unsigned vxs_forks;
void vxs_watch_forks(void);

/* A new reference to an object of the class, owning ptr; number is what it
 * is worth as a number. */
SV *vxs_wrap(pTHX_ const char *class_name, void *ptr, IV number,
             const MGVTBL *vtbl);

/* The pointer in an object, or die: "argument is not a live CLASS object". */
void *vxs_unwrap(pTHX_ SV *object, const MGVTBL *vtbl, const char *class_name);

/* The same, kept alive until the statement ends: for the typemap, as what
 * converts the arguments that follow may drop the object. */
void *vxs_unwrap_held(pTHX_ SV *object, const MGVTBL *vtbl,
                      const char *class_name);

/* A certificate object; takes its own reference.  undef for NULL. */
SV *vxs_wrap_cert(pTHX_ struct vouch_cert *cert);

/* A key object, which takes over the reference. */
SV *vxs_wrap_key(pTHX_ struct vouch_pkey *key);

/* Die with a Vouch::Error: with this one, or one of a code and a text. */
void vxs_throw(pTHX_ const struct vouch_error *err) __attribute__((noreturn));
void vxs_fail(pTHX_ enum vouch_code code, const char *text)
    __attribute__((noreturn));

/* Bytes of an argument, valid until the statement ends; dies for undef, a
 * reference, and characters that are no bytes.  vxs_name(), for names of
 * files, hosts and the like, dies for a NUL too. */
const char *vxs_bytes(pTHX_ SV *sv, const char *what, STRLEN *length_r);
const char *vxs_name(pTHX_ SV *sv, const char *what);

/* A number; dies for a reference, whose address nobody means. */
IV vxs_number(pTHX_ SV *sv, const char *what);

/*
 * What an argument is on the wire: its bytes, however Perl keeps them.
 * Characters that are no bytes go as UTF-8 with the warning "Wide character
 * in WHAT", or, where what is NULL, dies: as print and syswrite do.  Where
 * the stream sends Perl's own form (utf8), it is that.
 */
const char *vxs_octets(pTHX_ const struct vxs_stream *stream, SV *sv,
                       const char *what, STRLEN *length_r);

/* Append what print is to send; nothing for NULL and undef in its variables.
 * The bytes are SvPV(joined). */
void vxs_join(pTHX_ const struct vxs_stream *stream, SV *joined, SV *sv);

/* The object from here on holds nothing; the caller has freed it. */
void vxs_forget(pTHX_ SV *object, const MGVTBL *vtbl);

/* A new string of a buffer's bytes; frees the buffer.  Dies if an append
 * had failed. */
SV *vxs_take_buf(pTHX_ struct vouch_buf *buf);

/* A buffer, or die. */
struct vouch_buf *vxs_new_buf(pTHX);

/* lists.c: a list that the core fills by a callback. */
struct vxs_list {
    AV *array;
#ifdef MULTIPLICITY
    tTHX perl;
#endif
};

#ifdef MULTIPLICITY
#define VXS_LIST_PERL(list) ((list).perl = aTHX)
#else
#define VXS_LIST_PERL(list) NOOP
#endif

int vxs_push_text(const char *text, void *arg);
int vxs_push_field(const char *name, const unsigned char *value, size_t length,
                   void *arg);
int vxs_push_san(enum vouch_san_type type, const unsigned char *value,
                 size_t length, void *arg);
int vxs_push_pin(const struct vouch_fingerprint *pin, void *arg);
int vxs_push_purpose(const struct vouch_oid *oid, void *arg);
int vxs_push_extension(const struct vouch_cert_extension *extension,
                       void *arg);
int vxs_push_uri(const unsigned char *value, size_t length, void *arg);
void vxs_push_cert(struct vouch_cert *cert, void *arg);

/* Seconds since 1970 as a mortal number, undef for VOUCH_NO_TIME. */
SV *vxs_epoch(pTHX_ int64_t epoch);

/* The fingerprint of a certificate as text, a new SV. */
SV *vxs_fingerprint(pTHX_ const struct vouch_cert *cert, const char *digest,
                    int of, int spelling);

/* handle.c: a socket accepted, tied to a connection, and untied. */
SV *vxs_accept(pTHX_ SV *listener, const char *class_name);
SV *vxs_stream_attach(pTHX_ SV *socket, SV *config, SV *callback,
                      IV io_timeout, UV max_line);
SV *vxs_stream_adopt(pTHX_ struct vouch_listener_event *ready,
                     const char *class_name, SV *config, IV io_timeout,
                     UV max_line);
SV *vxs_stream_alone(pTHX_ struct vouch_listener_event *ready, SV *config);
int vxs_stream_end(pTHX_ struct vxs_stream *stream, int quiet, int keep);
int vxs_stream_shutdown(pTHX_ struct vxs_stream *stream, IV timeout_ms);
void vxs_stream_detach(pTHX_ struct vxs_stream *stream, int quiet);
SV *vxs_stream_close(pTHX_ struct vxs_stream *stream);
void vxs_stream_leave(pTHX_ struct vxs_stream *stream);
void vxs_stream_set_aside(pTHX_ struct vxs_stream *stream);
void vxs_stream_take_back(pTHX_ struct vxs_stream *stream, SV *object,
                          SV *socket);
int vxs_ended_fileno(pTHX_ SV *object);
void vxs_ended_untie(pTHX_ SV *object);

/* stream.c: input and output of a tied handle. */
int vxs_stream_handshake(pTHX_ struct vxs_stream *stream, IV timeout_ms);
SV *vxs_stream_read(pTHX_ struct vxs_stream *stream, SV *target, IV length,
                    IV offset, int all);
SV *vxs_stream_peek(pTHX_ struct vxs_stream *stream, SV *target, IV length);
int vxs_stream_eof(pTHX_ struct vxs_stream *stream);
void vxs_stream_unread(pTHX_ struct vxs_stream *stream, const void *data,
                       size_t length);
SV *vxs_stream_write(pTHX_ struct vxs_stream *stream, const char *data,
                     size_t length, int all);
void vxs_stream_check(pTHX_ struct vxs_stream *stream);
void vxs_stream_check_busy(pTHX_ struct vxs_stream *stream);
size_t vxs_stream_pending(const struct vxs_stream *stream);

/*
 * The read buffer: at least a byte in it (its length, else 0 for the end or
 * an outcome below), how many, some taken, its memory given back if empty.
 */
ssize_t vxs_stream_fill(pTHX_ struct vxs_stream *stream, SV *line);
size_t vxs_stream_buffered(const struct vxs_stream *stream);
void vxs_stream_consume(struct vxs_stream *stream, size_t length);
void vxs_stream_release(struct vxs_stream *stream);

/*
 * listener.c: handshakes under way, and the next that is done: a handle of
 * the class, or, if told to tell, a reference to an array about one that
 * failed; undef with errno (ETIMEDOUT, EBADF once the socket is closed).
 * wait_ms is 0 not to wait, -1 for no limit; looked is true if not even what
 * has arrived shall be looked for, only what was found before.
 */
SV *vxs_listener_new(pTHX_ int fd, SV *callback,
                     const struct vouch_listener_limits *limits, IV io_timeout,
                     UV max_line, int tell);
SV *vxs_listener_next(pTHX_ struct vxs_listener *listener, SV *socket,
                      SV *config, SV *class_name, IV wait_ms, int looked);
void vxs_listener_check_busy(pTHX_ struct vxs_listener *listener);

/* line.c: the next line by $/, a new SV; NULL at the end or on an error. */
SV *vxs_stream_line(pTHX_ struct vxs_stream *stream);

/*
 * failure.c: the error of a connection, and, where the peer had a part in it,
 * who that is, who refused and what to do (valid for the moment); and a
 * reference to a hash of what a Vouch::Error may hold (NULL: no connection).
 */
const char *vxs_failure_text(pTHX_ const struct vouch_conn *conn);
SV *vxs_failure_facts(pTHX_ const struct vouch_error *err,
                      const struct vouch_failure *failure);

/* $SSL_ERROR, as a number and a text. */
void vxs_set_ssl_error(pTHX_ IV number, const char *text);

#include "callbacks.h"
#include "gemini.h"

#endif
