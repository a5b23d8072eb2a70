/*
 * A client of the lock daemon on standard input and output: a line in, a
 * line out.  t/77-flom-tls-sessions.t drives it.
 *
 *   flom_client_driver PORT CERTIFICATE KEY AUTHORITY
 *
 *   connect         "full", "resumed", "clear", or "-N why"
 *   lock            "N" the code, "-N why"
 *   close, cut      part in order; or just go: "ok"
 *   port N, ca FILE, check 0|1   change the settings: "ok"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "flom/client.h"
#include "flom/settings.h"
#include "tls/connection.h"

static struct vouch_flom_client *client;

static int
wait_for(int begun)
{
    return begun != 0 ? begun
                      : vouch_flom_client_wait(
                          client, vouch_clock_monotonic_ms() + 20000);
}

static void
failed(void)
{
    printf("%d %s\n", vouch_flom_client_rc(client),
           vouch_flom_client_reason(client));
}

static void
connect_it(void)
{
    struct vouch_conn *conn;

    if (wait_for(vouch_flom_client_connect(client,
                                           vouch_clock_monotonic_ms() + 20000))
        != 0) {
        failed();
        return;
    }
    conn = vouch_flom_client_conn(client);
    if (conn == NULL)
        puts("clear");
    else
        puts(vouch_conn_is_resumed(conn) ? "resumed" : "full");
}

static void
run(const char *word, const char *rest)
{
    struct vouch_flom_settings *settings = vouch_flom_client_settings(client);

    if (strcmp(word, "connect") == 0) {
        connect_it();
        return;
    }
    if (strcmp(word, "lock") == 0) {
        if (wait_for(vouch_flom_client_lock(client)) == 0)
            printf("%d\n", vouch_flom_client_rc(client));
        else
            failed();
        return;
    }
    if (strcmp(word, "close") == 0)
        (void) wait_for(vouch_flom_client_close(client));
    else if (strcmp(word, "cut") == 0)
        vouch_flom_client_disconnect(client);
    else if (strcmp(word, "port") == 0)
        settings->unicast_port = (int) strtol(rest, NULL, 10);
    else if (strcmp(word, "ca") == 0)
        (void) vouch_flom_settings_set_text(&settings->tls_ca_certificate,
                                            rest, NULL);
    else if (strcmp(word, "check") == 0)
        settings->tls_check_peer_id = *rest == '1';
    puts("ok");
}

int
main(int argc, char **argv)
{
    struct vouch_flom_settings settings;
    struct vouch_error err;
    char line[4096];

    vouch_error_clear(&err);
    if (argc != 5 || vouch_flom_settings_init(&settings, &err) != 0)
        return 2;
    settings.unicast_port = (int) strtol(argv[1], NULL, 10);
    (void) vouch_flom_settings_set_text(&settings.unicast_address, "127.0.0.1",
                                        &err);
    (void) vouch_flom_settings_set_text(&settings.tls_certificate, argv[2],
                                        &err);
    (void) vouch_flom_settings_set_text(&settings.tls_private_key, argv[3],
                                        &err);
    (void) vouch_flom_settings_set_text(&settings.tls_ca_certificate, argv[4],
                                        &err);
    if (vouch_flom_client_new(&settings, &client, &err) != 0)
        return 2;
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *rest;

        line[strcspn(line, "\n")] = '\0';
        rest = strchr(line, ' ');
        if (rest != NULL)
            *rest++ = '\0';
        run(line, rest == NULL ? "" : rest);
        if (fflush(stdout) != 0)
            return 1;
    }
    vouch_flom_client_free(client);
    vouch_flom_settings_clear(&settings);
    return 0;
}
