/*
 * What a connection knows of its peer: copied once, then only read.
 */
#include "tls/private.h"

#include <string.h>

#include <openssl/x509v3.h>

/* The chain as the peer sent it, its own certificate first.  OpenSSL leaves
 * that one out on the server's side. */
static int
copy_chain(struct vouch_conn *conn)
{
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(conn->ssl);

    if (conn->peer == NULL || sk_X509_num(sent) <= 0)
        return 0;
    conn->chain = X509_chain_up_ref(sent);
    if (conn->chain == NULL)
        return -1;
    if (!SSL_is_server(conn->ssl))
        return 0;
    if (!sk_X509_unshift(conn->chain, conn->peer))
        return -1;
    X509_up_ref(conn->peer);
    return 0;
}

static int
copy_alpn(struct vouch_conn *conn)
{
    const unsigned char *name = NULL;
    unsigned int length = 0;

    SSL_get0_alpn_selected(conn->ssl, &name, &length);
    if (length == 0)
        return 0;
    conn->alpn = OPENSSL_strndup((const char *) name, length);
    return conn->alpn == NULL ? -1 : 0;
}

static int
copy_server_name(struct vouch_conn *conn)
{
    const char *name =
        SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name);

    if (name == NULL || conn->server_name != NULL)
        return 0;
    conn->server_name = OPENSSL_strdup(name);
    return conn->server_name == NULL ? -1 : 0;
}

int
vouch_conn_copy_facts(struct vouch_conn *conn)
{
    conn->protocol = SSL_version(conn->ssl);
    conn->cipher = SSL_get_cipher_name(conn->ssl);
    conn->resumed = SSL_session_reused(conn->ssl);
    conn->peer = SSL_get1_peer_certificate(conn->ssl);
    conn->own = SSL_get_certificate(conn->ssl);
    if (conn->own != NULL)
        X509_up_ref(conn->own);
    if (conn->resumed && conn->peer != NULL) {
        long found = SSL_get_verify_result(conn->ssl);

        conn->verdict.accepted = 1;
        conn->verdict.by = VOUCH_BY_SESSION;
        conn->verdict.error = (int) found;
    }
    return copy_chain(conn) != 0 || copy_server_name(conn) != 0
                   || copy_alpn(conn) != 0
               ? -1
               : 0;
}

int
vouch_conn_set_server_name(struct vouch_conn *conn, const char *name)
{
    if (!SSL_set_tlsext_host_name(conn->ssl, name))
        return vouch_error_set_openssl(&conn->error, VOUCH_E_ARGUMENT,
                                       "\"%.80s\" is not a server name", name);
    return 0;
}

int
vouch_conn_set_verify_host(struct vouch_conn *conn, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(conn->ssl);
    char *copy;

    /* OpenSSL takes a leading dot for "any name that ends so". */
    if (*host == '.')
        return vouch_error_set(&conn->error, VOUCH_E_ARGUMENT,
                               "\"%.80s\" is not a host name", host);
    /* OpenSSL takes an empty name for no name to check. */
    if (*host == '\0')
        return vouch_error_set(&conn->error, VOUCH_E_ARGUMENT,
                               "the host to verify has no name");
    copy = OPENSSL_strdup(host);
    if (copy == NULL)
        return vouch_error_set(&conn->error, VOUCH_E_MEMORY, "out of memory");
    OPENSSL_free(conn->verify_host);
    conn->verify_host = copy;
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host))
        return 0;
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!X509_VERIFY_PARAM_set1_host(param, host, 0))
        return vouch_error_set_openssl(&conn->error, VOUCH_E_ARGUMENT,
                                       "\"%.80s\" is not a host name", host);
    return 0;
}

int
vouch_conn_set_name_check(struct vouch_conn *conn, vouch_name_fn check,
                          const char *what)
{
    char *copy = NULL;

    if (what != NULL) {
        copy = OPENSSL_strdup(what);
        if (copy == NULL)
            return vouch_error_set(&conn->error, VOUCH_E_MEMORY,
                                   "out of memory");
    }
    OPENSSL_free(conn->verify_host);
    conn->verify_host = copy;
    conn->name_check = check;
    return 0;
}

int
vouch_conn_is_ready(const struct vouch_conn *conn)
{
    return conn->state == VOUCH_CONN_READY;
}

int
vouch_conn_wants(const struct vouch_conn *conn)
{
    switch (SSL_want(conn->ssl)) {
    case SSL_READING:
        return VOUCH_WANT_READ;
    case SSL_WRITING:
        return VOUCH_WANT_WRITE;
    default:
        return 0;
    }
}

int
vouch_conn_is_closed_by_peer(const struct vouch_conn *conn)
{
    return conn->peer_closed;
}

const struct vouch_error *
vouch_conn_error(const struct vouch_conn *conn)
{
    return &conn->error;
}

const char *
vouch_conn_error_text(const struct vouch_conn *conn)
{
    return conn->error.text;
}

struct vouch_cert *
vouch_conn_peer_cert(const struct vouch_conn *conn)
{
    return vouch_cert_borrow(conn->peer);
}

size_t
vouch_conn_peer_chain_count(const struct vouch_conn *conn)
{
    if (conn->peer == NULL)
        return 0;
    return conn->chain == NULL ? 1 : (size_t) sk_X509_num(conn->chain);
}

struct vouch_cert *
vouch_conn_peer_chain_cert(const struct vouch_conn *conn, size_t index)
{
    if (index >= vouch_conn_peer_chain_count(conn))
        return NULL;
    if (conn->chain == NULL)
        return vouch_cert_borrow(conn->peer);
    return vouch_cert_borrow(sk_X509_value(conn->chain, (int) index));
}

struct vouch_cert *
vouch_conn_own_cert(const struct vouch_conn *conn)
{
    return vouch_cert_borrow(conn->own);
}

const struct vouch_verdict *
vouch_conn_verdict(const struct vouch_conn *conn)
{
    return &conn->verdict;
}

int
vouch_conn_protocol(const struct vouch_conn *conn)
{
    return conn->protocol;
}

const char *
vouch_conn_protocol_name(const struct vouch_conn *conn)
{
    switch (conn->protocol) {
    case VOUCH_TLS1_0:
        return "TLSv1";
    case VOUCH_TLS1_1:
        return "TLSv1_1";
    case VOUCH_TLS1_2:
        return "TLSv1_2";
    case VOUCH_TLS1_3:
        return "TLSv1_3";
    default:
        return "";
    }
}

const char *
vouch_conn_cipher(const struct vouch_conn *conn)
{
    return conn->cipher == NULL ? "" : conn->cipher;
}

const char *
vouch_conn_alpn(const struct vouch_conn *conn)
{
    return conn->alpn == NULL ? "" : conn->alpn;
}

const char *
vouch_conn_server_name(const struct vouch_conn *conn)
{
    return conn->server_name;
}

int
vouch_conn_is_resumed(const struct vouch_conn *conn)
{
    return conn->resumed;
}

size_t
vouch_conn_staple(const struct vouch_conn *conn, const unsigned char **der_r)
{
    const unsigned char *der = NULL;
    long length = SSL_get_tlsext_status_ocsp_resp(conn->ssl, &der);

    if (length <= 0 || der == NULL)
        return 0;
    *der_r = der;
    return (size_t) length;
}

void *
vouch_conn_ssl(const struct vouch_conn *conn)
{
    return conn->ssl;
}
