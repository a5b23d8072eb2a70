/*
 * From the settings to a connection; the other steps follow.
 */
#include "cmd/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cmd/doctor_private.h"
#include "cmd/exit_status.h"
#include "flom/discovery.h"
#include "flom/endpoint.h"
#include "flom/socket_name.h"
#include "net/address.h"
#include "net/socket.h"
#include "tls/certificate.h"

#define ADDRESSES 8
#define PLACE_SIZE (VOUCH_HOST_SIZE + VOUCH_PORT_SIZE)

/* --- words ----------------------------------------------------------------*/

/* What comes from a peer may hold anything; a terminal takes orders. */
static void
put(const char *text)
{
    for (; *text != '\0'; text++)
        (void) putchar(*text < ' ' || *text > '~' ? '?' : *text);
}

static void
put_line(const char *word, const char *step, const char *format, va_list args)
{
    char text[DOCTOR_TEXT];

    (void) vsnprintf(text, sizeof(text), format, args);
    (void) printf("%-5s %-17s ", word, step);
    put(text);
    (void) putchar('\n');
    (void) fflush(stdout);
}

void
doctor_ok(const char *step, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_line("ok", step, format, args);
    va_end(args);
}

void
doctor_note(const char *step, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_line("note", step, format, args);
    va_end(args);
}

void
doctor_fail(struct doctor *doctor, const char *step, const char *advice,
            const char *format, ...)
{
    va_list args;

    doctor->failures++;
    va_start(args, format);
    put_line("FAIL", step, format, args);
    va_end(args);
    if (*advice == '\0')
        return;
    (void) fputs("      ", stdout);
    put(advice);
    (void) putchar('\n');
    (void) fflush(stdout);
}

/* --- settings -------------------------------------------------------------*/

static int
uses_tcp(const struct doctor *doctor)
{
    return doctor->settings.socket_name == NULL
           && doctor->settings.unicast_address != NULL;
}

static int
asks_a_group(const struct doctor *doctor)
{
    return doctor->settings.socket_name == NULL && !uses_tcp(doctor)
           && doctor->settings.multicast_address != NULL;
}

static void
look_at_settings(struct doctor *doctor)
{
    const struct vouch_flom_settings *settings = &doctor->settings;
    int files = (settings->tls_certificate != NULL)
                + (settings->tls_private_key != NULL)
                + (settings->tls_ca_certificate != NULL);
    const char *how = files < 3                     ? "in the clear"
                      : settings->tls_check_peer_id ? "TLS and unique ids"
                                                    : "TLS";

    if (vouch_flom_settings_check(settings) == VOUCH_FLOM_TLS_INCOMPLETE)
        doctor_fail(doctor, "settings",
                    "give --tls-certificate, --tls-private-key and "
                    "--tls-ca-certificate, all three",
                    "%d of 3 files for TLS: all would go in the clear", files);
    if (uses_tcp(doctor))
        doctor_ok("settings", "TCP to %s, port %d; %s",
                  settings->unicast_address, settings->unicast_port, how);
    else if (asks_a_group(doctor))
        doctor_ok("settings", "discovery in group %s, port %d; %s",
                  settings->multicast_address, settings->multicast_port, how);
    else
        doctor_ok("settings", "a unix socket; %s", how);
}

/* --- the way --------------------------------------------------------------*/

static void
tell_discovery(enum vouch_flom_discovery_event event, const char *address,
               int port, const char *text, void *arg)
{
    (void) arg;
    switch (event) {
    case VOUCH_FLOM_DISCOVERY_ANSWER:
        doctor_ok("discovery", "%s, port %d, answers", address, port);
        break;
    case VOUCH_FLOM_DISCOVERY_PASSES:
        doctor_note("discovery", "%s, port %d, says nothing of use: %s",
                    address, port, text);
        break;
    case VOUCH_FLOM_DISCOVERY_SILENCE:
        doctor_note("discovery", "nobody answers in %s, port %d", address,
                    port);
        break;
    default:
        break;
    }
}

/* From then on the settings have an address.  0, or -1 and it has been
 * told. */
static int
discover(struct doctor *doctor)
{
    struct vouch_error err;
    int rc = 0;
    int outcome;

    vouch_error_clear(&err);
    outcome = vouch_flom_discover(&doctor->settings, tell_discovery, NULL, &rc,
                                  &err);
    if (outcome == 1)
        doctor_fail(doctor, "discovery",
                    "does a daemon run with this -A and -P, in this network "
                    "(--discovery-ttl), and is multicast let through?",
                    "no daemon has been found");
    else if (outcome != 0)
        doctor_fail(doctor, "discovery",
                    "look at the group (-A) and the interface (-n)", "%s",
                    err.text);
    return outcome == 0 ? 0 : -1;
}

