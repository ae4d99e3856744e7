/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The ring: staging memory, streams and events, kept from load to load
 *
 * Pinned memory is dear to make and scarce: tens of milliseconds for what a load works with. So slots get it
 * when they are first used, while others read already (bank.c); and crews go back to their device's ring when
 * a load ends, up to a bound, where the next load finds them.
 */

#include "core/execute/execute.h"

struct ckpt_ring {
        const ckpt_backend *backend;
        ckpt_device *device;
        bool host_memory;
        uint64_t keep, kept; /* bytes */
        pthread_mutex_t lock;
        ckpt_crew *crews;
};

/* ---- crews ---- */

static uint64_t crew_bytes(const ckpt_crew *crew)
{
        return crew->n_lanes * crew->n_slots * crew->slot_bytes;
}

static bool is_lost(const ckpt_crew *crew)
{
        for (uint32_t i = 0; crew->lanes && i < crew->n_lanes; i++)
                if (crew->lanes[i].lost)
                        return true;
        return false;
}

static void lane_deinit(const ckpt_ring *ring, ckpt_lane *lane, uint32_t n_slots)
{
        ckpt_io_lane_deinit(&lane->io);
        if (lane->stream)
                ring->backend->stream_free(lane->stream);
        for (uint32_t i = 0; i < n_slots; i++)
                if (lane->slots[i].event)
                        ring->backend->event_free(lane->slots[i].event);
}

ckpt_crew *ckpt_crew_free(const ckpt_ring *ring, ckpt_crew *crew)
{
        if (!crew || is_lost(crew))
                return NULL;
        for (uint32_t i = 0; crew->lanes && crew->slots && i < crew->n_lanes; i++)
                lane_deinit(ring, &crew->lanes[i], crew->n_slots);
        for (uint32_t i = 0; i < crew->n_slots; i++) {
                if (crew->banks[i].memory)
                        ring->backend->pinned_free(ring->device, crew->banks[i].memory,
                                                   crew->n_lanes * crew->slot_bytes);
                pthread_mutex_destroy(&crew->banks[i].lock);
        }
        if (crew->device)
                ring->backend->free(ring->device, crew->device, crew_bytes(crew));
        free(crew->slots);
        free(crew->lanes);
        free(crew);
        return NULL;
}

/* NULL: out of memory. */
static ckpt_crew *crew_alloc(uint32_t n_lanes, uint32_t n_slots, uint64_t slot_bytes)
{
        ckpt_crew *crew = calloc(1, sizeof(*crew) + n_slots * sizeof(*crew->banks));

        if (!crew)
                return NULL;
        crew->n_lanes = n_lanes;
        crew->n_slots = n_slots;
        crew->slot_bytes = slot_bytes;
        for (uint32_t i = 0; i < n_slots; i++)
                pthread_mutex_init(&crew->banks[i].lock, NULL);
        crew->lanes = calloc(n_lanes, sizeof(*crew->lanes));
        crew->slots = calloc((size_t)n_lanes * n_slots, sizeof(*crew->slots));
        for (uint32_t i = 0; crew->lanes && crew->slots && i < n_lanes; i++) {
                crew->lanes[i].crew = crew;
                crew->lanes[i].slots = crew->slots + (size_t)i * n_slots;
        }
        return crew;
}

int32_t ckpt_crew_new(const ckpt_ring *ring, uint32_t n_lanes, uint32_t n_slots, uint64_t slot_bytes,
                      ckpt_crew **ret_crew)
{
        ckpt_crew *crew = crew_alloc(n_lanes, n_slots, slot_bytes);
        void *memory = NULL;
        int32_t r = 0;

        if (crew && (!crew->lanes || !crew->slots))
                crew = ckpt_crew_free(ring, crew);
        if (crew && !ring->host_memory)
                r = ring->backend->alloc(ring->device, crew_bytes(crew), &memory);
        if (crew)
                crew->device = memory;
        *ret_crew = r ? ckpt_crew_free(ring, crew) : crew;
        return r;
}

int32_t ckpt_lane_open(const ckpt_ring *ring, ckpt_lane *lane)
{
        return lane->stream ? 0 : ring->backend->stream_new(ring->device, &lane->stream);
}

int32_t ckpt_slot_open(const ckpt_ring *ring, ckpt_lane *lane, ckpt_slot *slot)
{
        const ckpt_crew *crew = lane->crew;

        slot->device =
                ring->host_memory ? slot->host : crew->device + (slot - crew->slots) * crew->slot_bytes;
        return ring->host_memory || slot->event ? 0 : ring->backend->event_new(ring->device, &slot->event);
}

/* ---- the ring ---- */

ckpt_ring *ckpt_ring_new(const ckpt_backend *backend, ckpt_device *device, bool host_memory, uint64_t keep)
{
        ckpt_ring *ring = calloc(1, sizeof(*ring));

        if (!ring)
                return NULL;
        *ring = (ckpt_ring){.backend = backend, .device = device, .host_memory = host_memory, .keep = keep};
        pthread_mutex_init(&ring->lock, NULL);
        return ring;
}

ckpt_ring *ckpt_ring_free(ckpt_ring *ring)
{
        if (!ring)
                return NULL;
        while (ring->crews) {
                ckpt_crew *crew = ring->crews;

                ring->crews = crew->next;
                ckpt_crew_free(ring, crew);
        }
        pthread_mutex_destroy(&ring->lock);
        free(ring);
        return NULL;
}

uint32_t ckpt_ring_lanes(const ckpt_ring *ring, uint32_t n_slots, uint64_t slot_bytes)
{
        const uint64_t n = ring->keep / (n_slots * slot_bytes);

        return n < 1 ? 1 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static ckpt_crew *ring_pop(ckpt_ring *ring)
{
        ckpt_crew *crew;

        pthread_mutex_lock(&ring->lock);
        crew = ring->crews;
        if (crew) {
                ring->crews = crew->next;
                ring->kept -= crew_bytes(crew);
        }
        pthread_mutex_unlock(&ring->lock);
        return crew;
}

/* Those that are too small are freed, for what replaces them shall not add to them. */
ckpt_crew *ckpt_ring_take(ckpt_ring *ring, uint32_t n_slots, uint64_t slot_bytes)
{
        ckpt_crew *crew;

        while ((crew = ring_pop(ring)) && (crew->n_slots < n_slots || crew->slot_bytes < slot_bytes))
                ckpt_crew_free(ring, crew);
        return crew;
}

void ckpt_ring_give(ckpt_ring *ring, ckpt_crew *crew)
{
        const uint64_t size = crew_bytes(crew);

        pthread_mutex_lock(&ring->lock);
        if (ring->kept + size <= ring->keep) {
                crew->next = ring->crews;
                ring->crews = crew;
                ring->kept += size;
                crew = NULL;
        }
        pthread_mutex_unlock(&ring->lock);
        ckpt_crew_free(ring, crew);
}
