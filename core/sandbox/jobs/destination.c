#include "destination.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "value/text.h"

/* FNV-1a. */
static struct sb_destination **chain_of(struct sb_destinations *destinations, const char *name)
{
    uint64_t hash = 14695981039346656037U;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211U;
    return &destinations->chains[hash % SB_DESTINATION_CHAINS];
}

struct sb_destination *sb_destinations_take(struct sb_destinations *destinations, const char *name)
{
    struct sb_destination **chain = chain_of(destinations, name);
    struct sb_destination *destination = *chain;
    while (destination && strcmp(destination->name, name) != 0)
        destination = destination->next;
    if (!destination) {
        destination = calloc(1, sizeof *destination);
        if (!destination)
            return NULL;
        destination->name = fs_text_copy(name, strlen(name));
        if (!destination->name) {
            free(destination);
            return NULL;
        }
        destination->next = *chain;
        *chain = destination;
    }
    destination->users++;
    return destination;
}

void sb_destinations_leave(struct sb_destinations *destinations, struct sb_destination *destination)
{
    if (!destination || --destination->users > 0)
        return;
    struct sb_destination **link = chain_of(destinations, destination->name);
    while (*link != destination)
        link = &(*link)->next;
    *link = destination->next;
    free(destination->name);
    free(destination);
}
