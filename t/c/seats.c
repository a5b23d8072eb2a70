/*
 * net/seats: how many connections there are, and from where.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/address.h"
#include "net/seats.h"
#include "tap.h"

#define MANY 1000

static struct vouch_seats *
make_seats(size_t total, size_t per_address)
{
    struct vouch_seats *seats = NULL;

    if (vouch_seats_new(total, per_address, &seats, NULL) != 0) {
        printf("Bail out! no memory\n");
        _Exit(255);
    }
    return seats;
}

/* An address in digits; anything else is one of a UNIX socket. */
static struct vouch_address
from(const char *text)
{
    struct vouch_address address;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memset(&address, 0, sizeof(address));
    memset(&in, 0, sizeof(in));
    memset(&in6, 0, sizeof(in6));
    in.sin_family = AF_INET;
    in6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(&address.storage, &in, sizeof(in));
        address.length = sizeof(in);
    } else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
        memcpy(&address.storage, &in6, sizeof(in6));
        address.length = sizeof(in6);
    } else {
        address.storage.ss_family = AF_UNIX;
    }
    return address;
}

/* Take a seat: what the call returned; the seat is in *seat_r. */
static int
take(struct vouch_seats *seats, const char *text, struct vouch_seat **seat_r)
{
    struct vouch_address address = from(text);

    return vouch_seats_take(seats, &address, seat_r);
}

static void
test_total(void)
{
    struct vouch_seats *seats = make_seats(2, 0);
    struct vouch_seat *one = NULL;
    struct vouch_seat *two = NULL;
    struct vouch_seat *three = NULL;

    is_int(vouch_seats_full(seats), 0, "an empty house is not full");
    is_int(take(seats, "127.0.0.1", &one), 1, "the first takes a seat");
    is_int(vouch_seats_full(seats), 0, "there is another");
    is_int(take(seats, "127.0.0.1", &two), 1, "the second takes that");
    is_int(vouch_seats_full(seats), 1, "now it is full");
    is_int(take(seats, "127.0.0.1", &three), 1,
           "the total is the caller's to look at");
    is_int(vouch_seats_taken(seats), 3, "three are taken");
    vouch_seat_free(one);
    is_int(vouch_seats_full(seats), 1, "with one too many it is still full");
    vouch_seat_free(two);
    is_int(vouch_seats_full(seats), 0, "then not any more");
    vouch_seat_free(three);
    is_int(vouch_seats_taken(seats), 0, "and none is taken");
    vouch_seats_free(seats);
}

static void
test_address(void)
{
    struct vouch_seats *seats = make_seats(0, 2);
    struct vouch_seat *kept[10];
    struct vouch_seat *none = NULL;
    int i;

    is_int(take(seats, "192.0.2.1", &kept[0]), 1, "one of an address");
    is_int(take(seats, "192.0.2.1", &kept[1]), 1, "two of an address");
    is_int(take(seats, "192.0.2.1", &none), 0, "three are too many");
    ok(none == NULL, "and get nothing");
    is_int(take(seats, "::ffff:192.0.2.1", &none), 0,
           "also where it comes as IPv6");
    is_int(take(seats, "192.0.2.2", &kept[2]), 1, "its neighbour is another");
    is_int(take(seats, "2001:db8:1:2::1", &kept[3]), 1, "IPv6 counts");
    is_int(take(seats, "2001:db8:1:2::2", &kept[4]), 1, "by the network");
    is_int(take(seats, "2001:db8:1:2:ffff::3", &none), 0, "of 64 bits");
    is_int(take(seats, "2001:db8:1:3::1", &kept[5]), 1, "the next is another");
    for (i = 6; i < 10; i++)
        is_int(take(seats, "unix", &kept[i]), 1, "UNIX sockets have none");
    is_int(vouch_seats_taken(seats), 10, "who was turned away is not counted");
    vouch_seat_free(kept[0]);
    is_int(take(seats, "192.0.2.1", &kept[0]), 1,
           "a seat given back is free for the same address");
    for (i = 0; i < 10; i++)
        vouch_seat_free(kept[i]);
    is_int(vouch_seats_taken(seats), 0, "all are given back");
    vouch_seats_free(seats);
}

static void
count_up(void *arg)
{
    ++*(int *) arg;
}

static void
test_life(void)
{
    struct vouch_seats *seats = make_seats(0, 1);
    struct vouch_seat *one = NULL;
    struct vouch_seat *two = NULL;
    int calls = 0;

    vouch_seats_on_return(seats, count_up, &calls);
    is_int(take(seats, "192.0.2.1", &one), 1, "a seat");
    is_int(take(seats, "192.0.2.2", &two), 1, "and another");
    is_int(calls, 0, "nothing is told yet");
    vouch_seat_free(one);
    is_int(calls, 1, "what is given back is told");
    vouch_seats_free(seats);
    vouch_seat_free(two);
    is_int(calls, 1, "but not after the house is gone");
    vouch_seats_free(NULL);
    vouch_seat_free(NULL);
}

static void
test_many(void)
{
    struct vouch_seats *seats = make_seats(0, 1);
    struct vouch_seat *kept[MANY];
    char text[32];
    int taken = 0;
    int round;
    int i;

    for (round = 0; round < 3; round++) {
        for (i = 0; i < MANY; i++) {
            (void) snprintf(text, sizeof(text), "10.%d.%d.%d", round, i / 250,
                            i % 250);
            taken += take(seats, text, &kept[i]);
        }
        for (i = 0; i < MANY; i++)
            vouch_seat_free(kept[i]);
    }
    is_int(taken, 3 * MANY, "many addresses, and again");
    is_int(vouch_seats_taken(seats), 0, "leave nothing");
    vouch_seats_free(seats);
}

int
main(void)
{
    test_total();
    test_address();
    test_life();
    test_many();
    return tap_done();
}
