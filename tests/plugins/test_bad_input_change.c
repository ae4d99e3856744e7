/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that change while they are loaded. A callback of the load does it, so that it happens when
 * headers have been read and some of the payload has, too.
 */
#include "test_bad_input.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct meddler {
        void (*act)(void);
        atomic_int left; /* parameters that are let through before it acts */
} meddler;

static void on_ready(void *context, const ckpt_param *param, void *event)
{
        meddler *m = context;

        (void)param;
        (void)event;
        if (atomic_fetch_sub(&m->left, 1) == 0)
                m->act();
}

/* Many small tiles, so that the change falls between reads. */
static void attempt_meddled(void (*act)(void), int after)
{
        meddler m = {.act = act, .left = after};
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        options.ready = on_ready;
        options.context = &m;
        options.readers = 1;
        attempt(&options);
        ck_assert_int_lt(atomic_load(&m.left), 0);
}

static void cut_to_half(void)
{
        ck_assert_int_eq(truncate(scratch_path(SINGLE), (off_t)checkpoint_size(SINGLE) / 2), 0);
}

static void cut_to_nothing(void)
{
        ck_assert_int_eq(truncate(scratch_path(SINGLE), 0), 0);
}

static void overwrite(void)
{
        const int fd = open(scratch_path(SINGLE), O_WRONLY | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(pwrite(fd, "xx", 2, 200000), 2);
        close(fd);
}

/* Same bytes, same size: another file all the same. */
static void replace(void)
{
        size_t size;
        char *bytes = scratch_read(SINGLE, &size);

        scratch_write("new", bytes, size);
        free(bytes);
        ck_assert_int_eq(rename(scratch_path("new"), scratch_path(SINGLE)), 0);
}

static void take_away(void)
{
        ck_assert_int_eq(unlink(scratch_path(SINGLE)), 0);
}

START_TEST(changed_during_the_load)
{
        static void (*const acts[])(void) = {cut_to_half, cut_to_nothing, overwrite, replace, take_away};

        for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
                for (int after = 0; after < 24; after += 23) {
                        checkpoint_copy("gemma3-bf16");
                        attempt_meddled(acts[i], after);
                        expect_status(bad.load, bad.status, CKPT_E_CHANGED);
                        expect_reason(bad.load, CKPT_E_CHANGED, SINGLE,
                                      "load again when nothing writes to it", NULL);
                }
        }
}
END_TEST

START_TEST(a_shard_changed_between_header_and_payload)
{
        const ckpt_plan *plan = NULL;

        checkpoint_copy("gemma3-bf16-sharded");
        ck_assert_int_eq(ckpt_load_new(bad.host, NULL, &bad.load), CKPT_OK);
        ck_assert_int_eq(ckpt_load_set_path(bad.load, scratch_directory()), CKPT_OK);
        ck_assert_int_eq(ckpt_load_get_plan(bad.load, &plan), CKPT_OK);
        checkpoint_truncate("model-00004-of-00004.safetensors", 9000);
        bad.status = ckpt_load_run(bad.load, &bad.model);
        expect_status(bad.load, bad.status, CKPT_E_CHANGED);
        expect_reason(bad.load, CKPT_E_CHANGED, "model-00004-of-00004.safetensors", NULL);
        ck_assert_ptr_null(bad.model);
}
END_TEST

START_TEST(an_unchanged_copy_loads)
{
        checkpoint_copy("gemma3-bf16");
        attempt(NULL);
        expect_status(bad.load, bad.status, CKPT_OK);
        expect_golden(bad.model, "gemma3-bf16", "tp1-rank0");
}
END_TEST

TCase *bad_change_case(void)
{
        TCase *tcase = bad_input_case("change");

        tcase_add_test(tcase, changed_during_the_load);
        tcase_add_test(tcase, a_shard_changed_between_header_and_payload);
        tcase_add_test(tcase, an_unchanged_copy_loads);
        return tcase;
}
