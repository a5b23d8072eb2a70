/*
 * What connections have in common: who we are, whom we accept, which TLS.
 *
 * Set up, then used: the first connection freezes it, and setters fail from
 * then on (VOUCH_E_CONFIG).  Only the pins may change later.  It owns one
 * SSL_CTX, and may be shared by any number of connections and threads.
 *
 * All setters return 0, or -1 with the reason in *err.
 */
#ifndef VOUCH_TLS_CONFIG_H
#define VOUCH_TLS_CONFIG_H

#include <stddef.h>

#include "tls/verify.h"

struct vouch_config;
struct vouch_error;
struct vouch_identity;
struct vouch_pins;

/* Protocol versions, with the numbers of the wire. */
enum vouch_protocol {
    VOUCH_TLS1_0 = 0x0301,
    VOUCH_TLS1_1 = 0x0302,
    VOUCH_TLS1_2 = 0x0303,
    VOUCH_TLS1_3 = 0x0304
};

enum vouch_role { VOUCH_SERVER = 0, VOUCH_CLIENT = 1 };

/* Drop a reference.  NULL is allowed. */
void vouch_config_free(struct vouch_config *config);

/*
 * A new configuration: TLS 1.2 or later; a client verifies the server, a
 * server asks for no certificate.
 */
int vouch_config_new(enum vouch_role role, struct vouch_config **config_r,
                     struct vouch_error *err);

/* Take a reference; returns its argument. */
struct vouch_config *vouch_config_ref(struct vouch_config *config);

/*
 * Who we are.  name NULL: the identity for every connection; else the one
 * for that server name, "host.example" or "*.host.example" (one label).
 * More identities of other key types may be added under one name.
 */
int vouch_config_add_identity(struct vouch_config *config, const char *name,
                              struct vouch_identity *identity,
                              struct vouch_error *err);

/* Certificates to trust as the top of a chain: a PEM file, a folder of
 * hashed names, PEM in memory, OpenSSL's default places, or nobody.  May be
 * combined.  Where checks need them and none was named, the default places
 * are used. */
int vouch_config_add_ca_file(struct vouch_config *config, const char *path,
                             struct vouch_error *err);
int vouch_config_add_ca_path(struct vouch_config *config, const char *path,
                             struct vouch_error *err);
int vouch_config_add_ca_mem(struct vouch_config *config, const void *pem,
                            size_t length, struct vouch_error *err);
int vouch_config_add_ca_default(struct vouch_config *config,
                                struct vouch_error *err);
int vouch_config_set_ca_none(struct vouch_config *config,
                             struct vouch_error *err);

/* The same for OpenSSL's X509 *, of which it takes a reference: one to trust,
 * and one whose name a server tells to clients. */
int vouch_config_add_ca_openssl(struct vouch_config *config, void *x509,
                                struct vouch_error *err);
int vouch_config_add_client_ca_openssl(struct vouch_config *config, void *x509,
                                       struct vouch_error *err);

/* Where those places are: a file and a folder, as the environment
 * (SSL_CERT_FILE, SSL_CERT_DIR) or OpenSSL says; they need not exist.  Valid
 * until the environment changes. */
const char *vouch_config_default_ca_file(void);
const char *vouch_config_default_ca_path(void);

/* A server's list of authorities named to clients, from a PEM file. */
int vouch_config_set_client_ca_file(struct vouch_config *config,
                                    const char *path, struct vouch_error *err);

/* Check revocation lists for the peer's certificate, or all != 0 for the
 * whole chain; path NULL: the lists come from the CA folder. */
int vouch_config_set_crl(struct vouch_config *config, const char *path,
                         int all, struct vouch_error *err);

/* Lowest and highest protocol version. */
int vouch_config_set_protocols(struct vouch_config *config, int lowest,
                               int highest, struct vouch_error *err);

/* OpenSSL's lists: ciphers of TLS 1.2, suites of TLS 1.3, groups (or one
 * group by OpenSSL's number for it). */
int vouch_config_set_ciphers(struct vouch_config *config, const char *list,
                             struct vouch_error *err);
