/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every fixture under every mapping, by every path, on the first CUDA device. Skips aloud where
 * none answers.
 */

#include <stdio.h>
#include <stdlib.h>

#include "../golden/golden.h"
#include "../golden/paths.h"
#include "test_kernels_open.h"

const char *golden_device(void)
{
        return "cuda:0";
}

int64_t paths_synthetic_side(void)
{
        return 3600;
}

/* Check's own assertions work inside tests only. */
static ckpt_status try_load(ckpt_host *host, char *ret_why, size_t size)
{
        const char *fixtures = getenv("CKPT_TEST_FIXTURES"), *plugins = getenv("CKPT_TEST_PLUGINS");
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_model *model = NULL;
        char path[4096];
        ckpt_status r = ckpt_host_add_plugin_dir(host, plugins ? plugins : "build/plugins");

        snprintf(path, sizeof(path), "%s/%s", fixtures ? fixtures : "tests/fixtures", golden_model_name(0));
        options.device = golden_device();
        if (r == CKPT_OK && getenv("CKPT_TEST_BACKENDS"))
                r = ckpt_host_set_backend_dir(host, getenv("CKPT_TEST_BACKENDS"));
        if (r == CKPT_OK)
                r = ckpt_load_dir(host, path, &options, &model);
        snprintf(ret_why, size, "%s", r == CKPT_OK ? "" : ckpt_host_error(host));
        ckpt_model_unref(model);
        return r;
}

/*
 * The load itself must say that there is no device, and the CUDA library must agree: a load that
 * only fails where a device is there is no reason to skip.
 */
static bool no_device(char *ret_why, size_t size)
{
        ckpt_host *host = NULL;
        char why[4200];
        ckpt_status r;

        if (ckpt_host_new(&host) != CKPT_OK)
                return false;
        r = try_load(host, ret_why, size);
        ckpt_host_free(host);
        return r == CKPT_E_DEVICE && kernels_open(why, sizeof(why)) == NULL;
}

int main(void)
{
        char why[4096];
        SRunner *runner;
        int failed;

        if (no_device(why, sizeof(why))) {
                printf("1..0 # SKIP %s\n", why);
                return EXIT_SUCCESS;
        }
        runner = srunner_create(paths_suite("golden-device"));
        /* A forked child cannot use the parent's CUDA context. */
        srunner_set_fork_status(runner, CK_NOFORK);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
