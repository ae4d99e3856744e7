/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: a whole torch file, of either container; its length chooses the options. */
#include "support/torch_reading.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool promise)
{
        if (!promise)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        const struct hf_torch_options options = {.policy = size & 1 ? HF_TORCH_OPAQUE : HF_TORCH_STRICT,
                                                 .state_dict = size & 4 ? "model/w" : NULL,
                                                 .verify = size & 2};
        struct hf_torch torch;
        struct hf_error error;

        if (torch_open_bytes(bytes, size, &options, &torch, &error) < 0) {
                check(error.reason != HF_OK && error.message[0]);
                return 0;
        }
        check(!torch_broken_promise(&torch, size));
        hf_torch_deinit(&torch);
        return 0;
}
