/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building the messages. Names are made printable here, once, so that no terminal sees what a file chose.
 */
#include "error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

int hf_error_set(struct hf_error *ret_error, enum hf_reason reason, uint64_t offset,
                 const struct hf_name *name, const char *format, ...)
{
        va_list args;

        ret_error->reason = reason;
        ret_error->json = HF_JSON_OK;
        ret_error->offset = offset;
        ret_error->tensor[0] = '\0';
        if (name)
                hf_name_print(name->text, name->length, ret_error->tensor, sizeof ret_error->tensor);

        va_start(args, format);
        vsnprintf(ret_error->message, sizeof ret_error->message, format, args);
        va_end(args);
        return -1;
}

int hf_error_set_json(struct hf_error *ret_error, const struct hf_json *json, uint64_t base,
                      const struct hf_name *name)
{
        uint64_t offset = base + hf_json_position(json);

        hf_error_set(ret_error, HF_BAD_JSON, offset, name, "not valid JSON at byte %" PRIu64 ": %s", offset,
                     hf_json_reason_text(json->reason));
        ret_error->json = json->reason;
        return -1;
}

int hf_error_set_memory(struct hf_error *ret_error)
{
        return hf_error_set(ret_error, HF_BAD_MEMORY, 0, NULL, "out of memory");
}