/* How many addresses there are; 0 and it has been told. */
static int
find_tcp(struct doctor *doctor, struct vouch_address *out)
{
    char text[PLACE_SIZE];
    struct vouch_error err;
    int count;
    int i;

    vouch_error_clear(&err);
    count = vouch_flom_tcp_addresses(&doctor->settings, out, ADDRESSES, &err);
    if (count < 1) {
        doctor_fail(doctor, "address",
                    "is it spelled right, and known to this host? An "
                    "address in digits always is (-a)",
                    "%s", err.text);
        return 0;
    }
    for (i = 0; i < count; i++) {
        vouch_address_text(&out[i], text, sizeof(text));
        doctor_ok("address", "%s is %s", doctor->settings.unicast_address,
                  text);
    }
    return count;
}

static int
find_unix(struct doctor *doctor, struct vouch_address *out)
{
    if (vouch_flom_socket_address(doctor->settings.socket_name, out) != 0) {
        doctor_fail(doctor, "address", "use a shorter one (-s)",
                    "the name of the socket is too long");
        return 0;
    }
    doctor_ok("address", "%s",
              ((const struct sockaddr_un *) &out->storage)->sun_path);
    return 1;
}

static const char *
advice_for(const struct vouch_error *err, int is_tcp)
{
    if (err->code == VOUCH_E_TIMEOUT)
        return "nothing comes back: is this the right host, is it up, and "
               "does a firewall let this port through?";
    switch (err->sys_errno) {
    case ECONNREFUSED:
        return is_tcp ? "no daemon listens there: start one (flom --daemon "
                        "-a ... -p ...), or look at the address and port"
                      : "the daemon of this socket has ended: the next flom "
                        "starts one, unless -d is 0";
    case ENOENT:
        return "no daemon has made this socket yet: the next flom starts "
               "one, unless -d is 0; or it is elsewhere (-s)";
    case EACCES:
        return "this user may not use the socket: see --socket-mode of the "
               "daemon, and the permissions of the folder";
    case EHOSTUNREACH:
    case ENETUNREACH:
        return "there is no way to that address: look at the network of "
               "this host (ip route)";
    case EINVAL:
        return "a link-local address needs its interface: -n NAME, or "
               "%NAME behind the address";
    default:
        return is_tcp ? "look at the address, the port and the network"
                      : "look at the socket and its folder";
    }
}

/* The first address that answers is used. */
static void
connect_to(struct doctor *doctor, const struct vouch_address *addresses,
           int count)
{
    char text[PLACE_SIZE];
    struct vouch_error err;
    int64_t begin;
    int i;

    for (i = 0; i < count && doctor->fd == -1; i++) {
        vouch_error_clear(&err);
        begin = vouch_clock_monotonic_ms();
        doctor->fd =
            vouch_socket_connect(&addresses[i], begin + DOCTOR_STEP_MS, &err);
        vouch_address_text(&addresses[i], text, sizeof(text));
        if (doctor->fd != -1)
            doctor_ok("connection", "%s answers after %lld ms",
                      uses_tcp(doctor) ? text : "it",
                      (long long) (vouch_clock_monotonic_ms() - begin));
        else if (i + 1 < count)
            doctor_note("connection", "%s", err.text);
        else
            doctor_fail(doctor, "connection",
                        advice_for(&err, uses_tcp(doctor)), "%s", err.text);
    }
}

static void
find_daemon(struct doctor *doctor)
{
    struct vouch_address addresses[ADDRESSES];
    int count;

    if (asks_a_group(doctor) && discover(doctor) != 0)
        return;
    count = uses_tcp(doctor) ? find_tcp(doctor, addresses)
                             : find_unix(doctor, addresses);
    connect_to(doctor, addresses, count);
}

/* --- all of it ------------------------------------------------------------*/

static void
examine(struct doctor *doctor)
{
    int use_tls = vouch_flom_settings_use_tls(&doctor->settings);
    int can_tls;

    look_at_settings(doctor);
    can_tls = !use_tls || doctor_own_files(doctor) == 0;
    find_daemon(doctor);
    if (doctor->fd == -1 || !can_tls)
        return;
    if (use_tls && doctor_handshake(doctor) != 0)
        return;
    /* The first connection is over: a daemon of 1.7.2 serves nobody else
     * while it waits for a message. */
    (void) close(doctor->fd);
    doctor->fd = -1;
    doctor_daemon(doctor);
}

int
flom_doctor(const struct vouch_flom_settings *settings)
{
    struct doctor doctor;
    struct vouch_error err;

    memset(&doctor, 0, sizeof(doctor));
    doctor.fd = -1;
    vouch_error_clear(&err);
    if (vouch_flom_settings_copy(settings, &doctor.settings, &err) != 0) {
        (void) fprintf(stderr, "flom: %s\n", err.text);
        return FLOM_EXIT_ERROR;
    }
    examine(&doctor);
    if (doctor.fd != -1)
        (void) close(doctor.fd);
    vouch_cert_free(doctor.own);
    vouch_cert_free(doctor.theirs);
    vouch_flom_settings_clear(&doctor.settings);
    if (doctor.failures == 0)
        (void) puts("All is well.");
    else
        (void) printf("%d to mend.\n", doctor.failures);
    return doctor.failures == 0 ? FLOM_EXIT_OK : FLOM_EXIT_ERROR;
}
