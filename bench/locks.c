/*
 * Clients of bench/locks: lock cycles on Vouch's daemon, the same number of
 * bytes to and fro with nothing behind, and a lock of Redis.
 *
 *   locks lock|bare|redis ADDRESS CLIENTS SECONDS
 *   locks serve ADDRESS          the other end of "bare"
 *
 * ADDRESS is the path of a unix socket or 127.0.0.1:PORT.  Prints cycles a
 * second of all clients, and the median and 99th percentile in microseconds.
 */
#include <errno.h>
#include <poll.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "flom/client.h"
#include "flom/settings.h"
#include "net/address.h"
#include "net/socket.h"

#define LOCK_BYTES 203
#define ANSWER_BYTES 147
#define UNLOCK_BYTES 123
#define SAMPLES 100000

struct result {
    uint64_t cycles;
    uint32_t took[SAMPLES];
};

static const char *address_text;

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

/* --- plain sockets ---------------------------------------------------------*/

static socklen_t
find_address(struct sockaddr_storage *storage)
{
    struct sockaddr_un *local = (struct sockaddr_un *) storage;
    struct sockaddr_in *inet = (struct sockaddr_in *) storage;
    const char *colon = strrchr(address_text, ':');

    memset(storage, 0, sizeof(*storage));
    if (*address_text == '/') {
        local->sun_family = AF_UNIX;
        strncpy(local->sun_path, address_text, sizeof(local->sun_path) - 1);
        return sizeof(*local);
    }
    inet->sin_family = AF_INET;
    inet->sin_port = htons((uint16_t) atoi(colon + 1));
    inet->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof(*inet);
}

static void
no_delay(int fd)
{
    int on = 1;

    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int
connect_plain(void)
{
    struct sockaddr_storage storage;
    socklen_t length = find_address(&storage);
    int fd = socket(storage.ss_family, SOCK_STREAM, 0);

    if (fd == -1 || connect(fd, (struct sockaddr *) &storage, length) != 0)
        die("connect");
    no_delay(fd);
    return fd;
}

static void
read_all(int fd, char *data, size_t length)
{
    ssize_t count;

    while (length > 0) {
        count = read(fd, data, length);
        if (count <= 0)
            die("read");
        data += count;
        length -= (size_t) count;
    }
}

static void
write_all(int fd, const void *data, size_t length)
{
    if (write(fd, data, length) != (ssize_t) length)
        die("write");
}

/* --- the bare exchange -----------------------------------------------------*/

static void
serve(void)
{
    static uint32_t had[65536];
    static char waste[65536];
    struct sockaddr_storage storage;
    socklen_t length = find_address(&storage);
    int on = 1;
    int listener = socket(storage.ss_family, SOCK_STREAM, 0);
    int loop = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.fd = listener}};
    struct epoll_event events[256];
    int count;
    int i;

    (void) setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *) &storage, length) != 0
        || listen(listener, 1024) != 0
        || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) != 0)
        die("listen");
    while ((count = epoll_wait(loop, events, 256, -1)) >= 0) {
        for (i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            ssize_t got;

            if (fd == listener) {
                fd = accept(listener, NULL, NULL);
                no_delay(fd);
                event.data.fd = fd;
                had[fd] = 0;
                (void) epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
                continue;
            }
            got = read(fd, waste, sizeof(waste));
            if (got <= 0) {
                (void) close(fd);
                continue;
            }
            had[fd] += (uint32_t) got;
            /* The unlock of the last cycle and the next lock may come in
             * one piece, or the unlock alone. */
            while (had[fd] >= LOCK_BYTES + UNLOCK_BYTES)
                had[fd] -= LOCK_BYTES + UNLOCK_BYTES;
            if (had[fd] == LOCK_BYTES)
                write_all(fd, waste, ANSWER_BYTES);
        }
    }
}

static void
bare_cycle(int fd)
{
    static char bytes[1024];

    write_all(fd, bytes, LOCK_BYTES);
    read_all(fd, bytes, ANSWER_BYTES);
    write_all(fd, bytes, UNLOCK_BYTES);
}

/* --- Redis -----------------------------------------------------------------*/

static char script_sha[41];

static void
read_line(int fd, char *line, size_t size)
{
    size_t at = 0;

    while (at + 1 < size) {
        read_all(fd, line + at, 1);
        if (line[at++] == '\n')
            break;
    }
    line[at] = '\0';
}

/* Delete the key if it is still ours, as Redis's own page on locks says. */
static void
redis_prepare(int fd)
{
    static const char script[] =
        "if redis.call(\"get\",KEYS[1]) == ARGV[1] then return "
        "redis.call(\"del\",KEYS[1]) else return 0 end";
    char text[512];
    int length = snprintf(text, sizeof(text),
                          "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$%zu\r\n%s\r\n",
                          sizeof(script) - 1, script);

    write_all(fd, text, (size_t) length);
    read_line(fd, text, sizeof(text)); /* $40 */
    read_all(fd, script_sha, 40);
    read_line(fd, text, sizeof(text));
}

