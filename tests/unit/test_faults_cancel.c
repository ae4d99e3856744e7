/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads that are cancelled, and loads whose reader fails
 */
#include "unit/test_faults.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POINTS 20

/* Where a load is to be cancelled; a new place every run, printed when the test fails. */
typedef struct point {
        ckpt_load *load;
        uint64_t at;
        atomic_ullong seen;
} point;

static unsigned seed(void)
{
        const char *given = getenv("CKPT_TEST_SEED");
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)now.tv_nsec;
}

static ckpt_status cancel_at_read(test_reader *reader, uint64_t call)
{
        point *p = reader->context;

        if (call == p->at)
                ckpt_load_cancel(p->load);
        return CKPT_OK;
}

static void cancel_at_ready(void *context, const ckpt_param *param, void *event)
{
        point *p = context;

        (void)param;
        (void)event;
        if (atomic_fetch_add(&p->seen, 1) == p->at)
                ckpt_load_cancel(p->load);
}

static void expect_cancelled(ckpt_load *load, ckpt_status r, const ckpt_model *model)
{
        expect_status(load, r, CKPT_E_CANCELLED);
        expect_reason(load, CKPT_E_CANCELLED, "cancelled", NULL);
        ck_assert_uint_eq(count_reasons(load, ""), 1);
        ck_assert_ptr_null(model);
        ck_assert(ckpt_load_is_cancelled(load));
}

static void cancel_once(uint64_t at, bool at_ready, int32_t access)
{
        test_reader reader = TEST_READER_INIT;
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_model *model = NULL;
        point p = {.at = at};
        ckpt_status r;

        options.readers = 2;
        options.context = &p;
        options.ready = at_ready ? cancel_at_ready : NULL;
        reader.context = &p;
        reader.on_read = at_ready ? NULL : cancel_at_read;
        reader.access = access;
        p.load = test_reader_load(faults_host, &reader, &options);
        r = ckpt_load_run(p.load, &model);
        expect_cancelled(p.load, r, model);
        ckpt_load_free(p.load);
        ck_assert_int_eq(atomic_load(&reader.open), 0);
        ck_assert_int_eq(atomic_load(&reader.created), 0);
}

/* The last few reads are left out: what has no read after it may well end before it is asked. */
START_TEST(cancelled_at_random_points)
{
        const unsigned start = seed();
        unsigned state = start;

        printf("# CKPT_TEST_SEED=%u\n", start);
        fflush(stdout);
        faults_warm_up();
        for (unsigned i = 0; i < POINTS; i++) {
                const bool at_ready = i % 4 == 3;
                const uint64_t range = at_ready ? TEST_READER_TENSORS / 2 : TEST_READER_TENSORS - 4;

                cancel_once((uint64_t)rand_r(&state) % range, at_ready, (int32_t)(i % 3));
                faults_nothing_left();
                if (i % 5 == 4)
                        faults_host_still_works();
        }
        faults_nothing_left();
}
END_TEST

/* From another thread, at any time, the end included: the load ends whole or cancelled. */
static void *cancel_later(void *argument)
{
        const point *p = argument;

        nanosleep(&(struct timespec){.tv_nsec = (long)p->at}, NULL);
        ckpt_load_cancel(p->load);
        return NULL;
}

START_TEST(cancelled_from_another_thread)
{
        unsigned state = seed(), cancelled = 0;

        faults_warm_up();
        for (unsigned i = 0; i < POINTS; i++) {
                test_reader reader = TEST_READER_INIT;
                ckpt_model *model = NULL;
                point p = {.at = i == 0 ? 0 : (uint64_t)rand_r(&state) % 4000000};
                pthread_t thread;
                ckpt_status r;

                p.load = test_reader_load(faults_host, &reader, NULL);
                ck_assert_int_eq(pthread_create(&thread, NULL, cancel_later, &p), 0);
                ck_assert_int_eq(ckpt_load_start(p.load), CKPT_OK);
                r = ckpt_load_wait(p.load, &model);
                pthread_join(thread, NULL);
                ck_assert(r == CKPT_OK || r == CKPT_E_CANCELLED);
                ck_assert((r == CKPT_OK) == (model != NULL));
                cancelled += r == CKPT_E_CANCELLED;
                ckpt_model_unref(model);
                ckpt_load_free(p.load);
                ck_assert_int_eq(atomic_load(&reader.created), 0);
        }
        printf("# %u of %u were cancelled\n", cancelled, POINTS);
        faults_nothing_left();
        faults_host_still_works();
}
END_TEST

static ckpt_status cancel_at_list(test_reader *reader)
{
        ckpt_load_cancel(((point *)reader->context)->load);
        return CKPT_OK;
}

static ckpt_status no_read(test_reader *reader, uint64_t call)
{
        (void)reader;
        ck_abort_msg("read %llu of a load that was cancelled before", (unsigned long long)call);
}

START_TEST(cancelled_before_anything_is_read)
{
        faults_warm_up();
        for (unsigned i = 0; i < 2; i++) {
                test_reader reader = TEST_READER_INIT;
                ckpt_model *model = NULL;
                point p = {.at = 0};
                ckpt_status r;

                reader.context = &p;
                reader.on_list = i ? cancel_at_list : NULL;
                reader.on_read = no_read;
                p.load = test_reader_load(faults_host, &reader, NULL);
                if (i == 0)
                        ckpt_load_cancel(p.load);
                r = ckpt_load_run(p.load, &model);
                expect_cancelled(p.load, r, model);
                ckpt_load_free(p.load);
                faults_nothing_left();
        }
}
END_TEST

