/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the results of ckpt-host load are shown
 */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "core/cli/cli.h"

void load_print(struct cli *cli, FILE *out);
void load_json(struct cli *cli, struct json *json);

/** "23.5 GB in 0.47 s (50 GB/s), page cache; 2890 reads, …": how the payload came. */
void phases_print(const ckpt_load_stats *stats, FILE *out);
/** The members "phases", "io" and "ring". */
void phases_json(const ckpt_load_stats *stats, struct json *json);
/** Gigabytes per second, in powers of ten as disks and buses are measured; 0 where no time passed. */
double rate(uint64_t bytes, double seconds);

/** What the checkpoint's format offers for its own bytes, in words. */
const char *checksums_of(struct cli *cli);

#endif
