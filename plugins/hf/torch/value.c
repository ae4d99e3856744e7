/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <string.h>

bool hf_value_is_text(const struct hf_value *value, const char *text)
{
        size_t length = strlen(text);

        return value->kind == HF_VALUE_TEXT && value->as.name->length == length &&
               memcmp(value->as.name->text, text, length) == 0;
}

const char *hf_value_kind_name(const struct hf_value *value)
{
        static const char *const names[HF_VALUE_KINDS] = {
                [HF_VALUE_NONE] = "None",
                [HF_VALUE_BOOL] = "a bool",
                [HF_VALUE_INT] = "an integer",
                [HF_VALUE_LONG] = "an integer of more than 64 bits",
                [HF_VALUE_FLOAT] = "a float",
                [HF_VALUE_TEXT] = "a text",
                [HF_VALUE_BYTES] = "bytes",
                [HF_VALUE_TUPLE] = "a tuple",
                [HF_VALUE_LIST] = "a list",
                [HF_VALUE_SET] = "a set",
                [HF_VALUE_FROZEN_SET] = "a frozen set",
                [HF_VALUE_DICT] = "a dictionary",
                [HF_VALUE_GLOBAL] = "a global",
                [HF_VALUE_STORAGE] = "a storage",
                [HF_VALUE_TENSOR] = "a tensor",
                [HF_VALUE_OBJECT] = "an object",
        };

        return names[value->kind];
}
