/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Torch files whose tensors are views of one storage, long enough to be read past the page cache, in both
 * byte orders and both containers
 */
#include <stdlib.h>
#include <string.h>

#include "paths/test_files.h"
#include "paths/ways.h"
#include "support/loading.h"
#include "support/scratch.h"
#include "support/torch_builder.h"
#include "unit/test_memory_files.h"

#define FLOATS 100000
#define HALVES 30011

#define FLOAT "<Float:0:100000>"
#define HALF  "<BFloat16:1:30011>"

#define ENTRY(name, storage, offset, shape, strides) \
        "'" name ".weight' " T_TENSOR(storage, offset, shape, strides)

static const char pickle[] = T_STATE(
        ENTRY("left", FLOAT, "0", "100 1000", "1000 1") ENTRY("right", FLOAT, "0", "100 1000", "1000 1")
                ENTRY("across", FLOAT, "0", "1000 100", "1 1000") ENTRY("part", FLOAT, "777", "50001", "1")
                        ENTRY("cast", FLOAT, "12345", "60001", "1") ENTRY("half", HALF, "11", "30000", "1"));

static const asked params[] = {
        {"left", CKPT_ROLE_PLAIN, CKPT_DTYPE_F32, 2, {100, 1000}},
        {"right", CKPT_ROLE_PLAIN, CKPT_DTYPE_F32, 2, {100, 1000}},
        {"across", CKPT_ROLE_PLAIN, CKPT_DTYPE_F32, 2, {1000, 100}},
        {"part", CKPT_ROLE_PLAIN, CKPT_DTYPE_F32, 1, {50001, 0}},
        {"cast", CKPT_ROLE_PLAIN, CKPT_DTYPE_BF16, 1, {60001, 0}},
        {"half", CKPT_ROLE_PLAIN, CKPT_DTYPE_BF16, 1, {30000, 0}},
};

#define PARAMS (sizeof(params) / sizeof(*params))

enum layout {
        ZIP_LITTLE,
        ZIP_BIG,
        LEGACY,
        LAYOUTS
};

/* An element's bytes in the file's order. */
static void put(unsigned char *to, const void *value, size_t size, bool big)
{
        const unsigned char *from = value;

        for (size_t i = 0; i < size; i++)
                to[i] = from[big ? size - 1 - i : i];
}

static uint16_t half_at(uint64_t at)
{
        return bf16_of(some_float(at + 500000));
}

static void make_file(enum layout layout)
{
        const struct torch_parts parts = {
                .pickle = pickle,
                .storages = "0=100000*4 1=30011*2",
                .byteorder = layout == ZIP_BIG ? "big" : NULL,
        };
        struct torch_file file;

        (layout == LEGACY ? torch_write_legacy : torch_write_zip)(&parts, &file);
        ck_assert_uint_eq(file.n_storages, 2);
        for (uint64_t i = 0; i < FLOATS; i++) {
                const float value = some_float(i);

                put(file.bytes.at + file.storages[0].begin + i * 4, &value, 4, layout == ZIP_BIG);
        }
        for (uint64_t i = 0; i < HALVES; i++) {
                const uint16_t value = half_at(i);

                put(file.bytes.at + file.storages[1].begin + i * 2, &value, 2, layout == ZIP_BIG);
        }
        scratch_write("tensors.pth", file.bytes.at, file.bytes.size);
        torch_file_free(&file);
}

/* Where element `i` of a parameter lies in its storage. */
static uint64_t place_of(const asked *p, uint64_t i)
{
        if (strcmp(p->module, "across") == 0)
                return i % 100 * 1000 + i / 100;
        return i + (strcmp(p->module, "part") == 0   ? 777
                    : strcmp(p->module, "cast") == 0 ? 12345
                    : strcmp(p->module, "half") == 0 ? 11
                                                     : 0);
}

static bool is_right(const asked *p, const unsigned char *at, uint64_t place)
{
        const float value = some_float(place);
        const uint16_t half = strcmp(p->module, "half") == 0 ? half_at(place) : bf16_of(value);

        return p->dtype == CKPT_DTYPE_F32 ? memcmp(at, &value, sizeof(value)) == 0
                                          : memcmp(at, &half, sizeof(half)) == 0;
}

static void expect_tensors(const ckpt_model *model, const char *how)
{
        for (unsigned i = 0; i < PARAMS; i++) {
                const ckpt_param *param = ckpt_model_param_at(model, i);
                const uint64_t width = ckpt_dtype_bits(param->dtype) / 8;
                unsigned char *bytes = files_read(model, param->name);
                uint64_t wrong = 0;

                for (uint64_t k = 0; k < param->size / width; k++)
                        wrong += !is_right(&params[i], bytes + k * width, place_of(&params[i], k));
                ck_assert_msg(wrong == 0, "%s on %s: %llu elements of %s are wrong", how,
                              ckpt_model_device(model), (unsigned long long)wrong, param->name);
                free(bytes);
        }
}

START_TEST(views_by_every_way)
{
        make_file((enum layout)(_i / FILES_DEVICES));
        for (unsigned i = 0; i < WAYS; i++) {
                ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
                ckpt_model *model = NULL;
                ckpt_load *load;

                options.device = files_devices[_i % FILES_DEVICES];
                way_set(&ways[i], &options);
                way_prepare(&ways[i]);
                load = asked_load(files_host, "tensors.pth", &options, params, PARAMS, &model);
                expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
                expect_tensors(model, ways[i].name);
                way_check(&ways[i], load, false);
                ckpt_load_free(load);
                ckpt_model_unref(model);
        }
}
END_TEST

void files_add_torch(TCase *tests)
{
        tcase_add_loop_test(tests, views_by_every_way, 0, LAYOUTS * FILES_DEVICES);
}
