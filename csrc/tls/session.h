/*
 * A TLS session a client may resume, bound to who the client was.
 *
 * It is offered again only under the configuration that made it and to the
 * same host, so that a server never takes us for somebody we no longer say
 * we are, and no check is skipped that was not made.
 */
#ifndef VOUCH_TLS_SESSION_H
#define VOUCH_TLS_SESSION_H

struct vouch_conn;
struct vouch_session;

/* Free the session.  NULL is allowed. */
void vouch_session_free(struct vouch_session *session);

/*
 * The session of a connection as it stands now, or NULL if it cannot be
 * resumed.  Under TLS 1.3 it becomes resumable with the first read.
 */
struct vouch_session *vouch_session_from_conn(const struct vouch_conn *conn);

/*
 * The session of a client's connection that is ready, also if it cannot be
 * resumed yet: it becomes what the server sends later, the last of it.  NULL
 * when memory is out, or for another connection.
 */
struct vouch_session *vouch_session_follow(struct vouch_conn *conn);

/*
 * From now on the session stands for itself: however its connection ends, it
 * can be offered.  0, or -1 when memory is out.
 */
int vouch_session_detach(struct vouch_session *session);

/*
 * Offer a session in the coming handshake: 1 it will be offered, 0 it will
 * not (it has not come, another configuration or host, it has run out, its certificate has or
 * is no longer pinned, its connection was freed without vouch_conn_close(),
 * or the handshake has begun), -1 on failure.
 */
int vouch_session_offer(const struct vouch_session *session,
                        struct vouch_conn *conn);

#endif
