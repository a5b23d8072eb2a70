/*
 * libflom: layout, numbers, defaults, setters, states, and a daemon that
 * does not do what it should.  t/76-flom-api-c.t uses it with a real one.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "flom/error_codes.h"
#include "flom/socket_name.h"
#include "libflom/flom.h"
#include "net/address.h"
#include "net/socket.h"
#include "tap.h"

#define THREADS 16

static char folder[] = "/tmp/vouch-libflom-XXXXXX";
static char path[sizeof(folder) + 16];
static int listener = -1;
static pthread_barrier_t barrier;

/* --- first use ------------------------------------------------------------*/

/* All at once: none has initialised anything before. */
static void *
first_use(void *arg)
{
    int *good = arg;
    flom_handle_t *handle;

    (void) pthread_barrier_wait(&barrier);
    handle = flom_handle_new();
    *good = handle != NULL
            && flom_handle_set_socket_name(handle, "/nonexistent/socket") == 0
            && strcmp(flom_handle_get_resource_name(handle), "_RESOURCE") == 0
            && flom_handle_lock(handle) == FLOM_RC_CONNECT_ERROR;
    flom_handle_delete(handle);
    return NULL;
}

static void
test_threads(void)
{
    pthread_t thread[THREADS];
    int good[THREADS] = {0};
    int all = 0;
    int i;

    (void) pthread_barrier_init(&barrier, NULL, THREADS);
    for (i = 0; i < THREADS; i++)
        (void) pthread_create(&thread[i], NULL, first_use, &good[i]);
    for (i = 0; i < THREADS; i++) {
        (void) pthread_join(thread[i], NULL);
        all += good[i];
    }
    is_int(all, THREADS, "first use from many threads at once");
}

/* --- layout and numbers ---------------------------------------------------*/

static void
test_layout(void)
{
    is_int(offsetof(flom_handle_t, state), 0, "state is first");
    is_int(sizeof(((flom_handle_t *) NULL)->state), 4, "and an int");
    if (sizeof(void *) != 8)
        return;
    is_int(sizeof(flom_handle_t), 32, "a handle has 32 bytes");
    is_int(offsetof(flom_handle_t, conn), 8, "conn is at 8");
    is_int(offsetof(flom_handle_t, config), 16, "config is at 16");
    is_int(offsetof(flom_handle_t, locked_element), 24,
           "locked_element is at 24");
}

