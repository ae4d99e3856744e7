/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in's services. JSON is read with the plugin's own tokenizer, which has tests of its own. */
#include "test_hf_host.h"

#include "json.h"

#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reports, options and the source. */

static struct host_report *report_of(const ckpt_frame *self)
{
        return self->data;
}

static ckpt_status fake_fail(const ckpt_frame *self, ckpt_status status, const ckpt_where *where,
                             const char *message)
{
        struct host_report *report = report_of(self);

        report->failures++;
        report->status = status;
        snprintf(report->message, sizeof report->message, "%s", message);
        snprintf(report->object, sizeof report->object, "%s", where && where->object ? where->object : "");
        snprintf(report->tensor, sizeof report->tensor, "%s", where && where->tensor ? where->tensor : "");
        snprintf(report->hint, sizeof report->hint, "%s", where && where->hint ? where->hint : "");
        return status;
}

static void fake_log(const ckpt_frame *self, ckpt_log_level level, const char *message)
{
        struct host_report *report = report_of(self);
        size_t length = strlen(report->lines);

        report->warnings += level >= CKPT_LOG_WARNING;
        snprintf(report->log, sizeof report->log, "%s", message);
        snprintf(report->lines + length, sizeof report->lines - length, "%s\n", message);
}

static ckpt_status fake_option_bool(const ckpt_frame *self, const char *key, int32_t *ret_value)
{
        const struct host_report *report = report_of(self);

        *ret_value = strcmp(key, "use_consolidated") == 0       ? report->use_consolidated
                     : strcmp(key, "allow_trailing_bytes") == 0 ? report->allow_trailing
                                                                : report->verify;
        return 0;
}

static ckpt_status fake_option_string(const ckpt_frame *self, const char *key, const char **ret_value)
{
        const struct host_report *report = report_of(self);

        *ret_value = strcmp(key, "pickle_policy") == 0 ? report->pickle_policy : report->state_dict;
        return 0;
}

static const char *fake_label(const ckpt_source *source)
{
        (void)source;
        return "/checkpoint";
}

static uint32_t fake_count(const ckpt_source *source)
{
        return source->count;
}

static const char *fake_name(const ckpt_source *source, uint32_t object)
{
        return object < source->count ? source->files[object].name : NULL;
}

static uint64_t fake_size(const ckpt_source *source, uint32_t object)
{
        return source->files[object].size;
}

static ckpt_status fake_find(const ckpt_source *source, const char *name, uint32_t *ret_object)
{
        uint32_t i;

        for (i = 0; i < source->count; i++)
                if (strcmp(source->files[i].name, name) == 0) {
                        *ret_object = i;
                        return 0;
                }
        return CKPT_ABSENT;
}

static ckpt_status fake_read(const ckpt_frame *self, const ckpt_source *source, uint32_t object,
                             uint64_t offset, void *buffer, uint64_t size)
{
        struct host_report *report = report_of(self);

        if (++report->reads == report->failing_read)
                return fake_fail(self, CKPT_E_IO, NULL, "the system refused");
        ck_assert_uint_le(offset + size, source->files[object].size);
        memcpy(buffer, source->files[object].bytes + offset, size);
        return 0;
}

/* Configuration: values are calloced, and freed with the builder. */

static struct ckpt_value *set(ckpt_config_builder *builder, const char *key, int32_t type)
{
        struct ckpt_value *open = builder->open[builder->depth], *node;
        uint32_t i;

        for (i = 0; i < open->count; i++)
                if (key && strcmp(open->members[i]->key, key) == 0)
                        break;
        node = calloc(1, sizeof *node);
        ck_assert_uint_lt(builder->n_nodes, HOST_NODES_MAX);
        builder->nodes[builder->n_nodes++] = node;
        snprintf(node->key, sizeof node->key, "%s", key ? key : "");
        node->api = &host_api;
        node->type = type;
        ck_assert_uint_lt(i, HOST_MEMBERS_MAX);
        open->members[i] = node;
        open->count += i == open->count;
        return node;
}

static void fake_begin(ckpt_config_builder *builder, const char *key, int32_t type)
{
        struct ckpt_value *node = set(builder, key, type);

        builder->open[++builder->depth] = node;
}

