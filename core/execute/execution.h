/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_EXECUTE_EXECUTION_H
#define CKPT_EXECUTE_EXECUTION_H

/*
 * An execution, between the files of this room
 */

#include "core/execute/execute.h"
#include "core/execute/workers.h"

/** Copies of one chunk that are cheaper than a launch. */
#define CKPT_DIRECT_COPIES 2

/** Chunks that go to the device as one list at most. */
#define CKPT_BUS_SLOTS (CKPT_HOST_COPIES_MAX / CKPT_DIRECT_COPIES)

/** Lists under way: one that is copied, and one that follows without a pause. */
#define CKPT_BUS_LISTS 2

/** The way to the device, which the readers of an execution share. */
typedef struct ckpt_bus {
        pthread_mutex_t lock;
        ckpt_slot *first, *last; /* that wait, in the order in which they came; NULL: none */
        ckpt_event *ends[CKPT_BUS_LISTS];
        uint64_t n_sent;    /* lists */
        ckpt_status status; /* of the first failure: everybody's result from then on */
} ckpt_bus;

typedef struct ckpt_execution {
        const ckpt_plan *plan;
        const ckpt_execute_options *options;
        ckpt_io_state *io;
        ckpt_execute_counters *counters;
        ckpt_session *session;
        ckpt_crew *crews;    /* all that this execution has */
        ckpt_lane **lanes;   /* one per reader */
        ckpt_event *after;   /* the engine's work that comes before every write; NULL: there is none */
        ckpt_lane *oversize; /* one slot, for chunks that fit into no other; NULL: there are none */
        uint32_t readers;
        uint32_t slots; /* per reader */
        uint64_t slot_bytes;
        atomic_ullong next; /* chunk */
        atomic_bool stop;
        atomic_uint *tiles_left; /* per parameter */
        pthread_mutex_t ready_lock;
        pthread_mutex_t oversize_lock;
        ckpt_status oversize_status; /* of the last chunk that went through it; the lock guards both */
        ckpt_bus bus;
} ckpt_execution;

/** Records a backend's failure with what was being done. */
ckpt_status ckpt_execute_device_fail(ckpt_execution *execution, int32_t status, const char *doing,
                                     uint64_t param);
/** A reader's thread: a ckpt_worker of the execution. */
ckpt_status ckpt_reader_main(void *context, uint32_t index);
/** The slot that is in that state for longest; NULL: none is. */
ckpt_slot *ckpt_lane_find(ckpt_lane *lane, enum ckpt_slot_state state);
/** Starts to read a chunk into a free slot. */
ckpt_status ckpt_slot_fill(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot,
                           const ckpt_chunk *chunk);
/** Waits for what a slot reads, and sends it on to the device. */
ckpt_status ckpt_slot_land(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot);
/** Waits until the slot is free, whatever state it is in; its chunk's parameters may be complete with it. */
ckpt_status ckpt_slot_finish(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot);
/** Waits until every slot is free, in the order in which they were filled. */
ckpt_status ckpt_lane_finish(ckpt_execution *execution, ckpt_lane *lane);
/** Ends what is under way by the lane, whatever came of it. */
ckpt_status ckpt_lane_settle(ckpt_execution *execution, ckpt_lane *lane);
/** One tile of a parameter is complete; `event` stands for the device's work, by its own handle. */
void ckpt_tile_done(ckpt_execution *execution, uint64_t param, void *event);
/** CKPT_E_CHANGED when a file that the plan reads or maps is no longer what it was. */
ckpt_status ckpt_execute_verify(const ckpt_plan *plan);
/** Starts the reads of the slot's chunk. */
ckpt_status ckpt_chunk_fill(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot);
/** Whether some read is under way. */
bool ckpt_chunk_is_pending(const ckpt_slot *slot);
/** Waits for the reads, and brings what they read into its place as far as the host has to do it. */
ckpt_status ckpt_chunk_finish(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot);
/** Waits for the reads, whatever became of them. False: some could not be waited for, and may still write. */
bool ckpt_chunk_abandon(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot);
/** Makes the slot's chunk, which is one run, come from the page cache's own pages. False: it has to be read. */
bool ckpt_window_open(ckpt_execution *execution, ckpt_slot *slot);
void ckpt_window_close(ckpt_execution *execution, ckpt_slot *slot);
/** Has the event stand for what the lane's stream was given. */
ckpt_status ckpt_lane_record(ckpt_execution *execution, const ckpt_lane *lane, ckpt_event *event,
                             uint64_t param);
/** An empty bus, to be deinited whatever comes back. */
ckpt_status ckpt_bus_init(ckpt_execution *execution);
void ckpt_bus_deinit(ckpt_execution *execution);
/** A chunk that is only copied joins those that wait, and what can be sent is. */
ckpt_status ckpt_bus_add(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot);
/** Sends what can be sent. CKPT_ABSENT: the slot waits still. */
ckpt_status ckpt_bus_ask(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot);
/** The same until the slot was sent. */
ckpt_status ckpt_bus_wait(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot);
/** Copies the slot's image to its mirror on the device. */
ckpt_status ckpt_copy_image(ckpt_execution *execution, ckpt_lane *lane, const ckpt_slot *slot);
/** Copies what the chunks of `count` slots read to where it belongs, ranges as one list. */
ckpt_status ckpt_copy_pieces(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *const *slots,
                             uint32_t count);
/** Whether the slot's chunk is nothing but CKPT_DIRECT_COPIES ranges at most that a device is to get. */
bool ckpt_chunk_only_copies(const ckpt_execution *execution, const ckpt_slot *slot);
/** Copies to the device and kernels of the slot's chunk, enqueued on the lane's stream. */
ckpt_status ckpt_chunk_enqueue(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot);
/** The steps of a chunk's tiles; `scatters` first brings the image to its places. */
ckpt_status ckpt_chunk_run_steps(ckpt_execution *execution, ckpt_lane *lane, ckpt_slot *slot, bool scatters);
/** Takes lanes from the ring, or makes them; after this no more memory of the device is needed. */
ckpt_status ckpt_lanes_take(ckpt_execution *execution);
/** Gives them back to the ring, or frees them. */
void ckpt_lanes_give(ckpt_execution *execution, bool keep);
/** Maps pages of host memory that is about to be written; changes no byte. */
void ckpt_populate(void *memory, uint64_t size);

/** Bytes of a reader's slot, which every chunk fits into that is not oversize. */
static inline uint64_t ckpt_execute_slot(const ckpt_plan *plan)
{
        return plan->largest_slot ? plan->largest_slot : CKPT_BLOCK_BYTES;
}

/** On the host: where a read's first byte belongs, in the final memory or in the image. */
static inline uint8_t *ckpt_read_place(const ckpt_execution *execution, const ckpt_slot *slot,
                                       const ckpt_read *read)
{
        uint8_t *target = execution->options->data[read->param];

        return read->space == CKPT_SPACE_STAGING ? slot->host + read->image_offset
                                                 : target + read->dst_offset;
}

/** The parameter that a chunk begins with, for messages. */
static inline uint64_t ckpt_chunk_param(const ckpt_execution *execution, const ckpt_slot *slot)
{
        return execution->plan->tiles.items[slot->chunk->first_tile].param;
}

#endif
