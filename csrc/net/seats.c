/*
 * How many connections there are, and from where.
 */
#include "net/seats.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/map.h"
#include "net/address.h"

struct vouch_seats {
    size_t taken;
    size_t total;
    size_t per_address;
    struct vouch_map *addresses; /* key -> how many, as a pointer */
    void (*returned)(void *arg);
    void *arg;
    int owned; /* not freed yet */
};

struct vouch_seat {
    struct vouch_seats *seats;
    unsigned char key[VOUCH_ADDRESS_KEY_SIZE];
    size_t length; /* of the key; 0: not counted by address */
};

/* It goes with its owner and its last seat. */
static void
release(struct vouch_seats *seats)
{
    if (seats->owned || seats->taken > 0)
        return;
    vouch_map_free(seats->addresses, NULL);
    free(seats);
}

void
vouch_seats_free(struct vouch_seats *seats)
{
    if (seats == NULL)
        return;
    seats->owned = 0;
    seats->returned = NULL;
    release(seats);
}

int
vouch_seats_new(size_t total, size_t per_address, struct vouch_seats **seats_r,
                struct vouch_error *err)
{
    struct vouch_seats *seats = calloc(1, sizeof(*seats));

    if (seats != NULL)
        seats->addresses = vouch_map_new();
    if (seats == NULL || seats->addresses == NULL) {
        free(seats);
        return vouch_error_set(err, VOUCH_E_MEMORY, "out of memory");
    }
    seats->total = total;
    seats->per_address = per_address;
    seats->owned = 1;
    *seats_r = seats;
    return 0;
}

void
vouch_seats_on_return(struct vouch_seats *seats, void (*returned)(void *arg),
                      void *arg)
{
    seats->returned = returned;
    seats->arg = arg;
}

/* How many seats this address has. */
static size_t
count_of(const struct vouch_seats *seats, const struct vouch_seat *seat)
{
    void *value = NULL;

    if (vouch_map_get(seats->addresses, seat->key, seat->length, &value) != 1)
        return 0;
    return (size_t) (uintptr_t) value;
}

/* Set how many it has.  0, or -1 without memory, which taking away needs
 * none of. */
static int
set_count(struct vouch_seats *seats, const struct vouch_seat *seat,
          size_t count)
{
    if (count == 0) {
        (void) vouch_map_remove(seats->addresses, seat->key, seat->length,
                                NULL);
        return 0;
    }
    return vouch_map_put(seats->addresses, seat->key, seat->length,
                         (void *) (uintptr_t) count, NULL)
                   == -1
               ? -1
               : 0;
}

int
vouch_seats_take(struct vouch_seats *seats, const struct vouch_address *peer,
                 struct vouch_seat **seat_r)
{
    struct vouch_seat *seat = calloc(1, sizeof(*seat));
    size_t count;

    if (seat == NULL)
        return -1;
    seat->seats = seats;
    if (seats->per_address > 0)
        seat->length = vouch_address_key(peer, seat->key);
    if (seat->length > 0) {
        count = count_of(seats, seat);
        if (count >= seats->per_address
            || set_count(seats, seat, count + 1) != 0) {
            free(seat);
            return count >= seats->per_address ? 0 : -1;
        }
    }
    seats->taken++;
    *seat_r = seat;
    return 1;
}

void
vouch_seat_free(struct vouch_seat *seat)
{
    struct vouch_seats *seats;

    if (seat == NULL)
        return;
    seats = seat->seats;
    if (seat->length > 0)
        (void) set_count(seats, seat, count_of(seats, seat) - 1);
    free(seat);
    seats->taken--;
    if (seats->returned != NULL)
        seats->returned(seats->arg);
    release(seats);
}

size_t
vouch_seats_taken(const struct vouch_seats *seats)
{
    return seats->taken;
}

int
vouch_seats_full(const struct vouch_seats *seats)
{
    return seats->total > 0 && seats->taken >= seats->total;
}
