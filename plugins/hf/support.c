/* SPDX-License-Identifier: Apache-2.0 */
/* Between the SDK and the parsers: reading objects, reporting refusals. */
#include "components.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool hf_has_suffix(const char *name, const char *suffix)
{
        size_t length = strlen(name), tail = strlen(suffix);

        return length > tail && memcmp(name + length - tail, suffix, tail) == 0;
}

ckpt_status hf_fail_memory(const ckpt_frame *self)
{
        return ckpt_fail(self, CKPT_E_NOMEM, NULL, "out of memory");
}

ckpt_status hf_read_object(const ckpt_frame *self, const ckpt_source *source, uint32_t object, uint64_t limit,
                           char **ret_text, uint64_t *ret_size)
{
        uint64_t size = ckpt_source_size(source, object);
        ckpt_status r;
        char *text;

        if (size > limit) {
                ckpt_where where = {.struct_size = sizeof where, .object = ckpt_source_name(source, object)};

                return ckpt_fail(self, CKPT_E_LIMIT, &where,
                                 "the file has %" PRIu64 " bytes, over the limit of %" PRIu64, size, limit);
        }
        text = malloc(size ? (size_t)size : 1);
        if (!text)
                return hf_fail_memory(self);
        r = ckpt_source_read(self, source, object, 0, text, size);
        if (r < 0) {
                free(text);
                return r;
        }
        *ret_text = text;
        *ret_size = size;
        return 0;
}

static ckpt_status status_of(enum hf_reason reason)
{
        switch (reason) {
        case HF_BAD_MEMORY:
                return CKPT_E_NOMEM;
        case HF_BAD_DTYPE:
        case HF_BAD_CONTAINER:
        case HF_BAD_KIND:
        case HF_BAD_GLOBAL:
        case HF_BAD_OPCODE:
                return CKPT_E_UNSUPPORTED;
        case HF_BAD_STATE_DICT:
                return CKPT_E_INVALID;
        case HF_BAD_LIMIT:
        case HF_BAD_FIELD_COUNT:
        case HF_BAD_NAME_LENGTH:
        case HF_BAD_TENSOR_COUNT:
        case HF_BAD_RANK:
                return CKPT_E_LIMIT;
        default:
                return CKPT_E_CORRUPT;
        }
}

ckpt_status hf_fail_parse(const ckpt_frame *self, const char *object, const struct hf_error *error)
{
        ckpt_where where = {
                .struct_size = sizeof where,
                .has_offset = error->reason != HF_BAD_MEMORY,
                .object = object,
                .offset = error->offset,
                .tensor = error->tensor[0] ? error->tensor : NULL,
        };

        return ckpt_fail(self, status_of(error->reason), &where, "%s", error->message);
}
