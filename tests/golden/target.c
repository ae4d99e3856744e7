/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <check.h>
#include <string.h>

#include "../device/test_kernels_open.h"
#include "golden.h"

#define TARGET_OK(t, call)                                                                     \
        do {                                                                                   \
                const int32_t status_ = (call);                                                \
                                                                                               \
                ck_assert_msg(status_ >= 0, "%s: %s", #call, (t)->backend->describe(status_)); \
        } while (0)

void target_init(test_target *t)
{
        char why[4200] = "";

        *t = (test_target){.backend = &ckpt_backend_cpu};
        if (strcmp(golden_device(), "cpu") != 0)
                t->backend = kernels_open(why, sizeof(why));
        ck_assert_msg(t->backend != NULL, "%s: %s", golden_device(), why);
        TARGET_OK(t, t->backend->open(0, &t->device));
        TARGET_OK(t, t->backend->stream_new(t->device, &t->stream));
}

void target_deinit(test_target *t)
{
        t->backend->stream_free(t->stream);
        t->backend->close(t->device);
}

void *target_alloc(const test_target *t, uint64_t size)
{
        void *memory = NULL;

        TARGET_OK(t, t->backend->alloc(t->device, size, &memory));
        ck_assert_ptr_nonnull(memory);
        return memory;
}

void target_free(const test_target *t, void *memory, uint64_t size)
{
        t->backend->free(t->device, memory, size);
}

void target_write(const test_target *t, void *memory, const void *bytes, uint64_t size)
{
        TARGET_OK(t, t->backend->copy_to_device(t->stream, memory, bytes, size));
        TARGET_OK(t, t->backend->stream_synchronize(t->stream));
}

void target_read(const test_target *t, const void *memory, void *ret_bytes, uint64_t size)
{
        TARGET_OK(t, t->backend->copy_to_host(t->stream, ret_bytes, memory, size));
        TARGET_OK(t, t->backend->stream_synchronize(t->stream));
}
