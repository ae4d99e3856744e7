/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_BYTES_H
#define TESTS_SUPPORT_BYTES_H

/*
 * A buffer that grows, for what a test writes byte by byte; out of memory ends the program
 *
 * Needs neither Check nor the library: fuzzers use it too.
 */

#include <stddef.h>
#include <stdint.h>

struct bytes {
        unsigned char *at;
        size_t size, room;
};

void bytes_add(struct bytes *bytes, const void *more, size_t size);
void bytes_add_text(struct bytes *bytes, const char *text);
/** The lowest `size` bytes of a number, lowest first. */
void bytes_add_number(struct bytes *bytes, uint64_t number, unsigned size);
/** `count` times the same byte. */
void bytes_fill(struct bytes *bytes, int byte, size_t count);
/** Gives back what is not used, so that a sanitizer sees a read past the end. */
void bytes_fit(struct bytes *bytes);
void bytes_free(struct bytes *bytes);

/** CRC-32 as zip has it. */
uint32_t bytes_crc(const void *bytes, size_t size);

#endif
