/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks that go to the device two at a time, by their timeline: in the order in which they were read, and
 * none waits for company that does not come
 *
 * On a reader's track a chunk lands ("place", or "wait for read" where the source took its time), and is
 * enqueued with the one that landed before it, or alone. While one waits, its reader may begin one other read,
 * and must not wait for the source.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "paths/asked.h"
#include "paths/odd.h"
#include "paths/runtime.h"
#include "paths/ways.h"
#include "support/loading.h"
#include "support/scratch.h"
#include "support/timeline.h"
#include "unit/test_faults_reader.h"
#include "unit/test_memory_files.h"

#include <check.h>

#define MIB 1048576

/* What a reader has landed and not sent on. */
typedef struct reader {
        const char *how;
        json_int_t landed[3];
        unsigned n_landed, reads;
        unsigned pairs, singles;
} reader;

static ckpt_host *host;
static char path[512];

static void on_landed(reader *r, json_int_t bytes, bool has_waited)
{
        ck_assert_msg(!has_waited || r->n_landed == 0, "%s: a chunk waits while the source is waited for",
                      r->how);
        ck_assert_uint_lt(r->n_landed, 3);
        r->landed[r->n_landed++] = bytes;
        r->reads = 0;
}

static void on_enqueued(reader *r, json_int_t bytes)
{
        const bool is_pair = r->n_landed == 2 && bytes == r->landed[0] + r->landed[1];

        ck_assert_msg(r->n_landed > 0 && (is_pair || bytes == r->landed[0]),
                      "%s: %lld bytes are sent before what landed before them", r->how, (long long)bytes);
        r->pairs += is_pair;
        r->singles += !is_pair;
        r->n_landed -= is_pair ? 2 : 1;
        r->landed[0] = r->landed[1];
        r->reads = 0;
}

static void follow(reader *r, const json_t *span)
{
        const char *name = json_string_value(json_object_get(span, "name"));
        const json_int_t bytes = timeline_bytes(span);

        if (strcmp(name, "place") == 0 || strcmp(name, "wait for read") == 0)
                on_landed(r, bytes, name[0] == 'w');
        else if (strcmp(name, "enqueue") == 0)
                on_enqueued(r, bytes);
        else if (strcmp(name, "read") == 0)
                ck_assert_msg(r->n_landed == 0 || ++r->reads == 1, "%s: a chunk waits while others are read",
                              r->how);
}

static json_int_t track_of(const json_t *root, unsigned index)
{
        char name[32];

        snprintf(name, sizeof(name), "reader %u", index);
        return timeline_track(root, name);
}

static void follow_all(const json_t *root, reader *r)
{
        json_int_t track;

        for (unsigned i = 0; (track = track_of(root, i)) > 0; i++) {
                for (size_t at = 0; at < timeline_count(root, track, NULL); at++)
                        follow(r, timeline_span(root, track, NULL, at));
                ck_assert_msg(r->n_landed == 0, "%s: a chunk was left behind", r->how);
        }
}

static ckpt_load_options traced(const way *w)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        options.device = "cuda:0";
        options.trace = path;
        way_set(w, &options);
        return options;
}

/* Runs the load, frees it, and follows what its readers did. */
static reader run(const char *how, ckpt_load *load)
{
        reader r = {.how = how};
        json_t *root;

        expect_status(load, ckpt_load_run(load, NULL), CKPT_OK);
        ckpt_load_free(load);
        root = timeline_read(path);
        ck_assert_int_eq(timeline_total(root, "dropped"), 0);
        follow_all(root, &r);
        json_decref(root);
        ck_assert_int_eq(remove(path), 0);
        return r;
}

static void run_odd(const way *w, unsigned *pairs, unsigned *singles)
{
        const ckpt_load_options options = traced(w);
        ckpt_model *model = NULL;
        ckpt_load *load;
        reader r;

        way_prepare(w);
        load = odd_load(host, &options, &model);
        r = run(w->name, load);
        odd_expect(model, &options.mapping, w->name);
        ckpt_model_unref(model);
        ck_assert_uint_gt(r.pairs + r.singles, 0);
        *pairs += r.pairs;
        *singles += r.singles;
}

START_TEST(none_is_left_behind)
{
        static const uint64_t rings[] = {3 << 17, 3 << 19};
        unsigned pairs = 0, singles = 0;

        odd_make();
        for (unsigned i = 0; i < WAYS; i++)
                run_odd(&ways[i], &pairs, &singles);
        /* One reader, which has three slots. */
        for (unsigned i = 0; i < WAYS * sizeof(rings) / sizeof(*rings); i++) {
                way w = ways[i % WAYS];

                w.readers = 1;
                w.staging_bytes = rings[i / WAYS];
                run_odd(&w, &pairs, &singles);
        }
        odd_forget();
        printf("# %u pairs, %u chunks alone\n", pairs, singles);
        fflush(stdout);
        ck_assert_uint_gt(pairs, 0);
        ck_assert_uint_gt(singles, 0);
}
END_TEST

