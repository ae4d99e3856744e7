/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges are checked here once, whatever they were computed from. */
#include "input.h"

#include <inttypes.h>
#include <stdlib.h>

int hf_input_check(const struct hf_input *input, uint64_t offset, uint64_t size, const char *what,
                   struct hf_error *ret_error)
{
        if (offset <= input->size && size <= input->size - offset)
                return 0;
        return hf_error_set(ret_error, HF_BAD_TRUNCATED, offset, NULL,
                            "%s should have %" PRIu64 " bytes at %" PRIu64
                            ", but the file ends after %" PRIu64 ": it is cut short, fetch it again",
                            what, size, offset, input->size);
}

static int read_range(const struct hf_input *input, uint64_t offset, void *buffer, uint64_t size,
                      const char *what, struct hf_error *ret_error)
{
        if (size == 0 || input->read(input->context, offset, buffer, (size_t)size) == 0)
                return 0;
        return hf_error_set(ret_error, HF_BAD_READ, offset, NULL, "%s cannot be read", what);
}

int hf_input_read(const struct hf_input *input, uint64_t offset, void *buffer, uint64_t size,
                  const char *what, struct hf_error *ret_error)
{
        if (hf_input_check(input, offset, size, what, ret_error) < 0)
                return -1;
        return read_range(input, offset, buffer, size, what, ret_error);
}

int hf_input_take(const struct hf_input *input, uint64_t offset, uint64_t size, const char *what,
                  char **ret_bytes, struct hf_error *ret_error)
{
        char *bytes;

        if (hf_input_check(input, offset, size, what, ret_error) < 0)
                return -1;
        bytes = size < SIZE_MAX ? malloc(size ? (size_t)size : 1) : NULL;
        if (!bytes)
                return hf_error_set_memory(ret_error);
        if (read_range(input, offset, bytes, size, what, ret_error) < 0) {
                free(bytes);
                return -1;
        }
        *ret_bytes = bytes;
        return 0;
}
