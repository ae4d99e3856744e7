/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two places, one answer. ModelOpt writes hf_quant_config.json ({producer, quantization}); everybody
 * else, and newer ModelOpt, a quantization_config in config.json. Both are kept whole beside the summary.
 */
#include "quantization.h"
#include "components.h"

#include <stdlib.h>
#include <string.h>

static const char modelopt_name[] = "hf_quant_config.json";
static const char modelopt_key[] = "hf_quant_config";

enum {
        MODELOPT_SIZE_MAX = 64 * 1024 * 1024,
        TEXT_MAX = 128
};

struct summary {
        char method[TEXT_MAX], algorithm[TEXT_MAX];
        const char *source;
};

static void copy_text(char *dst, const char *text)
{
        size_t length = text ? strlen(text) : 0;

        if (length >= TEXT_MAX)
                length = TEXT_MAX - 1;
        if (length)
                memcpy(dst, text, length);
        dst[length] = '\0';
}

static const ckpt_value *get(const ckpt_config_builder *builder, const char *key)
{
        return ckpt_value_get(ckpt_config_builder_root(builder), key);
}

/* A string, or NULL for none: anything else is an error that names it. */
static ckpt_status get_string(const ckpt_frame *self, const ckpt_value *object, const char *key,
                              const char *file, const char **ret_text)
{
        const ckpt_value *value = ckpt_value_get(object, key);
        ckpt_where where = {.struct_size = sizeof where, .object = file};

        if (ckpt_value_type(value) != CKPT_VALUE_NULL && ckpt_value_type(value) != CKPT_VALUE_STRING)
                return ckpt_fail(self, CKPT_E_INVALID, &where, "\"%s\" is not a string", key);
        *ret_text = ckpt_value_string(value);
        return 0;
}

static ckpt_status add_modelopt(ckpt_frame *self, const ckpt_source *source, uint32_t object,
                                ckpt_config_builder *builder)
{
        uint64_t size = 0;
        char *text = NULL;
        ckpt_status r = hf_read_object(self, source, object, MODELOPT_SIZE_MAX, &text, &size);

        if (r == 0) {
                ckpt_config_begin_object(builder, modelopt_key);
                r = ckpt_config_add_json(self, builder, text, size, modelopt_name);
                ckpt_config_end(builder);
        }
        free(text);
        return r;
}

/* CKPT_ABSENT when the file is not there, or names no algorithm for the weights. */
static ckpt_status from_modelopt(ckpt_frame *self, const ckpt_source *source, ckpt_config_builder *builder,
                                 struct summary *ret_summary)
{
        const char *algorithm = NULL, *producer = NULL;
        const ckpt_value *file;
        uint32_t object;
        ckpt_status r;

        if (ckpt_source_find(source, modelopt_name, &object) != 0)
                return CKPT_ABSENT;
        r = add_modelopt(self, source, object, builder);
        if (r < 0)
                return r;
        file = get(builder, modelopt_key);
        r = get_string(self, ckpt_value_get(file, "quantization"), "quant_algo", modelopt_name, &algorithm);
        if (r == 0)
                r = get_string(self, ckpt_value_get(file, "producer"), "name", modelopt_name, &producer);
        if (r < 0 || !algorithm)
                return r < 0 ? r : CKPT_ABSENT;

        copy_text(ret_summary->method, producer ? producer : "modelopt");
        copy_text(ret_summary->algorithm, algorithm);
        ret_summary->source = modelopt_name;
        return 0;
}

static ckpt_status from_config(ckpt_frame *self, const ckpt_config_builder *builder,
                               struct summary *ret_summary)
{
        static const char config_name[] = "config.json";
        const ckpt_value *block = get(builder, "quantization_config");
        ckpt_where where = {.struct_size = sizeof where, .object = config_name};
        const char *method = NULL, *algorithm = NULL;
        ckpt_status r;

        if (ckpt_value_type(block) == CKPT_VALUE_NULL)
                return CKPT_ABSENT;
        if (ckpt_value_type(block) != CKPT_VALUE_OBJECT)
                return ckpt_fail(self, CKPT_E_INVALID, &where, "\"quantization_config\" is not an object");
        r = get_string(self, block, "quant_method", config_name, &method);
        if (r == 0)
                r = get_string(self, block, "quant_algo", config_name, &algorithm);
        if (r < 0)
                return r;
        if (!algorithm && method && strcmp(method, "fp8") == 0 && ckpt_value_get(block, "weight_block_size"))
                algorithm = "FP8_BLOCK_SCALES";

        copy_text(ret_summary->method, method ? method : "unknown");
        copy_text(ret_summary->algorithm, algorithm);
        ret_summary->source = config_name;
        return 0;
}

ckpt_status hf_load_quantization(ckpt_frame *self, const ckpt_source *source, ckpt_config_builder *builder)
{
        struct summary summary;
        ckpt_status r = from_modelopt(self, source, builder, &summary);

        if (r == CKPT_ABSENT)
                r = from_config(self, builder, &summary);
        if (r != 0)
                return r == CKPT_ABSENT ? 0 : r;

        ckpt_config_begin_object(builder, "quantization");
        ckpt_config_set_string(builder, "method", summary.method);
        if (summary.algorithm[0])
                ckpt_config_set_string(builder, "algorithm", summary.algorithm);
        else
                ckpt_config_set_null(builder, "algorithm");
        ckpt_config_set_string(builder, "source", summary.source);
        ckpt_config_end(builder);
        return 0;
}