static ckpt_status linger(test_reader *reader, uint64_t call)
{
        (void)reader;
        (void)call;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        return CKPT_OK;
}

START_TEST(freed_while_it_runs)
{
        faults_warm_up();
        for (unsigned i = 0; i < 4; i++) {
                test_reader reader = TEST_READER_INIT;
                ckpt_load *load;

                reader.on_read = linger;
                load = test_reader_load(faults_host, &reader, NULL);
                ck_assert_int_eq(ckpt_load_start(load), CKPT_OK);
                nanosleep(&(struct timespec){.tv_nsec = 4000000 * (long)i}, NULL);
                ckpt_load_free(load);
                ck_assert_int_eq(atomic_load(&reader.created), 0);
                faults_nothing_left();
        }
        faults_host_still_works();
}
END_TEST

static ckpt_status fail_at_read(test_reader *reader, uint64_t call)
{
        return call == ((point *)reader->context)->at ? CKPT_E_IO : CKPT_OK;
}

START_TEST(a_reader_fails)
{
        unsigned state = seed();

        faults_warm_up();
        for (unsigned i = 0; i < 10; i++) {
                test_reader reader = TEST_READER_INIT;
                ckpt_model *model = NULL;
                point p = {.at = i == 0 ? 0 : (uint64_t)rand_r(&state) % TEST_READER_TENSORS};
                ckpt_status r;

                reader.context = &p;
                reader.on_read = fail_at_read;
                reader.access = (int32_t)(i % 3);
                p.load = test_reader_load(faults_host, &reader, NULL);
                r = ckpt_load_run(p.load, &model);
                expect_status(p.load, r, CKPT_E_IO);
                expect_reason(p.load, CKPT_E_IO, "weight loader", "fails at call", NULL);
                ck_assert_uint_eq(count_reasons(p.load, ""), 1);
                ck_assert_ptr_null(model);
                ckpt_load_free(p.load);
                ck_assert_int_eq(atomic_load(&reader.open), 0);
                faults_nothing_left();
        }
        faults_host_still_works();
}
END_TEST

/* The made-up bytes themselves, so that what was cancelled above is known to be a load that works. */
START_TEST(an_uncancelled_load_is_right)
{
        for (int32_t access = 0; access < 3; access++) {
                test_reader reader = TEST_READER_INIT;
                ckpt_model *model = NULL;
                ckpt_load *load;
                const ckpt_param *param;
                ckpt_status r;

                reader.access = access;
                load = test_reader_load(faults_host, &reader, NULL);
                r = ckpt_load_run(load, &model);
                expect_status(load, r, CKPT_OK);
                /* The second tensor of a layer, as the list has it; layer 3 begins at cookie 1 + 3 * 13. */
                param = ckpt_model_find(model, "model.layers.3.mlp.down_proj.weight");
                ck_assert_ptr_nonnull(param);
                for (uint64_t i = 0; i < param->size; i++)
                        ck_assert_uint_eq(((const uint8_t *)param->data)[i],
                                          test_reader_byte(1 + 3 * 13 + 1, i));
                ck_assert_uint_eq(atomic_load(&reader.calls), TEST_READER_TENSORS);
                ckpt_load_free(load);
                ckpt_model_unref(model);
        }
}
END_TEST

/* Everything that a model shows lives as long as the model, the name of a rule included. */
START_TEST(a_model_outlives_its_load_and_host)
{
        static const char *const skip[] = {"model.layers.1.mlp.down_proj"};
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_model *model = NULL;
        const ckpt_param *param;
        ckpt_status r = CKPT_OK;
        ckpt_load *load;
        uint64_t loaded = 0;

        options.skip_modules = skip;
        options.n_skip_modules = 1;
        load = run_load(faults_host, fixture_path("gemma3-bf16"), &options, &r, &model);
        expect_status(load, r, CKPT_OK);
        ckpt_load_free(load);
        faults_host = ckpt_host_free(faults_host);
        for (uint64_t i = 0; (param = ckpt_model_param_at(model, i)); i++) {
                ck_assert_uint_gt(strlen(param->name), 0);
                if (param->skipped)
                        ck_assert_uint_gt(strlen(param->skipped), 0);
                else
                        loaded += param->data != NULL;
        }
        ck_assert_uint_eq(loaded, 31);
        ckpt_model_unref(model);
}
END_TEST

TCase *faults_cancel_case(void)
{
        TCase *tcase = tcase_create("cancel");

        tcase_add_test(tcase, an_uncancelled_load_is_right);
        tcase_add_test(tcase, cancelled_at_random_points);
        tcase_add_test(tcase, cancelled_from_another_thread);
        tcase_add_test(tcase, cancelled_before_anything_is_read);
        tcase_add_test(tcase, freed_while_it_runs);
        tcase_add_test(tcase, a_reader_fails);
        tcase_add_test(tcase, a_model_outlives_its_load_and_host);
        return tcase;
}
