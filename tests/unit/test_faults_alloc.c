/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running out of memory at every single allocation of a load: the n-th fails, for n = 1, 2, … until a load
 * gets through untouched. The linker sends the library's and the stock plugins' allocations here (--wrap);
 * those of jansson are its own business, for it calls some of its failures syntax errors.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ckpt/ckpt.h>

#include "core/base/trace.h"
#include "support/checkpoint.h"
#include "support/loading.h"
#include "support/resources.h"
#include "support/scratch.h"
#include "support/timeline.h"

#include <check.h>

extern const ckpt_plugin ckpt_plugin_hf, ckpt_plugin_gemma3;

/* ---- allocations that fail when told to ---- */

/* Counts down to the failure; far below zero when none is wanted. */
static atomic_llong until = -1;

static bool fails(void)
{
        return atomic_fetch_sub(&until, 1) == 1;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **ret_memory, size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
int __real_vasprintf(char **ret_text, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **ret_memory, size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_asprintf(char **ret_text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));

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

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
        return fails() ? NULL : __real_reallocarray(old, count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
        return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
        return fails() ? ENOMEM : __real_posix_memalign(ret_memory, alignment, size);
}

char *__wrap_strdup(const char *text)
{
        return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
        return fails() ? NULL : __real_strndup(text, size);
}

int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments)
{
        return fails() ? -1 : __real_vasprintf(ret_text, format, arguments);
}

int __wrap_asprintf(char **ret_text, const char *format, ...)
{
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = __wrap_vasprintf(ret_text, format, arguments);
        va_end(arguments);
        return length;
}

/* ---- what is done with little memory ---- */

/* Nothing of Check is called meanwhile: its allocations are counted too. */
typedef struct sweep_job {
        ckpt_host *host; /* kept over the sweep, or NULL: each round makes its own */
        const char *fixture;
        const char *device; /* NULL: cpu */
        ckpt_mapping mapping;
        char path[1024];
        bool is_copied;    /* what is loaded is the scratch directory */
        const char *out;   /* where it is exported to, or NULL */
        const char *trace; /* where its timeline goes, or NULL */
} sweep_job;

static void ignore_line(void *context, ckpt_log_level level, const char *line)
{
        (void)context;
        (void)level;
        (void)line;
}

static ckpt_status make_host(ckpt_host **ret_host)
{
        ckpt_host *host = NULL;
        ckpt_status r = ckpt_host_new(&host);

        if (r == CKPT_OK) {
                ckpt_host_set_log(host, ignore_line, NULL, CKPT_LOG_DEBUG);
                r = ckpt_host_add_plugin(host, &ckpt_plugin_hf);
        }
        if (r == CKPT_OK)
                r = ckpt_host_add_plugin(host, &ckpt_plugin_gemma3);
        if (r == CKPT_OK)
                r = ckpt_host_set_backend_dir(host, getenv("CKPT_TEST_FAKE_CUDA"));
        if (r)
                ckpt_host_free(host);
        else
                *ret_host = host;
        return r;
}

static ckpt_status run_job(const sweep_job *job, ckpt_host *host, ckpt_model **ret_model)
{
        static const ckpt_pair renames[] = {{"nothing\\.(.*)", "something.$1"}};
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_load *load = NULL;
        ckpt_model *model = NULL;
        ckpt_status r;

        options.device = job->device;
        options.mapping = job->mapping;
        options.params_map = renames;
        options.n_params_map = 1;
        options.digest = 1;
        options.readers = 1;
        options.trace = job->trace;
        r = ckpt_load_new(host, &options, &load);
        if (r == CKPT_OK)
                r = ckpt_load_set_path(load, job->path);
        if (r == CKPT_OK)
                r = ckpt_load_run(load, &model);
        if (r == CKPT_OK && job->out)
                r = ckpt_load_export(load, model, job->out);
        if (r)
                ckpt_model_unref(model);
        else
                *ret_model = model;
        ckpt_load_free(load);
        return r;
}

static ckpt_status run_round(const sweep_job *job, ckpt_model **ret_model)
{
        ckpt_host *host = job->host;
        ckpt_status r = host ? CKPT_OK : make_host(&host);

        if (r == CKPT_OK)
                r = run_job(job, host, ret_model);
        if (!job->host && host)
                ckpt_host_free(host);
        return r;
}

/* What a failed allocation may end with: a device has no more memory in words of its own. */
static bool is_fair(ckpt_status r)
{
        return r == CKPT_OK || r == CKPT_E_NOMEM || r == CKPT_E_DEVICE;
}

