/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many headers at once: what several threads make of them is what one makes of each, whatever is wrong with
 * some, and whatever the system refuses. The linker sends allocations, pthread_create and the question for
 * processors here (--wrap).
 */
#include "headers.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/resources.h"

enum {
        FILES = 24,
        LARGE = 64 * 1024, /* bytes of a text: enough of them for threads */
        SMALL = 1024,
        OTHERS_MAX = 7, /* threads beside the caller's */
};

/* ---- calls that fail when told to ---- */

static atomic_long until = -1; /* allocations up to the one that fails; below zero when none is wanted */
static unsigned creations, failing_creation;
static unsigned processors = 16; /* 0: more than a set has room for */
static bool signals_got_in;

static bool fails(void)
{
        return atomic_fetch_sub(&until, 1) == 1;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
int __wrap_sched_getaffinity(pid_t process, size_t size, cpu_set_t *set);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);

void *__wrap_malloc(size_t size)
{
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
        return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
        return fails() ? NULL : __real_realloc(old, size);
}

/* Nothing of Check is called here: its allocations are counted, too. */
int __wrap_sched_getaffinity(pid_t process, size_t size, cpu_set_t *set)
{
        if (process != 0 || processors == 0) {
                errno = EINVAL;
                return -1;
        }
        memset(set, 0, size);
        for (unsigned i = 0; i < processors; i++)
                CPU_SET(3 * i, set);
        return 0;
}

static bool is_blocked(int number)
{
        sigset_t now;

        pthread_sigmask(SIG_SETMASK, NULL, &now);
        return sigismember(&now, number) == 1;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
        signals_got_in = signals_got_in || !is_blocked(SIGINT) || !is_blocked(SIGCHLD);
        return ++creations == failing_creation ? EAGAIN
                                               : __real_pthread_create(thread, attributes, run, argument);
}

/* ---- headers ---- */

/* A text: tensors of two or four bytes, in `size` bytes or somewhat more, then blanks up to `padded`. */
static void make_header(struct hf_header *header, unsigned file, size_t size, size_t padded)
{
        const unsigned columns = 1 + file % 2;
        char *text = malloc((size > padded ? size : padded) + 256);
        size_t length = 1;
        unsigned i;

        ck_assert_ptr_nonnull(text);
        text[0] = '{';
        for (i = 0; length < size; i++)
                length += (size_t)sprintf(
                        text + length,
                        "%s\"file%u.tensor%u\":{\"dtype\":\"I8\",\"shape\":[2,%u],\"data_offsets\":[%u,%u]}",
                        i ? "," : "", file, i, columns, i * 2 * columns, (i + 1) * 2 * columns);
        text[length++] = '}';
        for (; length < padded; length++)
                text[length] = ' ';
        *header = (struct hf_header){.text = text,
                                     .length = length,
                                     .file_size = HF_SAFETENSORS_PREFIX + length + (uint64_t)i * 2 * columns};
}

static void make_headers(struct hf_header headers[FILES], size_t size, size_t padded)
{
        for (unsigned i = 0; i < FILES; i++)
                make_header(&headers[i], i, size + i * 100, padded);
}

static bool is_same(const struct hf_tensor *a, const struct hf_tensor *b)
{
        return hf_name_compare(&a->name, &b->name) == 0 && a->begin == b->begin && a->end == b->end &&
               a->dtype == b->dtype && a->rank == 2 && b->rank == 2 &&
               memcmp(a->shape, b->shape, 2 * sizeof *a->shape) == 0;
}

/* What one thread makes of it. */
static void expect_alone(const struct hf_header *header)
{
        struct hf_safetensors table;
        struct hf_error error;
        size_t same = 0;

        ck_assert(!header->failed);
        ck_assert_int_eq(
                hf_safetensors_parse(header->text, header->length, header->file_size, NULL, &table, &error),
                0);
        ck_assert_uint_eq(header->table.data, table.data);
        ck_assert_uint_eq(header->table.n_tensors, table.n_tensors);
        while (same < table.n_tensors && is_same(&header->table.tensors[same], &table.tensors[same]))
                same++;
        ck_assert_uint_eq(same, table.n_tensors);
        hf_safetensors_deinit(&table);
}

static void expect_all(struct hf_header headers[FILES])
{
        for (unsigned i = 0; i < FILES; i++)
                expect_alone(&headers[i]);
        hf_headers_deinit(headers, FILES);
}

/* The processors, and the threads that they are good for. */
static const struct {
        unsigned processors, others;
} hosts[] = {{16, OTHERS_MAX}, {8, 7}, {7, 6}, {2, 1}, {1, 0}, {0, OTHERS_MAX}};

START_TEST(as_one_thread_does)
{
        struct hf_header headers[FILES];

        processors = hosts[_i].processors;
        make_headers(headers, LARGE, 0);
        hf_headers_parse(headers, FILES, NULL);
        ck_assert_uint_eq(creations, hosts[_i].others);
        ck_assert(!signals_got_in);
        ck_assert(!is_blocked(SIGINT));
        expect_all(headers);
}
END_TEST

