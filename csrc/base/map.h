/*
 * A hash map from byte strings to pointers.
 *
 * Keys may come from the network: hashing is SipHash-2-4 under a random
 * seed per map, so that nobody can choose keys that collide.  Keys are
 * copied; values are the caller's.  Keys are compared in constant time.
 */
#ifndef VOUCH_BASE_MAP_H
#define VOUCH_BASE_MAP_H

#include <stddef.h>

struct vouch_map;

/* Free the map; drop, if not NULL, is called on each value first. */
void vouch_map_free(struct vouch_map *map, void (*drop)(void *value));

/* A new empty map, or NULL without memory or randomness. */
struct vouch_map *vouch_map_new(void);

/*
 * Put a value under a key.  1 if the key was there (the old value is
 * stored in *old_r unless NULL), 0 if it is new, -1 without memory.
 */
int vouch_map_put(struct vouch_map *map, const void *key, size_t length,
                  void *value, void **old_r);

/* Look a key up: 1 found (*value_r set unless NULL), 0 not. */
int vouch_map_get(const struct vouch_map *map, const void *key, size_t length,
                  void **value_r);

/* Take a key out: 1 was there (*value_r set unless NULL), 0 was not. */
int vouch_map_remove(struct vouch_map *map, const void *key, size_t length,
                     void **value_r);

/* How many keys there are. */
size_t vouch_map_count(const struct vouch_map *map);

/*
 * Call each(key, length, value, arg) for every entry, in no order, until it
 * returns other than 0; returns that, or 0.  The map must not be changed
 * from inside.
 */
int vouch_map_each(const struct vouch_map *map,
                   int (*each)(const void *key, size_t length, void *value,
                               void *arg),
                   void *arg);

#endif