/* Whatever fails, the load ends with "out of memory" or, where memory was only wanted for words, well. */
static void sweep(sweep_job *job, const char *golden)
{
        long long n = 0, left = 0, survived = 0;
        ckpt_model *first = NULL;
        const unsigned files = scratch_count();
        resources before;

        snprintf(job->path, sizeof(job->path), "%s",
                 job->is_copied ? scratch_directory() : fixture_path(job->fixture));
        ck_assert_int_eq(run_round(job, &first), CKPT_OK);
        ckpt_model_unref(first);
        if (job->out)
                unlink(job->out);
        before = resources_now();
        while (left <= 0) {
                ckpt_model *model = NULL;
                ckpt_status r;

                atomic_store(&until, ++n);
                r = run_round(job, &model);
                left = atomic_exchange(&until, -1);
                if (job->trace)
                        unlink(job->trace);
                ck_assert_msg(is_fair(r), "allocation %lld failed and the load ended with '%s'", n,
                              ckpt_status_name(r));
                if (r == CKPT_OK) {
                        ck_assert_msg(matches_golden(model, job->fixture, golden),
                                      "allocation %lld failed, the model is wrong", n);
                        survived += left <= 0;
                } else {
                        ck_assert_uint_eq(scratch_count(), files);
                }
                ckpt_model_unref(model);
                if (job->out)
                        unlink(job->out);
        }
        printf("# %lld allocations, %lld of them not needed\n", n - 1, survived);
        fflush(stdout);
        ck_assert_int_gt(n, 50);
        resources_expect_same(&before, 64 << 10);
}

START_TEST(a_load_on_a_host)
{
        sweep_job job = {.fixture = "gemma3-bf16-sharded", .mapping = CKPT_MAPPING_INIT};

        job.mapping.tp_size = 4;
        job.mapping.tp_rank = 3;
        job.out = scratch_path("out.safetensors");
        ck_assert_int_eq(make_host(&job.host), CKPT_OK);
        sweep(&job, "tp4-rank3");
        ckpt_host_free(job.host);
}
END_TEST

/* Its timeline is written whole or left out. */
START_TEST(a_traced_load)
{
        sweep_job job = {.fixture = "gemma3-bf16", .mapping = CKPT_MAPPING_INIT};

        job.trace = scratch_path("trace.json");
        ck_assert_int_eq(make_host(&job.host), CKPT_OK);
        sweep(&job, "tp1-rank0");
        ckpt_host_free(job.host);
}
END_TEST

/* First there is no track, then no block; both spans are missing, and the third is there. */
START_TEST(spans_without_memory)
{
        const char *path = scratch_path("trace.json");
        ckpt_trace *trace = ckpt_trace_new();
        json_t *root;

        for (long long n = 1; n <= 3; n++) {
                atomic_store(&until, n);
                ckpt_trace_span(trace, "read", 0, (uint64_t)n);
                atomic_store(&until, -1);
        }
        ck_assert_int_eq(ckpt_trace_write(trace, NULL, path), CKPT_OK);
        root = timeline_read(path);
        ck_assert_int_eq(timeline_total(root, "spans"), 1);
        ck_assert_int_eq(timeline_total(root, "dropped"), 2);
        ck_assert_int_eq(timeline_bytes(timeline_span(root, 0, "read", 0)), 3);
        json_decref(root);
        ckpt_trace_free(trace);
}
END_TEST

START_TEST(a_host_and_a_load)
{
        sweep_job job = {.fixture = "qwen2", .mapping = CKPT_MAPPING_INIT};

        sweep(&job, "tp1-rank0");
}
END_TEST

/* In threads that share the headers, too. */
START_TEST(headers_in_threads)
{
        sweep_job job = {.fixture = "gemma3-bf16-sharded", .is_copied = true, .mapping = CKPT_MAPPING_INIT};

        checkpoint_copy(job.fixture);
        for (unsigned i = 1; i <= 4; i++) {
                char name[64];

                snprintf(name, sizeof(name), "model-0000%u-of-00004.safetensors", i);
                checkpoint_pad(name, 400000);
        }
        ck_assert_int_eq(make_host(&job.host), CKPT_OK);
        sweep(&job, "tp1-rank0");
        ckpt_host_free(job.host);
}
END_TEST

/* The fake CUDA runtime's allocations are its own. */
START_TEST(a_host_and_a_load_on_a_device)
{
        sweep_job job = {.fixture = "gemma3-bf16-sharded", .device = "cuda:0", .mapping = CKPT_MAPPING_INIT};

        sweep(&job, "tp1-rank0");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("faults-alloc");
        TCase *tcase = tcase_create("alloc");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, scratch_new, scratch_remove);
        tcase_set_timeout(tcase, 100);
        tcase_add_test(tcase, a_load_on_a_host);
        tcase_add_test(tcase, a_traced_load);
        tcase_add_test(tcase, spans_without_memory);
        tcase_add_test(tcase, a_host_and_a_load);
        tcase_add_test(tcase, headers_in_threads);
        tcase_add_test(tcase, a_host_and_a_load_on_a_device);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
