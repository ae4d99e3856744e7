/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_MAPPING_H
#define CKPT_MAPPING_H

/*
 * Which part of the model this rank holds
 *
 * A mapping says which rank of how many this load is for. A shard says how one module's
 * tensors are divided. A stage says which pipeline rank owns a module.
 */

#include <ckpt/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Parallelism of the load: sizes are at least 1, ranks count from 0 and are below their size.
 * With attention data parallelism, attention and embeddings are whole on every rank and
 * only the rest is divided over tp.
 */
typedef struct ckpt_mapping {
        uint32_t struct_size;
        int32_t tp_size, tp_rank; /**< tensor parallelism */
        int32_t pp_size, pp_rank; /**< pipeline parallelism */
        int32_t ep_size, ep_rank; /**< expert parallelism */
        int32_t attention_dp;     /**< 0 or 1 */
} ckpt_mapping;

#define CKPT_MAPPING_INIT                                 \
        {                                                 \
                sizeof(ckpt_mapping), 1, 0, 1, 0, 1, 0, 0 \
        }

/** Which ranks a module is divided over. */
typedef int32_t ckpt_group;

enum {
        CKPT_GROUP_NONE = 0,         /**< replicated */
        CKPT_GROUP_TP = 1,           /**< tensor parallelism */
        CKPT_GROUP_ATTENTION_TP = 2, /**< the same, but replicated under attention data parallelism */
        CKPT_GROUP_EP = 3            /**< expert parallelism */
};

/**
 * How a module's tensors are divided: along `axis`, over `group`, in units of `unit` rows that
 * stay together (a head, a quantisation block). A width that ranks x unit does not divide is an
 * error, unless `pad` is set: then each rank holds ceil(width / ranks) rows, the last ones padded
 * with zeros. An axis that a tensor does not have (the bias of a row-parallel module) leaves it whole.
 */
typedef struct ckpt_shard {
        uint32_t struct_size;
        int32_t axis;
        ckpt_group group;
        int32_t pad;  /**< 0 or 1 */
        int64_t unit; /**< at least 1 */
} ckpt_shard;

/** Split the output features: axis 0, biases too. */
#define CKPT_SHARD_COLUMN(group_)                     \
        {                                             \
                sizeof(ckpt_shard), 0, (group_), 0, 1 \
        }
/** Split the input features: axis 1; a bias stays whole. */
#define CKPT_SHARD_ROW(group_)                        \
        {                                             \
                sizeof(ckpt_shard), 1, (group_), 0, 1 \
        }
/** Split the vocabulary: axis 0, padded with zero rows. */
#define CKPT_SHARD_VOCABULARY(group_)                 \
        {                                             \
                sizeof(ckpt_shard), 0, (group_), 1, 1 \
        }
/** Whole on every rank. */
#define CKPT_SHARD_REPLICATED                                \
        {                                                    \
                sizeof(ckpt_shard), 0, CKPT_GROUP_NONE, 0, 1 \
        }

/** Which pipeline ranks own a module; flags of ckpt_rules_stage. */
enum {
        CKPT_STAGE_FIRST = 1,   /**< the first rank */
        CKPT_STAGE_LAST = 2,    /**< the last rank */
        CKPT_STAGE_LAYER = 4,   /**< the rank that owns the layer: the number that follows the pattern */
        CKPT_STAGE_REQUIRED = 8 /**< a derived model without such a module is an error */
};

/** How many ranks divide a module of that group under this mapping. */
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

/** This load's rank in that group. */
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
 * Which pipeline rank owns layer `layer` of `n_layers`: as many layers each, the first ranks
 * one more where it does not divide (torch.tensor_split).
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