#define SAME(symbol, code, text) \
    same += FLOM_RC_##symbol == (code) \
            && strcmp(flom_strerror(FLOM_RC_##symbol), text) == 0;

static void
test_codes(void)
{
    int same = 0;

    VOUCH_FLOM_RC_LIST(SAME)
    is_int(same, 121, "121 codes have their number and their words");
    is_text(flom_strerror(4711), "ERROR: unknown return code",
            "there are words for others, too");
    is_int(FLOM_LOCK_MODE_EX, 5, "EX is 5");
    is_int(FLOM_LOCK_MODE_N, 6, "six modes");
    is_int(FLOM_LOCK_MODE_INVALID, 7, "INVALID is 7");
    is_int(FLOM_ES_REQUESTER_CANT_WAIT, 96, "exit status 96");
    is_int(FLOM_ES_GENERIC_ERROR, 99, "exit status 99");
}

static void
test_defaults(flom_handle_t *handle)
{
    char name[108];

    (void) vouch_flom_default_socket(name, sizeof(name));
    is_int(handle->state, FLOM_HANDLE_STATE_INIT, "a new handle: INIT");
    is_text(flom_handle_get_socket_name(handle), name, "the user's socket");
    is_text(flom_handle_get_resource_name(handle), "_RESOURCE", "its name");
    is_int(flom_handle_get_resource_timeout(handle), -1, "its timeout");
    is_int(flom_handle_get_resource_quantity(handle), 1, "its quantity");
    is_int(flom_handle_get_resource_create(handle), 1, "it creates");
    is_int(flom_handle_get_resource_idle_lifespan(handle), 0, "lifespan");
    is_int(flom_handle_get_lock_mode(handle), FLOM_LOCK_MODE_EX, "its mode");
    is_int(flom_handle_get_unicast_port(handle), 28015, "port");
    is_int(flom_handle_get_multicast_port(handle), 28015, "the other port");
    is_int(flom_handle_get_discovery_attempts(handle), 2, "attempts");
    is_int(flom_handle_get_discovery_timeout(handle), 500, "their time");
    is_int(flom_handle_get_discovery_ttl(handle), 1, "ttl");
    is_int(flom_handle_get_tls_check_peer_id(handle), 0, "no peer check");
    ok(flom_handle_get_unicast_address(handle) == NULL
           && flom_handle_get_multicast_address(handle) == NULL
           && flom_handle_get_network_interface(handle) == NULL
           && flom_handle_get_tls_certificate(handle) == NULL
           && flom_handle_get_tls_private_key(handle) == NULL
           && flom_handle_get_tls_ca_certificate(handle) == NULL
           && flom_handle_get_trace_filename(handle) == NULL
           && flom_handle_get_locked_element(handle) == NULL,
       "all other texts are not set");
}

/* --- setters --------------------------------------------------------------*/

struct number {
    const char *name;
    int (*get)(const flom_handle_t *);
    int (*set)(flom_handle_t *, int);
    int when_minus_7;
    int when_0; /* after 5 */
};

#define N(name, minus, zero) \
    { \
#name, flom_handle_get_##name, flom_handle_set_##name, minus, zero \
    }

static const struct number NUMBERS[] = {
    N(discovery_attempts, 7, 1), N(discovery_timeout, 7, 0),
    N(discovery_ttl, 7, 1),      N(multicast_port, -7, 0),
    N(resource_create, -7, 0),   N(resource_idle_lifespan, 7, 5),
    N(resource_quantity, 7, 5),  N(resource_timeout, -7, 0),
    N(tls_check_peer_id, -7, 0), N(unicast_port, -7, 0),
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
test_numbers(flom_handle_t *handle)
{
    size_t i;

    for (i = 0; i < COUNT(NUMBERS); i++) {
        const struct number *number = &NUMBERS[i];
        int before = number->get(handle);
        int good = number->set(handle, -7) == 0
                   && number->get(handle) == number->when_minus_7
                   && number->set(handle, 5) == 0 && number->get(handle) == 5
                   && number->set(handle, 0) == 0
                   && number->get(handle) == number->when_0;

        ok(good, number->name);
        (void) number->set(handle, before);
    }
    is_int(flom_handle_set_lock_mode(handle, FLOM_LOCK_MODE_PR), 0, "mode");
    is_int(flom_handle_get_lock_mode(handle), FLOM_LOCK_MODE_PR, "is set");
    (void) flom_handle_set_resource_timeout(handle, -1);
    (void) flom_handle_set_resource_create(handle, 1);
}

static int
ways(const flom_handle_t *handle)
{
    return (flom_handle_get_socket_name(handle) != NULL ? 1 : 0)
           + (flom_handle_get_unicast_address(handle) != NULL ? 2 : 0)
           + (flom_handle_get_multicast_address(handle) != NULL ? 4 : 0);
}

static void
test_ways(flom_handle_t *handle)
{
    char name[109];

    memset(name, 'x', sizeof(name));
    name[108] = '\0';
    is_int(flom_handle_set_unicast_address(handle, "127.0.0.1"), 0, "unicast");
    is_int(ways(handle), 2, "is the only way");
    is_int(flom_handle_set_multicast_address(handle, "224.0.0.9"), 0,
           "multicast");
    is_int(ways(handle), 4, "is the only way");
    is_int(flom_handle_set_unicast_address(handle, NULL), 0, "no unicast");
    is_int(ways(handle), 4, "does not touch it");
    is_int(flom_handle_set_socket_name(handle, name), FLOM_RC_BUFFER_OVERFLOW,
           "108 bytes are too long");
    is_int(flom_handle_set_socket_name(handle, ""),
           FLOM_RC_INVALID_PROPERTY_VALUE, "none are too few");
    is_int(ways(handle), 4, "nothing has changed");
    name[107] = '\0';
    is_int(flom_handle_set_socket_name(handle, name), 0, "107 are right");
    is_int(ways(handle), 1, "a socket is the only way");
}

static void
test_texts(flom_handle_t *handle)
{
    char linked[sizeof(folder) + 32];

    is_int(flom_handle_set_resource_name(handle, "A1"), 0, "a name");
    is_int(flom_handle_set_resource_name(handle, "not valid"),
           FLOM_RC_INVALID_RESOURCE_NAME, "one that is none is refused");
    is_int(flom_handle_set_resource_name(handle, "_RESOURCE"),
           FLOM_RC_INVALID_RESOURCE_NAME, "and so is the reserved one");
    is_int(flom_handle_set_resource_name(handle, NULL), FLOM_RC_NULL_OBJECT,
           "and none at all");
    is_text(flom_handle_get_resource_name(handle), "A1", "it stays");
    is_int(flom_handle_set_network_interface(handle, "no-such-thing"),
           FLOM_RC_INVALID_IPV6_NETWORK_INTERFACE, "an unknown interface");
    ok(flom_handle_get_network_interface(handle) == NULL, "is not set");
    (void) snprintf(linked, sizeof(linked), "%s/link", folder);
    ok(symlink("/etc", linked) == 0, "a link");
    (void) strcat(linked, "/passwd");
    is_int(flom_handle_set_tls_certificate(handle, linked), 0, "a file");
    is_text(flom_handle_get_tls_certificate(handle), "/etc/passwd",
            "the real path of its folder is kept");
    is_int(flom_handle_set_tls_certificate(handle, "/nonexistent/file"),
           FLOM_RC_REALPATH_ERROR, "a file that is not there");
    is_text(flom_handle_get_tls_certificate(handle), "/etc/passwd",
            "changes nothing");
    is_int(flom_handle_set_tls_certificate(handle, NULL), 0, "none");
    is_int(flom_handle_set_trace_filename(handle, "/nonexistent/trace"),
           FLOM_RC_OPEN_ERROR, "a trace that cannot be written");
    *strrchr(linked, '/') = '\0';
    (void) unlink(linked);
}

/* --- states ---------------------------------------------------------------*/

static void
test_no_handle(void)
{
    flom_handle_t wild;
    size_t i;
    int good = 0;

    is_int(flom_handle_init(NULL), FLOM_RC_NULL_OBJECT, "init: NULL");
    is_int(flom_handle_clean(NULL), FLOM_RC_NULL_OBJECT, "clean: NULL");
    is_int(flom_handle_lock(NULL), FLOM_RC_NULL_OBJECT, "lock: NULL");
    is_int(flom_handle_unlock(NULL), FLOM_RC_NULL_OBJECT, "unlock: NULL");
    is_int(flom_handle_unlock_rollback(NULL), FLOM_RC_NULL_OBJECT,
           "rollback: NULL");
    flom_handle_delete(NULL);
    ok(flom_handle_get_locked_element(NULL) == NULL, "element: NULL");
    for (i = 0; i < COUNT(NUMBERS); i++)
        good += NUMBERS[i].set(NULL, 1) == FLOM_RC_NULL_OBJECT
                && NUMBERS[i].get(NULL) == 0;
    is_int(good, COUNT(NUMBERS), "numbers: NULL");
    is_int(flom_handle_set_socket_name(NULL, "x"), FLOM_RC_NULL_OBJECT,
           "texts: NULL");
    ok(flom_handle_get_socket_name(NULL) == NULL, "texts: NULL");

    for (i = 0; i < 2; i++) {
        memset(&wild, i == 0 ? 0 : 0xa5, sizeof(wild));
        is_int(flom_handle_lock(&wild), FLOM_RC_API_INVALID_SEQUENCE,
               "never initialised: lock");
        is_int(flom_handle_unlock(&wild), FLOM_RC_API_INVALID_SEQUENCE,
               "unlock");
        is_int(flom_handle_clean(&wild), FLOM_RC_API_INVALID_SEQUENCE,
               "clean");
        is_int(flom_handle_set_resource_timeout(&wild, 1),
               FLOM_RC_API_IMMUTABLE_HANDLE, "set");
        is_int(flom_handle_set_trace_filename(&wild, NULL),
               FLOM_RC_API_IMMUTABLE_HANDLE, "set in any state");
        ok(flom_handle_get_resource_name(&wild) == NULL, "get");
    }
}

static void
test_without_daemon(flom_handle_t *handle)
{
    (void) flom_handle_set_socket_name(handle, "/nonexistent/socket");
    is_int(flom_handle_lock(handle), FLOM_RC_CONNECT_ERROR, "no daemon");
    is_int(handle->state, FLOM_HANDLE_STATE_INIT, "stays as it was");
    is_int(flom_handle_unlock(handle), FLOM_RC_API_INVALID_SEQUENCE,
           "nothing to unlock");
    is_int(flom_handle_unlock_rollback(handle), FLOM_RC_API_INVALID_SEQUENCE,
           "nor to roll back");
    (void) flom_handle_set_tls_check_peer_id(handle, 1);
    is_int(flom_handle_lock(handle), FLOM_RC_NO_TLS_CONNECTION,
           "a peer check without TLS");
    (void) flom_handle_set_tls_check_peer_id(handle, 0);
    (void) flom_handle_set_lock_mode(handle, FLOM_LOCK_MODE_INVALID);
    is_int(flom_handle_lock(handle), FLOM_RC_OUT_OF_RANGE,
           "a mode that is none");
    (void) flom_handle_set_lock_mode(handle, FLOM_LOCK_MODE_EX);
}

/* --- a daemon of our own --------------------------------------------------*/

static void
listen_here(void)
{
    struct vouch_address address;
    struct vouch_error *none = NULL;

    ok(mkdtemp(folder) != NULL, "a folder");
    (void) snprintf(path, sizeof(path), "%s/socket", folder);
    (void) vouch_flom_socket_address(path, &address);
    listener = vouch_socket_listen(&address, 5, none);
    ok(listener != -1, "a socket in it");
}

/* A process that answers each of count requests with this and goes on until
 * its peer leaves, or, with no text, says nothing. */
static pid_t
play(const char *answer, int count, int keep)
{
    pid_t pid = fork();
    char waste[2048];

    if (pid != 0)
        return pid;
    (void) alarm(60);
    for (; count > 0; count--) {
        int fd = -1;

        (void) vouch_socket_wait(listener, VOUCH_SOCKET_READ, VOUCH_FOREVER);
        fd = vouch_socket_take(listener, NULL);
        (void) read(fd, waste, sizeof(waste));
        if (answer != NULL)
            (void) write(fd, answer, strlen(answer));
        while (keep && read(fd, waste, sizeof(waste)) > 0)
            ;
        (void) close(fd);
    }
    _exit(0);
}

static void
gone(pid_t pid)
{
    (void) kill(pid, SIGKILL);
    (void) waitpid(pid, NULL, 0);
}

#define HEAD \
    "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><msg level=\"3\" verb=\"1\" "
#define FIRST(rc) HEAD "step=\"16\"><answer rc=\"" rc "\"/></msg>"
#define LATER(step, rc) \
    FIRST("1") HEAD "step=\"" step "\"><answer rc=\"" rc "\"/></msg>"

static void
test_answers(flom_handle_t *handle)
{
    static const struct {
        const char *name;
        const char *answer; /* NULL: the connection is closed */
        int rc;
    } cases[] = {
        {"closed", "", FLOM_RC_RECV_ERROR},
        {"no message", "</msg>", FLOM_RC_MSG_DESERIALIZE_ERROR},
        {"busy", FIRST("4"), FLOM_RC_LOCK_BUSY},
        {"cannot wait", FIRST("5"), FLOM_RC_LOCK_CANT_WAIT},
        {"impossible", FIRST("6"), FLOM_RC_LOCK_IMPOSSIBLE},
        {"not a code of an answer", FIRST("77"), FLOM_RC_PROTOCOL_ERROR},
        {"no grant, later", LATER("24", "6"), FLOM_RC_LOCK_IMPOSSIBLE},
        {"a refusal, later", LATER("32", "4711"), FLOM_RC_LOCK_CANT_LOCK},
        {"level 2",
         "<msg level=\"2\" verb=\"1\" step=\"16\"><answer rc=\"0\"/></msg>",
         FLOM_RC_PROTOCOL_LEVEL_MISMATCH},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        pid_t pid = play(cases[i].answer, 1, *cases[i].answer != '\0');

        is_int(flom_handle_lock(handle), cases[i].rc, cases[i].name);
        is_int(handle->state, FLOM_HANDLE_STATE_CONNECTED, "CONNECTED");
        is_int(flom_handle_clean(handle), FLOM_RC_API_INVALID_SEQUENCE,
               "cannot be cleaned");
        is_int(flom_handle_set_socket_name(handle, "x"),
               FLOM_RC_API_IMMUTABLE_HANDLE, "nor sent elsewhere");
        is_int(flom_handle_set_resource_timeout(handle, 20000), 0,
               "but told how to wait");
        is_int(flom_handle_unlock(handle), 0, "unlock");
        is_int(handle->state, FLOM_HANDLE_STATE_DISCONNECTED, "DISCONNECTED");
        gone(pid);
    }
}

/* A grant that comes too late belongs to nobody. */
static void
test_late_grant(flom_handle_t *handle)
{
    pid_t pid = play(NULL, 1, 1);

    (void) flom_handle_set_resource_timeout(handle, 50);
    is_int(flom_handle_lock(handle), FLOM_RC_NETWORK_TIMEOUT, "a timeout");
    is_int(handle->state, FLOM_HANDLE_STATE_CONNECTED, "CONNECTED");
    gone(pid);
    pid = play(FIRST("0"), 1, 1);
    (void) flom_handle_set_resource_timeout(handle, 20000);
    is_int(flom_handle_lock(handle), 0, "the same handle asks anew");
    is_int(handle->state, FLOM_HANDLE_STATE_LOCKED, "LOCKED");
    is_int(flom_handle_lock(handle), FLOM_RC_API_INVALID_SEQUENCE,
           "not twice");
    is_int(flom_handle_set_resource_name(handle, "B"),
           FLOM_RC_API_IMMUTABLE_HANDLE, "no other name now");
    is_int(flom_handle_unlock(handle), 0, "unlock");
    gone(pid);
}

static void
test_daemon_gone(flom_handle_t *handle)
{
    pid_t pid = play(FIRST("0"), 1, 1);

    is_int(flom_handle_lock(handle), 0, "locked");
    gone(pid);
    is_int(flom_handle_unlock(handle), FLOM_RC_SEND_ERROR,
           "the daemon has gone: unlock says so");
    is_int(handle->state, FLOM_HANDLE_STATE_DISCONNECTED, "DISCONNECTED");
}

/* As a daemon of Vouch does, when a lease ends or somebody is thrown out. */
static void
test_taken_back(flom_handle_t *handle)
{
    pid_t pid =
        play(FIRST("0") HEAD "step=\"32\"><answer rc=\"3\"/></msg>", 1, 1);

    is_int(flom_handle_lock(handle), 0, "locked");
    is_int(flom_handle_unlock(handle), FLOM_RC_LOCK_CANT_LOCK,
           "the daemon has taken the lock back: unlock says so");
    is_int(handle->state, FLOM_HANDLE_STATE_DISCONNECTED, "DISCONNECTED");
    gone(pid);
}

static void
on_alarm(int number)
{
    (void) number;
}

/* Signals neither end the wait nor prolong it. */
static void
test_signals(flom_handle_t *handle)
{
    struct itimerval often = {{0, 5000}, {0, 5000}};
    struct itimerval never = {{0, 0}, {0, 0}};
    struct sigaction action;
    pid_t pid = play(NULL, 1, 1);
    int64_t begin = vouch_clock_monotonic_ms();
    int64_t took;

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_alarm;
    (void) sigaction(SIGALRM, &action, NULL);
    (void) flom_handle_set_resource_timeout(handle, 100);
    (void) setitimer(ITIMER_REAL, &often, NULL);
    is_int(flom_handle_lock(handle), FLOM_RC_NETWORK_TIMEOUT,
           "with a signal every 5 ms: a timeout");
    (void) setitimer(ITIMER_REAL, &never, NULL);
    took = vouch_clock_monotonic_ms() - begin;
    ok(took >= 100 && took < 30000, "in its time");
    is_int(flom_handle_unlock(handle), 0, "unlock");
    gone(pid);
}

static void
test_no_descriptors(void)
{
    flom_handle_t handle;
    struct rlimit limit;
    struct rlimit few;
    int fd = dup(0);

    (void) getrlimit(RLIMIT_NOFILE, &limit);
    few = limit;
    few.rlim_cur = (rlim_t) fd;
    (void) close(fd);
    (void) setrlimit(RLIMIT_NOFILE, &few);
    is_int(flom_handle_init(&handle), 0, "without descriptors: a handle");
    is_int(flom_handle_set_socket_name(&handle, path), 0, "a socket");
    is_int(flom_handle_lock(&handle), FLOM_RC_SOCKET_ERROR,
           "cannot connect, and says so");
    is_int(handle.state, FLOM_HANDLE_STATE_INIT, "INIT");
    (void) setrlimit(RLIMIT_NOFILE, &limit);
    is_int(flom_handle_clean(&handle), 0, "clean");
    is_int(handle.state, FLOM_HANDLE_STATE_CLEANED, "CLEANED");
    is_int(flom_handle_lock(&handle), FLOM_RC_API_INVALID_SEQUENCE,
           "of no use then");
}

int
main(void)
{
    flom_handle_t *handle;

    (void) setenv("HOME", "/nonexistent", 1);
    (void) alarm(120);
    test_threads();
    test_layout();
    test_codes();
    handle = flom_handle_new();
    if (!ok(handle != NULL, "a handle"))
        return tap_done();
    listen_here();
    test_defaults(handle);
    test_numbers(handle);
    test_ways(handle);
    test_texts(handle);
    test_no_handle();
    test_without_daemon(handle);
    (void) flom_handle_set_socket_name(handle, path);
    test_answers(handle);
    test_late_grant(handle);
    test_daemon_gone(handle);
    test_taken_back(handle);
    test_signals(handle);
    flom_handle_delete(handle);
    test_no_descriptors();
    (void) close(listener);
    (void) unlink(path);
    (void) rmdir(folder);
    return tap_done();
}
