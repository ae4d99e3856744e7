/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many headers, shared by a few threads: whoever is free takes the next one. What a thread finds stays with the
 * header, so that the caller can tell of it in the order of the files, whoever was first.
 */
#include "headers.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
        THREADS_MAX = 8,
        ALONE_MAX = 1024 * 1024, /* bytes of text that one thread has parsed before others are of use */
};

struct work {
        struct hf_header *headers;
        size_t count;
        const struct hf_safetensors_options *options;
        atomic_size_t next;
};

void hf_header_fail(struct hf_header *header, const struct hf_error *error)
{
        header->failed = true;
        header->error = malloc(sizeof *header->error);
        if (header->error)
                *header->error = *error;
}

static void parse_one(struct hf_header *header, const struct hf_safetensors_options *options)
{
        struct hf_error error;

        if (header->text && hf_safetensors_parse(header->text, header->length, header->file_size, options,
                                                 &header->table, &error) < 0)
                hf_header_fail(header, &error);
}

static void *take_and_parse(void *argument)
{
        struct work *work = argument;
        size_t i;

        while ((i = atomic_fetch_add(&work->next, 1)) < work->count)
                parse_one(&work->headers[i], work->options);
        return NULL;
}

/* Those that this process may use. The kernel refuses to say where there are more than the set has room for. */
static size_t count_processors(void)
{
        cpu_set_t set;

        return sched_getaffinity(0, sizeof set, &set) < 0 ? THREADS_MAX : (size_t)CPU_COUNT(&set);
}

/* How many threads to have, the caller's among them. */
static size_t count_threads(const struct hf_header *headers, size_t count)
{
        size_t processors, most = count < THREADS_MAX ? count : THREADS_MAX, bytes = 0, i;

        for (i = 0; i < count && bytes < ALONE_MAX; i++)
                bytes += headers[i].text ? headers[i].length : 0;
        if (bytes < ALONE_MAX)
                return 1;
        processors = count_processors();
        return processors < most ? processors : most;
}

/*
 * Signals are the embedding program's business: they are not to be delivered to these threads. One that cannot
 * be made is no failure, for those that are there do its work.
 */
static size_t start_threads(pthread_t *threads, size_t count, struct work *work)
{
        sigset_t all, before;
        size_t started = 0;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (started < count && pthread_create(&threads[started], NULL, take_and_parse, work) == 0)
                started++;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return started;
}

void hf_headers_parse(struct hf_header *headers, size_t count, const struct hf_safetensors_options *options)
{
        struct work work = {.headers = headers, .count = count, .options = options};
        size_t others = count_threads(headers, count) - 1, i;
        pthread_t threads[THREADS_MAX];

        others = others > 0 ? start_threads(threads, others, &work) : 0;
        take_and_parse(&work);
        for (i = 0; i < others; i++)
                pthread_join(threads[i], NULL);
}

void hf_headers_deinit(struct hf_header *headers, size_t count)
{
        size_t i;

        for (i = 0; i < count; i++) {
                hf_safetensors_deinit(&headers[i].table);
                free(headers[i].text);
                free(headers[i].error);
        }
}
