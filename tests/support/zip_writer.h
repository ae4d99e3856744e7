/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_ZIP_WRITER_H
#define TESTS_SUPPORT_ZIP_WRITER_H

/*
 * A zip archive as torch writes it: data aligned to 64 bytes by the local extra field, sizes and CRC behind
 * the data and in the directory alone, and a zip64 end record in any case
 *
 * Needs neither Check nor the library: fuzzers use it too.
 */

#include "bytes.h"

struct zip_entry {
        const char *name;  /* with the root */
        const void *bytes; /* as they lie in the file */
        size_t size;
        unsigned method; /* 0: stored; 8: deflated, and then: */
        uint64_t unpacked;
        uint32_t crc;
};

struct zip_writer {
        struct bytes file, directory;
        uint64_t entries;
};

/** Returns where the entry's bytes begin. */
uint64_t zip_writer_add(struct zip_writer *zip, const struct zip_entry *entry);
/** Writes directory and end records; the archive is in *ret_file, and the writer is empty. */
void zip_writer_end(struct zip_writer *zip, struct bytes *ret_file);

/** Packs bytes into one deflate block that is stored; at most 65535. */
void deflate_stored(struct bytes *packed, const void *bytes, size_t size);
/** A deflate stream of the byte `value`, about `size` times; returns how many times. 159 times smaller. */
uint64_t deflate_bomb(struct bytes *packed, unsigned value, uint64_t size);

#endif