static void
redis_cycle(int fd, int number)
{
    char text[512];
    char key[32];
    int length;

    (void) snprintf(key, sizeof(key), "lock%06d", number);
    length = snprintf(text, sizeof(text),
                      "*6\r\n$3\r\nSET\r\n$10\r\n%s\r\n$10\r\n%s\r\n$2\r\nNX"
                      "\r\n$2\r\nPX\r\n$5\r\n30000\r\n",
                      key, key);
    write_all(fd, text, (size_t) length);
    read_all(fd, text, 5); /* +OK */
    if (text[0] != '+')
        die("SET");
    length = snprintf(text, sizeof(text),
                      "*5\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n1\r\n"
                      "$10\r\n%s\r\n$10\r\n%s\r\n",
                      script_sha, key, key);
    write_all(fd, text, (size_t) length);
    read_all(fd, text, 4); /* :1 */
    if (text[1] != '1')
        die("EVALSHA");
}

/* --- Vouch -----------------------------------------------------------------*/

static struct vouch_flom_client *
lock_prepare(int number)
{
    struct vouch_flom_settings settings;
    struct vouch_flom_client *client = NULL;
    struct vouch_error err;
    char name[32];
    char host[32] = "127.0.0.1";

    vouch_error_clear(&err);
    (void) snprintf(name, sizeof(name), "lock%06d", number);
    if (vouch_flom_settings_init(&settings, &err) != 0
        || vouch_flom_settings_set_text(&settings.resource_name, name, &err)
               != 0
        || vouch_flom_settings_set_text(
               *address_text == '/' ? &settings.socket_name
                                    : &settings.unicast_address,
               *address_text == '/' ? address_text : host, &err)
               != 0)
        die(err.text);
    if (*address_text != '/')
        settings.unicast_port = atoi(strrchr(address_text, ':') + 1);
    if (vouch_flom_client_new(&settings, &client, &err) != 0
        || vouch_flom_client_connect(client, VOUCH_FOREVER) != 0
        || vouch_flom_client_wait(client, VOUCH_FOREVER) != 0)
        die("connect to the daemon");
    vouch_flom_settings_clear(&settings);
    return client;
}

static void
lock_cycle(struct vouch_flom_client *client)
{
    if (vouch_flom_client_lock(client) != 0
        || vouch_flom_client_wait(client, VOUCH_FOREVER) != 0
        || vouch_flom_client_state(client) != VOUCH_FLOM_CLIENT_LOCKED
        || vouch_flom_client_unlock(client, 0) != 0
        || vouch_flom_client_wait(client, VOUCH_FOREVER) != 0)
        die("lock");
}

/* --- all of them -----------------------------------------------------------*/

static void
run_client(const char *mode, int number, double seconds, struct result *result)
{
    struct vouch_flom_client *client = NULL;
    int fd = -1;
    uint64_t end;
    uint64_t begin;

    if (strcmp(mode, "lock") == 0)
        client = lock_prepare(number);
    else
        fd = connect_plain();
    if (strcmp(mode, "redis") == 0)
        redis_prepare(fd);
    end = now_ns() + (uint64_t) (seconds * 1e9);
    while ((begin = now_ns()) < end) {
        if (client != NULL)
            lock_cycle(client);
        else if (strcmp(mode, "redis") == 0)
            redis_cycle(fd, number);
        else
            bare_cycle(fd);
        if (result->cycles < SAMPLES)
            result->took[result->cycles] =
                (uint32_t) ((now_ns() - begin) / 100);
        result->cycles++;
    }
}

static int
by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a;
    uint32_t y = *(const uint32_t *) b;

    return x < y ? -1 : x > y;
}

static void
report(struct result *results, int clients, double seconds)
{
    uint32_t *all = malloc(sizeof(*all) * SAMPLES * (size_t) clients);
    uint64_t cycles = 0;
    size_t count = 0;
    int i;

    for (i = 0; i < clients; i++) {
        size_t have =
            results[i].cycles < SAMPLES ? results[i].cycles : SAMPLES;

        cycles += results[i].cycles;
        memcpy(all + count, results[i].took, have * sizeof(*all));
        count += have;
    }
    qsort(all, count, sizeof(*all), by_size);
    printf("%.0f %.1f %.1f\n", (double) cycles / seconds, all[count / 2] / 10.,
           all[count * 99 / 100] / 10.);
    free(all);
}

int
main(int argc, char **argv)
{
    struct result *results;
    double seconds;
    int clients;
    int failed = 0;
    int status;
    int i;

    if (argc < 3)
        return 2;
    address_text = argv[2];
    if (strcmp(argv[1], "serve") == 0) {
        serve();
        return 0;
    }
    if (argc != 5)
        return 2;
    clients = atoi(argv[3]);
    seconds = atof(argv[4]);
    results = mmap(NULL, sizeof(*results) * (size_t) clients,
                   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED)
        die("mmap");
    for (i = 0; i < clients; i++) {
        if (fork() == 0) {
            run_client(argv[1], i, seconds, &results[i]);
            _exit(0);
        }
    }
    while (wait(&status) > 0)
        failed |= status != 0;
    if (failed)
        return 1;
    report(results, clients, seconds);
    return 0;
}
