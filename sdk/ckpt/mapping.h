/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_MAPPING_H
#define CKPT_MAPPING_H

/*
 * Which part of the model this rank holds
 *
 * A mapping says which rank of how many this load is for. A shard says how one module's
 * tensors are divided. A stage says which pipeline rank owns a module. The functions are pure
 * [any-thread].
 */

#include <ckpt/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Parallelism of the load: sizes are at least 1, ranks count from 0 and are below their size, else
 * ckpt_load_new fails with CKPT_E_INVALID. With attention data parallelism what is divided over
 * CKPT_GROUP_ATTENTION_TP (attention, in most mappers embeddings too) is whole on every rank and only
 * the rest is divided over tp. The second of four tensor-parallel ranks:
 *
 *         options.mapping.tp_size = 4;
 *         options.mapping.tp_rank = 1;
 */
typedef struct ckpt_mapping {
        uint32_t struct_size;
        int32_t tp_size, tp_rank; /**< tensor parallelism */
        int32_t pp_size, pp_rank; /**< pipeline parallelism */
        int32_t ep_size, ep_rank; /**< expert parallelism */
        int32_t attention_dp;     /**< 0 or 1 */
} ckpt_mapping;

/** One rank, which holds everything. */
#define CKPT_MAPPING_INIT                                 \
        {                                                 \
                sizeof(ckpt_mapping), 1, 0, 1, 0, 1, 0, 0 \
        }

/** Which ranks a module is divided over; ckpt_mapping_group_size says how many they are. */
typedef int32_t ckpt_group;

enum {
        CKPT_GROUP_NONE = 0,         /**< replicated */
        CKPT_GROUP_TP = 1,           /**< tensor parallelism */
        CKPT_GROUP_ATTENTION_TP = 2, /**< the same, but replicated under attention data parallelism */
        CKPT_GROUP_EP = 3            /**< expert parallelism */
};

/**
 * How a module's tensors are divided: along `axis` (from 0), over `group`, in units of `unit` rows that
 * stay together (a head, a quantisation block). Rank r holds rows r * per … (r + 1) * per - 1, where
 *
 *         per = width / ranks                     without pad; ranks * unit must divide the width
 *         per = ceil(units / ranks) * unit        with pad; units = ceil(width / unit)
 *
 * and with `pad` rows past the width are zeros, on some ranks perhaps all of them. Without it a width that
 * is no whole number of units is CKPT_E_MISMATCH, units that the ranks do not divide are CKPT_E_INVALID. An
 * axis that a tensor does not have (the bias of a row-parallel module), or that has one element (a scale),
 * leaves it whole; so does a group of one rank. 8 heads of 128 rows over 4 ranks:
 *
 *         const ckpt_shard heads = {sizeof(heads), 0, CKPT_GROUP_ATTENTION_TP, 0, 128};
 */
typedef struct ckpt_shard {
        uint32_t struct_size;
        int32_t axis;
        ckpt_group group;
        int32_t pad;  /**< 0 or 1 */
        int64_t unit; /**< at least 1 */
} ckpt_shard;

/**
 * Split the output features: axis 0 of a weight [out, in], and the bias. As CKPT_SHARD_COLUMN(CKPT_GROUP_TP).
 */
#define CKPT_SHARD_COLUMN(group_)                     \
        {                                             \
                sizeof(ckpt_shard), 0, (group_), 0, 1 \
        }
/** Split the input features: axis 1 of a weight [out, in]; a bias stays whole, the engine adds it once. */
#define CKPT_SHARD_ROW(group_)                        \
        {                                             \
                sizeof(ckpt_shard), 1, (group_), 0, 1 \
        }
/**
 * Split the vocabulary: axis 0 of [vocabulary, features], padded with zero rows to a multiple of the ranks.
 */
#define CKPT_SHARD_VOCABULARY(group_)                 \
        {                                             \
                sizeof(ckpt_shard), 0, (group_), 1, 1 \
        }
/** Whole on every rank: what a module is without a style. */
#define CKPT_SHARD_REPLICATED                                \
        {                                                    \
                sizeof(ckpt_shard), 0, CKPT_GROUP_NONE, 0, 1 \
        }

/**
 * Which pipeline ranks own a module; flags of ckpt_rules_stage. FIRST | LAST is both (an embedding that the
 * head shares), none of the first three is every rank. REQUIRED goes with any of them.
 */
enum {
        CKPT_STAGE_FIRST = 1,   /**< the first rank */
        CKPT_STAGE_LAST = 2,    /**< the last rank */
        CKPT_STAGE_LAYER = 4,   /**< the rank that owns the layer: the number that follows the pattern */
        CKPT_STAGE_REQUIRED = 8 /**< a derived model without such a module is an error */
};

/** How many ranks divide a module of that group under this mapping, at least 1. `mapping` is not NULL. */
static inline int32_t ckpt_mapping_group_size(const ckpt_mapping *mapping, ckpt_group group)
{
        switch (group) {
        case CKPT_GROUP_TP:
                return mapping->tp_size;
        case CKPT_GROUP_ATTENTION_TP:
                return mapping->attention_dp ? 1 : mapping->tp_size;
        case CKPT_GROUP_EP:
                return mapping->ep_size;
        default:
                return 1;
        }
}

/** This load's rank in that group, 0 where the group is not divided. `mapping` is not NULL. */
static inline int32_t ckpt_mapping_group_rank(const ckpt_mapping *mapping, ckpt_group group)
{
        switch (group) {
        case CKPT_GROUP_TP:
                return mapping->tp_rank;
        case CKPT_GROUP_ATTENTION_TP:
                return mapping->attention_dp ? 0 : mapping->tp_rank;
        case CKPT_GROUP_EP:
                return mapping->ep_rank;
        default:
                return 0;
        }
}

/**
 * Which pipeline rank owns layer `layer` (0 … n_layers - 1) of `n_layers`: as many layers each, the first
 * ranks one more where it does not divide, as torch.tensor_split divides. 10 layers on 4 ranks are
 * 0 1 2 | 3 4 5 | 6 7 | 8 9. With fewer layers than ranks the last ranks own none.
 */
static inline int32_t ckpt_mapping_layer_rank(const ckpt_mapping *mapping, int64_t layer, int64_t n_layers)
{
        const int64_t base = n_layers / mapping->pp_size, more = n_layers % mapping->pp_size;
        const int64_t wide = more * (base + 1);

        if (layer < wide)
                return (int32_t)(layer / (base + 1));
        return base > 0 ? (int32_t)(more + (layer - wide) / base) : (int32_t)(mapping->pp_size - 1);
}

#ifdef __cplusplus
}
#endif

#endif
