/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request at a time, past the page cache: reads that end short, in an error, or at the file's end, by
 * pread and by io_uring
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "paths/test_request.h"
#include "support/scratch.h"

#define POISON 0xa5

ckpt_session request_session;
ckpt_io_state request_io;
ckpt_io_lane request_lane;
uint8_t *request_file;
script request_plan;

static ckpt_source *source;
static uint8_t *memory;

ckpt_request request_of(uint64_t offset, uint64_t size)
{
        return (ckpt_request){.source = source,
                              .offset = offset,
                              .size = size,
                              .image = memory + BLOCK + offset % BLOCK,
                              .has_room = true};
}

ckpt_status request_run(ckpt_request *q)
{
        ckpt_status r = ckpt_io_start(&request_io, &request_lane, q);

        if (r == CKPT_OK)
                r = ckpt_io_finish(&request_io, &request_lane, q);
        return r;
}

/* The whole range is in the image, and nothing was written beyond the blocks that it touches. */
static void expect_image(const ckpt_request *q)
{
        const uint64_t first = (uint64_t)(q->image - memory) / BLOCK * BLOCK;
        const uint64_t end = ((uint64_t)(q->image - memory) + q->size + BLOCK - 1) / BLOCK * BLOCK;

        ck_assert(q->in_image && !q->pending);
        ck_assert_msg(memcmp(q->image, request_file + q->offset, q->size) == 0, "the bytes are wrong");
        for (uint64_t i = first - BLOCK; i < first; i++)
                ck_assert_uint_eq(memory[i], POISON);
        for (uint64_t i = end; i < end + BLOCK; i++)
                ck_assert_uint_eq(memory[i], POISON);
        ck_assert_uint_eq(request_plan.misaligned, 0);
}

static void expect_said(ckpt_status status, const char *word)
{
        const ckpt_diagnostic *d = request_session.diagnostics.list.items;

        ck_assert_uint_eq(request_session.diagnostics.list.count, 1);
        ck_assert_int_eq(d->status, status);
        ck_assert_msg(strstr(d->text, "data") && strstr(d->text, word), "no '%s' in: %s", word, d->text);
}

/* ---- reads that are gone on with ---- */

START_TEST(at_once)
{
        ckpt_request q = request_of(OFFSET, SIZE);

        ck_assert_int_eq(request_run(&q), CKPT_OK);
        expect_image(&q);
        ck_assert_uint_eq(request_plan.n_reads, 1);
        ck_assert_uint_eq(request_plan.n_by_uring, request_plan.has_uring ? 1 : 0);
        ck_assert_uint_eq(request_plan.offsets[0], 8192);
        ck_assert_uint_eq(request_plan.sizes[0], 53248);
        ck_assert_uint_eq(atomic_load(&request_io.bytes_buffered), 0);
        ck_assert_uint_eq(atomic_load(&request_io.bytes_direct), 53248);
        ck_assert_str_eq(ckpt_io_engine(&request_io), request_plan.has_uring ? "io_uring" : "pread");
}
END_TEST

START_TEST(short_in_the_middle)
{
        ckpt_request q = request_of(OFFSET, SIZE);

        request_plan.reads[0] = (script_read)SHORT(2 * BLOCK + 100);
        request_plan.reads[1] = (script_read)SHORT(3 * BLOCK);
        ck_assert_int_eq(request_run(&q), CKPT_OK);
        expect_image(&q);
        ck_assert_uint_eq(request_plan.n_reads, 3);
        ck_assert_uint_eq(request_plan.offsets[1], 8192 + 2 * BLOCK);
        ck_assert_uint_eq(request_plan.offsets[2], 8192 + 5 * BLOCK);
        ck_assert_uint_eq(request_plan.sizes[2], 53248 - 5 * BLOCK);
        ck_assert_uint_eq(atomic_load(&request_io.bytes_buffered), 0);
}
END_TEST

