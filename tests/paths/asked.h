/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PATHS_ASKED_H
#define TESTS_PATHS_ASKED_H

/*
 * Loads into an engine's model, by a mapper of these tests' own that goes by names
 *
 * "rows_NAME" has a part of every row on each rank, "columns_NAME" some of the rows; "turned" is transposed;
 * "joined" is "first" and "second", one below the other; "left" and "right" are both "shared". Tensors
 * "filler.NAME" are left over.
 */

#include <ckpt/ckpt.h>

/** A parameter "MODULE.weight" as a rank has it. */
typedef struct asked {
        const char *module;
        int32_t role;
        ckpt_dtype dtype;
        uint32_t rank;
        int64_t shape[2];
} asked;

/**
 * A load of a file of the scratch directory that can be planned or run. `ret_model` is to be unreferenced.
 */
ckpt_load *asked_load(ckpt_host *host, const char *file, const ckpt_load_options *options,
                      const asked *params, unsigned count, ckpt_model **ret_model);

/** A host with the stock plugins that finds the fake CUDA runtime. */
ckpt_host *asked_host(void);

#endif
