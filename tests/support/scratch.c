/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

static char directory[64];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
        (void)st;
        (void)type;
        (void)walk;
        return remove(path);
}

void scratch_new(void)
{
        snprintf(directory, sizeof(directory), "/tmp/ckpt-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
}

void scratch_remove(void)
{
        nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        directory[0] = '\0';
}

const char *scratch_directory(void)
{
        return directory;
}

const char *scratch_path(const char *name)
{
        static char paths[4][512];
        static unsigned turn;
        char *path = paths[turn++ % 4];

        snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
        return path;
}

unsigned scratch_count(void)
{
        DIR *dir = opendir(directory);
        unsigned n = 0;

        ck_assert_ptr_nonnull(dir);
        for (const struct dirent *entry; (entry = readdir(dir));)
                n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        closedir(dir);
        return n;
}

void scratch_write(const char *name, const void *bytes, size_t size)
{
        FILE *file = fopen(scratch_path(name), "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
        ck_assert_int_eq(fclose(file), 0);
}

void scratch_write_text(const char *name, const char *text)
{
        scratch_write(name, text, strlen(text));
}

char *scratch_read(const char *name, size_t *ret_size)
{
        FILE *file = fopen(scratch_path(name), "re");
        char *bytes;
        long size;

        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
        size = ftell(file);
        ck_assert_int_ge(size, 0);
        rewind(file);
        bytes = malloc((size_t)size + 1);
        ck_assert_ptr_nonnull(bytes);
        ck_assert_uint_eq(fread(bytes, 1, (size_t)size, file), (size_t)size);
        bytes[size] = '\0';
        fclose(file);
        *ret_size = (size_t)size;
        return bytes;
}

const char *test_place(const char *variable)
{
        const char *value = getenv(variable);

        ck_assert_msg(value != NULL, "%s is not set; run this through meson", variable);
        return value;
}