START_TEST(interrupted)
{
        static const int errors[] = {EINTR, EAGAIN};
        ckpt_request q = request_of(OFFSET, SIZE);

        for (unsigned i = 0; i < 6; i++)
                request_plan.reads[i] = (script_read)ERROR(errors[i % 2]);
        ck_assert_int_eq(request_run(&q), CKPT_OK);
        expect_image(&q);
        ck_assert_uint_eq(request_plan.n_reads, 7);
        ck_assert_uint_eq(request_plan.offsets[6], 8192);
        ck_assert_uint_eq(request_session.diagnostics.list.count, 0);
}
END_TEST

/* The last block of a file is no whole one. */
START_TEST(the_end_of_the_file)
{
        ckpt_request q = request_of(FILE_BYTES - SIZE, SIZE);

        ck_assert_int_eq(request_run(&q), CKPT_OK);
        expect_image(&q);
        ck_assert_uint_eq(request_plan.n_reads, 1);
        ck_assert_uint_gt(request_plan.offsets[0] + request_plan.sizes[0], FILE_BYTES);
}
END_TEST

START_TEST(long_ones_are_cut)
{
        ckpt_request q = request_of(5, FILE_BYTES - 5);

        ck_assert_int_eq(request_run(&q), CKPT_OK);
        expect_image(&q);
        ck_assert_uint_eq(request_plan.n_reads, 3);
        ck_assert_uint_eq(request_plan.offsets[1], 8u << 20);
        ck_assert_uint_eq(request_plan.offsets[2], 16u << 20);
}
END_TEST

/* ---- reads that are given up ---- */

static void expect_refused(ckpt_request *q)
{
        ck_assert_int_eq(request_run(q), CKPT_OK);
        expect_image(q);
        ck_assert_uint_eq(atomic_load(&request_io.bytes_buffered), q->size);
        ck_assert_int_lt(ckpt_source_direct_fd(source, 0), 0);
        /* The next request does not try it again. */
        request_plan.n_reads = 0;
        *q = request_of(3 * OFFSET, SIZE);
        ck_assert_int_eq(request_run(q), CKPT_OK);
        ck_assert_uint_eq(request_plan.n_reads, 0);
        ck_assert_mem_eq(q->image, request_file + 3 * OFFSET, SIZE);
}

START_TEST(refused)
{
        static const script_read refusals[] = {ERROR(EINVAL), ERROR(EOPNOTSUPP), SHORT(100)};

        for (unsigned i = 0; i < 3; i++) {
                ckpt_request q = request_of(OFFSET, SIZE);

                memset(memory, POISON, SIZE + 4 * BLOCK);
                source = ckpt_source_unref(source);
                ck_assert_int_eq(
                        ckpt_source_open(&request_session.diagnostics, scratch_path("data"), &source),
                        CKPT_OK);
                atomic_store(&request_io.bytes_buffered, 0);
                q.source = source;
                request_plan.n_reads = 0;
                request_plan.reads[0] = refusals[i];
                expect_refused(&q);
        }
        ck_assert_uint_eq(request_session.diagnostics.list.count, 0);
}
END_TEST

/* Half of it came, and then no more. */
START_TEST(refused_in_the_middle)
{
        ckpt_request q = request_of(OFFSET, SIZE);

        request_plan.reads[0] = (script_read)SHORT(6 * BLOCK);
        request_plan.reads[1] = (script_read)ERROR(EINVAL);
        expect_refused(&q);
}
END_TEST

START_TEST(no_descriptor)
{
        ckpt_request q = request_of(OFFSET, SIZE);

        request_plan.refuses_open = true;
        ck_assert_int_eq(request_run(&q), CKPT_OK);
        expect_image(&q);
        ck_assert_uint_eq(request_plan.n_reads, 0);
        ck_assert_uint_eq(atomic_load(&request_io.bytes_buffered), SIZE);
        ck_assert_uint_eq(atomic_load(&request_io.bytes_direct), 0);
        ck_assert_str_eq(ckpt_io_engine(&request_io), "");
}
END_TEST

/* ---- reads that fail ---- */

START_TEST(an_error)
{
        ckpt_request q = request_of(OFFSET, SIZE);

        request_plan.reads[0] = (script_read)SHORT(2 * BLOCK);
        request_plan.reads[1] = (script_read)ERROR(EIO);
        ck_assert_int_eq(request_run(&q), CKPT_E_IO);
        ck_assert(!q.pending);
        expect_said(CKPT_E_IO, "@0x4000");
}
END_TEST

