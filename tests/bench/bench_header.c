/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the safetensors header parser is: a header of 12 MB with 91,000 tensors, named as a
 * mixture-of-experts model names them, made in memory and parsed with every check. Prints the median of
 * nine runs.
 */
#define _POSIX_C_SOURCE 200809L
#include "../../plugins/hf/safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
        LAYERS = 61,
        EXPERTS = 497,
        RUNS = 9,
        ENTRY_MAX = 256
};

static const char *const projections[] = {"gate_proj", "up_proj", "down_proj"};

static size_t write_header(char *header, size_t size, uint64_t *ret_data)
{
        uint64_t data = 0;
        size_t used = 0;
        int layer, expert, i;

        used += (size_t)snprintf(header, size, "{\"__metadata__\":{\"format\":\"pt\"}");
        for (layer = 0; layer < LAYERS; layer++)
                for (expert = 0; expert < EXPERTS; expert++)
                        for (i = 0; i < 3; i++) {
                                uint64_t end = data + UINT64_C(2048) * 7168 * 2;

                                used += (size_t)snprintf(
                                        header + used, size - used,
                                        ",\"model.layers.%d.mlp.experts.%d.%s.weight\":{\"dtype\":\"BF16\","
                                        "\"shape\":[2048,7168],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}",
                                        layer, expert, projections[i], data, end);
                                data = end;
                        }
        used += (size_t)snprintf(header + used, size - used, "}");
        *ret_data = data;
        return used;
}

static double now(void)
{
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int compare_doubles(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

int main(void)
{
        size_t room = (size_t)LAYERS * EXPERTS * 3 * ENTRY_MAX, size, tensors = 0;
        char *header = malloc(room);
        double seconds[RUNS];
        uint64_t data;
        int i;

        if (!header)
                return 1;
        size = write_header(header, room, &data);
        for (i = 0; i < RUNS; i++) {
                struct hf_safetensors table;
                struct hf_error error;
                double begin = now();

                if (hf_safetensors_parse(header, size, 8 + size + data, NULL, &table, &error) < 0) {
                        fprintf(stderr, "bench_header: %s\n", error.message);
                        free(header);
                        return 1;
                }
                tensors = table.n_tensors;
                hf_safetensors_deinit(&table);
                seconds[i] = now() - begin;
        }
        qsort(seconds, RUNS, sizeof *seconds, compare_doubles);
        printf("header: %.1f MB, %zu tensors, median of %d: %.2f ms, %.0f MB/s\n", (double)size / 1e6,
               tensors, RUNS, seconds[RUNS / 2] * 1e3, (double)size / seconds[RUNS / 2] / 1e6);
        free(header);
        return 0;
}
