/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The ring: staging memory, streams and events, kept from load to load
 *
 * Pinned memory is dear to make and scarce: tens of milliseconds for what a load works with. So each slot is
 * pinned by its reader when it is first used, while others read already; and lanes go back to their device's
 * ring when a load ends, up to a bound, where the next load finds them.
 */

#include "core/execute/execute.h"

struct ckpt_ring {
        const ckpt_backend *backend;
        ckpt_device *device;
        bool host_memory;
        uint64_t keep, kept; /* bytes */
        pthread_mutex_t lock;
        ckpt_lane *lanes;
};

static uint64_t lane_bytes(const ckpt_lane *lane)
{
        return lane->n_slots * lane->slot_bytes;
}

static void slot_deinit(const ckpt_ring *ring, ckpt_slot *slot, uint64_t size)
{
        if (slot->event)
                ring->backend->event_free(slot->event);
        if (slot->host)
                ring->backend->pinned_free(ring->device, slot->host, size);
}

ckpt_lane *ckpt_lane_free(const ckpt_ring *ring, ckpt_lane *lane)
{
        if (!lane || lane->lost)
                return NULL;
        ckpt_io_lane_deinit(&lane->io);
        if (lane->stream)
                ring->backend->stream_free(lane->stream);
        for (uint32_t i = 0; i < lane->n_slots; i++)
                slot_deinit(ring, &lane->slots[i], lane->slot_bytes);
        if (lane->device)
                ring->backend->free(ring->device, lane->device, lane_bytes(lane));
        free(lane);
        return NULL;
}

int32_t ckpt_lane_new(const ckpt_ring *ring, uint32_t n_slots, uint64_t slot_bytes, ckpt_lane **ret_lane)
{
        ckpt_lane *lane = calloc(1, sizeof(*lane) + n_slots * sizeof(*lane->slots));
        void *memory = NULL;
        int32_t r = 0;

        *ret_lane = NULL;
        if (!lane)
                return 0;
        lane->n_slots = n_slots;
        lane->slot_bytes = slot_bytes;
        if (!ring->host_memory)
                r = ring->backend->alloc(ring->device, lane_bytes(lane), &memory);
        lane->device = memory;
        if (r)
                lane = ckpt_lane_free(ring, lane);
        *ret_lane = lane;
        return r;
}

int32_t ckpt_lane_open(const ckpt_ring *ring, ckpt_lane *lane)
{
        return lane->stream ? 0 : ring->backend->stream_new(ring->device, &lane->stream);
}

int32_t ckpt_slot_open(const ckpt_ring *ring, ckpt_lane *lane, ckpt_slot *slot)
{
        void *memory = slot->host;
        int32_t r = 0;

        if (!memory)
                r = ring->backend->pinned_alloc(ring->device, lane->slot_bytes, &memory);
        if (r)
                return r;
        slot->host = memory;
        slot->device =
                ring->host_memory ? slot->host : lane->device + (slot - lane->slots) * lane->slot_bytes;
        if (!ring->host_memory && !slot->event)
                r = ring->backend->event_new(ring->device, &slot->event);
        return r;
}

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
        while (ring->lanes) {
                ckpt_lane *lane = ring->lanes;

                ring->lanes = lane->next;
                ckpt_lane_free(ring, lane);
        }
        pthread_mutex_destroy(&ring->lock);
        free(ring);
        return NULL;
}

/* The first that is large enough; those that are not are freed, for what replaces them shall not add to
 * them. */
ckpt_lane *ckpt_ring_take(ckpt_ring *ring, uint32_t n_slots, uint64_t slot_bytes)
{
        ckpt_lane *lane = NULL;

        pthread_mutex_lock(&ring->lock);
        while (ring->lanes && !lane) {
                ckpt_lane *first = ring->lanes;

                ring->lanes = first->next;
                ring->kept -= lane_bytes(first);
                if (first->n_slots >= n_slots && first->slot_bytes >= slot_bytes)
                        lane = first;
                else
                        ckpt_lane_free(ring, first);
        }
        pthread_mutex_unlock(&ring->lock);
        return lane;
}

void ckpt_ring_give(ckpt_ring *ring, ckpt_lane *lane)
{
        const uint64_t size = lane_bytes(lane);

        pthread_mutex_lock(&ring->lock);
        if (ring->kept + size <= ring->keep) {
                lane->next = ring->lanes;
                ring->lanes = lane;
                ring->kept += size;
                lane = NULL;
        }
        pthread_mutex_unlock(&ring->lock);
        ckpt_lane_free(ring, lane);
}
