/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PATHS_WAYS_H
#define TESTS_PATHS_WAYS_H

/*
 * The ways that payload takes: what is asked for, what the page cache holds, how many read, in how much
 * memory
 *
 * Whatever the way, the bytes must be the same, and the load must say which way they came.
 */

#include <stdbool.h>

#include <ckpt/ckpt.h>

/** What the page cache holds of the files when the load begins. */
typedef enum way_cache {
        WAY_WARM, /* all */
        WAY_COLD, /* nothing */
        WAY_HALF  /* some stretches, some of others, and some not */
} way_cache;

typedef struct way {
        const char *name;
        ckpt_io io;
        way_cache cache;
        uint32_t readers;
        uint64_t staging_bytes;
        bool cached, direct; /* whether bytes must come so, where ranges are long and the file system can */
} way;

enum {
        WAYS = 15
};

extern const way ways[WAYS];

/** Brings the page cache into the way's state, for every file of the scratch directory. */
void way_prepare(const way *w);
/** Sets what the way asks of the load. */
void way_set(const way *w, ckpt_load_options *options);
/**
 * Whether the load said truly how its bytes came. `is_long`: files have ranges that are worth a direct read.
 */
void way_check(const way *w, const ckpt_load *load, bool is_long);

/**
 * What the file system of the scratch directory can do, found without the library; what it cannot is said
 * once, as a line of the log.
 */
typedef struct way_abilities {
        bool reads_direct, tells_cached, drops_cached;
} way_abilities;

way_abilities way_abilities_now(void);

#endif
