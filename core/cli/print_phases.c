/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each phase of a load took, and which way the bytes came: ckpt_load_stats alone, told anew
 */
#include <inttypes.h>

#include "core/base/cleanup.h"
#include "core/cli/load.h"

/* One row; 0 where a number does not apply. */
struct phase {
        const char *name;
        double seconds;
        uint64_t bytes, copies, launches;
};

double rate(uint64_t bytes, double seconds)
{
        return seconds > 0 ? (double)bytes / seconds / 1e9 : 0;
}

static void json_phase(struct json *json, const struct phase *phase)
{
        put_begin_object(json, phase->name);
        put_f64(json, "seconds", phase->seconds);
        put_u64(json, "bytes", phase->bytes);
        if (phase->bytes > 0 && phase->seconds > 0)
                put_f64(json, "gigabytes_per_second", rate(phase->bytes, phase->seconds));
        else
                put_null(json, "gigabytes_per_second");
        put_u64(json, "copies", phase->copies);
        put_u64(json, "launches", phase->launches);
        put_end_object(json);
}

/* The configuration is counted with the headers, in the phase that reads nearly all of them. */
static void json_each_phase(const ckpt_load_stats *s, struct json *json)
{
        const struct phase phases[] = {
                {"config", s->config_seconds, 0, 0, 0},
                {"weights", s->weights_seconds, s->bytes_headers, 0, 0},
                {"map", s->map_seconds, 0, 0, 0},
                {"plan", s->plan_seconds, 0, 0, 0},
                {"allocate", s->allocate_seconds, s->bytes_final, 0, 0},
                {"ring", s->ring_seconds, s->ring_bytes, 0, 0},
                {"load", s->execute_seconds, s->bytes_read, s->copies, s->kernels},
                {"digest", s->digest_seconds, s->digest_seconds > 0 ? s->bytes_final : 0, 0, 0},
        };

        put_begin_object(json, "phases");
        for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
                json_phase(json, &phases[i]);
        put_end_object(json);
}

void phases_json(const ckpt_load_stats *s, struct json *json)
{
        json_each_phase(s, json);
        put_begin_object(json, "io");
        put_string(json, "requested", io_name(s->io_requested));
        put_string(json, "chosen", io_name(s->io_chosen));
        put_string(json, "effective", io_name(s->io_effective));
        put_string(json, "engine", s->io_engine);
        put_string(json, "why", s->io_why);
        put_u64(json, "bytes_buffered", s->bytes_buffered);
        put_u64(json, "bytes_direct", s->bytes_direct);
        put_u64(json, "bytes_mapped", s->bytes_mapped);
        put_u64(json, "bytes_to_device", s->bytes_to_device);
        put_end_object(json);
        put_begin_object(json, "ring");
        put_u64(json, "bytes", s->ring_bytes);
        put_u64(json, "readers", s->readers);
        put_end_object(json);
}

/* In powers of ten, as disks and buses are measured. */
static void print_bytes(FILE *out, uint64_t bytes)
{
        static const char *const units[] = {"kB", "MB", "GB", "TB"};
        double scaled = (double)bytes / 1e3;
        size_t unit = 0;

        if (bytes < 1000) {
                fprintf(out, "%" PRIu64 " B", bytes);
                return;
        }
        for (; scaled >= 999.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
                scaled /= 1e3;
        fprintf(out, "%.1f %s", scaled, units[unit]);
}

/* NULL where no file was read, and so nothing came one way or another. */
static const char *way_of(const ckpt_load_stats *s)
{
        switch (s->io_effective) {
        case CKPT_IO_BUFFERED:
                return "page cache";
        case CKPT_IO_DIRECT:
                return "past the page cache";
        case CKPT_IO_MAPPED:
                return "mapped pages";
        default:
                return NULL;
        }
}

void phases_print(const ckpt_load_stats *s, FILE *out)
{
        const char *way = way_of(s);

        fprintf(out, "%-14s", "load");
        print_bytes(out, s->bytes_read);
        fprintf(out, " in %.3g s (%.3g GB/s)", s->execute_seconds, rate(s->bytes_read, s->execute_seconds));
        if (way)
                fprintf(out, ", %s", way);
        if (way && *s->io_engine)
                fprintf(out, " (%s)", s->io_engine);
        fprintf(out, "; %" PRIu64 " reads, %" PRIu64 " copies, %" PRIu64 " kernels, %u readers\n", s->reads,
                s->copies, s->kernels, s->readers);
}
