/*
 * Queues, and who may not be passed any more.
 */
#include "lock/resource.h"

void
vouch_list_append(struct vouch_entry_list *list, struct vouch_entry *entry)
{
    entry->next = NULL;
    entry->prev = list->tail;
    if (list->tail != NULL)
        list->tail->next = entry;
    else
        list->head = entry;
    list->tail = entry;
    list->count++;
}

void
vouch_list_remove(struct vouch_entry_list *list, struct vouch_entry *entry)
{
    if (entry->prev != NULL)
        entry->prev->next = entry->next;
    else
        list->head = entry->next;
    if (entry->next != NULL)
        entry->next->prev = entry->prev;
    else
        list->tail = entry->prev;
    entry->next = NULL;
    entry->prev = NULL;
    list->count--;
}

void
vouch_kind_list_append(struct vouch_entry_list *list,
                       struct vouch_entry *entry)
{
    entry->kind_next = NULL;
    entry->kind_prev = list->tail;
    if (list->tail != NULL)
        list->tail->kind_next = entry;
    else
        list->head = entry;
    list->tail = entry;
    list->count++;
}

void
vouch_kind_list_remove(struct vouch_entry_list *list,
                       struct vouch_entry *entry)
{
    if (entry->kind_prev != NULL)
        entry->kind_prev->kind_next = entry->kind_next;
    else
        list->head = entry->kind_next;
    if (entry->kind_next != NULL)
        entry->kind_next->kind_prev = entry->kind_prev;
    else
        list->tail = entry->kind_prev;
    entry->kind_next = NULL;
    entry->kind_prev = NULL;
    list->count--;
}

int
vouch_entry_goes_first(const struct vouch_entry *entry,
                       const struct vouch_entry *other,
                       const struct vouch_turn *turn)
{
    int64_t fairness = turn->limits->fairness_ms;

    return entry != NULL && fairness >= 0 && entry->serial < other->serial
           && turn->now.monotonic_ms - entry->since_ms >= fairness;
}