int vouch_config_set_ciphersuites(struct vouch_config *config,
                                  const char *list, struct vouch_error *err);
int vouch_config_set_groups(struct vouch_config *config, const char *list,
                            struct vouch_error *err);

/* Ciphers of TLS 1.2 for clients that ask for this server name, written as
 * for vouch_config_add_identity().  OpenSSL chooses the suite of TLS 1.3
 * before it looks at the name. */
int vouch_config_set_name_ciphers(struct vouch_config *config,
                                  const char *name, const char *list,
                                  struct vouch_error *err);

/* A server's parameters for Diffie-Hellman without curves, which is off
 * else: from a file, PEM or DER, or OpenSSL's DH * (copied). */
int vouch_config_set_dh_file(struct vouch_config *config, const char *path,
                             struct vouch_error *err);
int vouch_config_set_dh_openssl(struct vouch_config *config, void *dh,
                                struct vouch_error *err);

/* 1 (default): the server's order of ciphers decides; 0: the client's. */
int vouch_config_set_server_order(struct vouch_config *config, int on,
                                  struct vouch_error *err);

/*
 * Application protocols, the preferred first.  A server that shares none
 * with a client that asks ends the handshake.
 */
int vouch_config_set_alpn(struct vouch_config *config,
                          const char *const *names, size_t count,
                          struct vouch_error *err);

/* Whom to accept: a set of enum vouch_verify_mode. */
int vouch_config_set_verify(struct vouch_config *config, int mode,
                            struct vouch_error *err);

/* The program's own decision; NULL: none. */
int vouch_config_set_verify_callback(struct vouch_config *config,
                                     vouch_verify_fn callback,
                                     struct vouch_error *err);

/* Longest chain accepted; OpenSSL's default is 100. */
int vouch_config_set_verify_depth(struct vouch_config *config, int depth,
                                  struct vouch_error *err);

/* Pins that accept a peer; alone != 0: and refuse all others.  They need
 * the verify mode PEER.  The configuration takes a reference. */
int vouch_config_set_pins(struct vouch_config *config, struct vouch_pins *pins,
                          int alone, struct vouch_error *err);

/*
 * Session tickets, an enum vouch_tickets.  Not set: a server issues them
 * unless it asks for certificates.  A ticket is refused when its certificate
 * has run out or is no longer pinned.  ALPN: under TLS 1.3 those clients get
 * one, with their full handshake, with whom an application protocol was
 * agreed on; it serves until half of its time is over.  It is but the name of
 * a session that the server keeps, which costs a tenth of reading one with a
 * certificate in it; so many of the last are kept.  The server then takes a
 * connection that is cut off for one that is closed: its session serves to
 * come back, and the protocol must tell where its messages end.
 */
#define VOUCH_SESSIONS_KEPT 2048
enum vouch_tickets {
    VOUCH_TICKETS_OFF = 0,
    VOUCH_TICKETS_ON = 1,
    VOUCH_TICKETS_ALPN = 2
};
int vouch_config_set_tickets(struct vouch_config *config, int which,
                             struct vouch_error *err);

/* 1: give OpenSSL's buffers back after each record; 0 (default): when the
 * connection rests, which is faster and saves as much. */
int vouch_config_set_release_buffers(struct vouch_config *config, int on,
                                     struct vouch_error *err);

/* 1: receive as much as there is, which saves a system call for each record;
 * then no event tells of all that has come, see vouch_conn_has_input().  0
 * (default): no more than one record. */
int vouch_config_set_read_ahead(struct vouch_config *config, int on,
                                struct vouch_error *err);

/* What sessions belong to, at most 32 bytes: they resume only there. */
int vouch_config_set_session_id_context(struct vouch_config *config,
                                        const void *data, size_t length,
                                        struct vouch_error *err);

/* Check everything and forbid further changes; the first connection does
 * the same. */
int vouch_config_freeze(struct vouch_config *config, struct vouch_error *err);

/* OpenSSL's SSL_CTX *, borrowed, for callers that also use OpenSSL. */
void *vouch_config_ssl_ctx(struct vouch_config *config);

#endif
