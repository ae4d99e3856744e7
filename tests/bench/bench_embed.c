/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An engine that loads a checkpoint several times, for bench_device.py: what ckpt_load_run takes by the wall
 * clock, and what it says about itself, one JSON object for all. It knows the public header alone.
 *
 *     bench-embed [OPTION VALUE]... CHECKPOINT
 *
 * --device D, --loads K (3), --plugin-dir DIR, --io auto|buffered|direct|mapped, --readers N, --ring BYTES,
 * --tp-size N, --tp-rank R, and --first CHECKPOINT, a load that is not counted.
 *
 * An engine has a CUDA context before it loads. So this makes the device's primary context, through the
 * driver, before the clock runs; nothing of the library is in it. The first load then makes the library's own
 * state on the device (code, streams, the ring of staging memory), later ones find it, and after --first the
 * counted first one finds it too. Each model is freed before the next load.
 */

#include <dlfcn.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ckpt/ckpt.h>

static const char *const io_names[] = {"auto", "buffered", "direct", "mapped"};

#define N_IO_NAMES (sizeof(io_names) / sizeof(io_names[0]))

typedef struct bench {
        ckpt_load_options options;
        const char *plugin_dir, *first, *checkpoint;
        uint64_t loads;
} bench;

static double now(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void print_json_string(const char *text)
{
        putchar('"');
        for (const char *c = text != NULL ? text : ""; *c != '\0'; c++) {
                if (*c == '"' || *c == '\\')
                        putchar('\\');
                putchar((unsigned char)*c < ' ' ? ' ' : *c);
        }
        putchar('"');
}

/* ---- options ---- */

static bool parse_count(const char *text, uint64_t most, uint64_t *ret_count)
{
        char *end;
        const unsigned long long count = strtoull(text, &end, 10);

        if (*text < '0' || *text > '9' || *end != '\0' || count > most)
                return false;
        *ret_count = count;
        return true;
}

static bool parse_io(const char *text, ckpt_io *ret_io)
{
        for (size_t i = 0; i < N_IO_NAMES; i++)
                if (strcmp(text, io_names[i]) == 0) {
                        *ret_io = (ckpt_io)i;
                        return true;
                }
        return false;
}

static bool parse_option(bench *b, const char *name, const char *value)
{
        uint64_t count = 0;

        if (strcmp(name, "--device") == 0)
                b->options.device = value;
        else if (strcmp(name, "--plugin-dir") == 0)
                b->plugin_dir = value;
        else if (strcmp(name, "--first") == 0)
                b->first = value;
        else if (strcmp(name, "--io") == 0)
                return parse_io(value, &b->options.io);
        else if (strcmp(name, "--ring") == 0)
                return parse_count(value, UINT64_MAX, &b->options.staging_bytes);
        else if (!parse_count(value, INT32_MAX, &count))
                return false;
        else if (strcmp(name, "--loads") == 0)
                b->loads = count;
        else if (strcmp(name, "--readers") == 0)
                b->options.readers = (uint32_t)count;
        else if (strcmp(name, "--tp-size") == 0)
                b->options.mapping.tp_size = (int32_t)count;
        else if (strcmp(name, "--tp-rank") == 0)
                b->options.mapping.tp_rank = (int32_t)count;
        else
                return false;
        return true;
}

static bool parse_arguments(bench *b, int argc, char **argv)
{
        if (argc % 2 != 0) /* the program, pairs, and the checkpoint make an even number */
                return false;
        for (int i = 1; i + 1 < argc; i += 2)
                if (!parse_option(b, argv[i], argv[i + 1])) {
                        fprintf(stderr, "bench-embed: %s %s is no option and its value\n", argv[i],
                                argv[i + 1]);
                        return false;
                }
        b->checkpoint = argv[argc - 1];
        return b->loads > 0;
}

/* ---- context ---- */

/* The functions of the driver that make a context; their names and types are part of its ABI. */
typedef struct driver {
        int (*init)(unsigned flags);
        int (*device_get)(int *ret_device, int ordinal);
        int (*retain)(void **ret_context, int device);
        int (*set_current)(void *context);
        int (*alloc)(unsigned long long *ret_memory, size_t size);
} driver;

static bool find_function(void *library, const char *name, void *ret_function)
{
        void *const symbol = dlsym(library, name);

        if (symbol == NULL)
                fprintf(stderr, "bench-embed: the CUDA driver has no %s: %s\n", name, dlerror());
        else
                memcpy(ret_function, &symbol, sizeof(symbol));
        return symbol != NULL;
}

static bool open_driver(driver *d)
{
        void *const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

        if (library == NULL) {
                fprintf(stderr, "bench-embed: no CUDA driver: %s\n", dlerror());
                return false;
        }
        return find_function(library, "cuInit", &d->init) &&
               find_function(library, "cuDeviceGet", &d->device_get) &&
               find_function(library, "cuDevicePrimaryCtxRetain", &d->retain) &&
               find_function(library, "cuCtxSetCurrent", &d->set_current) &&
               find_function(library, "cuMemAlloc_v2", &d->alloc);
}

/* With a first allocation, which is what makes it whole. The process keeps both. */
static bool make_context(const char *device)
{
        const char *const number = strchr(device, ':');
        const int ordinal = number != NULL ? atoi(number + 1) : 0;
        unsigned long long memory;
        void *context;
        driver d;
        int handle, r;

        if (!open_driver(&d))
                return false;
        r = d.init(0);
        if (r == 0)
                r = d.device_get(&handle, ordinal);
        if (r == 0)
                r = d.retain(&context, handle);
        if (r == 0)
                r = d.set_current(context);
        if (r == 0)
                r = d.alloc(&memory, 4096);
        if (r != 0)
                fprintf(stderr, "bench-embed: no context on %s: CUresult %d\n", device, r);
        return r == 0;
}

/* ---- loads ---- */

static void print_stats(const ckpt_load_stats *stats)
{
#define SECONDS(name)                                  \
        {                                              \
#                name, offsetof(ckpt_load_stats, name) \
        }
        static const struct {
                const char *name;
                size_t offset;
        } seconds[] = {SECONDS(config_seconds), SECONDS(weights_seconds),  SECONDS(map_seconds),
                       SECONDS(plan_seconds),   SECONDS(allocate_seconds), SECONDS(execute_seconds),
                       SECONDS(digest_seconds), SECONDS(ring_seconds)},
          counts[] = {SECONDS(bytes_read),      SECONDS(bytes_final),    SECONDS(reads),
                      SECONDS(copies),          SECONDS(kernels),        SECONDS(host_peak),
                      SECONDS(device_peak),     SECONDS(ring_bytes),     SECONDS(bytes_headers),
                      SECONDS(bytes_to_device), SECONDS(bytes_buffered), SECONDS(bytes_direct),
                      SECONDS(bytes_mapped)};
#undef SECONDS

        for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
                double value;

                memcpy(&value, (const char *)stats + seconds[i].offset, sizeof(value));
                printf(", \"%s\": %.6f", seconds[i].name, value);
        }
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
                uint64_t value;

                memcpy(&value, (const char *)stats + counts[i].offset, sizeof(value));
                printf(", \"%s\": %" PRIu64, counts[i].name, value);
        }
        printf(", \"readers\": %" PRIu32, stats->readers);
}

