/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: the pickle of a torch archive. The first byte chooses the policy, the others are
 * data.pkl: they are wrapped in an archive whose CRC is right, with a storage "0" of 64 bytes, so that the
 * search spends its time on the pickle.
 */
#include "support/torch_reading.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool promise)
{
        if (!promise)
                abort();
}

/* The number of tensors, or -1. */
static long open_file(const struct torch_file *file, enum hf_torch_policy policy)
{
        const struct hf_torch_options options = {.policy = policy};
        struct hf_torch torch;
        struct hf_error error;
        long n;

        if (torch_open_bytes(file->bytes.at, file->bytes.size, &options, &torch, &error) < 0) {
                check(error.reason != HF_OK && error.message[0]);
                return -1;
        }
        check(!torch_broken_promise(&torch, file->bytes.size));
        n = (long)torch.n_tensors;
        hf_torch_deinit(&torch);
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct bytes pickle = {0};
        const struct torch_parts parts = {.raw = &pickle, .storages = "0=16*4"};
        struct torch_file file;
        long n;

        if (size == 0)
                return 0;
        bytes_add(&pickle, bytes + 1, size - 1);
        torch_write_zip(&parts, &file);
        n = open_file(&file, bytes[0] & 1 ? HF_TORCH_OPAQUE : HF_TORCH_STRICT);
        /* What is let through without knowing it takes nothing away from what is known. */
        if (!(bytes[0] & 1) && n >= 0)
                check(open_file(&file, HF_TORCH_OPAQUE) == n);
        torch_file_free(&file);
        bytes_free(&pickle);
        return 0;
}
