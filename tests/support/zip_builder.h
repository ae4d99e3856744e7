/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_ZIP_BUILDER_H
#define TESTS_SUPPORT_ZIP_BUILDER_H

/*
 * Zip archives, made byte by byte, as torch.save makes them unless a part says otherwise: sizes and CRC are
 * zero in the local header and stand in a descriptor behind data that are not empty, data begin at multiples
 * of 64, and there are zip64 end records. Where each record stands is remembered, so that a test can spoil
 * it.
 */

#include "input.h"

enum {
        ZIP_PARTS_MAX = 16
};

/** One member to add. Zero is the usual of everything. */
struct zip_part {
        const char *name;       /**< with its root */
        uint32_t name_length;   /**< 0: to its NUL */
        const char *local_name; /**< NULL: the same */
        const void *data;
        size_t size;
        bool deflated;
        const void *packed; /**< instead of what deflate makes of the data */
        size_t packed_size;
        bool plain;                      /**< sizes and CRC in the local header, no descriptor, no padding */
        bool wide;                       /**< zip64 fields in both headers, 8-byte sizes in the descriptor */
        bool unsigned_descriptor;        /**< one without a signature */
        const char *extra, *local_extra; /**< more of the extra fields */
        size_t extra_size, local_extra_size;
        const char *gap; /**< bytes behind everything else */
        uint64_t hole;   /**< so many zero bytes end the data, which are in no memory; of one part */
};

/** How an archive ends. Zero is the usual of everything. */
struct zip_ending {
        bool narrow;               /**< without zip64 record and locator */
        const char *comment, *gap; /**< gap: between the directory and the end records */
        const char *suffix;        /**< behind the end */
        size_t comment_length;     /**< 0: to its NUL */
};

/** Offsets in `bytes`. */
struct zip_place {
        size_t local, data, descriptor, record;
};

struct zip_builder {
        unsigned char *bytes; /**< exactly `size`, so that a sanitizer sees a read past it */
        size_t size;
        struct zip_place places[ZIP_PARTS_MAX];
        size_t directory, wide, locator, end; /**< offsets, once finished */

        /* the builder's own */
        struct zip_part parts[ZIP_PARTS_MAX];
        struct zip_sums {
                uint32_t crc;
                uint64_t size, packed, offset;
        } sums[ZIP_PARTS_MAX];
        size_t n_parts;
        size_t hole_at;
        uint64_t hole;
};

/** *builder is all zeros. */
void zip_builder_add(struct zip_builder *builder, const struct zip_part *part);
/** Bytes as they are, such as ones before the first member. */
void zip_builder_raw(struct zip_builder *builder, const void *bytes, size_t size);
/** NULL: the usual ending. */
void zip_builder_finish(struct zip_builder *builder, const struct zip_ending *ending);
/** Leaves all zeros. */
void zip_builder_deinit(struct zip_builder *builder);

/** Overwrites a little-endian number of 1 to 8 bytes. */
void zip_builder_put(struct zip_builder *builder, size_t at, unsigned size, uint64_t value);

/** The archive as a file; its holes are zeros. A read outside the file fails the test. */
struct hf_input zip_builder_input(struct zip_builder *builder);

#endif
