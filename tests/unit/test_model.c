/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The model: building it, its memory, DLPack, and the file that it is exported to.
 */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/model/dlpack.h"
#include "core/model/model.h"

/* Last: it defines `fail` as a macro. */
#include <check.h>

static ckpt_session session;
static ckpt_model *model;
static char directory[64], path[96];

static void set_up(void)
{
        ck_assert_int_eq(ckpt_session_init(&session, &ckpt_api_table, NULL, NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_model_new_derived(&model), CKPT_OK);
        snprintf(directory, sizeof(directory), "/tmp/ckpt-model-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/out.safetensors", directory);
}

static void tear_down(void)
{
        char command[128];

        model = ckpt_model_unref(model);
        ckpt_session_deinit(&session);
        snprintf(command, sizeof(command), "rm -rf '%s'", directory);
        ck_assert_int_eq(system(command), 0);
}

static const char *last_text(void)
{
        const uint64_t count = ckpt_diagnostics_count(&session.diagnostics);

        ck_assert_uint_gt(count, 0);
        return session.diagnostics.list.items[count - 1].text;
}

static uint64_t add(const char *module, const char *param, ckpt_dtype dtype, uint32_t rank,
                    const int64_t *shape)
{
        uint64_t module_at, param_at;

        ck_assert_int_eq(ckpt_model_ensure_module(model, module, CKPT_ROLE_PLAIN, &module_at), CKPT_OK);
        ck_assert_int_eq(ckpt_model_ensure_param(model, module_at, param, &param_at), CKPT_OK);
        if (dtype)
                ck_assert_int_eq(ckpt_model_describe_param(model, param_at, dtype, rank, shape), CKPT_OK);
        return param_at;
}

/* ---- building ---- */

START_TEST(modules_and_parameters_have_names)
{
        uint64_t module = 99, param = 99;
        const ckpt_module *m;

        ck_assert_int_eq(ckpt_model_ensure_module(model, "model.layers.0.mlp", CKPT_ROLE_LINEAR, &module),
                         CKPT_OK);
        ck_assert_uint_eq(module, 0);
        ck_assert_int_eq(ckpt_model_ensure_module(model, "norm", CKPT_ROLE_PLAIN, &module), CKPT_OK);
        ck_assert_uint_eq(module, 1);
        ck_assert_int_eq(ckpt_model_ensure_module(model, "model.layers.0.mlp", CKPT_ROLE_PLAIN, &module),
                         CKPT_OK);
        ck_assert_uint_eq(module, 0);
        ck_assert_int_eq(ckpt_model_ensure_param(model, 0, "weight", &param), CKPT_OK);
        ck_assert_int_eq(ckpt_model_ensure_param(model, 1, "weight", &param), CKPT_OK);
        ck_assert_int_eq(ckpt_model_ensure_param(model, 0, "bias", &param), CKPT_OK);
        ck_assert_uint_eq(param, 2);
        ck_assert_int_eq(ckpt_model_ensure_param(model, 0, "bias", &param), CKPT_ABSENT);
        ck_assert_uint_eq(param, 2);
        add("", "scale", 0, 0, NULL);

        m = model->modules.items[0];
        ck_assert_str_eq(ckpt_module_name(m), "model.layers.0.mlp");
        ck_assert_str_eq(ckpt_module_last(m), "mlp");
        ck_assert_int_eq(ckpt_module_role(m), CKPT_ROLE_LINEAR);
        ck_assert_ptr_null(ckpt_module_tag(m));
        ck_assert_uint_eq(ckpt_module_param_count(m), 2);
        ck_assert_str_eq(ckpt_module_param_name(m, 1), "bias");
        ck_assert_ptr_null(ckpt_module_param_name(m, 2));
        ck_assert_str_eq(ckpt_module_last(model->modules.items[1]), "norm");
        ck_assert_uint_eq(ckpt_model_count(model), 4);
        ck_assert_str_eq(ckpt_model_param_at(model, 2)->name, "model.layers.0.mlp.bias");
        ck_assert_str_eq(ckpt_model_param_at(model, 3)->name, "scale");
        ck_assert_ptr_null(ckpt_model_param_at(model, 4));
        ck_assert_ptr_eq(ckpt_model_find(model, "norm.weight"), ckpt_model_param_at(model, 1));
        ck_assert_ptr_null(ckpt_model_find(model, "norm"));
        ck_assert_uint_eq(ckpt_model_count(NULL), 0);
        ck_assert_ptr_null(ckpt_model_find(NULL, "x"));
        ck_assert_str_eq(ckpt_model_device(model), "cpu");
}
END_TEST

/* However many others were added since. */
START_TEST(a_parameter_is_there_once)
{
        uint64_t first, again;
        char name[16];

        first = add("m", "p0", 0, 0, NULL);
        for (uint32_t n = 1; n < 10; n++) {
                ck_assert_int_eq(ckpt_model_ensure_param(model, 0, "p0", &again), CKPT_ABSENT);
                ck_assert_uint_eq(again, first);
                snprintf(name, sizeof(name), "p%u", n);
                add("m", name, 0, 0, NULL);
                add("between", name, 0, 0, NULL);
        }
        ck_assert_uint_eq(model->modules.count, 2);
        ck_assert_uint_eq(ckpt_model_count(model), 19);
}
END_TEST

static const struct size_case {
        ckpt_dtype dtype;
        uint32_t rank;
        int64_t shape[3];
        ckpt_status status;
        uint64_t size;
} sizes[] = {
        {CKPT_DTYPE_BF16, 2, {3, 5}, CKPT_OK, 30},
        {CKPT_DTYPE_F64, 0, {0}, CKPT_OK, 8},
        {CKPT_DTYPE_F4, 1, {6}, CKPT_OK, 3},
        {CKPT_DTYPE_F4, 1, {5}, CKPT_E_INVALID, 0},
        {CKPT_DTYPE_F6_E2M3, 1, {4}, CKPT_OK, 3},
        {CKPT_DTYPE_F32, 2, {0, 5}, CKPT_OK, 0},
        {CKPT_DTYPE_F32, 1, {-1}, CKPT_E_INVALID, 0},
        {CKPT_DTYPE_F32, 3, {1 << 30, 1 << 30, 1 << 30}, CKPT_E_INVALID, 0},
        {CKPT_DTYPE_F32, 3, {INT64_MAX, INT64_MAX, 0}, CKPT_E_INVALID, 0},
        {CKPT_DTYPE_NONE, 1, {1}, CKPT_E_INVALID, 0},
        {CKPT_DTYPE_COUNT, 1, {1}, CKPT_E_INVALID, 0},
        {CKPT_DTYPE_U8, 65, {1}, CKPT_E_INVALID, 0},
};

START_TEST(sizes_are_computed_and_checked)
{
        const struct size_case *c = &sizes[_i];
        const uint64_t at = add("m", "weight", 0, 0, NULL);

        ck_assert_int_eq(ckpt_model_describe_param(model, at, c->dtype, c->rank, c->shape), c->status);
        if (c->status == CKPT_OK) {
                ck_assert_uint_eq(ckpt_model_param_at(model, at)->size, c->size);
                ck_assert_ptr_ne(ckpt_model_param_at(model, at)->shape, c->shape);
        }
        ck_assert(model->params.items[at]->described == (c->status == CKPT_OK));
}
END_TEST

START_TEST(seal_drops_what_is_not_wanted_and_groups_the_rest)
{
        add("a", "x", CKPT_DTYPE_U8, 0, NULL);
        add("b", "x", CKPT_DTYPE_U8, 0, NULL);
        add("c", "x", CKPT_DTYPE_U8, 0, NULL);
        add("a", "y", CKPT_DTYPE_U8, 0, NULL);
        add("c", "y", CKPT_DTYPE_U8, 0, NULL);
        model->params.items[1]->wanted = false;
        model->params.items[2]->wanted = false;
        ck_assert_int_eq(ckpt_model_seal(model), CKPT_OK);
        ck_assert_uint_eq(ckpt_model_count(model), 3);
        ck_assert_str_eq(ckpt_model_param_at(model, 0)->name, "a.x");
        ck_assert_str_eq(ckpt_model_param_at(model, 1)->name, "a.y");
        ck_assert_str_eq(ckpt_model_param_at(model, 2)->name, "c.y");
        ck_assert_uint_eq(model->modules.count, 2);
        ck_assert_str_eq(model->modules.items[1]->name, "c");
        ck_assert_uint_eq(model->modules.items[1]->params.items[0], 2);
        ck_assert_uint_eq(ckpt_module_param_count(model->modules.items[1]), 1);
        ck_assert_str_eq(ckpt_module_param_name(model->modules.items[1], 0), "y");
        ck_assert_ptr_null(ckpt_model_find(model, "b.x"));
        ck_assert_ptr_eq(ckpt_model_find(model, "c.y"), ckpt_model_param_at(model, 2));
        ck_assert_int_eq(ckpt_model_seal(model), CKPT_OK);
        ck_assert_uint_eq(ckpt_model_count(model), 3);
}
END_TEST

START_TEST(a_builder_remembers_its_first_failure)
{
        ckpt_model_builder builder = {.api = &ckpt_api_table, .session = &session, .model = model};

        ckpt_model_add_param(&builder, "m", "weight", CKPT_ROLE_LINEAR);
        ckpt_model_add_param(&builder, "m", "weight", CKPT_ROLE_PLAIN);
        ck_assert_int_eq(builder.status, CKPT_OK);
        ck_assert_uint_eq(ckpt_model_count(model), 1);
        ck_assert_int_eq(model->modules.items[0]->role, CKPT_ROLE_LINEAR);
        ckpt_model_add_param(&builder, "m", "", CKPT_ROLE_PLAIN);
        ckpt_model_add_param(&builder, NULL, "x", CKPT_ROLE_PLAIN);
        ckpt_model_add_param(&builder, "m", "x", 17);
        ck_assert_int_eq(builder.status, CKPT_E_PLUGIN);
        ck_assert_uint_eq(ckpt_diagnostics_count(&session.diagnostics), 3);
        ck_assert_uint_eq(ckpt_model_count(model), 1);
}
END_TEST

START_TEST(an_engine_gives_its_model)
{
        const int64_t shape[1] = {4};
        uint8_t buffer[8];

        ck_assert_int_eq(ckpt_model_add_module(model, "m", CKPT_ROLE_FUSED, "mine"), CKPT_OK);
        ck_assert_int_eq(ckpt_model_add_module(model, "m", CKPT_ROLE_FUSED, NULL), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_model_add_module(model, NULL, CKPT_ROLE_FUSED, NULL), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_model_add_module(model, "n", 9, NULL), CKPT_E_INVALID);
        ck_assert_str_eq(ckpt_module_tag(model->modules.items[0]), "mine");
        ck_assert_int_eq(ckpt_model_add_param_buffer(model, "m", "w", CKPT_DTYPE_BF16, 1, shape, buffer),
                         CKPT_OK);
        ck_assert_int_eq(ckpt_model_add_param_buffer(model, "m", "w", CKPT_DTYPE_BF16, 1, shape, NULL),
                         CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_model_add_param_buffer(model, "n", "w", CKPT_DTYPE_BF16, 1, shape, NULL),
                         CKPT_E_NOT_FOUND);
        ck_assert_int_eq(ckpt_model_add_param_buffer(model, "m", "v", CKPT_DTYPE_BF16, 1, NULL, NULL),
                         CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_model_add_param_buffer(model, "m", "", CKPT_DTYPE_BF16, 1, shape, NULL),
                         CKPT_E_INVALID);
        ck_assert_uint_eq(ckpt_model_count(model), 1);
        ck_assert_ptr_eq(model->params.items[0]->buffer, buffer);
        ck_assert_ptr_null(ckpt_model_param_at(model, 0)->data);
        ck_assert(model->params.items[0]->described);
}
END_TEST

/* ---- memory ---- */

static int released;
static ckpt_device *device;

static void count_release(void *context)
{
        ck_assert_ptr_eq(context, &released);
        ckpt_backend_cpu.close(device);
        released++;
}

/* Gives the model memory on the CPU: its parameters one after the other, every byte counting up. */
static void load_model(void)
{
        ckpt_memory *memory = calloc(1, sizeof(*memory));
        void *data[64] = {NULL};
        uint64_t at = 0;

        ck_assert_ptr_nonnull(memory);
        atomic_init(&memory->references, 1);
        memory->backend = &ckpt_backend_cpu;
        ck_assert_int_eq(ckpt_backend_cpu.open(0, &device), 0);
        memory->device = device;
        for (uint64_t i = 0; i < ckpt_model_count(model); i++)
                memory->size += ckpt_model_param_at(model, i)->size;
        ck_assert_int_eq(ckpt_backend_cpu.alloc(memory->device, memory->size, &memory->data), 0);
        for (uint64_t i = 0; i < memory->size; i++)
                ((uint8_t *)memory->data)[i] = (uint8_t)(i % 251);
        for (uint64_t i = 0; i < ckpt_model_count(model); i++) {
                if (ckpt_model_param_at(model, i)->size > 0 && !ckpt_model_param_at(model, i)->skipped)
                        data[i] = (uint8_t *)memory->data + at;
                at += ckpt_model_param_at(model, i)->size;
        }
        memory->release = count_release;
        memory->context = &released;
        released = 0;
        ckpt_model_set_memory(model, memory, data, "cpu");
        ckpt_memory_unref(memory);
}

START_TEST(parameters_are_read)
{
        const int64_t shape[1] = {300};
        const ckpt_param *param;
        uint8_t bytes[4] = {0};

        add("a", "x", CKPT_DTYPE_U8, 1, shape);
        add("a", "y", CKPT_DTYPE_U8, 1, shape);
        param = ckpt_model_param_at(model, 1);
        ck_assert_int_eq(ckpt_model_read(model, param, 0, bytes, 1), CKPT_E_INVALID);
        load_model();
        ck_assert_int_eq(ckpt_model_read(model, param, 2, bytes, 3), CKPT_OK);
        ck_assert_uint_eq(bytes[0], (300 + 2) % 251);
        ck_assert_uint_eq(bytes[2], (300 + 4) % 251);
        ck_assert_uint_eq(bytes[3], 0);
        ck_assert_int_eq(ckpt_model_read(model, param, 300, bytes, 0), CKPT_OK);
        ck_assert_int_eq(ckpt_model_read(model, param, 299, bytes, 2), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_model_read(model, param, UINT64_MAX, bytes, 2), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_model_read(model, param, 0, NULL, 2), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_model_read(model, NULL, 0, bytes, 2), CKPT_E_INVALID);
        ck_assert_int_eq(released, 0);
        model = ckpt_model_unref(model);
        ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(memory_can_be_taken_away)
{
        void *none[1] = {NULL};

        add("a", "x", CKPT_DTYPE_U8, 0, NULL);
        load_model();
        ck_assert_ptr_nonnull(ckpt_model_param_at(model, 0)->data);
        ckpt_model_set_memory(model, NULL, none, "cuda:1");
        ck_assert_int_eq(released, 1);
        ck_assert_ptr_null(ckpt_model_param_at(model, 0)->data);
        ck_assert_str_eq(ckpt_model_device(model), "cuda:1");
        ck_assert_ptr_null(ckpt_memory_unref(NULL));
}
END_TEST

/* ---- DLPack ---- */

/* Codes and bits as the specification of DLPack 1.1 gives them. */
static const struct dlpack_case {
        ckpt_dtype dtype;
        uint8_t code, bits;
} dlpacks[] = {
        {CKPT_DTYPE_BOOL, 6, 8},         {CKPT_DTYPE_F4, 17, 4},          {CKPT_DTYPE_F6_E2M3, 15, 6},
        {CKPT_DTYPE_F6_E3M2, 16, 6},     {CKPT_DTYPE_U8, 1, 8},           {CKPT_DTYPE_I8, 0, 8},
        {CKPT_DTYPE_F8_E5M2, 12, 8},     {CKPT_DTYPE_F8_E4M3, 10, 8},     {CKPT_DTYPE_F8_E8M0, 14, 8},
        {CKPT_DTYPE_F8_E4M3FNUZ, 11, 8}, {CKPT_DTYPE_F8_E5M2FNUZ, 13, 8}, {CKPT_DTYPE_I16, 0, 16},
        {CKPT_DTYPE_U16, 1, 16},         {CKPT_DTYPE_F16, 2, 16},         {CKPT_DTYPE_BF16, 4, 16},
        {CKPT_DTYPE_I32, 0, 32},         {CKPT_DTYPE_U32, 1, 32},         {CKPT_DTYPE_F32, 2, 32},
        {CKPT_DTYPE_C64, 5, 64},         {CKPT_DTYPE_F64, 2, 64},         {CKPT_DTYPE_I64, 0, 64},
        {CKPT_DTYPE_U64, 1, 64},
};

START_TEST(dlpack_describes_every_type)
{
        const struct dlpack_case *c = &dlpacks[_i];
        const int64_t shape[3] = {2, 4, 8};
        struct DLManagedTensorVersioned *t = NULL;

        add("a", "first", CKPT_DTYPE_U8, 1, shape);
        add("a", "x", c->dtype, 3, shape);
        ck_assert_int_eq(ckpt_model_to_dlpack(model, ckpt_model_param_at(model, 1), &t), CKPT_E_INVALID);
        load_model();
        ck_assert_int_eq(ckpt_model_to_dlpack(model, ckpt_model_param_at(model, 1), &t), CKPT_OK);
        ck_assert_uint_eq(t->version.major, 1);
        ck_assert_uint_eq(t->flags, 0);
        ck_assert_ptr_eq(t->tensor.data, ckpt_model_param_at(model, 1)->data);
        ck_assert_int_eq(t->tensor.device.type, 1);
        ck_assert_int_eq(t->tensor.device.id, 0);
        ck_assert_int_eq(t->tensor.rank, 3);
        ck_assert_uint_eq(t->tensor.dtype.code, c->code);
        ck_assert_uint_eq(t->tensor.dtype.bits, c->bits);
        ck_assert_uint_eq(t->tensor.dtype.lanes, 1);
        ck_assert_uint_eq(t->tensor.byte_offset, 0);
        ck_assert_mem_eq(t->tensor.shape, shape, sizeof(shape));
        ck_assert_int_eq(t->tensor.strides[0], 32);
        ck_assert_int_eq(t->tensor.strides[1], 8);
        ck_assert_int_eq(t->tensor.strides[2], 1);

        model = ckpt_model_unref(model); /* the tensor keeps it */
        ck_assert_int_eq(released, 0);
        ck_assert_uint_eq(*(const uint8_t *)t->tensor.data, 2);
        t->deleter(t);
        ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(dlpack_of_odd_parameters)
{
        const int64_t empty[2] = {3, 0};
        struct DLManagedTensorVersioned *t = NULL;

        add("a", "empty", CKPT_DTYPE_F32, 2, empty);
        add("a", "scalar", CKPT_DTYPE_F32, 0, NULL);
        add("a", "skipped", CKPT_DTYPE_F32, 0, NULL);
        add("a", "nothing", 0, 0, NULL);
        model->params.items[2]->public.skipped = "a rule";
        load_model();
        ck_assert_int_eq(ckpt_model_to_dlpack(model, ckpt_model_param_at(model, 0), &t), CKPT_OK);
        ck_assert_ptr_null(t->tensor.data);
        ck_assert_int_eq(t->tensor.shape[1], 0);
        t->deleter(t);
        ck_assert_int_eq(ckpt_model_to_dlpack(model, ckpt_model_param_at(model, 1), &t), CKPT_OK);
        ck_assert_int_eq(t->tensor.rank, 0);
        t->deleter(t);
        ck_assert_int_eq(ckpt_model_to_dlpack(model, ckpt_model_param_at(model, 2), &t), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_model_to_dlpack(model, ckpt_model_param_at(model, 3), &t), CKPT_E_UNSUPPORTED);
        ck_assert_int_eq(ckpt_model_to_dlpack(model, NULL, &t), CKPT_E_INVALID);
}
END_TEST

/* ---- export ---- */

static int count_entries(const char *where)
{
        DIR *listed = opendir(where);
        int n = 0;

        ck_assert_ptr_nonnull(listed);
        while (readdir(listed))
                n++;
        closedir(listed);
        return n - 2;
}

static uint64_t read_file(const char *name, void *buffer, uint64_t size)
{
        FILE *file = fopen(name, "re");
        uint64_t n;

        ck_assert_ptr_nonnull(file);
        n = fread(buffer, 1, size, file);
        fclose(file);
        return n;
}

/* What the format's reference library writes: safetensors 0.8.0, save_file, metadata {"format": "pt"}. */
static const char reference_header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"scale\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"model.a.weight\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[8,20]},"
        "\"z\\\"\\n\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[20,20]},"
        "\"model.b.weight\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[20,32]},"
        "\"model.c.weight\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[32,36]},"
        "\"model.a.bias\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[36,40]}}   ";

START_TEST(export_is_laid_out_as_the_reference_does)
{
        const int64_t b[2] = {2, 3}, a[1] = {3}, bias[1] = {4}, z[2] = {0, 5}, c[1] = {2};
        /* Where each parameter of the file begins in the model's memory. */
        const uint64_t from[5] = {28, 12, 0, 36, 24}, n[5] = {8, 12, 12, 4, 4};
        const uint64_t header = sizeof(reference_header) - 1;
        uint8_t bytes[1024];
        const uint8_t *at = bytes + 8 + header;

        add("model.b", "weight", CKPT_DTYPE_BF16, 2, b); /* 0 */
        add("model.a", "weight", CKPT_DTYPE_F32, 1, a);  /* 12 */
        add("model.a", "bias", CKPT_DTYPE_I8, 1, bias);  /* 24 */
        add("", "z\"\n", CKPT_DTYPE_F32, 2, z);          /* 28 */
        add("", "scale", CKPT_DTYPE_F64, 0, NULL);       /* 28 */
        add("model.c", "weight", CKPT_DTYPE_BF16, 1, c); /* 36 */
        add("", "skipped", CKPT_DTYPE_F64, 0, NULL);
        model->params.items[6]->public.skipped = "a rule";
        load_model();
        ck_assert_int_eq(ckpt_model_export(&session, model, path), CKPT_OK);
        ck_assert_uint_eq(read_file(path, bytes, sizeof(bytes)), 8 + header + 40);
        ck_assert_uint_eq(header, 424);
        ck_assert_mem_eq(bytes, "\xa8\x01\0\0\0\0\0\0", 8);
        ck_assert_mem_eq(bytes + 8, reference_header, header);
        for (int i = 0; i < 5; i++)
                for (uint64_t j = 0; j < n[i]; j++)
                        ck_assert_uint_eq(*at++, from[i] + j);
        ck_assert_int_eq(count_entries(directory), 1);
        ck_assert_uint_eq(ckpt_diagnostics_count(&session.diagnostics), 0);
}
END_TEST

START_TEST(export_of_nothing_is_a_file)
{
        uint8_t bytes[64];

        load_model();
        ck_assert_int_eq(ckpt_model_export(&session, model, path), CKPT_OK);
        ck_assert_uint_eq(read_file(path, bytes, sizeof(bytes)), 8 + 32);
        ck_assert_mem_eq(bytes + 8, "{\"__metadata__\":{\"format\":\"pt\"}}", 32);
}
END_TEST

#define LARGE ((9 << 20) + 13)

START_TEST(export_is_larger_than_its_buffer)
{
        const int64_t large[1] = {LARGE}, small[1] = {7};
        uint8_t *bytes = malloc(2 * LARGE);
        uint64_t n, header;

        add("a", "large", CKPT_DTYPE_U8, 1, large);
        add("a", "small", CKPT_DTYPE_U8, 1, small);
        load_model();
        ck_assert_int_eq(ckpt_model_export(&session, model, path), CKPT_OK);
        n = read_file(path, bytes, 2 * LARGE);
        header = n - 8 - LARGE - 7;
        ck_assert_uint_eq(bytes[0], header);
        for (uint64_t i = 0; i < LARGE + 7; i++)
                if (bytes[8 + header + i] != i % 251)
                        ck_abort_msg("byte %llu is wrong", (unsigned long long)i);
        free(bytes);
}
END_TEST

START_TEST(export_replaces_a_file_and_keeps_a_link)
{
        char link[96], bytes[8];
        struct stat st;

        snprintf(link, sizeof(link), "%s/link", directory);
        ck_assert_int_eq(symlink("out.safetensors", link), 0);
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        load_model();
        ck_assert_int_eq(ckpt_model_export(&session, model, link), CKPT_OK);
        ck_assert_int_eq(lstat(link, &st), 0);
        ck_assert(S_ISLNK(st.st_mode));
        ck_assert_uint_eq(read_file(path, bytes, sizeof(bytes)), 8);
        ck_assert_int_eq(count_entries(directory), 2);
}
END_TEST

static void write_old(void)
{
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        fputs("old", file);
        fclose(file);
}

static void expect_old(void)
{
        char bytes[8] = "";

        ck_assert_uint_eq(read_file(path, bytes, sizeof(bytes)), 3);
        ck_assert_str_eq(bytes, "old");
        ck_assert_int_eq(count_entries(directory), 1);
}

START_TEST(a_cancelled_export_leaves_nothing)
{
        const int64_t large[1] = {LARGE};
        const int fds = count_entries("/proc/self/fd");

        add("a", "large", CKPT_DTYPE_U8, 1, large);
        load_model();
        write_old();
        atomic_store(&session.cancelled, true);
        ck_assert_int_eq(ckpt_model_export(&session, model, path), CKPT_E_CANCELLED);
        ck_assert_ptr_nonnull(strstr(last_text(), "the export was cancelled"));
        expect_old();
        ck_assert_int_eq(count_entries("/proc/self/fd"), fds);
}
END_TEST

START_TEST(a_full_medium_leaves_nothing)
{
        const struct rlimit limit = {5 << 20, 5 << 20};
        const int64_t large[1] = {LARGE};
        const int fds = count_entries("/proc/self/fd");

        add("a", "large", CKPT_DTYPE_U8, 1, large);
        load_model();
        write_old();
        signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        ck_assert_int_eq(ckpt_model_export(&session, model, path), CKPT_E_IO);
        ck_assert_ptr_nonnull(strstr(last_text(), "cannot write "));
        ck_assert_ptr_nonnull(strstr(last_text(), path));
        expect_old();
        ck_assert_int_eq(count_entries("/proc/self/fd"), fds);
}
END_TEST

START_TEST(export_says_why_it_cannot)
{
        char missing[96];

        ck_assert_int_eq(ckpt_model_export(&session, model, path), CKPT_E_INVALID);
        ck_assert_str_eq(last_text(), "the model cannot be exported: it was not loaded");
        ck_assert_int_eq(ckpt_model_export(&session, NULL, path), CKPT_E_INVALID);
        load_model();
        ck_assert_int_eq(ckpt_model_export(&session, model, ""), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_model_export(&session, model, directory), CKPT_E_INVALID);
        ck_assert_ptr_nonnull(strstr(last_text(), "is there and is no plain file"));
        ck_assert_int_eq(ckpt_model_export(&session, model, "/dev/null"), CKPT_E_INVALID);
        snprintf(missing, sizeof(missing), "%s/no/such/place", directory);
        ck_assert_int_eq(ckpt_model_export(&session, model, missing), CKPT_E_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(last_text(), "cannot create a temporary file beside "));
        ck_assert_int_eq(count_entries(directory), 0);
}
END_TEST

START_TEST(export_refuses_odd_parameters)
{
        void *data[2] = {NULL, NULL};

        add("a", "x", CKPT_DTYPE_U8, 0, NULL);
        add("", "__metadata__", CKPT_DTYPE_U8, 0, NULL);
        load_model();
        ck_assert_int_eq(ckpt_model_export(&session, model, path), CKPT_E_UNSUPPORTED);
        ck_assert_str_eq(
                last_text(),
                "parameter '__metadata__': the model cannot be exported: the format keeps this name for "
                "itself");
        ckpt_model_set_memory(model, model->memory, data, "cpu");
        ck_assert_int_eq(ckpt_model_export(&session, model, path), CKPT_E_INVALID);
        ck_assert_str_eq(last_text(),
                         "parameter 'a.x': the model cannot be exported: this parameter was not loaded");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
        Suite *suite = suite_create("model");
        TCase *tests = tcase_create("model");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_set_timeout(tests, 30);
        tcase_add_test(tests, modules_and_parameters_have_names);
        tcase_add_test(tests, a_parameter_is_there_once);
        tcase_add_loop_test(tests, sizes_are_computed_and_checked, 0, COUNT(sizes));
        tcase_add_test(tests, seal_drops_what_is_not_wanted_and_groups_the_rest);
        tcase_add_test(tests, a_builder_remembers_its_first_failure);
        tcase_add_test(tests, an_engine_gives_its_model);
        tcase_add_test(tests, parameters_are_read);
        tcase_add_test(tests, memory_can_be_taken_away);
        tcase_add_loop_test(tests, dlpack_describes_every_type, 0, COUNT(dlpacks));
        tcase_add_test(tests, dlpack_of_odd_parameters);
        tcase_add_test(tests, export_is_laid_out_as_the_reference_does);
        tcase_add_test(tests, export_of_nothing_is_a_file);
        tcase_add_test(tests, export_is_larger_than_its_buffer);
        tcase_add_test(tests, export_replaces_a_file_and_keeps_a_link);
        tcase_add_test(tests, a_cancelled_export_leaves_nothing);
        tcase_add_test(tests, a_full_medium_leaves_nothing);
        tcase_add_test(tests, export_says_why_it_cannot);
        tcase_add_test(tests, export_refuses_odd_parameters);
        suite_add_tcase(suite, tests);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? 1 : 0;
}
