/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage: write-torch zip|legacy FILE PICKLE STORAGES
 *
 * Writes a torch file from the words of tests/support/pickle_writer.h and torch_builder.h, for scripts.
 */
#include <stdio.h>
#include <string.h>

#include "support/torch_builder.h"

int main(int argc, char **argv)
{
        struct torch_parts parts;
        struct torch_file file;
        FILE *out;

        if (argc != 5)
                return 2;
        parts = (struct torch_parts){.pickle = argv[3], .storages = argv[4]};
        (strcmp(argv[1], "legacy") == 0 ? torch_write_legacy : torch_write_zip)(&parts, &file);
        out = fopen(argv[2], "wbe");
        if (!out || fwrite(file.bytes.at, 1, file.bytes.size, out) != file.bytes.size || fclose(out) != 0) {
                perror(argv[2]);
                return 1;
        }
        torch_file_free(&file);
        return 0;
}
