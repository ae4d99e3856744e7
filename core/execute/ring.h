/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_EXECUTE_RING_H
#define CKPT_EXECUTE_RING_H

/*
 * Staging memory, streams and events: a slot for a chunk at work, a lane of slots for a reader, crews of lanes
 * whose memory is one block, and the ring, where a device's crews go back to between loads
 */

#include "core/execute/pin.h"
#include "core/io/io.h"
#include "core/plan/plan.h"

enum ckpt_slot_state {
        CKPT_SLOT_FREE,
        CKPT_SLOT_READING, /* requests were started */
        CKPT_SLOT_COPYING  /* it waits for the bus, or work was enqueued that the event stands for */
};

/** Staging memory for one chunk at work. */
typedef struct ckpt_slot {
        uint8_t *host;     /* pinned, where the device is another */
        uint8_t *device;   /* the same as host, or its mirror */
        ckpt_event *event; /* NULL where the host's memory is the device's */
        enum ckpt_slot_state state;
        const ckpt_chunk *chunk;
        uint64_t turn;          /* when it was filled, among the lane's */
        struct ckpt_slot *next; /* of those that wait for the bus */
        bool waits;             /* it is one of them; the bus's lock guards both */
        ckpt_request *requests; /* of one execution */
        /* Where copies take the image from: `host`, or as if the image began somewhere before a window. */
        const uint8_t *source;
        uint8_t *window; /* pages of a file, registered; NULL: none */
        uint64_t window_bytes;
} ckpt_slot;

struct ckpt_crew;

/** What one reader works with. */
typedef struct ckpt_lane {
        struct ckpt_crew *crew;
        ckpt_stream *stream;
        uint32_t n_open; /* slots in use by this execution */
        bool lost;       /* the kernel may still write to its memory: it is never freed nor used again */
        ckpt_io_lane io;
        ckpt_slot *slots;
} ckpt_lane;

/** Lanes whose memory is made together, and kept together. */
typedef struct ckpt_crew {
        struct ckpt_crew *next; /* in the ring, or of an execution */
        uint32_t n_lanes, n_slots;
        uint64_t slot_bytes;
        ckpt_pinned host; /* all slots, lane by lane, and what is left of memory that was prepared */
        uint8_t *device;  /* their mirrors; NULL where the device is the host */
        ckpt_lane *lanes;
        ckpt_slot *slots; /* of all lanes */
} ckpt_crew;

static inline uint64_t ckpt_crew_bytes(const ckpt_crew *crew)
{
        return crew->n_lanes * crew->n_slots * crew->slot_bytes;
}

/** Lanes that outlive loads: a device's. */
typedef struct ckpt_ring ckpt_ring;

/**
 * An empty ring for a device; NULL: out of memory. It keeps crews of no more than `keep` bytes between loads.
 */
ckpt_ring *ckpt_ring_new(const ckpt_backend *backend, ckpt_device *device, bool host_memory, uint64_t keep);
/** Frees what it keeps. No crew is out. */
ckpt_ring *ckpt_ring_free(ckpt_ring *ring);
/** A crew that was kept and whose slots are large enough, or NULL. */
ckpt_crew *ckpt_ring_take(ckpt_ring *ring, uint32_t n_slots, uint64_t slot_bytes);
/** Gives a crew back, idle; it is kept or freed. */
void ckpt_ring_give(ckpt_ring *ring, ckpt_crew *crew);
/** Whether it keeps nothing. */
bool ckpt_ring_is_empty(ckpt_ring *ring);
/** How many lanes a crew may have that the ring can keep; at least one. */
uint32_t ckpt_ring_lanes(const ckpt_ring *ring, uint32_t n_slots, uint64_t slot_bytes);
/**
 * A new crew with all that it needs of the device, so that it is known early whether there is enough. Memory
 * on the host it has only where the device is the host; else it is to be given some. A status of the backend,
 * or 0, and then NULL when the host is out of memory.
 */
int32_t ckpt_crew_new(const ckpt_ring *ring, uint32_t n_lanes, uint32_t n_slots, uint64_t slot_bytes,
                      ckpt_crew **ret_crew);
/** Gives it memory for all its slots, which it owns from now on. */
void ckpt_crew_give(ckpt_crew *crew, const ckpt_pinned *host);
ckpt_crew *ckpt_crew_free(const ckpt_ring *ring, ckpt_crew *crew);

#endif
