/* SPDX-License-Identifier: Apache-2.0 */
#include "loading.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "scratch.h"

#include <check.h>

/* ---- host and log ---- */

static char log_lines[1 << 16];
static size_t log_used;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void keep_line(void *context, ckpt_log_level level, const char *line)
{
        (void)context;
        (void)level;
        pthread_mutex_lock(&log_lock);
        if (log_used + strlen(line) + 2 < sizeof(log_lines))
                log_used += (size_t)sprintf(log_lines + log_used, "%s\n", line);
        pthread_mutex_unlock(&log_lock);
}

ckpt_host *stock_host(void)
{
        ckpt_host *host = NULL;
        char path[1024];

        log_used = 0;
        ck_assert_int_eq(ckpt_host_new(&host), CKPT_OK);
        ckpt_host_set_log(host, keep_line, NULL, CKPT_LOG_INFO);
        for (unsigned i = 0; i < 2; i++) {
                snprintf(path, sizeof(path), "%s/%s.so", test_place("CKPT_TEST_PLUGINS"),
                         i ? "gemma3" : "hf");
                ck_assert_msg(ckpt_host_add_plugin_file(host, path) == CKPT_OK, "%s", ckpt_host_error(host));
        }
        return host;
}

static bool has_words(const char *text, const char *word, va_list words)
{
        for (; word; word = va_arg(words, const char *))
                if (!strstr(text, word))
                        return false;
        return true;
}

bool log_has(const char *word, ...)
{
        bool found = false;

        pthread_mutex_lock(&log_lock);
        for (char *line = log_lines, *end;
             !found && (end = memchr(line, '\n', log_used - (size_t)(line - log_lines))); line = end + 1) {
                va_list words;

                *end = '\0';
                va_start(words, word);
                found = has_words(line, word, words);
                va_end(words);
                *end = '\n';
        }
        pthread_mutex_unlock(&log_lock);
        return found;
}

/* ---- loads ---- */

const char *fixture_path(const char *name)
{
        static char path[1024];

        snprintf(path, sizeof(path), "%s/%s", test_place("CKPT_TEST_FIXTURES"), name);
        return path;
}

ckpt_load *run_load(ckpt_host *host, const char *path, const ckpt_load_options *options,
                    ckpt_status *ret_status, ckpt_model **ret_model)
{
        ckpt_load *load = NULL;

        ck_assert_msg(ckpt_load_new(host, options, &load) == CKPT_OK, "%s", ckpt_host_error(host));
        ck_assert_int_eq(ckpt_load_set_path(load, path), CKPT_OK);
        *ret_status = ckpt_load_run(load, ret_model);
        return load;
}

static void print_reasons(const ckpt_load *load)
{
        ckpt_diagnostic d;

        for (uint64_t i = 0; ckpt_load_diagnostic(load, i, &d) == CKPT_OK; i++)
                printf("# %s: %s\n", ckpt_status_name(d.status), d.text);
        fflush(stdout);
}

void expect_reason(const ckpt_load *load, ckpt_status status, const char *word, ...)
{
        ckpt_diagnostic d;
        va_list words;

        for (uint64_t i = 0; ckpt_load_diagnostic(load, i, &d) == CKPT_OK; i++) {
                bool found;

                va_start(words, word);
                found = d.status == status && has_words(d.text, word, words);
                va_end(words);
                if (found)
                        return;
        }
        print_reasons(load);
        ck_abort_msg("no reason of status '%s' has '%s' and the other words", ckpt_status_name(status), word);
}

unsigned count_reasons(const ckpt_load *load, const char *word)
{
        ckpt_diagnostic d;
        unsigned n = 0;

        for (uint64_t i = 0; ckpt_load_diagnostic(load, i, &d) == CKPT_OK; i++)
                n += d.status < 0 && strstr(d.text, word) != NULL;
        return n;
}

void expect_status(const ckpt_load *load, ckpt_status found, ckpt_status wanted)
{
        if (found != wanted)
                print_reasons(load);
        ck_assert_msg(found == wanted, "the load ended with '%s' and not with '%s'", ckpt_status_name(found),
                      ckpt_status_name(wanted));
        ck_assert(wanted == CKPT_OK || count_reasons(load, "") > 0);
}

/* ---- goldens ---- */

static void print_shape(const ckpt_param *param, char *text, size_t size)
{
        size_t at = 0;

        text[0] = '\0';
        for (uint32_t i = 0; i < param->rank; i++)
                at += (size_t)snprintf(text + at, size - at, "%s%" PRId64, i ? "," : "", param->shape[i]);
}

static void print_digest(const ckpt_model *model, const ckpt_param *param, char text[33])
{
        XXH128_canonical_t canonical;
        void *bytes = malloc(param->size + 1);

        text[0] = '\0';
        if (bytes && ckpt_model_read(model, param, 0, bytes, param->size) == CKPT_OK) {
                XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, param->size));
                for (unsigned i = 0; i < 16; i++)
                        snprintf(text + 2 * i, 3, "%02x", canonical.digest[i]);
        }
        free(bytes);
}

static bool matches_line(const ckpt_model *model, char *line)
{
        char *rest = NULL;
        const char *name = strtok_r(line, "\t", &rest), *dtype = strtok_r(NULL, "\t", &rest);
        const char *shape = strtok_r(NULL, "\t", &rest), *digest = strtok_r(NULL, "\t\n", &rest);
        const ckpt_param *param = name ? ckpt_model_find(model, name) : NULL;
        char found_shape[256], found_digest[33];

        if (!param || !digest)
                return false;
        print_shape(param, found_shape, sizeof(found_shape));
        print_digest(model, param, found_digest);
        return strcmp(ckpt_dtype_name(param->dtype), dtype) == 0 && strcmp(found_shape, shape) == 0 &&
               strcmp(found_digest, digest) == 0;
}

bool matches_golden(const ckpt_model *model, const char *fixture, const char *golden)
{
        char path[1024], line[1024];
        uint64_t lines = 0;
        bool same = true;
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s/expected/%s.tsv", getenv("CKPT_TEST_FIXTURES"), fixture, golden);
        file = fopen(path, "re");
        if (!file)
                return false;
        while (same && fgets(line, sizeof(line), file)) {
                same = matches_line(model, line);
                lines++;
        }
        fclose(file);
        return same && lines > 0 && lines == ckpt_model_count(model);
}

void expect_golden(const ckpt_model *model, const char *fixture, const char *golden)
{
        ck_assert_msg(matches_golden(model, fixture, golden), "the model is not %s of %s", golden, fixture);
}
