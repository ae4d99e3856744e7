/* SPDX-License-Identifier: Apache-2.0 */
#include "sweep.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/loading.h"
#include "support/scratch.h"

#include <check.h>

/* What the C library's caches may keep over a whole sweep. */
#define HEAP_SLACK (256u << 10)

/* No sweep is this long: a fault that always comes would never end it. */
#define ROUNDS_MAX 4000

extern const ckpt_plugin ckpt_plugin_hf, ckpt_plugin_gemma3;

const fake_cuda_control *sweep_fake(void)
{
        static const fake_cuda_control *fake;
        char path[1024];
        void *library;

        if (fake)
                return fake;
        snprintf(path, sizeof(path), "%s/ckpt-cuda.so", test_place("CKPT_TEST_FAKE_CUDA"));
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        ck_assert_msg(library != NULL, "%s", dlerror());
        fake = dlsym(library, FAKE_CUDA_SYMBOL);
        ck_assert_ptr_nonnull(fake);
        return fake;
}

static void ignore_line(void *context, ckpt_log_level level, const char *line)
{
        (void)context;
        (void)level;
        (void)line;
}

ckpt_host *sweep_host(void)
{
        ckpt_host *host = NULL;

        ck_assert_int_eq(ckpt_host_new(&host), CKPT_OK);
        ckpt_host_set_log(host, ignore_line, NULL, CKPT_LOG_DEBUG);
        ck_assert_int_eq(ckpt_host_add_plugin(host, &ckpt_plugin_hf), CKPT_OK);
        ck_assert_int_eq(ckpt_host_add_plugin(host, &ckpt_plugin_gemma3), CKPT_OK);
        ck_assert_int_eq(ckpt_host_set_backend_dir(host, test_place("CKPT_TEST_FAKE_CUDA")), CKPT_OK);
        return host;
}

/* Nothing of Check is called here: faults are armed. */
ckpt_status sweep_load(const sweep_job *job, ckpt_host *host, ckpt_load **ret_load, ckpt_model **ret_model)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        char path[1024];
        ckpt_status r;

        snprintf(path, sizeof(path), "%s/%s", getenv("CKPT_TEST_FIXTURES"), job->fixture);
        options.device = job->device;
        options.mapping = job->mapping;
        options.staging_bytes = job->staging_bytes;
        options.readers = job->readers;
        options.io = job->io;
        options.digest = 1;
        r = ckpt_load_new(host, &options, ret_load);
        if (r == CKPT_OK)
                r = ckpt_load_set_path(*ret_load, job->path ? job->path : path);
        if (r == CKPT_OK)
                r = ckpt_load_run(*ret_load, ret_model);
        return r;
}

bool sweep_is_good(const sweep_job *job, const ckpt_model *model)
{
        return matches_golden(model, job->fixture, job->golden);
}

void sweep_expect_good(const sweep_job *job, ckpt_host *host)
{
        ckpt_load *load = NULL;
        ckpt_model *model = NULL;
        const ckpt_status r = sweep_load(job, host, &load, &model);

        expect_status(load, r, CKPT_OK);
        ck_assert_msg(sweep_is_good(job, model), "%s on %s has wrong bytes", job->fixture, job->device);
        ckpt_model_unref(model);
        ckpt_load_free(load);
}

sweep_state sweep_state_now(void)
{
        sweep_state state = {.process = resources_now()};

        sweep_fake()->get_counts(&state.device);
        return state;
}

void sweep_expect_back(const sweep_state *before, const char *what, uint64_t n)
{
        const fake_cuda_counts *was = &before->device;
        fake_cuda_counts now;

        sweep_fake()->get_counts(&now);
        ck_assert_msg(now.device_bytes == was->device_bytes && now.pinned_bytes == was->pinned_bytes &&
                              now.registered_ranges == was->registered_ranges,
                      "%s %" PRIu64 ": %" PRIu64 " bytes of the device, %" PRIu64 " pinned and %" PRIu64
                      " registered ranges are left",
                      what, n, now.device_bytes, now.pinned_bytes, now.registered_ranges);
        ck_assert_msg(now.streams == was->streams && now.events == was->events,
                      "%s %" PRIu64 ": %" PRIu64 " streams and %" PRIu64 " events are left", what, n,
                      now.streams, now.events);
        ck_assert_msg(now.misuses == was->misuses, "%s %" PRIu64 ": %s", what, n, now.misuse);
        resources_expect_same(&before->process, HEAP_SLACK);
}

static bool is_fair(const sweep_fault *fault, ckpt_status r)
{
        if (r == CKPT_OK)
                return fault->may_succeed;
        for (unsigned i = 0; fault->fair[i]; i++)
                if (fault->fair[i] == r)
                        return true;
        return false;
}

/* With too little memory there may be none to say so. */
static void expect_fair(const sweep_fault *fault, uint64_t n, const ckpt_load *load, ckpt_status r)
{
        ckpt_diagnostic d = {.text = "no reason"};

        for (uint64_t i = 0; load && ckpt_load_diagnostic(load, i, &d) == CKPT_OK && d.status == CKPT_OK; i++)
                ;
        ck_assert_msg(is_fair(fault, r), "%s %" PRIu64 " failed and the load ended with '%s': %s",
                      fault->name, n, ckpt_status_name(r), d.text);
        if (r == CKPT_OK || (r == CKPT_E_NOMEM && d.status == CKPT_OK))
                return;
        ck_assert_msg(d.status == r, "%s %" PRIu64 ": the load ended with '%s', its reason is '%s': %s",
                      fault->name, n, ckpt_status_name(r), ckpt_status_name(d.status), d.text);
        ck_assert_msg(!fault->word || strstr(d.text, fault->word), "%s %" PRIu64 ": no '%s' in: %s",
                      fault->name, n, fault->word, d.text);
}

/* A fault that did not come leaves a load like any other. */
static bool run_round(const sweep_job *job, const sweep_fault *fault, uint64_t n)
{
        ckpt_host *host = sweep_host();
        ckpt_load *load = NULL;
        ckpt_model *model = NULL;
        ckpt_status r;
        bool came;

        fault->arm(fault, n);
        r = sweep_load(job, host, &load, &model);
        came = fault->disarm(fault);
        if (came)
                expect_fair(fault, n, load, r);
        else
                expect_status(load, r, CKPT_OK);
        ck_assert((r == CKPT_OK) == (model != NULL));
        if (model)
                ck_assert_msg(sweep_is_good(job, model), "%s %" PRIu64 ": the model is wrong", fault->name,
                              n);
        ckpt_model_unref(model);
        ckpt_load_free(load);
        if (came)
                sweep_expect_good(job, host);
        ckpt_host_free(host);
        return came;
}

uint64_t sweep_run(const sweep_job *job, const sweep_fault *fault)
{
        ckpt_host *host = sweep_host();
        sweep_state before;
        uint64_t n = 1;

        sweep_fake()->reset();
        sweep_expect_good(job, host);
        ckpt_host_free(host);
        before = sweep_state_now();
        while (run_round(job, fault, n)) {
                sweep_expect_back(&before, fault->name, n);
                ck_assert_uint_lt(n, ROUNDS_MAX);
                n++;
        }
        sweep_expect_back(&before, fault->name, n);
        printf("# %s on %s: %" PRIu64 " calls failed, one after the other\n", fault->name, job->device,
               n - 1);
        fflush(stdout);
        return n - 1;
}
