/*
 * What explains the failure of a connection: noted on the way, collected
 * when somebody asks.  The judgement is in failure.c.
 */
#include "tls/private.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#ifdef __linux__
#include <asm/socket.h> /* SO_PEERNAME, which POSIX does not know */
#endif

#include <openssl/x509v3.h>

#include "net/address.h"

#define AUTHORITY_MAX 1024 /* bytes of one name that are told */

/* Linux tells it also of a socket that was reset before it was accepted, to
 * who asks for no more bytes than there are. */
static int
peer_of(int fd, struct sockaddr_storage *storage, socklen_t *length)
{
    if (getpeername(fd, (struct sockaddr *) storage, length) == 0)
        return 0;
#ifdef SO_PEERNAME
    *length = sizeof(struct sockaddr_in6);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERNAME, storage, length) == 0)
        return 0;
    *length = sizeof(struct sockaddr_in);
    return getsockopt(fd, SOL_SOCKET, SO_PEERNAME, storage, length);
#else
    return -1;
#endif
}

void
vouch_conn_note_peer(struct vouch_conn *conn)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    int saved = errno;

    if (conn->fd < 0 || peer_of(conn->fd, &storage, &length) != 0) {
        errno = saved;
        return;
    }
    if (length > sizeof(conn->address.bytes))
        length = sizeof(conn->address.bytes);
    memcpy(conn->address.bytes, &storage, length);
    conn->address.length = length;
}

void
vouch_conn_note_bytes(struct vouch_conn *conn, const void *data, size_t length)
{
    size_t room = sizeof(conn->first) - conn->first_length;

    if (length > room)
        length = room;
    memcpy(conn->first + conn->first_length, data, length);
    conn->first_length += length;
}

void
vouch_conn_watch(const SSL *ssl, int where, int value)
{
    struct vouch_conn *conn = vouch_conn_of_ssl(ssl);

    if (conn == NULL)
        return;
    if ((where & SSL_CB_ALERT) && (value & 0xFF) != SSL_AD_CLOSE_NOTIFY) {
        if (where & SSL_CB_WRITE)
            conn->alert_sent = value & 0xFF;
        else
            conn->alert_received = value & 0xFF;
    } else if (where == SSL_CB_CONNECT_LOOP
               && SSL_get_state(ssl) == TLS_ST_CR_CERT_REQ) {
        conn->asked = 1;
    }
}

/* What a peer could find wrong with our own certificate.  Of a chain that
 * has no authority in common, only the peer knows. */
static int
fault_in_own(const struct vouch_conn *conn, const X509 *own, const char *name)
{
    if (own == NULL)
        return X509_V_OK;
    if (X509_cmp_current_time(X509_get0_notBefore(own)) >= 0)
        return X509_V_ERR_CERT_NOT_YET_VALID;
    if (X509_cmp_current_time(X509_get0_notAfter(own)) <= 0)
        return X509_V_ERR_CERT_HAS_EXPIRED;
    if (conn->config->role == VOUCH_SERVER && name != NULL
        && X509_check_host((X509 *) own, name, 0, 0, NULL) == 0)
        return X509_V_ERR_HOSTNAME_MISMATCH;
    return X509_V_OK;
}

static const char *
name_asked(const struct vouch_conn *conn)
{
    if (conn->server_name != NULL)
        return conn->server_name;
    return SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name);
}

/* A name comes from a client: nothing but what a name may hold. */
static void
copy_name(const char *name, char text[VOUCH_NAME_SIZE])
{
    size_t i;

    for (i = 0; i < VOUCH_NAME_SIZE - 1 && name[i] != '\0'; i++)
        text[i] = name[i] > 0x20 && name[i] < 0x7F ? name[i] : '?';
    text[i] = '\0';
}

static void
copy_peer(const struct vouch_conn *conn, char text[VOUCH_PEER_SIZE])
{
    struct vouch_address address;

    if (conn->address.length == 0)
        return;
    memset(&address, 0, sizeof(address));
    memcpy(&address.storage, conn->address.bytes, conn->address.length);
    address.length = conn->address.length;
    vouch_address_text(&address, text, VOUCH_PEER_SIZE);
}

void
vouch_conn_failure(const struct vouch_conn *conn,
                   struct vouch_failure *failure)
{
    const char *name = name_asked(conn);
    X509 *own = SSL_get_certificate(conn->ssl);
    struct vouch_failure_facts facts;

    facts.role = conn->config->role;
    facts.code = conn->error.code;
    facts.sys_errno = conn->error.sys_errno;
    facts.lib_code = conn->error.lib_code;
    facts.established = conn->protocol != 0;
    facts.alert_sent = conn->alert_sent;
    facts.alert_received = conn->alert_received;
    facts.verdict = conn->verdict;
    facts.asked = conn->asked;
    facts.has_cert = own != NULL;
    facts.own_fault = fault_in_own(conn, own, name);
    facts.first = conn->first;
    facts.first_length = conn->first_length;
    vouch_failure_judge(&facts, failure);
    if (conn->state == VOUCH_CONN_CLOSED)
        failure->side = VOUCH_SIDE_NOBODY; /* we have ended it */
    copy_peer(conn, failure->peer);
    if (name != NULL)
        copy_name(name, failure->server_name);
}

int
vouch_conn_is_asked(const struct vouch_conn *conn)
{
    return conn->asked;
}

/* Asks OpenSSL, unlike other getters: hardly anybody wants to know, and
 * some servers send hundreds. */
int
vouch_conn_authorities(const struct vouch_conn *conn,
                       vouch_conn_authority_fn fn, void *arg)
{
    const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(conn->ssl);
    char text[AUTHORITY_MAX];
    int i;

    for (i = 0; i < sk_X509_NAME_num(names); i++) {
        if (X509_NAME_oneline(sk_X509_NAME_value(names, i), text, sizeof(text))
            == NULL)
            return -1;
        if (fn(text, arg) != 0)
            return i + 1;
    }
    return i;
}