START_TEST(a_file_that_was_cut)
{
        ckpt_request q = request_of(OFFSET, SIZE);

        request_plan.reads[0] = (script_read)SHORT(2 * BLOCK);
        request_plan.reads[1] = (script_read)SHORT(0);
        ck_assert_int_eq(request_run(&q), CKPT_E_CHANGED);
        expect_said(CKPT_E_CHANGED, "@0x4000");
}
END_TEST

START_TEST(cancelled)
{
        ckpt_request q = request_of(OFFSET, SIZE);

        request_plan.reads[0] = (script_read)SHORT(2 * BLOCK);
        atomic_store(&request_session.cancelled, true);
        ck_assert_int_eq(request_run(&q), CKPT_E_CANCELLED);
        ck_assert(!q.pending);
        ck_assert_uint_eq(request_plan.n_reads, 1);
}
END_TEST

/* ---- what must not be read past the page cache ---- */

START_TEST(not_worth_it_or_no_room)
{
        ckpt_request small = request_of(OFFSET, CKPT_DIRECT_BYTES - 1), tight = request_of(OFFSET, SIZE);
        ckpt_request beside = request_of(OFFSET, SIZE);

        tight.has_room = false;
        beside.image += 256;
        ck_assert_int_eq(request_run(&small), CKPT_OK);
        ck_assert_mem_eq(small.image, request_file + OFFSET, CKPT_DIRECT_BYTES - 1);
        ck_assert_int_eq(request_run(&beside), CKPT_OK);
        ck_assert_mem_eq(beside.image, request_file + OFFSET, SIZE);
        memset(memory, POISON, SIZE + 4 * BLOCK);
        ck_assert_int_eq(request_run(&tight), CKPT_OK);
        ck_assert_mem_eq(tight.image, request_file + OFFSET, SIZE);
        ck_assert_uint_eq(tight.image[-1], POISON);
        ck_assert_uint_eq(tight.image[SIZE], POISON);
        ck_assert_uint_eq(request_plan.n_reads, 0);
}
END_TEST

/* ---- what the page cache has ---- */

/* Runs a request that may be read either way: whether it was read past the page cache. */
static bool is_direct(ckpt_request *q)
{
        request_plan.n_reads = request_plan.n_counts = request_plan.n_probes = 0;
        atomic_store(&request_io.bytes_buffered, 0);
        ck_assert_int_eq(request_run(q), CKPT_OK);
        ck_assert_uint_le(request_plan.n_reads, 1);
        ck_assert_uint_eq(atomic_load(&request_io.bytes_buffered), request_plan.n_reads ? 0 : q->size);
        return request_plan.n_reads > 0;
}

static bool image_is_direct(void)
{
        ckpt_request q = request_of(OFFSET, SIZE);
        bool direct;

        memset(memory, POISON, SIZE + 4 * BLOCK);
        direct = is_direct(&q);
        expect_image(&q);
        return direct;
}

/* Of the 13 pages that the range touches at least half. */
START_TEST(cached_pages_are_counted)
{
        static const int64_t pages[] = {0, 1, 6, 7, 12, 13};

        request_io.chosen = CKPT_IO_AUTO;
        for (unsigned i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
                request_plan.cached_pages = pages[i];
                ck_assert(image_is_direct() == (pages[i] < 7));
                ck_assert_uint_eq(request_plan.n_counts, 1);
                ck_assert_uint_eq(request_plan.n_probes, 0);
        }
}
END_TEST