START_TEST(little_text_needs_no_thread)
{
        struct hf_header headers[FILES];

        make_headers(headers, SMALL, 0);
        hf_headers_parse(headers, FILES, NULL);
        ck_assert_uint_eq(creations, 0);
        expect_all(headers);
}
END_TEST

START_TEST(no_more_threads_than_headers)
{
        struct hf_header headers[FILES];

        make_headers(headers, SMALL, (size_t)LARGE * 20);
        hf_headers_parse(headers, 1, NULL);
        ck_assert_uint_eq(creations, 0);
        hf_headers_parse(headers + 1, 2, NULL);
        ck_assert_uint_eq(creations, 1);
        hf_headers_parse(headers + 3, FILES - 3, NULL);
        expect_all(headers);
}
END_TEST

/* The others are none the worse for it, and one that cannot be read is passed over. */
START_TEST(some_are_broken)
{
        const struct hf_safetensors_options options = {.allow_trailing = true};
        struct hf_header headers[FILES];

        make_headers(headers, LARGE, 0);
        headers[2].text[0] = '[';
        headers[7].file_size -= 1;
        headers[8].text[headers[8].length - 1] = ' ';
        headers[13].file_size += 5;
        free(headers[19].text);
        headers[19].text = NULL;
        hf_headers_parse(headers, FILES, &options);
        ck_assert_int_eq(headers[2].error->reason, HF_BAD_TYPE);
        ck_assert_int_eq(headers[7].error->reason, HF_BAD_DATA_MISSING);
        ck_assert_int_eq(headers[8].error->reason, HF_BAD_JSON);
        for (unsigned i = 0; i < FILES; i++) {
                bool broken = i == 2 || i == 7 || i == 8;

                ck_assert(headers[i].failed == broken && (headers[i].error != NULL) == broken);
                ck_assert_uint_eq(headers[i].table.trailing, i == 13 ? 5 : 0);
                if (broken || i == 19)
                        ck_assert_ptr_null(headers[i].table.tensors);
                else if (i != 13)
                        expect_alone(&headers[i]);
        }
        hf_headers_deinit(headers, FILES);
}
END_TEST

/* One that cannot be made is not tried again, nor are those after it. */
START_TEST(threads_that_cannot_be_made)
{
        unsigned n;

        for (n = 1; n <= OTHERS_MAX; n++) {
                struct hf_header headers[FILES];

                creations = 0;
                failing_creation = n;
                make_headers(headers, LARGE, 0);
                hf_headers_parse(headers, FILES, NULL);
                ck_assert_uint_eq(creations, n);
                ck_assert(!is_blocked(SIGINT));
                expect_all(headers);
        }
}
END_TEST

/* Every allocation of every thread fails once: the header is out of memory, all others are right. */
START_TEST(out_of_memory)
{
        struct hf_header headers[FILES];
        resources before;
        long n = 0, left = 0;

        make_headers(headers, SMALL, LARGE);
        hf_headers_parse(headers, FILES, NULL);
        expect_all(headers);
        before = resources_now();
        while (left <= 0) {
                unsigned failed = 0;

                make_headers(headers, SMALL, LARGE);
                atomic_store(&until, ++n);
                hf_headers_parse(headers, FILES, NULL);
                left = atomic_exchange(&until, -1);
                for (unsigned i = 0; i < FILES; i++) {
                        if (!headers[i].failed)
                                continue;
                        failed++;
                        ck_assert_int_eq(headers[i].error->reason, HF_BAD_MEMORY);
                        ck_assert_ptr_null(headers[i].table.tensors);
                }
                ck_assert_uint_eq(failed, left <= 0);
                hf_headers_deinit(headers, FILES);
        }
        ck_assert_int_gt(n, FILES * 3);
        resources_expect_same(&before, 64 << 10);
}
END_TEST

START_TEST(no_memory_to_say_so)
{
        struct hf_header header = {.text = NULL};
        struct hf_error error;

        hf_error_set(&error, HF_BAD_TYPE, 0, NULL, "wrong");
        atomic_store(&until, 1);
        hf_header_fail(&header, &error);
        atomic_store(&until, -1);
        ck_assert(header.failed);
        ck_assert_ptr_null(header.error);
        hf_headers_deinit(&header, 1);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-headers");
        TCase *tcase = tcase_create("headers");
        SRunner *runner;
        int failed;

        tcase_set_timeout(tcase, 100);
        tcase_add_loop_test(tcase, as_one_thread_does, 0, sizeof hosts / sizeof *hosts);
        tcase_add_test(tcase, little_text_needs_no_thread);
        tcase_add_test(tcase, no_more_threads_than_headers);
        tcase_add_test(tcase, some_are_broken);
        tcase_add_test(tcase, threads_that_cannot_be_made);
        tcase_add_test(tcase, out_of_memory);
        tcase_add_test(tcase, no_memory_to_say_so);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