static void fake_begin_object(ckpt_config_builder *builder, const char *key)
{
        fake_begin(builder, key, CKPT_VALUE_OBJECT);
}

static void fake_end(ckpt_config_builder *builder)
{
        builder->depth--;
}

static void fake_set_null(ckpt_config_builder *builder, const char *key)
{
        set(builder, key, CKPT_VALUE_NULL);
}

static void fake_set_bool(ckpt_config_builder *builder, const char *key, int32_t value)
{
        set(builder, key, CKPT_VALUE_BOOL)->number = value;
}

static void fake_set_i64(ckpt_config_builder *builder, const char *key, int64_t value)
{
        set(builder, key, CKPT_VALUE_I64)->number = (double)value;
}

static void fake_set_string(ckpt_config_builder *builder, const char *key, const char *value)
{
        char copy[64];

        snprintf(copy, sizeof copy, "%s", value);
        strcpy(set(builder, key, CKPT_VALUE_STRING)->text, copy);
}

static void fake_set_value(ckpt_config_builder *builder, const char *key, const ckpt_value *value)
{
        struct ckpt_value copy = *value, *node = set(builder, key, value->type);

        memcpy(copy.key, node->key, sizeof copy.key);
        *node = copy;
}

static void add_value(ckpt_config_builder *builder, struct hf_json *json, const char *key);

static void add_members(ckpt_config_builder *builder, struct hf_json *json, enum hf_json_token token)
{
        for (; token == HF_JSON_KEY; token = hf_json_next(json)) {
                char key[64];

                snprintf(key, sizeof key, "%.*s", (int)json->length, json->text);
                add_value(builder, json, key);
        }
}

static void add_value(ckpt_config_builder *builder, struct hf_json *json, const char *key)
{
        enum hf_json_token token = hf_json_next(json);
        struct ckpt_value *node;

        if (token == HF_JSON_OBJECT || token == HF_JSON_ARRAY) {
                fake_begin(builder, key, token == HF_JSON_OBJECT ? CKPT_VALUE_OBJECT : CKPT_VALUE_ARRAY);
                if (token == HF_JSON_OBJECT)
                        add_members(builder, json, hf_json_next(json));
                else
                        while ((token = hf_json_next(json)) == HF_JSON_STRING)
                                snprintf(set(builder, NULL, CKPT_VALUE_STRING)->text, 64, "%.*s",
                                         (int)json->length, json->text);
                fake_end(builder);
                return;
        }
        node = set(builder, key, CKPT_VALUE_NULL);
        snprintf(node->text, sizeof node->text, "%.*s", (int)json->length, json->text ? json->text : "");
        if (token == HF_JSON_STRING)
                node->type = CKPT_VALUE_STRING;
        if (token == HF_JSON_TRUE || token == HF_JSON_FALSE)
                node->type = CKPT_VALUE_BOOL;
        if (token == HF_JSON_NUMBER)
                node->type = strpbrk(node->text, ".e") ? CKPT_VALUE_F64 : CKPT_VALUE_I64;
        node->number = token == HF_JSON_TRUE ? 1 : token == HF_JSON_NUMBER ? atof(node->text) : 0;
}

static ckpt_status fake_add_json(const ckpt_frame *self, ckpt_config_builder *builder, const char *text,
                                 uint64_t size, const char *label)
{
        struct hf_json json;

        (void)self, (void)label;
        hf_json_init(&json, text, size, 8);
        ck_assert_int_eq(hf_json_next(&json), HF_JSON_OBJECT);
        add_members(builder, &json, hf_json_next(&json));
        return 0;
}

static const ckpt_value *fake_root(const ckpt_config_builder *builder)
{
        return &builder->root;
}

static int32_t fake_type(const ckpt_value *value)
{
        return value->type;
}

static uint32_t fake_value_count(const ckpt_value *value)
{
        return value->count;
}

static const char *fake_key(const ckpt_value *value, uint32_t index)
{
        return index < value->count ? value->members[index]->key : NULL;
}

static const ckpt_value *fake_at(const ckpt_value *value, uint32_t index)
{
        return index < value->count ? value->members[index] : NULL;
}

