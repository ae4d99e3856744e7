/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Torch files with every dtype in every layout, into an engine's model that wants each tensor as it is
 *
 * A file stands for itself: no directory, the configuration as text. Every rank of every size gets
 * whole tensors.
 */

#include <string.h>

#include "golden.h"
#include "paths.h"
#include "torch_tensors.h"

static void load_tensors(int number, uint64_t staging_bytes)
{
        ckpt_host *host = golden_host();
        ckpt_load_options options;
        ckpt_load *load = NULL;
        ckpt_model *model;
        golden g;

        torch_tensors_init(&g, number);
        model = torch_tensors_wanted(host, &g);
        options = golden_options(&g);
        options.staging_bytes = staging_bytes;
        options.readers = staging_bytes ? 1 : 0;
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_path(load, g.directory));
        GOLDEN_OK(&g, load,
                  ckpt_load_set_config_json(load, torch_tensors_config, strlen(torch_tensors_config)));
        GOLDEN_OK(&g, load, ckpt_load_set_model(load, model));
        golden_run(&g, load);
        ckpt_load_free(load);
        ckpt_model_unref(model);
        ckpt_host_free(host);
        golden_deinit(&g);
}

START_TEST(every_dtype_in_every_layout)
{
        load_tensors(_i, 0);
}
END_TEST

/* One slot of the smallest staging there is: tensors are cut into tiles. */
START_TEST(every_layout_in_little_staging)
{
        load_tensors(_i * GOLDEN_TP_CASES, 4096);
}
END_TEST

void paths_add_torch(TCase *tests)
{
        tcase_add_loop_test(tests, every_dtype_in_every_layout, 0, TORCH_TENSORS_FILES * GOLDEN_TP_CASES);
        tcase_add_loop_test(tests, every_layout_in_little_staging, 0, TORCH_TENSORS_FILES);
}
