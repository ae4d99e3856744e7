/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TEST_TARGET_H
#define CKPT_TEST_TARGET_H

/*
 * Memory of the device under test, as an engine has it: taken from the backend's table, not from libckpt
 */

#include <backend.h>

typedef struct test_target {
        const ckpt_backend *backend;
        ckpt_device *device;
        ckpt_stream *stream;
} test_target;

/** The program's device; fails the test when it cannot be opened. */
void target_init(test_target *t);
void target_deinit(test_target *t);
void *target_alloc(const test_target *t, uint64_t size);
void target_free(const test_target *t, void *memory, uint64_t size);
/** Both return when the bytes are there. */
void target_write(const test_target *t, void *memory, const void *bytes, uint64_t size);
void target_read(const test_target *t, const void *memory, void *ret_bytes, uint64_t size);

#endif
