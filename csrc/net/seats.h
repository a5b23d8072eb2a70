/*
 * Counting connections, in all and from each address, and when there are too
 * many.  A seat stands for one connection, however it ends.
 */
#ifndef VOUCH_NET_SEATS_H
#define VOUCH_NET_SEATS_H

#include <stddef.h>

struct vouch_address;
struct vouch_error;
struct vouch_seat;
struct vouch_seats;

/* Free the count; seats that are taken stay valid and are freed by
 * themselves.  NULL is allowed. */
void vouch_seats_free(struct vouch_seats *seats);

/* A count with its limits, 0 for no limit.  0, or -1. */
int vouch_seats_new(size_t total, size_t per_address,
                    struct vouch_seats **seats_r, struct vouch_error *err);

/* Have a function called after each seat that is given back, until the count
 * is freed. */
void vouch_seats_on_return(struct vouch_seats *seats,
                           void (*returned)(void *arg), void *arg);

/*
 * Take a seat for a connection from this address, whatever the total.  IPv6
 * counts by its first 64 bits, which one customer has, and addresses of
 * other families only in all.  1 taken, 0 too many from there, -1 without
 * memory.
 */
int vouch_seats_take(struct vouch_seats *seats,
                     const struct vouch_address *peer,
                     struct vouch_seat **seat_r);

/* Give a seat back.  NULL is allowed. */
void vouch_seat_free(struct vouch_seat *seat);

/* How many are taken; 1 if that is the total allowed, or more, else 0. */
size_t vouch_seats_taken(const struct vouch_seats *seats);
int vouch_seats_full(const struct vouch_seats *seats);

#endif
