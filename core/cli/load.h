/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the results of ckpt-host load are shown
 */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "core/cli/cli.h"

void load_print(struct cli *cli, FILE *out);
void load_json(struct cli *cli, struct json *json);

/** What the checkpoint's format offers for its own bytes, in words. */
const char *checksums_of(struct cli *cli);

#endif
