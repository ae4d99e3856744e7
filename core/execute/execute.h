/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_EXECUTE_EXECUTE_H
#define CKPT_EXECUTE_EXECUTE_H

/*
 * Running a plan: reader threads take chunks from one queue, each with a few slots of one ring of staging
 * memory and a stream of its own
 *
 * A slot goes round: its chunk's ranges are read into the image, then one copy brings the image to the device
 * and a launch or two put everything into its place; an event says when the slot is free again. Meanwhile the
 * reader reads into the next one. On a device whose memory the host can address, what the page cache holds is
 * read straight to its place, and kernels run at once. Memory does not grow with the checkpoint: the ring,
 * and one slot for tiles that could not be cut.
 */

#include "core/io/io.h"
#include "core/plan/plan.h"

/** Lanes that outlive loads: a device's. */
typedef struct ckpt_ring ckpt_ring;

/** Memory for the ring, in the making. */
typedef struct ckpt_preparation ckpt_preparation;

typedef struct ckpt_execute_options {
        const ckpt_backend *backend;
        ckpt_device *device;
        bool host_memory;              /* the device's memory is the host's */
        void *const *data;             /* per parameter: where it goes; NULL for skipped ones */
        ckpt_ring *ring;               /* where lanes come from */
        ckpt_preparation *preparation; /* memory for new ones; NULL: none was prepared */
        uint32_t readers;
        uint32_t slots; /* per reader */
        void *stream;   /* the engine's own, whose work comes first; may be NULL */
        void (*progress)(
                void *context); /* about twenty times a second, from the calling thread; may be NULL */
        /* One at a time, from any thread; `event` is the backend's own handle. May be NULL. */
        void (*ready)(void *context, uint64_t param, void *event);
        void *context;
} ckpt_execute_options;

/** Counters that others may read while it runs. */
typedef struct ckpt_execute_counters {
        atomic_ullong bytes_read, reads, copies, kernels, params_ready;
        atomic_ullong bytes_to_device;
        atomic_ullong ring_bytes;       /* of the slots that were made or taken from the ring */
        atomic_ullong ring_nanoseconds; /* what making them took */
} ckpt_execute_counters;

/**
 * Runs every chunk. The first failure stops the rest; CKPT_E_CANCELLED when the session was cancelled. Leaves no
 * thread, and no memory but what the ring keeps.
 */
ckpt_status ckpt_execute(const ckpt_plan *plan, const ckpt_execute_options *options, ckpt_io_state *io,
                         ckpt_execute_counters *counters);

/** What is common to workers: called in `count` threads until it returns; the first failure is the result. */
typedef ckpt_status (*ckpt_worker)(void *context, uint32_t index);

/**
 * Runs `count` workers in threads of their own, calling `progress` about twenty times a second meanwhile. A
 * thread that cannot be made is recorded, `stop` is set, and the others are waited for.
 */
ckpt_status ckpt_workers_run(ckpt_session *session, uint32_t count, ckpt_worker worker, void *context,
                             atomic_bool *stop, void (*progress)(void *context), void *progress_context);

/** Digests of the final bytes of every parameter that has data, into the parameters. */
ckpt_status ckpt_digest_model(ckpt_session *session, ckpt_model *model, const ckpt_backend *backend,
                              ckpt_device *device, bool host_memory, uint32_t readers);

/** No more readers than a plan has chunks, and no more slots than they fill. */
void ckpt_execute_fit(const ckpt_plan *plan, uint32_t *readers, uint32_t *slots);

/** Staging memory of all readers of a plan on the host; on a device that is not the host there is as much
 * again. */
uint64_t ckpt_execute_staging(const ckpt_plan *plan, uint32_t readers, uint32_t slots);

/* ---- the ring ---- */

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

/** Host memory. */
typedef struct ckpt_pinned {
        uint8_t *memory;
        uint64_t size;
        bool registered; /* with a device, which reads it at full speed */
} ckpt_pinned;

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

/* ---- pinned memory ---- */

/** Who pins, and how. */
typedef struct ckpt_pinning {
        ckpt_session *session;
        const ckpt_backend *backend;
        ckpt_device *device;
        uint32_t threads;                /* that make its pages */
        atomic_bool *stop;               /* set when one of them fails */
        void (*progress)(void *context); /* as for ckpt_workers_run */
        void *context;
} ckpt_pinning;

/** Makes it, all zeros, and registers it; to be deinited whatever comes back. `size`: whole pages. */
ckpt_status ckpt_pinned_init(ckpt_pinned *pinned, const ckpt_pinning *how, uint64_t size);
/** Zeros are fine. */
void ckpt_pinned_deinit(ckpt_pinned *pinned, const ckpt_backend *backend, ckpt_device *device);

/**
 * Begins to make pinned memory in a thread of its own, for an execution that follows. A failure is that
 * execution's; it is recorded when it happens. `how` needs no `stop`, and its `progress` is to be NULL.
 */
ckpt_status ckpt_preparation_new(const ckpt_pinning *how, uint64_t size, ckpt_preparation **ret_preparation);
/** What was asked for; 0 for NULL. */
uint64_t ckpt_preparation_size(const ckpt_preparation *preparation);
/** Waits for it, and hands it out, once. CKPT_ABSENT: it is smaller, or taken. */
ckpt_status ckpt_preparation_take(ckpt_preparation *preparation, uint64_t size, ckpt_pinned *ret_pinned);
/** Waits for it, and frees what was not taken. Accepts NULL; returns NULL. */
ckpt_preparation *ckpt_preparation_free(ckpt_preparation *preparation);

/* ---- between the files of this room ---- */

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
        ckpt_status status; /* of the first that could not be sent */
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