static void print_io(const char *name, ckpt_io io)
{
        printf(", \"%s\": ", name);
        print_json_string(io >= 0 && (size_t)io < N_IO_NAMES ? io_names[io] : "unknown");
}

static void print_load(const ckpt_load *load, double seconds)
{
        ckpt_load_stats stats;

        ckpt_load_get_stats(load, &stats);
        printf("{\"wall_seconds\": %.6f", seconds);
        print_stats(&stats);
        print_io("io_requested", stats.io_requested);
        print_io("io_chosen", stats.io_chosen);
        print_io("io_effective", stats.io_effective);
        printf(", \"io_engine\": ");
        print_json_string(stats.io_engine);
        printf(", \"io_why\": ");
        print_json_string(stats.io_why);
        printf("}");
}

static void print_diagnostics(const ckpt_load *load)
{
        ckpt_diagnostic diagnostic;

        for (uint64_t i = 0; ckpt_load_diagnostic(load, i, &diagnostic) == CKPT_OK; i++)
                fprintf(stderr, "bench-embed: %s\n", diagnostic.text);
}

static ckpt_status run_load(ckpt_host *host, const bench *b, const char *checkpoint, bool print)
{
        ckpt_model *model = NULL;
        ckpt_load *load = NULL;
        double start, seconds;
        ckpt_status r = ckpt_load_new(host, &b->options, &load);

        if (r < 0) {
                fprintf(stderr, "bench-embed: %s\n", ckpt_host_error(host));
                return r;
        }
        r = ckpt_load_set_path(load, checkpoint);
        start = now();
        if (r >= 0)
                r = ckpt_load_run(load, &model);
        seconds = now() - start;
        print_diagnostics(load);
        if (r >= 0 && print)
                print_load(load, seconds);
        (void)ckpt_model_unref(model);
        (void)ckpt_load_free(load);
        return r;
}

static ckpt_status run_loads(ckpt_host *host, const bench *b)
{
        ckpt_status r = b->first != NULL ? run_load(host, b, b->first, false) : CKPT_OK;

        printf(", \"loads\": [");
        for (uint64_t i = 0; i < b->loads && r >= 0; i++) {
                printf("%s", i > 0 ? ", " : "");
                r = run_load(host, b, b->checkpoint, true);
        }
        printf("]");
        return r;
}

static ckpt_status make_host(const bench *b, ckpt_host **ret_host)
{
        ckpt_host *host;
        ckpt_status r = ckpt_host_new(&host);

        if (r < 0) {
                fprintf(stderr, "bench-embed: no host: %s\n", ckpt_status_name(r));
                return r;
        }
        r = ckpt_host_add_plugin_dir(host, b->plugin_dir);
        if (r < 0) {
                fprintf(stderr, "bench-embed: %s\n", ckpt_host_error(host));
                (void)ckpt_host_free(host);
                return r;
        }
        *ret_host = host;
        return r;
}

int main(int argc, char **argv)
{
        bench b = {.options = CKPT_LOAD_OPTIONS_INIT, .loads = 3};
        const double start = now();
        ckpt_host *host = NULL;
        double context, hosted;
        ckpt_status r;

        if (!parse_arguments(&b, argc, argv)) {
                fprintf(stderr, "usage: %s [OPTION VALUE]... CHECKPOINT\n", argv[0]);
                return 2;
        }
        if (b.options.device != NULL && strncmp(b.options.device, "cuda", 4) == 0 &&
            !make_context(b.options.device))
                return EXIT_FAILURE;
        context = now();
        r = make_host(&b, &host);
        if (r < 0)
                return EXIT_FAILURE;
        hosted = now();
        printf("{\"context_seconds\": %.6f, \"host_seconds\": %.6f", context - start, hosted - context);
        r = run_loads(host, &b);
        printf(", \"status\": ");
        print_json_string(ckpt_status_name(r));
        printf("}\n");
        (void)ckpt_host_free(host);
        return r < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