/* Holes would be read at once. */
static void fill_large(const sparse_tensor *tensor)
{
        char *bytes = malloc(tensor->size);

        ck_assert_ptr_nonnull(bytes);
        memset(bytes, 0xa5, tensor->size);
        sparse_write("large.safetensors", tensor->offset, bytes, tensor->size);
        free(bytes);
}

static void cache_first(const char *file, size_t size)
{
        const int fd = open(scratch_path(file), O_RDONLY | O_CLOEXEC);
        char *bytes = malloc(size);

        ck_assert(fd >= 0 && bytes);
        ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
        ck_assert_int_eq(pread(fd, bytes, size, 0), (ssize_t)size);
        free(bytes);
        close(fd);
}

/* What is cached lands at once, two by two; where the disk's part begins, one may wait. */
START_TEST(the_disk_is_not_waited_for)
{
        static const asked large = {"big", CKPT_ROLE_LINEAR, CKPT_DTYPE_U8, 2, {8192, 1024}};
        const way w = {"half on the disk", CKPT_IO_AUTO, WAY_COLD, 1, 3 << 19, true, true};
        sparse_tensor tensor = {.name = "big.weight", .dtype = "U8", .shape = {8192, 1024}, .element = 1};
        const ckpt_load_options options = traced(&w);
        ckpt_model *model = NULL;

        sparse_make("large.safetensors", &tensor, 1);
        fill_large(&tensor);
        way_prepare(&w);
        cache_first("large.safetensors", (size_t)(_i + 1) * MIB / 4);
        run(w.name, asked_load(host, "large.safetensors", &options, &large, 1, &model));
        ckpt_model_unref(model);
}
END_TEST

/* Some tensors are delivered as a whole, and fit into no slot. */
START_TEST(an_oversize_chunk_is_not_waited_for)
{
        const way w = {
                .name = "whole tensors", .readers = 1, .staging_bytes = (uint64_t)(16 + 4 * _i) * 3 << 12};
        const ckpt_load_options options = traced(&w);
        test_reader whole = TEST_READER_INIT;
        reader r;

        whole.whole = "o_proj";
        r = run(w.name, test_reader_load(host, &whole, &options));
        ck_assert_uint_gt(r.pairs + r.singles, 0);
        ck_assert_int_eq(atomic_load(&whole.created), 0);
}
END_TEST

/* ---- a load that ends early ---- */

static ckpt_load *to_cancel;

static ckpt_status cancel_at(test_reader *whose, uint64_t call)
{
        if (call == *(const uint64_t *)whose->context)
                ckpt_load_cancel(to_cancel);
        return CKPT_OK;
}

START_TEST(a_chunk_that_waits_is_given_up)
{
        const way w = {.name = "cancelled", .readers = 1, .staging_bytes = 3 << 16};
        const ckpt_load_options options = traced(&w);

        for (uint64_t at = 0; at < 40; at++) {
                test_reader cancels = TEST_READER_INIT;

                cancels.on_read = cancel_at;
                cancels.context = &at;
                to_cancel = test_reader_load(host, &cancels, &options);
                expect_status(to_cancel, ckpt_load_run(to_cancel, NULL), CKPT_E_CANCELLED);
                ckpt_load_free(to_cancel);
                ck_assert_int_eq(atomic_load(&cancels.created), 0);
        }
        host = ckpt_host_free(host);
        ck_assert_uint_eq(runtime_counts().device_bytes + runtime_counts().registered_bytes, 0);
}
END_TEST

static void set_up(void)
{
        scratch_new();
        snprintf(path, sizeof(path), "%s", scratch_path("trace.json"));
        host = asked_host();
}

static void tear_down(void)
{
        host = ckpt_host_free(host);
        ck_assert_msg(runtime_counts().misuses == 0, "%s", runtime_counts().misuse);
        scratch_remove();
}

int main(void)
{
        Suite *suite = suite_create("departures");
        TCase *tcase = tcase_create("departures");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 100);
        tcase_add_test(tcase, none_is_left_behind);
        tcase_add_loop_test(tcase, the_disk_is_not_waited_for, 0, 4);
        tcase_add_loop_test(tcase, an_oversize_chunk_is_not_waited_for, 0, 4);
        tcase_add_test(tcase, a_chunk_that_waits_is_given_up);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
