/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The ring: staging memory, streams and events, kept from load to load
 *
 * Pinned memory is dear to make and scarce. So crews go back to their device's ring when a load ends, up to a
 * bound, where the next load finds them.
 */

#include "core/execute/ring.h"

struct ckpt_ring {
        const ckpt_backend *backend;
        ckpt_device *device;
        bool host_memory;
        uint64_t keep, kept; /* bytes */
        pthread_mutex_t lock;
        ckpt_crew *crews;
};

/* ---- crews ---- */

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
        if (ring->host_memory)
                ring->backend->pinned_free(ring->device, crew->host.memory, crew->host.size);
        else
                ckpt_pinned_deinit(&crew->host, ring->backend, ring->device);
        if (crew->device)
                ring->backend->free(ring->device, crew->device, ckpt_crew_bytes(crew));
        free(crew->slots);
        free(crew->lanes);
        free(crew);
        return NULL;
}

static bool lanes_alloc(ckpt_crew *crew)
{
        crew->lanes = calloc(crew->n_lanes, sizeof(*crew->lanes));
        crew->slots = calloc((size_t)crew->n_lanes * crew->n_slots, sizeof(*crew->slots));
        if (!crew->lanes || !crew->slots)
                return false;
        for (uint32_t i = 0; i < crew->n_lanes; i++) {
                crew->lanes[i].crew = crew;
                crew->lanes[i].slots = crew->slots + (size_t)i * crew->n_slots;
        }
        return true;
}

void ckpt_crew_give(ckpt_crew *crew, const ckpt_pinned *host)
{
        crew->host = *host;
        for (uint32_t i = 0; i < crew->n_lanes * crew->n_slots; i++) {
                crew->slots[i].host = crew->host.memory + i * crew->slot_bytes;
                crew->slots[i].device =
                        (crew->device ? crew->device : crew->host.memory) + i * crew->slot_bytes;
        }
}

/* Where nothing is to be pinned, it comes from where the device's memory comes from. */
static bool host_alloc(const ckpt_ring *ring, ckpt_crew *crew)
{
        const uint64_t size = ckpt_crew_bytes(crew);
        void *memory = NULL;

        if (ring->backend->pinned_alloc(ring->device, size, &memory))
                return false;
        ckpt_crew_give(crew, &(ckpt_pinned){.memory = memory, .size = size});
        return true;
}

/* NULL: out of memory. */
static ckpt_crew *crew_alloc(const ckpt_ring *ring, uint32_t n_lanes, uint32_t n_slots, uint64_t slot_bytes)
{
        ckpt_crew *crew = calloc(1, sizeof(*crew));

        if (!crew)
                return NULL;
        crew->n_lanes = n_lanes;
        crew->n_slots = n_slots;
        crew->slot_bytes = slot_bytes;
        if (!lanes_alloc(crew) || (ring->host_memory && !host_alloc(ring, crew)))
                return ckpt_crew_free(ring, crew);
        return crew;
}

static int32_t lane_init(const ckpt_ring *ring, ckpt_lane *lane, uint32_t n_slots)
{
        int32_t r = ring->backend->stream_new(ring->device, &lane->stream);

        for (uint32_t i = 0; r == 0 && !ring->host_memory && i < n_slots; i++)
                r = ring->backend->event_new(ring->device, &lane->slots[i].event);
        return r;
}

static int32_t crew_init(const ckpt_ring *ring, ckpt_crew *crew)
{
        void *memory = NULL;
        int32_t r =
                ring->host_memory ? 0 : ring->backend->alloc(ring->device, ckpt_crew_bytes(crew), &memory);

        crew->device = memory;
        for (uint32_t i = 0; r == 0 && i < crew->n_lanes; i++)
                r = lane_init(ring, &crew->lanes[i], crew->n_slots);
        return r;
}

int32_t ckpt_crew_new(const ckpt_ring *ring, uint32_t n_lanes, uint32_t n_slots, uint64_t slot_bytes,
                      ckpt_crew **ret_crew)
{
        ckpt_crew *crew = crew_alloc(ring, n_lanes, n_slots, slot_bytes);
        const int32_t r = crew ? crew_init(ring, crew) : 0;

        *ret_crew = r ? ckpt_crew_free(ring, crew) : crew;
        return r;
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

bool ckpt_ring_is_empty(ckpt_ring *ring)
{
        bool is_empty;

        pthread_mutex_lock(&ring->lock);
        is_empty = !ring->crews;
        pthread_mutex_unlock(&ring->lock);
        return is_empty;
}

static ckpt_crew *ring_pop(ckpt_ring *ring)
{
        ckpt_crew *crew;

        pthread_mutex_lock(&ring->lock);
        crew = ring->crews;
        if (crew) {
                ring->crews = crew->next;
                ring->kept -= crew->host.size;
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
        const uint64_t size = crew->host.size;

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