/* Where the kernel does not count, which is asked once, both ends must be there. */
START_TEST(ends_are_probed)
{
        static const struct {
                int ends[2];
                unsigned probes;
                bool direct;
        } cases[] = {
                {{0, 0}, 2, false},          {{EAGAIN, 0}, 1, true},  {{0, EAGAIN}, 2, true},
                {{0, EOPNOTSUPP}, 2, false}, {{EAGAIN, 0}, 0, false}, /* nobody is asked any more */
        };

        request_io.chosen = CKPT_IO_AUTO;
        request_plan.cached_pages = -EPERM;
        for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                memcpy(request_plan.probes, cases[i].ends, sizeof(cases[i].ends));
                ck_assert(image_is_direct() == cases[i].direct);
                ck_assert_uint_eq(request_plan.n_counts, i == 0);
                ck_assert_uint_eq(request_plan.n_probes, cases[i].probes);
        }
}
END_TEST

/* Pieces are filled when the page cache reads; else all goes to the image. */
START_TEST(pieces)
{
        static const int64_t pages[] = {13, 3, 0};
        uint8_t *left = malloc(SIZE), *right = malloc(SIZE);

        request_io.chosen = CKPT_IO_AUTO;
        for (unsigned i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
                struct iovec both[] = {{left, 12345}, {right, SIZE - 12345}};
                ckpt_request q = request_of(OFFSET, SIZE);

                q.pieces = both;
                q.n_pieces = 2;
                request_plan.cached_pages = pages[i];
                ck_assert(is_direct(&q) == (pages[i] < 7));
                ck_assert(q.in_image == (pages[i] < 7));
                if (q.in_image) {
                        expect_image(&q);
                        continue;
                }
                ck_assert_mem_eq(left, request_file + OFFSET, 12345);
                ck_assert_mem_eq(right, request_file + OFFSET + 12345, SIZE - 12345);
        }
        free(left);
        free(right);
}
END_TEST

/* ---- */

static void set_up(void)
{
        scratch_new();
        request_file = malloc(FILE_BYTES);
        memory = aligned_alloc(BLOCK, (FILE_BYTES / BLOCK + 4) * BLOCK);
        ck_assert(request_file && memory);
        for (uint64_t i = 0; i < FILE_BYTES; i++)
                request_file[i] = (uint8_t)(((i + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
        scratch_write("data", request_file, FILE_BYTES);
        memset(memory, POISON, (FILE_BYTES / BLOCK + 4) * BLOCK);
        ck_assert_int_eq(ckpt_session_init(&request_session, &ckpt_api_table, NULL, NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_source_open(&request_session.diagnostics, scratch_path("data"), &source),
                         CKPT_OK);
        request_io = (ckpt_io_state){.session = &request_session, .chosen = CKPT_IO_DIRECT};
        request_plan = (script){.has_uring = false};
        script_set(&request_plan);
}

static void set_up_uring(void)
{
        set_up();
        request_plan.has_uring = true;
}

static void tear_down(void)
{
        ckpt_io_lane_deinit(&request_lane);
        source = ckpt_source_unref(source);
        ckpt_session_deinit(&request_session);
        script_set(NULL);
        free(memory);
        free(request_file);
        scratch_remove();
}

static void add_both(TCase *tests)
{
        tcase_add_test(tests, at_once);
        tcase_add_test(tests, short_in_the_middle);
        tcase_add_test(tests, interrupted);
        tcase_add_test(tests, the_end_of_the_file);
        tcase_add_test(tests, long_ones_are_cut);
        tcase_add_test(tests, refused);
        tcase_add_test(tests, refused_in_the_middle);
        tcase_add_test(tests, no_descriptor);
        tcase_add_test(tests, an_error);
        tcase_add_test(tests, a_file_that_was_cut);
        tcase_add_test(tests, cancelled);
        tcase_add_test(tests, not_worth_it_or_no_room);
        tcase_add_test(tests, cached_pages_are_counted);
        tcase_add_test(tests, ends_are_probed);
        tcase_add_test(tests, pieces);
}

int main(void)
{
        Suite *suite = suite_create("request");
        TCase *by_pread = tcase_create("pread"), *by_uring = tcase_create("uring");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(by_pread, set_up, tear_down);
        tcase_add_checked_fixture(by_uring, set_up_uring, tear_down);
        add_both(by_pread);
        add_both(by_uring);
        request_add_pread(by_pread);
        request_add_uring(by_uring);
        suite_add_tcase(suite, by_pread);
        suite_add_tcase(suite, by_uring);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