static const ckpt_value *fake_get(const ckpt_value *value, const char *key)
{
        uint32_t i;

        for (i = 0; i < value->count; i++)
                if (strcmp(value->members[i]->key, key) == 0)
                        return value->members[i];
        return NULL;
}

static int64_t fake_i64(const ckpt_value *value)
{
        return (int64_t)value->number;
}

static const char *fake_string(const ckpt_value *value)
{
        return value->type == CKPT_VALUE_STRING ? value->text : NULL;
}

/* Weights. The leaf comes before the entry that it is for. */

static const ckpt_tensor *fake_leaf(ckpt_weights_builder *builder, const ckpt_leaf *leaf)
{
        int64_t *shape = builder->entries[builder->count].shape;
        int64_t *strides = builder->entries[builder->count].strides;
        uint32_t i;

        ck_assert_uint_lt(builder->count, HOST_TENSORS_MAX);
        ck_assert_uint_le(leaf->rank, HOST_RANK_MAX);
        for (i = 0; i < leaf->rank; i++) {
                shape[i] = leaf->shape[i];
                strides[i] = leaf->strides ? leaf->strides[i] : -1;
        }
        builder->entries[builder->count].leaf = *leaf;
        builder->entries[builder->count].leaf.shape = shape;
        builder->entries[builder->count].leaf.strides = leaf->strides ? strides : NULL;
        return NULL;
}

static void fake_add(ckpt_weights_builder *builder, const char *name, const ckpt_tensor *tensor)
{
        (void)tensor;
        snprintf(builder->entries[builder->count++].name, sizeof builder->entries[0].name, "%s", name);
}

const ckpt_api host_api = {
        .struct_size = sizeof host_api,
        .abi_major = CKPT_ABI_MAJOR,
        .log = fake_log,
        .report = fake_fail,
        .option_bool = fake_option_bool,
        .option_string = fake_option_string,
        .source_label = fake_label,
        .source_count = fake_count,
        .source_name = fake_name,
        .source_size = fake_size,
        .source_find = fake_find,
        .source_read = fake_read,
        .config_add_json = fake_add_json,
        .config_set_null = fake_set_null,
        .config_set_bool = fake_set_bool,
        .config_set_i64 = fake_set_i64,
        .config_set_string = fake_set_string,
        .config_set_value = fake_set_value,
        .config_begin_object = fake_begin_object,
        .config_end = fake_end,
        .config_builder_root = fake_root,
        .value_type = fake_type,
        .value_count = fake_value_count,
        .value_key = fake_key,
        .value_at = fake_at,
        .value_get = fake_get,
        .value_i64 = fake_i64,
        .value_string = fake_string,
        .weights_leaf = fake_leaf,
        .weights_add = fake_add,
};

void host_config_init(ckpt_config_builder *builder)
{
        memset(builder, 0, sizeof *builder);
        builder->api = builder->root.api = &host_api;
        builder->root.type = CKPT_VALUE_OBJECT;
        builder->open[0] = &builder->root;
}

void host_config_deinit(ckpt_config_builder *builder)
{
        while (builder->n_nodes)
                free(builder->nodes[--builder->n_nodes]);
}

const ckpt_component *host_component(ckpt_kind kind)
{
        const char *directory = getenv("CKPT_TEST_PLUGINS");
        const ckpt_plugin *plugin;
        char path[4096];
        void *library;
        uint32_t i;

        ck_assert_ptr_nonnull(directory);
        snprintf(path, sizeof path, "%s/hf.so", directory);
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        ck_assert_msg(library != NULL, "%s", dlerror());
        plugin = dlsym(library, CKPT_PLUGIN_SYMBOL);
        ck_assert_ptr_nonnull(plugin);
        for (i = 0; i < plugin->n_components; i++)
                if (plugin->components[i]->kind == kind)
                        return plugin->components[i];
        ck_abort_msg("the plugin has no component of kind %d", kind);
}

void host_add_file(ckpt_source *source, const char *name, const char *bytes, size_t size)
{
        source->api = &host_api;
        source->files[source->count].name = name;
        source->files[source->count].bytes = bytes;
        source->files[source->count++].size = size;
}

void host_add_text(ckpt_source *source, const char *name, const char *text)
{
        host_add_file(source, name, text, strlen(text));
}
