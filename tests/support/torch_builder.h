/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_TORCH_BUILDER_H
#define TESTS_SUPPORT_TORCH_BUILDER_H

/*
 * Files as torch.save writes them, in memory: both containers, around any pickle
 *
 * Needs neither Check nor the library: fuzzers use it too.
 */

#include "pickle_writer.h"
#include "zip_writer.h"

enum {
        TORCH_STORAGES_MAX = 16
};

struct torch_parts {
        const char *pickle;      /* in the words of pickle_assemble … */
        const struct bytes *raw; /* … or as bytes */
        const char *storages;    /* "0=6*4 w=2*8": key, elements, bytes of one; NULL: none */

        /* The archive. */
        const char *byteorder;         /* NULL: "little"; "": no such member */
        const char *omit;              /* a member that is left out, without the root: "data.pkl" */
        const char *deflate;           /* a member that is deflated */
        const struct zip_entry *added; /* one more, at the end */

        /* The legacy container: the pickles around, in the words of pickle_assemble. NULL: as torch does. */
        const char *magic, *version, *system, *keys;
        int64_t more; /* elements that are said of the first storage beyond those that are there */
};

struct torch_file {
        struct bytes bytes;
        uint64_t pickle, pickle_size; /* where the pickle of the values is */
        uint64_t keys;                /* where that of the keys is; legacy alone */
        struct torch_placed {
                char key[40];
                uint64_t begin, size;
        } storages[TORCH_STORAGES_MAX];
        size_t n_storages;
};

void torch_write_zip(const struct torch_parts *parts, struct torch_file *ret_file);
void torch_write_legacy(const struct torch_parts *parts, struct torch_file *ret_file);
void torch_file_free(struct torch_file *file);

/* Words for pickle_assemble. */
#define T_OD "@collections:OrderedDict ) R "
#define T_V2 "@torch._utils:_rebuild_tensor_v2 "
#define T_TENSOR(storage, offset, shape, strides) \
        T_V2 "( " storage " " offset " ( " shape " t ( " strides " t NEWFALSE " T_OD "t R "
#define T_VECTOR(storage, count) T_TENSOR(storage, "0", count, "1")
#define T_STATE(entries)         "#8002 } ( " entries " u ."

#endif
