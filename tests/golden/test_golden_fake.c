/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every fixture under every mapping, by every path, on the fake CUDA runtime: the whole asynchronous way
 * on a machine without a device
 */

#include <stdlib.h>

#include "golden.h"
#include "paths.h"

const char *golden_device(void)
{
        return "cuda:0";
}

int64_t paths_synthetic_side(void)
{
        return 880;
}

int main(void)
{
        SRunner *runner = srunner_create(paths_suite("golden-fake"));
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
